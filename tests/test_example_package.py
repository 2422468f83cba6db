"""`examples/pinn-fins`, installed: listed, checked, run, and named with its version."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pinn.cli.main import main

EXAMPLE = Path(__file__).parents[1] / "examples" / "pinn-fins"
SHORT = [f"phases.{phase}.stop.max_iterations=2" for phase in ("explore", "polish")]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package, as pip would install it in development mode."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    information = tmp_path / "site" / "pinn_fins-0.dist-info"
    information.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (information / "METADATA").write_text(head)
    points = project["entry-points"]["pinn.problems"]
    lines = [f"{name} = {target}" for name, target in points.items()]
    (information / "entry_points.txt").write_text("\n".join(["[pinn.problems]", *lines]))
    monkeypatch.syspath_prepend(EXAMPLE / "src")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.chdir(tmp_path)
    yield project["version"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "pinn_fins"]:
        del sys.modules[name]


def test_it_is_listed_and_checked(installed, eager, capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    experiments, problems = out.split(f" of pinn-fins {installed}")[-2:]
    assert "fin_slender" in experiments and "A slender fin" in experiments
    assert "pinn_fins:AnnularFin" in problems and "Straight cooling fin" in problems
    for arguments in (
        ["pinn_fins:AnnularFin"],
        ["problem=annular_fin"],
        ["experiment=fin_slender"],
    ):
        assert main(["check", *arguments]) == 0
        assert "no warnings" in capsys.readouterr().out
    assert main(["check", "pinn_fins:Fni"]) == 2
    assert "Did you mean 'Fin'?" in capsys.readouterr().err


def test_a_run_records_its_version(installed, eager, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    counts = ["points.counts.interior=20", "points.test=20"]
    assert main(["run", "experiment=fin_slender", "hydra.run.dir=made", *SHORT, *counts]) == 0
    assert json.loads(Path("made/metrics.json").read_text())["versions"]["pinn-fins"] == installed


@pytest.mark.slow
def test_it_installs_from_a_wheel_and_passes_its_own_tests(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index"]
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", EXAMPLE, source], check=True)
    wheels = tmp_path / "wheels"
    subprocess.run([*pip, "wheel", *options, "--wheel-dir", wheels, source], check=True)
    site = tmp_path / "site"
    (wheel,) = wheels.iterdir()
    subprocess.run([*pip, "install", *options, "--target", site, wheel], check=True)
    assert sorted(path.name for path in (site / "pinn_fins/conf").rglob("*.yaml")) == [
        "fin.yaml",
        "fin_slender.yaml",
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", source / "tests"]
    path = f"{site}:{':'.join(sys.path)}"
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stdout
