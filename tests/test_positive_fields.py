"""Positive fields: exponential functions of what the network computes."""

import numpy as np
import pytest
import tensorflow as tf
from rescaled import in_units
from test_problems import batch_for

from pinn.checking.subject import Subject
from pinn.errors import InputError
from pinn.geometry import Interval
from pinn.objective import Evaluator, FieldScale, Objective, Scales, draw, find_scales
from pinn.optimizers import GaussNewton
from pinn.problem import Problem, residual, satisfies
from pinn.run import solve
from pinn.setup import Points, default_network
from pinn.training import Phase, StopRule


class Growth(Problem):
    """u′ = r u from ten, over many orders of magnitude; the equation is relative."""

    fields = ("u",)
    positive_fields = ("u",)
    time = (0.0, 10.0)
    r: float = 2.0

    @residual(on="interior")
    def growth(self, u, u_t):
        return u_t / u - self.r

    @residual(on="initial")
    def start(self, u):
        return u - 10

    def reference(self, t):
        return {"u": 10 * np.exp(self.r * t)}


class Plume(Problem):
    """A concentration beside any other field; the ansatz builds the start in."""

    fields = ("v", "c")
    positive_fields = ("c",)
    space = Interval(x=(0.0, 2.0))
    time = (0.0, 1.0)

    @residual(on="interior")
    def spread(self, v, v_x, c, c_t, c_x, c_xx):
        return c_t + v * c_x - c_xx + tf.math.log(c) * v_x

    @residual(on="interior")
    def pressure(self, lap_v, c):
        return lap_v - c

    @residual(on="initial")
    def start(self, x, c):
        return c - tf.exp(x)

    @satisfies("start")
    def ansatz(self, x, t, net):
        v, c = net
        return v, tf.exp(x) * (1 - t) + t * c


def objective(problem, **settings):
    network = default_network(problem, seed=0, width=6, depth=1)
    return Objective(problem, network, **settings)


def evaluated(loss, names, points):
    return Evaluator(loss, names)(loss.flat.flatten(), points)


def test_a_positive_field_grows_by_its_scale_with_the_output(eager):
    scales = Scales(fields={"c": FieldScale(3.0, 5.0), "v": FieldScale(3.0, 5.0)})
    plain = type("Plain", (Plume,), {"positive_fields": ()})()
    points = draw(plain, "interior", 30).coordinates
    output = evaluated(objective(plain), ("c", "v"), points)
    found = evaluated(objective(Plume(), scales=scales), ("c", "v"), points)
    assert found["c"] == pytest.approx(3 * (8 / 3) ** output["c"])
    assert found["v"] == pytest.approx(3 + 5 * output["v"])
    assert float(FieldScale(3.0, 5.0).apply_positive(tf.constant(1.0))) == pytest.approx(8)
    # Near its middle it is like any field, and without an offset it is around its scale.
    near = FieldScale(3.0, 3e-6).apply_positive(tf.constant(0.7, "float64"))
    assert float(near) == pytest.approx(3 + 0.7 * 3e-6, abs=1e-11)
    assert float(FieldScale(0.0, 4.0).apply_positive(tf.constant(0.0))) == pytest.approx(4.0)


@pytest.mark.parametrize("hard", [False, True])
def test_both_engines_have_the_same_derivatives_and_gradient(hard, eager):
    scales = Scales(fields={"c": FieldScale(2.0, 60.0)})
    found = []
    for engine in ("taylor", "nested"):
        loss = objective(Plume(), hard=hard, scales=scales, derivatives=engine)
        points = draw(loss.problem, "interior", 10, seed=1).coordinates
        derivatives = evaluated(loss, ("c", "c_t", "c_x", "c_xx", "c_xxxx"), points)
        _, gradient = loss.value_and_gradient(loss.flat.flatten(), batch_for(loss, 10))
        found.append([*derivatives.values(), gradient.numpy()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_the_equation_gives_the_growth_in_any_units():
    offset, scale = find_scales(objective(Growth())).fields["u"]
    assert offset == 10
    assert 5 < np.log(scale / offset) < 20  # the field grows by e²⁰, for outputs of about ±1
    other = find_scales(objective(in_units(Growth(), length=1.0, time=2.0**5, field=2.0**9)))
    assert other.fields["u"] == (2.0**9 * 10, 2.0**9 * scale)


def test_values_give_the_geometric_middle():
    offset, scale = find_scales(objective(Plume(), hard=False)).fields["c"]
    assert offset == pytest.approx(np.e, rel=1e-2)  # between 1 and e²
    assert scale == 4  # next to e² − e


def test_a_source_gives_the_middle_where_no_value_does():
    class Driven(Growth):
        @residual(on="interior")
        def growth(self, u, u_t):
            return u_t + 3 * u - 6e5

        @residual(on="initial")
        def start(self, u, u_t):
            return u_t - u

    assert 1e4 < find_scales(objective(Driven())).fields["u"].offset < 1e6


def test_what_is_given_is_kept(eager):
    known = Scales(fields={"u": FieldScale(7.0, 2.0)}, residuals={"growth": 1.0})
    assert find_scales(objective(Growth()), given=known).fields["u"] == (7, 2)
    without = Scales(fields={"u": FieldScale(0.0, 2.0)}, residuals={"growth": 1.0})
    assert find_scales(objective(Growth()), given=without).fields["u"].offset == 2


def test_a_value_that_is_not_positive_is_refused(eager):
    class Gone(Growth):
        @residual(on="initial")
        def start(self, u):
            return u

    with pytest.raises(InputError, match="the values that u is given are not positive; leave it"):
        find_scales(objective(Gone()))


def test_checks_see_positive_values(eager):
    loss = objective(Plume(), scales=Scales(fields={"c": FieldScale(1e3, 1e9)}))
    subject = Subject.of(loss.problem, loss, ())
    (term,) = (t for t in subject.terms if t.name == "spread")
    sample = subject.sample(term)
    assert np.all(np.isfinite(sample.values))  # those of the logarithm too
    c = loss.problem.symbol("c")
    assert 1e3 <= subject.size(c) < 1e5


@pytest.mark.slow
def test_growth_by_eight_orders_of_magnitude_is_found_at_once():
    solution = solve(
        Growth(),
        network=default_network(Growth(), seed=0, width=4, depth=1),
        points=Points(counts={"interior": 20, "initial": 1}, test=50),
        phases=[Phase(name="fit", optimizer=GaussNewton(), stop=StopRule(max_iterations=15))],
        windows=1,
        show=False,
    )
    assert solution.metrics["relative_l2"]["u"] < 1e-2
    assert np.all(solution(np.linspace(0, 10, 20))["u"] > 0)
