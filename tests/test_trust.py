"""No code runs that only a file asks for: configurations, runs, sweeps and networks of others."""

import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
import tensorflow as tf
import yaml
from finished_runs import finished_run
from test_bad_input import TINY, files, refused
from user_problem import PROBLEM

from pinn import Problem, trust
from pinn.cli.main import main
from pinn.errors import InputError
from pinn.setup import user_files
from pinn.setup.build import locate

EVIL = "from pathlib import Path\nPath('exploded').touch()\n"
COMMANDS = ("plot", "resume", "diagnose")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Return a folder with a problem of the user's, and a run of it."""
    home = tmp_path_factory.mktemp("home")
    (home / "mine.py").write_text(PROBLEM)
    (home / "beside.py").write_text("SLOPE = 1.0\n")
    counts = [f"points.counts.{name}=8" for name in ("interior", "boundary")]
    tiny = [a for a in TINY if a.startswith(("network", "phases"))]
    settings = [*tiny, *counts, "phases.correct=null", "windows=1", "name=burgers"]
    run = finished_run(home / "runs", str(home / "mine.py"), *settings)
    run.rename(home / "run")
    return home


@pytest.fixture
def home(shared, tmp_path, monkeypatch):
    """Return a copy of that folder, as in a new process of the same user."""
    copy = Path(shutil.copytree(shared, tmp_path / "home"))
    moved(copy, shared / "mine.py", copy / "mine.py")
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    forget_modules()
    yield copy
    forget_modules()


def moved(home, old, new):
    """Let the run name the file of its problem at another place."""
    config = home / "run" / "config.yaml"
    config.write_text(config.read_text().replace(str(old), str(new)))
    forget_settings(home / "run")


def forget_settings(run):
    """Have the checkpoint know nothing of the configuration, as those of earlier versions."""
    import numpy as np

    with np.load(run / "checkpoint.npz") as file:
        arrays = dict(file)
    for name in [n for n in arrays if n.endswith("progress")]:
        arrays[name] = np.array(json.dumps({**json.loads(str(arrays[name])), "settings": []}))
    np.savez(run / "checkpoint.npz", **arrays)


def forget_modules():
    for name in list(sys.modules):
        if name.startswith("pinn_user_mine") or name == "beside":
            del sys.modules[name]
    user_files._beside.clear()
    user_files._files.clear()


def as_another_user(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(trust, "_remembered", set())


def call(command, run, *arguments):
    tf.config.run_functions_eagerly(True)
    try:
        return main([command, str(run), *arguments])
    finally:
        tf.config.run_functions_eagerly(False)


def test_what_the_user_has_run_needs_no_trust(home):
    assert call("plot", home / "run") == 0
    for file in ("mine.py", "beside.py"):
        (home / file).unlink()
    forget_modules()
    assert call("plot", home / "run") == 0  # from the files that the run keeps


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_of_somebody_else_runs_no_code(home, command, capsys, monkeypatch, tmp_path):
    as_another_user(monkeypatch, tmp_path)
    (home / "mine.py").unlink()
    copy = home / "run" / "code" / "mine.py"
    copy.write_text(EVIL + copy.read_text())
    before = files(home)
    line = refused(capsys, command, str(home / "run"))
    assert "code/mine.py: has not been run here before" in line and "give --trust" in line
    assert not Path("exploded").exists() and files(home) == before


def test_trust_is_asked_for_once(home, monkeypatch, tmp_path):
    as_another_user(monkeypatch, tmp_path)
    assert call("resume", home / "run", "--trust") == 0
    forget_modules()
    assert call("plot", home / "run") == 0


@pytest.mark.parametrize("changed", ["mine.py", "beside.py"])
def test_a_file_that_has_changed_since_the_run_is_refused(home, changed, capsys):
    file = home / changed
    file.write_text(file.read_text() + "\n# better\n")
    line = refused(capsys, "plot", str(home / "run"))
    assert f"{changed}: is not what the run was made with" in line
    assert f"run/code/{changed}; restore it, or give --trust" in line
    assert call("resume", home / "run", "--trust") == 0
    assert (home / "run" / "code" / changed).read_text().endswith("# better\n")
    assert call("plot", home / "run") == 0


def test_a_module_that_the_run_did_not_have_is_refused(home, capsys):
    (home / "beside.py").unlink()
    (home / "run" / "code" / "beside.py").unlink()
    (home / "beside").mkdir()
    (home / "beside" / "__init__.py").write_text(EVIL + "SLOPE = 1.0\n")
    line = refused(capsys, "plot", str(home / "run"))
    assert "beside/__init__.py: has not been run here before" in line
    assert not Path("exploded").exists()


def test_compiled_code_beside_a_file_is_not_taken_for_it(home):
    import importlib.util
    import py_compile

    file = home / "beside.py"
    times = file.stat()
    evil = Path("evil.py")
    evil.write_text(EVIL + "SLOPE = 1.0\n")
    compiled = importlib.util.cache_from_source(str(file))
    py_compile.compile(
        str(evil), compiled, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    assert file.stat() == times
    assert call("plot", home / "run") == 0
    assert not Path("exploded").exists()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("runs"), *TINY)


@pytest.fixture
def run(finished, tmp_path):
    copy = Path(shutil.copytree(finished, tmp_path / "run"))
    forget_settings(copy)
    return copy


TARGETS = {
    "problem": "problem",
    "phases.polish.optimizer": "phases.polish.optimizer",
    "phases.explore.optimizer.learning_rate": "phases.explore.optimizer.learning_rate",
    "weights.scheme": "weights.scheme",
}


def with_target(run, where, target):
    config = yaml.safe_load((run / "config.yaml").read_text())
    node = config
    *path, last = where.split(".")
    for name in path:
        node = node[name]
    if not isinstance(node.get(last), dict):
        node[last] = {}
    node[last]["_target_"] = str(target)
    (run / "config.yaml").write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("where", TARGETS)
def test_a_configuration_imports_nothing_that_the_user_has_not_run(where, run, capsys, tmp_path):
    (tmp_path / "evil.py").write_text(EVIL + "class Burgers: pass\n")
    before = set(sys.modules)
    for target in (
        tmp_path / "evil.py:Burgers",
        "evil.Burgers",
        "antigravity.Burgers",
        "pinn.__main__.Burgers",
        "pinn.cli.main.main",
        "os.system",
        "subprocess.Popen",
    ):
        with_target(run, where, target)
        line = refused(capsys, "plot", str(run))
        assert "--trust" in line or "is no" in line, line
    new = set(sys.modules) - before
    assert not new & {"antigravity", "evil", "pinn.__main__"} and not Path("exploded").exists()


def test_an_installed_module_runs_for_a_run_once_it_has_run(tmp_path, monkeypatch):
    package = tmp_path / "site" / "plates"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    text = PROBLEM.replace("import beside", EVIL).replace("beside.SLOPE", "1.0")
    (package / "thin.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "site")
    with trust.asked_by(trust.FolderOfARun(tmp_path / "code")):
        with pytest.raises(InputError, match="no other module is imported"):
            locate("plates.thin.Mine", "problem", Problem)
        assert not Path("exploded").exists() and "plates" not in sys.modules
        trust.remember(text.encode(), package / "thin.py")
        assert locate("plates.thin.Mine", "problem", Problem).__name__ == "Mine"
        for module in ("nosuch.thin", "plates.none", "sys.path", "__main__", "plates.thin.more"):
            with pytest.raises(InputError, match="no other module is imported"):
                locate(f"{module}.Mine", "problem", Problem)


def test_an_experiment_names_files_beside_itself_alone(capsys, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text(EVIL + "class Burgers: pass\ndef main(): pass\n")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("mine.yaml").write_text("problem: {_target_: ../evil.py:Burgers}\n")
    line = refused(capsys, "run", "mine.yaml")
    assert "beside or below itself alone" in line and "on the command line" in line
    Path("mine.yaml").write_text("problem: {_target_: evil.Burgers}\n")
    assert "is no Problem of pinn" in refused(capsys, "run", "mine.yaml")
    # A class without a base, and a function, are no problems; nothing of the file runs.
    shutil.move(tmp_path / "evil.py", "evil.py")
    for target in ("evil.py:Burgers", "evil.py:main", "evil.py", "evil.Burgers", "evil.main"):
        Path("mine.yaml").write_text(f"problem: {{_target_: {target}}}\n")
        assert "defines no class" in refused(capsys, "run", "mine.yaml")
    assert not list(Path().rglob("exploded"))
    # What the command line names runs, and is then found to be no problem.
    assert "is no Problem" in refused(capsys, "check", "evil.py:Burgers")
    assert Path("exploded").exists()


def test_the_code_of_a_run_is_no_file_beside_an_experiment(capsys):
    code = Path("outputs/theirs/code")
    code.mkdir(parents=True)
    (code / "evil.py").write_text(EVIL + "class Mine(Problem): pass\n")
    (code.parent / "config.yaml").write_text(f"problem: {{_target_: {code}/evil.py:Mine}}\n")
    silent = ["hydra/hydra_logging=none", "hydra/job_logging=none"]  # Hydra's own closes pytest's
    line = refused(capsys, "run", "--config-path", str(code.parent), *silent)
    assert "name this one on the command line" in line and not Path("exploded").exists()


HYDRA = {
    "callback": "callbacks: {evil: {_target_: os.mkdir, path: exploded}}",
    "launcher": "launcher: {_target_: os.getcwd}",
    "log": "job_logging: {handlers: {evil: {(): os.mkdir, path: exploded}}}",
    "object": "job_logging: {handlers: {evil: {class: logging.Handler, x: ext://antigravity.x}}}",
}


@pytest.mark.parametrize("name", HYDRA)
@pytest.mark.parametrize("multirun", [False, True])
def test_hydra_calls_nothing_that_a_file_asks_for(name, multirun, capsys):
    Path("mine.yaml").write_text(f"hydra:\n  {HYDRA[name]}\n")
    more = ["-m", "seed=0,1"] if multirun else []
    line = refused(capsys, "run", "mine.yaml", *more)
    assert "is not of Hydra or Optuna" in line and "hydra." in line
    assert not Path("exploded").exists() and "antigravity" not in sys.modules


def test_a_sweep_of_somebody_else_is_not_called(capsys, tmp_path):
    Path("evil.py").write_text(EVIL)
    Path("many").mkdir()
    sweep = {
        "format": 1,
        "arguments": ["-m", "evil.py", "seed=0,1"],
        "working_folder": str(tmp_path),
        "runs": [],
    }
    Path("many/sweep.json").write_text(json.dumps(sweep))
    before = files(tmp_path)
    line = refused(capsys, "resume", "many")
    assert "pinn run -m evil.py seed=0,1" in line and "--trust" in line
    assert files(tmp_path) == before


def test_a_sweep_does_not_go_on_with_another_problem(capsys, tmp_path, monkeypatch):
    from pinn.cli import sweep as sweep_module

    Path("mine.py").write_text(PROBLEM)
    code = Path("many/seed=0/code")
    code.mkdir(parents=True)
    (code / "mine.py").write_text(PROBLEM + "\n# before\n")
    sweep = {
        "format": 1,
        "arguments": ["-m", "mine.py", "seed=0,1"],
        "working_folder": str(tmp_path),
        "runs": [{"folder": "seed=0", "state": "failed"}],
    }
    Path("many/sweep.json").write_text(json.dumps(sweep))
    called = json.dumps([sweep["arguments"], str(tmp_path)]).encode()
    trust.remember(called, Path("many"))
    line = refused(capsys, "resume", "many")
    assert "mine.py: is not what the runs were made with" in line and "--trust" in line
    monkeypatch.setattr(sweep_module, "_sweep", lambda *_: 0)
    assert main(["resume", "many", "--trust"]) == 0
    (code / "mine.py").write_text(PROBLEM)
    assert main(["resume", "many"]) == 0


def test_the_tests_that_the_security_page_names_are_there():
    root = Path(__file__).parents[1]
    text = (root / "SECURITY.md").read_text()
    named = re.findall(r"(test_\w+\.py)(?:::(test_\w+))?", text)
    assert len(named) >= 7
    for file, test in named:
        assert f"def {test}" in (root / "tests" / file).read_text()


def rewrite_network(run, change):
    """Change the configuration of a network in its archive."""
    file = run / "network.keras"
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def with_lambda(config):
    import keras

    layer = keras.layers.Lambda(lambda x: Path("exploded").touch() or x)
    config["config"]["layers"][-1].update(keras.saving.serialize_keras_object(layer))


def of_another_module(config):
    config["config"]["layers"][-1].update(
        module="antigravity", class_name="Layer", registered_name="Layer"
    )


@pytest.mark.parametrize("change", [with_lambda, of_another_module])
def test_a_network_of_somebody_else_runs_no_code(change, run, capsys):
    rewrite_network(run, change)
    before = files(run)
    line = refused(capsys, "plot", str(run))
    assert "network.keras: cannot be loaded" in line
    assert not Path("exploded").exists() and "antigravity" not in sys.modules
    assert files(run) == before
