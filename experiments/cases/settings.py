"""What several cases document: Gauss–Newton, which goes farther than the default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pinn import GaussNewton, Phase, Points, two_phases


def gauss_newton(*, polish: int, redraw_every: int | None = None) -> list[Phase]:
    """Return 300 iterations of Adam, and Gauss–Newton after them.

    Args:
        polish: iterations of Gauss–Newton.
        redraw_every: iterations after which it gets other points; None: it keeps them.
    """
    first, second = two_phases(explore=300, polish=polish)
    return [first, replace(second, optimizer=GaussNewton(), redraw_every=redraw_every)]


def towards_jumps(*, polish: int = 150, interior: int = 3000) -> dict[str, Any]:
    """Return settings with which Gauss–Newton's points go where the residual is large: to jumps.

    Args:
        polish: iterations of Gauss–Newton.
        interior: points in the interior; a fifth of them on every other region.
    """
    counts = {"interior": interior, "initial": interior // 5, "boundary": interior // 5}
    return {
        "points": Points(adaptive="rad", counts=counts),
        "phases": gauss_newton(polish=polish, redraw_every=10),
        "windows": 1,
    }
