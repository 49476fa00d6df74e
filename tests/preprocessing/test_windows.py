"""Windows against naive slicing, and which of them are drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.preprocessing.windows import Series, WindowIndex, WindowSampler, WindowShape

SHAPE = WindowShape(longest_lag=3, context_length=5, horizon=4)


def series_of(lengths: list[int]) -> Series:
    """Values that say where they stand: row t of series i is 1000 i + t."""
    values = [1000.0 * i + np.arange(length) for i, length in enumerate(lengths)]
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    return Series.from_numpy(np.concatenate(values), offsets)


def index_of(*windows: tuple[int, int]) -> WindowIndex:
    series, cutoff = torch.tensor(windows).T
    return WindowIndex(series, cutoff)


# ------------------------------------------------------------------------------------------ gather


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.data(), lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_gather_is_slicing(data: st.DataObject, lengths: list[int]) -> None:
    missing = data.draw(st.sets(st.integers(0, sum(lengths) - 1)))
    before, after = data.draw(st.integers(0, 9)), data.draw(st.integers(1, 9))
    windows = data.draw(
        st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=6).flatmap(
            lambda ids: st.tuples(*[st.tuples(st.just(i), st.integers(0, lengths[i])) for i in ids])
        )
    )
    series = series_of(lengths)
    series.values[list(missing)] = torch.nan

    values, known = series.gather(index_of(*windows), before, after)

    for row, (i, cutoff) in enumerate(windows):
        own = series.values[sum(lengths[:i]) : sum(lengths[: i + 1]), 0].tolist()
        for column, t in enumerate(range(cutoff - before, cutoff + after)):
            there = 0 <= t < len(own) and not np.isnan(own[t])
            assert known[row, column, 0] == there
            assert values[row, column, 0] == (own[t] if there else 0.0)


def test_rows_outside_the_series_are_masked_not_taken_from_its_neighbours() -> None:
    values, known = series_of([3, 3, 3]).gather(index_of((1, 1)), before=2, after=4)
    assert values[..., 0].tolist() == [[0, 1000, 1001, 1002, 0, 0]]
    assert known[..., 0].tolist() == [[False, True, True, True, False, False]]


def test_gather_leaves_the_data_alone() -> None:
    series = series_of([4])
    values, _ = series.gather(series.ends(), 4, 0)
    values += 1
    assert series.values[:, 0].tolist() == [0, 1, 2, 3]


def test_offsets_are_int64() -> None:
    series = series_of([4, 2])
    assert series.starts.dtype == series.ends().cutoff.dtype == torch.int64
    drawn = WindowSampler(np.array([40, 20]), SHAPE, 8, seed=0).draw(0)
    assert drawn.series.dtype == drawn.cutoff.dtype == torch.int64


def test_ends_are_the_last_rows() -> None:
    series = series_of([4, 2])
    assert series.gather(series.ends(), 1, 0)[0].ravel().tolist() == [3, 1001]


def test_a_batch_is_in_the_units_of_each_windows_context() -> None:
    series = series_of([30, 30])
    batch = series.batch(index_of((0, 12), (1, 20)), SHAPE, window_norm=True)
    assert batch.values.shape == batch.known.shape == (2, SHAPE.before + SHAPE.horizon, 1)
    assert batch.values.dtype == batch.known.dtype == torch.float32
    # 5 rows of a line: mean at the third, spread sqrt(2); 2 rows before them, 4 after.
    expected = (np.arange(11) - 4) / np.sqrt(2)
    np.testing.assert_allclose(batch.values[..., 0], [expected, expected], rtol=1e-6)
    raw = series.batch(index_of((0, 12)), SHAPE, window_norm=False)
    assert raw.values[0, :, 0].tolist() == list(range(5, 16))


def test_a_held_out_tail_is_not_seen() -> None:
    short = series_of([5, 4, 1]).without_tail(2)
    assert short.lengths.tolist() == [3, 4, 1]  # those that have hardly more keep it
    values, known = short.gather(index_of((0, 3)), before=1, after=2)
    assert values[..., 0].tolist() == [[2, 0, 0]]
    assert known[..., 0].tolist() == [[True, False, False]]


def test_rows_after_the_cutoff_do_not_move_the_units() -> None:
    series = series_of([30])
    before = series.batch(index_of((0, 12)), SHAPE, window_norm=True).values
    series.values[12:] = 1e6
    after = series.batch(index_of((0, 12)), SHAPE, window_norm=True).values
    assert torch.equal(before[:, : SHAPE.before], after[:, : SHAPE.before])


# ----------------------------------------------------------------------------------------- sampler


def drawn(sampler: WindowSampler, steps: int) -> list[tuple[int, int]]:
    draws = [sampler.draw(step) for step in range(steps)]
    return [pair for d in draws for pair in zip(d.series.tolist(), d.cutoff.tolist(), strict=True)]


def test_a_draw_depends_on_the_seed_and_the_step_alone() -> None:
    lengths = np.array([100, 200])
    sampler, fresh = (WindowSampler(lengths, SHAPE, 16, seed=3) for _ in range(2))
    drawn(sampler, 7)
    np.random.default_rng(0).normal()
    assert torch.equal(sampler.draw(7).cutoff, fresh.draw(7).cutoff)
    assert torch.equal(sampler.draw(7).series, fresh.draw(7).series)


def test_steps_and_seeds_differ() -> None:
    lengths = np.array([10_000])
    cutoffs = [
        tuple(WindowSampler(lengths, SHAPE, 16, seed).draw(step).cutoff.tolist())
        for seed in (0, 1)
        for step in (0, 1, 2**32)
    ]
    assert len(set(cutoffs)) == len(cutoffs)
    assert len({cutoff for draw in cutoffs for cutoff in draw}) > 80  # of 96: no stretch repeats


def test_processes_share_one_draw() -> None:
    lengths = np.array([10_000])
    whole = WindowSampler(lengths, SHAPE, 12, seed=0).draw(5).cutoff
    sampler = WindowSampler(lengths, SHAPE, 4, seed=0)
    parts = [sampler.draw(5, rank=rank, processes=3).cutoff for rank in range(3)]
    assert torch.equal(torch.cat(parts), whole)


def admissible(lengths: list[int], shape: WindowShape = SHAPE) -> set[tuple[int, int]]:
    """Where a whole context and horizon fit."""
    return {
        (i, cutoff)
        for i, length in enumerate(lengths)
        for cutoff in range(shape.context_length, length - shape.horizon + 1)
    }


@pytest.mark.parametrize("lengths", [[9], [10, 14], [30, 9, 12]])
def test_all_admissible_cutoffs_and_only_these(lengths: list[int]) -> None:
    sampler = WindowSampler(np.array(lengths), SHAPE, 64, seed=0)
    assert sampler.count == len(admissible(lengths))
    assert set(drawn(sampler, 20)) == admissible(lengths)


def test_a_horizon_longer_than_half_of_the_series_is_still_whole() -> None:
    shape = WindowShape(longest_lag=1, context_length=2, horizon=8)
    sampler = WindowSampler(np.array([11]), shape, 64, seed=0)
    assert set(drawn(sampler, 5)) == admissible([11], shape)  # cutoffs 2 and 3


def test_every_window_is_equally_likely() -> None:
    lengths = [40, 15, 200]
    sampler = WindowSampler(np.array(lengths), SHAPE, 256, seed=0)
    windows, counts = np.unique(np.array(drawn(sampler, 100)), axis=0, return_counts=True)
    assert len(windows) == sampler.count
    expected = 25_600 / sampler.count
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = sampler.count - 1  # mean of chi-square; its standard deviation is sqrt(2 freedom)
    assert abs(chi_square - freedom) < 4 * np.sqrt(2 * freedom)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(2, 40), st.integers(1, 20), st.integers(1, 20))
def test_series_of_any_length_have_a_window_with_a_row_on_each_side(
    length: int, context: int, horizon: int
) -> None:
    sampler = WindowSampler(np.array([length]), WindowShape(1, context, horizon), 64, seed=0)
    cutoffs = sampler.draw(0).cutoff
    assert cutoffs.min() >= 1
    assert cutoffs.max() <= length - 1
    assert cutoffs.min() >= min(context, length // 2)  # enough is read


def test_short_series_are_drawn_beside_long_ones() -> None:
    sampler = WindowSampler(np.array([50, 3]), SHAPE, 64, seed=0)
    assert {i for i, _ in drawn(sampler, 20)} == {0, 1}
