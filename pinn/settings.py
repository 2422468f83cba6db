"""Settings that say once what they accept: frozen dataclasses whose fields carry their range.

The annotation gives the type and the range follows from the default's helper:

    @dataclass(frozen=True, kw_only=True)
    class LBFGS(Settings):
        pairs: int = count(50)
        first_step: float | None = positive(1.0)
        line_search: Literal["hager_zhang", "wolfe"] = "wolfe"

A field annotated with `Literal` accepts its words, and one whose annotation includes None accepts
None; neither needs a helper. Whatever else the annotation admits, such as a schedule for a number,
is accepted as it is.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import numbers
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from pinn.errors import InputError, guess

T = TypeVar("T")
Closed = Literal["neither", "left", "right", "both"]
LARGEST = 2**31 - 1  # of whole numbers: TensorFlow counts so far
LARGEST_NUMBER = 1e38  # what single precision holds
_RULE = "rule"  # key of a field's metadata


class Rule(NamedTuple):
    """Which values are accepted, and the remedy for the others.

    Attributes:
        accepts: value -> whether it is accepted.
        remedy: what the message recommends, such as "give a positive number".
        options: the accepted words, where they can be listed; a misspelt one is corrected.
        largest: the largest number that the program can count to or store, where no other is
            stated.
    """

    accepts: Callable[[Any], bool]
    remedy: str
    options: tuple[str, ...] = ()
    largest: float | None = None

    def check(self, where: str, value: object) -> None:
        """Raise an InputError for a value that is not accepted; `where` names it in the message."""
        if not self.accepts(value):
            raise InputError(f"{where}={value!r}; {self.remedy}.{guess(str(value), self.options)}")
        if self.largest is not None and isinstance(value, int | float) and value > self.largest:
            raise InputError(f"{where}={value!r}; give at most {self.largest:,.10g}.")


class Settings:
    """Base of frozen dataclasses that check their settings at construction.

    A subclass with further checks calls `super().__post_init__()` first.

    Raises:
        InputError: for a setting out of its range, or a word that is not one of its options.
    """

    def __post_init__(self) -> None:
        for name, rule in _rules(type(self)).items():
            rule.check(self.setting(name), getattr(self, name))

    def setting(self, name: str) -> str:
        """Return what messages call a setting; override it to name the place in a configuration."""
        return f"{type(self).__name__}: {name}"


def count(default: T, *, least: int = 1, most: int | None = None, words: str = "") -> T:
    """Return the default of a setting that is a whole number, from `least` to `most`."""
    return _setting(default, _whole(least, most, words))


def positive(default: T, *, words: str = "a positive number") -> T:
    """Return the default of a setting that is a positive finite number; `words` for the remedy."""
    return _setting(default, _stored(_number(0, math.inf, "neither", words)))


def at_least(least: float, default: T, *, words: str = "") -> T:
    """Return the default of a setting that is a finite number of at least `least`."""
    rule = _number(least, math.inf, "left", words or f"a number of at least {least:g}")
    return _setting(default, _stored(rule))


def between(low: float, high: float, default: T, *, closed: Closed = "neither") -> T:
    """Return the default of a number between two bounds; `closed` as in pandas."""
    return _setting(default, _number(low, high, closed, _interval(low, high, closed)))


def finite(default: T) -> T:
    """Return the default of a setting that is any finite number."""
    return _setting(default, _stored(_number(-math.inf, math.inf, "neither", "a finite number")))


def check_count(where: str, value: object, *, least: int = 1, most: int | None = None) -> None:
    """Raise an InputError for what is no whole number from `least` to `most`."""
    _whole(least, most).check(where, value)


def check_positive(where: str, value: object) -> None:
    """Raise an InputError for what is no positive finite number."""
    _number(0, math.inf, "neither", "a positive number").check(where, value)


def check_finite(where: str, value: object) -> None:
    """Raise an InputError for what is no finite number."""
    _number(-math.inf, math.inf, "neither", "a finite number").check(where, value)


def check_choice(where: str, value: object, options: tuple[str, ...]) -> None:
    """Raise an InputError for what is none of some words."""
    _one_of(options).check(where, value)


def kinds(annotation: Any) -> tuple[Any, ...]:
    """Return the classes that an annotation admits: (float, NoneType) for `float | None`."""
    if get_origin(annotation) in (Union, UnionType):
        members: list[Any] = []
        for member in get_args(annotation):
            members.extend(kinds(member))
        return tuple(members)
    if get_origin(annotation) is Literal:
        return (str,)
    return (get_origin(annotation) or annotation,)


def _setting(default: T, rule: Rule) -> T:
    return dataclasses.field(default=default, metadata={_RULE: rule})


def _whole(least: int, most: int | None, words: str = "") -> Rule:
    def accepts(value: Any) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and least <= value <= (math.inf if most is None else most)

    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    largest = LARGEST if most is None else None
    return Rule(accepts, "give " + (words or f"a whole number {bounds}"), largest=largest)


def _number(low: float, high: float, closed: Closed, words: str) -> Rule:
    def accepts(value: Any) -> bool:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            return False
        above = value >= low if closed in ("left", "both") else value > low
        below = value <= high if closed in ("right", "both") else value < high
        return above and below

    return Rule(accepts, f"give {words}")


def _stored(rule: Rule) -> Rule:
    """Return a rule for numbers that are stored in the precision of the run."""
    return rule._replace(largest=LARGEST_NUMBER)


def _interval(low: float, high: float, closed: Closed) -> str:
    left = "[" if closed in ("left", "both") else "("
    right = "]" if closed in ("right", "both") else ")"
    return f"a number in {left}{low:g}, {high:g}{right}"


def _one_of(options: tuple[str, ...]) -> Rule:
    *others, last = options
    listed = f"{', '.join(others)} or {last}" if others else last

    def accepts(value: Any) -> bool:
        return isinstance(value, str) and value in options

    return Rule(accepts, f"use {listed}", options)


@functools.cache
def _rules(cls: Any) -> dict[str, Rule]:
    """Return the rules of a dataclass's fields, from the helpers and from `Literal`."""
    hints = get_type_hints(cls)
    rules = {}
    for field in dataclasses.fields(cls):
        rule = field.metadata.get(_RULE) or _words(hints[field.name])
        if rule is not None:
            rules[field.name] = _widened(rule, hints[field.name])
    return rules


def _words(annotation: Any) -> Rule | None:
    """Return the rule of an annotation that is a `Literal`, alone or next to others."""
    united = get_origin(annotation) in (Union, UnionType)
    for member in get_args(annotation) if united else (annotation,):
        if get_origin(member) is Literal:
            return _one_of(get_args(member))
    return None


def _widened(rule: Rule, annotation: Any) -> Rule:
    """Return a rule that also accepts the kinds of values that are neither numbers nor words."""
    others = tuple(
        kind for kind in kinds(annotation)
        if inspect.isclass(kind) and kind not in (int, float, str)
    )  # fmt: skip
    if not others:
        return rule

    def accepts(value: Any) -> bool:
        return isinstance(value, others) or rule.accepts(value)

    if NoneType in others and "null" not in rule.remedy:
        return rule._replace(accepts=accepts, remedy=f"{rule.remedy}, or null")
    return rule._replace(accepts=accepts)
