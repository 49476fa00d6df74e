"""What a network for every season learns: which seasons, in what contexts, how far, how often."""

from __future__ import annotations

from typing import NamedTuple

from tsgen.nn import Season

__all__ = ["CURRICULUM", "Task", "usual_context"]


class Task(NamedTuple):
    """Series of one season to learn from.

    Attributes
    ----------
    season : Season
    context_length, horizon : int
    share : float
        Of all steps.
    """

    season: Season
    context_length: int
    horizon: int
    share: float


CURRICULUM = (
    Task(Season(1), 24, 8, 0.15),
    Task(Season(1), 96, 16, 0.04),
    Task(Season(4), 40, 10, 0.17),
    Task(Season(7), 70, 21, 0.06),
    Task(Season(12), 72, 20, 0.24),
    Task(Season(24), 168, 48, 0.04),
    Task(Season(24, 168), 168, 48, 0.14),
    Task(Season(52), 156, 18, 0.08),
    Task(Season(48, 336), 192, 48, 0.015),
    Task(Season(96, 672), 192, 48, 0.015),
    Task(Season(5), 50, 15, 0.01),
    Task(Season(6), 60, 18, 0.01),
    Task(Season(30), 120, 30, 0.01),
    Task(Season(168), 336, 48, 0.004),
    Task(Season(288), 576, 48, 0.006),
)
"""Seasons that frequencies have; those of years, quarters and months most."""

_CONTEXTS = {task.season.rows: task.context_length for task in reversed(CURRICULUM)}
_SHORT = 48
_LONG_CONTEXT = 96


def usual_context(season: Season, length: int) -> int:
    """Rows to read of series of a season: as many as were read of such in training, or alike.

    Of longer series without a season more are read: they may have cycles.

    Examples
    --------
    >>> from tsgen.nn import Season
    >>> from tsgen.weights import usual_context
    >>> [usual_context(Season(m), length=100) for m in (1, 3, 12, 365)]
    [96, 30, 72, 730]
    """
    m = season.rows
    if m == 1 and length > _SHORT:
        return _LONG_CONTEXT
    return _CONTEXTS.get(m, min(10 * m, max(72, 2 * m)))
