"""Run the study, one job on each core, and write its tables and pictures.

Finished jobs are skipped, so it can be interrupted and continued.  A job whose core had other work,
too, is not kept, as that takes time from it that no clock tells; the next call does it again:
python experiments/choosing/run.py [--workers N] [--seeds N]
With --workers 0 it only writes tables and pictures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import report
from jobs import BUDGET, Job, jobs

RESULTS = Path(__file__).parent / "results.json"
KEPT = 24  # times of a run that are kept
LEAST_SHARE = 0.9  # of its core that a job must have had


def main() -> None:
    """Run what is missing, and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    todo = [job for job in jobs() if job.key not in found and job.seed < arguments.seeds]
    free, writing = iter(todo), threading.Lock()

    def work(core: int) -> None:
        """Run jobs on one core; a process does a few of them, as TensorFlow keeps what it compiled for life."""
        alone = {
            "initializer": os.sched_setaffinity,
            "initargs": (0, {core}),
            "max_tasks_per_child": 6,
        }
        with ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn"), **alone
        ) as process:
            while job := next(free, None):
                key, result = process.submit(_solved, job).result()
                if result.pop("share", 1.0) < LEAST_SHARE:
                    print(f"{key}: disturbed, to be done again", flush=True)
                    continue
                with writing:
                    found[key] = result
                    RESULTS.write_text(_lines(found))
                    print(
                        f"{len(found)} of {len(jobs())}: {key} {result.get('failed') or result['error'][-1]}",
                        flush=True,
                    )

    with ThreadPoolExecutor() as threads:
        list(threads.map(work, sorted(os.sched_getaffinity(0))[: arguments.workers]))
    report.write(found)


def _solved(job: Job) -> tuple[str, dict[str, Any]]:
    """Run one job and return its errors over seconds."""
    import pinn  # noqa: F401  (sets XLA's flags)
    from pinn.cli.run import compose
    from pinn.errors import InputError
    from pinn.run import execute
    from pinn.runtime import configure, set_precision
    from pinn.setup import config as configuration
    from pinn.training import trainer

    seconds: list[float] = []
    begin, there = time.process_time(), time.perf_counter()
    trainer.time = SimpleNamespace(
        perf_counter=time.process_time
    )  # compilation by the same clock as the rest

    def clock(at: Any) -> str | None:
        seconds.append(time.process_time() - begin - at.progress.compile_seconds)
        return f"time budget used: {BUDGET:g} s" if seconds[-1] >= BUDGET else None

    try:
        config, _ = compose(job.overrides)
        configure(device="cpu")
        set_precision(config["dtype"])
        solution = execute(configuration.setup(config), callbacks=[clock], show=False)
    except InputError as error:
        return job.key, {"failed": str(error)}
    history = solution.history
    columns = [c for c in history if c.startswith("error_")]
    errors = [max(row) for row in zip(*(history[c] for c in columns), strict=True)]
    rows = _thinned(seconds)
    return job.key, {
        "share": (time.process_time() - begin) / (time.perf_counter() - there),
        "seconds": [float(f"{seconds[i]:.3g}") for i in rows],
        "error": [float(f"{errors[i]:.3g}") for i in rows],
        "loss": history["loss"][-1],
        "heldout_loss": history["heldout_loss"][-1],
        "iterations": solution.metrics["phases"][-1]["iterations"],
        "parameters": solution.metrics["parameters"],
        "stop_reason": solution.metrics["phases"][-1]["stop_reason"],
    }


def _thinned(seconds: list[float]) -> list[int]:
    """Return rows whose times grow by about the same factor, the last one always among them."""
    factor = (BUDGET / 0.5) ** (1 / KEPT)
    rows: list[int] = []
    for i, at in enumerate(seconds):
        if not rows or at >= factor * seconds[rows[-1]] or i == len(seconds) - 1:
            rows.append(i)
    return rows


def _lines(found: dict[str, Any]) -> str:
    """Return JSON with one line a job, in order."""
    rows = [f"{json.dumps(key)}: {json.dumps(found[key])}" for key in sorted(found)]
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    main()
