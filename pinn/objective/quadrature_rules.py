"""Quadrature rules: the nodes and weights of an integral over a region, or along coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from pinn.arrays import Array, BoolArray
from pinn.problem import Integral, Patch, Problem, patches, share_of
from pinn.sampling import rejection_sample, unit_cube

NODES = 20  # of the Gauss-Legendre rule, per coordinate
SAMPLE = 4  # points of a sample per node that a product rule in the plane would have
LARGEST_PRODUCT = 2  # dimensions of a product of Gauss-Legendre rules, at most


class Rule(NamedTuple):
    """The nodes and weights of an integral, Q of them.

    Attributes:
        nodes: the values [Q] of the coordinates that run or are fixed, by name.
        shares: where a limit is the point's own coordinate: the places [Q] of the nodes between the
            limits, 0 at the lower and 1 at the upper one.  Their weights are then those of [0, 1].
        normals: the components [Q] of the outward normal by space coordinate; empty away from the
            boundary.
        weights: the weights [Q], whose sum is the measure of what is integrated over.
    """

    nodes: Mapping[str, Array]
    shares: Array | None
    normals: Mapping[str, Array]
    weights: Array

    @property
    def size(self) -> int:
        """The number of nodes."""
        return len(self.weights)


def rule_of(problem: Problem, integral: Integral, nodes: int = NODES) -> Rule:
    """Return the quadrature rule of an integral.

    In up to two dimensions it is a product of Gauss-Legendre rules on the unit cube, mapped to the
    region.  In more dimensions, and where the region is a part of what the unit cube is mapped to,
    it is a scrambled Sobol sequence.

    Args:
        problem: the problem.
        integral: one of its integrals.
        nodes: number of Gauss-Legendre nodes per coordinate, twice as many where the integral is
            a number, which is evaluated once for many points; a sample has 4 times the square,
            rounded up to a power of two.
    """
    pieces: list[Patch | None] = [None]
    if integral.region:
        region = "interior" if integral.region == "initial" else integral.region
        pieces = [*patches(problem.in_space, region)]
    rules = [_of_piece(problem, integral, piece, nodes) for piece in pieces]
    if len(rules) == 1:
        return rules[0]
    joined = {c: np.concatenate([r.nodes[c] for r in rules]) for c in rules[0].nodes}
    normals = {c: np.concatenate([r.normals[c] for r in rules]) for c in rules[0].normals}
    weights = np.concatenate([r.weights for r in rules])
    shares = [r.shares for r in rules if r.shares is not None]
    return Rule(joined, np.concatenate(shares) if shares else None, normals, weights)


def _of_piece(problem: Problem, integral: Integral, piece: Patch | None, nodes: int) -> Rule:
    """Return the rule of a piece of the region and of the coordinates that run."""
    in_space = piece.dimension if piece else 0
    dimension = in_space + len(integral.running)
    is_whole = piece is None or (piece.is_mapped and share_of(piece) == 1)
    if is_whole and dimension <= LARGEST_PRODUCT:
        unit, weights = _product_rule((1 + integral.is_number) * nodes, dimension)
    else:
        unit, weights = _sample(SAMPLE * nodes**2, dimension, piece)
    columns: dict[str, Array] = {}
    normals: dict[str, Array] = {}
    if piece is not None:
        space = problem.space.coordinates
        points, directions = piece.place(unit[:, :in_space])
        columns |= zip(space, points.T, strict=True)
        if directions is not None:
            normals |= zip(space, directions.T, strict=True)
        weights = weights * piece.measure()
    shares = None
    for c, share in zip(integral.running, unit[:, in_space:].T, strict=True):
        lower, upper = integral.limits or problem.ranges[c]
        if isinstance(lower, str) or isinstance(upper, str):
            shares = share
        else:
            columns[c] = lower + share * (upper - lower)
            weights = weights * (upper - lower)
    for c, value in integral.fixed.items():
        columns[c] = np.full(len(weights), value)
    return Rule(columns, shares, normals, weights)


def _product_rule(nodes: int, dimension: int) -> tuple[Array, Array]:
    """Return nodes [Q, dimension] and weights [Q] of the unit cube; one node in no dimension."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    grid = np.meshgrid(*[(places + 1) / 2] * dimension, indexing="ij")
    unit = np.stack([axis.ravel() for axis in grid], 1) if dimension else np.zeros((1, 0))
    factors = [weights / 2] * dimension
    *_, product = accumulate(factors, partial(np.multiply.outer), initial=np.ones(()))
    return unit, product.ravel()


def _sample(least: int, dimension: int, piece: Patch | None) -> tuple[Array, Array]:
    """Return a sample [Q, dimension] of the unit cube that a piece accepts, and weights 1/Q [Q]."""
    count = 1 << (least - 1).bit_length()
    if piece is None:
        unit = unit_cube(count, dimension)
    else:
        in_space = piece.dimension

        def accepts(rows: Array) -> BoolArray:
            return piece.accepts(piece.place(rows[:, :in_space])[0])

        unit = rejection_sample(count, dimension, accepts)
    return unit, np.full(len(unit), 1 / len(unit))
