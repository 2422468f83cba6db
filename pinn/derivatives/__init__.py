"""Derivatives by name: the grammar of signatures, the fast engine, and the slow one, its oracle."""

from pinn.derivatives import collapse, nested, taylor
from pinn.derivatives.names import Symbol, is_measurable, parse, plan
from pinn.derivatives.taylor import Trial

__all__ = ["Symbol", "Trial", "collapse", "is_measurable", "nested", "parse", "plan", "taylor"]
