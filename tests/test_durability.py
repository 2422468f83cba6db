"""What a power cut leaves of a run: only what is on the disk, and that can be resumed."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml
from test_bad_input import TINY, refused
from user_problem import PROBLEM

from pinn.cli.main import main
from pinn.record import RunFolder
from pinn.run import checkpoint
from pinn.run import folder as run_folder
from pinn.run.settings import check_settings, plain_settings


class Disk:
    """The disk under a folder: contents of files and names in folders, as they were synced."""

    def __init__(self, root):
        self.root = root.resolve()
        self.contents = {}  # by inode
        self.names = {}  # inode by name, by folder
        self._fsync = os.fsync

    def fsync(self, handle):
        self._fsync(handle)
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        if path.is_dir():
            self.names[path] = {p.name: p.stat().st_ino for p in path.iterdir()}
        else:
            self.contents[path.stat().st_ino] = path.read_bytes()

    def after_a_power_cut(self, image):
        """Write what is on the disk to another folder, and return that."""
        folders = [self.root]
        while folders:
            folder = folders.pop()
            copy = image / folder.relative_to(self.root)
            copy.mkdir(parents=True)
            for name, inode in self.names.get(folder, {}).items():
                if (folder / name).is_dir():
                    folders.append(folder / name)
                else:  # the name of a file whose content never came to the disk has none
                    (copy / name).write_bytes(self.contents.get(inode, b""))
        return image


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Run a problem, cut the power after every checkpoint, and return what the disk holds."""
    home = tmp_path_factory.mktemp("home")
    (home / "mine.py").write_text(PROBLEM)
    (home / "beside.py").write_text("SLOPE = 1.0\n")
    work = home / "work"
    work.mkdir()
    disk = Disk(home)
    save = checkpoint.save
    found = []

    def save_and_cut(path, progress):
        save(path, progress)
        found.append(disk.after_a_power_cut(home.parent / f"image{len(found)}"))

    settings = [a for a in TINY if a.startswith(("network", "phases"))]
    settings += ["points.counts.interior=8", "points.counts.boundary=8", "phases.correct=null"]
    settings += [f"hydra.run.dir={work / 'run'}", "windows=1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
        patch.setattr("pinn.run.checkpoint.save", save_and_cut)
        patch.setattr(os, "fsync", disk.fsync)
        tf.config.run_functions_eagerly(True)
        try:
            assert main(["run", str(home / "mine.py"), *settings]) == 0
        finally:
            tf.config.run_functions_eagerly(False)
    assert len(found) >= 2
    return [image / "work" / "run" for image in found]


def test_what_is_on_the_disk_with_a_checkpoint_can_be_resumed(images):
    for image in images:
        record = RunFolder(image)
        _, progress, _ = run_folder.read(record)
        assert len(record.read_history().rows) >= progress.rows
        assert sorted(p.name for p in record.code.iterdir()) == ["beside.py", "mine.py"]


@pytest.fixture
def run(images, tmp_path):
    return Path(shutil.copytree(images[-1], tmp_path / "run"))


EDITS = {
    "a coefficient": lambda c: c["points"].update(heldout=0.5),
    "the seed": lambda c: c.update(seed=3),
    "a count": lambda c: c["points"]["counts"].update(interior=9),
    "a method": lambda c: c["points"].update(method="halton"),
    "constraints": lambda c: c.update(constraints="soft"),
    "a weight": lambda c: c["weights"].update(walls=3.0),
    "windows": lambda c: c.update(windows="auto"),
    "a budget": lambda c: c["phases"]["polish"]["stop"].update(max_iterations=9),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_configuration_that_is_edited_by_hand_is_noticed(name, run, capsys):
    config = yaml.safe_load((run / "config.yaml").read_text())
    EDITS[name](config)
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    before = (run / "config.yaml").read_bytes(), (run / "checkpoint.npz").read_bytes()
    for command in ("resume", "plot"):
        line = refused(capsys, command, str(run))
        assert "is not the configuration of the checkpoint (" in line and ", was " in line
        assert "restore the run's own files" in line and "KEY=VALUE" in line
    assert before == ((run / "config.yaml").read_bytes(), (run / "checkpoint.npz").read_bytes())


def test_a_configuration_in_another_layout_is_the_same(run):
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text("# mine\n" + yaml.safe_dump(config, sort_keys=True, indent=8))
    run_folder.read(RunFolder(run))


def test_a_crash_while_a_configuration_is_replaced_leaves_one_that_fits(run, monkeypatch):
    record = RunFolder(run)
    override = ["phases.polish.stop.max_iterations=9"]
    _, progress, config = run_folder.read(record, override)
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_config", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_folder.change(record, progress, config)
    assert run_folder.read(record)[0].phases[-1].stop.max_iterations == 2
    _, progress, config = run_folder.read(record, override)
    run_folder.change(record, progress, config)
    assert run_folder.read(record)[0].phases[-1].stop.max_iterations == 9


def test_settings_are_compared_as_yaml_holds_them(tmp_path):
    config = {
        "a": {"b": (1, 2.5, None), "c": {}, "d": "1e-6"},
        "e": 1e-6,
        "f": [1e308, float("inf"), True],
        "g": np.linspace(0, 1, 50).tolist(),
        "h": {1: "x"},
    }
    record = RunFolder(tmp_path)
    record.write_config({**config, "a": {**config["a"], "b": [1, 2.5, None]}})
    present = plain_settings(record.read_config())
    assert present == plain_settings(config)
    check_settings(record, [], {"x": "1"})  # of a checkpoint that does not know
    check_settings(record, [{"x": "1"}, present], present)
