"""What follows at many cutoffs of sequences whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from tsgen._typing import IntArray
from tsgen.data import Codes, ListSymbols, SymbolPanel, offsets_of, ranges
from tsgen.errors import FrameError
from tsgen.inference.generator import FittedGenerator

__all__ = ["Cut", "forecasts_at", "last_cuts"]


class Cut(NamedTuple):
    """Cutoffs of sequences, one after the other."""

    series: IntArray
    """Of shape (cutoffs,)."""
    symbols: IntArray
    """Of shape (cutoffs,): how many of a sequence lie before each."""


def last_cuts(panel: SymbolPanel, horizon: int, count: int, step: int) -> Cut:
    """The last cutoffs of each sequence, with the horizon after each and a symbol before it.

    Parameters
    ----------
    panel : SymbolPanel
    horizon : int
        H.
    count : int
        Of each sequence; fewer where it is short.
    step : int
        Symbols between them.

    Raises
    ------
    FrameError
        If no sequence is long enough for one.
    """
    room = panel.lengths - horizon  # symbols before the last cutoff
    counts = np.clip((room - 1) // step + 1, 0, count)
    if not counts.any():
        raise FrameError(
            [f"no sequence has more than the {horizon} symbols of the horizon; the longest has "
             f"{panel.lengths.max()}"]
        )  # fmt: skip
    series = np.repeat(np.arange(len(panel)), counts)
    number = ranges(np.zeros_like(counts), counts)
    return Cut(series, room[series] - (counts[series] - 1 - number) * step)


def forecasts_at(model: FittedGenerator, panel: SymbolPanel, cut: Cut, horizon: int) -> Codes:
    """The likeliest symbols after each cutoff, as codes (cutoffs, H)."""
    kept = np.minimum(cut.symbols, model.context_length)
    first = panel.offsets[cut.series] + cut.symbols - kept
    past = replace(
        panel,
        codes=panel.codes[ranges(first, kept)],
        offsets=offsets_of(kept),
        ids=pd.RangeIndex(len(kept)),
        layout=ListSymbols(),
    )
    return model.best(model.encode(past), horizon).codes[:, 0]
