"""The Korteweg–de Vries equation: a fast soliton overtakes a slow one."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.errors import InputError
from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies
from pinn.references import two_solitons, two_solitons_slope
from pinn.references.points import Elementwise


class KdVSolitons(Problem):
    """Korteweg–de Vries equation with two solitons; dimensionless.

        u_t + 6 u u_x + u_xxx = 0      0 < x < 20,  0 < t ≤ 5
        u(x, 0), u(0, t), u(20, t) and u_x(20, t) of the two-soliton solution

    Waves of this equation enter from the left and disperse to the left, so there are one condition
    on the left and two on the right.

    Source and reference: the two-soliton solution, Hirota (1971), doi:10.1103/PhysRevLett.27.1192.

    Attributes:
        c1: speed of the fast soliton; its amplitude is c1/2.
        c2: speed of the slow soliton, 0 < c2 < c1.
        x1: phase of the fast soliton, which is its position at t = 0 if it were alone.
        x2: phase of the slow soliton.
    """

    c1: float = positive(6.0)
    c2: float = positive(2.0)
    x1: float = -2.0
    x2: float = 2.0

    fields = ("u",)
    space = Interval(x=(0.0, 20.0))
    time = (0.0, 5.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.c1 > self.c2:
            raise InputError(
                f"KdVSolitons: c1={self.c1} is not greater than c2={self.c2}; exchange them."
            )
        if self.unknowns:
            name = next(iter(self.unknowns))
            raise InputError(
                f"KdVSolitons: unknown {name!r} is in the data, not in the equation; leave it out."
            )

    @residual(on="interior")
    def kdv(self, u, u_t, u_x, u_xxx):
        return u_t + 6 * u * u_x + u_xxx

    @residual(on="initial")
    def start(self, x, u):
        return u - self._exact(x, 0.0)

    @residual(on="x-")
    def left(self, t, u):
        return u - self._exact(0.0, t)

    @residual(on="x+")
    def right(self, t, u):
        return u - self._exact(20.0, t)

    @residual(on="x+")
    def right_slope(self, t, u_x):
        slope = two_solitons_slope(
            20.0, t, speeds=(self.c1, self.c2), starts=(self.x1, self.x2), tanh=tf.tanh
        )
        return u_x - slope

    @satisfies("start", "left", "right")
    def ansatz(self, x, t, net):
        # The lift contains the change of the values at the ends since the start.  It decays within
        # about a soliton's width.  If it extended across the domain, the network would have to
        # cancel everywhere a soliton that enters on the left.
        left = self._exact(0.0, t) - self._exact(0.0, 0.0, tanh=np.tanh)
        right = self._exact(20.0, t) - self._exact(20.0, 0.0, tanh=np.tanh)
        near_left = tf.exp(-x)
        near_right = tf.exp(x - 20)
        lift = (1 - x / 20) * near_left * left + x / 20 * near_right * right
        inside = (1 - near_left) * (1 - near_right)
        return self._exact(x, 0.0) + lift + (1 - tf.exp(-3 * t)) * inside * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": self._exact(x, t, tanh=np.tanh)}

    def _exact(self, x: Quantity, t: Quantity, *, tanh: Elementwise = tf.tanh) -> Any:
        """Return the two-soliton solution for tensors or jets; for NumPy arrays with `np.tanh`."""
        return two_solitons(x, t, speeds=(self.c1, self.c2), starts=(self.x1, self.x2), tanh=tanh)
