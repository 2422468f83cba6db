"""Domains beyond boxes: what is drawn lies where it should, evenly; distances, normals and names are right."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

import pinn
from pinn.derivatives import Symbol, nested, taylor
from pinn.errors import InputError
from pinn.geometry import Ball, Box, Difference, Disk, Interval, PointCloud, Rectangle
from pinn.objective import Objective, draw
from pinn.problem import residual
from pinn.problems import Heat5D, PoissonBoltzmann, PoissonHoles
from pinn.sampling import METHODS, rejection_sample, unit_cube
from pinn.setup.draws import Draws
from pinn.setup.points import Points
from pinn.setup.setup import default_network

PLATE = Difference(Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)), pipe=Disk(x=1.0, y=1.0, radius=0.5))
# The step cuts off a corner, the bay a part of the upper wall.
CHANNEL = Difference(
    Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)),
    step=Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0)),
    bay=Disk(x=3.0, y=2.0, radius=0.5),
)
SHELL = Difference(
    Ball(x=0.0, y=0.0, z=0.0, radius=2.0), core=Ball(x=0.5, y=0.0, z=0.0, radius=1.0)
)
GAP = Difference(Interval(x=(0.0, 3.0)), gap=Interval(x=(1.0, 1.5)))
DOMAINS = {
    "disk": Disk(x=1.0, y=-1.0, radius=0.5),
    "ball in R⁵": Heat5D.space,
    "plate": PLATE,
    "channel": CHANNEL,
    "shell": SHELL,
    "gap": GAP,
    "charges": PoissonBoltzmann.space,
}


def problem_in(domain, on="boundary"):
    """A problem in a domain, with a residual that needs normals on a part of the boundary."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Potential(pinn.Problem):
        fields, space = ("u",), domain

        @residual(on="interior")
        def laplace(self, lap_u):
            return lap_u - 1

        @residual(on=on)
        def flux(self, u_n):
            return u_n

    return Potential()


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
@pytest.mark.parametrize("method", METHODS)
def test_drawn_points_lie_inside(domain, method):
    points = draw(problem_in(domain), "interior", 300, method=method, seed=3).coordinates
    assert points.shape == (300, len(domain.coordinates)) and len(np.unique(points, axis=0)) == 300
    assert np.all(domain.contains(points)) and np.min(domain.distance(*points.T)) > -1e-12
    assert np.array_equal(
        points, draw(problem_in(domain), "interior", 300, method=method, seed=3).coordinates
    )
    if method != "grid":  # which is the same for every seed, but for the points that fill it up
        assert not np.array_equal(
            points, draw(problem_in(domain), "interior", 300, method=method, seed=4).coordinates
        )


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
def test_boundary_points_have_distance_zero_and_outward_normals(domain):
    drawn = draw(problem_in(domain), "boundary", 400)
    points, normals = drawn.coordinates, drawn.normals
    assert np.max(np.abs(domain.distance(*points.T))) <= 1e-12
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-12)
    step = 1e-6 * normals
    away = np.abs(domain.distance(*(points + step).T)) > 0.9e-6  # not beside a corner
    assert np.mean(away) > 0.95
    assert np.all(domain.distance(*(points - step).T)[away] > 0) and np.all(
        domain.distance(*(points + step).T) < 0
    )


@pytest.mark.parametrize(
    ("domain", "volume", "moments"),
    [
        (Disk(x=1.0, y=0.0, radius=2.0), math.pi * 4, [1.0, 0.0]),
        (Ball(a=0.0, b=0.0, c=0.0, d=0.0, e=0.0, radius=1.0), 8 * math.pi**2 / 15, [0.0] * 5),
        (PLATE, 8 - math.pi / 4, [(16 - math.pi / 4) / (8 - math.pi / 4), 1.0]),
        (SHELL, 28 * math.pi / 3, [-0.5 / 7, 0.0, 0.0]),
    ],
)
def test_interior_points_are_uniform(domain, volume, moments):
    lower, upper = domain.bounds
    points = draw(problem_in(domain), "interior", 4096).coordinates
    assert points.mean(axis=0) == pytest.approx(moments, abs=0.02)
    inside = domain.contains(lower + (upper - lower) * unit_cube(1 << 14, len(lower)))
    assert np.mean(inside) * np.prod(upper - lower) == pytest.approx(volume, rel=0.02)
    # A quarter of the box around the domain has the share of points that it has of the volume.
    middle = lower + 0.5 * (upper - lower)
    quarter = np.all(points[:, :2] < middle[:2], axis=1)
    candidates = lower + (upper - lower) * unit_cube(1 << 14, len(lower))
    kept = candidates[domain.contains(candidates)]
    assert np.mean(quarter) == pytest.approx(
        np.mean(np.all(kept[:, :2] < middle[:2], axis=1)), abs=0.015
    )


def test_radii_in_a_ball_and_directions_are_spread_as_by_measure():
    domain = Heat5D.space
    radii = np.sort(np.linalg.norm(draw(Heat5D(), "interior", 2048).coordinates[:, :5], axis=1))
    assert radii**5 == pytest.approx((np.arange(2048) + 0.5) / 2048, abs=0.01)
    unit = unit_cube(2048, 4)
    points, normals = domain.face("sphere", unit)
    assert np.array_equal(points, normals)
    assert np.cov(normals.T) == pytest.approx(np.eye(5) / 5, abs=0.01)
    # On the sphere in R³ every coordinate is uniform (Archimedes).
    height = np.sort(
        Ball(x=0.0, y=0.0, z=0.0, radius=1.0).face("sphere", unit_cube(1024, 2))[0][:, 2]
    )
    assert height == pytest.approx(2 * (np.arange(1024) + 0.5) / 1024 - 1, abs=0.01)


def test_sizes_of_faces():
    assert Disk(x=0.0, y=0.0, radius=2.0).measure("sphere") == pytest.approx(4 * math.pi)
    assert Ball(x=0.0, y=0.0, z=0.0, radius=2.0).measure("sphere") == pytest.approx(16 * math.pi)
    assert Heat5D.space.measure("sphere") == pytest.approx(8 * math.pi**2 / 3)
    assert [PLATE.measure(face) for face in ("x-", "y+", "pipe")] == pytest.approx(
        [2, 4, math.pi], abs=1e-15
    )
    # Of a face that a hole cuts, the rest counts: by samples, so to some digits.
    found = {face: CHANNEL.measure(face) for face in CHANNEL.faces}
    expected = {"x-": 1, "x+": 2, "y-": 3, "y+": 3, "step_x+": 1, "step_y+": 1, "bay": math.pi / 2}
    assert found == pytest.approx(expected, rel=2e-3)
    lengths = draw(problem_in(CHANNEL), "boundary", 1000).normals
    assert np.mean(np.abs(lengths[:, 0]) == 1) == pytest.approx(
        4 / sum(expected.values()), abs=2e-3
    )


def test_parts_of_a_boundary_have_names():
    assert PLATE.parts == {"outer": ("x-", "x+", "y-", "y+"), "holes": ("pipe",)}
    assert CHANNEL.parts["step"] == ("step_x+", "step_y+") and "bay" in CHANNEL.parts["holes"]
    room = PLATE.named(inlet="x-", walls=["y-", "y+", "pipe"])
    assert room.parts["walls"] == ("y-", "y+", "pipe") and "walls" not in PLATE.parts
    assert room.named(solid=["walls", "inlet"]).parts["solid"] == ("y-", "y+", "pipe", "x-")
    walls = draw(problem_in(room, on="walls"), "walls", 90)
    on_pipe = np.abs(np.hypot(*(walls.coordinates - 1).T) - 0.5) < 1e-12
    assert set(walls.coordinates[~on_pipe, 1]) == {0.0, 2.0}
    assert np.mean(on_pipe) == pytest.approx(math.pi / (8 + math.pi), abs=0.02)
    # Normals on a hole point into it.
    assert walls.normals[on_pipe] == pytest.approx(-2 * (walls.coordinates[on_pipe] - 1))


def test_periodic_faces_are_no_boundary_of_a_perforated_channel():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Channel(pinn.Problem):
        fields, space, periodic = ("u",), PLATE, ("x",)

        @residual(on="outer")
        def walls(self, u):
            return u

    assert Channel().faces == ("y-", "y+", "pipe") and Channel().boundaries["outer"] == ("y-", "y+")
    assert set(draw(Channel(), "outer", 20).coordinates[:, 1]) == {0.0, 2.0}


@pytest.mark.parametrize(
    ("domain", "point", "distance"),
    [
        (Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)), (1.0, 0.5), 0.5),
        (Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)), (3.75, 1.0), 0.25),
        (Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)), (1.0, 3.0), -1.0),
        (Disk(x=1.0, y=1.0, radius=0.5), (1.0, 1.25), 0.25),
        (Disk(x=1.0, y=1.0, radius=0.5), (4.0, 5.0), -4.5),
        (PLATE, (2.0, 1.0), 0.5),
        (PLATE, (1.0, 0.1), 0.1),
        (PLATE, (1.25, 1.0), -0.25),
        (CHANNEL, (2.0, 0.25), 0.25),
        (CHANNEL, (1.5, 0.75), 0.5),
        (GAP, (1.75,), 0.25),
    ],
)
def test_distance(domain, point, distance):
    arrays = [np.array([c]) for c in point]
    assert domain.distance(*arrays) == pytest.approx(distance)
    assert domain.contains(np.array([point])) == (distance >= 0)
    assert domain.distance(*map(tf.constant, arrays)).numpy() == pytest.approx(distance)


SMOOTH = {
    "square": (Rectangle(x=(0.0, 1.0), y=(0.0, 1.0)), "boundary"),
    "one wall": (Rectangle(x=(0.0, 1.0), y=(0.0, 2.0)), "x+"),
    "three walls": (Rectangle(x=(0.0, 1.0), y=(0.0, 2.0)).named(u=["x-", "x+", "y-"]), "u"),
    "ball": (Heat5D.space, "boundary"),
    "plate": (PLATE, "boundary"),
    "holes": (PoissonBoltzmann.space, "holes"),
    "outer": (PoissonBoltzmann.space, "outer"),
}


@pytest.mark.parametrize(("domain", "on"), SMOOTH.values(), ids=SMOOTH)
def test_smooth_distance_vanishes_on_its_part_with_slope_one(domain, on):
    problem = problem_in(domain, on=on)
    drawn = draw(problem, on, 200)
    at = dict(zip(domain.coordinates, map(tf.constant, drawn.coordinates.T), strict=True))
    normals = dict(zip(domain.coordinates, map(tf.constant, drawn.normals.T), strict=True))
    symbols = [Symbol("d", "derivative", "d"), Symbol("d_n", "normal", "d")]
    found = taylor.evaluate(
        lambda c: {"d": domain.smooth_distance(*c.values(), on=on)}, symbols, at, normals
    )
    assert found["d"].numpy() == pytest.approx(0, abs=1e-12)
    assert -1 - 1e-9 <= found["d_n"].numpy().min() < -0.95 and found["d_n"].numpy().max() < 0
    inside = draw(problem, "interior", 500).coordinates
    assert np.min(domain.smooth_distance(*inside.T, on=on)) > 0


@pytest.mark.parametrize("name", ["distance", "smooth_distance"])
@pytest.mark.parametrize(
    "domain", [Rectangle(x=(0.0, 1.0), y=(0.0, 2.0)), PLATE, SHELL], ids=["box", "plate", "shell"]
)
def test_jets_pass_through_distances(domain, name):
    points = dict(
        zip(
            domain.coordinates,
            map(tf.constant, draw(problem_in(domain), "interior", 50).coordinates.T),
        )
    )  # noqa: B905
    symbols = [
        Symbol("d_x", "derivative", "d", ("x",)),
        Symbol("d_xy", "derivative", "d", ("x", "y")),
    ]
    symbols += [
        Symbol("d_xxy", "derivative", "d", ("x", "x", "y")),
        Symbol("lap_d", "laplacian", "d"),
    ]

    def field(at):
        return {"d": getattr(domain, name)(*at.values())}

    found = taylor.evaluate(field, symbols, points, {})
    for key, value in nested.evaluate(field, symbols, points, {}).items():
        assert found[key].numpy() == pytest.approx(
            value.numpy(), abs=1e-10 * max(1.0, np.max(np.abs(value)))
        )
    if name == "distance":
        slopes = [Symbol(f"d_{c}", "derivative", "d", (c,)) for c in domain.coordinates]
        square = sum(v**2 for v in taylor.evaluate(field, slopes, points, {}).values())
        assert square.numpy() == pytest.approx(1, abs=1e-12)


def test_accepted_points_continue_the_cube_s_own():
    half = rejection_sample(100, 2, lambda u: u[:, 0] < 0.5, seed=1)
    more = unit_cube(256, 2, seed=1)
    assert np.array_equal(half, more[more[:, 0] < 0.5][:100])
    assert np.array_equal(
        rejection_sample(100, 2, lambda u: u[:, 0] < 2, seed=1), unit_cube(100, 2, seed=1)
    )
    grid = rejection_sample(60, 2, lambda u: u[:, 0] < 0.5, method="grid", seed=1)
    assert len(grid) == 60 and np.all(grid[:, 0] < 0.5)
    assert np.unique(grid[:55, 1]) == pytest.approx(
        (np.arange(11) + 0.5) / 11
    )  # 11 × 11, of which 55
    with pytest.raises(InputError, match="fall into the domain"):
        rejection_sample(10, 2, lambda u: u[:, 0] < 0)
    with pytest.raises(InputError, match="fall into the domain"):
        rejection_sample(10, 2, lambda u: u[:, 0] < 0, method="grid")


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("adaptive", ["rad", "rar_d", "r3"])
def test_points_that_follow_the_residual_stay_inside(adaptive):
    problem = PoissonHoles()
    objective = Objective(problem, default_network(problem, width=4, depth=1, seed=0), hard=True)
    draws = Draws(Points(counts={"interior": 120}, adaptive=adaptive), objective, None, seed=0)
    theta, kept = objective.flat.flatten(), {}
    for number in range(1, 3):
        kept = draws.adapt(number, theta, kept)
        points = draws.sets(number, kept)["interior"].coordinates
        assert np.all(problem.space.contains(points)) and len(np.unique(points, axis=0)) == len(
            points
        )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Disk(x=0.0, y=0.0, radius=-1.0), "radius=-1.0; give a positive number"),
        (lambda: Disk(x=0.0, radius=1.0), "a disk has two"),
        (lambda: Ball(x=0.0, radius=1.0), "use Interval"),
        (lambda: Ball(x=0.0, t=0.0, radius=1.0), "t is time"),
        (lambda: Ball(x=0.0, y=math.nan, radius=1.0), "y=nan is not finite"),
        (lambda: Difference(Rectangle(x=(0, 1), y=(0, 1))), "has no hole"),
        (
            lambda: Difference(Rectangle(x=(0, 1), y=(0, 1)), a=Interval(x=(0, 1))),
            "give a domain in x, y",
        ),
        (
            lambda: Difference(Rectangle(x=(0, 1), y=(0, 1)), holes=Disk(x=0, y=0, radius=0.1)),
            "'holes' cannot name",
        ),
        (
            lambda: Difference(Rectangle(x=(0, 1), y=(0, 1)), data=Disk(x=0, y=0, radius=0.1)),
            "'data' cannot name",
        ),
        (
            lambda: Difference(Rectangle(x=(0, 1), y=(0, 1)), a=Disk(x=5, y=0, radius=0.1)),
            "lies outside",
        ),
        (
            lambda: Difference(Rectangle(x=(0, 1), y=(0, 1)), a=Disk(x=0.5, y=0.5, radius=2)),
            "leave nothing",
        ),
        (lambda: PLATE.named(wall="y_"), "no part 'y_' of the boundary"),
        (lambda: PLATE.named(outer="y-"), "'outer' cannot name"),
        (lambda: PLATE.named(wall=[]), "wall has no face"),
        (lambda: PLATE.smooth_distance(0.0, 0.0, on="hole"), "Did you mean 'holes'"),
        (lambda: CHANNEL.smooth_distance(2.0, 1.0), "no smooth distance to a part of hole step"),
        (lambda: problem_in(PLATE, on="pip").terms, "Did you mean 'pipe'"),
        (lambda: draw(problem_in(PLATE), "hole", 10), "Did you mean 'holes'"),
        (lambda: draw(problem_in(PLATE), "outer", 3), "3 points for 4 faces"),
    ],
)
def test_bad_domains_are_told(make, words):
    with pytest.raises(InputError) as error:
        make()
    assert words in str(error.value) and "\n" not in str(error.value)


def cloud_of_a_ring(path, points=400):
    """Write the ring 1 < r < 2 as a cloud: inside evenly, and on both circles by angle."""
    rng = np.random.default_rng(0)
    radius, angle = np.sqrt(rng.uniform(1, 4, points)), rng.uniform(0, 2 * np.pi, points)
    turn = 2 * np.pi * np.arange(100) / 100
    x = np.concatenate([radius * np.cos(angle), np.cos(turn), 2 * np.cos(turn)])
    y = np.concatenate([radius * np.sin(angle), np.sin(turn), 2 * np.sin(turn)])
    empty = np.full(points, np.nan)
    nx, ny = (
        np.concatenate([empty, -3 * f(turn), f(turn)]) for f in (np.cos, np.sin)
    )  # of any length
    part = np.array(["interior"] * points + ["rim"] * 100 + ["wall"] * 100)
    measure = np.concatenate(
        [
            np.full(points, 3 * np.pi / points),
            np.full(100, 0.02 * np.pi),
            np.full(100, 0.04 * np.pi),
        ]
    )
    columns = {"x": x, "y": y, "nx": nx, "ny": ny, "part": part, "measure": measure}
    if path.suffix == ".npz":
        np.savez(path, **columns)
    else:
        rows = [
            ",".join("" if str(v) == "nan" else str(v) for v in row)
            for row in zip(*columns.values(), strict=True)
        ]
        path.write_text("\n".join([",".join(columns), *rows]) + "\n")
    return path


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_point_cloud(suffix, tmp_path):
    cloud = PointCloud(cloud_of_a_ring(tmp_path / f"ring.{suffix}"))
    problem = problem_in(cloud, on="rim")
    assert cloud.coordinates == ("x", "y") and cloud.faces == ("rim", "wall")
    assert cloud.measure("rim") == pytest.approx(2 * np.pi) and cloud.measure(
        "wall"
    ) == pytest.approx(4 * np.pi)
    inside = draw(problem, "interior", 200).coordinates
    assert len(np.unique(inside, axis=0)) == 200 and np.all(cloud.contains(inside))
    assert not np.array_equal(inside, draw(problem, "interior", 200, seed=1).coordinates)
    # More points than there are: every one as often as the others.
    _, often = np.unique(draw(problem, "interior", 1600).coordinates, axis=0, return_counts=True)
    assert len(often) == 400 and set(often) == {4}
    edge = draw(problem, "boundary", 300)
    radius = np.hypot(*edge.coordinates.T)
    assert np.mean(radius < 1.5) == pytest.approx(1 / 3, abs=0.01)  # by measure, not by number
    sign = np.where(radius < 1.5, -1, 1)
    assert edge.normals == pytest.approx(sign[:, None] * edge.coordinates / radius[:, None])
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 41), np.linspace(-2, 2, 41)), -1).reshape(-1, 2)
    depth = np.minimum(np.hypot(*grid.T) - 1, 2 - np.hypot(*grid.T))
    clear = np.abs(depth) > 0.05
    assert np.array_equal(cloud.contains(grid)[clear], depth[clear] > 0)
    with pytest.raises(InputError, match="constraints=soft"):
        cloud.distance(tf.constant([0.0]), tf.constant([0.0]))


GOOD = "x,y,nx,ny,part\n0,0,,,interior\n1,0,1,0,wall\n"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", GOOD, "no .csv or .npz"),
        ("missing.csv", None, "no such file"),
        ("a.npz", GOOD, "cannot be read"),
        ("a.csv", "", "no column part"),
        ("a.csv", GOOD.replace("part", "place"), "no column part"),
        ("a.csv", GOOD.replace("1,0,1,0,wall", "1,0,1,wall"), "row 3 has 4 values, the header 5"),
        ("a.csv", GOOD.replace("1,0,1,0", "one,0,1,0"), "column x: could not convert"),
        ("a.csv", GOOD.replace("1,0,1,0", "inf,0,1,0"), "column x has a value that is not finite"),
        ("a.csv", GOOD.replace("1,0,1,0", "1,0,0,0"), "no normal"),
        ("a.csv", GOOD.replace("1,0,1,0", "1,0,,"), "no normal"),
        ("a.csv", GOOD.replace("interior", "inside"), "no point whose part is 'interior'"),
        ("a.csv", GOOD.replace("wall", "boundary"), "'boundary' cannot name a part"),
        ("a.csv", GOOD.replace("nx,ny", "ny,nz"), "no column nx"),
        ("a.csv", "x,nx,part\n0,,interior\n", "fewer than two coordinates"),
        ("a.csv", "x,t,nx,nt,part\n0,0,,,interior\n", "t is time"),
        (
            "a.csv",
            "x,y,nx,ny,part,measure\n0,0,,,interior,-1\n",
            "measure has a value that is not positive",
        ),
    ],
)
def test_bad_point_clouds_are_told(name, text, words, tmp_path):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as error:
        PointCloud(tmp_path / name)
    assert words in str(error.value) and name in str(error.value) and "\n" not in str(error.value)


def test_arrays_of_different_lengths_are_told(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(2), y=np.zeros(3), part=np.array(["interior"] * 2))
    with pytest.raises(InputError, match="different lengths"):
        PointCloud(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.array([None]), y=np.zeros(1), part=np.array(["interior"]))
    with pytest.raises(InputError, match="cannot be read"):
        PointCloud(tmp_path / "b.npz")


def test_repr_and_box_in_many_dimensions():
    assert (
        repr(PLATE)
        == "Difference(Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)), pipe=Disk(x=1, y=1, radius=0.5))"
    )
    box = Box(**{f"x{i}": (0.0, 1.0) for i in range(10)})
    assert box.distance(*np.full((10, 3), 0.25)) == pytest.approx(0.25)
