"""A hot steel plate that is quenched (deepxde#61); m, kg, s, K."""

from settings import towards_jumps

from pinn import Problem, Rectangle, positive, residual


class SteelPlate(Problem):
    """ρ c T_t = k ΔT in 0.04 m × 0.02 m, from 1000 K, walls at 300 K, for 30 s."""

    fields = ("T",)
    space = Rectangle(x=(0.0, 0.04), y=(0.0, 0.02))
    time = (0.0, 30.0)
    log_time = 0.1
    rho: float = positive(8000.0)
    c: float = positive(500.0)
    k: float = positive(200.0)

    @residual(on="interior")
    def heat(self, T_t, T_xx, T_yy):
        return self.rho * self.c * T_t - self.k * (T_xx + T_yy)

    @residual(on="initial")
    def hot(self, T):
        return T - 1000

    @residual(on="boundary")
    def walls(self, T):
        return T - 300


RUNS = {"30 s": {"problem": SteelPlate()}}
DOCUMENTED = {"30 s": towards_jumps()}
