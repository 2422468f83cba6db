"""Ageing of the paper in a transformer: a rate from measurements (deepxde#613); days, K, J/mol."""

from math import exp
from pathlib import Path

from pinn import DataFile, Problem, residual

DATA = Path(__file__).parent / "data"


class PaperAgeing(Problem):
    """DP′ = −A e^{−E/(8.314 (T + 273))} DP²: the degree of polymerization from 1000 to 200.

    A is unknown, in 1/day; at 124.384 °C it is about 7.8e8, which a user would not know.
    """

    fields = ("DP",)
    time = (0.0, 2000.0)
    A: float = 2e-6 * exp(111e3 / (8.314 * (124.384 + 273)))
    E: float = 111e3
    T: float = 124.384

    @residual(on="interior")
    def ageing(self, DP, DP_t):
        return DP_t + self.A * exp(-self.E / (8.314 * (self.T + 273))) * DP**2

    @residual(on="initial")
    def new(self, DP):
        return DP - 1000

    def reference(self, t):
        return {"DP": 1 / (1 / 1000 + 2e-6 * t)}


def measured(name):
    return DataFile(path=str(DATA / name), coordinates={"t": "time"})


GUESS = PaperAgeing(unknowns={"A": {"start": 1.0, "lower": 0.0}})
RUNS = {
    "clean": {"problem": GUESS, "data": measured("paper_ageing.csv")},
    "2 % noise": {"problem": GUESS, "data": measured("paper_ageing_noisy.csv")},
}
