"""The folder of a sweep: `sweep.json` and `sweep.csv`, with one row per run."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pinn.atomic import write_text_atomically
from pinn.errors import InputError, did_you_mean
from pinn.record.columns import (
    ERROR,
    HELDOUT_LOSS,
    LOSS,
    SECONDS,
    UNKNOWN,
    with_prefix,
)
from pinn.record.folder import RunFolder
from pinn.record.metrics import Metrics, Record, UnknownMetrics

FORMAT = 1  # of sweep.json

Setting = str | float | bool | None
"""The value of a swept setting; lists and mappings are text."""

AUTO = "auto"
LARGEST_ERROR = "error"
_OBJECTIVES = (AUTO, LARGEST_ERROR, HELDOUT_LOSS, LOSS, SECONDS, "peak_memory", "iterations")
_REMAINING = "remaining_"  # prefixes of columns, like those of a history
_STANDARD_ERROR = "standard_error_"
_FAMILIES = (ERROR, _REMAINING, _STANDARD_ERROR)


@dataclass(frozen=True, kw_only=True)
class SweepRun(Record):
    """One run of a sweep: what was asked for, how it ended, and what it reached.

    Attributes:
        number: its place in the sweep, from 0.
        folder: the name of its folder in that of the sweep.
        arguments: the settings with which `pinn run` was called.
        swept: the values of the settings in which the runs of the sweep differ, by key.
        seed: the seed.
        state: "running", "done", "pruned" (ended early by a search), "failed", "killed" (from
            outside) or "interrupted".
        reason: why it did not end well, in one line; "" where it did.
        loss: the training loss at the result; None, here and below, where there is no result.
        heldout_loss: the loss on the held-out points, under the same weights.
        errors: relative L2 error by field and derived quantity, relative error by unknown, both
            dimensionless; None where the truth is not known.
        remaining: the rms of every residual over its typical size, by term.
        unknowns: estimates and standard errors, by unknown.
        iterations: iterations of all phases.
        seconds: wall-clock seconds of the run, compilation included.
        peak_memory: the most memory that its process had, in bytes.
        stop_reason: why the last phase ended.
    """

    number: int = 0
    folder: str = ""
    arguments: list[str] = field(default_factory=list)
    swept: dict[str, Setting] = field(default_factory=dict)
    seed: int | None = None
    state: str = "running"
    reason: str = ""
    loss: float | None = None
    heldout_loss: float | None = None
    errors: dict[str, float | None] = field(default_factory=dict)
    remaining: dict[str, float] = field(default_factory=dict)
    unknowns: dict[str, UnknownMetrics] = field(default_factory=dict)
    iterations: int | None = None
    seconds: float | None = None
    peak_memory: float | None = None
    stop_reason: str | None = None

    @classmethod
    def from_json(cls, values: Mapping[str, object] | None) -> Self:
        """Return the run that a mapping of plain values describes; null counts as absent."""
        known = cls._known(values)
        unknowns = UnknownMetrics.by_name(known.get("unknowns", {}))
        return cls(**{**known, "unknowns": unknowns})

    def to_json(self) -> dict[str, Any]:
        """Return the run as plain values."""
        unknowns = {name: unknown.to_json() for name, unknown in self.unknowns.items()}
        return {**super().to_json(), "unknowns": unknowns}

    def with_result(self, metrics: Metrics) -> Self:
        """Return the run with what its `metrics.json` holds."""
        return replace(
            self,
            loss=metrics.loss,
            heldout_loss=metrics.heldout_loss,
            errors=metrics.errors,
            remaining=metrics.remaining,
            unknowns=metrics.unknowns,
            iterations=metrics.iterations,
            seconds=metrics.seconds.total,
            stop_reason=metrics.phases[-1].stop_reason if metrics.phases else None,
        )

    def merit(self, objective: str = AUTO) -> float | None:
        """Return what the runs of a sweep are compared by; None where a run is not finished.

        Args:
            objective: "error" for the largest error, or a column of `sweep.csv`; "auto" for the
                largest error, and for the held-out loss where no error is known.
        """
        if self.state != "done":
            return None
        if objective not in (AUTO, LARGEST_ERROR):
            value = self.columns().get(objective)
            return float(value) if isinstance(value, (int, float)) else None
        errors = [error for error in self.errors.values() if error is not None]
        if errors:
            return math.nan if any(map(math.isnan, errors)) else max(errors)
        if objective == LARGEST_ERROR:
            return None
        return self.loss if self.heldout_loss is None else self.heldout_loss

    def columns(self) -> dict[str, object]:
        """Return the run as one row of `sweep.csv`: values by column, None where there is none."""
        unknowns: dict[str, float | None] = {}
        for name, unknown in self.unknowns.items():
            unknowns[f"{UNKNOWN}{name}"] = unknown.estimate
            unknowns[f"{_STANDARD_ERROR}{name}"] = unknown.standard_error
        return {
            "folder": self.folder,
            **self.swept,
            "seed": self.seed,
            "state": self.state,
            "reason": self.reason,
            LOSS: self.loss,
            HELDOUT_LOSS: self.heldout_loss,
            **with_prefix(ERROR, self.errors),
            **with_prefix(_REMAINING, self.remaining),
            **unknowns,
            "iterations": self.iterations,
            SECONDS: self.seconds,
            "peak_memory": self.peak_memory,
            "stop_reason": self.stop_reason,
        }


@dataclass(frozen=True)
class Sweep:
    """What `sweep.json` holds.

    Attributes:
        arguments: the command line of `pinn run` that began the sweep.
        working_folder: where it was called.
        runs: the runs that have begun, in the order of the sweep.
        objective: what the runs are compared by, and a search minimizes (see `SweepRun.merit`).
        searched: the settings that a search varies, as overrides; none of other sweeps.
    """

    arguments: Sequence[str]
    working_folder: str
    runs: Sequence[SweepRun] = ()
    objective: str = AUTO
    searched: Sequence[str] = ()

    @property
    def best(self) -> SweepRun | None:
        """The finished run of the least merit; None where no run is finished."""
        best = None
        least = math.inf
        for run in self.runs:
            value = run.merit(self.objective)
            if value is not None and value < least:
                best = run
                least = value
        return best

    def with_run(self, run: SweepRun) -> Sweep:
        """Return the sweep with one run more, or another state of it."""
        others = [other for other in self.runs if other.folder != run.folder]
        runs = sorted([*others, run], key=lambda r: r.number)
        return replace(self, runs=runs)

    def in_folder(self, name: str) -> SweepRun | None:
        """Return the run in the folder of a name, or None."""
        for run in self.runs:
            if run.folder == name:
                return run
        return None

    def find(self, arguments: Sequence[str]) -> SweepRun | None:
        """Return the run that was called with these settings, or None."""
        for run in self.runs:
            if run.arguments == list(arguments):
                return run
        return None


@dataclass(frozen=True)
class SweepFolder:
    """The folder of a sweep, which holds those of its runs."""

    path: Path

    @property
    def data(self) -> Path:
        """The command line of the sweep, and all that is known of its runs (JSON)."""
        return self.path / "sweep.json"

    @property
    def table(self) -> Path:
        """One row per run (CSV)."""
        return self.path / "sweep.csv"

    @property
    def figures(self) -> Path:
        """The folder of the pictures."""
        return self.path / "figures"

    @property
    def multirun(self) -> Path:
        """The configuration of the sweep, as Hydra writes it."""
        return self.path / "multirun.yaml"

    @property
    def exists(self) -> bool:
        """Whether this is the folder of a sweep."""
        return self.data.exists() or self.multirun.exists()

    def run(self, run: SweepRun) -> RunFolder:
        """Return the folder of a run."""
        return RunFolder(self.path / run.folder)

    def read(self) -> Sweep:
        """Return the sweep.

        Raises:
            InputError: if no run of it has begun, or the file is damaged.
        """
        if not self.data.is_file():
            raise InputError(
                f"{self.path}: no run of this sweep has begun (no {self.data.name}); start the "
                "sweep again with `pinn run -m`."
            )
        try:
            values = json.loads(self.data.read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']!r}")
            arguments = list(map(str, values["arguments"]))
            runs = list(map(SweepRun.from_json, values["runs"]))
            return Sweep(
                arguments,
                str(values["working_folder"]),
                runs,
                objective=str(values.get("objective", AUTO)),
                searched=list(map(str, values.get("searched", ()))),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{self.data}: does not hold a sweep ({' '.join(str(error).split())}); restore the "
                "file, or start the sweep again."
            ) from None

    def write(self, sweep: Sweep) -> None:
        """Write `sweep.json` and `sweep.csv`; a crash leaves old files or new ones."""
        rows = []
        for run in sweep.runs:
            rows.append(run.to_json())
        values = {
            "format": FORMAT,
            "arguments": list(sweep.arguments),
            "working_folder": sweep.working_folder,
            "objective": sweep.objective,
            "searched": list(sweep.searched),
            "runs": rows,
        }
        text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
        write_text_atomically(self.data, text)
        write_text_atomically(self.table, _table(sweep.runs))


def check_objective(name: object) -> str:
    """Return what the runs of a sweep are compared by.

    Raises:
        InputError: for a name that no column of `sweep.csv` has.
    """
    if name in _OBJECTIVES or (isinstance(name, str) and name.startswith(_FAMILIES)):
        return str(name)
    raise InputError(
        f"objective={name}: is no result of a run; give one of {', '.join(_OBJECTIVES)}, or a "
        f"column of sweep.csv such as {ERROR}u.{did_you_mean(str(name), _OBJECTIVES)}"
    )


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return the last parts of dotted keys by key; the whole key where two have the same part."""
    parts = [key if "@" in key else key.rpartition(".")[2] for key in keys]
    names: dict[str, str] = {}
    for key, part in zip(keys, parts, strict=True):
        names[key] = part if parts.count(part) == 1 else key
    return names


def _table(runs: Sequence[SweepRun]) -> str:
    """Return runs as CSV; a cell is empty where there is no value."""
    rows: list[dict[str, object]] = []
    for run in runs:
        rows.append(run.columns())
    names: dict[str, None] = {}
    # The row with the most columns first, so that a failed run does not decide their order.
    for row in sorted(rows, key=len, reverse=True):
        names |= dict.fromkeys(row)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
