"""Gauss–Newton with Levenberg and Marquardt's damping, for losses that are sums of squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.optimizers.least_squares import SumOfSquares
from pinn.optimizers.minimizer import (
    RUNNING,
    SEARCH_FAILED,
    Function,
    Limits,
    Minimizer,
    State,
    Stepper,
    Trace,
    judged,
)
from pinn.optimizers.normal_equations import Damped, Dual, Gram, NormalEquations, Triangle

PROBE = 0.1  # of the step: where the residuals' curvature is measured; Transtrum & Sethna (2012)
LONGEST_BEND = 0.75  # of the step; a longer one means that the step leaves where it is valid; ibid.
FEW_DIGITS = 1e-12  # λ in units of the mean diagonal, below which JᵀJ has rounded away what λ would leave


@dataclass(frozen=True, kw_only=True)
class GaussNewton(Minimizer):
    """Levenberg–Marquardt with geodesic acceleration (Transtrum & Sethna 2012, arXiv:1201.5885).

    A step d solves (JᵀJ + λI) d = −Jᵀr.  The residuals' second derivative r'' along d bends it: a solves
    (JᵀJ + λI) a = −Jᵀr'', and d + a/2 is taken.  The matrix costs far more than a factorization and a loss, so λ
    is searched anew in every iteration: by factors of `stride` from the last one, downhill in the loss itself.

    Attributes:
        damping: the first λ, in units of the mean diagonal of JᵀJ.
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
    stride: float = 4.0
    trials: int = 12
    acceleration: bool = True
    algebra: Literal["auto", "gram", "qr", "dual"] = "auto"

    def __post_init__(self) -> None:
        if not self.damping > 0:
            raise InputError(f"GaussNewton: damping={self.damping}; give a positive number.")
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


class _Stepper(Stepper):
    """Gauss–Newton bound to a sum of squares; dense algebra is LAPACK's, the rest compiled programs."""

    def __init__(self, minimizer: GaussNewton, function: Function, squares: SumOfSquares) -> None:
        super().__init__(minimizer, tf.function(function, autograph=False))
        self.settings, self.squares = minimizer, squares

    def advance(self, state: State, batch: Any, steps: tf.Tensor, limits: Limits) -> tuple[State, Trace]:
        """Return the state after at most `steps` iterations, fewer if a limit is met, and what happened."""
        rows: list[tuple[tf.Tensor, ...]] = []
        if int(steps) == 0:
            self._iterated(state, batch)  # compiles
        while len(rows) < int(steps) and int(state.status) == RUNNING:
            state = judged(state, self._iterated(state, batch), limits)
            rows.append((state.loss, state.evaluations, tf.reduce_max(tf.abs(state.gradient)), state.step))
        dtypes = (state.loss.dtype, tf.int32, state.loss.dtype, state.loss.dtype)
        return state, Trace(*(tf.convert_to_tensor([row[i] for row in rows], d) for i, d in enumerate(dtypes)))

    def _iterated(self, state: State, batch: Any) -> State:
        """Return the state after the best step over λ, downhill from the last one's."""
        search = _Search(self, state, batch)
        best, most = 0, self.settings.trials
        for direction in (-1, 1):
            while search.count < most and search.loss(best + direction) < search.loss(best):
                best += direction
            if best != 0:
                break
        while search.count < most and not search.loss(best) < search.start:
            best += 1
        evaluations = state.evaluations + search.evaluations
        if not search.loss(best) < search.start:
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
        self.found: dict[int, tuple[float, tf.Tensor]] = {}

    @property
    def count(self) -> int:
        """How many λ were tried."""
        return len(self.found)

    def damping(self, power: int) -> float:
        """Return λ in units of the mean diagonal of JᵀJ."""
        return self.first * self.settings.stride**power

    def loss(self, power: int) -> float:
        """Return the loss after the step for a λ; infinity where there is none."""
        if power not in self.found:
            position = self._stepped(self.system.damped(self.damping(power) * self.system.unit))
            loss = float("inf") if position is None else float(self.squares.loss(position, self.batch))
            self.evaluations += 1
            self.found[power] = (loss if np.isfinite(loss) else float("inf"), self.at if position is None else position)
        return self.found[power][0]

    def position(self, power: int) -> tf.Tensor:
        """Return the position after the step for a λ."""
        return self.found[power][1]

    def _system(self) -> NormalEquations:
        kind = {"gram": Gram, "qr": Triangle, "dual": Dual}.get(self.settings.algebra)
        if kind is None:
            few = int(self.here.shape[0] or 0) < int(self.at.shape[0] or 0)
            kind = Triangle if self.first < FEW_DIGITS else Dual if few else Gram
        return kind(self.squares.jacobian(self.at, self.batch), int(self.at.shape[0] or 0))

    def _stepped(self, damped: Damped | None) -> tf.Tensor | None:
        """Return the position after a step, bent where that is valid."""
        if damped is None:
            return None
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
