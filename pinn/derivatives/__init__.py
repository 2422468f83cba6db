"""Derivatives by name: the grammar of signatures, the fast engine, and the slow one, its oracle."""

from pinn.derivatives import collapse, nested, taylor
from pinn.derivatives.names import Symbol, parse, plan, spells_derivative
from pinn.derivatives.taylor import Trial

__all__ = ["Symbol", "Trial", "collapse", "nested", "parse", "plan", "spells_derivative", "taylor"]
