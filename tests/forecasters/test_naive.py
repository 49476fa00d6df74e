"""Naive and seasonal naive, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsgen import Naive, SeasonalNaive
from tsgen.errors import NotFittedError, SettingError

SERIES = pd.Series([1.0, 2.0, 3.0, 4.0, 7.0], name="y")


def test_naive_repeats_the_last_value() -> None:
    assert Naive().fit(SERIES).predict(3).tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("season", "expected"),
    [
        (1, [7, 7, 7, 7]),
        (2, [4, 7, 4, 7]),
        (3, [3, 4, 7, 3]),
        (9, [1, 2, 3, 4, 7, 1]),  # longer than the series: all it has
    ],
)
def test_seasonal_naive_repeats_the_last_season(season: int, expected: list[float]) -> None:
    model = SeasonalNaive(season_length=season).fit(SERIES)
    assert model.predict(len(expected)).tolist() == expected


@pytest.mark.parametrize(("freq", "season"), [("MS", 12), ("h", 24), ("D", 7), ("QS", 4)])
def test_the_season_comes_from_the_frequency(freq: str, season: int) -> None:
    index = pd.date_range("2000-01-01", periods=60, freq=freq)
    forecast = SeasonalNaive().fit(pd.Series(np.arange(60.0), index=index)).predict(season + 1)
    assert forecast.tolist() == [*range(60 - season, 60), 60 - season]


def test_integer_time_has_no_season() -> None:
    assert SeasonalNaive().fit(SERIES).predict(2).tolist() == [7, 7]


def test_each_series_has_its_own_last_season_and_end() -> None:
    wide = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [5.0, 6.0, 7.0, np.nan]})
    forecast = SeasonalNaive(season_length=2).fit(wide).predict(3)
    assert forecast["a"].tolist() == [3, 4, 3]
    assert forecast["b"].tolist() == [7, 6, 7]  # the first repeats 6, at the row that b lacks
    assert Naive().fit(wide).predict(1).iloc[0].tolist() == [4, 7]


@pytest.mark.parametrize("model", [Naive(), SeasonalNaive(season_length=2)])
def test_another_frame_is_continued_from_its_own_rows(model: Any) -> None:
    other = pd.DataFrame({"x": [8.0, 9.0], "y": [5.0, 5.0]})
    assert model.fit(SERIES).predict(1, df=other).shape == (1, 2)
    assert model.predict(2, df=pd.Series([5.0, 5.0])).tolist() == [5, 5]
    assert model.predict(1).iloc[0] in (4, 7)  # the training series is still there


def test_before_fit() -> None:
    with pytest.raises(NotFittedError, match="call fit"):
        Naive().predict(1)


@pytest.mark.parametrize("season", [0, -1, 1.5, None, "year", True])
def test_a_bad_season_is_refused(season: Any) -> None:
    with pytest.raises(SettingError, match="season_length="):
        SeasonalNaive(season_length=season).fit(SERIES)
