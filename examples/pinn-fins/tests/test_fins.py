"""Tests of the package, for `python -m pytest` with the package installed."""

import numpy as np
import pytest
from pinn_fins import AnnularFin, Fin

from pinn import Points, check, solve, two_phases


@pytest.mark.parametrize("problem", [Fin(), AnnularFin()], ids=lambda p: type(p).__name__)
def test_the_reference_solves_the_equation(problem):
    (name,) = problem.coordinates
    lower, upper = problem.space.ranges[name]
    h = 1e-4
    x = np.linspace(lower + 2 * h, upper - 2 * h, 9)
    left, middle, right = (problem.reference(x + shift)["theta"] for shift in (-h, 0, h))
    slope = (right - left) / (2 * h)
    curvature = (right - 2 * middle + left) / h**2
    terms = (middle, curvature) if name == "x" else (middle, slope, curvature)
    residual = problem.balance(*terms) if name == "x" else problem.balance(x, *terms)
    assert np.abs(residual).max() < 1e-5
    assert np.isclose(problem.reference(np.array([lower]))["theta"][0], 1)


def test_nothing_is_doubtful():
    assert not check(Fin()).warnings


def test_a_short_run_comes_near_the_exact_solution(tmp_path):
    solution = solve(
        AnnularFin(),
        points=Points(counts={"interior": 200, "boundary": 2}),
        phases=two_phases(explore=50, polish=100),
        folder=tmp_path / "run",
        show=False,
    )
    assert solution.metrics["relative_l2"]["theta"] < 0.01
    assert "pinn-fins" in solution.metrics["versions"]
