"""From a problem to a solution, its folder, and back."""

import csv
import json
import zipfile
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml

import pinn
from pinn import LBFGS, Adam, Interval, Problem, mlp, residual
from pinn.errors import InputError
from pinn.measurements import Synthetic
from pinn.problems import Burgers
from pinn.run import load, solve
from pinn.runtime import configure
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
    """Without compilations, which take longer than these runs."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def inverse(tmp_path_factory):
    """Return a solution with unknowns, data and a folder, as users get it: compiled."""
    return solve(
        Burgers(unknowns=UNKNOWNS),
        network=mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=6, depth=2),
        folder=tmp_path_factory.mktemp("runs") / "a" / "b",
        phases=PHASES,
        points=POINTS,
        data=Synthetic(count=40, noise=0.01),
        weights={"data_u": 5.0},
        published=PUBLISHED,
        seed=3,
        show=False,
    )


@pytest.fixture(scope="module")
def loaded(inverse):
    return load(inverse.folder)


@dataclass(frozen=True, kw_only=True)
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


def test_the_folder_holds_everything(inverse):
    found = {str(p.relative_to(inverse.folder)) for p in inverse.folder.rglob("*") if p.is_file()}
    figures = {name for name in found if name.startswith("figures/")}
    assert found - figures == {
        "config.yaml",
        "history.csv",
        "metrics.json",
        "checkpoint.npz",
        "network.keras",
    }
    assert len(figures) >= 4 and all(
        (inverse.folder / name).read_bytes().startswith(b"\x89PNG") for name in figures
    )


def test_metrics_say_what_was_found_and_how(inverse):
    found = json.loads((inverse.folder / "metrics.json").read_text())
    assert found == inverse.metrics
    assert found["problem"] == "Burgers" and found["seed"] == 3 and found["dtype"] == "float64"
    assert found["published"] == PUBLISHED
    assert list(found["relative_l2"]) == list(found["max_error"]) == ["u"]
    truth = {"nu": 0.01 / np.pi, "lambda1": 1.0}
    assert list(found["unknowns"]) == ["nu", "lambda1"]
    for name, unknown in found["unknowns"].items():
        assert unknown["estimate"] == inverse.unknowns[name] and unknown["truth"] == truth[name]
        assert unknown["relative_error"] == pytest.approx(
            abs(unknown["estimate"] / truth[name] - 1), rel=1e-12
        )
        assert 0 < unknown["standard_error"] < np.inf
    for phase, (name, label, iterations) in zip(
        found["phases"], [("explore", "Adam", 20), ("polish", "L-BFGS", 10)], strict=True
    ):
        assert (phase["name"], phase["optimizer"], phase["iterations"]) == (name, label, iterations)
        assert phase["stop_reason"] == f"iteration budget used: {iterations}"
        assert phase["evaluations"] > iterations and phase["seconds"] > 0 and phase["restarts"] == 0
    seconds = found["seconds"]
    assert (
        0 < seconds["compile"] < seconds["total"]
        and sum(p["seconds"] for p in found["phases"]) < seconds["total"]
    )
    assert found["device"] and set(found["versions"]) >= {"python", "tensorflow", "keras", "numpy"}
    assert found["loss"] < inverse.history["loss"][0] and found["heldout_loss"] > 0


def test_errors_are_those_of_the_fields(inverse):
    points = np.random.default_rng(0).uniform([-1, 0], [1, 1], (5000, 2))
    truth = Burgers().reference_at(points)["u"]
    error = inverse(*points.T)["u"] - truth
    sampled = np.linalg.norm(error) / np.linalg.norm(truth)
    assert inverse.metrics["relative_l2"]["u"] == pytest.approx(
        sampled, rel=0.5
    )  # 50 points against 5000
    assert inverse.metrics["max_error"]["u"] == pytest.approx(np.max(np.abs(error)), rel=0.5)


def test_history_columns(inverse):
    with open(inverse.folder / "history.csv") as file:
        header, *rows = csv.reader(file)
    assert header == [
        *(
            "phase",
            "iteration",
            "evaluations",
            "seconds",
            "loss",
            "loss_momentum",
            "loss_data_u",
            "heldout_loss",
        ),
        *("error_u", "unknown_nu", "unknown_lambda1", "step"),
    ]
    assert [row[:2] for row in rows] == [
        *(
            ["explore (Adam)", "10"],
            ["explore (Adam)", "20"],
            ["polish (L-BFGS)", "25"],
            ["polish (L-BFGS)", "30"],
        ),
    ]
    assert {k: [str(v) for v in column] for k, column in inverse.history.items()} == {
        name: [row[i] for row in rows] for i, name in enumerate(header)
    }
    history = {k: np.array(v) for k, v in inverse.history.items() if k != "phase"}
    np.testing.assert_allclose(
        history["loss"], history["loss_momentum"] + 5 * history["loss_data_u"], rtol=1e-12
    )
    assert (
        history["unknown_nu"][-1] == inverse.unknowns["nu"]
        and history["loss"][-1] == inverse.metrics["loss"]
    )


def test_the_config_describes_the_run(inverse):
    config = yaml.safe_load((inverse.folder / "config.yaml").read_text())
    assert config["problem"]["_target_"] == "pinn.problems.burgers.Burgers"
    assert config["problem"]["unknowns"]["nu"]["start"] == 0.02
    assert config["points"]["counts"]["interior"] == 64 and config["weights"] == {"data_u": 5.0}
    assert config["phases"]["polish"]["optimizer"]["pairs"] == 5 and config["data"]["count"] == 40
    assert config["seed"] == 3 and config["dtype"] == "float64"


def test_what_is_loaded_is_what_was_solved(inverse, loaded):
    assert loaded.theta.numpy().tobytes() == inverse.theta.numpy().tobytes()
    assert loaded.unknowns == inverse.unknowns
    assert all(
        loaded.unknowns[name] != start for name, start in {"nu": 0.02, "lambda1": 0.5}.items()
    )
    assert loaded.metrics == inverse.metrics and loaded.history == inverse.history
    assert loaded(**GRID)["u"].tobytes() == inverse(**GRID)["u"].tobytes()
    assert (
        loaded.derivative("u_xx", **GRID).tobytes() == inverse.derivative("u_xx", **GRID).tobytes()
    )
    for region, points in inverse.points.items():
        np.testing.assert_array_equal(loaded.points[region].coordinates, points.coordinates)
    np.testing.assert_array_equal(
        loaded.points["data"].values["u"], inverse.points["data"].values["u"]
    )


def test_the_network_file_is_keras_s_own(inverse):
    file = inverse.folder / "network.keras"
    with zipfile.ZipFile(file) as archive:
        assert b"pinn" not in archive.read("config.json")
    alone = keras.saving.load_model(file)
    x, t = (a.ravel() for a in np.broadcast_arrays(*GRID.values()))
    net = alone.predict(np.stack([x, t], axis=1), verbose=0)[:, 0]
    assert net.dtype == np.float64
    # The ansatz of Burgers' equation around it gives the fields.
    expected = -np.sin(np.pi * x) + t * (1 - x**2) * net
    np.testing.assert_allclose(inverse(x=x, t=t)["u"], expected, rtol=0, atol=1e-14)


def test_coordinates_broadcast(inverse):
    x, t = GRID["x"], GRID["t"]
    grid = inverse(x=x, t=t)["u"]
    assert grid.shape == (7, 5)
    for found in (
        inverse(x, t),
        inverse(x, t=t),
        inverse(x=np.tile(x, (1, 5)), t=np.tile(t, (7, 1))),
    ):
        np.testing.assert_array_equal(found["u"], grid)
    scalar = inverse(0.3, 0.5)["u"]
    assert scalar.shape == () and inverse(x=0.3, t=[0.5])["u"].shape == (1,)
    assert inverse(x=0.3, t=GRID["t"])["u"][2] == pytest.approx(float(scalar), abs=1e-15)
    assert inverse(x=[], t=[])["u"].shape == (0,) and inverse.derivative(
        "u_x", x=np.zeros((0, 3)), t=1
    ).shape == (0, 3)
    many = inverse(x=np.linspace(-1, 1, 5000), t=0.5)["u"]  # more than a chunk
    assert many[[0, 4500, 4999]] == pytest.approx(
        inverse(x=[-1, 0.8003600720144029, 1], t=0.5)["u"], abs=1e-12
    )


def test_points_of_many_sizes_share_a_few_programs(inverse):
    inverse.derivative("u_tt", x=np.zeros(5), t=0.5)
    count = inverse._evaluators[("u_tt",)]._chunk.experimental_get_tracing_count
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
    order, h = 1 if len(name) == 3 else 2, 1e-4
    x, t = np.broadcast_arrays(*GRID.values())
    places = np.array(list(stencil)) * h
    values = inverse(x=x + places[:, :1, None], t=t + places[:, 1:, None])["u"]
    expected = np.tensordot(list(stencil.values()), values, 1) / h**order
    found = inverse.derivative(name, x=x, t=t)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert np.max(np.abs(found)) > 0.1


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
def test_what_cannot_be_evaluated_is_told(call, words, inverse):
    with pytest.raises(InputError) as error:
        call(inverse)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_without_a_folder_nothing_is_written(eager, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    solution = solve(Burgers(), phases=SHORT, points=POINTS, show=False)
    assert solution.folder is None and not list(tmp_path.iterdir())
    assert (
        solution.network.count_params() - 6 == solution.metrics["parameters"] == 921
    )  # 3×20, and the fixed scaling
    assert solution.objective.dtype == "float64" and solution.metrics["published"] is None
    with pytest.raises(InputError, match="no run folder"):
        solution.save_figures()


def test_the_default_network_is_float64_whatever_keras_was_set_to(eager):
    keras.config.set_dtype_policy("float32")
    keras.config.set_floatx("float32")
    try:
        assert (
            solve(Burgers(), phases=SHORT, points=POINTS, show=False).metrics["dtype"] == "float64"
        )
    finally:
        configure(dtype="float64")


def test_a_problem_of_one_s_own_without_a_reference(eager, tmp_path):
    solution = solve(Rod(), folder=tmp_path / "run", phases=SHORT, points=POINTS, show=False)
    assert (
        solution.metrics["relative_l2"]
        == solution.metrics["max_error"]
        == solution.metrics["unknowns"]
        == {}
    )
    assert set(solution.history) & {"error_u", "error_q"} == set()
    found = load(tmp_path / "run")
    assert isinstance(found.problem, Rod) and list(found(x=[0.5])) == ["u", "q"]
    assert found(x=[0.1, 0.5])["q"].tobytes() == solution(x=[0.1, 0.5])["q"].tobytes()


def test_a_float32_network_is_solved_in_float32(eager, tmp_path):
    try:
        configure(dtype="float32")
        network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=4, depth=1)
        configure(dtype="float64")
        solution = solve(
            Burgers(),
            network=network,
            folder=tmp_path / "run",
            phases=SHORT,
            points=POINTS,
            show=False,
        )
        assert solution.metrics["dtype"] == solution.theta.dtype == "float32"
        assert {v.dtype for v in solution.network.variables} == {"float32"}
        with np.load(tmp_path / "run" / "checkpoint.npz") as file:
            kinds = {
                file[k].dtype
                for k in file.files
                if k.startswith("state/") and file[k].dtype.kind == "f"
            }
        assert kinds == {np.dtype("float32")}
        found = load(tmp_path / "run")
        assert found.objective.dtype == "float32" and found(**GRID)["u"].dtype == np.float32
        assert found(**GRID)["u"].tobytes() == solution(**GRID)["u"].tobytes()
    finally:
        configure(dtype="float64")


@keras.saving.register_keras_serializable(package="test_solve")
class Waves(keras.Model):
    """A network that only nested differentiation can take."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.hidden, self.out = keras.layers.Dense(4), keras.layers.Dense(1)

    def call(self, points):
        return self.out(keras.ops.sin(self.hidden(points)))


def functional():
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(4, "tanh")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()([hidden, inputs])))


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(4, "gelu"), keras.layers.Dense(1)]
        ),
        lambda: keras.Sequential([keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]),
        functional,
        Waves,
    ],
    ids=["Sequential", "not built", "functional", "subclass"],
)
def test_any_keras_model(make, eager, tmp_path, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    model = make()
    solution = solve(
        Burgers(), network=model, folder=tmp_path / "run", phases=SHORT, points=POINTS, show=False
    )
    assert solution.network is model
    np.testing.assert_array_equal(solution.objective.flat.flatten(), solution.theta)
    found = load(tmp_path / "run")
    assert found(**GRID)["u"].tobytes() == solution(**GRID)["u"].tobytes()


def test_measurements_of_one_s_own(eager, tmp_path, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    data = pinn.objective.PointSet(
        np.array([[0.1, 0.2], [0.3, 0.4]]), None, {"u": np.array([0.1 + 0.2, 1 / 3])}
    )
    solution = solve(
        Burgers(unknowns=UNKNOWNS),
        folder=tmp_path / "run",
        data=data,
        phases=SHORT,
        points=POINTS,
        show=False,
    )
    np.testing.assert_array_equal(
        load(tmp_path / "run").points["data"].values["u"], data.values["u"]
    )
    misfit = np.mean((solution(*data.coordinates.T)["u"] - data.values["u"]) ** 2)
    assert solution.history["loss_data_u"][-1] == pytest.approx(
        misfit, rel=0.05
    )  # best against last position


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
def test_settings_that_do_not_fit_are_told_and_leave_nothing(settings, words, tmp_path):
    with pytest.raises(InputError) as error:
        solve(Burgers(), folder=tmp_path / "run", show=False, **settings)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_setting_that_no_file_can_hold_is_told(eager, tmp_path):
    phases = [
        Phase(
            name="explore",
            optimizer=Adam(learning_rate=lambda _: 1e-3),
            stop=StopRule(max_iterations=2),
        )
    ]
    with pytest.raises(InputError, match="cannot hold <function"):
        solve(Burgers(), folder=tmp_path / "run", phases=phases, points=POINTS, show=False)
    assert not list(tmp_path.iterdir())
    assert (
        solve(Burgers(), phases=phases, points=POINTS, show=False).metrics["phases"][0][
            "iterations"
        ]
        == 2
    )
