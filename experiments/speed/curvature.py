"""What an iteration of Gauss–Newton and of self-scaled Broyden costs, beside what it cannot do without.

python experiments/speed/curvature.py
"""

from __future__ import annotations

import json
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
from record import replace

HERE = Path(__file__).parent
CASES = [(20, 8000), (20, 16000), (30, 8000)]  # width of three layers, points
ITERATIONS = {"Gauss-Newton": 20, "SSBroyden": 300}


def seconds(function: Callable[[], Any], count: int = 7) -> float:
    """Return the median time of a call, the first one apart."""
    function()
    found = []
    for _ in range(count):
        begin = time.perf_counter()
        function()
        found.append(time.perf_counter() - begin)
    return float(np.median(found))


def iteration(optimizer: Any, objective: Objective, squares: LeastSquares, batch: Any) -> float:
    """Return the seconds of an iteration, from a start that some iterations have left behind."""
    count = ITERATIONS[optimizer.label]
    bound, limits = (
        optimizer.bind(Minimization(objective.value_and_gradient, residuals=squares)),
        StopRule().limits(objective.dtype),
    )
    state = bound.start(objective.flat.flatten(), batch)
    state, _ = bound.advance(state, batch, tf.constant(count), limits)
    begin = time.perf_counter()
    bound.advance(state, batch, tf.constant(count), limits)
    return (time.perf_counter() - begin) / count


def case(width: int, points: int) -> dict[str, float]:
    """Return the seconds of one case."""
    network = default_network(Burgers(), seed=0, width=width, depth=3)
    objective = Objective(Burgers(), network, hard=True)
    squares, size = LeastSquares(objective), objective.flat.size
    batch = Draws(Points(counts={"interior": points}), objective, None, seed=0).batch(0, {})
    theta = objective.flat.flatten()
    pieces = [(np.array(r), np.array(c)) for r, c in squares.jacobian(theta, batch)]
    gram = Gram(pieces, size)
    return {
        "width": width,
        "points": points,
        "weights": size,
        "gram": seconds(lambda: Gram(pieces, size)),
        "factorization": seconds(lambda: gram.damped(1e-3 * gram.unit)),
        "jacobian": seconds(lambda: list(squares.jacobian(theta, batch))),
        "gauss_newton": iteration(GaussNewton(), objective, squares, batch),
        "evaluation": seconds(lambda: objective.value_and_gradient(theta, batch)[1].numpy()),
        "ssbroyden": iteration(SSBroyden(), objective, squares, batch),
    }


def main() -> None:
    """Measure every case and write what was found."""
    configure(device="cpu")
    set_precision("float64")
    found = {"machine": machine(), "cases": [case(*c) for c in CASES]}
    (HERE / "curvature.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = [
        "| network | weights | points | Gram | factorization | Jacobian | Gauss–Newton iteration | over Gram + "
        "factorization | loss and gradient | SSBroyden iteration | over it |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for c in found["cases"]:
        ms = {k: f"{1e3 * v:.3g}" for k, v in c.items()}
        lines.append(
            f"| 3×{c['width']} | {c['weights']} | {c['points']} | {ms['gram']} | {ms['factorization']} | "
            f"{ms['jacobian']} | {ms['gauss_newton']} | {c['gauss_newton'] / (c['gram'] + c['factorization']):.2f} | "
            f"{ms['evaluation']} | {ms['ssbroyden']} | {c['ssbroyden'] / c['evaluation']:.2f} |"
        )
    text = "\n".join(lines)
    replace(
        HERE / "README.md", "curvature", f"{text}\n\nMilliseconds; {found['machine']}; float64."
    )
    print(text)


if __name__ == "__main__":
    main()
