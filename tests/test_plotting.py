"""Pictures: axes, colors, labels, and what is left out."""

from __future__ import annotations

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import LogNorm

from pinn.plotting import (
    MeasuredColumn,
    convergence_figure,
    data_figure,
    evolution_figure,
    field_figure,
    misfit_figure,
    points_figure,
    save_figures,
    seeds_figure,
    slices_figure,
    unknowns_figure,
)
from pinn.plotting.style import symbol
from pinn.record import History

X, T = np.linspace(-1, 1, 21), np.linspace(0, 1, 11)
U = np.sin(np.pi * X)[:, None] * np.exp(-T)[None, :]


def history(**more: list) -> History:
    table = {
        "phase": ["explore"] * 3 + ["polish"] * 3,
        "iteration": [10, 20, 30, 40, 50, 60],
        "evaluations": [10, 20, 30, 55, 80, 105],
        "seconds": [0.1, 0.2, 0.3, 0.6, 0.9, 1.2],
        "loss": [1.0, 0.1, 0.01, 1e-4, 1e-6, 0.0],  # a logarithmic axis leaves the zero out
        "loss_momentum": [0.5, 0.05, 0.005, 5e-5, 5e-7, 5e-9],
        "loss_walls": [0.5, 0.05, 0.005, 5e-5, 5e-7, 5e-9],
        "heldout_loss": [1.1, np.nan, 0.02, np.nan, 2e-6, np.nan],
        "error_u": [1.0, 0.5, 0.1, 1e-2, 1e-3, 1e-4],
        "step": [1e-3] * 6,
    }
    return History.of_columns(table | more)


NU = [0.02, 0.015, 0.012, 0.011, 0.0101, 0.01]


def titles(figure) -> list[str]:
    return [a.get_title() for a in figure.axes if a.get_title()]


def images(figure) -> list:
    return [a.collections[0] for a in figure.axes if a.collections]


def test_a_field_has_time_on_the_horizontal_axis_and_shares_its_colors():
    figure = field_figure(("x", "t"), (X, T), {"u": (U + 1e-3, U)})
    prediction, reference, error = images(figure)
    assert prediction.get_clim() == reference.get_clim()
    assert prediction.cmap.name == "RdBu_r" and sum(prediction.get_clim()) == 0
    assert error.cmap.name == "magma" and error.get_clim() == pytest.approx((0, 1e-3))
    first = figure.axes[0]
    assert (first.get_xlabel(), first.get_ylabel()) == ("$t$", "$x$")
    assert first.get_xlim() == (0, 1) and first.get_ylim() == (-1, 1)
    assert first.collections[0].get_array().shape == U.shape  # rows run upward: x
    expected = 1e-3 * np.sqrt(U.size) / np.linalg.norm(U)
    assert f"{expected:.2e}"[:4] in titles(figure)[2]


def test_a_field_in_the_plane_has_x_on_the_horizontal_axis():
    figure = field_figure(("x", "y"), (X, T), {"u": (2 + U, None), "v": (U, U)})
    assert figure.axes[3].get_xlabel() == "$x$" and figure.axes[0].get_ylabel() == "$y$"
    first = images(figure)[0]
    assert first.get_array().shape == U.T.shape and first.cmap.name == "viridis"
    assert titles(figure)[0] == "$u$, prediction" and len(titles(figure)) == 4


def test_a_concentrated_error_has_a_logarithmic_scale():
    spike = U + 1e-6 + np.exp(-((X / 0.05) ** 2))[:, None]
    error = images(field_figure(("x", "t"), (X, T), {"u": (spike, U)}))[2]
    assert isinstance(error.norm, LogNorm)


@pytest.mark.parametrize("prediction", [U, np.where(U > 0.5, np.nan, U), np.full_like(U, np.nan)])
def test_a_field_without_error_or_without_values_is_drawn(prediction, tmp_path):
    field_figure(("x", "t"), (X, T), {"u": (prediction, U)}, note="$z = 0$").savefig(
        tmp_path / "a.png"
    )


def test_an_evolution_has_one_column_per_time_and_the_same_colors_in_all():
    frames = np.stack([U, U / 2, U / 4])
    figure = evolution_figure(
        ("x", "y"), (X, T), (0, 1, 2), {"u": (frames + 1e-3, frames), "v": (frames, None)}
    )
    assert (
        titles(figure)[:3] == ["$u$, $t = 0$", "$u$, $t = 1$", "$u$, $t = 2$"]
        and len(titles(figure)) == 12
    )
    assert titles(figure)[3] == "$u$, reference, $t = 0$" and "rel." in titles(figure)[6]
    shown = images(figure)
    assert (
        len({image.get_clim() for image in shown[:6]})
        == len({image.get_clim() for image in shown[6:9]})
        == 1
    )
    assert shown[6].cmap.name == "magma"
    np.testing.assert_array_equal(shown[4].get_array(), frames[1].T)


@pytest.mark.parametrize(
    ("names", "hole"), [(("x", "y"), 0.3), (("x", "y"), -1.0), (("x", "t"), 0.3)]
)
def test_a_boundary_is_drawn_where_it_is_not_the_frame(names, hole):
    distance = np.minimum(
        np.hypot(X[:, None], T - 0.5) - hole,
        np.minimum(1 - np.abs(X)[:, None], np.minimum(T, 1 - T)),
    )
    values = np.where(distance < 0, np.nan, U)
    figure = field_figure(names, (X, T), {"u": (values, values)}, distance=distance)
    lines = [a.collections[1] for a in figure.axes[:3] if len(a.collections) > 1]
    assert len(lines) == (3 if hole > 0 else 0)
    for line in lines:
        (path,) = line.get_paths()
        across, up = path.vertices.T if names[1] == "y" else path.vertices.T[::-1]
        assert np.hypot(across, up - 0.5) == pytest.approx(hole, abs=0.02)
    drawn = figure.axes[0].collections[0].get_array()
    assert np.ma.count_masked(np.ma.masked_invalid(drawn)) == np.sum(distance < 0)


def test_slices_draw_the_prediction_over_the_reference():
    figure = slices_figure(("x", "t"), (X, T), {"u": (U + 1, U), "v": (U, None)})
    assert [len(a.lines) for a in figure.axes] == [2] * 4 + [1] * 4
    assert titles(figure)[-1] == "$t = 1$"
    reference, prediction = figure.axes[3].lines
    np.testing.assert_array_equal(reference.get_ydata(), U[:, -1])
    np.testing.assert_array_equal(prediction.get_ydata(), U[:, -1] + 1)
    assert reference.get_linestyle() == "-" and prediction.get_linestyle() == "--"
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["reference", "prediction"]


def test_slices_over_one_coordinate_are_one_curve():
    figure = slices_figure(("x",), (X,), {"u": (U[:, 0], U[:, 0])})
    assert len(figure.axes) == 1 and figure.axes[0].get_xlabel() == "$x$"


def test_convergence_has_losses_and_errors_over_time_and_evaluations():
    figure = convergence_figure(history())
    losses, _, errors, last = figure.axes
    assert {a.get_yscale() for a in figure.axes} == {"log"}
    by_label = {line.get_label(): line for line in losses.lines}
    assert set(by_label) == {"training", "held out", "momentum", "walls"}
    assert by_label["momentum"].get_linewidth() < by_label["training"].get_linewidth()
    assert len(by_label["training"].get_xdata()) == 5 and len(by_label["held out"].get_xdata()) == 3
    assert [line.get_label() for line in errors.lines] == ["$u$"]
    assert "time" in errors.get_xlabel() and "evaluations" in last.get_xlabel()
    assert [t.get_text() for t in losses.texts] == ["explore", "polish"]


def test_seeds_are_drawn_with_the_published_errors():
    curves = {0: ([1.0, 2.0], [0.1, -0.01]), 3: ([1.0, 3.0], [0.2, 0.02])}
    figure = seeds_figure(dict.fromkeys("uvwpq", curves), {"u": {"baseline": 1e-3, "record": 1e-5}})
    first, second, *_ = figure.axes
    lines = {line.get_label(): line for line in first.lines}
    assert list(lines) == ["seed 0", "seed 3", "baseline", "record"] and len(second.lines) == 2
    assert list(lines["seed 0"].get_ydata()) == [0.1, 0.01] and list(
        lines["record"].get_ydata()
    ) == [1e-5, 1e-5]
    assert lines["baseline"].get_linestyle() == lines["record"].get_linestyle() == "--"
    assert [a.get_title() for a in figure.axes if a.axison] == [f"${n}$" for n in "uvwpq"]
    assert first.get_xlim()[0] == 0 and first.get_yscale() == "log"


def test_convergence_without_reference_has_one_row():
    without_errors = history(error_u=[np.nan] * 6)
    assert len(convergence_figure(without_errors).axes) == 2
    table = {column: values for column, values in history().items() if column != "error_u"}
    assert len(convergence_figure(History.of_columns(table)).axes) == 2


def test_points_are_labeled_by_region():
    points = {"interior": np.zeros((5, 3)), "data": np.ones((2, 3)), "x-": np.ones((1, 3))}
    axes = points_figure(points, ("x", "t")).axes[0]
    labels = [t.get_text() for t in axes.get_legend().get_texts()]
    assert labels == ["interior (5)", "data (2)", "x- (1)"]
    assert axes.get_xlabel() == "$t$"
    assert len(points_figure({"interior": np.zeros((5, 1))}, ("x",)).axes[0].collections) == 1


def test_unknowns_are_drawn_with_the_truth():
    axes = unknowns_figure(history(unknown_nu=NU), {"nu": 0.01}).axes[0]
    estimate, truth = axes.lines
    assert list(estimate.get_ydata())[-1] == 0.01 and set(truth.get_ydata()) == {0.01}
    assert truth.get_linestyle() == "--" and axes.get_ylabel() == r"$\nu$"
    assert len(unknowns_figure(history(unknown_nu=NU), {}).axes[0].lines) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("u", "u"),
        ("nu", r"\nu"),
        ("lambda1", r"\lambda_{1}"),
        ("lambda_2", r"\lambda_{2}"),
        ("u_re", r"u_{\mathrm{re}}"),
        ("Re", r"\mathrm{Re}"),
        ("a_b_c", r"a_{\mathrm{b\_c}}"),
        ("abs_h", "|h|"),
        ("abs_psi1", r"|\psi_{1}|"),
    ],
)
def test_symbol(name, expected):
    assert symbol(name) == expected


def measured_column(*coordinates: str, **settings) -> MeasuredColumn:
    rng = np.random.default_rng(0)
    points = rng.random((30, len(coordinates)))
    column = MeasuredColumn("", "u", coordinates, points, points.sum(axis=1))
    return column._replace(**settings)


def test_measurements_are_drawn_over_one_coordinate_or_in_the_plane_of_two():
    moving = np.array([[0.5, 0.0], [0.5, 1.0], [0.5, 0.3]])
    line = MeasuredColumn(
        "gauge", "u_n", ("x", "t"), moving, np.arange(3.0), np.full(3, 0.1), units={"u_n": "K/m"}
    )
    plane = measured_column("x", "t", name="u_xx")
    space = measured_column("x", "y", "z", "t", name="lap_u")
    axes = data_figure([line, plane, space, measured_column("t")]).axes
    first, second, third, fourth = axes[:4]
    assert first.get_title() == r"gauge: $\partial u/\partial n$ at $x = 0.5$, 3 values"
    assert first.get_xlabel() == "$t$" and first.get_ylabel().endswith("(K/m)")
    assert len(first.containers) == 1  # bars of one standard deviation
    assert second.get_xlabel() == "$t$" and second.get_title() == "$u_{xx}$, 30 values"
    np.testing.assert_array_equal(second.collections[0].get_array(), plane.values)
    assert (third.get_xlabel(), third.get_ylabel()) == ("$x$", "$y$")
    assert r"\Delta u" in third.get_title() and fourth.get_xlabel() == "$t$"
    assert not axes[4].axison and not axes[5].axison


def test_misfits_are_drawn_as_residuals_over_the_standard_deviation():
    column = measured_column("x", "t")
    column = column._replace(predictions=column.values - 0.2, sigmas=np.full(30, 0.1))
    line = measured_column("x", predictions=np.zeros(30))
    axes = misfit_figure([column, line]).axes
    np.testing.assert_allclose(axes[1].collections[0].get_array(), 2.0)
    assert axes[1].get_title() == r"(measured $-$ predicted) / $\sigma$"
    predicted = {entry.get_label(): entry for entry in axes[2].lines}["predicted"]
    assert np.all(np.diff(predicted.get_xdata()) >= 0) and not np.any(predicted.get_ydata())
    assert axes[3].get_title() == r"measured $-$ predicted"


def problem(*coordinates: str) -> dict:
    def fields(at):
        assert set(at) == set(coordinates) and len({v.shape for v in at.values()}) == 1
        return {"u": sum(at.values())}

    d = len(coordinates)
    return {
        "coordinates": coordinates,
        "bounds": (np.zeros(d), np.ones(d)),
        "fields": ("u",),
        "evaluate": fields,
        "reference": fields,
        "history": history(unknown_nu=NU, weight_momentum=[1.0, 2.0, 3.0, 3.0, 3.0, 3.0]),
        "points": {"interior": np.full((4, d), 0.5)},
        "weights": {"momentum": (np.full((4, d), 0.5), np.arange(4.0))},
        "truths": {"nu": 0.01},
        "distance": lambda at: 0.4 - np.abs(at["x"] - 0.5),
        "measured": [measured_column(*coordinates, predictions=np.ones(30))],
    }


@pytest.mark.quick("coordinates1")
@pytest.mark.parametrize("coordinates", [("x",), ("x", "t"), ("x", "y", "t")])
def test_save_figures_writes_every_picture(coordinates, tmp_path):
    before = dict(matplotlib.rcParams)
    paths = save_figures(tmp_path / "figures", **problem(*coordinates))
    names = {"solution", "slices", "convergence", "points", "unknowns", "weights", "data", "misfit"}
    names -= {"slices"} if len(coordinates) == 1 else set()
    names |= {"evolution"} if len(coordinates) == 3 else set()
    assert {p.stem for p in paths} == names
    assert set((tmp_path / "figures").iterdir()) == set(paths)  # nothing unfinished is left
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in paths)
    assert dict(matplotlib.rcParams) == before


def test_pictures_without_content_are_left_out(tmp_path):
    given = problem("x", "t") | {
        "reference": lambda at: None,
        "history": History([]),
        "points": {},
        "truths": {},
        "measured": [],
    }
    assert [p.name for p in save_figures(tmp_path, **given)] == ["solution.png", "slices.png"]


def test_plotting_needs_neither_tensorflow_nor_pyplot():
    heavy = ("tensorflow", "keras", "matplotlib.pyplot")
    code = f"import pinn.plotting, sys; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
        == "[]"
    )
