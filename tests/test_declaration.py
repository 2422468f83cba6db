"""A subclass of Problem is a frozen dataclass without a decorator, and also with one."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from pinn.errors import InputError
from pinn.geometry import Interval
from pinn.problem import Problem, final_time, positive, residual


class Plain(Problem):
    """u'' = -k."""

    k: float = positive(2.0)
    end: float = final_time(3.0)
    shift: float = 0.5
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def equation(self, u_xx):
        return u_xx + self.k

    def reference(self, x, t):
        return {"u": self.k * x + 0 * t}


@dataclass(frozen=True, kw_only=True)
class Decorated(Problem):
    """The same, with the decorator that earlier versions asked for."""

    k: float = positive(2.0)
    end: float = final_time(3.0)
    shift: float = 0.5
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def equation(self, u_xx):
        return u_xx + self.k

    def reference(self, x, t):
        return {"u": self.k * x + 0 * t}


class Child(Plain):
    k: float = 4.0
    slope: float = positive(1.0)


class ChildOfDecorated(Decorated):
    k: float = 4.0
    slope: float = positive(1.0)


BOTH = pytest.mark.parametrize("cls", [Plain, Decorated])


@BOTH
def test_coefficients_are_keyword_only_fields_with_defaults(cls):
    names = [f.name for f in dataclasses.fields(cls)]
    assert names == ["unknowns", "k", "end", "shift"]
    problem = cls(k=5.0, end=2)
    assert (problem.k, problem.time, problem.shift) == (5.0, (0.0, 2), 0.5)
    assert problem == cls(k=5.0, end=2) != cls()
    assert "k=5.0" in repr(problem)
    assert dataclasses.replace(problem, shift=1.0).k == 5.0
    with pytest.raises(TypeError):
        cls(5.0)


@BOTH
@pytest.mark.parametrize("name", ["k", "unknowns", "another"])
def test_problems_are_frozen(cls, name):
    problem = cls()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(problem, name, 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(problem, name)


@BOTH
def test_demands_hold(cls):
    with pytest.raises(InputError, match="k=-1.0 is not a positive finite number"):
        cls(k=-1.0)
    with pytest.raises(InputError, match="shift='far' is not a number"):
        cls(shift="far")
    with pytest.raises(InputError, match="it is the final time"):
        cls(unknowns={"end": 1.0})
    assert cls(shift=-1.0).shift == -1.0


@pytest.mark.parametrize("cls", [Child, ChildOfDecorated])
def test_a_subclass_inherits_demands_and_may_drop_them(cls):
    assert cls().k == 4.0 and cls(k=-1.0).k == -1.0
    assert cls().time == (0.0, 3.0)
    with pytest.raises(InputError, match="end=0.0"):
        cls(end=0.0)
    with pytest.raises(InputError, match="slope=0.0"):
        cls(slope=0.0)
    assert [f.name for f in dataclasses.fields(cls)] == ["unknowns", "k", "end", "shift", "slope"]


@BOTH
def test_a_bound_copy_has_other_values(cls):
    problem = cls().bind({"k": np.float32(7.0)})
    assert problem.k == 7.0 and type(problem) is cls
    np.testing.assert_array_equal(problem.reference_at(np.ones((2, 2)))["u"], [7.0, 7.0])
