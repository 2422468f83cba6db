"""Unknown coefficients and functions: their bounds, their networks, and a problem without space."""

from dataclasses import dataclass
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
def test_a_bounded_coefficient_goes_there_and_back(lower, upper, value):
    found = Unknown(0.5, lower, upper)
    raw = tf.constant(found.inverse(value), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        there = found.value(raw)
    assert float(there) == pytest.approx(value, abs=1e-12)
    step = 1e-5
    ahead, behind = (float(found.value(raw + s * step)) for s in (1, -1))
    assert float(tape.gradient(there, raw)) == pytest.approx(
        (ahead - behind) / (2 * step), rel=1e-6
    )


@pytest.mark.parametrize(("lower", "upper"), BOUNDS)
def test_bounds_hold_wherever_the_search_goes(lower, upper):
    raw = tf.constant([-30.0, -1.0, 0.0, 3.0, 30.0], tf.float64)
    for found in (Unknown(0.5, lower, upper), UnknownField(("x",), lower, upper)):
        values = found.value(raw).numpy()
        assert np.all(np.isfinite(values)) and len(set(values)) == 5
        assert lower is None or np.all(values >= lower)
        assert upper is None or np.all(values <= upper)


@dataclass(frozen=True, kw_only=True)
class Fin(Problem):
    """An unknown function of x, in an equation in x and t."""

    fields, space, time = ("u", "v"), Interval(x=(0.0, 2.0)), (0.0, 1.0)
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


def test_networks_of_unknown_fields_see_their_coordinates_alone():
    network = default_network(Fin(), seed=0, width=5, depth=2)
    points = np.random.default_rng(0).uniform([0, 0], [2, 1], (6, 2))
    later = points + np.array([0, 0.1])
    moved = np.abs(network(later).numpy() - network(points).numpy())
    assert np.all(moved[:, [0, 1, 3]] > 1e-6) and np.all(moved[:, 2] == 0)
    # (2·5 + 5) + (5·5 + 5) weights in the hidden layers, 5 + 1 to every output; a has one input.
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == (45 + 12) + (
        40 + 6
    ) + (45 + 6)
    kernels = [v.numpy().ravel() for v in network.trainable_variables if len(v.shape) == 2]
    assert len({k[0] for k in kernels}) == len(kernels)
    other = default_network(Fin(), seed=1, width=5, depth=2)
    pairs = zip(network.trainable_variables, other.trainable_variables, strict=True)
    assert all(np.any(v.numpy() != w.numpy()) for v, w in pairs if len(v.shape) == 2)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("rank", [None, 2])
def test_derivatives_of_unknown_fields_and_the_jacobian(rank, tmp_path):
    problem = Fin()
    network = default_network(problem, seed=0, width=5, depth=2, rank=rank)
    network.save(tmp_path / "n.keras")
    network = keras.saving.load_model(tmp_path / "n.keras", compile=False)
    assert takes_jets(network)
    names = ["u_xx", "u_t", "a", "a_x", "a_t", "a_xx", "b", "b_t", "b_x", "b_xt"]
    symbols = [
        parse(n, coordinates=problem.coordinates, fields=problem.functions, where="") for n in names
    ]
    at = dict(zip("xt", tf.constant(draw(problem, "interior", 9).coordinates.T), strict=True))
    fast, slow = (
        e.evaluate(trial(problem, network, hard=False), symbols, at, {}) for e in (taylor, nested)
    )
    for name in names:
        assert fast[name].numpy() == pytest.approx(slow[name].numpy(), abs=1e-12)
    assert np.all(fast["a"] > 0.5) and np.all(fast["a_t"] == 0) and np.any(fast["a_x"] != 0)
    objective = Objective(problem, network)
    squares, theta = LeastSquares(objective), objective.flat.flatten()
    cut = {
        r: cut_into_blocks(draw(problem, r, 8), threads=1, size=8, dtype="float64")
        for r in objective.regions
    }
    batch = objective.batch(cut)
    pieces = list(squares.jacobian(theta, batch))
    gradient = 2 * sum((columns @ r[:, None])[:, 0].numpy() for r, columns in pieces)
    assert gradient == pytest.approx(
        objective.value_and_gradient(theta, batch)[1].numpy(), abs=1e-12
    )


def test_periods_are_those_of_the_coordinates_that_a_network_sees():
    periodic = Periodic(coordinates=[2, 0], period=[1.0, 3.0])
    assert periodic.among([0]) == Periodic(coordinates=[0], period=[3.0])
    assert periodic.among([1]) is None
    assert periodic.among([1, 2]) == Periodic(coordinates=[1], period=[1.0])
    network = default_network(Fin(), seed=0, width=4, depth=1, periodic=Periodic(coordinates=["x"]))
    ends = network(np.array([[0.0, 0.3], [2.0, 0.3]])).numpy()
    assert np.array_equal(ends[0], ends[1])


def test_unknown_fields_that_cannot_be_are_told():
    for wrong, words in (
        ({"a": UnknownField(("y",))}, "'a': 'y' is no coordinate"),
        ({"u": UnknownField(("x",))}, "'u' is a field or a coordinate too"),
        ({"a": 3}, "'a' is a int; give an UnknownField"),
        ({"a": UnknownField(())}, "'none' is no coordinate"),
    ):
        with pytest.raises(InputError, match=words):
            type("Wrong", (Fin,), {"unknown_fields": wrong})()
    with pytest.raises(InputError, match=r"lower=1.0 is not below upper=1.0"):
        UnknownField(("x",), 1.0, 1.0)
    with pytest.raises(InputError, match="data.fields: 'a' is no field"):
        Synthetic(fields=["a"]).measure(PoissonFieldInverse())


def phases(count):
    return [Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=count))]


@pytest.mark.usefixtures("eager")
def test_an_unknown_field_is_reported_drawn_saved_and_loaded(tmp_path):
    points = Points(counts={"interior": 16, "boundary": 8}, test=30)
    settings = {"points": points, "data": Synthetic(count=20), "phases": phases(1), "show": False}
    made = solve(HeatFieldInverse(), folder=tmp_path / "run", **settings)
    assert list(made.metrics["relative_l2"]) == ["u", "a"] and made.metrics["unknowns"] == {}
    assert (
        "error_a" in made.history
        and "loss_data_u" in made.history
        and "loss_data_a" not in made.history
    )
    again = load(tmp_path / "run")
    at = {"x": 0.3, "y": np.linspace(-1, 1, 5), "t": 0.5}
    assert np.array_equal(again(**at)["a"], made(**at)["a"]) and np.all(made(**at)["a"] > 0)
    assert np.any(made.derivative("a_y", **at)) and not np.any(made.derivative("a_t", **at))


@pytest.mark.usefixtures("eager")
def test_a_problem_of_time_alone(tmp_path):
    problem = LorenzInverse(unknowns={"sigma": {"start": 5.0, "lower": 0.0}, "rho": 20.0})
    assert problem.coordinates == ("t",) and problem.faces == ()
    made = solve(
        problem,
        folder=tmp_path / "run",
        points=Points(counts={"interior": 20, "initial": 1}, test=20),
        data=Synthetic(count=50, noise=0.01),
        phases=phases(1),
        show=False,
    )
    assert (
        list(made.metrics["relative_l2"]) == ["x", "y", "z"]
        and made.metrics["reference_error"]["x"] < 1e-12
    )
    assert (
        made(t=np.linspace(0, 3, 4))["y"].shape == (4,) and made.derivative("x_t", 0.5).shape == ()
    )
    names = {p.stem for p in (tmp_path / "run" / "figures").iterdir()}
    assert names == {"solution", "convergence", "points", "unknowns"}
    assert all(0 < u["standard_error"] < np.inf for u in made.metrics["unknowns"].values())


def test_a_problem_without_any_coordinate_is_told():
    with pytest.raises(InputError, match="declare fields, such as"):
        type("Nowhere", (Problem,), {"fields": ("u",)})()
