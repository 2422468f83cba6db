"""Searches by Optuna: proposals, early ends, resumption, pictures and refusals, with a stand-in."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna")

from test_sweep import SWEEP, calls, few_settings, sweep

from pinn.cli.main import main
from pinn.cli.overrides import parsed
from pinn.errors import InputError
from pinn.plotting import ShownRun, importance_figure, search_figure
from pinn.record import History, RunFolder, Sweep, SweepRun
from pinn.record.columns import phase_title
from pinn.record.sweep import check_objective
from pinn.sweep import process
from pinn.sweep.early_end import EarlyEnd, budget_used, latest
from pinn.sweep.search import distributions, importances

CONF = Path(__file__).parents[1] / "conf"
SEARCH = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=6", "seed=range(0,30)"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with few settings in which searches run the stand-in and draw nothing."""
    conf = few_settings(tmp_path, monkeypatch)
    shutil.copytree(CONF / "hydra" / "sweeper", conf / "hydra" / "sweeper")
    monkeypatch.setattr(process, "_WATCH", 0.02)
    return tmp_path


def behave(does, seeds):
    """Say what the runs of seeds do."""
    Path("behavior.json").write_text(json.dumps({f"smoke {seed} run": does for seed in seeds}))


def test_a_search_ends_in_the_table_of_a_sweep(here, capsys):
    assert sweep(*SEARCH, "hydra/sweeper/pruner=none") == 0
    found = SWEEP.read()
    seeds = [run.swept["seed"] for run in found.runs]
    assert 4 <= len(set(seeds)) <= 6 and found.best.swept["seed"] == min(seeds)
    assert found.searched == ["seed=range(0,30)"] and found.objective == "auto"
    assert (SWEEP.path / "search.db").is_file() and SWEEP.multirun.is_file()
    assert "best" in capsys.readouterr().out


def test_what_is_compared_can_be_chosen(here, capsys):
    assert sweep(*SEARCH, "+objective=iterations", "hydra.sweeper.n_trials=2") == 0
    assert SWEEP.read().objective == "iterations"
    assert main(["run", "-m", "experiment=smoke", *SEARCH, "+objective=heldout"]) == 2
    assert "objective=heldout: is no result of a run" in capsys.readouterr().err
    assert main(["run", "-m", "experiment=smoke", *SEARCH, "+objective=error_q"]) == 2
    assert "objective=error_q: the run has no such result; give one of" in capsys.readouterr().err


def test_a_run_that_is_worse_than_others_ends_early(here, capsys):
    behave("wait", range(25, 30))
    settings = ["hydra.sweeper.n_trials=10", "hydra.sweeper.pruner.n_startup_trials=2"]
    assert sweep(*SEARCH, *settings, "hydra/sweeper/sampler=random") == 0
    runs = SWEEP.read().runs
    states = {run.swept["seed"]: run.state for run in runs}
    assert set(states) & set(range(25, 30))
    assert all(run.errors["u"] > 0.0 for run in runs)  # also of those that ended early
    for seed, state in states.items():
        assert seed < 25 or state == "pruned"
    out = capsys.readouterr().out
    assert "pruned: worse than others after 40% of its budget" in out


@pytest.mark.slow
def test_a_stopped_search_goes_on_with_the_run_that_was_stopped(here, capsys):
    assert sweep(*SEARCH, "hydra.sweeper.n_trials=3") == 0
    seeds = [run.swept["seed"] for run in SWEEP.read().runs]
    shutil.rmtree("many")
    calls()
    behave("interrupt", seeds[2:])
    assert sweep(*SEARCH) == 130
    begun = SWEEP.read()
    assert [run.state for run in begun.runs] == ["done", "done", "interrupted"]
    calls()
    assert main(["resume", "many"]) == 0
    assert calls()[0] == f"resume seed={seeds[2]}"
    ended = SWEEP.read().runs
    assert len(ended) <= 6 and all(run.state == "done" for run in ended)
    assert main(["resume", "many"]) == 0 and not Path("calls.txt").exists()


@pytest.mark.slow
def test_a_failed_run_is_a_row_and_is_tried_again_when_resumed(here, capsys):
    behave("refuse", range(30))
    assert sweep(*SEARCH, "hydra.sweeper.n_trials=2") == 1
    assert all(run.state == "failed" for run in SWEEP.read().runs)
    Path("behavior.json").unlink()
    calls()
    assert main(["resume", "many"]) == 0
    assert all(run.state == "done" for run in SWEEP.read().runs)


def test_a_launcher_gets_several_runs_of_a_search(here):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    assert sweep(*SEARCH, "hydra/launcher=joblib", "hydra.sweeper.n_jobs=2") == 0
    assert all(run.state == "done" for run in SWEEP.read().runs)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["hydra/sweeper=optuna"], "nothing to search; give intervals or choices"),
        ([*SEARCH, "hydra.sweeper.n_trials=0"], "hydra.sweeper.n_trials=0: give a whole number"),
        ([*SEARCH, "seed=tag(log,interval(0,1))"], "seed=tag(log,interval(0,1)): "),
        ([*SEARCH, "hydra.sweeper.storage=nope://x"], "hydra.sweeper.storage=nope://x: "),
        ([*SEARCH, "hydra.sweeper.sampler._target_=os.system"], "os.system: no sampler of Optuna."),
        ([*SEARCH, "hydra.sweeper.pruner._target_=optuna.pruners.MedianPrune"], "'MedianPruner'"),
        ([*SEARCH, "hydra.sweeper.pruner.n_warmup_steps=-1"], "hydra.sweeper.pruner: "),
    ],
)
def test_mistakes_are_told_in_one_line(settings, words, here, capsys):
    assert sweep(*settings) == 2
    err = capsys.readouterr().err
    assert words in err and len(err.splitlines()) == 1


def test_without_optuna_its_installation_is_named(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert sweep(*SEARCH) == 2
    assert "pip install 'optuna>=4.5'" in capsys.readouterr().err


def test_settings_become_distributions():
    settings = ["a=interval(1,3)", "b=int(interval(1,3))", "c=tag(log,interval(1e-3,1))"]
    settings += ["d=range(2,7,2)", "e=range(0.0,1.0,0.25)", "+f=choice(tanh,sin)", "g=1,2"]
    found = distributions(parsed(settings))
    a, b, c, d, e, f, g = found.values()
    assert list(found) == ["a", "b", "c", "d", "e", "+f", "g"]
    assert type(a).__name__ == type(c).__name__ == type(e).__name__ == "FloatDistribution"
    assert (b.low, b.high, b.step) == (1, 3, 1) and c.log and not a.log
    assert (d.low, d.high, d.step) == (2, 6, 2) and (e.low, e.high, e.step) == (0.0, 0.75, 0.25)
    assert f.choices == ("tanh", "sin") and g.choices == ("1", "2")


def rows(*values):
    """Return a history of phase, iteration, seconds and the error of u."""
    names = ["phase", "iteration", "seconds", "loss", "heldout_loss", "error_u"]
    return History(names, [dict(zip(names, (*v, 1.0, 2.0, 3.0), strict=True)) for v in values])


def test_runs_are_compared_where_they_have_used_the_same_part_of_their_budget():
    stop = {"explore": {"stop": {"max_iterations": 100}}, "polish": {"stop": {"max_seconds": 10.0}}}
    explore, polish = phase_title("explore", "Adam"), phase_title("polish", "L-BFGS")
    used = budget_used({"phases": stop})
    assert used(rows()) is None and used(rows((explore, 0, 1.0))) == 0.0
    assert used(rows((explore, 0, 1.0), (explore, 50, 3.0))) == 0.25
    both = [(explore, 0, 1.0), (explore, 100, 5.0), (polish, 110, 10.0)]
    assert used(rows(*both)) == 0.75
    assert used(rows(*both, (polish, 900, 50.0))) == 1.0
    window = phase_title("polish", "L-BFGS", "window 2 of 3")
    assert used(rows(*both, (window, 1, 1.0))) is None
    history = rows(*both)
    assert latest(history, "auto") == 3.0 and latest(history, "heldout_loss") == 2.0
    assert latest(history, "peak_memory") is None


def test_nothing_is_said_of_a_history_whose_first_line_is_being_written(tmp_path):
    folder = RunFolder(tmp_path)
    (tmp_path / "config.yaml").write_text("phases: {explore: {stop: {max_iterations: 100}}}")
    early_end = EarlyEnd(None, folder, "auto")  # it asks the trial of nothing
    assert early_end() is None
    folder.history.write_text("phase,iteration,seconds,lo")
    assert early_end() is None


def test_objectives_are_columns_of_the_table():
    run = SweepRun(state="done", errors={"u": 1.0, "v": 2.0}, heldout_loss=3.0, seconds=4.0)
    assert [run.merit(name) for name in ("auto", "error_u", "seconds")] == [2.0, 1.0, 4.0]
    assert SweepRun(state="done", heldout_loss=3.0).merit("error") is None
    assert SweepRun(state="pruned", heldout_loss=3.0).merit() is None
    assert check_objective("error_u") == "error_u"
    with pytest.raises(InputError, match="Did you mean 'heldout_loss'"):
        check_objective("heldout_los")


def test_the_setting_that_matters_has_the_largest_share():
    rng = np.random.default_rng(0)
    runs = []
    for number in range(60):
        a, b = rng.uniform(size=2)
        kind = ("tanh", "sin")[number % 2]
        arguments = [f"a={a}", f"b={b}", f"+c={kind}", "d=1"]
        value = (a - 0.3) ** 2 + 1e-3 * b
        runs.append(SweepRun(number=number, arguments=arguments, state="done", loss=value))
    sweep = Sweep([], "", runs)
    searched = parsed(["a=interval(0,1)", "b=interval(0,1)", "+c=choice(tanh,sin)"])
    shares = importances(searched, sweep)
    assert next(iter(shares)) == "a" and set(shares) == {"a", "b", "c"} and shares["a"] > 0.8
    assert math.isclose(sum(shares.values()), 1.0)
    assert importances(searched, Sweep([], "", runs[:3])) == {}


def test_a_search_has_a_panel_per_setting():
    runs = []
    for number in range(5):
        settings = {"network.width": 10 + number, "rate": 10.0**-number, "kind": "ab"[number % 2]}
        runs.append(ShownRun(settings=settings, results={"relative error": 10.0**-number}))
    figure = search_figure(runs, "relative error", runs[4])
    width, rate, kind, colors = figure.axes
    assert width.get_xlabel() == "width" and width.get_ylabel() == "relative error"
    assert rate.get_xscale() == "log" and width.get_xscale() == "linear"
    assert [tick.get_text() for tick in kind.get_xticklabels()] == ["a", "b"]
    assert colors.get_ylabel() == "run, in order; the ring is the best"
    (axes,) = importance_figure({"network.width": 0.75, "rate": 0.25}).axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["width", "rate"]
