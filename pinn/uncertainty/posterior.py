"""Draws of a run's parameters from their distribution, given the measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pinn.arrays import Array, read_npz
from pinn.atomic import write_atomically
from pinn.errors import InputError
from pinn.objective import StandardErrors, of_covariance

TAIL = 0.05  # the probability on either side of an interval
FEWEST = 50  # effective draws, which give a standard deviation to a tenth
DIVERGENT = 0.02  # share of the trajectories from which on they are told
FORMAT = "pinn posterior 1"
UNKNOWN = "coefficient/"  # the prefix of names of arrays
NUMBERS = ("effective", "acceptance", "divergences")


class Posterior(NamedTuple):
    """Draws of the flat vector, given the measurements, and how good they are.

    Attributes:
        draws: the vectors [n, p].
        coefficients: the unknown coefficients there [n], in their own units, by name.
        effective: the number of independent draws that are worth as much, the least of those of
            all unknown coefficients and of the density.
        acceptance: the mean probability with which a proposal was accepted.
        divergences: number of trajectories along which the energy was not conserved.
    """

    draws: Array
    coefficients: dict[str, Array]
    effective: float
    acceptance: float
    divergences: int

    @property
    def standard_errors(self) -> StandardErrors:
        """The standard errors of the unknown coefficients, and their correlations."""
        names = tuple(self.coefficients)
        if not names:
            return StandardErrors({}, {})
        return of_covariance(np.atleast_2d(np.cov([*self.coefficients.values()])), names)

    @property
    def intervals(self) -> dict[str, list[float]]:
        """Between what an unknown coefficient is with a probability of 90 %, by name."""
        found: dict[str, list[float]] = {}
        for name, values in self.coefficients.items():
            found[name] = np.quantile(values, [TAIL, 1 - TAIL]).tolist()
        return found

    def save(self, path: Path) -> None:
        """Write the draws to a file, completely or not at all."""
        arrays: dict[str, Any] = {
            f"{UNKNOWN}{n}": values for n, values in self.coefficients.items()
        }
        for name in ("draws", *NUMBERS):
            arrays[name] = np.asarray(getattr(self, name))
        write_atomically(path, lambda file: np.savez(file, format=np.array(FORMAT), **arrays))

    @classmethod
    def load(cls, path: Path, *, size: int) -> Posterior:
        """Return the draws in a file.

        Args:
            path: the file.
            size: the number p of parameters that the draws must have.

        Raises:
            InputError: if the file holds none, or those of another network.
        """
        try:
            arrays = read_npz(path)
            if str(arrays["format"]) != FORMAT:
                raise KeyError("format")
            draws: Array = np.asarray(arrays["draws"], float)
            coefficients: dict[str, Array] = {}
            for name, values in arrays.items():
                if name.startswith(UNKNOWN):
                    coefficients[name.removeprefix(UNKNOWN)] = np.asarray(values, float)
            effective, acceptance, divergences = (arrays[name].item() for name in NUMBERS)
            found = cls(draws, coefficients, effective, acceptance, divergences)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: holds no draws of this program, or is truncated "
                f"({type(error).__name__}: {error}); `pinn resume` draws them anew."
            ) from None
        if draws.ndim != 2 or draws.shape[1] != size:
            raise InputError(
                f"{path}: holds draws of shape {draws.shape}, and the network has {size} "
                "parameters; restore the run's own file."
            )
        return found


def doubtful_draws(posterior: Posterior | None) -> list[str]:
    """Return a warning for draws that say little of their distribution."""
    if posterior is None:
        return []
    warnings: list[str] = []
    count = len(posterior.draws)
    if posterior.effective < FEWEST:
        warnings.append(
            f"uncertainty: {count:,} draws are worth {posterior.effective:.0f} independent ones; "
            f"take more of them (uncertainty.draws), {FEWEST} at least should be."
        )
    if posterior.divergences > DIVERGENT * count:
        warnings.append(
            f"uncertainty: {posterior.divergences:,} of {count:,} trajectories left the region "
            "where the density is resolved, so that its far end may be missing; give the equations "
            "smaller weights, or take a longer uncertainty.warmup."
        )
    return warnings
