"""Truncated Taylor numbers: a value and exactly the partial derivatives that a plan asks for.

A jet is carried once through a network and an ansatz and arrives with every derivative that the residuals
name.  Products follow Leibniz' rule, functions Faà di Bruno's formula (sum over set partitions), and the
Laplacian, or any linear operator, is carried as one part of its own (the forward Laplacian, Li et al. 2023,
arXiv:2307.08214; collapsed Taylor mode, Dangel et al. 2025, arXiv:2505.13644).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import add, mul
from typing import Any, Union

import numpy as np
import tensorflow as tf

from pinn.combinatorics import Index, partitions
from pinn.combinatorics import splits as splits_of
from pinn.elementary import MAX_ORDER, RULES
from pinn.errors import InputError

VALUE: Index = ()
OPERATOR: Index = ("Σ",)
"""The key of the linear operator that a jet may carry as one part."""

_SEPARATOR = "."  # extension types take string keys only


@dataclass(frozen=True)
class Plan:
    """The derivatives to carry: `indices`, closed under leaving coordinates out, lowest order first.

    `operator` names the derivatives whose sum, with coefficients that jets hold, is carried as one part: the
    Laplacian, or the linear part of an equation such as u_t − ν u_xx.  It needs their lower derivatives only.
    """

    indices: tuple[Index, ...] = (VALUE,)
    operator: tuple[Index, ...] = ()

    @staticmethod
    def of(wanted: Iterable[Index], *, laplacian: Sequence[str] = (), operator: Sequence[Index] = ()) -> Plan:
        """Return the smallest plan that holds `wanted` and an operator, or the Laplacian over some coordinates."""
        operator = (*operator, *((c, c) for c in laplacian))
        indices: set[Index] = {VALUE}
        for index in [*wanted, *operator]:
            if len(index) > MAX_ORDER:
                raise InputError(f"Plan.of: derivative {''.join(index)!r} has order {len(index)}; at most {MAX_ORDER}.")
            for size in range(1, len(index) + (index not in operator or index in wanted)):
                indices.update(tuple(sorted(c)) for c in combinations(index, size))
        return Plan(tuple(sorted(indices, key=lambda i: (len(i), i))), tuple(operator))


class Jet(tf.experimental.ExtensionType):
    """A value and its partial derivatives, `parts[index]`; a part that is absent is zero.

    Parts have shapes that broadcast against the value's, so the derivative of a coordinate is a scalar.
    An `ExtensionType`, because TensorFlow dispatches `tf.sin(jet)` to no other kind of class.
    """

    tensors: Mapping[str, tf.Tensor]
    carried: tuple[str, ...]
    operator: tuple[str, ...]
    coefficients: tf.Tensor

    __array_ufunc__ = None  # NumPy arrays leave `array * jet` to the jet

    def __init__(self, parts: Mapping[Index, tf.Tensor], plan: Plan, coefficients: Any = None) -> None:
        self.tensors = {_SEPARATOR.join(index): tensor for index, tensor in parts.items()}
        self.carried = tuple(_SEPARATOR.join(index) for index in plan.indices)
        self.operator = tuple(_SEPARATOR.join(index) for index in plan.operator)
        # Without coefficients, the operator's are ones.
        self.coefficients = tf.zeros([0], parts[VALUE].dtype) if coefficients is None else coefficients

    @property
    def parts(self) -> dict[Index, tf.Tensor]:
        """The value and the derivatives that are not identically zero."""
        return {_index(key): tensor for key, tensor in self.tensors.items()}

    @property
    def plan(self) -> Plan:
        """The derivatives that this jet carries."""
        return Plan(tuple(_index(key) for key in self.carried), tuple(_index(key) for key in self.operator))

    def like(self, parts: Mapping[Index, tf.Tensor]) -> Jet:
        """Return a jet of this one's plan and coefficients with other parts."""
        return Jet(parts, self.plan, self.coefficients)

    def combined(self, terms: Sequence[Any]) -> list[Any]:
        """Return the terms of the operator, one per derivative or None, times their coefficients, without None."""
        ones = self.coefficients.shape[0] == 0
        pairs = [(i, term) for i, term in enumerate(terms) if term is not None]
        return [term if ones else self.coefficients[i] * term for i, term in pairs]

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
        return self.like({index: function(part) for index, part in self.parts.items()})

    def shift(self, constant: Any) -> Jet:
        """Return the jet with a constant added to its value."""
        return self.like({**self.parts, VALUE: self.value + constant})

    def __getitem__(self, key: Any) -> Jet:
        return self.map(lambda part: part[key])

    def __neg__(self) -> Jet:
        return self.map(tf.negative)

    def __abs__(self) -> Jet:
        return self * tf.sign(self.value)

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


def coordinates(values: Mapping[str, tf.Tensor], plan: Plan, coefficients: Any = None) -> dict[str, Jet]:
    """Return the coordinates as jets: their derivative with respect to themselves is one.

    `coefficients` [k] are those of the plan's operator; None means ones.
    """
    found = {}
    for name, value in values.items():
        parts, one = {VALUE: value}, tf.ones([], value.dtype)
        if (name,) in plan.indices:
            parts[(name,)] = one
        if (name,) in plan.operator:
            parts[OPERATOR] = one if coefficients is None else coefficients[plan.operator.index((name,))]
        found[name] = Jet(parts, plan, coefficients)
    return found


def stack(jets: Sequence[Jet]) -> Jet:
    """Return jets of shape [n] as the rows of one jet [k, n]; constant parts stay columns [k, 1]."""
    parts = {}
    for index in dict.fromkeys(index for jet in jets for index in jet.parts):
        rows = [jet.parts.get(index, tf.zeros([], jet.dtype)) for jet in jets]
        length = max((int(row.shape[0] or 0) for row in rows if row.shape.rank == 1), default=1)
        parts[index] = tf.stack([tf.broadcast_to(row, [length]) for row in rows])
    return jets[0].like(parts)


def part(field: Jet | tf.Tensor, index: Index, like: tf.Tensor) -> tf.Tensor:
    """Return one derivative of a jet, or of a constant, in the shape of `like`."""
    parts = field.parts if isinstance(field, Jet) else {VALUE: field}
    zero = tf.zeros_like(like)  # gives scalars and absent parts that shape
    return zero + parts[index] if index in parts else zero


def compose(derivatives: Sequence[tf.Tensor], jet: Jet) -> Jet:
    """Return f(jet) from `derivatives` = f, f', f'', … at the jet's value (Faà di Bruno's formula)."""
    plan, old = jet.plan, jet.parts

    def by_order(index: Index) -> dict[int, tf.Tensor]:
        """Return the factors of f', f'', …, those that are not zero."""
        terms: dict[int, list[tf.Tensor]] = {}
        for blocks, count in partitions(index).items():
            if all(block in old for block in blocks):
                product = _product([old[block] for block in blocks])
                terms.setdefault(len(blocks), []).append(product if count == 1 else count * product)
        return {k: _sum(found) for k, found in terms.items()}

    parts: dict[Index, tf.Tensor] = {VALUE: derivatives[0]}
    for index in plan.indices[1:]:
        _put(parts, index, [derivatives[k] * factor for k, factor in by_order(index).items()])
    # The operator is linear: f' times its part, and of every derivative in it what has two blocks or more.
    higher = [{k: factor for k, factor in by_order(index).items() if k > 1} for index in plan.operator]
    terms = [derivatives[1] * old[OPERATOR]] if OPERATOR in old else []
    for k in range(2, MAX_ORDER + 1):
        factors = jet.combined([found.get(k) for found in higher])
        terms += [derivatives[k] * _sum(factors)] if factors else []
    _put(parts, OPERATOR, terms)
    return jet.like(parts)


def order(plan: Plan) -> int:
    """Return the highest order of differentiation in a plan."""
    return max(len(index) for index in (*plan.indices, *plan.operator))


def _sum(terms: Sequence[tf.Tensor]) -> tf.Tensor:
    return reduce(add, terms)


def _product(factors: Sequence[tf.Tensor]) -> tf.Tensor:
    return reduce(mul, factors)


def _put(parts: dict[Index, tf.Tensor], index: Index, terms: Sequence[tf.Tensor]) -> None:
    if terms:
        parts[index] = _sum(terms)


def _add(a: Jet, b: Any) -> Jet:
    if not isinstance(b, Jet):
        return a.shift(b)
    parts = dict(a.parts)
    for index, value in b.parts.items():
        parts[index] = parts[index] + value if index in parts else value
    return a.like(parts)


def _multiply(a: Jet, b: Any) -> Jet:
    if not isinstance(b, Jet):
        return a.map(lambda p: p * b)
    left, right = a.parts, b.parts

    def leibniz(index: Index, *, inner: bool = False) -> list[tf.Tensor]:
        """Return the terms of a product's derivative; `inner` leaves out those with a factor underived."""
        splits = [(s, r, count) for (s, r), count in splits_of(index).items() if not inner or (s and r)]
        found = [(left[s] * right[r], count) for s, r, count in splits if s in left and r in right]
        return [term if count == 1 else count * term for term, count in found]

    parts: dict[Index, tf.Tensor] = {}
    for index in a.plan.indices:
        _put(parts, index, leibniz(index))
    terms = [x.value * y.parts[OPERATOR] for x, y in ((a, b), (b, a)) if OPERATOR in y.parts]
    inner = [leibniz(index, inner=True) for index in a.plan.operator]
    _put(parts, OPERATOR, terms + a.combined([_sum(found) if found else None for found in inner]))
    return a.like(parts)


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
    "abs": lambda jet: abs(jet),
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
