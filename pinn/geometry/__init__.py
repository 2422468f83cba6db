"""Domains in space: elementary shapes, what they make together, and point clouds."""

from pinn.geometry.ball import Ball, Disk, Shell
from pinn.geometry.box import Box, Interval, Rectangle
from pinn.geometry.combination import Difference, Intersection, Union
from pinn.geometry.domain import REGIONS, Domain, is_data
from pinn.geometry.ellipse import Ellipse
from pinn.geometry.no_space import NoSpace
from pinn.geometry.point_cloud import PointCloud
from pinn.geometry.polygon import Airfoil, Polygon, Spline
from pinn.geometry.swept import Cylinder, Extrusion, Revolution

__all__ = [
    "REGIONS",
    "Airfoil",
    "Ball",
    "Box",
    "Cylinder",
    "Difference",
    "Disk",
    "Domain",
    "Ellipse",
    "Extrusion",
    "Intersection",
    "Interval",
    "NoSpace",
    "PointCloud",
    "Polygon",
    "Rectangle",
    "Revolution",
    "Shell",
    "Spline",
    "Union",
    "is_data",
]
