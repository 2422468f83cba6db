"""The definition of a run: problem, network, phases, points, weights, measurements and seed."""

from pinn.setup.network import default_network
from pinn.setup.points import Points
from pinn.setup.setup import Setup, setup_of, two_phases

__all__ = ["Points", "Setup", "default_network", "setup_of", "two_phases"]
