"""Weights per point that ascend the loss while the network descends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from pinn.arrays import Array
from pinn.settings import at_least, positive
from pinn.weights.pointwise import PointScheme


@dataclass(frozen=True, kw_only=True)
class SelfAdaptive(PointScheme):
    """Self-adaptive weights (McClenny & Braga-Neto 2023, doi:10.1016/j.jcp.2022.111722).

        L = Σⱼ m(λⱼ) rⱼ² / n
        λⱼ ← λⱼ + rate · every · m'(λⱼ) rⱼ² / 2,   λⱼ = start at first

    The step follows the gradient of the paper's loss, ½ Σⱼ m(λⱼ) rⱼ², for all iterations since the
    last update at once; with `every` = 1 it is the paper's step.  (The authors' program makes the
    step by Adam.)  The masks m increase with λ ≥ 0:

        polynomial:  m(λ) = λ^power
        sigmoid:     m(λ) = ceiling / (1 + exp(−slope (λ − middle)))

    Attributes:
        terms: names of the terms with weighted points; None: all.
        rate: ρ, the learning rate of λ.
        start: λ at first; a larger start for one term is expressed by the term's fixed weight.
        mask: "polynomial" or "sigmoid".
        power: the power of the polynomial.
        ceiling: the limit of the sigmoid.
        slope: the slope of the sigmoid.
        middle: where the sigmoid is half its limit.

    Raises:
        InputError: for numbers that are not positive, a negative middle, or an unknown mask; and,
            when a run starts, for an unknown term.
    """

    label: ClassVar[str] = "self-adaptive"
    rate: float = positive(5e-3)
    start: float = positive(1.0)
    mask: Literal["polynomial", "sigmoid"] = "polynomial"
    power: float = positive(2.0)
    ceiling: float = positive(100.0)
    slope: float = positive(1.0)
    middle: float = at_least(0, 5.0)

    def initial_lambda(self) -> float:
        """Return the λ of every point before the first update."""
        return self.start

    def update_lambdas(self, lambdas: Array, residuals: Array) -> Array:
        """Return the λ [n] after an update, from the λ before it and the residuals [n]."""
        return lambdas + self.rate * self.every * self._mask_slopes(lambdas) * residuals**2 / 2

    def weights(self, lambdas: Array) -> Array:
        """Return the weights [n] of the squared residuals: the mask."""
        if self.mask == "polynomial":
            return lambdas**self.power
        return self.ceiling * self._logistic(lambdas)

    def _mask_slopes(self, lambdas: Array) -> Array:
        """Return m'(λ)."""
        if self.mask == "polynomial":
            return self.power * lambdas ** (self.power - 1)
        logistic = self._logistic(lambdas)
        return self.ceiling * self.slope * logistic * (1 - logistic)

    def _logistic(self, lambdas: Array) -> Array:
        """Return 1 / (1 + exp(−slope (λ − middle)))."""
        return 1 / (1 + np.exp(-self.slope * (lambdas - self.middle)))
