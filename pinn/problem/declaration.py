"""How a problem is declared: marks of its methods, defaults of its coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pinn.derivatives import Symbol
from pinn.errors import InputError
from pinn.parameters import Parameter

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

POSITIVE = "positive"  # keys of a field's metadata
FINAL_TIME = "final_time"
CONTINUITY = "continuity_"  # how the names of conditions on interfaces begin
FLUX = "flux_"

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Term:
    """A residual of a problem.

    Attributes:
        name: its name in the loss.
        region: where it holds.
        symbols: what it depends on: what the method takes, and behind that the parameters of the
            problem that the method does not name, since it may read them from `self`.
        taken: number of symbols that the method takes; None: all.
        kind: whether it is a method of the problem, which gives a residual or the two expressions
            of a complementarity; one of the conditions on interfaces between materials, the jump of
            a field or of a flux; or that a mode is orthogonal to another.
        balance: of a complementarity, what the second expression is multiplied by to have the
            typical size of the first.
    """

    name: str
    region: str
    symbols: tuple[Symbol, ...]
    taken: int | None = None
    kind: Literal["residual", "complementarity", "continuity", "flux", "orthogonality"] = "residual"
    balance: float = 1.0

    @property
    def is_method(self) -> bool:
        """Whether it is a method of the problem, and no condition on interfaces or modes."""
        return self.kind in ("residual", "complementarity")

    @property
    def order_in_time(self) -> int:
        """The highest order of the derivatives by time that it takes."""
        return max((symbol.index.count("t") for symbol in self.symbols), default=0)

    def value(self, problem: Problem, arguments: Sequence[Any]) -> Any:
        """Return what the method gives for one argument per symbol: tensors or arrays [n]."""
        names = [symbol.name for symbol in self.symbols]
        at_points = problem.at(dict(zip(names, arguments, strict=True)))
        return getattr(at_points, self.name)(*arguments[: self.taken])


def complete_term(problem: Problem, name: str, region: str, symbols: Sequence[Symbol]) -> Term:
    """Return the term of a method that takes some symbols, and may read parameters from `self`."""
    named = {symbol.name for symbol in symbols}
    read = [Symbol(p, "coordinate") for p in problem.parameters if p not in named]
    return Term(name, region, (*symbols, *read), taken=len(symbols))


def residual(
    *, on: str | Sequence[str], replaces: str | Sequence[str] = ()
) -> Callable[[Method], Method]:
    """Mark a method of a problem as a residual on a region.

    Regions are "interior", "initial" (the start time), "boundary" (all faces), a named part of the
    boundary such as "holes", a face such as "x-" or "x+", "data" (the points of measurements;
    "data_probes" where the set "probes" is one of several), and the names in the problem's
    `regions` and `materials`.
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
        vars(method)["kind"] = "residual"
        return method

    return mark


def complementarity(*, on: str | Sequence[str]) -> Callable[[Method], Method]:
    """Mark a method of a problem that returns two expressions (a, b), of which one vanishes.

    At every point of the region, a ≥ 0 and b ≥ 0 and a b = 0, as in an obstacle problem.  The term
    of the loss is the function of Fischer and Burmeister, a + b − √(a² + b²), which is zero there
    and nowhere else.  The two may have different units: the program balances their typical sizes.

    Args:
        on: the region, as in `residual`; not "initial".

    Raises:
        InputError: for a region that is no name, or "initial".
    """
    if on == "initial":
        raise InputError(
            "complementarity: on='initial' determines no initial state; give it with @residual."
        )

    def mark(method: Method) -> Method:
        marked = residual(on=on)(method)
        vars(marked)["kind"] = "complementarity"
        return marked

    return mark


def flux(method: Method) -> Method:
    """Mark a method of a problem whose value is continuous through interfaces, such as k T_n.

    Its parameters are those of a residual on a boundary, and `T_n` is the derivative along the
    interface's normal.  Its difference between the two sides is a term of the loss, whose name is
    that of the method behind `flux_`.
    """
    vars(method)["is_flux"] = True
    return method


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


def flux_methods(cls: type) -> dict[str, Any]:
    """Return the methods of a class that are fluxes by name, in the order of `residual_methods`."""
    return _marked(cls, "is_flux")


def integrands(cls: type) -> dict[str, Any]:
    """Return the methods of a class that are integrands by name, as `residual_methods` does."""
    return _marked(cls, "integral")


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
