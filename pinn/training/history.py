"""The history of a run: a CSV file with a row per report, exact to the last bit."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from pinn.errors import InputError

CLOCKS = ("seconds",)
"""Columns that differ between two runs of the same bits."""


class History:
    """Rows of a run, kept in memory and, where a path is given, in a CSV file.

    Every row is flushed, so a killed run keeps what it reported; going on cuts the file back to the rows that
    the checkpoint knows of.
    """

    def __init__(self, columns: list[str], path: Path | None = None, *, keep: int = 0) -> None:
        self.columns, self.path = columns, path
        self.rows: list[dict[str, Any]] = []
        if path is None:
            return
        if keep:
            self.rows = read(path)[:keep]
            if len(self.rows) < keep:
                raise InputError(f"{path}: holds {len(self.rows)} rows, the checkpoint {keep}; restore the file.")
        text = [",".join(columns), *(self._line(row) for row in self.rows)]
        path.write_text("\n".join(text) + "\n")

    def append(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self.rows.append(row)
        if self.path is not None:
            with open(self.path, "a") as file:
                file.write(self._line(row) + "\n")

    def _line(self, row: dict[str, Any]) -> str:
        return ",".join(repr(v) if isinstance(v, float) else str(v) for v in (row[c] for c in self.columns))

    def table(self) -> dict[str, list[Any]]:
        """Return the columns by name."""
        return {c: [row[c] for row in self.rows] for c in self.columns}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a history file; a last line that was cut off is left out.

    Raises:
        InputError: if there is no such file.
    """
    try:
        with open(path, newline="") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a run folder.") from None
    header = rows[0] if rows else []
    return [{c: _value(c, v) for c, v in zip(header, row, strict=True)} for row in rows[1:] if len(row) == len(header)]


def _value(column: str, text: str) -> Any:
    if column == "phase":
        return text
    return int(text) if column in ("iteration", "evaluations") else float(text)
