"""`pinn reproduce`: experiments over seeds, each job in a process of its own, and the ledger of what they reached."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from pinn.cli.conf import conf_folder
from pinn.cli.run import INTERRUPTED, compose
from pinn.errors import InputError, did_you_mean
from pinn.reporting.ledger import differences
from pinn.reporting.listing import described, files
from pinn.reporting.published import check_published, comparisons, number
from pinn.reporting.summary import seconds
from pinn.sweep import Ending, Job, by_hydra, check_launcher, one_by_one
from pinn.sweep.ledger_files import Experiment, Ledger
from pinn.sweep.process import PROGRAM

_SEEDS = 3
_BAD = ("failed", "killed", "interrupted")
_TRIAL = "smoke"  # for tests and first looks: a row only where it is asked for by name
OUTPUT = Path("outputs", "reproduce")  # where jobs keep their runs and logs
# What a configuration holds beside the settings that decide the numbers; seeds are a job's own.
_NOT_SETTINGS = ("published", "output", "name", "seed")


def reproduce(arguments: Sequence[str], *, program: Sequence[str] = PROGRAM) -> int:
    """Run experiments over seeds, rewrite the ledger, and return the exit code: 1 if a job failed, 130 if interrupted.

    Raises:
        InputError: for an unknown experiment, option or launcher.
    """
    asked = _parsed(arguments)
    known = dict(files(conf_folder() / "experiment"))
    names = [n for n in known if n != _TRIAL] if asked.all else asked.names
    for name in names:
        if name not in known:
            raise InputError(f"reproduce: no experiment {name!r}.{did_you_mean(name, known)}")
    sweep = _Sweep(asked.output, Ledger(asked.ledger), known, program)
    jobs = [sweep.job(name, seed) for seed in range(asked.seeds) for name in dict.fromkeys(names)]
    if jobs and asked.launcher:
        check_launcher(asked.launcher, asked.overrides)
    for job in jobs:
        if asked.again or (asked.changed and sweep.changes(job)):
            job.renew()
    return sweep.work(jobs, asked.launcher, asked.overrides)


def job_of(
    name: str,
    seed: int,
    config: Mapping[str, Any],
    *,
    output: Path = OUTPUT,
    program: Sequence[str] = PROGRAM,
) -> Job:
    """Return the job of an experiment, whose configuration is given, and a seed."""
    settings = {k: v for k, v in config.items() if k not in _NOT_SETTINGS}
    settings = json.loads(json.dumps(settings))  # as a job's folder gives them back
    return Job(name, seed, output / name / f"seed_{seed}", settings, program)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return names, options and the launcher's settings."""
    parser = _Parser(prog="pinn reproduce", add_help=False, allow_abbrev=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seeds", type=int, default=_SEEDS)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("--launcher")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--ledger", type=Path, default=Path("experiments"))
    asked = parser.parse_intermixed_args(list(arguments))
    asked.overrides = [n for n in asked.names if "=" in n]
    asked.names = [n for n in asked.names if "=" not in n]
    if asked.seeds < 0:
        raise InputError(
            f"reproduce: --seeds {asked.seeds}; give a number of seeds, or 0 to rewrite the ledger only."
        )
    if asked.all == bool(asked.names):
        raise InputError(
            "reproduce: give the names of experiments (`pinn list` shows them), or --all."
        )
    if asked.overrides and not asked.launcher:
        raise InputError(
            f"reproduce: {asked.overrides[0]!r} sets a launcher, and none is named; see --launcher."
        )
    return asked


class _Parser(argparse.ArgumentParser):
    """Tells bad input as all commands do."""

    def error(self, message: str) -> Any:
        raise InputError(f"reproduce: {message}; see `pinn reproduce --help`.")


class _Sweep:
    """The jobs of all experiments, and the ledger that tells of them."""

    def __init__(
        self, output: Path, ledger: Ledger, known: Mapping[str, Path], program: Sequence[str]
    ) -> None:
        self.output, self.ledger, self.known, self.program = output, ledger, known, program
        self.console = Console(highlight=False, soft_wrap=True)
        self.configs: dict[str, dict[str, Any]] = {}

    def config(self, name: str) -> dict[str, Any]:
        """Return an experiment's configuration."""
        if name not in self.configs:
            self.configs[name], _ = compose([f"experiment={name}"])
            check_published(self.configs[name]["published"])
        return self.configs[name]

    def job(self, name: str, seed: int) -> Job:
        """Return the job of an experiment and a seed."""
        return job_of(name, seed, self.config(name), output=self.output, program=self.program)

    def changes(self, job: Job) -> list[str]:
        """Return in what the settings of a finished job differ from those of its experiment now."""
        return differences(job.result.settings, job.settings) if job.result else []

    def write(self) -> None:
        """Rewrite the ledger from all jobs that have a folder, asked for or not."""
        kept, experiments = self.ledger.read()["rows"], []
        for name, path in self.known.items():
            seeds = [p.name.removeprefix("seed_") for p in (self.output / name).glob("seed_*")]
            jobs = [self.job(name, seed) for seed in sorted(int(s) for s in seeds if s.isdigit())]
            text = "\n\n".join(described(path))
            if jobs or kept.get(name, {}).get("runs"):
                node, settings = self.config(name)["published"], self.job(name, 0).settings
                experiments.append(Experiment(name, text, node, settings, jobs))
            elif name != _TRIAL:
                experiments.append(Experiment(name, text))
        self.ledger.rewrite(experiments)

    def work(self, jobs: Sequence[Job], launcher: str | None, overrides: Sequence[str]) -> int:
        """Do what is left of the jobs, tell of each, rewrite the ledger, and return the exit code."""
        left = [job for job in jobs if job.left]
        for job in jobs:
            if job not in left:
                self._skip(job)
        self.write()  # first, so that a folder that cannot be written is told of before the work
        stopped = (
            self._launch(left, launcher, overrides) if launcher and left else self._in_order(left)
        )
        states = Counter(_state(job) for job in jobs)
        told = ", ".join(f"{count} {state}" for state, count in states.items()) or "nothing to run"
        self.console.print(f"{self.ledger.folder / 'ledger.md'}: {told}")
        return INTERRUPTED if stopped else 1 if sum(states[s] for s in _BAD) else 0

    def _in_order(self, jobs: Sequence[Job]) -> bool:
        """Work through jobs one after another; return whether the user asked to stop."""
        order = [_name(job) for job in jobs]

        def tell(job: Job, ending: Ending | None) -> None:
            if ending is None:
                self.console.print(
                    f"{order.index(_name(job)) + 1}/{len(jobs)}  {_name(job)}", style="dim"
                )
                return
            self._tell(job, ending)
            self.write()

        return one_by_one(map(self._as_it_is_now, jobs), tell)

    def _as_it_is_now(self, job: Job) -> Job:
        """Return a job with the settings that its process will find; conf/ may have changed since the sweep began."""
        self.configs.pop(job.experiment, None)
        try:
            return self.job(job.experiment, job.seed)
        except InputError:
            return job  # its process will tell

    def _launch(self, jobs: Sequence[Job], launcher: str, overrides: Sequence[str]) -> bool:
        """Give jobs to a launcher of Hydra's and tell what became of them; return whether the user asked to stop."""
        stopped = False
        try:
            by_hydra(jobs, launcher, folder=str(self.output / ".launcher"), overrides=overrides)
        except KeyboardInterrupt:
            stopped = True
        for job in jobs:
            if job.attempts:
                state, reason = job.attempts[-1].trouble or ("done", "")
                self._tell(job, Ending(state, reason))
        self.write()
        return stopped

    def _skip(self, job: Job) -> None:
        changed = self.changes(job)
        if changed:
            text = f"{_name(job)}: finished with other settings ({'; '.join(changed)}); --changed runs it anew"
            self.console.print(text, style="yellow", markup=False)

    def _tell(self, job: Job, ending: Ending) -> None:
        """Print what became of a job."""
        if ending.state in ("done", "finished") and job.result and job.result.metrics:
            metrics = {**job.result.metrics, "published": self.config(job.experiment)["published"]}
            text = f"✓ {_name(job)}: {_reached(metrics)}"
            self.console.print(text, style="green", markup=False)
            return
        log = (
            f"  ({job.attempts[-1].folder / 'log.txt'})"
            if ending.state == "failed" and job.attempts
            else ""
        )
        self.console.print(
            f"✗ {_name(job)} {ending.state}: {ending.reason}{log}", style="yellow", markup=False
        )


def _name(job: Job) -> str:
    return f"{job.experiment} seed {job.seed}"


def _state(job: Job) -> str:
    """Return a job's state in a word."""
    if not job.left:
        return "finished"
    trouble = job.attempts[-1].trouble if job.attempts else None
    return trouble[0] if trouble else "not run"


def _reached(metrics: Mapping[str, Any]) -> str:
    """Return a finished run in one line: errors, ratios, seconds."""
    errors = (metrics.get("relative_l2") or {}) | {
        k: v["relative_error"] for k, v in (metrics.get("unknowns") or {}).items()
    }
    told = ", ".join(f"{name} {number(error)}" for name, error in errors.items())
    beside = "".join(f"; {c.name} {c}" for c in comparisons(metrics) if c.ratio is not None)
    return f"{told}{beside}; {seconds(metrics['seconds']['total'])} s"
