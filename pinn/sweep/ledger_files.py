"""The ledger's files, rewritten from the jobs' folders and from what the ledger has kept of others."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pinn.atomic import claim, write_atomically
from pinn.errors import InputError
from pinn.reporting.ledger import FORMAT, IN_TIME, fingerprint, row_of, run_of
from pinn.reporting.ledger_text import markdown
from pinn.sweep import curves
from pinn.sweep.job import Attempt, Job


@dataclass(frozen=True)
class Experiment:
    """A row to be.

    Attributes:
        name: in conf/experiment.
        description: what it is, in words.
        published: its `published` block.
        settings: its configuration; one that was never run needs none.
        jobs: all jobs that have a folder.
    """

    name: str
    description: str
    published: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    jobs: Sequence[Job] = ()


@dataclass(frozen=True)
class Ledger:
    """`ledger.md`, `ledger.json` and `ledger/` in a folder."""

    folder: Path

    def rewrite(self, experiments: Iterable[Experiment]) -> dict[str, Any]:
        """Write all files anew and return what ledger.json holds.

        A job that has a folder here is told from it; of others the ledger keeps what it has, so
        that a part of the rows can be repeated on another machine.

        Raises:
            InputError: if the folder cannot be written, or holds a ledger.json that is none.
        """
        try:
            (self.folder / "ledger").mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / "ledger", os.O_RDONLY) if os.name != "nt" else None
            try:
                if handle is not None:
                    claim(handle, wait=True)  # another sweep may be writing
                return self._rewrite(experiments)
            finally:
                if handle is not None:
                    os.close(handle)
        except OSError as error:
            what, reason = error.filename or self.folder, error.strerror or error
            raise InputError(
                f"{what}: {reason}; mend it, or set --ledger to another folder."
            ) from None

    def _rewrite(self, experiments: Iterable[Experiment]) -> dict[str, Any]:
        old = self.read()
        rows: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        for experiment in sorted(experiments, key=lambda e: e.name):
            kept = old["rows"].get(experiment.name, {})
            now = fingerprint(experiment.settings)
            runs, used = _runs(experiment, kept, old["settings"], now)
            row = row_of(
                description=experiment.description, node=experiment.published, settings=now, runs=runs.values(),
                troubles=_troubles(experiment),
            )  # fmt: skip
            if runs:
                used[now] = dict(experiment.settings)
                settings |= {
                    mark: used[mark] for mark in {now, *(run["settings"] for run in runs.values())}
                }
                row["pictures"] = self._pictures(experiment, row, kept)
            rows[experiment.name] = row
        found = {"format": FORMAT, "rows": rows, "settings": dict(sorted(settings.items()))}
        _write(self.folder / "ledger.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        _write(self.folder / "ledger.md", markdown(found))
        return found

    def read(self) -> dict[str, Any]:
        """Return what ledger.json holds; no rows where there is none.

        Raises:
            InputError: if it is no ledger of this program.
        """
        file = self.folder / "ledger.json"
        if not file.exists():
            return {"rows": {}, "settings": {}}
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            if found["format"] != FORMAT:
                raise ValueError(f"format {found['format']!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{file}: is no ledger of this program ({error}); restore or remove it."
            ) from None
        return found

    def _pictures(
        self, experiment: Experiment, row: Mapping[str, Any], old: Mapping[str, Any]
    ) -> dict[str, str]:
        """Draw a row's pictures where it has changed, and return their files in ledger/ by what they show."""
        place, stem = self.folder / "ledger", experiment.name.replace("/", "_")
        files = {"convergence": f"{stem}.png", "solution": f"{stem}_solution.png"}
        same = {k: v for k, v in old.items() if k != "pictures"} == json.loads(json.dumps(row))
        attempts = _finished(experiment, row)
        if not (same and (place / files["convergence"]).exists()):
            kept = curves.read(place / f"{stem}.csv")
            every = kept | {
                seed: curves.of(attempt, list(row["quantities"]))
                for seed, attempt in attempts.items()
            }
            shown = {
                run["seed"]: every[run["seed"]] for run in row["runs"] if every.get(run["seed"])
            }
            _write(place / f"{stem}.csv", curves.text(shown))
            curves.draw(shown, row, place / files["convergence"])
        solution = next(
            (a.run / "figures" / "solution.png" for a in attempts.values() if a.run and a.complete),
            None,
        )
        if solution is not None and not (same and (place / files["solution"]).exists()):
            curves.save_small(solution, place / files["solution"])
        return {what: file for what, file in files.items() if (place / file).exists()}


def _runs(
    experiment: Experiment, kept: Mapping[str, Any], settings: Mapping[str, Any], now: str
) -> tuple[dict[int, Any], dict[str, Any]]:
    """Return the runs by seed and the settings that they had: those of the folders, else those that were kept."""
    old = [*kept.get("left_out", ()), *kept.get("runs", ())]
    runs = {run["seed"]: run for run in old}
    used = {run["settings"]: settings[run["settings"]] for run in old}
    for job in experiment.jobs:
        attempt = job.result
        if attempt is not None and attempt.metrics is not None:
            mark = fingerprint(attempt.settings)
            if mark != now and runs.get(job.seed, {}).get("settings") == now:
                continue  # what was kept has the settings of today, this one has earlier ones
            run = run_of(attempt.metrics, settings=mark, pieces=attempt.pieces)
            if run["seconds"] > IN_TIME:
                run["in_time"] = curves.errors_at(attempt, list(run["errors"]), IN_TIME)
            runs[job.seed] = run
            used[mark] = attempt.settings
    return runs, used


def _troubles(experiment: Experiment) -> list[dict[str, Any]]:
    """Return the jobs that were begun and are not finished."""
    found = []
    for job in experiment.jobs:
        trouble = job.attempts[-1].trouble if job.attempts else None
        if trouble is not None:
            found.append({"seed": job.seed, "state": trouble[0], "reason": trouble[1]})
    return found


def _finished(experiment: Experiment, row: Mapping[str, Any]) -> dict[int, Attempt]:
    """Return the attempts behind a row's runs, by seed, where their folders are here."""
    seeds = {run["seed"] for run in row["runs"]}
    found = {
        job.seed: job.result
        for job in sorted(experiment.jobs, key=lambda j: j.seed)
        if job.seed in seeds
    }
    return {seed: attempt for seed, attempt in found.items() if attempt is not None}


def _write(file: Path, text: str) -> None:
    write_atomically(file, lambda out: out.write(text.encode()))
