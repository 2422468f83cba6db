"""Measurements for inverse problems: from a file, from Python, or synthetic from the reference."""

from pinn.measurements.file import DataFile
from pinn.measurements.given import Columns, measurements, point_set
from pinn.measurements.measured import Measurements
from pinn.measurements.synthetic import Synthetic

__all__ = ["Columns", "DataFile", "Measurements", "Synthetic", "measurements", "point_set"]
