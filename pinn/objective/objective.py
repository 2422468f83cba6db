"""The loss of a problem, a network and points, as a pure function of one flat vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import keras
import tensorflow as tf

from pinn.derivatives import Trial, nested, taylor
from pinn.errors import InputError
from pinn.flat import FlatVariables
from pinn.networks import LayerHook, NoTaylorRule, takes_jets
from pinn.objective.batch import FIRST_STAGE, Batch, StageParameters, accumulate, split_by_thread
from pinn.objective.blocks import Blocks
from pinn.objective.method_checks import check_ansatz
from pinn.objective.network_checks import check_period, count_outputs
from pinn.objective.quadrature_rules import NODES
from pinn.objective.residuals import Residuals
from pinn.objective.scales import UNSCALED, FieldScale, Scales
from pinn.objective.searched import searched
from pinn.objective.subsets import subset
from pinn.objective.symbol_values import NONE, SymbolValues, Values
from pinn.objective.terms import Measured, active_terms
from pinn.objective.trial import NO_MATERIALS, constrained, trial
from pinn.problem import Problem
from pinn.problem.materials import in_some_material

Engine = Literal["auto", "taylor", "nested"]


class Objective:
    """The weighted sum of a problem's mean squared residuals, and its gradient, for a vector [p].

        L(θ) = Σₜ wₜ Σⱼ qⱼ pₜⱼ (rₜ(xⱼ; θ) / sₜ)²

    with the weights w and the typical sizes s of the terms, the quadrature weights q of the points
    (1/n), and the weights p of single points (1).  The vector θ holds the trainable parameters of
    the network and, behind them, the unknown coefficients, transformed.

    The points are cut into blocks.  A program goes through the blocks of its thread one after
    another, so that memory is bounded, and there is one program per thread.

    An objective has no state: points, weights and what differs from stage to stage come with the
    batch.

    Args:
        problem: the problem, in the first stage of a run.
        network: the network; its parameters are the start.
        weights: weight by term; 1 for terms that are not named, 0 leaves a term out.
        hard: whether the ansatz builds conditions into the trial solution.
        derivatives: the derivative engine.
        measured: what was measured, by region; None: nothing.
        continuation: names of the coefficients that every batch brings.
        scales: the typical sizes of fields, residuals and unknown coefficients.
        nodes: number of quadrature nodes per coordinate, for integrals.

    Attributes:
        searched: the unknown coefficients as they are searched: in units of their typical sizes.

    Raises:
        InputError: for the weight of a residual that does not exist, no positive weight, or a
            network of the wrong shape.
    """

    def __init__(
        self,
        problem: Problem,
        network: keras.Model,
        *,
        weights: Mapping[str, float] | None = None,
        hard: bool = False,
        derivatives: Engine = "auto",
        measured: Measured | None = None,
        continuation: Sequence[str] = (),
        scales: Scales = UNSCALED,
        nodes: int = NODES,
    ) -> None:
        self.problem = problem
        self.network = network
        self.hard = hard
        self.scales = scales
        self.continuation = tuple(continuation)
        self._check_fit()
        self.engine = _engine(derivatives, network)
        # Of its variables: a model that was loaded need not know in what precision it was built.
        trained = network.trainable_variables
        dtype = trained[0].dtype if trained else network.dtype_policy.variable_dtype
        self.searched = searched(problem, scales.unknowns)
        self.unknowns = {
            name: keras.Variable(unknown.inverse(unknown.start), dtype=dtype, name=name)
            for name, unknown in self.searched.items()
        }
        self.flat = FlatVariables([*network.trainable_variables, *self.unknowns.values()])
        self.dtype: str = self.flat.dtype.name
        terms, self.weights = active_terms(
            problem, weights or {}, hard=hard, measured=measured or {}
        )
        self.terms = tuple(map(scales.balanced, terms))
        if hard and self.engine is nested:  # jets let no function mix points
            check_ansatz(problem, partial(constrained, in_some_material(problem)), self.dtype)
        self._residuals = Residuals(
            problem,
            self.terms,
            engine=self.engine,
            dtype=self.dtype,
            continuation=continuation,
            scales=scales,
            nodes=nodes,
        )

    def _check_fit(self) -> None:
        """Raise an InputError where the network or the constraints do not fit the problem."""
        problem = self.problem
        if problem.laws and self.network.name != "side_by_side":
            name = problem.laws[0]
            raise InputError(
                f"network: {self.network.name!r} has no network for {name}, a function of fields; "
                "make it by network.width, network.depth, … or pinn.networks.side_by_side."
            )
        if self.hard and not problem.satisfied:
            raise InputError(
                f"{type(problem).__name__}: constraints=hard, but it has no ansatz with "
                f"@satisfies; use constraints=soft."
            )
        count = count_outputs(problem, self.network)
        if count != problem.outputs:
            names = ", ".join(problem.functions)
            remedy = f"make them {problem.outputs}" if problem.materials else "make them equal"
            each = " in each material" if problem.materials else ""
            raise InputError(f"network: {count} outputs for the fields {names}{each}; {remedy}.")
        check_period(problem, self.network)

    @property
    def regions(self) -> list[str]:
        """The regions that the terms need points of."""
        return list(dict.fromkeys(t.region for t in self.terms))

    @property
    def values(self) -> SymbolValues:
        """What evaluates derivatives, delayed fields and integrals."""
        return self._residuals.values

    def nodes(self, region: str) -> int:
        """Return at how many quadrature nodes a region's terms are evaluated per point, or 1."""
        return self.values.nodes(self._residuals.symbols(region))

    @property
    def weight_by_term(self) -> dict[str, float]:
        """The fixed weight of every term by name."""
        return dict(zip((t.name for t in self.terms), self.weights, strict=True))

    def batch(self, points: Mapping[str, Blocks], stage: StageParameters = FIRST_STAGE) -> Batch:
        """Return points and the parameters of a stage with the fixed weights of the terms."""
        used = {region: points[region] for region in self.regions}
        return Batch(used, tf.constant(self.weights, self.dtype), stage)

    def subset(self, batch: Batch, start: tf.Tensor, share: float) -> Batch:
        """Return a share of the points of every region, from `start` on (both as shares of all)."""
        points = {region: subset(b, start, share) for region, b in batch.points.items()}
        return batch._replace(points=points)

    def coefficients(self, theta: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the values of the unknown coefficients at a vector [p]."""
        return self._coefficients(self.flat.partition(theta))

    def _coefficients(self, tensors: Sequence[tf.Tensor]) -> dict[str, tf.Tensor]:
        count = len(self.unknowns)
        raw = dict(zip(self.unknowns, tensors[len(tensors) - count :], strict=True))
        return {name: self.searched[name].value(value) for name, value in raw.items()}

    def bound(self, tensors: Sequence[tf.Tensor], stage: StageParameters = FIRST_STAGE) -> Problem:
        """Return the problem with the coefficients of a stage and the unknowns in `tensors`."""
        values: dict[str, Any] = {**stage.coefficients, **self._coefficients(tensors)}
        if stage.modes:
            values["earlier_modes"] = stage.modes
        return self.problem.bind(values)

    def trial(
        self,
        problem: Problem,
        stage: StageParameters = FIRST_STAGE,
        *,
        hook: LayerHook | None = None,
        materials: Mapping[str, tf.Tensor] = NO_MATERIALS,
    ) -> Trial:
        """Return the trial solution in a stage; `hook` and `materials` as in `trial`."""
        return trial(
            problem,
            self.network,
            hard=self.hard,
            hook=hook,
            stage=stage,
            scales=self._fields(stage),
            materials=materials,
            flat=self.flat,
        )

    def _fields(self, stage: StageParameters) -> Mapping[str, FieldScale]:
        """Return offset and scale by function in a stage."""
        own = {name: FieldScale(*tf.unstack(values)) for name, values in stage.fields.items()}
        return {**self.scales.fields, **own}

    def residuals(
        self,
        tensors: Sequence[tf.Tensor],
        region: str,
        block: Blocks,
        stage: StageParameters = FIRST_STAGE,
        *,
        hook: LayerHook | None = None,
        numbers: Values = NONE,
    ) -> dict[str, tf.Tensor]:
        """Return the residuals [n] of a region's terms on one block (coordinates [d, n]).

        Args:
            tensors: the parameters, in the shapes of their variables.
            region: the region.
            block: the points.
            stage: the parameters of the stage.
            hook: as in `forward`.
            numbers: the values [n] of integrals that are known already.
        """
        problem = self.bound(tensors, stage)

        def trial_at(materials: Mapping[str, tf.Tensor]) -> Trial:
            return self.trial(problem, stage, hook=hook, materials=materials)

        with self.flat.scope(tensors):
            residuals = self._residuals(problem, trial_at, region, block, numbers=numbers)
        for name in residuals.keys() & stage.sizes.keys():
            residuals[name] = residuals[name] * stage.sizes[name]
        return residuals

    def numbers(
        self, tensors: Sequence[tf.Tensor], region: str, stage: StageParameters = FIRST_STAGE
    ) -> dict[str, tf.Tensor]:
        """Return the integrals in a region's terms that depend on no coordinate, as scalars."""
        problem = self.bound(tensors, stage)
        symbols = self._residuals.symbols(region)
        with self.flat.scope(tensors):
            return self.values.numbers(problem, self.trial(problem, stage), symbols)

    def point_shares(self, block: Blocks) -> dict[str, tf.Tensor]:
        """Return the shares q p [n] of a block's points in the loss of every term."""
        shares = {}
        for term in self.terms:
            shares[term.name] = block.quadrature
            if term.name in block.point_weights:
                shares[term.name] = block.quadrature * block.point_weights[term.name]
        return shares

    @tf.function(autograph=False)
    def value_and_gradient(self, theta: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the loss (scalar) and its gradient [p]; the factory that L-BFGS asks for."""
        # XLA would compile the program of a linearized network anew for every theta.
        is_linear = batch.stage.linearized
        program = self._losses_and_gradient if is_linear else self._gradient_program
        pairs = [
            program(theta, points, batch.weights, batch.stage)
            for points in split_by_thread(batch.points)
        ]
        losses = tf.add_n([losses for losses, _ in pairs])
        gradient = tf.add_n([gradient for _, gradient in pairs])
        return tf.reduce_sum(batch.weights * losses), gradient

    @tf.function(autograph=False)
    def value(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return the loss (scalar)."""
        return tf.reduce_sum(batch.weights * self._losses(theta, batch))

    @tf.function(autograph=False)
    def losses(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return every term's mean squared residual [terms], without any weights."""
        return self._losses(theta, batch.without_point_weights)

    def _losses(self, theta: tf.Tensor, batch: Batch) -> tf.Tensor:
        shares = split_by_thread(batch.points)
        return tf.add_n([self._losses_program(theta, points, batch.stage) for points in shares])

    def _losses_and_gradient(
        self,
        theta: tf.Tensor,
        points: dict[str, Blocks],
        weights: tf.Tensor,
        stage: StageParameters,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the terms' losses [terms] and the gradient [p] of their weighted sum."""
        # By tensors: to sum the flat gradient, XLA would concatenate it anew for every block.
        tensors = self.flat.partition(theta)

        def of_block(region: str, block: Blocks) -> tuple[tf.Tensor, ...]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(tensors)
                losses = self._block_losses(tensors, region, block, stage)
                loss = tf.reduce_sum(weights * losses)
            gradients: Any = tape.gradient(
                loss, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return losses, *gradients

        zeros = (tf.zeros_like(weights), *map(tf.zeros_like, tensors))
        losses, *gradients = accumulate(of_block, points, zeros)
        return losses, self.flat.concat(gradients)

    _gradient_program = tf.function(_losses_and_gradient, autograph=False, jit_compile=True)

    @tf.function(autograph=False, jit_compile=True)
    def _losses_program(
        self, theta: tf.Tensor, points: dict[str, Blocks], stage: StageParameters
    ) -> tf.Tensor:
        """Return the terms' losses [terms]."""
        tensors = self.flat.partition(theta)

        def of_block(region: str, block: Blocks) -> tuple[tf.Tensor]:
            return (self._block_losses(tensors, region, block, stage),)

        (losses,) = accumulate(of_block, points, (tf.zeros([len(self.terms)], self.dtype),))
        return losses

    def _block_losses(
        self,
        tensors: Sequence[tf.Tensor],
        region: str,
        block: Blocks,
        stage: StageParameters,
    ) -> tf.Tensor:
        """Return the terms' losses [terms] from one block; zero for terms of other regions."""
        residuals = self.residuals(tensors, region, block, stage)
        losses = []
        for name, shares in self.point_shares(block).items():
            if name in residuals:
                losses.append(tf.reduce_sum(shares * residuals[name] ** 2))
            else:
                losses.append(tf.zeros([], self.dtype))
        return tf.stack(losses)


def _engine(derivatives: Engine, network: keras.Model) -> Any:
    """Return the derivative engine for a network.

    Raises:
        InputError: where `taylor` is asked for and the network has a layer without a Taylor rule.
    """
    if derivatives == "nested":
        return nested
    if takes_jets(network):
        return taylor
    if derivatives == "taylor":
        raise NoTaylorRule(
            "derivatives=taylor: the network has a layer without a Taylor rule; use nested or auto."
        )
    return nested
