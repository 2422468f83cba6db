"""A least-squares fit of a network's last layer before training: how a PirateNet starts.

Where the last layer is linear, residuals that are linear in the fields are linear in the layer's
parameters, and least squares gives their optimum at once: the physics-informed initialization of
Wang et al. (2024), arXiv:2402.00326.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.derivatives import taylor
from pinn.geometry import is_data
from pinn.jets import Jet
from pinn.networks.layers import FactorizedDense, TrainableSlope, every_layer
from pinn.networks.symmetric import without_mirrors
from pinn.objective.blocks import Blocks, cut_into_blocks
from pinn.objective.objective import Objective
from pinn.objective.point_sets import DataSets, PointSet, draw
from pinn.problem import Term

POINTS = 1024  # the least number of points
PER_INPUT = 8  # points per input of the layer, where that is more
MEASURED = 20_000  # the largest number of measurements, which are taken evenly from all
# Singular values below this share of the largest one are cut off: they would ask for large
# parameters that cancel each other.
CUTOFF = 1e-3

LastLayer = keras.layers.Dense | FactorizedDense


def is_shallow(network: keras.Model) -> bool:
    """Return whether a network is a PirateNet whose blocks are all still switched off."""
    alphas = []
    for layer in every_layer(network):
        if isinstance(layer, TrainableSlope) and layer.start == 0:
            alphas.append(float(np.asarray(layer.slope)))
    return bool(alphas) and not any(alphas)


def fitted_last_layer(
    objective: Objective, data: DataSets | None, *, seed: int = 0
) -> tf.Tensor | None:
    """Return the network's parameters and the unknowns [p], with the last layer fitted.

        min Σₜ wₜ/nₜ Σⱼ rₜ(xⱼ)²    over the parameters of the last layer

    The terms t are the misfits to measurements, and the initial conditions on values and not on
    derivatives.  Without measurements, initial conditions hold at all times: the state starts as
    one that does not change.  Parameters of outputs that occur in none of these terms keep their
    values.

    Args:
        objective: the loss; conditions that its ansatz satisfies are no terms of it.
        data: the measurements by region, if there are any.
        seed: seed of the points.

    Returns:
        None where the loss has no such term, the last layer is no dense layer without activation,
        jets do not go through the network, or the terms are not linear and the fit is worse than
        the present parameters.
    """
    layer = last_layer(objective)
    terms = _value_terms(objective)
    if layer is None or not terms or objective.engine is not taylor:
        return None
    theta = objective.flat.flatten()
    present = _parameters(layer)
    count = max(POINTS, PER_INPUT * len(present))
    pieces = list(_pieces(objective, terms, data, count, seed))

    # The linear system: the residuals without the layer, and their derivatives by its parameters.
    without = _replaced(objective, layer, np.zeros_like(present))
    constant, rows = _system(objective, without, pieces, terms, layer)
    solution = np.linalg.lstsq(rows, -constant, rcond=CUTOFF)[0].reshape(present.shape)

    # Outputs on which no residual depends keep their parameters.
    by_output = rows.reshape(len(rows), *present.shape)
    is_determined = np.any(by_output, axis=(0, 1))
    fitted = _replaced(objective, layer, np.where(is_determined, solution, present))

    # The fit counts only if it improves the terms: they need not be linear.
    before, _ = _system(objective, theta, pieces, terms, layer)
    after, _ = _system(objective, fitted, pieces, terms, layer)
    return fitted if np.sum(after**2) < np.sum(before**2) else None


def _value_terms(objective: Objective) -> list[Term]:
    """Return the terms that give the fields' values, from measurements or at the initial time."""
    terms = []
    for term in objective.terms:
        differentiates = any(s.index or s.kind in ("laplacian", "normal") for s in term.symbols)
        has_values = term.region == "initial" or is_data(term.region)
        is_local = all(s.is_local for s in term.symbols)
        if has_values and is_local and not differentiates:
            terms.append(term)
    return terms


def _pieces(
    objective: Objective, terms: Sequence[Term], data: DataSets | None, count: int, seed: int
) -> Iterator[tuple[str, Blocks]]:
    """Yield the regions of the terms with one block of points each."""
    weighed = sum(_thinned(points).weighed for points in (data or {}).values())
    for region in sorted({term.region for term in terms}):
        if is_data(region):
            assert data is not None
            points = _thinned(data[region])
        else:
            source = _initial_source(terms)
            points = draw(objective.problem, source, count, seed=seed)
        whole = cut_into_blocks(
            points,
            threads=1,
            size=len(points.coordinates),
            dtype=objective.dtype,
            weighed=weighed,
        )
        yield region, tf.nest.map_structure(lambda a: a[0, 0], whole)


def _thinned(data: PointSet) -> PointSet:
    """Return at most `MEASURED` of the measurements, evenly from all."""
    size = len(data.coordinates)
    chosen = np.linspace(0, size - 1, min(MEASURED, size)).astype(int)
    return data.take(chosen)


def _initial_source(terms: Sequence[Term]) -> str:
    """Return the region where initial conditions are imposed: at all times if nothing is measured.

    A condition that depends on time itself holds at the initial time only.
    """
    if any(is_data(term.region) for term in terms):
        return "initial"
    for term in terms:
        if any(symbol.name == "t" for symbol in term.symbols):
            return "initial"
    return "interior"


def _system(
    objective: Objective,
    theta: tf.Tensor,
    pieces: Sequence[tuple[str, Blocks]],
    terms: Sequence[Term],
    layer: LastLayer,
) -> tuple[Array, Array]:
    """Return the terms' residuals [m], scaled as in the loss, and their derivatives [m, k].

    The derivatives are those by the layer's k parameters.
    """
    weights = {t.name: w for t, w in zip(objective.terms, objective.weights, strict=True)}
    tensors = objective.flat.partition(theta)
    scaled_residuals = []
    rows = []
    for region, piece in pieces:
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            probe = _OutputProbe(layer, tape)
            residuals = objective.residuals(tensors, region, piece, hook=probe)
        for term in terms:
            if term.region == region:
                scale = tf.sqrt(weights[term.name] * piece.quadrature)
                slopes = tape.gradient(
                    residuals[term.name],
                    probe.zeros,
                    unconnected_gradients=tf.UnconnectedGradients.ZERO,
                )
                scaled_residuals.append(scale * residuals[term.name])
                rows.append(probe.rows([scale * slope for slope in slopes]))
    return np.concatenate(scaled_residuals).astype(float), np.concatenate(rows).astype(float)


class _OutputProbe:
    """A layer hook that adds watched zeros to one layer's outputs.

    Where a residual has the derivative δ by these zeros, it has the derivative a ⊗ δ by the kernel,
    with the inputs a, and δ by the bias.

    Args:
        layer: the layer.
        tape: the tape that watches the zeros.
    """

    def __init__(self, layer: LastLayer, tape: tf.GradientTape) -> None:
        self.layer = layer
        self.tape = tape
        self.inputs: list[tf.Tensor] = []
        """The layer's inputs [inputs, n], one entry per evaluation of the layer."""
        self.zeros: list[tf.Tensor] = []
        """The zeros [outputs, n] that were added to its outputs, one entry per evaluation."""

    def __call__(self, layer: keras.Operation, inputs: Jet, outputs: Jet) -> Jet:
        if layer is not self.layer:
            return outputs
        zeros = tf.zeros_like(outputs.value)
        self.tape.watch(zeros)
        self.inputs.append(inputs.value)
        self.zeros.append(zeros)
        return outputs.shift(zeros)

    def rows(self, slopes: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the derivatives [n, k] by kernel and bias, from those by the zeros."""
        summands = []
        for inputs, slope in zip(self.inputs, slopes, strict=True):
            extended = inputs
            if self.layer.bias is not None:
                extended = tf.concat([inputs, tf.ones_like(inputs[:1])], 0)
            columns = extended[:, None, :] * slope[None, :, :]
            summands.append(tf.transpose(tf.reshape(columns, [-1, columns.shape[2]])))
        return tf.add_n(summands)


def last_layer(objective: Objective) -> LastLayer | None:
    """Return the layer that gives the fields, if it is dense, trained and without activation."""
    network = objective.network
    if network.name == "side_by_side":
        network = network.get_layer("fields")
    network = without_mirrors(network)
    outputs = getattr(network, "outputs", None)
    if not outputs:
        return None
    layer = outputs[0]._keras_history.operation
    is_dense = type(layer) is keras.layers.Dense
    is_linear = is_dense and layer.activation is keras.activations.linear
    if not (is_linear or isinstance(layer, FactorizedDense)):
        return None
    trained = {id(variable) for variable in objective.flat.variables}
    return layer if id(kernel_variable(layer)) in trained else None


def kernel_variable(layer: LastLayer) -> keras.Variable:
    """Return the variable that is the kernel, up to the factor `_kernel_scale`."""
    return layer.direction if isinstance(layer, FactorizedDense) else layer.kernel


def _kernel_scale(layer: LastLayer) -> Array | float:
    """Return the factor eˢ of the kernel's variable; 1 where the kernel is not factorized."""
    return np.exp(np.asarray(layer.log_scale)) if isinstance(layer, FactorizedDense) else 1.0


def _parameters(layer: LastLayer) -> Array:
    """Return the kernel, and the bias if there is one as a further row, [inputs (+ 1), outputs]."""
    kernel = np.asarray(kernel_variable(layer)) * _kernel_scale(layer)
    if layer.bias is None:
        return kernel
    return np.concatenate([kernel, np.asarray(layer.bias)[None]])


def _replaced(objective: Objective, layer: LastLayer, parameters: Array) -> tf.Tensor:
    """Return the network's parameters and the unknowns [p], with those of the layer replaced."""
    flat = objective.flat
    kernel = kernel_variable(layer)
    inputs = int(kernel.shape[0])
    replacements = {id(kernel): parameters[:inputs] / _kernel_scale(layer)}
    if layer.bias is not None:
        replacements[id(layer.bias)] = parameters[inputs:]
    tensors = flat.partition(flat.flatten())
    for i, variable in enumerate(flat.variables):
        if id(variable) in replacements:
            tensors[i] = tf.constant(replacements[id(variable)], flat.dtype)
    return flat.concat(tensors)
