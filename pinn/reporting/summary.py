"""The last screen of a run: errors, unknowns, phases, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pinn.reporting.published import Comparison, comparisons, number, published

PARTED = 10.0  # times the training loss: a held-out loss above that is said; draws differ by less than this


def summary(metrics: Mapping[str, Any]) -> RenderableType:
    """Return what a run has found, as the terminal shows it.

    Args:
        metrics: the contents of metrics.json: `problem`, `relative_l2`, `max_error` and
            `reference_error` by field, `published`, `loss`, `heldout_loss`, `unknowns`, `phases`,
            `weights`, `seconds`, `seed`, `dtype`, `device`; and `folder`, where the run has one.
            Whatever is missing is left out.
    """
    beside: dict[str, list[Comparison]] = {}
    for found in comparisons(metrics):
        beside.setdefault(found.name, []).append(found)
    parts: list[RenderableType] = [_title(metrics)]
    if metrics.get("relative_l2"):
        parts.append(_fields(metrics, beside))
        own = ", ".join(
            f"{name} {number(error)}"
            for name, error in (metrics.get("reference_error") or {}).items()
        )
        parts += [Text(f"the reference's own relative L2 error: {own}", style="dim")] if own else []
    else:
        parts.append(Text("no reference solution, so no error", style="dim"))
    if metrics.get("unknowns"):
        parts.append(_unknowns(metrics["unknowns"], beside))
    known = {*(metrics.get("relative_l2") or {}), *(metrics.get("unknowns") or {})}
    others = [c for name, found in beside.items() if name not in known for c in found]
    parts += [Text(f"{c.name or 'error'}: {c}") for c in others if str(c)]
    parts += [
        Text(f"{p.kind}: {p.source}", style="dim")
        for p in published(metrics.get("published"))
        if p.source
    ]
    if metrics.get("phases"):
        parts.append(_phases(metrics["phases"]))
    if metrics.get("weights"):
        parts.append(_weights(metrics["weights"]))
    parts.append(_last_lines(metrics))
    return Group(*parts)


def _title(metrics: Mapping[str, Any]) -> Text:
    details = [str(metrics[k]) for k in ("dtype", "device") if metrics.get(k)]
    if metrics.get("seed") is not None:
        details.insert(0, f"seed {metrics['seed']}")
    return Text.assemble(
        (str(metrics.get("problem", "run")), "bold"), *((f"  {d}", "dim") for d in details)
    )


def _fields(metrics: Mapping[str, Any], beside: Mapping[str, Sequence[Comparison]]) -> Table:
    table = plain_table("field", "relative L2", "max error", "", right=(1, 2))
    largest = metrics.get("max_error") or {}
    for name, error in metrics["relative_l2"].items():
        table.add_row(
            name, number(error, 3), number(largest.get(name), 3), _verdict(beside.get(name, ()))
        )
    return table


def _unknowns(
    unknowns: Mapping[str, Mapping[str, Any]], beside: Mapping[str, Sequence[Comparison]]
) -> Table:
    table = plain_table(
        "unknown", "estimate", "standard error", "truth", "relative error", "", right=(1, 2, 3, 4)
    )
    for name, found in unknowns.items():
        estimate, truth = (
            "–" if found.get(k) is None else f"{found[k]:.6g}" for k in ("estimate", "truth")
        )
        uncertain, error = (
            number(found.get("standard_error")),
            number(found.get("relative_error"), 3),
        )
        table.add_row(name, estimate, uncertain, truth, error, _verdict(beside.get(name, ())))
    return table


def _phases(phases: list[Mapping[str, Any]]) -> Table:
    table = plain_table(
        "phase",
        "optimizer",
        "iterations",
        "evaluations",
        "seconds",
        "stopped because",
        right=(2, 3, 4),
    )
    for phase in phases:
        table.add_row(
            Text(", ".join(str(phase[k]) for k in ("name", "stage") if phase.get(k))),
            Text(str(phase.get("optimizer", ""))),
            count(phase.get("iterations")),
            count(phase.get("evaluations")),
            seconds(phase.get("seconds")),
            Text(_ending(phase)),
        )
    return table


def _ending(phase: Mapping[str, Any]) -> str:
    restarts = phase.get("restarts")
    return str(phase.get("stop_reason") or "") + (f" ({restarts} restarts)" if restarts else "")


def _weights(told: Mapping[str, Any]) -> Text:
    last = {
        k: v
        for k, v in (told.get("last") or {}).items()
        if not k.startswith(("least_", "largest_"))
    }
    means = ", ".join(
        f"{k.removeprefix('weight_').replace('_', ' ')} {v:.3g}" for k, v in last.items()
    )
    frozen = f", frozen in {', '.join(told['frozen_in'])}" if told.get("frozen_in") else ""
    return Text(f"weights: {told.get('scheme')}{frozen}; at the end {means}")


def _last_lines(metrics: Mapping[str, Any]) -> Text:
    times = metrics.get("seconds") or {}
    lines = [f"loss {number(metrics.get('loss'), 3)}"]
    if metrics.get("heldout_loss") is not None:
        lines[0] += f", held out {number(metrics['heldout_loss'], 3)}"
        ratio = metrics["heldout_loss"] / (metrics.get("loss") or float("inf"))
        if ratio > PARTED:
            lines.append(
                f"the held-out loss is {ratio:,.0f} times the training loss: the network fits its points, not the "
                f"equation; give more points, or redraw them more often (redraw_every)"
            )
    told = [f"{k} {seconds(times[k])} s" for k in ("compile", "total") if times.get(k) is not None]
    if told:
        lines.append(", ".join(told))
    if metrics.get("folder") is not None:
        lines.append(str(metrics["folder"]))
    return Text("\n".join(lines))


def _verdict(found: Sequence[Comparison]) -> Text:
    """Return a line per comparison, green where ours is no larger."""
    lines = [
        Text(str(c), style="" if c.ratio is None else "green" if c.ratio <= 1 else "yellow")
        for c in found
    ]
    return Text("\n").join(lines)


def plain_table(*columns: str, right: tuple[int, ...] = ()) -> Table:
    """Return an empty table without frame; `right` names the columns that are aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i in right else "left", overflow="fold")
    return table


def count(value: Any) -> str:
    """Return a whole number with its thousands apart; a dash for None."""
    return "–" if value is None else f"{int(value):,}"


def seconds(value: Any) -> str:
    """Return a duration in seconds with a sensible number of digits; a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
