"""The folder of the configuration files."""

from __future__ import annotations

from pathlib import Path

import pinn


def conf_folder() -> Path:
    """Return the folder of YAML files: in the installed package, else in the repository."""
    package = Path(pinn.__file__).resolve().parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"
