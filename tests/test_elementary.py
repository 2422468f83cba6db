"""Sine and cosine to the last bits."""

import numpy as np
import tensorflow as tf

from pinn.elementary import sine_cosine

VALUES = np.concatenate(
    [np.linspace(-40, 40, 4001), np.arange(-8, 9) * np.pi / 4, [0.0, 1e-300, -1e-9]]
)


def test_sine_and_cosine_to_the_last_bits():
    for z in (VALUES, np.random.default_rng(0).uniform(-1e5, 1e5, 10_000)):
        sine, cosine = sine_cosine(tf.constant(z))
        np.testing.assert_allclose(sine, np.sin(z), rtol=0, atol=5e-16)
        np.testing.assert_allclose(cosine, np.cos(z), rtol=0, atol=5e-16)


def test_gradient_of_sine_and_cosine_and_values_that_are_not_finite():
    z = tf.constant(VALUES)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        sine, cosine = sine_cosine(z)
    np.testing.assert_allclose(tape.gradient(sine, z), np.cos(VALUES), atol=5e-16)
    np.testing.assert_allclose(tape.gradient(cosine, z), -np.sin(VALUES), atol=5e-16)
    not_finite = tf.constant([np.nan, np.inf], tf.float64)
    assert np.all(np.isnan(sine_cosine(not_finite)))
    single, _ = sine_cosine(tf.constant([1.0], tf.float32))
    assert single.dtype == tf.float32
