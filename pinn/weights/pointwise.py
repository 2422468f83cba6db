"""What schemes of one weight a point share: which terms they weigh, and how weights reach other points."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from pinn.errors import InputError, did_you_mean
from pinn.objective import Objective
from pinn.problem import Term
from pinn.weights.scheme import LossSnapshot, Memory, Scheme, UnitCoordinates


@dataclass(frozen=True, kw_only=True)
class PointScheme(Scheme):
    """A scheme of one number λ a point and term, of which the point's weight is a function.

    After a redraw every point has the λ of the nearest point of the last update, in coordinates
    that go from 0 to 1: points that stay keep theirs, new ones take on that of their neighborhood.
    The memory holds each term's λ [n] under its name, and the coordinates [n, d] where they were found.

    Attributes:
        terms: names of the terms whose points are weighed; None chooses.
    """

    every: int = 10
    terms: Sequence[str] | None = None

    @abstractmethod
    def initial_lambda(self) -> float:
        """Return the λ of every point before the first update."""

    @abstractmethod
    def update_lambdas(self, lambdas: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        """Return the λ [n] after an update, from those before and the residuals [n]."""

    @abstractmethod
    def weights(self, lambdas: np.ndarray) -> np.ndarray:
        """Return the weights [n] of the squared residuals."""

    def pointwise_terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return the terms whose points have weights of their own."""
        return [t for t in terms if self.terms is None or t.name in self.terms]

    def check(self, objective: Objective) -> None:
        """Raise an InputError for the name of a term that there is not, or for none at all."""
        known = [t.name for t in objective.terms]
        for name in self.terms or ():
            if name not in known:
                raise InputError(
                    f"{type(self).__name__}: terms: no residual {name!r}.{did_you_mean(name, known)}"
                )
        if not self.pointwise_terms(objective.terms):
            raise InputError(
                f"{type(self).__name__}: terms={self.terms}: chooses none of {', '.join(known)}; name at least one."
            )

    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return the same λ for all points."""
        chosen = self.pointwise_terms(terms)
        found = {t.name: np.full(len(coordinates[t.region]), self.initial_lambda()) for t in chosen}
        return found | {_at(t): coordinates[t.region] for t in chosen}

    def fits(self, memory: Memory, fresh: Memory) -> bool:
        """Say whether a memory is one of this scheme's, of whatever points."""
        return {k: np.ndim(v) for k, v in memory.items()} == {
            k: np.ndim(v) for k, v in fresh.items()
        }

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the λ after an update, at the points as they are now."""
        residuals, found = snapshot.residuals(), {}
        for term in self.pointwise_terms(snapshot.terms):
            coordinates = snapshot.unit_coordinates(term.region)
            found[term.name] = self.update_lambdas(
                nearest_lambdas(memory, term, coordinates), residuals[term.name]
            )
            found[_at(term)] = coordinates
        return found

    def point_weights(self, memory: Memory, term: Term, coordinates: np.ndarray) -> np.ndarray:
        """Return the weights [n] at coordinates [n, d] of the region of a term whose points have their own."""
        return self.weights(nearest_lambdas(memory, term, coordinates))


def nearest_lambdas(memory: Memory, term: Term, coordinates: np.ndarray) -> np.ndarray:
    """Return a term's λ [n] at coordinates [n, d]: those of the nearest coordinates where they are known."""
    known = memory[_at(term)]
    if np.array_equal(known, coordinates):
        return memory[term.name]
    return memory[term.name][KDTree(known).query(coordinates)[1]]


def _at(term: Term) -> str:
    return f"at:{term.region}"
