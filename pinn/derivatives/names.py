"""The grammar of residual signatures: `x`, `u`, `u_xx`, `lap_u`, `u_n`, `u_data`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pinn.elementary import MAX_ORDER
from pinn.errors import InputError, guess
from pinn.jets import Index, Plan

Kind = Literal["coordinate", "derivative", "laplacian", "normal", "data"]


@dataclass(frozen=True)
class Symbol:
    """One parameter of a residual: what it is, of which field, differentiated by what."""

    name: str
    kind: Kind
    field: str = ""
    index: Index = ()


def parse(name: str, *, coordinates: Sequence[str], fields: Sequence[str], where: str) -> Symbol:
    """Return the symbol that a parameter name stands for.

    `where` names the residual in errors.

    Raises:
        InputError: if the name is no coordinate, field or derivative of one.
    """
    if name in coordinates:
        return Symbol(name, "coordinate")
    if name in fields:
        return Symbol(name, "derivative", name)
    if name.startswith("lap_") and name[4:] in fields:
        return Symbol(name, "laplacian", name[4:])
    head, _, tail = name.rpartition("_")
    if head in fields:
        if tail == "data":
            return Symbol(name, "data", head)
        index = _split(tail, coordinates)
        if index and len(index) > MAX_ORDER:
            raise InputError(
                f"{where}: {name!r} is a derivative of order {len(index)}; at most {MAX_ORDER} is supported; "
                f"introduce a further field for the lower derivatives."
            )
        if index:
            return Symbol(name, "derivative", head, tuple(sorted(index)))
        if tail == "n":
            return Symbol(name, "normal", head)
    examples = [
        *coordinates,
        *fields,
        *(f"{f}_{c}{d}" for f in fields for c in coordinates for d in ("", c)),
    ]
    known = [*examples, *(f"lap_{f}" for f in fields), *(f"{f}_n" for f in fields)]
    raise InputError(
        f"{where}: {name!r} is no coordinate ({', '.join(coordinates)}), field ({', '.join(fields)}) or derivative "
        f"of one (such as {fields[0]}_{coordinates[0]}).{guess(name, known)}"
    )


def plan(
    symbols: Iterable[Symbol], *, space: Sequence[str], operator: Sequence[Index] = ()
) -> Plan:
    """Return the derivatives that the symbols and an operator need; normals and Laplacians run over `space`."""
    symbols = list(symbols)
    wanted: list[Index] = [s.index for s in symbols if s.kind == "derivative"]
    if any(s.kind == "normal" for s in symbols):
        wanted += [(c,) for c in space]
    laplacian = tuple(space) if any(s.kind == "laplacian" for s in symbols) else ()
    return Plan.of(wanted, laplacian=laplacian, operator=operator)


def _split(tail: str, coordinates: Sequence[str]) -> list[str]:
    """Return the coordinates that `tail` is made of, longest names first; empty if it is made of none."""
    for coordinate in sorted(coordinates, key=len, reverse=True):
        if tail == coordinate:
            return [coordinate]
        rest = _split(tail[len(coordinate) :], coordinates) if tail.startswith(coordinate) else []
        if rest:
            return [coordinate, *rest]
    return []
