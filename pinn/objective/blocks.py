"""Point sets cut into blocks for the compiled programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pinn.arrays import static_shape
from pinn.objective.point_sets import PointSet

FEWEST_PER_THREAD = 32  # points; a thread for fewer costs more than it saves


class Blocks(NamedTuple):
    """A point set cut into `T` threads × `K` blocks × `n` points.

    The features come before the points, so that a coordinate or field is one contiguous row.
    Padded places repeat points and have quadrature weight zero.
    """

    coordinates: tf.Tensor  # [T, K, d, n]
    normals: tf.Tensor  # [T, K, ds, n], ds = 0 without normals
    values: dict[str, tf.Tensor]  # [T, K, n]: measurements by field, or handed-over residuals
    quadrature: tf.Tensor  # [T, K, n], summing to 1
    point_weights: Mapping[str, tf.Tensor] = {}  # [T, K, n] by term; 1 for other terms
    # [T, K, n] by measured name that has gaps: 0 where it was not measured, else √(n / number
    # measured), so that the mean square over all points is that over the measured ones.
    measured: Mapping[str, tf.Tensor] = {}
    # [T, K, n] by measured name that has standard deviations σ: 0 where it was not measured, else
    # √(n / N) / σ, so that the mean square of a misfit is its χ² over all N values that have one.
    inverse_sigmas: Mapping[str, tf.Tensor] = {}
    materials: Mapping[str, tf.Tensor] = {}  # [T, K, n] by material: 1 in it, 0 elsewhere
    # The second side of a region with two: its coordinates, normals and materials.
    opposite: Mapping[str, Any] = {}

    @property
    def is_point(self) -> np.ndarray:
        """Whether each place [T K n] holds a point, and not padding."""
        return np.asarray(self.quadrature).ravel() > 0

    @property
    def rows(self) -> np.ndarray:
        """The coordinates of the points [n, d], in the order of the point set."""
        coordinates = np.asarray(self.coordinates)
        rows = coordinates.transpose(0, 1, 3, 2).reshape(-1, coordinates.shape[2])
        return rows[self.is_point]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Threads, blocks per thread, and points per block."""
        threads, depth, width = static_shape(self.quadrature)
        return threads, depth, width

    def arrange(self, values: np.ndarray) -> tf.Tensor:
        """Return one value per point [n], in the order of the point set, as blocks [T, K, n]."""
        # Repeated, as the padding repeats points.
        return tf.constant(np.resize(values, self.shape), self.quadrature.dtype)


def cut_into_blocks(
    points: PointSet,
    *,
    threads: int,
    size: int,
    dtype: str,
    capacity: int = 0,
    weighed: int | None = None,
) -> Blocks:
    """Return a point set cut into blocks of about `size` points for parallel programs.

    Args:
        points: the point set.
        threads: number of programs that run in parallel, at most.
        size: number of points per block, about.
        dtype: of the tensors.
        capacity: number of points for which the blocks have places, at least; a point set that
            grows up to it keeps its shapes.
        weighed: number N of measured values that have a standard deviation, over all sets of
            measurements; None: those of this set.
    """
    count = len(points.coordinates)
    capacity = max(capacity, count)
    threads = max(1, min(threads, capacity // FEWEST_PER_THREAD))
    depth = -(-capacity // (threads * size))
    width = -(-capacity // (threads * depth))
    places = np.arange(threads * depth * width)
    # Padding repeats points, so that it meets no singularity that the points do not meet.
    chosen = places % count
    quadrature = np.where(places < count, points.quadrature[chosen], 0.0)

    def rows(array: np.ndarray) -> tf.Tensor:
        shaped = array[chosen].reshape(threads, depth, width, -1)
        return tf.constant(np.ascontiguousarray(shaped.transpose(0, 1, 3, 2)), dtype)

    def flat(array: np.ndarray) -> tf.Tensor:
        return tf.constant(array.reshape(threads, depth, width), dtype)

    def side(points: PointSet) -> dict[str, Any]:
        normals = np.zeros((count, 0)) if points.normals is None else points.normals
        masks = {name: flat(mask[chosen].astype(float)) for name, mask in points.materials.items()}
        coordinates = rows(points.coordinates)
        return {"coordinates": coordinates, "normals": rows(normals), "materials": masks}

    values = {}
    measured = {}
    inverse_sigmas = {}
    for name, value in points.values.items():
        known = ~np.isnan(value)
        values[name] = flat(np.where(known, value, 0.0)[chosen])
        if not known.all():
            factor = np.sqrt(count / max(1, np.count_nonzero(known)))
            measured[name] = flat((factor * known)[chosen])
        if name in points.sigmas:
            sigmas = np.where(known, points.sigmas[name], np.inf)
            inverse = math.sqrt(count / (weighed or points.weighed)) / sigmas
            inverse_sigmas[name] = flat(inverse[chosen])
    opposite = {} if points.opposite is None else side(points.opposite)
    return Blocks(
        **side(points),
        values=values,
        quadrature=flat(quadrature),
        measured=measured,
        inverse_sigmas=inverse_sigmas,
        opposite=opposite,
    )
