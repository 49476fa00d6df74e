"""One tidy line on a terminal, gone when the work ends; nothing where output is piped."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["COUNT", "progress_line"]

COUNT = "{task.completed:.0f}/{task.total:.0f}"


def progress_line(label: str, said: str, *, shown: bool = True) -> Progress | None:
    """A bar for one task, which its user starts and stops; ``None`` where there is no terminal.

    Parameters
    ----------
    label : str
        What stands before the bar.
    said : str
        What stands behind it: a format of ``task``, such as `COUNT`.
    shown : bool, default True
        Whether the user wants it.

    Examples
    --------
    >>> from contextlib import nullcontext
    >>> from tsgen._runtime.progress import COUNT, progress_line
    >>> line = progress_line("work", COUNT, shown=False)
    >>> with line or nullcontext():
    ...     task = line.add_task("work", total=2) if line else None
    """
    if not (shown and _is_terminal(sys.stderr)):
        return None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn(label), BarColumn(), TextColumn(said), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _is_terminal(stream: Any) -> bool:
    """Whether somebody watches; programs without a console have no stream, or one of their own."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # there is none, it can't tell, or it is closed
        return False
