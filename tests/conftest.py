"""Double precision everywhere; `pinn` comes first, because it sets XLA's flags before TensorFlow reads them."""

import pinn  # noqa: F401, I001

import gc

import keras
import pytest
import shared_programs
import tensorflow as tf

keras.config.set_floatx("float64")
tf.config.experimental.enable_tensor_float_32_execution(False)

# Nearly all of the time goes into graphs that run for milliseconds.  Grappler's rewriting of a
# graph takes longer than tracing it, and the garbage collector looks through all graphs again and
# again.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
gc.freeze()
gc.set_threshold(100_000, 50, 100)


@pytest.fixture
def eager():
    """Without compilations, which take longer than all that is computed here."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def shared_losses(eager, monkeypatch):
    """Like `eager`, but every loss is traced once, for tests that evaluate few of them often."""
    shared_programs.share(monkeypatch)
