"""A stand-in for `python -m pinn` in the tests of sweeps.

Its runs take milliseconds and behave as `behavior.json` says. It answers `run`, `resume` and `plot`
with the files that those write, and appends its calls to `calls.txt`.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)  # a picture of one point


def main() -> int:
    command, *arguments = sys.argv[1:]
    with open("calls.txt", "a") as file:
        file.write(" ".join([command, *arguments]) + "\n")
    overrides = dict(a.split("=", 1) for a in arguments if "=" in a)
    if command == "run":
        name = overrides["experiment"]
        seed = int(overrides["seed"])
        if "hydra.run.dir" in overrides:  # of a sweep
            folder = Path(overrides["hydra.run.dir"].strip("'"))
        else:
            output = Path(overrides["output"].strip("'"))
            folder = output / name / f"2026-01-31_12-00-{len(list(output.rglob('config.yaml'))):02}"
        folder.mkdir(parents=True, exist_ok=True)
        phases = {"explore": {"stop": {"max_iterations": 400}}}
        settings = {"name": name, "seed": seed, "phases": phases}
        (folder / "config.yaml").write_text(json.dumps(settings))
    else:
        folder = Path(arguments[0])
        config = json.loads((folder / "config.yaml").read_text())
        name = config["name"]
        seed = config["seed"]
    behavior = {}
    if Path("behavior.json").exists():
        behavior = json.loads(Path("behavior.json").read_text())
    does = behavior.get(f"{name} {seed} {command}", "")
    if does == "refuse":
        print("pinn: network.width=-1; give a whole number of at least 1.", file=sys.stderr)
        return 2
    (folder / "checkpoint.npz").touch()
    (folder / "history.csv").write_text(history(seed))
    if does == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "crash":
        raise RuntimeError("out of\nluck")
    if does == "wait":
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            (folder / "metrics.json").write_text(json.dumps(metrics(seed) | {"finished": False}))
            return 130
    if does == "interrupt":  # twice, as a user who does not want to wait
        for _ in range(2):
            try:
                os.kill(os.getppid(), signal.SIGINT)
                time.sleep(60)
            except KeyboardInterrupt:
                pass
        return 130
    if does == "pause":  # until the test lets it go, or has failed
        for _ in range(6000):
            if Path("go").exists():
                break
            time.sleep(0.01)
    result = metrics(seed)
    if does == "long":
        result["seconds"] = {"compile": 1.0, "total": 400.0}
    (folder / "metrics.json").write_text(json.dumps(result))
    if does != "no pictures":
        (folder / "figures").mkdir(exist_ok=True)
        (folder / "figures" / "solution.png").write_bytes(PIXEL)
    return 0


def history(seed: int) -> str:
    rows = []
    for i in range(1, 401):
        rows.append(f"explore (Adam),{i},{i},1e-6,2e-6,{1e-3 * 0.9**i * (1 + seed)!r}")
    return "\n".join(["phase,iteration,seconds,loss,heldout_loss,error_u", *rows]) + "\n"


def metrics(seed: int) -> dict:
    phase = {
        "evaluations": 12,
        "seconds": 0.5,
        "stop_reason": "iteration budget used: 10",
        "iterations": 10 + seed,
    }
    return {
        "problem": "Burgers",
        "finished": True,
        "relative_l2": {"u": 1e-3 * (1 + seed)},
        "max_error": {"u": 5e-3},
        "reference_error": {},
        "loss": 1e-7,
        "heldout_loss": 2e-7,
        "unknowns": {},
        "phases": [{"optimizer": "Adam", **phase}, {"optimizer": "L-BFGS", **phase}],
        "seconds": {"compile": 1.0, "total": 10.0 + seed},
        "parameters": 21,
        "seed": seed,
        "dtype": "float64",
        "device": "x86_64 CPU, 2 cores",
        "versions": {"python": "3.11"},
    }


if __name__ == "__main__":
    sys.exit(main())
