"""How long one loss and gradient take: ours, plain nested tapes, and DeepXDE.  Writes results, figure and README.

    python experiments/speed/measure.py [--rounds 40]

Every family of variants has a process of its own, because compiler flags belong to a process.  In
each round every variant is measured once, in an order of its own, while the other processes wait;
so a machine that slows down for a while slows them all, and ratios are taken within a round.
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
CALLS = 5  # of a variant in one round, back to back as in a line search
AGREE = 1e-10  # relative; double precision leaves about 1e-15 of the loss and 1e-13 of the gradient


def measure(families: list[str], rounds: int) -> dict[str, Any]:
    """Return names, loss, and by variant the first call's seconds and the milliseconds of every round."""
    context = multiprocessing.get_context("spawn")
    owner: dict[str, Any] = {}
    pipes, workers = [], []
    for family in families:
        pipe, other = context.Pipe()
        workers.append(context.Process(target=variants.serve, args=(family, other), daemon=True))
        workers[-1].start()
        other.close()
        owner |= dict.fromkeys(pipe.recv(), pipe)
        pipes.append(pipe)

    def ask(name: str) -> Any:
        owner[name].send((name, CALLS))
        return owner[name].recv()

    names = list(owner)
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
    (loss, gradient, _), *others = first.values()
    for name, (other, slope, _) in zip(list(first)[1:], others, strict=True):
        apart = max(
            abs(other - loss) / abs(loss),
            np.max(np.abs(slope - gradient)) / np.max(np.abs(gradient)),
        )
        assert apart < AGREE, f"{name}: loss or gradient differs by {apart:.1e}"


def machine() -> str:
    """Return the processor's name and the number of cores that this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [
            line.split(":", 1)[1].strip()
            for line in info.read_text().splitlines()
            if "model name" in line
        ]
        name = models[0] if models else name
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
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # several processes share what there is
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    found = measure(families, rounds)
    found |= {
        "points": variants.COUNT,
        "network": f"{variants.DEPTH}×{variants.WIDTH} tanh",
        "rounds": rounds,
        "calls": CALLS,
        "agree": AGREE,
        "machine": machine(),
        "versions": {name: version(name) for name in packages},
    }
    (HERE / "results.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    report.write(HERE)
    print((HERE / "README.md").read_text())


if __name__ == "__main__":
    main()
