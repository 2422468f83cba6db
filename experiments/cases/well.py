"""The modes of a particle in a well; ħ = m = 1."""

from pinn import Interval, Problem, integral, residual


class Well(Problem):
    """−½ψ″ = Eψ on [0, 1], ψ = 0 at the ends, ∫ ψ² dx = 1: E = n²π²/2."""

    fields = ("psi",)
    space = Interval(x=(0.0, 1.0))
    E: float = 1.0

    @integral(over="interior")
    def norm(self, psi):
        return psi**2

    @residual(on="interior")
    def schroedinger(self, psi, psi_xx):
        return -psi_xx / 2 - self.E * psi

    @residual(on="interior")
    def normalized(self, norm):
        return norm - 1

    @residual(on="boundary")
    def walls(self, psi):
        return psi


RUNS = {"modes 1, 2 and 3": {"problem": Well(unknowns={"E": 1.0}), "modes": 3}}
