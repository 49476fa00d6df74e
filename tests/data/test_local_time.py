"""Daily, weekly and monthly data where clocks change at midnight, or at the hour of the data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.command_line import in_empty_folder

from tsgen import LSTMForecaster, Naive, hold_out
from tsgen.data.frequency import inferred_frequency
from tsgen.data.local_time import clock_of, localise, wall_times

# Zone, a day whose midnight doesn't exist (pandas has 01:00), or one that has it twice.
FORWARD = [
    ("America/Santiago", "2023-09-03"),
    ("America/Asuncion", "2023-10-01"),
    ("America/Havana", "2023-03-12"),
    ("Africa/Cairo", "2023-04-28"),
    ("Asia/Beirut", "2024-03-31"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("Atlantic/Azores", "2023-03-26"),
]
BACKWARD = [
    ("America/Havana", "2023-11-05"),
    ("Atlantic/Azores", "2023-10-29"),
    ("Asia/Beirut", "2023-10-29"),
    ("America/Santiago", "2023-04-02"),
]
CHANGES = [*FORWARD, *BACKWARD]


def stamps(zone: str, first: str, periods: int, freq: Any = "D") -> pd.DatetimeIndex:
    """Local stamps of a calendar, where they don't exist moved on as pandas' resample does."""
    wall = pd.date_range(first, periods=periods, freq=freq, unit="us")
    return localise(wall, zone)


def around(zone: str, change: str, before: int, after: int, freq: Any = "D") -> pd.DatetimeIndex:
    """So many stamps before that of the day of a change, it, and so many after it."""
    wall = pd.date_range(end=change, periods=before + 1, freq=freq, unit="us")
    return stamps(zone, str(wall[0]), before + 1 + after, freq)


def series_of(index: pd.DatetimeIndex) -> pd.Series:
    return pd.Series(np.arange(len(index)) % 7.0, index=index, name="y")


def long_frame(index: pd.DatetimeIndex) -> pd.DataFrame:
    parts = [pd.DataFrame({"unique_id": name, "ds": index, "y": series_of(index).array})
             for name in "ab"]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


LAYOUTS: dict[str, Callable[[pd.DatetimeIndex], Any]] = {
    "series": series_of,
    "wide": lambda index: pd.DataFrame({"a": series_of(index), "b": series_of(index)}),
    "long": long_frame,
    "multiindex": lambda index: long_frame(index).set_index(["unique_id", "ds"]),
}


def stamps_of(forecast: Any) -> list[pd.Timestamp]:
    """The time stamps of the first series."""
    if isinstance(forecast.index, pd.MultiIndex):
        return forecast.xs("a").index.tolist()
    if "ds" in getattr(forecast, "columns", ()):
        return forecast.loc[forecast["unique_id"] == "a", "ds"].tolist()
    return forecast.index.tolist()


# ------------------------------------------------------------------------------------ the mechanism


@pytest.mark.parametrize(("zone", "change"), FORWARD)
def test_a_moved_stamp_stands_for_midnight(zone: str, change: str) -> None:
    index = around(zone, change, 3, 2)
    assert index[3] == pd.Timestamp(f"{change} 01:00", tz=zone)
    assert clock_of(index) == (0,)
    assert wall_times(index, (0,)).tolist() == pd.date_range(end=change, periods=4).union(
        pd.date_range(change, periods=3)).tolist()  # fmt: skip


@pytest.mark.parametrize(("zone", "change"), FORWARD)
def test_one_o_clock_stays_what_it_is(zone: str, change: str) -> None:
    """A day that starts at 01:00 is never moved."""
    index = around(zone, f"{change} 01:00", 3, 2)
    clock = clock_of(index)
    assert clock == (3600 * 10**9,)
    assert set(wall_times(index, clock).hour) == {1}


def test_stamps_that_python_moves_by_the_length_of_the_change() -> None:
    texts = ["2023-03-25 02:30+01:00", "2023-03-26 03:30+02:00", "2023-03-27 02:30+02:00"]
    index = pd.to_datetime(texts, utc=True).tz_convert("Europe/Berlin")
    assert {str(time) for time in wall_times(index, clock_of(index)).time} == {"02:30:00"}


def test_half_an_hour_that_does_not_exist() -> None:
    """Lord Howe goes forward by half an hour, from 02:00 to 02:30."""
    index = around("Australia/Lord_Howe", "2023-10-01 02:15", 3, 3)
    assert str(index[3].time()) == "02:30:00"
    assert {str(time) for time in wall_times(index, clock_of(index)).time} == {"02:15:00"}


@pytest.mark.parametrize(
    ("zone", "skipped", "end"),
    [
        ("Europe/Berlin", "2023-03-26 02:30", "03:00"),
        ("America/Anchorage", "2023-03-12 02:30", "03:00"),
        ("America/Bahia_Banderas", "2010-04-04 02:30", "04:00"),  # by two hours
        ("Antarctica/Troll", "2023-03-26 02:30", "03:00"),  # from 01:00, by two hours
    ],
)
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_the_end_of_a_skipped_hour(zone: str, skipped: str, end: str, unit: str) -> None:
    wall = pd.DatetimeIndex([skipped]).as_unit(unit)
    stamp = localise(wall, zone)
    assert f"{stamp[0]:%H:%M:%S.%f}" == f"{end}:00.000000"
    assert stamp.unit == unit


def test_a_stamp_that_is_moved_into_the_next_day() -> None:
    """Nuuk goes from 23:00 on a Saturday to Sunday."""
    index = around("America/Nuuk", "2024-03-30 23:00", 3, 3)
    assert index[3] == pd.Timestamp("2024-03-31", tz="America/Nuuk")
    assert wall_times(index, clock_of(index)).day.tolist() == [27, 28, 29, 30, 31, 1, 2]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moved_stamps_of_every_unit(unit: str) -> None:
    for zone, change in (("America/Havana", "2023-03-12"), ("Europe/Berlin", "2023-03-26 02:30")):
        index = around(zone, change, 3, 2).as_unit(unit)
        assert len(clock_of(index)) == 1
        assert len(set(wall_times(index, clock_of(index)).time)) == 1
        assert wall_times(index, clock_of(index)).unit == unit
        forecast = Naive().fit(series_of(index[:4])).predict(2)
        assert forecast.index.tolist() == index[4:].tolist()
        assert forecast.index.dtype == index.dtype


def test_naive_and_unchanging_stamps_are_left_alone() -> None:
    index = pd.date_range("2023-01-01 01:00", periods=400)
    assert clock_of(index) == ()
    assert wall_times(index, ()).equals(index)
    india = index.tz_localize("Asia/Kolkata")
    assert wall_times(india, clock_of(india)).equals(index)


# ----------------------------------------------------------------------------- days around a change


@pytest.mark.parametrize(
    ("zone", "change", "layout"),
    [
        *[(*change, "series") for change in CHANGES],
        *[(*change, layout) for change in CHANGES[::4] for layout in LAYOUTS if layout != "series"],
    ],
)
def test_days_are_read_and_go_on(zone: str, change: str, layout: str) -> None:
    """Histories that end before the change, with it, and after it."""
    index = around(zone, change, 20, 20)
    for observed in (18, 20, 21, 22, 30):
        df = LAYOUTS[layout](index[:observed])
        forecast = Naive().fit(df).predict(10)
        assert stamps_of(forecast) == index[observed : observed + 10].tolist()
        longer = pd.concat([df, forecast])
        assert stamps_of(Naive().fit(longer).predict(1)) == [index[observed + 10]]


@pytest.mark.parametrize(
    ("zone", "change", "freq"),
    [*[(*change, "D") for change in CHANGES], *[(*change, None) for change in CHANGES[::4]]],
)
def test_an_index_with_a_freq(zone: str, change: str, freq: str | None) -> None:
    """It comes back where pandas itself has one, and stamps are right in any case."""
    hours = pd.date_range(
        pd.Timestamp(change) - pd.Timedelta(days=20), periods=24 * 40, freq="h", tz="UTC"
    )
    daily = pd.Series(1.0, hours.tz_convert(zone)).resample("D").sum()[1:-1]
    daily.index.name = None
    if freq is None:
        daily.index = pd.DatetimeIndex(daily.index, freq=None)
    for observed in (10, 15, 19, 20, 21, 25):
        forecast = Naive().fit(daily.iloc[:observed]).predict(8)
        assert forecast.index.tolist() == daily.index[observed : observed + 8].tolist()
        longer = pd.concat([daily.iloc[:observed], forecast])
        assert Naive().fit(longer).predict(1).index[0] == daily.index[observed + 8]
    assert forecast.index.freq == (freq and pd.offsets.Day())


@pytest.mark.parametrize("time", ["02:00", "02:30", "02:59:59"])
@pytest.mark.parametrize("change", ["2023-03-26", "2023-10-29"])
def test_an_hour_of_berlin_that_is_skipped_or_comes_twice(change: str, time: str) -> None:
    index = around("Europe/Berlin", f"{change} {time}", 20, 20)
    for observed in (18, 20, 21, 22):
        for layout in LAYOUTS:
            forecast = Naive().fit(LAYOUTS[layout](index[:observed])).predict(10)
            assert stamps_of(forecast) == index[observed : observed + 10].tolist()


def test_the_second_of_two_equal_hours_is_read() -> None:
    index = around("Europe/Berlin", "2023-10-29 02:30", 5, 5)
    later = index.where(index != index[5], index + pd.Timedelta(hours=1))
    assert str(later[5]) == "2023-10-29 02:30:00+01:00"
    assert Naive().fit(series_of(later)).predict(1).index[0] == index[-1] + pd.Timedelta(days=1)


@pytest.mark.parametrize("freq", ["W-SUN", "2W-SUN", "MS", "2MS", "QS", "YS", "B", "2D", "7D"])
@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/Santiago", "2023-09-03"),  # a Sunday
        ("America/Asuncion", "2023-10-01"),  # the first of a month and of a quarter, a Sunday
        ("Africa/Cairo", "2010-09-10"),  # a Friday
        ("Asia/Amman", "2022-02-25"),  # a Friday
    ],
)
def test_weeks_months_and_business_days(zone: str, change: str, freq: str) -> None:
    wall = pd.date_range(end=change, periods=16, freq=freq, unit="us")
    index = stamps(zone, str(wall[0]), 26, freq)
    for observed in (12, 15, 16, 17):  # long before it, just before it, with it and after it
        for layout, declared in (("series", None), ("long", freq)):
            forecast = Naive().fit(LAYOUTS[layout](index[:observed]), freq=declared).predict(8)
            assert stamps_of(forecast) == index[observed : observed + 8].tolist()


def test_month_ends_at_an_hour_that_is_skipped() -> None:
    """31 March 2024 is the day of the change in Berlin and in Beirut."""
    for zone, hour in (("Europe/Berlin", "02:30"), ("Asia/Beirut", "00:00")):
        index = stamps(zone, f"2023-01-31 {hour}", 24, "ME")
        assert str(index[14].time()) == ("03:00:00" if zone == "Europe/Berlin" else "01:00:00")
        for observed in (13, 14, 15, 16):
            for declared in (None, "ME"):
                forecast = Naive().fit(series_of(index[:observed]), freq=declared).predict(8)
                assert forecast.index.tolist() == index[observed : observed + 8].tolist()


def test_days_missing_around_a_change_are_named_and_filled() -> None:
    index = around("America/Santiago", "2023-09-03", 10, 10)
    lacking = series_of(index.delete([9, 10]))
    with pytest.raises(ValueError, match="2023-09-02 00:00:00-04:00"):
        Naive().fit(lacking)
    with pytest.raises(ValueError, match="2023-09-03 01:00:00-03:00"):
        Naive().fit(series_of(index.delete(10)))
    forecast = Naive().fit(lacking, fill="ffill").predict(2)
    assert forecast.index.tolist() == stamps("America/Santiago", "2023-09-14", 2).tolist()


def test_a_panel_whose_series_end_before_on_and_after_the_change() -> None:
    index = around("America/Havana", "2023-03-12", 20, 20)
    parts = [long_frame(index[:end]).assign(unique_id=str(end)) for end in (19, 20, 21, 22, 30)]
    df = pd.concat([part.drop_duplicates("ds") for part in parts])
    forecast = Naive().fit(df).predict(5)
    for end, rows in forecast.groupby("unique_id", sort=False):
        assert rows["ds"].tolist() == index[int(end) : int(end) + 5].tolist()


# --------------------------------------------------------------------- all that follows from a fit


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/Santiago", "2023-09-03"),
        ("Europe/Berlin", "2023-03-26 02:30"),
        ("Atlantic/Azores", "2023-10-29"),
    ],
)
class TestAround:
    """A fitted model, where history ends with the stamp that the change has moved."""

    @staticmethod
    @cache
    def fitted(zone: str, change: str) -> tuple[LSTMForecaster, Any]:
        """Each fitted once; never to be fitted again."""
        index = around(zone, change, 60, 30)
        model = LSTMForecaster(max_steps=2, verbose=False, random_state=0)
        return model.fit(long_frame(index[:61])), index

    def test_levels_and_paths(self, zone: str, change: str) -> None:
        model, index = self.fitted(zone, change)
        assert stamps_of(model.predict(5, level=[80])) == index[61:66].tolist()
        paths = model.sample(5, num_samples=2)
        assert paths["ds"][:5].tolist() == index[61:66].tolist()

    def test_other_frames(self, zone: str, change: str) -> None:
        model, index = self.fitted(zone, change)
        for end in (59, 60, 61, 62, 70):
            for rows in (1, 2, 30):
                df = long_frame(index[end - rows : end])
                assert stamps_of(model.predict(5, df=df)) == index[end : end + 5].tolist()

    def test_states(self, zone: str, change: str) -> None:
        model, index = self.fitted(zone, change)
        state = model.encode(long_frame(index[:59]))
        for end in (60, 61, 62, 63):
            state = model.update(state, long_frame(index[end - 1 : end]))
            assert stamps_of(model.predict(5, state=state)) == index[end : end + 5].tolist()

    def test_backtest(self, zone: str, change: str) -> None:
        model, index = self.fitted(zone, change)
        found = model.backtest(long_frame(index), 3, n_windows=12, step=1, refit=False)
        found = found[found["unique_id"] == "a"]
        for number, rows in enumerate(found.groupby("cutoff")):
            cutoff, horizon = rows
            last = len(index) - 14 + number - 1
            assert cutoff == index[last]
            assert horizon["ds"].tolist() == index[last + 1 : last + 4].tolist()

    def test_given_cells(self, zone: str, change: str) -> None:
        model, index = self.fitted(zone, change)
        history, ahead = long_frame(index[:58]), long_frame(index[58:64])
        known = ahead.assign(y=np.arange(12.0))
        forecast = model.predict(6, df=history, given=known)
        assert forecast["ds"].tolist() == ahead["ds"].tolist()
        assert forecast["y"].tolist() == known["y"].tolist()

    def test_future_covariates(self, zone: str, change: str) -> None:
        index = around(zone, change, 60, 30)
        df = long_frame(index).assign(promo=1.0)
        model = LSTMForecaster(max_steps=2, verbose=False)
        model.fit(df[df["ds"] <= index[60]], future_covariates=["promo"])
        future = df[["unique_id", "ds", "promo"]]
        assert stamps_of(model.predict(5, future_df=future)) == index[61:66].tolist()
        earlier = df[df["ds"] <= index[57]]
        forecast = model.predict(8, df=earlier, future_df=future)
        assert stamps_of(forecast) == index[58:66].tolist()

    def test_a_saved_model(self, zone: str, change: str, tmp_path: Any) -> None:
        model, index = self.fitted(zone, change)
        model.save(tmp_path / "model")
        forecast = LSTMForecaster.load(tmp_path / "model").predict(5)
        assert stamps_of(forecast) == index[61:66].tolist()

    def test_held_out_rows(self, zone: str, change: str) -> None:
        index = around(zone, change, 60, 30)
        earlier, tail = hold_out(long_frame(index), 30)
        assert Naive().fit(earlier).predict(30)["ds"].tolist() == tail["ds"].tolist()


def test_future_rows_at_the_second_of_two_equal_hours() -> None:
    """A covariate of the horizon is found by its day, however its stamp was localised."""
    index = around("Europe/Berlin", "2023-10-29 02:30", 30, 5)
    df = long_frame(index).assign(promo=1.0)
    model = LSTMForecaster(max_steps=2, verbose=False)
    model.fit(df[df["ds"] < index[28]], future_covariates=["promo"])
    future = df[["unique_id", "ds", "promo"]].copy()
    twice = future["ds"] == index[30]
    future.loc[twice, "ds"] += pd.Timedelta(hours=1)
    assert stamps_of(model.predict(5, future_df=future)) == index[28:33].tolist()


# -------------------------------------------------------------------------- 24 hours and one day


ABSOLUTE = {
    "24h": "24h",
    "48h": "48h",
    "1440min": "1440min",
    "168h": "168h",
    "timedelta": pd.Timedelta(days=1),
    "numpy's timedelta": np.timedelta64(1, "D"),
    "Python's timedelta": timedelta(days=1),
    "offset": pd.offsets.Hour(24),
    "date offset": pd.DateOffset(hours=24),
}
HOURS = {"48h": 48, "168h": 168}


@pytest.mark.parametrize("name", ABSOLUTE)
@pytest.mark.parametrize("end", ["2023-03-25 09:00", "2023-10-28 09:00", "2023-07-01 09:00"])
def test_a_number_of_hours_is_absolute(end: str, name: str) -> None:
    hours = pd.offsets.Hour(HOURS.get(name, 24))
    index = pd.date_range(end=pd.Timestamp(end, tz="Europe/Berlin"), periods=60, freq=hours)
    right = pd.date_range(index[-1], periods=5, freq=hours)[1:].tolist()
    bare = pd.DatetimeIndex(index, freq=None)
    for layout in LAYOUTS:
        model = Naive().fit(LAYOUTS[layout](bare), freq=ABSOLUTE[name])
        assert stamps_of(model.predict(4)) == right
    with_freq = Naive().fit(series_of(index)).predict(4)
    assert with_freq.index.tolist() == right
    assert with_freq.index.freq == hours


@pytest.mark.parametrize("hours", [24, 48, 168])
@pytest.mark.parametrize("day", ["2023-03-26", "2023-10-29"])
def test_hours_are_found_in_a_history_over_a_change(day: str, hours: int) -> None:
    first = pd.Timestamp(f"{day} 09:00", tz="Europe/Berlin") - pd.Timedelta(hours=hours * 10)
    index = pd.DatetimeIndex(pd.date_range(first, periods=30, freq=f"{hours}h"), freq=None)
    assert inferred_frequency(index[:20]).name == f"{hours}h"
    for layout in LAYOUTS:
        forecast = Naive().fit(LAYOUTS[layout](index[:20])).predict(10)
        assert stamps_of(forecast) == index[20:].tolist()
    lacking = index[:20].delete([4, 13])
    forecast = Naive().fit(series_of(lacking), fill="ffill").predict(10)
    assert forecast.index.tolist() == index[20:].tolist()


@pytest.mark.parametrize("freq", ["D", "2D", "7D", "W-SUN"])
def test_a_day_is_one_of_the_calendar(freq: str) -> None:
    index = pd.date_range("2023-02-05 09:00", periods=20, freq=freq, tz="Europe/Berlin")
    right = pd.date_range(index[-1], periods=5, freq=freq)[1:].tolist()
    for df in (series_of(index), series_of(pd.DatetimeIndex(index, freq=None))):
        assert Naive().fit(df, freq=freq).predict(4).index.tolist() == right
        assert Naive().fit(df).predict(4).index.tolist() == right


def test_hours_declared_over_calendar_days_are_refused() -> None:
    index = pd.date_range("2023-03-20 09:00", periods=10, tz="Europe/Berlin")
    with pytest.raises(ValueError, match=r"'24h' \(declared"):
        Naive().fit(series_of(index), freq="24h")
    hours = pd.date_range("2023-03-20 09:00", periods=10, tz="Europe/Berlin", freq="24h")
    with pytest.raises(ValueError, match=r"'D' \(declared.*'24h'"):
        Naive().fit(series_of(hours), freq="D")


def test_hours_in_states_and_saved_models(tmp_path: Any) -> None:
    index = pd.date_range("2023-01-26 09:00", periods=80, freq="24h", tz="Europe/Berlin")
    model = LSTMForecaster(max_steps=2, verbose=False).fit(long_frame(index[:57]))
    assert model.settings_.frequency == "D"  # no clock has changed yet
    model = LSTMForecaster(max_steps=2, verbose=False).fit(long_frame(index[:57]), freq="24h")
    model.save(tmp_path / "model")
    model = LSTMForecaster.load(tmp_path / "model")
    assert stamps_of(model.predict(9)) == index[57:66].tolist()
    state = model.update(model.encode(long_frame(index[:57])), long_frame(index[57:64]))
    assert stamps_of(model.predict(9, state=state)) == index[64:73].tolist()
    found = model.backtest(long_frame(index), 3, n_windows=6, step=1, refit=False)
    assert found["ds"].isin(index).all()
    assert found["cutoff"].isin(index).all()


def test_hours_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = in_empty_folder(tmp_path, monkeypatch, capfd)
    index = pd.date_range("2023-01-26 09:00", periods=66, freq="24h", tz="Europe/Berlin")
    long_frame(index[:57]).to_parquet("history.parquet", index=False)
    arguments = ["--horizon", 9, "--max-steps", 2, "--no-check", "--out", "forecast.parquet"]
    done = run("forecast", "history.parquet", "--freq", "24h", *arguments)
    assert (done.code, done.err) == (0, "")
    assert stamps_of(pd.read_parquet("forecast.parquet")) == index[57:].tolist()


@pytest.mark.parametrize("freq", ["24h", pd.Timedelta(days=1), "D"], ids=str)
def test_without_a_zone_24_hours_and_a_day_are_the_same(freq: Any) -> None:
    index = pd.date_range("2023-03-20", periods=10)
    forecast = Naive().fit(series_of(index), freq=freq).predict(3)
    assert forecast.index.tolist() == pd.date_range("2023-03-30", periods=3).tolist()
