"""Modes of eigenvalue problems: their inner product, their starts, and runs that resume."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from pinn import Interval, Problem, SSBroyden, integral, load, residual, resume, solve
from pinn.errors import InputError
from pinn.objective import LeastSquares, Objective, cut_into_blocks, draw
from pinn.objective.batch import StageParameters
from pinn.objective.mode_start import candidates_of
from pinn.problem.modes import norm_of
from pinn.record import ModeMetrics
from pinn.run.modes import doubtful_modes
from pinn.run.stage_runs import StageRuns
from pinn.setup import Points
from pinn.setup.network import default_network
from pinn.setup.setup import Setup
from pinn.training import Phase, StopRule
from pinn.training.progress import Progress


class String(Problem):
    """−(p u′)′ = E w u with p = 1 and a weight w, fixed at both ends."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))
    E: float = 1.0

    @integral(over="interior")
    def norm(self, x, u):
        return (1 + x) * u**2

    @integral(over="interior")
    def cubed(self, u):
        return u**3

    @residual(on="interior")
    def vibration(self, x, u, u_xx):
        return -u_xx - self.E * (1 + x) * u

    @residual(on="interior")
    def normalized(self, norm):
        return norm - 1

    @residual(on="boundary")
    def ends(self, u):
        return u


GUESS = String(unknowns={"E": 1.0})
FEW = Points(counts={"interior": 24, "boundary": 2}, test=8)


def network(seed=0):
    return default_network(GUESS, seed=seed, width=8, depth=1)


def phases(iterations):
    stop = StopRule(max_iterations=iterations)
    return [Phase(name="polish", optimizer=SSBroyden(), stop=stop, report_every=2)]


def setup(problem=GUESS, **settings):
    return Setup(problem=problem, network=network(), modes=3, points=FEW, **settings)


def loss_of_modes(derivatives="auto"):
    """Return the loss of a second mode, its vector and batch, and values of an earlier one."""
    problem = setup().problem
    objective = Objective(problem, network(), derivatives=derivatives)
    points = {}
    for region in objective.regions:
        drawn = draw(problem, region, 8)
        points[region] = cut_into_blocks(drawn, threads=1, size=8, dtype="float64")
    nodes = objective.values.nodes_of("norm", problem.coordinates)[:, 0]
    earlier = np.stack([np.cos(3 * nodes), np.zeros_like(nodes)])
    stage = StageParameters(modes={"u": tf.constant(earlier)})
    return objective, objective.flat.flatten(), objective.batch(points, stage), nodes


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("derivatives", ["taylor", "nested"])
def test_the_inner_product_is_the_polarized_norm(derivatives):
    objective, theta, batch, nodes = loss_of_modes(derivatives)
    losses = dict(
        zip((t.name for t in objective.terms), objective.losses(theta, batch), strict=True)
    )
    places, weights = np.polynomial.legendre.leggauss(len(nodes))
    assert nodes == pytest.approx((places + 1) / 2)
    u = objective.network(nodes[:, None]).numpy()[:, 0]
    product = np.sum(weights / 2 * (1 + nodes) * u * np.cos(3 * nodes))
    assert float(losses["orthogonal_1"]) == pytest.approx(product**2, rel=1e-9)
    assert float(losses["orthogonal_2"]) == 0.0  # a mode that has not been found


@pytest.mark.usefixtures("eager")
def test_the_jacobian_of_a_mode_gives_its_gradient():
    objective, theta, batch, _ = loss_of_modes()
    by_jacobian = 0
    for residuals, columns in LeastSquares(objective).jacobian(theta, batch):
        by_jacobian = by_jacobian + 2 * (columns @ residuals[:, None])[:, 0].numpy()
    _, gradient = objective.value_and_gradient(theta, batch)
    assert by_jacobian == pytest.approx(gradient.numpy(), abs=1e-10)


def test_the_norm_is_the_quadratic_integral():
    assert norm_of(GUESS).name == "norm"  # and not the one that is cubed
    assert GUESS.terms == String().terms  # one mode has no further terms
    names = [term.name for term in setup().problem.terms]
    assert names[-2:] == ["orthogonal_1", "orthogonal_2"]


class Well(String):
    """The same without a weight: E = n²π²."""

    @integral(over="interior")
    def norm(self, u):
        return u**2

    @residual(on="interior")
    def vibration(self, u, u_xx):
        return -u_xx - self.E * u


def runs_of(problem):
    wide = default_network(problem, seed=0, width=16, depth=1)
    found = Setup(problem=problem, network=wide, modes=3, points=FEW, phases=phases(2))
    return StageRuns(found.with_scales(None), {})


def test_trial_functions_give_eigenvalues():
    # −u″ = E u, u(0) = u(1) = 0 in Legendre polynomials to order 13, about E = 1 in units of 4.
    x = np.linspace(0, 1, 60)
    basis = [np.polynomial.Legendre.basis(order, domain=[0, 1]) for order in range(14)]
    functions = np.stack([one(x) for one in basis], axis=1)
    second = np.stack([one.deriv(2)(x) for one in basis], axis=1)
    ends = 1e3 * np.stack([one(np.array([0.0, 1.0])) for one in basis], axis=1)
    p = np.concatenate([-second - functions, ends])
    q = np.concatenate([-4 * functions, 0 * ends])
    energies = np.array([1 + 4 * c.shift for c in candidates_of(p, q) if c.residual < 0.1])
    for n in (1, 2, 3):
        assert np.min(np.abs(energies - (n * np.pi) ** 2)) < 0.01


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_modes_start_in_the_order_of_their_eigenvalues():
    runs = runs_of(Well(unknowns={"E": 1.0}))
    progress = Progress()
    for number in range(3):
        start = runs.start(progress)
        objective = runs.programs(number).objective
        energy = float(objective.coefficients(start)["E"])
        assert energy == pytest.approx(((number + 1) * np.pi) ** 2, rel=0.2)
        progress.next_stage(start.numpy())


@pytest.mark.slow
def test_a_run_of_modes_resumes_in_the_second_and_loads(tmp_path):
    def run(folder, callbacks=()):
        wide = default_network(Well(), seed=0, width=16, depth=1)
        settings = {"points": FEW, "phases": phases(6), "show": False, "modes": 2}
        problem = Well(unknowns={"E": 1.0})
        return solve(problem, network=wide, folder=folder, callbacks=callbacks, **settings)

    def interrupt(report):
        if report.progress.stage == 1 and report.progress.records[-1].iterations >= 2:
            raise KeyboardInterrupt

    whole = run(tmp_path / "whole")
    with contextlib.suppress(KeyboardInterrupt):
        run(tmp_path / "part", [interrupt])
    resumed = resume(tmp_path / "part", show=False)
    loaded = load(tmp_path / "whole")
    energies = [mode.unknowns["E"] for mode in whole.modes]
    assert [m["unknowns"]["E"] for m in whole.metrics["modes"]] == energies
    x = np.linspace(0, 1, 5)
    for i in range(2):
        for other in (resumed, loaded):
            assert other.modes[i].unknowns == whole.modes[i].unknowns
            assert np.array_equal(other.modes[i](x)["u"], whole.modes[i](x)["u"])
    assert whole.unknowns == whole.modes[-1].unknowns
    assert (tmp_path / "whole" / "figures" / "mode_1" / "solution.png").is_file()


def test_doubtful_modes_are_pointed_out():
    def doubts(*pairs):
        modes = [ModeMetrics(unknowns={"E": e}, heldout_loss=loss) for e, loss in pairs]
        return doubtful_modes(setup(), modes)

    assert doubts((5.0, 1e-9), (20.0, 1e-9)) == []
    assert "mode 2: was not found, its loss is 1.0e-01" in doubts((5.0, 1e-9), (20.0, 0.1))[0]
    assert "mode 2: E is nearer to its start" in doubts((20.0, 1e-9), (5.0, 1e-9))[0]


class Unnormalized(Well):
    """No residual takes the norm."""

    normalized = None  # type: ignore


class Without(Well):
    """No integral is quadratic."""

    @integral(over="interior")
    def norm(self, u):
        return u


class Referred(Well):
    """With a reference."""

    def reference(self, x):
        return {"u": np.sin(np.pi * x)}


class Moving(Well):
    """With a time."""

    time = (0.0, 1.0)


@pytest.mark.parametrize(
    ("problem", "settings", "offender", "remedy"),
    [
        (Well(), {}, "no coefficient is unknown", "unknowns={'E': 1.0}"),
        (Unnormalized(unknowns={"E": 1.0}), {}, "no residual takes 'norm'", "return norm - 1"),
        (Without(unknowns={"E": 1.0}), {}, "modes need one integral", "return u**2"),
        (Referred(unknowns={"E": 1.0}), {}, "Referred.reference: is one", "modes=1"),
        (Moving(unknowns={"E": 1.0}), {}, "those of a steady problem", "modes=1"),
        (GUESS, {"windows": 2}, "modes=3: do not go with", "leave them out"),
        (GUESS, {"data": {"x": [0.5], "u": [1.0]}}, "modes=3: do not go with", "leave them out"),
    ],
)
def test_what_is_no_eigenvalue_problem_is_refused(problem, settings, offender, remedy):
    with pytest.raises(InputError) as error:
        setup(problem, **settings)
    line = str(error.value)
    assert offender in line and remedy in line and "\n" not in line


def test_a_number_of_modes_is_a_whole_number():
    with pytest.raises(InputError, match=r"modes=0.*at least 1"):
        Setup(problem=GUESS, network=network(), modes=0)
