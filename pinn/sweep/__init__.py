"""Experiments over seeds, and runs of sweeps, one process per job.

Finished jobs are skipped; interrupted ones continue.
"""

from pinn.sweep.job import Attempt, Job
from pinn.sweep.launch import by_hydra, check_launcher, one_by_one
from pinn.sweep.process import Ending
from pinn.sweep.search import Outcome
from pinn.sweep.sweep_job import SweepJob, settle

__all__ = [
    "Attempt",
    "Ending",
    "Job",
    "Outcome",
    "SweepJob",
    "by_hydra",
    "check_launcher",
    "one_by_one",
    "settle",
]
