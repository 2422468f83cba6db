"""`pinn doctor`: what is installed, what TensorFlow sees, and whether the parts that matter work here."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pinn
from pinn.cli.quiet import quiet
from pinn.errors import InputError
from pinn.versions import cores, versions

_PACKAGES = (
    "tensorflow",
    "keras",
    "tensorflow-probability",
    "numpy",
    "scipy",
    "hydra-core",
    "matplotlib",
)
_OUTPUTS = Path("outputs")
_TEN_DIGITS = 1e-10  # asked of computations that float64 does to about 15 digits
_ONE_DIGIT = 0.1  # of its start: what Adam should reach in a few hundred steps

Check = Callable[[], str]
"""A check: returns what it found, raises `Failed` where that is not good enough."""


class Failed(Exception):
    """A check's result that is not good enough, in words."""


def doctor() -> int:
    """Print versions, devices and the outcome of every check; return 1 if one of them failed, else 0."""
    notes = {
        "python": f" on {platform.platform(terse=True)}",
        "pinn": f" in {Path(pinn.__file__).parent}",
    }
    for package, version in versions("pinn", *_PACKAGES).items():
        _line(package, version + notes.get(package, ""))
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
    print("all is well" if all(passed) else f"{passed.count(False)} of {len(passed)} checks failed")
    return 0 if all(passed) else 1


def _report(name: str, check: Check) -> bool:
    start = time.perf_counter()
    try:
        found, mark = check(), "✓"
    except (Failed, InputError) as failure:
        found, mark = str(failure), "✗"
    except Exception as error:  # a broken installation fails in ways that nobody listed
        found, mark = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}", "✗"
    _line(f"{mark} {name}", f"{found}  ({time.perf_counter() - start:.1f} s)")
    return mark == "✓"


def _line(name: str, text: str) -> None:
    print(f"{name:24}{text}", flush=True)


def _configuration() -> str:
    from pinn.cli.conf import conf_folder

    if not (conf_folder() / "config.yaml").is_file():
        raise Failed(f"no config.yaml in {conf_folder()}; reinstall pinn")
    return str(conf_folder())


def _outputs() -> str:
    """Write and remove a file where runs would go, or in the nearest folder above that exists."""
    wanted = _OUTPUTS.absolute()
    folder = next(p for p in (wanted, *wanted.parents) if p.is_dir())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Failed(
            f"{folder} cannot be written ({error.strerror}); run elsewhere, or set output"
        ) from error
    return f"{wanted} can be written"


def _devices() -> str:
    with quiet():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    names = [str(d.get("device_name", "GPU")) for d in details]
    return f"{cores()} CPU cores and as many threads; GPUs: {', '.join(names) or 'none'}"


def _precision() -> str:
    """Set precision as a run does, and ask whether that worked: it is refused once a GPU is in use."""
    import keras
    import tensorflow as tf

    from pinn.runtime import configure

    device = configure()
    one = tf.constant(1.0, keras.config.floatx())
    if one.dtype != tf.float64 or float(one + 1e-15) == 1.0:
        raise Failed(f"numbers are {one.dtype.name}, not float64")
    if tf.config.experimental.tensor_float_32_execution_enabled():
        raise Failed("TF32 is on: float32 products on the GPU have three digits only")
    return f"{one.dtype.name} on the {device.upper()}, TF32 off"


def _derivatives() -> str:
    """Compare Taylor sweeps with nested GradientTapes on a small network."""
    import numpy as np
    import tensorflow as tf

    from pinn.derivatives import nested, parse, taylor
    from pinn.jets import Jet, stack
    from pinn.networks import forward, mlp

    network = mlp(lower=(-1.0, 0.0), upper=(1.0, 1.0), outputs=1, width=8, depth=2)
    points = {
        c: tf.constant(np.linspace(a, 1.0, 7), tf.float64) for c, a in (("x", -1.0), ("t", 0.0))
    }

    def trial(at: Any) -> dict[str, Any]:
        columns = [at["x"], at["t"]]
        if isinstance(columns[0], Jet):
            return {"u": forward(network, stack(columns))[0]}
        return {"u": network(tf.stack(columns, axis=1))[:, 0]}

    names = ("u", "u_t", "u_x", "u_xx", "u_xxx")
    symbols = [parse(n, coordinates=("x", "t"), fields=("u",), where="doctor") for n in names]
    fast, slow = (e.evaluate(trial, symbols, points, {}) for e in (taylor, nested))
    apart = max(
        float(tf.reduce_max(tf.abs(fast[n] - slow[n]) / (1 + tf.abs(slow[n])))) for n in names
    )
    if not apart < _TEN_DIGITS:
        raise Failed(f"Taylor and nested derivatives differ by {apart:.1e}")
    return f"Taylor and nested derivatives up to u_xxx agree to {apart:.0e}"


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


def _rosenbrock(optimizer: Any, *, steps: int) -> tuple[float, float, int]:
    """Return the first and the best value, and the iterations taken, from the classic start (-1.2, 1)."""
    import tensorflow as tf

    from pinn.optimizers import Limits

    def function(position: Any, batch: Any) -> tuple[Any, Any]:
        x, y = position[0], position[1]
        slope = y - x * x
        gradient = tf.stack([-400 * x * slope - 2 * (1 - x), 200 * slope])
        return 100 * slope**2 + (1 - x) ** 2, gradient

    stepper = optimizer.compile(function)
    off = tf.constant(-1.0, tf.float64)
    limits = Limits(tf.constant(1e-20, tf.float64), off, off, off, tf.constant(-1))
    first = stepper.start(tf.constant([-1.2, 1.0], tf.float64), ())
    last, _ = stepper.advance(first, (), tf.constant(steps), limits)
    return float(first.loss), float(last.best_loss), int(last.iterations)
