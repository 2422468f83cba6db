"""How far 1 % noise alone may move the two coefficients: the standard errors of the inverse runs.

They are those that a run reports (`pinn.objective.standard_errors`), for the runs of this study.
"""

import sys
from pathlib import Path

from pinn import load
from pinn.objective import LeastSquares, standard_errors
from pinn.record import Metrics, RunFolder
from pinn.setup import Points
from pinn.setup.draws import Draws

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import ROOT, markdown_table, replace, write_json

HERE = Path(__file__).parent
EXPERIMENT = "burgers_inverse_noise"


def relative(seed: int) -> dict[str, dict[str, float]]:
    """Return the error and the standard error of λ1 and ν in one run, relative to the truth."""
    job = ROOT / "outputs" / "foundation" / f"{EXPERIMENT}_{seed}"
    solution = load(RunFolder.search(job)[-1].path)
    batch = Draws(Points(), solution.objective, seed=0).cut(solution.points)
    uncertain = standard_errors(LeastSquares(solution.objective), solution.theta, batch)
    assert uncertain is not None
    relative_errors: dict[str, dict[str, float]] = {}
    for name, unknown in Metrics.from_json(solution.metrics).unknowns.items():
        assert unknown.truth is not None and unknown.relative_error is not None
        relative_errors[name] = {
            "error": unknown.relative_error,
            "standard error": uncertain.errors[name] / abs(unknown.truth),
        }
    return relative_errors


def main() -> None:
    """Write the errors of three seeds as JSON and as a table."""
    results = {seed: relative(seed) for seed in range(3)}
    write_json(HERE / "noise.json", results)
    head = (
        "seed",
        "coefficient",
        "relative error",
        "standard error that the noise alone makes",
    )
    rows = []
    for seed, coefficients in results.items():
        for name, errors in coefficients.items():
            error = f"{errors['error']:.1e}"
            rows.append([str(seed), name, error, f"{errors['standard error']:.1e}"])
    table = markdown_table(head, rows)
    replace(HERE / "README.md", "noise", table)
    print(table)


if __name__ == "__main__":
    main()
