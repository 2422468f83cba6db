"""A pendulum, first with one condition of two, then with both (deepxde#384); dimensionless."""

import tensorflow as tf

from pinn import Problem, residual


class OneCondition(Problem):
    """θ″ = −sin θ, θ(0) = 1, t ≤ 10: the speed at the start is missing."""

    fields = ("theta",)
    time = (0.0, 10.0)

    @residual(on="interior")
    def swing(self, theta, theta_tt):
        return theta_tt + tf.sin(theta)

    @residual(on="initial")
    def start(self, theta):
        return theta - 1


class Pendulum(OneCondition):
    """The same with θ′(0) = 0."""

    @residual(on="initial")
    def start_speed(self, theta_t):
        return theta_t


RUNS = {
    "one condition": {"problem": OneCondition()},
    "both conditions": {"problem": Pendulum()},
}
SAY_SO = {"one condition": "a second condition is missing, so the solution is not unique"}
