"""Several networks as one model, each of which takes some of the coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from pinn.errors import InputError
from pinn.networks.layers import Select


def side_by_side(
    networks: Mapping[str, keras.Model],
    *,
    coordinates: Sequence[str],
    seen: Sequence[Sequence[str]],
) -> keras.Model:
    """Return one model from coordinates [n, d] to all networks' outputs [n, Σ outputs], in order.

    Jets go through a network without the derivatives by coordinates that it does not take.

    Args:
        networks: the networks by name, one per row of `seen`; they are renamed to these names.
        coordinates: names of all coordinates, in order.
        seen: names of the coordinates that each network takes, in its order.

    Raises:
        InputError: if a network takes a coordinate that does not exist.
    """
    inputs = keras.Input((len(coordinates),), name="coordinates")
    outputs = []
    for (name, network), names in zip(networks.items(), seen, strict=True):
        if not set(names) <= set(coordinates):
            raise InputError(
                f"side_by_side: {name} sees {', '.join(names)}; "
                f"give some of {', '.join(coordinates)}."
            )
        network.name = name
        taken = inputs
        if list(names) != list(coordinates):
            taken = Select(names=names, of=coordinates, name=f"seen_by_{name}")(inputs)
        outputs.append(network(taken))
    joined = outputs[0]
    if len(outputs) > 1:
        joined = keras.layers.Concatenate(name="outputs")(outputs)
    return keras.Model(inputs, joined, name="side_by_side")
