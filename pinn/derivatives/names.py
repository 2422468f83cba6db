# pyright: strict
"""The grammar of residual signatures: `x`, `u`, `u_xx`, `lap_u`, `u_n`, `u_x_data`, and names.

Names are those of integrals and of delayed fields, which a problem declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pinn.elementary import MAX_ORDER
from pinn.errors import InputError, guess
from pinn.jets import Index, Plan

Kind = Literal[
    "coordinate",
    "derivative",
    "laplacian",
    "normal",
    "data",
    "coefficient",
    "integral",
    "delayed",
]
SIDES = (1, 2)

NO_DELAYS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Symbol:
    """One parameter of a residual.

    Attributes:
        name: the parameter's name.
        kind: what it stands for.
        field: the field that it is computed from, if any; of a measurement, the name of what was
            measured, such as "u" or "u_x".
        index: the coordinates by which the field is differentiated.
        side: on a region with two sides, the number at the end of the name; 0 elsewhere.
        source: the name of the integral, or of the delayed field.
        undelayed: of a delayed field, the symbol whose value at an earlier time it is.
    """

    name: str
    kind: Kind
    field: str = ""
    index: Index = ()
    side: int = 0
    source: str = ""
    undelayed: Symbol | None = None

    @property
    def base(self) -> str:
        """The name without its side."""
        return self.name.removesuffix(f"_{self.side}")

    def on(self, side: int) -> Symbol:
        """Return the symbol on a side of a region that has two, such as `u_x_1` for `u_x`."""
        return replace(self, name=f"{self.base}_{side}", side=side)

    @property
    def is_local(self) -> bool:
        """Whether its value at a point depends on the fields at that point alone."""
        return self.kind not in ("integral", "delayed")


def parse(
    name: str,
    *,
    coordinates: Sequence[str],
    fields: Sequence[str],
    where: str,
    integrals: Sequence[str] = (),
    delays: Mapping[str, str] = NO_DELAYS,
) -> Symbol:
    """Return the symbol that a parameter name stands for.

    Args:
        name: the name.
        coordinates: names of the coordinates.
        fields: names of the fields.
        where: names the residual in errors.
        integrals: names of the integrals.
        delays: the fields that are delayed, by the names of their delayed values.

    Raises:
        InputError: if the name is no coordinate, field or derivative of one, integral or delayed
            field.
    """
    if name in integrals:
        return Symbol(name, "integral", source=name)
    for delayed, field in delays.items():
        inner = _without_delay(name, delayed, field)
        if inner:
            symbol = parse(inner, coordinates=coordinates, fields=fields, where=where)
            if symbol.kind not in ("derivative", "laplacian"):
                break
            return Symbol(
                name, "delayed", symbol.field, symbol.index, source=delayed, undelayed=symbol
            )
    if name in coordinates:
        return Symbol(name, "coordinate")
    if name in fields:
        return Symbol(name, "derivative", name)
    if name.startswith("lap_") and name[4:] in fields:
        return Symbol(name, "laplacian", name[4:])
    head, _, tail = name.rpartition("_")
    if tail == "data":
        is_local = is_measurable(head, coordinates=coordinates, fields=fields)
        if is_local or head in integrals:
            return Symbol(name, "data", head)
    if head in fields:
        index = _split(tail, coordinates)
        if index and len(index) > MAX_ORDER:
            raise InputError(
                f"{where}: {name!r} is a derivative of order {len(index)}; "
                f"at most {MAX_ORDER} is supported; "
                f"introduce a further field for the lower derivatives."
            )
        if index:
            return Symbol(name, "derivative", head, tuple(sorted(index)))
        if tail == "n":
            return Symbol(name, "normal", head)
    names = [*_examples(coordinates, fields), *integrals, *delays]
    raise InputError(
        f"{where}: {name!r} is no coordinate ({', '.join(coordinates)}), "
        f"field ({', '.join(fields)}) or derivative of one "
        f"(such as {fields[0]}_{coordinates[0]}).{guess(name, names)}"
    )


def is_measurable(name: str, *, coordinates: Sequence[str], fields: Sequence[str]) -> bool:
    """Return whether a name is that of a field or a derivative, which can be measured."""
    try:
        symbol = parse(name, coordinates=coordinates, fields=fields, where="")
    except InputError:
        return False
    return symbol.kind in ("derivative", "laplacian", "normal")


def parse_two_sided(
    name: str,
    *,
    coordinates: Sequence[str],
    fields: Sequence[str],
    shared: Sequence[str],
    coefficients: Sequence[str],
    where: str,
) -> Symbol:
    """Return the symbol of a parameter on a region with two sides: `u_1`, `u_n_2`, `x_2`, `k_1`.

    Args:
        name: the parameter's name.
        coordinates: names of all coordinates.
        fields: names of all fields.
        shared: the coordinates that are the same on both sides, which need no number.
        coefficients: the coefficients that may differ between the sides.
        where: names the residual in errors.

    Raises:
        InputError: for a name without a side that has two values, and as `parse` does.
    """
    head, _, tail = name.rpartition("_")
    side = int(tail) if head and tail in map(str, SIDES) else 0
    if side and head in coefficients:
        return Symbol(name, "coefficient", side=side)
    symbol = parse(head if side else name, coordinates=coordinates, fields=fields, where=where)
    if side:
        return symbol.on(side)
    if name not in shared:
        raise InputError(
            f"{where}: {name!r} has a value on each of the two sides; write {name}_1 or {name}_2."
        )
    return symbol


def _without_delay(name: str, delayed: str, field: str) -> str:
    """Return what a name says of a delayed field with the field in its place; "" if nothing."""
    if name == delayed or name.startswith(f"{delayed}_"):
        return field + name.removeprefix(delayed)
    return f"lap_{field}" if name == f"lap_{delayed}" else ""


def spells_derivative(name: str, coordinates: Sequence[str]) -> bool:
    """Return whether a name is made of the names of coordinates, as the "xt" of u_xt is."""
    return bool(_split(name, coordinates))


def _examples(coordinates: Sequence[str], fields: Sequence[str]) -> list[str]:
    """Return names that exist: all that are not higher or mixed derivatives."""
    names = [*coordinates, *fields]
    for field in fields:
        names += [f"lap_{field}", f"{field}_n"]
        for c in coordinates:
            names += [f"{field}_{c}", f"{field}_{c}{c}"]
    return names


def plan(
    symbols: Iterable[Symbol], *, space: Sequence[str], operator: Sequence[Index] = ()
) -> Plan:
    """Return the derivatives that the symbols and an operator need.

    Normal derivatives and Laplacians take the coordinates `space`.
    """
    wanted: list[Index] = []
    laplacian: tuple[str, ...] = ()
    for symbol in symbols:
        if symbol.kind == "derivative":
            wanted.append(symbol.index)
        elif symbol.kind == "normal":
            wanted += [(c,) for c in space]
        elif symbol.kind == "laplacian":
            laplacian = tuple(space)
    return Plan.of(wanted, laplacian=laplacian, operator=operator)


def _split(tail: str, coordinates: Sequence[str]) -> list[str]:
    """Return the coordinates whose names make up `tail`, longest names first; empty if none do."""
    for coordinate in sorted(coordinates, key=len, reverse=True):
        if tail == coordinate:
            return [coordinate]
        if tail.startswith(coordinate):
            rest = _split(tail[len(coordinate) :], coordinates)
            if rest:
                return [coordinate, *rest]
    return []
