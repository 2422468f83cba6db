"""A domain that is known by points alone: inside, and on the boundary with outward normals, from a file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from pinn.errors import InputError
from pinn.geometry.domain import Array, Domain, check_coordinates, check_part

INSIDE = "interior"


class PointCloud(Domain):
    """A domain by its points, read from a `.csv` or `.npz` file; lengths in the problem's own units.

    The columns of the file (its header line, or the names of its arrays [n]), in any order:

    - the coordinates, such as `x` and `y`: every name that is none of those below;
    - `part`: "interior" for points inside, else the name of the part of the boundary, such as
    "wing";
    - the outward normals, "n" and the coordinate's name, such as `nx` and `ny`: of any length above
    zero, for points on
      the boundary; elsewhere they may be empty or NaN;
    - `measure`, which may be left out: the volume inside, or the area or length on the boundary,
    that a point stands
      for.  Without it, points are taken to stand for equally much.

    Samples choose among the points, each as often as its measure asks: in a steady problem, counts
    above the number of points give points repeatedly.  Whether a point of a picture lies inside,
    the nearest boundary point and its normal tell.  There is no distance for an ansatz.

    Raises:
        InputError: for a file or a column that cannot be read, or a value that is none.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        columns = _columns(self.path)
        part = columns.pop("part")
        measures = _numbers(self.path, "measure", columns.pop("measure", np.ones(len(part))))
        names = [c for c in columns if not (c[:1] == "n" and c[1:] in columns)]
        self._check_names(names, columns)
        values = np.stack([_numbers(self.path, c, columns[c]) for c in names], axis=1)
        if not np.all(np.isfinite(measures) & (measures > 0)):
            raise InputError(
                f"{self.path}: column measure has a value that is not positive; correct the file."
            )
        self.coordinates = tuple(names)
        self.faces = tuple(str(p) for p in dict.fromkeys(part) if p != INSIDE)
        for i, face in enumerate(self.faces):
            check_part(face, self.faces[:i], f"{self.path}: column part")
        if INSIDE not in part:
            raise InputError(
                f"{self.path}: no point whose part is {INSIDE!r}; give the points inside."
            )
        self._points = {p: values[part == p] for p in (INSIDE, *self.faces)}
        self._shares = {p: np.cumsum(measures[part == p]) for p in (INSIDE, *self.faces)}
        self._normals = {p: self._read_normals(columns, part == p) for p in self.faces}

    def __repr__(self) -> str:
        return f"PointCloud({str(self.path)!r})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [d] of the smallest axis-parallel box around all points."""
        every = np.concatenate(list(self._points.values()))
        return every.min(axis=0), every.max(axis=0)

    def interior(self, unit: Array) -> Array:
        """Return points [n, d] inside, chosen by the first column of a sample `unit` [n, d] of the unit cube."""
        return self._points[INSIDE][self._chosen(INSIDE, unit)]

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, d] of a part and their outward normals [n, d], chosen by a sample [n, d - 1]."""
        chosen = self._chosen(name, unit)
        return self._points[name][chosen], self._normals[name][chosen]

    def measure(self, face: str) -> float:
        """Return the sum of a part's measures; without any, the number of its points."""
        return float(self._shares[face][-1])

    def distance(self, *coordinates: Any) -> Any:
        """Return the signed distance [n] to the tangent plane in the nearest boundary point, for NumPy arrays alone.

        Raises:
            InputError: for tensors or jets.
        """
        if not all(isinstance(c, np.ndarray) for c in coordinates):
            raise InputError(
                f"{self!r}: has no distance for an ansatz or a residual; use constraints=soft."
            )
        points = np.stack(np.broadcast_arrays(*coordinates), axis=-1)
        if not self.faces:
            return np.full(points.shape[:-1], np.inf)
        surface = np.concatenate([self._points[face] for face in self.faces])
        normals = np.concatenate([self._normals[face] for face in self.faces])
        nearest = KDTree(surface).query(points)[1]
        return np.sum((surface[nearest] - points) * normals[nearest], axis=-1)

    def _chosen(self, part: str, unit: Array) -> Array:
        """Return indices of a part's points, each in proportion to its measure.

        The r-th smallest number of the sample's first column chooses from the r-th of n equal
        shares of the measure, so that hardly a point is chosen twice before all are chosen once.
        """
        shares, order = self._shares[part], np.argsort(unit[:, 0], kind="stable")
        position = np.empty(len(unit))
        position[order] = np.arange(len(unit))
        position += np.modf(unit[:, 0] * 2**20)[
            0
        ]  # the digits that do not tell the rank are random
        found = np.searchsorted(shares, position / len(unit) * shares[-1], side="right")
        return np.minimum(found, len(shares) - 1)

    def _check_names(self, names: list[str], columns: Mapping[str, Array]) -> None:
        if len(names) < 2:
            found = ", ".join(columns) or "none"
            raise InputError(
                f"{self.path}: fewer than two coordinates (columns: {found}); name two, such as x and y."
            )
        check_coordinates(names, str(self.path))
        for c in names:
            if f"n{c}" not in columns:
                raise InputError(
                    f"{self.path}: no column n{c}; give the outward normals, which may be empty inside."
                )

    def _read_normals(self, columns: Mapping[str, Array], chosen: Array) -> Array:
        """Return the unit normals of chosen points."""
        found = [
            _numbers(self.path, f"n{c}", columns[f"n{c}"][chosen], empty=True)
            for c in self.coordinates
        ]
        normals = np.stack(found, axis=1)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        if not np.all(np.isfinite(length) & (length > 0)):
            raise InputError(
                f"{self.path}: a boundary point has no normal; give one of a length above zero to each."
            )
        return normals / length


def _columns(path: Path) -> dict[str, Array]:
    """Return the columns of a file by name, all of one length [n], `part` as text."""
    if path.suffix not in (".csv", ".npz"):
        raise InputError(f"{path}: is no .csv or .npz file; save the points as one of these.")
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of a point cloud.")
    try:
        columns = _csv(path) if path.suffix == ".csv" else _npz(path)
    except (OSError, ValueError, UnicodeError) as error:
        raise InputError(
            f"{path}: cannot be read: {' '.join(str(error).split())}; save it again."
        ) from None
    if "part" not in columns:
        raise InputError(
            f"{path}: no column part; say of every point whether it is {INSIDE!r} or on which part."
        )
    lengths = {
        name: len(column) if np.ndim(column) == 1 else -1 for name, column in columns.items()
    }
    if len(set(lengths.values())) != 1 or not lengths["part"]:
        told = ", ".join(f"{name} {'is no column' if n < 0 else n}" for name, n in lengths.items())
        raise InputError(
            f"{path}: columns of different lengths or none at all ({told}); give one value per point."
        )
    return columns | {"part": np.char.strip(columns["part"].astype(str))}


def _csv(path: Path) -> dict[str, Array]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    header = [name.strip() for name in rows[0]] if rows else []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} values, the header {len(header)}")
    return {name: np.array([row[i] for row in rows[1:]]) for i, name in enumerate(header)}


def _npz(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _numbers(path: Path, name: str, column: Array, *, empty: bool = False) -> Array:
    """Return a column as finite numbers; where `empty`, NaN stands for a value that is left out."""
    if empty and column.dtype.kind in "US":
        column = np.where(np.char.strip(column) == "", "nan", column)
    try:
        values = column.astype(float)
    except ValueError as error:
        raise InputError(f"{path}: column {name}: {error}; give numbers.") from None
    if not empty and not np.all(np.isfinite(values)):
        raise InputError(f"{path}: column {name} has a value that is not finite; correct the file.")
    return values
