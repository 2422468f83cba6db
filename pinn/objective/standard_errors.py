"""How far noise in the measurements moves the unknown coefficients: standard errors from the Jacobian at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.arrays import static_size
from pinn.objective.batch import Batch
from pinn.objective.least_squares import LeastSquares

RIDGE = 1e-12  # in units of the mean diagonal of JᵀJ; it holds the weights that nothing determines
LARGEST = 6000  # weights whose matrices [p, p] fit into memory beside each other
Array = np.ndarray


def standard_errors(
    squares: LeastSquares, theta: tf.Tensor, batch: Batch
) -> dict[str, float] | None:
    """Return the standard error of every unknown coefficient, in its own units.

    The model: only the measurements are random.  A residual on region "data" is what the equations
    allow, at the true coefficients, plus independent Gaussian noise of one size per term, which is
    not known and is estimated from the misfits.  All other residuals (equations, initial and
    boundary conditions) are exact constraints, of which the fit keeps as much as their weights
    demand.  At the minimum of |r|² over the flat vector, linearized, noise ε in the data's rows J_d
    of the Jacobian moves the minimum by δθ = -(JᵀJ)⁻¹ J_dᵀ ε; `propagated` has the covariance that
    follows.  It is that of weighted least squares where the equations' weights go to infinity.

    What is not in it: the distance from the minimum where the run stopped short of it, a network
    too small for the solution, and equations that are wrong.  Without noise the misfit is the
    network's own, and so is what is returned.

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p] at (or near) the minimum.
        batch: the points and weights of the loss.

    Returns:
        Standard errors by name, NaN where there are too few measurements for an estimate of the
        noise; None for a network of more than `LARGEST` weights, where no term is a measurement,
        and where measurements have weights of their own, in whose rows the noise is not of one
        size.
    """
    objective, size = squares.objective, static_size(theta)
    measured = [i for i, t in enumerate(objective.terms) if t.region == "data"]
    if not measured or not objective.unknowns or size > LARGEST or batch.points["data"].factors:
        return None
    exact = {r: b for r, b in batch.points.items() if r != "data"}
    constraints = [
        _gram(squares, theta, batch._replace(points={r: b}))[0] for r, b in exact.items()
    ]
    data = {"data": batch.points["data"]}
    only = [
        tf.one_hot(i, len(objective.terms), dtype=batch.weights.dtype) * batch.weights
        for i in measured
    ]
    found = [_gram(squares, theta, Batch(data, weights)) for weights in only]
    count = int(np.count_nonzero(data["data"].weights))
    shares = [gram for gram, _ in found]
    covariance = propagated(
        np.sum([*constraints, *shares], axis=0),
        shares,
        misfits=[misfit for _, misfit in found],
        counts=[count] * len(found),
        of=range(size - len(objective.unknowns), size),
    )
    with tf.GradientTape() as tape:
        tape.watch(theta)
        # Each coefficient depends on its own entry alone, so the gradient of their sum holds all
        # slopes.
        values = tf.add_n(list(objective.coefficients(theta).values()))
    slopes = tf.convert_to_tensor(tape.gradient(values, theta)).numpy()[
        size - len(objective.unknowns) :
    ]
    errors = np.abs(slopes) * np.sqrt(np.diag(covariance))
    return dict(zip(objective.unknowns, map(float, errors), strict=True))


def propagated(
    gram: Array,
    shares: Sequence[Array],
    *,
    misfits: Sequence[float],
    counts: Sequence[int],
    of: Sequence[int],
) -> Array:
    """Return the covariance [k, k] of some entries of a least-squares estimate; NaN where the noise is unknown.

        cov = H⁻¹ (Σ_f s_f² G_f) H⁻¹,   H = JᵀJ,   G_f = J_fᵀ J_f

    over the groups f of noisy rows, whose noise has the standard deviation s_f in the rows' own
    scale.  The fit takes a part of the noise up, so that E |r_f|² = s_f² (n_f - 2 tr H⁻¹G_f) + Σ_g
    s_g² tr(H⁻¹G_f H⁻¹G_g), which is solved for the s_f².  With noise in all rows and one group this
    is |r|² (JᵀJ)⁻¹ / (n - p), the textbook's.

    Args:
        gram: JᵀJ [p, p] of all rows, those without noise too.
        shares: the groups' parts of it, [p, p] each.
        misfits: |r_f|² at the minimum.
        counts: number of rows n_f.
        of: the entries whose covariance is wanted.
    """
    size = len(gram)
    factor: tuple[Array, bool] = scipy.linalg.cho_factor(
        gram + RIDGE * np.trace(gram) / size * np.eye(size)
    )
    hats = [scipy.linalg.cho_solve(factor, share) for share in shares]
    system = np.array([[np.sum(a * b.T) for b in hats] for a in hats])
    system += np.diag([n - 2 * np.trace(hat) for n, hat in zip(counts, hats, strict=True)])
    wanted = scipy.linalg.cho_solve(factor, np.eye(size)[:, list(of)])
    variances = np.linalg.lstsq(system, np.asarray(misfits, float))[0]
    free = np.diag(system) > 1e-6 * np.asarray(counts)  # else the fit takes all the noise up
    variances = np.where(free & (variances >= 0), variances, np.nan)
    pairs = zip(variances, shares, strict=True)
    return np.sum([v * (wanted.T @ share @ wanted) for v, share in pairs], axis=0)


def _gram(squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> tuple[Array, float]:
    """Return JᵀJ [p, p] and |r|² of the batch's rows."""
    size = static_size(theta)
    gram, misfit = np.zeros((size, size)), 0.0
    for residuals, columns in squares.jacobian(theta, batch):
        rows = np.asarray(columns, np.float64)
        gram += rows @ rows.T
        misfit += float(np.sum(np.asarray(residuals, np.float64) ** 2))
    return gram, misfit
