"""Points, phases, histories and checkpoints of a run."""

import contextlib
import dataclasses
import json
import math
import os
import shutil
import signal
import struct

import numpy as np
import pytest
import shared_programs
import tensorflow as tf

import pinn
from pinn import LBFGS, Adam, Interval, Problem, mlp, residual
from pinn.errors import InputError
from pinn.measurements import Synthetic
from pinn.objective import Objective, draw
from pinn.optimizers import LBFGSB, SOAP, MultiBatchLBFGS, State
from pinn.optimizers.interface import Minimization
from pinn.optimizers.loops import GraphLoop
from pinn.problems import Burgers, Kovasznay
from pinn.record import History, RunFolder
from pinn.run import checkpoint, resume, solve
from pinn.sampling import METHODS
from pinn.setup import Points
from pinn.setup.draws import Draws
from pinn.training import Feed, Phase, StopRule, Trainer
from pinn.training.progress import PhaseRecord, PhaseState, Progress
from pinn.training.stopping import StopKind, StopReason, interrupted

POINTS = Points(counts={"interior": 48, "initial": 8, "boundary": 8}, test=20)


class Front(Problem):
    """A residual that is large at x = 0."""

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))

    @residual(on="interior")
    def front(self, x, u_x):
        return 1e-3 * u_x + 10 * tf.exp(-((x / 0.05) ** 2))


@contextlib.contextmanager
def quickly():
    """Run without compilations, which take longer than these runs, and without figures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
        shared_programs.share(patch)
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eager():
    with quickly():
        yield


def explore(**settings):
    stop = StopRule(**({"max_iterations": 20} | settings.pop("stop", {})))
    return Phase(
        name="explore",
        optimizer=Adam(learning_rate=0.02),
        stop=stop,
        **{"report_every": 5} | settings,
    )


def polish(**settings):
    stop = StopRule(**({"max_iterations": 8} | settings.pop("stop", {})))
    return Phase(
        name="polish", optimizer=LBFGS(pairs=3), stop=stop, **{"report_every": 4} | settings
    )


def by(optimizer):
    return lambda **settings: dataclasses.replace(polish(**settings), optimizer=optimizer)


def burgers(**settings):
    """Solve Burgers' equation with a tiny network."""
    network = mlp(
        lower=[-1, 0], upper=[1, 1], outputs=1, width=4, depth=1, seed=settings.get("seed", 0)
    )
    defaults = {
        "problem": Burgers(),
        "network": network,
        "phases": [explore(), polish()],
        "points": POINTS,
        "show": False,
    }
    return solve(**{**defaults, **settings})


def assert_same(values, expected):
    """Assert that two structures of arrays are bitwise equal."""
    tf.nest.assert_same_structure(values, expected)
    for a, b in zip(tf.nest.flatten(values), tf.nest.flatten(expected), strict=True):
        array = np.asarray(a)
        other = np.asarray(b)
        assert array.dtype == other.dtype
        assert array.shape == other.shape
        assert array.tobytes() == other.tobytes()


# Points ------------------------------------------------------------------------------------------


def draw_sets(points, number=0, seed=0):
    """Return the training points of a draw and the held-out points, by region."""
    problem = Burgers()
    data = Synthetic(count=20).measure(problem)
    network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=3, depth=1)
    objective = Objective(problem, network, measured={"data": ("u",)})
    draws = Draws(points, objective, {"data": data}, seed=seed)
    sets = draws.sets(number, {})
    heldout = draws.held_out_sets()
    assert list(sets) == list(heldout) == ["interior", "initial", "boundary", "data"]
    return sets, heldout


@pytest.mark.parametrize("method", [m for m in METHODS if m != "grid"])
def test_every_set_changes_after_a_redraw(method):
    points = dataclasses.replace(POINTS, method=method)
    first, heldout = draw_sets(points)
    again, _ = draw_sets(points)
    second, same_heldout = draw_sets(points, 1)
    third, _ = draw_sets(points, 2)
    other, other_heldout = draw_sets(points, seed=1)
    for region in ("interior", "initial", "boundary"):
        assert_same(again[region].coordinates, first[region].coordinates)
        assert_same(same_heldout[region].coordinates, heldout[region].coordinates)
        rows = []
        for sets in (first, second, third, other):
            assert len(sets[region].coordinates) == POINTS.counts[region]
            rows.append(sets[region].coordinates)
        rows += [heldout[region].coordinates, other_heldout[region].coordinates]
        # All initial points have the same time and boundary points a given place, so that whole
        # rows are compared.
        all_rows = np.concatenate(rows)
        assert len(np.unique(all_rows, axis=0)) == len(all_rows)
    for data in (second["data"], heldout["data"]):
        assert_same(data.coordinates, first["data"].coordinates)


@pytest.mark.quick("rar_d")
@pytest.mark.parametrize("adaptive", ["rad", "importance", "rar_d", "r3"])
def test_adaptive_points_move_to_the_front(adaptive, eager):
    """The network is untrained, and |r| is large only where |x| is small."""
    problem = Front()
    network = mlp(lower=[-1], upper=[1], outputs=1, width=3, depth=1)
    objective = Objective(problem, network)
    points = Points(counts={"interior": 200}, adaptive=adaptive)
    draws = Draws(points, objective, None, seed=0)
    theta = objective.flat.flatten()
    kept = {}
    sets = [draws.sets(0, {})["interior"].coordinates]
    for number in range(1, 30):
        kept = draws.adapt(number, theta, kept)
        before = kept if adaptive == "rad" else {}
        assert_same(draws.adapt(number, theta, before), draws.adapt(number, theta, {}))
        sets.append(draws.sets(number, kept)["interior"].coordinates)
        batch = draws.batch(number, kept).points["interior"]
        assert np.sum(batch.quadrature) == pytest.approx(1, abs=1e-12)
        first_batch = draws.batch(0, {}).points["interior"]
        assert np.size(batch.quadrature) == np.size(first_batch.quadrature)
        if adaptive == "rar_d":
            assert len(sets[-1]) == min(100 + 10 * number, 200)
            assert_same(sets[-1][: len(sets[-2])], sets[-2])
        else:
            assert len(sets[-1]) == 200
            assert not np.array_equal(sets[-1], sets[-2])
    first_share = np.mean(np.abs(sets[0]) < 0.1)
    last_share = np.mean(np.abs(sets[-1]) < 0.1)
    assert abs(first_share - 0.1) < 0.02
    assert last_share > 2.5 * first_share


def test_a_grid_cannot_be_redrawn(eager):
    with pytest.raises(InputError, match=r"phases.explore.redraw_every=5: a grid is the same"):
        burgers(points=dataclasses.replace(POINTS, method="grid"), phases=[explore(redraw_every=5)])


def test_the_points_of_a_boundary_are_divided_by_length():
    problem = Kovasznay()
    points = draw(problem, "boundary", 100)
    lower, upper = problem.bounds
    lengths = upper - lower
    perimeter = 2 * np.sum(lengths)
    for axis in (0, 1):
        length = lengths[1 - axis]
        for normal, place in ((-1.0, lower[axis]), (1.0, upper[axis])):
            face = points.coordinates[points.normals[:, axis] == normal]
            assert np.all(face[:, axis] == place)
            assert abs(len(face) - 100 * length / perimeter) <= 2
    assert len(points.coordinates) == 100
    assert np.all(np.abs(points.normals).sum(axis=1) == 1)
    face = draw(problem, "x+", 7)
    assert np.all(face.coordinates[:, 0] == upper[0])
    assert np.all(face.normals == [1.0, 0.0])


def test_a_face_has_the_count_of_the_boundary_unless_its_own_is_set():
    points = Points(counts={"interior": 5, "boundary": 6, "x+": 7})
    regions = ("interior", "boundary", "x-", "x+")
    assert [points.count(r, Burgers()) for r in regions] == [5, 6, 6, 7]
    with pytest.raises(InputError, match="nothing for region 'initial'"):
        Points(counts={"interior": 5}).count("initial", Burgers())


def test_runs_differ_if_and_only_if_their_seeds_differ(eager):
    phases = [explore(redraw_every=10), polish(stop=dict(max_iterations=3))]
    runs = [burgers(seed=seed, phases=phases) for seed in (3, 3, 4)]
    assert_same(runs[0].theta, runs[1].theta)
    histories = []
    for run in runs[:2]:
        histories.append({k: v for k, v in run.history.items() if k != "seconds"})
    assert histories[0] == histories[1]
    assert np.all(runs[0].theta != runs[2].theta)
    assert np.all(runs[0].points["interior"].coordinates != runs[2].points["interior"].coordinates)


# Trainer -----------------------------------------------------------------------------------------


def valley(x, batch):
    """Return Rosenbrock's function, shifted by the batch, and its gradient."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x - batch
        loss = tf.reduce_sum(100 * (y[1:] - y[:-1] ** 2) ** 2 + (1 - y[:-1]) ** 2)
    return loss, tape.gradient(loss, x)


START = tf.constant([-1.2, 1.0, 0.5], tf.float64)


def train(phases, **settings):
    """Run phases on the shifted valley; return the position, the progress and all reports."""
    reports = []
    settings["callbacks"] = [lambda r: reports.append(r), *settings.pop("callbacks", [])]
    progress = Progress()
    feed = Feed(lambda n, _: tf.constant(0.1 * n, tf.float64))
    position = Trainer(Minimization(valley)).run(START, phases, feed, progress, **settings)
    return position, progress, reports


def test_callbacks_get_every_iteration_of_every_phase(eager):
    # A report shares its progress with the trainer, so that its numbers are read at once.
    calls = []
    callback = lambda r: calls.append((r.phase.name, r.progress.records[-1].iterations))  # noqa: E731
    _, progress, reports = train([explore(), polish()], callbacks=[callback])
    assert calls == [("explore", n) for n in (5, 10, 15, 20)] + [("polish", n) for n in (4, 8)]
    assert [len(r.trace.loss) for r in reports] == [5, 5, 5, 5, 4, 4]
    for report in reports:
        assert float(report.trace.loss[-1]) == float(report.state.loss)
    assert [str(r.stop_reason) for r in progress.records] == [
        "iteration budget used: 20",
        "iteration budget used: 8",
    ]
    assert progress.iterations == 28
    assert progress.evaluations == sum(r.evaluations for r in progress.records)


def test_text_from_a_callback_stops_only_the_present_phase(eager):
    stop = lambda r: "seen enough" if r.progress.records[-1].iterations >= 10 else None  # noqa: E731
    _, progress, _ = train([explore(), polish()], callbacks=[stop])
    assert [(r.iterations, str(r.stop_reason)) for r in progress.records] == [
        (10, "seen enough"),
        (8, "iteration budget used: 8"),
    ]


def test_phases_start_and_runs_end_at_the_best_position(eager):
    wild = dataclasses.replace(
        explore(stop=dict(max_iterations=10)), optimizer=Adam(learning_rate=0.8)
    )
    first, first_progress, reports = train([wild])
    losses = np.concatenate([r.trace.loss for r in reports])
    lowest = min(losses.min(), float(valley(START, 0)[0]))
    assert losses[-1] > lowest  # it ends above its best
    assert float(valley(first, 0)[0]) == lowest == float(first_progress.state.best_loss)
    assert_same(train([wild, polish(stop=dict(max_iterations=0))])[0], first)
    last, progress, reports = train([wild, polish()])
    polished = [r for r in reports if r.phase.name == "polish"]
    assert np.max(polished[0].trace.loss) <= lowest
    best_loss = float(progress.state.best_loss)
    assert float(valley(last, 0)[0]) == best_loss
    assert np.min(polished[-1].trace.loss) == best_loss


def test_points_are_redrawn_in_every_phase(eager):
    numbers = []
    batches = []

    def batch(number, kept=None):
        numbers.append(number)
        return tf.constant(0.1 * number, tf.float64)

    phases = [explore(redraw_every=10), polish(redraw_every=3)]
    keep = lambda r: batches.append((r.progress.iterations, round(10 * float(r.batch))))  # noqa: E731
    progress = Progress()
    position = Trainer(Minimization(valley)).run(
        START, phases, Feed(batch), progress, callbacks=[keep]
    )
    assert numbers == [0, 1, 1, 2, 3]  # a phase begins with the last draw, and ends with one in use
    assert batches == [(5, 0), (10, 0), (15, 1), (20, 1), (23, 1), (24, 2), (26, 2), (28, 3)]
    assert float(valley(position, batch(progress.draw))[0]) == float(progress.state.best_loss)


def test_a_redraw_evaluates_the_state_on_the_new_points(eager):
    states = []
    Trainer(Minimization(valley)).run(
        START,
        [polish(redraw_every=4)],
        Feed(lambda n, _: tf.constant(0.1 * n, tf.float64)),
        save=lambda p: states.append((p.draw, p.state)),
    )
    draw_number, state = states[0]
    assert draw_number == 1
    loss, gradient = valley(state.position, tf.constant(0.1, tf.float64))
    assert_same(
        (state.loss, state.gradient, state.best_loss, state.best_position),
        (loss, gradient, loss, state.position),
    )


def test_a_phase_ends_on_the_points_of_its_last_iteration(eager):
    """A run that goes on from there redraws them first."""
    losses = []
    progress = Progress()

    def train(iterations):
        Trainer(Minimization(valley)).run(
            START,
            [polish(redraw_every=4, stop=dict(max_iterations=iterations))],
            Feed(lambda n, _: tf.constant(0.1 * n, tf.float64)),
            progress,
            callbacks=[lambda report: losses.append(float(report.trace.loss[-1]))],
        )

    train(8)
    assert progress.draw == 1 and float(progress.state.loss) == losses[-1]
    progress.reopen(stale=False)
    train(12)
    assert progress.draw == 2 and float(progress.state.loss) == losses[-1]


class Cliff(Problem):
    """The solution 0.9 is close to 1, beyond which the residual is not a number."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def cliff(self, u):
        return tf.sqrt(1 - u) * (u - 0.9)


def test_a_loss_that_is_not_finite_rolls_back(eager):
    network = mlp(lower=[0], upper=[1], outputs=1, width=4, depth=1)
    wild = Phase(
        name="explore",
        optimizer=Adam(learning_rate=0.3),
        stop=StopRule(max_iterations=30),
        report_every=5,
    )
    solution = burgers(problem=Cliff(), network=network, phases=[wild, polish()])
    assert solution.metrics["phases"][0]["restarts"] > 0
    assert np.all(np.isfinite(solution.history["loss"]))
    assert np.all(np.isfinite(solution.theta))
    assert solution.metrics["loss"] == min(solution.history["loss"]) < 0.01


def test_the_solution_has_the_reported_loss(eager):
    wild = dataclasses.replace(explore(redraw_every=10), optimizer=Adam(learning_rate=0.2))
    for phases in (
        [wild],
        [wild, polish(redraw_every=4, stop=dict(max_iterations=4))],
        [explore(), polish()],
    ):
        solution = burgers(phases=phases)
        objective = solution.objective
        batch = Draws(POINTS, objective, seed=0).cut(solution.points)
        loss, _ = objective.value_and_gradient(solution.theta, batch)
        assert float(loss) == solution.metrics["loss"]
        assert_same(objective.flat.flatten(), solution.theta)
        tensors = [tf.convert_to_tensor(v) for v in solution.network.trainable_variables]
        assert_same(tensors, objective.flat.partition(solution.theta))
    losses = solution.history["loss"]
    assert solution.metrics["loss"] == min(losses[-2:]) < losses[0]


def test_the_history_continues_over_redraws_and_phases(eager):
    history = burgers(phases=[explore(redraw_every=10), polish(redraw_every=3)]).history
    assert history["iteration"] == [5, 10, 15, 20, 23, 24, 26, 28]
    assert history["phase"] == ["explore (Adam)"] * 4 + ["polish (L-BFGS)"] * 4
    assert np.all(np.diff(history["evaluations"]) > 0)
    assert np.all(np.diff(history["seconds"]) > 0)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (dict(max_iterations=7), "iteration budget used: 7"),
        (dict(max_evaluations=9), "evaluation budget used: 9"),
        (dict(max_seconds=0.0), "time budget used: 0 s"),
        (dict(target_loss=1e3), "target reached: loss at most 1000"),
        (dict(gradient_tolerance=1e3), "converged: largest gradient component at most 1000"),
        (dict(position_tolerance=1e3), "converged: no parameter changed by more than 1000"),
        (dict(loss_tolerance=0.999), "converged: loss changed by at most 0.999 of itself"),
        (dict(patience=3, max_iterations=500), "patience exhausted"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_a_phase_reports_why_it_stopped(rule, words, eager):
    wild = dataclasses.replace(explore(stop=rule), optimizer=Adam(learning_rate=1.0))
    (phase,) = burgers(phases=[wild], windows=1).metrics["phases"]
    assert words in phase["stop_reason"]
    expected = {
        "max_iterations": 7,
        "max_evaluations": 8,
        "max_seconds": 0,
        "patience": phase["iterations"],
    }
    assert phase["iterations"] == expected.get(next(iter(rule)), 1)


def before_every_advance(patch, action):
    """Call an action with the state and the number of steps before every advance."""
    original = GraphLoop.advance

    def advanced(bound, state, batch, steps, limits):
        action(state, int(steps))
        return original.__get__(bound, type(bound))(state, batch, steps, limits)

    patch.setattr(GraphLoop, "advance", advanced)


def test_a_time_budget_does_not_wait_for_a_report(eager, monkeypatch):
    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

        def tick(self, state, steps):
            self.now += steps  # one second per iteration

    clock = Clock()
    budget = StopRule(max_iterations=1000, max_seconds=12)
    monkeypatch.setattr("pinn.training.phase_run.time", clock)
    before_every_advance(monkeypatch, clock.tick)
    phase = Phase(name="explore", optimizer=Adam(), stop=budget, report_every=1000)
    _, progress, reports = train([phase])
    assert str(progress.records[0].stop_reason) == "time budget used: 12 s"
    assert progress.records[0].iterations == 12
    assert len(reports) == 1
    assert reports[0].trace.loss.shape == (12,)


# Interruptions -----------------------------------------------------------------------------------

PHASES = [explore(redraw_every=10), polish(redraw_every=6)]


def at(iterations, action):
    return lambda report: action() if report.progress.iterations == iterations else None


def interrupt(times=1):
    def action():
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)

    return action


def fail():
    raise RuntimeError("a callback's own fault")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    with quickly():
        return burgers(phases=PHASES, folder=tmp_path_factory.mktemp("whole") / "run")


def same_run(folder, expected):
    """Assert that a run's folder equals that of an uninterrupted run, except for times."""
    resumed = checkpoint.load(folder / "checkpoint.npz")
    whole = checkpoint.load(expected / "checkpoint.npz")
    assert_same(resumed.state, whole.state)
    for progress in (resumed, whole):
        progress.seconds = progress.compile_seconds = 0.0
        for record in (*progress.records, *progress.past):
            record.seconds = 0.0
    assert resumed.to_json() == whole.to_json()
    assert repr(rows_without_times(folder)) == repr(rows_without_times(expected))  # NaN is NaN
    assert (folder / "config.yaml").read_bytes() == (expected / "config.yaml").read_bytes()


def rows_without_times(folder):
    rows = RunFolder(folder).read_history().rows
    for row in rows:
        del row["seconds"]
    return rows


@pytest.mark.parametrize("iterations", [5, 20, 24], ids=["explore", "between", "polish"])
def test_ctrl_c_saves_the_run_and_resume_finishes_it_bitwise(
    iterations, eager, uninterrupted, tmp_path
):
    folder = tmp_path / "run"
    handler = signal.getsignal(signal.SIGINT)
    stopped = burgers(phases=PHASES, folder=folder, callbacks=[at(iterations, interrupt())])
    assert signal.getsignal(signal.SIGINT) is handler
    assert stopped.metrics["phases"][-1]["stop_reason"] == interrupted("Ctrl-C").text
    assert stopped.history["iteration"][-1] == iterations
    assert json.loads((folder / "metrics.json").read_text()) == stopped.metrics
    loaded = pinn.load(folder)
    assert_same(loaded.theta, stopped.theta)
    assert loaded.history == stopped.history
    finished = resume(folder, show=False)
    assert_same(finished.theta, uninterrupted.theta)
    same_run(folder, uninterrupted.folder)
    assert finished.metrics["loss"] == uninterrupted.metrics["loss"]


@pytest.mark.parametrize("phase", ["explore", "polish"])
def test_ctrl_c_does_not_wait_for_a_report(phase, eager, uninterrupted, tmp_path, monkeypatch):
    monkeypatch.setattr("pinn.training.phase_run.SLICE", 0.0)  # one iteration at a time

    def interrupt_in_phase(state, steps):
        in_polish = "position_deltas" in getattr(state.memory, "_fields", ())
        in_phase = in_polish == (phase == "polish")
        if steps and int(state.iterations) == 2 and in_phase:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        before_every_advance(patch, interrupt_in_phase)
        stopped = burgers(phases=PHASES, folder=tmp_path / "run")
    assert stopped.metrics["phases"][-1]["stop_reason"] == interrupted("Ctrl-C").text
    assert stopped.metrics["phases"][-1]["iterations"] == 3  # reports are every 5 and 4 iterations
    assert stopped.history["iteration"][-1] == 3 + 20 * (phase == "polish")
    assert pinn.load(tmp_path / "run").history == stopped.history
    resume(tmp_path / "run", show=False)
    same_run(tmp_path / "run", uninterrupted.folder)  # without the report of the interruption


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_to_end_save_the_run_too(name, eager, uninterrupted, tmp_path):
    """As a scheduler, a closing terminal and a system that shuts down send them."""
    number = getattr(signal, name)
    handler = signal.getsignal(number)
    asked = at(5, lambda: os.kill(os.getpid(), number))
    stopped = burgers(phases=PHASES, folder=tmp_path / "run", callbacks=[asked])
    assert signal.getsignal(number) is handler
    assert stopped.metrics["phases"][-1]["stop_reason"] == interrupted(name).text
    resume(tmp_path / "run", show=False)
    same_run(tmp_path / "run", uninterrupted.folder)


def test_a_signal_that_is_ignored_stays_ignored(eager, uninterrupted, tmp_path):
    """As SIGHUP under nohup."""
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        asked = at(5, lambda: os.kill(os.getpid(), signal.SIGHUP))
        burgers(phases=PHASES, folder=tmp_path / "run", callbacks=[asked])
    finally:
        signal.signal(signal.SIGHUP, previous)
    same_run(tmp_path / "run", uninterrupted.folder)


def test_a_second_ctrl_c_ends_immediately_and_loses_one_report(eager, uninterrupted, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        burgers(phases=PHASES, folder=folder, callbacks=[at(15, interrupt(times=2))])
    assert checkpoint.load(folder / "checkpoint.npz").iterations == 10
    assert [row["iteration"] for row in RunFolder(folder).read_history().rows] == [5, 10, 15]
    resume(folder, show=False)
    same_run(folder, uninterrupted.folder)


def test_a_failing_callback_leaves_no_folder_or_a_run_that_can_be_resumed(
    eager, uninterrupted, tmp_path
):
    folder = tmp_path / "run"
    with pytest.raises(RuntimeError, match="own fault"):
        burgers(phases=PHASES, folder=folder, callbacks=[at(5, fail)])
    assert not folder.exists()
    with pytest.raises(RuntimeError, match="own fault"):
        burgers(phases=PHASES, folder=folder, callbacks=[at(24, fail)])
    resume(folder, show=False)
    same_run(folder, uninterrupted.folder)


def test_resuming_a_finished_run_changes_nothing(eager, uninterrupted):
    folder = uninterrupted.folder
    names = ("config.yaml", "history.csv", "metrics.json", "checkpoint.npz")
    before = [(folder / name).read_bytes() for name in names]
    again = resume(folder, show=False)
    assert [(folder / name).read_bytes() for name in names] == before
    assert_same(again.theta, uninterrupted.theta)
    assert sorted(p.name for p in folder.iterdir()) == sorted([*names, "network.keras"])


@pytest.mark.quick("2")
@pytest.mark.parametrize(
    "phase",
    [explore, polish, by(SOAP()), by(LBFGSB()), by(MultiBatchLBFGS(check_every=4))],
    ids=range(5),
)
def test_a_budget_raised_on_resuming_gives_the_run_of_the_larger_budget(phase, eager, tmp_path):

    def run(count):
        phases = [phase(stop=dict(max_iterations=count), report_every=4)]
        return burgers(phases=phases, folder=tmp_path / str(count))

    whole = run(12)
    part = run(8)
    assert part.metrics["loss"] > whole.metrics["loss"]
    name = part.metrics["phases"][0]["name"]
    resume(part.folder, overrides=[f"phases.{name}.stop.max_iterations=12"], show=False)
    same_run(part.folder, whole.folder)


@pytest.mark.parametrize(
    "stopped_by", ["target_loss=1000.0", "max_evaluations=4", "gradient_tolerance=1000.0"]
)
def test_a_stopped_phase_continues_without_its_stop_rule(stopped_by, eager, tmp_path):
    name, _, text = stopped_by.partition("=")
    value = float(text) if "." in text else int(text)
    first = burgers(phases=[explore(stop={name: value})], folder=tmp_path / "run")
    assert first.metrics["phases"][0]["iterations"] < 5
    second = resume(first.folder, overrides=[f"phases.explore.stop.{name}=null"], show=False)
    (phase,) = second.metrics["phases"]
    assert phase["iterations"] == 20
    assert phase["stop_reason"] == "iteration budget used: 20"


@pytest.fixture(scope="module")
def soft(tmp_path_factory):
    folder = tmp_path_factory.mktemp("soft") / "run"
    with quickly():
        return burgers(folder=folder, constraints="soft", weights={"walls": 1.0, "start": 0.0})


@pytest.mark.quick("seed")
@pytest.mark.parametrize(
    "override", ["weights.walls=1000.0", "points.counts.interior=80", "problem.nu=0.5", "seed=5"]
)
def test_a_changed_loss_restarts_the_optimizer(override, eager, soft, tmp_path):
    folder = shutil.copytree(soft.folder, tmp_path / "run")
    overrides = [override, "phases.polish.stop.max_iterations=16"]
    second = resume(folder, overrides=overrides, show=False)
    objective = second.objective
    batch = Draws(POINTS, objective, seed=0).cut(second.points)
    before, _ = objective.value_and_gradient(soft.theta, batch)
    after, _ = objective.value_and_gradient(second.theta, batch)
    assert float(after) == second.metrics["loss"] < float(before)
    assert second.metrics["loss"] == second.history["loss"][-1]
    assert len(second.history["iteration"]) == len(second.history["loss_momentum"]) == 8
    assert pinn.load(folder).history.keys() == second.history.keys()


def test_the_history_of_a_new_term_starts_with_nan(eager, soft, tmp_path):
    folder = shutil.copytree(soft.folder, tmp_path / "run")
    assert "loss_start" not in soft.history
    overrides = ["weights.start=1.0", "phases.polish.stop.max_iterations=12"]
    second = resume(folder, overrides=overrides, show=False)
    assert np.array_equal(np.isnan(second.history["loss_start"]), [True] * 6 + [False])
    assert np.isnan(RunFolder(folder).read_history().rows[0]["loss_start"])


@pytest.mark.parametrize("override", ["network.width=9", "dtype=float32"])
def test_a_trained_network_cannot_be_changed(override, eager, uninterrupted):
    config = uninterrupted.folder / "config.yaml"
    before = config.read_bytes()
    with pytest.raises(InputError, match=r"start a new run|sets no key"):
        resume(uninterrupted.folder, overrides=[override], show=False)
    assert config.read_bytes() == before


def test_phases_need_different_names(eager):
    message = "phases: explore, explore; give every phase a name of its own"
    with pytest.raises(InputError, match=message):
        burgers(phases=[explore(), explore()])


# History -----------------------------------------------------------------------------------------

NUMBERS = [
    0.1 + 0.2,
    1 / 3,
    5e-324,
    -0.0,
    1.7976931348623157e308,
    1e22,
    123456789.123456789,
    math.inf,
    math.nan,
]


def rows_of(numbers=NUMBERS):
    rows = []
    for i, number in enumerate(numbers):
        row = {"phase": 'explore, "again" (Adam)', "iteration": i, "evaluations": 3 * i}
        rows.append(row | {"seconds": 0.5, "loss": number})
    return rows


def to_bits(rows):
    """Return rows with the bytes of their real numbers, which compare -0.0 and NaN exactly."""
    packed = []
    for row in rows:
        packed_row = {}
        for key, value in row.items():
            packed_row[key] = struct.pack("<d", value) if isinstance(value, float) else value
        packed.append(packed_row)
    return packed


def write_history(path, rows):
    history = History.open(path, list(rows[0]))
    for row in rows:
        history.append(row)
    return history


def test_a_history_is_read_bitwise(tmp_path):
    rows = rows_of([*NUMBERS, *np.random.default_rng(0).standard_normal(20)])
    history = write_history(tmp_path / "history.csv", rows)
    found = History.read(tmp_path / "history.csv").rows
    assert to_bits(found) == to_bits(rows) == to_bits(history.rows)
    assert [type(v) for v in found[0].values()] == [str, int, int, float, float]
    assert history["iteration"] == list(range(29))
    assert History(list(rows[0]))["loss"] == []


def test_an_incomplete_line_of_a_history_is_left_out(tmp_path):
    path = tmp_path / "history.csv"
    rows = rows_of(NUMBERS[:3])
    write_history(path, rows)
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        complete = sum(end <= length for end in ends) - 1
        assert to_bits(History.read(path).rows) == to_bits(rows[: max(complete, 0)])


def test_a_resumed_history_keeps_the_rows_of_the_checkpoint(tmp_path):
    path = tmp_path / "history.csv"
    rows = rows_of()
    write_history(path, rows)
    with open(path, "a") as file:
        file.write("explore,99,1")
    history = History.open(path, list(rows[0]), keep=4)
    assert to_bits(History.read(path).rows) == to_bits(rows[:4]) == to_bits(history.rows)
    history.append(rows[4])
    assert to_bits(History.read(path).rows) == to_bits(rows[:5])
    before = path.read_bytes()
    with pytest.raises(InputError, match="holds 5 rows, the checkpoint 6"):
        History.open(path, list(rows[0]), keep=6)
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="cannot be read"):
        History.read(tmp_path / "absent.csv")


# Checkpoints -------------------------------------------------------------------------------------


def progress_of(optimizer, dtype="float64", steps=3):
    position = tf.constant([-1.2, 1.0, 0.5], dtype)
    bound = optimizer.bind(Minimization(valley))
    batch, limits = tf.constant(0.0, dtype), StopRule().limits(dtype)
    state, _ = bound.advance(bound.start(position, batch), batch, tf.constant(steps), limits)
    reason = StopReason(StopKind.ITERATIONS, "iteration budget used: 5")
    explored = PhaseRecord("explore", "Adam", 5, 6, 1, 0.1 + 0.2, reason)
    records = [explored, PhaseRecord("ä", "b")]
    return Progress(
        records=records,
        state=state,
        draw=3,
        counters=PhaseState(drawn_at=2, failures=1),
        rows=7,
        seconds=1 / 3,
    )


def restored(optimizer, progress):
    """A loaded state, whose memory is plain arrays until its optimizer is known."""
    return optimizer.bind(Minimization(valley)).restore(progress.state)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "optimizer", [Adam(), LBFGS(pairs=2), SOAP(), LBFGSB()], ids=lambda m: m.label
)
def test_a_checkpoint_is_loaded_bitwise_and_contains_no_pickle(optimizer, dtype, eager, tmp_path):
    path = tmp_path / "checkpoint.npz"
    progress = progress_of(optimizer, dtype)
    assert progress.counters.lowest == math.inf
    checkpoint.save(path, progress)
    loaded = checkpoint.load(path, size=3)
    assert loaded.to_json() == progress.to_json()
    assert isinstance(loaded.state, State)
    assert_same(restored(optimizer, loaded), progress.state)
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    assert all(a.dtype != object for a in arrays.values())
    assert_same(arrays["state/position/"], progress.state.position)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_an_invalid_checkpoint_is_refused_and_not_changed(eager, tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, progress_of(Adam()))
    whole = path.read_bytes()
    for length in {0, 1, 10, *range(0, len(whole), 97), len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="restore the file"):
            checkpoint.load(path)
        assert path.read_bytes() == whole[:length]
    path.write_bytes(whole)
    with pytest.raises(InputError, match="holds 3 parameters, the run's network has 4"):
        checkpoint.load(path, size=4)
    assert path.read_bytes() == whole
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(InputError, match="not a checkpoint of this program"):
        checkpoint.load(path)
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoint.load(tmp_path / "absent.npz")


def test_a_checkpoint_with_a_wrong_bit_is_refused_or_unaffected(eager, tmp_path):
    path = tmp_path / "checkpoint.npz"
    progress = progress_of(Adam())
    checkpoint.save(path, progress)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.choice(len(whole), 300, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(bytes(damaged))
        try:
            loaded = checkpoint.load(path)
        except InputError:
            refused += 1
            continue
        assert_same(restored(Adam(), loaded), progress.state)
        assert loaded.to_json() == progress.to_json()
    assert refused > 200


@pytest.mark.parametrize("broken", ["numpy.savez", "os.fsync", "os.replace"])
def test_a_checkpoint_is_written_whole_or_not_at_all(broken, eager, monkeypatch, tmp_path):
    path = tmp_path / "checkpoint.npz"
    progress = progress_of(Adam())
    checkpoint.save(path, progress)
    before = path.read_bytes()

    def full(*arguments, **_):
        if broken == "numpy.savez":
            arguments[0].write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(broken, full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(path, dataclasses.replace(progress, draw=4))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
