"""The history of a run: one row per report, in memory and in a CSV file, exact to the last bit."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pinn.atomic import sync, write_text_atomically
from pinn.errors import InputError
from pinn.norms import relative_error
from pinn.record.columns import (
    ERROR,
    EVALUATIONS,
    ITERATION,
    LARGEST_WEIGHT,
    LEAST_WEIGHT,
    PHASE,
    TERM_LOSS,
    UNKNOWN,
    WEIGHT,
)

Row = dict[str, Any]
"""The values of one report by column: text for the phase, whole numbers for counts, else floats."""

Series = npt.NDArray[np.float64]
"""One float64 value per report."""


class PhaseSpan(NamedTuple):
    """A phase of a run and its interval of a cumulative column, such as seconds or iterations."""

    name: str
    start: float
    end: float


class History(Mapping[str, list[Any]]):
    """The rows of a run.  As a mapping, it holds the columns: `history["loss"]` is a list.

    A history that `open` returns also writes every row to its file at once, so that a run that is
    killed keeps what it has reported.

    Attributes:
        columns: the names of the columns, in order.
        rows: one dict per report.
    """

    def __init__(self, columns: Sequence[str], rows: Iterable[Mapping[str, object]] = ()) -> None:
        self.columns = list(columns)
        self.rows: list[Row] = [dict(row) for row in rows]
        self._path: Path | None = None

    @classmethod
    def of_columns(cls, table: Mapping[str, Sequence[object]]) -> History:
        """Return the history that has these columns, all of one length."""
        rows = [
            dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)
        ]
        return cls(list(table), rows)

    @classmethod
    def read(cls, path: Path) -> History:
        """Return the history in a file; a last line that was cut off is left out.

        Raises:
            InputError: if there is no such file, or it is damaged.
        """
        try:
            *lines, _ = path.read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror}); name a run folder."
            ) from None
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is damaged ({error}); restore the file.") from None
        header, *records = list(csv.reader(lines)) or [[]]
        rows: list[Row] = []
        for record in records:
            if len(record) != len(header):
                continue
            try:
                rows.append({c: _value(c, text) for c, text in zip(header, record, strict=True)})
            except ValueError as error:
                raise InputError(f"{path}: is damaged ({error}); restore the file.") from None
        return cls(header, rows)

    @classmethod
    def open(cls, path: Path, columns: Sequence[str], *, keep: int = 0) -> History:
        """Return a history that is written to a file, and continues the first `keep` rows in it.

        Later rows are cut off: the checkpoint from which the run resumes is older than they are.

        Raises:
            InputError: if the file holds fewer rows; it is left as it is.
        """
        history = cls(columns)
        if keep:
            rows = cls.read(path).rows[:keep]
            if len(rows) < keep:
                raise InputError(
                    f"{path}: holds {len(rows)} rows, the checkpoint {keep}; restore the file."
                )
            # If the loss has been changed since, it may have terms that the old rows lack.
            history.rows = [{c: row.get(c, math.nan) for c in columns} for row in rows]
        text = "".join([_line(columns), *(history._text(row) for row in history.rows)])
        write_text_atomically(path, text)
        history._path = path
        return history

    def append(self, row: Mapping[str, object]) -> None:
        """Add a row, and write it to the history's file if it has one."""
        self.rows.append(dict(row))
        if self._path is not None:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(self._text(row))

    def sync(self) -> None:
        """Put the file of the history on the disk, before a checkpoint counts its rows."""
        if self._path is not None:
            sync(self._path)

    def __getitem__(self, column: str) -> list[Any]:
        if column not in self.columns:
            raise KeyError(column)
        return [row[column] for row in self.rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        """Return the number of columns; `len(history.rows)` is the number of reports."""
        return len(self.columns)

    def numbers(self, column: str) -> Series:
        """Return a column of numbers."""
        return np.array(self[column], dtype=float)

    def losses(self) -> dict[str, Series]:
        """Return the unweighted loss of every term."""
        return self._family(TERM_LOSS)

    def errors(self) -> dict[str, Series]:
        """Return the relative L2 error of every field and derived quantity that has a reference."""
        return self._family(ERROR)

    def unknowns(self) -> dict[str, Series]:
        """Return the estimate of every unknown coefficient, in its own units."""
        return self._family(UNKNOWN)

    def unknown_errors(self, truths: Mapping[str, float | None]) -> dict[str, Series]:
        """Return the relative error of every unknown whose true value is known.

        Args:
            truths: true value by name, in the coefficient's own units; None or absent where it is
                not known.
        """
        errors: dict[str, Series] = {}
        for name, estimates in self.unknowns().items():
            truth = truths.get(name)
            if truth is not None:
                errors[name] = np.array([relative_error(float(e), truth) for e in estimates])
        return errors

    def weights(self) -> dict[str, Series]:
        """Return the weight of every term; the mean over its points where each has its own."""
        return self._family(WEIGHT)

    def weight_ranges(self) -> dict[str, tuple[Series, Series]]:
        """Return the least and the largest weight of every term that has one weight per point."""
        least = self._family(LEAST_WEIGHT)
        largest = self._family(LARGEST_WEIGHT)
        return {name: (least[name], largest[name]) for name in least}

    def phases(self, column: str) -> list[PhaseSpan]:
        """Return the phases in order, each from the end of the last; `column` is cumulative."""
        spans: list[PhaseSpan] = []
        if PHASE not in self:
            return spans
        for name, value in zip(self[PHASE], self.numbers(column), strict=True):
            end = float(value)
            if not spans:
                spans.append(PhaseSpan(name, min(0.0, end), end))
            elif spans[-1].name == name:
                spans[-1] = spans[-1]._replace(end=end)
            else:
                spans.append(PhaseSpan(name, spans[-1].end, end))
        return spans

    def _family(self, prefix: str) -> dict[str, Series]:
        """Return the columns that have a prefix, by the rest of the name."""
        family: dict[str, Series] = {}
        for column in self.columns:
            if column.startswith(prefix):
                family[column.removeprefix(prefix)] = self.numbers(column)
        return family

    def _text(self, row: Mapping[str, object]) -> str:
        texts: list[str] = []
        for column in self.columns:
            value = row[column]
            # The shortest text that is read as the same bits; NumPy's floats have another repr.
            texts.append(repr(float(value)) if isinstance(value, float) else str(value))
        return _line(texts)


def _line(values: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _value(column: str, text: str) -> str | int | float:
    if column == PHASE:
        return text
    if column in (ITERATION, EVALUATIONS):
        return int(text)
    return float(text)
