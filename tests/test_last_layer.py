"""The last layer fitted at the start: what it is fitted to, which networks have one, and what is told otherwise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn.cli.run import compose
from pinn.errors import InputError
from pinn.networks import Factorization, Fourier, mlp
from pinn.objective import Evaluator, Objective, PointSet, draw, fitted_last_layer, is_shallow
from pinn.optimizers import Adam
from pinn.problems import Burgers, Kovasznay, PoissonFieldInverse, Wave
from pinn.run import solve
from pinn.setup import Points, config
from pinn.setup.setup import Setup, default_network
from pinn.training import Phase, StopRule

pytestmark = pytest.mark.usefixtures("eager")
PIRATE = {"architecture": "piratenet", "fourier": Fourier(count=12), "width": 6, "depth": 2}
PHASES = [Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=2))]
POINTS = Points(counts={"interior": 32, "initial": 8, "boundary": 8}, test=20)


def network(problem, **settings):
    return default_network(problem, seed=1, **{**PIRATE, **settings})


def values(objective, theta, points, name="u"):
    return Evaluator(objective, [name])(theta, points)[name]


@pytest.mark.parametrize("factorization", [None, Factorization()], ids=["plain", "factorized"])
def test_a_piratenet_starts_from_the_initial_condition_at_all_times(factorization):
    problem = Burgers()
    objective = Objective(problem, network(problem, factorization=factorization))
    points = draw(problem, "interior", 50, seed=5).coordinates
    start = -np.sin(np.pi * points[:, 0])
    drawn = objective.flat.flatten()
    fitted = fitted_last_layer(objective, None)
    before, after = (np.std(values(objective, theta, points) - start) for theta in (drawn, fitted))
    assert after < 0.1 < before
    moved = [v.path for v, a, b in parts(objective, drawn, fitted) if np.any(a != b)]
    assert [path.split("/")[-2] for path in moved] == ["dense_6"] * 2 and not any(
        "log_scale" in p for p in moved
    )
    assert np.array_equal(drawn, objective.flat.flatten())


def parts(objective, *vectors):
    return zip(
        objective.flat.variables, *(objective.flat.partition(v) for v in vectors), strict=True
    )


def test_least_squares_finds_weights_that_there_are():
    """Measurements of a network with another last layer are met by that of the first."""
    problem = Burgers()
    objective, other = (Objective(problem, network(problem), measured=("u",)) for _ in range(2))
    layer = other.network.get_layer("dense_6")
    layer.kernel.assign(np.linspace(-0.1, 0.1, 24)[:, None])
    layer.bias.assign([0.3])
    at = draw(problem, "interior", 300, seed=2).coordinates
    data = PointSet(at, None, {"u": other.network(at).numpy()[:, 0]})
    only = Objective(problem, objective.network, weights={"start": 0.0}, measured=("u",))
    found = values(only, fitted_last_layer(only, data), at)
    assert np.std(found - data.values["u"]) < 1e-2 * np.std(data.values["u"])
    # With the initial condition beside them, which then counts at the start only.
    at = draw(problem, "initial", 100).coordinates
    without, beside = (values(o, fitted_last_layer(o, data), at) for o in (only, objective))
    misfits = [np.std(u + np.sin(np.pi * at[:, 0])) for u in (without, beside)]
    assert misfits[1] < 0.7 * misfits[0]


def test_measurements_are_fitted_through_the_ansatz():
    problem = Burgers()
    objective = Objective(problem, network(problem), hard=True, measured=("u",))
    at = draw(problem, "interior", 200, seed=2).coordinates
    data = PointSet(at, None, problem.reference_at(at))
    before, after = (
        np.std(values(objective, theta, at) - data.values["u"])
        for theta in (objective.flat.flatten(), fitted_last_layer(objective, data))
    )
    assert after < 0.5 * before


def test_what_is_not_known_stays_as_it_was():
    problem = Kovasznay()
    objective = Objective(problem, network(problem), measured=("u",))
    at = draw(problem, "interior", 100).coordinates
    fitted = fitted_last_layer(objective, PointSet(at, None, {"u": problem.reference_at(at)["u"]}))
    drawn = objective.flat.flatten()
    for name in ("v", "p"):
        np.testing.assert_array_equal(
            *(values(objective, theta, at, name) for theta in (drawn, fitted))
        )
    assert np.any(values(objective, drawn, at) != values(objective, fitted, at))


def test_beside_an_unknown_field_the_network_of_the_fields_is_fitted():
    problem = PoissonFieldInverse()
    objective = Objective(problem, network(problem), measured=("u",))
    assert is_shallow(objective.network)
    at = draw(problem, "interior", 200).coordinates
    truth = problem.reference_at(at)["u"]
    fitted = fitted_last_layer(objective, PointSet(at, None, {"u": truth}))
    assert np.std(values(objective, fitted, at) - truth) < 0.2 * np.std(truth)
    np.testing.assert_array_equal(
        *(values(objective, t, at, "a") for t in (objective.flat.flatten(), fitted))
    )


def test_only_what_is_said_of_values_counts():
    """The wave's initial velocity is no value; and there is nothing to fit where the ansatz has all."""
    problem = Wave()
    objective = Objective(problem, network(problem), weights={"start": 0.0})
    assert fitted_last_layer(objective, None) is None
    assert fitted_last_layer(Objective(problem, network(problem)), None) is not None
    assert fitted_last_layer(Objective(problem, network(problem), hard=True), None) is None
    assert (
        fitted_last_layer(Objective(problem, network(problem), derivatives="nested"), None) is None
    )
    assert fitted_last_layer(Objective(problem, network(problem, rank=2)), None) is None


def test_a_network_that_was_trained_is_left_alone():
    model = network(Burgers())
    assert is_shallow(model) and not is_shallow(mlp(lower=[0], upper=[1], outputs=1))
    assert not is_shallow(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    setup = Setup(problem=Burgers(), network=model, constraints="soft")
    objective = setup.objective(None)
    assert np.any(setup.start(objective, None) != objective.flat.flatten())
    model.get_layer("alpha_1").slope.assign(0.1)
    assert not is_shallow(model) and np.array_equal(
        setup.start(objective, None), objective.flat.flatten()
    )


@pytest.mark.parametrize(
    ("last_layer", "moves"), [(None, False), ("drawn", False), ("fitted", True)]
)
def test_any_network_may_have_its_last_layer_fitted(last_layer, moves):
    model = default_network(Burgers(), seed=0, width=6, depth=1)
    setup = Setup(problem=Burgers(), network=model, constraints="soft", last_layer=last_layer)
    objective = setup.objective(None)
    assert bool(np.any(setup.start(objective, None) != objective.flat.flatten())) == moves


def test_a_run_starts_from_the_fit():
    made = {"constraints": "soft", "phases": PHASES, "points": POINTS, "show": False}
    fitted, drawn = (
        solve(Burgers(), network=network(Burgers(), depth=1), last_layer=word, **made)
        for word in (None, "drawn")
    )
    assert fitted.history["loss_start"][0] < 0.1 * drawn.history["loss_start"][0]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["last_layer=fited"], ["last_layer='fited'", "Did you mean 'fitted'"]),
        (
            ["last_layer=fitted"],
            ["last_layer=fitted", "no initial condition", "last_layer=drawn"],
        ),  # hard
        (["last_layer=fitted", "problem=poisson"], ["last_layer=fitted"]),
        (["last_layer=fitted", "constraints=soft", "network.rank=2"], ["no linear last layer"]),
    ],
)
def test_a_fit_that_cannot_be_is_told(overrides, words):
    with pytest.raises(InputError) as error:
        made = config.setup(compose(overrides)[0])
        made.start(made.objective(None), None)
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)


def test_unevenly_many_measurements_are_thinned(monkeypatch):
    monkeypatch.setattr("pinn.objective.last_layer.MEASURED", 40)
    problem = Burgers()
    objective = Objective(problem, network(problem, depth=1), measured=("u",))
    at = draw(problem, "interior", 333).coordinates
    assert tf.reduce_all(
        tf.math.is_finite(
            fitted_last_layer(objective, PointSet(at, None, problem.reference_at(at)))
        )
    )
