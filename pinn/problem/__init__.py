"""Problems: named residuals on named regions, whose parameter names declare their derivatives."""

from pinn.problem.declaration import (
    Term,
    final_time,
    flux,
    parameter,
    positive,
    residual,
    satisfies,
)
from pinn.problem.evaluation import call
from pinn.problem.materials import Material
from pinn.problem.patches import Patch
from pinn.problem.problem import Problem
from pinn.problem.regions import (
    At,
    Inside,
    Part,
    Region,
    covers,
    free_coordinates,
    has_normals,
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
    "covers",
    "final_time",
    "flux",
    "free_coordinates",
    "has_normals",
    "has_points",
    "parameter",
    "patches",
    "positive",
    "region_names",
    "residual",
    "satisfies",
]
