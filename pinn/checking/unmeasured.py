"""Unknown coefficients that nothing determines: no measurements, and no condition to spare."""

from __future__ import annotations

from pinn.checking.conditions import counts
from pinn.checking.subject import Subject


def undetermined_unknowns(subject: Subject) -> list[str]:
    """Return a warning where unknown coefficients have neither measurements nor a condition left.

    Every unknown takes one condition more than the equations need, such as a normalization.
    """
    problem = subject.problem
    if not problem.unknowns or subject.measured:
        return []
    found = counts(subject)
    if not found:
        return []
    # A residual without fields is a condition on coefficients, and a further equation is one too.
    has_more = any(not any(s.field for s in term.symbols) for term in subject.terms)
    has_more = has_more or len(subject.equations) > len(problem.fields)
    if has_more or any(count.given > count.needed for count in found):
        return []
    names = ", ".join(problem.unknowns)
    return [
        f"{names}: nothing is measured and no condition is left over, so that nothing determines "
        f"{'it' if len(problem.unknowns) == 1 else 'them'}; give data, or a further condition."
    ]
