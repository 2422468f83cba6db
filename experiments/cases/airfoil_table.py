"""Measured velocities above an airfoil, from a table as it left the lab (deepxde#1556); m, m/s."""

from pathlib import Path

from pinn import DataFile, Problem, Rectangle, residual


class Airfoil(Problem):
    """u_x + v_y = 0 and v_x − u_y = 0 above an airfoil in a stream of 27.13 m/s."""

    fields = ("u", "v")
    space = Rectangle(x=(-0.2, 0.2), y=(0.05, 0.25))

    @residual(on="interior")
    def mass(self, u_x, v_y):
        return u_x + v_y

    @residual(on="interior")
    def rotation(self, u_y, v_x):
        return v_x - u_y

    def reference(self, x, y):
        """Return the flow past a doublet, from which the table was computed."""
        r4 = (x**2 + y**2) ** 2
        u = 27.13 * (1 - 0.04**2 * (x**2 - y**2) / r4)
        return {"u": u, "v": -27.13 * 0.04**2 * 2 * x * y / r4}


TABLE = DataFile(path=str(Path(__file__).parent / "data" / "airfoil_table.csv"))
RUNS = {"table": {"problem": Airfoil(), "data": TABLE}}
