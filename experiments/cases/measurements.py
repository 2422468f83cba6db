"""Write the measurements of the cases, from their formulas with a fixed seed, into `data/`.

python experiments/cases/measurements.py
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import solvers
from cases import HERE

DATA = HERE / "data"


def paper_ageing(noise: float) -> str:
    """Return the degree of polymerization every 40 days, with noise relative to each value."""
    days = np.arange(0.0, 2001.0, 40.0)
    values = 1 / (1 / 1000 + 2e-6 * days)
    return _table({"time": days, "DP": _noisy(values, noise)}, separator=";")


def sir() -> str:
    """Return the daily counts of ill persons with 5 % noise."""
    days = np.arange(1.0, 151.0)
    return _table({"day": days, "ill": _noisy(solvers.sir(days)[1], 0.05)})


def scatter() -> str:
    """Return the scattered wave at 400 points of the box."""
    along = np.linspace(-np.pi, np.pi, 100, endpoint=False) + np.pi / 100
    side = np.full(100, np.pi)
    x = np.concatenate([along, along, side, -side])
    y = np.concatenate([side, -side, along, along])
    wave = solvers.scattered(x, y)
    return _table({"x": x, "y": y, "re": np.real(wave), "im": np.imag(wave)})


def wave_coefficients() -> str:
    """Return 200 samples of cos 3t² sin πx², which solves no such equation.

    u_tt holds sin 3t², which none of u_xx, u_x and u does, and these three are independent.
    """
    x, t = np.random.default_rng(0).random((2, 200))
    return _table({"x": x, "t": t, "u": np.cos(3 * t**2) * np.sin(np.pi * x**2)})


def strain_data() -> str:
    """Return the curvature cos 3x at 100 points."""
    x = np.linspace(0, 1, 100)
    return _table({"x": x, "strain": np.cos(3 * x)})


def airfoil_table() -> str:
    """Return velocities on a grid, with tabs, a row of units, and a gap in every tenth row."""
    grid = np.meshgrid(np.linspace(-0.2, 0.2, 21), np.linspace(0.05, 0.25, 11), indexing="ij")
    x, y = (axis.ravel() for axis in grid)
    r4 = (x**2 + y**2) ** 2
    u = 27.13 * (1 - 0.04**2 * (x**2 - y**2) / r4)
    v = -27.13 * 0.04**2 * 2 * x * y / r4
    head, *rows = _table({"x": x, "y": y, "u": u, "v": v}, separator="\t").splitlines()
    for i in range(0, len(rows), 10):
        cells = rows[i].split("\t")
        rows[i] = "\t".join([*cells[:2], "", cells[3]])
    return "\n".join([head, "[m]\t[m]\t[m/s]\t[m/s]", *rows, ""])


def tables() -> dict[str, str]:
    """Return the text of every file by its name."""
    return {
        "paper_ageing.csv": paper_ageing(0.0),
        "paper_ageing_noisy.csv": paper_ageing(0.02),
        "sir.csv": sir(),
        "scatter.csv": scatter(),
        "wave_coefficients.csv": wave_coefficients(),
        "strain_data.csv": strain_data(),
        "airfoil_table.csv": airfoil_table(),
    }


def _noisy(values: np.ndarray, noise: float) -> np.ndarray:
    """Return values [n] with Gaussian noise relative to each of them."""
    return values * (1 + noise * np.random.default_rng(0).standard_normal(len(values)))


def _table(columns: Mapping[str, np.ndarray], separator: str = ",") -> str:
    """Return columns [n] by name as text, with a header."""
    lines = [separator.join(columns)]
    for row in zip(*columns.values(), strict=True):
        lines.append(separator.join(f"{value:.8g}" for value in row))
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for name, text in tables().items():
        (DATA / name).write_text(text)
