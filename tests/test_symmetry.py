"""Mirror symmetries: of the references, and of networks that have them built in."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import pinn.problems
from pinn import Interval, Mirror, Problem, residual
from pinn.cli.run import compose
from pinn.errors import InputError
from pinn.networks import Fourier, mlp, symmetric, without_mirrors
from pinn.objective import (
    Evaluator,
    LeastSquares,
    Objective,
    cut_into_blocks,
    draw,
    fitted_last_layer,
)
from pinn.problems import Burgers, GinzburgLandau, Helmholtz, Kovasznay, Poisson
from pinn.setup import config
from pinn.setup.network import default_network

MIRRORED = []
for name in pinn.problems.__all__:
    cls = getattr(pinn.problems, name)
    MIRRORED += [(cls, mirror) for mirror in cls.symmetries]


def mirror_images(problem, mirror, count=64):
    """Return points and their mirror images."""
    points = draw(problem, "interior", count, seed=7).coordinates
    lower, upper = problem.bounds
    axes = [problem.coordinates.index(c) for c in mirror.coordinates]
    images = points.copy()
    images[:, axes] = (lower + upper)[axes] - points[:, axes]
    return points, images


def signs(problem, mirror):
    """Return the sign by which a mirror multiplies each field."""
    return {name: -1 if name in mirror.odd else 1 for name in problem.fields}


def label(value):
    return value.__name__ if isinstance(value, type) else "-".join(value.coordinates)


@pytest.mark.quick(
    "Burgers", "Heat", "Helmholtz", "Kovasznay", "Poisson", "Reaction", "TaylorGreen"
)
@pytest.mark.parametrize(("cls", "mirror"), MIRRORED, ids=label)
def test_a_reference_has_the_symmetries_that_its_problem_declares(cls, mirror):
    problem = cls()
    points, images = mirror_images(problem, mirror)
    at_points = problem.reference_at(points)
    at_images = problem.reference_at(images)
    error = max(problem.reference_error().values(), default=0.0)
    for name, sign in signs(problem, mirror).items():
        largest = max(1.0, np.max(np.abs(at_points[name])))
        tolerance = (1e-12 + 10 * error) * largest
        assert at_images[name] == pytest.approx(sign * at_points[name], abs=tolerance)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("cls", dict.fromkeys(cls for cls, _ in MIRRORED), ids=label)
def test_a_symmetric_network_and_its_ansatz_are_symmetric(cls):
    problem = cls()
    network = default_network(problem, seed=2, width=6, depth=2, symmetric=True)
    objective = Objective(problem, network, hard=bool(problem.satisfied))
    evaluate = Evaluator(objective, list(problem.fields))
    theta = objective.flat.flatten()
    for mirror in problem.symmetries:
        points, images = mirror_images(problem, mirror, 16)
        at_points = evaluate(theta, points)
        at_images = evaluate(theta, images)
        for name, sign in signs(problem, mirror).items():
            assert np.std(at_points[name]) > 1e-4
            assert at_images[name] == pytest.approx(sign * at_points[name], abs=1e-13)


def test_a_symmetric_network_has_the_parameters_of_the_plain_one():
    plain = default_network(Helmholtz(), seed=3)
    mirrored = default_network(Helmholtz(), seed=3, symmetric=True)
    assert without_mirrors(mirrored).name == "mlp"
    assert without_mirrors(plain) is plain
    # They start from the same values, except for the first bias, which is random.
    pairs = zip(plain.trainable_variables, mirrored.trainable_variables, strict=True)
    different = [b for a, b in pairs if not np.array_equal(a, b)]
    (bias,) = different
    assert bias.path.split("/")[-2:] == ["dense_0", "bias"]
    assert np.std(bias) > 0.1


def test_a_symmetric_network_is_the_mean_over_the_mirror_images():
    plain = default_network(Helmholtz(), seed=3)
    mirrored = default_network(Helmholtz(), seed=3, symmetric=True)
    plain.set_weights(without_mirrors(mirrored).get_weights())
    points = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    total = 0
    for a, b in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        total = total + a * b * np.asarray(plain(points * np.array([a, b])))
    assert np.asarray(mirrored(points)) == pytest.approx(total / 4, abs=1e-15)


def test_a_mirror_is_in_the_middle_of_the_box():
    inner = mlp(lower=[0.1, 0.0], upper=[0.4, 1.0], outputs=2, width=4, depth=1)
    network = symmetric(inner, [([0], [1])], lower=[0.1, 0.0], upper=[0.4, 1.0])
    left, right = np.asarray(network(np.array([[0.15, 0.3], [0.35, 0.3]])))
    assert right[0] == pytest.approx(left[0], abs=1e-15)
    assert right[1] == pytest.approx(-left[1], abs=1e-15)
    assert abs(left[1]) > 1e-3


def test_a_symmetric_network_is_saved_and_loaded_bit_for_bit(tmp_path):
    problem = GinzburgLandau()
    network = default_network(problem, seed=1, width=4, depth=1, symmetric=True)
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    points = draw(problem, "interior", 9).coordinates
    assert np.array_equal(np.asarray(network(points)), np.asarray(loaded(points)))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "problem", [Burgers(), Helmholtz(), Kovasznay()], ids=lambda p: type(p).__name__
)
def test_the_gradient_of_a_symmetric_network_in_both_engines_and_by_the_jacobian(
    problem, monkeypatch
):
    network = default_network(problem, seed=4, width=4, depth=2, symmetric=True)
    fast = Objective(problem, network, hard=True, derivatives="taylor")
    slow = Objective(problem, network, hard=True, derivatives="nested")
    point_sets = {}
    for region in fast.regions:
        points = draw(problem, region, 12)
        point_sets[region] = cut_into_blocks(points, threads=1, size=12, dtype="float64")
    theta = fast.flat.flatten()
    batch = fast.batch(point_sets)
    loss, gradient = fast.value_and_gradient(theta, batch)
    slow_loss, slow_gradient = slow.value_and_gradient(theta, batch)
    assert loss.numpy() == pytest.approx(slow_loss.numpy(), rel=1e-10, abs=1e-11)
    assert gradient.numpy() == pytest.approx(slow_gradient.numpy(), rel=1e-10, abs=1e-11)
    # The layer hooks give the Jacobian without the general way, which is many times slower.
    with monkeypatch.context() as patch:
        patch.setattr(tf.GradientTape, "jacobian", None)
        blocks_of_jacobian = list(LeastSquares(fast).jacobian(theta, batch))
    by_hooks = sum(2 * tf.linalg.matvec(columns, r) for r, columns in blocks_of_jacobian)
    assert by_hooks.numpy() == pytest.approx(gradient.numpy(), rel=1e-10, abs=1e-11)


@pytest.mark.usefixtures("eager")
def test_the_last_layer_of_a_symmetric_network_is_fitted():
    network = default_network(
        Burgers(),
        seed=0,
        symmetric=True,
        architecture="piratenet",
        fourier=Fourier(count=8),
        width=4,
        depth=1,
    )
    objective = Objective(Burgers(), network)
    points = draw(Burgers(), "interior", 50).coordinates
    u = Evaluator(objective, ["u"])(fitted_last_layer(objective, None), points)["u"]
    assert np.std(u + np.sin(np.pi * points[:, 0])) < 0.1


@pytest.mark.usefixtures("eager")
def test_the_last_layer_of_a_symmetric_mlp_is_not_fitted():
    network = default_network(Poisson(), seed=0, symmetric=True)
    assert fitted_last_layer(Objective(Poisson(), network), None) is None


def test_the_configuration_makes_a_network_symmetric():
    node, _ = compose(["problem=burgers", "network.symmetric=true"])
    assert config.setup(node).network.name == "symmetric"
    node, _ = compose(["problem=burgers"])
    assert node["network"]["symmetric"] is None
    assert config.setup(node).network.name == "mlp"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["problem=kdv", "network.symmetric=true"],
            "KdV declares no symmetries; leave it, or declare them",
        ),
        (
            ["problem=burgers", "network.symmetric=odd"],
            "network.symmetric='odd'; give true or false",
        ),
    ],
)
def test_bad_settings_are_refused(overrides, words):
    node, _ = compose(overrides)
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        config.setup(node)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ((Mirror(("z",)),), "Odd.symmetries: 'z' is no coordinate of space"),
        ((Mirror(("x",), odd=("w",)),), "Odd.symmetries: 'w' is no field"),
        ((Mirror("x"),), "give mirrors, such as Mirror"),
        (("x",), "give mirrors, such as Mirror"),
    ],
)
def test_a_bad_declaration_is_refused(declared, words):
    class Odd(Problem):
        fields = ("u",)
        space = Interval(x=(0.0, 1.0))
        symmetries = declared

        @residual(on="interior")
        def line(self, u_xx):
            return u_xx

    with pytest.raises(InputError, match=words):
        Odd()
