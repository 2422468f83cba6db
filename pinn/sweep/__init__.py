"""Experiments over seeds, each in a process of its own: finished ones are skipped, interrupted ones continue."""

from pinn.sweep.job import Attempt, Job
from pinn.sweep.launch import by_hydra, check_launcher, one_by_one
from pinn.sweep.process import Ending

__all__ = ["Attempt", "Ending", "Job", "by_hydra", "check_launcher", "one_by_one"]
