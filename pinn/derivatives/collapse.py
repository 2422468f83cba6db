# pyright: strict, reportUnknownMemberType=false
"""Find the linear operator in an equation, so that the fast engine evaluates it as one component.

In u_t + u u_x = ν u_xx the derivatives u_t and u_xx enter only through L u = u_t − ν u_xx.  An
operator L passes through a network as a derivative does.  So a jet needs three components, namely
value, u_x and L u, instead of four, namely value, u_x, u_t and u_xx (collapsed Taylor mode, Dangel
et al. 2025, arXiv:2505.13644).  Where L is the Laplacian alone, this is the forward Laplacian (Li
et al. 2023, arXiv:2307.08214), and a plan for `lap_u` has it without this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, TypeAlias, cast

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.combinatorics import Index, order_then_name
from pinn.derivatives.names import Symbol

SAMPLES = 64  # random arguments at which a coefficient must be the same to count as constant
SAME = 1e-9  # relative

Residual: TypeAlias = Callable[..., tf.Tensor]
Bounds: TypeAlias = Mapping[str, tuple[float, float]]
TermAndField: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class ResidualFunction:
    """A term's residual as a function of its symbols."""

    name: str
    symbols: tuple[Symbol, ...]
    function: Residual


@dataclass(frozen=True)
class Operator:
    """A linear operator Σⱼ cⱼ ∂^αⱼ that several residuals share, each times a factor of its own.

    Attributes:
        indices: the derivatives αⱼ.
        leader: the (term, field) whose coefficients the operator has.
        occurrences: the (term, field) pairs that contain the operator.
        space: the coordinates of a Laplacian.
    """

    indices: tuple[Index, ...]
    leader: TermAndField
    occurrences: tuple[TermAndField, ...]
    space: tuple[str, ...]

    def contains(self, symbol: Symbol) -> bool:
        """Return whether the operator contains a symbol, which then needs no component."""
        summands = _summands(symbol, self.space)
        return bool(summands) and all(index in self.indices for index in summands)

    def coefficients(
        self, functions: Sequence[ResidualFunction], like: tf.Tensor
    ) -> dict[TermAndField, tf.Tensor]:
        """Return the coefficients [k] of every occurrence, as tensors of the current graph.

        They may depend on unknowns, so they are derivatives of the residuals.
        """
        coefficients: dict[TermAndField, tf.Tensor] = {}
        for function in functions:
            fields = [field for name, field in self.occurrences if name == function.name]
            if not fields:
                continue
            # The residual is affine in the operator, so its slopes are the same everywhere.
            ones = [tf.ones([1], like.dtype) for _ in function.symbols]
            slopes = _slopes(function, ones) or []
            for field in fields:
                by_index = dict.fromkeys(self.indices, tf.zeros([], like.dtype))
                for symbol, slope in zip(function.symbols, slopes, strict=True):
                    if symbol.field == field and self.contains(symbol):
                        for index in _summands(symbol, self.space):
                            by_index[index] = by_index[index] + slope[0]
                coefficients[function.name, field] = tf.stack(list(by_index.values()))
        return coefficients


class _Slope(NamedTuple):
    """A residual's derivative by one of its symbols, at random arguments."""

    term: str
    symbol: Symbol
    values: Array  # [samples]


def operator(
    functions: Sequence[ResidualFunction],
    bounds: Bounds,
    dtype: str,
    *,
    space: Sequence[str],
) -> Operator | None:
    """Return the linear operator that a region's residuals share, or None where it saves no work.

    `bounds` holds the range of every coordinate, and `space` names the coordinates of a Laplacian.
    A derivative belongs to the operator if its coefficient is the same at many random arguments and
    no other derivative contains it.  A Laplacian belongs to it if all its second derivatives do.
    """
    slopes = _all_slopes(functions, bounds, dtype)
    if slopes is None:
        return None
    indices = _linear_derivatives(slopes, space)
    laplacian: set[Index] = set()
    for slope in slopes:
        if slope.symbol.kind == "laplacian":
            laplacian.update(_summands(slope.symbol, space))
    # A plan holds a Laplacian as one component without coefficients; alone, it gains nothing here.
    if len(indices) < 2 or not laplacian <= set(indices) or laplacian == set(indices):
        return None
    vectors = _coefficient_vectors(slopes, indices, space)
    leader = next(iter(vectors))
    if not all(_parallel(vectors[leader], vector) for vector in vectors.values()):
        return None
    return Operator(indices, leader, tuple(vectors), tuple(space))


def _all_slopes(
    functions: Sequence[ResidualFunction], bounds: Bounds, dtype: str
) -> list[_Slope] | None:
    """Return the slopes of all residuals, or None if one of them cannot be differentiated."""
    slopes: list[_Slope] = []
    for function in functions:
        kinds = {symbol.kind for symbol in function.symbols}
        if not kinds <= {"coordinate", "derivative", "laplacian", "integral", "delayed"}:
            return None
    for function in functions:
        values = _random_slopes(function, bounds, dtype)
        if values is None:
            return None
        for symbol, slope in zip(function.symbols, values, strict=True):
            slopes.append(_Slope(function.name, symbol, slope))
    return slopes


def _linear_derivatives(slopes: Sequence[_Slope], space: Sequence[str]) -> tuple[Index, ...]:
    """Return the derivatives with constant coefficients that no other derivative contains."""
    constant: dict[Index, bool] = {}
    for slope in slopes:
        same = bool(np.ptp(slope.values) <= SAME * np.max(np.abs(slope.values)))
        for index in _summands(slope.symbol, space):
            constant[index] = constant.get(index, True) and same
    # A derivative that a higher one contains is a component of the jet anyway.
    lower: set[Index] = set()
    for index in constant:
        for size in range(1, len(index)):
            for contained in combinations(index, size):
                lower.add(tuple(sorted(contained)))
    linear = [index for index, same in constant.items() if same and index not in lower]
    return tuple(sorted(linear, key=order_then_name))


def _coefficient_vectors(
    slopes: Sequence[_Slope], indices: Sequence[Index], space: Sequence[str]
) -> dict[TermAndField, Array]:
    """Return the coefficients [k] of the derivatives `indices` in every term, by field."""
    vectors: dict[TermAndField, Array] = {}
    for slope in slopes:
        for index in _summands(slope.symbol, space):
            if index in indices:
                key = (slope.term, slope.symbol.field)
                vector = vectors.setdefault(key, np.zeros(len(indices)))
                vector[indices.index(index)] += slope.values[0]
    return vectors


def _summands(symbol: Symbol, space: Sequence[str]) -> tuple[Index, ...]:
    """Return the derivatives that a symbol is the sum of: none for a coordinate or a field."""
    if symbol.kind == "laplacian":
        return tuple((c, c) for c in space)
    return (symbol.index,) if symbol.kind == "derivative" and symbol.index else ()


def _parallel(a: Array, b: Array) -> bool:
    """Return whether b is a multiple of a, component by component.

    Their units differ: a diffusivity of 1e-10 m²/s must not vanish beside the 1 of a time
    derivative, as it does in the angle between the two.
    """
    if a[0] == 0:
        return False
    share = b[0] / a[0]
    sizes = np.maximum(np.abs(b), np.abs(share * a))
    return bool(share != 0 and np.all(np.abs(b - share * a) <= SAME * sizes))


def _random_slopes(function: ResidualFunction, bounds: Bounds, dtype: str) -> list[Array] | None:
    """Return ∂residual/∂symbol [samples] at random arguments of many magnitudes.

    The result is None where the residual is no tensor, or a slope is not finite.
    """
    rng = np.random.default_rng(0)
    arguments: list[tf.Tensor] = []
    for symbol in function.symbols:
        values = rng.standard_normal(SAMPLES) * 10.0 ** rng.uniform(-2, 2, SAMPLES)
        if symbol.kind == "coordinate":
            values = rng.uniform(*bounds[symbol.name], SAMPLES)
        arguments.append(tf.constant(values, dtype))
    slopes = _slopes(function, arguments)
    if slopes is None:
        return None
    arrays: list[Array] = []
    for slope in slopes:
        array = np.asarray(slope)
        if not np.all(np.isfinite(array)):
            return None
        arrays.append(array)
    return arrays


def _slopes(function: ResidualFunction, arguments: Sequence[tf.Tensor]) -> list[tf.Tensor] | None:
    """Return a residual's derivatives by its arguments; None where the residual is no tensor."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(arguments)
        value = function.function(*arguments)
    if not tf.is_tensor(value):
        return None
    zero = tf.UnconnectedGradients.ZERO
    slopes = tape.gradient(value, arguments, unconnected_gradients=zero)
    return cast(list[tf.Tensor], slopes)
