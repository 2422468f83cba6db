"""Multi-batch L-BFGS: its subsets, its pairs, and what it saves."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from pinn import LBFGS, fit, minimize, mlp
from pinn.errors import InputError
from pinn.fitting import supervised
from pinn.objective import Objective, cut_into_blocks, draw
from pinn.objective.subsets import subset
from pinn.optimizers import Limits, Minimization, MultiBatchLBFGS, Status
from pinn.problems import Burgers
from pinn.setup import Points
from pinn.setup.draws import Draws
from pinn.subsets import rows, spread
from pinn.training import Feed, Phase, Progress, StopRule, Trainer

OFF = Limits(*(tf.constant(-1.0, tf.float64),) * 4, tf.constant(-1))
RNG = np.random.default_rng(0)


def at(start):
    return tf.constant(start, tf.float64)


# Subsets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7, 64, 1000])
def test_every_subset_is_spread_and_one_period_has_every_index_once(count):
    whole = spread(count, at(0.0), count).numpy()
    assert sorted(whole) == list(range(count))
    np.testing.assert_array_equal(spread(count, at(3.0), count), whole)
    if count == 1000:
        for begin in (0.0, 0.37, 0.95):
            chosen = np.sort(spread(count, at(begin), 50).numpy())
            gaps = np.diff([*chosen, chosen[0] + count])
            assert gaps.max() <= 4 * gaps.mean()


def test_rows_are_taken_from_all_arrays_alike():
    batch = (tf.range(40.0), {"a": tf.range(80.0)[::2]})
    first, other = rows(batch, at(0.25), 0.2)
    assert first.shape == [8]
    np.testing.assert_array_equal(2 * first, other["a"])
    for bad in ((), (tf.zeros(3), tf.zeros(4)), tf.constant(1.0)):
        with pytest.raises(InputError, match="rows: the batch has arrays of"):
            rows(bad, at(0.0), 0.5)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 1.0])
@pytest.mark.parametrize(
    ("threads", "size"), [(2, 64), (1, 10_000)], ids=["many blocks", "one block"]
)
def test_a_subset_has_its_share_of_points_and_its_quadrature_sums_to_one(threads, size, share):
    points = draw(Burgers(), "boundary", 1000)
    whole = cut_into_blocks(points, threads=threads, size=size, dtype="float64")
    found = subset(whole, at(0.3), share)
    assert float(tf.reduce_sum(found.quadrature)) == pytest.approx(1.0)
    count = tf.size(found.quadrature).numpy()
    assert abs(count - share * 1000) <= 0.05 * 1000 * share + 2 * threads
    assert found.coordinates.shape[2] == 2 and found.normals.shape[2] == 1
    flat = found.coordinates.numpy().transpose(0, 1, 3, 2).reshape(-1, 2)
    assert {tuple(p) for p in flat} <= {tuple(p) for p in points.coordinates}
    if share >= 0.2:
        assert abs(np.mean(flat[:, 0] > 0) - 0.5) < 0.05  # either face has its half


def burgers(interior=600):
    network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=6, depth=2, seed=0)
    objective = Objective(Burgers(), network)
    points = Points(counts={"interior": interior, "initial": 60, "boundary": 60}, block=100)
    return objective, Draws(points, objective, seed=0).batch(0, {})


def test_losses_of_subsets_are_near_the_loss_and_their_mean_is_the_loss(eager):
    objective, batch = burgers()
    theta = objective.flat.flatten()
    whole, gradient = objective.value_and_gradient(theta, batch)
    found = [
        objective.value_and_gradient(theta, objective.subset(batch, at(s), 0.25))
        for s in (0, 0.25, 0.5, 0.75)
    ]
    assert np.ptp([f[0] for f in found]) < 0.3 * whole
    assert np.mean([f[0] for f in found]) == pytest.approx(float(whole), rel=2e-2)
    assert np.linalg.norm(np.mean([f[1] for f in found], 0) - gradient) < 0.05 * np.linalg.norm(
        gradient
    )


# Optimizer ----------------------------------------------------------------------------------------

INPUTS = tf.constant(RNG.standard_normal((400, 6)) * np.logspace(0, 1, 6))
TARGETS = tf.linalg.matvec(INPUTS, tf.constant(RNG.standard_normal(6))) + 0.1 * RNG.standard_normal(
    400
)


def regression(x, batch):
    inputs, targets = batch
    off = tf.linalg.matvec(inputs, x) - targets
    count = tf.cast(tf.shape(off)[0], x.dtype)
    return tf.reduce_sum(off**2) / count, 2 * tf.linalg.matvec(
        inputs, off, transpose_a=True
    ) / count


@pytest.mark.quick("8")
@pytest.mark.parametrize("overlap", [0.2, 0.5])
@pytest.mark.parametrize("backtracks", [0, 8])
def test_pairs_are_differences_on_the_overlap(overlap, backtracks):
    settings = MultiBatchLBFGS(share=0.3, overlap=overlap, backtracks=backtracks, pairs=4)
    bound = settings.bind(Minimization(regression, subset=rows))
    batch = (INPUTS, TARGETS)
    state = bound.start(tf.zeros(6, tf.float64), batch)
    sets = functools.partial(settings.sets, rows)
    for _ in range(6):
        before = state
        state, _ = bound.advance(before, batch, tf.constant(1), OFF)
        # The last set of a subset is the first one of the next.
        shared = sets(batch, before.iterations)[-1]
        following = sets(batch, state.iterations)[0]
        tf.nest.map_structure(np.testing.assert_array_equal, shared, following)
        loss, gradient = regression(state.position, shared)
        np.testing.assert_allclose(state.loss, loss, rtol=1e-12)
        y = gradient - regression(before.position, shared)[1]
        np.testing.assert_allclose(state.memory.pairs.gradient_deltas[-1], y, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(
            state.memory.pairs.position_deltas[-1], state.position - before.position, atol=1e-15
        )
        targets = np.concatenate([points[1] for points in sets(batch, before.iterations)])
        # Up to rounding, a subset has its share of the batch and no point twice.
        assert abs(len(targets) - 0.3 * 400) <= 2
        assert len(np.unique(targets)) >= len(targets) - 2


@pytest.mark.parametrize("restarted", [False, True])
def test_a_start_compares_losses_of_one_subset(restarted):
    # Subsets differ by far more than a step gains: a search that mixed them would fail, or accept
    # any step.
    levels = tf.constant(np.repeat([0.0, 1e6], 50))
    minimization = Minimization(
        lambda x, b: (tf.reduce_sum(x * x) + tf.reduce_mean(b), 2 * x),
        subset=lambda b, s, h: rows(tf.sort(b), s, h),
    )
    bound = MultiBatchLBFGS(share=0.1).bind(minimization)
    state = bound.start(tf.ones(3, tf.float64), levels)
    if restarted:
        state = bound.renew(bound.advance(state, levels, tf.constant(1), OFF)[0], levels)
    state, trace = bound.advance(state, levels, tf.constant(3), OFF)
    assert int(state.status) in (Status.RUNNING, Status.GRADIENT)
    assert np.all(trace.step > 0)
    assert np.abs(state.position).max() < 1e-3


def test_pairs_without_curvature_are_left_out():
    minimization = Minimization(lambda x, _: (-tf.reduce_sum(x * x), -2 * x), subset=rows)
    bound = MultiBatchLBFGS(first_step=0.1).bind(minimization)
    batch = tf.zeros([10])
    state = bound.start(tf.ones(3, tf.float64), batch)
    after, _ = bound.advance(state, batch, tf.constant(5), OFF)
    assert bool(after.memory.pairs.artificial) and float(after.loss) < float(state.loss)
    np.testing.assert_array_equal(
        after.memory.pairs.gradient_deltas, state.memory.pairs.gradient_deltas
    )


@pytest.mark.parametrize("check_every", [1, 7])
def test_the_best_position_is_the_best_of_those_that_were_checked_on_the_whole(check_every):
    settings = MultiBatchLBFGS(share=0.2, check_every=check_every)
    bound = settings.bind(Minimization(regression, subset=rows))
    batch = (INPUTS, TARGETS)
    state = bound.start(tf.zeros(6, tf.float64), batch)
    losses = []
    positions = []
    for _ in range(30):
        state, _ = bound.advance(state, batch, tf.constant(1), OFF)
        losses.append(float(regression(state.position, batch)[0]))
        positions.append(state.position)
    checked = [i for i in range(30) if (i + 1) % check_every == 0]
    best = min(checked, key=lambda i: losses[i])
    np.testing.assert_array_equal(state.best_position, positions[best])
    assert float(state.best_loss) == pytest.approx(losses[best], rel=1e-12)


def test_the_target_is_tested_on_the_whole_batch():
    result = minimize(
        regression,
        np.zeros(6),
        (INPUTS, TARGETS),
        subset=rows,
        stop=StopRule(max_iterations=300, target_loss=0.011),
        optimizer=MultiBatchLBFGS(check_every=5),
    )
    assert "target reached" in result.stop_reason
    assert result.loss <= 0.011
    assert result.iterations % 5 == 0
    loss, _ = regression(tf.constant(result.position), (INPUTS, TARGETS))
    assert result.loss == pytest.approx(float(loss), rel=1e-12)
    assert len(result.evaluated) == result.evaluations


@pytest.mark.slow
def test_chunks_and_resumes_are_one_run_bitwise_on_points(shared_losses):
    objective, batch = burgers(100)

    def run(*budgets):
        progress = None
        for budget in budgets:
            phase = Phase(
                name="p",
                optimizer=MultiBatchLBFGS(check_every=3),
                stop=StopRule(max_iterations=budget),
                report_every=4,
            )
            if progress is not None:
                progress.reopen(stale=False)
            trainer = Trainer(Minimization(objective.value_and_gradient, subset=objective.subset))
            progress = progress or Progress()
            trainer.run(objective.flat.flatten(), [phase], Feed(lambda *_: batch), progress)
        return progress.state

    tf.nest.map_structure(np.testing.assert_array_equal, run(8), run(3, 8))


@pytest.mark.slow
def test_it_reaches_the_loss_of_the_full_batch_with_fewer_points():
    x = np.random.default_rng(0).uniform(-1, 1, (4000, 2))
    y = np.sin(3 * x[:, :1]) * np.cos(2 * x[:, 1:])
    costs = []
    for optimizer in (LBFGS(pairs=20), MultiBatchLBFGS(share=0.1, check_every=20)):
        model = mlp(lower=[-1, -1], upper=[1, 1], outputs=1, width=12, depth=2, seed=1)
        result = fit(
            model, x, y, optimizer=optimizer, stop=StopRule(max_iterations=400, target_loss=5e-3)
        )
        assert "target reached" in result.stop_reason, result
        costs.append(result.evaluations)  # of the whole batch
    # At an overlap of a half every call but the checks, of which the start is one, is on half of a
    # part.
    checks = 1 + result.iterations // 20
    costs[1] = checks + (result.evaluations - checks) * optimizer.share / 2
    assert costs[1] < 0.5 * costs[0], costs


def test_the_loss_of_a_subset_of_samples_is_their_mean():
    model = mlp(lower=[-1], upper=[1], outputs=1, width=4, depth=1)
    x = np.linspace(-1, 1, 50)[:, None]
    whole, blockwise = (supervised(model, x, x**2, block=b) for b in (None, 7))
    theta = whole.flat.flatten()
    piece = rows(whole.batch, at(0.4), 0.3)
    expected = np.mean((model(piece[0]).numpy() - piece[1].numpy()) ** 2)
    for objective in (whole, blockwise):
        assert float(objective.value_and_gradient(theta, piece)[0]) == pytest.approx(
            expected, rel=1e-12
        )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MultiBatchLBFGS(share=0.0), "share=0.0; give a number in"),
        (lambda: MultiBatchLBFGS(overlap=0.6), "overlap=0.6; give a number in"),
        (lambda: MultiBatchLBFGS(pairs=0), "pairs=0; give a whole number"),
        (lambda: MultiBatchLBFGS(backtracks=-1), "backtracks=-1"),
        (lambda: MultiBatchLBFGS(check_every=1.5), "check_every=1.5"),
        (lambda: MultiBatchLBFGS(step=0.0), "step=0.0; give a positive number"),
        (
            lambda: minimize(
                regression, np.zeros(6), (INPUTS, TARGETS), optimizer=MultiBatchLBFGS()
            ),
            "needs subsets",
        ),
    ],
)
def test_bad_settings(make, words):
    with pytest.raises(InputError, match=words):
        make()
