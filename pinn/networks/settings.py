"""Options of a network: periodicity, Fourier features, weight factorization, trainable slopes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pinn.errors import InputError, did_you_mean
from pinn.settings import (
    Settings,
    at_least,
    between,
    check_count,
    check_positive,
    count,
    finite,
    positive,
)


class _Options(Settings):
    """A group of settings of a network; messages name it as the configuration does."""

    group: ClassVar[str]

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"network.{self.group}.{name}"


@dataclass(frozen=True, kw_only=True)
class Periodic(_Options):
    """Coordinates in which the network and all its derivatives are exactly periodic.

    Each coordinate x is replaced by cos(2πk (x − lower)/P) and sin(2πk (x − lower)/P), k = 1 …
    `harmonics` (Dong & Ni 2021, doi:10.1016/j.jcp.2021.110242).

    Attributes:
        coordinates: their names (where a problem is known) or their indices, from 0.
        harmonics: the largest number of waves per period.
        period: P in the coordinate's own units, one for all coordinates or one for each; None: the
            length of the box.

    Raises:
        InputError: for no coordinate, one named twice, or numbers that are not positive.
    """

    group: ClassVar[str] = "periodic"
    coordinates: Sequence[str | int] = ()
    harmonics: int = count(1)
    period: float | Sequence[float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        axes = self.coordinates
        if isinstance(axes, str) or not axes or len({str(axis) for axis in axes}) < len(axes):
            raise InputError(
                f"{self.setting('coordinates')}={axes!r}; give a list of names, each once, "
                f"such as [x]."
            )
        if isinstance(self.period, Sequence) and len(self.period) != len(axes):
            raise InputError(
                f"{self.setting('period')}={self.period!r}; give one number, or {len(axes)}, "
                f"one per coordinate."
            )
        for i in range(len(axes)):
            period = self._period(i)
            if period is not None:
                check_positive(self.setting("period"), period)

    def with_indices(self, names: Sequence[str]) -> Periodic:
        """Return the settings with indices instead of names, for a problem's coordinates.

        Raises:
            InputError: if a name is no coordinate.
        """
        where = f"{self.setting('coordinates')}={list(self.coordinates)}"
        axes = []
        for coordinate in self.coordinates:
            axes.append(_index(where, coordinate, names))
        return dataclasses.replace(self, coordinates=axes)

    def restricted_to(self, axes: Sequence[int]) -> Periodic | None:
        """Return the settings for a network of some coordinates; None if none is periodic."""
        coordinates = []
        periods = []
        for i, axis in enumerate(self.coordinates):
            if axis in axes:
                coordinates.append(list(axes).index(int(axis)))
                periods.append(self._period(i))
        if not coordinates:
            return None
        period = periods if isinstance(self.period, Sequence) else self.period
        return dataclasses.replace(self, coordinates=coordinates, period=period)

    def periods(self, lower: Sequence[float], upper: Sequence[float]) -> dict[int, float]:
        """Return the period of every periodic coordinate in a box, by the coordinate's index.

        Raises:
            InputError: if an index belongs to no coordinate.
        """
        dimension = len(lower)
        where = f"{self.setting('coordinates')}={list(self.coordinates)}"
        periods = {}
        for i, axis in enumerate(self.coordinates):
            axis = _checked_index(where, axis, dimension)
            period = self._period(i)
            periods[axis] = upper[axis] - lower[axis] if period is None else float(period)
        return periods

    def _period(self, number: int) -> float | None:
        """Return the period that is set for the `number`-th periodic coordinate."""
        if isinstance(self.period, Sequence):
            return self.period[number]
        return self.period


@dataclass(frozen=True, kw_only=True)
class Subdomains(_Options):
    """Parts of the box, each with a small network of its own, which are joined smoothly.

    For solutions with many waves or over long times: finite-basis PINNs (Moseley, Markham &
    Nissen-Meyer 2023, doi:10.1007/s10444-023-10065-9).

    Attributes:
        counts: number of equal parts by coordinate: by name (where a problem is known) or by index,
            from 0.
        overlap: where neighbors share points by more than 1 to 9, in lengths of a part.

    Raises:
        InputError: for no coordinate, counts that are no positive whole numbers, and an overlap
            that is not between 0 and 1.
    """

    group: ClassVar[str] = "subdomains"
    counts: Mapping[str | int, int] = dataclasses.field(default_factory=dict)
    overlap: float = between(0, 1, 0.5, closed="right")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.counts, Mapping) or not self.counts:
            raise InputError(
                f"{self.setting('counts')}={self.counts!r}; give the number of parts by "
                "coordinate, as in {t: 8}."
            )
        for name, number in self.counts.items():
            check_count(f"{self.setting('counts')}.{name}", number)

    def by_index(self, names: Sequence[str], axes: Sequence[int]) -> Subdomains | None:
        """Return the settings for a network of some of a problem's coordinates; None without parts.

        Args:
            names: names of all coordinates.
            axes: indices of those that the network takes.

        Raises:
            InputError: if a name is no coordinate.
        """
        counts: dict[str | int, int] = {}
        for name, number in self.counts.items():
            axis = _index(self.setting("counts"), name, names)
            if axis in axes:
                counts[list(axes).index(axis)] = number
        return dataclasses.replace(self, counts=counts) if counts else None

    def parts(self, dimension: int) -> dict[int, int]:
        """Return the number of parts by index of the coordinate, of so many coordinates.

        Raises:
            InputError: if an index belongs to no coordinate.
        """
        parts: dict[int, int] = {}
        for axis, number in self.counts.items():
            parts[_checked_index(self.setting("counts"), axis, dimension)] = number
        return parts


@dataclass(frozen=True, kw_only=True)
class Fourier(_Options):
    """Random Fourier features, a frozen layer: x ↦ cos(πBx), sin(πBx) with a normal B.

    x is scaled to [-1, 1], so that the entries of B are numbers of waves across the box.  Tancik et
    al. (2020), arXiv:2006.10739, scale x to [0, 1] and use the angles 2πBx.

    Attributes:
        count: number of rows of B; there are twice as many features.
        sigma: standard deviation of the entries of B, in waves across the box.

    Raises:
        InputError: for numbers that are not positive.
    """

    group: ClassVar[str] = "fourier"
    count: int = count(64)
    sigma: float = positive(1.0)


@dataclass(frozen=True, kw_only=True)
class Factorization(_Options):
    """Random weight factorization: every unit's column of the kernel is eˢ v, s and v trainable.

    s is drawn from a normal distribution, and v is chosen such that eˢ v is the kernel without
    factorization (Wang et al. 2022, arXiv:2210.01274).

    Attributes:
        mean: mean of s.
        stddev: standard deviation of s.

    Raises:
        InputError: for numbers that are not finite, or a negative deviation.
    """

    group: ClassVar[str] = "factorization"
    mean: float = finite(1.0)
    stddev: float = at_least(0, 0.1)


@dataclass(frozen=True, kw_only=True)
class Slope(_Options):
    """A trainable number a in every activation: φ(n a z), one per layer.

    With n a = 1 at the start it is the adaptive activation of Jagtap, Kawaguchi & Karniadakis
    (2020), arXiv:1906.01170, with one slope per layer as in arXiv:1909.12228.  With the sine and
    n a = ω at the start it makes the frequency ω of Sitzmann et al. (2020), arXiv:2006.09661,
    trainable.

    Attributes:
        scale: n; a step of a changes the slope n times as much.
        start: n a at the start.

    Raises:
        InputError: for numbers that are not positive.
    """

    group: ClassVar[str] = "slope"
    scale: float = positive(1.0)
    start: float = positive(1.0)


def _index(where: str, coordinate: str | int, names: Sequence[str]) -> int:
    """Return the index of a coordinate that is given by name or by index.

    Raises:
        InputError: if a name is no coordinate.
    """
    if not isinstance(coordinate, str):
        return coordinate
    if coordinate not in names:
        hint = did_you_mean(coordinate, names)
        raise InputError(f"{where}: {coordinate!r} is no coordinate.{hint}")
    return list(names).index(coordinate)


def _checked_index(where: str, axis: object, dimension: int) -> int:
    """Return an index of one of so many coordinates.

    Raises:
        InputError: for what is no such index.
    """
    if isinstance(axis, bool) or not isinstance(axis, int) or not 0 <= axis < dimension:
        raise InputError(
            f"{where}: {axis!r} is no index of a coordinate; give 0 to {dimension - 1}."
        )
    return axis
