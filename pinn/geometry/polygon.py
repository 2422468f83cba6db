# pyright: strict, reportMissingTypeStubs=false, reportUnknownMemberType=false
"""Domains with a boundary of straight edges: polygons, closed splines, airfoils."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from scipy.interpolate import CubicSpline

from pinn.arrays import Array, BoolArray, IntArray, Quantity, choose
from pinn.errors import InputError
from pinn.geometry.domain import Domain, check_coordinates, check_part

_ROUNDING = 1e-9  # of the size, by which a point on an edge may lie behind it
_CORNER = 1e-13  # of the size, within which a point lies at a corner
_EDGES = 256  # of a closed spline, unless told


class _Edge(NamedTuple):
    """Where points lie beside an edge; lengths are divided by the size of the polygon.

    Attributes:
        height: the distance from its line, positive on the inner side.
        along: the projection onto the edge, from its start.
        start: the distance from its start.
        end: the distance from its end.
        product: of the two distances.
        cosine: the scalar product of the vectors from its ends to the point.
        length: of the edge.
    """

    height: Any
    along: Any
    start: Any
    end: Any
    product: Any
    cosine: Any
    length: float


class _Fraction(NamedTuple):
    """The fraction 1/d of the distance d to an edge.

    Attributes:
        n: its numerator.
        q: its denominator without the height.
        h: the height over the edge, or 1 away from it.
        below: its denominator.
    """

    n: Any
    q: Any
    h: Any
    below: Any


class Polygon(Domain):
    """A polygon, e.g. `Polygon(x=(0, 2, 2, 1, 1, 0), y=(0, 0, 1, 1, 2, 2))` for an L.

    The corners are listed along the boundary, either way round; the last one is joined to the
    first.  The faces are the edges, `edge1` from the first corner to the second, and so on, unless
    `names` gives others; edges of one name are one face.  Lengths are in the problem's own units.

    Args:
        names: of the edges, one for each.
        corners: the coordinates of the corners [n] by name.

    Raises:
        InputError: for coordinates other than two, fewer than three corners, corners that coincide,
            edges that cross, and names that do not fit.
    """

    is_mapped = False  # points of the bounding box outside are rejected

    def __init__(self, *, names: Sequence[str] | None = None, **corners: Sequence[float]) -> None:
        self._label = type(self).__name__
        if len(corners) != 2:
            raise InputError(
                f"{self._label}: {len(corners)} coordinates; give the corners by two, such as "
                "x=(0, 1, 0) and y=(0, 0, 1)."
            )
        check_coordinates(corners, self._label)
        self.coordinates = tuple(corners)
        self._outline(_corners(self._label, corners), names)

    def _outline(self, corners: Array, names: Sequence[str] | None) -> None:
        """Take the corners [n, 2] and the names of the edges."""
        count = len(corners)
        names = [f"edge{i + 1}" for i in range(count)] if names is None else list(names)
        if len(names) != count:
            raise InputError(
                f"{self._label}: {len(names)} names for {count} edges; give one for each."
            )
        following = np.roll(corners, -1, axis=0)
        area = float(0.5 * np.sum(_cross(corners, following)))
        if area < 0:  # counterclockwise, the edges keep their names
            corners, following = corners[::-1], np.roll(corners[::-1], -1, axis=0)
            names = [*names[-2::-1], names[-1]]
        self.corners = corners
        self._area = abs(area)
        self._vectors = following - corners
        self._lengths = np.linalg.norm(self._vectors, axis=1)
        self.size = float(np.max(np.ptp(corners, axis=0)))
        self._check_edges(names)
        self.faces = tuple(dict.fromkeys(names))
        self._members: dict[str, list[int]] = {face: [] for face in self.faces}
        for i, name in enumerate(names):
            self._members[name].append(i)
        for i, face in enumerate(self.faces):
            check_part(face, self.faces[:i], self._label)

    def __repr__(self) -> str:
        columns = zip(self.coordinates, self.corners.T, strict=True)
        if len(self.corners) > 12:
            return f"{self._label}({len(self.corners)} corners)"
        texts = [f"{c}=({', '.join(f'{v:g}' for v in column)})" for c, column in columns]
        return f"{self._label}({', '.join(texts)})"

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The lower and the upper corner [2] of the bounding box."""
        return self.corners.min(axis=0), self.corners.max(axis=0)

    def interior(self, unit: Array) -> Array:
        """Return points [n, 2] of the bounding box; `accepts` rejects those outside."""
        lower, upper = self.bounds
        return lower + unit * (upper - lower)

    def accepts(self, points: Array, face: str | None = None) -> BoolArray:
        """Return which points [n, 2] of `interior`, or of a face, belong to the domain: [n]."""
        if face is not None:
            return np.ones(len(points), bool)
        return np.asarray(self.distance(*points.T)) > 0

    def face(self, name: str, unit: Array) -> tuple[Array, Array]:
        """Return points [n, 2] on a face, even by its length, and their outward normals [n, 2].

        `unit` [n, 1] is a sample of the unit interval.
        """
        members = np.array(self._members[name])
        lengths = self._lengths[members]
        ends = np.cumsum(lengths)
        place: Array = unit[:, 0] * ends[-1]
        found = cast(IntArray, np.searchsorted(ends, place, side="right"))
        chosen = np.minimum(found, len(members) - 1)
        share = (place - (ends - lengths)[chosen]) / lengths[chosen]
        edge = members[chosen]
        points = self.corners[edge] + share[:, None] * self._vectors[edge]
        along = self._vectors[edge] / self._lengths[edge, None]
        return points, np.stack([along[:, 1], -along[:, 0]], axis=1)

    def measure(self, face: str) -> float:
        """Return the length of a face."""
        return float(np.sum(self._lengths[self._members[face]]))

    @property
    def volume(self) -> float:
        """The area, by the shoelace formula."""
        return self._area

    def distance(self, *coordinates: Quantity) -> Any:
        """Return the exact signed distance [n].

        That to an edge has the sign of its side; that to a corner is negative where the corner is
        convex, since only points outside are nearest to it, and positive where it is reflex.
        """
        nearest: Any = None
        turns = np.where(_cross(np.roll(self._vectors, 1, axis=0), self._vectors) > 0, -1.0, 1.0)
        for i in range(len(self.corners)):
            edge = self._beside(i, coordinates)
            after = float(turns[(i + 1) % len(turns)])
            beside = choose(edge.along < 0, float(turns[i]) * edge.start, edge.height)
            signed = choose(edge.along > edge.length, after * edge.end, beside)
            if nearest is None:
                nearest = signed
            else:
                nearest = choose(abs(signed) < abs(nearest), signed, nearest)
        return self.size * nearest

    def implicit(self, *coordinates: Quantity) -> Any:
        """Return 2/∫ cos θ ds/ρ² over the boundary [n], signed: the mean-value distance.

        θ is the angle between the normal and the vector to the point, of length ρ.  The integral
        over an edge that is seen under the angle α is tan(α/2) (1/ρ₁ + 1/ρ₂).

        Source: Belyaev, Fayolle & Pasko (2013), doi:10.1016/j.cad.2012.10.025, after Floater
        (2003), doi:10.1016/S0167-8396(03)00002-5.
        """
        return self.size * self._joined(range(len(self.corners)), coordinates, is_signed=True)

    def smooth_distance(self, *coordinates: Quantity, on: str | Sequence[str] = "boundary") -> Any:
        """Return (2/∫ ds/ρ³)^½ [n] over the edges of a part, or `implicit` for the boundary.

        It is positive on both sides of an edge.  The integral over an edge of length l is l (ρ₁ +
        ρ₂)/(ρ₁ρ₂ (ρ₁ρ₂ + a·b)), with the vectors a and b from its ends to the point (Belyaev et
        al. 2013).
        """
        faces = self.members(on)
        if len(faces) == len(self.faces):
            return self.implicit(*coordinates)
        edges = [i for face in faces for i in self._members[face]]
        return self.size * self._joined(edges, coordinates, is_signed=False)

    def _joined(
        self, edges: Sequence[int], coordinates: Sequence[Quantity], *, is_signed: bool
    ) -> Any:
        """Return 2/Σ 1/dᵢ or, without signs, (2/Σ 1/dᵢ²)^½ over edges, divided by the size.

        1/dᵢ is a fraction n/(q h), or n/(q h²), with the height h over the edge; away from the
        circle about the edge the formula has another form, without h.  The fraction of the nearest
        edge is kept apart from the sum over the others, so that nothing is divided by zero on the
        boundary.  At a corner, which no edge sees, the distance to it is returned.
        """
        kept: _Fraction | None = None
        rest: Any = 0.0  # the sum of 1/d over the other edges
        corner: Any = np.inf  # the distance from the nearest corner
        for i in edges:
            edge = self._beside(i, coordinates)
            corner = choose(edge.start < corner, edge.start, corner)
            corner = choose(edge.end < corner, edge.end, corner)
            one = _fraction(edge, is_signed=is_signed)
            if kept is None:
                kept = one
                continue
            is_nearer = abs(one.below) * abs(kept.n) < abs(kept.below) * abs(one.n)
            rest = rest + choose(is_nearer, kept.n, one.n) / choose(
                is_nearer, kept.below, one.below
            )
            kept = _Fraction(*(choose(is_nearer, a, b) for a, b in zip(one, kept, strict=True)))
        assert kept is not None
        total = kept.n + kept.below * rest
        if is_signed:
            joined = 2.0 * kept.q * kept.h / total
        else:
            behind = kept.h < -_ROUNDING
            joined = choose(behind, -kept.h, kept.h) * (2.0 * kept.q / total) ** 0.5
        return choose(corner < _CORNER, corner, joined)

    def _beside(self, i: int, coordinates: Sequence[Quantity]) -> _Edge:
        """Return where points lie beside an edge, in units of the size."""
        x, y = coordinates
        (x1, y1), (dx, dy) = (self.corners[i] / self.size), (self._vectors[i] / self.size)
        length = float(self._lengths[i] / self.size)
        ax, ay = x * (1 / self.size) - float(x1), y * (1 / self.size) - float(y1)
        bx, by = ax - float(dx), ay - float(dy)
        start, end = (ax * ax + ay * ay) ** 0.5, (bx * bx + by * by) ** 0.5
        return _Edge(
            height=(ay * float(dx) - ax * float(dy)) / length,
            along=(ax * float(dx) + ay * float(dy)) / length,
            start=start,
            end=end,
            product=start * end,
            cosine=ax * bx + ay * by,
            length=length,
        )

    def _check_edges(self, names: Sequence[str]) -> None:
        """Raise an InputError for corners that coincide and for edges that cross."""
        short = np.flatnonzero(self._lengths <= 1e-12 * self.size)
        if len(short):
            raise InputError(
                f"{self._label}: the edge {names[short[0]]!r} has no length; leave a corner out."
            )
        start, end = self.corners, self.corners + self._vectors
        count = len(start)
        for i in range(count - 1):
            others = np.arange(i + 2, count - (i == 0))
            sides = _side(start[i], end[i], start[others]) * _side(start[i], end[i], end[others])
            backs = _side(start[others], end[others], start[i]) * _side(
                start[others], end[others], end[i]
            )
            for other in others[(sides < 0) & (backs < 0)]:
                raise InputError(
                    f"{self._label}: the edges {names[i]!r} and {names[int(other)]!r} "
                    "cross; list the corners along the boundary."
                )


class Spline(Polygon):
    """What a smooth closed curve through points encloses, e.g. `Spline(x=(…), y=(…))`.

    The curve is the periodic cubic spline through the points over the length of their chords.  The
    domain is the polygon of so many edges, even by that length; its face is `"curve"`.

    Args:
        edges: the number of edges.
        points: the coordinates of the points [n] by name, along the curve.

    Raises:
        InputError: as for a polygon.
    """

    def __init__(self, *, edges: int = _EDGES, **points: Sequence[float]) -> None:
        super().__init__(names=None, **points)
        given = self.corners
        closed = np.concatenate([given, given[:1]])
        place = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
        even = np.linspace(0, float(place[-1]), edges, endpoint=False)
        corners = CubicSpline(place, closed, bc_type="periodic")(even)
        self._outline(np.asarray(corners, float), ["curve"] * edges)


class Airfoil(Polygon):
    """A NACA airfoil of four digits, e.g. `Airfoil("2412", chord=1.0)`.

    The nose is at the origin, and the chord along the first coordinate.  The thickness is that of
    the closed trailing edge.  The corners lie denser at nose and tail; the face is `"wing"`.
    `rotate` gives an angle of attack, and `translate` another place.

    Source: Jacobs, Ward & Pinkerton (1933), NACA Report 460; the coefficient −0.1036 closes the
    trailing edge.

    Args:
        digits: camber in percent, its place in tenths, and thickness in percent of the chord.
        chord: the length of the chord.
        coordinates: the names of the two coordinates.
        edges: the number of edges.

    Raises:
        InputError: for other digits, or a chord that is not positive.
    """

    def __init__(
        self,
        digits: str,
        *,
        chord: float = 1.0,
        coordinates: Sequence[str] = ("x", "y"),
        edges: int = 160,
    ) -> None:
        self._label = "Airfoil"
        if not (len(digits) == 4 and digits.isdigit() and int(digits[2:])):
            raise InputError(f"Airfoil: {digits!r}; give four digits, such as '0012'.")
        if not (np.isfinite(chord) and chord > 0):
            raise InputError(f"Airfoil: chord={chord}; give a positive number.")
        check_coordinates(coordinates, self._label)
        self.coordinates = tuple(coordinates)
        corners = chord * _naca(digits, edges // 2)
        self._outline(corners, ["wing"] * len(corners))


def _fraction(edge: _Edge, *, is_signed: bool) -> _Fraction:
    """Return 1/d with signs, or 1/d² without, times two."""
    ends = edge.start + edge.end
    inside = edge.cosine < 0
    far = edge.length * ends * (edge.height if is_signed else 1.0)
    n = choose(inside, ends * (edge.product - edge.cosine), far)
    beyond = edge.product * (edge.product + edge.cosine)
    q = choose(inside, edge.length * edge.product, beyond)
    h = choose(inside, edge.height, 1.0)
    return _Fraction(n, q, h, q * h if is_signed else q * h * h)


def _naca(digits: str, count: int) -> Array:
    """Return the corners [2 count, 2] of an airfoil of unit chord, from the tail over the top."""
    camber, place, thickness = int(digits[0]) / 100, int(digits[1]) / 10, int(digits[2:]) / 100
    x = 0.5 * (1 - np.cos(np.linspace(0, np.pi, count + 1)))
    powers = 0.2969 * np.sqrt(x) - 0.1260 * x - 0.3516 * x**2 + 0.2843 * x**3 - 0.1036 * x**4
    half = 5 * thickness * powers
    mean, slope = np.zeros_like(x), np.zeros_like(x)
    if camber and place:
        ahead = x < place
        width = np.where(ahead, place, 1 - place) ** 2
        mean = (
            camber
            / width
            * np.where(ahead, 2 * place * x - x**2, 1 - 2 * place + 2 * place * x - x**2)
        )
        slope = 2 * camber / width * (place - x)
    angle = np.arctan(slope)
    upper = np.stack([x - half * np.sin(angle), mean + half * np.cos(angle)], axis=1)
    lower = np.stack([x + half * np.sin(angle), mean - half * np.cos(angle)], axis=1)
    return np.concatenate([upper[:0:-1], lower[:-1]])


def _corners(label: str, corners: dict[str, Sequence[float]]) -> Array:
    """Return corners [n, 2] from the sequences of their coordinates."""
    columns: list[Array] = []
    for name, values in corners.items():
        try:
            column = np.asarray(values, float)
        except (TypeError, ValueError):
            column = np.zeros(0)
        if column.ndim != 1 or len(column) < 3 or not np.all(np.isfinite(column)):
            raise InputError(
                f"{label}: {name}={values!r}; give a number for each of at least three corners."
            )
        columns.append(column)
    if len(columns[0]) != len(columns[1]):
        raise InputError(
            f"{label}: {len(columns[0])} and {len(columns[1])} numbers; give two for each corner."
        )
    return np.stack(columns, axis=1)


def _cross(first: Array, second: Array) -> Array:
    """Return the cross products [n] of vectors [n, 2]."""
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _side(start: Array, end: Array, points: Array) -> Array:
    """Return on which side of lines points lie, by the sign [n]."""
    return _cross(end - start, points - start)
