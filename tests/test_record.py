"""The record of a run: what is written is read back, and damage is refused in one line."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from pinn.errors import InputError
from pinn.record import (
    History,
    Metrics,
    PhaseMetrics,
    RunFolder,
    TimeMetrics,
    UnknownMetrics,
    WeightMetrics,
)
from pinn.record.columns import (
    ERROR,
    column_names,
    describe_weights,
    weight_columns,
    with_prefix,
    without_prefix,
)

METRICS = Metrics(
    problem="Burgers",
    finished=True,
    relative_l2={"u": 1e-3},
    max_error={"u": 2e-3},
    published={"baseline": {"value": 6.7e-4, "source": "a paper"}},
    loss=1e-7,
    heldout_loss=2e-7,
    unknowns={"nu": UnknownMetrics(estimate=0.02, truth=0.01, relative_error=1.0)},
    phases=[
        PhaseMetrics(name="explore", optimizer="Adam", iterations=10, evaluations=11, restarts=0),
        PhaseMetrics(name="polish", stage="t ≤ 1", optimizer="L-BFGS", iterations=5, evaluations=7),
    ],
    weights=WeightMetrics(scheme="causal", frozen_in=["polish"], last={"weight_walls": 2.0}),
    seconds=TimeMetrics(compile=1.0, total=3.0),
    parameters=921,
    gauge={"p": [0.1, 0.2]},
    seed=3,
    dtype="float64",
    device="CPU",
    versions={"python": "3.11"},
)


def history() -> History:
    columns = column_names(
        terms=["momentum", "walls"],
        quantities=["u"],
        unknowns=["nu", "k"],
        weights=weight_columns(["momentum", "walls"], ["walls"]),
    )
    rows = []
    for i, phase in enumerate(["explore", "explore", "polish"]):
        row = dict.fromkeys(columns, float(i + 1))
        rows.append({**row, "phase": phase, "iteration": 10 * i + 10, "evaluations": 11 * i + 11})
    return History(columns, rows)


def test_metrics_are_read_as_they_were_written(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.read_metrics() is None
    folder.write_metrics(METRICS)
    assert folder.read_metrics() == METRICS
    assert json.loads(folder.metrics.read_text()) == METRICS.to_json()
    assert Metrics.from_json(Metrics().to_json()) == Metrics()


def test_keys_that_an_older_file_lacks_have_defaults():
    metrics = Metrics.from_json({"problem": "Heat", "phases": [{"name": "explore"}], "later": 1})
    assert metrics.problem == "Heat"
    assert metrics.loss is None and metrics.unknowns == {} and metrics.seconds.total is None
    assert metrics.phases == [PhaseMetrics(name="explore")] and metrics.iterations == 0
    assert Metrics.from_json({"unknowns": {"nu": None}}).unknown_errors == {"nu": None}


def test_a_phase_names_its_stage_where_there_are_several():
    single, windowed = METRICS.to_json()["phases"]
    assert "stage" not in single and windowed["stage"] == "t ≤ 1"


def test_sums_and_errors_of_metrics():
    assert METRICS.iterations == 15 and METRICS.evaluations == 18
    assert METRICS.unknown_errors == {"nu": 1.0} and METRICS.truths == {"nu": 0.01}


@pytest.mark.parametrize("text", ["{", "[]", "", '{"unknowns": [1]}', '{"phases": 3}'])
def test_damaged_metrics_are_refused_in_one_line(text, tmp_path):
    folder = RunFolder(tmp_path)
    folder.metrics.write_text(text)
    with pytest.raises(InputError, match=r"metrics\.json: .*; remove it, and `pinn resume"):
        folder.read_metrics()


def test_the_columns_of_a_history():
    assert list(history()) == [
        "phase",
        "iteration",
        "evaluations",
        "seconds",
        "loss",
        "loss_momentum",
        "loss_walls",
        "heldout_loss",
        "error_u",
        "unknown_nu",
        "unknown_k",
        "step",
        "weight_momentum",
        "weight_walls",
        "least_weight_walls",
        "largest_weight_walls",
    ]


def test_families_of_columns():
    assert list(history().losses()) == ["momentum", "walls"]
    assert list(history().errors()) == ["u"]
    assert list(history().unknowns()) == ["nu", "k"]
    assert list(history().weights()) == ["momentum", "walls"]
    assert list(history().weight_ranges()) == ["walls"]
    np.testing.assert_array_equal(history().losses()["walls"], [1.0, 2.0, 3.0])


def test_the_error_of_an_unknown_is_relative_unless_the_truth_is_zero():
    errors = history().unknown_errors({"nu": 2.0, "k": 0.0})
    np.testing.assert_array_equal(errors["nu"], [0.5, 0.0, 0.5])
    np.testing.assert_array_equal(errors["k"], [1.0, 2.0, 3.0])
    assert list(history().unknown_errors({"nu": 2.0, "k": None})) == ["nu"]


def test_a_phase_begins_where_the_one_before_ended():
    assert history().phases("evaluations") == [("explore", 0.0, 22.0), ("polish", 22.0, 33.0)]
    assert History(["loss"], [{"loss": 1.0}]).phases("loss") == []


def test_a_history_is_a_mapping_of_columns(tmp_path):
    table = dict(history())
    assert History.of_columns(table) == history() == table
    assert history()["phase"] == ["explore", "explore", "polish"] and "error_v" not in history()
    with pytest.raises(KeyError):
        history()["error_v"]


def test_a_history_that_is_resumed_takes_new_columns(tmp_path):
    path = tmp_path / "history.csv"
    written = History.open(path, history().columns)
    for row in history().rows:
        written.append(row)
    assert History.read(path) == history()
    resumed = History.open(path, [*history().columns, "loss_start"], keep=1)
    assert len(resumed.rows) == 1 and math.isnan(resumed["loss_start"][0])
    assert list(History.read(path)) == resumed.columns


def test_prefixes_and_words():
    assert with_prefix(ERROR, {"u": 1.0}) == {"error_u": 1.0}
    assert without_prefix(ERROR, {"error_u": 1.0, "loss": 2.0}) == {"u": 1.0}
    row = {"weight_walls": 2.345, "least_weight_walls": 0.1, "causal_minimum": 0.5}
    assert describe_weights(row) == "walls 2.35, causal minimum 0.5"


def test_runs_are_searched_by_their_checkpoints(tmp_path):
    for name in ("2026-02-01", "2026-01-01", "2026-03-01"):
        (tmp_path / "burgers" / name).mkdir(parents=True)
        if name != "2026-03-01":
            RunFolder(tmp_path / "burgers" / name).checkpoint.touch()
    assert [r.path.name for r in RunFolder.search(tmp_path)] == ["2026-01-01", "2026-02-01"]


def test_leftovers_are_the_files_of_unfinished_writes(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_metrics(METRICS)
    leftovers = {tmp_path / ".checkpoint.npz.123", tmp_path / ".network.123.keras"}
    for leftover in leftovers:
        leftover.touch()
    assert set(folder.leftovers()) == leftovers
