"""Schemes by which the loss weights of terms and points follow the training."""

from pinn.weights.causal import Causal
from pinn.weights.gradient_norm import GradientNorm
from pinn.weights.ntk import NTK
from pinn.weights.relobralo import ReLoBRaLo
from pinn.weights.residual_attention import ResidualAttention
from pinn.weights.scheme import Memory, Scheme
from pinn.weights.self_adaptive import SelfAdaptive
from pinn.weights.weighting import Weighting

__all__ = [
    "NTK",
    "Causal",
    "GradientNorm",
    "Memory",
    "ReLoBRaLo",
    "ResidualAttention",
    "Scheme",
    "SelfAdaptive",
    "Weighting",
]
