"""What the Jacobian tells of a solution's error, without a reference.

At a vector θ, the residuals on points that no training used, and their Jacobian, tell the step d
that Gauss–Newton by singular values would still take.  It is not taken.  Carried to the fields,
(∂u/∂θ) d is what is missing of them, as far as changes of θ can express it.

The decomposition also gives the leverage hᵢ of a measurement, the share of it that the fit follows.
Without the measurement, the fit would miss it by rᵢ/(1 − hᵢ) (Allen 1974,
doi:10.1080/00401706.1974.10489157).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.objective.batch import Batch
from pinn.objective.least_squares import LeastSquares
from pinn.objective.standard_errors import known_variance
from pinn.objective.terms import Misfit
from pinn.optimizers.gauss_newton_svd import LARGEST, Decomposition

SMOOTH = 1e-7  # ε of leverages: of changes that the equations hardly see, all fits are capable
OPEN = 1e-9  # ε of amplifications
ROWS = 6  # of the Jacobian per parameter, at least
AGAIN = 24  # rows per parameter on which directions are looked at once more
LEAST_SHARE = 1e-9  # of a measurement that the fit does not follow


def unseen_jacobian(
    squares: LeastSquares,
    theta: tf.Tensor,
    batches: Iterable[Batch],
    changed: Callable[[Batch], Sequence[Batch]] | None = None,
) -> Decomposition | None:
    """Return the decomposition of residuals and Jacobian on points that no training used.

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p].
        batches: batches of the same regions, with other points each; as many are taken as give
            `ROWS` rows per parameter.
        changed: a function from a batch to others of the same points in some of the regions, as
            many for every batch.  By how much their residuals differ are further right sides.

    Returns:
        The decomposition; None for more than `LARGEST` parameters.
    """
    size = static_size(theta)
    if size > LARGEST:
        return None
    return Decomposition(_pieces(squares, theta, batches, ROWS, changed), size)


def amplification(jacobian: Decomposition, change: Array) -> tuple[Array, Array]:
    """Return how far the residuals let a solution change, and the directions along which.

    Along a direction d, the residuals change by J d and the solution by C d.  The generalized
    singular values of C and J, with a small multiple of the identity beneath J,

        max |C d|   where   |J d|² + (ε s₁)² |d|² = 1,

    are the factors from residuals to errors (Hansen 1998, "Rank-Deficient and Discrete Ill-Posed
    Problems", section 2.1).  What the equations do not determine has a factor that grows like 1/ε.

    Args:
        jacobian: the decomposition of J on points that no training used.
        change: C [m, p], the derivatives by the vector [p] of what is asked for, over its size.

    Returns:
        The factors [k], the largest first, and their directions [k, p], along which C d has the
        norm of the factor.
    """
    whitened = jacobian.whitened(OPEN)
    _, factors, vt = scipy.linalg.svd(change @ whitened, full_matrices=False, check_finite=False)
    return factors, vt @ whitened.T


def seen_again(
    squares: LeastSquares, theta: tf.Tensor, batches: Iterable[Batch], steps: Array
) -> Array:
    """Return how the residuals change along steps on other points.

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p].
        batches: as for `unseen_jacobian`, and others than these; as many are taken as give `AGAIN`
            rows per parameter.
        steps: D [n, p], changes of the vector.

    Returns:
        A matrix M [k, n] with |M a| = |J Dᵀ a| for all combinations a of the steps, the rms over
        the batches.
    """
    taken: list[Batch] = []

    def noted() -> Iterator[Batch]:
        for batch in batches:
            taken.append(batch)
            yield batch

    pieces = _pieces(squares, theta, noted(), AGAIN)
    found = Decomposition(((r, steps @ np.asarray(c)) for r, c in pieces), len(steps))
    return found.values[:, None] * found.directions / len(taken) ** 0.5


class MeasuredRows(NamedTuple):
    """The rows of one misfit.

    Attributes:
        residuals: r [m].
        rows: J W [m, k], with W Wᵀ = (JᵀJ)⁻¹ of all rows.
        variance: of the noise in the residuals; None where it is not known.
    """

    residuals: Array
    rows: Array
    variance: float | None

    @property
    def count(self) -> int:
        """The number of measured values."""
        return int(np.count_nonzero(self.residuals))

    @property
    def deviation(self) -> float:
        """The standard deviation of the noise: what is known, or from what the fit leaves."""
        if self.variance is not None:
            return self.variance**0.5
        free = max(self.count - float(np.sum(self.rows**2)), LEAST_SHARE)
        return float(np.sqrt(np.sum(self.residuals**2) / free))


class MeasuredFit:
    """How a fit follows its measurements, and how far their noise moves it.

    Args:
        squares: the loss as a sum of squares, of at most `LARGEST` parameters.
        theta: the flat vector [p] at the minimum.
        batch: the points and weights of the loss.

    Attributes:
        squares: as given.
        theta: as given.
        batch: as given.
        misfits: the rows of every misfit, by its name.
    """

    def __init__(self, squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> None:
        self.squares, self.theta, self.batch = squares, theta, batch
        terms = squares.objective.terms
        measured = [i for i, term in enumerate(terms) if isinstance(term, Misfit)]
        self._size = static_size(theta)
        self.misfits: dict[str, MeasuredRows] = {}
        if not measured:
            return
        self._whitened = Decomposition(squares.jacobian(theta, batch), self._size).whitened(SMOOTH)
        for i in measured:
            term = terms[i]
            alone = tf.one_hot(i, len(terms), dtype=batch.weights.dtype) * batch.weights
            points = {term.region: batch.points[term.region]}
            pieces = squares.jacobian(theta, batch._replace(points=points, weights=alone))
            found = [(np.asarray(r), np.asarray(c).T @ self._whitened) for r, c in pieces]
            residuals = np.concatenate([r for r, _ in found])
            rows = np.concatenate([rows for _, rows in found])
            variance = known_variance(squares.objective, batch, i)
            self.misfits[term.name] = MeasuredRows(residuals, rows, variance)

    @property
    def has_measurements(self) -> bool:
        """Whether there is anything that has noise."""
        return bool(self.misfits)

    def left_out(self) -> dict[str, float]:
        """Return by how much more each measurement would be missed if it were left out, rms.

            √(Σ (rᵢ/(1 − hᵢ))² / Σ rᵢ²)

        Returns:
            The factors, at least 1, by the name of the misfit.
        """
        factors: dict[str, float] = {}
        for name, (residuals, rows, _) in self.misfits.items():
            leverages = np.sum(rows**2, axis=1)
            missed = residuals / np.maximum(1 - leverages, LEAST_SHARE)
            norm = float(np.linalg.norm(residuals))
            factors[name] = float(np.linalg.norm(missed)) / norm if norm else 1.0
        return factors

    def draws(self, count: int) -> Array:
        """Return draws [count, p] of the change of the vector that noise would make.

            δ = H⁻¹ Σ_f s_f J_fᵀ ξ_f,   H = JᵀJ,   ξ standard normal

        over the misfits f, in the model of `standard_errors`: the noise has the standard deviations
        that are given, or one size s_f² = |r_f|² / (m_f − Σ hᵢ) per misfit.  All calls return the
        same draws.
        """
        rng = np.random.default_rng(0)
        changes = np.zeros((count, self._size))
        for misfit in self.misfits.values():
            noise = misfit.deviation * rng.standard_normal((count, len(misfit.rows)))
            changes += noise @ misfit.rows @ self._whitened.T
        return changes


def _pieces(
    squares: LeastSquares,
    theta: tf.Tensor,
    batches: Iterable[Batch],
    rows: int,
    changed: Callable[[Batch], Sequence[Batch]] | None = None,
) -> Iterator[tuple[Array, Array]]:
    """Yield r [k, 1 + n] and Jᵀ [p, k] of as many batches as give so many rows per parameter.

    Beside the residuals are their changes in n other batches, which hold some of the regions.
    """
    count = 0
    for batch in batches:
        others = changed(batch) if changed is not None else []
        for region, blocks in batch.points.items():
            part = batch._replace(points={region: blocks})
            moved = [b for b in others if region in b.points]
            for (residuals, columns), *after in zip(
                *(squares.jacobian(theta, b) for b in (part, *moved)), strict=True
            ):
                r = np.asarray(residuals)
                changes = np.zeros((len(r), len(others)))
                for i, (values, _) in enumerate(after):
                    changes[:, i] = np.asarray(values) - r
                count += len(r)
                yield np.column_stack([r, changes]), np.asarray(columns)
        if count >= rows * static_size(theta):
            return
