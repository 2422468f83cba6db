"""The Allen–Cahn equation: phases that separate, with thin interfaces between them."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from math import pi
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from pinn.geometry import Interval
from pinn.problem import Problem, positive, residual, satisfies
from pinn.references import allen_cahn, allen_cahn_error, kink_images, smoothed_kink
from pinn.symmetry import Mirror


class AllenCahn(Problem):
    """Allen–Cahn equation; dimensionless.

        u_t = D u_xx + k (u - u³)      -1 < x < 1,  0 < t ≤ 1
        u(x, 0) = x² cos(πx),  u periodic in x

    The network is periodic, because it embeds x.  The periodic extension of the initial state has a
    kink at x = ±1, which diffusion smooths at once.  So x² cos(πx) + t·net is no ansatz: it keeps
    the kink at all times, and the solution does not.  The ansatz below contains `smoothed_kink`
    instead, the solution of a linear equation with the same kink.

    Source: Raissi, Perdikaris & Karniadakis (2019), doi:10.1016/j.jcp.2018.10.045, with D = 10⁻⁴
    and k = 5.
    Reference: Fourier modes and ETDRK4, with the error in `reference_error`.

    Attributes:
        D: diffusion coefficient D > 0; an interface is about √(D/k) wide.
        k: reaction rate k > 0.
    """

    D: float = positive(1e-4)
    k: float = positive(5.0)
    # Number of images of the kink.  Each instance has its own; ClassVar, as it is no coefficient.
    _images: ClassVar[int]

    fields = ("u",)
    space = Interval(x=(-1.0, 1.0))
    time = (0.0, 1.0)
    periodic = ("x",)
    symmetries = (Mirror(("x",)),)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_images", kink_images(self.D))

    @residual(on="interior")
    def reaction(self, u, u_t, u_xx):
        return u_t - self.D * u_xx - self.k * (u - u * u * u)

    @residual(on="initial")
    def start(self, x, u):
        return u - x * x * tf.cos(pi * x)

    @satisfies("start")
    def ansatz(self, x, t, net):
        kink = smoothed_kink(
            x, t, self.D, self.k, images=self._images, erf=tf.math.erf, exp=tf.exp, sqrt=tf.sqrt
        )
        return x * x * (1 + tf.cos(pi * x)) + kink + t * net

    def reference(self, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        return {"u": allen_cahn(x, t, self.D, self.k)}

    def reference_error(self) -> dict[str, float]:
        return {"u": allen_cahn_error(self.D, self.k)}
