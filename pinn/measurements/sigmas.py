"""Standard deviations of measurements: a number, one by measured name, or a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from pinn.arrays import AnyArray
from pinn.errors import InputError, did_you_mean
from pinn.measurements.table import row_in_words
from pinn.objective import PointSet
from pinn.settings import check_positive

Sigma: TypeAlias = float | str | Mapping[str, float | str] | None
"""A standard deviation, or the column that has it: for all that was measured, or by name."""


def check_kinds(sigma: Sigma) -> None:
    """Raise an InputError for a setting `data.sigma` that is neither numbers nor names."""
    if sigma is None:
        return
    by_place: dict[str, float | str] = {}
    if isinstance(sigma, Mapping):
        for name, value in sigma.items():
            by_place[f".{name}"] = value
    else:
        by_place[""] = sigma
    for name, value in by_place.items():
        if not (isinstance(value, str) and value):
            check_positive(f"data.sigma{name}", value)


def by_name(sigma: Sigma, measured: Sequence[str]) -> dict[str, float | str]:
    """Return the standard deviation of every measured name that has one.

    Raises:
        InputError: for a name that was not measured.
    """
    if sigma is None:
        return {}
    if not isinstance(sigma, Mapping):
        return dict.fromkeys(measured, sigma)
    for name in sigma:
        if name not in measured:
            hint = did_you_mean(str(name), measured)
            raise InputError(f"data.sigma.{name}: was not measured.{hint}")
    return dict(sigma)


def check_sigmas(
    points: PointSet,
    where: str,
    *,
    rows: AnyArray | None = None,
    lines: AnyArray | None = None,
) -> None:
    """Raise an InputError for a measured value whose standard deviation is no positive number.

    Args:
        points: the measurements, with standard deviations; NaN for what is missing.
        where: how messages begin, such as "data.sigma.".
        rows: the rows [n] of the source on which the points stand; None: in order.
        lines: the lines of a file on which the rows of the source stand.
    """
    for name, sigmas in points.sigmas.items():
        known = ~np.isnan(points.values[name])
        bad = np.flatnonzero(known & ~(sigmas > 0))
        if not len(bad):
            continue
        first = int(bad[0])
        row = row_in_words(first if rows is None else int(rows[first]), lines)
        if np.isnan(sigmas[first]):
            raise InputError(
                f"{where}{name}: {len(bad)} of {int(known.sum())} values have no standard "
                f"deviation, first {row}; give it, or leave the value empty."
            )
        raise InputError(f"{where}{name}: {sigmas[first]:g} in {row}; give a positive number.")
