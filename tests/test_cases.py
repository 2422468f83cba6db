"""The study `experiments/cases`: its files are short, its equations and its right values right."""

import ast
import sys
from functools import partial
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from case_solutions import EXACT
from scipy.interpolate import CubicSpline
from test_problems import columns_of, residual_of, size_of

from pinn.derivatives import taylor
from pinn.objective import draw
from pinn.objective.symbol_values import SymbolValues

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "experiments" / name) for name in ("cases", "house", "")]

import measurements  # noqa: E402
import report  # noqa: E402
import series  # noqa: E402
import solvers  # noqa: E402
from cases import BY_ID, CASES, HERE  # noqa: E402
from checks import CHECKS, Quantity  # noqa: E402
from measure import code_lines  # noqa: E402

LONGEST = 40  # lines of code of a case
SAID = [case for case in CASES if not case.missing]
HELPERS = "cases checks measurements report run series settings solvers worker".split()


@pytest.mark.parametrize("case", SAID, ids=lambda case: case.id)
def test_a_case_is_a_short_file_that_builds_without_a_word_about_training(case):
    text = (HERE / f"{case.id}.py").read_text()
    assert len(code_lines(text, ast.parse(text))) <= LONGEST
    module = case.load()
    for arguments in module.RUNS.values():
        assert set(arguments) <= {"problem", "data", "modes"}
        problem = arguments["problem"]
        assert problem.terms
        for region in {term.region for term in problem.terms}:
            assert len(draw(problem, region, 8).coordinates)
        if "data" in arguments:
            assert len(arguments["data"].measure(problem).coordinates)
    assert set(getattr(module, "SAY_SO", {})) <= set(module.RUNS)


def test_every_file_is_listed_and_every_case_has_a_file_or_lacks_something():
    files = {path.stem for path in HERE.glob("*.py")} - set(HELPERS)
    assert files == {case.id for case in SAID}
    assert len(CASES) == len(BY_ID) == 47
    assert set(CHECKS) <= files


def test_the_tables_of_measured_values_are_those_that_the_command_writes():
    for name, text in measurements.tables().items():
        assert (HERE / "data" / name).read_text() == text


def relative_size(problem, term, values, columns):
    """Return the size of a residual over that on values that do not fit each other."""
    distorted = {}
    for i, (name, value) in enumerate(values.items()):
        distorted[name] = (1.3 + 0.7 * i) * value + 0.1 * i
    size = size_of(residual_of(problem, term, distorted | columns))
    return size_of(residual_of(problem, term, values | columns)) / max(size, 1e-2)


def of_columns(solution, columns):
    return solution(**columns)


@pytest.mark.parametrize("name", EXACT)
def test_residuals_vanish_on_the_exact_solution(name):
    run, solution, others = EXACT[name]
    problem = BY_ID[name.split()[0]].load().RUNS[run]["problem"]
    for term in problem.terms:
        if term.name in others:
            continue
        points = draw(problem, term.region, 64)
        columns = columns_of(problem, points.coordinates)
        if name == "sod":  # of its fan only
            columns = {"x": 0.3 + 0.1 * columns["x"], "t": 0.18 + 0.1 * columns["t"]}
        normals = {}
        if points.normals is not None:
            normals = dict(
                zip(problem.space.coordinates, tf.constant(points.normals.T), strict=True)
            )
        evaluate = SymbolValues(problem, engine=taylor, dtype="float64")
        trial = partial(of_columns, solution)
        values = evaluate(problem, trial, term.symbols, columns, normals)
        assert relative_size(problem, term, values, columns) <= 1e-11, term.name


def test_a_reference_is_the_exact_solution():
    compared = 0
    for name, (run, solution, _) in EXACT.items():
        problem = BY_ID[name.split()[0]].load().RUNS[run]["problem"]
        points = draw(problem, "interior", 64).coordinates
        reference = problem.reference_at(points)
        if reference is None or name == "maxwell_pulse":  # which knows both sides of the pulse
            continue
        tolerance = 1e-6 if name == "tiny_time" else 1e-11
        for field, values in solution(**columns_of(problem, points)).items():
            assert reference[field] == pytest.approx(values.numpy(), rel=tolerance, abs=tolerance)
            compared += 1
    assert compared >= 17


def test_the_price_of_a_call_solves_its_equation():
    problem = BY_ID["black_scholes"].load().RUNS["K = 100"]["problem"]
    spread = problem.sigma * sqrt(2)

    def price(S, t):
        left = 1 - t
        shift = tf.math.log(S / problem.K) + problem.r * left
        variance = problem.sigma**2 * left
        above = (shift + 0.5 * variance) / (spread * left**0.5)
        below = (shift - 0.5 * variance) / (spread * left**0.5)
        bond = problem.K * tf.exp(-problem.r * left)
        return {"V": 0.5 * (S * (1 + tf.math.erf(above)) - bond * (1 + tf.math.erf(below)))}

    term = next(term for term in problem.terms if term.region == "interior")
    points = draw(problem, "interior", 64).coordinates
    columns = columns_of(problem, points)
    values = taylor.evaluate(lambda at: price(**at), term.symbols, columns, {})
    assert size_of(residual_of(problem, term, values | columns)) < 1e-9
    assert problem.reference_at(points)["V"] == pytest.approx(values["V"].numpy(), abs=1e-9)
    for run, right in (("K = 100", 13.269677), ("K = 50", 5.225292)):
        problem = BY_ID["black_scholes"].load().RUNS[run]["problem"]
        today = problem.reference(np.array([problem.K]), np.zeros(1))["V"]
        assert today == pytest.approx(right, abs=1e-6)


def slope(function, coordinate, step):
    """Return the derivative of a function of coordinates [n] by name, to fourth order."""

    def derivative(**at):
        total = 0.0
        for shift, factor in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            moved = {**at, coordinate: at[coordinate] + shift * step}
            total = total + factor * function(**moved)
        return total / (12 * step)

    return derivative


def field_of(function, name, **at):
    """Return one field [n] of a function of coordinates by name."""
    return function(**at)[name]


def by_differences(problem, term, function, points, normals):
    """Return the values of a term's symbols by name, from a function of coordinates by name."""
    at = dict(zip(problem.coordinates, points.T, strict=True))
    lower, upper = problem.bounds
    orders = [len(symbol.index) for symbol in term.symbols]
    share = 0.01 if max(orders) > 2 else 0.004
    steps = dict(zip(problem.coordinates, share * (upper - lower), strict=True))
    values = dict(at)
    for symbol in term.symbols:
        if symbol.kind == "coordinate":
            continue

        field = partial(field_of, function, symbol.field)
        if symbol.kind == "normal":
            parts = [slope(field, c, steps[c])(**at) for c in problem.space.coordinates]
            values[symbol.name] = np.sum(normals.T * np.array(parts), axis=0)
            continue
        for c in symbol.index:
            field = slope(field, c, steps[c])
        values[symbol.name] = field(**at)
    return {name: tf.constant(value) for name, value in values.items()}


def of_points(field, function):
    """Return a function of numbers as one of coordinates [n] by name."""
    return lambda **at: {field: np.vectorize(function)(*at.values())}


def both_parts(wave):
    def parts(x, y):
        values = wave(x.ravel(), y.ravel()).reshape(x.shape)
        return {"re": values.real, "im": values.imag}

    return parts


def along(solve, fields):
    """Return a trajectory as a function of time."""

    def path(t):
        return dict(zip(fields, solve(t), strict=True))

    return path


def dense(solve, begin, end, count):
    """Return a trajectory between two times as a spline of its values."""
    times = np.linspace(begin, end, count)
    return CubicSpline(times, np.atleast_2d(solve(times)), axis=1)


ELECTRODES = solvers.electrodes()

COMPUTED = [
    ("nafems_t4", "steady", of_points("T", series.nafems_t4)),
    ("hot_lid", "t ≤ 1", of_points("T", series.hot_lid)),
    ("steel_plate", "30 s", of_points("T", series.steel_plate)),
    ("flux_rod", "t ≤ 1", of_points("u", series.flux_rod)),
    ("bioheat", "t ≤ 1.0377", of_points("theta", series.bioheat)),
    ("corner", "t ≤ 1", of_points("u", series.corner)),
    ("chip", "cooled top", of_points("T", series.chip)),
    ("beam_si", "0.1 s", of_points("w", series.beam_si)),
    ("scatter", "outer values", both_parts(solvers.scattered)),
    ("scatter", "absorbing", both_parts(solvers.absorbed())),
    ("electrodes", "steady", lambda x, y: {"phi": ELECTRODES(x, y)}),
    ("pendulum", "both conditions", along(dense(solvers.pendulum, 0, 10, 2001), ["theta"])),
    ("sir", "forward", along(dense(solvers.sir, 1, 150, 3001), "SIR")),
    (
        "reactor",
        "coolant 280 K",
        along(dense(lambda t: solvers.reactor(280, t), 0, 10, 20_001), "CT"),
    ),
    (
        "reactor",
        "coolant 305 K",
        along(dense(lambda t: solvers.reactor(305, t), 0, 10, 20_001), "CT"),
    ),
]
"""Per run, the solution that its right values come from."""


@pytest.mark.parametrize(("name", "run", "function"), COMPUTED)
def test_right_values_are_of_solutions_of_the_problem(name, run, function):
    problem = BY_ID[name].load().RUNS[run]["problem"]
    lower, upper = problem.bounds
    for term in problem.terms:
        if term.region == "initial" or term.name in ("flux", "insulated_bottom"):
            continue  # where series do not converge
        points = draw(problem, term.region, 64)
        inner = lower + 0.1 * (upper - lower)
        outer = upper - 0.1 * (upper - lower)
        is_inside = (points.coordinates >= inner) & (points.coordinates <= outer)
        kept = np.sum(~is_inside, axis=1) <= (term.region != "interior")
        at = points.coordinates[kept][:8]
        normals = None if points.normals is None else points.normals[kept][:8]
        values = by_differences(problem, term, function, at, normals)
        columns = {name: values.pop(name) for name in problem.coordinates}
        # Errors of differences inside, and of series on the boundary; the load is a series too.
        allowed = 1e-4 if term.region == "interior" and term.name != "beam" else 0.03
        assert relative_size(problem, term, values, columns) <= allowed, term.name


def test_series_start_and_end_as_they_should():
    for value, right in (
        (series.hot_lid(0.5, 0.5, 1e-4), 0.0),
        (series.steel_plate(0.02, 0.01, 0.02), 1000.0),
        (series.flux_rod(0.9, 1e-3), 0.0),
        (series.bioheat(5.0, 0.1), 0.0),
        (series.corner(5.0, 0.01), 0.0),
        (series.beam_si(0.25, 0.0), 0.0),
        (series.flux_rod(0.0, 0.5) - series.flux_rod(1e-3, 0.5), 1e-3),
        (series.chip(0.5, 0.0) - series.chip(0.5, 1e-2), 1e-2),
        (series.chip(0.1, 0.0) - series.chip(0.1, 1e-2), 0.0),
    ):
        assert value == pytest.approx(right, rel=5e-3, abs=2e-4)


def reference(name, run, *coordinates):
    """Return the reference of a case at coordinates."""
    return BY_ID[name].load().RUNS[run]["problem"].reference(*coordinates)


RIGHT = [
    (lambda: solvers.pendulum(np.array([0.0, 5.0, 10.0]))[1:], [-0.0239513, -0.998950]),
    (lambda: [series.nafems_t4(0.6, 0.2)], [18.254]),  # 18.25 in the benchmark
    (
        lambda: [series.hot_lid(0.5, 0.5, t) for t in (0.002, 0.005, 0.01, 1.0)],
        [3.9527, 15.7947, 22.9017, 25.0],
    ),
    (
        lambda: [series.flux_rod(*at) for at in ((0, 0.1), (0, 1), (1, 0.1))],
        [0.3568262, 1.333323, 0.00788529],
    ),
    (lambda: [series.bioheat(x, 1.0377) for x in (1, 2)], [0.328673, 0.0877509]),
    (lambda: [series.beam_si(0.25, t) for t in (0.025, 0.1)], [0.0552002, -0.0056057]),
    (lambda: [series.kirsch(1), series.kirsch(2)], [30.0, 12.1875]),
    (lambda: solvers.reactor(280, np.array([0.0, 10.0]))[:, 1], [0.977399, 304.1675]),
    (lambda: solvers.reactor(305, np.linspace(0, 2.52, 3))[1, 2:], [476.271]),
    (lambda: solvers.sir(np.array([1, 74.2, 150.0]))[[1, 0], [1, 2]], [519_509, 3_219_325]),
    (
        lambda: list(solvers.sod().values()),
        [0.303130, 0.927453, 0.426319, 0.265574, 0.850431],
    ),
    (
        lambda: solvers.scattered(np.array([-2.0, 2.0]), np.zeros(2)).view(float),
        [0.392634, 0.163288, 0.559821, -0.124472],
    ),
    (
        lambda: reference("delay", "t ≤ 5", np.arange(1.0, 6.0))["u"],
        [0, -1 / 2, -1 / 6, 0.2083333, 0.1583333],
    ),
    (
        lambda: [
            reference("fokker_planck", f"α = {a}", np.zeros(1))["p"][0] for a in (0.3, 0.5, 0.7)
        ],
        [0.324698, 0.186388, 0.083453],
    ),
    (lambda: [solvers.american_put(spot) for spot in (1.0, 0.9)], [0.060903, 0.114928]),
    (lambda: solvers.fisher_ring(np.array([0, 0.2]))[1][[32, 0], 1], [0.7258134, 0.2311362]),
]
"""Right values, next to those of the sources or of computations of their own."""


@pytest.mark.parametrize(("compute", "right"), RIGHT)
def test_right_values_are_those_of_others(compute, right):
    assert np.asarray(compute()) == pytest.approx(np.array(right), rel=1e-4)


@pytest.mark.parametrize(
    ("error", "said", "should_say", "words"),
    [
        (0.009, [], "", "within 1 %"),
        (0.04, [], "", "within 5 %"),
        (0.06, ["beware"], "", "off, and says so"),
        (0.06, [], "", "silently wrong"),
        (None, ["no"], "", "refused"),
        (None, ["no"], "not unique", "says so"),
        (None, [], "not unique", "does not say so"),
        (0.009, ["where u = 0"], "where u = 0", "within 1 %"),
        (0.009, [], "where u = 0", "does not say so"),
    ],
)
def test_a_verdict_is_on_the_error_and_on_what_was_said(error, said, should_say, words):
    quantities = {} if error is None else {"u": {"found": 1.0, "right": 2.0, "error": error}}
    run = {"state": "done", "said": said, "should_say": should_say, "quantities": quantities}
    assert report.verdict(run) == words
    assert report.verdict({**run, "state": "over time"}) == "over time"
    results = {"layer": {"ends": {**run, "stop": "", "seconds": 1.0, "machine": "this"}}}
    text = report.table(results)
    assert f"| {words} |" in text
    assert all(f"cannot be said: {case.missing}" in text for case in CASES if case.missing)
    assert text.count("\n| ") == len(CASES)


def test_a_number_that_is_not_finite_is_infinitely_wrong():
    assert Quantity(3.0, 2.0, 4.0).error == 0.25
    assert Quantity(float("nan"), 2.0, 4.0).error == float("inf")
