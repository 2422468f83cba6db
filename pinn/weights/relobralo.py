"""Weights that grow for terms whose losses decrease slowly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pinn.problem import Term
from pinn.settings import between, count, positive
from pinn.weights.scheme import LossSnapshot, Memory, TermScheme, UnitCoordinates


@dataclass(frozen=True, kw_only=True)
class ReLoBRaLo(TermScheme):
    """Relative loss balancing with random lookback (Bischof & Kraus 2021, arXiv:2110.09813).

        λ̂ᵢ(t; t') = m softmaxᵢ(Lᵢ(t) / (T Lᵢ(t')))
        λᵢ(t) = α (ρ λᵢ(t−1) + (1 − ρ) λ̂ᵢ(t; 0)) + (1 − α) λ̂ᵢ(t; t−1)

    for m terms with mean squared residuals Lᵢ; ρ is 1 or 0, drawn with mean E[ρ].  t counts the
    updates; the first one only records the losses, and all weights are 1.

    Attributes:
        alpha: α, the share of the past.
        rho: E[ρ], the probability that the past is the last weights and not a look back to the
            start.
        temperature: T; smaller temperatures make the weights differ more.

    Raises:
        InputError: for shares out of range or a temperature that is not positive; and, when a run
            starts, for a loss of one term.
    """

    label: ClassVar[str] = "ReLoBRaLo"
    every: int = count(1)
    alpha: float = between(0, 1, 0.999, closed="left")
    rho: float = between(0, 1, 0.999, closed="both")
    temperature: float = positive(0.1)

    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return weights of 1, and no losses yet."""
        memory = {**super().initial_memory(terms, coordinates), "updates": np.array(0)}
        for term in terms:
            memory[f"{term.name}:first"] = np.array(0.0)
            memory[f"{term.name}:last"] = np.array(0.0)
        return memory

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the weights after an update."""
        losses = snapshot.losses()
        count = int(memory["updates"])
        updated = {**memory, "updates": np.array(count + 1)}
        for name, loss in losses.items():
            updated[f"{name}:last"] = np.array(loss)
            if count == 0:
                updated[f"{name}:first"] = np.array(loss)
        if count == 0:
            return updated

        # The past is the last weights (ρ = 1) or the balance with the first losses (ρ = 0); it is
        # mixed with the balance with the last losses.
        rho = float(np.random.default_rng((snapshot.seed, count)).random() < self.rho)
        since_first = self._balance(memory, losses, "first")
        since_last = self._balance(memory, losses, "last")
        for name in losses:
            past = rho * memory[name] + (1 - rho) * since_first[name]
            updated[name] = np.array(self.alpha * past + (1 - self.alpha) * since_last[name])
        return updated

    def _balance(self, memory: Memory, losses: Mapping[str, float], since: str) -> dict[str, float]:
        """Return m softmax(L(t) / (T L(t'))), where t' is the "first" or the "last" update."""
        earlier = np.array([float(memory[f"{name}:{since}"]) for name in losses])
        tiny = np.finfo(float).tiny
        ratios = np.array(list(losses.values())) / np.maximum(self.temperature * earlier, tiny)
        # The largest exponent is subtracted, so that no exponential overflows.
        exponentials = np.exp(ratios - np.max(ratios))
        weights = len(losses) * exponentials / np.sum(exponentials)
        return dict(zip(losses, weights, strict=True))
