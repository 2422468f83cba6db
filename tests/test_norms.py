"""What brings a field with a gauge to the truth."""

import numpy as np
import pytest

from pinn import norms

RNG = np.random.default_rng(0)


def test_a_steady_field_is_shifted_by_the_difference_of_the_means():
    truth, shift = RNG.normal(size=500), 3.0
    assert norms.gauge(truth + shift, truth, None) == pytest.approx([-shift])


def test_an_unsteady_field_is_shifted_by_a_function_of_time():
    time, truth = RNG.uniform(-1, 1, 3000), RNG.normal(size=3000)
    series = norms.gauge(truth + np.tanh(2 * time), truth, time)
    assert np.polynomial.chebyshev.chebval(time, series) == pytest.approx(
        -np.tanh(2 * time), abs=1e-3
    )
    # What depends on more than time stays: thirteen coefficients take as many thousandths of it.
    noise = RNG.normal(size=3000)
    left = noise + np.polynomial.chebyshev.chebval(time, norms.gauge(truth + noise, truth, time))
    assert np.linalg.norm(left) > 0.99 * np.linalg.norm(noise)


def test_a_field_that_is_not_finite_has_no_gauge():
    truth = np.zeros(50)
    assert np.all(np.isnan(norms.gauge(truth * np.nan, truth, np.linspace(-1, 1, 50))))
