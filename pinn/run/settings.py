# pyright: strict
"""What a checkpoint knows of the configuration, so that a change by hand is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pinn.errors import InputError
from pinn.record import RunFolder

_LONGEST = 60  # characters of a value that is kept as it is
_SHOWN = 3  # changes that are told


def plain_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a configuration by dotted key, as JSON; of long ones the SHA-256."""
    found: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            for inner, text in plain_settings(cast("Mapping[str, Any]", value)).items():
                found[f"{key}.{inner}"] = text
            continue
        text = json.dumps(value, default=str)
        if len(text) > _LONGEST:
            text = f"SHA-256 {hashlib.sha256(text.encode()).hexdigest()}"
        found[str(key)] = text
    return found


def check_settings(
    folder: RunFolder, recorded: Sequence[Mapping[str, str]], present: Mapping[str, str]
) -> None:
    """Raise an InputError if a configuration is none of those that a checkpoint knows.

    Args:
        folder: the folder of the run.
        recorded: what the configuration may hold; empty where the checkpoint does not know.
        present: what it holds.
    """
    if not recorded or any(known == present for known in recorded):
        return
    changes: list[str] = []
    known = recorded[-1]
    for key in sorted({*known, *present}):
        if known.get(key) != present.get(key):
            changes.append(f"{key}={_shown(present, key)}, was {_shown(known, key)}")
    listed = "; ".join(changes[:_SHOWN])
    more = len(changes) - _SHOWN
    if more > 0:
        listed += f"; and {more} more"
    raise InputError(
        f"{folder.config}: is not the configuration of the checkpoint ({listed}); restore the "
        f"run's own files, change settings by overrides, as in pinn resume {folder.path} "
        f"KEY=VALUE, or start a new run."
    )


def _shown(settings: Mapping[str, str], key: str) -> str:
    text = settings.get(key, "absent")
    return "another value" if text.startswith("SHA-256 ") else text
