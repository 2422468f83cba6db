"""Settings of a network's parts: embeddings of the coordinates, a factorization of the weights, a trainable slope."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pinn.errors import InputError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class Periodic:
    """Coordinates in which the network is periodic, exactly and to every derivative.

    Each coordinate x is replaced by cos(2πk (x − lower)/P) and sin(2πk (x − lower)/P), k = 1 …
    `harmonics` (Dong & Ni 2021, doi:10.1016/j.jcp.2021.110242).

    Attributes:
        coordinates: their names (where a problem is known) or their indices, from 0.
        harmonics: waves per period, at most.
        period: P in the coordinate's own units: one for all, or one each; None: the box's length.

    Raises:
        InputError: for no coordinate, one named twice, or numbers that are not positive.
    """

    coordinates: Sequence[str | int] = ()
    harmonics: int = 1
    period: float | Sequence[float] | None = None

    def __post_init__(self) -> None:
        where, axes = "network.periodic", self.coordinates
        if isinstance(axes, str) or not axes or len({str(c) for c in axes}) < len(axes):
            raise InputError(
                f"{where}.coordinates={axes!r}; give a list of names, each once, such as [x]."
            )
        check_count(f"{where}.harmonics", self.harmonics)
        periods = self.period if isinstance(self.period, Sequence) else [self.period]
        if isinstance(self.period, Sequence) and len(periods) != len(axes):
            raise InputError(
                f"{where}.period={self.period!r}; give one number, or {len(axes)}, one per coordinate."
            )
        for period in periods:
            if period is not None:
                check_positive(f"{where}.period", period)

    def with_indices(self, names: Sequence[str]) -> Periodic:
        """Return the settings with indices in place of names, for a problem's coordinates.

        Raises:
            InputError: if a name is no coordinate.
        """
        for name in self.coordinates:
            if isinstance(name, str) and name not in names:
                where = f"network.periodic.coordinates={list(self.coordinates)}"
                raise InputError(f"{where}: {name!r} is no coordinate.{did_you_mean(name, names)}")
        axes = [list(names).index(c) if isinstance(c, str) else c for c in self.coordinates]
        return dataclasses.replace(self, coordinates=axes)

    def among(self, axes: Sequence[int]) -> Periodic | None:
        """Return the settings for a network that sees the coordinates of these indices alone; None if none is left."""
        kept = [i for i, axis in enumerate(self.coordinates) if axis in axes]
        if not kept:
            return None
        period = (
            [self.period[i] for i in kept] if isinstance(self.period, Sequence) else self.period
        )
        return dataclasses.replace(
            self,
            coordinates=[list(axes).index(int(self.coordinates[i])) for i in kept],
            period=period,
        )

    def periods(self, lower: Sequence[float], upper: Sequence[float]) -> dict[int, float]:
        """Return the period by the index of its coordinate, for a box.

        Raises:
            InputError: if an index is none of a coordinate.
        """
        count, found = len(lower), {}
        for i, axis in enumerate(self.coordinates):
            if isinstance(axis, bool) or not isinstance(axis, int) or not 0 <= axis < count:
                where = f"network.periodic.coordinates={list(self.coordinates)}"
                raise InputError(
                    f"{where}: {axis!r} is no index of a coordinate; give 0 to {count - 1}."
                )
            period = self.period[i] if isinstance(self.period, Sequence) else self.period
            found[axis] = upper[axis] - lower[axis] if period is None else float(period)
        return found


@dataclass(frozen=True, kw_only=True)
class Fourier:
    """Random Fourier features, a frozen layer: x ↦ cos(πBx), sin(πBx) with B normal, of deviation `sigma`.

    x is scaled to [-1, 1], so that B counts waves across the box, as in Tancik et al. (2020),
    arXiv:2006.10739, where x is scaled to [0, 1] and the angles are 2πBx.

    Attributes:
        count: rows of B; there are twice as many features.
        sigma: the standard deviation of B's numbers, waves across the box.

    Raises:
        InputError: for numbers that are not positive.
    """

    count: int = 64
    sigma: float = 1.0

    def __post_init__(self) -> None:
        check_count("network.fourier.count", self.count)
        check_positive("network.fourier.sigma", self.sigma)


@dataclass(frozen=True, kw_only=True)
class Factorization:
    """Random weight factorization: the weights of every unit are eˢ v, with s and v trainable.

    s is drawn from a normal distribution, and v such that eˢ v is what it would be without
    factorization (Wang et al. 2022, arXiv:2210.01274).

    Attributes:
        mean: the mean of s.
        stddev: its standard deviation.

    Raises:
        InputError: for numbers that are not finite, or a negative deviation.
    """

    mean: float = 1.0
    stddev: float = 0.1

    def __post_init__(self) -> None:
        where = "network.factorization"
        if not _is_number(self.mean):
            raise InputError(f"{where}.mean={self.mean!r}; give a finite number.")
        if not _is_number(self.stddev) or self.stddev < 0:
            raise InputError(f"{where}.stddev={self.stddev!r}; give a number of at least 0.")


@dataclass(frozen=True, kw_only=True)
class Slope:
    """A trainable number a in every activation: φ(n a z), one for each layer.

    From n a = 1 it is the adaptive activation of Jagtap, Kawaguchi & Karniadakis (2020),
    arXiv:1906.01170, one for each layer as in arXiv:1909.12228; from n a = ω with the sine, ω is
    the frequency of Sitzmann et al. (2020), arXiv:2006.09661, made trainable.

    Attributes:
        scale: n; a step of a is n times as long in the slope.
        start: n a at the start.

    Raises:
        InputError: for numbers that are not positive.
    """

    scale: float = 1.0
    start: float = 1.0

    def __post_init__(self) -> None:
        check_positive("network.slope.scale", self.scale)
        check_positive("network.slope.start", self.start)


def check_count(where: str, value: Any) -> None:
    """Raise an InputError for what is no whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{where}={value!r}; give a whole number of at least 1.")


def check_positive(where: str, value: Any) -> None:
    """Raise an InputError for what is no positive, finite number."""
    if not _is_number(value) or value <= 0:
        raise InputError(f"{where}={value!r}; give a positive number.")


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
