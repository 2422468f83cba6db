"""SOAP against its paper, and against Adam where the curvature is not along the axes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn import fit, minimize, mlp
from pinn.errors import InputError
from pinn.optimizers import SOAP, Adam, Limits, Minimization, WarmupExponentialDecay
from pinn.training import StopRule

OFF = Limits(*(tf.constant(-1.0, tf.float64),) * 4, tf.constant(-1))
RNG = np.random.default_rng(0)
SHAPES = [(3, 3), (3,), (2, 2), (2,), ()]
SIZES = [int(np.prod(s)) for s in SHAPES]
A = RNG.standard_normal((sum(SIZES), sum(SIZES)))
HESSIAN, CENTER = A @ A.T / len(A) + 0.1 * np.eye(len(A)), RNG.standard_normal(len(A))


def bowl(x, _):
    slope = tf.linalg.matvec(tf.constant(HESSIAN), x - tf.constant(CENTER))
    return 0.5 * tf.reduce_sum(slope * (x - tf.constant(CENTER))), slope


def parts(vector):
    split = np.split(vector, np.cumsum(SIZES)[:-1])
    return [p.reshape(s) for p, s in zip(split, SHAPES, strict=True)]


def eigenvectors(matrix):
    return np.linalg.eigh(matrix)[1][:, ::-1]


def followed(matrix, basis):
    """One step of orthogonal iteration, and the order of the old columns."""
    order = np.argsort(-np.sum(basis * (matrix @ basis), 0))
    return np.linalg.qr(matrix @ basis[:, order])[0], order


def transcribed(start, steps, eta, beta, epsilon, frequency):
    """The paper's algorithm 3, variable by variable, in NumPy."""
    w = parts(start)
    g = parts(HESSIAN @ (start - CENTER))
    mean, square = ([np.zeros(s) for s in SHAPES] for _ in range(2))
    left = {i: np.zeros((s[0], s[0])) for i, s in enumerate(SHAPES) if len(s) == 2}
    right = {i: np.zeros((SHAPES[i][1],) * 2) for i in left}
    ql = {i: eigenvectors(g[i] @ g[i].T) for i in left}
    qr = {i: eigenvectors(g[i].T @ g[i]) for i in left}
    for t in range(1, steps + 1):
        for i in range(len(w)):
            mean[i] = beta * mean[i] + (1 - beta) * g[i]
            turned = ql[i].T @ g[i] @ qr[i] if i in left else g[i]
            square[i] = beta * square[i] + (1 - beta) * turned**2
            m = ql[i].T @ mean[i] @ qr[i] if i in left else mean[i]
            n = m / (1 - beta**t) / (np.sqrt(square[i] / (1 - beta**t)) + epsilon)
            w[i] = w[i] - eta * (ql[i] @ n @ qr[i].T if i in left else n)
        for i in left:
            left[i] = beta * left[i] + (1 - beta) * g[i] @ g[i].T
            right[i] = beta * right[i] + (1 - beta) * g[i].T @ g[i]
            if t % frequency == 0:
                ql[i], rows = followed(left[i], ql[i])
                qr[i], columns = followed(right[i], qr[i])
                square[i] = square[i][rows][:, columns]
        flat = np.concatenate([p.ravel() for p in w])
        g = parts(HESSIAN @ (flat - CENTER))
    return flat


@pytest.mark.parametrize("frequency", [1, 3])
def test_it_is_the_papers_algorithm(frequency):
    start, soap = np.zeros(sum(SIZES)), SOAP(learning_rate=0.03, precondition_frequency=frequency)
    bound = soap.bind(Minimization(bowl, shapes=SHAPES))
    state, _ = bound.advance(bound.start(tf.constant(start), ()), (), tf.constant(10), OFF)
    expected = transcribed(start, 10, 0.03, soap.beta_1, soap.epsilon, frequency)
    # G is diagonal in its own basis, so that the first step divides rounding errors elsewhere by
    # epsilon.
    np.testing.assert_allclose(state.position, expected, rtol=0, atol=2e-8)


def test_bases_stay_orthogonal_and_become_eigenvectors():
    bound = SOAP(learning_rate=1e-3, beta_2=0.999).bind(Minimization(bowl, shapes=SHAPES))
    state, _ = bound.advance(
        bound.start(tf.zeros(len(A), tf.float64), ()), (), tf.constant(300), OFF
    )
    preconditioner = state.memory.preconditioners[0]
    for matrix, basis, size in (
        (preconditioner.left.numpy(), preconditioner.left_basis.numpy(), 3),
        (preconditioner.right.numpy(), preconditioner.right_basis.numpy(), 3),
    ):
        np.testing.assert_allclose(basis.T @ basis, np.eye(size), atol=1e-13)
        turned = basis.T @ matrix @ basis
        assert np.abs(turned - np.diag(np.diag(turned))).max() < 1e-3 * turned.max()
        assert np.all(np.diff(np.diag(turned)) < 0)


def test_without_shapes_it_is_adam():
    rule = StopRule(max_iterations=20)
    soap = minimize(
        bowl,
        np.zeros(len(A)),
        optimizer=SOAP(learning_rate=3e-3, beta_1=0.9, beta_2=0.99),
        stop=rule,
    )
    adam = minimize(
        bowl, np.zeros(len(A)), optimizer=Adam(learning_rate=3e-3, beta_2=0.99), stop=rule
    )
    np.testing.assert_allclose(soap.position, adam.position, rtol=1e-12)


def test_it_beats_adam_on_a_matrix_problem_that_is_ill_conditioned_across_the_axes():
    n, rng = 8, np.random.default_rng(1)
    turns = [np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2)]
    left, right = (tf.constant(q @ np.diag(np.logspace(0, 2, n)) @ q.T) for q in turns)
    target = tf.constant(rng.standard_normal((n, n)))

    def loss(x, _):  # |√A (W − W*) √B|², whose Hessian is A ⊗ B
        with tf.GradientTape() as tape:
            tape.watch(x)
            off = tf.reshape(x, [n, n]) - target
            value = 0.5 * tf.reduce_sum(off * (left @ off @ right))
        return value, tape.gradient(value, x)

    rate = WarmupExponentialDecay(peak=0.1, warmup_steps=10, decay_steps=100, decay_rate=0.5)
    settings = dict(learning_rate=rate, beta_1=0.95, beta_2=0.99)
    found = [
        minimize(
            loss,
            np.zeros(n * n),
            optimizer=m(**settings),
            shapes=[(n, n)],
            stop=StopRule(max_iterations=300),
        ).loss
        for m in (SOAP, Adam)
    ]
    assert found[0] < 1e-2 * found[1], found


def test_fit_knows_the_shapes():
    x = np.linspace(-1, 1, 40)[:, None]
    model = mlp(lower=[-1], upper=[1], outputs=1, width=6, depth=2)
    shapes = []

    def keep(report):
        for preconditioner in report.state.memory.preconditioners:
            shapes.append(preconditioner.left_basis.shape)

    fit(
        model, x, np.sin(3 * x), optimizer=SOAP(), stop=StopRule(max_iterations=3), callbacks=[keep]
    )
    assert shapes == [(1, 1), (6, 6), (6, 6)]


def test_the_warm_up_rises_and_falls_and_is_a_keras_object():
    rate = WarmupExponentialDecay(peak=0.2, warmup_steps=4, decay_steps=10, decay_rate=0.5)
    np.testing.assert_allclose(
        [rate(i) for i in (0, 1, 3, 4, 14, 24)], [0.05, 0.1, 0.2, 0.2, 0.1, 0.05]
    )
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(rate))
    assert isinstance(again, WarmupExponentialDecay) and again.get_config() == rate.get_config()
    assert float(WarmupExponentialDecay(0.2, 0, 10, 0.5)(0)) == 0.2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SOAP(learning_rate=0.0), "SOAP: learning_rate=0.0; give a positive number"),
        (lambda: SOAP(beta_2=1.0), r"SOAP: beta_2=1.0; give a number in \[0, 1\)"),
        (lambda: SOAP(epsilon=-1.0), "SOAP: epsilon=-1.0"),
        (
            lambda: SOAP(precondition_frequency=0),
            "SOAP: precondition_frequency=0; give a whole number",
        ),
        (
            lambda: minimize(bowl, np.zeros(19), optimizer=SOAP(), shapes=[(2, 2)]),
            "hold 4 numbers, the vector 19",
        ),
        (lambda: WarmupExponentialDecay(-1.0, 1, 1, 0.5), "peak=-1.0; give a positive number"),
        (lambda: WarmupExponentialDecay(1.0, -1, 1, 0.5), "warmup_steps=-1"),
        (lambda: WarmupExponentialDecay(1.0, 1, 0, 0.5), "decay_steps=0"),
        (lambda: WarmupExponentialDecay(1.0, 1, 1, 1.5), "decay_rate=1.5"),
    ],
)
def test_bad_settings(make, words):
    with pytest.raises(InputError, match=words):
        make()
