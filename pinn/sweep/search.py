"""Searches: runs whose settings Optuna proposes from the results of earlier runs.

A study is a search as Optuna stores it, and a trial is one of its runs.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pinn.errors import InputError, did_you_mean
from pinn.record import Sweep

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

STORAGE = "search.db"
"""The file of a study in the folder of its sweep (SQLite)."""

_LOGARITHMIC = "log"  # the tag of an interval
_FEWEST = 4  # runs that can say how much a setting matters


@dataclass(frozen=True)
class Outcome:
    """How a run of a search ended.

    Attributes:
        state: that of the run; "done" and "pruned" are finished trials.
        value: what the search minimizes; None where the run has no result.
    """

    state: str
    value: float | None = None


def distributions(searched: Iterable[Override]) -> dict[str, BaseDistribution]:
    """Return the distribution of every setting that is searched, by key.

    `interval(a, b)` is continuous, `int(interval(a, b))` an integer, `tag(log, …)` uniform in the
    logarithm, `range(a, b)` the numbers that Hydra sweeps over; anything else is a choice.

    Raises:
        InputError: for an interval that Optuna refuses, such as a logarithmic one from 0.
    """
    found: dict[str, BaseDistribution] = {}
    with optuna_silent():
        for override in searched:
            try:
                found[override.get_key_element()] = _distribution(override)
            except ValueError as error:
                raise InputError(f"{override.input_line}: {error}; correct the interval.") from None
    return found


def _distribution(override: Override) -> BaseDistribution:
    from hydra.core.override_parser.types import IntervalSweep, RangeSweep
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    value: Any = override.value()
    if isinstance(value, IntervalSweep):
        log = _LOGARITHMIC in value.tags
        if isinstance(value.start, int) and isinstance(value.end, int):
            return IntDistribution(value.start, value.end, log=log)
        assert value.start is not None and value.end is not None
        return FloatDistribution(value.start, value.end, log=log)
    if isinstance(value, RangeSweep) and not value.shuffle:
        numbers = list(value.range())
        low, high = min(numbers), max(numbers)
        step = abs(value.step)
        if isinstance(low, int) and isinstance(high, int) and isinstance(step, int):
            return IntDistribution(low, high, step=step)
        return FloatDistribution(low, high, step=step)
    return CategoricalDistribution(list(override.sweep_string_iterator()))


def settings(trial: Trial | FrozenTrial) -> list[str]:
    """Return the settings that a trial proposes, as overrides."""
    return [f"{key}={value}" for key, value in trial.params.items()]


def open_study(
    storage: str, name: str, *, sampler: Any = None, pruner: Mapping[str, Any] | None = None
) -> Study:
    """Return a study, which goes on where it is stored already.

    Args:
        storage: the database, as a URL of SQLAlchemy.
        name: the name of the study in it.
        sampler: a sampler of Optuna; None where nothing is proposed.
        pruner: the settings of a pruner, `_target_` included; None: no run ends early.

    Raises:
        InputError: if Optuna is not installed, or the database cannot be read.
    """
    check_optuna()
    import optuna

    with optuna_silent():
        try:
            return optuna.create_study(
                storage=storage,
                study_name=name,
                sampler=sampler,
                pruner=_made(pruner, "pruner") if pruner else optuna.pruners.NopPruner(),
                load_if_exists=True,
            )
        except InputError:
            raise
        except Exception as error:  # SQLAlchemy's own, of many classes
            reason = " ".join(str(error).split())
            raise InputError(f"hydra.sweeper.storage={storage}: {reason}; correct it.") from None


def sampler_of(values: Mapping[str, Any] | None, trials: int) -> Any:
    """Return the sampler that settings describe.

    A search that goes on draws other numbers than at its beginning, or it would propose its first
    runs again, so the number of trials is added to the seed.
    """
    if not values:
        return None
    seed = values.get("seed")
    return _made(values if seed is None else {**values, "seed": seed + trials}, "sampler")


def _made(values: Mapping[str, Any], kind: str) -> Any:
    """Return the sampler or the pruner that `_target_` and its arguments describe.

    Nothing but Optuna's own is built from a configuration.
    """
    import optuna

    module: Any = {"sampler": optuna.samplers, "pruner": optuna.pruners}[kind]
    where = f"hydra.sweeper.{kind}"
    target = str(values.get("_target_", ""))
    name = target.removeprefix(f"{module.__name__}.")
    if name == target or name not in module.__all__:
        raise InputError(
            f"{where}._target_={target}: no {kind} of Optuna.{did_you_mean(name, module.__all__)}"
        )
    arguments = {key: value for key, value in values.items() if key != "_target_"}
    with optuna_silent():
        try:
            return getattr(module, name)(**arguments)
        except (TypeError, ValueError) as error:
            raise InputError(f"{where}: {error}; correct it.") from None


def ask_again(study: Study) -> int:
    """Have a study propose its unfinished trials again, and return how many are finished.

    They were interrupted, killed or failed.  One whose settings another trial has finished is left.
    """
    from optuna.trial import TrialState

    finished = study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    waiting = study.get_trials(states=(TrialState.WAITING,))
    known = [trial.params for trial in finished]
    known += [trial.system_attrs.get("fixed_params") for trial in waiting]
    for trial in study.get_trials(states=(TrialState.RUNNING, TrialState.FAIL)):
        if trial.state == TrialState.RUNNING:
            study.tell(trial.number, state=TrialState.FAIL)
        if trial.params not in known:
            known.append(trial.params)
            study.enqueue_trial(trial.params)
    return len(finished)


def tell(study: Study, trial: Trial, outcome: Outcome) -> None:
    """Store how the run of a trial ended."""
    from optuna.trial import TrialState

    with optuna_silent():
        if outcome.state == "pruned":
            study.tell(trial, state=TrialState.PRUNED)
        elif outcome.state == "done" and outcome.value is not None:
            study.tell(trial, outcome.value)
        else:
            study.tell(trial, state=TrialState.FAIL)


def trial_of(study: Study, number: int) -> Trial | None:
    """Return the trial of a number while it runs, else None."""
    from optuna.trial import Trial, TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.number == number:
            return Trial(study, trial._trial_id)
    return None


def importances(searched: Sequence[Override], sweep: Sweep) -> dict[str, float]:
    """Return the share of every setting in what sets the best runs apart, largest share first.

    By PED-ANOVA (Watanabe et al. 2023, doi:10.24963/ijcai.2023/488): how much the best tenth of
    the runs differs from all runs, one setting at a time.  None are returned for fewer than
    `_FEWEST` finished runs.

    Args:
        searched: the settings that are searched.
        sweep: the search with its runs.
    """
    check_optuna()
    import optuna

    study = optuna.create_study()
    space = distributions(searched)
    with optuna_silent():
        for run in sweep.runs:
            value = run.merit(sweep.objective)
            if value is not None and math.isfinite(value):
                params = _params(space, run.arguments)
                study.add_trial(
                    optuna.trial.create_trial(params=params, distributions=space, value=value)
                )
        if len(study.trials) < _FEWEST:
            return {}
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key.lstrip("+"): share for key, share in found.items()}


def _params(space: Mapping[str, BaseDistribution], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the values among overrides of what is searched, as Optuna stores them."""
    from optuna.distributions import FloatDistribution, IntDistribution

    params: dict[str, Any] = {}
    for override in overrides:
        key, _, text = override.partition("=")
        distribution = space.get(key)
        if isinstance(distribution, IntDistribution):
            params[key] = int(text)
        elif isinstance(distribution, FloatDistribution):
            params[key] = float(text)
        elif distribution is not None:
            params[key] = text
    return params


def check_optuna() -> None:
    """Raise an InputError if Optuna is not installed."""
    try:
        with optuna_silent():
            import optuna  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"hydra/sweeper=optuna: {error.name} is not installed; pip install 'optuna>=4.5'."
        ) from None


@contextmanager
def optuna_silent() -> Iterator[None]:
    """Leave out what Optuna logs, and its warnings that samplers are experimental."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="optuna")
        warnings.filterwarnings("ignore", message=r".*is experimental")
        try:
            yield
        finally:
            logger.setLevel(level)
