"""Domains beyond boxes: points, normals, distances, measures and names of parts."""

import math

import numpy as np
import pytest
import tensorflow as tf

import pinn
from pinn.derivatives import Symbol, nested, taylor
from pinn.errors import InputError
from pinn.geometry import (
    Airfoil,
    Ball,
    Box,
    Cylinder,
    Difference,
    Disk,
    Ellipse,
    Extrusion,
    Interval,
    PointCloud,
    Polygon,
    Rectangle,
    Revolution,
    Shell,
    Spline,
)
from pinn.objective import Objective, draw
from pinn.problem import residual
from pinn.problems import Heat5D, PoissonBoltzmann, PoissonHoles
from pinn.sampling import METHODS, rejection_sample, unit_cube
from pinn.setup.draws import Draws
from pinn.setup.network import default_network
from pinn.setup.points import Points

PLATE = Difference(Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)), pipe=Disk(x=1.0, y=1.0, radius=0.5))
# The step cuts off a corner, and the bay cuts into the upper wall.
CHANNEL = Difference(
    Rectangle(x=(0.0, 4.0), y=(0.0, 2.0)),
    step=Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0)),
    bay=Disk(x=3.0, y=2.0, radius=0.5),
)
SHELL = Difference(
    Ball(x=0.0, y=0.0, z=0.0, radius=2.0), core=Ball(x=0.5, y=0.0, z=0.0, radius=1.0)
)
GAP = Difference(Interval(x=(0.0, 3.0)), gap=Interval(x=(1.0, 1.5)))
ELL = Polygon(x=(0.0, 2.0, 2.0, 1.0, 1.0, 0.0), y=(0.0, 0.0, 1.0, 1.0, 2.0, 2.0))
WING = Airfoil("2412", edges=60)
SHAPES = {
    "L": ELL,
    "triangle, clockwise": Polygon(x=(0.0, 1.0, 3.0), y=(0.0, 2.0, 0.0)),
    "wing": WING,
    "spline": Spline(x=(2.0, 0.0, -2.0, 0.5), y=(0.0, 1.5, 0.0, -1.0), edges=40),
    "ellipse": Ellipse(x=1.0, y=-1.0, radii=(2.0, 0.5)),
    "ring": Shell(x=1.0, y=0.0, radii=(0.5, 2.0)),
    "hollow ball": Shell(x=0.0, y=0.0, z=1.0, radii=(1.0, 1.5)),
    "cylinder": Cylinder(x=0.0, y=1.0, radius=0.5, z=(0.0, 3.0)),
    "beam": Extrusion(ELL, z=(-1.0, 2.0)),
    "tube": Revolution(Rectangle(r=(1.0, 2.0), z=(0.0, 3.0)), around="z"),
    "cone": Revolution(Polygon(z=(0.0, 2.0, 0.0), r=(0.0, 0.0, 1.0)), around="z"),
    "torus": Revolution(Disk(r=3.0, z=0.0, radius=1.0), around="z"),
    "tilted": Rectangle(x=(0.0, 2.0), y=(0.0, 1.0)).rotate(30.0).translate(x=1.0),
    "brick": Box(x=(0.0, 1.0), y=(0.0, 2.0), z=(0.0, 3.0)).rotate(40.0, axis="y").scale(0.5),
    "flush union": Rectangle(x=(0.0, 2.0), y=(0.0, 1.0)) | Rectangle(x=(0.0, 1.0), y=(0.0, 2.0)),
    "capsule": Rectangle(x=(0.0, 2.0), y=(-1.0, 1.0))
    | Disk(x=0.0, y=0.0, radius=1.0)
    | Disk(x=2.0, y=0.0, radius=1.0),
    "lens": Disk(x=0.0, y=0.0, radius=1.0) & Disk(x=1.0, y=0.0, radius=1.0),
    "channel with a wing": Rectangle(x=(-1.0, 2.0), y=(-1.0, 1.0)) - WING.rotate(-5.0),
    "notched": Box(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0))
    - Box(x=(0.5, 1.0), y=(0.5, 1.0), z=(0.0, 1.0)),
}
DOMAINS = SHAPES | {
    "disk": Disk(x=1.0, y=-1.0, radius=0.5),
    "ball in R⁵": Heat5D.space,
    "plate": PLATE,
    "channel": CHANNEL,
    "shell": SHELL,
    "gap": GAP,
    "charges": PoissonBoltzmann.space,
}


def by_coordinate(domain, array):
    """Return the columns of an array [n, d] as tensors by coordinate."""
    return dict(zip(domain.coordinates, map(tf.constant, array.T), strict=True))


def problem_in(domain, on="boundary"):
    """A problem in a domain, with a residual that needs normals on a part of the boundary."""

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
    problem = problem_in(domain)
    points = draw(problem, "interior", 300, method=method, seed=3).coordinates
    assert points.shape == (300, len(domain.coordinates))
    assert len(np.unique(points, axis=0)) == 300
    assert np.all(domain.contains(points))
    assert np.min(domain.distance(*points.T)) > -1e-12
    same_seed = draw(problem, "interior", 300, method=method, seed=3).coordinates
    assert np.array_equal(points, same_seed)
    if method != "grid":  # a grid is the same for every seed, except for the points that fill it up
        other_seed = draw(problem, "interior", 300, method=method, seed=4).coordinates
        assert not np.array_equal(points, other_seed)


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
def test_boundary_points_have_distance_zero_and_outward_normals(domain):
    drawn = draw(problem_in(domain), "boundary", 400)
    points = drawn.coordinates
    normals = drawn.normals
    assert np.max(np.abs(domain.distance(*points.T))) <= 1e-12
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-12)
    # A step along the normal leaves the domain, and a step against it enters the domain.
    step = 1e-6 * normals
    outside = domain.distance(*(points + step).T)
    inside = domain.distance(*(points - step).T)
    away_from_corners = np.abs(outside) > 0.9e-6
    assert np.mean(away_from_corners) > 0.95
    assert np.all(inside[away_from_corners] > 0)
    assert np.all(outside < 0)


@pytest.mark.parametrize(
    ("domain", "volume", "moments"),
    [
        (Disk(x=1.0, y=0.0, radius=2.0), math.pi * 4, [1.0, 0.0]),
        (Ball(a=0.0, b=0.0, c=0.0, d=0.0, e=0.0, radius=1.0), 8 * math.pi**2 / 15, [0.0] * 5),
        (PLATE, 8 - math.pi / 4, [(16 - math.pi / 4) / (8 - math.pi / 4), 1.0]),
        (SHELL, 28 * math.pi / 3, [-0.5 / 7, 0.0, 0.0]),
        (ELL, 3.0, [5 / 6, 5 / 6]),
        (SHAPES["flush union"], 3.0, [5 / 6, 5 / 6]),
        (SHAPES["triangle, clockwise"], 3.0, [4 / 3, 2 / 3]),
        (SHAPES["ellipse"], math.pi, [1.0, -1.0]),
        (SHAPES["ring"], 3.75 * math.pi, [1.0, 0.0]),
        (SHAPES["hollow ball"], 19 * math.pi / 6, [0.0, 0.0, 1.0]),
        (SHAPES["cylinder"], 0.75 * math.pi, [0.0, 1.0, 1.5]),
        (SHAPES["beam"], 9.0, [5 / 6, 5 / 6, 0.5]),
        (SHAPES["tube"], 9 * math.pi, [0.0, 0.0, 1.5]),
        (SHAPES["cone"], 2 * math.pi / 3, [0.0, 0.0, 0.5]),
        (SHAPES["torus"], 6 * math.pi**2, [0.0, 0.0, 0.0]),
        (SHAPES["brick"], 0.75, [0.25 * np.cos(np.radians(40)) + 0.75 * np.sin(np.radians(40))]),
        (SHAPES["capsule"], 4 + math.pi, [1.0, 0.0]),
        (SHAPES["lens"], 2 * math.pi / 3 - math.sqrt(3) / 2, [0.5, 0.0]),
        (SHAPES["notched"], 0.75, [5 / 12, 5 / 12, 0.5]),
    ],
)
def test_interior_points_are_uniform(domain, volume, moments):
    lower, upper = domain.bounds
    points = draw(problem_in(domain), "interior", 4096).coordinates
    assert points.mean(axis=0)[: len(moments)] == pytest.approx(moments, abs=0.02)
    assert domain.volume == pytest.approx(volume, rel=2e-3)
    inside = domain.contains(lower + (upper - lower) * unit_cube(1 << 14, len(lower)))
    assert np.mean(inside) * np.prod(upper - lower) == pytest.approx(volume, rel=0.02)
    # In a quarter of the bounding box, the share of points is the share of the volume.
    middle = lower + 0.5 * (upper - lower)
    candidates = lower + (upper - lower) * unit_cube(1 << 14, len(lower))
    uniform = candidates[domain.contains(candidates)]
    share = np.mean(np.all(points[:, :2] < middle[:2], axis=1))
    expected = np.mean(np.all(uniform[:, :2] < middle[:2], axis=1))
    assert share == pytest.approx(expected, abs=0.015)


def test_radii_and_directions_in_a_ball_are_uniform_by_measure():
    domain = Heat5D.space
    radii = np.sort(np.linalg.norm(draw(Heat5D(), "interior", 2048).coordinates[:, :5], axis=1))
    assert radii**5 == pytest.approx((np.arange(2048) + 0.5) / 2048, abs=0.01)
    unit = unit_cube(2048, 4)
    points, normals = domain.face("sphere", unit)
    assert np.array_equal(points, normals)
    assert np.cov(normals.T) == pytest.approx(np.eye(5) / 5, abs=0.01)
    # On the sphere in R³ every coordinate is uniform (Archimedes).
    points, _ = Ball(x=0.0, y=0.0, z=0.0, radius=1.0).face("sphere", unit_cube(1024, 2))
    height = np.sort(points[:, 2])
    assert height == pytest.approx(2 * (np.arange(1024) + 0.5) / 1024 - 1, abs=0.01)


def test_a_domain_keeps_its_named_parts_when_more_is_cut_off():
    cut = PLATE.named(floor=["y-"]) - Disk(x=3.0, y=1.0, radius=0.5).named(rod=["sphere"])
    assert cut.boundaries["floor"] == ("y-",)
    assert cut.boundaries["rod"] == ("hole",)
    assert cut.boundaries["holes"] == ("pipe", "hole")
    assert cut.volume == pytest.approx(8 - math.pi / 2)


def test_measures_of_faces():
    assert Disk(x=0.0, y=0.0, radius=2.0).measure("sphere") == pytest.approx(4 * math.pi)
    assert Ball(x=0.0, y=0.0, z=0.0, radius=2.0).measure("sphere") == pytest.approx(16 * math.pi)
    assert Heat5D.space.measure("sphere") == pytest.approx(8 * math.pi**2 / 3)
    assert [PLATE.measure(face) for face in ("x-", "y+", "pipe")] == pytest.approx(
        [2, 4, math.pi], abs=1e-15
    )
    # A face that a hole cuts has the measure of the rest.  Samples estimate it, to some digits.
    measures = {face: CHANNEL.measure(face) for face in CHANNEL.faces}
    expected = {"x-": 1, "x+": 2, "y-": 3, "y+": 3, "step_x+": 1, "step_y+": 1, "bay": math.pi / 2}
    assert measures == pytest.approx(expected, rel=2e-3)
    normals = draw(problem_in(CHANNEL), "boundary", 1000).normals
    assert np.mean(np.abs(normals[:, 0]) == 1) == pytest.approx(
        4 / sum(expected.values()), abs=2e-3
    )


def test_parts_of_a_boundary_have_names():
    assert PLATE.parts == {"outer": ("x-", "x+", "y-", "y+"), "holes": ("pipe",)}
    assert CHANNEL.parts["step"] == ("step_x+", "step_y+")
    assert "bay" in CHANNEL.parts["holes"]
    plate = PLATE.named(inlet="x-", walls=["y-", "y+", "pipe"])
    assert plate.parts["walls"] == ("y-", "y+", "pipe")
    assert "walls" not in PLATE.parts
    assert plate.named(solid=["walls", "inlet"]).parts["solid"] == ("y-", "y+", "pipe", "x-")
    walls = draw(problem_in(plate, on="walls"), "walls", 90)
    on_pipe = np.abs(np.hypot(*(walls.coordinates - 1).T) - 0.5) < 1e-12
    assert set(walls.coordinates[~on_pipe, 1]) == {0.0, 2.0}
    assert np.mean(on_pipe) == pytest.approx(math.pi / (8 + math.pi), abs=0.02)
    # Normals on a hole point into it.
    assert walls.normals[on_pipe] == pytest.approx(-2 * (walls.coordinates[on_pipe] - 1))


def test_periodic_faces_of_a_perforated_channel_are_not_its_boundary():
    class Channel(pinn.Problem):
        fields, space, periodic = ("u",), PLATE, ("x",)

        @residual(on="outer")
        def walls(self, u):
            return u

    assert Channel().faces == ("y-", "y+", "pipe")
    assert Channel().boundaries["outer"] == ("y-", "y+")
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
    **{name: (domain, "boundary") for name, domain in SHAPES.items() if name != "cone"},
    "edges of an L": (ELL.named(legs=["edge1", "edge6"]), "legs"),
    "inner edges of an L": (ELL.named(corner=["edge3", "edge4"]), "corner"),
    "walls of a cylinder": (SHAPES["cylinder"], "wall"),
    "ends of a beam": (SHAPES["beam"], "ends"),
    "walls of a beam": (SHAPES["beam"].named(walls=ELL.faces), "walls"),
    "inside of a tube": (SHAPES["tube"], "r-"),
    "base of a cone": (SHAPES["cone"], "edge3"),
    "one end of a capsule": (SHAPES["capsule"], "sphere2"),
    "one side of a lens": (SHAPES["lens"], "sphere"),
    "wing in a channel": (SHAPES["channel with a wing"], "hole"),
}


@pytest.mark.parametrize(("domain", "on"), SMOOTH.values(), ids=SMOOTH)
def test_smooth_distance_is_zero_with_slope_one_on_its_part(domain, on, request):
    problem = problem_in(domain, on=on)
    drawn = draw(problem, on, 200)
    points = by_coordinate(domain, drawn.coordinates)
    normals = by_coordinate(domain, drawn.normals)
    symbols = [Symbol("d", "derivative", "d"), Symbol("d_n", "normal", "d")]

    def field(coordinates):
        return {"d": domain.smooth_distance(*coordinates.values(), on=on)}

    values = taylor.evaluate(field, symbols, points, normals)
    slope = values["d_n"].numpy()
    assert values["d"].numpy() == pytest.approx(0, abs=1e-12)
    if "flush" not in request.node.callspec.id:  # where two boundaries coincide, it has no slope
        assert -1 - 1e-9 <= slope.min() < -0.95
        assert slope.max() < 0
    inside = draw(problem, "interior", 500).coordinates
    assert np.min(domain.smooth_distance(*inside.T, on=on)) > 0


@pytest.mark.parametrize("name", ["distance", "smooth_distance"])
@pytest.mark.parametrize(
    "domain",
    {
        "box": Rectangle(x=(0.0, 1.0), y=(0.0, 2.0)),
        "plate": PLATE,
        "shell": SHELL,
        **SHAPES,
    }.values(),
    ids=["box", "plate", "shell", *SHAPES],
)
def test_jets_pass_through_distances(domain, name):
    points = by_coordinate(domain, draw(problem_in(domain), "interior", 50).coordinates)
    symbols = [
        Symbol("d_x", "derivative", "d", ("x",)),
        Symbol("d_xy", "derivative", "d", ("x", "y")),
        Symbol("d_xxy", "derivative", "d", ("x", "x", "y")),
        Symbol("lap_d", "laplacian", "d"),
    ]

    def field(coordinates):
        return {"d": getattr(domain, name)(*coordinates.values())}

    fast = taylor.evaluate(field, symbols, points, {})
    for key, slow in nested.evaluate(field, symbols, points, {}).items():
        tolerance = 1e-10 * max(1.0, np.max(np.abs(slow)))
        assert fast[key].numpy() == pytest.approx(slow.numpy(), abs=tolerance)
    if name == "distance" and not isinstance(domain, Ellipse):
        slopes = [Symbol(f"d_{c}", "derivative", "d", (c,)) for c in domain.coordinates]
        square = sum(v**2 for v in taylor.evaluate(field, slopes, points, {}).values())
        assert square.numpy() == pytest.approx(1, abs=1e-12)


def test_rejection_sample_takes_the_accepted_points_of_the_cube():
    half = rejection_sample(100, 2, lambda u: u[:, 0] < 0.5, seed=1)
    more = unit_cube(256, 2, seed=1)
    assert np.array_equal(half, more[more[:, 0] < 0.5][:100])
    everything = rejection_sample(100, 2, lambda u: u[:, 0] < 2, seed=1)
    assert np.array_equal(everything, unit_cube(100, 2, seed=1))
    grid = rejection_sample(60, 2, lambda u: u[:, 0] < 0.5, method="grid", seed=1)
    assert len(grid) == 60
    assert np.all(grid[:, 0] < 0.5)
    # The grid is 11 × 11, and 55 of its points are accepted.
    assert np.unique(grid[:55, 1]) == pytest.approx((np.arange(11) + 0.5) / 11)
    with pytest.raises(InputError, match="fall into the domain"):
        rejection_sample(10, 2, lambda u: u[:, 0] < 0)
    with pytest.raises(InputError, match="fall into the domain"):
        rejection_sample(10, 2, lambda u: u[:, 0] < 0, method="grid")


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("adaptive", ["rad", "importance", "rar_d", "r3"])
def test_adaptive_points_stay_inside(adaptive):
    problem = PoissonHoles()
    objective = Objective(problem, default_network(problem, width=4, depth=1, seed=0), hard=True)
    draws = Draws(Points(counts={"interior": 120}, adaptive=adaptive), objective, None, seed=0)
    theta = objective.flat.flatten()
    kept = {}
    for number in range(1, 3):
        kept = draws.adapt(number, theta, kept)
        points = draws.sets(number, kept)["interior"].coordinates
        assert np.all(problem.space.contains(points))
        assert len(np.unique(points, axis=0)) == len(points)


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
        (
            lambda: CHANNEL.smooth_distance(2.0, 1.0, on="step_x+"),
            "no smooth distance to a part of hole step",
        ),
        (lambda: Polygon(x=(0, 1, 0), y=(0, 0)), "at least three corners"),
        (lambda: Polygon(x=(0, 1, 0), y=(0, 0, 1, 1)), "give two for each corner"),
        (lambda: Polygon(x=(0, 1, 1, 0), y=(0, 1, 0, 1)), "the edges 'edge1' and 'edge3' cross"),
        (lambda: Polygon(x=(0, 1, 1, 0), y=(0, 0, 0, 1)), "'edge2' has no length"),
        (lambda: Polygon(x=(0, 1, 0), y=(0, 0, 1), names=["a", "b"]), "2 names for 3 edges"),
        (lambda: Airfoil("12"), "give four digits"),
        (lambda: Ellipse(x=0, y=0, radii=(1, -1)), "give positive numbers"),
        (lambda: Shell(x=0, y=0, radii=(2, 1)), "the inner and the outer one"),
        (lambda: Cylinder(x=0, y=0, radius=1), "the length by a range"),
        (lambda: Extrusion(ELL, x=(0, 1)), "x is a coordinate of"),
        (
            lambda: Revolution(Rectangle(r=(-1, 2), z=(0, 1)), around="z"),
            "reaches beyond the axis; keep r from zero on",
        ),
        (lambda: Revolution(ELL, around="z"), "name its coordinate along the axis"),
        (lambda: ELL.translate(z=1.0), "'z' is no coordinate of it"),
        (lambda: ELL.rotate(30, axis="x"), "leave it out in the plane"),
        (lambda: SHAPES["brick"].rotate(30), "name the coordinate that stays: x, y, z"),
        (lambda: ELL.scale(0), "give a positive number"),
        (
            lambda: Disk(x=0, y=0, radius=1) | Disk(x=0, y=0, radius=0.5),
            "lies outside, or in another",
        ),
        (lambda: Disk(x=0, y=0, radius=1) & Disk(x=5, y=0, radius=1), "nothing in common"),
        (lambda: Disk(x=0, y=0, radius=1) | Interval(x=(0, 1)), "give a domain in x, y"),
        (lambda: problem_in(PLATE, on="pip").terms, "Did you mean 'pipe'"),
        (lambda: draw(problem_in(PLATE), "hole", 10), "Did you mean 'holes'"),
        (lambda: draw(problem_in(PLATE), "outer", 3), "3 points for 4 faces"),
    ],
)
def test_bad_domains_raise_errors(make, words):
    with pytest.raises(InputError) as error:
        make()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def cloud_of_a_ring(path, points=400):
    """Write the ring 1 < r < 2 as a cloud: uniform inside, and evenly spaced on both circles."""
    rng = np.random.default_rng(0)
    radius = np.sqrt(rng.uniform(1, 4, points))
    angle = rng.uniform(0, 2 * np.pi, points)
    turn = 2 * np.pi * np.arange(100) / 100
    x = np.concatenate([radius * np.cos(angle), np.cos(turn), 2 * np.cos(turn)])
    y = np.concatenate([radius * np.sin(angle), np.sin(turn), 2 * np.sin(turn)])
    # Normals may have any length, and may be missing inside.
    empty = np.full(points, np.nan)
    nx = np.concatenate([empty, -3 * np.cos(turn), np.cos(turn)])
    ny = np.concatenate([empty, -3 * np.sin(turn), np.sin(turn)])
    part = np.array(["interior"] * points + ["rim"] * 100 + ["wall"] * 100)
    measure = np.repeat([3 * np.pi / points, 0.02 * np.pi, 0.04 * np.pi], [points, 100, 100])
    columns = {"x": x, "y": y, "nx": nx, "ny": ny, "part": part, "measure": measure}
    if path.suffix == ".npz":
        np.savez(path, **columns)
    else:
        lines = [",".join(columns)]
        for row in zip(*columns.values(), strict=True):
            lines.append(",".join(map(str, row)).replace("nan", ""))
        path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_point_cloud(suffix, tmp_path):
    cloud = PointCloud(cloud_of_a_ring(tmp_path / f"ring.{suffix}"))
    problem = problem_in(cloud, on="rim")
    assert cloud.coordinates == ("x", "y")
    assert cloud.faces == ("rim", "wall")
    assert cloud.measure("rim") == pytest.approx(2 * np.pi)
    assert cloud.measure("wall") == pytest.approx(4 * np.pi)
    inside = draw(problem, "interior", 200).coordinates
    assert len(np.unique(inside, axis=0)) == 200
    assert np.all(cloud.contains(inside))
    assert not np.array_equal(inside, draw(problem, "interior", 200, seed=1).coordinates)
    # A sample of four times as many points as the cloud has contains each point four times.
    repeated = draw(problem, "interior", 1600).coordinates
    _, counts = np.unique(repeated, axis=0, return_counts=True)
    assert len(counts) == 400
    assert set(counts) == {4}
    # Faces have points in proportion to their measures, not to their numbers of points.
    edge = draw(problem, "boundary", 300)
    radius = np.hypot(*edge.coordinates.T)
    assert np.mean(radius < 1.5) == pytest.approx(1 / 3, abs=0.01)
    sign = np.where(radius < 1.5, -1, 1)
    assert edge.normals == pytest.approx(sign[:, None] * edge.coordinates / radius[:, None])
    axis = np.linspace(-2, 2, 41)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
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
def test_bad_point_clouds_raise_errors(name, text, words, tmp_path):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as error:
        PointCloud(tmp_path / name)
    assert words in str(error.value)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_arrays_of_different_lengths_raise_errors(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(2), y=np.zeros(3), part=np.array(["interior"] * 2))
    with pytest.raises(InputError, match="different lengths"):
        PointCloud(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.array([None]), y=np.zeros(1), part=np.array(["interior"]))
    with pytest.raises(InputError, match="cannot be read"):
        PointCloud(tmp_path / "b.npz")


def test_repr_and_box_in_many_dimensions():
    rectangle = "Rectangle(x=(0.0, 4.0), y=(0.0, 2.0))"
    assert repr(PLATE) == f"Difference({rectangle}, pipe=Disk(x=1, y=1, radius=0.5))"
    box = Box(**{f"x{i}": (0.0, 1.0) for i in range(10)})
    assert box.distance(*np.full((10, 3), 0.25)) == pytest.approx(0.25)
