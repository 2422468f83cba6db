"""How far 1 % noise alone may move the two coefficients: the standard errors of the recorded inverse runs.

They are those that a run itself reports today (`pinn.objective.standard_errors`), here for the runs
of this study.
"""

import json
import sys
from pathlib import Path

from pinn import load
from pinn.objective import LeastSquares, standard_errors
from pinn.setup import Points
from pinn.setup.draws import Draws

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import ROOT, replace

HERE = Path(__file__).parent
ROW = "burgers_inverse_noise"


def relative(seed: int) -> dict[str, dict[str, float]]:
    """Return error and standard error for λ1 and ν of one recorded run, both as shares of the truth."""
    runs = (ROOT / "outputs" / "foundation" / f"{ROW}_{seed}").rglob("metrics.json")
    solution = load(max(runs, key=lambda p: p.stat().st_mtime).parent)
    batch = Draws(Points(), solution.objective, seed=0).cut(solution.points)
    uncertain = standard_errors(LeastSquares(solution.objective), solution.theta, batch)
    assert uncertain is not None
    return {
        name: {
            "error": unknown["relative_error"],
            "standard error": uncertain[name] / abs(unknown["truth"]),
        }
        for name, unknown in solution.metrics["unknowns"].items()
    }


def main() -> None:
    found = {seed: relative(seed) for seed in range(3)}
    (HERE / "noise.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = [
        "| seed | coefficient | relative error | standard error that the noise alone makes |",
        "|---|---|---|---|",
    ]
    for seed, coefficients in found.items():
        for name, f in coefficients.items():
            lines.append(f"| {seed} | {name} | {f['error']:.1e} | {f['standard error']:.1e} |")
    replace(HERE / "README.md", "noise", "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
