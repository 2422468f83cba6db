"""Domains in space: boxes, balls, differences of them, and point clouds."""

from pinn.geometry.ball import Ball, Disk
from pinn.geometry.box import Box, Interval, Rectangle
from pinn.geometry.difference import Difference
from pinn.geometry.domain import REGIONS, Domain, is_data
from pinn.geometry.no_space import NoSpace
from pinn.geometry.point_cloud import PointCloud

__all__ = [
    "REGIONS",
    "Ball",
    "Box",
    "Difference",
    "Disk",
    "Domain",
    "Interval",
    "NoSpace",
    "PointCloud",
    "Rectangle",
    "is_data",
]
