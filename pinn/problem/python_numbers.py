"""Python's numbers inside TensorFlow's functions, in the precision of a run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python import pywrap_tfe
from tensorflow.python.framework import constant_op

_precision: ContextVar[tf.DType | None] = ContextVar("precision", default=None)


class _Hooks:
    """The two functions through which TensorFlow converts numbers, replaced while any scope lasts.

    Every conversion in Python goes through the first, and that of an argument of an operation that
    runs at once through the second.  In threads without a scope the replacements do what the
    originals do.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.scopes = 0  # open ones, in all threads
        self.constant: Callable[..., Any] = constant_op._constant_impl
        self.execute: Callable[..., Any] = pywrap_tfe.TFE_Py_FastPathExecute

    def install(self) -> None:
        with self.lock:
            if not self.scopes:
                self.constant = constant_op._constant_impl
                self.execute = pywrap_tfe.TFE_Py_FastPathExecute
                constant_op._constant_impl = _constant
                pywrap_tfe.TFE_Py_FastPathExecute = _execute
            self.scopes += 1

    def remove(self) -> None:
        with self.lock:
            self.scopes -= 1
            if not self.scopes:
                constant_op._constant_impl = self.constant
                pywrap_tfe.TFE_Py_FastPathExecute = self.execute


@contextlib.contextmanager
def numbers_in(dtype: str) -> Iterator[None]:
    """Let TensorFlow convert Python's numbers to a precision, in this thread and in this scope.

    Where no tensor stands beside a number, as in `tf.exp(-0.1)` or `tf.where(x < 0, 1.0, 0.1)`,
    TensorFlow makes float32 of it, and in double precision half of its digits are lost. It has no
    setting for that. A precision that is stated, as in `tf.constant(0.1, tf.float32)`, and that of
    arrays stay as they are.

    Args:
        dtype: "float32" or "float64".
    """
    _hooks.install()
    token = _precision.set(tf.as_dtype(dtype))
    try:
        yield
    finally:
        _precision.reset(token)
        _hooks.remove()


def _constant(value: Any, dtype: Any, *arguments: Any, **settings: Any) -> Any:
    """Convert a value as TensorFlow does, numbers without a dtype to the scope's precision."""
    if dtype is None and _are_real(value):
        dtype = _precision.get()
    return _hooks.constant(value, dtype, *arguments, **settings)


def _execute(context: Any, operation: str, name: Any, *arguments: Any) -> Any:
    """Execute an operation as TensorFlow does, numbers being in the scope's precision."""
    precision = _precision.get()
    if precision == tf.float64:
        arguments = tuple(np.float64(a) if type(a) is float else a for a in arguments)
    elif precision == tf.float32:
        arguments = tuple(float(a) if type(a) is np.float64 else a for a in arguments)
    return _hooks.execute(context, operation, name, *arguments)


def _are_real(value: Any) -> bool:
    """Return whether a value is a real number, or a list of numbers of which one is real."""
    if isinstance(value, list | tuple):
        items: list[Any] = [*value]
        known = all(isinstance(item, int | float | list | tuple) for item in items)
        return known and any(_are_real(item) for item in items)
    return isinstance(value, float)


_hooks = _Hooks()
