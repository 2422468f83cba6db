# pyright: strict
"""Jets: truncated Taylor polynomials, the engine of fast derivatives.

A jet holds a value and the partial derivatives that a plan asks for, and no others.  One pass of
jets through a network and an ansatz gives every derivative that the residuals name.  Products
follow Leibniz' rule.  Functions follow Faà di Bruno's formula, a sum over set partitions.

A jet can also hold a linear operator of its value, such as the Laplacian, as one component: the
forward Laplacian of Li et al. (2023), arXiv:2307.08214.  In d dimensions a jet with the Laplacian
has 1 + d + 1 components, and a jet with each second derivative has 1 + 2d.  Any linear operator
works in the same way (collapsed Taylor mode, Dangel et al. 2025, arXiv:2505.13644).
"""

from pinn.combinatorics import Index
from pinn.elementary import MAX_ORDER
from pinn.jets.functions import apply, has_rule
from pinn.jets.jet import Jet, component, compose, coordinates, stack
from pinn.jets.plan import OPERATOR, VALUE, Plan, order

__all__ = [
    "MAX_ORDER",
    "OPERATOR",
    "VALUE",
    "Index",
    "Jet",
    "Plan",
    "apply",
    "component",
    "compose",
    "coordinates",
    "has_rule",
    "order",
    "stack",
]
