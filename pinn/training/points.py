"""How many points of each region a run uses, how they are drawn, and the sets beside the training set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import tensorflow as tf

from pinn.errors import InputError, did_you_mean
from pinn.objective import Batch, Objective, PointSet, blocks, draw
from pinn.runtime import threads
from pinn.sampling import METHODS

BLOCK_CHANNELS = 20_000  # values per block and hidden layer: they and their adjoints stay in a core's L2 cache


@dataclass(frozen=True, kw_only=True)
class Points:
    """Counts of points by region, and how they are drawn.

    Attributes:
        counts: number of points by region; a region that is not named gets `counts["boundary"]`.
        method: "sobol", "halton", "latin_hypercube", "uniform" or "grid".
        heldout: share of every count that the held-out set has; no minimizer ever sees it.
        test: points at which the error against the reference is measured.
        block: points per compiled block; None chooses by the network's width.

    Raises:
        InputError: when points are drawn, for impossible counts or an unknown method.
    """

    counts: Mapping[str, int] = field(default_factory=lambda: {"interior": 8000, "initial": 400, "boundary": 400})
    method: str = "sobol"
    heldout: float = 0.25
    test: int = 10_000
    block: int | None = None

    def count(self, region: str) -> int:
        """Return the number of points of a region."""
        found = self.counts.get(region, self.counts.get("boundary"))
        if found is None:
            raise InputError(f"points.counts: nothing for region {region!r}; add counts.{region} or counts.boundary.")
        if not isinstance(found, int) or found < 1:
            raise InputError(f"points.counts.{region}={found!r}; give a whole number of at least 1.")
        return found

    def check(self, objective: Objective) -> None:
        """Raise an InputError for a count of a region that does not exist or an impossible one."""
        known = ("interior", "initial", "boundary", *objective.problem.faces)
        for region in self.counts:
            if region not in known:
                raise InputError(f"points.counts.{region}: no such region.{did_you_mean(region, known)}")
            self.count(region)
        faces = len(objective.problem.faces)
        if "boundary" in objective.regions and self.count("boundary") < faces:
            found = self.count("boundary")
            raise InputError(f"points.counts.boundary={found}: there are {faces} faces; give at least {faces}.")
        if self.method not in METHODS:
            raise InputError(f"points.method={self.method!r}: unknown method.{did_you_mean(self.method, METHODS)}")
        if not 0 < self.heldout < math.inf:
            raise InputError(f"points.heldout={self.heldout!r}; give a positive share, such as 0.25.")
        if not isinstance(self.test, int) or self.test < 1:
            raise InputError(f"points.test={self.test!r}; give a whole number of at least 1.")
        if self.block is not None and (not isinstance(self.block, int) or self.block < 1):
            raise InputError(f"points.block={self.block!r}; give a whole number of at least 1, or null.")

    def sets(self, objective: Objective, data: PointSet | None, *, seed: int, number: int) -> dict[str, PointSet]:
        """Return the point sets of draw `number` by region; measurements are always the same."""

        def drawn(region: str) -> PointSet:
            return draw(objective.problem, region, self.count(region), method=self.method, seed=seed, number=number)

        return _by_region(objective, data, drawn)

    def held_out(self, objective: Objective, data: PointSet | None, *, seed: int) -> dict[str, PointSet]:
        """Return uniform points that no draw uses; measurements stand for themselves."""

        def drawn(region: str) -> PointSet:
            count = max(1, int(self.heldout * self.count(region)), len(objective.problem.faces))
            return draw(objective.problem, region, count, method="uniform", seed=seed + 777_777)

        return _by_region(objective, data, drawn)

    def batch(self, objective: Objective, sets: Mapping[str, PointSet]) -> Batch:
        """Return point sets as the objective's batch, cut into blocks for this machine."""
        size = self.block or _block_size(objective)
        count = 1 if tf.config.get_visible_devices("GPU") else threads()
        return objective.batch({r: blocks(s, threads=count, size=size, dtype=objective.dtype) for r, s in sets.items()})


def batches(points: Points, objective: Objective, data: PointSet | None, *, seed: int) -> Callable[[int], Batch]:
    """Return the function from a draw's number to its batch."""
    return lambda number: points.batch(objective, points.sets(objective, data, seed=seed, number=number))


def _by_region(objective: Objective, data: PointSet | None, drawn: Callable[[str], PointSet]) -> dict[str, PointSet]:
    """Return the objective's point sets by region: the measurements as they are, the rest drawn."""
    found = {}
    for region in objective.regions:
        if region == "data":
            assert data is not None
            found[region] = data
        else:
            found[region] = drawn(region)
    return found


def _block_size(objective: Objective) -> int:
    """Return the points per block: on a GPU nearly all, on a CPU what the cache holds."""
    if tf.config.get_visible_devices("GPU"):
        return 1 << 17
    width = max((int(v.shape[-1]) for v in objective.network.trainable_variables), default=1)
    return max(64, BLOCK_CHANNELS // (4 * width))
