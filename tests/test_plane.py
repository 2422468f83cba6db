"""The spectral solver in the plane, and the two references that use it."""

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
    fading_bell,
    ginzburg_landau,
    gray_scott,
    project,
    pseudospectral,
    sample,
    wavenumbers,
)

GS = (0.2, 0.1, 40.0, 100.0, 1000.0, 1000.0)
# Central differences of eighth order, from nine equidistant values.
FIRST_DERIVATIVE = np.array([3, -32, 168, -672, 0, 672, -168, 32, -3]) / 840
SECOND_DERIVATIVE = np.array([-9, 128, -1008, 8064, -14350, 8064, -1008, 128, -9]) / 5040
STENCIL = range(-4, 5)


@pytest.mark.parametrize("real", [True, False])
def test_values_and_coefficients_are_transforms_of_each_other(real):
    plane = PeriodicRectangle((-1.0, 2.0), (2.0, 3.0), (5, 7), real=real)
    assert plane.counts(2) == (16, 24)
    assert plane.counts(3) == (24, 30)
    x, y = plane.grid((16, 24))
    values = np.cos(4 * pi * x) * np.sin(2 * pi * (y - 2)) + np.exp(np.sin(pi * x))
    if not real:
        values = values * (1 + 2j)
    coefficients = plane.coefficients(values[None])[0]
    assert coefficients.shape == ((11, 8) if real else (11, 15))
    # Five modes do not quite resolve exp sin.
    assert plane.sample(coefficients, (16, 24)) == pytest.approx(values, abs=2e-4)
    again = plane.coefficients(plane.sample(coefficients, (30, 15)))
    assert again == pytest.approx(coefficients, abs=1e-15)


@pytest.mark.parametrize("real", [True, False])
def test_the_coefficients_of_a_product_give_its_values_anywhere(real):
    plane = PeriodicRectangle((-1.0, 2.0), (2.0, 3.0), (5, 7), real=real)

    def f(x):
        return np.cos(4 * pi * x)

    def g(y):
        return np.sin(2 * pi * (y - 2) / 3)

    x, y = np.random.default_rng(0).uniform((-1, 2), (1, 5), (20, 2)).T
    in_x, in_y = plane.waves(x, y)
    values = np.einsum("kl,kp,lp->p", plane.product(f, g), in_x, in_y).real
    assert values == pytest.approx(f(x) * g(y), abs=1e-14)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("axis", [0, 1])
def test_fields_that_are_constant_along_an_axis_agree_with_one_dimension(axis, real):
    """Two fields with Burgers' equation, each with its own viscosity."""
    times = np.array([0.0, 0.2, 0.5])
    viscosities = np.array([0.05, 0.1])

    def wave(at):
        return -np.sin(pi * at) + np.cos(2 * pi * at)

    k = wavenumbers(24, 2.0)
    expected = []
    for viscosity in viscosities:
        coefficients = etdrk4(
            project(wave, lower=-1.0, length=2.0, modes=24),
            times,
            linear=-viscosity * k**2,
            nonlinear=pseudospectral(np.square, outer=-0.5j * k),
            substeps=20,
        )
        expected.append(sample(coefficients, 64))

    order = slice(None, None, 1 if axis == 0 else -1)  # exchanges x and y for axis 1
    plane = PeriodicRectangle((-1.0, 0.0)[order], (2.0, 3.0)[order], (24, 2)[order], real=real)
    k_x, k_y = plane.wavenumbers
    start = plane.product(*(wave, np.ones_like)[order])
    coefficients = etdrk4(
        np.stack([start, start]),
        times,
        linear=-viscosities[:, None, None] * (k_x**2 + k_y**2),
        nonlinear=plane.pseudospectral(np.square, outer=-0.5j * plane.wavenumbers[axis]),
        substeps=20,
    )
    values = np.moveaxis(plane.sample(coefficients, (64, 6)[order]), 2 + axis, 2)
    assert values == pytest.approx(np.moveaxis(expected, 0, 1)[..., None] + np.zeros(6), abs=1e-12)


def test_linear_equations_are_exact_in_one_step():
    """h_t = i h_xx + (1 - i) h_yy / 10 - h_x, in one long step."""
    plane = PeriodicRectangle((0.0, -pi), (2 * pi, 2 * pi), (3, 4), real=False)
    x, y = plane.grid((12, 12))
    k_x, k_y = plane.wavenumbers
    coefficients = etdrk4(
        plane.coefficients(np.exp(1j * (2 * x - 3 * y))[None]),
        np.array([0.0, 3.0]),
        linear=-1j * k_x**2 - (0.1 - 0.1j) * k_y**2 - 1j * k_x,
        nonlinear=np.zeros_like,
    )
    exact = np.exp(1j * (2 * (x - 3) - 12 - 3 * y) - (0.9 - 0.9j) * 3)
    assert plane.sample(coefficients[-1, 0], (12, 12)) == pytest.approx(exact, abs=1e-13)


def test_the_solver_is_of_fourth_order():
    """A growing plane wave of the Ginzburg–Landau equation, of amplitude R and phase φ.

    R' = gR - kR³,  φ' = -βkR²,  g = k - ε|κ|²
    """
    plane = PeriodicRectangle((-1.0, -1.0), (2.0, 2.0), (2, 2), real=False)
    x, y = plane.grid((9, 9))
    k_x, k_y = plane.wavenumbers
    wave = np.exp(1j * pi * (x - 2 * y))
    growth = 10 - 0.004 * 5 * pi**2
    # e^{2k∫R²} from R = 0.3 to t = 1/2.
    saturation = 1 + 0.09 * 10 / growth * np.expm1(2 * growth * 0.5)
    exact = 0.3 * np.exp(growth * 0.5) * saturation ** (-0.5 - 0.75j) * wave

    def error(steps):
        coefficients = etdrk4(
            plane.coefficients(0.3 * wave[None]),
            np.array([0.0, 0.5]),
            linear=10 - 0.004 * (k_x**2 + k_y**2),
            nonlinear=plane.pseudospectral(lambda A: -10 * (1 + 1.5j) * A * np.abs(A) ** 2),
            substeps=steps,
        )
        return np.max(np.abs(plane.sample(coefficients[-1, 0], (9, 9)) - exact))

    errors = [error(steps) for steps in (80, 160, 320)]
    assert 14 < errors[0] / errors[1] < 18
    assert 14 < errors[1] / errors[2] < 18
    assert errors[2] < 1e-6


@pytest.mark.parametrize("real", [True, False])
def test_a_plane_function_interpolates_between_times_and_grid_points(real):
    plane = PeriodicRectangle((-1.0, 0.0), (2.0, 1.0), (4, 3), real=real)
    times = np.linspace(0, 1, 41) ** 2
    grid_x, grid_y = plane.grid((16, 16))

    def exact(x, y, t):
        wave = np.cos(3 * pi * x - 2 * pi * y + 2 * t) + 0.5
        fields = np.stack([wave, np.exp(-t) * np.sin(4 * pi * y) * wave])
        return fields if real else 1j * fields

    values = np.stack([exact(grid_x, grid_y, t) for t in times])
    function = PlaneFunction(plane, times, plane.coefficients(values))

    x, y, t = np.random.default_rng(0).uniform((-1, 0, 0), (1, 1, 1), (300, 3)).T
    fields = function(x, y, t)
    assert fields == pytest.approx(exact(x, y, t), abs=1e-9)
    assert np.isrealobj(fields) == real
    assert function(x + 2, y - 3, t) == pytest.approx(fields, abs=1e-12)

    at_one_time = function(x[:, None], y[None, :5], 0.3)
    assert at_one_time == pytest.approx(exact(x[:, None], y[None, :5], 0.3), abs=1e-9)
    assert function(x, y, times[7]) == pytest.approx(exact(x, y, times[7]), abs=1e-13)
    assert function(np.zeros(0), 0.5, 0.5).shape == (2, 0)
    with pytest.raises(InputError, match="reaches from 0 to 1"):
        function(0.0, 0.0, 1.1)


@pytest.mark.parametrize(("center", "epsilon"), [(-0.05, 0.2), (0.05, 0.1)])
def test_a_fading_bell_agrees_with_its_fourier_series(center, epsilon):
    """Its jump at ±1 is smoothed at once, and at t = 0 it is the bell itself."""
    x = np.linspace(-1, 1, 41)[:, None]
    t = np.array([1e-3, 0.02, 0.5])
    ends = np.exp(-10 * (np.array([-1.0, 1.0]) - center) ** 2)

    def bell(at):
        # At the jump the series converges to the mean of both sides.
        return np.where(at == -1, np.mean(ends), np.exp(-10 * (at - center) ** 2))

    k = wavenumbers(600, 2.0)
    series = project(bell, lower=-1.0, length=2.0, modes=600)
    waves = np.exp(1j * k * (x + 1)) * np.where(k > 0, 2, 1)
    expected = (waves @ (series[:, None] * np.exp(-epsilon * k[:, None] ** 2 * t))).real
    loss = np.exp(-40 * t)
    fading = fading_bell(x, t, center, epsilon, images=bell_images(epsilon, 40.0, 0.5))
    assert fading * loss == pytest.approx(expected * loss, abs=1e-13)
    with_more_images = fading_bell(x, t, center, epsilon, images=9)
    assert fading * loss == pytest.approx(with_more_images * loss, abs=1e-15)
    inside = x[1:-1]
    assert fading_bell(inside, 0.0, center, epsilon, images=1) == pytest.approx(bell(inside))


def residuals(problem, points, step):
    """Return the reference's interior residuals by finite differences, and the largest rate."""
    x, y, t = points
    h = 4e-3

    def fields(dx, dy, dt):
        reference = problem.reference(x + dx, y + dy, t + dt)
        return np.stack([reference[name] for name in problem.fields])

    rates = 0
    laplacians = 0
    for shift, first, second in zip(STENCIL, FIRST_DERIVATIVE, SECOND_DERIVATIVE, strict=True):
        rates = rates + first * fields(0, 0, shift * step) / step
        across = fields(shift * h, 0, 0) + fields(0, shift * h, 0)
        laplacians = laplacians + second * across / h**2

    values = {}
    for i, name in enumerate(problem.fields):
        values[name] = fields(0, 0, 0)[i]
        values[f"{name}_t"] = rates[i]
        values[f"lap_{name}"] = laplacians[i]
    of_terms = []
    for term in problem.terms:
        if term.region == "interior":
            arguments = [values[symbol.name] for symbol in term.symbols]
            of_terms.append(getattr(problem, term.name)(*arguments))
    return np.array(of_terms), np.max(np.abs(rates))


def test_the_gray_scott_reference_solves_its_equations():
    problem = GrayScott(end=0.06, c2=900.0, b1=50.0)
    step = 0.04 / 13  # the distance of two stored times
    x, y = np.random.default_rng(0).uniform(-0.7, 0.7, (2, 60))
    of_terms, largest_rate = residuals(problem, (x, y, np.full(60, 0.02 + 6 * step)), step)
    assert largest_rate > 5
    assert of_terms == pytest.approx(0, abs=1e-4 * largest_rate)
    assert all(1e-8 < error < 1e-5 for error in problem.reference_error().values())
    # It is periodic.
    t = np.full(60, 0.001)
    shifted = problem.reference(x + 2, y - 4, t)
    for name, values in problem.reference(x, y, t).items():
        assert shifted[name] == pytest.approx(values, abs=1e-13)


def test_the_ginzburg_landau_reference_solves_its_equation():
    problem = GinzburgLandau(end=0.2, beta=1.2)
    x, y = np.random.default_rng(0).uniform(-0.4, 0.4, (2, 60))
    of_terms, largest_rate = residuals(problem, (x, y, np.full(60, 0.1)), 0.01)
    assert largest_rate > 5
    assert of_terms == pytest.approx(0, abs=1e-5 * largest_rate)
    assert set(problem.reference_error()) == set(problem.quantities)
    assert all(1e-9 < error < 1e-5 for error in problem.reference_error().values())


def test_the_ginzburg_landau_reference_keeps_the_symmetry_of_a_vortex():
    """A quarter turn of the plane is a quarter turn of the phase; the solver does not know it."""
    case = (0.004, 10.0, 1.2, 0.2)
    x, y = np.random.default_rng(0).uniform(-0.4, 0.4, (2, 60))
    start = 10 * (y + 1j * x) * np.exp(-25 * (x**2 + y**2))
    assert ginzburg_landau(x, y, 0.0, *case) == pytest.approx(start, abs=1e-9)
    turned = ginzburg_landau(-y, x, 0.2, *case)
    assert turned == pytest.approx(-1j * ginzburg_landau(x, y, 0.2, *case), abs=1e-12)


def test_the_final_time_is_a_parameter():
    problem = GrayScott(end=2.0)
    assert problem.time == (0.0, 2.0)
    assert problem.bounds[1][-1] == 2.0
    assert problem.bind({"b1": 1.0}).time == (0.0, 2.0)
    assert GrayScott().time == (0.0, 0.5)
    assert GinzburgLandau(end=0.1).bounds[1][-1] == 0.1


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
def test_references_in_the_plane_refuse_wrong_coefficients_and_times(wrong):
    with pytest.raises(InputError, match="positive|reach"):
        wrong()
