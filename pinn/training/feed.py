"""What the training loop is given: batches, and loss weights that follow the training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import tensorflow as tf

Arrays = Mapping[str, np.ndarray]
"""Arrays by name, which a checkpoint holds: adapted points by region, a scheme's memory."""

BatchT = TypeVar("BatchT")


class LossWeights(Protocol[BatchT]):
    """Weights of a loss that follow the training, in phases of single-step optimizers."""

    @property
    def every(self) -> int:
        """Iterations between two updates."""
        ...

    def initial_memory(self, batch: BatchT, /) -> Arrays:
        """Return the memory before the first update."""
        ...

    def update(self, position: tf.Tensor, batch: BatchT, memory: Arrays, /) -> Arrays:
        """Return the memory after an update at a position [p]."""
        ...

    def apply(self, batch: BatchT, memory: Arrays, /) -> BatchT:
        """Return a batch with the weights that belong to a memory."""
        ...


@dataclass(frozen=True)
class Feed(Generic[BatchT]):
    """Where the batches of a run come from; equal arguments give equal batches.

    Attributes:
        batch: (number of the draw, adapted points) -> batch.
        adapt: (number of the draw, position [p], adapted points) -> the points of that draw which
            follow the position; None: none do.
        weighting: how the weights of the loss follow the training; None: they are fixed.
        explain: called with (position [p], batch) where the loss is not finite at the start of a
            phase; may raise an error that says why.
    """

    batch: Callable[[int, Arrays], BatchT]
    adapt: Callable[[int, tf.Tensor, Arrays], Arrays] | None = None
    weighting: LossWeights[BatchT] | None = None
    explain: Callable[[tf.Tensor, BatchT], None] | None = None
