"""How a problem is declared: marks of its methods, defaults of its coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pinn.derivatives import Symbol
from pinn.errors import InputError

POSITIVE = "positive"  # keys of a field's metadata
FINAL_TIME = "final_time"
CONTINUITY = "continuity_"  # how the names of conditions on interfaces begin
FLUX = "flux_"

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Term:
    """A residual of a problem: its name, its region and the symbols that it takes.

    Attributes:
        name: its name in the loss.
        region: where it holds.
        symbols: the parameters of the method, parsed.
        kind: whether it is a method of the problem, or one of the conditions on interfaces between
            materials: the jump of a field, or of a flux.
    """

    name: str
    region: str
    symbols: tuple[Symbol, ...]
    kind: Literal["residual", "continuity", "flux"] = "residual"

    @property
    def method(self) -> str:
        """The name of the method that it is computed with; that of no method for a continuity."""
        return self.name.removeprefix(FLUX) if self.kind == "flux" else self.name


def residual(
    *, on: str | Sequence[str], replaces: str | Sequence[str] = ()
) -> Callable[[Method], Method]:
    """Mark a method of a problem as a residual on a region.

    Regions are "interior", "initial" (the start time), "boundary" (all faces), a named part of the
    boundary such as "holes", a face such as "x-" or "x+", "data" (the points of measurements), and
    the names in the problem's `regions` and `materials`.
    The method's name is also the name of its term in the loss, in the history and in the weights.

    Args:
        on: the region.  The names of two faces, as in ("x-", "x+") or "x-|x+", are a region with
            two sides, and so are those of two materials that touch; "interfaces" is where any do.
        replaces: the conditions on an interface that this residual takes the place of, such as
            "continuity_T" or "flux_heat".

    Raises:
        InputError: for a region that is no name.
    """
    if not isinstance(on, str) and not all(isinstance(name, str) for name in on):
        raise InputError(f"residual: on={on!r}; give a region, or the names of two faces.")
    replaced = (replaces,) if isinstance(replaces, str) else tuple(replaces)

    def mark(method: Method) -> Method:
        vars(method)["region"] = on if isinstance(on, str) else "|".join(on)
        vars(method)["replaces"] = replaced
        return method

    return mark


def flux(method: Method) -> Method:
    """Mark a method of a problem whose value is continuous through interfaces, such as k T_n.

    Its parameters are those of a residual on a boundary, and `T_n` is the derivative along the
    interface's normal.  Its difference between the two sides is a term of the loss, whose name is
    that of the method behind `flux_`.
    """
    vars(method)["is_flux"] = True
    return method


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
    return _marked(cls, "region")


def flux_methods(cls: type) -> dict[str, Any]:
    """Return the methods of a class that are fluxes by name, in the order of `residual_methods`."""
    return _marked(cls, "is_flux")


def _marked(cls: type, mark: str) -> dict[str, Any]:
    """Return the methods of a class that have a mark by name."""
    methods: dict[str, Any] = {}
    for ancestor in reversed(cls.__mro__):
        for name, member in vars(ancestor).items():
            if hasattr(member, mark):
                methods[name] = member
            elif name in methods:  # overridden by something else
                del methods[name]
    return methods
