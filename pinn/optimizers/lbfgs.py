# pyright: strict, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUntypedFunctionDecorator=false
"""L-BFGS of TensorFlow Probability, one iteration at a time inside one compiled loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf
from tensorflow_probability.python.optimizer import lbfgs as tfp_lbfgs

from pinn.arrays import static_size
from pinn.optimizers.interface import BatchT, Minimization, State, Status
from pinn.optimizers.line_search import strong_wolfe
from pinn.optimizers.loops import GraphOptimizer
from pinn.optimizers.memories import require_memory_of_pairs
from pinn.settings import count, positive


class Pairs(NamedTuple):
    """Correction pairs (s, y), the newest last; pairs of zeros are unused."""

    position_deltas: tf.Tensor  # s [pairs, p]
    gradient_deltas: tf.Tensor  # y [pairs, p]
    artificial: tf.Tensor  # whether the only pair is the one of `first_pairs`


@dataclass(frozen=True, kw_only=True)
class LBFGS(GraphOptimizer[Pairs]):
    """L-BFGS with Hager and Zhang's line search (Nocedal & Wright, ch. 7).

    The line search and its safeguards are those of tfp.optimizer.lbfgs_minimize.

    TFP's line search brackets a minimum before anything else, which takes nearly three evaluations
    per iteration.  L-BFGS is scaled so that the unit step is mostly good: with `unit_step` it is
    tried first and taken where it meets the strong Wolfe conditions, and TFP's search does the
    rest.  TFP's own convergence tests are off, since they stop on one flat step even at a tolerance
    of 0; the loop outside makes the tests one by one, and therefore knows which was met.

    Attributes:
        pairs: number of correction pairs that represent the Hessian.
        line_search_iterations: maximum number of iterations of one line search.
        first_step: length of the first step of an empty memory (at most the length of the
            gradient); TFP's own choice, the whole negative gradient, is `first_step=None`.
        unit_step: whether the unit step is tried first; with False it is TFP's algorithm, bit by
            bit.

    Raises:
        InputError: for numbers that are not positive.
    """

    label: ClassVar[str] = "L-BFGS"
    pairs: int = count(50)
    line_search_iterations: int = count(50)
    first_step: float | None = positive(1.0)
    unit_step: bool = True

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> Pairs:
        """Return a memory whose first direction is the negative gradient, scaled."""
        return first_pairs(gradient, shrink, self.pairs, self.first_step)

    def validate(self, size: int, dtype: str) -> None:
        """Raise an InputError where the pairs do not fit into the machine's memory."""
        require_memory_of_pairs(self.pairs, size, dtype)

    def renew_memory(self, old: Pairs, fresh: Pairs) -> Pairs:
        """Return the old pairs: the curvature of the loss on some points is nearly that on others.

        A misleading pair costs one line search; an empty memory costs as many iterations as it has
        pairs.
        """
        return old

    def iterate(
        self, minimization: Minimization[BatchT], state: State[Pairs], batch: BatchT
    ) -> State[Pairs]:
        """Return the state after one iteration."""
        if not self.unit_step:
            return self._search(minimization, state, batch)
        # Try the unit step along −H g.
        step = direction(state.memory, state.gradient)
        loss, gradient = minimization.function(state.position + step, batch)
        slope = tf.reduce_sum(step * state.gradient)
        new_slope = tf.reduce_sum(step * gradient)
        tried = state._replace(evaluations=state.evaluations + 1)
        # Take it if it meets the strong Wolfe conditions, else search.
        return tf.cond(
            strong_wolfe(state.loss, slope, loss, new_slope),
            lambda: _step_to(tried, state.position + step, loss, gradient),
            lambda: self._search(minimization, tried, batch),
        )

    def _search(
        self, minimization: Minimization[BatchT], state: State[Pairs], batch: BatchT
    ) -> State[Pairs]:
        """Return the state after one iteration of TFP's L-BFGS."""
        before = tfp_results(state)
        after = tfp_lbfgs.minimize(
            lambda position: minimization.function(position, batch),
            initial_position=None,
            previous_optimizer_results=before,
            max_iterations=before.num_iterations + 1,
            num_correction_pairs=self.pairs,
            tolerance=-1,
            x_tolerance=-1,
            f_relative_tolerance=-1,
            f_absolute_tolerance=-1,
            max_line_search_iterations=self.line_search_iterations,
        )
        searched = state._replace(evaluations=after.num_objective_evaluations)
        new = _step_to(searched, after.position, after.objective_value, after.objective_gradient)
        return new._replace(status=tf.where(after.failed, Status.SEARCH_FAILED, Status.RUNNING))


def _step_to(
    state: State[Pairs], position: tf.Tensor, loss: tf.Tensor, gradient: tf.Tensor
) -> State[Pairs]:
    """Return the state at a new position [p], with the pair of the step to it."""
    change = position - state.position
    return state._replace(
        position=position,
        loss=loss,
        gradient=gradient,
        iterations=state.iterations + 1,
        step=tf.norm(change),
        memory=append_pair(state.memory, change, gradient - state.gradient),
    )


def tfp_results(state: State[Pairs]) -> Any:
    """Return the state as TFP's results, from which `lbfgs_minimize` would go on.

    TFP infers the number of usable pairs from the number of iterations.  Unused pairs are zero and
    have no effect, so a count that is one too high is harmless, and includes the artificial pair.
    """
    return tfp_lbfgs.LBfgsOptimizerResults(
        converged=tf.constant(False),
        failed=tf.constant(False),
        num_iterations=state.iterations + 1,
        num_objective_evaluations=state.evaluations,
        position=state.position,
        objective_value=state.loss,
        objective_gradient=state.gradient,
        position_deltas=state.memory.position_deltas,
        gradient_deltas=state.memory.gradient_deltas,
    )


@tf.function(autograph=False, jit_compile=True)
def first_pairs(
    gradient: tf.Tensor, shrink: tf.Tensor, pairs: int, first_step: float | None
) -> Pairs:
    """Return `pairs` pairs, unused except for an artificial one.

    The first step by them is at most `first_step` long.

    TFP cannot scale the first step, but one artificial pair (s, y) = (γ g, g) makes its inverse
    Hessian approximation γ I along the gradient.  The first real pair replaces it.
    """
    factor = shrink
    if first_step is not None:
        norm = tf.norm(gradient)
        longest = tf.constant(first_step, gradient.dtype)
        factor = shrink * tf.where(norm > longest, longest / norm, tf.ones_like(norm))
    empty = tf.zeros([pairs - 1, static_size(gradient)], gradient.dtype)
    return Pairs(
        position_deltas=tf.concat([empty, [factor * gradient]], 0),
        gradient_deltas=tf.concat([empty, [gradient]], 0),
        artificial=tf.constant(True),
    )


def append_pair(pairs: Pairs, s: tf.Tensor, y: tf.Tensor) -> Pairs:
    """Return the pairs with (s [p], y [p]) instead of the oldest or of the artificial one."""

    def append(rows: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
        recent = tf.where(pairs.artificial, tf.zeros_like(rows[1:]), rows[1:])
        return tf.concat([recent, [new]], 0)

    return Pairs(
        position_deltas=append(pairs.position_deltas, s),
        gradient_deltas=append(pairs.gradient_deltas, y),
        artificial=tf.constant(False),
    )


def direction(pairs: Pairs, gradient: tf.Tensor) -> tf.Tensor:
    """Return −H g [p] by the two-loop recursion (Nocedal & Wright, algorithm 7.4).

    It is TFP's direction, as one compiled program: TFP's two scans of small operations take longer
    than a whole evaluation of a small network.
    """
    position_deltas, gradient_deltas = pairs.position_deltas, pairs.gradient_deltas
    count = static_size(position_deltas)
    products = tf.reduce_sum(position_deltas * gradient_deltas, axis=1)

    def backward(
        i: tf.Tensor, q: tf.Tensor, alphas: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        alpha = tf.math.divide_no_nan(tf.reduce_sum(position_deltas[i] * q), products[i])
        alphas = tf.tensor_scatter_nd_update(alphas, [[i]], [alpha])
        return i - 1, q - alpha * gradient_deltas[i], alphas

    def forward(i: tf.Tensor, r: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        beta = tf.math.divide_no_nan(tf.reduce_sum(gradient_deltas[i] * r), products[i])
        return i + 1, r + (alphas[i] - beta) * position_deltas[i]

    # From the newest pair to the oldest.
    _, q, alphas = tf.while_loop(
        lambda i, *_: i >= 0,
        backward,
        (tf.constant(count - 1), gradient, tf.zeros_like(products)),
        maximum_iterations=count,
    )
    # The initial inverse Hessian approximation is a scaled identity (ibid., equation 7.20).
    scale = products[-1] / tf.reduce_sum(tf.square(gradient_deltas[-1]))
    # From the oldest pair to the newest.
    _, r = tf.while_loop(
        lambda i, _: i < count, forward, (tf.constant(0), scale * q), maximum_iterations=count
    )
    return -r
