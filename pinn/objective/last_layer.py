"""A network's last layer, fitted to what is known of the solution beforehand: how a PirateNet starts.

Where the last layer is linear, residuals that are linear in the fields are linear in its weights,
and least squares gives the best of these at once: the physics-informed initialization of Wang et
al. (2024), arXiv:2402.00326.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pinn.derivatives import taylor
from pinn.jets import Jet
from pinn.networks.layers import FactorizedDense, TrainableSlope, every_layer
from pinn.networks.symmetric import without_mirrors
from pinn.objective.objective import Objective
from pinn.objective.points import Blocks, PointSet, blocks, draw
from pinn.problem import Term

POINTS = 1024  # at least; more where the layer has many inputs
PER_INPUT = 8
MEASURED = 20_000  # measurements at most, taken evenly from all
CUTOFF = 1e-3  # of the largest singular value; what is below asks for large weights that cancel each other


def is_shallow(network: keras.Model) -> bool:
    """Say whether a network is linear in its embedding: a PirateNet all of whose blocks are still switched off."""
    alphas = [
        layer
        for layer in every_layer(network)
        if isinstance(layer, TrainableSlope) and layer.start == 0
    ]
    return bool(alphas) and all(float(np.asarray(alpha.slope)) == 0 for alpha in alphas)


def fitted_last_layer(
    objective: Objective, data: PointSet | None, *, seed: int = 0
) -> tf.Tensor | None:
    """Return the network's weights and the unknowns as a flat vector [p], with the last layer fitted.

        min Σₜ wₜ/nₜ Σⱼ rₜ(xⱼ)²    over the weights of the last layer

    The terms t are the misfits to measurements and the initial conditions, those of values and not
    of derivatives. Where nothing is measured, initial conditions count at all times: the state
    begins as one that does not change. Weights of outputs of which these terms say nothing stay as
    they are.

    Args:
        objective: the loss; with conditions that the ansatz builds in, its terms have none.
        data: the measurements, if there are any.
        seed: of the points.

    Returns:
        None where no such term is in the loss, the last layer is no dense layer without activation,
        jets do not go through the network, or the terms are not linear and the fit is worse than
        what was there.
    """
    layer, terms = _last(objective), _known(objective)
    if layer is None or not terms or objective.engine is not taylor:
        return None
    theta = objective.flat.flatten()
    present = _weights(layer)
    count = max(POINTS, PER_INPUT * len(present))
    pieces = list(_pieces(objective, terms, data, count, seed))
    constant, rows = _system(
        objective, _replaced(objective, layer, np.zeros_like(present)), pieces, terms, layer
    )
    before, _ = _system(objective, theta, pieces, terms, layer)
    solution = np.linalg.lstsq(rows, -constant, rcond=CUTOFF)[0].reshape(present.shape)
    seen = np.any(rows.reshape(len(rows), *present.shape), axis=(0, 1))
    found = _replaced(objective, layer, np.where(seen, solution, present))
    after, _ = _system(objective, found, pieces, terms, layer)
    return found if np.sum(after**2) < np.sum(before**2) else None


def _known(objective: Objective) -> list[Term]:
    """Return the terms that say what values the fields have, from measurements or at the start."""
    return [
        t
        for t in objective.terms
        if t.region in ("data", "initial")
        and not any(s.index or s.kind in ("laplacian", "normal") for s in t.symbols)
    ]


def _pieces(
    objective: Objective, terms: Sequence[Term], data: PointSet | None, count: int, seed: int
) -> Iterator[tuple[str, Blocks]]:
    """Give the regions of the terms and one block of points of each."""
    problem, regions = objective.problem, {t.region for t in terms}
    timed = any(s.name == "t" for t in terms if t.region == "initial" for s in t.symbols)
    for region in sorted(regions):
        if region == "data":
            assert data is not None
            rows = np.linspace(
                0, len(data.coordinates) - 1, min(MEASURED, len(data.coordinates))
            ).astype(int)
            points = PointSet(
                data.coordinates[rows], None, {name: v[rows] for name, v in data.values.items()}
            )
        else:
            always = "data" not in regions and not timed
            points = draw(problem, "interior" if always else "initial", count, seed=seed)
        whole = blocks(points, threads=1, size=len(points.coordinates), dtype=objective.dtype)
        yield region, tf.nest.map_structure(lambda a: a[0, 0], whole)


def _system(
    objective: Objective,
    theta: tf.Tensor,
    pieces: Sequence[tuple[str, Blocks]],
    terms: Sequence[Term],
    layer: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the terms' residuals [m], scaled as in the loss, and their derivatives [m, k] by the layer's weights."""
    weights = {t.name: w for t, w in zip(objective.terms, objective.weights, strict=True)}
    residuals, rows = [], []
    for region, piece in pieces:
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            probe = _LastLayerProbe(layer, tape)
            found = objective.residuals(objective.flat.partition(theta), region, piece, hook=probe)
        for name in (t.name for t in terms if t.region == region):
            scaled = tf.sqrt(weights[name] * piece.weights)
            slopes: Any = tape.gradient(
                found[name], probe.zeros, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            residuals.append(scaled * found[name])
            rows.append(probe.rows([scaled * slope for slope in slopes]))
    return np.concatenate(residuals).astype(float), np.concatenate(rows).astype(float)


class _LastLayerProbe:
    """Adds zeros to the values that one layer puts out; by them a residual has the slope δ, by the kernel a ⊗ δ."""

    def __init__(self, layer: Any, tape: tf.GradientTape) -> None:
        self.layer, self.tape = layer, tape
        self.inputs: list[tf.Tensor] = []  # of every time that the network comes to the layer
        self.zeros: list[tf.Tensor] = []

    def __call__(self, layer: Any, inputs: Jet, outputs: Jet) -> Jet:
        if layer is not self.layer:
            return outputs
        zeros = tf.zeros_like(outputs.value)
        self.tape.watch(zeros)
        self.inputs.append(inputs.value)
        self.zeros.append(zeros)
        return outputs.shift(zeros)

    def rows(self, slopes: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the derivatives [n, k] by kernel and bias from those by the outputs [outputs, n] of every time."""
        found = []
        for inputs, slope in zip(self.inputs, slopes, strict=True):
            ones = [] if self.layer.bias is None else [tf.ones_like(inputs[:1])]
            columns = tf.concat([inputs, *ones], 0)[:, None, :] * slope[None, :, :]
            found.append(tf.transpose(tf.reshape(columns, [-1, columns.shape[2]])))
        return tf.add_n(found)


def _last(objective: Objective) -> Any:
    """Return the layer that gives the fields, if it is a trained dense one without activation."""
    network: Any = objective.network
    if network.name == "side_by_side":
        network = network.get_layer("fields")
    network = without_mirrors(network)
    outputs = getattr(network, "outputs", None)
    layer = outputs[0]._keras_history.operation if outputs else None
    linear = type(layer) is keras.layers.Dense and layer.activation is keras.activations.linear
    trained = {id(v) for v in objective.flat.variables}
    if not (linear or isinstance(layer, FactorizedDense)):
        return None
    return layer if id(_kernel(layer)) in trained else None


def _kernel(layer: Any) -> Any:
    return layer.direction if isinstance(layer, FactorizedDense) else layer.kernel


def _scale(layer: Any) -> Any:
    """Return what the kernel's variable is multiplied by."""
    return np.exp(np.asarray(layer.log_scale)) if isinstance(layer, FactorizedDense) else 1.0


def _weights(layer: Any) -> np.ndarray:
    """Return the kernel, and below it the bias if there is one, [inputs (+ 1), outputs]."""
    kernel = np.asarray(_kernel(layer)) * _scale(layer)
    return kernel if layer.bias is None else np.concatenate([kernel, np.asarray(layer.bias)[None]])


def _replaced(objective: Objective, layer: Any, weights: np.ndarray) -> tf.Tensor:
    """Return the network's weights and the unknowns as a flat vector [p], the layer's weights replaced."""
    flat, inputs = objective.flat, int(_kernel(layer).shape[0])
    new = {id(_kernel(layer)): weights[:inputs] / _scale(layer), id(layer.bias): weights[inputs:]}
    tensors = flat.partition(flat.flatten())
    pairs = zip(flat.variables, tensors, strict=True)
    return flat.concat(
        [tf.constant(new[id(v)], flat.dtype) if id(v) in new else tensor for v, tensor in pairs]
    )
