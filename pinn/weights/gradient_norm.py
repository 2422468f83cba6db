"""Weights that make the terms' gradients equally large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from pinn.errors import InputError
from pinn.objective import Objective
from pinn.weights.scheme import LossSnapshot, Memory, TermScheme, check_decay, running_average

LARGEST = 1e5  # of a new weight, where a gradient vanishes; jaxpi (see below) bounds it by 1e-5 of the mean gradient


@dataclass(frozen=True, kw_only=True)
class GradientNorm(TermScheme):
    """Weights from the gradients gᵢ = ∇Lᵢ of the terms' mean squared residuals.

        norms:     λ̂ᵢ = Σⱼ |gⱼ| / |gᵢ|                         (Wang et al. 2023, arXiv:2308.08468, and jaxpi)
        max_mean:  λ̂ᵢ = max |g_r| / mean |gᵢ|  by components    (Wang, Teng & Perdikaris 2021, doi:10.1137/20M1318043)
        λᵢ ← decay λᵢ + (1 − decay) λ̂ᵢ,  λᵢ = 1 at first

    In the second, g_r is the gradient of the interior's terms together, whose own weights stay 1.

    Attributes:
        statistic: "norms" or "max_mean".
        decay: of the running average.

    Raises:
        InputError: for a decay outside [0, 1) or an unknown statistic; and, when a run starts, for
            a loss of one term or, with "max_mean", without terms both on the interior and
            elsewhere.
    """

    label: ClassVar[str] = "gradient norm"
    statistic: Literal["norms", "max_mean"] = "norms"
    decay: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        check_decay(self)
        if self.statistic not in ("norms", "max_mean"):
            raise InputError(f"GradientNorm: statistic={self.statistic!r}; use norms or max_mean.")

    def check(self, objective: Objective) -> None:
        """Raise an InputError for terms of which none can be measured by another."""
        super().check(objective)
        inside = [t.region == "interior" for t in objective.terms]
        if self.statistic == "max_mean" and (all(inside) or not any(inside)):
            raise InputError(
                "GradientNorm: statistic=max_mean compares terms on the interior with others, and there are not both; "
                "use statistic=norms."
            )

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the weights after an update."""
        gradients = snapshot.gradients()
        if self.statistic == "norms":
            return running_average(
                memory,
                balancing_weights({n: float(np.linalg.norm(g)) for n, g in gradients.items()}),
                self.decay,
            )
        inside = {t.name for t in snapshot.terms if t.region == "interior"}
        largest = float(np.max(np.abs(np.sum([gradients[name] for name in inside], axis=0))))
        means = {name: float(np.mean(np.abs(g))) for name, g in gradients.items()}
        found = {
            n: 1.0 if n in inside else bounded_ratio(largest, mean) for n, mean in means.items()
        }
        return running_average(memory, found, self.decay)


def balancing_weights(sizes: dict[str, float]) -> dict[str, float]:
    """Return the sum of all sizes over each, at most `LARGEST`."""
    total = sum(sizes.values())
    return {name: bounded_ratio(total, size) for name, size in sizes.items()}


def bounded_ratio(whole: float, size: float) -> float:
    """Return a ratio, at most `LARGEST`."""
    return LARGEST if size * LARGEST <= whole else whole / size
