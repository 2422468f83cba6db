"""The loss of a problem, a network and points, as a pure function of one flat vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from pinn.derivatives import Symbol, Trial, collapse, nested, taylor
from pinn.errors import InputError, did_you_mean
from pinn.flat import FlatVariables
from pinn.networks import LayerHook, NoTaylorRule, takes_jets
from pinn.objective.batch import Batch, accumulate, threads
from pinn.objective.network_checks import check_period, outputs
from pinn.objective.points import Blocks
from pinn.objective.subsets import part
from pinn.objective.trial import trial
from pinn.problem import Problem, Term

Engine = Literal["auto", "taylor", "nested"]
Carried = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Points [n, d] of the initial state -> what its terms say of the state that is carried over, [n] each by name."""


class Objective:
    """The weighted sum of a problem's mean squared residuals, and its gradient, for a flat vector [p].

        L(θ) = Σₜ wₜ Σⱼ sⱼ fₜⱼ rₜ(xⱼ; θ)²     weights w of terms, shares s of points (1/n), factors f (1)

    The vector holds the network's trainable weights and then the unknown coefficients, transformed.
    The points are cut into blocks; a program goes through the blocks of its thread one after
    another, so memory is bounded, and as many programs as there are threads run side by side.

    `carry_linear_part` lets the fast engine carry an equation's linear part as one (see
    derivatives/collapse.py). A loss whose `steered` coefficients, or whose window of time where it
    is `windowed`, change from stage to stage keeps its compiled programs; `enter` brings it to a
    stage.

    Raises:
        InputError: for a weight of no residual, no positive weight, or a network of the wrong
            shape.
    """

    def __init__(
        self,
        problem: Problem,
        network: keras.Model,
        *,
        weights: Mapping[str, float] | None = None,
        hard: bool = False,
        derivatives: Engine = "auto",
        carry_linear_part: bool = True,
        measured: tuple[str, ...] = (),
        steered: Sequence[str] = (),
        windowed: bool = False,
    ) -> None:
        self.problem, self.network, self.hard = problem, network, hard
        if hard and not problem.satisfied:
            name = type(problem).__name__
            raise InputError(
                f"{name}: constraints=hard, but it has no ansatz with @satisfies; use constraints=soft."
            )
        count = outputs(problem, network)
        if count != len(problem.functions):
            names = ", ".join(problem.functions)
            raise InputError(f"network: {count} outputs for the fields {names}; make them equal.")
        if derivatives == "taylor" and not takes_jets(network):
            raise NoTaylorRule(
                "derivatives=taylor: the network has a layer without a Taylor rule; use nested or auto."
            )
        check_period(problem, network)
        self.engine = (
            taylor
            if derivatives == "taylor" or (derivatives == "auto" and takes_jets(network))
            else nested
        )
        dtype = network.dtype_policy.variable_dtype
        self.unknowns = {
            name: keras.Variable(unknown.inverse(unknown.start), dtype=dtype, name=name)
            for name, unknown in problem.unknowns.items()
        }
        self.flat = FlatVariables([*network.trainable_variables, *self.unknowns.values()])
        self.dtype: str = self.flat.dtype.name
        # Variables, because a compiled program reads them anew, where it would keep a number for
        # good.
        self.steered = {
            n: tf.Variable(getattr(problem, n), dtype=self.dtype, trainable=False) for n in steered
        }
        self.delay = tf.Variable(tf.zeros([], self.dtype), trainable=False) if windowed else None
        self.carried: Carried | None = None
        self.terms, self.weights = self._active(weights or {}, measured)
        collapsing = carry_linear_part and self.engine is taylor
        self.operators = {
            region: self._operator(region) if collapsing else None for region in self.regions
        }

    def _active(
        self, weights: Mapping[str, float], measured: tuple[str, ...]
    ) -> tuple[tuple[Term, ...], list[float]]:
        """Return the terms that take part in the loss, and their weights."""
        data = [_data_term(f) for f in measured]
        candidates = [*self.problem.terms, *data]
        known = [t.name for t in candidates]
        for name, weight in weights.items():
            if name not in known:
                raise InputError(f"weights.{name}: no such residual.{did_you_mean(name, known)}")
            if not weight >= 0:
                raise InputError(
                    f"weights.{name}={weight}: give a weight of at least 0 (0 leaves the residual out)."
                )
        exact = self.problem.satisfied if self.hard else ()
        active = [t for t in candidates if t.name not in exact and weights.get(t.name, 1.0) > 0]
        active = [t for t in active if t.region != "data" or measured]
        if not active:
            raise InputError(
                "weights: every residual has weight 0; give at least one a positive weight."
            )
        return tuple(active), [float(weights.get(t.name, 1.0)) for t in active]

    def enter(
        self, problem: Problem, *, delay: float = 0.0, carried: Carried | None = None
    ) -> None:
        """Go to another stage of a run: the problem with other coefficients or another window of time.

        `delay` is the time by which the window is later than that of the network, `carried` gives
        what the terms of the initial state, which say zero of the problem's own, say of the state
        that the last window ended in.
        """
        self.problem, self.carried = problem, carried
        for name, variable in self.steered.items():
            variable.assign(getattr(problem, name))
        if self.delay is not None:
            self.delay.assign(delay)

    @property
    def regions(self) -> list[str]:
        """The regions that the terms need points of."""
        return list(dict.fromkeys(t.region for t in self.terms))

    def batch(self, points: Mapping[str, Blocks]) -> Batch:
        """Return points with the terms' weights."""
        return Batch({r: points[r] for r in self.regions}, tf.constant(self.weights, self.dtype))

    def part(self, batch: Batch, start: tf.Tensor, share: float) -> Batch:
        """Return a share of every region's points, from `start` on (both as shares of all)."""
        return batch._replace(points={r: part(b, start, share) for r, b in batch.points.items()})

    def coefficients(self, theta: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the unknown coefficients' values at a flat vector."""
        return self._coefficients(self.flat.partition(theta))

    def bound(self, tensors: Sequence[tf.Tensor]) -> Problem:
        """Return the problem with the unknown coefficients that the vector's tensors hold, and the steered ones."""
        steered = {name: tf.convert_to_tensor(variable) for name, variable in self.steered.items()}
        return self.problem.bind({**steered, **self._coefficients(tensors)})

    def trial(self, problem: Problem, *, hook: LayerHook | None = None) -> Trial:
        """Return the trial solution; `hook` as in `forward`."""
        delay = None if self.delay is None else tf.convert_to_tensor(self.delay)
        return trial(problem, self.network, hard=self.hard, hook=hook, delay=delay)

    def _coefficients(self, tensors: Sequence[tf.Tensor]) -> dict[str, tf.Tensor]:
        raw = dict(zip(reversed(self.unknowns), reversed(tensors), strict=False))
        return {name: self.problem.unknowns[name].value(raw[name]) for name in self.unknowns}

    @tf.function(autograph=False)
    def value_and_gradient(self, theta: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the loss (scalar) and its gradient [p]; the factory that L-BFGS asks for."""
        results = [self._program(theta, points, batch.weights) for points in threads(batch.points)]
        losses = tf.add_n([losses for losses, _ in results])
        return tf.reduce_sum(batch.weights * losses), tf.add_n(
            [gradient for _, gradient in results]
        )

    @tf.function(autograph=False)
    def value(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return the loss (scalar)."""
        losses = tf.add_n([self._losses_program(theta, points) for points in threads(batch.points)])
        return tf.reduce_sum(batch.weights * losses)

    @tf.function(autograph=False)
    def losses(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return every term's mean squared residual [terms], without any weights."""
        return tf.add_n(
            [self._losses_program(theta, points) for points in threads(batch.plain.points)]
        )

    @tf.function(autograph=False, jit_compile=True)
    def _program(
        self, theta: tf.Tensor, points: dict[str, Blocks], weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        # By tensors: to sum the flat gradient, XLA would put it together, number by number, for every
        # block.
        tensors = self.flat.partition(theta)

        def block(region: str, piece: Blocks) -> tuple[tf.Tensor, ...]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(tensors)
                losses = self._block_losses(tensors, region, piece)
                loss = tf.reduce_sum(weights * losses)
            gradients: Any = tape.gradient(
                loss, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return losses, *gradients

        losses, *gradients = accumulate(
            block, points, (tf.zeros_like(weights), *map(tf.zeros_like, tensors))
        )
        return losses, self.flat.concat(gradients)

    @tf.function(autograph=False, jit_compile=True)
    def _losses_program(self, theta: tf.Tensor, points: dict[str, Blocks]) -> tf.Tensor:
        zeros, tensors = (tf.zeros([len(self.terms)], self.dtype),), self.flat.partition(theta)
        return accumulate(
            lambda region, piece: (self._block_losses(tensors, region, piece),), points, zeros
        )[0]

    def _block_losses(self, tensors: Sequence[tf.Tensor], region: str, piece: Blocks) -> tf.Tensor:
        """Return the terms' shares [terms] of the loss from one block; zero for terms of other regions."""
        residuals, shares = self.residuals(tensors, region, piece), self.shares(piece)
        zero = tf.zeros([], self.dtype)
        return tf.stack(
            [
                tf.reduce_sum(shares[n] * residuals[n] ** 2) if n in residuals else zero
                for n in shares
            ]
        )

    def shares(self, piece: Blocks) -> dict[str, tf.Tensor]:
        """Return the shares [n] that a block's points have in the loss of every term, their factors included."""
        factors = piece.factors
        return {
            t.name: piece.weights * factors[t.name] if t.name in factors else piece.weights
            for t in self.terms
        }

    def residuals(
        self,
        tensors: Sequence[tf.Tensor],
        region: str,
        piece: Blocks,
        *,
        hook: LayerHook | None = None,
    ) -> dict[str, tf.Tensor]:
        """Return the residuals [n] of a region's terms on one block (coordinates [d, n]), given the vector's tensors."""
        terms = [t for t in self.terms if t.region == region]
        symbols = list({s.name: s for t in terms for s in t.symbols}.values())
        problem = self.bound(tensors)
        coordinates = dict(zip(problem.coordinates, tf.unstack(piece.coordinates), strict=True))
        space = problem.space.coordinates if piece.normals.shape[0] else ()
        normals = dict(zip(space, tf.unstack(piece.normals) if space else (), strict=True))
        functions = [self._function(problem, t) for t in terms]
        operator, linear = self.operators[region], {}
        with self.flat.scope(tensors):
            solution = self.trial(problem, hook=hook)
            if operator is None:
                derivatives = self.engine.evaluate(solution, symbols, coordinates, normals)
            else:
                carried = [s for s in symbols if operator.contains(s)]
                others = [s for s in symbols if s not in carried]
                shares = operator.coefficients(functions, piece.weights)
                lead = shares[operator.leader]
                derivatives = taylor.evaluate(
                    solution,
                    others,
                    coordinates,
                    normals,
                    operator=operator.indices,
                    coefficients=lead,
                )
                # The residual is affine in what is carried: its value without that, plus the
                # operator's share.
                derivatives |= {s.name: tf.zeros_like(piece.weights) for s in carried}
                for (name, field), share in shares.items():
                    value = share[0] / lead[0] * derivatives[taylor.operator_name(field)]
                    linear[name] = linear[name] + value if name in linear else value
        available = {
            **coordinates,
            **derivatives,
            **{f"{f}_data": v for f, v in piece.values.items()},
        }
        found = {f.name: f.function(*(available[s.name] for s in f.symbols)) for f in functions}
        found = {
            name: value + linear[name] if name in linear else value for name, value in found.items()
        }
        carried = piece.values if region == "initial" else {}
        return {
            name: value - carried[name] if name in carried else value
            for name, value in found.items()
        }

    def _function(self, problem: Problem, term: Term) -> collapse.ResidualFunction:
        """Return a residual as a function of its symbols, checked and in the shape of the points."""

        def residual(*arguments: Any) -> tf.Tensor:
            if term.name.startswith(_DATA):
                return arguments[0] - arguments[1]
            value = getattr(problem, term.name)(*arguments)
            if isinstance(value, tf.Tensor) and value.dtype != self.dtype:
                where = f"{type(problem).__name__}.{term.name}"
                raise InputError(
                    f"{where}: returned {value.dtype.name} in a {self.dtype} run; do not cast in residuals."
                )
            return tf.zeros_like(arguments[0]) + value if arguments else tf.convert_to_tensor(value)

        return collapse.ResidualFunction(term.name, term.symbols, residual)

    def _operator(self, region: str) -> collapse.Operator | None:
        """Return the linear operator that a region's residuals share, if carrying it saves work."""
        # Coefficients are moved off their starts: one that starts at zero must not hide a nonlinear
        # term.
        moved = {
            name: u.value(tf.constant(u.inverse(u.start) + 0.618, self.dtype))
            for name, u in self.problem.unknowns.items()
        }
        moved |= {name: getattr(self.problem, name) + 0.618 for name in self.steered}
        problem = self.problem.bind(moved)
        bounds = dict(zip(problem.coordinates, zip(*problem.bounds, strict=True), strict=True))
        terms = [self._function(problem, t) for t in self.terms if t.region == region]
        return collapse.operator(terms, bounds, self.dtype, space=problem.space.coordinates)


_DATA = "data_"


def _data_term(field: str) -> Term:
    """The misfit of a field to its measurements."""
    symbols = (Symbol(field, "derivative", field), Symbol(f"{field}_data", "data", field))
    return Term(f"{_DATA}{field}", "data", symbols)
