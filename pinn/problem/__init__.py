"""Problems: named residuals on named regions, whose parameter names declare their derivatives."""

from pinn.problem.declaration import Term, final_time, parameter, positive, residual, satisfies
from pinn.problem.evaluation import call
from pinn.problem.problem import Problem
from pinn.problem.regions import (
    At,
    Inside,
    Part,
    Patch,
    Region,
    covers,
    free_coordinates,
    has_normals,
    has_points,
    patches,
)

__all__ = [
    "At",
    "Inside",
    "Part",
    "Patch",
    "Problem",
    "Region",
    "Term",
    "call",
    "covers",
    "final_time",
    "free_coordinates",
    "has_normals",
    "has_points",
    "parameter",
    "patches",
    "positive",
    "residual",
    "satisfies",
]
