"""Unknown coefficients and functions: their bounds, their networks, and a problem without space."""

from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn import Adam, Interval, Problem, Unknown, UnknownField, load, residual, solve
from pinn.derivatives import nested, parse, taylor
from pinn.errors import InputError
from pinn.measurements import Synthetic
from pinn.networks import Periodic, takes_jets
from pinn.objective import LeastSquares, Objective, cut_into_blocks, draw, trial
from pinn.problems import HeatFieldInverse, LorenzInverse, PoissonFieldInverse
from pinn.setup import Points
from pinn.setup.network import default_network
from pinn.training import Phase, StopRule

BOUNDS = [(None, None), (-2.0, None), (None, 5.0), (-2.0, 5.0)]


@pytest.mark.parametrize(("lower", "upper"), BOUNDS)
@pytest.mark.parametrize("value", [-1.999, 0.0, 1.0, 4.999])
def test_the_inverse_of_a_bounded_coefficient_and_its_slope(lower, upper, value):
    unknown = Unknown(0.5, lower, upper)
    raw = tf.constant(unknown.inverse(value), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        again = unknown.value(raw)
    assert float(again) == pytest.approx(value, abs=1e-12)
    step = 1e-5
    difference = float(unknown.value(raw + step)) - float(unknown.value(raw - step))
    assert float(tape.gradient(again, raw)) == pytest.approx(difference / (2 * step), rel=1e-6)


@pytest.mark.parametrize("cls", [Unknown, UnknownField])
@pytest.mark.parametrize(("lower", "upper"), BOUNDS)
def test_bounds_hold_for_all_raw_values(cls, lower, upper):
    unknown = cls(0.5 if cls is Unknown else ("x",), lower, upper)
    values = unknown.value(tf.constant([-30.0, -1.0, 0.0, 3.0, 30.0], tf.float64)).numpy()
    assert np.all(np.isfinite(values))
    assert len(set(values)) == 5
    assert lower is None or np.all(values >= lower)
    assert upper is None or np.all(values <= upper)


class Fin(Problem):
    """Equations in x and t with an unknown function of x and another of t and x."""

    fields = ("u", "v")
    space = Interval(x=(0.0, 2.0))
    time = (0.0, 1.0)
    unknown_fields: ClassVar = {
        "a": UnknownField(("x",), lower=0.5),
        "b": UnknownField(("t", "x"), 0.0, 1.0),
    }

    @residual(on="interior")
    def heat(self, u_t, u_x, u_xx, a, a_x, b_t):
        return u_t - a * u_xx - a_x * u_x + b_t

    @residual(on="interior")
    def decay(self, u, v_t, b):
        return v_t + b * u

    @residual(on="x-")
    def wall_a(self, a):
        return a - 1


def variables(network, *, rank):
    """Return the values of a network's variables of a rank: 1 for biases, 2 for kernels."""
    return [v.numpy() for v in network.trainable_variables if len(v.shape) == rank]


def test_the_network_of_an_unknown_field_depends_on_its_coordinates_only():
    network = default_network(Fin(), seed=0, width=5, depth=2)
    points = np.random.default_rng(0).uniform([0, 0], [2, 1], (6, 2))
    later = points + np.array([0, 0.1])
    u, v, a, b = np.abs(network(later).numpy() - network(points).numpy()).T
    assert np.all(np.stack([u, v, b]) > 1e-6)
    assert np.all(a == 0)


def test_unknown_fields_have_networks_of_their_own():
    network = default_network(Fin(), seed=0, width=5, depth=2)
    # The hidden layers have (2·5 + 5) + (5·5 + 5) parameters, and 5 fewer where a is the field,
    # which has one coordinate; each output adds 5 + 1.
    count = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
    assert count == (45 + 12) + (40 + 6) + (45 + 6)
    # They start from different random values, which depend on the seed.
    kernels = variables(network, rank=2)
    assert len({kernel.ravel()[0] for kernel in kernels}) == len(kernels)
    other = default_network(Fin(), seed=1, width=5, depth=2)
    for kernel, other_kernel in zip(kernels, variables(other, rank=2), strict=True):
        assert np.any(kernel != other_kernel)


def saved_and_loaded(network, path):
    network.save(path)
    return keras.saving.load_model(path, compile=False)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("rank", [None, 2])
def test_derivatives_of_unknown_fields_in_both_engines(rank, tmp_path):
    problem = Fin()
    network = default_network(problem, seed=0, width=5, depth=2, rank=rank)
    network = saved_and_loaded(network, tmp_path / "network.keras")
    assert takes_jets(network)
    names = ["u_xx", "u_t", "a", "a_x", "a_t", "a_xx", "b", "b_t", "b_x", "b_xt"]
    symbols = []
    for name in names:
        symbols.append(
            parse(name, coordinates=problem.coordinates, fields=problem.functions, where="")
        )
    x, t = draw(problem, "interior", 9).coordinates.T
    columns = {"x": tf.constant(x), "t": tf.constant(t)}
    solution = trial(problem, network, hard=False)
    fast = taylor.evaluate(solution, symbols, columns, {})
    slow = nested.evaluate(solution, symbols, columns, {})
    for name in names:
        assert fast[name].numpy() == pytest.approx(slow[name].numpy(), abs=1e-12)
    assert np.all(fast["a"] > 0.5)
    assert np.all(fast["a_t"] == 0)
    assert np.any(fast["a_x"] != 0)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("rank", [None, 2])
def test_the_jacobian_with_unknown_fields_gives_the_gradient(rank, tmp_path):
    problem = Fin()
    network = default_network(problem, seed=0, width=5, depth=2, rank=rank)
    objective = Objective(problem, saved_and_loaded(network, tmp_path / "network.keras"))
    theta = objective.flat.flatten()
    point_sets = {}
    for region in objective.regions:
        point_sets[region] = cut_into_blocks(
            draw(problem, region, 8), threads=1, size=8, dtype="float64"
        )
    batch = objective.batch(point_sets)
    by_jacobian = 0
    for residuals, columns in LeastSquares(objective).jacobian(theta, batch):
        by_jacobian = by_jacobian + 2 * (columns @ residuals[:, None])[:, 0].numpy()
    _, gradient = objective.value_and_gradient(theta, batch)
    assert by_jacobian == pytest.approx(gradient.numpy(), abs=1e-12)


def test_a_network_has_the_periods_of_its_coordinates():
    periodic = Periodic(coordinates=[2, 0], period=[1.0, 3.0])
    assert periodic.restricted_to([0]) == Periodic(coordinates=[0], period=[3.0])
    assert periodic.restricted_to([1]) is None
    assert periodic.restricted_to([1, 2]) == Periodic(coordinates=[1], period=[1.0])
    network = default_network(Fin(), seed=0, width=4, depth=1, periodic=Periodic(coordinates=["x"]))
    ends = network(np.array([[0.0, 0.3], [2.0, 0.3]])).numpy()
    assert np.array_equal(ends[0], ends[1])


@pytest.mark.parametrize(
    ("unknown_fields", "words"),
    [
        ({"a": UnknownField(("y",))}, "'a': 'y' is no coordinate"),
        ({"u": UnknownField(("x",))}, "'u' is a field or a coordinate too"),
        ({"a": 3}, "'a' is a int; give an UnknownField"),
        ({"a": UnknownField(())}, "'none' is no coordinate"),
    ],
)
def test_a_wrong_unknown_field_is_refused(unknown_fields, words):
    with pytest.raises(InputError, match=words):
        type("Wrong", (Fin,), {"unknown_fields": unknown_fields})()


def test_wrong_bounds_and_measured_unknown_fields_are_refused():
    with pytest.raises(InputError, match=r"lower=1.0 is not below upper=1.0"):
        UnknownField(("x",), 1.0, 1.0)
    with pytest.raises(InputError, match="data.fields: 'a' is no field"):
        Synthetic(fields=["a"]).measure(PoissonFieldInverse())


def one_iteration():
    return [Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=1))]


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_an_unknown_field_is_reported_and_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    solution = solve(
        HeatFieldInverse(),
        folder=tmp_path / "run",
        points=Points(counts={"interior": 16, "boundary": 8}, test=30),
        data=Synthetic(count=20),
        phases=one_iteration(),
        show=False,
    )
    assert list(solution.metrics["relative_l2"]) == ["u", "a"]
    assert solution.metrics["unknowns"] == {}
    assert "error_a" in solution.history
    assert "loss_data_u" in solution.history
    assert "loss_data_a" not in solution.history

    points = {"x": 0.3, "y": np.linspace(-1, 1, 5), "t": 0.5}
    a = solution(**points)["a"]
    assert np.all(a > 0)
    assert np.any(solution.derivative("a_y", **points))
    assert not np.any(solution.derivative("a_t", **points))
    assert np.array_equal(load(tmp_path / "run")(**points)["a"], a)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_problem_without_space(tmp_path):
    problem = LorenzInverse(unknowns={"sigma": {"start": 5.0, "lower": 0.0}, "rho": 20.0})
    assert problem.coordinates == ("t",)
    assert problem.faces == ()
    solution = solve(
        problem,
        folder=tmp_path / "run",
        points=Points(counts={"interior": 20, "initial": 1}, test=20),
        data=Synthetic(count=50, noise=0.01),
        phases=one_iteration(),
        show=False,
    )
    assert list(solution.metrics["relative_l2"]) == ["x", "y", "z"]
    assert solution.metrics["reference_error"]["x"] < 1e-12
    assert solution(t=np.linspace(0, 3, 4))["y"].shape == (4,)
    assert solution.derivative("x_t", 0.5).shape == ()
    figures = {path.stem for path in (tmp_path / "run" / "figures").iterdir()}
    assert figures == {
        "solution",
        "convergence",
        "points",
        "unknowns",
        "data",
        "misfit",
    }
    for unknown in solution.metrics["unknowns"].values():
        assert 0 < unknown["standard_error"] < np.inf


def test_a_problem_without_any_coordinate_is_refused():
    with pytest.raises(InputError, match="declare fields, such as"):
        type("Nowhere", (Problem,), {"fields": ("u",)})()
