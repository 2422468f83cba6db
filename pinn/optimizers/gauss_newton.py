"""Gauss–Newton with Levenberg and Marquardt's damping, for losses that are sums of squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import tensorflow as tf

from pinn.arrays import static_size
from pinn.errors import InputError, require_memory
from pinn.optimizers.interface import (
    SEARCH_FAILED,
    Function,
    LoopedStepper,
    Optimizer,
    State,
    Stepper,
)
from pinn.optimizers.least_squares import SumOfSquares
from pinn.optimizers.normal_equations import (
    Damped,
    DeviceGram,
    Dual,
    Gram,
    NormalEquations,
    Triangle,
)

PROBE = 0.1  # of the step: where the residuals' curvature is measured; Transtrum & Sethna (2012)
LONGEST_BEND = 0.75  # of the step; a longer one means that the step leaves where it is valid; ibid.
# A gain that is poor: to take such steps goes as far in minutes, and is lost in the first tens of
# iterations.
LEAST_GAIN = 0.1
# λ in units of the mean diagonal, below which JᵀJ has rounded away what λ would leave.  Not far
# below is where QR pays: four poorer steps come farther than one of its own.
FEW_DIGITS = 1e-14


@dataclass(frozen=True, kw_only=True)
class GaussNewton(Optimizer):
    """Levenberg–Marquardt with geodesic acceleration (Transtrum & Sethna 2012, arXiv:1201.5885).

    A step d solves (JᵀJ + λI) d = −Jᵀr.  The residuals' second derivative r'' along d bends it: a
    solves (JᵀJ + λI) a = −Jᵀr'', and d + a/2 is taken where a is short beside d.  The step's gain
    ρ, the fall of the loss over what the linear residuals predict, sets the next λ (Nielsen 1999,
    IMM-REP-1999-05): λ max(⅓, 1 − (2ρ − 1)³). A step whose gain is poor is tried again with the
    same Jacobian, at 2, 8, 64, … times its λ.

    Attributes:
        damping: the first λ, in units of the mean diagonal of JᵀJ.
        trials: most λ tried in one iteration.
        acceleration: whether steps are bent.
        algebra: "gram" (Cholesky's factorization of JᵀJ), "qr" (sees small singular values, at four
            times the work), "dual" (Cholesky's of JJᵀ), or "auto": the smaller of the first and the
            last, and QR where λ is too small for JᵀJ.

    Raises:
        InputError: for numbers out of range.
    """

    label: ClassVar[str] = "Gauss-Newton"
    damping: float = 1e-3
    trials: int = 12
    acceleration: bool = True
    algebra: Literal["auto", "gram", "qr", "dual"] = "auto"

    def __post_init__(self) -> None:
        if not self.damping > 0:
            raise InputError(f"GaussNewton: damping={self.damping}; give a positive number.")
        if not isinstance(self.trials, int) or self.trials < 1:
            raise InputError(
                f"GaussNewton: trials={self.trials!r}; give a whole number of at least 1."
            )
        if self.algebra not in ("auto", "gram", "qr", "dual"):
            raise InputError(f"GaussNewton: algebra={self.algebra!r}; use auto, gram, qr or dual.")

    def memory(
        self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return the first λ, in units of the mean diagonal of JᵀJ."""
        return {"damping": self.damping / shrink}

    def renewed(self, old: State, new: State) -> State:
        """Keep λ."""
        return new._replace(memory=old.memory)

    def iterate(self, function: Function, state: State, batch: Any) -> State:
        """Raise an error: a loss and its gradient are not enough."""
        raise InputError("GaussNewton: needs residuals, not only a loss; see GaussNewton.compile.")

    def compile(self, function: Function, squares: SumOfSquares | None = None, **_: Any) -> Stepper:
        """Return the start, advance and restart for a sum of squares.

        Raises:
            InputError: where there is only a loss.
        """
        if squares is None:
            raise InputError(
                "GaussNewton: needs residuals, and here is only a loss; use LBFGS, or give `Residuals`."
            )
        return _Stepper(self, function, squares)


class _Stepper(LoopedStepper):
    """Gauss–Newton bound to a sum of squares; dense algebra is LAPACK's, the rest compiled programs."""

    def __init__(self, optimizer: GaussNewton, function: Function, squares: SumOfSquares) -> None:
        super().__init__(optimizer, tf.function(function, autograph=False))
        self.settings, self.squares = optimizer, squares

    def prepare(self, state: State, batch: Any) -> None:
        """Compile what an iteration needs."""
        self.iterated(state, batch)

    def iterated(self, state: State, batch: Any) -> State:
        """Return the state after the step that is taken."""
        iteration = _Iteration(self, state, batch)
        found = iteration.step()
        evaluations = state.evaluations + iteration.evaluations
        if found is None:
            failed = tf.constant(SEARCH_FAILED)
            return state._replace(
                status=failed, iterations=state.iterations + 1, evaluations=evaluations
            )
        position, damping = found
        loss, gradient = self.function(position, batch)
        return state._replace(
            position=position,
            loss=loss,
            gradient=gradient,
            iterations=state.iterations + 1,
            evaluations=evaluations + 1,
            step=tf.norm(position - state.position),
            memory={"damping": tf.constant(damping, state.position.dtype)},
        )


class _Iteration:
    """A Jacobian, and the steps that are tried with it."""

    def __init__(self, stepper: _Stepper, state: State, batch: Any) -> None:
        self.settings, self.squares, self.batch = stepper.settings, stepper.squares, batch
        self.at, self.start, self.first = (
            state.position,
            float(state.loss),
            float(state.memory["damping"]),
        )
        self.here = self.squares.residuals(self.at, batch)
        self.evaluations = 2  # the Jacobian's and the residuals'
        self.system = self._system()

    def step(self) -> tuple[tf.Tensor, float] | None:
        """Return the position after the step to take, and the next λ; None where no step leads down."""
        damping, growth, taken = self.first, 2.0, None
        for _ in range(self.settings.trials):
            position, gain = self._tried(damping * self.system.unit)
            if gain > 0:  # of steps that are all poor, the last one: the shortest
                taken = position, damping * max(1 / 3, 1 - (2 * gain - 1) ** 3)
            if gain >= LEAST_GAIN:
                break
            damping, growth = damping * growth, 2 * growth
        return taken

    def _tried(self, damping: float) -> tuple[tf.Tensor, float]:
        """Return the position after the step for a λ, and its gain; -1 where there is none."""
        damped = self.system.damped(damping)
        if damped is None:
            return self.at, -1.0
        position = self._stepped(damped)
        fall = self.start - float(self.squares.loss(position, self.batch))
        self.evaluations += 1
        # |r|² − |r + Jd|², with (JᵀJ + λI) d = −Jᵀr.
        predicted = float(damping * damped.step @ damped.step - self.system.slope @ damped.step)
        return position, fall / predicted if np.isfinite(fall) and predicted > 0 else -1.0

    def _system(self) -> NormalEquations:
        gram = DeviceGram if tf.config.get_visible_devices("GPU") else Gram
        kind = {"gram": gram, "qr": Triangle, "dual": Dual}.get(self.settings.algebra)
        rows, size = static_size(self.here), static_size(self.at)
        if kind is None:
            kind = Triangle if self.first < FEW_DIGITS else Dual if rows < size else gram
        # Beside its matrix, a factor of it; the dual form holds the whole Jacobian, too.
        order = rows if kind is Dual else size
        require_memory(
            8 * (2 * order**2 + (rows * size if kind is Dual else 0)),
            f"GaussNewton: algebra={kind.__name__.lower()} of {rows:,} residuals and {size:,} weights",
            "use lbfgs (optimizer@phases.polish=lbfgs), fewer points or a smaller network",
        )
        return kind(self.squares.jacobian(self.at, self.batch), size)

    def _stepped(self, damped: Damped) -> tf.Tensor:
        """Return the position after a step, bent where that is valid."""
        step = damped.step
        if self.settings.acceleration:
            ahead, behind = (
                self.squares.residuals(self._shifted(h * step), self.batch) for h in (PROBE, -PROBE)
            )
            curvature = (ahead - 2 * self.here + behind) / PROBE**2
            bend = -damped.solve(
                np.asarray(self.squares.vjp(self.at, self.batch, curvature), np.float64)
            )
            self.evaluations += 3
            if 2 * np.linalg.norm(bend) <= LONGEST_BEND * np.linalg.norm(step):
                step = step + bend / 2
        return self._shifted(step)

    def _shifted(self, step: np.ndarray) -> tf.Tensor:
        return self.at + tf.constant(step, self.at.dtype)
