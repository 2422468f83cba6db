"""The training loop: phases, stop rules, progress; it knows neither the equation nor the optimizer."""

from pinn.training.stopping import StopRule
from pinn.training.trainer import Callback, Phase, Report, Trainer

__all__ = ["Callback", "Phase", "Report", "StopRule", "Trainer"]
