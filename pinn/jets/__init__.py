"""Truncated Taylor numbers: a value and exactly the partial derivatives that a plan asks for.

A jet is carried once through a network and an ansatz and arrives with every derivative that the
residuals name.  Products follow Leibniz' rule, functions Faà di Bruno's formula (sum over set
partitions).

The Laplacian is carried as one component of its own, beside the value and the gradient: the forward
Laplacian of Li et al. (2023), arXiv:2307.08214.  In d dimensions that is 1 + d + 1 components, where the
second derivatives one by one are 1 + 2d.  Any linear operator goes the same way (collapsed Taylor
mode, Dangel et al. 2025, arXiv:2505.13644).
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
    "compose",
    "coordinates",
    "has_rule",
    "order",
    "component",
    "stack",
]
