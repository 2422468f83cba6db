"""The list of cases: what people asked in public trackers, and what the language lacks for some."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

HERE = Path(__file__).parent


class Case(NamedTuple):
    """A question with a known answer.

    Attributes:
        id: its name, and that of its problem file.
        question: what is asked, in short.
        missing: what the language lacks to say it; such a case has no file.
    """

    id: str
    question: str
    missing: str = ""

    def load(self) -> ModuleType:
        """Return the problem file as a module.

        It has `RUNS`, the arguments of `solve` by the name of a run, and perhaps `SAY_SO`: by run,
        what a run has to say instead of a number, or in addition to it.  `DOCUMENTED` has further
        arguments by run, where the default settings do not suffice.
        """
        spec = importlib.util.spec_from_file_location(f"case_{self.id}", HERE / f"{self.id}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def arguments(module: ModuleType, run: str, *, documented: bool = False) -> dict[str, Any]:
    """Return the arguments of `solve` for a run, with the settings that its file documents."""
    return {**module.RUNS[run], **(module.DOCUMENTED[run] if documented else {})}


CASES = (
    # Ordinary differential equations
    Case("oscillator_long", "½y″ + y = 0 on [−300, 300], started in the middle"),
    Case("oscillator_stiff", "y″ + 4y′ + ky = 0, k = 400 and 2000"),
    Case("wave_number", "u″ + 400u = 0 between two given ends"),
    Case("pendulum", "θ″ = −sin θ with one condition, and with two"),
    Case("paper_ageing", "a rate constant from a table, guessed at 1"),
    Case("sir", "an epidemic in head counts, and its rates from daily counts"),
    Case("reactor", "a stirred tank that cools, or ignites"),
    Case("harmonic_inverse", "damping and stiffness from 40 noisy points"),
    Case("critical", "a critically damped spring, and logistic growth"),
    Case("delay", "u′ = −u(t − 1)"),
    Case("memory", "u_t = u_xx ∫₀ᵗ e^s u ds + u"),
    # Heat, diffusion
    Case("nafems_t4", "the benchmark NAFEMS T4"),
    Case("hot_lid", "a plate under a hot lid"),
    Case("steel_plate", "a steel plate that is quenched, in SI units"),
    Case("flux_rod", "a rod with a flux into one end"),
    Case("bioheat", "Pennes' equation in a half space"),
    Case("sum_source", "y_t = y_xx + ∫ y dx − e^{−t}"),
    Case("tiny_time", "diffusion on 40 × 40 for 0.003"),
    Case("long_decay", "a ripple that is gone after 0.25 s, for a day"),
    Case("chip", "a plate that a chip heats, without a sink and with one"),
    Case("corner", "diffusion with drift from a jump in a corner"),
    Case("layer", "a layer of width 0.01 beside gentle waves"),
    Case("layered_wall", "conduction through three layers"),
    # Waves, fields
    Case("scatter", "a plane wave meets a sound-hard disk"),
    Case("dielectric", "a dielectric disk in a uniform field"),
    Case("electrodes", "two round electrodes in a grounded box"),
    Case("potential_flow", "potential flow around a cylinder, fluxes alone"),
    Case("maxwell_pulse", "a pulse that is fed in the middle"),
    Case("wave_coefficients", "coefficients from samples of a solution, and of none"),
    Case("klein_gordon_mass", "a mass from 50 points"),
    Case("wrong_sign", "u_tt + c²u_xx = 0 with initial values"),
    Case("well", "−½ψ″ = Eψ: modes 1, 2 and 3"),
    # Beams, elasticity
    Case("beam_si", "a beam under an oscillating load, in SI units"),
    Case("clamped_beam", "a clamped beam under its weight"),
    Case("beam_wave", "a beam that swings freely"),
    Case("cantilever_load", "a cantilever with a point load"),
    Case("kirsch", "a plate with a hole under tension"),
    Case("strain_data", "a displacement from measured curvature"),
    # Transport, reaction, finance, statistics
    Case("sod", "Sod's shock tube"),
    Case("fokker_planck", "a stationary density of integral 1"),
    Case("cahn_hilliard", "phases that separate"),
    Case("fisher_periodic", "reaction and diffusion on a ring"),
    Case("blood", "a pulse in an elastic vessel"),
    Case("black_scholes", "a European call, from its expiry back"),
    Case("american_put", "an American put"),
    Case("potential_inverse", "−u″ + q(x)u = f: q from u"),
    Case("airfoil_table", "a table with tabs, gaps and a row of units"),
)
"""All cases in the order of the table."""

BY_ID = {case.id: case for case in CASES}
