"""From a problem to a solution, its folder, and back."""

import csv
import json
import zipfile

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import yaml

import pinn
from pinn import LBFGS, Adam, Interval, Problem, mlp, residual
from pinn.errors import InputError
from pinn.measurements import Synthetic
from pinn.problems import Burgers
from pinn.run import load, resume, solve
from pinn.runtime import set_precision
from pinn.setup import Points
from pinn.training import Phase, StopRule

POINTS = Points(counts={"interior": 64, "initial": 8, "boundary": 8}, test=50)
PHASES = [
    Phase(
        name="explore",
        optimizer=Adam(learning_rate=0.01),
        stop=StopRule(max_iterations=20),
        report_every=10,
    ),
    Phase(
        name="polish", optimizer=LBFGS(pairs=5), stop=StopRule(max_iterations=10), report_every=5
    ),
]
SHORT = [Phase(name="explore", optimizer=Adam(learning_rate=0.01), stop=StopRule(max_iterations=3))]
PUBLISHED = {"baseline": {"value": {"nu": 1.2e-3}, "source": "somebody"}}
UNKNOWNS = {"nu": {"start": 0.02, "lower": 0.0}, "lambda1": 0.5}
GRID = {"x": np.linspace(-0.9, 0.9, 7)[:, None], "t": np.linspace(0.1, 0.9, 5)}


@pytest.fixture
def eager():
    """Switch off compilation, which takes longer than these runs."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def inverse(tmp_path_factory):
    """Return a solution with unknowns, data and a folder, compiled as users get it."""
    return solve(
        Burgers(unknowns=UNKNOWNS),
        network=mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=6, depth=2),
        folder=tmp_path_factory.mktemp("runs") / "a" / "b",
        phases=PHASES,
        points=POINTS,
        data=Synthetic(count=40, noise=0.01),
        weights={"data_u": 5.0},
        scales="none",
        published=PUBLISHED,
        seed=3,
        show=False,
    )


@pytest.fixture(scope="module")
def loaded(inverse):
    return load(inverse.folder)


class Rod(Problem):
    """A steady problem without a reference."""

    fields = ("u", "q")
    space = Interval(x=(0.0, 2.0))

    @residual(on="interior")
    def flux(self, u_x, q):
        return u_x - q

    @residual(on="interior")
    def balance(self, x, q_x):
        return q_x - x

    @residual(on="boundary")
    def ends(self, u):
        return u


def test_the_folder_contains_all_files_of_a_run(inverse):
    paths = [path for path in inverse.folder.rglob("*") if path.is_file()]
    figures = [path for path in paths if path.parent.name == "figures"]
    others = {str(path.relative_to(inverse.folder)) for path in paths if path not in figures}
    expected = {"config.yaml", "history.csv", "metrics.json", "checkpoint.npz", "network.keras"}
    assert others == expected
    assert len(figures) >= 4
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in figures)


def test_metrics_report_the_results_and_the_run(inverse):
    metrics = json.loads((inverse.folder / "metrics.json").read_text())
    assert metrics == inverse.metrics
    assert metrics["problem"] == "Burgers"
    assert metrics["seed"] == 3
    assert metrics["dtype"] == "float64"
    assert metrics["published"] == PUBLISHED
    assert list(metrics["relative_l2"]) == list(metrics["max_error"]) == ["u"]
    assert metrics["device"]
    assert set(metrics["versions"]) >= {"python", "tensorflow", "keras", "numpy"}
    assert metrics["loss"] < inverse.history["loss"][0]
    assert metrics["heldout_loss"] > 0


def test_metrics_report_the_unknowns(inverse):
    truth = {"nu": 0.01 / np.pi, "lambda1": 1.0}
    unknowns = inverse.metrics["unknowns"]
    assert list(unknowns) == ["nu", "lambda1"]
    for name, unknown in unknowns.items():
        assert unknown["estimate"] == inverse.unknowns[name]
        assert unknown["truth"] == truth[name]
        error = abs(unknown["estimate"] / truth[name] - 1)
        assert unknown["relative_error"] == pytest.approx(error, rel=1e-12)
        assert 0 < unknown["standard_error"] < np.inf


def test_metrics_report_the_phases_and_times(inverse):
    phases = inverse.metrics["phases"]
    expected = [("explore", "Adam", 20), ("polish", "L-BFGS", 10)]
    for phase, (name, label, iterations) in zip(phases, expected, strict=True):
        assert (phase["name"], phase["optimizer"], phase["iterations"]) == (name, label, iterations)
        assert phase["stop_reason"] == f"iteration budget used: {iterations}"
        assert phase["evaluations"] > iterations
        assert phase["seconds"] > 0
        assert phase["restarts"] == 0
    seconds = inverse.metrics["seconds"]
    assert 0 < seconds["compile"] < seconds["total"]
    assert sum(phase["seconds"] for phase in phases) < seconds["total"]


def test_errors_are_those_of_the_fields(inverse):
    points = np.random.default_rng(0).uniform([-1, 0], [1, 1], (5000, 2))
    truth = Burgers().reference_at(points)["u"]
    error = inverse(*points.T)["u"] - truth
    sampled = np.linalg.norm(error) / np.linalg.norm(truth)
    # The run has 50 test points, against 5000 here.
    assert inverse.metrics["relative_l2"]["u"] == pytest.approx(sampled, rel=0.5)
    assert inverse.metrics["max_error"]["u"] == pytest.approx(np.max(np.abs(error)), rel=0.5)


def test_history_columns(inverse):
    with open(inverse.folder / "history.csv") as file:
        header, *rows = csv.reader(file)
    run = ["phase", "iteration", "evaluations", "seconds"]
    losses = ["loss", "loss_momentum", "loss_data_u", "heldout_loss"]
    assert header == [*run, *losses, "error_u", "unknown_nu", "unknown_lambda1", "step"]
    assert [row[0] for row in rows] == ["explore (Adam)"] * 2 + ["polish (L-BFGS)"] * 2
    assert [row[1] for row in rows] == ["10", "20", "25", "30"]
    assert list(inverse.history) == header
    for i, column in enumerate(inverse.history.values()):
        assert [str(value) for value in column] == [row[i] for row in rows]
    history = {k: np.array(v) for k, v in inverse.history.items() if k != "phase"}
    weighted = history["loss_momentum"] + 5 * history["loss_data_u"]
    np.testing.assert_allclose(history["loss"], weighted, rtol=1e-12)
    assert history["unknown_nu"][-1] == inverse.unknowns["nu"]
    assert history["loss"][-1] == inverse.metrics["loss"]


def test_the_config_describes_the_run(inverse):
    config = yaml.safe_load((inverse.folder / "config.yaml").read_text())
    assert config["problem"]["_target_"] == "pinn.problems.burgers.Burgers"
    assert config["problem"]["unknowns"]["nu"]["start"] == 0.02
    assert config["points"]["counts"]["interior"] == 64
    assert config["weights"] == {"data_u": 5.0}
    assert config["phases"]["polish"]["optimizer"]["pairs"] == 5
    assert config["data"]["count"] == 40
    assert config["seed"] == 3
    assert config["dtype"] == "float64"


def test_a_loaded_solution_is_the_solved_one(inverse, loaded):
    assert loaded.theta.numpy().tobytes() == inverse.theta.numpy().tobytes()
    assert loaded.unknowns == inverse.unknowns
    assert loaded.unknowns["nu"] != 0.02
    assert loaded.unknowns["lambda1"] != 0.5
    assert loaded.metrics == inverse.metrics
    assert loaded.history == inverse.history
    assert loaded(**GRID)["u"].tobytes() == inverse(**GRID)["u"].tobytes()
    second_derivative = inverse.derivative("u_xx", **GRID)
    assert loaded.derivative("u_xx", **GRID).tobytes() == second_derivative.tobytes()
    for region, points in inverse.points.items():
        np.testing.assert_array_equal(loaded.points[region].coordinates, points.coordinates)
    measured = inverse.points["data"].values["u"]
    np.testing.assert_array_equal(loaded.points["data"].values["u"], measured)


def test_the_network_file_can_be_read_by_keras_alone(inverse):
    file = inverse.folder / "network.keras"
    with zipfile.ZipFile(file) as archive:
        assert b"pinn" not in archive.read("config.json")
    network = keras.saving.load_model(file)
    x, t = (a.ravel() for a in np.broadcast_arrays(*GRID.values()))
    net = network.predict(np.stack([x, t], axis=1), verbose=0)[:, 0]
    assert net.dtype == np.float64
    # The fields are given by the ansatz of Burgers' equation around the network.
    expected = -np.sin(np.pi * x) + t * (1 - x**2) * net
    np.testing.assert_allclose(inverse(x=x, t=t)["u"], expected, rtol=0, atol=1e-14)


def test_coordinates_broadcast(inverse):
    x = GRID["x"]
    t = GRID["t"]
    grid = inverse(x=x, t=t)["u"]
    assert grid.shape == (7, 5)
    np.testing.assert_array_equal(inverse(x, t)["u"], grid)
    np.testing.assert_array_equal(inverse(x, t=t)["u"], grid)
    tiled = inverse(x=np.tile(x, (1, 5)), t=np.tile(t, (7, 1)))["u"]
    np.testing.assert_array_equal(tiled, grid)
    scalar = inverse(0.3, 0.5)["u"]
    assert scalar.shape == ()
    assert inverse(x=0.3, t=[0.5])["u"].shape == (1,)
    assert inverse(x=0.3, t=t)["u"][2] == pytest.approx(float(scalar), abs=1e-15)
    assert inverse(x=[], t=[])["u"].shape == (0,)
    assert inverse.derivative("u_x", x=np.zeros((0, 3)), t=1).shape == (0, 3)


def test_more_points_than_a_chunk_are_evaluated(inverse):
    x = np.linspace(-1, 1, 5000)
    u = inverse(x=x, t=0.5)["u"]
    some = [0, 4500, 4999]
    assert u[some] == pytest.approx(inverse(x=x[some], t=0.5)["u"], abs=1e-12)


def test_points_of_many_sizes_share_a_few_programs(inverse):
    inverse.derivative("u_tt", x=np.zeros(5), t=0.5)
    evaluator = inverse._evaluate.func.__self__.programs(0).evaluator(("u_tt",))
    count = evaluator._chunk.experimental_get_tracing_count
    before = count()
    for size in (6, 7, 8):
        inverse.derivative("u_tt", x=np.zeros(size), t=0.5)
    assert count() == before


@pytest.mark.parametrize(
    ("name", "stencil"),
    [
        ("u_x", {(1, 0): 0.5, (-1, 0): -0.5}),
        ("u_t", {(0, 1): 0.5, (0, -1): -0.5}),
        ("u_xx", {(1, 0): 1, (0, 0): -2, (-1, 0): 1}),
        ("lap_u", {(1, 0): 1, (0, 0): -2, (-1, 0): 1}),
        ("u_xt", {(1, 1): 0.25, (1, -1): -0.25, (-1, 1): -0.25, (-1, -1): 0.25}),
    ],
)
def test_derivatives_agree_with_central_differences(name, stencil, inverse):
    order = 1 if len(name) == 3 else 2
    h = 1e-4
    x, t = np.broadcast_arrays(*GRID.values())
    shifts = np.array(list(stencil)) * h
    values = inverse(x=x + shifts[:, :1, None], t=t + shifts[:, 1:, None])["u"]
    expected = np.tensordot(list(stencil.values()), values, 1) / h**order
    derivative = inverse.derivative(name, x=x, t=t)
    np.testing.assert_allclose(derivative, expected, rtol=0, atol=1e-5)
    assert np.max(np.abs(derivative)) > 0.1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s(x=0.1, y=0.2), ["'y' is no coordinate", "x"]),
        (lambda s: s(x=0.1), ["x, t, each once"]),
        (lambda s: s(), ["x, t, each once"]),
        (lambda s: s(0.1, 0.2, 0.3), ["x, t, each once"]),
        (lambda s: s(0.1, x=0.2), ["x, t, each once"]),
        (lambda s: s(0.1, x=0.2, t=0.3), ["x, t, each once"]),
        (lambda s: s(x=[1, 2], t=[1, 2, 3]), ["shapes that broadcast"]),
        (lambda s: s(x="left", t=0.3), ["left", "numbers"]),
        (lambda s: s.derivative("u_xq", x=0.1, t=0.2), ["'u_xq'", "u_x"]),
        (lambda s: s.derivative("v_x", x=0.1, t=0.2), ["'v_x'"]),
        (lambda s: s.derivative("u_n", x=0.1, t=0.2), ["'u_n' cannot be evaluated"]),
        (lambda s: s.derivative("x", x=0.1, t=0.2), ["'x' cannot be evaluated"]),
    ],
)
def test_an_impossible_evaluation_raises_an_error(call, words, inverse):
    with pytest.raises(InputError) as error:
        call(inverse)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_without_a_folder_nothing_is_written(eager, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    solution = solve(Burgers(), phases=SHORT, points=POINTS, show=False)
    assert solution.folder is None
    assert not list(tmp_path.iterdir())
    # Three hidden layers of 20 units; the frozen scaling has six further numbers.
    assert solution.metrics["parameters"] == 921
    assert solution.network.count_params() == 921 + 6
    assert solution.objective.dtype == "float64"
    assert solution.metrics["published"] is None
    with pytest.raises(InputError, match="no run folder"):
        solution.save_figures()


def test_the_default_network_is_float64_for_every_setting_of_keras(eager):
    keras.config.set_dtype_policy("float32")
    keras.config.set_floatx("float32")
    try:
        solution = solve(Burgers(), phases=SHORT, points=POINTS, show=False)
        assert solution.metrics["dtype"] == "float64"
    finally:
        set_precision("float64")


def test_a_user_s_problem_without_a_reference_is_solved(eager, tmp_path):
    solution = solve(Rod(), folder=tmp_path / "run", phases=SHORT, points=POINTS, show=False)
    for key in ("relative_l2", "max_error", "unknowns"):
        assert solution.metrics[key] == {}
    assert not {"error_u", "error_q"} & set(solution.history)
    loaded = load(tmp_path / "run")
    assert isinstance(loaded.problem, Rod)
    assert list(loaded(x=[0.5])) == ["u", "q"]
    assert loaded(x=[0.1, 0.5])["q"].tobytes() == solution(x=[0.1, 0.5])["q"].tobytes()


@pytest.mark.slow
def test_a_float32_network_is_solved_in_float32(eager, tmp_path):
    network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=4, depth=1, dtype="float32")
    folder = tmp_path / "run"
    settings = {"phases": SHORT, "points": POINTS, "show": False}
    solution = solve(Burgers(), network=network, folder=folder, **settings)
    assert solution.metrics["dtype"] == solution.theta.dtype == "float32"
    assert {v.dtype for v in solution.network.variables} == {"float32"}
    with np.load(folder / "checkpoint.npz") as file:
        dtypes = {file[key].dtype for key in file.files if key.startswith("state/")}
    assert {dtype for dtype in dtypes if dtype.kind == "f"} == {np.dtype("float32")}
    loaded = load(folder)
    assert loaded.objective.dtype == "float32"
    assert loaded(**GRID)["u"].dtype == np.float32
    assert loaded(**GRID)["u"].tobytes() == solution(**GRID)["u"].tobytes()


def test_a_perceptron_is_float64_whatever_keras_is_set_to():
    set_precision("float32")
    try:
        network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=4, depth=1)
        assert {v.dtype for v in network.variables} == {"float64"}
        assert keras.config.floatx() == "float32"
    finally:
        set_precision("float64")


@keras.saving.register_keras_serializable(package="test_solve")
class Waves(keras.Model):
    """A network that only nested automatic differentiation can differentiate."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.hidden = keras.layers.Dense(4)
        self.out = keras.layers.Dense(1)

    def call(self, points):
        return self.out(keras.ops.sin(self.hidden(points)))


def sequential():
    inputs = keras.Input((2,))
    return keras.Sequential([inputs, keras.layers.Dense(4, "gelu"), keras.layers.Dense(1)])


def not_built():
    return keras.Sequential([keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])


def functional():
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(4, "tanh")(inputs)
    joined = keras.layers.Concatenate()([hidden, inputs])
    return keras.Model(inputs, keras.layers.Dense(1)(joined))


@pytest.mark.quick("subclass")
@pytest.mark.parametrize(
    "build",
    [sequential, not_built, functional, Waves],
    ids=["Sequential", "not built", "functional", "subclass"],
)
def test_any_keras_model_is_solved_and_loaded(build, eager, tmp_path, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    model = build()
    solution = solve(
        Burgers(), network=model, folder=tmp_path / "run", phases=SHORT, points=POINTS, show=False
    )
    assert solution.network is model
    np.testing.assert_array_equal(solution.objective.flat.flatten(), solution.theta)
    loaded = load(tmp_path / "run")
    assert loaded(**GRID)["u"].tobytes() == solution(**GRID)["u"].tobytes()


def test_a_user_s_measurements_are_fitted_and_loaded(eager, tmp_path, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    coordinates = np.array([[0.1, 0.2], [0.3, 0.4]])
    measured = np.array([0.1 + 0.2, 1 / 3])
    data = pinn.objective.PointSet(coordinates, None, {"u": measured})
    problem = Burgers(unknowns=UNKNOWNS)
    settings = {"phases": SHORT, "points": POINTS, "scales": "none", "show": False}
    solution = solve(problem, folder=tmp_path / "run", data=data, **settings)
    loaded = load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.points["data"].values["u"], measured)
    # The solution is the best position, the history has the last one.
    misfit = np.mean((solution(*coordinates.T)["u"] - measured) ** 2)
    assert solution.history["loss_data_u"][-1] == pytest.approx(misfit, rel=0.05)


@pytest.mark.slow
def test_a_data_frame_is_shown_fitted_and_resumed(eager, tmp_path, monkeypatch, capsys):
    """Two fields that are measured at different points, and a row that lacks the coordinate."""
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    frame = pd.DataFrame({"x": [0.1, 0.3, None], "u": [0.2, 0.3, 9], "q": [None, 0.4, 9]})
    solve(Rod(), folder=tmp_path / "run", data=frame, phases=SHORT, points=POINTS)
    shown = capsys.readouterr().out
    assert "data: 2 points, x from 0.1 to 0.3" in shown
    assert "data: u 2 values from 0.2 to 0.3, q 1 values from 0.4 to 0.4" in shown
    assert "data: 1 of 3 rows lack x; they are left out\n" in shown
    settings = {"overrides": ["phases.explore.stop.max_iterations=5"], "show": False}
    continued = resume(tmp_path / "run", **settings)
    measured = continued.points["data"].values
    assert np.array_equal(measured["q"], [np.nan, 0.4], equal_nan=True)
    misfit = (continued(np.array([0.3]))["q"] - 0.4) ** 2
    assert continued.history["loss_data_q"][-1] == pytest.approx(misfit[0], rel=0.1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(weigths={"walls": 1.0}), ["weigths"]),
        (dict(constraints="harder"), ["constraints='harder'", "hard"]),
        (dict(phases=[]), ["phases: none"]),
        (dict(seed=-1), ["seed=-1"]),
        (dict(points=Points(counts={"interior": 0})), ["points.counts"]),
    ],
)
def test_bad_settings_raise_an_error_and_write_nothing(settings, words, tmp_path):
    with pytest.raises((InputError, TypeError)) as error:  # Python refuses the misspelt name
        solve(Burgers(), folder=tmp_path / "run", show=False, **settings)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_setting_that_no_file_can_hold_raises_an_error(eager, tmp_path):
    optimizer = Adam(learning_rate=lambda _: 1e-3)
    phases = [Phase(name="explore", optimizer=optimizer, stop=StopRule(max_iterations=2))]
    with pytest.raises(InputError, match="cannot hold <function"):
        solve(Burgers(), folder=tmp_path / "run", phases=phases, points=POINTS, show=False)
    assert not list(tmp_path.iterdir())
    solution = solve(Burgers(), phases=phases, points=POINTS, show=False)
    assert solution.metrics["phases"][0]["iterations"] == 2
