# pyright: strict
"""Arrays: types, checks of shapes, sizes known at tracing, and reading from .npz files."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # geometry and sampling compute with NumPy alone
    import tensorflow as tf

Array: TypeAlias = npt.NDArray[np.float64]
"""Real numbers of any shape."""

BoolArray: TypeAlias = npt.NDArray[np.bool_]
"""Truth values of any shape."""

IntArray: TypeAlias = npt.NDArray[np.int64]
"""Whole numbers of any shape, such as indices."""

AnyArray: TypeAlias = npt.NDArray[Any]
"""Values of any kind and shape, such as numbers or words."""


class Quantity(Protocol):
    """A number, a NumPy array, a tensor or a jet: whatever formulas with operators accept."""

    def __neg__(self) -> Any: ...
    def __abs__(self) -> Any: ...
    def __add__(self, other: Any, /) -> Any: ...
    def __radd__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __rsub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...
    def __pow__(self, other: Any, /) -> Any: ...
    def __lt__(self, other: Any, /) -> Any: ...
    def __gt__(self, other: Any, /) -> Any: ...


def choose(condition: Any, first: Any, second: Any) -> Any:
    """Return the first quantity where a condition holds, and the second elsewhere.

    Args:
        condition: truth values, as a comparison of quantities gives them.
        first: a number, an array, a tensor or a jet.
        second: the same.
    """
    if isinstance(condition, bool | np.bool_ | np.ndarray):
        return cast(Any, np.where(cast(BoolArray, condition), first, second))
    import tensorflow as tf

    return tf.where(condition, first, second)


_Parameters = ParamSpec("_Parameters")
_Value = TypeVar("_Value")


def check_shapes(function: Callable[_Parameters, _Value]) -> Callable[_Parameters, _Value]:
    """Check a function's annotations, such as `Float[Array, "n d"]`, at every call.

    Only the tests do so: without `PINN_CHECK_SHAPES=1` in the environment at import, the function
    is returned as it is, and beartype need not be installed.
    """
    if os.environ.get("PINN_CHECK_SHAPES") != "1":
        return function
    from beartype import beartype
    from jaxtyping import jaxtyped  # pyright: ignore[reportUnknownVariableType]

    return jaxtyped(function, typechecker=beartype)


def static_size(tensor: tf.Tensor | tf.Variable, axis: int = 0) -> int:
    """Return the size of a tensor's axis as a Python number.

    Raises:
        ValueError: if the size is not known when the program is traced.
    """
    size = tensor.shape[axis]
    if size is None:
        raise ValueError(f"axis {axis} of {tensor!r} has no static size")
    return int(size)


def static_shape(tensor: tf.Tensor | tf.Variable) -> tuple[int, ...]:
    """Return a tensor's shape as Python numbers.

    Raises:
        ValueError: if a size is not known when the program is traced.
    """
    return tuple(static_size(tensor, axis) for axis in range(len(tensor.shape)))


def read_npz(path: Path) -> dict[str, AnyArray]:
    """Return the arrays of a .npz file by name; pickled objects are refused.

    Raises:
        ValueError: if the file is damaged, or holds a single array (.npy) or pickled objects.
        OSError: if it cannot be read.
    """
    try:
        # Given the path itself, NumPy leaves the file open when it is no archive.
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("a single array without a name")
            with archive:
                return dict(archive)
    except (EOFError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def scaled(value: Any, offset: Any, scale: Any) -> Any:
    """Return offset + scale × value; the numbers 0 and 1 leave the value as it is."""
    if not (isinstance(scale, float) and scale == 1.0):
        value = value * scale
    if isinstance(offset, float) and offset == 0.0:
        return value
    return value + offset
