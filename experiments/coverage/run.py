"""Do the standard errors of unknown coefficients hold what they promise?  Fifty draws of noise on one problem.

The heat equation's diffusivity from 60 values with 5 % noise, a network of two layers of six units,
Gauss–Newton. Every draw starts from the fit without noise and goes to the minimum; points are the
same, noise is not.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from pinn import mlp
from pinn.measurements import Synthetic
from pinn.objective import LeastSquares, Objective, standard_errors
from pinn.optimizers import GaussNewton, Limits, Minimization
from pinn.problems import Heat
from pinn.runtime import configure, set_precision
from pinn.setup import Points
from pinn.setup.draws import Draws

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import replace

HERE = Path(__file__).parent
DRAWS, COUNT, NOISE = 50, 60, 0.05
WEIGHTS = {"the equation's weight 1": 1.0, "the equation's weight 100": 100.0}
# Nearly all fits end at a relative change of the loss that no test could see sooner.
LIMITS = Limits(*(tf.constant(v, tf.float64) for v in (-1.0, -1.0, 1e-10, 1e-12)), tf.constant(-1))


def fits(weight: float) -> list[dict[str, float]]:
    """Return the estimate and its standard error for every draw."""
    problem = Heat(unknowns={"alpha": {"start": 0.5, "lower": 0.0}})
    network = mlp(lower=[0, 0], upper=[1, 1], outputs=1, width=6, depth=2)
    objective = Objective(problem, network, hard=True, weights={"heat": weight}, measured=("u",))
    points = Points(counts={"interior": 200, "boundary": 4}, block=100)
    clean = Synthetic(count=COUNT).measure(problem)
    draws = Draws(points, objective, clean, seed=0)
    sets = draws.sets(0, {})
    squares = LeastSquares(objective)
    bound = GaussNewton().bind(Minimization(objective.value_and_gradient, residuals=squares))

    def minimum(theta: tf.Tensor, values: np.ndarray) -> tuple[tf.Tensor, object]:
        batch = draws.cut(sets | {"data": clean._replace(values={"u": values})})
        state, _ = bound.advance(bound.start(theta, batch), batch, tf.constant(300), LIMITS)
        return state.best_position, batch

    truth = clean.values["u"]
    exact, _ = minimum(objective.flat.flatten(), truth)
    found = []
    for draw in range(DRAWS):
        noise = NOISE * np.std(truth) * np.random.default_rng(draw).standard_normal(COUNT)
        theta, batch = minimum(exact, truth + noise)
        error = standard_errors(squares, theta, batch)["alpha"]
        found.append(
            {"estimate": float(objective.coefficients(theta)["alpha"]), "standard error": error}
        )
        print(draw, found[-1], flush=True)
    return found


def table(found: dict[str, list[dict[str, float]]], truth: float) -> str:
    """Return what is to be seen: how often the truth is within one and two standard errors."""
    lines = [
        "| | mean estimate | spread of the estimates | mean standard error | within 1 | within 1.96 |"
    ]
    lines.append("|---|---|---|---|---|---|")
    for name, rows in found.items():
        estimates, errors = (
            np.array([row[k] for row in rows]) for k in ("estimate", "standard error")
        )
        inside = [int(np.sum(np.abs(estimates - truth) <= k * errors)) for k in (1, 1.96)]
        spread = np.std(estimates, ddof=1)
        lines.append(
            f"| {name} | {np.mean(estimates):.5f} | {spread:.1e} | {np.mean(errors):.1e} "
            f"| {inside[0]} of {len(rows)} | {inside[1]} of {len(rows)} |"
        )
    return "\n".join([*lines, "", _expected(DRAWS, truth)])


def _expected(draws: int, truth: float) -> str:
    share = 0.6827, 0.95
    means, spreads = [draws * p for p in share], [np.sqrt(draws * p * (1 - p)) for p in share]
    told = " and ".join(f"{m:.1f} ± {s:.1f}" for m, s in zip(means, spreads, strict=True))
    return f"The truth is {truth}. Exact coverage would give {told}."


def picture(found: dict[str, list[dict[str, float]]], truth: float) -> None:
    """Draw every estimate with its standard error."""
    figure = Figure(figsize=(8, 2.6 * len(found)), layout="constrained")
    axes = figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, rows) in zip(axes, found.items(), strict=True):
        estimates, errors = (
            np.array([row[k] for row in rows]) for k in ("estimate", "standard error")
        )
        missed = np.abs(estimates - truth) > 1.96 * errors
        for chosen, color in ((~missed, "C0"), (missed, "C3")):
            axis.errorbar(
                np.flatnonzero(chosen),
                estimates[chosen],
                1.96 * errors[chosen],
                fmt="o",
                ms=3,
                color=color,
            )
        axis.axhline(truth, color="0.3", ls="--", lw=0.8)
        axis.set_title(name, fontsize=10)
        axis.set_ylabel("diffusivity, ± 1.96 s.e.")
    axes[-1].set_xlabel("draw of the noise")
    figure.savefig(HERE / "coverage.png", dpi=150)


def main() -> None:
    configure(device="cpu")
    set_precision("float64")
    path = HERE / "results.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    for name, weight in WEIGHTS.items():
        if name not in found:
            found[name] = fits(weight)
            path.write_text(json.dumps(found, indent=1) + "\n")
    text = table(found, Heat().alpha)
    replace(HERE / "README.md", "results", text)
    picture(found, Heat().alpha)
    print(text)


if __name__ == "__main__":
    main()
