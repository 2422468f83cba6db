"""Weights that rise for terms whose losses fall slowly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pinn.errors import InputError
from pinn.problem import Term
from pinn.weights.scheme import LossSnapshot, Memory, TermScheme, UnitCoordinates, check_decay


@dataclass(frozen=True, kw_only=True)
class ReLoBRaLo(TermScheme):
    """Relative loss balancing with random lookback (Bischof & Kraus 2021, arXiv:2110.09813).

        λ̂ᵢ(t; t') = m softmaxᵢ(Lᵢ(t) / (T Lᵢ(t')))                       m terms, L their mean squared residuals
        λᵢ(t) = α (ρ λᵢ(t−1) + (1 − ρ) λ̂ᵢ(t; 0)) + (1 − α) λ̂ᵢ(t; t−1)    ρ is 1 or 0, drawn with mean E[ρ]

    t counts updates; the first one only takes note of the losses, and all weights are 1.

    Attributes:
        alpha: α, share of the past.
        rho: E[ρ], chance that the past is the last weights and not a look back to the start.
        temperature: T; smaller ones make weights differ more.

    Raises:
        InputError: for shares out of range or a temperature that is not positive; and, when a run
            starts, for a loss of one term.
    """

    label: ClassVar[str] = "ReLoBRaLo"
    every: int = 1
    alpha: float = 0.999
    rho: float = 0.999
    temperature: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_decay(self, "alpha")
        if not 0 <= self.rho <= 1:
            raise InputError(f"ReLoBRaLo: rho={self.rho}; give a number from 0 to 1.")
        if not self.temperature > 0:
            raise InputError(f"ReLoBRaLo: temperature={self.temperature}; give a positive number.")

    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return weights of 1, and no losses yet."""
        losses = {f"{t.name}:{when}": np.array(0.0) for t in terms for when in ("first", "last")}
        return {**super().initial_memory(terms, coordinates), **losses, "updates": np.array(0)}

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the weights after an update."""
        losses, count = snapshot.losses(), int(memory["updates"])
        noted = {f"{name}:last": np.array(value) for name, value in losses.items()}
        if count == 0:
            first = {f"{name}:first": np.array(value) for name, value in losses.items()}
            return {**memory, **noted, **first, "updates": np.array(1)}
        rho = float(np.random.default_rng((snapshot.seed, count)).random() < self.rho)
        back, last = (self._balanced(memory, losses, when) for when in ("first", "last"))
        weights = {
            name: np.array(
                self.alpha * (rho * memory[name] + (1 - rho) * back[name])
                + (1 - self.alpha) * last[name]
            )
            for name in losses
        }
        return {**memory, **noted, **weights, "updates": np.array(count + 1)}

    def _balanced(self, memory: Memory, losses: Mapping[str, float], when: str) -> dict[str, float]:
        """Return m softmax(L(t) / (T L(t')))."""
        before = np.array([float(memory[f"{name}:{when}"]) for name in losses])
        tiny = np.finfo(float).tiny
        ratios = np.array(list(losses.values())) / np.maximum(self.temperature * before, tiny)
        powers = np.exp(ratios - np.max(ratios))
        return dict(zip(losses, len(losses) * powers / np.sum(powers), strict=True))
