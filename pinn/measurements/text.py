"""Tables in text files: encoding, separator, decimal mark, header and units are told or found."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pinn.errors import InputError
from pinn.measurements.cells import GROUPED, MISSING, CellError, column, is_number, is_value
from pinn.measurements.heading import Heading, column_names, heading, split_units
from pinn.measurements.table import Table

SEPARATORS = {"tab": "\t", "semicolon": ";", "comma": ",", "blanks": " "}
"""Separators by name; the earlier one is taken where two read the same."""

DECIMALS = {"point": ".", "comma": ","}
"""Decimal marks by name."""

_SHOWN = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "blanks"}

SAMPLE = 200  # lines, evenly from all, from which separator and decimal mark are found

_COMMENT = re.compile(r"\s*(?:#(?!N/?A\b)|%|//)")
_EXCEL = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_CONTROL = bytes([*range(0x09), *range(0x0E, 0x20)])  # characters that no text has
_NOTHING = ' \t;,"'  # spreadsheets write empty rows as separators
_SUSPECT = ("", *_NOTHING, "#", "%", "/")  # how empty lines and comments begin


class Told(NamedTuple):
    """What the configuration says of a table; None: to be found.

    Attributes:
        separator: a name of `SEPARATORS`.
        decimal: a name of `DECIMALS`.
        columns: the names of the columns, in order.
    """

    separator: str | None = None
    decimal: str | None = None
    columns: Sequence[str] | None = None


class _Lines(NamedTuple):
    """The lines that hold cells, with their numbers in the file."""

    texts: list[str]
    numbers: list[int]
    comment: str  # the last one above them

    def after(self, count: int) -> _Lines:
        """Return the lines without the first ones."""
        return self._replace(texts=self.texts[count:], numbers=self.numbers[count:])


class _Dialect(NamedTuple):
    separator: str
    decimal: str

    def split(self, text: str) -> list[str]:
        """Return the cells of a line, without blanks around them and quotes."""
        if self.separator == " ":
            text = " ".join(text.split())
        if '"' in text:
            (cells,) = csv.reader([text], delimiter=self.separator, skipinitialspace=True)
        else:
            cells = text.split(self.separator)
        return [cell.strip() for cell in cells]


def decode(content: bytes, where: str) -> tuple[str, str]:
    """Return the text of a file and its encoding: UTF-8 or UTF-16 by their marks, else Latin-1.

    Raises:
        InputError: for what is no text; `where` names the file.
    """
    encoding = "UTF-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "UTF-16"
    try:
        text = content.decode("utf-8-sig" if encoding == "UTF-8" else encoding)
    except UnicodeDecodeError:
        encoding = "Latin-1"
        text = content.decode(encoding)
    plain = content if encoding != "UTF-16" else text.encode()
    if len(plain.translate(None, _CONTROL)) < len(plain):
        raise InputError(f"{where}: is no text; save the table as text, such as .csv.")
    return text, encoding


def read_text(content: bytes, told: Told, where: str) -> Table:
    """Return the columns of a table in a text file.

    Args:
        content: the bytes of the file.
        told: what the configuration says of the table.
        where: the file, as messages call it.

    Raises:
        InputError: for what is no table, and what can be read in more than one way.
    """
    text, encoding = decode(content, where)
    raw = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    excel = _EXCEL.fullmatch(raw[0])
    if excel and told.separator is None:
        names = {character: name for name, character in SEPARATORS.items()}
        told = told._replace(separator=names.get(excel[1]))
    lines = _significant(raw, skip=1 if excel else 0)
    if not lines.texts:
        raise InputError(f"{where}: holds no numbers; give a file that does.")
    dialect = _dialect(lines.texts, told)
    top = [dialect.split(line) for line in lines.texts[:3]]
    head = heading(top, dialect.decimal, named=told.columns is not None)
    body = lines.after(head.rows)
    if not body.texts:
        raise InputError(f"{where}: holds no row of numbers; give a file that does.")
    notes = [f"text in {encoding}"] if encoding != "UTF-8" else []
    notes += ["decimal commas"] if dialect.decimal == "," else []
    notes += [f"units in line {lines.numbers[1]}"] if head.rows > 1 else []
    if head.names is None and told.columns is None:
        head = _commented(top[0], dialect, lines.comment)
        notes += ["names from the comment above the numbers"] if head.names else []
    width = len(head.names or dialect.split(body.texts[0]))
    if width > 1:
        notes.insert(0, f"columns separated by {_SHOWN[dialect.separator]}")
    if dialect.decimal == "," and told.decimal is None:
        _check_decimal(body, dialect, where)
    frame = _frame(body, dialect, width, where)
    names, hint = column_names(head.names, told.columns, width, where)
    return table(
        frame,
        names,
        units=head.units,
        decimal=dialect.decimal,
        grouped=told.decimal is not None,
        notes=notes,
        lines=np.array(body.numbers),
        hint=hint,
    )


def table(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    units: Sequence[str] = (),
    decimal: str = ".",
    grouped: bool = False,
    notes: Sequence[str] = (),
    lines: Any = None,
    hint: str = "",
) -> Table:
    """Return the columns of a frame as a table of numbers; its first columns have the names.

    Args:
        frame: cells of any kind [n, columns].
        names: names of its columns.
        units: their units, in order; empty where none are known.
        decimal: the decimal mark of numbers that are text.
        grouped: whether thousands may be set apart in them.
        notes: as in `Table`.
        lines: as in `Table`.
        hint: as in `Table`.
    """
    made = Table({}, lines=lines)
    arrays = {}
    unreadable = {}
    remarks = list(notes)
    for i, name in enumerate(names):
        try:
            numbers, note = column(frame.iloc[:, i], decimal=decimal, grouped=grouped)
        except CellError as error:
            unreadable[name] = f"{made.where(error.row)}, column {name}: {error.reason}"
            continue
        arrays[name] = numbers
        if note:
            remarks.append(f"{name} in {note}")
    stated = {name: unit for name, unit in zip(names, units, strict=False) if unit}
    return Table(arrays, unreadable, stated, remarks, lines, hint)


def _significant(raw: Sequence[str], *, skip: int) -> _Lines:
    """Return the lines that hold cells, and the last comment above them."""
    lines = _Lines([], [], "")
    for number, text in enumerate(raw[skip:], start=skip + 1):
        if text[:1] in _SUSPECT:  # of a million lines, only these need a closer look
            if not text.strip(_NOTHING):
                continue
            if _COMMENT.match(text):
                if not lines.texts:
                    lines = lines._replace(comment=text)
                continue
        lines.texts.append(text)
        lines.numbers.append(number)
    return lines


def _dialect(texts: Sequence[str], told: Told) -> _Dialect:
    """Return the separator and decimal mark with which most columns hold numbers, fewest text."""
    step = max(1, (len(texts) - 2) // SAMPLE)
    # The first two lines may be a header and its units; the second decides where others do not.
    sample = texts[2::step] or texts[-1:]
    best = None
    least = None
    for separator in [told.separator] if told.separator else SEPARATORS:
        for decimal in [told.decimal] if told.decimal else DECIMALS:
            dialect = _Dialect(SEPARATORS[separator], DECIMALS[decimal])
            if dialect.separator == dialect.decimal:
                continue
            rank = (*_count(sample, dialect), *_count(texts[:2][-1:], dialect))
            if least is None or rank < least:
                best = dialect
                least = rank
    if best is None:
        raise InputError(
            "data.separator=comma: does not go with data.decimal=comma; correct one of them."
        )
    return best


def _count(sample: Sequence[str], dialect: _Dialect) -> tuple[int, int]:
    """Return minus how many columns hold numbers, and how many hold text, in most rows."""
    rows = [dialect.split(text) for text in sample]
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count)
    texts = 0
    for cells in zip(*(row for row in rows if len(row) == usual), strict=True):
        texts += not all(is_value(cell, dialect.decimal) for cell in cells)
    return texts - usual, texts


def _commented(first: Sequence[str], dialect: _Dialect, comment: str) -> Heading:
    """Return the names in a comment above the numbers, as NumPy's `savetxt` writes them."""
    text = comment.strip().lstrip("#%/ ")
    for split in (dialect.split, str.split):
        names = split(text)
        is_text = not any(is_number(name, dialect.decimal) for name in names)
        if len(names) == len(first) and is_text and len(set(names)) == len(names):
            return Heading(*split_units(names))
    return Heading()


def _check_decimal(body: _Lines, dialect: _Dialect, where: str) -> None:
    """Raise an InputError where no cell shows whether commas are decimal or set thousands apart."""
    doubtful = ""
    for number, text in zip(body.numbers, body.texts, strict=True):
        if "," not in text:
            continue
        for cell in dialect.split(text):
            if "," in cell and is_number(cell, ","):
                if not GROUPED["."].fullmatch(cell):
                    return
                doubtful = doubtful or f"line {number}: {cell!r}"
    if doubtful:
        raise InputError(
            f"{where}: {doubtful} may have a decimal comma or thousands set apart; set "
            "data.decimal=comma or data.decimal=point."
        )


def _frame(body: _Lines, dialect: _Dialect, width: int, where: str) -> pd.DataFrame:
    """Return the cells [n, width or more] as pandas reads them: numbers, or else text.

    Raises:
        InputError: for a row of another length.
    """
    whole = "\n".join(body.texts)
    if dialect.separator == " " or '"' in whole:
        counts = [len(dialect.split(text)) for text in body.texts]
    else:
        counts = [text.count(dialect.separator) + 1 for text in body.texts]
    for i in np.flatnonzero(np.array(counts) != width):
        if counts[i] < width or any(dialect.split(body.texts[i])[width:]):
            raise InputError(
                f"{where}: line {body.numbers[i]} has {counts[i]} cells, not {width}; correct it, "
                "or set data.separator and data.decimal."
            )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(whole),
                sep=r"\s+" if dialect.separator == " " else dialect.separator,
                decimal=dialect.decimal,
                header=None,
                names=range(max(counts)),
                index_col=False,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=sorted(MISSING),
                low_memory=False,
            )
    except (ValueError, OverflowError, pd.errors.ParserWarning) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{where}: cannot be read ({reason}); correct the file.") from None
    if len(frame) != len(body.texts):
        raise InputError(f"{where}: a quotation mark is not closed; correct the file.")
    return frame
