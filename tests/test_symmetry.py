"""Mirror symmetries: what problems declare holds for their references, and networks that have them built in."""

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
from pinn.problems import Burgers, GinzburgLandau, Helmholtz, KdV, Kovasznay, Poisson
from pinn.setup import config
from pinn.setup.network import default_network

MIRRORED = [
    (cls, mirror)
    for cls in (getattr(pinn.problems, n) for n in pinn.problems.__all__)
    for mirror in cls.symmetries
]


def images(problem, mirror, count=64):
    """Return points, their mirror images, and the sign of every field."""
    points = draw(problem, "interior", count, seed=7).coordinates
    lower, upper = problem.bounds
    axes = [problem.coordinates.index(c) for c in mirror.coordinates]
    image = points.copy()
    image[:, axes] = (lower + upper)[axes] - points[:, axes]
    return points, image, {name: -1 if name in mirror.odd else 1 for name in problem.fields}


def label(value):
    return value.__name__ if isinstance(value, type) else "-".join(value.coordinates)


@pytest.mark.parametrize(("cls", "mirror"), MIRRORED, ids=label)
def test_a_reference_has_the_symmetries_that_its_problem_declares(cls, mirror):
    problem = cls()
    points, image, signs = images(problem, mirror)
    here, there = problem.reference_at(points), problem.reference_at(image)
    allowed = 1e-12 + 10 * max(problem.reference_error().values(), default=0.0)
    for name, sign in signs.items():
        assert there[name] == pytest.approx(
            sign * here[name], abs=allowed * max(1.0, np.max(np.abs(here[name])))
        )


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("cls", dict.fromkeys(cls for cls, _ in MIRRORED), ids=label)
def test_a_symmetric_network_and_its_ansatz_are_symmetric(cls):
    problem = cls()
    network = default_network(problem, seed=2, width=6, depth=2, symmetric=True)
    objective = Objective(problem, network, hard=bool(problem.satisfied))
    evaluate, theta = Evaluator(objective, list(problem.fields)), objective.flat.flatten()
    for mirror in problem.symmetries:
        points, image, signs = images(problem, mirror, 16)
        here, there = evaluate(theta, points), evaluate(theta, image)
        for name, sign in signs.items():
            assert np.std(here[name]) > 1e-4
            assert there[name] == pytest.approx(sign * here[name], abs=1e-13)


def test_the_weights_are_those_of_one_network():
    plain, mirrored = (default_network(Helmholtz(), seed=3, symmetric=on) for on in (None, True))
    assert without_mirrors(mirrored).name == "mlp" and without_mirrors(plain) is plain
    drawn = [b for a, b in variables(plain, mirrored) if not np.array_equal(a, b)]
    assert [b.path.split("/")[-2:] for b in drawn] == [["dense_0", "bias"]] and np.std(
        drawn[0]
    ) > 0.1
    plain.set_weights(without_mirrors(mirrored).get_weights())
    x = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    signs = ((1, 1), (-1, 1), (1, -1), (-1, -1))
    mean = sum(a * b * np.asarray(plain(x * np.array([a, b]))) for a, b in signs) / 4
    assert np.asarray(mirrored(x)) == pytest.approx(mean, abs=1e-15)


def variables(*networks):
    return zip(*(n.trainable_variables for n in networks), strict=True)


def test_a_mirror_stands_in_the_middle_of_the_box():
    inner = mlp(lower=[0.1, 0.0], upper=[0.4, 1.0], outputs=2, width=4, depth=1)
    network = symmetric(inner, [([0], [1])], lower=[0.1, 0.0], upper=[0.4, 1.0])
    (u, v), (same, other) = np.asarray(network(np.array([[0.15, 0.3], [0.35, 0.3]])))
    assert (
        same == pytest.approx(u, abs=1e-15)
        and other == pytest.approx(-v, abs=1e-15)
        and abs(v) > 1e-3
    )


def test_saves_and_loads_with_the_same_bits(tmp_path):
    problem = GinzburgLandau()
    network = default_network(problem, seed=1, width=4, depth=1, symmetric=True)
    network.save(tmp_path / "network.keras")
    found = keras.models.load_model(tmp_path / "network.keras")
    x = draw(problem, "interior", 9).coordinates
    assert np.array_equal(np.asarray(network(x)), np.asarray(found(x)))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "problem", [Burgers(), Helmholtz(), Kovasznay()], ids=lambda p: type(p).__name__
)
def test_derivatives_and_the_jacobian(problem, monkeypatch):
    network = default_network(problem, seed=4, width=4, depth=2, symmetric=True)
    fast, slow = (
        Objective(problem, network, hard=True, derivatives=e) for e in ("taylor", "nested")
    )
    points = {
        r: cut_into_blocks(draw(problem, r, 12), threads=1, size=12, dtype="float64")
        for r in fast.regions
    }
    theta, batch = fast.flat.flatten(), fast.batch(points)
    for one, other in zip(
        fast.value_and_gradient(theta, batch), slow.value_and_gradient(theta, batch), strict=True
    ):
        assert one.numpy() == pytest.approx(other.numpy(), rel=1e-10, abs=1e-11)
    with monkeypatch.context() as patch:
        patch.setattr(
            tf.GradientTape, "jacobian", None
        )  # the general way, which the hook makes needless
        by_hooks = list(LeastSquares(fast).jacobian(theta, batch))
    gradient = sum(2 * tf.linalg.matvec(columns, r) for r, columns in by_hooks)
    assert gradient.numpy() == pytest.approx(
        fast.value_and_gradient(theta, batch)[1].numpy(), rel=1e-10, abs=1e-11
    )


@pytest.mark.usefixtures("eager")
def test_the_last_layer_is_fitted_inside():
    problem = Poisson()
    assert (
        fitted_last_layer(
            Objective(problem, default_network(problem, seed=0, symmetric=True)), None
        )
        is None
    )
    problem = Burgers()
    settings = {"architecture": "piratenet", "fourier": Fourier(count=8), "width": 4, "depth": 1}
    objective = Objective(problem, default_network(problem, seed=0, symmetric=True, **settings))
    at = draw(problem, "interior", 50).coordinates
    found = Evaluator(objective, ["u"])(fitted_last_layer(objective, None), at)["u"]
    assert np.std(found + np.sin(np.pi * at[:, 0])) < 0.1


def test_by_configuration():
    node, _ = compose(["problem=burgers", "network.symmetric=true"])
    assert config.setup(node).network.name == "symmetric"
    node, _ = compose(["problem=burgers"])
    assert node["network"]["symmetric"] is None and config.setup(node).network.name == "mlp"


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
def test_bad_settings_are_told(overrides, words):
    node, _ = compose(overrides)
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        config.setup(node)
    assert not KdV.symmetries


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ((Mirror(("z",)),), "Odd.symmetries: 'z' is no coordinate of space"),
        ((Mirror(("x",), odd=("w",)),), "Odd.symmetries: 'w' is no field"),
        ((Mirror("x"),), "give mirrors, such as Mirror"),
        (("x",), "give mirrors, such as Mirror"),
    ],
)
def test_a_bad_declaration_is_told(declared, words):
    class Odd(Problem):
        fields = ("u",)
        space = Interval(x=(0.0, 1.0))
        symmetries = declared

        @residual(on="interior")
        def line(self, u_xx):
            return u_xx

    with pytest.raises(InputError, match=words):
        Odd()
