"""L-BFGS, or any optimizer, for a plain Keras model or any function of one vector."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.fitting.supervised import Loss, Models, supervised
from pinn.optimizers import LBFGS, Minimization, Optimizer, SumOfSquares
from pinn.optimizers.interface import Function, Shape, Subset
from pinn.runtime import set_xla_flags
from pinn.subsets import rows
from pinn.training import Callback, Feed, Phase, Progress, Report, StopRule, Trainer

# Per iteration: a line search is bounded by 50 steps, and brackets with a few more.
MOST_EVALUATIONS = 60


@dataclass(frozen=True)
class Result:
    """The result of a minimization.

    Attributes:
        position: the best position [p].
        loss: the loss there.
        start_loss: the loss at the start; where `loss` is no lower, `stop_reason` says why.
        iterations: number of iterations.
        evaluations: number of evaluations of loss and gradient; a line search takes several per
            iteration.
        losses: the loss at the start and after every iteration.
        evaluated: the loss of every evaluation, rejected trial steps included.
        seconds: wall-clock, compilation included.
        stop_reason: why it ended, in words.
    """

    position: Array
    loss: float
    start_loss: float
    iterations: int
    evaluations: int
    losses: Array
    evaluated: Array
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
    """Minimize a function of TensorFlow operations, (position [p], batch) -> (loss, gradient [p]).

    Args:
        function: the function; it is traced once and runs inside one compiled loop.  For
            Gauss–Newton, a `Residuals`.
        position: the start [p].
        batch: passed on to the function; tensors, or None.
        optimizer: `LBFGS()` by default.
        shapes: shapes of the variables that make up the flat vector, whose matrices `SOAP` needs.
        subset: how to take a subset of the batch, which `MultiBatchLBFGS` needs:
            `pinn.subsets.rows` for arrays [n, …] over whose rows the function is a mean.
        stop: budgets and tests; 1000 iterations by default.
        report_every: iterations between two calls of the callbacks (and tests of patience).
        callbacks: called with a Report; a string that a callback returns ends the minimization for
            that reason.

    Raises:
        InputError: if the loss is not finite at the start.
    """
    set_xla_flags()
    # Through NumPy: TensorFlow itself would turn a list of Python numbers into float32.
    start = position if tf.is_tensor(position) else tf.convert_to_tensor(np.asarray(position))
    log = _Log(start.dtype, capacity=report_every * MOST_EVALUATIONS)
    losses: list[Array] = []
    evaluated: list[Array] = []

    def logged(position: tf.Tensor, data: Any) -> tuple[tf.Tensor, tf.Tensor]:
        loss, gradient = function(position, batch if batch is None else data)
        return log.append(loss), gradient

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
    all_evaluated = np.concatenate([*evaluated, log.take()])
    assert progress.state is not None
    return Result(
        position=best.numpy(),
        loss=float(progress.state.best_loss),
        start_loss=float(all_evaluated[0]),
        iterations=record.iterations,
        evaluations=record.evaluations,
        losses=np.concatenate([all_evaluated[:1], *losses]),
        evaluated=all_evaluated,
        seconds=time.perf_counter() - begin,
        stop_reason=str(record.stop_reason),
    )


class _Log:
    """The losses of all evaluations of a chunk, recorded inside the compiled loop."""

    def __init__(self, dtype: tf.DType, *, capacity: int) -> None:
        self.losses = tf.Variable(tf.zeros([capacity], dtype), trainable=False)
        self.count = tf.Variable(tf.constant(0), trainable=False)

    def append(self, loss: tf.Tensor) -> tf.Tensor:
        """Record a loss and return it."""
        place = tf.minimum(self.count, self.losses.shape[0] - 1)
        record = self.losses.scatter_nd_update([[place]], [loss])
        with tf.control_dependencies([record, self.count.assign_add(1)]):
            return tf.identity(loss)

    def take(self) -> Array:
        """Return the losses since the last call."""
        losses = self.losses.numpy()[: int(self.count)]
        self.count.assign(0)
        return losses


def fit(
    models: Models,
    inputs: object,
    targets: object,
    *,
    loss: str | Loss = "mse",
    block: int | None = None,
    **settings: Any,
) -> Result:
    """Fit a Keras model, or a list of models that share a loss, to data with L-BFGS.

    The models end with the best parameters.  `loss` and `block` are those of `supervised`, further
    settings those of `minimize`.
    """
    objective = supervised(models, inputs, targets, loss=loss, block=block)
    settings = {"shapes": objective.flat.shapes, "subset": rows, **settings}
    result = minimize(
        objective.value_and_gradient, objective.flat.flatten(), objective.batch, **settings
    )
    objective.flat.assign(tf.constant(result.position))
    return result
