"""Run the record experiments over seeds and write the table and the picture.

Finished runs are skipped, so it can be interrupted and continued:
python experiments/accuracy/run.py [EXPERIMENT…] [--seeds N]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from pinn.reporting.published import number

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Study

ROWS = {  # experiment: (quantities and target, seconds allowed), …
    "burgers_record": [(("u",), 1e-5, 90), (("u",), 1e-6, 300)],
    "burgers_long": [(("u",), 1.4e-8, 1800), (("u",), 2.2e-9, 1800)],
    "burgers_smooth": [(("u",), 1e-9, 600)],
    "helmholtz_record": [(("u",), 2e-9, 300)],
    "wave_record": [(("u",), 1e-7, 300)],
    "kovasznay_record": [(("u", "v"), 1e-7, 300)],
    "poisson": [(("u",), 1e-9, 180)],
    "heat": [(("u",), 1e-9, 180)],
    "poisson_5d": [(("u",), 1e-6, 300)],
    "kdv_solitons_record": [(("u",), 1e-6, 600)],
    "allen_cahn": [(("u",), 9e-7, 900)],
    "burgers_inverse_record": [(("lambda1", "nu"), 1e-6, 300)],
}


def table(study: Study) -> str:
    """Return the table of all rows that have runs."""
    lines = [
        "| experiment | quantity | target | within | median error then | seeds | whole command | reached |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, targets in ROWS.items():
        runs = study.of(row)
        for names, target, allowed in targets if runs else ():
            for name in names:
                errors = [study.at(row, r["seed"], name, allowed) for r in runs]
                median = float(np.median(errors))
                verdict = "yes" if median <= target else f"no: {median / target:.2g} times"
                cores = ", ".join(dict.fromkeys(r["machine"].split(", ")[-2] for r in runs))
                seconds = ", ".join(f"{r['seconds']:.0f}" for r in runs)
                lines.append(
                    f"| `{row}` | {name} | {number(target)} | {allowed} s | **{number(median)}** | "
                    f"{', '.join(map(number, errors))} | {seconds} s, {cores} | {verdict} |"
                )
    return "\n".join(lines)


SHOWN = {  # row of the README: what it is
    "burgers_record": "Burgers' equation, ν = 0.01/π",
    "kovasznay_record": "u of Kovasznay flow, Re = 40",
    "helmholtz_record": "Helmholtz equation",
    "poisson_5d": "Poisson's equation in five dimensions",
    "burgers_inverse_record": "λ₁ of Burgers' equation from 2000 samples",
}


def shown(study: Study) -> str:
    """Return the README's table: one quantity of five experiments within the longest time."""
    lines = [
        "| experiment | what | relative error, median of seeds | within |",
        "|---|---|---|---|",
    ]
    for row, what in SHOWN.items():
        names, _, allowed = ROWS[row][-1]
        errors = [study.at(row, run["seed"], names[0], allowed) for run in study.of(row)]
        median = number(float(np.median(errors)))
        lines.append(f"| `{row}` | {what} | **{median}** | {allowed} s |")
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for and write what all runs give."""
    study = Study(Path(__file__).parent, list(ROWS))
    study.record()
    text = table(study)
    note = (
        f"Measured on: {study.machines}; float64; seconds are those of the whole command, compilation included; "
        f"errors are relative L2 at 10 000 uniform points."
    )
    study.publish("accuracy", f"{text}\n\n{note}")
    study.publish("records", shown(study))
    panels = {}
    for row, targets in ROWS.items():
        name, target = targets[0][0][0], targets[-1][1]
        if study.of(row):  # the truth of lambda1 is 1
            panels[row] = (
                (f"unknown_{name}", 1.0, target)
                if name == "lambda1"
                else (f"error_{name}", 0.0, target)
            )
    study.picture(4, panels, "dashed: target; u, or λ₁ in the inverse problem")
    print(text)


if __name__ == "__main__":
    main()
