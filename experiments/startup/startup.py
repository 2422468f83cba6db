"""Measure how long commands take to start, against `import hydra`.

`python experiments/startup/startup.py` prints the table and writes it to `README.md`. What is
measured is the processor's time in user mode, the smallest of five runs, so that other work on the
machine hardly counts; ratios are of one run of this script.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BEGIN, END = "<!-- results -->\n", "<!-- /results -->"
TIMES = 5
CALL = "import sys; from pinn.cli.main import main; sys.exit(main({!r}))"
HYDRA = "import hydra"
COMMANDS = {
    f'`python -c "{HYDRA}"`': HYDRA,
    "`python -c pass`": "pass",
    "`pinn --help`": CALL.format(["--help"]),
    "`pinn new --help`": CALL.format(["new", "--help"]),
    "completion of `pinn run experiment=he`": CALL.format(["-sc", "query=bash"]),
    "`pinn list`": CALL.format(["list"]),
    "`pinn run experiment=smoke --cfg job`": CALL.format(
        ["run", "experiment=smoke", "--cfg", "job"]
    ),
}
"""What is measured: Python's code by the words in the table."""
HEAVY = ("tensorflow", "keras", "pandas", "scipy", "matplotlib", "hydra")


def seconds(code: str) -> float:
    """Return the seconds in user mode of a process that runs code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    _call(code)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def loaded(code: str) -> list[str]:
    """Return which of the heavy packages a process that runs code has loaded at its end."""
    report = f"print('loaded:', *(name for name in {HEAVY!r} if name in sys.modules))"
    code = f"import atexit, sys; atexit.register(lambda: {report})\n{code}"
    return _call(code).rpartition("loaded:")[2].split()


def _call(code: str) -> str:
    environment = {**os.environ, "COMP_LINE": "pinn run experiment=he", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
        )
    return done.stdout


def table() -> str:
    """Return the table in Markdown: seconds, ratio to `import hydra`, heavy packages."""
    best = {words: min(seconds(code) for _ in range(TIMES)) for words, code in COMMANDS.items()}
    unit = next(iter(best.values()))
    lines = ["| command | seconds | of `import hydra` | loads |", "|---|---|---|---|"]
    for words, code in COMMANDS.items():
        packages = ", ".join(loaded(code)) or "none of them"
        lines.append(f"| {words} | {best[words]:.2f} | {best[words] / unit:.1f} | {packages} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    result = table()
    print(result)
    page = HERE / "README.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    page.write_text(before + BEGIN + result + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
