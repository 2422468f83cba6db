"""Losses as functions of one flat vector: of a problem, and of supervised data."""

from pinn.objective.batch import Batch
from pinn.objective.evaluator import Evaluator, ResidualSize
from pinn.objective.last_layer import fitted_last_layer, is_shallow
from pinn.objective.least_squares import LeastSquares
from pinn.objective.measures import Measures
from pinn.objective.objective import Objective
from pinn.objective.parts import rows
from pinn.objective.points import Blocks, PointSet, blocks, draw
from pinn.objective.standard_errors import standard_errors
from pinn.objective.supervised import supervised
from pinn.objective.trial import trial

__all__ = [
    "Batch",
    "Blocks",
    "Evaluator",
    "LeastSquares",
    "Measures",
    "Objective",
    "PointSet",
    "ResidualSize",
    "blocks",
    "draw",
    "fitted_last_layer",
    "is_shallow",
    "rows",
    "standard_errors",
    "supervised",
    "trial",
]
