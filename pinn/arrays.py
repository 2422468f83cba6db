# pyright: strict
"""Names for the arrays of the package, and sizes that are known when a program is traced."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # geometry and sampling compute with NumPy alone
    import tensorflow as tf

Array: TypeAlias = npt.NDArray[np.float64]
"""Real numbers of any shape."""

BoolArray: TypeAlias = npt.NDArray[np.bool_]
"""Truth values of any shape."""

IntArray: TypeAlias = npt.NDArray[np.int64]
"""Whole numbers of any shape, mostly indices."""

TextArray: TypeAlias = npt.NDArray[np.str_]
"""Text of any shape."""


def static_shape(tensor: tf.Tensor | tf.Variable) -> tuple[int, ...]:
    """Return the shape of a tensor as Python numbers.

    Raises:
        ValueError: if an axis has no size that is known when the program is traced.
    """
    return tuple(static_size(tensor, axis) for axis in range(len(tensor.shape)))


def static_size(tensor: tf.Tensor | tf.Variable, axis: int = 0) -> int:
    """Return the size of a tensor's axis as a Python number.

    Raises:
        ValueError: if the size is not known when the program is traced.
    """
    size = tensor.shape[axis]
    if size is None:
        raise ValueError(f"axis {axis} of {tensor!r} has no static size")
    return int(size)
