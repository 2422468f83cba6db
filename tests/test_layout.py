"""The imports run one way, top to bottom of this list; no file and no function grows too long."""

import ast
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "pinn"
ORDER = """
    errors exit_codes arrays seeds settings versions atomic runtime flat combinatorics elementary
    subsets jets networks geometry sampling
    norms references optimizers training fitting derivatives unknowns symmetry problem problems
    objective record weights plotting measurements setup run reporting sweep cli
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
LONGEST_FILE, LONGEST_FUNCTION = 300, 40  # lines of code: no docstring, comment or blank line
_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


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


def code_lines(path: Path) -> set[int]:
    """Return the numbers of the lines that hold code."""
    text = path.read_text()
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _LAYOUT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


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


def test_files_and_functions_are_short():
    long = []
    for path in FILES:
        lines = code_lines(path)
        if len(lines) > LONGEST_FILE:
            long.append(f"{path}: {len(lines)} lines of code")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                # A signature declares one argument per line; the body is what must be short.
                body = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
                count = len(lines & set(body))
                if count > LONGEST_FUNCTION:
                    long.append(f"{path}:{node.lineno} {node.name}: {count} lines of code")
    assert not long, "\n".join(long)
