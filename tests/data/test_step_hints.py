"""Stamps that look irregular: the message says what they may be, and its remedy works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsgen import Naive
from tsgen.data.step_hints import dates_as_numbers
from tsgen.errors import FrameError


def series_of(index: Any) -> pd.Series:
    index = pd.DatetimeIndex(pd.Index(index), freq=None)
    return pd.Series(np.arange(len(index)) % 7.0, index=index)


def long_frame(index: Any) -> pd.DataFrame:
    series = series_of(index)
    return pd.DataFrame({"unique_id": 2, "ds": series.index, "y": series.to_numpy()})


def refusal(df: Any, **how: Any) -> str:
    with pytest.raises(FrameError) as caught:
        Naive().fit(df, **how)
    assert "np." not in str(caught.value)
    return str(caught.value)


def refusals(index: Any, **how: Any) -> str:
    """The message for a Series, whose hint a long frame has too."""
    message = refusal(series_of(index), **how)
    of_frame = refusal(long_frame(index), **how)
    assert "series 2" in of_frame
    assert of_frame.endswith(message.rpartition("; ")[2])
    return message


def monthly(day: int, periods: int = 30, months: int = 1) -> pd.DatetimeIndex:
    """A day of each month, the last one of those that lack it."""
    firsts = pd.date_range("2021-01-01", periods=periods, freq=f"{months}MS")
    return firsts + pd.to_timedelta(np.minimum(day, firsts.days_in_month) - 1, unit="D")


def goes_on(index: pd.DatetimeIndex, **how: Any) -> None:
    """The first 20 rows are followed by the others."""
    forecast = Naive().fit(series_of(index[:20]), **how).predict(len(index) - 20)
    assert forecast.index.tolist() == index[20:].tolist()


# ------------------------------------------------------------------------------ months and halves


@pytest.mark.parametrize("months", [1, 2, 3, 12])
@pytest.mark.parametrize("day", [2, 15, 28])
def test_one_day_of_each_month(day: int, months: int) -> None:
    index = monthly(day, months=months)
    message = refusals(index)
    assert f"on day {day} of a month: pass freq=pd.DateOffset(months={months})" in message
    goes_on(index, freq=pd.DateOffset(months=months))


def test_years_as_an_offset() -> None:
    goes_on(monthly(4, months=24), freq=pd.DateOffset(years=2))


@pytest.mark.parametrize(("months", "period"), [(1, "M"), (3, "Q"), (12, "Y")])
@pytest.mark.parametrize("day", [29, 30])
def test_a_day_that_some_months_lack(day: int, months: int, period: str) -> None:
    if months > 1:
        index = pd.DatetimeIndex([f"{2001 + i * months // 12}-{i * months % 12 + 1}-{day}"
                                  for i in range(30)])  # fmt: skip
        assert f"pass freq=pd.DateOffset(months={months})" not in refusals(index)
    else:
        index = monthly(day)
    message = refusals(index)
    assert f"on day {day} of a month or on its last one" in message
    assert f".dt.to_period({period!r})" in message
    periods = series_of(index).set_axis(index.to_period(period))
    assert Naive().fit(periods).predict(1).index[0] == periods.index[-1] + 1


def test_the_last_day_of_each_month_is_a_frequency() -> None:
    goes_on(monthly(31))


def test_series_of_a_panel_have_days_of_their_own() -> None:
    parts = {day: monthly(day, 20 + day) for day in (2, 15, 28)}
    df = pd.concat([long_frame(index[:-4]).assign(unique_id=day) for day, index in parts.items()])
    forecast = Naive().fit(df, freq=pd.DateOffset(months=1)).predict(4)
    for day, index in parts.items():
        assert forecast.loc[forecast["unique_id"] == day, "ds"].tolist() == index[-4:].tolist()


def test_gaps_between_days_of_months() -> None:
    index = monthly(15)
    lacking = series_of(index[:20].delete([4, 5, 11]))
    assert "2021-05-15" in refusal(lacking, freq=pd.DateOffset(months=1))
    forecast = Naive().fit(lacking, freq=pd.DateOffset(months=1), fill="ffill").predict(10)
    assert forecast.index.tolist() == index[20:].tolist()
    assert "2021-05-16" in refusal(
        series_of(index.where(index != index[4], index + pd.Timedelta(days=1))),
        freq=pd.DateOffset(months=1),
    )


@pytest.mark.parametrize(
    ("freq", "day"),
    [
        ("SMS", "day 1 or 15"),
        ("SMS-16", "day 1 or 16"),
        ("SMS-11", "day 1 or 11"),
        ("SME", "day 15 or the last"),
        ("SME-14", "day 14 or the last"),
    ],
)
def test_halves_of_months(freq: str, day: str) -> None:
    index = pd.date_range("2021-01-01", periods=40, freq=freq)
    assert f"all stamps are on {day} of a month: pass freq='{freq}'" in refusals(index)
    goes_on(index, freq=freq)


def test_other_days_of_months_have_no_hint() -> None:
    days = [pd.Timestamp(2021, month, day) for month in range(1, 13) for day in (10, 25)]
    assert refusal(series_of(pd.DatetimeIndex(days))).endswith("pass the right freq=")


# -------------------------------------------------------------------- weekends, holidays, nights


def test_holidays() -> None:
    holidays = ["2021-04-02", "2021-04-05"]
    offset = pd.offsets.CustomBusinessDay(holidays=holidays)
    index = pd.date_range("2021-03-15", periods=60, freq=offset)
    message = refusals(index)
    assert "first missing stamp" in message
    assert "at 2021-04-02" in message
    assert "on holidays, pass freq=pd.offsets.CustomBusinessDay(holidays=[...])" in message
    goes_on(index, freq=offset)
    assert "CustomBusinessDay(" not in refusal(series_of(index.delete(3)), freq=offset)


def test_an_index_may_have_a_freq_of_its_own() -> None:
    """Of which pandas can't say what the start of a month is."""
    holidays = pd.offsets.CustomBusinessDay(holidays=["2022-01-13"])
    index = pd.date_range("2022-01-10", periods=60, freq=holidays)
    assert "if they are missing on holidays" in refusal(series_of(index), freq="B")
    index = pd.date_range("2022-01-10", periods=60, freq=pd.DateOffset(months=1))
    assert "pass freq=pd.DateOffset(months=1)" in refusal(series_of(index), freq="D")


def test_days_without_weekends() -> None:
    index = pd.date_range("2021-03-15", periods=60, freq="B")
    assert "no stamp is on a weekend: for business days pass freq='B'" in refusals(index, freq="D")


HOURS = {
    "bh": ("'bh'", pd.offsets.BusinessHour()),
    "long": (
        "pd.offsets.BusinessHour(start='08:00', end='18:00')",
        pd.offsets.BusinessHour(start="08:00", end="18:00"),
    ),
    "weekends": (
        "pd.offsets.CustomBusinessHour(start='09:00', end='17:00', weekmask='1111111')",
        pd.offsets.CustomBusinessHour(start="09:00", end="17:00", weekmask="1111111"),
    ),
    "until midnight": (
        "pd.offsets.BusinessHour(start='08:00', end='00:00')",
        pd.offsets.BusinessHour(start="08:00", end="00:00"),
    ),
    "saturdays": (
        "pd.offsets.CustomBusinessHour(start='10:00', end='20:00', weekmask='1111110')",
        pd.offsets.CustomBusinessHour(start="10:00", end="20:00", weekmask="1111110"),
    ),
}


@pytest.mark.parametrize("name", HOURS)
def test_working_hours(name: str) -> None:
    said, offset = HOURS[name]
    index = pd.date_range("2021-03-15", periods=90, freq=offset)
    assert f"pass freq={said}" in refusals(index, freq="h")
    goes_on(index, freq=offset)


def test_working_hours_without_holidays() -> None:
    offset = pd.offsets.CustomBusinessHour(holidays=["2021-04-02"])
    index = pd.date_range("2021-03-15 09:00", periods=160, freq=offset)
    assert (
        "if hours are missing on holidays, pass freq=pd.offsets.CustomBusinessHour("
        "start='09:00', end='17:00', holidays=[...])"
    ) in refusals(index, freq="bh")
    forecast = Naive().fit(series_of(index[:100]), freq=offset).predict(60)
    assert forecast.index.tolist() == index[100:].tolist()


@pytest.mark.parametrize("step", ["5min", "30min", "h"])
def test_nights_and_weekends_that_no_offset_leaves_out(step: str) -> None:
    index = pd.date_range("2021-03-15", periods=24 * 12 * 15, freq=step)
    index = index[index.day_of_week < 5]
    assert "no stamp is on a weekend: number the rows instead" in refusals(index[:4000])
    if step != "h":
        index = index[(index.hour >= 9) & (index.hour < 16)][:200]
        assert "number the rows instead, for instance with groupby(id).cumcount()" in refusals(
            index
        )
    rows = long_frame(index).assign(ds=lambda df: df.groupby("unique_id").cumcount())
    assert Naive().fit(rows).predict(1)["ds"].tolist() == [len(index)]


def test_hours_over_midnight() -> None:
    index = pd.date_range("2021-03-15", periods=400, freq="h")
    index = index[(index.hour >= 22) | (index.hour < 6)]
    assert "no stamp is in 17 hours of the day: number the rows instead" in refusals(index)


@pytest.mark.parametrize(
    ("freq", "declared"), [("h", None), ("6h", "h"), ("D", "h"), ("15min", None), ("h", "15min")]
)
def test_an_ordinary_gap_is_no_night(freq: str, declared: str | None) -> None:
    index = pd.date_range("2021-03-15", periods=200, freq=freq).delete([100, 101])
    assert not {"night", "weekend", "BusinessHour"} & set(refusal(series_of(index), freq=declared
                                                                   ).split())  # fmt: skip


# ----------------------------------------------------------------------- zones, rounding, leap days


@pytest.mark.parametrize("freq", ["D", "W-SUN", "MS", "ME", "QS"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney"])
def test_local_days_in_utc(zone: str, freq: str) -> None:
    local = pd.date_range("2021-01-31", periods=300, freq=freq, tz=zone)
    message = refusals(local.tz_convert("UTC"))
    assert "as those of one local time are in UTC or another zone" in message
    assert "with tz_convert(zone), after tz_localize('UTC') where they have none" in message
    naive = local.tz_convert("UTC").tz_localize(None)
    assert refusals(naive).endswith(message.rpartition("; ")[2])
    goes_on(pd.DatetimeIndex(naive).tz_localize("UTC").tz_convert(zone))


def test_the_hours_of_local_days_are_named() -> None:
    local = pd.date_range("2021-01-01", periods=200, tz="Europe/Berlin")
    assert "all stamps are at 22:00 or 23:00" in refusals(local.tz_convert("UTC"))
    london = pd.date_range("2021-01-01", periods=200, tz="Europe/London")
    assert "all stamps are at 00:00 or 23:00" in refusals(london.tz_convert("UTC"))


@pytest.mark.parametrize(
    ("freq", "unit"), [("h", "h"), ("D", "D"), ("15min", "min"), ("10s", "s"), ("MS", "D")]
)
@pytest.mark.parametrize("off", [1, 1_000, 400_000])
def test_stamps_of_spreadsheets(freq: str, unit: str, off: int) -> None:
    index = pd.date_range("2021-01-01", periods=60, freq=freq, unit="us")
    errors = np.random.default_rng(0).integers(-off, off + 1, 60)
    errors[7] = off
    unrounded = index + pd.to_timedelta(errors, unit="us").as_unit("us")
    for declared in (None, freq):
        message = refusals(unrounded, freq=declared)
        assert f"up to {off / 1e6:.3g} s off whole" in message
        assert f"round them first, with .dt.round({unit!r})" in message
    assert unrounded.round(unit).equals(pd.DatetimeIndex(index, freq=None))
    goes_on(unrounded.round(unit))


def test_days_as_floating_point_numbers() -> None:
    index = pd.to_datetime(44_562 + np.arange(60) / 24, unit="D", origin="1899-12-30")
    assert "round them first, with .dt.round('h')" in refusals(index)


@pytest.mark.parametrize(("freq", "unit"), [("h", "h"), ("D", "D"), ("5min", "min")])
def test_stamps_of_loggers(freq: str, unit: str) -> None:
    index = pd.date_range("2021-01-01", periods=60, freq=freq, unit="s")
    late = index + pd.to_timedelta(np.arange(60) * 7 % 20, unit="s").as_unit("s")
    name = {"h": "hours", "D": "days", "min": "minutes"}[unit]
    assert f"s off whole {name}: round them first" in refusals(late)
    goes_on(late.round(unit))


def test_half_past_is_not_unrounded() -> None:
    index = pd.date_range("2021-01-01 00:00:30", periods=60, freq="h").delete([8, 20, 21])
    assert "round" not in refusal(series_of(index))


def test_steps_below_a_second_are_not_unrounded() -> None:
    index = pd.date_range("2021-01-01", periods=60, freq="100ms").delete(8)
    assert "round" not in refusal(series_of(index))


@pytest.mark.parametrize(
    ("weekmask", "named"),
    [
        ("1111110", "a Sunday"),
        ("1111001", "a Friday or Saturday"),
        ("0000011", "a Monday or Tuesday or Wednesday or Thursday or Friday"),
    ],
)
def test_weeks_of_other_days(weekmask: str, named: str) -> None:
    offset = pd.offsets.CustomBusinessDay(weekmask=weekmask)
    index = pd.date_range("2021-01-01", periods=60, freq=offset)
    remedy = f"pass freq=pd.offsets.CustomBusinessDay(weekmask={weekmask!r})"
    assert f"no stamp is on {named}: {remedy}" in refusals(index)
    goes_on(index, freq=offset)


@pytest.mark.parametrize("freq", ["D", "h", "6h"])
def test_calendars_without_leap_days(freq: str) -> None:
    index = pd.date_range("2019-01-01", "2020-12-31", freq=freq)
    index = index[(index.month != 2) | (index.day != 29)]
    message = refusals(index)
    assert "first missing stamp" in message
    assert "2020-02-29 00:00:00" in message
    assert "29 February of 2020 is missing, as in calendars without leap days" in message
    forecast = Naive().fit(series_of(index), fill="interpolate").predict(1)
    assert forecast.index[0] > index[-1]


def test_another_gap_is_no_leap_day() -> None:
    index = pd.date_range("2020-01-01", "2020-12-31")
    for day in ("2020-02-28", "2020-03-01", "2020-06-01"):
        assert "29 February" not in refusal(series_of(index.drop(pd.Timestamp(day))))


def test_what_is_not_recognised_has_no_hint() -> None:
    index = ["2024-01-01", "2024-01-02", "2024-01-06", "2024-01-11", "2024-02-20"]
    assert refusal(series_of(index)).endswith("or a number to fit")
    daily = long_frame(pd.date_range("2024-01-01", periods=60))
    weekly = long_frame(pd.date_range("2024-01-01", periods=20, freq="W")).assign(unique_id=3)
    assert refusal(pd.concat([daily, weekly])).endswith("pass the right freq=")


# ------------------------------------------------------------------------------------ whole numbers


def days(first: str, periods: int, form: str, freq: str = "D") -> list[int]:
    return [int(text) for text in pd.date_range(first, periods=periods, freq=freq).strftime(form)]


NUMBERS: dict[str, tuple[list[int], str, Callable[[Any], Any]]] = {
    "days of a month": (
        days("2022-01-01", 31, "%Y%m%d"),
        "a year, a month and a day.*pd.to_datetime(times.astype(str), format='%Y%m%d')",
        lambda times: pd.to_datetime(times.astype(str), format="%Y%m%d"),
    ),
    "days": (
        days("2022-01-01", 90, "%Y%m%d"),
        "a year, a month and a day.*format='%Y%m%d'",
        lambda times: pd.to_datetime(times.astype(str), format="%Y%m%d"),
    ),
    "months of a year": (
        days("2022-01-01", 12, "%Y%m", "MS"),
        "a year and a month.*pd.to_datetime(times.astype(str), format='%Y%m')",
        lambda times: pd.to_datetime(times.astype(str), format="%Y%m"),
    ),
    "months": (
        days("2020-01-01", 40, "%Y%m", "MS"),
        "a year and a month.*format='%Y%m'",
        lambda times: pd.to_datetime(times.astype(str), format="%Y%m"),
    ),
    "weeks": (
        list(range(202201, 202253)),
        "a year and a week.*pd.to_datetime(times.astype(str) + '-1', format='%G%V-%u')",
        lambda times: pd.to_datetime(times.astype(str) + "-1", format="%G%V-%u"),
    ),
    "days in six digits": (
        days("2020-01-01", 90, "%y%m%d"),
        "a year of two digits, a month and a day.*format='%y%m%d'",
        lambda times: pd.to_datetime(times.astype(str), format="%y%m%d"),
    ),
    "hours": (
        days("2020-01-01", 60, "%Y%m%d%H", "h"),
        "a date and an hour.*format='%Y%m%d%H'",
        lambda times: pd.to_datetime(times.astype(str), format="%Y%m%d%H"),
    ),
    "minutes": (
        days("2020-01-01", 60, "%Y%m%d%H%M", "10min"),
        "a date, an hour and a minute.*format='%Y%m%d%H%M'",
        lambda times: pd.to_datetime(times.astype(str), format="%Y%m%d%H%M"),
    ),
    "seconds": (
        days("2020-01-01", 60, "%Y%m%d%H%M%S", "h"),
        "a date, an hour, a minute and a second.*format='%Y%m%d%H%M%S'",
        lambda times: pd.to_datetime(times.astype(str), format="%Y%m%d%H%M%S"),
    ),
    **{
        f"epoch {unit}": (
            [(1_640_995_200 + 3_600 * i) * scale for i in range(40)],
            f"counted from 1970 in '{unit}'.*pd.to_datetime(times, unit='{unit}')",
            lambda times, unit=unit: pd.to_datetime(times, unit=unit),
        )
        for unit, scale in {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.items()
    },
}


@pytest.mark.parametrize("layout", ["series", "long"])
@pytest.mark.parametrize("name", NUMBERS)
def test_whole_numbers_that_are_dates(name: str, layout: str) -> None:
    numbers, said, convert = NUMBERS[name]

    def frame(times: Any) -> Any:
        if layout == "series":
            return pd.Series(np.arange(float(len(numbers))), index=times)
        return pd.DataFrame({"unique_id": "a", "ds": times, "y": np.arange(float(len(numbers)))})

    message = refusal(frame(pd.Index(numbers)))
    for part in said.split(".*"):
        assert part in message
    assert f"whole numbers from {numbers[0]} to {numbers[-1]}" in message
    assert "pass freq=1" in message
    Naive().fit(frame(convert(pd.Index(numbers))))


def test_an_integer_frequency_declares_plain_counting() -> None:
    for step, numbers in ((1, NUMBERS["days of a month"][0]), (3_600, NUMBERS["epoch s"][0])):
        series = pd.Series(np.arange(float(len(numbers))), index=numbers)
        model = Naive().fit(series, freq=step)
        assert model.predict(2).index.tolist() == [numbers[-1] + step, numbers[-1] + 2 * step]
        assert model.predict(1, df=series[:9]).index.tolist() == [numbers[9]]


@pytest.mark.parametrize(
    "numbers",
    [
        range(1700, 2026),
        range(60),
        range(-5, 5),
        range(1, 13),
        range(200_001, 200_101),
        range(20_220_101, 20_220_141),
        range(10**6, 10**6 + 50),
        range(0, 3_600 * 24, 60),
        range(2**63 - 50, 2**63 - 20),
    ],
    ids=str,
)
def test_plain_counting(numbers: range) -> None:
    assert dates_as_numbers(pd.Index(numbers)) == ""
    series = pd.Series(np.arange(float(len(numbers))), index=list(numbers))
    assert Naive().fit(series).predict(1).index[0] == numbers[-1] + numbers.step


def test_days_of_the_year_as_numbers() -> None:
    days = pd.date_range("2022-12-20", periods=30)
    numbers = pd.Index(days.strftime("%Y%j").astype(int))
    assert "a year and a day of the year" in dates_as_numbers(numbers)
    assert "format='%Y%j'" in dates_as_numbers(numbers)
    assert list(pd.to_datetime(numbers.astype(str), format="%Y%j")) == list(days)
