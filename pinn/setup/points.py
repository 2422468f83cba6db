"""How many points of each region a run uses, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pinn import settings
from pinn.errors import InputError, did_you_mean
from pinn.geometry import is_data
from pinn.objective import NODES, Objective
from pinn.problem import Problem, patches, region_names
from pinn.problem.two_sided import INTERFACES, check_two_sided, is_two_sided
from pinn.sampling import Method

AUTOMATIC = (1000, 2000)  # points of one coordinate, and of more
FEWER = 5  # the factor where a residual takes an integral at every point, at Q nodes
FOLLOWED = "interior"  # the region whose points follow the residuals
POWER = 2.0  # of |r| in the density of points, where a run makes them follow the residuals


@dataclass(frozen=True, kw_only=True)
class Points(settings.Settings):
    """Counts of points by region, and how they are drawn.

    Attributes:
        counts: number of points by region; a region that is not named gets `counts["boundary"]`.
            "auto" is 1000 points of one coordinate, and 2000 of more; a fifth of that where a
            residual of the region takes an integral that has to be evaluated for every point.
        method: "sobol", "halton", "latin_hypercube", "uniform" or "grid".
        adaptive: what a redraw does with the interior's points.  "none": all are drawn by the
            method. "rad": all are drawn with a density ∝ |r|^power / mean |r|^power + offset (Wu et
            al. 2022, doi:10.1016/j.cma.2022.115671).  "importance": the same, and every point
            weighs the inverse of its probability, so that the loss remains the mean over the
            interior.  "rar_d": half of the count at first; every redraw adds a twentieth of it with
            that density, and keeps the rest (Wu et al.).  "r3": points where |r| is above its mean
            stay, the others are drawn anew by the method (Daw et al. 2023, arXiv:2207.02338).
        power: k of that density; larger follows the residual more closely.
        offset: c of that density, the share that is uniform; smaller follows the residual more
            closely.
        candidates: points per point drawn, from which the density chooses.
        heldout: share of every count that the held-out set has; no optimizer ever sees it.
        test: points at which the error against the reference is measured.
        quadrature: Gauss-Legendre nodes of an integral per coordinate, twice as many where the
            integral is a number; a sample, where there is no such rule, has 4 times the square,
            rounded up to a power of two.
        block: points per compiled block; None chooses by the network's width.

    Raises:
        InputError: for a number out of range or an unknown word; and, when points are drawn, for
            counts that do not fit the problem.
    """

    counts: Mapping[str, int | Literal["auto"]] = field(
        default_factory=lambda: {"interior": "auto", "initial": 400, "boundary": 400}
    )
    method: Method = "sobol"
    adaptive: Literal["none", "rad", "importance", "rar_d", "r3"] = "none"
    power: float = settings.at_least(0, 1.0)
    offset: float = settings.at_least(0, 1.0)
    candidates: int = settings.count(10, least=2)
    heldout: float = settings.positive(0.25, words="a positive share, such as 0.25")
    test: int = settings.count(10_000)
    quadrature: int = settings.count(NODES)
    block: int | None = settings.count(None)

    def setting(self, name: str) -> str:
        """Return what messages call a setting."""
        return f"points.{name}"

    def count(self, region: str, problem: Problem, nodes: int = 1) -> int:
        """Return the number of points of a region of a problem.

        Args:
            region: the region.
            problem: the problem.
            nodes: at how many quadrature nodes its residuals are evaluated per point.
        """
        several = INTERFACES if "," in region else region  # interfaces that share a condition
        found = self.counts.get(region, self.counts.get(several, self.counts.get("boundary")))
        if found is None:
            names = " or ".join(f"counts.{name}" for name in dict.fromkeys((region, "boundary")))
            raise InputError(f"points.counts: nothing for region {region!r}; add {names}.")
        if found == "auto":
            count = AUTOMATIC[min(len(problem.coordinates), len(AUTOMATIC)) - 1]
            return count // FEWER if nodes > 1 else count
        settings.check_count(f"points.counts.{region}", found)
        return int(found)

    def following(self, objective: Objective) -> Points:
        """Return points of which those of the interior follow the residuals, by `importance`.

        Few points then resolve a layer or a shock.  Points that follow the residuals otherwise, or
        have no interior, are returned as they are.
        """
        if self.adaptive != "none" or FOLLOWED not in objective.regions:
            return self
        return replace(self, adaptive="importance", power=POWER)

    def check(self, objective: Objective) -> None:
        """Raise an InputError for a count of a region that does not exist or an impossible one."""
        problem = objective.problem
        known = ("initial", "boundary", INTERFACES, *region_names(problem))
        for region in self.counts:
            if not isinstance(region, str):
                raise InputError(f"points.counts.{region}: no such region; name one, as interior.")
            if is_two_sided(region):
                for name in region.split(","):
                    check_two_sided(problem, name, f"points.counts.{region}")
            elif region not in known:
                raise InputError(
                    f"points.counts.{region}: no such region.{did_you_mean(region, known)}"
                )
            self.count(region, problem)
        for region in objective.regions:
            faces = 1 if is_data(region) else len(patches(problem, region))
            if faces > 1 and self.count(region, problem) < faces:
                key = region if region in self.counts else "boundary"
                found = f"points.counts.{key}={self.count(region, problem)}"
                raise InputError(f"{found}: there are {faces} faces; give at least {faces}.")
        if self.adaptive != "none" and FOLLOWED not in objective.regions:
            raise InputError(
                f"points.adaptive={self.adaptive}: no residual on the interior; use none."
            )
