"""Synthetic measurements for inverse problems: the reference at random points, with noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pinn import settings
from pinn.errors import InputError, did_you_mean
from pinn.measurements.sigmas import by_name, check_kinds
from pinn.networks import LAST_SEED
from pinn.objective import PointSet, draw
from pinn.problem import Problem
from pinn.seeds import branch, generator

NOISE = "a number of at least 0, such as 0.01 for 1 %"


@dataclass(frozen=True, kw_only=True)
class Synthetic(settings.Settings):
    """Measurements of a problem's reference at random points of space and time.

    Parameters of the problem have the values of their grids.

    Attributes:
        count: number of points.
        fields: the fields that are measured; None means all.
        times: times of snapshots, which have equal numbers of points; None: points lie anywhere
            in time.
        noise: standard deviation of Gaussian noise, relative to the standard deviation of the
            field over the points (the convention of Raissi et al. 2019).
        sigma: the standard deviation that the misfit is divided by, in the field's units: a number,
            one by field, or "noise", that of the noise; None: it is not known.
        seed: of the points and the noise; the configuration gives the run's own.

    Raises:
        InputError: for a count below 1 or negative noise.
    """

    count: int = settings.count(2000)
    fields: Sequence[str] | None = None
    times: Sequence[float] | None = None
    noise: float = settings.at_least(0, 0.0, words=NOISE)
    sigma: float | str | Mapping[str, Any] | None = None
    seed: int = settings.count(0, least=0, most=LAST_SEED)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_kinds(self.sigma)

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"data.{name}"

    def measure(self, problem: Problem, name: str = "") -> PointSet:
        """Return the points and the measured values.

        Args:
            problem: the problem.
            name: of the set, where there are several: each has random numbers of its own.

        Raises:
            InputError: if the problem has no reference, no such field or no such time.
        """
        own = branch(self.seed, name) if name else self.seed
        seed = branch(own, "measurement points")
        points = draw(problem, "interior", self.count, method="uniform", seed=seed)
        coordinates = problem.on_grid(points.coordinates)
        if self.times is not None:
            coordinates[:, -1] = self._snapshots(problem)
        truth = problem.reference_at(coordinates)
        if truth is None:
            raise InputError(
                f"{type(problem).__name__}: has no reference to measure; pass data of your own."
            )
        names = list(self.fields or problem.fields)
        for field in names:
            if field not in problem.fields:
                raise InputError(
                    f"data.fields: {field!r} is no field.{did_you_mean(field, problem.fields)}"
                )
        exact = {field: truth[field] for field in names}
        sigmas = {}
        for field, sigma in by_name(self.sigma, names).items():
            value = sigma
            if isinstance(sigma, str):
                if sigma != "noise" or not self.noise:
                    raise InputError(
                        f"data.sigma={sigma!r}: with data.noise={self.noise:g}; give numbers, or "
                        "'noise' where there is some."
                    )
                value = self.noise * np.std(exact[field])
            sigmas[field] = np.full(self.count, float(value))
        return PointSet(coordinates, None, noisy(exact, self.noise, own), sigmas=sigmas)

    def _snapshots(self, problem: Problem) -> np.ndarray:
        """Return the points' times [n]."""
        times = list(self.times or ())
        where = f"data.times={times}"
        if problem.time is None:
            raise InputError(f"{where}: {type(problem).__name__} is steady; set data.times=null.")
        start, end = problem.time
        for time in times or (None,):
            if not isinstance(time, int | float) or not start <= time <= end:
                raise InputError(f"{where}: give times from {start:g} to {end:g}.")
        return np.asarray(times, float)[np.arange(self.count) % len(times)]


def noisy(values: Mapping[str, np.ndarray], noise: float, seed: int) -> Mapping[str, np.ndarray]:
    """Return values [n] by name with Gaussian noise, relative to their own deviation.

    NaN stays NaN.
    """
    if not noise:  # else a deviation that overflows would make NaN of everything
        return values
    rng = generator(seed, "measurement noise")
    noisy_values = {}
    for name, value in values.items():
        deviation = np.std(value[~np.isnan(value)])
        noisy_values[name] = value + noise * deviation * rng.standard_normal(len(value))
    return noisy_values
