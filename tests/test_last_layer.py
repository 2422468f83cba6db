"""The fit of the last layer at the start: its data, the networks that allow it, its errors."""

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
from pinn.setup.network import default_network
from pinn.setup.setup import Setup
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
    assert np.std(values(objective, fitted, points) - start) < 0.1
    assert np.std(values(objective, drawn, points) - start) > 0.1
    paths = changed_variables(objective, drawn, fitted)
    assert [path.split("/")[-2] for path in paths] == ["dense_6"] * 2
    assert not any("log_scale" in path for path in paths)
    assert np.array_equal(drawn, objective.flat.flatten())


def changed_variables(objective, before, after):
    """Return the paths of the variables in which two flat vectors differ."""
    flat = objective.flat
    tensors = zip(flat.variables, flat.partition(before), flat.partition(after), strict=True)
    return [variable.path for variable, a, b in tensors if np.any(a != b)]


def test_least_squares_recovers_the_last_layer_of_another_network():
    """Measurements of a network with another last layer are fitted by that of the first."""
    problem = Burgers()
    objective = Objective(problem, network(problem), measured={"data": ("u",)})
    other = Objective(problem, network(problem), measured={"data": ("u",)})
    layer = other.network.get_layer("dense_6")
    layer.kernel.assign(np.linspace(-0.1, 0.1, 24)[:, None])
    layer.bias.assign([0.3])
    at = draw(problem, "interior", 300, seed=2).coordinates
    data = PointSet(at, None, {"u": other.network(at).numpy()[:, 0]})
    only = Objective(problem, objective.network, weights={"start": 0.0}, measured={"data": ("u",)})
    u = values(only, fitted_last_layer(only, {"data": data}), at)
    assert np.std(u - data.values["u"]) < 1e-2 * np.std(data.values["u"])
    # Next to measurements, the initial condition counts at the initial time only.
    at = draw(problem, "initial", 100).coordinates
    start = -np.sin(np.pi * at[:, 0])
    without_condition = np.std(values(only, fitted_last_layer(only, {"data": data}), at) - start)
    with_condition = np.std(
        values(objective, fitted_last_layer(objective, {"data": data}), at) - start
    )
    assert with_condition < 0.7 * without_condition


def test_measurements_are_fitted_through_the_ansatz():
    problem = Burgers()
    objective = Objective(problem, network(problem), hard=True, measured={"data": ("u",)})
    at = draw(problem, "interior", 200, seed=2).coordinates
    data = PointSet(at, None, problem.reference_at(at))
    drawn = objective.flat.flatten()
    fitted = fitted_last_layer(objective, {"data": data})
    before = np.std(values(objective, drawn, at) - data.values["u"])
    after = np.std(values(objective, fitted, at) - data.values["u"])
    assert after < 0.5 * before


def test_outputs_without_data_keep_their_parameters():
    problem = Kovasznay()
    objective = Objective(problem, network(problem), measured={"data": ("u",)})
    at = draw(problem, "interior", 100).coordinates
    fitted = fitted_last_layer(
        objective, {"data": PointSet(at, None, {"u": problem.reference_at(at)["u"]})}
    )
    drawn = objective.flat.flatten()
    for name in ("v", "p"):
        before = values(objective, drawn, at, name)
        np.testing.assert_array_equal(values(objective, fitted, at, name), before)
    assert np.any(values(objective, drawn, at) != values(objective, fitted, at))


def test_next_to_an_unknown_field_the_network_of_the_fields_is_fitted():
    problem = PoissonFieldInverse()
    objective = Objective(problem, network(problem), measured={"data": ("u",)})
    assert is_shallow(objective.network)
    at = draw(problem, "interior", 200).coordinates
    truth = problem.reference_at(at)["u"]
    fitted = fitted_last_layer(objective, {"data": PointSet(at, None, {"u": truth})})
    assert np.std(values(objective, fitted, at) - truth) < 0.2 * np.std(truth)
    drawn = objective.flat.flatten()
    unchanged = values(objective, drawn, at, "a")
    np.testing.assert_array_equal(values(objective, fitted, at, "a"), unchanged)


def test_only_conditions_on_values_are_fitted():
    """The wave's initial velocity is no value, and an ansatz leaves no condition to fit."""
    problem = Wave()

    def fit(**settings):
        return fitted_last_layer(Objective(problem, network(problem), **settings), None)

    assert fit() is not None
    assert fit(weights={"start": 0.0}) is None
    assert fit(hard=True) is None
    assert fit(derivatives="nested") is None
    assert fitted_last_layer(Objective(problem, network(problem, rank=2)), None) is None


def test_a_trained_network_is_not_fitted():
    model = network(Burgers())
    assert is_shallow(model)
    assert not is_shallow(mlp(lower=[0], upper=[1], outputs=1))
    assert not is_shallow(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    setup = Setup(problem=Burgers(), network=model, constraints="soft")
    objective = setup.objective(None)
    assert np.any(setup.start(objective, None) != objective.flat.flatten())
    model.get_layer("alpha_1").slope.assign(0.1)
    assert not is_shallow(model)
    assert np.array_equal(setup.start(objective, None), objective.flat.flatten())


@pytest.mark.parametrize(
    ("last_layer", "moves"), [(None, False), ("drawn", False), ("fitted", True)]
)
def test_the_last_layer_of_any_network_can_be_fitted(last_layer, moves):
    model = default_network(Burgers(), seed=0, width=6, depth=1)
    setup = Setup(problem=Burgers(), network=model, constraints="soft", last_layer=last_layer)
    objective = setup.objective(None)
    start = setup.start(objective, None)
    assert bool(np.any(start != objective.flat.flatten())) == moves


@pytest.mark.slow
def test_a_run_starts_from_the_fit(shared_losses):
    settings = {"constraints": "soft", "phases": PHASES, "points": POINTS, "show": False}
    first_losses = {}
    for last_layer in (None, "drawn"):
        model = network(Burgers(), depth=1)
        solution = solve(Burgers(), network=model, last_layer=last_layer, **settings)
        first_losses[last_layer] = solution.history["loss_start"][0]
    assert first_losses[None] < 0.1 * first_losses["drawn"]


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
def test_an_impossible_fit_raises_an_error(overrides, words):
    with pytest.raises(InputError) as error:
        setup = config.setup(compose(overrides)[0])
        setup.start(setup.objective(None), None)
    message = str(error.value)
    assert all(word in message for word in words)
    assert "\n" not in message


def test_many_measurements_are_thinned(monkeypatch):
    monkeypatch.setattr("pinn.objective.last_layer.MEASURED", 40)
    problem = Burgers()
    objective = Objective(problem, network(problem, depth=1), measured={"data": ("u",)})
    at = draw(problem, "interior", 333).coordinates
    data = PointSet(at, None, problem.reference_at(at))
    assert tf.reduce_all(tf.math.is_finite(fitted_last_layer(objective, {"data": data})))
