# pyright: strict, reportUnknownMemberType=false
"""Quasi-Newton methods on the full matrix: BFGS and self-scaled Broyden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from pinn.optimizers.full_matrix import FullMatrix, MatrixMemory
from pinn.optimizers.in_place import InPlaceLoop
from pinn.optimizers.interface import BatchT, BoundOptimizer, Minimization


@dataclass(frozen=True, kw_only=True)
class _OnDevice(FullMatrix):
    """A full-matrix optimizer in the loop that suits the device."""

    def bind(self, minimization: Minimization[BatchT]) -> BoundOptimizer[MatrixMemory, BatchT]:
        """Return the optimizer bound to a minimization; on a CPU it updates H in place."""
        if tf.config.get_visible_devices("GPU"):
            return super().bind(minimization)
        return InPlaceLoop(self, minimization)


@dataclass(frozen=True, kw_only=True)
class BFGS(_OnDevice):
    """BFGS (Nocedal & Wright 2006, section 6.1).

    The first pair scales the first matrix (ibid., equation 6.20).
    """

    label: ClassVar[str] = "BFGS"

    def factors(
        self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ)."""
        return _bfgs_factors(h, fresh)


@dataclass(frozen=True, kw_only=True)
class SSBroyden(_OnDevice):
    """Self-scaled Broyden (Al-Baali & Khalfan; Urbán, Stefanou & Pons 2025, arXiv:2405.04230)."""

    label: ClassVar[str] = "SSBroyden"

    def factors(
        self, b: tf.Tensor, h: tf.Tensor, fresh: tf.Tensor, size: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return (τ, φ)."""
        a = h * b - 1  # negative by rounding only, where the update is that of BFGS
        # The updating parameter θ, in the interval that keeps H positive definite.
        c = tf.sqrt(tf.abs(a) / (1 + a))
        rho_minus = tf.minimum(h * (1 - c), 1.0)
        theta_minus = (rho_minus - 1) / a
        theta_plus = 1 / rho_minus
        theta = tf.maximum(theta_minus, tf.minimum(theta_plus, (1 - b) / b))
        # The scaling parameter τ.
        sigma = 1 + theta * a
        sigma_n = tf.abs(sigma) ** (1 / (1 - size))
        rho_plus = tf.minimum(1 / b, 1.0)
        tau = tf.where(
            theta <= 0,
            tf.minimum(rho_plus * sigma_n, sigma),
            rho_plus * tf.minimum(sigma_n, 1 / theta),
        )
        tau = tf.where(fresh, h / sigma, tau)
        phi = (1 - theta) / sigma
        bfgs_tau, bfgs_phi = _bfgs_factors(h, fresh)
        return tf.where(a > 0, tau, bfgs_tau), tf.where(a > 0, phi, bfgs_phi)


def _bfgs_factors(h: tf.Tensor, fresh: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return (τ, φ) of BFGS, its first matrix scaled by the first pair."""
    one = tf.ones_like(h)
    return tf.where(fresh, h, one), one
