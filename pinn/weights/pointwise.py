"""What schemes of one weight per point share: the choice of terms, and nearest neighbours."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from pinn.arrays import Array
from pinn.errors import InputError, did_you_mean
from pinn.objective import Objective
from pinn.problem import Term
from pinn.settings import count
from pinn.weights.scheme import LossSnapshot, Memory, Scheme, UnitCoordinates


@dataclass(frozen=True, kw_only=True)
class PointScheme(Scheme):
    """A scheme of one number λ per point and term; the point's weight is a function of λ.

    After a redraw, every point takes the λ of the nearest point of the last update, by
    nearest-neighbour interpolation in unit coordinates: points that remain keep their λ.  The
    memory holds each term's λ [n] under its name, and the coordinates [n, d] of its points.

    Attributes:
        terms: names of the terms with weighted points; None chooses them.
    """

    every: int = count(10)
    terms: Sequence[str] | None = None

    @abstractmethod
    def initial_lambda(self) -> float:
        """Return the λ of every point before the first update."""

    @abstractmethod
    def update_lambdas(self, lambdas: Array, residuals: Array) -> Array:
        """Return the λ [n] after an update, from the λ before it and the residuals [n]."""

    @abstractmethod
    def weights(self, lambdas: Array) -> Array:
        """Return the weights [n] of the squared residuals."""

    def pointwise_terms(self, terms: Sequence[Term]) -> list[Term]:
        """Return the terms that have one weight per point."""
        if self.terms is None:
            return list(terms)
        return [term for term in terms if term.name in self.terms]

    def check(self, objective: Objective) -> None:
        """Raise an InputError for an unknown term, or where no term is chosen."""
        where = type(self).__name__
        known = [term.name for term in objective.terms]
        for name in self.terms or ():
            if name not in known:
                hint = did_you_mean(name, known)
                raise InputError(f"{where}: terms: no residual {name!r}.{hint}")
        if not self.pointwise_terms(objective.terms):
            raise InputError(
                f"{where}: terms={self.terms}: chooses none of {', '.join(known)}; "
                f"name at least one."
            )

    def initial_memory(self, terms: Sequence[Term], coordinates: UnitCoordinates) -> Memory:
        """Return the same λ for all points."""
        memory = {}
        for term in self.pointwise_terms(terms):
            points = coordinates[term.region]
            memory[term.name] = np.full(len(points), self.initial_lambda())
            memory[_coordinates_key(term)] = points
        return memory

    def fits(self, memory: Memory, fresh: Memory) -> bool:
        """Return whether a memory is one of this scheme's, for any set of points."""
        ranks = {name: np.ndim(value) for name, value in memory.items()}
        fresh_ranks = {name: np.ndim(value) for name, value in fresh.items()}
        return ranks == fresh_ranks

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the λ after an update, at the present points."""
        residuals = snapshot.residuals()
        updated = {}
        for term in self.pointwise_terms(snapshot.terms):
            points = snapshot.unit_coordinates(term.region)
            lambdas = nearest_lambdas(memory, term, points)
            updated[term.name] = self.update_lambdas(lambdas, residuals[term.name])
            updated[_coordinates_key(term)] = points
        return updated

    def point_weights(self, memory: Memory, term: Term, coordinates: Array) -> Array:
        """Return the weights [n] of a pointwise term at unit coordinates [n, d] of its region."""
        return self.weights(nearest_lambdas(memory, term, coordinates))


def nearest_lambdas(memory: Memory, term: Term, coordinates: Array) -> Array:
    """Return a term's λ [n] at unit coordinates [n, d], by nearest-neighbour interpolation."""
    known = memory[_coordinates_key(term)]
    if np.array_equal(known, coordinates):
        return memory[term.name]
    _, indices = KDTree(known).query(coordinates)
    return memory[term.name][indices]


def _coordinates_key(term: Term) -> str:
    """Return the memory's key of the coordinates at which a term's λ are known."""
    return f"at:{term.region}"
