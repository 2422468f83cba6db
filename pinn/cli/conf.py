"""Where the configuration files are."""

from __future__ import annotations

from pathlib import Path

import pinn


def conf_folder() -> Path:
    """Return the folder of YAML files: inside the installed package, else at the top of the repository."""
    package = Path(pinn.__file__).resolve().parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"
