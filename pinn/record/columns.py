"""The columns of a history: their names, their order, and the prefixes that families share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

Value = TypeVar("Value")

PHASE = "phase"
ITERATION = "iteration"
EVALUATIONS = "evaluations"  # of the loss and its gradient
SECONDS = "seconds"  # wall-clock time of the run, compilation included
LOSS = "loss"
HELDOUT_LOSS = "heldout_loss"
STEP = "step"
CAUSAL_EPSILON = "causal_epsilon"
CAUSAL_MINIMUM = "causal_minimum"

# Prefixes; the rest of the name is that of a term, a field, a derived quantity or an unknown.
TERM_LOSS = "loss_"  # per term, unweighted
PLAIN_LOSS = "plain_loss_"  # per term whose residual is divided by its size, in its own units²
ERROR = "error_"  # relative L2, per field and derived quantity
UNKNOWN = "unknown_"  # the estimate of an unknown, in its own units
WEIGHT = "weight_"  # per term; the mean over its points where each has its own
LEAST_WEIGHT = "least_weight_"
LARGEST_WEIGHT = "largest_weight_"


def phase_title(name: str, optimizer: str, stage: str = "") -> str:
    """Return what the column of phases says: "polish (L-BFGS)", or "polish (L-BFGS), window 2".

    Args:
        name: the name of the phase in the configuration.
        optimizer: the display name of its optimizer.
        stage: the name of the stage; "" for a run of one stage.
    """
    title = f"{name} ({optimizer})"
    return f"{title}, {stage}" if stage else title


def phase_name(title: str) -> str | None:
    """Return the name of the phase that a title names; None where it names a stage besides."""
    match = re.fullmatch(r"(.+) \([^()]*\)", title)
    return match and match[1]


def column_names(
    *,
    terms: Iterable[str],
    quantities: Iterable[str],
    unknowns: Iterable[str],
    weights: Iterable[str] = (),
    scaled: Iterable[str] = (),
) -> list[str]:
    """Return the columns of a history in their order.

    Args:
        terms: names of the terms of the loss.
        quantities: names of the fields and derived quantities that have a reference.
        unknowns: names of the unknown coefficients.
        weights: columns of the weights, as `weight_columns` returns them, and of their scheme.
        scaled: names of the terms whose residuals are divided by a size other than 1.
    """
    return [
        PHASE,
        ITERATION,
        EVALUATIONS,
        SECONDS,
        LOSS,
        *_family(TERM_LOSS, terms),
        *_family(PLAIN_LOSS, scaled),
        HELDOUT_LOSS,
        *_family(ERROR, quantities),
        *_family(UNKNOWN, unknowns),
        STEP,
        *weights,
    ]


def weight_columns(terms: Iterable[str], pointwise: Iterable[str]) -> list[str]:
    """Return the columns of the weights of terms; `pointwise` terms have one weight per point."""
    columns = _family(WEIGHT, terms)
    for name in pointwise:
        columns += [f"{LEAST_WEIGHT}{name}", f"{LARGEST_WEIGHT}{name}"]
    return columns


def with_prefix(prefix: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values by the name of their column: {"u": 1.0} with "error_" is {"error_u": 1.0}."""
    return {f"{prefix}{name}": value for name, value in values.items()}


def without_prefix(prefix: str, row: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values of the columns that have a prefix, by the rest of the name."""
    return {
        column.removeprefix(prefix): value
        for column, value in row.items()
        if column.startswith(prefix)
    }


def describe_weights(row: Mapping[str, float]) -> str:
    """Return a row of weights in words: the means over points, and the figures of the scheme."""
    words: list[str] = []
    for column, value in row.items():
        if not column.startswith((LEAST_WEIGHT, LARGEST_WEIGHT)):
            words.append(f"{column.removeprefix(WEIGHT).replace('_', ' ')} {value:.3g}")
    return ", ".join(words)


def _family(prefix: str, names: Iterable[str]) -> list[str]:
    return [f"{prefix}{name}" for name in names]
