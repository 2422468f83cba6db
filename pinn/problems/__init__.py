"""The problems that come with the package: one equation family per file, each with its reference solution."""

from pinn.problems.allen_cahn import AllenCahn
from pinn.problems.burgers import Burgers
from pinn.problems.field_inverse import HeatFieldInverse, PoissonFieldInverse
from pinn.problems.heat import Heat
from pinn.problems.helmholtz import Helmholtz
from pinn.problems.kdv_inverse import KdVInverse
from pinn.problems.kdv_solitons import KdVSolitons
from pinn.problems.kovasznay import Kovasznay
from pinn.problems.lorenz_inverse import LorenzInverse
from pinn.problems.navier_stokes_inverse import NavierStokesInverse
from pinn.problems.poisson import Poisson, Poisson5D
from pinn.problems.wave import Wave

__all__ = [
    "AllenCahn",
    "Burgers",
    "Heat",
    "HeatFieldInverse",
    "Helmholtz",
    "KdVInverse",
    "KdVSolitons",
    "Kovasznay",
    "LorenzInverse",
    "NavierStokesInverse",
    "Poisson",
    "Poisson5D",
    "PoissonFieldInverse",
    "Wave",
]
