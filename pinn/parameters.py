"""Parameters of a problem: coefficients on which the solution depends as on a coordinate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import Array, BoolArray
from pinn.errors import InputError, did_you_mean
from pinn.settings import check_finite

GRID = 5  # values of a parameter at which errors are reported
_SETTINGS = ("lower", "upper", "log")


@dataclass(frozen=True)
class Parameter:
    """A range of a coefficient, over which the solution is a function of the coefficient.

    Units are the coefficient's own.

    Attributes:
        lower: the least value.
        upper: the largest value.
        log: whether values are drawn, and enter the network, by their logarithm.

    Raises:
        InputError: for bounds that are not finite or not in order, or a logarithm of what is not
            positive.
    """

    lower: float
    upper: float
    log: bool = False

    def __post_init__(self) -> None:
        for key in ("lower", "upper"):
            check_finite(f"Parameter: {key}", getattr(self, key))
        where = f"Parameter: lower={self.lower}, upper={self.upper}"
        if not isinstance(self.log, bool):
            raise InputError(f"Parameter: log={self.log!r}; give true or false.")
        if not self.lower < self.upper:
            raise InputError(f"{where}: the lower bound is not below the upper one; exchange them.")
        if self.log and self.lower <= 0:
            raise InputError(
                f"{where}: a logarithmic scale needs positive bounds; raise lower, or leave log "
                "out."
            )

    @property
    def seen_range(self) -> tuple[float, float]:
        """The range of what the network sees."""
        if self.log:
            return math.log(self.lower), math.log(self.upper)
        return self.lower, self.upper

    def seen(self, value: Any) -> Any:
        """Return what the network sees of values: an array, a tensor or a jet."""
        if not self.log:
            return value
        return np.log(value) if isinstance(value, np.ndarray) else tf.math.log(value)

    def at(self, share: Array) -> Array:
        """Return the values at shares in [0, 1] of the range, in the parameter's own scale."""
        if not self.log:
            return self.lower + share * (self.upper - self.lower)
        low, high = self.seen_range
        # Rounding in the exponential must not lead out of the range.
        return np.clip(np.exp(low + share * (high - low)), self.lower, self.upper)

    def share(self, values: Array) -> Array:
        """Return the shares of the range at which values are: the inverse of `at`."""
        low, high = self.seen_range
        return (self.seen(values) - low) / (high - low)

    def contains(self, values: Array, *, slack: float) -> BoolArray:
        """Return whether values lie in the range, up to a share of its length."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = self.share(values)
        return (share >= -slack) & (share <= 1 + slack)  # false for NaN

    @property
    def grid(self) -> Array:
        """The values [5] at which errors are reported, evenly spaced in the parameter's scale."""
        values = self.at(np.linspace(0.0, 1.0, GRID))
        # The ends themselves, which an exponential may miss by a rounding.
        values[[0, -1]] = self.lower, self.upper
        return values

    @property
    def middle(self) -> float:
        """The middle of the range: the geometric one where the scale is logarithmic."""
        return float(self.at(np.array(0.5)))


def parameter_of(where: str, given: Any, default: Any) -> Parameter:
    """Return the parameter that a mapping of settings describes.

    Args:
        where: the coefficient, as messages call it.
        given: the settings, or a parameter.
        default: the parameter that the class declares, which has the settings that are not given;
            anything else where it declares none.

    Raises:
        InputError: for unknown or missing settings, and bounds that are not in order.
    """
    if isinstance(given, Parameter):
        return given
    settings: dict[str, Any] = {}
    if isinstance(default, Parameter):
        settings = {key: getattr(default, key) for key in _SETTINGS}
    for key, value in dict(given).items():
        if key not in _SETTINGS:
            raise InputError(f"{where}: unknown key {key!r}.{did_you_mean(str(key), _SETTINGS)}")
        settings[key] = value
    for key in ("lower", "upper"):
        if key not in settings:
            raise InputError(f"{where}={dict(given)}: lacks {key}; give both ends of the range.")
    try:
        return Parameter(**settings)
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix('Parameter: ')}") from None


def check_given(where: str, given: Mapping[str, Parameter], values: Mapping[str, Any]) -> None:
    """Raise an InputError for values of parameters outside their ranges.

    Args:
        where: what was given them, as messages call it.
        given: the parameters by name.
        values: their values by name, numbers or arrays of any shape.
    """
    for name, parameter in given.items():
        column = np.asarray(values[name], float)
        outside = ~parameter.contains(column, slack=1e-9)
        if outside.any():
            raise InputError(
                f"{where}: {name}={column[outside].flat[0]:g} is outside of the range from "
                f"{parameter.lower:g} to {parameter.upper:g} for which the problem was solved; "
                "stay inside."
            )
