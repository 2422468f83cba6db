"""The value of a residual: one per point, which depends on that point alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from pinn.derivatives import Symbol
from pinn.jets import Jet
from pinn.problem import Problem, Term
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
Evaluate = Callable[[Sequence[np.ndarray]], np.ndarray]


def residual_value(problem: Problem, term: Term, arguments: Arguments, dtype: str) -> Any:
    """Return what a residual method gives for its arguments [n]: a tensor [n], or a single number.

    Args:
        problem: the problem with its present coefficients.
        term: the term of the residual.
        arguments: a tensor [n] per symbol of the term.
        dtype: the precision of the run.

    Raises:
        InputError: for an exception of the method, or a value of another kind, shape or precision.
    """
    with user_code(problem, term.name, dtype):
        value = getattr(problem, term.name)(*arguments)
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


def check_pointwise(
    problem: Problem, term: Term, bounds: Mapping[str, tuple[float, float]], dtype: str
) -> None:
    """Raise an InputError for a residual whose value at a point depends on other points.

    A loss is evaluated block by block, so that a mean in a residual would be that of a block. The
    residual is tried at random arguments: some of the points are exchanged for others, and some are
    left out, which must not change its values at those that remain.

    Args:
        problem: the problem, with coefficients at which nothing vanishes by chance.
        term: the term of the residual.
        bounds: the range of every coordinate.
        dtype: the precision of the run.
    """
    _check_graph(problem, term, dtype)
    if not term.symbols:
        return
    rng = np.random.default_rng(0)

    def evaluate(arguments: Sequence[np.ndarray]) -> np.ndarray:
        return _values(problem, term, arguments, dtype)

    for draw in (_normal, _positive, _small):
        first = _arguments(term.symbols, bounds, rng, draw)
        values = evaluate(first)
        if np.count_nonzero(np.isfinite(values)) < FEWER:
            continue  # as of a logarithm of negative numbers
        other = _arguments(term.symbols, bounds, rng, draw)
        if not _is_pointwise(evaluate, first, other, values, float(np.finfo(dtype).eps)):
            raise refusal(
                problem,
                term.name,
                "its value at a point depends on other points (a mean, sum or order of points, or "
                "a random number); a residual is one equation per point: leave it out, or make an "
                "integral a field of its own, whose derivative is the integrand.",
            )
        return


def _is_pointwise(
    evaluate: Evaluate,
    first: Sequence[np.ndarray],
    other: Sequence[np.ndarray],
    values: np.ndarray,
    eps: float,
) -> bool:
    """Return whether exchanging and leaving out points changes nothing at those that remain.

    Args:
        evaluate: the residual, from arguments [n] to values [n].
        first: its arguments, [n] each.
        other: as many others.
        values: the values [n] at the first.
        eps: the precision of the run.
    """
    kept = np.arange(POINTS) % 3 == 1  # neither the first point nor the last
    mixed = [np.where(kept, a, b) for a, b in zip(first, other, strict=True)]
    chosen = np.random.default_rng(1).permutation(POINTS)[:FEWER]
    fewer = [a[chosen] for a in first]
    # At other places in memory, functions are rounded in other ways, and a difference loses digits.
    same = _close(evaluate(mixed)[kept], values[kept], 1e3 * eps)
    return same and _close(evaluate(fewer), values[chosen], eps**0.5)


def _close(values: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Return whether values agree, as compared with their own size and with the usual one."""
    usual = np.median(np.abs(expected[np.isfinite(expected)]))
    return np.allclose(values, expected, rtol=tolerance, atol=tolerance * usual, equal_nan=True)


def _check_graph(problem: Problem, term: Term, dtype: str) -> None:
    """Raise an InputError for a residual that cannot be compiled."""
    with FuncGraph(term.name).as_default() as graph:
        arguments = [tf.raw_ops.Placeholder(dtype=dtype, shape=[POINTS]) for _ in term.symbols]
        residual_value(problem, term, arguments, dtype)
        for operation in graph.get_operations():
            if operation.type in _UNCOMPILED:
                text = f"{_UNCOMPILED[operation.type]} cannot be compiled; leave it out."
                raise refusal(problem, term.name, text)


def _values(
    problem: Problem, term: Term, arguments: Sequence[np.ndarray], dtype: str
) -> np.ndarray:
    """Return a residual's values [n]; a single number stands for all points."""
    tensors = [tf.constant(a, dtype) for a in arguments]
    value = residual_value(problem, term, tensors, dtype)
    return np.broadcast_to(np.asarray(value), arguments[0].shape)


def _arguments(
    symbols: Sequence[Symbol],
    bounds: Mapping[str, tuple[float, float]],
    rng: np.random.Generator,
    draw: Draw,
) -> list[np.ndarray]:
    """Return random arguments [n]: coordinates in their ranges, all others as they are drawn."""
    arguments = []
    for symbol in symbols:
        if symbol.kind == "coordinate":
            arguments.append(rng.uniform(*bounds[symbol.name], POINTS))
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
