"""Scales: the typical sizes of fields and residuals, which make a loss independent of units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import tensorflow as tf

from pinn.arrays import scaled
from pinn.errors import InputError, did_you_mean
from pinn.problem import Term
from pinn.settings import check_finite, check_positive


class FieldScale(NamedTuple):
    """The typical values of a field: offset + scale × what the network computes.

    A positive field is offset × (1 + scale/offset)^N with the output N of the network.  So N = 1
    gives offset + scale too, and where the scale is small, both are the same.

    Attributes:
        offset: the middle of the field's values, in the field's units; of a positive field, the
            geometric middle, which is the scale where the offset is 0.
        scale: the distance of the largest values from the offset, in the field's units.
    """

    offset: float = 0.0
    scale: float = 1.0

    def apply(self, output: Any) -> Any:
        """Return the field for the network's output, a tensor [n] or a jet."""
        return scaled(output, self.offset, self.scale)

    def apply_positive(self, output: Any) -> Any:
        """Return the positive field for the network's output, a tensor [n] or a jet."""
        middle, scale = self._in_logarithms(output.dtype)
        return tf.exp(output * scale + tf.math.log(middle))

    def inverse(self, field: Any, *, positive: bool) -> Any:
        """Return what the network computes, from the values of a field, a tensor [n] or a jet."""
        if not positive:
            return (field - self.offset) * (1 / self.scale)
        middle, scale = self._in_logarithms(field.dtype)
        return tf.math.log(field * (1 / middle)) * (1 / scale)

    def _in_logarithms(self, dtype: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the geometric middle of a positive field, and the scale of its logarithm."""
        offset = tf.convert_to_tensor(self.offset, dtype)
        scale = tf.convert_to_tensor(self.scale, dtype)
        middle = tf.where(offset == 0, scale, offset)
        return middle, tf.math.log1p(scale / middle)

    @property
    def near_middle(self) -> FieldScale:
        """Offset and scale of a positive field where it differs little from its middle."""
        middle = self.offset or self.scale
        return FieldScale(middle, middle * math.log1p(self.scale / middle))


_KEYS = ("fields", "residuals", "balances", "rates", "unknowns", "later")

UNIT = FieldScale()
"""The scale of a field that is what the network computes."""


@dataclass(frozen=True, kw_only=True)
class Scales:
    """The typical sizes of a problem's fields and residuals.

    Attributes:
        fields: by the name of the field (or unknown field); `UNIT` where a name is missing.
        residuals: the typical size of every residual in its own units, by the name of the term;
            1 where a name is missing.  The loss holds the residuals divided by it.
        balances: what the second expression of a complementarity is multiplied by to have the
            typical size of the first, by the name of the term; 1 where a name is missing.  The size
            of the term is that of its first expression.
        rates: in logarithmic time, the typical size of what a residual holds beside its derivatives
            by time, over that of these, at the beginning, by the name of the term (see
            `LogTime.factor`); 0 where a name is missing.
        unknowns: the typical size of every unknown coefficient in its own units, by name: how far
            it has to be from zero, or from its only bound, to count as much as the rest of an
            equation.
        later: the sizes in the windows of time after the first, where the ansatz builds the initial
            state in and the network computes something else there; None: the same.

    Raises:
        InputError: for offsets that are not finite, and scales or sizes that are not positive.
    """

    fields: Mapping[str, FieldScale] = field(default_factory=dict)
    residuals: Mapping[str, float] = field(default_factory=dict)
    balances: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    unknowns: Mapping[str, float] = field(default_factory=dict)
    later: Scales | None = None

    def __post_init__(self) -> None:
        for name, values in self.fields.items():
            check_finite(f"scales.fields.{name}.offset", values.offset)
            check_positive(f"scales.fields.{name}.scale", values.scale)
        for name, size in self.residuals.items():
            check_positive(f"scales.residuals.{name}", size)
        for name, balance in self.balances.items():
            check_positive(f"scales.balances.{name}", balance)
        for name, rate in self.rates.items():
            check_positive(f"scales.rates.{name}", rate)
        for name, size in self.unknowns.items():
            check_positive(f"scales.unknowns.{name}", size)

    def of_residual(self, name: str) -> float:
        """Return the typical size of a residual."""
        return self.residuals.get(name, 1.0)

    def balanced(self, term: Term) -> Term:
        """Return a term with its balance, if it is a complementarity."""
        if term.kind != "complementarity":
            return term
        return replace(term, balance=self.balances.get(term.name, 1.0))

    def continues(self, earlier: Scales) -> bool:
        """Return whether a loss with these scales goes on from one with earlier scales.

        Terms may have come or gone since; what both have must be the same.
        """
        common = earlier.residuals.keys() & self.residuals.keys()
        same_sizes = all(self.residuals[name] == earlier.residuals[name] for name in common)
        same_sizes = same_sizes and dict(self.unknowns) == dict(earlier.unknowns)
        if (self.later is None) != (earlier.later is None):
            return False
        if self.later is not None and earlier.later is not None:
            same_sizes = same_sizes and self.later.continues(earlier.later)
        same_balances = dict(self.balances) == dict(earlier.balances)
        same_balances = same_balances and dict(self.rates) == dict(earlier.rates)
        return same_sizes and same_balances and dict(self.fields) == dict(earlier.fields)

    def plain_losses(self, losses: Mapping[str, float]) -> dict[str, float]:
        """Return the losses of the terms whose size is not 1, in the squared units of the residual.

        Args:
            losses: mean squared residuals over their sizes, by the name of the term.
        """
        sizes = {name: self.of_residual(name) for name in losses}
        return {name: losses[name] * size**2 for name, size in sizes.items() if size != 1.0}

    def to_plain(self) -> dict[str, Any]:
        """Return the scales as plain values, as a configuration holds them."""
        fields = {}
        for name, scale in self.fields.items():
            fields[name] = {"offset": scale.offset, "scale": scale.scale}
        node: dict[str, Any] = {"fields": fields, "residuals": dict(self.residuals)}
        if self.balances:
            node["balances"] = dict(self.balances)
        if self.rates:
            node["rates"] = dict(self.rates)
        if self.unknowns:
            node["unknowns"] = dict(self.unknowns)
        if self.later is not None:
            node["later"] = self.later.to_plain()
        return node

    @classmethod
    def from_plain(cls, node: Mapping[str, Any]) -> Scales:
        """Return the scales that a node of a configuration describes.

        Raises:
            InputError: for unknown keys and values that are no numbers.
        """
        for key in node:
            if key not in _KEYS:
                hint = did_you_mean(str(key), _KEYS)
                raise InputError(f"scales.{key}: unknown setting.{hint}")
        fields = {}
        for name, settings in _mapping(node, "fields").items():
            fields[str(name)] = _field_scale(f"scales.fields.{name}", settings)
        later = cls.from_plain(_mapping(node, "later")) if "later" in node else None
        return cls(
            fields=fields,
            residuals=dict(_mapping(node, "residuals")),
            balances=dict(_mapping(node, "balances")),
            rates=dict(_mapping(node, "rates")),
            unknowns=dict(_mapping(node, "unknowns")),
            later=later,
        )


UNSCALED = Scales()
"""Fields are what the network computes, and the loss holds the residuals as they are."""


def power_of_two(size: float) -> float:
    """Return the power of two next to a positive number.

    Multiplications by it are exact, so that a problem of size one is not changed by rounding, and
    a size that differs in its last bits changes nothing.
    """
    return 2.0 ** round(math.log2(size))


def _mapping(node: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = node.get(key) or {}
    if not isinstance(found, Mapping):
        raise InputError(f"scales.{key}={found!r}; give values by name, as in {{u: …}}.")
    return found


def _field_scale(where: str, settings: Any) -> FieldScale:
    if isinstance(settings, FieldScale):
        return settings
    if not isinstance(settings, Mapping):
        settings = {"scale": settings}
    for key in settings:
        if key not in ("offset", "scale"):
            hint = did_you_mean(str(key), ("offset", "scale"))
            raise InputError(f"{where}.{key}: unknown setting.{hint}")
    return FieldScale(**settings)
