"""Losses as functions of one flat vector, for a problem, a network and points."""

from pinn.objective.batch import Batch
from pinn.objective.evaluator import Evaluator, ResidualSize
from pinn.objective.last_layer import fitted_last_layer, is_shallow
from pinn.objective.least_squares import LeastSquares
from pinn.objective.objective import Objective
from pinn.objective.points import Blocks, PointSet, blocks, draw
from pinn.objective.standard_errors import standard_errors
from pinn.objective.term_diagnostics import TermDiagnostics
from pinn.objective.trial import trial

__all__ = [
    "Batch",
    "Blocks",
    "Evaluator",
    "LeastSquares",
    "Objective",
    "PointSet",
    "ResidualSize",
    "TermDiagnostics",
    "blocks",
    "draw",
    "fitted_last_layer",
    "is_shallow",
    "standard_errors",
    "trial",
]
