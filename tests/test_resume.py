"""A run that is killed in a phase and resumed is bitwise the same as an undisturbed run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from finished_runs import finished_run

import pinn
from pinn.cli.main import main
from pinn.record import RunFolder
from pinn.run import checkpoint
from pinn.run.folder import locked

ROOT = Path(pinn.__file__).parent.parent
SMALL = [
    "experiment=smoke",
    "network.width=6",
    "network.depth=1",
    "points.test=100",
    "points.counts.interior=128",
]
SETTINGS = [
    *SMALL,
    "seed=7",
    "phases.explore.stop.max_iterations=800",
    "phases.explore.report_every=10",
    "phases.explore.redraw_every=150",
    "phases.polish.stop.max_iterations=300",
    "phases.polish.report_every=5",
    "phases.polish.redraw_every=40",
]
FEW = [
    "phases.explore.stop.max_iterations=40",
    "phases.explore.report_every=10",
    "phases.polish.stop.max_iterations=10",
    "phases.polish.report_every=5",
]
CURVATURE = [
    *SMALL,
    "points.adaptive=r3",
    "optimizer@phases.explore=gauss_newton",
    "phases.explore.stop.max_iterations=60",
    "phases.explore.report_every=1",
    "phases.explore.redraw_every=7",
    "optimizer@phases.polish=ssbroyden",
    "phases.polish.stop.max_iterations=200",
    "phases.polish.report_every=5",
    "phases.polish.redraw_every=35",
]
WEIGHTS = [
    *SMALL,
    "constraints=soft",
    "weights=residual_attention",
    "weights.scheme.terms=[momentum,start]",
    "weights.scheme.every=4",
    "points.adaptive=r3",
    "optimizer@phases.explore=soap",
    "phases.explore.stop.max_iterations=400",
    "phases.explore.report_every=5",
    "phases.explore.redraw_every=35",
    "optimizer@phases.polish=gauss_newton",
    "phases.polish.stop.max_iterations=40",
    "phases.polish.report_every=1",
    "phases.polish.redraw_every=7",
]
FILES = ("config.yaml", "history.csv", "metrics.json", "checkpoint.npz")
PATIENCE = 120  # seconds until a condition that does not become true fails the test


def start(*arguments):
    """Start a command in its own process."""
    return subprocess.Popen(
        [sys.executable, "-m", "pinn", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, process):
    """Wait until `condition()` is true, and return its value; fail if the process ends first."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.005)
    return value


def finish(process):
    """Wait for the end of a process, and assert that it succeeded."""
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert errors == ""


def kill(process):
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def run_folder(output, process):
    """Wait for the folder of a run, and return it."""

    def checkpoints():
        return list(output.glob("burgers/*/checkpoint.npz"))

    paths = checkpoints() or wait_for(checkpoints, process)
    return paths[0].parent


def kill_in_both_phases(process, folder, rows):
    """Kill a run after some reports of each phase and resume it, to its end."""
    for phase, count in rows.items():
        wait_for(lambda phase=phase, count=count: count_rows(folder, phase) >= count, process)
        kill(process)
        process = start("resume", folder)
    finish(process)


def count_rows(folder, phase):
    """Return the number of reports of a phase in the history."""
    return sum(row["phase"].startswith(phase) for row in RunFolder(folder).read_history().rows)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Start an undisturbed run; return a function that waits for its end and returns its folder."""
    output = tmp_path_factory.mktemp("undisturbed")
    process = start("run", *SETTINGS, f"output={output}")

    def folder():
        if process.returncode is None:
            finish(process)
        (path,) = output.glob("burgers/*")
        return path

    yield folder
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def resumed(undisturbed, tmp_path_factory):
    """Return the folder of a run that was killed in both phases and resumed."""
    output = tmp_path_factory.mktemp("killed")
    process = start("run", *SETTINGS, f"output={output}")
    folder = run_folder(output, process)
    wait_for(lambda: count_rows(folder, "explore") >= 20, process)
    kill(process)
    assert 20 <= count_rows(folder, "explore") < 80
    assert not (folder / "metrics.json").exists()
    process = start("resume", folder)
    wait_for(lambda: count_rows(folder, "polish") >= 12, process)
    kill(process)
    assert count_rows(folder, "explore") == 80
    assert 12 <= count_rows(folder, "polish") < 60
    finish(start("resume", folder))
    return folder


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a finished run of 40 and 10 iterations, which tests may continue."""
    return finished_run(tmp_path_factory.mktemp("finished"), *SMALL, *FEW)


def without_times(value):
    """Return a nested structure without its times, which differ between runs."""
    if isinstance(value, dict):
        times = ("seconds", "compile_seconds")
        return {k: without_times(v) for k, v in value.items() if k not in times}
    if isinstance(value, list):
        return [without_times(v) for v in value]
    return value


def assert_same_run(folder, expected, iterations=(800, 300), rows=80 + 60):
    """Assert that two runs are bitwise the same, except for times."""
    arrays, progress = read_checkpoint(folder)
    expected_arrays, expected_progress = read_checkpoint(expected)
    assert progress == expected_progress
    assert [record["iterations"] for record in progress["records"]] == list(iterations)
    assert arrays.keys() == expected_arrays.keys()
    assert len(arrays) > 9
    for name, array in arrays.items():
        assert array.dtype == expected_arrays[name].dtype, name
        assert array.tobytes() == expected_arrays[name].tobytes(), name

    history = without_times(RunFolder(folder).read_history().rows)
    assert history == without_times(RunFolder(expected).read_history().rows)
    assert len(history) == rows
    assert read_metrics(folder) == read_metrics(expected)
    assert (folder / "config.yaml").read_bytes() == (expected / "config.yaml").read_bytes()
    for a, b in zip(read_parameters(folder), read_parameters(expected), strict=True):
        np.testing.assert_array_equal(a, b)
    assert list_figures(folder) == list_figures(expected)


def read_checkpoint(folder):
    """Return the arrays of a checkpoint, and its progress without times."""
    with np.load(folder / "checkpoint.npz") as file:
        arrays = {name: file[name] for name in file.files}
    progress = json.loads(str(arrays.pop("progress")))
    return arrays, without_times(progress)


def read_metrics(folder):
    return without_times(json.loads((folder / "metrics.json").read_text()))


def read_parameters(folder):
    return keras.saving.load_model(folder / "network.keras").get_weights()


def list_figures(folder):
    return sorted(path.name for path in (folder / "figures").iterdir())


@pytest.mark.slow
def test_a_run_killed_in_both_phases_and_resumed_is_the_undisturbed_run(resumed, undisturbed):
    assert_same_run(resumed, undisturbed())
    seconds = [row["seconds"] for row in RunFolder(resumed).read_history().rows]
    assert np.all(np.diff(seconds) > 0)  # the time continues, too


def test_resuming_a_finished_run_changes_nothing(finished, eager, no_figures, capsys):
    before = {name: (finished / name).read_bytes() for name in FILES}
    assert main(["resume", str(finished)]) == 0
    assert "iteration budget used: 10" in " ".join(capsys.readouterr().out.split())
    assert {name: (finished / name).read_bytes() for name in FILES} == before


def test_a_folder_belongs_to_one_process_which_removes_half_written_files(
    finished, eager, no_figures, capsys
):
    leftovers = [finished / ".checkpoint.npz.123", finished / ".network.123.keras"]
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    with locked(RunFolder(finished)):
        assert not any(leftover.exists() for leftover in leftovers)
        assert main(["resume", str(finished)]) != 0
    assert "another process works in it" in capsys.readouterr().err
    with locked(RunFolder(finished)):  # unlocked again
        pass


def test_a_finished_run_is_continued(finished, eager, no_figures):
    before = RunFolder(finished).read_history().rows
    assert main(["resume", str(finished), "phases.polish.stop.max_iterations=20"]) == 0
    after = RunFolder(finished).read_history().rows
    assert after[: len(before)] == before
    assert len(after) == len(before) + 2
    metrics = json.loads((finished / "metrics.json").read_text())
    assert [p["iterations"] for p in metrics["phases"]] == [40, 20]
    assert metrics["phases"][1]["stop_reason"] == "iteration budget used: 20"
    assert "max_iterations: 20" in (finished / "config.yaml").read_text()
    assert checkpoint.load(finished / "checkpoint.npz").iterations == 60


@pytest.mark.slow
def test_second_order_optimizers_on_adaptive_points(tmp_path):
    whole = start("run", *CURVATURE, f"output={tmp_path / 'whole'}")
    finish(whole)
    process = start("run", *CURVATURE, f"output={tmp_path / 'killed'}")
    folder = run_folder(tmp_path / "killed", process)
    kill_in_both_phases(process, folder, {"explore": 20, "polish": 12})
    expected = run_folder(tmp_path / "whole", whole)
    assert_same_run(folder, expected, iterations=(60, 200), rows=60 + 40)
    with np.load(folder / "checkpoint.npz") as file:
        assert file["points/interior"].shape == (128, 2)


@pytest.mark.slow
def test_weights_per_point_that_follow_the_training_and_are_frozen(tmp_path):
    whole = start("run", *WEIGHTS, f"output={tmp_path / 'whole'}")
    finish(whole)
    process = start("run", *WEIGHTS, f"output={tmp_path / 'killed'}")
    folder = run_folder(tmp_path / "killed", process)
    kill_in_both_phases(process, folder, {"explore": 20, "polish": 12})
    expected = run_folder(tmp_path / "whole", whole)
    assert_same_run(folder, expected, iterations=(400, 40), rows=80 + 40)
    with np.load(folder / "checkpoint.npz") as file:
        assert file["weights/momentum"].shape == (128,)
        assert file["weights/at:interior"].shape == (128, 2)
    weights = [row["weight_start"] for row in RunFolder(folder).read_history().rows]
    assert len(set(weights[:80])) == 80


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_can_be_killed_at_any_time(seed, undisturbed, tmp_path):
    rng = np.random.default_rng(seed)
    kills = 0
    process = start("run", *SETTINGS, f"output={tmp_path}")
    folder = run_folder(tmp_path, process)
    time.sleep(rng.uniform(0, 0.5))
    while process.poll() is None and kills < 6:
        kill(process)
        kills += 1
        progress = checkpoint.load(folder / "checkpoint.npz")
        assert len(RunFolder(folder).read_history().rows) >= progress.rows
        rows = progress.rows
        process = start("resume", folder)
        # The next kill comes at least one report later, in the following reports or while the next
        # phase is compiled.
        wait_for(lambda rows=rows: count_rows(folder, "") > rows, process)
        time.sleep(rng.uniform(0, 1) ** 2)
    finish(process)
    assert kills >= 3
    assert_same_run(folder, undisturbed())
