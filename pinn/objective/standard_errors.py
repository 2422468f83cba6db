"""Standard errors of the unknown coefficients: how far noise in the measurements moves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.linalg
import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.geometry import is_data
from pinn.objective.batch import Batch
from pinn.objective.blocks import Blocks
from pinn.objective.least_squares import LeastSquares
from pinn.objective.objective import Objective
from pinn.objective.terms import Misfit
from pinn.problem import Term

RIDGE = 1e-12  # relative to the mean diagonal of JᵀJ; it holds parameters that nothing determines
LARGEST = 6000  # the largest number of parameters; several matrices [p, p] must fit into memory
# The noise of a group is unknown where the fit absorbs all but this share of it.
FREE_SHARE = 1e-6


class StandardErrors(NamedTuple):
    """How far noise in the measurements moves the unknown coefficients.

    NaN stands where there are too few measurements for an estimate of the noise, and where they
    hardly determine the coefficient.

    Attributes:
        errors: the standard error by name, in the coefficient's units.
        correlations: the correlation, from -1 to 1, of every coefficient with every other one, by
            the names of both.
    """

    errors: dict[str, float]
    correlations: dict[str, dict[str, float]]


def standard_errors(squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> StandardErrors | None:
    """Return the standard errors of the unknown coefficients, and their correlations.

    The model: only the measurements are random.  A residual on measurements is what the equations
    allow, at the true coefficients, plus independent Gaussian noise.  Where standard deviations are
    given, the noise has these.  Elsewhere it has one size per term, which is unknown and estimated
    from the misfits.  All other residuals (equations, initial and boundary conditions) are exact
    constraints, which the fit satisfies as well as their weights demand.  At the minimum of |r|²
    over the flat vector, linearized, noise ε in the data's rows J_d of the Jacobian moves the
    minimum by δθ = -(JᵀJ)⁻¹ J_dᵀ ε; `propagated_covariance` gives the covariance that follows.  It
    is that of weighted least squares in the limit of infinite weights of the equations.

    It does not include the distance from the minimum where the run stopped early, a network that is
    too small for the solution, or wrong equations.  Without noise, the misfit and therefore the
    standard errors are those of the network's own error.

    Args:
        squares: the loss as a sum of squares.
        theta: the flat vector [p] at (or near) the minimum.
        batch: the points and weights of the loss.

    Returns:
        The errors.  None for more than `LARGEST` parameters, where no term is a measurement, and
        where measurements have one weight per point, so that their rows have noise of several
        sizes.
    """
    objective = squares.objective
    size = static_size(theta)
    measured = [i for i, term in enumerate(objective.terms) if is_data(term.region)]
    data = {region: blocks for region, blocks in batch.points.items() if is_data(region)}
    has_point_weights = any(blocks.point_weights for blocks in data.values())
    if not measured or not objective.unknowns or size > LARGEST or has_point_weights:
        return None

    # JᵀJ of the exact constraints, and of every term of measurements alone.
    total = np.zeros((size, size))
    for region, blocks in batch.points.items():
        if region not in data:
            gram, _ = gram_of(squares, theta, batch._replace(points={region: blocks}))
            total += gram
    grams = []
    misfits = []
    counts = []
    variances = []
    for i in measured:
        term = objective.terms[i]
        blocks = data[term.region]
        only_term = tf.one_hot(i, len(objective.terms), dtype=batch.weights.dtype)
        weighted = batch._replace(points={term.region: blocks}, weights=only_term * batch.weights)
        gram, misfit = gram_of(squares, theta, weighted)
        grams.append(gram)
        misfits.append(misfit)
        counts.append(_count(blocks, term))
        total += gram
        variances.append(known_variance(objective, batch, i))

    # The covariance of the unknowns' entries of θ, which come last, and of their values.
    first_unknown = size - len(objective.unknowns)
    covariance = propagated_covariance(
        total,
        grams,
        misfits=misfits,
        counts=counts,
        variances=variances,
        entries=range(first_unknown, size),
    )
    slopes = coefficient_slopes(squares, theta)[first_unknown:]
    return of_covariance(covariance * np.outer(slopes, slopes), tuple(objective.unknowns))


def of_covariance(covariance: Array, names: Sequence[str]) -> StandardErrors:
    """Return the standard errors and correlations of coefficients that have a covariance [k, k].

    Args:
        covariance: in the coefficients' own units.
        names: of the coefficients [k].
    """
    # A variance below zero is rounding: the measurements hardly determine the coefficient.
    variances = np.diag(covariance)
    deviations = np.sqrt(np.where(variances >= 0, variances, np.nan))
    errors = dict(zip(names, deviations.tolist(), strict=True))
    correlations: dict[str, dict[str, float]] = {name: {} for name in names}
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            size = deviations[i] * deviations[j]
            if i != j:
                found = covariance[i, j] / size if size > 0 else np.nan
                correlations[first][second] = float(np.clip(found, -1.0, 1.0))
    return StandardErrors(errors, correlations)


def _count(data: Blocks, term: Term) -> int:
    """Return the number of points at which all that a term compares with was measured."""
    known = np.asarray(data.quadrature) > 0
    for symbol in term.symbols:
        if symbol.kind == "data" and symbol.field in data.measured:
            known = known & (np.asarray(data.measured[symbol.field]) > 0)
    return int(np.count_nonzero(known))


def known_variance(objective: Objective, batch: Batch, index: int) -> float | None:
    """Return the variance w/(N s²) of noise in a term's rows of the Jacobian; None: not known.

    It is known of misfits to values that have standard deviations σ.  A row is √(w/n) √(n/N)
    (u − d) / (σ s), with the size s and the weight w of the term, and the number N of all values
    that have a standard deviation.

    Args:
        objective: the loss.
        batch: its points and weights.
        index: of the term.
    """
    term = objective.terms[index]
    if not isinstance(term, Misfit):
        return None
    if term.predicted.name not in batch.points[term.region].inverse_sigmas:
        return None
    total = 0
    for region, blocks in batch.points.items():
        if not is_data(region):
            continue
        known = np.asarray(blocks.quadrature) > 0
        for inverse in blocks.inverse_sigmas.values():
            total += int(np.count_nonzero(known & (np.asarray(inverse) > 0)))
    size = objective.scales.of_residual(term.name)
    return float(batch.weights[index]) / (max(total, 1) * size**2)


def propagated_covariance(
    gram: Array,
    groups: Sequence[Array],
    *,
    misfits: Sequence[float],
    counts: Sequence[int],
    variances: Sequence[float | None] | None = None,
    entries: Sequence[int],
) -> Array:
    """Return the covariance [k, k] of some entries of a least-squares estimate.

        cov = H⁻¹ (Σ_f s_f² G_f) H⁻¹,   H = JᵀJ,   G_f = J_fᵀ J_f

    over the groups f of noisy rows, whose noise has the standard deviation s_f in the rows' own
    scale.  The fit absorbs a part of the noise, so that E |r_f|² = s_f² (n_f - 2 tr H⁻¹G_f) + Σ_g
    s_g² tr(H⁻¹G_f H⁻¹G_g), which is solved for those s_f² that are not given.  With noise in
    all rows and one group of unknown noise this is the textbook's |r|² (JᵀJ)⁻¹ / (n - p).

    Args:
        gram: JᵀJ [p, p] of all rows, including those without noise.
        groups: the matrices G_f [p, p] of the groups.
        misfits: |r_f|² at the minimum.
        counts: number of rows n_f.
        variances: s_f², None where it is to be estimated; None: all are.
        entries: the entries whose covariance is returned.

    Returns:
        The covariance; NaN where the noise cannot be estimated.
    """
    size = len(gram)
    ridge = RIDGE * np.trace(gram) / size
    factor: tuple[Array, bool] = scipy.linalg.cho_factor(gram + ridge * np.eye(size))

    # The linear system for the variances s_f².
    hats = [scipy.linalg.cho_solve(factor, group) for group in groups]
    system = np.zeros((len(hats), len(hats)))
    for i, hat in enumerate(hats):
        for j, other in enumerate(hats):
            system[i, j] = np.sum(hat * other.T)
        system[i, i] += counts[i] - 2 * np.trace(hat)
    found = np.array([np.nan if v is None else v for v in variances or [None] * len(hats)])
    is_given = ~np.isnan(found)
    known = system[:, is_given] @ found[is_given]
    sought = system[np.ix_(~is_given, ~is_given)]
    right_side = np.asarray(misfits, float) - known
    found[~is_given] = np.linalg.lstsq(sought, right_side[~is_given])[0]

    # Where the fit absorbs all the noise of a group, its size is unknown.
    is_free = np.diag(system) > FREE_SHARE * np.asarray(counts)
    found = np.where(is_given | (is_free & (found >= 0)), found, np.nan)

    # The covariance of the chosen entries, from the columns of H⁻¹.
    inverse_columns = scipy.linalg.cho_solve(factor, np.eye(size)[:, list(entries)])
    covariance = np.zeros((len(entries), len(entries)))
    for variance, group in zip(found, groups, strict=True):
        covariance += variance * (inverse_columns.T @ group @ inverse_columns)
    return covariance


def coefficient_slopes(squares: LeastSquares, theta: tf.Tensor) -> Array:
    """Return the derivatives [p] of the unknown coefficients by their entries of theta."""
    with tf.GradientTape() as tape:
        tape.watch(theta)
        # Each coefficient depends only on its own entry, so that the gradient of their sum holds
        # all derivatives.
        coefficients = squares.objective.coefficients(theta)
        total = tf.add_n(list(coefficients.values()))
    return tf.convert_to_tensor(tape.gradient(total, theta)).numpy()


def gram_of(squares: LeastSquares, theta: tf.Tensor, batch: Batch) -> tuple[Array, float]:
    """Return JᵀJ [p, p] and |r|² of the batch's rows."""
    size = static_size(theta)
    gram = np.zeros((size, size))
    misfit = 0.0
    for residuals, columns in squares.jacobian(theta, batch):
        rows = np.asarray(columns, np.float64)
        gram += rows @ rows.T
        misfit += float(np.sum(np.asarray(residuals, np.float64) ** 2))
    return gram, misfit
