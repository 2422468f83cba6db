"""The files of the ledger, rewritten from the folders of the jobs and from the old ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pinn.atomic import write_text_atomically
from pinn.errors import InputError
from pinn.record import Metrics
from pinn.reporting.ledger import (
    FORMAT,
    IN_TIME,
    LedgerFile,
    Row,
    Run,
    Trouble,
    fingerprint,
    row_of,
    run_of,
)
from pinn.reporting.ledger_text import markdown
from pinn.sweep import curves
from pinn.sweep.job import Attempt, Job
from pinn.sweep.lock import hold_folder


@dataclass(frozen=True)
class Experiment:
    """An experiment of which the ledger will have a row.

    Attributes:
        name: its name in conf/experiment.
        description: what it is, in words.
        published: its `published` block.
        settings: its configuration; not needed for an experiment that was never run.
        jobs: all jobs that have a folder.
    """

    name: str
    description: str
    published: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    jobs: Sequence[Job] = ()

    def attempts_of(self, seeds: Iterable[int]) -> dict[int, Attempt]:
        """Return the finished attempts by seed, in order, for those seeds that have a folder."""
        wanted = set(seeds)
        attempts = {}
        for job in sorted(self.jobs, key=lambda j: j.seed):
            result = job.result
            if job.seed in wanted and result is not None:
                attempts[job.seed] = result
        return attempts

    def troubles(self) -> list[Trouble]:
        """Return the jobs that were begun and are not finished: seed, state and reason."""
        troubles: list[Trouble] = []
        for job in self.jobs:
            trouble = job.last.trouble if job.last else None
            if trouble is not None:
                state, reason = trouble
                troubles.append({"seed": job.seed, "state": state, "reason": reason})
        return troubles


@dataclass(frozen=True)
class Ledger:
    """`ledger.md`, `ledger.json` and `ledger/` in a folder."""

    folder: Path

    @property
    def page(self) -> Path:
        """The page that people read."""
        return self.folder / "ledger.md"

    @property
    def data(self) -> Path:
        """The file with every run, its settings and its phases."""
        return self.folder / "ledger.json"

    @property
    def pictures(self) -> Path:
        """The folder of curves and pictures."""
        return self.folder / "ledger"

    def rewrite(self, experiments: Iterable[Experiment]) -> LedgerFile:
        """Write all files anew and return the contents of ledger.json.

        Jobs that have a folder on this machine are read from it. For other jobs the old ledger is
        kept, so that some of the rows can be repeated on another machine.

        Raises:
            InputError: if the folder cannot be written, or its ledger.json is not a ledger.
        """
        try:
            self.pictures.mkdir(parents=True, exist_ok=True)
            with hold_folder(self.pictures):  # another sweep may be writing
                return self._rewrite(experiments)
        except OSError as error:
            file = error.filename or self.folder
            reason = error.strerror or error
            raise InputError(
                f"{file}: {reason}; correct that, or set --ledger to another folder."
            ) from None

    def _rewrite(self, experiments: Iterable[Experiment]) -> LedgerFile:
        old = self.read()
        rows: dict[str, Row] = {}
        settings: dict[str, dict[str, Any]] = {}
        for experiment in sorted(experiments, key=lambda e: e.name):
            old_row: Mapping[str, Any] = old["rows"].get(experiment.name) or {}
            current = fingerprint(experiment.settings)
            runs, known_settings = _runs(experiment, old_row, old["settings"], current)
            row = row_of(
                description=experiment.description,
                published_block=experiment.published,
                settings=current,
                runs=runs.values(),
                troubles=experiment.troubles(),
            )
            if runs:
                known_settings[current] = dict(experiment.settings)
                settings[current] = known_settings[current]
                for run in runs.values():
                    settings[run["settings"]] = known_settings[run["settings"]]
                row["pictures"] = self._draw(experiment, row, old_row)
            rows[experiment.name] = row
        ledger: LedgerFile = {
            "format": FORMAT,
            "rows": rows,
            "settings": dict(sorted(settings.items())),
        }
        _write(self.data, json.dumps(ledger, indent=1, ensure_ascii=False) + "\n")
        _write(self.page, markdown(ledger))
        return ledger

    def read(self) -> LedgerFile:
        """Return the contents of ledger.json; no rows where there is no such file.

        Raises:
            InputError: if the file is not a ledger of this program.
        """
        if not self.data.exists():
            return {"format": FORMAT, "rows": {}, "settings": {}}
        try:
            ledger = json.loads(self.data.read_text(encoding="utf-8"))
            if ledger["format"] != FORMAT:
                raise ValueError(f"format {ledger['format']!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.data}: is no ledger of this program ({error}); restore or remove it."
            ) from None
        return ledger

    def _draw(self, experiment: Experiment, row: Row, old_row: Mapping[str, Any]) -> dict[str, str]:
        """Draw the pictures of a row that has changed; return the names of its files by content."""
        stem = experiment.name.replace("/", "_")
        names = {"convergence": f"{stem}.png", "solution": f"{stem}_solution.png"}
        files = {content: self.pictures / name for content, name in names.items()}
        old_content = {key: value for key, value in old_row.items() if key != "pictures"}
        unchanged = old_content == json.loads(json.dumps(row))
        attempts = experiment.attempts_of(run["seed"] for run in row["runs"])

        if not (unchanged and files["convergence"].exists()):
            self._draw_curves(self.pictures / f"{stem}.csv", files["convergence"], row, attempts)
        if not (unchanged and files["solution"].exists()):
            # The first seed whose picture is on this machine.
            for attempt in attempts.values():
                if attempt.complete and attempt.picture is not None:
                    curves.save_small(attempt.picture, files["solution"])
                    break
        return {content: names[content] for content, file in files.items() if file.exists()}

    def _draw_curves(
        self, table: Path, picture: Path, row: Row, attempts: Mapping[int, Attempt]
    ) -> None:
        """Write and draw the errors over seconds of all seeds of a row."""
        by_seed = curves.read(table)
        for seed, attempt in attempts.items():
            by_seed[seed] = curves.of(attempt, list(row.get("quantities", ())))
        seeds = [run["seed"] for run in row["runs"]]
        shown = {seed: by_seed[seed] for seed in seeds if by_seed.get(seed)}
        _write(table, curves.text(shown))
        curves.draw(shown, row, picture)


def _runs(
    experiment: Experiment,
    old_row: Mapping[str, Any],
    old_settings: Mapping[str, Any],
    current: str,
) -> tuple[dict[int, Run], dict[str, Any]]:
    """Return an experiment's runs by seed, and their settings by fingerprint.

    Args:
        experiment: the experiment. The runs in the folders of its jobs go before those of the old
            ledger.
        old_row: its row in the old ledger.
        old_settings: all settings in the old ledger, by fingerprint.
        current: the fingerprint of its present settings.
    """
    runs: dict[int, Run] = {}
    settings: dict[str, Any] = {}
    for run in [*old_row.get("left_out", ()), *old_row.get("runs", ())]:
        runs[run["seed"]] = run
        settings[run["settings"]] = old_settings[run["settings"]]
    for job in experiment.jobs:
        attempt = job.result
        metrics = attempt.metrics if attempt else None
        if attempt is None or metrics is None:
            continue
        mark = fingerprint(attempt.settings)
        if mark != current and runs.get(job.seed, {}).get("settings") == current:
            continue  # the run in the old ledger has the present settings, that in the folder not
        runs[job.seed] = _run(job.seed, attempt, metrics, mark)
        settings[mark] = attempt.settings
    return runs, settings


def _run(seed: int, attempt: Attempt, metrics: Metrics, mark: str) -> Run:
    """Return a finished attempt as the ledger holds it."""
    machines = [p.machine for p in attempt.processes if p.command != "plot"]
    run = run_of(metrics, seed=seed, settings=mark, machines=machines)
    if (run["seconds"] or 0.0) > IN_TIME:
        run["in_time"] = curves.errors_at(attempt, list(run["errors"]), IN_TIME)
    return run


def _write(file: Path, text: str) -> None:
    write_text_atomically(file, text)
