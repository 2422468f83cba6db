"""The table of the cases: what was right, what was found, what the run said, and a verdict."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cases import CASES, HERE, Case

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import WRONG, markdown_table, replace, told_verdicts

GOOD = 0.01  # the largest relative error of a right answer
DOCUMENTED = ", documented settings"  # the end of a result's name
HEAD = (
    *("case", "run", "right", "found", "error", "estimated error", "seconds"),
    *("what the run said", "trust", "verdict"),
)

Result = Mapping[str, Any]
"""What `results.json` holds of a run."""


def error_of(result: Result) -> float | None:
    """Return the largest error of a run; None where nothing was checked."""
    errors = [quantity["error"] for quantity in result["quantities"].values()]
    return max(errors, default=None)


def verdict(result: Result) -> str:
    """Return the verdict on a run in two or three words."""
    if result["state"] != "done":
        return result["state"]
    error = error_of(result)
    said = bool(result["said"])
    if result["should_say"] and not said:
        return "does not say so"
    if error is None:
        return "says so" if result["should_say"] else "refused"
    if error <= GOOD:
        return "within 1 %"
    if error <= WRONG:
        return "within 5 %"
    return "off, and says so" if said else "silently wrong"


def is_right(result: Result) -> bool:
    """Return whether a run gives the right answer: a number within 1 %, or what it has to say."""
    return verdict(result) in ("within 1 %", "says so")


def table(results: Mapping[str, Mapping[str, Result]]) -> str:
    """Return the table of all cases, one row per run, and the counts below it."""
    rows = []
    for case in CASES:
        if case.missing:
            rows.append(
                [f"`{case.id}`", *[""] * (len(HEAD) - 2), f"cannot be said: {case.missing}"]
            )
        elif case.id not in results:
            rows.append([f"`{case.id}`", *[""] * (len(HEAD) - 2), "not run"])
        else:
            for name, result in results[case.id].items():
                rows.append(_row(case, name, result))
    return f"{markdown_table(HEAD, rows)}\n\n{_counts(results)}"


def _row(case: Case, name: str, result: Result) -> list[str]:
    quantities = result["quantities"]
    error = error_of(result)
    right = [f"{key} = {q['right']:.6g}" for key, q in quantities.items() if q["right"]]
    should_say = [result["should_say"]] if result["should_say"] else []
    said = [*result["said"], *([result["stop"]] if result["stop"] else [])]
    return [
        f"[`{case.id}`]({case.id}.py)",
        name,
        "; ".join([*right, *should_say]),
        "; ".join(f"{key} = {q['found']:.6g}" for key, q in quantities.items()),
        "" if error is None else f"{error:.1e}",
        _largest(result.get("estimated", {})),
        f"{result['seconds']:.0f}",
        "; ".join(said),
        result.get("trust") or "",
        verdict(result),
    ]


def _largest(errors: Mapping[str, float]) -> str:
    """Return the largest estimated error; nothing where there is no estimate."""
    return f"{max(errors.values()):.1e}" if errors else ""


def _trust(results: Mapping[str, Mapping[str, Result]]) -> str:
    """Return how the runs' own verdicts compare with their errors."""
    judged = []
    for case, runs in results.items():
        for name, run in runs.items():
            error = error_of(run)
            if run.get("trust") and error is not None and not run["should_say"]:
                judged.append((f"{case}, {name}", run["trust"], error))
    return told_verdicts(judged)


def _counts(results: Mapping[str, Mapping[str, Result]]) -> str:
    """Return how many cases were run, are right in all of their runs, or silently wrong in one."""
    by_default: list[str] = []
    right: list[str] = []
    silent: list[str] = []
    for case, runs in results.items():
        default = [name for name in runs if not name.endswith(DOCUMENTED)]
        if all(is_right(runs[name]) for name in default):
            by_default.append(case)
        if all(is_right(runs.get(name + DOCUMENTED, runs[name])) for name in default):
            right.append(case)
        if any(verdict(run) in ("silently wrong", "does not say so") for run in runs.values()):
            silent.append(case)
    missing = [case for case in CASES if case.missing]
    machines = sorted({run["machine"] for runs in results.values() for run in runs.values()})
    lines = [
        f"{len(by_default)} of {len(CASES)} cases are right with the default settings, and "
        f"{len(right)} with those that their files document; {len(results)} were run, and "
        f"{len(missing)} cannot be said. Silently wrong: {', '.join(silent) or 'none'}.",
        _trust(results),
    ]
    if machines:
        lines.append(
            f"Measured on: {'; '.join(machines)}; float64, one seed; seconds are those of the "
            "whole process; an error is the largest of a run's quantities."
        )
    return "\n\n".join(lines)


def gallery() -> str:
    """Return the pictures, three to a row."""
    cells = []
    for case in CASES:
        if (HERE / "pictures" / f"{case.id}.png").exists():
            cells.append(f"![{case.id}](pictures/{case.id}.png)")
    cells += [""] * (-len(cells) % 3)
    rows = [cells[i : i + 3] for i in range(0, len(cells), 3)]
    return markdown_table(("", "", ""), rows) if rows else ""


def publish(results: Mapping[str, Mapping[str, Result]]) -> str:
    """Write the table and the pictures into the README, and return the table."""
    text = table(results)
    replace(HERE / "README.md", "results", text)
    replace(HERE / "README.md", "pictures", gallery())
    return text
