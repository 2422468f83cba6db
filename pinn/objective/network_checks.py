"""Whether a network fits a problem: by its outputs, and by its periods."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.problem import Problem


def outputs(problem: Problem, network: keras.Model) -> int:
    """Return the number of a network's outputs, found by a call, which also builds it where that is yet to be done."""
    lower, upper = problem.bounds
    names, point = (
        ", ".join(problem.coordinates),
        tf.constant([(lower + upper) / 2], network.variable_dtype),
    )
    try:
        found: Any = network(point, training=False)
    except Exception as error:  # a layer may raise anything
        lines = [line for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines() if line]
        reason = next(
            (line for line in lines if not line.startswith("Exception encountered")),
            type(error).__name__,
        )
        raise InputError(
            f"network: cannot take points ({names}) [n, {len(lower)}]: {reason}; make it fit."
        ) from error
    if not tf.is_tensor(found) or found.shape.rank != 2:
        raise InputError(
            f"network: gives {getattr(found, 'shape', type(found).__name__)}; give one tensor [n, fields]."
        )
    return int(found.shape[1])


def check_period(problem: Problem, network: keras.Model) -> None:
    """Raise an InputError for a network without the periods that a problem leaves to it."""
    lower, upper = problem.bounds
    inside = lower + (upper - lower) * np.random.default_rng(0).random((8, len(lower)))
    for name in problem.periodic:
        here, there = inside.copy(), inside.copy()
        axis = problem.coordinates.index(name)
        here[:, axis], there[:, axis] = lower[axis], upper[axis]
        a, b = (
            np.asarray(network(tf.constant(p, network.variable_dtype), training=False))
            for p in (here, there)
        )
        if np.max(np.abs(a - b)) > 1e-5 * (np.max(np.abs(a)) + np.finfo(a.dtype).tiny):
            raise InputError(
                f"network: is not periodic in {name}, as {type(problem).__name__} asks; embed it, as mlp's "
                f"periodic=Periodic(coordinates=[{axis}]) does."
            )
