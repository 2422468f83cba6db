import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn import jets
from pinn.derivatives import Symbol, nested
from pinn.errors import InputError
from pinn.jets import Jet, Plan
from pinn.networks import NoTaylorRule, forward, mlp, takes_jets
from pinn.networks.mlp import ACTIVATIONS

PLAN = Plan.of([("x", "x", "y")])
BOX = {"lower": np.array([-1.0, 0.0]), "upper": np.array([1.0, 5.0])}


def points(count=7):
    rng = np.random.default_rng(0)
    return {c: tf.constant(rng.uniform(-1, 1, count)) for c in "xy"}


def assert_forward_agrees(model, tolerance=1e-13):
    """Assert that `forward` gives the model's values and the derivatives of nested tapes."""
    coordinates = points()
    outputs = forward(model, jets.stack(list(jets.coordinates(coordinates, PLAN).values())))
    values = model(tf.stack(list(coordinates.values()), axis=1), training=False)
    assert isinstance(outputs, Jet)
    assert outputs.value.shape == tf.transpose(values).shape
    assert outputs.value.numpy() == pytest.approx(values.numpy().T, rel=tolerance, abs=tolerance)
    symbols = [Symbol("u_" + "".join(i), "derivative", "u", i) for i in PLAN.indices[1:]]
    for row in range(outputs.value.shape[0]):

        def field(c, row=row):
            return {"u": model(tf.stack([c["x"], c["y"]], axis=1), training=False)[:, row]}

        expected = nested.evaluate(field, symbols, coordinates, {})
        for symbol in symbols:
            fast = jets.component(outputs[row], symbol.index, coordinates["x"]).numpy()
            slow = pytest.approx(
                expected[symbol.name].numpy(), rel=100 * tolerance, abs=100 * tolerance
            )
            assert fast == slow, symbol


def test_shape_and_dtype():
    network = mlp(**BOX, outputs=3, width=8, depth=2)
    shapes = [tuple(v.shape) for v in network.trainable_variables]
    assert shapes == [(2, 8), (8,), (8, 8), (8,), (8, 3), (3,)]
    assert {v.dtype for v in network.variables} == {"float64"}
    assert network(np.zeros((4, 2))).dtype == tf.float64
    assert network(np.zeros((4, 2))).shape == (4, 3)


def test_no_two_kernels_are_equal():
    network = mlp(**BOX, outputs=5, width=5, depth=6)
    kernels = [v.numpy() for v in network.trainable_variables if len(v.shape) == 2]
    for i, a in enumerate(kernels):
        assert np.std(a) > 0
        assert not any(a.shape == b.shape and np.any(a == b) for b in kernels[:i])


def test_a_seed_determines_the_parameters():
    def parameters(seed):
        network = mlp(**BOX, outputs=1, seed=seed)
        return np.concatenate([v.numpy().ravel() for v in network.trainable_variables])

    assert np.array_equal(parameters(4), parameters(4))
    in_kernels = parameters(4) != 0
    assert np.all((parameters(4) != parameters(5))[in_kernels])


@pytest.mark.parametrize("kind", [np.array, list])
def test_inputs_are_scaled_to_the_unit_box(kind):
    network = mlp(lower=kind([-1.0, 0.0]), upper=kind([1.0, 5.0]), outputs=1)
    scaled = network.layers[0](np.array([[-1.0, 0.0], [1.0, 5.0], [0.0, 2.5]]))
    assert scaled.numpy() == pytest.approx(np.array([[-1, -1], [1, 1], [0, 0]]), abs=1e-15)


def test_biases_start_at_zero_and_kernels_are_glorot():
    network = mlp(**BOX, outputs=1, width=200, depth=2)
    kernel = network.layers[2].kernel.numpy()
    assert np.all(network.layers[2].bias.numpy() == 0)
    # Keras draws a truncated normal and rescales it to this standard deviation.
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / 400), rel=0.02)


@pytest.mark.parametrize("activation", ["tanh", "sin"])
def test_a_network_is_saved_and_loaded_without_custom_objects(activation, tmp_path):
    network = mlp(**BOX, outputs=1, activation=activation)
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    x = np.random.default_rng(0).uniform(-1, 5, (5, 2))
    assert np.array_equal(loaded(x), network(x))
    assert takes_jets(loaded)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_of_mlp(activation):
    network = mlp(**BOX, outputs=2, width=6, depth=2, activation=activation)
    assert takes_jets(network)
    # TensorFlow rounds √2 to single precision in gelu.
    assert_forward_agrees(network, 1e-7 if activation == "gelu" else 1e-13)


def dense(units, activation=None, seed=1, **options):
    initializer = keras.initializers.GlorotNormal(seed=seed)
    return keras.layers.Dense(
        units, activation=activation, kernel_initializer=initializer, **options
    )


def residual_model():
    inputs = keras.Input((2,))
    rescaling = keras.layers.Rescaling(np.array([0.3, 2.0]), np.array([0.1, -1.0]))
    hidden = dense(4, "tanh")(rescaling(inputs))
    hidden = keras.layers.Add()([hidden, dense(4, "tanh", 2)(hidden)])
    gate = dense(4, "sigmoid", 3)(inputs)
    hidden = keras.layers.Multiply()([hidden, gate, hidden])
    hidden = keras.layers.Subtract()([hidden, dense(4, seed=4)(inputs)])
    hidden = keras.layers.Dropout(0.5)(hidden)
    joined = keras.layers.Concatenate()([hidden, inputs])
    return keras.Model(inputs, keras.layers.Identity()(dense(2, seed=5)(joined)))


def linear_model():
    inputs = keras.Input((2,))
    joined = keras.layers.Concatenate()([inputs, dense(1, seed=3, use_bias=False)(inputs)])
    return keras.Model(inputs, keras.layers.Add()([joined, joined]))


def shared_layer_model():
    inputs = keras.Input((2,))
    layer = dense(2, "tanh")
    return keras.Model(inputs, dense(1)(layer(layer(inputs))))


def nested_model():
    inputs = keras.Input((2,))
    inner = keras.Sequential([keras.Input((2,)), dense(3, keras.ops.sin), dense(2)])
    outer = residual_model()(inner(inputs))
    return keras.Model(inputs, keras.layers.Activation("tanh")(outer))


class Doubled(keras.layers.Layer):
    """A user's layer with a Taylor rule."""

    def call(self, inputs):
        return 2 * inputs

    def jet_call(self, inputs):
        return 2 * inputs


class Plain(keras.layers.Layer):
    """A user's layer without a Taylor rule."""

    def call(self, inputs):
        return 2 * inputs


MODELS = {
    "sequential": lambda: keras.Sequential(
        [keras.Input((2,)), dense(5, "tanh"), keras.layers.Dropout(0.3), dense(2)]
    ),
    "residual": residual_model,
    "linear": linear_model,
    "shared layer": shared_layer_model,
    "nested": nested_model,
    "own layer": lambda: keras.Sequential(
        [keras.Input((2,)), dense(3, "tanh"), Doubled(), dense(1)]
    ),
}


ROUNDED = {
    "rescaling by lists": lambda: keras.Sequential(
        [keras.Input((2,)), keras.layers.Rescaling([0.1, 0.3]), dense(2)]
    ),
    "rescaling by numbers": lambda: keras.Sequential(
        [keras.Input((2,)), keras.layers.Rescaling(0.1, 0.3), dense(2)]
    ),
}


@pytest.mark.parametrize("name", [*MODELS, *ROUNDED])
def test_forward_of_model(name):
    model = {**MODELS, **ROUNDED}[name]()
    assert takes_jets(model)
    assert_forward_agrees(model)


def keras_operation_model():
    inputs = keras.Input((2,))
    return keras.Model(inputs, dense(1)(keras.ops.sin(inputs)))


UNKNOWN = {
    "relu": lambda: keras.Sequential([keras.Input((2,)), dense(3, "relu"), dense(1)]),
    "normalization": lambda: keras.Sequential(
        [keras.Input((2,)), keras.layers.LayerNormalization(), dense(1)]
    ),
    "own layer": lambda: keras.Sequential([keras.Input((2,)), Plain(), dense(1)]),
    "activation layer": lambda: keras.Sequential(
        [keras.Input((2,)), dense(2), keras.layers.Activation("elu")]
    ),
}


class Twice(keras.layers.Dense):
    """A subclass of a dense layer with another call."""

    def call(self, inputs, training=None):
        return 2 * super().call(inputs)


class TwiceSequential(keras.Sequential):
    """A subclass of a sequential model with another call."""

    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs)


SUBTLE = {
    "subclass of Dense": lambda: keras.Sequential([keras.Input((2,)), Twice(1)]),
    "subclass of Sequential": lambda: TwiceSequential([keras.Input((2,)), dense(1)]),
    "operation": keras_operation_model,
    "activation object": lambda: keras.Sequential(
        [keras.Input((2,)), dense(2, keras.layers.LeakyReLU())]
    ),
}


@pytest.mark.parametrize("name", [*UNKNOWN, *SUBTLE])
def test_a_layer_without_a_taylor_rule_raises_an_error(name):
    model = {**UNKNOWN, **SUBTLE}[name]()
    assert not takes_jets(model)
    with pytest.raises(NoTaylorRule, match="no Taylor rule") as error:
        forward(model, jets.stack(list(jets.coordinates(points(), PLAN).values())))
    assert "nested" in str(error.value)
    assert "\n" not in str(error.value)


def test_several_outputs_need_nested_derivatives():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, [dense(1)(inputs), dense(1, seed=2)(inputs)])
    with pytest.raises(NoTaylorRule, match="several inputs or outputs"):
        forward(model, jets.stack(list(jets.coordinates(points(), PLAN).values())))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"width": 0}, ["width=0"]),
        ({"width": 2.5}, ["width=2.5"]),
        ({"depth": 0}, ["depth=0"]),
        ({"depth": "3"}, ["depth='3'"]),
        ({"outputs": -1}, ["outputs=-1"]),
        ({"activation": "tanhh"}, ["tanhh", "Did you mean 'tanh'"]),
        ({"activation": "relu"}, ["relu"]),
    ],
)
def test_bad_settings_raise_an_error(arguments, words):
    with pytest.raises(InputError) as error:
        mlp(**{**BOX, "outputs": 1, **arguments})
    assert str(error.value).startswith("network.")
    assert all(word in str(error.value) for word in words)
