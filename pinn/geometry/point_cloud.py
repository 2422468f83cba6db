# pyright: strict, reportMissingTypeStubs=false, reportUnknownMemberType=false
"""A domain that is known by its points alone, inside and on the boundary, from a file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
from scipy.spatial import KDTree

from pinn.arrays import AnyArray, Array, BoolArray, IntArray, Quantity, read_npz
from pinn.errors import InputError
from pinn.geometry.domain import Domain, check_coordinates, check_part

INSIDE = "interior"


class PointCloud(Domain):
    """A domain given by points, which a `.csv` or `.npz` file holds.

    The columns of the file are named by its header line, or are the names of its arrays [n].  Their
    order does not matter:

    - the coordinates, such as `x` and `y`: all columns that are not listed below;
    - `part`: "interior" for points inside, else the name of the part of the boundary, e.g. "wing";
    - the outward normals, such as `nx` and `ny`: of any length above zero for points on the
      boundary; for points inside they may be empty or NaN;
    - `measure`, which is optional: the volume inside, or the area or length on the boundary, that a
      point represents.  Without it, all points represent the same measure.

    Samples choose among the points in proportion to their measures.  In a steady problem, a sample
    larger than the number of points contains points repeatedly.  A point of a picture lies inside
    if it is on the inner side of the nearest boundary point, by that point's normal.  A point cloud
    has no distance for an ansatz.  Lengths are in the problem's own units.

    Raises:
        InputError: for a file or a column that cannot be read, or for an impossible value.
    """

    is_mapped = False  # a sample chooses among the points

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        columns = _read_columns(self.path)
        part = columns.pop("part")
        self._has_measures = "measure" in columns
        measures = _numbers(self.path, "measure", columns.pop("measure", np.ones(len(part))))
        names = [c for c in columns if not (c[:1] == "n" and c[1:] in columns)]
        self._check_names(names, columns)
        self.coordinates = tuple(names)
        coordinates = [_numbers(self.path, c, columns[c]) for c in names]
        points = np.stack(coordinates, axis=1)
        if not np.all(np.isfinite(measures) & (measures > 0)):
            raise InputError(
                f"{self.path}: column measure has a value that is not positive; correct the file."
            )
        self.faces = tuple(str(p) for p in dict.fromkeys(part) if p != INSIDE)
        for i, face in enumerate(self.faces):
            check_part(face, self.faces[:i], f"{self.path}: column part")
        if INSIDE not in part:
            raise InputError(
                f"{self.path}: no point whose part is {INSIDE!r}; give the points inside."
            )
        self._points: dict[str, Array] = {}
        self._cumulative: dict[str, Array] = {}  # sums of the measures of the first 1, 2, … points
        self._normals: dict[str, Array] = {}
        for name in (INSIDE, *self.faces):
            chosen: BoolArray = part == name
            self._points[name] = points[chosen]
            self._cumulative[name] = np.cumsum(measures[chosen])
            if name != INSIDE:
                self._normals[name] = self._unit_normals(columns, chosen)

    def __repr__(self) -> str:
        return f"PointCloud({str(self.path)!r})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the bounding box of all points."""
        points = np.concatenate(list(self._points.values()))
        return points.min(axis=0), points.max(axis=0)

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] inside, for a sample `unit` [n, d] of the unit cube.

        The first column of the sample chooses the points.
        """
        return self._points[INSIDE][self._choose(INSIDE, unit)]

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] of a face and their outward normals [n, d].

        The first column of the sample `unit` [n, d - 1] of the unit cube chooses the points.
        """
        chosen = self._choose(name, unit)
        return self._points[name][chosen], self._normals[name][chosen]

    def measure(self, face: str) -> float:
        """Return the sum of a face's measures; without measures, the number of its points."""
        return float(self._cumulative[face][-1])

    @property
    def volume(self) -> float:
        """The sum of the measures of the points inside.

        Raises:
            InputError: if the file has no measures.
        """
        if not self._has_measures:
            raise InputError(
                f"{self.path}: lacks the column measure, without which the volume is not known; "
                "add it."
            )
        return float(self._cumulative[INSIDE][-1])

    def distance(self, *coordinates: Quantity) -> Array:
        """Return the signed distance [n] to the tangent plane at the nearest boundary point.

        Raises:
            InputError: for anything but NumPy arrays.
        """
        arrays: list[Array] = []
        for c in coordinates:
            if isinstance(c, np.ndarray):
                arrays.append(cast(Array, c))
        if len(arrays) < len(coordinates):
            raise InputError(
                f"{self!r}: has no distance for an ansatz or a residual; use constraints=soft."
            )
        points = np.stack(np.broadcast_arrays(*arrays), axis=-1)
        if not self.faces:
            return np.full(points.shape[:-1], np.inf)
        surface = np.concatenate([self._points[face] for face in self.faces])
        normals = np.concatenate([self._normals[face] for face in self.faces])
        _, nearest = cast(tuple[Array, IntArray], KDTree(surface).query(points))
        return np.sum((surface[nearest] - points) * normals[nearest], axis=-1)

    def _choose(self, face: str, unit: Array) -> IntArray:
        """Return indices [n] of points, each point in proportion to its measure.

        The measure is cut into n equal shares.  The r-th smallest number of the sample's first
        column chooses from the r-th share, so that almost no point is chosen twice before all are
        chosen once.
        """
        column = unit[:, 0]
        cumulative = self._cumulative[face]
        # The share of each row of the sample: the rank of its number.
        position = np.empty(len(unit))
        position[np.argsort(column, kind="stable")] = np.arange(len(unit))
        # The place within the share: the digits that do not determine the rank are random.
        position += np.modf(column * 2**20)[0]
        values = position / len(unit) * cumulative[-1]
        indices = cast(IntArray, np.searchsorted(cumulative, values, side="right"))
        return np.minimum(indices, len(cumulative) - 1)

    def _check_names(self, names: list[str], columns: Mapping[str, AnyArray]) -> None:
        if len(names) < 2:
            present = ", ".join(columns) or "none"
            raise InputError(
                f"{self.path}: fewer than two coordinates (columns: {present}); "
                f"name two, such as x and y."
            )
        check_coordinates(names, str(self.path))
        for c in names:
            if f"n{c}" not in columns:
                raise InputError(
                    f"{self.path}: no column n{c}; "
                    f"give the outward normals, which may be empty inside."
                )

    def _unit_normals(self, columns: Mapping[str, AnyArray], chosen: BoolArray) -> Array:
        """Return the unit normals [n, d] of the chosen points."""
        components: list[Array] = []
        for c in self.coordinates:
            column = columns[f"n{c}"][chosen]
            components.append(_numbers(self.path, f"n{c}", column, empty=True))
        normals = np.stack(components, axis=1)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        if not np.all(np.isfinite(length) & (length > 0)):
            raise InputError(
                f"{self.path}: a boundary point has no normal; "
                f"give one of a length above zero to each."
            )
        return normals / length


def _read_columns(path: Path) -> dict[str, AnyArray]:
    """Return the columns [n] of a file by name, and `part` as text."""
    if path.suffix not in (".csv", ".npz"):
        raise InputError(f"{path}: is no .csv or .npz file; save the points as one of these.")
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of a point cloud.")
    try:
        columns = _read_csv(path) if path.suffix == ".csv" else read_npz(path)
    except (OSError, ValueError, UnicodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read: {reason}; save it again.") from None
    if "part" not in columns:
        raise InputError(
            f"{path}: no column part; say of every point whether it is {INSIDE!r} or on which part."
        )
    lengths: dict[str, str] = {}
    for name, column in columns.items():
        lengths[name] = str(len(column)) if column.ndim == 1 else "is no column"
    if len(set(lengths.values())) != 1 or lengths["part"] in ("0", "is no column"):
        listing = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(
            f"{path}: columns of different lengths or none at all ({listing}); "
            f"give one value per point."
        )
    return columns | {"part": np.char.strip(columns["part"].astype(str))}


def _read_csv(path: Path) -> dict[str, AnyArray]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    header = [name.strip() for name in rows[0]] if rows else []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} values, the header {len(header)}")
    columns: dict[str, AnyArray] = {}
    for i, name in enumerate(header):
        columns[name] = np.array([row[i] for row in rows[1:]])
    return columns


def _numbers(path: Path, name: str, column: AnyArray, *, empty: bool = False) -> Array:
    """Return a column as finite numbers; with `empty`, missing values become NaN."""
    if empty and column.dtype.kind in "US":
        column = np.where(np.char.strip(column) == "", "nan", column)
    try:
        values = column.astype(float)
    except ValueError as error:
        raise InputError(f"{path}: column {name}: {error}; give numbers.") from None
    if not empty and not np.all(np.isfinite(values)):
        raise InputError(f"{path}: column {name} has a value that is not finite; correct the file.")
    return values
