"""Whether fine waves grow in a solution, where no step of a network sees them."""

import math

import numpy as np
import pytest

from pinn import Interval, Problem, problems, residual
from pinn.objective import Objective
from pinn.run.fine_waves import fine_waves
from pinn.setup.network import default_network


class Separation(Problem):
    """Of two phases: u_t = ∂xx(0.01 (u³ − u) − 1e-6 u_xx)."""

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))
    time = (0.0, 1.0)
    periodic = ("x",)

    @residual(on="interior")
    def separation(self, u, u_t, u_x, u_xx, u_xxxx):
        return u_t - 0.01 * ((3 * u**2 - 1) * u_xx + 6 * u * u_x**2) + 1e-6 * u_xxxx


class Spots(Problem):
    """Turing's pattern: uniform states are stable, waves are not."""

    fields = ("u", "v")
    space = Interval(x=(0.0, 10.0))
    time = (0.0, 30.0)

    @residual(on="interior")
    def activator(self, u, u_t, u_xx, v):
        return u_t - u_xx - u + 2 * v

    @residual(on="interior")
    def inhibitor(self, v, v_t, v_xx, u):
        return v_t - 40 * v_xx - 2 * u + 3 * v


class Backward(Problem):
    """u_tt = −u_xx, ill-posed."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def law(self, u_tt, u_xx):
        return u_tt + u_xx


def line_of(problem, left=1e-4, **values):
    """Return what is said of functions that have these values, and else 0."""
    objective = Objective(problem, default_network(problem, seed=0, width=4, depth=1))

    def evaluate(names, points):
        return {name: np.full(len(points), values.get(name, 0.0)) for name in names}

    theta = objective.flat.flatten()
    return fine_waves(problem, objective, theta, evaluate, {"equation": left})


def test_phases_separate_where_the_mixture_is_unstable():
    """σ = 0.01 k² − 1e-6 k⁴ at u = 0, at most 25 at k = 71."""
    (line,) = line_of(Separation())
    assert "e^25" in line and "wavelength 0.088" in line
    assert line_of(Separation(), u=1.0) == []


def test_small_residuals_stay_small_enough():
    assert line_of(Separation(), left=0.4 * math.exp(-25)) == []


def test_where_the_equations_are_not_solved_nothing_else_is_said():
    assert line_of(Separation(), left=0.1) == []


def test_a_wave_grows_where_a_uniform_state_does_not():
    """Of the matrix [[1 − k², −2], [2, −3 − 40 k²]], against its largest eigenvalue."""
    numbers = np.pi / 10 * 2.0 ** np.arange(0, 8.5, 0.5)
    rates = [np.linalg.eigvals([[1 - k**2, -2], [2, -3 - 40 * k**2]]).real.max() for k in numbers]
    assert 0.4 < max(rates) < 1
    (line,) = line_of(Spots())
    assert f"e^{30 * max(rates):.0f} " in line


def test_equations_of_second_order_in_time_have_rates_too():
    assert line_of(Backward())


@pytest.mark.parametrize(
    "problem",
    [
        problems.Heat(),
        problems.Burgers(),
        problems.KdV(),
        problems.Wave(),
        problems.AllenCahn(),
        problems.KleinGordon(),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_waves_that_are_carried_or_decay_are_no_doubt(problem):
    """Nor is a steep front, whose growth no wave adds to."""
    assert line_of(problem, u=0.3, u_x=-100.0) == []


def test_a_field_without_a_rate_of_its_own_is_left_alone():
    assert line_of(problems.TaylorGreen()) == []
    assert line_of(problems.Poisson()) == []


def test_slopes_are_those_of_the_equation(eager):
    from pinn.run.slopes import slopes

    problem = problems.Burgers()
    objective = Objective(problem, default_network(problem, seed=0, width=4, depth=1))
    (term,) = [t for t in objective.terms if t.region == "interior"]
    values = {"u": 2.0, "u_t": 1.0, "u_x": 3.0, "u_xx": -1.0}
    points = np.zeros((3, 2))
    found = slopes(
        objective,
        objective.flat.flatten(),
        lambda names, _: {n: np.full(3, values[n]) for n in names},
        term,
        points,
    )
    assert found["u"] == pytest.approx(3.0) and found["u_x"] == pytest.approx(2.0)
    assert found["u_t"] == pytest.approx(1.0) and found["u_xx"] == pytest.approx(-problem.nu)
