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
    Schrodinger,
    TaylorGreen,
    Wave,
)
from pinn.references import cole_hopf, two_solitons, two_solitons_slope
from pinn.run.errors import Errors
from pinn.run.monitor import columns
from pinn.run.solution import Solution
from pinn.setup.network import default_network

ROOT = Path(__file__).parents[1]
PROBLEMS = [getattr(pinn.problems, name) for name in pinn.problems.__all__]
TERMS = [(cls, term) for cls in PROBLEMS for term in cls().terms]
OF_VALUES = [
    (c, t)
    for c, t in TERMS
    if t.region != "interior" and not any(s.index or s.kind == "normal" for s in t.symbols)
]
WITH_ANSATZ = [cls for cls in PROBLEMS if cls().satisfied]
BUILT_IN = [(c, t) for c, t in TERMS if t.name in c().satisfied]

x, y, z, t = sp.symbols("x y z t", real=True)
x_i = sp.symbols("x1:11", real=True)


def label(value):
    if isinstance(value, bool):
        return "hard" if value else "soft"
    return getattr(value, "name", getattr(value, "__name__", type(value).__name__))


def _two_solitons_as_published():
    c1, c2 = sp.Integer(6), sp.Integer(2)
    a, b = sp.sqrt(c1) * (x - c1 * t + 2) / 2, sp.sqrt(c2) * (x - c2 * t - 2) / 2
    top = 2 * (c1 - c2) * (c1 * sp.cosh(b) ** 2 + c2 * sp.sinh(a) ** 2)
    root = (sp.sqrt(c1) - sp.sqrt(c2)) * sp.cosh(a + b) + (sp.sqrt(c1) + sp.sqrt(c2)) * sp.cosh(
        a - b
    )
    return top / root**2


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
    # Where the vorticity is along the velocity, p = -|U|²/2 and a function of time.
    squares = sum(field**2 for field in fields.values()) / 2
    return fields | {"p": -squares}


def _carried_vortices():
    xi, fading = sp.pi * (x - t), sp.exp(-(sp.pi**2) * t / 50)
    return {
        "u": 1 - sp.cos(xi) * sp.sin(sp.pi * y) * fading,
        "v": sp.sin(xi) * sp.cos(sp.pi * y) * fading,
        "p": -(sp.cos(2 * xi) + sp.cos(2 * sp.pi * y)) * fading**2 / 4,
    }


W = sp.sin(sp.pi * x) * sp.sin(sp.pi * y)
EXACT = {
    PoissonFieldInverse: {"u": W, "a": 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)},
    HeatFieldInverse: {"u": sp.exp(-t) * W, "a": 2 + W},
    NavierStokesInverse: _carried_vortices(),
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
    """Burgers' solution by Fourier series: exp(-β cos πx) = I_0(β) + 2 Σ (-1)^n I_n(β) cos(nπx), diffused term by term.

    Nothing of the quadrature is in it.  The terms cancel by a factor exp(2β), hence the digits.
    """
    digits = int(abs(lambda1) / (pi * nu) / 2.3) + 20
    with mpmath.workdps(100 + digits):
        beta = mpmath.mpf(lambda1) / (2 * mpmath.pi * mpmath.mpf(nu))
        weights = [
            (-1) ** n * (2 if n else 1) * mpmath.besseli(n, beta)
            for n in range(int(3 * abs(beta)) + 40)
        ]

    def u(at, time):
        with mpmath.workdps(mpmath.mp.dps + digits):
            phi = slope = mpmath.mpf(0)
            for n, weight in enumerate(weights):
                k = n * mpmath.pi
                mode = weight * mpmath.exp(-k * k * nu * time)
                phi, slope = phi + mode * mpmath.cos(k * at), slope - mode * k * mpmath.sin(k * at)
            return -2 * nu * slope / phi / lambda1

    return u


def exact_values(cls, symbols, points, normals=None):
    """Return what the symbols of a residual stand for, on the exact solution, as tensors [n]."""
    problem = cls()
    columns = dict(zip(problem.coordinates, points.T, strict=True))
    found = []
    for s in symbols:
        if s.kind == "coordinate":
            values = columns[s.name]
        elif s.kind == "normal":
            slopes = [
                taylor.Symbol(f"{s.field}_{c}", "derivative", s.field, (c,))
                for c in problem.space.coordinates
            ]
            values = np.sum(normals.T * np.array(exact_values(cls, slopes, points)), axis=0)
        elif cls is Burgers:
            u = series_solution(problem.nu, problem.lambda1)
            orders = (s.index.count("x"), s.index.count("t"))
            with mpmath.workdps(20):
                values = [
                    mpmath.diff(u, tuple(map(mpmath.mpf, p)), orders) if s.index else u(*p)
                    for p in points
                ]
        else:
            expression = EXACT[cls][s.field]
            names = [sp.Symbol(c, real=True) for c in problem.coordinates]
            for c in s.index:
                expression = sp.diff(expression, sp.Symbol(c, real=True))
            if s.kind == "laplacian":
                expression = sum(
                    sp.diff(expression, c, 2) for c in names[: len(problem.space.coordinates)]
                )
            function = sp.lambdify(names, expression, "mpmath", cse=True)
            with mpmath.workdps(40):
                values = [function(*map(mpmath.mpf, p)) for p in points]
        found.append(tf.constant(np.array(values, float)))
    return found


def network_for(problem, seed=0):
    return default_network(problem, width=6, depth=2, seed=seed)


@pytest.mark.parametrize(
    ("cls", "term"), [(c, t) for c, t in TERMS if c in EXACT or c is Burgers], ids=label
)
def test_residual_vanishes_on_exact_solution(cls, term):
    problem = cls()
    # The series of Burgers' solution is slow.
    points = draw(problem, term.region, 6 if cls is Burgers else 24)
    arguments = exact_values(cls, term.symbols, points.coordinates, points.normals)
    size = max(float(tf.reduce_max(tf.abs(a))) for a in arguments)
    worst = float(tf.reduce_max(tf.abs(getattr(problem, term.name)(*arguments))))
    assert worst <= 1e-12 * max(size, 1.0)


@pytest.mark.parametrize("cls", EXACT)
def test_reference_is_the_exact_solution(cls):
    problem = cls()
    points = draw(problem, "interior", 40).coordinates
    found = problem.reference_at(points)
    for field in problem.functions:
        symbol = taylor.Symbol(field, "derivative", field)
        assert found[field] == pytest.approx(
            exact_values(cls, [symbol], points)[0].numpy(), abs=1e-13
        )


def test_reference_of_the_lorenz_system_has_the_speeds_of_its_equations():
    problem, at = LorenzInverse(sigma=9.0, rho=20.0, beta=2.0), np.linspace(0.1, 2.9, 30)

    def values(shift):
        return np.array(list(problem.reference(t=at + shift).values()))

    ahead, behind = (values(s * 1e-3) - values(-s * 1e-3) for s in (1, 2))
    speeds = (8 * ahead - behind) / 12e-3
    found = [
        getattr(problem, f"speed_{f}")(*_given(problem, f, values(0.0), speeds))
        for f in problem.fields
    ]
    assert np.array(found) == pytest.approx(0, abs=1e-4) and np.max(np.abs(speeds)) > 50
    assert problem.reference(t=np.zeros(1)) == {"x": [-8.0], "y": [7.0], "z": [27.0]}


def _given(problem, field, values, speeds):
    known = dict(zip("xyz", values, strict=True)) | {
        f"{f}_t": s for f, s in zip("xyz", speeds, strict=True)
    }
    (term,) = (t for t in problem.terms if t.name == f"speed_{field}")
    return [known[s.name] for s in term.symbols]


def test_reference_of_the_kdv_inverse_problem_solves_its_equation():
    problem = KdVInverse(lambda1=0.8, lambda2=0.004)
    x, t = draw(problem, "interior", 200).coordinates.T
    h, k = 4e-3, 1e-3

    def u(i, j):
        return problem.reference(x + i * h, np.clip(t, 0.21, 0.79) + j * k)["u"]

    u_t = (8 * (u(0, 1) - u(0, -1)) - (u(0, 2) - u(0, -2))) / (12 * k)
    u_x = (8 * (u(1, 0) - u(-1, 0)) - (u(2, 0) - u(-2, 0))) / (12 * h)
    u_xxx = (-13 * (u(1, 0) - u(-1, 0)) + 8 * (u(2, 0) - u(-2, 0)) - (u(3, 0) - u(-3, 0))) / (
        8 * h**3
    )
    assert problem.kdv(u(0, 0), u_t, u_x, u_xxx) == pytest.approx(0, abs=3e-3 * np.max(np.abs(u_t)))
    assert problem.reference_error()["u"] < 1e-6


def test_vortices_at_rest_would_not_tell_the_convection():
    """Their convection is a gradient, so that any λ₁ goes with them; carried along, one does."""
    problem = NavierStokesInverse()
    points = draw(problem, "interior", 24).coordinates
    (term,) = (t for t in problem.terms if t.name == "momentum_x")
    arguments = exact_values(NavierStokesInverse, term.symbols, points)
    wrong = problem.bind({"lambda1": 0.5}).momentum_x(*arguments)
    assert float(tf.reduce_max(tf.abs(wrong))) > 0.1


@pytest.mark.parametrize(("cls", "term"), OF_VALUES, ids=label)
def test_reference_satisfies_its_conditions(cls, term):
    problem = cls()
    points = draw(problem, term.region, 64).coordinates
    known = {
        **dict(zip(problem.coordinates, points.T, strict=True)),
        **problem.reference_at(points),
    }
    found = getattr(problem, term.name)(*(tf.constant(known[s.name]) for s in term.symbols)).numpy()
    assert found == pytest.approx(
        0, abs=1e-13 + 10 * max(problem.reference_error().values(), default=0.0)
    )


@pytest.mark.parametrize("cls", PROBLEMS)
def test_reference_is_finite_and_complete(cls):
    problem = cls()
    lower, upper = problem.bounds
    corners = np.stack(np.meshgrid(*zip(lower, upper, strict=True), indexing="ij"), -1).reshape(
        -1, len(lower)
    )
    found = problem.reference_at(
        np.concatenate([corners, draw(problem, "interior", 100).coordinates])
    )
    assert tuple(found) == problem.functions


@pytest.mark.parametrize(("cls", "term"), BUILT_IN, ids=label)
def test_ansatz_satisfies_what_it_says(cls, term):
    problem = cls()
    points = draw(problem, term.region, 64)
    columns = dict(zip(problem.coordinates, tf.constant(points.coordinates.T), strict=True))
    normals = (
        {}
        if points.normals is None
        else dict(zip(problem.space.coordinates, points.normals.T, strict=True))
    )
    network = network_for(problem, seed=3)
    values = taylor.evaluate(trial(problem, network, hard=True), term.symbols, columns, normals)
    available = {**columns, **values}
    residual = getattr(problem, term.name)(*(available[s.name] for s in term.symbols))
    assert float(tf.reduce_max(tf.abs(residual))) <= 1e-10


@pytest.mark.parametrize("cls", WITH_ANSATZ)
def test_ansatz_leaves_the_network_room(cls):
    problem = cls()
    points = draw(problem, "interior", 256).coordinates
    columns = dict(zip(problem.coordinates, tf.constant(points.T), strict=True))
    count = len(problem.fields)

    def fields(value):
        net = tuple(tf.fill([256], tf.constant(value, tf.float64)) for _ in range(count))
        found = problem.ansatz(**columns, net=net[0] if count == 1 else net)
        return found if isinstance(found, tuple) else (found,)

    for zero, one in zip(fields(0.0), fields(1.0), strict=True):
        assert 0.05 < float(tf.reduce_max(tf.abs(one - zero))) <= 1.0


@pytest.fixture
def eager():
    """Without XLA's compilations, which take longer than all that is computed here."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("cls", "hard"), [(c, False) for c in PROBLEMS] + [(c, True) for c in WITH_ANSATZ], ids=label
)
def test_taylor_equals_nested(cls, hard):
    problem = cls()
    network = network_for(problem)
    found = []
    for engine in ("taylor", "nested"):
        objective = Objective(problem, network, hard=hard, derivatives=engine)
        count = max(12, len(problem.faces))
        points = {
            r: cut_into_blocks(draw(problem, r, count), threads=1, size=count, dtype="float64")
            for r in objective.regions
        }
        theta, batch = objective.flat.flatten(), objective.batch(points)
        found.append((*objective.value_and_gradient(theta, batch), objective.losses(theta, batch)))
    for fast, slow in zip(*found, strict=True):
        assert fast.dtype == tf.float64
        assert float(tf.reduce_max(tf.abs(fast - slow))) <= 1e-10 * float(
            tf.reduce_max(tf.abs(slow))
        )
    assert float(tf.reduce_max(tf.abs(found[0][1]))) > 0


def test_compiled_equals_eager():
    problem = Wave()
    objective = Objective(problem, network_for(problem))
    # Two threads of two blocks in the interior, one block elsewhere.
    points = {
        r: cut_into_blocks(
            draw(problem, r, 128 if r == "interior" else 8), threads=2, size=32, dtype="float64"
        )
        for r in objective.regions
    }
    theta, batch = objective.flat.flatten(), objective.batch(points)
    compiled = objective.value_and_gradient(theta, batch)
    tf.config.run_functions_eagerly(True)
    try:
        eager = objective.value_and_gradient(theta, batch)
    finally:
        tf.config.run_functions_eagerly(False)
    for a, b in zip(compiled, eager, strict=True):
        assert float(tf.reduce_max(tf.abs(a - b))) <= 1e-12 * float(tf.reduce_max(tf.abs(b)))


@pytest.mark.usefixtures("eager")
def test_unknown_coefficient_has_a_gradient():
    problem = Burgers(unknowns={"nu": {"start": 0.01, "lower": 0.0}, "lambda1": 0.5})
    objective = Objective(problem, network_for(problem))
    points = {
        r: cut_into_blocks(draw(problem, r, 12), threads=1, size=12, dtype="float64")
        for r in objective.regions
    }
    theta, batch = objective.flat.flatten(), objective.batch(points)
    gradient = objective.value_and_gradient(theta, batch)[1].numpy()
    for i in (-2, -1):
        step = np.zeros(theta.shape[0])
        step[i] = 1e-5
        ahead, behind = (
            objective.value_and_gradient(theta + s * step, batch)[0].numpy() for s in (1, -1)
        )
        assert gradient[i] == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)
        assert gradient[i] != 0


def test_given_data_stay_as_they_are_while_a_coefficient_is_searched():
    at = tf.constant([0.2, 0.3], tf.float64)
    flow = Kovasznay().bind({"Re": tf.constant(10.0, tf.float64)})
    assert np.array_equal(flow.wall_u(at, at, at), Kovasznay().wall_u(at, at, at))
    wrong_k = Helmholtz().bind({"k": tf.constant(2.0, tf.float64)})
    u, zero = tf.ones_like(at), tf.zeros_like(at)
    assert (
        wrong_k.helmholtz(at, at, u, zero, zero) - Helmholtz().helmholtz(at, at, u, zero, zero)
    ).numpy() == (pytest.approx(3.0))


@pytest.mark.parametrize("cls", PROBLEMS)
def test_configuration_has_the_defaults(cls):
    files = [
        yaml.safe_load(path.read_text()) for path in (ROOT / "conf" / "problem").glob("*.yaml")
    ]
    (given,) = (file for file in files if file.pop("_target_") == f"pinn.problems.{cls.__name__}")
    default = cls()
    assert given == {f.name: getattr(default, f.name) for f in dataclasses.fields(default)}
    assert cls(**given) == default


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
def test_bad_input_is_told(make, words):
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
def test_coefficient_that_is_no_number_is_told(make):
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize(
    ("nu", "lambda1"),
    [(1.0, 1.0), (0.1, 1.0), (0.01, 1.0), (0.01 / pi, 1.0), (0.01, 2.0), (0.01, 0.5), (0.01, -1.0)],
)
def test_cole_hopf_equals_the_fourier_series(nu, lambda1):
    rng = np.random.default_rng(0)
    at, time = rng.uniform(-1, 1, 8), rng.uniform(0, 1, 8)
    at[:3] *= 0.01  # in the shock
    time[3:5] = 1e-8, 1.0
    series = series_solution(nu, lambda1)
    expected = [float(series(*map(mpmath.mpf, p))) for p in zip(at, time, strict=True)]
    assert cole_hopf(at, time, nu, lambda1) == pytest.approx(expected, abs=1e-13)


def test_cole_hopf_broadcasts_in_bounded_chunks():
    at, time = np.linspace(-1, 1, 201), np.linspace(0, 1, 51)
    grid = cole_hopf(at[:, None], time, 0.01 / pi)
    assert grid.shape == (201, 51)
    assert grid[:, 0] == pytest.approx(-np.sin(pi * at), abs=1e-15)
    assert grid[[0, 100, -1]] == pytest.approx(0, abs=1e-13)
    # A point's value depends neither on its chunk nor on the later times in it.
    assert grid[60, 20] == pytest.approx(float(cole_hopf(at[60], time[20], 0.01 / pi)), abs=1e-14)
    assert cole_hopf(at, 0.3, 0.01 / pi, lambda1=0.0).shape == (201,)
    assert cole_hopf(np.zeros(0), 0.0, 0.1).shape == (0,)


def test_cole_hopf_without_convection_is_diffusion():
    at = np.linspace(-1, 1, 11)
    expected = -np.exp(-(pi**2) * 0.1 * 0.5) * np.sin(pi * at)
    assert cole_hopf(at, 0.5, 0.1, lambda1=0.0) == pytest.approx(expected, abs=1e-15)


def test_solitons_are_finite_far_away_and_apart():
    arguments = {"speeds": (6.0, 2.0), "starts": (-2.0, 2.0)}
    far = two_solitons(np.array([-1e6, -400.0, 400.0, 1e6]), 0.0, **arguments)
    assert far == pytest.approx(0, abs=1e-14)
    # Long before and after the collision the tops are those of lone solitons, c/2.
    line = np.linspace(-700, 700, 400_001)
    for time in (-100.0, 100.0):
        wave = two_solitons(line, time, **arguments)
        tops = np.sort(
            wave[1:-1][(wave[1:-1] > wave[:-2]) & (wave[1:-1] > wave[2:]) & (wave[1:-1] > 0.1)]
        )
        assert tops == pytest.approx([1.0, 3.0], rel=1e-4)


def test_soliton_slope_is_the_derivative():
    problem = KdVSolitons()
    rng = np.random.default_rng(0)
    at, time = tf.constant(rng.uniform(0, 20, 50)), tf.constant(rng.uniform(0, 5, 50))
    symbol = taylor.Symbol("u_x", "derivative", "u", ("x",))
    found = taylor.evaluate(
        lambda c: {"u": problem._exact(**c)}, [symbol], {"x": at, "t": time}, {}
    )["u_x"]
    expected = two_solitons_slope(at.numpy(), time.numpy(), speeds=(6.0, 2.0), starts=(-2.0, 2.0))
    assert found.numpy() == pytest.approx(expected, abs=1e-13)


def test_soliton_formula_solves_its_equation_on_jets():
    problem = KdVSolitons()
    term = problem.terms[0]
    points = draw(problem, "interior", 2000).coordinates
    columns = dict(zip(problem.coordinates, tf.constant(points.T), strict=True))
    values = taylor.evaluate(lambda c: {"u": problem._exact(**c)}, term.symbols, columns, {})
    assert (
        float(tf.reduce_max(tf.abs(problem.kdv(*(values[s.name] for s in term.symbols))))) < 1e-12
    )


def allen_cahn_front(x, t):
    """From 1 to the unstable 0; of u_t = u_xx/100 + 5 (u - u³)."""
    return {"u": 0.5 * (1 + tf.tanh((5 / 0.08) ** 0.5 * x + 3.75 * t))}


def kdv_soliton(x, t):
    """3c sech²(√(c/λ₂) (x - ct)/2), by Zabusky & Kruskal (1965)."""
    wave = tf.tanh(0.5 * (0.4 / 4.84e-4) ** 0.5 * (x - 0.4 * t))
    return {"u": 1.2 * (1 - wave * wave)}


def kuramoto_sivashinsky_front(x, t):
    """Kuramoto & Tsuzuki (1976), for u_t + u u_x + u_xx + u_xxxx = 0, with x and t in the problem's scales."""
    k = 0.5 * (11 / 19) ** 0.5
    wave = tf.tanh(k * (16 * x - 2 * 100 * t))
    return {"u": 2 + 30 * k / 19 * (11 * (wave * wave * wave) - 9 * wave)}


def schrodinger_breather(x, t):
    """Two bound solitons, from 2 sech x on the whole line, by Satsuma & Yajima (1974)."""

    def cosh(at):
        return 0.5 * (tf.exp(at) + tf.exp(-1 * at))

    below = cosh(4 * x) + 4 * cosh(2 * x) + 3 * tf.cos(4 * t)
    found = (
        4 * (cosh(3 * x) * f(0.5 * t) + 3 * (cosh(x) * f(4.5 * t))) / below
        for f in (tf.cos, tf.sin)
    )
    return dict(zip("uv", found, strict=True))


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
    """The problem's own solution has no formula, but others of its equation have."""
    points = draw(problem, "interior", 500).coordinates
    columns = dict(zip(problem.coordinates, tf.constant(points.T), strict=True))
    for term in problem.terms:
        if term.region == "interior":
            values = taylor.evaluate(lambda at: solution(**at), term.symbols, columns, {})
            found = getattr(problem, term.name)(*(values[s.name] for s in term.symbols))
            size = max(
                float(tf.reduce_max(tf.abs(values[s.name]))) for s in term.symbols if s.index
            )
            assert size > 0.5
            assert float(tf.reduce_max(tf.abs(found))) < 1e-12 * size


@pytest.mark.parametrize("D", [1e-4, 0.05])
def test_the_kink_in_the_allen_cahn_ansatz_is_smooth_and_periodic(D):
    """p_t = D p_xx - 2k p, with no jump of its slope at the ends."""
    problem = AllenCahn(D=D)
    x, t = (tf.constant(c) for c in draw(problem, "interior", 500).coordinates.T)
    x = tf.concat([x[:-4], tf.constant([-1.0, 1.0, -1.0, 1.0], tf.float64)], 0)
    symbols = [taylor.Symbol(f"p_{i}", "derivative", "p", tuple(i)) for i in ("x", "t", "xx")]
    net = tf.zeros_like(x)

    def kink(at):
        c = at["x"]
        return {"p": problem.ansatz(net=net, **at) - c * c * (1 + tf.cos(pi * c))}

    symbols.append(taylor.Symbol("p", "derivative", "p"))
    p = taylor.evaluate(kink, symbols, {"x": x, "t": t}, {})
    assert (p["p_t"] - D * p["p_xx"] + 2 * problem.k * p["p"]).numpy() == pytest.approx(
        0, abs=1e-11
    )
    assert p["p_x"][-4:].numpy() == pytest.approx(0, abs=1e-12)


def test_the_bells_in_the_gray_scott_ansatz_fade_and_are_periodic():
    """p_t = ε Δp - b p, with no jump of value or slope at the edges."""
    problem = GrayScott()
    x, y, t = (tf.constant(c) for c in draw(problem, "interior", 500).coordinates.T)
    x = tf.concat([x[:-2], tf.constant([-1.0, 1.0], tf.float64)], 0)
    y, t = (tf.concat([c[:-1], c[-2:-1]], 0) for c in (y, t))
    names = {"": (), "_x": ("x",), "_y": ("y",), "_t": ("t",), "_xx": ("x", "x"), "_yy": ("y", "y")}
    symbols = [taylor.Symbol(f + n, "derivative", f, i) for f in "uv" for n, i in names.items()]
    net = (tf.zeros_like(x), tf.zeros_like(x))

    def bells(at):
        u, v = problem.ansatz(net=net, **at)
        return {"u": 1 - u, "v": v}

    p = taylor.evaluate(bells, symbols, {"x": x, "y": y, "t": t}, {})
    for f, epsilon, b in (("u", problem.epsilon1, problem.b1), ("v", problem.epsilon2, problem.b2)):
        found = p[f"{f}_t"] - epsilon * (p[f"{f}_xx"] + p[f"{f}_yy"]) + b * p[f]
        assert found.numpy() == pytest.approx(0, abs=1e-9)
        for edge in (p[f], p[f"{f}_x"]):
            assert float(edge[-1]) == pytest.approx(float(edge[-2]), abs=1e-13)


def test_a_network_without_the_problem_s_period_is_refused():
    problem = AllenCahn()
    lower, upper = problem.bounds
    with pytest.raises(
        InputError, match="network: is not periodic in x, as AllenCahn asks; embed it"
    ):
        Objective(problem, mlp(lower=lower, upper=upper, outputs=1))


def test_faces_of_a_periodic_coordinate_are_no_boundary():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Channel(pinn.Problem):
        fields, space, periodic = ("u",), pinn.Rectangle(x=(0.0, 1.0), y=(0.0, 2.0)), ("x",)

        @residual(on="boundary")
        def walls(self, u):
            return u

    points = draw(Channel(), "boundary", 40).coordinates
    assert Channel().faces == ("y-", "y+") and set(points[:, 1]) == {0.0, 2.0}
    with pytest.raises(InputError, match="no region"):
        draw(Channel(), "x-", 4)
    for wrong, words in (
        ({"periodic": ("z",)}, "no coordinate"),
        ({"periodic": ("x", "y")}, "being periodic"),
    ):
        with pytest.raises(InputError, match=words):
            type("Wrong", (Channel,), wrong)()


def test_derived_quantities_stand_behind_the_fields():
    problem = Schrodinger()
    found = problem.with_derived({"u": np.array([3.0, 0.0]), "v": np.array([-4.0, 1.0])})
    assert problem.quantities == tuple(found) == ("u", "v", "abs_h")
    assert np.array_equal(found["abs_h"], [5.0, 1.0])
    assert set(problem.reference_error()) == set(found)
    assert Wave().quantities == ("u",)


@pytest.mark.usefixtures("eager")
def test_derived_quantities_are_reported_and_drawn(tmp_path):
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Turning(Schrodinger):
        def reference(self, x, t):
            return {"u": np.cos(x - t), "v": np.sin(x - t)}

    problem = Turning()
    objective = Objective(problem, network_for(problem))
    theta, errors = objective.flat.flatten(), Errors(problem, 50, seed=0)
    evaluate = partial(Evaluator(objective, problem.functions), theta)
    assert errors.truth is not None and errors.truth["abs_h"] == pytest.approx(1)
    found = errors.predictions(evaluate)
    assert np.array_equal(found["abs_h"], np.hypot(found["u"], found["v"]))
    assert errors.max_error(evaluate)["abs_h"] == np.max(np.abs(found["abs_h"] - 1))
    assert [c for c in columns(objective, errors) if "error" in c] == [
        "error_u",
        "error_v",
        "error_abs_h",
    ]
    results = {"relative_l2": errors.relative_l2(evaluate)}
    solution = Solution(objective, theta, metrics=results, history={}, points={}, folder=tmp_path)
    values = solution(x=[[0.0], [1.0]], t=[0.5, 1.0])
    assert values["abs_h"].shape == (2, 2) and np.array_equal(
        values["abs_h"], np.hypot(values["u"], values["v"])
    )
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
def test_a_wrong_derived_quantity_is_told(derived, words):
    problem = type("Wrong", (Schrodinger,), {"derived": derived})()
    with pytest.raises(InputError, match=words):
        problem.with_derived({"u": np.ones(3), "v": np.ones(3)})
