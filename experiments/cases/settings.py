"""The phases that several cases document: Gauss–Newton, which goes farther than the default."""

from __future__ import annotations

from dataclasses import replace

from pinn import GaussNewton, Phase, two_phases


def gauss_newton(*, polish: int, redraw_every: int | None = None) -> list[Phase]:
    """Return 300 iterations of Adam, and Gauss–Newton after them.

    Args:
        polish: iterations of Gauss–Newton.
        redraw_every: iterations after which it gets other points; None: it keeps them.
    """
    first, second = two_phases(explore=300, polish=polish)
    return [first, replace(second, optimizer=GaussNewton(), redraw_every=redraw_every)]
