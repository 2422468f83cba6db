"""How a problem is declared: marks of its methods, defaults of its coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pinn.derivatives import Symbol

POSITIVE = "positive"  # keys of a field's metadata
FINAL_TIME = "final_time"

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Term:
    """A residual of a problem: its name, its region and the symbols that it takes."""

    name: str
    region: str
    symbols: tuple[Symbol, ...]


def residual(*, on: str) -> Callable[[Method], Method]:
    """Mark a method of a problem as a residual on a region.

    Regions are "interior", "initial" (the start time), "boundary" (all faces), a named part of the
    boundary such as "holes", a face such as "x-" or "x+", "data" (the points of measurements;
    "data_probes" where the set "probes" is one of several), and the names in the problem's
    `regions`.
    The method's name is also the name of its term in the loss, in the history and in the weights.
    """

    def mark(method: Method) -> Method:
        vars(method)["region"] = on
        return method

    return mark


def satisfies(*names: str) -> Callable[[Method], Method]:
    """Mark an ansatz with the residuals that it makes vanish identically; they leave the loss."""

    def mark(method: Method) -> Method:
        vars(method)["satisfies"] = names
        return method

    return mark


def positive(default: float) -> float:
    """Return the default of a coefficient that must be positive and finite."""
    return field(default=default, metadata={POSITIVE: True})


def final_time(default: float) -> float:
    """Return the default of a coefficient that ends the time interval, which starts at 0."""
    return field(default=default, metadata={POSITIVE: True, FINAL_TIME: True})


def residual_methods(cls: type) -> dict[str, Any]:
    """Return the residual methods of a class by name, inherited ones first, as they are defined."""
    methods: dict[str, Any] = {}
    for ancestor in reversed(cls.__mro__):
        for name, member in vars(ancestor).items():
            if hasattr(member, "region"):
                methods[name] = member
            elif name in methods:  # overridden by something else
                del methods[name]
    return methods
