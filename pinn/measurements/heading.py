"""The rows above a table's numbers: the names of its columns and their units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pinn.errors import InputError
from pinn.measurements.cells import MISSING, is_number, is_value

_UNIT = re.compile(r"(.*\S)\s*[\[(]([^\[\]()]*)[\])]")  # x [m], u (m/s)
_UNIT_CELL = re.compile(r"1/.+|(?![+-]?[.,]?\d).*")  # no unit begins with a number, except 1/s


class Heading(NamedTuple):
    """What stands above the numbers.

    Attributes:
        names: the names of the columns; None where there is no header.
        units: their units, in order; empty where none is stated.
        rows: how many rows it takes.
    """

    names: list[str] | None = None
    units: Sequence[str] = ()
    rows: int = 0


def heading(top: Sequence[Sequence[str]], decimal: str, *, named: bool) -> Heading:
    """Return the header and the row of units beneath it, where there are any.

    Args:
        top: the cells of the first three rows.
        decimal: the decimal mark.
        named: whether the columns are named elsewhere. A first row of numbers and text is then no
            header, but a row with a cell that is no number.
    """
    first, *below = top
    if not _is_text_above(first, below, decimal):
        return Heading()
    if named and any(is_number(cell, decimal) for cell in first):
        return Heading()
    names, units = split_units(first)
    second = below[0] if below else []
    may_be_units = len(second) == len(names) and all(map(_UNIT_CELL.fullmatch, second))
    if may_be_units and _is_text_above(second, below[1:], decimal):
        units = ["" if cell in MISSING else cell.strip("[]()") for cell in second]
        return Heading(names, units, 2)
    return Heading(names, units, 1)


def split_units(headers: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names and the units of headers such as "u [m/s]"; unnamed columns get a number.

    A header is left whole where two would become the same name.
    """
    names = []
    units = []
    for i, header in enumerate(headers):
        match = _UNIT.fullmatch(header)
        names.append(match[1] if match else header or f"column{i + 1}")
        units.append(match[2].strip() if match else "")
    whole = [
        header if unit and names.count(name) > 1 else name
        for header, name, unit in zip(headers, names, units, strict=True)
    ]
    return whole, units


def column_names(
    found: Sequence[str] | None, told: Sequence[str] | None, width: int, where: str
) -> tuple[list[str], str]:
    """Return the names of a table's columns, and a remedy for names that are not found.

    Args:
        found: the names in the header; None where there is none.
        told: the names that the configuration gives; None: those found, or else numbers.
        width: the number of columns.
        where: the file, as messages call it.

    Raises:
        InputError: for names that do not fit the columns, or two of one name.
    """
    hint = ""
    if told is not None:
        names = [str(name) for name in told]
        if len(names) != width:
            raise InputError(
                f"data.columns={names}: {len(names)} names, but {where} has {width} columns; name "
                "each of them."
            )
    elif found is not None:
        names = list(found)
    else:
        names = [f"column{i + 1}" for i in range(width)]
        hint = f" It has no header: name its {width} columns, as in data.columns=[x,t,u]."
    if len(set(names)) < len(names):
        raise InputError(f"{where}: two columns of one name ({', '.join(names)}); rename one.")
    return names, hint


def _is_text_above(cells: Sequence[str], below: Sequence[Sequence[str]], decimal: str) -> bool:
    """Return whether a row has text where the last row below it, if there is one, has a number."""
    last = below[-1] if below else []
    for i, cell in enumerate(cells):
        is_text_below = i < len(last) and not is_value(last[i], decimal)
        if not is_value(cell, decimal) and not is_text_below:
            return True
    return False
