"""What a run says of places where an unknown field is not determined."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from pinn.geometry import Interval
from pinn.objective import Objective
from pinn.problem import Problem, residual
from pinn.run.blind_spots import blind_spots
from pinn.run.metrics import _loose
from pinn.setup.network import default_network
from pinn.unknowns import UnknownField


class Potential(Problem):
    """−u″ + q u = f with q unknown."""

    fields = ("u",)
    unknown_fields: ClassVar = {"q": UnknownField(("x",))}
    space = Interval(x=(-1.0, 1.0))

    @residual(on="interior")
    def wave(self, u, u_xx, q):
        return -u_xx + q * u


class Conduction(Problem):
    """(k u_x)_x = 0 with k unknown, which is carried along x."""

    fields = ("u",)
    unknown_fields: ClassVar = {"k": UnknownField(("x",))}
    space = Interval(x=(-1.0, 1.0))

    @residual(on="interior")
    def heat(self, u_x, u_xx, k, k_x):
        return k * u_xx + k_x * u_x


class Plate(Problem):
    """u_t = Δu + q(x, y) u with q unknown, and a part of the plate where u is zero."""

    fields = ("u",)
    unknown_fields: ClassVar = {"q": UnknownField(("x",))}
    space = Interval(x=(0.0, 1.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def heat(self, u_t, u_xx, u, q):
        return u_t - u_xx - q * u


def lines(problem, **fields):
    network = default_network(problem, seed=0, width=4, depth=1)
    objective = Objective(problem, network)

    def evaluate(names, points):
        columns = dict(zip(problem.coordinates, points.T, strict=True))
        values = {}
        for name in names:
            values[name] = fields[name](**columns) if name in fields else np.zeros(len(points))
        return values

    return list(blind_spots(objective, objective.flat.flatten(), evaluate).values())


def test_zeros_of_a_factor_are_named():
    (line,) = lines(Potential(), u=lambda x: np.sin(np.pi * x))
    assert line.startswith("q: is hardly determined near x = -0.9")
    assert ", 0, 0.9" in line
    assert lines(Potential(), u=lambda x: 2 + np.sin(np.pi * x)) == []


def test_a_field_that_equations_carry_is_not_named():
    assert lines(Conduction(), u_x=lambda x: np.sin(np.pi * x)) == []


def test_a_place_counts_over_all_other_coordinates():
    assert lines(Plate(), u=lambda x, t: np.sin(2 * np.pi * t) + 0 * x) == []
    (line,) = lines(Plate(), u=lambda x, t: np.maximum(x - 0.25, 0) * (1 + t))
    assert "near x = 0.1" in line


@pytest.mark.parametrize("count", [1, 9])
def test_few_places_are_named(count):
    found = lines(Potential(), u=lambda x: np.sin(count * np.pi * x))
    assert ("and elsewhere" in found[0]) == (count == 9)


def test_what_is_open_in_places_that_are_named_is_advice():
    """What is open of a field, or of an unknown coefficient, is not."""
    lines = {
        (("q",), ()): "q: not determined",
        (("q", "u"), ()): "q and u: not determined",
        (("q",), ("k",)): "q and k: not determined",
    }
    estimate = SimpleNamespace(open_directions=SimpleNamespace(lines=lambda: lines))
    assert _loose(estimate, {"q": "near 0"}) == ["near 0", "q: not determined"]
    assert _loose(estimate, {}) == []
    assert _loose(None, {"q": "near 0"}) == ["near 0"]
