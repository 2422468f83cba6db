"""Spectral references against exact solutions, their own equations and published files."""

import os
from math import pi
from pathlib import Path

import numpy as np
import pytest

from pinn.errors import InputError
from pinn.problems import HeatMultiscale
from pinn.references import (
    PeriodicFunction,
    allen_cahn,
    allen_cahn_error,
    cole_hopf,
    etdrk4,
    kdv,
    kdv_error,
    kuramoto_sivashinsky,
    kuramoto_sivashinsky_error,
    project,
    pseudospectral,
    sample,
    schrodinger,
    schrodinger_error,
    wavenumbers,
)
from pinn.references.resolutions import two_resolutions
from pinn.references.slab import slab_in_oven

# Central differences of eighth order, from nine equidistant values.
FIRST_DERIVATIVE = np.array([3, -32, 168, -672, 0, 672, -168, 32, -3]) / 840
SECOND_DERIVATIVE = np.array([-9, 128, -1008, 8064, -14350, 8064, -1008, 128, -9]) / 5040
STENCIL = np.arange(-4, 5)

KS = (100 / 16, 100 / 16**2, 100 / 16**4)


def published(name: str):
    """Return the contents of a published file: a table of numbers from text, arrays from MATLAB."""
    path = Path(os.environ.get("PINN_REFERENCE_DATA", "")) / name
    if "PINN_REFERENCE_DATA" not in os.environ or not path.exists():
        pytest.skip(f"{name} is missing; set PINN_REFERENCE_DATA to its folder")
    if path.suffix == ".dat":
        return np.loadtxt(path, comments="%", encoding="utf-8")
    from scipy.io import loadmat

    return loadmat(path)


def relative_distance(solution: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(solution - other) / np.linalg.norm(solution))


def test_cole_hopf_agrees_with_the_published_file():
    file = published("burgers_shock.mat")
    u = cole_hopf(file["x"].reshape(-1, 1), file["t"].reshape(1, -1), 0.01 / pi)
    assert np.max(np.abs(u - file["usol"])) < 1e-10


def test_the_published_file_of_allen_cahn_has_the_error_of_its_samples():
    """The file is the solution from 512 samples of a start with a kink, so that it has aliases.

    The errors are largest near the kink at ±1.
    """
    file = published("AC.mat")
    x = file["x"].ravel()
    t = file["tt"].ravel()
    given = file["uu"]
    u = allen_cahn(x[:, None], t, 1e-4, 5.0)
    assert relative_distance(u, given) == pytest.approx(1.17e-5, rel=0.01)
    inside = slice(8, -8)
    assert relative_distance(u[inside], given[inside]) < 2e-7
    # The solution from the same samples is that of the file.
    from_samples = etdrk4(
        np.fft.rfft(x**2 * np.cos(pi * x), norm="forward"),
        t,
        linear=-1e-4 * wavenumbers(256, 2.0) ** 2,
        nonlinear=pseudospectral(lambda u: 5 * (u - u**3), degree=1),
        substeps=20,
    )
    assert relative_distance(given, sample(from_samples, 512).T) < 1e-9


def test_kdv_agrees_with_the_published_file():
    """The file has Raissi's λ₂ = 0.0025, not Zabusky and Kruskal's 0.022²."""
    file = published("KdV.mat")
    u = kdv(file["x"].reshape(-1, 1), file["tt"].ravel(), 1.0, 0.0025)
    assert relative_distance(file["uu"], u) < 2e-10


def test_kuramoto_sivashinsky_agrees_with_the_published_file():
    """The file starts from -sin(πx) on [-1, 1], with coefficients 5/π, 5/(3π²) and 5/(27π⁴)."""
    file = published("KS.mat")
    k = wavenumbers(64, 2.0)
    coefficients = etdrk4(
        project(lambda x: -np.sin(pi * x), lower=-1.0, length=2.0, modes=64),
        file["tt"].ravel(),
        linear=5 / (3 * pi**2) * k**2 - 5 / (27 * pi**4) * k**4,
        nonlinear=pseudospectral(np.square, outer=-2.5j / pi * k),
        substeps=20,
    )
    assert relative_distance(file["uu"][:-1].T, sample(coefficients, 512)) < 2e-10


def test_the_published_file_of_schrodinger_has_the_error_of_its_samples():
    """The file is the solution from 256 samples of a start with a kink."""
    file = published("NLS.mat")
    h = schrodinger(file["x"].reshape(-1, 1), file["tt"].ravel())
    given = file["uu"]
    assert relative_distance(h, given) == pytest.approx(1.75e-5, rel=0.01)
    assert relative_distance(np.abs(h), np.abs(given)) == pytest.approx(1.24e-5, rel=0.01)


def test_the_published_file_of_heat_multiscale_decays_too_fast():
    """At t = 5 the stripes in the file are ten percent too low."""
    x, y, *given = published("heat_multiscale_lesspoints.dat").T
    exact = []
    for t in np.arange(26) / 5:
        exact.append(HeatMultiscale().reference(x, y, np.full(len(x), t))["u"])
    distance = np.linalg.norm(np.subtract(exact, given)) / np.linalg.norm(exact)
    assert distance == pytest.approx(1.28e-2, rel=0.01)


def burgers(steps: int, nu: float = 0.05) -> np.ndarray:
    """Return Burgers' solution at t = 1/2 from a sine, at 257 points from -1 to 1."""
    k = wavenumbers(128, 2.0)
    coefficients = etdrk4(
        project(lambda x: -np.sin(pi * x), lower=-1.0, length=2.0, modes=128),
        np.array([0.0, 0.5]),
        linear=-nu * k * k,
        nonlinear=pseudospectral(np.square, outer=-0.5j * k),
        substeps=steps,
    )
    values = sample(coefficients[-1], 256)
    return np.append(values, values[0])


def test_etdrk4_is_of_fourth_order():
    exact = cole_hopf(np.linspace(-1, 1, 257), 0.5, 0.05)
    errors = [np.max(np.abs(burgers(steps) - exact)) for steps in (40, 80, 160)]
    assert 14 < errors[0] / errors[1] < 18
    assert 14 < errors[1] / errors[2] < 18
    assert np.max(np.abs(burgers(1280) - exact)) < 1e-11


def test_etdrk4_integrates_a_linear_equation_exactly():
    """u_t = -u_xxx + u_xx/10, in one long step."""
    k = wavenumbers(8, 2 * pi)
    coefficients = etdrk4(
        project(lambda x: np.cos(2 * x) + np.sin(3 * x), lower=0.0, length=2 * pi, modes=8),
        np.array([0.0, 3.0]),
        linear=1j * k**3 - k * k / 10,
        nonlinear=np.zeros_like,
    )
    x = 2 * pi * np.arange(64) / 64
    exact = np.exp(-1.2) * np.cos(2 * x + 24) + np.exp(-2.7) * np.sin(3 * x + 81)
    assert sample(coefficients[-1], 64) == pytest.approx(exact, abs=1e-13)


def test_etdrk4_refuses_equal_times_and_an_overflow():
    k = wavenumbers(4, 1.0)
    square = pseudospectral(np.square)
    with pytest.raises(InputError, match="increase"):
        etdrk4(np.ones(5), np.array([0.0, 0.0]), linear=-k, nonlinear=square)
    with pytest.raises(InputError, match="overflows"), np.errstate(over="ignore", invalid="ignore"):
        etdrk4(np.ones(5), np.linspace(0, 50, 50), linear=0 * k, nonlinear=square)


def test_the_error_is_that_of_the_coarse_solution_and_solutions_are_cached():
    resolutions = []

    @two_resolutions(fine=4, coarse=2, sample=lambda solution: solution * np.array([[3.0, 4.0]]))
    def solution(resolution: int, factor: float) -> float:
        resolutions.append(resolution)
        return factor * (1 + 1 / resolution)

    for _ in range(2):
        assert solution.fine(2.0) == 2.5
        assert solution.coarse(2.0) == 3.0
        assert solution.error(2.0) == pytest.approx([0.2])
    assert resolutions == [4, 2]


def test_projection_has_no_aliases():
    """The coefficients of |x| fall only as n⁻²: ½ for n = 0, and 2/(πn)² for odd n."""
    coefficients = project(np.abs, lower=-1.0, length=2.0, modes=7)
    odd = np.arange(1, 8, 2)
    assert coefficients[0] == pytest.approx(0.5, abs=1e-11)
    assert coefficients[odd] == pytest.approx(2 / (pi * odd) ** 2, abs=1e-11)
    assert coefficients[2::2] == pytest.approx(0, abs=1e-11)


def test_a_periodic_function_interpolates_between_its_grid_points():
    times = np.linspace(0, 1, 81) ** 2
    grid = -1 + 2 * np.arange(256) / 256

    def exact(x, t):
        return np.sin(pi * x + 2 * t) + np.cos(3 * pi * x) * np.exp(-t)

    function = PeriodicFunction(times, exact(grid, times[:, None]), -1.0, 2.0)
    x, t = np.random.default_rng(0).uniform((-1, 0), (1, 1), (500, 2)).T
    assert function(x, t) == pytest.approx(exact(x, t), abs=1e-10)
    assert function(x + 2, t) == pytest.approx(function(x, t), abs=1e-13)
    # On the grid the values are those of the grid, at both ends too.
    on_grid = np.array([-1.0, 1.0, grid[5]])[:, None]
    at_times = times[[0, 7, -1]]
    assert function(on_grid, at_times) == pytest.approx(exact(on_grid, at_times), abs=1e-13)


def test_allen_cahn_solves_its_equation():
    D = 1e-4
    k = 5.0
    h = 5e-4
    x, t = np.random.default_rng(0).uniform((-1, 0.01), (1, 0.99), (500, 2)).T
    u = allen_cahn(x, t, D, k)
    in_time = np.stack([allen_cahn(x, t + shift * 2 * h, D, k) for shift in STENCIL])
    in_space = np.stack([allen_cahn(x + shift * h, t, D, k) for shift in STENCIL])
    u_t = FIRST_DERIVATIVE @ in_time / (2 * h)
    u_xx = SECOND_DERIVATIVE @ in_space / h**2
    assert u_t - D * u_xx - k * (u - u**3) == pytest.approx(0, abs=1e-6)


def test_allen_cahn_is_even_and_continuous_across_the_ends():
    right = allen_cahn(np.array([1.0, 0.3]), 0.5, 1e-4, 5.0)
    left = allen_cahn(np.array([-1.0, -0.3]), 0.5, 1e-4, 5.0)
    assert right == pytest.approx(left)


def test_allen_cahn_states_its_own_error():
    assert 1e-13 < allen_cahn_error(1e-4, 5.0) < 1e-9
    x = np.linspace(-1, 1, 101)
    assert allen_cahn(x, 0.0, 1e-4, 5.0) == pytest.approx(x * x * np.cos(pi * x), abs=1e-9)


@pytest.mark.parametrize(("D", "k", "t"), [(0.0, 5.0, 0.5), (1e-4, -1.0, 0.5), (1e-4, 5.0, 1.5)])
def test_allen_cahn_refuses_wrong_coefficients_and_times(D, k, t):
    with pytest.raises(InputError):
        allen_cahn(0.0, t, D, k)


def rates(values: np.ndarray, step: float) -> np.ndarray:
    """Return the time derivative at the middle of nine equidistant times [9, n]."""
    return FIRST_DERIVATIVE @ values / step


def fourier_derivative(values: np.ndarray, length: float, order: int) -> np.ndarray:
    k = 1j * wavenumbers(len(values) // 2, length)
    return np.fft.irfft(k**order * np.fft.rfft(values), len(values))


def test_etdrk4_transports_a_soliton():
    k = wavenumbers(256, 2.0)
    x = -1 + np.arange(1024) / 512
    speed = 0.4

    def soliton(at):
        return 3 * speed / np.cosh(0.5 * (speed / 4.84e-4) ** 0.5 * at) ** 2

    coefficients = etdrk4(
        project(soliton, lower=-1.0, length=2.0, modes=256),
        np.array([0.0, 0.5]),
        linear=4.84e-4j * k**3,
        nonlinear=pseudospectral(np.square, outer=-0.5j * k),
        substeps=2000,
    )
    assert sample(coefficients[-1], 1024) == pytest.approx(soliton(x - 0.5 * speed), abs=1e-9)


@pytest.mark.parametrize("t", [0.1, 0.6, 0.95])
def test_kdv_solves_its_equation(t):
    x = -1 + np.arange(1024) / 512
    times = t + STENCIL / 400
    at_times = kdv(x, times[:, None], 1.0, 4.84e-4)
    u = at_times[4]
    u_t = rates(at_times, 1 / 400)
    u_x = fourier_derivative(u, 2.0, 1)
    u_xxx = fourier_derivative(u, 2.0, 3)
    assert u_t + u * u_x + 4.84e-4 * u_xxx == pytest.approx(0, abs=1e-4 * np.max(np.abs(u_t)))


@pytest.mark.parametrize("t", [0.1, 0.6, 0.95])
def test_kuramoto_sivashinsky_solves_its_equation(t):
    x = 2 * pi * np.arange(512) / 512
    times = t + STENCIL / 800
    at_times = kuramoto_sivashinsky(x, times[:, None], *KS)
    u = at_times[4]
    u_t = rates(at_times, 1 / 800)
    u_x = fourier_derivative(u, 2 * pi, 1)
    u_xx = fourier_derivative(u, 2 * pi, 2)
    u_xxxx = fourier_derivative(u, 2 * pi, 4)
    alpha, beta, gamma = KS
    residual = u_t + alpha * u * u_x + beta * u_xx + gamma * u_xxxx
    assert residual == pytest.approx(0, abs=1e-6 * np.max(np.abs(u_t)))


def test_kuramoto_sivashinsky_is_chaotic():
    """A perturbation grows by a factor of 10⁴ or more, so the reference takes short steps."""
    alpha, beta, gamma = KS
    k = wavenumbers(128, 2 * pi)
    start = project(lambda x: np.cos(x) * (1 + np.sin(x)), lower=0.0, length=2 * pi, modes=128)

    def end(start):
        coefficients = etdrk4(
            start,
            np.array([0.0, 1.0]),
            linear=beta * k**2 - gamma * k**4,
            nonlinear=pseudospectral(np.square, outer=-0.5j * alpha * k),
            substeps=4000,
        )
        return sample(coefficients[-1], 512)

    perturbation = 1e-8 * (np.arange(129) == 11)
    grown = end(start + perturbation) - end(start)
    assert 1e4 < np.std(grown) / np.std(sample(perturbation, 512)) < 1e6


@pytest.mark.quick("200")
@pytest.mark.parametrize("report", [80, 200, 390])
def test_schrodinger_solves_its_equation_mode_by_mode(report):
    """Only low modes are tested: h has a kink, so that the series of h_xx does not converge."""
    step = pi / 800
    x = -5 + 10 * np.arange(2048) / 2048
    at_times = schrodinger(x, (report + STENCIL)[:, None] * step)
    h = at_times[4]
    n = np.arange(-20, 21)
    frequency = 0.5 * (2 * pi / 10 * n) ** 2
    modes = np.fft.fft(at_times, norm="forward")[:, n]
    products = np.fft.fft(np.abs(h) ** 2 * h, norm="forward")[n]
    residual = 1j * rates(modes, step) - frequency * modes[4] + products
    assert np.abs(residual) == pytest.approx(0, abs=1e-6)


def test_schrodinger_is_even_and_continuous_across_the_ends():
    left = schrodinger(np.array([-5.0, 0.3]), 1.0)
    right = schrodinger(np.array([5.0, -0.3]), 1.0)
    assert left == pytest.approx(right)


def test_the_kink_in_schrodinger_stays():
    """The modes fall as n⁻² until the end, so that the reference needs many of them.

    Diffusion would have smoothed the kink.
    """
    x = -5 + 10 * np.arange(4096) / 4096
    sizes = np.abs(np.fft.fft(schrodinger(x, pi / 2), norm="forward"))[:1024]
    scaled = sizes * np.arange(1024.0) ** 2
    assert np.mean(scaled[400:800]) == pytest.approx(np.mean(scaled[100:200]), rel=0.1)


def test_references_state_their_own_errors():
    assert 1e-10 < kdv_error(1.0, 4.84e-4) < 1e-8
    assert 1e-8 < kuramoto_sivashinsky_error(*KS) < 1e-6
    assert all(1e-8 < error < 3e-6 for error in schrodinger_error().values())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: kdv(0.0, 0.5, 1.0, 0.0),
        lambda: kdv(0.0, 1.5, 1.0, 4.84e-4),
        lambda: kuramoto_sivashinsky(0.0, 0.5, 1.0, 0.0, 1.0),
        lambda: kuramoto_sivashinsky(0.0, -0.5, *KS),
        lambda: schrodinger(0.0, 1.6),
    ],
)
def test_spectral_references_refuse_wrong_coefficients_and_times(wrong):
    with pytest.raises(InputError, match="positive|reach"):
        wrong()


@pytest.mark.parametrize(("k", "h"), [(0.2, 5.0), (2.0, 0.3)])
def test_a_slab_in_an_oven_satisfies_its_equations(k, h):
    def u(x, t):
        x, t = np.broadcast_arrays(x, t)
        return slab_in_oven(x.ravel(), t.ravel(), k=k, h=h).reshape(x.shape)

    x = np.linspace(0, 1, 7)
    t = np.linspace(0, 1, 6)
    oven = (1 - np.cos(np.pi * t)) / 2
    np.testing.assert_allclose(u(x, 0.0), 0, atol=1e-10)
    step = 1e-3
    near = STENCIL[:, None] * step
    # The series goes on smoothly beyond the walls.
    np.testing.assert_allclose(FIRST_DERIVATIVE @ u(near, t) / step, 0, atol=1e-9)
    slope = FIRST_DERIVATIVE @ u(1 + near, t) / step
    np.testing.assert_allclose(k * slope, h * (oven - u(1.0, t)), atol=1e-7)
    inner = x[1:-1, None]
    u_t = FIRST_DERIVATIVE @ u(inner[None], 0.5 + (STENCIL * step)[:, None, None])[:, :, 0] / step
    u_xx = SECOND_DERIVATIVE @ u(inner.T + (STENCIL * step)[:, None], 0.5) / step**2
    np.testing.assert_allclose(u_t, k * u_xx, rtol=1e-6)
    # A number of conductivities at once.
    both = slab_in_oven(x, 0.5, k=np.where(x < 0.5, k, 1.0), h=h)
    np.testing.assert_allclose(both[x < 0.5], u(x, 0.5)[x < 0.5], rtol=1e-12)
