"""What a file of measurements holds: arrays by name, their units, and where a row stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pinn.arrays import AnyArray, Array


class Table(NamedTuple):
    """The arrays of a file.

    Attributes:
        arrays: real numbers of any shape by name; NaN where a cell is empty.
        unreadable: by name, why a column holds no numbers; it matters only where it is asked for.
        units: by name, the unit that the file states.
        notes: what was found and decided, for the lines that are shown before training.
        lines: the line of the file [n] on which each row stands; None where there are no lines.
        hint: a remedy for names that are not found, such as that the file has no header.
    """

    arrays: Mapping[str, Array]
    unreadable: Mapping[str, str] = {}
    units: Mapping[str, str] = {}
    notes: Sequence[str] = ()
    lines: AnyArray | None = None
    hint: str = ""

    def where(self, row: int) -> str:
        """Return where a row (counted from 0) stands, in words: its line, or its number."""
        return row_in_words(row, self.lines)


def row_in_words(row: int, lines: AnyArray | None = None) -> str:
    """Return "line 7" where the rows' lines are known, else "row 7", counted from 1."""
    if lines is not None and row < len(lines):
        return f"line {int(lines[row])}"
    return f"row {row + 1}"


def numeric(arrays: Mapping[str, object]) -> dict[str, Array]:
    """Return the real arrays among what a file holds."""
    found = {}
    for name, array in arrays.items():
        if isinstance(array, np.ndarray) and array.dtype.kind in "fiub":
            found[name] = np.asarray(array, float)
    return found
