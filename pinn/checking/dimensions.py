"""Dimensions of residuals: a sum of unlike terms does not keep its ratios in other base units.

With all base units smaller by a factor each, every value is larger by a factor that follows from
its dimension.  A residual that is right is then larger by ONE factor wherever it is evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pinn.arrays import Array
from pinn.checking.subject import SEED, Subject, residuals
from pinn.derivatives import Symbol
from pinn.geometry import is_data
from pinn.objective.complementarity import expressions
from pinn.problem import Problem, Term
from pinn.problem.declaration import FINAL_TIME
from pinn.problem.materials import in_some_material

TRIALS = 32  # points at which a residual is evaluated
TRIES = 2  # choices of base units
SAME = 1e-8  # the relative difference of factors that counts as rounding
FACTORS = (1.2, 1.9)  # the range of the factors of base units

Dimension = Mapping[str, float]
"""Exponents by base dimension, such as {"[length]": 1, "[time]": -1}."""


def unlike_terms(subject: Subject) -> tuple[list[str], str]:
    """Return a warning for every residual that adds unlike terms, and a note on what was checked.

    Dimensions are checked where every coordinate, field and coefficient has a unit and the package
    pint is installed; the note says what is missing, and is "" where no unit is declared.
    """
    problem = subject.problem
    if not problem.units:
        return [], ""
    needed = [*problem.coordinates, *problem.functions]
    for name in problem.coefficients:
        if not problem.demands(name).get(FINAL_TIME):
            needed.append(name)
    missing = [name for name in needed if name not in problem.units]
    if missing:
        return [], f"dimensions are not checked: {', '.join(missing)} without a unit"
    try:
        dimensions = {name: dimension(problem.units[name]) for name in needed}
    except ImportError:
        return [], "dimensions are not checked: pip install 'pinn[units]'"
    except _NoUnit as error:
        (unit,) = error.args
        return [f"units: {unit!r} is no unit that pint knows, so no dimension is checked."], ""
    warnings: list[str] = []
    non_local: list[str] = []
    for term in subject.terms:
        if not all(symbol.is_local for symbol in term.symbols):
            non_local.append(term.name)
            continue
        if is_data(term.region):
            continue
        for part in expressions(term):
            if _has_one_dimension(subject, part, dimensions):
                continue
            warnings.append(
                f"{part.name}: adds unlike terms: in other units its summands change by different "
                "factors; correct the formula or the units. (Numbers in a formula have none: "
                "declare those that do as coefficients.)"
            )
    if non_local:
        names = ", ".join(non_local)
        return warnings, f"dimensions are not checked in {names}: integrals or delayed fields"
    return warnings, "" if warnings else "dimensions of all residuals are right"


class _NoUnit(Exception):
    """A text that pint does not take for a unit."""


def dimension(unit: str) -> Dimension:
    """Return the dimension of a unit, as pint knows it.

    Raises:
        ImportError: without pint.
    """
    import pint

    registry: Any = pint.application_registry
    try:
        powers: Any = registry.parse_units("" if unit == "1" else unit).dimensionality
    except Exception:  # pint raises errors of many kinds, those of Python's tokenizer included
        raise _NoUnit(unit) from None
    return {str(name): float(power) for name, power in powers.items()}


def _has_one_dimension(subject: Subject, term: Term, dimensions: Mapping[str, Dimension]) -> bool:
    """Return whether a residual changes by one factor in other base units.

    A number that is added alone, as in T − 300, takes the unit of what it is added to.
    """
    rng = np.random.default_rng(SEED)
    bases = sorted({base for powers in dimensions.values() for base in powers})
    arguments = _arguments(subject, term, rng)
    still = {s.name: np.zeros(TRIALS) for s in term.symbols if s.field}
    problem = in_some_material(subject.problem)
    before = _values(problem, term, arguments)
    source = _values(problem, term, arguments | still)
    for _ in range(TRIES):
        factors = dict(zip(bases, rng.uniform(*FACTORS, len(bases)), strict=True))
        other = problem.bind(_coefficients(problem, dimensions, factors))
        larger: dict[str, Array] = {}
        for symbol in term.symbols:
            powers = _dimension_of(symbol, problem, dimensions)
            if powers is None:
                return False
            larger[symbol.name] = arguments[symbol.name] * _factor(powers, factors)
        after = _values(other, term, larger)
        if before is None or after is None or _is_one_factor(before, after):
            continue
        other_source = _values(other, term, larger | still)
        if source is None or other_source is None:
            return False
        # The same number in all units has been written down.
        is_number = np.ptp(source) == 0 and np.array_equal(source, other_source)
        if not is_number or not _is_one_factor(before - source, after - other_source):
            return False
    return True


def _factor(powers: Dimension, factors: Mapping[str, float]) -> float:
    """Return by what a value of a dimension is larger."""
    return float(np.prod([factors[base] ** power for base, power in powers.items()]))


def _coefficients(
    problem: Problem, dimensions: Mapping[str, Dimension], factors: Mapping[str, float]
) -> dict[str, float]:
    """Return the coefficients in other base units."""
    values: dict[str, float] = {}
    for name in problem.coefficients:
        if name in dimensions:
            values[name] = getattr(problem, name) * _factor(dimensions[name], factors)
    return values


def _arguments(subject: Subject, term: Term, rng: np.random.Generator) -> dict[str, Array]:
    """Return random arguments [n]: coordinates in their ranges, all others between ½ and 1½."""
    arguments: dict[str, Array] = {}
    for symbol in term.symbols:
        bounds = (0.5, 1.5)
        if symbol.kind == "coordinate":
            bounds = subject.problem.ranges[symbol.base]
        arguments[symbol.name] = rng.uniform(*bounds, TRIALS)
    return arguments


def _values(problem: Problem, term: Term, arguments: Mapping[str, Array]) -> Array | None:
    """Return a residual [n], or None if it refuses the arguments or is not finite."""
    found = residuals(problem, term, arguments, TRIALS)
    return found if found is not None and np.all(np.isfinite(found)) else None


def _is_one_factor(before: Array, after: Array) -> bool:
    """Return whether values [n] have changed by one factor; those near zero do not count."""
    large = np.abs(before) > 1e-3 * np.max(np.abs(before))
    if not np.any(large):
        return bool(np.all(after == 0))
    ratios = after[large] / before[large]
    return bool(np.ptp(ratios) <= SAME * np.max(np.abs(ratios)))


def _dimension_of(
    symbol: Symbol, problem: Problem, dimensions: Mapping[str, Dimension]
) -> Dimension | None:
    """Return the dimension of a symbol; None if it adds unlike terms itself, as Δu may do."""
    if symbol.kind in ("coordinate", "coefficient"):
        return dimensions[symbol.base]
    by: list[Dimension] = [dimensions[c] for c in symbol.index]
    if symbol.kind in ("laplacian", "normal"):
        axes = [dimensions[c] for c in problem.space.coordinates]
        if any(axis != axes[0] for axis in axes):
            return None
        by = [axes[0]] * (2 if symbol.kind == "laplacian" else 1)
    total = dict(dimensions[symbol.field])
    for divisor in by:
        for base, power in divisor.items():
            total[base] = total.get(base, 0.0) - power
    return total
