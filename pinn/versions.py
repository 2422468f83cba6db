"""What a number was made with: the versions of Python and of installed packages, and the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def versions(*packages: str) -> dict[str, str]:
    """Return Python's version and the packages' by name; "not installed" for a package that is not there."""
    return {"python": platform.python_version()} | {
        package: _version(package) for package in packages
    }


def machine() -> str:
    """Return the processor, the cores that this process may use, and the system."""
    model = "unknown processor"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")), model
        )
    count = {1: "one core", 2: "two cores"}.get(cores(), f"{cores()} cores")
    return f"{model}, {count}, {platform.system()}"


def cores() -> int:
    """Return how many programs can run side by side: the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
