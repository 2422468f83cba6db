"""Sizes that training cannot bridge, waves that a network cannot follow, idle coefficients."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any

import numpy as np

from pinn.arrays import Array
from pinn.checking.subject import NEGLIGIBLE, Subject, shown, typical
from pinn.geometry import is_data
from pinn.networks.layers import every_layer
from pinn.objective.probe import LARGEST_WAVE_NUMBER
from pinn.problem import Problem, Term
from pinn.problem.declaration import FINAL_TIME

APART = 1e6  # the ratio of sizes above which the smaller one does not count in training
NEAR_REST = 1e-2  # the spread of fields at which sizes are compared once more
LONG = 1e5  # decay times in the interval of time, above which the start is over at once
MARGIN = 1.5  # by which a wave number may exceed what a network carries
SOURCE = "the source"
_RESULTS = ("reference", "reference_error", "derived")  # methods that no residual calls
_INDIRECT = {"getattr", "vars", "__dict__", "asdict", "astuple", "fields", "replace"}


def idle_coefficients(subject: Subject) -> list[str]:
    """Return a warning for every coefficient and unknown field that no equation takes."""
    problem = subject.problem
    warnings: list[str] = []
    names: set[str] = set()
    for code in _codes(type(problem)):
        names.update(code.co_names)
    names.update(_named_otherwise(subject))
    names |= {delay.t for delay in problem.delays.values() if isinstance(delay.t, str)}
    if not names & _INDIRECT:
        for name in problem.coefficients:
            if not problem.demands(name).get(FINAL_TIME) and name not in names:
                warnings.append(
                    f"{name}: no residual takes this coefficient, so that it changes nothing; use "
                    "it, or remove it."
                )
    taken: set[str] = set()
    for term in subject.terms:
        for symbol in term.symbols:
            taken |= problem.functions_in(symbol)
    for region in problem.regions.values():
        taken.update(region.moving.values())
    for name in problem.unknown_fields:
        if name not in taken:
            warnings.append(f"{name}: no residual takes this unknown field; use it, or remove it.")
    return warnings


def _named_otherwise(subject: Subject) -> Iterator[str]:
    """Yield the coefficients that materials name, and those of a side, such as `k_1`."""
    for material in subject.problem.materials.values():
        yield from (value for value in material.coefficients.values() if isinstance(value, str))
    for term in subject.terms:
        yield from (symbol.base for symbol in term.symbols if symbol.kind == "coefficient")


def distant_sizes(subject: Subject) -> list[str]:
    """Return a warning for every equation, and for the loss, whose parts differ beyond measure."""
    warnings: list[str] = []
    starts = " where the unknowns start" if subject.problem.unknowns else ""
    for term in subject.equations:
        # Once more near rest: a steep function, such as e^(-E/T), says nothing by itself.
        found = [summands(subject, term, spread=spread) for spread in (1.0, NEAR_REST)]
        common = [name for name in found[0] if name in found[1]]
        by_size = sorted(common, key=found[0].__getitem__)
        # The source is a sum that may be small because its parts cancel each other.
        smaller = [name for name in by_size if name != SOURCE]
        if not smaller:
            continue
        small = smaller[0]
        large = by_size[-1]
        ratio = min(sizes[large] / sizes[small] for sizes in found)
        if ratio > APART:
            warnings.append(
                f"{term.name}: the share of {large} is {shown(ratio)} times that of {small}"
                f"{starts}, so that {small} does not count; look at the units and the coefficients."
            )
    if not subject.balanced:
        warnings += _distant_terms(subject)
    return warnings


def summands(subject: Subject, term: Term, *, spread: float = 1.0) -> dict[str, float]:
    """Return the typical size of what every symbol contributes to a residual, where it is not zero.

    This is |∂r/∂s| times the typical size of s.  What is there at rest counts as the source.
    """
    sample = subject.sample(term, spread=spread)
    rest = subject.sample(term, spread=0.0)
    if sample is None or rest is None:
        return {}
    sizes = {}
    for symbol in term.symbols:
        if symbol.field:
            size = typical(sample.slopes[symbol.name]) * subject.size(symbol)
            if size > 0:
                sizes[symbol.name] = size
    source = typical(rest.values)
    if sizes and source > NEGLIGIBLE * max(sizes.values()):
        sizes[SOURCE] = source
    return sizes


def _distant_terms(subject: Subject) -> list[str]:
    """Return a warning where weighted residuals differ beyond measure and nothing balances them."""
    sizes: dict[str, float] = {}
    for term in subject.terms:
        sample = subject.sample(term) if not is_data(term.region) else None
        if sample is not None and term.name in subject.weights:
            size = typical(sample.values) * subject.weights[term.name] ** 0.5
            if size > 0:
                sizes[term.name] = size
    if not sizes:
        return []
    by_size = sorted(sizes, key=sizes.__getitem__)
    small = by_size[0]
    large = by_size[-1]
    ratio = sizes[large] / sizes[small]
    if ratio <= APART:
        return []
    return [
        f"{large} is {shown(ratio)} times {small}, and scales=none: the loss holds {large} alone; "
        "use scales=auto, or weights."
    ]


def variation(subject: Subject, term: Term) -> dict[str, float]:
    """Return how fast a residual varies where the fields rest, by coordinate.

    These are the wave numbers of sources and conditions in coordinates scaled to [-1, 1]: the
    median of |∂r/∂z| over that of |r|, as `Probe.variation` has it.
    """
    rest = subject.sample(term, spread=0.0)
    size = 0.0 if rest is None else typical(rest.values)
    found: dict[str, float] = {}
    if rest is None or size == 0:
        return found
    for c, (lower, upper) in subject.problem.ranges.items():
        # Fast changes at first are what logarithmic time is for.
        is_even = c != "t" or subject.problem.time_scale is None
        if c in rest.slopes and is_even:
            found[c] = typical(rest.slopes[c]) * 0.5 * (upper - lower) / size
    return found


def fine_waves(subject: Subject) -> list[str]:
    """Return a warning where sources or conditions have finer waves than the network carries.

    Along a line, a unit of the first layer bends once, which is half a wave: n units carry wave
    numbers up to about π n / 2.
    """
    carried = carried_wave_number(subject)
    warnings: list[str] = []
    for term in subject.terms:
        if is_data(term.region):
            continue
        for c, number in variation(subject, term).items():
            if number > MARGIN * carried:
                lower, upper = subject.problem.ranges[c]
                waves = number / np.pi
                warnings.append(
                    f"{term.name}: about {shown(waves)} waves along {c} from {shown(lower)} to "
                    f"{shown(upper)}, and the network carries about {shown(carried / np.pi)}; use "
                    "Fourier features (network.fourier), more units, or a shorter range."
                )
                break
    return warnings


def carried_wave_number(subject: Subject) -> float:
    """Return the largest wave number that a network of this width carries, roughly."""
    network = subject.objective.network
    kernels = [v.shape[-1] for v in network.trainable_variables if len(v.shape) == 2]
    carried = max(LARGEST_WAVE_NUMBER, 0.5 * np.pi * max(kernels, default=1))
    for layer in every_layer(network):
        if layer.name == "fourier":
            frozen = np.asarray(layer.weights[0])
            carried = max(carried, LARGEST_WAVE_NUMBER + float(np.max(np.abs(frozen))))
    return carried


def early_end(subject: Subject) -> list[str]:
    """Return a warning where diffusion ends what starts long before the interval of time does."""
    problem = subject.problem
    if problem.time_scale is not None:
        return []
    # A material with a longer scale of time has something left.
    if problem.time is None or not subject.is_understood or problem.materials:
        return []
    length = problem.time[1] - problem.time[0]
    numbers = _wave_numbers_at_start(subject)
    warnings: list[str] = []
    for term in subject.equations:
        rate = _decay_rate(subject, term, numbers)
        if rate * length > LONG:
            warnings.append(
                f"{term.name}: what starts is gone after about {shown(1 / rate)} of "
                f"{shown(length)}: these scales of time cannot be resolved together; end earlier, "
                "or solve the steady problem."
            )
    return warnings


def _wave_numbers_at_start(subject: Subject) -> dict[str, float]:
    """Return the wave numbers of the initial conditions by coordinate, at least half a wave."""
    numbers = dict(subject.rates)
    for term in subject.terms:
        if term.region == "initial":
            for c, number in variation(subject, term).items():
                lower, upper = subject.problem.ranges[c]
                numbers[c] = max(numbers[c], number / (0.5 * (upper - lower)))
    return numbers


def _decay_rate(subject: Subject, term: Term, numbers: Mapping[str, float]) -> float:
    """Return the rate at which a wave of an equation decays by diffusion; 0 if it does not."""
    sample = subject.sample(term)
    by_time = [s for s in term.symbols if s.index == ("t",)]
    if sample is None or len(by_time) != 1:
        return 0.0
    field = by_time[0].field
    storage = sample.slopes[by_time[0].name]
    total: Array | float = 0.0
    for symbol in term.symbols:
        slope = sample.slopes[symbol.name]
        if symbol.field != field or "t" in symbol.index:
            continue
        if symbol.kind == "laplacian":
            total = total - slope * sum(numbers[c] ** 2 for c in subject.problem.space.coordinates)
        elif len(symbol.index) == 2 and len(set(symbol.index)) == 1:
            total = total - slope * numbers[symbol.index[0]] ** 2
        elif len(symbol.index) > 2:
            return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.broadcast_to(total / storage, storage.shape)
    return typical(rates) if np.all(rates > 0) else 0.0


def _codes(cls: type) -> Iterator[CodeType]:
    """Yield the code of a problem's own methods, without those of its results."""
    for ancestor in cls.__mro__:
        if ancestor is Problem or not issubclass(ancestor, Problem):
            continue
        for name, member in vars(ancestor).items():
            if name not in _RESULTS and not (name.startswith("__") and name != "__post_init__"):
                yield from _codes_of(member)


def _codes_of(member: Any) -> Iterator[CodeType]:
    """Yield the code of a function, property or method, and of the functions inside it."""
    for name in ("fget", "func", "__func__"):
        member = getattr(member, name, None) or member
    member = inspect.unwrap(member) if callable(member) else member
    code = getattr(member, "__code__", None)
    waiting = [code] if isinstance(code, CodeType) else []
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
