"""The record of a run, with types: its folder, its history and its metrics."""

from pinn.record.folder import RunFolder
from pinn.record.history import History, PhaseSpan
from pinn.record.metrics import (
    ErrorAt,
    Metrics,
    MisfitMetrics,
    ModeMetrics,
    OpenMetrics,
    PhaseMetrics,
    PosteriorMetrics,
    TimeMetrics,
    UnknownMetrics,
    WeightMetrics,
)
from pinn.record.sweep import Setting, Sweep, SweepFolder, SweepRun

__all__ = [
    "ErrorAt",
    "History",
    "Metrics",
    "MisfitMetrics",
    "ModeMetrics",
    "OpenMetrics",
    "PhaseMetrics",
    "PhaseSpan",
    "PosteriorMetrics",
    "RunFolder",
    "Setting",
    "Sweep",
    "SweepFolder",
    "SweepRun",
    "TimeMetrics",
    "UnknownMetrics",
    "WeightMetrics",
]
