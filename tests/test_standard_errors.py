"""Standard errors against the textbook's formula, constrained least squares, and samples."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console
from scipy.optimize import least_squares

from pinn import Adam, Interval, Problem, residual, solve
from pinn.measurements.synthetic import Synthetic
from pinn.objective import LeastSquares, Objective, PointSet, cut_into_blocks, standard_errors
from pinn.objective.standard_errors import of_covariance, propagated_covariance
from pinn.optimizers import GaussNewton
from pinn.problems import Burgers
from pinn.record import Metrics
from pinn.references import cole_hopf
from pinn.reporting.summary import summary
from pinn.setup import Points
from pinn.training import Phase, StopRule

RNG = np.random.default_rng(0)
NOISE = 0.1


def test_noise_in_every_row_gives_the_textbook_covariance():
    rows = RNG.standard_normal((30, 4))
    data = RNG.standard_normal(30)
    misfit = float(np.linalg.lstsq(rows, data)[1][0])
    gram = rows.T @ rows
    covariance = propagated_covariance(
        gram, [gram], misfits=[misfit], counts=[30], entries=range(4)
    )
    assert covariance == pytest.approx(misfit / 26 * np.linalg.inv(gram), rel=1e-9)


def test_heavy_rows_without_noise_are_constraints():
    """Minimize |Ax - b|² subject to Cx = 0: cov = σ² Z (ZᵀAᵀAZ)⁻¹ Zᵀ, Z a basis of C's kernel."""
    a = RNG.standard_normal((40, 5))
    c = RNG.standard_normal((2, 5))
    b = RNG.standard_normal(40)
    kernel = np.linalg.svd(c)[2][2:].T
    inner = kernel.T @ a.T @ a @ kernel
    minimum = kernel @ np.linalg.solve(inner, kernel.T @ a.T @ b)
    misfit = float(np.sum((a @ minimum - b) ** 2))
    noisy = a.T @ a
    covariance = propagated_covariance(
        noisy + 1e6 * c.T @ c, [noisy], misfits=[misfit], counts=[40], entries=range(5)
    )
    # There are 40 data and 5 - 2 free entries.
    expected = misfit / 37 * kernel @ np.linalg.solve(inner, kernel.T)
    assert covariance == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_two_noise_levels_and_light_constraints_give_the_sampled_covariance():
    """Against the covariance of 20 000 estimates, each of which has its own misfits."""
    a = RNG.standard_normal((30, 4))
    b = RNG.standard_normal((20, 4))
    c = RNG.standard_normal((3, 4))
    groups = [a.T @ a, b.T @ b]
    gram = a.T @ a + b.T @ b + c.T @ c
    noise = RNG.standard_normal((20_000, 50)) * np.repeat([1.0, 3.0], [30, 20])
    estimates = noise @ np.concatenate([a, b]) @ np.linalg.inv(gram)
    misfits = [
        float(np.mean(np.sum((noise[:, :30] - estimates @ a.T) ** 2, 1))),
        float(np.mean(np.sum((noise[:, 30:] - estimates @ b.T) ** 2, 1))),
    ]
    covariance = propagated_covariance(
        gram, groups, misfits=misfits, counts=[30, 20], entries=range(4)
    )
    tolerance = 0.02 * np.max(covariance)
    assert covariance == pytest.approx(np.cov(estimates.T), rel=0.05, abs=tolerance)


def test_as_many_unknowns_as_data_leave_the_noise_unknown():
    gram = np.eye(3)
    covariance = propagated_covariance(gram, [gram], misfits=[0.0], counts=[3], entries=range(3))
    assert np.all(np.isnan(np.diag(covariance)))


class Line(Problem):
    """u_x = slope: with a linear network, u = w x + b, everything is linear and thus exact."""

    slope: float = 2.0
    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))

    @residual(on="interior")
    def equation(self, u_x):
        return u_x - self.slope


def slope_error(unknown, x, measured):
    """Return the standard error of the slope of a straight line through measurements."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    objective = Objective(Line(unknowns={"slope": unknown}), network, measured={"data": ("u",)})
    known = ~np.isnan(measured)
    w, b = np.polyfit(x[known], measured[known], 1)
    # The equation can hold exactly, so that the minimum is the fitted line with the slope w.
    start = objective.problem.unknowns["slope"].inverse(w)
    theta = tf.constant([w, b, start], tf.float64)
    sets = {
        "interior": PointSet(np.zeros((1, 1))),
        "data": PointSet(x[:, None], None, {"u": measured}),
    }
    points = {r: cut_into_blocks(s, threads=2, size=32, dtype="float64") for r, s in sets.items()}
    return standard_errors(LeastSquares(objective), theta, objective.batch(points)).errors


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "unknown",
    [{"start": 1.0}, {"start": 1.0, "lower": 0.0}, {"start": 1.0, "lower": 0, "upper": 9}],
)
def test_a_linear_problem_has_the_standard_error_of_linear_regression(unknown):
    x = RNG.uniform(-1, 1, 101)  # blocks with padding
    measured = 2 * x + 0.5 + NOISE * RNG.standard_normal(101)
    (w, _), residuals, *_ = np.polyfit(x, measured, 1, full=True)
    expected = np.sqrt(residuals[0] / 99 / np.sum((x - x.mean()) ** 2))
    errors = slope_error(unknown, x, measured)
    assert errors == {"slope": pytest.approx(expected, rel=1e-6)}
    assert abs(w - 2.0) < 4 * expected


@pytest.mark.usefixtures("eager")
def test_values_that_were_not_measured_do_not_count():
    x = RNG.uniform(-1, 1, 101)
    measured = 2 * x + 0.5 + NOISE * RNG.standard_normal(101)
    known = np.arange(101) % 4 > 0
    alone = slope_error({"start": 1.0}, x[known], measured[known])
    with_gaps = slope_error({"start": 1.0}, x, np.where(known, measured, np.nan))
    assert with_gaps == {"slope": pytest.approx(alone["slope"], rel=1e-9)}


@pytest.mark.usefixtures("eager")
def test_without_measurements_there_are_no_standard_errors():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    objective = Objective(Line(unknowns={"slope": 1.0}), network)
    interior = cut_into_blocks(PointSet(np.zeros((1, 1))), threads=1, size=8, dtype="float64")
    batch = objective.batch({"interior": interior})
    assert standard_errors(LeastSquares(objective), objective.flat.flatten(), batch) is None


@pytest.mark.slow
def test_heavily_weighted_equations_give_the_exact_solution_that_fits_noisy_data_best():
    """The network's coefficients against those of the formula that fits the same data best."""
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

    def misfits(coefficients):
        lambda1, nu = coefficients
        return cole_hopf(x, t, nu, lambda1) - measured.values["u"]

    fit = least_squares(misfits, (1.0, 0.05), x_scale=(1.0, 0.05), xtol=1e-12)
    best = dict(zip(("lambda1", "nu"), fit.x, strict=True))
    for name, unknown in solution.metrics["unknowns"].items():
        error = unknown["standard_error"]
        assert abs(unknown["estimate"] - best[name]) < 0.1 * error, (name, unknown, best)
        # The noise moves both estimates, by the same amount.
        assert abs(best[name] - getattr(problem, name)) > 0.2 * error


def test_correlations_are_those_of_the_covariance():
    deviations = np.array([2.0, 0.5, 3.0])
    correlation = np.array([[1.0, 0.96, -0.2], [0.96, 1.0, 0.0], [-0.2, 0.0, 1.0]])
    found = of_covariance(correlation * np.outer(deviations, deviations), ("a", "b", "c"))
    assert found.errors == pytest.approx({"a": 2.0, "b": 0.5, "c": 3.0})
    assert found.correlations["b"] == pytest.approx({"a": 0.96, "c": 0.0})
    undetermined = of_covariance(np.array([[-1e-20, 0.0], [0.0, 1.0]]), ("a", "b"))
    assert np.isnan(undetermined.errors["a"]) and np.isnan(undetermined.correlations["b"]["a"])
    metrics = {
        "unknowns": {
            "a": {"estimate": 1.0, "correlations": {"b": 0.96, "c": -0.2}},
            "b": {"estimate": 1.0, "correlations": {"a": 0.96, "c": 0.0}},
            "c": {"estimate": 1.0, "correlations": {"a": -0.2, "b": 0.0}},
        }
    }
    screen = Console(file=io.StringIO(), width=100)
    screen.print(summary(Metrics.from_json(metrics)))
    shown = screen.file.getvalue()
    assert "correlated estimates: a and b 0.96" in shown and "a and c" not in shown
