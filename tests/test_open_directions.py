"""What the equations leave open, on textbook problems that lack something, and on good ones."""

import json

import numpy as np
import pytest
import tensorflow as tf

from pinn import Interval, Problem, Rectangle, Unknown, load, positive, residual, solve, two_phases
from pinn.cli.main import main
from pinn.optimizers.gauss_newton_svd import Decomposition
from pinn.problems import Heat, Kovasznay, Wave
from pinn.run import error_estimate as estimates
from pinn.run.open_directions import OpenDirections
from pinn.run.verdict import verdict
from pinn.setup import Points
from pinn.setup.network import default_network

pi = np.pi


@pytest.fixture(autouse=True)
def _asked_for(monkeypatch):
    monkeypatch.setattr(estimates, "FEWEST", 1)


class Bar(Problem):
    """The base of problems on the unit interval."""

    fields = ("u",)
    space = Interval(x=(0.0, 1.0))


class Resonance(Bar):
    """u″ + π² u = sin 2πx between zeros: sin πx is free."""

    @residual(on="interior")
    def equation(self, x, u, u_xx):
        return u_xx + pi**2 * u - tf.sin(2 * pi * x)

    @residual(on="boundary")
    def ends(self, u):
        return u


class BeamWithThree(Bar):
    """A beam with three conditions instead of four."""

    @residual(on="interior")
    def beam(self, u_xxxx):
        return u_xxxx - 1.0

    @residual(on="boundary")
    def pinned(self, u):
        return u

    @residual(on="x-")
    def moment(self, u_xx):
        return u_xx


class Insulated(Bar):
    """u″ = cos πx between insulated ends: a constant is free."""

    @residual(on="interior")
    def equation(self, x, u_xx):
        return u_xx - tf.cos(pi * x)

    @residual(on="boundary")
    def flux(self, u_x):
        return u_x


class TwoFields(Bar):
    """Two fields of which only the sum is determined: the second equation is twice the first."""

    fields = ("u", "v")

    @residual(on="interior")
    def first(self, x, u_xx, v_xx):
        return u_xx + v_xx - x

    @residual(on="interior")
    def second(self, x, u_xx, v_xx):
        return 2 * u_xx + 2 * v_xx - 2 * x

    @residual(on="boundary")
    def ends(self, u):
        return u

    @residual(on="boundary")
    def other_ends(self, v):
        return v


class Transient(Bar):
    """The base of problems in time."""

    time = (0.0, 1.0)


class HeatWithoutStart(Transient):
    """Heat without initial values."""

    @residual(on="interior")
    def heat(self, x, u_t, u_xx):
        return u_t - 0.1 * u_xx - tf.sin(pi * x)

    @residual(on="boundary")
    def ends(self, u):
        return u


class HeatWithOneEnd(Transient):
    """Heat with a condition on one end."""

    @residual(on="interior")
    def heat(self, u_t, u_xx):
        return u_t - 0.1 * u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(pi * x)

    @residual(on="x-")
    def end(self, u):
        return u


class WaveWithoutVelocity(Transient):
    """A wave without initial velocity."""

    @residual(on="interior")
    def wave(self, u_tt, u_xx):
        return u_tt - u_xx

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(pi * x)

    @residual(on="boundary")
    def ends(self, u):
        return u


class PlateWithThreeSides(Problem):
    """Laplace's equation with values on three sides of four."""

    fields = ("u",)
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="interior")
    def laplace(self, lap_u):
        return lap_u

    @residual(on="x-")
    def left(self, u):
        return u

    @residual(on="x+")
    def right(self, u):
        return u

    @residual(on="y-")
    def bottom(self, x, u):
        return u - tf.sin(pi * x)


class Cauchy(PlateWithThreeSides):
    """Laplace's equation with value and slope on one side: ill-posed (Hadamard)."""

    @residual(on="y-")
    def slope(self, u_y):
        return u_y


class Pendulum(Problem):
    """A pendulum with one initial condition."""

    fields = ("q",)
    time = (0.0, 2.0)

    @residual(on="interior")
    def motion(self, q, q_tt):
        return q_tt + 9.81 * tf.sin(q)

    @residual(on="initial")
    def start(self, q):
        return q - 1.0


class StokesWithoutGauge(Problem):
    """Stokes flow in a box, whose pressure is free up to a constant."""

    fields = ("u", "v", "p")
    space = Rectangle(x=(0.0, 1.0), y=(0.0, 1.0))

    @residual(on="interior")
    def momentum_x(self, y, lap_u, p_x):
        return lap_u - p_x - tf.sin(2 * pi * y)

    @residual(on="interior")
    def momentum_y(self, lap_v, p_y):
        return lap_v - p_y

    @residual(on="interior")
    def mass(self, u_x, v_y):
        return u_x + v_y

    @residual(on="boundary")
    def wall(self, u):
        return u

    @residual(on="boundary")
    def other_wall(self, v):
        return v


class Decay(Problem):
    """u′ = −k c u, of which half is left at the end."""

    fields = ("u",)
    time = (0.0, 2.0)
    k: float = positive(1.0)
    c: float = positive(1.0)
    m: float = 1.0

    @residual(on="interior")
    def decay(self, u, u_t):
        return u_t + self.k * self.c * u + 0 * self.m

    @residual(on="initial")
    def start(self, u):
        return u - 1


class String(Transient):
    """ρ u_tt = μ u_xx."""

    mu: float = positive(2.0)
    rho: float = positive(1.0)

    @residual(on="interior")
    def wave(self, u_tt, u_xx):
        return self.rho * u_tt - self.mu * u_xx

    @residual(on="boundary")
    def ends(self, u):
        return u


class OneMode(Transient):
    """u_tt = a u_xx + c u, from one mode of vibration."""

    a: float = 1.0
    c: float = 0.0

    @residual(on="interior")
    def wave(self, u, u_tt, u_xx):
        return u_tt - self.a * u_xx - self.c * u


class Overdetermined(Bar):
    """u″ = 0 with three conditions of which one disagrees."""

    @residual(on="interior")
    def equation(self, u_xx):
        return u_xx

    @residual(on="boundary")
    def ends(self, x, u):
        return u - x

    @residual(on="x-")
    def slope(self, u_x):
        return u_x - 5.0


def solved(problem, *, polish=0, **settings):
    phases = two_phases(explore=300, polish=polish)
    return solve(
        problem,
        network=default_network(problem, seed=0, width=14, depth=2),
        phases=phases if polish else phases[:1],
        points=Points(test=200),
        windows=1,
        show=False,
        **settings,
    )


def decayed():
    t = np.linspace(0, 2, 20)
    return {"t": t, "u": np.exp(-0.7 * t)}


def vibrating():
    x, t = np.random.default_rng(0).uniform(size=(2, 100))
    return {"x": x, "t": t, "u": np.sin(pi * x) * np.cos(np.sqrt(2) * pi * t)}


QUICK = ("Decay",)
OPEN = {
    "Resonance": (Resonance(), None, "u: not determined: "),
    "BeamWithThree": (BeamWithThree(), None, "u: not determined: "),
    "Insulated": (Insulated(), None, "u: determined up to a constant only: "),
    "TwoFields": (TwoFields(), None, "u and v: not determined in at least 5 ways: "),
    "HeatWithoutStart": (HeatWithoutStart(), None, "u: not determined"),
    "HeatWithOneEnd": (HeatWithOneEnd(), None, "u: not determined"),
    "WaveWithoutVelocity": (WaveWithoutVelocity(), None, "u: not determined in "),
    "PlateWithThreeSides": (PlateWithThreeSides(), None, "u: not determined"),
    "Pendulum": (Pendulum(), None, "q: not determined: "),
    "StokesWithoutGauge": (StokesWithoutGauge(), None, "p: determined up to a constant only: "),
    "Decay": (
        Decay(unknowns={"k": Unknown(1.0, lower=0.0), "c": Unknown(0.5, lower=0.0)}),
        decayed(),
        "k and c: only k c is determined: ",
    ),
    "Unseen": (Decay(unknowns={"k": 0.5, "m": 1.0}), decayed(), "m: not determined: "),
    "String": (
        String(unknowns={"mu": Unknown(1.0, lower=0.0), "rho": Unknown(1.5, lower=0.0)}),
        vibrating(),
        "mu and rho: only mu/rho is determined: ",
    ),
    "OneMode": (OneMode(unknowns={"a": 1.5, "c": 0.5}), vibrating(), "c: not determined: "),
}


@pytest.mark.filterwarnings("ignore::pinn.errors.ProblemWarning")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in OPEN]
)
def test_what_a_problem_leaves_open_is_told(name):
    problem, data, expected = OPEN[name]
    solution = solved(problem, data=data, polish=600 * (name in ("String", "OneMode")))
    found = [line for line in solution.diagnose() if expected in line]
    assert len(found) == 1, solution.diagnose()
    assert solution.metrics["verdict"] != "trusted"


@pytest.mark.parametrize(
    "problem",
    [
        Heat(),
        pytest.param(Wave(), marks=pytest.mark.slow),
        pytest.param(Kovasznay(), marks=pytest.mark.slow),
        pytest.param(Decay(unknowns={"k": 0.5}), marks=pytest.mark.slow),
    ],
    ids=["heat", "wave", "gauge", "unknown"],
)
def test_a_good_problem_leaves_nothing_open(problem):
    solution = solved(problem, data=decayed() if problem.unknowns else None)
    assert solution.metrics["undetermined"] == []
    assert solution.metrics["amplification"] < 100


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pinn.errors.ProblemWarning")
def test_an_ill_posed_problem_has_a_large_amplification():
    assert solved(Cauchy()).metrics["amplification"] > 100


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pinn.errors.ProblemWarning")
def test_conditions_that_disagree_are_no_answer():
    assert solved(Overdetermined()).metrics["verdict"] != "trusted"


def test_a_free_direction_of_a_matrix_is_found():
    """Three parameters, two residuals: the third is free, and so is a function of it alone."""
    jacobian = Decomposition([(np.zeros(4), np.eye(3)[:, [0, 1, 0, 1]] * 2.0)], 3)
    slopes = np.diag([1.0, 1.0, 0.5])
    k = {"k": np.array([0.0, 1.0, 0.0])}
    opened = OpenDirections(
        jacobian, {"f": slopes}, k, 0.0, lambda steps: np.zeros((1, len(steps)))
    )
    (direction,) = opened.found
    assert np.abs(direction.step) == pytest.approx([0, 0, np.sqrt(3) / 0.5], abs=1e-6)
    assert direction.parts == (("f",), ())
    assert opened.amplification == pytest.approx(np.sqrt(1 + 1 / 3) / np.sqrt(8))


def test_what_other_points_see_is_not_free():
    """Two free parameters of three; other points see a mixture of them, and one of them stays."""
    jacobian = Decomposition([(np.zeros(4), np.diag([2.0, 0.0, 0.0]) @ np.ones((3, 4)))], 3)
    row = np.array([[0.0, 3.0, 1.0]])
    opened = OpenDirections(jacobian, {"f": np.eye(3)}, {}, 0.0, lambda steps: row @ steps.T)
    (direction,) = opened.found
    unseen = np.array([0.0, 1.0, -3.0]) / np.sqrt(10)
    assert abs(direction.step @ unseen) == pytest.approx(np.sqrt(3))
    assert opened.amplification == pytest.approx(1 / np.sqrt(3 * 10))


@pytest.mark.parametrize(
    ("warnings", "estimated", "remaining", "finished", "expected"),
    [
        (["hard"], {"u": 1e-3}, {}, True, "trusted"),
        (["hard"], {"u": 0.02}, {}, True, "doubtful"),
        (["hard"], {}, {"f": 1e-4}, True, "doubtful"),
        ([], {"u": 1e-3}, {}, True, "trusted"),
        (["a"], {"u": 1e-3}, {}, True, "doubtful"),
        ([], {"u": 1e-3}, {}, False, "doubtful"),
        ([], {"u": 0.7}, {}, True, "failed"),
        ([], {"u": np.nan}, {}, True, "failed"),
        ([], {}, {"f": 0.9}, True, "failed"),
        ([], {}, {"f": 1e-4}, True, "trusted"),
    ],
)
def test_verdicts(warnings, estimated, remaining, finished, expected):
    found = verdict(warnings, estimated, remaining, advice=["hard"], finished=finished)
    assert found == expected


@pytest.mark.filterwarnings("ignore::pinn.errors.ProblemWarning")
def test_a_run_draws_what_is_open_and_diagnose_tells_it(tmp_path, capsys):
    folder = tmp_path / "run"
    solution = solved(BeamWithThree(), folder=folder)
    assert (folder / "figures" / "undetermined.png").exists()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["undetermined"][0]["functions"] == {"u": 1.0}
    assert load(folder).diagnose()[-1] == solution.metrics["verdict"] == "doubtful"
    assert main(["diagnose", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "u: not determined: " in shown and "undetermined.png" in shown
    assert main(["diagnose", str(folder), "--strict"]) == 3


def test_what_cannot_be_diagnosed_is_told(tmp_path, capsys):
    (tmp_path / "sweep.json").touch()
    for line, expected in {
        ("diagnose",): "give the folders of runs",
        ("diagnose", "none"): "no such folder",
        ("diagnose", str(tmp_path)): "is a sweep",
        ("run", "-m", "experiment=smoke", "seed=0,1", "--strict"): "--strict is for one run",
    }.items():
        assert main(list(line)) == 2
        assert expected in capsys.readouterr().err
