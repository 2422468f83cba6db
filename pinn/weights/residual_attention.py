"""Weights of points that accumulate the residuals' relative sizes, and forget them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pinn.errors import InputError
from pinn.problem import Term
from pinn.weights.pointwise import PointScheme


@dataclass(frozen=True, kw_only=True)
class ResidualAttention(PointScheme):
    """Residual-based attention (Anagnostopoulos et al. 2024, doi:10.1016/j.cma.2024.116805).

        L = Σⱼ (λⱼ rⱼ)² / n,   λⱼ ← γᵏ λⱼ + η (1 + γ + … + γᵏ⁻¹) |rⱼ| / maxᵢ |rᵢ|,   λⱼ = 0 at first

    with k = `every`: the paper's step for every iteration since the last update, with the residuals
    of the last one.  λ stays below η / (1 − γ); the weight of the squared residual is λ².

    Attributes:
        terms: names of the terms whose points are weighed; None: those on the interior, as in the
            paper.
        gamma: γ, decay per iteration.
        eta: η, learning rate.

    Raises:
        InputError: for a decay outside [0, 1) or a rate that is not positive; and, when a run
            starts, for a term that there is not.
    """

    label: ClassVar[str] = "residual-based attention"
    gamma: float = 0.999
    eta: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.gamma < 1:
            raise InputError(
                f"ResidualAttention: gamma={self.gamma}; give a number from 0 to below 1."
            )
        if not self.eta > 0:
            raise InputError(f"ResidualAttention: eta={self.eta}; give a positive number.")

    def initial_lambda(self) -> float:
        """Return the λ of every point before the first update."""
        return 0.0

    def pointwise_terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return the terms whose points have weights of their own."""
        return [
            t
            for t in super().pointwise_terms(terms)
            if self.terms is not None or t.region == "interior"
        ]

    def update_lambdas(self, lambdas: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        """Return the λ [n] after an update, from those before and the residuals [n]."""
        sizes = np.abs(residuals)
        largest = max(float(np.max(sizes)), np.finfo(float).tiny)
        decay = self.gamma**self.every
        return decay * lambdas + self.eta * (1 - decay) / (1 - self.gamma) * sizes / largest

    def weights(self, lambdas: np.ndarray) -> np.ndarray:
        """Return the weights [n] of the squared residuals."""
        return lambdas**2
