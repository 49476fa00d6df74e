"""Windows of symbols: every symbol is learned from, in its order, and none of another sequence."""

from __future__ import annotations

from itertools import islice, pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.data import SymbolPanel, learn_sequences
from tsgen.training import SymbolWindows
from tsgen.training.symbol_data import SymbolBatch


def panel_of(lengths: list[int]) -> SymbolPanel:
    """Sequences whose symbols are numbers that go on from one to the next."""
    ends = np.cumsum(lengths)
    return learn_sequences(
        [list(range(end - n, end)) for n, end in zip(lengths, ends, strict=True)]
    ).panel


def epoch_of(data: SymbolWindows, number: int = 0) -> list[SymbolBatch]:
    """The batches of one pass."""
    steps = 0
    for pieces in data.epoch(number):
        steps += -(-int((pieces.stop - pieces.first).max()) // data.window)
    draws = islice(iter(data.train_dataloader()), steps)
    return [data.on_after_batch_transfer(draw, 0) for draw in draws]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(lambda n: sum(n) > 0),
    st.integers(1, 9),
    st.integers(1, 5),
)
def test_a_pass_has_each_symbol_once_after_the_one_before_it(
    lengths: list[int], window: int, batch_size: int
) -> None:
    data = SymbolWindows(panel_of(lengths), window=window, batch_size=batch_size)
    ends = np.cumsum(lengths)
    starts = set((ends - lengths).tolist())
    seen: list[int] = []
    for batch in epoch_of(data):
        codes, known = batch.values[:, :, 0].long(), batch.known[:, :, 0] > 0
        for row in range(len(batch)):
            there = batch.counted[row] > 0
            targets = batch.targets[row][there].tolist()
            before = codes[row, :-1][there].tolist()
            flags = known[row, :-1][there].tolist()
            seen += targets
            for target, one, flag in zip(targets, before, flags, strict=True):
                assert (one == target - 1) if flag else target in starts
    assert len(seen) == len(set(seen))
    skipped = sum(lengths) - len(seen)
    assert skipped <= sum(min(window, n // 8) for n in lengths)


def test_windows_of_a_piece_go_on_from_each_other() -> None:
    data = SymbolWindows(panel_of([100]), window=10, batch_size=4)
    batches = epoch_of(data)
    assert [batch.goes_on for batch in batches] == [False, True, True]
    for one, other in pairwise(batches):
        assert torch.equal(one.values[:, -1], other.values[:, 0])


def test_short_sequences_of_similar_length_are_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 30, 400).tolist()
    data = SymbolWindows(panel_of(lengths), window=64, batch_size=16)
    batches = epoch_of(data)
    cells = sum(batch.counted.numel() for batch in batches)
    assert cells < 1.15 * sum(lengths)


def test_a_learned_stop_stands_behind_each_sequence() -> None:
    panel, vocabulary = learn_sequences(["ab", "b"])
    data = SymbolWindows(panel, stop=vocabulary.stop, batch_size=2)
    (batch,) = epoch_of(data)
    rows = [r[c > 0].tolist() for r, c in zip(batch.targets, batch.counted, strict=True)]
    assert sorted(rows) == [[0, 1, 3], [1, 3]]


def test_draws_depend_on_the_seed_and_the_step_alone() -> None:
    panel = panel_of([50, 7, 90])
    one, other = (SymbolWindows(panel, window=8, batch_size=3, seed=1) for _ in range(2))
    pairs = zip(islice(one.train_dataloader(), 30), islice(other.train_dataloader(), 30),
                strict=True)  # fmt: skip
    assert all(torch.equal(a.first, b.first) for a, b in pairs)
    assert one.fingerprint() == other.fingerprint()
    assert one.fingerprint() != SymbolWindows(panel, window=8, batch_size=3, seed=2).fingerprint()


@pytest.mark.parametrize("stops", [False, True])
def test_what_is_held_out_is_not_learned_from(stops: bool) -> None:
    lengths = [40] * 10
    stop = 400 if stops else None
    data = SymbolWindows(panel_of(lengths), stop=stop, window=16, val_share=0.2)
    learned = {int(t) for b in epoch_of(data) for t in b.targets[b.counted > 0]} - {400}
    held_out = [data.on_after_batch_transfer(draw, 0) for draw in data.val_dataloader()]
    validated = [int(t) for b in held_out for t in b.targets[b.counted > 0] if t < 400]
    assert len(validated) == len(set(validated)) == 80
    assert not learned & set(validated)
    assert data.validation_rows == (2 if stops else 10)


@pytest.mark.parametrize("step", [0, 1, 7, 29, 44])
def test_a_resumed_run_goes_on_at_its_step(step: int) -> None:
    data = SymbolWindows(panel_of([120, 2, 18]), window=8, batch_size=2)
    whole = list(islice(data.train_dataloader(), 60))
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        global_step=step, accumulate_grad_batches=1, global_rank=0, world_size=1
    )
    for one, other in zip(islice(data.train_dataloader(), 10), whole[step:], strict=False):
        assert torch.equal(one.first, other.first)
        assert one.goes_on == other.goes_on


def test_what_is_held_out_is_read_after_its_own_sequence_alone() -> None:
    data = SymbolWindows(panel_of([50, 50, 900]), val_share=0.5)
    (draw,) = data.val_dataloader()
    assert draw.first.tolist() == [0, 50, 100 + 450 - 128]
    assert draw.begins.tolist() == [True, True, False]
    batch = data.on_after_batch_transfer(draw, 0)
    assert batch.targets[1, :50].ravel().tolist() == list(range(50, 100))


def test_held_out_batches_of_a_large_vocabulary_have_few_rows() -> None:
    panel = panel_of([20_000])
    sizes = [len(draw.series) for draw in SymbolWindows(panel, val_share=0.5).val_dataloader()]
    assert max(sizes) * (128 + 512) * 20_000 < 2**25
    assert sum(sizes) == -(-10_000 // 512)
