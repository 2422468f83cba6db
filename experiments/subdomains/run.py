"""Find two coefficients of a damped oscillation over 32 periods, with one network and with parts.

python experiments/subdomains/run.py
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

from pinn.runtime import prepare_process

prepare_process()

import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from pinn import (  # noqa: E402
    GaussNewton,
    Phase,
    Points,
    Problem,
    Solution,
    StopRule,
    Subdomains,
    Synthetic,
    residual,
    solve,
)
from pinn.setup.network import default_network  # noqa: E402

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from record import markdown_table, replace, write_json  # noqa: E402

NETWORKS: dict[str, dict[str, Any]] = {
    "one network, 20 units": {"width": 20},
    "16 parts, 6 units each": {"width": 6, "subdomains": Subdomains(counts={"t": 16})},
}
HEAD = ("network", "parameters", "c (0.05)", "k (4)", "relative L2 error of y")


class Oscillation(Problem):
    """y″ + c y′ + k y = 0 from y = 1 at rest, nearly; c and k are unknown; dimensionless."""

    fields = ("y",)
    time = (0.0, 100.0)
    c: float = 0.05
    k: float = 4.0

    @residual(on="interior")
    def spring(self, y, y_t, y_tt):
        return y_tt + self.c * y_t + self.k * y

    @residual(on="initial")
    def start(self, y):
        return y - 1

    @residual(on="initial")
    def rest(self, y_t):
        return y_t

    def reference(self, t):
        decay = self.c / 2
        omega = np.sqrt(self.k - decay**2)
        wave = np.cos(omega * t) + decay / omega * np.sin(omega * t)
        return {"y": np.exp(-decay * t) * wave}


def solved(settings: dict[str, Any]) -> Solution:
    """Return the solution with a network, from 400 values with 2 % noise."""
    unknowns = {"c": {"start": 0.2, "lower": 0.0}, "k": {"start": 3.0, "lower": 0.0}}
    problem = Oscillation(unknowns=unknowns)
    polish = Phase(name="polish", optimizer=GaussNewton(), stop=StopRule(max_iterations=100))
    return solve(
        problem,
        network=default_network(problem, seed=0, depth=2, **settings),
        data=Synthetic(count=400, noise=0.02),
        points=Points(counts={"interior": 1000, "initial": 1}),
        phases=[polish],
        seed=0,
        show=False,
    )


def main() -> None:
    """Solve with every network, and write results, table and picture."""
    warnings.simplefilter("ignore")
    results = {}
    rows = []
    t = np.linspace(0, 100, 2001)
    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    panels = figure.subplots(len(NETWORKS), 1, sharex=True, sharey=True)
    for (name, settings), panel in zip(NETWORKS.items(), panels, strict=True):
        solution = solved(settings)
        error = solution.metrics["relative_l2"]["y"]
        count = solution.metrics["parameters"]
        results[name] = {"parameters": count, "error": error, **solution.unknowns}
        found = [f"{solution.unknowns[c]:.5g}" for c in ("c", "k")]
        rows.append([name, str(count), *found, f"{error:.1e}"])
        panel.plot(t, Oscillation().reference(t)["y"], color="0.3", lw=1.6, label="exact")
        panel.plot(t, solution(t=t)["y"], color="tab:orange", ls=(0, (4, 2)), label="prediction")
        panel.set_title(name, fontsize=9)
        panel.set_ylabel("$y$", rotation=0)
        panel.margins(x=0)
    panels[-1].set_xlabel("$t$")
    panels[0].legend(loc="upper right", ncols=2, fontsize=8)
    figure.savefig(HERE / "subdomains.png", dpi=120)
    write_json(HERE / "results.json", results)
    replace(HERE / "README.md", "results", markdown_table(HEAD, rows))


if __name__ == "__main__":
    main()
