"""The ledger as Markdown: a table of all rows, and a section for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pinn.reporting.ledger import (
    IN_TIME,
    LedgerFile,
    Quantity,
    Reached,
    Row,
    Run,
    Spread,
    benchmark,
    differences,
    reached,
)
from pinn.reporting.published import KINDS, as_given, number, ratio_text, values_text
from pinn.reporting.tables import count, seconds

_HEAD = (
    "experiment",
    "quantity",
    "median error",
    "range",
    "seeds",
    "seconds",
    "iterations",
    "baseline",
    "ours / baseline",
    "record",
    "ours / record",
    "in words",
)
_INTRODUCTION = """\
# Ledger

What the experiments of `conf/experiment/` reach, compared with published results. `pinn reproduce`
writes this page, `ledger.json` (every run, its settings and its phases) and `ledger/` (curves and
pictures) from the runs; no number is typed by hand. To repeat a row, call
`pinn reproduce NAME --seeds N`; to repeat all of them, `make reproduce`.

Errors are relative L2 errors against the problem's reference, at points that no loss uses, or
relative errors of unknowns. Shown are the median over the seeds, and the smallest and the largest
error. The *baseline* is the published error that a reader knows, the *record* the best published
error; the row's section gives the source and how the number was read. A ratio below 1 means that
our error is smaller. Seconds are those of the run, compilation included, on the row's hardware,
which is rarely the authors'. Pictures of solutions show the first seed."""

Settings = Mapping[str, Mapping[str, Any]]
"""Configurations by their fingerprints."""


def markdown(ledger: LedgerFile) -> str:
    """Return the page of a ledger: introduction, score, table, what was never run, and all rows."""
    settings = ledger["settings"]
    finished: dict[str, Row] = {}
    begun: list[str] = []
    missing: list[str] = []
    for name, row in ledger["rows"].items():
        if row["runs"]:
            finished[name] = row
        elif row["troubles"]:
            begun.append(f"- `{name}`: {'; '.join(_troubles(row))}")
        else:
            missing.append(f"`{name}`")
    parts = [_INTRODUCTION, _score(finished, settings)]
    if finished:
        parts.append(_table(_HEAD, _rows(finished)))
    if begun:
        parts += ["Begun, without a finished run:", "\n".join(begun)]
    if missing:
        parts.append(f"Not run: {', '.join(missing)}.")
    for name, row in finished.items():
        parts.append(_section(name, row, settings))
    return "\n\n".join(parts) + "\n"


def verdict(ratios: Mapping[str, float | None]) -> str:
    """Return in words how our error compares with the published ones, given the ratios."""
    better = []
    worse = []
    for kind, ratio in ratios.items():
        if ratio is not None:
            (better if ratio <= 1 else worse).append(kind)
    if not better and not worse:
        return "nothing published to compare with"
    if not worse:
        return f"at or below the {better[-1]}"
    if not better:
        return "worse than published"
    return f"better than the {better[0]}, worse than the {worse[0]}"


def _score(rows: Mapping[str, Row], settings: Settings) -> str:
    """Return how many benchmarks have reached the published errors.

    Where experiments share a benchmark, the best of them counts.
    """
    at_end: dict[str, list[Reached]] = {}
    in_time: dict[str, list[Reached]] = {}
    for row in rows.values():
        key = benchmark(settings[row["runs"][0]["settings"]])
        quantities = row.get("quantities", {})
        at_end.setdefault(key, []).append(reached(quantities))
        early = row["in_time"]["quantities"] if "in_time" in row else quantities
        in_time.setdefault(key, []).append(reached(early))

    baselines = _best(at_end, "baseline")
    records = _best(at_end, "record")
    early_baselines = _best(in_time, "baseline")
    early_records = _best(in_time, "record")
    if not baselines:
        return "No row that has something published to compare with has been run yet."
    minutes = f"within {IN_TIME / 60:g} minutes"
    return (
        f"{sum(baselines)} of {len(baselines)} benchmarks with runs are at or below the baseline "
        f"(the record, where no baseline is known), {sum(early_baselines)} of them {minutes}; "
        f"{sum(records)} of {len(records)} with a published record are at or below it, "
        f"{sum(early_records)} of them {minutes}. Experiments on the same benchmark count once, "
        "with the best of them; the time is that of one seed on the row's hardware."
    )


def _best(groups: Mapping[str, Sequence[Reached]], kind: str) -> list[bool]:
    """Return, for each benchmark with a published error, whether one of its rows has reached it.

    Args:
        groups: what the rows of each benchmark have reached.
        kind: the kind of the published error.
    """
    best = []
    for group in groups.values():
        verdicts = {reached._asdict()[kind] for reached in group} - {None}
        if verdicts:
            best.append(True in verdicts)
    return best


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    titles = list(head)
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for row in rows:
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _rows(rows: Mapping[str, Row]) -> list[list[str]]:
    """Return the cells of the table of all rows, one line per quantity.

    What the quantities of an experiment share is in the first of its lines.
    """
    lines = []
    for name, row in rows.items():
        link = f"[`{name}`](#{name})"
        shared = [
            ", ".join(str(run["seed"]) for run in row["runs"]),
            _with_range(row.get("seconds"), seconds),
            _with_range(row.get("iterations"), count),
        ]
        several = len(row["runs"]) > 1
        for quantity_name, quantity in row.get("quantities", {}).items():
            error_range = "one seed"
            if several:
                error_range = f"{number(quantity['smallest'])} … {number(quantity['largest'])}"
            median = f"**{number(quantity['median'])}**"
            lines.append(
                [link, quantity_name, median, error_range, *shared, *_comparison(quantity)]
            )
            link = ""
            shared = ["", "", ""]
    return lines


def _comparison(quantity: Quantity) -> list[str]:
    """Return the cells that compare an error with the published ones."""
    ratios = quantity["ratios"]
    cells = []
    for kind in KINDS:
        cells += [as_given(quantity.get(kind)), ratio_text(ratios.get(kind))]
    cells.append("not finite" if quantity["median"] is None else verdict(ratios))
    return cells


def _with_range(spread: Spread | None, text: Callable[[float | None], str]) -> str:
    """Return "12 (10 … 14)", or the number alone where all are equal."""
    assert spread is not None
    median = text(spread["median"])
    if spread["smallest"] == spread["largest"]:
        return median
    return f"{median} ({text(spread['smallest'])} … {text(spread['largest'])})"


def _troubles(row: Row) -> list[str]:
    return [f"seed {t['seed']} {t['state']}: {_escaped(t['reason'])}" for t in row["troubles"]]


def _section(name: str, row: Row, settings: Settings) -> str:
    """Return the section of an experiment."""
    runs = row["runs"]
    seeds = runs[-1]["seed"] + 1
    parts = [
        f"## {name}",
        _escaped(row["description"]),
        f"`pinn reproduce {name} --seeds {seeds}`",
        _changes(row, settings),
        _sources(row),
        _runs(row),
    ]
    if "in_time" in row:
        quantities = row["in_time"]["quantities"].items()
        early = ", ".join(f"{key} {number(q['median'])}" for key, q in quantities)
        parts.append(f"After {IN_TIME:g} s the median error was: {early}.")
    own = ", ".join(f"{key} {number(error)}" for key, error in runs[0]["reference_error"].items())
    if own:
        parts.append(f"The reference's own relative L2 error: {own}.")
    parts.append(_provenance(runs))
    parts.append("\n".join(f"- {note}" for note in _notes(row)))
    for content, file in row.get("pictures", {}).items():
        parts.append(f"![{content} of {name}](ledger/{file})")
    return "\n\n".join(part for part in parts if part)


def _changes(row: Row, settings: Settings) -> str:
    """Return how the settings of the runs differ from the present ones, or ""."""
    if not row.get("earlier_settings"):
        return ""
    old = settings[row["runs"][0]["settings"]]
    changes = "; ".join(differences(old, settings[row.get("settings", "")]))
    return f"**These runs had other settings than the experiment has now:** {_escaped(changes)}."


def _sources(row: Row) -> str:
    """Return the published values and their sources, one line each."""
    lines = []
    for kind in KINDS:
        if kind in row["published"]:
            entry = row["published"][kind]
            lines.append(f"- {kind}: {values_text(entry['value'])}: {_escaped(entry['source'])}")
    return "\n".join(lines) or "Nothing published is known."


def _notes(row: Row) -> list[str]:
    """Return what is wrong with jobs of the experiment, one line each."""
    notes = _troubles(row)
    for run in row.get("left_out", ()):
        notes.append(f"seed {run['seed']} is left out: it had other settings")
    return notes


def _runs(row: Row) -> str:
    """Return a table with one line per seed."""
    names = list(row.get("quantities", ()))
    fields = list(row["runs"][0]["max_error"])
    head = ["seed", *names]
    head += [f"max error of {name}" for name in fields]
    head += ["loss", "held-out loss", "seconds", "compilation"]
    head += ["iterations", "evaluations", "parameters", "stopped because"]
    rows = []
    for run in row["runs"]:
        cells = [str(run["seed"])]
        cells += [number(run["errors"].get(name), 3) for name in names]
        cells += [number(run["max_error"].get(name)) for name in fields]
        cells += [number(run["loss"]), number(run["heldout_loss"])]
        cells += [seconds(run["seconds"]), seconds(run["compile"])]
        cells += [count(run["iterations"]), count(run["evaluations"]), count(run["parameters"])]
        reason = _escaped(run["phases"][-1]["stop_reason"] or "")
        if run["processes"] > 1:
            reason += f" (in {run['processes']} processes)"
        rows.append([*cells, reason])
    return _table(head, rows)


def _provenance(runs: Sequence[Run]) -> str:
    """Return optimizers, hardware, precisions and versions of runs, each once."""
    optimizers: list[str] = []
    hardware: list[str] = []
    devices: list[str] = []
    dtypes: list[str] = []
    versions: list[str] = []
    for run in runs:
        optimizers.append(", then ".join(phase["optimizer"] for phase in run["phases"]))
        hardware += run["machines"]
        if run["device"] and "CPU" not in run["device"]:
            devices.append(run["device"])
        dtypes.append(run["dtype"] or "")
        versions.append(", ".join(f"{name} {v}" for name, v in run["versions"].items()))
    return (
        f"{_once(optimizers, '; ')}. On: {_once([*hardware, *devices], '; ')}; "
        f"{_once(dtypes, ', ')}. {_once(versions, '; ')}."
    )


def _once(texts: Iterable[str], separator: str) -> str:
    """Return texts in their order, each once."""
    return separator.join(dict.fromkeys(texts))


def _escaped(text: str) -> str:
    """Return a text whose bars and brackets mean nothing to Markdown."""
    return text.replace("|", "\\|").replace("<", "\\<")
