"""Frames that come after `fit`, matched to the series and time stamps of a panel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen._typing import BoolArray, IntArray
from tsgen.data.panel import Panel
from tsgen.data.validation import Problems
from tsgen.errors import FrameError

__all__ = ["Aligned", "LaterRows", "align", "steps_between"]


class LaterRows(NamedTuple):
    """Whose rows a frame has, and when."""

    argument: str
    """The frame, for messages: ``"given="``."""
    ids: pd.Index | None
    """Of shape (rows,); ``None`` where each row is of all series."""
    times: pd.Index


class Aligned(NamedTuple):
    """Which row is at which place, that is of a series at a stamp."""

    rows: IntArray
    """Of shape (places,): the row that is there, -1 where there is none."""
    times: pd.Index
    """Of shape (rows,): when each row is, as the panel would write it."""
    rounded: BoolArray
    """Of shape (rows,): which of these stamps aren't quite those of the frame."""
    outside: BoolArray
    """Of shape (rows,): which rows are at none of the places."""
    twice: BoolArray
    """Of shape (rows,): which rows are where an earlier one is."""


def align(
    frame: LaterRows, panel: Panel, ids: pd.Index, stamps: pd.Index, problems: Problems
) -> Aligned:
    """Find the row of a frame at each place that is wanted.

    Parameters
    ----------
    frame : LaterRows
    panel : Panel
    ids : Index of shape (N,)
        Of its series or systems.
    stamps : Index of shape (N * H,)
        Those that are wanted of each, one series after the other.
    problems : Problems
        Series of the frame that aren't among these are added to it.

    Raises
    ------
    FrameError
        For time stamps of another kind than the panel's.
    """
    if not panel.frequency.suits(frame.times):
        raise FrameError(
            [f"the time stamps of {frame.argument} are {frame.times.dtype}, which doesn't suit the "
             f"frequency {panel.frequency.name!r}; convert them to the kind of the input"]
        )  # fmt: skip
    converted = _converted(frame.times, panel.ends, f" of {frame.argument}", "input")
    times = panel.frequency.as_followed(converted)
    moment, moments = pd.factorize(times)
    wanted = moments.get_indexer(stamps.astype(panel.ends.dtype))
    numbers, places = moment, wanted
    if frame.ids is not None:
        owner, owners = pd.factorize(frame.ids)
        _check_owners(frame.argument, owners, panel, ids, problems)
        asked = owners.get_indexer(ids).repeat(len(stamps) // len(ids))
        # Owner i at moment m has the number i · moments + m; what no row has is below 0.
        numbers = owner * len(moments) + moment
        places = np.where(wanted < 0, -1, asked * len(moments) + wanted)
    twice = pd.Index(numbers).duplicated()
    row_of = pd.Series(np.arange(len(numbers)), index=numbers)[~twice]
    return Aligned(
        row_of.reindex(places, fill_value=-1).to_numpy(),
        times,
        np.asarray(frame.times != converted, dtype=np.bool_),
        ~np.isin(numbers, places),
        twice,
    )


def _check_owners(
    argument: str, owners: pd.Index, panel: Panel, ids: pd.Index, problems: Problems
) -> None:
    unknown = owners[~owners.isin(ids)]
    if panel.names_channels:
        unknown = unknown.get_level_values(0).unique()
    if len(unknown):
        problems.add(
            f"{argument} has series that the forecast doesn't have",
            [written(name) for name in unknown[:5]],
            "drop them",
            total=len(unknown),
        )


def steps_between(ends: pd.Index, later: pd.Index, panel: Panel) -> IntArray:
    """Steps from each of the first stamps to that of the same place among the others."""
    pairs = ends.append(_converted(later, ends, "", "state"))
    # Stamp and later stamp side by side, so that every second step is from one to the other.
    order = np.arange(2 * len(ends)).reshape(2, -1).T.ravel()
    return panel.frequency.advance(pairs[order])[::2]


def _converted(times: pd.Index, ends: pd.Index, of: str, where: str) -> pd.Index:
    try:
        return times.astype(ends.dtype)
    except (TypeError, ValueError) as error:
        raise FrameError(
            [f"the time stamps{of} are {times.dtype}, but {ends.dtype} in the {where}; convert "
             "them"]
        ) from error  # fmt: skip
