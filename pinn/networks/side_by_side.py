"""Several networks as one model, each of which sees some of the coordinates."""

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
) -> keras.Model:
    """Return one model from coordinates [n, d] to the networks' outputs, one after another, [n, Σ outputs].

    A network that does not see a coordinate is carried without the derivatives by it.

    Args:
        networks: the networks by name, one for each row of `seen`; they get these names.
        coordinates: names of all coordinates, in order.
        seen: names of the coordinates that each network sees, in its order.

    Raises:
        InputError: if a network sees what is no coordinate.
    """
    inputs = keras.Input((len(coordinates),), name="coordinates")
    outputs: list[Any] = []
    for (name, network), names in zip(networks.items(), seen, strict=True):
        if not set(names) <= set(coordinates):
            raise InputError(
                f"side_by_side: {name} sees {', '.join(names)}; give some of {', '.join(coordinates)}."
            )
        network.name = name
        whole = list(names) == list(coordinates)
        outputs.append(
            network(
                inputs
                if whole
                else Select(names=names, of=coordinates, name=f"seen_by_{name}")(inputs)
            )
        )
    if len(outputs) == 1:
        return keras.Model(inputs, outputs[0], name="side_by_side")
    return keras.Model(
        inputs, keras.layers.Concatenate(name="outputs")(outputs), name="side_by_side"
    )
