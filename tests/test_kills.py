"""A run that is killed at any of its writes: nothing is lost, and it resumes to the same end.

After every step of the run that changes its folder, the folder is copied: that is what a process
leaves behind that is killed there, as what it holds in memory is lost.
"""

import contextlib
import errno
import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from test_bad_input import TINY
from test_resume import read_metrics, read_parameters
from test_training import same_run

from pinn.cli.main import main
from pinn.record import History, RunFolder
from pinn.run import checkpoint

WRITES = ("replace", "fsync", "unlink", "mkdir")  # of os
SHORT = [
    *(a for a in TINY if not a.startswith("phases")),
    *("phases.explore.stop.max_iterations=4", "phases.explore.report_every=2"),
    *("phases.polish.stop.max_iterations=3", "phases.polish.report_every=1"),
    "windows=1",
]
RUNS = {
    "two phases": [],
    "windows": ["windows=2"],
    "adaptive points": ["points.adaptive=r3", "phases.polish.redraw_every=2"],
    "Gauss-Newton": ["optimizer@phases.polish=gauss_newton", "phases.explore.redraw_every=2"],
    "SOAP": ["optimizer@phases.explore=soap", "optimizer@phases.polish=ssbroyden"],
    "correction": ["optimizer@phases.correct=correction", "phases.correct.stop.max_iterations=2"],
    "weights": ["weights=residual_attention", "weights.scheme.every=1", "constraints=soft"],
}


class Kills:
    """Copies of a folder as a process leaves it that is killed between two of its writes.

    Args:
        folder: the folder of the run.
        images: where the copies go.
    """

    def __init__(self, folder, images):
        self.folder, self.images = folder, images
        self.found = {}

    def look(self):
        """Copy the folder, unless it is as it was before."""
        if not self.folder.exists():
            return
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            # The name of an unfinished file has the number of the process.
            digest.update(path.name.encode() if not path.name.startswith(".") else b".")
            digest.update(path.read_bytes() if path.is_file() else b"/")
        if digest.digest() not in self.found:
            image = self.images / f"{len(self.found):03}"
            shutil.copytree(self.folder, image)
            self.found[digest.digest()] = image

    @contextlib.contextmanager
    def watching(self):
        """Look before and after every write of the process."""
        looking = False

        def watched(function):
            def call(*arguments, **settings):
                nonlocal looking
                if looking:  # a write of the copy itself
                    return function(*arguments, **settings)
                looking = True
                self.look()
                try:
                    return function(*arguments, **settings)
                finally:
                    self.look()
                    looking = False

            return call

        with pytest.MonkeyPatch.context() as patch:
            for name in WRITES:
                patch.setattr(os, name, watched(getattr(os, name)))
            patch.setattr(History, "append", watched(History.append))
            yield


@contextlib.contextmanager
def quickly():
    """Run without compilation and without pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pinn.run.stage_runs.FEWEST", 1)  # a correction follows short phases, too
        patch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(False)


def assert_same_end(folder, expected):
    """Assert that two runs ended the same, bit for bit, except for times, and left nothing over."""
    same_run(folder, expected)
    assert read_metrics(folder) == read_metrics(expected)
    for a, b in zip(read_parameters(folder), read_parameters(expected), strict=True):
        np.testing.assert_array_equal(a, b)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in expected.iterdir())


@pytest.fixture(scope="module", params=list(RUNS))
def killed(request, tmp_path_factory):
    """Return the folder of a run, and its images after kills without and with a checkpoint."""
    home = tmp_path_factory.mktemp("run")
    kills = Kills(home / "run", home)
    with quickly(), kills.watching():
        assert main(["run", *SHORT, *RUNS[request.param], f"hydra.run.dir={home / 'run'}"]) == 0
    kills.look()
    before, after = [], []
    for image in kills.found.values():
        (after if RunFolder(image).begun else before).append(image)
    return home / "run", before, after


@pytest.mark.quick("two")
def test_before_the_first_checkpoint_there_is_nothing_to_lose(killed, capsys):
    """The folder says so, in one line, and stays as it is."""
    _, before, _ = killed
    assert before
    for image in before:
        assert main(["resume", str(image)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "Traceback" not in line and str(image) in line


@pytest.mark.quick("two")
def test_a_run_killed_at_a_few_writes_resumes_to_the_same_end(killed, tmp_path):
    folder, _, after = killed
    for image in after[:: max(1, len(after) // 3)]:
        resumed(image, tmp_path, folder)


@pytest.mark.slow
def test_a_run_killed_at_any_write_resumes_to_the_same_end(killed, tmp_path):
    folder, _, after = killed
    assert len(after) > 10
    for image in after:
        progress = checkpoint.load(image / "checkpoint.npz")
        assert len(RunFolder(image).read_history().rows) >= progress.rows
        resumed(image, tmp_path, folder)


@pytest.mark.slow
def test_a_resume_killed_at_any_write_resumes_to_the_same_end(killed, tmp_path):
    folder, _, after = killed
    again = Path(shutil.copytree(after[2], tmp_path / "again" / "run"))
    kills = Kills(again, tmp_path / "again")
    with quickly(), kills.watching():
        assert main(["resume", str(again)]) == 0
    assert len(kills.found) > 5
    for other in kills.found.values():
        resumed(other, tmp_path, folder)


@pytest.mark.slow
def test_a_row_that_is_half_written_is_written_again(killed, tmp_path):
    folder, _, after = killed
    image = after[-2]
    rows = checkpoint.load(image / "checkpoint.npz").rows
    lines = (image / "history.csv").read_bytes().splitlines(keepends=True)
    whole, torn = b"".join(lines[: rows + 1]), lines[-1]
    for end in range(0, len(torn), 20):
        copy = Path(shutil.copytree(image, tmp_path / f"torn{end}"))
        (copy / "history.csv").write_bytes(whole + torn[:end])
        resumed(copy, tmp_path, folder)


class FullDisk:
    """A disk that is full from one write on.

    Args:
        left: number of writes that still succeed.
    """

    def __init__(self, left):
        self.left = left
        self.is_full = False

    @contextlib.contextmanager
    def filling(self):
        """Let writes of the process fail, once the disk is full."""

        def limited(function):
            def call(*arguments, **settings):
                self.left -= 1
                if self.left < 0:
                    self.is_full = True
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return function(*arguments, **settings)

            return call

        with pytest.MonkeyPatch.context() as patch:
            for name in ("replace", "mkdir"):
                patch.setattr(os, name, limited(getattr(os, name)))
            patch.setattr(History, "append", limited(History.append))
            yield


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_loses_nothing(killed, tmp_path, capsys, request):
    folder, _, _ = killed
    options = RUNS[request.node.callspec.params["killed"]]
    for left in range(100):
        run = tmp_path / f"full{left}"
        disk = FullDisk(left)
        capsys.readouterr()
        with quickly(), disk.filling():
            code = main(["run", *SHORT, *options, f"hydra.run.dir={run}"])
        if not disk.is_full:
            assert code == 0
            break
        assert code != 0
        (line,) = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
        assert line.startswith("pinn: ") and "(No space left" in line
        if RunFolder(run).begun:
            resumed(run, tmp_path / "resumed", folder)
    assert 10 < left < 99


def resumed(image, tmp_path, expected):
    """Resume a copy of an image, and compare its end."""
    copy = tmp_path / f"{image.parent.name}_{image.name}"
    shutil.copytree(image, copy)
    with quickly():
        assert main(["resume", str(copy)]) == 0, image
    assert_same_end(copy, expected)
    shutil.rmtree(copy)
