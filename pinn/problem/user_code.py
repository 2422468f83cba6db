"""The methods that users write: called in a run's precision, their mistakes told in one line."""

from __future__ import annotations

import builtins
import contextlib
import inspect
import linecache
import os
import re
from collections.abc import Iterator
from traceback import walk_tb
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import tensorflow as tf

from pinn.errors import InputError, guess
from pinn.problem.declaration import flux_methods, integrands, residual_methods
from pinn.problem.python_numbers import numbers_in
from pinn.waiting import waiting_for

if TYPE_CHECKING:
    from pinn.problem.problem import Problem

METHODS = ("ansatz", "reference", "derived", "reference_error")
"""The methods that a problem may define, besides its residuals and integrands."""

_OURS = "pinn.problems."  # the modules of problems that no user can correct
_LONGEST = 200  # characters of an exception's message
_OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)  # no mistake of the method
_CALL = re.compile(r"\b(np|numpy|math)\.(?:\w+\.)*(\w+)\(")
_NUMPY_NAMES = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "fabs": "abs",
    "power": "pow",
}
_IMPORTS = {
    "math": "import math",
    "np": "import numpy as np",
    "pi": "from math import pi",
    "tf": "import tensorflow as tf",
}


@contextlib.contextmanager
def user_code(
    problem: Problem, name: str, dtype: str | None = None, function: Any = None
) -> Iterator[None]:
    """Run a method of a problem: in this scope all errors but our own name its file and line.

    Args:
        problem: the problem.
        name: of the method.
        dtype: the precision in which TensorFlow takes Python's numbers; None for methods in NumPy.
        function: what is run, where it is no method.

    Raises:
        InputError: for any exception of the method, which is its cause; the line says what went
            wrong, where, and the remedy.
    """
    title = f"{type(problem).__name__}.{name}"
    try:
        with numbers_in(dtype) if dtype else contextlib.nullcontext(), waiting_for(title):
            yield
    except (InputError, *_OUT_OF_MEMORY):
        raise
    except Exception as error:
        code = getattr(function, "__code__", None) if function else _code(problem, name)
        file = code.co_filename if code else ""
        raise InputError(told(error, file, title, problem)) from error


def refusal(problem: Problem, name: str, text: str) -> InputError:
    """Return the error for a method, or for what it returned: "file.py:17 Fisher.reaction: …"."""
    title = f"{type(problem).__name__}.{name}"
    code = _code(problem, name)
    if code is None:
        return InputError(f"{title}: {text}")
    # The last line of a method is that of its value.
    lines = [line for _, _, line in code.co_lines() if line]
    return InputError(f"{shown(code.co_filename)}:{max(lines)} {title}: {text}")


def check_methods(problem: Problem) -> None:
    """Raise an InputError for a method of a problem that cannot be called, or returns no value."""
    cls = type(problem)
    for name in (*residual_methods(cls), *flux_methods(cls), *integrands(cls)):
        _check_method(problem, name)
        _check_positional(problem, name)
    for name in METHODS:
        _check_method(problem, name)


def _check_method(problem: Problem, name: str) -> None:
    member = inspect.getattr_static(type(problem), name)
    if not isinstance(member, FunctionType):
        return
    if inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member):
        raise refusal(problem, name, "is async, so that it returns no value; write def.")
    if inspect.isgeneratorfunction(member):
        raise refusal(problem, name, "has a yield, so that it returns no value; write return.")
    parameters = list(inspect.signature(member).parameters.values())
    first = parameters[0].name if parameters else ""
    if not first or (first != "self" and _has_meaning(problem, first)):
        names = ", ".join(["self", *map(str, parameters)])
        raise refusal(problem, name, f"lacks self; write def {name}({names}).")


def _check_positional(problem: Problem, name: str) -> None:
    """Raise an InputError for a residual with parameters behind a star, or for stars alone."""
    for parameter in inspect.signature(getattr(problem, name)).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            raise refusal(problem, name, f"{parameter.name!r} stands behind *; leave the * out.")
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise refusal(
                problem,
                name,
                f"{str(parameter)!r} names nothing; name coordinates, fields and derivatives one "
                "by one.",
            )


def _has_meaning(problem: Problem, name: str) -> bool:
    """Return whether a parameter's name is that of a coordinate, field or derivative."""
    if name == "net":
        return True
    try:
        problem.symbol(name)
    except InputError:
        return False
    return True


class _Explanation(NamedTuple):
    """What is said of an exception: what happened, and the remedy."""

    what: str
    remedy: str


def told(error: BaseException, file: str, title: str = "", problem: Problem | None = None) -> str:
    """Return the line that tells of an exception in a user's code.

    Args:
        error: the exception.
        file: the file of the code.
        title: what was called, such as "Fisher.reaction".
        problem: the problem whose method was called.
    """
    found = innermost(error.__traceback__, file)
    if found is None:
        what, remedy = _explanation(error, "")
        return ": ".join(filter(None, (shown(file), title, f"{what}; {remedy}")))
    frame, number = found
    path = frame.f_code.co_filename
    source = linecache.getline(path, number, frame.f_globals)
    what, remedy = _explanation(error, source)
    if isinstance(error, NameError | AttributeError) and error.name:
        remedy = _name_remedy(error, error.name, frame, problem)
    if problem is not None and type(problem).__module__.startswith(_OURS):
        return f"{title}: {what}; give other values of its coefficients ({_values(problem)})."
    place = f"{shown(path)}:{number} {title}".rstrip()
    return f"{place}: {what}; {remedy}"


def _values(problem: Problem) -> str:
    """Return the coefficients of a problem with their values, such as "nu=0.01"."""
    return ", ".join(f"{name}={getattr(problem, name)!r}" for name in problem.coefficients)


def _name_remedy(
    error: NameError | AttributeError, name: str, frame: FrameType, problem: Problem | None
) -> str:
    """Return the remedy for a name that does not exist."""
    # The method may have been called on a copy with other coefficients.
    of_problem = isinstance(error, NameError) or type(error.obj) is type(problem)
    if problem and of_problem and _has_meaning(problem, name):
        return f"add {name} to the parameters of the method."
    if isinstance(error, NameError) and name in _IMPORTS:
        return f"add {_IMPORTS[name]} to the file."
    if isinstance(error, NameError):
        known = [*frame.f_locals, *frame.f_globals, *dir(builtins)]
    else:
        known = [attribute for attribute in dir(error.obj) if not attribute.startswith("_")]
    return f"correct the name.{guess(name, known)}"


def _explanation(error: BaseException, source: str) -> _Explanation:
    """Return what is said of an exception that a line of source raised."""
    message = " ".join(str(error).split())
    text = message if len(message) <= _LONGEST else f"{message[:_LONGEST].rstrip()} …"
    what = f"{type(error).__name__}: {text}".rstrip(": .")
    if "Python `bool`" in message or "truth value" in message:
        return _Explanation(
            "an array of one value per point has no truth value",
            "use tf.where(condition, a, b) (np.where in NumPy) in place of if, and, or, not, "
            "min and max.",
        )
    return _tensor_explanation(what, message, source)


def _tensor_explanation(what: str, message: str, source: str) -> _Explanation:
    """Return what is said of an exception that values of the wrong kind cause."""
    wants_number = "real number" in message or "numpy array" in message or "Jet" in message
    call = _CALL.search(source)
    if wants_number and call:
        foreign = f"{call[1]}.{call[2]}"
        return _Explanation(f"{foreign} takes no tensors", f"use {_tensorflow_name(call[2])}.")
    if "arrays can be converted" in message and call:
        return _Explanation(f"{call[1]}.{call[2]} takes no arrays", f"use np.{call[2]}.")
    if wants_number and "Jet" not in message:
        return _Explanation(what, "use TensorFlow's functions, such as tf.sin.")
    if len(set(re.findall(r"float32|float64|float|double|int32|int64|bool", message))) > 1:
        return _Explanation(
            what,
            "use numbers as they are (1.0, not 1), and u.dtype in place of a precision such as "
            "tf.float32.",
        )
    if "Jet" in message:
        return _Explanation(
            what,
            "use + - * / ** and TensorFlow's functions of one argument, or set derivatives=nested.",
        )
    return _Explanation(what, "correct the line.")


def _tensorflow_name(name: str) -> str:
    """Return TensorFlow's name of a function of NumPy or of the module math."""
    name = _NUMPY_NAMES.get(name, name)
    if hasattr(tf, name):
        return f"tf.{name}"
    return f"tf.math.{name}" if hasattr(tf.math, name) else "TensorFlow's functions"


def _code(problem: Problem, name: str) -> CodeType | None:
    """Return the code of a method, without what decorators wrap around it."""
    method: Any = getattr(type(problem), name, None)
    function: Any = inspect.unwrap(method)
    return cast("CodeType | None", getattr(function, "__code__", None))


def innermost(traceback: TracebackType | None, file: str) -> tuple[FrameType, int] | None:
    """Return the innermost frame of a traceback in the folder of a file, and its line."""
    folder = os.path.dirname(file)
    found = None
    for frame, number in walk_tb(traceback):
        if os.path.dirname(frame.f_code.co_filename) == folder:
            found = (frame, number)
    return found


def shown(file: str) -> str:
    """Return the path of a file, relative to the present folder where it is inside."""
    path = os.path.abspath(file)
    if not os.path.exists(path):
        return file  # a cell of a notebook
    inside = path.startswith(os.path.join(os.getcwd(), ""))
    return os.path.relpath(path) if inside else path
