"""How densely the code may be written; `experiments/house` measures it."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "experiments" / "house"))

from measure import PACKAGE, densities, measure  # noqa: E402


def test_lines_breathe():
    figures = densities(measure(sorted(PACKAGE.rglob("*.py"))))
    assert figures["parallel"] <= 2  # per 1,000 lines
    assert figures["comprehensions"] <= 25  # per 1,000 lines
    assert figures["any"] <= 5  # percent of the annotated parameters


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
