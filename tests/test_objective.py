"""The loss as a function of one vector, against NumPy on a network of one hidden layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn import Problem, Rectangle, Unknown, mlp, residual
from pinn.errors import InputError
from pinn.networks import NoTaylorRule
from pinn.objective import Evaluator, LeastSquares, Objective, PointSet, cut_into_blocks, draw
from pinn.problems import Burgers
from pinn.runtime import set_precision


class Plate(Problem):
    """Heat in a plate with a Robin condition.

    It has all regions, a Laplacian, a normal derivative and two coefficients.
    """

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
    set_precision("float64")


def network(problem, *, outputs=None, depth=1, **settings):
    lower, upper = problem.bounds
    count = len(problem.fields) if outputs is None else outputs
    settings["dtype"] = keras.config.floatx()
    model = mlp(lower=lower, upper=upper, outputs=count, width=5, depth=depth, **settings)
    for bias in (v for v in model.trainable_variables if v.name == "bias"):
        bias.assign(np.linspace(-0.3, 0.4, bias.shape[0]))
    return model


def point_sets(problem):
    sets = {r: draw(problem, r, n) for r, n in COUNTS.items() if r != "data"}
    places = draw(problem, "interior", COUNTS["data"], seed=9).coordinates
    sets["data"] = PointSet(places, None, {"u": np.cos(places).sum(axis=1)})
    return sets


def plate(*, unknowns=UNKNOWNS, weights=WEIGHTS, **settings):
    problem = Plate(unknowns=unknowns)
    return Objective(
        problem, network(problem), weights=weights, measured={"data": ("u",)}, **settings
    )


def batch_of(objective, *, threads=1, size=1000, sets=None):
    sets = sets or point_sets(objective.problem)
    points = {}
    for region in objective.regions:
        points[region] = cut_into_blocks(
            sets[region], threads=threads, size=size, dtype=objective.dtype
        )
    return objective.batch(points)


def losses_by_hand(objective):
    """Return the mean squared residuals by term, from the derivatives of v·tanh(W x + b) + c."""
    parameters = [array.astype(float) for array in objective.network.get_weights()]
    scale, shift, kernel, bias, last_kernel, last_bias = parameters
    w = scale @ kernel
    v = last_kernel[:, 0]
    a = 0.5
    b = 0.9

    def field(points):
        """Return u [n], its first derivatives [n, 3] and its unmixed second ones [n, 3]."""
        s = np.tanh(points @ w + shift @ kernel + bias)
        first = 1 - s**2
        second = -2 * s * (1 - s**2)
        return s @ v + last_bias[0], (first * v) @ w.T, (second * v) @ (w**2).T

    sets = point_sets(objective.problem)
    residuals = {}
    points = sets["interior"].coordinates
    _, first, second = field(points)
    laplacian = second[:, 0] + second[:, 1]
    residuals["heat"] = first[:, 2] - a * laplacian + points[:, 0] * points[:, 1]
    points = sets["initial"].coordinates
    u, _, _ = field(points)
    residuals["start"] = u - np.sin(points[:, 0])
    u, first, _ = field(sets["boundary"].coordinates)
    residuals["robin"] = np.sum(sets["boundary"].normals * first[:, :2], axis=1) + b * u
    points = sets["y-"].coordinates
    _, first, _ = field(points)
    residuals["floor"] = first[:, 0] - points[:, 0] * points[:, 2]
    u, _, _ = field(sets["data"].coordinates)
    residuals["data_u"] = u - sets["data"].values["u"]
    return {name: np.mean(r**2) for name, r in residuals.items()}


@pytest.fixture(scope="module")
def whole():
    """Return an objective, its vector, and its loss, gradient and losses, on single blocks.

    They are not compiled.
    """
    tf.config.run_functions_eagerly(True)
    objective = plate()
    theta = objective.flat.flatten()
    values = evaluate(objective, theta, batch_of(objective))
    tf.config.run_functions_eagerly(False)
    return objective, theta, values


def evaluate(objective, theta, batch):
    """Return the loss, the gradient and the losses of the terms."""
    loss, gradient = objective.value_and_gradient(theta, batch)
    return loss, gradient, objective.losses(theta, batch)


def test_the_loss_is_the_weighted_sum_of_mean_squared_residuals(whole):
    objective, _, (loss, _, losses) = whole
    expected = losses_by_hand(objective)
    assert [t.name for t in objective.terms] == list(expected)
    np.testing.assert_allclose(losses, list(expected.values()), rtol=1e-12)
    weighted = sum(WEIGHTS[name] * value for name, value in expected.items())
    assert float(loss) == pytest.approx(weighted, rel=1e-13)


def test_the_gradient_agrees_with_differences_in_parameters_and_unknowns(whole, eager):
    objective, theta, (_, gradient, _) = whole
    batch = batch_of(objective)
    unit = np.eye(len(theta))
    random = np.random.default_rng(0).standard_normal(len(theta))
    for direction in (random, unit[-2], unit[-1]):
        ahead, _ = objective.value_and_gradient(theta + 1e-5 * direction, batch)
        behind, _ = objective.value_and_gradient(theta - 1e-5 * direction, batch)
        slope = float(np.dot(gradient, direction))
        assert slope == pytest.approx((float(ahead) - float(behind)) / 2e-5, rel=1e-7)
        assert slope != 0


def assert_close(values, expected):
    for a, b in zip(values, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * float(tf.reduce_max(tf.abs(b))))


@pytest.mark.quick("1", "2", "16")
@pytest.mark.parametrize(("threads", "size"), [(1, 70), (2, 50), (3, 13), (4, 32), (16, 1000)])
def test_blocks_add_up(threads, size, whole, eager):
    objective, theta, expected = whole
    batch = batch_of(objective, threads=threads, size=size)
    for region, piece in batch.points.items():
        shape = piece.quadrature.shape
        assert shape[0] <= threads
        assert shape[2] <= size
        assert np.prod(shape) >= COUNTS[region]
        assert float(tf.reduce_sum(piece.quadrature)) == pytest.approx(1, abs=1e-14)
        assert int(tf.math.count_nonzero(piece.quadrature)) == COUNTS[region]
        assert set(np.unique(piece.quadrature)) <= {0.0, 1 / COUNTS[region]}
        rows = piece.coordinates.numpy().transpose(0, 1, 3, 2)[piece.quadrature.numpy() > 0]
        np.testing.assert_array_equal(rows, point_sets(objective.problem)[region].coordinates)
    assert_close(evaluate(objective, theta, batch), expected)


def test_compiled_blocks_add_up_and_other_points_and_weights_do_not_retrace(whole):
    _, theta, expected = whole
    objective = plate()
    batch = batch_of(objective, threads=2, size=30)
    assert_close(evaluate(objective, theta, batch), expected)
    programs = (objective._gradient_program, objective._losses_program)
    functions = (objective.value_and_gradient, objective.losses, *programs)
    before = [f.experimental_get_tracing_count() for f in functions]
    assert before[:2] == [1, 1]
    problem = objective.problem
    for number in (1, 2):
        sets = point_sets(problem)
        for region, count in COUNTS.items():
            if region != "data":
                sets[region] = draw(problem, region, count, number=number)
        other = batch_of(objective, threads=2, size=30, sets=sets)
        other = other._replace(weights=other.weights * number)
        loss, _ = objective.value_and_gradient(theta + 0.01 * number, other)
        assert float(loss) != float(expected[0])
        losses = objective.losses(theta + 0.01 * number, other)
        assert float(loss) == pytest.approx(float(tf.reduce_sum(other.weights * losses)), rel=1e-13)
    assert [f.experimental_get_tracing_count() for f in functions] == before


@pytest.mark.parametrize(("threads", "size"), [(1, 70), (2, 17)])
def test_a_field_with_gaps_has_the_loss_of_its_measured_points(threads, size, eager):
    objective = plate(weights={"heat": 0, "start": 0, "robin": 0, "floor": 0, "data_u": 2.0})
    sets = point_sets(objective.problem)
    places = sets["data"].coordinates
    values = sets["data"].values
    known = np.arange(len(places)) % 3 > 0
    gaps = PointSet(places, None, {"u": np.where(known, values["u"], np.nan)})
    alone = PointSet(places[known], None, {"u": values["u"][known]})
    theta = objective.flat.flatten() + 0.1
    results = []
    for data in (gaps, alone):
        batch = batch_of(objective, threads=threads, size=size, sets=sets | {"data": data})
        squares = LeastSquares(objective)
        gram = 0.0
        for _, columns in squares.jacobian(theta, batch):
            gram = gram + columns @ tf.transpose(columns)
        loss = tf.reduce_sum(squares.residuals(theta, batch) ** 2)
        results.append([*evaluate(objective, theta, batch), loss, gram])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


def test_a_weight_of_zero_leaves_a_term_out(whole, eager):
    _, theta, (loss, _, losses) = whole
    objective = plate(weights=WEIGHTS | {"robin": 0.0})
    assert [t.name for t in objective.terms] == ["heat", "start", "floor", "data_u"]
    assert "boundary" not in objective.regions
    rest, _ = objective.value_and_gradient(theta, batch_of(objective))
    assert float(rest) == pytest.approx(float(loss - WEIGHTS["robin"] * losses[2]), rel=1e-12)
    without_data = Objective(objective.problem, objective.network)
    assert [t.name for t in without_data.terms] == ["heat", "start", "robin", "floor"]
    assert without_data.weights == [1.0] * 4


@pytest.mark.quick("float32")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["taylor", "nested"])
def test_one_precision_throughout(dtype, engine, eager, restored):
    set_precision(dtype)
    unknowns = {"a": Unknown(0.5, 0.0), "b": Unknown(0.9, 0.1, np.float64(2.0))}
    objective = plate(unknowns=unknowns, derivatives=engine)
    theta = objective.flat.flatten()
    batch = batch_of(objective, threads=2, size=32)
    loss, gradient, losses = evaluate(objective, theta, batch)
    tensors = {
        "network": objective.network(np.zeros((1, 3))),
        "vector": theta,
        "loss": loss,
        "gradient": gradient,
        "losses": losses,
        **objective.unknowns,
        **objective.coefficients(theta),
    }
    flat = [tensor for tensor in tf.nest.flatten(batch) if tensor is not None]  # no time offset
    tensors |= {str(i): tensor for i, tensor in enumerate(flat)}
    tensors |= {v.path: v for v in objective.network.variables}
    for piece in batch.points.values():
        assert piece.coordinates.dtype == piece.quadrature.dtype == dtype
    for name, tensor in tensors.items():
        assert keras.backend.standardize_dtype(tensor.dtype) == dtype, name
    assert objective.dtype == dtype
    values = Evaluator(objective, ["u", "u_xx"])(theta, np.zeros((3, 3)))
    assert {v.dtype for v in values.values()} == {np.dtype(dtype)}
    expected = sum(WEIGHTS[name] * value for name, value in losses_by_hand(objective).items())
    assert float(loss) == pytest.approx(expected, rel=1e-4 if dtype == "float32" else 1e-12)


def test_a_process_can_change_its_precision(restored):
    for dtype in ("float32", "float64", "float32"):
        set_precision(dtype)
        assert Objective(Burgers(), network(Burgers())).dtype == dtype


def test_bounded_coefficients_stay_within_their_bounds():
    unknowns = {"a": Unknown(0.5, 0.1), "b": Unknown(0.9, -1.0, 2.0)}
    objective = plate(unknowns=unknowns)
    theta = objective.flat.flatten()
    start = {name: float(value) for name, value in objective.coefficients(theta).items()}
    assert list(start) == ["a", "b"]
    assert start == pytest.approx({"a": 0.5, "b": 0.9}, rel=1e-14)
    for raw in (-1e3, -30.0, -1.0, 2.0, 30.0, 1e3):
        moved = tf.concat([theta[:-2], tf.constant([raw, raw], tf.float64)], 0)
        coefficients = objective.coefficients(moved)
        assert float(coefficients["a"]) >= 0.1
        assert -1.0 <= float(coefficients["b"]) <= 2.0
    free = plate(unknowns={"a": -3.0})
    assert float(free.coefficients(free.flat.flatten())["a"]) == -3.0


def test_an_evaluation_does_not_change_the_network(whole, eager):
    objective, theta, _ = whole
    before = [w.copy() for w in objective.network.get_weights()]
    objective.value_and_gradient(theta + 1.0, batch_of(objective))
    for a, b in zip(before, objective.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_hard_constraints_leave_the_loss(eager):
    problem = Burgers()
    objective = Objective(problem, network(problem), hard=True)
    assert [t.name for t in objective.terms] == ["momentum"]
    assert objective.regions == ["interior"]
    points = np.array([[0.3, 0.0], [1.0, 0.4], [-1.0, 0.9]])
    fields = Evaluator(objective, ["u"])(objective.flat.flatten(), points)
    np.testing.assert_allclose(fields["u"], [-np.sin(0.3 * np.pi), 0, 0], atol=1e-15)
    with pytest.raises(InputError, match="Plate: constraints=hard, but it has no ansatz"):
        plate(hard=True)


class Plain(keras.Model):
    """A user's network, which only nested automatic differentiation can differentiate."""

    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(4, "tanh")
        self.out = keras.layers.Dense(1)

    def call(self, points):
        return self.out(self.hidden(points))


def test_any_keras_model_is_a_network(eager):
    problem = Burgers()
    dense = keras.layers.Dense
    inputs = keras.Input((2,))
    models = {
        "nested": Plain(),
        "taylor": keras.Sequential([dense(4, "tanh"), dense(1)]),  # built by its first call
        "functional": keras.Model(inputs, dense(1)(dense(4, "tanh")(inputs))),
    }
    for name, model in models.items():
        objective = Objective(problem, model)
        engine = "nested" if name == "nested" else "taylor"
        assert objective.engine.__name__ == f"pinn.derivatives.{engine}"
        oracle = Objective(problem, model, derivatives="nested")
        theta = objective.flat.flatten()
        batch = batch_of_burgers(objective)
        assert theta.shape == (17,)
        expected = oracle.value_and_gradient(theta, batch)
        assert_close(objective.value_and_gradient(theta, batch), expected)
    with pytest.raises(NoTaylorRule, match="derivatives=taylor"):
        Objective(problem, Plain(), derivatives="taylor")


def batch_of_burgers(objective):
    return batch_of(objective, sets={r: draw(objective.problem, r, 20) for r in objective.regions})


def two_inputs():
    a = keras.Input((1,))
    b = keras.Input((1,))
    joined = keras.layers.Concatenate()([a, b])
    return keras.Model([a, b], keras.layers.Dense(1)(joined))


def two_outputs():
    a = keras.Input((2,))
    return keras.Model(a, [keras.layers.Dense(1)(a), keras.layers.Dense(1)(a)])


def four_axes():
    reshape = keras.layers.Reshape((1, 1, 2))
    return keras.Sequential([keras.Input((2,)), keras.layers.Flatten(), reshape])


def frozen():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, trainable=False)])


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: network(Burgers(), outputs=2), ["2 outputs", "fields u", "make them equal"]),
        (lambda: network(Plate()), ["points (x, t) [n, 2]", "value 3"]),
        (two_inputs, ["points (x, t)", "2 named input"]),
        (two_outputs, ["gives list", "one tensor [n, fields]"]),
        (four_axes, ["gives (1, 1, 1, 2)", "one tensor"]),
        (frozen, ["unfreeze"]),
    ],
)
def test_a_network_that_does_not_fit_raises_an_error(build, words):
    with pytest.raises(InputError) as error:
        Objective(Burgers(), build())
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
def test_bad_weights_raise_an_error(weights, words):
    with pytest.raises(InputError) as error:
        plate(weights=weights)
    assert all(word in str(error.value) for word in words)


def test_points_of_an_unknown_region_raise_an_error():
    for region in ("intirior", "z-", "data"):
        with pytest.raises(InputError, match=f"no region '{region}'"):
            draw(Plate(), region, 10)
    with pytest.raises(InputError, match="at least 4"):
        draw(Plate(), "boundary", 3)
