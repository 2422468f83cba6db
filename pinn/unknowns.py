"""What an inverse problem looks for: coefficients and functions, with their bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from pinn.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Unknown:
    """A coefficient to be found: where the search starts, and its bounds.

    Bounded coefficients are searched through a transform: exp beside one bound, a logistic function
    between two. Units are the coefficient's own.
    """

    start: float
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        low, high = _range(self.lower, self.upper)
        if not low < self.start < high:
            raise InputError(
                f"Unknown: start={self.start} is not between lower={self.lower} and upper={self.upper}."
            )

    def inverse(self, value: float) -> float:
        """Return the unbounded number that stands for a value."""
        if self.lower is not None and self.upper is not None:
            return math.log(value - self.lower) - math.log(self.upper - value)
        if self.lower is not None:
            return math.log(value - self.lower)
        return value if self.upper is None else math.log(self.upper - value)

    def value(self, raw: tf.Tensor) -> tf.Tensor:
        """Return the value for an unbounded number."""
        if self.lower is not None and self.upper is not None:
            return self.lower + (self.upper - self.lower) * tf.sigmoid(raw)
        if self.lower is not None:
            return self.lower + tf.exp(raw)
        return raw if self.upper is None else self.upper - tf.exp(raw)


@dataclass(frozen=True)
class UnknownField:
    """A function to be found, by a network of its own: the coordinates that it depends on, and its bounds.

    Bounds hold everywhere, through a transform of the network's output: softplus beside one bound,
    a logistic function between two.  Units are the function's own.
    """

    coordinates: Sequence[str]
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        low, high = _range(self.lower, self.upper)
        if not low < high:
            raise InputError(
                f"UnknownField: lower={self.lower} is not below upper={self.upper}; exchange them."
            )

    def value(self, net: Any) -> Any:
        """Return the function's values for the network's output, a tensor or a jet."""
        if self.lower is not None and self.upper is not None:
            return self.lower + (self.upper - self.lower) * tf.sigmoid(net)
        if self.lower is not None:
            return self.lower + tf.math.softplus(net)
        return net if self.upper is None else self.upper - tf.math.softplus(net)


def unknown(name: str, value: Any) -> Unknown:
    """Return the unknown that a number (where the search starts) or a mapping of settings describes.

    Raises:
        InputError: for unknown settings, and what is no number.
    """
    settings = dict(value) if isinstance(value, Mapping) else {"start": value}
    for key, number in settings.items():
        if key not in ("start", "lower", "upper"):
            raise InputError(
                f"unknowns.{name}: unknown key {key!r}.{did_you_mean(key, ('start', 'lower', 'upper'))}"
            )
        if isinstance(number, bool) or (
            not isinstance(number, int | float) and not (number is None and key != "start")
        ):
            raise InputError(
                f"unknowns.{name}.{key}={number!r} is not a number; give one, such as 1.0."
            )
    if "start" not in settings:
        raise InputError(
            f"unknowns.{name}: lacks start; give the value from which the search starts."
        )
    numbers: dict[str, Any] = {str(k): v if v is None else float(v) for k, v in settings.items()}
    return Unknown(**numbers)


def check_unknown_fields(
    problem: str,
    unknown_fields: Mapping[str, Any],
    *,
    coordinates: Sequence[str],
    fields: Sequence[str],
) -> None:
    """Raise an InputError for what is no unknown field, has a name that is taken, or depends on no coordinate."""
    for name, found in unknown_fields.items():
        where = f"{problem}.unknown_fields: {name!r}"
        if not isinstance(found, UnknownField):
            raise InputError(
                f"{where} is a {type(found).__name__}; give an UnknownField, with its coordinates."
            )
        if name in (*fields, *coordinates):
            raise InputError(f"{where} is a field or a coordinate too; give it a name of its own.")
        for c in found.coordinates or ("none",):
            if c not in coordinates:
                raise InputError(f"{where}: {c!r} is no coordinate.{did_you_mean(c, coordinates)}")


def _range(lower: float | None, upper: float | None) -> tuple[float, float]:
    return -math.inf if lower is None else lower, math.inf if upper is None else upper
