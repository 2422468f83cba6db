"""Measurements from a file: its arrays by name, mapped to coordinates and fields."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from pinn import settings
from pinn.arrays import read_npz
from pinn.errors import InputError, did_you_mean
from pinn.measurements.synthetic import NOISE, noisy
from pinn.networks import LAST_SEED
from pinn.objective import PointSet
from pinn.problem import Problem
from pinn.seeds import generator

Arrays = dict[str, np.ndarray]

_SELECTION = re.compile(r"\s*([^\[\]]+?)\s*(?:\[([-\d:,\s]*)\])?\s*")
_SLACK = (
    1e-6  # of the domain's size: coordinates in files are rounded, to single precision at worst
)


@dataclass(frozen=True, kw_only=True)
class DataFile(settings.Settings):
    """Measurements in a .csv, .npz or .mat file.

    A coordinate or field is taken from the array (a .csv file: the column) of its own name, unless
    `coordinates` or `fields` name another one, or a part of it in brackets, as in "U_star[:, 0, :]"
    (numbers and slices, as NumPy has them).  The columns of a .csv file without a header are called
    column1, column2, …

    Attributes:
        path: the file, as an absolute path after construction.
        coordinates: the array by coordinate, or a number for all points (the time of a snapshot).
        fields: the array by measured field; empty means all of the problem's fields.
        grid: None: all arrays have the same length, one row per point. Otherwise the fields are
            arrays over a grid, and this names the coordinate along each of their axes, such as
            ["x", "t"], or ["t", "x"] for the transpose. Scattered points share an axis: a list of
            coordinates, as in [["x", "y"], "t"].
        count: number of points, drawn at random without replacement; None means all.
        inside: whether points outside the problem's domain are left out; otherwise they are an
            error.
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
    grid: Sequence[Any] | None = None
    count: int | None = settings.count(None, words="a whole number of at least 1, or null for all")
    inside: bool = False
    noise: float = settings.at_least(0, 0.0, words=NOISE)
    seed: int = settings.count(0, least=0, most=LAST_SEED)
    sha256: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        file = Path(self.path).expanduser()
        if file.suffix.lower() not in _READERS:
            raise InputError(
                f"data.path={self.path}: unknown kind of file; give one of {', '.join(_READERS)}."
            )
        try:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(
                f"data.path={self.path}: cannot be read ({error.strerror}); give the path of a "
                "file."
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

    def measure(self, problem: Problem) -> PointSet:
        """Return the points and the measured values.

        Raises:
            InputError: for a name that the file or the problem lacks, lengths that do not fit,
                values that are not finite, and points outside the domain.
        """
        for kind, given, known in (
            ("coordinates", self.coordinates, problem.coordinates),
            ("fields", self.fields, problem.fields),
        ):
            for name in given:
                if name not in known:
                    raise InputError(
                        f"data.{kind}.{name}: no such name in the problem."
                        f"{did_you_mean(name, known)}"
                    )
        arrays = _READERS[Path(self.path).suffix.lower()](Path(self.path))
        # Take the array of every coordinate and of every measured field.
        selected = {}
        for name in problem.coordinates:
            array_name = self.coordinates.get(name, name)
            selected[name] = self._selected(arrays, "coordinates", name, array_name)
        measured = self.fields or {name: name for name in problem.fields}
        for name, array_name in measured.items():
            selected[name] = self._selected(arrays, "fields", name, array_name)
        # Turn them into columns with one row per point.
        if self.grid is None:
            columns = self._table(selected)
        else:
            columns = self._spread(selected, list(measured))
        points = np.stack([columns[c] for c in problem.coordinates], axis=1)
        # Leave out points outside of the domain, and all but a random sample.
        rows = self._rows(problem, points)
        values = {name: columns[name][rows] for name in measured}
        return PointSet(points[rows], None, noisy(values, self.noise, self.seed))

    def _selected(self, arrays: Arrays, kind: str, name: str, given: Any) -> np.ndarray:
        """Return the array of a coordinate or field, or a number, without axes of length one."""
        where = f"data.{kind}.{name}={given!r}"
        if isinstance(given, int | float) and not isinstance(given, bool) and kind == "coordinates":
            return np.asarray(given, float)
        match = _SELECTION.fullmatch(given) if isinstance(given, str) else None
        if match is None:
            raise InputError(
                f"{where}; give an array's name, such as {name}, or a part of it, such as A[:, 0]."
            )
        if match[1] not in arrays:
            raise InputError(
                f"{where}: {Path(self.path).name} has no {match[1]!r}."
                f"{did_you_mean(match[1], arrays)}"
            )
        array = arrays[match[1]]
        if match[2] is not None:
            try:
                array = array[tuple(_index(part) for part in match[2].split(","))]
            except (IndexError, ValueError) as error:
                raise InputError(
                    f"{where}: {error}; {match[1]} has the shape {array.shape}."
                ) from None
        array = np.squeeze(array)
        bad = int(np.sum(~np.isfinite(array)))
        if bad:
            raise InputError(
                f"{where}: {bad} of {array.size} values are not finite; leave these points out of "
                "the file."
            )
        return array

    def _table(self, found: Arrays) -> Arrays:
        """Return the arrays as columns [n], with numbers repeated."""
        lengths = {name: a.size for name, a in found.items() if a.ndim == 1}
        shapes = ", ".join(
            f"{name} {' × '.join(map(str, a.shape))}" for name, a in found.items() if a.ndim
        )
        if any(a.ndim > 1 for a in found.values()):
            raise InputError(
                f"data.grid: null, but {shapes}; say what runs along the axes, as in "
                "data.grid=[x,t]."
            )
        if len(set(lengths.values())) > 1:
            raise InputError(
                f"data: {shapes}; give arrays of one length, or a grid, as in data.grid=[x,t]."
            )
        count = next(iter(lengths.values()), 1)
        return {name: np.broadcast_to(a, (count,)).astype(float) for name, a in found.items()}

    def _spread(self, found: Arrays, measured: Sequence[str]) -> Arrays:
        """Return the arrays of a grid as columns [n]."""
        axes = [
            tuple(a) if isinstance(a, Sequence) and not isinstance(a, str) else (a,)
            for a in self.grid or ()
        ]
        named = [c for axis in axes for c in axis]
        moving = [c for c, a in found.items() if c not in measured and a.ndim]
        if sorted(map(str, named)) != sorted(moving):
            raise InputError(
                f"data.grid={_plain(axes)}; name each of {', '.join(moving)} once, as in {moving}."
            )
        sizes = []
        for axis in axes:
            lengths = {c: found[c].size for c in axis}
            if len(set(lengths.values())) > 1 or any(found[c].ndim > 1 for c in axis):
                shapes = ", ".join(f"{c} {' × '.join(map(str, found[c].shape))}" for c in axis)
                raise InputError(
                    f"data.grid={_plain(axes)}: {shapes}; give vectors, of one length on one axis."
                )
            sizes.append(next(iter(lengths.values())))
        for f in measured:
            if found[f].shape != tuple(n for n in sizes if n > 1):
                raise InputError(self._misfit(f, found[f].shape, axes, sizes))
        at = np.indices(sizes).reshape(len(sizes), -1)
        columns = {c: found[c].reshape(-1)[at[i]] for i, axis in enumerate(axes) for c in axis}
        columns |= {f: found[f].reshape(-1) for f in measured}
        columns |= {
            c: np.full(at.shape[1], float(a))
            for c, a in found.items()
            if not a.ndim and c not in columns
        }
        return {name: a.astype(float) for name, a in columns.items()}

    def _misfit(
        self, name: str, shape: tuple[int, ...], axes: list[tuple], sizes: list[int]
    ) -> str:
        """Return a message about the shape of a field, with the right order of the axes if any."""
        other = next(
            (p for p in permutations(range(len(sizes))) if shape == tuple(sizes[i] for i in p)),
            None,
        )
        remedy = (
            "give arrays that fit"
            if other is None
            else f"set data.grid={_plain([axes[i] for i in other])}"
        )
        along = ", ".join(
            f"{'/'.join(axis)} {size}" for axis, size in zip(axes, sizes, strict=True)
        )
        sizes_found = " × ".join(map(str, shape))
        return f"data.grid={_plain(axes)}: {name} is {sizes_found}, but {along}; {remedy}."

    def _rows(self, problem: Problem, points: np.ndarray) -> np.ndarray:
        """Return the indices of the points that are used."""
        lower, upper = problem.bounds
        slack = _SLACK * (upper - lower)
        within = np.all((points >= lower - slack) & (points <= upper + slack), axis=1)
        if not within.all() and not self.inside:
            axis = int(
                np.argmax(np.any((points < lower - slack) | (points > upper + slack), axis=0))
            )
            name, column = problem.coordinates[axis], points[:, axis]
            raise InputError(
                f"data.coordinates.{name}: from {column.min():g} to {column.max():g}, outside the "
                f"domain ({lower[axis]:g} to {upper[axis]:g}); correct the mapping, or set "
                "data.inside=true."
            )
        kept = np.flatnonzero(within)
        if self.count is None and len(kept):
            return kept
        if len(kept) < (self.count or 1):
            raise InputError(
                f"data.count={self.count}: there are {len(kept)} points; give at most that many, "
                "or null."
            )
        rng = generator(self.seed, "measurement points")
        return np.sort(rng.choice(kept, self.count, replace=False))


def _index(part: str) -> int | slice:
    """Return the index or slice that "3", ":" or "0:100:2" stands for."""
    if ":" not in part:
        return int(part)
    return slice(*(int(p) if p.strip() else None for p in part.split(":")))


def _plain(axes: Sequence[tuple]) -> str:
    """Return a grid as it is written on the command line."""
    texts = []
    for axis in axes:
        names = ",".join(map(str, axis))
        texts.append(names if len(axis) == 1 else f"[{names}]")
    return f"[{','.join(texts)}]"


def _csv(path: Path) -> Arrays:
    """Return columns of numbers with commas, semicolons or tabs between; a header is optional."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise InputError(f"data.path={path}: is no text in UTF-8; save it as such.") from None
    lines = [line for line in lines if line.lstrip()[0] not in "#%"]
    if not lines:
        raise InputError(f"data.path={path}: holds no numbers; give a file that does.")
    delimiter = next((d for d in ",;\t" if d in lines[0]), ",")
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    header = [f"column{i + 1}" for i in range(len(rows[0]))]
    if not all(map(_is_number, rows[0])):
        header, rows = rows[0], rows[1:]
    if len(set(header)) < len(header):
        raise InputError(
            f"data.path={path}: two columns of one name ({', '.join(header)}); rename one."
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise InputError(
                f"data.path={path}: row {number} has {len(row)} cells, not {len(header)}; correct "
                "it."
            )
        for name, cell in zip(header, row, strict=True):
            if not _is_number(cell):
                raise InputError(
                    f"data.path={path}: row {number}, column {name}: {cell!r} is no number; "
                    "correct it."
                )
    return dict(zip(header, np.array(rows, float).reshape(len(rows), len(header)).T, strict=True))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _npz(path: Path) -> Arrays:
    try:
        return _numeric(read_npz(path))
    except (OSError, ValueError) as error:
        raise InputError(
            f"data.path={path}: is no .npz file of plain arrays ({error}); save it with np.savez."
        ) from None


def _mat(path: Path) -> Arrays:
    try:
        return _numeric(scipy.io.loadmat(path))
    except NotImplementedError:  # version 7.3 is HDF5
        raise InputError(
            f"data.path={path}: is of MATLAB's version 7.3; save it with -v7, or as .npz."
        ) from None
    except Exception as error:  # SciPy lists none, and a damaged file fails in many ways
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"data.path={path}: is no .mat file ({reason}); save it with -v7, or as .npz."
        ) from None


def _numeric(arrays: Mapping[str, Any]) -> Arrays:
    """Return the real arrays among what a file holds."""
    return {
        k: np.asarray(a, float)
        for k, a in arrays.items()
        if isinstance(a, np.ndarray) and a.dtype.kind in "fiub"
    }


_READERS = {".csv": _csv, ".npz": _npz, ".mat": _mat}
