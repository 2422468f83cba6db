"""Optimizers on functions without any network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability.python.optimizer import lbfgs as tfp_lbfgs

from pinn.errors import InputError
from pinn.fitting import minimize
from pinn.optimizers import (
    BFGS,
    LBFGS,
    LBFGSB,
    SOAP,
    Adam,
    GaussNewton,
    Limits,
    Minimization,
    MultiBatchLBFGS,
    Residuals,
    SSBroyden,
    Status,
)
from pinn.optimizers.in_place import Coefficients, InPlaceLoop, SymmetricMatrix
from pinn.optimizers.lbfgs import Pairs, direction, tfp_results
from pinn.optimizers.loops import GraphLoop
from pinn.optimizers.memories import to_arrays
from pinn.training import Feed, Phase, Progress, StopRule, Trainer

OPTIMIZERS = [
    Adam(learning_rate=0.02),
    LBFGS(pairs=10),
    LBFGS(pairs=10, unit_step=False),
    BFGS(),
    SSBroyden(),
    SOAP(learning_rate=0.01, precondition_frequency=3),
    LBFGSB(pairs=10),
    MultiBatchLBFGS(check_every=1),
]
TRANSFORMS = [
    pytest.param(SSBroyden(transform="root"), marks=pytest.mark.slow),
    pytest.param(SSBroyden(transform="log"), marks=pytest.mark.slow),
]
OFF = Limits(*(tf.constant(-1.0, tf.float64),) * 4, tf.constant(-1))


def rosenbrock(x, _):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    return loss, tape.gradient(loss, x)


def quadratic(x, scale):
    return 0.5 * tf.reduce_sum(scale * x * x), scale * x


def either(x, batch):
    """Return the sum of both, by the factor of Rosenbrock's function and the quadratic's scale."""
    factor, scale = batch
    (valley, slope), (bowl, pull) = rosenbrock(x, ()), quadratic(x, scale)
    return factor * valley + bowl, factor * slope + pull


def in_bowl(scale):
    """Return the batch with which `either` is the quadratic."""
    return tf.constant(0.0, tf.float64), tf.constant(scale, tf.float64)


START = tf.constant([-1.2, 1.0, -1.2, 1.0, 0.5], tf.float64)
VALLEY = (tf.constant(1.0, tf.float64), tf.zeros(5, tf.float64))
LEAST_SQUARES = Residuals(lambda x, batch: tf.sqrt(0.5 * batch[1]) * x)
# What some optimizers need, and the others ignore.
KNOWN = dict(shapes=[(2, 2), (1,)], subset=lambda batch, start, share: batch)


def bind(optimizer, function, **known):
    return optimizer.bind(Minimization(function, **known))


@pytest.fixture(scope="module")
def bound():
    """Return what binds an optimizer to `either`: one compilation, on which most tests run."""
    made = {}

    def bound_once(optimizer):
        name = str(optimizer)
        if name not in made:
            made[name] = bind(optimizer, either, residuals=LEAST_SQUARES, **KNOWN)
        return made[name]

    return bound_once


@pytest.fixture
def train(bound):
    """Return what minimizes `either` in the valley by an optimizer under a stop rule."""

    def run(optimizer, stop, progress, callbacks=()):
        phase = Phase(name="minimize", optimizer=optimizer, stop=stop, report_every=100)
        trainer = Trainer(Minimization(either))
        trainer._bound["minimize"] = bound(optimizer)
        feed = Feed(lambda *_: VALLEY)
        return trainer.run(START, [phase], feed, progress, callbacks=callbacks)

    return run


@pytest.mark.quick("Adam", "SOAP", "LBFGSB", "MultiBatchLBFGS")
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, *TRANSFORMS], ids=str)
def test_rosenbrock(optimizer, train):
    iterations, bound = 200, 1e-18
    if isinstance(optimizer, Adam | SOAP):
        iterations, bound = 6000, 1e-6
    elif isinstance(optimizer, LBFGS | LBFGSB):
        iterations = 100
    progress = Progress()
    best = train(optimizer, StopRule(max_iterations=iterations), progress)
    assert progress.state.best_loss < bound, progress.records[-1]
    np.testing.assert_allclose(best, 1.0, atol=1e-2)


@pytest.mark.quick("SSBroyden", "SOAP", "Adam")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_chunks_equal_one_long_run_bitwise(optimizer, bound):
    chunks = bound(optimizer)
    whole, trace = chunks.advance(chunks.start(START, VALLEY), VALLEY, tf.constant(30), OFF)
    state = chunks.start(START, VALLEY)
    losses = []
    for _ in range(6):
        state, piece = chunks.advance(state, VALLEY, tf.constant(5), OFF)
        losses.append(piece.loss)
    tf.nest.map_structure(np.testing.assert_array_equal, whole, state)
    np.testing.assert_array_equal(np.concatenate(losses), trace.loss)


def test_one_iteration_at_a_time_equals_tfps_own_loop_bitwise(bound):
    single = bound(LBFGS(pairs=10, unit_step=False))
    first, _ = single.advance(single.start(START, VALLEY), VALLEY, tf.constant(1), OFF)
    ours, _ = single.advance(first, VALLEY, tf.constant(30), OFF)
    off = dict(
        tolerance=-1.0, x_tolerance=-1.0, f_relative_tolerance=-1.0, f_absolute_tolerance=-1.0
    )
    theirs = tf.function(
        lambda r: tfp_lbfgs.minimize(
            lambda x: either(x, VALLEY),
            None,
            r,
            num_correction_pairs=10,
            max_iterations=r.num_iterations + 30,
            **off,
        )
    )(tfp_results(first))
    np.testing.assert_array_equal(ours.position, theirs.position)
    assert int(ours.evaluations) == int(theirs.num_objective_evaluations)


def test_direction_is_tfps():
    rng = np.random.default_rng(0)
    s = rng.standard_normal((8, 5))
    g = rng.standard_normal(5)
    s[:3] = 0.0  # unused pairs
    y = s * np.linspace(1.0, 4.0, 5)
    pairs = Pairs(tf.constant(s), tf.constant(y), artificial=tf.constant(False))
    bound = bind(LBFGS(pairs=8), quadratic)
    state = bound.start(START, tf.ones(5, tf.float64))._replace(
        memory=pairs, gradient=tf.constant(g)
    )
    theirs = tfp_lbfgs._get_search_direction(tfp_results(state._replace(iterations=tf.constant(5))))
    np.testing.assert_allclose(direction(pairs, tf.constant(g)), theirs, rtol=1e-12)


def test_the_first_step_has_the_length_that_was_asked_for():
    steep = lambda x, _: quadratic(x, tf.constant([1e8, 1.0], tf.float64))  # noqa: E731
    for length in (1.0, 0.1):
        pairs = LBFGS(first_step=length, pairs=3).memory(
            Minimization(steep), START, 1e6 * START, tf.constant(1.0, tf.float64)
        )
        assert np.linalg.norm(pairs.position_deltas[-1]) == pytest.approx(length)
    assert minimize(steep, [1.0, 1.0], stop=StopRule(max_iterations=50)).loss < 1e-12


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (dict(max_iterations=3), "iteration budget used: 3"),
        (dict(max_evaluations=7), "evaluation budget used: 7"),
        (dict(target_loss=1e-3), "target reached: loss at most 0.001"),
        (dict(gradient_tolerance=1e-2), "converged: largest gradient component at most 0.01"),
        (dict(position_tolerance=1e-3), "converged: no parameter changed by more than 0.001"),
        (dict(loss_tolerance=0.2), "converged: loss changed by at most 0.2 of itself"),
        (dict(max_seconds=0.0), "time budget used: 0 s"),
    ],
)
def test_every_stop_rule_gives_its_reason(rule, words, train):
    reports = []
    progress = Progress()
    train(LBFGS(pairs=10), StopRule(**rule), progress, callbacks=[reports.append])
    assert words in progress.records[0].stop_reason.text
    if "target_loss" in rule:  # stops at the very iteration
        losses = np.concatenate([report.trace.loss for report in reports])
        assert losses[-1] <= 1e-3 < losses[-2]


def test_patience():
    flat = lambda x, _: (1.0 + 1e-9 * tf.reduce_sum(x * x), 2e-9 * x)  # noqa: E731
    rule = StopRule(max_iterations=1000, patience=20)
    result = minimize(flat, START, optimizer=Adam(learning_rate=1e-4), stop=rule, report_every=5)
    assert "patience exhausted" in result.stop_reason
    assert result.iterations < 60


def test_histories_distinguish_iterations_from_evaluations():
    stop = StopRule(max_iterations=20)
    result = minimize(rosenbrock, START, optimizer=LBFGSB(), stop=stop)
    assert len(result.losses) == result.iterations + 1
    assert len(result.evaluated) == result.evaluations > result.iterations
    assert result.losses[0] == result.evaluated[0] == result.start_loss
    assert result.loss == result.losses[-1]
    assert result.loss == pytest.approx(
        float(rosenbrock(tf.constant(result.position), ())[0]), rel=1e-12
    )
    assert set(result.losses) <= set(result.evaluated)
    assert "20 iterations" in str(result)


@pytest.mark.parametrize("optimizer", [Adam(learning_rate=10.0), LBFGS(first_step=10.0)], ids=str)
def test_values_that_are_not_finite_roll_back_and_go_on(optimizer):
    def cliff(x, bad):
        loss, gradient = quadratic(x - 1.0, tf.constant(1.0, x.dtype))
        outside = tf.reduce_max(x) > 1.5  # where the first step, of length 10, leads
        return tf.where(outside, bad, loss), tf.where(outside, bad, gradient)

    start = tf.zeros(2, tf.float64)
    phase = Phase(name="minimize", optimizer=optimizer, stop=StopRule(max_iterations=300))
    trainer = Trainer(Minimization(cliff))  # compiled once
    for bad in (np.nan, np.inf):
        progress = Progress()
        feed = Feed(lambda *_, bad=bad: tf.constant(bad, tf.float64))
        trainer.run(start, [phase], feed, progress)
        # The loss is 1 at the start.
        assert np.isfinite(progress.state.best_loss) and progress.state.best_loss < 1, bad


def test_a_function_that_is_never_finite_again_stops_with_a_reason():
    calls = tf.Variable(0)

    def dies(x, _):
        with tf.control_dependencies([calls.assign_add(1)]):
            loss, gradient = rosenbrock(x, ())
        return tf.where(calls > 40, tf.constant(np.nan, x.dtype), loss), gradient

    result = minimize(dies, START, optimizer=Adam(), stop=StopRule(max_restarts=3))
    assert "not finite 4 times" in result.stop_reason
    assert np.isfinite(result.loss) and np.all(np.isfinite(result.position))


def test_line_search_failure_restarts_then_stops_with_a_reason():
    # The negative gradient points uphill, so that no step along it reduces the loss.
    uphill = lambda x, _: (tf.reduce_sum(x * x), -2 * x)  # noqa: E731
    result = minimize(uphill, START, stop=StopRule(max_iterations=100, max_restarts=2))
    assert "line search failed 3 times after restarts" in result.stop_reason
    np.testing.assert_array_equal(result.position, START)


def test_not_finite_at_the_start_is_an_error():
    with pytest.raises(InputError, match="not finite at the start"):
        minimize(lambda x, _: (tf.reduce_sum(x) * np.nan, x), START)


def test_callbacks_can_stop():
    iterations = []

    def callback(report):
        iterations.append(report.progress.iterations)
        return "three reports" if len(iterations) == 3 else None

    result = minimize(rosenbrock, START, optimizer=Adam(), report_every=2, callbacks=[callback])
    assert result.stop_reason == "three reports"
    assert iterations == [2, 4, 6]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_a_new_loss_renews_the_state(optimizer, bound):
    renewing = bound(optimizer)
    one, two = (in_bowl(np.linspace(1.0, end, 5)) for end in (3.0, 5.0))
    state, _ = renewing.advance(renewing.start(START, one), one, tf.constant(2), OFF)
    renewed = renewing.renew(state, two)
    np.testing.assert_array_equal(renewed.position, state.position)
    loss, _ = either(state.position, two)
    assert float(renewed.loss) == float(renewed.best_loss) == float(loss)
    assert int(renewed.iterations) == int(state.iterations)
    assert int(renewed.evaluations) == int(state.evaluations) + 1
    assert int(renewed.status) == Status.RUNNING
    if isinstance(optimizer, LBFGSB):  # begins a new run
        return
    # Moments and curvature of a nearby loss are still useful.
    old = to_arrays(state.memory)
    for name, array in to_arrays(renewed.memory).items():
        if name not in ("on_batch", "step"):  # what belongs to one loss, such as Hg of its g
            np.testing.assert_array_equal(array, old[name])


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, GaussNewton()], ids=str)
def test_a_memory_fits_its_own_optimizer_alone_and_comes_back_from_arrays(optimizer, bound):
    own = bound(optimizer)
    batch = in_bowl(np.ones(5))
    state, _ = own.advance(own.start(START, batch), batch, tf.constant(2), OFF)
    stored = state._replace(memory=to_arrays(state.memory))
    assert own.fits(state) and own.fits(stored)
    restored = own.restore(stored)
    assert type(restored.memory) is type(state.memory)
    tf.nest.map_structure(np.testing.assert_array_equal, restored, state)
    missing = dict(list(stored.memory.items())[1:])
    assert not own.fits(stored._replace(memory=missing))
    name, array = next(iter(stored.memory.items()))
    single = {**stored.memory, name: array.astype(np.float32)}
    assert not own.fits(stored._replace(memory=single))
    longer = {**stored.memory, name: np.stack([array, array])}
    assert not own.fits(stored._replace(memory=longer))


def test_schedules_take_the_iteration():
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    bound = bind(Adam(learning_rate=rate), quadratic)
    scale = tf.ones(5, tf.float64)
    _, trace = bound.advance(bound.start(START, scale), scale, tf.constant(21), OFF)
    np.testing.assert_allclose(trace.step.numpy()[[0, 10, 20]], [0.1, 0.05, 0.025], rtol=1e-6)


@pytest.mark.parametrize(
    "make", [lambda: Adam(learning_rate=-1.0), lambda: Adam(beta_1=1.0), lambda: LBFGS(pairs=0)]
)
def test_bad_settings(make):
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize(
    "settings", [dict(max_iterations=-1), dict(target_loss=-1.0), dict(patience=0)]
)
def test_bad_stop_rules(settings):
    with pytest.raises(InputError, match="stop."):
        StopRule(**settings)


@pytest.mark.parametrize(
    "coefficients", [(2, 0, -3), (2, -1, 0.1), (2, 0.5, 3), (2, 0, 0), (0, 0, -3), (0, 1, 0)]
)
def test_an_update_in_place_is_the_update(coefficients):
    rng = np.random.default_rng(3)
    before = np.cov(rng.normal(size=(6, 20)))
    s, h, gradient = rng.normal(size=(3, 6))
    matrix = SymmetricMatrix(before, 2.0)
    ss, sh, hh = coefficients
    after = (
        3 * 2 * before
        + ss * np.outer(s, s)
        + sh * (np.outer(s, h) + np.outer(h, s))
        + hh * np.outer(h, h)
    )
    update = Coefficients(3.0, *map(float, coefficients))
    step = matrix.update(s, h, update, gradient, 2 * before @ gradient)
    whole = matrix.both_triangles() * matrix.factor
    np.testing.assert_allclose(whole, after, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(step, after @ gradient, rtol=1e-12)
    assert matrix.trace == pytest.approx(np.trace(after))


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [BFGS(), SSBroyden()], ids=str)
@pytest.mark.parametrize("on_gpu", [False, True], ids=["in place", "by TensorFlow"])
def test_a_matrix_made_indefinite_by_rounding_is_shifted_and_retained(optimizer, on_gpu, bound):
    # Its inverse Hessian has eigenvalues from 1e-9 to 1e9; the smallest is rounded to something
    # negative.
    batch = in_bowl([1e9, 1.0, 1.0, 1e-3, 1e-9])
    graph = GraphLoop(optimizer, Minimization(either)) if on_gpu else bound(optimizer)
    assert isinstance(graph, GraphLoop if on_gpu else InPlaceLoop)
    state = graph.start(tf.constant([1.0, 1e-3, 1e-3, 1e-3, 1e-3], tf.float64), batch)
    inverse = tf.linalg.diag(tf.constant([-1e-8, 1.0, 1.0, 1e3, 1e9], tf.float64))
    search = state.memory.search._replace(fresh=tf.constant(False))
    memory = state.memory._replace(inverse=inverse, search=search)
    state, _ = graph.advance(state._replace(memory=memory), batch, tf.constant(12), OFF)
    assert state.loss < 1e-12
    # The flattest direction is not forgotten.
    assert state.memory.factor * state.memory.inverse[4, 4] > 1e8


def test_broyden_is_bfgs_where_rounding_contradicts_the_matrix():
    # For a positive definite H, yᵀHy · sᵀH⁻¹s ≥ (yᵀs)².
    number = lambda v: tf.constant(v, tf.float64)  # noqa: E731
    tau, phi = SSBroyden().factors(number(0.1), number(2.0), tf.constant(False), 5)
    assert (tau, phi) == (1.0, 1.0)
