"""Problems: named residuals on named regions, whose parameter names declare their derivatives."""

from pinn.problem.declaration import Term, final_time, integral, positive, residual, satisfies
from pinn.problem.delays import Delay
from pinn.problem.evaluation import call
from pinn.problem.integrals import OWN, Integral
from pinn.problem.problem import Problem
from pinn.problem.regions import (
    At,
    Inside,
    Part,
    Patch,
    Region,
    free_coordinates,
    has_points,
    patches,
    share_of,
)

__all__ = [
    "OWN",
    "At",
    "Delay",
    "Inside",
    "Integral",
    "Part",
    "Patch",
    "Problem",
    "Region",
    "Term",
    "call",
    "final_time",
    "free_coordinates",
    "has_points",
    "integral",
    "patches",
    "positive",
    "residual",
    "satisfies",
    "share_of",
]
