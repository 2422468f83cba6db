"""Weighting schemes: the papers' formulas, redraws, frozen phases, resumed runs, figures."""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf

from pinn import LBFGS, Adam, mlp
from pinn.errors import InputError
from pinn.objective import LeastSquares, Objective, PointSet, cut_into_blocks, draw, standard_errors
from pinn.optimizers import SOAP, GaussNewton
from pinn.optimizers.interface import Minimization
from pinn.plotting import weights_figure
from pinn.problems import Burgers, Helmholtz, Kovasznay
from pinn.record import History, RunFolder
from pinn.run import checkpoint, load, resume, solve
from pinn.setup import Points
from pinn.training import Feed, Phase, Progress, StopRule, Trainer
from pinn.weights import (
    NTK,
    Causal,
    GradientNorm,
    ReLoBRaLo,
    ResidualAttention,
    SelfAdaptive,
    Weighting,
)
from pinn.weights.gradient_norm import LARGEST, balancing_weights
from pinn.weights.pointwise import nearest_lambdas

COUNTS = {"interior": 40, "initial": 9, "boundary": 6}
FIXED = {"momentum": 0.5, "start": 3.0, "walls": 2.0}
SCHEMES = [
    GradientNorm(every=3),
    NTK(every=4),
    ReLoBRaLo(every=2, alpha=0.5, rho=0.5),
    SelfAdaptive(every=3, rate=0.3),
    ResidualAttention(every=3, eta=0.1),
    Causal(every=3, chunks=5),
]
LABELS = [s.label for s in SCHEMES]


def schemes(*quick):
    """Return all schemes; those that are not named are marked as slow."""
    params = []
    for scheme in SCHEMES:
        marks = [] if scheme.label in quick else [pytest.mark.slow]
        params.append(pytest.param(scheme, marks=marks))
    return params


def build_loss():
    """Return a loss of three terms with fixed weights, and points for it.

    The interior's points are two blocks, one of them with padding.
    """
    problem = Burgers()
    lower, upper = problem.bounds
    network = mlp(lower=lower, upper=upper, outputs=len(problem.fields), width=4, depth=1)
    objective = Objective(problem, network, weights=FIXED)
    return objective, draw_batch(objective)


def draw_batch(objective, number=0, size=25):
    points = {}
    for region in objective.regions:
        point_set = draw(objective.problem, region, COUNTS[region], number=number)
        points[region] = cut_into_blocks(point_set, threads=2, size=size, dtype="float64")
    return objective.batch(points)


def thetas(objective, count=2):
    start = objective.flat.flatten()
    rng = np.random.default_rng(0)
    return [start + 0.3 * i * rng.standard_normal(len(start)) for i in range(count)]


def single_term(objective, name):
    """Return an objective of one of the terms."""
    weights = {t.name: float(t.name == name) for t in objective.terms}
    return Objective(objective.problem, objective.network, weights=weights)


def residuals(objective, theta):
    """Return every term's residuals at its points, in one block and by nested derivatives."""
    slow = Objective(objective.problem, objective.network, derivatives="nested")
    tensors, found = slow.flat.partition(theta), {}
    for region in slow.regions:
        points = draw(slow.problem, region, COUNTS[region])
        piece = cut_into_blocks(points, threads=1, size=1000, dtype="float64")
        found |= slow.residuals(tensors, region, tf.nest.map_structure(lambda a: a[0, 0], piece))
    return found


def gradients(objective, theta):
    gradients = {}
    for term in objective.terms:
        single = single_term(objective, term.name)
        _, gradient = single.value_and_gradient(theta, draw_batch(single, size=1000))
        gradients[term.name] = gradient.numpy()
    return gradients


def trajectory(scheme, objective, batch, seed=0):
    """Return the weighting, and its memories before and after each of two updates."""
    weighting = Weighting(scheme, objective, seed=seed)
    memories = [weighting.initial_memory(batch)]
    for theta in thetas(objective):
        weighted = weighting.apply(batch, memories[-1])
        memories.append(weighting.update(theta, weighted, memories[-1]))
    return weighting, memories


# Formulas ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("statistic", ["norms", "max_mean"])
def test_gradient_norms(statistic, eager):
    objective, batch = build_loss()
    _, memories = trajectory(GradientNorm(statistic=statistic, decay=0.7), objective, batch)
    expected = dict.fromkeys(FIXED, 1.0)
    for theta, memory in zip(thetas(objective), memories[1:], strict=True):
        g = gradients(objective, theta)
        if statistic == "norms":
            total = sum(np.linalg.norm(v) for v in g.values())
            hats = {name: total / np.linalg.norm(v) for name, v in g.items()}
        else:
            largest = np.max(np.abs(g["momentum"]))
            hats = {name: largest / np.mean(np.abs(v)) for name, v in g.items()}
            hats["momentum"] = 1.0
        expected = {name: 0.7 * expected[name] + 0.3 * hats[name] for name in expected}
        for name, value in expected.items():
            assert float(memory[name]) == pytest.approx(value, rel=1e-10)


def test_neural_tangent_kernels(eager, monkeypatch):
    # With equally many points per region, the paper's traces agree with ours.
    monkeypatch.setattr("test_weights.COUNTS", dict.fromkeys(COUNTS, 12))
    objective, batch = build_loss()
    _, memories = trajectory(NTK(), objective, batch)
    theta = thetas(objective)[-1]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(theta)
        by_term = residuals(objective, theta)
    kernels = {}
    for name, values in by_term.items():
        rows = tape.jacobian(values, theta, experimental_use_pfor=False).numpy()
        kernels[name] = rows @ rows.T
    total = sum(np.trace(kernel) for kernel in kernels.values())
    for name, kernel in kernels.items():
        assert kernel.shape == (12, 12)
        assert float(memories[-1][name]) == pytest.approx(total / np.trace(kernel), rel=1e-9)


@dataclass
class LossesOnly:
    """A snapshot of a loss with what ReLoBRaLo uses."""

    values: dict[str, float]
    seed: int

    def losses(self):
        return self.values


def test_relative_loss_balancing_with_random_lookback():
    objective, batch = build_loss()
    scheme = ReLoBRaLo(alpha=0.6, rho=0.5, temperature=0.4)
    drawn = set()
    for seed in range(20):
        losses = np.random.default_rng(seed).uniform(0.5, 1.5, (4, 3))
        memory = Weighting(scheme, objective).initial_memory(batch)
        before = np.ones(3)
        for t, values in enumerate(losses):
            snapshot = LossesOnly(dict(zip(FIXED, values, strict=True)), seed)
            memory = scheme.update(memory, snapshot)
            weights = np.array([scheme.term_weight(memory, name) for name in FIXED])
            if t == 0:
                np.testing.assert_array_equal(weights, before)
                continue
            since_first = relative_balance(values, losses[0])
            since_last = relative_balance(values, losses[t - 1])
            expected = []
            for rho in (0, 1):
                past = rho * before + (1 - rho) * since_first
                expected.append(0.6 * past + 0.4 * since_last)
            rho = int(np.allclose(weights, expected[1], rtol=1e-12))
            np.testing.assert_allclose(weights, expected[rho], rtol=1e-12)
            before = weights
            drawn.add((t, rho))
    # Both values of ρ occur in every update but the first.
    assert drawn == {(t, rho) for t in (1, 2, 3) for rho in (0, 1)}


def relative_balance(losses, earlier):
    powers = np.exp(losses / (0.4 * earlier))
    return 3 * powers / np.sum(powers)


def test_self_adaptive_weights_ascend_the_loss(eager):
    objective, batch = build_loss()
    scheme = SelfAdaptive(every=1, rate=0.02, start=1.2, power=3.0)
    weighting, memories = trajectory(scheme, objective, batch)
    lambdas = {t.name: np.full(COUNTS[t.region], 1.2) for t in objective.terms}
    for theta, memory in zip(thetas(objective), memories[1:], strict=True):
        r = residuals(objective, theta)
        for name, before in lambdas.items():
            lambdas[name] = before + 0.02 * 3 * before**2 * r[name].numpy() ** 2 / 2
            np.testing.assert_allclose(memory[name], lambdas[name], rtol=1e-9)
    for name, value in weighting.point_weights(batch, memories[-1]).items():
        np.testing.assert_allclose(value, FIXED[name] * lambdas[name] ** 3, rtol=1e-9)


def test_the_sigmoid_mask():
    scheme = SelfAdaptive(every=4, rate=0.1, mask="sigmoid", ceiling=7.0, slope=2.0, middle=1.5)
    lambdas, r = np.eye(2) + 0.3
    power = np.exp(-2 * (lambdas - 1.5))
    np.testing.assert_allclose(scheme.weights(lambdas), 7 / (1 + power))
    expected = lambdas + 4 * 0.1 * 14 * power / (1 + power) ** 2 * r**2 / 2
    np.testing.assert_allclose(scheme.update_lambdas(lambdas, r), expected)


def test_residual_based_attention(eager):
    objective, batch = build_loss()
    scheme = ResidualAttention(every=1, gamma=0.9, eta=0.2)
    weighting, memories = trajectory(scheme, objective, batch)
    lambdas = np.zeros(COUNTS["interior"])
    for theta, memory in zip(thetas(objective), memories[1:], strict=True):
        r = np.abs(residuals(objective, theta)["momentum"])
        lambdas = 0.9 * lambdas + 0.2 * r / np.max(r)
        np.testing.assert_allclose(memory["momentum"], lambdas, rtol=1e-10)
    weights = weighting.point_weights(batch, memories[-1])
    assert list(weights) == ["momentum"]  # the paper's choice
    np.testing.assert_allclose(weights["momentum"], 0.5 * lambdas**2, rtol=1e-10)
    # One update after five iterations is five updates with the same residuals.
    start = np.array([0.3, 0.1])
    r = np.array([1.0, -2.0])
    five_updates = start
    for _ in range(5):
        five_updates = scheme.update_lambdas(five_updates, r)
    one_update = dataclasses.replace(scheme, every=5).update_lambdas(start, r)
    np.testing.assert_allclose(one_update, five_updates, rtol=1e-12)


def test_causal_weights(eager):
    objective, batch = build_loss()
    scheme = Causal(epsilon=[0.05, 10.0, 20.0], chunks=6, delta=0.6)
    weighting, memories = trajectory(scheme, objective, batch)
    times = draw(objective.problem, "interior", COUNTS["interior"]).coordinates[:, 1]
    index = 0
    for theta, memory in zip(thetas(objective), memories[1:], strict=True):
        r = residuals(objective, theta)
        total = 3.0 * np.mean(r["start"].numpy() ** 2)
        expected = []
        for i in range(6):
            expected.append(np.exp(-scheme.epsilon[index] * total))
            in_segment = (times >= i / 6) & (times < (i + 1) / 6)
            total += 0.5 * np.mean(r["momentum"].numpy()[in_segment] ** 2)
        np.testing.assert_allclose(memory["chunks"], expected, rtol=1e-10)
        row = weighting.row(batch, memory)
        assert row["causal_epsilon"] == scheme.epsilon[index]
        assert row["causal_minimum"] == pytest.approx(min(expected))
        index = min(index + (min(expected) > 0.6), 2)
    assert index == 1
    # A redraw does not change the weights, which are functions of time.
    redrawn = draw_batch(objective, number=1)
    redrawn_times = draw(objective.problem, "interior", 40, number=1).coordinates[:, 1]
    for points, point_times in ((batch, times), (redrawn, redrawn_times)):
        weights = weighting.point_weights(points, memories[-1])["momentum"]
        segments = (6 * point_times).astype(int)
        np.testing.assert_allclose(weights, 0.5 * np.array(expected)[segments])


# Losses ------------------------------------------------------------------------------------------


@pytest.mark.quick("NTK", "causal", "attention")
@pytest.mark.parametrize("scheme", SCHEMES, ids=LABELS)
def test_the_loss_is_weighted_and_its_terms_are_reported_unweighted(scheme, eager):
    objective, batch = build_loss()
    weighting, memories = trajectory(scheme, objective, batch)
    theta = thetas(objective)[1]
    weighted = weighting.apply(batch, memories[-1])
    # All memories give the same shapes, so that no function is traced again.
    for memory in memories[:2]:
        other = weighting.apply(batch, memory)
        tf.nest.assert_same_structure(other, weighted)
        pairs = zip(
            tf.nest.flatten((other.points, other.weights)),
            tf.nest.flatten((weighted.points, weighted.weights)),
            strict=True,
        )
        for a, b in pairs:
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
    r = residuals(objective, theta)
    points = weighting.point_weights(batch, memories[-1])
    terms = {name: w * scheme.term_weight(memories[-1], name) for name, w in FIXED.items()}
    expected = sum(np.mean(points.get(name, terms[name]) * v**2) for name, v in r.items())
    expected = pytest.approx(expected, rel=1e-10)
    value, gradient = objective.value_and_gradient(theta, weighted)
    assert float(value) == expected
    assert float(objective.value(theta, weighted)) == expected
    np.testing.assert_array_equal(objective.losses(theta, weighted), objective.losses(theta, batch))
    row = weighting.row(batch, memories[-1])
    assert list(row) == weighting.columns()
    for name in FIXED:
        assert row[f"weight_{name}"] == pytest.approx(np.mean(points.get(name, terms[name])))
    # Gauss–Newton's residuals contain the weights' square roots: their squares sum to the loss.
    squares = LeastSquares(objective)
    pieces = list(squares.jacobian(theta, weighted))
    values = np.concatenate([residuals for residuals, _ in pieces])
    columns = np.concatenate([columns for _, columns in pieces], 1)
    assert np.sum(values**2) == expected
    assert float(squares.loss(theta, weighted)) == expected
    tolerance = 1e-10 * np.max(np.abs(gradient))
    np.testing.assert_allclose(2 * columns @ values, gradient, rtol=1e-8, atol=tolerance)
    ordered = squares.residuals(theta, weighted)
    assert np.sum(ordered.numpy() ** 2) == expected
    product = squares.vjp(theta, weighted, ordered)
    np.testing.assert_allclose(2 * product, gradient, rtol=1e-8, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES, ids=LABELS)
def test_other_weights_never_retrace(scheme):
    objective, batch = build_loss()
    weighting, memories = trajectory(scheme, objective, batch)
    functions = (objective.value_and_gradient, objective.losses, weighting.diagnostics._residuals)
    counts = []
    for memory in memories:
        weighted = weighting.apply(batch, memory)
        objective.value_and_gradient(thetas(objective)[0], weighted)
        objective.losses(thetas(objective)[0], weighted)
        weighting.update(thetas(objective)[0], weighted, memory)
        counts.append([f.experimental_get_tracing_count() for f in functions])
    assert counts[0] == counts[-1]
    assert counts[0][:2] == [1, 1]


def test_a_subset_of_the_points_keeps_their_weights(eager):
    objective, batch = build_loss()
    weighting, memories = trajectory(SelfAdaptive(every=1, rate=0.3), objective, batch)
    weighted = weighting.apply(batch, memories[-1])
    subset = objective.subset(weighted, tf.constant(0.3, tf.float64), 0.5)
    weights = weighting.point_weights(batch, memories[-1])["momentum"]
    by_point = {}
    for x, weight in zip(weighted.points["interior"].rows, weights, strict=True):
        by_point[tuple(np.round(x, 12))] = weight
    piece = subset.points["interior"]
    factors = np.asarray(piece.point_weights["momentum"]).ravel()[piece.is_point]
    assert len(factors) < 30
    for x, factor in zip(piece.rows, factors, strict=True):
        assert 0.5 * factor == pytest.approx(by_point[tuple(np.round(x, 12))])


def test_an_update_that_is_not_finite_leaves_the_weights_unchanged(eager):
    objective, batch = build_loss()
    for scheme in SCHEMES:
        weighting = Weighting(scheme, objective)
        memory = weighting.initial_memory(batch)
        assert weighting.update(thetas(objective)[0] * np.nan, batch, memory) is memory


def test_a_solved_term_gets_a_large_but_finite_weight():
    weights = balancing_weights({"a": 3.0, "b": 0.0, "c": 1.0})
    assert weights == {"a": 4 / 3, "b": LARGEST, "c": 4.0}


def test_measurements_with_one_weight_per_point_have_no_standard_errors(eager):
    problem = Burgers(unknowns={"nu": 0.02})
    network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=2, depth=1)
    objective = Objective(problem, network, measured={"data": ("u",)}, hard=True)
    places = draw(problem, "interior", 30, number=1).coordinates
    sets = {
        "interior": draw(problem, "interior", 30),
        "data": PointSet(places, None, {"u": problem.reference_at(places)["u"]}),
    }
    points = {r: cut_into_blocks(s, threads=1, size=30, dtype="float64") for r, s in sets.items()}
    batch = objective.batch(points)

    def errors(terms):
        weighting = Weighting(SelfAdaptive(terms=terms), objective)
        weighted = weighting.apply(batch, weighting.initial_memory(batch))
        return standard_errors(LeastSquares(objective), objective.flat.flatten(), weighted)

    assert errors(["momentum"]).errors["nu"] > 0
    assert errors(["data_u"]) is None


# Redraws -----------------------------------------------------------------------------------------


def test_a_redrawn_point_has_the_weight_of_the_nearest_and_a_remaining_point_its_own(eager):
    objective, batch = build_loss()
    weighting, memories = trajectory(SelfAdaptive(every=1, rate=0.3), objective, batch)
    memory, term = memories[-1], objective.terms[0]
    old = draw(objective.problem, "interior", 40).coordinates
    new = draw(objective.problem, "interior", 40, number=1).coordinates
    mixed = np.concatenate([old[10:25], new[:25]])
    interior = cut_into_blocks(PointSet(mixed), threads=2, size=25, dtype="float64")
    redrawn = draw_batch(objective)
    redrawn = redrawn._replace(points={**redrawn.points, "interior": interior})
    weights = weighting.point_weights(redrawn, memory)["momentum"] / 0.5
    np.testing.assert_array_equal(weights[:15], memory["momentum"][10:25] ** 2)
    lower, upper = objective.problem.bounds
    for point, weight in zip(new[:25], weights[15:], strict=True):
        nearest = np.argmin(np.sum(((old - point) / (upper - lower)) ** 2, axis=1))
        assert weight == memory["momentum"][nearest] ** 2
    assert len(np.unique(weights)) > 20
    # Only an update replaces the memory's points by the new ones.
    after = weighting.update(thetas(objective)[0], redrawn, memory)
    np.testing.assert_allclose(after["at:interior"], (mixed - lower) / (upper - lower))
    start = nearest_lambdas(memory, term, after["at:interior"])
    assert np.all(after["momentum"] >= start)
    assert not np.array_equal(after["momentum"], start)
    np.testing.assert_array_equal(after["at:initial"], memory["at:initial"])


# Runs --------------------------------------------------------------------------------------------

POINTS = Points(counts={"interior": 20, "initial": 4, "boundary": 4}, test=10)


def phase(name, optimizer, iterations, **settings):
    return Phase(
        name=name, optimizer=optimizer, stop=StopRule(max_iterations=iterations), **settings
    )


PHASES = [
    phase("explore", Adam(learning_rate=0.02), 9, report_every=5, redraw_every=6),
    phase("polish", LBFGS(pairs=3), 4, report_every=2, redraw_every=3),
]


@pytest.fixture
def quiet(monkeypatch, shared_losses):
    """Switch off compilation and figures, which take longer than these runs."""
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])


def burgers(**settings):
    network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=4, depth=1)
    defaults = {
        "phases": PHASES,
        "points": POINTS,
        "constraints": "soft",
        "weights": FIXED,
        "show": False,
    }
    return solve(Burgers(), network=network, **{**defaults, **settings})


class RecordedWeights:
    """A weight that grows by one per update; the positions of all updates are recorded."""

    every = 3

    def __init__(self):
        self.updates = []

    def initial_memory(self, batch):
        return {"weight": np.array(1.0)}

    def update(self, position, batch, memory):
        self.updates.append(float(position[0]))
        return {"weight": memory["weight"] + 1}

    def apply(self, batch, memory):
        return tf.constant(float(memory["weight"]), tf.float64)


def test_weights_follow_single_steps_and_are_frozen_elsewhere(eager):
    weights = RecordedWeights()
    reports = []

    def valley(x, batch):
        return batch * tf.reduce_sum(x**4), 4 * batch * x**3

    def note(report):
        name = report.phase.name
        reports.append((name, report.progress.records[-1].iterations, float(report.batch)))
        assert len(report.trace.loss) == {"explore": 4, "polish": 2, "again": 5}[name]
        assert float(report.state.loss) == float(report.trace.loss[-1])

    slow = Adam(learning_rate=1e-3)
    phases = [
        phase("explore", slow, 8, report_every=4),
        phase("polish", LBFGS(first_step=1e-3, pairs=2), 4, report_every=2),
        phase("again", slow, 5, report_every=5),
    ]
    start = tf.constant([1.0, 2.0], tf.float64)
    progress = Progress()
    feed = Feed(lambda *_: None, weighting=weights)
    Trainer(Minimization(valley)).run(start, phases, feed, progress, callbacks=[note])
    # The updates are at iterations 0, 3 and 6 of the first phase, and 0 and 3 of the last.
    assert reports[:2] == [("explore", 4, 3.0), ("explore", 8, 4.0)]
    assert {weight for name, _, weight in reports if name == "polish"} == {4.0}
    assert reports[-1] == ("again", 5, 6.0)
    assert len(weights.updates) == 5
    assert weights.updates[0] == 1.0
    assert float(progress.weights["weight"]) == 6.0


@pytest.mark.quick("causal")
@pytest.mark.parametrize("scheme", schemes("gradient norm", "self-adaptive", "causal"), ids=LABELS)
def test_every_scheme_runs_is_frozen_and_reports_it(scheme, quiet, capsys):
    solution = burgers(scheme=scheme, show=True)
    history = solution.history
    name = next(iter(FIXED))
    in_polish = np.char.startswith(history["phase"], "polish")
    weights = np.array(history[f"weight_{name}"])
    assert len(np.unique(weights[~in_polish])) > 1
    pointwise = scheme.pointwise_terms(solution.objective.terms)
    if not pointwise:  # a redraw changes the mean of weights per point
        assert len(np.unique(weights[in_polish])) == 1
    metrics = solution.metrics["weights"]
    assert metrics["scheme"] == scheme.label
    assert metrics["frozen_in"] == ["polish"]
    assert metrics["last"][f"weight_{name}"] == weights[-1]
    out = " ".join(capsys.readouterr().out.split())
    assert out.count(f"polish (L-BFGS): {scheme.label} weights are frozen") == 1
    assert set(solution.weights) == {term.name for term in pointwise}
    heldout_loss = solution.history["heldout_loss"][-1]
    assert solution.metrics["heldout_loss"] == pytest.approx(heldout_loss, rel=0.5)


@pytest.mark.slow
def test_a_frozen_phase_minimizes_the_weighted_loss(quiet):
    phases = [phase("explore", SOAP(), 6), phase("polish", GaussNewton(), 2, report_every=1)]
    solution = burgers(scheme=SelfAdaptive(rate=0.5, every=2), phases=phases)
    in_polish = np.char.startswith(solution.history["phase"], "polish")
    losses = np.array(solution.history["loss"])[in_polish]
    assert np.all(np.diff(losses) <= 0)
    assert solution.metrics["loss"] == losses[-1]
    with_fixed_weights = sum(FIXED[n] * solution.history[f"loss_{n}"][-1] for n in FIXED)
    assert losses[-1] > 1.2 * with_fixed_weights


@pytest.mark.slow
def test_a_hard_problem_of_one_term_can_have_weights_per_point(quiet):
    phases = [phase("explore", Adam(), 2)]
    solution = burgers(scheme=ResidualAttention(), constraints="auto", weights={}, phases=phases)
    assert solution.history["weight_momentum"][-1] > 0
    assert list(solution.weights) == ["momentum"]


def test_fixed_weights_are_not_recorded(quiet, tmp_path):
    solution = burgers(folder=tmp_path / "run", phases=[phase("explore", Adam(), 1)])
    assert not [column for column in solution.history if "weight" in column]
    assert solution.metrics["weights"] is None
    assert solution.weights == {}
    with np.load(tmp_path / "run" / "checkpoint.npz") as file:
        assert not [name for name in file.files if name.startswith("weights/")]


def interrupt_at(iterations):
    """Return a callback that interrupts a run after some iterations."""

    def stop(report):
        if report.progress.iterations == iterations:
            raise KeyboardInterrupt

    return stop


def folder_contents(path):
    """Return what a run's folder contains, without times."""
    progress = checkpoint.load(path / "checkpoint.npz")
    rows = RunFolder(path).read_history().rows
    for row in rows:
        del row["seconds"]
    arrays = {
        **progress.state._asdict(),
        "weights": dict(progress.weights),
        "points": dict(progress.points),
    }
    return [np.asarray(a).tobytes() for a in tf.nest.flatten(arrays)], repr(rows)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", schemes("self-adaptive"), ids=LABELS)
def test_an_interrupted_and_resumed_run_is_bitwise_the_whole_one(scheme, quiet, tmp_path):
    points = dataclasses.replace(POINTS, adaptive="r3")
    whole = burgers(scheme=scheme, points=points, folder=tmp_path / "whole")
    cut = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        burgers(scheme=scheme, points=points, folder=cut, callbacks=[interrupt_at(6)])
    # Resumed in the middle of a phase, at a redraw, and in a frozen phase.
    for iterations in (9, 12):
        with pytest.raises(KeyboardInterrupt):
            resume(cut, show=False, callbacks=[interrupt_at(iterations)])
    again = resume(cut, show=False)
    assert folder_contents(cut) == folder_contents(whole.folder)
    assert json.dumps(again.metrics["weights"]) == json.dumps(whole.metrics["weights"])
    assert again.metrics["loss"] == whole.metrics["loss"]
    loaded = load(cut)
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], value)


def test_a_checkpoint_of_another_scheme_is_refused(quiet, tmp_path):
    scheme = Causal(every=3, chunks=5)
    run = burgers(scheme=scheme, folder=tmp_path / "run", phases=PHASES[:1]).folder
    before = (run / "config.yaml").read_bytes()
    message = r"the checkpoint's weights are not those of weights.scheme \((causal|fixed)\)"
    for override in ("weights.scheme.chunks=6", "weights.scheme=null"):
        with pytest.raises(InputError, match=message):
            resume(run, overrides=[override], show=False)
        assert (run / "config.yaml").read_bytes() == before


@pytest.mark.slow
def test_another_number_of_points_takes_the_nearest_weights(quiet, tmp_path):
    run = burgers(scheme=SelfAdaptive(every=3, rate=0.3), folder=tmp_path / "run")
    overrides = ["points.counts.interior=30", "phases.polish.stop.max_iterations=6"]
    more = resume(run.folder, overrides=overrides, show=False)
    assert len(more.weights["momentum"]) == 30
    assert len(run.weights["momentum"]) == 20
    known = checkpoint.load(run.folder / "checkpoint.npz").weights["momentum"]
    assert set(more.weights["momentum"]) <= set(0.5 * known**2)


# Settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "problem", "settings", "words"),
    [
        (
            GradientNorm(),
            Burgers(),
            {"hard": True},
            ["GradientNorm: momentum", "only term", "constraints=soft"],
        ),
        (NTK(), Burgers(), {"hard": True}, ["NTK: momentum", "only term"]),
        (ReLoBRaLo(), Burgers(), {"hard": True}, ["ReLoBRaLo: momentum", "weights=fixed"]),
        (
            GradientNorm(statistic="max_mean"),
            Kovasznay(),
            {"hard": True},
            ["statistic=max_mean", "use statistic=norms"],
        ),
        (
            SelfAdaptive(terms=["wals"]),
            Burgers(),
            {},
            ["SelfAdaptive: terms", "'wals'", "Did you mean 'walls'?"],
        ),
        (SelfAdaptive(terms=[]), Burgers(), {}, ["chooses none of momentum, start, walls"]),
        (
            ResidualAttention(terms=["x"]),
            Burgers(),
            {},
            ["ResidualAttention: terms", "no residual 'x'"],
        ),
        (Causal(), Helmholtz(), {}, ["Causal: Helmholtz is steady"]),
    ],
)
def test_a_scheme_that_does_not_fit_the_loss_raises_an_error(scheme, problem, settings, words):
    if problem.__class__ is Kovasznay:
        settings = {"weights": {t.name: float(t.region == "interior") for t in problem.terms}}
    else:
        settings = {"weights": {}, **settings}
    lower, upper = problem.bounds
    network = mlp(lower=lower, upper=upper, outputs=len(problem.fields), width=4, depth=1)
    with pytest.raises(InputError) as error:
        Weighting(scheme, Objective(problem, network, **settings))
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        *(
            (kind, {"every": 0})
            for kind in (GradientNorm, NTK, ReLoBRaLo, SelfAdaptive, ResidualAttention, Causal)
        ),
        *((GradientNorm, bad) for bad in ({"decay": 1.0}, {"statistic": "mean"})),
        (NTK, {"decay": -0.1}),
        *((ReLoBRaLo, bad) for bad in ({"alpha": 1.0}, {"rho": 1.5}, {"temperature": 0.0})),
        *((SelfAdaptive, {name: 0.0}) for name in ("rate", "start", "power", "ceiling", "slope")),
        *((SelfAdaptive, bad) for bad in ({"middle": -1.0}, {"mask": "square"})),
        *((ResidualAttention, bad) for bad in ({"gamma": 1.0}, {"eta": 0.0})),
        *(
            (Causal, bad)
            for bad in ({"epsilon": []}, {"epsilon": [1.0, 0.1]}, {"epsilon": -1.0}, {"chunks": 1})
        ),
        (Causal, {"delta": 1.0}),
    ],
)
def test_bad_settings_raise_an_error(kind, bad):
    with pytest.raises(InputError, match=rf"{kind.__name__}: {next(iter(bad))}=.*(give|use) "):
        kind(**bad)


def test_the_first_phase_must_follow_the_weights(quiet):
    with pytest.raises(
        InputError, match=r"phases.polish is L-BFGS; begin with adam or soap, or use weights=fixed"
    ):
        burgers(scheme=Causal(), phases=PHASES[1:])


# Figures ----------------------------------------------------------------------------------------


def test_the_figure_of_weights():
    rng = np.random.default_rng(0)
    history = {
        "phase": ["explore"] * 3 + ["polish"],
        "iteration": [10, 20, 30, 40],
        "weight_momentum": [1.0, 2.0, 3.0, 3.0],
        "weight_start": [1.0] * 4,
        "least_weight_momentum": [0.0, 0.1, 0.1, 0.1],
        "largest_weight_momentum": [2.0, 5.0, 9.0, 9.0],
    }
    places = rng.random((30, 2))
    points = {"momentum": (places, rng.random(30)), "start": (places * [1, 0], rng.random(30))}
    figure = weights_figure(History.of_columns(history), points, ("x", "t"))
    lines, scatter, curve = figure.axes[:3]
    assert [line.get_label() for line in lines.lines] == ["momentum", "start"]
    assert lines.get_yscale() == "log"
    assert [t.get_text() for t in lines.texts] == ["explore", "polish"]
    assert scatter.get_title() == "momentum"
    assert scatter.get_xlabel() == "$t$"
    # The initial points have only one time.
    assert curve.get_xlabel() == "$x$"
    assert len(curve.lines) == 1
    causal = {"causal_minimum": [0.0, 0.5, 0.995, 0.2], "causal_epsilon": [0.1, 0.1, 0.1, 1.0]}
    causal_history = History.of_columns(history | causal)
    figure = weights_figure(causal_history, {}, ("x", "t"))
    assert "min" in figure.axes[1].get_ylabel()
    assert figure.axes[2].get_yscale() == "log"
    in_space = {"momentum": (places[:, :1], places[:, 0])}
    assert len(weights_figure(History.of_columns(history), in_space, ("x",)).axes) == 2


@pytest.mark.slow
def test_a_run_draws_its_weights(eager, monkeypatch, tmp_path):
    calls = []

    def save_figures(folder, **arguments):
        calls.append(arguments)

    monkeypatch.setattr("pinn.run.solution.save_figures", save_figures)
    scheme = SelfAdaptive(every=1, terms=["walls"])
    run = burgers(scheme=scheme, folder=tmp_path / "run", phases=PHASES[:1])
    (arguments,) = calls
    places, weights = arguments["weights"]["walls"]
    np.testing.assert_array_equal(places, run.points["boundary"].coordinates)
    np.testing.assert_array_equal(weights, run.weights["walls"])
    assert 2.0 < np.min(weights) <= arguments["history"]["weight_walls"][-1] <= np.max(weights)
