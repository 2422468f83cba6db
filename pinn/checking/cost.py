"""What an iteration costs: seconds and memory, estimated without compiling the loss."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.derivatives import plan
from pinn.objective import Objective
from pinn.optimizers import BFGS, SSBroyden
from pinn.setup.setup import Setup
from pinn.versions import peak_memory

ROWS = 4096  # of the layer that is timed
REPEATS = 8  # of which the fastest counts
PASSES = 3  # the gradient costs about twice as much as the loss


class Cost(NamedTuple):
    """What an iteration costs.

    Attributes:
        seconds: per evaluation of the loss and its gradient, roughly.
        memory: the largest memory of this process so far, in bytes.
        matrix: the memory of the matrix of a quasi-Newton optimizer, in bytes.
        parameters: number of parameters.
    """

    seconds: float
    memory: float
    matrix: float
    parameters: int


def cost(setup: Setup, objective: Objective, points: Mapping[str, Array]) -> Cost:
    """Return what an iteration costs.

    A point takes as many rows of every layer as the jets of its region have components, and one
    more for every quadrature node of its integrals.  One layer
    of the network's width is timed, with tanh, as it runs on this machine.

    Args:
        setup: the setup, whose phases name the optimizers.
        objective: its loss.
        points: coordinates [n, d] by region.
    """
    kernels = [v.shape for v in objective.network.trainable_variables if len(v.shape) == 2]
    width = max((shape[-1] for shape in kernels), default=1)
    size = objective.flat.size
    rows = 0
    for region, coordinates in points.items():
        symbols = [s for term in objective.terms if term.region == region for s in term.symbols]
        jets = plan(symbols, space=objective.problem.space.coordinates)
        nodes = objective.nodes(region)
        rows += len(coordinates) * (len(jets.indices) + bool(jets.operator) + nodes - 1)
    layers = size / width**2
    quadratic = any(isinstance(phase.optimizer, BFGS | SSBroyden) for phase in setup.phases)
    return Cost(
        seconds=PASSES * layers * rows / ROWS * _layer_seconds(width, objective.dtype),
        memory=peak_memory(resource.getrusage(resource.RUSAGE_SELF)),
        matrix=float(size) ** 2 * objective.flat.dtype.size if quadratic else 0.0,
        parameters=size,
    )


def _layer_seconds(width: int, dtype: str) -> float:
    """Return the seconds that a layer of a width takes for `ROWS` rows."""
    rng = np.random.default_rng(0)
    values = tf.constant(rng.standard_normal((ROWS, width)), dtype)
    kernel = tf.constant(rng.standard_normal((width, width)), dtype)
    times: list[float] = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        tf.tanh(values @ kernel).numpy()  # waits for a GPU
        times.append(time.perf_counter() - begin)
    return min(times)
