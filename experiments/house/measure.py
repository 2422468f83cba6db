"""Measure how the code is written: lengths, density, documentation and types.

`python experiments/house/measure.py` measures `pinn` and prints the table; with `--save NAME` it
also writes the column NAME of `figures.json` and the table in `README.md`.  `--rooms` prints the
densities of every subpackage.  The path of another package may be given for comparison.
"""

import argparse
import ast
import io
import json
import re
import statistics
import tokenize
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "pinn"
LONG_LINE = 100
LONG_FUNCTIONS = (40, 80)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass
class Counts:
    """What is counted in a set of files.

    Attributes:
        lines: lines that are not blank.
        lengths: the lines of code of every function: no docstring, comment or blank line.
        public, documented: functions without a leading underscore; those with a docstring.
        parameters, annotated, any: parameters other than `self`, `cls`, `*args` and `**kwargs`;
            those with an annotation; those whose annotation contains `Any`.
        residual_parameters: parameters of methods decorated with `@residual`, whose names are
            symbols and need no annotation.
        comments: lines that hold nothing but a comment.
        parallel: assignments `a, b = p, q`, with a tuple on both sides.
        comprehensions, ternaries: expressions of these kinds, nested ones counted one by one.
        long: lines of more than 100 columns.
    """

    lines: int = 0
    lengths: list[int] = field(default_factory=list)
    public: int = 0
    documented: int = 0
    parameters: int = 0
    annotated: int = 0
    any: int = 0
    residual_parameters: int = 0
    comments: int = 0
    parallel: int = 0
    comprehensions: int = 0
    ternaries: int = 0
    long: int = 0

    def add(self, path: Path) -> None:
        """Count what the file `path` contains."""
        text = path.read_text()
        tree = ast.parse(text)
        for line in text.splitlines():
            self.lines += bool(line.strip())
            self.comments += line.strip().startswith("#")
            self.long += len(line) > LONG_LINE
        code = code_lines(text, tree)
        for node in ast.walk(tree):
            self.parallel += is_parallel_assignment(node)
            self.comprehensions += isinstance(node, COMPREHENSIONS)
            self.ternaries += isinstance(node, ast.IfExp)
            if isinstance(node, FUNCTIONS):
                self._add_function(node, code)

    def _add_function(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, code: set[int]
    ) -> None:
        span = range(function.lineno, (function.end_lineno or function.lineno) + 1)
        self.lengths.append(len(code.intersection(span)))
        if not function.name.startswith("_"):
            self.public += 1
            self.documented += ast.get_docstring(function) is not None

        arguments = function.args
        for parameter in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            if parameter.arg in ("self", "cls"):
                continue
            self.parameters += 1
            if parameter.annotation is not None:
                self.annotated += 1
                self.any += mentions_any(parameter.annotation)
            elif is_residual(function):
                self.residual_parameters += 1


def code_lines(text: str, tree: ast.Module) -> set[int]:
    """Return the numbers of the lines that hold code: no docstring, no comment."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def is_parallel_assignment(node: ast.AST) -> bool:
    """Return whether `node` assigns a tuple to a tuple of names."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
        return False
    return any(isinstance(target, ast.Tuple) for target in node.targets)


def is_residual(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether `function` is decorated with `@residual(...)`."""
    for decorator in function.decorator_list:
        name = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(name, ast.Name) and name.id == "residual":
            return True
    return False


def mentions_any(annotation: ast.expr) -> bool:
    """Return whether `Any` occurs in an annotation, quoted or not."""
    return re.search(r"\bAny\b", ast.unparse(annotation)) is not None


def measure(paths: list[Path]) -> Counts:
    """Count what the given files contain."""
    counts = Counts()
    for path in paths:
        counts.add(path)
    return counts


def densities(counts: Counts) -> dict[str, float]:
    """Return the figures that are relative to the number of lines or of parameters."""
    lines = max(counts.lines, 1)
    return {
        "parallel": 1000 * counts.parallel / lines,
        "comprehensions": 1000 * counts.comprehensions / lines,
        "ternaries": 1000 * counts.ternaries / lines,
        "long": 100 * counts.long / lines,
        "comments": 100 * counts.comments / lines,
        "annotated": 100 * counts.annotated / max(counts.parameters, 1),
        "any": 100 * counts.any / max(counts.annotated, 1),
    }


def rows(counts: Counts, root: Path) -> dict[str, str]:
    """Return the rows of the table, as text, for a package whose repository is `root`."""
    share = densities(counts)
    longer = " / ".join(str(sum(n > limit for n in counts.lengths)) for limit in LONG_FUNCTIONS)
    median = statistics.median(counts.lengths)
    needed = max(counts.parameters - counts.residual_parameters, 1)
    readme = root / "README.md"
    words = readme.read_text() if readme.exists() else ""
    return {
        "non-blank lines": f"{counts.lines:,}",
        "functions; median code lines": f"{len(counts.lengths):,}; {median:g}",
        "functions > 40 / > 80 lines; max": f"{longer}; {max(counts.lengths)}",
        "public functions with docstring": f"{counts.documented:,}/{counts.public:,}",
        "parameters annotated": f"{share['annotated']:.0f} %",
        "… without the parameters of residuals": f"{100 * counts.annotated / needed:.0f} %",
        "annotated parameters with `Any`": f"{share['any']:.1f} %",
        "full-line comments, share of lines": f"{share['comments']:.1f} %",
        "parallel assignments per 1,000 lines": f"{share['parallel']:.1f}",
        "comprehensions per 1,000 lines": f"{share['comprehensions']:.1f}",
        "ternaries per 1,000 lines": f"{share['ternaries']:.1f}",
        "lines > 100 columns": f"{share['long']:.1f} %",
        "test lines": f"{test_lines(root):,}",
        "README lines / words": f"{len(words.splitlines())} / {len(words.split()):,}",
    }


def test_lines(root: Path) -> int:
    """Return the number of lines of the Python files in `root/tests` or `root/test`."""
    total = 0
    for path in [*root.glob("tests/**/*.py"), *root.glob("test/**/*.py")]:
        total += len(path.read_text().splitlines())
    return total


def rooms(package: Path) -> str:
    """Return a table of the densities of every subpackage and of every module beside them."""
    lines = [
        "lines     = non-blank lines;  a=b,c = parallel assignments,  [for] = comprehensions,",
        "if-else   = ternaries, per 1,000 lines;  >100 = long lines;  Any = % of annotations",
        "",
        f"{'room':16}{'lines':>7}{'a=b,c':>7}{'[for]':>7}{'if-else':>9}{'>100':>6}{'#':>7}{'Any':>7}",
    ]
    files: dict[str, list[Path]] = {}
    for path in sorted(package.rglob("*.py")):
        files.setdefault(path.relative_to(package).parts[0], []).append(path)
    for room, paths in files.items():
        counts = measure(paths)
        share = densities(counts)
        lines.append(
            f"{room:16}{counts.lines:7}{share['parallel']:7.1f}{share['comprehensions']:7.1f}"
            f"{share['ternaries']:9.1f}{counts.long:6}{share['comments']:6.1f}%{share['any']:6.1f}%"
        )
    return "\n".join(lines)


def table(columns: dict[str, dict[str, str]]) -> str:
    """Return a Markdown table with one column per measured package."""
    names = list(columns)
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for row in next(iter(columns.values())):
        cells = [columns[name].get(row, "") for name in names]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def save(name: str, counts: Counts, root: Path) -> None:
    """Write the column `name` of `figures.json`, and the table in `README.md`."""
    path = HERE / "figures.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    record = asdict(counts)
    record["lengths"] = sorted(counts.lengths, reverse=True)[:10]
    figures[name] = {"rows": rows(counts, root), "counts": record}
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")

    readme = HERE / "README.md"
    columns = {}
    for key, value in figures.items():
        columns[key] = value["rows"]
    text = f"<!-- figures -->\n{table(columns)}\n<!-- /figures -->"
    pattern = re.compile("<!-- figures -->.*<!-- /figures -->", re.DOTALL)
    readme.write_text(pattern.sub(lambda _: text, readme.read_text()))


def main() -> None:
    """Measure, print, and save where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, nargs="?", default=PACKAGE)
    parser.add_argument("--rooms", action="store_true", help="print one line per subpackage")
    parser.add_argument("--save", metavar="NAME", help="write the column NAME of figures.json")
    arguments = parser.parse_args()
    package = arguments.package.resolve()
    if arguments.rooms:
        print(rooms(package))
        return
    counts = measure(sorted(package.rglob("*.py")))
    print(table({package.name: rows(counts, package.parent)}))
    if arguments.save:
        save(arguments.save, counts, package.parent)


if __name__ == "__main__":
    main()
