"""Unknown coefficients: their typical sizes, and whether anything determines them."""

import dataclasses
import math
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_modes import Well

from pinn import Adam, At, Interval, Problem, Unknown, positive, residual, solve
from pinn.checking.check import moved_starts
from pinn.checking.subject import Subject
from pinn.checking.unmeasured import undetermined_unknowns
from pinn.objective import (
    LeastSquares,
    Objective,
    PointSet,
    Scales,
    cut_into_blocks,
    find_scales,
    undetermined,
)
from pinn.objective.determination import sensitivities
from pinn.problems import Heat
from pinn.setup import Points
from pinn.setup.network import default_network
from pinn.training import Phase, StopRule


@pytest.mark.parametrize(("lower", "upper"), [(None, None), (-2.0, None), (None, 5.0), (-2.0, 5.0)])
def test_a_size_changes_the_search_and_not_the_values(lower, upper):
    unknown = Unknown(0.5, lower, upper).scaled(64.0)
    assert unknown.start == 0.5
    for value in (-1.9, 0.5, 4.9):
        raw = unknown.inverse(value)
        assert float(unknown.value(tf.constant(raw, tf.float64))) == pytest.approx(value)
    if lower is None and upper is None:
        assert unknown.inverse(0.5) == 0.5 / 64


@pytest.mark.parametrize(
    ("unknown", "size", "start"),
    [
        (Unknown(1.0, lower=0.0), 5e8, 5e8),  # on an exponential it would never get there
        (Unknown(1.0, lower=0.0), 5e5, 1.0),
        (Unknown(1.0, lower=0.0), 1e-9, 1e-9),
        (Unknown(-1.0, upper=0.0), 5e8, -5e8),
        (Unknown(1.0), 5e8, 1.0),  # on a line it does
        (Unknown(-1.0), 1e-9, -1e-9),
        (Unknown(0.0), 5e8, 0.0),
        (Unknown(1.0, 0.0, 2.0), 5e8, 1.0),
    ],
)
def test_a_start_at_which_nothing_depends_on_the_coefficient_is_moved(unknown, size, start):
    assert unknown.scaled(size).start == start


class Reaction(Problem):
    """u' = −k c u from 1 to ½; k is unknown, and c a factor of it."""

    fields = ("u",)
    time = (0.0, 1.0)
    regions: ClassVar = {"end": At(t=1.0)}
    k: float = positive(1.0)
    c: float = 1.0

    @residual(on="interior")
    def decay(self, u, u_t):
        return u_t + self.k * self.c * u

    @residual(on="initial")
    def start(self, u):
        return u - 1

    @residual(on="end")
    def half(self, u):
        return u - 0.5


def scales_of(problem):
    return find_scales(Objective(problem, default_network(problem, seed=0, width=4, depth=1)))


@pytest.mark.usefixtures("eager")
def test_the_size_of_a_coefficient_follows_its_factor():
    plain = scales_of(Reaction(unknowns={"k": 1.0}))
    assert 0.25 <= plain.unknowns["k"] <= 8
    assert 1 <= plain.unknowns["k"] <= 8
    for factor in (2.0**-40, 2.0**-70, 2.0**30):  # the second is lost in rounding at the start
        found = scales_of(Reaction(unknowns={"k": 1.0}, c=factor))
        assert found.unknowns["k"] * factor == plain.unknowns["k"]
        assert found.fields == plain.fields
        assert 0.5 <= found.residuals["decay"] / plain.residuals["decay"] <= 2


@pytest.mark.usefixtures("eager")
def test_a_positive_coefficient_stays_positive_and_starts_where_it_counts():
    problem = Reaction(unknowns={"k": 1.0}, c=1e-9)
    scales = scales_of(problem)
    network = default_network(problem, seed=0, width=4, depth=1)
    objective = Objective(problem, network, scales=scales)
    assert objective.searched["k"].lower == 0.0
    theta = objective.flat.flatten()
    assert float(objective.coefficients(theta)["k"]) == pytest.approx(scales.unknowns["k"])
    assert Scales.from_plain(scales.to_plain()) == scales
    assert not scales.continues(dataclasses.replace(scales, unknowns={"k": 1.0}))
    (line,) = moved_starts(objective)
    assert line.startswith("k starts at")
    # Without scales the search is as it was.
    plain = Objective(problem, network)
    assert math.isclose(float(plain.coefficients(plain.flat.flatten())["k"]), 1.0)


class Line(Problem):
    """A straight line from 0, with an unknown slope."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    slope: float = 2.0

    @residual(on="interior")
    def equation(self, u_x):
        return u_x - self.slope

    @residual(on="x-")
    def left(self, u):
        return u


class Fixed(Line):
    """The same, with a second value."""

    @residual(on="x+")
    def right(self, u):
        return u - 2


def at_solution(cls):
    """Return the loss of a linear network that solves the problem, with its vector and batch."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    objective = Objective(cls(unknowns={"slope": 1.0}), network)
    sets = {
        "interior": PointSet(np.linspace(0, 1, 7)[:, None]),
        "x-": PointSet(np.zeros((1, 1))),
        "x+": PointSet(np.ones((1, 1))),
    }
    points = {}
    for region in objective.regions:
        points[region] = cut_into_blocks(sets[region], threads=1, size=8, dtype="float64")
    theta = tf.constant([2.0, 0.0, 2.0], tf.float64)
    return LeastSquares(objective), theta, objective.batch(points)


@pytest.mark.usefixtures("eager")
def test_only_a_further_condition_determines_an_unknown():
    assert undetermined(*at_solution(Line)) == ["slope"]
    assert undetermined(*at_solution(Fixed)) == []
    # u' = s, u(0) = 0 and u(1) = 2 in least squares, for u = w x + b and δs = 1.
    rows = np.array([[1, 0], [0, 1], [1, 1]])
    _, smallest, *_ = np.linalg.lstsq(rows, np.array([1, 0, 0]))
    found = sensitivities(*at_solution(Fixed))
    assert found == {"slope": pytest.approx(float(np.sqrt(smallest[0])), rel=1e-6)}


@pytest.mark.usefixtures("eager")
def test_a_run_says_that_nothing_determines_an_unknown():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    phase = Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=1))
    settings = {"phases": [phase], "points": Points(counts={"interior": 8, "boundary": 2})}
    said = {}
    for cls in (Line, Fixed):
        problem = cls(unknowns={"slope": 1.0})
        solution = solve(problem, network=network, show=False, **settings)
        said[cls] = " ".join(solution.metrics["warnings"])
        assert solution.metrics["unknowns"]["slope"]["standard_error"] is None
        assert solution.metrics["unknowns"]["slope"]["truth"] is None
    assert "slope: equations and conditions do not determine it" in said[Line]
    assert "slope: equations" not in said[Fixed]


def counted(problem):
    network = default_network(problem, seed=0, width=4, depth=1)
    return undetermined_unknowns(Subject.of(problem, Objective(problem, network), ()))


def test_a_check_counts_the_conditions_that_are_left_for_unknowns():
    assert "alpha: nothing is measured and no" in " ".join(counted(Heat(unknowns={"alpha": 0.1})))
    for problem in (Heat(), Fixed(unknowns={"slope": 1.0}), Well(unknowns={"E": 1.0})):
        assert counted(problem) == []
