"""One run of one case, in this process: `worker.py CASE RUN FOLDER [--documented]`.

It leaves `result.json` and `picture.png` in the folder.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from pinn.runtime import prepare_process

prepare_process()

from PIL import Image  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

from cases import BY_ID, arguments  # noqa: E402
from checks import quantities  # noqa: E402
from record import write_json  # noqa: E402

from pinn import InputError, Solution, solve  # noqa: E402
from pinn.record import Metrics, RunFolder  # noqa: E402
from pinn.reporting.summary import LARGE_RATIO  # noqa: E402

SEED = 0
LARGEST_PICTURE = 60_000  # bytes
WIDTHS = (1000, 850, 700, 550, 400)  # pixels, the first that is small enough


def result(case_id: str, run: str, folder: Path, *, documented: bool = False) -> dict[str, Any]:
    """Return what a run found and said, with the default settings or those of its file."""
    case = BY_ID[case_id]
    module = case.load()
    given = arguments(module, run, documented=documented)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            solution = solve(**given, seed=SEED, folder=folder / "run", show=False)
        except InputError as error:
            return {"said": [str(error)], "stop": "refused", "quantities": {}, "trust": "refused"}
    says = run in getattr(module, "SAY_SO", {})
    found = {}
    for name, quantity in quantities(case, run, solution, says).items():
        found[name] = {
            "found": float(quantity.found),
            "right": float(quantity.right),
            "error": float(quantity.error),
        }
    draw(solution, folder)
    metrics = Metrics.from_json(solution.metrics)
    # A warning of NumPy about its own arithmetic says nothing of the problem.
    said = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return {
        "said": [*said, *held_out(metrics)],
        "stop": "; ".join(f"{phase.name}: {phase.stop_reason}" for phase in metrics.phases),
        "quantities": found,
        "trust": metrics.verdict,
        "estimated": metrics.estimated_error,
        "remaining": max(metrics.remaining.values(), default=None),
        "iterations": metrics.iterations,
        "run_seconds": metrics.seconds.total,
    }


def held_out(metrics: Metrics) -> list[str]:
    """Return what the summary of a run says where its held-out loss is large."""
    ratio = (metrics.heldout_loss or 0.0) / (metrics.loss or float("inf"))
    if ratio <= LARGE_RATIO:
        return []
    return [f"the held-out loss is {ratio:,.0f} times the training loss"]


def draw(solution: Solution, folder: Path) -> None:
    """Write the picture of the solution, made smaller until it is a small file."""
    assert solution.folder is not None
    picture = Image.open(RunFolder(solution.folder).solution_figure).convert("RGB")
    for width in WIDTHS:
        height = round(picture.height * width / picture.width)
        small = picture.resize((width, height), Image.Resampling.LANCZOS).quantize(64)
        small.save(folder / "picture.png", optimize=True)
        if (folder / "picture.png").stat().st_size <= LARGEST_PICTURE:
            return


if __name__ == "__main__":
    where = Path(sys.argv[3])
    found = result(sys.argv[1], sys.argv[2], where, documented="--documented" in sys.argv)
    write_json(where / "result.json", found)
    # TensorFlow's threads may take seconds to end.
    sys.stdout.flush()
    os._exit(0)
