"""Measurements from files: every layout gives what was written, every mistake one line."""

import dataclasses
import gzip
import io
import itertools
import lzma
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import yaml

from pinn.cli.run import compose
from pinn.errors import InputError
from pinn.geometry import Difference, Disk, PointCloud, Rectangle
from pinn.measurements import DataFile, Synthetic, measurements, point_set
from pinn.measurements.text import DECIMALS, SEPARATORS
from pinn.objective import PointSet
from pinn.problems import Heat, Kovasznay
from pinn.setup import config
from pinn.setup.network import default_network
from pinn.setup.setup import Setup

X, T = np.linspace(0.1, 0.9, 5), np.linspace(0.0, 1.0, 4)
U = Heat().reference(X[:, None], T)["u"]  # [5, 4]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def write_csv(text, name="data.csv"):
    with open(name, "w") as file:
        file.write(text)
    return name


def table():
    x, t = (a.ravel() for a in np.meshgrid(X, T, indexing="ij"))
    return np.stack([x, t, U.ravel()], axis=1)


def as_rows(points):
    found = np.column_stack([points.coordinates, points.values["u"]])
    return found[np.lexsort(found.T)]


def expected():
    found = table()
    return found[np.lexsort(found.T)]


def header(rows, names="x,t,u", delimiter=","):
    lines = [delimiter.join(map(repr, map(float, row))) for row in rows]
    return "\n".join(([names.replace(",", delimiter)] if names else []) + lines) + "\n"


LAYOUTS = {
    "csv": (lambda: write_csv(header(table())), {}),
    "csv, other names": (
        lambda: write_csv("# made by hand\n" + header(table(), "X,time,U")),
        {"coordinates": {"x": "X", "t": "time"}, "fields": {"u": "U"}},
    ),
    "csv, semicolons, no header": (
        lambda: write_csv(header(table(), "", ";")),
        {"coordinates": {"x": "column1", "t": "column2"}, "fields": {"u": "column3"}},
    ),
    "npz, rows": (lambda: np.savez("data.npz", A=table()) or "data.npz", {
        "coordinates": {"x": "A[:, 0]", "t": "A[:, 1]"}, "fields": {"u": "A[:,-1]"},
    }),
    "npz, grid": (lambda: np.savez("data.npz", x=X, t=T, u=U) or "data.npz", {"grid": ["x", "t"]}),
    "npz, transposed": (
        lambda: np.savez("data.npz", x=X, t=T, u=U.T) or "data.npz",
        {"grid": ["t", "x"]},
    ),
    "mat, as in Raissi's files": (
        lambda: (
            scipy.io.savemat("data.mat", {"x": X[:, None], "t": T[:, None], "usol": U})
            or "data.mat"
        ),
        {"fields": {"u": "usol"}, "grid": ["x", "t"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "settings"), LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_gives_what_was_written(make, settings):
    points = DataFile(path=make(), **settings).measure(Heat())
    assert np.array_equal(as_rows(points), expected())


def test_points_that_lie_anyhow_share_an_axis():
    rng = np.random.default_rng(0)
    where, flow = rng.uniform([-0.5, -0.5], [1.0, 1.5], (7, 2)), rng.random((7, 2, 3))
    scipy.io.savemat("wake.mat", {"X_star": where, "t": np.arange(3.0)[:, None], "U_star": flow})
    mapping = {"x": "X_star[:,0]", "y": "X_star[:, 1]"}
    file = DataFile(path="wake.mat", coordinates=mapping, fields={"v": "U_star[:, 1, 2]"})
    points = file.measure(Kovasznay())
    assert np.array_equal(points.coordinates, where) and np.array_equal(
        points.values["v"], flow[:, 1, 2]
    )

    class Moving(Kovasznay):
        time = (0.0, 2.0)

    fields = {"u": "U_star[:,0,:]", "v": "U_star[:,1,:]"}
    points = DataFile(
        path="wake.mat", coordinates=mapping, fields=fields, grid=[["x", "y"], "t"]
    ).measure(Moving())
    assert points.coordinates.shape == (21, 3)
    for (x, y, t), u, v in zip(
        points.coordinates, points.values["u"], points.values["v"], strict=True
    ):
        i = int(np.flatnonzero((where == (x, y)).all(axis=1))[0])
        assert (u, v) == tuple(flow[i, :, int(t)])


def test_a_snapshot_has_its_time_in_the_configuration():
    np.savez("snapshot.npz", x=X, u=U[:, 1])
    points = DataFile(path="snapshot.npz", coordinates={"t": T[1]}).measure(Heat())
    assert np.array_equal(points.coordinates[:, 1], np.full(5, T[1])) and np.array_equal(
        points.values["u"], U[:, 1]
    )
    points = DataFile(path="snapshot.npz", coordinates={"t": 1}, grid=["x"]).measure(Heat())
    assert np.array_equal(points.coordinates[:, 0], X) and set(points.coordinates[:, 1]) == {1.0}


def test_a_random_part_and_added_noise():
    np.savez(
        "data.npz", x=np.repeat(X, 200), t=np.tile(np.linspace(0, 1, 200), 5), u=np.arange(1000.0)
    )
    some = DataFile(path="data.npz", count=400, seed=1).measure(Heat())
    same, other = (DataFile(path="data.npz", count=400, seed=s).measure(Heat()) for s in (1, 2))
    assert len(set(some.values["u"])) == 400
    assert np.array_equal(some.values["u"], same.values["u"])
    assert not np.array_equal(some.values["u"], other.values["u"])
    noisy = DataFile(path="data.npz", noise=0.1).measure(Heat()).values["u"] - np.arange(1000.0)
    assert np.std(noisy) == pytest.approx(0.1 * np.std(np.arange(1000.0)), rel=0.1)


def test_values_whose_square_overflows_are_read():
    points = DataFile(path=write_csv("x,t,u\n0,0,1e300\n1,1,-1e300\n")).measure(Heat())
    assert list(points.values["u"]) == [1e300, -1e300]


def test_points_outside_are_left_out_where_that_is_asked_for():
    path = write_csv("x,t,u\n0.5,0.5,1\n2.0,0.5,2\n1.0000000001,1.0,3\n")
    points = DataFile(path=path, outside="drop").measure(Heat())
    assert list(points.values["u"]) == [1.0, 3.0]  # a coordinate that is rounded is still inside


MISTAKES = {
    "no file": (
        {"path": "nothing.csv"},
        "data.path=nothing.csv: cannot be read (No such file or directory); give",
    ),
    "kind": (
        {"path": "data.xls"},
        "data.path=data.xls: unknown kind of file .xls; give one of .csv, .txt, .dat, .tsv, .npz, ",
    ),
    "name": (
        {"coordinates": {"x": "c1"}},
        "data.coordinates.x='c1': data.npz has no 'c1'. Known: t, u, x.",
    ),
    "coordinate": (
        {"coordinates": {"y": "x"}},
        "data.coordinates.y: no such name in the problem. Known: t, x.",
    ),
    "field": ({"fields": {"v": "u"}}, "data.fields.v: no such name in the problem. Known: u."),
    "number for a field": (
        {"fields": {"u": 3}},
        "data.fields.u=3; give an array's name, such as u",
    ),
    "part": ({"fields": {"u": "u[:, 9]"}}, "data.fields.u='u[:, 9]': index 9 is out of bounds"),
    "no grid": (
        {},
        "data.grid: null, but x 5, t 4, u 5 × 4; say what runs along the axes, "
        "as in data.grid=[x,t].",
    ),
    "transposed": ({"grid": ["t", "x"]}, "u is 5 × 4, but t 4, x 5; set data.grid=[x,t]."),
    "grid lacks t": ({"grid": ["x"]}, "data.grid=[x]; name each of x, t once"),
    "one axis for two": (
        {"grid": [["x", "t"]]},
        "data.grid=[[x,t]]: x 5, t 4; give vectors, of one length on one",
    ),
    "shape": (
        {"grid": ["x", "t"], "fields": {"u": "u[:3]"}},
        "u is 3 × 4, but x 5, t 4; give arrays that fit.",
    ),
    "too many": (
        {"grid": ["x", "t"], "count": 21},
        "data.count=21: there are 20 points; give at most that many",
    ),
    "count": ({"count": 0}, "data.count=0; give a whole number of at least 1, or null for all."),
    "noise": ({"noise": -1.0}, "data.noise=-1.0; give a number of at least 0"),
    "changed": (
        {"sha256": "0" * 64},
        "data.path=data.npz: the file is no longer the one that the run started with",
    ),
}


@pytest.mark.parametrize(("settings", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_in_one_line(settings, words):
    np.savez("data.npz", x=X, t=T, u=U)
    with pytest.raises(InputError) as error:
        DataFile(**{"path": "data.npz", **settings}).measure(Heat())
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", "holds no numbers"),
        ("a.csv", "x,t,u\n1,2\n", "line 2 has 2 cells, not 3"),
        ("a.csv", "x,t,u\n0.1,0.2,none\n", "line 2, column u: 'none' is no number"),
        ("a.csv", "x,t,u\n0.1,0.2,nan\n", "a.csv: no row has a value of u; leave it out"),
        ("a.csv", "x,t,t\n0.1,0.2,3\n", "two columns of one name"),
        (
            "a.csv",
            "x,t,u\n3,0.5,1\n",
            "1 of 1 points are outside the domain, first line 2 (x=3, t=0.5; x is from 0 to 1);",
        ),
        ("a.csv", "x,t,u\n", "holds no row of numbers"),
        ("a.npz", "x,t,u\n", "is no .npz file"),
        ("a.mat", "x,t,u\n", "is no .mat file"),
    ],
)
def test_damaged_files_are_told_in_one_line(name, content, words):
    with pytest.raises(InputError) as error:
        DataFile(path=write_csv(content, name)).measure(Heat())
    assert words in str(error.value) and "\n" not in str(error.value)


ENCODINGS = ("utf-8", "utf-8-sig", "latin-1", "utf-16")


def cell(value, decimal, separator):
    """Return a number as some program writes it; an empty cell where there is none."""
    if np.isnan(value):
        return "NA" if separator == "blanks" else ""
    return repr(float(value)).replace(".", DECIMALS[decimal])


def text_table(rows, separator, decimal, *, header=(), units=(), end="\n"):
    between = SEPARATORS[separator]
    lines = ["# written by a test", *(between.join(line) for line in (header, units) if line)]
    for row in rows:
        lines.append(between.join(cell(value, decimal, separator) for value in row))
    return end.join([*lines, ""])


def some_rows():
    rng = np.random.default_rng(3)
    rows = np.column_stack([rng.random((6, 2)), rng.normal(0, 1, 6) * 10.0 ** np.arange(-3, 3)])
    rows[4, 2] = np.nan
    return rows


def test_every_way_of_writing_a_table_reads_the_same():
    """The separator, the decimal mark, the encoding, a header and its units are found."""
    rows = some_rows()
    ways = itertools.product(SEPARATORS, DECIMALS, ENCODINGS, ("header", "units", "none"), "\n\r")
    for separator, decimal, encoding, head, end in ways:
        if separator == decimal:
            continue
        text = text_table(
            rows,
            separator,
            decimal,
            header=() if head == "none" else ("x", "t", "température"),
            units=("m", "s", "°C") if head == "units" else (),
            end="\r\n" if end == "\r" else end,
        )
        Path("table.dat").write_bytes(text.encode(encoding))
        columns = ["x", "t", "température"] if head == "none" else None
        file = DataFile(path="table.dat", fields={"u": "température"}, columns=columns)
        found = file.read(Heat())
        where = (separator, decimal, encoding, head)
        kept = rows[[0, 1, 2, 3, 5]]
        points = np.column_stack([found.points.coordinates, found.points.values["u"]])
        assert np.array_equal(points, kept), where
        assert (found.units["u"] == "°C") == (head == "units"), where
        assert "1 of 6 rows lack u; they are left out" in found.notes, where


def test_a_table_that_is_told_is_not_guessed():
    for separator, decimal in itertools.product(SEPARATORS, DECIMALS):
        if separator != decimal:
            text = text_table(some_rows(), separator, decimal, header=("x", "t", "u"))
            told = {"separator": separator, "decimal": decimal}
            found = DataFile(path=write_csv(text), **told).measure(Heat())
            assert found.values["u"][0] == some_rows()[0, 2]
    with pytest.raises(InputError, match="data.separator=comma: does not go with"):
        DataFile(path=write_csv("x\n1\n"), separator="comma", decimal="comma").measure(Heat())


@pytest.mark.parametrize("number", ["1,234", "-999,999", "12,345,678"])
def test_decimal_commas_and_thousands_are_never_guessed(number):
    path = write_csv(f"x;t;u\n0;1;{number}\n")
    if number.count(",") == 1:
        with pytest.raises(InputError, match="line 2: '.*' may have a decimal comma or thousands"):
            DataFile(path=path).measure(Heat())
        found = DataFile(path=path, decimal="comma").measure(Heat())
        assert found.values["u"] == float(number.replace(",", "."))
        # One cell that cannot have thousands shows that all commas are decimal.
        path = write_csv(f"x;t;u\n0;1;{number}\n0,5;1;2\n")
        assert DataFile(path=path).measure(Heat()).values["u"][0] == found.values["u"]
    path = write_csv(f"x;t;u\n0;1;{number}\n")
    found = DataFile(path=path, decimal="point").measure(Heat())
    assert found.values["u"] == float(number.replace(",", ""))


TABLES = {
    "Excel's first line": "sep=;\nx;t;u\n0,5;1;-3\n",
    "comments of all kinds": "% a\n# b\nx,t,u\n// c\n0.5,1,-3\n# d",
    "names in NumPy's comment": "# x t u\n5e-1 1 -3",
    "a separator at the ends": "x;t;u;\n.5;1.;-3;\n;;;\n",
    "quoted cells": '"x","t","u"\n"0.5","1","-3"\n',
    "units in the header": "x [m]\tt (s)\tu [m/s]\n0.5\t1\t-3\n",
    "R's header": '"x" "t" "u"\n0.5 1 -3\n',
    "Fortran's exponents": "  x   t   u\n  0.5D+00   1.D0  -0.3D+01\n",
    "other columns": "name,x,t,u,remark\nA,0.5,1,-3,\nB,0.5,,2,'no'\n",
    "empty lines": "x;t;u\n0,5;1;-3\n\n",
}


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_habits_of_other_programs(text):
    points = DataFile(path=write_csv(text)).measure(Heat())
    assert np.array_equal(points.coordinates, [[0.5, 1.0]]) and points.values["u"] == [-3.0]


DATES = {
    "ISO": ("2026-03-04 10:00:00", "2026-03-04 10:00:00.5"),
    "ISO with a zone": ("2026-03-04T10:00:00Z", "2026-03-04T11:00:00.5+01:00"),
    "day first, by points": ("04.03.2026 10:00", "04.03.2026 10:00:00.5"),
    "day first, as one exceeds 12": ("31/03/2026 23:59:59.5", "01/04/2026"),
    "month first, as a day exceeds 12": ("03/31/2026 23:59:59.5", "04/01/2026 00:00"),
    "year first": ("2026/03/04 10:00:00", "2026/03/04 10:00:00.5"),
}


@pytest.mark.parametrize("dates", DATES.values(), ids=DATES)
def test_dates_become_seconds(dates):
    path = write_csv(f"x;t;u\n0,5;{dates[1]};1\n0,5;{dates[0]};2\n")
    found = DataFile(path=path).read(Heat())
    assert list(found.points.coordinates[:, 1]) == [0.5, 0.0]
    assert "t in seconds since 2026-03-" in found.notes[0]


def test_compressed_tables():
    text = header(table()).encode()
    with zipfile.ZipFile("c.zip", "w") as archive:
        archive.writestr("folder/c.csv", text)
    Path("a.csv.gz").write_bytes(gzip.compress(text))
    Path("b.TXT.xz").write_bytes(lzma.compress(text))
    for name in ("a.csv.gz", "b.TXT.xz", "c.zip"):
        assert np.array_equal(as_rows(DataFile(path=name).measure(Heat())), expected())


def test_a_file_of_many_rows_is_read_like_a_short_one():
    rows = np.random.default_rng(0).random((30_000, 3))
    path = write_csv(pd.DataFrame(rows, columns=list("xtu")).to_csv(index=False))
    points = DataFile(path=path).measure(Heat())
    assert np.array_equal(np.column_stack([points.coordinates, points.values["u"]]), rows)


def test_a_damaged_table_is_read_or_refused_in_one_line():
    rng = np.random.default_rng(0)
    whole = text_table(some_rows(), "semicolon", "comma", header=("x", "t", "u")).encode()
    for _ in range(150):
        content = bytearray(whole)
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            content[place] = rng.choice(list(b'0123456789,;."\n\t -#a\x00\xff'))
        Path("damaged.csv").write_bytes(content)
        try:
            points = DataFile(path="damaged.csv").measure(Heat())
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert np.all(np.isfinite(points.coordinates))


def spreadsheet(**sheets):
    with pd.ExcelWriter("book.xlsx", engine="openpyxl") as writer:
        for name, rows in sheets.items():
            frame = pd.DataFrame(rows)
            frame.to_excel(writer, sheet_name=name, index=False, header=False, startrow=1)
    return "book.xlsx"


def test_spreadsheets():
    pytest.importorskip("openpyxl")
    start = pd.Timestamp("2026-03-04 10:00")
    later = start + pd.Timedelta(seconds=0.5)
    rows = [["x", "t", "u"], ["m", None, "K"], [0.5, start, -3.0], [1, later, None], [0, later, 2]]
    found = DataFile(path=spreadsheet(one=rows)).read(Heat())
    assert np.array_equal(found.points.coordinates, [[0.5, 0.0], [0.0, 0.5]])
    assert list(found.points.values["u"]) == [-3.0, 2.0] and found.units["u"] == "K"
    path = spreadsheet(one=rows, two=[["x", "t", "u"], [0.25, 1, "7"]])
    assert DataFile(path=path, sheet="two").measure(Heat()).values["u"] == 7.0
    for sheet, words in ((None, "has the sheets one, two; choose"), ("three", "no such sheet")):
        with pytest.raises(InputError, match=words):
            DataFile(path=path, sheet=sheet).measure(Heat())


def test_parquet():
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"x [m]": [0.5, 0.25], "t": [0, 1], "u": [1.5, None]})
    frame.to_parquet("table.parquet")
    found = DataFile(path="table.parquet").read(Heat())
    assert found.points.coordinates.tolist() == [[0.5, 0.0]] and found.units["x"] == "m"


@pytest.mark.parametrize(("name", "module"), [("a.xlsx", "openpyxl"), ("a.parquet", "pyarrow")])
def test_an_extra_that_is_not_installed_is_named(name, module, monkeypatch):
    def missing(*_, **__):
        raise ImportError(module)

    monkeypatch.setattr("pandas.ExcelFile", missing)
    monkeypatch.setattr("pandas.read_parquet", missing)
    write_csv("", name)
    with pytest.raises(InputError, match=rf"needs {module}; install it, or pinn with the extra"):
        DataFile(path=name).measure(Heat())


def test_matlab_s_version_7_3():
    with h5py.File("v73.mat", "w", userblock_size=512) as file:
        for name, array in {"x": X[:, None], "t": T[:, None], "usol": U}.items():
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_("double")
        file.create_dataset("note", data=[[65]]).attrs["MATLAB_class"] = np.bytes_("char")
        file.create_group("#refs#")
    start = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    content = bytearray(Path("v73.mat").read_bytes())
    content[:128] = start
    Path("v73.mat").write_bytes(content)
    file = DataFile(path="v73.mat", fields={"u": "usol"}, grid=["x", "t"])
    assert np.array_equal(as_rows(file.measure(Heat())), expected())


class Pipe(Kovasznay):
    space = Difference(Rectangle(x=(-0.5, 1.0), y=(-0.5, 1.5)), pipe=Disk(x=0.2, y=0.5, radius=0.2))


@pytest.mark.parametrize("where", ["2,0", "0.2,0.6", "0.5,-9"])
def test_points_outside_the_domain_or_in_a_hole_are_told(where):
    path = write_csv(f"x,y,u\n0.9,0.9,1\n# and\n{where},2\n")
    reason = "it is in a hole" if where == "0.2,0.6" else "is from -0.5 to"
    with pytest.raises(InputError) as error:
        DataFile(path=path, fields={"u": "u"}).measure(Pipe())
    text = str(error.value)
    assert "1 of 2 points are outside the domain, first line 4" in text and reason in text
    assert "set data.outside=drop" in text and "\n" not in text
    found = DataFile(path=path, fields={"u": "u"}, outside="drop").read(Pipe())
    assert found.points.values["u"] == [1.0]
    assert found.notes[-1] == "1 of 2 points are outside the domain; they are left out"
    given = {"x": [0.9, float(where.split(",")[0])], "y": [0.9, float(where.split(",")[1])]}
    with pytest.raises(InputError, match="data: 1 of 2 points are outside .*, first row 2"):
        measurements(Pipe(), point_set(Pipe(), {**given, "u": [1, 2]}))


def test_fields_that_are_measured_at_different_points():
    path = write_csv("x,y,u,v\n0.1,0,1,\n0.2,0,,2\n0.3,0,,\n,0,5,6\n0.5,0,3,4\n")
    found = DataFile(path=path, fields={"u": "u", "v": "v"}).read(Kovasznay())
    assert list(found.points.coordinates[:, 0]) == [0.1, 0.2, 0.5]
    assert np.array_equal(found.points.values["u"], [1, np.nan, 3], equal_nan=True)
    assert np.array_equal(found.points.values["v"], [np.nan, 2, 4], equal_nan=True)
    lines = found.lines(Kovasznay())
    assert lines[0] == "data.csv: 3 points, x from 0.1 to 0.5, y from 0 to 0"
    assert lines[1] == "data.csv: u 2 values from 1 to 3, v 2 values from 2 to 4"
    assert "data.csv: 1 of 5 rows lack x; they are left out" in lines
    assert "data.csv: 2 of 5 rows lack u; they are left out for u" in lines


def test_what_python_gives_is_a_point_set():
    columns = dict(zip("xtu", table().T, strict=True))
    frame = pd.DataFrame(columns)
    dated = frame.assign(t=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["t"], unit="s"))
    read_only = table()[:, :2]
    read_only.flags.writeable = False
    for given in (
        columns,
        frame,
        frame.set_index("t"),
        frame.astype(object),
        dated,
        dated.assign(t=dated["t"] - dated["t"].iloc[0]),
        {"u": columns["u"][:, None], "t": list(columns["t"]), "x": columns["x"]},
        PointSet(read_only, None, {"u": list(columns["u"])}),
    ):
        found = measurements(Heat(), point_set(Heat(), given)).points
        assert np.allclose(as_rows(found), expected(), rtol=0, atol=1e-9)
    snapshot = point_set(Heat(), {"x": X, "t": 0.5, "u": U[:, 0]})
    assert set(snapshot.coordinates[:, 1]) == {0.5}


def damaged_archives():
    """Return what a .npz file may hold by mistake: a single array, or a part of an archive."""
    single, whole = io.BytesIO(), io.BytesIO()
    np.save(single, X)
    np.savez_compressed(whole, x=X, t=T, u=U)
    archive = bytearray(whole.getvalue())
    archive[60] ^= 255  # in the first array
    return [single.getvalue(), whole.getvalue()[:-30], bytes(archive), b""]


@pytest.mark.parametrize("content", damaged_archives())
def test_damaged_archives_are_told_in_one_line(content):
    Path("data.npz").write_bytes(content)
    for read, words in (
        (lambda: DataFile(path="data.npz").measure(Heat()), "is no .npz file"),
        (lambda: PointCloud("data.npz"), "cannot be read"),
    ):
        with pytest.raises(InputError) as error:
            read()
        assert words in str(error.value) and "\n" not in str(error.value)


def test_defaults_in_yaml_and_the_command_line():
    np.savez("data.npz", x=X, t=T, u=U)
    node = compose(["problem=heat", "data=file", "data.path=data.npz"])[0]["data"]
    assert set(node) == {f.name for f in dataclasses.fields(DataFile)}
    assert DataFile(**node) == DataFile(path="data.npz")
    with pytest.raises(InputError, match="data.path is missing; set data.path="):
        compose(["problem=heat", "data=file"])


def test_a_run_finds_its_file_from_anywhere_and_sees_that_it_has_changed(tmp_path, monkeypatch):
    np.savez("data.npz", x=X, t=T, u=U)
    problem = Heat(unknowns={"alpha": {"start": 1.0, "lower": 0.0}})
    network = default_network(problem, seed=0)
    made = Setup(problem=problem, network=network, data=DataFile(path="data.npz", grid=["x", "t"]))
    kept = yaml.safe_load(yaml.safe_dump(config.describe(made)))  # what a resume reads
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert config.setup(kept, network=network).data == made.data
    np.savez(tmp_path / "data.npz", x=X, t=T, u=U + 1e-12)
    with pytest.raises(InputError, match="no longer the one that the run started with"):
        config.setup(kept, network=network)


def test_snapshots_of_the_reference():
    points = Synthetic(count=7, times=[0.2, 0.8]).measure(Heat())
    assert list(points.coordinates[:, 1]) == [0.2, 0.8, 0.2, 0.8, 0.2, 0.8, 0.2]
    assert np.array_equal(points.values["u"], Heat().reference(*points.coordinates.T)["u"])
    with pytest.raises(InputError, match=r"data.times=\[2.0\]: give times from 0 to 1"):
        Synthetic(times=[2.0]).measure(Heat())
    with pytest.raises(InputError, match="Kovasznay is steady"):
        Synthetic(times=[0.2]).measure(Kovasznay())


def test_the_wake_of_a_cylinder_from_a_file_like_raissi_s():
    rng = np.random.default_rng(0)
    at, flow = rng.uniform([1, -2], [8, 2], (50, 2)), rng.random((50, 2, 200))
    file = {"X_star": at, "t": 0.1 * np.arange(200)[:, None], "U_star": flow, "p_star": flow[:, 0]}
    scipy.io.savemat("wake.mat", file)
    own = ["problem=cylinder_wake", "data=cylinder_wake", "data.path=wake.mat"]
    made = config.setup(compose(["experiment=navier_stokes_inverse", *own])[0])
    points = made.measurements()["data"]
    assert made.truths == {"lambda1": 1.0, "lambda2": 0.01}  # which the configuration states
    assert points.coordinates.shape == (5000, 3) and list(points.values) == ["u", "v"]
    assert (
        list(made.problem.unknowns) == ["lambda1", "lambda2"]
        and made.problem.reference_at(np.zeros((1, 3))) is None
    )
