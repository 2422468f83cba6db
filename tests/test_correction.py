"""Networks that are linearized about their parameters, and the phase that corrects a solution."""

import numpy as np
import pytest
import tensorflow as tf

from pinn import (
    GaussNewtonSVD,
    Interval,
    Phase,
    Points,
    Problem,
    StopRule,
    Synthetic,
    correction,
    load,
    residual,
    satisfies,
    two_phases,
)
from pinn.errors import InputError
from pinn.objective import (
    Evaluator,
    LeastSquares,
    Objective,
    StageParameters,
    cut_into_blocks,
    draw,
)
from pinn.optimizers import Minimization, Residuals, Status
from pinn.problems import Burgers, HeatLawInverse, Helmholtz, Kovasznay, NonlinearPoisson
from pinn.run import resume, stage_runs
from pinn.run.solve import solve
from pinn.setup import config
from pinn.setup.network import default_network
from pinn.training.progress import Progress

OFF = StopRule().limits("float64")
COUNTS = {"interior": 120, "initial": 40, "boundary": 40}


class Logistic(Problem):
    """u_t = k u (1 − u) from 1/10, with k = 3 or unknown, and the initial value built in or not."""

    fields = ("u",)
    time = (0.0, 1.0)
    k: float = 3.0

    @residual(on="interior")
    def growth(self, u, u_t):
        return u_t - self.k * u * (1 - u)

    @residual(on="initial")
    def start(self, u):
        return u - 0.1

    @satisfies("start")
    def ansatz(self, t, net):
        return 0.1 + t * net

    def reference(self, t):
        return {"u": 1 / (1 + 9 * np.exp(-3 * t))}


class Rod(Problem):
    """The positive temperature T of a rod: T_xx = T, 1 at both ends."""

    fields = ("T",)
    positive_fields = ("T",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def steady(self, T, T_xx):
        return T_xx - T

    @residual(on="boundary")
    def ends(self, T):
        return T - 1


PROBLEMS = {
    "ansatz": (Burgers(), True),
    "terms": (Burgers(), False),
    "two coordinates": (Helmholtz(), True),
    "flow": (Kovasznay(), False),
    "nonlinear": (NonlinearPoisson(), False),
    "positive": (Rod(), False),
    "unknown function": (HeatLawInverse(), False),
}


pytestmark = pytest.mark.usefixtures("shared_losses")


@pytest.fixture(autouse=True)
def _asked_for(monkeypatch):
    monkeypatch.setattr(stage_runs, "FEWEST", 1)
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])


def loss_of(problem, hard, **settings):
    network = default_network(problem, seed=0, width=5, depth=2)
    return Objective(problem, network, hard=hard, **settings)


def batch_of(loss, stage, count=24):
    blocks = {}
    for region in loss.regions:
        points = draw(loss.problem, region, count, seed=1)
        blocks[region] = cut_into_blocks(points, threads=1, size=count, dtype="float64")
    return loss.batch(blocks, stage)


def center_and_other(loss, distance=0.3):
    """Return a center, the stage linearized about it, and another vector."""
    center = loss.flat.flatten()
    direction = np.random.default_rng(0).normal(size=loss.flat.size)
    return center, StageParameters(center=center), center + distance * direction


def joined(pieces):
    pairs = [(np.asarray(r), np.asarray(columns)) for r, columns in pieces]
    return np.concatenate([r for r, _ in pairs]), np.concatenate([c for _, c in pairs], 1).T


@pytest.mark.parametrize("derivatives", ["taylor", "nested"])
@pytest.mark.parametrize("name", ["ansatz", "flow"])
def test_a_linearized_network_is_its_value_and_its_slope_at_the_center(name, derivatives, eager):
    problem, hard = PROBLEMS[name]
    loss = loss_of(problem, hard, derivatives=derivatives)
    center, stage, other = center_and_other(loss)
    points = draw(problem, "interior", 9).coordinates
    names = [problem.fields[0], "u_x", "u_xx"]
    evaluator = Evaluator(loss, names)
    value = evaluator(center, points)
    slope = evaluator.slope(center, other - center, points)
    for n, found in evaluator(other, points, stage).items():
        assert found == pytest.approx(value[n] + slope[n], rel=1e-10, abs=1e-11)
    # At the center it is the network.
    for n, found in evaluator(center, points, stage).items():
        assert found == pytest.approx(value[n], rel=1e-13)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_jacobian_of_a_linearized_network_is_that_of_its_loss(name, eager):
    """Against central differences of the residuals, away from the center."""
    loss = loss_of(*PROBLEMS[name])
    _, stage, other = center_and_other(loss)
    batch = batch_of(loss, stage)
    squares = LeastSquares(loss, compiled=False)
    r, rows = joined(squares.jacobian(other, batch))
    direction = np.random.default_rng(1).normal(size=loss.flat.size)
    h = 1e-6
    ahead, _ = joined(squares.jacobian(other + h * direction, batch))
    behind, _ = joined(squares.jacobian(other - h * direction, batch))
    slope = (ahead - behind) / (2 * h)
    assert rows @ direction == pytest.approx(slope, rel=1e-5, abs=1e-6 * np.abs(slope).max())
    value, gradient = loss.value_and_gradient(other, batch)
    assert np.sum(r**2) == pytest.approx(float(value), rel=1e-12)
    size = np.abs(gradient).max()
    assert 2 * rows.T @ r == pytest.approx(gradient.numpy(), rel=1e-9, abs=1e-11 * size)


def test_unknown_coefficients_are_not_linearized(eager):
    problem = Logistic(unknowns={"k": 1.0})
    loss = loss_of(problem, False)
    center, stage, other = center_and_other(loss)
    batch = batch_of(loss, stage)
    assert float(loss.coefficients(other)["k"]) != float(loss.coefficients(center)["k"])
    _, rows = joined(LeastSquares(loss, compiled=False).jacobian(other, batch))
    h = 1e-6 * np.eye(loss.flat.size)[-1]
    squares = LeastSquares(loss, compiled=False)
    ahead, behind = (joined(squares.jacobian(other + s * h, batch))[0] for s in (1, -1))
    assert rows[:, -1] == pytest.approx((ahead - behind) / 2e-6, rel=1e-6, abs=1e-9)


def minimization(function):
    squares = Residuals(function)
    return Minimization(squares, residuals=squares)


def advanced(function, start, steps=1, **settings):
    bound = GaussNewtonSVD(**settings).bind(minimization(function))
    batch = tf.constant(0.0, tf.float64)
    state = bound.start(tf.constant(start, tf.float64), batch)
    return bound.advance(state, batch, tf.constant(steps), OFF)


def test_one_step_solves_a_linear_problem_in_directions_that_are_hardly_seen():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(n, 5)))[0] for n in (300, 5))
    matrix = left @ np.diag([1, 1e-3, 1e-6, 1e-8, 1e-10]) @ right.T
    truth = right @ np.ones(5)
    state, trace = advanced(lambda x, _: tf.linalg.matvec(matrix, x - truth), np.zeros(5))
    assert state.position.numpy() == pytest.approx(truth, abs=1e-3)
    assert int(state.status) == Status.RUNNING
    assert trace.loss.numpy()[0] < 1e-24


def test_what_noise_hides_does_not_move_the_solution():
    """A direction that the residuals see 1e-9 times as well as another, and noise of 1e-3."""
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(400, 2)))
    noise = rng.normal(size=400)
    noise -= left @ (left.T @ noise)
    matrix = left @ np.diag([1.0, 1e-9])
    state, _ = advanced(lambda x, _: tf.linalg.matvec(matrix, x - 1.0) + 1e-3 * noise, [0.9, 0.9])
    assert state.position.numpy() == pytest.approx([1.0, 0.9], abs=0.1)


def test_a_step_is_halved_until_the_other_residuals_fall():
    """From 3, Newton's method for atan(x) = 0 goes farther and farther away."""
    state, _ = advanced(lambda x, _: tf.math.atan(x) * tf.ones(200, tf.float64), [3.0])
    full = 3.0 - np.arctan(3.0) * 10.0
    assert abs(full) > 3
    assert float(state.position[0]) == pytest.approx(3.0 + (full - 3.0) / 4, rel=1e-6)


def test_without_a_way_down_the_step_is_not_taken():
    state, _ = advanced(lambda x, _: tf.abs(x) * tf.ones(200, tf.float64) + 1.0, [1e-30])
    assert int(state.status) == Status.SEARCH_FAILED
    assert float(state.position[0]) == 1e-30


def test_what_it_cannot_work_on():
    with pytest.raises(InputError, match="needs residuals"):
        GaussNewtonSVD().bind(Minimization(lambda x, _: (tf.reduce_sum(x), x)))
    assert "3,001 parameters are more than 3,000" in GaussNewtonSVD().why_left_out(3001, "float64")
    assert "float32" in GaussNewtonSVD().why_left_out(10, "float32")
    assert GaussNewtonSVD(largest=5000).why_left_out(3001, "float64") is None
    with pytest.raises(InputError, match="largest"):
        GaussNewtonSVD(largest=0)


def short(problem, *, steps=3, polish=30, **settings):
    network = default_network(problem, seed=0, width=8, depth=2)
    given = {
        "phases": [*two_phases(explore=60, polish=polish), correction(steps=steps)],
        "points": Points(counts=COUNTS, test=300),
        "network": network,
        "windows": 1,
        "show": False,
        **settings,
    }
    return solve(problem, **given)


def phases_of(solution):
    return [phase["name"] for phase in solution.metrics["phases"]]


@pytest.mark.parametrize("constraints", ["hard", "soft"])
def test_a_solution_is_corrected_by_orders_of_magnitude(constraints, tmp_path):
    solution = short(Logistic(), folder=tmp_path / "run", constraints=constraints)
    rows = solution.history.rows
    before = [row["error_u"] for row in rows if row["phase"].startswith("polish")][-1]
    assert phases_of(solution) == ["explore", "polish", "correct"]
    assert before > 1e-5
    assert solution.metrics["relative_l2"]["u"] < 1e-3 * before
    again = load(tmp_path / "run")
    t = np.linspace(0, 1, 7)
    np.testing.assert_array_equal(again(t=t)["u"], solution(t=t)["u"])
    np.testing.assert_array_equal(again.derivative("u_t", t=t), solution.derivative("u_t", t=t))
    truth = Logistic().reference(t)["u"]
    assert solution(t=t)["u"] == pytest.approx(truth, rel=1e-2 * before)


@pytest.mark.slow
def test_an_unknown_coefficient_is_corrected_too():
    problem = Logistic(unknowns={"k": 1.0})
    solution = short(problem, data=Synthetic(count=20), constraints="soft", steps=4)
    rows = solution.history.rows
    before = [row["unknown_k"] for row in rows if row["phase"].startswith("polish")][-1]
    assert abs(solution.unknowns["k"] - 3) < 1e-3 * abs(before - 3)


def test_windows_are_corrected_one_by_one_and_handed_over():
    solution = short(Logistic(), windows=2, constraints="soft")
    assert phases_of(solution) == ["explore", "polish", "correct"] * 2
    assert solution.metrics["relative_l2"]["u"] < 1e-7
    t = np.array([0.5 - 1e-9, 0.5 + 1e-9])
    assert np.diff(solution(t=t)["u"])[0] == pytest.approx(0, abs=1e-7)


def test_large_networks_and_trials_are_left_alone(monkeypatch, capsys):
    phase = Phase(
        name="correct", optimizer=GaussNewtonSVD(largest=10), linearized=True, redraw_every=1
    )
    solution = short(Logistic(), phases=[*two_phases(explore=5, polish=5), phase], show=True)
    assert phases_of(solution) == ["explore", "polish"]
    assert (
        "phases.correct: is left out, as 97 parameters are more than 10" in capsys.readouterr().out
    )
    monkeypatch.setattr(stage_runs, "FEWEST", 50)
    assert phases_of(short(Logistic(), polish=5)) == ["explore", "polish"]


class Killed(Exception):
    """Represents a kill."""


def test_a_run_killed_in_its_correction_and_resumed_is_the_undisturbed_one(tmp_path):
    settings = {"constraints": "soft", "steps": 3}
    undisturbed = short(Logistic(), folder=tmp_path / "a", **settings)

    def kill(report):
        if report.phase.linearized and report.progress.records[-1].iterations == 2:
            raise Killed

    with pytest.raises(Killed):
        short(Logistic(), folder=tmp_path / "b", callbacks=[kill], **settings)
    resumed = resume(tmp_path / "b", show=False)
    np.testing.assert_array_equal(resumed.theta, undisturbed.theta)
    t = np.linspace(0, 1, 7)
    np.testing.assert_array_equal(resumed(t=t)["u"], undisturbed(t=t)["u"])
    assert len(resumed.history.rows) == len(undisturbed.history.rows)


@pytest.mark.slow
def test_a_corrected_run_goes_on_from_the_end_of_the_phase_before(tmp_path):
    """More iterations of it give the run that had as many from the start, bit by bit."""
    longer = short(Logistic(), polish=50, folder=tmp_path / "a", constraints="soft")
    short(Logistic(), polish=30, folder=tmp_path / "b", constraints="soft")
    override = "phases.polish.stop.max_iterations=50"
    continued = resume(tmp_path / "b", overrides=[override], show=False)
    assert phases_of(continued) == ["explore", "polish", "correct"]
    np.testing.assert_array_equal(continued.theta, longer.theta)
    # More steps of the correction go on from its end.
    more = resume(tmp_path / "b", overrides=["phases.correct.stop.max_iterations=5"], show=False)
    assert [p["iterations"] for p in more.metrics["phases"]][:2] == [60, 50]
    assert more.metrics["phases"][2]["iterations"] >= continued.metrics["phases"][2]["iterations"]


def test_linearized_phases_come_last():
    explore, polish = two_phases(explore=2, polish=2)
    with pytest.raises(InputError, match="begin with another"):
        short(Logistic(), phases=[correction(), polish])
    with pytest.raises(InputError, match="put linearized phases last"):
        short(Logistic(), phases=[explore, correction(), polish])
    nodes = {"correct": {}, "explore": {}}
    for name, node in nodes.items():
        node["optimizer"] = {"_target_": "pinn.optimizers.Adam"}
        node["linearized"] = name == "correct"
    assert [phase.name for phase in config._phases(nodes)] == ["explore", "correct"]


def test_a_progress_knows_the_end_of_the_phases_before():
    progress = Progress(draw=3)
    progress.begin_phase("polish", "Adam")
    progress.linearize(np.arange(3.0))
    progress.begin_phase("correct", "Gauss-Newton by SVD")
    assert progress.draw == 4 and list(progress.centers) == ["0"]
    assert progress.nonlinear.draw == 3 and len(progress.nonlinear.records) == 1
    progress.begin_stage()
    assert progress.nonlinear is None and not progress.centers


def test_a_shock_is_resolved_by_points_that_follow_the_residuals():
    points = Points(counts=COUNTS)
    loss = loss_of(Burgers(), True)
    assert points.following(loss).adaptive == "importance"
    assert Points(counts=COUNTS, adaptive="r3").following(loss).adaptive == "r3"
