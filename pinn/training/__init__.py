"""The training loop, which knows neither the equation nor the optimizer."""

from pinn.training.feed import Feed
from pinn.training.phase_run import Callback, Phase, Report
from pinn.training.progress import Progress
from pinn.training.stopping import StopKind, StopReason, StopRule
from pinn.training.trainer import Trainer

__all__ = [
    "Callback",
    "Feed",
    "Phase",
    "Progress",
    "Report",
    "StopKind",
    "StopReason",
    "StopRule",
    "Trainer",
]
