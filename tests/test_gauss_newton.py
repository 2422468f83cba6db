"""Gauss–Newton: on classic least-squares problems, on PDEs, and against dense algebra."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn import minimize
from pinn.errors import InputError
from pinn.networks import mlp
from pinn.objective import LeastSquares, Objective, PointSet, cut_into_blocks, draw
from pinn.optimizers import LBFGS, GaussNewton, Minimization, Residuals
from pinn.optimizers.normal_equations import DeviceGram, Dual, Gram, Triangle
from pinn.problems import Burgers, Helmholtz, KdVSolitons, Kovasznay, Wave
from pinn.training import StopRule
from pinn.unknowns import Unknown

BARD = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]
KOWALIK_Y = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
KOWALIK_U = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625]


def constant(values):
    return tf.constant(values, tf.float64)


def helical_valley(x):
    angle = tf.atan2(x[1], x[0]) / (2 * math.pi)
    return [10 * (x[2] - 10 * angle), 10 * (tf.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]]


def bard(x):
    u = constant(np.arange(1.0, 16.0))
    return constant(BARD) - (x[0] + u / ((16 - u) * x[1] + tf.minimum(u, 16 - u) * x[2]))


def kowalik_osborne(x):
    u = constant(KOWALIK_U)
    return constant(KOWALIK_Y) - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def box(x):
    t = constant(0.1 * np.arange(1, 11))
    return tf.exp(-t * x[0]) - tf.exp(-t * x[1]) - x[2] * (tf.exp(-t) - tf.exp(-10 * t))


def jennrich_sampson(x):
    i = constant(np.arange(1.0, 11.0))
    return 2 + 2 * i - (tf.exp(i * x[0]) + tf.exp(i * x[1]))


# Residuals, start, least sum: Moré, Garbow & Hillstrom (1981), doi:10.1145/355934.355936.
CLASSICS = {
    "rosenbrock": (lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]], [-1.2, 1.0], 0.0),
    "powell badly scaled": (
        lambda x: [1e4 * x[0] * x[1] - 1, tf.exp(-x[0]) + tf.exp(-x[1]) - 1.0001],
        [0.0, 1.0],
        0.0,
    ),
    "brown badly scaled": (lambda x: [x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2], [1.0, 1.0], 0.0),
    "beale": (
        lambda x: [y - x[0] * (1 - x[1] ** k) for k, y in ((1, 1.5), (2, 2.25), (3, 2.625))],
        [1.0, 1.0],
        0.0,
    ),
    "jennrich sampson": (jennrich_sampson, [0.3, 0.4], 124.3621823556),
    "helical valley": (helical_valley, [-1.0, 0.0, 0.0], 0.0),
    "bard": (bard, [1.0, 1.0, 1.0], 8.214877306578e-3),
    "box": (box, [0.0, 10.0, 20.0], 0.0),
    "powell singular": (
        lambda x: [
            x[0] + 10 * x[1],
            math.sqrt(5) * (x[2] - x[3]),
            (x[1] - 2 * x[2]) ** 2,
            math.sqrt(10) * (x[0] - x[3]) ** 2,
        ],
        [3.0, -1.0, 0.0, 1.0],
        0.0,
    ),
    "wood": (
        lambda x: [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            math.sqrt(90) * (x[3] - x[2] ** 2),
            1 - x[2],
            math.sqrt(10) * (x[1] + x[3] - 2),
            (x[1] - x[3]) / math.sqrt(10),
        ],
        [-3.0, -1.0, -3.0, -1.0],
        0.0,
    ),
    "kowalik osborne": (kowalik_osborne, [0.25, 0.39, 0.415, 0.39], 3.075056038e-4),
}


@pytest.mark.quick("rosenbrock", "powell", "beale")
@pytest.mark.parametrize(
    "acceleration", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["bent", "straight"]
)
@pytest.mark.parametrize("name", CLASSICS)
def test_classics(name, acceleration):
    function, start, least = CLASSICS[name]
    squares = Residuals(lambda x, _: tf.convert_to_tensor(function(x)))
    optimizer = GaussNewton(acceleration=acceleration)
    stop = StopRule(max_iterations=400, target_loss=1e-20)
    result = minimize(squares, start, optimizer=optimizer, stop=stop)
    assert result.loss == pytest.approx(least, rel=1e-8, abs=1e-16), str(result)
    assert result.iterations < 400


def joined(pieces):
    """Return r [m] and J [m, p] from pieces of r and Jᵀ."""
    residuals, columns = zip(*pieces, strict=True)
    return np.concatenate(residuals), np.concatenate(columns, 1).T


@pytest.mark.parametrize("algebra", ["qr", "dual", "device"])
def test_every_algebra_solves_the_same_equations(algebra):
    rng = np.random.default_rng(0)
    size, count = (12, 7) if algebra == "dual" else (6, 40)
    pieces = [(rng.normal(size=k), rng.normal(size=(size, k))) for k in (count - 3, 3)]
    residuals, jacobian = joined(pieces)
    gram = Gram(pieces, size)
    other = {"qr": Triangle, "dual": Dual, "device": DeviceGram}[algebra](pieces, size)
    assert other.unit == pytest.approx(gram.unit)
    assert other.unit == pytest.approx(np.sum(jacobian**2) / size)
    np.testing.assert_allclose(other.slope, jacobian.T @ residuals)
    for damping in (1e-3, 1.0):
        exact = np.linalg.solve(jacobian.T @ jacobian + damping * np.eye(size), other.slope)
        for system in (gram, other):
            damped = system.damped(damping)
            np.testing.assert_allclose(-damped.step, exact, rtol=1e-9)
            np.testing.assert_allclose(damped.solve(system.slope), exact, rtol=1e-9)


@pytest.mark.parametrize("kind", [Gram, DeviceGram])
def test_a_singular_matrix_has_no_factorization(kind):
    # Two residuals of three parameters.
    pieces = [(np.ones(2), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))]
    assert kind(pieces, 3).damped(-1.0) is None
    assert kind(pieces, 3).damped(1e-3) is not None


def test_qr_resolves_what_the_gram_matrix_loses_to_rounding():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(n, 5)))[0] for n in (40, 5))
    jacobian = left @ np.diag([1, 1e-3, 1e-6, 1e-9, 1e-11]) @ right.T
    truth = right @ np.ones(5)
    pieces = [(jacobian @ truth, np.ascontiguousarray(jacobian.T))]
    assert np.linalg.norm(Triangle(pieces, 5).damped(1e-26).step + truth) < 0.1
    damped = Gram(pieces, 5).damped(1e-26)
    assert damped is None or np.linalg.norm(damped.step + truth) > 0.5


CASES = {
    "burgers hard": (Burgers(), True, {}),
    "burgers soft": (Burgers(), False, {"walls": 3.0}),
    "wave hard": (Wave(), True, {}),
    "helmholtz soft": (Helmholtz(), False, {}),
    "kovasznay soft": (Kovasznay(), False, {}),
    "kdv soft": (KdVSolitons(), False, {}),
}


def case(problem, hard, weights, network=None, **settings):
    lower, upper = problem.bounds
    network = network or mlp(
        lower=lower, upper=upper, outputs=len(problem.fields), width=5, depth=2, activation="sin"
    )
    objective = Objective(problem, network, hard=hard, weights=weights, **settings)
    sets = {r: draw(problem, r, 70, seed=1) for r in objective.regions}
    batch = objective.batch(
        {r: cut_into_blocks(s, threads=2, size=16, dtype="float64") for r, s in sets.items()}
    )
    return objective, batch


def dense(squares, theta, batch):
    """Return r [m] and J [m, p]."""
    return joined(squares.jacobian(theta, batch))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_jacobian_of_every_problem_is_that_of_its_loss(name):
    objective, batch = case(*CASES[name])
    theta, squares = objective.flat.flatten(), LeastSquares(objective)
    loss, gradient = objective.value_and_gradient(theta, batch)
    residuals, rows = dense(squares, theta, batch)
    assert squares.loss(theta, batch).numpy() == pytest.approx(loss.numpy(), rel=1e-13)
    assert np.sum(residuals**2) == pytest.approx(loss.numpy(), rel=1e-13)
    ordered = squares.residuals(theta, batch)
    np.testing.assert_allclose(np.sort(ordered), np.sort(residuals), rtol=1e-10, atol=1e-14)
    size = np.max(np.abs(gradient))
    np.testing.assert_allclose(2 * rows.T @ residuals, gradient, rtol=1e-10, atol=1e-12 * size)
    np.testing.assert_allclose(
        2 * squares.vjp(theta, batch, ordered), gradient, rtol=1e-10, atol=1e-12 * size
    )
    direction = np.random.default_rng(0).normal(size=len(theta))
    ahead, behind = (squares.residuals(theta + h * direction, batch).numpy() for h in (1e-5, -1e-5))
    moved = np.sort(rows @ direction)
    np.testing.assert_allclose(
        np.sort((ahead - behind) / 2e-5), moved, rtol=1e-5, atol=1e-6 * np.max(np.abs(moved))
    )


@pytest.mark.slow
def test_taps_and_reverse_mode_give_one_jacobian():
    problem = Burgers(unknowns={"nu": Unknown(0.02, 0.0), "lambda1": Unknown(0.5)})
    objective, batch = case(problem, True, {})
    slow = Objective(problem, objective.network, hard=True, derivatives="nested")
    theta = objective.flat.flatten()
    (r1, fast), (r2, obvious) = (dense(LeastSquares(o), theta, batch) for o in (objective, slow))
    np.testing.assert_allclose(r1, r2, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(fast, obvious, rtol=1e-9, atol=1e-11 * np.max(np.abs(obvious)))
    assert np.all(np.any(fast[:, -2:] != 0, axis=0))


@pytest.mark.slow
def test_a_layer_met_twice_and_one_without_bias():
    shared = keras.layers.Dense(4, activation="tanh", dtype="float64")
    inputs = keras.Input((2,), dtype="float64")
    hidden = shared(keras.layers.Dense(4, use_bias=False, dtype="float64")(inputs))
    network = keras.Model(inputs, keras.layers.Dense(1, dtype="float64")(shared(hidden)))
    objective, batch = case(Burgers(), True, {}, network=network)
    slow = Objective(Burgers(), network, hard=True, derivatives="nested")
    theta = objective.flat.flatten()
    (_, fast), (_, obvious) = (dense(LeastSquares(o), theta, batch) for o in (objective, slow))
    np.testing.assert_allclose(fast, obvious, rtol=1e-9, atol=1e-11 * np.max(np.abs(obvious)))


@pytest.mark.slow
def test_more_weights_than_residuals():
    objective, _ = case(Burgers(), True, {})
    few = draw(Burgers(), "interior", 24, seed=1)
    batch = objective.batch(
        {
            "interior": cut_into_blocks(
                PointSet(few.coordinates), threads=1, size=24, dtype="float64"
            )
        }
    )
    assert minimize_on(objective, batch, GaussNewton(), 40) < 1e-16


def known(objective):
    return Minimization(objective.value_and_gradient, residuals=LeastSquares(objective))


def minimize_on(objective, batch, optimizer, iterations):
    bound = optimizer.bind(known(objective))
    state = bound.start(objective.flat.flatten(), batch)
    state, _ = bound.advance(
        state, batch, tf.constant(iterations), StopRule(target_loss=1e-17).limits("float64")
    )
    return float(state.loss)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_problem_falls_faster_than_by_gradients_alone(name):
    objective, batch = case(*CASES[name])
    assert minimize_on(objective, batch, GaussNewton(), 15) < minimize_on(
        objective, batch, LBFGS(), 15
    )


@pytest.mark.slow
def test_chunks_equal_one_long_run_bitwise():
    objective, batch = case(Burgers(), True, {})
    limits = StopRule().limits("float64")
    bound = GaussNewton().bind(known(objective))
    start = bound.start(objective.flat.flatten(), batch)
    whole, trace = bound.advance(start, batch, tf.constant(6), limits)
    assert trace.loss.shape == (6,) and int(whole.evaluations) > 12
    state = start
    for _ in range(3):
        state, _ = bound.advance(state, batch, tf.constant(2), limits)
    tf.nest.map_structure(np.testing.assert_array_equal, whole, state)


def test_a_loss_without_residuals_is_an_error():
    with pytest.raises(InputError, match="needs residuals"):
        minimize(lambda x, _: (tf.reduce_sum(x**2), 2 * x), [1.0], optimizer=GaussNewton())


@pytest.mark.parametrize("bad", [{"damping": 0.0}, {"trials": 0}, {"algebra": "lu"}])
def test_bad_settings(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        GaussNewton(**bad)
