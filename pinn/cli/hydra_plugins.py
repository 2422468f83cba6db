"""What Hydra learns from this program by plugins of its own kinds: where configurations are."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pinn.cli.search import register
from pinn.conf_folders import WHOLE_RUNS, ConfFolder, broken, check_names, shown
from pinn.errors import InputError

_LONGEST_NAME = 200  # bytes; file systems allow 255
_PYTHON_FILE = re.compile(r"[^:]+\.py(:\w+)?")


class UserFiles(FileConfigSource):
    """A folder of configuration files that Hydra did not come with; mistakes are told by file."""

    @staticmethod
    def scheme() -> str:
        """Return the scheme of its path, as in conf:///home/me/conf."""
        return "conf"

    def load_config(self, config_path: str) -> ConfigResult:
        """Return what a file holds; Python files that it names beside itself get their full path.

        Raises:
            InputError: for a file that is no YAML, or gives no settings by name.
        """
        file = Path(self.path, self._normalize_file_name(config_path)).resolve()
        try:
            result = super().load_config(config_path)
            values = OmegaConf.to_container(result.config, resolve=False)
        except (yaml.YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
            raise InputError(broken(file, error)) from None
        except OSError as error:
            raise InputError(f"{shown(file)}: cannot be read ({error}).") from None
        except ValueError as error:  # of a line such as `# @package`
            raise InputError(f"{shown(file)}: {error}; correct the line.") from None
        group = config_path.rpartition("/")[0]
        if not isinstance(values, dict):
            raise InputError(f"{shown(file)}: is a list; give settings by name, as in key: value.")
        if not values and group in ("", "problem", *WHOLE_RUNS):
            raise InputError(f"{shown(file)}: is empty; give settings by name, as in key: value.")
        if group.partition("/")[0] in WHOLE_RUNS:
            # A class given there replaces the default problem.
            result.header["package"] = result.header.get("package") or "_global_"
            values = _with_own_problem(values)
        result.config = OmegaConf.create(_with_full_paths(values, file.parent))
        return result


def _with_own_problem(values: dict[Any, Any]) -> dict[Any, Any]:
    """Return an experiment that names the class of its problem, with a problem to be named."""
    problem = values.get("problem")
    defaults = values.get("defaults") or []
    if not isinstance(problem, dict) or "_target_" not in problem or not isinstance(defaults, list):
        return values
    if any(entry != "_self_" and not isinstance(entry, dict) for entry in defaults):
        return values  # it inherits the problem, too
    if any(str(key).endswith("problem") for entry in defaults for key in dict(_mapping(entry))):
        return values
    return {**values, "defaults": [{"override /problem": "custom"}, *defaults]}


def _mapping(entry: Any) -> dict[Any, Any]:
    return entry if isinstance(entry, dict) else {}


def _with_full_paths(value: Any, folder: Path) -> Any:
    """Return settings in which a `_target_` that is a Python file in a folder has its full path."""
    if isinstance(value, list):
        return [_with_full_paths(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    settings = {key: _with_full_paths(item, folder) for key, item in value.items()}
    target = settings.get("_target_")
    if isinstance(target, str) and _PYTHON_FILE.fullmatch(target):
        path, colon, name = target.partition(":")
        if (folder / path).is_file():
            settings["_target_"] = f"{folder / path}{colon}{name}"
    return settings


class _SearchPath(SearchPathPlugin):
    """Puts the folders of configuration into Hydra's search path, in their order."""

    folders: Sequence[ConfFolder] = ()

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Put users' folders before this package's, and those of installed packages behind it."""
        for folder in self.folders:
            path = f"{UserFiles.scheme()}://{folder.path}"
            if folder.kind == "package":
                if folder.path.is_dir():
                    search_path.append(folder.title, path)
            elif folder.kind != "pinn":
                search_path.prepend(folder.title, path, "main")


@contextlib.contextmanager
def search_path(folders: Sequence[ConfFolder]) -> Iterator[None]:
    """Have Hydra find the files of folders, and the problems that packages register.

    Raises:
        InputError: for a file that has the name of one of this package's, and does not say so.
    """
    check_names(folders)
    for plugin in (UserFiles, _SearchPath):
        Plugins.instance().register(plugin)
    register()
    store = ConfigStore.instance()
    known = {name for folder in folders for name in folder.files("problem")}
    for folder in folders:
        for name, target in folder.problems.items():
            if name not in known:
                node = {"_target_": target.replace(":", "."), "unknowns": {}}
                store.store(group="problem", name=name, node=node, provider=folder.title)
    previous = _SearchPath.folders
    _SearchPath.folders = folders
    try:
        yield
    finally:
        _SearchPath.folders = previous


def _name_of_run(*, _root_: DictConfig) -> str:
    """Return the name of a run: given, or that of its problem."""
    if _root_.get("name"):
        return str(_root_.name)
    chosen = OmegaConf.select(_root_, "hydra.runtime.choices.problem")
    if chosen and chosen != "custom":
        return str(chosen)
    path, _, name = str(OmegaConf.select(_root_, "problem._target_") or "run").partition(":")
    if path.endswith(".py"):
        return (name or Path(path).stem).lower()
    return path.rpartition(".")[2].lower()


def _name_of_job(overrides: str, number: int) -> str:
    """Return the name of a job's folder: its overrides as Hydra joins them, or its number."""
    name = overrides.replace("+", "").replace("/", "_")
    if len(name.encode()) > _LONGEST_NAME:
        digest = hashlib.sha1(name.encode()).hexdigest()[:8]
        name = f"{name[: _LONGEST_NAME // 2]}…{digest}"
    return name or str(number)


# Where a launcher starts other processes, they import this module with the files that they read.
OmegaConf.register_new_resolver("name_of_run", _name_of_run, replace=True)
OmegaConf.register_new_resolver("name_of_job", _name_of_job, replace=True)
