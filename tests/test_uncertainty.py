"""Draws of the parameters from their distribution, given noisy measurements."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from pinn import HMC, Points, Problem, Synthetic, correction, load, residual, solve, two_phases
from pinn.errors import InputError
from pinn.objective import (
    LeastSquares,
    MeasuredFit,
    Objective,
    PointSet,
    StageParameters,
    cut_into_blocks,
    draw,
)
from pinn.run import error_estimate as estimates
from pinn.setup.network import default_network
from pinn.uncertainty import Posterior, doubtful_draws
from pinn.uncertainty.hmc import _Density


class Decay(Problem):
    """u_t = −k u from 1, with k = 2 or unknown."""

    fields = ("u",)
    time = (0.0, 1.0)
    k: float = 2.0

    @residual(on="interior")
    def decay(self, u, u_t):
        return u_t + self.k * u

    @residual(on="initial")
    def start(self, u):
        return u - 1

    def reference(self, t):
        return {"u": np.exp(-2 * t)}


def fit_of(problem, *, sigma=None, linearized=False, noise=0.02):
    """A network that fits what it should, as far as its last layer can."""
    network = default_network(problem, seed=0, width=5, depth=1)
    loss = Objective(problem, network, measured={"data": ("u",)})
    t = np.linspace(0.05, 0.95, 15)[:, None]
    values = np.exp(-2 * t[:, 0]) + noise * np.random.default_rng(0).standard_normal(15)
    sigmas = {} if sigma is None else {"u": np.full(15, sigma)}
    data = PointSet(t, None, {"u": values}, sigmas=sigmas)
    blocks = {}
    for region, points in {
        "data": data,
        **{r: draw(problem, r, 40) for r in ("interior", "initial")},
    }.items():
        size = len(points.coordinates)
        blocks[region] = cut_into_blocks(points, threads=1, size=size, dtype="float64")
    theta = loss.flat.flatten()
    stage = StageParameters(center=theta) if linearized else StageParameters()
    return MeasuredFit(LeastSquares(loss, compiled=False), theta, loss.batch(blocks, stage))


@pytest.mark.parametrize("sigma", [None, 0.02])
def test_the_gradient_of_the_density_is_its_derivative(sigma, eager):
    density = _Density(fit_of(Decay(unknowns={"k": 1.0}), sigma=sigma))
    z = tf.constant(0.3 * np.random.default_rng(1).standard_normal(density.size))
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = density(z)
    gradient = tape.gradient(value, z).numpy()
    direction = np.random.default_rng(2).standard_normal(density.size)
    step = 1e-5 * direction
    slope = (float(density(z + step)) - float(density(z - step))) / 2e-5
    assert gradient @ direction == pytest.approx(slope, rel=1e-5)


def test_given_standard_deviations_make_a_linear_fit_normal(eager):
    """Its density falls by |z|²/2 from the minimum on."""
    density = _Density(fit_of(Decay(), sigma=0.02, linearized=True))
    # To the minimum by a step of Newton, as the mass matrix is the second derivative.
    origin = tf.zeros(density.size, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(origin)
        value = density(origin)
    best = origin + tape.gradient(value, origin)
    z = np.random.default_rng(1).standard_normal(density.size)
    fall = float(density(best)) - float(density(best + z))
    assert fall == pytest.approx(z @ z / 2, rel=1e-6)


@pytest.mark.slow
def test_draws_of_a_linear_fit_have_its_covariance():
    fit = fit_of(Decay(), sigma=0.02, linearized=True)
    posterior = HMC(draws=600, warmup=100).sample(fit, seed=0)
    density = _Density(fit)
    whitened = np.linalg.pinv(density._whitened.numpy())
    z = (posterior.draws - posterior.draws.mean(axis=0)) @ whitened.T
    assert posterior.effective > 100
    assert posterior.acceptance > 0.6
    assert posterior.divergences == 0
    assert np.var(z, axis=0) == pytest.approx(1, abs=0.35)
    assert np.mean(np.var(z, axis=0)) == pytest.approx(1, abs=0.1)


@pytest.mark.slow
def test_a_run_draws_and_keeps_what_noise_leaves_open(tmp_path, monkeypatch):
    monkeypatch.setattr(estimates, "FEWEST", 1)
    monkeypatch.setattr("pinn.run.stage_runs.FEWEST", 1)
    problem = Decay(unknowns={"k": 1.0})
    settings = {
        "data": Synthetic(count=40, noise=0.05),
        "network": default_network(problem, seed=0, width=6, depth=1),
        "phases": [*two_phases(explore=100, polish=150), correction(steps=3)],
        "points": Points(counts={"interior": 200, "initial": 20}, test=200),
        "windows": 1,
        "show": False,
    }
    linear = solve(problem, **settings)
    sampled = solve(
        problem, **settings, uncertainty=HMC(draws=100, warmup=60), folder=tmp_path / "run"
    )
    found, k = sampled.metrics["uncertainty"], sampled.metrics["unknowns"]["k"]
    assert found["draws"] == 100 and found["acceptance"] > 0.5
    assert k["interval"][0] < k["estimate"] < k["interval"][1]
    expected = linear.metrics["unknowns"]["k"]["standard_error"]
    assert k["standard_error"] == pytest.approx(expected, rel=0.5)
    t = np.linspace(0.1, 1, 5)
    errors = sampled.standard_error(t=t)["u"]
    assert errors == pytest.approx(linear.standard_error(t=t)["u"], rel=0.6)
    again = load(tmp_path / "run")
    assert np.array_equal(again.posterior.draws, sampled.posterior.draws)
    assert np.array_equal(again.standard_error(t=t)["u"], errors)


def test_draws_are_read_as_they_were_written(tmp_path):
    posterior = Posterior(np.arange(12.0).reshape(4, 3), {"k": np.arange(4.0)}, 3.5, 0.8, 1)
    posterior.save(tmp_path / "posterior.npz")
    found = Posterior.load(tmp_path / "posterior.npz", size=3)
    assert np.array_equal(found.draws, posterior.draws)
    assert np.array_equal(found.coefficients["k"], posterior.coefficients["k"])
    assert found[2:] == posterior[2:]
    assert found.standard_errors.errors["k"] == pytest.approx(np.std(np.arange(4.0), ddof=1))
    assert found.intervals["k"] == pytest.approx([0.15, 2.85])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half an archive"])
def test_a_damaged_file_of_draws_is_told(tmp_path, content):
    path = tmp_path / "posterior.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="holds no draws of this program, or is truncated"):
        Posterior.load(path, size=3)


def test_draws_of_another_network_are_refused(tmp_path):
    Posterior(np.zeros((4, 3)), {}, 3.5, 0.8, 1).save(tmp_path / "posterior.npz")
    with pytest.raises(InputError, match=r"shape \(4, 3\), and the network has 5 parameters"):
        Posterior.load(tmp_path / "posterior.npz", size=5)


def test_draws_that_say_little_are_told():
    good = Posterior(np.zeros((200, 3)), {}, 150.0, 0.8, 0)
    assert doubtful_draws(good) == [] == doubtful_draws(None)
    (line,) = doubtful_draws(good._replace(effective=12.0))
    assert "200 draws are worth 12 independent ones" in line
    (line,) = doubtful_draws(good._replace(divergences=30))
    assert "30 of 200 trajectories left the region" in line


def test_settings_that_do_not_go_with_draws_are_refused():
    problem = Decay()
    small = default_network(problem, seed=0, width=4, depth=1)
    settings = {"network": small, "uncertainty": HMC(), "show": False}
    with pytest.raises(InputError, match="tells what noise in measurements leaves open"):
        solve(problem, **settings)
    large = default_network(problem, seed=0, width=60, depth=3)
    data = Synthetic(count=10)
    with pytest.raises(InputError, match="is for at most 3,000 parameters"):
        solve(problem, **{**settings, "network": large}, data=data)
    with pytest.raises(InputError, match="HMC: draws=3; give a whole number of at least 20"):
        dataclasses.replace(HMC(), draws=3)
