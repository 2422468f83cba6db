"""The folder of a run: the names of its files, and how they are read and written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pinn.atomic import write_text_atomically
from pinn.errors import InputError
from pinn.record.history import History
from pinn.record.metrics import Metrics


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run.  Its readers raise an InputError that names the file and the remedy."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration of the run (YAML)."""
        return self.path / "config.yaml"

    @property
    def checkpoint(self) -> Path:
        """All that continues the run bit for bit."""
        return self.path / "checkpoint.npz"

    @property
    def history(self) -> Path:
        """One row per report (CSV)."""
        return self.path / "history.csv"

    @property
    def posterior(self) -> Path:
        """Draws of the parameters, where the run has made any."""
        return self.path / "posterior.npz"

    @property
    def metrics(self) -> Path:
        """Errors, unknowns, phases and times (JSON); written when the run ends."""
        return self.path / "metrics.json"

    @property
    def network(self) -> Path:
        """The network, in the format of Keras."""
        return self.path / "network.keras"

    @property
    def figures(self) -> Path:
        """The folder of the pictures."""
        return self.path / "figures"

    @property
    def solution_figure(self) -> Path:
        """The picture of the solution, which every run has once its pictures are drawn."""
        return self.figures / "solution.png"

    @property
    def data_figure(self) -> Path:
        """The picture of the measurements, drawn before the training."""
        return self.figures / "data.png"

    @property
    def code(self) -> Path:
        """The folder of the user's Python files, from which the run is read if they have moved."""
        return self.path / "code"

    @property
    def begun(self) -> bool:
        """Whether the run has saved a checkpoint, so that it can be resumed."""
        return self.checkpoint.exists()

    @classmethod
    def search(cls, root: Path) -> list[RunFolder]:
        """Return the runs with a checkpoint in `<root>/<problem>/<time>/`, oldest first."""
        folders = [cls(path) for path in root.glob("*/*")]
        begun = [folder for folder in folders if folder.begun]
        return sorted(begun, key=lambda folder: folder.path.name)

    def leftovers(self) -> Iterator[Path]:
        """Yield the files that a process was writing when it was killed."""
        for file in (self.config, self.checkpoint, self.history, self.metrics, self.posterior):
            yield from self.path.glob(f".{file.name}.*")
        yield from self.path.glob(f".{self.network.stem}.*{self.network.suffix}")

    def read_config(self) -> dict[str, Any]:
        """Return the configuration of the run.

        Raises:
            InputError: if this is no run folder, or the file is damaged.
        """
        if not self.config.is_file():
            raise InputError(
                f"{self.path}: is no run folder (no {self.config.name}); "
                f"name one such as outputs/burgers/<time>."
            )
        try:
            values = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{self.config}: is no valid YAML ({reason}); restore the file."
            ) from None
        if not isinstance(values, dict):
            raise InputError(
                f"{self.config}: holds {_kind(values)}, not the settings of a run; "
                f"restore the file."
            )
        return values

    def write_config(self, config: Mapping[str, object]) -> None:
        """Write the configuration; after a crash, the folder holds the old file or the new one.

        Raises:
            InputError: for a value that YAML cannot hold.
        """
        try:
            text = yaml.safe_dump(dict(config), sort_keys=False, default_flow_style=None, width=100)
        except yaml.YAMLError as error:
            value = error.args[-1] if error.args else error
            raise InputError(
                f"{self.config}: cannot hold {value!r}; "
                f"use plain values and Keras schedules, or folder=None."
            ) from None
        write_text_atomically(self.config, text)

    def read_history(self) -> History:
        """Return the history of the run.

        Raises:
            InputError: if there is none, or the file is damaged.
        """
        return History.read(self.history)

    def read_metrics(self) -> Metrics | None:
        """Return the metrics of the run; None if there are none yet.

        Raises:
            InputError: if the file is damaged.
        """
        if not self.metrics.is_file():
            return None
        remedy = f"remove it, and `pinn resume {self.path}`"
        try:
            values = json.loads(self.metrics.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{self.metrics}: is no valid JSON ({error}); {remedy}.") from None
        if not isinstance(values, dict):
            raise InputError(
                f"{self.metrics}: holds {_kind(values)}, not a run's metrics; {remedy}."
            )
        try:
            return Metrics.from_json(values)
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(
                f"{self.metrics}: does not hold a run's metrics ({error}); {remedy}."
            ) from None

    def finished_metrics(self) -> Metrics | None:
        """Return the metrics of the run once it is finished; None before, and if they are damaged.

        A damaged file is written anew when the run is resumed.
        """
        try:
            metrics = self.read_metrics()
        except InputError:
            return None
        return metrics if metrics is not None and metrics.finished else None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do: the run is finished, and its pictures are drawn."""
        return self.solution_figure.is_file() and self.finished_metrics() is not None

    def write_metrics(self, metrics: Metrics) -> None:
        """Write the metrics; after a crash, the folder holds the old file or the new one."""
        text = json.dumps(metrics.to_json(), indent=2, allow_nan=True) + "\n"
        write_text_atomically(self.metrics, text)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
