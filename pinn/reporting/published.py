"""A run's errors beside published ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """One of our errors and the published one; both dimensionless (relative L2, or a relative error).

    Attributes:
        name: the field or unknown.
        ours: our error, or None where this run has no such field or unknown.
        published: the published error, or None where the paper's text gives no number.
    """

    name: str
    ours: float | None
    published: float | None

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
            return f"published {number(self.published)}"
        return f"{ratio_text(self.ratio)} the published {number(self.published)}"


def comparisons(metrics: Mapping[str, Any]) -> list[Comparison]:
    """Return our errors beside the published ones: by field, by unknown, or the worst field beside one number."""
    errors = {k: _float(v) for k, v in (metrics.get("relative_l2") or {}).items()}
    found = {k: _float((v or {}).get("relative_error")) for k, v in (metrics.get("unknowns") or {}).items()}
    value = published_values(metrics.get("published"))
    if isinstance(value, Mapping):
        return [Comparison(k, errors.get(k, found.get(k)), v) for k, v in value.items()]
    if value is None:
        return []
    known = {k: v for k, v in (errors or found).items() if v is not None}
    if not known:
        return [Comparison("", None, value)]
    worst = max(known, key=lambda k: math.inf if math.isnan(known[k]) else known[k])
    return [Comparison(worst, known[worst], value)]


def published_values(published: Mapping[str, Any] | None) -> float | dict[str, float | None] | None:
    """Return the published error: one number, or numbers by field or unknown; None where there is none."""
    if not published:
        return None
    value = published.get("value")
    unknowns = published.get("unknowns")
    if unknowns:
        value = {**(value if isinstance(value, Mapping) else {}), **unknowns.get("value", unknowns)}
    if isinstance(value, Mapping):
        return {str(k): _float(v) for k, v in value.items() if k != "source"}
    return _float(value)


def published_source(published: Mapping[str, Any] | None) -> str:
    """Return where the published error stands, or an empty text."""
    published = published or {}
    return str(published.get("source") or (published.get("unknowns") or {}).get("source") or "")


def number(value: Any, digits: int = 2) -> str:
    """Return an error or a loss in scientific form with `digits` digits: 6.7e-4; a dash for None."""
    value = _float(value)
    if value is None:
        return "–"
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def ratio_text(ratio: float | None) -> str:
    """Return a ratio as "0.42×"; a dash for None."""
    if ratio is None:
        return "–"
    return f"{ratio:.2g}×" if 1e-3 <= ratio < 1e3 else f"{number(ratio)}×"


def _float(value: Any) -> float | None:
    # YAML 1.1 reads 8e-4 (no point) as text, so numbers may arrive as strings.
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
