"""The unknown coefficients as they are searched: in units of their typical sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pinn.problem import Problem
from pinn.problem.declaration import POSITIVE
from pinn.unknowns import ScaledUnknown


def searched(problem: Problem, sizes: Mapping[str, float]) -> dict[str, ScaledUnknown]:
    """Return the unknown coefficients as they are searched.

    Where its size is known, a coefficient that is positive by declaration stays so.

    Args:
        problem: the problem.
        sizes: the typical sizes of unknown coefficients, in their own units, by name; those that
            are missing are searched as they are.
    """
    found: dict[str, ScaledUnknown] = {}
    for name, unknown in problem.unknowns.items():
        if name not in sizes:
            found[name] = ScaledUnknown(unknown.start, unknown.lower, unknown.upper, unknown.truth)
        else:
            if problem.demands(name).get(POSITIVE) and unknown.lower is None:
                unknown = replace(unknown, lower=0.0)
            found[name] = unknown.scaled(sizes[name])
    return found
