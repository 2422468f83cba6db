"""SciPy's L-BFGS-B: the same bits as SciPy's own loop, bounds, and runs that are repeated."""

import gc
import threading
import time

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from pinn import minimize
from pinn.errors import InputError
from pinn.optimizers import LBFGSB, Limits, Minimization, Status
from pinn.training import StopRule

OFF = Limits(*(tf.constant(-1.0, tf.float64),) * 4, tf.constant(-1))
START = np.array([-1.2, 1.0, -1.2, 1.0, 0.5])


@tf.function(autograph=False)
def valley(x, top):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (top - x[:-1]) ** 2)
    return loss, tape.gradient(loss, x)


ONE = tf.constant(1.0, tf.float64)


def scipys(iterations, bounds=None, **options):
    """SciPy's own loop, undisturbed."""

    def value(x):
        loss, gradient = valley(tf.constant(x), ONE)
        return float(loss), gradient.numpy()

    options = {"ftol": 0.0, "gtol": 0.0, "maxcor": 7, "maxls": 50, "maxiter": iterations, **options}
    return scipy.optimize.minimize(
        value, START, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )


@pytest.mark.parametrize("every", [4, 100])
@pytest.mark.parametrize("bounded", [False, True], ids=["free", "bounded"])
def test_it_is_scipys_own_run_to_the_bit_whatever_the_chunks(bounded, every):
    bounds = (-1.0, [0.9, 0.8, 2.0, 2.0, 2.0]) if bounded else (None, None)
    pairs = list(zip([-1.0] * 5, bounds[1], strict=True)) if bounded else None
    for iterations in (3, 25):
        theirs = scipys(iterations, pairs)
        ours = minimize(
            valley, START, ONE, optimizer=LBFGSB(pairs=7, lower=bounds[0], upper=bounds[1]),
            stop=StopRule(max_iterations=iterations), report_every=every,
        )  # fmt: skip
        np.testing.assert_array_equal(ours.position, theirs.x)
        assert ours.iterations == theirs.nit == iterations and ours.loss == theirs.fun
        assert (
            ours.evaluations == theirs.nfev + 1 == len(ours.evaluated)
        )  # and the start, for the loop


def test_bounds_hold_at_every_evaluation_and_the_end_is_a_bounded_minimum():
    seen, lower, upper = [], -0.4, np.array([0.7, 0.6, np.inf, np.inf, np.inf])

    def watched(x, _):
        tf.py_function(lambda a: seen.append(a.numpy()), [x], [])
        return valley(x, ONE)

    result = minimize(
        watched,
        START,
        optimizer=LBFGSB(lower=lower, upper=upper),
        stop=StopRule(max_iterations=100),
    )
    assert np.all(np.array(seen) >= lower) and np.all(np.array(seen) <= upper) and len(seen) > 10
    expected = scipys(200, list(zip([lower] * 5, upper, strict=True)))
    assert result.loss == pytest.approx(expected.fun, rel=1e-9)
    np.testing.assert_allclose(result.position, expected.x, atol=1e-6)
    rule = StopRule(max_iterations=100, gradient_tolerance=1e-6)
    assert (
        "converged"
        in minimize(
            watched, START, optimizer=LBFGSB(lower=lower, upper=upper), stop=rule
        ).stop_reason
    )


def test_a_resume_repeats_the_run_and_goes_on_bitwise():
    first, second = (LBFGSB(pairs=7).bind(Minimization(valley)) for _ in range(2))
    state, _ = first.advance(first.start(tf.constant(START), ONE), ONE, tf.constant(9), OFF)
    begun = int(state.evaluations)
    ends = [bound.advance(state, ONE, tf.constant(8), OFF)[0] for bound in (first, second, first)]
    for end in ends[1:]:  # another process's bound, and one that has gone past
        tf.nest.map_structure(np.testing.assert_array_equal, end, ends[0])
    assert int(ends[0].iterations) == 17 and begun < int(ends[0].evaluations)


def test_a_new_loss_begins_a_new_run():
    bound = LBFGSB(pairs=7).bind(Minimization(valley))
    state, _ = bound.advance(bound.start(tf.constant(START), ONE), ONE, tf.constant(9), OFF)
    state = bound.renew(state, 2 * ONE)
    np.testing.assert_array_equal(state.memory.origin, state.position)
    state, trace = bound.advance(state, 2 * ONE, tf.constant(5), OFF)
    fresh = LBFGSB(pairs=7).bind(Minimization(valley))
    other, _ = fresh.advance(
        fresh.start(state.memory.origin, 2 * ONE), 2 * ONE, tf.constant(5), OFF
    )
    np.testing.assert_array_equal(state.position, other.position)
    assert int(state.iterations) == 14 and len(trace.loss) == 5


def test_a_run_that_ends_in_this_precision_says_so():
    result = minimize(
        valley, START, ONE, optimizer=LBFGSB(), stop=StopRule(max_iterations=500, max_restarts=1)
    )
    assert result.loss < 1e-20 and (
        "line search failed 2 times" in result.stop_reason or "converged" in result.stop_reason
    )


def test_a_careful_restart_takes_a_shorter_first_step():
    bound, lengths = LBFGSB().bind(Minimization(valley)), []
    start = bound.start(tf.constant(START), ONE)
    for shrink in (1.0, 0.01):
        restarted = bound.restart(start, ONE, tf.constant(shrink, tf.float64))
        lengths.append(float(bound.advance(restarted, ONE, tf.constant(1), OFF)[0].step))
    assert lengths[1] < 0.5 * lengths[0]  # SciPy's search doubles and redoubles the first trial's


def test_single_precision_stays_single():
    start, one = tf.constant(START, tf.float32), tf.constant(1.0, tf.float32)
    result = minimize(valley, start, one, optimizer=LBFGSB(), stop=StopRule(max_iterations=40))
    assert result.position.dtype == np.float32 and result.loss < 1e-4 * result.start_loss


def test_errors_of_the_function_come_through_and_threads_end():
    calls = []

    def fails(x, _):
        def count(loss):
            calls.append(1)
            if len(calls) > 6:
                raise RuntimeError("its own fault")
            return loss

        loss, gradient = valley(x, ONE)
        found = tf.py_function(count, [loss], tf.float64)
        return tf.ensure_shape(found, []), gradient

    with pytest.raises(tf.errors.UnknownError, match="its own fault"):
        minimize(fails, START, optimizer=LBFGSB())
    minimize(valley, START, ONE, optimizer=LBFGSB(), stop=StopRule(max_iterations=3))
    end = time.monotonic() + 10
    while any(t.name == "L-BFGS-B" for t in threading.enumerate()) and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert not any(t.name == "L-BFGS-B" for t in threading.enumerate())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_roll_back_and_go_on(bad):
    def cliff(x, _):
        loss, bad_one = tf.reduce_sum((x - 0.9) ** 2), tf.constant(bad, x.dtype)
        outside = tf.reduce_max(x) > 0.95  # where the first step of 1 leads
        return tf.where(outside, bad_one, loss), tf.where(outside, bad_one, 2 * (x - 0.9))

    result = minimize(cliff, [0.0], optimizer=LBFGSB(), stop=StopRule(max_iterations=50))
    assert np.any(~np.isfinite(result.evaluated)) and result.loss < 1e-12


def test_it_states_the_first_end_of_scipy_as_a_failed_search():
    bound = LBFGSB().bind(Minimization(lambda x, _: (tf.reduce_sum(x * x), -2 * x)))  # uphill
    state, _ = bound.advance(bound.start(tf.constant(START), ()), (), tf.constant(5), OFF)
    assert int(state.status) == Status.SEARCH_FAILED
    np.testing.assert_array_equal(state.position, START)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LBFGSB(pairs=0), "LBFGSB: pairs=0; give a whole number"),
        (lambda: LBFGSB(line_search_iterations=1.5), "line_search_iterations=1.5"),
        (lambda: LBFGSB(lower=1.0, upper=0.0), "lower=1 above upper=0"),
        (lambda: LBFGSB(lower=[0.0, 2.0], upper=1.0), "lower=2 above upper=1"),
        (lambda: LBFGSB(lower=[0.0, 2.0], upper=[1.0]), "1 upper bounds for 2 numbers"),
        (lambda: LBFGSB(lower=float("nan")), "lower=nan; give numbers"),
        (
            lambda: minimize(valley, START, ONE, optimizer=LBFGSB(lower=[0.0])),
            "1 lower bounds for 5 numbers",
        ),
    ],
)
def test_bad_settings(make, words):
    with pytest.raises(InputError, match=words):
        make()
