"""The terms of a loss: residuals of the problem and misfits to measurements, with their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pinn.arrays import Array
from pinn.derivatives import Symbol
from pinn.errors import InputError, did_you_mean
from pinn.problem import Problem, Term

_MISFIT = "data_"


def misfit(field: str) -> Term:
    """Return the term for the misfit of a field to its measurements."""
    predicted = Symbol(field, "derivative", field)
    measured = Symbol(f"{field}_data", "data", field)
    return Term(f"{_MISFIT}{field}", "data", (predicted, measured))


def is_misfit(term: Term) -> bool:
    """Return whether a term is the misfit of a field to its measurements."""
    return term.name.startswith(_MISFIT)


def only_value(term: Term) -> str:
    """Return the field whose value is all that a term takes, beside coordinates; "" if none is."""
    symbols = [s for s in term.symbols if s.kind != "coordinate"]
    if len(symbols) == 1 and symbols[0].kind == "derivative" and not symbols[0].index:
        return symbols[0].field
    return ""


def given_values(at: Sequence[Array] | Array) -> Array:
    """Return the values g that a condition a (f − g) = 0 gives to its field; NaN if it gives none.

    The residual must be affine in the field, which three constants show.

    Args:
        at: the residual where the field is 0, 1 and 2, arrays of one shape.
    """
    slope = at[1] - at[0]
    curvature = at[2] - 2 * at[1] + at[0]
    size = np.abs(at[0]) + np.abs(at[1]) + np.abs(at[2])
    with np.errstate(divide="ignore", invalid="ignore"):
        values = -at[0] / slope
    is_affine = np.all(np.abs(curvature) <= 1e-9 * size)
    return values if is_affine else np.full_like(values, np.nan)


def active_terms(
    problem: Problem, weights: Mapping[str, float], *, hard: bool, measured: Sequence[str]
) -> tuple[tuple[Term, ...], list[float]]:
    """Return the terms that take part in the loss, and their weights.

    Terms that the ansatz satisfies take no part where constraints are hard, terms on "data" none
    without measurements, and terms of weight zero none at all.

    Args:
        problem: the problem.
        weights: weight by term; 1 for terms that are not named.
        hard: whether the ansatz builds conditions into the trial solution.
        measured: names of the measured fields.

    Raises:
        InputError: for the weight of a residual that does not exist, a negative weight, or if no
            term has a positive weight.
    """
    candidates = [*problem.terms, *map(misfit, measured)]
    _check_weights(weights, [t.name for t in candidates])
    exact = problem.satisfied if hard else ()
    active = []
    for term in candidates:
        unmeasured = term.region == "data" and not measured
        if term.name not in exact and weights.get(term.name, 1.0) > 0 and not unmeasured:
            active.append(term)
    if not active:
        raise InputError(
            "weights: every residual has weight 0; give at least one a positive weight."
        )
    return tuple(active), [float(weights.get(t.name, 1.0)) for t in active]


def _check_weights(weights: Mapping[str, float], known: Sequence[str]) -> None:
    for name, weight in weights.items():
        if name not in known:
            raise InputError(f"weights.{name}: no such residual.{did_you_mean(name, known)}")
        if not weight >= 0:
            raise InputError(
                f"weights.{name}={weight}: give a weight of at least 0 (0 leaves the residual out)."
            )
