"""Training: phases, stop rules, checkpoints, and the functions that users call."""

from pinn.training.data import Synthetic
from pinn.training.files import DataFile
from pinn.training.fit import Result, fit, minimize
from pinn.training.points import Points
from pinn.training.setup import Setup, two_phases
from pinn.training.solution import Solution
from pinn.training.solve import execute, load, resume, solve
from pinn.training.stopping import StopRule
from pinn.training.trainer import Phase, Report, Trainer

__all__ = [
    "DataFile", "Phase", "Points", "Report", "Result", "Setup", "Solution", "StopRule", "Synthetic", "Trainer",
    "execute", "fit", "load", "minimize", "resume", "solve", "two_phases",
]  # fmt: skip
