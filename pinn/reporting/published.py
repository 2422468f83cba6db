"""The errors of a run, compared with published ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pinn.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from pinn.record import Metrics

KINDS = ("baseline", "record")
"""The published error that a reader knows, and the best published error."""

_KEYS = ("value", "source")

Value = float | dict[str, float | None] | None
"""One error, or errors by field or unknown; None where the source gives no number."""


@dataclass(frozen=True)
class Published:
    """What others have reached; dimensionless (relative L2, or relative errors of unknowns).

    Attributes:
        kind: "baseline" or "record".
        value: the published error or errors.
        source: who and where, and how the number was read.
    """

    kind: str
    value: Value
    source: str


@dataclass(frozen=True)
class Comparison:
    """One of our errors and the published one; both dimensionless (relative L2 or relative error).

    Attributes:
        name: the field or unknown.
        ours: our error, or None where this run has no such field or unknown.
        published: the published error, or None where the source gives no number.
        kind: "baseline" or "record".
    """

    name: str
    ours: float | None
    published: float | None
    kind: str

    @property
    def ratio(self) -> float | None:
        """Our error over the published one; below 1 ours is smaller."""
        if self.ours is None or not self.published:
            return None
        return self.ours / self.published

    def __str__(self) -> str:
        if self.published is None:
            return ""
        if self.ratio is None:
            return f"{self.kind} {as_given(self.published)}"
        return f"{ratio_text(self.ratio)} the {self.kind} {as_given(self.published)}"


def published(block: Mapping[str, Any] | None) -> list[Published]:
    """Return the contents of a `published` block: {baseline: {value, source}, record: {…}}."""
    entries = []
    for kind in KINDS:
        entry = (block or {}).get(kind)
        if isinstance(entry, Mapping):
            source = str(entry.get("source") or "")
            entries.append(Published(kind, _value(entry.get("value")), source))
    return entries


def check_published(block: Mapping[str, Any] | None) -> None:
    """Raise an InputError for a `published` block that cannot be read."""
    if block is None:
        return
    if not isinstance(block, Mapping):
        raise InputError(
            f"published={block!r}; give settings by name, as in "
            "{baseline: {value, source}, record: {…}}."
        )
    for kind, entry in block.items():
        if kind not in KINDS:
            raise InputError(f"published.{kind}: unknown key.{did_you_mean(str(kind), KINDS)}")
        if entry is not None and not (isinstance(entry, Mapping) and set(entry) <= set(_KEYS)):
            raise InputError(
                f"published.{kind}={entry!r}; write {{value: 1.0e-3, source: who, where}}."
            )
        value = (entry or {}).get("value")
        for number in value.values() if isinstance(value, Mapping) else (value,):
            if isinstance(number, bool) or not isinstance(number, int | float | None):
                raise InputError(
                    f"published.{kind}.value={value!r}; give a number, or numbers by name."
                )


def comparisons(metrics: Metrics) -> list[Comparison]:
    """Return the comparisons of a run's errors with every published value."""
    unknowns = set(metrics.unknowns) - set(metrics.relative_l2)
    compared = []
    for entry in published(metrics.published):
        compared += compare_errors(metrics.errors, entry, unknowns=unknowns)
    return compared


def compare_errors(
    errors: Mapping[str, float | None], entry: Published, *, unknowns: Collection[str] = ()
) -> list[Comparison]:
    """Return the comparisons of errors with a published value.

    Several published numbers are compared by name. One number is compared with the largest error
    of a field, or of an unknown where there is no field.

    Args:
        errors: by field and unknown.
        entry: what was published.
        unknowns: the names of those errors that are errors of unknowns.
    """
    if isinstance(entry.value, Mapping):
        return [
            Comparison(name, errors.get(name), value, entry.kind)
            for name, value in entry.value.items()
        ]
    if entry.value is None:
        return []
    fields = {name: error for name, error in errors.items() if name not in unknowns}
    candidates = {name: e for name, e in (fields or errors).items() if e is not None}
    if not candidates:
        return [Comparison("", None, entry.value, entry.kind)]
    # An error that is not a number is the worst of all.
    worst = max(candidates, key=lambda k: math.inf if math.isnan(candidates[k]) else candidates[k])
    return [Comparison(worst, candidates[worst], entry.value, entry.kind)]


def number(value: object, digits: int = 2) -> str:
    """Return an error or a loss in scientific form, such as 6.7e-4; a dash for None."""
    value = _float(value)
    if value is None:
        return "–"
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def as_given(value: object) -> str:
    """Return a published number with two digits, or three if the source gives more: 7.97e-14."""
    rounded = number(value)
    return rounded if _float(value) in (None, _float(rounded)) else number(value, 3)


def values_text(value: Value) -> str:
    """Return one published number, or several with their names."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {as_given(v)}" for name, v in value.items())
    return as_given(value)


def ratio_text(ratio: float | None) -> str:
    """Return a ratio as "0.42×"; a dash for None.

    Two digits, and more where two would show a ratio other than 1 as "1×".
    """
    if ratio is None:
        return "–"
    if not 1e-3 <= ratio < 1e3:
        return f"{number(ratio)}×"
    if ratio >= 100:
        return f"{ratio:.0f}×"
    digits = 2
    while ratio != 1 and float(f"{ratio:.{digits}g}") == 1:
        digits += 1
    return f"{ratio:.{digits}g}×"


def _value(value: object) -> Value:
    if isinstance(value, Mapping):
        return {str(name): _float(v) for name, v in value.items()}
    return _float(value)


def _float(value: Any) -> float | None:
    # YAML 1.1 reads 8e-4 (no point) as text, so numbers may arrive as strings.
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
