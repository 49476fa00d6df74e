"""Simulated panels: their stamps, seasons and seeds, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import tsgen
from tsgen import SeasonalNaive, simulate
from tsgen.errors import SettingError
from tsgen.simulation import Prior

FREQUENCIES = ["h", "15min", "D", "B", "W-SUN", "W", "2W-WED", "MS", "ME", "M", "QS", "QE", "YS"]
QUIET = Prior(**dict.fromkeys(Prior.__dataclass_fields__, 0.0))


def wide(df: pd.DataFrame) -> pd.DataFrame:
    return df.pivot(index="ds", columns="unique_id", values="y")


def test_a_long_frame_series_by_series() -> None:
    df = simulate(12, 20, random_state=0)
    assert df.columns.tolist() == ["unique_id", "ds", "y"]
    assert df["unique_id"].tolist() == np.repeat([f"s{i}" for i in range(12)], 20).tolist()
    expected = list(pd.date_range("2000-01-01", periods=20, freq="MS"))
    assert df["ds"].tolist() == 12 * expected
    assert df["y"].dtype == np.float64
    assert np.isfinite(df["y"]).all()
    assert df.index.equals(pd.RangeIndex(240))


@pytest.mark.parametrize("freq", FREQUENCIES)
def test_stamps_are_of_the_frequency_and_go_on(freq: str) -> None:
    df = simulate(2, 40, freq=freq, random_state=0)
    assert pd.Timestamp("2000-01-01") <= df["ds"].iloc[0] < pd.Timestamp("2000-12-31")
    model = SeasonalNaive().fit(df, freq=freq)
    ahead = simulate(2, 43, freq=freq, random_state=0)["ds"].iloc[40:43]
    assert model.predict(3)["ds"].tolist()[:3] == ahead.tolist()


def test_offsets_and_integer_time() -> None:
    df = simulate(1, 3, freq=pd.offsets.QuarterEnd(startingMonth=1), random_state=0)
    assert df["ds"].dt.strftime("%Y-%m-%d").tolist() == ["2000-01-31", "2000-04-30", "2000-07-31"]
    assert simulate(2, 3, freq=5, random_state=0)["ds"].tolist() == 2 * [0, 5, 10]
    assert simulate(1, 400, freq="YS", random_state=0)["ds"].iloc[-1].year == 2399


@pytest.mark.parametrize(
    ("freq", "season_length", "seasons"),
    [
        ("MS", "auto", (12, None)),
        ("h", "auto", (24, 168)),
        ("15min", "auto", (96, 672)),
        ("D", "auto", (7, None)),
        ("W", "auto", (52, None)),
        ("YS", "auto", (1, None)),
        (1, "auto", (1, None)),
        (1, 6, (6, None)),
        ("h", 24, (24, None)),
        ("D", (5, 21), (5, 21)),
        ("D", [np.int64(7), 364], (7, 364)),
    ],
)
def test_seasons_follow_the_frequency_or_are_given(
    freq: Any, season_length: Any, seasons: tuple[int, int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    draw = Prior.values

    def values(prior: Prior, random: np.random.Generator, *sizes: Any) -> Any:
        asked.append(sizes[2:])
        return draw(prior, random, *sizes)

    monkeypatch.setattr(Prior, "values", values)
    simulate(1, 10, freq=freq, season_length=season_length, random_state=0)
    assert asked == [seasons]


def test_the_season_is_in_the_series() -> None:
    df = simulate(100, 96, season_length=8, freq=1, random_state=0, prior=QUIET)
    steps = wide(df).diff().iloc[1:]
    alike = [np.mean([steps[c].autocorr(lag) > 0.8 for c in steps]) for lag in (5, 8, 11)]
    assert alike[1] > 0.2 > 0.05 > max(alike[0], alike[2])


def test_a_seed_gives_the_same_series_and_more_series_the_same_first_ones() -> None:
    few, again, many = (simulate(n, 20, random_state=3) for n in (5, 5, 260))
    pd.testing.assert_frame_equal(few, again)
    pd.testing.assert_frame_equal(few, many.iloc[: len(few)])
    assert many["y"].nunique() > 0.8 * len(many)  # the second part isn't the first again
    other = simulate(5, 20, random_state=4)
    assert not np.isclose(few["y"], other["y"]).any()


def test_without_a_seed_series_are_others_each_time() -> None:
    assert not simulate(2, 30)["y"].equals(simulate(2, 30)["y"])


def test_the_global_generator_is_left_alone() -> None:
    before = repr(np.random.get_state())  # noqa: NPY002
    simulate(2, 30, random_state=0)
    assert repr(np.random.get_state()) == before  # noqa: NPY002


def test_a_prior_says_what_there_is() -> None:
    counts = Prior(growth=0.0, counts=1.0, intermittent=0.0, bounded=0.0, outliers=0.0)
    y = simulate(20, 30, random_state=0, prior=counts)["y"]
    assert (y >= 0).all()
    assert (y % 1 == 0).all()


@pytest.mark.slow
def test_long_series_and_many() -> None:
    assert len(simulate(2, 5_000, freq="h", random_state=0)) == 10_000
    assert simulate(1_000, 24, random_state=0)["unique_id"].nunique() == 1_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_series": 0}, "n_series=0: expected a whole number of 1 or more"),
        ({"n_series": 2.0}, "n_series=2.0: expected a whole number"),
        ({"length": True}, "length=True: expected a whole number"),
        ({"freq": "monthly"}, "freq='monthly' isn't a frequency that pandas knows"),
        ({"freq": None}, "freq=None isn't a frequency"),
        ({"freq": 0}, "freq=0 doesn't fit integer time"),
        ({"season_length": 0}, "season_length=0: expected a whole number of 1 or more"),
        ({"season_length": (24, 24)}, r"season_length=\(24, 24\): expected .* \(24, 168\)"),
        ({"season_length": (24, 168, 8766)}, r"season_length=\(24, 168, 8766\): expected"),
        ({"season_length": "yearly"}, "season_length='yearly': expected"),
        ({"random_state": -1}, "random_state=-1: expected None, or a whole number"),
        ({"prior": {"counts": 1.0}}, r"prior=\{'counts': 1.0\}: expected a tsgen.simulation.Prior"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        simulate(**{"n_series": 2, "length": 20, **arguments})


def test_the_module_needs_no_import_of_its_own() -> None:
    assert tsgen.simulation.Prior is Prior
