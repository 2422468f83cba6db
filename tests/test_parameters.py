"""Parameters of a problem: coefficients that the network takes as inputs."""

import json
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
import yaml

from pinn import (
    Adam,
    At,
    Disk,
    FieldScale,
    GaussNewton,
    Inside,
    Interval,
    Parameter,
    Part,
    Problem,
    Rectangle,
    UnknownField,
    load,
    parameter,
    positive,
    residual,
    resume,
    satisfies,
    solve,
)
from pinn.cli.run import compose
from pinn.geometry import Difference
from pinn.measurements import DataFile, Synthetic
from pinn.networks import Periodic, mlp
from pinn.objective import (
    Evaluator,
    LeastSquares,
    Objective,
    PointSet,
    cut_into_blocks,
    draw,
    find_scales,
)
from pinn.objective.probe import LEAST_WAVE_NUMBER, Probe
from pinn.problems import Burgers, LorenzInverse
from pinn.record import Metrics
from pinn.reporting.summary import summary
from pinn.run.errors import Errors
from pinn.setup import Points, Setup
from pinn.setup.config import describe
from pinn.setup.config import setup as setup_of
from pinn.setup.network import default_network
from pinn.training import Phase, StopRule
from pinn.weights import Causal, SelfAdaptive
from pinn.weights.scheme import to_unit_coordinates

SOLVED = {"lower": 0.02, "upper": 0.5, "log": True}


class Decay(Problem):
    """u′ = −k u from 1."""

    k: float = parameter(0.5, 2.0)
    fields = ("u",)
    time = (0.0, 1.0)

    @residual(on="interior")
    def decay(self, u, u_t):
        return u_t + self.k * u

    @residual(on="initial")
    def start(self, u):
        return u - 1

    def reference(self, t):
        assert isinstance(self.k, float)  # a solver takes no arrays
        return {"u": np.exp(-self.k * t)}

    def derived(self, u):
        return {"flow": self.k * u}


class Plate(Problem):
    """A plate with a hole, with two parameters in equations, conditions and the ansatz."""

    a: float = parameter(0.5, 2.0)
    h: float = parameter(1e-3, 1e-1, log=True)
    speed: float = positive(0.7)
    fields = ("u", "v")
    space = Difference(Rectangle(x=(-1.0, 1.0), y=(0.0, 1.0)), hole=Disk(x=0.0, y=0.5, radius=0.2))
    time = (0.5, 2.0)
    unknown_fields: ClassVar = {
        "w": UnknownField(("x", "h")),
        "s": UnknownField(("t", "a"), -0.9, 0.9),
    }
    regions: ClassVar = {
        "heater": Part("y-", where=lambda x, a: a * abs(x) < 0.5),
        "core": Inside(where=lambda x, h: abs(x) > h),
        "middle": At(a=1.0, x=0.5),
        "front": At(x="s", y=0.95),
    }

    @residual(on="interior")
    def heat(self, x, u, u_t, lap_u, w, v_h):
        return u_t - self.a * lap_u + tf.sin(self.h * u * x) * w + v_h

    @residual(on="interior")
    def second(self, h, v_t, v_xx, v_xh):
        return v_t - self.speed * v_xx + h * v_xh / self.a

    @residual(on="hole")
    def film(self, u, u_n, v_n):
        return u_n + self.h * u - self.a * v_n

    @residual(on="heater")
    def flux(self, u_n):
        return u_n - self.h

    @residual(on="core")
    def inside(self, u_a):
        return u_a

    @residual(on="middle")
    def fixed(self, u, w_h):
        return u - self.a + w_h

    @residual(on="front")
    def front(self, u, s_t):
        return s_t - self.a * u

    @residual(on="initial")
    def start(self, x, u):
        return u - self.a * x

    @satisfies("start")
    def ansatz(self, x, t, net):
        u, v = net
        return self.a * x + (1 - tf.exp(-self.h * (t - 0.5))) * u, v


GENTLE = Points(counts={"interior": 40, "initial": 8, "boundary": 8}, test=64)


def brief(optimizer, iterations=2, **options):
    stop = StopRule(max_iterations=iterations)
    return [Phase(name="polish", optimizer=optimizer, stop=stop, report_every=2, **options)]


def small(problem, **settings):
    return default_network(problem, width=4, depth=1, seed=0, **settings)


def batch_of(objective, count=24, **fixed):
    """Return a batch of drawn points, some of whose coordinates are fixed."""
    problem = objective.problem
    sets = {}
    for region in objective.regions:
        points = draw(problem, region, count)
        for name, value in fixed.items():
            points.coordinates[:, problem.coordinates.index(name)] = value
        sets[region] = cut_into_blocks(points, threads=1, size=count, dtype="float64")
    return objective.batch(sets)


def without(objective, batch, name):
    """Return a batch without one of the coordinates of an objective."""
    axis = objective.problem.coordinates.index(name)
    points = {}
    for region, blocks in batch.points.items():
        rows = [i for i in range(blocks.coordinates.shape[2]) if i != axis]
        points[region] = blocks._replace(coordinates=tf.gather(blocks.coordinates, rows, axis=2))
    return batch._replace(points=points)


def restricted(problem, network, value):
    """Return a network of x and t that is a network of x, nu and t at one value of nu."""
    parameter = problem.parameters["nu"]
    low, high = parameter.seen_range
    z = 2 * (np.log(value) - low) / (high - low) - 1
    lower, upper = problem.space.bounds
    bounds = {"lower": [*lower, 0.0], "upper": [*upper, 1.0]}
    other = mlp(**bounds, outputs=1, width=6, depth=2)
    kernel, bias, *rest = [v.numpy() for v in network.trainable_variables]
    first = [kernel[[0, 2]], bias + z * kernel[1]]
    for variable, numbers in zip(other.trainable_variables, [*first, *rest], strict=True):
        variable.assign(numbers)
    return other


@pytest.mark.parametrize("engine", ["taylor", "nested"])
@pytest.mark.parametrize("hard", [False, True])
def test_at_one_value_the_loss_is_that_of_the_problem_with_this_coefficient(hard, engine, eager):
    problem = Burgers(nu=SOLVED)
    network = default_network(problem, width=6, depth=2, seed=1)
    options = {"hard": hard, "derivatives": engine}
    objective = Objective(problem, network, **options)
    batch = batch_of(objective, nu=0.1)
    ordinary = Objective(Burgers(nu=0.1), restricted(problem, network, 0.1), **options)
    losses = objective.losses(objective.flat.flatten(), batch).numpy()
    expected = ordinary.losses(ordinary.flat.flatten(), without(objective, batch, "nu")).numpy()
    assert losses == pytest.approx(expected, rel=1e-12)
    other = batch_of(objective, nu=0.2)
    assert objective.losses(objective.flat.flatten(), other).numpy()[0] != pytest.approx(losses[0])


@pytest.mark.quick("problem1")
@pytest.mark.parametrize(
    ("problem", "hard", "rank"), [(Plate(), True, None), (Burgers(nu=SOLVED), False, 2)]
)
def test_taylor_equals_nested_with_derivatives_by_parameters(problem, hard, rank, eager):
    network = small(problem, rank=rank)
    by_engine = []
    for engine in ("taylor", "nested"):
        objective = Objective(problem, network, hard=hard, derivatives=engine)
        theta = objective.flat.flatten()
        batch = batch_of(objective, 8)
        by_engine.append(
            (*objective.value_and_gradient(theta, batch), objective.losses(theta, batch))
        )
    for fast, slow in zip(*by_engine, strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-11)
    assert np.all(by_engine[0][2].numpy() > 0)


def test_residuals_and_their_jacobian_give_the_gradient(eager):
    objective = Objective(Plate(), default_network(Plate(), width=4, depth=1, seed=2), hard=True)
    theta = objective.flat.flatten()
    batch = batch_of(objective, 12)
    _, gradient = objective.value_and_gradient(theta, batch)
    product = np.zeros(len(theta))
    for r, columns in LeastSquares(objective).jacobian(theta, batch):
        product += columns.numpy() @ r.numpy()
    np.testing.assert_allclose(2 * product, gradient, rtol=1e-9, atol=1e-12)


def test_a_parameter_is_no_space_coordinate(eager):
    problem = Plate()
    assert problem.coordinates == ("x", "y", "a", "h", "t")
    assert not {"a-", "h+"} & set(problem.boundaries)
    objective = Objective(problem, default_network(problem, width=5, depth=2, seed=3))
    names = ("lap_u", "u_xx", "u_yy", "u_h", "u", "u_aa")
    points = draw(problem, "interior", 16).coordinates
    theta = objective.flat.flatten()
    values = Evaluator(objective, names)(theta, points)
    np.testing.assert_allclose(values["lap_u"], values["u_xx"] + values["u_yy"], rtol=1e-10)
    # The sensitivity u_h is the derivative by the coefficient itself, not by its logarithm.
    step = 1e-6
    moved = [
        Evaluator(objective, ("u",))(theta, points + d)
        for d in (step * np.eye(5)[3], -step * np.eye(5)[3])
    ]
    difference = (moved[0]["u"] - moved[1]["u"]) / (2 * step)
    np.testing.assert_allclose(values["u_h"], difference, rtol=1e-5, atol=1e-7)
    assert np.any(values["u_aa"])


@pytest.mark.parametrize("region", ["interior", "initial", "boundary", "hole", *Plate.regions])
def test_every_region_has_points_over_the_ranges_of_the_parameters(region):
    problem = Plate()
    points = draw(problem, region, 400)
    columns = dict(zip(problem.coordinates, points.coordinates.T, strict=True))
    assert points.coordinates.shape == (400, 5)
    for name, (lower, upper) in problem.ranges.items():
        assert np.all((columns[name] >= lower) & (columns[name] <= upper))
    # A logarithmic scale has as many points in one decade as in the other.
    assert np.mean(columns["h"] < 1e-2) == pytest.approx(0.5, abs=0.02)
    if region == "middle":
        assert set(columns["a"]) == {1.0}
    elif region != "heater":
        assert np.mean(columns["a"] < 1.25) == pytest.approx(0.5, abs=0.02)
    if points.normals is not None:
        assert points.normals.shape == (400, 2)


def test_space_parameters_and_time_are_one_low_discrepancy_sequence():
    points = draw(Burgers(nu=SOLVED), "interior", 64).coordinates
    seen = np.stack(Burgers(nu=SOLVED).seen(list(points.T)), axis=1)
    lower, upper = Burgers(nu=SOLVED).seen_bounds
    cells = np.floor(4 * (seen - lower) / (upper - lower)).astype(int)
    assert len(np.unique(cells, axis=0)) == 64  # every cell of a 4 × 4 × 4 grid holds one point


def test_a_number_fixes_a_parameter_and_a_range_frees_a_coefficient():
    assert Decay().parameters == {"k": Parameter(0.5, 2.0)}
    assert Decay(k=3.0).coordinates == ("t",) and Decay(k=3.0).k == 3.0
    assert Decay(k={"upper": 4.0}).k == Parameter(0.5, 4.0)
    assert Decay(k=Parameter(0.5, 4.0)) == Decay(k={"upper": 4.0})
    assert Burgers().coordinates == ("x", "t")
    assert Burgers(nu=SOLVED).coordinates == ("x", "nu", "t")
    assert Burgers(nu=SOLVED, lambda1={"lower": 0, "upper": 1}).coordinates == (
        "x",
        "nu",
        "lambda1",
        "t",
    )


def test_ranges_survive_a_configuration():
    problem = Plate(h={"lower": 1e-2})
    made = Setup(problem=problem, network=small(problem))
    node = yaml.safe_load(yaml.safe_dump(describe(made)))
    assert node["problem"]["h"] == {"lower": 0.01, "upper": 0.1, "log": True}
    again = setup_of({**node, "network": {"width": 4, "depth": 1}})
    assert again.problem == problem
    composed, _ = compose(["problem=burgers", "problem.nu={lower: 0.01, upper: 0.1}", "name=x"])
    assert composed["problem"]["nu"] == {"lower": 0.01, "upper": 0.1}
    composed, _ = compose(["experiment=burgers_parametric", "problem.nu.upper=0.02"])
    assert setup_of(composed).problem.ranges["nu"][1] == 0.02
    composed, _ = compose(["experiment=burgers_parametric", "problem.nu=0.02"])
    assert setup_of(composed).problem.nu == 0.02


def test_grid_and_middle_are_even_in_the_scale_of_the_parameter():
    assert Parameter(1.0, 3.0).grid.tolist() == [1.0, 1.5, 2.0, 2.5, 3.0]
    log = Parameter(1e-3, 1e1, log=True)
    assert log.grid == pytest.approx([1e-3, 1e-2, 1e-1, 1.0, 1e1], rel=1e-14)
    assert (log.grid[0], log.grid[-1]) == (1e-3, 1e1)
    assert (log.middle, Parameter(1.0, 3.0).middle) == (pytest.approx(0.1), 2.0)
    values = log.at(np.linspace(0, 1, 7))
    np.testing.assert_allclose(log.share(values), np.linspace(0, 1, 7), atol=1e-14)
    assert log.contains(np.array([1e-3, 1e1, -1.0, 0.0, 11.0]), slack=1e-9).tolist() == [
        1,
        1,
        0,
        0,
        0,
    ]


def test_errors_are_those_at_the_values_of_the_grid():
    problem = Decay()
    errors = Errors(problem, 400, seed=0)
    k, t = errors.points.T
    assert sorted(set(k)) == problem.parameters["k"].grid.tolist()
    np.testing.assert_allclose(errors.truth["u"], np.exp(-k * t), rtol=1e-14)

    def evaluate(points):
        return {"u": np.exp(-points[:, 0] * points[:, 1]) * (1 + points[:, 0])}

    by_value = errors.by_parameter(evaluate)["k"]
    for error in by_value:
        assert error.relative_l2["u"] == pytest.approx(error.value)
        assert error.relative_l2["flow"] == pytest.approx(error.value)
    assert 0.5 < errors.relative_l2(evaluate)["u"] < 2.0
    assert Errors(Decay(k=1.0), 9, seed=0).by_parameter(lambda p: {"u": p[:, 0]}) == {}


def test_derived_quantities_take_the_value_of_each_point():
    points = np.array([[0.5, 0.0], [2.0, 1.0]])
    values = Decay().with_derived({"u": np.array([1.0, 3.0])}, points)
    assert values["flow"].tolist() == [0.5, 6.0]
    assert Decay().quantities == ("u", "flow")


class Source(Problem):
    """A source that varies fast with the logarithm of a parameter."""

    k: float = parameter(1e-2, 1e2, log=True)
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def poisson(self, u_xx):
        return u_xx + 50 * tf.sin(7 * tf.math.log(self.k))

    @residual(on="boundary")
    def walls(self, u):
        return u


def test_random_fields_vary_with_a_parameter_as_sources_do(eager):
    objective = Objective(Source(), small(Source()))
    probe = Probe(objective, objective.problem)
    x, k = probe.variation("interior", {"u": FieldScale(0.0, 0.0)})
    # In coordinates from −1 to 1 the source is sin(7 ln(100) z), whose slope is 7 ln(100) cos.
    assert x == pytest.approx(0, abs=1e-6)
    assert k == pytest.approx(7 * np.log(100), rel=0.3) and k > LEAST_WAVE_NUMBER
    scales = find_scales(objective)
    assert scales.fields["u"].scale > 0.01 and scales.residuals["poisson"] >= 16


def test_unit_coordinates_are_those_of_the_scale(eager):
    objective = Objective(Plate(), small(Plate()))
    unit = to_unit_coordinates(Plate(), batch_of(objective, 64).points["interior"])
    assert np.all((unit >= 0) & (unit <= 1))
    assert np.mean(unit, axis=0)[2:] == pytest.approx(0.5, abs=0.03)


@pytest.mark.slow
def test_a_run_is_resumed_and_loaded_and_draws_three_pictures(tmp_path, eager):
    def solved(iterations, folder):
        return solve(
            Decay(), network=small(Decay()), points=GENTLE, show=False,
            phases=brief(Adam(), iterations), folder=tmp_path / folder,
        )  # fmt: skip

    whole = solved(4, "whole")
    part = solved(2, "part")
    assert part.folder is not None
    resumed = resume(part.folder, overrides=["phases.polish.stop.max_iterations=4"], show=False)
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    loaded = load(part.folder)
    assert loaded(k=0.7, t=0.3)["u"] == whole(0.7, 0.3)["u"]
    assert loaded.problem == Decay()
    metrics = Metrics.from_json(json.loads((part.folder / "metrics.json").read_text()))
    assert [error.value for error in metrics.by_parameter["k"]] == [0.5, 0.875, 1.25, 1.625, 2.0]
    assert metrics.to_json() == loaded.metrics and summary(metrics)
    assert "by_parameter" not in Metrics().to_json()
    names = {path.stem for path in (part.folder / "figures").glob("*.png")}
    assert {"solution", "solution_lower", "solution_upper", "convergence", "points"} <= names


@pytest.mark.quick("rad")
@pytest.mark.parametrize("adaptive", ["rad", "importance", "rar_d", "r3"])
def test_adaptive_points_follow_the_residual_over_the_parameter_too(adaptive, eager):
    points = Points(counts=GENTLE.counts, test=8, adaptive=adaptive)
    solution = solve(
        Decay(), network=small(Decay()), points=points, show=False,
        phases=brief(Adam(), redraw_every=2),
    )  # fmt: skip
    k = solution.points["interior"].coordinates[:, 0]
    assert len(set(k)) == len(k) and np.all((k >= 0.5) & (k <= 2.0))


@pytest.mark.parametrize("scheme", [Causal(every=2), SelfAdaptive(every=2)])
def test_weights_of_points_go_with_parameters(scheme, eager):
    solution = solve(
        Decay(), network=small(Decay()), points=GENTLE, show=False, scheme=scheme,
        phases=brief(Adam()),
    )  # fmt: skip
    assert np.all(np.isfinite(solution.weights["decay"]))
    if isinstance(scheme, Causal):  # a function of time alone
        t = solution.points["interior"].coordinates[:, 1]
        by_segment = dict(zip(np.floor(32 * t), solution.weights["decay"], strict=True))
        again = [by_segment[segment] for segment in np.floor(32 * t)]
        assert solution.weights["decay"].tolist() == again


def test_windows_hand_over_the_state_for_every_value(eager):
    solution = solve(
        Decay(), network=small(Decay()), points=GENTLE, show=False, windows=2, phases=brief(Adam())
    )
    k = np.array([0.5, 1.0, 2.0])
    before, after = (solution(k=k, t=0.5 + d)["u"] for d in (0.0, 1e-9))
    assert np.all(np.isfinite(before)) and np.all(np.isfinite(after)) and len(set(before)) == 3


class Shift(Decay):
    shift: float = 1.0

    @residual(on="data")
    def misfit(self, u, u_data):
        return u - u_data * self.shift + 0 * self.k


def test_measurements_have_a_column_of_the_parameter_or_one_value(tmp_path, eager):
    table = {"k": np.array([0.5, 2.0]), "t": np.array([0.1, 0.2]), "u": np.array([0.9, 0.7])}
    settings = {"network": small(Shift()), "points": GENTLE, "show": False}
    found = solve(Shift(unknowns={"shift": 0.5}), data=table, phases=brief(Adam()), **settings)
    assert found.points["data"].coordinates.tolist() == [[0.5, 0.1], [2.0, 0.2]]
    assert 0 < found.unknowns["shift"] < 1
    path = tmp_path / "table.csv"
    path.write_text("t,u\n0.1,0.9\n0.2,0.8\n")
    read = DataFile(path=str(path), coordinates={"k": 1.0}).measure(Shift())
    assert read.coordinates[:, 0].tolist() == [1.0, 1.0]
    made = Synthetic(count=50, times=(0.5,)).measure(Decay())
    k, t = made.coordinates.T
    assert set(k) == set(Decay().parameters["k"].grid) and set(t) == {0.5}
    np.testing.assert_allclose(made.values["u"], np.exp(-k * t), rtol=1e-14)


class Ring(Problem):
    """Diffusion on a ring, which is odd at its middle."""

    D: float = parameter(0.1, 1.0, log=True)
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)
    periodic = ("x",)

    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t - self.D * u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(2 * np.pi * x)


def test_periodic_and_symmetric_networks_take_parameters(eager):
    ring = Objective(Ring(), small(Ring(), periodic=Periodic(coordinates=("x",), harmonics=2)))
    points = np.array([[0.0, 0.3, 0.4], [1.0, 0.3, 0.4], [0.0, 0.9, 0.4]])
    u = Evaluator(ring, ("u",))(ring.flat.flatten(), points)["u"]
    assert u[0] == u[1] != u[2]
    problem = Burgers(nu=SOLVED)
    odd = Objective(problem, small(problem, symmetric=True))
    points = np.array([[0.3, 0.1, 0.4], [-0.3, 0.1, 0.4], [0.3, 0.4, 0.4]])
    u = Evaluator(odd, ("u",))(odd.flat.flatten(), points)["u"]
    assert u[0] == pytest.approx(-u[1], abs=1e-14) and abs(u[0] - u[2]) > 1e-6


@pytest.mark.slow
def test_other_coefficients_may_be_continued_or_unknown(eager):
    problem = Burgers(nu=SOLVED, unknowns={"lambda1": 0.5})
    data = PointSet(np.array([[0.5, 0.1, 0.5]]), None, {"u": np.array([-0.3])})
    network = small(problem)
    found = solve(
        problem, network=network, data=data, points=GENTLE, show=False, phases=brief(Adam())
    )
    assert found.unknowns["lambda1"] != 0.5
    continued = solve(
        Burgers(nu=SOLVED), network=network, points=GENTLE, show=False, phases=brief(Adam()),
        continuation={"lambda1": [0.5]},
    )  # fmt: skip
    assert np.isfinite(continued(0.1, 0.1, 0.1)["u"])
    made = Synthetic(count=8).measure(LorenzInverse(rho={"lower": 20.0, "upper": 28.0}))
    assert made.coordinates.shape == (8, 2)


@pytest.mark.slow
def test_the_decay_is_found_for_all_rates(shared_losses):
    points = Points(counts={"interior": 200, "initial": 30}, test=500)
    network = default_network(Decay(), width=10, depth=2, seed=0)
    solution = solve(
        Decay(), network=network, points=points, phases=brief(GaussNewton(), 100), show=False
    )
    assert solution.metrics["relative_l2"]["u"] < 1e-5
    for error in solution.metrics["by_parameter"]["k"]:
        assert error["relative_l2"]["u"] < 1e-5
    sensitivity = solution.derivative("u_k", k=1.0, t=np.linspace(0, 1, 5))
    np.testing.assert_allclose(
        sensitivity, -np.linspace(0, 1, 5) * np.exp(-np.linspace(0, 1, 5)), atol=1e-3
    )
