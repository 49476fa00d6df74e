"""Levels, trends and seasons, run forward: what each parameter does to a series."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen._typing import FloatArray
from tsgen.simulation._draws import Draws
from tsgen.simulation.structural import (
    _Character,
    _run,
    _Smoothing,
    _trends,
    level_shifts,
    structural,
)

properties = settings(max_examples=15, deadline=None, derandomize=True, database=None)
STILL = _Smoothing(*(np.zeros(1) for _ in range(5)))


def draws(count: int = 200, length: int = 120, seed: int = 0) -> Draws:
    return Draws(np.random.default_rng(seed), count, length)


def run(
    innovations: list[float],
    smoothing: _Smoothing = STILL,
    *,
    trend: float = 0.0,
    pattern: tuple[float, ...] = (0.0,),
    steps: list[float] | None = None,
) -> list[float]:
    """One series by given numbers."""
    rows = np.array([innovations], dtype=np.float64)
    jumps = np.zeros_like(rows) if steps is None else np.array([steps], dtype=np.float64)
    trends = np.zeros_like(rows)
    trends[:, 0] = trend
    return _run(rows, smoothing, trends, np.array([pattern]), jumps)[0].tolist()


def with_(**numbers: float) -> _Smoothing:
    return replace(STILL, **{name: np.array([number]) for name, number in numbers.items()})


def test_of_a_surprise_stays_what_the_level_keeps_of_it() -> None:
    assert run([0, 4, 0, 0]) == [0, 4, 0, 0]
    assert run([0, 4, 0, 0], with_(level=1.0)) == [0, 4, 4, 4]
    assert run([0, 4, 0, 0], with_(level=0.25)) == [0, 4, 1, 1]


def test_a_trend_goes_on_or_is_damped() -> None:
    assert run([0, 0, 0, 0], with_(damping=1.0), trend=2.0) == [2, 4, 6, 8]
    assert run([0, 0, 0, 0], with_(damping=0.5), trend=2.0) == [1, 1.5, 1.75, 1.875]
    assert run([4, 0, 0], with_(level=0.5, trend=0.5, damping=1.0)) == [4, 3, 4]


def test_a_season_repeats_and_takes_up_surprises_of_its_row() -> None:
    assert run([0] * 5, pattern=(1.0, 3.0)) == [1, 3, 1, 3, 1]
    assert run([2, 0, 0, 0, 0], with_(season=0.5), pattern=(1.0, 3.0)) == [3, 3, 2, 3, 2]


def test_noise_may_remember_and_levels_jump_from_the_next_row_on() -> None:
    assert run([4, 0, 0], with_(memory=0.5)) == [4, 2, 1]
    assert run([0, 0, 0], steps=[0, 5, 0]) == [0, 0, 5]


def test_two_in_five_series_have_level_shifts_that_are_larger_than_the_noise() -> None:
    jumps = level_shifts(draws(2000, 400), np.full(2000, 0.02))
    assert (jumps == 0).all(axis=1).mean() == pytest.approx(0.6, abs=0.05)
    rate = (jumps != 0).mean(axis=1)
    assert rate.max() == pytest.approx(0.03, abs=0.03)
    assert 0.04 < jumps[jumps != 0].std() < 1.0
    slow = level_shifts(draws(2000, 400), np.full(2000, 0.02), pace=0.1)
    assert (slow != 0).mean() == pytest.approx(0.1 * (jumps != 0).mean(), rel=0.2)


def test_trends_begin_at_the_first_row_and_some_later() -> None:
    trends = _trends(draws(2000, 100), np.ones(2000))
    assert (trends[:, 0] != 0).mean() == pytest.approx(0.65, abs=0.05)
    later = (trends[:, 1:] != 0).sum(axis=1)
    assert later[trends[:, 0] != 0].mean() == pytest.approx(0.75, abs=0.15)


def repeats(values: FloatArray, lag: int) -> FloatArray:
    """The autocorrelation of differences, by series, at a lag."""
    steps = np.diff(values, axis=1)
    steps = steps - steps.mean(axis=1, keepdims=True)
    return (steps[:, lag:] * steps[:, :-lag]).mean(axis=1) / steps.var(axis=1)


@pytest.mark.parametrize("season", [4, 7, 12, 24])
def test_the_season_is_found_again(season: int) -> None:
    values = structural(draws(300, 12 * season), season)
    found = np.stack([repeats(values, lag) for lag in range(2, season + 3)], axis=1)
    strong = found.max(axis=1) > 0.8
    assert strong.mean() > 0.2
    assert (found[strong].argmax(axis=1) + 2 == season).mean() > 0.95
    without = structural(draws(300, 12 * season), 1)
    assert (repeats(without, season) > 0.8).mean() < 0.02


def test_two_thirds_of_the_series_have_a_week_around_the_day() -> None:
    values, daily = (structural(draws(300, 400), 24, longer) for longer in (168, None))
    week = values - daily  # which is drawn last
    assert (week == 0).all(axis=1).mean() == pytest.approx(0.35, abs=0.1)
    np.testing.assert_allclose(week[:, 168:], week[:, :-168], atol=1e-9)
    assert not np.allclose(week[:, 24:], week[:, :-24])


def test_parameters_are_shares() -> None:
    drawn = _Smoothing.drawn(draws(2000), _Character())
    for name in (field.name for field in fields(drawn)):
        values = getattr(drawn, name)
        assert values.shape == (2000,)
        assert values.max() <= 1.0
        assert values.min() >= (-0.3 if name == "memory" else 0.0)
    assert (drawn.level == 1.0).mean() == pytest.approx(0.2, abs=0.05)
    assert (drawn.damping == 1.0).mean() == pytest.approx(0.25, abs=0.05)


def test_what_moves_series_depends_on_their_season() -> None:
    def moved_by_a_line(season: int) -> float:
        values = structural(draws(1000, 120), season)
        rows = np.arange(120) - 59.5
        centred = values - values.mean(axis=1, keepdims=True)
        line = (centred @ rows) ** 2 / (rows @ rows)
        return float(np.median(line / (centred**2).sum(axis=1)))

    years, quarters, months, weeks, hours = map(moved_by_a_line, (1, 4, 12, 52, 24))
    assert years > quarters > months > hours
    assert weeks > months
    assert hours < 0.1


@properties
@given(season=st.integers(1, 400), length=st.integers(1, 300), weeks=st.sampled_from([None, 2, 7]))
def test_every_season_and_length_is_finite(season: int, length: int, weeks: int | None) -> None:
    longer = None if weeks is None else weeks * season
    values = structural(draws(8, length), season, longer)
    assert values.shape == (8, length)
    assert np.isfinite(values).all()
