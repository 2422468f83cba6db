"""Compare the estimated error of many runs with the true one.

python experiments/errors/run.py [--only NAME…] [--table]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from pinn.runtime import prepare_process

prepare_process()

import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from pinn import GaussNewton, Phase, Points, Solution, problems, solve, two_phases  # noqa: E402
from pinn.norms import relative_l2  # noqa: E402
from pinn.objective import draw  # noqa: E402
from pinn.versions import cores, machine  # noqa: E402

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import record  # noqa: E402
from record import markdown_table, write_json  # noqa: E402

RESULTS = HERE / "results.json"
FACTOR = 5.0
KEYS = ("true", "estimated", "corrected")
# Problem, optimizer of the second phase, iterations of both: long runs and short ones.
RUNS = (
    ("AllenCahn", "SSBroyden", 300, 1000),
    ("Burgers", "SSBroyden", 300, 1000),
    ("Burgers", "GaussNewton", 200, 100),
    ("Cavity", "SSBroyden", 300, 1000),
    ("Convection", "SSBroyden", 300, 500),
    ("Heat", "SSBroyden", 200, 300),
    ("Heat", "GaussNewton", 100, 100),
    ("HeatMultiscale", "SSBroyden", 200, 500),
    ("HeatOven", "SSBroyden", 200, 500),
    ("Helmholtz", "SSBroyden", 300, 800),
    ("KdV", "SSBroyden", 300, 800),
    ("KdVSolitons", "SSBroyden", 300, 800),
    ("KleinGordon", "SSBroyden", 300, 800),
    ("KleinGordon", "GaussNewton", 100, 100),
    ("Kovasznay", "SSBroyden", 300, 500),
    ("Kovasznay", "GaussNewton", 100, 100),
    ("NonlinearPoisson", "SSBroyden", 200, 500),
    ("Poisson", "SSBroyden", 200, 300),
    ("Poisson5D", "SSBroyden", 200, 300),
    ("PoissonBoltzmann", "SSBroyden", 200, 500),
    ("PoissonHoles", "SSBroyden", 200, 500),
    ("Reaction", "SSBroyden", 300, 500),
    ("Robertson", "SSBroyden", 300, 2000),
    ("Robertson", "GaussNewton", 300, 100),
    ("Schrodinger", "SSBroyden", 300, 800),
    ("TaylorGreen", "SSBroyden", 300, 500),
    ("Wave", "SSBroyden", 300, 800),
    ("Wave", "GaussNewton", 100, 100),
)


def phases(optimizer: str, explore: int, polish: int) -> list[Phase]:
    """Return the standard phases with an optimizer for the second one."""
    first, second = two_phases(explore=explore, polish=polish)
    if optimizer == "GaussNewton":
        second = replace(second, optimizer=GaussNewton(), redraw_every=None)
    return [first, second]


def measured(name: str, optimizer: str, explore: int, polish: int) -> dict[str, Any]:
    """Return the true and the estimated errors of a run, by quantity."""
    begin = time.perf_counter()
    solution = solve(
        getattr(problems, name)(),
        phases=phases(optimizer, explore, polish),
        points=Points(test=2000),
        windows=1,
        seed=0,
        show=False,
    )
    estimated = solution.metrics["estimated_error"]
    quantities = {}
    corrected = errors_of_corrected(solution)
    for quantity, error in solution.metrics["relative_l2"].items():
        quantities[quantity] = {
            "true": error,
            "estimated": estimated[quantity],
            "corrected": corrected[quantity],
        }
    return {
        "quantities": quantities,
        "seconds": time.perf_counter() - begin,
        "machine": machine(),
        "cores": cores(),
    }


def errors_of_corrected(solution: Solution) -> dict[str, float]:
    """Return the relative L2 errors of the corrected functions at points of their own."""
    problem = solution.problem
    points = draw(problem, "interior", 2000, method="uniform", seed=1).coordinates
    points = problem.on_grid(points)
    columns = dict(zip(problem.coordinates, points.T, strict=True))
    truth = problem.with_derived(problem.reference_at(points), points)
    found = {}
    for name, values in solution.corrected(**columns).items():
        if name in problem.gauge:
            values = values - np.mean(values - truth[name])
        found[name] = relative_l2(values, truth[name])
    return found


def rows_of(results: dict[str, Any]) -> list[tuple[str, str, float, float, float]]:
    """Return run, quantity, true and estimated error, and that of the corrected solution."""
    rows: list[tuple[str, str, float, float, float]] = []
    for run, result in results.items():
        for quantity, errors in result["quantities"].items():
            rows.append((run, quantity, *(errors[key] for key in KEYS)))
    return rows


def publish(results: dict[str, Any]) -> str:
    """Write table and picture, and return the table."""
    rows = rows_of(results)
    cells = []
    for run, quantity, *errors in rows:
        ratio = f"{errors[1] / errors[0]:.2g}"
        cells.append((run, quantity, *(f"{error:.1e}" for error in errors), ratio))
    true = np.array([row[2] for row in rows])
    ratios = np.array([row[3] for row in rows]) / true
    gained = np.median(true / np.array([row[4] for row in rows]))
    within = np.mean((ratios > 1 / FACTOR) & (ratios < FACTOR))
    low = np.mean(ratios < 1 / 3)
    text = markdown_table(("run", "quantity", *KEYS, "estimated / true"), cells)
    machines = sorted({result["machine"] for result in results.values()})
    text += (
        f"\n\n{100 * within:.0f} % of {len(rows)} estimates are within a factor of {FACTOR:g} of "
        f"the true relative L2 error, and {100 * low:.0f} % are below a third of it. The median "
        f"of the true error over that of the corrected solution is {gained:.0f}.\n\n"
        f"Measured on: {'; '.join(machines)}, {cores()} cores, Linux; float64, one seed."
    )
    record.replace(HERE / "README.md", "results", text)
    _draw(rows)
    return text


def _draw(rows: list[tuple[str, str, float, float, float]]) -> None:
    """Draw estimated over true errors, with the lines of equality and of the factor."""
    figure = Figure(figsize=(4.2, 4.0), layout="constrained")
    axes = figure.subplots()
    true = np.array([row[2] for row in rows])
    estimated = np.array([row[3] for row in rows])
    ends = np.array([min(true.min(), estimated.min()) / 3, max(true.max(), estimated.max()) * 3])
    axes.fill_between(ends, ends / FACTOR, ends * FACTOR, color="#EEEEEE")
    axes.loglog(ends, ends, color="#666666", linewidth=0.8)
    axes.loglog(true, estimated, "o", markersize=4)
    axes.set(xlim=ends, ylim=ends, xlabel="true relative $L^2$ error")
    axes.set_ylabel("estimated relative $L^2$ error")
    figure.savefig(HERE / "errors.png", dpi=150)


def main() -> None:
    """Run what has no result yet, and write results, table and picture after each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run these problems anew")
    parser.add_argument("--table", action="store_true", help="write the table, and run nothing")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name, optimizer, explore, polish in () if arguments.table else RUNS:
        key = f"{name}, Adam {explore}, {optimizer} {polish}"
        chosen = name in arguments.only if arguments.only else key not in results
        if chosen:
            results[key] = measured(name, optimizer, explore, polish)
            print(f"{key}: {results[key]['quantities']}", flush=True)
            write_json(RESULTS, results)
            publish(results)
    print(publish(results))


if __name__ == "__main__":
    main()
