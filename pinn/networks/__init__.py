"""Networks from coordinates to fields, and the forward pass of jets through them."""

from pinn.networks.forward import Columns, LayerHook, NoTaylorRule, forward, takes_jets
from pinn.networks.mlp import LAST_SEED, OPTIONS, mlp
from pinn.networks.monotone import monotone
from pinn.networks.product import outer
from pinn.networks.separable import separable
from pinn.networks.settings import Factorization, Fourier, Periodic, Slope, Subdomains
from pinn.networks.side_by_side import side_by_side
from pinn.networks.symmetric import symmetric, without_mirrors

__all__ = [
    "LAST_SEED",
    "OPTIONS",
    "Columns",
    "Factorization",
    "Fourier",
    "LayerHook",
    "NoTaylorRule",
    "Periodic",
    "Slope",
    "Subdomains",
    "forward",
    "mlp",
    "monotone",
    "outer",
    "separable",
    "side_by_side",
    "symmetric",
    "takes_jets",
    "without_mirrors",
]
