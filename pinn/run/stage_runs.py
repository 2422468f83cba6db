"""The stages of a run: their losses, points and solutions, made from a setup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import tensorflow as tf

from pinn.measurements import Measurements
from pinn.objective import (
    FIRST_STAGE,
    ROWS,
    DataSets,
    Scales,
    StageParameters,
    find_scales,
    mode_start,
)
from pinn.run.errors import Errors, Values
from pinn.run.modes import Found, earlier_modes, symbols_of
from pinn.run.stage_run import EvaluateNames, Programs, StageRun
from pinn.run.windows import Interval, Judge, in_windows, is_useless, next_edge
from pinn.setup.draws import Draws
from pinn.setup.setup import FEWEST, Setup
from pinn.setup.stages import Handover, Stage, handover, window
from pinn.training.phase_run import Callback, Phase
from pinn.training.progress import Progress
from pinn.training.stopping import StopKind
from pinn.weights import Weighting


class StageRuns:
    """The stages of a run in order.

    Every window of time has parameters of its own for one and the same network.  An ansatz that
    builds the initial condition in holds in the first window; in later windows the initial
    condition is the handover, a term of the loss.

    Args:
        setup: the definition of the run.
        found: its measurements, by region.

    Attributes:
        data: the points and values of the measurements, by region.
        tries_windows: whether the run solves the whole interval anew in windows of its choice where
            it fails; they do not help where a field jumps.
    """

    def __init__(self, setup: Setup, found: Mapping[str, Measurements]) -> None:
        self.setup = setup
        self.found = found
        self.tries_windows = setup.chooses_windows
        self.data: DataSets = {region: measured.points for region, measured in found.items()}
        self._first = Programs(setup.objective(self.data))
        self._later = self._first
        if setup.windowed and setup.hard and setup.starts_hard:
            self._later = Programs(setup.objective(self.data, later=True))

    @property
    def units(self) -> dict[str, Mapping[str, str]]:
        """The units that the measurements state, by region."""
        return {region: measured.units for region, measured in self.found.items()}

    def windowed(self, progress: Progress) -> bool:
        """Return whether the stages are windows of time."""
        setup = self.setup
        has_windows = len(setup.stages) > 1 and not setup.continuation and setup.modes == 1
        return bool(progress.edges) or has_windows

    def stage(self, number: int, progress: Progress) -> Stage:
        """Return a stage, by its number from 0; the run may have chosen it."""
        if not progress.edges:
            return self.setup.stages[number]
        problem = self.setup.problem
        assert problem.time is not None
        begin = progress.edges[number - 1] if number else problem.time[0]
        return window(problem, begin, progress.edges[number])

    def programs(self, number: int) -> Programs:
        """Return the loss of a stage."""
        return self._later if number else self._first

    @property
    def last_programs(self) -> Programs:
        """The loss of the last stage, which has every term that an earlier one has."""
        chooses = self.setup.chooses_windows
        return self._later if chooses or len(self.setup.stages) > 1 else self._first

    def scales(self, number: int, progress: Progress) -> Scales:
        """Return the typical sizes of a stage."""
        if number < len(progress.sizes):
            return Scales.from_plain(progress.sizes[number])
        return self.programs(number).objective.scales

    def parameters(self, number: int, progress: Progress) -> StageParameters:
        """Return what travels in the batches of a stage."""
        return self._about_center(self._nonlinear_parameters(number, progress), number, progress)

    def _about_center(
        self, parameters: StageParameters, number: int, progress: Progress
    ) -> StageParameters:
        """Return parameters with the center of a stage, where its networks are linearized."""
        center = progress.centers.get(str(number))
        if center is None:
            return parameters
        dtype = self.programs(number).objective.dtype
        return parameters._replace(center=tf.constant(center, dtype))

    def _nonlinear_parameters(self, number: int, progress: Progress) -> StageParameters:
        """Return what travels in the batches of a stage whose networks are not linearized."""
        stage = self.stage(number, progress)
        objective = self.programs(number).objective
        dtype = objective.dtype
        coefficients = self.setup.coefficients(stage.problem, dtype)
        if self.setup.modes > 1:
            return StageParameters(modes=self._modes_before(number, progress))
        if not self.windowed(progress):
            return StageParameters(coefficients) if coefficients else FIRST_STAGE
        offset = tf.constant(stage.time_offset, dtype)
        if not progress.edges:
            return StageParameters(coefficients, offset)
        fields = {}
        sizes = {}
        if progress.sizes:
            scales = self.scales(number, progress)
            for name in objective.problem.functions:
                fields[name] = tf.constant(scales.fields[name], dtype)
            for term in objective.terms:
                own = objective.scales.of_residual(term.name)
                sizes[term.name] = tf.constant(own / scales.of_residual(term.name), dtype)
        factor = tf.constant(stage.time_factor, dtype)
        return StageParameters(coefficients, offset, factor, fields, sizes)

    def _modes_before(self, number: int, progress: Progress) -> dict[str, tf.Tensor]:
        """Return the modes before a stage, as its batches hold them."""
        programs = self.programs(number)
        names, nodes = symbols_of(programs.objective)
        # A mode by itself depends on no other, but all programs take as many.
        none = StageParameters(modes=earlier_modes(programs.objective, ()))
        found = []
        for earlier in range(number):
            theta = tf.constant(progress.ends[str(earlier)], programs.objective.dtype)
            own = self._about_center(none, earlier, progress)
            found.append(programs.evaluator(names)(theta, nodes, own))
        return earlier_modes(programs.objective, found)

    def _handover(
        self, number: int, progress: Progress, last: EvaluateNames | None = None
    ) -> Handover | None:
        """Return the initial condition of a window; None without windows."""
        if not self.windowed(progress):
            return None
        if last is None and number:
            last = partial(self._evaluate, number - 1, progress)
        return handover(self.stage(number, progress).problem, last)

    def run(self, progress: Progress, last: EvaluateNames | None = None) -> StageRun:
        """Return the stage that a progress has reached.

        Args:
            progress: what the run has done.
            last: what a window continues; None: the solution in the window before.
        """
        setup = self.setup
        number = progress.stage
        stage = self.stage(number, progress)
        programs = self.programs(number)
        objective = programs.objective
        parameters = self.parameters(number, progress)
        windowed = self.windowed(progress)
        points, rows = setup.points, 0
        if parameters.linearized and setup.scheme is None:
            points, rows = points.following(objective), ROWS * objective.flat.size
        draws = Draws(
            points,
            objective,
            self.data,
            seed=setup.seed,
            problem=stage.problem,
            parameters=parameters,
            handover=self._handover(number, progress, last),
            size=programs.residual_size,
            rows=rows,
        )
        weighting = None
        if setup.scheme is not None:
            weighting = Weighting(
                setup.scheme,
                objective,
                problem=stage.problem,
                diagnostics=programs.diagnostics,
                seed=setup.seed,
            )
        # A window's errors are those in its interval, a continuation's those of the problem itself.
        errors = Errors(
            stage.problem if windowed else setup.problem,
            setup.points.test,
            seed=setup.seed,
            truth=setup.problem,
        )
        scales = self.scales(number, progress)
        return StageRun(stage, programs, parameters, scales, draws, weighting, errors)

    def start(self, progress: Progress) -> tf.Tensor:
        """Return the vector [p] that the present stage starts from: the end of the last one."""
        objective = self.programs(progress.stage).objective
        if self.setup.modes > 1:
            return self._mode_start(progress)
        if not progress.returned and not progress.stage:
            return self.setup.start(objective, self.data)
        last = "0" if progress.returned else str(progress.stage - 1)
        return tf.constant(progress.centers.get(last, progress.ends[last]), objective.dtype)

    @property
    def left_out(self) -> dict[str, str]:
        """The reasons for which phases are left out, by phase."""
        objective = self._first.objective
        reasons: dict[str, str] = {}
        for phase in self.setup.phases:
            reason = phase.optimizer.why_left_out(objective.flat.size, objective.dtype)
            if reason is not None:
                reasons[phase.name] = reason
        return reasons

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """Return the phases of the present stage."""
        phases = self.setup.phases_of(progress.stage, returned=progress.returned)
        left_out = self.left_out
        return [phase for phase in phases if phase.name not in left_out]

    def goes_on_linearized(self, progress: Progress, phases: Sequence[Phase]) -> bool:
        """Return whether linearized phases follow those that a stage has been through.

        None follow in a trial, and in a window that is too long to be solved.
        """
        reason = progress.records[-1].stop_reason
        too_long = reason is not None and reason.kind == StopKind.TOO_LONG
        is_trial = self.setup.decisive.stop.max_iterations < FEWEST
        stops = progress.interrupted or too_long or is_trial
        return phases[-1].linearized and not stops

    def linearize(self, progress: Progress, theta: tf.Tensor) -> StageRun:
        """Linearize the networks of the present stage, and return the stage as it is then.

        Args:
            progress: what the run has done; it is updated.
            theta: the vector [p] about which they are linearized.
        """
        progress.linearize(theta.numpy())
        run = self.run(progress)
        progress.points = run.draws.adapt(progress.draw, theta, {})
        return run

    def _mode_start(self, progress: Progress) -> tf.Tensor:
        """Return the vector [p] from which the search for a mode starts.

        It is drawn, as far as it cannot be found from the last layer.
        """
        programs = self.programs(progress.stage)
        batch = self.run(progress).draws.batch(0, {})
        found = mode_start(programs.least_squares, batch, seed=self.setup.seed)
        if found is None:
            return self.setup.start(programs.objective, self.data)
        return found

    def judges(self, progress: Progress) -> list[Callback]:
        """Return the callbacks that end a mode, or a window which the run has chosen."""
        last_phase = self.setup.decisive.name
        if self.setup.modes > 1 and self.setup.scales != "none":
            return [Found(last_phase)]
        if not self.tries_windows or progress.returned:
            return []
        return [Judge(self._interval(progress), last_phase)]

    def go_on(self, run: StageRun, progress: Progress, theta: tf.Tensor) -> bool:
        """Go to the next stage, if there is one, and return whether there is.

        Args:
            run: the stage that has ended.
            progress: what the run has done; it is updated.
            theta: the vector [p] that the stage ended with.
        """
        if not self.tries_windows:
            if progress.stage == len(self.setup.stages) - 1:
                return False
            if not self.setup.continuation:
                progress.note_remaining(self.balanced_losses(run, progress, theta))
            progress.next_stage(theta.numpy())
            return True
        if progress.returned:
            return False
        losses = run.held_out_losses(theta)
        weights = run.objective.weight_by_term
        loss = sum(weights[name] * value for name, value in losses.items())
        attempts = [*progress.attempts, loss]
        interval = self._interval(progress)
        decisive = [r for r in progress.records if r.name == self.setup.decisive.name]
        edge = next_edge(interval, attempts, decisive[-1].stop_reason)
        returns = progress.stage == 0 and is_useless(attempts)
        if edge is None and not returns:
            return False
        progress.attempts = attempts
        if returns or edge is None:
            progress.return_to_first_attempt()
            return True
        if interval.is_whole:
            # To which the run returns where windows are useless.
            progress.ends = {"0": progress.centers.get("0", theta.numpy())}
        if edge > interval.end:
            progress.note_remaining(losses)
            progress.next_stage(theta.numpy())
            progress.edges = [*progress.edges, edge]
        else:
            progress.begin_stage()
            progress.edges = [*progress.edges[: progress.stage], edge]
        self._find_scales(progress)
        return True

    def _interval(self, progress: Progress) -> Interval:
        """Return the present window in the whole interval of time."""
        whole = self.setup.problem.time
        present = self.stage(progress.stage, progress).problem.time
        assert whole is not None
        assert present is not None
        return Interval(*present, *whole)

    def balanced_losses(
        self, run: StageRun, progress: Progress, theta: tf.Tensor
    ) -> dict[str, float]:
        """Return every term's held-out loss over its squared typical size, by name.

        Where residuals are trained as they are, their sizes are found for this alone; none are for
        several modes, which then have no balanced losses.

        Args:
            run: the present stage.
            progress: what the run has done.
            theta: the vector [p].
        """
        losses = run.held_out_losses(theta)
        if self.setup.scales != "none":
            return losses
        if self.setup.modes > 1:
            return {}
        scales = self._found_scales(progress)
        return {name: loss / scales.of_residual(name) ** 2 for name, loss in losses.items()}

    def _found_scales(self, progress: Progress) -> Scales:
        """Return the typical sizes of the present stage, as found from the problem."""
        number = progress.stage
        objective = self.programs(number).objective
        problem = self.stage(number, progress).problem
        return find_scales(
            objective,
            self.data,
            given=self.setup.known_scales.later,
            stage=StageParameters(self.setup.coefficients(problem, objective.dtype)),
            time=problem.time,
            handover=self._handover(number, progress) if number else None,
        )

    def _find_scales(self, progress: Progress) -> None:
        """Find the typical sizes of a window that the run has chosen."""
        found = self._found_scales(progress).to_plain()
        progress.sizes = [*progress.sizes[: progress.stage], found]

    def solution(self, progress: Progress, theta: tf.Tensor) -> EvaluateNames:
        """Return the solution that a run has reached in a stage, over all stages so far.

        In windows, every point is evaluated in the window of its time, an edge in the window that
        ends there; points in windows still to come have the value NaN.

        Args:
            progress: what the run has done.
            theta: the vector [p] in the present stage.
        """
        number = progress.stage
        reached = replace(progress, ends={**progress.ends, str(number): theta.numpy()})
        if not self.windowed(progress):
            return partial(self._evaluate, number, reached)
        return partial(self._evaluate_windows, reached)

    def vectors(self, progress: Progress) -> list[tf.Tensor]:
        """Return the vectors [p] that the stages so far ended with, the present one last."""
        dtype = self._first.objective.dtype
        ends = [progress.ends[str(number)] for number in range(progress.stage)]
        return [*(tf.constant(end, dtype) for end in ends), progress.best]

    def all_errors(self) -> Errors:
        """Return the errors of all stages together."""
        return Errors(self.setup.problem, self.setup.points.test, seed=self.setup.seed)

    def _evaluate(
        self, number: int, progress: Progress, names: Sequence[str], points: np.ndarray
    ) -> Values:
        """Return the values [n] by name of a stage's solution."""
        programs = self.programs(number)
        theta = tf.constant(progress.ends[str(number)], programs.objective.dtype)
        return programs.evaluator(names)(theta, points, self.parameters(number, progress))

    def _evaluate_windows(
        self, progress: Progress, names: Sequence[str], points: np.ndarray
    ) -> Values:
        """Return the values [n] by name of the solution in windows."""

        def ask(number: int, inside: np.ndarray) -> Values:
            if number > progress.stage:
                return {name: np.full(len(inside), np.nan) for name in names}
            return self._evaluate(number, progress, names, inside)

        return in_windows(self.edges(progress), points, ask)

    def edges(self, progress: Progress) -> list[float]:
        """Return where the windows end, except the last one; nothing without windows."""
        if not self.windowed(progress):
            return []
        if progress.edges:
            assert self.setup.problem.time is not None
            return [edge for edge in progress.edges if edge < self.setup.problem.time[1]]
        return [stage.problem.time[1] for stage in self.setup.stages[:-1] if stage.problem.time]
