"""Unknowns of an inverse problem: coefficients and functions, with their bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import tensorflow as tf

from pinn.arrays import scaled
from pinn.errors import InputError, did_you_mean

_SETTINGS = ("start", "lower", "upper", "truth")
Monotone = Literal["increasing", "decreasing"]
FAR = 1e6  # a start this many times smaller or larger than the size at which it counts is moved


@dataclass(frozen=True)
class Unknown:
    """A coefficient to determine.

    A bounded coefficient is a transform of an unbounded number: exp with one bound, a logistic
    function with two. Units are the coefficient's own.

    Attributes:
        start: the value from which the search starts.
        lower: lower bound, or None.
        upper: upper bound, or None.
        truth: the true value, from which the error is reported; None: it is not known, except with
            synthetic measurements, whose truth is the problem's attribute.

    Raises:
        InputError: for a start that is not between the bounds.
    """

    start: float
    lower: float | None = None
    upper: float | None = None
    truth: float | None = None

    def __post_init__(self) -> None:
        low, high = _range(self.lower, self.upper)
        if not low < self.start < high:
            raise InputError(
                f"Unknown: start={self.start} is not between lower={self.lower} and "
                f"upper={self.upper}; move it, or the bounds."
            )

    @property
    def neutral(self) -> float:
        """The value from which its size is counted: its only bound, else zero."""
        if self.lower is not None:
            return self.lower
        return 0.0 if self.upper is None else self.upper

    @property
    def direction(self) -> float:
        """1 where the search starts above the neutral value or at it, -1 below."""
        return -1.0 if self.start < self.neutral else 1.0

    @property
    def is_free(self) -> bool:
        """Whether it has no bound."""
        return self.lower is None and self.upper is None

    def scaled(self, size: float) -> ScaledUnknown:
        """Return the unknown as it is searched where its typical size is known.

        A start at which the equations do not depend on the coefficient, or on nothing else, is
        moved to that size.

        Args:
            size: the distance from the neutral value at which the coefficient counts as much as the
                rest of an equation; in the coefficient's own units.
        """
        distance = abs(self.start - self.neutral)
        has_one_bound = (self.lower is None) != (self.upper is None)
        # A search without bounds is linear and leaves small values as fast as any other.
        is_too_small = has_one_bound and distance * FAR < size
        is_too_large = distance > FAR * size
        start = self.start
        if (self.lower is None or self.upper is None) and (is_too_small or is_too_large):
            start = self.neutral + self.direction * size
        size = max(size, abs(start - self.neutral))
        return ScaledUnknown(start, self.lower, self.upper, self.truth, size)

    def inverse(self, value: float) -> float:
        """Return the unbounded number whose transform is a value."""
        if self.lower is not None and self.upper is not None:
            return math.log(value - self.lower) - math.log(self.upper - value)
        if self.lower is not None:
            return math.log(value - self.lower)
        return value if self.upper is None else math.log(self.upper - value)

    def value(self, raw: tf.Tensor) -> tf.Tensor:
        """Return the transform of an unbounded number."""
        if self.lower is not None and self.upper is not None:
            return self.lower + (self.upper - self.lower) * tf.sigmoid(raw)
        if self.lower is not None:
            return self.lower + tf.exp(raw)
        return raw if self.upper is None else self.upper - tf.exp(raw)


@dataclass(frozen=True)
class ScaledUnknown(Unknown):
    """An unknown as it is searched: without bounds, in units of its typical size.

    Attributes:
        size: the typical size, in the coefficient's own units.
    """

    size: float = 1.0

    def inverse(self, value: float) -> float:
        """Return the unbounded number whose transform is a value."""
        raw = super().inverse(value)
        return raw / self.size if self.is_free else raw

    def value(self, raw: tf.Tensor) -> tf.Tensor:
        """Return the transform of an unbounded number."""
        return super().value(raw * self.size if self.is_free and self.size != 1.0 else raw)


@dataclass(frozen=True)
class UnknownField:
    """A function to determine, which has a network of its own.

    A function of coordinates is a coefficient that varies, a(x). A function of fields is a law of
    the material, such as a conductivity K(T); at a point it has the value K(T(x, t)), and
    derivatives by coordinates follow the chain rule, K_x = K'(T) T_x.

    Bounds hold everywhere, by a transform of the network's output: softplus with one bound, a
    logistic function with two. Units are the function's own.

    Attributes:
        arguments: names of the coordinates or fields that the function depends on.
        lower: lower bound, or None.
        upper: upper bound, or None.
        monotone: "increasing" or "decreasing": with every argument; None: neither is demanded.

    Raises:
        InputError: for bounds that are not in order, or another word.
    """

    arguments: Sequence[str]
    lower: float | None = None
    upper: float | None = None
    monotone: Monotone | None = None

    def __post_init__(self) -> None:
        if self.monotone not in (None, *get_args(Monotone)):
            hint = did_you_mean(str(self.monotone), get_args(Monotone))
            raise InputError(
                f"UnknownField: monotone={self.monotone!r}; give increasing, decreasing or None."
                f"{hint}"
            )
        low, high = _range(self.lower, self.upper)
        if not low < high:
            raise InputError(
                f"UnknownField: lower={self.lower} is not below upper={self.upper}; exchange them."
            )

    def value(self, net: Any, *, offset: float = 0.0, scale: float = 1.0) -> Any:
        """Return the function's values for the network's output, a tensor or a jet.

        Args:
            net: the network's output.
            offset: the middle of the function's values, where it has no bound.
            scale: their distance from the offset, or from the only bound.
        """
        # The network of a monotone function increases; below its only bound, the function falls.
        falls = self.lower is None and self.upper is not None
        if self.monotone is not None and falls != (self.monotone == "decreasing"):
            net = -net
        if self.lower is not None and self.upper is not None:
            return self.lower + (self.upper - self.lower) * tf.sigmoid(net)
        if self.lower is not None:
            return self.lower + scaled(tf.math.softplus(net), 0.0, scale)
        if self.upper is not None:
            return self.upper - scaled(tf.math.softplus(net), 0.0, scale)
        return scaled(net, offset, scale)


def unknown(name: str, value: Any) -> Unknown:
    """Return the unknown that a start value, or a mapping of settings, describes.

    Raises:
        InputError: for unknown settings and for values that are not numbers.
    """
    settings = dict(value) if isinstance(value, Mapping) else {"start": value}
    numbers: dict[str, Any] = {}
    for key, number in settings.items():
        if key not in _SETTINGS:
            raise InputError(
                f"unknowns.{name}: unknown key {key!r}.{did_you_mean(str(key), _SETTINGS)}"
            )
        if number is None and key != "start":
            numbers[key] = None  # no bound, or no known truth
        elif isinstance(number, int | float) and not isinstance(number, bool):
            numbers[key] = float(number)
        else:
            raise InputError(
                f"unknowns.{name}.{key}={number!r} is not a number; give one, such as 1.0."
            )
    if "start" not in numbers:
        raise InputError(
            f"unknowns.{name}: lacks start; give the value from which the search starts."
        )
    return Unknown(**numbers)


def check_unknown_fields(
    problem: str,
    unknown_fields: Mapping[str, Any],
    *,
    coordinates: Sequence[str],
    fields: Sequence[str],
) -> None:
    """Raise an InputError for unknown fields of a wrong type, name or argument."""
    for name, unknown_field in unknown_fields.items():
        where = f"{problem}.unknown_fields: {name!r}"
        if not isinstance(unknown_field, UnknownField):
            kind = type(unknown_field).__name__
            raise InputError(f"{where} is a {kind}; give an UnknownField, with its arguments.")
        if name in (*fields, *coordinates):
            raise InputError(f"{where} is a field or a coordinate too; give it a name of its own.")
        for argument in unknown_field.arguments or ("none",):
            if argument not in (*coordinates, *fields):
                raise InputError(
                    f"{where}: {argument!r} is no coordinate and no field."
                    f"{did_you_mean(argument, (*coordinates, *fields))}"
                )


def _range(lower: float | None, upper: float | None) -> tuple[float, float]:
    return -math.inf if lower is None else lower, math.inf if upper is None else upper
