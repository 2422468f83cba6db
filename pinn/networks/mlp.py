"""The multilayer perceptron: an embedding, dense layers wired by an architecture, options."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple, cast, get_args

import keras
import numpy as np

from pinn.arrays import Array
from pinn.errors import InputError, require_memory
from pinn.networks.architectures import Chain, modified, piratenet
from pinn.networks.decomposed import decomposed
from pinn.networks.layers import FactorizedDense, PeriodicEmbedding, TrainableSlope
from pinn.networks.separable import separable
from pinn.networks.settings import Factorization, Fourier, Periodic, Slope, Subdomains
from pinn.runtime import precision
from pinn.settings import Settings, check_count, count, positive

Activation = Literal["tanh", "sin", "cos", "sigmoid", "softplus", "silu", "swish", "gelu"]
Architecture = Literal["plain", "modified", "piratenet"]
Initialization = Literal["glorot", "siren"]
ACTIVATIONS: tuple[str, ...] = get_args(Activation)
OPTIONS: dict[str, type] = {
    "periodic": Periodic,
    "fourier": Fourier,
    "factorization": Factorization,
    "slope": Slope,
    "subdomains": Subdomains,
}
"""The settings that are groups of settings, by name."""
COPIES = 10  # of the parameters that training has in memory, at least
DEEPEST = 200  # hidden layers: Python refuses to trace many more
LAST_SEED = 2_000_000
"""The largest seed: every layer has its own, 1000 times the network's and up, below 2³¹."""


@keras.saving.register_keras_serializable(package="pinn")
def sin(x: Any) -> Any:
    """Return the sine, an activation function that Keras lacks."""
    return keras.ops.sin(x)


@keras.saving.register_keras_serializable(package="pinn")
def cos(x: Any) -> Any:
    """Return the cosine, an activation function that Keras lacks."""
    return keras.ops.cos(x)


_FUNCTIONS: dict[str, Any] = {"sin": sin, "cos": cos}
"""Activation functions that Keras does not know by name."""


def mlp(
    *,
    lower: Sequence[float],
    upper: Sequence[float],
    outputs: int,
    width: int = 20,
    depth: int = 3,
    activation: Activation = "tanh",
    frequency: float = 1.0,
    architecture: Architecture = "plain",
    initialization: Initialization = "glorot",
    periodic: Periodic | None = None,
    fourier: Fourier | None = None,
    factorization: Factorization | None = None,
    slope: Slope | None = None,
    subdomains: Subdomains | None = None,
    rank: int | None = None,
    seed: int = 0,
    dtype: str = "float64",
) -> keras.Model:
    """Return a network of hidden layers, from coordinates [n, d] to fields [n, outputs].

    A frozen dense layer scales the inputs from the box `lower` … `upper` to [-1, 1] (`Rescaling`
    would round its numbers to single precision when it is loaded from a file).  Every layer has its
    own seed.  All other settings can be combined freely.

    Args:
        lower: the lower corner of the box [d].
        upper: the upper corner of the box [d].
        outputs: number of fields.
        width: units of a hidden layer.
        depth: number of hidden layers; in a PirateNet, of blocks of three hidden layers.
        activation: one of `ACTIVATIONS`.
        frequency: factor of the initial kernels of the layers that take the embedded coordinates;
            above 1 for solutions that oscillate over the box (ω₀ of Sitzmann et al. 2020,
            arXiv:2006.09661).
        architecture: "plain"; "modified", where two encoders U = φ(W₁x + b₁), V = φ(W₂x + b₂) of
            the inputs gate every hidden layer Z = φ(WH + b) to (1 − Z)·U + Z·V (Wang, Teng &
            Perdikaris 2021, arXiv:2001.04536); or "piratenet": residual blocks of three layers with
            such gates, which are switched off at the start, when the network is linear in its
            embedding (Wang, Li, Chen & Perdikaris 2024, arXiv:2402.00326).  A block ends in as many
            units as the embedding has features, so that a PirateNet is best combined with
            `fourier`.
        initialization: "glorot": kernels from Glorot's normal distribution (Glorot & Bengio 2010),
            biases zero; or "siren", for sin(ω(Wx + b)): uniform kernels of at most √(6/inputs)/ω in
            size, 1/inputs in the first layer, biases of at most 1/√inputs (Sitzmann et al. 2020); ω
            is the initial slope.
        periodic: coordinates in which the network is periodic.
        fourier: random Fourier features of the coordinates, or of their periodic embedding.
        factorization: random weight factorization of all trained layers.
        slope: a trainable slope in every activation.
        subdomains: parts of the box with a network each, of this width and depth; they go with
            activation and frequency alone.
        rank: for a separable network, the number of its products of functions of one coordinate,
            each of which is a network with all the other settings (Cho et al. 2023,
            arXiv:2306.15969); None for one network.
        seed: seed of all random numbers.
        dtype: "float64" or "float32", whatever Keras is set to.

    Raises:
        InputError: if width, depth, rank or frequency is not positive, or a word is unknown.
    """
    check_count("network.outputs", outputs)
    check_count("network.rank", 1 if rank is None else rank)
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
        subdomains=subdomains,
        seed=seed,
    )
    box = _Box(np.asarray(lower, float), np.asarray(upper, float))
    design.check_memory(outputs * (rank or 1), box.dimension)
    with precision(dtype):
        if subdomains is not None:
            design.check_alone(rank)
            return design.decomposed(box, outputs, subdomains)
        if rank is None:
            return design.network(box, outputs)
        return separable(design.factors(box, rank * outputs), outputs=outputs)


class _Box(NamedTuple):
    """The box of the coordinates, by its lower and upper corners [d]."""

    lower: Array
    upper: Array

    @property
    def dimension(self) -> int:
        return len(self.lower)


class _FrozenLayer(NamedTuple):
    """A layer of the embedding, and the values of its variables unless it sets them itself."""

    layer: keras.Layer
    values: Sequence[Array] = ()


@dataclass(frozen=True, kw_only=True)
class _Design(Settings):
    """The settings of one network; it builds the network for a box."""

    width: int = count(20)
    depth: int = count(3, most=DEEPEST)
    activation: Activation
    frequency: float = positive(1.0)
    architecture: Architecture
    initialization: Initialization
    periodic: Periodic | None
    fourier: Fourier | None
    factorization: Factorization | None
    slope: Slope | None
    subdomains: Subdomains | None
    seed: int

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, kind in OPTIONS.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise InputError(
                    f"{self.setting(name)}={value!r}; give a {kind.__name__}, such as "
                    f"pinn.networks.{kind.__name__}(…)."
                )

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"network.{name}"

    def check_memory(self, outputs: int, dimension: int) -> None:
        """Raise an InputError for more parameters than the machine's memory holds."""
        features = 2 * self.fourier.count if self.fourier else dimension
        if self.periodic:
            features += 2 * self.periodic.harmonics * dimension
        parts = math.prod(self.subdomains.parts(dimension).values()) if self.subdomains else 1
        parameters = parts * self.width * (features + self.width * self.depth + outputs)
        require_memory(
            COPIES * parameters * np.dtype(float).itemsize,
            f"network: about {parameters:,} parameters",
            "use a smaller network, with fewer units, layers or features",
        )

    def network(self, box: _Box, outputs: int) -> keras.Model:
        """Return the network from coordinates [n, d] in a box to [n, outputs]."""
        inputs = cast(keras.KerasTensor, keras.Input((box.dimension,), name="coordinates"))
        embedding, features = self.embedding(box)
        embedding_layers = [frozen.layer for frozen in embedding]

        # The hidden layers and the encoders, each a dense layer and what follows it.
        hidden = []
        encoders = []
        sizes = self.sizes(features)
        for k, (layer_inputs, units) in enumerate(sizes):
            hidden.append(self.hidden(units, k, layer_inputs, first=k == 0))
        last = self.dense(outputs, len(sizes), inputs=sizes[-1][1])
        if self.architecture != "plain":
            for k in (len(sizes) + 1, len(sizes) + 2):
                encoders.append(self.hidden(self.width, k, features, first=True))

        # Their wiring.  It builds the layers, so that their variables exist from here on.
        if self.architecture == "plain":
            layers = [inputs, *embedding_layers, *chain(*hidden), last]
            model = keras.Sequential(layers, name="mlp")
        elif self.architecture == "modified":
            model = modified(inputs, embedding_layers, encoders, hidden, last)
        else:
            model = piratenet(inputs, embedding_layers, encoders, hidden, last)

        # The frozen numbers, and the frequency of all layers that take the embedded coordinates.
        for frozen in embedding:
            if frozen.values:
                frozen.layer.set_weights(list(frozen.values))
        for dense, *_ in (*encoders, hidden[0]):
            kernel = dense.trainable_variables[0]
            kernel.assign(self.frequency * kernel)
        return model

    def check_alone(self, rank: int | None) -> None:
        """Raise an InputError for a setting that does not go with subdomains."""
        neutral: dict[str, Any] = {"architecture": "plain", "initialization": "glorot"}
        others = {"periodic": self.periodic, "fourier": self.fourier, "slope": self.slope}
        others |= {"factorization": self.factorization, "rank": rank}
        others |= {name: getattr(self, name) for name in neutral}
        for name, value in others.items():
            if value != neutral.get(name):
                raise InputError(
                    f"network.subdomains: do not go with network.{name}; leave one of them out."
                )

    def decomposed(self, box: _Box, outputs: int, subdomains: Subdomains) -> keras.Model:
        """Return a network for every part of a box, as one from [n, d] to [n, outputs]."""
        return decomposed(
            lower=box.lower.tolist(),
            upper=box.upper.tolist(),
            outputs=outputs,
            counts=subdomains.parts(box.dimension),
            overlap=subdomains.overlap,
            width=self.width,
            depth=self.depth,
            activation=_FUNCTIONS.get(self.activation, self.activation),
            frequency=self.frequency,
            seed=self.seed,
        )

    def factors(self, box: _Box, outputs: int) -> list[keras.Model]:
        """Return one network per coordinate, from it [n, 1] to [n, outputs]."""
        if self.periodic:
            # Raises where the settings name a coordinate that does not exist.
            self.periodic.periods(box.lower.tolist(), box.upper.tolist())
        networks = []
        for axis in range(box.dimension):
            # Drawn, because the seeds next to the network's own are those of other runs.
            seed = int(np.random.default_rng((self.seed, axis, 1)).integers(LAST_SEED))
            periodic = self.periodic.restricted_to([axis]) if self.periodic else None
            design = dataclasses.replace(self, seed=seed, periodic=periodic)
            interval = _Box(box.lower[axis : axis + 1], box.upper[axis : axis + 1])
            networks.append(design.network(interval, outputs))
        return networks

    def sizes(self, features: int) -> list[tuple[int, int]]:
        """Return the inputs and units of every hidden layer."""
        square = (self.width, self.width)
        if self.architecture == "piratenet":
            return [(features, self.width), square, (self.width, features)] * self.depth
        return [(features, self.width)] + [square] * (self.depth - 1)

    def embedding(self, box: _Box) -> tuple[list[_FrozenLayer], int]:
        """Return the frozen layers, and the number of features that they give."""
        features = box.dimension
        layers = []
        if self.periodic:
            periodic = self._periodic_embedding(box, self.periodic)
            features += len(periodic.periods) * (2 * periodic.harmonics - 1)
            layers.append(_FrozenLayer(periodic))
        else:
            scaling = keras.layers.Dense(features, trainable=False, name="scaling")
            width = box.upper - box.lower
            values = [np.diag(2 / width), -(box.lower + box.upper) / width]
            layers.append(_FrozenLayer(scaling, values))
        if self.fourier:
            layers.append(self._fourier_features(features, self.fourier))
            features = 2 * self.fourier.count
        return layers, features

    def _periodic_embedding(self, box: _Box, periodic: Periodic) -> PeriodicEmbedding:
        lower = box.lower.tolist()
        upper = box.upper.tolist()
        return PeriodicEmbedding(
            periods=periodic.periods(lower, upper),
            lower=lower,
            upper=upper,
            harmonics=periodic.harmonics,
            name="periodic",
        )

    def _fourier_features(self, inputs: int, fourier: Fourier) -> _FrozenLayer:
        rng = np.random.default_rng(self._seed(3, 0))
        waves = rng.normal(0, fourier.sigma, (inputs, fourier.count))
        # A cosine is a sine a quarter of a turn ahead, so that one dense layer gives both.
        phases = np.repeat([np.pi / 2, 0], fourier.count)
        layer = keras.layers.Dense(
            2 * fourier.count, activation=sin, trainable=False, name="fourier"
        )
        return _FrozenLayer(layer, [np.pi * np.tile(waves, 2), phases])

    def hidden(self, units: int, layer: int, inputs: int, *, first: bool = False) -> Chain:
        """Return a dense layer and what follows it up to its activation."""
        function = _FUNCTIONS.get(self.activation, self.activation)
        if not self.slope and not self.factorization:
            return [self.dense(units, layer, inputs, first=first, activation=function)]
        layers = [self.dense(units, layer, inputs, first=first)]
        if self.slope:
            scale = self.slope.scale
            start = self.slope.start
            layers.append(TrainableSlope(scale=scale, start=start, name=f"slope_{layer}"))
        layers.append(keras.layers.Activation(function, name=f"activation_{layer}"))
        return layers

    def dense(
        self, units: int, layer: int, inputs: int, *, first: bool = False, **options: Any
    ) -> keras.Layer:
        """Return a trainable dense layer, the `layer`-th of the network."""
        # With one seed for all layers, kernels of equal shapes would be equal.
        kernel_seed = self._seed(0, layer)
        if self.initialization == "siren":
            omega = self.slope.start if self.slope else 1.0
            bound = 1 / inputs if first else math.sqrt(6 / inputs) / omega
            shift = 1 / math.sqrt(inputs)
            kernel = keras.initializers.RandomUniform(-bound, bound, seed=kernel_seed)
            bias = keras.initializers.RandomUniform(-shift, shift, seed=self._seed(1, layer))
        else:
            kernel = keras.initializers.GlorotNormal(seed=kernel_seed)
            bias = keras.initializers.Zeros()
        options["kernel_initializer"] = kernel
        options["bias_initializer"] = bias
        options["name"] = f"dense_{layer}"
        if not self.factorization:
            return keras.layers.Dense(units, **options)
        scale = keras.initializers.RandomNormal(
            self.factorization.mean, self.factorization.stddev, seed=self._seed(2, layer)
        )
        return FactorizedDense(units, scale_initializer=scale, **options)

    def _seed(self, kind: int, layer: int) -> int:
        """Return the seed of a layer's kernel (kind 0), bias (1), scale (2) or features (3)."""
        hidden_layers = 3 * self.depth if self.architecture == "piratenet" else self.depth
        # The hidden layers, the last one and two encoders.
        layers = hidden_layers + 3
        return 1000 * self.seed + layers * kind + layer
