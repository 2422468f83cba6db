"""L-BFGS of TensorFlow Probability, one iteration at a time inside one compiled loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow as tf
from tensorflow_probability.python.optimizer import lbfgs as tfp_lbfgs

from pinn.errors import InputError
from pinn.optimizers.minimizer import RUNNING, SEARCH_FAILED, Function, Minimizer, State


@dataclass(frozen=True, kw_only=True)
class LBFGS(Minimizer):
    """L-BFGS with Hager and Zhang's line search (tfp.optimizer.lbfgs_minimize; Nocedal & Wright, ch. 7).

    TFP's own tests for convergence are off (they stop on one flat step even at a tolerance of 0); the
    loop outside makes them, one by one, and so can tell which one was met.

    Attributes:
        pairs: number of correction pairs that stand for the Hessian.
        line_search_iterations: most iterations of one line search.
        first_step: length of the first step of an empty memory (at most the gradient itself); TFP's own
            choice, the whole negative gradient, is `first_step=None`.

    Raises:
        InputError: for numbers that are not positive.
    """

    label: ClassVar[str] = "L-BFGS"
    pairs: int = 50
    line_search_iterations: int = 50
    first_step: float | None = 1.0

    def __post_init__(self) -> None:
        for name in ("pairs", "line_search_iterations", "first_step"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"LBFGS: {name}={value}; give a positive number.")

    def memory(self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return a memory whose first direction is the negative gradient, scaled.

        TFP cannot scale the first step, but one made-up pair (s, y) = (γ g, g) makes its inverse Hessian
        γ I along the gradient.  The pair is dropped as soon as a real one is there.
        """
        factor = shrink
        if self.first_step is not None:
            norm = tf.norm(gradient)
            longest = tf.constant(self.first_step, gradient.dtype)
            factor = shrink * tf.where(norm > longest, longest / norm, tf.ones_like(norm))
        empty = tf.zeros([self.pairs - 1, position.shape[0]], position.dtype)
        return {
            "position_deltas": tf.concat([empty, [factor * gradient]], 0),
            "gradient_deltas": tf.concat([empty, [gradient]], 0),
            "made_up": tf.constant(True),
        }

    def iterate(self, function: Function, state: State, batch: Any) -> State:
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
        keep = tf.where(state.memory["made_up"], 1, self.pairs)  # pairs that are real
        real = (tf.range(self.pairs) >= self.pairs - keep)[:, None]
        zero = tf.zeros([], state.position.dtype)
        return state._replace(
            position=after.position,
            loss=after.objective_value,
            gradient=after.objective_gradient,
            iterations=state.iterations + 1,
            evaluations=after.num_objective_evaluations,
            step=tf.norm(after.position - state.position),
            status=tf.where(after.failed, SEARCH_FAILED, RUNNING),
            memory={
                "position_deltas": tf.where(real, after.position_deltas, zero),
                "gradient_deltas": tf.where(real, after.gradient_deltas, zero),
                "made_up": tf.constant(False),
            },
        )

    def results(self, state: State) -> Any:
        """Return the state as TFP's results, from which `lbfgs_minimize` would go on.

        TFP reads the number of usable pairs off the number of iterations; unused ones are zero and do
        nothing, so a count that is one too high is harmless and the made-up pair is seen.
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
