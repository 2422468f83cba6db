"""Double precision everywhere; `pinn` comes first, because it sets XLA's flags before TensorFlow reads them."""

import pinn  # noqa: F401, I001

import keras
import pytest
import tensorflow as tf

keras.config.set_floatx("float64")
tf.config.experimental.enable_tensor_float_32_execution(False)


@pytest.fixture
def eager():
    """Without compilations, which take longer than all that is computed here."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
