"""Problems: named residuals on named regions, whose parameter names declare their derivatives."""

from pinn.problem.declaration import (
    Term,
    complementarity,
    final_time,
    flux,
    integral,
    parameter,
    positive,
    residual,
    satisfies,
)
from pinn.problem.delays import Delay
from pinn.problem.evaluation import call
from pinn.problem.integrals import OWN, Integral
from pinn.problem.materials import Material
from pinn.problem.patches import Patch, share_of
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
    "OWN",
    "At",
    "Delay",
    "Inside",
    "Integral",
    "Material",
    "Part",
    "Patch",
    "Problem",
    "Region",
    "Term",
    "call",
    "complementarity",
    "covers",
    "final_time",
    "flux",
    "free_coordinates",
    "has_normals",
    "has_points",
    "integral",
    "parameter",
    "patches",
    "positive",
    "region_names",
    "residual",
    "satisfies",
    "share_of",
]
