"""The table of `docs/hydra.md` is that of its list of command lines; some of them are called."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "experiments" / "hydra"))

from rows import PAGES  # noqa: E402
from table import BEGIN, END, PAGE, as_said, outcome, prepare, table  # noqa: E402

ROWS = [row for rows in PAGES.values() for row in rows]
CHEAP = [
    "run +db.driver=mysql --cfg job --package db",
    "run -m '+debug=glob(*,exclude=q*)'",
    "run --multirun +experiment=aplite,nglite",
    "run --config-name two network@src=small --cfg job --package src",
    "run network=imagenet",
    "run 'hydra.searchpath=[pkg://more]' network=imagenet --cfg job",
    "run --config-path conf --no-local-conf --config-name two --cfg job",
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def test_the_page_has_the_table_of_the_list():
    assert PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0] == table()
    assert len(ROWS) > 60 and sum(row.refused for row in ROWS) < 10


@pytest.mark.parametrize("command", CHEAP)
def test_a_command_line_does_what_the_table_says(command, here):
    row = next(row for row in ROWS if row.ours in (command, command.removesuffix(" --cfg job")))
    assert as_said(row._replace(ours=command)) == ""


def test_a_line_that_does_something_else_is_told(here):
    row = ROWS[0]._replace(ours="run --cfg job seed=3", shows="seed: 4", refused=False)
    assert as_said(row).startswith("pinn run --cfg job seed=3: exit code 0\n")
    assert outcome(row._replace(ours="run sede=3"))[0] == 2
