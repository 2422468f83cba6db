"""One loss and its gradient, written in several ways; every way runs in the process that suits it.

The loss is the mean squared residual of Burgers' equation, u_t + u u_x - (0.01/π) u_xx, of a
network with three hidden layers of 20 tanh units, at 10 000 points, in double precision.  This
module loads TensorFlow inside functions only: `pinn` sets flags of XLA that the others must not
inherit.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np

COUNT = 10_000
WIDTH = 20
DEPTH = 3
NU = 0.01 / pi
SIZES = (2, *[WIDTH] * DEPTH, 1)

Variant = Callable[[], tuple[Any, Any]]
"""() -> (loss, gradient): one flat vector, or a list in the order kernel, bias, kernel, …"""


def case() -> tuple[list[np.ndarray], np.ndarray]:
    """Return kernels and biases in turn, and points [COUNT, 2] in -1 < x < 1, 0 < t < 1."""
    rng = np.random.default_rng(0)
    weights: list[np.ndarray] = []
    for rows, columns in itertools.pairwise(SIZES):
        weights += [
            rng.normal(size=(rows, columns)) / np.sqrt(rows),
            0.1 * rng.normal(size=columns),
        ]
    return weights, rng.uniform((-1.0, 0.0), (1.0, 1.0), size=(COUNT, 2))


def _set(network: Any, weights: list[np.ndarray]) -> None:
    for variable, value in zip(network.trainable_variables, weights, strict=True):
        variable.assign(value)


def ours() -> dict[str, Variant]:
    """Return this package's objective with either engine, on points cut as in a run."""
    import pinn  # noqa: F401, I001 (first, because it sets XLA's flags)

    from pinn.networks import mlp
    from pinn.objective import Objective, PointSet
    from pinn.problems import Burgers
    from pinn.runtime import configure, set_precision
    from pinn.setup.draws import Draws
    from pinn.setup.points import Points

    configure()
    set_precision("float64")
    weights, points = case()
    variants: dict[str, Variant] = {}
    for engine in ("taylor", "nested"):
        # On this square the network's own scaling of its inputs is the identity, which the others
        # do not have.
        network = mlp(lower=(-1.0, -1.0), upper=(1.0, 1.0), outputs=1, width=WIDTH, depth=DEPTH)
        _set(network, weights)
        objective = Objective(
            Burgers(nu=NU), network, weights={"start": 0.0, "walls": 0.0}, derivatives=engine
        )
        batch = Draws(Points(), objective, seed=0).cut({"interior": PointSet(points)})
        theta = objective.flat.flatten()
        variants[f"ours, {engine}"] = _call(objective, theta, batch)
    return variants


def _call(objective: Any, theta: Any, batch: Any) -> Variant:
    """Return the call of an objective; it keeps the objective alive, as its method would not."""
    return lambda: objective.value_and_gradient(theta, batch)


def plain() -> dict[str, Variant]:
    """Return nested GradientTapes over a Keras model, as a graph and compiled by XLA."""
    import keras
    import tensorflow as tf

    keras.config.set_floatx("float64")
    weights, points = case()
    layers = [keras.layers.Dense(n, activation="tanh") for n in SIZES[1:-1]]
    layers.append(keras.layers.Dense(SIZES[-1]))
    network = keras.Sequential([keras.Input((2,)), *layers])
    _set(network, weights)
    x, t = (tf.constant(column) for column in np.split(points, 2, axis=1))

    def value_and_gradient(x: Any, t: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as outer:
            with tf.GradientTape(watch_accessed_variables=False) as second:
                second.watch(x)
                with tf.GradientTape(watch_accessed_variables=False, persistent=True) as first:
                    first.watch((x, t))
                    u = network(tf.concat([x, t], 1))
                u_x = first.gradient(u, x)
                u_t = first.gradient(u, t)
            u_xx = second.gradient(u_x, x)
            loss = tf.reduce_mean((u_t + u * u_x - NU * u_xx) ** 2)
        return loss, outer.gradient(loss, network.trainable_variables)

    graph = tf.function(value_and_gradient)
    compiled = tf.function(value_and_gradient, jit_compile=True)
    return {
        "nested tapes, graph": lambda: graph(x, t),
        "nested tapes, XLA": lambda: compiled(x, t),
    }


def deepxde() -> dict[str, Variant]:
    """Return DeepXDE's network, derivatives and loss, as a graph and compiled by XLA.

    Loss and gradient are its `train_step` without the optimizer's update.
    """
    os.environ["DDE_BACKEND"] = "tensorflow"
    import deepxde as dde  # pyright: ignore[reportMissingImports] (an extra, `speed`)
    import tensorflow as tf

    dde.config.set_default_float("float64")
    weights, points = case()

    def equation(inputs: Any, u: Any) -> Any:
        u_x = dde.grad.jacobian(u, inputs, i=0, j=0)
        u_t = dde.grad.jacobian(u, inputs, i=0, j=1)
        u_xx = dde.grad.hessian(u, inputs, i=0, j=0)
        return u_t + u * u_x - NU * u_xx

    def variant(xla: bool) -> Variant:
        dde.config.enable_xla_jit(xla)
        domain = dde.geometry.GeometryXTime(
            dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1)
        )
        data = dde.data.TimePDE(domain, equation, [], num_domain=0, anchors=points)
        network = dde.nn.FNN(list(SIZES), "tanh", "Glorot normal")
        model = dde.Model(data, network)
        model.compile("adam", lr=1e-3, verbose=0)
        inputs = tf.constant(data.train_x)
        network(inputs)
        _set(network, weights)

        @tf.function(jit_compile=xla)
        def value_and_gradient(inputs: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                loss = tf.math.reduce_sum(model.outputs_losses_train(inputs, None, None)[1])
            return loss, tape.gradient(loss, network.trainable_variables)

        return lambda: value_and_gradient(inputs)

    return {"DeepXDE, graph": variant(False), "DeepXDE, XLA": variant(True)}


FAMILIES = {"ours": ours, "plain": plain, "deepxde": deepxde}


def serve(family: str, pipe: Any) -> None:
    """Send the names of the variants over a pipe; then answer requests (name, number of calls).

    The first answer to a name is (loss, gradient as one vector, seconds of the first call). Every
    later answer is the mean of `calls` calls in milliseconds, after one call that is not timed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    variants = FAMILIES[family]()
    called = set()
    pipe.send(list(variants))
    while (request := pipe.recv()) is not None:
        name, calls = request
        if name not in called:
            called.add(name)
            begin = time.perf_counter()
            loss, gradient = _wait(variants[name]())
            seconds = time.perf_counter() - begin
            vector = np.concatenate([np.ravel(array) for array in gradient])
            pipe.send((float(loss), vector, seconds))
            continue
        _wait(variants[name]())
        begin = time.perf_counter()
        for _ in range(calls):
            _wait(variants[name]())
        pipe.send(1e3 * (time.perf_counter() - begin) / calls)


def _wait(result: tuple[Any, Any]) -> tuple[Any, list[np.ndarray]]:
    """Return loss and gradient as arrays: a GPU may return tensors before it has computed them."""
    loss, gradient = result
    tensors = gradient if isinstance(gradient, list | tuple) else [gradient]
    return loss.numpy(), [tensor.numpy() for tensor in tensors]
