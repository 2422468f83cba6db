"""Domains in space."""

from pinn.geometry.box import Box, Interval, Rectangle

__all__ = ["Box", "Interval", "Rectangle"]
