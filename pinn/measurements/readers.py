"""Files of measurements by kind: text, spreadsheets, and archives of arrays."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.io

from pinn.arrays import Array, read_npz
from pinn.errors import InputError, did_you_mean
from pinn.measurements.heading import column_names, heading, split_units
from pinn.measurements.table import Table, numeric
from pinn.measurements.text import DECIMALS, Told, read_text, table

TEXT = (".csv", ".txt", ".dat", ".tsv")
COMPRESSED = (".gz", ".zip", ".xz")
ARRAYS = (".npz", ".mat", ".xlsx", ".parquet")
TABLES = "install it, or pinn with the extra 'tables'"


def kind_of(path: Path) -> str:
    """Return the suffix that tells a file's kind, in lower case, without that of a compression.

    Raises:
        InputError: for a suffix that is not known.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in COMPRESSED else ""
    kind = suffixes[-1] if suffixes else ""
    if compression and not kind:
        return TEXT[0]  # data.zip
    if kind in TEXT or (kind in ARRAYS and not compression):
        return kind
    what = f"unknown kind of file {kind}{compression}" if kind else "has no suffix"
    raise InputError(
        f"data.path={path}: {what}; give one of {', '.join([*TEXT, *ARRAYS])}, or text in "
        f"{', '.join(COMPRESSED)}."
    )


def read(path: Path, told: Told, sheet: str | None = None) -> Table:
    """Return what a file holds.

    Args:
        path: the file.
        told: what the configuration says of a table of text.
        sheet: the sheet of a spreadsheet; None: the only one.

    Raises:
        InputError: for a file that cannot be read.
    """
    kind = kind_of(path)
    where = f"data.path={path}"
    if sheet is not None and kind != ".xlsx":
        raise InputError(f"data.sheet={sheet}: {path.name} has no sheets; set data.sheet=null.")
    if kind in TEXT:
        return read_text(_uncompressed(path, where), told, where)
    if kind == ".xlsx":
        return _spreadsheet(path, told, sheet, where)
    if kind == ".parquet":
        return _parquet(path, told, where)
    if told.columns is not None:
        raise InputError(
            f"data.columns={list(told.columns)}: the arrays of {path.name} have names; set "
            "data.columns=null."
        )
    return _npz(path, where) if kind == ".npz" else _mat(path, where)


def _uncompressed(path: Path, where: str) -> bytes:
    """Return the bytes of a file, or of the only file in an archive."""
    suffix = path.suffix.lower()
    try:
        content = path.read_bytes()
        if suffix in _DECOMPRESS:
            return _DECOMPRESS[suffix](content)
        if suffix != ".zip":
            return content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) == 1:
                return archive.read(names[0])
    except (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as e:
        raise InputError(f"{where}: is no {suffix} file ({e}); compress it again.") from None
    raise InputError(f"{where}: holds {len(names)} files; leave one in it.")


_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
}


def _spreadsheet(path: Path, told: Told, sheet: str | None, where: str) -> Table:
    """Return the table of a sheet: a header, a units row if there is one, and rows of cells."""
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            names = [str(name) for name in book.sheet_names]
            chosen = sheet if sheet is not None else names[0]
            if chosen not in names:
                raise InputError(
                    f"data.sheet={chosen}: no such sheet.{did_you_mean(chosen, names)}"
                )
            if sheet is None and len(names) > 1:
                raise InputError(
                    f"{where}: has the sheets {', '.join(names)}; choose one, as in "
                    f"data.sheet={names[0]}."
                )
            frame = pd.read_excel(book, sheet_name=chosen, header=None, dtype=object)
    except ImportError:
        raise InputError(f"{where}: reading .xlsx needs openpyxl; {TABLES}.") from None
    except InputError:
        raise
    except Exception as error:  # openpyxl lists none, and a damaged file fails in many ways
        raise _unreadable(error, f"{where}: is no .xlsx file", "save it as such") from None
    frame = frame.dropna(how="all").dropna(how="all", axis=1)
    if len(frame) < 2:
        raise InputError(f"{where}: sheet {chosen} holds no table; give a header and rows.")
    return _from_cells(frame, told, where)


def _from_cells(frame: pd.DataFrame, told: Told, where: str) -> Table:
    """Return the table of a spreadsheet's cells [rows, columns]."""
    decimal = DECIMALS[told.decimal or "point"]
    top = []
    for _, row in frame.iloc[:3].iterrows():
        top.append(["" if pd.isna(cell) else str(cell).strip() for cell in row])
    head = heading(top, decimal, named=told.columns is not None)
    names, hint = column_names(head.names, told.columns, len(top[0]), where)
    rows = frame.iloc[head.rows :]
    lines = np.asarray(frame.index, int) + 1
    return table(
        rows,
        names,
        units=head.units,
        decimal=decimal,
        grouped=told.decimal is not None,
        notes=[f"units in line {lines[1]}"] if head.rows > 1 else [],
        lines=lines[head.rows :],
        hint=hint,
    )


def _parquet(path: Path, told: Told, where: str) -> Table:
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except ImportError:
        raise InputError(f"{where}: reading .parquet needs pyarrow; {TABLES}.") from None
    except Exception as error:  # pyarrow's own errors are of many kinds
        raise _unreadable(error, f"{where}: is no .parquet file", "save it as such") from None
    if frame.index.name is not None:
        frame = frame.reset_index()
    found, units = split_units([str(name) for name in frame.columns])
    names, hint = column_names(found, told.columns, len(found), where)
    return table(frame, names, units=units, hint=hint)


def _npz(path: Path, where: str) -> Table:
    try:
        return Table(numeric(read_npz(path)))
    except (OSError, ValueError) as error:
        raise _unreadable(
            error, f"{where}: is no .npz file of plain arrays", "save it with np.savez"
        ) from None


def _mat(path: Path, where: str) -> Table:
    try:
        return Table(numeric(scipy.io.loadmat(path)))
    except NotImplementedError:  # version 7.3 is HDF5
        return Table(_hdf5(path, where))
    except Exception as error:  # SciPy lists none, and a damaged file fails in many ways
        raise _unreadable(
            error, f"{where}: is no .mat file", "save it with -v7, or as .npz"
        ) from None


def _hdf5(path: Path, where: str) -> dict[str, Array]:
    """Return the arrays of a file of MATLAB's version 7.3, which keeps them transposed."""
    try:
        import h5py
    except ImportError:
        raise InputError(
            f"{where}: is of MATLAB's version 7.3; save it with -v7, or install h5py."
        ) from None
    arrays: dict[str, Any] = {}
    try:
        with h5py.File(path) as file:
            for name, dataset in file.items():
                is_empty = "MATLAB_empty" in dataset.attrs
                is_text = dataset.attrs.get("MATLAB_class", b"double") in (b"char", b"cell")
                if isinstance(dataset, h5py.Dataset) and not is_empty and not is_text:
                    arrays[name] = np.asarray(dataset[()]).T
    except Exception as error:  # a damaged file fails in many ways
        raise _unreadable(
            error, f"{where}: is no .mat file", "save it with -v7, or as .npz"
        ) from None
    return numeric(arrays)


def _unreadable(error: Exception, what: str, remedy: str) -> InputError:
    """Return an error of one line for a file that a library could not read."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{what} ({reason}); {remedy}.")
