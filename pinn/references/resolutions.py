"""Numerical solutions whose error is estimated from a second solution of lower resolution."""

# pyright: strict
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, TypeVar

import numpy as np

from pinn.references.points import Array

_SOLUTIONS = 4  # solutions per solver in the cache, fine and coarse
_ERRORS = 4  # errors per solver in the cache

Parameters = ParamSpec("Parameters")
Solution = TypeVar("Solution")
Resolution = TypeVar("Resolution", int, float)


class TwoResolutions(Generic[Parameters, Solution]):
    """A solver at two resolutions, with a cache.

    The fine solution is the reference; the coarse one serves to estimate its error.
    """

    def __init__(
        self,
        fine: Callable[Parameters, Solution],
        coarse: Callable[Parameters, Solution],
        sample: Callable[[Solution], Array],
    ) -> None:
        self._fine = fine
        self._coarse = coarse
        self._sample = sample
        self._cached_error = functools.lru_cache(maxsize=_ERRORS)(self._estimate_error)

    def fine(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Solution:
        """Return the solution at the fine resolution."""
        return self._fine(*args, **kwargs)

    def coarse(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Solution:
        """Return the solution at the coarse resolution."""
        return self._coarse(*args, **kwargs)

    def error(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Array:
        """Return the relative L2 distance of the two solutions, one number per sampled quantity.

        This is the error of the coarse solution, and hence an upper bound for the error of the
        fine one.
        """
        return self._cached_error(*args, **kwargs)

    def _estimate_error(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Array:
        fine = self._sample(self._fine(*args, **kwargs))
        coarse = self._sample(self._coarse(*args, **kwargs))
        return np.linalg.norm(fine - coarse, axis=-1) / np.linalg.norm(fine, axis=-1)


def two_resolutions(
    *, fine: Resolution, coarse: Resolution, sample: Callable[[Solution], Array]
) -> Callable[
    [Callable[Concatenate[Resolution, Parameters], Solution]], TwoResolutions[Parameters, Solution]
]:
    """Turn a solver, whose first argument is the resolution, into one of two fixed resolutions.

    Args:
        fine: the first argument for the reference.
        coarse: the first argument for the solution that it is compared with.
        sample: values [..., n] of a solution at n points, one row per quantity with an error.
    """

    def decorate(
        solve: Callable[Concatenate[Resolution, Parameters], Solution],
    ) -> TwoResolutions[Parameters, Solution]:
        cached = functools.lru_cache(maxsize=_SOLUTIONS)(solve)

        def solve_fine(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Solution:
            return cached(fine, *args, **kwargs)

        def solve_coarse(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Solution:
            return cached(coarse, *args, **kwargs)

        return TwoResolutions(solve_fine, solve_coarse, sample)

    return decorate
