"""The ledger as Markdown: a table of all rows, and a section for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pinn.reporting.ledger import IN_TIME, benchmark, differences, reached
from pinn.reporting.published import KINDS, as_given, number, ratio_text
from pinn.reporting.summary import count, seconds

_HEAD = (
    "experiment", "quantity", "median error", "range", "seeds", "seconds", "iterations", "baseline", "ours / baseline",
    "record", "ours / record", "in words",
)  # fmt: skip
_INTRODUCTION = """\
# Ledger

What the experiments of `conf/experiment/` reach, beside what was published. `pinn reproduce` writes this page,
`ledger.json` (every run, its settings and its phases) and `ledger/` (curves and pictures) from the runs; nobody types a
number. To repeat a row, `pinn reproduce NAME --seeds N`; all of them, `make reproduce`.

Errors are relative L2 against the problem's reference, at points that no loss sees, or relative errors of unknowns;
medians over the seeds, and the smallest and the largest. *Baseline* is the published number that a reader knows,
*record* the best one found; source, and how it was read, stand in the row's section. A ratio below 1 is in our favor.
Seconds are those of the run, compilation included, on the row's hardware, which is rarely the authors'. Pictures of
solutions are those of the first seed."""


def markdown(ledger: Mapping[str, Any]) -> str:
    """Return the page of a ledger: introduction, count, table, what was never run, and a section per row."""
    rows: Mapping[str, Mapping[str, Any]] = ledger["rows"]
    run = {name: row for name, row in rows.items() if row["runs"]}
    parts = [_INTRODUCTION, _score(run, ledger["settings"])]
    if run:
        lines = [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
        parts.append(
            "\n".join([*lines, *(line for name, row in run.items() for line in _lines(name, row))])
        )
    begun = {name: row for name, row in rows.items() if not row["runs"] and row["troubles"]}
    if begun:
        parts.append("Begun, without a finished run:")
        parts.append(
            "\n".join(f"- `{name}`: {'; '.join(_troubles(row))}" for name, row in begun.items())
        )
    missing = [f"`{name}`" for name in rows if name not in run and name not in begun]
    if missing:
        parts.append(f"Not run: {', '.join(missing)}.")
    parts += [_section(name, row, ledger["settings"]) for name, row in run.items()]
    return "\n\n".join(parts) + "\n"


def verdict(ratios: Mapping[str, float | None]) -> str:
    """Return in words how ratios of our error to the published ones look."""
    known = {kind: ratio for kind, ratio in ratios.items() if ratio is not None}
    if not known:
        return "nothing published to compare with"
    better = [kind for kind, ratio in known.items() if ratio <= 1]
    if len(better) == len(known):
        return f"at or below the {better[-1]}"
    if better:
        worse = next(kind for kind in known if kind not in better)
        return f"better than the {better[0]}, worse than the {worse}"
    return "worse than published"


def _score(rows: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """Return how many benchmarks have reached what; where experiments share one, the best of them counts."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows.values():
        groups.setdefault(benchmark(settings[row["runs"][0]["settings"]]), []).append(row)
    ends = [[reached(row) for row in group] for group in groups.values()]
    in_time = [[reached(row.get("in_time", row)) for row in group] for group in groups.values()]

    def best(every: Sequence[Sequence[tuple[bool | None, ...]]], kind: int) -> list[bool]:
        """Return, for each benchmark that has this kind of published value, whether one of its rows has reached it."""
        found = [{pair[kind] for pair in group} - {None} for group in every]
        return [True in verdicts for verdicts in found if verdicts]

    baseline, record, minutes = best(ends, 0), best(ends, 1), f"within {IN_TIME / 60:g} minutes"
    if not baseline:
        return "No row that has something published to compare with has been run yet."
    return (
        f"{sum(baseline)} of {len(baseline)} benchmarks with runs are at or below the baseline (the record, where no "
        f"baseline is known), {sum(best(in_time, 0))} of them {minutes}; {sum(record)} of {len(record)} with a "
        f"published record are at or below it, {sum(best(in_time, 1))} of them {minutes}. Experiments on one benchmark "
        "count once, the best of them; the time is that of one seed on the row's hardware."
    )


def _lines(name: str, row: Mapping[str, Any]) -> list[str]:
    """Return a row's lines of the table, one per quantity; what they share stands in the first."""
    seeds = ", ".join(str(run["seed"]) for run in row["runs"])
    shared = [seeds, _range(row["seconds"], seconds), _range(row["iterations"], count)]
    lines = []
    for i, (quantity, found) in enumerate(row["quantities"].items()):
        ratios = found["ratios"]
        cells = [
            f"[`{name}`](#{name})" if i == 0 else "",
            quantity,
            f"**{number(found['median'])}**",
            f"{number(found['smallest'])} … {number(found['largest'])}"
            if len(row["runs"]) > 1
            else "one seed",
            *(shared if i == 0 else ("", "", "")),
            as_given(found.get("baseline")),
            ratio_text(ratios.get("baseline")),
            as_given(found.get("record")),
            ratio_text(ratios.get("record")),
            verdict(ratios) if found["median"] is not None else "not finite",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _range(found: Mapping[str, Any], text: Any) -> str:
    """Return "12 (10 … 14)", or the number alone where there is no range."""
    if found["smallest"] == found["largest"]:
        return text(found["median"])
    return f"{text(found['median'])} ({text(found['smallest'])} … {text(found['largest'])})"


def _troubles(row: Mapping[str, Any]) -> list[str]:
    return [f"seed {t['seed']} {t['state']}: {_escaped(t['reason'])}" for t in row["troubles"]]


def _section(name: str, row: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    runs = row["runs"]
    parts = [
        f"## {name}\n\n{_escaped(row['description'])}",
        f"`pinn reproduce {name} --seeds {runs[-1]['seed'] + 1}`",
    ]
    if row["earlier_settings"]:
        changed = differences(settings[runs[0]["settings"]], settings[row["settings"]])
        parts.append(
            f"**These runs had other settings than the experiment has now:** {_escaped('; '.join(changed))}."
        )
    sources = [
        f"- {kind}: {_values(row['published'][kind]['value'])}: {_escaped(row['published'][kind]['source'])}"
        for kind in KINDS
        if kind in row["published"]
    ]
    parts.append("\n".join(sources) or "Nothing published is known.")
    parts.append(_runs(row))
    if "in_time" in row:
        told = ", ".join(
            f"{k} {number(v['median'])}" for k, v in row["in_time"]["quantities"].items()
        )
        parts.append(f"After {IN_TIME:g} s the median error was: {told}.")
    own = runs[0]["reference_error"]
    if own:
        told = ", ".join(f"{k} {number(v)}" for k, v in own.items())
        parts.append(f"The reference's own relative L2 error: {told}.")
    parts.append(_made_with(runs))
    notes = [f"- {text}" for text in _troubles(row)]
    notes += [f"- seed {r['seed']} is left out: it had other settings" for r in row["left_out"]]
    parts += ["\n".join(notes)] if notes else []
    pictures = [
        f"![{what} of {name}](ledger/{file})" for what, file in row.get("pictures", {}).items()
    ]
    return "\n\n".join([*parts, *pictures])


def _runs(row: Mapping[str, Any]) -> str:
    """Return a table with a line per seed."""
    names, fields = list(row["quantities"]), list(row["runs"][0]["max_error"])
    head = ["seed", *names, *(f"max error of {n}" for n in fields), "loss", "held-out loss"]
    head += [
        "seconds",
        "of these compilation",
        "iterations",
        "evaluations",
        "parameters",
        "ended because",
    ]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for run in row["runs"]:
        cells = [str(run["seed"]), *(number(run["errors"].get(n), 3) for n in names)]
        cells += [number(run["max_error"].get(n)) for n in fields]
        cells += [
            number(run["loss"]),
            number(run["heldout_loss"]),
            seconds(run["seconds"]),
            seconds(run["compile"]),
        ]
        cells += [count(run[k]) for k in ("iterations", "evaluations", "parameters")]
        ended = _escaped(run["phases"][-1]["stop_reason"])
        cells.append(
            ended + (f" (in {run['processes']} processes)" if run["processes"] > 1 else "")
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _made_with(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return optimizers, hardware and versions, each once."""
    optimizers = list(
        dict.fromkeys(", then ".join(p["optimizer"] for p in run["phases"]) for run in runs)
    )
    hardware = dict.fromkeys(m for run in runs for m in run["machines"])
    devices = dict.fromkeys(run["device"] for run in runs if "CPU" not in run["device"])
    versions = dict.fromkeys(
        ", ".join(f"{k} {v}" for k, v in run["versions"].items()) for run in runs
    )
    dtypes = dict.fromkeys(run["dtype"] for run in runs)
    return f"{'; '.join(optimizers)}. On: {'; '.join([*hardware, *devices])}; {', '.join(dtypes)}. {'; '.join(versions)}."


def _values(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {as_given(v)}" for k, v in value.items())
    return as_given(value)


def _escaped(text: str) -> str:
    """Return a text whose bars and brackets mean nothing to Markdown."""
    return text.replace("|", "\\|").replace("<", "\\<")
