"""Every bad input gets one clear line with a remedy and an exit code; no file is lost or left."""

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import yaml
from finished_runs import finished_run

import pinn
from pinn.cli.main import main
from pinn.errors import InputError
from pinn.measurements import DataFile, checked_sets, measurements, point_set, read_sets
from pinn.objective import Objective, PointSet, draw
from pinn.problem import residual
from pinn.problems import Heat
from pinn.record import RunFolder
from pinn.run import folder as run_folder
from pinn.setup import Points
from pinn.setup.build import locate
from pinn.setup.network import default_network

ROOT = Path(pinn.__file__).parent.parent
TINY = [
    *(
        "experiment=smoke",
        "network.width=4",
        "network.depth=1",
        "points.counts.interior=64",
        "points.test=64",
    ),
    *("points.counts.initial=8", "points.counts.boundary=8"),
    *(
        f"phases.{name}.{key}=2"
        for name in ("explore", "polish")
        for key in ("stop.max_iterations", "report_every")
    ),
]
PROBLEM = """
import tensorflow as tf
from pinn import Interval, Problem, residual

class Mine(Problem):
    fields = ("u", "v")
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def first(self, {parameters}):
        return {value}

    @residual(on="boundary")
    def walls(self, u, v):
        return u + v

    def reference(self, x):
        return {reference}
{more}
"""
PARTS = {
    "parameters": "u_x, v",
    "value": "u_x - v",
    "reference": "{'u': x, 'v': x}",
    "more": "",
}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Every test works in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a finished run."""
    return finished_run(tmp_path_factory.mktemp("runs"), *TINY)


@pytest.fixture
def folder(finished, tmp_path):
    """Return a copy of a finished run's folder, free to be damaged."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def refused(capsys, *arguments: str) -> str:
    """Run a command that must be refused, and return what it says: one line on stderr."""
    capsys.readouterr()
    assert main(list(arguments)) == 2
    err = capsys.readouterr().err
    assert (
        err.startswith("pinn: ")
        and err.endswith("\n")
        and err.count("\n") == 1
        and "Traceback" not in err
    )
    return err


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


UNKNOWN_KEYS = [
    ("nework.width=3", "'nework.width'", "'network.width'"),
    ("network.widht=3", "'network.widht'", "'network.width'"),
    ("phases.polish.stop.max_iteration=3", "max_iteration'", "'phases.polish.stop.max_iterations'"),
    ("points.count.interior=5", "'points.count.interior'", "'points.counts.interior'"),
    ("points.counts.interor=5", "points.counts.interor:", "'interior'"),
    ("weights.wals=3", "weights.wals:", "'walls'"),
    ("problem.unknowns.lamda1=1", "'lamda1'", "'lambda1'"),
    ("+points.metod=grid", "points.metod:", "'method'"),
    ("+network.widht=3", "network.widht:", "'width'"),
    ("+phases.polish.optimizer.pair=3", "phases.polish.optimizer.pair:", "'pairs'"),
    (
        "+phases.polish.stop.max_iteration=3",
        "phases.polish.stop.max_iteration:",
        "'max_iterations'",
    ),
    ("+sed=1", "'sed'", "'seed'"),
    ("experiment=smok", "'smok'", "'smoke'"),
    ("problem=burger", "'burger'", "'burgers'"),
    ("network=mpl", "'mpl'", "'mlp'"),
    ("optimizer@phases.polish=lbfsg", "'lbfsg'", "'lbfgs'"),
    ("data=sintetic", "'sintetic'", "'synthetic'"),
    ("weights=gradient_nrom", "'gradient_nrom'", "'gradient_norm'"),
    ("+weights.scheme={_target_: pinn.weights.NTK, evry: 3}", "weights.scheme.evry:", "'every'"),
    ("problem._target_=pinn.problems.Burger", "'Burger'", "'Burgers'"),
    ("points.method=sobl", "points.method='sobl'", "'sobol'"),
    ("constraints=hrad", "constraints='hrad'", "'hard'"),
    ("derivatives=tailor", "derivatives='tailor'", "'taylor'"),
    ("dtype=float16", "dtype='float16'", "'float64'"),
    ("device=gpus", "device='gpus'", "'gpu'"),
]


@pytest.mark.parametrize(
    ("override", "offender", "correction"), UNKNOWN_KEYS, ids=[k[0] for k in UNKNOWN_KEYS]
)
def test_misspelt_names_are_corrected(override, offender, correction, capsys):
    experiment = [] if override.startswith("experiment") else ["experiment=smoke"]
    line = refused(capsys, "run", *experiment, override)
    assert offender in line and f"Did you mean {correction}?" in line
    assert not list(Path().iterdir())  # no run folder is left behind


BAD_VALUES = [
    ("points.counts.interior=0", "points.counts.interior=0", "at least 1"),
    ("points.counts.interior=-5", "points.counts.interior=-5", "at least 1"),
    ("points.counts.interior=1.5", "points.counts.interior=1.5", "whole number"),
    ("points.counts=3", "points.counts=3", "give a mapping"),
    ("points.heldout=0", "points.heldout=0", "positive share"),
    ("points.heldout=some", "points.heldout='some'", "give a number"),
    ("points.test=0", "points.test=0", "at least 1"),
    ("points.block=0", "points.block=0", "at least 1"),
    ("network.width=0", "width=0", "at least 1"),
    ("network.depth=two", "depth='two'", "whole number"),
    ("network.activation=tahn", "tahn", "tanh"),
    ("problem.nu=-1", "nu=-1", "positive"),
    ("problem.nu=nan", "nu=nan", "finite"),
    ("problem.nu=small", "nu='small'", "number"),
    ("scales={unknowns: {nu: -1}}", "scales.unknowns.nu=-1", "positive"),
    ("scales={unknowns: 1.0}", "scales.unknowns=1.0", "by name"),
    ("scales={unknowns: {Re: 1.0}}", "scales.unknowns.Re: no such unknown", "Leave it out"),
    ("problem.unknowns={nu: low}", "unknowns.nu.start='low'", "number"),
    ("dtype=null", "dtype=None", "float64"),
    ("seed=-1", "seed=-1", "from 0 to"),
    ("seed=one", "seed='one'", "whole number"),
    ("seed=99999999999999999999", "seed=9999999999", "from 0 to"),
    ("weights.walls=-3", "weights.walls=-3", "at least 0"),
    ("weights.walls=big", "weights.walls='big'", "finite number"),
    ("weights.walls=inf", "weights.walls=inf", "finite number"),
    ("weights={momentum: 0}", "weights", "at least one"),
    ("weights=3", "weights=3", "settings by name"),
    ("weights.scheme=3", "weights.scheme=3", "weights=gradient_norm"),
    ("weights=causal weights.scheme.chunks=1", "chunks=1", "at least 2"),
    ("weights=causal weights.scheme.chunks=few", "weights.scheme.chunks='few'", "whole number"),
    ("weights=causal weights.scheme.epsilon=[1, 0.1]", "epsilon=[1, 0.1]", "several that rise"),
    ("weights=ntk weights.scheme.evry=3", "weights.scheme.evry", "Did you mean"),
    ("weights=self_adaptive weights.scheme.mask=square", "mask='square'", "polynomial or sigmoid"),
    (
        "weights=self_adaptive weights.scheme.terms=walls",
        "weights.scheme.terms='walls'",
        "a list or null",
    ),
    (
        "weights=self_adaptive weights.scheme.terms=[wals] constraints=soft",
        "'wals'",
        "Did you mean 'walls'",
    ),
    ("weights=gradient_norm", "momentum is the loss's only term", "constraints=soft"),
    ("weights=causal problem=helmholtz", "Helmholtz is steady", "another weighting scheme"),
    ("weights=causal phases.explore=null", "phases.polish is L-BFGS", "adam or soap"),
    ("output=/proc/nothing", "output=/proc/nothing", "writable folder"),
    ("output=null", "output=None", "path of a folder"),
    ("published=3", "published=3", "settings by name"),
    ("data={coordinates: [[0, 0]]}", "data: has no measured field", "give at least one of u"),
    ("data={coordinates: [[0, 0]], values: 3}", "data.values=3", "dict of arrays by field"),
    ("data={coordinates: 3, values: {u: [1]}}", "data.coordinates: shape ()", "[n, 2] of x, t"),
    ("data={probes: {cout: 3}}", "data.probes.cout: unknown setting", "'count'"),
    ("data={probes: {count: 0}}", "data.probes.count=0", "at least 1"),
    ("data={probes: {sigma: 0}}", "data.probes.sigma=0", "a positive number"),
    (
        "data={probes: {sigma: noise}}",
        "data.probes.sigma='noise': with data.probes.noise=0",
        "give",
    ),
    ("data={probes: {path: no.csv}}", "data.probes.path=no.csv: cannot be read", "path of a file"),
    ("data={probes: {count: 3}, x: {count: 3}}", "data: 'x' cannot name a set", "no coordinate"),
    ("data={probes: {count: 3}, more: 3}", "data.more=3", "settings of a set, or null"),
    ("data=synthetic data.sigma=-1", "data.sigma=-1", "a positive number"),
    ("phases.polish=3", "phases.polish=3", "optimizer@phases.polish=lbfgs"),
    ("phases.polish.stop=3", "phases.polish.stop=3", "settings by name"),
    ("phases.polish.stop.max_iterations=-1", "max_iterations=-1", "at least 0"),
    (
        "phases.polish.stop.max_seconds=long",
        "phases.polish.stop.max_seconds='long'",
        "number or null",
    ),
    ("phases.polish.report_every=0", "phases.polish.report_every=0", "at least 1"),
    ("phases.polish.optimizer.pairs=0", "pairs=0", "at least 1"),
    (
        "optimizer@phases.polish=ssbroyden network.width=2000",
        "4,010,001 x 4,010,001 parameters",
        "use lbfgs",
    ),
    ("phases.explore.optimizer.learning_rate=-1", "learning_rate=-1", "positive"),
    ("phases.explore.optimizer.learning_rate=fast", "learning_rate='fast'", "number or a schedule"),
    ("phases.explore.optimizer.learning_rate.decay_steps=0", "decay_steps", "> 0"),
    ("network=[1,2]", "network=[1,2]", "as in network=NAME"),
    ("problem=[1,2,3]", "problem=[1,2,3]", "as in problem=NAME"),
    ("data=[1,nan]", "data=[1,nan]", "as in data=NAME"),
    ("problem.unknowns=3", "unknowns=3", "give starts by name"),
    ("phases.polish.optimizer=3", "phases.polish.optimizer=3", "give settings by name"),
    ("network.width=9223372036854775807", "width=9223372036854775807", "at most 2,147,483,647"),
    ("network.width=2147483647", "network: about", "smaller network"),
    ("network.depth=2000", "depth=2000", "from 1 to 200"),
    ("network=fourier network.fourier.count=2147483647", "network: about", "fewer"),
    ("phases.polish.optimizer.pairs=9223372036854775807", "pairs=922", "at most 2,147,483,647"),
    ("phases.polish.stop.max_evaluations=2147483648", "max_evaluations=2147483648", "at most"),
    ("phases.explore.stop.max_iterations=2147483648", "max_iterations=2147483648", "at most"),
    ("points.counts.interior=1e30", "points.counts.interior=1e+30", "whole number"),
    ("points.test=2147483648", "points.test=2147483648", "at most"),
    ("windows=1000000", "windows=1000000", "at most 1,000"),
    ("problem.nu=1e308", "Burgers.reference: ZeroDivisionError", "other values of its coeff"),
    ("problem.nu=1e-308", "Burgers.reference: ZeroDivisionError", "other values of its coeff"),
    (f"name={'a' * 300}", "a name that is too long", "set name or output"),
    (f"output={'a' * 300}", "a name that is too long", "set name or output"),
    ("phases.explore.optimizer.learning_rate=1e308", "learning_rate=1e+308", "at most 1e+38"),
    ("points.counts={3: 3}", "points.counts.3: no such region", "name one"),
    ("published={baseline: {value: x}}", "published.baseline.value='x'", "give a number"),
    ("+=007", "'+=007' has no key", "write key=value"),
    ("problem=null", "Config group", "--help"),
    ("problem=custom", "problem._target_", "set problem._target_"),
    ("~problem", "problem: none", "problem=burgers"),
    ("seed=[", "'['", "--help"),
    ("--fast", "unrecognized arguments: --fast", "pinn run --help"),
    ("burgers", "'burgers'", "key=value"),
    ("nosuch.py", "nosuch.py", "give the path of a Python file"),
]


@pytest.mark.parametrize(
    ("override", "offender", "remedy"), BAD_VALUES, ids=[v[0] for v in BAD_VALUES]
)
def test_bad_values_are_named_with_a_remedy(override, offender, remedy, capsys):
    line = refused(capsys, "run", "experiment=smoke", *re.split(r" (?=[\w.]+=)", override))
    assert offender in line and remedy in line
    assert not list(Path().iterdir())


@pytest.mark.slow
def test_a_gram_matrix_that_does_not_fit_into_memory(eager, capsys):
    """It is known at the first iteration, by the number of residuals."""
    settings = ["optimizer@phases.explore=gauss_newton", "phases.explore.optimizer.algebra=gram"]
    large = [*TINY, *settings, "network.width=2000", "network.depth=2", "points.test=4"]
    line = refused(capsys, "run", *large, "points.counts.interior=4")
    assert "4,010,001 parameters: takes" in line and "use lbfgs" in line
    assert not list(Path().iterdir())


BAD_CHECKS = [
    (["--picture"], "--picture", "--help"),
    (["experiment=smoke", "--picture", "points.pdf"], "picture=points.pdf", "such as points.png"),
    (["experiment=smoke", "--picture", "no/points.png"], "picture=no/points.png", "that exists"),
    (["experiment=smoke", "-m"], "--multirun", "leave it out"),
    (["experiment=smok"], "'smok'", "Did you mean 'smoke'"),
    (["nosuch.py"], "nosuch.py", "give the path"),
    (["burgers"], "'burgers'", "key=value"),
]


@pytest.mark.parametrize(("arguments", "offender", "remedy"), BAD_CHECKS)
def test_bad_arguments_of_check_are_named_with_a_remedy(arguments, offender, remedy, capsys):
    line = refused(capsys, "check", *arguments)
    assert offender in line and remedy in line
    assert not list(Path().iterdir())


BAD_UNITS = [
    ('{"X": "m"}', "units: 'X' is no coordinate", "Known: u, v, x"),
    ('{"x": 3}', "units: x=3 is no unit", "give text"),
    ('"m"', "units='m' is no dict", "units by name"),
]


@pytest.mark.parametrize(("units", "offender", "remedy"), BAD_UNITS)
def test_bad_units_of_a_problem_file(units, offender, remedy, capsys):
    Path("mine.py").write_text(PROBLEM.format(**(PARTS | {"more": f"    units = {units}"})))
    line = refused(capsys, "run", "mine.py")
    assert offender in line and remedy in line


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
def test_a_gpu_that_is_not_there(capsys):
    line = refused(capsys, "run", "experiment=smoke", "device=gpu")
    assert "device=gpu" in line and "use device=cpu" in line


def test_unknowns_without_a_reference_to_measure(capsys):
    Path("mine.py").write_text(PROBLEM.format(**(PARTS | {"reference": "None"})))
    line = refused(capsys, "run", "mine.py", "data=synthetic")
    assert "Mine" in line and "no reference to measure" in line and "data of your own" in line


@pytest.mark.parametrize(
    ("key", "value", "correction"),
    [
        ("weigths", {"walls": 3}, "weights"),
        ("phase", {"explore": None}, "phases"),
        ("sede", 3, "seed"),
    ],
)
def test_misspelt_key_of_an_experiment_file(key, value, correction, capsys):
    file = Path("conf/experiment/mine.yaml")
    file.parent.mkdir(parents=True)
    file.write_text(f"# @package _global_\n{yaml.safe_dump({key: value})}")
    line = refused(capsys, "run", "experiment=mine")
    assert f"{key!r}" in line and f"Did you mean {correction!r}?" in line


DATA_TEXT = "x,t,u\n0.5,0.5,1\n0.25,1,2\n"
SIGMAS = "x,t,u,s,z\n0,0,1,1,1\n1,1,1,,0\n1,1,1,2,2\n"
BAD_DATA = {
    "no file": ("none.csv", None, {}, "none.csv: cannot be read", "path of a file"),
    "a folder": (".", None, {}, "data.path=.: is a folder", "path of a file"),
    "no name": ("", None, {}, "data.path=''", "path of a file"),
    "no suffix": ("data", DATA_TEXT, {}, "data.path=data: has no suffix", "give one of .csv"),
    "another kind": ("data.xls", "", {}, "unknown kind of file .xls", ".xlsx"),
    "an array's suffix": ("data.npz.gz", "", {}, "unknown kind of file", "or text in .gz"),
    "no gzip": ("data.csv.gz", DATA_TEXT, {}, "is no .gz file", "compress it again"),
    "no xz": ("data.csv.xz", DATA_TEXT, {}, "is no .xz file", "compress it again"),
    "no zip": ("data.csv.zip", DATA_TEXT, {}, "is no .zip file", "compress it again"),
    "no spreadsheet": ("data.xlsx", DATA_TEXT, {}, "is no .xlsx file", "save it as such"),
    "no parquet": ("data.parquet", DATA_TEXT, {}, "is no .parquet file", "save it as such"),
    "no archive": ("data.npz", DATA_TEXT, {}, "is no .npz file", "np.savez"),
    "no MATLAB": ("data.mat", DATA_TEXT, {}, "is no .mat file", "save it with -v7"),
    "binary": ("data.csv", "x,t,u\n\0\1\n", {}, "is no text", "save the table as text"),
    "empty": ("data.csv", "", {}, "holds no numbers", "give a file that does"),
    "comments alone": ("data.csv", "# x\n\n", {}, "holds no numbers", "give a file that does"),
    "a header alone": ("data.csv", "x,t,u\n", {}, "holds no row", "give a file that does"),
    "no header": ("data.csv", "0,0,1\n1,1,2\n", {}, "no header", "data.columns=[x,t,u]"),
    "a short row": ("data.csv", DATA_TEXT + "1,2\n", {}, "line 4 has 2 cells", "data.separator"),
    "commas of both kinds": ("data.csv", "x,t,u\n0,5,0,5,1,5\n", {}, "line 2 has 6", "correct it"),
    "text": ("data.csv", DATA_TEXT + "0,1,u\n", {}, "line 4, column u: 'u'", "leave the cell"),
    "truth": ("data.csv", "x,t,u\n0,1,True\n", {}, "'True' is no number", "correct it"),
    "infinite": ("data.csv", DATA_TEXT + "0,1,inf\n", {}, "infinite, first line 4", "empty"),
    "too large": ("data.csv", DATA_TEXT + "0,1,1e999\n", {}, "infinite, first line 4", "empty"),
    "doubtful comma": ("data.csv", "x;t;u\n0;1;1,234\n", {}, "'1,234'", "data.decimal=comma"),
    "thousands": ("data.csv", 'x,t,u\n0,1,"1,234.5"\n', {}, "'1,234.5'", "data.decimal=point"),
    "both marks": ("data.csv", "x;t;u\n0.5;1;1,5\n", {}, "is no number with", "data.decimal="),
    "doubtful date": ("data.csv", "x;t;u\n0;1/2/2026;1\n", {}, "'1/2/2026'", "2026-03-04"),
    "no date": ("data.csv", "x;t;u\n0;2026-02-30;1\n", {}, "'2026-02-30' is no", "correct"),
    "an open quote": ("data.csv", 'x,t,u\n0,1,"2\n1,1,3\n', {}, "EOF inside string", "correct"),
    "one name twice": ("data.csv", "x,t,t\n0,1,2\n", {}, "two columns of one name", "rename"),
    "few names": ("data.csv", DATA_TEXT, {"columns": ["x", "t"]}, "2 names, but", "each of them"),
    "names as text": ("data.csv", DATA_TEXT, {"columns": "x,t,u"}, "columns='x,t,u'", "a list"),
    "separator": ("data.csv", DATA_TEXT, {"separator": "tabs"}, "separator='tabs'", "'tab'"),
    "decimal": ("data.csv", DATA_TEXT, {"decimal": ","}, "decimal=','", "use point or comma"),
    "outside, as a word": ("data.csv", DATA_TEXT, {"outside": "keep"}, "'keep'", "refuse or drop"),
    "a bad first row": (
        "data.csv",
        "0,o,1\n1,1,2\n",
        {"columns": list("xtu")},
        "line 1, column t: 'o'",
        "correct",
    ),
    "names for arrays": ("data.npz", DATA_TEXT, {"columns": ["x"]}, "data.columns=['x']", "null"),
    "sheet": ("data.csv", DATA_TEXT, {"sheet": "one"}, "data.csv has no sheets", "sheet=null"),
    "grid": ("data.csv", DATA_TEXT, {"grid": "x"}, "data.grid='x'", "give a list"),
    "mapping": ("data.csv", DATA_TEXT, {"fields": "u"}, "data.fields='u'", "arrays by name"),
    "a number": ("data.csv", DATA_TEXT, {"coordinates": {"t": float("inf")}}, "t=inf", "finite"),
    "unmeasured": ("data.csv", "x,t,u\n0,1,\n1,1,NA\n", {}, "no row has a value of u", "leave"),
    "outside": ("data.csv", DATA_TEXT + "2,1,1\n", {}, "first line 4 (x=2, t=1;", "outside=drop"),
    "too late": ("data.csv", DATA_TEXT + "1,9,1\n", {}, "t is from 0 to 1", "outside=drop"),
    "no deviation": (
        "data.csv",
        SIGMAS,
        {"sigma": "s"},
        "u: 1 of 3 values have no",
        "first line 3",
    ),
    "a deviation of zero": (
        "data.csv",
        SIGMAS,
        {"sigma": "z"},
        "data.sigma.u: 0 in line 3",
        "positive",
    ),
    "a negative deviation": ("data.csv", DATA_TEXT, {"sigma": -0.1}, "data.sigma=-0.1", "positive"),
    "a deviation by name": (
        "data.csv",
        DATA_TEXT,
        {"sigma": {"u": 0}},
        "data.sigma.u=0",
        "positive",
    ),
    "a deviation as a list": ("data.csv", DATA_TEXT, {"sigma": [1]}, "data.sigma=[1]", "positive"),
    "no such deviation": (
        "data.csv",
        DATA_TEXT,
        {"sigma": "s"},
        "data.csv has no 's'",
        "Known: t, u, x",
    ),
    "a deviation of nothing": (
        "data.csv",
        DATA_TEXT,
        {"sigma": {"v": 1}},
        "data.sigma.v: was not",
        "u",
    ),
    "a derivative of nothing": (
        "data.csv",
        DATA_TEXT,
        {"fields": {"v_x": "u"}},
        "data.fields.v_x: no such name",
        "Known: u",
    ),
    "a derivative of an order that is too high": (
        "data.csv",
        DATA_TEXT,
        {"fields": {"u_xxxxx": "u"}},
        "data.fields.u_xxxxx: no such",
        "Known",
    ),
    "a coordinate": (
        "data.csv",
        DATA_TEXT,
        {"fields": {"x": "u"}},
        "data.fields.x: no such",
        "Known",
    ),
    "no normal": (
        "data.csv",
        "x,t,u\n0,0,1\n0.5,1,2\n",
        {"fields": {"u_n": "u"}},
        "u_n at 1 of 2 points has no normal, first line 3 (x=0.5; it is not on",
        "leave these out",
    ),
    "all outside": ("data.csv", "x,t,u\n2,1,1\n", {"outside": "drop"}, "are 0 points", "null"),
}


@pytest.mark.parametrize(
    ("name", "text", "settings", "offender", "remedy"), BAD_DATA.values(), ids=BAD_DATA
)
def test_bad_data_files_are_told_in_one_line(name, text, settings, offender, remedy):
    if text is not None:
        Path(name).write_text(text)
    with pytest.raises(InputError) as error:
        DataFile(path=name, **settings).measure(Heat())
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


def test_a_bad_data_file_leaves_no_run_behind(capsys):
    Path("données (1).csv").write_text("x;t;u\n0;1;1,234\n")
    line = refused(capsys, "run", "problem=heat", "data=file", "data.path=données (1).csv")
    assert "line 2: '1,234' may have" in line and "set data.decimal=comma" in line
    assert [path.name for path in Path().iterdir()] == ["données (1).csv"]


COLUMNS = {"x": [0.5, 0.25], "t": [0.5, 1.0], "u": [1.0, 2.0]}
BAD_COLUMNS = {
    "no data": ("measured.csv", "data='measured.csv'", "give a data frame, a dict"),
    "a list": ([1, 2], "data=[1, 2]", "give a data frame, a dict"),
    "nothing": ({}, "lacks the coordinate 'x'", "data"),
    "a coordinate is missing": ({"x": [0], "u": [1]}, "lacks the coordinate 't'", "Known: u, x"),
    "a coordinate is misspelt": (
        {"time": [0], "x": [0], "u": [1]}, "lacks the coordinate 't'", "Known: time, u, x",
    ),
    "no field": ({"x": [0], "t": [0]}, "has no measured field", "at least one of u"),
    "an unknown field": (COLUMNS | {"U": [1, 2]}, "'U' is neither", "leave it out"),
    "a name that is no text": (COLUMNS | {3: [1, 2]}, "3 is neither", "leave it out"),
    "lengths": (COLUMNS | {"u": [1.0]}, "x 2, t 2, u 1 values", "one length"),
    "empty": ({"x": [], "t": [], "u": []}, "x 0, t 0, u 0", "at least 1"),
    "axes": (COLUMNS | {"u": [[1, 2], [3, 4]]}, "data.u: shape (2, 2)", "[n]"),
    "ragged": (COLUMNS | {"u": [[1, 2], [3]]}, "data.u: is no array", "one number per point"),
    "text": (COLUMNS | {"u": [1, "low"]}, "data.u: row 2: 'low' is no number", "correct it"),
    "None alone": (COLUMNS | {"u": [None, None]}, "no row has a value of u", "leave it out"),
    "complex": (COLUMNS | {"u": [1j, 2]}, "data.u: row 1: ", "is no number"),
    "infinite": (COLUMNS | {"x": [0, np.inf]}, "1 of 2 values are infinite, first row 2", "NaN"),
    "outside": (COLUMNS | {"x": [0, 2]}, "1 of 2 points are outside", "first row 2 (x=2, t=1;"),
    "points of a row": (PointSet([0.5, 1], None, {"u": [1]}), "shape (2,)", "[n, 2] of x, t"),
    "points of a column": (PointSet([[0.5]], None, {"u": [1]}), "shape (1, 1)", "[n, 2] of x, t"),
    "points, ragged": (PointSet([[0, 0], [0]], None, {"u": [1]}), "is no array", "[n, 2] of x, t"),
    "one name twice": (
        pd.DataFrame([[0, 0, 1, 2]], columns=list("xtuu")), "two columns of one name", "rename",
    ),
    "values as an array": (PointSet([[0, 0]], None, [1]), "data.values=[1]", "dict of arrays"),
    "no values": (PointSet([[0, 0]], None, {}), "has no measured field", "at least one of u"),
    "a coordinate's values": (PointSet([[0, 0]], None, {"x": [1]}), "'x' is a", "measured fields"),
    "a gap in the deviations": (
        COLUMNS | {"u_sigma": [np.nan, 1.0]}, "data.sigmas.u: 1 of 2 values have no", "first row 1",
    ),
    "a deviation that is not positive": (
        COLUMNS | {"u_sigma": -1.0}, "data.sigmas.u: -1 in row 1", "give a positive number",
    ),
    "a deviation of nothing": (COLUMNS | {"v_sigma": 1.0}, "'v_sigma' is neither", "leave it out"),
    "a derivative of nothing": (COLUMNS | {"v_x": [1, 2]}, "'v_x' is neither", "leave it out"),
    "no normal": (COLUMNS | {"u_n": [1, 2]}, "u_n at 2 of 2 points has no normal", "u_x and"),
    "deviations as an array": (
        PointSet([[0, 0]], None, {"u": [1]}, sigmas=[1]), "data.sigmas=[1]", "dict of arrays",
    ),
    "values of another length": (PointSet([[0, 0]], None, {"u": [1, 2]}), "u 2", "one length"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "offender", "remedy"), BAD_COLUMNS.values(), ids=BAD_COLUMNS)
def test_bad_measurements_from_python_are_told_in_one_line(data, offender, remedy):
    with pytest.raises(InputError) as error:
        measurements(Heat(), point_set(Heat(), data))
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


SETS = {"probes": COLUMNS, "camera": COLUMNS}
BAD_SETS = {
    "a setting": ({"path": COLUMNS}, "a set cannot be called 'path'", "rename it"),
    "a field": ({"u": COLUMNS}, "data: 'u' cannot name a set", "no coordinate and no field"),
    "no word": ({"my probes": COLUMNS}, "data: 'my probes' cannot name a set", "use a word"),
    "an array": (SETS | {"more": [1, 2]}, "'more' is an array among sets", "or all arrays"),
    "in a set": (SETS | {"camera": COLUMNS | {"u": [1, "low"]}}, "data.camera.u: row 2", "correct"),
    "outside": (
        SETS | {"camera": COLUMNS | {"x": [0, 2]}}, "data.camera: 1 of 2 points are outside", "or",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "offender", "remedy"), BAD_SETS.values(), ids=BAD_SETS)
def test_bad_sets_of_measurements_are_told_in_one_line(data, offender, remedy):
    with pytest.raises(InputError) as error:
        read_sets(Heat(), checked_sets(Heat(), data))
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


def test_residuals_and_sets_that_do_not_fit_each_other_are_told_in_one_line():
    class Observed(Heat):
        @residual(on="data")
        def seen(self, u, u_data):
            return u - u_data

        @residual(on="data_camera")
        def slope(self, u_x, u_x_data):
            return u_x - u_x_data

    class Taken(Heat):
        @residual(on="interior")
        def data_u(self, u_t):
            return u_t

    class Two(Heat):
        fields = ("u", "b_u")

    points = {"x": [0.0], "t": [0.0]}
    for problem, data, offender, remedy in (
        (Observed, SETS, "Observed.seen: no measurements 'data'", "of data_probes, data_camera"),
        (Observed, COLUMNS, "Observed.slope: no measurements 'data_camera'", "one of data"),
        (Taken, COLUMNS, "two terms of the loss would be called 'data_u'", "rename the residual"),
        (
            Two, {"a": points | {"b_u": [1.0]}, "a_b": points | {"u": [1.0]}},
            "would be called 'data_a_b_u'", "or a set of measurements",
        ),
    ):  # fmt: skip
        with pytest.raises(InputError) as error:
            pinn.solve(problem(), data=data, folder="run", show=False)
        line = str(error.value)
        assert offender in line and remedy in line and "\n" not in line
    assert not list(Path().iterdir())
    with pytest.raises(InputError, match="'u_x_data' was not measured; give it in data_camera"):
        both = {"camera": COLUMNS}
        pinn.solve(Observed(), data=both, weights={"seen": 0.0}, show=False)


def test_bad_measurements_from_python_leave_no_run_behind():
    with pytest.raises(InputError, match="'v' is neither a coordinate nor a field"):
        pinn.solve(Heat(), data=pd.DataFrame(COLUMNS | {"v": 1.0}), folder="run", show=False)
    with pytest.raises(InputError, match=r"shape \(2,\)"):
        pinn.solve(Heat(), data=PointSet([0.5, 1], None, {"u": [1]}), folder="run", show=False)
    assert not list(Path().iterdir())


BAD_FILES = [
    ("unknown derivative", {"parameters": "u_xq, v"}, "Mine.first: 'u_xq'", "derivative"),
    ("misspelt coordinate", {"parameters": "u_y, v"}, "Mine.first: 'u_y'", "coordinate"),
    ("syntax error", {"value": "u_x -"}, "mine.py:11: cannot be imported", "correct the file"),
    ("error at import", {"more": "tff.sin(1.0)"}, "mine.py:19: cannot be imported", "correct the"),
    (
        "import error",
        {"parameters": "u_x, v=__import__('no_such_module')"},
        "no_such_module",
        "correct",
    ),
    (
        "reference lacks a field",
        {"reference": "{'u': x}"},
        "Mine.reference: lacks field 'v'",
        "return them all",
    ),
    ("reference of no fields", {"reference": "x"}, "Mine.reference", "return a dict"),
    (
        "reference of a wrong shape",
        {"reference": "{'u': x[:3], 'v': x}"},
        "Mine.reference: field 'u'",
        "shape (3,)",
    ),
    (
        "reference not finite",
        {"reference": "{'u': 0 / (x - x), 'v': x}"},
        "field 'u'",
        "correct the formula",
    ),
    ("residual not finite", {"value": "tf.math.log(-1.0 - u_x * u_x)"}, "Mine.first", "look for"),
    (
        "residual of another precision",
        {"value": "tf.cast(u_x, tf.float32)"},
        "mine.py:11 Mine.first",
        "do not cast",
    ),
    ("residual of another shape", {"value": "u_x[:, None]"}, "mine.py:11 Mine.first", "one value"),
    ("residual of no value", {"value": "None"}, "mine.py:11 Mine.first", "return the residual"),
    ("mean", {"value": "u_x - tf.reduce_mean(v)"}, "mine.py:11 Mine.first", "one equation per"),
    ("misspelt name", {"value": "tff.sin(v)"}, "mine.py:11 Mine.first: NameError", "mean 'tf'?"),
    ("no such attribute", {"value": "self.k * v"}, "mine.py:11 Mine.first: Attr", "correct the"),
    ("branch", {"value": "u_x if v > 0 else v"}, "mine.py:11 Mine.first", "use tf.where"),
    ("print", {"value": "(tf.print(v), v)[1]"}, "mine.py:11 Mine.first: tf.print", "leave it out"),
    (
        "keyword-only parameters",
        {"parameters": "*, u_x, v"},
        "Mine.first: 'u_x'",
        "leave the * out",
    ),
    (
        "no self",
        {"more": "    def derived(u): return {}"},
        "Mine.derived",
        "write def derived(self",
    ),
    (
        "reference fails",
        {"reference": "1 / 0"},
        "mine.py:18 Mine.reference: ZeroDiv",
        "correct the",
    ),
    (
        "derived fails after training",
        {"more": "    def derived(self, u): return {'w': u.sun()}"},
        "mine.py:19 Mine.derived: AttributeError",
        "Did you mean 'sum'?",
    ),
    (
        "reference_error fails after training",
        {"more": "    def reference_error(self): return {'u': 1 / 0}"},
        "mine.py:19 Mine.reference_error: ZeroDivisionError",
        "correct the line",
    ),
    (
        "ansatz fails",
        {
            "more": "    def ansatz(self, x, net): return tf.sine(net[0]), net[1]\n"
            "    ansatz.satisfies = ('walls',)"
        },
        "mine.py:19 Mine.ansatz: AttributeError",
        "Did you mean 'sin'?",
    ),
    ("fields as text", {"more": "    fields = 'u'"}, "Mine: fields='u'", "write ('u',)"),
    ("time backwards", {"more": "    time = (1.0, 0.0)"}, "Mine: time=(1.0, 0.0)", "(begin, end)"),
    ("time as a number", {"more": "    time = 1"}, "Mine: time=1", "such as (0.0, 1.0)"),
    (
        "constructor fails",
        {"more": "    def __post_init__(self): self.k"},
        "mine.py:19",
        "'Mine' object has no attribute 'k'",
    ),
]


@pytest.mark.parametrize(
    ("changes", "offender", "remedy"), [f[1:] for f in BAD_FILES], ids=[f[0] for f in BAD_FILES]
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_problem_files(changes, offender, remedy, capsys):
    Path("mine.py").write_text(PROBLEM.format(**(PARTS | changes)))
    tiny = [a for a in TINY if not a.startswith("experiment")]
    line = refused(capsys, "run", "mine.py", *tiny)
    assert offender in line and remedy in line
    assert [p.name for p in Path().iterdir() if p.name != "__pycache__"] == ["mine.py"]


def test_a_problem_file_imports_modules_from_its_folder(capsys):
    """A module of the same name beside another problem file is another module."""
    for number in (1, 2):
        folder = Path(f"folder{number}")
        (folder / "package").mkdir(parents=True)
        (folder / "beside.py").write_text(f"OFFSET = {number}.5\n")
        (folder / "package" / "__init__.py").write_text("from beside import OFFSET\n")
        text = PROBLEM.format(**PARTS).replace(
            "import tensorflow", "from package import OFFSET\nimport tensorflow"
        )
        (folder / "mine.py").write_text(text.replace("u_x - v", "OFFSET"))
        mine = locate(f"{folder}/mine.py", "problem")
        assert mine().first(0, 0) == number + 0.5
    assert not any("folder" in path for path in sys.path)
    Path("mine.py").write_text(PROBLEM.format(**PARTS) + "\nimport nothing_beside\n")
    assert "nothing_beside" in refused(capsys, "run", "mine.py")


REGIONS = """
from pinn import At, Disk, Inside, Interval, Part, Problem, Rectangle, UnknownField, residual

class Mine(Problem):
    fields = ("u",)
    unknown_fields = {{"s": UnknownField(("t",))}}
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))
    time = (0.0, 1.0)
    regions = {regions}

    @residual(on="here")
    def first(self, u):
        return u
"""
BAD_REGIONS = [
    ("At(x=0.0)", "Mine: regions=At(x=0.0) is no dict", "give regions by name"),
    ("{'here': 0.0}", "'here' is a float", "At(x=0.0)"),
    ("{'initial': At(t=0.0)}", "'initial' cannot name a region", "another name"),
    ("{'y-': Part('y-')}", "'y-' cannot name a region", "another name"),
    ("{'a part': Part('y-')}", "'a part' cannot name a region", "another name"),
    ("{'here': At(t=1.0), 'there': At(t=0.5)}", "'there' has no residual", "@residual(on='there')"),
    ("{'there': At(t=1.0)}", "unknown region 'here'", "Did you mean 'there'"),
    ("{'here': At()}", "At: no coordinate", "such as At(x=0.0)"),
    ("{'here': At(x=None)}", "At: x=None is no finite number", "such as x=0.0"),
    ("{'here': At(x=True)}", "At: x=True", "such as x=0.0"),
    ("{'here': At(x=float('nan'))}", "At: x=nan", "such as x=0.0"),
    ("{'here': At(z=0.0)}", "'here': At(z=0.0): 'z' is no coordinate", "Known: t, x, y"),
    ("{'here': At(x=1.5)}", "At(x=1.5) lies outside of the domain, where x goes", "move it inside"),
    ("{'here': At(x=0.5, t=-1)}", "outside of the domain, where t goes from 0 to 1", "move it"),
    ("{'here': At(x='r')}", "At(x='r'): 'r' is no unknown field", "Known: s"),
    ("{'here': At(t='s')}", "At(t='s'): s depends on t", "other coordinates"),
    ("{'here': At(x='s', where=lambda x: x > 0)}", "unknown parameter 'x'", "Known: t, y"),
    ("{'here': Part(['x-', 'y-'])}", "Part: ['x-', 'y-'] is no name", "space.named joins"),
    ("{'here': Part('y')}", "Part('y'): no part 'y' of the boundary", "Did you mean 'y"),
    ("{'here': Part('y-', where=0.1)}", "Part: where=0.1 is no function", "lambda x:"),
    ("{'here': Part('y-', where=lambda x: x > 1)}", "almost no points in the domain", "widen it"),
    ("{'here': Inside(where=lambda x: x < 5e-5)}", "almost no points in the domain", "widen it"),
    ("{'here': Inside(Disk(x=3, y=0, radius=1))}", "almost no points in the domain", "move or"),
    ("{'here': Inside(0.5)}", "Inside: 0.5 is no domain", "such as Disk(…)"),
    ("{'here': Inside(Interval(z=(0, 1)))}", "'z' is no space coordinate", "Known: x, y"),
    ("{'here': Inside(where=lambda x: 0 < x < 0.5)}", "ambiguous", "(0 < x) & (x < 1)"),
    ("{'here': Inside(where=lambda z: z < 0)}", "unknown parameter 'z'", "Known: t, x, y"),
    ("{'here': Inside(where=lambda x: x)}", "gives float64 of shape", "one truth value per point"),
    ("{'here': Inside(where=lambda x: True)}", "gives bool of shape ()", "one truth value per"),
    ("{'here': Inside(where=lambda x: x[1:] > 0)}", "gives bool of shape", "one truth value per"),
]


@pytest.mark.parametrize(
    ("regions", "offender", "remedy"), BAD_REGIONS, ids=[r[0] for r in BAD_REGIONS]
)
def test_bad_regions_are_named_with_a_remedy(regions, offender, remedy):
    names = {}
    with pytest.raises(InputError) as error:
        exec(REGIONS.format(regions=regions), names)
        names["Mine"]()
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


SIDES = """
from pinn import At, Disk, Interval, Material, Problem, Rectangle, UnknownField
from pinn import flux, integral, parameter, positive, residual

class Mine(Problem):
    fields = ("u",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 2.0))
    materials = {{"a": Material(Interval(x=(0.0, 0.5)), k=2.0), "b": Material()}}
    k: float = 1.0
    size: float = positive(1.0)

    @residual(on="interior")
    def first(self, lap_u):
        return self.k * lap_u

    @flux
    def heat(self, u_n):
        return self.k * u_n

    {more}
"""
ON = "@residual(on={})\n    def second(self, {}):\n        return {}"
STRIP = "Interval(x=(0.0, 0.5))"
BAD_SIDES = [
    # Pairs of faces, and interfaces.
    (ON.format("('x-', 'x')", "u_1", "u_1"), "'x' is no face and no material", "'x-'"),
    (ON.format("('x-', 'y-')", "u_1", "u_1"), "'x-' and 'y-' differ in shape or size", "equal"),
    (ON.format("'x-|x-'", "u_1", "u_1"), "region 'x-|x-' needs two different names", "'x+')"),
    (ON.format("('x-', 'x+', 'y-')", "u_1", "u_1"), "needs two different names", "as in on="),
    (ON.format("('x-', 3)", "u_1", "u_1"), "residual: on=('x-', 3)", "names of two faces"),
    (ON.format("('a', 'x-')", "u_1", "u_1"), "joins a face to a material", "name two faces"),
    (ON.format("('a', 'c')", "u_1", "u_1"), "'c' is no face and no material", "Known: a, b"),
    (ON.format("('x-', 'x+')", "u", "u"), "'u' has a value on each of the two sides", "u_1 or u_2"),
    (ON.format("('x-', 'x+')", "u_1, x", "u_1"), "'x' has a value on each", "x_1 or x_2"),
    (ON.format("('x-', 'x+')", "u_3", "u_3"), "'u_3' is no coordinate", "u_x"),
    (ON.format("('a', 'b')", "v_1", "v_1"), "'v' is no coordinate", "(such as u_x)"),
    (ON.format("('x-', 'x+')", "u_data_1", "u_data_1"), "'u_data_1' is a measurement", "'data'"),
    (ON.format("('a', 'b')", "u_1", "u_1 * self.k"), "self.k differs by material", "such as k_1"),
    (ON.format("('a', 'b')", "u_1", "self.k * u_1"), "self.k differs by material", "such as k_1"),
    (ON.format("'a|b', replaces='heat'", "u_1", "u_1"), "replaces='heat' is no", "'flux_heat'"),
    (
        ON.format("('x-', 'x+'), replaces='continuity_u'", "u_1", "u_1"),
        "replaces='continuity_u' on region 'x-|x+', which is no interface",
        "name two materials",
    ),
    (
        "@residual(on='interior')\n    def continuity_u(self, u):\n        return u",
        "Mine.continuity_u: is the name of a condition",
        "replaces='continuity_u'",
    ),
    # Fluxes.
    ("heat = None", "how u_n goes through the interface 'a|b'", "@flux, such as k u_n"),
    ("@flux\n    def more(self):\n        return 1.0", "Mine.more: a flux without a", "u_n"),
    ("@flux\n    def more(self, u_data):\n        return 1.0", "is a measurement", "leave it out"),
    ("@flux\n    def more(self, w_n):\n        return w_n", "'w_n' is no coordinate", "u_x"),
    ("materials = {}", "Mine.heat: a flux needs interfaces", "declare materials"),
    (
        "materials = {}\n    heat = None\n    " + ON.format("'interfaces'", "u_1", "u_1"),
        "there are no interfaces",
        "declare materials",
    ),
    (
        "@integral(over='interior')\n    def total(self, u):\n        return u",
        "Mine.total: integrals do not go with materials",
        "leave one",
    ),
    # Materials.
    ("materials = 3", "materials=3 is no dict", "give materials by name"),
    ("materials = {'a': 3}", "'a' is a int", "give a Material"),
    ("materials = {'x-': Material()}", "'x-' cannot name a material", "another name"),
    ("materials = {'interfaces': Material()}", "'interfaces' cannot name", "another name"),
    ("materials = {'a': Material(3)}", "Material: 3 is no domain", "Disk(…)"),
    ("materials = {'a': Material(k=2), 'b': Material()}", "a and b have no domain", "the rest"),
    ("materials = {'a': Material(" + STRIP + ")}", "materials: none at x=", "without a domain"),
    (
        "materials = {'a': Material(Disk(x=5, y=5, radius=1)), 'b': Material()}",
        "'a' has almost no points",
        "move or remove",
    ),
    ("materials = {'a': Material(Interval(z=(0, 1)))}", "'z' is no space coordinate", "x, y"),
    ("materials = {'a': Material(c=2)}", "'c' is no coefficient; declare it", "c: float = 1.0"),
    ("materials = {'a': Material(k='c')}", "k='c' is no coefficient", "Known: size"),
    ("materials = {'a': Material(k='k')}", "k='k' is no coefficient that is the same", "size"),
    ("materials = {'a': Material(k=None)}", "k=None is no finite number", "give one"),
    ("materials = {'a': Material(size=-1.0)}", "size=-1.0 is not positive", "positive number"),
    ("k: float = parameter(1.0, 2.0)", "'a': k is a parameter", "another coefficient"),
    ("periodic = ('x',)", "the materials at x- and x+ differ", "on ('x-', 'x+')"),
    (
        "time = (0.0, 1.0)\n    unknown_fields = {'s': UnknownField(('t',))}\n"
        "    regions = {'front': At(x='s')}\n    " + ON.format("'front'", "u", "u"),
        "'front': a free boundary does not go with materials",
        "leave one",
    ),
]


@pytest.mark.parametrize(
    ("more", "offender", "remedy"), BAD_SIDES, ids=[f"{i}" for i in range(len(BAD_SIDES))]
)
def test_bad_pairs_and_materials_are_named_with_a_remedy(more, offender, remedy):
    with pytest.raises(InputError) as error:
        model(more)
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


def model(more="", **settings):
    """Return a problem with materials and with further declarations, tried as in a run."""
    names = {}
    exec(SIDES.format(more=more), names)
    problem = names["Mine"](**settings)
    width = {"width": 2, "depth": 1}
    return Objective(problem, default_network(problem, seed=0, **width))


def test_what_does_not_go_with_materials_is_refused():
    every = "materials = {'a': Material(Interval(x=(0.0, 0.5)), k=2.0), 'b': Material(k=3.0)}"
    with pytest.raises(InputError, match=r"k is an unknown, but every material states its own"):
        model(every, unknowns={"k": 1.0})
    with pytest.raises(InputError, match=r"k is 5.0, but every material .* as in Material\(…, k="):
        model(every, k=5.0)
    objective = model()
    problem = objective.problem
    with pytest.raises(
        InputError, match=r"2 outputs for the fields u in each material; make|1 out"
    ):
        Objective(problem, pinn.mlp(lower=(0.0, 0.0), upper=(1.0, 2.0), outputs=1))
    mirrored = "symmetries = (Mirror(('x',), even=('u',)),)"
    names = {}
    exec("from pinn import Mirror" + SIDES.format(more=mirrored.replace("even", "odd")), names)
    with pytest.raises(InputError, match=r"network.symmetric=true: does not go with materials"):
        default_network(names["Mine"](), seed=0, symmetric=True)
    with pytest.raises(InputError, match=r"points.counts.a\|c: region 'a\|c': 'c' is no face"):
        Points(counts={"interior": 8, "boundary": 8, "a|c": 3}).check(objective)
    with pytest.raises(InputError, match=r"points: region 'x-\|c'"):
        draw(problem, "x-|c", 3)


NON_LOCAL = """
import tensorflow as tf

from pinn import At, Delay, Disk, Inside, Interval, NoSpace, Part, Problem, Rectangle
from pinn import UnknownField, integral, residual

class Mine(Problem):
    fields = ("u",)
    unknown_fields = {{"s": UnknownField(("t",))}}
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))
    time = (0.0, 1.0)
    tau: float = 0.5
    regions = {{
        "end": At(t=1.0),
        "front": At(x="s"),
        "early": Inside(where=lambda t: t < 0.5),
    }}
    {more}

    @integral({marks})
    def total(self, {parameters}):
        return {value}

    @residual(on="interior")
    def first(self, u, {taken}):
        return u - {taken}

    @residual(on="front")
    def second(self, u):
        return u

    @residual(on="end")
    def third(self, u):
        return u

    @residual(on="early")
    def fourth(self, u):
        return u
"""
NON_LOCAL_PARTS = {
    "marks": "over='interior'",
    "parameters": "u",
    "value": "u",
    "taken": "total",
    "more": "",
}
BAD_NON_LOCAL = [
    ({"marks": "over='interor'"}, "over='interor' is no coordinate and no region", "'interior'"),
    ({"marks": "over='data'"}, "over='data' is no coordinate and no region", "Known:"),
    ({"marks": "over=()"}, "over=()", "at most one region"),
    ({"marks": "over=('x', 'x')"}, "over=('x', 'x')", "each once"),
    ({"marks": "over=('x-', 'x+')"}, "over=('x-', 'x+')", "at most one region"),
    ({"marks": "over=('x-', 'x')"}, "a region has its own coordinates", "or with 't'"),
    ({"marks": "over=('end', 't')"}, "region 'end' has one time", "leave 't' out"),
    ({"marks": "over='front'"}, "region 'front' moves with an unknown", "same at all times"),
    ({"marks": "over='early'"}, "predicate of region 'early' depends on t", "same for all t"),
    ({"marks": "over='interior', upper=1.0"}, "limits need exactly one coordinate", "over='t'"),
    ({"marks": "over=('x', 'y'), upper='x'"}, "limits need exactly one coordinate", "over='t'"),
    ({"marks": "over='t', upper='x'"}, "upper='x' is neither 't' nor a number from 0 to 1", "give"),
    ({"marks": "over='t', upper=2.0"}, "upper=2.0 is neither 't' nor", "give one"),
    ({"marks": "over='t', lower=None, upper=float('nan')"}, "upper=nan is neither", "give one"),
    ({"marks": "over='t', lower=0.5, upper=0.2"}, "lower=0.5 does not lie below", "exchange"),
    ({"marks": "over='t', lower='t', upper='t'"}, "lower='t' does not lie below", "exchange"),
    ({"parameters": "v", "value": "v"}, "Mine.total: 'v' is no coordinate", "such as u_x"),
    ({"parameters": "u_n"}, "over no part of the boundary", "name one in over"),
    ({"parameters": "u_data"}, "'u_data' is a measurement", "leave it out"),
    ({"parameters": "total"}, "'total' is an integral itself", "take it in a residual"),
    ({"parameters": "*u"}, "Mine.total: '*u' names nothing", "one by one"),
    ({"taken": "totla"}, "'totla' is no coordinate", "Did you mean 'total'"),
    ({"taken": "total_t"}, "'total_t' is no coordinate", "derivative of one"),
    (
        {"more": "space = Disk(x=0, y=0, radius=1)", "marks": "over='x'"},
        "over='x': its range depends on the other coordinates",
        "over='interior'",
    ),
    (
        {"more": "regions = {}", "marks": "over='interior')\n    @residual(on='interior'"},
        "is a residual and an integrand",
        "one method for each",
    ),
    (
        {
            "marks": "over='x')\n    def mean(self, u):\n        return u\n\n"
            "    @residual(on=('x-', 'x+'))\n    def pair(self, u_1, u_2, mean):\n"
            "        return u_1 - mean\n\n    @integral(over='x'"
        },
        "'mean' is an integral or a delayed field, and region 'x-|x+' has two sides",
        "take it in a residual on one face",
    ),
    ({"more": "delays = 0.5"}, "delays=0.5 is no dict", "give delays by name"),
    ({"more": "delays = {'late': 0.5}"}, "'late' is a float", "give a Delay"),
    ({"more": "delays = {'u_x': Delay('u', 1.0, 0.0)}"}, "'u_x' is no word, or", "another name"),
    ({"more": "delays = {'total': Delay('u', 1.0, 0.0)}"}, "is a delayed field too", "rename"),
    ({"more": "delays = {'late': Delay('v', 1.0, 0.0)}"}, "'late': 'v' is no field", "Known: u"),
    ({"more": "delays = {'late': Delay('u', 0.0, 0.0)}"}, "t=0.0 is no positive number", "t=1.0"),
    ({"more": "delays = {'late': Delay('u', None, 0.0)}"}, "t=None is no positive", "as t=1.0"),
    (
        {"more": "delays = {'late': Delay('u', 'tua', 0.0)}"},
        "t='tua' is no coefficient",
        "Did you mean 'tau'",
    ),
    ({"more": "delays = {'late': Delay('u', 1.0, None)}"}, "past=None is neither", "lambda t:"),
    (
        {"more": "delays = {'late': Delay('u', 1.0, lambda s: 0.0)}"},
        "past: 's' is no coordinate",
        "Known: t, x, y",
    ),
]


@pytest.mark.parametrize(
    ("parts", "offender", "remedy"), BAD_NON_LOCAL, ids=[str(b[0]) for b in BAD_NON_LOCAL]
)
def test_bad_integrals_and_delays_are_named_with_a_remedy(parts, offender, remedy):
    names = {}
    with pytest.raises(InputError) as error:
        exec(NON_LOCAL.format(**(NON_LOCAL_PARTS | parts)), names)
        names["Mine"]()
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


@pytest.mark.parametrize(
    ("parts", "offender", "remedy"),
    [
        ({"value": "tf.reduce_mean(u)"}, "Mine.total: its value at a point", "leave it out"),
        ({"value": "u[1:]"}, "Mine.total: returned values of shape", "one value per point"),
        ({"value": "v"}, "Mine.total: NameError", "correct the name"),
        (
            {"more": "delays = {'late': Delay('u', 1.0, lambda t: tf.reduce_mean(t))}"},
            "Mine.delays['late'].past: its value at a point depends on other points",
            "leave it out",
        ),
        (
            {"more": "delays = {'late': Delay('u', 1.0, lambda t: t[1:])}"},
            "Mine.delays['late'].past: returned values of shape",
            "one value per point",
        ),
        (
            {"more": "delays = {'late': Delay('u', 1.0, lambda t: v)}"},
            "Mine.delays['late'].past: NameError",
            "correct the name",
        ),
    ],
)
def test_integrands_and_pasts_are_tried_before_training(parts, offender, remedy):
    names = {}
    exec(NON_LOCAL.format(**(NON_LOCAL_PARTS | parts)), names)
    problem = names["Mine"]()
    with pytest.raises(InputError) as error:
        Objective(problem, default_network(problem, seed=0, width=2, depth=1))
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


def test_other_bad_integrals_and_delays():
    more = "delays = {'late': Delay('u', 'tau', 0.0)}"
    names = {}
    exec(NON_LOCAL.format(**(NON_LOCAL_PARTS | {"more": more})), names)
    with pytest.raises(
        InputError, match=r"unknowns.tau: a delay must stay positive; give it lower"
    ):
        names["Mine"](unknowns={"tau": 0.3})
    with pytest.raises(InputError, match=r"'late': t=-1.0 is no positive number"):
        names["Mine"](tau=-1.0)
    time = NON_LOCAL.format(**(NON_LOCAL_PARTS | {"marks": "over='interior'"}))
    time = time.replace("space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))", "space = NoSpace()")
    time = re.sub(r"regions = \{.*?\n    \}", "regions = {'end': At(t=1.0)}", time, flags=re.S)
    time = re.sub(r'    @residual\(on="(front|early)"\)\n.*\n.*\n', "", time)
    exec(time, names)
    with pytest.raises(InputError, match="a single point of a problem in time alone.*over='t'"):
        names["Mine"]()
    steady = """
class Steady(Problem):
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    delays = {"late": Delay("u", 1.0, 0.0)}

    @residual(on="interior")
    def first(self, late):
        return late
"""
    exec(steady, names)
    with pytest.raises(InputError, match=r"Steady does not depend on time; declare time="):
        names["Steady"]()


@pytest.mark.parametrize("regions", [BAD_REGIONS[7][0], BAD_REGIONS[12][0]])
def test_a_file_with_a_bad_region_is_refused(regions, capsys):
    Path("mine.py").write_text(REGIONS.format(regions=regions))
    assert "At" in refused(capsys, "run", "mine.py")
    assert [p.name for p in Path().iterdir() if p.name != "__pycache__"] == ["mine.py"]


PARAMETERS = """
from pinn import At, Inside, Interval, Problem, UnknownField, final_time, parameter, residual
from pinn import Parameter

class Mine(Problem):
    k: float = {parameter}
    c: float = 1.0
    end: float = final_time(1.0)
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    {more}

    @residual(on="interior")
    def first(self, u_x):
        return u_x - self.k
"""
BAD_PARAMETERS = [
    ("parameter(2.0, 1.0)", "", {}, "lower=2.0, upper=1.0", "exchange them"),
    ("parameter(1.0, 1.0)", "", {}, "lower=1.0, upper=1.0", "exchange them"),
    ("parameter(0.0, 1.0, log=True)", "", {}, "lower=0.0", "raise lower, or leave log out"),
    ("parameter(0.0, 1.0, log=3)", "", {}, "log=3", "true or false"),
    ("parameter('low', 1.0)", "", {}, "lower='low'", "a finite number"),
    ("parameter(0.0, float('inf'))", "", {}, "upper=inf", "a finite number"),
    ("parameter(1.0, 2.0, log=True)", "", {"k": -1.0}, "Mine: k=-1.0", "a positive finite number"),
    ("parameter(1.0, 2.0)", "", {"k": "all"}, "Mine: k='all' is not a number", "set problem.k"),
    ("parameter(1.0, 2.0)", "", {"k": {"lower": 3.0}}, "Mine: k: lower=3.0", "exchange them"),
    ("parameter(1.0, 2.0)", "", {"k": {"top": 3.0}}, "Mine: k: unknown key 'top'", "Known: l"),
    ("1.0", "", {"k": {"lower": 3.0}}, "Mine: k={'lower': 3.0}: lacks upper", "both ends"),
    ("1.0", "", {"end": {"lower": 1, "upper": 2}}, "it is the final time", "give one number"),
    ("parameter(1.0, 2.0)", "", {"unknowns": {"k": 1.5}}, "unknown k: it is a parameter", "=1.0"),
    ("parameter(1.0, 2.0)", "n: float = parameter(1.0, 2.0)", {}, "u_n is a derivative", "choose"),
    ("parameter(1.0, 2.0)", "t: float = parameter(1.0, 2.0)", {}, "u_t is a derivative", "choose"),
    ("parameter(1.0, 2.0)", "x: float = parameter(1.0, 2.0)", {}, "u_x is a derivative", "choose"),
    ("parameter(1.0, 2.0)", "xt: float = parameter(1.0, 2.0)", {}, "u_xt is a deriv", "choose"),
    ("parameter(1.0, 2.0)", "a_x: float = parameter(1.0, 2.0)", {}, "u_a_x is a", "without _"),
    ("parameter(1.0, 2.0)", "u: float = parameter(1.0, 2.0)", {}, "'u' is a coordinate", "rename"),
    ("parameter(1.0, 2.0)", "gauge = ('u',)", {}, "u is known up to a constant", "a number"),
    ("parameter(1.0, 2.0)", "periodic = ('k',)", {}, "'k' is no coordinate of space", "Known: x"),
    (
        "parameter(1.0, 2.0)",
        "regions = {'one': At(k='s')}; unknown_fields = {'s': UnknownField(('x',))}",
        {}, "k is a parameter, which no field gives", "give a number",
    ),
    ("parameter(1.0, 2.0)", "regions = {'one': At(k=3.0)}", {}, "k goes from 1 to 2", "move it"),
    (
        "parameter(1.0, 2.0)", "regions = {'one': Inside(Interval(k=(1.0, 1.5)))}", {},
        "'k' is no space coordinate", "Known: x",
    ),
    (
        "parameter(1.0, 2.0)", "from pinn import NoSpace; space = NoSpace(); end: float = 1.0", {},
        "k: there is no other coordinate", "declare space or time",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("parameter", "more", "given", "offender", "remedy"),
    BAD_PARAMETERS,
    ids=[" ".join(map(str, p[:3])) for p in BAD_PARAMETERS],
)
def test_bad_parameters_are_named_with_a_remedy(parameter, more, given, offender, remedy):
    names = {}
    with pytest.raises(InputError) as error:
        exec(PARAMETERS.format(parameter=parameter, more=more), names)
        names["Mine"](**given)
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


PARAMETRIC = ("run", "experiment=smoke", "problem.nu={lower: 0.01, upper: 0.1}")


@pytest.mark.parametrize(
    ("override", "offender", "remedy"),
    [
        ("continuation.nu=[1.0]", "continuation.nu: nu is a parameter", "problem.nu=1.0"),
        ("problem.nu.lower=0", "Burgers: nu: lower=0", "raise it"),
        ("network.periodic=[nu]", "nu is a parameter, in which no", "name other coordinates"),
        ("problem.unknowns.nu=0.1", "unknown nu: it is a parameter", "leave it out"),
        ("points.counts.nu=3", "points.counts.nu: no such region", "Known"),
    ],
)
def test_what_does_not_go_with_a_parameter_is_refused(override, offender, remedy, capsys):
    line = refused(capsys, *PARAMETRIC, override)
    assert offender in line and remedy in line
    assert not list(Path().iterdir())


def test_measurements_outside_of_a_parameter_are_refused():
    problem = Heat(alpha={"lower": 1e-9, "upper": 1.0, "log": True})
    for alpha in (2.0, 0.0, -1e-7):
        with pytest.raises(InputError, match="outside the domain, first row 1 .*alpha is from"):
            columns = {"x": [0.5], "t": [0.5], "alpha": [alpha], "u": [1.0]}
            measurements(problem, point_set(problem, columns))
    with pytest.raises(InputError, match="lacks the coordinate 'alpha'"):
        point_set(problem, {"x": [0.5], "t": [0.5], "u": [1.0]})


@pytest.mark.parametrize(
    ("where", "target"),
    [
        ("problem", "os.system"),
        ("problem", "subprocess.Popen"),
        ("network", "os.system"),
        ("network", "subprocess.run"),
        ("phases.polish.optimizer", "os.system"),
        ("phases.explore.optimizer.learning_rate", "os.system"),
        ("+weights.scheme", "os.system"),
    ],
)
def test_a_configuration_cannot_run_code(where, target, capsys, monkeypatch):
    called = []
    for name in ("os.system", "subprocess.run"):
        monkeypatch.setattr(name, lambda *a, **k: called.append(a))
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *a, **k: called.append(a))
    line = refused(capsys, "run", "experiment=smoke", f"{where}._target_={target}")
    assert f"{where.lstrip('+')}._target_={target}" in line and "name a subclass of" in line
    assert not called and not list(Path().iterdir())


def test_a_run_file_must_have_the_problem_that_is_named(capsys):
    Path("mine.py").write_text(PROBLEM.format(**(PARTS | {"reference": "None"})))
    assert "Did you mean 'Mine'?" in refused(capsys, "run", "mine.py:Mien")
    assert "nosuch.py" in refused(capsys, "run", "nosuch.py")


@pytest.mark.parametrize("command", ["resume", "plot", "compare"])
def test_a_folder_that_is_no_run(command, capsys, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    line = refused(capsys, command, "notes")
    assert "notes" in line and re.search(r"name one|give the folder", line)
    line = refused(capsys, command, "absent")
    assert "absent" in line and "no such folder" in line
    assert files(tmp_path) == {"notes/notes.txt": b"mine"}


SWEEP = '{"format": 1, "arguments": ["-m", "seed=0,1"], "working_folder": ".", "runs": []}'
BAD_SWEEPS = {
    "not begun": (
        ["resume"],
        {"multirun.yaml": "hydra: {}"},
        "no run of this sweep",
        "pinn run -m",
    ),
    "no JSON": (["resume"], {"sweep.json": "{"}, "sweep.json: does not hold a sweep", "restore"),
    "a list": (["plot"], {"sweep.json": "[]"}, "sweep.json: does not hold a sweep", "restore"),
    "later": (["compare"], {"sweep.json": '{"format": 9}'}, "format 9", "restore"),
    "no text": (["resume"], {"sweep.json": SWEEP.replace(".", "gone")}, "in gone", "restore"),
    "overrides": (["resume", "seed=3"], {"sweep.json": SWEEP}, "'seed=3'", "resume one of them"),
    "no result": (["plot"], {"sweep.json": SWEEP}, "no run of this sweep", "pinn resume"),
    "no runs": (["compare"], {"sweep.json": SWEEP}, "no run of this sweep", "pinn resume"),
    "gone": (
        ["plot"],
        {"sweep.json": SWEEP.replace("[]", '[{"folder": "a", "state": "done", "loss": 1.0}]')},
        "many/a: is gone",
        "pinn resume many",
    ),
    "old runs": (
        ["run", "-m", "seed=0,1", "hydra.sweep.dir=many"],
        {"a/checkpoint.npz": ""},
        "holds runs of no recorded sweep",
        "name another folder",
    ),
    "one folder": (
        ["run", "-m", "seed=0,1", "hydra.sweep.dir=many", "hydra.sweep.subdir=a"],
        {"notes.txt": ""},
        "hydra.sweep.subdir=a: all runs",
        "hydra.job.num",
    ),
    "two sweeps": (
        ["run", "-m", "seed=0,1", "hydra.sweep.dir=many"],
        {"sweep.json": SWEEP},
        "hydra.sweep.dir=many: holds a sweep",
        "pinn resume many",
    ),
}


@pytest.mark.parametrize("name", BAD_SWEEPS)
def test_bad_sweeps(name, capsys, tmp_path):
    (command, *more), contents, offender, remedy = BAD_SWEEPS[name]
    Path("many").mkdir()
    for file, text in contents.items():
        Path("many", file).parent.mkdir(exist_ok=True)
        Path("many", file).write_text(text)
    before = files(tmp_path)
    line = refused(capsys, command, *(more if command == "run" else ["many", *more]))
    assert offender in line and remedy in line
    assert files(tmp_path) == before


def test_a_sweep_that_cannot_begin_leaves_no_folder(capsys):
    for arguments in (["hydra.sweep.dir=/proc/nope"], ["hydra.sweep.dir=a/b", "sede=3"]):
        line = refused(capsys, "run", "-m", "seed=0,1", *arguments)
        assert re.search("/proc/nope: .*writable folder|no key 'sede'", line)
    assert not list(Path().iterdir())


def truncated(folder: Path) -> None:
    file = folder / "checkpoint.npz"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(folder: Path) -> None:
    file = folder / "checkpoint.npz"
    found = bytearray(file.read_bytes())
    found[len(found) // 2] ^= 0xFF
    file.write_bytes(bytes(found))


def foreign(folder: Path) -> None:
    np.savez(folder / "checkpoint.npz", weights=np.zeros(3))


def smaller(folder: Path) -> None:
    """Write a checkpoint of this program, of a network with fewer weights."""
    with np.load(folder / "checkpoint.npz") as file:
        arrays = dict(file)
    for name, array in arrays.items():
        if array.ndim and array.shape[-1] > 3:
            arrays[name] = array[..., :3]
    np.savez(folder / "checkpoint.npz", **arrays)


class Bomb:
    """A pickle that would make a file when it is loaded."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


def pickled(folder: Path) -> None:
    with np.load(folder / "checkpoint.npz") as file:
        arrays = dict(file)
    arrays["state/position/"] = np.array([Bomb()], dtype=object)
    np.savez(folder / "checkpoint.npz", **arrays)


def raw_pickle(folder: Path) -> None:
    import pickle

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("format.npy", pickle.dumps(Bomb()))
    (folder / "checkpoint.npz").write_bytes(buffer.getvalue())


def rewritten(name: str, text: str | bytes):
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    return damage


def without(*names: str):
    def damage(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return damage


def reconfigured(change):
    def damage(folder: Path) -> None:
        config = yaml.safe_load((folder / "config.yaml").read_text())
        change(config)
        (folder / "config.yaml").write_text(yaml.safe_dump(config))

    return damage


def reported_wrongly(folder: Path) -> None:
    file = folder / "history.csv"
    file.write_text(file.read_text().replace(",2,", ",two,", 1))


DAMAGES = {
    "truncated checkpoint": (truncated, "checkpoint.npz", "restore the file"),
    "flipped bit in the checkpoint": (flipped, "checkpoint.npz", "restore the file"),
    "empty checkpoint": (rewritten("checkpoint.npz", b""), "checkpoint.npz", "restore the file"),
    "foreign npz": (foreign, "checkpoint.npz", "restore the file"),
    "checkpoint of another network": (smaller, "checkpoint", "restore"),
    "pickle inside the checkpoint": (pickled, "checkpoint.npz", "restore the file"),
    "pickle as the checkpoint": (raw_pickle, "checkpoint.npz", "restore the file"),
    "no checkpoint": (without("checkpoint.npz"), "checkpoint.npz", "run it again"),
    "no config": (without("config.yaml"), "config.yaml", "name one"),
    "no network": (without("network.keras"), "network.keras", "restore the file"),
    "no history": (without("history.csv"), "history.csv", "name a run folder"),
    "config is no YAML": (
        rewritten("config.yaml", "problem: {_target_: ["),
        "config.yaml",
        "restore the file",
    ),
    "config is binary": (
        rewritten("config.yaml", b"\xff\xfe\x00"),
        "config.yaml",
        "restore the file",
    ),
    "config is empty": (rewritten("config.yaml", ""), "config.yaml", "restore the file"),
    "config is a list": (rewritten("config.yaml", "- 1\n- 2\n"), "config.yaml", "restore the file"),
    "config runs code": (
        rewritten("config.yaml", "seed: !!python/object/apply:os.mkdir [exploded]"),
        "config.yaml",
        "restore the file",
    ),
    "config names a function": (
        reconfigured(lambda c: c["problem"].update(_target_="os.system")),
        "problem._target_=os.system",
        "name a subclass of",
    ),
    "config lacks the problem": (
        reconfigured(lambda c: c.pop("problem")),
        "problem: none",
        "choose one",
    ),
    "config has an unknown key": (
        reconfigured(lambda c: c.update(weigths={})),
        "'weigths'",
        "Did you mean 'weights'",
    ),
    "config has another phase": (
        reconfigured(lambda c: c.update(phases={"other": c["phases"]["explore"]})),
        "phases",
        "restore the run's own files",
    ),
    "config has another optimizer": (
        reconfigured(lambda c: c["phases"]["polish"]["optimizer"].update(pairs=3)),
        "phases.polish.optimizer",
        "start a new run",
    ),
    "network is damaged": (
        rewritten("network.keras", b"PK\x03\x04"),
        "network.keras",
        "restore the file",
    ),
    "history is damaged": (reported_wrongly, "history.csv", "restore the file"),
}


@pytest.mark.parametrize("command", ["resume", "plot"])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_run_is_refused_and_left_alone(name, command, folder, capsys):
    damage, offender, remedy = DAMAGES[name]
    damage(folder)
    before = files(folder)
    line = refused(capsys, command, str(folder))
    assert offender in line and remedy in line
    assert files(folder) == before and not Path("exploded").exists()


BAD_OVERRIDES = [
    (
        "phases.polish.stop.max_iteration=9",
        "'phases.polish.stop.max_iteration=9'",
        "see its config.yaml",
    ),
    ("seed", "seed", "no such folder"),
    ("seed=[", "'seed=['", "write key=value"),
    ("seed=-1", "seed=-1", "whole number"),
    ("phases.polish.stop.max_iterations=many", "max_iterations='many'", "whole number"),
    ("points.counts.interior=0", "points.counts.interior=0", "at least 1"),
    ("points.method=sobl", "'sobl'", "Did you mean 'sobol'"),
    ("problem.nu=-1", "nu=-1", "positive"),
    ("phases.polish.optimizer.pairs=3", "phases.polish.optimizer", "start a new run"),
]


@pytest.mark.parametrize(("override", "offender", "remedy"), BAD_OVERRIDES)
def test_a_bad_override_leaves_the_run_alone(override, offender, remedy, folder, capsys):
    before = files(folder)
    line = refused(capsys, "resume", str(folder), override)
    assert offender in line and remedy in line
    assert files(folder) == before


def test_a_number_with_an_exponent_is_a_number(folder):
    """YAML 1.1 takes 1e-30 for text; the command line does not."""
    made, _, config = run_folder.read(RunFolder(folder), ["phases.polish.stop.target_loss=1e-30"])
    assert (
        made.phases[-1].stop.target_loss
        == config["phases"]["polish"]["stop"]["target_loss"]
        == 1e-30
    )


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_damaged_metrics(text, folder, capsys):
    (folder / "metrics.json").write_text(text)
    before = files(folder)
    for command in ("plot", "compare"):
        assert "metrics.json" in refused(capsys, command, str(folder))
    assert files(folder) == before


def test_a_folder_that_holds_a_run_is_not_written_over(folder):
    before = files(folder)
    solution = pinn.load(folder)
    with pytest.raises(InputError, match="holds a run already; name another folder"):
        pinn.solve(solution.problem, folder=folder, show=False)
    assert files(folder) == before


@pytest.mark.slow
def test_one_line_is_all_that_a_terminal_shows(tmp_path):
    """TensorFlow's libraries write past Python's stderr, which only another process sees."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "pinn", "run", "experiment=smoke", "points.counts.interior=0"],
        capture_output=True, text=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "pinn: points.counts.interior=0; give a whole number of at least 1.\n"
    assert not list(tmp_path.iterdir())


def test_memory_that_is_not_there_is_told_in_a_line(capsys, monkeypatch):
    line = refused(capsys, "run", "experiment=smoke", "network.width=2000000")
    assert "network: about 8,000,006,000,000 parameters: takes" in line and "smaller netw" in line
    # Where it is not known before, what NumPy or TensorFlow says is told.
    monkeypatch.setattr(sys.modules["pinn.networks.mlp"], "require_memory", lambda *_: None)
    line = refused(capsys, "run", "experiment=smoke", "network.width=2000000")
    assert "out of memory" in line and "smaller network" in line
    assert not list(Path().iterdir())


INEQUALITY = """
from pinn import Interval, Mirror, Problem, UnknownField, complementarity, residual

class Mine(Problem):
    fields = ("u",)
    {more}
    space = Interval(x=(-1.0, 1.0))

    @complementarity(on={on})
    def over(self, u, u_xx):
        return {value}

    @residual(on="boundary")
    def held(self, u):
        return u
"""
POSITIVE = "positive_fields = ('u',)"
BAD_INEQUALITIES = [
    ({"value": "-u_xx"}, (), "Mine.over: returned a", "the two expressions"),
    ({"value": "u, u, u"}, (), "Mine.over: returned a tuple", "the two expressions"),
    ({"value": "-u_xx, u[:, None]"}, (), "Mine.over: returned values of shape", "one value per"),
    ({"value": "-u_xx, u > 0"}, (), "Mine.over: returned bool", "do not cast"),
    ({"on": "'initial'"}, (), "complementarity: on='initial'", "@residual"),
    ({}, ("scales={balances: {ovre: 2.0}}",), "scales.balances.ovre: no such", "'over'?"),
    ({}, ("scales={balances: {over: -1.0}}",), "scales.balances.over=-1.0", "positive"),
    ({}, ("scales={residuals: {helt: 1.0}}",), "scales.residuals.helt: no such", "'held'?"),
    ({}, ("scales={fields: {v: 1.0}}",), "scales.fields.v: no such field", "Known: u"),
    ({"more": "positive_fields = 'u'"}, (), "positive_fields='u' is text", "('u',)"),
    ({"more": "positive_fields = ('v',)"}, (), "positive_fields=('v',): 'v' is no field", "Known"),
    ({"more": f"{POSITIVE}; gauge = ('u',)"}, (), "'u' is known up to a constant", "leave it out"),
    (
        {"more": f"{POSITIVE}; symmetries = (Mirror(('x',), odd=('u',)),)"},
        (),
        "'u' changes its sign in a mirror",
        "leave it out",
    ),
    (
        {"more": "positive_fields = ('a',); unknown_fields = {'a': UnknownField(('x',))}"},
        (),
        "'a' is an unknown field",
        "lower=0.0",
    ),
    (
        {"more": POSITIVE},
        ("scales={fields: {u: {offset: -1.0, scale: 2.0}}}",),
        "scales.fields.u.offset=-1.0: u is positive",
        "such as 2.0",
    ),
    ({"more": POSITIVE}, ("scales=auto",), "the values that u is given", "leave it out"),
]


@pytest.mark.parametrize(("parts", "settings", "offender", "remedy"), BAD_INEQUALITIES)
def test_bad_inequalities_are_named_with_a_remedy(parts, settings, offender, remedy, capsys):
    text = INEQUALITY.format(**{"on": "'interior'", "value": "-u_xx, u", "more": "", **parts})
    Path("mine.py").write_text(text)
    line = refused(capsys, "run", "mine.py", *settings)
    assert offender in line and remedy in line


def test_a_second_run_into_a_folder_is_refused(folder, capsys):
    before = files(folder)
    for where in (f"hydra.run.dir={folder}", f"hydra.run.dir={folder.parent}/${{name}}"):
        line = refused(capsys, "run", *TINY, where, f"name={folder.name}", "seed=3")
        assert "holds a run already; name another folder" in line and "pinn resume" in line
    assert files(folder) == before
