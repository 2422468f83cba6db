"""Hydra's composition of a configuration, and its errors in one line."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinn.cli.arguments import check_override, prepared
from pinn.conf_folders import (
    WHOLE_RUNS,
    ConfFolder,
    check_choice,
    choices,
    conf_folder,
    conf_folders,
)
from pinn.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from omegaconf import DictConfig

PRIMARY = "config"
"""The name of the configuration from which a run starts."""


def compose(
    overrides: Sequence[str], folders: Sequence[ConfFolder] | None = None
) -> tuple[dict[str, Any], str | None]:
    """Return Hydra's configuration for the overrides, resolved, and the chosen problem's name.

    Args:
        overrides: settings such as "seed=1".
        folders: the folders of configuration files; by default this package's, `conf/` in the
            working folder, and those of installed packages.

    Raises:
        InputError: for an override that Hydra refuses, or an unknown experiment.
    """
    for override in overrides:
        check_override("run", override)
    accepted = prepared(overrides)
    found = conf_folders() if folders is None else folders
    with session(found, accepted):
        return resolved(composed(accepted, found))


@contextlib.contextmanager
def session(
    folders: Sequence[ConfFolder], overrides: Sequence[str], config_path: str | None = None
) -> Iterator[None]:
    """Have Hydra know the folders, and tell its errors about overrides in one line.

    Args:
        folders: the folders of configuration files.
        overrides: the settings that its errors are about.
        config_path: a folder in the place of this package's own, or None.

    Raises:
        InputError: for what Hydra refuses.
    """
    from hydra import initialize_config_dir

    from pinn.cli.hydra_plugins import search_path

    with one_line(folders, overrides), search_path(folders):
        main = config_path or str(conf_folder())
        with initialize_config_dir(main, job_name="pinn", version_base="1.3"):
            yield


@contextlib.contextmanager
def one_line(folders: Sequence[ConfFolder], overrides: Sequence[str]) -> Iterator[None]:
    """Turn errors of Hydra about overrides into InputErrors."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        yield
    except InputError:
        raise
    except RecursionError:
        raise InputError(
            "config: the defaults of a file lead back to itself; correct its list of defaults."
        ) from None
    # Hydra raises a ValueError for problem=null.
    except (HydraException, OmegaConfBaseException, ValueError, AssertionError) as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        raise InputError(_one_line(error, folders, overrides)) from None


def composed(
    overrides: Sequence[str], folders: Sequence[ConfFolder], config_name: str | None = None
) -> DictConfig:
    """Return Hydra's configuration, its own node included, within a `session`.

    Raises:
        InputError: for a choice that there is not, or that two packages offer.
    """
    from hydra import compose as hydra_compose

    try:
        config = hydra_compose(config_name or PRIMARY, list(overrides), return_hydra_config=True)
    except (TypeError, AttributeError, KeyError, IndexError) as error:
        # Hydra takes a choice such as problem=[1, 2] for a list of names.
        raise InputError(_of_choices(error, folders, overrides)) from None
    check_code(config, overrides)
    for key, name in config.hydra.runtime.choices.items():
        group = str(key).partition("@")[0]
        if group in WHOLE_RUNS and name is not None:
            check_whole_runs([f"{group}={name}"], folders)
        if isinstance(name, str) and not group.startswith("hydra"):
            check_choice(folders, group, name)
    return config


_OF_HYDRA = ("hydra.", "hydra_plugins.", "optuna.", "logging.", "sys.", "colorlog.")
"""Modules from which Hydra's own node may take classes."""


def check_code(config: DictConfig, overrides: Sequence[str]) -> None:
    """Raise an InputError where files of configuration have Hydra run code of other modules.

    It calls what `hydra.callbacks`, a launcher, a sweeper or a log name.
    """
    from omegaconf import OmegaConf

    node = OmegaConf.to_container(config.hydra, resolve=False)
    for key, name in _names_of_code(node, "hydra"):
        is_known = name.removeprefix("ext://").startswith(_OF_HYDRA)
        if not is_known and not any(name in override for override in overrides):
            raise InputError(
                f"{key}={name}: is not of Hydra or Optuna, and a file of configuration asks for "
                f"it; leave it out, or give {key}={name} on the command line."
            )


def _names_of_code(node: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield the keys and names of what is called, at any depth of Hydra's node."""
    if isinstance(node, list):
        for item in node:
            yield from _names_of_code(item, where)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        place = f"{where}.{key}"
        names_code = key in ("_target_", "()", "class") or str(value).startswith("ext://")
        if names_code and isinstance(value, str) and "overrides" not in where:
            yield place, value
        else:
            yield from _names_of_code(value, place)


def check_whole_runs(overrides: Sequence[str], folders: Sequence[ConfFolder]) -> None:
    """Raise an InputError for an unknown experiment or search among overrides.

    They are optional in the list of defaults, and Hydra ignores an optional choice that is
    misspelt.
    """
    for override in overrides:
        group, _, name = override.partition("=")
        if group in WHOLE_RUNS and re.fullmatch(r"\w[\w/.-]*", name):
            known = choices(folders, group)
            if name not in ("null", *known):
                raise InputError(f"config: no {group} {name!r}.{did_you_mean(name, known)}")


def resolved(config: DictConfig) -> tuple[dict[str, Any], str | None]:
    """Return a configuration as plain values without Hydra's node, and the chosen problem's name.

    Raises:
        InputError: for a value that is missing.
    """
    from omegaconf import OmegaConf

    own_keys = [str(key) for key in config if key != "hydra"]
    own: Any = OmegaConf.masked_copy(config, own_keys)
    values: Any = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    problem = config.hydra.runtime.choices.get("problem") if "hydra" in config else None
    return values, None if problem == "custom" else problem


def _one_line(error: Exception, folders: Sequence[ConfFolder], overrides: Sequence[str]) -> str:
    """Return Hydra's error about overrides in one line, with a likely correction."""
    text = " ".join(f"{error} {error.__cause__ or ''}".split())
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        own = [group for folder in folders for group in folder.groups()]
        if key[1] in own:
            return f"config: {key[1]} is a group of your own; choose with +{key[1]}=NAME."
        known = _known_keys(folders, overrides)
        return f"config: no key {key[1]!r}.{did_you_mean(key[1], known)}"
    option = re.search(r"Could not find '(?:\w+/)*?(\w+)/([^/']+)'", text)
    if option:
        group, name = option.groups()
        if name in choices(folders, group):
            return (
                f"config: no {group} {name!r} in --config-path, which takes the place of pinn's "
                "files; --config-dir adds a folder to them."
            )
        return f"config: no {group} {name!r}.{did_you_mean(name, choices(folders, group))}"
    again = re.search(r"Multiple values for (\S+)\. To override", text)
    if again:
        return f"config: {again[1]} has a choice already; write {again[1]}=NAME, without +."
    primary = re.search(r"Cannot find primary config '([^']+)'", text)
    if primary:
        known = [path.stem for folder in folders for path in Path(folder.path).glob("*.yaml")]
        return f"--config-name {primary[1]}: no such file.{did_you_mean(primary[1], known)}"
    if "Interpolation" in type(error).__name__ and "output" in text:
        return (
            "--resolve: the folders of Hydra's own configuration are known only when a run begins; "
            "leave --resolve out, or take --cfg job."
        )
    if "Missing mandatory value" in text:
        name = getattr(error, "full_key", None) or "a value"
        return f"config: {name} is missing; set {name}=…"
    return f"config: {re.sub('See https?://.*', '', text).strip()}; see `pinn run --help`."


def _of_choices(error: Exception, folders: Sequence[ConfFolder], overrides: Sequence[str]) -> str:
    """Return what is said where Hydra fails on the choices among overrides."""
    groups = {group for folder in folders for group in folder.groups()}
    for override in overrides:
        key, _, value = override.partition("=")
        if key.lstrip("+").partition("@")[0] in groups and value.startswith("["):
            return f"config: {override}: choose one file of the group, as in {key}=NAME."
    reason = " ".join(str(error).split())
    return f"config: {type(error).__name__}: {reason}; see `pinn run --help`."


def _known_keys(folders: Sequence[ConfFolder], overrides: Sequence[str]) -> list[str]:
    """Return all keys, dotted, of the configuration with the choices of files among overrides.

    The choices decide which keys there are.
    """
    groups = {group for folder in folders for group in folder.groups()}
    chosen = [o for o in overrides if o.partition("=")[0].partition("@")[0] in groups]
    config, _ = compose([] if chosen == list(overrides) else chosen, folders)
    return _dotted_keys(config)


def _dotted_keys(config: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return all keys of a nested mapping, dotted."""
    keys = []
    for key, value in config.items():
        keys.append(f"{prefix}{key}")
        if isinstance(value, Mapping):
            keys += _dotted_keys(value, f"{prefix}{key}.")
    return keys
