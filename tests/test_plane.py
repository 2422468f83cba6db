"""The spectral solver in the plane against one dimension, exact solutions and equations; and its two references."""

from math import pi

import numpy as np
import pytest

from pinn.errors import InputError
from pinn.problems import GinzburgLandau, GrayScott
from pinn.references import (
    PeriodicRectangle,
    PlaneFunction,
    bell_images,
    etdrk4,
    etdrk4_plane,
    fading_bell,
    ginzburg_landau,
    gray_scott,
    project,
    sample,
    wavenumbers,
)

GS = (0.2, 0.1, 40.0, 100.0, 1000.0, 1000.0)
FIRST = (
    np.array([3, -32, 168, -672, 0, 672, -168, 32, -3]) / 840
)  # derivatives from nine values, to eighth order
SECOND = np.array([-9, 128, -1008, 8064, -14350, 8064, -1008, 128, -9]) / 5040


@pytest.mark.parametrize("real", [True, False])
def test_values_and_coefficients_are_transforms_of_each_other(real):
    plane = PeriodicRectangle((-1.0, 2.0), (2.0, 3.0), (5, 7), real=real)
    assert plane.counts(2) == (16, 24) and plane.counts(3) == (24, 30)
    x, y = plane.grid((16, 24))
    values = np.cos(4 * pi * x) * np.sin(2 * pi * (y - 2)) + np.exp(np.sin(pi * x))
    values = values if real else values * (1 + 2j)
    found = plane.coefficients(values[None])[0]
    assert found.shape == ((11, 8) if real else (11, 15))
    assert plane.sample(found, (16, 24)) == pytest.approx(
        values, abs=2e-4
    )  # of exp sin, five modes are not all
    again = plane.coefficients(plane.sample(found, (30, 15)))
    assert again == pytest.approx(found, abs=1e-15)
    product = plane.product(lambda x: np.cos(4 * pi * x), lambda y: np.sin(2 * pi * (y - 2) / 3))
    at = np.random.default_rng(0).uniform((-1, 2), (1, 5), (20, 2)).T
    in_x, in_y = plane.waves(*at)
    found = np.einsum("kl,kp,lp->p", product, in_x, in_y).real
    assert found == pytest.approx(
        np.cos(4 * pi * at[0]) * np.sin(2 * pi * (at[1] - 2) / 3), abs=1e-14
    )


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("axis", [0, 1])
def test_what_is_constant_along_an_axis_is_as_in_one_dimension(axis, real):
    """Two fields with Burgers' equation, of two viscosities."""
    times, viscosities = np.array([0.0, 0.2, 0.5]), np.array([0.05, 0.1])
    k = wavenumbers(24, 2.0)
    start = project(
        lambda x: -np.sin(pi * x) + np.cos(2 * pi * x), lower=-1.0, length=2.0, modes=24
    )
    line = {"nonlinear": np.square, "outer": -0.5j * k, "substeps": 20}
    expected = [sample(etdrk4(start, times, linear=-nu * k**2, **line), 64) for nu in viscosities]
    pick = slice(None, None, 1 if axis == 0 else -1)  # exchanges x and y
    plane = PeriodicRectangle((-1.0, 0.0)[pick], (2.0, 3.0)[pick], (24, 2)[pick], real=real)
    functions = (lambda x: -np.sin(pi * x) + np.cos(2 * pi * x), np.ones_like)[pick]
    waves = plane.wavenumbers
    found = etdrk4_plane(
        np.stack([plane.product(*functions)] * 2),
        times,
        plane=plane,
        linear=-viscosities[:, None, None] * (waves[0] ** 2 + waves[1] ** 2),
        nonlinear=np.square,
        outer=-0.5j * waves[axis],
        substeps=20,
    )
    values = np.moveaxis(plane.sample(found, (64, 6)[pick]), 2 + axis, 2)
    assert values == pytest.approx(np.moveaxis(expected, 0, 1)[..., None] + np.zeros(6), abs=1e-12)


def test_linear_equations_are_exact_in_one_step():
    """h_t = i h_xx + (1 - i) h_yy / 10 - h_x, in one step however long."""
    plane = PeriodicRectangle((0.0, -pi), (2 * pi, 2 * pi), (3, 4), real=False)
    x, y = plane.grid((12, 12))
    k_x, k_y = plane.wavenumbers
    linear = -1j * k_x**2 - (0.1 - 0.1j) * k_y**2 - 1j * k_x
    start = plane.coefficients(np.exp(1j * (2 * x - 3 * y))[None])
    found = etdrk4_plane(
        start, np.array([0.0, 3.0]), plane=plane, linear=linear, nonlinear=np.zeros_like
    )
    exact = np.exp(1j * (2 * (x - 3) - 12 - 3 * y) - (0.9 - 0.9j) * 3)
    assert plane.sample(found[-1, 0], (12, 12)) == pytest.approx(exact, abs=1e-13)


def test_the_solver_is_of_fourth_order():
    """On a plane wave of the Ginzburg–Landau equation that grows: R' = gR - kR³, φ' = -βkR², g = k - ε|κ|²."""
    plane = PeriodicRectangle((-1.0, -1.0), (2.0, 2.0), (2, 2), real=False)
    x, y = plane.grid((9, 9))
    k_x, k_y = plane.wavenumbers
    wave, growth = np.exp(1j * pi * (x - 2 * y)), 10 - 0.004 * 5 * pi**2
    gained = 1 + 0.09 * 10 / growth * np.expm1(
        2 * growth * 0.5
    )  # e^{2k∫R²}, from R = 0.3 to t = 1/2
    exact = 0.3 * np.exp(growth * 0.5) * gained ** (-0.5 - 0.75j) * wave

    def error(steps):
        found = etdrk4_plane(
            plane.coefficients(0.3 * wave[None]),
            np.array([0.0, 0.5]),
            plane=plane,
            linear=10 - 0.004 * (k_x**2 + k_y**2),
            nonlinear=lambda A: -10 * (1 + 1.5j) * A * np.abs(A) ** 2,
            substeps=steps,
        )
        return np.max(np.abs(plane.sample(found[-1, 0], (9, 9)) - exact))

    errors = [error(steps) for steps in (80, 160, 320)]
    assert 14 < errors[0] / errors[1] < 18 and 14 < errors[1] / errors[2] < 18 and errors[2] < 1e-6


@pytest.mark.parametrize("real", [True, False])
def test_fields_between_times_and_grid_points(real):
    plane = PeriodicRectangle((-1.0, 0.0), (2.0, 1.0), (4, 3), real=real)
    times, (x, y) = np.linspace(0, 1, 41) ** 2, plane.grid((16, 16))

    def exact(x, y, t):
        wave = np.cos(3 * pi * x - 2 * pi * y + 2 * t) + 0.5
        return np.stack([wave, np.exp(-t) * np.sin(4 * pi * y) * wave]) * (1 if real else 1j)

    values = np.stack([exact(x, y, t) for t in times])
    function = PlaneFunction(plane, times, plane.coefficients(values))
    at = np.random.default_rng(0).uniform((-1, 0, 0), (1, 1, 1), (300, 3)).T
    found = function(*at)
    assert found == pytest.approx(exact(*at), abs=1e-9) and np.isrealobj(found) == real
    assert function(at[0] + 2, at[1] - 3, at[2]) == pytest.approx(found, abs=1e-12)
    one_time = function(at[0, :, None], at[1, None, :5], 0.3)
    assert one_time == pytest.approx(exact(at[0, :, None], at[1, None, :5], 0.3), abs=1e-9)
    assert function(at[0], at[1], times[7]) == pytest.approx(
        exact(at[0], at[1], times[7]), abs=1e-13
    )
    assert function(np.zeros(0), 0.5, 0.5).shape == (2, 0)
    with pytest.raises(InputError, match="reaches from 0 to 1"):
        function(0.0, 0.0, 1.1)


@pytest.mark.parametrize(("center", "epsilon"), [(-0.05, 0.2), (0.05, 0.1)])
def test_a_bell_fades_as_its_fourier_series_does(center, epsilon):
    """Its jump at ±1 is smooth at once, and at the start it is the bell itself."""
    x, t = np.linspace(-1, 1, 41)[:, None], np.array([1e-3, 0.02, 0.5])
    k, edge = wavenumbers(600, 2.0), np.mean(np.exp(-10 * (np.array([-1.0, 1.0]) - center) ** 2))

    def bell(at):  # the mean at the jump
        return np.where(at == -1, edge, np.exp(-10 * (at - center) ** 2))

    series = project(bell, lower=-1.0, length=2.0, modes=600)
    waves = np.exp(1j * k * (x + 1)) * np.where(k > 0, 2, 1)
    expected = (waves @ (series[:, None] * np.exp(-epsilon * k[:, None] ** 2 * t))).real
    found = fading_bell(x, t, center, epsilon, images=bell_images(epsilon, 40.0, 0.5))
    assert found * np.exp(-40 * t) == pytest.approx(expected * np.exp(-40 * t), abs=1e-13)
    inside = x[1:-1]
    assert fading_bell(inside, 0.0, center, epsilon, images=1) == pytest.approx(bell(inside))
    with_more = fading_bell(x, t, center, epsilon, images=9) * np.exp(-40 * t)
    assert found * np.exp(-40 * t) == pytest.approx(with_more, abs=1e-15)


def residuals(problem, at, step):
    """Return the interior residuals on the reference, and the largest rate, by differences in space and time."""
    x, y, t = at

    def fields(dx, dy, dt):
        found = problem.reference(x + dx, y + dy, t + dt)
        return np.stack([found[name] for name in problem.fields])

    h, shifts = 4e-3, np.arange(-4, 5)
    rates = sum(c * fields(0, 0, s * step) for c, s in zip(FIRST, shifts, strict=True)) / step
    across = (
        c * (fields(s * h, 0, 0) + fields(0, s * h, 0)) for c, s in zip(SECOND, shifts, strict=True)
    )
    laplacians = sum(across) / h**2
    known = {}
    for i, name in enumerate(problem.fields):
        known |= {name: fields(0, 0, 0)[i], f"{name}_t": rates[i], f"lap_{name}": laplacians[i]}
    terms = [term for term in problem.terms if term.region == "interior"]
    found = [getattr(problem, term.name)(*(known[s.name] for s in term.symbols)) for term in terms]
    return np.array(found), np.max(np.abs(rates))


def test_the_gray_scott_reference_solves_its_equations():
    problem, step = GrayScott(end=0.06, c2=900.0, b1=50.0), 0.04 / 13  # the reports' distance
    x, y = np.random.default_rng(0).uniform(-0.7, 0.7, (2, 60))
    found, largest = residuals(problem, (x, y, np.full(60, 0.02 + 6 * step)), step)
    assert largest > 5 and found == pytest.approx(0, abs=1e-4 * largest)
    assert all(1e-8 < error < 1e-5 for error in problem.reference_error().values())
    again = problem.reference(x + 2, y - 4, np.full(60, 0.001))
    for name, values in problem.reference(x, y, np.full(60, 0.001)).items():
        assert again[name] == pytest.approx(values, abs=1e-13)


def test_the_ginzburg_landau_reference_solves_its_equation():
    problem = GinzburgLandau(end=0.2, beta=1.2)
    x, y = np.random.default_rng(0).uniform(-0.4, 0.4, (2, 60))
    found, largest = residuals(problem, (x, y, np.full(60, 0.1)), 0.01)
    assert largest > 5 and found == pytest.approx(0, abs=1e-5 * largest)
    assert set(problem.reference_error()) == set(problem.quantities)
    assert all(1e-9 < error < 1e-5 for error in problem.reference_error().values())
    # A quarter of a turn of the plane is one of the phase, which no grid point's own neighbors tell
    # the solver.
    case = (problem.epsilon, problem.k, problem.beta, problem.end)
    assert ginzburg_landau(-y, x, 0.2, *case) == pytest.approx(
        -1j * ginzburg_landau(x, y, 0.2, *case), abs=1e-12
    )
    assert ginzburg_landau(x, y, 0.0, *case) == pytest.approx(
        10 * (y + 1j * x) * np.exp(-25 * (x**2 + y**2)), abs=1e-9
    )


def test_the_final_time_is_a_parameter():
    problem = GrayScott(end=2.0)
    assert (
        problem.time == (0.0, 2.0)
        and problem.bounds[1][-1] == 2.0
        and GrayScott().time == (0.0, 0.5)
    )
    assert (
        problem.bind({"b1": 1.0}).time == (0.0, 2.0)
        and GinzburgLandau(end=0.1).bounds[1][-1] == 0.1
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: gray_scott(0.0, 0.0, 0.0, *GS[:5], -1.0, 0.1),
        lambda: gray_scott(0.0, 0.0, 0.1, *GS, 0.0),
        lambda: gray_scott(0.0, 0.0, 0.02, *GS, 0.01),
        lambda: ginzburg_landau(0.0, 0.0, 0.0, 0.0, 10.0, 1.5, 0.1),
        lambda: ginzburg_landau(0.0, 0.0, -0.1, 0.004, 10.0, 1.5, 0.1),
        lambda: PeriodicRectangle((0.0, 0.0), (1.0, 0.0), (4, 4)),
        lambda: PeriodicRectangle((0.0, 0.0), (1.0, 1.0), (4, 0)),
    ],
)
def test_references_in_the_plane_outside_of_their_range(wrong):
    with pytest.raises(InputError, match="positive|reach"):
        wrong()
