"""What is known of a problem before it is solved, as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pinn.checking.conditions import Count
from pinn.checking.cost import Cost
from pinn.objective import Scales
from pinn.plotting import save_points_figure

MOST_LINES = 14  # of equations at the start of a run


class Equation(NamedTuple):
    """A residual for people.

    Attributes:
        name: of the residual.
        region: where it holds.
        text: the equation.
        built_in: whether the ansatz satisfies it.
    """

    name: str
    region: str
    text: str
    built_in: bool


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a check of a problem found; `print(report)` shows it.

    Attributes:
        problem: the name of the problem's class.
        fields: names of the fields and unknown fields.
        coordinates: names of the coordinates.
        units: units by name, where they are declared.
        equations: all residuals.
        points: coordinates [n, d] of the points of every region.
        orders: the order of the equations in every coordinate, by field.
        counts: conditions where the equations tell how many there have to be.
        scales: the typical sizes of fields and residuals; None where scales=none.
        starts: where unknown coefficients start, if the run has moved them, in one line each.
        cost: what an iteration costs; None where it was not measured.
        notes: remarks that are no warnings.
        jumps: whether conditions disagree where they meet, so that a field jumps there.
        log_axes: by coordinate, the value from which on it counts by its logarithm.
        warnings: what is doubtful, in one line each.
        advice: those of them that say what makes the problem hard, and not wrong.
    """

    problem: str
    fields: tuple[str, ...]
    coordinates: tuple[str, ...]
    units: Mapping[str, str]
    equations: tuple[Equation, ...]
    points: Mapping[str, np.ndarray]
    orders: Mapping[str, Mapping[str, int]]
    counts: tuple[Count, ...]
    scales: Scales | None
    starts: tuple[str, ...] = ()
    cost: Cost | None = None
    notes: tuple[str, ...] = ()
    jumps: bool = False
    log_axes: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return the whole report."""
        lines = [*self._heading(len(self.equations)), "", *self._conditions(), *self._sizes()]
        if self.cost is not None:
            lines += ["", *_cost_lines(self.cost)]
        lines += [f"note: {note}" for note in self.notes]
        return [*lines, "", *(self._warnings() or ["no warnings"])]

    def brief(self) -> list[str]:
        """Return the equations with their points, and the warnings: the first screen of a run."""
        return [*self._heading(MOST_LINES), *self._warnings()]

    def save_picture(self, path: str | Path) -> Path:
        """Write the picture of the points of all regions to a PNG file, and return its path.

        Raises:
            InputError: if the file cannot be written, or is no .png file.
        """
        axes = self.coordinates[:2]
        return save_points_figure(Path(path), self.points, axes, self.units, self.log_axes)

    def _heading(self, most: int) -> list[str]:
        arguments = ", ".join(self._with_unit(c) for c in self.coordinates)
        fields = ", ".join(self._with_unit(f) for f in self.fields)
        lines = [f"{self.problem}: {fields} of ({arguments})"]
        shown = self.equations[:most]
        width = max((len(e.name) for e in shown), default=0)
        for name, region, text, built_in in shown:
            where = "built in" if built_in else "no points"
            if region in self.points:
                where = f"{len(self.points[region]):,} points"
            lines.append(f"  {name:{width}}  {text}   [{region}, {where}]")
        if len(self.equations) > most:
            lines.append(f"  and {len(self.equations) - most} more")
        return [*lines, *self.starts]

    def _conditions(self) -> list[str]:
        lines = []
        for field, by_coordinate in self.orders.items():
            orders = [f"{order} in {c}" for c, order in by_coordinate.items() if order]
            lines.append(f"order of {field}: {', '.join(orders) or '0'}")
        for count in self.counts:
            axis = count.place in self.coordinates
            lines.append(
                f"conditions {'in' if axis else 'on'} {count.place}: {count.least_given} given, "
                f"{count.needed} needed"
            )
        return lines

    def _sizes(self) -> list[str]:
        if self.scales is None:
            return ["scales: none"]
        fields = []
        for name, (offset, scale) in self.scales.fields.items():
            unit = self.units.get(name, "1")
            suffix = "" if unit == "1" else f" {unit}"
            middle = f"{offset:.6g} ± " if offset else "± "
            fields.append(f"{name} {middle}{scale:.3g}{suffix}")
        residuals = [f"{name} {size:.3g}" for name, size in self.scales.residuals.items()]
        lines = [f"scales: {', '.join(fields)}", f"sizes of residuals: {', '.join(residuals)}"]
        if self.scales.unknowns:
            unknowns = [f"{name} {size:.3g}" for name, size in self.scales.unknowns.items()]
            lines.append(f"sizes of unknowns: {', '.join(unknowns)}")
        return lines

    def _warnings(self) -> list[str]:
        return [f"warning: {warning}" for warning in self.warnings]

    def _with_unit(self, name: str) -> str:
        unit = self.units.get(name, "1")
        return name if unit == "1" else f"{name} in {unit}"


def _cost_lines(cost: Cost) -> list[str]:
    """Return what an iteration costs in words."""
    matrix = f"{cost.matrix / 1e9:.1g} GB"
    total = (cost.memory + cost.matrix) / 1e9
    return [
        f"{cost.parameters:,} parameters; roughly {cost.seconds:.1g} s per evaluation of the loss "
        "and its gradient, after compilation",
        f"memory: roughly {total:.2g} GB, with {matrix} for an optimizer's matrix",
    ]
