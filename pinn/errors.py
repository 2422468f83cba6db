"""The one exception and the one warning that users see: a single line each."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


class InputError(ValueError):
    """A bad input, told in one line; the command line prints it without a traceback."""


class ProblemWarning(UserWarning):
    """What is doubtful about a problem or its solution, told in one line."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest of `known`, else the list of what is known."""
    known = sorted(known)
    return guess(word, known) or (f" Known: {', '.join(known)}." if known else "")


def guess(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest of `known`, or nothing where none is close."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def require_memory(needed: float, what: str, remedy: str) -> None:
    """Raise an InputError where something needs more memory than the machine has."""
    try:
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return
    if needed > available:
        raise InputError(
            f"{what}: takes {needed / 1e9:,.0f} GB, and the machine has "
            f"{available / 1e9:,.0f} GB; {remedy}."
        )
