"""Time by its logarithm: what the network sees, where points lie, and what residuals are."""

import numpy as np
import pytest
import tensorflow as tf
from test_problems import batch_for

from pinn import Delay, Interval, Points, Problem, check, residual, solve, two_phases
from pinn.errors import InputError
from pinn.objective import Evaluator, LeastSquares, Objective, Scales, draw, find_scales
from pinn.objective.probe import Probe
from pinn.plotting.style import panels, place_ticks
from pinn.problem.log_time import LogTime
from pinn.run.solution import Solution
from pinn.setup.network import default_network
from pinn.setup.stages import why_one_window

SCALE = 1e-3


class Slowing(Problem):
    """u_t = 1/(τ + t) with u = 0 at t = 1: u = ln(1 + (t − 1)/τ), over seven decades of time."""

    fields = ("u",)
    time = (1.0, 1e4)
    log_time = SCALE

    @residual(on="interior")
    def slowing(self, t, u_t):
        return u_t - 1 / (SCALE + t - 1)

    @residual(on="initial")
    def start(self, u):
        return u

    def reference(self, t):
        return {"u": np.log1p((t - 1) / SCALE)}


class Decay(Problem):
    """u_t = −k u: the first millisecond, and ten thousand seconds."""

    fields = ("u",)
    time = (1.0, 1e4)
    log_time = SCALE
    k: float = 30.0

    @residual(on="interior")
    def decay(self, u, u_t):
        return u_t + self.k * u

    @residual(on="initial")
    def start(self, u):
        return u - 1


class Beam(Problem):
    """Terms of both orders in time, of none, and the first one at the beginning."""

    fields = ("w",)
    space = Interval(x=(0.0, 2.0))
    time = (-1.0, 99.0)
    log_time = 0.5

    @residual(on="interior")
    def bending(self, w_tt, w_t, w_xxxx):
        return w_tt + 0.1 * w_t + w_xxxx

    @residual(on="initial")
    def rest(self, w_t):
        return w_t

    @residual(on="boundary")
    def held(self, w):
        return w

    @residual(on="x+")
    def damped(self, w_t, w_x):
        return w_t + w_x


def objective(problem, **settings):
    network = default_network(problem, seed=0, width=6, depth=2)
    return Objective(problem, network, **settings)


def test_shares_and_times_are_inverse():
    scale = LogTime(2.0, 50.0, 0.1)
    times = scale.at(np.linspace(0, 1, 100))
    assert times[0] == 2.0
    assert times[-1] == pytest.approx(50.0)
    assert times.max() <= 50.0
    _, last = scale.seen_range
    assert scale.seen(times) == pytest.approx(np.linspace(0, last, 100))
    assert scale.seen(tf.constant(times)).numpy() == pytest.approx(scale.seen(times))
    # dt/ds = τ + t − t₀.
    change = np.gradient(times, scale.seen(times))
    assert 0.1 * scale.stretch(times)[1:-1] == pytest.approx(change[1:-1], rel=1e-2)


def test_points_are_even_in_the_logarithm():
    problem = Beam()
    for region in ("interior", "boundary", "x+"):
        times = draw(problem, region, 1000).coordinates[:, -1]
        assert times.min() >= -1 and times.max() <= 99
        seen = problem.seen([np.zeros(1000), times])[-1] / problem.seen_bounds[1][-1]
        assert np.histogram(seen, 10, (0, 1))[0] == pytest.approx(np.full(10, 100), abs=8)
    assert np.all(draw(problem, "initial", 5).coordinates[:, -1] == -1)


@pytest.mark.parametrize("derivatives", ["taylor", "nested"])
def test_residuals_are_those_of_the_equation_by_the_logarithm(derivatives, eager):
    """Each is multiplied by 1 + (t − t₀)/τ, to the order of its derivatives by time."""
    loss = objective(Beam(), derivatives=derivatives)
    batch = batch_for(loss, 20)
    theta = loss.flat.flatten()
    orders = {"bending": 2, "rest": 1, "held": 0, "damped": 1}
    weights = dict.fromkeys(orders, 1.0)
    for name, order in orders.items():
        term = next(term for term in loss.terms if term.name == name)
        blocks = batch.points[term.region]
        rows = blocks.rows
        found = Evaluator(loss, [s.name for s in term.symbols])(theta, rows)
        plain = getattr(loss.problem, name)(*(found[s.name] for s in term.symbols))
        stretched = plain * (1 + (rows[:, -1] + 1) / 0.5) ** order
        expected = np.mean(stretched**2) * weights[name]
        index = loss.terms.index(term)
        assert float(loss.losses(theta, batch)[index]) == pytest.approx(expected, rel=1e-9)


def test_a_residual_has_the_same_size_at_all_times():
    """In s, the share of u grows like x = 1 + (t − t₀)/τ, and that of u_t does not."""
    loss = objective(Decay())
    scales = find_scales(loss)
    assert scales.rates.keys() == {"decay"}
    probe = Probe(loss, loss.problem)
    times = probe.times("interior")
    in_s = probe.residuals("interior", scales.fields)["decay"]
    scale = LogTime(*Decay.time, SCALE)
    factor = scale.factor(times, 1, scales.rates["decay"]) / scale.factor(times, 1)
    sizes = np.abs(factor * in_s) / scales.residuals["decay"]
    early = np.median(sizes[times < 1 + SCALE])
    late = np.median(sizes[times > 1e3])
    assert 0.2 < early < 5
    assert 0.2 < late < 5
    # Alone, the equation in s grows by nearly seven decades.
    plain = np.abs(in_s)
    assert np.median(plain[times > 1e3]) > 1e3 * np.median(plain[times < 1 + SCALE])
    # At the beginning nothing changes.
    assert scale.factor(np.array([1.0]), 2, 7.0) == pytest.approx(1)


def test_rates_are_settings():
    node = Scales(rates={"decay": 0.5}).to_plain()
    assert Scales.from_plain(node).rates == {"decay": 0.5}
    assert not Scales(rates={"decay": 0.5}).continues(Scales())
    assert find_scales(objective(Decay()), given=Scales(rates={"decay": 0.5})).rates["decay"] == 0.5
    with pytest.raises(InputError, match=r"scales.rates.start: no such residual with derivatives"):
        solve(Decay(), scales=Scales(rates={"start": 1.0}), show=False)
    with pytest.raises(InputError, match=r"scales.rates.decay"):
        Scales(rates={"decay": 0.0})


def test_the_jacobian_gives_the_gradient(eager):
    loss = objective(Beam())
    batch = batch_for(loss, 16)
    theta = loss.flat.flatten()
    total = np.zeros(loss.flat.size)
    for residuals, columns in LeastSquares(loss).jacobian(theta, batch):
        total += 2 * columns.numpy() @ residuals.numpy()
    _, gradient = loss.value_and_gradient(theta, batch)
    np.testing.assert_allclose(total, gradient.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.alone
def test_seven_decades_are_solved_and_drawn(tmp_path):
    folder = tmp_path / "run"
    phases = two_phases(explore=50, polish=400)
    counts = {"interior": 200, "initial": 1}
    solution: Solution = solve(
        Slowing(), phases=phases, points=Points(counts=counts, test=500), folder=folder, show=False
    )
    assert solution.metrics["relative_l2"]["u"] < 1e-5
    assert solution(t=5.0)["u"] == pytest.approx(np.log1p(4e3), abs=1e-4)
    assert (folder / "figures" / "solution.png").exists()


def test_an_axis_of_logarithmic_time():
    _, axes = panels(1, 1, width=2, height=2)
    place_ticks(axes[0, 0], "x", "t", {"t": 0.1})
    place_ticks(axes[0, 0], "y", "x", {"t": 0.1})
    assert axes[0, 0].get_xscale() == "symlog"
    assert axes[0, 0].get_yscale() == "linear"


def test_the_check_takes_it_into_account():
    report = check(Slowing())
    assert report.log_axes == {"t": SCALE}
    assert not report.warnings


def test_it_has_one_window():
    assert "logarithm" in why_one_window(Slowing())


@pytest.mark.parametrize("scale", [0.0, -1.0, 1e4, "1", float("nan"), True])
def test_a_bad_scale_is_refused(scale):
    with pytest.raises(InputError, match=r"log_time=.*give a time between 0 and the interval"):
        type("Bad", (Slowing,), {"log_time": scale})()


def test_it_needs_time_and_no_delay():
    class Steady(Problem):
        fields = ("u",)
        space = Interval(x=(0.0, 1.0))
        log_time = 0.1

        @residual(on="interior")
        def flat(self, u_x):
            return u_x

    with pytest.raises(InputError, match=r"Steady: log_time=0.1: the problem is steady"):
        Steady()
    late = {"delays": {"u_late": Delay("u", t=1.0, past=0.0)}}
    with pytest.raises(InputError, match="leave log_time out"):
        type("Late", (Slowing,), late)()
