"""The command line of `pinn run` and `pinn check`: Hydra's own, and files that hold a run."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from pinn.cli.commands import STRICT, named_folders, options_of_folders
from pinn.conf_folders import ConfFolder, conf_folders, shown, user_folders
from pinn.errors import InputError
from pinn.trust import CommandLine

_FILE = re.compile(r"(?P<path>[^=]*\.py)(:(?P<name>\w+))?")
"""A file that defines the problem: "my_problem.py", "my_problem.py:MyProblem"."""

_CLASS = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)")
"""The class of the problem in a module: "my_package.heat:Heat"."""

_EXPERIMENT = re.compile(r"[^=]*\.ya?ml")
"""A file that holds an experiment: "mine.yaml"."""

_KEY_OF_THE_PROBLEM = re.compile(
    r"""(
      problem\.[\w.]+                # problem.nu=0.1
    | weights(?==\{)                 # weights={walls: 3}
    | weights\.[\w-]+               # weights.walls=3
    | continuation(\.\w+)?          # continuation={Re: [100, 400]}, continuation.Re=[100, 400]
    | points\.counts(\.[\w-]+)?     # points.counts={interior: 5}, points.counts.x-=5
    | data\.(coordinates|fields|sigma)(\.\w+)?     # data.fields={u: U}, data.fields.u=U
    | data\.\w+\.\w+(\.\w+)?        # data.probes.path=a.csv, data.probes.fields.u=U
    )=""",
    re.VERBOSE,
)
"""An override of a key that only the problem knows.

Hydra refuses keys that the configuration files lack, unless "++" precedes them: "problem.nu=0.1"
becomes "++problem.nu=0.1". The problem judges such keys later.
"""

_CALL = re.compile(r"(choice|range|interval|glob|sort|shuffle)\(.*\)")
"""A value that is a function of Hydra, such as choice(a.csv,b.csv)."""

_NEITHER_SCHEME_NOR_SETTINGS = re.compile(r"weights=(?![A-Za-z{])")
"""An override such as "weights=3", where "weights=causal" names a scheme, and "weights={walls: 3}"
gives settings by residual."""

_SEARCH_PATH = re.compile(r"\+{0,2}hydra\.searchpath=\[(.*)\]")


class Line(argparse.Namespace):
    """A command line of Hydra's options and overrides, at any places in it.

    Attributes:
        overrides: settings such as "seed=1", as Hydra accepts them.
        experiment_file: the file of the experiment, or None.
        no_local_conf: whether `conf/` in the working folder is left out.
        strict: of `pinn run`, whether the exit code says if the answer is doubtful.
        picture: of `pinn check`, a PNG file, or None.
    """

    overrides: list[str]
    experiment_file: Path | None
    no_local_conf: bool
    multirun: bool
    config_dir: str | None
    config_path: str | None
    config_name: str | None
    strict: bool
    picture: str | None

    @contextlib.contextmanager
    def folders(self) -> Iterator[list[ConfFolder]]:
        """Give the folders of configuration files that the line names, or finds."""
        found = conf_folders(self._named_folders(), local=not self.no_local_conf)
        if self.experiment_file is None:
            yield found
            return
        with tempfile.TemporaryDirectory() as temporary:
            group = Path(temporary, "experiment")
            group.mkdir()
            # It may inherit from files beside it.
            for path in self.experiment_file.parent.glob("*.yaml"):
                (group / path.name).symlink_to(path)
            yield [ConfFolder(Path(temporary), shown(self.experiment_file), "file"), *found]

    def for_another_process(self) -> list[str]:
        """Return the arguments by which a process of the same folder finds the same files."""
        arguments = options_of_folders(self)
        if self.config_path:
            arguments += ["--config-path", self.config_path]
        if self.config_name:
            arguments += ["--config-name", self.config_name]
        if self.experiment_file:
            arguments.append(str(self.experiment_file))
        return arguments

    def source(self, folders: Sequence[ConfFolder]) -> CommandLine:
        """Return what the line names as code, and the folders in which its files may name some."""
        places = [Path.cwd()]
        for folder in folders:
            if folder.kind == "file" and self.experiment_file:
                places.append(self.experiment_file.parent)
            elif folder.kind == "user":  # an experiment of conf/ names ../../plate.py
                places.append(folder.path.parent)
        return CommandLine(self.overrides, places)

    def _named_folders(self) -> list[str]:
        """Return the folders that the user names, with --config-dir and hydra.searchpath."""
        named = named_folders(self)
        for override in self.overrides:
            listed = _SEARCH_PATH.fullmatch(override)
            if listed:
                entries = [entry.strip().strip("'\"") for entry in listed[1].split(",")]
                named += [entry for entry in entries if entry]
        return named


def parse(command: str, argv: Sequence[str]) -> Line:
    """Return the command line of `pinn run` or `pinn check`, read by Hydra's own parser.

    Raises:
        InputError: for an unknown option, or an argument that is neither setting nor file.
    """
    line = parser(command).parse_intermixed_args(_with_kind_of_info(argv), Line())
    line.experiment_file = None
    overrides = []
    for argument in line.overrides:
        overrides += _without_file(command, argument, line)
    # A run of a sweep over a file of an experiment gets the choice of it twice.
    line.overrides = prepared(list(dict.fromkeys(overrides)))
    if line.config_path:
        line.config_path = os.path.abspath(line.config_path)
        if not os.path.isdir(line.config_path):
            raise InputError(f"--config-path {line.config_path}: no such folder; name one.")
    return line


def _with_kind_of_info(argv: Sequence[str]) -> list[str]:
    """Return arguments in which no override that follows --info is taken for its kind."""
    arguments: list[str] = []
    for argument in argv:
        if arguments and arguments[-1] in ("--info", "-i") and "=" in argument:
            arguments.append("all")
        arguments.append(argument)
    return arguments


def parser(command: str) -> argparse.ArgumentParser:
    """Return Hydra's parser, with the options of this program."""
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise InputError(f"{command}: {message}; see `pinn {command} --help`.")

    hydra_parser = get_args_parser()
    hydra_parser.prog = f"pinn {command}"
    hydra_parser.error = refuse
    hydra_parser.add_argument(
        "--no-local-conf",
        action="store_true",
        help="Leave out the configuration of conf/ in the working folder",
    )
    if command == "run":
        hydra_parser.add_argument("--strict", action="store_true", help=STRICT.capitalize())
    if command == "check":
        hydra_parser.add_argument("--picture", help="A PNG file for a picture of the points")
    return hydra_parser


def _without_file(command: str, argument: str, line: Line) -> list[str]:
    """Return an argument as overrides; a file or a class becomes the choices that it stands for.

    Raises:
        InputError: for an argument that is neither file nor override.
    """
    file = _FILE.fullmatch(argument)
    if file:
        target = str(Path(file["path"]).resolve())
        if file["name"]:
            target += f":{file['name']}"
        return ["problem=custom", f"problem._target_='{target}'"]
    named = _CLASS.fullmatch(argument)
    if named:
        return ["problem=custom", f"problem._target_={named['module']}.{named['name']}"]
    if _EXPERIMENT.fullmatch(argument):
        path = Path(argument).resolve()
        if path.suffix == ".yml":
            raise InputError(f"{argument}: Hydra reads .yaml files only; rename it.")
        if not path.is_file():
            raise InputError(f"{argument}: no such file; give the path of an experiment.")
        if line.experiment_file:
            raise InputError(f"{command}: two files of experiments; give one.")
        line.experiment_file = path
        return [f"experiment={path.stem}"]
    check_override(command, argument)
    return [argument]


def check_override(command: str, override: str) -> None:
    """Raise an InputError for an argument that is no override, or weights that mean nothing."""
    if "=" not in override and not override.startswith("~"):
        raise InputError(
            f"{command}: {override!r} is no setting; write key=value, see `pinn {command} --help`."
        )
    if not override.partition("=")[0].strip("+~ "):
        raise InputError(f"{command}: {override!r} has no key; write key=value.")
    if _NEITHER_SCHEME_NOR_SETTINGS.match(override):
        raise InputError(
            f"{override}: choose a scheme, such as weights=gradient_norm, or give settings by "
            "name, as in weights.walls=3."
        )


def prepared(overrides: Sequence[str]) -> list[str]:
    """Return overrides that Hydra accepts: "++" precedes the keys that only the problem knows.

    Names of files, and letters such as é, are quoted.
    """
    accepted = []
    for override in overrides:
        if override == "weights=null":
            override = "weights=fixed"
        if override.startswith("+experiment="):
            # Hydra's documentation writes the +, which is wrong where the group has a default.
            override = override[1:]
        prefix = "++" if _KEY_OF_THE_PROBLEM.match(override) else ""
        accepted.append(prefix + _quoted(override))
    return accepted


def _quoted(override: str) -> str:
    """Return an override whose values are quoted where Hydra's grammar has no place for them.

    Commas separate the values of a sweep; each of them is quoted.
    """
    key, _, value = override.partition("=")
    is_path = re.fullmatch(r"data(\.\w+)?\.path", key)
    is_plain = value.isascii() and not is_path
    if is_plain or value[:1] in ("", "'", '"', "[", "{", "?") or _CALL.fullmatch(value):
        return override
    quoted = []
    for part in value.split(","):
        escaped = part.replace("'", "\\'")
        quoted.append(f"'{escaped}'")
    return f"{key}={','.join(quoted)}"


def announced(folders: Sequence[ConfFolder]) -> str:
    """Return the line that names the user's folders in use, and their groups; "" for none."""
    parts = [f"{f.title} ({', '.join(f.groups()) or 'no groups'})" for f in user_folders(folders)]
    return f"with the configuration of {', '.join(parts)}" if parts else ""
