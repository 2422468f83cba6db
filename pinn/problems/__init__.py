"""The problems of the package: one family of equations per file, with reference solutions."""

from pinn.problems.allen_cahn import AllenCahn
from pinn.problems.beltrami import Beltrami
from pinn.problems.burgers import Burgers
from pinn.problems.cavity import Cavity, CavityUniformLid
from pinn.problems.convection import Convection
from pinn.problems.field_inverse import HeatFieldInverse, HeatLawInverse, PoissonFieldInverse
from pinn.problems.ginzburg_landau import GinzburgLandau
from pinn.problems.gray_scott import GrayScott
from pinn.problems.heat import Heat, Heat5D, HeatMultiscale, HeatOven
from pinn.problems.helmholtz import Helmholtz
from pinn.problems.kdv import KdV, KdVInverse
from pinn.problems.kdv_solitons import KdVSolitons
from pinn.problems.klein_gordon import KleinGordon
from pinn.problems.kovasznay import Kovasznay
from pinn.problems.kuramoto_sivashinsky import KuramotoSivashinsky
from pinn.problems.lorenz_inverse import LorenzInverse
from pinn.problems.navier_stokes_inverse import NavierStokesInverse
from pinn.problems.nonlinear_poisson import NonlinearPoisson
from pinn.problems.perforated import PoissonBoltzmann, PoissonHoles
from pinn.problems.poisson import LaplacianMultiscale, Poisson, Poisson5D, Poisson10D
from pinn.problems.reaction import Reaction
from pinn.problems.robertson import Robertson
from pinn.problems.schrodinger import Schrodinger
from pinn.problems.taylor_green import TaylorGreen
from pinn.problems.wave import Wave

__all__ = [
    "AllenCahn",
    "Beltrami",
    "Burgers",
    "Cavity",
    "CavityUniformLid",
    "Convection",
    "GinzburgLandau",
    "GrayScott",
    "Heat",
    "Heat5D",
    "HeatFieldInverse",
    "HeatLawInverse",
    "HeatMultiscale",
    "HeatOven",
    "Helmholtz",
    "KdV",
    "KdVInverse",
    "KdVSolitons",
    "KleinGordon",
    "Kovasznay",
    "KuramotoSivashinsky",
    "LaplacianMultiscale",
    "LorenzInverse",
    "NavierStokesInverse",
    "NonlinearPoisson",
    "Poisson",
    "Poisson5D",
    "Poisson10D",
    "PoissonBoltzmann",
    "PoissonFieldInverse",
    "PoissonHoles",
    "Reaction",
    "Robertson",
    "Schrodinger",
    "TaylorGreen",
    "Wave",
]
