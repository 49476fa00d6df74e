"""Patterns of one season: mean 0, spread 1, waves or spikes, and weeks around days."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.simulation._draws import Draws
from tsgen.simulation.seasons import harmonics, season_around, season_pattern, spikes

properties = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def draws(count: int = 400, seed: int = 0) -> Draws:
    return Draws(np.random.default_rng(seed), count, 1)


@properties
@given(season=st.integers(1, 400))
def test_a_pattern_has_mean_0_and_spread_1_or_is_0(season: int) -> None:
    pattern = season_pattern(draws(50), season)
    assert pattern.shape == (50, season)
    np.testing.assert_allclose(pattern.mean(axis=1), 0.0, atol=1e-9)
    moves = np.abs(pattern).max(axis=1) > 0
    np.testing.assert_allclose(pattern[moves].std(axis=1), 1.0)
    assert moves.mean() > 0.7 or season == 1


def test_harmonics_are_the_sum_of_waves_whose_higher_ones_are_smaller() -> None:
    power = np.abs(np.fft.rfft(harmonics(draws(), 48), axis=1)).mean(axis=0)
    assert power[0] == pytest.approx(0.0, abs=1e-9)  # no mean
    assert power[1] > 2 * power[4] > 2 * power[16] > 0
    far = np.abs(np.fft.rfft(harmonics(draws(), 200), axis=1)).mean(axis=0)
    np.testing.assert_allclose(far[25:], 0.0, atol=1e-8)  # 24 of them, at most


def test_spikes_leave_many_rows_at_0() -> None:
    pattern = spikes(draws(), 52)
    assert (pattern == 0).mean() == pytest.approx(0.475, abs=0.05)
    assert ((pattern == 0).mean(axis=1) > 0.8).any()


@properties
@given(season=st.integers(1, 48), ratio=st.integers(2, 9), more=st.integers(0, 3))
def test_a_longer_season_has_mean_0_and_spread_1_or_is_0(
    season: int, ratio: int, more: int
) -> None:
    longer = season * ratio + min(more, season - 1)
    pattern = season_around(draws(50), season, longer)
    assert pattern.shape == (50, longer)
    np.testing.assert_allclose(pattern.mean(axis=1), 0.0, atol=1e-9)
    spread = pattern.std(axis=1)
    np.testing.assert_allclose(spread[spread > 0], 1.0)


def test_days_of_a_week_are_alike_but_for_two_that_follow_each_other() -> None:
    days = season_around(draws(), 24, 168).reshape(400, 7, 24)
    shapes = days - days.mean(axis=2, keepdims=True)
    odd = np.abs(shapes).max(axis=2) > 1e-9
    assert set(odd.sum(axis=1)) == {0, 2}
    weekend = odd[odd.any(axis=1)]
    assert (weekend & np.roll(weekend, 1, axis=1)).any(axis=1).all()
    # The two have one pattern.
    at = np.argsort(~weekend, axis=1, kind="stable")[:, :2]
    two = np.take_along_axis(shapes[odd.any(axis=1)], at[:, :, None], axis=1)
    np.testing.assert_allclose(two[:, 0], two[:, 1], atol=1e-9)
