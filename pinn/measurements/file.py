"""Measurements from a file: its arrays by name, mapped to coordinates and fields."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pinn import settings
from pinn.arrays import AnyArray, Array
from pinn.errors import InputError, did_you_mean
from pinn.measurements.layout import as_rows, spread
from pinn.measurements.measured import Measurements, check_inside, complete, outside
from pinn.measurements.names import SIGMA, check_measured, coordinates_of, somewhere
from pinn.measurements.normals import with_normals
from pinn.measurements.readers import kind_of, read
from pinn.measurements.sigmas import by_name, check_kinds, check_sigmas
from pinn.measurements.synthetic import NOISE, noisy
from pinn.measurements.table import Table
from pinn.measurements.text import Told
from pinn.networks import LAST_SEED
from pinn.objective import PointSet
from pinn.problem import Problem
from pinn.seeds import branch, generator

_SELECTION = re.compile(r"\s*([^\[\]]+?)\s*(?:\[([-\d:,\s]*)\])?\s*")


@dataclass(frozen=True, kw_only=True)
class DataFile(settings.Settings):
    """Measurements in a file.

    - `.csv`, `.txt`, `.dat`, `.tsv`, also compressed (`.gz`, `.xz`, `.zip`): a table of text. What
      separates its columns, the decimal mark, the encoding, a header and a row of units are found;
      lines that begin with #, % or // are comments.
    - `.xlsx`, `.parquet`: a table; they need the extra `tables`.
    - `.npz`, `.mat`: arrays of any shape.

    A coordinate or field is taken from the array or column of its own name, unless `coordinates` or
    `fields` name another one, or a part of it in brackets, as in "U_star[:, 0, :]" (numbers and
    slices, as NumPy has them).  Derivatives that were measured are named in `fields` as in a
    residual: u_x, lap_u, and u_n on the boundary.  Dates become seconds since the earliest of them.
    A cell that is empty, or NA, NaN, -- and the like, was not measured: its row is left out for
    that field.

    Attributes:
        path: the file, as an absolute path after construction.
        coordinates: the array by coordinate, or a number for all points (the time of a snapshot).
        fields: the array by measured field, derivative or integral; empty means all of the
            problem's fields.
        sigma: the standard deviation of the measurements, in their units: a number, or the array
            that has one per value; for all of them, or by measured name. None: it is not known.
        grid: None: all arrays have the same length, one row per point. Otherwise the fields are
            arrays over a grid, and this names the coordinate along each of their axes, such as
            ["x", "t"], or ["t", "x"] for the transpose. Scattered points share an axis: a list of
            coordinates, as in [["x", "y"], "t"].
        separator: what separates the columns of a text; None: found.
        decimal: the decimal mark of a text; None: found, but never where 1,234 may be one number or
            another. Where it is given, thousands may be set apart by the other mark.
        columns: the names of a table's columns, in order, in place of those in its header.
        sheet: the sheet of a spreadsheet; None: the only one.
        count: number of points, drawn at random without replacement; None means all.
        outside: whether points outside the problem's domain, or its interval of time, are refused,
            or left out ("drop").
        noise: standard deviation of Gaussian noise to add, relative to the field's own.
        seed: of the draw and the noise.
        sha256: of the file's bytes; None: computed when the run starts, so that a resumed run
            detects a changed file.

    Raises:
        InputError: for a file that is not there, cannot be read or has changed, and settings out of
            range.
    """

    path: str
    coordinates: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    sigma: float | str | Mapping[str, Any] | None = None
    grid: Sequence[Any] | None = None
    separator: Literal["tab", "semicolon", "comma", "blanks"] | None = None
    decimal: Literal["point", "comma"] | None = None
    columns: Sequence[str] | None = None
    sheet: str | None = None
    count: int | None = settings.count(None, words="a whole number of at least 1, or null for all")
    outside: Literal["refuse", "drop"] = "refuse"
    noise: float = settings.at_least(0, 0.0, words=NOISE)
    seed: int = settings.count(0, least=0, most=LAST_SEED)
    sha256: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_kinds()
        file = Path(self.path).expanduser()
        if file.is_dir():
            raise InputError(f"data.path={self.path}: is a folder; give the path of a file.")
        kind_of(file)
        try:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
        except (OSError, ValueError) as error:  # a ValueError for a null character
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"data.path={self.path}: cannot be read ({reason}); give the path of a file."
            ) from None
        if self.sha256 not in (None, digest):
            raise InputError(
                f"data.path={self.path}: the file is no longer the one that the run started with; "
                f"restore it, or start a new run."
            )
        object.__setattr__(self, "path", str(file.resolve()))
        object.__setattr__(self, "sha256", digest)

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"data.{name}"

    def _check_kinds(self) -> None:
        """Raise an InputError for settings of a wrong kind, which no range describes."""
        if not isinstance(self.path, str | Path) or not str(self.path):
            raise InputError(f"data.path={self.path!r}; give the path of a file.")
        for name in ("coordinates", "fields"):
            if not isinstance(getattr(self, name), Mapping):
                raise InputError(
                    f"data.{name}={getattr(self, name)!r}; give arrays by name, as in "
                    f"data.{name}={{x: X}}."
                )
        check_kinds(self.sigma)
        for name, example in (("grid", "[x,t]"), ("columns", "[x,t,u]")):
            value = getattr(self, name)
            if value is not None and (isinstance(value, str) or not isinstance(value, Sequence)):
                raise InputError(
                    f"data.{name}={value!r}; give a list, as in data.{name}={example}."
                )

    def table(self) -> Table:
        """Return what the file holds, as yet without a meaning.

        Raises:
            InputError: for a file that cannot be read.
        """
        return read(Path(self.path), Told(self.separator, self.decimal, self.columns), self.sheet)

    def measure(self, problem: Problem, name: str = "") -> PointSet:
        """Return the points and the measured values; NaN where a value was not measured.

        Raises:
            InputError: as `read`.
        """
        return self.read(problem, name).points

    def read(self, problem: Problem, name: str = "") -> Measurements:
        """Return the points, the measured values and what there is to say about them.

        Args:
            problem: the problem.
            name: of the set, where there are several: each has random numbers of its own.

        Raises:
            InputError: for a name that the file or the problem lacks, lengths that do not fit,
                values that are infinite, points outside the domain, standard deviations that are
                missing or not positive, and normal derivatives where there is no normal.
        """
        self._check_names(problem)
        seed = branch(self.seed, name) if name else self.seed
        table = self.table()
        # 1. The array of every coordinate, of all that was measured, and of its deviations.
        measured = self.fields or {name: name for name in problem.fields}
        selected = {}
        units = {}
        for kind, arrays in (
            ("coordinates", self._places(problem, measured, table)),
            ("fields", measured),
        ):
            for key, array_name in arrays.items():
                selected[key] = self._selected(table, kind, key, array_name)
                is_name = isinstance(array_name, str)
                units[key] = table.units.get(array_name, "") if is_name else ""
        deviations = by_name(self.sigma, list(measured))
        for key, array_name in deviations.items():
            if isinstance(array_name, str):
                selected[key + SIGMA] = self._selected(table, "sigma", key, array_name)
        # 2. Columns with one row per point.
        if self.grid is None:
            columns = as_rows(selected)
        else:
            spread_names = [key for key in selected if key not in problem.coordinates]
            columns = spread(selected, spread_names, self.grid)
        coordinates = np.stack([columns[c] for c in problem.coordinates], axis=1)
        sigmas = {}
        for key, value in deviations.items():
            has_column = key + SIGMA in columns
            sigmas[key] = columns[key + SIGMA] if has_column else np.full(len(coordinates), value)
        points = PointSet(coordinates, None, {key: columns[key] for key in measured}, sigmas=sigmas)
        # 3. Without incomplete points, those outside the domain, and all but a random sample.
        rows, notes = self._rows(problem, points, table, seed)
        points = points.take(rows)
        at: Any = {"rows": rows, "lines": table.lines if self.grid is None else None}
        check_sigmas(points, "data.sigma.", **at)
        points = with_normals(problem, points, f"data.path={self.path}", **at)
        points = points._replace(values=noisy(points.values, self.noise, seed))
        return Measurements(points, Path(self.path).name, units, [*_joined(table.notes), *notes])

    def _places(self, problem: Problem, measured: Iterable[str], table: Table) -> dict[str, Any]:
        """Return the array of every coordinate by name, or a number where none is needed."""
        needed = coordinates_of(problem, measured)
        places: dict[str, Any] = {c: self.coordinates.get(c, c) for c in problem.coordinates}
        absent = places.keys() - {*needed, *self.coordinates, *table.arrays}
        if absent:
            places |= {c: value for c, value in somewhere(problem).items() if c in absent}
        return places

    def _check_names(self, problem: Problem) -> None:
        """Raise an InputError for a coordinate or measured name that the problem lacks."""
        for name in self.coordinates:
            if name not in problem.coordinates:
                hint = did_you_mean(str(name), problem.coordinates)
                raise InputError(f"data.coordinates.{name}: no such name in the problem.{hint}")
        for name in self.fields:
            check_measured(problem, name, f"data.fields.{name}")

    def _selected(self, table: Table, kind: str, name: str, given: Any) -> Array:
        """Return the array of a coordinate or field, or a number, without axes of length one."""
        where = f"data.{kind}.{name}={given!r}"
        if isinstance(given, int | float) and not isinstance(given, bool) and kind == "coordinates":
            array = np.asarray(given, float)
            if not np.isfinite(array):
                raise InputError(f"{where}; give a finite number, or the name of an array.")
            return array
        array_name, part = self._parsed(table, name, given, where)
        if array_name in table.unreadable:
            raise InputError(f"data.path={self.path}: {table.unreadable[array_name]}")
        if array_name not in table.arrays:
            known = [*table.arrays, *table.unreadable]
            raise InputError(
                f"{where}: {Path(self.path).name} has no {array_name!r}."
                f"{table.hint or did_you_mean(array_name, known)}"
            )
        array = table.arrays[array_name]
        if part is not None:
            try:
                array = array[tuple(_index(p) for p in part.split(","))]
            except (IndexError, ValueError) as error:
                raise InputError(
                    f"{where}: {error}; {array_name} has the shape {array.shape}."
                ) from None
        array = np.squeeze(array)
        infinite = np.flatnonzero(np.isinf(array))
        if len(infinite):
            first = f", first {table.where(int(infinite[0]))}" if array.ndim == 1 else ""
            raise InputError(
                f"{where}: {len(infinite)} of {array.size} values are infinite{first}; correct "
                "them, or leave them empty."
            )
        return array

    def _parsed(self, table: Table, name: str, given: Any, where: str) -> tuple[str, str | None]:
        """Return the name of an array and, where a part of it is asked for, which."""
        if given in table.arrays or given in table.unreadable:
            return given, None  # a name may hold brackets
        match = _SELECTION.fullmatch(given) if isinstance(given, str) else None
        if match is None:
            raise InputError(
                f"{where}; give an array's name, such as {name}, or a part of it, such as A[:, 0]."
            )
        return match[1], match[2]

    def _rows(
        self, problem: Problem, points: PointSet, table: Table, seed: int
    ) -> tuple[AnyArray, list[str]]:
        """Return the indices of the points that are used, and what was left out."""
        where = f"data.path={self.path}"
        lines = table.lines if self.grid is None else None
        rows, notes = complete(points, problem, where)
        chosen = points.coordinates[rows]
        if self.outside == "drop":
            left_out = outside(problem, chosen)
            if left_out.any():
                notes.append(
                    f"{int(left_out.sum())} of {len(rows)} points are outside the domain; they "
                    "are left out"
                )
            rows = rows[~left_out]
        else:
            remedy = "correct the mapping or the units, or set data.outside=drop"
            check_inside(problem, chosen, where, remedy=remedy, rows=rows, lines=lines)
        if self.count is None and len(rows):
            return rows, notes
        if len(rows) < (self.count or 1):
            raise InputError(
                f"data.count={self.count}: there are {len(rows)} points; give at most that many, "
                "or null."
            )
        rng = generator(seed, "measurement points")
        if self.count is not None and self.count < len(rows):
            notes.append(f"{self.count} of {len(rows)} points are drawn at random")
        return np.sort(rng.choice(rows, self.count, replace=False)), notes


def _joined(notes: Sequence[str]) -> list[str]:
    """Return notes about a table as one."""
    return [", ".join(notes)] if notes else []


def _index(part: str) -> int | slice:
    """Return the index or slice that "3", ":" or "0:100:2" stands for."""
    if ":" not in part:
        return int(part)
    return slice(*(int(p) if p.strip() else None for p in part.split(":")))
