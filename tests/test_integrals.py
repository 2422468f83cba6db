"""Integrals that residuals take by name: values, gradients, Jacobians, scales, windows."""

import math
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from pinn.derivatives import nested, taylor
from pinn.errors import InputError
from pinn.geometry import Ball, Difference, Disk, Interval, PointCloud, Rectangle
from pinn.objective import (
    Evaluator,
    LeastSquares,
    Objective,
    Scales,
    cut_into_blocks,
    draw,
    find_scales,
)
from pinn.objective.quadrature_rules import rule_of
from pinn.objective.symbol_values import SymbolValues
from pinn.problem import At, Inside, Part, Problem, integral, parameter, residual
from pinn.run import solve
from pinn.setup import Points, Setup, default_network, two_phases
from pinn.setup.config import describe, setup
from pinn.setup.draws import Draws
from pinn.setup.stages import stages
from pinn.unknowns import UnknownField


def over(region, space, *, time=None, regions=None, **limits):
    """Return a problem with an integral `total` of the field u, and `flux` over faces."""

    class Mine(Problem):
        fields = ("u",)

        @integral(over=region, **limits)
        def total(self, u):
            return u

        @residual(on="interior")
        def first(self, u, total):
            return u - total

    Mine.space = space
    Mine.time = time
    Mine.regions = regions or {}
    return Mine()


def value(problem, function, points, name="total", engine=taylor, **settings):
    """Return an integral at points by coordinate, of a function of coordinates by name."""
    values = SymbolValues(problem, engine=engine, dtype="float64", **settings)
    columns = {c: tf.constant(np.atleast_1d(points[c]), tf.float64) for c in problem.coordinates}
    found = values(problem, lambda at: {"u": function(**at)}, [problem.symbol(name)], columns)
    return found[name].numpy()


SQUARE = Rectangle(x=(0.0, 2.0), y=(0.0, 3.0))
DISK = Disk(x=1.0, y=0.5, radius=2.0)
CASES = {
    "interval": (over("interior", Interval(x=(-1.0, 2.0))), lambda x: x**2, 3.0, 1e-13),
    "rectangle": (over("interior", SQUARE), lambda x, y: x * y**2, 18.0, 1e-13),
    "coordinates": (over(("x", "y"), SQUARE), lambda x, y: x * y**2, 18.0, 1e-13),
    "disk": (over("interior", DISK), lambda x, y: x + y**2, 4 * math.pi * 2.25, 1e-12),
    "circle": (
        over("boundary", DISK),
        lambda x, y: (x - 1) ** 2 + y,
        4 * math.pi * (0.5 + 2.0),
        1e-12,
    ),
    # x-: ∫ y, x+: ∫ (2 + y), y-: ∫ x, y+: ∫ (x + 3)
    "faces": (over("boundary", SQUARE), lambda x, y: x + y, 4.5 + 10.5 + 2 + 8, 1e-13),
    "a face": (over("x+", SQUARE), lambda x, y: x * y, 9.0, 1e-13),
    "an end": (over("x-", Interval(x=(-1.0, 2.0))), lambda x: x**3, -1.0, 1e-13),
    "a line": (
        over("line", SQUARE, regions={"line": At(x=0.5)}),
        lambda x, y: x * y,
        2.25,
        1e-13,
    ),
    "a point": (
        over("here", SQUARE, regions={"here": At(x=0.5, y=2.0)}),
        lambda x, y: x * y,
        1.0,
        1e-13,
    ),
    "a strip": (
        over("strip", SQUARE, regions={"strip": Inside(Interval(x=(0.5, 1.0)))}),
        lambda x, y: x * y,
        0.375 * 4.5,
        1e-13,
    ),
    "an inner disk": (
        over("spot", SQUARE, regions={"spot": Inside(Disk(x=1.0, y=1.0, radius=0.5))}),
        lambda x, y: x * y,
        math.pi / 4,
        1e-12,
    ),
    "a part": (
        over("half", SQUARE, regions={"half": Part("y-", where=lambda x: x < 1)}),
        lambda x, y: x + y,
        0.5,
        3e-3,
    ),
    "a triangle": (
        over("half", SQUARE, regions={"half": Inside(where=lambda x, y: y < 1.5 * x)}),
        lambda x, y: x + y,
        4 + 3,
        3e-3,
    ),
    "a hole": (
        over("interior", Difference(SQUARE, hole=Disk(x=1.0, y=1.0, radius=0.5))),
        lambda x, y: 1.0 + 0 * x,
        6 - math.pi / 4,
        1e-12,
    ),
    "a ball": (
        over("interior", Ball(x=0.0, y=0.0, z=1.0, radius=1.0)),
        lambda x, y, z: x**2 + z,
        4 * math.pi / 3 * 1.2,
        3e-3,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_integrals_of_known_functions(name):
    problem, function, right, tolerance = CASES[name]
    assert problem.integrals["total"].is_number
    points = draw(problem, "interior", 3).coordinates
    at = dict(zip(problem.coordinates, points.T, strict=True))
    for engine in (taylor, nested):
        found = value(problem, function, at, engine=engine)
        assert found == pytest.approx(np.full(3, right), rel=tolerance)


def test_a_point_cloud_needs_measures(tmp_path):
    path = tmp_path / "cloud.csv"
    points = np.random.default_rng(0).random((400, 2)) * [2, 1]
    rows = [f"{x},{y},interior,," for x, y in points]
    measured = [f"{row},0.005" for row in rows]
    path.write_text("\n".join(["x,y,part,nx,ny,measure", *measured, "0,0,wall,-1,0,1"]))
    problem = over("interior", PointCloud(path))
    found = value(problem, lambda x, y: x + 0 * y, {"x": 0.0, "y": 0.0})
    assert found == pytest.approx(0.005 * points[:, 0].sum(), rel=2e-3)
    path.write_text("\n".join(["x,y,part,nx,ny", *rows, "0,0,wall,-1,0"]))
    with pytest.raises(InputError, match="lacks the column measure"):
        over("interior", PointCloud(path))


WAVE = {"space": Interval(x=(0.0, 2.0)), "time": (1.0, 3.0)}


@pytest.mark.parametrize(
    ("problem", "own", "right"),
    [
        (over("interior", **WAVE), ("t",), lambda x, t: 2 * t),
        (over("x", **WAVE), ("t",), lambda x, t: 2 * t),
        (over("t", **WAVE), ("x",), lambda x, t: 4 * x),
        (over("t", upper="t", **WAVE), ("x", "t"), lambda x, t: x * (t**2 - 1) / 2),
        (over("t", lower="t", **WAVE), ("x", "t"), lambda x, t: x * (9 - t**2) / 2),
        (over("t", lower=1.5, upper=2, **WAVE), ("x",), lambda x, t: x * 0.875),
        (over("x", lower=1, upper="x", **WAVE), ("x", "t"), lambda x, t: t * (x**2 - 1) / 2),
        (over("initial", **WAVE), (), lambda x, t: 2 + 0 * x),
        (over("x+", **WAVE), ("t",), lambda x, t: 2 * t),
        (over(("x+", "t"), **WAVE), (), lambda x, t: 8 + 0 * x),
        (over(("x", "t"), **WAVE), (), lambda x, t: 8 + 0 * x),
        (over(("interior", "t"), upper="t", **WAVE), ("t",), lambda x, t: t**2 - 1),
        (over("end", regions={"end": At(t=3.0)}, **WAVE), (), lambda x, t: 6 + 0 * x),
        (over("here", regions={"here": At(x=0.5)}, **WAVE), ("t",), lambda x, t: t / 2),
    ],
    ids=lambda p: "" if callable(p) or isinstance(p, Problem) else str(p),
)
def test_what_does_not_run_is_the_points_own(problem, own, right):
    assert problem.integrals["total"].own == own
    points = {"x": np.array([0.2, 1.0, 1.7]), "t": np.array([2.5, 1.5, 1.1])}
    found = value(problem, lambda x, t: x * t, points)
    assert found == pytest.approx(right(**points), rel=1e-13)


class Tuned(Problem):
    """A problem with a parameter k, in residuals and integrands."""

    fields = ("u",)
    space = Interval(x=(0.0, 2.0))
    time = (0.0, 1.0)
    k: float = parameter(1.0, 4.0, log=True)
    regions: ClassVar = {"tuned": At(k=3.0)}

    @integral(over="interior")
    def total(self, u):
        return self.k * u

    @integral(over="tuned")
    def tuned(self, u):
        return self.k * u

    @residual(on="interior")
    def first(self, u_t, u_k, total, tuned):
        return u_t + u_k - total * tuned


def test_a_parameter_is_the_points_own():
    problem = Tuned()
    assert problem.integrals["total"].own == ("k", "t")
    assert problem.integrals["tuned"].own == ("t",)
    points = {"x": np.zeros(2), "k": np.array([1.5, 2.0]), "t": np.array([0.25, 1.0])}
    for name, right in (("total", [2 * 1.5**2 / 4, 8.0]), ("tuned", [18 / 4, 18.0])):
        found = value(problem, lambda x, k, t: k * x * t, points, name)
        assert found == pytest.approx(right, rel=1e-13)

    class Over(Tuned):
        @integral(over="k")
        def total(self, u):
            return u

    with pytest.raises(InputError, match="over='k' is a parameter; integrate over space and time"):
        Over()


class Kernels(Problem):
    """Fredholm and Volterra integrals, a flux, and what depends on an unknown."""

    fields = ("u",)
    unknown_fields: ClassVar = {"k": UnknownField(("x",), lower=0.5)}
    space = Interval(x=(0.0, 2.0))
    time = (0.0, 1.0)
    a: float = 0.7

    @integral(over="x")
    def fredholm(self, x, x_at, u):
        return tf.exp(-self.a * (x - x_at) ** 2) * u

    @integral(over="t", upper="t")
    def volterra(self, t, t_at, u, k):
        return tf.sin(t - t_at) * u * k

    @integral(over=("interior", "t"))
    def energy(self, u_x, u_t):
        return self.a * u_x**2 + u_t**2

    @integral(over="boundary")
    def outflow(self, u_n):
        return u_n

    @residual(on="interior")
    def heat(self, u, u_t, u_xx, fredholm, volterra, energy):
        return u_t - u_xx - fredholm * u + volterra + self.a * energy

    @residual(on="initial")
    def start(self, x, u, outflow):
        return u - tf.sin(x) + 0.1 * outflow

    @residual(on="boundary")
    def ends(self, u, u_n, fredholm, energy):
        return u * u_n - fredholm * energy


def test_kernels_take_the_points_coordinate():
    found = value(Kernels(), lambda x, t: x + 0 * t, {"x": 0.3, "t": 0.5}, "fredholm")
    s = np.linspace(0, 2, 20_001)
    assert found == pytest.approx(np.trapezoid(np.exp(-0.7 * (s - 0.3) ** 2) * s, s), rel=1e-7)


def lossy(engine="taylor", *, hard=False, problem=None, **settings):
    """Return an objective with integrals, and its batch."""
    problem = problem or Kernels(unknowns={"a": 0.6})
    network = default_network(problem, seed=0, width=4, depth=2)
    objective = Objective(problem, network, derivatives=engine, hard=hard, nodes=5, **settings)
    blocks = {}
    for region in objective.regions:
        points = draw(problem, region, 7)
        blocks[region] = cut_into_blocks(points, threads=1, size=7, dtype="float64")
    return objective, objective.batch(blocks)


@pytest.fixture(scope="module")
def both():
    return [lossy("taylor"), lossy("nested")]


def test_engines_agree_and_gradients_are_those_of_differences(both, eager):
    results = []
    for objective, batch in both:
        theta = objective.flat.flatten()
        loss, gradient = objective.value_and_gradient(theta, batch)
        results.append((float(loss), gradient.numpy()))
        direction = np.random.default_rng(0).standard_normal(len(theta))
        step = 1e-5 * direction
        slope = (objective.value(theta + step, batch) - objective.value(theta - step, batch)) / 2e-5
        assert float(slope) == pytest.approx(float(gradient.numpy() @ direction), rel=1e-6)
    (loss, gradient), (other, other_gradient) = results
    assert loss == pytest.approx(other, rel=1e-12)
    np.testing.assert_allclose(gradient, other_gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_the_jacobian_is_that_of_differences_and_of_the_gradient(both, eager):
    found = []
    for objective, batch in both:
        squares = LeastSquares(objective)
        theta = objective.flat.flatten()
        pieces = list(squares.jacobian(theta, batch))
        residuals = np.concatenate([r for r, _ in pieces])
        columns = np.concatenate([j for _, j in pieces], 1)
        found.append(columns)
        ordered = squares.residuals(theta, batch).numpy()  # in the same order: one block each
        np.testing.assert_allclose(ordered, residuals, rtol=1e-10, atol=1e-13)
        step = 1e-5 * np.random.default_rng(1).standard_normal(len(theta))
        change = squares.residuals(theta + step, batch) - squares.residuals(theta - step, batch)
        np.testing.assert_allclose(change / 2, step @ columns, rtol=1e-5, atol=1e-11)
        gradient = 2 * columns @ residuals
        np.testing.assert_allclose(
            2 * squares.vjp(theta, batch, ordered), gradient, rtol=1e-9, atol=1e-12
        )
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8, atol=1e-11)


@pytest.mark.slow
def test_compiled_programs_give_the_same(shared_losses):
    objective, batch = lossy(problem=Density())
    theta = objective.flat.flatten()
    loss, gradient = objective.value_and_gradient(theta, batch)
    tf.config.run_functions_eagerly(False)
    pieces = list(LeastSquares(objective).jacobian(theta, batch))
    residuals = np.concatenate([r for r, _ in pieces])
    columns = np.concatenate([j for _, j in pieces], 1)
    assert np.sum(residuals**2) == pytest.approx(float(loss), rel=1e-12)
    np.testing.assert_allclose(2 * columns @ residuals, gradient, rtol=1e-9, atol=1e-12)


def test_an_operator_is_carried_beside_an_integral_and_not_through_it(eager):
    class Total(Problem):
        fields = ("u",)
        space = Interval(x=(0.0, 1.0))
        time = (0.0, 1.0)

        @integral(over="interior")
        def total(self, u_xx):
            return u_xx

        @residual(on="interior")
        def heat(self, u, u_t, u_x, u_xx, total):
            return u_t + u * u_x - 0.1 * u_xx - total

    results = []
    for engine in ("taylor", "nested"):
        objective, batch = lossy(engine, problem=Total())
        results.append(objective.value(objective.flat.flatten(), batch).numpy())
        if engine == "taylor":
            assert objective._residuals.operators["interior"] is not None
    assert results[0] == pytest.approx(results[1], rel=1e-12)


class Density(Problem):
    """p″ + c p = 0 on [0, 1], p = 0 at both ends, of integral `mass`."""

    fields = ("p",)
    space = Interval(x=(0.0, 1.0))
    mass: float = 1000.0

    @integral(over="interior")
    def total(self, p):
        return p

    @residual(on="interior")
    def steady(self, p, p_xx):
        return p_xx + math.pi**2 * p

    @residual(on="interior")
    def norm(self, total):
        return total - self.mass

    @residual(on="boundary")
    def ends(self, p):
        return p

    def reference(self, x):
        return {"p": self.mass * math.pi / 2 * np.sin(math.pi * x)}


@pytest.mark.slow
def test_a_normalization_names_the_scale_of_its_field(eager):
    scales = []
    for mass in (1.0, 2.0**20):
        problem = Density(mass=mass)
        scales.append(find_scales(Objective(problem, default_network(problem, seed=0))))
    assert scales[1].fields["p"].scale == scales[0].fields["p"].scale * 2**20
    assert 0.5 <= scales[0].fields["p"].scale <= 8
    assert scales[1].residuals["norm"] == scales[0].residuals["norm"] * 2**20


@pytest.mark.slow
def test_a_density_of_given_mass_is_found(shared_losses):
    solution = solve(
        Density(),
        phases=two_phases(explore=50, polish=100),
        points=Points(counts={"interior": 100, "boundary": 2}, test=100),
        show=False,
    )
    assert solution.metrics["relative_l2"]["p"] < 1e-4
    assert solution.integral("total") == pytest.approx(1000, rel=1e-4)
    assert solution.metrics["integrals"]["total"] == pytest.approx(1000, rel=1e-4)
    with pytest.raises(InputError, match="no integral 'totl'. Did you mean 'total'"):
        solution.integral("totl")
    with pytest.raises(InputError, match="depends on no coordinate; give that by name"):
        solution.integral("total", x=0.5)


def test_integrals_are_evaluated_at_their_own_coordinates(eager):
    objective, _ = lossy()
    theta = objective.flat.flatten()
    points = np.array([[0.3, 0.5], [1.0, 0.2], [1.9, 0.9]])
    found = Evaluator(objective, ["fredholm", "energy", "u"])(theta, points)
    many = Evaluator(objective, ["fredholm"])(theta, np.tile(points, (300, 1)))
    assert found["energy"] == pytest.approx(np.full(3, found["energy"][0]), rel=1e-13)
    assert many["fredholm"] == pytest.approx(np.tile(found["fredholm"], 300), rel=1e-12)
    assert np.ptp(found["fredholm"]) > 1e-3


def test_blocks_are_smaller_where_points_have_nodes_of_their_own():
    objective, _ = lossy()
    points = Points(counts={"interior": 400, "boundary": 400, "initial": 400}, quadrature=5)
    batch = Draws(points, objective, seed=0).batch(0, {})
    # Of the interior, two integrals of five nodes each; of the initial time, ends at every time.
    assert objective.nodes("interior") == 10 and objective.nodes("boundary") == 5
    assert objective.nodes("initial") == 2
    widths = {region: blocks.shape[2] for region, blocks in batch.points.items()}
    assert widths["interior"] < widths["boundary"] <= widths["initial"]


def test_the_number_of_nodes_is_a_setting():
    problem = Density()
    mine = Setup(
        problem=problem, network=default_network(problem, seed=0), points=Points(quadrature=7)
    )
    assert describe(mine)["points"]["quadrature"] == 7
    assert setup(describe(mine), network=mine.network).points.quadrature == 7
    assert mine.objective(None).values._rules["total"].size == 14
    square = over("interior", SQUARE)
    assert rule_of(square, square.integrals["total"], 6).size == 144
    line = over("x", SQUARE)
    assert rule_of(line, line.integrals["total"], 6).size == 6


@pytest.mark.slow
def test_windows_keep_integrals_over_space_and_refuse_those_over_time(shared_losses):
    def windowed(region, **limits):
        class Window(Problem):
            fields = ("u",)
            space = Interval(x=(0.0, 1.0))
            time = (0.0, 1.0)

            @integral(over=region, **limits)
            def total(self, u):
                return u

            @residual(on="interior")
            def decay(self, u_t, total):
                return u_t + total

            @residual(on="initial")
            def start(self, u, total):
                return u - 1 + 0 * total

            def reference(self, x, t):
                return {"u": np.exp(-t)}

        return Window()

    for region, limits in (("t", {"upper": "t"}), ("initial", {}), (("x", "t"), {})):
        with pytest.raises(InputError, match="'total' takes other times.*use windows=1"):
            stages(windowed(region, **limits), 2)
    solution = solve(
        windowed("interior"),
        windows=2,
        phases=two_phases(explore=30, polish=50),
        points=Points(counts={"interior": 40, "initial": 10}, test=60),
        show=False,
    )
    assert solution.metrics["relative_l2"]["u"] < 1e-2
    mass = solution.integral("total", t=[0.0, 0.5, 1.0])
    assert mass == pytest.approx(np.exp([0.0, -0.5, -1.0]), rel=2e-2)
    assert "integrals" in solution.metrics and not solution.metrics["integrals"]


def test_scales_leave_the_loss_of_an_integral_as_it_is(eager):
    objective, batch = lossy(problem=Density())
    theta = objective.flat.flatten()
    scaled, _ = lossy(problem=Density(), scales=Scales(residuals={"norm": 2.0}))
    names = [term.name for term in objective.terms]
    plain = dict(zip(names, objective.losses(theta, batch).numpy(), strict=True))
    divided = dict(zip(names, scaled.losses(theta, batch).numpy(), strict=True))
    assert divided["norm"] == pytest.approx(plain["norm"] / 4, rel=1e-12)
    assert divided["steady"] == plain["steady"]
