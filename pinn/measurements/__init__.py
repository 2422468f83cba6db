"""Measurements for inverse problems: from files, from Python, or synthetic from the reference."""

from pinn.measurements.file import DataFile
from pinn.measurements.given import Columns, measurements, point_set
from pinn.measurements.measured import Measurements
from pinn.measurements.names import coordinates_of
from pinn.measurements.roles import Roles, roles
from pinn.measurements.sets import (
    DataSet,
    Given,
    are_sets,
    checked_sets,
    in_set,
    name_of,
    read_sets,
    region_of,
)
from pinn.measurements.synthetic import Synthetic

__all__ = [
    "Columns",
    "DataFile",
    "DataSet",
    "Given",
    "Measurements",
    "Roles",
    "Synthetic",
    "are_sets",
    "checked_sets",
    "coordinates_of",
    "in_set",
    "measurements",
    "name_of",
    "point_set",
    "read_sets",
    "region_of",
    "roles",
]
