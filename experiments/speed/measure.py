"""The time of one loss and gradient: ours, plain nested tapes, and DeepXDE.

    python experiments/speed/measure.py [--rounds 40]

It writes results, figure and README. Every family of variants has a process of its own, because
compiler flags belong to a process. In each round every variant is measured once, in random order,
while the other processes wait. So a machine that slows down for a while slows them all, and ratios
are taken within a round.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import report
import variants

HERE = Path(__file__).parent
CALLS = 5  # of a variant in one round, one after another as in a line search
AGREE = 1e-10  # relative; double precision leaves about 1e-15 of the loss and 1e-13 of the gradient


def measure(families: list[str], rounds: int) -> dict[str, Any]:
    """Return the loss, and the times of the first call and of every round by variant."""
    context = multiprocessing.get_context("spawn")
    pipe_of: dict[str, Any] = {}  # by variant
    pipes = []
    workers = []
    for family in families:
        pipe, end_of_worker = context.Pipe()
        worker = context.Process(target=variants.serve, args=(family, end_of_worker), daemon=True)
        worker.start()
        end_of_worker.close()
        pipe_of |= dict.fromkeys(pipe.recv(), pipe)
        pipes.append(pipe)
        workers.append(worker)

    def ask(name: str) -> Any:
        pipe_of[name].send((name, CALLS))
        return pipe_of[name].recv()

    names = list(pipe_of)
    first = {name: ask(name) for name in names}
    agree(first)
    times: dict[str, list[float]] = {name: [] for name in names}
    order = np.random.default_rng(0)
    for number in range(rounds):
        for i in order.permutation(len(names)):
            times[names[i]].append(ask(names[i]))
        print(f"round {number + 1} of {rounds}", end="\r", flush=True)
    for pipe, worker in zip(pipes, workers, strict=True):
        pipe.send(None)
        worker.join()
    loss, gradient, _ = first[names[0]]
    return {
        "loss": loss,
        "parameters": len(gradient),
        "variants": {name: {"first_call_s": first[name][2], "ms": times[name]} for name in names},
    }


def agree(first: dict[str, Any]) -> None:
    """Assert that all variants give the same loss and gradient."""
    loss, gradient, _ = next(iter(first.values()))
    for name, (other_loss, other_gradient, _) in first.items():
        of_loss = abs(other_loss - loss) / abs(loss)
        of_gradient = np.max(np.abs(other_gradient - gradient)) / np.max(np.abs(gradient))
        assert of_loss < AGREE, f"{name}: the loss differs by {of_loss:.1e}"
        assert of_gradient < AGREE, f"{name}: the gradient differs by {of_gradient:.1e}"


def machine() -> str:
    """Return the processor's name and the number of cores that this process may use.

    It is not that of `pinn.versions`: `pinn` sets flags of XLA, which other variants would inherit.
    """
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if "model name" in line:
                name = line.split(":", 1)[1].strip()
                break
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def main() -> None:
    """Measure and write everything."""
    parser = argparse.ArgumentParser(description="Time one loss and gradient in several ways.")
    parser.add_argument(
        "--rounds", type=int, default=40, help="how often every variant is measured (30 at least)"
    )
    rounds = parser.parse_args().rounds
    families = ["ours", "plain"]
    packages = ["tensorflow", "keras"]
    if importlib.util.find_spec("deepxde"):
        families.append("deepxde")
        packages.append("deepxde")
    else:
        print("DeepXDE is not installed and is left out; `pip install 'pinn[speed]'` installs it.")
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # several processes share the GPU
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    results = measure(families, rounds)
    results |= {
        "points": variants.COUNT,
        "network": f"{variants.DEPTH}×{variants.WIDTH} tanh",
        "rounds": rounds,
        "calls": CALLS,
        "agree": AGREE,
        "machine": machine(),
        "versions": {name: version(name) for name in packages},
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    report.write(HERE)
    print((HERE / "README.md").read_text())


if __name__ == "__main__":
    main()
