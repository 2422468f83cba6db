"""Every snippet of README.md and docs/ runs, on a budget of a few iterations."""

import contextlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pinn.run.error_estimate
import pinn.setup.points
from pinn.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.joinpath("docs").glob("*.md"))]
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(r"```(\w+)([^\n]*)\n(.*?)```", page.read_text(), re.DOTALL)
]
FILES = {arguments.split("file=")[1]: code for _, arguments, code in BLOCKS if "file=" in arguments}
PYTHON = [
    code
    for language, arguments, code in BLOCKS
    if language == "python" and "file=" not in arguments
]
LINES = [line for language, _, code in BLOCKS if language == "bash" for line in code.splitlines()]
SHELL = [line.split("  #")[0].strip() for line in LINES]
COMMANDS = [shlex.split(line)[1:] for line in SHELL if line.startswith("pinn ")]
OF_SWEEPS = [c for c in COMMANDS if c[1:] and c[1].startswith("outputs/sweeps/")]
MAKE = [line.split()[1] for line in SHELL if line.startswith("make ")]
SHORT = [
    *(f"phases.{phase}.stop.max_iterations=1" for phase in ("explore", "polish")),
    *(f"points.counts.{region}=30" for region in ("interior", "initial", "boundary")),
    *("points.test=50", "network.width=4"),
]


def test_the_readme_has_snippets_of_every_kind():
    assert (
        len(FILES) >= 1 and len(PYTHON) >= 2 and len(COMMANDS) >= 8 and MAKE == ["burgers", "test"]
    )
    equations = re.search(r"class Fisher.*", FILES["fisher.py"], re.DOTALL)[0]
    lines = [
        line
        for line in equations.splitlines()
        if re.match(r"    (def|@residual|    return|D:|fields)", line)
    ]
    assert len(lines) <= 12


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_to_files(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not link.startswith("http"):
            assert (page.parent / link.partition("#")[0]).resolve().exists(), link


def test_the_readme_is_one_page():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("target", MAKE)
def test_make(target):
    done = subprocess.run(
        ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ("pinn run experiment=burgers" if target == "burgers" else "pytest") in done.stdout


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the README's files and two runs of the names that it uses."""
    monkeypatch.chdir(tmp_path)
    for name, code in FILES.items():
        Path(name).write_text(code)
    return tmp_path


@pytest.mark.parametrize("code", PYTHON, ids=lambda c: re.search(r"from pinn import (.*)", c)[1])
def test_python(code, here, eager, monkeypatch):
    monkeypatch.setattr(pinn.setup.points, "AUTOMATIC", (50, 50))
    if "estimated_error" in code:
        monkeypatch.setattr(pinn.run.error_estimate, "FEWEST", 1)
    code = re.sub(r"(max_iterations|explore|polish)=\d+", r"\1=2", code)
    code = re.sub(r'("(interior|initial|boundary)": )\d+', r"\g<1>50", code)
    exec(compile(code, "snippet", "exec"), {"__name__": "snippet"})


def test_pinn(here, eager, monkeypatch):
    """Smoke and the README's own problem are solved, all other runs are examined."""
    with monkeypatch.context() as patch:  # `pinn plot` draws the figures
        patch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
        assert main(["run", "experiment=smoke", *SHORT]) == 0
        made = next(here.glob("outputs/burgers/*"))
        first, second = (made.with_name(f"2026-01-31_{hour}-00-00") for hour in (12, 13))
        shutil.copytree(made.rename(first), second)
        for command in [c for c in COMMANDS if c[0] == "run" and "-m" not in c]:
            short = [s for s in SHORT if s.split("=")[0] not in {c.split("=")[0] for c in command}]
            of_run = any(c.startswith(("--", "hydra.")) for c in command)
            verb = "run" if of_run or command[1] == "fisher.py" else "check"
            assert main([verb, *command[1:], *short]) == 0, command
        for command in [c for c in COMMANDS if c[0] == "resume" and c not in OF_SWEEPS]:
            limited = [re.sub(r"iterations=\d+", "iterations=4", c) for c in command]
            assert main(limited) == 0, command
    for command in COMMANDS:
        if command in OF_SWEEPS:
            continue
        if command[0] in ("check", "plot", "compare", "list"):
            assert main(command) == 0, command
        if command[0] == "reproduce":
            assert main([*command, "--seeds", "0"]) == 0, command


@pytest.mark.slow
def test_sweep(here):
    sweep = next(c for c in COMMANDS if "-m" in c)
    few = [c if not c.startswith(("seed=", "network")) else c.split(",")[0] for c in sweep]
    few = [c + ",1" if c.startswith("seed=") else c for c in few]
    # Compilation takes most of the time of so short a run.
    short = [s for s in SHORT if not s.startswith(("network", "phases.polish"))]
    short += ["network.depth=1", "phases.polish=null"]
    with contextlib.chdir(here):
        done = subprocess.run(
            [sys.executable, "-m", "pinn", *few, *short],
            capture_output=True,
            text=True,
            timeout=170,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list(here.glob("outputs/sweeps/*/*/metrics.json"))) == 2
    made = next(here.glob("outputs/sweeps/*"))
    made.rename(made.with_name("2026-01-31_12-00-00"))
    for command in OF_SWEEPS:
        assert main(command) == 0, command
