"""Squares with round holes: references by multipoles."""

import os
from math import pi
from pathlib import Path

import numpy as np
import pytest
from scipy.special import k0

from pinn.errors import InputError
from pinn.objective import Objective, draw
from pinn.problems import PoissonBoltzmann, PoissonHoles
from pinn.record.history import History
from pinn.references.multipoles import Multipoles
from pinn.references.perforated import (
    CHARGES,
    HOLES,
    constant_source,
    laplace_holes,
    poisson_boltzmann,
)
from pinn.run.solution import Solution
from pinn.setup.network import default_network

STANDARD = {"k": 8.0, "A": 10.0, "mu1": 1, "mu2": 4}
OTHER = {"k": 6.0, "A": -4.0, "mu1": 2, "mu2": 1}
# Central differences of eighth order.
SECOND_DERIVATIVE = np.array(
    [-1 / 560, 8 / 315, -1 / 5, 8 / 5, -205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560]
)


def laplacian(function, x, y, h):
    """Return Δf by central differences."""
    total = 0
    for shift, weight in zip(range(-4, 5), SECOND_DERIVATIVE, strict=True):
        total = total + weight * (function(x + shift * h, y) + function(x, y + shift * h))
    return total / h**2


def points_on_circles(disks, count=400):
    angle = 2 * np.pi * np.arange(count) / count
    x, y, radius = np.array(disks).T[:, :, None]
    return (x + radius * np.cos(angle)).ravel(), (y + radius * np.sin(angle)).ravel()


def points_on_square(half, count=100):
    along = np.tile(np.linspace(-half, half, count), 2)
    across = np.repeat([-half, half], count)
    return np.concatenate([along, across]), np.concatenate([across, along])


def test_laplace_holes_has_its_boundary_values():
    """By the maximum principle, the errors on the boundary bound those inside."""
    assert np.max(np.abs(laplace_holes(*points_on_circles(HOLES)))) < 1e-12
    assert np.max(np.abs(laplace_holes(*points_on_square(0.5)) - 1)) < 1e-12


def test_laplace_holes_is_harmonic_and_symmetric():
    x, y = draw(PoissonHoles(), "interior", 200).coordinates.T
    far = PoissonHoles.space.distance(x, y) > 0.02
    x = x[far]
    y = y[far]
    assert laplacian(laplace_holes, x, y, 4e-3) == pytest.approx(0, abs=1e-7)
    assert laplace_holes(-x, y) == pytest.approx(laplace_holes(x, y), abs=1e-12)
    assert laplace_holes(y, x) == pytest.approx(laplace_holes(x, y), abs=1e-12)


@pytest.mark.parametrize("coefficients", [STANDARD, OTHER], ids=["standard", "other"])
def test_poisson_boltzmann_has_its_boundary_values(coefficients):
    """By the maximum principle, the errors on the boundary bound those inside."""
    on_circles = poisson_boltzmann(*points_on_circles(CHARGES), **coefficients)
    assert on_circles == pytest.approx(1, abs=2e-12)
    on_square = poisson_boltzmann(*points_on_square(1.0), **coefficients)
    assert on_square == pytest.approx(0.2, abs=2e-12)


@pytest.mark.quick("problem0")
@pytest.mark.parametrize(
    "problem", [PoissonHoles(), PoissonBoltzmann(**STANDARD), PoissonBoltzmann(**OTHER)]
)
def test_references_estimate_a_small_error_but_not_zero(problem):
    assert 1e-16 < problem.reference_error()["u"] < 1e-9


@pytest.mark.parametrize("coefficients", [STANDARD, OTHER], ids=["standard", "other"])
def test_poisson_boltzmann_solves_its_equation(coefficients):
    x, y = draw(PoissonBoltzmann(), "interior", 100).coordinates.T
    far = PoissonBoltzmann.space.distance(x, y) > 0.03
    x = x[far]
    y = y[far]

    def u(x, y):
        return poisson_boltzmann(x, y, **coefficients)

    k, A, mu1, mu2 = coefficients.values()
    waves = np.sin(mu1 * pi * x) * np.sin(mu2 * pi * y)
    source = A * (mu1**2 + x * x + mu2**2 + y * y) * waves
    residual = -laplacian(u, x, y, 5e-3) + k**2 * u(x, y) - source
    assert residual == pytest.approx(0, abs=1e-6)


def test_the_solution_in_the_square_agrees_with_its_sine_series():
    """-Δp + k² p = k², by its double sine series over odd m and n.

    The sum over m is known in closed form:
    p = Σ 4/(nπ) sin(nπ(y+1)/2) k²/γ² (1 - cosh γx / cosh γ),  γ² = k² + (nπ/2)²
    """
    k = 8.0
    n = np.arange(1, 200_000, 2)
    x = np.array([0.0, 0.3, 0.9])
    y = np.array([0.0, -0.5, 0.95])
    gamma = np.sqrt(k**2 + (n * pi / 2) ** 2)
    size = np.abs(x[:, None])
    # cosh γx / cosh γ, without overflow.
    growth = np.exp(gamma * (size - 1)) * (1 + np.exp(-2 * gamma * size))
    ratio = growth / (1 + np.exp(-2 * gamma))
    sines = 4 / (n * pi) * np.sin(n * pi * (y[:, None] + 1) / 2)
    expected = np.sum(sines * (k / gamma) ** 2 * (1 - ratio), axis=1)
    assert constant_source(x, y, k) == pytest.approx(expected, abs=2e-12)


def mirrored(coordinate, side, m):
    """Return a coordinate in [0, side] after m reflections in the two walls in turn."""
    sign = -1 if m % 2 else 1
    return 2.0 * (m // 2 + m % 2) * side + sign * coordinate


@pytest.mark.parametrize("k", [2.5, 8.0, 20.0])
def test_multipoles_represent_a_source_off_the_center(k):
    """Outside of the disk, v is the sum of ± K₀(k |x - s|) over the images s of a point."""
    lower = (0.0, 0.0)
    upper = (2.0, 3.0)
    disk = (0.8, 1.2, 0.3)

    def exact(x, y):
        total = np.zeros_like(x)
        for m in range(-12, 13):
            for n in range(-12, 13):
                distance = np.hypot(x - mirrored(0.9, 2.0, m), y - mirrored(1.1, 3.0, n))
                total += (-1) ** (m + n) * k0(k * distance)
        return total

    v = Multipoles(lower, upper, [disk], k=k, data=exact, order=30)
    x, y = np.random.default_rng(0).uniform(lower, upper, (200, 2)).T
    outside = np.hypot(x - disk[0], y - disk[1]) > disk[2]
    expected = exact(x[outside], y[outside])
    assert v(x[outside], y[outside]) == pytest.approx(expected, abs=1e-11 * np.max(expected))
    assert v(np.zeros(0), np.zeros(0)).shape == (0,)


def test_references_take_arrays_that_broadcast():
    x = np.linspace(-0.5, 0.5, 5)[:, None]
    y = np.array([0.0, 0.1])
    assert laplace_holes(x, y).shape == (5, 2)
    assert laplace_holes(x, y)[2, 1] == pytest.approx(float(laplace_holes(0.0, 0.1)), abs=1e-14)


def test_poisson_boltzmann_refuses_coefficients_without_a_reference():
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
def test_published_files_have_the_error_of_their_finite_elements(name, problem, distance):
    """The errors of the references are below 1e-10, so that the distance is the file's error."""
    path = Path(os.environ.get("PINN_REFERENCE_DATA", "")) / name
    if "PINN_REFERENCE_DATA" not in os.environ or not path.exists():
        pytest.skip(f"{name} is missing; set PINN_REFERENCE_DATA to its folder")
    x, y, u = np.loadtxt(path, comments="%").T
    assert np.min(problem.space.distance(x, y)) > -1e-12
    exact = problem.reference_at(np.stack([x, y], axis=1))["u"]
    error = np.linalg.norm(exact - u) / np.linalg.norm(exact)
    assert error == pytest.approx(distance, rel=0.01)


@pytest.mark.usefixtures("eager")
def test_pictures_show_the_inside_only(tmp_path, monkeypatch):
    problem = PoissonHoles()
    arguments = {}
    monkeypatch.setattr(
        "pinn.run.solution.save_figures", lambda folder, **settings: arguments.update(settings)
    )
    objective = Objective(problem, default_network(problem, width=4, depth=1, seed=0), hard=True)
    solution = Solution(
        objective,
        objective.flat.flatten(),
        metrics={"relative_l2": {"u": 1.0}},
        history=History([]),
        points={},
        folder=None,
    )
    solution.save_figures(tmp_path)

    points = {
        "x": np.array([0.0, 0.3, -0.3, 0.5, 0.41]),
        "y": np.array([0.0, 0.3, -0.25, 0.5, 0.3]),
    }
    outside = np.array([False, True, True, False, False])
    points_outside = {name: values[outside] for name, values in points.items()}
    for name in ("evaluate", "reference"):
        function = arguments[name]
        assert np.array_equal(np.isnan(function(points)["u"]), outside)
        assert np.all(np.isnan(function(points_outside)["u"]))
    assert np.array_equal(arguments["distance"](points) < 0, outside)
    assert arguments["evaluate"](points)["u"][3] == pytest.approx(1.0)
