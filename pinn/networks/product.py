"""The product of a dense layer, written such that XLA compiles it and its gradients well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import tensorflow as tf

from pinn.arrays import static_size
from pinn.jets import Index

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def product(kernel: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
    """Return kernelᵀ inputs [outputs, n] for a kernel [inputs, outputs] and inputs [inputs, n]."""
    if tf.config.get_visible_devices("GPU"):
        return tf.matmul(kernel, inputs, transpose_a=True)
    # The decorator hides that only the product is returned.
    return cast(tf.Tensor, _plain_products(kernel, inputs))


@tf.custom_gradient
def _plain_products(kernel: tf.Tensor, inputs: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Return the product; it and its gradients are products without transposed factors.

    XLA's CPU backend compiles those to AVX-512 instructions.  For a transposed factor it calls
    Eigen, which the wheels of TensorFlow contain without these instructions.  XLA would fold a
    separate transposition into the product again, so each is hidden: the small one behind a product
    with the identity, the long one behind a maximum that changes no finite number.
    """
    identity = tf.eye(static_size(kernel), dtype=kernel.dtype)
    transposed = tf.matmul(kernel, identity, transpose_a=True)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rows = tf.maximum(tf.transpose(upstream), upstream.dtype.min)
        return tf.matmul(inputs, rows), tf.matmul(kernel, upstream)

    return tf.matmul(transposed, inputs), gradient


def outer(inputs: Mapping[Index, tf.Tensor], deltas: Mapping[Index, tf.Tensor]) -> tf.Tensor:
    """Return Σ aᵢ ⊗ δᵢ [inputs, outputs, n], the derivative by the kernel at every point.

    aᵢ [inputs, n] are the components of the layer's inputs, and δᵢ [outputs, n] the derivatives by
    the components of its outputs.
    """
    products = [inputs[i][:, None, :] * deltas[i][None, :, :] for i in deltas]
    return tf.add_n(products)
