# pyright: strict, reportUnnecessaryIsInstance=false
"""Mirror symmetries of a problem's solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pinn.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Mirror:
    """A symmetry of the solution under a reflection at the middle of the box.

    `Mirror(("x",), odd=("u",))` means u(a + b − x, …) = −u(x, …) for a < x < b.  Several
    coordinates are reflected at once.

    Attributes:
        coordinates: the reflected coordinates.
        odd: the fields that change their sign; the others are even.
    """

    coordinates: tuple[str, ...]
    odd: tuple[str, ...] = ()


def check_symmetries(
    where: str, mirrors: Sequence[Mirror], *, coordinates: Sequence[str], fields: Sequence[str]
) -> None:
    """Raise an InputError for a mirror with an unknown space coordinate or field."""
    for mirror in mirrors:
        is_mirror = isinstance(mirror, Mirror) and not isinstance(mirror.coordinates, str)
        if not is_mirror or not mirror.coordinates:
            raise InputError(
                f"{where}.symmetries: {mirror!r}; give mirrors, such as Mirror(('x',), odd=('u',))."
            )
        _check_names(where, mirror.coordinates, coordinates, "coordinate of space")
        _check_names(where, mirror.odd, fields, "field")


def _check_names(where: str, names: Sequence[str], known: Sequence[str], kind: str) -> None:
    for name in names:
        if name not in known:
            raise InputError(
                f"{where}.symmetries: {name!r} is no {kind}.{did_you_mean(name, known)}"
            )
