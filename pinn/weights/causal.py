"""Weights of stretches of time that wait until earlier ones are solved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from pinn.errors import InputError
from pinn.objective import Objective
from pinn.problem import Term
from pinn.weights.scheme import LossSnapshot, Memory, Scheme, UnitCoordinates


@dataclass(frozen=True, kw_only=True)
class Causal(Scheme):
    """Causal weights (Wang, Sankaran & Perdikaris 2022, arXiv:2203.07404).

        wᵢ = exp(−ε (L₀ + Σ_{k<i} Lₖ)),   i = 1 … chunks

    Lᵢ is the interior's loss on the i-th of `chunks` equal stretches of time: its terms' mean
    squared residuals there, times their fixed weights.  L₀ is the loss of the initial conditions,
    if they are no part of the ansatz.  Terms of other regions keep their weights.  Training has
    reached the end of time when min wᵢ > δ, which the history shows; then the next ε of the
    sequence is taken.  The weights are functions of time, so that a redraw of the points changes
    nothing about them.

    Attributes:
        epsilon: ε, or several to be taken one after another, rising.
        chunks: stretches of time.
        delta: δ.

    Raises:
        InputError: for ε that are not positive or do not rise, fewer than 2 chunks, or δ outside
            (0, 1); and, when a run starts, for a steady problem or one without terms on the
            interior.
    """

    label: ClassVar[str] = "causal"
    every: int = 10
    epsilon: float | Sequence[float] = (1e-2, 1e-1, 1.0, 1e1, 1e2)
    chunks: int = 32
    delta: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        found = [self.epsilon] if isinstance(self.epsilon, int | float) else list(self.epsilon)
        good = all(isinstance(e, int | float) and 0 < e < math.inf for e in found)
        if not (found and good and all(a < b for a, b in pairwise(found))):
            raise InputError(
                f"Causal: epsilon={self.epsilon}; give a positive number, or several that rise."
            )
        object.__setattr__(self, "epsilon", tuple(map(float, found)))
        if not isinstance(self.chunks, int) or self.chunks < 2:
            raise InputError(f"Causal: chunks={self.chunks!r}; give a whole number of at least 2.")
        if not 0 < self.delta < 1:
            raise InputError(
                f"Causal: delta={self.delta}; give a number between 0 and 1, such as 0.99."
            )

    def check(self, objective: Objective) -> None:
        """Raise an InputError for a steady problem, or one without terms on the interior."""
        name = type(objective.problem).__name__
        if objective.problem.time is None:
            raise InputError(
                f"Causal: {name} is steady, so it has no causes; choose another scheme of weights."
            )
        if "interior" not in objective.regions:
            raise InputError(
                f"Causal: {name} has no residual on the interior; choose another scheme of weights."
            )

    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return weights of 1, and the first ε to be taken."""
        return {
            "chunks": np.ones(self.chunks),
            "epsilon": np.array(self._sequence[0]),
            "stage": np.array(0),
        }

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the weights after an update."""
        residuals, fixed, stage = snapshot.residuals(), snapshot.fixed, int(memory["stage"])
        initial = sum(
            fixed[t.name] * float(np.mean(residuals[t.name] ** 2))
            for t in snapshot.terms
            if t.region == "initial"
        )
        squares = sum(
            fixed[t.name] * residuals[t.name] ** 2 for t in snapshot.terms if t.region == "interior"
        )
        where = self._chunk(snapshot.unit_coordinates("interior"))
        counts = np.bincount(where, minlength=self.chunks)
        losses = np.bincount(where, squares, self.chunks) / np.maximum(counts, 1)
        epsilon = self._sequence[stage]
        chunks = np.exp(-epsilon * (initial + np.concatenate([[0.0], np.cumsum(losses)[:-1]])))
        done = np.min(chunks) > self.delta and stage + 1 < len(self._sequence)
        return {
            "chunks": chunks,
            "epsilon": np.array(epsilon),
            "stage": np.array(stage + int(done)),
        }

    def pointwise_terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return the terms whose points have weights of their own: those on the interior."""
        return [t for t in terms if t.region == "interior"]

    def point_weights(self, memory: Memory, term: Term, coordinates: np.ndarray) -> np.ndarray:
        """Return the weights [n] at coordinates [n, d]: those of their stretches of time."""
        return memory["chunks"][self._chunk(coordinates)]

    def columns(self) -> list[str]:
        """Return the names of the figures."""
        return ["causal_epsilon", "causal_minimum"]

    def figures(self, memory: Memory) -> dict[str, float]:
        """Return ε and min wᵢ."""
        return {
            "causal_epsilon": float(memory["epsilon"]),
            "causal_minimum": float(np.min(memory["chunks"])),
        }

    @property
    def _sequence(self) -> tuple[float, ...]:
        assert isinstance(self.epsilon, tuple)
        return self.epsilon

    def _chunk(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the number [n] of the stretch of time that each place is in."""
        return np.clip((coordinates[:, -1] * self.chunks).astype(int), 0, self.chunks - 1)
