"""A displacement from measured curvature (deepxde#208); dimensionless."""

from pathlib import Path

import numpy as np

from pinn import DataFile, Interval, Problem, residual


class StrainData(Problem):
    """u_xx was measured at 100 points of [0, 1], and the end at 0 is clamped."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="x-")
    def end(self, u):
        return u

    @residual(on="x-")
    def end_slope(self, u_x):
        return u_x

    def reference(self, x):
        return {"u": (1 - np.cos(3 * x)) / 9}


MEASURED = DataFile(
    path=str(Path(__file__).parent / "data" / "strain_data.csv"), fields={"u_xx": "strain"}
)
RUNS = {"100 points": {"problem": StrainData(), "data": MEASURED}}
