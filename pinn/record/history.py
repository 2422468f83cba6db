"""The history of a run: a CSV file with a row per report, exact to the last bit."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

from pinn.atomic import write_atomically
from pinn.errors import InputError

CLOCKS = ("seconds",)
"""Columns that differ between two runs of the same bits."""


class History:
    """Rows of a run, kept in memory and, where a path is given, in a CSV file.

    Every row is flushed, so a killed run keeps what it reported; going on cuts the file back to the
    rows that the checkpoint knows of.
    """

    def __init__(self, columns: list[str], path: Path | None = None, *, keep: int = 0) -> None:
        self.columns, self.path = columns, path
        self.rows: list[dict[str, Any]] = []
        if path is None:
            return
        if keep:
            rows = read(path)[:keep]
            if len(rows) < keep:
                raise InputError(
                    f"{path}: holds {len(rows)} rows, the checkpoint {keep}; restore the file."
                )
            # A loss that was changed in between may have terms that the old rows know nothing of.
            self.rows = [{c: row.get(c, math.nan) for c in columns} for row in rows]
        text = "".join([_line(columns), *(self._row(row) for row in self.rows)])
        write_atomically(path, lambda file: file.write(text.encode()))

    def append(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self.rows.append(row)
        if self.path is not None:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(self._row(row))

    def _row(self, row: dict[str, Any]) -> str:
        return _line(
            [
                repr(float(v)) if isinstance(v, float) else str(v)
                for v in (row[c] for c in self.columns)
            ]
        )

    def table(self) -> dict[str, list[Any]]:
        """Return the columns by name."""
        return {c: [row[c] for row in self.rows] for c in self.columns}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a history file; a last line that was cut off is left out.

    Raises:
        InputError: if there is no such file.
    """
    try:
        *lines, _ = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a run folder.") from None
    rows = list(csv.reader(lines))
    header = rows[0] if rows else []
    return [
        {c: _value(c, v) for c, v in zip(header, row, strict=True)}
        for row in rows[1:]
        if len(row) == len(header)
    ]


def _line(values: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _value(column: str, text: str) -> Any:
    if column == "phase":
        return text
    return int(text) if column in ("iteration", "evaluations") else float(text)
