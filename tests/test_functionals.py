"""Integrals that were measured: their misfits, coordinates, files and pictures."""

import numpy as np
import pytest
import tensorflow as tf

from pinn import Adam, DataFile, Interval, Problem, integral, residual, solve
from pinn.errors import InputError
from pinn.measurements import point_set, read_sets
from pinn.objective import Objective, cut_into_blocks
from pinn.setup import Points
from pinn.setup.network import default_network
from pinn.training import Phase, StopRule


class Rod(Problem):
    """Diffusion, whose mean over the rod is measured over time, and whose total over both."""

    fields = ("u",)
    space = Interval(x=(0.0, 2.0))
    time = (0.0, 1.0)
    D: float = 0.1

    @integral(over="interior")
    def mean(self, u):
        return u / 2

    @integral(over=("interior", "t"))
    def total(self, u):
        return u

    @residual(on="interior")
    def diffusion(self, u_t, u_xx):
        return u_t - self.D * u_xx

    @residual(on="data")
    def twice(self, mean, mean_data):
        return 2 * (mean - mean_data)


TIMES = np.linspace(0.0, 1.0, 4)
MEANS = np.array([1.0, 0.9, 0.8, 0.7])


@pytest.mark.usefixtures("eager")
def test_the_misfit_of_an_integral_is_that_of_its_quadrature():
    problem = Rod()
    data = point_set(problem, {"t": TIMES, "mean": MEANS})
    network = default_network(problem, seed=0, width=4, depth=1)
    objective = Objective(problem, network, measured={"data": ["mean"]})
    block = cut_into_blocks(data, threads=1, size=4, dtype="float64")
    block = tf.nest.map_structure(lambda a: a[0, 0], block)
    found = objective.residuals(objective.flat.partition(objective.flat.flatten()), "data", block)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for i, t in enumerate(TIMES):
        u = network(np.stack([1 + nodes, np.full(40, t)], axis=1)).numpy()[:, 0]
        expected = np.sum(weights * u) / 2 - MEANS[i]
        assert float(found["data_mean"][i]) == pytest.approx(expected, abs=1e-12)
        assert float(found["twice"][i]) == pytest.approx(2 * expected, abs=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_measured_integral_needs_its_own_coordinates_only(tmp_path):
    (tmp_path / "means.csv").write_text("t,weight\n0.0,1.0\n0.5,0.9\n1.0,0.8\n")
    sets = {
        "means": DataFile(path=str(tmp_path / "means.csv"), fields={"mean": "weight"}),
        "all": {"total": 1.8},
    }
    problem = Rod(unknowns={"D": 0.2})
    solution = solve(
        problem,
        data=sets,
        weights={"twice": 0.0},
        folder=tmp_path / "run",
        points=Points(counts={"interior": 16, "initial": 8, "boundary": 8}, test=16, quadrature=6),
        phases=[Phase(name="explore", optimizer=Adam(), stop=StopRule(max_iterations=1))],
        show=False,
    )
    misfits = solution.metrics["misfits"]
    assert misfits["means"]["mean"]["count"] == 3
    at = solution.integral("mean", t=[0.0, 0.5, 1.0])
    assert misfits["means"]["mean"]["rms"] == pytest.approx(
        float(np.sqrt(np.mean((at - [1.0, 0.9, 0.8]) ** 2))), rel=1e-6
    )
    assert misfits["all"]["total"]["rms"] == pytest.approx(abs(solution.integral("total") - 1.8))
    assert (tmp_path / "run" / "figures" / "misfit.png").exists()


def test_what_a_measured_integral_lacks_is_named():
    with pytest.raises(InputError, match="data: lacks the coordinate 't'"):
        point_set(Rod(), {"mean": [1.0]})
    with pytest.raises(InputError, match="data: lacks the coordinate 'x'"):
        point_set(Rod(), {"t": [0.5], "mean": [1.0], "u": [1.0]})
    read = read_sets(Rod(), point_set(Rod(), {"t": [0.2, 0.4], "mean": [1.0, 1.0]}))
    assert read["data"].lines(Rod())[0] == "data: 2 points, t from 0.2 to 0.4"
