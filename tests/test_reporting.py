from __future__ import annotations

import json
import subprocess
import sys

import pytest
from rich.console import Console

from pinn.conf_folders import ConfFolder, conf_folders, files
from pinn.errors import InputError
from pinn.record import Metrics
from pinn.reporting.compare import compare
from pinn.reporting.ledger import differences, fingerprint, reached, row_of, spread
from pinn.reporting.ledger_text import verdict
from pinn.reporting.listing import listing
from pinn.reporting.published import as_given, check_published, comparisons, number, ratio_text
from pinn.reporting.summary import summary

METRICS = {
    "problem": "Burgers",
    "relative_l2": {"u": 2.814e-4},
    "max_error": {"u": 3.1e-3},
    "published": {
        "baseline": {
            "value": 6.7e-4,
            "source": "Raissi et al. 2019 [PINN], doi:10.1016/j.jcp.2018.10.045",
        }
    },
    "loss": 1.2e-7,
    "heldout_loss": 1.5e-7,
    "unknowns": {},
    "phases": [
        {
            "name": "explore",
            "optimizer": "Adam",
            "iterations": 1000,
            "evaluations": 1001,
            "seconds": 12.5,
        }
        | {"stop_reason": "reached 1000 iterations", "restarts": 0},
        {
            "name": "polish",
            "optimizer": "L-BFGS",
            "iterations": 4000,
            "evaluations": 10400,
            "seconds": 150.2,
        }
        | {"stop_reason": "the gradient is small", "restarts": 2},
    ],
    "seconds": {"compile": 9.1, "total": 171.8},
    "seed": 3,
    "dtype": "float64",
    "device": "CPU",
    "versions": {},
}
INVERSE = METRICS | {
    "problem": "Inverse",
    "relative_l2": None,
    "max_error": None,
    "unknowns": {
        "nu": {"estimate": 0.0031794, "truth": 0.0031831, "relative_error": 6e-4},
        "lambda1": {"estimate": 0.99915, "truth": 1.0, "relative_error": 1.6e-3},
    },
    "published": {"baseline": {"value": {"nu": "12e-4", "lambda1": 8e-4}, "source": "the paper"}},
}


def shown(renderable, width: int = 160) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def summary_of(metrics: dict, **more):
    return summary(Metrics.from_json(metrics), **more)


def folder(path, metrics: dict, config: str = ""):
    path.mkdir()
    (path / "metrics.json").write_text(json.dumps(metrics))
    if config:
        (path / "config.yaml").write_text(config)
    return path


def test_summary_shows_weights_that_have_changed():
    last = {"weight_walls": 2.345, "least_weight_walls": 0.1, "causal_minimum": 0.5}
    text = shown(
        summary_of(
            METRICS | {"weights": {"scheme": "causal", "frozen_in": ["polish"], "last": last}}
        )
    )
    assert "weights: causal, frozen in polish; at the end walls 2.35, causal minimum 0.5" in text
    assert "weights" not in shown(summary_of(METRICS | {"weights": None}))


def test_summary_shows_the_references_own_error():
    assert "the reference's own relative L2 error: u 7.1e-11" in shown(
        summary_of(METRICS | {"reference_error": {"u": 7.1e-11}})
    )
    assert "own" not in shown(summary_of(METRICS | {"reference_error": {}}))


def test_summary_shows_error_ratio_source_and_cost():
    text = shown(summary_of(METRICS, folder="outputs/burgers/1"))
    for part in (
        "Burgers",
        "2.81e-4",
        "3.10e-3",
        "0.42× the baseline 6.7e-4",
        "[PINN]",
        "seed 3",
        "outputs/burgers/1",
    ):
        assert part in text
    for part in (
        "10,400",
        "reached 1000 iterations",
        "the gradient is small (2 restarts)",
        "compile 9.1 s, total 172 s",
    ):
        assert part in text
    assert max(map(len, shown(summary_of(METRICS), width=100).splitlines())) <= 100


def test_summary_of_an_inverse_problem_compares_each_unknown():
    text = shown(summary_of(INVERSE))
    assert "no reference solution" in text and "0.0031794" in text
    assert "0.5× the baseline 1.2e-3" in text and "2× the baseline 8.0e-4" in text


@pytest.mark.parametrize("missing", [*METRICS])
def test_summary_leaves_out_what_is_missing(missing):
    shown(summary_of({k: v for k, v in METRICS.items() if k != missing}))
    shown(summary_of(METRICS | {missing: None}))


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (None, []),
        ({"baseline": {"value": None, "source": "no number"}}, []),
        ({"baseline": {"value": 2e-3}}, [("v", 2.0)]),  # one number against the worst field
        ({"record": {"value": {"u": 1e-3, "v": "2e-3"}}}, [("u", 1.0), ("v", 2.0)]),
        ({"baseline": {"value": {"w": 1e-3}}, "record": None}, [("w", None)]),
        ({"baseline": {"value": {"u": 1e-3, "nu": 1e-2}}}, [("u", 1.0), ("nu", 0.5)]),
        ({"baseline": {"value": 2e-3}, "record": {"value": {"u": 1e-3}}}, [("v", 2.0), ("u", 1.0)]),
    ],
)
def test_comparisons(published, expected):
    metrics = {
        "relative_l2": {"u": 1e-3, "v": 4e-3},
        "unknowns": {"nu": {"relative_error": 5e-3}},
        "published": published,
    }
    assert [(c.name, c.ratio) for c in comparisons(Metrics.from_json(metrics))] == [
        (n, r if r is None else pytest.approx(r)) for n, r in expected
    ]


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (3, "published=3; give settings by name"),
        ({"basline": {"value": 1}}, "published.basline: unknown key. Did you mean 'baseline'"),
        (
            {"value": 1e-3, "source": "a paper"},
            "published.value: unknown key. Known: baseline, record",
        ),
        ({"record": 1e-3}, "published.record=0.001; write"),
        ({"record": {"valeu": 1e-3}}, "published.record=.*; write"),
    ],
)
def test_a_published_block_that_cannot_be_read(node, message):
    with pytest.raises(InputError, match=message):
        check_published(node)


def test_baseline_and_record_have_their_own_ratios(tmp_path):
    both = {
        "baseline": {"value": 6.7e-4, "source": "a paper"},
        "record": {"value": 2.25e-9, "source": "another"},
    }
    text = shown(summary_of(METRICS | {"published": both}))
    for part in (
        "0.42× the baseline 6.7e-4",
        "1.3e5× the record 2.25e-9",
        "baseline: a paper",
        "record: another",
    ):
        assert part in text
    text = shown(compare([folder(tmp_path / "one", METRICS | {"published": both})]))
    assert "baseline 0.42×" in text and "record 1.3e5×" in text


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ({}, "nothing published to compare with"),
        ({"baseline": None, "record": None}, "nothing published to compare with"),
        ({"baseline": 1.0}, "at or below the baseline"),
        ({"baseline": 0.1, "record": 0.9}, "at or below the record"),
        ({"baseline": 0.1, "record": 9.0}, "better than the baseline, worse than the record"),
        ({"baseline": 2.0, "record": 9.0}, "worse than published"),
        ({"baseline": None, "record": 9.0}, "worse than published"),
    ],
)
def test_a_verdict_in_words(ratios, words):
    assert verdict(ratios) == words


def test_a_median_does_not_hide_a_seed_that_failed():
    assert spread([1.0, float("nan"), 3.0]) == {"median": 3.0, "smallest": 1.0, "largest": None}
    assert spread([float("nan"), None, 3.0])["median"] is None


def ledger_row(errors, node, **more):
    run = {
        "seed": 0,
        "errors": errors,
        "truth": {},
        "seconds": 1.0,
        "iterations": 3,
        "settings": "s",
    } | more
    return row_of(description="", published_block=node, settings="s", runs=[run], troubles=[])


def test_a_row_of_several_fields_is_judged_by_its_worst():
    node = {"baseline": {"value": {"u": 1e-3, "v": 1e-3}}, "record": {"value": 1e-5}}
    row = ledger_row({"u": 1e-6, "v": 1e-2, "p": None}, node)
    assert row["quantities"]["u"]["ratios"] == {"baseline": pytest.approx(1e-3)}
    assert row["quantities"]["v"]["ratios"] == {"baseline": pytest.approx(10)}
    assert row["quantities"]["p"]["ratios"] == {"record": None}  # without a number it is the worst
    assert reached(row["quantities"]) == (False, False)
    row = ledger_row({"u": 1e-6, "v": 1e-4}, node)
    assert reached(row["quantities"]) == (True, False) and row["quantities"]["v"]["record"] == 1e-5
    assert reached(ledger_row({"u": 1e-6}, {"record": {"value": 1e-5}})["quantities"]) == (
        True,
        True,
    )
    assert reached(ledger_row({"u": 1e-6}, None)["quantities"]) == (None, None)
    node = {"baseline": {"value": {"nu": 2e-3}}}
    inverse = ledger_row({"u": 1.0, "nu": 1e-3}, node, truth={"nu": 0.5})
    assert reached(inverse["quantities"]) == (True, None)


def test_differences_between_settings():
    old, new = {"a": {"b": 1, "c": [1]}, "d": None}, {"a": {"b": 2, "c": [1]}, "d": {"e": 1}}
    assert (
        differences(old, new) == ["a.b 1 → 2", 'd null → {"e": 1}'] and differences(old, old) == []
    )
    off = {**old, "later": None, "group": [{"later": None}]}
    assert fingerprint(off) == fingerprint({**old, "group": [{}]}) != fingerprint(new)


def test_numbers_are_short():
    assert [number(v) for v in (6.7e-4, "8e-4", 0, None, float("nan"), 12.0)] == [
        "6.7e-4",
        "8.0e-4",
        "0",
        "–",
        "nan",
        "1.2e1",
    ]
    assert [ratio_text(v) for v in (0.4201, 3e-6, 393.2, None)] == ["0.42×", "3.0e-6×", "393×", "–"]
    # A ratio other than 1 never looks like 1, so that it agrees with the verdict.
    assert [ratio_text(v) for v in (1.0, 1.04, 1.004, 0.9996)] == [
        "1×",
        "1.04×",
        "1.004×",
        "0.9996×",
    ]
    assert [as_given(v) for v in (6.7e-4, "7.97e-14", 1.0, None)] == [
        "6.7e-4",
        "7.97e-14",
        "1.0e0",
        "–",
    ]


def test_compare_has_a_row_per_run_and_the_differing_keys(tmp_path):
    one = folder(tmp_path / "one", METRICS, "seed: 0\nnetwork: {width: 20, depth: 3}\nname: a\n")
    two = folder(
        tmp_path / "two", INVERSE, "seed: 1\nnetwork: {width: 20, depth: 4}\nname: a\nextra: 1\n"
    )
    text = shown(compare([one, two]), width=240)
    for part in (
        str(one),
        str(two),
        "baseline 0.42×",
        "nu baseline 0.5×",
        "lambda1 baseline 2×",
        "5,000",
        "11,401",
    ):
        assert part in text
    differs = text.split("differs")[1]
    assert all(part in differs for part in ("seed", "network.depth", "extra"))
    assert "network.width" not in differs and "name" not in differs


def test_compare_transposes_the_differences_of_many_runs(tmp_path):
    runs = [folder(tmp_path / f"run{i}", METRICS, f"seed: {i}\n") for i in range(3)]
    text = shown(compare(runs), width=240)
    assert "differs" not in text and text.count(str(runs[0])) == 2
    assert "configurations are equal" in shown(compare([runs[0], runs[0]]))


def test_compare_shows_the_references_own_error(tmp_path):
    assert " ± 6.0e-11" in shown(
        compare([folder(tmp_path / "one", METRICS | {"reference_error": {"u": 6e-11}}, "")]),
        width=240,
    )


def test_compare_refuses_what_is_no_finished_run(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        compare([tmp_path / "absent"])
    with pytest.raises(InputError, match=r"is no finished run; it has no metrics\.json; give"):
        compare([tmp_path])
    (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(InputError, match=r"is no finished run; .*pinn resume"):
        compare([tmp_path])
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(InputError, match="no valid JSON"):
        compare([tmp_path])
    with pytest.raises(InputError, match="no folder"):
        compare([])


@pytest.fixture
def conf(tmp_path):
    """A configuration of two problems and three experiments; `inverse` inherits from `burgers`."""
    texts = {
        "experiment/burgers.yaml": "# @package _global_\n# Burgers against Raissi\n# In full\n"
        "defaults:\n  - override /problem: burgers_smooth\n"
        'published: {baseline: {value: 6.7e-4, source: "Raissi et al. 2019"}}\n',
        "experiment/inverse.yaml": "# Coefficients\n"
        "defaults: [burgers, _self_, override /data: synthetic]\n"
        "published: {record: {value: {nu: 8e-4, lambda1: 1.2e-3, k: null}, source: x}}\n",
        "experiment/plain.yaml": "seed: 1\n",
        "problem/wave.yaml": "# The wave equation\n"
        "_target_: pinn.problems.Wave\nc: 2.0\nunknowns: {}\n",
        "problem/heat.yaml": "_target_: pinn.problems.Heat\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def own(conf):
    return [ConfFolder(conf, "pinn", "pinn")]


def test_listing_has_one_line_per_experiment_and_problem(conf):
    lines = [" ".join(line.split()) for line in shown(listing(own(conf))).splitlines()]
    assert "burgers Burgers against Raissi 6.7e-4 –" in lines
    assert "inverse Coefficients 6.7e-4 ≤ 1.2e-3" in lines and "plain – –" in lines
    assert "wave The wave equation" in lines and "heat pinn.problems.Heat" in lines


@pytest.mark.parametrize("width", [80, 100, 120])
def test_every_line_of_the_listing_fits_a_terminal(width):
    """The comments of our own experiments are longer than a line has room for."""
    text, names = (
        shown(listing(conf_folders()), width),
        list(files(conf_folders(), "experiment")),
    )
    lines = [line.rstrip() for line in text.splitlines()]
    first = next(i for i, line in enumerate(lines) if line.strip().startswith(names[0]))
    table = lines[first : first + len(names)]
    assert [line.split()[0] for line in table] == names
    assert max(map(len, lines)) <= width and min(len(line.split()) for line in table) > 4


def test_listing_shows_one_in_full(conf):
    text = " ".join(shown(listing(own(conf), ["inverse", "wave"]), 60).split())
    for part in (
        *(
            "inverse experiment Coefficients problem burgers_smooth",
            "baseline 6.7e-4 Raissi et al. 2019",
        ),
        *("record nu 8.0e-4, lambda1 1.2e-3, k – x", "pinn run experiment=inverse"),
        *("wave problem The wave equation class pinn.problems.Wave c 2.0", "pinn run problem=wave"),
    ):
        assert part in text
    text = " ".join(shown(listing(own(conf), ["burgers"])).split())
    assert "Burgers against Raissi In full" in text


def test_listing_refuses_unknown_names_and_damaged_files(conf):
    with pytest.raises(
        InputError,
        match="no experiment, problem or search 'wvae'; see `pinn list`. Did you mean 'wave'",
    ):
        listing(own(conf), ["wvae"])
    (conf / "experiment" / "plain.yaml").write_text("defaults: [again]")
    (conf / "experiment" / "again.yaml").write_text("defaults: [plain]")
    with pytest.raises(InputError, match=r"again\.yaml: its defaults lead back to itself"):
        listing(own(conf))
    (conf / "experiment" / "again.yaml").write_text("a: [")
    with pytest.raises(InputError, match=r"again\.yaml:1: is no valid YAML"):
        listing(own(conf))
    with pytest.raises(InputError, match="no such configuration folder"):
        listing(own(conf / "absent"))


def test_reporting_imports_no_heavy_package():
    heavy = ("tensorflow", "keras", "matplotlib", "scipy", "hydra")
    code = (
        "import sys, pinn.reporting.compare, pinn.reporting.listing, pinn.reporting.summary; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("held_out", "warns"), [(9e-9, False), (2e-7, True), (None, False), (float("nan"), False)]
)
def test_a_much_larger_held_out_loss_is_pointed_out(held_out, warns):
    metrics = {"problem": "Burgers", "loss": 1e-9, "heldout_loss": held_out}
    text = " ".join(shown(summary_of(metrics)).split())
    warning = "200 times the training loss: the network fits its points, not the equation"
    assert (warning in text) == warns
