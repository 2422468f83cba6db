"""Unknown functions of fields: their derivatives, their Jacobian, bounds and monotonicity."""

from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn import Adam, Disk, Interval, Problem, Rectangle, UnknownField, load, residual, solve
from pinn.derivatives import nested, taylor
from pinn.errors import InputError
from pinn.measurements import Synthetic
from pinn.networks import monotone, takes_jets
from pinn.objective import (
    FieldScale,
    LeastSquares,
    Objective,
    Scales,
    cut_into_blocks,
    draw,
    trial,
)
from pinn.objective.evaluator import evaluate_law
from pinn.problem import At, Material
from pinn.problems import HeatLawInverse
from pinn.setup import Points
from pinn.setup.network import default_network
from pinn.training import Phase, StopRule

SCALES = {"u": FieldScale(3.0, 0.5), "v": FieldScale(4.0, 2.0), "K": FieldScale(0.0, 2.0)}


class Soil(Problem):
    """Two fields, a conductivity K of u, and a reaction Q of the positive field v and of x."""

    fields = ("u", "v")
    positive_fields = ("v",)
    space = Interval(x=(0.0, 2.0))
    time = (0.0, 1.0)
    unknown_fields: ClassVar = {
        "K": UnknownField(("u",), lower=0.5, monotone="increasing"),
        "Q": UnknownField(("x", "v"), upper=1.0),
    }

    @residual(on="interior")
    def flow(self, u_t, u_x, u_xx, K, K_x):
        return u_t - K * u_xx - K_x * u_x

    @residual(on="interior")
    def decay(self, v_t, Q, lap_u):
        return v_t + Q + lap_u


def network_of(path, problem=None):
    """Return a network that was saved and loaded, as a run's is."""
    default_network(problem or Soil(), seed=0, width=5, depth=2).save(path)
    return keras.saving.load_model(path, compile=False)


@pytest.mark.usefixtures("eager")
def test_derivatives_of_laws_in_both_engines(tmp_path):
    problem = Soil()
    network = network_of(tmp_path / "network.keras")
    assert takes_jets(network)
    names = ["u", "v", "K", "K_x", "K_t", "K_xx", "K_xt", "Q", "Q_x", "Q_xx", "u_x", "lap_u"]
    symbols = [problem.symbol(name) for name in names]
    x, t = draw(problem, "interior", 9).coordinates.T
    columns = {"x": tf.constant(x), "t": tf.constant(t)}
    solution = trial(problem, network, hard=False, scales=SCALES)
    fast = taylor.evaluate(solution, symbols, columns, {})
    slow = nested.evaluate(solution, symbols, columns, {})
    for name in names:
        assert fast[name].numpy() == pytest.approx(slow[name].numpy(), rel=1e-9, abs=1e-10)
    assert np.all(fast["K"] > 0.5)
    assert np.all(fast["Q"] < 1.0)


@pytest.mark.usefixtures("eager")
def test_laws_follow_the_chain_rule(tmp_path):
    problem = Soil()
    network = network_of(tmp_path / "network.keras")
    objective = Objective(problem, network, scales=Scales(fields=SCALES))
    theta = objective.flat.flatten()
    x, t = draw(problem, "interior", 9).coordinates.T
    names = ["u", "u_x", "K", "K_x"]
    solution = trial(problem, network, hard=False, scales=SCALES)
    symbols = [problem.symbol(name) for name in names]
    values = taylor.evaluate(solution, symbols, {"x": tf.constant(x), "t": tf.constant(t)}, {})

    def law(u):
        return evaluate_law(objective, theta, "K", {"u": u})

    u = values["u"].numpy()
    step = 1e-5
    slope = (law(u + step) - law(u - step)) / (2 * step)
    assert law(u) == pytest.approx(values["K"].numpy(), rel=1e-12)
    assert values["K_x"].numpy() == pytest.approx(slope * values["u_x"].numpy(), rel=1e-6)
    assert np.all(slope > 0)


@pytest.mark.usefixtures("eager")
def test_the_jacobian_with_laws_gives_the_gradient(tmp_path):
    problem = Soil()
    network = network_of(tmp_path / "network.keras")
    objective = Objective(problem, network, scales=Scales(fields=SCALES))
    theta = objective.flat.flatten()
    points = draw(problem, "interior", 8)
    block = cut_into_blocks(points, threads=1, size=8, dtype="float64")
    batch = objective.batch({"interior": block})
    by_jacobian = 0
    for residuals, columns in LeastSquares(objective).jacobian(theta, batch):
        by_jacobian = by_jacobian + 2 * (columns @ residuals[:, None])[:, 0].numpy()
    _, gradient = objective.value_and_gradient(theta, batch)
    assert by_jacobian == pytest.approx(gradient.numpy(), abs=1e-10)
    assert np.all(np.any(gradient.numpy().reshape(1, -1) != 0, axis=0))


@pytest.mark.parametrize("bounds", [(None, None), (0.0, None), (None, 3.0), (0.0, 3.0)])
@pytest.mark.parametrize("word", ["increasing", "decreasing"])
def test_a_monotone_law_is_monotone_with_any_parameters(word, bounds):
    network = monotone(lower=[-1.0], upper=[1.0], width=6, depth=2)
    rng = np.random.default_rng(0)
    function = UnknownField(("u",), *bounds, monotone=word)
    for _ in range(5):
        for variable in network.trainable_variables:
            variable.assign(rng.normal(0, 3, variable.shape))
        outputs = network(np.linspace(-1, 1, 200)[:, None])[:, 0]
        steps = np.diff(np.asarray(function.value(outputs)))
        assert np.all(steps >= 0) if word == "increasing" else np.all(steps <= 0)
        assert np.any(steps != 0)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_law_is_reported_drawn_and_loaded(tmp_path):
    solution = solve(
        HeatLawInverse(),
        folder=tmp_path / "run",
        points=Points(counts={"interior": 16, "boundary": 8}, test=30),
        data=Synthetic(count=20),
        phases=[Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=1))],
        show=False,
    )
    assert list(solution.metrics["relative_l2"]) == ["T", "K"]
    assert (tmp_path / "run" / "figures" / "laws.png").exists()
    values = solution(x=np.linspace(0, 1, 5), t=0.5)
    law = solution.law("K", T=values["T"])
    assert law == pytest.approx(values["K"], rel=1e-12)
    assert np.array_equal(load(tmp_path / "run").law("K", T=values["T"]), law)
    with pytest.raises(InputError, match=r"'k' is no unknown function of fields\. Known: K"):
        solution.law("k", T=1.0)
    with pytest.raises(InputError, match=r"law 'K' depends on T; give each once"):
        solution.law("K", x=1.0)


def test_what_does_not_go_with_laws_is_refused():
    with pytest.raises(InputError, match=r"monotone='rising'; give increasing, decreasing or None"):
        UnknownField(("u",), monotone="rising")  # type: ignore
    moving = {"regions": {"front": At(x="K")}}
    with pytest.raises(InputError, match="K is a function of a field; let it depend on the other"):
        type("Moving", (Soil,), moving)()
    space = Rectangle(x=(0.0, 2.0), y=(0.0, 1.0))
    parts = {"core": Material(Disk(x=1.0, y=0.5, radius=0.2)), "rest": Material()}
    with pytest.raises(InputError, match="'K' is a function of a field, which has a network in ev"):
        type("Parts", (Soil,), {"space": space, "materials": parts})()
    with pytest.raises(InputError, match=r"network\.rank: K is a function of fields"):
        default_network(Soil(), seed=0, rank=2)
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    with pytest.raises(InputError, match="has no network for K, a function of fields; make it"):
        Objective(Soil(), plain)
