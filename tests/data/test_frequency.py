"""The stamps of a forecast are those with which pandas itself would go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsgen import LSTMForecaster, Naive, SeasonalNaive
from tsgen.data.frequency import declared_frequency, time_axis
from tsgen.errors import FrameError, SettingError

OBSERVED, AHEAD = 30, 12

WEEKS = [f"W-{day}" for day in ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")]
MONTHS = ["MS", "ME", "2MS", "6MS", "BMS", "BME"]
QUARTERS = ["QS", "QE", "QS-FEB", "QS-MAR", "QE-JAN", "QE-FEB", "QE-OCT"]
YEARS = ["YS", "YE", "YS-APR", "YE-JUN", "YE-SEP"]
STEPS = ["h", "15min", "30min", "5min", "6h", "D", "2D", "7D", "10s", "s", "100ms", "B", "2W-WED"]


def split(index: pd.DatetimeIndex, observed: int = OBSERVED) -> tuple[pd.Series, list[Any]]:
    """A series over the first rows of an index without a frequency, and the stamps after."""
    bare = pd.DatetimeIndex(index, freq=None)
    return pd.Series(np.arange(float(observed)), index=bare[:observed]), list(index[observed:])


def long_frame(series: pd.Series, names: tuple[str, ...] = ("a", "b")) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"unique_id": name, "ds": series.index, "y": series.to_numpy()})
        for name in names
    ]
    return pd.concat(parts, ignore_index=True)


# ------------------------------------------------------------------------------- found in the data


@pytest.mark.parametrize("start", ["2023-11-01", "2024-02-29", "1999-12-31"])
@pytest.mark.parametrize("freq", STEPS + WEEKS + MONTHS + QUARTERS + YEARS)
def test_stamps_go_on_as_pandas_does(freq: str, start: str) -> None:
    series, expected = split(pd.date_range(start, periods=OBSERVED + AHEAD, freq=freq))
    forecast = Naive().fit(series).predict(AHEAD)
    assert forecast.index.tolist() == expected
    forecast = Naive().fit(long_frame(series)).predict(AHEAD)
    assert forecast["ds"].tolist() == expected * 2


@pytest.mark.parametrize("freq", ["D", "W-TUE", "MS", "ME", "QS", "QE", "YS", "YE", "B"])
def test_time_of_day_is_kept(freq: str) -> None:
    """Days that end at 06:30, as in gas and power."""
    series, expected = split(pd.date_range("2023-01-01 06:30", periods=42, freq=freq))
    assert Naive().fit(series).predict(AHEAD).index.tolist() == expected


@pytest.mark.parametrize("freq", ["h", "D", "B", "W-SUN", "MS", "ME", "QS", "QE", "YS", "YE"])
@pytest.mark.parametrize("observed", [8, 9, 13])
def test_few_rows_are_enough(freq: str, observed: int) -> None:
    index = pd.date_range("2023-01-01", periods=observed + AHEAD, freq=freq)
    series, expected = split(index, observed)
    assert Naive().fit(series).predict(AHEAD).index.tolist() == expected


@pytest.mark.parametrize("freq", ["h", "D", "W-SUN", "MS", "ME", "QS", "QE", "YS", "YE", "10s"])
@pytest.mark.parametrize("observed", [2, 3])
def test_two_or_three_rows_are_enough(freq: str, observed: int) -> None:
    """From the first of January on, where no shorter step explains them."""
    index = pd.date_range("2023-01-01", periods=observed + AHEAD, freq=freq)
    series, expected = split(index, observed)
    assert Naive().fit(series).predict(AHEAD).index.tolist() == expected


def test_february_does_not_hide_the_month_end() -> None:
    """28 February and 31 March, and not 28 days."""
    index = pd.DatetimeIndex(["2023-02-28", "2023-03-31", "2023-04-30"])
    forecast = Naive().fit(pd.Series([1.0, 2.0, 3.0], index=index)).predict(3)
    assert forecast.index.day.tolist() == [31, 30, 31]


def test_one_short_series_beside_long_ones_takes_their_frequency() -> None:
    series, expected = split(pd.date_range("2020-01-31", periods=42, freq="ME"))
    short = pd.DataFrame({"unique_id": "c", "ds": series.index[-1:], "y": [7.0]})
    forecast = Naive().fit(pd.concat([long_frame(series), short])).predict(AHEAD)
    assert forecast.loc[forecast["unique_id"] == "c", "ds"].tolist() == expected


def test_business_days_are_seen_in_the_panel() -> None:
    """A week from Monday to Friday beside series that cross a weekend."""
    series, _ = split(pd.date_range("2024-01-01", periods=42, freq="B"))
    week = long_frame(series.iloc[:5], ("c",))
    forecast = Naive().fit(pd.concat([long_frame(series), week])).predict(1)
    assert forecast["ds"].iloc[-1] == pd.Timestamp("2024-01-08")


def test_a_horizon_of_thousands_of_steps() -> None:
    index = pd.date_range("2020-01-31", periods=30 + 2_000, freq="ME", unit="s")
    series, expected = split(index)
    assert Naive().fit(series).predict(2_000).index.tolist() == expected


def test_steps_of_no_frequency_are_refused() -> None:
    index = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-11", "2024-02-20"])
    with pytest.raises(FrameError, match=r"2024-01-\d\d"):
        Naive().fit(pd.Series(np.arange(5.0), index=index))


def test_one_row_has_no_frequency() -> None:
    series = pd.Series([1.0], index=pd.DatetimeIndex(["2024-01-01"]))
    with pytest.raises(FrameError, match="freq="):
        Naive().fit(series)
    forecast = Naive().fit(series, freq="W-MON").predict(2)
    assert forecast.index.tolist() == [pd.Timestamp("2024-01-08"), pd.Timestamp("2024-01-15")]


# ------------------------------------------------------------------------- phases within a panel

PHASES = {
    "2MS": ("2020-01-01", "2020-02-01"),
    "6MS": ("2020-01-01", "2020-03-01"),
    "2ME": ("2020-01-31", "2020-02-29"),
    "2BMS": ("2020-01-01", "2020-02-03"),
    "2QS": ("2020-01-01", "2020-04-01"),
    "2QE": ("2020-03-31", "2020-06-30"),
    "2YS": ("2020-01-01", "2021-01-01"),
    "2YE": ("2020-12-31", "2021-12-31"),
    "2B": ("2020-01-01", "2020-01-02"),
    "3B": ("2020-01-01", "2020-01-03"),
    "2D": ("2020-01-01", "2020-01-02"),
    "2W-SUN": ("2020-01-05", "2020-01-12"),
    "2h": ("2020-01-01 00:00", "2020-01-01 01:00"),
}


def panel_of(axes: dict[str, pd.DatetimeIndex]) -> pd.DataFrame:
    return pd.concat(
        long_frame(pd.Series(np.arange(float(len(axis))), index=axis), (name,))
        for name, axis in axes.items()
    )


def continued(forecast: pd.DataFrame, name: str) -> list[Any]:
    return forecast.loc[forecast["unique_id"] == name, "ds"].tolist()


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("freq", PHASES)
def test_series_of_a_panel_stand_in_phases_of_their_own(freq: str, declared: bool) -> None:
    axes = {
        name: pd.date_range(start, periods=42, freq=freq)
        for name, start in zip("ab", PHASES[freq], strict=True)
    }
    df = panel_of({name: axis[:OBSERVED] for name, axis in axes.items()})
    forecast = Naive().fit(df, freq=freq if declared else None).predict(AHEAD)
    for name, axis in axes.items():
        assert continued(forecast, name) == axis[OBSERVED:].tolist()


@pytest.mark.parametrize("freq", PHASES)
def test_gaps_of_series_in_phases_of_their_own(freq: str) -> None:
    axes = {
        name: pd.date_range(start, periods=42, freq=freq)
        for name, start in zip("ab", PHASES[freq], strict=True)
    }
    df = panel_of({name: axis[:OBSERVED].delete([7]) for name, axis in axes.items()})
    with pytest.raises(FrameError) as caught:
        Naive().fit(df, freq=freq)
    for name, axis in axes.items():
        assert f"series {name!r} at {axis[7]}" in str(caught.value)
    forecast = Naive().fit(df, freq=freq, fill="ffill").predict(AHEAD)
    for name, axis in axes.items():
        assert continued(forecast, name) == axis[OBSERVED:].tolist()


@pytest.mark.parametrize(
    "anchors",
    [
        ("QS-JAN", "QS-FEB", "QS-MAR"),
        ("QE-DEC", "QE-JAN", "QE-NOV"),
        ("BQE-DEC", "BQE-JAN"),
        ("BQS-JAN", "BQS-FEB"),
        ("YS-JAN", "YS-APR"),
        ("YE-DEC", "YE-JUN", "YE-SEP"),
        ("BYE-DEC", "BYE-JUN"),
        ("BYS-JAN", "BYS-APR"),
        ("W-SUN", "W-MON"),
    ],
    ids=lambda anchors: anchors[0][:-4],
)
def test_the_quarter_or_year_of_each_series_is_its_own(
    anchors: tuple[str, ...], tmp_path: Path
) -> None:
    """Fiscal years of companies; declared, an anchor is that of all."""
    axes = {freq: pd.date_range("2000-01-01", periods=42, freq=freq) for freq in anchors}
    df = panel_of({freq: axis[:OBSERVED] for freq, axis in axes.items()})
    model = LSTMForecaster(max_steps=2, verbose=False, calendar=["month_of_year"]).fit(df)
    model.save(tmp_path / "model")
    for forecast in (model.predict(AHEAD), LSTMForecaster.load(tmp_path / "model").predict(AHEAD)):
        for freq, axis in axes.items():
            assert continued(forecast, freq) == axis[OBSERVED:].tolist()
    with pytest.raises(FrameError, match=f"'{anchors[0]}' .declared., but not in all series"):
        Naive().fit(df, freq=anchors[0])


def test_quarters_and_months_are_still_told_apart() -> None:
    df = panel_of(
        {
            "a": pd.date_range("2000-01-01", periods=42, freq="QS"),
            "b": pd.date_range("2000-01-01", periods=30, freq="MS"),
        }
    )
    with pytest.raises(FrameError, match=r"'QS-.*' .found.*, but not in all.*'b' has 'MS'"):
        Naive().fit(df)


@pytest.mark.parametrize(
    ("offset", "plain"),
    [
        (pd.DateOffset(days=1), "D"),
        (pd.DateOffset(2), "2D"),
        (pd.DateOffset(weeks=2), "14D"),
        (pd.DateOffset(hours=6), "6h"),
        (pd.DateOffset(2, minutes=15), "30min"),
    ],
    ids=str,
)
def test_offsets_of_days_and_hours_are_plain_ones(offset: Any, plain: str) -> None:
    assert declared_frequency(offset, pd.DatetimeIndex(["2024-01-01"])).name == plain


# ------------------------------------------------------------------------------ over clock changes

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
CHANGES = ["2024-03-08", "2024-03-29", "2024-04-05", "2024-10-04", "2024-10-25", "2024-11-01"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("start", CHANGES)
@pytest.mark.parametrize("freq", ["h", "30min", "15min"])
def test_hours_in_a_zone_are_absolute(freq: str, start: str, zone: str) -> None:
    """Before, in and after the change, which comes within three days of each start."""
    index = pd.date_range(start, periods=400, freq=freq, tz=zone)
    for observed in (20, 52, 100):
        series, expected = split(index, observed)
        forecast = Naive().fit(series).predict(len(expected))
        assert forecast.index.tolist() == expected
        assert forecast.index.dtype == series.index.dtype


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("start", CHANGES)
@pytest.mark.parametrize("freq", ["D", "2D"])
def test_days_in_a_zone_are_local(freq: str, start: str, zone: str) -> None:
    index = pd.date_range(start, periods=24, freq=freq, tz=zone)
    for observed in (4, 8, 12):
        series, expected = split(index, observed)
        forecast = Naive().fit(series).predict(24 - observed)
        assert forecast.index.tolist() == expected
        assert {stamp.hour for stamp in forecast.index} == {0}


@pytest.mark.parametrize("freq", ["W-SUN", "MS", "ME", "QS", "YE", "B"])
def test_calendar_steps_in_a_zone_are_local(freq: str) -> None:
    series, expected = split(pd.date_range("2023-01-01", periods=42, freq=freq, tz="Europe/Berlin"))
    forecast = Naive().fit(series).predict(AHEAD)
    assert forecast.index.tolist() == expected
    assert {stamp.hour for stamp in forecast.index} == {0}


def test_a_panel_of_hours_in_a_zone() -> None:
    index = pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Berlin")
    series, expected = split(index, 20)
    forecast = Naive().fit(long_frame(series)).predict(28)
    assert forecast["ds"].tolist() == expected * 2
    assert forecast["ds"].dtype == index.dtype


# ------------------------------------------------------------------ periods, integers, far futures


@pytest.mark.parametrize("freq", ["M", "Q", "Q-NOV", "Y", "Y-JUN", "D", "h", "W-WED", "15min"])
def test_periods(freq: str) -> None:
    index = pd.period_range("2019-03-04", periods=OBSERVED + AHEAD, freq=freq)
    series = pd.Series(np.arange(float(OBSERVED)), index=index[:OBSERVED])
    forecast = Naive().fit(series).predict(AHEAD)
    assert forecast.index.dtype == index.dtype
    assert forecast.index.tolist() == index[OBSERVED:].tolist()
    forecast = Naive().fit(long_frame(series)).predict(AHEAD)
    assert forecast["ds"].dtype == index.dtype
    assert forecast["ds"].tolist() == index[OBSERVED:].tolist() * 2


def test_a_gap_between_periods_is_seen() -> None:
    index = pd.period_range("2019-01", periods=12, freq="M").delete(5)
    with pytest.raises(FrameError, match="2019-06"):
        Naive().fit(pd.Series(np.arange(11.0), index=index))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint16"])
@pytest.mark.parametrize("first", [0, 1, 1_000])
@pytest.mark.parametrize("step", [1, 2, 10])
def test_integers(step: int, first: int, dtype: str) -> None:
    index = pd.Index(np.arange(first, first + step * 42, step), dtype=dtype)
    series = pd.Series(np.arange(30.0), index=index[:30])
    forecast = Naive().fit(series).predict(AHEAD)
    assert forecast.index.tolist() == index[30:].tolist()
    assert forecast.index.dtype == index.dtype
    assert Naive().fit(series, freq=step).predict(1).index.tolist() == [index[30]]


def test_negative_integers() -> None:
    series = pd.Series([1.0, 2.0, 3.0], index=[-5, -3, -1])
    assert Naive().fit(series).predict(2).index.tolist() == [1, 3]


def test_integers_never_wrap_around() -> None:
    """The next number doesn't fit the dtype: a wider one or an error, but not a negative time."""
    series = pd.Series([1.0, 2.0, 3.0], index=[2**63 - 4, 2**63 - 3, 2**63 - 2])
    with pytest.raises(ValueError, match="int64"):
        Naive().fit(series).predict(5)


def test_a_gap_between_integers_is_seen() -> None:
    with pytest.raises(FrameError, match=r"\b14\b"):
        Naive().fit(pd.Series(np.arange(6.0), index=[10, 11, 12, 13, 15, 16]))


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("freq", ["h", "D", "W-FRI", "MS", "ME", "QE", "YS", "B"])
def test_year_2523(freq: str, unit: str) -> None:
    index = pd.date_range("2023-06-01", periods=42, freq=freq)
    later = [stamp.replace(year=stamp.year + 500) for stamp in index.as_unit(unit)]
    first = pd.Timestamp(later[0]).as_unit(unit)
    index = pd.date_range(first, periods=42, freq=freq, unit=unit)
    series, expected = split(index)
    forecast = Naive().fit(series).predict(AHEAD)
    assert forecast.index.tolist() == expected
    assert forecast.index.dtype == f"datetime64[{unit}]"


@pytest.mark.parametrize("unit", ["s", "us"])
def test_before_1677(unit: str) -> None:
    index = pd.DatetimeIndex(np.arange("1500", "1520", dtype="datetime64[Y]").astype(f"M8[{unit}]"))
    series, expected = split(index, 15)
    assert Naive().fit(series).predict(5).index.tolist() == expected


# ----------------------------------------------------------------------------- declared with freq=


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("M", "ME"),
        ("Q", "QE"),
        ("Q-NOV", "QE-NOV"),
        ("A", "YE"),
        ("Y", "YE"),
        ("A-DEC", "YE"),
        ("A-JUN", "YE-JUN"),
        ("AS", "YS"),
        ("AS-APR", "YS-APR"),
        ("BM", "BME"),
        ("H", "h"),
        ("6H", "6h"),
        ("T", "min"),
        ("15T", "15min"),
        ("S", "s"),
        ("L", "ms"),
        ("2M", "2ME"),
        ("d", "D"),
        ("w-sun", "W-SUN"),
    ],
)
def test_old_aliases(old: str, new: str) -> None:
    series, expected = split(pd.date_range("2019-12-31", periods=42, freq=new))
    assert Naive().fit(series, freq=old).predict(AHEAD).index.tolist() == expected


@pytest.mark.parametrize(
    "freq", [*STEPS, *MONTHS, *QUARTERS, *YEARS, "W", "W-MON", "1h", "60min", "3600s", "24h"]
)
def test_declared(freq: str) -> None:
    series, expected = split(pd.date_range("2019-12-31", periods=42, freq=freq))
    assert Naive().fit(series, freq=freq).predict(AHEAD).index.tolist() == expected


@pytest.mark.parametrize(
    "offset",
    [
        pd.offsets.MonthEnd(),
        pd.offsets.Hour(6),
        pd.offsets.BusinessDay(),
        pd.offsets.Week(weekday=2),
    ],
    ids=str,
)
def test_declared_as_an_offset(offset: pd.offsets.BaseOffset) -> None:
    series, expected = split(pd.date_range("2019-12-31", periods=42, freq=offset))
    assert Naive().fit(series, freq=offset).predict(AHEAD).index.tolist() == expected


def test_declared_business_days_of_one_week() -> None:
    series = pd.Series(np.arange(5.0), index=pd.date_range("2024-01-01", periods=5))
    assert Naive().fit(series, freq="B").predict(1).index[0] == pd.Timestamp("2024-01-08")
    assert Naive().fit(series, freq="D").predict(1).index[0] == pd.Timestamp("2024-01-06")


@pytest.mark.parametrize(
    ("observed", "declared"),
    [
        ("h", "D"),
        ("D", "h"),
        ("D", "B"),
        ("ME", "MS"),
        ("MS", "ME"),
        ("W-SUN", "W-MON"),
        ("h", "15min"),
        ("15min", "h"),
        ("QS", "MS"),
        ("MS", "QS"),
        ("YE", "YS"),
        ("2D", "D"),
        ("D", "2D"),
    ],
)
def test_declared_against_observed(observed: str, declared: str) -> None:
    """Both are shown, as pandas spells them."""
    index = pd.date_range("2019-12-31", periods=36, freq=observed)
    series, _ = split(index)
    spelling = index.freqstr.split("-")[0] if observed[0] in "QY" else observed
    for df in (series, long_frame(series)):
        with pytest.raises(FrameError) as caught:
            Naive().fit(df, freq=declared)
        message = str(caught.value)
        assert f"'{declared}" in message
        assert f"'{spelling}" in message


def test_declared_step_of_integers_against_observed() -> None:
    with pytest.raises(FrameError, match=r"\b2\b.*\b1\b|\b1\b.*\b2\b"):
        Naive().fit(pd.Series([1.0, 2.0, 3.0, 4.0]), freq=2)


@pytest.mark.parametrize("freq", ["D", 2])
def test_declared_for_periods_of_another_frequency(freq: Any) -> None:
    series = pd.Series([1.0, 2.0], index=pd.period_range("2024-01", periods=2, freq="M"))
    with pytest.raises((FrameError, SettingError), match="M"):
        Naive().fit(series, freq=freq)


@pytest.mark.parametrize("freq", ["banana", "", 0, -1, 2.5, "0D", "-1D", True, [1]])
def test_no_frequency_at_all(freq: Any) -> None:
    series, _ = split(pd.date_range("2024-01-01", periods=42))
    with pytest.raises(SettingError, match="freq="):
        Naive().fit(series, freq=freq)


# ----------------------------------------------------------------------------------- season length


@pytest.mark.parametrize("unit", ["ns", "s"])
@pytest.mark.parametrize(
    ("freq", "season"),
    [
        ("h", 24),
        ("30min", 48),
        ("15min", 96),
        ("D", 7),
        ("B", 5),
        *((week, 52) for week in WEEKS),
        ("MS", 12),
        ("ME", 12),
        ("BME", 12),
        ("QS", 4),
        ("QE", 4),
        ("QS-FEB", 4),
        ("YS", 1),
        ("YE", 1),
    ],
)
def test_season_length(freq: str, season: int, unit: str) -> None:
    periods = 2 * season + 10
    index = pd.date_range("2001-01-01", periods=periods, freq=freq, unit=unit)
    series, _ = split(index, periods)
    assert SeasonalNaive().fit(series).season_length_ == season
    assert SeasonalNaive().fit(series, freq=freq).season_length_ == season


@pytest.mark.parametrize(("freq", "season"), [("M", 12), ("Q", 4), ("Y", 1), ("D", 7), ("h", 24)])
def test_season_length_of_periods(freq: str, season: int) -> None:
    index = pd.period_range("2001-01-01", periods=60, freq=freq)
    assert SeasonalNaive().fit(pd.Series(range(60), index=index)).season_length_ == season


@pytest.mark.parametrize("step", [1, 2, 12])
def test_season_length_of_integers(step: int) -> None:
    index = pd.Index(np.arange(0, 60 * step, step))
    assert SeasonalNaive().fit(pd.Series(range(60), index=index)).season_length_ == 1


def test_season_length_that_was_given() -> None:
    series, _ = split(pd.date_range("2024-01-01", periods=42))
    model = SeasonalNaive(season_length=3).fit(series)
    assert model.season_length_ == 3
    assert model.predict(4).tolist() == [27.0, 28.0, 29.0, 27.0]


@pytest.mark.parametrize("season", [0, -1, 2.5, "7", True])
@pytest.mark.parametrize("make", [SeasonalNaive, LSTMForecaster])
def test_season_length_is_checked(make: Any, season: Any) -> None:
    series, _ = split(pd.date_range("2024-01-01", periods=42))
    with pytest.raises(SettingError, match="season_length"):
        make(season_length=season).fit(series)


@pytest.mark.parametrize(
    "freq",
    [0, "0D", "-1D", pd.offsets.Day(-1), pd.Timedelta(0), pd.DateOffset(day=1),
     pd.DateOffset(months=-1), pd.DateOffset(month=3, day=20)],
    ids=str,
)  # fmt: skip
def test_a_frequency_that_does_not_lead_on_is_refused(freq: Any) -> None:
    series = pd.Series(range(20), index=pd.date_range("2020-01-01", periods=20))
    with pytest.raises(SettingError, match=r"^freq=.* isn't a frequency"):
        declared_frequency(freq, series.index)


def test_old_aliases_with_an_anchor_of_digits() -> None:
    axis = pd.date_range("2024-01-15", periods=4, freq="SME-15")
    assert declared_frequency("SM-15", axis) == declared_frequency("SME-15", axis)


def test_digits_that_are_no_number_are_no_step() -> None:
    with pytest.raises(SettingError, match="freq='²' doesn't fit integer time"):
        declared_frequency("²", pd.Index([1, 2, 3]))


@pytest.mark.parametrize(
    ("freq", "rows"),
    [("h", 168), ("30min", 336), ("6h", 28), ("D", None), ("B", None), ("W-SUN", None),
     ("MS", None), ("YS", None), ("5s", None), ("7h", None), (1, None)],
)  # fmt: skip
def test_rows_in_a_week_where_a_season_is_a_day(freq: str | int, rows: int | None) -> None:
    assert time_axis(freq, 3).frequency.longer_season == rows


@pytest.mark.parametrize("freq", STEPS + WEEKS + MONTHS + QUARTERS + YEARS)
def test_an_axis_has_the_stamps_of_pandas(freq: str) -> None:
    axis = time_axis(freq, 30)
    assert list(axis.times) == list(pd.date_range("2000-01-01", periods=30, freq=freq))
    assert (axis.frequency.advance(axis.times) == 1).all()


def test_an_axis_of_numbers_and_one_of_many_years() -> None:
    assert time_axis(2, 3).times.tolist() == [0, 2, 4]
    assert time_axis(np.int64(2), 3).frequency.name == "2"
    assert time_axis("YE", 600).times[-1] == pd.Timestamp("2599-12-31").as_unit("s")


def test_an_axis_that_leaves_all_stamps(monkeypatch: pytest.MonkeyPatch) -> None:
    def date_range(*_: Any, **__: Any) -> None:
        raise pd.errors.OutOfBoundsDatetime

    frequency = declared_frequency("YS", pd.DatetimeIndex([]))
    monkeypatch.setattr(pd, "date_range", date_range)
    with pytest.raises(SettingError, match=f"3 rows at freq='{frequency.name}'.*fewer rows"):
        time_axis("YS", 3)
