"""A plane wave meets a sound-hard disk (ScattPINNs#12); dimensionless."""

from math import pi
from pathlib import Path

import tensorflow as tf

from pinn import DataFile, Difference, Disk, Problem, Rectangle, residual

R = pi / 4


class Scatter(Problem):
    """Δu + 4u = 0 for the scattered wave re + i im of e^{2ix}; its values outside are measured."""

    fields = ("re", "im")
    space = Difference(Rectangle(x=(-pi, pi), y=(-pi, pi)), disk=Disk(x=0.0, y=0.0, radius=R))

    @residual(on="interior")
    def helmholtz_re(self, re, re_xx, re_yy):
        return re_xx + re_yy + 4 * re

    @residual(on="interior")
    def helmholtz_im(self, im, im_xx, im_yy):
        return im_xx + im_yy + 4 * im

    @residual(on="disk")
    def hard_re(self, x, re_n):
        return re_n + 2 * tf.sin(2 * x) * x / R  # the normal is −(x, y)/R

    @residual(on="disk")
    def hard_im(self, x, im_n):
        return im_n - 2 * tf.cos(2 * x) * x / R


class Absorbing(Scatter):
    """The same with the absorbing condition u_n = 2iu outside."""

    @residual(on="outer")
    def absorb_re(self, im, re_n):
        return re_n + 2 * im

    @residual(on="outer")
    def absorb_im(self, re, im_n):
        return im_n - 2 * re


OUTER = DataFile(path=str(Path(__file__).parent / "data" / "scatter.csv"))
RUNS = {
    "outer values": {"problem": Scatter(), "data": OUTER},
    "absorbing": {"problem": Absorbing()},
}
