"""The Gray–Scott equations: reaction fronts that spread and leave patterns."""

# ruff: noqa: D102 (a residual needs no docstring: its formula documents it)
from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from pinn.arrays import Quantity
from pinn.geometry import Rectangle
from pinn.problem import Problem, final_time, positive, residual, satisfies
from pinn.references import BELLS, bell_images, fading_bell, gray_scott, gray_scott_error


class GrayScott(Problem):
    """Gray–Scott equations of a reaction in the plane; dimensionless.

        u_t = ε₁ Δu + b₁ (1 - u) - c₁ u v²      -1 < x, y < 1,  0 < t ≤ `end`
        v_t = ε₂ Δv - b₂ v + c₂ u v²
        u(x, y, 0) = 1 - exp(-10 ((x + 0.05)² + (y + 0.02)²)),  u and v periodic in x and y
        v(x, y, 0) = exp(-10 ((x - 0.05)² + (y - 0.02)²))

    The network is periodic, because it embeds x and y.  The periodic extension of the
    start jumps by 10⁻⁴ at ±1, which diffusion smooths at once.  So the ansatz contains the start as
    diffusion and the losses b₁ and b₂ alone change it.

    Source: Wang et al. (2024, PirateNets), arXiv:2402.00326, with ε₁ = 0.2, ε₂ = 0.1, b₁ = 40,
    b₂ = 100, c₁ = c₂ = 1000 up to t = 2.  Other papers end at t = 1 or t = 0.5; compare only errors
    up to the same time.
    Reference: Fourier modes and ETDRK4, with the error in `reference_error`.

    Attributes:
        epsilon1: diffusivity ε₁ > 0 of u.
        epsilon2: diffusivity ε₂ > 0 of v; a front is about √(ε₂/b₂) wide.
        b1: rate b₁ > 0 at which u is fed.
        b2: rate b₂ > 0 at which v is lost.
        c1: rate c₁ > 0 of the reaction in u.
        c2: rate c₂ > 0 of the reaction in v.
        end: final time.
    """

    epsilon1: float = positive(0.2)
    epsilon2: float = positive(0.1)
    b1: float = positive(40.0)
    b2: float = positive(100.0)
    c1: float = positive(1000.0)
    c2: float = positive(1000.0)
    end: float = final_time(0.5)
    # Numbers of images of the bells of u and v.  Each instance has its own; ClassVar, as they are
    # no coefficients.
    _images: ClassVar[tuple[int, int]]

    fields = ("u", "v")
    space = Rectangle(x=(-1.0, 1.0), y=(-1.0, 1.0))
    time = (0.0, 0.5)
    periodic = ("x", "y")

    def __post_init__(self) -> None:
        super().__post_init__()
        images_u = bell_images(self.epsilon1, self.b1, self.end)
        images_v = bell_images(self.epsilon2, self.b2, self.end)
        object.__setattr__(self, "_images", (images_u, images_v))

    @residual(on="interior")
    def reaction_u(self, u, v, u_t, lap_u):
        return u_t - self.epsilon1 * lap_u - self.b1 * (1 - u) + self.c1 * u * v * v

    @residual(on="interior")
    def reaction_v(self, u, v, v_t, lap_v):
        return v_t - self.epsilon2 * lap_v + self.b2 * v - self.c2 * u * v * v

    @residual(on="initial")
    def start_u(self, x, y, u):
        return u - 1 + tf.exp(-10 * ((x + 0.05) ** 2 + (y + 0.02) ** 2))

    @residual(on="initial")
    def start_v(self, x, y, v):
        return v - tf.exp(-10 * ((x - 0.05) ** 2 + (y - 0.02) ** 2))

    @satisfies("start_u", "start_v")
    def ansatz(self, x, y, t, net):
        decay_u = tf.exp(-self.b1 * t)
        decay_v = tf.exp(-self.b2 * t)
        bell_u = self._bell(0, self.epsilon1, decay_u, x, y, t)
        bell_v = self._bell(1, self.epsilon2, decay_v, x, y, t)
        return 1 - bell_u + (1 - decay_u) * net[0], bell_v + (1 - decay_v) * net[1]

    def reference(self, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> dict[str, Any]:
        u, v = gray_scott(x, y, t, *self._case())
        return {"u": u, "v": v}

    def reference_error(self) -> dict[str, float]:
        error_u, error_v = gray_scott_error(*self._case())
        return {"u": error_u, "v": error_v}

    def _case(self) -> tuple[float, ...]:
        return self.epsilon1, self.epsilon2, self.b1, self.b2, self.c1, self.c2, self.end

    def _bell(
        self, field: int, epsilon: Quantity, decay: Quantity, x: Quantity, y: Quantity, t: Quantity
    ) -> Any:
        """Return a field's bell as diffusion and its decay alone change it."""

        def along(c: Quantity, center: float) -> Any:
            return fading_bell(
                c,
                t,
                center,
                epsilon,
                images=self._images[field],
                erf=tf.math.erf,
                exp=tf.exp,
                sqrt=tf.sqrt,
            )

        center_x, center_y = BELLS[field]
        return decay * along(x, center_x) * along(y, center_y)
