"""Cells of a table as numbers: decimal commas, gaps, thousands and dates."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from pinn.arrays import Array

MISSING = frozenset(
    "NA N/A n/a #N/A #NA <NA> nan NaN NAN -nan -NaN null NULL None - -- --- ?".split()
) | {""}
"""Cells that stand for a value that was not measured."""

_EXPONENT = r"(?:[eEdD][+-]?\d+)?"  # Fortran writes 1.0D+00
NUMBERS = {
    ".": re.compile(rf"[+-]?(?:(?:\d+\.?\d*|\.\d+){_EXPONENT}|inf(?:inity)?)", re.IGNORECASE),
    ",": re.compile(rf"[+-]?(?:(?:\d+(?:,\d+)?|,\d+){_EXPONENT}|inf(?:inity)?)", re.IGNORECASE),
}
"""A number by its decimal mark."""

GROUPED = {
    ".": re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?"),
    ",": re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?"),
}
"""A number whose thousands are set apart, by its decimal mark: 1,234.5 or 1.234,5."""

_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{4}([ T].*)?")
_DAY_AND_MONTH = re.compile(r"(\d{1,2})([./-])(\d{1,2})[./-](\d{4})(.*)", re.DOTALL)


class CellError(ValueError):
    """A cell that is no number.

    Attributes:
        row: of the cell, counted from 0.
        reason: what is wrong with it, and the remedy.
    """

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


class Column(NamedTuple):
    """Numbers [n], NaN where nothing was measured, and what there is to say about them."""

    numbers: Array
    note: str = ""


def is_number(cell: str, decimal: str) -> bool:
    """Return whether a cell is a number with the decimal mark "." or ","."""
    return NUMBERS[decimal].fullmatch(cell) is not None


def is_value(cell: str, decimal: str) -> bool:
    """Return whether a cell may stand in a column of numbers: a number, a date or a gap."""
    return cell in MISSING or is_number(cell, decimal) or _DATE.fullmatch(cell) is not None


def column(cells: pd.Series, *, decimal: str = ".", grouped: bool = False) -> Column:
    """Return cells of any kind as numbers; dates become seconds since the earliest of them.

    Args:
        cells: numbers, dates or text [n].
        decimal: the decimal mark of numbers that are text.
        grouped: whether thousands may be set apart in them, as in 1,234.5.

    Raises:
        CellError: for a cell that is no number, and dates whose day and month cannot be told apart.
    """
    cells = cells.reset_index(drop=True)
    if pd.api.types.is_datetime64_any_dtype(cells):
        return _seconds(cells)
    if pd.api.types.is_timedelta64_dtype(cells):
        return Column(cells.dt.total_seconds().to_numpy(float), "seconds")
    kind = getattr(cells.dtype, "kind", "O")
    if kind in "iuf":
        return Column(cells.to_numpy(float, na_value=np.nan))
    # What remains is text, or a mixture of objects, as in the cells of a spreadsheet.
    text = cast(Any, cells.astype(object).where(cells.notna(), "").map(str).str.strip())
    words = text[~text.isin(MISSING)]
    numbers = np.full(len(cells), np.nan)
    plain = _plain(words, decimal, grouped)
    if plain.notna().any() or not len(words):
        rows = plain.index.to_numpy()
        bad = rows[plain.isna().to_numpy()]
        if len(bad):
            raise CellError(int(bad[0]), _no_number(words[bad[0]], decimal))
        numbers[rows] = plain.astype(float)
        return Column(numbers)
    return _seconds(_dates(words, decimal).reindex(cells.index))


def _plain(words: pd.Series, decimal: str, grouped: bool) -> pd.Series:
    """Return numbers as Python writes them, None for text that is no number."""

    def plain(word: str) -> str | None:
        if grouped and GROUPED[decimal].fullmatch(word):
            word = word.replace("." if decimal == "," else ",", "")
        if not is_number(word, decimal):
            return None
        word = word.replace(decimal, ".")
        return word if "inf" in word.lower() else re.sub("[dD]", "e", word)

    return words.map(plain).astype(object)


def _no_number(word: str, decimal: str) -> str:
    """Return what is wrong with a cell, and the remedy."""
    other = "," if decimal == "." else "."
    if any(GROUPED[mark].fullmatch(word) for mark in GROUPED) or is_number(word, other):
        return (
            f"{word!r} is no number with decimal {_name(decimal)}s; set data.decimal=point or "
            "data.decimal=comma."
        )
    return f"{word!r} is no number; correct it, or leave the cell empty."


def _name(decimal: str) -> str:
    return "comma" if decimal == "," else "point"


def _dates(words: Any, decimal: str) -> pd.Series:
    """Return text as times; the day comes first where a point follows it, or where it exceeds 12.

    Raises:
        CellError: for text that is no date, and where day and month cannot be told apart.
    """
    parts: Any = words.str.extract(_DAY_AND_MONTH)
    if parts[0].notna().all():
        first = parts[0].astype(int)
        second = parts[2].astype(int)
        day_first = (parts[1] == ".").all() or (first.max() > 12 >= second.max())
        if not day_first and not second.max() > 12 >= first.max():
            raise CellError(
                int(words.index[0]),
                f"{words.iloc[0]!r}: day and month cannot be told apart; write dates as "
                "2026-03-04.",
            )
        day, month = (first, second) if day_first else (second, first)
        joined = parts[3] + "-" + month.map("{:02d}".format) + "-" + day.map("{:02d}".format)
        words = joined + parts[4]
    iso = words.str.replace("/", "-", n=2).str.replace(r"\s+", " ", regex=True)
    times = pd.to_datetime(iso, format="ISO8601", utc=True, errors="coerce")
    bad = times.index[times.isna()]
    if len(bad):
        raise CellError(int(bad[0]), _no_number(words[bad[0]], decimal))
    return times


def _seconds(times: pd.Series) -> Column:
    """Return times as seconds since the earliest of them."""
    start: Any = times.min()
    if start is pd.NaT:
        return Column(np.full(len(times), np.nan))
    text = start.isoformat(sep=" ").removesuffix("+00:00")
    elapsed = (times - start).dt.total_seconds()
    return Column(elapsed.to_numpy(float), f"seconds since {text}")
