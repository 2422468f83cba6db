"""The phases that a run has where nothing else is said."""

from __future__ import annotations

from pinn.optimizers import Adam, GaussNewtonSVD, SSBroyden
from pinn.training.stopping import StopRule
from pinn.training.trainer import Phase


def two_phases(*, explore: int = 1000, polish: int = 4000) -> list[Phase]:
    """Return the standard phases: Adam explores, self-scaled Broyden polishes.

    Args:
        explore: iterations of the first phase.
        polish: iterations of the second phase, which draws new points every 100 iterations.
    """
    first = Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=explore))
    second = Phase(
        name="polish",
        optimizer=SSBroyden(),
        stop=StopRule(max_iterations=polish),
        redraw_every=100,
    )
    return [first, second]


def correction(*, steps: int = 10) -> Phase:
    """Return the phase that corrects the solution of the phases before it.

    Args:
        steps: of Gauss–Newton, at most, each on new points.
    """
    return Phase(
        name="correct",
        optimizer=GaussNewtonSVD(),
        stop=StopRule(max_iterations=steps, max_restarts=0),
        report_every=1,
        redraw_every=1,
        linearized=True,
    )


def default_phases() -> list[Phase]:
    """Return the standard phases and their correction."""
    return [*two_phases(), correction()]
