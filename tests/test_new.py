"""`pinn new` writes files that run at once, and overwrites nothing."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import pinn
from pinn.cli.commands import KINDS
from pinn.cli.main import main
from pinn.cli.starting_files import TEMPLATES, class_name
from pinn.cli.starting_from_data import _rounded
from pinn.errors import InputError
from pinn.measurements import roles
from pinn.measurements.table import Table

TABLES = {
    "scatter.csv": "time;position;T surface\ns;m;°C\n0,1;0,5;3\n0,2;1,5;4\n0,3;2,5;5\n",
    "decay.csv": "t,A,B\n0,1,2\n1,0.5,1\n2,0.3,\n3,0.1,0.2\n",
    "plate é.csv": "X,Y,u,u_sigma,u_x\n0,0,1,.1,1\n1,2,1,.1,2\n0.3,0.4,2,.1,1\n0.1,0.7,2,.1,3\n",
}
SHORT = [
    "points.counts={interior: 20, initial: 8, boundary: 8}",
    "points.test=20",
    "phases.explore.stop.max_iterations=2",
    "phases.polish.stop.max_iterations=2",
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder, where no module that a test writes stays imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def written(name):
    files = (f"{name}.py", f"conf/experiment/{name}.yaml", f"test_{name}.py")
    return [Path(file) for file in files]


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.quick("inverse")
@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_of_every_kind_is_checked_at_once(kind, here, eager, capsys):
    assert main(["new", "hot_plate", "--kind", kind]) == 0
    assert "next: pinn check experiment=hot_plate" in capsys.readouterr().out
    assert all(path.is_file() for path in written("hot_plate"))
    assert main(["check", "experiment=hot_plate"]) == 0
    out = capsys.readouterr().out
    assert "HotPlate" in out and "no warnings" in out
    assert main(["check", "hot_plate.py"]) == 0
    assert imported(Path("test_hot_plate.py")).HotPlate.__doc__


@pytest.mark.parametrize(
    ("file", "equations", "domain"),
    [
        ("scatter.csv", ["T_surface_t − diffusivity T_surface_xx"], {"x": (0.5, 2.5)}),
        ("decay.csv", ["A_t + rate_A A", "B_t + rate_B B"], {}),
        ("plate é.csv", ["Δu + source"], {"x": (0.0, 1.0), "y": (0.0, 2.0)}),
    ],
)
def test_a_problem_is_fitted_to_a_table(file, equations, domain, here, eager, capsys):
    Path(file).write_text(TABLES[file], encoding="utf-8")
    assert main(["new", "fitted", "--data", file]) == 0
    assert f"{file}: coordinates:" in capsys.readouterr().out
    problem = imported(Path("fitted.py")).Fitted()
    assert getattr(problem.space, "ranges", {}) == domain
    assert imported(Path("test_fitted.py")).DATA.read(problem).points.coordinates.shape[0] >= 3
    assert main(["check", "experiment=fitted"]) == 0
    out = capsys.readouterr().out
    for equation in equations:
        assert equation in out
    assert "no warnings" in out


def test_what_was_written_runs(here, eager, capsys, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    Path("decay.csv").write_text(TABLES["decay.csv"])
    assert main(["new", "decay", "--data", "decay.csv", "--kind", "ode"]) == 0
    assert main(["run", "experiment=decay", "hydra.run.dir=made", *SHORT]) == 0
    assert "rate_A" in Path("made/metrics.json").read_text()
    assert main(["list", "decay"]) == 0
    assert "Decay, fitted to decay.csv" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_tests_that_are_written_pass(kind, here):
    assert main(["new", "hot_plate", "--kind", kind]) == 0
    command = [sys.executable, "-m", "pytest", "-q", "test_hot_plate.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_written_is_formatted(here):
    for name, text in TABLES.items():
        Path(name).write_text(text, encoding="utf-8")
        assert main(["new", f"from_{name[0]}", "--data", name]) == 0
    for kind in KINDS:
        assert main(["new", f"of_{kind}", "--kind", kind]) == 0
    if not (Path(sys.executable).parent / "ruff").exists():
        pytest.skip("no ruff")
    for command in (["format", "--check"], ["check"]):
        ruff = [Path(sys.executable).parent / "ruff", *command, "--no-cache", "--line-length=100"]
        done = subprocess.run([*ruff, "."], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    for path in Path("conf/experiment").iterdir():
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["problem"]


def test_the_file_is_found_from_its_folder_and_from_elsewhere(here, capsys):
    Path("data").mkdir()
    Path("data/decay.csv").write_text(TABLES["decay.csv"])
    Path("work").mkdir()
    assert main(["new", "within", "--data", "data/decay.csv"]) == 0
    assert "path: data/decay.csv\n" in written("within")[1].read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir("work")
        assert main(["new", "beyond", "--data", "../data/decay.csv"]) == 0
        assert f"path: {here.resolve()}/data/decay.csv\n" in written("beyond")[1].read_text()


def test_how_a_table_is_read_is_told_and_kept(here, capsys):
    Path("bare.csv").write_text("0;1,5\n1;2,5\n2;4,5\n")
    line = ["new", "bare", "--data", "bare.csv", "data.columns=[t,u]", "data.decimal=comma"]
    assert main(line) == 0
    assert "columns: [t, u]" in written("bare")[1].read_text()
    assert 'decimal="comma",' in written("bare")[2].read_text()


@pytest.mark.parametrize(
    ("columns", "units", "coordinates", "fields"),
    [
        ("t x u", "s m K", "x t", "u"),
        ("Time X T", "", "x t", "T"),
        ("T t", "", "t", "T"),
        ("day h", "d m", "t", "h"),
        ("day depth T", "d m K", "x t", "T"),
        ("a b c", "m mm K", "x y", "c"),
        ("a b", "m m", "x", "b"),
        ("t load bend", "s N mm", "t", "load bend"),
        ("x bend", "m mm", "x", "bend"),
        ("x", "", "", ""),
        ("a b", "K N", "", ""),
        ("x u u_x lap_u u_sigma", "", "x", "u"),
        ("t lambda self u2 u²", "", "t", "lambda1 self1 u2 u21"),
        ("t 2nd µ", "", "t", "f2nd μ"),
    ],
)
def test_names_and_units_tell_coordinates(columns, units, coordinates, fields):
    names = columns.split()
    arrays = {name: np.array([0.0, 1.0, np.nan]) for name in names}
    table = Table(arrays, units=dict(zip(names, units.split(), strict=False)))
    if not fields:
        with pytest.raises(InputError, match=r"data.path=a.csv: (none of|has no column)"):
            roles(table, "data.path=a.csv")
        return
    found = roles(table, "data.path=a.csv")
    assert list(found.coordinates) == coordinates.split()
    assert list(found.fields) == fields.split()
    assert found.ranges["x" if "x" in found.ranges else "t"] == (0.0, 1.0)


def test_a_coordinate_of_one_value_is_left_out():
    table = Table({"t": np.arange(3.0), "x": np.ones(3), "u": np.arange(3.0)}, {"note": "is text"})
    found = roles(table, "a")
    assert list(found.coordinates) == ["t"] and list(found.fields) == ["u"]
    assert len(found.left_out) == 2 and found.left_out[1] == "note: holds no numbers"


@pytest.mark.parametrize("ends", [(0.3, 0.7), (-1.2345, 9.8765), (1e-9, 3e-9), (2000.0, 2000.5)])
def test_ranges_are_rounded_outward(ends):
    lower, upper = _rounded(ends)
    assert lower <= ends[0] and upper >= ends[1]
    assert upper - lower <= 1.0201 * (ends[1] - ends[0])
    assert len(f"{lower:g}") <= 7 or lower == float(f"{lower:.12g}")


def test_the_templates_come_with_the_package():
    assert TEMPLATES.parent == Path(pinn.__file__).parent and len(list(TEMPLATES.iterdir())) == 14
    assert class_name("hot_plate2") == "HotPlate2" and class_name("aB") == "AB"


BAD = [
    (["new"], "0 names", "pinn new plate"),
    (["new", "a", "b"], "2 names", "give one"),
    (["new", "hot-plate"], "'hot-plate' is no name of a module", "hot_plate"),
    (["new", "class"], "'class' is no name", "hot_plate"),
    (["new", "../plate"], "is no name", "hot_plate"),
    (["new", "json"], "Python has a module of this name", "choose another"),
    (["new", "scipy"], "would hide a module of this name", "choose another"),
    (["new", "__main__"], "would hide a module", "choose another"),
    (["new", "problem"], "its class would be called Problem", "choose another"),
    (["new", "helmholtz"], "there is an experiment of this name", "choose another"),
    (["new", "taken"], "taken.py exists and is kept", "choose another"),
    (["new", "listed"], "conf/experiment/listed.yaml exists", "choose another"),
    (["new", "tried"], "test_tried.py exists", "choose another"),
    (["new", "fine", "--kind", "stedy"], "--kind stedy", "Did you mean 'steady'?"),
    (["new", "fine", "--nope"], "unknown option '--nope'", "--help"),
    (["new", "fine", "seed=1"], "seed=1: is set in the experiment", "edit"),
    (["new", "fine", "data.decimal=comma"], "says how a file is read", "--data FILE"),
    (["new", "fine", "--data", "a.csv", "data.decimal=nope"], "data.decimal", "comma"),
    (["new", "fine", "--data", "a.csv", "data.columns=["], "is no valid value", "key=value"),
    (["new", "fine", "--data", "a.csv", "data.sigma=1"], "data.sigma", "data.separator"),
    (["new", "fine", "--data", "absent.csv"], "cannot be read", "path of a file"),
    (["new", "fine", "--data", "conf"], "is a folder", "path of a file"),
    (["new", "fine", "--data", "a.pdf"], "unknown kind of file", ".csv"),
    (["new", "fine", "--data", "b.csv"], "none of a, b is a coordinate", "data.columns"),
    (["new", "fine", "--data", "c.csv"], "t", ""),
    (["new", "fine", "--data", "a.npz"], "u is 2 × 3, no column", "data.grid"),
    (["new", "fine", "--data", "a.csv", "--kind", "steady"], "--kind steady", "take ode"),
]


@pytest.mark.parametrize(("arguments", "offender", "remedy"), BAD, ids=lambda x: str(x)[-30:])
def test_bad_input(arguments, offender, remedy, here, capsys):
    Path("conf/experiment").mkdir(parents=True)
    for file in ("taken.py", "conf/experiment/listed.yaml", "test_tried.py", "a.pdf"):
        Path(file).write_text("# mine\n")
    Path("a.csv").write_text("t,u\n0,1\n1,2\n")
    Path("b.csv").write_text("a,b\n0,1\n1,2\n")
    Path("c.csv").write_text("t,u\nlong ago,1\nyesterday,2\n")
    np.savez("a.npz", t=np.zeros(3), u=np.zeros((2, 3)))
    before = sorted(here.rglob("*"))
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("pinn: ") and err.count("\n") == 1, err
    assert offender in err and remedy in err, err
    assert sorted(here.rglob("*")) == before and Path("taken.py").read_text() == "# mine\n"


def test_nothing_is_left_where_a_file_cannot_be_written(here, capsys):
    Path("conf").write_text("a file\n")
    assert main(["new", "fine"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "cannot be written" in err and "folder of your own" in err
    assert [path.name for path in here.iterdir()] == ["conf"]
