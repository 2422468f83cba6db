"""Problems: named residuals on named regions, whose parameter names declare their derivatives."""

from pinn.problem.declaration import Term, final_time, flux, positive, residual, satisfies
from pinn.problem.evaluation import call
from pinn.problem.materials import Material
from pinn.problem.patches import Patch
from pinn.problem.problem import Problem
from pinn.problem.regions import (
    At,
    Inside,
    Part,
    Region,
    free_coordinates,
    has_points,
    patches,
    region_names,
)

__all__ = [
    "At",
    "Inside",
    "Material",
    "Part",
    "Patch",
    "Problem",
    "Region",
    "Term",
    "call",
    "final_time",
    "flux",
    "free_coordinates",
    "has_points",
    "patches",
    "positive",
    "region_names",
    "residual",
    "satisfies",
]
