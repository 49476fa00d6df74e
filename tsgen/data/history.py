"""A panel and the stamps of its rows, so that it can be had as it was at earlier ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data.panel import Panel
from tsgen.data.ragged import ranges

__all__ = ["History"]


@dataclass(frozen=True)
class History:
    """All rows of a panel, and when they were.

    Attributes
    ----------
    panel : Panel
    times : Index of shape (rows of the frame,)
        Sorted in each series, rows that were missing among them.
    starts : ndarray of shape (systems,)
        int64; where in ``times`` the rows of each system begin.
    """

    panel: Panel
    times: pd.Index
    starts: IntArray

    def stamps(self, systems: IntArray, rows: IntArray) -> pd.Index:
        """When some rows of systems were, counted from the first of each."""
        return self.times[self.starts[systems] + rows]

    @cached_property
    def has_holes(self) -> bool:
        """Whether a value is missing, or a number among the covariates."""
        covariates = self.panel.covariates
        unknown = covariates is not None and bool(np.isnan(covariates.rows).any())
        return unknown or bool(np.isnan(self.panel.values).any())

    @property
    def fills(self) -> bool:
        """Whether there are holes that the panel's own rule fills."""
        return self.panel.fill not in (None, "mask") and self.has_holes

    def select(self, kept: BoolArray) -> History:
        """The rows of some systems, ``(systems,)``; all those of an id, or none."""
        panel = self.panel.select(np.repeat(kept, self.panel.channels))
        return History(panel, self.times, self.starts[kept])

    def until(self, rows: IntArray, keep: int | None = None) -> Panel:
        """The panel as it is read from a frame that ends with some row of each system.

        A hole is filled from what was there by then, and a column of a wide frame ends with the
        last value that it had by then.

        Parameters
        ----------
        rows : ndarray of shape (systems,)
            How many rows each has; one with 0 is left out.
        keep : int, optional
            The last rows alone, of those that are no trailing NaN.
        """
        whole = self.panel
        every = np.arange(len(rows))
        stops = self.observed(every, rows)
        first = np.zeros_like(stops)
        if keep is not None and not self.fills:
            first = np.maximum(stops - keep, 0)
        by_series = (np.repeat(part, whole.channels) for part in (first, stops, rows))
        first, stops, given = by_series
        last = np.maximum(rows - 1, 0)
        panel = replace(
            whole.cut(first, stops - first, given - stops),
            ends=self.stamps(every, last).repeat(whole.channels),
        )
        if not rows.all():
            panel = panel.select(given > 0)
        if not self.fills:
            return panel
        return panel.filled() if keep is None else panel.filled().tail(keep)

    def observed(self, systems: IntArray, rows: IntArray) -> IntArray:
        """How many of the first rows of systems there are once what comes after them isn't known.

        In a wide frame those up to the last value: what is missing after it is no hole.
        """
        if not self.panel.layout.shares_end:
            return rows
        channels, lengths = self.panel.channels, self.panel.lengths
        own = np.minimum(rows, lengths[::channels][systems])
        if not self.has_holes:
            return own
        # Of a channel without a value yet the last known row lies in the series before it, which
        # comes to 0 rows or less: other channels decide.
        start = self.panel.offsets[:-1].reshape(-1, channels)[systems]
        last = self._last_known[np.maximum(start + own[:, None] - 1, 0)]
        return np.where(rows > 0, (last - start + 1).max(axis=1), 0)

    @cached_property
    def _last_known(self) -> IntArray:
        """The last row up to each one, of the same series or of one before, that has a value."""
        known = ~np.isnan(self.panel.values)
        last: IntArray = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
        return last

    def ahead(self, rows: IntArray, horizon: int) -> FloatArray | None:
        """The covariates of the rows after some row of each system, as far as they are known ahead.

        Parameters
        ----------
        rows : ndarray of shape (systems,)
            As in `until`.
        horizon : int
            H.

        Returns
        -------
        ndarray of shape (systems, H, columns), or None
            What is known of the past alone is NaN, or 0 for a category.
        """
        if self.panel.covariates is None:
            return None
        later = self.until(np.where(rows > 0, rows + horizon, 0), keep=horizon)
        assert later.covariates is not None
        stops = later.covariate_offsets[1:, None]
        future: FloatArray = later.covariates.rows[stops + np.arange(-horizon, 0)]
        for column, item in enumerate(later.covariates.of_rows):
            if item.role == "past":
                future[:, :, column] = np.nan if item.categories is None else 0.0
        return future

    def holding(self, earlier: Panel, rows: IntArray) -> History:
        """The same with holes filled as they were in a panel of earlier rows.

        Parameters
        ----------
        earlier : Panel
            What `until` gave for these rows.
        rows : ndarray of shape (systems,)
        """
        if not self.fills:
            return self
        whole, kept = self.panel, earlier.lengths
        series = whole.ids.get_indexer(earlier.ids)
        systems = series[:: whole.channels] // whole.channels
        # The rows of the earlier panel, ``kept`` many, end ``behind`` rows before its cutoff.
        first = np.repeat(rows[systems], whole.channels) - earlier.behind - kept
        values = whole.values.copy()
        values[ranges(whole.offsets[series] + first, kept)] = earlier.values
        covariates = whole.covariates
        if covariates is not None and earlier.covariates is not None:
            table = covariates.rows.copy()
            start = whole.covariate_offsets[systems] + first[:: whole.channels]
            table[ranges(start, np.diff(earlier.covariate_offsets))] = earlier.covariates.rows
            covariates = replace(covariates, rows=table)
        return replace(self, panel=replace(whole, values=values, covariates=covariates))
