"""Pairs: each is learned from once in a pass, beside others of its length, and whole."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen import ScheduledSampling
from tsgen.data import SymbolPanel, learn_sequences
from tsgen.nn import Seq2SeqArchitecture
from tsgen.training import PairModule, SymbolPairs
from tsgen.training.pair_module import PairBatch

STOP = 1000


def panels_of(lengths: list[int]) -> tuple[SymbolPanel, SymbolPanel]:
    """Sources of so many symbols, and targets of one less; each pair has a number of its own."""
    sources = [[number] * length for number, length in enumerate(lengths)]
    targets = [symbols[1:] for symbols in sources]
    known = learn_sequences([list(range(len(lengths)))], stops=True).vocabulary
    made = (learn_sequences(each, known=known, stops=True) for each in (sources, targets))
    first, second = (learned.panel.ended(len(lengths)) for learned in made)
    return first, second


def epoch_of(data: SymbolPairs, number: int = 0) -> list[PairBatch]:
    return [data.on_after_batch_transfer(draw, 0) for run in data.runs(number) for draw in run]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(2, 9), min_size=1, max_size=20), st.integers(1, 6))
def test_a_pass_has_each_pair_once_and_whole(lengths: list[int], batch_size: int) -> None:
    data = SymbolPairs(*panels_of(lengths), batch_size=batch_size)
    seen = []
    for batch in epoch_of(data):
        assert len(batch) <= batch_size
        for row, pair in enumerate(batch.series.tolist()):
            stop = len(lengths)
            source = batch.sources[row, : batch.lengths[row]].tolist()
            target = batch.targets[row][batch.counted[row] > 0].tolist()
            assert source == [pair] * lengths[pair] + [stop]
            assert target == [pair] * (lengths[pair] - 1) + [stop]
            assert not batch.known[row, 0, 0]
        seen += batch.series.tolist()
    assert sorted(seen) == list(range(len(lengths)))


def test_pairs_of_similar_length_are_together() -> None:
    lengths = np.random.default_rng(0).integers(2, 30, 400).tolist()
    batches = epoch_of(SymbolPairs(*panels_of(lengths), batch_size=16))
    cells = sum(batch.counted.numel() for batch in batches)
    assert cells < 1.15 * sum(lengths)
    sizes = [batch.counted.shape[1] for batch in batches]
    assert sizes != sorted(sizes)


def test_draws_depend_on_the_seed_alone() -> None:
    panels = panels_of([3, 4, 5, 6, 7] * 4)
    one, other, third = (SymbolPairs(*panels, batch_size=4, seed=seed) for seed in (1, 1, 2))
    draws = [list(islice(each.train_dataloader(), 12)) for each in (one, other, third)]
    assert all(torch.equal(a, b) for a, b in zip(draws[0], draws[1], strict=True))
    assert one.fingerprint() == other.fingerprint() != third.fingerprint()


def test_what_is_held_out_is_not_learned_from() -> None:
    data = SymbolPairs(*panels_of([4] * 20), batch_size=6, val_share=0.2)
    learned = {pair for batch in epoch_of(data) for pair in batch.series.tolist()}
    held_out = [pair for draw in data.val_dataloader() for pair in draw.tolist()]
    assert len(held_out) == len(set(held_out)) == data.validation_rows == 4
    assert learned.isdisjoint(held_out)
    assert len(learned) == 16


def module_of(**settings: object) -> PairModule:
    torch.manual_seed(0)
    made_of = Seq2SeqArchitecture(
        22, hidden_size=8, source_symbols=22, embedding_size=4, source_embedding_size=4
    )
    return PairModule(made_of, **settings)  # type: ignore[arg-type]


def test_the_loss_is_the_mean_surprise_of_all_symbols() -> None:
    module = module_of().eval()
    (batch,) = epoch_of(SymbolPairs(*panels_of([3, 5, 2]), batch_size=8))
    errors = module.held_out_errors(batch)
    total = 0.0
    for row in range(3):
        own = batch.take(torch.tensor([row]))
        steps = int(own.counted.sum())
        state = module.network.encode(own.sources[:, : own.lengths[0]], own.lengths)
        values = own.values[:, 1 : 1 + steps]
        scores, _ = module.network.read(state, values, torch.ones_like(values))
        likely = scores[0].log_softmax(dim=-1)[torch.arange(steps), own.targets[0, :steps]]
        total -= float(likely.detach().sum())
        assert errors.steps[row] == steps
    assert float(errors.total.detach().sum()) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_scheduled_sampling_feeds_what_the_network_draws(dropout: float) -> None:
    (batch,) = epoch_of(SymbolPairs(*panels_of([6] * 12), batch_size=12))
    losses = {}
    for name, start in (("observed", 1.0), ("drawn", 0.0)):
        module = module_of(strategy=ScheduledSampling(start=start, end=start))
        module.network.dropout.p = dropout
        terms = module._loss_terms(module.network, batch, 0.5, seed=1)
        again = module._loss_terms(module.network, batch, 0.5, seed=1)
        losses[name] = terms[0].errors.total
        assert torch.equal(losses[name], again[0].errors.total)
    assert not torch.equal(losses["observed"], losses["drawn"])
