"""Do the standard errors of unknown coefficients cover the truth as often as they should?

The study estimates the diffusivity of the heat equation from 60 values with 5 % noise, for fifty
draws of the noise on the same points, by Gauss–Newton with a network of two layers of six units.
Every fit starts from the fit without noise and ends in a minimum.
"""

import json
import sys
from pathlib import Path
from typing import TypedDict

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from pinn import mlp
from pinn.measurements import Synthetic
from pinn.objective import Batch, LeastSquares, Objective, standard_errors
from pinn.optimizers import GaussNewton, Limits, Minimization
from pinn.problems import Heat
from pinn.runtime import configure, set_precision
from pinn.setup import Points
from pinn.setup.draws import Draws

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import markdown_table, replace, write_json

HERE = Path(__file__).parent
DRAWS = 50  # of the noise
COUNT = 60  # measured values
NOISE = 0.05  # standard deviation as a share of that of the values
WEIGHTS = {"the equation's weight 1": 1.0, "the equation's weight 100": 100.0}
# Nearly all fits end at the smallest relative change of the loss that float64 can resolve.
LIMITS = Limits(
    tf.constant(-1.0, tf.float64),
    tf.constant(-1.0, tf.float64),
    tf.constant(1e-10, tf.float64),
    tf.constant(1e-12, tf.float64),
    tf.constant(-1),
)


Fit = TypedDict("Fit", {"estimate": float, "standard error": float})
"""The estimate of the diffusivity from one draw of the noise."""


def fits(weight: float) -> list[Fit]:
    """Return the estimate and its standard error for every draw."""
    problem = Heat(unknowns={"alpha": {"start": 0.5, "lower": 0.0}})
    network = mlp(lower=[0, 0], upper=[1, 1], outputs=1, width=6, depth=2)
    objective = Objective(
        problem, network, hard=True, weights={"heat": weight}, measured={"data": ("u",)}
    )
    points = Points(counts={"interior": 200, "boundary": 4}, block=100)
    clean = Synthetic(count=COUNT).measure(problem)
    draws = Draws(points, objective, {"data": clean}, seed=0)
    sets = draws.sets(0, {})
    squares = LeastSquares(objective)
    bound = GaussNewton().bind(Minimization(objective.value_and_gradient, residuals=squares))

    def minimum(theta: tf.Tensor, values: np.ndarray) -> tuple[tf.Tensor, Batch]:
        batch = draws.cut(sets | {"data": clean._replace(values={"u": values})})
        state, _ = bound.advance(bound.start(theta, batch), batch, tf.constant(300), LIMITS)
        return state.best_position, batch

    truth = clean.values["u"]
    exact, _ = minimum(objective.flat.flatten(), truth)
    fits: list[Fit] = []
    for draw in range(DRAWS):
        noise = NOISE * np.std(truth) * np.random.default_rng(draw).standard_normal(COUNT)
        theta, batch = minimum(exact, truth + noise)
        errors = standard_errors(squares, theta, batch)
        assert errors is not None
        estimate = float(objective.coefficients(theta)["alpha"])
        fits.append({"estimate": estimate, "standard error": errors.errors["alpha"]})
        print(draw, fits[-1], flush=True)
    return fits


def table(results: dict[str, list[Fit]], truth: float) -> str:
    """Return how often the truth is within one and within 1.96 standard errors."""
    head = (
        "",
        "mean estimate",
        "spread of the estimates",
        "mean standard error",
        "within 1",
        "within 1.96",
    )
    rows = []
    for name, fits in results.items():
        estimates, errors = _arrays(fits)
        distances = np.abs(estimates - truth)
        rows.append(
            [
                name,
                f"{np.mean(estimates):.5f}",
                f"{np.std(estimates, ddof=1):.1e}",
                f"{np.mean(errors):.1e}",
                f"{np.sum(distances <= errors)} of {len(fits)}",
                f"{np.sum(distances <= 1.96 * errors)} of {len(fits)}",
            ]
        )
    return f"{markdown_table(head, rows)}\n\n{_expected(DRAWS, truth)}"


def _arrays(fits: list[Fit]) -> tuple[np.ndarray, np.ndarray]:
    """Return the estimates and their standard errors."""
    estimates = np.array([fit["estimate"] for fit in fits])
    errors = np.array([fit["standard error"] for fit in fits])
    return estimates, errors


def _expected(draws: int, truth: float) -> str:
    """Return the numbers that exact coverage would give: mean and spread of the binomial law."""
    texts = []
    for share in (0.6827, 0.95):
        spread = np.sqrt(draws * share * (1 - share))
        texts.append(f"{draws * share:.1f} ± {spread:.1f}")
    return f"The truth is {truth}. Exact coverage would give {' and '.join(texts)}."


def picture(results: dict[str, list[Fit]], truth: float) -> None:
    """Draw every estimate with its standard error."""
    figure = Figure(figsize=(8, 2.6 * len(results)), layout="constrained")
    axes = figure.subplots(len(results), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, fits) in zip(axes, results.items(), strict=True):
        estimates, errors = _arrays(fits)
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
    """Do the fits that are missing, and write table and picture."""
    configure(device="cpu")
    set_precision("float64")
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name, weight in WEIGHTS.items():
        if name not in results:
            results[name] = fits(weight)
            write_json(path, results)
    text = table(results, Heat().alpha)
    replace(HERE / "README.md", "results", text)
    picture(results, Heat().alpha)
    print(text)


if __name__ == "__main__":
    main()
