"""Double precision everywhere, and checks of shapes.

The environment is set before TensorFlow and the package read it.
"""

import os
import tempfile

os.environ["PINN_CHECK_SHAPES"] = "1"
# What tests run is remembered for the tests alone.
_state = tempfile.TemporaryDirectory()
os.environ["XDG_STATE_HOME"] = _state.name

from pinn.runtime import configure, prepare_process, set_precision  # noqa: E402

prepare_process()

import gc  # noqa: E402
import re  # noqa: E402

import pytest  # noqa: E402
import shared_programs  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.python.autograph.core import ag_ctx  # noqa: E402

import pinn.run.stage_runs  # noqa: E402
import pinn.setup.draws  # noqa: E402

set_precision("float64")
configure()

# Nearly all of the time goes into graphs that run for milliseconds.  Grappler's rewriting of a
# graph takes longer than tracing it, and the garbage collector looks through all graphs again and
# again.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
gc.freeze()
gc.set_threshold(100_000, 50, 100)
# Every thread of a loss is a program of its own, to be traced and compiled.
pinn.setup.draws.cores = lambda: 1
# Without XLA, every set of held-out points costs as much as an iteration.
pinn.run.stage_run.CHECKS = 2
# A run is corrected, and its error estimated, where a test asks for it.
pinn.run.stage_runs.FEWEST = 1_000_000
pinn.run.error_estimate.FEWEST = 1_000_000


@pytest.fixture(scope="session", autouse=True)
def no_autograph():
    """Leave Python as it is: eagerly, `tf.map_fn` would rewrite all that it calls for seconds."""
    with ag_ctx.ControlStatusCtx(ag_ctx.Status.DISABLED):
        yield


JACOBIAN = tf.GradientTape.jacobian
FEW = 40
"""Of so few values, one reverse pass each is faster than tracing one for all of them."""


def _jacobian(tape, target, *arguments, **settings):
    """Return what the tape's `jacobian` returns, of few values eagerly."""
    if tf.executing_eagerly() and target.shape.num_elements() <= FEW:
        settings["experimental_use_pfor"] = False
    return JACOBIAN(tape, target, *arguments, **settings)


@pytest.fixture
def eager(monkeypatch):
    """Run without compilation, which takes longer than all that a small test computes."""
    monkeypatch.setattr(tf.GradientTape, "jacobian", _jacobian)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def shared_losses(eager, monkeypatch):
    """Like `eager`, but every loss is traced once, for tests that evaluate few of them often."""
    shared_programs.share(monkeypatch)


LONG = (
    *("problems", "embeddings", "bad_input", "resume", "windows", "optimizers", "readme"),
    *("training", "accuracy", "weights", "config", "solve"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark as slow what the quick suite leaves out, and run the longest files first.

    Of a test with `@pytest.mark.quick("a", "b")`, the quick suite has the cases whose identifier
    has one of these words; the slow suite has the others.
    """
    for item in items:
        marker = item.get_closest_marker("quick")
        if marker is not None and not set(re.findall(r"\w+", item.callspec.id)) & set(marker.args):
            item.add_marker(pytest.mark.slow)
    order = {f"test_{name}": i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
