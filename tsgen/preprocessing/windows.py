"""Windows cut from one flat tensor: memory is the data and a batch, never all windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import FloatArray, IntArray
from tsgen.data import changed_by_chunks, ranges
from tsgen.errors import SettingError
from tsgen.nn import TensorRecord
from tsgen.preprocessing.scalers import WindowNormaliser

__all__ = [
    "CovariateRows",
    "Series",
    "ValueRange",
    "WindowBatch",
    "WindowIndex",
    "WindowSampler",
    "WindowShape",
    "by_series",
    "by_system",
]


class WindowIndex(NamedTuple):
    """Which windows are meant: B series and where each is cut; int64 tensors of shape (B,)."""

    series: Tensor
    """Positions of the series; where several are the channels of a system, of the system."""
    cutoff: Tensor
    """Rows of the series before the forecast starts."""


@dataclass(frozen=True, eq=False)
class WindowBatch(TensorRecord):
    """A batch of windows in the normaliser's units.

    Attributes
    ----------
    values, known : Tensor of shape (B, W, C)
        And 1 where a row is known, else 0.
    series : Tensor of shape (B,)
        The positions of the series, or of the systems that they make.
    covariates : Tensor of shape (B, W, D), optional
        What the prediction of each row goes by beside the values.
    horizon : int
        How many of the W rows come after the cutoff.
    """

    values: Tensor
    known: Tensor
    series: Tensor
    covariates: Tensor | None = None
    horizon: int = 0

    @property
    def cutoff(self) -> int:
        """The number of rows before the cutoff."""
        return self.values.shape[1] - self.horizon

    def rows(self, rows: slice) -> tuple[Tensor, Tensor, Tensor | None]:
        """The values, flags and covariates of some of the W rows."""
        covariates = None if self.covariates is None else self.covariates[:, rows]
        return self.values[:, rows], self.known[:, rows], covariates

    def split(self, parts: int) -> Iterator[WindowBatch]:
        """The batch in parts of nearly equal size."""
        if len(self) < parts:
            raise SettingError(
                f"a batch of {len(self)} windows for {parts} members: each needs one, so "
                "raise batch_size or lower n_models"
            )
        return super().split(parts)


@dataclass(frozen=True)
class ValueRange:
    """Where nearly all values of training windows lie, in the normaliser's units."""

    low: float
    high: float

    @property
    def size(self) -> float:
        """The largest size of a value in the range."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True)
class WindowShape:
    """The rows of a window: those that only lags need, the context, and those after the cutoff."""

    longest_lag: int
    context_length: int
    horizon: int

    @property
    def before(self) -> int:
        """Rows before the cutoff."""
        return self.longest_lag - 1 + self.context_length


@dataclass(frozen=True)
class CovariateRows:
    """The covariates of N systems, as the predictions of their rows see them.

    Attributes
    ----------
    rows : Tensor of shape (all rows, columns)
        float32, scaled, one system after the other. They may go on after the last value.
    starts, stops : Tensor of shape (N,)
        int64; system i holds rows ``starts[i]`` to ``stops[i]``.
    static : Tensor of shape (N, static columns)
        float32; what is the same in every row.
    past : tuple of int
        The columns that tell of the row before, which isn't known beyond the row after a cutoff.
    """

    rows: Tensor
    starts: Tensor
    stops: Tensor
    static: Tensor
    past: tuple[int, ...] = ()

    def to(self, device: torch.device) -> CovariateRows:
        """The same on another device."""
        tensors = (self.rows, self.starts, self.stops, self.static)
        rows, starts, stops, static = (tensor.to(device) for tensor in tensors)
        return CovariateRows(rows, starts, stops, static, self.past)

    @staticmethod
    def join(parts: Sequence[CovariateRows]) -> CovariateRows:
        """Those of one group of systems after the other."""
        first = _firsts([len(part.rows) for part in parts])
        return replace(
            parts[0],
            rows=torch.cat([part.rows for part in parts]),
            starts=torch.cat([part.starts + n for part, n in zip(parts, first, strict=True)]),
            stops=torch.cat([part.stops + n for part, n in zip(parts, first, strict=True)]),
            static=torch.cat([part.static for part in parts]),
        )

    def between(self, systems: Tensor, first: Tensor, stop: Tensor) -> CovariateRows:
        """Those of some rows of some systems; no copy of them."""
        starts = self.starts[systems]
        static = self.static[systems]
        return replace(self, starts=starts + first, stops=starts + stop, static=static)

    def gather(self, index: WindowIndex, before: int, after: int) -> Tensor:
        """Those of rows around cutoffs, (B, before + after, D); 0 where there is no row."""
        positions, inside = _rows_around(index, self.starts, self.stops, before, after)
        rows = self.rows[positions.clamp_(0, len(self.rows) - 1)] * inside[:, :, None]
        if self.past:
            # Column ``before`` is the first step after the cutoff: it tells of the last row before.
            rows[:, before + 1 :, list(self.past)] = 0.0
        static = self.static[index.series, None].expand(-1, before + after, -1)
        return torch.cat([rows, static], dim=2)


@dataclass(frozen=True)
class Series:
    """All rows of all systems on one device.

    Attributes
    ----------
    values : Tensor of shape (rows, C)
        float64, scaled, one system after the other; NaN where a value is missing.
    starts, stops : Tensor of shape (N,)
        int64; system i holds rows ``starts[i]`` to ``stops[i]``.
    covariates : CovariateRows, optional
        Of the N systems.
    """

    values: Tensor
    starts: Tensor
    stops: Tensor
    covariates: CovariateRows | None = None

    @classmethod
    def from_numpy(
        cls,
        values: FloatArray,
        offsets: IntArray,
        channels: int = 1,
        covariates: CovariateRows | None = None,
    ) -> Series:
        """Rows ``offsets[i]`` to ``offsets[i + 1]`` of series i, every C of which make a system.

        It shares memory where a system is one series.
        """
        if channels == 1:
            # pandas hands out read-only arrays, which torch can't share.
            rows = torch.from_numpy(np.require(values, requirements="W"))[:, None]
            bounds = torch.from_numpy(np.require(offsets, requirements="W"))
        else:
            rows = torch.from_numpy(_side_by_side(values, offsets, channels))
            bounds = torch.from_numpy(offsets[::channels] // channels)
        return cls(rows, bounds[:-1], bounds[1:], covariates)

    @staticmethod
    def join(parts: Sequence[Series]) -> Series:
        """One group of systems after the other."""
        if len(parts) == 1:
            return parts[0]
        first = _firsts([len(part.values) for part in parts])
        exogenous = [part.covariates for part in parts if part.covariates is not None]
        return Series(
            values=torch.cat([part.values for part in parts]),
            starts=torch.cat([part.starts + n for part, n in zip(parts, first, strict=True)]),
            stops=torch.cat([part.stops + n for part, n in zip(parts, first, strict=True)]),
            covariates=CovariateRows.join(exogenous) if exogenous else None,
        )

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def channels(self) -> int:
        """C, the series of a system, which are of the same length."""
        return self.values.shape[1]

    @property
    def lengths(self) -> Tensor:
        """Rows of each system, ``(N,)``."""
        return self.stops - self.starts

    def to(self, device: torch.device) -> Series:
        """The same rows on another device."""
        return Series(
            values=self.values.to(device),
            starts=self.starts.to(device),
            stops=self.stops.to(device),
            covariates=None if self.covariates is None else self.covariates.to(device),
        )

    def without_tail(self, rows: int) -> Series:
        """The same rows but the last few of each system, unless it has hardly more; no copy."""
        if rows == 0:
            return self
        shorter = self.lengths > 2 * rows
        return replace(self, stops=torch.where(shorter, self.stops - rows, self.stops))

    def between(self, systems: Tensor, first: Tensor, stop: Tensor) -> Series:
        """Some rows of some systems, ``first`` to ``stop`` (B,) of each; no copy of them."""
        starts = self.starts[systems]
        exogenous = self.covariates
        return replace(
            self,
            starts=starts + first,
            stops=starts + stop,
            covariates=None if exogenous is None else exogenous.between(systems, first, stop),
        )

    def ends(self) -> WindowIndex:
        """Every system cut after its last row."""
        return WindowIndex(torch.arange(len(self), device=self.starts.device), self.lengths)

    def gather(self, index: WindowIndex, before: int, after: int) -> tuple[Tensor, Tensor]:
        """Rows around cutoffs, in one index gather.

        Parameters
        ----------
        index : WindowIndex
            B systems and their cutoffs.
        before, after : int
            Rows to take on each side of the cutoff.

        Returns
        -------
        values : Tensor of shape (B, before + after, C)
            float64; 0 where there is no row.
        known : Tensor of shape (B, before + after, C)
            bool.
        """
        rows, inside = _rows_around(index, self.starts, self.stops, before, after)
        values = self.values[rows.clamp_(0, len(self.values) - 1)]
        known = inside[:, :, None] & ~values.isnan()
        return torch.where(known, values, 0.0), known

    def batch(self, index: WindowIndex, shape: WindowShape, *, window_norm: bool) -> WindowBatch:
        """Training windows in the units of each window's context."""
        values, known = self.gather(index, shape.before, shape.horizon)
        normaliser = WindowNormaliser.of(
            values[:, : shape.before], known[:, : shape.before], shape.context_length, window_norm
        )
        return WindowBatch(
            normaliser.apply(values, known),
            known.to(torch.float32),
            index.series,
            self.covariates_at(index, shape.before, shape.horizon),
            shape.horizon,
        )

    def covariates_at(self, index: WindowIndex, before: int, after: int) -> Tensor | None:
        """The covariates around cutoffs, (B, before + after, D), where there are any."""
        return None if self.covariates is None else self.covariates.gather(index, before, after)


class WindowSampler:
    """Draws (series, cutoff) pairs, each admissible cutoff of the panel equally likely.

    The draw of a step depends on the seed and the step's number alone, so that the position to
    save is that number, and processes that share a step each take their slice of one draw.

    Parameters
    ----------
    lengths : ndarray of shape (N,)
        Rows of each series.
    shape : WindowShape
    batch_size : int
        B, of each process.
    seed : int
    """

    def __init__(self, lengths: IntArray, shape: WindowShape, batch_size: int, seed: int) -> None:
        self._first, last = _admissible_cutoffs(lengths, shape)
        counts = np.maximum(last - self._first + 1, 0)
        self._cumulative = np.cumsum(counts)
        self.batch_size = batch_size
        self.seed = seed

    @property
    def count(self) -> int:
        """How many different windows there are."""
        return int(self._cumulative[-1])

    def draw(self, step: int, *, rank: int = 0, processes: int = 1) -> WindowIndex:
        """The windows of one step: a rank's slice of the draw that all processes share."""
        # A counter instead of a stream: any step can be drawn without those before it.
        random = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, step, 0]))
        window = random.integers(0, self.count, size=processes * self.batch_size)
        window = window[rank * self.batch_size : (rank + 1) * self.batch_size]
        # Windows are numbered series by series; ``before`` are those of all series ahead of the one
        # that a window is of.
        series = np.searchsorted(self._cumulative, window, side="right")
        before = np.where(series > 0, self._cumulative[series - 1], 0)
        cutoff = self._first[series] + window - before
        return WindowIndex(torch.from_numpy(series), torch.from_numpy(cutoff))


def _rows_around(
    index: WindowIndex, starts: Tensor, stops: Tensor, before: int, after: int
) -> tuple[Tensor, Tensor]:
    """Positions of the rows around cutoffs, (B, before + after), and whether they exist."""
    start, stop = starts[index.series, None], stops[index.series, None]
    columns = torch.arange(-before, after, device=start.device)
    rows = start + index.cutoff[:, None] + columns
    # Some lie in the series beside, or outside of the table: whoever gathers has to mask them.
    return rows, (rows >= start) & (rows < stop)


def _side_by_side(values: FloatArray, offsets: IntArray, channels: int) -> FloatArray:
    """Series one after the other as systems of C columns, (rows, C)."""
    bounds = offsets[::channels]

    def transposed(some: slice, rows: FloatArray) -> FloatArray:
        first = bounds[some] - bounds[some.start]
        lengths = np.diff(bounds[some.start : some.stop + 1]) // channels
        # Row t of channel c of a system of n rows stands at its first + c · n + t.
        starts = first[:, None] + np.arange(channels) * lengths[:, None]
        return np.stack([rows[ranges(column, lengths)] for column in starts.T], axis=1)

    shape = len(values) // channels, channels
    return changed_by_chunks(values, bounds, transposed, shape)


def by_series(systems: Tensor) -> Tensor:
    """What is known of the C series of B systems, (B, ..., C), series by series: (B·C, ...)."""
    return systems.movedim(-1, 1).flatten(end_dim=1)


def by_system(series: Tensor, channels: int) -> Tensor:
    """And back, (B·C, ...) as (B, ..., C)."""
    systems: Tensor = series.unflatten(0, (-1, channels))
    return systems.movedim(1, -1)


def _firsts(lengths: Sequence[int]) -> list[int]:
    """Where each of several tables begins once they stand one below the other."""
    return [0, *accumulate(lengths[:-1])]


def _admissible_cutoffs(lengths: IntArray, shape: WindowShape) -> tuple[IntArray, IntArray]:
    """First and last cutoff of each series: a whole context and horizon where there is room.

    A series too short for both is cut anywhere that leaves half of it or more, and a row to
    predict; what is missing on either side is masked.
    """
    room = lengths - shape.horizon
    last = np.maximum(room, np.minimum(lengths // 2 + 1, lengths - 1))
    first = np.minimum(np.minimum(shape.context_length, np.maximum(lengths // 2, 1)), last)
    whole = lengths >= shape.context_length + shape.horizon
    return np.where(whole, shape.context_length, first), np.where(whole, room, last)
