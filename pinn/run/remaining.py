"""What a solution leaves of the residuals, at points that no training used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from pinn.geometry import is_data
from pinn.objective import FieldScale
from pinn.run.errors import Values
from pinn.run.stage_run import StageRun
from pinn.run.stage_runs import StageRuns
from pinn.training.progress import Progress

CONSTANT = 1e-6  # change of a field, over its typical size, up to which it is constant
UNSOLVED = 1e-2  # a residual, over its typical size, from which on its equation is not solved


def remaining(
    stage_runs: StageRuns, stage_run: StageRun, progress: Progress, theta: tf.Tensor
) -> dict[str, float]:
    """Return the rms of every residual over its typical size, the largest of all windows.

    Misfits are left out: one as large as the noise of the measurements is right.

    Args:
        stage_runs: all stages of the run.
        stage_run: the last one.
        progress: what the run has done.
        theta: the vector [p] in the last stage.

    Returns:
        Dimensionless values by the name of the term; empty for modes without typical sizes.
    """
    losses = stage_runs.balanced_losses(stage_run, progress, theta)
    sizes: dict[str, float] = {}
    for term in stage_run.objective.terms:
        name = term.name
        if name in losses and not is_data(term.region):
            sizes[name] = max(losses[name], progress.remaining.get(name, 0.0)) ** 0.5
    return sizes


def doubts(sizes: Mapping[str, float]) -> list[str]:
    """Return one line on the residuals that are far from zero; none where all are small."""
    large = {name: size for name, size in sizes.items() if not size <= UNSOLVED}
    if not large:
        return []
    told = [f"{name} {100 * size:.2g} %" for name, size in large.items()]
    return [
        f"the equations are not solved: residuals over their typical sizes, at points not trained "
        f"on: {', '.join(told)}"
    ]


def trivial(values: Values, scales: Mapping[str, FieldScale]) -> list[str]:
    """Return one line where all functions are constant, which is a solution that few ask for.

    Args:
        values: the functions [n] at points all over the domain, by name.
        scales: their typical values; empty where they are not known.
    """
    for name, column in values.items():
        if name not in scales or np.std(column) > CONSTANT * scales[name].scale:
            return []
    if not values:
        return []
    told = [f"{name} = {np.mean(column):.3g}" for name, column in values.items()]
    return [
        f"the solution is constant ({', '.join(told)}), a trivial one of its equations; if there "
        "is another, say what it has and this one lacks: a value, a source, a normalization."
    ]
