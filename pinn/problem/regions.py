"""Regions: where the residuals of a problem hold, in space and time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pinn.arrays import Array, BoolArray
from pinn.errors import InputError, did_you_mean
from pinn.geometry import Domain
from pinn.problem.evaluation import call
from pinn.problem.materials import masks_at
from pinn.problem.names import is_finite
from pinn.problem.patches import SAMPLE, Patch, beyond_space, completed, share_of
from pinn.problem.two_sided import is_two_sided, on_both_sides
from pinn.sampling import LEAST_SHARE, unit_cube

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

Predicate: TypeAlias = Callable[..., Any]
"""Coordinates [n] by name to truth values [n]."""

_ROUNDING = 1e-12  # of a range, by which a coordinate may lie outside of it


class Region(ABC):
    """A set of points of a problem's domain in space and time, known by its maps from unit cubes.

    All sampling methods draw its points uniformly with respect to its own measure: length, area,
    volume, each times the time interval.  Coordinates and times are in the problem's own units.

    Args:
        where: a predicate, which takes coordinates by name as NumPy arrays [n] and returns truth
            values [n]; only points where it is true belong to the region.

    Attributes:
        moving: on a free boundary, the unknown field that gives each coordinate.
    """

    moving: Mapping[str, str] = {}

    def __init__(self, where: Predicate | None = None) -> None:
        if where is not None and not callable(where):
            raise InputError(
                f"{type(self).__name__}: where={where!r} is no function; give one of coordinates, "
                "such as where=lambda x: abs(x) < 0.1."
            )
        self.where = where

    def __repr__(self) -> str:
        arguments = [*self._arguments(), *(["where=…"] if self.where else [])]
        return f"{type(self).__name__}({', '.join(arguments)})"

    @abstractmethod
    def _arguments(self) -> list[str]:
        """Return the arguments other than the predicate, as text."""

    @abstractmethod
    def _pieces(self, problem: Problem) -> list[Patch]:
        """Return the patches without the predicate."""

    @abstractmethod
    def check(self, problem: Problem, label: str) -> None:
        """Raise an InputError, which begins with a label, where the region does not fit."""

    def patches(self, problem: Problem, label: str) -> list[Patch]:
        """Return the patches in a problem's domain; `label` names the region in errors.

        Raises:
            InputError: for a predicate that does not return one truth value per point.
        """
        pieces = self._pieces(problem)
        if self.where is None:
            return pieces
        patches = []
        for piece in pieces:
            accepts = partial(self._accepts, label, piece)
            patch = piece._replace(accepts=accepts)
            patch = patch._replace(measure=partial(_remaining, piece, patch))
            if len(pieces) == 1 or share_of(patch) >= LEAST_SHARE:
                patches.append(patch)
        return patches

    def _accepts(self, label: str, piece: Patch, points: Array) -> BoolArray:
        """Return which points [n, d] a piece and the predicate accept: [n]."""
        assert self.where is not None
        columns = dict(zip(piece.coordinates, points.T, strict=True))
        for c in self.moving:  # known only where the loss is evaluated
            del columns[c]
        try:
            value = np.asarray(call(self.where, columns))
        except Exception as error:  # a predicate may raise any exception
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{label}: where fails: {reason.rstrip('.')}; compute with NumPy, such as "
                "(0 < x) & (x < 1)."
            ) from error
        if value.dtype != bool or value.shape != (len(points),):
            raise InputError(
                f"{label}: where gives {value.dtype} of shape {value.shape} at {len(points)} "
                "points; return one truth value per point, such as abs(x) < 0.1."
            )
        return piece.accepts(points) & value


class At(Region):
    """The points where some coordinates have given values, such as `At(x=0.0)` or `At(t=1.0)`.

    The other coordinates are drawn in the domain.  Where no other remains, as in
    `At(x=0.0, t=0.5)` on an interval, the region is one point.  This point is drawn once, whatever
    `points.counts` says.

    The name of an unknown field in place of a value, as in `At(x="s")`, is a free boundary
    x = s(t): residuals are evaluated where the field is at present, and their gradients move it.
    The field's bounds keep it in the domain.

    Raises:
        InputError: for no coordinate, or a value that is neither a finite number nor a name; and in
            a problem, for a value outside of the domain.
    """

    def __init__(self, *, where: Predicate | None = None, **values: float | str) -> None:
        super().__init__(where)
        if not values:
            raise InputError("At: no coordinate; give at least one, such as At(x=0.0).")
        self.fixed: dict[str, float] = {}
        moving: dict[str, str] = {}
        for c, value in values.items():
            if isinstance(value, str):
                moving[c] = value
            elif is_finite(value):
                self.fixed[c] = float(value)
            else:
                raise InputError(
                    f"At: {c}={value!r} is no finite number; give one, such as {c}=0.0, or the "
                    "name of an unknown field."
                )
        self.moving = moving

    def _arguments(self) -> list[str]:
        return [f"{c}={value!r}" for c, value in {**self.fixed, **self.moving}.items()]

    def check(self, problem: Problem, label: str) -> None:
        """Raise an InputError for a coordinate that is not the problem's, or a value outside."""
        for c in (*self.fixed, *self.moving):
            if c not in problem.coordinates:
                hint = did_you_mean(c, problem.coordinates)
                raise InputError(f"{label}: {self!r}: {c!r} is no coordinate.{hint}")
        for c, (lower, upper) in problem.ranges.items():
            if c in self.fixed and not _is_between(self.fixed[c], lower, upper):
                raise InputError(
                    f"{label}: {self!r} lies outside of the domain, where {c} goes from "
                    f"{lower:g} to {upper:g}; move it inside."
                )
        for c, name in self.moving.items():
            if c in problem.parameters:
                raise InputError(
                    f"{label}: {self!r}: {c} is a parameter, which no field gives; give a number."
                )
            if name not in problem.unknown_fields:
                hint = did_you_mean(name, problem.unknown_fields)
                raise InputError(
                    f"{label}: {self!r}: {name!r} is no unknown field; declare it, as in "
                    f'unknown_fields = {{{name!r}: UnknownField(("t",))}}.{hint}'
                )
            own = set(problem.unknown_fields[name].arguments)
            if name in problem.laws:
                raise InputError(
                    f"{label}: {self!r}: {name} is a function of a field; let it depend on the "
                    "other coordinates."
                )
            if own & set(self.moving):
                c = (own & set(self.moving)).pop()
                raise InputError(
                    f"{label}: {self!r}: {name} depends on {c}, which is given here; let it depend "
                    "on the other coordinates."
                )

    def _pieces(self, problem: Problem) -> list[Patch]:
        fixed = dict(self.fixed)
        for c in self.moving:  # the loss puts the field's value in place of the middle
            lower, upper = problem.ranges[c]
            fixed[c] = 0.5 * (lower + upper)
        return [_inside(problem, fixed=fixed)]


class Inside(Region):
    """The points inside a part of the domain, such as `Inside(Disk(x=0, y=0, radius=0.1))`.

    The subset is what a domain has in common with the problem's own.  It may leave out
    coordinates: `Inside(Interval(x=(0.0, 0.1)))` is a strip of a rectangle.  A predicate alone, as
    in `Inside(where=lambda x, t: x < t)`, serves too.

    Raises:
        InputError: for what is no domain; and in a problem, for a domain with other coordinates.
    """

    def __init__(self, subset: Domain | None = None, *, where: Predicate | None = None) -> None:
        super().__init__(where)
        if subset is not None and not isinstance(subset, Domain):
            raise InputError(
                f"Inside: {subset!r} is no domain; give one, such as Disk(…), or where=…."
            )
        self.subset = subset

    def _arguments(self) -> list[str]:
        return [] if self.subset is None else [repr(self.subset)]

    def check(self, problem: Problem, label: str) -> None:
        """Raise an InputError for a coordinate that is not the problem's."""
        space = problem.space.coordinates
        for c in self.subset.coordinates if self.subset else ():
            if c not in space:
                raise InputError(
                    f"{label}: {self!r}: {c!r} is no space coordinate.{did_you_mean(c, space)}"
                )

    def _pieces(self, problem: Problem) -> list[Patch]:
        return [_inside(problem, subset=self.subset)]


class Part(Region):
    """A part of the boundary, such as `Part("y-", where=lambda x: abs(x) < 0.1)`, with its normals.

    The name is that of a face, of a named part of the boundary, or "boundary".

    Raises:
        InputError: for what is no name; and in a problem whose boundary has no part of this name.
    """

    def __init__(self, name: str, *, where: Predicate | None = None) -> None:
        super().__init__(where)
        if not isinstance(name, str):
            raise InputError(
                f"Part: {name!r} is no name; give one, such as 'y-'; space.named joins several."
            )
        self.name = name

    def _arguments(self) -> list[str]:
        return [repr(self.name)]

    def check(self, problem: Problem, label: str) -> None:
        """Raise an InputError for a part that the problem's boundary does not have."""
        known = problem.boundaries
        if self.name not in known:
            raise InputError(
                f"{label}: {self!r}: no part {self.name!r} of the boundary."
                f"{did_you_mean(self.name, known)}"
            )

    def _pieces(self, problem: Problem) -> list[Patch]:
        return [_on_face(problem, face) for face in problem.boundaries[self.name]]


def patches(problem: Problem, name: str) -> list[Patch]:
    """Return the patches of a region, declared by a problem or built in, other than "data"."""
    declared = problem.regions.get(name)
    if declared is not None:
        return declared.patches(problem, label_of(problem, name))
    if name == "interior":
        return Inside().patches(problem, name)
    if name == "initial":
        assert problem.time is not None
        return At(t=problem.time[0]).patches(problem, name)
    if is_two_sided(name):
        return on_both_sides(problem, name)
    if name in problem.materials:
        return [_in_material(problem, name)]
    return Part(name).patches(problem, name)


def region_names(problem: Problem) -> tuple[str, ...]:
    """Return the names of all regions of a problem that have points of one side."""
    inside = ("interior", "initial") if problem.time else ("interior",)
    return (*inside, *problem.boundaries, *problem.regions, *problem.materials)


def covers(problem: Problem, name: str, face: str, points: Array | None = None) -> Any:
    """Return whether a region contains a face, or which of its points [n, d] it contains: [n].

    Args:
        problem: the problem.
        name: of a region on the boundary.
        face: the name of the face.
        points: points on the face; None: whether the region has any of them.
    """
    region = problem.regions.get(name)
    part = region.name if isinstance(region, Part) else name
    contains = face in problem.boundaries.get(part, ())
    if points is None:
        return contains
    if not contains or region is None or region.where is None:
        return np.full(len(points), contains)
    columns = dict(zip(problem.coordinates, points.T, strict=True))
    return np.asarray(call(region.where, columns))


def has_points(problem: Problem, name: str) -> bool:
    """Return whether a declared region has more than almost no points."""
    return any(share_of(patch) >= LEAST_SHARE for patch in patches(problem, name))


def has_normals(problem: Problem, name: str) -> bool:
    """Return whether a region lies on the boundary or on interfaces."""
    is_part = name in problem.boundaries or isinstance(problem.regions.get(name), Part)
    return is_part or is_two_sided(name)


def free_coordinates(problem: Problem, name: str) -> Mapping[str, str]:
    """Return the unknown field that gives each coordinate on a free boundary; none elsewhere."""
    region = problem.regions.get(name)
    return region.moving if region is not None else {}


def label_of(problem: Problem, name: str) -> str:
    """Return how errors begin that concern a declared region."""
    return f"{type(problem).__name__}.regions: {name!r}"


def _inside(
    problem: Problem, *, fixed: Mapping[str, float] | None = None, subset: Domain | None = None
) -> Patch:
    """Return the patch inside a domain where coordinates are fixed, or which lies in a subset."""
    space = problem.space
    fixed = fixed or {}
    own = subset.coordinates if subset else ()
    others = [c for c in space.coordinates if c not in own and c not in fixed]
    is_whole = len(others) == len(space.coordinates)
    dimension = len(own) + len(others)

    def points_in_space(unit: Array) -> Array:
        if is_whole:
            return space.interior(unit)
        # The subset maps its coordinates, and the bounding box of the domain the others.
        columns = {c: np.full(len(unit), value) for c, value in fixed.items()}
        if subset is not None:
            columns |= zip(own, subset.interior(unit[:, : len(own)]).T, strict=True)
        for c, column in zip(others, unit[:, len(own) :].T, strict=True):
            lower, upper = problem.ranges[c]
            columns[c] = lower + column * (upper - lower)
        return np.stack([columns[c] for c in space.coordinates], axis=1)

    def place(unit: Array) -> tuple[Array, None]:
        points = points_in_space(unit[:, :dimension])
        return completed(problem, points, unit[:, dimension:], fixed), None

    def accepts(points: Array) -> BoolArray:
        in_space = points[:, : len(space.coordinates)]
        accepted = space.accepts(in_space) if is_whole else space.contains(in_space)
        if subset is not None:
            axes = [space.coordinates.index(c) for c in own]
            accepted = accepted & subset.accepts(in_space[:, axes])
        if "t" in fixed and problem.time is not None:
            accepted = accepted & _is_between(fixed["t"], *problem.time)
        return accepted

    def measure() -> float:
        return space.volume if is_whole else _image(problem, others, subset) * share_of(patch)

    dimension_of_all = dimension + sum(c not in fixed for c in beyond_space(problem))
    # The map of coordinates that neither is of is that of a box.
    is_mapped = (space.is_mapped or not is_whole) and (subset is None or subset.is_mapped)
    patch = Patch(
        dimension_of_all, measure, place, accepts, problem.coordinates, is_mapped=is_mapped
    )
    return patch


def _image(problem: Problem, others: Sequence[str], subset: Domain | None) -> float:
    """Return the measure of the image of a map: other coordinates' ranges, times a subset's."""
    image = 1.0
    for c in others:
        lower, upper = problem.ranges[c]
        image *= upper - lower
    if subset is not None:
        # The subset's volume is that of what the subset accepts of its own map's image.
        image *= subset.volume / _accepted_share(subset)
    return float(image)


def _remaining(piece: Patch, patch: Patch) -> float:
    """Return the measure of what a predicate leaves of a piece, as a patch that knows it."""
    return piece.measure() * share_of(patch) / share_of(piece)


def _accepted_share(domain: Domain) -> float:
    """Return which share of the image of its map a domain accepts, by a fixed sample."""
    points = domain.interior(unit_cube(SAMPLE, len(domain.coordinates)))
    return float(np.mean(domain.accepts(points)))


def _in_material(problem: Problem, name: str) -> Patch:
    """Return the patch of a material: what lies in its domain and in no earlier one."""
    patch = _inside(problem, subset=problem.materials[name].domain)

    def accepts(points: Array) -> BoolArray:
        return patch.accepts(points) & masks_at(problem, points)[name]

    return patch._replace(accepts=accepts)


def _on_face(problem: Problem, face: str) -> Patch:
    """Return the patch of a face."""
    space = problem.space
    across = len(space.coordinates) - 1

    def place(unit: Array) -> tuple[Array, Array]:
        points, normals = space.face(face, unit[:, :across])
        return completed(problem, points, unit[:, across:], {}), normals

    def accepts(points: Array) -> BoolArray:
        return space.accepts(points[:, : len(space.coordinates)], face)

    dimension = across + len(beyond_space(problem))
    measure = partial(space.measure, face)
    return Patch(
        dimension,
        measure,
        place,
        accepts,
        problem.coordinates,
        on_boundary=True,
        is_mapped=space.is_mapped,
    )


def _is_between(value: float, lower: float, upper: float) -> bool:
    """Return whether a value lies in a range, up to rounding."""
    slack = _ROUNDING * (upper - lower)
    return bool(lower - slack <= value <= upper + slack)
