"""The points of a stage: training points draw by draw, and the held-out points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from pinn.geometry import is_data
from pinn.objective import (
    FIRST_STAGE,
    Batch,
    DataSets,
    Objective,
    PointSet,
    ResidualSize,
    StageParameters,
    cut_into_blocks,
    draw,
)
from pinn.problem import Problem
from pinn.sampling import weighted_choice
from pinn.seeds import branch
from pinn.setup.points import FOLLOWED, Points
from pinn.setup.stages import Handover
from pinn.versions import cores

Arrays = Mapping[str, np.ndarray]

SHARES = "shares"  # of the points that follow the residuals, among adapted arrays
FIRST_SHARE = 0.5  # of the count, with which RAR-D starts
ADDED_SHARE = 0.05  # of the count, which RAR-D adds at every redraw
BLOCK_CHANNELS = 20_000  # values per block and hidden layer, which fit a core's L2 cache
GPU_BLOCK = 1 << 17  # points


class Draws:
    """The points of a stage.  Draws have no state: equal arguments give equal points.

    Args:
        points: how many points there are, and how they are drawn.
        objective: the loss.
        data: the measurements, by region.
        seed: of the run.
        problem: the problem in this stage; None: the objective's.
        parameters: the parameters of the stage.
        handover: the initial condition of a window after the first; None without windows.
        size: the objective's residual sizes, where its programs are shared; None: new ones.
        rows: residuals of a draw, at least; all counts grow by one factor to give so many, and
            held-out points are as many as those of a draw, so that one program serves both.

    Raises:
        InputError: for points that do not fit the objective.
    """

    def __init__(
        self,
        points: Points,
        objective: Objective,
        data: DataSets | None = None,
        *,
        seed: int,
        problem: Problem | None = None,
        parameters: StageParameters = FIRST_STAGE,
        handover: Handover | None = None,
        size: ResidualSize | None = None,
        rows: int = 0,
    ) -> None:
        points.check(objective)
        self.points = points
        self.objective = objective
        self.data = data
        self.seed = seed
        self.problem = problem or objective.problem
        self.parameters = parameters
        self.handover = handover
        self._size = size or ResidualSize(objective, FOLLOWED)
        self.rows = rows
        drawn = [t.region for t in objective.terms if not is_data(t.region)]
        self._factor = max(1.0, rows / sum(map(self._declared, drawn)))

    def sets(self, number: int, adapted: Arrays) -> dict[str, PointSet]:
        """Return the point sets of draw `number` by region; measurements are always the same.

        Args:
            number: of the draw; every number gives other points.
            adapted: coordinates [n, d] of points that followed the residuals, by region.
        """
        sets = self._by_region(lambda region: self._drawn(region, number))
        if self.points.adaptive == "rar_d" and FOLLOWED not in adapted:
            first = math.ceil(FIRST_SHARE * self._count(FOLLOWED))
            adapted = {FOLLOWED: sets[FOLLOWED].coordinates[:first]}
        if FOLLOWED in adapted:
            found = PointSet(adapted[FOLLOWED], shares=adapted.get(SHARES))
            sets[FOLLOWED] = found.located(self.problem)
        return sets

    def held_out_sets(
        self, number: int = 0, *, between: tuple[int, int] | None = None
    ) -> dict[str, PointSet]:
        """Return uniform points that no draw uses; measurements stand for themselves.

        Args:
            number: every number gives other points.
            between: points of a region, at least and at most; None: the held-out share of its count
                alone tells.
        """

        def drawn(region: str) -> PointSet:
            share = int(self.points.heldout * self._declared(region))
            if self.rows:
                share = self._count(region)
            elif between is not None:
                share = min(max(share, between[0]), between[1])
            count = max(1, share, len(self.problem.faces))
            return draw(
                self.problem,
                region,
                count,
                method="uniform",
                seed=branch(self.seed, "held-out points"),
                number=number,
            )

        return self._by_region(drawn)

    def batch(self, number: int, adapted: Arrays) -> Batch:
        """Return the batch of draw `number`."""
        return self.cut(self.sets(number, adapted))

    def held_out(self, number: int = 0, *, between: tuple[int, int] | None = None) -> Batch:
        """Return the batch of the held-out points, as `held_out_sets` draws them."""
        return self.cut(self.held_out_sets(number, between=between), grows=False)

    def cut(self, sets: Mapping[str, PointSet], *, grows: bool = True) -> Batch:
        """Return point sets as a batch, cut into blocks for this machine.

        Args:
            sets: the point sets by region.
            grows: whether there must be places for all points of a set that grows.
        """
        size = _block_size(self.objective)
        weighed = sum(points.weighed for points in sets.values())
        threads = 1 if tf.config.get_visible_devices("GPU") else cores()
        blocks = {}
        for region, points in sets.items():
            full = grows and self.points.adaptive != "none" and region == FOLLOWED
            blocks[region] = cut_into_blocks(
                points,
                threads=threads,
                size=self.points.block or max(1, size // self.objective.nodes(region)),
                dtype=self.objective.dtype,
                capacity=self._count(FOLLOWED) if full else 0,
                weighed=weighed,
            )
        return self.objective.batch(blocks, self.parameters)

    def adapt(self, number: int, theta: tf.Tensor, adapted: Arrays) -> Arrays:
        """Return the points of draw `number` that follow the residuals, given those of the last.

        Where they are weighed, their shares [n] are among them, as `SHARES`.

        Args:
            number: of the draw.
            theta: where the residuals are evaluated [p].
            adapted: coordinates [n, d] by region of the last draw.
        """
        if self.points.adaptive == "none":
            return {}
        count = self._count(FOLLOWED)
        if self.points.adaptive in ("rad", "importance"):
            rows, shares = self._following(number, theta, count)
            weighed = self.points.adaptive == "importance"
            return {FOLLOWED: rows, SHARES: shares} if weighed else {FOLLOWED: rows}
        old = self.sets(number - 1, adapted)[FOLLOWED].coordinates
        if self.points.adaptive == "r3":
            # Points of large residuals stay; the others are drawn anew.
            sizes = self._size(theta, old, self.parameters)
            retained = old[sizes > np.mean(sizes)]
            new = self._candidates(number, count)[: count - len(retained)]
            return {FOLLOWED: np.concatenate([retained, new])}
        added = min(math.ceil(ADDED_SHARE * count), count - len(old))
        if not added:
            return dict(adapted)
        return {FOLLOWED: np.concatenate([old, self._following(number, theta, added)[0]])}

    def _following(
        self, number: int, theta: tf.Tensor, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return points [count, d] with a density that follows the residuals, and their shares."""
        candidates = self._candidates(number, self.points.candidates * count)
        chosen, shares = weighted_choice(
            self._size(theta, candidates, self.parameters),
            count,
            power=self.points.power,
            offset=self.points.offset,
            seed=(self.seed, number),
        )
        return candidates[chosen], shares

    def _count(self, region: str) -> int:
        """Return the number of points of a region in a draw."""
        return math.ceil(self._factor * self._declared(region))

    def _declared(self, region: str) -> int:
        """Return the number of points of a region according to the settings."""
        nodes = self.objective.nodes(region) if region in self.objective.regions else 1
        return self.points.count(region, self.problem, nodes)

    def _candidates(self, number: int, count: int) -> np.ndarray:
        method = self.points.method
        points = draw(self.problem, FOLLOWED, count, method=method, seed=self.seed, number=number)
        return points.coordinates

    def _drawn(self, region: str, number: int) -> PointSet:
        return draw(
            self.problem,
            region,
            self._count(region),
            method=self.points.method,
            seed=self.seed,
            number=number,
        )

    def _by_region(self, drawn: Callable[[str], PointSet]) -> dict[str, PointSet]:
        """Return the objective's point sets by region: the measurements, and what is drawn."""
        sets = {}
        for region in self.objective.regions:
            if is_data(region):
                assert self.data is not None
                sets[region] = self.data[region]
            else:
                sets[region] = drawn(region)
            if region == "initial" and self.handover is not None:
                values = self.handover(sets[region].coordinates)
                sets[region] = sets[region]._replace(values=values)
        return sets


def _block_size(objective: Objective) -> int:
    """Return the points per block: nearly all on a GPU, what the cache holds on a CPU."""
    if tf.config.get_visible_devices("GPU"):
        return GPU_BLOCK
    sizes = [int(n) for v in objective.network.trainable_variables for n in v.shape]
    return max(64, BLOCK_CHANNELS // (4 * max(sizes, default=1)))
