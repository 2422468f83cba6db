"""An epidemic in head counts, forward, then its rates from daily counts (deepxde#515); days."""

# ruff: noqa: E741 (S, I and R are the names of the model)
from pathlib import Path

from pinn import DataFile, Problem, positive, residual

N = 7_900_010


class SIR(Problem):
    """S′ = −β I S/N, I′ = β I S/N − γ I, R′ = γ I from I(1) = 10 ill persons, until day 150."""

    fields = ("S", "I", "R")
    positive_fields = ("I",)
    time = (1.0, 150.0)
    beta: float = positive(0.5)
    gamma: float = positive(0.33)

    @residual(on="interior")
    def susceptible(self, S, I, S_t):
        return S_t + self.beta * I * S / N

    @residual(on="interior")
    def infected(self, S, I, I_t):
        return I_t / I - self.beta * S / N + self.gamma

    @residual(on="interior")
    def recovered(self, I, R_t):
        return R_t - self.gamma * I

    @residual(on="initial")
    def all_well(self, S):
        return S - (N - 10)

    @residual(on="initial")
    def first_ill(self, I):
        return I - 10

    @residual(on="initial")
    def none_recovered(self, R):
        return R


DAILY = DataFile(
    path=str(Path(__file__).parent / "data" / "sir.csv"),
    coordinates={"t": "day"},
    fields={"I": "ill"},
)
RUNS = {
    "forward": {"problem": SIR()},
    "rates": {"problem": SIR(unknowns={"beta": 1.0, "gamma": 0.1}), "data": DAILY},
}
