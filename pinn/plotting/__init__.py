"""Pictures of a run: one function per kind, from arrays to matplotlib figures, no global state."""

from pinn.plotting.collocation import points_figure
from pinn.plotting.convergence import convergence_figure
from pinn.plotting.field import evolution_figure, field_figure
from pinn.plotting.figures import save_figures, save_points_figure
from pinn.plotting.seeds import seeds_figure
from pinn.plotting.slices import slices_figure
from pinn.plotting.unknowns import unknowns_figure
from pinn.plotting.weights import weights_figure

__all__ = [
    "convergence_figure",
    "evolution_figure",
    "field_figure",
    "points_figure",
    "save_figures",
    "save_points_figure",
    "seeds_figure",
    "slices_figure",
    "unknowns_figure",
    "weights_figure",
]
