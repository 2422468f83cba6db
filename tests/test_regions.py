"""Regions: where their points lie, how they are drawn, and what residuals on them determine."""

import dataclasses
import math
from functools import cache, partial
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
from accuracy_gates import Gate
from test_accuracy import Solver, without_xla

import pinn
from pinn import At, Inside, Part
from pinn.derivatives import Symbol
from pinn.errors import InputError
from pinn.geometry import Ball, Difference, Disk, Interval, NoSpace, PointCloud, Rectangle
from pinn.objective import Evaluator, LeastSquares, Objective, cut_into_blocks, draw, trial
from pinn.problem import residual
from pinn.record import History
from pinn.run import Solution
from pinn.run.errors import Errors
from pinn.sampling import METHODS
from pinn.setup import Points
from pinn.setup.draws import Draws
from pinn.setup.network import default_network
from pinn.setup.stages import stages

LINE = Interval(x=(-5.0, 5.0))
SQUARE = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))
DISK = Disk(x=0.0, y=0.0, radius=2.0)
PLATE = Difference(Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)), pipe=Disk(x=1.0, y=1.0, radius=0.5))
BALL = Ball(x=0.0, y=0.0, z=0.0, radius=1.0)
TIMES = (0.5, 2.0)


def problem_with(region, domain=SQUARE, times=None):
    """A problem with a residual on a region that is called "here"."""

    class Model(pinn.Problem):
        fields, space, time = ("u",), domain, times
        regions: ClassVar = {"here": region}

        @residual(on="interior")
        def equation(self, u):
            return u

        @residual(on="here")
        def condition(self, u):
            return u

    return Model()


# Region, domain, time interval, and what holds at its points.
CASES = {
    "plane": (At(x=0.3), SQUARE, None, lambda x, y: x == 0.3),
    "chord": (At(x=-1.0), DISK, None, lambda x, y: (x == -1) & (abs(y) <= 3**0.5)),
    "line beside a hole": (At(y=1.0), PLATE, None, lambda x, y: (y == 1) & (abs(x - 1) >= 0.5)),
    "circle in a ball": (At(z=0.6), BALL, None, lambda x, y, z: np.hypot(x, y) <= 0.8),
    "point in time": (At(x=0.0), LINE, TIMES, lambda x, t: x == 0),
    "end": (At(t=2.0), DISK, TIMES, lambda x, y, t: t == 2),
    "line at a time": (At(x=1.0, t=0.5), SQUARE, TIMES, lambda x, y, t: (x == 1) & (t == 0.5)),
    "screen": (
        At(x=0.5, where=lambda y: y > 0.9),
        SQUARE,
        None,
        lambda x, y: (x == 0.5) & (y > 0.9),
    ),
    "heater": (
        Part("y-", where=lambda x: abs(x - 0.5) < 0.1),
        SQUARE,
        None,
        lambda x, y: (y == 0) & (abs(x - 0.5) < 0.1),
    ),
    "heater for a while": (
        Part("y-", where=lambda x, t: (x > 0.8) & (t < 1)),
        SQUARE,
        TIMES,
        lambda x, y, t: (y == 0) & (x > 0.8) & (t < 1),
    ),
    "half of the boundary": (
        Part("boundary", where=lambda x: x > 0.5),
        SQUARE,
        None,
        lambda x, y: x > 0.5,
    ),
    "arc of a hole": (
        Part("holes", where=lambda y: y > 1),
        PLATE,
        TIMES,
        lambda x, y, t: (y > 1) & np.isclose(np.hypot(x - 1, y - 1), 0.5),
    ),
    "core": (
        Inside(Disk(x=0.9, y=0.5, radius=0.2)),
        SQUARE,
        TIMES,
        lambda x, y, t: (np.hypot(x - 0.9, y - 0.5) <= 0.2) & (x <= 1),
    ),
    "strip": (Inside(Interval(y=(0.2, 0.3))), PLATE, None, lambda x, y: abs(y - 0.25) <= 0.05),
    "ring": (
        Inside(Difference(DISK, core=Disk(x=0.0, y=0.0, radius=1.5))),
        DISK,
        None,
        lambda x, y: np.hypot(x, y) >= 1.5,
    ),
    "wedge": (Inside(where=lambda x, t: x < t), LINE, TIMES, lambda x, t: x < t),
    "late": (Inside(where=lambda t: t > 1.5), NoSpace(), TIMES, lambda t: t > 1.5),
}


@pytest.mark.parametrize("name", CASES)
def test_points_lie_in_their_region_and_in_the_domain(name):
    region, domain, times, holds = CASES[name]
    problem = problem_with(region, domain, times)
    for method in METHODS:
        points = draw(problem, "here", 60, method=method, seed=3).coordinates
        assert points.shape == (60, len(problem.coordinates))
        assert len(np.unique(points, axis=0)) == 60
        assert np.all(holds(*points.T))
        assert np.all(domain.contains(points[:, : len(domain.coordinates)]))
        lower, upper = problem.bounds
        assert np.all((lower <= points) & (points <= upper))
        again = draw(problem, "here", 60, method=method, seed=3).coordinates
        assert points.tobytes() == again.tobytes()
    for other in ({"seed": 4}, {"number": 1}):
        changed = draw(problem, "here", 60, **({"seed": 3} | other)).coordinates
        assert not np.array_equal(changed, draw(problem, "here", 60, seed=3).coordinates)


def test_points_are_uniform_in_their_region():
    # On a chord, in what the square leaves of a disk, and in a strip around a hole.
    y = np.sort(draw(problem_with(At(x=-1.0), DISK), "here", 1024).coordinates[:, 1])
    assert y == pytest.approx(3**0.5 * (2 * (np.arange(1024) + 0.5) / 1024 - 1), abs=0.02)
    quarter = draw(problem_with(Inside(Disk(x=0.0, y=0.0, radius=0.5))), "here", 2048).coordinates
    assert np.mean(quarter, axis=0) == pytest.approx([2 / (3 * math.pi)] * 2, abs=0.005)
    strip = draw(problem_with(Inside(Interval(y=(0.8, 1.2))), PLATE), "here", 2048).coordinates
    half = 0.2 * (0.25 - 0.04) ** 0.5 + 0.25 * math.asin(0.4)  # of the hole's part of the strip
    assert np.mean(strip[:, 0] > 2) == pytest.approx(0.8 / (1.6 - 2 * half), abs=0.01)


def test_faces_share_the_points_by_what_the_predicate_leaves_of_them():
    problem = problem_with(Part("boundary", where=lambda x: x > 0.5))
    points = draw(problem, "here", 400)
    for normal, count in (((1, 0), 200), ((0, -1), 100), ((0, 1), 100), ((-1, 0), 0)):
        assert np.sum(np.all(points.normals == normal, axis=1)) == pytest.approx(count, abs=1)
    assert np.all(points.coordinates[points.normals[:, 0] == 1, 0] == 1)
    # Faces that a hole cuts have their share of what is left.
    cut = Difference(SQUARE, bay=Disk(x=0.5, y=0.0, radius=0.25))
    half = Part("outer", where=lambda x: x > 0.5)
    points = draw(problem_with(half, cut), "here", 350)
    for normal, count in (((1, 0), 200), ((0, -1), 50), ((0, 1), 100)):
        assert np.sum(np.all(points.normals == normal, axis=1)) == pytest.approx(count, abs=2)


def test_normals_exist_on_parts_alone():
    arc = draw(problem_with(Part("pipe", where=lambda y: y > 1), PLATE), "here", 40)
    assert arc.normals == pytest.approx(-2 * (arc.coordinates - 1))
    assert draw(problem_with(At(x=1.0)), "here", 40).normals is None

    class Flux(pinn.Problem):
        fields, space = ("u",), SQUARE
        regions: ClassVar = {"here": Part("y-", where=lambda x: x < 0.5)}

        @residual(on="here")
        def flux(self, u_n):
            return u_n

    assert [symbol.kind for symbol in Flux().terms[0].symbols] == ["normal"]
    words = "'u_n' is a normal derivative, but region 'here' has no normal."
    with pytest.raises(InputError, match=words):
        type("Wrong", (Flux,), {"regions": {"here": At(y=0.0)}})()


def test_a_single_point_is_drawn_once():
    for region, domain, times, point in (
        (At(x=0.0), LINE, None, [0.0]),
        (At(x=1.0, y=0.5, t=0.5), SQUARE, TIMES, [1.0, 0.5, 0.5]),
        (At(t=1.0), NoSpace(), TIMES, [1.0]),
        (Part("x+", where=lambda x: x > 0), LINE, None, [5.0]),
    ):
        points = draw(problem_with(region, domain, times), "here", 50).coordinates
        assert points.tolist() == [point]


def test_regions_of_a_point_cloud(tmp_path):
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inside = draw(problem_with(At(x=0.3), Disk(x=0.0, y=0.0, radius=1.0)), "interior", 2000)
    points = np.concatenate([circle, inside.coordinates])
    normals = np.concatenate([circle, np.full((2000, 2), np.nan)])
    part = np.repeat(["rim", "interior"], [200, 2000])
    x, y = points.T
    np.savez(tmp_path / "disk.npz", x=x, y=y, nx=normals[:, 0], ny=normals[:, 1], part=part)
    cloud = PointCloud(tmp_path / "disk.npz")
    known = {tuple(point) for point in points}
    for region, holds in (
        (Inside(where=lambda x, y: x > y), lambda x, y: x > y),
        (Part("rim", where=lambda x: x > 0.5), lambda x, y: x > 0.5),
    ):
        drawn = draw(problem_with(region, cloud), "here", 50).coordinates
        assert {tuple(point) for point in drawn} <= known and np.all(holds(*drawn.T))
    # A line goes through points that the cloud does not have.
    line = draw(problem_with(At(x=0.6), cloud), "here", 200).coordinates
    assert np.all(line[:, 0] == 0.6)
    assert np.max(abs(line[:, 1])) == pytest.approx(0.8, abs=0.03)


def test_counts_and_redraws_follow_the_names_of_regions(eager):
    problem = problem_with(Part("y-", where=lambda x: x < 0.3))
    objective = Objective(problem, default_network(problem, seed=0, width=4, depth=1))
    points = Points(counts={"interior": 20, "boundary": 12, "here": 7}, heldout=2.0)
    draws = Draws(points, objective, seed=0)
    first = draws.sets(0, {})["here"]
    assert len(first.coordinates) == len(first.normals) == 7
    assert not np.array_equal(first.coordinates, draws.sets(1, {})["here"].coordinates)
    held_out = draws.held_out_sets()["here"].coordinates
    assert len(held_out) == 14 and np.all(held_out[:, 0] < 0.3)
    assert Points(counts={"boundary": 12}).count("here", problem) == 12
    wrong = Points(counts={"interior": 20, "boundary": 12, "her": 7})
    with pytest.raises(InputError, match=r"points.counts.her: no such region. Did you mean 'here'"):
        Draws(wrong, objective, seed=0)
    corner = problem_with(Part("boundary", where=lambda x: x > 0.5))
    objective = Objective(corner, default_network(corner, seed=0, width=4, depth=1))
    with pytest.raises(InputError, match="counts.boundary=2: there are 3 faces; give at least 3"):
        Draws(Points(counts={"interior": 20, "boundary": 2}), objective, seed=0)


def test_a_region_must_have_points_in_every_window_of_time():
    class Decay(pinn.Problem):
        fields, time = ("u",), (0.0, 3.0)
        space = LINE
        regions: ClassVar = {"here": At(x=0.0)}

        @residual(on="initial")
        def start(self, u):
            return u - 1

        @residual(on="here")
        def condition(self, u):
            return u

    last = stages(Decay(), 3)[-1].problem
    times = draw(last, "here", 20).coordinates[:, 1]
    assert times.min() >= 2 and times.max() <= 3
    for region in (At(t=3.0), At(t=0.0), Inside(where=lambda t: t > 1)):
        problem = type("Late", (Decay,), {"regions": {"here": region}})()
        assert len(stages(problem, 1)) == 1
        with pytest.raises(
            InputError, match=r"windows=3: region 'here' has no points in the window"
        ):
            stages(problem, 3)
    edge = type("Edge", (Decay,), {"regions": {"here": At(t=1.5)}})()
    assert len(stages(edge, 2)) == 2  # both windows have it


class Oscillation(pinn.Problem):
    """y'' + 2y = 0, given in the middle."""

    fields = ("y",)
    space = LINE
    regions: ClassVar = {"middle": At(x=0.0)}

    @residual(on="interior")
    def equation(self, y, y_xx):
        return y_xx + 2 * y

    @residual(on="middle")
    def value(self, y):
        return y - 1

    @residual(on="middle")
    def slope(self, y_x):
        return y_x

    def reference(self, x):
        return {"y": np.cos(2**0.5 * x)}


class Stefan(pinn.Problem):
    """Melting: u_t = u_xx up to the front x = s(t), where u = 0 and s' = −u_x."""

    fields = ("u",)
    unknown_fields: ClassVar = {"s": pinn.UnknownField(("t",), lower=0.0, upper=2.0)}
    space = Interval(x=(0.0, 2.0))
    time = (0.0, 1.0)
    regions: ClassVar = {"front": At(x="s"), "start_of_front": At(x="s", t=0.0)}

    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t - u_xx

    @residual(on="x-")
    def wall(self, u, t):
        return u - (tf.exp(t + 0.5) - 1)

    @residual(on="front")
    def melting_point(self, u):
        return u

    @residual(on="front")
    def speed(self, u_x, s_t):
        return s_t + u_x

    @residual(on="start_of_front")
    def start(self, x):
        return x - 0.5

    @residual(on="initial")
    def temperature(self, u, x):
        return u - (tf.exp(0.5 - x) - 1)

    def reference(self, x, t):
        return {"u": np.exp(t + 0.5 - x) - 1, "s": t + 0.5}


@cache
def stefan(engine):
    """Return the loss of the conditions on the front, a batch and a vector."""
    problem = Stefan()
    network = default_network(problem, seed=0, width=3, depth=1)
    others = dict.fromkeys(("heat", "wall", "temperature"), 0)
    objective = Objective(problem, network, weights=others, derivatives=engine)
    blocks = {}
    for region in objective.regions:
        points = draw(problem, region, 6)
        blocks[region] = cut_into_blocks(points, threads=1, size=6, dtype="float64")
    return objective, objective.batch(blocks), objective.flat.flatten()


def test_residuals_on_a_free_boundary_are_evaluated_where_it_is(eager):
    objective, batch, theta = stefan("taylor")
    front = tf.nest.map_structure(lambda a: a[0, 0], batch.points["front"])
    residuals = objective.residuals(objective.flat.partition(theta), "front", front)
    solution = trial(objective.problem, objective.network, hard=False)
    t = front.coordinates[1]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(t)
        s = solution({"x": tf.ones_like(t), "t": t})["s"]
    x = tf.constant(s.numpy())
    with tf.GradientTape() as inner:
        inner.watch(x)
        u = solution({"x": x, "t": t})["u"]
    speed = tape.gradient(s, t) + inner.gradient(u, x)
    assert residuals["melting_point"].numpy() == pytest.approx(u.numpy(), abs=1e-14)
    assert residuals["speed"].numpy() == pytest.approx(speed.numpy(), abs=1e-14)
    start = tf.nest.map_structure(lambda a: a[0, 0], batch.points["start_of_front"])
    assert start.coordinates.shape == (2, 1)


def test_gradients_and_jacobians_follow_a_free_boundary(eager):
    objective, batch, theta = stefan("taylor")
    loss, gradient = objective.value_and_gradient(theta, batch)
    slow = stefan("nested")[0].value_and_gradient(theta, batch)
    assert loss.numpy() == pytest.approx(slow[0].numpy(), rel=1e-12)
    assert gradient.numpy() == pytest.approx(slow[1].numpy(), rel=1e-9, abs=1e-12)
    direction = np.random.default_rng(0).standard_normal(len(theta))
    step = 1e-5 * direction
    rise = objective.value(theta + step, batch) - objective.value(theta - step, batch)
    assert rise.numpy() / 2e-5 == pytest.approx(direction @ gradient.numpy(), rel=1e-6)
    least_squares = LeastSquares(objective)
    total = sum(
        2 * (columns @ r[:, None])[:, 0] for r, columns in least_squares.jacobian(theta, batch)
    )
    assert total.numpy() == pytest.approx(gradient.numpy(), rel=1e-9, abs=1e-12)


def test_conditions_on_regions_determine_a_solution(eager):
    """With hidden units as they are drawn, the last layer is found by linear least squares."""
    problem = Oscillation()
    objective = Objective(problem, default_network(problem, seed=0, width=60, depth=1))
    batch = Draws(Points(counts={"interior": 150, "boundary": 9}), objective, seed=0).batch(0, {})
    assert batch.points["middle"].rows.tolist() == [[0.0]]
    theta = np.random.default_rng(0).uniform(-6, 6, objective.flat.size)
    theta[120:] = 0.0
    pieces = list(LeastSquares(objective).jacobian(tf.constant(theta), batch))
    residuals = np.concatenate([r for r, _ in pieces])
    rows = np.concatenate([columns for _, columns in pieces], axis=1).T[:, 120:]
    theta[120:] = np.linalg.lstsq(rows, -residuals, rcond=1e-13)[0]
    errors = Errors(problem, 200, seed=0)
    evaluator = Evaluator(objective, problem.functions)
    assert errors.relative_l2(partial(evaluator, tf.constant(theta)))["y"] < 1e-6


@pytest.mark.slow
def test_a_free_boundary_is_found_with_the_solution(monkeypatch):
    without_xla(monkeypatch.setattr)
    gate = Gate(problem=Stefan(), reached={}, interior=80, others=20, iterations=40)
    errors = Solver(dataclasses.replace(gate, network={"width": 10})).errors()
    assert errors["u"] < 1e-3 and errors["s"] < 1e-3


def test_a_solution_has_the_points_of_a_free_boundary_where_it_is(eager):
    objective, _, theta = stefan("taylor")
    points = {"front": draw(objective.problem, "front", 6)}
    assert set(points["front"].coordinates[:, 0]) == {1.0}  # the middle, as drawn
    solution = Solution(
        objective, theta, metrics={}, history=History([]), points=points, folder=None
    )
    x, t = solution.points["front"].coordinates.T
    assert x == pytest.approx(solution(x=0.0, t=t)["s"], abs=1e-14)


@pytest.mark.parametrize("engine", ["taylor", "nested"])
def test_derivatives_on_regions_are_the_same_by_both_engines(engine, eager):
    class Wave(pinn.Problem):
        fields, space, time = ("u",), SQUARE, (0.0, 1.0)
        regions: ClassVar = {
            "end": At(t=1.0),
            "core": Inside(Disk(x=0.5, y=0.5, radius=0.2)),
            "heater": Part("y-", where=lambda x: x < 0.5),
        }

        @residual(on="end")
        def rest(self, u_t, lap_u):
            return u_t * lap_u

        @residual(on="core")
        def source(self, u_t, u_xx, u_yy):
            return u_t - u_xx - u_yy - 1

        @residual(on="heater")
        def flux(self, u_n, u):
            return u_n - u

    problem = Wave()
    network = default_network(problem, seed=0, width=4, depth=1)
    objective = Objective(problem, network, derivatives=engine)
    oracle = Objective(problem, network, derivatives="nested")
    sets = Draws(Points(counts={"boundary": 8}), objective, seed=0)
    batch = sets.batch(0, {})
    theta = objective.flat.flatten()
    assert objective.losses(theta, batch).numpy() == pytest.approx(
        oracle.losses(theta, batch).numpy(), rel=1e-10
    )
    assert Symbol("u_n", "normal", "u") in problem.terms[2].symbols
