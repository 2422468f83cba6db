"""How far 1 % noise alone may move the two coefficients: the standard errors of the recorded inverse runs.

Near its minimum the loss |r|² moves with noise ε in the data by δθ = −(JᵀJ + λI)⁻¹ Jᵀε, so the estimate's
covariance is that matrix's on both sides of Jᵀ cov(ε) J.  λ holds the weights that nothing determines.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from pinn import load
from pinn.objective import LeastSquares
from pinn.training import Points

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import ROOT, replace

HERE = Path(__file__).parent
ROW, RIDGE = "burgers_inverse_noise", 1e-12  # λ in units of the mean diagonal; ten times more or less changes nothing


def standard_errors(seed: int) -> dict[str, dict[str, float]]:
    """Return error and standard error for λ1 and ν of one recorded run."""
    runs = (ROOT / "outputs" / "foundation" / f"{ROW}_{seed}").rglob("metrics.json")
    folder = max(runs, key=lambda p: p.stat().st_mtime).parent
    solution = load(folder)
    objective, theta, sets = solution.objective, solution.theta, solution.points
    batch = Points().batch(objective, sets)
    squares, size = LeastSquares(objective), len(theta)
    gram, noisy = np.zeros((size, size)), np.zeros((size, size))
    for region, pieces in batch.points.items():
        for _, columns in squares.jacobian(theta, batch._replace(points={region: pieces})):
            gram += columns @ columns.T
            noisy += columns @ columns.T if region == "data" else 0.0
    values = sets["data"].values["u"]
    misfit = np.std(values - solution(**dict(zip("xt", sets["data"].coordinates.T, strict=True)))["u"])
    variance = misfit**2 * float(dict(zip([t.name for t in objective.terms], objective.weights, strict=True))["data_u"])
    variance /= len(values)
    damped = gram + RIDGE * np.trace(gram) / size * np.eye(size)
    spread = np.linalg.solve(damped, np.linalg.solve(damped, noisy).T)
    found = {}
    for i, (name, unknown) in enumerate(solution.metrics["unknowns"].items(), start=size - len(objective.unknowns)):
        with tf.GradientTape() as tape:
            tape.watch(theta)
            value = objective.coefficients(theta)[name]
        slope = float(tf.convert_to_tensor(tape.gradient(value, theta))[i])
        deviation = float(np.sqrt(variance * spread[i, i])) * abs(slope) / abs(unknown["truth"])
        found[name] = {"error": unknown["relative_error"], "standard error": deviation}
    return found


def main() -> None:
    found = {seed: standard_errors(seed) for seed in range(3)}
    (HERE / "noise.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = ["| seed | coefficient | relative error | standard error that the noise alone makes |", "|---|---|---|---|"]
    for seed, coefficients in found.items():
        for name, f in coefficients.items():
            lines.append(f"| {seed} | {name} | {f['error']:.1e} | {f['standard error']:.1e} |")
    replace(HERE / "README.md", "noise", "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
