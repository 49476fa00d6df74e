"""A fitted model of symbols as a value: it reads sequences, and goes on from what it read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsgen._runtime import side_by_side
from tsgen._typing import BoolArray, FloatArray, IntArray
from tsgen.data import FrameSymbols, Generated, SymbolPanel, Vocabulary, ranges
from tsgen.errors import StateError
from tsgen.generation import (
    BeamSearch,
    Stopping,
    SymbolChoice,
    SymbolSteps,
    beam_search,
    generate,
    loops_together,
    uniform_blocks,
    uniform_numbers,
)
from tsgen.inference.fitted import checksum
from tsgen.nn import RolloutState, SymbolNetwork

__all__ = ["FittedGenerator", "Sampling", "SymbolState"]

_NUMBERS_AT_ONCE = 2**23
"""Hidden units and scores that are held in memory together while sequences are read."""
_NOISE_AT_ONCE = 256
"""Steps for which a stream has its noise at hand."""


@dataclass(frozen=True, eq=False)
class SymbolState:
    """Where sequences stand; ``model.encode(data)`` makes one.

    It isn't changed by what is generated from it, so that much may start there, and a model that
    was trained anew refuses it.

    Attributes
    ----------
    panel : SymbolPanel
        The last symbol of each sequence, if there is one.
    loop : RolloutState
    weights : int
        A checksum of the weights that read them.

    Examples
    --------
    >>> import tsgen
    >>> model = tsgen.LSTMGenerator(max_steps=5, verbose=False).fit("to be or not to be " * 20)
    >>> state = model.update(model.encode("to be or"), " not")
    >>> model.predict(6, state=state) == model.predict(6, df="to be or not")
    True
    """

    panel: SymbolPanel
    loop: RolloutState
    weights: int

    def __len__(self) -> int:
        return len(self.panel)

    def __repr__(self) -> str:
        return f"SymbolState({len(self)} sequences)"


class Sampling(NamedTuple):
    """How symbols are drawn; the names are those of `SymbolChoice`."""

    seed: int
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None


@dataclass(frozen=True, eq=False)
class FittedGenerator:
    """A network of symbols, what symbols there are, and how much of a sequence is read.

    This is what generates, is saved and is sent to other processes; it knows neither Lightning nor
    scikit-learn's estimators.

    Attributes
    ----------
    network : SymbolNetwork
        In evaluation mode, on the CPU.
    vocabulary : Vocabulary
    context_length : int
        Symbols that are read, at most, before the first one is generated.
    """

    network: SymbolNetwork
    vocabulary: Vocabulary
    context_length: int

    @property
    def weights(self) -> int:
        """A checksum of the weights."""
        return checksum([self.network])

    def check(self, state: SymbolState) -> None:
        """Refuse a state of other weights."""
        if state.weights != self.weights:
            raise StateError(
                "the state is of a model with other weights: encode the sequences with this one"
            )

    # --- reading

    def encode(self, panel: SymbolPanel) -> SymbolState:
        """Read the last symbols of each sequence of a panel."""
        tail = panel.tail(self.context_length)
        loop, _ = self._read(self.network.begin(len(tail)), tail, score=False)
        return SymbolState(tail.tail(1), loop, self.weights)

    def update(self, state: SymbolState, new: SymbolPanel) -> SymbolState:
        """Read the symbols that have come, at their cost alone."""
        loop, _ = self._read(state.loop, new, score=False)
        # Of a sequence without new symbols the last one stays what it was.
        ends = np.where(new.lengths > 0, new.lengths, 0) + state.panel.lengths
        both = np.concatenate([state.panel.codes, new.codes])
        first = np.where(
            new.lengths > 0, len(state.panel.codes) + new.offsets[1:] - 1, state.panel.offsets[:-1]
        )
        kept = np.minimum(ends, 1)
        codes = both[ranges(first, kept)].astype(new.codes.dtype)
        offsets = np.concatenate([[0], np.cumsum(kept)])
        return SymbolState(replace(new, codes=codes, offsets=offsets), loop, state.weights)

    def log_likelihood(self, panel: SymbolPanel, state: SymbolState | None = None) -> FloatArray:
        """The log-probability of each symbol, in nats, given those before it.

        Parameters
        ----------
        panel : SymbolPanel
        state : SymbolState, optional
            Where its sequences go on; by default they begin.

        Returns
        -------
        ndarray of shape (symbols,)
        """
        loop = self.network.begin(len(panel)) if state is None else state.loop
        return self._read(loop, panel, score=True)[1]

    @torch.inference_mode()
    def _read(
        self, loop: RolloutState, panel: SymbolPanel, *, score: bool
    ) -> tuple[RolloutState, FloatArray]:
        """Read all symbols of a panel, the longest sequences first, and score them if asked."""
        scores = np.full(len(panel.codes) if score else 0, np.nan)
        rows = np.argsort(-panel.lengths, kind="stable")
        rows = rows[: int((panel.lengths > 0).sum())]
        if not len(rows):
            return loop, scores

        def read(block: Tensor) -> RolloutState:
            return self._read_block(loop.take(block), panel, block.numpy(), scores)

        together = loops_together(len(rows), self.network.device)
        blocks = torch.from_numpy(rows).split(together)
        ends = side_by_side([partial(read, block) for block in blocks])
        return loop.put(torch.from_numpy(rows), RolloutState.cat(ends)), scores

    def _read_block(
        self, loop: RolloutState, panel: SymbolPanel, rows: IntArray, scores: FloatArray
    ) -> RolloutState:
        """Read some sequences, in descending order of their lengths, a part at a time."""
        network, lengths = self.network, panel.lengths[rows]
        width = network.recurrent.hidden_size + (len(self.vocabulary) if len(scores) else 0)
        most = max(1, _NUMBERS_AT_ONCE // (len(rows) * width))
        for start in range(0, int(lengths[0]), most):
            left = lengths - start
            steps = np.minimum(left[left > 0], most)
            places = panel.offsets[rows[: len(steps)], None] + start + np.arange(steps[0])
            codes = panel.codes[np.minimum(places, len(panel.codes) - 1)]
            values = torch.from_numpy(codes.astype(np.float32))[:, :, None]
            active = torch.arange(len(steps))
            hidden, ends = network.read_ragged(loop.take(active), values, torch.from_numpy(steps))
            loop = loop.put(active, ends)
            if len(scores):
                likely = network.predictions(hidden, hidden).log_softmax(dim=-1)
                likely = likely.gather(2, values.long())[:, :, 0]
                there = np.arange(steps[0]) < steps[:, None]
                scores[places[there]] = likely.numpy()[there]
        return loop

    # --- going on

    def stopping(self, last: BoolArray | None = None, *, stops: bool = True) -> Stopping | None:
        """Where sequences end: with some symbols, and where the stop symbol is drawn."""
        stop = self.vocabulary.stop if stops else None
        if last is None and stop is None:
            return None
        nothing = np.zeros(len(self.vocabulary), dtype=np.bool_)
        return Stopping(torch.from_numpy(nothing if last is None else last), stop)

    def _never(self, stopping: Stopping | None) -> tuple[int, ...]:
        """What isn't generated: unknown symbols, and stops where sequences go on."""
        stop, never = self.vocabulary.stop, (self.vocabulary.unknown,)
        if stop is None or (stopping is not None and stopping.stop is not None):
            return never
        return (*never, stop)

    def best(
        self,
        state: SymbolState,
        horizon: int,
        stopping: Stopping | None = None,
        given: FloatArray | None = None,
    ) -> Generated:
        """The most likely symbol at each step."""
        return self._generated(state, horizon, None, 1, stopping, given)

    def drawn(
        self,
        state: SymbolState,
        horizon: int,
        sampling: Sampling,
        count: int = 1,
        stopping: Stopping | None = None,
        given: FloatArray | None = None,
    ) -> Generated:
        """Paths of symbols that are drawn by their probabilities."""
        return self._generated(state, horizon, sampling, count, stopping, given)

    def _generated(
        self,
        state: SymbolState,
        horizon: int,
        sampling: Sampling | None,
        count: int,
        stopping: Stopping | None,
        given: FloatArray | None,
    ) -> Generated:
        behind = _behind(state.panel)
        steps = horizon + int(behind.max())
        choice = SymbolChoice(
            given=_repeated(_after(given, behind, steps), count),
            never=self._never(stopping),
        )
        if sampling is not None:
            names = [str(name) for name in state.panel.ids]
            noise = [uniform_numbers(sampling.seed, name, count, steps) for name in names]
            choice = replace(
                choice,
                noise=torch.from_numpy(np.concatenate(noise)),
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                top_p=sampling.top_p,
            )
        rows = torch.arange(len(state)).repeat_interleave(count)
        ends = None if behind.any() else stopping
        path = generate(self.network, state.loop.take(rows), steps, choice, ends)
        path = path.view(len(state), count, steps)
        return _ended(_from(path, behind, horizon), stopping)

    def beams(
        self,
        state: SymbolState,
        horizon: int,
        search: BeamSearch,
        count: int = 1,
        stopping: Stopping | None = None,
        given: FloatArray | None = None,
    ) -> Generated:
        """The best ``count`` sequences that a search finds."""
        behind = _behind(state.panel)
        steps = horizon + int(behind.max())
        known = _after(given, behind, steps)
        found = beam_search(
            self.network,
            state.loop,
            steps,
            search._replace(never=self._never(stopping)),
            None if behind.any() else stopping,
            None if known is None else torch.from_numpy(known),
        )
        scores = found.scores[:, :count].to(torch.float64)
        scores = torch.where(scores.isinf(), torch.nan, scores)
        generated = _ended(_from(found.path[:, :count], behind, horizon), stopping)
        lengths = np.where(scores.isnan().numpy(), 0, generated.lengths)
        return generated._replace(scores=scores.numpy(), lengths=lengths)

    def stream(
        self, state: SymbolState, sampling: Sampling | None, stopping: Stopping | None = None
    ) -> Iterator[int]:
        """The codes that follow one sequence, each when it is asked for; without end."""
        choice = SymbolChoice(never=self._never(stopping))
        noise: Iterator[FloatArray] = iter(())
        if sampling is not None:
            choice = replace(choice, temperature=sampling.temperature, top_k=sampling.top_k,
                             top_p=sampling.top_p)  # fmt: skip
            noise = uniform_blocks(sampling.seed, str(state.panel.ids[0]), _NOISE_AT_ONCE)
        code: Tensor | None = None
        with torch.inference_mode():
            bias = choice.without_never(self.network.head[1])
            following = SymbolSteps(self.network, state.loop, bias=bias)
        for step in cycle(range(_NOISE_AT_ONCE)):
            if sampling is not None and step == 0:
                choice = replace(choice, noise=torch.from_numpy(next(noise)))
            with torch.inference_mode():
                code = choice.codes(following(code), step)
            if stopping is not None and bool(stopping.ends[int(code)]):
                if int(code) != stopping.stop:
                    yield int(code)
                return
            yield int(code)


def _behind(panel: SymbolPanel) -> IntArray:
    """How many steps lie between the last symbol of each sequence and the first to be returned."""
    if isinstance(panel.layout, FrameSymbols):
        return panel.layout.panel.behind
    return np.zeros(len(panel), dtype=np.int64)


def _after(given: FloatArray | None, behind: IntArray, steps: int) -> FloatArray | None:
    """What is known of a horizon (N, H), that begins some steps later."""
    if given is None:
        return None
    known = np.full((len(given), steps), np.nan)
    np.put_along_axis(known, behind[:, None] + np.arange(given.shape[1]), given, axis=1)
    return known


def _repeated(known: FloatArray | None, count: int) -> Tensor | None:
    """The same for each of so many paths, (N·S, steps, 1)."""
    if known is None:
        return None
    return torch.from_numpy(known).repeat_interleave(count, dim=0)[:, :, None]


def _from(path: Tensor, behind: IntArray, horizon: int) -> Tensor:
    """The H steps of paths (N, S, steps) from some step of each sequence on."""
    columns = torch.from_numpy(behind)[:, None, None] + torch.arange(horizon)
    return path.gather(2, columns.expand(-1, path.shape[1], -1))


def _ended(path: Tensor, stopping: Stopping | None) -> Generated:
    codes = path.numpy()
    if stopping is None:
        whole = np.full(codes.shape[:2], codes.shape[2])
        return Generated(codes, whole, np.zeros(codes.shape[:2], dtype=np.bool_))
    ending = stopping.ending(path)
    return Generated(codes, ending.lengths.numpy(), ending.ended.numpy())
