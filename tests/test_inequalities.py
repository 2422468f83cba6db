"""Complementarity: two expressions, of which one vanishes at every point."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from test_problems import batch_for

from pinn.checking import check
from pinn.geometry import Interval
from pinn.objective import LeastSquares, Objective, Scales, draw, find_scales
from pinn.objective.complementarity import expressions, fischer_burmeister
from pinn.objective.method_checks import residual_value
from pinn.optimizers import GaussNewton
from pinn.problem import Problem, complementarity, residual
from pinn.run import solve
from pinn.setup import Points, default_network
from pinn.training import Phase, StopRule

TOUCH = 1 - 0.5**0.5  # where the string leaves the obstacle, whose tangent goes through (1, 0)


class String(Problem):
    """A string between two points over the obstacle ½ − x²; every equation in units of its own."""

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))
    load: float = 1.0
    gap: float = 1.0

    @complementarity(on="interior")
    def over(self, x, u, u_xx):
        return -self.load * u_xx, self.gap * (u - (0.5 - x * x))

    @residual(on="boundary")
    def held(self, u):
        return u

    def reference(self, x):
        free = 2 * TOUCH * (1 - np.abs(x))
        return {"u": np.where(np.abs(x) < TOUCH, 0.5 - x * x, free)}


def objective(problem, **settings):
    return Objective(problem, default_network(problem, seed=0, width=6, depth=1), **settings)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_function_is_zero_where_one_vanishes_and_none_is_negative(dtype):
    a = np.array([0.0, 0.0, 1e-8, 3.0, 1e6, -2.0, 0.0, -1.0, 1.0, 1e-9])
    b = np.array([0.0, 2.0, 0.0, 0.0, 0.0, 0.0, -2.0, -1.0, 1.0, 1.0])
    first, second = (tf.constant(values, dtype) for values in (a, b))
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        value = fischer_burmeister(first, second)
    assert np.all(np.abs(value[:5]) < 1e-15)
    assert np.all(value[5:8] < -1)
    assert float(value[8]) == pytest.approx(2 - 2**0.5)
    for slope in tape.gradient(value, [first, second]):
        assert np.all((slope >= -1e-6) & (slope <= 2))


def test_the_residual_vanishes_on_the_solution_alone():
    problem = String()
    term = problem.terms[0]
    x = np.linspace(-0.99, 0.99, 200)
    u = problem.reference(x)["u"]
    u_xx = np.where(np.abs(x) < TOUCH, -2.0, 0.0)

    def size(u, u_xx):
        arguments = [tf.constant(values) for values in (x, u, u_xx)]
        return np.max(np.abs(residual_value(problem, term, arguments, "float64")))

    assert size(u, u_xx) < 1e-15
    assert size(np.maximum(u, 0.5 * (1 - x * x)), np.full(200, -1.0)) > 0.1  # above the obstacle
    assert size(0 * x, 0 * x) > 0.4  # below it


def test_units_of_the_expressions_do_not_matter(eager):
    plain = String()
    other = String(load=2.0**20, gap=2.0**-9)
    scales, other_scales = (find_scales(objective(problem)) for problem in (plain, other))
    assert other_scales.fields == scales.fields
    assert other_scales.residuals["over"] == 2.0**20 * scales.residuals["over"]
    assert other_scales.balances["over"] == 2.0**29 * scales.balances["over"]
    loss, other_loss = objective(plain, scales=scales), objective(other, scales=other_scales)
    theta = loss.flat.flatten()
    losses = loss.losses(theta, batch_for(loss, 20)).numpy()
    assert np.array_equal(losses, other_loss.losses(theta, batch_for(other_loss, 20)))
    unbalanced = objective(other, scales=dataclasses.replace(other_scales, balances={}))
    assert not np.allclose(losses, unbalanced.losses(theta, batch_for(unbalanced, 20)))
    assert Scales.from_plain(scales.to_plain()) == scales
    assert not scales.continues(dataclasses.replace(scales, balances={"over": 3.0}))


def test_engines_and_least_squares_agree(eager):
    gradients = []
    for engine in ("taylor", "nested"):
        loss = objective(String(), scales=Scales(balances={"over": 4.0}), derivatives=engine)
        theta, batch = loss.flat.flatten(), batch_for(loss, 20)
        value, gradient = loss.value_and_gradient(theta, batch)
        pieces = list(LeastSquares(loss).jacobian(theta, batch))
        assert sum(np.sum(r**2) for r, _ in pieces) == pytest.approx(value.numpy())
        slope = sum(2 * (columns.numpy() @ r.numpy()) for r, columns in pieces)
        np.testing.assert_allclose(slope, gradient, atol=1e-12)
        gradients.append(gradient)
    np.testing.assert_allclose(*gradients, atol=1e-12)


def test_a_check_shows_it_and_looks_at_the_units_of_both():
    pytest.importorskip("pint")

    class Spring(String):
        units = {"x": "m", "u": "m", "load": "N/m", "gap": "N/m^2"}  # noqa: RUF012

        @complementarity(on="interior")
        def over(self, u, u_xx):
            return -self.load * u_xx, self.gap * (u + u_xx)

    text = str(check(Spring()))
    assert "0 ≤ −load u_xx ⊥ gap (u + u_xx) ≥ 0" in text
    assert "over, expression 2: adds unlike terms" in text
    assert "over, expression 1: adds" not in text


def test_any_other_term_has_one_expression():
    held = String().terms[1]
    assert expressions(held) == (held,)


@pytest.mark.slow
def test_a_string_over_an_obstacle_is_found():
    phase = Phase(name="fit", optimizer=GaussNewton(), stop=StopRule(max_iterations=100))
    problem = String(load=1e6, gap=1e-3)
    solution = solve(
        problem,
        network=default_network(problem, seed=0, width=10, depth=2),
        points=Points(counts={"interior": 400, "boundary": 2}, test=500),
        phases=[phase],
        show=False,
    )
    assert solution.metrics["relative_l2"]["u"] < 2e-3
    inside = draw(problem, "interior", 100).coordinates[:, 0]
    assert np.min(solution(inside)["u"] - (0.5 - inside**2)) > -2e-3
