"""What the equations of a run leave open: changes of its solution that no residual sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from pinn.arrays import Array
from pinn.objective import amplification
from pinn.optimizers.gauss_newton_svd import Decomposition

FREE = 1e3  # the factor from residuals to errors from which on a direction is open
LARGE = 1e2  # the same of an unknown, where what is left of the residuals may hide the change
HALF = 0.5  # of what bounds a change, the share of the residuals in it below which it is open
SHARE = 0.1  # of the largest relative change, from which on one is told
SAME = 0.05  # the share up to which a change counts as constant, and two as alike
MOST = 5  # open directions that are kept


@dataclass(frozen=True, kw_only=True)
class OpenDirection:
    """A change of a solution, by as much as its own size, that the residuals hardly see.

    Attributes:
        step: the change of the vector [p]; what changes most changes by its own size.
        residual: the rms by which the residuals change along it, over their typical sizes.
        functions: the relative change of every function, rms.
        constant: the functions that change by a constant.
        unknowns: the relative change of every unknown coefficient, with its sign.
    """

    step: Array
    residual: float
    functions: Mapping[str, float]
    constant: Sequence[str]
    unknowns: Mapping[str, float]

    @property
    def parts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The functions, and the unknowns, that take part in it."""
        functions = tuple(name for name, size in self.functions.items() if size >= SHARE)
        unknowns = tuple(name for name, size in self.unknowns.items() if abs(size) >= SHARE)
        return functions, unknowns


class OpenDirections:
    """How far the residuals of a run let its solution change.

    Args:
        jacobian: the decomposition of the residuals' Jacobian on points that no training used.
        functions: the derivatives [n, p] of every function at points by the vector, over its size.
        unknowns: the derivatives [p] of every unknown coefficient by the vector, over its size.
        left: the rms of what is left of the equations' residuals, over their typical sizes.
        again: from steps D [n, p] to M [k, n] with |M a| = |J Dᵀ a| for all a, at points other than
            those of the Jacobian.

    Attributes:
        amplification: the largest relative change of functions and unknowns per residual (rms, over
            typical sizes), dimensionless, along directions that are not open.
        found: the open directions, the most open one first.
    """

    def __init__(
        self,
        jacobian: Decomposition,
        functions: Mapping[str, Array],
        unknowns: Mapping[str, Array],
        left: float,
        again: Callable[[Array], Array],
    ) -> None:
        self._functions = functions
        self._unknowns = unknowns
        # 1. All that may change; of a function so that the norm is the rms.
        rows = [slopes / np.sqrt(len(slopes)) for slopes in functions.values()]
        rows += [slopes[None] for slopes in unknowns.values()]
        # 2. The directions along which it changes most.
        factors, steps = amplification(jacobian, np.concatenate(rows))
        seen = jacobian.norms(steps)
        rest = float(np.max(factors[factors < LARGE], initial=0.0))
        # 3. Those where ε bounds the change, or the residuals that are left hide one of an unknown.
        is_free = (factors >= FREE) & (seen**2 < HALF)
        may_hide = (factors >= LARGE) & (factors * left >= SHARE)
        if np.any(is_free | may_hide):
            # 4. The same on other points as well: where the first were not, a network can leap.
            large = factors >= LARGE
            factors, steps, others = _combined(factors[large], steps[large], again(steps[large]))
            seen = np.hypot(jacobian.norms(steps), others)
            is_free = factors >= FREE
            may_hide = (factors >= LARGE) & (factors * left >= SHARE)
        self.found: list[OpenDirection] = []
        is_open = np.zeros(len(factors), bool)
        for i in np.flatnonzero(is_free | may_hide)[:MOST]:
            direction = self._direction(steps[i], float(seen[i]))
            if is_free[i] or direction.parts[1]:
                is_open[i] = True
                self.found.append(direction)
        self.amplification = float(np.max(factors[~(is_open | is_free)], initial=rest))

    def lines(self) -> dict[tuple[tuple[str, ...], tuple[str, ...]], str]:
        """Return one line per group of functions and unknowns that change together, by these."""
        grouped: dict[tuple[tuple[str, ...], tuple[str, ...]], list[OpenDirection]] = {}
        for direction in self.found:
            grouped.setdefault(direction.parts, []).append(direction)
        return {parts: _line(*parts, directions) for parts, directions in grouped.items()}

    def _direction(self, step: Array, seen: float) -> OpenDirection:
        """Return the direction of a step [p] along which the residuals change by `seen`."""
        changes = {name: slopes @ step for name, slopes in self._functions.items()}
        sizes = {name: float(np.sqrt(np.mean(c**2))) for name, c in changes.items()}
        unknowns = {name: float(slopes @ step) for name, slopes in self._unknowns.items()}
        largest = max(map(abs, [*sizes.values(), *unknowns.values()]))
        constant = [n for n, c in changes.items() if np.ptp(c) <= SAME * np.max(np.abs(c))]
        return OpenDirection(
            step=step / largest,
            residual=seen / largest,
            functions={name: size / largest for name, size in sizes.items()},
            constant=constant,
            unknowns={name: change / largest for name, change in unknowns.items()},
        )


def _combined(factors: Array, steps: Array, again: Array) -> tuple[Array, Array, Array]:
    """Return the directions among combinations of others, where more residuals are looked at.

    Along a combination d = Dᵀ a, what bounded the change before is |a|², and the solution changes
    by |F a|.  With M of other points, these are the generalized singular values of F and [I M].

    Args:
        factors: the diagonal F [n].
        steps: D [n, p].
        again: M [k, n], with |M a| = |J Dᵀ a| at other points.

    Returns:
        The factors [n], the largest first, the steps [n, p], and |M a| along them [n].
    """
    # Products of M with itself would lose the 1 beside what ε magnifies: its SVD keeps it.
    _, values, directions = scipy.linalg.svd(again)
    sizes = np.zeros(len(factors))
    sizes[: len(values)] = values
    norms = np.hypot(1.0, sizes)
    whitened = directions.T / norms
    _, factors, vt = scipy.linalg.svd(factors[:, None] * whitened)
    moved = np.linalg.norm(vt * (sizes / norms), axis=1)
    return factors, vt @ whitened.T @ steps, moved


def _line(
    functions: Sequence[str], unknowns: Sequence[str], directions: Sequence[OpenDirection]
) -> str:
    """Return what is open about some functions and unknowns that change together."""
    names = " and ".join([*functions, *unknowns])
    (first, *_) = directions
    together = _together(first, unknowns)
    if unknowns or not set(functions) <= set(first.constant):
        ways = ""
        if len(directions) > 1:
            ways = f" in {'at least ' * (len(directions) == MOST)}{len(directions)} ways"
        free = f"not determined{ways}"
    else:
        free = "determined up to a constant only"
    remedy = "a condition is missing, or two say the same"
    if unknowns:
        remedy = "measure more, fix one of them, or give a further condition"
    if together and not functions:
        free = f"only {together} is determined"
        remedy = "fix one of them, or measure what tells them apart"
    seen = max(direction.residual for direction in directions)
    return (
        f"{names}: {free}: a change by its own size moves the residuals by {seen:.0e} of their "
        f"typical sizes; {remedy}."
    )


def _together(direction: OpenDirection, unknowns: Sequence[str]) -> str:
    """Return the combination of two unknowns that stays as it is; "" where it is another one."""
    if len(unknowns) != 2:
        return ""
    first, second = (direction.unknowns[name] for name in unknowns)
    if abs(first - second) <= SAME * abs(first):
        return "/".join(unknowns)
    if abs(first + second) <= SAME * abs(first):
        return " ".join(unknowns)
    return ""
