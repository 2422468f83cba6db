"""Spectral references against solutions that are known, and references against published files where they are."""

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
    sample,
    schrodinger,
    schrodinger_error,
    wavenumbers,
)

KS = (100 / 16, 100 / 16**2, 100 / 16**4)


def published(name: str):
    """Return a published file from the folder that PINN_REFERENCE_DATA names; of text, its table of numbers."""
    path = Path(os.environ.get("PINN_REFERENCE_DATA", "")) / name
    if "PINN_REFERENCE_DATA" not in os.environ or not path.exists():
        pytest.skip(f"{name} is not there; PINN_REFERENCE_DATA names its folder")
    if path.suffix == ".dat":
        return np.loadtxt(path, comments="%", encoding="utf-8")
    from scipy.io import loadmat

    return loadmat(path)


def test_cole_hopf_agrees_with_published_file():
    file = published("burgers_shock.mat")
    found = cole_hopf(file["x"].reshape(-1, 1), file["t"].reshape(1, -1), 0.01 / pi)
    assert np.max(np.abs(found - file["usol"])) < 1e-10


def test_allen_cahn_and_the_published_file():
    """The file is the solution from 512 samples, which the kink of the start spoils, most of all beside ±1."""
    file = published("AC.mat")
    x, t, given = file["x"].ravel(), file["tt"].ravel(), file["uu"]
    found = allen_cahn(x[:, None], t, 1e-4, 5.0)
    assert np.linalg.norm(found - given) / np.linalg.norm(found) == pytest.approx(1.17e-5, rel=0.01)
    inside = slice(8, -8)
    assert np.linalg.norm((found - given)[inside]) / np.linalg.norm(found[inside]) < 2e-7
    sampled = np.fft.rfft(x**2 * np.cos(pi * x), norm="forward")
    square = wavenumbers(256, 2.0) ** 2
    again = etdrk4(
        sampled, t, linear=-1e-4 * square, nonlinear=lambda u: 5 * (u - u**3), degree=1, substeps=20
    )
    assert np.linalg.norm(sample(again, 512).T - given) / np.linalg.norm(given) < 1e-9


def test_kdv_and_the_published_file():
    """The file has Raissi's λ₂ = 0.0025, not Zabusky and Kruskal's 0.022²."""
    file = published("KdV.mat")
    x, t, given = file["x"].reshape(-1, 1), file["tt"].ravel(), file["uu"]
    assert np.linalg.norm(kdv(x, t, 1.0, 0.0025) - given) / np.linalg.norm(given) < 2e-10


def test_kuramoto_sivashinsky_and_the_published_file():
    """The file starts from -sin(πx) on [-1, 1], with coefficients 5/π, 5/(3π²) and 5/(27π⁴)."""
    file = published("KS.mat")
    k = wavenumbers(64, 2.0)
    found = etdrk4(
        project(lambda x: -np.sin(pi * x), lower=-1.0, length=2.0, modes=64),
        file["tt"].ravel(),
        linear=5 / (3 * pi**2) * k**2 - 5 / (27 * pi**4) * k**4,
        nonlinear=np.square,
        outer=-2.5j / pi * k,
        substeps=20,
    )
    given = file["uu"][:-1].T
    assert np.linalg.norm(sample(found, 512) - given) / np.linalg.norm(given) < 2e-10


def test_schrodinger_and_the_published_file():
    """The file is the solution from 256 samples, which the kink of the start spoils."""
    file = published("NLS.mat")
    found, given = schrodinger(file["x"].reshape(-1, 1), file["tt"].ravel()), file["uu"]
    assert np.linalg.norm(found - given) / np.linalg.norm(found) == pytest.approx(1.75e-5, rel=0.01)
    sizes = np.abs(found), np.abs(given)
    assert np.linalg.norm(sizes[0] - sizes[1]) / np.linalg.norm(sizes[0]) == pytest.approx(
        1.24e-5, rel=0.01
    )


def test_heat_multiscale_and_the_published_file():
    """The file's stripes fade too fast: at t = 5 they are ten percent too low."""
    x, y, *given = published("heat_multiscale_lesspoints.dat").T
    exact = [HeatMultiscale().reference(x, y, np.full(len(x), t))["u"] for t in np.arange(26) / 5]
    assert np.linalg.norm(np.subtract(exact, given)) / np.linalg.norm(exact) == pytest.approx(
        1.28e-2, rel=0.01
    )


def burgers(steps: int, nu: float = 0.05) -> np.ndarray:
    """Return Burgers' solution at t = 1/2 from a sine, 257 points from -1 to 1."""
    k = wavenumbers(128, 2.0)
    start = project(lambda x: -np.sin(pi * x), lower=-1.0, length=2.0, modes=128)
    found = etdrk4(
        start,
        np.array([0.0, 0.5]),
        linear=-nu * k * k,
        nonlinear=np.square,
        outer=-0.5j * k,
        substeps=steps,
    )
    values = sample(found[-1], 256)
    return np.append(values, values[0])


def test_etdrk4_is_of_fourth_order():
    exact = cole_hopf(np.linspace(-1, 1, 257), 0.5, 0.05)
    errors = [np.max(np.abs(burgers(steps) - exact)) for steps in (40, 80, 160)]
    assert 14 < errors[0] / errors[1] < 18 and 14 < errors[1] / errors[2] < 18
    assert np.max(np.abs(burgers(1280) - exact)) < 1e-11


def test_etdrk4_is_exact_where_the_equation_is_linear():
    """u_t = -u_xxx + u_xx/10, in one step however long."""
    k = wavenumbers(8, 2 * pi)
    start = project(lambda x: np.cos(2 * x) + np.sin(3 * x), lower=0.0, length=2 * pi, modes=8)
    found = etdrk4(
        start, np.array([0.0, 3.0]), linear=1j * k**3 - k * k / 10, nonlinear=np.zeros_like
    )
    x = 2 * pi * np.arange(64) / 64
    exact = np.exp(-1.2) * np.cos(2 * x + 24) + np.exp(-2.7) * np.sin(3 * x + 81)
    assert sample(found[-1], 64) == pytest.approx(exact, abs=1e-13)


def test_etdrk4_refuses_what_it_cannot_solve():
    k = wavenumbers(4, 1.0)
    with pytest.raises(InputError, match="increase"):
        etdrk4(np.ones(5), np.array([0.0, 0.0]), linear=-k, nonlinear=np.square)
    with pytest.raises(InputError, match="overflows"), np.errstate(over="ignore", invalid="ignore"):
        etdrk4(np.ones(5), np.linspace(0, 50, 50), linear=0 * k, nonlinear=lambda u: u * u)


def test_projection_has_no_aliases():
    """The coefficients of |x| on [-1, 1], which fall as n⁻²: ½ and -2/(πn)² for odd n, from x = -1 on."""
    found = project(np.abs, lower=-1.0, length=2.0, modes=7)
    odd = np.arange(1, 8, 2)
    assert found[0] == pytest.approx(0.5, abs=1e-11)
    assert found[odd] == pytest.approx(2 / (pi * odd) ** 2, abs=1e-11)
    assert found[2::2] == pytest.approx(0, abs=1e-11)


def test_a_periodic_function_between_its_grid_points():
    times, x = np.linspace(0, 1, 81) ** 2, -1 + 2 * np.arange(256) / 256

    def exact(x, t):
        return np.sin(pi * x + 2 * t) + np.cos(3 * pi * x) * np.exp(-t)

    function = PeriodicFunction(times, exact(x, times[:, None]), -1.0, 2.0)
    at, when = np.random.default_rng(0).uniform((-1, 0), (1, 1), (500, 2)).T
    assert function(at, when) == pytest.approx(exact(at, when), abs=1e-10)
    assert function(at + 2, when) == pytest.approx(function(at, when), abs=1e-13)
    ends = np.array([-1.0, 1.0, x[5]])
    assert function(ends[:, None], times[[0, 7, -1]]) == pytest.approx(
        exact(ends[:, None], times[[0, 7, -1]]), abs=1e-13
    )


def test_allen_cahn_solves_its_equation():
    D, k, h = 1e-4, 5.0, 5e-4
    x, t = np.random.default_rng(0).uniform((-1, 0.01), (1, 0.99), (500, 2)).T
    steps, first = np.arange(-4, 5), np.array([3, -32, 168, -672, 0, 672, -168, 32, -3]) / 840
    second = np.array([-9, 128, -1008, 8064, -14350, 8064, -1008, 128, -9]) / 5040
    u = allen_cahn(x, t, D, k)
    u_t = sum(c * allen_cahn(x, t + s * 2 * h, D, k) for c, s in zip(first, steps, strict=True)) / (
        2 * h
    )
    u_xx = (
        sum(c * allen_cahn(x + s * h, t, D, k) for c, s in zip(second, steps, strict=True)) / h**2
    )
    assert u_t - D * u_xx - k * (u - u**3) == pytest.approx(0, abs=1e-6)
    # Smooth across the ends, where the start has its kink, and even.
    assert allen_cahn(np.array([1.0, 0.3]), 0.5, D, k) == pytest.approx(
        allen_cahn(np.array([-1, -0.3]), 0.5, D, k)
    )


def test_allen_cahn_states_its_own_error():
    assert 1e-13 < allen_cahn_error(1e-4, 5.0) < 1e-9
    x = np.linspace(-1, 1, 101)
    assert allen_cahn(x, 0.0, 1e-4, 5.0) == pytest.approx(x * x * np.cos(pi * x), abs=1e-9)


@pytest.mark.parametrize(("D", "k", "t"), [(0.0, 5.0, 0.5), (1e-4, -1.0, 0.5), (1e-4, 5.0, 1.5)])
def test_allen_cahn_outside_of_its_range(D, k, t):
    with pytest.raises(InputError):
        allen_cahn(0.0, t, D, k)


def rates(values: np.ndarray, step: float) -> np.ndarray:
    """Return the time derivative at the middle of nine equidistant times [9, n], to eighth order."""
    return np.array([3, -32, 168, -672, 0, 672, -168, 32, -3]) / 840 @ values / step


def fourier_derivatives(
    values: np.ndarray, length: float, orders: tuple[int, ...]
) -> list[np.ndarray]:
    k = 1j * wavenumbers(len(values) // 2, length)
    return [np.fft.irfft(k**order * np.fft.rfft(values), len(values)) for order in orders]


def test_etdrk4_carries_a_soliton():
    k, x, c = wavenumbers(256, 2.0), -1 + np.arange(1024) / 512, 0.4

    def soliton(at):
        return 3 * c / np.cosh(0.5 * (c / 4.84e-4) ** 0.5 * at) ** 2

    start = project(soliton, lower=-1.0, length=2.0, modes=256)
    linear, outer = 4.84e-4j * k**3, -0.5j * k
    found = etdrk4(
        start, np.array([0.0, 0.5]), linear=linear, nonlinear=np.square, outer=outer, substeps=2000
    )
    assert sample(found[-1], 1024) == pytest.approx(soliton(x - 0.5 * c), abs=1e-9)


@pytest.mark.parametrize("t", [0.1, 0.6, 0.95])
def test_kdv_solves_its_equation(t):
    x, times = -1 + np.arange(1024) / 512, t + np.arange(-4, 5) / 400
    u = kdv(x, times[:, None], 1.0, 4.84e-4)
    u_x, u_xxx = fourier_derivatives(u[4], 2.0, (1, 3))
    u_t = rates(u, 1 / 400)
    assert u_t + u[4] * u_x + 4.84e-4 * u_xxx == pytest.approx(0, abs=1e-4 * np.max(np.abs(u_t)))


@pytest.mark.parametrize("t", [0.1, 0.6, 0.95])
def test_kuramoto_sivashinsky_solves_its_equation(t):
    x, times = 2 * pi * np.arange(512) / 512, t + np.arange(-4, 5) / 800
    u = kuramoto_sivashinsky(x, times[:, None], *KS)
    u_x, u_xx, u_xxxx = fourier_derivatives(u[4], 2 * pi, (1, 2, 4))
    u_t = rates(u, 1 / 800)
    residual = u_t + KS[0] * u[4] * u_x + KS[1] * u_xx + KS[2] * u_xxxx
    assert residual == pytest.approx(0, abs=1e-6 * np.max(np.abs(u_t)))


def test_kuramoto_sivashinsky_is_chaotic():
    """A change of the start has grown tens of thousands of times by t = 1, hence the reference's short steps."""
    k = wavenumbers(128, 2 * pi)
    start = project(lambda x: np.cos(x) * (1 + np.sin(x)), lower=0.0, length=2 * pi, modes=128)
    linear, outer = KS[1] * k**2 - KS[2] * k**4, -0.5j * KS[0] * k

    def end(start):
        times = np.array([0.0, 1.0])
        return sample(
            etdrk4(start, times, linear=linear, nonlinear=np.square, outer=outer, substeps=4000)[
                -1
            ],
            512,
        )

    change = 1e-8 * (np.arange(129) == 11)
    assert 1e4 < np.std(end(start + change) - end(start)) / np.std(sample(change, 512)) < 1e6


@pytest.mark.parametrize("report", [80, 200, 390])
def test_schrodinger_solves_its_equation_mode_by_mode(report):
    """Low modes alone: with a kink in h, the series of h_xx does not converge."""
    step, x = pi / 800, -5 + 10 * np.arange(2048) / 2048
    h = schrodinger(x, (report + np.arange(-4, 5))[:, None] * step)
    n = np.arange(-20, 21)
    frequency = 0.5 * (2 * pi / 10 * n) ** 2
    modes, products = (np.fft.fft(v, norm="forward")[..., n] for v in (h, np.abs(h[4]) ** 2 * h[4]))
    assert np.abs(1j * rates(modes, step) - frequency * modes[4] + products) == pytest.approx(
        0, abs=1e-6
    )
    assert schrodinger(np.array([-5, 0.3]), 1.0) == pytest.approx(
        schrodinger(np.array([5, -0.3]), 1.0)
    )


def test_schrodinger_keeps_its_kink():
    """The modes fall as n⁻² to the end, so that a reference must have many; diffusion would have smoothed them."""
    x = -5 + 10 * np.arange(4096) / 4096
    sizes = (
        np.abs(np.fft.fft(schrodinger(x, pi / 2), norm="forward"))[:1024] * np.arange(1024.0) ** 2
    )
    assert np.mean(sizes[400:800]) == pytest.approx(np.mean(sizes[100:200]), rel=0.1)


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
def test_spectral_references_outside_of_their_range(wrong):
    with pytest.raises(InputError, match="positive|reach"):
        wrong()
