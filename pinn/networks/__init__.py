"""Networks from coordinates to fields, and the forward pass that carries jets through them."""

from pinn.networks.forward import NoTaylorRule, Tap, forward, takes_jets
from pinn.networks.mlp import mlp

__all__ = ["NoTaylorRule", "Tap", "forward", "mlp", "takes_jets"]
