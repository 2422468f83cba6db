"""Sweeps that are stopped, killed and continued, and the ledger, with a stand-in for pinn."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pinn
from pinn import conf_folders
from pinn.cli import compose
from pinn.cli import reproduce as command
from pinn.errors import InputError
from pinn.sweep import Job, curves, lock
from pinn.sweep.ledger_files import Ledger

ROOT = Path(pinn.__file__).parent.parent
STUB = [sys.executable, "-S", "-E", str(Path(__file__).with_name("sweep_stub.py"))]
PATIENCE = 60  # seconds to wait for a process before the test fails
CONFIG = """
defaults: [_self_, {optional experiment: null}]
problem: {_target_: pinn.problems.Burgers}
data: null
network: {width: 10}
published: null
seed: 0
output: outputs
name: null
"""
EXPERIMENTS = {
    "easy": "network: {width: 20}\n"
    "published: {baseline: {value: 2.0e-3, source: Someone 2019; second-hand}}",
    "hard": "data: {count: 5}\n"
    "published: {baseline: {value: 1.0e-2, source: A}, record: {value: 7.97e-8, source: B}}",
    "smoke": "network: {width: 1}",
}


@pytest.fixture
def here(tmp_path, monkeypatch, request):
    """An empty folder and a configuration of three experiments; `pictures` has them drawn too."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(
            curves,
            "draw",
            lambda shown, row, file: file.write_bytes(str(row["quantities"]).encode()),
        )
    conf = tmp_path / "conf"
    (conf / "experiment").mkdir(parents=True)
    (conf / "config.yaml").write_text(CONFIG)
    for name, text in EXPERIMENTS.items():
        (conf / "experiment" / f"{name}.yaml").write_text(
            f"# @package _global_\n# The {name} one\n# In full\n{text}\n"
        )
    for module in (conf_folders, compose):
        monkeypatch.setattr(module, "conf_folder", lambda: conf)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pictures():
    """Have pictures drawn."""


def reproduce(*arguments):
    return command.reproduce([str(a) for a in arguments], program=STUB)


def behave(**jobs):
    Path("behavior.json").write_text(json.dumps({k.replace("_", " "): v for k, v in jobs.items()}))


def calls():
    """Return the commands that were called: "run easy 0", "resume easy 0"."""
    commands = []
    for line in Path("calls.txt").read_text().splitlines():
        name, *words = line.split()
        overrides = dict(w.split("=") for w in words if "=" in w)
        if overrides:
            commands.append(f"run {overrides['experiment']} {overrides['seed']}")
        else:
            _, _, experiment, seed, *_ = Path(words[0]).parts
            commands.append(f"{name} {experiment} {seed.removeprefix('seed_')}")
    return commands


def ledger():
    return json.loads(Path("experiments/ledger.json").read_text())


def page():
    return Path("experiments/ledger.md").read_text()


def started(*arguments):
    """Start `pinn reproduce` in a process and a session of its own."""
    code = (
        "import sys, pathlib; from pinn import conf_folders as f\n"
        "from pinn.cli import compose as r, reproduce as c\n"
        "from pinn.sweep import curves; curves.draw = lambda shown, row, file: file.touch()\n"
        "f.conf_folder = r.conf_folder = lambda: pathlib.Path('conf').resolve()\n"
        f"code = c.reproduce(sys.argv[1:], program={STUB!r})\n"
        "print('heavy:', [m for m in ('tensorflow', 'keras') if m in sys.modules])\nsys.exit(code)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def wait_for(condition, process=None):
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert process is None or process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def checkpoint(name, seed=0):
    return next(Path().glob(f"outputs/reproduce/{name}/seed_{seed}/*/*/*/checkpoint.npz"), None)


def working(name, sweep):
    """Return the process that works at a job, once the lock names it instead of the sweep."""
    file = Path(f"outputs/reproduce/{name}/seed_0/lock")

    def worker():
        words = file.read_text().split()  # "process 4711 on host"
        if len(words) != 4 or int(words[1]) == sweep.pid:
            return None
        return int(words[1])

    return wait_for(worker)


def test_a_sweep_runs_every_job_once_and_writes_the_ledger(here, pictures, capsys):
    assert reproduce("--all", "--seeds", 2) == 0
    assert calls() == ["run easy 0", "run hard 0", "run easy 1", "run hard 1"]
    easy, hard = ledger()["rows"].values()
    three = {"median": pytest.approx(1.5e-3), "smallest": 1e-3, "largest": 2e-3}
    assert easy["quantities"]["u"] == {
        **three,
        "baseline": 2e-3,
        "ratios": {"baseline": pytest.approx(0.75)},
    }
    assert (
        easy["seconds"] == {"median": 10.5, "smallest": 10.0, "largest": 11.0}
        and easy["iterations"]["median"] == 21
    )
    assert [run["seed"] for run in easy["runs"]] == [0, 1] and easy["runs"][0]["processes"] == 1
    assert hard["quantities"]["u"]["ratios"] == {
        "baseline": pytest.approx(0.15),
        "record": pytest.approx(1.5e-3 / 7.97e-8),
    }
    text = page()
    for part in (
        "2 of 2 benchmarks with runs are at or below the baseline",
        "0 of 1 with a published record",
        "| [`easy`](#easy) | u | **1.5e-3** | 1.0e-3 … 2.0e-3 | 0, 1 | 10.5 (10.0 … 11.0) | "
        "21 (20 … 22) | 2.0e-3 |",
        "| 7.97e-8 | 1.9e4× | better than the baseline, worse than the record |",
        "## hard\n\nThe hard one\n\nIn full\n\n`pinn reproduce hard --seeds 2`\n\n"
        "- baseline: 1.0e-2: A\n- record:",
        "Someone 2019; second-hand",
        "Adam, then L-BFGS. On: ",
        "![convergence of easy](ledger/easy.png)\n\n![solution of easy](ledger/easy_solution.png)",
    ):
        assert part in text, part
    assert "smoke" not in text and "Not run" not in text
    assert (
        "✓ hard seed 1: u 2.0e-3; u 0.2× the baseline 1.0e-2; u 2.5e4× the record 7.97e-8; 11.0 s"
        in capsys.readouterr().out
    )
    curve = Path("experiments/ledger/easy.csv").read_text().splitlines()
    assert curve[0] == "seed,seconds,u" and len(curve) == 201 and curve[100].startswith("0,400.0,")


def test_a_run_of_more_than_five_minutes_also_counts_with_its_errors_then(here):
    behave(hard_0_run="long", easy_0_run="long")
    reproduce("--all", "--seeds", 1)
    easy, hard = ledger()["rows"].values()
    assert (
        easy["runs"][0]["in_time"]["u"] == pytest.approx(1e-3 * 0.9**300)
        and easy["runs"][0]["errors"]["u"] == 1e-3
    )
    assert (
        hard["in_time"]["quantities"]["u"]["ratios"]["record"]
        < 1
        < hard["quantities"]["u"]["ratios"]["record"]
    )
    text = page()
    assert (
        "2 of 2 benchmarks with runs are at or below the baseline" in text
        and "2 of them within 5 minutes;" in text
    )
    assert "0 of 1 with a published record are at or below it, 1 of them within 5" in text
    assert "After 300 s the median error was: u 1.9e-17." in text


def test_finished_jobs_are_skipped_and_the_ledger_stays_the_same_to_the_byte(here, capsys):
    reproduce("easy", "--seeds", 2)
    files = {p: p.read_bytes() for p in Path("experiments").rglob("*") if p.is_file()}
    assert len(files) == 5 and reproduce("easy", "--seeds", 2) == 0 and len(calls()) == 2
    assert {p: p.read_bytes() for p in Path("experiments").rglob("*") if p.is_file()} == files
    assert "experiments/ledger.md: 2 finished" in capsys.readouterr().out
    assert "Not run: `hard`." in page()
    Path("calls.txt").unlink()
    assert reproduce("easy", "--seeds", 3) == 0 and calls() == ["run easy 2"]


def test_a_failed_job_stops_no_other_and_says_why(here, capsys):
    behave(easy_0_run="refuse", easy_1_run="crash", hard_0_run="refuse")
    assert reproduce("easy", "hard", "--seeds", 2) == 1
    assert "✗ easy seed 0 failed: network.width=-1; give" in capsys.readouterr().out
    assert ledger()["rows"]["easy"]["troubles"] == [
        {
            "seed": 0,
            "state": "failed",
            "reason": "network.width=-1; give a whole number of at least 1.",
        },
        {"seed": 1, "state": "failed", "reason": "luck"},
    ]
    assert "- `easy`: seed 0 failed: network.width=-1; give a whole number" in page()
    assert "- seed 0 failed: network.width=-1" in page().split("## hard")[1]
    behave(easy_0_run="refuse")
    Path("calls.txt").unlink()
    assert reproduce("easy", "hard", "--seeds", 2) == 1
    assert calls() == [
        "run easy 0",
        "run hard 0",
        "resume easy 1",
    ]  # hard 1 was finished; easy 1 had a checkpoint
    assert "(in 2 processes)" in page() and len(ledger()["rows"]["easy"]["troubles"]) == 1


def test_a_killed_job_is_resumed(here):
    behave(easy_0_run="die")
    assert reproduce("easy", "hard", "--seeds", 1) == 1
    assert ledger()["rows"]["easy"]["troubles"] == [
        {"seed": 0, "state": "killed", "reason": "killed by SIGKILL"}
    ]
    assert reproduce("easy", "hard", "--seeds", 1) == 0
    assert calls() == ["run easy 0", "run hard 0", "resume easy 0"]
    assert ledger()["rows"]["easy"]["runs"][0]["processes"] == 2


def test_a_run_without_pictures_is_drawn_not_repeated(here):
    behave(easy_0_run="no pictures")
    assert reproduce("easy", "--seeds", 1) == 1
    assert reproduce("easy", "--seeds", 1) == 0 and calls() == ["run easy 0", "plot easy 0"]
    next(Path("outputs").rglob("solution.png")).unlink()
    assert reproduce("easy", "--seeds", 0) == 0 and "- seed 0 done: its pictures are gone" in page()
    assert (
        reproduce("easy", "--seeds", 1) == 0
        and calls()[2:] == ["plot easy 0"]
        and "are gone" not in page()
    )


def test_an_interrupted_sweep_saves_and_continues(here):
    behave(easy_0_run="wait")
    process = started("easy", "hard", "--seeds", "1")
    wait_for(lambda: checkpoint("easy"), process)
    time.sleep(0.1)  # the stand-in's sleep begins
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "Traceback" not in out and "heavy: []" in out
    assert "easy seed 0 interrupted" in out and calls() == ["run easy 0"]
    assert reproduce("easy", "hard", "--seeds", 1) == 0
    assert calls() == ["run easy 0", "resume easy 0", "run hard 0"]


def test_the_sweep_itself_is_killed(here):
    """The job outlives the sweep, keeps its lock, and is not done a second time."""
    behave(easy_0_run="pause")
    process = started("easy", "--seeds", "1")
    wait_for(lambda: checkpoint("easy"), process)
    process.kill()
    process.communicate()
    assert reproduce("easy", "--seeds", 1) == 0  # the job is busy still
    assert calls() == ["run easy 0"] and "at work, or killed" in page()
    Path("go").touch()
    wait_for(_free)
    assert reproduce("easy", "--seeds", 1) == 0 and calls() == ["run easy 0"]
    assert len(ledger()["rows"]["easy"]["runs"]) == 1


def _free():
    try:
        with lock.hold(Path("outputs/reproduce/easy/seed_0/lock")):
            return True
    except lock.Busy:
        return False


def test_sweep_and_job_are_killed(here):
    behave(easy_0_run="wait")
    process = started("easy", "--seeds", "1")
    wait_for(lambda: checkpoint("easy"), process)
    worker = working("easy", process)
    process.kill()
    process.communicate()
    os.kill(worker, signal.SIGKILL)
    wait_for(_free)
    assert reproduce("easy", "--seeds", 1) == 0 and calls() == ["run easy 0", "resume easy 0"]


def test_two_sweeps_share_the_work(here):
    behave(easy_0_run="pause")
    first = started("easy", "hard", "--seeds", "2")
    wait_for(lambda: checkpoint("easy"), first)
    assert reproduce("easy", "hard", "--seeds", 2) == 0
    assert calls() == ["run easy 0", "run hard 0", "run easy 1", "run hard 1"]
    Path("go").touch()
    first.communicate(timeout=PATIENCE)
    assert first.returncode == 0 and len(calls()) == 4
    assert [len(row["runs"]) for row in ledger()["rows"].values()] == [2, 2]


def test_a_lock_names_its_owner(tmp_path):
    file = tmp_path / "lock"
    with (
        lock.hold(file),
        pytest.raises(lock.Busy, match=f"process {os.getpid()} on "),
        lock.hold(file),
    ):
        pass
    with lock.hold(file):
        pass


@pytest.mark.parametrize(
    ("owner", "free"),
    [
        ("", True),
        ("process {dead} on {here}", True),
        ("process {own} on {here}", False),
        ("process 1 on afar", False),
    ],
)
def test_a_lock_on_a_file_system_without_locks(owner, free, tmp_path, monkeypatch):
    def no_locks(handle, blocking):
        raise OSError("no locks available")

    monkeypatch.setattr(lock, "lock_descriptor", no_locks)
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()
    file = tmp_path / "lock"
    file.write_text(owner.format(dead=dead.pid, own=os.getpid(), here=platform.node()))
    if free:
        with lock.hold(file):
            assert str(os.getpid()) in file.read_text()
    else:
        with pytest.raises(lock.Busy), lock.hold(file):
            pass


def test_results_with_other_settings_count_until_new_ones_are_asked_for(here, capsys):
    reproduce("easy", "--seeds", 2)
    file = here / "conf" / "experiment" / "easy.yaml"
    file.write_text(file.read_text().replace("20", "40").replace("2.0e-3", "4.0e-3"))
    assert reproduce("easy", "--seeds", 2) == 0 and len(calls()) == 2
    assert (
        "finished with other settings (network.width 20 → 40); --changed runs it anew"
        in capsys.readouterr().out
    )
    assert (
        "These runs had other settings than the experiment has now:** network.width 20 → 40."
        in page()
    )
    assert ledger()["rows"]["easy"]["quantities"]["u"]["ratios"]["baseline"] == pytest.approx(
        1.5e-3 / 4e-3
    )
    assert reproduce("easy", "--seeds", 1, "--changed") == 0 and len(calls()) == 3
    row = ledger()["rows"]["easy"]
    assert [r["seed"] for r in row["runs"]] == [0] and [r["seed"] for r in row["left_out"]] == [1]
    assert "- seed 1 is left out: it had other settings" in page() and "**These runs" not in page()
    assert reproduce("easy", "--seeds", 2, "--changed") == 0 and len(calls()) == 4
    assert len(ledger()["rows"]["easy"]["runs"]) == 2 and len(ledger()["settings"]) == 1


def test_a_job_has_the_settings_that_its_process_reads(here, monkeypatch):
    """Someone edits an experiment while the sweep is at another one."""
    file, advance = Path("conf/experiment/hard.yaml"), Job.advance

    def edit(job):
        if job.experiment == "easy":
            file.write_text(file.read_text().replace("count: 5", "count: 6"))
        return advance(job)

    monkeypatch.setattr(Job, "advance", edit)
    assert reproduce("easy", "hard", "--seeds", 1) == 0
    settings = ledger()["settings"][ledger()["rows"]["hard"]["runs"][0]["settings"]]
    assert settings["data"] == {"count": 6}


def test_again_survives_an_interruption(here):
    reproduce("easy", "--seeds", 2)
    behave(easy_0_run="die")
    assert reproduce("easy", "--seeds", 2, "--again") == 1  # seed 0 is killed, seed 1 done anew
    assert [r["seed"] for r in ledger()["rows"]["easy"]["runs"]] == [
        0,
        1,
    ]  # the old result stands meanwhile
    Path("calls.txt").unlink()
    assert reproduce("easy", "--seeds", 2) == 0 and calls() == ["resume easy 0"]


def test_the_ledger_keeps_rows_of_other_machines(here):
    reproduce("easy", "--seeds", 2)
    before = ledger()["rows"]["easy"], Path("experiments/ledger/easy.csv").read_bytes()
    Path("outputs").rename("elsewhere")
    assert reproduce("hard", "--seeds", 1) == 0
    assert (ledger()["rows"]["easy"], Path("experiments/ledger/easy.csv").read_bytes()) == before
    assert reproduce("easy", "--seeds", 1) == 0 and calls()[-1] == "run easy 0"
    assert len(ledger()["rows"]["easy"]["runs"]) == 2
    assert Path("experiments/ledger/easy.csv").read_bytes() == before[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the names of experiments"),
        (["easy", "--all"], "give the names of experiments"),
        (["esay"], "no experiment 'esay'. Did you mean 'easy'"),
        (["easy", "--seeds", "few"], "argument --seeds: invalid int value: 'few'"),
        (["easy", "--seeds", "-1"], "--seeds -1; give a number of seeds"),
        (["easy", "--sedes", "1"], "unknown option '--sedes'; see `pinn reproduce --help`"),
        (["easy", "network.width=3"], "'network.width=3' sets a launcher, and none is named"),
        (["easy", "--launcher", "jobilb"], "unknown launcher 'jobilb'. Did you mean 'joblib'"),
        (
            ["easy", "--launcher", "joblib", "network.width=3"],
            "'network.width=3' is no setting of the launcher",
        ),
        (["easy", "--ledger", "conf/config.yaml"], "set --ledger to another folder"),
    ],
)
def test_bad_input(arguments, message, here):
    with pytest.raises(InputError, match=message) as raised:
        reproduce(*arguments)
    assert "\n" not in str(raised.value) and not Path("calls.txt").exists()


def test_a_foreign_ledger_is_left_alone(here):
    Path("experiments").mkdir()
    Path("experiments/ledger.json").write_text("[]")
    with pytest.raises(InputError, match="is no ledger of this program"):
        reproduce("easy")
    assert Path("experiments/ledger.json").read_text() == "[]" and not Path("calls.txt").exists()


def test_without_seeds_only_the_ledger_is_written(here):
    assert reproduce("--all", "--seeds", 0) == 0
    assert not Path("outputs").exists() and "No row that has something published" in page()
    assert Ledger(Path("experiments")).read()["rows"]["easy"]["runs"] == []


def test_a_job_that_leaves_nothing_has_failed(here, tmp_path):
    job = Job("easy", 0, tmp_path / "job", {}, [sys.executable, "-S", "-c", ""])
    assert job.advance().reason == "it ended well, but left no metrics or pictures"
    assert job.attempts[0].trouble == ("failed", "it ended well, but left no metrics or pictures")


@pytest.mark.slow
def test_a_real_experiment_is_killed_and_resumed(tmp_path, monkeypatch):
    """What the stand-in imitates is what pinn's own commands leave."""
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "pinn", "reproduce", "smoke", "--seeds", "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: checkpoint("smoke"))
    worker = working("smoke", process)
    process.kill()
    os.kill(worker, signal.SIGKILL)
    process.wait()
    assert command.reproduce(["smoke", "--seeds", "1"]) == 0
    row = ledger()["rows"]["smoke"]
    assert row["runs"][0]["processes"] == 2 and 0 < row["quantities"]["u"]["median"] < 1
    assert list(row["pictures"]) == ["convergence", "solution"]
    log = next(Path("outputs").rglob("log.txt")).read_text()
    assert log.count("$ pinn run experiment=smoke seed=0") == log.count("$ pinn resume ") == 1


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers(launcher, here):
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher")
    behave(easy_0_run="refuse", easy_1_run="die")
    settings = (
        ["hydra.launcher.n_jobs=2"] if launcher == "joblib" else ["hydra.launcher.timeout_min=5"]
    )
    assert reproduce("easy", "hard", "--seeds", 2, "--launcher", launcher, *settings) == 1
    assert sorted(calls()) == ["run easy 0", "run easy 1", "run hard 0", "run hard 1"]
    assert [t["state"] for t in ledger()["rows"]["easy"]["troubles"]] == ["failed", "killed"]
    assert len(ledger()["rows"]["hard"]["runs"]) == 2
    behave()
    assert reproduce("easy", "hard", "--seeds", 2, "--launcher", launcher) == 0
    assert sorted(calls())[:1] == ["resume easy 1"] and len(calls()) == 6
    with pytest.raises(InputError, match="correct the launcher's settings"):
        reproduce("easy", "--again", "--launcher", launcher, "hydra.launcher.n_jbos=2")
