"""Run the study, one job per core, and write its tables and pictures.

Finished jobs are skipped, so the command can be interrupted and continued. The result of a job
whose core had other work too is discarded, because no clock tells the time lost; the next call does
the job again:
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

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import report
from jobs import BUDGET, Job, jobs

RESULTS = Path(__file__).parent / "results.json"
TIMES = 24  # of a run that are stored
LEAST_SHARE = 0.9  # of its core that a job must have had
JOBS_PER_PROCESS = 6  # TensorFlow never frees what it has compiled


def main() -> None:
    """Run what is missing, and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    missing = [job for job in jobs() if job.key not in results and job.seed < arguments.seeds]
    queue = iter(missing)
    writing = threading.Lock()

    def work(core: int) -> None:
        """Run jobs on one core until none is left."""
        executor = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=os.sched_setaffinity,
            initargs=(0, {core}),
            max_tasks_per_child=JOBS_PER_PROCESS,
        )
        with executor as process:
            while job := next(queue, None):
                result = process.submit(_solve, job).result()
                if result.pop("share", 1.0) < LEAST_SHARE:
                    print(f"{job.key}: disturbed, to be done again", flush=True)
                    continue
                outcome = result.get("failed") or result["error"][-1]
                with writing:
                    results[job.key] = result
                    RESULTS.write_text(_lines(results))
                    print(f"{len(results)} of {len(jobs())}: {job.key} {outcome}", flush=True)

    cores = sorted(os.sched_getaffinity(0))[: arguments.workers]
    with ThreadPoolExecutor() as threads:
        list(threads.map(work, cores))
    report.write(results)


def _solve(job: Job) -> dict[str, Any]:
    """Run a job and return its errors over the seconds of its core."""
    import pinn  # noqa: F401  (sets XLA's flags)
    from pinn.cli.run import compose
    from pinn.errors import InputError
    from pinn.record import Metrics
    from pinn.record.columns import HELDOUT_LOSS, LOSS
    from pinn.run import execute
    from pinn.runtime import configure, set_precision
    from pinn.setup import config as configuration
    from pinn.training import phase_run

    seconds: list[float] = []
    begin_of_core = time.process_time()
    begin = time.perf_counter()
    # So that compilation is measured by the same clock as the rest.
    phase_run.time = SimpleNamespace(perf_counter=time.process_time)

    def clock(at: Any) -> str | None:
        seconds.append(time.process_time() - begin_of_core - at.progress.compile_seconds)
        return f"time budget used: {BUDGET:g} s" if seconds[-1] >= BUDGET else None

    try:
        config, _ = compose(job.overrides)
        configure(device="cpu")
        set_precision(config["dtype"])
        solution = execute(configuration.setup(config), callbacks=[clock], show=False)
    except InputError as error:
        return {"failed": str(error)}
    history = solution.history
    metrics = Metrics.from_json(solution.metrics)
    # The worst of the fields.
    errors = np.max(list(history.errors().values()), axis=0)
    rows = _thinned(seconds)
    return {
        "share": (time.process_time() - begin_of_core) / (time.perf_counter() - begin),
        "seconds": [float(f"{seconds[i]:.3g}") for i in rows],
        "error": [float(f"{errors[i]:.3g}") for i in rows],
        "loss": history[LOSS][-1],
        "heldout_loss": history[HELDOUT_LOSS][-1],
        "iterations": metrics.phases[-1].iterations,
        "parameters": metrics.parameters,
        "stop_reason": metrics.phases[-1].stop_reason,
    }


def _thinned(seconds: list[float]) -> list[int]:
    """Return rows whose times grow by about the same factor, including the last one."""
    factor = (BUDGET / 0.5) ** (1 / TIMES)
    rows: list[int] = []
    for i, time_of_row in enumerate(seconds):
        last = i == len(seconds) - 1
        if not rows or time_of_row >= factor * seconds[rows[-1]] or last:
            rows.append(i)
    return rows


def _lines(results: dict[str, Any]) -> str:
    """Return JSON with one line per job, sorted by key."""
    rows = [f"{json.dumps(key)}: {json.dumps(results[key])}" for key in sorted(results)]
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    main()
