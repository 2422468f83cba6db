"""The product of a dense layer, written so that XLA compiles it, and its gradients, well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from pinn.arrays import static_size


def product(kernel: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
    """Return kernelᵀ inputs [outputs, n] for a kernel [inputs, outputs] and inputs [inputs, n]."""
    if tf.config.get_visible_devices("GPU"):
        return tf.matmul(kernel, inputs, transpose_a=True)
    found: Any = _plain_products(kernel, inputs)  # custom_gradient hides its function's type
    return found


@tf.custom_gradient
def _plain_products(kernel: tf.Tensor, inputs: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Return the product from products without transposed factors only, its gradients' too.

    XLA's CPU backend makes AVX-512 instructions of those; for a transposed factor it calls Eigen,
    which the wheels of TensorFlow hold without them.  A transposition on its own would be folded
    into the product again, so each is hidden: the small one behind a product with the identity, the
    long one behind a maximum that changes no finite number.
    """
    transposed = tf.matmul(
        kernel, tf.eye(static_size(kernel), dtype=kernel.dtype), transpose_a=True
    )

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rows = tf.maximum(tf.transpose(upstream), upstream.dtype.min)
        return tf.matmul(inputs, rows), tf.matmul(kernel, upstream)

    return tf.matmul(transposed, inputs), gradient


def outer(inputs: Mapping[Any, tf.Tensor], deltas: Mapping[Any, tf.Tensor]) -> tf.Tensor:
    """Return Σ aᵢ ⊗ δᵢ [inputs, outputs, n], the derivative by the kernel, point by point.

    aᵢ [inputs, n] are the components of the layer's inputs and δᵢ [outputs, n] the derivatives by those
    of its outputs.
    """
    return tf.add_n([inputs[i][:, None, :] * deltas[i][None, :, :] for i in deltas])
