"""Values of symbols at points: derivatives, delayed fields and integrals of a trial solution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import static_size
from pinn.derivatives import Symbol, Trial, nested
from pinn.objective.method_checks import check_integrand, check_past, past_value, residual_value
from pinn.objective.quadrature_rules import NODES, Rule, rule_of
from pinn.problem import OWN, Delay, Integral, Problem
from pinn.problem.modes import inner_products

Values = Mapping[str, tf.Tensor]
"""Tensors by name."""

NONE: Values = {}


class SymbolValues:
    """Evaluates what residuals name beside coordinates and measurements.

    An integral is evaluated for all points at once: at Q nodes where it is a number, else at the
    Q nodes of each of n points.

    Args:
        problem: the problem; coefficients of the same names may have other values later.
        engine: the derivative engine.
        dtype: of the loss.
        nodes: number of quadrature nodes per coordinate.
        point_by_point: whether integrals that are numbers are evaluated for every point too, as
            for a trial solution that is another one at every point.

    Attributes:
        integrals: the integrals of the problem by name, with the inner products of its modes.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        engine: Any,
        dtype: str,
        nodes: int = NODES,
        point_by_point: bool = False,
    ) -> None:
        self.engine = engine
        self.dtype = dtype
        self.integrals = {**problem.integrals, **inner_products(problem)}
        self._point_by_point = point_by_point
        self._rules: dict[str, Rule] = {}
        for name, integral in self.integrals.items():
            check_integrand(problem, integral.integrand, _ranges(problem), dtype)
            self._rules[name] = rule_of(problem, integral, nodes)
        for name in problem.delays:
            check_past(problem, name, dtype)

    def __call__(
        self,
        problem: Problem,
        trial: Trial,
        symbols: Sequence[Symbol],
        coordinates: Values,
        normals: Values = NONE,
        *,
        numbers: Values = NONE,
    ) -> dict[str, tf.Tensor]:
        """Return the values [n] of all derivatives, delayed fields and integrals in the symbols.

        Args:
            problem: the problem with its present coefficients.
            trial: the trial solution.
            symbols: what to evaluate; coordinates and measurements are left out.
            coordinates: the coordinates [n] by name.
            normals: the components [n] of the outward normal by space coordinate; empty away from
                a boundary.
            numbers: the values [n] of integrals that are known already.
        """
        space = problem.space.coordinates
        values = self.engine.evaluate(trial, symbols, coordinates, normals, space=space)
        return values | self.non_local(problem, trial, symbols, coordinates, numbers=numbers)

    def non_local(
        self,
        problem: Problem,
        trial: Trial,
        symbols: Sequence[Symbol],
        coordinates: Values,
        *,
        numbers: Values = NONE,
    ) -> dict[str, tf.Tensor]:
        """Return the values [n] of the delayed fields and integrals in the symbols."""
        values: dict[str, tf.Tensor] = {}
        delays = {s.source: problem.delays[s.source] for s in symbols if s.kind == "delayed"}
        for name, delay in delays.items():
            delayed = [s for s in symbols if s.kind == "delayed" and s.source == name]
            values |= self._delayed(problem, trial, delay, delayed, coordinates)
        for symbol in symbols:
            if symbol.kind == "integral":
                name = symbol.source
                if name in numbers:
                    values[name] = numbers[name]
                else:
                    values[name] = self._integral(problem, trial, name, coordinates)
        return values

    def numbers(
        self, problem: Problem, trial: Trial, symbols: Sequence[Symbol]
    ) -> dict[str, tf.Tensor]:
        """Return the integrals in the symbols that depend on no coordinate, one number each."""
        values: dict[str, tf.Tensor] = {}
        for symbol in symbols:
            if symbol.kind == "integral" and self.integrals[symbol.source].is_number:
                values[symbol.source] = self._number(problem, trial, symbol.source)
        return values

    def nodes(self, symbols: Sequence[Symbol]) -> int:
        """Return at how many nodes the integrals in the symbols are evaluated per point, or 1."""
        total = 0
        for symbol in symbols:
            if symbol.kind == "integral" and self._is_per_point(symbol.source):
                total += self._rules[symbol.source].size
        return max(1, total)

    def _is_per_point(self, name: str) -> bool:
        return self._point_by_point or not self.integrals[name].is_number

    def _delayed(
        self,
        problem: Problem,
        trial: Trial,
        delay: Delay,
        symbols: Sequence[Symbol],
        coordinates: Values,
    ) -> dict[str, tf.Tensor]:
        """Return the values [n] of a delayed field and of its derivatives."""
        assert problem.time is not None
        start = problem.time[0]
        space = problem.space.coordinates
        earlier = coordinates["t"] - delay.of(problem.at(coordinates))
        undelayed = [s.undelayed for s in symbols if s.undelayed is not None]
        # Where the field is not asked for its past, the past is not asked either, and vice versa:
        # a formula that fails there would spoil the gradient.
        after = {**coordinates, "t": tf.maximum(earlier, start)}
        before = {**coordinates, "t": tf.minimum(earlier, start)}
        solved = self.engine.evaluate(trial, undelayed, after, {}, space=space)

        def past(at: Mapping[str, Any]) -> Mapping[str, Any]:
            return {delay.field: past_value(problem, symbols[0].source, at, self.dtype)}

        given = nested.evaluate(past, undelayed, before, {}, space=space)
        values: dict[str, tf.Tensor] = {}
        for symbol, inner in zip(symbols, undelayed, strict=True):
            values[symbol.name] = tf.where(earlier < start, given[inner.name], solved[inner.name])
        return values

    def _integral(
        self, problem: Problem, trial: Trial, name: str, coordinates: Values
    ) -> tf.Tensor:
        """Return an integral at points, [n]."""
        like = next(iter(coordinates.values()))
        if not self._is_per_point(name):
            return tf.zeros_like(like) + self._number(problem, trial, name)
        integral = self.integrals[name]
        rule = self._rules[name]
        shape = (static_size(like), rule.size)

        def of_nodes(values: Any) -> tf.Tensor:
            """Return values [Q] of nodes for every point, [n Q]."""
            row = tf.constant(values, self.dtype)[None]
            return tf.reshape(tf.broadcast_to(row, shape), [-1])

        def of_points(values: tf.Tensor) -> tf.Tensor:
            """Return values [n] of points for every node, [n Q]."""
            return tf.reshape(tf.broadcast_to(values[:, None], shape), [-1])

        own = {c: of_points(value) for c, value in coordinates.items()}
        at = own | {c: of_nodes(value) for c, value in rule.nodes.items()}
        length: Any = 1.0
        if rule.shares is not None:
            (c,) = integral.running
            lower, upper = (self._limit(end, coordinates) for end in integral.limits or ())
            length = upper - lower
            at[c] = of_points(lower) + of_nodes(rule.shares) * of_points(length)
        normals = {c: of_nodes(value) for c, value in rule.normals.items()}
        integrand = self._integrand(problem, trial, integral, at, normals, own)
        weights = tf.constant(rule.weights, self.dtype)
        return tf.reduce_sum(tf.reshape(integrand, shape) * weights, 1) * length

    def _limit(self, end: float | str, coordinates: Values) -> tf.Tensor:
        """Return a limit at points, [n]."""
        if isinstance(end, str):
            return coordinates[end]
        return tf.fill(next(iter(coordinates.values())).shape, tf.constant(end, self.dtype))

    def _number(self, problem: Problem, trial: Trial, name: str) -> tf.Tensor:
        """Return an integral that depends on no coordinate."""
        rule = self._rules[name]
        at = {c: tf.constant(value, self.dtype) for c, value in rule.nodes.items()}
        normals = {c: tf.constant(value, self.dtype) for c, value in rule.normals.items()}
        integrand = self._integrand(problem, trial, self.integrals[name], at, normals, {})
        return tf.reduce_sum(integrand * tf.constant(rule.weights, self.dtype))

    def _integrand(
        self,
        problem: Problem,
        trial: Trial,
        integral: Integral,
        at: Values,
        normals: Values,
        own: Values,
    ) -> tf.Tensor:
        """Return an integrand at nodes [m]; `own` has the coordinates of the points they are of."""
        coordinates = {c: at[c] for c in problem.coordinates}
        available = {
            **coordinates,
            **{f"{c}{OWN}": value for c, value in own.items()},
            **self(problem, trial, integral.symbols, coordinates, normals),
        }
        arguments = [available[s.name] for s in integral.symbols]
        zeros = tf.zeros_like(next(iter(coordinates.values())))
        if not integral.earlier:
            return zeros + residual_value(problem, integral.integrand, arguments, self.dtype)
        return zeros + self._polarized(problem, integral, arguments)

    def _polarized(
        self, problem: Problem, integral: Integral, arguments: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Return the integrand ¼ (q(u + v) − q(u − v)) of ⟨u, v⟩ at nodes [m], v an earlier mode.

        Modes that have not been found yet are zero, and so is the product.
        """
        if not problem.earlier_modes:
            return tf.zeros([], self.dtype)
        halves = []
        for sign in (1.0, -1.0):
            moved = []
            for symbol, value in zip(integral.symbols, arguments, strict=True):
                if symbol.kind != "coordinate":
                    value = value + sign * problem.earlier_modes[symbol.name][integral.earlier - 1]
                moved.append(value)
            halves.append(residual_value(problem, integral.integrand, moved, self.dtype))
        return (halves[0] - halves[1]) / 4

    def nodes_of(self, name: str, coordinates: Sequence[str]) -> np.ndarray:
        """Return the nodes [Q, d] of an integral that is a number."""
        return np.stack([self._rules[name].nodes[c] for c in coordinates], axis=1)


def _ranges(problem: Problem) -> dict[str, tuple[float, float]]:
    """Return the range of every coordinate of nodes and of points, by the name in an integrand."""
    ranges = problem.ranges
    return ranges | {f"{c}{OWN}": ends for c, ends in ranges.items()}
