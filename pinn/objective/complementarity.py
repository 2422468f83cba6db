"""Complementarity: of two expressions that are at least zero, one vanishes at every point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from pinn.problem import Problem, Term


@dataclass(frozen=True)
class Expression(Term):
    """One of the two expressions of a complementarity, in its own units.

    Attributes:
        whole: the complementarity.
        number: 0 for the first expression, 1 for the second.
    """

    whole: Term | None = None
    number: int = 0

    def value(self, problem: Problem, arguments: Sequence[Any]) -> Any:
        """Return the expression for one argument per symbol: tensors or arrays [n]."""
        assert self.whole is not None
        return self.whole.value(problem, arguments)[self.number]


def expressions(term: Term) -> tuple[Term, ...]:
    """Return the two expressions of a complementarity as residuals; any other term as it is."""
    if term.kind != "complementarity":
        return (term,)
    pair = []
    for number in range(2):
        name = f"{term.name}, expression {number + 1}"
        pair.append(
            Expression(name, term.region, term.symbols, term.taken, whole=term, number=number)
        )
    return tuple(pair)


def fischer_burmeister(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Return a + b − √(a² + b²), which is zero where a ≥ 0, b ≥ 0 and a b = 0, and nowhere else.

    Its slopes are finite everywhere; at a = b = 0, where it has a corner, they are 1 here.  It was
    given by A. Fischer (1992), doi:10.1080/02331939208843795.
    """
    # The least normal number changes nothing else; with it the root has a slope at zero.
    least = float(np.finfo(a.dtype.name).tiny)
    return a + b - tf.sqrt(a * a + b * b + least)
