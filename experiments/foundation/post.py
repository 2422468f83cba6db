"""Time the post's own case, a 2-64-64-1 network on 121 points, eagerly as it stands there and through `fit`."""

import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from pinn import LBFGS, fit
from pinn.flat import FlatVariables
from pinn.training import StopRule
from pinn.versions import machine

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import replace

HERE = Path(__file__).parent
ITERATIONS = 500
X = np.stack(np.meshgrid(*[np.linspace(-1, 1, 11)] * 2), -1).reshape(-1, 2)
Y = np.sum(X**2, axis=1, keepdims=True)


def network() -> keras.Sequential:
    def dense(units: int, activation: str | None, seed: int) -> keras.layers.Layer:
        return keras.layers.Dense(
            units, activation, kernel_initializer=keras.initializers.GlorotNormal(seed)
        )

    return keras.Sequential(
        [keras.Input((2,)), dense(64, "tanh", 1), dense(64, "tanh", 2), dense(1, None, 3)]
    )


def eager() -> dict:
    """Call TFP's L-BFGS eagerly with a function that assigns the variables, as the post does."""
    model = network()
    flat = FlatVariables(model.trainable_variables)

    def function(vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        flat.assign(vector)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(X, training=True) - Y))
        return loss, flat.concat(tape.gradient(loss, model.trainable_variables))

    # The first step is scaled, or the eager run ends at once with a failed line search.
    scale = tf.minimum(1.0, 1 / tf.norm(function(flat.flatten())[1]))
    begin = time.perf_counter()
    found = tfp.optimizer.lbfgs_minimize(
        lambda v: tuple(scale * a for a in function(v)),
        flat.flatten(), max_iterations=ITERATIONS, num_correction_pairs=10, tolerance=-1.0, x_tolerance=-1.0,
        f_relative_tolerance=-1.0, f_absolute_tolerance=-1.0,
    )  # fmt: skip
    return {
        "seconds": time.perf_counter() - begin,
        "iterations": int(found.num_iterations),
        "evaluations": int(found.num_objective_evaluations),
        "loss": float(found.objective_value / scale),
    }


def compiled(unit_step: bool) -> dict:
    """Fit twice: a run of one iteration is next to nothing but compilation."""
    optimizer = LBFGS(pairs=10, unit_step=unit_step)
    first, result = (
        fit(network(), X, Y, optimizer=optimizer, stop=StopRule(max_iterations=n))
        for n in (1, ITERATIONS)
    )
    found = {k: getattr(result, k) for k in ("seconds", "iterations", "evaluations", "loss")}
    return found | {"compilation": first.seconds}


def main() -> None:
    keras.config.set_floatx("float64")
    found = {
        "`fit`": compiled(True),
        "`fit`, TFP's own line search throughout": compiled(False),
        "eager calls": eager(),
        "machine": machine(),
    }
    Path(HERE / "post.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = [
        "| | seconds | of these compilation | iterations | evaluations | loss | ms an iteration, compiled | faster |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|")
    slow = found["eager calls"]["seconds"] / found["eager calls"]["iterations"]
    for name, r in found.items():
        if isinstance(r, dict):
            compilation = r.get("compilation", 0.0)
            each = (r["seconds"] - compilation) / r["iterations"]
            lines.append(
                f"| {name} | {r['seconds']:.1f} | {compilation:.1f} | {r['iterations']} | {r['evaluations']} | "
                f"{r['loss']:.1e} | {1e3 * each:.2f} | {slow / each:.0f}× |"
            )
    replace(
        HERE / "README.md",
        "post",
        "\n".join(lines) + f"\n\nMeasured on: {found['machine']}; float64.",
    )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
