"""The record of a run, with types: its folder, its history and its metrics."""

from pinn.record.folder import RunFolder
from pinn.record.history import History, PhaseSpan
from pinn.record.metrics import (
    ErrorAt,
    Metrics,
    MisfitMetrics,
    ModeMetrics,
    PhaseMetrics,
    TimeMetrics,
    UnknownMetrics,
    WeightMetrics,
)

__all__ = [
    "ErrorAt",
    "History",
    "Metrics",
    "MisfitMetrics",
    "ModeMetrics",
    "PhaseMetrics",
    "PhaseSpan",
    "RunFolder",
    "TimeMetrics",
    "UnknownMetrics",
    "WeightMetrics",
]
