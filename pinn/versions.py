"""What a number was made with: the versions of Python and of installed packages, and the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def versions(*packages: str) -> dict[str, str]:
    """Return Python's version and the packages' by name; "not installed" for a package that is not there."""
    return {"python": platform.python_version()} | {package: _version(package) for package in packages}


def machine() -> str:
    """Return the processor, its cores and the system."""
    model = "unknown processor"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    cores = {1: "one core", 2: "two cores"}.get(os.cpu_count() or 0, f"{os.cpu_count()} cores")
    return f"{model}, {cores}, {platform.system()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
