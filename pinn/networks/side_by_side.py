"""Several networks as one model, each of which takes some of the coordinates or outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from pinn.errors import InputError
from pinn.networks.layers import Select


def side_by_side(
    networks: Mapping[str, keras.Model],
    *,
    coordinates: Sequence[str],
    seen: Sequence[Sequence[str]],
    fields: Sequence[str] = (),
) -> keras.Model:
    """Return one model from coordinates [n, d] to all networks' outputs [n, Σ outputs], in order.

    Jets go through a network without the derivatives by coordinates that it does not take.

    Args:
        networks: the networks by name, one per row of `seen`; they are renamed to these names.
        coordinates: names of all coordinates, in order.
        seen: names of the coordinates that each network takes, in its order; after the first
            network, its outputs too.
        fields: names of the outputs of the first network, where others take them.

    Raises:
        InputError: if a network takes what does not exist.
    """
    known = list(coordinates)
    inputs: Any = keras.Input((len(coordinates),), name="coordinates")
    available = inputs
    outputs = []
    for (name, network), names in zip(networks.items(), seen, strict=True):
        if not set(names) <= set(known):
            raise InputError(
                f"side_by_side: {name} sees {', '.join(names)}; give some of {', '.join(known)}."
            )
        network.name = name
        taken = inputs
        if not set(names) <= set(coordinates):
            taken = Select(names=names, of=known, name=f"seen_by_{name}")(available)
        elif list(names) != list(coordinates):
            taken = Select(names=names, of=coordinates, name=f"seen_by_{name}")(inputs)
        outputs.append(network(taken))
        if fields and len(outputs) == 1:
            known += fields
            available = keras.layers.Concatenate(name="coordinates_and_fields")([inputs, *outputs])
    joined = outputs[0]
    if len(outputs) > 1:
        joined = keras.layers.Concatenate(name="outputs")(outputs)
    return keras.Model(inputs, joined, name="side_by_side")
