"""Minimizers of a function of one flat vector."""

from pinn.optimizers.adam import Adam
from pinn.optimizers.lbfgs import LBFGS
from pinn.optimizers.minimizer import Limits, Minimizer, State, Stepper, Trace

__all__ = ["LBFGS", "Adam", "Limits", "Minimizer", "State", "Stepper", "Trace"]
