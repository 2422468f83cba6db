# pyright: strict, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
"""Memories of optimizers as plain arrays by name, as checkpoints hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pinn.errors import require_memory

Arrays = Mapping[str, npt.NDArray[Any]]
"""Arrays by name; those of a nested memory have names such as "preconditioners.0.left"."""

MemoryT = TypeVar("MemoryT", bound=tuple[object, ...] | Arrays)


def to_arrays(memory: tuple[object, ...] | Arrays) -> Arrays:
    """Return the arrays of a memory; arrays already are returned as they are."""
    if isinstance(memory, Mapping):
        return memory
    return {name: np.asarray(tensor) for name, tensor in _leaves(memory)}


def from_arrays(arrays: Arrays, like: MemoryT) -> MemoryT:
    """Return the memory of these arrays, in the structure of another one, which may be symbolic."""
    tensors = [tf.constant(arrays[name]) for name, _ in _leaves(like)]
    return tf.nest.pack_sequence_as(like, tensors)


def layout(memory: tuple[object, ...] | Arrays) -> dict[str, tuple[list[int], str]]:
    """Return shape and dtype by name; equal for memories that may replace each other."""
    leaves = memory.items() if isinstance(memory, Mapping) else _leaves(memory)
    return {name: (list(leaf.shape), tf.as_dtype(leaf.dtype).name) for name, leaf in leaves}


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (name, tensor) for all tensors of a memory, in TensorFlow's order."""
    if not isinstance(value, tuple):
        yield name, value
        return
    fields = getattr(value, "_fields", range(len(value)))
    for field, item in zip(fields, value, strict=True):
        yield from _leaves(item, f"{name}.{field}" if name else str(field))


def require_memory_of_pairs(pairs: int, size: int, dtype: str) -> None:
    """Raise an InputError where pairs of vectors [size] do not fit into the machine's memory."""
    require_memory(
        2 * pairs * size * np.dtype(dtype).itemsize,
        f"pairs={pairs}: {pairs:,} correction pairs of {size:,} parameters",
        "give fewer, such as 50",
    )
