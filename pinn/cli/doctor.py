"""`pinn doctor`: what is installed, what TensorFlow finds, and whether the essential parts work."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pinn
from pinn.cli.quiet import quiet
from pinn.errors import InputError
from pinn.exit_codes import ExitCode
from pinn.versions import cores, versions

if TYPE_CHECKING:
    import tensorflow as tf

    from pinn.jets import Jet
    from pinn.optimizers import Optimizer

_PACKAGES = (
    "tensorflow",
    "keras",
    "tensorflow-probability",
    "numpy",
    "scipy",
    "pandas",
    "hydra-core",
    "matplotlib",
)
_OUTPUTS = Path("outputs")
_TEN_DIGITS = 1e-10  # required of computations that float64 does to about 15 digits
_ONE_DIGIT = 0.1  # the reduction that Adam should reach in a few hundred steps
_LONGEST_MESSAGE = 200  # characters

Check = Callable[[], str]
"""A check: it returns its result in words, or raises `Failed`."""


class Failed(Exception):
    """A check has failed; the text says how."""


def doctor() -> int:
    """Print versions, devices and the outcome of every check, and return the exit code."""
    notes = {
        "python": f" on {platform.platform(terse=True)}",
        "pinn": f" in {Path(pinn.__file__).parent}",
    }
    for package, version in versions("pinn", *_PACKAGES).items():
        _print(package, version + notes.get(package, ""))
    checks: dict[str, Check] = {
        "configuration": _configuration,
        "outputs": _outputs,
        "devices": _devices,
        "precision": _precision,
        "derivatives": _derivatives,
        "Adam": _adam,
        "L-BFGS": _lbfgs,
    }
    passed = [_report(name, check) for name, check in checks.items()]
    if all(passed):
        print("all is well")
        return ExitCode.OK
    print(f"{passed.count(False)} of {len(passed)} checks failed")
    return ExitCode.FAILED


def _report(name: str, check: Check) -> bool:
    """Run a check and print its outcome; return whether it passed."""
    start = time.perf_counter()
    passed = False
    try:
        outcome = check()
        passed = True
    except (Failed, InputError) as failure:
        outcome = str(failure)
    except Exception as error:  # a broken installation fails in ways that nobody can list
        message = " ".join(str(error).split())
        outcome = f"{type(error).__name__}: {message[:_LONGEST_MESSAGE]}"
    mark = "✓" if passed else "✗"
    _print(f"{mark} {name}", f"{outcome}  ({time.perf_counter() - start:.1f} s)")
    return passed


def _print(name: str, text: str) -> None:
    print(f"{name:24}{text}", flush=True)


def _configuration() -> str:
    from pinn.conf_folders import conf_folder

    if not (conf_folder() / "config.yaml").is_file():
        raise Failed(f"no config.yaml in {conf_folder()}; reinstall pinn")
    return str(conf_folder())


def _outputs() -> str:
    """Write and remove a file where runs would go, or in the nearest parent that exists."""
    outputs = _OUTPUTS.absolute()
    folder = outputs
    while not folder.is_dir():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Failed(
            f"{folder} cannot be written ({error.strerror}); run elsewhere, or set output"
        ) from error
    return f"{outputs} can be written"


def _devices() -> str:
    with quiet():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    names = []
    for gpu in gpus:
        details = tf.config.experimental.get_device_details(gpu)
        names.append(str(details.get("device_name", "GPU")))
    return f"{cores()} CPU cores and as many threads; GPUs: {', '.join(names) or 'none'}"


def _precision() -> str:
    """Set the precision as a run does, and check it: TensorFlow refuses once a GPU is in use."""
    import keras
    import tensorflow as tf

    from pinn.runtime import configure, set_precision

    device = configure()
    set_precision("float64")
    one = tf.constant(1.0, keras.config.floatx())
    if one.dtype != tf.float64 or float(one + 1e-15) == 1.0:
        raise Failed(f"numbers are {one.dtype.name}, not float64")
    if tf.config.experimental.tensor_float_32_execution_enabled():
        raise Failed("TF32 is on: float32 products on the GPU have three digits only")
    return f"{one.dtype.name} on the {device.upper()}, TF32 off"


def _derivatives() -> str:
    """Compare Taylor derivatives with nested GradientTapes on a small network."""
    import numpy as np
    import tensorflow as tf

    from pinn.derivatives import nested, parse, taylor
    from pinn.jets import Jet, stack
    from pinn.networks import forward, mlp

    network = mlp(lower=(-1.0, 0.0), upper=(1.0, 1.0), outputs=1, width=8, depth=2)
    points = {
        "x": tf.constant(np.linspace(-1.0, 1.0, 7), tf.float64),
        "t": tf.constant(np.linspace(0.0, 1.0, 7), tf.float64),
    }

    def trial(at: Mapping[str, tf.Tensor | Jet]) -> dict[str, Any]:
        columns: list[Any] = [at["x"], at["t"]]
        if isinstance(columns[0], Jet):
            return {"u": forward(network, stack(columns))[0]}
        return {"u": network(tf.stack(columns, axis=1))[:, 0]}

    names = ("u", "u_t", "u_x", "u_xx", "u_xxx")
    symbols = [parse(n, coordinates=("x", "t"), fields=("u",), where="doctor") for n in names]
    fast = taylor.evaluate(trial, symbols, points, {})
    slow = nested.evaluate(trial, symbols, points, {})
    differences = []
    for name in names:
        difference = tf.abs(fast[name] - slow[name]) / (1 + tf.abs(slow[name]))
        differences.append(float(tf.reduce_max(difference)))
    largest = float(np.max(differences))  # NaN if one of them is
    if not largest < _TEN_DIGITS:
        raise Failed(f"Taylor and nested derivatives differ by {largest:.1e}")
    return f"Taylor and nested derivatives up to u_xxx agree to {largest:.0e}"


def _adam() -> str:
    from pinn.optimizers import Adam

    start, end, _ = _rosenbrock(Adam(learning_rate=0.05), steps=300)
    if not end < _ONE_DIGIT * start:
        raise Failed(f"Rosenbrock's function went from {start:.1e} to {end:.1e} only")
    return f"Rosenbrock's function from {start:.1e} to {end:.1e} in 300 iterations"


def _lbfgs() -> str:
    from pinn.optimizers import LBFGS

    start, end, iterations = _rosenbrock(LBFGS(pairs=10), steps=100)
    if not end < _TEN_DIGITS:
        raise Failed(f"Rosenbrock's function went from {start:.1e} to {end:.1e} only")
    return f"Rosenbrock's function from {start:.1e} to {end:.1e} in {iterations} iterations"


def _rosenbrock(optimizer: Optimizer, *, steps: int) -> tuple[float, float, int]:
    """Minimize Rosenbrock's function from the classic start (-1.2, 1).

    Returns:
        The first and the best value, and the number of iterations.
    """
    import tensorflow as tf

    from pinn.optimizers import Limits, Minimization

    def function(position: tf.Tensor, batch: tuple[()]) -> tuple[tf.Tensor, tf.Tensor]:
        x = position[0]
        y = position[1]
        slope = y - x * x
        gradient = tf.stack([-400 * x * slope - 2 * (1 - x), 200 * slope])
        return 100 * slope**2 + (1 - x) ** 2, gradient

    bound = optimizer.bind(Minimization(function))
    off = tf.constant(-1.0, tf.float64)
    limits = Limits(tf.constant(1e-20, tf.float64), off, off, off, tf.constant(-1))
    first = bound.start(tf.constant([-1.2, 1.0], tf.float64), ())
    last, _ = bound.advance(first, (), tf.constant(steps), limits)
    return float(first.loss), float(last.best_loss), int(last.iterations)
