"""Everything that defines a run: problem, network, phases, points, weights, measurements, seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal, Self

import keras
import tensorflow as tf

from pinn.errors import InputError, did_you_mean
from pinn.geometry import is_data
from pinn.measurements import DataSet, Given, Measurements, Synthetic, checked_sets, read_sets
from pinn.networks import LAST_SEED
from pinn.objective import (
    UNSCALED,
    DataSets,
    Objective,
    PointSet,
    Scales,
    StageParameters,
    find_scales,
    fitted_last_layer,
    is_shallow,
)
from pinn.objective.scales import UNIT
from pinn.problem import Problem
from pinn.problem.modes import check_modes
from pinn.settings import Settings, count
from pinn.setup.network import default_network
from pinn.setup.phases import default_phases
from pinn.setup.points import Points
from pinn.setup.stages import AUTO, Continuation, Stage, Windows, stages, why_one_window
from pinn.training.trainer import Phase
from pinn.uncertainty import HMC
from pinn.weights import Scheme

# Iterations of the last phase; fewer are a trial: no window is expected to be solved, and nobody
# asks for an estimate of the error.
FEWEST = 100

# What the settings of scales belong to, where their names do not say so.
KINDS = {"balances": "complementarity", "rates": "residual with derivatives by time"}

Constraints = Literal["auto", "hard", "soft"]


def setup_of(
    problem: Problem,
    *,
    network: keras.Model | None = None,
    data: Given | None = None,
    windows: Windows = AUTO,
    continuation: Continuation | None = None,
    modes: int = 1,
    seed: int = 0,
    **settings: Any,
) -> Setup:
    """Return the setup of a problem from Python; what is None has its default.

    Args:
        problem: the problem.
        network: None: 3 layers of 20 tanh units.
        data: measurements; a data frame or mapping of arrays becomes a point set, and a mapping of
            sets has their names.
        windows: number of windows of time, or "auto".
        continuation: values that coefficients take before their own.
        modes: number of modes of an eigenvalue problem.
        seed: of everything that is drawn.
        settings: the other attributes of `Setup`.

    Raises:
        InputError: for settings that do not fit.
    """
    if network is None:
        first = stages(problem, windows, continuation)[0].problem
        network = default_network(first, seed=seed)
    given = {name: value for name, value in settings.items() if value is not None}
    return Setup(
        problem=problem,
        network=network,
        data=checked_sets(problem, data),
        windows=windows,
        continuation=continuation or {},
        modes=modes,
        seed=seed,
        **given,
    )


@dataclass(frozen=True, kw_only=True)
class Setup(Settings):
    """The definition of a run; equal setups give equal runs, bit by bit, on the same machine.

    Attributes:
        problem: the problem.
        network: a Keras model from coordinates [n, d] to fields [n, k]. With several windows it
            sees the times of the first; of a parameter with a logarithmic scale it sees the
            logarithm.
        phases: the phases of every stage, in order.
        points: how many points there are, and how they are drawn.
        weights: a fixed weight per residual, by name; 1 for the others. With a scheme, these are
            factors of the scheme's weights.
        scheme: the weighting scheme; None for fixed weights only.
        scales: the typical sizes of fields and residuals: found before training ("auto"), found as
            far as they are not given, or all one ("none").
        constraints: whether an ansatz builds conditions into the solution ("hard") or they are
            terms of the loss ("soft"); "auto": hard where the problem has an ansatz.
        derivatives: the derivative engine; "auto" chooses.
        data: measurements, for inverse problems: one set, or several by name; NaN in a point set
            stands for a value that was not measured.
        windows: number of windows of time. They are solved one after another, each from the end of
            the one before, by the same network with new parameters. "auto": the run tries the whole
            interval, and windows where that fails.
        continuation: by coefficient, the values for which the problem is solved first, each from
            the result of the one before (see `phases_of`).
        modes: number of modes of an eigenvalue problem. They are solved for one after another, each
            orthogonal to those before it.
        last_layer: whether the network's last layer is "drawn" like the others, or "fitted" at the
            start to initial conditions and measurements; None: fitted where the network is a
            PirateNet that has not been trained.
        uncertainty: how the distribution of the solution is found that noise in measurements leaves
            open; None: from the linearized fit.
        published: published results to compare with, as in `conf/experiment/`.
        seed: of all random streams.
        stages: the stages of the run, in order; they follow from windows and continuation.

    Raises:
        InputError: for settings that do not fit the problem or each other.
    """

    problem: Problem
    network: keras.Model
    phases: Sequence[Phase] = field(default_factory=default_phases)
    points: Points = field(default_factory=Points)
    weights: Mapping[str, float] = field(default_factory=dict)
    scheme: Scheme | None = None
    scales: Literal["auto", "none"] | Scales = "auto"
    constraints: Constraints = "auto"
    derivatives: Literal["auto", "taylor", "nested"] = "auto"
    data: DataSet | Mapping[str, DataSet] | None = None
    windows: int | str = "auto"  # a word next to numbers; `stages` checks it
    continuation: Continuation = field(default_factory=dict)
    modes: int = count(1)
    last_layer: Literal["drawn", "fitted"] | None = None
    uncertainty: HMC | None = None
    published: Mapping[str, Any] | None = None
    seed: int = count(0, least=0, most=LAST_SEED)
    stages: Sequence[Stage] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_weights()
        self._check_phases()
        self._check_data()
        self._check_modes()
        if self.uncertainty is not None:
            measured = self.data is not None
            self.uncertainty.check(self.network, len(self.problem.unknowns), measured=measured)
        self._check_scales()
        computed = stages(self.problem, self.windows, self.continuation)
        object.__setattr__(self, "stages", computed)

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return name

    def _check_weights(self) -> None:
        for name, weight in self.weights.items():
            if not isinstance(weight, int | float) or not math.isfinite(weight):
                raise InputError(
                    f"weights.{name}={weight!r}; give a finite number (0 leaves the residual out)."
                )

    def _check_phases(self) -> None:
        if not self.phases:
            raise InputError(
                "phases: none; give at least one, such as optimizer@phases.polish=lbfgs."
            )
        first = self.phases[0]
        if self.scheme is not None and not first.optimizer.single_steps:
            raise InputError(
                f"weights.scheme: {self.scheme.label} weights follow single steps, and "
                f"phases.{first.name} is {first.optimizer.label}; begin with adam or soap, or use "
                "weights=fixed."
            )
        if first.linearized:
            raise InputError(
                f"phases.{first.name}: is linearized about the end of the phase before it, and "
                "there is none; begin with another, such as optimizer@phases.polish=ssbroyden."
            )
        for before, after in pairwise(self.phases):
            if before.linearized and not after.linearized:
                raise InputError(
                    f"phases.{after.name}: follows phases.{before.name}, which is linearized; "
                    "put linearized phases last."
                )
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise InputError(f"phases: {', '.join(names)}; give every phase a name of its own.")
        for phase in self.phases:
            if phase.redraw_every and self.points.method == "grid":
                raise InputError(
                    f"phases.{phase.name}.redraw_every={phase.redraw_every}: a grid is the same at "
                    "every draw; use points.method=sobol, or redraw_every=null."
                )

    def _check_data(self) -> None:
        object.__setattr__(self, "data", checked_sets(self.problem, self.data))
        if self.windows not in (1, AUTO) and self.data is not None:
            raise InputError(
                f"windows={self.windows}: measurements do not go with windows of time; use "
                "windows=1."
            )

    def _check_modes(self) -> None:
        if self.modes == 1:
            return
        if self.data is not None or self.continuation or self.windows not in (1, AUTO):
            raise InputError(
                f"modes={self.modes}: do not go with measurements, windows or a continuation; "
                "leave them out, or use modes=1."
            )
        check_modes(self.problem)
        if type(self.problem).reference is not Problem.reference:
            name = type(self.problem).__name__
            raise InputError(
                f"{name}.reference: is one function, and the modes are several; leave it out, or "
                "use modes=1."
            )
        object.__setattr__(self, "problem", self.problem.bind({"mode_count": self.modes}))

    def _check_scales(self) -> None:
        """Raise an InputError for sizes of what the problem does not have, or a bad middle."""
        if not isinstance(self.scales, Scales):
            return
        for name in self.problem.positive_fields:
            offset, scale = self.scales.fields.get(name, UNIT)
            if offset < 0:
                raise InputError(
                    f"scales.fields.{name}.offset={offset}: {name} is positive; give the geometric "
                    f"middle of its values, such as {scale}."
                )
        residuals: list[str] = []
        pairs: list[str] = []
        changing: list[str] = []
        for term in self.problem.terms:
            residuals.append(term.name)
            if term.kind == "complementarity":
                pairs.append(term.name)
            if self.problem.log_time is not None and term.order_in_time:
                changing.append(term.name)
        known = {
            "fields": self.problem.functions,
            "residuals": residuals,
            "balances": pairs,
            "rates": changing,
            "unknowns": self.problem.unknowns,
        }
        for key, names in known.items():
            for name in getattr(self.scales, key):
                if name not in names and not (key == "residuals" and is_data(name)):
                    hint = did_you_mean(name, names) or " Leave it out."
                    kind = KINDS.get(key, key.removesuffix("s"))
                    raise InputError(f"scales.{key}.{name}: no such {kind}.{hint}")

    @property
    def decisive(self) -> Phase:
        """The last phase that is not linearized."""
        return [phase for phase in self.phases if not phase.linearized][-1]

    @property
    def hard(self) -> bool:
        """Whether the ansatz builds conditions into the trial solution."""
        return self.constraints == "hard" or (
            self.constraints == "auto" and bool(self.problem.satisfied)
        )

    @property
    def starts_hard(self) -> bool:
        """Whether the ansatz builds a condition on the initial state in."""
        return any(
            t.region == "initial" and t.name in self.problem.satisfied for t in self.problem.terms
        )

    @property
    def chooses_windows(self) -> bool:
        """Whether the run chooses its windows of time itself, and the problem allows any.

        It judges them by their losses, which only balanced residuals allow.
        """
        if self.windows != AUTO or self.continuation or self.data is not None:
            return False
        if self.scales == "none":
            return False
        if self.decisive.stop.max_iterations < FEWEST:
            return False
        return not why_one_window(self.problem) and not self.problem.regions

    @property
    def windowed(self) -> bool:
        """Whether there may be several windows of time."""
        return self.chooses_windows or (isinstance(self.windows, int) and self.windows > 1)

    def phases_of(self, stage: int, *, returned: bool = False) -> Sequence[Phase]:
        """Return the phases of a stage, by its number.

        These are all phases, except where a stage starts near a solution: in the later stages of a
        continuation, in windows that the run chooses, where it has `returned` to its first attempt,
        and for modes, which start from a fit.  The first steps of Adam or SOAP, whose size does not
        depend on the curvature, would lead away from it. So these stages leave such phases out,
        provided that others remain and that no weighting scheme needs them.
        """
        near = bool(self.continuation) or self.chooses_windows or self.modes > 1
        first = not stage and not returned and self.modes == 1
        if first or not near or self.scheme is not None:
            return self.phases
        remaining = [phase for phase in self.phases if not phase.optimizer.single_steps]
        return remaining if remaining and not remaining[0].linearized else self.phases

    def measurements(self) -> dict[str, PointSet]:
        """Return the measurements by region: as given, from files, or from the reference."""
        return {region: found.points for region, found in self.read_measurements().items()}

    def read_measurements(self) -> dict[str, Measurements]:
        """Return the measurements by region, with what there is to say about them.

        Raises:
            InputError: for a file that does not fit the problem, and points outside the domain.
        """
        return read_sets(self.problem, self.data)

    @property
    def truths(self) -> dict[str, float | None]:
        """The true value of every unknown, in its own units; None where it is not known.

        That of synthetic measurements is the problem's attribute.  Of others, nobody knows it who
        does not say so.
        """
        sets = self.data.values() if isinstance(self.data, Mapping) else [self.data]
        is_synthetic = all(isinstance(one, Synthetic) for one in sets)
        truths: dict[str, float | None] = {}
        for name, unknown in self.problem.unknowns.items():
            truths[name] = unknown.truth
            if unknown.truth is None and is_synthetic:
                truths[name] = float(getattr(self.problem, name))
        return truths

    @property
    def plain_scales(self) -> dict[str, Any] | None:
        """The scales as plain values; None where they have not been found, or are none."""
        return self.scales.to_plain() if isinstance(self.scales, Scales) else None

    @property
    def known_scales(self) -> Scales:
        """The scales as far as they are given or have been found."""
        return self.scales if isinstance(self.scales, Scales) else UNSCALED

    def coefficients(self, problem: Problem, dtype: str) -> dict[str, tf.Tensor]:
        """Return the values in a stage's problem of the coefficients of the continuation."""
        values = {}
        for name in self.continuation:
            values[name] = tf.constant(getattr(problem, name), dtype)
        return values

    def with_scales(self, data: DataSets | None) -> Self:
        """Return the setup with the scales that are not given found from the problem."""
        if self.scales == "none":
            return self
        given = self.known_scales
        objective = self.objective(data)
        stage = StageParameters(self.coefficients(self.problem, objective.dtype))
        scales = find_scales(objective, data, given=given, stage=stage)
        if self.chooses_windows:
            return replace(self, scales=replace(scales, later=given.later or given))
        if isinstance(self.windows, int) and self.windows > 1 and self.hard and self.starts_hard:
            later = find_scales(self.objective(data, later=True), data, given=given.later)
            scales = replace(scales, later=later)
        return replace(self, scales=scales)

    def objective(self, data: DataSets | None, *, later: bool = False) -> Objective:
        """Return the objective of the first stage, or of the `later` ones.

        In a later window the initial state is no longer the one that the ansatz knows.
        """
        scales = self.known_scales
        if later and scales.later is not None:
            scales = replace(scales.later, balances=scales.later.balances or scales.balances)
        return Objective(
            self.stages[0].problem,
            self.network,
            weights=self.weights,
            hard=self.hard and not (later and self.starts_hard),
            continuation=tuple(self.continuation),
            derivatives=self.derivatives,
            measured={region: tuple(points.values) for region, points in (data or {}).items()},
            scales=scales,
            nodes=self.points.quadrature,
        )

    def start(self, objective: Objective, data: DataSets | None) -> tf.Tensor:
        """Return the parameters [p] to start from, with a fitted last layer on request.

        Raises:
            InputError: if the last layer is to be fitted and cannot be.
        """
        requested = self.last_layer == "fitted"
        theta = None
        if requested or (self.last_layer is None and is_shallow(self.network)):
            theta = fitted_last_layer(objective, data, seed=self.seed)
        if theta is None and requested:
            raise InputError(
                "last_layer=fitted: the loss has no measurements and no initial condition on a "
                "field's values, or the network no linear last layer that jets reach; use "
                "last_layer=drawn."
            )
        return objective.flat.flatten() if theta is None else theta
