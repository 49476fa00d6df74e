"""What a network of symbols minimises, and the states that windows carry along."""

from __future__ import annotations

import pytest
import torch

from tsgen import ScheduledSampling
from tsgen.data import learn_sequences
from tsgen.nn import SymbolArchitecture
from tsgen.training import SymbolModule, SymbolWindows
from tsgen.training.symbol_data import SymbolBatch

TEXT = "the quick brown fox jumps over the lazy dog. " * 8


def module_of(**settings: object) -> SymbolModule:
    torch.manual_seed(0)
    count = len(learn_sequences(TEXT).vocabulary)
    return SymbolModule(SymbolArchitecture(count, hidden_size=12), **settings)  # type: ignore[arg-type]


def batches_of(count: int, window: int = 16) -> list[SymbolBatch]:
    data = SymbolWindows(learn_sequences(TEXT).panel, window=window, batch_size=4)
    draws = iter(data.train_dataloader())
    return [data.on_after_batch_transfer(next(draws), 0) for _ in range(count)]


def loss_of(module: SymbolModule, batch: SymbolBatch) -> float:
    return float(module.training_step(batch, 0).detach())


def test_the_loss_is_the_cross_entropy_of_a_softmax() -> None:
    module, (batch,) = module_of(), batches_of(1)
    start = module.network.start(batch.values[:, :1], batch.known[:, :1])
    scores, _ = module.network.read(start, batch.values[:, 1:], batch.known[:, 1:])
    likely = scores.log_softmax(dim=-1).gather(2, batch.targets[:, :, None])[:, :, 0]
    expected = -(likely * batch.counted).sum() / batch.counted.sum()
    assert loss_of(module, batch) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_label_smoothing_spreads_a_share_over_all_symbols() -> None:
    (batch,) = batches_of(1)
    plain, smooth = (loss_of(module_of(label_smoothing=s), batch) for s in (0, 0.5))
    module = module_of()
    start = module.network.start(batch.values[:, :1], batch.known[:, :1])
    scores, _ = module.network.read(start, batch.values[:, 1:], batch.known[:, 1:])
    even = -scores.log_softmax(dim=-1).mean(dim=-1)
    spread = float(((even * batch.counted).sum() / batch.counted.sum()).detach())
    assert smooth == pytest.approx((plain + spread) / 2, rel=1e-4)


def test_a_window_goes_on_from_the_one_before_it() -> None:
    module, batches = module_of(), batches_of(3)
    assert [batch.goes_on for batch in batches] == [False, True, True]
    carried = [loss_of(module, batch) for batch in batches]
    whole = batches_of(1, window=48)[0]
    total = loss_of(module_of(), whole) * float(whole.counted.sum())
    counts = [float(batch.counted.sum()) for batch in batches]
    found = sum(loss * count for loss, count in zip(carried, counts, strict=True))
    assert found == pytest.approx(total, rel=1e-5)


def test_half_of_a_batch_at_a_time_comes_to_the_same() -> None:
    whole, halves = module_of(), module_of()
    halves._parts_for_memory = 2
    for batch in batches_of(3):
        for module in (whole, halves):
            module.zero_grad()
            module.training_step(batch, 0).backward()
        for one, other in zip(whole.parameters(), halves.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad)


def test_states_are_in_a_checkpoint() -> None:
    module, batches = module_of(), batches_of(2)
    module.training_step(batches[0], 0)
    checkpoint: dict[str, object] = {}
    module.on_save_checkpoint(checkpoint)
    other = module_of()
    other.on_load_checkpoint(checkpoint)
    assert loss_of(other, batches[1]) == loss_of(module, batches[1])


def test_scheduled_sampling_feeds_what_the_network_draws() -> None:
    (batch,) = batches_of(1)
    forced = loss_of(module_of(), batch)
    observed = ScheduledSampling(start=1.0, end=1.0)
    drawn = ScheduledSampling(start=0.0, end=0.0)
    assert loss_of(module_of(strategy=observed), batch) == forced
    torch.manual_seed(1)
    one = module_of(strategy=drawn)
    torch.manual_seed(2)
    assert loss_of(one, batch) != forced


def test_held_out_errors_do_not_count_what_is_read_before() -> None:
    data = SymbolWindows(learn_sequences(TEXT).panel, val_share=0.25)
    (draw,) = data.val_dataloader()
    batch = data.on_after_batch_transfer(draw, 0)
    errors = module_of().held_out_errors(batch)
    assert float(errors.steps.sum()) == int(0.25 * len(TEXT))
