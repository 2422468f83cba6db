"""What a run says of the residuals that its solution leaves."""

import math
import warnings

import numpy as np
import pytest

from pinn import ProblemWarning, solve
from pinn.measurements import name_of
from pinn.objective import FieldScale, PointSet
from pinn.optimizers import Adam, GaussNewton
from pinn.problem import Problem, residual
from pinn.record import MisfitMetrics
from pinn.run.misfits import FAR_SHARE, FAR_SIGMAS, unfitted
from pinn.run.remaining import UNSOLVED, doubts, trivial
from pinn.setup import Points
from pinn.setup.network import default_network
from pinn.training import Phase, StopRule

FIT = Phase(name="fit", optimizer=GaussNewton(), stop=StopRule(max_iterations=12))
STEP = Phase(name="step", optimizer=Adam(), stop=StopRule(max_iterations=1), report_every=1)
POINTS = Points(counts={"interior": 40, "initial": 1}, test=20)


class Decay(Problem):
    """A discharge in seconds and volts from 5 V, and from a `second` voltage."""

    fields = ("y",)
    time = (0.0, 2e-3)
    second: float = 5.0

    @residual(on="interior")
    def decay(self, y, y_t):
        return y_t + 1000.0 * y

    @residual(on="initial")
    def start(self, y):
        return y - 5.0

    @residual(on="initial")
    def again(self, y):
        return y - self.second


def outcome(phase, second=5.0, **settings):
    """Return the solution, and what its run warned of."""
    problem = Decay(second=second)
    network = default_network(problem, seed=0, width=6, depth=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ProblemWarning)
        solution = solve(
            problem, network=network, phases=[phase], points=POINTS, show=False, **settings
        )
    return solution, [str(w.message) for w in caught if "not solved" in str(w.message)]


@pytest.mark.slow
def test_a_solution_states_what_it_leaves_of_the_residuals():
    solution, said = outcome(FIT, windows=1)
    remaining = solution.metrics["remaining"]
    assert not said
    assert set(remaining) == {"decay", "start", "again"}
    assert max(remaining.values()) < 1e-3


def test_a_contradiction_in_the_first_window_is_told_at_the_end(eager):
    solution, (said,) = outcome(STEP, second=4.0, windows=2)
    assert said.startswith("Decay: the equations are not solved: residuals over their typical")
    assert "start " in said and "again " in said
    assert solution.metrics["warnings"][-1] in said
    assert solution.metrics["remaining"]["start"] > UNSOLVED


@pytest.mark.parametrize("windows", [1, 2])
def test_residuals_that_are_trained_as_they_are_are_measured_by_their_typical_sizes(eager, windows):
    solution, (said,) = outcome(STEP, second=4.0, scales="none", windows=windows)
    remaining = solution.metrics["remaining"]
    # The field is near 0, and should be both 5 and 4: their typical distance is 0.5.
    assert remaining["start"] > 5 and remaining["again"] > 5
    assert "start " in said and "again " in said


def test_only_what_is_far_from_zero_is_told():
    assert doubts({}) == doubts({"heat": UNSOLVED}) == []
    (line,) = doubts({"heat": 0.123, "start": 1e-5, "wall": math.nan})
    assert line.endswith("heat 12 %, wall nan %")


def test_measurements_that_a_solution_is_far_from_are_named():
    values = np.linspace(0.0, 1.0, 20)
    columns = {"u": values, "v": values}
    points = PointSet(values[:, None], values=columns, sigmas={"v": 0 * values + 0.1})
    spread = float(np.std(values))

    def lines(u, v, count=20, sets=("data",)):
        found = {
            "u": MisfitMetrics(count=count, rms=u * spread),
            "v": MisfitMetrics(count=count, rms=1.0, chi_squared=v**2 * count),
        }
        return unfitted(dict.fromkeys(sets, points), {name_of(s): found for s in sets})

    assert lines(u=FAR_SHARE, v=FAR_SIGMAS) == []
    assert lines(u=1.0, v=9.0, count=3) == []
    line, *others = lines(u=0.5, v=1.0)
    assert not others and line.startswith(
        "u: the solution is off the measurements by 50 % of their spread (rms)"
    )
    (line,) = lines(u=0.0, v=3.0)
    assert "v: the solution is off the measurements by 3 times their standard" in line
    assert "of probes by" in lines(u=0.5, v=1.0, sets=("data", "data_probes"))[1]


def test_a_solution_that_is_constant_is_told():
    scales = {"u": FieldScale(0.0, 2.0), "v": FieldScale(1.0, 1.0)}
    x = np.linspace(0, 1, 20)
    flat = {"u": 1e-9 * x, "v": 1 + 1e-8 * x}
    (line,) = trivial(flat, scales)
    assert "the solution is constant (u = 5e-10, v = 1)" in line
    # One velocity of a channel may well be zero.
    assert trivial({**flat, "u": x}, scales) == []
    assert trivial(flat, {}) == []
