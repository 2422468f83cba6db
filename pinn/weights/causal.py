"""Weights of time segments that wait until the earlier segments are solved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from pinn.arrays import Array, IntArray
from pinn.errors import InputError
from pinn.objective import Objective
from pinn.problem import Term
from pinn.record.columns import CAUSAL_EPSILON, CAUSAL_MINIMUM
from pinn.settings import between, count
from pinn.weights.scheme import LossSnapshot, Memory, Scheme, UnitCoordinates


@dataclass(frozen=True, kw_only=True)
class Causal(Scheme):
    """Causal weights (Wang, Sankaran & Perdikaris 2022, arXiv:2203.07404).

        wᵢ = exp(−ε (L₀ + Σ_{k<i} Lₖ)),   i = 1 … chunks

    Lᵢ is the interior's loss on the i-th of `chunks` equal segments of time (the paper's chunks):
    the mean squared residuals of its terms there, times their fixed weights.  L₀ is the loss of the
    initial conditions, unless the ansatz satisfies them.  Terms of other regions keep their
    weights.  Training has reached the end of time when min wᵢ > δ, which the history shows; then
    the next ε of the sequence is taken.  The weights are functions of time, so a redraw of the
    points does not change them.

    Attributes:
        epsilon: ε, or a rising sequence of values that are taken one after another.
        chunks: number of time segments.
        delta: δ.

    Raises:
        InputError: for ε that are not positive or do not rise, fewer than 2 chunks, or δ outside
            (0, 1); and, when a run starts, for a steady problem or one without terms on the
            interior.
    """

    label: ClassVar[str] = "causal"
    every: int = count(10)
    epsilon: float | Sequence[float] = (1e-2, 1e-1, 1.0, 1e1, 1e2)
    chunks: int = count(32, least=2)
    delta: float = between(0, 1, 0.99)

    def __post_init__(self) -> None:
        super().__post_init__()
        epsilon = self.epsilon
        values = [epsilon] if isinstance(epsilon, int | float) else list(epsilon)
        are_positive = all(isinstance(e, int | float) and 0 < e < math.inf for e in values)
        if not (values and are_positive and all(a < b for a, b in pairwise(values))):
            raise InputError(
                f"Causal: epsilon={self.epsilon}; give a positive number, or several that rise."
            )
        object.__setattr__(self, "epsilon", tuple(map(float, values)))

    def check(self, objective: Objective) -> None:
        """Raise an InputError for a steady problem, or one without terms on the interior."""
        name = type(objective.problem).__name__
        if objective.problem.time is None:
            raise InputError(
                f"Causal: {name} is steady, so it has no causes; choose another weighting scheme."
            )
        if "interior" not in objective.regions:
            raise InputError(
                f"Causal: {name} has no residual on the interior; choose another weighting scheme."
            )

    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return weights of 1, and the first ε."""
        return {
            "chunks": np.ones(self.chunks),
            "epsilon": np.array(self._sequence[0]),
            "stage": np.array(0),
        }

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the weights after an update."""
        residuals = snapshot.residuals()
        fixed = snapshot.fixed
        index = int(memory["stage"])

        # L₀, and the interior's squared residuals [n], summed over its terms.
        initial: float = 0.0
        squares = np.zeros(())
        for term in snapshot.terms:
            if term.region == "initial":
                initial += fixed[term.name] * float(np.mean(residuals[term.name] ** 2))
            elif term.region == "interior":
                squares = squares + fixed[term.name] * residuals[term.name] ** 2

        # Lᵢ: the means of the squares over the points of each segment.
        segments = self._segments(snapshot.unit_coordinates("interior"))
        counts = np.bincount(segments, minlength=self.chunks)
        losses = np.bincount(segments, squares, self.chunks) / np.maximum(counts, 1)

        # The weights, and the next ε once they have all passed δ.
        epsilon = self._sequence[index]
        earlier_losses = np.concatenate([[0.0], np.cumsum(losses)[:-1]])
        weights = np.exp(-epsilon * (initial + earlier_losses))
        is_last = index + 1 == len(self._sequence)
        if np.min(weights) > self.delta and not is_last:
            index += 1
        return {"chunks": weights, "epsilon": np.array(epsilon), "stage": np.array(index)}

    def pointwise_terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return the terms that have one weight per point: those on the interior."""
        return [term for term in terms if term.region == "interior"]

    def point_weights(self, memory: Memory, term: Term, coordinates: Array) -> Array:
        """Return the weights [n] at unit coordinates [n, d]: those of the points' time segments."""
        return memory["chunks"][self._segments(coordinates)]

    def columns(self) -> list[str]:
        """Return the names of the figures."""
        return [CAUSAL_EPSILON, CAUSAL_MINIMUM]

    def figures(self, memory: Memory) -> dict[str, float]:
        """Return ε and min wᵢ."""
        return {
            CAUSAL_EPSILON: float(memory["epsilon"]),
            CAUSAL_MINIMUM: float(np.min(memory["chunks"])),
        }

    @property
    def _sequence(self) -> tuple[float, ...]:
        assert isinstance(self.epsilon, tuple)
        return self.epsilon

    def _segments(self, coordinates: Array) -> IntArray:
        """Return the number [n] of the time segment of each point, from 0."""
        times = coordinates[:, -1]
        return np.clip((times * self.chunks).astype(int), 0, self.chunks - 1)
