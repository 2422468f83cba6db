"""Checks of residuals and ansatz: one value per point, which depends on that point alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from pinn.derivatives import Symbol
from pinn.errors import InputError
from pinn.jets import Jet
from pinn.objective.complementarity import fischer_burmeister
from pinn.parameters import Parameter
from pinn.problem import Problem, Term, call
from pinn.problem.user_code import refusal, user_code

POINTS = 48  # random points at which a residual is tried
FEWER = 17
NUMBER = int | float | np.number

_UNCOMPILED = {
    "PrintV2": "tf.print",
    "PyFunc": "tf.numpy_function",
    "EagerPyFunc": "tf.py_function",
}

Arguments = Sequence[Any]
Draw = Callable[[np.random.Generator, int], np.ndarray]
Bounds = Mapping[str, tuple[float, float]]


def residual_value(problem: Problem, term: Term, arguments: Arguments, dtype: str) -> Any:
    """Return what a residual method gives for its arguments [n]: a tensor [n], or a single number.

    A complementarity (a, b) gives the function of Fischer and Burmeister of a and its balance × b.

    Args:
        problem: the problem with its present coefficients.
        term: the term of the residual.
        arguments: a tensor [n] per symbol of the term.
        dtype: the precision of the run.

    Raises:
        InputError: for an exception of the method, or a value of another kind, shape or precision.
    """
    with user_code(problem, term.name, dtype):
        value = term.value(problem, arguments)
    if term.kind != "complementarity":
        return _one_value(problem, term, value, arguments, dtype)
    if not isinstance(value, tuple) or len(value) != 2:
        text = f"returned {_kind(value)}; return the two expressions of the complementarity (a, b)."
        raise refusal(problem, term.name, text)
    first = tf.convert_to_tensor(_one_value(problem, term, value[0], arguments, dtype), dtype)
    second = tf.convert_to_tensor(_one_value(problem, term, value[1], arguments, dtype), dtype)
    return fischer_burmeister(first, term.balance * second)


def _one_value(problem: Problem, term: Term, value: Any, arguments: Arguments, dtype: str) -> Any:
    """Return what a method gave, if it is a tensor [n] or a single number."""
    if isinstance(value, NUMBER) and not isinstance(value, bool):
        return value
    if isinstance(value, tf.Variable):
        value = tf.convert_to_tensor(value)
    if not isinstance(value, tf.Tensor | np.ndarray):
        text = f"returned {_kind(value)}; return the residual as one value per point."
        raise refusal(problem, term.name, text)
    shape = tf.TensorShape(value.shape)
    expected = tf.TensorShape(arguments[0].shape if arguments else [])
    if shape.rank != 0 and not shape.is_compatible_with(expected):
        text = f"returned values of shape {shape} {_points(expected)}; return one value per point."
        raise refusal(problem, term.name, text)
    if isinstance(value, tf.Tensor) and value.dtype != dtype:
        text = f"returned {value.dtype.name} in a {dtype} run; do not cast, or cast to u.dtype."
        raise refusal(problem, term.name, text)
    return value


def check_fields(problem: Problem, fields: Sequence[Any], like: tf.Tensor | Jet) -> None:
    """Raise an InputError for what an ansatz returned, if it is not one value per point and field.

    Args:
        problem: the problem.
        fields: what was returned, field by field.
        like: an output of the network: values [n], or a jet.
    """
    if len(fields) != len(problem.fields):
        count = len(problem.fields)
        text = f"returned {len(fields)} fields, not {count}; return all, as a tuple."
        raise refusal(problem, "ansatz", text)
    shape = _value(like).shape
    for name, field in zip(problem.fields, fields, strict=True):
        value = _value(field)
        if not isinstance(value, tf.Tensor | NUMBER):
            text = f"returned {_kind(value)} for field {name!r}; return one value per point."
            raise refusal(problem, "ansatz", text)
        if not isinstance(value, tf.Tensor):
            continue
        if value.dtype != like.dtype:
            text = f"returned {value.dtype.name} for {name!r} in a {like.dtype.name} run; "
            raise refusal(problem, "ansatz", f"{text}do not cast, or cast to net.dtype.")
        if value.shape.rank and value.shape != shape:
            text = f"returned values of shape {value.shape} for field {name!r} {_points(shape)}; "
            raise refusal(problem, "ansatz", f"{text}return one value per point.")


def past_value(problem: Problem, name: str, at: Mapping[str, Any], dtype: str) -> tf.Tensor:
    """Return a delayed field before the start, [n].

    Args:
        problem: the problem.
        name: of the delayed field.
        at: the coordinates [n] by name.
        dtype: the precision of the run.

    Raises:
        InputError: for an exception of the past, or a value of another kind, shape or precision.
    """
    past = problem.delays[name].past
    like = at["t"]
    if not callable(past):
        return tf.zeros_like(like) + past
    with user_code(problem, _past_name(name), dtype, past):
        value = call(past, at)
    where = f"{type(problem).__name__}.{_past_name(name)}"
    if not isinstance(value, tf.Tensor | NUMBER) or isinstance(value, bool):
        raise InputError(f"{where}: returned {_kind(value)}; return one value per point.")
    if isinstance(value, tf.Tensor):
        if value.dtype != dtype:
            raise InputError(f"{where}: returned {value.dtype.name} in a {dtype} run; do not cast.")
        if value.shape.rank and not value.shape.is_compatible_with(like.shape):
            raise InputError(
                f"{where}: returned values of shape {value.shape} {_points(like.shape)}; return "
                "one value per point."
            )
    return tf.zeros_like(like) + value


def check_past(problem: Problem, name: str, dtype: str) -> None:
    """Raise an InputError for the past of a delayed field that is no formula per point.

    Args:
        problem: the problem.
        name: of the delayed field.
        dtype: the precision of the run.
    """
    assert problem.time is not None
    start = problem.time[0]
    delay = problem.delays[name].of(problem)
    length = delay.upper if isinstance(delay, Parameter) else float(delay)
    symbols = [Symbol(c, "coordinate") for c in problem.coordinates]

    def value(arguments: Arguments) -> list[Any]:
        at = dict(zip(problem.coordinates, arguments, strict=True))
        return [past_value(problem, name, at, dtype)]

    bounds = {**problem.ranges, "t": (start - length, start)}
    method = _Method(problem, _past_name(name), symbols, value, bounds, dtype)
    _check(method, "a past is one formula per point: leave it out.")


def _past_name(name: str) -> str:
    return f"delays[{name!r}].past"


def check_integrand(problem: Problem, term: Term, bounds: Bounds, dtype: str) -> None:
    """Raise an InputError for an integrand that is no formula per point, or cannot be compiled.

    Args:
        problem: the problem, with coefficients at which nothing vanishes by chance.
        term: the integrand, as a term.
        bounds: the range of every coordinate that it may take.
        dtype: the precision of the run.
    """
    _check_term(
        problem, term, bounds, dtype, "an integrand is one formula per point: leave it out."
    )


def check_residual(problem: Problem, term: Term, bounds: Bounds, dtype: str) -> None:
    """Raise an InputError for a residual that is no equation per point, or cannot be compiled.

    A loss is evaluated block by block, so that a mean in a residual would be that of a block.

    Args:
        problem: the problem, with coefficients at which nothing vanishes by chance.
        term: the term of the residual.
        bounds: the range of every coordinate.
        dtype: the precision of the run.
    """
    remedy = (
        "a residual is one equation per point: leave it out, or write the integrand as a method of "
        "its own with @integral(over='interior'), and take it by its name."
    )
    _check_term(problem, term, bounds, dtype, remedy)


def _check_term(problem: Problem, term: Term, bounds: Bounds, dtype: str, remedy: str) -> None:
    def value(arguments: Arguments) -> list[Any]:
        return [residual_value(problem, term, arguments, dtype)]

    _check(_Method(problem, term.name, term.symbols, value, bounds, dtype), remedy)


def check_ansatz(
    problem: Problem,
    constrained: Callable[[Mapping[str, Any], tuple[Any, ...]], Sequence[Any]],
    dtype: str,
) -> None:
    """Raise an InputError for an ansatz that is no formula per point, or cannot be compiled.

    Args:
        problem: the problem.
        constrained: the fields that the ansatz makes of coordinates and outputs of the network.
        dtype: the precision of the run.
    """
    names = problem.coordinates
    symbols = [Symbol(name, "coordinate") for name in names]
    symbols += [Symbol("net", "derivative", field) for field in problem.fields]

    def value(arguments: Arguments) -> Sequence[Any]:
        coordinates = dict(zip(names, arguments[: len(names)], strict=True))
        return constrained(coordinates, tuple(arguments[len(names) :]))

    method = _Method(problem, "ansatz", symbols, value, problem.ranges, dtype)
    _check(method, "an ansatz is one formula per point: leave it out.")


@dataclass(frozen=True)
class _Method:
    """A method of a problem that is tried at random points.

    Attributes:
        problem: the problem.
        name: of the method.
        symbols: what it takes.
        value: the method, from a tensor [n] per symbol to tensors [n] or single numbers.
        bounds: the range of every coordinate.
        dtype: the precision of the run.
    """

    problem: Problem
    name: str
    symbols: Sequence[Symbol]
    value: Callable[[Arguments], Sequence[Any]]
    bounds: Bounds
    dtype: str

    def values(self, arguments: Sequence[np.ndarray]) -> np.ndarray:
        """Return its values [k, n]; they are NaN where it does not accept the arguments."""
        shape = arguments[0].shape
        try:
            tensors = self.value([tf.constant(a, self.dtype) for a in arguments])
        except InputError as error:
            # As of an assertion, or an index out of range.
            if not isinstance(error.__cause__, tf.errors.InvalidArgumentError):
                raise
            tensors = [np.full(shape, np.nan)]
        return np.stack([np.broadcast_to(np.asarray(t), shape) for t in tensors])


def _check(method: _Method, remedy: str) -> None:
    """Raise an InputError for a method whose value at a point depends on other points.

    Some of a number of random points are exchanged for others, and some are left out, which must
    not change the values at those that remain.
    """
    _check_graph(method)
    if not method.symbols:
        return
    rng = np.random.default_rng(0)
    for draw in (_normal, _positive, _small):
        first = _arguments(method, rng, draw)
        values = method.values(first)
        if np.count_nonzero(np.isfinite(values)) < FEWER:
            continue  # as of a logarithm of negative numbers
        if not _is_per_point(method, first, _arguments(method, rng, draw), values):
            raise refusal(
                method.problem,
                method.name,
                "its value at a point depends on other points (a mean, sum or order of points, or "
                f"a random number); {remedy}",
            )
        return


def _is_per_point(
    method: _Method, first: Sequence[np.ndarray], other: Sequence[np.ndarray], values: np.ndarray
) -> bool:
    """Return whether exchanging and leaving out points changes nothing at those that remain.

    Args:
        method: the method.
        first: its arguments, [n] each.
        other: as many others.
        values: its values [k, n] for the first.
    """
    kept = np.arange(POINTS) % 3 == 1  # neither the first point nor the last
    exchanged = method.values([np.where(kept, a, b) for a, b in zip(first, other, strict=True)])
    chosen = np.random.default_rng(1).permutation(POINTS)[:FEWER]
    fewer = method.values([a[chosen] for a in first])
    eps = float(np.finfo(method.dtype).eps)
    usual = float(np.median(np.abs(values[np.isfinite(values)])))
    # At other places in memory, functions are rounded in other ways, and a difference loses digits.
    same = _close(exchanged[:, kept], values[:, kept], 1e3 * eps, usual)
    return same and _close(fewer, values[:, chosen], eps**0.5, usual)


def _close(values: np.ndarray, expected: np.ndarray, tolerance: float, usual: float) -> bool:
    """Return whether values agree, as compared with their own size and with the usual one."""
    return np.allclose(values, expected, rtol=tolerance, atol=tolerance * usual, equal_nan=True)


def _check_graph(method: _Method) -> None:
    """Raise an InputError for a method that cannot be compiled."""
    dtype = method.dtype
    with FuncGraph(method.name).as_default() as graph:
        method.value([tf.raw_ops.Placeholder(dtype=dtype, shape=[POINTS]) for _ in method.symbols])
        for operation in graph.get_operations():
            if operation.type in _UNCOMPILED:
                text = f"{_UNCOMPILED[operation.type]} cannot be compiled; leave it out."
                raise refusal(method.problem, method.name, text)


def _arguments(method: _Method, rng: np.random.Generator, draw: Draw) -> list[np.ndarray]:
    """Return random arguments [n]: coordinates in their ranges, all others as they are drawn."""
    arguments = []
    for symbol in method.symbols:
        if symbol.kind == "coordinate":
            arguments.append(rng.uniform(*method.bounds[symbol.base], POINTS))
        else:
            arguments.append(draw(rng, POINTS))
    return arguments


def _normal(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.standard_normal(count)


def _positive(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(0.5, 1.5, count)


def _small(rng: np.random.Generator, count: int) -> np.ndarray:
    return 1e-3 * rng.standard_normal(count)


def _value(quantity: Any) -> Any:
    return quantity.value if isinstance(quantity, Jet) else quantity


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _points(shape: tf.TensorShape) -> str:
    return f"at {shape[0]} points" if shape.rank else "without arguments"
