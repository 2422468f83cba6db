"""Weights that make the gradients of all terms equally large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from pinn.errors import InputError
from pinn.objective import Objective
from pinn.settings import between
from pinn.weights.scheme import LossSnapshot, Memory, TermScheme, running_average

# The largest new weight, reached where a gradient vanishes.  The authors' program jaxpi (see below)
# bounds the weight by 1e-5 of the mean gradient.
LARGEST = 1e5


@dataclass(frozen=True, kw_only=True)
class GradientNorm(TermScheme):
    """Weights from the gradients gᵢ = ∇Lᵢ of the terms' mean squared residuals.

        norms:     λ̂ᵢ = Σⱼ |gⱼ| / |gᵢ|
        max_mean:  λ̂ᵢ = max |g_r| / mean |gᵢ|   over the components of the gradients
        λᵢ ← decay λᵢ + (1 − decay) λ̂ᵢ,   λᵢ = 1 at first

    "norms" is from Wang et al. (2023), arXiv:2308.08468, and its program jaxpi; "max_mean" is from
    Wang, Teng & Perdikaris (2021), doi:10.1137/20M1318043.  In the latter, g_r is the gradient of
    the sum of the interior's terms, whose own weights stay 1.

    Attributes:
        statistic: "norms" or "max_mean".
        decay: decay of the running average.

    Raises:
        InputError: for a decay outside [0, 1) or an unknown statistic; and, when a run starts, for
            a loss of one term or, with "max_mean", without terms both on the interior and
            elsewhere.
    """

    label: ClassVar[str] = "gradient norm"
    statistic: Literal["norms", "max_mean"] = "norms"
    decay: float = between(0, 1, 0.9, closed="left")

    def check(self, objective: Objective) -> None:
        """Raise an InputError for a loss whose terms cannot be compared by the statistic."""
        super().check(objective)
        on_interior = [term.region == "interior" for term in objective.terms]
        if self.statistic == "max_mean" and (all(on_interior) or not any(on_interior)):
            raise InputError(
                "GradientNorm: statistic=max_mean compares terms on the interior with others, and "
                "there are not both; use statistic=norms."
            )

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the weights after an update."""
        gradients = snapshot.gradients()
        if self.statistic == "norms":
            norms = {name: float(np.linalg.norm(g)) for name, g in gradients.items()}
            return running_average(memory, balancing_weights(norms), self.decay)

        # The largest component of the interior's gradient, relative to every other term's mean one.
        interior = {term.name for term in snapshot.terms if term.region == "interior"}
        interior_gradient = np.sum([gradients[name] for name in interior], axis=0)
        largest = float(np.max(np.abs(interior_gradient)))
        targets = {}
        for name, gradient in gradients.items():
            mean = float(np.mean(np.abs(gradient)))
            targets[name] = 1.0 if name in interior else bounded_ratio(largest, mean)
        return running_average(memory, targets, self.decay)


def balancing_weights(sizes: Mapping[str, float]) -> dict[str, float]:
    """Return the weights that make the terms' sizes equal: their sum over each one.

    A weight is at most `LARGEST`.
    """
    total = sum(sizes.values())
    return {name: bounded_ratio(total, size) for name, size in sizes.items()}


def bounded_ratio(numerator: float, denominator: float) -> float:
    """Return a ratio, at most `LARGEST`."""
    if denominator * LARGEST <= numerator:
        return LARGEST
    return numerator / denominator
