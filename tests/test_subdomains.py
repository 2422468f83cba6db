"""Networks of subdomains: shares, derivatives in both engines, the Jacobian, settings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn.derivatives import nested, taylor
from pinn.errors import InputError
from pinn.networks import Subdomains, mlp, takes_jets
from pinn.networks.decomposed import PartitionOfUnity
from pinn.objective import LeastSquares, Objective, cut_into_blocks, draw, trial
from pinn.problems import HeatFieldInverse, KleinGordon
from pinn.setup.network import build_network, default_network

PARTS = Subdomains(counts={"t": 3, "x": 2})


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Return a network that was saved and loaded, as a run's is."""
    path = tmp_path_factory.mktemp("network") / "network.keras"
    default_network(KleinGordon(), seed=0, width=4, depth=2, subdomains=PARTS).save(path)
    return keras.saving.load_model(path, compile=False)


def test_every_part_has_a_network_of_its_own(network):
    assert takes_jets(network)
    shapes = [tuple(v.shape) for v in network.trainable_variables]
    assert shapes == [(6, 2, 4), (6, 4), (6, 4, 4), (6, 4), (6, 4, 1), (6, 1)]
    kernels = network.trainable_variables[0].numpy()
    assert len(np.unique(kernels)) == kernels.size


@pytest.mark.usefixtures("eager")
def test_derivatives_in_both_engines(network):
    problem = KleinGordon()
    points = draw(problem, "interior", 9).coordinates
    columns = {c: tf.constant(column) for c, column in zip("xt", points.T, strict=True)}
    symbols = [problem.symbol(name) for name in ("u", "u_x", "u_xx", "u_tt", "u_xt", "lap_u")]
    solution = trial(problem, network, hard=False)
    fast = taylor.evaluate(solution, symbols, columns, {})
    slow = nested.evaluate(solution, symbols, columns, {})
    for name, values in fast.items():
        assert values.numpy() == pytest.approx(slow[name].numpy(), abs=1e-11)


@pytest.mark.usefixtures("eager")
def test_the_jacobian_gives_the_gradient(network):
    problem = KleinGordon()
    objective = Objective(problem, network)
    theta = objective.flat.flatten()
    point_sets = {}
    for region in objective.regions:
        drawn = draw(problem, region, 8)
        point_sets[region] = cut_into_blocks(drawn, threads=1, size=8, dtype="float64")
    batch = objective.batch(point_sets)
    by_jacobian = 0
    for residuals, columns in LeastSquares(objective).jacobian(theta, batch):
        by_jacobian = by_jacobian + 2 * (columns @ residuals[:, None])[:, 0].numpy()
    _, gradient = objective.value_and_gradient(theta, batch)
    assert by_jacobian == pytest.approx(gradient.numpy(), rel=1e-9, abs=1e-11)


def test_shares_sum_to_one_and_are_those_of_the_own_part():
    layer = PartitionOfUnity(
        counts=[40, 1, 2], lower=[-5.0, 0.0, 1.0], upper=[3.0, 1.0, 2.0], overlap=0.5, outputs=2
    )
    x = np.linspace(-5, 3, 400)
    shares = layer(np.stack([x, 0 * x, 0 * x + 1.1], axis=1)).numpy()
    assert shares.shape == (400, 160)
    assert np.all(shares[:, ::2] == shares[:, 1::2])
    by_part = shares[:, ::2].reshape(400, 40, 2)
    assert np.sum(by_part, axis=(1, 2)) == pytest.approx(1.0, abs=1e-12)
    assert np.all(np.argmax(by_part[:, :, 0], axis=1) == np.minimum((x + 5) // 0.2, 39))
    places = np.stack([np.linspace(-4.9, 2.9, 40), np.full(40, 0.5), np.full(40, 1.25)], axis=1)
    middles = layer(places).numpy()[:, ::2]
    own = middles.reshape(40, 40, 2)[np.arange(40), np.arange(40), 0]
    assert np.all(own > 0.95)


def test_parts_are_those_of_the_coordinates_that_a_network_takes():
    network = default_network(
        HeatFieldInverse(), seed=0, width=3, depth=1, subdomains=Subdomains(counts={"t": 2})
    )
    fields, unknown = (network.get_layer(name) for name in ("fields", "a"))
    assert fields.trainable_variables[0].shape == (2, 3, 3)
    assert unknown.trainable_variables[0].shape == (2, 3)
    one = mlp(lower=[0.0], upper=[1.0], outputs=1, subdomains=Subdomains(counts={0: 1}))
    assert np.all(np.isfinite(one(np.array([[0.0], [1.0]]))))


WRONG = [
    ({"counts": {}}, "network.subdomains.counts={}; give the number of parts by coordinate"),
    ({"counts": {"t": 0}}, "network.subdomains.counts.t=0"),
    ({"counts": {"y": 2}}, "network.subdomains.counts: 'y' is no coordinate"),
    ({"counts": {"t": 2}, "overlap": 0}, "network.subdomains.overlap=0"),
    ({"counts": {"t": 2}, "overlaps": 1}, "network.subdomains.overlaps: unknown setting"),
]


@pytest.mark.parametrize(("node", "words"), WRONG)
def test_wrong_settings_are_refused(node, words):
    with pytest.raises(InputError) as error:
        build_network({"subdomains": node}, KleinGordon(), seed=0, dtype="float64")
    assert words in str(error.value)


@pytest.mark.parametrize("other", [{"rank": 2}, {"architecture": "modified"}])
def test_what_does_not_go_with_subdomains_is_refused(other):
    with pytest.raises(InputError, match="subdomains: do not go with network"):
        mlp(lower=[0.0], upper=[1.0], outputs=1, subdomains=Subdomains(counts={0: 2}), **other)
    with pytest.raises(InputError, match="'1' is no index|1 is no index"):
        mlp(lower=[0.0], upper=[1.0], outputs=1, subdomains=Subdomains(counts={1: 2}))
