"""Standard errors against what is known exactly: the textbook's formula, constrained least squares, and samples."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import least_squares

from pinn import Adam, Interval, Problem, residual, solve
from pinn.measurements.synthetic import Synthetic
from pinn.objective import LeastSquares, Objective, PointSet, blocks, standard_errors
from pinn.objective.standard_errors import propagated
from pinn.optimizers import GaussNewton
from pinn.problems import Burgers
from pinn.references import cole_hopf
from pinn.setup import Points
from pinn.training import Phase, StopRule

RNG = np.random.default_rng(0)
NOISE = 0.1


def test_with_noise_in_every_row_it_is_the_textbook_s():
    rows, data = RNG.standard_normal((30, 4)), RNG.standard_normal(30)
    misfit = float(np.linalg.lstsq(rows, data)[1][0])
    gram = rows.T @ rows
    found = propagated(gram, [gram], misfits=[misfit], counts=[30], of=range(4))
    assert found == pytest.approx(misfit / 26 * np.linalg.inv(gram), rel=1e-9)


def test_heavy_rows_without_noise_are_constraints():
    """Minimize |Ax - b|² subject to Cx = 0: cov = σ² Z (ZᵀAᵀAZ)⁻¹ Zᵀ, with the columns of Z a basis of C's kernel."""
    a, c, b = RNG.standard_normal((40, 5)), RNG.standard_normal((2, 5)), RNG.standard_normal(40)
    kernel = np.linalg.svd(c)[2][2:].T
    inner = kernel.T @ a.T @ a @ kernel
    best = kernel @ np.linalg.solve(inner, kernel.T @ a.T @ b)
    misfit = float(np.sum((a @ best - b) ** 2))
    share = a.T @ a
    found = propagated(share + 1e6 * c.T @ c, [share], misfits=[misfit], counts=[40], of=range(5))
    # 40 data, 5 - 2 free entries
    assert found == pytest.approx(
        misfit / 37 * kernel @ np.linalg.solve(inner, kernel.T), rel=1e-4, abs=1e-9
    )


def test_two_sizes_of_noise_are_told_apart_and_light_constraints_too():
    """Against the covariance of 20 000 estimates, of which each also estimates its own covariance."""
    a, b, c = (
        RNG.standard_normal((30, 4)),
        RNG.standard_normal((20, 4)),
        RNG.standard_normal((3, 4)),
    )
    shares, gram = [a.T @ a, b.T @ b], a.T @ a + b.T @ b + c.T @ c
    noise = RNG.standard_normal((20_000, 50)) * np.repeat([1.0, 3.0], [30, 20])
    estimates = noise @ np.concatenate([a, b]) @ np.linalg.inv(gram)
    misfits = [
        np.sum((noise[:, :30] - estimates @ a.T) ** 2, 1),
        np.sum((noise[:, 30:] - estimates @ b.T) ** 2, 1),
    ]
    mean = [float(np.mean(m)) for m in misfits]
    found = propagated(gram, shares, misfits=mean, counts=[30, 20], of=range(4))
    assert found == pytest.approx(np.cov(estimates.T), rel=0.05, abs=0.02 * np.max(found))


def test_as_many_unknowns_as_data_leave_the_noise_unknown():
    gram = np.eye(3)
    assert np.all(
        np.isnan(np.diag(propagated(gram, [gram], misfits=[0.0], counts=[3], of=range(3))))
    )


@dataclass(frozen=True, kw_only=True)
class Line(Problem):
    """u_x = slope: with a linear network, u = w x + b, everything is linear, and so exact."""

    slope: float = 2.0
    fields, space = ("u",), Interval(x=(-1.0, 1.0))

    @residual(on="interior")
    def equation(self, u_x):
        return u_x - self.slope


def line(unknown, x, measured):
    """Return the standard error of the slope of a straight line through measurements."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    objective = Objective(Line(unknowns={"slope": unknown}), network, measured=("u",))
    w, b = np.polyfit(x, measured, 1)
    # The equation can hold exactly, so the minimum is the straight line's: w is the slope.
    start = objective.problem.unknowns["slope"].inverse(w)
    theta = tf.constant([w, b, start], tf.float64)
    sets = {
        "interior": PointSet(np.zeros((1, 1))),
        "data": PointSet(x[:, None], None, {"u": measured}),
    }
    cut = {r: blocks(s, threads=2, size=32, dtype="float64") for r, s in sets.items()}
    return standard_errors(LeastSquares(objective), theta, objective.batch(cut))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "unknown",
    [{"start": 1.0}, {"start": 1.0, "lower": 0.0}, {"start": 1.0, "lower": 0, "upper": 9}],
)
def test_of_a_problem_that_is_linear(unknown):
    x = RNG.uniform(-1, 1, 101)  # blocks with padding
    measured = 2 * x + 0.5 + NOISE * RNG.standard_normal(101)
    (w, _), residuals, *_ = np.polyfit(x, measured, 1, full=True)
    expected = np.sqrt(residuals[0] / 99 / np.sum((x - x.mean()) ** 2))
    found = line(unknown, x, measured)
    assert found == {"slope": pytest.approx(expected, rel=1e-6)}
    assert abs(w - 2.0) < 4 * expected


@pytest.mark.usefixtures("eager")
def test_without_measurements_there_is_none():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    objective = Objective(Line(unknowns={"slope": 1.0}), network)
    cut = {"interior": blocks(PointSet(np.zeros((1, 1))), threads=1, size=8, dtype="float64")}
    assert (
        standard_errors(LeastSquares(objective), objective.flat.flatten(), objective.batch(cut))
        is None
    )


@pytest.mark.slow
def test_equations_that_weigh_more_than_noisy_data_give_the_best_of_all_exact_solutions():
    """The network's coefficients beside those of the formula that fits the same data best."""
    problem = Burgers(
        nu=0.05, unknowns={"lambda1": {"start": 0.5}, "nu": {"start": 0.1, "lower": 0.0}}
    )
    data = Synthetic(count=300, noise=0.02)
    phases = [
        Phase(
            name="explore", optimizer=Adam(learning_rate=5e-3), stop=StopRule(max_iterations=300)
        ),
        Phase(name="polish", optimizer=GaussNewton(), stop=StopRule(max_iterations=60)),
    ]
    points = Points(counts={"interior": 1000})
    solution = solve(
        problem, data=data, weights={"data_u": 0.02}, points=points, phases=phases, show=False
    )
    measured = data.measure(problem)
    x, t = measured.coordinates.T

    def misfit(at):
        return cole_hopf(x, t, at[1], at[0]) - measured.values["u"]

    best = dict(
        zip(
            ("lambda1", "nu"),
            least_squares(misfit, (1.0, 0.05), x_scale=(1.0, 0.05), xtol=1e-12).x,
            strict=True,
        )
    )
    for name, found in solution.metrics["unknowns"].items():
        assert abs(found["estimate"] - best[name]) < 0.1 * found["standard_error"], (
            name,
            found,
            best,
        )
        # Noise moves it, and both alike.
        assert abs(best[name] - getattr(problem, name)) > 0.2 * found["standard_error"]
