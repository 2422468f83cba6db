"""How a problem is declared: marks of its methods, defaults of its coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pinn.derivatives import Symbol
from pinn.parameters import Parameter

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

POSITIVE = "positive"  # keys of a field's metadata
FINAL_TIME = "final_time"

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Term:
    """A residual of a problem.

    Attributes:
        name: of its method.
        region: where it holds.
        symbols: what it depends on: what the method takes, and behind that the parameters of the
            problem that the method does not name, since it may read them from `self`.
        taken: number of symbols that the method takes; None: all.
    """

    name: str
    region: str
    symbols: tuple[Symbol, ...]
    taken: int | None = None

    def value(self, problem: Problem, arguments: Sequence[Any]) -> Any:
        """Return what the method gives for one argument per symbol: tensors or arrays [n]."""
        names = [symbol.name for symbol in self.symbols]
        at_points = problem.at(dict(zip(names, arguments, strict=True)))
        return getattr(at_points, self.name)(*arguments[: self.taken])


def residual(*, on: str) -> Callable[[Method], Method]:
    """Mark a method of a problem as a residual on a region.

    Regions are "interior", "initial" (the start time), "boundary" (all faces), a named part of the
    boundary such as "holes", a face such as "x-" or "x+", "data" (the points of measurements), and
    the names in the problem's `regions`.
    The method's name is also the name of its term in the loss, in the history and in the weights.
    """

    def mark(method: Method) -> Method:
        vars(method)["region"] = on
        return method

    return mark


@dataclass(frozen=True)
class Marks:
    """What `integral` says of an integrand: what it is integrated over, and between which limits.

    The attributes are those of `integral`, with the names in a tuple.
    """

    over: tuple[str, ...]
    lower: float | str | None
    upper: float | str | None


def integral(
    *,
    over: str | Sequence[str],
    lower: float | str | None = None,
    upper: float | str | None = None,
) -> Callable[[Method], Method]:
    """Mark a method of a problem as the integrand of an integral, which residuals take by its name.

    The parameters of the integrand are those of a residual: coordinates, fields and derivatives,
    all at the point of integration.  A coordinate with the ending `_at`, as in `x_at`, is that of
    the point at which the integral is evaluated.

    Args:
        over: a region, whose points in space are integrated over; or coordinates, such as "x" or
            ("x", "t"), which run through their ranges; or both, as in ("x+", "t").  All other
            coordinates are those of the point at which the integral is evaluated.
        lower: lower limit of a single coordinate: a number, or the coordinate's own name, which
            stands for its value at the point.  None: where its range begins.
        upper: upper limit in the same way, as in `over="t", upper="t"`.  None: where its range
            ends.
    """
    names = (over,) if isinstance(over, str) else tuple(over)

    def mark(method: Method) -> Method:
        vars(method)["integral"] = Marks(names, lower, upper)
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


def parameter(lower: float, upper: float, *, log: bool = False) -> Any:
    """Return the default of a coefficient on which the solution depends as on a coordinate.

    The network takes the coefficient as an input, and one run solves the problem for all values.
    In methods, `self.nu` is the value at each point.  A number given for the coefficient fixes it.

    Args:
        lower: the least value.
        upper: the largest value.
        log: whether values are drawn, and enter the network, by their logarithm.

    Raises:
        InputError: for bounds that are not in order.
    """
    return field(default=Parameter(lower, upper, log))


def final_time(default: float) -> float:
    """Return the default of a coefficient that ends the time interval, which starts at 0."""
    return field(default=default, metadata={POSITIVE: True, FINAL_TIME: True})


def residual_methods(cls: type) -> dict[str, Any]:
    """Return the residual methods of a class by name, inherited ones first, as they are defined."""
    return _marked(cls, "region")


def integrands(cls: type) -> dict[str, Any]:
    """Return the methods of a class that are integrands by name, as `residual_methods` does."""
    return _marked(cls, "integral")


def _marked(cls: type, mark: str) -> dict[str, Any]:
    methods: dict[str, Any] = {}
    for ancestor in reversed(cls.__mro__):
        for name, member in vars(ancestor).items():
            if hasattr(member, mark):
                methods[name] = member
            elif name in methods:  # overridden by something else
                del methods[name]
    return methods
