"""Jets against nested automatic differentiation."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn import jets
from pinn.derivatives import Symbol, nested
from pinn.elementary import RULES
from pinn.errors import InputError
from pinn.jets import MAX_ORDER, OPERATOR, VALUE, Jet, Plan
from pinn.jets.functions import JET_RULES

# Every derivative up to the fourth order in two coordinates.
ALL = Plan.of([("x",) * i + ("y",) * (MAX_ORDER - i) for i in range(MAX_ORDER + 1)])
LAPLACE = Plan.of([], laplacian=("x", "y"))

# The functions that the rules name, in plain TensorFlow on tensors.
FUNCTIONS = {
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "softplus": tf.math.softplus,
    "silu": lambda z: z * tf.sigmoid(z),
    "swish": lambda z: z * tf.sigmoid(z),
    "gelu": lambda z: 0.5 * z * (1 + tf.math.erf(z / math.sqrt(2))),
    "erf": tf.math.erf,
    "sin": tf.sin,
    "cos": tf.cos,
    "sinh": tf.sinh,
    "cosh": tf.cosh,
    "exp": tf.exp,
    "exponential": tf.exp,
    "log": tf.math.log,
    "atan": tf.atan,
    "linear": lambda z: z,
    "identity": lambda z: z,
    "neg": lambda z: -z,
    "negative": lambda z: -z,
    "abs": tf.abs,
    "square": lambda z: z * z,
    "sqrt": tf.sqrt,
    "rsqrt": lambda z: 1 / tf.sqrt(z),
    "reciprocal": lambda z: 1 / z,
}


# TensorFlow's own functions, which dispatch to the rules.
DISPATCHED = [
    tf.tanh,
    tf.sigmoid,
    tf.math.softplus,
    tf.math.erf,
    tf.sin,
    tf.cos,
    tf.sinh,
    tf.cosh,
    tf.exp,
    tf.math.log,
    tf.atan,
    tf.negative,
    tf.abs,
    tf.square,
    tf.sqrt,
    tf.math.rsqrt,
    tf.math.reciprocal,
    tf.identity,
    tf.nn.silu,
    tf.nn.gelu,
]
# TensorFlow rounds √2 to single precision in its own gelu, so only nine digits agree.
TOLERANCE = {"gelu": 1e-8}


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    return {c: tf.constant(rng.uniform(-1, 1, 5)) for c in "xy"}


def positive(at):
    """A function that mixes its coordinates and stays within (0.4, 2.1)."""
    return 1.2 + 0.3 * at["x"] * at["y"] + 0.25 * at["x"] * at["x"] - 0.35 * at["y"]


def symbol(index):
    name = "u" + ("_" + "".join(index) if index else "")
    if index == OPERATOR:
        return Symbol("lap_u", "laplacian", "u")
    return Symbol(name, "derivative", "u", index)


def agree(jet, function, points, tolerance=1e-12):
    """Assert that the jet has the derivatives that nested tapes give for the function."""
    indices = [*jet.plan.indices, *([OPERATOR] if jet.plan.operator else [])]
    symbols = [symbol(i) for i in indices]
    expected = nested.evaluate(lambda at: {"u": function(at)}, symbols, points, {})
    for index, s in zip(indices, symbols, strict=True):
        error = jets.component(jet, index, jet.value).numpy() - expected[s.name]
        size = max(1.0, np.max(np.abs(expected[s.name])))
        assert np.max(np.abs(error)) <= tolerance * size, s.name


def compare(function, points, plan=ALL, tolerance=1e-12):
    agree(function(jets.coordinates(points, plan)), function, points, tolerance)


def test_functions_cover_every_rule():
    assert set(FUNCTIONS) == {*RULES, *JET_RULES}
    assert all(jets.has_rule(name) for name in FUNCTIONS)
    assert not jets.has_rule("relu")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rule_to_fourth_order(name, points):
    jet = jets.apply(name, positive(jets.coordinates(points, ALL)))
    agree(jet, lambda at: FUNCTIONS[name](positive(at)), points)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rule_for_laplacian(name, points):
    jet = jets.apply(name, positive(jets.coordinates(points, LAPLACE)))
    agree(jet, lambda at: FUNCTIONS[name](positive(at)), points)


@pytest.mark.parametrize("function", DISPATCHED, ids=lambda f: f.__name__)
def test_tensorflow_function_takes_jets(function, points):
    tolerance = TOLERANCE.get(function.__name__, 1e-12)
    compare(lambda at: function(positive(at)), points, Plan.of([("x", "x", "y")]), tolerance)


@pytest.mark.parametrize(
    "name", ["tanh", "sigmoid", "softplus", "silu", "swish", "gelu", "exponential", "linear"]
)
def test_keras_activation_has_the_rule_of_its_name(name, points):
    activation = keras.activations.get(name)
    jet = jets.apply(activation.__name__, positive(jets.coordinates(points, ALL)))
    expected = activation(positive(points)).numpy()
    assert jet.value.numpy() == pytest.approx(expected, rel=TOLERANCE.get(name, 1e-14))


COMBINATIONS = {
    "product": lambda at: positive(at) * tf.sin(at["x"]),
    "quotient": lambda at: tf.sin(at["x"] * at["y"]) / positive(at),
    "reciprocal": lambda at: 2.0 / positive(at),
    "difference": lambda at: 1.0 - positive(at) - (tf.cos(at["y"]) - 3),
    "quotient by a number": lambda at: positive(at) / 7,
    "negative": lambda at: -positive(at),
    "square": lambda at: at["x"] ** 2,
    "cube of a sum": lambda at: (at["x"] + 2 * at["y"]) ** 3,
    "fifth power": lambda at: at["x"] ** 5,
    "zeroth power": lambda at: positive(at) ** 0 * at["x"],
    "negative power": lambda at: positive(at) ** -2,
    "real power": lambda at: positive(at) ** 1.7,
    "exponential of a number": lambda at: 1.5 ** at["x"] * at["y"],
    "jet to a jet": lambda at: positive(at) ** (at["x"] + 0.5),
    "absolute value": lambda at: abs(at["x"] - 0.3 * at["y"]) * positive(at),
    "tf.pow": lambda at: tf.pow(positive(at), 3),
    "tf.multiply": lambda at: tf.multiply(2.0, tf.add(at["y"], 1.0)),
    "tf.subtract": lambda at: tf.subtract(2.0, at["x"] * at["y"]),
    "nested": lambda at: tf.tanh(tf.sin(3 * at["x"]) * tf.exp(-at["y"]) + at["x"] / positive(at)),
}
OF_TWO = {
    "tf.multiply of jets": lambda at: tf.multiply(at["x"], tf.add(at["y"], positive(at))),
    "tf.divide of jets": lambda at: tf.divide(at["x"], positive(at)),
}


@pytest.mark.parametrize("name", [*COMBINATIONS, *OF_TWO])
@pytest.mark.parametrize("plan", [ALL, LAPLACE], ids=["fourth order", "Laplacian"])
def test_arithmetic(name, plan, points):
    compare({**COMBINATIONS, **OF_TWO}[name], points, plan)


FACTOR = np.random.default_rng(1).uniform(1, 2, 5)


@pytest.mark.parametrize(
    "constant",
    [
        FACTOR,
        tf.constant(FACTOR),
        np.float64(1.5),
        tf.constant(1.5, tf.float64),
        tf.Variable(FACTOR),
        2,
        1.5,
    ],
    ids=["array", "tensor", "numpy number", "scalar tensor", "variable", "int", "float"],
)
@pytest.mark.parametrize(
    "combine",
    [
        lambda c, jet: c * jet,
        lambda c, jet: jet * c,
        lambda c, jet: c + jet,
        lambda c, jet: jet + c,
        lambda c, jet: c - jet,
        lambda c, jet: jet - c,
        lambda c, jet: c / jet,
        lambda c, jet: jet / c,
        lambda c, jet: c**jet,
    ],
    ids=["c*j", "j*c", "c+j", "j+c", "c-j", "j-c", "c/j", "j/c", "c**j"],
)
def test_constants_on_either_side(constant, combine, points):
    # The oracle takes the constant as a tensor, so that all its arithmetic is TensorFlow's.
    plain = tf.convert_to_tensor(constant, tf.float64)
    jet = combine(constant, positive(jets.coordinates(points, LAPLACE)))
    assert isinstance(jet, Jet)
    assert jet.dtype == tf.float64
    agree(jet, lambda at: combine(plain, positive(at)), points)


def test_powers_at_zero_are_finite():
    at = {"x": tf.constant([0.0, 1.0], tf.float64)}
    jet = jets.coordinates(at, Plan.of([("x", "x", "x")]))["x"] ** 2
    for k, expected in enumerate([[0, 1], [0, 2], [2, 2], [0, 0]]):
        assert jets.component(jet, ("x",) * k, at["x"]).numpy().tolist() == expected


def test_jets_hold_only_what_the_plan_names(points):
    plan = Plan.of([("x", "x")])
    jet = jets.coordinates(points, plan)["x"]
    assert set((jet * jet).components) == {VALUE, ("x",), ("x", "x")}
    assert set(tf.sin(jets.coordinates(points, plan)["y"]).components) == {VALUE}


def test_plan_is_closed_and_minimal():
    plan = Plan.of([("t", "x", "x")])
    assert plan.indices == ((), ("t",), ("x",), ("t", "x"), ("x", "x"), ("t", "x", "x"))
    assert Plan.of([]).indices == (VALUE,)
    assert jets.order(plan) == 3
    assert LAPLACE.indices == (VALUE, ("x",), ("y",))
    assert jets.order(LAPLACE) == 2


def test_plan_of_too_high_an_order():
    with pytest.raises(InputError, match="order 5; at most 4"):
        Plan.of([("x",) * 5])


def test_stack_and_row_are_inverse(points):
    columns = jets.coordinates(points, ALL)
    rows = [columns["x"] * columns["y"], columns["y"]]
    stacked = jets.stack(rows)
    assert stacked.value.shape == (2, 5)
    for i, row in enumerate(rows):
        for index in ALL.indices:
            expected = jets.component(row, index, row.value)
            assert np.array_equal(jets.component(stacked[i], index, row.value), expected)


def test_row_of_a_stack_has_its_own_derivatives(points):
    stacked = jets.stack(list(jets.coordinates(points, ALL).values()))
    assert set(stacked.components) == {VALUE, ("x",), ("y",)}
    row = stacked.row(1)
    assert set(row.components) == {VALUE, ("y",)}
    assert np.array_equal(row.value, points["y"])
    assert row.components["y",].numpy() == [1.0]
    # After an operation on the stack, a row has all components of the stack.
    assert set((2 * stacked).row(1).components) == set(stacked.components)


def test_jet_passes_through_tf_function(points):
    @tf.function(jit_compile=True)
    def second(at):
        x = jets.coordinates(at, Plan.of([("x", "x")]))["x"]
        return jets.component(tf.sin(x), ("x", "x"), at["x"])

    assert second(points).numpy() == pytest.approx(-np.sin(points["x"]), rel=1e-14)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (tf.nn.relu, "relu"),
        (tf.math.lgamma, "lgamma"),
        (tf.floor, "floor"),
        (lambda jet: tf.maximum(jet, 0.0), "maximum"),
        (lambda jet: tf.atan2(jet, jet), "atan2"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_function_without_rule(function, name, points):
    with pytest.raises(InputError, match=rf"no Taylor rule for tf\.{name}") as error:
        function(jets.coordinates(points, ALL)["x"])
    assert "nested" in str(error.value)


def test_where_takes_the_derivatives_of_what_it_takes():
    points = {"x": tf.constant([-1.0, 0.0, 2.0], tf.float64)}
    x = jets.coordinates(points, Plan.of([("x",), ("x", "x")]))["x"]
    found = tf.where(x < 0.0, x * x * x, 3.0)
    assert found.value.numpy().tolist() == [-1.0, 3.0, 3.0]
    assert found.components["x",].numpy().tolist() == [3.0, 0.0, 0.0]
    assert found.components["x", "x"].numpy().tolist() == [-6.0, 0.0, 0.0]
    assert tf.where(x < 0.0, 0.1, x).value.numpy()[0] == 0.1  # not rounded to single precision
    assert (0.1**x).value.numpy()[0] == pytest.approx(10, rel=1e-14)
    other = tf.where(x >= 2.0, 1.0, x)
    assert other.components["x",].numpy().tolist() == [1.0, 1.0, 0.0]
