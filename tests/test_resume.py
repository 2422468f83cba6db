"""Runs that are killed in the midst of a phase and resumed are, to the bit, the runs that nobody disturbed."""

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

import pinn
from pinn.cli.main import main
from pinn.record import RunFolder
from pinn.run import checkpoint
from pinn.run.folder import owned

ROOT = Path(pinn.__file__).parent.parent
SETTINGS = [
    *("experiment=smoke", "network.width=6", "network.depth=1", "points.test=100", "seed=7"),
    *(
        "points.counts.interior=128",
        "phases.explore.redraw_every=150",
        "phases.polish.redraw_every=40",
    ),
    *("phases.explore.stop.max_iterations=800", "phases.explore.report_every=10"),
    *("phases.polish.stop.max_iterations=300", "phases.polish.report_every=5"),
]
CURVATURE = [
    *(
        "experiment=smoke",
        "network.width=6",
        "network.depth=1",
        "points.test=100",
        "points.counts.interior=128",
    ),
    *(
        "optimizer@phases.explore=gauss_newton",
        "optimizer@phases.polish=ssbroyden",
        "points.adaptive=r3",
    ),
    *(
        "phases.explore.stop.max_iterations=60",
        "phases.explore.report_every=1",
        "phases.explore.redraw_every=7",
    ),
    *(
        "phases.polish.stop.max_iterations=200",
        "phases.polish.report_every=5",
        "phases.polish.redraw_every=35",
    ),
]
WEIGHTS = [
    *(
        "experiment=smoke",
        "network.width=6",
        "network.depth=1",
        "points.test=100",
        "points.counts.interior=128",
    ),
    *(
        "constraints=soft",
        "weights=residual_attention",
        "weights.scheme.terms=[momentum,start]",
        "points.adaptive=r3",
    ),
    *(
        "optimizer@phases.explore=soap",
        "optimizer@phases.polish=gauss_newton",
        "weights.scheme.every=4",
    ),
    *(
        "phases.explore.stop.max_iterations=400",
        "phases.explore.report_every=5",
        "phases.explore.redraw_every=35",
    ),
    *(
        "phases.polish.stop.max_iterations=40",
        "phases.polish.report_every=1",
        "phases.polish.redraw_every=7",
    ),
]
FILES = ("config.yaml", "history.csv", "metrics.json", "checkpoint.npz")
PATIENCE = 120  # seconds until a process that does not do what is waited for fails the test


def started(*arguments):
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pinn", *map(str, arguments)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(condition, process):
    """Wait until `condition()` is true, and return what it is; fail if the process ends before."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def finish(process):
    """Wait for the end of a process, which must be a good one."""
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and errors == "", errors


def kill(process):
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def run_folder(output, process):
    """Wait for the folder of a run, and return it."""
    pattern = "burgers/*/checkpoint.npz"
    found = list(output.glob(pattern)) or wait_for(lambda: list(output.glob(pattern)), process)
    return found[0].parent


def rows_of(folder, phase):
    return sum(row["phase"].startswith(phase) for row in RunFolder(folder).read_history().rows)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Start a run that nobody disturbs, and return the function that waits for its end and returns its folder."""
    output = tmp_path_factory.mktemp("undisturbed")
    process = started("run", *SETTINGS, f"output={output}")

    def folder():
        if process.returncode is None:
            finish(process)
        (found,) = output.glob("burgers/*")
        return found

    yield folder
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def resumed(undisturbed, tmp_path_factory):
    """Return the folder of a run that was killed in either phase and resumed."""
    output = tmp_path_factory.mktemp("killed")
    process = started("run", *SETTINGS, f"output={output}")
    folder = run_folder(output, process)
    wait_for(lambda: rows_of(folder, "explore") >= 20, process)
    kill(process)
    assert 20 <= rows_of(folder, "explore") < 80 and not (folder / "metrics.json").exists()
    process = started("resume", folder)
    wait_for(lambda: rows_of(folder, "polish") >= 12, process)
    kill(process)
    assert rows_of(folder, "explore") == 80 and 12 <= rows_of(folder, "polish") < 60
    finish(started("resume", folder))
    return folder


def without_clocks(value):
    if isinstance(value, dict):
        return {
            k: without_clocks(v)
            for k, v in value.items()
            if k not in ("seconds", "compile_seconds")
        }
    return [without_clocks(v) for v in value] if isinstance(value, list) else value


def same_runs(folder, expected, iterations=(800, 300), rows=80 + 60):
    """Assert that two runs are the same to the bit, clocks aside."""
    arrays = []
    for at in (folder, expected):
        with np.load(at / "checkpoint.npz") as file:
            arrays.append({name: file[name] for name in file.files})
    numbers = [without_clocks(json.loads(str(a.pop("progress")))) for a in arrays]
    assert numbers[0] == numbers[1] and [r["iterations"] for r in numbers[0]["records"]] == list(
        iterations
    )
    assert arrays[0].keys() == arrays[1].keys() and len(arrays[0]) > 9
    for name, array in arrays[0].items():
        assert (
            array.dtype == arrays[1][name].dtype and array.tobytes() == arrays[1][name].tobytes()
        ), name
    history = [without_clocks(RunFolder(at).read_history().rows) for at in (folder, expected)]
    assert history[0] == history[1] and len(history[0]) == rows
    metrics = [
        without_clocks(json.loads((at / "metrics.json").read_text())) for at in (folder, expected)
    ]
    assert metrics[0] == metrics[1]
    assert (folder / "config.yaml").read_bytes() == (expected / "config.yaml").read_bytes()
    weights = [
        keras.saving.load_model(at / "network.keras").get_weights() for at in (folder, expected)
    ]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    pictures = [sorted(p.name for p in (at / "figures").iterdir()) for at in (folder, expected)]
    assert pictures[0] == pictures[1]


def test_killed_in_either_phase_and_resumed_is_the_run_that_nobody_disturbed(resumed, undisturbed):
    same_runs(resumed, undisturbed())
    seconds = [row["seconds"] for row in RunFolder(resumed).read_history().rows]
    assert np.all(np.diff(seconds) > 0)  # the clock goes on too


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])


def test_resuming_a_finished_run_changes_nothing(resumed, no_figures, capsys):
    before = {name: (resumed / name).read_bytes() for name in FILES}
    assert main(["resume", str(resumed)]) == 0
    assert "iteration budget used: 300" in " ".join(capsys.readouterr().out.split())
    assert {name: (resumed / name).read_bytes() for name in FILES} == before


def test_a_folder_belongs_to_one_process_and_is_swept(resumed, no_figures, capsys):
    leftovers = [resumed / ".checkpoint.npz.123", resumed / ".network.123.keras"]
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    with owned(resumed):
        assert not any(leftover.exists() for leftover in leftovers)
        assert main(["resume", str(resumed)]) != 0
    assert "another process works in it" in capsys.readouterr().err
    with owned(resumed):  # free again
        pass


def test_a_finished_run_is_carried_further(resumed, no_figures):
    before = RunFolder(resumed).read_history().rows
    assert main(["resume", str(resumed), "phases.polish.stop.max_iterations=320"]) == 0
    after = RunFolder(resumed).read_history().rows
    assert after[: len(before)] == before and len(after) == len(before) + 4
    metrics = json.loads((resumed / "metrics.json").read_text())
    assert [p["iterations"] for p in metrics["phases"]] == [800, 320]
    assert metrics["phases"][1]["stop_reason"] == "iteration budget used: 320"
    assert "max_iterations: 320" in (resumed / "config.yaml").read_text()
    assert checkpoint.load(resumed / "checkpoint.npz").iterations == 1120


@pytest.mark.slow
def test_minimizers_of_curvature_on_points_that_follow_the_residual(tmp_path):
    whole = started("run", *CURVATURE, f"output={tmp_path / 'whole'}")
    finish(whole)
    process = started("run", *CURVATURE, f"output={tmp_path / 'killed'}")
    folder = run_folder(tmp_path / "killed", process)
    for phase, count in (("explore", 20), ("polish", 12)):
        wait_for(lambda phase=phase, count=count: rows_of(folder, phase) >= count, process)
        kill(process)
        process = started("resume", folder)
    finish(process)
    same_runs(folder, run_folder(tmp_path / "whole", whole), iterations=(60, 200), rows=60 + 40)
    with np.load(folder / "checkpoint.npz") as file:
        assert file["points/interior"].shape == (128, 2)


@pytest.mark.slow
def test_weights_of_points_that_follow_the_training_and_are_frozen(tmp_path):
    whole = started("run", *WEIGHTS, f"output={tmp_path / 'whole'}")
    finish(whole)
    process = started("run", *WEIGHTS, f"output={tmp_path / 'killed'}")
    folder = run_folder(tmp_path / "killed", process)
    for phase, count in (("explore", 20), ("polish", 12)):
        wait_for(lambda phase=phase, count=count: rows_of(folder, phase) >= count, process)
        kill(process)
        process = started("resume", folder)
    finish(process)
    same_runs(folder, run_folder(tmp_path / "whole", whole), iterations=(400, 40), rows=80 + 40)
    with np.load(folder / "checkpoint.npz") as file:
        assert file["weights/momentum"].shape == (128,) and file["weights/at:interior"].shape == (
            128,
            2,
        )
    weights = [row["weight_start"] for row in RunFolder(folder).read_history().rows]
    assert len(set(weights[:80])) == 80


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_kills_at_any_moment(seed, undisturbed, tmp_path):
    rng, kills = np.random.default_rng(seed), 0
    process = started("run", *SETTINGS, f"output={tmp_path}")
    folder = run_folder(tmp_path, process)
    time.sleep(rng.uniform(0, 0.5))
    while process.poll() is None and kills < 6:
        kill(process)
        kills += 1
        progress = checkpoint.load(folder / "checkpoint.npz")
        assert len(RunFolder(folder).read_history().rows) >= progress.rows
        rows = progress.rows
        process = started("resume", folder)
        # A chunk later, at any place inside the next ones, or while the next phase is compiled.
        wait_for(lambda rows=rows: rows_of(folder, "") > rows, process)
        time.sleep(rng.uniform(0, 1) ** 2)
    finish(process)
    assert kills >= 3
    same_runs(folder, undisturbed())
