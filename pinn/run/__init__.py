"""Runs: solve a setup, resume and load it, and the solution that it gives."""

from pinn.run.solution import Solution
from pinn.run.solve import execute, load, resume, solve

__all__ = ["Solution", "execute", "load", "resume", "solve"]
