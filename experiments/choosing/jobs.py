"""The runs of the study: optimizers × networks × points on six problems, and single changes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

PROBLEMS = ("burgers", "allen_cahn", "helmholtz", "wave", "kovasznay", "kdv_solitons")
SEEDS = 3
BUDGET = 20.0  # seconds of one core after compilation
INTERIOR = 2000

NETWORKS = {
    "tanh": [],
    "sin": ["network.activation=sin", "network.frequency=3"],
    "modified": ["network=modified_mlp"],
    # 20 features, as many as the hidden layers have units.
    "fourier": ["network=fourier", "network.fourier.count=10"],
    "factorized": ["network=factorized"],
    "adaptive": ["network=adaptive"],
    "siren": ["network=siren", "network.slope.start=3"],
    # A point also trains its mirror image, so half of the points take the same time.
    "symmetric": ["network=symmetric", f"points.counts.interior={INTERIOR // 2}"],
}
MIRRORED = ("burgers", "allen_cahn", "helmholtz", "kovasznay")
"""The problems with symmetries; for the others a symmetric network is the plain one."""
POINTS = {  # their overrides, and whether they are redrawn
    "kept": ([], False),
    "redrawn": ([], True),
    "rad": (["points.adaptive=rad"], True),
    "rar_d": (["points.adaptive=rar_d"], True),
    "r3": (["points.adaptive=r3"], True),
    "uniform": (["points.method=uniform"], True),
}
EVERY = {"gauss_newton": 5}  # iterations between redraws and reports; 100 for the others
CROSSED = (("lbfgs", "ssbroyden", "gauss_newton"), ("tanh", "sin"), ("kept", "redrawn", "rad"))
CENTER = ("ssbroyden", "tanh", "redrawn")
ALONE = (("adam", "soap", "bfgs", "lbfgsb"), tuple(list(NETWORKS)[2:]), tuple(list(POINTS)[3:]))


Choice = tuple[str, str, str]
"""Names of an optimizer, a network and points."""


@dataclass(frozen=True)
class Job:
    """One run: a choice of optimizer, network and points for a problem, with a seed."""

    problem: str
    optimizer: str
    network: str
    points: str
    seed: int

    @property
    def key(self) -> str:
        """The name of its result."""
        return "/".join((self.problem, self.optimizer, self.network, self.points, str(self.seed)))

    @property
    def choice(self) -> Choice:
        """Optimizer, network and points."""
        return self.optimizer, self.network, self.points

    @property
    def overrides(self) -> list[str]:
        """The arguments of `pinn run`; the study itself ends the second phase after its seconds."""
        points, redrawn = POINTS[self.points]
        every = EVERY.get(self.optimizer, 100)
        overrides = [
            f"problem={self.problem}",
            f"points.counts.interior={INTERIOR}",
            *NETWORKS[self.network],
            *points,
        ]
        if self.problem == "kdv_solitons":
            overrides.append("constraints=soft")
        overrides += [
            f"optimizer@phases.polish={self.optimizer}",
            f"seed={self.seed}",
            "phases.explore.stop.max_iterations=500",
            "phases.polish.stop.max_iterations=1000000",
            f"phases.polish.report_every={every}",
            f"phases.polish.redraw_every={every if redrawn else 'null'}",
        ]
        return overrides


def choices() -> list[Choice]:
    """Return all choices: every combination of `CROSSED`, and single changes of `CENTER`."""
    optimizer, network, points = CENTER
    optimizers, networks, point_sets = ALONE
    choices = list(itertools.product(*CROSSED))
    choices += [(value, network, points) for value in optimizers]
    choices += [(optimizer, value, points) for value in networks]
    choices += [(optimizer, network, value) for value in point_sets]
    return choices


def jobs() -> list[Job]:
    """Return all jobs, the first seed of everything before the second."""
    jobs = []
    for seed, choice, problem in itertools.product(range(SEEDS), choices(), PROBLEMS):
        job = Job(problem, *choice, seed)
        if job.network != "symmetric" or problem in MIRRORED:
            jobs.append(job)
    return jobs
