"""Which derivatives a jet carries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from pinn.combinatorics import Index
from pinn.elementary import MAX_ORDER
from pinn.errors import InputError

VALUE: Index = ()
OPERATOR: Index = ("Σ",)
"""The key of the linear operator that a jet may carry as one component."""


@dataclass(frozen=True)
class Plan:
    """The derivatives to carry: `indices`, closed under leaving coordinates out, lowest order first.

    `operator` names the derivatives whose sum, with coefficients that jets hold, is carried as one
    component: the Laplacian, or the linear operator in an equation such as u_t − ν u_xx.  It needs their
    lower derivatives only.
    """

    indices: tuple[Index, ...] = (VALUE,)
    operator: tuple[Index, ...] = ()

    @staticmethod
    def of(
        wanted: Iterable[Index], *, laplacian: Sequence[str] = (), operator: Sequence[Index] = ()
    ) -> Plan:
        """Return the smallest plan that holds `wanted` and an operator, or the Laplacian over some coordinates."""
        operator = (*operator, *((c, c) for c in laplacian))
        indices: set[Index] = {VALUE}
        for index in [*wanted, *operator]:
            if len(index) > MAX_ORDER:
                raise InputError(
                    f"Plan.of: derivative {''.join(index)!r} has order {len(index)}; at most {MAX_ORDER}."
                )
            for size in range(1, len(index) + (index not in operator or index in wanted)):
                indices.update(tuple(sorted(c)) for c in combinations(index, size))
        return Plan(tuple(sorted(indices, key=lambda i: (len(i), i))), tuple(operator))


def order(plan: Plan) -> int:
    """Return the highest order of differentiation in a plan."""
    return max(len(index) for index in (*plan.indices, *plan.operator))
