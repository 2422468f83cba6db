"""The command line of every subcommand: its arguments, its options and its help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from pinn.errors import InputError

HELP_OPTIONS = ("-h", "--help")
COMPLETION = ("-sc", "--shell-completion")
SHARED_OPTIONS = ("--config-dir", "--no-local-conf", "--help")
"""Options of `pinn list` and `pinn reproduce`, which completion proposes."""
OUTPUT = Path("outputs", "reproduce")
"""Where `pinn reproduce` writes runs and logs if --output is not given."""
LEDGER = Path("experiments")
"""Where `pinn reproduce` writes the ledger if --ledger is not given."""
KINDS = ("steady", "transient", "ode", "inverse")
"""Kinds of problems that `pinn new` writes."""
STRICT = "the exit code is 3 for a doubtful answer, and 1 for one that failed"
"""What --strict does."""
TRUST = "let code run that a FOLDER of somebody else, or with changed Python files, asks for"
"""What --trust does."""
SEEDS = 3
"""The number of seeds of `pinn reproduce` if --seeds is not given."""


class Parser(argparse.ArgumentParser):
    """Parses the arguments of one subcommand; bad input raises an InputError.

    Args:
        command: the name of the subcommand.
        arguments: what follows the command in the usage line.
        purpose: what the command does, in one line without a full stop.
        details: what else the help says, preformatted.
    """

    def __init__(self, command: str, arguments: str, purpose: str, details: str) -> None:
        super().__init__(
            prog=f"pinn {command}",
            usage=f"pinn {command} {arguments}".rstrip(),
            description=f"{purpose}.",
            epilog=details,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.command = command
        self.purpose = purpose

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the options and positional arguments, in any order.

        Raises:
            InputError: for an unknown option, an argument too many or a value of the wrong type.
        """
        options, unknown = self.parse_known_intermixed_args(list(arguments))
        if unknown:
            kind = "unknown option" if unknown[0].startswith("-") else "unexpected"
            self.error(f"{kind} {unknown[0]!r}")
        return options

    def error(self, message: str) -> NoReturn:
        """Raise an InputError instead of printing the usage and exiting."""
        raise InputError(f"{self.command}: {message}; see `pinn {self.command} --help`.")


def run_parser() -> Parser:
    """Return what the help of `pinn` says about `pinn run`, whose arguments Hydra reads."""
    return Parser("run", "", "Solve a problem as the configuration describes it", "")


def check_parser() -> Parser:
    """Return the help of `pinn check`, whose arguments Hydra reads."""
    return Parser(
        "check",
        "[FILE.py[:Class] | MODULE:Class] [FILE.yaml] [key=value ...] [--picture FILE.png]",
        "Show equations, conditions, sizes and cost of a problem, and what is doubtful",
        "Nothing is trained and no folder is written. The arguments are those of `pinn run`, with\n"
        "--config-dir, --config-name, --config-path and --no-local-conf.\n\n"
        "Examples:\n"
        "  pinn check my_problem.py\n"
        "  pinn check experiment=burgers network.width=40\n"
        "  pinn check my_problem.py --picture points.png   with the points of all regions",
    )


def resume_parser() -> Parser:
    """Return the parser of `pinn resume`."""
    parser = Parser(
        "resume",
        "FOLDER [key=value ...] [--strict] [--trust]",
        "Continue a run from its last checkpoint, or do what is left of a sweep",
        "Overrides change the run's configuration, such as the number of iterations of a phase.\n"
        "Of a sweep, unfinished and failed runs continue, and runs that have not begun start.",
    )
    parser.add_argument(
        "arguments", nargs="*", metavar="FOLDER", help="the folder of the run or of the sweep"
    )
    parser.add_argument("--strict", action="store_true", help=f"of a run, {STRICT}")
    parser.add_argument("--trust", action="store_true", help=TRUST)
    return parser


def plot_parser() -> Parser:
    """Return the parser of `pinn plot`."""
    parser = Parser(
        "plot",
        "FOLDER ... [--trust]",
        "Draw the pictures of runs or sweeps again",
        "Writes figures/*.png in every FOLDER from its configuration, history and best parameters.",
    )
    parser.add_argument(
        "arguments", nargs="*", metavar="FOLDER", help="the folder of a run or of a sweep"
    )
    parser.add_argument("--trust", action="store_true", help=TRUST)
    return parser


def diagnose_parser() -> Parser:
    """Return the parser of `pinn diagnose`."""
    parser = Parser(
        "diagnose",
        "FOLDER ... [--strict] [--trust]",
        "Show how far the answers of runs can be trusted",
        "Shows the estimated errors, what equations and conditions leave open (which the run has\n"
        "drawn in figures/undetermined.png), the warnings of the run and its verdict.",
    )
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="the folder of a run")
    parser.add_argument("--strict", action="store_true", help=STRICT)
    parser.add_argument("--trust", action="store_true", help=TRUST)
    return parser


def compare_parser() -> Parser:
    """Return the parser of `pinn compare`."""
    parser = Parser(
        "compare",
        "FOLDER ...",
        "Show several runs side by side",
        "Shows one row per finished run (errors, ratio to the published value, cost), then the\n"
        "keys of the configuration in which the runs differ. The folder of a sweep stands for its\n"
        "finished runs.",
    )
    parser.add_argument(
        "folders", nargs="*", metavar="FOLDER", help="the folder of a run or of a sweep"
    )
    return parser


def reproduce_parser() -> Parser:
    """Return the parser of `pinn reproduce`."""
    parser = Parser(
        "reproduce",
        "NAME ... | --all [--seeds N] [--again | --changed] [--launcher NAME]",
        "Run experiments over seeds, and rewrite the ledger of their results",
        "Every experiment and seed is a job in a process of its own, one after another. Finished\n"
        "jobs are skipped, interrupted or killed ones continue, and a failed job does not stop\n"
        "the others. So the command can be stopped (Ctrl-C) and called again, or called twice at\n"
        "the same time.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="an experiment, or a setting of the launcher"
    )
    _add_choice_of_jobs(parser)
    _add_folders(parser)
    _add_places(parser)
    return parser


def _add_choice_of_jobs(parser: Parser) -> None:
    """Add the options of `pinn reproduce` that say which jobs run, and where."""
    add = parser.add_argument
    add("--all", action="store_true", help="all experiments of `pinn list` except smoke")
    add(
        "--seeds",
        type=int,
        default=SEEDS,
        metavar="N",
        help=f"seeds 0 … N - 1 (default {SEEDS}); with 0, only rewrite the ledger",
    )
    add("--again", action="store_true", help="run finished jobs anew")
    add(
        "--changed",
        action="store_true",
        help="run jobs anew that finished with other settings than the experiment has now",
    )
    add(
        "--launcher",
        metavar="NAME",
        help="joblib, submitit_local or submitit_slurm (pip install '.[sweeps]'), with settings "
        "such as hydra.launcher.n_jobs=2 or hydra.launcher.partition=gpu",
    )


def _add_places(parser: Parser) -> None:
    """Add the options of `pinn reproduce` that name folders."""
    parser.add_argument(
        "--output",
        type=Path,
        default=OUTPUT,
        metavar="FOLDER",
        help=f"for the runs and logs of the jobs (default {OUTPUT})",
    )
    parser.add_argument(
        "--ledger",
        type=Path,
        default=LEDGER,
        metavar="FOLDER",
        help=f"for ledger.md, ledger.json and ledger/ (default {LEDGER})",
    )


def list_parser() -> Parser:
    """Return the parser of `pinn list`."""
    parser = Parser(
        "list",
        "[NAME ...]",
        "Show the experiments, problems and searches that can be run",
        "Experiments reproduce a published result, which is shown next to each. With NAMEs, show\n"
        "these experiments or problems in full: the whole description, every published value and\n"
        "its source, coefficients.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="an experiment or a problem")
    _add_folders(parser)
    return parser


def _add_folders(parser: Parser) -> None:
    """Add the options that say where configuration files are; Hydra's names, where it has one."""
    parser.add_argument(
        "--config-dir",
        "-cd",
        metavar="FOLDER",
        help="a folder of configuration files of your own, besides conf/ in the working folder",
    )
    parser.add_argument(
        "--no-local-conf", action="store_true", help="leave out conf/ in the working folder"
    )


def named_folders(options: argparse.Namespace) -> list[str]:
    """Return the folders of configuration files that options name."""
    return [options.config_dir] if options.config_dir else []


def options_of_folders(options: argparse.Namespace) -> list[str]:
    """Return the options by which another process finds the same configuration files."""
    found = ["--no-local-conf"] if options.no_local_conf else []
    if options.config_dir:
        found += ["--config-dir", str(Path(options.config_dir).resolve())]
    return found


def new_parser() -> Parser:
    """Return the parser of `pinn new`."""
    parser = Parser(
        "new",
        "NAME [--kind KIND] [--data FILE [data.KEY=VALUE ...]]",
        "Write a problem, an experiment and a test, from which to start",
        "Writes NAME.py, conf/experiment/NAME.yaml and test_NAME.py into the working folder. It\n"
        "overwrites nothing. With --data, columns of FILE become coordinates and fields, which\n"
        "their names and units tell, and the experiment fits them. data.separator, data.decimal,\n"
        "data.columns and data.sheet say how FILE is read.\n\n"
        "Examples:\n"
        "  pinn new rod --kind transient\n"
        "  pinn new probes --data measured.csv data.decimal=comma",
    )
    add = parser.add_argument
    add("arguments", nargs="*", metavar="NAME", help="the name of the problem, as of a module")
    add(
        "--kind",
        metavar="KIND",
        help=f"one of {', '.join(KINDS)}; by default {KINDS[1]}, or what the file has",
    )
    add("--data", metavar="FILE", help="a file of measurements, one row per point")
    return parser


def doctor_parser() -> Parser:
    """Return the parser of `pinn doctor`."""
    return Parser(
        "doctor",
        "",
        "Show versions and devices, and test the installation",
        "The checks take some seconds; the exit code is 1 if one of them fails.",
    )


PARSERS: dict[str, Callable[[], Parser]] = {
    "run": run_parser,
    "check": check_parser,
    "resume": resume_parser,
    "plot": plot_parser,
    "diagnose": diagnose_parser,
    "compare": compare_parser,
    "reproduce": reproduce_parser,
    "list": list_parser,
    "new": new_parser,
    "doctor": doctor_parser,
}
"""The parser of every subcommand, in the order of the help."""
