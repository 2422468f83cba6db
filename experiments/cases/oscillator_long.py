"""An oscillator on a long interval, started in its middle (deepxde#321); dimensionless."""

from math import sqrt
from typing import ClassVar

import numpy as np

from pinn import At, Interval, Points, Problem, Subdomains, correction, mlp, residual, two_phases


class LongOscillator(Problem):
    """½ y″ + y = 0 on [−300, 300], y(0) = 1, y′(0) = 0, that is y = cos(√2 x)."""

    fields = ("y",)
    space = Interval(x=(-300.0, 300.0))
    regions: ClassVar = {"middle": At(x=0.0)}

    @residual(on="interior")
    def spring(self, y, y_xx):
        return 0.5 * y_xx + y

    @residual(on="middle")
    def start(self, y):
        return y - 1

    @residual(on="middle")
    def start_slope(self, y_x):
        return y_x

    def reference(self, x):
        return {"y": np.cos(sqrt(2) * x)}


RUNS = {"[−300, 300]": {"problem": LongOscillator()}}
# A small network for every 6 of the length, and all of them corrected at once.
PARTS = {"width": 6, "depth": 1, "subdomains": Subdomains(counts={0: 100})}
DOCUMENTED = {
    "[−300, 300]": {
        "network": mlp(lower=[-300.0], upper=[300.0], outputs=1, seed=0, **PARTS),
        "points": Points(counts={"interior": 4000, "boundary": 1}),
        "phases": [*two_phases(explore=100, polish=100), correction()],
    },
}
