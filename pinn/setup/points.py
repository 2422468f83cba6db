"""How many points of each region a run uses, how they are drawn, and the sets beside the training set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import tensorflow as tf

from pinn import seeds, settings
from pinn.errors import InputError, did_you_mean
from pinn.objective import Batch, Objective, PointSet, ResidualSize, blocks, draw
from pinn.sampling import Method, weighted_choice
from pinn.training.progress import Kept
from pinn.versions import cores

FOLLOWED = "interior"  # the region whose points follow the residuals
FIRST, ADDED = 0.5, 0.05  # shares of the count that RAR-D starts with and adds at every redraw

BLOCK_CHANNELS = (
    20_000  # values per block and hidden layer: they and their adjoints stay in a core's L2 cache
)


@dataclass(frozen=True, kw_only=True)
class Points(settings.Settings):
    """Counts of points by region, and how they are drawn.

    Attributes:
        counts: number of points by region; a region that is not named gets `counts["boundary"]`.
        method: "sobol", "halton", "latin_hypercube", "uniform" or "grid".
        adaptive: what a redraw does with the interior's points.  "none": all are drawn by the
            method. "rad": all are drawn with a density ∝ |r|^power / mean |r|^power + offset (Wu et
            al. 2022, doi:10.1016/j.cma.2022.115671).  "rar_d": half of the count at first; every
            redraw adds a twentieth of it with that density, and keeps the rest (ibid.).  "r3":
            points where |r| is above its mean stay, the others are drawn anew by the method (Daw et
            al. 2023, arXiv:2207.02338).
        power: k of that density; larger follows the residual more closely.
        offset: c of that density, the share that is uniform; smaller follows the residual more
            closely.
        candidates: points per point drawn, from which the density chooses.
        heldout: share of every count that the held-out set has; no optimizer ever sees it.
        test: points at which the error against the reference is measured.
        block: points per compiled block; None chooses by the network's width.

    Raises:
        InputError: for a number out of range or an unknown word; and, when points are drawn, for
            counts that do not fit the problem.
    """

    counts: Mapping[str, int] = field(
        default_factory=lambda: {"interior": 8000, "initial": 400, "boundary": 400}
    )
    method: Method = "sobol"
    adaptive: Literal["none", "rad", "rar_d", "r3"] = "none"
    power: float = settings.at_least(0, 1.0)
    offset: float = settings.at_least(0, 1.0)
    candidates: int = settings.count(10, least=2)
    heldout: float = settings.positive(0.25, words="a positive share, such as 0.25")
    test: int = settings.count(10_000)
    block: int | None = settings.count(None)

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"points.{name}"

    def count(self, region: str) -> int:
        """Return the number of points of a region."""
        found = self.counts.get(region, self.counts.get("boundary"))
        if found is None:
            raise InputError(
                f"points.counts: nothing for region {region!r}; add counts.{region} or counts.boundary."
            )
        settings.check_count(f"points.counts.{region}", found)
        return found

    def check(self, objective: Objective) -> None:
        """Raise an InputError for a count of a region that does not exist or an impossible one."""
        boundaries = objective.problem.boundaries
        known = ("interior", "initial", "boundary", *boundaries)
        for region in self.counts:
            if region not in known:
                raise InputError(
                    f"points.counts.{region}: no such region.{did_you_mean(region, known)}"
                )
            self.count(region)
        for region in objective.regions:
            faces = len(boundaries.get(region, ()))
            if faces > 1 and self.count(region) < faces:
                key = region if region in self.counts else "boundary"
                found = f"points.counts.{key}={self.count(region)}"
                raise InputError(f"{found}: there are {faces} faces; give at least {faces}.")
        if self.adaptive != "none" and FOLLOWED not in objective.regions:
            raise InputError(
                f"points.adaptive={self.adaptive}: no residual on the interior; use none."
            )

    def sets(
        self, objective: Objective, data: PointSet | None, *, seed: int, number: int
    ) -> dict[str, PointSet]:
        """Return the point sets of draw `number` by region; measurements are always the same."""

        def drawn(region: str) -> PointSet:
            return draw(
                objective.problem,
                region,
                self.count(region),
                method=self.method,
                seed=seed,
                number=number,
            )

        return _by_region(objective, data, drawn)

    def held_out(
        self, objective: Objective, data: PointSet | None, *, seed: int
    ) -> dict[str, PointSet]:
        """Return uniform points that no draw uses; measurements stand for themselves."""
        own = seeds.branch(seed, "held-out points")

        def drawn(region: str) -> PointSet:
            count = max(1, int(self.heldout * self.count(region)), len(objective.problem.faces))
            return draw(objective.problem, region, count, method="uniform", seed=own)

        return _by_region(objective, data, drawn)

    def batch(
        self, objective: Objective, sets: Mapping[str, PointSet], *, room: Mapping[str, int] = {}
    ) -> Batch:
        """Return point sets as the objective's batch, cut into blocks for this machine; `room` as in `blocks`."""
        size = self.block or _block_size(objective)
        count = 1 if tf.config.get_visible_devices("GPU") else cores()
        cut = {
            r: blocks(s, threads=count, size=size, dtype=objective.dtype, room=room.get(r, 0))
            for r, s in sets.items()
        }
        return objective.batch(cut)


class Draws:
    """The training points of a run, draw by draw."""

    def __init__(
        self, points: Points, objective: Objective, data: PointSet | None, *, seed: int
    ) -> None:
        self.points, self.objective, self.data, self.seed = points, objective, data, seed
        self.size = ResidualSize(objective, FOLLOWED)

    def sets(self, number: int, kept: Kept) -> dict[str, PointSet]:
        """Return the point sets of draw `number` by region, with those that were kept in their places."""
        found = self.points.sets(self.objective, self.data, seed=self.seed, number=number)
        if self.points.adaptive == "rar_d" and FOLLOWED not in kept:
            first = math.ceil(FIRST * self.points.count(FOLLOWED))
            kept = {FOLLOWED: found[FOLLOWED].coordinates[:first]}
        return found | {region: PointSet(coordinates) for region, coordinates in kept.items()}

    def batch(self, number: int, kept: Kept) -> Batch:
        """Return the batch of draw `number`."""
        room = {FOLLOWED: self.points.count(FOLLOWED)} if self.points.adaptive != "none" else {}
        return self.points.batch(self.objective, self.sets(number, kept), room=room)

    def adapted(self, number: int, theta: tf.Tensor, kept: Kept) -> Kept:
        """Return the sets of draw `number` that follow the residuals at a flat vector, given those of the last."""
        if self.points.adaptive == "none":
            return {}
        count = self.points.count(FOLLOWED)
        old = self.sets(number - 1, kept)[FOLLOWED].coordinates
        if self.points.adaptive == "r3":
            sizes = self.size(theta, old)
            stay = old[sizes > np.mean(sizes)]
            return {
                FOLLOWED: np.concatenate(
                    [stay, self._candidates(number, count)[: count - len(stay)]]
                )
            }
        if self.points.adaptive == "rad":
            return {FOLLOWED: self._following(number, theta, count)}
        more = min(math.ceil(ADDED * count), count - len(old))
        return (
            {FOLLOWED: np.concatenate([old, self._following(number, theta, more)])}
            if more
            else dict(kept)
        )

    def _following(self, number: int, theta: tf.Tensor, count: int) -> np.ndarray:
        candidates = self._candidates(number, self.points.candidates * count)
        indices = weighted_choice(
            self.size(theta, candidates),
            count,
            power=self.points.power,
            offset=self.points.offset,
            seed=(self.seed, number),
        )
        return candidates[indices]

    def _candidates(self, number: int, count: int) -> np.ndarray:
        problem, method = self.objective.problem, self.points.method
        return draw(
            problem, FOLLOWED, count, method=method, seed=self.seed, number=number
        ).coordinates


def _by_region(
    objective: Objective, data: PointSet | None, drawn: Callable[[str], PointSet]
) -> dict[str, PointSet]:
    """Return the objective's point sets by region: the measurements as they are, the rest drawn."""
    found = {}
    for region in objective.regions:
        if region == "data":
            assert data is not None
            found[region] = data
        else:
            found[region] = drawn(region)
        if region == "initial" and objective.carried is not None:
            found[region] = found[region]._replace(
                values=objective.carried(found[region].coordinates)
            )
    return found


def _block_size(objective: Objective) -> int:
    """Return the points per block: on a GPU nearly all, on a CPU what the cache holds."""
    if tf.config.get_visible_devices("GPU"):
        return 1 << 17
    width = max((int(n) for v in objective.network.trainable_variables for n in v.shape), default=1)
    return max(64, BLOCK_CHANNELS // (4 * width))
