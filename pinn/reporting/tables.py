"""Tables of the terminal, and how they show counts and durations."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 160  # columns of a table that goes to a file or a pipe


def wide_console() -> Console:
    """Return the console of the terminal, or a wide one where the output goes elsewhere."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


def plain_table(columns: Sequence[str], *, right: Collection[str] = ()) -> Table:
    """Return an empty table without a frame; `right` names the columns aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in columns:
        justify = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold")
    return table


def count(value: float | None) -> str:
    """Return a whole number with a comma between thousands; a dash for None."""
    return "–" if value is None else f"{int(value):,}"


def seconds(value: float | None) -> str:
    """Return a duration in seconds with a sensible number of digits; a dash for None."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"
