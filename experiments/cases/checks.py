"""What is checked of every case: the named quantities of a solution, with their right values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import series
import solvers
from cases import Case

from pinn import Solution

DEVIATIONS = 2  # standard errors within which the truth of an unknown has to be


class Quantity(NamedTuple):
    """A number that a solution gives, and the right one.

    Attributes:
        found: the number.
        right: the right number, in the same units.
        scale: what the error is relative to, in the same units.
    """

    found: float
    right: float
    scale: float

    @property
    def error(self) -> float:
        """|found − right| / scale, infinite where the number is not finite."""
        error = abs(self.found - self.right) / self.scale
        return error if math.isfinite(error) else math.inf


Quantities = dict[str, Quantity]


def quantities(case: Case, run: str, solution: Solution, says: bool) -> Quantities:
    """Return what is checked of a run: its case's own quantities, else errors and unknowns.

    Args:
        case: the case.
        run: the name of the run.
        solution: its solution.
        says: whether the run should say something; then only its own quantities are checked.
    """
    if case.id in CHECKS:
        return CHECKS[case.id](run, solution)
    return {} if says else {**fields(solution), **unknowns(solution)}


def fields(solution: Solution) -> Quantities:
    """Return the relative L2 error of every field against the reference of its problem."""
    errors = solution.metrics["relative_l2"]
    return {f"{name}, relative L2": Quantity(error, 0.0, 1.0) for name, error in errors.items()}


def unknowns(solution: Solution) -> Quantities:
    """Return every unknown coefficient, over its truth: the attribute of the case's problem."""
    found = {}
    for name, unknown in solution.metrics["unknowns"].items():
        truth = float(getattr(solution.problem, name))
        found[name] = Quantity(unknown["estimate"], truth, abs(truth))
    return found


def covered(solution: Solution) -> Quantities:
    """Return every unknown, and its distance from the truth beyond two standard errors."""
    found = unknowns(solution)
    for name, unknown in solution.metrics["unknowns"].items():
        truth = found[name].right
        error = unknown["standard_error"] or 0.0
        beyond = max(abs(unknown["estimate"] - truth) - DEVIATIONS * error, 0.0)
        found[f"{name}, beyond {DEVIATIONS} s.e."] = Quantity(beyond, 0.0, abs(truth))
    return found


def at(
    name: str,
    points: Sequence[tuple[float, ...]],
    right: Callable[..., float],
    scale: float | None = None,
) -> Callable[[str, Solution], Quantities]:
    """Return a check of a field at points.

    Args:
        name: the field.
        points: the points.
        right: the right value from the coordinates of a point.
        scale: of the errors; None: the largest of the right values.
    """

    def check(_: str, solution: Solution) -> Quantities:
        values = [right(*point) for point in points]
        size = max(map(abs, values)) if scale is None else scale
        found = {}
        for point, value in zip(points, values, strict=True):
            label = f"{name}({', '.join(f'{c:g}' for c in point)})"
            found[label] = Quantity(float(solution(*point)[name]), value, size)
        return found

    return check


def pendulum(run: str, solution: Solution) -> Quantities:
    """Return the angles of the pendulum, over the first one."""
    if run == "one condition":
        return {}
    _, middle, end = solvers.pendulum(np.array([0.0, 5.0, 10.0]))
    return {
        "θ(5)": Quantity(float(solution(5.0)["theta"]), middle, 1.0),
        "θ(10)": Quantity(float(solution(10.0)["theta"]), end, 1.0),
    }


def sir(run: str, solution: Solution) -> Quantities:
    """Return the peak of the epidemic and who is spared, or its rates."""
    if run == "rates":
        return unknowns(solution)
    days = np.linspace(1, 150, 14_901)
    right = solvers.sir(days)
    found = solution(days)
    peak = int(np.argmax(right[1]))
    found_peak = int(np.argmax(found["I"]))
    return {
        "largest I": Quantity(found["I"][found_peak], right[1][peak], right[1][peak]),
        "its day": Quantity(days[found_peak], days[peak], days[peak]),
        "S(150)": Quantity(found["S"][-1], right[0][-1], right[0][-1]),
    }


def reactor(run: str, solution: Solution) -> Quantities:
    """Return the end of the cold tank, and the ignition of the other; T over its change."""
    times = np.linspace(0, 10, 2001)
    found = solution(times)
    if run == "coolant 280 K":
        c, temperature = solvers.reactor(280, times)[:, -1]
        return {
            "T(10)": Quantity(found["T"][-1], temperature, 324.4754 - temperature),
            "C(10)": Quantity(found["C"][-1], c, c),
        }
    right = solvers.reactor(305, times)[1]
    peak = int(np.argmax(right))
    found_peak = int(np.argmax(found["T"]))
    return {
        "largest T": Quantity(found["T"][found_peak], right[peak], right[peak] - 324.4754),
        "its time": Quantity(times[found_peak], times[peak], times[peak]),
    }


def scatter(run: str, solution: Solution) -> Quantities:
    """Return the scattered wave before and behind the disk, over the larger of the two."""
    x = np.array([-2.0, 2.0])
    right = solvers.scattered if run == "outer values" else solvers.absorbed()
    wave = right(x, 0 * x)
    values = solution(x, 0.0)
    size = float(np.max(np.abs(wave)))
    found = {}
    for i, place in enumerate(x):
        found[f"Re({place:g}, 0)"] = Quantity(values["re"][i], wave[i].real, size)
        found[f"Im({place:g}, 0)"] = Quantity(values["im"][i], wave[i].imag, size)
    return found


def electrodes(_: str, solution: Solution) -> Quantities:
    """Return the field φ_x at both sides of the small electrode, and φ at the center."""
    x = np.array([0.0, 0.4, 0.6])
    step = 1e-4
    potential = solvers.electrodes()(np.concatenate([x - step, x, x + step]), np.zeros(9))
    before, at, after = np.split(potential, 3)
    slopes = (after - before) / (2 * step)
    size = abs(slopes[1])
    return {
        "φ(0, 0)": Quantity(float(solution(0.0, 0.0)["phi"]), at[0], 1.0),
        "φ_x(0.4, 0)": Quantity(float(solution.derivative("phi_x", 0.4, 0.0)), slopes[1], size),
        "φ_x(0.6, 0)": Quantity(float(solution.derivative("phi_x", 0.6, 0.0)), slopes[2], size),
    }


def dielectric(_: str, solution: Solution) -> Quantities:
    """Return the field in the disk, 2/7, and the potential in and around it over the largest."""
    field = -float(solution.derivative("phi_x", 0.3, 0.2))
    places = at("phi", [(0.5, 0.5), (1.5, 0.0), (2.0, 2.0)], series.dielectric)
    return {"E in the disk": Quantity(field, 2 / 7, 2 / 7), **places("", solution)}


def potential_flow(_: str, solution: Solution) -> Quantities:
    """Return the error of φ, and the largest speed at the cylinder, 2U."""
    angle = np.linspace(0, 2 * np.pi, 721)
    slopes = [solution.derivative(f"phi_{c}", np.cos(angle), np.sin(angle)) for c in "xy"]
    speed = float(np.max(np.hypot(*slopes)))
    return {**fields(solution), "largest speed": Quantity(speed, 2.0, 2.0)}


def clamped_beam(_: str, solution: Solution) -> Quantities:
    """Return the error of u, and the largest deflection."""
    largest = float(np.max(np.abs(solution(np.linspace(0, 1, 1001))["u"])))
    return {**fields(solution), "largest": Quantity(largest, 1 / 384, 1 / 384)}


def kirsch(_: str, solution: Solution) -> Quantities:
    """Return the stress above the hole, over its largest value."""
    problem = solution.problem
    found = {}
    for y in (1.0, 2.0):
        strain = [float(solution.derivative(name, 0.0, y)) for name in ("u_x", "v_y")]
        stress = problem.E / (1 - problem.nu**2) * (strain[0] + problem.nu * strain[1])
        found[f"σxx(0, {y:g})"] = Quantity(stress, series.kirsch(y), series.kirsch(1.0))
    return found


def sod(_: str, solution: Solution) -> Quantities:
    """Return the states between the waves at t = 0.2, and where the shock is."""
    right = solvers.sod()
    x = np.linspace(0.7, 1, 3001)
    # The shock is where the pressure passes the mean of both sides.
    is_behind = solution(x, 0.2)["p"] > (right["p"] + 0.1) / 2
    found = {
        "p": solution(0.6, 0.2)["p"],
        "u": solution(0.6, 0.2)["u"],
        "rho left": solution(0.6, 0.2)["rho"],
        "rho right": solution(0.77, 0.2)["rho"],
        "shock": x[is_behind].max(initial=0.7),
    }
    return {name: Quantity(float(found[name]), right[name], right[name]) for name in right}


def cahn_hilliard(_: str, solution: Solution) -> Quantities:
    """Return the relative L2 errors of h at two times."""
    times = np.array([0.0, 0.5, 1.0])
    x, right = solvers.cahn_hilliard(times)
    return _distances("h", solution(x[:, None], times)["h"], right, times)


def fisher_periodic(_: str, solution: Solution) -> Quantities:
    """Return u in the middle of the bell and opposite to it, over the larger one."""
    x, right = solvers.fisher_ring(np.array([0.0, 0.2]))
    middle = len(x) // 2
    size = right[middle, 1]
    return {
        "u(π, 0.2)": Quantity(float(solution(np.pi, 0.2)["u"]), right[middle, 1], size),
        "u(0, 0.2)": Quantity(float(solution(0.0, 0.2)["u"]), right[0, 1], size),
    }


def blood(_: str, solution: Solution) -> Quantities:
    """Return the relative L2 errors of the bumps A − 1 at two times."""
    times = np.array([0.0, 0.2, 0.4])
    x, right = solvers.blood(times)
    return _distances("A − 1", solution(x[:, None], times)["A"] - 1, right - 1, times)


def black_scholes(run: str, solution: Solution) -> Quantities:
    """Return the error of V, and today's price at the money."""
    strike = solution.problem.K
    right = float(solution.problem.reference(np.array([strike]), np.zeros(1))["V"][0])
    found = float(solution(strike, 0.0)["V"])
    return {**fields(solution), f"V({strike:g})": Quantity(found, right, right)}


def american_put(_: str, solution: Solution) -> Quantities:
    """Return today's price at the money and below."""
    found = {}
    for spot in (1.0, 0.9):
        right = solvers.american_put(spot)
        found[f"V({spot:g})"] = Quantity(float(solution(spot, 0.0)["V"]), right, right)
    return found


def airfoil_table(_: str, solution: Solution) -> Quantities:
    """Return the errors of the velocities, and how many values of u the gaps leave."""
    count = float(np.sum(np.isfinite(solution.points["data"].values["u"])))
    return {**fields(solution), "values of u": Quantity(count, 207.0, 207.0)}


def _distances(name: str, found: np.ndarray, right: np.ndarray, times: np.ndarray) -> Quantities:
    """Return relative L2 errors of a field [n, k] at all times [k] but the first."""
    errors = np.linalg.norm(found - right, axis=0) / np.linalg.norm(right, axis=0)
    result = {}
    for time, error in zip(times[1:], errors[1:], strict=True):
        result[f"{name} at {time:g}, relative L2"] = Quantity(float(error), 0.0, 1.0)
    return result


def fokker_planck(_: str, solution: Solution) -> Quantities:
    """Return the error of p, and p between its two bells."""
    right = float(solution.problem.reference(np.zeros(1))["p"][0])
    found = float(solution(0.0)["p"])
    return {**fields(solution), "p(0)": Quantity(found, right, right)}


def delay(_: str, solution: Solution) -> Quantities:
    """Return u at the ends of five delays."""
    times = np.arange(1.0, 6.0)
    right = solution.problem.reference(times)["u"]
    found = solution(times)["u"]
    pairs = zip(times, found, right, strict=True)
    return {f"u({t:g})": Quantity(float(u), float(v), 0.5) for t, u, v in pairs}


def well(_: str, solution: Solution) -> Quantities:
    """Return the energies of the modes."""
    found = {}
    for n, mode in enumerate(solution.modes, start=1):
        right = n**2 * math.pi**2 / 2
        found[f"E{n}"] = Quantity(mode.unknowns["E"], right, right)
    return found


QUENCHED = [(0.02, 0.01, t) for t in (0.5, 1.0, 2.0, 30.0)]

CHECKS: dict[str, Callable[[str, Solution], Quantities]] = {
    "pendulum": pendulum,
    "paper_ageing": lambda _, solution: covered(solution),
    "sir": sir,
    "reactor": reactor,
    "harmonic_inverse": lambda _, solution: covered(solution),
    "nafems_t4": at("T", [(0.6, 0.2)], series.nafems_t4),
    "hot_lid": at("T", [(0.5, 0.5, t) for t in (0.002, 0.005, 0.01, 1.0)], series.hot_lid),
    "steel_plate": at("T", QUENCHED, series.steel_plate, scale=700.0),
    "flux_rod": at("u", [(0.0, 0.1), (0.0, 1.0), (1.0, 0.1)], series.flux_rod),
    "bioheat": at("theta", [(1.0, 1.0377), (2.0, 1.0377)], series.bioheat),
    "chip": lambda run, solution: {} if run == "insulated top" else CHIP("", solution),
    "corner": at("u", [(9.0, 0.25), (9.0, 1.0), (8.0, 1.0)], series.corner),
    "layered_wall": at("T", [(0.1,), (0.2,), (0.3,)], series.layered_wall, scale=30.0),
    "scatter": scatter,
    "dielectric": dielectric,
    "electrodes": electrodes,
    "potential_flow": potential_flow,
    "beam_si": at("w", [(0.25, 0.025), (0.25, 0.1)], series.beam_si),
    "clamped_beam": clamped_beam,
    "kirsch": kirsch,
    "sod": sod,
    "cahn_hilliard": cahn_hilliard,
    "fisher_periodic": fisher_periodic,
    "blood": blood,
    "black_scholes": black_scholes,
    "american_put": american_put,
    "potential_inverse": lambda _, solution: fields(solution),
    "airfoil_table": airfoil_table,
    "delay": delay,
    "cantilever_load": at("b", [(0.0,)], lambda _: 5 / 48),
    "fokker_planck": fokker_planck,
    "well": well,
}
"""The quantities of cases for which the errors of a reference do not say it all."""

CHIP = at("T", [(0.5, 0.0), (0.0, 0.0), (0.5, 0.5)], series.chip)
