"""Completion of command lines in bash, zsh and fish.

Hydra's own plugins make the scripts of the shells. What the scripts ask is answered here from the
files alone: importing Hydra takes longer than a person waits for a completion.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pinn.cli.commands import COMPLETION, KINDS, PARSERS, SHARED_OPTIONS
from pinn.conf_folders import WHOLE_RUNS, ConfFolder, choices, conf_folders, content, files
from pinn.errors import InputError

_OPTIONS_OF_HYDRA = (
    "--cfg --config-dir --config-name --config-path --help --hydra-help --info --multirun "
    "--no-local-conf --package --resolve --shell-completion"
).split()
_WORDS = {
    "--cfg": ["job", "hydra", "all"],
    "--info": ["all", "config", "defaults", "defaults-tree", "plugins", "searchpath"],
}
_OF_HYDRA = (
    "hydra.run.dir= hydra.sweep.dir= hydra.sweep.subdir= hydra.job.chdir= hydra.job.name= "
    "hydra.verbose= hydra.mode= hydra.searchpath= hydra/launcher= hydra/sweeper="
).split()
_PROGRAM = re.compile(r"\s*(\S*python[\d.]*\s+(-m\s+)?\S+|\S+)(\s+|$)")
_QUERY = re.compile(r"query=(\w+)")


def shell_completion(arguments: Sequence[str]) -> None:
    """Print what Hydra's --shell-completion prints: a script to install, or proposals.

    Args:
        arguments: one of "install=SHELL", "uninstall=SHELL" and "query=SHELL".

    Raises:
        InputError: for another argument, or an unknown shell.
    """
    query = _QUERY.fullmatch(arguments[0]) if len(arguments) == 1 else None
    if query:
        proposals = proposed(os.environ.get("COMP_LINE", ""))
        print(("\n" if query[1] == "fish" else " ").join(proposals))
        return
    from hydra.core.plugins import Plugins
    from hydra.plugins.completion_plugin import CompletionPlugin

    found: Any = Plugins.instance().discover(CompletionPlugin)  # its type names the base of all
    plugins = {plugin.provides(): plugin for plugin in found}
    asked = re.fullmatch(r"(install|uninstall)=(\w+)", " ".join(arguments))
    if asked is None or asked[2] not in plugins:
        raise InputError(
            "--shell-completion: write install=SHELL or uninstall=SHELL, where SHELL is "
            f"{' or '.join(sorted(plugins))} (zsh takes that of bash)."
        )
    getattr(plugins[asked[2]](None), asked[1])()  # type: ignore[arg-type]


def proposed(line: str) -> list[str]:
    """Return the proposals for the last word of a command line, which may be empty."""
    program = _PROGRAM.match(line)
    rest = line[program.end() :] if program else ""
    try:
        words = shlex.split(rest)
    except ValueError:  # an open quote
        words = rest.split()
    word = "" if not rest or rest[-1].isspace() else words.pop()
    if not words:
        return _beginning([*PARSERS, "--help", "--version", COMPLETION[1]], word)
    command, *before = words
    if command == "new":
        options = ("--kind", "--data", "--help") if word.startswith("-") else ()
        return _beginning(KINDS if before[-1:] == ["--kind"] else options, word)
    folders = _folders(before)
    if command in ("run", "check"):
        return _beginning(_settings(before, word, folders), word)
    names = {"list": ("experiment", "problem", "hparams_search"), "reproduce": ("experiment",)}.get(
        command, ()
    )
    known: list[str] = []
    for group in names:
        known += choices(folders, group)
    return _beginning([*known, *(SHARED_OPTIONS if names and word.startswith("-") else ())], word)


def _beginning(words: Sequence[str], start: str) -> list[str]:
    return sorted({word for word in words if word.startswith(start)})


def _folders(words: Sequence[str]) -> list[ConfFolder]:
    """Return the folders of configuration files that a command line names or finds."""
    named = []
    for option, value in itertools.pairwise(words):
        if option in ("--config-dir", "-cd") and os.path.isdir(value):
            named.append(value)
    try:
        return conf_folders(named, local="--no-local-conf" not in words)
    except InputError:
        return conf_folders(local=False)


def _settings(words: Sequence[str], word: str, folders: Sequence[ConfFolder]) -> list[str]:
    """Return the settings and options that may follow words."""
    if words and words[-1] in _WORDS:
        return _WORDS[words[-1]]
    if word.startswith("-"):
        return list[str](_OPTIONS_OF_HYDRA)
    prefix = "+" if word.startswith("+") else ""
    key, equals, _ = word.removeprefix(prefix).partition("=")
    groups: dict[str, None] = {}
    for folder in folders:
        groups |= dict.fromkeys(folder.groups())
    group = key.partition("@")[0]
    if equals and group in groups:
        return [f"{prefix}{key}={name}" for name in choices(folders, group)]
    settings = _composed(words, folders)
    if equals:
        value = _dotted(settings).get(key)
        return [] if value is None or isinstance(value, Mapping) else [f"{key}={value}"]
    proposals = [f"{prefix}{group}=" for group in groups if group != "hydra"]
    depth = word.count(".")
    for dotted, value in _dotted(settings).items():
        if dotted.count(".") == depth:
            proposals.append(f"{dotted}." if isinstance(value, Mapping) else f"{dotted}=")
    return [*proposals, *(_OF_HYDRA if word.startswith("hyd") else ())]


def _composed(words: Sequence[str], folders: Sequence[ConfFolder]) -> dict[str, Any]:
    """Return roughly what Hydra composes of choices of files: enough to know the keys."""
    settings: dict[str, Any] = {}
    try:
        primary = content(files(folders, "")["config"])
        chosen = {}
        for entry in primary.get("defaults", []):
            if isinstance(entry, Mapping):
                for key, name in entry.items():
                    chosen[str(key).split()[-1].lstrip("/")] = name
        for word in words:
            key, _, name = word.partition("=")
            chosen[key] = name
        for key, name in chosen.items():
            group, _, package = key.partition("@")
            _merge_file(settings, group, str(name), package or group, folders)
        own = dict(primary)
        for key in ("defaults", "hydra"):
            own.pop(key, None)
        _merge(settings, own)
    except (InputError, KeyError, AttributeError, TypeError):  # a damaged file of the user's
        return settings
    return settings


def _merge_file(
    settings: dict[str, Any], group: str, name: str, package: str, folders: Sequence[ConfFolder]
) -> None:
    """Merge a file, and what its defaults name, into settings, at a dotted place in them."""
    path = files(folders, group).get(name)
    if path is None:
        return
    found = content(path)
    is_global = group in WHOLE_RUNS or "_global_" in path.read_text(encoding="utf-8")[:200]
    for entry in found.pop("defaults", []):
        if isinstance(entry, str) and entry not in ("_self_", name):
            _merge_file(settings, group, entry, package, folders)
        if isinstance(entry, Mapping):
            for key, choice in entry.items():
                of, _, at = str(key).split()[-1].lstrip("/").partition("@")
                _merge_file(settings, of, str(choice), at or of, folders)
    if not is_global:
        for part in reversed(package.split(".")):
            found = {part: found}
    _merge(settings, found)


def _merge(settings: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Merge nested settings into others."""
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(settings.get(key), dict):
            _merge(settings[key], value)
        else:
            settings[key] = dict(value) if isinstance(value, Mapping) else value


def _dotted(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted key, at all depths."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found[f"{prefix}{key}"] = value
        if isinstance(value, Mapping):
            found |= _dotted(value, f"{prefix}{key}.")
    return found
