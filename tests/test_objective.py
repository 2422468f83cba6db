"""The loss as a function of one vector, against NumPy's own arithmetic on a network of one layer."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn import Problem, Rectangle, Unknown, mlp, residual
from pinn.errors import InputError
from pinn.networks import NoTaylorRule
from pinn.objective import Evaluator, Objective, PointSet, cut_into_blocks, draw
from pinn.problems import Burgers
from pinn.runtime import configure


@dataclass(frozen=True, kw_only=True)
class Plate(Problem):
    """Heat in a plate with a Robin condition: all regions, a Laplacian, a normal derivative, two coefficients."""

    a: float = 0.7
    b: float = 0.3

    fields = ("u",)
    space = Rectangle(x=(0.0, 2.0), y=(-1.0, 0.5))
    time = (0.0, 3.0)

    @residual(on="interior")
    def heat(self, x, y, u_t, lap_u):
        return u_t - self.a * lap_u + x * y

    @residual(on="initial")
    def start(self, x, u):
        return u - tf.sin(x)

    @residual(on="boundary")
    def robin(self, u, u_n):
        return u_n + self.b * u

    @residual(on="y-")
    def floor(self, x, t, u_x):
        return u_x - x * t


COUNTS = {"interior": 200, "initial": 70, "boundary": 90, "y-": 40, "data": 33}
WEIGHTS = {"heat": 0.5, "start": 3.0, "robin": 2.0, "floor": 0.25, "data_u": 10.0}
UNKNOWNS = {"a": {"start": 0.5, "lower": 0.0}, "b": 0.9}


@pytest.fixture
def restored():
    yield
    configure(dtype="float64")


def network(problem, *, outputs=None, depth=1, **settings):
    lower, upper = problem.bounds
    count = len(problem.fields) if outputs is None else outputs
    model = mlp(lower=lower, upper=upper, outputs=count, width=5, depth=depth, **settings)
    for bias in (v for v in model.trainable_variables if v.name == "bias"):
        bias.assign(np.linspace(-0.3, 0.4, bias.shape[0]))
    return model


def point_sets(problem):
    sets = {r: draw(problem, r, n) for r, n in COUNTS.items() if r != "data"}
    at = draw(problem, "interior", COUNTS["data"], seed=9).coordinates
    return {**sets, "data": PointSet(at, None, {"u": np.cos(at).sum(axis=1)})}


def plate(*, unknowns=UNKNOWNS, weights=WEIGHTS, **settings):
    problem = Plate(unknowns=unknowns)
    return Objective(problem, network(problem), weights=weights, measured=("u",), **settings)


def batch_of(objective, *, threads=1, size=1000, sets=None):
    sets = sets or point_sets(objective.problem)
    made = {
        r: cut_into_blocks(sets[r], threads=threads, size=size, dtype=objective.dtype)
        for r in objective.regions
    }
    return objective.batch(made)


def by_hand(objective):
    """Return the mean squared residuals by term: derivatives of v·tanh(W x + b) + c written out."""
    scale, shift, kernel, bias, out, top = (
        w.astype(float) for w in objective.network.get_weights()
    )
    w, v = scale @ kernel, out[:, 0]
    a, b = 0.5, 0.9

    def parts(points):
        s = np.tanh(points @ w + shift @ kernel + bias)
        slope, bend = 1 - s**2, -2 * s * (1 - s**2)
        return s @ v + top[0], (slope * v) @ w.T, (bend * v) @ (w**2).T

    sets, found = point_sets(objective.problem), {}
    x, y, _ = (at := sets["interior"].coordinates).T
    _, first, second = parts(at)
    found["heat"] = first[:, 2] - a * (second[:, 0] + second[:, 1]) + x * y
    at = sets["initial"].coordinates
    found["start"] = parts(at)[0] - np.sin(at[:, 0])
    u, first, _ = parts(sets["boundary"].coordinates)
    found["robin"] = np.sum(sets["boundary"].normals * first[:, :2], axis=1) + b * u
    at = sets["y-"].coordinates
    found["floor"] = parts(at)[1][:, 0] - at[:, 0] * at[:, 2]
    found["data_u"] = parts(sets["data"].coordinates)[0] - sets["data"].values["u"]
    return {name: np.mean(r**2) for name, r in found.items()}


@pytest.fixture(scope="module")
def whole():
    """Return an objective, its vector, and the loss, gradient and losses there, on single blocks, not compiled."""
    tf.config.run_functions_eagerly(True)
    objective = plate()
    theta, batch = objective.flat.flatten(), batch_of(objective)
    found = (*objective.value_and_gradient(theta, batch), objective.losses(theta, batch))
    tf.config.run_functions_eagerly(False)
    return objective, theta, found


def test_the_loss_is_the_weighted_sum_of_mean_squared_residuals(whole):
    objective, _, (loss, _, losses) = whole
    expected = by_hand(objective)
    assert [t.name for t in objective.terms] == list(expected)
    np.testing.assert_allclose(losses, list(expected.values()), rtol=1e-12)
    assert float(loss) == pytest.approx(sum(WEIGHTS[n] * v for n, v in expected.items()), rel=1e-13)


def test_the_gradient_is_the_slope_of_the_loss_in_weights_and_unknowns(whole, eager):
    objective, theta, (_, gradient, _) = whole
    batch, rng = batch_of(objective), np.random.default_rng(0)
    unit = np.eye(len(theta))
    for direction in (rng.standard_normal(len(theta)), unit[-2], unit[-1]):
        ahead, behind = (
            float(objective.value_and_gradient(theta + s * direction, batch)[0])
            for s in (1e-5, -1e-5)
        )
        assert float(np.dot(gradient, direction)) == pytest.approx(
            (ahead - behind) / 2e-5, rel=1e-7
        )
        assert np.dot(gradient, direction) != 0


def close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * float(tf.reduce_max(tf.abs(b))))


@pytest.mark.parametrize(("threads", "size"), [(1, 70), (2, 50), (3, 13), (4, 32), (16, 1000)])
def test_blocks_add_up(threads, size, whole, eager):
    objective, theta, expected = whole
    batch = batch_of(objective, threads=threads, size=size)
    for region, piece in batch.points.items():
        shape = piece.quadrature.shape
        assert shape[0] <= threads and shape[2] <= size and np.prod(shape) >= COUNTS[region]
        assert float(tf.reduce_sum(piece.quadrature)) == pytest.approx(1, abs=1e-14)
        assert int(tf.math.count_nonzero(piece.quadrature)) == COUNTS[region]
        assert set(np.unique(piece.quadrature)) <= {0.0, 1 / COUNTS[region]}
        rows = piece.coordinates.numpy().transpose(0, 1, 3, 2)[piece.quadrature.numpy() > 0]
        np.testing.assert_array_equal(rows, point_sets(objective.problem)[region].coordinates)
    close((*objective.value_and_gradient(theta, batch), objective.losses(theta, batch)), expected)


def test_compiled_blocks_add_up_and_other_points_and_weights_do_not_retrace(whole):
    _, theta, expected = whole
    objective = plate()
    batch = batch_of(objective, threads=2, size=30)
    close((*objective.value_and_gradient(theta, batch), objective.losses(theta, batch)), expected)
    functions = (
        objective.value_and_gradient,
        objective.losses,
        objective._program,
        objective._losses_program,
    )
    before = [f.experimental_get_tracing_count() for f in functions]
    assert before[:2] == [1, 1]
    problem = objective.problem
    for number in (1, 2):
        sets = point_sets(problem) | {
            r: draw(problem, r, n, number=number) for r, n in COUNTS.items() if r != "data"
        }
        other = batch_of(objective, threads=2, size=30, sets=sets)
        other = other._replace(weights=other.weights * number)
        loss, _ = objective.value_and_gradient(theta + 0.01 * number, other)
        assert float(loss) != float(expected[0])
        losses = objective.losses(theta + 0.01 * number, other)
        assert float(loss) == pytest.approx(float(tf.reduce_sum(other.weights * losses)), rel=1e-13)
    assert [f.experimental_get_tracing_count() for f in functions] == before


def test_a_weight_of_zero_leaves_a_term_out(whole, eager):
    _, theta, (loss, _, losses) = whole
    objective = plate(weights=WEIGHTS | {"robin": 0.0})
    assert [t.name for t in objective.terms] == ["heat", "start", "floor", "data_u"]
    assert "boundary" not in objective.regions
    found = objective.value_and_gradient(theta, batch_of(objective))[0]
    assert float(found) == pytest.approx(float(loss - WEIGHTS["robin"] * losses[2]), rel=1e-12)
    without_data = Objective(objective.problem, objective.network)
    assert [t.name for t in without_data.terms] == ["heat", "start", "robin", "floor"]
    assert without_data.weights == [1.0] * 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["taylor", "nested"])
def test_one_precision_throughout(dtype, engine, eager, restored):
    configure(dtype=dtype)
    objective = plate(
        unknowns={"a": Unknown(0.5, 0.0), "b": Unknown(0.9, 0.1, np.float64(2.0))},
        derivatives=engine,
    )
    theta, batch = objective.flat.flatten(), batch_of(objective, threads=2, size=32)
    loss, gradient = objective.value_and_gradient(theta, batch)
    found = {
        "network": objective.network(np.zeros((1, 3))), "vector": theta, "loss": loss, "gradient": gradient,
        "losses": objective.losses(theta, batch), **objective.unknowns, **objective.coefficients(theta),
    }  # fmt: skip
    found |= {str(i): tensor for i, tensor in enumerate(tf.nest.flatten(batch))}
    found |= {v.path: v for v in objective.network.variables}
    for piece in batch.points.values():
        assert piece.coordinates.dtype == piece.quadrature.dtype == dtype
    assert {
        name: keras.backend.standardize_dtype(v.dtype) for name, v in found.items()
    } == dict.fromkeys(found, dtype)
    assert objective.dtype == dtype
    values = Evaluator(objective, ["u", "u_xx"])(theta, np.zeros((3, 3)))
    assert {v.dtype for v in values.values()} == {np.dtype(dtype)}
    expected = sum(WEIGHTS[name] * value for name, value in by_hand(objective).items())
    assert float(loss) == pytest.approx(expected, rel=1e-4 if dtype == "float32" else 1e-12)


def test_a_process_may_change_its_precision(restored):
    for dtype in ("float32", "float64", "float32"):
        configure(dtype=dtype)
        assert Objective(Burgers(), network(Burgers())).dtype == dtype


def test_bounded_coefficients_stay_inside():
    unknowns = {"a": Unknown(0.5, 0.1), "b": Unknown(0.9, -1.0, 2.0)}
    objective = plate(unknowns=unknowns)
    theta = objective.flat.flatten()
    found = {k: float(v) for k, v in objective.coefficients(theta).items()}
    assert list(found) == ["a", "b"] and found == pytest.approx({"a": 0.5, "b": 0.9}, rel=1e-14)
    for raw in (-1e3, -30.0, -1.0, 2.0, 30.0, 1e3):
        found = objective.coefficients(
            tf.concat([theta[:-2], tf.fill([2], tf.constant(raw, tf.float64))], 0)
        )
        assert float(found["a"]) >= 0.1 and -1.0 <= float(found["b"]) <= 2.0
    free = plate(unknowns={"a": -3.0})
    assert float(free.coefficients(free.flat.flatten())["a"]) == -3.0


def test_the_vector_does_not_touch_the_network(whole, eager):
    objective, theta, _ = whole
    before = [w.copy() for w in objective.network.get_weights()]
    objective.value_and_gradient(theta + 1.0, batch_of(objective))
    for a, b in zip(before, objective.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_hard_constraints_leave_the_loss(eager):
    problem = Burgers()
    objective = Objective(problem, network(problem), hard=True)
    assert [t.name for t in objective.terms] == ["momentum"] and objective.regions == ["interior"]
    found = Evaluator(objective, ["u"])(
        objective.flat.flatten(), np.array([[0.3, 0.0], [1.0, 0.4], [-1.0, 0.9]])
    )
    np.testing.assert_allclose(found["u"], [-np.sin(0.3 * np.pi), 0, 0], atol=1e-15)
    with pytest.raises(InputError, match="Plate: constraints=hard, but it has no ansatz"):
        plate(hard=True)


class Plain(keras.Model):
    """A network of one's own, which only nested differentiation can take."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)

    def call(self, points):
        return self.out(self.hidden(points))


def test_any_keras_model_is_a_network(eager):
    problem, dense = Burgers(), keras.layers.Dense
    inputs = keras.Input((2,))
    models = {
        "nested": Plain(),
        "taylor": keras.Sequential([dense(4, "tanh"), dense(1)]),  # built by its first call
        "functional": keras.Model(inputs, dense(1)(dense(4, "tanh")(inputs))),
    }
    for name, model in models.items():
        objective = Objective(problem, model)
        assert (
            objective.engine.__name__
            == f"pinn.derivatives.{'nested' if name == 'nested' else 'taylor'}"
        )
        oracle = Objective(problem, model, derivatives="nested")
        theta, batch = objective.flat.flatten(), batch_of_burgers(objective)
        assert theta.shape == (17,)
        close(objective.value_and_gradient(theta, batch), oracle.value_and_gradient(theta, batch))
    with pytest.raises(NoTaylorRule, match="derivatives=taylor"):
        Objective(problem, Plain(), derivatives="taylor")


def batch_of_burgers(objective):
    return batch_of(objective, sets={r: draw(objective.problem, r, 20) for r in objective.regions})


def two_inputs():
    a, b = keras.Input((1,)), keras.Input((1,))
    return keras.Model([a, b], keras.layers.Dense(1)(keras.layers.Concatenate()([a, b])))


def two_outputs():
    a = keras.Input((2,))
    return keras.Model(a, [keras.layers.Dense(1)(a), keras.layers.Dense(1)(a)])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: network(Burgers(), outputs=2), ["2 outputs", "fields u", "make them equal"]),
        (lambda: network(Plate()), ["points (x, t) [n, 2]", "value 3"]),
        (two_inputs, ["points (x, t)", "2 named input"]),
        (two_outputs, ["gives list", "one tensor [n, fields]"]),
        (lambda: keras.Sequential([keras.Input((2,)), keras.layers.Flatten(), keras.layers.Reshape((1, 1, 2))]),
         ["gives (1, 1, 1, 2)", "one tensor"]),
        (lambda: keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, trainable=False)]), ["unfreeze"]),
    ],
)  # fmt: skip
def test_a_network_that_does_not_fit_is_told(make, words):
    with pytest.raises(InputError) as error:
        Objective(Burgers(), make())
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"haet": 1.0}, ["weights.haet", "Did you mean 'heat'"]),
        ({"heat": -1.0}, ["weights.heat=-1.0", "at least 0"]),
        ({"heat": float("nan")}, ["weights.heat=nan", "at least 0"]),
        (dict.fromkeys(WEIGHTS, 0.0), ["every residual has weight 0"]),
    ],
)
def test_weights_that_mean_nothing_are_told(weights, words):
    with pytest.raises(InputError) as error:
        plate(weights=weights)
    assert all(word in str(error.value) for word in words)


def test_points_of_a_region_that_is_not_there_are_told():
    for region in ("intirior", "z-", "data"):
        with pytest.raises(InputError, match=f"no region '{region}'"):
            draw(Plate(), region, 10)
    with pytest.raises(InputError, match="at least 4"):
        draw(Plate(), "boundary", 3)
