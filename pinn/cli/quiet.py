"""Loading TensorFlow without its messages about missing hardware."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence standard error while TensorFlow loads.

    On a machine without a GPU, TensorFlow says so four times.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    sys.stderr.flush()
    standard_error = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
        os.close(nowhere)
