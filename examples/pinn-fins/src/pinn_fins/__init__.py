"""Problems of cooling fins."""

from pinn_fins.fins import AnnularFin, Fin

__all__ = ["AnnularFin", "Fin"]
