"""Double precision everywhere; `pinn` comes first, because it sets XLA's flags before TensorFlow reads them."""

import pinn  # noqa: F401, I001

import keras
import tensorflow as tf

keras.config.set_floatx("float64")
tf.config.experimental.enable_tensor_float_32_execution(False)
