"""Command lines of Hydra's documentation, ours beside them, and what has to happen."""

from typing import NamedTuple

FILES = {
    "conf/debug/quick.yaml": "# @package _global_\nseed: 99\n",
    "conf/debug/slow.yaml": "# @package _global_\nseed: 98\n",
    "conf/experiment/aplite.yaml": "# @package _global_\nseed: 3\n",
    "conf/experiment/nglite.yaml": "# @package _global_\nseed: 4\n",
    "conf/network/small.yaml": "defaults: [mlp, _self_]\nwidth: 4\n",
    "conf/network/moved.yaml": "# @package foo.bar\nwidth: 5\n",
    "conf/waldo.yaml": "defaults: [config, _self_]\nwaldo: ???\n",
    "conf/loompa.yaml": "defaults: [config, _self_]\nseed: 10\nname: oompa ${seed}\n",
    "conf/first.yaml": "defaults: [_self_, config]\nseed: 6\n",
    "conf/last.yaml": "defaults: [config, _self_]\nseed: 6\n",
    "conf/swept.yaml": (
        "defaults: [config, _self_]\n"
        "hydra: {sweeper: {params: {seed: '0,1', network.width: '5,6'}}}\n"
    ),
    "conf/two.yaml": "defaults: [config, network@src: mlp, network@dst: mlp, _self_]\n",
    "whole/all.yaml": "problem: {_target_: pinn.problems.Wave}\nseed: 6\n",
    "more/__init__.py": "",
    "more/network/imagenet.yaml": "defaults: [mlp, _self_]\nwidth: 7\n",
}
"""The files of the working folder in which the command lines are called."""


DOCS = "https://hydra.cc/docs/1.3"


class Row(NamedTuple):
    """A command line.

    Attributes:
        theirs: the arguments behind `python my_app.py`.
        ours: those behind `pinn`.
        happens: what happens, in words.
        shows: a regular expression for what is printed.
        refused: whether the line is refused.
    """

    theirs: str
    ours: str
    happens: str
    shows: str
    refused: bool = False


_FOLDER = r"folder: .*outputs/burgers/\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d"

PAGES: dict[tuple[str, str], list[Row]] = {
    ("A simple command-line application", "tutorials/basic/your_first_app/simple_cli/"): [
        Row(
            "+db.driver=mysql +db.user=omry",
            "run +db.driver=mysql +db.user=omry",
            "added, and refused when the run begins: no setting has this name",
            r"pinn: config: unknown key 'db'",
            refused=True,
        ),
        Row(
            "+db.driver=mysql --cfg job",
            "run +db.driver=mysql --cfg job --package db",
            "added and shown",
            r"driver: mysql",
        ),
    ],
    ("Specifying a config file", "tutorials/basic/your_first_app/config_file/"): [
        Row("", "run", "runs what `config.yaml` says", _FOLDER + r"(.|\n)*seed: 0"),
        Row(
            "db.user=root db.password=1234",
            "run network.width=30 seed=2",
            "other values",
            r"width: 30(.|\n)*seed: 2",
        ),
        Row("++db.password=1234", "run ++network.width=30", "another value", r"width: 30"),
        Row(
            "++db.timeout=5",
            "run ++network.timeout=5",
            "added, and refused when the run begins: a network has no such setting",
            r"pinn: network.timeout: unknown setting",
            refused=True,
        ),
    ],
    ("Using the config object", "tutorials/basic/your_first_app/using_config/"): [
        Row(
            " with `do: oompa ${…}`",
            "run --config-name loompa",
            "values refer to others",
            r"name: oompa 10",
        ),
        Row(
            " with `waldo: ???`",
            "run --config-name waldo",
            "refused before anything is read, not at first use",
            r"pinn: config: waldo is missing; set waldo=…",
            refused=True,
        ),
    ],
    ("Grouping config files", "tutorials/basic/your_first_app/config_groups/"): [
        Row("+db=postgresql", "run +debug=quick", "a group of one's own", r"seed: 99"),
        Row(
            "+db=postgresql db.timeout=20",
            "run +debug=quick seed=20",
            "… with another value",
            r"seed: 20",
        ),
        Row(
            "+db=nope", "run +debug=nope", "refused, with the choices", r"quick, slow", refused=True
        ),
    ],
    ("Selecting default configs", "tutorials/basic/your_first_app/defaults/"): [
        Row(
            "db=postgresql db.timeout=20",
            "run network=small network.depth=2",
            "another choice, and another value",
            r"width: 4\n  depth: 2",
        ),
        Row("~db", "run ~network --cfg job", "left out", r"\A(?!(.|\n)*^network:)(.|\n)*^points:"),
        Row(
            "~db",
            "run ~network",
            "runs with the default network",
            r"\A(?!(.|\n)*^network:)(.|\n)*^points:",
        ),
        Row(
            " with `_self_` first",
            "run --config-name first",
            "what the list of defaults names comes last",
            r"seed: 0",
        ),
        Row(
            " with `_self_` last",
            "run --config-name last",
            "the file itself comes last",
            r"seed: 6",
        ),
    ],
    ("Putting it all together", "tutorials/basic/your_first_app/composition/"): [
        Row(
            "db=postgresql schema=school ui=view",
            "run network=siren weights=ntk optimizer@phases.polish=lbfgs",
            "one choice per group",
            r"initialization: siren(.|\n)*NTK(.|\n)*LBFGS",
        ),
    ],
    ("Multi-run", "tutorials/basic/running_your_app/multi-run/"): [
        Row(
            "hydra.mode=MULTIRUN db=mysql,postgresql schema=a,b",
            "run hydra.mode=MULTIRUN network=mlp,siren seed=0,1",
            "a process per combination",
            r"#0: network=mlp seed=0\n(.|\n)*#3: network=siren seed=1",
        ),
        Row(
            "--multirun db=mysql,postgresql schema=a,b",
            "run --multirun network=mlp,siren seed=0,1",
            "the same",
            r"#0: network=mlp seed=0\n(.|\n)*#3: network=siren seed=1",
        ),
        Row(
            "-m db=mysql,postgresql schema=a,b",
            "run network=mlp,siren -m seed=0,1",
            "the same, at any place in the line",
            r"#0: network=mlp seed=0\n(.|\n)*#3: network=siren seed=1",
        ),
        Row(
            "-m hydra.mode=RUN db=mysql,postgresql",
            "run -m hydra.mode=RUN seed=0,1",
            "a sweep, with Hydra's warning",
            r"UserWarning(.|\n)*#1: seed=1|#1: seed=1",
        ),
        Row(
            "db=mysql,postgresql",
            "run network=mlp,siren",
            "refused: a sweep needs --multirun",
            r"pinn: config: Ambiguous value",
            refused=True,
        ),
        Row(
            " with `hydra.sweeper.params`, and -m",
            "run --config-name swept -m",
            "the sweep of the file",
            r"#0: seed=0 network.width=5\n(.|\n)*#3: seed=1 network.width=6",
        ),
        Row(
            "-m db=mysql",
            "run --config-name swept -m network.width=7",
            "the sweep of the file, where the line says nothing else",
            r"#0: seed=0 network.width=7\n(.|\n)*#1: seed=1 network.width=7\n\Z",
        ),
        Row(
            "-m 'x=range(1,10)'",
            "run -m 'seed=range(1,4)'",
            "a range",
            r"#0: seed=1\n(.|\n)*#2: seed=3\n\Z",
        ),
        Row(
            "-m 'schema=glob(*)'",
            "run -m '+debug=glob(*)'",
            "all of a group",
            r"#0: \+debug=quick\n(.|\n)*#1: \+debug=slow\n\Z",
        ),
        Row(
            "-m 'schema=glob(*,exclude=w*)'",
            "run -m '+debug=glob(*,exclude=q*)'",
            "… but some",
            r"#0: \+debug=slow\n\Z",
        ),
    ],
    ("Working directory", "tutorials/basic/running_your_app/working_directory/"): [
        Row("", "run", "`outputs/<name>/<time>`, a folder per run", _FOLDER),
        Row(
            "hydra.job.chdir=True",
            "run hydra.job.chdir=True",
            "runs in its folder",
            r"working folder: .*outputs/burgers/",
        ),
        Row(
            "hydra.run.dir=my_folder",
            "run hydra.run.dir=my_folder",
            "the folder of the run",
            r"folder: my_folder",
        ),
        Row(
            "hydra.output_subdir=.hydra",
            "run hydra.run.dir=kept hydra.output_subdir=.hydra",
            "Hydra's own files too, which are left out by default: `config.yaml` says all",
            r"files: kept/.hydra/config.yaml, kept/.hydra/hydra.yaml, kept/.hydra/overrides.yaml",
        ),
    ],
    ("Logging", "tutorials/basic/running_your_app/logging/"): [
        Row(
            "hydra.verbose=true",
            "run hydra.verbose=true",
            "Hydra's log; there is none by default",
            r"Config search path",
        ),
        Row(
            "hydra.verbose=[__main__,hydra]",
            "run hydra.verbose=[__main__,hydra]",
            "the same",
            r"Config search path",
        ),
        Row(
            "hydra/job_logging=none hydra/hydra_logging=none",
            "run hydra/job_logging=none hydra/hydra_logging=none",
            "no log, as by default",
            r"\Awith the conf[^\n]*\nfolder:",
        ),
        Row(
            "hydra/job_logging=disabled",
            "run hydra/job_logging=disabled",
            "no log",
            r"\Awith the conf[^\n]*\nfolder:",
        ),
    ],
    ("Debugging", "tutorials/basic/running_your_app/debugging/"): [
        Row("--cfg job", "run --cfg job", "the configuration, and no run", r"^problem:"),
        Row("db.host=a --cfg job", "run seed=5 --cfg job", "… with the line's values", r"^seed: 5"),
        Row(
            "--cfg hydra --package hydra.job",
            "run --cfg hydra --package hydra.job",
            "a part of Hydra's own",
            r"# @package hydra.job\nname: pinn",
        ),
        Row("--cfg all", "run --cfg all", "both", r"^hydra:(.|\n)*^problem:"),
        Row(
            "--cfg job --resolve",
            "run --config-name loompa --cfg job --resolve",
            "with references resolved",
            r"name: oompa 10",
        ),
        Row("--info", "run --info", "all there is to know", r"Installed Hydra Plugins"),
        Row("--info all", "run --info all", "the same", r"Installed Hydra Plugins"),
        Row("--info config", "run --info config", "how it was composed", r"Config search path"),
        Row("--info defaults", "run --info defaults", "the list of defaults", r"network/mlp"),
        Row("--info defaults-tree", "run --info defaults-tree", "… as a tree", r"network: mlp"),
        Row("--info plugins", "run --info plugins", "the plugins", r"Installed Hydra Plugins"),
    ],
    ("Tab completion", "tutorials/basic/running_your_app/tab_completion/"): [
        Row("--hydra-help", "run --hydra-help", "Hydra's flags", r"== Flags =="),
        Row("-sc install=bash", "-sc install=bash", "bash and zsh", r"-sc query=bash"),
        Row("-sc install=fish", "-sc install=fish", "fish", r"-sc query=fish"),
    ],
    ("Packages", "advanced/overriding_packages/"): [
        Row(
            " with `# @package foo.bar`",
            "run network=moved --cfg job --package foo",
            "the file says where its values go",
            r"bar:\n +width: 5",
        ),
        Row(
            " with `server/db@src: mysql`",
            "run --config-name two --cfg job --package src",
            "so does a list of defaults",
            r"# @package src\n(.|\n)*width: 20",
        ),
        Row(
            "server/db@src=sqlite",
            "run --config-name two network@src=small --cfg job --package src",
            "one of two choices of a group",
            r"# @package src\n(.|\n)*width: 4",
        ),
    ],
    ("Config search path", "advanced/search_path/"): [
        Row(
            "--info searchpath",
            "run --info searchpath",
            "ours, `conf/` of the working folder, installed packages",
            r"conf://(.|\n)*file://",
        ),
        Row(
            "dataset=imagenet",
            "run network=imagenet",
            "refused: the folder is not searched yet",
            r"pinn: config: no network 'imagenet'",
            refused=True,
        ),
        Row(
            "'hydra.searchpath=[pkg://additional_conf]'",
            "run 'hydra.searchpath=[pkg://more]' network=imagenet",
            "a package",
            r"width: 7",
        ),
        Row(
            "'hydra.searchpath=[file://additional_conf]'",
            "run 'hydra.searchpath=[file://more]' network=imagenet",
            "a folder",
            r"width: 7",
        ),
        Row(
            "--config-dir additional_conf",
            "run --config-dir more network=imagenet",
            "the same",
            r"width: 7",
        ),
    ],
    ("Configuring experiments", "patterns/configuring_experiments/"): [
        Row("+experiment=aplite", "run +experiment=aplite", "with and without +", r"seed: 3"),
        Row("+experiment=nglite", "run experiment=nglite", "with and without +", r"seed: 4"),
        Row(
            "--multirun +experiment=aplite,nglite",
            "run --multirun +experiment=aplite,nglite",
            "a run each",
            r"#0: experiment=aplite\n(.|\n)*#1: experiment=nglite\n",
        ),
        Row(
            "--multirun '+experiment=glob(*)'",
            "run --multirun '+experiment=glob(*lite)'",
            "a run each; `*` alone has ours too",
            r"#0: experiment=aplite\n(.|\n)*#1: experiment=nglite\n",
        ),
    ],
    ("Command line flags", "advanced/hydra-command-line-flags/"): [
        Row("--help", "run --help", "ours, with groups and options", r"usage: pinn run"),
        Row("--version", "run --version", "Hydra's; `pinn --version` is ours", r"Hydra 1\.3"),
        Row("--run", "run --run seed=2", "a run, as without it", r"seed: 2"),
        Row(
            "--config-name other", "run --config-name last", "starts from another file", r"seed: 6"
        ),
        Row(
            "--config-path other",
            "run --config-path whole --config-name all --cfg job",
            "a folder in the place of ours",
            r"\A(with.*\n)?problem:\n +_target_: pinn.problems.Wave\nseed: 6",
        ),
        Row(
            "--config-path other",
            "run --config-path conf --no-local-conf --config-name two --cfg job",
            "refused where the folder lacks what it names: `--config-dir` adds one to ours",
            r"pinn: config: no network 'mlp' in --config-path",
            refused=True,
        ),
        Row(
            "--experimental-rerun a.pickle",
            "run --experimental-rerun a.pickle",
            "refused, because runs are not pickled: `pinn resume FOLDER`",
            r"pinn: --experimental-rerun a.pickle: runs are not pickled",
            refused=True,
        ),
    ],
}
"""The command lines by the title of a page and its place below `DOCS`."""
