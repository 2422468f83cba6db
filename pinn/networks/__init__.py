"""Networks from coordinates to fields, and the forward pass that carries jets through them."""

from pinn.networks.forward import Columns, NoTaylorRule, Tap, forward, takes_jets
from pinn.networks.mlp import PARTS, mlp
from pinn.networks.product import outer
from pinn.networks.settings import Factorization, Fourier, Periodic, Slope
from pinn.networks.side_by_side import side_by_side

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
    "side_by_side",
    "takes_jets",
]
