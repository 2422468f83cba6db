"""The definition of a run: problem, network, phases, points, weights, measurements and seed."""

from pinn.setup.network import default_network
from pinn.setup.phases import correction, two_phases
from pinn.setup.points import Points
from pinn.setup.setup import Setup, setup_of

__all__ = ["Points", "Setup", "correction", "default_network", "setup_of", "two_phases"]
