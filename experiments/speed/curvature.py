"""The cost of an iteration of Gauss–Newton and of self-scaled Broyden, and its unavoidable part.

python experiments/speed/curvature.py
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# isort: off
import pinn  # noqa: F401 (first, because it sets flags that TensorFlow and OpenBLAS read)
import numpy as np
import tensorflow as tf
# isort: on

from pinn.objective import LeastSquares, Objective
from pinn.optimizers import GaussNewton, Minimization, SSBroyden
from pinn.optimizers.normal_equations import Gram
from pinn.problems import Burgers
from pinn.runtime import configure, set_precision
from pinn.setup import Points
from pinn.setup.draws import Draws
from pinn.setup.network import default_network
from pinn.training import StopRule
from pinn.versions import machine

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import markdown_table, replace, write_json

HERE = Path(__file__).parent
CASES = [(20, 8000), (20, 16000), (30, 8000)]  # width of three layers, points
ITERATIONS = {"Gauss-Newton": 20, "SSBroyden": 300}


def seconds(function: Callable[[], Any], count: int = 7) -> float:
    """Return the median time of `count` calls, after one that is not timed."""
    function()
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def iteration(optimizer: Any, objective: Objective, squares: LeastSquares, batch: Any) -> float:
    """Return the seconds of an iteration, after as many that are not timed."""
    count = ITERATIONS[optimizer.label]
    bound = optimizer.bind(Minimization(objective.value_and_gradient, residuals=squares))
    limits = StopRule().limits(objective.dtype)
    state = bound.start(objective.flat.flatten(), batch)
    state, _ = bound.advance(state, batch, tf.constant(count), limits)
    begin = time.perf_counter()
    bound.advance(state, batch, tf.constant(count), limits)
    return (time.perf_counter() - begin) / count


def case(width: int, points: int) -> dict[str, float]:
    """Return the seconds of one case."""
    network = default_network(Burgers(), seed=0, width=width, depth=3)
    objective = Objective(Burgers(), network, hard=True)
    squares = LeastSquares(objective)
    size = objective.flat.size
    batch = Draws(Points(counts={"interior": points}), objective, None, seed=0).batch(0, {})
    theta = objective.flat.flatten()
    blocks = [(np.array(r), np.array(c)) for r, c in squares.jacobian(theta, batch)]
    gram = Gram(blocks, size)
    return {
        "width": width,
        "points": points,
        "weights": size,
        "gram": seconds(lambda: Gram(blocks, size)),
        "factorization": seconds(lambda: gram.damped(1e-3 * gram.unit)),
        "jacobian": seconds(lambda: list(squares.jacobian(theta, batch))),
        "gauss_newton": iteration(GaussNewton(), objective, squares, batch),
        "evaluation": seconds(lambda: objective.value_and_gradient(theta, batch)[1].numpy()),
        "ssbroyden": iteration(SSBroyden(), objective, squares, batch),
    }


def table(cases: list[dict[str, float]]) -> str:
    """Return the times of all cases in milliseconds, and the iterations relative to their parts."""
    head = (
        "network",
        "parameters",
        "points",
        "Gram",
        "factorization",
        "Jacobian",
        "Gauss–Newton iteration",
        "over Gram + factorization",
        "loss and gradient",
        "SSBroyden iteration",
        "over it",
    )
    rows = []
    for times in cases:
        unavoidable = times["gram"] + times["factorization"]
        rows.append(
            [
                f"3×{times['width']}",
                str(times["weights"]),
                str(times["points"]),
                milliseconds(times["gram"]),
                milliseconds(times["factorization"]),
                milliseconds(times["jacobian"]),
                milliseconds(times["gauss_newton"]),
                f"{times['gauss_newton'] / unavoidable:.2f}",
                milliseconds(times["evaluation"]),
                milliseconds(times["ssbroyden"]),
                f"{times['ssbroyden'] / times['evaluation']:.2f}",
            ]
        )
    return markdown_table(head, rows)


def milliseconds(value: float) -> str:
    """Return seconds as a number of milliseconds."""
    return f"{1e3 * value:.3g}"


def main() -> None:
    """Measure every case, and write the results and the table."""
    configure(device="cpu")
    set_precision("float64")
    results = {"machine": machine(), "cases": [case(*c) for c in CASES]}
    write_json(HERE / "curvature.json", results)
    text = table(results["cases"])
    note = f"Milliseconds; {results['machine']}; float64."
    replace(HERE / "README.md", "curvature", f"{text}\n\n{note}")
    print(text)


if __name__ == "__main__":
    main()
