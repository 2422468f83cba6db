"""The driven cavity's reference: its corners, its equations and published results."""

import os
from pathlib import Path

import numpy as np
import pytest

from pinn.errors import InputError
from pinn.references import cavity, cavity_error
from pinn.references.corner import corners

H = 1e-3


def difference(function, x, y, axis):
    """Return the first derivative by central differences of fourth order."""
    step_x = H if axis == "x" else 0.0
    step_y = H if axis == "y" else 0.0
    values = [np.asarray(function(x + s * step_x, y + s * step_y)) for s in (-2, -1, 1, 2)]
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * H)


@pytest.mark.parametrize("lid", ["uniform", "parabolic"])
@pytest.mark.parametrize("side", [0, 1])
def test_a_corner_has_the_speeds_of_lid_and_wall(lid, side):
    corner = corners(lid)[side]
    along = np.linspace(0.01, 0.99, 20)
    on_lid = corner.derivatives(along, np.ones(20))
    on_wall = corner.derivatives(np.full(20, float(side)), along)
    distance = 1 - along if side else along
    lid_speed = np.ones(20) if lid == "uniform" else 4 * distance
    assert on_lid.y == pytest.approx(lid_speed, abs=1e-13)
    assert np.abs([on_lid.x, on_wall.x, on_wall.y]).max() < 1e-13


@pytest.mark.parametrize("lid", ["uniform", "parabolic"])
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("name", "antiderivative", "axis"),
    [
        ("x", "value", "x"),
        ("y", "value", "y"),
        ("xx", "x", "x"),
        ("xy", "x", "y"),
        ("yy", "y", "y"),
    ],
)
def test_derivatives_in_a_corner_agree_with_differences(lid, side, name, antiderivative, axis):
    corner = corners(lid)[side]
    x, y = np.random.default_rng(0).uniform(0.2, 0.8, (2, 10))

    def function(x, y):
        return getattr(corner.derivatives(x, y), antiderivative)

    derivative = getattr(corner.derivatives(x, y), name)
    assert derivative == pytest.approx(difference(function, x, y, axis), abs=1e-8)


@pytest.mark.parametrize("lid", ["uniform", "parabolic"])
@pytest.mark.parametrize("side", [0, 1])
def test_the_flow_in_a_corner_is_stokes_flow(lid, side):
    """∇p = Δ(ψ_y, -ψ_x)."""
    corner = corners(lid)[side]
    x, y = np.random.default_rng(0).uniform(0.2, 0.8, (2, 10))

    def laplacian(x, y):
        derivatives = corner.derivatives(x, y)
        return derivatives.xx + derivatives.yy

    p_x = difference(corner.pressure, x, y, "x")
    p_y = difference(corner.pressure, x, y, "y")
    assert p_x == pytest.approx(difference(laplacian, x, y, "y"), abs=1e-6)
    assert p_y == pytest.approx(-difference(laplacian, x, y, "x"), abs=1e-6)


def test_the_flow_under_a_parabolic_lid_solves_its_equations():
    Re = 100.0
    x, y = np.random.default_rng(1).uniform(0.05, 0.95, (2, 30))

    def fields(x, y):
        return np.stack(cavity(x, y, Re, "parabolic"))

    def fields_x(x, y):
        return difference(fields, x, y, "x")

    def fields_y(x, y):
        return difference(fields, x, y, "y")

    u, v, _ = fields(x, y)
    u_x, v_x, p_x = fields_x(x, y)
    u_y, v_y, p_y = fields_y(x, y)
    lap_u, lap_v, _ = difference(fields_x, x, y, "x") + difference(fields_y, x, y, "y")
    assert u_x + v_y == pytest.approx(0, abs=1e-7)
    assert u * u_x + v * u_y + p_x - lap_u / Re == pytest.approx(0, abs=2e-4)
    assert u * v_x + v * v_y + p_y - lap_v / Re == pytest.approx(0, abs=2e-4)


def test_the_flow_under_a_parabolic_lid_has_the_speeds_of_its_walls():
    along = np.linspace(0, 1, 11)
    on_lid = cavity(along, 1.0, 100.0, "parabolic")
    assert on_lid[0] == pytest.approx(4 * along * (1 - along), abs=1e-10)
    on_sides = cavity(np.array([0.0, 1.0])[:, None], along[:-1], 100.0, "parabolic")
    assert np.abs(on_sides[:2]).max() < 1e-10


def test_the_reference_estimates_its_own_error():
    u, v, p = cavity_error(100.0, "parabolic")
    assert 1e-9 < u < 2e-6
    assert 1e-9 < v < 2e-6
    assert 1e-9 < p < 1e-4


def test_the_published_file_is_a_coarser_solution():
    """PINNacle's file for Re = 100 differs from ours by far more than our error."""
    path = Path(os.environ.get("PINN_REFERENCE_DATA", "")) / "lid_driven_a4.dat"
    if "PINN_REFERENCE_DATA" not in os.environ or not path.exists():
        pytest.skip(f"{path.name} is missing; set PINN_REFERENCE_DATA to its folder")
    file = np.loadtxt(path, comments="%")
    # The pressure is infinite in the upper corners, where the file depends on its mesh.
    file = file[(file[:, 1] < 1) | (np.abs(file[:, 0] - 0.5) < 0.5)]
    u, v, p = cavity(file[:, 0], file[:, 1], 100.0, "parabolic")
    ours = np.stack([u, v, p + np.mean(file[:, 4] - p)])
    given = file[:, 2:].T
    distance = np.linalg.norm(ours - given, axis=1) / np.linalg.norm(given, axis=1)
    assert distance == pytest.approx([1.94e-4, 2.00e-4, 1.54e-3], rel=0.01)


@pytest.mark.slow
def test_the_uniform_lid_agrees_with_botella_and_peyret():
    """Extremes on the center lines at Re = 1000.

    Botella & Peyret (1998), doi:10.1016/S0045-7930(98)00002-4.
    """
    line = np.linspace(0, 1, 20_001)
    u = cavity(0.5, line, 1000.0, "uniform")[0]
    v = cavity(line, 0.5, 1000.0, "uniform")[1]
    extremes = (u.min(), v.max(), v.min())
    assert extremes == pytest.approx((-0.3885698, 0.3769447, -0.5270771), abs=1e-5)
    places = line[[u.argmin(), v.argmax(), v.argmin()]]
    assert places == pytest.approx([0.1717, 0.1578, 0.9092], abs=1e-4)


# y and u on the vertical center line at Re = 3200; Ghia, Ghia & Shin (1982),
# doi:10.1016/0021-9991(82)90058-4.
GHIA = np.array(
    [
        (0.9766, 0.53236),
        (0.9688, 0.48296),
        (0.9609, 0.46547),
        (0.9531, 0.46101),
        (0.8516, 0.34682),
        (0.7344, 0.19791),
        (0.6172, 0.07156),
        (0.5, -0.04272),
        (0.4531, -0.08664),
        (0.2813, -0.24427),
        (0.1719, -0.34323),
        (0.1016, -0.41933),
        (0.0547, -0.32407),
    ]
)


@pytest.mark.slow
def test_the_uniform_lid_at_3200_agrees_with_ghia_except_near_the_floor():
    """Near the floor the table is off by 0.01 to 0.04, which is more than our error."""
    y, given = GHIA.T
    u = cavity(0.5, y, 3200.0, "uniform")[0]
    assert u[:-2] == pytest.approx(given[:-2], abs=6e-3)
    near_floor = np.abs(u[-2:] - given[-2:])
    assert near_floor.min() > 1e-2
    assert near_floor.max() < 4e-2
    error_u, error_v, _ = cavity_error(3200.0, "uniform")
    assert 1e-4 < max(error_u, error_v) < 5e-3


@pytest.mark.parametrize(
    ("Re", "lid", "words"), [(100.0, "square", "parabolic"), (0.0, "uniform", "positive")]
)
def test_bad_input_is_refused(Re, lid, words):
    with pytest.raises(InputError, match=words):
        cavity(0.5, 0.5, Re, lid)
