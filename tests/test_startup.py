"""Commands that need no solution load neither TensorFlow nor, where the files tell, Hydra."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "experiments" / "startup"))

from startup import COMMANDS, END, HYDRA, loaded  # noqa: E402

PAGE = ROOT / "experiments" / "startup" / "README.md"


@pytest.mark.parametrize("words", COMMANDS)
def test_what_a_command_loads(words):
    needs_hydra = "--cfg" in words or HYDRA in words
    assert loaded(COMMANDS[words]) == (["hydra"] if needs_hydra else [])


def test_the_page_has_every_command():
    table = PAGE.read_text(encoding="utf-8").partition(END)[0]
    assert all(f"| {words} |" in table for words in COMMANDS)
