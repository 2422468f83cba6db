# pyright: strict, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Gauss–Newton with Levenberg and Marquardt's damping, for losses that are sums of squares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.errors import require_memory
from pinn.optimizers.interface import (
    BatchT,
    BoundOptimizer,
    Minimization,
    Optimizer,
    State,
    Status,
)
from pinn.optimizers.least_squares import SumOfSquares
from pinn.optimizers.loops import PythonLoop
from pinn.optimizers.normal_equations import (
    Damped,
    DeviceGram,
    Dual,
    Gram,
    NormalEquations,
    Triangle,
)
from pinn.settings import count, positive

# Where the curvature of the residuals is measured, in units of the step; Transtrum & Sethna (2012).
PROBE = 0.1
# The longest geodesic correction, in units of the step; a longer one means that the step leaves the
# region where the correction is valid; ibid.
LONGEST_CORRECTION = 0.75
# The least gain ratio of a step that is taken at once.  Accepting worse steps reaches the same loss
# in the same number of minutes, but wastes the first tens of iterations.
LEAST_GAIN = 0.1
# The λ, in units of the mean diagonal of JᵀJ, below which JᵀJ has lost to rounding what λ would
# preserve.  It does not pay to switch to QR much earlier: four poorer steps, in the same time, get
# farther than one of QR's.
FEW_DIGITS = 1e-14


class Damping(NamedTuple):
    """The memory of Gauss–Newton."""

    damping: tf.Tensor  # λ of the next step, in units of the mean diagonal of JᵀJ


@dataclass(frozen=True, kw_only=True)
class GaussNewton(Optimizer[Damping]):
    """Levenberg–Marquardt with geodesic acceleration (Transtrum & Sethna 2012, arXiv:1201.5885).

    A step d solves (JᵀJ + λI) d = −Jᵀr.  The residuals' second derivative r'' along d corrects it:
    a solves (JᵀJ + λI) a = −Jᵀr'', and d + a/2 is taken where a is short compared with d.  The gain
    ratio ρ, the actual reduction of the loss over the reduction that the linear residuals predict,
    sets the next λ (Nielsen 1999, IMM-REP-1999-05): λ max(⅓, 1 − (2ρ − 1)³).  A step with a poor
    gain ratio is tried again with the same Jacobian, at 2, 8, 64, … times its λ.

    Attributes:
        damping: the first λ, in units of the mean diagonal of JᵀJ.
        trials: maximum number of λ tried in one iteration.
        acceleration: whether steps are corrected.
        algebra: "gram" (Cholesky factorization of JᵀJ), "qr" (resolves small singular values, at
            four times the cost), "dual" (Cholesky factorization of JJᵀ), or "auto": the smaller of
            the first and the last, and QR where λ is too small for JᵀJ.

    Raises:
        InputError: for numbers out of range.
    """

    label: ClassVar[str] = "Gauss-Newton"
    damping: float = positive(1e-3)
    trials: int = count(12)
    acceleration: bool = True
    algebra: Literal["auto", "gram", "qr", "dual"] = "auto"

    def bind(self, minimization: Minimization[BatchT]) -> BoundOptimizer[Damping, BatchT]:
        """Return the optimizer bound to a sum of squares.

        Raises:
            InputError: where there is only a loss.
        """
        return _BoundGaussNewton(self, minimization, minimization.squares("GaussNewton"))

    def memory(
        self,
        minimization: Minimization[BatchT],
        position: tf.Tensor,
        gradient: tf.Tensor,
        shrink: tf.Tensor,
    ) -> Damping:
        """Return the first λ."""
        return Damping(self.damping / shrink)

    def renew_memory(self, old: Damping, fresh: Damping) -> Damping:
        """Return the old λ."""
        return old


class _BoundGaussNewton(PythonLoop[Damping, BatchT]):
    """Gauss–Newton bound to a sum of squares.

    LAPACK does the dense algebra, compiled programs do the rest.
    """

    def __init__(
        self,
        optimizer: GaussNewton,
        minimization: Minimization[BatchT],
        residuals: SumOfSquares[BatchT],
    ) -> None:
        function = tf.function(minimization.function, autograph=False)
        super().__init__(optimizer, replace(minimization, function=function))
        self.settings = optimizer
        self.residuals = residuals

    def prepare(self, state: State[Damping], batch: BatchT) -> None:
        """Compile what an iteration needs."""
        self.iterate(state, batch)

    def iterate(self, state: State[Damping], batch: BatchT) -> State[Damping]:
        """Return the state after one step."""
        iteration = _Iteration(self.settings, self.residuals, state, batch)
        step = iteration.best_step()
        evaluations = state.evaluations + iteration.evaluations
        if step is None:
            return state._replace(
                status=tf.constant(Status.SEARCH_FAILED),
                iterations=state.iterations + 1,
                evaluations=evaluations,
            )
        position, damping = step
        loss, gradient = self.minimization.function(position, batch)
        return state._replace(
            position=position,
            loss=loss,
            gradient=gradient,
            iterations=state.iterations + 1,
            evaluations=evaluations + 1,
            step=tf.norm(position - state.position),
            memory=Damping(tf.constant(damping, state.position.dtype)),
        )


class _Iteration(Generic[BatchT]):
    """A Jacobian, and the steps that are tried with it."""

    def __init__(
        self,
        settings: GaussNewton,
        squares: SumOfSquares[BatchT],
        state: State[Damping],
        batch: BatchT,
    ) -> None:
        self.settings = settings
        self.squares = squares
        self.batch = batch
        self.position = state.position
        self.loss = float(state.loss)
        self.damping = float(state.memory.damping)
        self.residuals = squares.residuals(self.position, batch)
        self.evaluations = 2  # of the Jacobian and of the residuals
        self.system = self._normal_equations()

    def best_step(self) -> tuple[tf.Tensor, float] | None:
        """Return the position after the step to take, and the next λ.

        None where no step reduces the loss.
        """
        damping = self.damping
        growth = 2.0
        step = None
        for _ in range(self.settings.trials):
            position, gain = self._try(damping * self.system.unit)
            # Of steps whose gain ratios are all poor, the last one is taken, which is the shortest.
            if gain > 0:
                step = position, damping * max(1 / 3, 1 - (2 * gain - 1) ** 3)
            if gain >= LEAST_GAIN:
                break
            damping = damping * growth
            growth = 2 * growth
        return step

    def _try(self, damping: float) -> tuple[tf.Tensor, float]:
        """Return the position after the step for a λ, and its gain ratio; -1 without a step."""
        damped = self.system.damped(damping)
        if damped is None:
            return self.position, -1.0
        step = damped.step
        position = self._position_after(damped)
        reduction = self.loss - float(self.squares.loss(position, self.batch))
        self.evaluations += 1
        # |r|² − |r + Jd|², with (JᵀJ + λI) d = −Jᵀr.
        predicted = float(damping * step @ step - self.system.slope @ step)
        if not (np.isfinite(reduction) and predicted > 0):
            return position, -1.0
        return position, reduction / predicted

    def _normal_equations(self) -> NormalEquations:
        """Return the normal equations at the position, in the algebra of the settings."""
        rows = static_size(self.residuals)
        size = static_size(self.position)
        algebra = self._algebra(rows, size)
        # The matrix and its factor; the dual form holds the whole Jacobian, too.
        numbers = 2 * size**2
        if algebra is Dual:
            numbers = 2 * rows**2 + rows * size
        require_memory(
            8 * numbers,
            f"GaussNewton: algebra={algebra.__name__.lower()} of {rows:,} residuals and "
            f"{size:,} parameters",
            "use lbfgs (optimizer@phases.polish=lbfgs), fewer points or a smaller network",
        )
        return algebra(self.squares.jacobian(self.position, self.batch), size)

    def _algebra(self, rows: int, size: int) -> type[Gram | DeviceGram | Triangle | Dual]:
        """Return the form of the normal equations for a Jacobian [rows, size]."""
        gram = DeviceGram if tf.config.get_visible_devices("GPU") else Gram
        algebra = self.settings.algebra
        if algebra == "auto" and self.damping < FEW_DIGITS:
            return Triangle
        if algebra == "auto":
            return Dual if rows < size else gram
        return {"gram": gram, "qr": Triangle, "dual": Dual}[algebra]

    def _position_after(self, damped: Damped) -> tf.Tensor:
        """Return the position after a step, corrected where the correction is valid."""
        step = damped.step
        if not self.settings.acceleration:
            return self._shifted(step)
        # The second derivative of the residuals along the step, by central differences.
        ahead = self.squares.residuals(self._shifted(PROBE * step), self.batch)
        behind = self.squares.residuals(self._shifted(-PROBE * step), self.batch)
        curvature = (ahead - 2 * self.residuals + behind) / PROBE**2
        # The geodesic acceleration a = −(JᵀJ + λI)⁻¹ Jᵀr''.
        right_side = np.asarray(self.squares.vjp(self.position, self.batch, curvature), np.float64)
        correction = -damped.solve(right_side)
        self.evaluations += 3
        if 2 * np.linalg.norm(correction) <= LONGEST_CORRECTION * np.linalg.norm(step):
            step = step + correction / 2
        return self._shifted(step)

    def _shifted(self, step: Array) -> tf.Tensor:
        return self.position + tf.constant(step, self.position.dtype)
