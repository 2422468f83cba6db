"""Do bands hold the truth as often as they say, over many draws of the noise?

Four inverse problems are fitted to values with noise, again and again, by Gauss–Newton with a
network of two layers of six units.  Every fit starts from the fit without noise and ends in a
minimum.  Its unknowns, and its solution at one point, have a distribution by the linearized fit.
Kept is the rank of the truth in it: the probability of all lower values.  Where bands are right,
ranks are uniform.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from inverse_problems import CASES, Case
from matplotlib.figure import Figure
from scipy import stats

from pinn.measurements import Synthetic
from pinn.objective import LeastSquares, MeasuredFit, Objective, standard_errors
from pinn.objective.evaluator import Evaluator
from pinn.optimizers import GaussNewton, Limits, Minimization
from pinn.runtime import configure, set_precision
from pinn.setup import Points
from pinn.setup.draws import Draws

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import markdown_table, replace, write_json

HERE = Path(__file__).parent
COUNT = 60  # measured values
NOISE = 0.05  # standard deviation as a share of that of the values
DRAWS = 100  # of the noise
BANDS = (0.5, 0.9)
LINEARIZED = 400  # draws that give the standard deviation of a field
# Nearly all fits end at the smallest relative change of the loss that float64 can resolve.
LIMITS = Limits(
    tf.constant(-1.0, tf.float64),
    tf.constant(-1.0, tf.float64),
    tf.constant(1e-10, tf.float64),
    tf.constant(1e-12, tf.float64),
    tf.constant(-1),
)


class Found(NamedTuple):
    """What a fit says of one quantity.

    Attributes:
        estimate: in its own units.
        error: its standard deviation.
        rank: the probability of values below the truth.
    """

    estimate: float
    error: float
    rank: float


class Study:
    """One problem, fitted again and again.

    Args:
        case: the problem.

    Attributes:
        truths: the true values of the unknowns, and of the solution at the point.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.objective = Objective(
            case.problem,
            case.network(),
            hard=case.hard,
            weights=case.weights,
            measured={"data": ("u",)},
        )
        self.clean = Synthetic(count=COUNT).measure(case.problem)
        counts = {"interior": 200, "boundary": 4}
        self.draws = Draws(
            Points(counts=counts, block=100), self.objective, {"data": self.clean}, seed=0
        )
        self.sets = self.draws.sets(0, {})
        self.squares = LeastSquares(self.objective)
        self.bound = GaussNewton().bind(
            Minimization(self.objective.value_and_gradient, residuals=self.squares)
        )
        self.field = Evaluator(self.objective, ["u"])
        self.probe = np.array([case.probe])
        self.truths = self._truths()
        self.start, _ = self._minimum(self.objective.flat.flatten(), self.clean.values["u"])

    def _truths(self) -> dict[str, float]:
        """Return the true values of the unknowns, and of the solution at the point."""
        problem = self.case.problem
        found = {name: float(getattr(problem, name)) for name in self.objective.searched}
        reference = problem.reference_at(self.probe)
        assert reference is not None
        found["u"] = float(reference["u"][0])
        return found

    def fit(self, draw: int) -> dict[str, Found]:
        """Return what a fit to values with another draw of the noise says."""
        truth = self.clean.values["u"]
        noise = np.random.default_rng(draw).standard_normal(len(truth))
        theta, batch = self._minimum(self.start, truth + NOISE * np.std(truth) * noise)
        return self._linearized(theta, batch)

    def _minimum(self, theta: tf.Tensor, values: np.ndarray) -> tuple[tf.Tensor, Any]:
        data = self.clean._replace(values={"u": values})
        batch = self.draws.cut(self.sets | {"data": data})
        state, _ = self.bound.advance(
            self.bound.start(theta, batch), batch, tf.constant(300), LIMITS
        )
        return state.best_position, batch

    def _linearized(self, theta: tf.Tensor, batch: Any) -> dict[str, Found]:
        errors = standard_errors(self.squares, theta, batch)
        assert errors is not None
        slope = self.field.jacobian(theta, self.probe)["u"][0]
        moved = MeasuredFit(self.squares, theta, batch).draws(LINEARIZED) @ slope
        deviations = {**errors.errors, "u": float(np.std(moved))}
        found: dict[str, Found] = {}
        for name, estimate in self._estimates(theta).items():
            error = deviations[name]
            rank = float(stats.norm.cdf((self.truths[name] - estimate) / error))
            found[name] = Found(estimate, error, rank)
        return found

    def _estimates(self, theta: tf.Tensor) -> dict[str, float]:
        coefficients = self.objective.coefficients(theta)
        found = {name: float(value) for name, value in coefficients.items()}
        return {**found, "u": float(self.field(theta, self.probe)["u"][0])}


def table(results: dict[str, Any]) -> str:
    """Return how often the bands hold the truth, by problem and quantity."""
    head = ["problem", "quantity", "truth", "mean estimate", "spread of the estimates"]
    head += ["mean standard error", *(f"in the band of {100 * band:.0f} %" for band in BANDS)]
    rows: list[list[str]] = []
    for name, result in results.items():
        for quantity, truth in result["truths"].items():
            found = [Found(*fit[quantity]) for fit in result["fits"]]
            estimates = np.array([f.estimate for f in found])
            row = [name, f"`{quantity}`", f"{truth:.4g}"]
            row += [f"{np.mean(estimates):.4g}", f"{np.std(estimates, ddof=1):.2g}"]
            row.append(f"{np.mean([f.error for f in found]):.2g}")
            for band in BANDS:
                inside = sum(abs(f.rank - 0.5) <= band / 2 for f in found)
                row.append(f"{inside} of {len(found)}")
            rows.append(row)
    return f"{markdown_table(head, rows)}\n\n{_expected()}"


def _expected() -> str:
    """Return the numbers that exact coverage would give: mean and spread of the binomial law."""
    texts = []
    for band in BANDS:
        texts.append(f"{DRAWS * band:.0f} ± {np.sqrt(DRAWS * band * (1 - band)):.1f}")
    return f"Exact coverage would give {' and '.join(texts)} of {DRAWS}."


def picture(results: dict[str, Any]) -> None:
    """Draw the ranks of the truth, in order; those of right bands lie on the diagonal."""
    figure = Figure(figsize=(6.4, 6.2), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
    for axis, (name, result) in zip(axes, results.items(), strict=True):
        count = len(result["fits"])
        place = np.arange(1, count + 1)  # ordered uniform numbers have beta distributions
        lower, upper = stats.beta.ppf([[0.05], [0.95]], place, count + 1 - place)
        steps = place / (count + 1)
        axis.fill_between(steps, lower, upper, color="0.88", lw=0)
        for number, quantity in enumerate(result["truths"]):
            ranks = np.sort([fit[quantity][2] for fit in result["fits"]])
            label = "u at a point" if quantity == "u" else quantity
            axis.plot(steps, ranks, color=f"C{number}", lw=1.4, label=label)
        axis.set_title(name, fontsize=10)
        axis.legend(fontsize=8, loc="best", frameon=False)
        axis.set_aspect("equal")
    figure.supxlabel("share of the fits", fontsize=10)
    figure.supylabel("rank of the truth", fontsize=10)
    figure.savefig(HERE / "coverage.png", dpi=150)


def main() -> None:
    """Do the fits that are missing, and write table and picture."""
    configure(device="cpu")
    set_precision("float64")
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name, case in CASES.items():
        if name in results:
            continue
        study = Study(case)
        fits = []
        for draw in range(DRAWS):
            fits.append(study.fit(draw))
            print(name, draw, fits[-1], flush=True)
        results[name] = {"truths": study.truths, "fits": fits}
        write_json(path, results)
    text = table(results)
    replace(HERE / "README.md", "results", text)
    picture(results)
    print(text)


if __name__ == "__main__":
    main()
