"""The overrides of a sweep: which settings its runs share, and which differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override


def parsed(overrides: Sequence[str], config_loader: Any = None) -> list[Override]:
    """Return overrides as Hydra reads them; of those of one key the last.

    Args:
        overrides: settings such as "seed=1,2".
        config_loader: Hydra's, which knows the values of glob(…).
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    found = OverridesParser.create(config_loader=config_loader).parse_overrides(list(overrides))
    return list({override.get_key_element(): override for override in found}.values())


def texts(params: Mapping[str, str] | None, overrides: Sequence[str]) -> list[str]:
    """Return the overrides of a sweeper's settings, and those of the command line after them."""
    first = [f"{key}={value}" for key, value in (params or {}).items()]
    return [*first, *overrides]


def constant_keys(overrides: Sequence[str]) -> list[str]:
    """Return the keys of the settings that all runs of a sweep share."""
    keys: list[str] = []
    for override in parsed(overrides):
        if not override.is_sweep_override():
            keys.append(override.get_key_element().lstrip("+"))
    return keys


def names_of_jobs(overrides: Sequence[str]) -> list[str]:
    """Return the setting by which the folder of a job is named by what differs from job to job."""
    if any("override_dirname.exclude_keys" in override for override in overrides):
        return []
    same: dict[str, None] = {}
    swept: set[str] = set()
    for override in parsed(overrides):
        name = override.key_or_group
        if override.is_sweep_override():
            swept.add(name)
        elif name and not name.startswith("hydra"):
            same[f"'{name}'"] = None
    # One group may be chosen twice, for two packages, and swept for one of them.
    keys = ",".join(key for key in same if key.strip("'") not in swept)
    return [f"hydra.job.config.override_dirname.exclude_keys=[{keys}]"]
