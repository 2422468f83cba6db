"""Compare the estimated error of many runs with the true one, before and after a correction.

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

from pinn import GaussNewton, Phase, Points, correction, problems, solve, two_phases  # noqa: E402
from pinn.versions import cores, machine  # noqa: E402

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import record  # noqa: E402
from record import markdown_table, told_verdicts, write_json  # noqa: E402

RESULTS = HERE / "results.json"
FACTOR = 5.0
COLUMNS = ("true", "estimated", "estimated / true", "corrected", "its estimate", "ratio", "verdict")
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
    """Return the true and the estimated errors of a run, by quantity, and those once corrected.

    The verdict is that of the last.
    """
    begin = time.perf_counter()
    two = phases(optimizer, explore, polish)
    found: dict[str, Any] = {}
    found["plain"], found["verdict"] = errors(name, two)
    if optimizer == "SSBroyden":
        found["corrected"], found["verdict"] = errors(name, [*two, correction()])
    return {
        **found,
        "seconds": time.perf_counter() - begin,
        "machine": machine(),
        "cores": cores(),
    }


def errors(name: str, run: list[Phase]) -> tuple[dict[str, list[float]], str]:
    """Return the true and the estimated error of every quantity of a run, and its verdict."""
    solution = solve(
        getattr(problems, name)(),
        phases=run,
        points=Points(test=2000),
        windows=1,
        seed=0,
        show=False,
    )
    estimated = solution.metrics["estimated_error"]
    true = solution.metrics["relative_l2"]
    pairs = {quantity: [error, estimated[quantity]] for quantity, error in true.items()}
    return pairs, solution.metrics["verdict"]


def rows_of(results: dict[str, Any]) -> list[tuple[str, str, list[float], list[float], str]]:
    """Return run and quantity, their true and estimated error, both once corrected, and verdict."""
    rows: list[tuple[str, str, list[float], list[float], str]] = []
    for run, result in results.items():
        for quantity, pair in result["plain"].items():
            after = result.get("corrected", {}).get(quantity, [])
            rows.append((run, quantity, pair, after, result["verdict"]))
    return rows


def publish(results: dict[str, Any]) -> str:
    """Write table and picture, and return the table."""
    rows = rows_of(results)
    cells = []
    for run, quantity, *pairs, verdict in rows:
        texts = [text for pair in pairs for text in _texts(pair)]
        cells.append((run, quantity, *texts, verdict))
    plain = np.array([pair for _, _, pair, _, _ in rows])
    pairs = [(before[0], *after) for _, _, before, after, _ in rows if after]
    before, after, estimated = np.array(pairs).T
    text = markdown_table(("run", "quantity", *COLUMNS), cells)
    answers = []
    for run, result in results.items():
        quantities = result.get("corrected") or result["plain"]
        error = max(true for true, _ in quantities.values())
        answers.append((run, result["verdict"], error))
    machines = sorted({result["machine"] for result in results.values()})
    text += (
        f"\n\nOf the solutions, {_told(plain[:, 0], plain[:, 1])}. Of the corrected ones, "
        f"{_told(after, estimated)}. A correction lowers {np.sum(after < before)} of {len(pairs)} "
        f"true errors, by a factor of {np.median(before / after):.0f} (median), and raises "
        f"{np.sum(after > 1.1 * before)} by more than a tenth. {told_verdicts(answers)}"
        f"\n\nMeasured on: {'; '.join(machines)}, {cores()} cores; float64, one seed."
    )
    record.replace(HERE / "README.md", "results", text)
    _draw(plain, np.stack([after, estimated], 1))
    return text


def _texts(pair: list[float]) -> tuple[str, ...]:
    """Return a true and an estimated error, and their ratio, as text."""
    if not pair:
        return ("", "", "")
    return (f"{pair[0]:.1e}", f"{pair[1]:.1e}", f"{pair[1] / pair[0]:.2g}")


def _told(true: np.ndarray, estimated: np.ndarray) -> str:
    """Return in words how near estimates are to true errors."""
    ratios = estimated / true
    within = np.mean((ratios > 1 / FACTOR) & (ratios < FACTOR))
    return (
        f"{100 * within:.0f} % of {len(true)} estimates are within a factor of {FACTOR:g} of the "
        f"true relative L2 error, and {100 * np.mean(ratios < 1 / 3):.0f} % below a third of it"
    )


def _draw(plain: np.ndarray, corrected: np.ndarray) -> None:
    """Draw estimated over true errors, with the lines of equality and of the factor."""
    figure = Figure(figsize=(4.2, 4.0), layout="constrained")
    axes = figure.subplots()
    everything = np.concatenate([plain, corrected])
    ends = np.array([everything.min() / 3, everything.max() * 3])
    axes.fill_between(ends, ends / FACTOR, ends * FACTOR, color="#EEEEEE")
    axes.loglog(ends, ends, color="#666666", linewidth=0.8)
    axes.loglog(*plain.T, "o", markersize=4, label="two phases")
    axes.loglog(*corrected.T, "D", markersize=3.5, label="and the correction")
    axes.set(xlim=ends, ylim=ends, xlabel="true relative $L^2$ error")
    axes.set_ylabel("estimated relative $L^2$ error")
    axes.legend(loc="upper left", frameon=False)
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
            print(f"{key}: {results[key]}", flush=True)
            write_json(RESULTS, results)
            publish(results)
    print(publish(results))


if __name__ == "__main__":
    main()
