"""Gauss–Newton with Levenberg and Marquardt's damping, for losses that are sums of squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import tensorflow as tf

from pinn.errors import InputError, require_memory
from pinn.optimizers.least_squares import SumOfSquares
from pinn.optimizers.minimizer import SEARCH_FAILED, Function, LoopedStepper, Minimizer, State, Stepper
from pinn.optimizers.normal_equations import Damped, DeviceGram, Dual, Gram, NormalEquations, Triangle

PROBE = 0.1  # of the step: where the residuals' curvature is measured; Transtrum & Sethna (2012)
LONGEST_BEND = 0.75  # of the step; a longer one means that the step leaves where it is valid; ibid.
# λ in units of the mean diagonal, below which JᵀJ has rounded away what λ would leave.  Not far below is where QR
# pays: four poorer steps come farther than one of its own.
FEW_DIGITS = 1e-14


@dataclass(frozen=True, kw_only=True)
class GaussNewton(Minimizer):
    """Levenberg–Marquardt with geodesic acceleration (Transtrum & Sethna 2012, arXiv:1201.5885).

    A step d solves (JᵀJ + λI) d = −Jᵀr.  The residuals' second derivative r'' along d bends it: a solves
    (JᵀJ + λI) a = −Jᵀr'', and d + a/2 is taken.  The matrix costs far more than a factorization and a loss, so λ
    is searched anew in every iteration, by factors of `stride` from the last one: the smallest whose step still
    lowers the loss by a share `gain` of what the linear residuals predict.  Long steps with a poor gain get
    farther along a bent valley than the lowest loss does.

    Attributes:
        damping: the first λ, in units of the mean diagonal of JᵀJ.
        gain: least ratio of the fall of the loss to the predicted one.
        stride: factor between neighboring λ.
        trials: most λ tried in one iteration.
        acceleration: whether steps are bent.
        algebra: "gram" (Cholesky's factorization of JᵀJ), "qr" (sees small singular values, at four times the
            work), "dual" (Cholesky's of JJᵀ), or "auto": the smaller of the first and the last, and QR where λ
            is too small for JᵀJ.

    Raises:
        InputError: for numbers out of range.
    """

    label: ClassVar[str] = "Gauss-Newton"
    damping: float = 1e-3
    gain: float = 0.075
    stride: float = 4.0
    trials: int = 12
    acceleration: bool = True
    algebra: Literal["auto", "gram", "qr", "dual"] = "auto"

    def __post_init__(self) -> None:
        if not self.damping > 0:
            raise InputError(f"GaussNewton: damping={self.damping}; give a positive number.")
        if not 0 <= self.gain < 1:
            raise InputError(f"GaussNewton: gain={self.gain}; give a number from 0 to below 1.")
        if not self.stride > 1:
            raise InputError(f"GaussNewton: stride={self.stride}; give a number above 1.")
        if not isinstance(self.trials, int) or self.trials < 1:
            raise InputError(f"GaussNewton: trials={self.trials!r}; give a whole number of at least 1.")
        if self.algebra not in ("auto", "gram", "qr", "dual"):
            raise InputError(f"GaussNewton: algebra={self.algebra!r}; use auto, gram, qr or dual.")

    def memory(self, position: tf.Tensor, gradient: tf.Tensor, shrink: tf.Tensor) -> dict[str, tf.Tensor]:
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
            raise InputError("GaussNewton: needs residuals, and here is only a loss; use LBFGS, or give `Residuals`.")
        return _Stepper(self, function, squares)


class _Stepper(LoopedStepper):
    """Gauss–Newton bound to a sum of squares; dense algebra is LAPACK's, the rest compiled programs."""

    def __init__(self, minimizer: GaussNewton, function: Function, squares: SumOfSquares) -> None:
        super().__init__(minimizer, tf.function(function, autograph=False))
        self.settings, self.squares = minimizer, squares

    def prepare(self, state: State, batch: Any) -> None:
        """Compile what an iteration needs."""
        self.iterated(state, batch)

    def iterated(self, state: State, batch: Any) -> State:
        """Return the state after the step of the smallest λ nearby that is still worth what it promises."""
        search = _Search(self, state, batch)
        best = search.best()
        evaluations = state.evaluations + search.evaluations
        if best is None:
            failed = tf.constant(SEARCH_FAILED)
            return state._replace(status=failed, iterations=state.iterations + 1, evaluations=evaluations)
        position = search.position(best)
        loss, gradient = self.function(position, batch)
        return state._replace(
            position=position,
            loss=loss,
            gradient=gradient,
            iterations=state.iterations + 1,
            evaluations=evaluations + 1,
            step=tf.norm(position - state.position),
            memory={"damping": tf.constant(search.damping(best), state.position.dtype)},
        )


class _Search:
    """One iteration's steps for λ = λ₀ · stride^power, and the losses that they lead to."""

    def __init__(self, stepper: _Stepper, state: State, batch: Any) -> None:
        self.settings, self.squares, self.batch = stepper.settings, stepper.squares, batch
        self.at, self.start, self.first = state.position, float(state.loss), float(state.memory["damping"])
        self.here = self.squares.residuals(self.at, batch)
        self.evaluations = 2  # the Jacobian's and the residuals'
        self.system = self._system()
        self.found: dict[int, tuple[float, float, tf.Tensor]] = {}

    def best(self) -> int | None:
        """Return the power of the λ to take; None where no step leads down."""
        power = 0
        if self._pays(0):
            while len(self.found) < self.settings.trials and self._pays(power - 1):
                power -= 1
            return power
        while len(self.found) < self.settings.trials:
            power += 1
            if self._pays(power):
                return power
        lowest = min(self.found, key=self._loss)
        return lowest if self._loss(lowest) < self.start else None

    def damping(self, power: int) -> float:
        """Return λ in units of the mean diagonal of JᵀJ."""
        return self.first * self.settings.stride**power

    def _pays(self, power: int) -> bool:
        """Say whether the step for a λ lowers the loss by enough of what the linear residuals predict."""
        loss = self._loss(power)
        return loss < self.start and self.start - loss >= self.settings.gain * self.found[power][1]

    def _loss(self, power: int) -> float:
        """Return the loss after the step for a λ; infinity where there is none."""
        if power not in self.found:
            damping = self.damping(power) * self.system.unit
            damped = self.system.damped(damping)
            loss, predicted, position = float("inf"), 0.0, self.at
            if damped is not None:
                position = self._stepped(damped)
                loss = float(self.squares.loss(position, self.batch))
                # |r|² − |r + Jd|², with (JᵀJ + λI) d = −Jᵀr.
                predicted = float(damping * damped.step @ damped.step - self.system.slope @ damped.step)
            self.evaluations += 1
            self.found[power] = (loss if np.isfinite(loss) else float("inf"), predicted, position)
        return self.found[power][0]

    def position(self, power: int) -> tf.Tensor:
        """Return the position after the step for a λ."""
        return self.found[power][2]

    def _system(self) -> NormalEquations:
        gram = DeviceGram if tf.config.get_visible_devices("GPU") else Gram
        kind = {"gram": gram, "qr": Triangle, "dual": Dual}.get(self.settings.algebra)
        rows, size = int(self.here.shape[0] or 0), int(self.at.shape[0] or 0)
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
            ahead, behind = (self.squares.residuals(self._shifted(h * step), self.batch) for h in (PROBE, -PROBE))
            curvature = (ahead - 2 * self.here + behind) / PROBE**2
            bend = -damped.solve(np.asarray(self.squares.pulled_back(self.at, self.batch, curvature), np.float64))
            self.evaluations += 3
            if 2 * np.linalg.norm(bend) <= LONGEST_BEND * np.linalg.norm(step):
                step = step + bend / 2
        return self._shifted(step)

    def _shifted(self, step: np.ndarray) -> tf.Tensor:
        return self.at + tf.constant(step, self.at.dtype)
