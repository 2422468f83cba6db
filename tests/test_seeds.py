"""Every random stream of a run has a seed of its own."""

import numpy as np
import pytest

from pinn.objective import draw
from pinn.problems import Heat
from pinn.seeds import branch, generator

NAMES = ["test points", "held-out points", "measurement points", "measurement noise"]


def test_branches_repeat_and_differ_from_one_another_and_from_those_of_other_runs():
    seeds = [branch(seed, name) for seed in (0, 1, 1000, 2_000_000) for name in NAMES]
    assert len(set(seeds)) == len(seeds)
    assert not set(seeds) & set(range(3_000_000))
    assert branch(3, "test points") == branch(3, "test points")
    assert branch(0, "test points") == 8424671236327444466  # runs under earlier versions rely on it


@pytest.mark.parametrize("name", NAMES)
def test_generators_of_branches_are_independent_of_the_root(name):
    values = generator(0, name).standard_normal(5)
    assert np.array_equal(values, generator(0, name).standard_normal(5))
    assert not np.any(values == np.random.default_rng(0).standard_normal(5))


def test_points_of_a_branch_are_no_points_of_another_run():
    points = draw(Heat(), "interior", 50, method="uniform", seed=branch(0, "test points"))
    for seed in (0, 1, 1000):
        other = draw(Heat(), "interior", 50, method="uniform", seed=seed)
        assert not np.any(points.coordinates == other.coordinates)
