"""Tables for the terminal: a run's summary, several runs side by side, and what can be run."""

from pinn.reporting.compare import compare
from pinn.reporting.listing import listing
from pinn.reporting.summary import summary

__all__ = ["compare", "listing", "summary"]
