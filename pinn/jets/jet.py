"""The jet itself: sums, products, powers and compositions of truncated Taylor numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import add, mul
from typing import Any

import tensorflow as tf

from pinn.arrays import static_size
from pinn.combinatorics import Index, partitions
from pinn.combinatorics import splits as splits_of
from pinn.elementary import MAX_ORDER, RULES
from pinn.jets.plan import OPERATOR, VALUE, Plan, order

_SEPARATOR = "."  # extension types take string keys only


class Jet(tf.experimental.ExtensionType):
    """A value and its partial derivatives, `components[index]`; a component that is absent is zero.

    Parts have shapes that broadcast against the value's, so the derivative of a coordinate is a
    scalar. An `ExtensionType`, because TensorFlow dispatches `tf.sin(jet)` to no other kind of
    class.
    """

    tensors: Mapping[str, tf.Tensor]
    indices: tuple[str, ...]
    operator: tuple[str, ...]
    coefficients: tf.Tensor
    rows: tuple[tuple[str, ...], ...]

    __array_ufunc__ = None  # NumPy arrays leave `array * jet` to the jet

    def __init__(
        self,
        components: Mapping[Index, tf.Tensor],
        plan: Plan,
        coefficients: Any = None,
        rows: Sequence[Iterable[Index]] = (),
    ) -> None:
        self.tensors = {_key(index): tensor for index, tensor in components.items()}
        self.indices = tuple(map(_key, plan.indices))
        self.operator = tuple(map(_key, plan.operator))
        # Without coefficients, the operator's are ones.
        self.coefficients = (
            tf.zeros([0], components[VALUE].dtype) if coefficients is None else coefficients
        )
        # Which components each row of a stack has; unknown, and so empty, behind whatever is done to a
        # stack.
        self.rows = tuple(tuple(map(_key, row)) for row in rows)

    @property
    def components(self) -> dict[Index, tf.Tensor]:
        """The value and the derivatives that are not identically zero."""
        return {_index(key): tensor for key, tensor in self.tensors.items()}

    @property
    def plan(self) -> Plan:
        """The derivatives that this jet carries."""
        return Plan(
            tuple(_index(key) for key in self.indices), tuple(_index(key) for key in self.operator)
        )

    def with_components(self, components: Mapping[Index, tf.Tensor]) -> Jet:
        """Return a jet of this one's plan and coefficients with other components."""
        return Jet(components, self.plan, self.coefficients)

    def operator_terms(self, terms: Sequence[Any]) -> list[Any]:
        """Return the terms of the operator, one per derivative or None, times their coefficients, without None."""
        ones = self.coefficients.shape[0] == 0
        pairs = [(i, term) for i, term in enumerate(terms) if term is not None]
        return [term if ones else self.coefficients[i] * term for i, term in pairs]

    @property
    def value(self) -> tf.Tensor:
        """The value, without derivatives."""
        return self.components[VALUE]

    @property
    def dtype(self) -> tf.DType:
        """The value's dtype."""
        return self.value.dtype

    def map(self, function: Callable[[tf.Tensor], tf.Tensor]) -> Jet:
        """Return the jet with a *linear* function applied to every component."""
        return self.with_components(
            {index: function(component) for index, component in self.components.items()}
        )

    def shift(self, constant: Any) -> Jet:
        """Return the jet with a constant added to its value."""
        return self.with_components({**self.components, VALUE: self.value + constant})

    def __getitem__(self, key: Any) -> Jet:
        return self.map(lambda component: component[key])

    def row(self, number: int) -> Jet:
        """Return one row [n] of a stack, without the derivatives that were zero there when it was stacked."""
        kept = self.rows[number] if self.rows else self.tensors
        return self.with_components(
            {
                index: component[number]
                for index, component in self.components.items()
                if _key(index) in kept
            }
        )

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
        return _function("exp", self * tf.math.log(tf.cast(base, self.dtype)))


def _key(index: Index) -> str:
    return _SEPARATOR.join(index)


def _index(key: str) -> Index:
    return tuple(key.split(_SEPARATOR)) if key else VALUE


def coordinates(
    values: Mapping[str, tf.Tensor], plan: Plan, coefficients: Any = None
) -> dict[str, Jet]:
    """Return the coordinates as jets: their derivative with respect to themselves is one.

    `coefficients` [k] are those of the plan's operator; None means ones.
    """
    found = {}
    for name, value in values.items():
        components, one = {VALUE: value}, tf.ones([], value.dtype)
        if (name,) in plan.indices:
            components[(name,)] = one
        if (name,) in plan.operator:
            components[OPERATOR] = (
                one if coefficients is None else coefficients[plan.operator.index((name,))]
            )
        found[name] = Jet(components, plan, coefficients)
    return found


def stack(jets: Sequence[Jet]) -> Jet:
    """Return jets of shape [n] as the rows of one jet [k, n]; constant components stay columns [k, 1]."""
    components = {}
    for index in dict.fromkeys(index for jet in jets for index in jet.components):
        rows = [jet.components.get(index, tf.zeros([], jet.dtype)) for jet in jets]
        length = max((static_size(row) for row in rows if row.shape.rank == 1), default=1)
        components[index] = tf.stack([tf.broadcast_to(row, [length]) for row in rows])
    return Jet(components, jets[0].plan, jets[0].coefficients, [jet.components for jet in jets])


def component(field: Jet | tf.Tensor, index: Index, like: tf.Tensor) -> tf.Tensor:
    """Return one derivative of a jet, or of a constant, in the shape of `like`."""
    components = field.components if isinstance(field, Jet) else {VALUE: field}
    zero = tf.zeros_like(like)  # gives scalars and absent components that shape
    return zero + components[index] if index in components else zero


def compose(derivatives: Sequence[tf.Tensor], jet: Jet) -> Jet:
    """Return f(jet) from `derivatives` = f, f', f'', … at the jet's value (Faà di Bruno's formula)."""
    plan, old = jet.plan, jet.components

    def by_order(index: Index) -> dict[int, tf.Tensor]:
        """Return the factors of f', f'', …, those that are not zero."""
        terms: dict[int, list[tf.Tensor]] = {}
        for blocks, count in partitions(index).items():
            if all(block in old for block in blocks):
                product = _product([old[block] for block in blocks])
                terms.setdefault(len(blocks), []).append(product if count == 1 else count * product)
        return {k: _sum(found) for k, found in terms.items()}

    components: dict[Index, tf.Tensor] = {VALUE: derivatives[0]}
    for index in plan.indices[1:]:
        _put(components, index, [derivatives[k] * factor for k, factor in by_order(index).items()])
    # The operator is linear: f' times its component, and of every derivative in it what has two blocks
    # or more.
    higher = [
        {k: factor for k, factor in by_order(index).items() if k > 1} for index in plan.operator
    ]
    terms = [derivatives[1] * old[OPERATOR]] if OPERATOR in old else []
    for k in range(2, MAX_ORDER + 1):
        factors = jet.operator_terms([found.get(k) for found in higher])
        terms += [derivatives[k] * _sum(factors)] if factors else []
    _put(components, OPERATOR, terms)
    return jet.with_components(components)


def _sum(terms: Sequence[tf.Tensor]) -> tf.Tensor:
    return reduce(add, terms)


def _product(factors: Sequence[tf.Tensor]) -> tf.Tensor:
    return reduce(mul, factors)


def _put(components: dict[Index, tf.Tensor], index: Index, terms: Sequence[tf.Tensor]) -> None:
    if terms:
        components[index] = _sum(terms)


def _add(a: Jet, b: Any) -> Jet:
    if not isinstance(b, Jet):
        return a.shift(b)
    components = dict(a.components)
    for index, value in b.components.items():
        components[index] = components[index] + value if index in components else value
    return a.with_components(components)


def _multiply(a: Jet, b: Any) -> Jet:
    if not isinstance(b, Jet):
        return a.map(lambda p: p * b)
    left, right = a.components, b.components

    def leibniz(index: Index, *, inner: bool = False) -> list[tf.Tensor]:
        """Return the terms of a product's derivative; `inner` leaves out those with a factor underived."""
        splits = [
            (s, r, count) for (s, r), count in splits_of(index).items() if not inner or (s and r)
        ]
        found = [(left[s] * right[r], count) for s, r, count in splits if s in left and r in right]
        return [term if count == 1 else count * term for term, count in found]

    components: dict[Index, tf.Tensor] = {}
    for index in a.plan.indices:
        _put(components, index, leibniz(index))
    terms = [
        x.value * y.components[OPERATOR] for x, y in ((a, b), (b, a)) if OPERATOR in y.components
    ]
    inner = [leibniz(index, inner=True) for index in a.plan.operator]
    _put(
        components,
        OPERATOR,
        terms + a.operator_terms([_sum(found) if found else None for found in inner]),
    )
    return a.with_components(components)


def _power(jet: Jet, exponent: Any) -> Jet:
    if isinstance(exponent, Jet):
        return _function("exp", exponent * _function("log", jet))
    derivatives, factor = [jet.value**exponent], 1.0
    for k in range(order(jet.plan)):
        factor *= exponent - k
        # A whole power's derivatives end; without this, 0·z⁻¹ would be NaN at z = 0.
        ends = isinstance(factor, float | int) and factor == 0
        derivatives.append(
            tf.zeros_like(jet.value) if ends else factor * jet.value ** (exponent - k - 1)
        )
    return compose(derivatives, jet)


def _reciprocal(jet: Jet) -> Jet:
    return _power(jet, -1)


def _function(name: str, jet: Jet) -> Jet:
    return compose(RULES[name](jet.value), jet)
