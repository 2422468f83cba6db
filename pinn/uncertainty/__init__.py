"""How far noise in measurements leaves a solution open: draws from its posterior distribution."""

from pinn.uncertainty.hmc import HMC, Tell
from pinn.uncertainty.posterior import Posterior, doubtful_draws

__all__ = ["HMC", "Posterior", "Tell", "doubtful_draws"]
