"""What the study runs: optimizers × networks × points on six problems, and more choices one at a time."""

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
    "fourier": [
        "network=fourier",
        "network.fourier.count=10",
    ],  # 20 features, as wide as the hidden layers
    "factorized": ["network=factorized"],
    "adaptive": ["network=adaptive"],
    "siren": ["network=siren", "network.slope.start=3"],
    # A point trains its mirror image too, so half of them take the same time.
    "symmetric": ["network=symmetric", f"points.counts.interior={INTERIOR // 2}"],
}
MIRRORED = (
    "burgers",
    "allen_cahn",
    "helmholtz",
    "kovasznay",
)  # for others a symmetric network is any network
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


@dataclass(frozen=True)
class Job:
    """One run: a choice of each kind on a problem, with a seed."""

    problem: str
    optimizer: str
    network: str
    points: str
    seed: int

    @property
    def key(self) -> str:
        """Return the name under which its result is kept."""
        return "/".join((self.problem, self.optimizer, self.network, self.points, str(self.seed)))

    @property
    def choice(self) -> tuple[str, str, str]:
        """Return optimizer, network and points."""
        return self.optimizer, self.network, self.points

    @property
    def overrides(self) -> list[str]:
        """Return what `pinn run` is told; the study itself ends the second phase when its seconds are used."""
        points, redrawn = POINTS[self.points]
        every = EVERY.get(self.optimizer, 100)
        soft = ["constraints=soft"] if self.problem == "kdv_solitons" else []
        return [
            *(
                f"problem={self.problem}",
                f"points.counts.interior={INTERIOR}",
                *NETWORKS[self.network],
                *points,
                *soft,
            ),
            *(f"optimizer@phases.polish={self.optimizer}", f"seed={self.seed}"),
            *(
                "phases.explore.stop.max_iterations=500",
                "phases.polish.stop.max_iterations=1000000",
            ),
            *(
                f"phases.polish.report_every={every}",
                f"phases.polish.redraw_every={every if redrawn else 'null'}",
            ),
        ]


def choices() -> list[tuple[str, str, str]]:
    """Return all choices of optimizer, network and points: every one of `CROSSED`, and single changes of `CENTER`."""
    m, n, p = CENTER
    alone = [
        *((v, n, p) for v in ALONE[0]),
        *((m, v, p) for v in ALONE[1]),
        *((m, n, v) for v in ALONE[2]),
    ]
    return [*itertools.product(*CROSSED), *alone]


def jobs() -> list[Job]:
    """Return all jobs, the first seed of everything before the second."""
    every = [
        Job(p, *choice, seed) for seed in range(SEEDS) for choice in choices() for p in PROBLEMS
    ]
    return [job for job in every if job.network != "symmetric" or job.problem in MIRRORED]
