"""Time the post's own case, a 2-64-64-1 network on 121 points, eagerly as there and by `fit`."""

import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from pinn import LBFGS, fit
from pinn.flat import FlatVariables
from pinn.training import StopRule
from pinn.versions import machine

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import markdown_table, replace, write_json

HERE = Path(__file__).parent
ITERATIONS = 500
X = np.stack(np.meshgrid(*[np.linspace(-1, 1, 11)] * 2), -1).reshape(-1, 2)
Y = np.sum(X**2, axis=1, keepdims=True)


def network() -> keras.Sequential:
    def dense(units: int, activation: str | None, seed: int) -> keras.layers.Layer:
        kernel: Any = keras.initializers.GlorotNormal(seed)
        return keras.layers.Dense(units, activation, kernel_initializer=kernel)

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
        gradients: Any = tape.gradient(loss, model.trainable_variables)
        return loss, flat.concat(gradients)

    # The first step is scaled; else the line search of the eager run fails at once.
    scale = tf.minimum(1.0, 1 / tf.norm(function(flat.flatten())[1]))

    def scaled(vector: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        loss, gradient = function(vector)
        return scale * loss, scale * gradient

    begin = time.perf_counter()
    result = tfp.optimizer.lbfgs_minimize(
        scaled,
        flat.flatten(),
        max_iterations=ITERATIONS,
        num_correction_pairs=10,
        tolerance=-1.0,
        x_tolerance=-1.0,
        f_relative_tolerance=-1.0,
        f_absolute_tolerance=-1.0,
    )
    return {
        "seconds": time.perf_counter() - begin,
        "iterations": int(result.num_iterations),
        "evaluations": int(result.num_objective_evaluations),
        "loss": float(result.objective_value / scale),
    }


def compiled(unit_step: bool) -> dict:
    """Fit twice: a run of one iteration is almost only compilation."""
    optimizer = LBFGS(pairs=10, unit_step=unit_step)
    first = fit(network(), X, Y, optimizer=optimizer, stop=StopRule(max_iterations=1))
    result = fit(network(), X, Y, optimizer=optimizer, stop=StopRule(max_iterations=ITERATIONS))
    return {
        "seconds": result.seconds,
        "iterations": result.iterations,
        "evaluations": result.evaluations,
        "loss": result.loss,
        "compilation": first.seconds,
    }


def table(results: dict[str, dict]) -> str:
    """Return what each way took, with the factor by which it is faster than eager calls."""
    head = (
        "",
        "seconds",
        "compilation",
        "iterations",
        "evaluations",
        "loss",
        "ms per iteration, compiled",
        "faster",
    )
    eager_calls = results["eager calls"]
    slow = eager_calls["seconds"] / eager_calls["iterations"]
    rows = []
    for name, result in results.items():
        compilation = result.get("compilation", 0.0)
        per_iteration = (result["seconds"] - compilation) / result["iterations"]
        rows.append(
            [
                name,
                f"{result['seconds']:.1f}",
                f"{compilation:.1f}",
                str(result["iterations"]),
                str(result["evaluations"]),
                f"{result['loss']:.1e}",
                f"{1e3 * per_iteration:.2f}",
                f"{slow / per_iteration:.0f}×",
            ]
        )
    return markdown_table(head, rows)


def main() -> None:
    """Time every way, and write the results and the table."""
    keras.config.set_floatx("float64")
    results = {
        "`fit`": compiled(True),
        "`fit`, TFP's own line search throughout": compiled(False),
        "eager calls": eager(),
    }
    write_json(HERE / "post.json", {**results, "machine": machine()})
    text = table(results)
    replace(HERE / "README.md", "post", f"{text}\n\nMeasured on: {machine()}; float64.")
    print(text)


if __name__ == "__main__":
    main()
