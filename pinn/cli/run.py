"""`pinn run`, `check`, `resume` and `plot`: from Hydra's configuration to a solved problem."""

from __future__ import annotations

import contextlib
import datetime
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console

from pinn.cli.conf import conf_folder
from pinn.cli.quiet import quiet
from pinn.errors import InputError, did_you_mean
from pinn.exit_codes import ExitCode
from pinn.reporting.published import check_published

if TYPE_CHECKING:
    from pinn.run.solution import Solution
    from pinn.setup import Setup

_FILE = re.compile(r"(?P<path>[^=]*\.py)(:(?P<name>\w+))?")
"""A file that defines the problem: "my_problem.py", "my_problem.py:MyProblem"."""

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


def run(argv: Sequence[str]) -> int:
    """Run what the overrides describe, or sweep over them with -m, and return the exit code.

    The first argument may be a file that defines the problem (`problem.py`, `problem.py:Name`).
    With `--cfg job`, the configuration is shown and nothing runs.
    """
    arguments = _with_problem(argv)
    if "-m" in arguments or "--multirun" in arguments:
        return _sweep(arguments)
    if "--cfg job" in " ".join(arguments):
        config, _ = compose([a for a in arguments if a not in ("--cfg", "job")])
        print(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), end="")
        return ExitCode.OK
    return _solve(*compose(arguments))


def check(argv: Sequence[str], picture: str | None = None) -> int:
    """Show what is known of the problem that the overrides describe, and return the exit code.

    Args:
        argv: as for `run`, without Hydra's options.
        picture: a PNG file for the points of all regions, or None.
    """
    config, _ = compose(_with_problem(argv))
    check_published(config["published"])
    with quiet():
        from pinn.checking import check_setup

    report = check_setup(_setup(config), picture=picture)
    Console().print("\n".join(report.lines()), highlight=False, markup=False, soft_wrap=True)
    return ExitCode.OK


def _with_problem(argv: Sequence[str]) -> list[str]:
    """Return arguments whose first, a file that defines the problem, has become overrides."""
    arguments = list(argv)
    file = _FILE.fullmatch(arguments[0]) if arguments else None
    if file:
        target = str(Path(file["path"]).resolve())
        if file["name"]:
            target += f":{file['name']}"
        arguments[:1] = ["problem=custom", f"problem._target_='{target}'"]
    return arguments


def _setup(config: Mapping[str, Any]) -> Setup:
    """Return the setup of a configuration, on the device that it names."""
    with quiet():
        from pinn.runtime import configure
        from pinn.setup import config as configuration

    configuration.check_keys(config)
    configure(device=config["device"])
    return configuration.setup(config)


def _solve(config: dict[str, Any], problem_name: str | None) -> int:
    """Solve the problem of a configuration, show the result, and return the exit code."""
    check_published(config["published"])
    with quiet():  # TensorFlow is loaded only once Hydra has found no fault with the configuration
        from pinn.run import execute

    setup = _setup(config)
    name = config["name"] or problem_name or type(setup.problem).__name__.lower()
    # Settings that the setup does not hold, but the run's config.yaml does.
    more_settings = {key: config[key] for key in ("network", "device")}
    with _new_folder(config["output"], str(name)) as folder:
        return _show(execute(setup, folder=folder, config=more_settings))


def resume(folder: str, overrides: Sequence[str] = ()) -> int:
    """Continue a run from its last checkpoint, and return the exit code.

    Overrides, such as a larger budget, reopen its last phase.
    """
    with quiet():
        from pinn.run import resume as resume_run

    return _show(resume_run(folder, overrides=overrides))


def plot(folder: str) -> int:
    """Draw a run's figures again from its folder."""
    with quiet():
        from pinn.run import load

    for path in load(folder).save_figures():
        print(path)
    return ExitCode.OK


def compose(overrides: Sequence[str]) -> tuple[dict[str, Any], str | None]:
    """Return Hydra's configuration for the overrides, resolved, and the chosen problem's name.

    Raises:
        InputError: for an override that Hydra refuses, or an unknown experiment.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for override in overrides:
        _check_override(override)
    try:
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            composed = hydra.compose("config", _prepared(overrides), return_hydra_config=True)
            choices = composed.hydra.runtime.choices
            own_keys = [str(key) for key in composed if key != "hydra"]
            config: Any = OmegaConf.to_container(
                OmegaConf.masked_copy(composed, own_keys), resolve=True, throw_on_missing=True
            )
    # Hydra raises a ValueError for problem=null.
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise InputError(_one_line(error, overrides)) from None
    # The experiment is optional, and Hydra silently ignores an optional choice that is misspelt.
    experiment = choices.get("experiment")
    known = _choices("experiment")
    if experiment is not None and experiment not in known:
        raise InputError(f"config: no experiment {experiment!r}.{did_you_mean(experiment, known)}")
    problem = choices.get("problem")
    return config, None if problem == "custom" else problem


def _check_override(override: str) -> None:
    """Raise an InputError for an argument that is no override, or weights that mean nothing."""
    if override.startswith("-") or ("=" not in override and not override.startswith("~")):
        raise InputError(
            f"run: {override!r} is no setting; write key=value, see `pinn run --help`."
        )
    if _NEITHER_SCHEME_NOR_SETTINGS.match(override):
        raise InputError(
            f"{override}: choose a scheme, such as weights=gradient_norm, or give settings by "
            "name, as in weights.walls=3."
        )


def _prepared(overrides: Sequence[str]) -> list[str]:
    """Return overrides that Hydra accepts: "++" precedes the keys that only the problem knows.

    Names of files, and letters such as é, are quoted.
    """
    prepared = []
    for override in overrides:
        if override == "weights=null":
            override = "weights=fixed"
        prefix = "++" if _KEY_OF_THE_PROBLEM.match(override) else ""
        prepared.append(prefix + _quoted(override))
    return prepared


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


def _choices(group: str) -> list[str]:
    """Return the names of a group's files, as Hydra takes them."""
    folder = conf_folder() / group
    return [p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml")]


def _one_line(error: Exception, overrides: Sequence[str]) -> str:
    """Return Hydra's error about overrides in one line, with a likely correction."""
    text = " ".join(str(error).split())
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        # The choices of files decide which keys there are.
        choices = [o for o in overrides if (conf_folder() / o.partition("=")[0]).is_dir()]
        known = _known_keys([] if choices == list(overrides) else choices)
        return f"config: no key {key[1]!r}.{did_you_mean(key[1], known)}"
    option = re.search(r"Could not find '(?:\w+/)*?(\w+)/([^/']+)'", text)
    if option:
        group, name = option.groups()
        return f"config: no {group} {name!r}.{did_you_mean(name, _choices(group))}"
    if "Missing mandatory value" in text:
        name = getattr(error, "full_key", None) or "a value"
        return f"config: {name} is missing; set {name}=…"
    return f"config: {re.sub('See https?://.*', '', text).strip()}; see `pinn run --help`."


def _known_keys(choices: Sequence[str]) -> list[str]:
    """Return all keys, dotted, of the configuration with some choices of files."""
    config, _ = compose(choices)
    return _dotted_keys(config)


def _dotted_keys(config: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return all keys of a nested mapping, dotted."""
    keys = []
    for key, value in config.items():
        keys.append(f"{prefix}{key}")
        if isinstance(value, Mapping):
            keys += _dotted_keys(value, f"{prefix}{key}.")
    return keys


@contextlib.contextmanager
def _new_folder(output: object, name: str) -> Iterator[Path]:
    """Make a new folder `output`/`name`/<time>; remove it and its new parents if it stays empty."""
    if not isinstance(output, str) or not output:
        raise InputError(f"output={output!r}; give the path of a folder.")
    parent = Path(output) / name
    new_folders = [p for p in (parent, *parent.parents) if not p.exists()]
    try:
        path = _make_folder(Path(output), name)
        new_folders.insert(0, path)
        yield path
    finally:
        for folder in new_folders:
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()


def _make_folder(output: Path, name: str) -> Path:
    """Make a folder that two runs of the same second do not share."""
    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    for number in range(1000):
        path = output / name / (stamp if number == 0 else f"{stamp}_{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not output.is_dir() or not (output / name).is_dir():
                raise InputError(
                    f"output={output}: is a file, or holds one named {name}; name a folder."
                ) from None
            continue
        except OSError as error:
            raise InputError(
                f"output={output}: cannot be written ({error.strerror}); set output to a writable "
                "folder."
            ) from None
        return path
    raise InputError(f"output={output}: a thousand runs in one second; wait a moment.")


class _JobFailed(Exception):
    """A job of a sweep failed; the text is its overrides."""


def _sweep(arguments: list[str]) -> int:
    """Run every job of Hydra's multirun in a process of its own.

    Memory, precision and seeds belong to a process.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException

    from pinn.sweep.launch import multirun

    failed: list[str] = []

    def job(_: Any) -> None:
        overrides = list(HydraConfig.get().overrides.task)
        text = " ".join(overrides)
        print(f"pinn run {text}", flush=True)
        command = [sys.executable, "-m", "pinn", "run", *overrides]
        if subprocess.run(command, check=False).returncode != ExitCode.OK:
            failed.append(text)
            # For launchers that call this in another process; Hydra raises it after the last job.
            raise _JobFailed(text)

    try:
        multirun(job, _prepared(arguments), config_path=str(conf_folder()), config_name="config")
    except HydraException as error:
        overrides = [a for a in arguments if not a.startswith("-")]
        raise InputError(_one_line(error, overrides)) from None
    except _JobFailed as error:
        for text in failed or [str(error)]:
            print(f"pinn: failed: pinn run {text}", file=sys.stderr)
        return ExitCode.FAILED
    return ExitCode.OK


def _show(solution: Solution) -> int:
    """Show the summary of a run, and return the exit code."""
    from pinn.record import Metrics
    from pinn.reporting.summary import summary

    console = Console()
    metrics = Metrics.from_json(solution.metrics)
    console.print(summary(metrics, solution.folder))
    if not metrics.finished:
        console.print(f"continue with: pinn resume {solution.folder}", highlight=False)
        return ExitCode.INTERRUPTED
    return ExitCode.OK
