"""The common part of the studies: run experiments over seeds, store their results, and draw them.

Every run is a process of its own. Finished runs are skipped, so a study can be interrupted and
continued. The runs are jobs of the ledger: a study takes the runs that `pinn reproduce` has done,
and the next `pinn reproduce` reports those of a study.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from pinn.cli.commands import OUTPUT
from pinn.cli.reproduce import job_of
from pinn.cli.run import compose
from pinn.plotting.seeds import draw_seeds
from pinn.record import History
from pinn.record.columns import SECONDS
from pinn.reporting.ledger import result_of
from pinn.sweep import Attempt, Job

ROOT = Path(__file__).parents[1]
PANEL_COLUMNS = 4
WRONG = 0.05  # the relative error from which on a run has to say that it is off
RIGHT = 1e-3  # the same below which it should not doubt its answer
TRUTHS = {"lambda1": 1.0}
"""The true values of unknowns, for results of early runs, which do not hold them."""


class Panel(NamedTuple):
    """A panel of a picture: the relative error of a field or unknown over seconds, and a target."""

    quantity: str
    target: float


@dataclass(frozen=True)
class Study:
    """A folder of results, histories and pictures of some experiments.

    Attributes:
        folder: the folder.
        experiments: the names of the experiments.
    """

    folder: Path
    experiments: Sequence[str]

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The results by experiment and seed."""
        path = self.folder / "results.json"
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def machines(self) -> str:
        """The machines of the runs."""
        return "; ".join(sorted({run["machine"] for run in self.results.values()}))

    def runs(self, experiment: str) -> list[dict[str, Any]]:
        """Return the results of an experiment in the order of the seeds."""
        runs = [run for run in self.results.values() if run["row"] == experiment]
        return sorted(runs, key=lambda run: run["seed"])

    def history(self, experiment: str, seed: int) -> History:
        """Return the history of a run."""
        return History.read(self._history_file(experiment, seed))

    def record(self) -> None:
        """Run the experiments and seeds that the command line asks for, and store the results."""
        parser = argparse.ArgumentParser()
        parser.add_argument("experiments", nargs="*", help="experiments; all if none is named")
        parser.add_argument("--seeds", type=int, default=3)
        arguments = parser.parse_args()
        for seed in range(arguments.seeds):
            for experiment in arguments.experiments or self.experiments:
                results = self.results
                key = f"{experiment}_{seed}"
                if key not in results:
                    results[key] = self._run(experiment, seed)
                    write_json(self.folder / "results.json", results)

    def _run(self, experiment: str, seed: int) -> dict[str, Any]:
        """Run an experiment in a process of its own; store its history and return its result."""
        config, _ = compose([f"experiment={experiment}"])
        job = job_of(experiment, seed, config, output=ROOT / OUTPUT)
        attempt = job.result
        # A result counts if one command has reached it, because the study reports its seconds.
        if attempt is None or attempt.settings != job.settings or len(attempt.processes) != 1:
            attempt = _run_anew(job)
        metrics = attempt.metrics
        run = attempt.run
        picture = attempt.picture
        assert metrics is not None and run is not None and picture is not None
        if seed == 0:
            _copy(picture, self.folder / "pictures" / f"{experiment}.png")
        _copy(run.history, self._history_file(experiment, seed))
        process = attempt.processes[0]
        return {
            "row": experiment,
            "seed": seed,
            **result_of(metrics),
            "seconds": process.seconds,
            "run_seconds": metrics.seconds.total,
            "machine": process.machine,
            "cores": process.cores,
        }

    def error_at(self, experiment: str, seed: int, quantity: str, allowed: float) -> float:
        """Return the error of a quantity after the whole command has run for `allowed` seconds.

        The time that the command spends outside the run (imports, pictures) counts as if it came
        first. The error is NaN before the first report.
        """
        result = self.results[f"{experiment}_{seed}"]
        if result["seconds"] <= allowed:
            return result["errors"][quantity]
        outside = result["seconds"] - result["run_seconds"]
        history = self.history(experiment, seed)
        seconds = history.numbers(SECONDS) + outside
        reports = int(np.searchsorted(seconds, allowed, side="right"))
        errors = _errors(history, result["truth"])[quantity]
        return float(errors[reports - 1]) if reports else float("nan")

    def publish(self, name: str, text: str) -> None:
        """Put a text between its markers in the study's README and in the project's pages."""
        for path in (self.folder / "README.md", ROOT / "README.md", ROOT / "docs" / "results.md"):
            replace(path, name, text)

    def draw(self, panels: Mapping[str, Panel], caption: str) -> None:
        """Draw errors over seconds: one panel per experiment that has runs, one line per seed."""
        panels = {name: panel for name, panel in panels.items() if self.runs(name)}
        rows = -(-len(panels) // PANEL_COLUMNS)
        figure = Figure(figsize=(2.75 * PANEL_COLUMNS, 3.1 * rows), layout="constrained")
        axes = figure.subplots(rows, PANEL_COLUMNS, squeeze=False)
        for axis, (experiment, panel) in zip(axes.flat, panels.items(), strict=False):
            curves = {}
            for run in self.runs(experiment):
                history = self.history(experiment, run["seed"])
                errors = _errors(history, {**TRUTHS, **run.get("truth", {})})[panel.quantity]
                curves[run["seed"]] = (history[SECONDS], errors.tolist())
            draw_seeds(axis, curves)
            axis.axhline(panel.target, color="0.3", ls="--", lw=0.8)
            axis.set_title(experiment.replace("_", " "), fontsize=10)
        for axis in axes[:, 0]:
            axis.set_ylabel("relative error")
        axes[0, 0].legend(fontsize=8, frameon=False)
        for axis in axes.flat[len(panels) :]:
            axis.axis("off")
        figure.supxlabel(caption, fontsize=9)
        figure.savefig(self.folder / "convergence.png", dpi=150)

    def _history_file(self, experiment: str, seed: int) -> Path:
        return self.folder / "histories" / f"{experiment}_{seed}.csv"


def _errors(history: History, truths: Mapping[str, float]) -> dict[str, Any]:
    """Return the relative errors of fields and unknowns, one value per report."""
    return {**history.errors(), **history.unknown_errors(truths)}


def _run_anew(job: Job) -> Attempt:
    """Run a job from the start, and return the finished attempt."""
    job.renew()
    print(f"pinn run experiment={job.experiment} seed={job.seed}", flush=True)
    ending = job.advance()
    attempt = job.result
    if ending.state != "done" or attempt is None:
        raise SystemExit(
            f"{job.experiment} seed {job.seed} {ending.state}: {ending.reason}; see {job.folder}"
        )
    return attempt


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.copy(source, target)


def write_json(path: Path, values: Any) -> None:
    """Write plain values as JSON."""
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def told_verdicts(answers: Iterable[tuple[str, str, float]]) -> str:
    """Return in words which runs are trusted and wrong, or doubted and right.

    Args:
        answers: the name of a run, its verdict, and its relative error, dimensionless.
    """
    trusted: list[str] = []
    wrong: list[str] = []
    right: list[str] = []
    doubted: list[str] = []
    for name, verdict, error in answers:
        if verdict == "trusted":
            trusted.append(name)
            wrong += [name] * (error > WRONG)
        if error < RIGHT:
            right.append(name)
            doubted += [name] * (verdict != "trusted")
    return (
        f"Of {len(trusted)} answers that the run trusts, {_named(wrong)} more than "
        f"{100 * WRONG:g} % off; of {len(right)} that are right to {100 * RIGHT:g} %, "
        f"{_named(doubted)} doubted."
    )


def _named(runs: Sequence[str]) -> str:
    """Return how many runs a thing is true of, and which."""
    return f"{len(runs)} ({'; '.join(runs)}) are" if runs else "none is"


def replace(path: Path, name: str, text: str) -> None:
    """Put a text between the markers of that name, where a file has them."""
    start = f"<!-- {name} -->"
    end = f"<!-- /{name} -->"
    if not path.exists() or start not in path.read_text():
        return
    before, rest = path.read_text().split(start, 1)
    after = rest.split(end, 1)[1]
    path.write_text(f"{before}{start}\n{text}\n{end}{after}")
