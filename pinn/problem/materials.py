"""Materials: subsets of space with coefficients and functions of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pinn.arrays import Array, BoolArray
from pinn.errors import InputError
from pinn.geometry import Domain
from pinn.parameters import Parameter

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

Masks = Mapping[str, Any]
"""By material: whether points [n] lie in it, as truth values, or as 1 and 0 in TensorFlow."""


class Material:
    """A part of space that has coefficients, and one function per field, of its own.

    `Material(Interval(x=(0.1, 0.3)), k=0.04)` is the strip 0.1 < x < 0.3, in which the coefficient
    k is 0.04; a coefficient that is not stated has the problem's own value.  The domain may leave
    out coordinates, such as an `Interval` in a rectangle.  Without a domain, a material is all that
    the others leave.  Where domains overlap, the material that is declared first counts.

    Args:
        domain: the part of space; None: the rest.
        coefficients: values in the problem's own units, or names of other coefficients, as in
            `k="k_wool"`, which may then be unknown or a continuation's.

    Raises:
        InputError: for what is no domain.
    """

    def __init__(self, domain: Domain | None = None, /, **coefficients: float | str) -> None:
        if domain is not None and not isinstance(domain, Domain):
            raise InputError(
                f"Material: {domain!r} is no domain; give one, such as Disk(…), or none for the "
                "rest of space."
            )
        self.domain = domain
        self.coefficients = coefficients

    def __repr__(self) -> str:
        arguments = [] if self.domain is None else [repr(self.domain)]
        arguments += [f"{name}={value!r}" for name, value in self.coefficients.items()]
        return f"Material({', '.join(arguments)})"

    def contains(self, space: Domain, points: Array) -> BoolArray:
        """Return which points [n, d] in space lie in the domain or on its boundary: [n]."""
        assert self.domain is not None
        axes = [space.coordinates.index(c) for c in self.domain.coordinates]
        return self.domain.contains(points[:, axes])


def masks_at(problem: Problem, points: Array) -> dict[str, BoolArray]:
    """Return in which material points [n, d] lie: truth values [n] by material, one of them true.

    A point on an interface belongs to the material that is declared first.  Without materials, the
    result is empty.
    """
    in_space = points[:, : len(problem.space.coordinates)]
    masks: dict[str, BoolArray] = {}
    is_free = np.ones(len(points), bool)
    for name, material in problem.materials.items():
        masks[name] = np.zeros(len(points), bool)
        if material.domain is not None:
            masks[name] = is_free & material.contains(problem.space, in_space)
            is_free = is_free & ~masks[name]
    for name, material in problem.materials.items():
        if material.domain is None:
            masks[name] = is_free
    return masks


def differing(problem: Problem) -> tuple[str, ...]:
    """Return the names of the coefficients that materials state."""
    names: dict[str, None] = {}
    for material in problem.materials.values():
        names |= dict.fromkeys(material.coefficients)
    return tuple(names)


def coefficient_in(problem: Problem, name: str, material: str) -> Any:
    """Return a coefficient's value in a material: a number, or a tensor where it is unknown."""
    stated = problem.materials[material].coefficients.get(name, name)
    return getattr(problem, stated) if isinstance(stated, str) else stated


def coefficient_at(problem: Problem, name: str, masks: Masks) -> Any:
    """Return a coefficient's values [n] at points.

    Args:
        problem: the problem, not yet bound to points.
        name: of the coefficient.
        masks: in which material the points lie.
    """
    values: Any = 0.0
    for material, mask in masks.items():
        values = values + coefficient_in(problem, name, material) * mask
    return values


def bound_to_points(problem: Problem, masks: Masks) -> Problem:
    """Return a copy whose coefficients have their values [n] at points, in NumPy or TensorFlow."""
    names = differing(problem)
    if not names:
        return problem
    return problem.bind({name: coefficient_at(problem, name, masks) for name in names})


def at_points(problem: Problem, points: Array) -> Problem:
    """Return the problem with its coefficients at points [n, d]."""
    columns = dict(zip(problem.coordinates, points.T, strict=True))
    return bound_to_points(problem.at(columns), masks_at(problem, points))


def in_some_material(problem: Problem) -> Problem:
    """Return a copy whose coefficients have their values in one of the materials, for checks."""
    if not problem.materials:
        return problem
    material = next(iter(problem.materials))
    values = {name: coefficient_in(problem, name, material) for name in differing(problem)}
    for name, value in values.items():
        if isinstance(value, Parameter):
            values[name] = value.middle
    return problem.bind(values)


def bound_to_none(problem: Problem, where: str) -> Problem:
    """Return a copy in which a coefficient that differs by material cannot be used.

    Args:
        problem: the problem.
        where: says why, and what to do, in the error.
    """
    names = differing(problem)
    return problem.bind({name: _Ambiguous(name, where) for name in names}) if names else problem


class _Ambiguous:
    """A coefficient where its material is not known: every use of it raises an InputError."""

    def __init__(self, name: str, where: str) -> None:
        self._message = f"self.{name} differs by material, {where}"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise InputError(self._message)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __abs__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __float__ = _refuse
    __array__ = __tf_tensor__ = _refuse  # conversions to arrays and tensors
