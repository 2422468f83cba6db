"""Run the cases with the default settings, one process per run, and write the table.

python experiments/cases/run.py [--only CASE…] [--documented] [--seconds N] [--table]
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
from report import DOCUMENTED, publish, verdict

from pinn.versions import cores, machine

RESULTS = HERE / "results.json"


def main() -> None:
    """Run what the command line asks for, and write results and table after every case."""
    arguments = _arguments()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in [] if arguments.table else arguments.only or _left(results, arguments.documented):
        found = run_case(BY_ID[name], arguments.seconds, documented=arguments.documented)
        # Results of the other settings stay.
        known = {**_names(BY_ID[name], True), **_names(BY_ID[name], False)}
        kept = {run: result for run, result in results.get(name, {}).items() if run in known}
        results[name] = {**kept, **found}
        # In the order of the table, so that the file does not depend on the order of runs.
        results = {case.id: results[case.id] for case in CASES if case.id in results}
        write_json(RESULTS, results)
        publish(results)
    print(publish(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    known = [case.id for case in CASES if not case.missing]
    parser.add_argument("--only", nargs="+", choices=known, metavar="CASE", help="run these anew")
    parser.add_argument(
        "--documented", action="store_true", help="with the settings that the files document"
    )
    parser.add_argument("--seconds", type=float, default=180.0, help="after which a run is killed")
    parser.add_argument("--table", action="store_true", help="write the table, and run nothing")
    return parser.parse_args()


def _left(results: dict[str, Any], documented: bool) -> list[str]:
    """Return the cases that can be said and have no result."""
    left: list[str] = []
    for case in CASES:
        if not case.missing and set(_names(case, documented)) - set(results.get(case.id, {})):
            left.append(case.id)
    return left


def _names(case: Case, documented: bool) -> dict[str, str]:
    """Return the runs of a case by the names of their results."""
    module = case.load()
    if not documented:
        return {run: run for run in module.RUNS}
    return {run + DOCUMENTED: run for run in getattr(module, "DOCUMENTED", {})}


def run_case(case: Case, limit: float, *, documented: bool = False) -> dict[str, Any]:
    """Return the results of a case's runs by name; keep the picture of the first with a number."""
    module = case.load()
    say_so = getattr(module, "SAY_SO", {})
    results = {}
    drawn = False
    for name, run in _names(case, documented).items():
        with tempfile.TemporaryDirectory() as folder:
            result = run_process(case, run, Path(folder), limit, documented=documented)
            result["should_say"] = say_so.get(run, "")
            results[name] = result
            picture = Path(folder) / "picture.png"
            if picture.exists() and not (drawn or (result["should_say"] and len(module.RUNS) > 1)):
                (HERE / "pictures").mkdir(exist_ok=True)
                shutil.copy(picture, HERE / "pictures" / f"{case.id}.png")
                drawn = True
        print(f"{case.id}, {name}: {verdict(result)}, {result['seconds']:.0f} s", flush=True)
    return results


def run_process(
    case: Case, run: str, folder: Path, limit: float, *, documented: bool = False
) -> dict[str, Any]:
    """Return the result of one run in a process of its own, which is killed after the limit."""
    command = [sys.executable, str(HERE / "worker.py"), case.id, run, str(folder)]
    if documented:
        command.append("--documented")
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
