"""Pictures of a run: one function per kind, from arrays to matplotlib figures, no global state."""

from pinn.plotting.collocation import points_figure
from pinn.plotting.convergence import convergence_figure
from pinn.plotting.data import MeasuredColumn, data_figure, misfit_figure
from pinn.plotting.field import changes_figure, evolution_figure, field_figure
from pinn.plotting.figures import (
    save_data_figure,
    save_figure,
    save_figures,
    save_points_figure,
)
from pinn.plotting.search import importance_figure, search_figure
from pinn.plotting.seeds import seeds_figure
from pinn.plotting.shown_runs import ShownRun
from pinn.plotting.slices import change_lines_figure, slices_figure
from pinn.plotting.sweep import curves_figure, setting_figure, solutions_figure
from pinn.plotting.unknowns import unknowns_figure
from pinn.plotting.weights import weights_figure

__all__ = [
    "MeasuredColumn",
    "ShownRun",
    "change_lines_figure",
    "changes_figure",
    "convergence_figure",
    "curves_figure",
    "data_figure",
    "evolution_figure",
    "field_figure",
    "importance_figure",
    "misfit_figure",
    "points_figure",
    "save_data_figure",
    "save_figure",
    "save_figures",
    "save_points_figure",
    "search_figure",
    "seeds_figure",
    "setting_figure",
    "slices_figure",
    "solutions_figure",
    "unknowns_figure",
    "weights_figure",
]
