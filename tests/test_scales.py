"""Typical sizes of fields and residuals, found before training: units do not matter."""

from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
from rescaled import can_be_rescaled, in_units
from scipy.optimize import brentq

from pinn import problems
from pinn.errors import InputError
from pinn.geometry import Interval, Rectangle
from pinn.objective import (
    UNSCALED,
    FieldScale,
    Objective,
    PointSet,
    Scales,
    cut_into_blocks,
    draw,
    find_scales,
)
from pinn.objective.balance import balanced
from pinn.optimizers import Adam, GaussNewton
from pinn.problem import Problem, positive, residual
from pinn.run import load, resume, solve
from pinn.setup import Points, Setup, config, default_network
from pinn.training import Phase, StopRule
from pinn.unknowns import UnknownField

FORWARD = [
    name
    for name in problems.__all__
    if can_be_rescaled(getattr(problems, name)()) and not name.endswith("Inverse")
]
QUICK = ("Burgers", "NonlinearPoisson", "Wave")
POWERS = {"length": 2.0**-20, "time": 2.0**10, "field": 2.0**17, "equation": 2.0**9}


class Plate(Problem):
    """A plate of steel, heated from below, which loses heat to the air: kelvin, metres, watts."""

    fields = ("T",)
    space = Rectangle(x=(0.0, 0.6), y=(0.0, 1.0))
    k: float = positive(52.0)
    h: float = positive(750.0)

    @residual(on="interior")
    def conduction(self, lap_T):
        return self.k * lap_T

    @residual(on="y-")
    def heated(self, T):
        return T - 373.0

    @residual(on="x-")
    def insulated(self, T_n):
        return T_n

    @residual(on="x+")
    def air(self, T, T_n):
        return self.k * T_n + self.h * (T - 293.0)


class Rod(Problem):
    """A rod with a source, both ends at one temperature."""

    fields = ("T",)
    space = Interval(x=(0.0, 1e-3))

    @residual(on="interior")
    def heat(self, T_xx):
        return 50.0 * T_xx + 4e8

    @residual(on="boundary")
    def ends(self, T):
        return 2.0 * (T - 300.0)


def objective(problem, *, hard=None, scales=UNSCALED, **settings):
    network = default_network(problem, seed=0, width=6, depth=1)
    is_hard = bool(problem.satisfied) if hard is None else hard
    return Objective(problem, network, hard=is_hard, scales=scales, **settings)


def batch(loss):
    points = {}
    for region in loss.regions:
        drawn = draw(loss.problem, region, 40, seed=3)
        points[region] = cut_into_blocks(drawn, threads=1, size=40, dtype="float64")
    return loss.batch(points)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in FORWARD]
)
def test_a_problem_in_other_units_has_the_same_loss(name, eager):
    problem = getattr(problems, name)()
    other = in_units(problem, **POWERS)
    scales = find_scales(objective(problem))
    other_scales = find_scales(objective(other))
    for field, scale in scales.fields.items():
        rescaled = other_scales.fields[field]
        assert rescaled.scale == POWERS["field"] * scale.scale
        assert rescaled.offset == pytest.approx(POWERS["field"] * scale.offset)
    for term, size in scales.residuals.items():
        assert other_scales.residuals[term] == POWERS["equation"] * size
    loss = objective(problem, scales=scales)
    other_loss = objective(other, scales=other_scales)
    theta = loss.flat.flatten()
    losses = loss.losses(theta, batch(loss)).numpy()
    np.testing.assert_allclose(
        other_loss.losses(theta, batch(other_loss)).numpy(), losses, rtol=1e-6, atol=1e-12
    )


def test_the_size_of_a_problem_of_size_one_is_about_one():
    scales = find_scales(objective(problems.Helmholtz(), hard=False))
    assert 0.25 <= scales.fields["u"].scale <= 2
    # The source has the amplitude 16π² + π² − 1.
    assert 64 <= scales.residuals["helmholtz"] <= 512


def test_conditions_give_offset_and_scale():
    scales = find_scales(objective(Plate()))
    assert scales.fields["T"] == FieldScale(373.0, pytest.approx(64, rel=0.6))
    assert scales.residuals["heated"] == pytest.approx(scales.fields["T"].scale, rel=0.6)


def test_a_source_gives_the_scale_where_the_walls_are_all_alike():
    scales = find_scales(objective(Rod()))
    # The solution is 300 + 1 K at most: T'' = -8e6 K/m² over 1 mm.
    assert scales.fields["T"].offset == 300.0
    assert 0.25 <= scales.fields["T"].scale <= 4


@pytest.mark.parametrize("stiffness", [1e5, 1e11, 1e13])
def test_a_stiff_rod_stretches_as_little_as_its_load_asks_for(stiffness):
    class StiffRod(Problem):
        fields = ("u",)
        space = Interval(x=(0.0, 4.0))

        @residual(on="interior")
        def balance(self, u_xx):
            return stiffness * u_xx

        @residual(on="x-")
        def fixed(self, u):
            return u

        @residual(on="x+")
        def pulled(self, u_x):
            return stiffness * u_x - 10.0

    scale = find_scales(objective(StiffRod())).fields["u"].scale
    # The solution is 10 x / stiffness.
    assert 1 / 16 <= scale * stiffness / 40 <= 4


def test_a_field_that_nothing_drives_balances_the_others():
    class Slit(Problem):
        """Water between two walls at a distance of 1 mm, 1 Pa over 10 mm; SI units."""

        fields = ("u", "v", "p")
        space = Rectangle(x=(0.0, 1e-2), y=(0.0, 1e-3))

        @residual(on="interior")
        def momentum_x(self, p_x, lap_u):
            return 1e-3 * lap_u - p_x

        @residual(on="interior")
        def momentum_y(self, p_y, lap_v):
            return 1e-3 * lap_v - p_y

        @residual(on="interior")
        def mass(self, u_x, v_y):
            return u_x + v_y

        @residual(on="x-")
        def inlet(self, p):
            return p - 1.0

        @residual(on="x+")
        def outlet(self, p):
            return p

    scales = find_scales(objective(Slit()))
    assert scales.fields["p"] == FieldScale(0.0, 1.0)
    # Poiseuille: 1.25e-2 m/s at most.
    assert 2e-3 <= scales.fields["u"].scale <= 1
    assert 0 < scales.fields["v"].scale <= 1


class Kinetics(Problem):
    """Robertson's: y₂ is as small as 3·10⁷ y₂² makes it, and y₃ counts by 10⁴ y₂ y₃."""

    fields = ("y1", "y2", "y3")
    time = (0.0, 40.0)

    @residual(on="interior")
    def first(self, y1, y2, y3, y1_t):
        return y1_t + 0.04 * y1 - 1e4 * y2 * y3

    @residual(on="interior")
    def second(self, y1, y2, y3, y2_t):
        return y2_t - 0.04 * y1 + 1e4 * y2 * y3 + 3e7 * y2**2

    @residual(on="initial")
    def start(self, y1):
        return y1 - 1

    @residual(on="initial")
    def none(self, y2):
        return y2


def test_a_square_and_a_product_give_scales():
    fields = find_scales(objective(Kinetics())).fields
    assert 1e-5 < fields["y2"].scale < 1e-4
    assert 0.03 < fields["y3"].scale < 3
    assert fields["y1"].offset == 1


@pytest.mark.parametrize("power", [0.5, 1, 2, 5])
def test_the_search_ends_for_any_power(power):
    steps: list[float] = []

    def change(size):
        steps.append(size)
        return 3e7 * size**power + 1e-3 * size

    found = balanced(change, 0.04, guess=1.0)
    assert len(steps) < 20
    exact = brentq(lambda size: change(size) - 0.04, 1e-20, 100.0, xtol=1e-20)
    assert found == pytest.approx(exact, rel=0.15)


def test_measurements_give_offset_and_scale():
    points = np.linspace(0, 1e-3, 9)[:, None]
    data = PointSet(points, None, {"T": np.linspace(500.0, 520.0, 9)})
    scales = find_scales(objective(Rod(), measured={"data": ("T",)}), {"data": data})
    assert scales.fields["T"].offset == 410.0  # the ends at 300 count as well
    assert scales.fields["T"].scale == 128.0
    assert scales.residuals["data_T"] == 128.0


def test_what_is_given_is_kept():
    class Given(Rod):
        scales: ClassVar = {"T": 3.0}

    assert find_scales(objective(Given())).fields["T"] == FieldScale(300.0, 3.0)
    given = Scales(fields={"T": FieldScale(1.0, 7.0)}, residuals={"ends": 5.0})
    found = find_scales(objective(Rod()), given=given)
    assert found.fields["T"] == FieldScale(1.0, 7.0)
    assert found.residuals["ends"] == 5.0
    assert found.residuals["heat"] > 1e6
    assert find_scales(objective(Rod()), given=found) is found


def test_a_bounded_unknown_function_is_scaled_from_its_bound():
    one_sided = UnknownField(("x",), lower=2.0)
    output = tf.constant([0.3], tf.float64)
    scaled = one_sided.value(output, offset=9.0, scale=4.0)
    assert float(scaled[0]) == pytest.approx(2.0 + 4.0 * np.log1p(np.exp(0.3)))
    free = UnknownField(("x",)).value(output, offset=9.0, scale=4.0)
    assert float(free[0]) == pytest.approx(9.0 + 4.0 * 0.3)


def test_both_engines_find_the_same_scales(eager):
    problem = problems.NonlinearPoisson()
    fast = find_scales(objective(problem, derivatives="taylor"))
    slow = find_scales(objective(problem, derivatives="nested"))
    assert fast == slow


@pytest.mark.parametrize("value", ["auto", "none"])
def test_scales_are_in_the_configuration(value):
    setup = Setup(problem=Rod(), network=default_network(Rod(), seed=0), scales=value)
    resolved = setup.with_scales(None)
    assert config.describe(setup)["scales"] == value
    described = config.describe(resolved)["scales"]
    if value == "none":
        assert described == "none"
        assert resolved.objective(None).scales == UNSCALED
    else:
        assert Scales.from_plain(described) == resolved.scales
        assert described["fields"]["T"]["offset"] == 300.0


def quick(**settings):
    phase = Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=4), report_every=2)
    points = Points(counts={"interior": 32, "boundary": 4}, test=20)
    network = default_network(Rod(), seed=0, width=4, depth=1)
    return solve(Rod(), network=network, phases=[phase], points=points, show=False, **settings)


def test_a_run_records_its_scales(tmp_path, eager):
    solution = quick(folder=tmp_path / "run")
    scales = solution.metrics["scales"]
    assert scales["fields"]["T"]["offset"] == 300.0
    size = scales["residuals"]["heat"]
    row = solution.history.rows[-1]
    assert row["plain_loss_heat"] == pytest.approx(row["loss_heat"] * size**2)
    before = solution(x=np.array([2e-4, 7e-4]))["T"]
    np.testing.assert_array_equal(load(tmp_path / "run")(x=np.array([2e-4, 7e-4]))["T"], before)

    # A configuration whose scales were changed by hand does not go with the checkpoint.
    path = tmp_path / "run" / "config.yaml"
    path.write_text(path.read_text().replace("offset: 300.0", "offset: 301.0"))
    with pytest.raises(InputError, match=r"scales\.fields\.T\.offset=301\.0, was 300\.0"):
        resume(tmp_path / "run", show=False)


def test_without_scales_the_loss_is_that_of_the_plain_residuals(eager):
    solution = quick(scales="none")
    assert solution.metrics["scales"] is None
    assert solution.history.rows[0]["loss_heat"] > 1e10
    assert not any(column.startswith("plain_") for column in solution.history.columns)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Heat", "HeatOven", "Poisson", "Reaction"])
def test_a_problem_in_other_units_is_solved_as_well(name):
    problem = getattr(problems, name)()
    other = in_units(problem, length=1e-6, time=1e3, field=1e5)
    errors = []
    for posed in (problem, other):
        polish = Phase(name="polish", optimizer=GaussNewton(), stop=StopRule(max_iterations=40))
        solution = solve(
            posed,
            network=default_network(posed, seed=0, width=12, depth=2),
            phases=[polish],
            points=Points(counts={"interior": 300, "initial": 60, "boundary": 60}, test=1000),
            windows=1,
            show=False,
        )
        errors.append(solution.metrics["relative_l2"])
    for field, error in errors[0].items():
        assert error / 3 <= errors[1][field] <= 3 * error


class TwoSpecies(Problem):
    """Two species in water, in SI units, whose diffusivities are 1 and 5 × 10⁻¹⁰ m²/s."""

    fields = ("a", "b")
    space = Interval(x=(0.0, 1e-4))
    time = (0.0, 60.0)

    @residual(on="interior")
    def diffusion_a(self, a_t, a_xx):
        return a_t - 1e-10 * a_xx

    @residual(on="interior")
    def diffusion_b(self, b_t, b_xx):
        return b_t - 5e-10 * b_xx


def test_small_diffusivities_of_two_species_stay_apart(eager):
    problem = TwoSpecies()
    network = default_network(problem, seed=0, width=6, depth=1)
    residuals = []
    for engine in ("taylor", "nested"):
        loss = Objective(problem, network, hard=False, derivatives=engine)
        residuals.append(loss.losses(loss.flat.flatten(), batch(loss)).numpy())
    np.testing.assert_allclose(residuals[0], residuals[1], rtol=1e-9)
