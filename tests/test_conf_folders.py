"""Configuration of the user's own: found, listed, composed, checked; every option of Hydra."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from pinn.cli import run as run_module
from pinn.cli import sweep as sweep_module
from pinn.cli.arguments import parse
from pinn.cli.completion import proposed
from pinn.cli.main import main
from pinn.conf_folders import conf_folders, package_of, shown
from pinn.setup.build import locate
from pinn.setup.user_files import keep
from pinn.sweep import Ending, sweep_job

PLATE = """
from pinn import Interval, Problem, positive, residual
from numbers_beside import SOURCE

class Plate(Problem):
    fields = ("T",)
    space = Interval(x=(0.0, 1.0))
    D: float = positive(1.0)

    @residual(on="interior")
    def heat(self, T_xx):
        return self.D * T_xx + SOURCE

    @residual(on="boundary")
    def cold(self, T):
        return T
"""
FILES = {
    "problem/plate.py": PLATE,
    "problem/numbers_beside.py": "SOURCE = 2.0\n",
    "problem/plate.yaml": "# A heated plate\n_target_: plate.py:Plate\nD: 2.0\nunknowns: {}\n",
    "network/tiny.yaml": "# Four neurons\ndefaults: [mlp, _self_]\nwidth: 4\ndepth: 1\n",
    "experiment/mine.yaml": """# @package _global_
# The plate of last winter
defaults: [override /problem: plate, override /network: tiny]
published: {baseline: {value: 2.0e-3, source: my thesis}}
points: {counts: {interior: 30}, test: 20}
phases: {explore: {stop: {max_iterations: 2}}, polish: {stop: {max_iterations: 2}}}
""",
    "experiment/heir.yaml": "# Its heir\ndefaults: [mine]\nseed: 7\n",
    "debug/quick.yaml": "# @package _global_\nseed: 99\n",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a folder conf/ of the user's."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        path = Path("conf", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def solved(monkeypatch):
    """The configurations and folders that would be solved."""
    calls = []

    def solve(config, folder, *, strict):
        calls.append((config, folder))
        Path(folder, "made").touch()
        return 0

    monkeypatch.setattr(run_module, "_solve", solve)
    return calls


@pytest.fixture
def swept(monkeypatch):
    """The commands that a sweep would start."""
    commands = []

    def execute(program, command, *, log, **_):
        commands.append(command)
        Path(log.parent, "metrics.json").write_text('{"finished": true}')
        Path(log.parent, "figures").mkdir()
        Path(log.parent, "figures", "solution.png").touch()
        return Ending("done")

    monkeypatch.setattr(sweep_job, "execute", execute)
    monkeypatch.setattr(sweep_module, "_save_figures", lambda folder, runs: [])
    return commands


def configuration(capsys, *arguments):
    """Return what `pinn run … --cfg job --resolve` shows."""
    assert main(["run", *arguments, "--cfg", "job", "--resolve"]) == 0
    return yaml.safe_load(capsys.readouterr().out)


def refused(capsys, *arguments):
    assert main(list(arguments)) == 2
    err = capsys.readouterr().err
    assert err.startswith("pinn: ") and err.count("\n") == 1, err
    return err


def test_conf_in_the_working_folder_is_part_of_the_configuration(here, capsys):
    config = configuration(capsys, "experiment=heir", "problem.D=3")
    target = here.resolve() / "conf/problem/plate.py"
    assert config["problem"] == {"_target_": f"{target}:Plate", "D": 3, "unknowns": {}}
    assert config["seed"] == 7 and config["network"]["width"] == 4
    assert config["published"]["baseline"]["source"] == "my thesis"
    assert configuration(capsys, "+debug=quick")["seed"] == 99
    assert "choose with +debug=NAME" in refused(capsys, "run", "debug=quick", "--cfg", "job")
    assert "Did you mean 'mine'?" in refused(capsys, "run", "experiment=miine")


def test_other_folders_are_named_or_left_out(here, capsys, monkeypatch):
    assert "no experiment 'mine'" in refused(capsys, "run", "experiment=mine", "--no-local-conf")
    Path("conf").rename("mine")
    for options in (
        ["--config-dir", "mine"],
        ["-cd", "mine"],
        ["hydra.searchpath=[mine]"],
        [f"hydra.searchpath=['file://{here}/mine']"],
    ):
        assert configuration(capsys, "experiment=mine", *options)["network"]["width"] == 4
    assert "absent: no such folder" in refused(capsys, "run", "--config-dir", "absent")
    assert "absent: no such folder" in refused(capsys, "run", "hydra.searchpath=[absent]")
    assert "no such package" in refused(capsys, "run", "hydra.searchpath=[pkg://absent.conf]")
    # A folder conf/ of another program has none of the groups.
    Path("conf/database").mkdir(parents=True)
    Path("conf/database/mysql.yaml").write_text("a: 1\n")
    assert [folder.kind for folder in conf_folders()][:1] == ["pinn"]


def test_the_listing_shows_them_under_headings_of_their_own(here, capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    ours, mine = out.split("experiment of conf/")
    assert re.search(r"mine +The plate of last winter +2.0e-3", mine) and "mine" not in ours
    assert re.search(r"heir +Its heir +2.0e-3", mine) and re.search(r"plate +A heated plate", mine)
    assert main(["list", "heir"]) == 0
    assert "my thesis" in capsys.readouterr().out
    assert main(["list", "--no-local-conf"]) == 0
    assert "conf/" not in capsys.readouterr().out


def test_a_file_of_a_name_that_is_taken_says_so(here, capsys):
    taken = Path("conf/network/siren.yaml")
    taken.write_text("# Mine\ndefaults: [mlp, _self_]\nwidth: 7\n")
    line = refused(capsys, "run", "network=siren", "--cfg", "job")
    assert "conf/network/siren.yaml: pinn has a file of this name; rename it" in line
    assert "'# @replaces pinn'" in line and "--no-local-conf" in line
    taken.write_text("# @replaces pinn\n# Mine\ndefaults: [mlp, _self_]\nwidth: 7\n")
    assert configuration(capsys, "network=siren")["network"]["width"] == 7
    assert configuration(capsys, "network=siren", "--no-local-conf")["network"]["width"] == 20


def test_one_file_runs_directly(here, capsys, solved):
    Path("study").mkdir()
    Path("study/base.yaml").write_text("network: {width: 5}\nname: own\n")
    Path("study/direct.yaml").write_text(
        "defaults: [base]\nseed: 3\nproblem: {_target_: ../conf/problem/plate.py}\n"
    )
    config = configuration(capsys, "seed=4", "study/direct.yaml")
    assert (config["seed"], config["network"]["width"]) == (4, 5)
    Path("study/alone.yaml").write_text("problem: {_target_: ../conf/problem/plate.py, D: 4.0}\n")
    config = configuration(capsys, "study/alone.yaml")
    target = str(here.resolve() / "study/../conf/problem/plate.py")
    assert config["problem"] == {"_target_": target, "D": 4.0, "unknowns": {}}
    assert main(["run", "study/direct.yaml"]) == 0
    assert solved[0][1].parent == Path("outputs/own")
    assert "absent.yaml: no such file" in refused(capsys, "run", "absent.yaml")
    assert "rename it" in refused(capsys, "run", "study.yml")


def test_a_run_is_read_when_its_files_have_moved(here, eager, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    assert main(["run", "experiment=mine", "hydra.run.dir=made"]) == 0
    assert sorted(p.name for p in Path("made/code").iterdir()) == ["numbers_beside.py", "plate.py"]
    shutil.rmtree("conf")
    Path("made").rename("moved")
    assert main(["resume", "moved", "phases.polish.stop.max_iterations=3"]) == 0
    assert main(["plot", "moved"]) == 0


EVERYWHERE = [
    (["--cfg", "job"], r"^problem:"),
    (["-c", "hydra"], r"^hydra:"),
    (["--cfg", "all"], r"^hydra:(.|\n)*^problem:"),
    (["--cfg", "job", "--package", "network"], r"^# @package network\n(.|\n)*width: 12"),
    (["--cfg", "job", "-p", "seed"], r"^0$"),
    (["--cfg", "hydra", "hydra.run.dir=a"], r"dir: a$"),
    (["--info"], r"Defaults Tree"),
    (["--info", "defaults"], r"experiment/smoke"),
    (["-i", "defaults-tree"], r"experiment: smoke"),
    (["--info", "config"], r"Config search path"),
    (["--info", "plugins"], r"Installed Hydra Plugins"),
    (["--info", "searchpath"], r"\| main +\| file://.*conf"),
    (["--help"], r"^usage: pinn run (.|\n)*experiment: allen_cahn(.|\n)*--multirun"),
    (["--hydra-help"], r"Hydra \("),
    (["--version"], r"^Hydra 1\.3"),
    (["--cfg", "job", "--config-name", "config"], r"^problem:"),
]


@pytest.mark.parametrize(("options", "shows"), EVERYWHERE, ids=lambda o: str(o[:2]))
def test_options_that_show_something(options, shows, capsys):
    assert main(["run", "experiment=smoke", *options, "seed=0"]) == 0
    assert re.search(shows, capsys.readouterr().out, re.MULTILINE)


def test_a_configuration_of_another_name_or_folder(here, capsys, solved):
    Path("conf/train.yaml").write_text("defaults: [config, _self_]\nseed: 5\n")
    assert configuration(capsys, "--config-name", "train")["seed"] == 5
    assert configuration(capsys, "-cn", "train.yaml", "network=tiny")["seed"] == 5
    assert "Did you mean 'train'?" in refused(capsys, "run", "--config-name", "trian")
    Path("whole").mkdir()
    Path("whole/all.yaml").write_text("problem: {_target_: pinn.problems.Wave}\nseed: 6\n")
    line = ["--config-path", "whole", "--config-name", "all", "--no-local-conf"]
    assert configuration(capsys, *line) == {
        "problem": {"_target_": "pinn.problems.Wave"},
        "seed": 6,
    }
    silent = ["hydra/hydra_logging=none", "hydra/job_logging=none"]  # Hydra's own closes pytest's
    assert main(["run", *line, *silent]) == 0 and solved[0][0]["seed"] == 6
    assert "no such folder" in refused(capsys, "run", "--config-path", "absent")


def test_the_folder_of_a_run(here, capsys, solved, monkeypatch):
    def folder(*arguments):
        assert main(["run", "problem=wave", *arguments]) == 0
        return solved[-1][1]

    first = folder()
    assert first.parent == Path("outputs/wave") and re.match(r"20\d\d-", first.name)
    assert folder("output=b", "name=n").parent == Path("b/n")
    assert folder("output=b", "hydra.run.dir=c/d") == Path("c/d") and Path("c/d/made").is_file()
    assert folder("hydra.run.dir=e/${seed}", "seed=3") == Path("e/3")
    monkeypatch.setattr(
        run_module,
        "_solve",
        lambda config, folder, strict: solved.append((config, Path.cwd())) or 0,
    )
    assert folder("hydra.run.dir=f", "hydra.job.chdir=true") == (here / "f").resolve()
    assert not Path("f").exists()  # nothing was written
    assert folder(f"problem._target_={here}/conf/problem/plate.py:Plate", "problem=custom") == here
    for arguments in (["hydra.run.dir=/proc/nope"], ["output=/proc/nope"]):
        assert f"{arguments[0]}: cannot be written" in refused(capsys, "run", *arguments)


def test_two_runs_of_one_second_have_two_folders(here, solved):
    folder = "hydra.run.dir=outputs/${now:%Y}"
    assert main(["run", folder]) == main(["run", folder]) == 0
    assert solved[1][1].name == solved[0][1].name + "_1"


def test_verbose_shows_the_log(here, capsys, solved):
    assert main(["run", "hydra.verbose=true"]) == 0
    assert "Config search path" in capsys.readouterr().out


@pytest.mark.quick("m")
@pytest.mark.parametrize(
    ("option", "place"), [("-m", 0), ("--multirun", 2), ("hydra.mode=MULTIRUN", 3)]
)
def test_a_sweep_has_one_folder(option, place, here, swept):
    line = ["experiment=mine", "network.width=4,5", "hydra.sweep.dir=many"]
    line.insert(place, option)
    assert main(["run", *line]) == 0
    assert Path("many/multirun.yaml").is_file()
    folders = [command[-1].removeprefix("hydra.run.dir=").strip("'") for command in swept]
    assert [command[0] for command in swept] == ["run", "run"]
    assert folders == [str(here / "many" / f"network.width={width}") for width in (4, 5)]
    child = parse("run", swept[0][1:])
    assert "experiment=mine" in child.overrides and not child.multirun


def test_the_runs_of_a_sweep_find_what_the_sweep_found(here, swept):
    Path("conf").rename("mine")
    line = ["problem=plate", "-cd", "mine", "problem.D=1,2", "-m", "hydra.job.chdir=true"]
    assert main(["run", "--no-local-conf", *line, "hydra.sweep.subdir=${hydra.job.num}"]) == 0
    assert swept[0][1:4] == ["--no-local-conf", "--config-dir", str(here / "mine")]
    assert "hydra.job.chdir=true" in swept[0] and swept[1][-1].endswith("/1'")
    Path("direct.yaml").write_text("seed: 3\n")
    swept.clear()
    assert main(["run", "direct.yaml", "seed=1,2", "-m"]) == 0
    child = parse("run", swept[0][1:])
    assert child.experiment_file == here.resolve() / "direct.yaml"
    assert child.overrides.count("experiment=direct") == 1


BAD_LINES = [
    (["--nope"], "unrecognized arguments: --nope", "--help"),
    (["--info", "nope"], "invalid choice: 'nope'", "--help"),
    (["--cfg", "job", "-m"], "Only one of", "--help"),
    (["--resolve"], "--resolve flag", "--cfg"),
    (["--cfg", "job", "--package", "nope"], "package 'nope' not found", "--help"),
    (["--experimental-rerun", "a.pickle"], "not pickled", "pinn resume"),
    (["seed=1,2"], "Ambiguous value", "--multirun"),
    (["hydra.mode=NONE"], "NONE", "--help"),
    (["hydra.runn.dir=a"], "no key 'hydra.runn.dir'", ""),
    (["hydra/launcher=nope"], "no launcher 'nope'", ""),
    (["network=nope"], "no network 'nope'", "mlp"),
    (["+network=siren"], "network has a choice already", "network=NAME, without +"),
    (["seed=1,2", "sede=3", "-m"], "no key 'sede'", "seed"),
]


@pytest.mark.parametrize(("arguments", "offender", "remedy"), BAD_LINES, ids=lambda x: str(x)[:30])
def test_bad_lines(arguments, offender, remedy, capsys, here, swept):
    line = refused(capsys, "run", *arguments)
    assert offender in line and remedy in line


def test_completion_knows_groups_names_and_keys(here):
    for line, proposal in {
        "pinn ru": "run",
        "pinn run exper": "experiment=",
        "pinn run experiment=mi": "experiment=mine",
        "python -m pinn run experiment=mine network.wi": "network.width=",
        "pinn run experiment=mine network.width=": "network.width=4",
        "pinn run problem=plate problem.": "problem.D=",
        "pinn run phases.polish.optimizer.": "phases.polish.optimizer.transform=",
        "pinn run optimizer@phases.polish=gau": "optimizer@phases.polish=gauss_newton",
        "pinn run +deb": "+debug=",
        "pinn run --info sea": "searchpath",
        "pinn run --conf": "--config-dir",
        "pinn check hydra.run": "hydra.run.dir=",
        "pinn list hei": "heir",
        "pinn reproduce mi": "mine",
        "pinn new rod --kind st": "steady",
        "pinn new rod --d": "--data",
    }.items():
        assert proposal in proposed(line), line
    assert proposed("pinn run 'open") == [] == proposed("pinn resume ")


def test_completion_speaks_to_the_shells(here, capsys, monkeypatch):
    monkeypatch.setenv("COMP_LINE", "pinn run experiment=he")
    assert main(["-sc", "query=bash"]) == main(["run", "-sc", "query=fish"]) == 0
    out = capsys.readouterr().out
    assert "experiment=heat experiment=heat_5d" in out and "experiment=heat\nexperiment" in out
    for shell in ("bash", "fish"):
        assert main(["--shell-completion", f"install={shell}"]) == 0
        assert f"-sc query={shell}" in capsys.readouterr().out
    assert "install=SHELL" in refused(capsys, "-sc", "install=tcsh")


def test_paths_are_shown_from_the_working_folder(here):
    assert shown(here.resolve() / "conf" / "a.yaml") == "conf/a.yaml"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installed package that registers two problems, one of them with a file."""
    site = tmp_path / "site"
    (site / "rods/conf/problem").mkdir(parents=True)
    (site / "rods/conf/experiment").mkdir()
    (site / "rods/__init__.py").write_text(PLATE.replace("numbers_beside", "rods.numbers"))
    (site / "rods/numbers.py").write_text("SOURCE = 1.0\n")
    (site / "rods/conf/problem/rod.yaml").write_text("# A rod\n_target_: rods.Plate\nD: 3.0\n")
    text = "# @package _global_\n# Rods in winter\ndefaults: [override /problem: rod]\n"
    (site / "rods/conf/experiment/rods.yaml").write_text(text)
    information = site / "pinn_rods-0.4.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: pinn-rods\nVersion: 0.4\n")
    points = "rod = rods:Plate\nbare = rods:Plate\nwave = rods:Plate\nbroken = absent:Rod\n"
    (information / "entry_points.txt").write_text(f"[pinn.problems]\n{points}")
    monkeypatch.syspath_prepend(site)


def test_an_installed_package_registers_its_problems(installed, here, capsys):
    assert main(["list"]) == 0
    theirs = capsys.readouterr().out.split("experiment of pinn-rods 0.4")[1]
    assert "Rods in winter" in theirs and re.search(r"bare +rods:Plate", theirs)
    assert configuration(capsys, "experiment=rods")["problem"]["D"] == 3
    bare = configuration(capsys, "problem=bare", "problem.D=5")["problem"]
    assert bare == {"_target_": "rods.Plate", "unknowns": {}, "D": 5}
    assert "problem=bare" in proposed("pinn run problem=ba")
    line = refused(capsys, "run", "problem=wave")
    assert "pinn and pinn-rods 0.4 have one each" in line and "MODULE:Class" in line
    assert "No module named 'absent'" in refused(capsys, "check", "problem=broken")
    assert package_of("rods.numbers").title == "pinn-rods 0.4" and package_of("keras") is None


def test_a_class_of_a_module_in_the_working_folder(here, capsys):
    Path("lab").mkdir()
    Path("lab/rod.py").write_text(PLATE.replace("numbers_beside", "lab.beside"))
    Path("lab/beside.py").write_text("SOURCE = 1.0\n")
    config = configuration(capsys, "lab.rod:Plate", "problem.D=2")
    assert config["problem"] == {"_target_": "lab.rod.Plate", "unknowns": {}, "D": 2}
    assert locate("lab.rod.Plate", "problem").__name__ == "Plate"
    keep(["lab.rod.Plate"], Path("code"))
    assert sorted(p.name for p in Path("code/lab").iterdir()) == ["beside.py", "rod.py"]
    Path("lab/beside.py").write_text("1 / 0\n")
    Path("lab/other.py").write_text("1 / 0\n")
    line = refused(capsys, "check", "lab.other:Plate")
    assert "cannot be imported: ZeroDivisionError" in line and "correct it" in line


BAD_FILES = [
    ("experiment=a", "a: [1", "conf/experiment/a.yaml:", "is no valid YAML"),
    ("experiment=a", "a: 1\nb: : 2\n", "conf/experiment/a.yaml:2: is no valid YAML", "correct"),
    ("experiment=a", "", "conf/experiment/a.yaml: is empty", "key: value"),
    ("experiment=a", "- a\n- b\n", "conf/experiment/a.yaml: is a list", "key: value"),
    ("experiment=a", "# @package\nseed: 1\n", "a.yaml: Expected header", "correct the line"),
    ("experiment=a", "defaults: [a]\n", "lead back to itself", "correct its list of defaults"),
    ("experiment=a", "defaults: [override /netwrok: mlp]\n", "no key 'netwrok'", "network"),
    ("experiment=a", "sede: 1\n", "unknown key 'sede'", "Did you mean 'seed'?"),
    ("experiment=a", "problem: {_target_: os.getcwd}\n", "os.getcwd: is no Problem", "subclass"),
    ("problem=a", "_target_: absent.py\n", "no such file absent.py", "Python file"),
]


@pytest.mark.parametrize(("override", "text", "offender", "remedy"), BAD_FILES)
def test_bad_files_of_the_user(override, text, offender, remedy, here, capsys):
    Path("conf", override.partition("=")[0], "a.yaml").write_text(text)
    assert main(["check", override]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and offender in err and remedy in err, err
