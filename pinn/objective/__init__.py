"""Losses as pure functions of one vector, for a problem, a network and points."""

from pinn.objective.batch import FIRST_STAGE, Batch, StageParameters
from pinn.objective.blocks import Blocks, cut_into_blocks
from pinn.objective.determination import undetermined
from pinn.objective.evaluator import Evaluator, ResidualSize, evaluate_law
from pinn.objective.find_scales import find_scales
from pinn.objective.last_layer import fitted_last_layer, is_shallow
from pinn.objective.least_squares import LeastSquares
from pinn.objective.mode_start import mode_start
from pinn.objective.objective import Objective
from pinn.objective.point_sets import DataSets, PointSet, draw
from pinn.objective.quadrature_rules import NODES
from pinn.objective.scales import UNSCALED, FieldScale, Scales
from pinn.objective.standard_errors import StandardErrors, of_covariance, standard_errors
from pinn.objective.tangent_error import (
    ROWS,
    MeasuredFit,
    amplification,
    seen_again,
    unseen_jacobian,
)
from pinn.objective.term_diagnostics import TermDiagnostics
from pinn.objective.terms import Misfit
from pinn.objective.trial import trial

__all__ = [
    "FIRST_STAGE",
    "NODES",
    "ROWS",
    "UNSCALED",
    "Batch",
    "Blocks",
    "DataSets",
    "Evaluator",
    "FieldScale",
    "LeastSquares",
    "MeasuredFit",
    "Misfit",
    "Objective",
    "PointSet",
    "ResidualSize",
    "Scales",
    "StageParameters",
    "StandardErrors",
    "TermDiagnostics",
    "amplification",
    "cut_into_blocks",
    "draw",
    "evaluate_law",
    "find_scales",
    "fitted_last_layer",
    "is_shallow",
    "mode_start",
    "of_covariance",
    "seen_again",
    "standard_errors",
    "trial",
    "undetermined",
    "unseen_jacobian",
]
