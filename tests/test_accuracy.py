"""Accuracy gates: every problem is solved in seconds to its known error, and a wrong one is not.

Gauss–Newton needs few iterations, and graphs without XLA are built in a second.  The gates are
listed in `accuracy_gates.py`.
"""

import inspect
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from accuracy_gates import GATES, Gate, variant

from pinn import norms, problems
from pinn.objective import (
    Evaluator,
    LeastSquares,
    Objective,
    StageParameters,
    cut_into_blocks,
    draw,
)
from pinn.optimizers import GaussNewton
from pinn.optimizers.interface import Minimization
from pinn.run.errors import Errors
from pinn.setup.network import default_network
from pinn.training import Feed, Phase, StopRule, Trainer

# The allowed error, relative to the larger error of two seeds.  Rounding, which differs between
# machines, changes the path of an optimizer as a seed does, and the errors of two seeds differ by
# factors of two to three, some by ten.
MARGIN = 4
# The least allowed error.  Below it one more iteration gains a digit, and rounding has more effect.
LEAST = 2e-3
QUICK = ("Heat", "Reaction")  # problems whose wrong coefficients are in the quick suite


def gate_param(name, *, slow):
    return pytest.param(name, marks=pytest.mark.slow if slow else ())


@pytest.fixture(autouse=True)
def _without_xla(monkeypatch):
    without_xla(monkeypatch.setattr)


def without_xla(setattr_):
    """Switch off XLA, whose compilation takes longer than these solves."""
    columns = tf.function(vars(LeastSquares)["_columns"].python_function, autograph=False)
    setattr_(LeastSquares, "_columns", columns)
    # The evaluator is called once, so that it needs no graph either.
    setattr_(Evaluator, "_chunk", vars(Evaluator)["_chunk"].python_function)


class Squares:
    """Least squares from one program, because tracing more takes longer than running it."""

    def __init__(self, objective):
        self.squares = LeastSquares(objective)
        self.forget()

    def forget(self):
        """Forget the residuals and the Jacobian of the last evaluation."""
        self.theta = None
        self.last: Any = None

    @tf.function(autograph=False)
    def columns(self, theta, batch):
        residuals = []
        columns = []
        for chunk_residuals, chunk_columns in self.squares.jacobian(theta, batch):
            residuals.append(chunk_residuals)
            columns.append(chunk_columns)
        return [tf.concat(residuals, -1), tf.concat(columns, -1)]

    @tf.function(autograph=False)
    def residuals(self, theta, batch):
        # TensorFlow prunes the operations that only the Jacobian needs.
        return self.columns(theta, batch)[0]

    def loss(self, theta, batch):
        return tf.reduce_sum(self.residuals(theta, batch) ** 2)

    def jacobian(self, theta, batch):
        if self.theta is not theta:
            self.theta = theta
            self.last = self.columns(theta, batch)
        yield self.last

    def vjp(self, theta, batch, vector):
        ((_, columns),) = self.jacobian(theta, batch)
        return tf.linalg.matvec(columns, vector)

    def value_and_gradient(self, theta, batch):
        residuals, columns = self.columns(theta, batch)
        return tf.reduce_sum(residuals**2), 2 * tf.linalg.matvec(columns, residuals)


class Solver:
    """The loss and the points of a gate.

    With `factors`, the problem has a factor at every derivative, which may be changed.
    """

    def __init__(self, gate: Gate, *, seed: int = 0, factors: bool = False):
        self.problem = with_factors(gate.problem) if factors else gate.problem
        settings = {"width": 20, "depth": 1, **gate.network}
        network = default_network(self.problem, seed=seed, **settings)
        measured = gate.data(self.problem) if gate.data else None
        start = self.problem
        if factors:
            # The factors differ, so that derivatives are not combined into one component that holds
            # only for equal factors.
            start = start.bind({"factors": 1 + 0.1 * np.sqrt(np.arange(len(start.factors)))})
        self.objective = objective = Objective(
            start,
            network,
            weights=gate.weights,
            hard=bool(self.problem.satisfied) if gate.hard is None else gate.hard,
            measured={"data": tuple(measured.values)} if measured else {},
            continuation=("factors",) if factors else (),
        )
        points = {}
        for region in objective.regions:
            count = gate.interior if region == "interior" else gate.others
            drawn = measured if region == "data" else draw(self.problem, region, count, seed=seed)
            size = len(drawn.coordinates)
            points[region] = cut_into_blocks(drawn, threads=1, size=size, dtype="float64")
        self.batch = objective.batch(points)
        self.squares = Squares(objective)
        stop = StopRule(max_iterations=gate.iterations)
        self.phase = Phase(name="gate", optimizer=GaussNewton(), stop=stop)
        minimization = Minimization(self.squares.value_and_gradient, residuals=self.squares)
        self.trainer = Trainer(minimization)
        self.start = objective.flat.flatten()
        self.measure = Errors(self.problem, 500, seed=seed)
        self.evaluator = Evaluator(objective, self.problem.functions)

    def errors(self, factors=None) -> dict[str, float]:
        """Return the relative errors of a solve, by field, derived quantity and unknown."""
        self.squares.forget()
        stage = StageParameters()
        if factors is not None:
            stage = StageParameters({"factors": tf.constant(factors, tf.float64)})
        batch = self.batch._replace(stage=stage)
        theta = self.trainer.run(self.start, [self.phase], Feed(lambda *_: batch))
        errors = self.measure.relative_l2(lambda points: self.evaluator(theta, points, stage))
        for name, value in self.objective.coefficients(theta).items():
            truth = getattr(self.problem, name)
            errors[name] = norms.relative_error(float(value), truth)
        return errors


def allowed_errors(gate: Gate) -> dict[str, float]:
    return {name: max(MARGIN * error, LEAST) for name, error in gate.reached.items()}


@pytest.mark.quick("Burgers", "Heat", "Poisson", "Reaction")
@pytest.mark.parametrize(
    "name", [gate_param(n, slow=n in GATES and GATES[n].slow) for n in problems.__all__]
)
def test_a_problem_is_solved_to_its_known_error(name):
    if name not in GATES:
        pytest.fail(
            f"pinn.problems.{name} has no accuracy gate; add one to GATES in "
            f"tests/accuracy_gates.py"
        )
    errors = Solver(GATES[name]).errors()
    limits = allowed_errors(GATES[name])
    assert set(errors) == set(limits)
    too_large = {name: error for name, error in errors.items() if not error <= limits[name]}
    assert too_large == {}, limits


def test_every_gate_belongs_to_a_problem():
    for name, gate in GATES.items():
        assert name in problems.__all__
        assert isinstance(gate.problem, getattr(problems, name))


def derivatives_in(problem):
    """Return the derivatives in the equations, as pairs of an equation and a derivative."""
    derivatives = []
    for term in problem.terms:
        if term.region == "interior":
            for symbol in term.symbols:
                if symbol.index or symbol.kind == "laplacian":
                    derivatives.append((term.name, symbol.name))
    return derivatives


def with_factors(problem):
    """Return the problem and its reference with a factor at every derivative of every equation."""
    numbers = {}
    derivatives = derivatives_in(problem)
    for i, (equation, derivative) in enumerate(derivatives):
        numbers.setdefault(equation, {})[derivative] = i
    equations = {}
    for name, by_derivative in numbers.items():
        equations[name] = with_factors_in_equation(getattr(type(problem), name), by_derivative)
    return variant(problem, factors=np.ones(len(derivatives)), **equations)


def with_factors_in_equation(original, numbers):
    """Return an equation with factors at its derivatives, by the numbers of the factors."""
    names = list(inspect.signature(original).parameters)[1:]

    def equation(self, *values):
        arguments = []
        for name, value in zip(names, values, strict=True):
            factor = self.factors[numbers[name]] if name in numbers else None
            arguments.append(value if factor is None else factor * value)
        return original(self, *arguments)

    equation.__signature__ = inspect.signature(original)
    vars(equation).update(vars(original))  # its region, and what else it declares
    return equation


@pytest.mark.parametrize("name", [gate_param(n, slow=n not in QUICK) for n in GATES])
def test_a_wrong_coefficient_fails(name):
    gate = GATES[name]
    solver = Solver(gate, factors=True)
    limits = allowed_errors(gate)
    derivatives = derivatives_in(gate.problem)

    def passes(factors):
        errors = solver.errors(factors)
        return all(errors[quantity] <= limit for quantity, limit in limits.items())

    assert passes(np.ones(len(derivatives)))
    unnoticed = []
    for i, derivative in enumerate(derivatives):
        factors = np.ones(len(derivatives))
        factors[i] = gate.wrong
        if passes(factors):
            unnoticed.append(derivative)
    assert unnoticed == list(gate.immaterial)
