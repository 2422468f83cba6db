"""Truncated Taylor numbers: a value and exactly the partial derivatives that a plan asks for.

A jet is carried once through a network and an ansatz and arrives with every derivative that the residuals
name.  Products follow Leibniz' rule, functions Faà di Bruno's formula (sum over set partitions), and the
Laplacian is carried as one part of its own (the forward Laplacian, Li et al. 2023, arXiv:2307.08214).
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Union

import numpy as np
import tensorflow as tf

from pinn.elementary import MAX_ORDER, RULES
from pinn.errors import InputError

Index = tuple[str, ...]
"""A partial derivative: the sorted coordinate names, e.g. ('t', 'x', 'x') for u_txx; () is the value."""

VALUE: Index = ()
LAPLACIAN: Index = ("Δ",)
_SEPARATOR = "."  # extension types take string keys only


@dataclass(frozen=True)
class Plan:
    """The derivatives to carry: `indices`, closed under leaving coordinates out, lowest order first.

    `laplacian` names the coordinates that the Laplacian sums over; it is empty where none is asked for.
    """

    indices: tuple[Index, ...] = (VALUE,)
    laplacian: tuple[str, ...] = ()

    @staticmethod
    def of(wanted: Iterable[Index], laplacian: Sequence[str] = ()) -> Plan:
        """Return the smallest plan that holds `wanted` and, if coordinates are given, their Laplacian."""
        indices: set[Index] = {VALUE}
        for index in [*wanted, *((c,) for c in laplacian)]:
            if len(index) > MAX_ORDER:
                raise InputError(f"Plan.of: derivative {''.join(index)!r} has order {len(index)}; at most {MAX_ORDER}.")
            for order in range(1, len(index) + 1):
                indices.update(tuple(sorted(c)) for c in combinations(index, order))
        return Plan(tuple(sorted(indices, key=lambda i: (len(i), i))), tuple(laplacian))


class Jet(tf.experimental.ExtensionType):
    """A value and its partial derivatives, `parts[index]`; a part that is absent is zero.

    Parts have shapes that broadcast against the value's, so the derivative of a coordinate is a scalar.
    An `ExtensionType`, because TensorFlow dispatches `tf.sin(jet)` to no other kind of class.
    """

    tensors: Mapping[str, tf.Tensor]
    orders: tuple[str, ...]
    laplacian: tuple[str, ...]

    __array_ufunc__ = None  # NumPy arrays leave `array * jet` to the jet

    def __init__(self, parts: Mapping[Index, tf.Tensor], plan: Plan) -> None:
        self.tensors = {_SEPARATOR.join(index): tensor for index, tensor in parts.items()}
        self.orders = tuple(_SEPARATOR.join(index) for index in plan.indices)
        self.laplacian = plan.laplacian

    @property
    def parts(self) -> dict[Index, tf.Tensor]:
        """The value and the derivatives that are not identically zero."""
        return {_index(key): tensor for key, tensor in self.tensors.items()}

    @property
    def plan(self) -> Plan:
        """The derivatives that this jet carries."""
        return Plan(tuple(_index(key) for key in self.orders), self.laplacian)

    @property
    def value(self) -> tf.Tensor:
        """The value, without derivatives."""
        return self.parts[VALUE]

    @property
    def dtype(self) -> tf.DType:
        """The value's dtype."""
        return self.value.dtype

    def map(self, function: Callable[[tf.Tensor], tf.Tensor]) -> Jet:
        """Return the jet with a *linear* function applied to every part."""
        return Jet({index: function(part) for index, part in self.parts.items()}, self.plan)

    def shift(self, constant: Any) -> Jet:
        """Return the jet with a constant added to its value."""
        return Jet({**self.parts, VALUE: self.value + constant}, self.plan)

    def __getitem__(self, key: Any) -> Jet:
        return self.map(lambda part: part[key])

    def __neg__(self) -> Jet:
        return self.map(tf.negative)

    def __add__(self, other: Any) -> Jet:
        return _add(self, other)

    def __radd__(self, other: Any) -> Jet:
        return _add(self, other)

    def __sub__(self, other: Any) -> Jet:
        return _add(self, -other)

    def __rsub__(self, other: Any) -> Jet:
        return _add(-self, other)

    def __mul__(self, other: Any) -> Jet:
        return _multiply(self, other)

    def __rmul__(self, other: Any) -> Jet:
        return _multiply(self, other)

    def __truediv__(self, other: Any) -> Jet:
        return _multiply(self, _reciprocal(other) if isinstance(other, Jet) else 1.0 / other)

    def __rtruediv__(self, other: Any) -> Jet:
        return _multiply(_reciprocal(self), other)

    def __pow__(self, exponent: Any) -> Jet:
        return _power(self, exponent)

    def __rpow__(self, base: Any) -> Jet:
        return apply("exp", self * tf.math.log(tf.cast(base, self.dtype)))


def _index(key: str) -> Index:
    return tuple(key.split(_SEPARATOR)) if key else VALUE


def coordinates(values: Mapping[str, tf.Tensor], plan: Plan) -> dict[str, Jet]:
    """Return the coordinates as jets: their derivative with respect to themselves is one."""
    return {
        name: Jet({VALUE: value} | ({(name,): tf.ones([], value.dtype)} if (name,) in plan.indices else {}), plan)
        for name, value in values.items()
    }


def stack(jets: Sequence[Jet]) -> Jet:
    """Return jets of shape [n] as the rows of one jet [k, n]; constant parts stay columns [k, 1]."""
    plan, parts = jets[0].plan, {}
    for index in dict.fromkeys(index for jet in jets for index in jet.parts):
        rows = [jet.parts.get(index, tf.zeros([], jet.dtype)) for jet in jets]
        length = max((int(row.shape[0] or 0) for row in rows if row.shape.rank == 1), default=1)
        parts[index] = tf.stack([tf.broadcast_to(row, [length]) for row in rows])
    return Jet(parts, plan)


def part(jet: Jet, index: Index) -> tf.Tensor:
    """Return one derivative of a jet in the shape of its value."""
    zero = tf.zeros_like(jet.value)
    return zero + jet.parts[index] if index in jet.parts else zero


def compose(derivatives: Sequence[tf.Tensor], jet: Jet) -> Jet:
    """Return f(jet) from `derivatives` = f, f', f'', … at the jet's value (Faà di Bruno's formula)."""
    parts: dict[Index, tf.Tensor] = {VALUE: derivatives[0]}
    for index in jet.plan.indices[1:]:
        terms = []
        for blocks, count in _partitions(index).items():
            if all(block in jet.parts for block in blocks):
                term = derivatives[len(blocks)]
                for block in blocks:
                    term = term * jet.parts[block]
                terms.append(term if count == 1 else count * term)
        _put(parts, index, terms)
    terms = [derivatives[1] * jet.parts[LAPLACIAN]] if LAPLACIAN in jet.parts else []
    squares = [tf.square(jet.parts[(c,)]) for c in jet.plan.laplacian if (c,) in jet.parts]
    _put(parts, LAPLACIAN, terms + ([derivatives[2] * _sum(squares)] if squares else []))
    return Jet(parts, jet.plan)


def order(plan: Plan) -> int:
    """Return the highest order of differentiation in a plan."""
    return max(max(len(index) for index in plan.indices), 2 if plan.laplacian else 0)


def _sum(terms: Sequence[tf.Tensor]) -> tf.Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _put(parts: dict[Index, tf.Tensor], index: Index, terms: Sequence[tf.Tensor]) -> None:
    if terms:
        parts[index] = _sum(terms)


def _partitions(index: Index) -> Counter[tuple[Index, ...]]:
    """Count the ways to split a multi-index into blocks, e.g. xx -> {(xx): 1, (x, x): 1}."""
    found: Counter[tuple[Index, ...]] = Counter()
    for split in _set_partitions(list(range(len(index)))):
        found[tuple(sorted(tuple(sorted(index[i] for i in block)) for block in split))] += 1
    return found


def _set_partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for split in _set_partitions(rest):
        yield [[first], *split]
        for i in range(len(split)):
            yield [*split[:i], [first, *split[i]], *split[i + 1 :]]


def _add(a: Jet, b: Any) -> Jet:
    if not isinstance(b, Jet):
        return a.shift(b)
    parts = dict(a.parts)
    for index, value in b.parts.items():
        parts[index] = parts[index] + value if index in parts else value
    return Jet(parts, a.plan)


def _multiply(a: Jet, b: Any) -> Jet:
    if not isinstance(b, Jet):
        return a.map(lambda p: p * b)
    parts: dict[Index, tf.Tensor] = {}
    for index in a.plan.indices:
        splits: Counter[tuple[Index, Index]] = Counter()
        for size in range(len(index) + 1):
            for chosen in combinations(range(len(index)), size):
                left = tuple(index[i] for i in chosen)
                splits[left, tuple(index[i] for i in range(len(index)) if i not in chosen)] += 1
        terms = [
            a.parts[left] * b.parts[right] * (count if count > 1 else 1)
            for (left, right), count in splits.items()
            if left in a.parts and right in b.parts
        ]
        _put(parts, index, terms)
    terms = [x.value * y.parts[LAPLACIAN] for x, y in ((a, b), (b, a)) if LAPLACIAN in y.parts]
    for c in a.plan.laplacian:
        if (c,) in a.parts and (c,) in b.parts:
            terms.append(2 * a.parts[(c,)] * b.parts[(c,)])
    _put(parts, LAPLACIAN, terms)
    return Jet(parts, a.plan)


def _power(jet: Jet, exponent: Any) -> Jet:
    if isinstance(exponent, Jet):
        return apply("exp", exponent * apply("log", jet))
    derivatives, factor = [jet.value**exponent], 1.0
    for k in range(order(jet.plan)):
        factor *= exponent - k
        # A whole power's derivatives end; without this, 0·z⁻¹ would be NaN at z = 0.
        ends = isinstance(factor, float | int) and factor == 0
        derivatives.append(tf.zeros_like(jet.value) if ends else factor * jet.value ** (exponent - k - 1))
    return compose(derivatives, jet)


def _reciprocal(jet: Jet) -> Jet:
    return _power(jet, -1)


_JET_RULES: dict[str, Callable[[Jet], Jet]] = {
    "linear": lambda jet: jet,
    "identity": lambda jet: jet,
    "neg": lambda jet: -jet,
    "negative": lambda jet: -jet,
    "square": lambda jet: jet * jet,
    "sqrt": lambda jet: _power(jet, 0.5),
    "rsqrt": lambda jet: _power(jet, -0.5),
    "reciprocal": _reciprocal,
}
_BINARY: dict[str, str] = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "truediv",
    "truediv": "truediv",
    "pow": "pow",
}


def has_rule(name: str) -> bool:
    """Say whether the function of that name (TensorFlow's, or Keras' for an activation) takes jets."""
    return name in RULES or name in _JET_RULES


def apply(name: str, jet: Jet) -> Jet:
    """Return the jet behind the function of that name.

    Raises:
        InputError: if the function has no Taylor rule.
    """
    if name in _JET_RULES:
        return _JET_RULES[name](jet)
    if name in RULES:
        return compose(RULES[name](jet.value), jet)
    known = ", ".join(sorted(RULES))
    raise InputError(f"Jet: no Taylor rule for tf.{name}; use one of {known}, or set derivatives=nested.")


@tf.experimental.dispatch_for_unary_elementwise_apis(Jet)
def _dispatch_unary(api: Any, x: Any) -> Any:
    # TensorFlow binds further arguments, such as a name, in a lambda around the function itself.
    hidden = inspect.getclosurevars(api).nonlocals if api.__name__ == "<lambda>" else {}
    return apply(getattr(hidden.get("api"), "__name__", api.__name__), x)


def _dispatch_binary(api: Any, x: Any, y: Any) -> Any:
    if api.__name__ not in _BINARY:
        raise InputError(f"Jet: no Taylor rule for tf.{api.__name__}; use + - * / ** or set derivatives=nested.")
    operator = _BINARY[api.__name__]
    return getattr(x, f"__{operator}__")(y) if isinstance(x, Jet) else getattr(y, f"__r{operator}__")(x)


# Two overlapping registrations are an error in TensorFlow, so the right-hand jet's partner is no jet; its
# dispatch takes typing.Union only, not the | of types.
_Constant = Union[tf.Tensor, tf.Variable, np.ndarray, np.generic, float, int]  # noqa: UP007
tf.experimental.dispatch_for_binary_elementwise_apis(Jet, object)(_dispatch_binary)
tf.experimental.dispatch_for_binary_elementwise_apis(_Constant, Jet)(_dispatch_binary)
