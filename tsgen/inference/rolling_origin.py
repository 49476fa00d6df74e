"""Where a closed loop stands at each of many cutoffs, and what follows from there.

Series and cutoffs are read and rolled out as one batch, in blocks of limited size. Each cutoff
reads its own context, or the recurrence is carried on from one to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import FloatArray, IntArray
from tsgen.data import History, ranges
from tsgen.evaluation import Cutoffs, Past
from tsgen.inference.continuation import Continuation, OnBlowup
from tsgen.inference.fitted import FittedModel
from tsgen.inference.state import Encoding, ForecastOrigins
from tsgen.preprocessing import Series, SeriesScalers, WindowIndex

__all__ = ["continuations"]


_ROWS_AT_ONCE = 4_000_000
"""Rows, read or forecast, of all series and cutoffs that are held in memory together."""

_READ_AT_ONCE = 100_000
"""Those that are read in one go, with where the recurrence stands after each of them."""

_Block: TypeAlias = tuple[ForecastOrigins, Tensor | None]
"""Where forecasts start, and the covariates of all steps after the last row of each."""


def continuations(
    loop: FittedModel, cutoffs: Cutoffs, numbers: range, *, carry: bool, on_blowup: OnBlowup
) -> Iterator[Continuation]:
    """The forecasts from some cutoffs of all series, in the order of their numbers.

    Parameters
    ----------
    loop : FittedModel
    cutoffs : Cutoffs
    numbers : range
    carry : bool
        Read each series once, up to the first of these cutoffs, and go on from there.
    on_blowup : {"clip", "raise"}
    """
    history = cutoffs.history
    at_once = max(1, _ROWS_AT_ONCE // ((loop.rows_read + cutoffs.horizon) * loop.channels))
    if carry:
        blocks = _joined(loop, history, _Carried(loop, cutoffs, numbers).parts(), at_once)
    elif history.fills or not loop.units.scaler.knows(history.panel.ids):
        blocks = _joined(loop, history, _each_as_it_was(loop, cutoffs, numbers), at_once)
    else:
        blocks = _of_one_table(loop, cutoffs, numbers, at_once)
    for origins, covariates in blocks:
        yield Continuation(
            loop, origins, cutoffs.horizon, on_blowup=on_blowup, covariates=covariates
        )


# --- each cutoff by itself -----------------------------------------------------------------------


def _of_one_table(
    loop: FittedModel, cutoffs: Cutoffs, numbers: range, at_once: int
) -> Iterator[_Block]:
    """All cutoffs where a row is the same whichever of them it is read for."""
    history = cutoffs.history
    rows = cutoffs.rows[:, numbers.start : numbers.stop]
    scalers = _first_scalers(loop, cutoffs, numbers)
    series = _scaled(loop, cutoffs, numbers, scalers)
    number, systems = np.nonzero(rows.T)
    for first in range(0, len(systems), at_once):
        block = slice(first, first + at_once)
        of_block = systems[block], rows[systems[block], number[block]]
        index = _index(history, *of_block)
        exogenous = _covariates_ahead(loop, series, index, of_block[1], cutoffs.horizon)
        encoding = loop.encode_at(series, index)
        here = scalers.take(_series_of(of_block[0], loop.channels))
        yield _origins(history, *of_block, here, encoding), exogenous


class _Part(NamedTuple):
    """Some systems at one cutoff, or at several."""

    systems: IntArray
    rows: IntArray
    """How many each has up to the cutoff."""
    scalers: SeriesScalers
    read: Series | Encoding
    """What is to be read of them, or what reading them came to."""
    covariates: Tensor | None


def _each_as_it_was(loop: FittedModel, cutoffs: Cutoffs, numbers: range) -> Iterator[_Part]:
    """Each cutoff where its holes are filled, or a scaler fitted, from what was there by then."""
    for number in numbers:
        rows = cutoffs.rows[:, number]
        past = cutoffs.past(number)
        _, scalers, series = loop.last_rows(past.panel)
        there = np.flatnonzero(rows)
        yield _Part(there, rows[there], scalers, series, _covariates_then(loop, past))


# --- one read for all cutoffs --------------------------------------------------------------------


class _Carried:
    """One recurrence that reads each series once, from the first cutoff on to the last."""

    def __init__(self, loop: FittedModel, cutoffs: Cutoffs, numbers: range) -> None:
        kept = cutoffs.rows[:, numbers[-1]] > 0
        self.loop, self.numbers = loop, numbers
        self.cutoffs, self.positions = cutoffs.select(kept), np.flatnonzero(kept)
        self.scalers = _first_scalers(loop, self.cutoffs, numbers)
        self.series = _scaled(loop, self.cutoffs, numbers, self.scalers)
        # Where the recurrence stands: at the systems that have the last cutoff reached, in order,
        # and the rows of each system that it has read; 0 before a system's own first cutoff.
        self.encoding: Encoding | None = None
        self.read = torch.zeros(len(self.positions), dtype=torch.int64)

    def parts(self) -> Iterator[_Part]:
        """All cutoffs in the order of their numbers, several at once where that is possible."""
        number = self.numbers.start
        while number < self.numbers.stop:
            past = self._filled(number)
            states = None
            count = self._alike(number)
            if count > 1:
                states = self._through(number, count)
            if states is None:
                count = 1
                states = self._up_to(number)
            yield self._part(number, count, states, past)
            number += count

    def _filled(self, number: int) -> Past | None:
        """Fill holes from what was there by a cutoff; what earlier ones filled stays."""
        if not self.cutoffs.history.fills:
            return None
        past = self.cutoffs.past(number)
        self.cutoffs = self.cutoffs.after(number, past)
        self.series = _scaled(self.loop, self.cutoffs, self.numbers, self.scalers)
        return past

    def _there(self, number: int) -> IntArray:
        """The systems that have a cutoff."""
        return np.flatnonzero(self.cutoffs.rows[:, number])

    def _at(self, systems: IntArray, number: int) -> WindowIndex:
        return _index(self.cutoffs.history, systems, self.cutoffs.rows[systems, number])

    def _alike(self, number: int) -> int:
        """How many cutoffs from one on can be read through: all of the systems of the one before.

        1 where each has to be read up to by itself.
        """
        if number == self.numbers.start or self.cutoffs.history.has_holes:
            return 1
        rows = self.cutoffs.rows
        there = rows[:, number - 1 : self.numbers.stop] > 0
        same = (there[:, 1:] == there[:, :1]).all(axis=0)
        count = len(same) if same.all() else int(same.argmin())
        between = int((rows[:, number] - rows[:, number - 1])[there[:, 0]].sum())
        return max(1, min(count, _READ_AT_ONCE // between))

    def _through(self, number: int, count: int) -> Encoding | None:
        """Read through several cutoffs; ``None`` where that is no simple reading on."""
        assert self.encoding is not None
        there = self._there(number)
        rows = self.cutoffs.rows[there[0]]
        step = int(rows[number] - rows[number - 1])
        systems = torch.from_numpy(there)
        before = self.read[systems]
        new = self.series.between(systems, before, before + count * step)
        return self.loop.read_through(self.encoding, new, step)

    def _up_to(self, number: int) -> Encoding:
        """Read on to one cutoff; systems whose first it is begin with its context."""
        index = self._at(self._there(number), number)
        if self.encoding is None:
            return self.loop.encode_at(self.series, index)
        read = self.read[index.series]
        begun, fresh = (torch.nonzero(which).squeeze(1) for which in (read > 0, read == 0))
        going = WindowIndex(index.series[begun], index.cutoff[begun])
        encoding = self.loop.read_on(
            self.encoding,
            self.series.between(going.series, read[begun], going.cutoff),
            lambda loops: self.loop.encode_at(
                self.series, WindowIndex(going.series[loops], going.cutoff[loops])
            ),
        )
        if not len(fresh):
            return encoding
        first = self.loop.encode_at(
            self.series, WindowIndex(index.series[fresh], index.cutoff[fresh])
        )
        # Entry i of the joined ones is system cat(begun, fresh)[i]; argsort is the way back.
        return Encoding.cat([encoding, first]).take(torch.cat([begun, fresh]).argsort())

    def _part(self, number: int, count: int, states: Encoding, past: Past | None) -> _Part:
        """Some cutoffs with the states that reading came to, from the last of which it goes on."""
        there = self._there(number)
        # All systems at the first cutoff, then all at the second: entry k·B + b is system b's.
        systems = np.tile(there, count)
        rows = self.cutoffs.rows[there, number : number + count].T.ravel()
        ends = _index(self.cutoffs.history, systems, rows)
        last = torch.arange(len(systems))[-len(there) :]
        self.encoding = states if count == 1 else states.take(last)
        self.read[ends.series[last]] = ends.cutoff[last]
        if past is None:
            horizon = self.cutoffs.horizon
            covariates = _covariates_ahead(self.loop, self.series, ends, rows, horizon)
        else:
            covariates = _covariates_then(self.loop, past)
        scalers = self.scalers.take(_series_of(systems, self.loop.channels))
        return _Part(self.positions[systems], rows, scalers, states, covariates)


def _first_scalers(loop: FittedModel, cutoffs: Cutoffs, numbers: range) -> SeriesScalers:
    """The scalers of all series, each as it is at the first of the cutoffs."""
    panel = cutoffs.history.panel
    if loop.units.scaler.knows(panel.ids):
        return loop.units.scaler.for_series(
            panel.ids, _values_read(cutoffs, numbers), panel.offsets
        )
    rows = cutoffs.rows[:, numbers.start : numbers.stop]
    first = (rows > 0).argmax(axis=1)
    parts = []
    for number in np.unique(first):
        past = cutoffs.past(numbers[number]).panel
        there = np.flatnonzero(rows[:, number])
        begun = past.take(np.flatnonzero(first[there] == number))
        parts.append(loop.units.scalers_of(begun))
    # The parts are those of systems sorted by their first cutoff. The inverse of a sorting order is
    # argsort of it: where among them each system is.
    order = np.argsort(np.argsort(first, kind="stable"))
    return _all_scalers(parts).take(_series_of(order, loop.channels))


# --- what starts, and what is known of it --------------------------------------------------------


def _joined(
    loop: FittedModel, history: History, parts: Iterable[_Part], at_once: int
) -> Iterator[_Block]:
    """Cutoffs together, as long as they are of few systems."""
    block: list[_Part] = []
    count = 0
    for part in parts:
        block.append(part)
        count += len(part.systems)
        if count >= at_once:
            yield _block(loop, history, block)
            block, count = [], 0
    if block:
        yield _block(loop, history, block)


def _block(loop: FittedModel, history: History, parts: list[_Part]) -> _Block:
    unread = [part.read for part in parts if isinstance(part.read, Series)]
    if unread:
        series = Series.join(unread)
        encoding = loop.encode_at(series, series.ends())
    else:
        encoding = Encoding.cat(part.read for part in parts if isinstance(part.read, Encoding))
    origins = _origins(
        history,
        np.concatenate([part.systems for part in parts]),
        np.concatenate([part.rows for part in parts]),
        _all_scalers([part.scalers for part in parts]),
        encoding,
    )
    return origins, _all_covariates([part.covariates for part in parts])


def _origins(
    history: History,
    systems: IntArray,
    rows: IntArray,
    scalers: SeriesScalers,
    encoding: Encoding,
) -> ForecastOrigins:
    channels = history.panel.channels
    return ForecastOrigins(
        history.panel.ids[_series_of(systems, channels)],
        history.stamps(systems, rows - 1).repeat(channels),
        np.repeat(rows - history.observed(systems, rows), channels),
        scalers,
        encoding,
    )


def _index(history: History, systems: IntArray, rows: IntArray) -> WindowIndex:
    """Where the reading of systems ends that have so many rows."""
    return WindowIndex(torch.from_numpy(systems), torch.from_numpy(history.observed(systems, rows)))


def _covariates_ahead(
    loop: FittedModel, series: Series, index: WindowIndex, rows: IntArray, horizon: int
) -> Tensor | None:
    """The covariates of the steps after the last row that is read, (B, steps, D)."""
    # Where the last rows aren't known, reading ends before the cutoff, and the steps begin there.
    cutoff = torch.from_numpy(rows)
    behind = cutoff - index.cutoff
    most = int(behind.max())
    exogenous = series.covariates_at(WindowIndex(index.series, cutoff), most, horizon)
    if exogenous is None:
        return None
    exogenous = exogenous.to(loop.network.dtype)
    if not most:
        return exogenous
    # What was gathered begins ``most`` rows before the cutoff, and is wanted from ``behind`` on.
    columns = (most - behind)[:, None] + torch.arange(most + horizon)
    inside = columns < most + horizon
    columns = columns.clamp_(max=most + horizon - 1)
    return exogenous[torch.arange(len(exogenous))[:, None], columns] * inside[:, :, None]


def _covariates_then(loop: FittedModel, past: Past) -> Tensor | None:
    """The same as it was known at a cutoff."""
    if past.future is None or loop.units.covariate_scaler is None:
        return None
    return loop.units.covariate_scaler.ahead(past.panel, past.future).to(loop.network.dtype)


def _all_covariates(parts: list[Tensor | None]) -> Tensor | None:
    """One group of systems after the other, with as many steps as any of them has."""
    exogenous = [part for part in parts if part is not None]
    if not exogenous:
        return None
    steps = max(part.shape[1] for part in exogenous)
    return torch.cat(
        [torch.nn.functional.pad(part, (0, 0, 0, steps - part.shape[1])) for part in exogenous]
    )


def _all_scalers(parts: list[SeriesScalers]) -> SeriesScalers:
    return reduce(lambda one, other: one.append(other), parts)


def _series_of(systems: IntArray, channels: int) -> IntArray:
    """The series of some systems, each of which has C of them side by side."""
    return (systems[:, None] * channels + np.arange(channels)).ravel()


def _scaled(loop: FittedModel, cutoffs: Cutoffs, numbers: range, scalers: SeriesScalers) -> Series:
    """All rows, in the scalers' units."""
    panel = replace(cutoffs.history.panel, values=_values_read(cutoffs, numbers))
    return loop.units.scaled(panel, scalers)


def _values_read(cutoffs: Cutoffs, numbers: range) -> FloatArray:
    """The values of all rows up to the last of some cutoffs, NaN after it."""
    panel, rows = cutoffs.history.panel, cutoffs.rows[:, numbers[-1]]
    kept = ranges(panel.offsets[:-1], np.repeat(rows, panel.channels))
    values = np.full(len(panel.values), np.nan)
    values[kept] = panel.values[kept]
    return values
