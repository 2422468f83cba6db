"""A run's errors beside published ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pinn.errors import InputError, did_you_mean

KINDS = ("baseline", "record")
"""The number that a reader knows, and the best one that was found."""

_ONE = ("value", "source")


@dataclass(frozen=True)
class Published:
    """What others have reached; dimensionless (relative L2, or relative errors of unknowns).

    Attributes:
        kind: "baseline" or "record".
        value: one error, or errors by field or unknown; None where the text gives no number.
        source: who and where, and how the number was read.
    """

    kind: str
    value: float | dict[str, float | None] | None
    source: str


@dataclass(frozen=True)
class Comparison:
    """One of our errors and the published one; both dimensionless (relative L2, or a relative error).

    Attributes:
        name: the field or unknown.
        ours: our error, or None where this run has no such field or unknown.
        published: the published error, or None where the paper's text gives no number.
        kind: "baseline" or "record".
    """

    name: str
    ours: float | None
    published: float | None
    kind: str

    @property
    def ratio(self) -> float | None:
        """Ours over theirs; below 1 we are closer."""
        if self.ours is None or not self.published:
            return None
        return self.ours / self.published

    def __str__(self) -> str:
        if self.published is None:
            return ""
        if self.ratio is None:
            return f"{self.kind} {as_given(self.published)}"
        return f"{ratio_text(self.ratio)} the {self.kind} {as_given(self.published)}"


def published(node: Mapping[str, Any] | None) -> list[Published]:
    """Return what a `published` block names: {baseline: {value, source}, record: {…}}."""
    named = [(kind, (node or {}).get(kind)) for kind in KINDS]
    return [
        Published(kind, _values(one.get("value")), str(one.get("source") or ""))
        for kind, one in named
        if isinstance(one, Mapping)
    ]


def check_published(node: Mapping[str, Any] | None) -> None:
    """Raise an InputError for a `published` block that cannot be read."""
    if not isinstance(node, Mapping | None):
        raise InputError(
            f"published={node!r}; give settings by name, as in {{baseline: {{value, source}}, record: {{…}}}}."
        )
    for key in node or ():
        if key not in KINDS:
            raise InputError(f"published.{key}: unknown key.{did_you_mean(str(key), KINDS)}")
    for kind in KINDS:
        one = (node or {}).get(kind)
        if one is not None and not (isinstance(one, Mapping) and set(one) <= set(_ONE)):
            raise InputError(
                f"published.{kind}={one!r}; write {{value: 1.0e-3, source: who, where}}."
            )


def comparisons(metrics: Mapping[str, Any]) -> list[Comparison]:
    """Return a run's errors beside the published ones, one for each field, unknown and kind."""
    errors = {k: _float(v) for k, v in (metrics.get("relative_l2") or {}).items()}
    unknowns = {
        k: _float((v or {}).get("relative_error"))
        for k, v in (metrics.get("unknowns") or {}).items()
    }
    every = published(metrics.get("published"))
    return [
        c
        for one in every
        for c in beside({**unknowns, **errors}, one, unknowns=set(unknowns) - set(errors))
    ]


def beside(
    errors: Mapping[str, float | None], one: Published, *, unknowns: Collection[str] = ()
) -> list[Comparison]:
    """Return errors beside a published value: name by name, or the worst field beside one number.

    Args:
        errors: by field and unknown.
        one: what was published.
        unknowns: which of the errors are those of unknowns; one number is compared with them where
            there is no field.
    """
    if isinstance(one.value, Mapping):
        return [Comparison(k, errors.get(k), v, one.kind) for k, v in one.value.items()]
    if one.value is None:
        return []
    fields = {k: v for k, v in errors.items() if k not in unknowns}
    known = {k: v for k, v in (fields or errors).items() if v is not None}
    if not known:
        return [Comparison("", None, one.value, one.kind)]
    worst = max(known, key=lambda k: math.inf if math.isnan(known[k]) else known[k])
    return [Comparison(worst, known[worst], one.value, one.kind)]


def number(value: Any, digits: int = 2) -> str:
    """Return an error or a loss in scientific form with `digits` digits: 6.7e-4; a dash for None."""
    value = _float(value)
    if value is None:
        return "–"
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def as_given(value: Any) -> str:
    """Return a published number with two digits, or three where it was given with three: 6.7e-4, 7.97e-14."""
    short = number(value)
    return short if _float(value) in (None, _float(short)) else number(value, 3)


def ratio_text(ratio: float | None) -> str:
    """Return a ratio as "0.42×"; a dash for None."""
    if ratio is None:
        return "–"
    if not 1e-3 <= ratio < 1e3:
        return f"{number(ratio)}×"
    return f"{ratio:.2g}×" if ratio < 100 else f"{ratio:.0f}×"


def _values(value: Any) -> float | dict[str, float | None] | None:
    if isinstance(value, Mapping):
        return {str(k): _float(v) for k, v in value.items()}
    return _float(value)


def _float(value: Any) -> float | None:
    # YAML 1.1 reads 8e-4 (no point) as text, so numbers may arrive as strings.
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
