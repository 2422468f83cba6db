"""A European call (deepxde#623); money, years."""

from typing import ClassVar

import numpy as np
import tensorflow as tf
from scipy.special import ndtr

from pinn import At, Interval, Problem, positive, residual


class Call(Problem):
    """V_t + ½ σ² S² V_SS + r S V_S − r V = 0, V = max(S − K, 0) at t = 1; K = 100, r = 0.1."""

    fields = ("V",)
    space = Interval(S=(0.0, 300.0))
    time = (0.0, 1.0)
    regions: ClassVar = {"expiry": At(t=1.0)}
    K: float = positive(100.0)
    r: float = positive(0.1)
    sigma: float = positive(0.2)

    @residual(on="interior")
    def no_arbitrage(self, S, V, V_t, V_S, V_SS):
        return V_t + 0.5 * self.sigma**2 * S**2 * V_SS + self.r * S * V_S - self.r * V

    @residual(on="expiry")
    def payoff(self, S, V):
        return V - tf.maximum(S - self.K, 0.0)

    @residual(on="S-")
    def worthless(self, V):
        return V

    @residual(on="S+")
    def deep(self, S, t, V):
        return V - S + self.K * tf.exp(-self.r * (1 - t))

    def reference(self, S, t):
        left = np.maximum(1 - t, 1e-12)
        spread = self.sigma * np.sqrt(left)
        d1 = (np.log(np.maximum(S, 1e-12) / self.K) + self.r * left) / spread + spread / 2
        return {"V": S * ndtr(d1) - self.K * np.exp(-self.r * left) * ndtr(d1 - spread)}


class SmallCall(Call):
    """The same with K = 50 and r = 0.05."""

    space = Interval(S=(0.0, 150.0))


RUNS = {"K = 100": {"problem": Call()}, "K = 50": {"problem": SmallCall(K=50.0, r=0.05)}}
