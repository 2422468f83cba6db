"""Weights that follow the training: every scheme against its paper's formula, redraws, freezing, resumes, pictures."""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf

from pinn import LBFGS, Adam, mlp
from pinn.errors import InputError
from pinn.objective import LeastSquares, Objective, PointSet, blocks, draw, standard_errors
from pinn.optimizers import SOAP, GaussNewton
from pinn.plotting import weights_figure
from pinn.problems import Burgers, Helmholtz, Kovasznay
from pinn.record import RunFolder
from pinn.run import checkpoint, load, resume, solve
from pinn.setup import Points
from pinn.training import Phase, StopRule, Trainer
from pinn.weights import (
    NTK,
    Causal,
    GradientNorm,
    ReLoBRaLo,
    ResidualAttention,
    SelfAdaptive,
    Weighting,
)
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


def some(*quick):
    """Return all schemes, those that are not named among the slow ones."""
    return [s if s.label in quick else pytest.param(s, marks=pytest.mark.slow) for s in SCHEMES]


def made(problem=None, **settings):
    """Return a loss of three terms with fixed weights, and points for it."""
    problem = problem or Burgers()
    lower, upper = problem.bounds
    network = mlp(lower=lower, upper=upper, outputs=len(problem.fields), width=4, depth=1)
    objective = Objective(problem, network, weights=settings.pop("weights", FIXED), **settings)
    return objective, batch_of(
        objective
    )  # the interior's points are two blocks, one of them with padding


def batch_of(objective, number=0, size=25):
    sets = {r: draw(objective.problem, r, COUNTS[r], number=number) for r in objective.regions}
    return objective.batch(
        {r: blocks(s, threads=2, size=size, dtype="float64") for r, s in sets.items()}
    )


def thetas(objective, count=2):
    start, rng = objective.flat.flatten(), np.random.default_rng(0)
    return [start + 0.3 * i * rng.standard_normal(len(start)) for i in range(count)]


def alone(objective, name):
    """Return the loss of one term, as an objective of its own."""
    weights = {t.name: float(t.name == name) for t in objective.terms}
    return Objective(objective.problem, objective.network, weights=weights)


def residuals(objective, theta):
    """Return every term's residuals at its points, all in one block and by nested differentiation."""
    slow = Objective(objective.problem, objective.network, derivatives="nested")
    tensors, found = slow.flat.partition(theta), {}
    for region in slow.regions:
        points = draw(slow.problem, region, COUNTS[region])
        piece = blocks(points, threads=1, size=1000, dtype="float64")
        found |= slow.residuals(tensors, region, tf.nest.map_structure(lambda a: a[0, 0], piece))
    return found


def gradients(objective, theta):
    found = {}
    for term in objective.terms:
        one = alone(objective, term.name)
        found[term.name] = one.value_and_gradient(theta, batch_of(one, size=1000))[1].numpy()
    return found


def trajectory(scheme, objective, batch, seed=0):
    """Return the weighting and its memories after updates at three places."""
    weighting = Weighting(scheme, objective, seed=seed)
    memories = [weighting.initial_memory(batch)]
    for theta in thetas(objective):
        memories.append(weighting.update(theta, weighting.apply(batch, memories[-1]), memories[-1]))
    return weighting, memories


# Formulas -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statistic", ["norms", "max_mean"])
def test_gradient_norms(statistic, eager):
    objective, batch = made()
    _, memories = trajectory(GradientNorm(statistic=statistic, decay=0.7), objective, batch)
    expected = dict.fromkeys(FIXED, 1.0)
    for theta, memory in zip(thetas(objective), memories[1:], strict=True):
        g = gradients(objective, theta)
        if statistic == "norms":
            total = sum(np.linalg.norm(v) for v in g.values())
            hats = {name: total / np.linalg.norm(v) for name, v in g.items()}
        else:
            hats = {
                name: np.max(np.abs(g["momentum"])) / np.mean(np.abs(v)) for name, v in g.items()
            }
            hats["momentum"] = 1.0
        expected = {name: 0.7 * expected[name] + 0.3 * hats[name] for name in expected}
        for name, value in expected.items():
            assert float(memory[name]) == pytest.approx(value, rel=1e-10)


def test_neural_tangent_kernels(eager, monkeypatch):
    monkeypatch.setattr(
        "test_weights.COUNTS", dict.fromkeys(COUNTS, 12)
    )  # so that the paper's traces are ours
    objective, batch = made()
    _, memories = trajectory(NTK(), objective, batch)
    theta = thetas(objective)[-1]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(theta)
        found = residuals(objective, theta)
    kernels = {}
    for name, values in found.items():
        rows = tape.jacobian(values, theta, experimental_use_pfor=False).numpy()
        kernels[name] = rows @ rows.T
    whole = sum(np.trace(k) for k in kernels.values())
    for name, kernel in kernels.items():
        assert kernel.shape == (12, 12) and float(memories[-1][name]) == pytest.approx(
            whole / np.trace(kernel), rel=1e-9
        )


@dataclass
class Losses:
    """A loss as ReLoBRaLo looks at it."""

    values: dict[str, float]
    seed: int

    def losses(self):
        return self.values


def test_relative_loss_balancing_with_random_lookback():
    objective, batch = made()
    scheme, seen = ReLoBRaLo(alpha=0.6, rho=0.5, temperature=0.4), set()
    for seed in range(20):
        losses = np.random.default_rng(seed).uniform(0.5, 1.5, (4, 3))
        memory, weights = Weighting(scheme, objective).initial_memory(batch), np.ones(3)
        for t, values in enumerate(losses):
            memory = scheme.update(memory, Losses(dict(zip(FIXED, values, strict=True)), seed))
            found = np.array([scheme.term_weight(memory, name) for name in FIXED])
            if t == 0:
                np.testing.assert_array_equal(found, weights)
                continue
            powers = [np.exp(values / (0.4 * before)) for before in (losses[0], losses[t - 1])]
            back, last = (3 * p / np.sum(p) for p in powers)
            both = [0.6 * (rho * weights + (1 - rho) * back) + 0.4 * last for rho in (0, 1)]
            rho = int(np.allclose(found, both[1], rtol=1e-12))
            np.testing.assert_allclose(found, both[rho], rtol=1e-12)
            weights = found
            seen.add((t, rho))
    assert seen == {(t, rho) for t in (1, 2, 3) for rho in (0, 1)}


def test_self_adaptive_weights_climb(eager):
    objective, batch = made()
    weighting, memories = trajectory(
        SelfAdaptive(every=1, rate=0.02, start=1.2, power=3.0), objective, batch
    )
    lambdas = {t.name: np.full(COUNTS[t.region], 1.2) for t in objective.terms}
    for theta, memory in zip(thetas(objective), memories[1:], strict=True):
        r = residuals(objective, theta)
        lambdas = {
            name: v + 0.02 * 3 * v**2 * r[name].numpy() ** 2 / 2 for name, v in lambdas.items()
        }
        for name, value in lambdas.items():
            np.testing.assert_allclose(memory[name], value, rtol=1e-9)
    for name, value in weighting.point_weights(batch, memories[-1]).items():
        np.testing.assert_allclose(value, FIXED[name] * lambdas[name] ** 3, rtol=1e-9)


def test_a_sigmoid_is_a_mask_too():
    scheme, (v, r) = (
        SelfAdaptive(every=4, rate=0.1, mask="sigmoid", ceiling=7.0, slope=2.0, middle=1.5),
        np.eye(2) + 0.3,
    )
    power = np.exp(-2 * (v - 1.5))
    np.testing.assert_allclose(scheme.weights(v), 7 / (1 + power))
    np.testing.assert_allclose(
        scheme.update_lambdas(v, r), v + 4 * 0.1 * 14 * power / (1 + power) ** 2 * r**2 / 2
    )


def test_residual_based_attention(eager):
    objective, batch = made()
    scheme = ResidualAttention(every=1, gamma=0.9, eta=0.2)
    weighting, memories = trajectory(scheme, objective, batch)
    lambdas = np.zeros(COUNTS["interior"])
    for theta, memory in zip(thetas(objective), memories[1:], strict=True):
        r = np.abs(residuals(objective, theta)["momentum"])
        lambdas = 0.9 * lambdas + 0.2 * r / np.max(r)
        np.testing.assert_allclose(memory["momentum"], lambdas, rtol=1e-10)
    found = weighting.point_weights(batch, memories[-1])
    assert list(found) == ["momentum"]  # the paper's choice
    np.testing.assert_allclose(found["momentum"], 0.5 * lambdas**2, rtol=1e-10)
    once, r = np.array([0.3, 0.1]), np.array([1.0, -2.0])
    for _ in range(5):
        once = scheme.update_lambdas(once, r)
    np.testing.assert_allclose(
        dataclasses.replace(scheme, every=5).update_lambdas(np.array([0.3, 0.1]), r),
        once,
        rtol=1e-12,
    )


def test_causal_weights(eager):
    objective, batch = made()
    scheme = Causal(epsilon=[0.05, 10.0, 20.0], chunks=6, delta=0.6)
    weighting, memories = trajectory(scheme, objective, batch)
    times = draw(objective.problem, "interior", COUNTS["interior"]).coordinates[:, 1]
    stage = 0
    for theta, memory in zip(thetas(objective), memories[1:], strict=True):
        r = residuals(objective, theta)
        total, expected = 3.0 * np.mean(r["start"].numpy() ** 2), []
        for i in range(6):
            expected.append(np.exp(-scheme.epsilon[stage] * total))
            total += 0.5 * np.mean(
                r["momentum"].numpy()[(times >= i / 6) & (times < (i + 1) / 6)] ** 2
            )
        np.testing.assert_allclose(memory["chunks"], expected, rtol=1e-10)
        assert weighting.row(batch, memory)["causal_epsilon"] == scheme.epsilon[stage]
        assert weighting.row(batch, memory)["causal_minimum"] == pytest.approx(min(expected))
        stage = min(stage + (min(expected) > 0.6), 2)
    assert stage == 1
    found = weighting.point_weights(batch, memories[-1])["momentum"]
    np.testing.assert_allclose(found, 0.5 * np.array(expected)[(6 * times).astype(int)])
    other = batch_of(objective, number=1)  # a redraw changes nothing about functions of time
    later = draw(objective.problem, "interior", COUNTS["interior"], number=1).coordinates[:, 1]
    found = weighting.point_weights(other, memories[-1])["momentum"]
    np.testing.assert_allclose(found, 0.5 * np.array(expected)[(6 * later).astype(int)])


# Losses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES, ids=LABELS)
def test_the_loss_is_weighted_and_its_terms_are_told_without_weights(scheme, eager):
    objective, batch = made()
    weighting, memories = trajectory(scheme, objective, batch)
    theta, weighted = thetas(objective)[1], weighting.apply(batch, memories[-1])
    for other in (memories[0], memories[1]):  # so that nothing is ever traced anew
        again = weighting.apply(batch, other)
        tf.nest.assert_same_structure(again, weighted)
        for a, b in zip(tf.nest.flatten(again), tf.nest.flatten(weighted), strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
    r, points = residuals(objective, theta), weighting.point_weights(batch, memories[-1])
    terms = {name: w * scheme.term_weight(memories[-1], name) for name, w in FIXED.items()}
    expected = sum(np.mean(points.get(name, terms[name]) * v**2) for name, v in r.items())
    value, gradient = objective.value_and_gradient(theta, weighted)
    assert (
        float(value)
        == pytest.approx(expected, rel=1e-10)
        == float(objective.value(theta, weighted))
    )
    np.testing.assert_array_equal(objective.losses(theta, weighted), objective.losses(theta, batch))
    row = weighting.row(batch, memories[-1])
    assert list(row) == weighting.columns()
    for name in FIXED:
        assert row[f"weight_{name}"] == pytest.approx(np.mean(points.get(name, terms[name])))
    # Gauss–Newton's residuals carry the roots, so that the loss is the sum of their squares.
    squares = LeastSquares(objective)
    pieces = list(squares.jacobian(theta, weighted))
    values, rows = np.concatenate([r for r, _ in pieces]), np.concatenate([c for _, c in pieces], 1)
    assert (
        np.sum(values**2)
        == pytest.approx(expected, rel=1e-10)
        == float(squares.loss(theta, weighted))
    )
    np.testing.assert_allclose(
        2 * rows @ values, gradient, rtol=1e-8, atol=1e-10 * np.max(np.abs(gradient))
    )
    ordered = squares.residuals(theta, weighted)
    assert np.sum(ordered.numpy() ** 2) == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(
        2 * squares.vjp(theta, weighted, ordered),
        gradient,
        rtol=1e-8,
        atol=1e-10 * np.max(np.abs(gradient)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES, ids=LABELS)
def test_other_weights_never_retrace(scheme):
    objective, batch = made()
    weighting, memories = trajectory(scheme, objective, batch)
    functions = (objective.value_and_gradient, objective.losses, weighting.diagnostics._residuals)
    counts = []
    for memory in memories:
        weighted = weighting.apply(batch, memory)
        objective.value_and_gradient(thetas(objective)[0], weighted)
        objective.losses(thetas(objective)[0], weighted)
        weighting.update(thetas(objective)[0], weighted, memory)
        counts.append([f.experimental_get_tracing_count() for f in functions])
    assert counts[0] == counts[-1] and counts[0][0] == counts[0][1] == 1


def test_a_part_of_the_points_keeps_their_weights(eager):
    objective, batch = made()
    weighting, memories = trajectory(SelfAdaptive(every=1, rate=0.3), objective, batch)
    weighted = weighting.apply(batch, memories[-1])
    part = objective.part(weighted, tf.constant(0.3, tf.float64), 0.5)
    whole = {
        tuple(np.round(x, 12)): f
        for x, f in zip(
            weighted.points["interior"].rows,
            weighting.point_weights(batch, memories[-1])["momentum"],
            strict=True,
        )
    }
    piece = part.points["interior"]
    factors = np.asarray(piece.factors["momentum"]).ravel()[piece.real]
    assert len(factors) < 30
    for x, f in zip(piece.rows, factors, strict=True):
        assert 0.5 * f == pytest.approx(whole[tuple(np.round(x, 12))])


def test_a_measurement_that_is_not_finite_leaves_the_weights_as_they_were(eager):
    objective, batch = made()
    for scheme in SCHEMES:
        weighting = Weighting(scheme, objective)
        memory = weighting.initial_memory(batch)
        assert weighting.update(thetas(objective)[0] * np.nan, batch, memory) is memory


def test_a_term_that_is_solved_gets_a_large_weight_and_no_infinite_one(eager):
    from pinn.weights.gradient_norm import LARGEST, balancing_weights

    weights = balancing_weights({"a": 3.0, "b": 0.0, "c": 1.0})
    assert weights == {"a": 4 / 3, "b": LARGEST, "c": 4.0}


def test_measurements_with_weights_of_their_own_leave_standard_errors_open(eager):
    problem = Burgers(unknowns={"nu": 0.02})
    network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=2, depth=1)
    objective = Objective(problem, network, measured=("u",), hard=True)
    at = draw(problem, "interior", 30, number=1).coordinates
    sets = {
        "interior": draw(problem, "interior", 30),
        "data": PointSet(at, None, {"u": problem.reference_at(at)["u"]}),
    }
    batch = objective.batch(
        {r: blocks(s, threads=1, size=30, dtype="float64") for r, s in sets.items()}
    )
    theta, squares = objective.flat.flatten(), LeastSquares(objective)
    for terms, known in ((["momentum"], True), (["data_u"], False)):
        weighting = Weighting(SelfAdaptive(terms=terms), objective)
        found = standard_errors(
            squares, theta, weighting.apply(batch, weighting.initial_memory(batch))
        )
        assert (found is not None and found["nu"] > 0) == known


# Redraws --------------------------------------------------------------------------------------------------------


def test_a_redrawn_point_has_the_weight_of_the_nearest_one_and_a_kept_one_its_own(eager):
    objective, batch = made()
    weighting, memories = trajectory(SelfAdaptive(every=1, rate=0.3), objective, batch)
    memory, term = memories[-1], objective.terms[0]
    old = draw(objective.problem, "interior", 40).coordinates
    new = draw(objective.problem, "interior", 40, number=1).coordinates
    mixed = np.concatenate([old[10:25], new[:25]])
    redrawn = batch_of(objective)
    points = {
        **redrawn.points,
        "interior": blocks(PointSet(mixed), threads=2, size=25, dtype="float64"),
    }
    found = weighting.point_weights(redrawn._replace(points=points), memory)["momentum"] / 0.5
    np.testing.assert_array_equal(found[:15], memory["momentum"][10:25] ** 2)
    lower, upper = objective.problem.bounds
    for point, weight in zip(new[:25], found[15:], strict=True):
        nearest = np.argmin(np.sum(((old - point) / (upper - lower)) ** 2, axis=1))
        assert weight == memory["momentum"][nearest] ** 2
    assert len(np.unique(found)) > 20
    # An update at the new points moves the memory there; until then it stays where the residuals
    # were seen.
    after = weighting.update(thetas(objective)[0], redrawn._replace(points=points), memory)
    np.testing.assert_allclose(after["at:interior"], (mixed - lower) / (upper - lower))
    start = nearest_lambdas(memory, term, after["at:interior"])
    assert np.all(after["momentum"] >= start) and not np.array_equal(after["momentum"], start)
    np.testing.assert_array_equal(after["at:initial"], memory["at:initial"])


# Runs -----------------------------------------------------------------------------------------------------------

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
def quiet(monkeypatch, eager):
    """Without compilations and pictures, which take longer than these runs."""
    monkeypatch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])


def burgers(**settings):
    network = mlp(lower=[-1, 0], upper=[1, 1], outputs=1, width=4, depth=1)
    given = {
        "phases": PHASES,
        "points": POINTS,
        "constraints": "soft",
        "weights": FIXED,
        "show": False,
    }
    return solve(Burgers(), network=network, **{**given, **settings})


class Told:
    """Weights of the valley x², of which every call is written down."""

    every = 3

    def __init__(self):
        self.updates, self.weights = [], []

    def initial_memory(self, batch):
        return {"weight": np.array(1.0)}

    def update(self, position, batch, kept):
        self.updates.append(float(position[0]))
        return {"weight": kept["weight"] + 1}

    def apply(self, batch, kept):
        return tf.constant(float(kept["weight"]), tf.float64)


def test_weights_follow_single_steps_and_are_frozen_elsewhere(eager):
    told, seen = Told(), []

    def valley(x, batch):
        return batch * tf.reduce_sum(x**4), 4 * batch * x**3

    def note(report):
        seen.append(
            (report.phase.name, report.progress.records[-1].iterations, float(report.batch))
        )
        assert len(report.trace.loss) == {"explore": 4, "polish": 2, "again": 5}[report.phase.name]
        assert float(report.state.loss) == float(report.trace.loss[-1])

    slow = Adam(learning_rate=1e-3)
    phases = [
        phase("explore", slow, 8, report_every=4),
        dataclasses.replace(
            phase("polish", Adam(), 4, report_every=2), optimizer=LBFGS(first_step=1e-3, pairs=2)
        ),
        phase("again", slow, 5, report_every=5),
    ]
    start = tf.constant([1.0, 2.0], tf.float64)
    trainer = Trainer(valley, phases, lambda *_: None, callbacks=[note], weights=told)
    _, progress = trainer.run(start)
    # At 0, 3 and 6 of the first phase, and at 0 and 3 of the last: each is an update.
    assert seen[:2] == [("explore", 4, 3.0), ("explore", 8, 4.0)]
    assert {w for name, _, w in seen if name == "polish"} == {4.0}
    assert seen[-1] == ("again", 5, 6.0)
    assert len(told.updates) == 5 and told.updates[0] == 1.0
    assert float(progress.weights["weight"]) == 6.0


@pytest.mark.parametrize("scheme", some("gradient norm", "self-adaptive", "causal"), ids=LABELS)
def test_every_scheme_runs_is_frozen_and_tells_so(scheme, quiet, capsys):
    solution = burgers(scheme=scheme, show=True)
    history, (name, *_) = solution.history, FIXED
    in_polish = np.char.startswith(history["phase"], "polish")
    weights = np.array(history[f"weight_{name}"])
    assert len(np.unique(weights[~in_polish])) > 1
    if not scheme.pointwise_terms(solution.objective.terms):  # other points, other weights
        assert len(np.unique(weights[in_polish])) == 1
    told = solution.metrics["weights"]
    assert told["scheme"] == scheme.label and told["frozen_in"] == ["polish"]
    assert told["last"][f"weight_{name}"] == weights[-1]
    out = " ".join(capsys.readouterr().out.split())
    assert out.count(f"polish (L-BFGS): {scheme.label} weights are frozen") == 1
    assert set(solution.weights) == {
        t.name for t in scheme.pointwise_terms(solution.objective.terms)
    }
    assert solution.metrics["heldout_loss"] == pytest.approx(
        solution.history["heldout_loss"][-1], rel=0.5
    )


@pytest.mark.slow
def test_what_a_frozen_phase_minimizes_is_the_weighted_loss(quiet):
    phases = [phase("explore", SOAP(), 6), phase("polish", GaussNewton(), 2, report_every=1)]
    solution = burgers(scheme=SelfAdaptive(rate=0.5, every=2), phases=phases)
    losses = [
        v
        for v, p in zip(solution.history["loss"], solution.history["phase"], strict=True)
        if "polish" in p
    ]
    assert losses == sorted(losses, reverse=True) and solution.metrics["loss"] == losses[-1]
    plain = sum(FIXED[n] * solution.history[f"loss_{n}"][-1] for n in FIXED)
    assert losses[-1] > 1.2 * plain


def test_a_hard_problem_of_one_term_has_weights_of_points(quiet):
    phases = [phase("explore", Adam(), 2)]
    solution = burgers(scheme=ResidualAttention(), constraints="auto", weights={}, phases=phases)
    assert solution.history["weight_momentum"][-1] > 0 and list(solution.weights) == ["momentum"]


def test_fixed_weights_leave_no_trace(quiet, tmp_path):
    solution = burgers(folder=tmp_path / "run", phases=[phase("explore", Adam(), 1)])
    assert (
        not [c for c in solution.history if "weight" in c] and solution.metrics["weights"] is None
    )
    assert solution.weights == {}
    with np.load(tmp_path / "run" / "checkpoint.npz") as file:
        assert not [name for name in file.files if name.startswith("weights/")]


def stopper(iterations):
    def stop(report):
        if report.progress.iterations == iterations:
            raise KeyboardInterrupt

    return stop


def folder_of(path):
    """Return what a run's folder holds, clocks aside."""
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


@pytest.mark.parametrize("scheme", some("self-adaptive"), ids=LABELS)
def test_a_run_that_is_cut_off_and_resumed_is_the_whole_one_bitwise(scheme, quiet, tmp_path):
    points = dataclasses.replace(POINTS, adaptive="r3")
    whole = burgers(scheme=scheme, points=points, folder=tmp_path / "whole")
    cut = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        burgers(scheme=scheme, points=points, folder=cut, callbacks=[stopper(6)])
    for iterations in (9, 12):  # from the middle of a phase, from a redraw, and from a frozen phase
        with pytest.raises(KeyboardInterrupt):
            resume(cut, show=False, callbacks=[stopper(iterations)])
    again = resume(cut, show=False)
    assert folder_of(cut) == folder_of(whole.folder)
    assert json.dumps(again.metrics["weights"]) == json.dumps(whole.metrics["weights"])
    assert again.metrics["loss"] == whole.metrics["loss"]
    loaded = load(cut)
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], value)


def test_a_checkpoint_of_another_scheme_is_refused(quiet, tmp_path):
    run = burgers(
        scheme=Causal(every=3, chunks=5), folder=tmp_path / "run", phases=PHASES[:1]
    ).folder
    before = (run / "config.yaml").read_bytes()
    for override in ("weights.scheme.chunks=6", "weights.scheme=null"):
        with pytest.raises(
            InputError,
            match=r"the checkpoint's weights are not those of weights.scheme \((causal|fixed)\)",
        ):
            resume(run, overrides=[override], show=False)
        assert (run / "config.yaml").read_bytes() == before


@pytest.mark.slow
def test_points_of_another_number_take_their_weights_over(quiet, tmp_path):
    run = burgers(scheme=SelfAdaptive(every=3, rate=0.3), folder=tmp_path / "run")
    overrides = ["points.counts.interior=30", "phases.polish.stop.max_iterations=6"]
    more = resume(run.folder, overrides=overrides, show=False)
    assert len(more.weights["momentum"]) == 30 and len(run.weights["momentum"]) == 20
    known = checkpoint.load(run.folder / "checkpoint.npz").weights["momentum"]
    assert set(more.weights["momentum"]) <= set(0.5 * known**2)


# Settings -------------------------------------------------------------------------------------------------------


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
def test_a_scheme_that_does_not_fit_the_loss_is_told(scheme, problem, settings, words):
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
def test_bad_settings(kind, bad):
    with pytest.raises(InputError, match=rf"{kind.__name__}: {next(iter(bad))}=.*(give|use) "):
        kind(**bad)


def test_the_first_phase_must_let_weights_move(quiet):
    with pytest.raises(
        InputError, match=r"phases.polish is L-BFGS; begin with adam or soap, or use weights=fixed"
    ):
        burgers(scheme=Causal(), phases=PHASES[1:])


# Pictures -------------------------------------------------------------------------------------------------------


def test_the_picture_of_weights():
    rng = np.random.default_rng(0)
    history = {
        "phase": ["explore"] * 3 + ["polish"], "iteration": [10, 20, 30, 40],
        "weight_momentum": [1.0, 2.0, 3.0, 3.0], "weight_start": [1.0] * 4,
        "least_weight_momentum": [0.0, 0.1, 0.1, 0.1], "largest_weight_momentum": [2.0, 5.0, 9.0, 9.0],
    }  # fmt: skip
    places = rng.random((30, 2))
    points = {"momentum": (places, rng.random(30)), "start": (places * [1, 0], rng.random(30))}
    figure = weights_figure(history, points, ("x", "t"))
    lines, scatter, curve = figure.axes[:3]
    assert [line.get_label() for line in lines.lines] == [
        "momentum",
        "start",
    ] and lines.get_yscale() == "log"
    assert [t.get_text() for t in lines.texts] == ["explore", "polish"]
    assert scatter.get_title() == "momentum" and scatter.get_xlabel() == "$t$"
    assert curve.get_xlabel() == "$x$" and len(curve.lines) == 1  # the initial points have one time
    causal = {"causal_minimum": [0.0, 0.5, 0.995, 0.2], "causal_epsilon": [0.1, 0.1, 0.1, 1.0]}
    figure = weights_figure(history | causal, {}, ("x", "t"))
    assert "min" in figure.axes[1].get_ylabel() and figure.axes[2].get_yscale() == "log"
    assert (
        len(weights_figure(history, {"momentum": (places[:, :1], places[:, 0])}, ("x",)).axes) == 2
    )


def test_a_run_draws_its_weights(eager, monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(
        "pinn.run.solution.save_figures", lambda folder, **given: drawn.append(given)
    )
    run = burgers(
        scheme=SelfAdaptive(every=1, terms=["walls"]), folder=tmp_path / "run", phases=PHASES[:1]
    )
    (given,) = drawn
    places, weights = given["weights"]["walls"]
    np.testing.assert_array_equal(places, run.points["boundary"].coordinates)
    np.testing.assert_array_equal(weights, run.weights["walls"])
    assert 2.0 < np.min(weights) <= given["history"]["weight_walls"][-1] <= np.max(weights)
