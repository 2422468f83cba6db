"""The files from which a user starts: templates of the package, filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

import pinn
from pinn.conf_folders import LOCAL

TEMPLATES = Path(pinn.__file__).parent / "templates"
"""The folder of the templates, whose placeholders begin with a dollar sign."""

Files = dict[Path, str]
"""The texts of files by path."""

# The name of a condition that a comment shows.
_CONDITIONS = {"steady": "cold", "transient": "start", "ode": "displaced"}


def paths(name: str) -> tuple[Path, Path, Path]:
    """Return the files of a problem in the working folder: problem, experiment and test."""
    return Path(f"{name}.py"), LOCAL / "experiment" / f"{name}.yaml", Path(f"test_{name}.py")


def class_name(name: str) -> str:
    """Return the name of the class in a module: HotPlate in hot_plate."""
    parts = []
    for part in name.split("_"):
        parts.append(part[:1].upper() + part[1:])
    return "".join(parts) or name


def of_kind(name: str, kind: str) -> Files:
    """Return the files of a problem of a kind, whose solution is known."""
    about = {"condition": _CONDITIONS.get(kind, "")}
    sort = "inverse" if kind == "inverse" else "forward"
    return filled(name, (f"{kind}.py", f"{sort}.yaml", f"test_{sort}.py"), about)


def filled(name: str, templates: Sequence[str], about: Mapping[str, str]) -> Files:
    """Return the texts of the files of a problem.

    Args:
        name: of the problem.
        templates: those of the problem, the experiment and the test.
        about: what stands for the placeholders, except those of the name.
    """
    texts: Files = {}
    for path, known in zip(paths(name), templates, strict=True):
        texts[path] = template(known).substitute(about, name=name, class_name=class_name(name))
    return texts


def template(name: str) -> Template:
    """Return a template of the package."""
    return Template((TEMPLATES / f"{name}.template").read_text(encoding="utf-8"))
