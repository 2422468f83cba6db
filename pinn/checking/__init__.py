"""Checks of a problem before it is solved: what it says, what it costs, and what is doubtful."""

from pinn.checking.check import check, check_setup, examine
from pinn.checking.cost import Cost
from pinn.checking.report import Report

__all__ = ["Cost", "Report", "check", "check_setup", "examine"]
