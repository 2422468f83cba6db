"""Windows of time that a run chooses: halved, doubled, given up, resumed."""

from typing import ClassVar

import numpy as np
import pytest

import pinn
import pinn.setup.setup
from pinn.errors import InputError
from pinn.geometry import Interval as Line
from pinn.objective import UNSCALED
from pinn.optimizers import Adam, GaussNewton
from pinn.problem import At, Problem, residual, satisfies
from pinn.problems import Burgers, Poisson, TaylorGreen
from pinn.run import load, resume, windows
from pinn.run.windows import SHORTEST, TOLERANCE, Interval, is_useless, next_edge
from pinn.setup import Points
from pinn.setup.network import default_network
from pinn.setup.setup import Setup
from pinn.training import Phase, StopRule
from pinn.training.stopping import StopKind, StopReason

POINTS = Points(counts={"interior": 60, "initial": 1}, test=200)


class Growth(Problem):
    """u' = u from a millionth, over eight e-folds; the initial condition may be built in."""

    fields = ("u",)
    time = (1.0, 9.0)

    @residual(on="interior")
    def growth(self, u, u_t):
        return u_t - u

    @residual(on="initial")
    def start(self, u):
        return u - 1e-6

    @satisfies("start")
    def ansatz(self, t, net):
        return 1e-6 + (t - 1) * net

    def reference(self, t):
        return {"u": 1e-6 * np.exp(t - 1)}


def phases(count=20):
    polish = Phase(
        name="polish",
        optimizer=GaussNewton(),
        stop=StopRule(max_iterations=count),
        report_every=5,
        redraw_every=10,
    )
    explore = StopRule(max_iterations=2)
    return [Phase(name="explore", optimizer=Adam(), stop=explore, report_every=2), polish]


pytestmark = pytest.mark.usefixtures("shared_losses")


@pytest.fixture(autouse=True)
def few_iterations_count(monkeypatch):
    monkeypatch.setattr(pinn.setup.setup, "FEWEST", 20)
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])


def network():
    return default_network(Growth(), seed=0, width=6, depth=1)


def solve(**settings):
    settings = {"phases": phases(), "points": POINTS, "show": False, **settings}
    return pinn.solve(Growth(), network=network(), **settings)


def check(solution):
    """Check the errors relative to the values of the time: every window has scales of its own."""
    t = np.linspace(1, 9, 60)
    truth = Growth().reference(t)["u"]
    assert np.max(np.abs(solution(t)["u"] / truth - 1)) < 1e-2
    slope = solution.derivative("u_t", t)
    assert np.max(np.abs(slope / truth - 1)) < 0.1
    stages = [phase.get("stage", "") for phase in solution.metrics["phases"]]
    assert stages[:4] == ["", "", "1 ≤ t ≤ 3", "1 ≤ t ≤ 3"]
    assert stages[-1].endswith("t ≤ 9")


@pytest.mark.slow
def test_an_ansatz_holds_in_the_first_window_that_is_chosen(monkeypatch):
    monkeypatch.setattr(windows, "TOLERANCE", 1e-3)
    check(solve(constraints="hard"))


class Killed(Exception):
    """Represents a kill."""


@pytest.mark.slow
def test_a_run_killed_in_any_attempt_and_resumed_is_the_undisturbed_one(tmp_path, monkeypatch):
    monkeypatch.setattr(windows, "TOLERANCE", 1e-3)
    undisturbed = solve(constraints="soft", folder=tmp_path / "a")
    check(undisturbed)
    reports = []

    def kill(report):
        reports.append(report.progress.stage_name)
        if len(reports) in (3, 9, 14):
            raise Killed

    with pytest.raises(Killed):
        solve(constraints="soft", folder=tmp_path / "b", callbacks=[kill])
    for _ in range(2):
        with pytest.raises(Killed):
            resume(tmp_path / "b", show=False, callbacks=[kill])
    assert len(set(reports)) > 1
    resumed = resume(tmp_path / "b", show=False)
    np.testing.assert_array_equal(resumed.theta, undisturbed.theta)
    t = np.linspace(1, 9, 20)
    np.testing.assert_array_equal(resumed(t)["u"], undisturbed(t)["u"])
    np.testing.assert_array_equal(load(tmp_path / "b")(t)["u"], undisturbed(t)["u"])
    assert len(resumed.metrics["phases"]) == len(undisturbed.metrics["phases"])


@pytest.mark.slow
def test_a_run_returns_to_its_first_attempt_where_windows_do_not_help(monkeypatch):
    monkeypatch.setattr("pinn.run.stage_runs.is_useless", lambda attempts: len(attempts) > 1)
    solution = solve()
    names = [(phase["name"], phase.get("stage", "")) for phase in solution.metrics["phases"]]
    quarter = "1 ≤ t ≤ 3"
    assert names == [
        ("explore", ""),
        ("polish", ""),
        ("explore", quarter),
        ("polish", quarter),
        ("polish", ""),
    ]
    t = np.linspace(1, 9, 5)
    assert np.all(np.isfinite(solution(t)["u"]))


class Jump(Problem):
    """Diffusion whose start and wall disagree in a corner."""

    fields = ("u",)
    space = Line(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def diffusion(self, u_t, u_xx):
        return u_t - u_xx

    @residual(on="initial")
    def start(self, u):
        return u

    @residual(on="boundary")
    def walls(self, u):
        return u - 1.0


@pytest.mark.slow
def test_a_run_keeps_to_one_window_where_a_field_jumps():
    points = Points(counts={"interior": 60, "initial": 10, "boundary": 10}, test=200)
    with pytest.warns(pinn.ProblemWarning):
        solution = pinn.solve(Jump(), phases=phases(), points=points, show=False)
    assert len(solution.metrics["phases"]) == 2


def test_windows_become_shorter_and_longer_and_end_with_the_interval():
    first = Interval(0.0, 1.0, 0.0, 1.0)
    assert next_edge(first, [TOLERANCE]) is None
    assert next_edge(first, [2 * TOLERANCE]) == 0.25
    quarter = Interval(0.0, 0.25, 0.0, 1.0)
    assert next_edge(quarter, [1.0, 0.1, TOLERANCE]) == 0.5
    assert next_edge(quarter._replace(end=0.125), [1.0, 0.0]) == 0.375
    assert next_edge(Interval(0.0, 0.4, 0.0, 1.0), [1.0, 0.0]) == 1.0  # none shorter than its half
    assert next_edge(Interval(0.5, 1.0, 0.0, 1.0), [2 * TOLERANCE]) == 0.625
    assert next_edge(Interval(0.5, 1.0, 0.0, 1.0), [TOLERANCE]) is None
    # What may not be halved, and what the user has ended, is taken as it is.
    shortest = Interval(0.0, SHORTEST, 0.0, 1.0)
    assert next_edge(shortest, [1.0]) == 2 * SHORTEST
    asked = StopReason(StopKind.SECONDS, "time budget used: 1 s")
    assert next_edge(first, [1.0], asked) is None
    assert not is_useless([1.0, 0.9])
    assert is_useless([1.0, 0.9, 0.8])
    assert not is_useless([1.0, 0.9, 0.4])


class WithoutStart(Problem):
    """u' = 0 without an initial condition."""

    fields = ("u",)
    space = Line(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def still(self, u_t):
        return u_t


class WithEnd(Growth):
    """A condition at a later time, which no window before it can meet."""

    regions: ClassVar = {"end": At(t=9.0)}

    @residual(on="end")
    def end(self, u):
        return u - 1


@pytest.mark.parametrize(
    ("problem", "settings"),
    [
        (Poisson(), {}),
        (TaylorGreen(), {}),
        (WithoutStart(), {}),
        (WithEnd(), {}),
        (Burgers(), {"continuation": {"nu": [0.1]}}),
        (Burgers(), {"scales": "none"}),
        (Burgers(), {"phases": phases(count=19)}),
        (Burgers(), {"windows": 1}),
    ],
)
def test_a_run_keeps_to_one_window_where_none_could_be_solved_alone(problem, settings):
    model = default_network(problem, seed=0, width=6, depth=1)
    setup = Setup(problem=problem, network=model, **{"phases": phases(), **settings})
    assert not setup.chooses_windows


def test_burgers_equation_may_be_solved_in_windows():
    model = default_network(Burgers(), seed=0, width=6, depth=1)
    setup = Setup(problem=Burgers(), network=model, phases=phases())
    assert setup.chooses_windows
    assert setup.with_scales(None).scales.later == UNSCALED


def test_words_other_than_auto_are_refused():
    with pytest.raises(InputError, match="windows='many'; give a whole number of at least 1, or"):
        Setup(problem=Growth(), network=network(), windows="many")
