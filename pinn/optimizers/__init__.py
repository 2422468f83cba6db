# pyright: strict
"""Optimizers of a function of one flat vector."""

from pinn.optimizers.adam import Adam
from pinn.optimizers.gauss_newton import GaussNewton
from pinn.optimizers.gauss_newton_svd import GaussNewtonSVD
from pinn.optimizers.interface import (
    BoundOptimizer,
    Limits,
    Minimization,
    Optimizer,
    State,
    Status,
    Trace,
)
from pinn.optimizers.lbfgs import LBFGS
from pinn.optimizers.lbfgsb import LBFGSB
from pinn.optimizers.least_squares import Residuals, SumOfSquares
from pinn.optimizers.multi_batch import MultiBatchLBFGS
from pinn.optimizers.quasi_newton import BFGS, SSBroyden
from pinn.optimizers.schedules import WarmupExponentialDecay
from pinn.optimizers.soap import SOAP

__all__ = [
    "BFGS",
    "LBFGS",
    "LBFGSB",
    "SOAP",
    "Adam",
    "BoundOptimizer",
    "GaussNewton",
    "GaussNewtonSVD",
    "Limits",
    "Minimization",
    "MultiBatchLBFGS",
    "Optimizer",
    "Residuals",
    "SSBroyden",
    "State",
    "Status",
    "SumOfSquares",
    "Trace",
    "WarmupExponentialDecay",
]
