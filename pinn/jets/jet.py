# pyright: strict, reportUnknownMemberType=false, reportUntypedBaseClass=false
"""The jet itself: sums, products, powers and compositions of truncated Taylor polynomials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import add, mul
from typing import Any, TypeAlias

import tensorflow as tf

from pinn.arrays import Array, static_size
from pinn.combinatorics import Index, partitions, splits
from pinn.elementary import MAX_ORDER, RULES
from pinn.jets.plan import OPERATOR, VALUE, Plan, order

Components: TypeAlias = Mapping[Index, tf.Tensor]
Constant: TypeAlias = "tf.Tensor | tf.Variable | Array | float"

_SEPARATOR = "."  # extension types take string keys only


class Jet(tf.experimental.ExtensionType):
    """A value and its partial derivatives, `components[index]`; an absent component is zero.

    The shapes of components broadcast against the value's shape, so the derivative of a coordinate
    is a scalar.  A jet is an `ExtensionType`, because TensorFlow dispatches `tf.sin(jet)` to no
    other kind of class.
    """

    tensors: Mapping[str, tf.Tensor]
    indices: tuple[str, ...]
    operator: tuple[str, ...]
    coefficients: tf.Tensor
    rows: tuple[tuple[str, ...], ...]

    __array_ufunc__ = None  # NumPy leaves `array * jet` to the jet

    def __init__(
        self,
        components: Components,
        plan: Plan,
        coefficients: tf.Tensor | None = None,
        rows: Sequence[Iterable[Index]] = (),
    ) -> None:
        self.tensors = {_key(index): tensor for index, tensor in components.items()}
        self.indices = tuple(map(_key, plan.indices))
        self.operator = tuple(map(_key, plan.operator))
        # An empty tensor means that all coefficients of the operator are one.
        if coefficients is None:
            coefficients = tf.zeros([0], components[VALUE].dtype)
        self.coefficients = coefficients
        # The components of each row of a stack.  Operations on a stack forget them: then `rows` is
        # empty.
        self.rows = tuple(tuple(map(_key, row)) for row in rows)

    @property
    def components(self) -> dict[Index, tf.Tensor]:
        """The value and the derivatives that are not identically zero."""
        return {_index(key): tensor for key, tensor in self.tensors.items()}

    @property
    def plan(self) -> Plan:
        """The derivatives that this jet holds."""
        indices = tuple(_index(key) for key in self.indices)
        operator = tuple(_index(key) for key in self.operator)
        return Plan(indices, operator)

    def with_components(self, components: Components) -> Jet:
        """Return a jet with the same plan and coefficients, and other components."""
        return Jet(components, self.plan, self.coefficients)

    def operator_terms(self, terms: Sequence[tf.Tensor | None]) -> list[tf.Tensor]:
        """Return the terms of the operator times their coefficients.

        `terms` holds one term per derivative of the operator, or None where it is zero; the result
        leaves these out.
        """
        all_ones = self.coefficients.shape[0] == 0
        products: list[tf.Tensor] = []
        for i, term in enumerate(terms):
            if term is not None:
                products.append(term if all_ones else self.coefficients[i] * term)
        return products

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
            {index: function(tensor) for index, tensor in self.components.items()}
        )

    def shift(self, constant: Constant) -> Jet:
        """Return the jet with a constant added to its value."""
        return self.with_components({**self.components, VALUE: self.value + constant})

    def __getitem__(self, key: Any) -> Jet:
        return self.map(lambda tensor: tensor[key])

    def row(self, number: int) -> Jet:
        """Return one row [n] of a stack, with the components that it had before stacking."""
        present = self.rows[number] if self.rows else self.tensors
        components: dict[Index, tf.Tensor] = {}
        for index, tensor in self.components.items():
            if _key(index) in present:
                components[index] = tensor[number]
        return self.with_components(components)

    def __neg__(self) -> Jet:
        return self.map(lambda tensor: -tensor)

    def __abs__(self) -> Jet:
        return self * tf.sign(self.value)

    # Comparisons are those of the values, and serve `tf.where`.

    def __lt__(self, other: Jet | Constant) -> tf.Tensor:
        return self.value < _value(other)

    def __le__(self, other: Jet | Constant) -> tf.Tensor:
        return self.value <= _value(other)

    def __gt__(self, other: Jet | Constant) -> tf.Tensor:
        return self.value > _value(other)

    def __ge__(self, other: Jet | Constant) -> tf.Tensor:
        return self.value >= _value(other)

    def __add__(self, other: Jet | Constant) -> Jet:
        return _add(self, other)

    def __radd__(self, other: Constant) -> Jet:
        return _add(self, other)

    def __sub__(self, other: Jet | Constant) -> Jet:
        return _add(self, -other)

    def __rsub__(self, other: Constant) -> Jet:
        return _add(-self, other)

    def __mul__(self, other: Jet | Constant) -> Jet:
        return _multiply(self, other)

    def __rmul__(self, other: Constant) -> Jet:
        return _multiply(self, other)

    def __truediv__(self, other: Jet | Constant) -> Jet:
        return _multiply(self, _reciprocal(other) if isinstance(other, Jet) else 1.0 / other)

    def __rtruediv__(self, other: Constant) -> Jet:
        return _multiply(_reciprocal(self), other)

    def __pow__(self, exponent: Jet | Constant) -> Jet:
        return _power(self, exponent)

    def __rpow__(self, base: Constant) -> Jet:
        return _function("exp", self * tf.math.log(tf.convert_to_tensor(base, self.dtype)))


def _key(index: Index) -> str:
    return _SEPARATOR.join(index)


def _index(key: str) -> Index:
    return tuple(key.split(_SEPARATOR)) if key else VALUE


def coordinates(
    values: Mapping[str, tf.Tensor], plan: Plan, coefficients: tf.Tensor | None = None
) -> dict[str, Jet]:
    """Return the coordinates as jets, whose derivatives with respect to themselves are one.

    `coefficients` [k] are those of the plan's operator; None means ones.
    """
    jets: dict[str, Jet] = {}
    for name, value in values.items():
        one = tf.ones([], value.dtype)
        components = {VALUE: value}
        if (name,) in plan.indices:
            components[(name,)] = one
        if (name,) in plan.operator:
            # The operator applied to a coordinate is the coefficient of its first derivative.
            place = plan.operator.index((name,))
            components[OPERATOR] = one if coefficients is None else coefficients[place]
        jets[name] = Jet(components, plan, coefficients)
    return jets


def stack(jets: Sequence[Jet]) -> Jet:
    """Return jets of shape [n] as the rows of one jet [k, n].

    A component that is a scalar in all jets becomes a column [k, 1].
    """
    rows = [jet.components for jet in jets]
    components: dict[Index, tf.Tensor] = {}
    for index in dict.fromkeys(chain.from_iterable(rows)):
        tensors = [row.get(index, tf.zeros([], row[VALUE].dtype)) for row in rows]
        lengths = [static_size(tensor) for tensor in tensors if tensor.shape.rank == 1]
        length = max(lengths, default=1)
        components[index] = tf.stack([tf.broadcast_to(tensor, [length]) for tensor in tensors])
    return Jet(components, jets[0].plan, jets[0].coefficients, rows)


def where(condition: tf.Tensor, first: Jet | Constant, second: Jet | Constant) -> Jet:
    """Return the jet that is the first one where a condition [n] holds, and the second elsewhere.

    Derivatives are those of the one that is taken.
    """
    jet = first if isinstance(first, Jet) else second
    assert isinstance(jet, Jet)
    zero = tf.zeros([], jet.dtype)
    left, right = _components_of(first, jet.dtype), _components_of(second, jet.dtype)
    components: dict[Index, tf.Tensor] = {}
    for index in dict.fromkeys((*left, *right)):
        components[index] = tf.where(condition, left.get(index, zero), right.get(index, zero))
    return jet.with_components(components)


def _components_of(operand: Jet | Constant, dtype: tf.DType) -> Components:
    """Return the components of a jet, or of a constant."""
    return (
        operand.components
        if isinstance(operand, Jet)
        else {VALUE: tf.convert_to_tensor(operand, dtype)}
    )


def _value(operand: Jet | Constant) -> Any:
    """Return the value of a jet, or a constant as it is."""
    return operand.value if isinstance(operand, Jet) else operand


def component(field: Jet | tf.Tensor, index: Index, like: tf.Tensor) -> tf.Tensor:
    """Return one component of a jet, or of a constant, in the shape of `like`."""
    components = field.components if isinstance(field, Jet) else {VALUE: field}
    zero = tf.zeros_like(like)  # gives scalars and absent components that shape
    return zero + components[index] if index in components else zero


def compose(derivatives: Sequence[tf.Tensor], jet: Jet) -> Jet:
    """Return f(u) for a jet u, given `derivatives` = f, f′, f″, … at the value of u.

    Faà di Bruno's formula sums over all partitions of a derivative's coordinates into blocks:

        f(u)_α = Σ_π f⁽ᵏ⁾(u) Π_(β in π) u_β,  k the number of blocks of the partition π

    For α = xx the partitions are {xx} and {x, x}, so that f(u)_xx = f′(u) u_xx + f″(u) u_x².

    A linear operator L = Σⱼ cⱼ ∂^αⱼ takes its one-block terms together, since their sum is L u.
    For L u = u_t − ν u_xx this is L f(u) = f′(u) L u − ν f″(u) u_x².
    """
    plan = jet.plan
    inner = jet.components
    components: dict[Index, tf.Tensor] = {VALUE: derivatives[0]}
    # The derivatives that are components of their own.
    for index in plan.indices[1:]:
        terms: list[tf.Tensor] = []
        for k, factor in _factors_by_order(index, inner).items():
            terms.append(derivatives[k] * factor)
        _put(components, index, terms)
    # The operator: one block per derivative gives f′ L u, ...
    terms = []
    if OPERATOR in inner:
        terms.append(derivatives[1] * inner[OPERATOR])
    # ... and k > 1 blocks give f⁽ᵏ⁾ times a linear combination over the operator's derivatives.
    by_derivative = [_factors_by_order(index, inner) for index in plan.operator]
    for k in range(2, MAX_ORDER + 1):
        combination = jet.operator_terms([factors.get(k) for factors in by_derivative])
        if combination:
            terms.append(derivatives[k] * _sum(combination))
    _put(components, OPERATOR, terms)
    return jet.with_components(components)


def _factors_by_order(index: Index, inner: Components) -> dict[int, tf.Tensor]:
    """Return the factors of f′, f″, … in f(u)_index that are not zero, by the order of f.

    For u_xx this is {1: u_xx, 2: u_x²}: order k collects the partitions into k blocks.
    """
    products: dict[int, list[tf.Tensor]] = {}
    for blocks, count in partitions(index).items():
        if all(block in inner for block in blocks):
            product = reduce(mul, [inner[block] for block in blocks])
            products.setdefault(len(blocks), []).append(_times(count, product))
    return {k: _sum(terms) for k, terms in products.items()}


def _times(count: int, term: tf.Tensor) -> tf.Tensor:
    return term if count == 1 else count * term


def _sum(terms: Sequence[tf.Tensor]) -> tf.Tensor:
    return reduce(add, terms)


def _put(components: dict[Index, tf.Tensor], index: Index, terms: Sequence[tf.Tensor]) -> None:
    """Set a component to a sum, unless it has no terms."""
    if terms:
        components[index] = _sum(terms)


def _add(a: Jet, b: Jet | Constant) -> Jet:
    if not isinstance(b, Jet):
        return a.shift(b)
    components = a.components
    for index, tensor in b.components.items():
        components[index] = components[index] + tensor if index in components else tensor
    return a.with_components(components)


def _multiply(a: Jet, b: Jet | Constant) -> Jet:
    """Return a product by Leibniz' rule, e.g. (uv)_xx = u_xx v + 2 u_x v_x + u v_xx.

    A linear operator L takes the terms with an undifferentiated factor together: they are u L v
    and v L u.
    """
    if not isinstance(b, Jet):
        return a.map(lambda tensor: tensor * b)
    left = a.components
    right = b.components
    components: dict[Index, tf.Tensor] = {}
    for index in a.plan.indices:
        _put(components, index, _leibniz(index, left, right))
    # The operator: the terms with an undifferentiated factor, ...
    terms: list[tf.Tensor] = []
    if OPERATOR in right:
        terms.append(a.value * right[OPERATOR])
    if OPERATOR in left:
        terms.append(b.value * left[OPERATOR])
    # ... and those of each of its derivatives where both factors are differentiated.
    mixed: list[tf.Tensor | None] = []
    for index in a.plan.operator:
        products = _leibniz(index, left, right, mixed_only=True)
        mixed.append(_sum(products) if products else None)
    _put(components, OPERATOR, terms + a.operator_terms(mixed))
    return a.with_components(components)


def _leibniz(
    index: Index, left: Components, right: Components, *, mixed_only: bool = False
) -> list[tf.Tensor]:
    """Return the terms of a product's derivative that are not zero.

    `mixed_only` leaves out the terms in which one factor is undifferentiated.
    """
    terms: list[tf.Tensor] = []
    for (first, second), count in splits(index).items():
        if mixed_only and not (first and second):
            continue
        if first in left and second in right:
            terms.append(_times(count, left[first] * right[second]))
    return terms


def _power(jet: Jet, exponent: Jet | Constant) -> Jet:
    if isinstance(exponent, Jet):
        return _function("exp", exponent * _function("log", jet))
    # The k-th derivative of z^p is p (p − 1) … (p − k + 1) z^(p − k).
    derivatives = [jet.value**exponent]
    factor: Any = 1.0  # a number or a tensor, as the exponent is
    for k in range(order(jet.plan)):
        factor = factor * (exponent - k)
        if isinstance(factor, float | int) and factor == 0:
            # All further derivatives vanish.  Without this, 0·z⁻¹ would be NaN at z = 0.
            derivatives.append(tf.zeros_like(jet.value))
        else:
            derivatives.append(factor * jet.value ** (exponent - k - 1))
    return compose(derivatives, jet)


def _reciprocal(jet: Jet) -> Jet:
    return _power(jet, -1)


def _function(name: str, jet: Jet) -> Jet:
    return compose(RULES[name](jet.value), jet)
