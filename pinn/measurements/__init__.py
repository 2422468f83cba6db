"""Measurements for inverse problems: from a file, or synthetic ones from the reference."""

from pinn.measurements.file import DataFile
from pinn.measurements.synthetic import Synthetic

__all__ = ["DataFile", "Synthetic"]
