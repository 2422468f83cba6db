"""Experiments over seeds, one process per job.

Finished jobs are skipped; interrupted ones continue.
"""

from pinn.sweep.job import Attempt, Job
from pinn.sweep.launch import by_hydra, check_launcher, one_by_one
from pinn.sweep.process import Ending

__all__ = ["Attempt", "Ending", "Job", "by_hydra", "check_launcher", "one_by_one"]
