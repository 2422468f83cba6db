"""The residuals of a loss's terms on one block of points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from pinn.derivatives import SIDES, Symbol, Trial, collapse, taylor
from pinn.errors import InputError
from pinn.objective.blocks import Blocks
from pinn.objective.free_boundary import follow
from pinn.objective.method_checks import check_residual, residual_value
from pinn.objective.quadrature_rules import NODES
from pinn.objective.scales import UNSCALED, Scales
from pinn.objective.symbol_values import NONE, SymbolValues, Values
from pinn.objective.terms import Misfit
from pinn.problem import Problem, Term
from pinn.problem.conditions import flux_term
from pinn.problem.declaration import FLUX
from pinn.problem.materials import bound_to_none, bound_to_points, differing, in_some_material
from pinn.problem.two_sided import is_two_sided

TrialAt = Callable[[Mapping[str, tf.Tensor]], Trial]
"""From the materials of points, 1 or 0 [n] by material, to the trial solution there."""

Functions = list[collapse.ResidualFunction]
TAKE_A_SIDE = "and here are two; take its value on a side, such as k_1, as a parameter."
IRRATIONAL = 0.618  # moves coefficients off their starts, where a zero may hide a nonlinear term


class Residuals:
    """Evaluates residuals of terms, with every derivative that they share computed once.

    Where the derivatives of a region enter its equations through one linear operator, the Taylor
    engine carries that operator in place of the derivatives (see derivatives/collapse.py).

    Args:
        problem: the problem; coefficients of the same names may have other values later.
        terms: the terms.
        engine: the derivative engine, `taylor` or `nested`.
        dtype: of the loss.
        continuation: names of the coefficients that differ from stage to stage.
        scales: the typical sizes by which residuals are divided.
        nodes: number of quadrature nodes per coordinate, for integrals.
        point_by_point: as in `SymbolValues`.
    """

    def __init__(
        self,
        problem: Problem,
        terms: Sequence[Term],
        *,
        engine: Any,
        dtype: str,
        continuation: Sequence[str] = (),
        scales: Scales = UNSCALED,
        nodes: int = NODES,
        point_by_point: bool = False,
    ) -> None:
        self.terms = terms
        self.scales = scales
        self.engine = engine
        self.dtype = dtype
        self.space = problem.space.coordinates
        moved = _moved(problem, dtype, continuation)
        self.values = SymbolValues(
            moved, engine=engine, dtype=dtype, nodes=nodes, point_by_point=point_by_point
        )
        for term in terms:
            self._check(moved, term)
        self.operators: dict[str, collapse.Operator | None] = {}
        for region in dict.fromkeys(t.region for t in terms):
            # Coefficients that differ from point to point are none of an operator.
            carries = engine is taylor and not is_two_sided(region) and not differing(problem)
            self.operators[region] = self._operator(moved, region) if carries else None

    def _check(self, problem: Problem, term: Term) -> None:
        """Raise an InputError for a residual or flux that is no equation per point."""
        if isinstance(term, Misfit) or term.kind in ("continuity", "orthogonality"):
            return
        has_one_side = term.kind == "flux" or not is_two_sided(term.region)
        if term.kind == "flux":  # which is tried on one side
            term = flux_term(problem, term.name.removeprefix(FLUX))
        if has_one_side:
            problem = in_some_material(problem)
        else:
            problem = bound_to_none(problem, TAKE_A_SIDE)
        check_residual(problem, term, problem.ranges, self.dtype)

    def of_region(self, region: str) -> list[Term]:
        """Return the terms of a region."""
        return [t for t in self.terms if t.region == region]

    def symbols(self, region: str) -> list[Symbol]:
        """Return what the terms of a region take, each symbol once."""
        return list({s.name: s for t in self.of_region(region) for s in t.symbols}.values())

    def __call__(
        self,
        problem: Problem,
        trial_at: TrialAt,
        region: str,
        block: Blocks,
        *,
        numbers: Values = NONE,
    ) -> dict[str, tf.Tensor]:
        """Return the residuals [n] of a region's terms by name on one block, over their sizes.

        Args:
            problem: the problem with its present coefficients.
            trial_at: the trial solution, from the materials of the points.
            region: the region.
            block: coordinates [d, n], normals [ds, n] and values [n] of the block.
            numbers: the values [n] of integrals that are known already.
        """
        linear: dict[str, tf.Tensor] = {}
        if block.opposite:
            functions, available = self._on_two_sides(problem, trial_at, region, block)
        else:
            functions, available, linear = self._on_one_side(
                problem, trial_at, region, block, numbers
            )
        residuals = {}
        for term, function in zip(self.of_region(region), functions, strict=True):
            value = function.function(*(available[s.name] for s in function.symbols))
            if not function.symbols:  # a condition on coefficients alone
                value = tf.zeros_like(block.quadrature) + value
            # The residual is affine in the operator: its value without it, plus its share of it.
            if function.name in linear:
                value = value + linear[function.name]
            # Where a window begins, the residual is measured against that of the last window's end.
            if region == "initial" and function.name in block.values:
                value = value - block.values[function.name]
            # A misfit is divided by σ; where something was not measured, a residual is zero.
            for name in [s.field for s in term.symbols if s.kind == "data"]:
                if isinstance(term, Misfit) and name in block.inverse_sigmas:
                    value = value * block.inverse_sigmas[name]
                elif name in block.measured:
                    value = value * block.measured[name]
            order = term.order_in_time
            if problem.time_scale is not None and order and not isinstance(term, Misfit):
                times = available.get("t", block.coordinates[-1])
                rate = self.scales.rates.get(function.name, 0.0)
                value = value * problem.time_scale.factor(times, order, rate)
            size = self.scales.of_residual(function.name)
            if size != 1.0:
                value = value * (1 / size)
            residuals[function.name] = value
        return residuals

    def _on_one_side(
        self,
        problem: Problem,
        trial_at: TrialAt,
        region: str,
        block: Blocks,
        numbers: Values,
    ) -> tuple[Functions, dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Return a region's residuals, their arguments by name, and the operator's shares."""
        drawn = _named(problem.coordinates, block.coordinates)
        here = bound_to_points(problem.at(drawn), block.materials)
        trial = trial_at(block.materials)
        functions = [self._function(here, t) for t in self.of_region(region)]
        coordinates = follow(problem, region, drawn, trial=trial, engine=self.engine)
        normals = {}
        if block.normals.shape[0]:
            normals = _named(problem.space.coordinates, block.normals)
        # Derivatives, in which an operator that the equations share has been left out.
        derivatives, linear = self._derivatives(
            trial, region, functions, coordinates, normals, block
        )
        measured = {f"{field}_data": values for field, values in block.values.items()}
        non_local = self.values.non_local(
            problem, trial, self.symbols(region), coordinates, numbers=numbers
        )
        return functions, {**coordinates, **derivatives, **non_local, **measured}, linear

    def _on_two_sides(
        self, problem: Problem, trial_at: TrialAt, region: str, block: Blocks
    ) -> tuple[Functions, dict[str, tf.Tensor]]:
        """Return a region's residuals, and their arguments by name, such as `u_1` and `k_2`."""
        first = {
            "coordinates": block.coordinates,
            "normals": block.normals,
            "materials": block.materials,
        }
        sides = dict(zip(SIDES, (first, block.opposite), strict=True))
        available = _named(problem.coordinates, block.coordinates)
        problem = problem.at(available)
        here = {i: bound_to_points(problem, side["materials"]) for i, side in sides.items()}
        functions = [self._function(problem, t, [*here.values()]) for t in self.of_region(region)]
        symbols = list({s.name: s for f in functions for s in f.symbols}.values())
        for number, side in sides.items():
            coordinates = _named(problem.coordinates, side["coordinates"])
            normals = _named(problem.space.coordinates, side["normals"])
            own = [s for s in symbols if s.side == number]
            trial = trial_at(side["materials"])
            available |= self.engine.evaluate(trial, own, coordinates, normals, space=self.space)
            for symbol in own:
                if symbol.kind == "coordinate":
                    available[symbol.name] = coordinates[symbol.base]
                elif symbol.kind == "coefficient":
                    value = getattr(here[number], symbol.base)
                    available[symbol.name] = tf.zeros_like(block.quadrature) + value
        return functions, available

    def _derivatives(
        self,
        trial: Trial,
        region: str,
        functions: Sequence[collapse.ResidualFunction],
        coordinates: Mapping[str, tf.Tensor],
        normals: Mapping[str, tf.Tensor],
        block: Blocks,
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Return the symbols' values by name, and the operator's share by residual."""
        symbols = self.symbols(region)
        operator = self.operators[region]
        space = self.space
        if operator is None:
            return self.engine.evaluate(trial, symbols, coordinates, normals, space=space), {}
        inside = [s for s in symbols if operator.contains(s)]
        outside = [s for s in symbols if s not in inside]
        # 1. The coefficients of the operator in every residual; one of them leads.
        coefficients = operator.coefficients(functions, block.quadrature)
        leading = coefficients[operator.leader]
        # 2. The operator with the leading coefficients, as one component of the jets.
        derivatives = taylor.evaluate(
            trial,
            outside,
            coordinates,
            normals,
            space=space,
            operator=operator.indices,
            coefficients=leading,
        )
        # 3. The share of every residual, in proportion to its coefficients.
        linear: dict[str, tf.Tensor] = {}
        for (name, field), vector in coefficients.items():
            share = vector[0] / leading[0] * derivatives[taylor.operator_name(field)]
            linear[name] = linear[name] + share if name in linear else share
        zeros: dict[str, tf.Tensor] = {s.name: tf.zeros_like(block.quadrature) for s in inside}
        return derivatives | zeros, linear

    def _function(
        self, problem: Problem, term: Term, sides: Sequence[Problem] = ()
    ) -> collapse.ResidualFunction:
        """Return a residual as a function of its symbols, in the shape of the points.

        Args:
            problem: the problem with its coefficients at the points.
            term: the term of the residual.
            sides: the problem on each side, in a region that has two.
        """
        if sides:
            problem = bound_to_none(problem, TAKE_A_SIDE)

        def residual(*arguments: Any) -> tf.Tensor:
            if isinstance(term, Misfit) or term.kind == "continuity":
                first, second = arguments
                return first - second
            if term.kind == "orthogonality":
                return tf.convert_to_tensor(arguments[0])
            if term.kind == "flux":
                one_side = flux_term(problem, term.name.removeprefix(FLUX))
                half = len(arguments) // 2
                first = residual_value(sides[0], one_side, arguments[:half], self.dtype)
                second = residual_value(sides[1], one_side, arguments[half:], self.dtype)
                return tf.zeros_like(arguments[0]) + first - second
            value = residual_value(problem, term, arguments, self.dtype)
            if not arguments:
                return tf.convert_to_tensor(value, self.dtype)
            return tf.zeros_like(arguments[0]) + value

        return collapse.ResidualFunction(term.name, term.symbols, residual)

    def _operator(self, problem: Problem, region: str) -> collapse.Operator | None:
        """Return the linear operator that a region's residuals share, if carrying it saves work."""
        functions = [self._function(problem, t) for t in self.of_region(region)]
        try:
            return collapse.operator(
                functions, problem.ranges, self.dtype, space=problem.space.coordinates
            )
        except InputError:  # the residuals, good as they are, do not accept any arguments
            return None


def _moved(problem: Problem, dtype: str, continuation: Sequence[str]) -> Problem:
    """Return the problem with its changing coefficients moved off their starts."""
    moved = {name: getattr(problem, name) + IRRATIONAL for name in continuation}
    for name, unknown in problem.unknowns.items():
        raw = tf.constant(unknown.inverse(unknown.start) + IRRATIONAL, dtype)
        moved[name] = unknown.value(raw)
    return problem.bind(moved)


def _named(names: Sequence[str], rows: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the rows of a tensor [k, n] by name."""
    return dict(zip(names, tf.unstack(rows), strict=True))
