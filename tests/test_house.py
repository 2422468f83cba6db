"""How long and how dense the code may be; `experiments/house` measures it."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "experiments" / "house"))

from measure import FUNCTIONS, PACKAGE, code_lines, densities, measure  # noqa: E402

FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 40  # lines of code: no docstring, comment or blank line


def test_lines_breathe():
    figures = densities(measure(FILES))
    assert figures["parallel"] <= 2  # per 1,000 lines
    assert figures["comprehensions"] <= 25  # per 1,000 lines
    assert figures["any"] <= 5  # percent of the annotated parameters


def test_files_and_functions_are_short():
    long = []
    for path in FILES:
        text = path.read_text()
        tree = ast.parse(text)
        lines = code_lines(text, tree)
        if len(lines) > LONGEST_FILE:
            long.append(f"{path}: {len(lines)} lines of code")
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                # A signature declares one argument per line; the body is what must be short.
                body = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
                count = len(lines & set(body))
                if count > LONGEST_FUNCTION:
                    long.append(f"{path}:{node.lineno} {node.name}: {count} lines of code")
    assert not long, "\n".join(long)


def test_the_script_counts_what_it_says(tmp_path):
    text = '''
def public(a: Any, b: "list[Any]", c: int, *rest, d=1):
    """Docstring."""
    # comment
    x, y = a, b
    (z, w), v = divmod(x, y), 1
    return [i for i in {j for j in x}] if y else None


class Problem:
    @residual(on="interior")
    def _equation(self, u, u_t): return u
'''
    path = tmp_path / "example.py"
    path.write_text(text)
    counts = measure([path])
    assert (counts.parallel, counts.comprehensions, counts.ternaries) == (2, 2, 1)
    assert (counts.parameters, counts.annotated, counts.any) == (6, 3, 2)
    assert (counts.residual_parameters, counts.comments, counts.lines) == (2, 1, 9)
    assert sorted(counts.lengths) == [1, 4] and (counts.public, counts.documented) == (1, 1)
