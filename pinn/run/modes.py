"""Modes of an eigenvalue problem, one stage each: when one is found, what the next one knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pinn.arrays import Array
from pinn.objective import Objective
from pinn.problem.modes import norm_of
from pinn.record import ModeMetrics
from pinn.run.errors import Values
from pinn.setup.setup import Setup
from pinn.training.phase_run import Report
from pinn.training.stopping import StopKind, StopReason

ENOUGH = 1e-10  # the balanced loss at which a mode ends
DOUBTFUL = 1e-4  # the balanced loss above which it is none


class Found:
    """The callback that ends the last phase of a mode, where its loss is small.

    Args:
        last_phase: the name of the phase.
    """

    def __init__(self, last_phase: str) -> None:
        self.last_phase = last_phase

    def __call__(self, report: Report) -> StopReason | None:
        """Return why the phase ends; None while it goes on."""
        loss = float(report.state.best_loss)
        if report.phase.name != self.last_phase or loss > ENOUGH:
            return None
        return StopReason(StopKind.MODE, f"the mode is found: loss {loss:.1e}")


def symbols_of(objective: Objective) -> tuple[list[str], Array]:
    """Return what the inner product of modes takes, and its nodes [Q, d]."""
    problem = objective.problem
    norm = norm_of(problem)
    names = [symbol.name for symbol in norm.symbols if symbol.kind != "coordinate"]
    return names, objective.values.nodes_of(norm.name, problem.coordinates)


def earlier_modes(objective: Objective, found: Sequence[Values]) -> dict[str, tf.Tensor]:
    """Return the modes before the present one, [modes - 1, Q] by what the inner product takes.

    Args:
        objective: the loss.
        found: the values [Q] of every mode that has been found, by name.
    """
    names, nodes = symbols_of(objective)
    values = {}
    for name in names:
        rows = np.zeros((objective.problem.mode_count - 1, len(nodes)))
        for row, mode in zip(rows, found, strict=False):
            row[:] = mode[name]
        values[name] = tf.constant(rows, objective.dtype)
    return values


def doubtful_modes(setup: Setup, modes: Sequence[ModeMetrics]) -> list[str]:
    """Return a warning for every mode that was not found, or not in the order of eigenvalues."""
    warnings = []
    distances = []
    for number, mode in enumerate(modes, start=1):
        loss = mode.heldout_loss
        assert loss is not None
        if setup.scales != "none" and not loss <= DOUBTFUL:
            warnings.append(
                f"mode {number}: was not found, its loss is {loss:.1e}; train longer, or start the "
                "eigenvalue nearer to it."
            )
        name, value = next(iter(mode.unknowns.items()))
        distances.append(abs(value - setup.problem.unknowns[name].start))
        if distances[-1] < max(distances):
            warnings.append(
                f"mode {number}: {name} is nearer to its start than that of an earlier mode, so "
                "that others may have been missed; ask for more modes."
            )
    return warnings
