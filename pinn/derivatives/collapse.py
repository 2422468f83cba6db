"""Find the linear part of an equation, so that the fast engine can carry it as one part instead of several.

In u_t + u u_x = ν u_xx the derivatives u_t and u_xx enter through L u = u_t − ν u_xx alone.  L
passes through a network like a derivative does, so value, u_x and L u are three parts where value,
u_x, u_t and u_xx are four (collapsed Taylor mode, Dangel et al. 2025, arXiv:2505.13644).  Where L
is the Laplacian and no more, this is the forward Laplacian (Li et al. 2023, arXiv:2307.08214),
which a plan for `lap_u` has of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.combinatorics import Index
from pinn.derivatives.names import Symbol

Residual = Callable[..., Any]
SAMPLES = 64  # random arguments at which a coefficient must be the same to count as constant
SAME = 1e-9  # relative


@dataclass(frozen=True)
class ResidualFunction:
    """A residual as a function of its symbols."""

    name: str
    symbols: tuple[Symbol, ...]
    function: Residual


@dataclass(frozen=True)
class Operator:
    """The operator Σ c_j ∂^{α_j} that several terms share, each times a factor of its own.

    Attributes:
        indices: the derivatives α_j.
        leader: (term, field) whose coefficients the operator has.
        occurrences: the (term, field) pairs that contain it.
        space: the coordinates of a Laplacian.
    """

    indices: tuple[Index, ...]
    leader: tuple[str, str]
    occurrences: tuple[tuple[str, str], ...]
    space: tuple[str, ...]

    def contains(self, symbol: Symbol) -> bool:
        """Say whether a symbol is in the operator, and so is not evaluated by itself."""
        summands = _summands(symbol, self.space)
        return bool(summands) and all(index in self.indices for index in summands)

    def coefficients(
        self, terms: Sequence[ResidualFunction], like: tf.Tensor
    ) -> dict[tuple[str, str], tf.Tensor]:
        """Return the coefficients [k] in every share, in the present graph; they may depend on unknowns."""
        found = {}
        for term in terms:
            fields = [field for name, field in self.occurrences if name == term.name]
            if not fields:
                continue
            ones = [tf.ones([1], like.dtype) for _ in term.symbols]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(ones)
                value = term.function(*ones)
            slopes: Any = tape.gradient(
                value, ones, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            for field in fields:
                of = dict.fromkeys(self.indices, tf.zeros([], like.dtype))
                for s, slope in zip(term.symbols, slopes, strict=True):
                    for index in (
                        _summands(s, self.space) if s.field == field and self.contains(s) else ()
                    ):
                        of[index] = of[index] + slope[0]
                found[term.name, field] = tf.stack(list(of.values()))
        return found


def operator(
    terms: Sequence[ResidualFunction],
    bounds: Mapping[str, tuple[float, float]],
    dtype: str,
    *,
    space: Sequence[str],
) -> Operator | None:
    """Return the linear operator that the terms of a region share, or None where carrying it saves nothing.

    `bounds` holds the range of every coordinate, `space` names those of a Laplacian.  A derivative
    belongs to the operator if its coefficient is the same at many random arguments, and no other
    derivative is built on it; a Laplacian does if all its derivatives do.
    """
    if any(
        s.kind not in ("coordinate", "derivative", "laplacian") for t in terms for s in t.symbols
    ):
        return None
    slopes = {t.name: _slopes(t, bounds, dtype) for t in terms}
    if any(found is None for found in slopes.values()):
        return None
    pairs = [
        (t.name, s, slope)
        for t in terms
        for s, slope in zip(t.symbols, slopes[t.name] or (), strict=True)
    ]
    constant: dict[Index, bool] = {}
    for _, s, slope in pairs:
        for index in _summands(s, space):
            constant[index] = constant.get(index, True) and bool(
                np.ptp(slope) <= SAME * np.max(np.abs(slope))
            )
    lower = {
        tuple(sorted(c))
        for index in constant
        for size in range(1, len(index))
        for c in combinations(index, size)
    }
    free = [i for i, same in constant.items() if same and i not in lower]
    indices = tuple(sorted(free, key=lambda i: (len(i), i)))
    laplacian = {
        index for _, s, _ in pairs if s.kind == "laplacian" for index in _summands(s, space)
    }
    # By itself, a Laplacian is carried as one already, and without coefficients.
    if len(indices) < 2 or not laplacian <= set(indices) or laplacian == set(indices):
        return None
    vectors: dict[tuple[str, str], np.ndarray] = {}
    for name, s, slope in pairs:
        for index in set(_summands(s, space)) & set(indices):
            vectors.setdefault((name, s.field), np.zeros(len(indices)))[indices.index(index)] += (
                slope[0]
            )
    leader = next(iter(vectors))
    if not all(_parallel(vectors[leader], v) for v in vectors.values()):
        return None
    return Operator(indices, leader, tuple(vectors), tuple(space))


def _summands(symbol: Symbol, space: Sequence[str]) -> tuple[Index, ...]:
    """Return the derivatives whose sum a symbol is: none for a coordinate, or for a field itself."""
    if symbol.kind == "laplacian":
        return tuple((c, c) for c in space)
    return (symbol.index,) if symbol.kind == "derivative" and symbol.index else ()


def _parallel(a: np.ndarray, b: np.ndarray) -> bool:
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    return bool(norms > 0 and a[0] != 0 and abs(abs(a @ b) / norms - 1) < SAME)


def _slopes(
    term: ResidualFunction, bounds: Mapping[str, tuple[float, float]], dtype: str
) -> list[np.ndarray] | None:
    """Return ∂residual/∂symbol [samples] at random arguments of many sizes; None where the residual refuses them."""
    rng = np.random.default_rng(0)
    arguments = []
    for s in term.symbols:
        wide = rng.standard_normal(SAMPLES) * 10.0 ** rng.uniform(-2, 2, SAMPLES)
        values = rng.uniform(*bounds[s.name], SAMPLES) if s.kind == "coordinate" else wide
        arguments.append(tf.constant(values, dtype))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(arguments)
        value = term.function(*arguments)
    if not tf.is_tensor(value):
        return None
    found = tape.gradient(value, arguments, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    slopes = [np.asarray(g) for g in found]
    return slopes if all(np.all(np.isfinite(g)) for g in slopes) else None
