"""The laws that hold for all problems, and what is special about some of them."""

import dataclasses
from functools import partial
from math import pi
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp
import tensorflow as tf
import yaml

import pinn.problems
from pinn import mlp
from pinn.derivatives import taylor
from pinn.errors import InputError
from pinn.objective import Evaluator, Objective, cut_into_blocks, draw, trial
from pinn.problem import residual
from pinn.problems import (
    AllenCahn,
    Beltrami,
    Burgers,
    Convection,
    GinzburgLandau,
    GrayScott,
    Heat,
    Heat5D,
    HeatFieldInverse,
    HeatLawInverse,
    HeatMultiscale,
    Helmholtz,
    KdV,
    KdVInverse,
    KdVSolitons,
    KleinGordon,
    Kovasznay,
    KuramotoSivashinsky,
    LaplacianMultiscale,
    LorenzInverse,
    NavierStokesInverse,
    NonlinearPoisson,
    Poisson,
    Poisson5D,
    Poisson10D,
    PoissonBoltzmann,
    PoissonFieldInverse,
    Reaction,
    Robertson,
    Schrodinger,
    TaylorGreen,
    Wave,
)
from pinn.record.history import History
from pinn.references import cole_hopf, robertson, two_solitons, two_solitons_slope
from pinn.run.errors import Errors
from pinn.run.monitor import columns
from pinn.run.solution import Solution
from pinn.setup.network import default_network

ROOT = Path(__file__).parents[1]
PROBLEMS = [getattr(pinn.problems, name) for name in pinn.problems.__all__]
COSTLY = ("CavityUniformLid", "GinzburgLandau", "GrayScott", "KuramotoSivashinsky", "Schrodinger")
WITH_REFERENCES = []
for problem_class in PROBLEMS:
    is_costly = problem_class.__name__ in COSTLY  # its reference takes seconds
    marks = [pytest.mark.slow] if is_costly else []
    WITH_REFERENCES.append(pytest.param(problem_class, marks=marks))
WITH_ANSATZ = [cls for cls in PROBLEMS if cls().satisfied]
TERMS = [(cls, term) for cls in PROBLEMS for term in cls().terms]
BUILT_IN = [(cls, term) for cls, term in TERMS if term.name in cls().satisfied]


def has_derivatives(term):
    return any(symbol.index or symbol.kind == "normal" for symbol in term.symbols)


CONDITIONS_ON_VALUES = [
    (cls, term) for cls, term in TERMS if term.region != "interior" and not has_derivatives(term)
]

x, y, z, t = sp.symbols("x y z t", real=True)
x_i = sp.symbols("x1:11", real=True)


def label(value):
    if isinstance(value, bool):
        return "hard" if value else "soft"
    return getattr(value, "name", getattr(value, "__name__", type(value).__name__))


def _two_solitons_as_published():
    c1 = sp.Integer(6)
    c2 = sp.Integer(2)
    a = sp.sqrt(c1) * (x - c1 * t + 2) / 2
    b = sp.sqrt(c2) * (x - c2 * t - 2) / 2
    numerator = 2 * (c1 - c2) * (c1 * sp.cosh(b) ** 2 + c2 * sp.sinh(a) ** 2)
    difference = (sp.sqrt(c1) - sp.sqrt(c2)) * sp.cosh(a + b)
    total = (sp.sqrt(c1) + sp.sqrt(c2)) * sp.cosh(a - b)
    return numerator / (difference + total) ** 2


def _kovasznay():
    rate = 20 - sp.sqrt(400 + 4 * sp.pi**2)
    return {
        "u": 1 - sp.exp(rate * x) * sp.cos(2 * sp.pi * y),
        "v": rate / (2 * sp.pi) * sp.exp(rate * x) * sp.sin(2 * sp.pi * y),
        "p": (1 - sp.exp(2 * rate * x)) / 2,
    }


def _taylor_green():
    decay = sp.exp(-t / 50)
    return {
        "u": -sp.cos(x) * sp.sin(y) * decay,
        "v": sp.sin(x) * sp.cos(y) * decay,
        "p": -(sp.cos(2 * x) + sp.cos(2 * y)) / 4 * decay**2,
    }


def _beltrami():
    def velocity(a, b, c):
        return -(sp.exp(a) * sp.sin(b + c) + sp.exp(c) * sp.cos(a + b)) * sp.exp(-t)

    fields = {"u": velocity(x, y, z), "v": velocity(y, z, x), "w": velocity(z, x, y)}
    # Where the vorticity is parallel to the velocity, p = -|U|²/2 up to a function of time.
    squares = [field**2 for field in fields.values()]
    return fields | {"p": -sum(squares) / 2}


def _vortices_in_a_stream():
    xi = sp.pi * (x - t)
    decay = sp.exp(-(sp.pi**2) * t / 50)
    return {
        "u": 1 - sp.cos(xi) * sp.sin(sp.pi * y) * decay,
        "v": sp.sin(xi) * sp.cos(sp.pi * y) * decay,
        "p": -(sp.cos(2 * xi) + sp.cos(2 * sp.pi * y)) * decay**2 / 4,
    }


W = sp.sin(sp.pi * x) * sp.sin(sp.pi * y)
EXACT = {
    PoissonFieldInverse: {"u": W, "a": 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)},
    HeatFieldInverse: {"u": sp.exp(-t) * W, "a": 2 + W},
    HeatLawInverse: {
        "T": 1 + sp.exp(-t) * sp.cos(sp.pi * x),
        "K": (1 + (1 + sp.exp(-t) * sp.cos(sp.pi * x)) ** 2) / 5,
    },
    NavierStokesInverse: _vortices_in_a_stream(),
    Wave: {
        "u": sp.sin(sp.pi * x) * sp.cos(2 * sp.pi * t)
        + sp.sin(4 * sp.pi * x) * sp.cos(8 * sp.pi * t) / 2,
    },
    Helmholtz: {"u": sp.sin(sp.pi * x) * sp.sin(4 * sp.pi * y)},
    Kovasznay: _kovasznay(),
    TaylorGreen: _taylor_green(),
    Beltrami: _beltrami(),
    KdVSolitons: {"u": _two_solitons_as_published()},
    Poisson: {"u": sp.sin(sp.pi * x) * sp.sin(sp.pi * y)},
    Poisson5D: {"u": sum(sp.sin(sp.pi * c / 2) for c in x_i[:5])},
    Poisson10D: {"u": sum(a * b for a, b in zip(x_i[::2], x_i[1::2], strict=True))},
    LaplacianMultiscale: {
        "u": sum(sp.sin(w * sp.pi * x) * sp.sin(w * sp.pi * y) for w in (4, 8, 12, 16)) / 4
    },
    NonlinearPoisson: {"u": 1 + sp.sin(4 * sp.pi * x) * sp.cos(4 * sp.pi * y)},
    Heat: {"u": sp.exp(-(sp.pi**2) * t / 4) * sp.sin(sp.pi * x)},
    HeatMultiscale: {
        "u": sp.exp(-(1 + sp.Rational(16, 10_000)) * t) * sp.sin(20 * sp.pi * x) * sp.sin(sp.pi * y)
    },
    Heat5D: {"u": sp.exp(sum(c**2 for c in x_i[:5]) / 2 + t)},
    Convection: {"u": sp.sin(x - 30 * t)},
    Reaction: {"u": 1 / (1 + (sp.exp(8 * (x - sp.pi) ** 2 / sp.pi**2) - 1) * sp.exp(-5 * t))},
    KleinGordon: {"u": x * sp.cos(t)},
}


def series_solution(nu, lambda1):
    """Return Burgers' solution by Fourier series, as a function of x and t.

    The modes of exp(-β cos πx) = I_0(β) + 2 Σ (-1)^n I_n(β) cos(nπx) decay by diffusion.  This is
    independent of the quadrature in `cole_hopf`.  The terms cancel by a factor exp(2β), so many
    digits are needed.
    """
    digits = int(abs(lambda1) / (pi * nu) / 2.3) + 20
    with mpmath.workdps(100 + digits):
        beta = mpmath.mpf(lambda1) / (2 * mpmath.pi * mpmath.mpf(nu))
        amplitudes = [mpmath.besseli(0, beta)]
        for n in range(1, int(3 * abs(beta)) + 40):
            amplitudes.append((-1) ** n * 2 * mpmath.besseli(n, beta))

    def u(at, time):
        with mpmath.workdps(mpmath.mp.dps + digits):
            phi = mpmath.mpf(0)
            slope = mpmath.mpf(0)
            for n, amplitude in enumerate(amplitudes):
                k = n * mpmath.pi
                mode = amplitude * mpmath.exp(-k * k * nu * time)
                phi = phi + mode * mpmath.cos(k * at)
                slope = slope - mode * k * mpmath.sin(k * at)
            return -2 * nu * slope / phi / lambda1

    return u


def burgers_values(symbol, points):
    """Return the values [n] of u or one of its derivatives by the Fourier series."""
    problem = Burgers()
    u = series_solution(problem.nu, problem.lambda1)
    orders = (symbol.index.count("x"), symbol.index.count("t"))
    values = []
    with mpmath.workdps(20):
        for point in points:
            if symbol.index:
                values.append(mpmath.diff(u, tuple(map(mpmath.mpf, point)), orders))
            else:
                values.append(u(*point))
    return values


def formula_values(cls, symbol, points):
    """Return the values [n] of a field, a derivative or a Laplacian by its formula."""
    problem = cls()
    expression = EXACT[cls][symbol.field]
    for coordinate in symbol.index:
        expression = sp.diff(expression, sp.Symbol(coordinate, real=True))
    if symbol.kind == "laplacian":
        in_space = [sp.Symbol(c, real=True) for c in problem.space.coordinates]
        expression = sum(sp.diff(expression, c, 2) for c in in_space)
    coordinates = [sp.Symbol(c, real=True) for c in problem.coordinates]
    function = sp.lambdify(coordinates, expression, "mpmath", cse=True)
    with mpmath.workdps(40):
        return [function(*map(mpmath.mpf, point)) for point in points]


def normal_derivative(cls, field, points, normals):
    gradient = []
    for c in cls().space.coordinates:
        symbol = taylor.Symbol(f"{field}_{c}", "derivative", field, (c,))
        gradient.append(np.array(formula_values(cls, symbol, points), float))
    return np.sum(normals.T * np.array(gradient), axis=0)


def exact_values(cls, symbols, points, normals=None):
    """Return the values of a residual's symbols on the exact solution, as tensors [n]."""
    columns = dict(zip(cls().coordinates, points.T, strict=True))
    tensors = []
    for symbol in symbols:
        if symbol.kind == "coordinate":
            values = columns[symbol.name]
        elif symbol.kind == "normal":
            values = normal_derivative(cls, symbol.field, points, normals)
        elif cls is Burgers:
            values = burgers_values(symbol, points)
        else:
            values = formula_values(cls, symbol, points)
        tensors.append(tf.constant(np.array(values, float)))
    return tensors


def value_symbol(field):
    return taylor.Symbol(field, "derivative", field)


def size_of(tensor):
    """Return the largest magnitude as a number."""
    return float(tf.reduce_max(tf.abs(tensor)))


def columns_of(problem, points):
    """Return the coordinates of points [n, d] by name, as tensors [n]."""
    return dict(zip(problem.coordinates, tf.constant(points.T), strict=True))


def residual_of(problem, term, values):
    """Return a term's residual on values by name."""
    return getattr(problem, term.name)(*(values[symbol.name] for symbol in term.symbols))


def batch_for(objective, count):
    """Return a batch with `count` points per region."""
    point_sets = {}
    for region in objective.regions:
        points = draw(objective.problem, region, count)
        point_sets[region] = cut_into_blocks(points, threads=1, size=count, dtype="float64")
    return objective.batch(point_sets)


def network_for(problem, *, depth=2, seed=0):
    return default_network(problem, width=6, depth=depth, seed=seed)


WITH_SOLUTION = [(cls, term) for cls, term in TERMS if cls in EXACT or cls is Burgers]


@pytest.mark.parametrize(("cls", "term"), WITH_SOLUTION, ids=label)
def test_residual_vanishes_on_exact_solution(cls, term):
    problem = cls()
    # The series of Burgers' solution is slow.
    points = draw(problem, term.region, 3 if cls is Burgers else 20)
    arguments = exact_values(cls, term.symbols, points.coordinates, points.normals)
    largest = max(size_of(argument) for argument in arguments)
    residual = getattr(problem, term.name)(*arguments)
    assert size_of(residual) <= 1e-12 * max(largest, 1.0)


@pytest.mark.parametrize("cls", EXACT)
def test_reference_is_the_exact_solution(cls):
    problem = cls()
    points = draw(problem, "interior", 40).coordinates
    reference = problem.reference_at(points)
    for field in problem.functions:
        (exact,) = exact_values(cls, [value_symbol(field)], points)
        assert reference[field] == pytest.approx(exact.numpy(), abs=1e-13)


def with_speeds(problem, t, h):
    """Return the reference at times, and its derivatives by central differences of fourth order."""
    at = {shift: problem.reference(t=t + shift * h) for shift in (-2, -1, 0, 1, 2)}
    values = dict(at[0])
    for name in problem.fields:
        inner, outer = at[1][name] - at[-1][name], at[2][name] - at[-2][name]
        values[f"{name}_t"] = (8 * inner - outer) / (12 * h)
    return values


def test_reference_of_the_lorenz_system_has_the_speeds_of_its_equations():
    problem = LorenzInverse(sigma=9.0, rho=20.0, beta=2.0)
    t = np.linspace(0.1, 2.9, 30)
    values = with_speeds(problem, t, 1e-3)
    for term in problem.terms:
        if term.region == "interior":
            assert residual_of(problem, term, values) == pytest.approx(0, abs=1e-4)
    assert max(np.max(np.abs(values[f"{name}_t"])) for name in "xyz") > 50
    assert problem.reference(t=np.zeros(1)) == {"x": [-8.0], "y": [7.0], "z": [27.0]}


def test_reference_of_robertsons_kinetics():
    problem = Robertson()
    t = np.logspace(-5, 5, 30)
    values = with_speeds(problem, t, 1e-3 * t)
    for term in problem.terms:
        if term.region == "interior":
            assert residual_of(problem, term, values) == pytest.approx(0, abs=1e-7)
    assert sum(values[name] for name in problem.fields) == pytest.approx(1, abs=1e-13)
    assert problem.reference(t=np.zeros(1)) == {"y1": [1.0], "y2": [0.0], "y3": [0.0]}
    assert max(problem.reference_error().values()) < 1e-11
    # Mazzia & Magherini (2008), Test Set for Initial Value Problem Solvers, problem ROBER.
    end = robertson(1e11, k1=0.04, k2=3e7, k3=1e4)
    known = [2.083340149701255e-8, 8.333360770334713e-14, 0.9999999791665050]
    assert end == pytest.approx(known, rel=1e-9, abs=0)


def test_reference_of_the_kdv_inverse_problem_solves_its_equation():
    problem = KdVInverse(lambda1=0.8, lambda2=0.004)
    x, t = draw(problem, "interior", 200).coordinates.T
    t = np.clip(t, 0.21, 0.79)
    h = 4e-3
    k = 1e-3

    def u(i, j):
        return problem.reference(x + i * h, t + j * k)["u"]

    # Central differences of fourth order.
    u_t = (8 * (u(0, 1) - u(0, -1)) - (u(0, 2) - u(0, -2))) / (12 * k)
    first = u(1, 0) - u(-1, 0)
    second = u(2, 0) - u(-2, 0)
    third = u(3, 0) - u(-3, 0)
    u_x = (8 * first - second) / (12 * h)
    u_xxx = (-13 * first + 8 * second - third) / (8 * h**3)
    assert problem.kdv(u(0, 0), u_t, u_x, u_xxx) == pytest.approx(0, abs=3e-3 * np.max(np.abs(u_t)))
    assert problem.reference_error()["u"] < 1e-6


def test_vortices_in_a_stream_determine_the_convection():
    """Vortices at rest would not: their convection is a gradient, so that any λ₁ solves."""
    problem = NavierStokesInverse()
    points = draw(problem, "interior", 24).coordinates
    (term,) = (term for term in problem.terms if term.name == "momentum_x")
    arguments = exact_values(NavierStokesInverse, term.symbols, points)
    wrong = problem.bind({"lambda1": 0.5}).momentum_x(*arguments)
    assert size_of(wrong) > 0.1


@pytest.mark.quick(
    "Burgers", "KdVSolitons", "Poisson", "Wave", "Kovasznay", "HeatOven", "PoissonHoles"
)
@pytest.mark.parametrize(("cls", "term"), CONDITIONS_ON_VALUES, ids=label)
def test_reference_satisfies_its_conditions(cls, term):
    problem = cls()
    points = draw(problem, term.region, 64).coordinates
    values = columns_of(problem, points)
    for field, reference in problem.reference_at(points).items():
        values[field] = tf.constant(reference)
    residual = residual_of(problem, term, values).numpy()
    if residual != pytest.approx(0, abs=1e-13):  # estimating the error takes a second solution
        error = max(problem.reference_error().values(), default=0.0)
        assert residual == pytest.approx(0, abs=1e-13 + 10 * error)


@pytest.mark.parametrize("cls", WITH_REFERENCES)
def test_reference_is_finite_and_complete(cls):
    problem = cls()
    lower, upper = problem.bounds
    ranges = zip(lower, upper, strict=True)
    corners = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, len(lower))
    inside = draw(problem, "interior", 100).coordinates
    reference = problem.reference_at(np.concatenate([corners, inside]))
    assert tuple(reference) == problem.functions


@pytest.mark.parametrize(("cls", "term"), BUILT_IN, ids=label)
def test_ansatz_satisfies_the_conditions_that_it_declares(cls, term):
    problem = cls()
    points = draw(problem, term.region, 64)
    columns = columns_of(problem, points.coordinates)
    normals = {}
    if points.normals is not None:
        normals = dict(zip(problem.space.coordinates, points.normals.T, strict=True))
    solution = trial(problem, network_for(problem, seed=3), hard=True)
    values = columns | taylor.evaluate(solution, term.symbols, columns, normals)
    assert size_of(residual_of(problem, term, values)) <= 1e-10


@pytest.mark.parametrize("cls", WITH_ANSATZ)
def test_ansatz_multiplies_the_network_by_a_factor_up_to_one(cls):
    problem = cls()
    columns = columns_of(problem, draw(problem, "interior", 256).coordinates)
    count = len(problem.fields)

    def fields(value):
        output = tf.fill([256], tf.constant(value, tf.float64))
        values = problem.ansatz(**columns, net=output if count == 1 else (output,) * count)
        return values if isinstance(values, tuple) else (values,)

    for at_zero, at_one in zip(fields(0.0), fields(1.0), strict=True):
        assert 0.05 < size_of(at_one - at_zero) <= 1.0


SOFT_AND_HARD = [(cls, False) for cls in PROBLEMS] + [(cls, True) for cls in WITH_ANSATZ]


def losses_and_gradient(objective, theta, batch):
    """Return every term's loss [terms] and the gradient [p] of their weighted sum.

    One evaluation gives both, where functions run eagerly.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(theta)
        losses = objective.losses(theta, batch)
        loss = tf.reduce_sum(batch.weights * losses)
    return losses, tape.gradient(loss, theta)


@pytest.mark.quick("Burgers", "Schrodinger", "KdV", "Poisson10D", "HeatFieldInverse", "TaylorGreen")
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(("cls", "hard"), SOFT_AND_HARD, ids=label)
def test_taylor_equals_nested(cls, hard):
    """The equations and the ansatz; deeper networks are compared in `test_embeddings.py`."""
    problem = cls()
    network = network_for(problem, depth=1)
    by_engine = []
    for engine in ("taylor", "nested"):
        objective = Objective(problem, network, hard=hard, derivatives=engine)
        theta = objective.flat.flatten()
        batch = batch_for(objective, max(12, len(problem.faces)))
        by_engine.append(losses_and_gradient(objective, theta, batch))
    for fast, slow in zip(*by_engine, strict=True):
        assert fast.dtype == tf.float64
        assert size_of(fast - slow) <= 1e-10 * size_of(slow)
    _, gradient = by_engine[0]
    assert size_of(gradient) > 0


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("engine", ["taylor", "nested"])
def test_the_gradient_of_the_loss_is_that_of_its_terms(engine):
    problem = Schrodinger()
    objective = Objective(problem, network_for(problem), derivatives=engine)
    theta = objective.flat.flatten()
    batch = batch_for(objective, 12)
    loss, gradient = objective.value_and_gradient(theta, batch)
    losses, expected = losses_and_gradient(objective, theta, batch)
    assert float(loss) == pytest.approx(float(tf.reduce_sum(batch.weights * losses)), rel=1e-12)
    assert size_of(gradient - expected) <= 1e-12 * size_of(expected)


def test_compiled_equals_eager():
    problem = Wave()
    objective = Objective(problem, network_for(problem, depth=1))
    # Two threads with two blocks each in the interior, one block elsewhere.
    point_sets = {}
    for region in objective.regions:
        points = draw(problem, region, 128 if region == "interior" else 8)
        point_sets[region] = cut_into_blocks(points, threads=2, size=32, dtype="float64")
    theta = objective.flat.flatten()
    batch = objective.batch(point_sets)
    compiled = objective.value_and_gradient(theta, batch)
    tf.config.run_functions_eagerly(True)
    try:
        eager = objective.value_and_gradient(theta, batch)
    finally:
        tf.config.run_functions_eagerly(False)
    for a, b in zip(compiled, eager, strict=True):
        assert size_of(a - b) <= 1e-12 * size_of(b)


@pytest.mark.usefixtures("eager")
def test_unknown_coefficients_have_gradients():
    problem = Burgers(unknowns={"nu": {"start": 0.01, "lower": 0.0}, "lambda1": 0.5})
    objective = Objective(problem, network_for(problem))
    theta = objective.flat.flatten()
    batch = batch_for(objective, 12)
    gradient = objective.value_and_gradient(theta, batch)[1].numpy()
    for i in (-2, -1):  # the unknowns
        step = np.zeros(theta.shape[0])
        step[i] = 1e-5
        ahead = objective.value_and_gradient(theta + step, batch)[0].numpy()
        behind = objective.value_and_gradient(theta - step, batch)[0].numpy()
        assert gradient[i] == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)
        assert gradient[i] != 0


def test_given_data_keep_the_true_coefficient():
    at = tf.constant([0.2, 0.3], tf.float64)
    flow = Kovasznay().bind({"Re": tf.constant(10.0, tf.float64)})
    assert np.array_equal(flow.wall_u(at, at, at), Kovasznay().wall_u(at, at, at))
    # k² u changes by 2² - 1², and the source does not change.
    u = tf.ones_like(at)
    zero = tf.zeros_like(at)
    wrong_k = Helmholtz().bind({"k": tf.constant(2.0, tf.float64)})
    change = wrong_k.helmholtz(at, at, u, zero, zero) - Helmholtz().helmholtz(at, at, u, zero, zero)
    assert change.numpy() == pytest.approx(3.0)


@pytest.mark.parametrize("cls", PROBLEMS)
def test_configuration_has_the_defaults(cls):
    files = [yaml.safe_load(path.read_text()) for path in (ROOT / "conf/problem").glob("*.yaml")]
    target = f"pinn.problems.{cls.__name__}"
    (settings,) = (file for file in files if file.pop("_target_") == target)
    default = cls()
    assert settings == {f.name: getattr(default, f.name) for f in dataclasses.fields(default)}
    assert cls(**settings) == default


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Burgers(nu=0.0), ["nu=0.0", "positive"]),
        (lambda: Burgers(nu=float("nan")), ["nu=nan", "positive"]),
        (lambda: Burgers(unknowns={"nuu": 1.0}), ["nuu", "Did you mean 'nu'"]),
        (lambda: Wave(c=-1.0), ["c=-1.0", "positive"]),
        (lambda: Helmholtz(a1=1.5), ["a1=1.5", "whole"]),
        (lambda: KdVSolitons(c1=2.0), ["c1=2.0", "exchange"]),
        (lambda: KdVSolitons(unknowns={"c1": 5.0}), ["c1", "leave it out"]),
        (lambda: KdV(lambda2=0.0), ["lambda2=0.0", "positive"]),
        (lambda: KuramotoSivashinsky(gamma=-1.0), ["gamma=-1.0", "positive"]),
        (lambda: KuramotoSivashinsky(end=2.0), ["end=2.0", "ends at 1"]),
        (lambda: KuramotoSivashinsky(unknowns={"end": 0.5}), ["unknown end", "leave it out"]),
        (lambda: GrayScott(end=0.0), ["end=0.0", "positive"]),
        (lambda: GrayScott(unknowns={"end": 1.0}), ["unknown end", "leave it out"]),
        (lambda: GinzburgLandau(unknowns={"end": 1.0}), ["unknown end", "leave it out"]),
        (lambda: NonlinearPoisson(k=1.5), ["k=1.5", "whole"]),
        (lambda: NonlinearPoisson(unknowns={"k": 3}), ["unknown k", "leave it out"]),
        (lambda: PoissonBoltzmann(k=1.0), ["k=1.0", "at least 2"]),
        (lambda: PoissonBoltzmann(mu1=0.5), ["mu1=0.5", "whole"]),
        (lambda: PoissonBoltzmann(unknowns={"mu2": 3}), ["unknown mu2", "leave it out"]),
        (lambda: cole_hopf(0.0, 0.1, 0.0), ["nu=0.0", "positive"]),
        (lambda: cole_hopf(0.0, np.array([0.1, -0.1]), 0.1), ["t=-0.1"]),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(InputError) as error:
        make()
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Burgers(nu="abc"),
        lambda: Burgers(nu=None),
        lambda: Burgers(nu=[1.0, 2.0]),
        lambda: Burgers(unknowns={"nu": None}),
        lambda: Burgers(unknowns={"nu": "abc"}),
        lambda: Burgers(unknowns={"nu": {"lower": 0.0}}),
        lambda: Burgers(unknowns={"nu": -1.0}),
    ],
)
def test_a_coefficient_that_is_no_number_is_refused(make):
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize(
    ("nu", "lambda1"),
    [(1.0, 1.0), (0.1, 1.0), (0.01, 1.0), (0.01 / pi, 1.0), (0.01, 2.0), (0.01, 0.5), (0.01, -1.0)],
)
def test_cole_hopf_equals_the_fourier_series(nu, lambda1):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 8)
    t = rng.uniform(0, 1, 8)
    x[:3] *= 0.01  # in the shock
    t[3] = 1e-8
    t[4] = 1.0
    series = series_solution(nu, lambda1)
    expected = [float(series(*map(mpmath.mpf, point))) for point in zip(x, t, strict=True)]
    assert cole_hopf(x, t, nu, lambda1) == pytest.approx(expected, abs=1e-13)


def test_cole_hopf_broadcasts_in_bounded_chunks():
    x = np.linspace(-1, 1, 201)
    t = np.linspace(0, 1, 51)
    grid = cole_hopf(x[:, None], t, 0.01 / pi)
    assert grid.shape == (201, 51)
    assert grid[:, 0] == pytest.approx(-np.sin(pi * x), abs=1e-15)
    assert grid[[0, 100, -1]] == pytest.approx(0, abs=1e-13)
    # A point's value depends neither on its chunk nor on the later times in it.
    assert grid[60, 20] == pytest.approx(float(cole_hopf(x[60], t[20], 0.01 / pi)), abs=1e-14)
    assert cole_hopf(x, 0.3, 0.01 / pi, lambda1=0.0).shape == (201,)
    assert cole_hopf(np.zeros(0), 0.0, 0.1).shape == (0,)


def test_cole_hopf_without_convection_is_diffusion():
    x = np.linspace(-1, 1, 11)
    expected = -np.exp(-(pi**2) * 0.1 * 0.5) * np.sin(pi * x)
    assert cole_hopf(x, 0.5, 0.1, lambda1=0.0) == pytest.approx(expected, abs=1e-15)


def test_solitons_are_finite_far_away():
    far = np.array([-1e6, -400.0, 400.0, 1e6])
    u = two_solitons(far, 0.0, speeds=(6.0, 2.0), starts=(-2.0, 2.0))
    assert u == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("t", [-100.0, 100.0])
def test_solitons_have_their_own_heights_long_before_and_after_the_collision(t):
    x = np.linspace(-700, 700, 400_001)
    u = two_solitons(x, t, speeds=(6.0, 2.0), starts=(-2.0, 2.0))
    middle = u[1:-1]
    is_crest = (middle > u[:-2]) & (middle > u[2:]) & (middle > 0.1)
    assert np.sort(middle[is_crest]) == pytest.approx([1.0, 3.0], rel=1e-4)


def test_soliton_slope_is_the_derivative():
    problem = KdVSolitons()
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 20, 50)
    t = rng.uniform(0, 5, 50)
    symbol = taylor.Symbol("u_x", "derivative", "u", ("x",))
    columns = {"x": tf.constant(x), "t": tf.constant(t)}
    values = taylor.evaluate(lambda at: {"u": problem._exact(**at)}, [symbol], columns, {})
    slope = two_solitons_slope(x, t, speeds=(6.0, 2.0), starts=(-2.0, 2.0))
    assert values["u_x"].numpy() == pytest.approx(slope, abs=1e-13)


def test_soliton_formula_solves_its_equation_on_jets():
    problem = KdVSolitons()
    term = problem.terms[0]
    columns = columns_of(problem, draw(problem, "interior", 2000).coordinates)
    values = taylor.evaluate(lambda at: {"u": problem._exact(**at)}, term.symbols, columns, {})
    assert size_of(residual_of(problem, term, values)) < 1e-12


def allen_cahn_front(x, t):
    """A front from 1 to the unstable 0, which solves u_t = u_xx/100 + 5 (u - u³)."""
    return {"u": 0.5 * (1 + tf.tanh((5 / 0.08) ** 0.5 * x + 3.75 * t))}


def kdv_soliton(x, t):
    """3c sech²(√(c/λ₂) (x - ct)/2), by Zabusky & Kruskal (1965)."""
    wave = tf.tanh(0.5 * (0.4 / 4.84e-4) ** 0.5 * (x - 0.4 * t))
    return {"u": 1.2 * (1 - wave * wave)}


def kuramoto_sivashinsky_front(x, t):
    """A front of u_t + u u_x + u_xx + u_xxxx = 0 by Kuramoto & Tsuzuki (1976), rescaled."""
    k = 0.5 * (11 / 19) ** 0.5
    wave = tf.tanh(k * (16 * x - 2 * 100 * t))
    return {"u": 2 + 30 * k / 19 * (11 * (wave * wave * wave) - 9 * wave)}


def schrodinger_breather(x, t):
    """Two bound solitons from 2 sech x on the whole line, by Satsuma & Yajima (1974)."""

    def cosh(at):
        return 0.5 * (tf.exp(at) + tf.exp(-1 * at))

    denominator = cosh(4 * x) + 4 * cosh(2 * x) + 3 * tf.cos(4 * t)

    def part(f):
        return 4 * (cosh(3 * x) * f(0.5 * t) + 3 * (cosh(x) * f(4.5 * t))) / denominator

    return {"u": part(tf.cos), "v": part(tf.sin)}


def ginzburg_landau_wave(x, y, t):
    """A plane wave √(1 - ε|κ|²/k) e^{i(κ·x - ωt)} with ω = kβ (1 - ε|κ|²/k), κ = (π, -2π)."""
    square = 1 - 0.004 / 10 * 5 * pi**2
    phase = pi * (x - 2 * y) - 15 * square * t
    return {"u": square**0.5 * tf.cos(phase), "v": square**0.5 * tf.sin(phase)}


@pytest.mark.parametrize(
    ("problem", "solution"),
    [
        (GinzburgLandau(), ginzburg_landau_wave),
        (AllenCahn(D=0.01), allen_cahn_front),
        (KdV(), kdv_soliton),
        (KuramotoSivashinsky(), kuramoto_sivashinsky_front),
        (Schrodinger(), schrodinger_breather),
    ],
    ids=label,
)
def test_equation_holds_on_a_known_solution(problem, solution):
    """The problem's own solution has no formula, but other solutions of its equation have."""
    columns = columns_of(problem, draw(problem, "interior", 500).coordinates)
    for term in problem.terms:
        if term.region == "interior":
            values = taylor.evaluate(lambda at: solution(**at), term.symbols, columns, {})
            largest = max(size_of(values[s.name]) for s in term.symbols if s.index)
            assert largest > 0.5
            assert size_of(residual_of(problem, term, values)) < 1e-12 * largest


@pytest.mark.parametrize("D", [1e-4, 0.05])
def test_the_kink_in_the_allen_cahn_ansatz_is_smooth_and_periodic(D):
    """p_t = D p_xx - 2k p, and the slope of p does not jump at the ends."""
    problem = AllenCahn(D=D)
    x, t = draw(problem, "interior", 500).coordinates.T
    x[-4:] = [-1.0, 1.0, -1.0, 1.0]
    symbols = [
        value_symbol("p"),
        taylor.Symbol("p_x", "derivative", "p", ("x",)),
        taylor.Symbol("p_t", "derivative", "p", ("t",)),
        taylor.Symbol("p_xx", "derivative", "p", ("x", "x")),
    ]
    net = tf.zeros(500, tf.float64)

    def kink(at):
        c = at["x"]
        return {"p": problem.ansatz(net=net, **at) - c * c * (1 + tf.cos(pi * c))}

    p = taylor.evaluate(kink, symbols, {"x": tf.constant(x), "t": tf.constant(t)}, {})
    residual = p["p_t"] - D * p["p_xx"] + 2 * problem.k * p["p"]
    assert residual.numpy() == pytest.approx(0, abs=1e-11)
    assert p["p_x"][-4:].numpy() == pytest.approx(0, abs=1e-12)


def test_the_bells_in_the_gray_scott_ansatz_decay_and_are_periodic():
    """p_t = ε Δp - b p, and neither value nor slope of p jumps at the edges."""
    problem = GrayScott()
    x, y, t = draw(problem, "interior", 500).coordinates.T
    # The last two points are opposite each other.
    x[-2:] = [-1.0, 1.0]
    y[-1] = y[-2]
    t[-1] = t[-2]
    columns = {"x": tf.constant(x), "y": tf.constant(y), "t": tf.constant(t)}
    symbols = []
    for field in "uv":
        symbols.append(value_symbol(field))
        for index in ("x", "t", "xx", "yy"):
            symbols.append(taylor.Symbol(f"{field}_{index}", "derivative", field, tuple(index)))
    net = (tf.zeros(500, tf.float64), tf.zeros(500, tf.float64))

    def bells(at):
        u, v = problem.ansatz(net=net, **at)
        return {"u": 1 - u, "v": v}

    p = taylor.evaluate(bells, symbols, columns, {})
    coefficients = {"u": (problem.epsilon1, problem.b1), "v": (problem.epsilon2, problem.b2)}
    for field, (epsilon, b) in coefficients.items():
        laplacian = p[f"{field}_xx"] + p[f"{field}_yy"]
        residual = p[f"{field}_t"] - epsilon * laplacian + b * p[field]
        assert residual.numpy() == pytest.approx(0, abs=1e-9)
        for quantity in (p[field], p[f"{field}_x"]):
            assert float(quantity[-1]) == pytest.approx(float(quantity[-2]), abs=1e-13)


def test_a_network_without_the_period_of_the_problem_is_refused():
    problem = AllenCahn()
    lower, upper = problem.bounds
    with pytest.raises(
        InputError, match="network: is not periodic in x, as AllenCahn asks; embed it"
    ):
        Objective(problem, mlp(lower=lower, upper=upper, outputs=1))


def test_the_boundary_has_no_faces_of_a_periodic_coordinate():
    class Channel(pinn.Problem):
        fields = ("u",)
        space = pinn.Rectangle(x=(0.0, 1.0), y=(0.0, 2.0))
        periodic = ("x",)

        @residual(on="boundary")
        def walls(self, u):
            return u

    points = draw(Channel(), "boundary", 40).coordinates
    assert Channel().faces == ("y-", "y+")
    assert set(points[:, 1]) == {0.0, 2.0}
    with pytest.raises(InputError, match="no region"):
        draw(Channel(), "x-", 4)
    for wrong, words in (
        ({"periodic": ("z",)}, "no coordinate"),
        ({"periodic": ("x", "y")}, "being periodic"),
    ):
        with pytest.raises(InputError, match=words):
            type("Wrong", (Channel,), wrong)()


@pytest.mark.slow
def test_derived_quantities_follow_the_fields():
    problem = Schrodinger()
    quantities = problem.with_derived({"u": np.array([3.0, 0.0]), "v": np.array([-4.0, 1.0])})
    assert tuple(quantities) == ("u", "v", "abs_h")
    assert problem.quantities == ("u", "v", "abs_h")
    assert np.array_equal(quantities["abs_h"], [5.0, 1.0])
    assert set(problem.reference_error()) == {"u", "v", "abs_h"}
    assert Wave().quantities == ("u",)


class Rotation(Schrodinger):
    """A reference with |h| = 1."""

    def reference(self, x, t):
        return {"u": np.cos(x - t), "v": np.sin(x - t)}


@pytest.mark.usefixtures("eager")
def test_errors_of_derived_quantities_are_measured():
    problem = Rotation()
    objective = Objective(problem, network_for(problem))
    evaluate = partial(Evaluator(objective, problem.functions), objective.flat.flatten())
    errors = Errors(problem, 50, seed=0)
    assert errors.truth is not None
    assert errors.truth["abs_h"] == pytest.approx(1)
    predictions = errors.predictions(evaluate)
    assert np.array_equal(predictions["abs_h"], np.hypot(predictions["u"], predictions["v"]))
    assert errors.max_error(evaluate)["abs_h"] == np.max(np.abs(predictions["abs_h"] - 1))
    names = [name for name in columns(objective, errors) if "error" in name]
    assert names == ["error_u", "error_v", "error_abs_h"]


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_derived_quantities_are_in_the_solution_and_its_figures(tmp_path):
    problem = Rotation()
    objective = Objective(problem, network_for(problem))
    theta = objective.flat.flatten()
    evaluate = partial(Evaluator(objective, problem.functions), theta)
    metrics = {"relative_l2": Errors(problem, 50, seed=0).relative_l2(evaluate)}
    solution = Solution(
        objective, theta, metrics=metrics, history=History([]), points={}, folder=tmp_path
    )
    values = solution(x=[[0.0], [1.0]], t=[0.5, 1.0])
    assert values["abs_h"].shape == (2, 2)
    assert np.array_equal(values["abs_h"], np.hypot(values["u"], values["v"]))
    assert {path.stem for path in solution.save_figures()} == {"solution", "slices"}


@pytest.mark.parametrize(
    ("derived", "words"),
    [
        (lambda self, u: u, "derived: returns a ndarray; return a dict"),
        (lambda self, u: {"v": u}, "'v' is a field or coordinate already"),
        (lambda self, u: {"top": np.max(u)}, r"'top' has shape \(\), not \(3,\)"),
        (lambda self, w: {"top": w}, "unknown parameter 'w'"),
    ],
)
def test_a_wrong_derived_quantity_is_refused(derived, words):
    problem = type("Wrong", (Schrodinger,), {"derived": derived})()
    with pytest.raises(InputError, match=words):
        problem.with_derived({"u": np.ones(3), "v": np.ones(3)})
