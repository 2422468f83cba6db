"""Derivatives by name: the grammar of signatures, the fast engine, and the slow one, its oracle."""

from pinn.derivatives import collapse, nested, taylor
from pinn.derivatives.names import (
    SIDES,
    Symbol,
    is_measurable,
    parse,
    parse_two_sided,
    plan,
    spells_derivative,
)
from pinn.derivatives.taylor import Trial

__all__ = [
    "SIDES",
    "Symbol",
    "Trial",
    "collapse",
    "is_measurable",
    "nested",
    "parse",
    "parse_two_sided",
    "plan",
    "spells_derivative",
    "taylor",
]
