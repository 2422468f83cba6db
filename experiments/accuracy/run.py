"""Run the record experiments over seeds and write the table and the picture.

Finished runs are skipped, so the command can be interrupted and continued:
python experiments/accuracy/run.py [EXPERIMENT…] [--seeds N]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pinn.reporting.published import number

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Panel, Study, markdown_table


class Target(NamedTuple):
    """An error to reach in some quantities, and the seconds allowed for the whole command."""

    quantities: tuple[str, ...]
    error: float
    allowed: int


TARGETS = {
    "burgers_record": [Target(("u",), 1e-5, 90), Target(("u",), 1e-6, 300)],
    "burgers_long": [Target(("u",), 1.4e-8, 1800), Target(("u",), 2.2e-9, 1800)],
    "burgers_smooth": [Target(("u",), 1e-9, 600)],
    "helmholtz_record": [Target(("u",), 2e-9, 300)],
    "wave_record": [Target(("u",), 1e-7, 300)],
    "kovasznay_record": [Target(("u", "v"), 1e-7, 300)],
    "poisson": [Target(("u",), 1e-9, 180)],
    "heat": [Target(("u",), 1e-9, 180)],
    "poisson_5d": [Target(("u",), 1e-6, 300)],
    "kdv_solitons_record": [Target(("u",), 1e-6, 600)],
    "allen_cahn": [Target(("u",), 9e-7, 900)],
    "burgers_inverse_record": [Target(("lambda1", "nu"), 1e-6, 300)],
}
HEAD = (
    "experiment",
    "quantity",
    "target",
    "within",
    "median error then",
    "seeds",
    "whole command",
    "reached",
)


def rows(study: Study) -> list[list[str]]:
    """Return the rows of the table, for all experiments that have runs."""
    rows = []
    for experiment, targets in TARGETS.items():
        if not study.runs(experiment):
            continue
        for target in targets:
            for quantity in target.quantities:
                rows.append(_row(study, experiment, target, quantity))
    return rows


def _row(study: Study, experiment: str, target: Target, quantity: str) -> list[str]:
    """Return the row of a quantity of an experiment, which has runs."""
    runs = study.runs(experiment)
    errors = [study.error_at(experiment, run["seed"], quantity, target.allowed) for run in runs]
    median = float(np.median(errors))
    reached = "yes" if median <= target.error else f"no: {median / target.error:.2g} times"
    seconds = ", ".join(f"{run['seconds']:.0f}" for run in runs)
    cores = " or ".join(str(count) for count in sorted({run["cores"] for run in runs}))
    unit = "core" if cores == "1" else "cores"
    return [
        f"`{experiment}`",
        quantity,
        number(target.error),
        f"{target.allowed} s",
        f"**{number(median)}**",
        ", ".join(number(error) for error in errors),
        f"{seconds} s, {cores} {unit}",
        reached,
    ]


SHOWN = {  # experiments of the project's README: what is solved
    "burgers_record": "Burgers' equation, ν = 0.01/π",
    "kovasznay_record": "u of Kovasznay flow, Re = 40",
    "helmholtz_record": "Helmholtz equation",
    "poisson_5d": "Poisson's equation in five dimensions",
    "burgers_inverse_record": "λ₁ of Burgers' equation from 2000 samples",
}


def shown_rows(study: Study) -> list[list[str]]:
    """Return the rows of the README: the first quantity of an experiment, in its longest time."""
    rows = []
    for experiment, solved in SHOWN.items():
        target = TARGETS[experiment][-1]
        quantity = target.quantities[0]
        runs = study.runs(experiment)
        errors = [study.error_at(experiment, r["seed"], quantity, target.allowed) for r in runs]
        median = number(float(np.median(errors)))
        rows.append([f"`{experiment}`", solved, f"**{median}**", f"{target.allowed} s"])
    return rows


def main() -> None:
    """Run what the command line asks for, and write the results of all runs."""
    study = Study(Path(__file__).parent, list(TARGETS))
    study.record()
    table = markdown_table(HEAD, rows(study))
    note = (
        f"Measured on: {study.machines}; float64; seconds are those of the whole command, "
        "compilation included; errors are relative L2 at 10 000 uniform points."
    )
    study.publish("accuracy", f"{table}\n\n{note}")
    head = ("experiment", "what", "relative error, median of seeds", "within")
    study.publish("records", markdown_table(head, shown_rows(study)))
    panels = {}
    for experiment, targets in TARGETS.items():
        panels[experiment] = Panel(targets[0].quantities[0], targets[-1].error)
    study.draw(panels, "dashed: target; u, or λ₁ in the inverse problem")
    print(table)


if __name__ == "__main__":
    main()
