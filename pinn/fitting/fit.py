"""L-BFGS, or any optimizer, for a plain Keras model or any function of one vector."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.fitting.supervised import supervised
from pinn.optimizers import LBFGS, Minimization, Optimizer, SumOfSquares
from pinn.optimizers.interface import Function, Shape, Subset
from pinn.runtime import set_xla_flags
from pinn.subsets import rows
from pinn.training import Callback, Feed, Phase, Progress, Report, StopRule, Trainer

MOST_EVALUATIONS = (
    60  # an iteration's line search is bounded by 50 steps, and brackets with a few more
)


@dataclass(frozen=True)
class Result:
    """What a minimization found and how.

    Attributes:
        position: the best position [p].
        loss: the loss there.
        start_loss: the loss at the start; where `loss` is no lower, `stop_reason` says why.
        iterations: iterations made.
        evaluations: evaluations of loss and gradient, of which a line search takes several an
            iteration.
        losses: the loss at the start and after every iteration.
        evaluated: the loss of every single evaluation, rejected trial steps included.
        seconds: wall-clock, compilation included.
        stop_reason: why it ended, in words.
    """

    position: np.ndarray
    loss: float
    start_loss: float
    iterations: int
    evaluations: int
    losses: np.ndarray
    evaluated: np.ndarray
    seconds: float
    stop_reason: str

    def __str__(self) -> str:
        return (
            f"loss {self.start_loss:.6g} -> {self.loss:.6g} in {self.iterations} iterations "
            f"({self.evaluations} evaluations, {self.seconds:.1f} s); {self.stop_reason}"
        )


def minimize(
    function: Function,
    position: Any,
    batch: Any = None,
    *,
    optimizer: Optimizer | None = None,
    shapes: Sequence[Shape] | None = None,
    subset: Subset[Any] | None = None,
    stop: StopRule | None = None,
    report_every: int = 100,
    callbacks: Sequence[Callback] = (),
) -> Result:
    """Minimize a function (position [p], batch) -> (loss, gradient [p]) of TensorFlow operations.

    Args:
        function: as said; it is traced once and runs inside one compiled loop.  `Residuals` for
            Gauss–Newton.
        position: the start [p].
        batch: passed on to the function; tensors, or None.
        optimizer: `LBFGS()` by default.
        shapes: of the variables that make up the flat vector, which `SOAP` takes for matrices.
        subset: how to take a subset of the batch, which `MultiBatchLBFGS` needs; `pinn.subsets.rows`
            for arrays [n, …] over whose rows the function is a mean.
        stop: budgets and tests; 1000 iterations by default.
        report_every: iterations between two calls of the callbacks (and checks of patience).
        callbacks: called with a Report; a string that one returns ends the minimization with that
            reason.

    Raises:
        InputError: if the loss is not finite at the start.
    """
    set_xla_flags()
    # Through NumPy: TensorFlow itself would make float32 of a list of Python numbers.
    start = position if tf.is_tensor(position) else tf.convert_to_tensor(np.asarray(position))
    log, losses, evaluated = _Log(start.dtype, capacity=report_every * MOST_EVALUATIONS), [], []

    def logged(at: tf.Tensor, data: Any) -> tuple[tf.Tensor, tf.Tensor]:
        loss, gradient = function(at, batch if batch is None else data)
        return log.keep(loss), gradient

    def collect(report: Report) -> None:
        losses.append(report.trace.loss.numpy())
        evaluated.append(log.take())

    phase = Phase(
        name="minimize",
        optimizer=optimizer or LBFGS(),
        stop=stop or StopRule(),
        report_every=report_every,
    )
    data = () if batch is None else batch
    begin = time.perf_counter()
    residuals = function if isinstance(function, SumOfSquares) else None
    minimization = Minimization(logged, residuals=residuals, shapes=shapes, subset=subset)
    progress = Progress()
    best = Trainer(minimization).run(
        start, [phase], Feed(lambda *_: data), progress, callbacks=[collect, *callbacks]
    )
    record = progress.records[-1]
    every = np.concatenate([*evaluated, log.take()])
    assert progress.state is not None
    return Result(
        position=best.numpy(),
        loss=float(progress.state.best_loss),
        start_loss=float(every[0]),
        iterations=record.iterations,
        evaluations=record.evaluations,
        losses=np.concatenate([every[:1], *losses]),
        evaluated=every,
        seconds=time.perf_counter() - begin,
        stop_reason=str(record.stop_reason),
    )


class _Log:
    """The losses of all evaluations of a chunk, kept inside the compiled loop, where Python never comes."""

    def __init__(self, dtype: tf.DType, *, capacity: int) -> None:
        self.losses = tf.Variable(tf.zeros([capacity], dtype), trainable=False)
        self.count = tf.Variable(tf.constant(0), trainable=False)

    def keep(self, loss: tf.Tensor) -> tf.Tensor:
        """Write a loss down and return it."""
        at = tf.minimum(self.count, self.losses.shape[0] - 1)
        with tf.control_dependencies(
            [self.losses.scatter_nd_update([[at]], [loss]), self.count.assign_add(1)]
        ):
            return tf.identity(loss)

    def take(self) -> np.ndarray:
        """Return what was written since the last call."""
        found = self.losses.numpy()[: int(self.count)]
        self.count.assign(0)
        return found


def fit(
    models: Any,
    inputs: Any,
    targets: Any,
    *,
    loss: str | Callable[[Any, Any], tf.Tensor] = "mse",
    block: int | None = None,
    **settings: Any,
) -> Result:
    """Fit a Keras model, or a list of models that share a loss, to data with L-BFGS; the weights end at the best.

    `loss` and `block` are those of `supervised`, further settings those of `minimize`.
    """
    objective = supervised(models, inputs, targets, loss=loss, block=block)
    settings = {"shapes": objective.flat.shapes, "subset": rows, **settings}
    result = minimize(
        objective.value_and_gradient, objective.flat.flatten(), objective.batch, **settings
    )
    objective.flat.assign(tf.constant(result.position))
    return result
