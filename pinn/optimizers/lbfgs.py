"""L-BFGS of TensorFlow Probability, one iteration at a time inside one compiled loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow as tf
from tensorflow_probability.python.optimizer import lbfgs as tfp_lbfgs

from pinn.errors import InputError
from pinn.optimizers.interface import RUNNING, SEARCH_FAILED, Function, Optimizer, State
from pinn.optimizers.line_search import strong_wolfe


@dataclass(frozen=True, kw_only=True)
class LBFGS(Optimizer):
    """L-BFGS with Hager and Zhang's line search (tfp.optimizer.lbfgs_minimize; Nocedal & Wright, ch. 7).

    TFP's line search brackets a minimum before it looks at anything, which takes nearly three
    evaluations an iteration.  L-BFGS is scaled so that the whole step is mostly good: with
    `unit_step` it is tried first and taken where it meets the strong Wolfe conditions, and TFP's
    search does the rest.  TFP's own tests for convergence are off (they stop on one flat step even
    at a tolerance of 0); the loop outside makes them one by one, and so can tell which was met.

    Attributes:
        pairs: number of correction pairs that stand for the Hessian.
        line_search_iterations: most iterations of one line search.
        first_step: length of the first step of an empty memory (at most the gradient itself); TFP's
            own choice, the whole negative gradient, is `first_step=None`.
        unit_step: whether the whole step is tried first; False is TFP's algorithm to the bit.

    Raises:
        InputError: for numbers that are not positive.
    """

    label: ClassVar[str] = "L-BFGS"
    pairs: int = 50
    line_search_iterations: int = 50
    first_step: float | None = 1.0
    unit_step: bool = True

    def __post_init__(self) -> None:
        for name in ("pairs", "line_search_iterations", "first_step"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"LBFGS: {name}={value}; give a positive number.")

    def memory(
        self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return a memory whose first direction is the negative gradient, scaled.

        TFP cannot scale the first step, but one made-up pair (s, y) = (γ g, g) makes its inverse
        Hessian γ I along the gradient.  The pair is dropped as soon as a real one is there.
        """
        return made_up(gradient, shrink, self.pairs, self.first_step)

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Return the state after one iteration."""
        if not self.unit_step:
            return self._searched(function, state, batch)
        step = direction(
            state.memory["position_deltas"], state.memory["gradient_deltas"], state.gradient
        )
        loss, gradient = function(state.position + step, batch)
        slope, new_slope = tf.reduce_sum(step * state.gradient), tf.reduce_sum(step * gradient)
        tried = state._replace(evaluations=state.evaluations + 1)
        return tf.cond(
            strong_wolfe(state.loss, slope, loss, new_slope),
            lambda: self._stepped(tried, state.position + step, loss, gradient),
            lambda: self._searched(function, tried, batch),
        )

    def _searched(self, function: Function, state: State, batch: Any) -> State:
        """Return the state after one iteration of TFP's L-BFGS."""
        before = self.results(state)
        after = tfp_lbfgs.minimize(
            lambda position: function(position, batch),
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
        state = state._replace(evaluations=after.num_objective_evaluations)
        new = self._stepped(state, after.position, after.objective_value, after.objective_gradient)
        return new._replace(status=tf.where(after.failed, SEARCH_FAILED, RUNNING))

    def _stepped(
        self, state: State, position: tf.Tensor, loss: tf.Tensor, gradient: tf.Tensor
    ) -> State:
        """Return the state at a new position, which it has added to its pairs."""

        def pushed(queue: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
            kept = tf.where(state.memory["made_up"], tf.zeros_like(queue[1:]), queue[1:])
            return tf.concat([kept, [change]], 0)

        return state._replace(
            position=position,
            loss=loss,
            gradient=gradient,
            iterations=state.iterations + 1,
            step=tf.norm(position - state.position),
            memory={
                "position_deltas": pushed(
                    state.memory["position_deltas"], position - state.position
                ),
                "gradient_deltas": pushed(
                    state.memory["gradient_deltas"], gradient - state.gradient
                ),
                "made_up": tf.constant(False),
            },
        )

    def renewed(self, old: State, new: State) -> State:
        """Keep the pairs: the curvature of the loss on some points is nearly that on others.

        A pair that misleads costs one line search; an empty memory costs as many iterations as it
        has pairs.
        """
        return new._replace(memory=old.memory)

    def results(self, state: State) -> Any:
        """Return the state as TFP's results, from which `lbfgs_minimize` would go on.

        TFP reads the number of usable pairs off the number of iterations; unused ones are zero and
        do nothing, so a count that is one too high is harmless and the made-up pair is seen.
        """
        return tfp_lbfgs.LBfgsOptimizerResults(
            converged=tf.constant(False),
            failed=tf.constant(False),
            num_iterations=state.iterations + 1,
            num_objective_evaluations=state.evaluations,
            position=state.position,
            objective_value=state.loss,
            objective_gradient=state.gradient,
            position_deltas=state.memory["position_deltas"],
            gradient_deltas=state.memory["gradient_deltas"],
        )


@tf.function(autograph=False, jit_compile=True)
def made_up(
    gradient: tf.Tensor, shrink: tf.Tensor, pairs: int, first_step: float | None
) -> dict[str, tf.Tensor]:
    """Return a memory of `pairs` pairs, empty but for a made-up (γ g, g), whose first step is at most `first_step`."""
    factor = shrink
    if first_step is not None:
        norm = tf.norm(gradient)
        longest = tf.constant(first_step, gradient.dtype)
        factor = shrink * tf.where(norm > longest, longest / norm, tf.ones_like(norm))
    empty = tf.zeros([pairs - 1, gradient.shape[0]], gradient.dtype)
    return {
        "position_deltas": tf.concat([empty, [factor * gradient]], 0),
        "gradient_deltas": tf.concat([empty, [gradient]], 0),
        "made_up": tf.constant(True),
    }


def direction(
    position_deltas: tf.Tensor, gradient_deltas: tf.Tensor, gradient: tf.Tensor
) -> tf.Tensor:
    """Return −H g by the two-loop recursion (Nocedal & Wright, algorithm 7.4), newest pair last, zero pairs unused.

    It is TFP's direction, as one compiled program: there, two scans of small operations take longer
    than a whole evaluation of a small network.
    """
    count = position_deltas.shape[0]
    products = tf.reduce_sum(position_deltas * gradient_deltas, axis=1)

    def back(
        i: tf.Tensor, q: tf.Tensor, alphas: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        alpha = tf.math.divide_no_nan(tf.reduce_sum(position_deltas[i] * q), products[i])
        return (
            i - 1,
            q - alpha * gradient_deltas[i],
            tf.tensor_scatter_nd_update(alphas, [[i]], [alpha]),
        )

    def forth(i: tf.Tensor, r: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        beta = tf.math.divide_no_nan(tf.reduce_sum(gradient_deltas[i] * r), products[i])
        return i + 1, r + (alphas[i] - beta) * position_deltas[i]

    _, q, alphas = tf.while_loop(
        lambda i, *_: i >= 0,
        back,
        (tf.constant(count - 1), gradient, tf.zeros_like(products)),
        maximum_iterations=count,
    )
    scale = products[-1] / tf.reduce_sum(tf.square(gradient_deltas[-1]))
    _, r = tf.while_loop(
        lambda i, _: i < count, forth, (tf.constant(0), scale * q), maximum_iterations=count
    )
    return -r
