"""Delayed fields: the trial solution at an earlier time, or the past before the start."""

from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from pinn.derivatives import nested, taylor
from pinn.errors import InputError
from pinn.geometry import Interval
from pinn.objective import Evaluator, LeastSquares, Objective, cut_into_blocks, draw, find_scales
from pinn.objective.symbol_values import SymbolValues
from pinn.problem import Delay, Problem, integral, residual
from pinn.run import solve
from pinn.setup import Points, default_network, two_phases
from pinn.setup.stages import stages


class Late(Problem):
    """A reaction that follows an earlier state, and its slope and its total."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    time = (1.0, 3.0)
    tau: float = 0.75
    delays: ClassVar = {
        "u_late": Delay("u", t="tau", past=lambda x, t: tf.sin(x) * t),
        "u_later": Delay("u", t=1.5, past=2.0),
    }

    @integral(over="interior")
    def total(self, u_late):
        return u_late

    @residual(on="interior")
    def reaction(self, u_t, u_xx, u_late, u_late_xx, lap_u_late, u_later, total):
        return u_t - u_xx + u_late * u_late_xx + lap_u_late - u_later - total

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(x)


@pytest.mark.parametrize("engine", [taylor, nested])
def test_values_are_those_of_the_solution_or_of_the_past(engine):
    problem = Late()
    values = SymbolValues(problem, engine=engine, dtype="float64")
    symbols = [
        problem.symbol(n) for n in ("u_late", "u_late_x", "u_late_t", "lap_u_late", "u_later")
    ]
    x = np.array([0.2, 0.4, 0.6, 0.8])
    t = np.array([1.0, 1.7, 1.8, 2.9])
    columns = {"x": tf.constant(x), "t": tf.constant(t)}
    found = values(problem, lambda at: {"u": at["x"] ** 2 * at["t"]}, symbols, columns)
    early = t - 0.75 < 1
    earlier = t - 0.75
    right = {
        "u_late": np.where(early, np.sin(x) * earlier, x**2 * earlier),
        "u_late_x": np.where(early, np.cos(x) * earlier, 2 * x * earlier),
        "u_late_t": np.where(early, np.sin(x), x**2),
        "lap_u_late": np.where(early, -np.sin(x) * earlier, 2 * earlier),
        "u_later": np.where(t - 1.5 < 1, 2.0, x**2 * (t - 1.5)),
    }
    assert list(early) == [True, True, False, False]
    for name, expected in right.items():
        assert found[name].numpy() == pytest.approx(expected, rel=1e-13), name


def lossy(engine):
    problem = Late(unknowns={"tau": {"start": 0.7, "lower": 0.0}})
    network = default_network(problem, seed=0, width=4, depth=2)
    objective = Objective(problem, network, derivatives=engine, nodes=4)
    blocks = {}
    for region in objective.regions:
        points = draw(problem, region, 13)
        blocks[region] = cut_into_blocks(points, threads=1, size=13, dtype="float64")
    return objective, objective.batch(blocks)


def test_gradients_and_jacobians_pass_through_the_delay(eager):
    losses = []
    for engine in ("taylor", "nested"):
        objective, batch = lossy(engine)
        theta = objective.flat.flatten()
        loss, gradient = objective.value_and_gradient(theta, batch)
        direction = np.random.default_rng(0).standard_normal(len(theta))
        step = 1e-6 * direction
        slope = (objective.value(theta + step, batch) - objective.value(theta - step, batch)) / 2e-6
        assert float(slope) == pytest.approx(float(gradient.numpy() @ direction), rel=1e-5)
        assert abs(gradient[-1]) > 1e-6  # of the delay itself
        pieces = list(LeastSquares(objective).jacobian(theta, batch))
        residuals = np.concatenate([r for r, _ in pieces])
        columns = np.concatenate([j for _, j in pieces], 1)
        np.testing.assert_allclose(2 * columns @ residuals, gradient, rtol=1e-9, atol=1e-11)
        losses.append(float(loss))
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    found = Evaluator(objective, ["u_late"])(theta, np.array([[0.5, 1.2]]))
    assert found["u_late"] == pytest.approx(np.sin(0.5) * (1.2 - 0.7), rel=1e-12)
    scales = find_scales(objective)
    assert scales.fields["u"].scale > 0


def test_a_past_is_not_asked_after_the_start_nor_the_solution_before_it(eager):
    class Root(Problem):
        fields = ("u",)
        time = (0.0, 1.0)
        delays: ClassVar = {"late": Delay("u", t=0.5, past=lambda t: tf.sqrt(-t))}

        @residual(on="interior")
        def first(self, u_t, late):
            return u_t - late

        @residual(on="initial")
        def start(self, u):
            return u - 1

    objective = Objective(Root(), default_network(Root(), seed=0, width=4, depth=1))
    points = cut_into_blocks(draw(Root(), "interior", 16), threads=1, size=16, dtype="float64")
    start = cut_into_blocks(draw(Root(), "initial", 1), threads=1, size=1, dtype="float64")
    batch = objective.batch({"interior": points, "initial": start})
    loss, gradient = objective.value_and_gradient(objective.flat.flatten(), batch)
    assert np.isfinite(loss) and np.all(np.isfinite(gradient))


class Feedback(Problem):
    """u′ = −u(t − 1), u = 1 up to 0: a polynomial of degree n + 1 between n and n + 1."""

    fields = ("u",)
    time = (0.0, 2.0)
    delays: ClassVar = {"u_late": Delay("u", t=1.0, past=1.0)}

    @residual(on="interior")
    def feedback(self, u_t, u_late):
        return u_t + u_late

    @residual(on="initial")
    def start(self, u):
        return u - 1


@pytest.mark.slow
def test_a_delay_equation_is_solved(shared_losses):
    solution = solve(
        Feedback(),
        phases=two_phases(explore=50, polish=100),
        points=Points(counts={"interior": 100, "initial": 1}, test=50),
        show=False,
    )
    assert solution([1.0, 2.0])["u"] == pytest.approx([0.0, -0.5], abs=3e-3)
    with pytest.raises(InputError, match="'u_late' is an earlier value.*use windows=1"):
        stages(Feedback(), 2)
