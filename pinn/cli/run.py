"""`pinn run`, `resume` and `plot`: from Hydra's configuration to a solved problem."""

from __future__ import annotations

import contextlib
import datetime
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from pinn.cli.conf import conf_folder
from pinn.cli.quiet import quiet
from pinn.errors import InputError, did_you_mean
from pinn.reporting.published import check_published

INTERRUPTED = 130  # the shell's code for Ctrl-C
# Keys that the problem decides, so that Hydra cannot know them: problem.nu, weights.walls,
# points.counts.x-.
_OPEN = re.compile(
    r"(problem\.[\w.]+|weights(?==\{)|weights\.[\w-]+|continuation(\.\w+)?|points\.counts(\.[\w-]+)?)="
)
_WEIGHTS = re.compile(
    r"weights=(?![A-Za-z{])"
)  # neither the name of a scheme nor settings by residual


def run(argv: Sequence[str]) -> int:
    """Run what the overrides describe, or sweep over them with -m, and return the exit code.

    A first argument that ends in .py (or .py:Name) is a file that defines the problem; `--cfg job`
    shows the configuration instead of running it.
    """
    arguments = list(argv)
    if arguments and re.search(r"\.py(:\w+)?$", arguments[0]) and "=" not in arguments[0]:
        path, _, name = arguments.pop(0).partition(":")
        target = f"{Path(path).resolve()}{':' + name if name else ''}"
        arguments = ["problem=custom", f"problem._target_='{target}'", *arguments]
    if {"-m", "--multirun"} & set(arguments):
        return _sweep(arguments)
    shown = " ".join(arguments).find("--cfg job") >= 0
    config, name = compose([a for a in arguments if not (shown and a in ("--cfg", "job"))])
    if shown:
        print(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), end="")
        return 0
    check_published(config["published"])
    with quiet():  # TensorFlow is loaded only once Hydra has found no fault with the configuration
        from pinn.run import execute
        from pinn.runtime import configure
        from pinn.setup import config as configuration

    configuration.check_keys(config)
    configure(dtype=config["dtype"], device=config["device"])
    made = configuration.setup(config)
    name = config["name"] or name or type(made.problem).__name__.lower()
    kept = {key: config[key] for key in ("network", "device")}
    with _folder(config["output"], str(name)) as folder:
        return _end(execute(made, folder=folder, config=kept))


def resume(folder: str, overrides: Sequence[str] = ()) -> int:
    """Go on with a run from its last checkpoint; overrides such as a larger budget reopen its last phase."""
    with quiet():
        from pinn.run import resume as go_on

    return _end(go_on(folder, overrides=overrides))


def plot(folder: str) -> int:
    """Draw a run's figures again from its folder."""
    with quiet():
        from pinn.run import load

    for path in load(folder).save_figures():
        print(path)
    return 0


def compose(overrides: Sequence[str]) -> tuple[dict[str, Any], str | None]:
    """Return Hydra's configuration for the overrides, resolved, and the chosen problem's name.

    Raises:
        InputError: for an override that Hydra refuses, or an experiment that there is none of.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for override in overrides:
        if override.startswith("-") or ("=" not in override and not override.startswith("~")):
            raise InputError(
                f"run: {override!r} is no setting; write key=value, see `pinn run --help`."
            )
        if _WEIGHTS.match(override):
            raise InputError(
                f"{override}: choose a scheme, such as weights=gradient_norm, or give settings by name, as in "
                f"weights.walls=3."
            )
    try:
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            composed = hydra.compose("config", _opened(overrides), return_hydra_config=True)
            choices = composed.hydra.runtime.choices
            config = OmegaConf.masked_copy(composed, [str(k) for k in composed if k != "hydra"])
            plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except (
        HydraException,
        OmegaConfBaseException,
        ValueError,
    ) as error:  # the last for problem=null
        raise InputError(_told(error, overrides)) from None
    # The experiment is optional, and what is optional Hydra leaves out in silence where it is
    # misspelt.
    experiment, known = choices.get("experiment"), _choices("experiment")
    if experiment is not None and experiment not in known:
        raise InputError(f"config: no experiment {experiment!r}.{did_you_mean(experiment, known)}")
    choice = choices.get("problem")
    return plain, None if choice == "custom" else choice


def _opened(overrides: Sequence[str]) -> list[str]:
    """Return the overrides with a "++" before keys that only the problem can judge, which it does later."""
    overrides = ["weights=fixed" if o == "weights=null" else o for o in overrides]
    return [f"++{o}" if _OPEN.match(o) else o for o in overrides]


def _choices(group: str) -> list[str]:
    """Return the names of a group's files, as Hydra takes them."""
    folder = conf_folder() / group
    return [p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml")]


def _told(error: Exception, overrides: Sequence[str]) -> str:
    """Return what Hydra says of overrides in one line, with a likely correction."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines)
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        groups = [o for o in overrides if (conf_folder() / o.partition("=")[0]).is_dir()]
        known = _known_keys([] if groups == list(overrides) else groups)
        return f"config: no key {key[1]!r}.{did_you_mean(key[1], known)}"
    option = re.search(r"Could not find '(?:\w+/)*?(\w+)/([^/']+)'", text)
    if option:
        return (
            f"config: no {option[1]} {option[2]!r}.{did_you_mean(option[2], _choices(option[1]))}"
        )
    if "Missing mandatory value" in text:
        name = getattr(error, "full_key", None) or "a value"
        return f"config: {name} is missing; set {name}=…"
    return f"config: {re.sub('See https?://.*', '', text).strip()}; see `pinn run --help`."


def _known_keys(choices: Sequence[str]) -> list[str]:
    """Return all keys of the configuration in which some parts are chosen, dotted."""
    config, _ = compose(choices)

    def keys(node: Any, prefix: str) -> list[str]:
        if not isinstance(node, dict):
            return []
        return [
            k
            for key, value in node.items()
            for k in (f"{prefix}{key}", *keys(value, f"{prefix}{key}."))
        ]

    return keys(config, "")


@contextlib.contextmanager
def _folder(output: Any, name: str) -> Iterator[Path]:
    """Make a new folder `output`/`name`/<time>; if it stays empty, take it and the folders made for it away."""
    if not isinstance(output, str) or not output:
        raise InputError(f"output={output!r}; give the path of a folder.")
    parent = Path(output) / name
    absent = [p for p in (parent, *parent.parents) if not p.exists()]
    path = None
    try:
        path = _made(Path(output), name)
        yield path
    finally:
        for p in ([path] if path else []) + absent:
            with contextlib.suppress(OSError):
                p.rmdir()


def _made(output: Path, name: str) -> Path:
    """Return the folder, made so that two runs of one second do not share it."""
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
            reason = error.strerror
            raise InputError(
                f"output={output}: cannot be written ({reason}); set output to a writable folder."
            ) from None
        return path
    raise InputError(f"output={output}: a thousand runs of one second; wait a moment.")


class _JobFailed(Exception):
    """A job of a sweep that ended badly; the text is its overrides."""


def _sweep(arguments: list[str]) -> int:
    """Run every job of Hydra's multirun in a process of its own: memory, precision and seeds are per process."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException

    from pinn.sweep.launch import multirun

    failed: list[str] = []

    def job(_: Any) -> None:
        overrides = list(HydraConfig.get().overrides.task)
        print(f"pinn run {' '.join(overrides)}", flush=True)
        if subprocess.run(
            [sys.executable, "-m", "pinn", "run", *overrides], check=False
        ).returncode:
            failed.append(" ".join(overrides))
            raise _JobFailed(
                failed[-1]
            )  # for launchers that call this elsewhere; Hydra raises it after the last job

    try:
        multirun(job, _opened(arguments), config_path=str(conf_folder()), config_name="config")
    except HydraException as error:
        raise InputError(_told(error, [a for a in arguments if not a.startswith("-")])) from None
    except _JobFailed as error:
        for overrides in failed or [str(error)]:
            print(f"pinn: failed: pinn run {overrides}", file=sys.stderr)
        return 1
    return 0


def _end(solution: Any) -> int:
    """Show the last screen and return the exit code."""
    from pinn.reporting import summary

    console = Console()
    console.print(summary({**solution.metrics, "folder": str(solution.folder)}))
    if not solution.metrics["finished"]:
        console.print(f"go on with: pinn resume {solution.folder}", highlight=False)
        return INTERRUPTED
    return 0
