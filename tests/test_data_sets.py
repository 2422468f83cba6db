"""Several sets of measurements: their terms, standard deviations, derivatives, places and files."""

import io
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import yaml

from pinn import (
    Adam,
    DataFile,
    Disk,
    Interval,
    Phase,
    Points,
    PointSet,
    Problem,
    Rectangle,
    Setup,
    StopRule,
    Synthetic,
    load,
    residual,
    resume,
    solve,
)
from pinn.cli.run import compose
from pinn.errors import InputError
from pinn.geometry import Difference
from pinn.measurements import checked_sets, read_sets
from pinn.objective import LeastSquares, find_scales, standard_errors
from pinn.problems import Heat, Kovasznay
from pinn.record import Metrics
from pinn.reporting.summary import summary
from pinn.run.misfits import misfits, predictions
from pinn.setup import config
from pinn.setup.draws import Draws
from pinn.setup.network import default_network

RNG = np.random.default_rng(0)
SHORT = [Phase(name="one", optimizer=Adam(), stop=StopRule(max_iterations=2), report_every=1)]
FEW = Points(counts={"interior": 8, "initial": 4, "boundary": 4}, test=8)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


class Line(Problem):
    """u_x = slope: with a linear network, u = w x + b, everything is linear and thus exact."""

    slope: float = 2.0
    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))

    @residual(on="interior")
    def equation(self, u_x):
        return u_x - self.slope


def line_set(count, sigma):
    x = RNG.uniform(-1, 1, count)
    return {"x": x, "u": 2 * x + 0.5 + sigma * RNG.standard_normal(count), "u_sigma": sigma}


def line_setup(data, **settings):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    problem = Line(unknowns={"slope": 1.0})
    return Setup(problem=problem, network=network, data=data, points=FEW, **settings)


def parts_of(setup):
    """Return the objective of a setup with its scales, and its first batch."""
    data = setup.measurements()
    setup = setup.with_scales(data)
    objective = setup.objective(data)
    return objective, Draws(setup.points, objective, data, seed=0).batch(0, {})


def weighted_line(sets):
    """Return slope and offset of the weighted least-squares line, and their covariance."""
    x, u, sigma = (
        np.concatenate([np.broadcast_to(s[k], len(s["x"])) for s in sets])
        for k in ("x", "u", "u_sigma")
    )
    rows = np.stack([x, np.ones_like(x)], axis=1) / sigma[:, None]
    covariance = np.linalg.inv(rows.T @ rows)
    w, b = covariance @ rows.T @ (u / sigma)
    chi_squared = np.sum(((u - w * x - b) / sigma) ** 2)
    return w, b, covariance, chi_squared


@pytest.mark.parametrize("scales", ["auto", "none"])
@pytest.mark.parametrize("engine", ["taylor", "nested"])
def test_sets_of_different_noise_give_the_weighted_least_squares_estimate(scales, engine, eager):
    sets = {"fine": line_set(40, 0.01), "coarse": line_set(13, 0.2)}
    sets["coarse"]["u_sigma"] = RNG.uniform(0.1, 0.3, 13)
    w, b, covariance, chi_squared = weighted_line(sets.values())
    objective, batch = parts_of(line_setup(sets, scales=scales, derivatives=engine))
    assert [t.name for t in objective.terms] == ["equation", "data_fine_u", "data_coarse_u"]
    offset, scale = objective.scales.fields.get("u", (0.0, 1.0))
    slope = objective.searched["slope"].inverse(w)
    theta = tf.constant([w / scale, (b - offset) / scale, slope], tf.float64)
    loss, gradient = objective.value_and_gradient(theta, batch)
    # The equation can hold exactly, so that the minimum is the weighted fit, with its χ²/N.
    assert np.max(np.abs(gradient)) < 1e-12 * np.max(
        np.abs(objective.value_and_gradient(theta + 1.0, batch)[1])
    )
    size = objective.scales.of_residual("data_fine_u")
    assert float(loss) == pytest.approx(chi_squared / 53 / size**2, rel=1e-10)
    assert objective.scales.of_residual("data_coarse_u") == size
    # The standard error is that of the given deviations, not of the misfits.
    errors = standard_errors(LeastSquares(objective), theta, batch).errors
    assert errors == {"slope": pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-6)}


def test_one_deviation_for_all_leaves_the_balance_with_the_equations_as_it_was(eager):
    given = line_set(30, 0.1)
    without = {name: column for name, column in given.items() if name != "u_sigma"}
    theta = tf.constant([1.0, 0.2, 1.5], tf.float64)
    losses = []
    for data in (given, without):
        objective, batch = parts_of(line_setup(data))
        losses.append(objective.losses(theta, batch).numpy())
        assert [t.name for t in objective.terms] == ["equation", "data_u"]
    assert losses[0][0] == losses[1][0]
    assert 0.5 < losses[0][1] / losses[1][1] < 2  # σ is rounded to a power of two in the size


def test_a_set_without_deviations_keeps_its_own_noise(eager):
    fine = line_set(40, 0.01)
    plain = line_set(20, 0.1)
    del plain["u_sigma"]
    objective, batch = parts_of(line_setup({"fine": fine, "plain": plain}, scales="none"))
    points = batch.points
    assert set(points) == {"interior", "data_fine", "data_plain"}
    assert not points["data_plain"].inverse_sigmas
    theta = tf.constant([2.0, 0.5, 2.0], tf.float64)
    _, first, second = objective.losses(theta, batch).numpy()
    residuals = plain["u"] - 2 * plain["x"] - 0.5
    assert second == pytest.approx(np.mean(residuals**2))
    assert first == pytest.approx(np.mean(((fine["u"] - 2 * fine["x"] - 0.5) / 0.01) ** 2))
    assert standard_errors(LeastSquares(objective), theta, batch).errors["slope"] > 0


def test_gaps_have_no_share_in_the_misfit_in_units_of_the_deviation(eager):
    given = line_set(30, 0.1)
    gaps = {**given, "u": np.where(np.arange(30) % 3 > 0, given["u"], np.nan)}
    gaps["u_sigma"] = np.where(np.arange(30) % 3 > 0, 0.1, np.nan)
    alone = {k: np.broadcast_to(v, 30)[np.arange(30) % 3 > 0] for k, v in given.items()}
    theta = tf.constant([1.0, 0.2, 1.5], tf.float64)
    losses = []
    for data in (gaps, alone):
        objective, batch = parts_of(line_setup(data))
        losses.append(objective.losses(theta, batch).numpy())
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-13)


def test_chi_squared_of_synthetic_data_is_in_its_range():
    data = {
        "probes": Synthetic(count=400, noise=0.05, sigma="noise"),
        "camera": Synthetic(count=300, noise=0.2, sigma="noise", fields=["u"]),
    }
    problem = Heat()
    found = {region: m.points for region, m in read_sets(problem, data).items()}
    assert set(found) == {"data_probes", "data_camera"}
    assert not np.array_equal(
        found["data_probes"].coordinates[:300], found["data_camera"].coordinates
    )

    def truth(names, points):
        return problem.reference_at(points)

    for name, by_field in misfits(problem, found, truth).items():
        misfit = by_field["u"]
        assert abs(misfit.reduced - 1) < 4 * np.sqrt(2 / misfit.count), name
        sigma = found[f"data_{name}"].sigmas["u"][0]
        assert misfit.rms == pytest.approx(sigma, rel=0.2)


class Plate(Problem):
    """Whatever is measured on a plate with a hole."""

    fields = ("u",)
    space = Difference(Rectangle(x=(0.0, 1.0), y=(0.0, 1.0)), hole=Disk(x=0.5, y=0.5, radius=0.2))
    time = (0.0, 1.0)

    @residual(on="interior")
    def heat(self, u_t, lap_u):
        return u_t - lap_u


ANGLES = np.linspace(0, 6, 5)
ON_HOLE = np.stack([0.5 + 0.2 * np.cos(ANGLES), 0.5 + 0.2 * np.sin(ANGLES)], axis=1)
PLACES = np.concatenate([ON_HOLE, [[0.0, 0.3], [1.0, 0.9], [0.4, 1.0], [0.2, 0.2]]])
NORMALS = np.concatenate(
    [0.5 - ON_HOLE, [[-0.2, 0], [0.2, 0], [0, 0.2], [np.nan, np.nan]]]
) / 0.2  # fmt: skip


def plate_data():
    """Return columns with all kinds of derivatives; the last point is inside."""
    columns = {"x": PLACES[:, 0], "y": PLACES[:, 1], "t": 0.5}
    for name in ("u", "u_x", "u_t", "u_xy", "lap_u", "u_n"):
        columns[name] = RNG.standard_normal(len(PLACES))
    columns["u_n"][-1] = np.nan
    return columns


def test_normals_are_those_of_the_boundary():
    points = read_sets(Plate(), checked_sets(Plate(), plate_data()))["data"].points
    np.testing.assert_allclose(points.normals[:-1], NORMALS[:-1], atol=1e-8)
    assert np.all(points.normals[-1] == 0)


@pytest.mark.parametrize("engine", ["taylor", "nested"])
def test_the_misfit_of_a_derivative_is_that_of_the_formula(engine, eager):
    problem = Plate()
    data = plate_data()
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, "tanh")])
    network.add(keras.layers.Dense(1))
    setup = Setup(
        problem=problem, network=network, data=data, points=FEW, derivatives=engine, scales="none"
    )
    objective, batch = parts_of(setup)
    theta = objective.flat.flatten()
    losses = objective.losses(theta, batch).numpy()
    inner, outer = (np.asarray(layer.kernel) for layer in network.layers)
    points = np.stack([PLACES[:, 0], PLACES[:, 1], np.full(len(PLACES), 0.5)], axis=1)
    s = np.tanh(points @ inner)
    first = (1 - s**2) * outer[:, 0]
    second = -2 * s * first
    expected = {
        "u": s @ outer[:, 0],
        "u_x": first @ inner[0],
        "u_t": first @ inner[2],
        "u_xy": second @ (inner[0] * inner[1]),
        "lap_u": second @ (inner[0] ** 2 + inner[1] ** 2),
        "u_n": np.sum(NORMALS * np.stack([first @ inner[0], first @ inner[1]], axis=1), axis=1),
    }
    for term, loss in zip(objective.terms[1:], losses[1:], strict=True):
        name = term.name.removeprefix("data_")
        assert loss == pytest.approx(np.nanmean((expected[name] - data[name]) ** 2), rel=1e-6)
    # The rows of the Jacobian are those of the same residuals.
    squares = LeastSquares(objective)
    gradient = sum(columns @ r[:, None] for r, columns in squares.jacobian(theta, batch))
    _, slope = objective.value_and_gradient(theta, batch)
    np.testing.assert_allclose(2 * gradient[:, 0], slope, atol=1e-12)


def test_predictions_are_the_derivatives_of_the_solution():
    class Wave(Problem):
        fields = ("u",)
        space = Disk(x=0.0, y=0.0, radius=2.0)

        @residual(on="interior")
        def flat(self, lap_u):
            return lap_u

    angles = np.linspace(0, 6, 7)
    x, y = 2 * np.cos(angles), 2 * np.sin(angles)
    data = {"x": x, "y": y, "u_n": np.ones(7), "u_xx": np.ones(7)}
    points = read_sets(Wave(), checked_sets(Wave(), data))["data"].points

    def square(names, at):  # of u = x² y
        x, y = at.T
        values = {"u_x": 2 * x * y, "u_y": x**2, "u_xx": 2 * y}
        return {name: values[name] for name in names}

    found = predictions(Wave(), points, square)
    np.testing.assert_allclose(found["u_n"], 3 * x**2 * y / 2, atol=1e-7)
    np.testing.assert_allclose(found["u_xx"], 2 * y)


def test_a_measured_derivative_names_the_scale_of_its_field(eager):
    class Rod(Problem):
        """A displacement in meters whose curvature, of order 1e-4, is measured."""

        fields = ("u",)
        space = Interval(x=(0.0, 1.0))

        @residual(on="x-")
        def clamped(self, u):
            return u

    x = np.linspace(0, 1, 50)
    setup = Setup(
        problem=Rod(),
        network=default_network(Rod(), seed=0),
        data={"x": x, "u_xx": 1e-4 * np.cos(3 * x)},
        points=FEW,
    )
    data = setup.measurements()
    scales = find_scales(setup.objective(data), data)
    assert 1e-6 < scales.fields["u"].scale < 1e-4
    assert 1e-5 < scales.residuals["data_u_xx"] < 1e-3


class Observed(Line):
    """A line of which e^u was measured, by one of two sets."""

    @residual(on="data_bright")
    def brightness(self, u, u_data):
        return tf.exp(u) - u_data


def test_a_residual_may_hold_at_the_points_of_a_set(eager):
    problem = Observed()
    bright = {"x": [0.0, 0.5], "u": [1.0, 2.0]}
    network = default_network(problem, seed=0)
    sets = {"bright": bright, "other": {"x": [0.1], "u": [0.0]}}
    setup = Setup(problem=problem, network=network, data=sets, points=FEW)
    objective, batch = parts_of(setup)
    names = [t.name for t in objective.terms]
    assert names == ["equation", "brightness", "data_bright_u", "data_other_u"]
    assert batch.points["data_bright"].rows.tolist() == [[0.0], [0.5]]
    setup = Setup(problem=problem, network=network, points=FEW)
    assert [t.name for t in setup.objective(None).terms] == ["equation"]  # without measurements


def files():
    for name, count in (("a", 4), ("b", 3)):
        x = np.linspace(0.1, 0.9, count)
        columns = {"x": x, "t": x, "u": x**2, "slope": 2 * x, "error": 0.1 + x}
        pd.DataFrame(columns).to_csv(f"{name}.csv", index=False)


NODE = """
probes: {path: a.csv, sigma: 0.02}
camera: {path: b.csv, fields: {u: u, u_x: slope}, sigma: {u_x: error}, count: 2}
third: {count: 5, noise: 0.1, sigma: noise}
fourth: {coordinates: [[0.5, 0.5]], values: {u: [1.0]}, sigmas: {u: [0.5]}}
none: null
"""


def heat_config(data):
    settings = compose(["problem=heat", "network.width=3", "network.depth=1", "seed=7"])[0]
    return {**settings, "data": data}


def test_a_configuration_of_sets_makes_a_round_trip():
    files()
    made = config.setup(heat_config(yaml.safe_load(NODE)))
    assert list(made.data) == ["probes", "camera", "third", "fourth"]
    assert made.data["third"].seed == made.data["probes"].seed == 7
    found = made.read_measurements()
    camera = found["data_camera"].points
    assert list(camera.values) == ["u", "u_x"] and list(camera.sigmas) == ["u_x"]
    np.testing.assert_allclose(camera.sigmas["u_x"], 0.1 + camera.coordinates[:, 0])
    lines = found["data_probes"].lines(made.problem)
    assert lines[0].startswith("probes (a.csv): 4 points") and lines[1].endswith(", σ 0.02")
    text = yaml.safe_dump(config.describe(made))
    again = config.setup(heat_config(yaml.safe_load(text)["data"]))
    for region, points in again.measurements().items():
        first = found[region].points
        np.testing.assert_array_equal(points.coordinates, first.coordinates)
        for key in ("values", "sigmas"):
            for name, column in getattr(points, key).items():
                np.testing.assert_array_equal(column, getattr(first, key)[name])
    Path("b.csv").write_text("x,t,u\n0,0,1\n")
    with pytest.raises(InputError, match=r"^data\.camera\.path=.*b\.csv: the file is no longer"):
        config.setup(heat_config(yaml.safe_load(text)["data"]))


def test_sets_from_the_command_line():
    files()
    sets = "data={probes: {path: a.csv, sigma: 0.1}, camera: {path: b.csv}}"
    node = compose(["problem=heat", sets, "data.camera.path=a.csv", "data.camera.sigma.u=error"])
    assert node[0]["data"] == {
        "probes": {"path": "a.csv", "sigma": 0.1},
        "camera": {"path": "a.csv", "sigma": {"u": "error"}},
    }
    node = compose(["problem=heat", "data=file", "data.path=a.csv", "data.sigma.u=error"])[0]
    assert node["data"]["sigma"] == {"u": "error"}


@pytest.mark.slow
def test_two_sets_in_a_run_that_is_resumed(eager, monkeypatch, capsys):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda *_, **__: [])
    files()
    sets = {
        "probes": DataFile(path="a.csv", sigma="error"),
        "camera": pd.DataFrame({"x": [0.2, 0.4], "t": 0.5, "u_x": [0.1, np.nan], "u": [1.0, 2.0]}),
    }
    problem = Heat(unknowns={"alpha": {"start": 0.5, "lower": 0.0}})
    both = [Phase(name="one", optimizer=Adam(), stop=StopRule(max_iterations=4), report_every=1)]
    whole = solve(problem, data=sets, phases=both, points=FEW, show=False)
    solution = solve(problem, data=sets, phases=SHORT, points=FEW, folder="run")
    shown = capsys.readouterr().out
    assert "probes (a.csv): 4 points, x from 0.1 to 0.9" in shown
    assert "camera: u_x 1 values from 0.1 to 0.1" in shown
    assert Path("run/figures/data.png").is_file()
    assert {"loss_data_probes_u", "loss_data_camera_u_x"} <= set(solution.history)
    unknown = solution.metrics["unknowns"]["alpha"]
    assert unknown["truth"] is None and unknown["relative_error"] is None
    assert list(solution.metrics["misfits"]) == ["probes", "camera"]
    metrics = Metrics.from_json(solution.metrics)
    assert metrics.to_json() == solution.metrics
    resumed = resume("run", overrides=["phases.one.stop.max_iterations=4"], show=False)
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    again = load("run")
    np.testing.assert_array_equal(
        again.points["data_camera"].values["u"], solution.points["data_camera"].values["u"]
    )
    Path("a.csv").write_text("x,t,u,error\n0,0,1,1\n")
    with pytest.raises(InputError, match=r"data\.probes\.path=.*: the file is no longer the one"):
        resume("run", show=False)


def text_of(metrics):
    """Return the last screen as text."""
    from rich.console import Console

    console = Console(width=120, record=True, file=io.StringIO())
    console.print(summary(Metrics.from_json(metrics)))
    return console.export_text()


def test_the_last_screen_has_a_line_per_set_and_says_where_chi_squared_is_not_near_n():
    misfit = {"count": 200, "rms": 0.5, "chi_squared": 210.0}
    metrics = {
        "problem": "Heat",
        "unknowns": {"alpha": {"estimate": 1.25, "standard_error": 0.1}},
        "misfits": {
            "probes": {"u": misfit, "u_x": {**misfit, "chi_squared": 900.0}},
            "camera": {"u": {**misfit, "chi_squared": 20.0}, "v": {"count": 3, "rms": 1.0}},
        },
    }
    text = text_of(metrics)
    assert "truth" not in text and "relative error" not in text and "χ²/n" in text
    assert "probes, u_x: χ²/n is 4.5: the data and the equations disagree" in text
    assert "camera, u: χ²/n is 0.1: the standard deviations are too large" in text
    assert "probes, u:" not in text and "camera, v:" not in text
    metrics["unknowns"]["alpha"] |= {"truth": 1.0, "relative_error": 0.25}
    del metrics["misfits"]
    text = text_of(metrics)
    assert "truth" in text and "χ²/n" not in text


def test_the_truth_of_an_unknown_is_known_with_synthetic_data_or_where_it_is_said():
    files()

    def truths(data, **more):
        problem = Heat(alpha=0.7, unknowns={"alpha": {"start": 0.5, **more}})
        return Setup(problem=problem, network=default_network(problem, seed=0), data=data).truths

    file = DataFile(path="a.csv")
    assert truths(Synthetic()) == {"alpha": 0.7}
    assert truths({"one": Synthetic(), "two": Synthetic()}) == {"alpha": 0.7}
    assert truths(file) == truths({"one": Synthetic(), "two": file}) == {"alpha": None}
    assert truths(file, truth=0.6) == {"alpha": 0.6}


def test_both_forms_of_a_dict():
    one = checked_sets(Line(), {"x": [0.0, 1.0], "u": [1.0, 2.0]})
    assert isinstance(one, PointSet)
    several = checked_sets(Line(), {"first": {"x": [0.0], "u": [1.0]}, "second": one})
    assert set(several) == {"first", "second"}
    assert set(read_sets(Line(), several)) == {"data_first", "data_second"}
    points = PointSet(np.zeros((1, 2)), None, {"u": np.ones(1)}, sigmas={"u": np.ones(1)})
    assert checked_sets(Kovasznay(), points).sigmas["u"] == [1.0]
