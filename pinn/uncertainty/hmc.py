"""Hamiltonian Monte Carlo over all parameters of a network and the unknown coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from pinn.arrays import Array, static_size
from pinn.errors import InputError
from pinn.objective import MeasuredFit
from pinn.objective.tangent_error import SMOOTH
from pinn.optimizers.gauss_newton_svd import LARGEST, Decomposition
from pinn.settings import Settings, count
from pinn.uncertainty.posterior import Posterior

CHUNK = 20  # draws per call; between calls a run can be interrupted
TOLD = 100  # draws after which the progress is told
ADAPTED = 0.8  # share of the warm-up in which the length of steps is adapted
TARGET = 0.8  # probability with which a proposal is to be accepted (Hoffman & Gelman 2014)
PRIOR = 1.0  # width of the prior of every parameter about the solution, where nothing else is known
PSEUDO = 1.0  # measurements that the prior of the noise counts for

Tell = Callable[[Sequence[str]], None]
"""Shows lines of text."""


@dataclass(frozen=True, kw_only=True)
class HMC(Settings):
    """The No-U-Turn sampler over all parameters (Hoffman & Gelman 2014, JMLR 15, 1593-1623).

    With the loss L(θ) = Σᵢ Lᵢ(θ) of a run, weights included, the density is

        log p(θ) = −Σ_e L_e(θ) / (2 s²) − Σ_f (m_f + 1)/2 log(L_f(θ) + L_f(θ*)/m_f) + const,

    over the misfits f of m_f values each, whose noise is unknown and integrated out, with Jeffreys'
    prior and one pseudo-measurement at the solution θ*.  Where standard deviations are given, a
    misfit counts as L_f(θ) / (2 s_f²) instead.  Equations and conditions e are as sure as their
    weights in the loss make them beside the least noise s of the misfits.  A wide Gaussian prior
    about θ* holds what nothing determines.

    The mass matrix is the Gauss–Newton matrix at θ*: sampled are coordinates z, θ = θ* + W z, in
    which a linear fit has the standard normal distribution.

    Attributes:
        draws: number of draws that are kept.
        warmup: number of draws before them, in which the length of steps is adapted.
        depth: of the tree of a trajectory, which has at most 2^depth steps.

    Raises:
        InputError: for a number out of range.
    """

    label: ClassVar[str] = "HMC"
    draws: int = count(200, least=20)
    warmup: int = count(200, least=20)
    depth: int = count(6, most=10)

    def check(self, network: keras.Model, unknowns: int, *, measured: bool) -> None:
        """Raise an InputError for a run from which nothing can be drawn.

        Args:
            network: of the run.
            unknowns: number of unknown coefficients.
            measured: whether there are measurements.
        """
        if not measured:
            raise InputError(
                f"uncertainty: {self.label} tells what noise in measurements leaves open, and "
                "there are none; use uncertainty=laplace, and see the estimated error."
            )
        size = network.count_params() + unknowns
        if size > LARGEST:
            raise InputError(
                f"uncertainty: {self.label} is for at most {LARGEST:,} parameters, and there are "
                f"{size:,}; take a smaller network (network.width), or uncertainty=laplace."
            )
        if network.dtype != "float64":
            raise InputError(
                f"uncertainty: {self.label} needs double precision, and the network has "
                f"{network.dtype}; use dtype=float64."
            )

    def sample(self, fit: MeasuredFit, *, seed: int, tell: Tell | None = None) -> Posterior:
        """Return draws of the vector about the end of a run.

        Args:
            fit: the fit of the measurements at the end of the run.
            seed: of the draws.
            tell: called with lines on the progress.
        """
        density = _Density(fit)
        dtype = fit.theta.dtype
        sampler = tfp.mcmc.DualAveragingStepSizeAdaptation(
            tfp.mcmc.NoUTurnSampler(
                density, step_size=tf.constant(0.5, dtype), max_tree_depth=self.depth
            ),
            num_adaptation_steps=int(ADAPTED * self.warmup),
            target_accept_prob=tf.constant(TARGET, dtype),
        )

        @tf.function(autograph=False)
        def advance(state: tf.Tensor, results: Any, seeds: tf.Tensor) -> tuple[Any, ...]:
            states, trace, last = tfp.mcmc.sample_chain(
                CHUNK,
                state,
                kernel=sampler,
                previous_kernel_results=results,
                return_final_kernel_results=True,
                trace_fn=_trace,
                seed=seeds,
            )
            return states, trace, last

        state = tf.zeros(density.size, dtype)
        results = sampler.bootstrap_results(state)
        chunks: list[_Chunk] = []
        total = self.warmup + self.draws
        for number in range(-(-total // CHUNK)):
            states, trace, results = advance(state, results, tf.constant([seed, number]))
            state = states[-1]
            chunks.append(_Chunk(np.asarray(states), *(np.asarray(values) for values in trace)))
            done = min((number + 1) * CHUNK, total)
            if tell and (done % TOLD == 0 or done == total):
                tell([f"{self.label}: {done:,} of {total:,} draws"])
        return _posterior(density, chunks, self.warmup, total)


class _Chunk(NamedTuple):
    """Consecutive draws.

    Attributes:
        states: z [n, k].
        log_density: at the draws [n].
        log_accept: mean log probability of acceptance [n].
        diverges: whether the energy was not conserved [n].
    """

    states: Array
    log_density: Array
    log_accept: Array
    diverges: Array


def _trace(_: tf.Tensor, results: Any) -> tuple[tf.Tensor, ...]:
    inner = results.inner_results
    return inner.target_log_prob, inner.log_accept_ratio, inner.has_divergence


class _Density:
    """The log density, a function of whitened coordinates z [k].

    Args:
        fit: the fit of the measurements.
    """

    def __init__(self, fit: MeasuredFit) -> None:
        self.fit = fit
        self.objective = fit.squares.objective
        self.batch = fit.batch.without_point_weights
        dtype = fit.theta.dtype
        names = [term.name for term in self.objective.terms]
        least = min(misfit.deviation for misfit in fit.misfits.values())
        precisions, counts = np.full(len(names), least**-2), np.zeros(len(names))
        for name, misfit in fit.misfits.items():
            index = names.index(name)
            precisions[index] = misfit.deviation**-2
            counts[index] = 0 if misfit.variance is not None else misfit.count + PSEUDO
        self._counts = tf.constant(counts, dtype)
        self._precisions = tf.constant(precisions, dtype)
        losses = self.batch.weights * self.objective.losses(fit.theta, self.batch)
        self._least = losses / tf.maximum(self._counts - PSEUDO, 1)

        # The Gauss–Newton matrix at the solution, by the singular values of J, with the prior.
        weighted = self.batch._replace(weights=self.batch.weights * self._precisions)
        pieces = fit.squares.jacobian(fit.theta, weighted)
        decomposition = Decomposition(pieces, static_size(fit.theta))
        largest = float(decomposition.values[0])
        share = SMOOTH if self.batch.stage.linearized else 1 / (PRIOR * largest)
        self._ridge = tf.constant((share * largest) ** 2, dtype)
        self._whitened = tf.constant(decomposition.whitened(share), dtype)
        self.size = static_size(self._whitened[0])

    def at(self, z: tf.Tensor) -> tf.Tensor:
        """Return the change of the vector [p]."""
        return tf.linalg.matvec(self._whitened, z)

    def __call__(self, z: tf.Tensor) -> tf.Tensor:
        """Return the log density, up to a constant."""
        start = tf.stop_gradient(z)
        change = self.at(start)
        theta = self.fit.theta + change
        losses = self.batch.weights * self.objective.losses(theta, self.batch)
        known = tf.cast(self._counts == 0, z.dtype)
        logarithms = self._counts * tf.math.log(losses + self._least)
        terms = known * self._precisions * losses + (1 - known) * logarithms
        factors = known * self._precisions + self._counts / (losses + self._least)
        weighted = self.batch._replace(weights=self.batch.weights * factors)
        _, slope = self.objective.value_and_gradient(theta, weighted)
        total = tf.reduce_sum(terms) + self._ridge * tf.reduce_sum(change**2)
        gradient = -self._pulled(slope / 2 + self._ridge * change)
        # The tape follows the known gradient only: it would differentiate the loss once more.
        linear = tf.reduce_sum(tf.stop_gradient(gradient) * (z - start))
        return tf.stop_gradient(-total / 2) + linear

    def _pulled(self, gradient: tf.Tensor) -> tf.Tensor:
        """Return the gradient [k] by whitened coordinates."""
        return tf.linalg.matvec(self._whitened, gradient, transpose_a=True)


def _posterior(density: _Density, chunks: Sequence[_Chunk], warmup: int, total: int) -> Posterior:
    """Return the draws after the warm-up."""
    kept = _Chunk(*(np.concatenate(parts)[warmup:total] for parts in zip(*chunks, strict=True)))
    theta = density.fit.theta
    draws = np.stack([np.asarray(theta + density.at(tf.constant(z))) for z in kept.states])
    found = [density.objective.coefficients(tf.constant(vector)) for vector in draws]
    coefficients: dict[str, Array] = {}
    for name in density.objective.searched:
        coefficients[name] = np.array([float(values[name]) for values in found])
    series = [kept.log_density, *coefficients.values()]
    effective = tfp.mcmc.effective_sample_size(tf.constant(np.stack(series, axis=1), theta.dtype))
    return Posterior(
        draws,
        coefficients,
        float(np.min(np.nan_to_num(effective, nan=0.0))),
        float(np.mean(np.exp(np.minimum(kept.log_accept, 0.0)))),
        int(np.count_nonzero(kept.diverges)),
    )
