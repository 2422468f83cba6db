"""Measurements for inverse problems: made from the reference, with noise of a stated size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.objective import PointSet, draw
from pinn.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """Measurements of a problem's reference at random points of space and time.

    Attributes:
        count: number of points.
        fields: the fields that are measured; None means all.
        noise: standard deviation of Gaussian noise, as a share of the field's own standard deviation over
            the points (the convention of Raissi et al. 2019).
        seed: of the points and the noise.

    Raises:
        InputError: for a count below 1 or negative noise.
    """

    count: int = 2000
    fields: Sequence[str] | None = None
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.count, int) or self.count < 1:
            raise InputError(f"data.count={self.count!r}; give a whole number of at least 1.")
        if not self.noise >= 0:
            raise InputError(f"data.noise={self.noise!r}; give a number of at least 0, such as 0.01 for 1 %.")

    def measure(self, problem: Problem) -> PointSet:
        """Return the points and the measured values.

        Raises:
            InputError: if the problem has no reference or no such field.
        """
        points = draw(problem, "interior", self.count, method="uniform", seed=self.seed + 1000)
        truth = problem.reference_at(points.coordinates)
        if truth is None:
            raise InputError(f"{type(problem).__name__}: has no reference to measure; pass data of your own.")
        names = list(self.fields or problem.fields)
        for name in names:
            if name not in truth:
                raise InputError(f"data.fields: {name!r} is no field.{did_you_mean(name, truth)}")
        rng = np.random.default_rng(self.seed + 2000)
        values = {f: truth[f] + self.noise * np.std(truth[f]) * rng.standard_normal(self.count) for f in names}
        return PointSet(points.coordinates, None, values)
