"""Whether a network fits a problem: by its number of outputs, and by its periods."""

from __future__ import annotations

import re

import keras
import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.errors import InputError
from pinn.problem import Problem

TOLERANCE = 1e-5  # of the difference between two ends of a period, relative to the largest value
_COLOR = r"\x1b\[\d+m"


def count_outputs(problem: Problem, network: keras.Model) -> int:
    """Return the number of a network's outputs.

    The network is evaluated at one point, which also builds it where it is not built yet.

    Raises:
        InputError: if the network does not map points [n, d] to one tensor [n, outputs].
    """
    lower, upper = problem.seen_bounds
    center = tf.constant([(lower + upper) / 2], network.variable_dtype)
    try:
        output = network(center, training=False)
    except Exception as error:  # a layer may raise any exception
        names = ", ".join(problem.coordinates)
        raise InputError(
            f"network: cannot take points ({names}) [n, {len(lower)}]: {_reason(error)}; "
            f"make it fit."
        ) from error
    if not tf.is_tensor(output) or output.shape.rank != 2:
        shape = getattr(output, "shape", type(output).__name__)
        raise InputError(f"network: gives {shape}; give one tensor [n, fields].")
    return int(output.shape[1])


def check_period(problem: Problem, network: keras.Model) -> None:
    """Check that a network has the periods which the problem requires of it.

    Raises:
        InputError: if the network's values differ at the two ends of a period.
    """
    lower, upper = problem.seen_bounds
    inside = lower + (upper - lower) * np.random.default_rng(0).random((8, len(lower)))

    def values(axis: int, end: float) -> Array:
        """Return the network's values at points that are moved to an end of a coordinate."""
        points = inside.copy()
        points[:, axis] = end
        return np.asarray(network(tf.constant(points, network.variable_dtype), training=False))

    for name in problem.periodic:
        axis = problem.coordinates.index(name)
        at_lower = values(axis, lower[axis])
        at_upper = values(axis, upper[axis])
        scale = np.max(np.abs(at_lower)) + np.finfo(at_lower.dtype).tiny
        if np.max(np.abs(at_lower - at_upper)) > TOLERANCE * scale:
            raise InputError(
                f"network: is not periodic in {name}, as {type(problem).__name__} asks; "
                f"embed it, as mlp's periodic=Periodic(coordinates=[{axis}]) does."
            )


def _reason(error: Exception) -> str:
    """Return the first line that says what went wrong; Keras puts a heading above it."""
    text = re.sub(_COLOR, "", str(error))
    for line in text.splitlines():
        if line and not line.startswith("Exception encountered"):
            return line
    return type(error).__name__
