"""Reference solutions: formulas, and the numerics that evaluate them to rounding error."""

from pinn.references.cole_hopf import cole_hopf
from pinn.references.solitons import two_solitons, two_solitons_slope

__all__ = ["cole_hopf", "two_solitons", "two_solitons_slope"]
