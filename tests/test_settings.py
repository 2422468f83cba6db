"""A setting states once what it accepts; other values are refused with a remedy."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from pinn.errors import InputError
from pinn.settings import (
    Settings,
    at_least,
    between,
    check_choice,
    check_count,
    check_positive,
    count,
    finite,
    kinds,
    positive,
)


@dataclass(frozen=True, kw_only=True)
class Example(Settings):
    pairs: int = count(50)
    trials: int = count(0, least=0)
    seed: int = count(0, least=0, most=9)
    patience: int | None = count(None)
    rate: float | Callable[[int], float] = positive(1e-3)
    first_step: float | None = positive(1.0)
    tolerance: float = at_least(0, 0.0)
    share: float = between(0, 0.5, 0.2, closed="right")
    decay: float = between(0, 1, 0.9, closed="left")
    mean: float = finite(-1.0)
    algebra: Literal["auto", "gram", "qr"] = "auto"
    layer: Literal["drawn", "fitted"] | None = None
    name: str = "not checked"


class Named(Example):
    def setting(self, name: str) -> str:
        return f"stop.{name}"


GOOD = [
    {},
    {"pairs": 1, "trials": 0, "seed": 9, "patience": 3, "first_step": None},
    {"rate": lambda i: 1.0 / i, "share": 0.5, "decay": 0.0, "mean": -3},
    {"rate": 1, "tolerance": np.float32(2.5), "algebra": "qr", "layer": "drawn"},
]
BAD = [
    ({"pairs": 0}, "Example: pairs=0; give a whole number of at least 1."),
    ({"pairs": True}, "Example: pairs=True; give a whole number of at least 1."),
    ({"pairs": None}, "Example: pairs=None; give a whole number of at least 1."),
    ({"trials": 1.0}, "Example: trials=1.0; give a whole number of at least 0."),
    ({"seed": 10}, "Example: seed=10; give a whole number from 0 to 9."),
    ({"patience": 0}, "Example: patience=0; give a whole number of at least 1, or null."),
    ({"rate": 0.0}, "Example: rate=0.0; give a positive number."),
    ({"rate": "fast"}, "Example: rate='fast'; give a positive number."),
    ({"rate": math.nan}, "Example: rate=nan; give a positive number."),
    ({"first_step": math.inf}, "Example: first_step=inf; give a positive number, or null."),
    ({"tolerance": -1e-9}, "Example: tolerance=-1e-09; give a number of at least 0."),
    ({"share": 0.0}, "Example: share=0.0; give a number in (0, 0.5]."),
    ({"decay": 1.0}, "Example: decay=1.0; give a number in [0, 1)."),
    ({"mean": -math.inf}, "Example: mean=-inf; give a finite number."),
    ({"algebra": "lu"}, "Example: algebra='lu'; use auto, gram or qr."),
    (
        {"algebra": "gramm"},
        "Example: algebra='gramm'; use auto, gram or qr. Did you mean 'gram'?",
    ),
    (
        {"layer": "fit"},
        "Example: layer='fit'; use drawn or fitted, or null. Did you mean 'fitted'?",
    ),
]


@pytest.mark.parametrize("settings", GOOD)
def test_values_in_range_are_accepted(settings):
    example = Example(**settings)
    assert all(getattr(example, name) is value for name, value in settings.items())


@pytest.mark.parametrize(("settings", "message"), BAD)
def test_other_values_are_refused_in_one_line(settings, message):
    with pytest.raises(InputError) as error:
        Example(**settings)
    assert str(error.value) == message


def test_a_class_names_its_settings_as_the_configuration_does():
    with pytest.raises(InputError, match=r"^stop\.pairs=0; give"):
        Named(pairs=0)


def test_values_outside_of_a_dataclass():
    check_count("width", 1)
    check_positive("slope", 0.1)
    check_choice("mask", "a", ("a", "b"))
    with pytest.raises(InputError, match=r"^width=0; give a whole number of at least 1\.$"):
        check_count("width", 0)
    with pytest.raises(InputError, match=r"^slope=0; give a positive number\.$"):
        check_positive("slope", 0)
    with pytest.raises(InputError, match=r"^mask='c'; use a or b\.$"):
        check_choice("mask", "c", ("a", "b"))


def test_kinds_of_an_annotation():
    assert kinds(float | None) == (float, type(None))
    assert kinds(Literal["a", "b"]) == (str,)
    assert kinds(dict[str, int]) == (dict,)
