"""The sweeper of Hydra by which Optuna proposes the settings of runs (hydra/sweeper=optuna).

Its settings are those of hydra-optuna-sweeper, which takes no recent Optuna.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf

from pinn.cli.overrides import parsed, texts
from pinn.errors import InputError
from pinn.record import Sweep, SweepFolder, SweepRun
from pinn.sweep.early_end import EarlyEnd
from pinn.sweep.process import Ending
from pinn.sweep.search import (
    STORAGE,
    Outcome,
    ask_again,
    distributions,
    open_study,
    sampler_of,
    settings,
    tell,
    trial_of,
)

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction

NAME = "hydra_plugins.pinn.Search"
"""By which Hydra's configuration calls the sweeper: Hydra takes no plugin of another package."""


class Search(Sweeper):
    """Has every run's settings proposed from the results of earlier runs.

    Args:
        n_trials: the number of runs.
        n_jobs: how many of them the launcher gets at a time.
        sampler: the settings of a sampler of Optuna, `_target_` included.
        pruner: those of a pruner; None: no run ends early.
        storage: the database of the study, as a URL; None: a file in the folder of the sweep.
        study_name: its name there; None: that of the folder.
        params: the settings that are searched, as in {network.width: "range(10, 60)"}; those of the
            command line come before them.
    """

    def __init__(
        self,
        n_trials: int,
        n_jobs: int,
        sampler: Mapping[str, Any] | None,
        pruner: Mapping[str, Any] | None,
        storage: str | None,
        study_name: str | None,
        params: Mapping[str, str] | None,
    ) -> None:
        for name, number in (("n_trials", n_trials), ("n_jobs", n_jobs)):
            if not isinstance(number, int) or number < 1:
                raise InputError(f"hydra.sweeper.{name}={number}: give a whole number from 1.")
        self._trials = n_trials
        self._jobs = n_jobs
        self._sampler = sampler
        self._params = params

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Make the launcher; Hydra calls this once."""
        self.hydra_context = hydra_context
        self.config = config
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Make the runs that are left of the search.

        Args:
            arguments: the overrides of the command line.
        """
        assert self.hydra_context is not None and self.config is not None
        fixed: list[str] = []
        searched = []
        for override in parsed(texts(self._params, arguments), self.hydra_context.config_loader):
            if override.is_sweep_override():
                searched.append(override)
            else:
                fixed.append(str(override.input_line))
        if not searched:
            raise InputError(
                "hydra/sweeper=optuna: nothing to search; give intervals or choices, such as "
                "'network.width=int(interval(10, 60))', or hparams_search=NAME."
            )
        space = distributions(searched)
        folder = Path(self.config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        study = study_of(self.config)
        left = self._trials - ask_again(study)
        sampler = sampler_of(self._sampler, len(study.get_trials()))
        if sampler is not None:
            study.sampler = sampler
        while left > 0:
            trials = [study.ask(space) for _ in range(min(self._jobs, left))]
            batch = [(*fixed, *settings(trial)) for trial in trials]
            self.validate_batch_is_legal(batch)
            # The number of a job is that of its trial, by which the job finds it.
            results = self._launcher.launch(batch, initial_job_idx=trials[0].number)
            for trial, result in zip(trials, results, strict=True):
                outcome = result.return_value  # raises what the job raised
                assert isinstance(outcome, Outcome)
                tell(study, trial, outcome)
            left -= len(trials)


def study_of(config: DictConfig) -> Any:
    """Return the study of a search, as the configuration of the sweep describes it."""
    sweeper: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
    folder = Path(config.hydra.sweep.dir).absolute()
    return open_study(
        sweeper["storage"] or f"sqlite:///{folder / STORAGE}",
        sweeper["study_name"] or folder.name,
        pruner=sweeper["pruner"],
    )


def is_search(config: DictConfig) -> bool:
    """Return whether the sweeper of a configuration is this one."""
    return config.hydra.sweeper._target_ == NAME


def searched_settings(config: DictConfig, overrides: Sequence[str]) -> list[str]:
    """Return what a search varies, as overrides; none where there is no search."""
    if not is_search(config):
        return []
    found: list[str] = []
    for override in parsed(texts(config.hydra.sweeper.params, overrides)):
        if override.is_sweep_override():
            found.append(str(override.input_line))
    return found


def watch_of(run: SweepRun, folder: SweepFolder, begun: Sweep) -> Callable[[], str | None] | None:
    """Return what says when a run of a search should end; None where no run ends early.

    Hydra calls for the run, perhaps in another process than that of the search.
    """
    config: Any = OmegaConf.create({"hydra": HydraConfig.get()})
    if not begun.searched or not config.hydra.sweeper.pruner:
        return None
    trial = trial_of(study_of(config), run.number)
    return None if trial is None else EarlyEnd(trial, folder.run(run), begun.objective)


def outcome_of(ended: SweepRun, ending: Ending, begun: Sweep) -> Outcome:
    """Return how a run ended, for the search that it may be part of.

    Raises:
        InputError: if the search minimizes what the run does not have.
    """
    value = ended.merit(begun.objective)
    if begun.searched and ended.state == "done" and value is None:
        names = [name for name, result in ended.columns().items() if isinstance(result, float)]
        raise InputError(
            f"objective={begun.objective}: the run has no such result; give one of "
            f"{', '.join(names)}."
        )
    return Outcome(ending.state if ending.state == "busy" else ended.state, value)


def register() -> None:
    """Have Hydra know the sweeper."""
    plugins = Plugins.instance()
    plugins.register(Search)
    plugins.class_name_to_class[NAME] = Search
