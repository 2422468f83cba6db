"""Process-wide settings: variables that TensorFlow and XLA read, device, precision.

TensorFlow and Keras are imported by the functions that need them, because the environment
variables must be set before TensorFlow is loaded.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator

from pinn.errors import InputError, did_you_mean

DTYPES = ("float32", "float64")
DEVICES = ("auto", "cpu", "gpu")

# Each thread runs a program of its own (see objective/objective.py), so no program may start
# threads; XLA's default vector width is half of what AVX-512 offers; and XLA's own matrix products,
# unlike Eigen's, use that width.
_XLA_FLAGS = (
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_cpu_prefer_vector_width=512",
    "--xla_backend_extra_options=xla_force_enable_experimental_llvm_ir_gemm",
)


def prepare_process() -> None:
    """Set all environment variables, for a process of our own: the command line and the tests.

    It must run before NumPy and TensorFlow are loaded. A variable that is set already is kept.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # above all of traces for new shapes
    # OpenBLAS threads wait by spinning, for milliseconds that TensorFlow's threads then lack.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "12")
    prepare_import()
    set_xla_flags()


def prepare_import() -> None:
    """Switch oneDNN off in a TensorFlow that has not been loaded yet.

    oneDNN's kernels round differently from run to run of the same program, and a resumed run must
    be bitwise equal to an uninterrupted one.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    logging.getLogger("tensorflow").addFilter(is_no_trace_of_ours)


def is_no_trace_of_ours(record: logging.LogRecord) -> bool:
    """Return whether a line of TensorFlow's log is not about a program of this package.

    TensorFlow warns of a function that is traced often; several solutions in one process have
    programs of their own.
    """
    message = record.getMessage()
    named = re.search(r"calls to <(?:function|bound method) (\w+)", message)
    if not named or "tf.function retracing" not in message:
        return True
    ours = [module for name, module in list(sys.modules.items()) if name.startswith("pinn.")]
    return not any(hasattr(module, named[1]) for module in ours)


def set_xla_flags() -> None:
    """Set XLA's flags; XLA reads them when it compiles its first program in this process."""
    flags = os.environ.get("XLA_FLAGS", "")
    for flag in _XLA_FLAGS:
        name = flag.split("=")[0]
        if name not in flags:
            flags = f"{flags} {flag}"
    os.environ["XLA_FLAGS"] = flags.strip()


def configure(*, device: str = "auto") -> str:
    """Choose the device, switch TF32 off, and return the device's name, "cpu" or "gpu".

    Call it before any network is built: TensorFlow keeps its GPU memory for the whole process.

    Raises:
        InputError: for an unknown device, or a GPU requested on a machine without one.
    """
    import tensorflow as tf

    if device not in DEVICES:
        raise InputError(f"device={device!r}: unknown device.{did_you_mean(str(device), DEVICES)}")
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise InputError(
            "device=gpu: TensorFlow sees no GPU here; use device=cpu, or install "
            "tensorflow[and-cuda]."
        )
    set_xla_flags()
    _warn_of_onednn()
    # Ampere and later GPUs round float32 products to 10 bits, which stops L-BFGS after a few
    # digits.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        for gpu in tf.config.get_visible_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:
        raise InputError(
            f"device={device}: TensorFlow is in use already ({error}); configure before building."
        ) from None
    return "gpu" if tf.config.get_visible_devices("GPU") else "cpu"


def set_precision(dtype: str) -> None:
    """Set the precision of Keras for the rest of the process.

    Raises:
        InputError: for an unknown precision.
    """
    import keras

    check_dtype(dtype)
    keras.config.set_floatx(dtype)
    # Keras keeps the policy of the first layer ever built, whatever floatx says.
    keras.config.set_dtype_policy(dtype)


@contextlib.contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Build networks in a precision; afterwards that of Keras is what it was before.

    Raises:
        InputError: for an unknown precision.
    """
    import keras

    check_dtype(dtype)
    floatx = keras.config.floatx()
    policy = keras.config.dtype_policy()
    set_precision(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def check_dtype(dtype: object) -> None:
    """Raise an InputError for an unknown precision."""
    if dtype not in DTYPES:
        raise InputError(f"dtype={dtype!r}: unknown precision.{did_you_mean(str(dtype), DTYPES)}")


def _warn_of_onednn() -> None:
    """Warn where TensorFlow was loaded with oneDNN, which cannot be switched off any more."""
    from tensorflow.python.util import _pywrap_util_port  # no public function tells

    if _pywrap_util_port.IsMklEnabled():
        warnings.warn(
            "TensorFlow was loaded with oneDNN, so a resumed run may differ in its last bits; set "
            "TF_ENABLE_ONEDNN_OPTS=0, or import from pinn before tensorflow.",
            stacklevel=3,
        )
