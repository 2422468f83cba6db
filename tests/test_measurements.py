"""Measurements from files: every layout gives what was written, every mistake one line."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import yaml

from pinn.cli.run import compose
from pinn.errors import InputError
from pinn.geometry import PointCloud
from pinn.measurements import DataFile, Synthetic
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


def test_points_outside_are_left_out_where_that_is_asked_for():
    path = write_csv("x,t,u\n0.5,0.5,1\n2.0,0.5,2\n1.0000000001,1.0,3\n")
    points = DataFile(path=path, inside=True).measure(Heat())
    assert list(points.values["u"]) == [1.0, 3.0]  # a coordinate that is rounded is still inside


MISTAKES = {
    "no file": (
        {"path": "nothing.csv"},
        "data.path=nothing.csv: cannot be read (No such file or directory); give",
    ),
    "kind": (
        {"path": "data.xls"},
        "data.path=data.xls: unknown kind of file; give one of .csv, .npz, .mat.",
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
        ("a.csv", "x,t,u\n1,2\n", "row 1 has 2 cells, not 3"),
        ("a.csv", "x,t,u\n0.1,0.2,none\n", "row 1, column u: 'none' is no number"),
        ("a.csv", "x,t,u\n0.1,0.2,nan\n", "data.fields.u='u': 1 of 1 values are not finite"),
        ("a.csv", "x,t,t\n0.1,0.2,3\n", "two columns of one name"),
        (
            "a.csv",
            "x,t,u\n3,0.5,1\n",
            "data.coordinates.x: from 3 to 3, outside the domain (0 to 1)",
        ),
        ("a.csv", "x,t,u\n", "data.count=None: there are 0 points"),
        ("a.npz", "x,t,u\n", "is no .npz file"),
        ("a.mat", "x,t,u\n", "is no .mat file"),
    ],
)
def test_damaged_files_are_told_in_one_line(name, content, words):
    with pytest.raises(InputError) as error:
        DataFile(path=write_csv(content, name)).measure(Heat())
    assert words in str(error.value) and "\n" not in str(error.value)


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
    points = made.measurements()
    assert points.coordinates.shape == (5000, 3) and list(points.values) == ["u", "v"]
    assert (
        list(made.problem.unknowns) == ["lambda1", "lambda2"]
        and made.problem.reference_at(np.zeros((1, 3))) is None
    )
