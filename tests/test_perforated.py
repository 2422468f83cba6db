"""Squares with round holes: references by multipoles, against their equations, boundaries and published files."""

import os
from math import pi
from pathlib import Path

import numpy as np
import pytest
from scipy.special import k0

from pinn.errors import InputError
from pinn.objective import Objective, draw
from pinn.problems import PoissonBoltzmann, PoissonHoles
from pinn.references import (
    CHARGES,
    HOLES,
    Multipoles,
    laplace_holes,
    laplace_holes_error,
    poisson_boltzmann,
    poisson_boltzmann_error,
)
from pinn.references.perforated import constant_source
from pinn.run.solution import Solution
from pinn.setup.setup import default_network

STANDARD = {"k": 8.0, "A": 10.0, "mu1": 1, "mu2": 4}
OTHER = {"k": 6.0, "A": -4.0, "mu1": 2, "mu2": 1}
SECOND = np.array([-1 / 560, 8 / 315, -1 / 5, 8 / 5, -205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560])


def laplacian(function, x, y, h):
    """Return Δf by central differences of eighth order."""
    shifts = zip(range(-4, 5), SECOND, strict=True)
    return sum(c * (function(x + i * h, y) + function(x, y + i * h)) for i, c in shifts) / h**2


def circles(disks, count=400):
    angle = 2 * np.pi * np.arange(count) / count
    return (
        np.concatenate([c[i] + c[2] * f(angle) for c in disks])
        for i, f in ((0, np.cos), (1, np.sin))
    )


def frame(half, count=100):
    along, across = np.tile(np.linspace(-half, half, count), 4), np.repeat([-half, half], count)
    return np.concatenate([along[: 2 * count], across]), np.concatenate(
        [across, along[: 2 * count]]
    )


def test_laplace_holes_has_its_boundary_values():
    """Which bounds the error everywhere, by the maximum principle."""
    assert np.max(np.abs(laplace_holes(*circles(HOLES)))) < 1e-12
    assert np.max(np.abs(laplace_holes(*frame(0.5)) - 1)) < 1e-12


def test_laplace_holes_is_harmonic_and_symmetric():
    x, y = draw(PoissonHoles(), "interior", 200).coordinates.T
    far = PoissonHoles.space.distance(x, y) > 0.02
    x, y = x[far], y[far]
    assert laplacian(laplace_holes, x, y, 4e-3) == pytest.approx(0, abs=1e-7)
    for other in (laplace_holes(-x, y), laplace_holes(y, x)):
        assert other == pytest.approx(laplace_holes(x, y), abs=1e-12)
    assert 1e-16 < laplace_holes_error() < 1e-9


@pytest.mark.parametrize("settings", [STANDARD, OTHER], ids=["standard", "other"])
def test_poisson_boltzmann_has_its_boundary_values(settings):
    """Which bounds the error everywhere, by the maximum principle."""
    assert poisson_boltzmann(*circles(CHARGES), **settings) == pytest.approx(1, abs=2e-12)
    assert poisson_boltzmann(*frame(1.0), **settings) == pytest.approx(0.2, abs=2e-12)
    assert 1e-16 < poisson_boltzmann_error(**settings) < 1e-9


@pytest.mark.parametrize("settings", [STANDARD, OTHER], ids=["standard", "other"])
def test_poisson_boltzmann_solves_its_equation(settings):
    x, y = draw(PoissonBoltzmann(), "interior", 100).coordinates.T
    far = PoissonBoltzmann.space.distance(x, y) > 0.03
    x, y = x[far], y[far]
    k, A, m1, m2 = settings.values()
    source = A * (m1**2 + x * x + m2**2 + y * y) * np.sin(m1 * pi * x) * np.sin(m2 * pi * y)
    u = poisson_boltzmann(x, y, **settings)
    found = -laplacian(lambda x, y: poisson_boltzmann(x, y, **settings), x, y, 5e-3) + k**2 * u
    assert found - source == pytest.approx(0, abs=1e-6)


def test_the_square_without_holes():
    """-Δp + k² p = k², against its double sine series; the sums are over odd m and n."""
    k, odd = 8.0, np.arange(1, 200_000, 2)
    x, y = np.array([0.0, 0.3, 0.9]), np.array([0.0, -0.5, 0.95])
    rate = np.sqrt(k**2 + (odd * pi / 2) ** 2)
    # In one direction the sum is known: p = Σ 4/(nπ) sin(nπ(y+1)/2) k²/γ² (1 - cosh γx / cosh γ),
    # γ² = k² + (nπ/2)².
    ratio = np.exp(rate * (np.abs(x[:, None]) - 1)) * (1 + np.exp(-2 * rate * np.abs(x[:, None])))
    modes = 4 / (odd * pi) * np.sin(odd * pi * (y[:, None] + 1) / 2) * (k / rate) ** 2
    expected = np.sum(modes * (1 - ratio / (1 + np.exp(-2 * rate))), axis=1)
    assert constant_source(x, y, k) == pytest.approx(expected, abs=2e-12)


@pytest.mark.parametrize("k", [2.5, 8.0, 20.0])
def test_multipoles_find_a_source_off_the_center(k):
    """v = Σ ± K₀(k |x - s|) over the images of a point in the disk solves the equation outside of it."""
    lower, upper, disk, source = (0.0, 0.0), (2.0, 3.0), (0.8, 1.2, 0.3), (0.9, 1.1)

    def exact(x, y):
        found = np.zeros_like(x)
        for m in range(-12, 13):
            for n in range(-12, 13):
                a, b = (2.0 * c * side + s * sign for c, side, s, sign in (
                    (m // 2 + m % 2, 2.0, source[0], -1 if m % 2 else 1),
                    (n // 2 + n % 2, 3.0, source[1], -1 if n % 2 else 1),
                ))  # fmt: skip
                found += (-1) ** (m + n) * k0(k * np.hypot(x - a, y - b))
        return found

    v = Multipoles(lower, upper, [disk], k=k, data=exact, order=30)
    x, y = np.random.default_rng(0).uniform(lower, upper, (200, 2)).T
    out = np.hypot(x - disk[0], y - disk[1]) > disk[2]
    assert v(x[out], y[out]) == pytest.approx(
        exact(x[out], y[out]), abs=1e-11 * np.max(exact(x[out], y[out]))
    )
    assert v(np.zeros(0), np.zeros(0)).shape == (0,)


def test_references_take_arrays_that_broadcast():
    x, y = np.linspace(-0.5, 0.5, 5)[:, None], np.array([0.0, 0.1])
    assert laplace_holes(x, y).shape == (5, 2)
    assert laplace_holes(x, y)[2, 1] == pytest.approx(float(laplace_holes(0.0, 0.1)), abs=1e-14)


def test_what_the_references_cannot_do_is_told():
    with pytest.raises(InputError, match="whole numbers"):
        poisson_boltzmann(0.0, 0.0, k=8.0, A=1.0, mu1=1.5, mu2=1)
    with pytest.raises(InputError, match="k=0.5"):
        poisson_boltzmann(0.0, 0.0, k=0.5, A=1.0, mu1=1, mu2=1)


@pytest.mark.parametrize(
    ("name", "problem", "distance"),
    [
        ("poisson_classic.dat", PoissonHoles(), 2.79e-5),
        ("poisson_boltzmann2d.dat", PoissonBoltzmann(), 9.04e-5),
    ],
)
def test_published_files_are_that_far_from_the_solution(name, problem, distance):
    """Finite elements: the errors of the references are below 1e-10, so the distance is the file's error."""
    path = Path(os.environ.get("PINN_REFERENCE_DATA", "")) / name
    if "PINN_REFERENCE_DATA" not in os.environ or not path.exists():
        pytest.skip(f"{name} is not there; PINN_REFERENCE_DATA names its folder")
    x, y, u = np.loadtxt(path, comments="%").T
    assert np.min(problem.space.distance(x, y)) > -1e-12
    found = problem.reference_at(np.stack([x, y], axis=1))["u"]
    assert np.linalg.norm(found - u) / np.linalg.norm(found) == pytest.approx(distance, rel=0.01)


@pytest.mark.usefixtures("eager")
def test_pictures_show_the_inside_only(tmp_path, monkeypatch):
    problem, given = PoissonHoles(), {}
    monkeypatch.setattr(
        "pinn.run.solution.save_figures", lambda folder, **settings: given.update(settings)
    )
    objective = Objective(problem, default_network(problem, width=4, depth=1, seed=0), hard=True)
    metrics = {"relative_l2": {"u": 1.0}}
    solution = Solution(
        objective, objective.flat.flatten(), metrics=metrics, history={}, points={}, folder=None
    )
    solution.save_figures(tmp_path)
    at = {"x": np.array([0.0, 0.3, -0.3, 0.5, 0.41]), "y": np.array([0.0, 0.3, -0.25, 0.5, 0.3])}
    outside = np.array([False, True, True, False, False])
    for function in (given["evaluate"], given["reference"]):
        assert np.array_equal(np.isnan(function(at)["u"]), outside)
    assert np.array_equal(given["distance"](at) < 0, outside)
    assert given["evaluate"](at)["u"][3] == pytest.approx(1.0)
    nowhere = {c: v[outside] for c, v in at.items()}
    assert np.all(np.isnan(given["evaluate"](nowhere)["u"])) and np.all(
        np.isnan(given["reference"](nowhere)["u"])
    )
