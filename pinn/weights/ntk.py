"""Weights that make all terms converge at equal rates, by their neural tangent kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pinn.settings import between
from pinn.weights.gradient_norm import balancing_weights
from pinn.weights.scheme import LossSnapshot, Memory, TermScheme, running_average


@dataclass(frozen=True, kw_only=True)
class NTK(TermScheme):
    """Weights from the traces of neural tangent kernels.

        κᵢ = Tr(JᵢJᵢᵀ) / nᵢ,   Jᵢ = ∂rᵢ/∂θ [nᵢ, p]
        λ̂ᵢ = Σⱼ κⱼ / κᵢ
        λᵢ ← decay λᵢ + (1 − decay) λ̂ᵢ

    The scheme is that of Wang, Yu & Perdikaris (2022), doi:10.1016/j.jcp.2021.110768.  Their
    λᵢ = Tr K / Tr Kᵢ agrees with the formula above where all terms have equally many points; since
    the loss is a sum of means, the traces per point set the rates (Wang et al. 2023,
    arXiv:2308.08468).  An update takes as long as a Jacobian.

    Attributes:
        decay: decay of the running average; 0 as in the paper.

    Raises:
        InputError: for a decay outside [0, 1), and, when a run starts, for a loss of one term.
    """

    label: ClassVar[str] = "NTK"
    decay: float = between(0, 1, 0.0, closed="left")

    def update(self, memory: Memory, snapshot: LossSnapshot) -> Memory:
        """Return the weights after an update."""
        return running_average(memory, balancing_weights(snapshot.traces()), self.decay)
