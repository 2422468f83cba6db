"""The last screen of a run: errors, unknowns, phases, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pinn.record import (
    ErrorAt,
    Metrics,
    MisfitMetrics,
    ModeMetrics,
    PhaseMetrics,
    UnknownMetrics,
    WeightMetrics,
)
from pinn.record.columns import describe_weights
from pinn.reporting.published import Comparison, comparisons, number, published
from pinn.reporting.tables import count, plain_table, seconds

ESTIMATED = "estimated relative L2"  # the title of the error that needs no reference

CORRELATED = 0.9  # the correlation of two unknowns from which on it is told

VERDICTS = {"trusted": "green", "doubtful": "yellow", "failed": "red"}
"""The color of every verdict."""

# A held-out loss this many times larger than the training loss is pointed out. Between draws of
# points, losses differ by less.
LARGE_RATIO = 10.0

# χ²/n beyond this factor from 1, and by this many of its standard deviations √(2/n), is pointed
# out. Standard deviations of measurements are rarely known to better than a fifth.
LARGE_CHI_SQUARED = 1.5
DEVIATIONS = 5.0


def summary(metrics: Metrics, folder: Path | None = None) -> RenderableType:
    """Return the result of a run as the terminal shows it; whatever is missing is left out.

    Args:
        metrics: the metrics of the run.
        folder: the run folder, where there is one.
    """
    by_name: dict[str, list[Comparison]] = {}
    for comparison in comparisons(metrics):
        by_name.setdefault(comparison.name, []).append(comparison)
    parts: list[RenderableType] = [_title(metrics)]
    parts += _errors(metrics, by_name)
    if metrics.modes:
        parts.append(_modes(metrics.modes, metrics.units))
    elif metrics.unknowns:
        parts.append(_unknowns(metrics.unknowns, by_name, metrics.units))
        parts += _correlations(metrics.unknowns)
    if metrics.integrals:
        values = ", ".join(f"{name} {_six_digits(v)}" for name, v in metrics.integrals.items())
        parts.append(Text(f"integrals: {values}"))
    if metrics.misfits:
        parts += _misfits(metrics.misfits)
    parts += _other_comparisons(metrics, by_name)
    for entry in published(metrics.published):
        if entry.source:
            parts.append(Text(f"{entry.kind}: {entry.source}", style="dim"))
    if metrics.phases:
        parts.append(_phases(metrics.phases))
    if metrics.weights:
        parts.append(_weights(metrics.weights))
    if metrics.scales:
        parts += _scales(metrics.scales, metrics.units)
    parts += _losses(metrics)
    parts += [Text(f"warning: {warning}", style="yellow") for warning in metrics.warnings]
    parts += _times(metrics)
    if metrics.verdict:
        parts.append(_trust(metrics))
    if folder is not None:
        parts.append(Text(str(folder)))
    return Group(*parts)


def _trust(metrics: Metrics) -> Text:
    """Return whether the answer can be trusted, and how far."""
    found = metrics.verdict or ""
    count = len(metrics.warnings)
    above = "" if count <= 1 else "s"
    if found == "trusted" and metrics.estimated_error:
        worst = number(max(metrics.estimated_error.values()), 2)
        why = f"estimated relative errors at most {worst}"
    elif found == "trusted":
        why = "nothing doubtful was found; there is no estimate of the error"
    elif count:
        why = f"see the warning{above} above"
    else:
        why = "the run was interrupted" if not metrics.finished else "the error is not known"
    return Text(f"{found}: {why}", style=VERDICTS[found])


def _title(metrics: Metrics) -> Text:
    title = Text(metrics.problem or "run", style="bold")
    seed = None if metrics.seed is None else f"seed {metrics.seed}"
    for detail in (seed, metrics.dtype, metrics.device):
        if detail:
            title.append(f"  {detail}", style="not bold dim")
    return title


def _errors(metrics: Metrics, by_name: Mapping[str, Sequence[Comparison]]) -> list[RenderableType]:
    """Return the errors of the fields, and that of the reference where it states one."""
    estimated = metrics.estimated_error
    if not metrics.relative_l2 and not estimated:
        return [Text("no reference solution, so no error", style="dim")]
    known = ["relative L2", "max error"] if metrics.relative_l2 else []
    numeric = [*known, *([ESTIMATED] if estimated else [])]
    table = plain_table(["field", *numeric, ""], right=numeric)
    for name in metrics.relative_l2 or (n for n in estimated if n not in metrics.unknowns):
        cells = [number(metrics.relative_l2.get(name), 3), number(metrics.max_error.get(name), 3)]
        cells = cells if known else []
        cells += [number(estimated.get(name), 2)] if estimated else []
        table.add_row(_named(name, metrics.units), *cells, _verdict(by_name.get(name, ())))
    parts: list[RenderableType] = [table]
    for name, errors in metrics.by_parameter.items():
        parts.append(_errors_at(name, errors))
    if metrics.reference_error:
        own = ", ".join(f"{name} {number(e)}" for name, e in metrics.reference_error.items())
        parts.append(Text(f"the reference's own relative L2 error: {own}", style="dim"))
    return parts


def _errors_at(parameter: str, errors: Sequence[ErrorAt]) -> Table:
    """Return the errors at the values of a parameter's grid."""
    titles = [f"relative L2 of {name}" for name in errors[0].relative_l2]
    table = plain_table([parameter, *titles], right=[parameter, *titles])
    for error in errors:
        table.add_row(_six_digits(error.value), *(number(e, 3) for e in error.relative_l2.values()))
    return table


def _unknowns(
    unknowns: Mapping[str, UnknownMetrics],
    by_name: Mapping[str, Sequence[Comparison]],
    units: Mapping[str, str],
) -> Table:
    numeric = ["estimate", "standard error"]
    is_known = any(unknown.truth is not None for unknown in unknowns.values())
    has_draws = any(unknown.interval for unknown in unknowns.values())
    if has_draws:
        numeric += ["90 % interval"]
    if is_known:
        numeric += ["truth", "relative error"]
    table = plain_table(["unknown", *numeric, ""], right=numeric)
    for name, unknown in unknowns.items():
        cells = [_six_digits(unknown.estimate), number(unknown.standard_error)]
        if has_draws:
            cells += [" to ".join(_six_digits(end) for end in unknown.interval)]
        if is_known:
            cells += [_six_digits(unknown.truth), number(unknown.relative_error, 3)]
        table.add_row(_named(name, units), *cells, _verdict(by_name.get(name, ())))
    return table


def _correlations(unknowns: Mapping[str, UnknownMetrics]) -> list[RenderableType]:
    """Return the pairs of unknowns that measurements hardly tell apart."""
    told: list[str] = []
    names = list(unknowns)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            found = unknowns[first].correlations.get(second, 0.0)
            if abs(found) >= CORRELATED:
                told.append(f"{first} and {second} {found:.3g}")
    return [Text(f"correlated estimates: {', '.join(told)}")] if told else []


def _modes(modes: Sequence[ModeMetrics], units: Mapping[str, str]) -> Table:
    """Return the modes of an eigenvalue problem, one per row."""
    unknowns = list(modes[0].unknowns)
    titles = [_named(name, units).plain for name in unknowns]
    table = plain_table(["mode", *titles, "held-out loss"], right=[*titles, "held-out loss"])
    for i, mode in enumerate(modes, start=1):
        values = [_six_digits(mode.unknowns[name]) for name in unknowns]
        table.add_row(str(i), *values, number(mode.heldout_loss, 3))
    return table


def _misfits(misfits: Mapping[str, Mapping[str, MisfitMetrics]]) -> list[RenderableType]:
    """Return the misfit to every set of measurements, and a sentence where χ² is not near n."""
    has_sigmas = any(m.reduced is not None for by in misfits.values() for m in by.values())
    numeric = ["values", "rms misfit", *(["χ²/n"] if has_sigmas else [])]
    table = plain_table(["measurements", "", *numeric], right=numeric)
    parts: list[RenderableType] = [table]
    for source, by_name in misfits.items():
        for name, misfit in by_name.items():
            cells = [count(misfit.count), number(misfit.rms, 3)]
            if has_sigmas:
                cells.append("–" if misfit.reduced is None else f"{misfit.reduced:.3g}")
            table.add_row(source, name, *cells)
            remark = _remark(misfit)
            if remark:
                parts.append(Text(f"{source}, {name}: {remark}", style="yellow"))
    return parts


def _remark(misfit: MisfitMetrics) -> str:
    """Return what a χ² far from n means; "" where it is near."""
    if misfit.reduced is None:
        return ""
    spread = DEVIATIONS * (2 / misfit.count) ** 0.5
    if misfit.reduced > max(LARGE_CHI_SQUARED, 1 + spread):
        return (
            f"χ²/n is {misfit.reduced:.3g}: the data and the equations disagree, the standard "
            "deviations are too small, or the training has not converged"
        )
    if misfit.reduced < min(1 / LARGE_CHI_SQUARED, 1 - spread):
        return (
            f"χ²/n is {misfit.reduced:.3g}: the standard deviations are too large, or the solution "
            "follows the noise"
        )
    return ""


def _named(name: str, units: Mapping[str, str]) -> Text:
    """Return a name with its unit, where it has one other than "1"."""
    unit = units.get(name, "1")
    return Text(name if unit == "1" else f"{name} in {unit}")


def _six_digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _other_comparisons(
    metrics: Metrics, by_name: Mapping[str, Sequence[Comparison]]
) -> list[RenderableType]:
    """Return the published values of what the run has no error of."""
    lines: list[RenderableType] = []
    for name, compared in by_name.items():
        if name in metrics.relative_l2 or name in metrics.unknowns:
            continue
        for comparison in compared:
            if str(comparison):
                lines.append(Text(f"{name or 'error'}: {comparison}"))
    return lines


def _phases(phases: Sequence[PhaseMetrics]) -> Table:
    numeric = ["iterations", "evaluations", "seconds"]
    table = plain_table(["phase", "optimizer", *numeric, "stopped because"], right=numeric)
    for phase in phases:
        name = f"{phase.name}, {phase.stage}" if phase.stage else phase.name
        reason = phase.stop_reason or ""
        if phase.restarts:
            reason += f" ({phase.restarts} restarts)"
        table.add_row(
            Text(name),
            Text(phase.optimizer),
            count(phase.iterations),
            count(phase.evaluations),
            seconds(phase.seconds),
            Text(reason),
        )
    return table


def _weights(weights: WeightMetrics) -> Text:
    frozen = f", frozen in {', '.join(weights.frozen_in)}" if weights.frozen_in else ""
    last = describe_weights(weights.last)
    return Text(f"weights: {weights.scheme}{frozen}; at the end {last}")


def _scales(scales: Mapping[str, Any], units: Mapping[str, str]) -> list[RenderableType]:
    """Return the sizes of fields and residuals that are not one, as "T 300 ± 64 K"."""
    fields = []
    for name, values in scales["fields"].items():
        unit = units.get(name, "1")
        suffix = "" if unit == "1" else f" {unit}"
        if values["offset"]:
            fields.append(f"{name} {values['offset']:.6g} ± {values['scale']:.3g}{suffix}")
        elif values["scale"] != 1:
            fields.append(f"{name} ± {values['scale']:.3g}{suffix}")
    residuals = []
    for name, size in scales["residuals"].items():
        if size != 1:
            residuals.append(f"{name} {size:.3g}")
    lines: list[RenderableType] = []
    if fields:
        lines.append(Text(f"scales: {', '.join(fields)}"))
    if residuals:
        lines.append(Text(f"sizes of residuals: {', '.join(residuals)}"))
    return lines


def _losses(metrics: Metrics) -> list[RenderableType]:
    """Return the training loss and the held-out loss, and a warning where they differ much."""
    text = f"loss {number(metrics.loss, 3)}"
    if metrics.heldout_loss is None:
        return [Text(text)]
    lines: list[RenderableType] = [
        Text(f"{text}, held out {number(metrics.heldout_loss, 3)}"),
    ]
    ratio = metrics.heldout_loss / (metrics.loss or float("inf"))
    if ratio > LARGE_RATIO:
        warning = (
            f"the held-out loss is {ratio:,.0f} times the training loss: the network fits its "
            "points, not the equation; give more points, or redraw them more often (redraw_every)"
        )
        lines.append(Text(warning))
    if metrics.remaining:
        name, size = max(metrics.remaining.items(), key=lambda item: item[1])
        text = f"residuals over their typical sizes, held out: at most {number(size)} ({name})"
        lines.append(Text(text))
    return lines


def _times(metrics: Metrics) -> list[RenderableType]:
    times = []
    if metrics.seconds.compile is not None:
        times.append(f"compile {seconds(metrics.seconds.compile)} s")
    if metrics.seconds.total is not None:
        times.append(f"total {seconds(metrics.seconds.total)} s")
    return [Text(", ".join(times))] if times else []


def _verdict(compared: Sequence[Comparison]) -> Text:
    """Return one line per comparison, green where our error is no larger."""
    lines = []
    for comparison in compared:
        style = ""
        if comparison.ratio is not None:
            style = "green" if comparison.ratio <= 1 else "yellow"
        lines.append(Text(str(comparison), style=style))
    return Text("\n").join(lines)
