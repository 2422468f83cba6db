"""Problems: named residuals on named regions, whose parameter names declare their derivatives."""

from pinn.problem.declaration import (
    Term,
    final_time,
    integral,
    parameter,
    positive,
    residual,
    satisfies,
)
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
    covers,
    free_coordinates,
    has_normals,
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
    "covers",
    "final_time",
    "free_coordinates",
    "has_normals",
    "has_points",
    "integral",
    "parameter",
    "patches",
    "positive",
    "residual",
    "satisfies",
    "share_of",
]
