"""A fitted model as a value: it reads series, and goes on from what it read."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from tsgen._runtime import side_by_side
from tsgen.data import Panel
from tsgen.errors import StateError
from tsgen.generation import (
    ROWS_AT_ONCE,
    Feedback,
    encode_over_holes,
    last_on_the_way,
    loops_together,
    median,
    read_over_holes,
    read_through,
    run,
)
from tsgen.inference.intervals import Calibration
from tsgen.inference.spread_calibration import SpreadCalibration
from tsgen.inference.state import Context, Encoding, ForecastState
from tsgen.nn import DecoderState, EncoderDecoderNetwork, RecurrentNetwork
from tsgen.preprocessing import (
    NumericUnits,
    Series,
    SeriesScalers,
    WindowBatch,
    WindowIndex,
    WindowNormaliser,
    WindowSampler,
    WindowShape,
)

__all__ = ["LIMIT_SLACK", "FittedModel", "Generated", "checksum"]

T = TypeVar("T")

_STEPS_BETWEEN_CHECKS = 256

LIMIT_SLACK = 10.0
"""How much larger than any value in training one may become before the loop counts as lost."""


class Generated(NamedTuple):
    """What the loops of B systems of C series generated."""

    path: Tensor
    """Of shape (B, H, C), in the normaliser's units; the median of the members."""
    left: Tensor
    """Of shape (B, C): the first step whose value is at its limit; H where none is."""


@dataclass(frozen=True, eq=False)
class FittedModel:
    """Networks, the units of their numbers, how they read series, and how far a loop may go.

    This is what forecasts, is saved and is sent to other processes; it knows neither Lightning nor
    scikit-learn's estimators. The members of an ensemble each run a loop of their own; what they
    generate is their median.

    Attributes
    ----------
    networks : tuple of RecurrentNetwork
        The members, most often one; in evaluation mode, on the CPU.
    context_length : int
        T.
    warmup : int
        Steps at the start of a context whose errors say little, since the state is still empty.
    window_norm : bool
        Whether each window is brought to mean 0 and spread 1 by its own context.
    train_horizon : int
    units : NumericUnits
    calibration : Calibration or SpreadCalibration, optional
        How far intervals must reach; measured when it is needed first.
    """

    networks: tuple[RecurrentNetwork, ...]
    context_length: int
    warmup: int
    window_norm: bool
    train_horizon: int
    units: NumericUnits
    calibration: Calibration | SpreadCalibration | None = None

    @property
    def network(self) -> RecurrentNetwork:
        """The first member, for what all of them share."""
        return self.networks[0]

    @property
    def lags(self) -> tuple[int, ...]:
        """Those that the networks see."""
        return self.network.lags

    @property
    def channels(self) -> int:
        """C, the series of a system."""
        return self.network.channels

    @property
    def rows_read(self) -> int:
        """Rows of a series that a forecast depends on: the context, and what its lags reach."""
        return self.network.longest_lag - 1 + self.context_length

    @property
    def weights(self) -> int:
        """A checksum of the weights."""
        return checksum(self.networks)

    # --- reading

    def encode(self, panel: Panel) -> ForecastState:
        """Read the last rows of each series of a panel."""
        tail, scalers, series = self.last_rows(panel)
        return ForecastState(tail, scalers, self.encode_at(series, series.ends()), self.weights)

    def last_rows(self, panel: Panel) -> tuple[Panel, SeriesScalers, Series]:
        """The rows of a panel that are read, its scalers, and these rows scaled."""
        scalers = self.units.scalers_of(panel)
        tail = panel.tail(self.rows_read)
        return tail, scalers, self.units.scaled(tail, scalers)

    def windows_of(self, panel: Panel, horizon: int, count: int, seed: int) -> WindowBatch:
        """Windows of this context and horizon, drawn from all series of a panel."""
        series = self.units.scaled(panel, self.units.scalers_of(panel))
        shape = WindowShape(self.network.longest_lag, self.context_length, horizon)
        index = WindowSampler(series.lengths.numpy(), shape, count, seed).draw(0)
        return series.batch(index, shape, window_norm=self.window_norm)

    def encode_at(self, series: Series, index: WindowIndex) -> Encoding:
        """Read the rows of scaled systems before cutoffs, B of them."""

        def encode(block: WindowIndex) -> Encoding:
            return self._encode(self.context_at(series, block))

        return Encoding.cat(side_by_side([partial(encode, block) for block in _blocks(index)]))

    def context_at(self, series: Series, index: WindowIndex) -> Context:
        """The rows of scaled series before cutoffs, as the network sees them."""
        rows, known = series.gather(index, self.rows_read, 0)
        normaliser = WindowNormaliser.of(rows, known, self.context_length, self.window_norm)
        values = normaliser.apply(rows, known).to(self.network.dtype)
        covariates = series.covariates_at(index, self.rows_read, 0)
        if covariates is not None:
            covariates = covariates.to(values.dtype)
        return Context(values, known.to(values.dtype), normaliser, covariates)

    @torch.inference_mode()
    def _encode(self, context: Context) -> Encoding:
        values, known = context.values, context.known
        read = side_by_side(
            [
                partial(encode_over_holes, network, values, known, context.covariates)
                for network in self.networks
            ]
        )
        predictions, loops = zip(*read, strict=True)
        first = self.network.longest_lag
        # An error says something where the value and the one before it, which was read, are known.
        known = known[:, first:] * known[:, first - 1 : -1] > 0
        known[:, : max(self.warmup - 1, 0)] = False  # the first row of the context isn't predicted
        errors = values[:, first:] - median(torch.stack(predictions))
        return Encoding(context.normaliser, loops, torch.where(known, errors, torch.nan))

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
        systems = positions[:: self.channels] // self.channels
        loops = torch.from_numpy(systems)
        scalers = state.scalers.take(positions)
        whole = len(loops) == len(state.encoding)
        encoding = state.encoding if whole else state.encoding.take(loops)

        def anew(loops: Tensor) -> Encoding:
            series = self.units.scaled(panel.take(systems), scalers)
            return self.encode_at(series, WindowIndex(loops, series.lengths[loops]))

        if carry:
            encoding = self.read_on(encoding, self._new_rows(state, new, scalers), anew)
        else:
            encoding = anew(torch.arange(len(loops)))
        if not whole:
            encoding = state.encoding.put(loops, encoding)
        return replace(state, panel=panel, encoding=encoding)

    def read_on(
        self, encoding: Encoding, new: Series, anew: Callable[[Tensor], Encoding]
    ) -> Encoding:
        """Go on from where the recurrence stands.

        Parameters
        ----------
        encoding : Encoding
            Of B systems.
        new : Series
            The rows after those that it has read, scaled.
        anew : callable
            Reads the contexts of some of the systems, (loops,), with the new rows.
        """
        encoding = self._carry_on(encoding, new)
        # What was constant has no spread to measure new rows in.
        constant = (encoding.normaliser.spread == 0).flatten(1).any(dim=1)
        loops = torch.nonzero(constant).squeeze(1)
        return encoding.put(loops, anew(loops)) if len(loops) else encoding

    @torch.inference_mode()
    def read_through(self, encoding: Encoding, new: Series, every: int) -> Encoding | None:
        """Go on from where the recurrence stands, and keep where it stood on the way.

        Parameters
        ----------
        encoding : Encoding
            Of B systems.
        new : Series
            As in `read_on`; K times ``every`` rows of each system.
        every : int

        Returns
        -------
        Encoding or None
            Of K·B systems: all after the first ``every`` rows, all after twice as many, and so on.
            ``None`` for what has to be read piece by piece: over holes, or since a series was
            constant.
        """
        index = new.ends()
        rows, known = new.gather(index, int(index.cutoff[0]), 0)
        normaliser = encoding.normaliser
        if not bool(known.all()) or not bool((normaliser.spread > 0).all()):
            return None
        units = normaliser.apply(rows, known).to(self.network.dtype)
        exogenous = new.covariates_at(index, rows.shape[1], 0)
        flags = torch.ones_like(units)
        read = [
            read_through(network, loop, units, flags, every, exogenous)
            for network, loop in zip(self.networks, encoding.loops, strict=True)
        ]
        predictions, loops = zip(*read, strict=True)
        times = rows.shape[1] // every
        errors = units - median(torch.stack(predictions))
        longer = torch.cat([encoding.errors, errors], dim=1)
        return Encoding(
            normaliser.map(lambda tensor, _: tensor.repeat(times, 1, 1)),
            loops,
            last_on_the_way(longer, encoding.errors.shape[1], every),
        )

    def _new_rows(self, state: ForecastState, new: Panel, scalers: SeriesScalers) -> Series:
        """New rows, scaled; their covariates know of the row before the first of them."""
        if self.units.covariate_scaler is None:
            return self.units.scaled(new, scalers)
        systems = state.panel.ids.get_indexer(new.ids)[:: self.channels] // self.channels
        before = state.panel.take(systems).tail(1)
        longer = before.extend(new, new.ends, new.behind)
        exogenous = self.units.covariate_scaler.of_panel(longer)
        assert exogenous is not None
        series = replace(self.units, covariate_scaler=None).scaled(new, scalers)
        return replace(series, covariates=replace(exogenous, starts=exogenous.starts + 1))

    @torch.inference_mode()
    def _carry_on(self, encoding: Encoding, series: Series) -> Encoding:
        """Read all rows of scaled series from where the recurrence stands."""
        lengths = series.lengths
        if len(lengths) <= ROWS_AT_ONCE and bool((lengths == lengths[0]).all()):
            return self._carry_block(encoding, series, series.ends())
        groups = [
            loops
            for count in lengths.unique()
            for loops in torch.nonzero(lengths == count).squeeze(1).split(ROWS_AT_ONCE)
        ]
        parts = side_by_side(
            [
                partial(
                    self._carry_block,
                    encoding.take(loops),
                    series,
                    WindowIndex(loops, lengths[loops]),
                )
                for loops in groups
            ]
        )
        return Encoding.cat(parts).take(torch.cat(groups).argsort())

    def _carry_block(self, encoding: Encoding, series: Series, index: WindowIndex) -> Encoding:
        """Read all rows of B systems that have as many."""
        count = int(index.cutoff[0])
        covariates = series.covariates_at(index, count, 0)
        rows, known = series.gather(index, count, 0)
        units = encoding.normaliser.apply(rows, known).to(self.network.dtype)
        flags = known.to(units.dtype)
        read = [
            read_over_holes(network, loop, units, flags, covariates)
            for network, loop in zip(self.networks, encoding.loops, strict=True)
        ]
        predictions, loops = zip(*read, strict=True)
        errors = torch.where(known, units - median(torch.stack(predictions)), torch.nan)
        longer = torch.cat([encoding.errors, errors], dim=1)
        last = longer[:, longer.shape[1] - encoding.errors.shape[1] :]
        return Encoding(encoding.normaliser, loops, last)

    def run(
        self,
        encoding: Encoding,
        horizon: int,
        feedback: Feedback | None = None,
        *,
        enough: Callable[[Tensor], bool] | None = None,
    ) -> Generated:
        """Roll B systems out, within their limits.

        Parameters
        ----------
        encoding : Encoding
        horizon : int
            H.
        feedback : Feedback, optional
            Its limits are set here.
        enough : callable, optional
            Asked now and then with the path so far, (B, steps, C): true ends the rollout early.
        """
        feedback = Feedback() if feedback is None else feedback
        feedback = replace(feedback, limits=self._limits(encoding, horizon))
        chunk = horizon if enough is None else _STEPS_BETWEEN_CHECKS
        loops, paths = encoding.loops, list[Tensor]()
        left = torch.full((len(encoding), self.channels), horizon)
        for first in range(0, horizon, chunk):
            here = slice(first, min(first + chunk, horizon))
            steps = here.stop - first
            runs = self._of_members(
                len(encoding),
                [
                    partial(run, network, loop, steps, feedback.steps(here))
                    for network, loop in zip(self.networks, loops, strict=True)
                ],
            )
            loops = tuple(part.state for part in runs)
            paths.append(median(torch.stack([part.path for part in runs])))
            # The median has left its limits when half of the members have.
            left_here = torch.stack([part.left for part in runs]).median(dim=0).values
            left = torch.where(left_here < steps, left.minimum(left_here + first), left)
            if enough is not None and enough(torch.cat(paths, dim=1)):
                break
        return Generated(torch.cat(paths, dim=1) if len(paths) > 1 else paths[0], left)

    @torch.inference_mode()
    def attention(self, encoding: Encoding, horizon: int, feedback: Feedback) -> Tensor:
        """What each step of B closed loops attends to, (B, H, T): the mean of the members."""
        feedback = replace(feedback, limits=self._limits(encoding, horizon))
        found = []
        for network, loop in zip(self.networks, encoding.loops, strict=True):
            assert isinstance(network, EncoderDecoderNetwork)
            assert isinstance(loop, DecoderState)
            path = run(network, loop, horizon, feedback).path
            found.append(network.attention_of(loop, path, feedback.covariates))
        return torch.stack(found).mean(dim=0)

    @staticmethod
    def _of_members(loops: int, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Members side by side, or one after the other where the loops of each are divided."""
        divided = loops_together(loops, torch.device("cpu")) < loops
        return [task() for task in tasks] if divided else side_by_side(tasks)

    def _limits(self, encoding: Encoding, horizon: int) -> Tensor:
        """The largest size of a value at each step, (B, H, C).

        Some multiple of what was seen in training or in the last rows; and more by as much for
        every training horizon ahead, since a trend goes on while a runaway loop grows faster.
        """
        seen = encoding.loops[0].values.abs().amax(dim=1, keepdim=True)
        seen = seen.clamp(min=max(self.units.value_range.size, 1.0))
        # A constant series is forecast as that constant, whatever its loop does.
        seen = torch.where(encoding.normaliser.spread > 0, seen, torch.inf)
        steps = torch.arange(horizon, dtype=seen.dtype, device=seen.device)[:, None]
        return LIMIT_SLACK * seen * (1 + steps / self.train_horizon)

    def check(self, state: ForecastState) -> None:
        """Refuse a state that other weights have read."""
        if state.weights != self.weights:
            raise StateError(
                "this state was encoded with other weights than this model has now: the model was "
                "trained anew since, or it is another one; call model.encode(df) again"
            )


def checksum(networks: Sequence[nn.Module]) -> int:
    """Of all weights, on whichever device they are."""
    found = 0
    for weight in chain.from_iterable(network.parameters() for network in networks):
        found = zlib.crc32(weight.detach().cpu().contiguous().numpy().data, found)
    return found


def _blocks(index: WindowIndex) -> Iterator[WindowIndex]:
    together = loops_together(len(index.series), index.series.device)
    parts = zip(index.series.split(together), index.cutoff.split(together), strict=True)
    return (WindowIndex(*part) for part in parts)
