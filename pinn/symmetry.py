"""Mirror symmetries of a problem's solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pinn.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Mirror:
    """A symmetry of the solution: some coordinates mirrored at the middle of the box, some fields with another sign.

    `Mirror(("x",), odd=("u",))` says u(a + b − x, …) = −u(x, …) for a < x < b; several coordinates
    are mirrored at once.

    Attributes:
        coordinates: the mirrored coordinates.
        odd: the fields that change their sign; the others stay as they are.
    """

    coordinates: tuple[str, ...]
    odd: tuple[str, ...] = ()


def check_symmetries(
    where: str, mirrors: Sequence[Mirror], *, coordinates: Sequence[str], fields: Sequence[str]
) -> None:
    """Raise an InputError for a mirror of what is no coordinate of space or no field."""
    for mirror in mirrors:
        if (
            not isinstance(mirror, Mirror)
            or isinstance(mirror.coordinates, str)
            or not mirror.coordinates
        ):
            raise InputError(
                f"{where}.symmetries: {mirror!r}; give mirrors, such as Mirror(('x',), odd=('u',))."
            )
        for names, known, what in (
            (mirror.coordinates, coordinates, "coordinate of space"),
            (mirror.odd, fields, "field"),
        ):
            for name in names:
                if name not in known:
                    raise InputError(
                        f"{where}.symmetries: {name!r} is no {what}.{did_you_mean(name, known)}"
                    )
