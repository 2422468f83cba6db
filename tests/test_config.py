"""Every YAML composes and builds; its defaults are those of the classes; setups survive files."""

import copy
import dataclasses
import functools
import inspect
import math
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

import pinn
from pinn.cli.run import compose
from pinn.errors import InputError
from pinn.measurements.synthetic import Synthetic
from pinn.networks import OPTIONS, Factorization, Fourier, Periodic, Slope, mlp
from pinn.optimizers import (
    BFGS,
    LBFGS,
    LBFGSB,
    SOAP,
    Adam,
    GaussNewton,
    GaussNewtonSVD,
    MultiBatchLBFGS,
    Optimizer,
    SSBroyden,
)
from pinn.problem import Problem
from pinn.reporting.listing import composed
from pinn.reporting.published import check_published, published
from pinn.setup import config as configuration
from pinn.setup import two_phases
from pinn.setup.build import TARGET, build
from pinn.setup.network import default_network
from pinn.setup.points import Points
from pinn.setup.setup import Setup
from pinn.training.stopping import StopRule
from pinn.weights import NTK, Causal, GradientNorm, ReLoBRaLo, ResidualAttention, SelfAdaptive

CONF = Path(pinn.__file__).parent.parent / "conf"


def names(group: str) -> list[str]:
    folder = CONF / group
    return sorted(p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml"))


EXPERIMENTS = names("experiment")
PROBLEMS = [name for name in names("problem") if name != "custom"]
RUNS = [f"experiment={name}" for name in EXPERIMENTS] + [f"problem={name}" for name in PROBLEMS]


def content(group: str, name: str) -> dict:
    """Return a file as Hydra reads it, before composition."""
    return OmegaConf.to_container(OmegaConf.load(CONF / group / f"{name}.yaml")) or {}


@functools.cache
def _composed_once(override: str) -> tuple[dict, str | None]:
    return compose([override])


def composed_once(override: str) -> tuple[dict, str | None]:
    """Return what one override composes to; Hydra, which takes long, does so once per override."""
    return copy.deepcopy(_composed_once(override))


def described(made: Setup) -> dict:
    return configuration.describe(made)


@pytest.mark.parametrize("override", RUNS)
def test_every_run_composes_and_builds(override):
    config, _ = composed_once(override)
    made = configuration.setup(config)
    assert isinstance(made.problem, Problem) and made.phases and made.network.count_params() > 0
    assert [p.name for p in made.phases] == [
        name for name, node in config["phases"].items() if node is not None
    ]
    objective = made.objective(made.measurements())
    made.points.check(objective)  # regions, counts, method
    assert objective.terms


@pytest.mark.parametrize("override", RUNS)
def test_a_setup_survives_its_description(override):
    made = configuration.setup(composed_once(override)[0])
    text = yaml.safe_dump(described(made), sort_keys=False)  # as config.yaml of a run holds it
    again = configuration.setup(yaml.safe_load(text), network=made.network)
    assert described(again) == described(made)
    assert again.problem == made.problem and again.points == made.points and again.hard == made.hard
    for phase, other in zip(made.phases, again.phases, strict=True):
        assert (phase.stop, phase.report_every, phase.redraw_every) == (
            other.stop,
            other.report_every,
            other.redraw_every,
        )


class Clustered(Points):
    """Points of the user's own kind."""


@pytest.mark.parametrize("place", ["points", "stop", "data"])
def test_a_class_that_config_yaml_cannot_hold_is_refused(place):
    """It would be another class after `load` and `resume`."""
    made = configuration.setup(composed_once("problem=heat")[0])
    settings = {"points": Clustered()}
    if place == "stop":
        stop = type("Patient", (StopRule,), {})()
        settings = {"phases": [dataclasses.replace(made.phases[0], stop=stop)]}
    if place == "data":
        settings = {"data": type("Drawn", (Synthetic,), {})()}
    with pytest.raises(InputError, match=rf"{place}: config.yaml holds no subclass such as"):
        configuration.describe(dataclasses.replace(made, **settings))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_file_has_known_keys_only(name):
    """Hydra adds an unknown top-level key without a word; below the top it refuses one."""
    found = content("experiment", name)
    assert set(found) - {"defaults"} <= set(configuration.KEYS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_names_what_was_published_and_where(name):
    node = composed_once(f"experiment={name}")[0]["published"]
    check_published(node)
    assert published(node)
    for one in published(node):
        numbers = [
            v
            for v in (one.value.values() if isinstance(one.value, dict) else [one.value])
            if v is not None
        ]
        assert all(0 < v < math.inf for v in numbers)
        assert numbers or "none found" in one.source
        assert len(one.source) > 10


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_listing_knows_what_an_experiment_inherits(name):
    """It reads the files without Hydra, which takes too long for a listing."""
    config, problem = composed_once(f"experiment={name}")
    found = composed(CONF / "experiment" / f"{name}.yaml")
    assert published(found.published) == published(config["published"])
    assert found.problem == problem


@pytest.mark.parametrize("name", PROBLEMS)
def test_coefficients_in_yaml_are_those_of_the_class(name):
    node = composed_once(f"problem={name}")[0]["problem"]
    made = build(node, Problem, "problem")
    assert made == type(made)()
    assert set(node) - {TARGET} == {f.name for f in dataclasses.fields(made)}


def test_defaults_of_points_and_measurements():
    points = compose([])[0]["points"]
    assert Points(**points) == Points()
    assert set(points) == {f.name for f in dataclasses.fields(Points)}
    data = compose(["data=synthetic"])[0]["data"]  # its seed is the run's
    assert Synthetic(**data) == Synthetic()
    assert set(data) == {f.name for f in dataclasses.fields(Synthetic)}


@pytest.mark.parametrize(("name", "phase"), [("explore", 0), ("polish", 1)])
def test_the_default_run_is_the_same_from_python_and_from_the_command_line(name, phase):
    node = compose([])[0]["phases"][name]
    standard = two_phases()[phase]
    optimizer = build(node["optimizer"], Optimizer, "optimizer")
    assert configuration.plain_value(optimizer) == configuration.plain_value(standard.optimizer)
    stop = node["stop"]
    assert StopRule(**stop) == standard.stop
    assert node["report_every"] == standard.report_every
    assert node["redraw_every"] == standard.redraw_every
    assert set(stop) == {f.name for f in dataclasses.fields(StopRule)}
    for field in dataclasses.fields(StopRule):
        # The second phase has more iterations than the rule's own default.
        if field.name != "max_iterations":
            assert stop[field.name] == field.default


def test_defaults_of_networks():
    node = content("network", "mlp")
    assert node.pop(TARGET) == "pinn.networks.mlp"
    parameters = inspect.signature(mlp).parameters
    defaults = {name: p.default for name, p in parameters.items() if name in node}
    assert node == {**defaults, "symmetric": None}
    left_out = set(parameters) - set(node)
    # These come from the problem and the run.
    assert left_out == {"lower", "upper", "outputs", "seed", "dtype"}


@pytest.mark.parametrize(
    ("name", "option", "kind"),
    [
        ("adaptive", "slope", Slope),
        ("factorized", "factorization", Factorization),
        ("fourier", "fourier", Fourier),
        ("periodic", "periodic", Periodic),
    ],
)
def test_defaults_of_network_options(name, option, kind):
    node = content("network", name)[option]
    assert OPTIONS[option] is kind
    assert set(node) == {f.name for f in dataclasses.fields(kind)}
    required = {"coordinates": node["coordinates"]} if kind is Periodic else {}
    assert kind(**node) == kind(**required)


OPTIMIZERS = {
    "adam": Adam,
    "soap": SOAP,
    "lbfgs": LBFGS,
    "lbfgsb": LBFGSB,
    "multi_batch_lbfgs": MultiBatchLBFGS,
    "gauss_newton": GaussNewton,
    "correction": GaussNewtonSVD,
    "bfgs": BFGS,
    "ssbroyden": SSBroyden,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_of_optimizers(name):
    assert names("optimizer") == sorted(OPTIMIZERS)
    kind = OPTIMIZERS[name]
    file = content("optimizer", name)
    node = file["optimizer"]
    optimizer = build(node, Optimizer, "optimizer")
    assert type(optimizer) is kind
    # Schedules have no equality, but their settings do.
    assert configuration.plain_value(optimizer) == configuration.plain_value(kind())
    known = {f.name for f in dataclasses.fields(kind)}
    assert set(node) - {TARGET} == ({"learning_rate"} if kind is Adam else known)


SCHEMES = {
    "fixed": None,
    "gradient_norm": GradientNorm,
    "ntk": NTK,
    "relobralo": ReLoBRaLo,
    "self_adaptive": SelfAdaptive,
    "residual_attention": ResidualAttention,
    "causal": Causal,
}


@pytest.mark.parametrize("name", SCHEMES)
def test_schemes_of_weights_compose_beside_fixed_ones_and_survive_their_description(name):
    assert names("weights") == sorted(SCHEMES)
    kind, config = (
        SCHEMES[name],
        compose([f"weights={name}", "weights.walls=3", "experiment=smoke"])[0],
    )
    made = configuration.setup(config)
    again = configuration.setup(
        yaml.safe_load(yaml.safe_dump(described(made))), network=made.network
    )
    assert made.weights == again.weights == {"walls": 3} and made.scheme == again.scheme
    if kind is None:
        assert made.scheme is None and config["weights"] == {"walls": 3}
        return
    assert made.scheme == kind()  # the defaults of the file are those of the class
    assert set(config["weights"]["scheme"]) - {TARGET} == {f.name for f in dataclasses.fields(kind)}
    made = configuration.setup(compose([f"weights={name}", "weights.scheme.every=7"])[0])
    assert made.scheme == kind(every=7)


def test_weights_by_name_need_no_scheme():
    for override in ("weights={start: 3}", "weights.start=3"):
        assert compose([override])[0]["weights"] == {"start": 3}
    assert compose(["weights=null"])[0]["weights"] == {}


COSINE = [
    "phases.explore.optimizer.learning_rate._target_=keras.optimizers.schedules.CosineDecay",
    *(f"~phases.explore.optimizer.learning_rate.{key}" for key in ("peak", "decay_rate")),
    *("+phases.explore.optimizer.learning_rate.initial_learning_rate=0.0",),
    *("+phases.explore.optimizer.learning_rate.warmup_target=1e-2",),
]


@pytest.mark.parametrize(
    "overrides", [[], COSINE], ids=["warm-up + exponential", "Keras's cosine with warm-up"]
)
def test_schedules_of_all_origins_compose_and_survive_their_description(overrides):
    config, _ = compose(["experiment=smoke", "optimizer@phases.explore=soap", *overrides])
    made = configuration.setup(config)
    again = configuration.setup(
        yaml.safe_load(yaml.safe_dump(described(made))), network=made.network
    )
    rates = [
        [float(m.phases[0].optimizer.learning_rate(i)) for i in (0, 50, 100, 500)]
        for m in (made, again)
    ]
    assert rates[0] == rates[1] and rates[0][0] < rates[0][1] < rates[0][2] > rates[0][3]


def test_defaults_of_the_rest():
    config, _ = compose([])
    for field in dataclasses.fields(Setup):
        if field.name in (
            "weights",
            "constraints",
            "derivatives",
            "data",
            "last_layer",
            "published",
            "seed",
        ):
            default = (
                field.default
                if field.default is not dataclasses.MISSING
                else field.default_factory()
            )
            assert config[field.name] == default
    made = configuration.setup(config)
    fresh = default_network(made.problem, seed=0)
    assert [v.shape for v in made.network.weights] == [v.shape for v in fresh.weights]


def test_settings_on_the_command_line_need_no_plus():
    config, name = compose(
        [
            "problem=wave",
            "weights.start=3",
            "problem.unknowns.c=1.5",
            "problem.c=4",
            "data=synthetic",
        ]
    )
    assert name == "wave" and config["weights"] == {"start": 3}
    assert config["problem"]["c"] == 4 and config["problem"]["unknowns"] == {"c": 1.5}


def test_config_is_shown(capsys):
    from pinn.cli.run import run

    assert run(["problem=wave", "--cfg", "job", "--resolve", "seed=3"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown == compose(["problem=wave", "seed=3"])[0] and shown["seed"] == 3
