"""What a run waits for is said; what TensorFlow says of this package's programs is not."""

import logging
import threading
import time

import pytest

from pinn import Interval, Problem, residual, waiting
from pinn.problem.user_code import user_code
from pinn.runtime import is_no_trace_of_ours
from pinn.waiting import waiting_for


@pytest.fixture
def impatient(monkeypatch):
    # The watch of an earlier test looks once a second.
    wait_for(lambda: not waiting._watching.locked())
    monkeypatch.setattr(waiting, "PATIENCE", 0.05)
    monkeypatch.setattr(waiting, "_INTERVAL", 0.02)


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Slow(Problem):
    fields = ("u",)
    space = Interval(x=(0.0, 1.0))

    @residual(on="interior")
    def first(self, u_x):
        return u_x

    def reference(self, x):
        time.sleep(0.5)
        return {"u": x}


def test_a_method_that_takes_long_is_named_once(impatient, capsys):
    with user_code(Slow(), "reference"):
        Slow().reference(0.0)
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and err.startswith("pinn: waiting for Slow.reference, for 0 s")
    assert "Ctrl-C ends the run." in err


def test_the_innermost_wait_is_named_and_the_watch_ends(impatient, capsys):
    def watched():
        return [thread.name for thread in threading.enumerate()].count("pinn waiting")

    with waiting_for("a"), waiting_for("b"):
        assert watched() == 1
        wait_for(lambda: waiting._waits[-1].told)
    wait_for(lambda: watched() == 0)
    assert "waiting for b" in (err := capsys.readouterr().err) and "waiting for a" not in err


def test_what_is_quick_is_not_told(capsys):
    with waiting_for("a"):
        pass
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("function", "is_told"),
    [("<function Evaluator._chunk at 0x7f>", False), ("<function mine at 0x7f>", True)],
)
def test_only_warnings_of_other_functions_are_told(function, is_told):
    import pinn.objective.evaluator  # noqa: F401

    text = f"5 out of the last 5 calls to {function} triggered tf.function retracing."
    record = logging.LogRecord("tensorflow", logging.WARNING, "", 0, text, None, None)
    assert is_no_trace_of_ours(record) == is_told
    assert is_no_trace_of_ours(logging.makeLogRecord({"msg": "another"}))
