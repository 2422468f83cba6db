"""`pinn reproduce`: experiments over seeds, one process per job, and the ledger of results."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from pinn.cli.commands import (
    OUTPUT,
    named_folders,
    options_of_folders,
    reproduce_parser,
)
from pinn.cli.compose import compose
from pinn.conf_folders import ConfFolder, conf_folders, files
from pinn.errors import InputError, did_you_mean
from pinn.exit_codes import ExitCode
from pinn.record import Metrics
from pinn.reporting.ledger import differences
from pinn.reporting.listing import description
from pinn.reporting.published import check_published, comparisons, number
from pinn.reporting.tables import seconds
from pinn.sweep import Ending, Job, by_hydra, check_launcher, one_by_one
from pinn.sweep.ledger_files import Experiment, Ledger
from pinn.sweep.process import PROGRAM

_BAD_STATES = ("failed", "killed", "interrupted")
_TRIAL = "smoke"  # for tests and first looks; the ledger has its row only if it was run
# What a configuration holds besides the settings that decide the numbers; a job has its own seed.
_NOT_SETTINGS = ("published", "output", "name", "seed")


def reproduce(arguments: Sequence[str], *, program: Sequence[str] = PROGRAM) -> int:
    """Run experiments over seeds, rewrite the ledger, and return the exit code.

    Raises:
        InputError: for an unknown experiment, option or launcher.
    """
    options = _parse(arguments)
    folders = conf_folders(named_folders(options), local=not options.no_local_conf)
    experiments = files(folders, "experiment")
    sweep = _Sweep(options, folders, program)
    names = options.names
    if options.all:
        names = [name for name in experiments if name != _TRIAL]
    for name in names:
        if name not in experiments:
            raise InputError(f"reproduce: no experiment {name!r}.{did_you_mean(name, experiments)}")
    jobs = [sweep.job(name, seed) for seed in range(options.seeds) for name in dict.fromkeys(names)]
    if jobs and options.launcher:
        check_launcher(options.launcher, options.overrides)
    for job in jobs:
        if options.again or (options.changed and sweep.changes(job)):
            job.renew()
    return sweep.work(jobs, options.launcher, options.overrides)


def job_of(
    name: str,
    seed: int,
    config: Mapping[str, Any],
    *,
    output: Path = OUTPUT,
    program: Sequence[str] = PROGRAM,
) -> Job:
    """Return the job of an experiment with a configuration and a seed."""
    settings = {key: value for key, value in config.items() if key not in _NOT_SETTINGS}
    settings = json.loads(json.dumps(settings))  # as a job reads them back from its folder
    return Job(name, seed, output / name / f"seed_{seed}", settings, program)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; `names` of experiments and `overrides` of the launcher are separate."""
    options = reproduce_parser().parse(arguments)
    options.overrides = [name for name in options.names if "=" in name]
    options.names = [name for name in options.names if "=" not in name]
    if options.seeds < 0:
        raise InputError(
            f"reproduce: --seeds {options.seeds}; give a number of seeds, or 0 to rewrite the "
            "ledger only."
        )
    if options.all == bool(options.names):
        raise InputError(
            "reproduce: give the names of experiments (`pinn list` shows them), or --all."
        )
    if options.overrides and not options.launcher:
        raise InputError(
            f"reproduce: {options.overrides[0]!r} sets a launcher, and none is named; "
            "see --launcher."
        )
    return options


class _Sweep:
    """The jobs of all experiments, and the ledger of their results.

    Args:
        options: of the command line.
        folders: the folders of configuration files.
        program: the program that runs pinn's commands.
    """

    def __init__(
        self, options: argparse.Namespace, folders: Sequence[ConfFolder], program: Sequence[str]
    ) -> None:
        self.output: Path = options.output
        self.ledger = Ledger(options.ledger)
        self.folders = folders
        self.experiments = files(folders, "experiment")
        self.program = program
        self.places = options_of_folders(options)
        self.console = Console(highlight=False, soft_wrap=True)
        self._configs: dict[str, dict[str, Any]] = {}

    def config(self, name: str) -> dict[str, Any]:
        """Return an experiment's configuration."""
        if name not in self._configs:
            self._configs[name], _ = compose([f"experiment={name}"], self.folders)
            check_published(self._configs[name]["published"])
        return self._configs[name]

    def job(self, name: str, seed: int) -> Job:
        """Return the job of an experiment and a seed."""
        job = job_of(name, seed, self.config(name), output=self.output, program=self.program)
        return replace(job, places=self.places)

    def changes(self, job: Job) -> list[str]:
        """Return how the settings of a finished job differ from the present ones."""
        result = job.result
        return differences(result.settings, job.settings) if result else []

    def write(self) -> None:
        """Rewrite the ledger from all jobs that have a folder, including those not asked for."""
        old_rows = self.ledger.read()["rows"]
        experiments = []
        for name, path in self.experiments.items():
            jobs = self._jobs_with_folder(name)
            if jobs or old_rows.get(name, {}).get("runs"):
                published = self.config(name)["published"]
                settings = self.job(name, 0).settings
                experiments.append(Experiment(name, description(path), published, settings, jobs))
            elif name != _TRIAL:
                experiments.append(Experiment(name, description(path)))
        self.ledger.rewrite(experiments)

    def _jobs_with_folder(self, name: str) -> list[Job]:
        """Return the jobs of an experiment that have a folder, in the order of their seeds."""
        names = [p.name.removeprefix("seed_") for p in (self.output / name).glob("seed_*")]
        seeds = sorted(int(seed) for seed in names if seed.isdigit())
        return [self.job(name, seed) for seed in seeds]

    def work(self, jobs: Sequence[Job], launcher: str | None, overrides: Sequence[str]) -> int:
        """Do the rest of the jobs, report each, rewrite the ledger, and return the exit code."""
        unfinished = []
        for job in jobs:
            if job.unfinished:
                unfinished.append(job)
            else:
                self._report_skipped(job)
        self.write()  # first, so that a folder that cannot be written is reported before the work
        if launcher and unfinished:
            stopped = self._launch(unfinished, launcher, overrides)
        else:
            stopped = self._work_in_order(unfinished)
        states = Counter(_state(job) for job in jobs)
        counts = [f"{count} {state}" for state, count in states.items()]
        self.console.print(f"{self.ledger.page}: {', '.join(counts) or 'nothing to run'}")
        if stopped:
            return ExitCode.INTERRUPTED
        return ExitCode.FAILED if any(states[state] for state in _BAD_STATES) else ExitCode.OK

    def _work_in_order(self, jobs: Sequence[Job]) -> bool:
        """Work through jobs one after another; return whether the user asked to stop."""
        names = [_name(job) for job in jobs]

        def report(job: Job, ending: Ending | None) -> None:
            if ending is None:
                number = names.index(_name(job)) + 1
                self.console.print(f"{number}/{len(jobs)}  {_name(job)}", style="dim")
                return
            self._report(job, ending)
            self.write()

        return one_by_one(map(self._with_present_settings, jobs), report)

    def _with_present_settings(self, job: Job) -> Job:
        """Return a job with the settings that its process will read.

        The files in conf/ may have changed since the sweep began.
        """
        self._configs.pop(job.experiment, None)
        try:
            return self.job(job.experiment, job.seed)
        except InputError:
            return job  # its process will report the error

    def _launch(self, jobs: Sequence[Job], launcher: str, overrides: Sequence[str]) -> bool:
        """Give jobs to a launcher of Hydra, and report how they ended.

        Return whether the user asked to stop.
        """
        stopped = False
        try:
            by_hydra(jobs, launcher, folder=str(self.output / ".launcher"), overrides=overrides)
        except KeyboardInterrupt:
            stopped = True
        for job in jobs:
            if job.last is not None:
                state, reason = job.last.trouble or ("done", "")
                self._report(job, Ending(state, reason))
        self.write()
        return stopped

    def _report_skipped(self, job: Job) -> None:
        """Print how the settings of a finished job differ from the present ones, if they do."""
        changes = self.changes(job)
        if changes:
            text = (
                f"{_name(job)}: finished with other settings ({'; '.join(changes)}); "
                "--changed runs it anew"
            )
            self.console.print(text, style="yellow", markup=False)

    def _report(self, job: Job, ending: Ending) -> None:
        """Print how a job ended."""
        result = job.result
        if ending.state in ("done", "finished") and result and result.metrics:
            published = self.config(job.experiment)["published"]
            metrics = replace(result.metrics, published=published)
            text = f"✓ {_name(job)}: {_result_line(metrics)}"
            self.console.print(text, style="green", markup=False)
            return
        text = f"✗ {_name(job)} {ending.state}: {ending.reason}"
        if ending.state == "failed" and job.last is not None:
            text += f"  ({job.last.log})"
        self.console.print(text, style="yellow", markup=False)


def _name(job: Job) -> str:
    return f"{job.experiment} seed {job.seed}"


def _state(job: Job) -> str:
    """Return the state of a job in a word."""
    if not job.unfinished:
        return "finished"
    trouble = job.last.trouble if job.last else None
    return trouble[0] if trouble else "not run"


def _result_line(metrics: Metrics) -> str:
    """Return the result of a finished run in one line: errors, ratios, seconds."""
    errors = [f"{name} {number(error)}" for name, error in metrics.errors.items()]
    parts = [", ".join(errors)]
    for comparison in comparisons(metrics):
        if comparison.ratio is not None:
            parts.append(f"{comparison.name} {comparison}")
    parts.append(f"{seconds(metrics.seconds.total)} s")
    return "; ".join(parts)
