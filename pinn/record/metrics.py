"""The metrics of a run, with types: what `metrics.json` holds.

Every key has a default, so that files of earlier versions, which lack some, can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Record:
    """A dataclass that is read from plain values and written as such."""

    @classmethod
    def from_json(cls, values: Mapping[str, object] | None) -> Self:
        """Return the record that a mapping of plain values describes; null counts as absent."""
        return cls(**cls._known(values))

    @classmethod
    def by_name(cls, values: Mapping[str, Mapping[str, object] | None]) -> dict[str, Self]:
        """Return the records that mappings of plain values describe, by name."""
        return {name: cls.from_json(one) for name, one in values.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def _known(cls, values: Mapping[str, object] | None) -> dict[str, Any]:
        """Return the values of the record's own keys, without those that are None."""
        known: dict[str, Any] = {}
        for f in fields(cls):
            value = (values or {}).get(f.name)
            if value is not None:
                known[f.name] = value
        return known


@dataclass(frozen=True, kw_only=True)
class UnknownMetrics(Record):
    """The result for one unknown coefficient; None where a value is not known.

    Attributes:
        estimate: the estimate, in the coefficient's own units.
        standard_error: the standard error of the estimate, in the same units.
        correlations: the correlation of its estimate with that of every other unknown, by name.
        interval: the values between which it is with a probability of 90 %; empty where that is not
            known.
        truth: the true value, in the same units.
        relative_error: |estimate − truth| / |truth|, dimensionless.
    """

    estimate: float | None = None
    standard_error: float | None = None
    correlations: dict[str, float] = field(default_factory=dict)
    interval: list[float] = field(default_factory=list)
    truth: float | None = None
    relative_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class ModeMetrics(Record):
    """One mode of an eigenvalue problem.

    Attributes:
        unknowns: the eigenvalue and the other unknown coefficients, in their own units, by name.
        heldout_loss: the loss on the held-out points, dimensionless where residuals are balanced.
    """

    unknowns: dict[str, float] = field(default_factory=dict)
    heldout_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class MisfitMetrics(Record):
    """How far a solution is from what one set measured of one field or derivative.

    Attributes:
        count: number of measured values n.
        rms: root mean square of measured minus predicted, in the values' own units.
        chi_squared: χ², the sum of squares of that over the standard deviations; None where these
            are not known.
    """

    count: int = 0
    rms: float | None = None
    chi_squared: float | None = None

    @property
    def reduced(self) -> float | None:
        """χ²/n, about 1 where the solution is right and the standard deviations are too."""
        return None if self.chi_squared is None or not self.count else self.chi_squared / self.count


@dataclass(frozen=True, kw_only=True)
class OpenMetrics(Record):
    """A change of a solution, by as much as its own size, that the residuals hardly see.

    Attributes:
        residual: the rms by which the residuals change, over their typical sizes.
        functions: the relative change, rms, by function.
        unknowns: the relative change by unknown coefficient, with its sign.
    """

    residual: float | None = None
    functions: dict[str, float] = field(default_factory=dict)
    unknowns: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ErrorAt(Record):
    """The errors at one value of a parameter of the problem.

    Attributes:
        value: the parameter's value, in its own units.
        relative_l2: relative L2 error, dimensionless, by field and derived quantity.
    """

    value: float | None = None
    relative_l2: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PhaseMetrics(Record):
    """What one phase did, in one stage where the run has several.

    Attributes:
        name: the name of the phase.
        stage: the name of the stage; "" in a run of one stage.
        optimizer: the display name of the optimizer.
        iterations: number of iterations.
        evaluations: number of evaluations of the loss and its gradient.
        restarts: number of restarts of the optimizer.
        seconds: wall-clock time in seconds, without compilation.
        stop_reason: why the phase ended.
    """

    name: str = ""
    stage: str = ""
    optimizer: str = ""
    iterations: int | None = None
    evaluations: int | None = None
    restarts: int | None = None
    seconds: float | None = None
    stop_reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the metrics as plain values; without a stage, the key is left out."""
        values = super().to_json()
        if not self.stage:
            del values["stage"]
        return values


@dataclass(frozen=True, kw_only=True)
class WeightMetrics(Record):
    """How a weighting scheme ended.

    Attributes:
        scheme: the display name of the scheme.
        frozen_in: names of the phases in which the weights were frozen.
        last: the last weights, by the columns of the history.
    """

    scheme: str = ""
    frozen_in: list[str] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PosteriorMetrics(Record):
    """How good draws of the parameters are.

    Attributes:
        draws: number of draws.
        effective: the number of independent draws that are worth as much.
        acceptance: the mean probability with which a proposal was accepted.
        divergences: number of trajectories along which the energy was not conserved.
    """

    draws: int | None = None
    effective: float | None = None
    acceptance: float | None = None
    divergences: int | None = None


@dataclass(frozen=True, kw_only=True)
class TimeMetrics(Record):
    """Wall-clock times of a run in seconds.

    Attributes:
        compile: time spent on compilation.
        total: time of the whole run, compilation included.
    """

    compile: float | None = None
    total: float | None = None


@dataclass(frozen=True, kw_only=True)
class Metrics(Record):
    """The metrics of a run that has ended or was interrupted.

    Attributes:
        problem: the name of the problem's class.
        finished: whether the run has ended by itself.
        relative_l2: relative L2 error, dimensionless, by field and derived quantity; empty without
            a reference.
        estimated_error: relative L2 error, dimensionless, by field, derived quantity and unknown,
            estimated without a reference; empty where there is no estimate.
        amplification: the largest relative change of a field or an unknown that residuals of one of
            their typical sizes may hide, dimensionless; None where there is no estimate.
        undetermined: what no residual determines, the least determined first.
        verdict: "trusted", "doubtful" or "failed", as the warnings say.
        max_error: largest error by field and derived quantity, in its own units.
        by_parameter: the errors at the values of a parameter's grid, by parameter; empty where the
            problem has none.
        reference_error: the relative L2 error of the reference itself, where it states one.
        published: the published errors, as the configuration holds them.
        scales: the typical sizes of fields and residuals, as the configuration of a run holds them;
            None without.
        units: the units of coordinates, fields and coefficients that are declared, by name.
        warnings: what is doubtful about the problem or its solution, in one line each.
        uncertainty: of the draws of the parameters; None where there are none.
        remaining: the rms of every residual over its typical size, at points that no training used,
            by term; in windows of time the largest.  Empty where there are no typical sizes.
        loss: the training loss at the result.
        heldout_loss: the loss on the held-out points, under the same weights.
        integrals: the integrals that depend on no coordinate, by name, in their own units.
        unknowns: by the name of the unknown; of the last mode where there are several.
        modes: the modes of an eigenvalue problem in the order in which they were found; empty where
            one solution is asked for.
        misfits: by the name of the set of measurements ("data" where there is one), then by what
            was measured.
        phases: one per phase that has begun, over all stages.
        weights: None where the weights are fixed.
        seconds: wall-clock times.
        parameters: number of parameters.
        gauge: Chebyshev coefficients of what is added to a field that has a gauge, by field.
        seed: the seed of the run.
        dtype: "float32" or "float64".
        device: the device that computed the run.
        versions: versions of Python and of packages, by name.
    """

    problem: str | None = None
    finished: bool = False
    relative_l2: dict[str, float] = field(default_factory=dict)
    estimated_error: dict[str, float] = field(default_factory=dict)
    amplification: float | None = None
    undetermined: list[OpenMetrics] = field(default_factory=list)
    verdict: str | None = None
    max_error: dict[str, float] = field(default_factory=dict)
    by_parameter: dict[str, list[ErrorAt]] = field(default_factory=dict)
    reference_error: dict[str, float] = field(default_factory=dict)
    published: Mapping[str, Any] | None = None
    scales: Mapping[str, Any] | None = None
    units: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    uncertainty: PosteriorMetrics | None = None
    remaining: dict[str, float] = field(default_factory=dict)
    loss: float | None = None
    heldout_loss: float | None = None
    integrals: dict[str, float] = field(default_factory=dict)
    unknowns: dict[str, UnknownMetrics] = field(default_factory=dict)
    modes: list[ModeMetrics] = field(default_factory=list)
    misfits: dict[str, dict[str, MisfitMetrics]] = field(default_factory=dict)
    phases: list[PhaseMetrics] = field(default_factory=list)
    weights: WeightMetrics | None = None
    seconds: TimeMetrics = field(default_factory=TimeMetrics)
    parameters: int | None = None
    gauge: dict[str, list[float]] = field(default_factory=dict)
    seed: int | None = None
    dtype: str | None = None
    device: str | None = None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def iterations(self) -> int:
        """Iterations of all phases."""
        return sum(phase.iterations or 0 for phase in self.phases)

    @property
    def evaluations(self) -> int:
        """Evaluations of all phases."""
        return sum(phase.evaluations or 0 for phase in self.phases)

    @property
    def unknown_errors(self) -> dict[str, float | None]:
        """The relative error of every unknown."""
        return {name: unknown.relative_error for name, unknown in self.unknowns.items()}

    @property
    def errors(self) -> dict[str, float | None]:
        """The relative errors, by field, derived quantity and unknown."""
        return {**self.relative_l2, **self.unknown_errors}

    @property
    def truths(self) -> dict[str, float | None]:
        """The true value of every unknown, in its own units."""
        return {name: unknown.truth for name, unknown in self.unknowns.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, object] | None) -> Self:
        """Return the metrics that a mapping of plain values describes; null counts as absent."""
        known = cls._known(values)
        known["unknowns"] = UnknownMetrics.by_name(known.get("unknowns", {}))
        misfits: dict[str, dict[str, MisfitMetrics]] = {}
        for name, measured in known.get("misfits", {}).items():
            misfits[name] = MisfitMetrics.by_name(measured)
        known["misfits"] = misfits
        known["modes"] = [ModeMetrics.from_json(mode) for mode in known.get("modes", ())]
        directions = known.get("undetermined", ())
        known["undetermined"] = [OpenMetrics.from_json(direction) for direction in directions]
        by_parameter: dict[str, list[ErrorAt]] = {}
        for name, errors in known.get("by_parameter", {}).items():
            by_parameter[name] = [ErrorAt.from_json(error) for error in errors]
        known["by_parameter"] = by_parameter
        known["phases"] = [PhaseMetrics.from_json(phase) for phase in known.get("phases", ())]
        known["seconds"] = TimeMetrics.from_json(known.get("seconds"))
        if "uncertainty" in known:
            known["uncertainty"] = PosteriorMetrics.from_json(known["uncertainty"])
        if "weights" in known:
            known["weights"] = WeightMetrics.from_json(known["weights"])
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """Return the metrics as plain values, in the order of `metrics.json`.

        Without parameters of the problem, their key is left out, and so is that of modes.
        """
        values = super().to_json()
        if self.by_parameter:
            by_parameter: dict[str, list[dict[str, Any]]] = {}
            for name, errors in self.by_parameter.items():
                by_parameter[name] = [error.to_json() for error in errors]
            values["by_parameter"] = by_parameter
        else:
            del values["by_parameter"]
        values["undetermined"] = [direction.to_json() for direction in self.undetermined]
        values["modes"] = [mode.to_json() for mode in self.modes]
        if not self.modes:
            del values["modes"]
        values["unknowns"] = {name: unknown.to_json() for name, unknown in self.unknowns.items()}
        values["misfits"] = {
            name: {key: one.to_json() for key, one in measured.items()}
            for name, measured in self.misfits.items()
        }
        values["phases"] = [phase.to_json() for phase in self.phases]
        values["weights"] = None if self.weights is None else self.weights.to_json()
        values["uncertainty"] = None if self.uncertainty is None else self.uncertainty.to_json()
        values["seconds"] = self.seconds.to_json()
        return values
