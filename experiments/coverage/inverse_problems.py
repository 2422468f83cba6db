"""The inverse problems of the study of coverage, with solutions in closed form."""

from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np

from pinn import Interval, Problem, mlp, residual
from pinn.problem import positive
from pinn.problems import Burgers, Heat


class Fin(Problem):
    """A cooling fin, u'' = m² u with u(0) = 1 and u'(1) = −b u(1); dimensionless.

    Source: Incropera et al., Fundamentals of Heat and Mass Transfer, §3.6.2, case A.
    """

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    m: float = positive(2.0)
    b: float = positive(1.0)

    @residual(on="interior")
    def fin(self, u, u_xx):
        return u_xx - self.m**2 * u

    @residual(on="x-")
    def base(self, u):
        return u - 1

    @residual(on="x+")
    def tip(self, u, u_x):
        return u_x + self.b * u

    def reference(self, x):
        def shape(rest):
            return np.cosh(self.m * rest) + self.b / self.m * np.sinh(self.m * rest)

        return {"u": shape(1 - x) / shape(1.0)}


class Growth(Problem):
    """Logistic growth, u' = r u (1 − u/K) from 0.1; dimensionless.  Source: Verhulst (1838)."""

    fields = ("u",)
    time = (0.0, 1.0)
    r: float = positive(6.0)
    K: float = positive(1.0)
    begin: ClassVar[float] = 0.1

    @residual(on="interior")
    def growth(self, u, u_t):
        return u_t - self.r * u * (1 - u / self.K)

    @residual(on="initial")
    def start(self, u):
        return u - self.begin

    def reference(self, t):
        return {"u": self.K / (1 + (self.K / self.begin - 1) * np.exp(-self.r * t))}


@dataclass(frozen=True)
class Case:
    """An inverse problem, and how it is fitted.

    Attributes:
        problem: with its unknowns.
        weights: of terms, where they are not 1.
        hard: whether the ansatz holds the initial and boundary values.
        probe: the coordinates of a point at which the solution's band is tested.
    """

    problem: Problem
    weights: dict[str, float]
    hard: bool
    probe: tuple[float, ...]

    def network(self) -> keras.Model:
        """Return two layers of six tanh units."""
        lower, upper = self.problem.bounds
        return mlp(lower=lower.tolist(), upper=upper.tolist(), outputs=1, width=6, depth=2)


CASES = {
    "heat": Case(Heat(unknowns={"alpha": {"start": 0.5, "lower": 0.0}}), {}, True, (0.5, 0.5)),
    "burgers": Case(
        Burgers(
            nu=0.1,
            unknowns={"nu": {"start": 0.2, "lower": 0.0}, "lambda1": {"start": 0.5}},
        ),
        {},
        True,
        (0.3, 0.5),
    ),
    "fin": Case(
        Fin(unknowns={"m": {"start": 1.0, "lower": 0.0}, "b": {"start": 0.5, "lower": 0.0}}),
        {"base": 100.0, "tip": 100.0},
        False,
        (0.5,),
    ),
    "growth": Case(
        Growth(unknowns={"r": {"start": 4.0, "lower": 0.0}, "K": {"start": 0.7, "lower": 0.0}}),
        {"start": 100.0},
        False,
        (0.5,),
    ),
}
