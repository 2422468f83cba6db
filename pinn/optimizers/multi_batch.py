"""L-BFGS on parts of the batch that change in every iteration and overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from pinn.errors import InputError
from pinn.optimizers.interface import (
    RUNNING,
    SEARCH_FAILED,
    TARGET,
    Function,
    Limits,
    Optimizer,
    Part,
    State,
    Stepper,
    judged,
)
from pinn.optimizers.lbfgs import direction, made_up
from pinn.optimizers.least_squares import SumOfSquares
from pinn.optimizers.line_search import DECREASE


@dataclass(frozen=True, kw_only=True)
class MultiBatchLBFGS(Optimizer):
    """Multi-batch L-BFGS (Berahas, Nocedal & Takáč 2016, arXiv:1605.06049).

    Iteration k works on a part Sₖ of the batch: Oₖ₋₁, which it shares with the last part, Nₖ, and
    Oₖ, which it shares with the next.  The parts go round and round the batch, by the number of the
    iteration alone.

        g = ω ∇L(Oₖ₋₁) + (1 − 2ω) ∇L(Nₖ) + ω ∇L(Oₖ),   d = −H g,   w⁺ = w + α d,   ω = overlap
        s = w⁺ − w,   y = ∇L(Oₖ)(w⁺) − ∇L(Oₖ)(w)

    Both gradients of a pair are on the same points, so that the change of parts does not pass for
    curvature. Pairs with yᵀs ≤ `curvature` |s|² are left out.  α is halved until the loss on Sₖ
    falls (Armijo).

    The loss and the gradient of a state are those on Oₖ, which the next iteration goes on with; so
    are the traces, and the tests for gradients and changes of the loss.  Every `check_every`
    iterations the loss of the whole batch is taken: by that the best position is chosen and
    `target_loss` tested.  An evaluation is one call of the function, on whatever piece: one or two
    an iteration (Oₖ, and Nₖ if ω < ½), and one for every piece of Sₖ at every step tried.

    It pays where the points are many and the loss still far from its end; there, parts say as much
    as the whole. Later the full batch overtakes: parts disagree about where the minimum is.

    Attributes:
        share: of the batch, that a part has.
        overlap: ω, the share of a part that it has in common with the next one; at ½ there is no
            Nₖ.
        pairs: number of correction pairs.
        step: the first α tried.
        backtracks: most halvings of α; 0 takes the step untested, as the paper does.
        first_step: length of the first step of an empty memory (at most the gradient itself).
        curvature: least yᵀs/|s|² of a pair that is used.
        check_every: iterations between two losses of the whole batch.

    Raises:
        InputError: for numbers out of range, or a batch of which no part can be taken.
    """

    label: ClassVar[str] = "multi-batch L-BFGS"
    share: float = 0.2
    overlap: float = 0.5
    pairs: int = 20
    step: float = 1.0
    backtracks: int = 20
    first_step: float = 1.0
    curvature: float = 1e-8
    check_every: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"MultiBatchLBFGS: share={self.share}; give a number in (0, 1].")
        if not 0 < self.overlap <= 0.5:
            raise InputError(f"MultiBatchLBFGS: overlap={self.overlap}; give a number in (0, 0.5].")
        for name, least in (("pairs", 1), ("backtracks", 0), ("check_every", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InputError(
                    f"MultiBatchLBFGS: {name}={value!r}; give a whole number of at least {least}."
                )
        for name in ("step", "first_step", "curvature"):
            if not getattr(self, name) > 0:
                raise InputError(
                    f"MultiBatchLBFGS: {name}={getattr(self, name)}; give a positive number."
                )

    def compile(
        self,
        function: Function,
        squares: SumOfSquares | None = None,
        *,
        part: Part | None = None,
        **_: Any,
    ) -> Stepper:
        """Return the compiled start, advance and restart for a function of a batch that has parts."""
        if part is None:
            raise InputError(
                "MultiBatchLBFGS: needs parts of the batch; use LBFGS, or give minimize(part=…)."
            )
        return _Stepper(_OnParts(settings=self, part=part), function)

    def memory(
        self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return a memory of one made-up pair (γ g, g), whose first direction is −γ g."""
        # The state's loss and gradient are still the whole batch's.
        return made_up(gradient, shrink, self.pairs, self.first_step) | {"whole": tf.constant(True)}

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Raise an error: the batch's parts are not known here."""
        raise InputError("MultiBatchLBFGS: needs parts of the batch; see MultiBatchLBFGS.compile.")


class _Trial(NamedTuple):
    """A step tried: its α, the loss on Sₖ there, loss and gradient on Oₖ, and how many halvings it took."""

    length: tf.Tensor
    value: tf.Tensor
    loss: tf.Tensor
    gradient: tf.Tensor  # [p]
    halvings: tf.Tensor


@dataclass(frozen=True, kw_only=True)
class _OnParts(Optimizer):
    """Multi-batch L-BFGS that knows how to take parts."""

    label: ClassVar[str] = MultiBatchLBFGS.label
    settings: MultiBatchLBFGS
    part: Part

    def memory(
        self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return an empty memory."""
        return self.settings.memory(position, gradient, shrink)

    def renewed(self, old: State, new: State) -> State:
        """Keep the pairs."""
        return new._replace(memory=old.memory | {"whole": tf.constant(True)})

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Return the state after one iteration; its loss and gradient are on the overlap with the next part."""
        pieces, whole = self.pieces(batch, state.iterations), state.memory["whole"]
        # The first piece was evaluated by the last iteration, but at a start.
        first = tf.cond(
            whole, lambda: function(state.position, pieces[0]), lambda: (state.loss, state.gradient)
        )
        found = [function(state.position, piece) for piece in pieces[1:]]
        value, gradient = self._joined([first, *found])
        step = direction(state.memory["position_deltas"], state.memory["gradient_deltas"], gradient)
        slope = tf.reduce_sum(step * gradient)
        trial = self._searched(function, state.position, step, (value, slope), pieces)
        change = trial.length * step
        calls = len(found) + tf.cast(whole, tf.int32)
        calls += 1 if self.settings.backtracks == 0 else (trial.halvings + 1) * len(pieces)
        lower = trial.value <= value + DECREASE * trial.length * slope
        failed = ~lower & (self.settings.backtracks > 0)
        return state._replace(
            position=state.position + change,
            loss=trial.loss,
            gradient=trial.gradient,
            iterations=state.iterations + 1,
            evaluations=state.evaluations + calls,
            step=tf.norm(change),
            status=tf.where(failed, SEARCH_FAILED, RUNNING),
            memory=self._remembered(state.memory, change, trial.gradient - found[-1][1]),
        )

    def pieces(self, batch: Any, number: tf.Tensor) -> list[Any]:
        """Return Oₖ₋₁, Nₖ (if there is one) and Oₖ of iteration `number`."""
        share, overlap = self.settings.share, self.settings.overlap
        start, ahead = ((tf.cast(number + i, tf.float64) * (share * (1 - overlap))) for i in (0, 1))
        found = [self.part(batch, start, share * overlap), self.part(batch, ahead, share * overlap)]
        if overlap < 0.5:
            found.insert(1, self.part(batch, start + share * overlap, share * (1 - 2 * overlap)))
        return found

    def _joined(self, found: list[tuple[tf.Tensor, tf.Tensor]]) -> tuple[tf.Tensor, tf.Tensor]:
        """Return loss and gradient on a part from those on its pieces."""
        overlap = self.settings.overlap
        weights = (overlap, 1 - 2 * overlap, overlap) if len(found) == 3 else (0.5, 0.5)
        loss, gradient = (
            tf.add_n([w * x for w, x in zip(weights, xs, strict=True)])
            for xs in zip(*found, strict=True)
        )
        return loss, gradient

    def _searched(
        self,
        function: Function,
        position: tf.Tensor,
        step: tf.Tensor,
        start: tuple[tf.Tensor, tf.Tensor],
        pieces: Any,
    ) -> _Trial:
        """Return the first of α, α/2, … at which the loss on the part falls, or the last one."""
        value, slope = start

        def tried(length: tf.Tensor, halvings: tf.Tensor) -> _Trial:
            tested = pieces if self.settings.backtracks else pieces[-1:]
            found = [function(position + length * step, piece) for piece in tested]
            there = self._joined(found)[0] if self.settings.backtracks else found[-1][0]
            return _Trial(length, there, *found[-1], halvings)

        first = tried(tf.constant(self.settings.step, position.dtype), tf.constant(0))
        if self.settings.backtracks == 0:
            return first
        (last,) = tf.while_loop(
            lambda t: (
                ~(t.value <= value + DECREASE * t.length * slope)
                & (t.halvings < self.settings.backtracks)
            ),
            lambda t: (tried(t.length / 2, t.halvings + 1),),
            (first,),
            parallel_iterations=1,
        )
        return last

    def _remembered(
        self, memory: dict[str, tf.Tensor], s: tf.Tensor, y: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return the memory with a pair, if it has curvature."""
        curved = tf.reduce_sum(s * y) > self.settings.curvature * tf.reduce_sum(s * s)

        def pushed(queue: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
            kept = tf.where(memory["made_up"], tf.zeros_like(queue[1:]), queue[1:])
            return tf.where(curved, tf.concat([kept, [change]], 0), queue)

        return {
            "position_deltas": pushed(memory["position_deltas"], s),
            "gradient_deltas": pushed(memory["gradient_deltas"], y),
            "made_up": memory["made_up"] & ~curved,
            "whole": tf.constant(False),
        }


class _Stepper(Stepper):
    """Judges by the whole batch now and then, not by the parts' losses, which are not to be compared."""

    optimizer: _OnParts

    def judge(self, old: State, new: State, batch: Any, limits: Limits) -> State:
        """Return the state after an iteration with its status, and every so often with a new best position."""
        found = judged(old, new, limits._replace(target=-tf.ones_like(limits.target)))
        found = found._replace(best_position=old.best_position, best_loss=old.best_loss)

        def checked() -> State:
            loss, _ = self.function(found.position, batch)
            better, reached = (
                loss < found.best_loss,
                (loss <= limits.target) & tf.equal(found.status, RUNNING),
            )
            return found._replace(
                best_position=tf.where(better, found.position, found.best_position),
                best_loss=tf.where(better, loss, found.best_loss),
                evaluations=found.evaluations + 1,
                status=tf.where(reached, TARGET, found.status),
            )

        due = tf.equal(tf.math.floormod(found.iterations, self.optimizer.settings.check_every), 0)
        return tf.cond(due, checked, lambda: found)
