"""Networks from coordinates to fields, and the forward pass that carries jets through them."""

from pinn.networks.forward import Columns, NoTaylorRule, Tap, forward, takes_jets
from pinn.networks.mlp import PARTS, mlp
from pinn.networks.product import outer
from pinn.networks.settings import Factorization, Fourier, Periodic, Slope

__all__ = [
    "PARTS",
    "Columns",
    "Factorization",
    "Fourier",
    "NoTaylorRule",
    "Periodic",
    "Slope",
    "Tap",
    "forward",
    "mlp",
    "outer",
    "takes_jets",
]
