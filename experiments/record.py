"""What the studies share: run experiments over seeds, one process each, keep what they found, and draw it.

Finished runs are skipped, so a study can be interrupted and continued.  Its runs are jobs of the
ledger: what one has run the other takes, and the next `pinn reproduce` tells of them.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from pinn.cli.reproduce import OUTPUT, job_of
from pinn.cli.run import compose
from pinn.plotting.seeds import draw_seeds
from pinn.reporting.ledger import result_of

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Study:
    """A folder of results, histories and pictures of some experiments."""

    here: Path
    rows: Sequence[str]

    @property
    def results(self) -> dict[str, dict]:
        """Return what was found, by row and seed."""
        path = self.here / "results.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def of(self, row: str) -> list[dict]:
        """Return a row's runs in the order of their seeds."""
        return sorted(
            (r for r in self.results.values() if r["row"] == row), key=lambda r: r["seed"]
        )

    def history(self, row: str, seed: int) -> list[dict[str, str]]:
        """Return the history of a run."""
        with open(self.here / "histories" / f"{row}_{seed}.csv", newline="") as file:
            return list(csv.DictReader(file))

    def record(self) -> None:
        """Run what the command line asks for."""
        parser = argparse.ArgumentParser()
        parser.add_argument("rows", nargs="*", help="experiments; all without one")
        parser.add_argument("--seeds", type=int, default=3)
        arguments = parser.parse_args()
        for seed in range(arguments.seeds):
            for row in arguments.rows or self.rows:
                results = self.results
                if f"{row}_{seed}" not in results:
                    results[f"{row}_{seed}"] = self._run(row, seed)
                    (self.here / "results.json").write_text(json.dumps(results, indent=1) + "\n")

    def _run(self, row: str, seed: int) -> dict:
        """Run one row in a process of its own and return what is kept of it."""
        job = job_of(row, seed, compose([f"experiment={row}"])[0], output=ROOT / OUTPUT)
        attempt = job.result
        if attempt is None or attempt.settings != job.settings or len(attempt.pieces) != 1:
            job.renew()  # from the start: a study tells the seconds of one command
            print(f"pinn run experiment={row} seed={seed}", flush=True)
            ending, attempt = job.advance(), job.result
            if ending.state != "done":
                raise SystemExit(
                    f"{row} seed {seed} {ending.state}: {ending.reason}; see {job.folder}"
                )
        assert attempt is not None and attempt.metrics is not None and attempt.run is not None
        for name in ("histories", "pictures"):
            (self.here / name).mkdir(exist_ok=True)
        if seed == 0:
            shutil.copy(
                attempt.run / "figures" / "solution.png", self.here / "pictures" / f"{row}.png"
            )
        shutil.copy(attempt.run / "history.csv", self.here / "histories" / f"{row}_{seed}.csv")
        return {
            "row": row,
            "seed": seed,
            **result_of(attempt.metrics),
            "seconds": attempt.pieces[0]["seconds"],
            "run_seconds": attempt.metrics["seconds"]["total"],
            "machine": attempt.pieces[0]["machine"],
        }

    def at(self, row: str, seed: int, name: str, allowed: float) -> float:
        """Return a quantity's error when the whole command had run for `allowed` seconds.

        What the command does outside the run (imports, pictures) counts as if it came first.
        """
        run = self.results[f"{row}_{seed}"]
        if run["seconds"] <= allowed:
            return run["errors"][name]
        outside = run["seconds"] - run["run_seconds"]
        before = [r for r in self.history(row, seed) if float(r["seconds"]) + outside <= allowed]
        if not before:
            return float("nan")
        if f"error_{name}" in before[-1]:
            return float(before[-1][f"error_{name}"])
        return abs(float(before[-1][f"unknown_{name}"]) / run["truth"][name] - 1)

    def picture(
        self, columns: int, panels: Mapping[str, tuple[str, float, float]], note: str
    ) -> None:
        """Draw errors over seconds, one panel a row (column of the history, its truth, target), one line a seed."""
        lines = -(-len(panels) // columns)
        figure = Figure(figsize=(2.75 * columns, 3.1 * lines), layout="constrained")
        axes = figure.subplots(lines, columns).ravel()
        for i, (axis, (row, (column, truth, target))) in enumerate(
            zip(axes, panels.items(), strict=False)
        ):
            histories = {run["seed"]: self.history(row, run["seed"]) for run in self.of(row)}
            draw_seeds(
                axis,
                {
                    seed: (
                        [float(r["seconds"]) for r in rows],
                        [float(r[column]) - truth for r in rows],
                    )
                    for seed, rows in histories.items()
                },
            )
            axis.axhline(target, color="0.3", ls="--", lw=0.8)
            axis.set_title(row.replace("_", " "), fontsize=10)
            if i % columns == 0:
                axis.set_ylabel("relative error")
        axes[0].legend(fontsize=8, frameon=False)
        for axis in axes[len(panels) :]:
            axis.axis("off")
        figure.supxlabel(note, fontsize=9)
        figure.savefig(self.here / "convergence.png", dpi=150)

    def publish(self, name: str, text: str) -> None:
        """Put a text between the markers of that name, in the study's README and the project's documents."""
        for path in (self.here / "README.md", ROOT / "README.md", ROOT / "docs" / "results.md"):
            replace(path, name, text)

    @property
    def machines(self) -> str:
        """Return the machines that the runs were made on."""
        return "; ".join(sorted({r["machine"] for r in self.results.values()}))


def replace(path: Path, name: str, text: str) -> None:
    """Put a text between the markers of that name, where a file has them."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if not path.exists() or start not in path.read_text():
        return
    before, rest = path.read_text().split(start, 1)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end, 1)[1]}")
