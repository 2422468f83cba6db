"""A plate with a hole under tension, a quarter of it (gsElasticity#41); N, m."""

import tensorflow as tf

from pinn import Difference, Disk, Problem, Rectangle, positive, residual


class Kirsch(Problem):
    """Plane stress in [0, 4]² less a unit disk, tension T = 10 along x, exact tractions outside."""

    fields = ("u", "v")
    space = Difference(
        Rectangle(x=(0.0, 4.0), y=(0.0, 4.0)), hole=Disk(x=0.0, y=0.0, radius=1.0)
    ).named(mirrors=["x-", "y-"], loaded=["x+", "y+", "hole"])
    E: float = positive(1e5)
    nu: float = positive(0.3)

    def excess(self, x, y, u_x, u_y, v_x, v_y):
        """Return the stresses less Kirsch's, which leave the hole free."""
        r2 = x**2 + y**2
        theta = tf.atan2(y, x)
        far = 1.5 / r2**2 - 1 / r2
        plane = self.E / (1 - self.nu**2)
        xx = 10 * (1 - 1.5 / r2 * tf.cos(2 * theta) + far * tf.cos(4 * theta))
        yy = -10 * (0.5 / r2 * tf.cos(2 * theta) + far * tf.cos(4 * theta))
        xy = -10 * (0.5 / r2 * tf.sin(2 * theta) - far * tf.sin(4 * theta))
        shear = plane * (1 - self.nu) / 2 * (u_y + v_x)
        return plane * (u_x + self.nu * v_y) - xx, plane * (v_y + self.nu * u_x) - yy, shear - xy

    @residual(on="interior")
    def balance_x(self, u_xx, u_yy, v_xy):
        return self.E * (u_xx + (1 - self.nu) / 2 * u_yy + (1 + self.nu) / 2 * v_xy)

    @residual(on="interior")
    def balance_y(self, v_xx, v_yy, u_xy):
        return self.E * (v_yy + (1 - self.nu) / 2 * v_xx + (1 + self.nu) / 2 * u_xy)

    @residual(on="mirrors")
    def roller(self, x, u, v):
        return tf.where(x == 0, u, v)

    @residual(on="mirrors")
    def no_shear(self, u_y, v_x):
        return self.E * (u_y + v_x)

    @residual(on="loaded")
    def traction_x(self, x, y, u_x, u_y, v_x, v_y):
        xx, _, xy = self.excess(x, y, u_x, u_y, v_x, v_y)
        return tf.where(x == 4, xx, tf.where(y == 4, xy, x * xx + y * xy))

    @residual(on="loaded")
    def traction_y(self, x, y, u_x, u_y, v_x, v_y):
        _, yy, xy = self.excess(x, y, u_x, u_y, v_x, v_y)
        return tf.where(y == 4, yy, tf.where(x == 4, xy, x * xy + y * yy))


RUNS = {f"E = {E:g}": {"problem": Kirsch(E=E)} for E in (1e5, 78.2e9)}
