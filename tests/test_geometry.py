"""Boxes, and points drawn in their regions."""

import numpy as np
import pytest

from pinn.errors import InputError
from pinn.geometry import Box, Interval, Rectangle
from pinn.objective import draw
from pinn.problems import Burgers, Helmholtz, KdVSolitons

BOX = Box(x=(0, 1), y=(-1.0, 2.0), x3=(5.0, 9.0))


def test_names_and_bounds_of_a_box():
    assert BOX.coordinates == ("x", "y", "x3")
    assert BOX.faces == ("x-", "x+", "y-", "y+", "x3-", "x3+")
    lower, upper = BOX.bounds
    assert lower.tolist() == [0, -1, 5]
    assert upper.tolist() == [1, 2, 9]
    assert repr(Interval(x=(0, 1))) == "Interval(x=(0.0, 1.0))"


def test_interior_maps_the_unit_cube():
    unit = np.array([[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5]])
    assert BOX.interior(unit).tolist() == [[0, -1, 5], [1, 2, 9], [0.5, 0.5, 7]]


@pytest.mark.parametrize("face", BOX.faces)
def test_faces_have_points_on_them_and_outward_normals(face):
    points, normals = BOX.face(face, np.random.default_rng(0).random((10, 2)))
    axis = BOX.coordinates.index(face[:-1])
    lower, upper = BOX.bounds
    corner = upper if face[-1] == "+" else lower
    assert np.all(points[:, axis] == corner[axis])
    assert np.all((points >= lower) & (points <= upper))
    assert np.all(np.linalg.norm(normals, axis=1) == 1)
    # A step along the normal leaves the box.
    outside = (points + 1e-9 * normals)[:, axis]
    assert np.all((outside > upper[axis]) | (outside < lower[axis]))


def test_measures_of_faces():
    assert [BOX.measure(f) for f in BOX.faces] == [12, 12, 4, 4, 3, 3]
    assert Interval(x=(0, 5)).measure("x-") == 1
    assert Rectangle(x=(0, 2), y=(0, 3)).measure("y+") == 2


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Box(), "no coordinate"),
        (lambda: Interval(x=(1.0, 1.0)), "empty"),
        (lambda: Interval(x=(1.0, 0.0)), "empty"),
        (lambda: Interval(x=(0.0, np.inf)), "empty"),
        (lambda: Interval(x=(np.nan, 1.0)), "empty"),
        (lambda: Interval(t=(0.0, 1.0)), "t is time"),
        (lambda: Interval(x_1=(0.0, 1.0)), "x_1"),
        (lambda: Interval(x=(0, 1), y=(0, 1)), "2 coordinates"),
        (lambda: Rectangle(x=(0, 1)), "1 coordinates"),
    ],
)
def test_bad_ranges_raise_errors(make, word):
    with pytest.raises(InputError, match=word):
        make()


def test_drawn_points_lie_in_their_regions():
    problem = Burgers()
    inside = draw(problem, "interior", 100)
    assert inside.coordinates.shape == (100, 2)
    assert inside.normals is None
    assert np.all(np.abs(inside.coordinates[:, 0]) <= 1)
    assert np.ptp(inside.coordinates[:, 1]) > 0.9
    start = draw(problem, "initial", 50).coordinates
    assert np.all(start[:, 1] == 0)
    assert np.ptp(start[:, 0]) > 1.8
    walls = draw(problem, "boundary", 51)
    assert sorted(set(walls.coordinates[:, 0])) == [-1, 1]
    assert np.array_equal(walls.normals[:, 0], walls.coordinates[:, 0])
    assert walls.normals.shape == (51, 1)
    assert np.ptp(walls.coordinates[:, 1]) > 0.9
    right = draw(KdVSolitons(), "x+", 20).coordinates
    assert np.all(right[:, 0] == 20)
    assert right[:, 1].max() > 4.5


def test_steady_boundary_has_points_on_every_face():
    points = draw(Helmholtz(), "boundary", 80)
    assert points.coordinates.shape == (80, 2)
    for axis, side in ((0, -1), (0, 1), (1, -1), (1, 1)):
        at_side = points.coordinates[:, axis] == side
        on_face = at_side & (points.normals[:, axis] == side)
        assert np.sum(on_face) == 20
        # Opposite faces have points of their own.
        assert np.ptp(points.coordinates[on_face, 1 - axis]) > 1.8
    left = points.coordinates[points.normals[:, 0] == -1, 1]
    right = points.coordinates[points.normals[:, 0] == 1, 1]
    assert not np.array_equal(left, right)


def test_draws_repeat_and_differ():
    problem = Burgers()

    def points(region="interior", **seed):
        return draw(problem, region, 64, **seed).coordinates

    first = points(seed=1)
    assert np.array_equal(first, points(seed=1))
    assert not np.any(first == points(seed=2))
    assert not np.any(first == points(seed=1, number=1))
    assert not np.any(first[:, :1] == points("initial", seed=1)[:, :1])


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_bad_count_raises_an_error(count):
    with pytest.raises(InputError, match=r"points\.counts\.interior"):
        draw(Burgers(), "interior", count)


@pytest.mark.parametrize("region", ["intrior", "data", "y-"])
def test_unknown_region_raises_an_error(region):
    with pytest.raises(InputError, match=region):
        draw(Burgers(), region, 10)


def test_too_few_points_for_the_faces():
    with pytest.raises(InputError, match="at least 4"):
        draw(Helmholtz(), "boundary", 3)
