# pyright: strict
"""The derivatives that a jet holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from pinn.combinatorics import Index, order_then_name
from pinn.elementary import MAX_ORDER
from pinn.errors import InputError

VALUE: Index = ()
OPERATOR: Index = ("Σ",)
"""The key of the linear operator that a jet may hold as one component."""


@dataclass(frozen=True)
class Plan:
    """The derivatives that a jet holds.

    Attributes:
        indices: the partial derivatives, lowest order first.  With a derivative they hold all lower
            ones that arise by dropping coordinates, e.g. u_x with u_xx, since products need them.
        operator: the derivatives in a linear operator, which is one component of the jet: the
            Laplacian, or u_t − ν u_xx.  Their coefficients are in the jet.  A plan with an operator
            holds the lower derivatives of these derivatives, but not the derivatives themselves.
    """

    indices: tuple[Index, ...] = (VALUE,)
    operator: tuple[Index, ...] = ()

    @staticmethod
    def of(
        wanted: Iterable[Index], *, laplacian: Sequence[str] = (), operator: Sequence[Index] = ()
    ) -> Plan:
        """Return the smallest plan that holds the derivatives `wanted` and an operator.

        `laplacian` names the coordinates of a Laplacian, which is added to the operator.

        Raises:
            InputError: for a derivative of too high an order.
        """
        wanted = list(wanted)
        operator = (*operator, *((c, c) for c in laplacian))
        indices: set[Index] = {VALUE}
        for index in [*wanted, *operator]:
            if len(index) > MAX_ORDER:
                raise InputError(
                    f"Plan.of: derivative {''.join(index)!r} has order {len(index)}; "
                    f"at most {MAX_ORDER}."
                )
            # A derivative of the operator alone is not a component; its lower derivatives are.
            is_component = index in wanted or index not in operator
            highest = len(index) if is_component else len(index) - 1
            for size in range(1, highest + 1):
                for lower in combinations(index, size):
                    indices.add(tuple(sorted(lower)))
        return Plan(tuple(sorted(indices, key=order_then_name)), tuple(operator))


def order(plan: Plan) -> int:
    """Return the highest order of differentiation in a plan."""
    return max(len(index) for index in (*plan.indices, *plan.operator))
