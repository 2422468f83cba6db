"""The error of a solution, estimated without a reference."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from pinn import Points, Problem, Synthetic, correction, load, residual, solve, two_phases
from pinn.errors import InputError
from pinn.objective import (
    Evaluator,
    LeastSquares,
    MeasuredFit,
    Objective,
    PointSet,
    cut_into_blocks,
    draw,
    unseen_jacobian,
)
from pinn.optimizers.gauss_newton_svd import Decomposition
from pinn.plotting import field_figure, slices_figure
from pinn.problems import Heat, Kovasznay
from pinn.record import Metrics, MisfitMetrics
from pinn.reporting.summary import summary
from pinn.run import error_estimate as estimates
from pinn.run.error_estimate import large_errors
from pinn.run.misfits import unpredicted
from pinn.run.stage_error import DRAWS, hidden_changes
from pinn.setup.draws import Draws
from pinn.setup.network import default_network


class Decay(Problem):
    """u_t = −k u from 1, with k = 2 or unknown; an equation that is not linear in both."""

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


class Bare(Heat):
    """Without a reference."""

    def reference(self, x, t):
        return None


@pytest.fixture(autouse=True)
def _asked_for(monkeypatch):
    monkeypatch.setattr(estimates, "FEWEST", 1)


def short(problem, **settings):
    points = Points(counts={"interior": 400, "initial": 100, "boundary": 100}, test=300)
    settings = {"phases": two_phases(explore=100, polish=30), "points": points} | settings
    return solve(problem, show=False, seed=0, **settings)


def missing_of(problem, points, step, loss):
    theta = loss.flat.flatten()
    evaluator = Evaluator(loss, problem.functions)
    return evaluator(theta, points), evaluator.slope(theta, tf.constant(step), points)


@pytest.mark.parametrize("derivatives", ["taylor", "nested"])
def test_a_step_tells_what_is_missing_of_a_linear_problem(derivatives, eager):
    """An untrained network is wrong by its own size, and the step knows it point by point."""
    problem = Heat()
    network = default_network(problem, seed=0, width=8, depth=2)
    loss = Objective(problem, network, derivatives=derivatives)
    draws = Draws(Points(counts={"interior": 800, "initial": 200, "boundary": 200}), loss, seed=0)
    squares = LeastSquares(loss, compiled=False)
    batches = (draws.held_out(i) for i in range(20))
    step = unseen_jacobian(squares, loss.flat.flatten(), batches).step(1e-11)
    points = draw(problem, "interior", 200, method="uniform").coordinates
    values, missing = missing_of(problem, points, step, loss)
    error = problem.reference_at(points)["u"] - values["u"]
    assert np.linalg.norm(error) > 0.05 * np.linalg.norm(values["u"])
    assert np.linalg.norm(error - missing["u"]) < 1e-2 * np.linalg.norm(error)


def test_the_slope_is_the_derivative_along_a_direction(eager):
    problem = Kovasznay()
    loss = Objective(problem, default_network(problem, seed=0, width=6, depth=2))
    theta = loss.flat.flatten()
    direction = np.random.default_rng(0).standard_normal(loss.flat.size)
    points = draw(problem, "interior", 20).coordinates
    evaluator = Evaluator(loss, ("u", "p", "u_x"))
    found = evaluator.slope(theta, tf.constant(direction), points)
    h = 1e-6
    ahead = evaluator(theta + h * direction, points)
    behind = evaluator(theta - h * direction, points)
    for name, slope in found.items():
        assert slope == pytest.approx((ahead[name] - behind[name]) / (2 * h), abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("problem", [Heat(), Kovasznay()], ids=["linear", "flow"])
def test_the_estimate_is_the_error_of_a_run(problem):
    solution = short(problem)
    estimated = solution.metrics["estimated_error"]
    for name, error in solution.metrics["relative_l2"].items():
        assert error > 1e-6
        assert error / 5 < estimated[name] < 5 * error


class Growth(Problem):
    """u_t = 5 u from 1: an error in an early window grows by two orders of magnitude."""

    fields = ("u",)
    time = (0.0, 1.0)

    @residual(on="interior")
    def growth(self, u, u_t):
        return u_t - 5 * u

    @residual(on="initial")
    def start(self, u):
        return u - 1

    def reference(self, t):
        return {"u": np.exp(5 * t)}


@pytest.mark.slow
def test_windows_inherit_the_error_of_those_before(tmp_path):
    """The first window stops early, with a large error; the second one solves its own equations."""
    phases = two_phases(explore=60, polish=40)
    solution = short(Growth(), windows=2, phases=phases, folder=tmp_path / "run")
    t = np.linspace(0, 1, 200)
    error = Growth().reference(t=t)["u"] - solution(t=t)["u"]
    assert solution.estimated_error(t=t)["u"] == pytest.approx(error, abs=0.2 * np.ptp(error))
    (true,), (estimated,) = (
        solution.metrics[k].values() for k in ("relative_l2", "estimated_error")
    )
    assert true / 3 < estimated < 3 * true
    assert load(tmp_path / "run").estimated_error(t=0.9) == solution.estimated_error(t=0.9)


@pytest.mark.slow
def test_unknown_coefficients_have_an_estimate_too():
    problem = Decay(unknowns={"k": 1.0})
    solution = short(problem, data=Synthetic(count=20), phases=two_phases(explore=60, polish=3))
    unknown = solution.metrics["unknowns"]["k"]
    assert unknown["relative_error"] > 1e-3
    estimated = solution.metrics["estimated_error"]["k"]
    assert estimated == pytest.approx(unknown["relative_error"], rel=0.5)


def test_a_solution_tells_its_error_and_so_does_a_loaded_one(tmp_path):
    solution = short(Bare(), folder=tmp_path / "run")
    x = np.linspace(0.1, 0.9, 5)
    error = solution.estimated_error(x=x, t=0.5)["u"]
    truth = Heat().reference(x=x, t=np.full(5, 0.5))["u"]
    assert error == pytest.approx(truth - solution(x=x, t=0.5)["u"], rel=0.1, abs=1e-6)
    again = load(tmp_path / "run")
    assert again.estimated_error(x=x, t=0.5)["u"] == pytest.approx(error, rel=1e-6)
    metrics = Metrics.from_json(again.metrics)
    assert metrics.estimated_error == solution.metrics["estimated_error"]
    screen = Console(file=io.StringIO(), width=100)
    screen.print(summary(metrics))
    assert "estimated relative L2" in screen.file.getvalue()


def test_where_there_is_no_estimate_the_solution_says_so(monkeypatch):
    monkeypatch.setattr(estimates, "FEWEST", 5)
    solution = short(Decay(), phases=two_phases(explore=1, polish=1))
    assert solution.metrics["estimated_error"] == {}
    with pytest.raises(InputError, match="no estimate of the error"):
        solution.estimated_error(0.5)


def test_too_many_parameters_have_no_estimate(monkeypatch, eager):
    loss, _, _ = measured_loss()
    squares = LeastSquares(loss, compiled=False)
    monkeypatch.setattr("pinn.objective.tangent_error.LARGEST", 5)
    assert unseen_jacobian(squares, loss.flat.flatten(), iter(())) is None


def test_residuals_that_depend_on_no_parameter_have_no_estimate(monkeypatch):
    """As those of a network with saturated units, whose Jacobian is zero."""
    nothing = Decomposition([(np.ones(4), np.zeros((3, 4)))], 3)
    monkeypatch.setattr(estimates, "unseen_jacobian", lambda *_: nothing)
    solution = short(Decay(), phases=two_phases(explore=1, polish=1))
    assert solution.metrics["estimated_error"] == {}
    with pytest.raises(InputError, match="no residual depends on the network"):
        solution.estimated_error(t=0.5)


def test_changes_may_be_hidden_that_move_the_residuals_by_what_is_left_of_them():
    solution = short(Decay(), phases=two_phases(explore=20, polish=5))
    stage, theta = solution._estimate.stage_run, solution.theta
    jacobian = unseen_jacobian(stage.programs.few_jacobians, theta, stage.unseen(theta))
    hidden = hidden_changes(stage, theta, jacobian, resolved=1e-11)
    assert jacobian.norms(hidden) == pytest.approx(np.full(DRAWS, jacobian.left**0.5), rel=0.15)


def test_after_a_correction_their_size_is_compared_with_what_it_removed(monkeypatch):
    """The geometric mean of both, where half as much is left per residual as was removed."""
    monkeypatch.setattr("pinn.run.stage_runs.FEWEST", 1)
    solution = short(Decay(), phases=[*two_phases(explore=20, polish=5), correction(steps=1)])
    last = solution._estimate._last
    stage, theta = last.stage_run, solution.theta
    jacobian = unseen_jacobian(stage.programs.few_jacobians, theta, stage.unseen(theta))
    center = stage.parameters.center
    places, batch = stage.places(200), stage.draws.held_out(1000)
    before, after = (float(stage.objective.value(v, batch)) for v in (center, theta))
    assert after < before
    removed = stage.functions(center)(places)["u"] - last.values(places)["u"]
    drawn = []
    for change in last.hidden:
        scaled = change * jacobian.left**0.5 / np.linalg.norm(jacobian.norms(change[None]))
        drawn.append(last.along(scaled, places)["u"])
    sizes = np.linalg.norm(drawn) / len(drawn) ** 0.5, 0.5 * np.linalg.norm(removed)
    expected = np.sqrt(sizes[0] * sizes[1] * (after / before) ** 0.5)
    assert np.linalg.norm(last.spread(places)["u"]) == pytest.approx(expected, rel=0.2)


def test_without_a_step_the_estimate_is_what_may_be_hidden(monkeypatch):
    estimate = short(Decay(), phases=two_phases(explore=20, polish=5))._estimate
    monkeypatch.setattr(estimate._last, "step", 0 * estimate._last.step)
    points = np.linspace(0, 1, 50)[:, None]
    (u,) = estimate.relative(points).values()
    values, spread = (f(points)["u"] for f in (estimate._last.values, estimate._last.spread))
    assert u == pytest.approx(np.linalg.norm(spread) / np.linalg.norm(values), rel=0.1)


def test_windows_continue_what_may_be_hidden_in_those_before(monkeypatch):
    """u_t = 5 u, so that it grows as e^5t; the second window hides nothing of its own."""

    def hidden(stage, *args, **settings):
        is_first = stage.stage.problem.time[0] == 0
        return is_first * hidden_changes(stage, *args, **settings)

    monkeypatch.setattr(estimates, "hidden_changes", hidden)
    solution = short(Growth(), windows=2, phases=two_phases(explore=100, polish=30))
    first, second = solution._estimate._stage_errors
    edge, end = np.array([[0.5]]), np.array([[1.0]])
    for one, other in zip(first.hidden, second.hidden, strict=True):
        handed = first.along(one, edge)["u"]
        assert second.along(other, edge)["u"] == pytest.approx(handed, rel=1e-2)
        grown = second.along(other, end)["u"]
        assert grown == pytest.approx(np.exp(2.5) * handed, rel=1e-2)


def test_large_errors_are_told():
    (line,) = large_errors({"u": 0.123, "v": 1e-4, "k": float("nan")})
    assert "u 12 %" in line and "k nan" in line and "v" not in line.split("large:")[1]
    assert large_errors({"u": 0.01}) == []


def measured_loss():
    problem = Decay(unknowns={"k": 1.0})
    network = default_network(problem, seed=0, width=6, depth=2)
    loss = Objective(problem, network, measured={"data": ("u",)})
    t = np.linspace(0.05, 0.95, 12)[:, None]
    data = PointSet(t, None, {"u": np.exp(-2 * t[:, 0])})
    points = {"data": data, **{r: draw(problem, r, 40) for r in ("interior", "initial")}}
    blocks = {}
    for region, drawn in points.items():
        size = len(drawn.coordinates)
        blocks[region] = cut_into_blocks(drawn, threads=1, size=size, dtype="float64")
    return loss, data, loss.batch(blocks)


def test_what_is_left_out_is_missed_by_the_residual_over_what_the_fit_does_not_follow(eager):
    """The formula of the leave-one-out residual, against fits of the linear model without it."""
    loss, _, batch = measured_loss()
    theta = loss.flat.flatten()
    squares = LeastSquares(loss, compiled=False)
    rows = {}
    for region, blocks in batch.points.items():
        only = batch._replace(points={region: blocks})
        ((residuals, columns),) = squares.jacobian(theta, only)
        rows[region] = np.column_stack([columns.numpy().T, residuals.numpy()])
    size = loss.flat.size
    everything = np.concatenate(list(rows.values()))
    largest = np.linalg.svd(everything[:, :size], compute_uv=False)[0]
    damping = 1e-7 * largest * np.eye(size, size + 1)
    missed = []
    for i, row in enumerate(rows["data"]):
        others = [rows["interior"], rows["initial"], np.delete(rows["data"], i, 0), damping]
        kept = np.concatenate(others)
        step = np.linalg.lstsq(kept[:, :size], -kept[:, size], rcond=None)[0]
        missed.append(row[size] + row[:size] @ step)
    # At the minimum of the linear model, the residuals are these.
    full = np.concatenate([everything, damping])
    step = np.linalg.lstsq(full[:, :size], -full[:, size], rcond=None)[0]
    fitted = rows["data"][:, size] + rows["data"][:, :size] @ step
    expected = np.linalg.norm(missed) / np.linalg.norm(fitted)
    shifted = theta + step
    linear = _Linear(squares, theta, shifted)
    fit = MeasuredFit(linear, shifted, batch)
    assert fit.left_out()["data_u"] == pytest.approx(expected, rel=1e-3)


def test_draws_of_noise_have_the_covariance_of_the_linear_fit(eager):
    """Against (JᵀJ)⁻¹ J_dᵀ J_d (JᵀJ)⁻¹ s², along directions that the residuals determine."""
    loss, _, batch = measured_loss()
    theta = loss.flat.flatten()
    squares = LeastSquares(loss, compiled=False)
    rows = {}
    for region, blocks in batch.points.items():
        ((residuals, columns),) = squares.jacobian(theta, batch._replace(points={region: blocks}))
        rows[region] = (residuals.numpy(), columns.numpy().T)
    everything = np.concatenate([columns for _, columns in rows.values()])
    directions = np.linalg.svd(everything)[2][:5]
    inverse = np.linalg.pinv(everything.T @ everything, rcond=1e-14)
    residuals, measured = rows["data"]
    moves = directions @ inverse @ measured.T
    free = len(residuals) - np.trace(measured @ inverse @ measured.T)
    covariance = moves @ moves.T * np.sum(residuals**2) / free
    found = MeasuredFit(squares, theta, batch).draws(4000) @ directions.T
    deviations = np.sqrt(np.diag(covariance))
    expected = covariance / np.outer(deviations, deviations)
    assert found.T @ found / 4000 / np.outer(deviations, deviations) == pytest.approx(
        expected, abs=0.07
    )


@pytest.mark.slow
def test_noise_in_measurements_counts_as_an_error():
    problem = Decay(unknowns={"k": 1.0})
    data = Synthetic(count=40, noise=0.05)
    solution = short(problem, data=data, phases=two_phases(explore=100, polish=200))
    error = solution.metrics["relative_l2"]["u"]
    assert error > 1e-3
    assert error / 5 < solution.metrics["estimated_error"]["u"] < 5 * error
    inside = solution.standard_error(t=np.linspace(0.0, 1.0, 20))["u"]
    assert inside[0] < inside[10] / 2  # at t = 0 the value is given
    assert 0.2 * error < np.sqrt(np.mean(inside**2)) < 5 * error


class _Linear:
    """The least squares of a linear model: those of a loss, linearized at a vector."""

    def __init__(self, squares, origin, at):
        self.objective = squares.objective
        self.squares = squares
        self.origin = origin
        self.moved = at - origin

    def jacobian(self, theta, batch):
        for residuals, columns in self.squares.jacobian(self.origin, batch):
            yield residuals + tf.linalg.matvec(columns, self.moved, transpose_a=True), columns


def test_measurements_that_only_fit_one_by_one_are_told():
    loss, data, _ = measured_loss()
    found = {"data": {"u": MisfitMetrics(count=12, rms=0.01)}}
    (line,) = unpredicted(loss, {"data": data}, found, {"data_u": 20.0})
    assert line.startswith("u: each measurement is fitted by itself: left out, it would be missed")
    assert unpredicted(loss, {"data": data}, found, {"data_u": 2.0}) == []
    found = {"data": {"u": MisfitMetrics(count=12, rms=1e-6)}}
    assert unpredicted(loss, {"data": data}, found, {"data_u": 20.0}) == []


def test_slices_have_a_band_of_two_standard_errors():
    grid = np.linspace(0, 1, 5)
    fields = {"u": (grid, None), "v": (grid, None)}
    figure = slices_figure(["x"], [grid], fields, spread={"u": np.full(5, 0.1)})
    (band,) = figure.axes[0].collections
    low, high = band.get_paths()[0].vertices[:, 1].min(), band.get_paths()[0].vertices[:, 1].max()
    assert (low, high) == pytest.approx((-0.2, 1.2))
    assert not figure.axes[1].collections
    plt.close(figure)


def test_the_picture_shows_the_estimate_where_there_is_no_reference():
    grids = [np.linspace(0, 1, 5), np.linspace(0, 1, 6)]
    values = np.ones((5, 6))
    fields = {"u": (values, None), "v": (values, None)}
    figure = field_figure(["x", "y"], grids, fields, estimated={"u": 1e-3 * values})
    titles = [axes.get_title() for axes in figure.axes]
    assert any("estimated error" in title for title in titles)
    plt.close(figure)
