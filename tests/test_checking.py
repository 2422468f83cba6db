"""What is doubtful about a problem is told before it is solved, and nothing else is."""

import io
import sys
import time
import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from pinn import ProblemWarning, check, problems
from pinn.checking import examine
from pinn.checking.cost import cost
from pinn.checking.equations import equation
from pinn.cli.main import main
from pinn.errors import InputError
from pinn.geometry import Interval, Rectangle
from pinn.objective import PointSet
from pinn.optimizers import Adam
from pinn.plotting import points_figure, slices_figure
from pinn.problem import At, Part, Problem, positive, residual
from pinn.record import Metrics
from pinn.reporting.summary import summary
from pinn.run import solve
from pinn.setup import Points, setup_of
from pinn.training import Phase, StopRule
from pinn.unknowns import UnknownField

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments" / "cases"))

from cases import BY_ID

UNSTARTED = "u of order 1 in t: a condition is missing"
NO_WALLS = [f"u of order 2 in {c}: a condition is missing" for c in "xy"]
CONSTANT = "u: equations and conditions take its derivatives alone"
# Inverse problems have measurements instead, which these do not get here.
EXPECTED = {
    "CavityUniformLid": ["lid and left: u is 1 and 0", "lid and right: u is 1 and 0"],
    "HeatFieldInverse": [*NO_WALLS, UNSTARTED, CONSTANT],
    "HeatLawInverse": ["T of order 1 in t: a condition is missing"],
    "KdVInverse": [UNSTARTED],
    "NavierStokesInverse": ["u of order 1, v of order 1 in t: a condition is missing"],
    # Without scales, which its experiment has.
    "Robertson": ["speed_2: the share of y2", "speed_3 is 2.3e+07 times start_2, and scales=none"],
    "PoissonFieldInverse": [*NO_WALLS, CONSTANT],
}


def report_on(problem, **settings):
    setup = setup_of(problem, **({"scales": "none"} | settings))
    data = setup.measurements()
    setup = setup.with_scales(data)
    return examine(setup, setup.objective(data), data)


def warnings_of(problem, **settings):
    return list(report_on(problem, **settings).warnings)


def match(found, expected):
    assert len(found) == len(expected), found
    for warning, words in zip(found, expected, strict=True):
        assert words in warning and "\n" not in warning


@pytest.mark.parametrize("name", problems.__all__)
def test_every_problem_of_the_package_has_the_warnings_that_are_true_of_it(name):
    match(warnings_of(getattr(problems, name)()), EXPECTED.get(name, []))


def test_measurements_take_the_place_of_conditions():
    rng = np.random.default_rng(0)
    points = rng.uniform([-1, 0.2], [1, 0.8], (20, 2))
    data = PointSet(points, None, {"u": rng.standard_normal(20)})
    assert warnings_of(problems.KdVInverse(), data=data) == []


SAID = {
    ("pendulum", "one condition"): ["a condition is missing, so the solution is not unique"],
    ("pendulum", "both conditions"): [],
    ("chip", "insulated top"): ["determined up to a constant", "so there is no steady state"],
    ("chip", "cooled top"): [],
    ("wrong_sign", "t ≤ 1"): ["with initial values an elliptic equation is ill-posed"],
    ("long_decay", "a day"): ["waves along z", "these scales of time cannot be resolved"],
    ("corner", "t ≤ 1"): ["empty and right: u is 0 and 1 in the corner at x = 10, t = 0"],
    ("black_scholes", "K = 100"): [],
    ("electrodes", "steady"): [],
    ("oscillator_long", "[−300, 300]"): [],
    ("maxwell_pulse", "t ≤ 1.5"): [],
    ("potential_flow", "steady"): [],
    ("clamped_beam", "own weight"): [],
    ("kirsch", "E = 100000"): [],
    ("tiny_time", "t ≤ 0.003"): ["the share of u_t is 1.7e+09 times that of u_xx"],
}


@pytest.mark.parametrize(("case", "run"), SAID)
def test_a_case_is_told_what_it_lacks(case, run):
    match(warnings_of(**BY_ID[case].load().RUNS[run]), SAID[case, run])


class Rod(Problem):
    """u_t = D u_xx from sin 2πx, both ends at 0; every part of it may be overridden."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)
    D: float = positive(0.1)

    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t - self.D * u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(2 * np.pi * x)

    @residual(on="boundary")
    def ends(self, u):
        return u


class Backward(Rod):
    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t + self.D * u_xx


class FromTheEnd(Rod):
    """Diffusion whose state is known at the end: the other sign would be well-posed."""

    regions: ClassVar = {"end": At(t=1.0)}

    @residual(on="end")
    def start(self, x, u):
        return u - tf.sin(2 * np.pi * x)


class BackwardFromTheEnd(FromTheEnd):
    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t + self.D * u_xx


class Doubled(Rod):
    @residual(on="x-")
    def slope(self, u_n):
        return u_n

    @residual(on="initial")
    def start_slope(self, x, u_x):
        return u_x - 2 * np.pi * tf.cos(2 * np.pi * x)


class HalfBare(Rod):
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0)).named(sides=["x-", "x+", "y+"])
    regions: ClassVar = {"left_half": Part("y-", where=lambda x: x < 0.5)}

    @residual(on="interior")
    def heat(self, u_t, lap_u):
        return u_t - self.D * lap_u

    @residual(on="initial")
    def start(self, u):
        return u

    @residual(on="sides")
    def ends(self, u):
        return u

    @residual(on="left_half")
    def part(self, u):
        return u


class Idle(Rod):
    k: float = 2.0
    unknown_fields: ClassVar = {"q": UnknownField(("x",))}

    def reference(self, x, t):
        return {"u": np.exp(-self.k * t) * np.sin(2 * np.pi * x), "q": x}


class Uncoupled(Rod):
    """u_tt by a second field, v = u_t: the orders of both count."""

    fields = ("u", "v")

    @residual(on="interior")
    def speed(self, u_t, v):
        return u_t - v

    @residual(on="interior")
    def heat(self, v_t, u_xx):
        return v_t - self.D * u_xx

    @residual(on="initial")
    def start_speed(self, u_t):
        return u_t


class Sideways(Problem):
    """Laplace's equation with both conditions on one side."""

    fields = ("u",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0)).named(sides=["y-", "y+"])

    @residual(on="interior")
    def laplace(self, lap_u):
        return lap_u

    @residual(on="x-")
    def value(self, y, u):
        return u - tf.sin(np.pi * y)

    @residual(on="x-")
    def slope(self, u_x):
        return u_x

    @residual(on="sides")
    def walls(self, u):
        return u


class Radial(Problem):
    """r u_rr + u_r = 0 about an axis, where its leading coefficient vanishes."""

    fields = ("u",)
    space = Interval(r=(0.0, 1.0))

    @residual(on="interior")
    def equation(self, r, u_r, u_rr):
        return r * u_rr + u_r

    @residual(on="r+")
    def wall(self, u):
        return u - 1


class Insulated(Problem):
    """Δu = f with fluxes that balance the source, and that do not."""

    fields = ("u",)
    gauge = ("u",)
    space = Rectangle(x=(0.0, 2.0), y=(0.0, 1.0))
    flux: float = 1 / 3

    @residual(on="interior")
    def poisson(self, lap_u):
        return 5 * lap_u - 5

    @residual(on="boundary")
    def walls(self, u_n):
        return 3 * u_n - 3 * self.flux


TOLD = {
    Rod: [],
    Backward: ["diffusion in x of this sign is ill-posed"],
    FromTheEnd: ["with final values, diffusion in x of this sign is ill-posed"],
    BackwardFromTheEnd: [],
    Doubled: ["u of order 2 in x: 3 conditions are given and 2", "u of order 1 in t: 2 conditions"],
    HalfBare: ["2 needed, 1 given (look at y-); add one"],
    Idle: ["k: no residual takes this coefficient", "q: no residual takes this unknown field"],
    Uncoupled: [],
    Sideways: ["elliptic in y and x, with both conditions on one side of x"],
    Radial: [],
    Insulated: [],
}


@pytest.mark.parametrize("cls", TOLD, ids=lambda cls: cls.__name__)
def test_each_warning_is_given_where_it_is_true(cls):
    match(warnings_of(cls()), TOLD[cls])


def test_fluxes_have_to_balance_the_sources():
    # ∮ u_n = 6 × flux over the boundary of 2 × 1, and ∫ f = 2.
    match(warnings_of(Insulated(flux=0.5)), ["they differ by 1), so there is no steady state"])


def test_without_scales_distant_residuals_are_told_and_with_scales_they_are_balanced():
    class Source(Rod):
        @residual(on="boundary")
        def ends(self, u):
            return 1e9 * u

    match(warnings_of(Source()), ["ends is"])
    assert warnings_of(Source(), scales="auto") == []


@pytest.mark.parametrize(("given", "count"), [(lambda x: x, 0), (lambda x: 1 - x, 2)])
def test_values_that_meet_continuously_are_no_jump(given, count):
    class Joined(Problem):
        fields = ("u",)
        space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0)).named(others=["x-", "x+"])

        @residual(on="interior")
        def laplace(self, lap_u):
            return lap_u

        @residual(on="y-")
        def floor(self, x, u):
            return u - x

        @residual(on="y+")
        def lid(self, x, u):
            return u - x

        @residual(on="others")
        def sides(self, x, u):
            return u - given(x)

    assert len(warnings_of(Joined())) == count


class Written(Problem):
    fields = ("u", "v")
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))
    lambda1: float = 2.0
    D: float = 1.0

    @residual(on="interior")
    def first(self, u, u_x, lap_u):
        """Docstring."""
        return self.lambda1 * u**2 * u_x - (u - (1 - u)) / (2 * self.D) - lap_u * (1 + u)

    @residual(on="interior")
    def second(self, x, v, u):
        return -((u + v) ** 2) + tf.math.erf(np.pi * x) ** self.D

    @residual(on="boundary")
    def two_lines(self, x, u):
        wall = x * x
        return u - wall


def test_equations_are_written_as_on_paper():
    texts = [equation(Written(), term) for term in Written().terms]
    assert texts == [
        "λ₁ u² u_x − (u − (1 − u)) / (2 D) − Δu (1 + u) = 0",
        "−(u + v)² + erf(π x)^D = 0",
        "two_lines(x, u) = 0",
    ]


class Plate(Problem):
    """Conduction with a source and convection, in units."""

    fields = ("T",)
    space = Rectangle(x=(0.0, 0.6), y=(0.0, 1.0))
    time = (0.0, 100.0)
    k: float = positive(52.0)
    c: float = positive(3.6e6)
    q: float = 1e5
    h: float = positive(750.0)
    Ta: float = 293.0
    omega: float = 0.1
    units: ClassVar = {
        "x": "cm",
        "y": "m",
        "t": "s",
        "T": "K",
        "k": "W/m/K",
        "c": "J/m^3/K",
        "q": "W/m^3",
        "h": "W/m^2/K",
        "Ta": "K",
        "omega": "1/s",
    }

    @residual(on="interior")
    def heat(self, t, T_t, lap_T):
        return self.c * T_t - self.k * lap_T - self.q * tf.sin(self.omega * t)

    @residual(on="initial")
    def start(self, T):
        return T - 300.0

    @residual(on="boundary")
    def air(self, T, T_n):
        return self.k * T_n + self.h * (T - self.Ta)


class Unlike(Plate):
    """The source lacks a length, the convection a coefficient, and a sine takes a time."""

    @residual(on="interior")
    def heat(self, t, T_t, lap_T):
        return self.c * T_t - self.k * lap_T - self.h * tf.sin(self.omega * t)

    @residual(on="boundary")
    def air(self, T, T_n):
        return self.k * T_n + (T - self.Ta)

    @residual(on="initial")
    def start(self, t, T):
        return T - self.Ta * tf.cos(t + 1)


def dimension_warnings(problem):
    return [w for w in warnings_of(problem) if "unlike" in w or "pint" in w]


def test_the_dimensions_of_residuals_are_checked():
    pytest.importorskip("pint")
    report = report_on(Plate())
    assert dimension_warnings(Plate()) == []
    assert report.notes == ("dimensions of all residuals are right",)
    wrong = dimension_warnings(Unlike())
    assert [w.split(":")[0] for w in wrong] == ["heat", "start", "air"]
    assert all("adds unlike terms" in w for w in wrong)


def test_what_keeps_dimensions_from_being_checked_is_told(monkeypatch):
    class Partly(Plate):
        units: ClassVar = {"x": "m", "T": "K"}

    assert "without a unit" in report_on(Partly()).notes[0] and "k" in report_on(Partly()).notes[0]

    class Foreign(Plate):
        units: ClassVar = {**Plate.units, "q": "Wat/m^3"}

    pytest.importorskip("pint")
    match(dimension_warnings(Foreign()), ["'Wat/m^3' is no unit that pint knows"])
    monkeypatch.setitem(sys.modules, "pint", None)
    assert report_on(Plate()).notes == ("dimensions are not checked: pip install 'pinn[units]'",)
    assert report_on(Rod()).notes == ()


@pytest.mark.parametrize(
    ("units", "offender", "remedy"),
    [
        ({"X": "m"}, "units: 'X' is no coordinate, field or coefficient", "Known: T, Ta"),
        ({"x": 3}, "units: x=3 is no unit", "'1' for a number without one"),
        ({"T": " "}, "units: T=' ' is no unit", "give text"),
        ("m", "units='m' is no dict", "units by name"),
    ],
)
def test_bad_units_are_refused_in_one_line(units, offender, remedy):
    with pytest.raises(InputError) as error:
        type("Bad", (Plate,), {"__module__": __name__, "units": units})()
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


def quick(problem, **settings):
    # `solve` is called here, so that warnings name this file.
    phase = Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=2), report_every=2)
    points = Points(counts={"interior": 32, "boundary": 8, "initial": 8}, test=20)
    return solve(problem, phases=[phase], points=points, **settings)


def text_of(renderable):
    text = io.StringIO()
    Console(width=200, file=text).print(renderable)
    return text.getvalue()


def test_a_run_says_first_and_last_what_is_doubtful(tmp_path, eager, capsys):
    problem = BY_ID["pendulum"].load().RUNS["one condition"]["problem"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ProblemWarning)
        solution = quick(problem, folder=tmp_path / "run")
    raised, unsolved = caught
    assert str(raised.message).startswith("OneCondition: theta of order 2 in t")
    assert str(unsolved.message).startswith("OneCondition: the equations are not solved")
    assert {Path(w.filename).name for w in caught} == {"test_checking.py"}
    first = capsys.readouterr().out
    assert "θ_tt + sin(θ) = 0   [interior, 32 points]" in first
    assert "warning: theta of order 2 in t" in first
    text = text_of(summary(Metrics.from_json(solution.metrics)))
    assert len(solution.metrics["warnings"]) == 2
    assert all(f"warning: {warning}" in text for warning in solution.metrics["warnings"])


def test_units_are_shown_on_the_screen_and_in_the_pictures(tmp_path, eager):
    solution = quick(Plate(), show=False)
    assert solution.metrics["units"]["T"] == "K"
    assert " K" in text_of(summary(Metrics.from_json(solution.metrics)))
    units = {"x": "m", "T": "K", "t": "$"}
    grid = np.linspace(0, 1, 5)
    figure = slices_figure(("x",), [grid], {"T": (grid, None)}, units=units)
    assert figure.axes[0].get_xlabel() == "$x$ (m)" and figure.axes[0].get_ylabel() == "$T$ (K)"
    figure = points_figure({"interior": np.ones((3, 2))}, ("x", "t"), units)
    assert figure.axes[0].get_ylabel() == "$x$ (m)" and figure.axes[0].get_xlabel() == r"$t$ (\$)"


FILE = """
from typing import ClassVar

from pinn import Interval, Problem, residual


class Mine(Problem):
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    units: ClassVar = {"x": "m"}

    @residual(on="interior")
    def bar(self, u_xx):
        return u_xx + 1

    @residual(on="x-")
    def wall(self, u):
        return u
"""


def test_pinn_check_shows_a_file_without_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE)
    begin = time.perf_counter()
    assert main(["check", "mine.py", "points.counts.interior=50", "--picture", "a.png"]) == 0
    assert time.perf_counter() - begin < 60  # ten seconds on a quiet machine
    shown = capsys.readouterr().out
    for words in (
        "Mine: u of (x in m)",
        "bar   u_xx + 1 = 0   [interior, 50 points]",
        "order of u: 2 in x",
        "conditions in x: 1 given, 2 needed",
        "scales: u ± ",
        "parameters; roughly",
        "s per evaluation of the loss",
        "memory: roughly",
        "warning: u of order 2 in x: a condition is missing",
    ):
        assert words in shown
    assert {path.name for path in Path().iterdir()} == {"mine.py", "a.png"}


def test_check_in_python_returns_the_report(tmp_path):
    report = check(Rod(), points=Points(counts={"interior": 40, "boundary": 8}), scales="none")
    assert report.warnings == () and str(report).endswith("no warnings")
    assert {region: len(p) for region, p in report.points.items()}["interior"] == 40
    assert report.orders == {"u": {"x": 2, "t": 1}}
    with pytest.raises(InputError, match="check: unknown setting 'point'. Did you mean 'points'"):
        check(Rod(), point=3)
    with pytest.raises(InputError, match="is no .png file"):
        report.save_picture(tmp_path / "points.pdf")
    with pytest.raises(InputError, match="cannot be written"):
        report.save_picture(tmp_path / "none" / "points.png")


def test_the_cost_grows_with_points_and_the_matrix_with_the_optimizer():
    setup = setup_of(Rod(), scales="none")
    objective = setup.objective(None)
    few = cost(setup, objective, {"interior": np.ones((100, 2))})
    many = cost(setup, objective, {"interior": np.ones((100_000, 2))})
    assert 0 < few.seconds < many.seconds
    assert many.matrix == 8 * objective.flat.size**2 and many.memory > 1e7
