"""The problems that come with the package: one equation per file, each with its reference solution."""

from pinn.problems.burgers import Burgers
from pinn.problems.helmholtz import Helmholtz
from pinn.problems.kdv_solitons import KdVSolitons
from pinn.problems.kovasznay import Kovasznay
from pinn.problems.wave import Wave

__all__ = ["Burgers", "Helmholtz", "KdVSolitons", "Kovasznay", "Wave"]
