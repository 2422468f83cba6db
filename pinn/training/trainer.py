"""The loop of a run: phase after phase, each from where the last one ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

import tensorflow as tf

from pinn.optimizers.interface import BoundOptimizer, Minimization
from pinn.training.feed import BatchT, Feed
from pinn.training.interrupt import Interrupt
from pinn.training.phase_run import Callback, Phase, PhaseRun, Report, Save
from pinn.training.progress import Progress

__all__ = ["Callback", "Phase", "Report", "Trainer"]


class Trainer(Generic[BatchT]):
    """Runs phases of optimizers over one function of a vector, which is compiled once per phase.

    Args:
        minimization: what is known of the function.
    """

    def __init__(self, minimization: Minimization[BatchT]) -> None:
        self.minimization = minimization
        self._bound: dict[str, BoundOptimizer[Any, BatchT]] = {}  # compiled, by phase

    def run(
        self,
        position: tf.Tensor,
        phases: Sequence[Phase],
        feed: Feed[BatchT],
        progress: Progress | None = None,
        *,
        callbacks: Sequence[Callback] = (),
        save: Save | None = None,
    ) -> tf.Tensor:
        """Run phases and return the best position [p] of the last one.

        Ctrl-C, SIGTERM and SIGHUP end the run within seconds, with everything saved; a second one
        ends it at once.

        Args:
            position: where the first phase starts [p].
            phases: what to run, in order.
            feed: where the batches come from.
            progress: what the run has done, from which it continues; it is updated.
            callbacks: called after every chunk of iterations.
            save: called with the progress when it is worth saving.

        Raises:
            InputError: where an optimizer cannot work on this number of parameters, or the loss is
                not finite at the start.
        """
        for phase in phases:
            phase.optimizer.validate(int(position.shape[0] or 0), position.dtype.name)
        progress = Progress() if progress is None else progress
        with Interrupt() as interrupt:
            while True:
                present = progress.records[-1] if progress.records else None
                finished = present is None or (
                    present.stop_reason is not None and not present.interrupted
                )
                if finished:
                    if len(progress.records) == len(phases):
                        break
                    if progress.state is not None:
                        position = progress.best
                    phase = phases[len(progress.records)]
                    progress.begin_phase(phase.name, phase.optimizer.label)
                progress.records[-1].stop_reason = None
                phase = phases[progress.phase]
                run = PhaseRun(
                    phase,
                    self._bind(phase),
                    feed,
                    progress,
                    callbacks=callbacks,
                    save=save or _discard,
                    interrupt=interrupt,
                )
                run.run(position)
                if progress.interrupted:
                    break
        return progress.best

    def _bind(self, phase: Phase) -> BoundOptimizer[Any, BatchT]:
        """Return the optimizer of a phase, bound to the function."""
        if phase.name not in self._bound:
            self._bound[phase.name] = phase.optimizer.bind(self.minimization)
        return self._bound[phase.name]


def _discard(progress: Progress) -> None:
    """Save nothing."""
