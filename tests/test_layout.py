"""The imports run one way, top to bottom of this list; nothing is circular and no file grows too long."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pinn"
ORDER = """
    errors versions files runtime flat combinatorics elementary jets networks geometry sampling metrics references
    optimizers derivatives unknowns symmetry problem problems objective weights plotting training reporting sweep cli
""".split()
MATHEMATICS = set("flat combinatorics elementary jets geometry sampling metrics references optimizers".split())
FILES = sorted(PACKAGE.rglob("*.py"))


def noun(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{a.name}" for a in node.names] if node.module == "pinn" else [node.module]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("pinn.") and not n.startswith("pinn.__")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    if noun(path) in ("__init__", "__main__"):
        return
    place = ORDER.index(noun(path))
    for other in imported(path) - {noun(path)}:
        assert ORDER.index(other) < place, f"{path} imports {other}, which stands below it"
        if noun(path) in MATHEMATICS:
            assert other in ("errors", "combinatorics", "elementary"), f"{path} is mathematics and imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 300
