"""Points at which references are evaluated: arrays that broadcast, valid times, random points."""

# pyright: strict
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pinn.errors import InputError

Array = npt.NDArray[Any]
ComplexArray = npt.NDArray[np.complexfloating]
Elementwise = Callable[..., Any]
"""An elementary function, of the library of its argument: NumPy, TensorFlow or jets."""

PlaneMap = Callable[[Array, Array], Array]
"""A function of x [n] and y [n]."""


def broadcast(*coordinates: npt.ArrayLike) -> tuple[Array, ...]:
    """Return coordinates as arrays of one shape in float64."""
    arrays = [np.asarray(coordinate, float) for coordinate in coordinates]
    return tuple(np.broadcast_arrays(*arrays))


def check_times(name: str, t: Array, first: float, last: float) -> None:
    """Refuse times outside of the interval in which a solution is known.

    Raises:
        InputError: if a time lies before `first` or after `last`, or is not a number.
    """
    if t.size and not (t.min() >= first and t.max() <= last):
        raise InputError(
            f"{name}: t from {t.min()} to {t.max()}; "
            f"the solution reaches from {first:g} to {last:g}."
        )


def random_points(lower: Sequence[float], upper: Sequence[float], count: int) -> Array:
    """Return the coordinates [d, count] of random points in a box, the same at each call."""
    return np.random.default_rng(0).uniform(lower, upper, (count, len(lower))).T
