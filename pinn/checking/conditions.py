"""Conditions beside the orders of the equations: which are missing, and which are too many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from pinn.arrays import Array
from pinn.checking.subject import NEGLIGIBLE, POINTS, SEED, Subject, typical
from pinn.derivatives import Symbol
from pinn.geometry import Box, is_data
from pinn.objective import draw
from pinn.problem import At, Inside, Problem, Term, covers, has_normals

DEGENERATE = 1e-6  # share of a leading coefficient below which it counts as zero on a face
RANK = 1e-8  # of a matrix of leading coefficients, whose rows are scaled

Orders = Mapping[str, Mapping[str, int]]
"""The highest derivative in the equations by field and coordinate."""


class Count(NamedTuple):
    """The conditions of a problem in one coordinate, or on one face that is no plane.

    Attributes:
        place: the coordinate, or the face.
        orders: the order of every field whose derivatives the equations take there.
        needed: the least number of conditions that determine the solution.
        most: the largest number that do not contradict each other in general.
        least_given: the number of conditions where the fewest are given.
        given: their number where the most are given.
        bare: the faces with points that have too few conditions.
    """

    place: str
    orders: Mapping[str, int]
    needed: int
    most: int
    least_given: int
    given: int
    bare: Sequence[str] = ()


def orders(problem: Problem, equations: Sequence[Term]) -> Orders:
    """Return the highest derivative that the equations take, by field and coordinate."""
    found = {name: dict.fromkeys(problem.coordinates, 0) for name in problem.fields}
    for term in equations:
        for symbol in term.symbols:
            if symbol.field not in found:
                continue
            for c in problem.coordinates:
                order = symbol.index.count(c)
                if symbol.kind == "laplacian" and c != "t":
                    order = 2
                found[symbol.field][c] = max(found[symbol.field][c], order)
    return found


def _orders_along(subject: Subject, c: str) -> dict[str, int]:
    """Return the highest derivative along a coordinate that the equations take, by field."""
    everything = orders(subject.problem, subject.equations)
    return {name: by_coordinate[c] for name, by_coordinate in everything.items()}


def _with_order(order: Mapping[str, int]) -> list[str]:
    """Return the fields whose order is not zero."""
    return [name for name, number in order.items() if number]


def counts(subject: Subject) -> list[Count]:
    """Return the conditions where the equations tell how many there have to be.

    That is in time and on the faces of fields of even order.  The equations must determine the
    highest derivatives of all fields, as their matrix of leading coefficients shows.
    """
    problem = subject.problem
    if not _is_countable(subject):
        return []
    found: list[Count | None] = []
    for c in problem.coordinates:
        is_odd = any(by_c[c] % 2 for by_c in orders(problem, subject.equations).values())
        if c == "t" or (is_odd and len(problem.coordinates) == 1):
            found.append(_in_line(subject, c))
        elif isinstance(problem.space, Box) and c not in problem.periodic and not is_odd:
            found.append(_between_faces(subject, c))
    if problem.space.coordinates and not isinstance(problem.space, Box):
        for face in problem.faces:
            found.append(_on_face(subject, face))
    return [count for count in found if count is not None]


def missing_and_doubled(subject: Subject) -> list[str]:
    """Return a warning for every coordinate or face with too few conditions, or too many."""
    warnings: list[str] = []
    for count in counts(subject):
        names = [f"{name} of order {order}" for name, order in count.orders.items() if order]
        where = f"in {count.place}" if count.place in subject.problem.coordinates else "there"
        if count.place not in subject.problem.coordinates:
            where = f"on {count.place}"
        equations = f"{', '.join(names)} {where}"
        if count.least_given < count.needed and not subject.measured:
            faces = f" (look at {', '.join(count.bare)})" if count.bare else ""
            warnings.append(
                f"{equations}: a condition is missing, so the solution is not unique: "
                f"{count.needed} needed, {count.least_given} given{faces}; add one."
            )
        elif count.given > count.most and not subject.is_inverse:
            warnings.append(
                f"{equations}: {count.given} conditions are given and {count.most} determine the "
                "solution, so they contradict each other in general; remove one."
            )
    return warnings


def undetermined_constants(subject: Subject) -> list[str]:
    """Return a warning for every field of which only derivatives matter, and no gauge."""
    problem = subject.problem
    if not subject.is_understood:
        return []
    warnings: list[str] = []
    for name in problem.fields:
        if name in problem.gauge or name in subject.measured:
            continue
        if not any(_depends_on_value(subject, term, name) for term in subject.terms):
            warnings.append(
                f"{name}: equations and conditions take its derivatives alone, so that it is "
                f"determined up to a constant; give a value somewhere, or gauge = ({name!r},)."
            )
    return warnings


def _depends_on_value(subject: Subject, term: Term, field: str) -> bool:
    """Return whether a residual changes with the value of a field, as far as can be told."""
    problem = subject.problem
    for symbol in term.symbols:
        if symbol.field in problem.laws and field in problem.functions_in(symbol):
            return True
    values = [s for s in term.symbols if s.field == field and not s.index]
    if not any(s.kind in ("derivative", "data") for s in values):
        return False
    sample = subject.sample(term) if not is_data(term.region) else None
    return sample is None or bool(np.any(sample.slopes.get(field, np.ones(1)) != 0))


def _is_countable(subject: Subject) -> bool:
    """Return whether the places of all conditions are known, and equations hold everywhere."""
    problem = subject.problem
    if not subject.equations or not subject.is_understood:
        return False
    for term in subject.terms:
        region = problem.regions.get(term.region)
        if region is not None and (isinstance(region, Inside) or region.moving):
            return False
        known = term.region in ("interior", "initial") or is_data(term.region)
        if not known and region is None and term.region not in problem.boundaries:
            return False
    return True


def _conditions(subject: Subject, fields: Sequence[str]) -> list[Term]:
    """Return the terms off the interior that take some of the fields or their derivatives."""
    found: list[Term] = []
    for term in subject.terms:
        takes = any(symbol.field in fields for symbol in term.symbols)
        if term.region != "interior" and not is_data(term.region) and takes:
            found.append(term)
    return found


def _in_line(subject: Subject, c: str) -> Count | None:
    """Return the conditions in time, or in the only coordinate, wherever they are given."""
    problem = subject.problem
    in_c = _orders_along(subject, c)
    slack = _constraints(subject, in_c, c)
    evolving = _with_order(in_c)
    if slack is None or not evolving:
        return None
    needed = sum(in_c.values())
    faces = (f"{c}-", f"{c}+")
    least = given = 0
    for term in _conditions(subject, evolving):
        region = problem.regions.get(term.region)
        fixed = list(region.fixed) if isinstance(region, At) else []
        if term.region == "initial" and c == "t":
            least += 1
            given += 1
        elif fixed == [c]:
            least += region is not None and region.where is None
            given += 1
        elif has_normals(problem, term.region):
            number = sum(covers(problem, term.region, face) for face in faces)
            least += number
            given += number
    return Count(c, in_c, needed - slack, needed, least, given)


def _between_faces(subject: Subject, c: str) -> Count | None:
    """Return the conditions on two opposite faces of a box, and on planes between them."""
    problem = subject.problem
    in_c = _orders_along(subject, c)
    taking = _with_order(in_c)
    slack = _constraints(subject, in_c, c)
    if slack != 0 or not taking:
        return None
    terms = _conditions(subject, taking)
    half = sum(in_c.values()) // 2
    needed = least = given = inside = 0
    bare: list[str] = []
    for face in (f"{c}-", f"{c}+"):
        wanted = 0 if _degenerates(subject, in_c, c, face) else half
        fewest, most = _given_on(subject, face, terms)
        needed += wanted
        least += fewest
        given += most
        if fewest < wanted:
            bare.append(face)
    for term in terms:  # planes inside, which split the domain
        region = problem.regions.get(term.region)
        if isinstance(region, At) and list(region.fixed) == [c]:
            inside += 1
    given += inside
    return Count(c, in_c, needed, 2 * half + inside, least + inside, given, bare)


def _on_face(subject: Subject, face: str) -> Count | None:
    """Return the conditions on a face that may be curved."""
    problem = subject.problem
    by_field = orders(problem, subject.equations)
    axes = problem.space.coordinates
    in_space = {name: by_field[name][axes[0]] for name in problem.fields}
    for name, order in in_space.items():
        if order % 2 or any(by_field[name][c] != order for c in axes):
            return None
    taking = _with_order(in_space)
    if not taking or _constraints(subject, in_space, axes[0]) != 0:
        return None
    if _degenerates(subject, in_space, axes[0], face):
        return None
    half = sum(in_space.values()) // 2
    fewest, most = _given_on(subject, face, _conditions(subject, taking))
    return Count(face, in_space, half, 2 * half, fewest, most)


def _given_on(subject: Subject, face: str, terms: Sequence[Term]) -> tuple[int, int]:
    """Return the least and the largest number of conditions at points of a face."""
    problem = subject.problem
    points = draw(problem, face, POINTS, seed=SEED).coordinates
    number = np.zeros(len(points), int)
    for term in terms:
        if has_normals(problem, term.region):
            number += covers(problem, term.region, face, points)
    return int(number.min()), int(number.max())


def _leading(symbol: Symbol, field: str, order: int, c: str) -> bool:
    """Return whether a symbol is a field's pure derivative of an order by a coordinate."""
    if symbol.field != field:
        return False
    if symbol.kind == "laplacian":
        return order == 2 and c != "t"
    return symbol.kind == "derivative" and symbol.index == (c,) * order


def _slope(subject: Subject, term: Term, field: str, order: int, c: str, face: str = "") -> Array:
    """Return the derivative [n] of an equation by a field's highest one; NaN where unknown."""
    sample = subject.sample(term, face)
    if sample is None:
        return np.full(POINTS, np.nan)
    total = np.zeros(len(sample.values))
    for symbol in term.symbols:
        if _leading(symbol, field, order, c):
            total = total + sample.slopes[symbol.name] * subject.size(symbol)
    return total


def _constraints(subject: Subject, order: Mapping[str, int], c: str) -> int | None:
    """Return how many equations constrain the fields without their highest derivatives in c.

    An equation without any of them that takes a field of order zero determines that field; the
    others are constraints, such as that of a velocity without divergence.

    Returns:
        None where the equations do not determine the highest derivatives.
    """
    evolving = _with_order(order)
    others = [name for name, number in order.items() if not number]
    rows: list[Array] = []
    silent: list[list[bool]] = []
    for term in subject.equations:
        row = np.array([typical(_slope(subject, term, f, order[f], c)) for f in evolving])
        if np.any(row > 0):
            rows.append(_signed_row(subject, term, evolving, order, c))
        else:
            silent.append([any(s.field == f for s in term.symbols) for f in others])
    if not rows:
        return None
    matrix = np.stack(rows)
    matrix = matrix / np.maximum(np.max(np.abs(matrix), axis=0), RANK)
    if np.linalg.matrix_rank(matrix, tol=RANK) < len(evolving):
        return None
    if not silent:
        return 0
    if not others:
        return len(silent)
    matched = maximum_bipartite_matching(csr_array(np.array(silent, int)))
    return int(np.sum(matched < 0))


def _signed_row(
    subject: Subject, term: Term, fields: Sequence[str], order: Mapping[str, int], c: str
) -> Array:
    """Return the leading coefficients of an equation at one point, over the largest of them."""
    columns = np.stack([_slope(subject, term, field, order[field], c) for field in fields])
    finite = columns[:, np.all(np.isfinite(columns), axis=0)]
    strongest = np.argmax(np.max(np.abs(finite), axis=0))
    row = finite[:, strongest]
    return row / np.max(np.abs(row))


def _degenerates(subject: Subject, order: Mapping[str, int], c: str, face: str) -> bool:
    """Return whether a leading coefficient vanishes on a face, or is not finite there."""
    for field, number in order.items():
        if not number:
            continue
        on_face = inside = 0.0
        for term in subject.equations:
            inside = max(inside, typical(_slope(subject, term, field, number, c)))
            slopes = _slope(subject, term, field, number, c, face)
            if not np.all(np.isfinite(slopes)):
                return True
            on_face = max(on_face, float(np.min(np.abs(slopes))))
        if on_face <= max(DEGENERATE, NEGLIGIBLE) * inside:
            return True
    return False
