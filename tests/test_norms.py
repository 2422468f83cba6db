"""The gauge that brings a field closest to the truth."""

import numpy as np
import pytest

from pinn import norms

RNG = np.random.default_rng(0)


def test_a_steady_field_is_shifted_by_the_difference_of_the_means():
    truth = RNG.normal(size=500)
    assert norms.gauge(truth + 3.0, truth, None) == pytest.approx([-3.0])


def test_an_unsteady_field_is_shifted_by_a_function_of_time():
    time = RNG.uniform(-1, 1, 3000)
    truth = RNG.normal(size=3000)
    series = norms.gauge(truth + np.tanh(2 * time), truth, time)
    assert np.polynomial.chebyshev.chebval(time, series) == pytest.approx(
        -np.tanh(2 * time), abs=1e-3
    )
    # The gauge leaves what depends on more than time: 13 coefficients for 3000 values.
    noise = RNG.normal(size=3000)
    series = norms.gauge(truth + noise, truth, time)
    remainder = noise + np.polynomial.chebyshev.chebval(time, series)
    assert np.linalg.norm(remainder) > 0.99 * np.linalg.norm(noise)


def test_a_field_that_is_not_finite_has_no_gauge():
    truth = np.zeros(50)
    assert np.all(np.isnan(norms.gauge(truth * np.nan, truth, np.linspace(-1, 1, 50))))
