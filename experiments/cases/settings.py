"""The phases that several cases document: Gauss–Newton, which goes farther than the default."""

from __future__ import annotations

from pinn import Adam, GaussNewton, Phase, StopRule


def gauss_newton(*, polish: int, redraw_every: int | None = None) -> list[Phase]:
    """Return 300 iterations of Adam, and Gauss–Newton after them.

    Args:
        polish: iterations of Gauss–Newton.
        redraw_every: iterations after which it gets other points; None: it keeps them.
    """
    first = Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=300))
    second = Phase(
        name="polish",
        optimizer=GaussNewton(),
        stop=StopRule(max_iterations=polish),
        redraw_every=redraw_every,
    )
    return [first, second]
