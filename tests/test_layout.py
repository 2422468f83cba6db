"""The imports run one way, top to bottom of the list ORDER."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "pinn"
ORDER = """
    errors exit_codes conf_folders trust waiting arrays seeds settings versions atomic runtime
    flat combinatorics elementary subsets jets networks geometry sampling
    norms references optimizers training fitting derivatives unknowns parameters symmetry problem
    problems objective uncertainty record weights plotting measurements setup checking run
    reporting sweep cli
""".split()
MATHEMATICS = set(
    "flat combinatorics elementary jets geometry sampling norms references optimizers".split()
)
TOOLS = {
    "errors",
    "arrays",
    "settings",
    "combinatorics",
    "elementary",
}  # what mathematics may import
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module == "pinn":
            names = [f"pinn.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("pinn.") and "__" not in n}
    return found


def test_imports_run_one_way():
    wrong = []
    for path in FILES:
        if room(path) in ("__init__", "__main__"):
            continue
        floor = ORDER.index(room(path))
        for other in imported(path) - {room(path)}:
            if ORDER.index(other) >= floor:
                wrong.append(f"{path} imports {other}, which stands below it")
            if room(path) in MATHEMATICS and other not in TOOLS:
                wrong.append(f"{path} is mathematics and imports {other}")
    assert not wrong, "\n".join(wrong)


def test_the_training_loop_knows_neither_equation_nor_optimizer():
    for path in (PACKAGE / "training").glob("*.py"):
        assert imported(path) <= {"errors", "arrays", "optimizers", "settings", "training"}, path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pinn.optim"):
                assert node.module == "pinn.optimizers.interface", path
