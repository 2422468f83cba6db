"""The ledger: what each experiment reached over its seeds, beside what was published; numbers from runs only."""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pinn.reporting.published import Published, beside, published

FORMAT = "pinn ledger 1"
IN_TIME = (
    300.0  # seconds: what a run has reached by then is counted beside what it reaches in the end
)
_PHASE = ("optimizer", "iterations", "evaluations", "seconds", "stop_reason")


def found(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a run's metrics, errors of fields and of unknowns side by side."""
    unknowns = metrics.get("unknowns") or {}
    return {
        "errors": (metrics.get("relative_l2") or {})
        | {k: v["relative_error"] for k, v in unknowns.items()},
        "truth": {k: v["truth"] for k, v in unknowns.items()},
        "max_error": metrics.get("max_error") or {},
        "loss": metrics["loss"],
        "heldout_loss": metrics["heldout_loss"],
        "compile": metrics["seconds"]["compile"],
        "parameters": metrics["parameters"],
        "phases": [{k: p[k] for k in _PHASE} for p in metrics["phases"]],
        "versions": metrics["versions"],
        "device": metrics["device"],
    }


def run_of(
    metrics: Mapping[str, Any], *, settings: str, pieces: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a run as the ledger holds it.

    Args:
        metrics: what metrics.json holds.
        settings: the fingerprint of its configuration.
        pieces: the processes that worked at it.
    """
    phases = metrics["phases"]
    return {
        "seed": metrics["seed"],
        **found(metrics),
        "reference_error": metrics.get("reference_error") or {},
        "seconds": metrics["seconds"]["total"],
        "iterations": sum(p["iterations"] for p in phases),
        "evaluations": sum(p["evaluations"] for p in phases),
        "dtype": metrics["dtype"],
        "machines": sorted({p["machine"] for p in pieces if p["command"] != "plot"}),
        "processes": sum(p["command"] != "plot" for p in pieces),
        "settings": settings,
    }


def row_of(
    *,
    description: str,
    node: Mapping[str, Any] | None,
    settings: str,
    runs: Iterable[Mapping[str, Any]],
    troubles: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return an experiment's row.

    Runs with the settings of today count; where there are none, those of earlier settings do, and
    the row says so.

    Args:
        description: the experiment in words.
        node: its `published` block.
        settings: the fingerprint of its configuration as it is now.
        runs: as `run_of` returns them.
        troubles: jobs that are not finished: `seed`, `state` and `reason`.
    """
    every = sorted(runs, key=lambda r: r["seed"])
    now = [r for r in every if r["settings"] == settings]
    counted = now or every
    told = {
        "description": description,
        "published": {p.kind: {"value": p.value, "source": p.source} for p in published(node)},
        "runs": counted,
        "troubles": sorted(troubles, key=lambda t: t["seed"]),
    }
    if not counted:
        return told
    in_time = [{**r, "errors": r.get("in_time", r["errors"])} for r in counted]
    return {
        **told,
        "settings": settings,
        "earlier_settings": not now,
        "quantities": _quantities(counted, published(node)),
        **(
            {"in_time": {"quantities": _quantities(in_time, published(node))}}
            if in_time != counted
            else {}
        ),
        "seconds": spread([r["seconds"] for r in counted]),
        "iterations": spread([r["iterations"] for r in counted]),
        "left_out": [r for r in every if r not in counted],
    }


def _quantities(runs: Sequence[Mapping[str, Any]], known: Sequence[Published]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for run in runs for name in run["errors"]))
    unknowns = {name for run in runs for name in run["truth"]}
    rows: dict[str, Any] = {
        name: spread([run["errors"].get(name) for run in runs]) for name in names
    }
    medians = {
        name: math.nan if row["median"] is None else row["median"] for name, row in rows.items()
    }
    for name in names:
        rows[name]["ratios"] = {}
    for comparison in (c for one in known for c in beside(medians, one, unknowns=unknowns)):
        if comparison.name in rows:
            rows[comparison.name][comparison.kind] = comparison.published
            ratio = comparison.ratio
            rows[comparison.name]["ratios"][comparison.kind] = (
                None if ratio is None or math.isnan(ratio) else ratio
            )
    return rows


def spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return the median, the smallest and the largest of one or more numbers; None for what is not finite."""
    # What is not a number is as bad as can be, so that a median hides no seed that failed.
    known = [math.inf if v is None or not math.isfinite(v) else v for v in values]
    three = {"median": statistics.median(known), "smallest": min(known), "largest": max(known)}
    return {k: v if math.isfinite(v) else None for k, v in three.items()}


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Return twelve letters that tell one configuration from another.

    A setting that is null counts as one that is not there, as it does for `differences`, so that
    what was run keeps its letters when a later version has a further setting, which is off.
    """
    return hashlib.sha256(json.dumps(_given(settings), sort_keys=True).encode()).hexdigest()[:12]


def _given(settings: Any) -> Any:
    if isinstance(settings, Mapping):
        return {k: _given(v) for k, v in settings.items() if v is not None}
    return [_given(v) for v in settings] if isinstance(settings, list) else settings


def differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Return in words in what two configurations differ, by dotted key."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = dict.fromkeys([*old, *new])
        return [
            d
            for k in keys
            for d in differences(old.get(k), new.get(k), f"{prefix}.{k}" if prefix else str(k))
        ]
    return [] if old == new else [f"{prefix} {json.dumps(old)} → {json.dumps(new)}"]


def largest_ratio(row: Mapping[str, Any], kind: str) -> float | None:
    """Return the largest ratio to a kind of published value over a row's quantities; None where there is none."""
    found = [q for q in row["quantities"].values() if kind in q["ratios"]]
    ratios = [math.inf if q["median"] is None else q["ratios"][kind] for q in found]
    return max((r for r in ratios if r is not None), default=None)


def reached(row: Mapping[str, Any]) -> tuple[bool | None, bool | None]:
    """Return whether a row is at or below the baseline (the record, where there is none), and the record."""
    record = largest_ratio(row, "record")
    known = [r for r in (largest_ratio(row, "baseline"), record) if r is not None]
    return (known[0] <= 1 if known else None, None if record is None else record <= 1)


def benchmark(settings: Mapping[str, Any]) -> str:
    """Return what two experiments share that solve one benchmark: the problem and its data."""
    return json.dumps([settings.get("problem"), settings.get("data")], sort_keys=True)
