"""Windows of time and continuations: handover, reports, resumed runs."""

from concurrent.futures import ThreadPoolExecutor

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
from pinn.setup.network import default_network
from pinn.setup.setup import Setup
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
    "scales": "none",  # the equation has the weight with which sixty iterations suffice
    "phases": PHASES,
    "points": Points(counts={"interior": 40, "initial": 1}, test=200),
    "show": False,
}


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


@pytest.mark.slow
@pytest.mark.parametrize("problem", [Decay(), Oscillator()], ids=["built in", "in the loss"])
def test_windows_solve_one_after_another(problem, shared_losses):
    solution = pinn.solve(problem, network=network(problem, 3), windows=3, **SETTINGS)
    begin, end = problem.time
    t = np.linspace(begin, end, 50)
    truth = problem.reference(t=t)["u"]
    assert np.max(np.abs(solution(t)["u"] - truth)) < 1e-2  # what sixty iterations reach
    assert solution.metrics["relative_l2"]["u"] < 1e-2
    assert solution.metrics["finished"]
    # A derivative, too, is that of the window that contains the time; at an edge the windows agree.
    slope = solution.derivative("u_t", t)
    assert np.max(np.abs(slope - np.gradient(truth, t, edge_order=2))) < 5e-2
    edge = begin + (end - begin) / 3
    at_edge = solution(np.array([edge, edge + 1e-12]))["u"]
    assert abs(at_edge[1] - at_edge[0]) < 5e-3
    first_stage = f"t ≤ {edge:.4g}"
    phases = [(phase["name"], phase["stage"]) for phase in solution.metrics["phases"]]
    assert phases[:2] == [("explore", first_stage), ("polish", first_stage)]
    assert len(phases) == 6
    assert solution.history["iteration"][-1] == 3 * 70
    assert solution.history["phase"][0].endswith(first_stage)
    start_losses = solution.history["loss_start"]
    is_hard = isinstance(problem, Decay)
    assert np.isnan(start_losses[0]) == is_hard
    assert start_losses[-1] < 1e-4


@pytest.mark.slow
def test_threads_evaluate_a_solution_in_windows_at_the_same_time(shared_losses):
    solution = pinn.solve(Decay(), network=network(Decay(), 3), windows=3, **SETTINGS)
    times = np.linspace(0, 3, 40).reshape(8, 5)
    expected = [solution(t)["u"] for t in times]
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(lambda t: solution(t)["u"], times))
    np.testing.assert_array_equal(found, expected)


def test_all_windows_share_the_programs_of_a_loss():
    problem = Oscillator()
    points = Points(counts={"interior": 64, "initial": 1})
    objective = Objective(stages(problem, 4)[0].problem, network(problem, 4))
    theta = objective.flat.flatten()
    losses = []
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
        begin, end = stage.problem.bounds
        assert begin <= times.min()
        assert times.max() <= end
        losses.append(float(objective.value_and_gradient(theta, batch)[0]))
    assert objective.value_and_gradient.experimental_get_tracing_count() == 1
    assert len(set(losses)) == 4
    fresh = Objective(stages(problem, 4)[3].problem, objective.network)
    assert float(fresh.value_and_gradient(theta, batch)[0]) == losses[3]


def test_the_handover_gives_the_difference_of_the_last_state_from_the_initial_condition():
    problem = Oscillator()
    t = np.full((3, 1), 2.0)

    def last_state(names, points):
        return {"u": np.sin(points[:, 0]) + 0.1, "u_t": np.cos(points[:, 0])}

    differences = handover(problem, last_state)(t)
    np.testing.assert_allclose(differences["start"], 0.1)
    np.testing.assert_allclose(differences["speed"], 0.0, atol=1e-15)
    # The first window has no last state.
    for difference in handover(problem, None)(t).values():
        assert not np.any(difference)


class Killed(Exception):
    """Represents a kill."""


@pytest.mark.quick("steps")
@pytest.mark.parametrize(
    "settings", [{"windows": 3}, {"continuation": {"k": [0.3, 0.6]}}], ids=["windows", "steps"]
)
def test_a_run_killed_in_any_stage_and_resumed_is_the_undisturbed_one(
    settings, tmp_path, shared_losses
):
    problem = Decay()
    stop = StopRule(max_iterations=6)
    phases = [
        Phase(name="explore", optimizer=Adam(), stop=stop, report_every=6),
        Phase(name="polish", optimizer=BFGS(), stop=stop, report_every=3, redraw_every=3),
    ]

    def run(folder, **more):
        model = network(problem, settings.get("windows", 1))
        arguments = {**SETTINGS, "phases": phases, **settings, **more}
        return pinn.solve(problem, network=model, folder=folder, **arguments)

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
    assert set(reports) <= {0, 1, 2}
    assert len(set(reports)) > 1
    np.testing.assert_array_equal(resumed.theta, undisturbed.theta)
    t = np.linspace(0, 3, 20)
    np.testing.assert_array_equal(resumed(t)["u"], undisturbed(t)["u"])
    np.testing.assert_array_equal(load(tmp_path / "b")(t)["u"], undisturbed(t)["u"])
    last_phase = undisturbed.metrics["phases"][-1]
    assert resumed.metrics["phases"][-1]["iterations"] == last_phase["iterations"]
    with pytest.raises(InputError, match="stages that the run has gone through"):
        resume(tmp_path / "b", overrides=["problem.k=2.0"])


def test_a_continuation_ends_at_the_problem_itself(shared_losses):
    continuation = {"k": [0.2, 0.5]}
    solution = pinn.solve(Decay(), network=network(Decay()), continuation=continuation, **SETTINGS)
    assert [(phase["name"], phase["stage"]) for phase in solution.metrics["phases"]] == [
        ("explore", "k = 0.2"),
        ("polish", "k = 0.2"),
        ("polish", "k = 0.5"),
        ("polish", "k = 1"),
    ]
    assert solution.metrics["relative_l2"]["u"] < 1e-2
    errors = solution.history["error_u"]  # all against the problem's own reference
    assert errors[2] > 0.1
    assert errors[-1] < 1e-2


def test_first_order_phases_are_left_out_where_the_start_is_nearly_a_solution():
    def names(phases=PHASES, **settings):
        model = network(Decay(), settings.get("windows", 1))
        setup = Setup(problem=Decay(), network=model, phases=phases, **settings)
        names = []
        for i in range(len(setup.stages)):
            names.append([phase.name for phase in setup.phases_of(i)])
        return names

    both = ["explore", "polish"]
    polish = ["polish"]
    assert names(continuation={"k": [0.2, 0.5]}) == [both, polish, polish]
    # Another window has another solution.
    assert names(windows=3) == [both, both, both]
    # Weights that follow the training need the first phase, which makes single steps.
    assert names(continuation={"k": [0.2]}, scheme=GradientNorm()) == [both, both]
    assert names(PHASES[:1], continuation={"k": [0.2]}) == [["explore"], ["explore"]]


@pytest.mark.slow
def test_a_coefficient_of_a_continuation_gives_the_loss_of_its_value():
    plain = Objective(Burgers(nu=0.02), default_network(Burgers(), seed=0, width=6, depth=1))
    continued = Objective(Burgers(nu=0.5), plain.network, continuation=("nu",))
    points = Points(counts={"interior": 64, "initial": 8, "boundary": 8})
    theta = plain.flat.flatten()
    batch = Draws(points, plain, seed=0).batch(0, {})

    def loss(nu):
        stage = StageParameters({"nu": tf.constant(nu, tf.float64)})
        return float(continued.value_and_gradient(theta, batch._replace(stage=stage))[0])

    plain_loss = float(plain.value_and_gradient(theta, batch)[0])
    assert loss(0.5) != pytest.approx(plain_loss, rel=1e-12)
    assert loss(0.02) == pytest.approx(plain_loss, rel=1e-12)
    assert continued.value_and_gradient.experimental_get_tracing_count() == 1


def test_stages_are_described_by_the_configuration():
    setup = Setup(problem=Decay(), network=network(Decay(), 4), windows=4, phases=PHASES)
    node = config.describe(setup)
    again = config.setup(node, network=setup.network)
    assert again.windows == 4
    assert [stage.name for stage in again.stages] == [stage.name for stage in setup.stages]
    continuation = {**node, "windows": 1, "continuation": {"k": [0.1]}}
    continued = config.setup(continuation, network=setup.network)
    assert [stage.problem.k for stage in continued.stages] == [0.1, 1.0]
    # Hydra's configurations build the network for the first window, here for times from 0 to 1.
    model = config.setup({**node, "windows": 3}).network
    np.testing.assert_allclose(model.get_layer("scaling").get_weights()[0], [[2.0]])


class Endless(Problem):
    """u' = 0 without an initial condition."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def still(self, u_t):
        return u_t


@pytest.mark.parametrize(
    ("problem", "settings", "message"),
    [
        (Decay(), {"windows": 0}, "windows=0; give a whole number of at least 1, or auto."),
        (Decay(), {"windows": 2.0}, "windows=2.0; give a whole number of at least 1, or auto."),
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
            r"windows=2: k would be found anew in every window \(see network\.subdomains\)",
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
def test_impossible_stages_raise_an_error(problem, settings, message):
    with pytest.raises(InputError, match=message):
        stages(problem, **settings)
