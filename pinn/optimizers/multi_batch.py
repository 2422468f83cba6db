# pyright: strict, reportOperatorIssue=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
"""L-BFGS on subsets of the batch that change in every iteration and overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from pinn.errors import InputError
from pinn.optimizers.interface import (
    BatchT,
    BoundOptimizer,
    Function,
    Limits,
    Minimization,
    State,
    Status,
    Subset,
)
from pinn.optimizers.lbfgs import Pairs, append_pair, direction, first_pairs
from pinn.optimizers.line_search import DECREASE
from pinn.optimizers.loops import GraphOptimizer, judge
from pinn.optimizers.memories import require_memory_of_pairs
from pinn.settings import between, count, positive


class MultiBatchMemory(NamedTuple):
    """Correction pairs, and what the state's loss and gradient belong to."""

    pairs: Pairs
    on_batch: tf.Tensor  # whether loss and gradient are those on the whole batch, as at a start


@dataclass(frozen=True, kw_only=True)
class MultiBatchLBFGS(GraphOptimizer[MultiBatchMemory]):
    """Multi-batch L-BFGS (Berahas, Nocedal & Takáč 2016, arXiv:1605.06049).

    Iteration k works on a subset Sₖ of the batch: Oₖ₋₁, which it shares with the last subset, Nₖ,
    and Oₖ, which it shares with the next.  The subsets go through the batch periodically, by the
    number of the iteration alone.

        g = ω ∇L(Oₖ₋₁) + (1 − 2ω) ∇L(Nₖ) + ω ∇L(Oₖ),   d = −H g,   w⁺ = w + α d,   ω = overlap
        s = w⁺ − w,   y = ∇L(Oₖ)(w⁺) − ∇L(Oₖ)(w)

    Both gradients of a pair are on the same points, so that the change of subsets is not mistaken
    for curvature.  Pairs with yᵀs ≤ `curvature` |s|² are left out.  α is halved until the loss on
    Sₖ decreases sufficiently (Armijo).

    The loss and the gradient of a state are those on Oₖ, from which the next iteration continues;
    so are the traces, and the tests for gradients and changes of the loss.  Every `check_every`
    iterations the loss on the whole batch is evaluated, which decides the best position and
    `target_loss`.  An evaluation is one call of the function, on any of the sets: one or two per
    iteration (Oₖ, and Nₖ if ω < ½), and one for each set in Sₖ for every trial step.

    It pays off where the points are many and the loss is still far from converged; there, subsets
    say as much as the batch.  Later the full batch overtakes: subsets disagree about the minimum.

    Attributes:
        share: share of the batch that a subset has.
        overlap: ω, the share of a subset that it has in common with the next one; at ½ there is no
            Nₖ.
        pairs: number of correction pairs.
        step: the first α tried.
        backtracks: maximum number of halvings of α; 0 takes the step untested, as the paper does.
        first_step: length of the first step of an empty memory (at most the length of the
            gradient).
        curvature: least yᵀs/|s|² of a pair that is used.
        check_every: iterations between two losses on the whole batch.

    Raises:
        InputError: for numbers out of range, or a batch without subsets.
    """

    label: ClassVar[str] = "multi-batch L-BFGS"
    share: float = between(0, 1, 0.2, closed="right")
    overlap: float = between(0, 0.5, 0.5, closed="right")
    pairs: int = count(20)
    step: float = positive(1.0)
    backtracks: int = count(20, least=0)
    first_step: float = positive(1.0)
    curvature: float = positive(1e-8)
    check_every: int = count(10)

    def bind(self, minimization: Minimization[BatchT]) -> BoundOptimizer[MultiBatchMemory, BatchT]:
        """Return the optimizer bound to a minimization that has subsets.

        Raises:
            InputError: where there is no way to take a subset of the batch.
        """
        _subset_of(minimization)
        return super().bind(minimization)

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> MultiBatchMemory:
        """Return a memory whose first direction is the negative gradient, scaled."""
        pairs = first_pairs(gradient, shrink, self.pairs, self.first_step)
        return MultiBatchMemory(pairs, on_batch=tf.constant(True))

    def validate(self, size: int, dtype: str) -> None:
        """Raise an InputError where the pairs do not fit into the machine's memory."""
        require_memory_of_pairs(self.pairs, size, dtype)

    def renew_memory(self, old: MultiBatchMemory, fresh: MultiBatchMemory) -> MultiBatchMemory:
        """Return the old pairs."""
        return MultiBatchMemory(old.pairs, on_batch=fresh.on_batch)

    def iterate(
        self, minimization: Minimization[BatchT], state: State[MultiBatchMemory], batch: BatchT
    ) -> State[MultiBatchMemory]:
        """Return the state after one iteration, with loss and gradient on Oₖ."""
        function = minimization.function
        sets = self.sets(_subset_of(minimization), batch, state.iterations)
        on_batch = state.memory.on_batch
        # The last iteration has evaluated the first set, unless it was a start.
        first = tf.cond(
            on_batch,
            lambda: function(state.position, sets[0]),
            lambda: (state.loss, state.gradient),
        )
        others = _evaluate(function, state.position, sets[1:])
        value, gradient = self._combine([first, *others])
        # Search along −H g.
        step = direction(state.memory.pairs, gradient)
        slope = tf.reduce_sum(step * gradient)
        trial = self._backtrack(function, state.position, step, (value, slope), sets)
        change = trial.length * step
        lower = trial.value <= value + DECREASE * trial.length * slope
        failed = ~lower & (self.backtracks > 0)
        calls = len(others) + tf.cast(on_batch, tf.int32)
        calls += 1 if self.backtracks == 0 else (trial.halvings + 1) * len(sets)
        # The pair is the difference on the overlap with the next subset.
        pairs = self._append(state.memory.pairs, change, trial.gradient - others[-1][1])
        return state._replace(
            position=state.position + change,
            loss=trial.loss,
            gradient=trial.gradient,
            iterations=state.iterations + 1,
            evaluations=state.evaluations + calls,
            step=tf.norm(change),
            status=tf.where(failed, Status.SEARCH_FAILED, Status.RUNNING),
            memory=MultiBatchMemory(pairs, on_batch=tf.constant(False)),
        )

    def judge(
        self,
        minimization: Minimization[BatchT],
        old: State[MultiBatchMemory],
        new: State[MultiBatchMemory],
        batch: BatchT,
        limits: Limits,
    ) -> State[MultiBatchMemory]:
        """Return the state with its status, and now and then the best position so far.

        Losses on different subsets do not compare; the whole batch decides.
        """
        judged = judge(old, new, limits._replace(target=-tf.ones_like(limits.target)))
        judged = judged._replace(best_position=old.best_position, best_loss=old.best_loss)

        def check() -> State[MultiBatchMemory]:
            loss, _ = minimization.function(judged.position, batch)
            better = loss < judged.best_loss
            reached = (loss <= limits.target) & tf.equal(judged.status, Status.RUNNING)
            return judged._replace(
                best_position=tf.where(better, judged.position, judged.best_position),
                best_loss=tf.where(better, loss, judged.best_loss),
                evaluations=judged.evaluations + 1,
                status=tf.where(reached, Status.TARGET, judged.status),
            )

        due = tf.equal(tf.math.floormod(judged.iterations, self.check_every), 0)
        return tf.cond(due, check, lambda: judged)

    def sets(self, subset: Subset[BatchT], batch: BatchT, number: tf.Tensor) -> list[BatchT]:
        """Return Oₖ₋₁, Nₖ (if there is one) and Oₖ of iteration `number`."""
        stride = self.share * (1 - self.overlap)
        common = self.share * self.overlap
        start = tf.cast(number, tf.float64) * stride
        following = tf.cast(number + 1, tf.float64) * stride
        sets = [subset(batch, start, common)]
        if self.overlap < 0.5:
            sets.append(subset(batch, start + common, self.share * (1 - 2 * self.overlap)))
        sets.append(subset(batch, following, common))
        return sets

    def _combine(
        self, values: Sequence[tuple[tf.Tensor, tf.Tensor]]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return loss and gradient on a subset from those on its sets."""
        shares = (0.5, 0.5)
        if len(values) == 3:
            shares = (self.overlap, 1 - 2 * self.overlap, self.overlap)
        losses: list[tf.Tensor] = []
        gradients: list[tf.Tensor] = []
        for share, (loss, gradient) in zip(shares, values, strict=True):
            losses.append(share * loss)
            gradients.append(share * gradient)
        return tf.add_n(losses), tf.add_n(gradients)

    def _backtrack(
        self,
        function: Function[BatchT],
        position: tf.Tensor,
        step: tf.Tensor,
        start: tuple[tf.Tensor, tf.Tensor],
        sets: Sequence[BatchT],
    ) -> _Trial:
        """Return the first of α, α/2, … at which the loss on Sₖ decreases, or the last one."""
        value, slope = start

        def attempt(length: tf.Tensor, halvings: tf.Tensor) -> _Trial:
            tested = sets if self.backtracks else sets[-1:]
            values = _evaluate(function, position + length * step, tested)
            loss, gradient = values[-1]
            subset_loss = self._combine(values)[0] if self.backtracks else loss
            return _Trial(length, subset_loss, loss, gradient, halvings)

        def too_long(trial: _Trial) -> tf.Tensor:
            lower = trial.value <= value + DECREASE * trial.length * slope
            return ~lower & (trial.halvings < self.backtracks)

        def halve(trial: _Trial) -> tuple[_Trial]:
            return (attempt(trial.length / 2, trial.halvings + 1),)

        first = attempt(tf.constant(self.step, position.dtype), tf.constant(0))
        if self.backtracks == 0:
            return first
        (last,) = tf.while_loop(too_long, halve, (first,), parallel_iterations=1)
        return last

    def _append(self, pairs: Pairs, s: tf.Tensor, y: tf.Tensor) -> Pairs:
        """Return the pairs with a new one, if it has curvature."""
        curved = tf.reduce_sum(s * y) > self.curvature * tf.reduce_sum(s * s)
        appended = append_pair(pairs, s, y)
        return tf.nest.map_structure(lambda a, b: tf.where(curved, a, b), appended, pairs)


class _Trial(NamedTuple):
    """A trial step: its α, the loss on Sₖ, loss and gradient on Oₖ, and the number of halvings."""

    length: tf.Tensor
    value: tf.Tensor
    loss: tf.Tensor
    gradient: tf.Tensor  # [p]
    halvings: tf.Tensor


def _subset_of(minimization: Minimization[BatchT]) -> Subset[BatchT]:
    if minimization.subset is None:
        raise InputError(
            "MultiBatchLBFGS: needs subsets of the batch; use LBFGS, or give minimize(subset=…)."
        )
    return minimization.subset


def _evaluate(
    function: Function[BatchT], position: tf.Tensor, sets: Sequence[BatchT]
) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Return loss and gradient on each of several sets of points."""
    values: list[tuple[tf.Tensor, tf.Tensor]] = []
    for points in sets:
        values.append(function(position, points))
    return values
