"""Domains in space."""

from pinn.geometry.box import Box, Interval, Rectangle
from pinn.geometry.point import Point

__all__ = ["Box", "Interval", "Point", "Rectangle"]
