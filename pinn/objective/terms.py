"""The terms of a loss: residuals of the problem and misfits to measurements, with their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pinn.arrays import Array
from pinn.derivatives import Symbol
from pinn.errors import InputError, did_you_mean
from pinn.geometry import is_data
from pinn.problem import Problem, Term

Measured = Mapping[str, Sequence[str]]
"""Names of what was measured, such as "u" or "u_x", by the region of the measurements."""


@dataclass(frozen=True)
class Misfit(Term):
    """The misfit of a field, derivative or integral to its measurements.

    Its symbols are what is predicted, and what was measured.
    """

    @property
    def predicted(self) -> Symbol:
        """The field, derivative or integral that was measured."""
        return self.symbols[0]

    @property
    def is_of_value(self) -> bool:
        """Whether a field was measured, and not a derivative of it."""
        return self.predicted.name == self.predicted.field


def misfit(problem: Problem, region: str, name: str) -> Misfit:
    """Return the term for the misfit to the measurements of a region.

    Args:
        problem: the problem.
        region: the region of the measurements.
        name: what was measured: a field, a derivative or an integral.
    """
    predicted = problem.symbol(name, region)
    measured = Symbol(f"{name}_data", "data", name)
    return Misfit(f"{region}_{name}", region, (predicted, measured))


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
    problem: Problem, weights: Mapping[str, float], *, hard: bool, measured: Measured
) -> tuple[tuple[Term, ...], list[float]]:
    """Return the terms that take part in the loss, and their weights.

    Terms that the ansatz satisfies take no part where constraints are hard, terms on measurements
    none without any, and terms of weight zero none at all.

    Args:
        problem: the problem.
        weights: weight by term; 1 for terms that are not named.
        hard: whether the ansatz builds conditions into the trial solution.
        measured: what was measured.

    Raises:
        InputError: for the weight of a residual that does not exist, a negative weight, two terms
            of one name, a residual on measurements that there are not, or if no term has a positive
            weight.
    """
    candidates = list(problem.terms)
    for region, names in measured.items():
        candidates += [misfit(problem, region, name) for name in names]
    _check_names([t.name for t in candidates])
    _check_weights(weights, [t.name for t in candidates])
    exact = problem.satisfied if hard else ()
    active = []
    for term in candidates:
        unmeasured = is_data(term.region) and not measured
        if term.name not in exact and weights.get(term.name, 1.0) > 0 and not unmeasured:
            if is_data(term.region):
                _check_measured(problem, term, measured)
            active.append(term)
    if not active:
        raise InputError(
            "weights: every residual has weight 0; give at least one a positive weight."
        )
    return tuple(active), [float(weights.get(t.name, 1.0)) for t in active]


def _check_names(names: Sequence[str]) -> None:
    """Raise an InputError for two terms of one name."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"data: two terms of the loss would be called {name!r}; rename the residual, or "
                "a set of measurements."
            )


def _check_measured(problem: Problem, term: Term, measured: Measured) -> None:
    """Raise an InputError for a term on measurements that there are not."""
    where = f"{type(problem).__name__}.{term.name}"
    if term.region not in measured:
        raise InputError(
            f"{where}: no measurements {term.region!r}; mark it with @residual(on=…), one of "
            f"{', '.join(measured)}."
        )
    for symbol in term.symbols:
        if symbol.kind == "data" and symbol.field not in measured[term.region]:
            raise InputError(
                f"{where}: {symbol.name!r} was not measured; give it in {term.region}, or set "
                f"weights.{term.name}=0."
            )


def _check_weights(weights: Mapping[str, float], known: Sequence[str]) -> None:
    for name, weight in weights.items():
        if name not in known:
            raise InputError(f"weights.{name}: no such residual.{did_you_mean(name, known)}")
        if not weight >= 0:
            raise InputError(
                f"weights.{name}={weight}: give a weight of at least 0 (0 leaves the residual out)."
            )
