"""The windows of symbols that a network is fed while it learns, and those that validate it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from tsgen._typing import BoolArray, IntArray
from tsgen.data import SymbolPanel, ranges
from tsgen.errors import SettingError
from tsgen.nn import RecurrentState, TensorRecord
from tsgen.training.data_module import TrainingData

__all__ = [
    "DrawsHeldOut",
    "DrawsOfEpochs",
    "SymbolBatch",
    "SymbolDraw",
    "SymbolWindows",
    "batches_of_like_length",
    "random_of_epoch",
    "some_held_out",
]

Draw = TypeVar("Draw")

_BATCHES_SORTED = 64
"""Batches whose pieces are sorted by length together: less padding, and still a random order."""
_WARMUP = 128
"""Symbols read before those that are held out."""
_HELD_OUT_WINDOW = 512
_ROWS_HELD_OUT = 64
_SCORES_HELD_OUT = 2**24
"""At once, at most: one for each symbol of the vocabulary, at each step of each row."""


@dataclass(frozen=True, eq=False)
class SymbolBatch(TensorRecord):
    """Consecutive symbols of B sequences.

    Attributes
    ----------
    values : Tensor of shape (B, 1 + T, 1)
        Codes, of which the first is the one before those that are predicted.
    known : Tensor of shape (B, 1 + T, 1)
        1 where there is a symbol, else 0.
    counted : Tensor of shape (B, T)
        1 where a prediction counts, else 0.
    series : Tensor of shape (B,)
        Which sequences they are of.
    rows : Tensor of shape (B,)
        Where they stand in the whole batch.
    recurrent : tuple of Tensor of shape (layers, B, hidden), or None
        Where the recurrence stands after the windows before; at its start, where they are the
        first of their pieces.
    """

    values: Tensor
    known: Tensor
    counted: Tensor
    series: Tensor
    rows: Tensor
    goes_on: bool
    recurrent: RecurrentState | None = field(default=None, metadata={"batch axis": 1})

    @property
    def targets(self) -> Tensor:
        """The codes that are predicted, (B, T)."""
        return self.values[:, 1:, 0].long()

    @property
    def warmup(self) -> int:
        """Symbols of a window that are read before predictions are judged."""
        return (self.values.shape[1] - 1) // 2


class SymbolDraw(NamedTuple):
    """Where the windows of a batch lie among all codes; tensors of shape (B,)."""

    series: Tensor
    """Of which sequences they are."""
    first: Tensor
    """The first predicted symbol of each."""
    stop: Tensor
    """One past the last of each; for some it is before the first."""
    begins: Tensor
    """Whether nothing comes before the first."""
    counted: Tensor
    """How many symbols aren't counted."""
    goes_on: bool
    """Whether all go on from the windows of the draw before."""


class _Pieces(NamedTuple):
    """Parts of sequences that are read from their first to their last symbol, window by window."""

    series: IntArray
    first: IntArray
    stop: IntArray
    begins: BoolArray

    @property
    def most(self) -> int:
        """Symbols of the longest."""
        return int((self.stop - self.first).max())

    def take(self, positions: IntArray) -> _Pieces:
        series, first, stop, begins = self
        return _Pieces(series[positions], first[positions], stop[positions], begins[positions])


class SymbolWindows(TrainingData):
    """An endless, seeded stream of windows of symbols, gathered on the training device.

    Long sequences are cut into pieces, as many as there are rows in a batch; each row of a batch
    reads one piece, window by window, and the state goes with it (truncated back-propagation
    through time [1]_). Short sequences are pieces of their own, those of similar length together.

    Parameters
    ----------
    panel : SymbolPanel
    stop : int, optional
        The code that stands behind each sequence, if it is learned.
    window : int, default 64
        T, symbols that are predicted at once.
    batch_size : int, default 32
        Windows a step, in each process.
    val_share : float, default 0.0
        The share of the symbols that training doesn't see: the ends of sequences, or with a
        ``stop`` whole ones.
    seed : int, default 0

    References
    ----------
    .. [1] Williams, Peng: An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent
       Network Trajectories. Neural Computation 2(4), 1990.

    Examples
    --------
    >>> from tsgen.data import learn_sequences
    >>> from tsgen.training.symbol_data import SymbolWindows
    >>> data = SymbolWindows(learn_sequences("to be or not to be" * 9).panel, batch_size=4)
    >>> data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0).targets.shape
    torch.Size([3, 53])
    """

    def __init__(
        self,
        panel: SymbolPanel,
        *,
        stop: int | None = None,
        window: int = 64,
        batch_size: int = 32,
        val_share: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.window, self.batch_size, self.seed = window, batch_size, seed
        if stop is not None:
            panel = panel.ended(stop)
        codes, offsets = panel.codes, panel.offsets
        self._codes = torch.from_numpy(codes)
        self._all = self._training = _Pieces(
            np.arange(len(panel)), offsets[:-1], offsets[1:], np.ones(len(panel), dtype=np.bool_)
        )
        self._held_out: _Pieces | None = None
        if val_share:
            self._hold_out(val_share, whole=stop is not None)
        self.validation_rows = 0 if self._held_out is None else len(self._held_out.series)

    def _hold_out(self, share: float, *, whole: bool) -> None:
        """Keep some of the symbols from training."""
        lengths = self._all.stop - self._all.first
        if whole:
            rest, held_out = some_held_out(len(lengths), share, self.seed)
            self._training = self._all.take(rest)
            self._held_out = self._all.take(held_out)
        else:
            cut = self._all.stop - (share * lengths).astype(np.int64)
            self._training = self._all._replace(stop=cut)
            tails = self._all._replace(first=cut, begins=cut == self._all.first)
            self._held_out = tails.take(np.flatnonzero(tails.stop > tails.first))
        if not len(self._held_out.series):
            raise _nothing_held_out(share, "all sequences are too short")

    def train_dataloader(self) -> DrawsOfEpochs[SymbolDraw]:
        """Positions alone: the codes are gathered after the transfer."""
        return DrawsOfEpochs(self.runs, self.trainer)

    def val_dataloader(self) -> DrawsHeldOut[SymbolDraw]:
        """Positions of what is held out; nothing where nothing is."""
        return DrawsHeldOut(self._draws_held_out(), self.trainer)

    def some_windows(self) -> SymbolBatch:
        """A batch of what is held out, or else of what is learned."""
        draws = self._draws_held_out()
        draw = draws[0] if draws else next(iter(self.runs(0)[0]))
        return self.on_after_batch_transfer(draw, 0)

    def _draws_held_out(self) -> list[SymbolDraw]:
        if self._held_out is None:
            return []
        steps = _WARMUP + min(_HELD_OUT_WINDOW, self._held_out.most)
        symbols = int(self._codes.max()) + 1
        rows = min(_ROWS_HELD_OUT, max(1, _SCORES_HELD_OUT // (steps * symbols)))
        return _windows_held_out(self._held_out, self._all.first, rows)

    def on_after_batch_transfer(self, batch: SymbolDraw, dataloader_idx: int) -> SymbolBatch:
        """Gather the codes of a draw, on the device that it was sent to."""
        device = batch.series.device
        self._codes = self._codes.to(device)
        steps = int((batch.stop - batch.first).max())
        columns = torch.arange(-1, steps, device=device)
        places = batch.first[:, None] + columns
        known = places < batch.stop[:, None]
        known[:, 0] = ~batch.begins
        codes = self._codes[places.clamp(0, len(self._codes) - 1)]
        counted = known[:, 1:] & (columns[1:] >= batch.counted[:, None])
        rows = torch.arange(len(codes), device=device)
        values = torch.where(known, codes, 0)[:, :, None]
        return SymbolBatch(
            values.to(torch.float32),
            known[:, :, None].to(torch.float32),
            counted.to(torch.float32),
            batch.series,
            rows,
            batch.goes_on,
        )

    def epoch(self, number: int) -> list[_Pieces]:
        """The pieces of one pass over all training symbols, those of a batch together."""
        random = random_of_epoch(self.seed, number)
        pieces = self._cut(random)
        batches = batches_of_like_length([pieces.stop - pieces.first], self.batch_size, random)
        return [pieces.take(batch) for batch in batches]

    def runs(self, number: int) -> list[_Windows]:
        """The same as windows that go on from each other."""
        return [_Windows(pieces, self.window) for pieces in self.epoch(number)]

    def _cut(self, random: np.random.Generator) -> _Pieces:
        """Long sequences in as many pieces as it takes to fill a batch, elsewhere each time."""
        whole = self._training
        lengths = whole.stop - whole.first
        share = max(self.window, -(-int(lengths.sum()) // self.batch_size))
        parts = np.maximum(1, np.round(lengths / share).astype(np.int64))
        most = np.minimum(self.window, lengths // (8 * parts))
        skipped = np.where(parts > 1, random.integers(0, most + 1), 0)
        own = np.repeat(np.arange(len(parts)), parts)
        number = ranges(np.zeros_like(parts), parts)
        room = (lengths - skipped)[own]
        base = whole.first[own] + skipped[own]
        first = base + number * room // parts[own]
        stop = base + (number + 1) * room // parts[own]
        begins = whole.begins[own] & (first == whole.first[own])
        kept = np.flatnonzero(stop > first)
        return _Pieces(whole.series[own], first, stop, begins).take(kept)

    def fingerprint(self) -> str:
        """A digest of the codes and of how windows are drawn from them."""
        drawn = self.window, self.batch_size, self.seed
        digest = hashlib.sha256(repr(drawn).encode())
        for array in (self._codes.cpu().numpy(), *self._training):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def some_held_out(count: int, share: float, seed: int) -> tuple[IntArray, IntArray]:
    """Positions of the sequences that are learned from, and of those that are held out."""
    order = np.random.Generator(np.random.Philox(key=seed)).permutation(count)
    rest = order[: max(1, len(order) - max(1, round(share * len(order))))]
    if len(rest) == count:
        raise _nothing_held_out(share, "there is one sequence alone")
    return np.sort(rest), np.setdiff1d(order, rest)


def _nothing_held_out(share: float, why: str) -> SettingError:
    return SettingError(
        f"val_size={share:g} holds nothing out, since {why}: raise it, or pass val_size=None and "
        "patience=None"
    )


def random_of_epoch(seed: int, number: int) -> np.random.Generator:
    """What a pass over all sequences draws with."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, number, 1]))


def batches_of_like_length(
    lengths: Sequence[IntArray], batch_size: int, random: np.random.Generator
) -> list[IntArray]:
    """Positions in random order, those of sequences of similar length together.

    Parameters
    ----------
    lengths : sequence of ndarray of shape (n,)
        By which to sort some batches together; the first one counts most.
    batch_size : int
    random : numpy.random.Generator
    """
    order = random.permutation(len(lengths[0]))
    pool = np.arange(len(order)) // (_BATCHES_SORTED * batch_size)
    order = order[np.lexsort((*(each[order] for each in reversed(lengths)), pool))]
    batches = np.split(order, np.arange(batch_size, len(order), batch_size))
    return [batches[i] for i in random.permutation(len(batches))]


class DrawsOfEpochs(Generic[Draw]):
    """The draws of one pass after the other; a resumed run goes on at the trainer's step.

    Parameters
    ----------
    runs : callable
        The draws of a pass, by its number: sequences of those that go on from each other.
    trainer : Trainer, optional
    """

    def __init__(
        self, runs: Callable[[int], Iterable[Collection[Draw]]], trainer: pl.Trainer | None
    ) -> None:
        self._runs, self._trainer = runs, trainer

    def __iter__(self) -> Iterator[Draw]:
        trainer, first, rank, processes = self._trainer, 0, 0, 1
        if trainer is not None:
            first = trainer.global_step * trainer.accumulate_grad_batches
            rank, processes = trainer.global_rank, trainer.world_size
        step = 0
        for epoch in count():
            for draws in self._runs(epoch * processes + rank):
                if step + len(draws) > first:
                    yield from islice(draws, max(first - step, 0), None)
                step += len(draws)


@dataclass(frozen=True)
class _Windows(Collection[SymbolDraw]):
    """The windows of some pieces, one after the other."""

    pieces: _Pieces
    window: int

    def __len__(self) -> int:
        return -(-self.pieces.most // self.window)

    def __contains__(self, draw: object) -> bool:
        return any(draw is each for each in self)

    def __iter__(self) -> Iterator[SymbolDraw]:
        pieces = self.pieces
        series, first, stop = (torch.from_numpy(np.asarray(part)) for part in pieces[:3])
        begins, nothing = torch.from_numpy(pieces.begins), torch.zeros_like(first)
        for start in range(0, pieces.most, self.window):
            here = first + start
            yield SymbolDraw(
                series, here, torch.minimum(here + self.window, stop), begins & (start == 0),
                nothing, start > 0,
            )  # fmt: skip


class DrawsHeldOut(Generic[Draw]):
    """What is held out, each process its share of it."""

    def __init__(self, draws: list[Draw], trainer: pl.Trainer | None) -> None:
        self._draws, self._trainer = draws, trainer

    def __iter__(self) -> Iterator[Draw]:
        trainer = self._trainer
        rank, processes = (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)
        yield from self._draws[rank::processes]


def _windows_held_out(pieces: _Pieces, starts: IntArray, rows: int) -> list[SymbolDraw]:
    """What is held out as windows, each with some symbols before it that don't count.

    Parameters
    ----------
    pieces : _Pieces
    starts : ndarray of shape (N,)
        Where each sequence begins: no window reads what is before it.
    rows : int
        Of a batch.
    """
    lengths = pieces.stop - pieces.first
    parts = -(-lengths // _HELD_OUT_WINDOW)
    own = np.repeat(np.arange(len(parts)), parts)
    first = pieces.first[own] + ranges(np.zeros_like(parts), parts) * _HELD_OUT_WINDOW
    stop = np.minimum(first + _HELD_OUT_WINDOW, pieces.stop[own])
    before = first - starts[pieces.series[own]]
    warmup = np.minimum(_WARMUP, before)
    nothing_before = warmup == before
    parts_of = (pieces.series[own], first - warmup, stop, nothing_before, warmup)
    tensors = [torch.from_numpy(part).split(rows) for part in parts_of]
    return [
        SymbolDraw(whose, first, stop, begins, counted, goes_on=False)
        for whose, first, stop, begins, counted in zip(*tensors, strict=True)
    ]
