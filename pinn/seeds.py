"""Seeds of one run: a tree whose branches have names, so that no two random streams coincide.

The root is the run's own seed. Its streams (seed, crc32(region), draw) give the training points,
and it seeds the network's layers. Everything else takes the seed of a branch, such as
`branch(seed, "test points")`. Adding a constant to a seed would give the streams of another run.
"""

from __future__ import annotations

import zlib

import numpy as np


def branch(seed: int, name: str) -> int:
    """Return the seed of a branch of a seed's tree, by the branch's name; at most 64 bits."""
    key = (zlib.crc32(name.encode()),)
    state = np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)
    return int(state[0])


def generator(seed: int, name: str) -> np.random.Generator:
    """Return a random generator for a branch of a seed's tree."""
    return np.random.default_rng(branch(seed, name))
