"""The driven cavity's reference: the corners, the equations, published tables, and a published file where it is."""

import os
from pathlib import Path

import numpy as np
import pytest

from pinn.errors import InputError
from pinn.references import cavity, cavity_error
from pinn.references.corner import corners

H = 1e-3


def difference(function, x, y, axis):
    """Return the first derivative, of fourth order in the step."""
    step = np.array([H, 0.0]) if axis == "x" else np.array([0.0, H])
    at = [np.asarray(function(x + s * step[0], y + s * step[1])) for s in (-2, -1, 1, 2)]
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * H)


@pytest.mark.parametrize("lid", ["uniform", "parabolic"])
@pytest.mark.parametrize("side", [0, 1])
def test_a_corner_is_stokes_flow_between_lid_and_wall(lid, side):
    corner = corners(lid)[side]
    along = np.linspace(0.01, 0.99, 20)
    lid_speed = np.ones(20) if lid == "uniform" else 4 * (1 - along if side else along)
    on_lid, on_wall = (
        corner.derivatives(along, 1 + 0 * along),
        corner.derivatives(side + 0 * along, along),
    )
    assert on_lid.y == pytest.approx(lid_speed, abs=1e-13)
    assert np.abs([on_lid.x, on_wall.x, on_wall.y]).max() < 1e-13

    x, y = np.random.default_rng(0).uniform(0.2, 0.8, (2, 10))
    found = corner.derivatives(x, y)
    for name, of, axis in (
        ("x", "value", "x"),
        ("y", "value", "y"),
        ("xx", "x", "x"),
        ("xy", "x", "y"),
        ("yy", "y", "y"),
    ):
        expected = difference(lambda *p, of=of: getattr(corner.derivatives(*p), of), x, y, axis)
        assert getattr(found, name) == pytest.approx(expected, abs=1e-8)

    def bent(*p):
        return corner.derivatives(*p).xx + corner.derivatives(*p).yy

    assert difference(corner.pressure, x, y, "x") == pytest.approx(
        difference(bent, x, y, "y"), abs=1e-6
    )
    assert difference(corner.pressure, x, y, "y") == pytest.approx(
        -difference(bent, x, y, "x"), abs=1e-6
    )


def test_the_parabolic_lid_s_flow_solves_its_equations():
    Re = 100.0
    x, y = np.random.default_rng(1).uniform(0.05, 0.95, (2, 30))

    def fields(*p):
        return np.stack(cavity(*p, Re, "parabolic"))

    u, v, _ = fields(x, y)
    (u_x, v_x, p_x), (u_y, v_y, p_y) = (difference(fields, x, y, axis) for axis in "xy")
    curved = difference(lambda *p: difference(fields, *p, "x"), x, y, "x")
    curved = curved + difference(lambda *p: difference(fields, *p, "y"), x, y, "y")
    assert u_x + v_y == pytest.approx(0, abs=1e-7)
    assert u * u_x + v * u_y + p_x - curved[0] / Re == pytest.approx(0, abs=2e-4)
    assert u * v_x + v * v_y + p_y - curved[1] / Re == pytest.approx(0, abs=2e-4)
    wall = np.linspace(0, 1, 11)
    assert cavity(wall, 1.0, Re, "parabolic")[0] == pytest.approx(4 * wall * (1 - wall), abs=1e-10)
    assert (
        np.abs(cavity(np.array([0.0, 1.0])[:, None], wall[:-1], Re, "parabolic")[:2]).max() < 1e-10
    )


def test_the_reference_states_its_own_error():
    u, v, p = cavity_error(100.0, "parabolic")
    assert 1e-9 < u < 2e-6 and 1e-9 < v < 2e-6 and 1e-9 < p < 1e-4


def test_the_published_file_is_a_coarser_solution():
    """PINNacle's file for Re = 100 is 1.9e-4 (u), 2.0e-4 (v) and 1.5e-3 (p) from ours, far more than our error."""
    path = Path(os.environ.get("PINN_REFERENCE_DATA", "")) / "lid_driven_a4.dat"
    if "PINN_REFERENCE_DATA" not in os.environ or not path.exists():
        pytest.skip(f"{path.name} is not there; PINN_REFERENCE_DATA names its folder")
    file = np.loadtxt(path, comments="%")
    # The pressure is infinite in the upper corners; the file has what its mesh makes of that.
    file = file[(file[:, 1] < 1) | (np.abs(file[:, 0] - 0.5) < 0.5)]
    found = np.stack(cavity(file[:, 0], file[:, 1], 100.0, "parabolic"))
    found[2] += np.mean(file[:, 4] - found[2])
    given = file[:, 2:].T
    distance = np.linalg.norm(found - given, axis=1) / np.linalg.norm(given, axis=1)
    assert distance == pytest.approx([1.94e-4, 2.00e-4, 1.54e-3], rel=0.01)


@pytest.mark.slow
def test_the_uniform_lid_agrees_with_botella_and_peyret():
    """Extremes on the center lines at Re = 1000; Botella & Peyret (1998), doi:10.1016/S0045-7930(98)00002-4."""
    line = np.linspace(0, 1, 20_001)
    u, v = cavity(0.5, line, 1000.0, "uniform")[0], cavity(line, 0.5, 1000.0, "uniform")[1]
    assert (u.min(), v.max(), v.min()) == pytest.approx(
        (-0.3885698, 0.3769447, -0.5270771), abs=1e-5
    )
    assert line[[u.argmin(), v.argmax(), v.argmin()]] == pytest.approx(
        [0.1717, 0.1578, 0.9092], abs=1e-4
    )


@pytest.mark.slow
def test_the_uniform_lid_at_3200_beside_the_table_of_ghia():
    """u on the vertical center line: beside the floor the table is off by 0.01 to 0.04, more than our own error."""
    y = np.array(
        [
            0.9766,
            0.9688,
            0.9609,
            0.9531,
            0.8516,
            0.7344,
            0.6172,
            0.5,
            0.4531,
            0.2813,
            0.1719,
            0.1016,
            0.0547,
        ]
    )
    table = [0.53236, 0.48296, 0.46547, 0.46101, 0.34682, 0.19791, 0.07156, -0.04272, -0.08664, -0.24427, -0.34323,
             -0.41933, -0.32407]  # fmt: skip
    found = cavity(0.5, y, 3200.0, "uniform")[0]
    assert found[:-2] == pytest.approx(table[:-2], abs=6e-3)
    beside_floor = np.abs(found[-2:] - table[-2:])
    assert beside_floor.min() > 1e-2 and beside_floor.max() < 4e-2
    u, v, _ = cavity_error(3200.0, "uniform")
    assert 1e-4 < max(u, v) < 5e-3


@pytest.mark.parametrize(
    ("Re", "lid", "words"), [(100.0, "square", "parabolic"), (0.0, "uniform", "positive")]
)
def test_bad_input_is_told(Re, lid, words):
    with pytest.raises(InputError, match=words):
        cavity(0.5, 0.5, Re, lid)
