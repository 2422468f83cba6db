"""The memory of one loss and gradient over a million points; writes memory.json and the README.

python experiments/speed/memory.py
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import report

HERE = Path(__file__).parent
COUNT = 1_000_000
LIMIT_GB = 2.0


def peak() -> float:
    """Return the most memory that this process has had so far, in GB of 10⁹ bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def child() -> None:
    """Compute loss and gradient of Burgers' equation once, with all terms, and print the memory."""
    import pinn  # noqa: F401, I001 (first, because it sets XLA's flags)

    from pinn.problems import Burgers
    from pinn.runtime import configure, set_precision
    from pinn.setup.draws import Draws
    from pinn.setup.points import Points
    from pinn.setup.network import default_network
    from pinn.setup.setup import Setup

    configure()
    set_precision("float64")
    problem = Burgers()
    setup = Setup(problem=problem, network=default_network(problem, seed=0), constraints="soft")
    objective = setup.objective(None)
    points = Points(counts={"interior": COUNT, "initial": 10_000, "boundary": 10_000})
    before = peak()
    batch = Draws(points, objective, seed=0).batch(0, {})
    loss, _ = objective.value_and_gradient(objective.flat.flatten(), batch)
    results = {"points": COUNT, "before_gb": before, "peak_gb": peak(), "loss": float(loss)}
    print(json.dumps(results))


def main() -> int:
    """Run the computation in a process of its own; return 1 if it takes more than the limit."""
    command = [sys.executable, __file__, "--child"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    results = json.loads(done.stdout.splitlines()[-1]) | {"limit_gb": LIMIT_GB}
    (HERE / "memory.json").write_text(json.dumps(results, indent=1) + "\n")
    report.write(HERE)
    print(f"{COUNT} points: {results['peak_gb']:.2f} GB at most; the limit is {LIMIT_GB:g} GB")
    return 0 if results["peak_gb"] < LIMIT_GB else 1


if __name__ == "__main__":
    sys.exit(child() if "--child" in sys.argv else main())
