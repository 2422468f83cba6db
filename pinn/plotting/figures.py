"""All pictures of a run, drawn and written to its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from pinn.atomic import write_atomically
from pinn.errors import InputError
from pinn.plotting.collocation import points_figure
from pinn.plotting.convergence import convergence_figure
from pinn.plotting.data import MeasuredColumn, data_figure, misfit_figure
from pinn.plotting.field import changes_figure, evolution_figure, field_figure
from pinn.plotting.laws import Law, laws_figure
from pinn.plotting.slices import change_lines_figure, slices_figure
from pinn.plotting.style import Fields, journal, symbol, with_unit
from pinn.plotting.unknowns import unknowns_figure
from pinn.plotting.weights import weights_figure
from pinn.record import History

if TYPE_CHECKING:  # pictures are drawn without TensorFlow
    from pinn.parameters import Parameter

Columns = dict[str, np.ndarray]
"""Values [n] by name: coordinates as arguments, fields as results."""

_SIZE = 201  # grid points along each axis: one pixel or two of the printed panel
_TIMES = 4  # of the evolution, the first and the last one included
_MOST_CHANGES = 3  # that one picture shows
_DPI = 150


@dataclass(frozen=True, kw_only=True)
class _Sampler:
    """A solution and its reference, sampled on a grid over the first two coordinates.

    Other attributes are those arguments of `save_figures` that have the same names.

    Attributes:
        coordinates: names of the coordinates that are no parameters, time last.
        bounds: of these coordinates.
        parameters: the value of every parameter.
    """

    coordinates: Sequence[str]
    bounds: tuple[np.ndarray, np.ndarray]
    fields: Sequence[str]
    evaluate: Callable[[Columns], Columns]
    reference: Callable[[Columns], Columns | None] | None
    units: Mapping[str, str]
    parameters: Mapping[str, float]
    log_axes: Mapping[str, float]

    @property
    def axes_names(self) -> list[str]:
        """Names of the coordinates of the grid: the first two, or the only one."""
        return list(self.coordinates[:2])

    @property
    def grids(self) -> list[np.ndarray]:
        """Values of the coordinates of the grid."""
        return [self.along(i, _SIZE) for i in range(len(self.axes_names))]

    def along(self, axis: int, count: int) -> np.ndarray:
        """Return values of a coordinate [count], as even as its scale is."""
        lower, upper = (float(corner[axis]) for corner in self.bounds)
        scale = self.log_axes.get(self.coordinates[axis])
        if scale is None:
            return np.linspace(lower, upper, count)
        ends = np.log1p((upper - lower) / scale)
        # Rounding in the exponential must not lead out of the interval.
        return np.minimum(lower + scale * np.expm1(np.linspace(0.0, ends, count)), upper)

    @property
    def middle(self) -> dict[str, float]:
        """The parameters, and the further coordinates in space in the middle of their range."""
        lower, upper = self.bounds
        values = dict(self.parameters)
        for i, name in enumerate(self.coordinates):
            if i >= 2 and name != "t":
                values[name] = float(lower[i] + upper[i]) / 2
        return values

    def fixed(self, time: float | None = None) -> dict[str, float]:
        """Return the values of the further coordinates: time at its end by default."""
        values = self.middle
        if "t" in self.coordinates[2:]:
            values["t"] = float(self.bounds[1][-1]) if time is None else time
        return values

    def sample(self, time: float | None = None) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
        """Return (prediction, reference or None) by field; time is at its end by default."""
        predictions = self.on_grid(self.evaluate, time)
        references: Columns = {}
        if self.reference is not None:
            references = self.on_grid(self.reference, time)
        return {name: (predictions[name], references.get(name)) for name in self.fields}

    def on_grid(
        self, function: Callable[[Columns], Columns | None], time: float | None = None
    ) -> Columns:
        """Return the values of a function on the grid; none if it returns None."""
        mesh = np.meshgrid(*self.grids, indexing="ij")
        shape = mesh[0].shape
        size = mesh[0].size
        points = {name: m.ravel() for name, m in zip(self.axes_names, mesh, strict=True)}
        for name, value in self.fixed(time).items():
            points[name] = np.full(size, value)
        values = function(points) or {}
        shaped: Columns = {}
        for name, column in values.items():
            shaped[name] = np.broadcast_to(np.asarray(column, float), size).reshape(shape)
        return shaped


def save_figures(
    folder: Path,
    *,
    coordinates: Sequence[str],
    bounds: tuple[np.ndarray, np.ndarray],
    fields: Sequence[str],
    evaluate: Callable[[Columns], Columns],
    reference: Callable[[Columns], Columns | None] | None,
    history: History,
    points: Mapping[str, np.ndarray],
    truths: Mapping[str, float | None],
    distance: Callable[[Columns], np.ndarray] | None = None,
    weights: Mapping[str, tuple[np.ndarray, np.ndarray]] = {},
    measured: Sequence[MeasuredColumn] = (),
    units: Mapping[str, str] = {},
    parameters: Mapping[str, Parameter] = {},
    laws: Mapping[str, str] = {},
    log_axes: Mapping[str, float] = {},
    estimated: Callable[[Columns], Columns] | None = None,
    spread: Callable[[Columns], Columns] | None = None,
    undetermined: Sequence[Callable[[Columns], Columns]] = (),
) -> list[Path]:
    """Write all pictures of a run as PNG files, and return their paths.

    These are the solution, slices, evolution, laws, convergence, points, unknowns, weights, data,
    misfit, and what the equations leave undetermined.  A picture that has nothing to show (no
    history, no points, no unknowns, fixed weights, no measurements) is left out.

    The solution is drawn on a grid over the first two coordinates; further ones are fixed in the
    middle of their range, and time at its end, where errors have grown.  Where two coordinates in
    space leave no axis to time, the evolution shows several times.  Where the solution depends on
    parameters, these pictures are drawn three times: in the middle of the parameters' ranges, and
    at their lower and upper ends ("solution_lower", "solution_upper").

    Args:
        folder: where the pictures are written; created if it does not exist.
        coordinates: names, time last.
        bounds: lower and upper corner of the domain, [d] each, in the coordinates' own units.
        fields: names of the fields to show, in order.
        evaluate: from coordinates [n] by name to predictions [n] by field; NaN outside the domain.
        reference: the same for the reference; None, or returns None, where there is no reference.
        history: the history of the run.
        points: coordinates [n, d] by region.
        truths: true value of each unknown, None where it is not known.
        distance: from coordinates [n] by name to the signed distance [n] to the domain's boundary,
            positive inside; the boundary is drawn where it does not coincide with the picture's
            frame.
        weights: points [n, d] and their weights [n] by term, for terms that have one weight per
            point.
        measured: the measurements, with predictions.
        units: units of coordinates, fields and unknowns by name.
        parameters: the parameters among the coordinates, by name.
        laws: the field on which an unknown function of one field depends, by its name.
        log_axes: by coordinate, the value after its lower bound from which on it counts by its
            logarithm.
        estimated: from coordinates [n] by name to the estimated errors [n] by field; shown where
            there is no reference.
        spread: from coordinates [n] by name to standard errors [n] by field; slices have bands of
            twice that.
        undetermined: from coordinates [n] by name to changes [n] by field that the equations allow;
            one picture shows the first three.
    """
    folder.mkdir(parents=True, exist_ok=True)
    axes = [i for i, name in enumerate(coordinates) if name not in parameters]
    lower, upper = bounds
    sampler = _Sampler(
        coordinates=[coordinates[i] for i in axes],
        bounds=(lower[axes], upper[axes]),
        fields=fields,
        evaluate=evaluate,
        reference=reference,
        units=units,
        parameters={},
        log_axes=log_axes,
    )
    paths: list[Path] = []
    for suffix, values in _cases(parameters).items():
        at_values = replace(sampler, parameters=values)
        for name, figure in _solution_figures(at_values, distance, laws, estimated, spread):
            paths.append(save_figure(figure, folder / f"{name}{suffix}.png"))
    placed = {region: rows[:, axes] for region, rows in points.items()}
    weighted = {name: (rows[:, axes], values) for name, (rows, values) in weights.items()}
    for name, figure in _training_figures(sampler, history, placed, truths, weighted):
        paths.append(save_figure(figure, folder / f"{name}.png"))
    if undetermined:
        figure = _changes(sampler, distance, undetermined[:_MOST_CHANGES])
        paths.append(save_figure(figure, folder / "undetermined.png"))
    if measured:
        paths.append(save_data_figure(folder, measured))
        paths.append(save_figure(misfit_figure(measured), folder / "misfit.png"))
    return paths


def save_data_figure(folder: Path, measured: Sequence[MeasuredColumn]) -> Path:
    """Write the picture of the measurements as `data.png`, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    return save_figure(data_figure(measured), folder / "data.png")


def _cases(parameters: Mapping[str, Parameter]) -> dict[str, dict[str, float]]:
    """Return the values of the parameters in the pictures, by what the names of files end in."""
    middle = {name: parameter.middle for name, parameter in parameters.items()}
    if not parameters:
        return {"": middle}
    lower = {name: parameter.lower for name, parameter in parameters.items()}
    upper = {name: parameter.upper for name, parameter in parameters.items()}
    return {"": middle, "_lower": lower, "_upper": upper}


def _solution_figures(
    sampler: _Sampler,
    distance: Callable[[Columns], np.ndarray] | None,
    laws: Mapping[str, str],
    estimated: Callable[[Columns], Columns] | None,
    spread: Callable[[Columns], Columns] | None,
) -> Iterator[tuple[str, Figure]]:
    """Yield the pictures of the solution with their names."""
    names = sampler.axes_names
    grids = sampler.grids
    fields = sampler.sample()
    note = _note(sampler.fixed(), sampler.units)
    units = sampler.units
    logs = sampler.log_axes
    if laws:
        yield "laws", laws_figure(_laws(fields, laws), units)
    slices = slices_figure(
        names,
        grids,
        fields,
        note=note,
        units=units,
        log_axes=logs,
        spread=sampler.on_grid(spread) if spread else {},
    )
    if len(names) == 1:
        yield "solution", slices
        return
    depth = _depth(sampler, distance)
    yield (
        "solution",
        field_figure(
            names,
            grids,
            fields,
            note=note,
            distance=depth,
            units=units,
            log_axes=logs,
            estimated=sampler.on_grid(estimated) if estimated else {},
        ),
    )
    yield "slices", slices
    if len(sampler.coordinates) > 2 and sampler.coordinates[-1] == "t":
        yield "evolution", _evolution(sampler, depth)


def _laws(fields: Fields, laws: Mapping[str, str]) -> list[Law]:
    """Return unknown functions and the fields they depend on, at the points of a grid."""
    found = []
    for name, field in laws.items():
        values, reference = fields[name]
        argument, argument_reference = fields[field]
        both = None
        if reference is not None and argument_reference is not None:
            both = (argument_reference.ravel(), reference.ravel())
        found.append(Law(name, field, (argument.ravel(), values.ravel()), both))
    return found


def _training_figures(
    sampler: _Sampler,
    history: History,
    points: Mapping[str, np.ndarray],
    truths: Mapping[str, float | None],
    weights: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> Iterator[tuple[str, Figure]]:
    """Yield the pictures of the training with their names."""
    axes_names = sampler.axes_names
    units = sampler.units
    if history.rows:
        yield "convergence", convergence_figure(history)
    if points:
        yield "points", points_figure(points, axes_names, units, sampler.log_axes)
    if history.rows and history.unknowns():
        yield "unknowns", unknowns_figure(history, truths, units)
    if history.rows and history.weights():
        yield "weights", weights_figure(history, weights, axes_names, units)


def _changes(
    sampler: _Sampler,
    distance: Callable[[Columns], np.ndarray] | None,
    changes: Sequence[Callable[[Columns], Columns]],
) -> Figure:
    """Return the picture of changes that the equations allow."""
    found = [sampler.on_grid(change) for change in changes]
    names = sampler.axes_names
    note = "changes that no residual sees"
    fixed = _note(sampler.fixed(), sampler.units)
    text = f"{note}, {fixed}" if fixed else note
    units, logs = sampler.units, sampler.log_axes
    if len(names) == 1:
        return change_lines_figure(
            names[0], sampler.grids[0], found, note=text, units=units, log_axes=logs
        )
    return changes_figure(
        names,
        sampler.grids,
        found,
        note=text,
        distance=_depth(sampler, distance),
        units=units,
        log_axes=logs,
    )


def _depth(
    sampler: _Sampler, distance: Callable[[Columns], np.ndarray] | None
) -> np.ndarray | None:
    """Return the distance to the boundary on the grid, where it is drawn."""
    if distance is None:
        return None
    return sampler.on_grid(lambda points: {"distance": distance(points)})["distance"]


def _evolution(sampler: _Sampler, distance: np.ndarray | None) -> Figure:
    """Return the picture of fields over two coordinates in space at several times."""
    times = sampler.along(len(sampler.coordinates) - 1, _TIMES).tolist()
    samples = [sampler.sample(time) for time in times]
    frames: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}
    for field in sampler.fields:
        predictions = np.stack([sample[field][0] for sample in samples])
        references = [sample[field][1] for sample in samples]
        known = [reference for reference in references if reference is not None]
        is_complete = len(known) == len(references)
        frames[field] = (predictions, np.stack(known) if is_complete else None)
    return evolution_figure(
        sampler.axes_names,
        sampler.grids,
        times,
        frames,
        note=_note(sampler.middle, sampler.units),
        distance=distance,
        units=sampler.units,
    )


def _note(fixed: Mapping[str, float], units: Mapping[str, str]) -> str:
    """Return the values of fixed coordinates as a line of TeX mathematics, with their units."""
    values: list[str] = []
    for name, value in fixed.items():
        values.append(f"${symbol(name)} = {value:.3g}${with_unit(name, units)}")
    return ", ".join(values)


def save_points_figure(
    path: Path,
    points: Mapping[str, np.ndarray],
    axes_names: Sequence[str],
    units: Mapping[str, str],
    log_axes: Mapping[str, float] = {},
) -> Path:
    """Write the picture of the points of all regions as a PNG file, and return its path.

    Args:
        path: the file.
        points: coordinates [n, d] by region.
        axes_names: names of the first two coordinates, or of the only one.
        units: units by name.
        log_axes: by coordinate, the value from which on it counts by its logarithm.

    Raises:
        InputError: if the file cannot be written, or is no .png file.
    """
    if path.suffix.lower() != ".png":
        raise InputError(f"picture={path}: is no .png file; give a name such as points.png.")
    try:
        return save_figure(points_figure(points, axes_names, units, log_axes), path)
    except OSError as error:
        raise InputError(
            f"picture={path}: cannot be written ({error.strerror}); name a file in a folder that "
            "exists."
        ) from None


@journal()
def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, completely or not at all, and return its path."""

    def write(file: IO[bytes]) -> None:
        figure.savefig(file, format="png", dpi=_DPI, bbox_inches="tight", pad_inches=0.06)

    write_atomically(path, write)
    return path
