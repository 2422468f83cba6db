"""The checks of shapes at the public boundary, which all tests switch on (conftest.py)."""

import os
import subprocess
import sys

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from pinn import norms
from pinn.networks import mlp
from pinn.objective import Evaluator, Objective, ResidualSize
from pinn.problems import Burgers
from pinn.run.errors import Errors

POINTS = np.array([[0.3, 0.1], [-0.5, 0.4], [0.9, 0.8]])


@pytest.fixture
def objective(eager):
    problem = Burgers()
    lower, upper = problem.bounds
    return Objective(problem, mlp(lower=lower, upper=upper, outputs=1, width=4, depth=1))


@pytest.mark.parametrize("points", [POINTS[:, 0], POINTS[None], POINTS.astype(int)])
def test_evaluators_take_a_table_of_real_coordinates(objective, points):
    theta = objective.flat.flatten()
    for function in (Evaluator(objective, ["u"]), ResidualSize(objective)):
        function(theta, POINTS)
        with pytest.raises(TypeCheckError, match="parameter 'points'"):
            function(theta, points)


def test_evaluators_take_the_parameters_as_a_vector(objective):
    theta = objective.flat.flatten()
    with pytest.raises(TypeCheckError, match="parameter 'theta'"):
        Evaluator(objective, ["u"])(theta[None], POINTS)


def test_references_take_a_table_of_points():
    with pytest.raises(TypeCheckError, match="parameter 'points'"):
        Burgers().reference_at(POINTS[0])


def test_derived_quantities_take_values_of_one_shape():
    with pytest.raises(TypeCheckError, match="parameter 'values'"):
        Burgers().with_derived({"u": [1.0, 2.0]})


def test_norms_compare_values_of_one_shape():
    for norm in (norms.relative_l2, norms.max_error):
        norm(np.ones((3, 2)), np.ones((3, 2)))
        with pytest.raises(TypeCheckError, match="parameter 'truth'"):
            norm(np.ones((3, 1)), np.ones(3))  # would broadcast to [3, 3]


def test_errors_take_one_value_per_point():
    errors = Errors(Burgers(), 10, seed=0)
    with pytest.raises(TypeCheckError):
        errors.relative_l2(lambda points: {"u": np.zeros((len(points), 1))})


def test_users_have_no_checks_and_need_no_beartype():
    code = (
        "import sys, numpy as np; from pinn import norms; "
        "assert norms.max_error(np.ones((3, 1)), np.ones(3)) == 0; "
        "assert 'beartype' not in sys.modules"
    )
    variables = {k: v for k, v in os.environ.items() if k != "PINN_CHECK_SHAPES"}
    subprocess.run([sys.executable, "-c", code], check=True, env=variables)
