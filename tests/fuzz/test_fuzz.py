"""Random configurations, files of data and files of problems: each is taken, or refused in a line.

The quick suite tries some hundred of them, always the same; the slow one tries 10,000 others.
"""

import copy
import string
import warnings
from pathlib import Path

import pytest

from pinn.cli.arguments import check_override, prepared
from pinn.cli.compose import compose
from pinn.errors import InputError
from pinn.measurements import DataFile, read_sets
from pinn.problems import Heat
from pinn.setup import config as configuration
from pinn.setup.build import locate

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

COUNTS = {"quick": 100, "slow": 3000}
"""How many of a kind are tried."""
HEALTH = list(hypothesis.HealthCheck)


def fuzz(count, share=1.0, **strategies):
    """Have a test called with random values; the quick ones are the same in every run.

    Args:
        count: "quick" or "slow".
        share: of the usual number of tries.
        strategies: the values, by parameter of the test.
    """

    def decorated(test):
        test = hypothesis.settings(
            max_examples=int(share * COUNTS[count]),
            deadline=None,
            database=None,
            derandomize=count == "quick",
            suppress_health_check=HEALTH,
        )(test)
        return hypothesis.given(**strategies)(test)

    return decorated


def tried(action):
    """Call a function that may refuse, in one line, and no more than that."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            action()
    except InputError as error:
        line = str(error)
        assert line and "\n" not in line and "Traceback" not in line


BASE, _ = compose(["experiment=smoke", "network.width=3", "network.depth=1"])


def keys(node, prefix=()):
    """Return the paths to all values of a configuration, nodes included."""
    found = []
    for key, value in node.items():
        found.append((*prefix, key))
        if isinstance(value, dict):
            found += keys(value, (*prefix, key))
    return found


PATHS = keys(BASE)
NUMBERS = [0, 1, -1, 2, 3, 7, 2**31, 2**63 - 1, 10**30, 0.5, 1e-308, 1e308, -1e308]
NUMBERS += [float("inf"), float("nan"), 1e-12]
WORDS = [
    "",
    "auto",
    "none",
    "null",
    "hard",
    "x",
    "u",
    "start",
    "a" * 300,
    "é",
    "a\nb",
    "../a",
    "%s",
]
WORDS += ["pinn.problems.Heat", "os.system", "nosuch.py:Mine", "{}", "1e-6", "~", "\0"]
leaves = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(WORDS), st.integers()
)
names = st.sampled_from([*{path[-1] for path in PATHS}, "x", "u", "_target_", "interior", ""])
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=5,
)
changes = st.lists(st.tuples(st.sampled_from(PATHS), values), min_size=1, max_size=3)


def set_up(changed):
    """Build the setup of a configuration with changes."""
    config = copy.deepcopy(BASE)
    for path, value in changed:
        node = config
        for key in path[:-1]:
            node = node.get(key) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node[path[-1]] = value
    # What is small enough is built; a machine of any size may build what is large.
    tried(lambda: configuration.setup(config))


@fuzz("quick", changed=changes)
def test_configurations(changed):
    set_up(changed)


@pytest.mark.slow
@fuzz("slow", changed=changes)
def test_many_configurations(changed):
    set_up(changed)


words = st.text(st.sampled_from("ab.=+~@/:[]{}(),'\"$0 1e-é\n" + string.punctuation), max_size=12)
dotted = st.sampled_from([".".join(path) for path in PATHS])
written = st.one_of(
    words,
    st.tuples(dotted, words).map("=".join),
    st.tuples(st.sampled_from(["", "+", "++", "~"]), dotted, st.sampled_from(WORDS)).map(
        lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"
    ),
)


def compose_line(override):
    """Compose the configuration of a command line."""

    def action():
        check_override("run", override)
        compose(prepared(["experiment=smoke", override]))

    tried(action)


@fuzz("quick", 0.15, override=written)
def test_command_lines(override):
    compose_line(override)


@pytest.mark.slow
@fuzz("slow", 0.35, override=written)
def test_many_command_lines(override):
    compose_line(override)


cells = st.one_of(
    st.sampled_from(
        ["", "0", "1", "0.5", "0,5", "1e-3", "nan", "NA", "inf", "x", '"1', "2026-03-04"]
    ),
    st.floats(width=32).map(str),
    st.text(st.sampled_from("0123456789.,;eE-+ \t'\"#%é\0"), max_size=6),
)
separators = st.sampled_from([",", ";", "\t", " ", "  ", "|"])
headers = st.sampled_from(
    [["x", "t", "u"], ["u", "x"], ["t"], ["x", "x", "u"], ["m", "s", "K"], []]
)
tables = st.tuples(headers, st.lists(st.lists(cells, max_size=4), max_size=4), separators)
# Most cells of these are right, so that what is read after the text is tried too.
inside = st.one_of(
    st.floats(0, 1, width=16).map(str), st.sampled_from(["0", "1", "0.5", "0,5", ""])
)
nearly = st.tuples(
    st.just(["x", "t", "u"]),
    st.lists(st.lists(inside, min_size=3, max_size=3), min_size=1, max_size=4),
    separators,
)
contents = st.one_of(
    nearly.map(lambda t: "\n".join(t[2].join(row) for row in [t[0], *t[1]]).encode()),
    tables.map(lambda t: "\n".join(t[2].join(row) for row in [t[0], *t[1]]).encode()),
    tables.map(lambda t: "\r\n".join(t[2].join(row) for row in [t[0], *t[1]]).encode("utf-16")),
    st.binary(max_size=60),
    st.binary(max_size=40).map(lambda rest: b"PK\x03\x04" + rest),
    st.binary(max_size=40).map(lambda rest: b"\x93NUMPY\x01\x00" + rest),
)
suffixes = st.sampled_from(
    [".csv", ".txt", ".dat", ".tsv", ".csv.gz", ".csv.zip", ".npz", ".mat", ".xlsx", ".parquet", ""]
)
choices = st.fixed_dictionaries(
    {},
    optional={
        "separator": st.sampled_from(["tab", "semicolon", "comma", "blanks", None, 3]),
        "decimal": st.sampled_from(["point", "comma", None, ","]),
        "columns": st.one_of(st.lists(st.sampled_from(["x", "t", "u", 3]), max_size=4), leaves),
        "fields": st.one_of(
            st.dictionaries(st.sampled_from(["u", "v"]), leaves, max_size=2), leaves
        ),
        "coordinates": st.dictionaries(st.sampled_from(["x", "t", "y"]), leaves, max_size=2),
        "sigma": leaves,
        "count": leaves,
        "grid": st.one_of(st.lists(st.sampled_from(["x", "t", 3]), max_size=3), leaves),
        "outside": st.sampled_from(["refuse", "drop", None]),
        "noise": leaves,
        "sheet": leaves,
    },
)


def read_data(folder, content, suffix, settings):
    """Read a file of measurements."""
    file = Path(folder, f"data{suffix}")
    file.write_bytes(content)
    tried(lambda: read_sets(Heat(), DataFile(path=str(file), **settings)))


@fuzz("quick", content=contents, suffix=suffixes, settings=st.one_of(st.just({}), choices))
def test_files_of_data(tmp_path_factory, content, suffix, settings):
    read_data(tmp_path_factory.getbasetemp(), content, suffix, settings)


@pytest.mark.slow
@fuzz("slow", content=contents, suffix=suffixes, settings=st.one_of(st.just({}), choices))
def test_many_files_of_data(tmp_path_factory, content, suffix, settings):
    read_data(tmp_path_factory.getbasetemp(), content, suffix, settings)


PROBLEM = """
import tensorflow as tf
from pinn import At, Disk, Inside, Interval, Problem, Rectangle, positive, residual

class Mine(Problem):
    fields = {fields}
    space = {space}
    time = {time}
    periodic = {periodic}
    k: float = {coefficient}
    regions = {regions}

    @residual(on={region})
    def first({parameters}):
        return {value}
"""
PARTS = {
    "fields": ["('u',)", "'u'", "('u', 'u')", "()", "None", "3", "(3,)", "('u_x',)", "['u']", "{}"],
    "space": [
        "Interval(x=(0.0, 1.0))",
        "Interval(x=(1.0, 0.0))",
        "Interval(x=1)",
        "Rectangle(x=(0, 1), y=(0, 1))",
        "Disk(center=(0, 0), radius=-1)",
        "None",
        "3",
    ],
    "time": ["None", "(0.0, 1.0)", "(1.0, 0.0)", "1", "'t'", "(0, float('nan'))", "(0,)", "[]"],
    "periodic": ["()", "('x',)", "('u',)", "'x'", "None", "3"],
    "coefficient": ["1.0", "positive(1.0)", "'a'", "None", "positive(-1.0)", "[1]"],
    "regions": ["{}", "{'here': At(x=0.0)}", "{'here': 3}", "{'u': At(x=2.0)}", "3", "None"],
    "region": ["'interior'", "'boundary'", "'here'", "'x-'", "3", "('x-', 'x+')", "None", "''"],
    "parameters": [
        "self, u_x",
        "self",
        "",
        "self, q",
        "self, *, u",
        "u",
        "self, u=1",
        "self, lap_u",
    ],
    "value": ["u_x", "u", "None", "1.0", "self.k * u_x", "1 / 0", "[u]", "self.nope", "tf.nope(u)"],
}
problems = st.fixed_dictionaries({name: st.sampled_from(texts) for name, texts in PARTS.items()})
NUMBER = iter(range(10**9))


def import_problem(folder, parts):
    """Import a file of a problem, build the problem, and check it with a setup."""
    file = Path(folder, f"mine_{next(NUMBER)}.py")
    file.write_text(PROBLEM.format(**parts))
    config = {**copy.deepcopy(BASE), "problem": {"_target_": str(file)}, "published": None}
    config["weights"] = {}
    tried(lambda: locate(str(file), "problem"))
    tried(lambda: configuration.setup(config))


@fuzz("quick", parts=problems)
def test_files_of_problems(tmp_path_factory, parts):
    import_problem(tmp_path_factory.getbasetemp(), parts)


@pytest.mark.slow
@fuzz("slow", parts=problems)
def test_many_files_of_problems(tmp_path_factory, parts):
    import_problem(tmp_path_factory.getbasetemp(), parts)
