"""An American put, which may be exercised at any time; money, years."""

from typing import ClassVar

import tensorflow as tf

from pinn import At, Interval, Problem, complementarity, positive, residual


class Put(Problem):
    """V ≥ K − S, and V_t + ½ σ² S² V_SS + r S V_S − r V ≤ 0 with equality where V > K − S."""

    fields = ("V",)
    space = Interval(S=(0.0, 4.0))
    time = (0.0, 1.0)
    regions: ClassVar = {"expiry": At(t=1.0)}
    K: float = positive(1.0)
    r: float = positive(0.05)
    sigma: float = positive(0.2)

    @complementarity(on="interior")
    def early_exercise(self, S, V, V_t, V_S, V_SS):
        loss = self.r * V - V_t - 0.5 * self.sigma**2 * S**2 * V_SS - self.r * S * V_S
        return loss, V - tf.maximum(self.K - S, 0.0)

    @residual(on="expiry")
    def payoff(self, S, V):
        return V - tf.maximum(self.K - S, 0.0)

    @residual(on="S-")
    def worthless(self, V):
        return V - self.K

    @residual(on="S+")
    def far(self, V):
        return V


RUNS = {"K = 1": {"problem": Put()}}
