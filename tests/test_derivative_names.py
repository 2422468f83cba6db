"""The grammar of names, the plans that they need, and the two engines."""

import pytest
import tensorflow as tf

from pinn.derivatives import Symbol, nested, parse, plan, taylor
from pinn.errors import InputError

PLANE = {"coordinates": ("x", "y", "t"), "fields": ("u", "v"), "where": "Flow.momentum"}
NUMBERED = {"coordinates": ("x1", "x2", "x11", "t"), "fields": ("u", "u_s"), "where": "Heat.heat"}


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("x", Symbol("x", "coordinate")),
        ("t", Symbol("t", "coordinate")),
        ("u", Symbol("u", "derivative", "u")),
        ("v_t", Symbol("v_t", "derivative", "v", ("t",))),
        ("u_xx", Symbol("u_xx", "derivative", "u", ("x", "x"))),
        ("u_yx", Symbol("u_yx", "derivative", "u", ("x", "y"))),
        ("u_xxtt", Symbol("u_xxtt", "derivative", "u", ("t", "t", "x", "x"))),
        ("lap_u", Symbol("lap_u", "laplacian", "u")),
        ("v_n", Symbol("v_n", "normal", "v")),
        ("u_data", Symbol("u_data", "data", "u")),
    ],
)
def test_grammar(name, symbol):
    assert parse(name, **PLANE) == symbol


@pytest.mark.parametrize(
    ("name", "field", "index"),
    [
        ("u_x1", "u", ("x1",)),
        ("u_x1x1", "u", ("x1", "x1")),
        ("u_x2x1t", "u", ("t", "x1", "x2")),
        ("u_x11", "u", ("x11",)),
        ("u_x11x1", "u", ("x1", "x11")),
        ("u_s", "u_s", ()),
        ("u_s_x2", "u_s", ("x2",)),
    ],
)
def test_coordinates_with_names_of_several_letters(name, field, index):
    assert parse(name, **NUMBERED) == Symbol(name, "derivative", field, index)


@pytest.mark.parametrize(
    ("name", "field"), [("lap_u_s", "u_s"), ("u_s_n", "u_s"), ("u_s_data", "u_s")]
)
def test_field_with_underscore_in_reserved_forms(name, field):
    assert parse(name, **NUMBERED).field == field


def test_coordinate_named_n_is_not_the_normal():
    assert parse("u_n", coordinates=("n",), fields=("u",), where="A.b").index == ("n",)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("w", ["'w'", "x, y, t", "u, v"]),
        ("u_z", ["'u_z'", "Did you mean 'u_"]),
        ("ux", ["'ux'", "Did you mean 'u_x'"]),
        ("lapu", ["'lapu'", "Did you mean 'lap_u'"]),
        ("lap_w", ["'lap_w'", "Did you mean 'lap_"]),
        ("w_xx", ["'w_xx'", "Did you mean"]),
        ("u_", ["'u_'", "Did you mean"]),
        ("uxx", ["'uxx'", "Did you mean 'u_xx'"]),
        ("temperature", ["'temperature'", "such as u_x"]),
    ],
)
def test_unknown_name_raises_an_error(name, words):
    with pytest.raises(InputError) as error:
        parse(name, **PLANE)
    message = str(error.value)
    assert message.startswith("Flow.momentum: ")
    for word in words:
        assert word in message
    assert "\n" not in message
    if name == "temperature":
        assert "Did you mean" not in message


@pytest.mark.parametrize("name", ["u_xxxxx", "u_xxyyt"])
def test_order_above_four(name):
    with pytest.raises(InputError, match=r"order 5; at most 4 .*further field"):
        parse(name, **PLANE)


def test_plan_holds_what_the_symbols_need():
    symbols = [parse(n, **PLANE) for n in ("x", "u", "u_xx", "v_t")]
    assert plan(symbols, space=("x", "y")).indices == ((), ("t",), ("x",), ("x", "x"))
    assert plan(symbols, space=("x", "y")).operator == ()


def test_plan_of_normals_and_laplacians_holds_the_space_coordinates():
    assert plan([parse("u_n", **PLANE)], space=("x", "y")).indices == ((), ("x",), ("y",))
    laplacian = plan([parse("lap_u", **PLANE)], space=("x", "y"))
    assert laplacian.operator == (("x", "x"), ("y", "y"))
    assert ("t",) not in laplacian.indices


@pytest.mark.parametrize("engine", [taylor, nested], ids=["taylor", "nested"])
def test_values_of_all_kinds(engine):
    x = tf.constant([0.5, 1.0], tf.float64)
    y = tf.constant([2.0, 3.0], tf.float64)
    t = tf.constant([0.1, 0.2], tf.float64)
    normals = {"x": tf.constant([0.6, 0.0], tf.float64), "y": tf.constant([0.8, -1.0], tf.float64)}

    def fields(at):
        return {"u": at["x"] ** 3 * at["y"] + at["t"] * at["x"], "v": 4.0}

    names = ("u", "u_t", "u_xx", "u_xy", "u_xt", "u_yy", "lap_u", "u_n", "v", "v_x")
    symbols = [parse(n, **PLANE) for n in names]
    values = engine.evaluate(fields, symbols, {"x": x, "y": y, "t": t}, normals)
    u_x = 3 * x**2 * y + t
    u_y = x**3
    expected = {
        "u": x**3 * y + t * x,
        "u_t": x,
        "u_xx": 6 * x * y,
        "u_xy": 3 * x**2,
        "u_xt": tf.ones_like(x),
        "u_yy": tf.zeros_like(x),
        "lap_u": 6 * x * y,
        "u_n": normals["x"] * u_x + normals["y"] * u_y,
        "v": 4 * tf.ones_like(x),
        "v_x": tf.zeros_like(x),
    }
    assert list(values) == list(names)
    for name in names:
        assert values[name].shape == (2,)
        assert values[name].dtype == tf.float64
        assert values[name].numpy() == pytest.approx(expected[name].numpy(), rel=1e-14), name
