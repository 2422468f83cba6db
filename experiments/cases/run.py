"""Run the cases with the default settings, one process per run, and write the table.

python experiments/cases/run.py [--only CASE…] [--seconds N] [--table]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from cases import BY_ID, CASES, HERE, Case
from record import write_json
from report import publish, verdict

from pinn.versions import cores, machine

RESULTS = HERE / "results.json"


def main() -> None:
    """Run what the command line asks for, and write results and table after every case."""
    arguments = _arguments()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in [] if arguments.table else arguments.only or _left(results):
        results[name] = run_case(BY_ID[name], arguments.seconds)
        # In the order of the table, so that the file does not depend on the order of runs.
        results = {case.id: results[case.id] for case in CASES if case.id in results}
        write_json(RESULTS, results)
        publish(results)
    print(publish(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    known = [case.id for case in CASES if not case.missing]
    parser.add_argument("--only", nargs="+", choices=known, metavar="CASE", help="run these anew")
    parser.add_argument("--seconds", type=float, default=180.0, help="after which a run is killed")
    parser.add_argument("--table", action="store_true", help="write the table, and run nothing")
    return parser.parse_args()


def _left(results: dict[str, Any]) -> list[str]:
    """Return the cases that can be said and have no result."""
    return [case.id for case in CASES if not case.missing and case.id not in results]


def run_case(case: Case, limit: float) -> dict[str, Any]:
    """Return the results of a case's runs by name; keep the picture of the first with a number."""
    module = case.load()
    say_so = getattr(module, "SAY_SO", {})
    results = {}
    drawn = False
    for name in module.RUNS:
        with tempfile.TemporaryDirectory() as folder:
            result = run_process(case, name, Path(folder), limit)
            result["should_say"] = say_so.get(name, "")
            results[name] = result
            picture = Path(folder) / "picture.png"
            if picture.exists() and not (drawn or (result["should_say"] and len(module.RUNS) > 1)):
                (HERE / "pictures").mkdir(exist_ok=True)
                shutil.copy(picture, HERE / "pictures" / f"{case.id}.png")
                drawn = True
        print(f"{case.id}, {name}: {verdict(result)}, {result['seconds']:.0f} s", flush=True)
    return results


def run_process(case: Case, run: str, folder: Path, limit: float) -> dict[str, Any]:
    """Return the result of one run in a process of its own, which is killed after the limit."""
    command = [sys.executable, str(HERE / "worker.py"), case.id, run, str(folder)]
    begin = time.perf_counter()
    state = "over time"
    words = ""
    try:
        process = subprocess.run(command, timeout=limit, capture_output=True, text=True)
        state = "done" if process.returncode == 0 else "failed"
        words = (process.stderr.strip().splitlines() or [""])[-1]
    except subprocess.TimeoutExpired:
        words = f"killed after {limit:g} s"
    seconds = time.perf_counter() - begin
    measured: dict[str, Any] = {"said": [], "stop": words, "quantities": {}}
    if state == "done":
        measured = json.loads((folder / "result.json").read_text())
    return {"state": state, **measured, "seconds": seconds, "machine": machine(), "cores": cores()}


if __name__ == "__main__":
    main()
