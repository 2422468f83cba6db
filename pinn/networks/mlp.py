"""The multilayer perceptron, from parts that compose: an embedding, dense layers, an architecture, a slope, a rank."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import keras
import numpy as np

from pinn.errors import InputError, did_you_mean
from pinn.networks.architectures import modified, piratenet
from pinn.networks.layers import FactorizedDense, PeriodicEmbedding, TrainableSlope
from pinn.networks.separable import separable
from pinn.networks.settings import (
    Factorization,
    Fourier,
    Periodic,
    Slope,
    check_count,
    check_positive,
)

ACTIVATIONS = ("tanh", "sin", "cos", "sigmoid", "softplus", "silu", "swish", "gelu")
WORDS = {
    "activation": ACTIVATIONS,
    "architecture": ("plain", "modified", "piratenet"),
    "initialization": ("glorot", "siren"),
}
OPTIONS: dict[str, type] = {
    "periodic": Periodic,
    "fourier": Fourier,
    "factorization": Factorization,
    "slope": Slope,
}
"""Settings that are groups of settings, by name."""
LAST_SEED = 2_000_000  # every layer has a seed of its own, 1000 × the network's and up, which must stay below 2³¹


@keras.saving.register_keras_serializable(package="pinn")
def sin(x: Any) -> Any:
    """Return the sine, as an activation function, which Keras has none of."""
    return keras.ops.sin(x)


@keras.saving.register_keras_serializable(package="pinn")
def cos(x: Any) -> Any:
    """Return the cosine, as an activation function, which Keras has none of."""
    return keras.ops.cos(x)


def mlp(
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    outputs: int,
    width: int = 20,
    depth: int = 3,
    activation: str = "tanh",
    frequency: float = 1.0,
    architecture: str = "plain",
    initialization: str = "glorot",
    periodic: Periodic | None = None,
    fourier: Fourier | None = None,
    factorization: Factorization | None = None,
    slope: Slope | None = None,
    rank: int | None = None,
    seed: int = 0,
) -> keras.Model:
    """Return a network of `depth` hidden layers of `width` units, from coordinates [n, d] to fields [n, outputs].

    A frozen dense layer scales the inputs from the box `lower` … `upper` to [-1, 1] (`Rescaling`
    would round its numbers to single precision when it is loaded from a file).  Every layer has a
    seed of its own.  All else is a choice, and every choice goes with every other.

    Args:
        lower: the lower corner of the box [d].
        upper: the upper corner of the box [d].
        outputs: number of fields.
        width: units of a hidden layer.
        depth: hidden layers; blocks of three of them in a PirateNet.
        activation: one of `ACTIVATIONS`.
        frequency: factor of the weights of what sees the coordinates first, at the start: above 1
            for solutions that oscillate over the box (ω₀ of Sitzmann et al. 2020,
            arXiv:2006.09661).
        architecture: "plain"; "modified": two further layers U = φ(W₁x + b₁), V = φ(W₂x + b₂) see
            the inputs, and every hidden layer Z = φ(WH + b) gives (1 − Z)·U + Z·V (Wang, Teng &
            Perdikaris 2021, arXiv:2001.04536); "piratenet": residual blocks of three layers with
            such gates, switched off at the start, when the network is linear in its embedding
            (Wang, Li, Chen & Perdikaris 2024, arXiv:2402.00326). A block ends in as many units as
            the embedding has features, so a PirateNet wants `fourier`.
        initialization: "glorot": weights from Glorot's normal distribution (Glorot & Bengio 2010),
            biases zero; "siren", for sin(ω(Wx + b)): weights uniform up to √(6/inputs)/ω in size,
            1/inputs in the first layer, biases up to 1/√inputs (Sitzmann et al. 2020); ω is where
            the slope starts.
        periodic: coordinates in which the network is periodic.
        fourier: random Fourier features in place of the coordinates, or of what `periodic` makes of
            them.
        factorization: random weight factorization of all trained layers.
        slope: a trainable slope in every activation.
        rank: for a separable network, the number of its products of functions of one coordinate,
            each of which is a network with all the other settings (Cho et al. 2023,
            arXiv:2306.15969); None for one network.
        seed: of all that is drawn.

    Raises:
        InputError: if width, depth, rank or frequency is not positive, or a word is unknown.
    """
    for name, count in (
        ("width", width),
        ("depth", depth),
        ("outputs", outputs),
        ("rank", 1 if rank is None else rank),
    ):
        check_count(f"network.{name}", count)
    check_positive("network.frequency", frequency)
    _check_words(activation=activation, architecture=architecture, initialization=initialization)
    _check_parts(periodic=periodic, fourier=fourier, factorization=factorization, slope=slope)
    design = _Design(
        width=width,
        depth=depth,
        activation=activation,
        frequency=frequency,
        architecture=architecture,
        initialization=initialization,
        periodic=periodic,
        fourier=fourier,
        factorization=factorization,
        slope=slope,
        seed=seed,
    )
    corners = np.asarray(lower, float), np.asarray(upper, float)
    if rank is None:
        return design.network(*corners, outputs)
    factors = [factor.network(*ends, rank * outputs) for factor, ends in design.factors(*corners)]
    return separable(factors, outputs=outputs)


@dataclass(frozen=True, kw_only=True)
class _Design:
    """The settings of one network, and the network that they make for a box."""

    width: int
    depth: int
    activation: str
    frequency: float
    architecture: str
    initialization: str
    periodic: Periodic | None
    fourier: Fourier | None
    factorization: Factorization | None
    slope: Slope | None
    seed: int

    def network(self, lower: np.ndarray, upper: np.ndarray, outputs: int) -> keras.Model:
        """Return the network from coordinates [n, d] in a box to [n, outputs]."""
        embedding, features = self.embedding(lower, upper)
        inputs = keras.Input((len(lower),), name="coordinates")
        layers, sizes = [layer for layer, _ in embedding], self.sizes(features)
        hidden = [
            self.hidden(units, k, count, first=k == 0) for k, (count, units) in enumerate(sizes)
        ]
        last = self.dense(outputs, len(sizes), sizes[-1][1])
        encoders = []
        if self.architecture == "plain":
            model = keras.Sequential([inputs, *layers, *chain(*hidden), last], name="mlp")
        else:
            encoders = [
                self.hidden(self.width, len(sizes) + 1 + k, features, first=True) for k in (0, 1)
            ]
            wired = {"modified": modified, "piratenet": piratenet}[self.architecture]
            model = wired(inputs, layers, encoders, hidden, last)
        for layer, weights in embedding:
            if weights:
                layer.set_weights(weights)
        for dense, *_ in (*encoders, hidden[0]):
            kernel = dense.trainable_variables[0]
            kernel.assign(self.frequency * kernel)
        return model

    def factors(
        self, lower: np.ndarray, upper: np.ndarray
    ) -> list[tuple[_Design, tuple[np.ndarray, np.ndarray]]]:
        """Return the design and the interval of every coordinate's own network."""
        if self.periodic:
            self.periodic.periods(
                lower.tolist(), upper.tolist()
            )  # raises for what is no coordinate
        found = []
        for axis in range(len(lower)):
            # Drawn, because the seeds near the network's own are those of other runs.
            own = int(np.random.default_rng((self.seed, axis, 1)).integers(LAST_SEED))
            periodic = self.periodic.among([axis]) if self.periodic else None
            ends = lower[axis : axis + 1], upper[axis : axis + 1]
            found.append((dataclasses.replace(self, seed=own, periodic=periodic), ends))
        return found

    def sizes(self, features: int) -> list[tuple[int, int]]:
        """Return the inputs and units of every hidden layer."""
        if self.architecture == "piratenet":
            return [
                (features, self.width),
                (self.width, self.width),
                (self.width, features),
            ] * self.depth
        return [(features, self.width), *[(self.width, self.width)] * (self.depth - 1)]

    def embedding(
        self, lower: np.ndarray, upper: np.ndarray
    ) -> tuple[list[tuple[Any, list[np.ndarray]]], int]:
        """Return the frozen layers with their weights (empty if they have them already), and their features' number."""
        count, periodic, fourier = len(lower), self.periodic, self.fourier
        if periodic:
            box = {"lower": lower.tolist(), "upper": upper.tolist()}
            periods = periodic.periods(**box)
            found = PeriodicEmbedding(
                periods=periods, harmonics=periodic.harmonics, name="periodic", **box
            )
            layers: list[tuple[Any, list[np.ndarray]]] = [(found, [])]
            count += len(periods) * (2 * periodic.harmonics - 1)
        else:
            scaling = keras.layers.Dense(count, trainable=False, name="scaling")
            layers = [(scaling, [np.diag(2 / (upper - lower)), -(lower + upper) / (upper - lower)])]
        if fourier:
            waves = np.random.default_rng(self._seed(3, 0)).normal(
                0, fourier.sigma, (count, fourier.count)
            )
            count = 2 * fourier.count
            # The cosines are sines a quarter of a turn ahead, so that one frozen dense layer gives
            # both.
            ahead = np.repeat([np.pi / 2, 0], fourier.count)
            features = keras.layers.Dense(count, activation=sin, trainable=False, name="fourier")
            layers.append((features, [np.pi * np.tile(waves, 2), ahead]))
        return layers, count

    def hidden(
        self, units: int, layer: int, inputs: int, *, first: bool = False
    ) -> list[keras.layers.Layer]:
        """Return a dense layer and what follows it up to its activation."""
        function: Any = {"sin": sin, "cos": cos}.get(self.activation, self.activation)
        if not self.slope and not self.factorization:
            return [self.dense(units, layer, inputs, first=first, activation=function)]
        dense, slope = self.dense(units, layer, inputs, first=first), self.slope
        slopes = (
            [TrainableSlope(scale=slope.scale, start=slope.start, name=f"slope_{layer}")]
            if slope
            else []
        )
        return [dense, *slopes, keras.layers.Activation(function, name=f"activation_{layer}")]

    def dense(
        self, units: int, layer: int, inputs: int, *, first: bool = False, **options: Any
    ) -> keras.layers.Layer:
        """Return a trainable dense layer."""
        # One seed for all layers would make equal shapes equal weights, hence a seed per layer.
        kernel: Any = keras.initializers.GlorotNormal(seed=self._seed(0, layer))
        bias: Any = "zeros"
        if self.initialization == "siren":
            omega = self.slope.start if self.slope else 1.0
            bound, shift = (
                1 / inputs if first else math.sqrt(6 / inputs) / omega,
                1 / math.sqrt(inputs),
            )
            kernel = keras.initializers.RandomUniform(-bound, bound, seed=self._seed(0, layer))
            bias = keras.initializers.RandomUniform(-shift, shift, seed=self._seed(1, layer))
        options |= {
            "kernel_initializer": kernel,
            "bias_initializer": bias,
            "name": f"dense_{layer}",
        }
        if not self.factorization:
            return keras.layers.Dense(units, **options)
        mean, stddev = self.factorization.mean, self.factorization.stddev
        scale = keras.initializers.RandomNormal(mean, stddev, seed=self._seed(2, layer))
        return FactorizedDense(units, scale_initializer=scale, **options)

    def _seed(self, kind: int, layer: int) -> int:
        count = (3 * self.depth if self.architecture == "piratenet" else self.depth) + 3
        return 1000 * self.seed + count * kind + layer


def _check_words(**settings: Any) -> None:
    for name, value in settings.items():
        if value not in WORDS[name]:
            raise InputError(
                f"network.{name}={value!r}: unknown.{did_you_mean(str(value), WORDS[name])}"
            )


def _check_parts(**settings: Any) -> None:
    for name, value in settings.items():
        if value is not None and not isinstance(value, OPTIONS[name]):
            kind = OPTIONS[name].__name__
            raise InputError(
                f"network.{name}={value!r}; give a {kind}, such as pinn.networks.{kind}(…)."
            )
