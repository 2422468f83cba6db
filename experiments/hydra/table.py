"""Call every command line of Hydra's basic tutorial, translated, and write what happens.

`python experiments/hydra/table.py` calls the lines of `rows.py` in an empty folder and rewrites the
table of `docs/hydra.md`. Nothing is trained: a run ends once its setup is built, and a sweep once
its runs are known. A line that does not do what `rows.py` says is told, and the table is left.
"""

import contextlib
import io
import logging
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import yaml
from rows import DOCS, FILES, PAGES, Row

PAGE = Path(__file__).parents[2] / "docs" / "hydra.md"
BEGIN, END = "<!-- table -->\n", "<!-- /table -->"


class _Launched(Exception):
    """The runs of a sweep are known."""


def outcome(row: Row) -> tuple[int, str]:
    """Return the exit code of a row's command, and all that it printed."""
    from pinn.cli.main import main

    printed = io.StringIO()
    with (
        _nothing_runs(),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        try:
            code = main(shlex.split(row.ours))
        except _Launched:
            code = 0
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False  # hydra/job_logging=disabled lasts as long as a process
    return code, printed.getvalue()


def as_said(row: Row) -> str:
    """Return "" if a row's command does what the row says, else what it does."""
    code, text = outcome(row)
    if code == (2 if row.refused else 0) and re.search(row.shows, text, re.MULTILINE):
        return ""
    return f"pinn {row.ours}: exit code {code}\n{text}"


def table() -> str:
    """Return the table in Markdown."""
    lines = ["| Hydra's documentation | here | what happens |", "|---|---|---|"]
    for (title, place), rows in PAGES.items():
        lines.append(f"| **[{title}]({DOCS}/{place})** | | |")
        for row in rows:
            arguments, _, addition = row.theirs.partition(" with ")
            theirs = f"`{' '.join(['my_app.py', arguments]).strip()}`"
            if addition:
                theirs += f" with {addition}"
            happens = row.happens if row.refused else f"✓ {row.happens}"
            lines.append(f"| {theirs} | `pinn {row.ours}` | {happens} |")
    return "\n".join(lines) + "\n"


def prepare(folder: Path) -> None:
    """Write the files that the command lines need into a folder."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@contextlib.contextmanager
def _nothing_runs() -> Iterator[None]:
    """Have runs and sweeps tell what they would do."""
    from hydra.core.plugins import Plugins

    Plugins.instance()  # it loads the module of the launcher anew, and with it another class
    from hydra._internal.core_plugins.basic_launcher import BasicLauncher

    from pinn.cli import run
    from pinn.setup import config as configuration

    def solve(config: dict, folder: Path) -> int:
        configuration.check_keys(config)
        configuration.setup(config)
        print(f"folder: {folder}\nworking folder: {os.getcwd()}")
        if folder.is_dir():
            print("files:", ", ".join(str(path) for path in sorted(folder.rglob("*.yaml"))))
        print(yaml.safe_dump(config, sort_keys=False))
        return 0

    def launch(self: BasicLauncher, job_overrides: list[list[str]], initial_job_idx: int) -> None:
        for number, overrides in enumerate(job_overrides, initial_job_idx):
            told = [override for override in overrides if not override.startswith("hydra.")]
            print(f"#{number}: {' '.join(told)}")
        raise _Launched

    with (
        mock.patch.object(run, "_solve", solve),
        mock.patch.object(BasicLauncher, "launch", launch),
    ):
        yield


def main() -> int:
    wrong = []
    with tempfile.TemporaryDirectory() as temporary, contextlib.chdir(temporary):
        prepare(Path(temporary))
        sys.path.insert(0, temporary)
        for row in [row for rows in PAGES.values() for row in rows]:
            said = as_said(row)
            print("✗" if said else "✓", f"pinn {row.ours}")
            wrong += [said] if said else []
    if wrong:
        print("\n\n".join(wrong))
        return 1
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
