"""Checks of a problem before it is solved: what it says, what it costs, and what is doubtful."""

from pinn.checking.check import examine, measure
from pinn.checking.report import Cost, Report

__all__ = ["Cost", "Report", "examine", "measure"]
