import numpy as np
import tensorflow as tf

from pinn.elementary import sine_cosine

NEAR = np.concatenate(
    [np.linspace(-40, 40, 4001), np.arange(-8, 9) * np.pi / 4, [0.0, 1e-300, -1e-9]]
)


def test_sine_and_cosine_to_the_last_bits():
    for z in (NEAR, np.random.default_rng(0).uniform(-1e5, 1e5, 10_000)):
        s, c = sine_cosine(tf.constant(z))
        np.testing.assert_allclose(s, np.sin(z), rtol=0, atol=5e-16)
        np.testing.assert_allclose(c, np.cos(z), rtol=0, atol=5e-16)


def test_their_gradient_and_what_is_not_finite():
    z = tf.constant(NEAR)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        s, c = sine_cosine(z)
    np.testing.assert_allclose(tape.gradient(s, z), np.cos(NEAR), atol=5e-16)
    np.testing.assert_allclose(tape.gradient(c, z), -np.sin(NEAR), atol=5e-16)
    assert np.all(np.isnan(sine_cosine(tf.constant([np.nan, np.inf], tf.float64))))
    assert sine_cosine(tf.constant([1.0], tf.float32))[0].dtype == tf.float32
