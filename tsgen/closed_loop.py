"""A trained one-step model as a closed loop: it reads series, and goes on from what it read."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tsgen.engine import ROWS_AT_ONCE, Run, run
from tsgen.errors import StateError
from tsgen.network import RecurrentNetwork
from tsgen.panel import Panel
from tsgen.rollout import Drive, encode, read
from tsgen.scaling import PanelScaler, SeriesScalers, WindowNormaliser
from tsgen.state import Context, Encoding, ForecastState
from tsgen.windows import Draw, Series, ValueRange

__all__ = ["ClosedLoop", "scaled"]

_STEPS_BETWEEN_QUESTIONS = 256

_SLACK = 10.0
"""How much larger than any value in training one may become before the loop counts as lost."""


@dataclass(frozen=True)
class ClosedLoop:
    """A network, how it reads series, and how far its loop may go.

    Attributes
    ----------
    network : RecurrentNetwork
        In evaluation mode, on the CPU.
    lags : tuple of int
    context_length : int
        T.
    warmup : int
        Steps at the start of a context whose errors say little, since the state is still empty.
    window_norm : bool
    scaler : PanelScaler
    train_horizon : int
    value_range : ValueRange
        Of the values in training, in the normaliser's units.
    """

    network: RecurrentNetwork
    lags: tuple[int, ...]
    context_length: int
    warmup: int
    window_norm: bool
    scaler: PanelScaler
    train_horizon: int
    value_range: ValueRange

    @property
    def rows_read(self) -> int:
        """Rows of a series that a forecast depends on: the context, and what its lags reach."""
        return max(self.lags) - 1 + self.context_length

    @property
    def weights(self) -> int:
        """A checksum of the weights."""
        checksum = 0
        for tensor in self.network.parameters():
            checksum = zlib.crc32(tensor.detach().contiguous().numpy().data, checksum)
        return checksum

    # --- reading

    def encode(self, panel: Panel) -> ForecastState:
        """Read the last rows of each series of a panel."""
        scalers = self.scaler.for_series(panel.ids, panel.values, panel.offsets)
        tail = panel.tail(self.rows_read)
        series = scaled(tail, scalers)
        return ForecastState(tail, scalers, self.encode_at(series, series.ends()), self.weights)

    def encode_at(self, series: Series, draw: Draw) -> Encoding:
        """Read the rows of scaled series before cutoffs, B of them."""
        return Encoding.join(
            self._encode(self.context_at(series, block)) for block in _blocks(draw)
        )

    def context_at(self, series: Series, draw: Draw) -> Context:
        """The rows of scaled series before cutoffs, as the network sees them."""
        rows, known = series.gather(draw, self.rows_read, 0)
        normaliser = WindowNormaliser.of(rows, known, self.context_length, self.window_norm)
        values = normaliser.apply(rows, known).to(self.network.dtype)
        return Context(values, known.to(values.dtype), normaliser)

    @torch.inference_mode()
    def _encode(self, context: Context) -> Encoding:
        values, known = context.values, context.known
        state, predictions = encode(self.network, self.lags, values, known)
        first = max(self.lags)
        known = known[:, first:] * known[:, first - 1 : -1] > 0
        known[:, : max(self.warmup - 1, 0)] = False  # the first row of the context isn't predicted
        residuals = torch.where(known, values[:, first:] - predictions, torch.nan)
        return Encoding(context.normaliser, state, residuals)

    # --- going on

    def update(
        self, state: ForecastState, panel: Panel, new: Panel, *, carry: bool
    ) -> ForecastState:
        """Read the rows that have come.

        Parameters
        ----------
        state : ForecastState
        panel : Panel
            The rows of the state and the new ones.
        new : Panel
            The new rows alone, of some or all of the series.
        carry : bool
            Go on from where the recurrence stands instead of reading the context anew.
        """
        panel = panel.tail(self.rows_read)
        positions = panel.ids.get_indexer(new.ids)
        rows = torch.from_numpy(positions)
        scalers = state.scalers.take(positions)
        whole = len(rows) == len(state)
        encoding = state.encoding if whole else state.encoding.take(rows)
        if carry:
            encoding = self._carry_on(encoding, scaled(new, scalers))
            # What was constant has no spread to measure new rows in.
            anew = torch.nonzero(encoding.normaliser.spread[:, 0] == 0).squeeze(1)
        else:
            anew = torch.arange(len(rows))
        if len(anew):
            series = scaled(panel.take(positions), scalers)
            again = self.encode_at(series, Draw(anew, series.lengths[anew]))
            encoding = again if len(anew) == len(rows) else encoding.put(anew, again)
        if not whole:
            encoding = state.encoding.put(rows, encoding)
        return replace(state, panel=panel, encoding=encoding)

    @torch.inference_mode()
    def _carry_on(self, encoding: Encoding, series: Series) -> Encoding:
        """Read all rows of scaled series from where the recurrence stands."""
        groups = [
            rows
            for count in series.lengths.unique()  # most often all series have as many
            for rows in torch.nonzero(series.lengths == count).squeeze(1).split(ROWS_AT_ONCE)
        ]
        parts = [
            self._read_on(encoding.take(rows), *series.gather(
                Draw(rows, series.lengths[rows]), int(series.lengths[rows[0]]), 0
            ))
            for rows in groups
        ]  # fmt: skip
        if len(parts) == 1:
            return parts[0]
        return Encoding.join(parts).take(torch.cat(groups).argsort())

    def _read_on(self, encoding: Encoding, rows: Tensor, known: Tensor) -> Encoding:
        """Read the next rows (B, T) of B series."""
        units = encoding.normaliser.apply(rows, known).to(self.network.dtype)
        flags = known.to(units.dtype)
        loop, predictions = read(self.network, self.lags, encoding.loop, units, flags)
        residuals = torch.cat([encoding.residuals, units - predictions], dim=1)
        last = residuals[:, residuals.shape[1] - encoding.residuals.shape[1] :]
        return Encoding(encoding.normaliser, loop, last)

    def run(
        self,
        encoding: Encoding,
        horizon: int,
        drive: Drive | None = None,
        *,
        enough: Callable[[Tensor], bool] | None = None,
    ) -> Run:
        """Roll B loops out, within their limits.

        Parameters
        ----------
        encoding : Encoding
        horizon : int
            H.
        drive : Drive, optional
            Its limits are set here.
        enough : callable, optional
            Asked now and then with the path so far, (B, steps): true ends the rollout early.
        """
        drive = replace(drive or Drive(), limits=self._limits(encoding, horizon))
        chunk = horizon if enough is None else _STEPS_BETWEEN_QUESTIONS
        loop, paths = encoding.loop, list[Tensor]()
        left = torch.full((len(encoding),), horizon)
        for first in range(0, horizon, chunk):
            here = slice(first, min(first + chunk, horizon))
            part = run(self.network, self.lags, loop, here.stop - first, drive.steps(here))
            loop = part.state
            paths.append(part.path)
            left = torch.where(
                part.left < part.path.shape[1], left.minimum(part.left + first), left
            )
            if enough is not None and enough(torch.cat(paths, dim=1)):
                break
        return Run(torch.cat(paths, dim=1) if len(paths) > 1 else paths[0], loop, left)

    def _limits(self, encoding: Encoding, horizon: int) -> Tensor:
        """The largest size of a value at each step, (B, H).

        Some multiple of what was seen in training or in the last rows; and more by as much for
        every training horizon ahead, since a trend goes on while a runaway loop grows faster.
        """
        seen = encoding.loop.values.abs().amax(dim=1, keepdim=True)
        seen = seen.clamp(min=max(self.value_range.size, 1.0))
        # A constant series is forecast as that constant, whatever its loop does.
        seen = torch.where(encoding.normaliser.spread > 0, seen, torch.inf)
        steps = torch.arange(horizon, dtype=seen.dtype, device=seen.device)
        return _SLACK * seen * (1 + steps / self.train_horizon)

    def check(self, state: ForecastState) -> None:
        """Refuse a state that other weights have read."""
        if state.weights != self.weights:
            raise StateError(
                "this state was encoded with other weights than this model has now: the model was "
                "trained anew since, or it is another one; call model.encode(df) again"
            )


def scaled(panel: Panel, scalers: SeriesScalers) -> Series:
    """A panel's rows in the scalers' units."""
    return Series.from_numpy(scalers.transform(panel.values, panel.offsets), panel.offsets)


def _blocks(draw: Draw) -> Iterator[Draw]:
    parts = zip(draw.series.split(ROWS_AT_ONCE), draw.cutoff.split(ROWS_AT_ONCE), strict=True)
    return (Draw(*part) for part in parts)
