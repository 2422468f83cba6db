"""The options of a network, alone and together: embeddings, architectures, slopes, ranks."""

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
from pinn.objective import LeastSquares, Objective, cut_into_blocks, draw
from pinn.optimizers import Adam, GaussNewton
from pinn.problems import Burgers, Heat5D, Poisson10D
from pinn.run import solve
from pinn.runtime import set_precision
from pinn.setup import Points, config
from pinn.setup.network import default_network
from pinn.training import Phase, StopRule
from pinn.unknowns import Unknown

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
SECOND = Plan.of([("x", "x"), ("x", "y")])
CONF = Path(pinn.__file__).parent.parent / "conf"


def build(name, **settings):
    """Return a network; a PirateNet's blocks are switched on, so that they have derivatives."""
    defaults = {**BOX, "outputs": 2, "width": 5, "depth": 2}
    network = mlp(**{**defaults, **NETWORKS.get(name, {}), **settings})
    for variable in network.trainable_variables:
        if "alpha" in variable.path:
            variable.assign(0.4)
    return network


def draw_points(count=5, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x": tf.constant(rng.uniform(-1, 1.3, count)),
        "y": tf.constant(rng.uniform(0, 5, count)),
    }


def forward_jets(network, points, plan=FOURTH, hook=None):
    coordinates = jets.coordinates(points, plan).values()
    return forward(network, jets.stack(list(coordinates)), hook=hook)


def random_arrays(network):
    """Return the trainable arrays that are drawn at random."""
    arrays = [variable.numpy() for variable in network.trainable_variables]
    return [array for array in arrays if array.size > 1 and np.std(np.abs(array)) > 0]


@pytest.mark.quick("everything")
@pytest.mark.parametrize("name", NETWORKS)
def test_jets_are_the_nested_derivatives(name):
    # One block, as deeper networks repeat it; those of `EVERYTHING` have two.
    network = build(name, outputs=1, depth=2 if name == "everything" else 1)
    points = draw_points()
    assert takes_jets(network)
    assert {v.dtype for v in network.variables} == {"float64"}
    outputs = forward_jets(network, points)

    def field(c):
        return {"u": network(tf.stack([c["x"], c["y"]], axis=1), training=False)[:, 0]}

    symbols = [Symbol("u_" + "".join(i), "derivative", "u", i) for i in FOURTH.indices]
    expected = nested.evaluate(field, symbols, points, {})
    for symbol in symbols:
        fast = jets.component(outputs[0], symbol.index, points["x"]).numpy()
        slow = expected[symbol.name].numpy()
        tolerance = 1e-11 * max(1, np.max(np.abs(slow)))
        np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=tolerance, err_msg=symbol.name)


@pytest.mark.quick("everything", "fourier", "siren")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_saved_and_loaded_bitwise(name, tmp_path):
    network = build(name, seed=3)
    for variable in network.trainable_variables:
        variable.assign(variable + 0.1)  # values that no initializer gives
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    x = np.random.default_rng(0).uniform(-1, 5, (5, 2))
    assert np.array_equal(loaded(x), network(x))
    assert takes_jets(loaded)
    assert shapes(loaded.trainable_variables) == shapes(network.trainable_variables)
    components = forward_jets(network, draw_points(), SECOND).components
    loaded_components = forward_jets(loaded, draw_points(), SECOND).components
    for index, component in components.items():
        assert np.array_equal(loaded_components[index], component), index
    rebuilt = network.__class__.from_config(network.get_config())
    assert shapes(rebuilt.variables) == shapes(network.variables)


def shapes(variables):
    return [variable.shape for variable in variables]


def count_parameters(settings, *, axes=(0, 1), outputs=2, width=5, depth=2):
    """Return the number of parameters of a network of some coordinates."""
    if settings.get("rank"):
        factor = {k: v for k, v in settings.items() if k != "rank"}
        outputs *= settings["rank"]
        return sum(count_parameters(factor, axes=[i], outputs=outputs, depth=depth) for i in axes)
    periodic = settings.get("periodic")
    fourier = settings.get("fourier")
    waves = len(set(periodic.coordinates) & set(axes)) if periodic else 0
    features = len(axes) + (waves * (2 * periodic.harmonics - 1) if periodic else 0)
    features = 2 * fourier.count if fourier else features
    architecture = settings.get("architecture", "plain")
    encoders = 0 if architecture == "plain" else 2
    square = (width, width)
    first = (features, width)
    if architecture == "piratenet":
        block = [first, square, (width, features)]
        sizes = [first] * encoders + block * depth + [(features, outputs)]
    else:
        sizes = [first] * (1 + encoders) + [square] * (depth - 1) + [(width, outputs)]
    per_unit = 2 if settings.get("factorization") else 1  # the bias, and the scale
    slopes = len(sizes) - 1 if settings.get("slope") else 0
    alphas = depth if architecture == "piratenet" else 0
    return sum((inputs + per_unit) * units for inputs, units in sizes) + slopes + alphas


@pytest.mark.parametrize("name", NETWORKS)
def test_the_number_of_parameters_is_that_of_the_formula(name):
    settings = NETWORKS[name]
    count = sum(np.size(v) for v in build(name).trainable_variables)
    assert count == count_parameters(settings, depth=settings.get("depth", 2))


@pytest.mark.parametrize("name", NETWORKS)
def test_no_two_layers_and_no_two_seeds_are_equal(name):
    arrays = random_arrays(build(name, depth=4, seed=4))
    other_seed = random_arrays(build(name, depth=4, seed=5))
    same_seed = random_arrays(build(name, depth=4, seed=4))
    assert len(arrays) >= 5
    for i, a in enumerate(arrays):
        for b in arrays[:i]:
            assert a.shape != b.shape or np.all(a != b)
    for a, other, same in zip(arrays, other_seed, same_seed, strict=True):
        assert np.all(a != other)
        assert np.array_equal(a, same)


def test_other_seeds_draw_other_fourier_features():
    def features(seed):
        return build("fourier", seed=seed).get_layer("fourier").get_weights()[0]

    assert np.all(features(0) != features(1))
    assert np.array_equal(features(0), features(0))


@pytest.mark.parametrize("lower", [-1.0, 0.1, -math.pi])
@pytest.mark.parametrize("name", ["periodic", "everything"])
def test_the_ends_of_a_period_are_equal_in_value_and_derivatives(name, lower):
    upper = lower + math.tau / 3
    network = build(name, lower=[lower, 0.0], upper=[upper, 5.0])
    y = draw_points()["y"]
    left = forward_jets(network, {"x": 0 * y + lower, "y": y}).components
    right = forward_jets(network, {"x": 0 * y + upper, "y": y}).components
    assert set(left) == set(FOURTH.indices)
    for index in FOURTH.indices:
        assert np.array_equal(left[index], right[index]), index

    def values(x):
        return network(np.stack([0 * y + x, y], 1))

    assert np.array_equal(values(lower), values(upper))
    inside = values(lower + 0.3)
    for periods in (1, -2):
        shifted = values(lower + 0.3 + periods * (upper - lower))
        np.testing.assert_allclose(shifted, inside, rtol=1e-12, atol=1e-13)


def test_the_period_is_exact_in_a_compiled_program():
    network = build("periodic")
    y = draw_points()["y"]

    @tf.function(autograph=False, jit_compile=True)
    def components(x):
        return forward_jets(network, {"x": x, "y": y}, SECOND).tensors

    left = components(0 * y + tf.constant(-1.0, tf.float64))
    right = components(0 * y + tf.constant(1.3, tf.float64))
    assert all(np.array_equal(left[key], right[key]) for key in left)


def test_periodic_features():
    network = build("periodic", periodic=Periodic(coordinates=[1], harmonics=3, period=4.0))
    x = np.array([-1.0, 1.3, 0.7])
    y = np.array([0.0, 5.0, 1.7])
    expected = [2 * (x + 1) / 2.3 - 1]
    for k in (1, 2, 3):
        angle = 2 * np.pi * k * y / 4
        expected += [np.cos(angle), np.sin(angle)]
    features = network.layers[0](np.stack([x, y], 1))
    np.testing.assert_allclose(features, np.stack(expected, 1), atol=1e-14)


def test_fourier_features():
    network = build("fourier", fourier=Fourier(count=2000, sigma=0.7))
    layer = network.get_layer("fourier")
    x = np.random.default_rng(0).uniform(-1, 1, (4, 2))
    waves = layer.get_weights()[0][:, :2000] / np.pi
    assert np.std(waves) == pytest.approx(0.7, rel=0.05)
    angles = np.pi * x @ waves
    expected = np.concatenate([np.cos(angles), np.sin(angles)], 1)
    np.testing.assert_allclose(layer(x), expected, atol=1e-13)
    assert not layer.trainable_variables


def test_the_modified_perceptron_is_that_of_the_paper():
    network = build("modified")
    x = np.random.default_rng(0).uniform(-1, 1, (4, 2))
    layers = {layer.name: layer for layer in network.layers}
    scaled = np.asarray(layers["scaling"](x))
    u = layers["dense_3"](scaled).numpy()
    v = layers["dense_4"](scaled).numpy()
    h = layers["dense_0"](scaled).numpy()
    h = (1 - h) * u + h * v
    z = layers["dense_1"](h).numpy()
    np.testing.assert_allclose(network(x), layers["dense_2"]((1 - z) * u + z * v), rtol=1e-13)


def test_a_piratenet_is_that_of_the_paper():
    network = build("piratenet")
    x = np.random.default_rng(0).uniform(-1, 1, (4, 2))
    layers = {layer.name: layer for layer in network.layers}
    h = np.asarray(layers["fourier"](layers["scaling"](x)))
    u = layers["dense_7"](h).numpy()
    v = layers["dense_8"](h).numpy()
    for block in (0, 1):
        z = h
        for k in (0, 1):
            f = layers[f"dense_{3 * block + k}"](z).numpy()
            z = f * u + (1 - f) * v
        h = 0.4 * layers[f"dense_{3 * block + 2}"](z).numpy() + (1 - 0.4) * h
    np.testing.assert_allclose(network(x), layers["dense_6"](h), rtol=1e-12)


def test_a_piratenet_starts_linear_in_its_embedding():
    settings = {**BOX, "outputs": 2, "width": 5, "depth": 3, "architecture": "piratenet"}
    network = mlp(**settings, fourier=Fourier(count=4), frequency=3.0)
    x = np.random.default_rng(0).uniform(-1, 1, (4, 2))
    layers = {layer.name: layer for layer in network.layers}
    assert scalars(network) == [0.0] * 3
    embedding = layers["fourier"](layers["scaling"](x))
    np.testing.assert_array_equal(network(x), layers["dense_9"](embedding))
    # The frequency multiplies the kernels of the first layer and of both encoders.
    slow = mlp(**settings, fourier=Fourier(count=4))
    for k in range(12):
        ratio = layers[f"dense_{k}"].kernel / slow.get_layer(f"dense_{k}").kernel
        assert np.allclose(ratio, 3 if k in (0, 10, 11) else 1)


def scalars(network):
    """Return the values of the trainable scalars."""
    return [float(v.numpy()) for v in network.trainable_variables if v.shape == ()]


def test_a_separable_network_is_a_sum_of_products_of_functions_of_one_coordinate():
    network = build("separable")
    x = np.random.default_rng(0).uniform(-1, 1, (4, 2))
    products = np.ones((4, 2, 3))
    for axis in (0, 1):
        factor = network.get_layer(f"factor_{axis}")
        products = products * factor(x[:, axis : axis + 1]).numpy().reshape(4, 2, 3)
    np.testing.assert_allclose(network(x), np.sum(products, axis=2), rtol=1e-13)
    one_coordinate = mlp(lower=[0.0], upper=[2.0], outputs=2, rank=3)
    assert one_coordinate(np.zeros((4, 1))).shape == (4, 2)


@pytest.mark.parametrize("count", [3, 10])
def test_a_separable_network_starts_neither_flat_nor_large_in_any_dimension(count):
    network = mlp(lower=[0.0] * count, upper=[1.0] * count, outputs=1, rank=20)
    values = network(np.random.default_rng(0).uniform(0, 1, (100, count))).numpy()
    assert 0.1 < np.std(values) < 10
    assert np.abs(np.mean(values)) < 20


LAPLACIANS = [*NETWORKS, "mlp"]


@pytest.mark.parametrize("name", LAPLACIANS)
def test_the_forward_laplacian_has_only_value_gradient_and_laplacian(name, eager):
    """In d dimensions these are 1 + d + 1 components at every layer.

    The Laplacian equals the sum of the second derivatives (1 + 2d components), and that of nested
    tapes.
    """
    axes = ["x1", "x2", "x3"]
    settings = {}
    if "periodic" in NETWORKS.get(name, {}):
        settings["periodic"] = Periodic(coordinates=[1, 0])
    network = build(name, lower=[0.0] * 3, upper=[1.0] * 3, outputs=1, **settings)
    coordinates = tf.constant(np.random.default_rng(0).uniform(0, 1, (3, 3)))
    points = dict(zip(axes, coordinates, strict=True))
    indices = set()
    sizes = []

    def hook(layer, inputs, outputs):
        indices.update(outputs.components)
        sizes.append(len(outputs.components))
        return outputs

    outputs = forward_jets(network, points, Plan.of([], laplacian=axes), hook)
    allowed = {VALUE, OPERATOR} | {(c,) for c in axes}
    assert indices <= allowed
    assert set(outputs.components) <= allowed
    # The first layer's outputs have no second derivatives yet; a factor of a separable network has
    # only one coordinate.
    assert max(sizes) == (3 if "separable" in name else 5)
    separate = forward_jets(network, points, Plan.of([(c, c) for c in axes]))
    assert len(separate.components) <= 7
    assert OPERATOR not in separate.components
    summed = sum(jets.component(separate[0], (c, c), points["x1"]) for c in axes)

    def field(c):
        return {"u": network(tf.stack(list(c.values()), axis=1), training=False)[:, 0]}

    slow = nested.evaluate(field, [Symbol("lap_u", "laplacian", "u")], points, {})["lap_u"]
    laplacian = jets.component(outputs[0], OPERATOR, points["x1"])
    for other in (summed, slow):
        np.testing.assert_allclose(laplacian, other, rtol=1e-9, atol=1e-9)


@pytest.mark.quick("mlp", "piratenet", "separable")
@pytest.mark.parametrize(
    ("problem", "components"), [(Poisson10D(), 12), (Heat5D(), 7)], ids=["poisson_10d", "heat_5d"]
)
@pytest.mark.parametrize("file", sorted(p.stem for p in (CONF / "network").glob("*.yaml")))
def test_problems_of_many_dimensions_use_the_forward_laplacian(file, problem, components, eager):
    """u_t shares one component with the Laplacian where the equation is linear in both."""
    settings = dict(compose([f"network={file}"])[0]["network"])
    del settings[config.TARGET]
    for name, kind in OPTIONS.items():
        if settings[name] is not None:
            settings[name] = kind(**settings[name])
    if settings["periodic"]:
        settings["periodic"] = Periodic(coordinates=["x1"])
    # These problems have no mirror symmetries.
    settings |= {"width": 4, "depth": 2, "symmetric": None}
    objective = Objective(problem, default_network(problem, seed=0, **settings))
    interior = cut_into_blocks(draw(problem, "interior", 3), threads=1, size=3, dtype="float64")
    sizes = []

    def hook(layer, inputs, outputs):
        sizes.append(len(outputs.components))
        return outputs

    piece = tf.nest.map_structure(lambda a: a[0, 0], interior)
    tensors = objective.flat.partition(objective.flat.flatten())
    objective.residuals(tensors, "interior", piece, hook=hook)
    assert max(sizes) == (3 if file == "separable" else components)


def test_a_factorization_starts_from_the_same_kernels():
    plain = mlp(**BOX, outputs=1, seed=2)
    network = mlp(**BOX, outputs=1, seed=2, factorization=Factorization())
    scales = []
    for k in range(4):
        layer = network.get_layer(f"dense_{k}")
        scale = layer.log_scale.numpy()
        kernel = layer.direction.numpy() * np.exp(scale)
        np.testing.assert_allclose(kernel, plain.get_layer(f"dense_{k}").kernel.numpy(), rtol=1e-14)
        scales.append(scale)
    hidden_scales = np.concatenate(scales[:3])
    assert np.mean(hidden_scales) == pytest.approx(1.0, abs=0.06)
    assert np.std(hidden_scales) == pytest.approx(0.1, rel=0.4)


def test_a_slope_starts_without_effect():
    x = np.random.default_rng(0).uniform(-1, 1, (4, 2))
    network = mlp(**BOX, outputs=1, slope=Slope(scale=10.0))
    assert np.array_equal(network(x), mlp(**BOX, outputs=1)(x))


def test_a_siren_starts_as_in_the_paper():
    settings = {**SIREN, "slope": Slope(scale=5.0, start=30.0)}
    network = mlp(**BOX, outputs=1, width=200, depth=2, **settings)
    first, second, last = (network.get_layer(f"dense_{k}") for k in range(3))
    assert scalars(network) == [6.0, 6.0]
    assert 0.49 < np.max(np.abs(first.kernel)) <= 0.5
    assert np.max(np.abs(first.bias)) <= 2**-0.5
    bound = math.sqrt(6 / 200) / 30
    for layer in (second, last):
        assert 0.95 * bound < np.max(np.abs(layer.kernel)) <= bound
        assert np.max(np.abs(layer.bias)) <= 200**-0.5
    assert np.max(np.abs(second.bias)) > 0.9 * 200**-0.5


@pytest.mark.parametrize(
    "settings", [{}, {"architecture": "modified"}, {"factorization": Factorization()}]
)
def test_frequency_multiplies_the_kernels_that_take_the_coordinates(settings):
    slow = mlp(**BOX, outputs=1, depth=2, frequency=1.0, **settings)
    fast = mlp(**BOX, outputs=1, depth=2, frequency=3.0, **settings)
    ratios = {}
    for slow_layer, fast_layer in zip(slow.layers, fast.layers, strict=True):
        if slow_layer.trainable_variables:
            slow_kernel = np.asarray(slow_layer.trainable_variables[0])
            fast_kernel = np.asarray(fast_layer.trainable_variables[0])
            ratio = fast_kernel / slow_kernel
            ratios[slow_layer.name] = float(np.max(ratio).round(12))
            assert np.ptp(ratio) < 1e-12
    encoders = {"dense_3": 3.0, "dense_4": 3.0} if settings.get("architecture") else {}
    assert ratios == {"dense_0": 3.0, "dense_1": 1.0, "dense_2": 1.0, **encoders}


BAD_SETTINGS = [
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


def assert_raises(function, *words):
    """Assert that a function raises an InputError of one line with some words."""
    with pytest.raises(InputError) as error:
        function()
    message = str(error.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize(("settings", "offender", "remedy"), BAD_SETTINGS)
def test_bad_settings_raise_an_error(settings, offender, remedy):
    assert_raises(lambda: mlp(**BOX, outputs=1, **settings), offender, remedy)


@pytest.mark.parametrize(("kind", "settings", "offender", "remedy"), BAD_OPTIONS)
def test_bad_options_raise_an_error(kind, settings, offender, remedy):
    assert_raises(lambda: kind(**settings), offender, remedy)


@pytest.mark.parametrize(("override", "offender", "remedy"), BAD_RUNS)
def test_bad_configurations_raise_an_error(override, offender, remedy):
    assert_raises(lambda: config.setup(compose([override])[0]), offender, remedy)


@pytest.mark.parametrize("name", sorted(p.stem for p in (CONF / "network").glob("*.yaml")))
def test_every_network_file_composes_and_builds(name):
    run = compose([f"network={name}", "network.depth=2", "seed=3"])[0]
    assert set(run["network"]) == set(compose([])[0]["network"])
    setup = config.setup(run)
    assert takes_jets(setup.network)
    assert setup.network.count_params() > 0
    size = sum(np.size(variable) for variable in setup.network.trainable_variables)
    assert setup.objective(None).flat.size == size


@pytest.mark.parametrize(
    ("name", "key", "options"),
    [
        ("periodic", "periodic", Periodic(coordinates=["x"])),
        ("fourier", "fourier", Fourier()),
        ("factorized", "factorization", Factorization()),
        ("adaptive", "slope", Slope()),
    ],
)
def test_defaults_in_yaml_are_those_of_the_class(name, key, options):
    node = compose([f"network={name}"])[0]["network"][key]
    assert type(options)(**node) == options


def test_defaults_of_the_perceptron_are_in_its_file():
    node = compose([])[0]["network"]
    defaults = {}
    for name, parameter in inspect.signature(mlp).parameters.items():
        if name not in ("lower", "upper", "outputs", "seed", "dtype"):
            defaults[name] = parameter.default
    assert node.pop(config.TARGET) == "pinn.networks.mlp"
    assert node.pop("symmetric") is None
    assert node == defaults


def test_options_are_combined_on_the_command_line():
    overrides = [
        "network=siren",
        "network.architecture=modified",
        "network.periodic=[x]",
        "network.fourier={count: 3}",
    ]
    network = config.setup(compose([*overrides, "network.slope.start=5"])[0]).network
    assert network.name == "modified_mlp"
    assert network.get_layer("fourier").units == 6
    assert network.get_layer("periodic").periods == {0: 2.0}
    assert network.get_layer("slope_1").start == 5


def interior_batch(objective, count):
    """Return a batch of one block of points in the interior."""
    points = draw(objective.problem, "interior", count, seed=1)
    interior = cut_into_blocks(points, threads=1, size=count, dtype="float64")
    return objective.batch({"interior": interior})


@pytest.mark.quick("everything")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_jacobian_by_layer_hooks_is_the_general_one(name, eager, monkeypatch):
    problem = Burgers(unknowns={"nu": Unknown(0.02, 0.0)})
    lower, upper = problem.bounds
    network = build(name, outputs=1, lower=lower, upper=upper)
    objective = Objective(problem, network, hard=True)
    batch = interior_batch(objective, 4)
    theta = objective.flat.flatten()
    with monkeypatch.context() as patch:
        # The general method calls this; the method by layer hooks does not.
        patch.setattr(tf.GradientTape, "jacobian", None)
        ((residuals, by_hooks),) = LeastSquares(objective).jacobian(theta, batch)

    # A hook that does nothing leaves all variables to the general method.
    def without_zeros(self, layer, inputs, outputs):
        return outputs

    monkeypatch.setattr("pinn.objective.jacobian_hook.JacobianHook.__call__", without_zeros)
    ((same, general),) = LeastSquares(objective).jacobian(theta, batch)
    np.testing.assert_allclose(residuals, same, rtol=1e-12)
    np.testing.assert_allclose(by_hooks, general, rtol=1e-9, atol=1e-11 * np.max(np.abs(general)))
    assert np.all(np.any(by_hooks != 0, axis=1))


@pytest.mark.quick("everything", "separable")
@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_compiled_jacobian_is_that_of_the_nested_engine(name):
    problem = Burgers(unknowns={"nu": Unknown(0.02, 0.0)})
    lower, upper = problem.bounds
    network = build(name, outputs=1, lower=lower, upper=upper)
    fast = Objective(problem, network, hard=True, derivatives="taylor")
    slow = Objective(problem, network, hard=True, derivatives="nested")
    points = draw(problem, "interior", 24, seed=1)
    batch = fast.batch({"interior": cut_into_blocks(points, threads=2, size=12, dtype="float64")})
    theta = fast.flat.flatten()
    _, by_hooks = next(LeastSquares(fast).jacobian(theta, batch))
    _, general = next(LeastSquares(slow).jacobian(theta, batch))
    np.testing.assert_allclose(by_hooks, general, rtol=1e-9, atol=1e-11 * np.max(np.abs(general)))


def assert_moved(network, before):
    """Assert that all variables have moved from their values before, and no frozen one."""
    frozen = {id(v) for v in network.non_trainable_variables}
    for value, variable in zip(before, network.variables, strict=True):
        assert np.array_equal(value, variable.numpy()) == (id(variable) in frozen), variable.path


@pytest.mark.quick("fourier")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_trained(name, eager):
    problem = Burgers()
    lower, upper = problem.bounds
    network = build(name, outputs=1, lower=lower, upper=upper)
    before = [v.numpy() for v in network.variables]
    objective = Objective(problem, network, hard=True)
    result = pinn.minimize(
        objective.value_and_gradient,
        objective.flat.flatten(),
        interior_batch(objective, 32),
        optimizer=Adam(),
        stop=StopRule(max_iterations=4),
    )
    assert result.loss < result.start_loss
    objective.flat.assign(result.position)
    assert_moved(network, before)


def train(name, *optimizers, **options):
    """Return the solution of a briefly trained network."""
    lower, upper = Burgers().bounds
    network = build(name, outputs=1, lower=lower, upper=upper)
    before = [v.numpy() for v in network.variables]
    stop = StopRule(max_iterations=4)
    phases = [Phase(name=o.label, optimizer=o, stop=stop, report_every=1) for o in optimizers]
    points = Points(counts={"interior": 32}, test=32)
    solution = solve(
        Burgers(), network=network, phases=phases, points=points, show=False, **options
    )
    assert solution.metrics["loss"] < solution.history["loss"][0]
    assert_moved(network, before)
    return solution


@pytest.mark.slow
def test_a_run_with_all_options_is_loaded(shared_losses, tmp_path, monkeypatch):
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
    solution = train("everything", Adam(), folder=tmp_path / "run")
    loaded = pinn.load(tmp_path / "run")
    assert np.array_equal(loaded(x=0.3, t=0.5)["u"], solution(x=0.3, t=0.5)["u"])


@pytest.mark.slow
def test_gauss_newton_trains_all_options():
    solution = train("everything", GaussNewton())
    assert solution.metrics["loss"] < 0.2 * solution.history["loss"][0]


def test_double_precision_is_exact_and_kept_where_single_precision_is_the_default(tmp_path):
    network = build("everything", slope=Slope(scale=1.0, start=0.1), lower=[-0.1, 0.0])
    assert scalars(network) == [0.1] * 4
    x = np.random.default_rng(0).uniform(-1, 5, (5, 2))
    network.save(tmp_path / "network.keras")
    set_precision("float32")
    try:
        loaded = keras.models.load_model(tmp_path / "network.keras")
        single = build("everything", dtype="float32")
    finally:
        set_precision("float64")
    assert np.array_equal(loaded(x), network(x))
    assert {v.dtype for v in loaded.variables} == {"float64"}
    points = {c: tf.cast(value, tf.float32) for c, value in draw_points().items()}
    components = forward_jets(single, points).components.values()
    assert {component.dtype for component in components} == {tf.float32}
