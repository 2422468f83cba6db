"""Weights per point that accumulate the relative sizes of the residuals, and decay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pinn.arrays import Array
from pinn.problem import Term
from pinn.settings import between, positive
from pinn.weights.pointwise import PointScheme


@dataclass(frozen=True, kw_only=True)
class ResidualAttention(PointScheme):
    """Residual-based attention (Anagnostopoulos et al. 2024, doi:10.1016/j.cma.2024.116805).

        L = Σⱼ (λⱼ rⱼ)² / n
        λⱼ ← γᵏ λⱼ + η (1 + γ + … + γᵏ⁻¹) |rⱼ| / maxᵢ |rᵢ|,   λⱼ = 0 at first

    with k = `every`: an update makes the paper's step once for every iteration since the last
    update, with the present residuals.  λ stays below η / (1 − γ); the weight of the squared
    residual is λ².

    Attributes:
        terms: names of the terms with weighted points; None: those on the interior, as in the
            paper.
        gamma: γ, decay per iteration.
        eta: η, learning rate.

    Raises:
        InputError: for a decay outside [0, 1) or a rate that is not positive; and, when a run
            starts, for an unknown term.
    """

    label: ClassVar[str] = "residual-based attention"
    gamma: float = between(0, 1, 0.999, closed="left")
    eta: float = positive(0.01)

    def initial_lambda(self) -> float:
        """Return the λ of every point before the first update."""
        return 0.0

    def pointwise_terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return the terms that have one weight per point."""
        if self.terms is None:
            return [term for term in terms if term.region == "interior"]
        return super().pointwise_terms(terms)

    def update_lambdas(self, lambdas: Array, residuals: Array) -> Array:
        """Return the λ [n] after an update, from the λ before it and the residuals [n]."""
        sizes = np.abs(residuals)
        largest = max(float(np.max(sizes)), np.finfo(float).tiny)
        # k steps at once: γᵏ, and the geometric series 1 + γ + … + γᵏ⁻¹ = (1 − γᵏ)/(1 − γ).
        decay = self.gamma**self.every
        return decay * lambdas + self.eta * (1 - decay) / (1 - self.gamma) * sizes / largest

    def weights(self, lambdas: Array) -> Array:
        """Return the weights [n] of the squared residuals."""
        return lambdas**2
