"""Sweeps of `pinn run -m`: recorded, stopped, continued, compared and drawn, with a stand-in."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from pinn import conf_folders
from pinn.cli import by_hydra, compose
from pinn.cli import sweep as command
from pinn.cli.main import main
from pinn.plotting import ShownRun, curves_figure, setting_figure, solutions_figure
from pinn.record import Sweep, SweepFolder, SweepRun, UnknownMetrics
from pinn.record.sweep import short_names
from pinn.reporting.sweep import progress_line, sweep_table
from pinn.sweep import SweepJob, settle
from pinn.sweep.lock import hold

STUB = [sys.executable, "-S", "-E", str(Path(__file__).with_name("sweep_stub.py"))]
SWEEP = SweepFolder(Path("many"))
FILES = {
    "config.yaml": """
defaults:
  - optimizer@explore: adam
  - optimizer@polish: adam
  - _self_
  - optional experiment: null
  - override hydra/job_logging: none
  - override hydra/hydra_logging: none
seed: 0
output: outputs
hydra:
  output_subdir: null
  sweep: {subdir: "${name_of_job:${hydra.job.override_dirname},${hydra.job.num}}"}
""",
    "experiment/smoke.yaml": "# @package _global_\nwidth: 1\n",
    "optimizer/adam.yaml": "rate: 1",
    "optimizer/soap.yaml": "rate: 2",
}  # little to compose for Hydra


def few_settings(tmp_path, monkeypatch):
    """Go to a folder with few settings in which sweeps run the stand-in and draw nothing.

    Returns:
        The folder of the settings.
    """
    conf = tmp_path / "settings"
    for name, text in FILES.items():
        (conf / name).parent.mkdir(parents=True, exist_ok=True)
        (conf / name).write_text(text)
    for module in (conf_folders, compose, by_hydra):
        monkeypatch.setattr(module, "conf_folder", lambda: conf)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "PROGRAM", STUB)
    monkeypatch.setattr(command, "_save_figures", lambda folder, recorded: [])
    return conf


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with few settings in which sweeps run the stand-in and draw nothing."""
    few_settings(tmp_path, monkeypatch)
    return tmp_path


def behave(**seeds):
    """Say what the runs of seeds do: seed_1="die"."""
    behavior = {f"smoke {key.removeprefix('seed_')} run": does for key, does in seeds.items()}
    Path("behavior.json").write_text(json.dumps(behavior))


def sweep(*settings):
    return main(["run", "-m", "experiment=smoke", "hydra.sweep.dir=many", *settings])


def calls():
    """Return the commands that were called, with their folders: "run seed=0"."""
    commands = []
    for line in Path("calls.txt").read_text().splitlines():
        name, *words = line.split()
        commands.append(f"{name} {Path(words[-1].strip(chr(39))).name}")
    Path("calls.txt").unlink()
    return commands


def states():
    return [run.state for run in SWEEP.read().runs]


def shown(renderable, width=160):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_a_sweep_ends_in_one_table(here, capsys):
    assert sweep("seed=0,1") == 0
    last = capsys.readouterr().out.splitlines()
    assert str(here / "many") in last and SWEEP.multirun.is_file()
    assert any(line.strip().startswith("best") and "1.0e-3" in line for line in last)
    assert any("✓ seed=1: u 2.0e-3; 11.0 s" in line for line in last)
    first, second = SWEEP.read().runs
    assert first.swept == {"seed": 0} and second.folder == "seed=1" and second.seed == 1
    assert first.errors == {"u": 1e-3} and first.iterations == 20 and first.peak_memory > 1e6
    table = pd.read_csv(SWEEP.table).to_dict("list")
    assert table["error_u"] == [1e-3, 2e-3] and table["state"] == ["done", "done"]
    assert table["stop_reason"] == ["iteration budget used: 10"] * 2
    assert SWEEP.read().with_run(first) == SWEEP.read()


def test_resume_does_what_is_missing(here, capsys):
    behave(seed_0="refuse", seed_1="die", seed_2="no pictures")
    assert sweep("seed=0,1,2,3") == 1
    assert states() == ["failed", "killed", "failed", "done"]
    lines = capsys.readouterr().out
    assert "network.width=-1; give a whole number" in lines and "killed by SIGKILL" in lines
    assert calls() == [f"run seed={seed}" for seed in range(4)]
    Path("behavior.json").unlink()
    assert main(["resume", "many"]) == 0
    # The run that had finished is left alone.
    assert calls() == ["run seed=0", "resume seed=1", "plot seed=2"]
    assert states() == ["done"] * 4


def test_ctrl_c_twice_ends_a_sweep_that_can_be_resumed_from_elsewhere(here, capsys, monkeypatch):
    behave(seed_1="interrupt")
    assert sweep("seed=0,1,2") == 130
    assert states() == ["done", "interrupted"]
    assert f"continue with: pinn resume {here / 'many'}" in capsys.readouterr().out
    assert calls() == ["run seed=0", "run seed=1"]
    folder = str(Path("many").absolute())
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert main(["resume", folder]) == 0
    monkeypatch.chdir(here)
    assert calls() == ["resume seed=1", "run seed=2"]
    assert states() == ["done"] * 3


def test_two_runs_do_not_share_a_folder(here, capsys):
    assert sweep("seed=0,1", "hydra.sweep.subdir=width_${width}") == 2
    assert "many/width_1: holds another run" in capsys.readouterr().err
    assert SWEEP.read().runs[0].seed == 0 and calls() == ["run width_1"]


def test_a_run_at_work_is_left_alone(here, capsys):
    behave(seed_0="die")
    assert sweep("seed=0,1") == 1
    with hold(Path("many/seed=0/.lock")):
        assert main(["resume", "many"]) == 1
    assert "✗ seed=0 busy: process" in capsys.readouterr().out


def test_a_run_that_outlived_its_sweep_is_judged_at_the_end(here):
    assert sweep("seed=0,1") == 0
    recorded = SWEEP.read()
    SWEEP.write(recorded.with_run(replace(recorded.runs[0], state="running", loss=None)))
    settle(SWEEP, wait=False)
    first = SWEEP.read().runs[0]
    assert first.state == "done" and first.loss == 1e-7


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers_give_the_same_folder(launcher, here):
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher")
    behave(seed_1="refuse")
    assert sweep("seed=0,1,2", f"hydra/launcher={launcher}") == 1
    assert states() == ["done", "failed", "done"]
    Path("behavior.json").unlink()
    assert main(["resume", "many"]) == 0
    assert states() == ["done"] * 3


def test_a_group_that_is_swept_for_one_of_two_packages_names_the_runs(here):
    optimizers = ["optimizer@explore=adam,soap", "optimizer@polish=soap"]
    assert sweep(*optimizers, "seed=0") == 0
    runs = SWEEP.read().runs
    assert [run.swept for run in runs] == [{"optimizer@explore": o} for o in ("adam", "soap")]
    assert len({run.folder for run in runs}) == 2


def test_compare_takes_sweeps(here, capsys):
    behave(seed_1="refuse")
    assert sweep("seed=0,1,2") == 1
    capsys.readouterr()
    assert main(["compare", "many", "many/seed=0"]) == 0
    out = capsys.readouterr().out
    assert out.count("many/seed=0") == 4 and "many/seed=2" in out and "seed=1" not in out


def test_a_live_line_says_where_a_run_is(tmp_path):
    run = SweepRun(folder="seed=0")
    job = SweepJob(SweepFolder(tmp_path), Sweep([], "."), run)
    job.record.path.mkdir()
    console = Console(force_terminal=True, file=io.StringIO(), width=120)
    with command._shown(job, console, is_alone=True):
        assert progress_line(run, job.record) == "seed=0"
        rows = "explore,400,1e-6,2e-6\n"
        job.record.history.write_text(f"phase,iteration,loss,heldout_loss\n{rows}")
    line = "seed=0  explore  iteration 400  loss 1.0e-6  held out 2.0e-6"
    assert progress_line(run, job.record) == line and line in console.file.getvalue()


def done(number, **more):
    return SweepRun(number=number, folder=str(number), state="done", **more)


def test_the_best_run_has_the_least_error_or_held_out_loss():
    failed = SweepRun(errors={"u": 0.0}, state="failed")
    runs = [failed, done(1, errors={"u": 3.0, "v": 1.0}), done(2, errors={"u": 2.0, "v": 2.5})]
    assert Sweep([], "", runs).best is runs[2]
    runs = [done(1, heldout_loss=1.0), done(2, heldout_loss=float("nan"), errors={"k": None})]
    assert Sweep([], "", runs).best is runs[0] and Sweep([], "", [failed]).best is None


def test_the_table_has_what_the_runs_have():
    unknown = {"nu": UnknownMetrics(estimate=0.31831, standard_error=2e-5)}
    swept = {"network.width": 10, "problem.nu": 0.25}
    run = done(0, swept=swept, unknowns=unknown, remaining={"a": 1e-3})
    text = shown(sweep_table(Sweep([], "", [run])))
    for part in ("width", "nu 0.31831 ± 2.0e-5", "0.25", "1.0e-3 (a)"):
        assert part in text
    assert "memory" not in text and "iterations" not in text and "state" not in text
    row = run.columns()
    assert row["standard_error_nu"] == 2e-5 and row["network.width"] == 10
    assert short_names(["a.b", "c.b", "c.d"]) == {"a.b": "a.b", "c.b": "c.b", "c.d": "d"}


def shown_runs(settings, errors):
    """Return one run per settings, with curves that end in the errors."""
    found = []
    for one, error in zip(settings, errors, strict=True):
        course = np.array([1.0, error])
        found.append(
            ShownRun(
                settings=one,
                results={"relative error": error},
                abscissae={"iteration": np.array([1, 2]), "seconds": np.array([1.0, 2.0])},
                curves={"relative error": course},
            )
        )
    return found


def test_a_number_has_medians_and_ranges_on_axes_that_fit():
    widths = [{"network.width": w, "seed": s} for w in (10, 20, 200) for s in range(3)]
    figure = setting_figure(shown_runs(widths, 10.0 ** -np.arange(9.0)), "network.width")
    (axes,) = figure.axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_xlabel() == "width" and figure.get_suptitle() == "median and range of 3 seeds"
    (bars,) = axes.containers
    np.testing.assert_allclose(bars[0].get_xydata(), [[10, 1e-1], [20, 1e-4], [200, 1e-7]])
    few = [{"problem.D": D, "network.depth": d} for D in (0.5, 1.0) for d in (2, 3)]
    (axes,) = setting_figure(shown_runs(few, [1.0, 2.0, 3.0, 4.0]), "problem.D").axes
    assert axes.get_xscale() == axes.get_yscale() == "linear" and axes.get_xlabel() == "$D$"
    assert axes.get_legend_handles_labels()[1] == ["depth = 2", "depth = 3"]


def test_a_category_has_a_box_per_value():
    kinds = [{"network": kind, "seed": seed} for kind in ("mlp", "siren") for seed in (0, 1)]
    (axes,) = setting_figure(shown_runs(kinds, [1.0, 3.0, 2.0, 2.0]), "network").axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["mlp", "siren"]
    assert [(box.get_y(), box.get_height()) for box in axes.patches] == [(1.0, 2.0), (2.0, 0.0)]


def test_curves_of_all_runs_have_one_legend(tmp_path):
    from PIL import Image

    few = shown_runs([{"network.width": w, "seed": s} for w in (5, 6) for s in (0, 1)], [1e-2] * 4)
    figure = curves_figure(few)
    first, second = figure.axes
    assert len(first.lines) == len(second.lines) == 4
    assert [t.get_text() for t in figure.legends[0].texts] == ["width = 5", "width = 6"]
    many = shown_runs([{"network.width": w} for w in range(30)], [1e-2] * 30)
    legend = curves_figure(many, many[7]).legends[0]
    assert [t.get_text() for t in legend.texts] == ["other runs", "best: width = 7"]
    assert solutions_figure(few) is None
    Image.new("RGB", (30, 10)).save(tmp_path / "a.png")
    picture = ShownRun(settings={"seed": 1}, results={}, picture=tmp_path / "a.png")
    figure = solutions_figure([picture] * 20)
    assert [axes.get_title() for axes in figure.axes] == ["seed = 1"] * 12
