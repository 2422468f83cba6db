"""The parts of a network: embeddings, gates, blocks, factors, slopes, ranks; alone and together."""

import inspect
import math
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import pinn
from pinn import jets
from pinn.cli.run import compose
from pinn.derivatives import Symbol, nested
from pinn.errors import InputError
from pinn.jets import OPERATOR, VALUE, Plan
from pinn.networks import OPTIONS, Factorization, Fourier, Periodic, Slope, forward, mlp, takes_jets
from pinn.objective import LeastSquares, Objective, blocks, draw
from pinn.optimizers import Adam, GaussNewton
from pinn.problem import Unknown
from pinn.problems import Burgers, Heat5D, Poisson10D
from pinn.run import solve
from pinn.runtime import configure
from pinn.setup import Points, config
from pinn.setup.setup import default_network
from pinn.training import Phase, StopRule

BOX = {"lower": [-1.0, 0.0], "upper": [1.3, 5.0]}
EVERYTHING = {
    "architecture": "modified",
    "periodic": Periodic(coordinates=[0], harmonics=2),
    "fourier": Fourier(count=6, sigma=0.4),
    "factorization": Factorization(),
    "slope": Slope(scale=10.0),
}
SIREN = {"activation": "sin", "initialization": "siren", "slope": Slope(start=3.0)}
NETWORKS = {
    "periodic": {"periodic": Periodic(coordinates=[0], harmonics=2)},
    "periodic in both": {"periodic": Periodic(coordinates=[1, 0], period=[5.0, 2.5])},
    "fourier": {"fourier": Fourier(count=5, sigma=0.5)},
    "modified": {"architecture": "modified"},
    "factorized": {"factorization": Factorization()},
    "siren": SIREN,
    "adaptive": {"slope": Slope(scale=10.0)},
    "modified siren": {**SIREN, "architecture": "modified"},
    "piratenet": {"architecture": "piratenet", "fourier": Fourier(count=3, sigma=0.5)},
    "separable": {"rank": 3},
    "separable piratenets": {
        "architecture": "piratenet",
        "factorization": Factorization(),
        "rank": 2,
        "depth": 1,
    },
    "everything": EVERYTHING,
}
FOURTH = Plan.of([("x", "x", "x", "x"), ("x", "x", "y", "y"), ("x", "y", "y", "y")])
CONF = Path(pinn.__file__).parent.parent / "conf"


def made(name, **settings):
    """Return a network, the blocks of a PirateNet half switched on: what is off has no derivatives."""
    network = mlp(
        **{**BOX, "outputs": 2, "width": 5, "depth": 2, **NETWORKS.get(name, {}), **settings}
    )
    for v in network.trainable_variables:
        if "alpha" in v.path:
            v.assign(0.4)
    return network


def at(count=5, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x": tf.constant(rng.uniform(-1, 1.3, count)),
        "y": tf.constant(rng.uniform(0, 5, count)),
    }


def through(network, points, plan=FOURTH):
    return forward(network, jets.stack(list(jets.coordinates(points, plan).values())))


def drawn(network):
    """Return the trainable arrays that are drawn at random."""
    return [
        v.numpy() for v in network.trainable_variables if np.size(v) > 1 and np.std(np.abs(v)) > 0
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_jets_are_the_nested_derivatives(name):
    network, points = made(name, outputs=1), at()
    assert takes_jets(network) and {v.dtype for v in network.variables} == {"float64"}
    found = through(network, points)

    def field(c):
        return {"u": network(tf.stack([c["x"], c["y"]], axis=1), training=False)[:, 0]}

    symbols = [Symbol("u_" + "".join(i), "derivative", "u", i) for i in FOURTH.indices]
    expected = nested.evaluate(field, symbols, points, {})
    for symbol in symbols:
        fast, slow = (
            jets.component(found[0], symbol.index, points["x"]).numpy(),
            expected[symbol.name].numpy(),
        )
        np.testing.assert_allclose(
            fast, slow, rtol=1e-9, atol=1e-11 * max(1, np.max(np.abs(slow))), err_msg=symbol.name
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_saves_and_loads_bitwise(name, tmp_path):
    network = made(name, seed=3)
    for v in network.trainable_variables:
        v.assign(v + 0.1)  # numbers that no initializer gives
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    x = np.random.default_rng(0).uniform(-1, 5, (5, 2))
    assert np.array_equal(loaded(x), network(x)) and takes_jets(loaded)
    assert [v.shape for v in loaded.trainable_variables] == [
        v.shape for v in network.trainable_variables
    ]
    for index, component in through(network, at()).components.items():
        assert np.array_equal(through(loaded, at()).components[index], component), index
    again = network.__class__.from_config(network.get_config())
    assert [v.shape for v in again.variables] == [v.shape for v in network.variables]


def count(settings, *, axes=(0, 1), outputs=2, width=5, depth=2):
    """Return the number of trained weights of a network of some coordinates."""
    if settings.get("rank"):
        alone = {k: v for k, v in settings.items() if k != "rank"}
        return sum(
            count(alone, axes=[i], outputs=outputs * settings["rank"], depth=depth) for i in axes
        )
    periodic, fourier = settings.get("periodic"), settings.get("fourier")
    waves = len(set(periodic.coordinates) & set(axes)) if periodic else 0
    features = len(axes) + (waves * (2 * periodic.harmonics - 1) if periodic else 0)
    features = 2 * fourier.count if fourier else features
    architecture = settings.get("architecture", "plain")
    encoders = 0 if architecture == "plain" else 2
    sizes = (
        [(features, width)] * (1 + encoders) + [(width, width)] * (depth - 1) + [(width, outputs)]
    )
    if architecture == "piratenet":
        block = [(features, width), (width, width), (width, features)]
        sizes = [(features, width)] * encoders + block * depth + [(features, outputs)]
    per_unit = 2 if settings.get("factorization") else 1  # a bias, and a scale
    slopes = len(sizes) - 1 if settings.get("slope") else 0
    alphas = depth if architecture == "piratenet" else 0
    return sum((inputs + per_unit) * units for inputs, units in sizes) + slopes + alphas


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_those_of_the_formula(name):
    assert sum(np.size(v) for v in made(name).trainable_variables) == count(
        NETWORKS[name], depth=NETWORKS[name].get("depth", 2)
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_no_two_layers_and_no_two_seeds_are_equal(name):
    arrays, others = (drawn(made(name, depth=4, seed=s)) for s in (4, 5))
    assert len(arrays) >= 5
    for i, a in enumerate(arrays):
        assert not any(a.shape == b.shape and np.any(a == b) for b in arrays[:i])
    assert all(np.all(a != b) for a, b in zip(arrays, others, strict=True))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(arrays, drawn(made(name, depth=4, seed=4)), strict=True)
    )


def test_seeds_draw_other_fourier_features():
    a, b, c = (made("fourier", seed=s).get_layer("fourier").get_weights()[0] for s in (0, 1, 0))
    assert np.all(a != b) and np.array_equal(a, c)


@pytest.mark.parametrize("lower", [-1.0, 0.1, -math.pi])
@pytest.mark.parametrize("name", ["periodic", "everything"])
def test_the_ends_of_a_period_are_equal_in_value_and_derivatives(name, lower):
    upper = lower + math.tau / 3
    network = made(name, lower=[lower, 0.0], upper=[upper, 5.0])
    y = at()["y"]
    left, right = (through(network, {"x": 0 * y + x, "y": y}).components for x in (lower, upper))
    assert set(left) == set(FOURTH.indices)
    for index in FOURTH.indices:
        assert np.array_equal(left[index], right[index]), index
    ends = [network(np.stack([0 * y + x, y], 1)) for x in (lower, upper)]
    assert np.array_equal(*ends)
    beyond = [
        network(np.stack([0 * y + lower + 0.3 + k * (upper - lower), y], 1)) for k in (0, 1, -2)
    ]
    np.testing.assert_allclose(beyond[1:], [beyond[0]] * 2, rtol=1e-12, atol=1e-13)


def test_the_period_is_exact_in_a_compiled_program():
    network, y = made("periodic"), at()["y"]
    compiled = tf.function(
        lambda x: through(network, {"x": x, "y": y}).tensors, autograph=False, jit_compile=True
    )
    left, right = (compiled(0 * y + tf.constant(x, tf.float64)) for x in (-1.0, 1.3))
    assert all(np.array_equal(left[key], right[key]) for key in left)


def test_periodic_features():
    network = made("periodic", periodic=Periodic(coordinates=[1], harmonics=3, period=4.0))
    x, y = np.array([-1.0, 1.3, 0.7]), np.array([0.0, 5.0, 1.7])
    waves = [f(2 * np.pi * k * y / 4) for k in (1, 2, 3) for f in (np.cos, np.sin)]
    expected = np.stack([2 * (x + 1) / 2.3 - 1, *waves], 1)
    np.testing.assert_allclose(network.layers[0](np.stack([x, y], 1)), expected, atol=1e-14)


def test_fourier_features():
    network = made("fourier", fourier=Fourier(count=2000, sigma=0.7))
    layer, x = network.get_layer("fourier"), np.random.default_rng(0).uniform(-1, 1, (4, 2))
    waves = layer.get_weights()[0][:, :2000] / np.pi
    assert np.std(waves) == pytest.approx(0.7, rel=0.05)
    angles = np.pi * x @ waves
    np.testing.assert_allclose(
        layer(x), np.concatenate([np.cos(angles), np.sin(angles)], 1), atol=1e-13
    )
    assert not layer.trainable_variables


def test_the_modified_perceptron_is_that_of_the_paper():
    network, x = made("modified"), np.random.default_rng(0).uniform(-1, 1, (4, 2))
    layers = {layer.name: layer for layer in network.layers}
    inside = np.asarray(layers["scaling"](x))
    u, v, h = (layers[f"dense_{k}"](inside).numpy() for k in (3, 4, 0))
    h = (1 - h) * u + h * v
    z = layers["dense_1"](h).numpy()
    np.testing.assert_allclose(network(x), layers["dense_2"]((1 - z) * u + z * v), rtol=1e-13)


def test_a_piratenet_is_that_of_the_paper():
    network, x = made("piratenet"), np.random.default_rng(0).uniform(-1, 1, (4, 2))
    layers = {layer.name: layer for layer in network.layers}
    h = np.asarray(layers["fourier"](layers["scaling"](x)))
    u, v = (layers[f"dense_{k}"](h).numpy() for k in (7, 8))
    for block in (0, 1):
        z = h
        for k in (0, 1):
            f = layers[f"dense_{3 * block + k}"](z).numpy()
            z = f * u + (1 - f) * v
        h = 0.4 * layers[f"dense_{3 * block + 2}"](z).numpy() + (1 - 0.4) * h
    np.testing.assert_allclose(network(x), layers["dense_6"](h), rtol=1e-12)


def test_a_piratenet_starts_linear_in_its_embedding():
    network = mlp(
        **BOX,
        outputs=2,
        width=5,
        depth=3,
        architecture="piratenet",
        fourier=Fourier(count=4),
        frequency=3.0,
    )
    x, layers = (
        np.random.default_rng(0).uniform(-1, 1, (4, 2)),
        {layer.name: layer for layer in network.layers},
    )
    assert [float(v.numpy()) for v in network.trainable_variables if v.shape == ()] == [0.0] * 3
    np.testing.assert_array_equal(
        network(x), layers["dense_9"](layers["fourier"](layers["scaling"](x)))
    )
    plain = mlp(
        **BOX, outputs=2, width=5, depth=3, architecture="piratenet", fourier=Fourier(count=4)
    )
    ratios = {
        k: layers[f"dense_{k}"].kernel / plain.get_layer(f"dense_{k}").kernel for k in range(12)
    }
    faster = [k for k, ratio in ratios.items() if np.allclose(ratio, 3)]
    assert faster == [0, 10, 11] and all(np.allclose(ratios[k], 1) for k in {*ratios} - {*faster})


def test_a_separable_network_is_a_sum_of_products_of_functions_of_one_coordinate():
    network, x = made("separable"), np.random.default_rng(0).uniform(-1, 1, (4, 2))
    factors = [network.get_layer(f"factor_{axis}") for axis in (0, 1)]
    one, other = (f(x[:, i : i + 1]).numpy().reshape(4, 2, 3) for i, f in enumerate(factors))
    np.testing.assert_allclose(network(x), np.sum(one * other, axis=2), rtol=1e-13)
    lone = mlp(lower=[0.0], upper=[2.0], outputs=2, rank=3)  # of one coordinate
    assert lone(np.zeros((4, 1))).shape == (4, 2)


@pytest.mark.parametrize("count", [3, 10])
def test_a_separable_network_starts_neither_flat_nor_large_in_any_dimension(count):
    network = mlp(lower=[0.0] * count, upper=[1.0] * count, outputs=1, rank=20)
    values = network(np.random.default_rng(0).uniform(0, 1, (100, count))).numpy()
    assert 0.1 < np.std(values) < 10 and np.abs(np.mean(values)) < 20


LAPLACIANS = [*NETWORKS, "mlp"]


@pytest.mark.parametrize("name", LAPLACIANS)
def test_the_forward_laplacian_has_value_gradient_and_laplacian_and_no_more(name, eager):
    """In d dimensions 1 + d + 1 components behind every layer; equal to the sum of 1 + 2d components and of nested tapes."""
    axes = [f"x{i}" for i in range(1, 7)]
    periodic = (
        {"periodic": Periodic(coordinates=[1, 0])} if "periodic" in NETWORKS.get(name, {}) else {}
    )
    network = made(name, lower=[0.0] * 6, upper=[1.0] * 6, outputs=1, **periodic)
    points = dict(
        zip(axes, tf.constant(np.random.default_rng(0).uniform(0, 1, (6, 3))), strict=True)
    )
    seen, sizes = set(), []

    def hook(layer, inputs, outputs):
        seen.update(outputs.components)
        sizes.append(len(outputs.components))
        return outputs

    def through_with(plan, hook=None):
        return forward(
            network, jets.stack(list(jets.coordinates(points, plan).values())), hook=hook
        )

    found = through_with(Plan.of([], laplacian=axes), hook)
    gradient = {(c,) for c in axes}
    assert (
        seen <= {VALUE, OPERATOR} | gradient
        and set(found.components) <= {VALUE, OPERATOR} | gradient
    )
    # Behind the first layer, whose outputs are not bent yet; a factor of a separable network has
    # one coordinate.
    assert max(sizes) == (3 if "separable" in name else 8)
    apart = through_with(Plan.of([(c, c) for c in axes]))
    assert len(apart.components) <= 13 and OPERATOR not in apart.components
    summed = sum(jets.component(apart[0], (c, c), points["x1"]) for c in axes)

    def field(c):
        return {"u": network(tf.stack(list(c.values()), axis=1), training=False)[:, 0]}

    slow = nested.evaluate(field, [Symbol("lap_u", "laplacian", "u")], points, {})["lap_u"]
    for other in (summed, slow):
        np.testing.assert_allclose(
            jets.component(found[0], OPERATOR, points["x1"]), other, rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize(
    ("problem", "components"), [(Poisson10D(), 12), (Heat5D(), 7)], ids=["poisson_10d", "heat_5d"]
)
@pytest.mark.parametrize("file", sorted(p.stem for p in (CONF / "network").glob("*.yaml")))
def test_problems_of_many_dimensions_take_the_forward_laplacian(file, problem, components, eager):
    """u_t goes into one part with the Laplacian where the equation is linear in both."""
    node = {
        k: v for k, v in compose([f"network={file}"])[0]["network"].items() if k != config.TARGET
    }
    groups = {k: OPTIONS[k](**v) for k, v in node.items() if k in OPTIONS and v is not None}
    settings = {
        **node,
        **groups,
        "width": 4,
        "depth": 2,
        "symmetric": None,
    }  # these problems have no mirrors
    if groups.get("periodic"):
        settings["periodic"] = Periodic(coordinates=["x1"])
    objective = Objective(problem, default_network(problem, seed=0, **settings))
    cut = blocks(draw(problem, "interior", 3), threads=1, size=3, dtype="float64")
    sizes = []

    def hook(layer, inputs, outputs):
        sizes.append(len(outputs.components))
        return outputs

    piece = tf.nest.map_structure(lambda a: a[0, 0], cut)
    objective.residuals(
        objective.flat.partition(objective.flat.flatten()), "interior", piece, hook=hook
    )
    assert max(sizes) == (3 if file == "separable" else components)


def test_a_factorization_starts_from_the_same_weights():
    plain, network = (
        mlp(**BOX, outputs=1, seed=2),
        mlp(**BOX, outputs=1, seed=2, factorization=Factorization()),
    )
    for k in range(4):
        layer = network.get_layer(f"dense_{k}")
        kernel = layer.direction.numpy() * np.exp(layer.log_scale.numpy())
        np.testing.assert_allclose(kernel, plain.get_layer(f"dense_{k}").kernel.numpy(), rtol=1e-14)
    scales = np.concatenate([network.get_layer(f"dense_{k}").log_scale.numpy() for k in range(3)])
    assert np.mean(scales) == pytest.approx(1.0, abs=0.06) and np.std(scales) == pytest.approx(
        0.1, rel=0.4
    )


def test_a_slope_starts_without_effect():
    x = np.random.default_rng(0).uniform(-1, 1, (4, 2))
    assert np.array_equal(
        mlp(**BOX, outputs=1, slope=Slope(scale=10.0))(x), mlp(**BOX, outputs=1)(x)
    )


def test_a_siren_starts_as_in_the_paper():
    network = mlp(
        **BOX, outputs=1, width=200, depth=2, **{**SIREN, "slope": Slope(scale=5.0, start=30.0)}
    )
    first, second, last = (network.get_layer(f"dense_{k}") for k in range(3))
    assert [float(v.numpy()) for v in network.trainable_variables if v.shape == ()] == [6.0, 6.0]
    assert 0.49 < np.max(np.abs(first.kernel)) <= 0.5 and np.max(np.abs(first.bias)) <= 2**-0.5
    bound = math.sqrt(6 / 200) / 30
    for layer in (second, last):
        assert 0.95 * bound < np.max(np.abs(layer.kernel)) <= bound
        assert np.max(np.abs(layer.bias)) <= 200**-0.5
    assert np.max(np.abs(second.bias)) > 0.9 * 200**-0.5


@pytest.mark.parametrize(
    "settings", [{}, {"architecture": "modified"}, {"factorization": Factorization()}]
)
def test_frequency_multiplies_what_sees_the_coordinates(settings):
    slow, fast = (mlp(**BOX, outputs=1, depth=2, frequency=f, **settings) for f in (1.0, 3.0))
    found = {}
    for layer, other in zip(slow.layers, fast.layers, strict=True):
        if layer.trainable_variables:
            ratio = np.asarray(other.trainable_variables[0]) / np.asarray(
                layer.trainable_variables[0]
            )
            found[layer.name] = float(np.max(ratio).round(12))
            assert np.ptp(ratio) < 1e-12
    modified = {"dense_3": 3.0, "dense_4": 3.0} if settings.get("architecture") else {}
    assert found == {"dense_0": 3.0, "dense_1": 1.0, "dense_2": 1.0, **modified}


BAD = [
    ({"architecture": "modfied"}, "network.architecture='modfied'", "Did you mean 'modified'"),
    ({"initialization": "sirens"}, "network.initialization='sirens'", "Did you mean 'siren'"),
    ({"fourier": 64}, "network.fourier=64", "give a Fourier"),
    ({"slope": {"scale": 1.0}}, "network.slope=", "give a Slope"),
    ({"periodic": Periodic(coordinates=[2])}, "coordinates=[2]", "0 to 1"),
    ({"periodic": Periodic(coordinates=["x"])}, "coordinates=['x']", "no index"),
    ({"frequency": -1.0}, "network.frequency=-1.0", "positive"),
    ({"rank": 0}, "network.rank=0", "at least 1"),
    ({"rank": 2, "periodic": Periodic(coordinates=[2])}, "coordinates=[2]", "0 to 1"),
]
BAD_OPTIONS = [
    (Periodic, {}, "network.periodic.coordinates=()", "list of names"),
    (Periodic, {"coordinates": "x"}, "network.periodic.coordinates='x'", "list of names"),
    (Periodic, {"coordinates": [0, 0]}, "network.periodic.coordinates=[0, 0]", "each once"),
    (Periodic, {"coordinates": [0], "harmonics": 0}, "network.periodic.harmonics=0", "at least 1"),
    (Periodic, {"coordinates": [0], "period": -1.0}, "network.periodic.period=-1.0", "positive"),
    (
        Periodic,
        {"coordinates": [0], "period": [1.0, 2.0]},
        "network.periodic.period=[1.0, 2.0]",
        "one number",
    ),
    (Fourier, {"count": 2.5}, "network.fourier.count=2.5", "whole number"),
    (Fourier, {"sigma": math.nan}, "network.fourier.sigma=nan", "positive"),
    (Factorization, {"mean": math.inf}, "network.factorization.mean=inf", "finite"),
    (Factorization, {"stddev": -0.1}, "network.factorization.stddev=-0.1", "at least 0"),
    (Slope, {"scale": 0}, "network.slope.scale=0", "positive"),
    (Slope, {"start": True}, "network.slope.start=True", "positive"),
]
BAD_RUNS = [
    ("network.periodic=[z]", "network.periodic.coordinates=['z']", "Known: t, x"),
    ("network.periodic=[[x]]", "[['x']]", "no index"),
    ("network.periodic={harmonics: 2}", "network.periodic.coordinates=()", "list of names"),
    ("network.periodic=x", "network.periodic='x'", "settings by name"),
    (
        "network.periodic={coordinate: [x]}",
        "network.periodic.coordinate",
        "Did you mean 'coordinates'",
    ),
    ("network.fourier={count: many}", "network.fourier.count='many'", "whole number"),
    ("network.fourier=64", "network.fourier=64", "settings by name"),
    ("+network.fourrier={count: 3}", "network.fourrier", "Did you mean 'fourier'"),
    ("network.slope={scael: 3}", "network.slope.scael", "Did you mean 'scale'"),
    ("network=sirren", "'sirren'", "Did you mean 'siren'"),
]


def told(function, *words):
    with pytest.raises(InputError) as error:
        function()
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value), (
        error.value
    )


@pytest.mark.parametrize(("settings", "offender", "remedy"), BAD)
def test_bad_settings_are_told(settings, offender, remedy):
    told(lambda: mlp(**BOX, outputs=1, **settings), offender, remedy)


@pytest.mark.parametrize(("kind", "settings", "offender", "remedy"), BAD_OPTIONS)
def test_bad_settings_of_parts_are_told(kind, settings, offender, remedy):
    told(lambda: kind(**settings), offender, remedy)


@pytest.mark.parametrize(("override", "offender", "remedy"), BAD_RUNS)
def test_bad_configurations_are_told(override, offender, remedy):
    told(lambda: config.setup(compose([override])[0]), offender, remedy)


@pytest.mark.parametrize("name", sorted(p.stem for p in (CONF / "network").glob("*.yaml")))
def test_every_network_file_composes_and_builds(name):
    run = compose([f"network={name}", "network.depth=2", "seed=3"])[0]
    assert set(run["network"]) == set(compose([])[0]["network"])
    made = config.setup(run)
    assert takes_jets(made.network) and made.network.count_params() > 0
    assert made.objective(None).flat.size == sum(
        np.size(v) for v in made.network.trainable_variables
    )


@pytest.mark.parametrize(
    ("name", "key", "part"),
    [
        ("periodic", "periodic", Periodic(coordinates=["x"])),
        ("fourier", "fourier", Fourier()),
        ("factorized", "factorization", Factorization()),
        ("adaptive", "slope", Slope()),
    ],
)
def test_defaults_in_yaml_are_those_of_the_class(name, key, part):
    assert type(part)(**compose([f"network={name}"])[0]["network"][key]) == part


def test_defaults_of_the_perceptron_are_in_its_file():
    node = compose([])[0]["network"]
    defaults = {name: p.default for name, p in inspect.signature(mlp).parameters.items()}
    assert node.pop(config.TARGET) == "pinn.networks.mlp" and node.pop("symmetric") is None
    assert node == {
        k: v for k, v in defaults.items() if k not in ("lower", "upper", "outputs", "seed")
    }


def test_parts_compose_on_the_command_line():
    overrides = [
        "network=siren",
        "network.architecture=modified",
        "network.periodic=[x]",
        "network.fourier={count: 3}",
    ]
    network = config.setup(compose([*overrides, "network.slope.start=5"])[0]).network
    assert network.name == "modified_mlp" and network.get_layer("fourier").units == 6
    assert (
        network.get_layer("periodic").periods == {0: 2.0}
        and network.get_layer("slope_1").start == 5
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_the_jacobian_by_taps_is_the_general_one(name, eager, monkeypatch):
    problem = Burgers(unknowns={"nu": Unknown(0.02, 0.0)})
    lower, upper = problem.bounds
    network = made(name, outputs=1, lower=lower, upper=upper)
    objective = Objective(problem, network, hard=True)
    batch = objective.batch(
        {
            "interior": blocks(
                draw(problem, "interior", 9, seed=1), threads=1, size=9, dtype="float64"
            )
        }
    )
    theta = objective.flat.flatten()
    with monkeypatch.context() as patch:
        patch.setattr(
            tf.GradientTape, "jacobian", None
        )  # the general way, which the hook makes needless
        ((residuals, by_hooks),) = LeastSquares(objective).jacobian(theta, batch)
    monkeypatch.setattr(
        "pinn.objective.least_squares._Tap.__call__", lambda self, layer, inputs, outputs: outputs
    )
    ((same, general),) = LeastSquares(objective).jacobian(theta, batch)
    np.testing.assert_allclose(residuals, same, rtol=1e-12)
    np.testing.assert_allclose(by_hooks, general, rtol=1e-9, atol=1e-11 * np.max(np.abs(general)))
    assert np.all(np.any(by_hooks != 0, axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_compiled_jacobian_is_that_of_the_nested_engine(name):
    problem = Burgers(unknowns={"nu": Unknown(0.02, 0.0)})
    lower, upper = problem.bounds
    network = made(name, outputs=1, lower=lower, upper=upper)
    fast, slow = (
        Objective(problem, network, hard=True, derivatives=d) for d in ("taylor", "nested")
    )
    points = draw(problem, "interior", 24, seed=1)
    batch = fast.batch({"interior": blocks(points, threads=2, size=12, dtype="float64")})
    (_, by_hooks), (_, general) = (
        next(LeastSquares(o).jacobian(fast.flat.flatten(), batch)) for o in (fast, slow)
    )
    np.testing.assert_allclose(by_hooks, general, rtol=1e-9, atol=1e-11 * np.max(np.abs(general)))


def trained(name, *optimizers, **options):
    """Return the solution of a network trained a little, all of which moved but what is frozen."""
    lower, upper = Burgers().bounds
    network = made(name, outputs=1, lower=lower, upper=upper)
    before, frozen = (
        [v.numpy() for v in network.variables],
        {id(v) for v in network.non_trainable_variables},
    )
    stop = StopRule(max_iterations=4)
    phases = [Phase(name=m.label, optimizer=m, stop=stop, report_every=1) for m in optimizers]
    points = Points(counts={"interior": 32}, test=32)
    solution = solve(
        Burgers(), network=network, phases=phases, points=points, show=False, **options
    )
    assert solution.metrics["loss"] < solution.history["loss"][0]
    for value, variable in zip(before, network.variables, strict=True):
        assert np.array_equal(value, variable.numpy()) == (id(variable) in frozen), variable.path
    return solution


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_trained(name, eager):
    trained(name, Adam())


def test_a_run_with_everything_is_read_back(eager, tmp_path):
    solution = trained("everything", Adam(), folder=tmp_path / "run")
    loaded = pinn.load(tmp_path / "run")
    assert np.array_equal(loaded(x=0.3, t=0.5)["u"], solution(x=0.3, t=0.5)["u"])


@pytest.mark.slow
def test_gauss_newton_takes_everything():
    solution = trained("everything", GaussNewton())
    assert solution.metrics["loss"] < 0.2 * solution.history["loss"][0]


def test_numbers_are_exact_in_double_precision_and_stay_so_where_single_is_the_default(tmp_path):
    network = made("everything", slope=Slope(scale=1.0, start=0.1), lower=[-0.1, 0.0])
    assert [float(v) for v in network.trainable_variables if v.shape == ()] == [0.1] * 4
    x = np.random.default_rng(0).uniform(-1, 5, (5, 2))
    network.save(tmp_path / "network.keras")
    configure(dtype="float32")
    try:
        loaded = keras.models.load_model(tmp_path / "network.keras")
        single = made("everything")
    finally:
        configure(dtype="float64")
    assert np.array_equal(loaded(x), network(x)) and {v.dtype for v in loaded.variables} == {
        "float64"
    }
    points = {c: tf.cast(value, tf.float32) for c, value in at().items()}
    assert {component.dtype for component in through(single, points).components.values()} == {
        tf.float32
    }
