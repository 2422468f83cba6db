"""Windows of time and continuations: what stages hand on, what they report, and how they are resumed."""

from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf

import pinn
from pinn.errors import InputError
from pinn.geometry import Interval
from pinn.objective import Objective, StageParameters
from pinn.optimizers import BFGS, Adam
from pinn.problem import Problem, residual, satisfies
from pinn.problems import Burgers, Poisson, TaylorGreen
from pinn.run import load, resume
from pinn.setup import Points, config
from pinn.setup.draws import Draws
from pinn.setup.setup import Setup, default_network
from pinn.setup.stages import handover, stages
from pinn.training import Phase, StopRule
from pinn.weights import GradientNorm

PHASES = [
    Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=10), report_every=10),
    Phase(
        name="polish",
        optimizer=BFGS(),
        stop=StopRule(max_iterations=60),
        report_every=30,
        redraw_every=30,
    ),
]
SETTINGS = {
    "phases": PHASES,
    "points": Points(counts={"interior": 40, "initial": 1}, test=200),
    "show": False,
}


@dataclass(frozen=True, kw_only=True)
class Decay(Problem):
    """u' = −k u from 1."""

    k: float = 1.0

    fields = ("u",)
    time = (0.0, 3.0)

    @residual(on="interior")
    def decay(self, u, u_t):
        return u_t + self.k * u

    @residual(on="initial")
    def start(self, u):
        return u - 1

    @satisfies("start")
    def ansatz(self, t, net):
        return 1 + t * net

    def reference(self, t):
        return {"u": np.exp(-self.k * t)}


@dataclass(frozen=True, kw_only=True)
class Oscillator(Problem):
    """u'' = −u from 0 at the speed 1."""

    fields = ("u",)
    time = (1.0, 3.0)

    @residual(on="interior")
    def swing(self, u, u_tt):
        return u_tt + u

    @residual(on="initial")
    def start(self, t, u):
        return u - tf.sin(t)

    @residual(on="initial")
    def speed(self, t, u_t):
        return u_t - tf.cos(t)

    def reference(self, t):
        return {"u": np.sin(t)}


def network(problem, windows=1):
    return default_network(stages(problem, windows)[0].problem, seed=0, width=6, depth=1)


@pytest.mark.parametrize("problem", [Decay(), Oscillator()], ids=["built in", "in the loss"])
def test_windows_solve_one_after_another(problem, shared_losses):
    found = pinn.solve(problem, network=network(problem, 3), windows=3, **SETTINGS)
    begin, end = problem.time
    t = np.linspace(begin, end, 50)
    truth = problem.reference(t=t)["u"]
    assert np.max(np.abs(found(t)["u"] - truth)) < 1e-2  # what sixty iterations reach
    assert found.metrics["relative_l2"]["u"] < 1e-2 and found.metrics["finished"]
    # The derivative too is that of the window which the time is in; at an edge the windows agree.
    slope = found.derivative("u_t", t)
    assert np.max(np.abs(slope - np.gradient(truth, t, edge_order=2))) < 5e-2
    edge = begin + (end - begin) / 3
    assert abs(np.diff(found(np.array([edge, edge + 1e-12]))["u"])[0]) < 5e-3
    told = [(p["name"], p["stage"]) for p in found.metrics["phases"]]
    assert (
        told[:2] == [("explore", f"t ≤ {edge:.4g}"), ("polish", f"t ≤ {edge:.4g}")]
        and len(told) == 6
    )
    assert found.history["iteration"][-1] == 3 * 70
    assert found.history["phase"][0].endswith(f"t ≤ {edge:.4g}")
    hard = isinstance(problem, Decay)
    assert (
        np.isnan(found.history["loss_start"][0]) == hard and found.history["loss_start"][-1] < 1e-4
    )


def test_the_programs_of_a_loss_serve_all_its_windows():
    problem, points = Oscillator(), Points(counts={"interior": 64, "initial": 1})
    objective = Objective(stages(problem, 4)[0].problem, network(problem, 4))
    theta, losses = objective.flat.flatten(), []
    for stage in stages(problem, 4):
        draws = Draws(
            points,
            objective,
            seed=0,
            problem=stage.problem,
            parameters=StageParameters(time_offset=tf.constant(stage.time_offset, tf.float64)),
            handover=handover(stage.problem, None),
        )
        batch = draws.batch(0, {})
        times = batch.points["interior"].rows[:, 0]
        assert stage.problem.bounds[0] <= times.min() and times.max() <= stage.problem.bounds[1]
        losses.append(float(objective.value_and_gradient(theta, batch)[0]))
    assert (
        objective.value_and_gradient.experimental_get_tracing_count() == 1 and len(set(losses)) == 4
    )
    fresh = Objective(stages(problem, 4)[3].problem, objective.network)
    assert float(fresh.value_and_gradient(theta, batch)[0]) == losses[3]


def test_what_is_carried_over_is_zero_for_a_solution_that_goes_on():
    problem, t = Oscillator(), np.full((3, 1), 2.0)
    found = handover(
        problem, lambda names, at: {"u": np.sin(at[:, 0]) + 0.1, "u_t": np.cos(at[:, 0])}
    )(t)
    np.testing.assert_allclose(found["start"], 0.1)
    np.testing.assert_allclose(found["speed"], 0.0, atol=1e-15)
    assert all(not np.any(v) for v in handover(problem, None)(t).values())


class Killed(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize(
    "settings", [{"windows": 3}, {"continuation": {"k": [0.3, 0.6]}}], ids=["windows", "steps"]
)
def test_a_run_killed_in_any_stage_and_resumed_is_the_undisturbed_one(
    settings, tmp_path, shared_losses
):
    problem = Decay()

    phases = [
        Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=6), report_every=6),
        Phase(
            name="polish",
            optimizer=BFGS(),
            stop=StopRule(max_iterations=6),
            report_every=3,
            redraw_every=3,
        ),
    ]

    def run(folder, **more):
        made = network(problem, settings.get("windows", 1))
        return pinn.solve(
            problem,
            network=made,
            folder=folder,
            **{**SETTINGS, "phases": phases},
            **settings,
            **more,
        )

    undisturbed = run(tmp_path / "a")
    reports = []

    def kill(report):
        reports.append(report.progress.stage)
        if len(reports) in (3, 6, 8):
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path / "b", callbacks=[kill])
    for _ in range(2):
        with pytest.raises(Killed):
            resume(tmp_path / "b", show=False, callbacks=[kill])
    resumed = resume(tmp_path / "b", show=False)
    assert {0, 1, 2} >= set(reports) and len(set(reports)) > 1
    np.testing.assert_array_equal(resumed.theta, undisturbed.theta)
    t = np.linspace(0, 3, 20)
    np.testing.assert_array_equal(resumed(t)["u"], undisturbed(t)["u"])
    np.testing.assert_array_equal(load(tmp_path / "b")(t)["u"], undisturbed(t)["u"])
    assert (
        resumed.metrics["phases"][-1]["iterations"]
        == undisturbed.metrics["phases"][-1]["iterations"]
    )
    with pytest.raises(InputError, match="stages that the run has gone through"):
        resume(tmp_path / "b", overrides=["problem.k=2.0"])


def test_a_continuation_ends_at_the_problem_itself(shared_losses):
    found = pinn.solve(
        Decay(), network=network(Decay()), continuation={"k": [0.2, 0.5]}, **SETTINGS
    )
    told = [(p["name"], p["stage"]) for p in found.metrics["phases"]]
    assert told == [
        ("explore", "k = 0.2"),
        ("polish", "k = 0.2"),
        ("polish", "k = 0.5"),
        ("polish", "k = 1"),
    ]
    assert found.metrics["relative_l2"]["u"] < 1e-2
    errors = found.history["error_u"]  # all against the problem's own reference
    assert errors[2] > 0.1 and errors[-1] < 1e-2


def test_first_order_phases_are_left_out_where_the_start_is_a_solution_already():
    def names(phases=PHASES, **settings):
        made = Setup(
            problem=Decay(),
            network=network(Decay(), settings.get("windows", 1)),
            phases=phases,
            **settings,
        )
        return [[phase.name for phase in made.phases_of(i)] for i in range(len(made.stages))]

    both, polish = ["explore", "polish"], ["polish"]
    assert names(continuation={"k": [0.2, 0.5]}) == [both, polish, polish]
    assert names(windows=3) == [both, both, both]  # another window has another solution
    assert names(continuation={"k": [0.2]}, scheme=GradientNorm()) == [
        both,
        both,
    ]  # which follow single steps
    assert names(PHASES[:1], continuation={"k": [0.2]}) == [["explore"], ["explore"]]


def test_a_steered_coefficient_gives_the_loss_of_its_value():
    plain = Objective(Burgers(nu=0.02), default_network(Burgers(), seed=0, width=6, depth=1))
    steered = Objective(Burgers(nu=0.5), plain.network, continuation=("nu",))
    points, theta = (
        Points(counts={"interior": 64, "initial": 8, "boundary": 8}),
        plain.flat.flatten(),
    )
    batch = Draws(points, plain, seed=0).batch(0, {})

    def loss(nu):
        stage = StageParameters({"nu": tf.constant(nu, tf.float64)})
        return float(steered.value_and_gradient(theta, batch._replace(stage=stage))[0])

    before, after = loss(0.5), loss(0.02)
    assert steered.value_and_gradient.experimental_get_tracing_count() == 1
    assert before != after and after == pytest.approx(
        float(plain.value_and_gradient(theta, batch)[0]), rel=1e-12
    )


def test_stages_survive_the_configuration():
    made = Setup(problem=Decay(), network=network(Decay(), 4), windows=4, phases=PHASES)
    again = config.setup(config.describe(made), network=made.network)
    assert again.windows == 4 and [s.name for s in again.stages] == [s.name for s in made.stages]
    node = {**config.describe(made), "windows": 1, "continuation": {"k": [0.1]}}
    assert [s.problem.k for s in config.setup(node, network=made.network).stages] == [0.1, 1.0]
    # Hydra's configurations build the network for the first window.
    inside = config.setup({**config.describe(made), "windows": 3}).network
    np.testing.assert_allclose(
        inside.get_layer("scaling").get_weights()[0], [[2.0]]
    )  # for times from 0 to 1


@dataclass(frozen=True, kw_only=True)
class Endless(Problem):
    """u' = 0, begun nowhere."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def still(self, u_t):
        return u_t


@pytest.mark.parametrize(
    ("problem", "settings", "message"),
    [
        (Decay(), {"windows": 0}, "windows=0; give a whole number of at least 1."),
        (Decay(), {"windows": 2.0}, "windows=2.0; give a whole number of at least 1."),
        (Poisson(), {"windows": 2}, "windows=2: Poisson does not depend on time; use windows=1."),
        (
            TaylorGreen(),
            {"windows": 2},
            "windows=2: p is known up to a function of time; use windows=1.",
        ),
        (
            Endless(),
            {"windows": 2},
            "windows=2: Endless has no initial condition, which a window could hand over",
        ),
        (
            Decay(unknowns={"k": 0.5}),
            {"windows": 2},
            "windows=2: k would be found anew in every window",
        ),
        (
            Decay(),
            {"windows": 2, "continuation": {"k": [1]}},
            "windows=2: does not go with a continuation",
        ),
        (
            Decay(),
            {"continuation": {"kk": [1]}},
            "continuation.kk: no coefficient of Decay. Did you mean 'k'?",
        ),
        (Decay(), {"continuation": {"k": 0.5}}, "continuation.k=0.5; give a list of numbers"),
        (
            Decay(),
            {"continuation": {"k": ["a"]}},
            "continuation.k: 'a' is no finite number; give numbers.",
        ),
        (Decay(), {"continuation": [0.5]}, r"continuation=\[0.5\]; give values by coefficient"),
        (
            Decay(unknowns={"k": 0.5}),
            {"continuation": {"k": [1]}},
            "continuation.k: k is an unknown",
        ),
        (Burgers(), {"continuation": {"nu": [-1.0]}}, "nu=-1.0 is not a positive finite number"),
    ],
)
def test_stages_that_cannot_be(problem, settings, message):
    with pytest.raises(InputError, match=message):
        stages(problem, **settings)
