"""Samples of the unit cube, weighted choice, apportionment."""

import numpy as np
import pytest

from pinn import sampling
from pinn.errors import InputError


@pytest.mark.parametrize("method", sampling.METHODS)
@pytest.mark.parametrize(("count", "dimension"), [(1, 1), (7, 2), (64, 3), (100, 5)])
def test_points_lie_in_the_unit_cube(method, count, dimension):
    points = sampling.unit_cube(count, dimension, method=method, seed=3)
    assert points.shape == (count, dimension)
    assert points.dtype == np.float64
    assert np.all((points >= 0) & (points <= 1))
    assert len(np.unique(points, axis=0)) == count


@pytest.mark.parametrize("method", sampling.METHODS)
def test_equal_seeds_give_equal_points(method):
    def points(seed):
        # 50 is not a square, so a grid has random points too.
        return sampling.unit_cube(50, 2, method=method, seed=seed)

    assert np.array_equal(points((1, 2)), points((1, 2)))
    assert not np.array_equal(points((1, 2)), points((1, 3)))
    assert not np.array_equal(points(0), points(1))


def test_default_is_sobol():
    assert np.array_equal(
        sampling.unit_cube(16, 2), sampling.unit_cube(16, 2, method="sobol", seed=0)
    )


@pytest.mark.parametrize("method", ["sobol", "latin_hypercube"])
def test_points_are_stratified_along_every_axis(method):
    points = sampling.unit_cube(64, 3, method=method, seed=0)
    for column in points.T:
        assert sorted(np.floor(column * 64).astype(int)) == list(range(64))


@pytest.mark.parametrize(
    ("count", "dimension", "side"),
    [(9, 2, 3), (10, 2, 3), (8, 3, 2), (26, 3, 2), (27, 3, 3), (1000, 3, 10), (5, 1, 5)],
)
def test_grid_has_whole_sides(count, dimension, side):
    points = sampling.unit_cube(count, dimension, method="grid")
    axis = (np.arange(side) + 0.5) / side
    assert len(points) == count
    for column in points[: side**dimension].T:
        assert np.unique(column) == pytest.approx(axis)


def test_dimension_zero_gives_points_without_coordinates():
    assert sampling.unit_cube(3, 0).shape == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"count": 0}, "0 points"),
        ({"count": -2}, "-2 points"),
        ({"count": 2.0}, "2.0 points"),
        ({"count": 4, "method": "sobel"}, "Did you mean 'sobol'"),
        ({"count": 4, "method": "magic"}, "Known: grid"),
    ],
)
def test_bad_input_is_told(arguments, word):
    with pytest.raises(InputError, match=word):
        sampling.unit_cube(dimension=2, **arguments)


@pytest.mark.parametrize(
    ("count", "sizes", "expected"),
    [
        (10, [1, 1], [5, 5]),
        (4, [1, 1, 1, 1], [1, 1, 1, 1]),
        (100, [1.5, 1.5, 2.0, 2.0], None),
        (7, [1e-9, 1.0], [1, 6]),
        (11, [1, 1, 1], None),
    ],
)
def test_apportioned_counts_add_up(count, sizes, expected):
    counts = sampling.apportion(count, sizes)
    assert sum(counts) == count
    assert min(counts) >= 1
    assert all(isinstance(n, int) for n in counts)
    shares = np.array(sizes) / sum(sizes) * count
    assert np.max(np.abs(np.array(counts) - shares)) <= 1.0
    if expected:
        assert counts == expected


def test_too_few_points_to_apportion():
    with pytest.raises(InputError, match="3 points for 4 faces"):
        sampling.apportion(3, [1, 1, 1, 1])


def test_choice_has_the_density_of_the_formula():
    x = np.random.default_rng(0).random(200_000)
    sizes = np.exp(-(((x - 0.3) / 0.05) ** 2))
    chosen, _ = sampling.weighted_choice(sizes, 5000, power=2.0, offset=0.5, seed=1)
    assert len(np.unique(chosen)) == 5000
    density = sizes**2 / np.mean(sizes**2) + 0.5
    probability = density / density.sum()
    expected, _ = np.histogram(x, bins=20, range=(0, 1), weights=5000 * probability)
    counts, _ = np.histogram(x[chosen], bins=20, range=(0, 1))
    deviation = np.sqrt(expected + 1)
    assert np.all(np.abs(counts - expected) < 5 * deviation)
    same_seed, _ = sampling.weighted_choice(sizes, 5000, power=2.0, offset=0.5, seed=1)
    other_seed, _ = sampling.weighted_choice(sizes, 5000, power=2.0, offset=0.5, seed=2)
    assert np.array_equal(chosen, same_seed)
    assert not np.array_equal(chosen, other_seed)


def test_shares_give_means_over_all_candidates():
    """Of a function that is large where the density is, with a tenth of its standard deviation."""
    x = np.random.default_rng(0).random(20_000)
    sizes = np.exp(-(((x - 0.3) / 0.01) ** 2))
    means = []
    for seed in range(50):
        chosen, shares = sampling.weighted_choice(sizes, 1000, power=1.0, offset=0.5, seed=seed)
        assert np.sum(shares) == pytest.approx(1)
        means.append(np.sum(shares * sizes[chosen]))
    assert np.mean(means) == pytest.approx(np.mean(sizes), rel=0.02)
    uniform = np.std(sizes) / np.sqrt(1000)
    assert np.std(means) < 0.4 * uniform


@pytest.mark.parametrize("sizes", [np.zeros(100), np.full(100, np.nan), np.r_[np.zeros(99), 1.0]])
def test_choice_among_candidates_of_size_zero(sizes):
    chosen, _ = sampling.weighted_choice(sizes, 60, power=1.0, offset=0.0, seed=0)
    assert len(np.unique(chosen)) == 60


def test_too_few_candidates():
    with pytest.raises(InputError, match="3 candidates for 5 points"):
        sampling.weighted_choice(np.ones(3), 5, power=1.0, offset=1.0, seed=0)
