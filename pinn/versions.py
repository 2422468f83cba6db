"""The versions of Python and of packages, and the machine, by which numbers can be reproduced."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import resource  # which not every system has

_CPU_INFO = Path("/proc/cpuinfo")  # Linux


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of packages by name; "not installed" for missing ones."""
    by_name = {"python": platform.python_version()}
    for package in packages:
        try:
            by_name[package] = version(package)
        except PackageNotFoundError:
            by_name[package] = "not installed"
    return by_name


def machine() -> str:
    """Return the processor, the cores that this process may use, and the system."""
    count = {1: "one core", 2: "two cores"}.get(cores(), f"{cores()} cores")
    return f"{_processor()}, {count}, {platform.system()}"


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory(usage: resource.struct_rusage) -> float:
    """Return the most memory that a process has had, in bytes, from what the system counted."""
    unit = 1 if sys.platform == "darwin" else 1024
    return float(usage.ru_maxrss * unit)


def _processor() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return "unknown processor"
