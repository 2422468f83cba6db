"""The problems that come with the package: one equation family per file, each with its reference solution."""

from pinn.problems.allen_cahn import AllenCahn
from pinn.problems.beltrami import Beltrami
from pinn.problems.burgers import Burgers
from pinn.problems.cavity import Cavity, CavityUniformLid
from pinn.problems.heat import Heat
from pinn.problems.helmholtz import Helmholtz
from pinn.problems.kdv_solitons import KdVSolitons
from pinn.problems.kovasznay import Kovasznay
from pinn.problems.poisson import Poisson, Poisson5D
from pinn.problems.taylor_green import TaylorGreen
from pinn.problems.wave import Wave

__all__ = [
    "AllenCahn",
    "Beltrami",
    "Burgers",
    "Cavity",
    "CavityUniformLid",
    "Heat",
    "Helmholtz",
    "KdVSolitons",
    "Kovasznay",
    "Poisson",
    "Poisson5D",
    "TaylorGreen",
    "Wave",
]
