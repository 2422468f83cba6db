"""Reference solutions: formulas that are evaluated up to rounding, and spectral solvers."""

from pinn.references.allen_cahn import allen_cahn, allen_cahn_error, kink_images, smoothed_kink
from pinn.references.cavity import cavity, cavity_error
from pinn.references.cole_hopf import cole_hopf
from pinn.references.etdrk4 import etdrk4, project, pseudospectral, sample, wavenumbers
from pinn.references.ginzburg_landau import ginzburg_landau, ginzburg_landau_error
from pinn.references.gray_scott import BELLS, bell_images, fading_bell, gray_scott, gray_scott_error
from pinn.references.interpolation import PeriodicFunction
from pinn.references.kdv import kdv, kdv_error
from pinn.references.kuramoto_sivashinsky import kuramoto_sivashinsky, kuramoto_sivashinsky_error
from pinn.references.lorenz import lorenz
from pinn.references.multipoles import Multipoles
from pinn.references.plane import PeriodicRectangle, PlaneFunction
from pinn.references.robertson import robertson
from pinn.references.schrodinger import schrodinger, schrodinger_error
from pinn.references.solitons import two_solitons, two_solitons_slope

__all__ = [
    "BELLS",
    "Multipoles",
    "PeriodicFunction",
    "PeriodicRectangle",
    "PlaneFunction",
    "allen_cahn",
    "allen_cahn_error",
    "bell_images",
    "cavity",
    "cavity_error",
    "cole_hopf",
    "etdrk4",
    "fading_bell",
    "ginzburg_landau",
    "ginzburg_landau_error",
    "gray_scott",
    "gray_scott_error",
    "kdv",
    "kdv_error",
    "kink_images",
    "kuramoto_sivashinsky",
    "kuramoto_sivashinsky_error",
    "lorenz",
    "project",
    "pseudospectral",
    "robertson",
    "sample",
    "schrodinger",
    "schrodinger_error",
    "smoothed_kink",
    "two_solitons",
    "two_solitons_slope",
    "wavenumbers",
]
