"""Corners and edges where two conditions give a field different values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from pinn.arrays import Array, BoolArray
from pinn.checking.subject import POINTS, SEED, Subject, residuals, shown
from pinn.geometry import is_data
from pinn.objective import draw
from pinn.objective.terms import given_values, only_value
from pinn.problem import At, Part, Problem, Term, covers
from pinn.problem.materials import at_points

NEAR = 1e-7  # of a range: the distance from a corner at which values are compared
JUMP = 1e-3  # of the range of a field's given values, above which they disagree


class _Piece(NamedTuple):
    """A smooth piece of the region of a condition that gives a field's values.

    Attributes:
        term: the condition.
        field: the field.
        face: the face, or "".
        fixed: the coordinates that are constant on it.
        points: points of the piece [n, d].
        values: the values that it gives there [n].
    """

    term: Term
    field: str
    face: str
    fixed: Mapping[str, float]
    points: Array
    values: Array


class _Meeting(NamedTuple):
    """Where two pieces meet, and points beside it on each of them.

    Attributes:
        one: the first piece.
        other: the second piece.
        points: points [n, d] on the first and on the second, beside the same corner.
    """

    one: _Piece
    other: _Piece
    points: tuple[Array, Array]


def disagreements(subject: Subject) -> list[str]:
    """Return a warning for every two conditions that give a field other values where they meet.

    The values are compared beside the corner, each on its own piece, so that a condition on all
    faces may disagree with itself.
    """
    pieces = _pieces(subject)
    meetings = _meetings(subject.problem, pieces)
    ranges = {field: _spread(pieces, field) for field in subject.problem.fields}
    warnings: list[str] = []
    told: set[tuple[str, ...]] = set()
    for meeting, first, second in _values(subject, meetings):
        one, other, _ = meeting
        names = tuple(dict.fromkeys((one.term.name, other.term.name)))
        worst = int(np.argmax(np.abs(first - second)))
        jump = abs(first[worst] - second[worst])
        if names in told or not jump > JUMP * ranges[one.field]:
            continue
        told.add(names)
        fixed = {**one.fixed, **other.fixed}
        at_start = "t" in fixed and subject.problem.log_time is None
        remedy = "smooth one condition" + (", or declare log_time" if at_start else "")
        place = [f"{c} = {shown(fixed[c])}" for c in subject.problem.coordinates if c in fixed]
        warnings.append(
            f"{' and '.join(names)}: {one.field} is {shown(first[worst])} and "
            f"{shown(second[worst])} in the corner at {', '.join(place)}, so that it jumps there; "
            f"no network follows a jump: {remedy}."
        )
    return warnings


def _pieces(subject: Subject) -> list[_Piece]:
    """Return the pieces of all conditions on values alone."""
    problem = subject.problem
    pieces: list[_Piece] = []
    for term in subject.terms:
        field = only_value(term)
        region = problem.regions.get(term.region)
        if field not in problem.fields or term.region == "interior" or is_data(term.region):
            continue
        if term.region == "initial" and problem.time is not None:
            places = [("initial", "", {"t": problem.time[0]})]
        elif isinstance(region, At):
            places = [] if region.moving else [(term.region, "", dict(region.fixed))]
        else:
            part = region.name if isinstance(region, Part) else term.region
            faces = problem.boundaries.get(part, ())
            places = [(face, face, _plane(problem, face)) for face in faces]
        for drawn, face, fixed in places:
            points = draw(problem, drawn, POINTS, seed=SEED).coordinates
            values = _given(subject, term, points)
            if np.all(np.isfinite(values)):
                accepted = _accepts(problem, term, face, points)
                accepted = accepted & np.isfinite(values)
                pieces.append(_Piece(term, field, face, fixed, points, values[accepted]))
    return pieces


def _plane(problem: Problem, face: str) -> dict[str, float]:
    """Return the constant coordinate on a face of a box by name; none on others."""
    c, side = face[:-1], face[-1]
    if c not in problem.space.coordinates or side not in "-+":
        return {}
    lower, upper = problem.ranges[c]
    return {c: upper if side == "+" else lower}


def _given(subject: Subject, term: Term, points: Array) -> Array:
    """Return the values [n] that a condition gives at points [n, d]; NaN if it gives none."""
    problem = subject.problem
    columns = dict(zip(problem.coordinates, points.T, strict=True))
    arguments: dict[str, Array] = {}
    for symbol in term.symbols:
        # The points three times, with the field 0, 1 and 2.
        if symbol.kind == "coordinate":
            arguments[symbol.name] = np.tile(columns[symbol.name], 3)
        else:
            arguments[symbol.name] = np.repeat([0.0, 1.0, 2.0], len(points))
    here = at_points(problem, np.tile(points, (3, 1)))
    found = residuals(here, term, arguments, 3 * len(points))
    if found is None:
        return np.full(len(points), np.nan)
    return given_values(found.reshape(3, -1))


def _accepts(problem: Problem, term: Term, face: str, points: Array) -> BoolArray:
    """Return which points [n, d] belong to the region of a condition, up to its closure: [n]."""
    if face:
        return covers(problem, term.region, face, points)
    region = problem.regions.get(term.region)
    if region is None or region.where is None:
        return np.ones(len(points), bool)
    (patch,) = region.patches(problem, term.region)
    return patch.accepts(points)


def _spread(pieces: Sequence[_Piece], field: str) -> float:
    """Return the range of the values that all conditions give to a field."""
    values = np.array([v for piece in pieces if piece.field == field for v in piece.values])
    return float(np.ptp(values)) if len(values) else 0.0


def _meetings(problem: Problem, pieces: Sequence[_Piece]) -> list[_Meeting]:
    """Return where pieces of conditions on one field meet."""
    meetings: list[_Meeting] = []
    for one, other in combinations(pieces, 2):
        if one.field != other.field or set(one.fixed) & set(other.fixed):
            continue
        if not other.fixed:
            one, other = other, one
        # A curved face has corners with a time alone.
        if not other.fixed or (not one.fixed and set(other.fixed) != {"t"}):
            continue
        corner = one.points.copy()
        _set(problem, corner, other.fixed)
        beside_one = _moved_inside(problem, corner, other.fixed)
        beside_other = _moved_inside(problem, corner, one.fixed)
        meet = problem.space.contains(corner[:, : len(problem.space.coordinates)])
        meet = meet & _accepts(problem, one.term, one.face, beside_one)
        meet = meet & _accepts(problem, other.term, other.face, beside_other)
        if np.any(meet):
            meetings.append(_Meeting(one, other, (beside_one[meet], beside_other[meet])))
    return meetings


def _values(
    subject: Subject, meetings: Sequence[_Meeting]
) -> Iterator[tuple[_Meeting, Array, Array]]:
    """Yield the meetings with the values that both conditions give beside them, where finite.

    Every condition is evaluated once, at all of its points.
    """
    terms: dict[str, Term] = {}
    points: dict[str, list[Array]] = {}
    for meeting in meetings:
        for piece, beside in zip(meeting[:2], meeting.points, strict=True):
            terms[piece.term.name] = piece.term
            points.setdefault(piece.term.name, []).append(beside)
    values: dict[str, Iterator[Array]] = {}
    for name, places in points.items():
        joined = _given(subject, terms[name], np.concatenate(places))
        ends = np.cumsum([len(place) for place in places])[:-1]
        values[name] = iter(np.split(joined, ends))
    for meeting in meetings:
        first = next(values[meeting.one.term.name])
        second = next(values[meeting.other.term.name])
        if np.all(np.isfinite(first) & np.isfinite(second)):
            yield meeting, first, second


def _set(problem: Problem, points: Array, values: Mapping[str, float]) -> None:
    for c, value in values.items():
        points[:, problem.coordinates.index(c)] = value


def _moved_inside(problem: Problem, points: Array, fixed: Mapping[str, float]) -> Array:
    """Return points [n, d] that are moved a little from where coordinates are fixed, inwards."""
    moved = points.copy()
    for c, value in fixed.items():
        lower, upper = problem.ranges[c]
        inwards = 1 if value - lower < upper - value else -1
        _set(problem, moved, {c: value + inwards * NEAR * (upper - lower)})
    return moved
