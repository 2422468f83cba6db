"""Regions with two sides, pairs of faces and interfaces: their points, residuals and solutions."""

import dataclasses
from functools import cache, partial
from math import pi
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

import pinn
from pinn import (
    Adam,
    Difference,
    Disk,
    FieldScale,
    Interval,
    Material,
    Phase,
    Points,
    PointSet,
    Rectangle,
    StopRule,
    flux,
    parameter,
    residual,
)
from pinn.errors import InputError
from pinn.objective import (
    Evaluator,
    LeastSquares,
    Objective,
    cut_into_blocks,
    draw,
    find_scales,
)
from pinn.objective.probe import Probe
from pinn.run import load, resume, solve
from pinn.run.errors import Errors
from pinn.setup import Setup
from pinn.setup.draws import Draws
from pinn.setup.network import default_network
from pinn.setup.stages import stages

RESISTANCES = (0.1 / 1.0, 0.2 / 0.04, 0.1 / 0.8)
KNOTS = (0.0, 0.1, 0.3, 0.4)


class Wall(pinn.Problem):
    """Three layers between two temperatures; steady, exact solution piecewise linear."""

    fields = ("T",)
    space = Interval(x=(0.0, 0.4))
    materials: ClassVar = {
        "plaster": Material(Interval(x=(0.0, 0.1)), k=1.0),
        "wool": Material(Interval(x=(0.1, 0.3)), k="k_wool"),
        "brick": Material(),
    }
    k: float = 0.8
    k_wool: float = 0.04

    @residual(on="interior")
    def conduction(self, T_xx):
        return self.k * T_xx

    @flux
    def heat(self, T_n):
        return self.k * T_n

    @residual(on="x-")
    def warm(self, T):
        return T - 20

    @residual(on="x+")
    def cold(self, T):
        return T + 10

    def reference(self, x):
        drops = np.cumsum([0.0, *RESISTANCES]) / sum(RESISTANCES)
        return {"T": np.interp(x, KNOTS, 20 - 30 * drops)}


class Grooved(pinn.Problem):
    """All at once: time, a disk in a strip in a square with a hole, a pair, an ansatz, sources."""

    fields = ("u", "v")
    space = Difference(Rectangle(x=(0.0, 3.0), y=(0.0, 2.0)), hole=Disk(x=2.5, y=1, radius=0.2))
    time = (0.0, 1.0)
    materials: ClassVar = {
        "seed": Material(Disk(x=1.0, y=1.0, radius=0.3), a=3.0),
        "strip": Material(Interval(x=(0.5, 1.5)), a="b", c=-1.0),
        "rest": Material(a=1.0),
    }
    a: float = 2.0
    b: float = 0.5
    c: float = 0.25

    @residual(on="interior")
    def first(self, x, u_t, u_xx, u_yy):
        return u_t - self.a * (u_xx + u_yy) - self.c * x

    @residual(on="seed")
    def second(self, v, lap_v):
        return lap_v + self.a * v

    @residual(on=("strip", "rest"), replaces="continuity_v")
    def contact(self, y, a_1, a_2, v_1, v_2, v_n_1):
        return a_1 * v_n_1 - a_2 * (v_2 - v_1) * y

    @flux
    def of_u(self, t, u, u_n):
        return self.a * u_n * u + t

    @flux
    def of_v(self, v_n):
        return self.a * v_n

    @residual(on=("y-", "y+"))
    def twisted(self, x, t, a_1, u_1, u_2, v_n_2):
        return u_1 + self.b * u_2 - a_1 * t * v_n_2

    @residual(on="initial")
    def start(self, u):
        return u - self.a

    @residual(on="hole")
    def walls(self, v_n, v):
        return v_n - self.c * v

    @pinn.satisfies("start")
    def ansatz(self, t, net):
        return self.a + t * net[0], net[1]


class Bloch(pinn.Problem):
    """A wave with a phase shift θ over a period, and one that changes its sign."""

    fields = ("re", "im", "w")
    space = Rectangle(x=(0.0, 2.0), y=(0.0, 1.0))
    theta: float = 0.7

    @residual(on=("x-", "x+"))
    def bloch(self, re_1, im_1, re_2):
        return re_2 - (tf.cos(self.theta) * re_1 - tf.sin(self.theta) * im_1)

    @residual(on="x-|x+")
    def bloch_slope(self, re_x_1, im_x_1, im_n_2):
        return im_n_2 - (tf.sin(self.theta) * re_x_1 + tf.cos(self.theta) * im_x_1)

    @residual(on=("y+", "y-"))
    def antiperiodic(self, x, y_1, y_2, w_1, w_2):
        return (w_1 + w_2) * (1 + x) * (y_1 - y_2)

    @residual(on=("y+", "y-"))
    def antiperiodic_slope(self, w_n_1, w_n_2):
        return w_n_1 - w_n_2


def region_of(problem, region, trial, engine="taylor", count=9):
    """Return the residuals of a region on an exact solution: (materials, coordinates) -> fields."""
    objective = Objective(problem, default_network(problem, seed=0, width=2, depth=1))
    points = draw(problem, region, count)
    cut = cut_into_blocks(points, threads=1, size=len(points.coordinates), dtype="float64")
    block = tf.nest.map_structure(lambda a: a[0, 0], cut)
    evaluated = objective._residuals
    evaluated.engine = getattr(pinn.derivatives, engine)
    evaluated.operators = dict.fromkeys(evaluated.operators)
    return evaluated(problem, lambda materials: partial(trial, materials), region, block), points


def test_a_pair_is_one_region_by_either_form_of_its_name(eager):
    regions = {term.name: term.region for term in Bloch().terms}
    assert regions["bloch"] == regions["bloch_slope"] == "x-|x+"
    assert regions["antiperiodic"] == "y+|y-"


@pytest.mark.parametrize("method", ["sobol", "grid", "uniform"])
def test_corresponding_points_of_a_pair_share_the_other_coordinates(method):
    points = draw(Grooved(), "y-|y+", 40, method=method)
    there = points.opposite
    assert np.all(points.coordinates[:, [0, 2]] == there.coordinates[:, [0, 2]])
    assert np.ptp(points.coordinates[:, 2]) > 0.8
    assert set(points.coordinates[:, 1]) == {0.0} and set(there.coordinates[:, 1]) == {2.0}
    assert np.all(points.normals == [0, -1]) and np.all(there.normals == [0, 1])
    is_strip = abs(points.coordinates[:, 0] - 1) < 0.5
    assert points.materials["strip"].tolist() == is_strip.tolist()
    assert len(points.on_all_sides) == 80


@pytest.mark.parametrize("engine", ["taylor", "nested"])
def test_bloch_and_antiperiodic_conditions_hold_for_waves_that_have_them(engine, eager):
    problem = Bloch()

    def wave(theta, _, at):
        # e^{iθx/2} times a function of period 2, and a wave with half of it on [0, 1].
        phase = at["x"] * (theta / 2 + pi) + at["y"]
        return {"re": tf.cos(phase), "im": tf.sin(phase), "w": tf.cos(at["y"] * pi + 0.3)}

    for region in ("x-|x+", "y+|y-"):
        values, _ = region_of(problem, region, partial(wave, problem.theta), engine)
        others, _ = region_of(problem, region, partial(wave, problem.theta + 1), engine)
        for name, value in values.items():
            assert value.numpy() == pytest.approx(0, abs=1e-14), name
            assert name.startswith("anti") or np.abs(others[name]).min() > 0.01


def test_faces_that_differ_in_place_have_coordinates_on_both_sides(eager):
    class Square(Bloch):
        space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

        @residual(on=("x-", "y-"))
        def corner(self, w_1, re_2, x_1, x_2, y_1, y_2):
            return (w_1 - re_2) * 0 + x_1 + y_2 + (x_2 - 2 * y_1)

    values, points = region_of(Square(), "x-|y-", lambda _, at: dict.fromkeys(("re", "w"), at["x"]))
    along = points.coordinates[:, 1]
    assert points.opposite.coordinates[:, 0] == pytest.approx(along)
    assert values["corner"].numpy() == pytest.approx(-along)


def test_interfaces_are_found_from_the_domains():
    assert Wall().interfaces == ("plaster|wool", "wool|brick")
    assert Grooved().interfaces == ("seed|strip", "strip|rest")
    regions = {term.name: term.region for term in Grooved().terms}
    assert regions["continuity_u"] == regions["flux_of_u"] == regions["flux_of_v"] == "interfaces"
    assert regions["continuity_v"] == "seed|strip" and regions["contact"] == "strip|rest"


@pytest.mark.parametrize("method", ["sobol", "grid"])
def test_points_of_interfaces_lie_where_both_materials_are(method):
    points = draw(Grooved(), "interfaces", 300, method=method)
    x, y, _ = points.coordinates.T
    on_disk = points.materials["seed"]
    assert np.hypot(x - 1, y - 1)[on_disk] == pytest.approx(0.3)
    assert abs(x - 1)[~on_disk] == pytest.approx(0.5)
    # The disk's circumference and the two lines of the strip share the points by their lengths.
    assert np.mean(on_disk) == pytest.approx(0.6 * pi / (0.6 * pi + 4), abs=0.01)
    assert np.all(points.opposite.materials["strip"] == on_disk)
    assert np.all(points.opposite.materials["rest"] == ~on_disk)
    outward = np.stack([x - 1, y - 1], axis=1) / 0.3
    assert points.normals[on_disk] == pytest.approx(outward[on_disk])
    assert points.normals[~on_disk] == pytest.approx(np.stack([np.sign(x - 1), 0 * x], 1)[~on_disk])
    assert np.all(points.opposite.normals == points.normals)
    turned = draw(Grooved(), "rest|strip", 30)
    assert np.all(turned.materials["rest"]) and np.all(turned.opposite.materials["strip"])
    assert turned.normals[:, 0] == pytest.approx(np.sign(1 - turned.coordinates[:, 0]))


def test_overlapping_domains_belong_to_the_first():
    class Coins(Wall):
        space = Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0))
        materials: ClassVar = {
            "rest": Material(),
            "upper": Material(Disk(x=0.3, y=0.0, radius=0.5)),
            "lower": Material(Disk(x=-0.3, y=0.0, radius=0.5)),
        }

    assert Coins().interfaces == ("rest|upper", "rest|lower", "upper|lower")
    for region, inside in (("upper|lower", True), ("rest|lower", False)):
        points = draw(Coins(), region, 50)
        to_upper = np.hypot(points.coordinates[:, 0] - 0.3, points.coordinates[:, 1])
        to_lower = np.hypot(points.coordinates[:, 0] + 0.3, points.coordinates[:, 1])
        on_upper = abs(to_upper - 0.5) < 1e-9
        assert np.all(on_upper == inside)
        assert np.all(to_lower[on_upper] <= 0.5)
    lower = draw(Coins(), "lower", 64)
    assert np.all(np.hypot(lower.coordinates[:, 0] - 0.3, lower.coordinates[:, 1]) >= 0.5)


def test_an_end_of_an_interval_is_drawn_once():
    points = draw(Wall(), "interfaces", 50)
    assert points.coordinates[:, 0].tolist() == pytest.approx([0.1, 0.3])
    assert points.normals[:, 0].tolist() == [1.0, 1.0]


def wall_solution(masks, at):
    """Return the temperature of the wall as a linear function in every material."""
    temperature = 0.0
    drops = np.cumsum([0.0, *RESISTANCES]) / sum(RESISTANCES)
    for i, name in enumerate(Wall.materials):
        slope = -30 * (drops[i + 1] - drops[i]) / (KNOTS[i + 1] - KNOTS[i])
        line = (at["x"] - KNOTS[i]) * slope + (20 - 30 * drops[i])
        temperature = line * masks[name] + temperature
    return {"T": temperature}


@pytest.mark.parametrize("engine", ["taylor", "nested"])
def test_the_exact_solution_of_the_wall_satisfies_all_terms(engine, eager):
    problem = Wall()
    for term in problem.terms:
        values, _ = region_of(problem, term.region, wall_solution, engine)
        assert values[term.name].numpy() == pytest.approx(0, abs=1e-12), term.name
    other = dataclasses.replace(problem, k_wool=0.05)
    values, _ = region_of(other, "interfaces", wall_solution, engine)
    assert np.abs(values["flux_heat"]).min() > 1


def test_the_solution_of_a_wall_is_found(eager):
    """With hidden units as they are drawn, the last layer is found by linear least squares."""
    problem = Wall()
    objective = Objective(problem, default_network(problem, seed=0, width=20, depth=1))
    assert objective.network.output_shape[-1] == 3
    objective.scales = find_scales(objective)
    objective = Objective(
        problem, objective.network, scales=objective.scales, weights={"conduction": 0.1}
    )
    batch = Draws(Points(counts={"interior": 90, "boundary": 9}), objective, seed=0).batch(0, {})
    start = objective.flat.flatten().numpy()
    theta = start.copy()
    theta[40:] = 0.0
    pieces = list(LeastSquares(objective).jacobian(tf.constant(theta), batch))
    residuals = np.concatenate([r for r, _ in pieces])
    rows = np.concatenate([columns for _, columns in pieces], axis=1).T[:, 40:]
    theta[40:] = np.linalg.lstsq(rows, -residuals, rcond=1e-14)[0]
    errors = Errors(problem, 200, seed=0)
    evaluator = Evaluator(objective, problem.functions)
    assert errors.relative_l2(partial(evaluator, tf.constant(theta)))["T"] < 1e-7
    # On an interface, a derivative is that of the material that is declared first.
    slope = Evaluator(objective, ["T_x"])(tf.constant(theta), np.array([[0.1], [0.1 + 1e-9]]))
    assert slope["T_x"] == pytest.approx([-30 / 5.225, -30 / 5.225 / 0.04], rel=1e-4)


@pytest.mark.slow
def test_the_field_in_a_dielectric_disk_is_found():
    class Dielectric(pinn.Problem):
        fields = ("phi",)
        space = Rectangle(x=(-4.0, 4.0), y=(-4.0, 4.0))
        materials: ClassVar = {
            "disk": Material(Disk(x=0.0, y=0.0, radius=1.0), eps=6.0),
            "vacuum": Material(eps=1.0),
        }
        eps: float = 1.0

        @residual(on="interior")
        def gauss(self, lap_phi):
            return self.eps * lap_phi

        @flux
        def displacement(self, phi_n):
            return self.eps * phi_n

        @residual(on="boundary")
        def far_field(self, x, y, phi):
            return phi + x - 5 / 7 * x / (x * x + y * y)

        def reference(self, x, y):
            outside = -x + 5 / 7 * x / np.maximum(x * x + y * y, 1.0)
            return {"phi": np.where(self.eps == 6.0, -2 / 7 * x, outside)}

    phases = pinn.two_phases(explore=300, polish=3000)
    points = Points(counts={"interior": 1500, "boundary": 150})
    solution = solve(Dielectric(), phases=phases, points=points, show=False)
    assert solution.metrics["relative_l2"]["phi"] < 2e-5
    assert solution.derivative("phi_x", 0.3, 0.2) == pytest.approx(-2 / 7, abs=2e-5)


@cache
def grooved(engine):
    """Return a loss with everything, a batch and a vector."""
    problem = Grooved(unknowns={"b": {"start": 0.7, "lower": 0.0}})
    network = default_network(problem, seed=0, width=4, depth=1)
    objective = Objective(
        problem,
        network,
        derivatives=engine,
        hard=True,
        measured={"data": ("u",)},
        weights={"second": 2.0},
    )
    data = draw(problem, "interior", 9, seed=5)
    data = PointSet(data.coordinates, None, {"u": np.cos(data.coordinates[:, 0])})
    data = {"data": data.located(problem)}
    points = Points(counts={"interior": 40, "boundary": 12})
    batch = Draws(points, objective, data, seed=0).batch(0, {})
    return objective, batch, objective.flat.flatten(), data


def test_losses_gradients_and_jacobians_agree_between_the_engines(eager):
    objective, batch, theta, _ = grooved("taylor")
    assert {"flux_of_u", "twisted", "contact", "second", "data_u"} <= set(objective.weight_by_term)
    assert "start" not in objective.weight_by_term
    loss, gradient = objective.value_and_gradient(theta, batch)
    slow = grooved("nested")[0].value_and_gradient(theta, batch)
    assert loss.numpy() == pytest.approx(slow[0].numpy(), rel=1e-12)
    assert gradient.numpy() == pytest.approx(slow[1].numpy(), rel=1e-9, abs=1e-11)
    direction = np.random.default_rng(0).standard_normal(len(theta))
    step = 1e-6 * direction
    rise = objective.value(theta + step, batch) - objective.value(theta - step, batch)
    assert rise.numpy() / 2e-6 == pytest.approx(direction @ gradient.numpy(), rel=1e-6)
    pieces = LeastSquares(objective).jacobian(theta, batch)
    total = sum(2 * (columns @ r[:, None])[:, 0] for r, columns in pieces)
    assert total.numpy() == pytest.approx(gradient.numpy(), rel=1e-9, abs=1e-11)


def test_every_material_has_a_function_of_its_own(eager):
    objective, _, theta, _ = grooved("taylor")
    problem = objective.problem
    points = draw(problem, "interior", 60).coordinates
    values = Evaluator(objective, ["u", "v"])(theta, points)
    tensors = objective.flat.partition(theta)
    with objective.flat.scope(tensors):
        outputs = objective.network(tf.constant(points)).numpy()
    x, y, t = points.T
    number = np.where(np.hypot(x - 1, y - 1) <= 0.3, 0, np.where(abs(x - 1) <= 0.5, 1, 2))
    assert len(set(number)) == 3
    rows = np.arange(60)
    a = np.array([3.0, 0.7, 1.0])[number]
    assert values["u"] == pytest.approx(a + t * outputs[rows, 2 * number], abs=1e-12)
    assert values["v"] == pytest.approx(outputs[rows, 2 * number + 1], abs=1e-12)


def test_scales_are_found_with_independent_fields_in_the_materials(eager):
    objective, _, _, data = grooved("taylor")
    assert Probe(objective, objective.problem, data).free_of_ansatz() == {"v"}
    problem = Wall()
    network = default_network(problem, seed=0, width=2, depth=1)
    scales = find_scales(Objective(problem, network))
    assert scales.fields == {"T": FieldScale(0.0, 16.0)}
    # The jump of two independent fields is √2 times as large as one of them.
    assert scales.residuals["continuity_T"] in (16.0, 32.0)
    assert set(scales.residuals) == {term.name for term in problem.terms}


def test_adapted_points_and_held_out_points_know_their_materials(eager):
    objective, _, theta, data = grooved("taylor")
    points = Points(counts={"interior": 20, "boundary": 8, "y-|y+": 5}, adaptive="rad")
    draws = Draws(points, objective, data, seed=0)
    adapted = draws.adapt(1, theta, {})
    for batch in (draws.batch(1, adapted), draws.held_out()):
        assert np.isfinite(objective.value(theta, batch))
    assert len(draws.sets(0, {})["y-|y+"].coordinates) == 5


class Melt(Wall):
    """The wall in time, with a start of its own in each layer."""

    time = (0.0, 1.0)
    c: float = 1.0
    materials: ClassVar = {
        "plaster": Material(Interval(x=(0.0, 0.1)), k=1.0, c=2.0),
        "rest": Material(k="k_wool"),
    }

    @residual(on="interior")
    def conduction(self, T_t, T_xx):
        return self.c * T_t - self.k * T_xx

    @residual(on="initial")
    def start(self, T):
        return T - self.c

    def reference(self, x, t):
        return {"T": self.c + 0 * x}

    def derived(self, T):
        return {"excess": T - 1}


def tiny(count, **settings):
    """Return the settings of a run of a few iterations."""
    stop = StopRule(max_iterations=count)
    phases = [Phase(name="explore", optimizer=Adam(), stop=stop, report_every=1, redraw_every=1)]
    counts = {"interior": 16, "boundary": 4}
    return {"phases": phases, "points": Points(counts=counts, test=16), "show": False, **settings}


def test_a_reference_has_the_coefficients_of_every_point():
    reference = Melt().reference_at(np.array([[0.05, 0.0], [0.2, 0.5]]))
    assert reference["T"].tolist() == [2.0, 1.0]


@pytest.mark.slow
def test_runs_with_windows_are_saved_and_resumed_bit_for_bit(tmp_path, eager):
    network = partial(default_network, seed=0, width=3, depth=1)
    problem = Melt()
    settings = tiny(1, windows=2)
    whole = solve(problem, network=network(problem), folder=tmp_path / "whole", **settings)
    assert set(whole.points) >= {"interior", "initial", "interfaces"}
    stopped = []

    def stop(report):
        stopped.append(report)
        if len(stopped) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(
            problem,
            network=network(problem),
            folder=tmp_path / "cut",
            callbacks=[stop],
            **settings,
        )
    resumed = resume(tmp_path / "cut", show=False)
    assert np.array_equal(resumed.theta, whole.theta)
    loaded = load(tmp_path / "whole")
    x = np.linspace(0, 0.4, 7)
    assert np.array_equal(loaded(x, 0.7)["T"], whole(x, 0.7)["T"])
    assert loaded(x, 0.7)["excess"] == pytest.approx(whole(x, 0.7)["T"] - 1)
    assert {"loss_continuity_T", "loss_flux_heat"} <= set(whole.history.columns)


@pytest.mark.slow
def test_the_coefficient_of_a_material_may_be_unknown_or_a_continuation(eager):
    data = {"x": [0.05, 0.2, 0.35], "T": [19.0, 5.0, -9.0]}
    problem = Wall(unknowns={"k_wool": 0.1})
    network = default_network(problem, seed=0, width=3, depth=1)
    found = solve(problem, network=network, data=data, **tiny(2))
    assert found.unknowns["k_wool"] != 0.1
    steps = stages(Wall(), continuation={"k_wool": [0.5]})
    assert [stage.problem.k_wool for stage in steps] == [0.5, 0.04]
    setup = Setup(problem=Wall(), network=network, continuation={"k_wool": [0.5], "k": [1.0]})
    assert len(setup.stages) == 2


def test_the_coefficient_of_a_material_may_be_a_parameter(eager):
    class Ranged(Wall):
        materials: ClassVar = {**Wall.materials, "wool": Material(Interval(x=(0.1, 0.3)), k="w")}
        w: float = parameter(0.02, 0.1, log=True)

        @residual(on=("x-", "x+"))
        def further(self, T_1, T_2, k_1):
            return (T_1 - T_2) * (k_1 - 1)

    problem = Ranged()
    assert draw(problem, "plaster|wool", 4).coordinates.shape == (4, 2)

    def solution(masks, at):
        heat = 30 / (0.1 / 1.0 + 0.2 / at["w"] + 0.1 / 0.8)
        after_wool = (0.1 + 0.2 / at["w"]) * heat
        lines = {
            "plaster": 20 - at["x"] * heat,
            "wool": 20 - 0.1 * heat - (at["x"] - 0.1) * heat / at["w"],
            "brick": 20 - after_wool - (at["x"] - 0.3) * heat * (1 / 0.8),
        }
        return {"T": sum(lines[name] * mask for name, mask in masks.items())}

    for engine in ("taylor", "nested"):
        for term in problem.terms:
            values, _ = region_of(problem, term.region, solution, engine)
            assert values[term.name].numpy() == pytest.approx(0, abs=1e-11), term.name


def test_nothing_is_doubtful_about_a_wall(eager):
    report = pinn.check(Wall(), points=Points(counts={"interior": 16, "boundary": 4}))
    assert report.warnings == ()
    written = {equation.name: equation.text for equation in report.equations}
    assert written["continuity_T"] == "T_1 − T_2 = 0"
    assert written["flux_heat"] == "heat_1 − heat_2 = 0"
    assert written["conduction"] == "k T_xx = 0"

    class Uninsulated(Wall):
        cold = None  # pyright: ignore[reportAssignmentType]

    report = pinn.check(Uninsulated(), points=Points(counts={"interior": 16, "boundary": 4}))
    assert any("a condition is missing" in warning for warning in report.warnings)


def test_a_contact_resistance_takes_the_place_of_the_continuity(eager):
    class Contact(Wall):
        materials: ClassVar = {
            "left": Material(Interval(x=(0.0, 0.2)), k=2.0),
            "right": Material(k=1.0),
        }
        R: float = 0.1

        @residual(on=("left", "right"), replaces="continuity_T")
        def resistance(self, k_1, T_n_1, T_1, T_2):
            return k_1 * T_n_1 - (T_2 - T_1) / self.R

    problem = Contact()
    names = [term.name for term in problem.terms]
    assert "continuity_T" not in names and "flux_heat" in names
    heat = 30 / (0.2 / 2 + 0.1 + 0.2 / 1)

    def solution(masks, at):
        left = 20 - at["x"] * (heat / 2)
        right = (0.4 - at["x"]) * heat - 10
        return {"T": left * masks["left"] + right * masks["right"]}

    for term in problem.terms:
        values, _ = region_of(problem, term.region, solution)
        assert values[term.name].numpy() == pytest.approx(0, abs=1e-12), term.name


def test_a_value_that_is_given_on_an_interface_takes_the_place_of_a_flux():
    class Heated(Wall):
        materials: ClassVar = {"left": Material(Interval(x=(0.0, 0.2))), "right": Material()}

        @residual(on=("left", "right"), replaces="flux_heat")
        def wire(self, T_1):
            return T_1 - 50

    names = [term.name for term in Heated().terms]
    assert "flux_heat" not in names and "wire" in names and "continuity_T" in names


def test_a_coefficient_of_no_side_is_refused_on_two_sides(eager):
    class Confused(Wall):
        @residual(on="plaster|wool")
        def mixed(self, T_n_1):
            return T_n_1 * self.k

    problem = Confused()
    with pytest.raises(InputError, match="self.k differs by material, and here are two; take"):
        Objective(problem, default_network(problem, seed=0, width=2, depth=1))


def test_a_derived_quantity_cannot_take_a_coefficient_that_differs():
    class Weighed(Wall):
        def derived(self, T):
            return {"energy": T * self.k}

    with pytest.raises(
        InputError, match="self.k differs by material, and derived takes fields alone"
    ):
        Weighed().with_derived({"T": np.ones(3)})
