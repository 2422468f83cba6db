# pyright: reportUndefinedVariable=false
# ruff: noqa: F821 (names are misspelt on purpose)
"""What users write in their methods: shapes, points, numbers, and mistakes."""

import dataclasses
import math
import re
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pinn import Interval, Problem, mlp, residual
from pinn.derivatives import taylor
from pinn.errors import InputError
from pinn.objective import Objective, cut_into_blocks, draw
from pinn.objective.method_checks import check_ansatz
from pinn.objective.residuals import Residuals
from pinn.objective.trial import constrained, trial
from pinn.problem import satisfies
from pinn.problem.python_numbers import numbers_in
from pinn.setup.stages import handover

FILE = Path(__file__).name
KINETICS = 2.5


def problem_of(function, *, base=Problem, **members):
    """Return a problem on 0 < x < 1, 0 < t < 2 with a residual method."""
    namespace = {
        "__annotations__": {"rate": float, "shift": float},
        "rate": 0.3,
        "shift": 0.1,
        "fields": ("u",),
        "space": Interval(x=(0.0, 1.0)),
        "time": (0.0, 2.0),
        "equation": residual(on="interior")(function),
        **members,
    }
    return type("Fisher", (base,), namespace)()


def residuals_of(problem, *, dtype="float64"):
    return Residuals(problem, problem.terms, engine=taylor, dtype=dtype)


def refusal(function, **members):
    """Return the line in which a residual method is refused."""
    with pytest.raises(InputError) as caught:
        residuals_of(problem_of(function, **members))
    line = str(caught.value)
    assert "\n" not in line and line.endswith((".", "?"))
    return line


def test_a_value_of_another_shape_or_kind_is_refused():
    shapes = {
        "(48, 1)": lambda self, u: u[:, None],
        "(48, 48)": lambda self, u, u_x: u[:, None] * u_x,
        "(47,)": lambda self, u: u[1:] - u[:-1],
        "(3,)": lambda self, u: np.zeros(3),
        "(1,)": lambda self, u: tf.zeros([1], u.dtype),
        "(1, 48)": lambda self, u: u[None],
    }
    for shape, function in shapes.items():
        line = refusal(function)
        assert "Fisher.equation: returned values of shape" in line and FILE in line
        assert f"of shape {shape} at 48 points; return one value per point." in line
    assert "(2,) without arguments" in refusal(lambda self: tf.zeros([2], tf.float64))
    # In a graph its shape is not known.
    assert "of shape" in refusal(lambda self, u: tf.boolean_mask(u, u > 0))
    kinds = {
        "None": lambda self, u: None,
        "a list": lambda self, u: [u],
        "a tuple": lambda self, u: (u, u),
        "a str": lambda self, u: "u",
        "a dict": lambda self, u: {"u": u},
        "a generator": lambda self, u: (v for v in [u]),
        "a bool": lambda self, u: True,
        "a type": lambda self, u: float,
    }
    for kind, function in kinds.items():
        assert f"Fisher.equation: returned {kind}; return the residual as" in refusal(function)


def test_a_number_is_a_residual_where_it_depends_on_no_argument():
    for function in (
        lambda self, u: self.rate - 0.3,
        lambda self: self.rate - 0.3,
        lambda self, u: tf.exp(-self.rate),
        lambda self, u: np.float64(1.0),
    ):
        residuals_of(problem_of(function))
    for function in (
        lambda self, u: tf.reduce_mean(u),
        lambda self, u: u[0],
        lambda self, x: tf.reduce_max(x),
    ):
        assert "depends on other points" in refusal(function)


def test_a_condition_on_unknowns_alone_is_one_number_at_all_points(eager):
    pinned = residual(on="interior")(lambda self: self.rate - 1)
    problem = problem_of(lambda self, u: u - self.rate, pinned=pinned)
    problem = dataclasses.replace(problem, unknowns={"rate": 0.3})
    lower, upper = problem.bounds
    objective = Objective(problem, mlp(lower=lower, upper=upper, outputs=1, width=3, depth=1))
    points = draw(problem, "interior", 40)
    blocks = cut_into_blocks(points, threads=1, size=16, dtype="float64")
    batch = objective.batch({"interior": blocks})
    theta = objective.flat.flatten()
    losses = objective.losses(theta, batch)
    np.testing.assert_allclose(losses[1], 0.49, rtol=1e-14)
    _, gradient = objective.value_and_gradient(theta, batch)
    other = Objective(problem, objective.network, weights={"pinned": 0})
    _, without = other.value_and_gradient(theta, batch._replace(weights=batch.weights[:1]))
    np.testing.assert_allclose(gradient[-1] - without[-1], 2 * (0.3 - 1), rtol=1e-14)


MIXED = {
    "mean": lambda self, u, u_t: u_t - tf.reduce_mean(u),
    "small mean": lambda self, u, u_t: u_t - 1e-9 * tf.reduce_mean(u),
    "one symbol": lambda self, u: u - tf.reduce_mean(u),
    "mean of a coordinate": lambda self, x, u: u - tf.reduce_mean(x),
    "constant gradient": lambda self, u: u - tf.stop_gradient(tf.reduce_max(u)),
    "first point": lambda self, u: u - u[0],
    "last point": lambda self, u: u - u[-1],
    "neighbour": lambda self, u: u - tf.roll(u, 1, 0),
    "sum": lambda self, u: u / tf.reduce_sum(u),
    "running sum": lambda self, u: tf.cumsum(u),
    "order": lambda self, u: tf.sort(u),
    "number of points": lambda self, u: u / tf.cast(tf.size(u), u.dtype),
    "place": lambda self, u: u * tf.cast(tf.range(tf.size(u)), u.dtype),
    "chance": lambda self, u: u + tf.random.normal(tf.shape(u), dtype=u.dtype),
    "root": lambda self, u: tf.sqrt(u) + tf.reduce_mean(tf.sqrt(u)),
}


@pytest.mark.parametrize("name", MIXED)
def test_a_value_that_depends_on_other_points_is_refused(name):
    line = refusal(MIXED[name])
    assert "Fisher.equation: its value at a point depends on other points" in line
    assert "one equation per point" in line and FILE in line


POINTWISE = {
    "huge": lambda self, u_t, u_xx: 78e9 * u_xx - 1e-6 * u_t,
    "cancels": lambda self, u, u_x: (1e6 + u) - 1e6 - u_x,
    "waves": lambda self, x, t, u: tf.sin(1e4 * x) * tf.exp(-30.0 * t) - u,
    "steep": lambda self, u: tf.exp(20.0 * u) - tf.math.log(u * u),
    "a logarithm": lambda self, u: tf.math.log(u),
    "small enough": lambda self, u: tf.math.asin(100.0 * u),
    "never finite": lambda self, u: tf.math.log(-1.0 - u * u),
    "branches": lambda self, x, u: tf.where(x < 0.5, u, tf.sqrt(tf.abs(u))),
    "axes": lambda self, u, u_x: tf.reduce_sum(tf.stack([u, u_x], axis=1), axis=1),
    "map": lambda self, u: tf.map_fn(lambda v: v * v, u),
    "assertion": lambda self, u: with_assertion(u),
    "table": lambda self, u, u_x: u_x - tf.gather(tf.range(2.0), tf.cast(u, tf.int32)),
}


def with_assertion(u):
    tf.debugging.assert_positive(u)
    return tf.sqrt(u)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", POINTWISE)
def test_a_value_of_one_point_is_accepted(name, dtype):
    residuals_of(problem_of(POINTWISE[name]), dtype=dtype)


NUMBERS = [
    lambda k, x: tf.exp(-k) * x,
    lambda k, x: tf.where(x < 0.5, 1.0, 0.1),
    lambda k, x: tf.constant(0.1) * x,
    lambda k, x: tf.cast(0.1, x.dtype) * x,
    lambda k, x: tf.constant([0.1, 2])[0] * x,
    lambda k, x: tf.maximum(0.1, x),
    lambda k, x: tf.sqrt(np.pi) + x * tf.fill([3], 0.1),
    lambda k, x: tf.pow(0.1, x),
    lambda k, x: tf.exp(np.float64(k)) * x,
    lambda k, x: tf.cond(x[0] < 0.5, lambda: tf.exp(k), lambda: tf.exp(-k)) * x,
    lambda k, x: tf.reduce_sum([0.1, 0.2]) * x,
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("number", range(len(NUMBERS)))
def test_numbers_take_the_precision_of_the_run(number, dtype):
    function = NUMBERS[number]
    x = tf.constant([0.2, 0.7, 0.9], dtype)

    def scoped(x):
        with numbers_in(dtype):
            return function(0.3, x)

    eager = scoped(x)
    traced = tf.function(scoped, autograph=False)(x)
    expected = function(tf.constant(0.3, dtype), x) if number == 0 else eager
    for value in (eager, traced):
        assert value.dtype == dtype
        np.testing.assert_array_equal(value, expected)


def test_no_digit_of_a_number_is_lost():
    with numbers_in("float64"):
        assert float(tf.constant(0.1)) == float(tf.cast(0.1, tf.float64)) == 0.1
        assert float(tf.exp(0.1)) == float(tf.exp(np.float64(0.1)))
        assert tf.constant(0.1, tf.float32).dtype == tf.float32
        assert tf.constant(1).dtype == tf.int32
        assert tf.constant(np.float32(0.1)).dtype == tf.float32


def test_outside_of_the_scope_and_in_other_threads_tensorflow_is_as_it_was():
    from tensorflow.python import pywrap_tfe
    from tensorflow.python.framework import constant_op

    originals = (constant_op._constant_impl, pywrap_tfe.TFE_Py_FastPathExecute)
    found = []
    with numbers_in("float64"):
        with numbers_in("float32"):
            assert tf.exp(0.1).dtype == tf.float32
        other = threading.Thread(
            target=lambda: found.extend([tf.exp(0.1).dtype, tf.constant(0.1).dtype])
        )
        other.start()
        other.join()
        assert tf.exp(0.1).dtype == tf.float64
    assert found == [tf.float32, tf.float32]
    with pytest.raises(KeyError), numbers_in("float64"):
        raise KeyError
    assert (constant_op._constant_impl, pywrap_tfe.TFE_Py_FastPathExecute) == originals
    assert tf.exp(0.1).dtype == tf.float32


MISTAKES = {
    "np": (lambda self, u: np.sin(u), "np.sin takes no tensors; use tf.sin."),
    "np's own name": (lambda self, u: np.arctan(u), "use tf.atan."),
    "np.log": (lambda self, u: np.log(u), "use tf.math.log."),
    "math": (lambda self, u: math.sin(u), "math.sin takes no tensors; use tf.sin."),
    "math.erf": (lambda self, u: math.erf(u), "use tf.math.erf."),
    "if": (lambda self, u: u if u > 0 else -u, "use tf.where(condition, a, b)"),
    "max": (lambda self, u: max(u, 0.0), "use tf.where(condition, a, b)"),
    "name": (lambda self, u: tff.sin(u), "correct the name. Did you mean 'tf'?"),
    "no parameter": (lambda self, u: u + u_x, "; add u_x to the parameters of the method."),
    "field of self": (lambda self, u: self.x * u, "; add x to the parameters of the method."),
    "import": (lambda self, u: pi * u, "; add from math import pi to the file."),
    "attribute": (lambda self, u: self.rte * u, "Did you mean 'rate'?"),
    "function": (lambda self, u: tf.sine(u), "Did you mean 'sin'?"),
    "type": (lambda self, u: u + "1", "correct the line"),
    "arguments": (lambda self, u: tf.sin(), "TypeError"),
    "empty": (lambda self, u: [][0], "IndexError: list index out of range; correct the line."),
    "dtype": (lambda self, u: u * tf.cast(u > 0, tf.float32), "u.dtype in place of a precision"),
    "whole": (lambda self, u: u * tf.where(u > 0, 1, 0), "numbers as they are (1.0, not 1)"),
    "returned": (lambda self, u: tf.cast(u, tf.float32), "returned float32 in a float64 run"),
    "logical": (lambda self, u: u > 0, "returned bool in a float64 run"),
    "print": (lambda self, u: (tf.print(u[0]), u)[1], "tf.print cannot be compiled; leave it out"),
    "Python": (
        lambda self, u: tf.py_function(lambda v: v, [u], u.dtype) + 0 * u,
        "tf.py_function cannot be compiled",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_residual_is_one_line_with_file_line_and_remedy(name):
    function, remedy = MISTAKES[name]
    line = refusal(function)
    assert remedy in line
    number = function.__code__.co_firstlineno
    assert re.search(rf"{FILE}:{number} Fisher.equation: ", line), line


def test_the_line_is_that_of_the_innermost_call_in_the_users_files():
    def helper(u):
        return u / undefined

    def equation(self, u):
        return helper(u)

    number = helper.__code__.co_firstlineno + 1
    assert f"{FILE}:{number} Fisher.equation: NameError" in refusal(equation)


def test_the_cause_is_kept_and_interrupts_and_refusals_pass():
    def raising(error):
        def equation(self, u):
            raise error

        return problem_of(equation)

    with pytest.raises(InputError) as caught:
        residuals_of(raising(KeyError("k")))
    assert isinstance(caught.value.__cause__, KeyError)
    for error in (KeyboardInterrupt(), InputError("mine"), MemoryError()):
        with pytest.raises(type(error)) as passed:
            residuals_of(raising(error))
        assert passed.value is error


async def awaited(self, u):
    return u


def yielding(self, u):
    yield u


def test_a_method_that_cannot_be_called_is_refused_at_construction():
    refused = {
        "lacks self; write def equation(self, u, u_x)": lambda u, u_x: u,
        "lacks self; write def equation(self)": lambda: 0.0,
        "lacks self; write def equation(self, u_xx)": lambda u_xx: u_xx,
        "'u' stands behind *; leave the * out": lambda self, *, u: u,
        "'*fields' names nothing": lambda self, *fields: fields[0],
        "'**fields' names nothing": lambda self, **fields: fields["u"],
        "is async": awaited,
        "has a yield": yielding,
    }
    for words, function in refused.items():
        with pytest.raises(InputError, match=re.escape(words)) as caught:
            problem_of(function)
        assert "Fisher.equation" in str(caught.value)
    for name, method in {
        "reference": lambda x, t: {"u": x},
        "ansatz": lambda x, t, net: net,
        "derived": lambda u: {"v": u},
        "reference_error": lambda: {"u": 1.0},
    }.items():
        with pytest.raises(InputError, match=rf"Fisher.{name}: lacks self"):
            problem_of(lambda self, u: u, **{name: method})


def test_a_method_whose_self_has_another_name_works():
    residuals_of(problem_of(lambda this, u: this.rate * u))


def applied(ansatz):
    """Return the field that an ansatz makes of a network's output x + t."""
    problem = problem_of(lambda self, u: u, ansatz=satisfies("equation")(ansatz))
    x = tf.constant([0.1, 0.5, 0.9], tf.float64)

    def network(points, training):
        return tf.reduce_sum(points, axis=1, keepdims=True)

    return trial(problem, network, hard=True)({"x": x, "t": 2 * x})["u"]


def test_mistakes_in_an_ansatz_are_told_like_those_in_a_residual():
    refused = {
        "np.sin takes no tensors; use tf.sin": lambda self, x, net: np.sin(net),
        "returned None for field 'u'": lambda self, net: None,
        "returned 2 fields, not 1": lambda self, net: (net, net),
        "of shape (3, 1) for field 'u' at 3 points": lambda self, net: net[:, None],
        "returned float32 for 'u'": lambda self, net: tf.cast(net, tf.float32),
        "AttributeError": lambda self, net: self.rte * net,
    }
    for words, ansatz in refused.items():
        function = tf.function(lambda ansatz=ansatz: applied(ansatz), autograph=False)
        with pytest.raises(InputError, match=re.escape(words)) as caught:
            function()
        assert f"{FILE}:{ansatz.__code__.co_firstlineno} Fisher.ansatz: " in str(caught.value)
    values = applied(lambda self, x, net: tf.where(x < 0.3, 0.1, tf.exp(-self.rate) * net))
    assert values.dtype == tf.float64
    np.testing.assert_allclose(values, [0.1, *(math.exp(-0.3) * np.array([1.5, 2.7]))], rtol=1e-15)


def test_an_ansatz_of_one_formula_per_point_is_demanded():
    refused = {
        "depends on other points": lambda self, x, net: net * x / tf.reduce_max(x),
        "an ansatz is one formula per point": lambda self, net: net - tf.reduce_mean(net),
        "tf.print cannot be compiled": lambda self, net: (tf.print(net[0]), net)[1],
    }
    for words, ansatz in refused.items():
        problem = problem_of(lambda self, u: u, ansatz=satisfies("equation")(ansatz))
        with pytest.raises(InputError, match=f"{FILE}:.* Fisher.ansatz: .*{words}"):
            check_ansatz(problem, partial(constrained, problem), "float64")


def test_a_window_is_handed_over_in_the_precision_of_numpy():
    problem = problem_of(
        lambda self, u: u,
        start=residual(on="initial")(lambda self, x, u: u - tf.where(x < 0.5, 1.0, 0.1)),
    )
    points = np.array([[0.2, 1.0], [0.7, 1.0]])
    values = handover(problem, lambda names, points: {"u": np.ones(2)})(points)
    np.testing.assert_array_equal(values["start"], [0.0, 0.9])


def test_mistakes_in_a_reference_are_told_like_those_in_a_residual():
    points = np.random.default_rng(0).uniform(size=(5, 2))
    refused = {
        "ZeroDivisionError: division by zero; correct the line": lambda self, x: 1 / 0,
        "use tf.where(condition, a, b) (np.where in NumPy)": lambda self, x: {"u": max(x, 0)},
        "Did you mean 'rate'": lambda self, x: {"u": self.rte * x},
        "math.sin takes no arrays; use np.sin.": lambda self, x: {"u": math.sin(x)},
    }
    for words, reference in refused.items():
        with pytest.raises(InputError, match=re.escape(words)) as caught:
            problem_of(lambda self, u: u, reference=reference).reference_at(points)
        assert f"{FILE}:{reference.__code__.co_firstlineno} Fisher.reference: " in str(caught.value)


def test_mistakes_in_derived_quantities_and_a_references_error():
    derived = problem_of(lambda self, u: u, derived=lambda self, u: {"v": self.rte * u})
    with pytest.raises(InputError, match=f"{FILE}:.* Fisher.derived: AttributeError"):
        derived.with_derived({"u": np.ones(3)})
    refused = {
        "returns a float; return a dict": lambda self: 1.0,
        "'w' is no field": lambda self: {"w": 1.0},
        "'u' has None; give a number": lambda self: {"u": None},
        "KeyError: 'u'; correct the line": lambda self: {}["u"],
    }
    for words, method in refused.items():
        problem = problem_of(lambda self, u: u, reference_error=method)
        with pytest.raises(InputError, match=f"Fisher.reference_error: {words}"):
            problem.checked_reference_error()
    problem = problem_of(lambda self, u: u, reference_error=lambda self: {"u": np.float32(0.5)})
    assert problem.checked_reference_error() == {"u": 0.5}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"fields": "u"}, "fields='u' is text; write ('u',), with its comma"),
        ({"fields": ("u", "u")}, "a name appears twice"),
        ({"fields": ("u", 1)}, "give a tuple of names"),
        ({"fields": ("u", "x")}, "'x' is a coordinate too"),
        ({"periodic": "x"}, "periodic='x' is text"),
        ({"gauge": "u"}, "gauge='u' is text"),
        ({"time": (1.0, 0.0)}, "time=(1.0, 0.0): does not end after it begins"),
        ({"time": (1.0, 1.0)}, "does not end after it begins"),
        ({"time": 1}, "time=1: give its begin and end, such as (0.0, 1.0), or None"),
        ({"time": (0.0, "1")}, "give its begin and end"),
        ({"time": (0.0, float("inf"))}, "give its begin and end"),
        ({"time": (0.0, 0.5, 1.0)}, "give its begin and end"),
    ],
)
def test_names_and_times_that_a_class_declares(members, words):
    with pytest.raises(InputError) as caught:
        problem_of(lambda self, u: u, **members)
    assert str(caught.value).startswith("Fisher: ") and words in str(caught.value)
