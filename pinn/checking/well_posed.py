"""Problems that have no stable solution, or none at all, whatever the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pinn.arrays import Array
from pinn.checking.subject import NEGLIGIBLE, SEED, Sample, Subject, shown
from pinn.objective import PointSet, draw
from pinn.problem import At, Problem, Term, covers, has_normals
from pinn.sampling import unit_cube

INTEGRAL = 4096  # points of an integral over the domain or a face
UNBALANCED = 0.02  # of all fluxes and sources, by which they may fail to add up to zero


class _Principal(NamedTuple):
    """The leading part of a scalar equation.

    Attributes:
        field: its only field with derivatives of second order.
        second: the coefficients [n] of the pure second derivatives, by coordinate.
        by_time: the coefficient [n] of the field's time derivative.
    """

    field: str
    second: Mapping[str, Array]
    by_time: Array


def ill_posed(subject: Subject) -> list[str]:
    """Return a warning for every equation that its conditions make ill-posed.

    These are elliptic equations with both conditions on one side of a coordinate, as initial
    values are, and diffusion with the wrong sign for the side of time on which its state is given.
    """
    if subject.is_inverse or not subject.is_understood:
        return []
    warnings: list[str] = []
    for term in subject.equations:
        principal = _principal(subject, term)
        if principal is None:
            continue
        for c in principal.second:
            partner = _elliptic_partner(principal, c)
            if partner and _all_on_one_side(subject, principal.field, c):
                warnings.append(
                    f"{term.name}: elliptic in {partner} and {c}, with both conditions on one side "
                    f"of {c}: with initial values an elliptic equation is ill-posed; look at the "
                    f"signs of {principal.field}_{partner}{partner} and "
                    f"{principal.field}_{c}{c}."
                )
                break
        else:
            warnings += _backward(subject, term, principal)
    return warnings


def unbalanced_flux(subject: Subject) -> list[str]:
    """Return a warning where fluxes are given on the whole boundary and do not match the sources.

    For a Δu + s = 0 with u_n = g on the boundary, ∮ g = −∫ s / a by Gauss' theorem.
    """
    problem = subject.problem
    steady = problem.time is None and len(problem.functions) == 1 and len(subject.equations) == 1
    if not steady or subject.is_inverse or not subject.is_understood or problem.periodic:
        return []
    if problem.materials:  # whose interfaces may have sources of their own
        return []
    field = problem.fields[0]
    source = _integral_of_source(subject, field)
    if source is None:
        return []
    net, size = source
    for face in problem.faces:
        flux = _flux(subject, field, face)
        if flux is None:
            return []
        area = problem.space.measure(face)
        net -= area * float(np.mean(flux))
        size += area * float(np.mean(np.abs(flux)))
    if abs(net) <= UNBALANCED * size:
        return []
    return [
        f"{field}: the flux through the boundary does not balance the sources (they differ by "
        f"{shown(abs(net))}), so there is no steady state; give {field} somewhere, or let it "
        "depend on time."
    ]


def _principal(subject: Subject, term: Term) -> _Principal | None:
    """Return the leading part of a scalar equation of second order; None of any other."""
    problem = subject.problem
    high = [s for s in term.symbols if len(s.index) >= 2 or s.kind == "laplacian"]
    fields = {s.field for s in high}
    is_mixed = any(len(set(s.index)) > 1 or len(s.index) > 2 for s in high)
    sample = subject.sample(term)
    if len(fields) != 1 or is_mixed or sample is None:
        return None
    field = fields.pop()
    if field not in problem.fields:
        return None
    second: dict[str, Array] = {}
    for symbol in high:
        axes = problem.space.coordinates if symbol.kind == "laplacian" else symbol.index[:1]
        for c in axes:
            second[c] = second.get(c, 0.0) + sample.slopes[symbol.name]
    by_time = sample.slopes.get(f"{field}_t", np.zeros(len(sample.values)))
    return _Principal(field, second, by_time)


def _elliptic_partner(principal: _Principal, c: str) -> str:
    """Return another coordinate whose second derivative has the same sign everywhere, or ""."""
    for other, coefficient in principal.second.items():
        if other != c and np.all(coefficient * principal.second[c] > 0):
            return other
    return ""


def _all_on_one_side(subject: Subject, field: str, c: str) -> bool:
    """Return whether both conditions on a field in a coordinate are on one of its two ends."""
    below, above = _given_at_ends(subject, field, c)
    return (below >= 2 and above == 0) or (above >= 2 and below == 0)


def _given_at_ends(subject: Subject, field: str, c: str) -> tuple[int, int]:
    """Return the number of conditions on a field where a coordinate begins and where it ends."""
    problem = subject.problem
    lower, upper = problem.ranges[c]
    below = above = 0
    for term in subject.terms:
        if not any(symbol.field == field for symbol in term.symbols):
            continue
        region = problem.regions.get(term.region)
        if isinstance(region, At):
            below += region.fixed.get(c) == lower
            above += region.fixed.get(c) == upper
        elif term.region == "initial":
            below += c == "t"
        elif has_normals(problem, term.region):
            below += covers(problem, term.region, f"{c}-")
            above += covers(problem, term.region, f"{c}+")
    return below, above


def _backward(subject: Subject, term: Term, principal: _Principal) -> list[str]:
    """Return a warning for diffusion that runs against the direction in which it is stable."""
    if subject.problem.time is None or "t" in principal.second:
        return []
    below, above = _given_at_ends(subject, principal.field, "t")
    if bool(below) == bool(above):
        return []
    forwards = 1 if below else -1
    for c, coefficient in principal.second.items():
        if np.all(coefficient * principal.by_time * forwards > 0):
            given = "initial" if below else "final"
            return [
                f"{term.name}: with {given} values, diffusion in {c} of this sign is ill-posed: "
                f"fine waves grow without bound; look at the sign of {principal.field}_{c}{c}."
            ]
    return []


def _integral_of_source(subject: Subject, field: str) -> tuple[float, float] | None:
    """Return ∫ s / a and ∫ |s / a| of an equation a Δu + s = 0; None of any other equation."""
    problem = subject.problem
    axes = problem.space.coordinates
    (term,) = subject.equations
    lower, upper = problem.bounds
    inside = lower + unit_cube(INTEGRAL, len(axes), seed=SEED) * (upper - lower)
    inside = inside[problem.space.contains(inside)]
    volume = float(np.prod(upper - lower)) * len(inside) / INTEGRAL
    rest = subject.sample_at(term, PointSet(inside), spread=0.0)
    moved = subject.sample_at(term, PointSet(inside))
    if rest is None or moved is None or not np.all(np.isfinite(rest.values)):
        return None
    by_axis: dict[str, Array | float] = dict.fromkeys(axes, 0.0)
    for symbol in term.symbols:
        slope = moved.slopes[symbol.name]
        if symbol.kind == "laplacian":
            for c in axes:
                by_axis[c] = by_axis[c] + slope
        elif len(symbol.index) == 2 and len(set(symbol.index)) == 1:
            by_axis[symbol.index[0]] = by_axis[symbol.index[0]] + slope
        elif symbol.kind != "coordinate" and np.any(slope != 0):
            return None
    coefficients = np.stack([np.broadcast_to(b, (len(inside),)) for b in by_axis.values()])
    a = coefficients[0, 0]
    if a == 0 or np.any(np.abs(coefficients - a) > NEGLIGIBLE * abs(a)):
        return None
    density = rest.values / a
    return -volume * float(np.mean(density)), volume * float(np.mean(np.abs(density)))


def _flux(subject: Subject, field: str, face: str) -> Array | None:
    """Return the normal derivative [n] that conditions give on a face; None if they do not."""
    problem = subject.problem
    points = draw(problem, face, INTEGRAL, seed=SEED)
    flux = np.full(len(points.coordinates), np.nan)
    for term in subject.terms:
        if not has_normals(problem, term.region):
            continue
        here = covers(problem, term.region, face, points.coordinates)
        if not np.any(here):
            continue
        rest = subject.sample_at(term, points, spread=0.0)
        moved = subject.sample_at(term, points)
        if rest is None or moved is None or np.any(np.isfinite(flux) & here):
            return None
        slope = _normal_slope(problem, term, moved, field)
        if slope is None or not _is_affine(problem, term, rest, moved):
            return None
        flux[here] = -rest.values[here] / slope[here]
    return flux if np.all(np.isfinite(flux)) else None


def _is_affine(problem: Problem, term: Term, rest: Sample, moved: Sample) -> bool:
    """Return whether the slopes of a condition are the same for all fields."""
    for symbol in term.symbols:
        one, other = rest.slopes[symbol.name], moved.slopes[symbol.name]
        if symbol.kind != "coordinate" and np.any(np.abs(one - other) > NEGLIGIBLE * np.abs(one)):
            return False
    return True


def _normal_slope(problem: Problem, term: Term, sample: Sample, field: str) -> Array | None:
    """Return the derivative [n] of a condition by u_n; None if it takes anything else of u."""
    assert sample.points.normals is not None
    axes: Sequence[str] = problem.space.coordinates
    normals = dict(zip(axes, sample.points.normals.T, strict=True))
    total = np.zeros(len(sample.values))
    by_axis = {c: np.zeros(len(sample.values)) for c in axes}
    for symbol in term.symbols:
        slope = sample.slopes[symbol.name]
        if symbol.kind == "normal":
            total = total + slope
        elif len(symbol.index) == 1:
            by_axis[symbol.index[0]] = by_axis[symbol.index[0]] + slope
        elif symbol.kind != "coordinate" and np.any(slope != 0):
            return None
    along: Array = sum((by_axis[c] * normals[c] for c in axes), np.zeros(len(sample.values)))
    for c in axes:  # no share of the gradient may lie in the face
        if np.any(np.abs(by_axis[c] - along * normals[c]) > NEGLIGIBLE * np.abs(by_axis[c])):
            return None
    total = total + along
    return total if np.all(total != 0) else None
