"""The record of a run: its folder, its history and its metrics."""

from pinn.record.history import History

__all__ = ["History"]
