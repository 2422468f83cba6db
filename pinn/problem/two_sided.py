"""Regions with two sides: pairs of faces, and interfaces between materials."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pinn.arrays import Array, BoolArray
from pinn.errors import InputError, did_you_mean
from pinn.geometry import Domain
from pinn.problem.materials import Material, masks_at
from pinn.problem.patches import Patch, beyond_space, completed, share_of
from pinn.sampling import LEAST_SHARE, unit_cube

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

INTERFACES = "interfaces"
"""The region of all interfaces together."""

_SAMPLE = 4096  # points of a face that show which materials touch there
_STEP = 1e-6  # of the size of space: how far from an interface its two materials are looked up
_SAME = 1e-9  # of the size of space: a distance that counts as zero


def is_two_sided(region: str) -> bool:
    """Return whether a region has two sides, by its name."""
    return region == INTERFACES or "|" in region


def on_both_sides(problem: Problem, region: str) -> list[Patch]:
    """Return the patches of a region with two sides.

    A row of their points holds the coordinates on the first side and on the second, and then the
    normals, which `split` takes apart.
    """
    patches: list[Patch] = []
    for first, second in members(problem, region):
        if first in problem.materials:
            patches += _interface(problem, first, second)
        else:
            patches.append(_pair(problem, first, second))
    return patches


def members(problem: Problem, region: str) -> list[tuple[str, str]]:
    """Return the pairs of names of a region with two sides."""
    names = problem.interfaces if region == INTERFACES else region.split(",")
    return [(first, second) for first, _, second in (name.partition("|") for name in names)]


class Side(NamedTuple):
    """Points on one side of a region with two sides.

    Attributes:
        points: the points [n, d].
        normals: [n, ds]: outward on a face; on an interface they point to the second side.
    """

    points: Array
    normals: Array


def split(problem: Problem, rows: Array) -> tuple[Side, Side]:
    """Return the two sides from the rows of a region with two sides."""
    d = len(problem.coordinates)
    ds = len(problem.space.coordinates)
    first, second, normals_1, normals_2 = np.split(rows, [d, 2 * d, 2 * d + ds], axis=1)
    return Side(first, normals_1), Side(second, normals_2)


def materials_beside(
    problem: Problem, region: str, sides: tuple[Side, Side]
) -> tuple[dict[str, BoolArray], dict[str, BoolArray]]:
    """Return the materials of the points on the two sides of a region, as `masks_at` does."""
    first, second = (side.points for side in sides)
    if any(name in problem.materials for name, _ in members(problem, region)):
        # Both sides of an interface are the same points: look a little to either side.
        shift = np.zeros_like(first)
        shift[:, : sides[0].normals.shape[1]] = _STEP * _size(problem.space) * sides[0].normals
        return masks_at(problem, first - shift), masks_at(problem, second + shift)
    return masks_at(problem, first), masks_at(problem, second)


def shared_coordinates(problem: Problem, region: str) -> tuple[str, ...]:
    """Return the coordinates that are the same on both sides of a region."""
    shared = set(problem.coordinates)
    for patch in on_both_sides(problem, region):
        rows, _ = patch.place(unit_cube(64 if patch.dimension else 1, patch.dimension))
        first, second = (side.points for side in split(problem, rows))
        for i, name in enumerate(problem.coordinates):
            if np.any(first[:, i] != second[:, i]):
                shared.discard(name)
    return tuple(name for name in problem.coordinates if name in shared)


def check_two_sided(problem: Problem, region: str, where: str) -> None:
    """Raise an InputError for a region whose two sides do not exist, or do not fit each other."""
    if region == INTERFACES:
        if not problem.interfaces:
            raise InputError(f"{where}: there are no interfaces; declare materials that touch.")
        return
    names = region.split("|")
    if len(names) != 2 or names[0] == names[1]:
        raise InputError(
            f"{where}: region {region!r} needs two different names, as in on=('x-', 'x+')."
        )
    single = [name for name, faces in problem.boundaries.items() if faces == (name,)]
    known = (*single, *problem.materials)
    for name in names:
        if name not in known:
            raise InputError(
                f"{where}: region {region!r}: {name!r} is no face and no material."
                f"{did_you_mean(name, known)}"
            )
    if all(name in problem.materials for name in names):
        if not {region, "|".join(reversed(names))} & set(problem.interfaces):
            raise InputError(
                f"{where}: {names[0]} and {names[1]} do not touch; the interfaces are "
                f"{', '.join(problem.interfaces) or 'none'}."
            )
    elif any(name in problem.materials for name in names):
        raise InputError(f"{where}: region {region!r} joins a face to a material; name two faces.")
    elif not _are_congruent(problem, *names):
        raise InputError(
            f"{where}: faces {names[0]!r} and {names[1]!r} differ in shape or size, so that their "
            "points do not correspond; name two equal faces."
        )


def _are_congruent(problem: Problem, first: str, second: str) -> bool:
    """Return whether corresponding points of two faces have equal distances from each other."""
    space = problem.space
    unit = unit_cube(16, len(space.coordinates) - 1)
    distances = []
    for face in (first, second):
        points, _ = space.face(face, unit)
        distances.append(np.linalg.norm(points[:, None] - points, axis=2))
    size = _size(space)
    same_measure = abs(space.measure(first) - space.measure(second)) <= _SAME * space.measure(first)
    return bool(same_measure and np.allclose(*distances, rtol=0, atol=_SAME * size))


def _pair(problem: Problem, first: str, second: str) -> Patch:
    """Return the patch of corresponding points of two faces."""
    space = problem.space
    across = len(space.coordinates) - 1

    def place(unit: Array) -> tuple[Array, None]:
        sides = [space.face(face, unit[:, :across]) for face in (first, second)]
        points = [completed(problem, points, unit[:, across:], {}) for points, _ in sides]
        return np.concatenate([*points, *(normals for _, normals in sides)], axis=1), None

    def accepts(rows: Array) -> BoolArray:
        accepted = np.ones(len(rows), bool)
        for face, side in zip((first, second), split(problem, rows), strict=True):
            accepted &= space.accepts(side.points[:, : len(space.coordinates)], face)
        return accepted

    return _patch(problem, across, space.measure(first), place, accepts)


def _interface(problem: Problem, first: str, second: str) -> list[Patch]:
    """Return the patches where two materials touch: pieces of the faces of their domains."""
    pieces: list[Patch] = []
    for owner in (first, second):
        domain = problem.materials[owner].domain
        for face in domain.faces if domain is not None else ():
            piece = _face_inside(problem, problem.materials[owner], face, owner == second)
            accepts = partial(_separates, problem, first, second, owner, face)
            patch = piece._replace(accepts=accepts)
            share = share_of(patch, _SAMPLE)
            if share >= LEAST_SHARE:
                measure = piece.measure() * share
                pieces.append(patch._replace(measure=partial(float, measure)))
    return pieces


def _face_inside(problem: Problem, material: Material, face: str, turned: bool) -> Patch:
    """Return the patch of a face of a material's domain, with outward normals unless `turned`."""
    space = problem.space
    domain = material.domain
    assert domain is not None
    across = len(domain.coordinates) - 1
    others = [c for c in space.coordinates if c not in domain.coordinates]
    dimension = across + len(others)
    sign = -1.0 if turned else 1.0

    def place(unit: Array) -> tuple[Array, None]:
        points, normals = domain.face(face, unit[:, :across])
        columns = dict(zip(domain.coordinates, points.T, strict=True))
        components = dict(zip(domain.coordinates, normals.T, strict=True))
        for c, column in zip(others, unit[:, across:dimension].T, strict=True):
            lower, upper = problem.ranges[c]
            columns[c] = lower + column * (upper - lower)
            components[c] = np.zeros(len(unit))
        in_space = np.stack([columns[c] for c in space.coordinates], axis=1)
        normals = sign * np.stack([components[c] for c in space.coordinates], axis=1)
        placed = completed(problem, in_space, unit[:, dimension:], {})
        return np.concatenate([placed, placed, normals, normals], axis=1), None

    measure = domain.measure(face)
    for c in others:
        lower, upper = problem.ranges[c]
        measure *= upper - lower
    return _patch(problem, dimension, measure, place, lambda rows: np.ones(len(rows), bool))


def _separates(
    problem: Problem, first: str, second: str, owner: str, face: str, rows: Array
) -> BoolArray:
    """Return at which rows [n] of a face the first material lies before it, the second behind."""
    beside, before, behind = _beside(problem, owner, face, rows)
    accepted = beside & before[first] & behind[second]
    domain = problem.materials[first].domain
    if owner == second and domain is not None:
        # Where the faces of both domains coincide, those of the first one count.
        axes = [problem.space.coordinates.index(c) for c in domain.coordinates]
        distance = np.asarray(domain.distance(*split(problem, rows)[0].points[:, axes].T))
        accepted &= np.abs(distance) > _SAME * _size(problem.space)
    return accepted


def _beside(
    problem: Problem, owner: str, face: str, rows: Array
) -> tuple[BoolArray, dict[str, BoolArray], dict[str, BoolArray]]:
    """Return which rows [n] of a face lie inside space, and the materials on their two sides."""
    space = problem.space
    domain = problem.materials[owner].domain
    assert domain is not None
    first, _ = split(problem, rows)
    points = first.points[:, : len(space.coordinates)]
    shift = _STEP * _size(space) * first.normals
    axes = [space.coordinates.index(c) for c in domain.coordinates]
    beside = space.contains(points - shift) & space.contains(points + shift)
    beside &= domain.accepts(points[:, axes], face)
    return beside, masks_at(problem, points - shift), masks_at(problem, points + shift)


def find_interfaces(problem: Problem) -> tuple[str, ...]:
    """Return the interfaces between materials that touch inside space, such as "plaster|wool"."""
    touching: set[tuple[str, str]] = set()
    for owner, material in problem.materials.items():
        for face in material.domain.faces if material.domain is not None else ():
            patch = _face_inside(problem, material, face, False)
            rows, _ = patch.place(unit_cube(_SAMPLE if patch.dimension else 1, patch.dimension))
            beside, before, behind = _beside(problem, owner, face, rows)
            for pair in combinations(problem.materials, 2):
                for a, b in (pair, pair[::-1]):
                    if np.any(beside & before[a] & behind[b]):
                        touching.add(pair)
    ordered = filter(touching.__contains__, combinations(problem.materials, 2))
    return tuple(map("|".join, ordered))


def _patch(
    problem: Problem,
    across: int,
    measure: float,
    place: Callable[[Array], tuple[Array, None]],
    accepts: Callable[[Array], BoolArray],
) -> Patch:
    """Return a patch whose rows hold points and normals of both sides."""
    space = problem.space.coordinates
    names = (*problem.coordinates, *problem.coordinates, *space, *space)
    dimension = across + len(beyond_space(problem))
    return Patch(dimension, partial(float, measure), place, accepts, names, on_boundary=True)


def _size(space: Domain) -> float:
    """Return the largest extent of a domain."""
    lower, upper = space.bounds
    return float(np.max(upper - lower))
