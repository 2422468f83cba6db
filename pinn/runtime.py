"""Process-wide settings, made once per run: precision and device."""

from __future__ import annotations

import keras
import tensorflow as tf

from pinn.errors import InputError, did_you_mean

DTYPES = ("float32", "float64")
DEVICES = ("auto", "cpu", "gpu")


def configure(*, dtype: str = "float64", device: str = "auto") -> str:
    """Set the precision of Keras and the device, switch TF32 off, and return the device's name.

    Call it before any network is built: TensorFlow keeps GPU memory and floatx for life.

    Raises:
        InputError: for an unknown precision or device, or a GPU asked for where there is none.
    """
    if dtype not in DTYPES:
        raise InputError(f"dtype={dtype!r}: unknown precision.{did_you_mean(str(dtype), DTYPES)}")
    if device not in DEVICES:
        raise InputError(f"device={device!r}: unknown device.{did_you_mean(str(device), DEVICES)}")
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise InputError(
            "device=gpu: TensorFlow sees no GPU here; use device=cpu, or install tensorflow[and-cuda]."
        )
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(
        dtype
    )  # Keras keeps the policy of the first layer ever built, whatever floatx says
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
