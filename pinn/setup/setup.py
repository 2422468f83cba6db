"""Everything that defines a run: problem, network, phases, points, weights, measurements, seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from pinn.errors import InputError
from pinn.measurements.file import DataFile
from pinn.measurements.synthetic import Synthetic
from pinn.networks import LAST_SEED, Periodic, mlp, side_by_side, symmetric
from pinn.objective import Objective, PointSet, fitted_last_layer, is_shallow
from pinn.optimizers import Adam, SSBroyden
from pinn.problem import Problem
from pinn.settings import Settings, check_count, count
from pinn.setup.points import Points
from pinn.setup.stages import Continuation, Stage, stages
from pinn.training.stopping import StopRule
from pinn.training.trainer import Phase
from pinn.weights import Scheme

Constraints = Literal["auto", "hard", "soft"]


def two_phases(*, explore: int = 1000, polish: int = 5000) -> list[Phase]:
    """Return the standard phases, of so many iterations: Adam explores, self-scaled Broyden polishes."""
    return [
        Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=explore)),
        Phase(
            name="polish",
            optimizer=SSBroyden(),
            stop=StopRule(max_iterations=polish),
            redraw_every=100,
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class Setup(Settings):
    """The definition of a run; equal setups give equal runs, bit by bit, on the same machine.

    Weights are fixed, by residual, unless a scheme has them follow the training; then they are its
    factors. Several `windows` of time are solved one after another, each from the last one's end,
    by the same network with weights of its own; it sees the times of the first.  A `continuation`
    solves the problem for the given values of coefficients first, and from each result the next
    (`phases_of` says by which phases).  The network's last layer is "drawn" with the others, or
    "fitted" at the start to initial conditions and measurements;
    None: fitted where the network is a PirateNet that was not trained yet.

    Raises:
        InputError: for settings that do not fit the problem or each other.
    """

    problem: Problem
    network: keras.Model
    phases: Sequence[Phase] = field(default_factory=two_phases)
    points: Points = field(default_factory=Points)
    weights: Mapping[str, float] = field(default_factory=dict)
    scheme: Scheme | None = None
    constraints: Constraints = "auto"
    derivatives: Literal["auto", "taylor", "nested"] = "auto"
    data: Synthetic | DataFile | PointSet | None = None
    windows: int = 1
    continuation: Continuation = field(default_factory=dict)
    last_layer: Literal["drawn", "fitted"] | None = None
    published: Mapping[str, Any] | None = None
    seed: int = count(0, least=0, most=LAST_SEED)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, weight in self.weights.items():
            if not isinstance(weight, int | float) or not math.isfinite(weight):
                raise InputError(
                    f"weights.{name}={weight!r}; give a finite number (0 leaves the residual out)."
                )
        if not self.phases:
            raise InputError(
                "phases: none; give at least one, such as optimizer@phases.polish=lbfgs."
            )
        first = self.phases[0]
        if self.scheme is not None and not first.optimizer.single_steps:
            raise InputError(
                f"weights.scheme: {self.scheme.label} weights follow single steps, and phases.{first.name} is "
                f"{first.optimizer.label}; begin with adam or soap, or use weights=fixed."
            )
        if len({phase.name for phase in self.phases}) < len(self.phases):
            names = ", ".join(phase.name for phase in self.phases)
            raise InputError(f"phases: {names}; give every phase a name of its own.")
        for phase in self.phases:
            if phase.redraw_every and self.points.method == "grid":
                raise InputError(
                    f"phases.{phase.name}.redraw_every={phase.redraw_every}: a grid is the same at every draw; "
                    f"use points.method=sobol, or redraw_every=null."
                )
        if self.windows != 1 and self.data is not None:
            raise InputError(
                f"windows={self.windows}: measurements do not go with windows of time; use windows=1."
            )
        _ = self.stages
        if self.problem.unknowns and self.data is None:
            names = ", ".join(self.problem.unknowns)
            raise InputError(
                f"unknowns: {names} cannot be found without measurements; give data, as data=synthetic or data=file do."
            )

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return name

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
    def stages(self) -> list[Stage]:
        """The parts of the run, in order; `phases_of` says what each goes through."""
        return stages(self.problem, self.windows, self.continuation)

    def phases_of(self, stage: int) -> Sequence[Phase]:
        """Return what a stage goes through, by its number: all phases, as every window of time does.

        A continuation begins its later values beside their solution, from which the first steps of
        Adam or SOAP, of a size that knows no curvature, would lead away: it leaves such phases out,
        where there are others and no weights that follow them.
        """
        if not stage or not self.continuation or self.scheme is not None:
            return self.phases
        return [phase for phase in self.phases if not phase.optimizer.single_steps] or self.phases

    def measurements(self) -> PointSet | None:
        """Return the measurements, read from their file, or made from the reference where they are synthetic."""
        return (
            self.data.measure(self.problem)
            if isinstance(self.data, Synthetic | DataFile)
            else self.data
        )

    def objective(self, data: PointSet | None, *, later: bool = False) -> Objective:
        """Return the loss of the first stage as a function of one flat vector, or that of the `later` ones.

        In a later window the initial state is no longer the one that the ansatz knows.
        """
        return Objective(
            self.stages[0].problem,
            self.network,
            weights=self.weights,
            hard=self.hard and not (later and self.starts_hard),
            continuation=tuple(self.continuation),
            derivatives=self.derivatives,
            measured=tuple(data.values) if data else (),
        )

    def start(self, objective: Objective, data: PointSet | None) -> tf.Tensor:
        """Return the flat vector [p] to start from: the network's own weights, the last layer fitted where asked for.

        Raises:
            InputError: if the last layer is to be fitted and cannot be.
        """
        wanted = (
            is_shallow(self.network) if self.last_layer is None else self.last_layer == "fitted"
        )
        found = fitted_last_layer(objective, data, seed=self.seed) if wanted else None
        if found is None and self.last_layer == "fitted":
            raise InputError(
                "last_layer=fitted: the loss has no measurements and no initial condition on a field's values, or the "
                "network no linear last layer that jets reach; use last_layer=drawn."
            )
        return objective.flat.flatten() if found is None else found


def default_network(problem: Problem, *, seed: int, **settings: Any) -> keras.Model:
    """Return a perceptron that fits a problem's coordinates and fields; periodic coordinates may go by name.

    Where the problem is periodic and nothing else is said, so is the network; with `symmetric=True`
    it has the problem's mirror symmetries too.  Unknown fields have perceptrons of the same
    settings beside it, each of its own coordinates.
    """
    check_count("seed", seed, least=0, most=LAST_SEED)
    mirrored = settings.pop("symmetric", None)
    if problem.periodic and settings.get("periodic") is None:
        settings["periodic"] = Periodic(coordinates=problem.periodic)
    main = _perceptron(problem, problem.coordinates, len(problem.fields), seed=seed, **settings)
    if mirrored not in (None, False):
        main = _symmetric(problem, main, mirrored, seed)
    if not problem.unknown_fields:
        return main
    networks, seen = {"fields": main}, [problem.coordinates]
    for i, (name, unknown) in enumerate(problem.unknown_fields.items()):
        # Drawn, because the seeds near the run's own are those of other runs.
        own = int(np.random.default_rng((seed, i)).integers(LAST_SEED))
        networks[name] = _perceptron(problem, tuple(unknown.coordinates), 1, seed=own, **settings)
        seen.append(tuple(unknown.coordinates))
    return side_by_side(networks, coordinates=problem.coordinates, seen=seen)


def _symmetric(problem: Problem, network: keras.Model, wanted: Any, seed: int) -> keras.Model:
    """Return a network with a problem's mirror symmetries built in."""
    if wanted is not True:
        raise InputError(f"network.symmetric={wanted!r}; give true or false.")
    if not problem.symmetries:
        raise InputError(
            f"network.symmetric=true: {type(problem).__name__} declares no symmetries; leave it, or declare them, as "
            "in symmetries = (Mirror(('x',), odd=('u',)),)."
        )
    mirrors = [
        (
            [problem.coordinates.index(c) for c in m.coordinates],
            [problem.fields.index(f) for f in m.odd],
        )
        for m in problem.symmetries
    ]
    lower, upper = problem.bounds
    return symmetric(network, mirrors, lower=lower.tolist(), upper=upper.tolist(), seed=seed)


def _perceptron(
    problem: Problem, coordinates: Sequence[str], outputs: int, *, seed: int, **settings: Any
) -> keras.Model:
    """Return a perceptron of some of a problem's coordinates."""
    at = [problem.coordinates.index(c) for c in coordinates]
    if isinstance(settings.get("periodic"), Periodic):
        settings["periodic"] = settings["periodic"].with_indices(problem.coordinates)
        if at != list(range(len(problem.coordinates))):
            settings["periodic"] = settings["periodic"].among(at)
    lower, upper = (bound[at].tolist() for bound in problem.bounds)
    return mlp(lower=lower, upper=upper, outputs=outputs, seed=seed, **settings)
