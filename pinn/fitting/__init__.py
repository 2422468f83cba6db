"""Minimization of any function of one vector, and regression with any Keras model."""

from pinn.fitting.fit import Result, fit, minimize
from pinn.fitting.supervised import Supervised, supervised

__all__ = ["Result", "Supervised", "fit", "minimize", "supervised"]
