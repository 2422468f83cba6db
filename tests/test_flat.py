"""Variables as one vector."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pinn.errors import InputError
from pinn.flat import FlatVariables


def models():
    shared = keras.layers.Dense(3, "tanh")
    a = keras.Sequential([keras.Input((2,)), shared, keras.layers.Dense(1)])
    b = keras.Sequential([keras.Input((2,)), shared, keras.layers.Dense(2)])
    return a, b


def test_partition_inverts_flatten_and_shared_layers_count_once():
    a, b = models()
    flat = FlatVariables([*a.trainable_variables, *b.trainable_variables])
    assert flat.size == 2 * 3 + 3 + 3 + 1 + 3 * 2 + 2
    vector = flat.flatten()
    for variable, tensor in zip(flat.variables, flat.partition(vector), strict=True):
        np.testing.assert_array_equal(variable.numpy(), tensor)
    np.testing.assert_array_equal(flat.concat(flat.partition(vector)), vector)


def test_scope_computes_with_the_vector_and_does_not_change_the_variables():
    a, _ = models()
    flat = FlatVariables(a.trainable_variables)
    before = flat.flatten()
    x = tf.ones((4, 2), tf.float64)
    other = before + 1.0
    with flat.scope(flat.partition(other)):
        inside = a(x)
    np.testing.assert_array_equal(flat.flatten(), before)
    flat.assign(other)
    np.testing.assert_array_equal(a(x), inside)


def test_partition_has_static_shapes_in_a_graph():
    a, _ = models()
    flat = FlatVariables(a.trainable_variables)
    shapes = []

    @tf.function(jit_compile=True)
    def compiled(vector):
        shapes.extend(tuple(tensor.shape) for tensor in flat.partition(vector))
        return flat.concat(flat.partition(vector))

    np.testing.assert_array_equal(compiled(flat.flatten()), flat.flatten())
    assert shapes == flat.shapes


def test_no_variables_or_mixed_dtypes_raise_errors():
    with pytest.raises(InputError, match="no trainable variable"):
        FlatVariables([])
    single = keras.Variable(1.0, dtype="float32")
    double = keras.Variable(1.0, dtype="float64")
    with pytest.raises(InputError, match="several dtypes"):
        FlatVariables([single, double])
