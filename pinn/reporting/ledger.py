"""The rows of the ledger: what each experiment reaches over its seeds, next to published errors.

All numbers come from runs. The types describe the contents of `ledger.json`.
"""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

from pinn.record import Metrics
from pinn.reporting.published import Published, compare_errors, published

FORMAT = "pinn ledger 1"
IN_TIME = 300.0
"""A time in seconds. The errors of a run at this time are counted as well as those at its end."""


class Spread(TypedDict):
    """The median, the smallest and the largest of some numbers; None for what is not finite."""

    median: float | None
    smallest: float | None
    largest: float | None


class Quantity(Spread):
    """The error of a field or unknown over the seeds, and the published errors.

    The published errors stand under their kinds.
    """

    baseline: NotRequired[float | None]
    record: NotRequired[float | None]
    ratios: dict[str, float | None]


class Phase(TypedDict):
    """A phase of a run."""

    optimizer: str
    iterations: int | None
    evaluations: int | None
    seconds: float | None
    stop_reason: str | None


class Result(TypedDict):
    """The result of a run; errors are those of fields and of unknowns."""

    errors: dict[str, float | None]
    truth: dict[str, float | None]
    max_error: dict[str, float]
    loss: float | None
    heldout_loss: float | None
    compile: float | None
    parameters: int | None
    phases: list[Phase]
    versions: dict[str, str]
    device: str | None


class Run(Result):
    """A run in the ledger.

    `settings` is a fingerprint, and `in_time` holds the errors after `IN_TIME` seconds.
    """

    seed: int
    reference_error: dict[str, float]
    seconds: float | None
    iterations: int
    evaluations: int
    dtype: str | None
    machines: list[str]
    processes: int
    settings: str
    in_time: NotRequired[dict[str, float | None]]


class Trouble(TypedDict):
    """A job that was begun and is not finished."""

    seed: int
    state: str
    reason: str


class InTime(TypedDict):
    """What a row had reached after `IN_TIME` seconds."""

    quantities: dict[str, Quantity]


class Row(TypedDict):
    """An experiment; all that follows `troubles` is absent where it was never run."""

    description: str
    published: dict[str, dict[str, Any]]
    runs: list[Run]
    troubles: list[Trouble]
    settings: NotRequired[str]
    earlier_settings: NotRequired[bool]
    quantities: NotRequired[dict[str, Quantity]]
    in_time: NotRequired[InTime]
    seconds: NotRequired[Spread]
    iterations: NotRequired[Spread]
    left_out: NotRequired[list[Run]]
    pictures: NotRequired[dict[str, str]]


class LedgerFile(TypedDict):
    """The contents of `ledger.json`: rows by experiment, configurations by fingerprint."""

    format: str
    rows: dict[str, Row]
    settings: dict[str, dict[str, Any]]


def result_of(metrics: Metrics) -> Result:
    """Return the part of a run's metrics that ledger and studies store."""
    phases: list[Phase] = []
    for phase in metrics.phases:
        phases.append(
            {
                "optimizer": phase.optimizer,
                "iterations": phase.iterations,
                "evaluations": phase.evaluations,
                "seconds": phase.seconds,
                "stop_reason": phase.stop_reason,
            }
        )
    return {
        "errors": metrics.errors,
        "truth": metrics.truths,
        "max_error": metrics.max_error,
        "loss": metrics.loss,
        "heldout_loss": metrics.heldout_loss,
        "compile": metrics.seconds.compile,
        "parameters": metrics.parameters,
        "phases": phases,
        "versions": metrics.versions,
        "device": metrics.device,
    }


def run_of(metrics: Metrics, *, seed: int, settings: str, machines: Sequence[str]) -> Run:
    """Return a run as the ledger stores it.

    Args:
        metrics: the metrics of the run.
        seed: its seed.
        settings: the fingerprint of its configuration.
        machines: the machine of each process that worked at it.
    """
    return {
        "seed": seed,
        **result_of(metrics),
        "reference_error": metrics.reference_error,
        "seconds": metrics.seconds.total,
        "iterations": metrics.iterations,
        "evaluations": metrics.evaluations,
        "dtype": metrics.dtype,
        "machines": sorted(set(machines)),
        "processes": len(machines),
        "settings": settings,
    }


def row_of(
    *,
    description: str,
    published_block: Mapping[str, Any] | None,
    settings: str,
    runs: Iterable[Run],
    troubles: Iterable[Trouble],
) -> Row:
    """Return the row of an experiment.

    Runs with the present settings count. Where there are none, runs with earlier settings count,
    and the row says so.

    Args:
        description: the experiment in words.
        published_block: its `published` block.
        settings: the fingerprint of its present configuration.
        runs: its runs.
        troubles: its unfinished jobs.
    """
    runs = sorted(runs, key=lambda run: run["seed"])
    current = [run for run in runs if run["settings"] == settings]
    counted = current or runs
    entries = published(published_block)
    row: Row = {
        "description": description,
        "published": {e.kind: {"value": e.value, "source": e.source} for e in entries},
        "runs": counted,
        "troubles": sorted(troubles, key=lambda trouble: trouble["seed"]),
    }
    if not counted:
        return row
    unknowns = {name for run in counted for name in run["truth"]}
    errors = [run["errors"] for run in counted]
    in_time = [run.get("in_time", run["errors"]) for run in counted]
    row["settings"] = settings
    row["earlier_settings"] = not current
    row["quantities"] = _quantities(errors, unknowns, entries)
    if in_time != errors:
        row["in_time"] = {"quantities": _quantities(in_time, unknowns, entries)}
    row["seconds"] = spread([run["seconds"] for run in counted])
    row["iterations"] = spread([run["iterations"] for run in counted])
    row["left_out"] = [run for run in runs if run not in counted]
    return row


def _quantities(
    runs: Sequence[Mapping[str, float | None]], unknowns: set[str], entries: Sequence[Published]
) -> dict[str, Quantity]:
    """Return the spread of every error over the runs, and its ratios to the published errors.

    Args:
        runs: the errors of each run, by field and unknown.
        unknowns: the names of the unknowns.
        entries: the published values.
    """
    quantities: dict[str, Quantity] = {}
    medians: dict[str, float] = {}
    names = dict.fromkeys(name for errors in runs for name in errors)
    for name in names:
        of_seeds = spread([errors.get(name) for errors in runs])
        quantities[name] = {**of_seeds, "ratios": {}}
        median = of_seeds["median"]
        medians[name] = math.nan if median is None else median
    for entry in entries:
        for comparison in compare_errors(medians, entry, unknowns=unknowns):
            if comparison.name not in quantities:
                continue
            quantity: dict[str, Any] = quantities[comparison.name]  # type: ignore[assignment]
            quantity[entry.kind] = comparison.published
            ratio = comparison.ratio
            if ratio is not None and math.isnan(ratio):
                ratio = None
            quantity["ratios"][entry.kind] = ratio
    return quantities


def spread(values: Sequence[float | None]) -> Spread:
    """Return the median, the smallest and the largest of one or more numbers."""
    # What is not a number counts as infinite, so that a median hides no seed that failed.
    numbers = [math.inf if v is None or not math.isfinite(v) else v for v in values]
    return {
        "median": _finite(statistics.median(numbers)),
        "smallest": _finite(min(numbers)),
        "largest": _finite(max(numbers)),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Return twelve characters that identify a configuration.

    A setting that is null counts as absent, as in `differences`. So a run keeps its fingerprint
    when a later version has a further setting, which is off.
    """
    text = json.dumps(_without_nulls(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _without_nulls(settings: object) -> object:
    """Return nested settings without the keys of mappings whose value is None."""
    if isinstance(settings, Mapping):
        return {key: _without_nulls(v) for key, v in settings.items() if v is not None}
    if isinstance(settings, list):
        return [_without_nulls(value) for value in settings]
    return settings


def differences(old: object, new: object, prefix: str = "") -> list[str]:
    """Return the differences of two configurations in words, by dotted key."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [] if old == new else [f"{prefix} {json.dumps(old)} → {json.dumps(new)}"]
    changes = []
    for key in dict.fromkeys([*old, *new]):
        dotted = f"{prefix}.{key}" if prefix else str(key)
        changes += differences(old.get(key), new.get(key), dotted)
    return changes


def largest_ratio(quantities: Mapping[str, Quantity], kind: str) -> float | None:
    """Return the largest ratio to a kind of published value; None where there is none."""
    ratios = []
    for quantity in quantities.values():
        if kind in quantity["ratios"]:
            # A median that is not finite is worse than anything published.
            ratio = math.inf if quantity["median"] is None else quantity["ratios"][kind]
            if ratio is not None:
                ratios.append(ratio)
    return max(ratios, default=None)


class Reached(NamedTuple):
    """Whether errors are at or below published ones; None where nothing is published.

    Where no baseline is known, the record is the baseline.
    """

    baseline: bool | None
    record: bool | None


def reached(quantities: Mapping[str, Quantity]) -> Reached:
    """Return whether all errors of a row are at or below the published ones."""
    record = largest_ratio(quantities, "record")
    baseline = largest_ratio(quantities, "baseline")
    if baseline is None:
        baseline = record
    return Reached(
        baseline=None if baseline is None else baseline <= 1,
        record=None if record is None else record <= 1,
    )


def benchmark(settings: Mapping[str, Any]) -> str:
    """Return what experiments on the same benchmark share: the problem and its data."""
    return json.dumps([settings.get("problem"), settings.get("data")], sort_keys=True)
