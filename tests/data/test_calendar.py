"""The calendar's columns are those that one would read off a calendar on the wall."""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsgen.data.calendar import CalendarColumns, calendar_columns, calendar_parts
from tsgen.data.frequency import declared_frequency, inferred_frequency
from tsgen.errors import MissingExtraError, SettingError

CYCLES = {
    "minute_of_hour",
    "hour_of_day",
    "day_of_week",
    "day_of_month",
    "day_of_year",
    "month_of_year",
}


def columns(calendar: Any, times: pd.Index, freq: str | None = None) -> CalendarColumns:
    frequency = inferred_frequency(times) if freq is None else declared_frequency(freq, times)
    return calendar_columns(calendar_parts(calendar), times, frequency)


def fractions(cycle: str, times: pd.Index, freq: str | None = None) -> list[float]:
    """How much of the cycle has passed, read back from its sine and cosine."""
    cycles = columns(cycle, times, freq).cycles
    assert list(cycles) == [f"{cycle}_sin", f"{cycle}_cos"]
    angle = np.arctan2(cycles[f"{cycle}_sin"], cycles[f"{cycle}_cos"])
    return ((angle / (2 * np.pi)) % 1).round(9).to_numpy().tolist()


def names_of(calendar: Any, times: pd.Index, freq: str | None = None) -> list[str]:
    """The cycles that there are, each of which has a sine and a cosine."""
    found = list(columns(calendar, times, freq).cycles)
    names = [name.removesuffix("_sin") for name in found[::2]]
    assert found == [f"{name}_{wave}" for name in names for wave in ("sin", "cos")]
    return names


def stamps(*texts: str, unit: str = "us", zone: str | None = None) -> pd.DatetimeIndex:
    local = np.array(texts, dtype=f"datetime64[{unit}]")
    return pd.DatetimeIndex(local).tz_localize(zone)


# ------------------------------------------------------------------------------- known stamps


def test_noon_on_a_wednesday() -> None:
    noon = stamps("2024-05-15T12:00")
    assert fractions("minute_of_hour", noon, "h") == [0.0]
    assert fractions("hour_of_day", noon, "h") == [0.5]
    assert fractions("day_of_week", noon, "h") == [round(2 / 7, 9)]
    assert fractions("day_of_month", noon, "h") == [round(14 / 31, 9)]
    assert fractions("day_of_year", noon, "h") == [round(135 / 366, 9)]
    assert fractions("month_of_year", noon, "h") == [round(4 / 12, 9)]
    cycles = columns("hour_of_day", noon, "h").cycles
    assert cycles.to_numpy() == pytest.approx(np.array([[0.0, -1.0]]))


def test_the_sine_leads_by_a_quarter() -> None:
    morning = columns("hour_of_day", stamps("2024-05-15T06:00"), "h").cycles
    assert morning.iloc[0].to_dict() == pytest.approx({"hour_of_day_sin": 1, "hour_of_day_cos": 0})


def test_days_of_a_leap_year() -> None:
    times = stamps("2023-12-31", "2024-02-29", "2024-12-31", "2025-01-01")
    expected = [364 / 365, 59 / 366, 365 / 366, 0.0]
    assert fractions("day_of_year", times, "D") == [round(value, 9) for value in expected]
    assert fractions("day_of_month", times, "D") == [
        round(value, 9) for value in (30 / 31, 28 / 29, 30 / 31, 0)
    ]


def test_half_hours_and_seconds_differ() -> None:
    times = stamps("2024-05-15T12:00", "2024-05-15T12:30", "2024-05-15T12:30:36")
    assert fractions("hour_of_day", times, "s") == [0.5, 12.5 / 24 // 1e-9 / 1e9, 0.52125]
    assert fractions("minute_of_hour", times, "s") == [0.0, 0.5, 0.51]


def test_fractions_of_a_second_count() -> None:
    times = pd.date_range("2024-01-01", periods=4, freq="900ms", unit="ms")
    assert fractions("minute_of_hour", times) == [0.0, 0.00025, 0.0005, 0.00075]


@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27"])
def test_days_on_which_the_clock_changes(day: str) -> None:
    """23 or 25 stamps, each with the hour that the clock shows."""
    following = pd.Timestamp(day) + pd.Timedelta(days=1)
    times = pd.date_range(day, following, freq="h", tz="Europe/Berlin", inclusive="left")
    assert len(times) == (23 if day == "2024-03-31" else 25)
    assert fractions("hour_of_day", times) == [round(hour / 24, 9) for hour in times.hour]
    assert set(fractions("day_of_week", times)) == {round(6 / 7, 9)}


def test_the_stamps_own_zone_is_read() -> None:
    late = stamps("2024-12-31T23:00").tz_localize("UTC")
    berlin = late.tz_convert("Europe/Berlin")
    assert fractions("day_of_year", late, "h") == [round(365 / 366, 9)]
    assert fractions("day_of_year", berlin, "h") == [0.0]
    assert fractions("hour_of_day", berlin, "h") == [0.0]


def test_a_cycle_that_stands_still_is_no_error() -> None:
    times = pd.date_range("2024-01-01", periods=4, freq="D")
    assert fractions("hour_of_day", times) == [0.0] * 4


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_resolutions(unit: str, zone: str | None) -> None:
    """Also before 1970, where a division that truncates goes wrong."""
    times = stamps("1969-12-31T23:30", "2024-02-29T12:00", unit=unit, zone=zone)
    assert fractions("hour_of_day", times, "min") == [round(23.5 / 24, 9), 0.5]
    assert fractions("day_of_year", times, "min") == [round(364 / 365, 9), round(59 / 366, 9)]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_the_year_2523(unit: str) -> None:
    times = stamps("2523-12-31T06:00", "2524-02-29T06:00", unit=unit)
    assert fractions("hour_of_day", times, "h") == [0.25, 0.25]
    assert fractions("day_of_year", times, "h") == [round(364 / 365, 9), round(59 / 366, 9)]
    assert fractions("day_of_week", times, "h") == [round(4 / 7, 9), round(1 / 7, 9)]


# --------------------------------------------------------------------------------------- periods


def test_a_period_is_read_at_its_start() -> None:
    months = pd.period_range("2024-01", periods=13, freq="M")
    assert fractions("month_of_year", months) == [round(i % 12 / 12, 9) for i in range(13)]
    assert fractions("day_of_month", months) == [0.0] * 13
    quarters = pd.period_range("2024Q1", periods=4, freq="Q")
    assert fractions("month_of_year", quarters) == [0.0, 0.25, 0.5, 0.75]
    weeks = pd.period_range("2024-01-01", periods=3, freq="W-SUN")
    assert fractions("day_of_week", weeks) == [0.0] * 3
    half_hours = pd.period_range("2024-01-01", periods=3, freq="30min")
    assert fractions("minute_of_hour", half_hours) == [0.0, 0.5, 0.0]
    blinks = pd.period_range("2024-01-01", periods=3, freq="900ms")
    assert fractions("minute_of_hour", blinks) == [0.0, 0.00025, 0.0005]


def test_periods_of_the_year_2523() -> None:
    days = pd.PeriodIndex(["2523-12-31"], freq="D")
    assert fractions("day_of_year", days) == [round(364 / 365, 9)]


# ------------------------------------------------------------------------------------------ auto

WITHIN_A_DAY = ["hour_of_day", "day_of_week", "day_of_year"]
OF_AUTO = {
    "100ms s 10s": ["minute_of_hour", "hour_of_day"],
    "min 15min 30min h 6h 12h": WITHIN_A_DAY,
    "D B 2D": ["day_of_week", "day_of_year"],
    "7D W-SUN W-WED 2W-WED SMS 4W-MON": ["day_of_year"],
    "MS ME BMS BME 2MS QS QE QE-JAN 6MS": ["month_of_year"],
    "YS YE YE-JUN 2YS": [],
}
AUTO = {freq: names for freqs, names in OF_AUTO.items() for freq in freqs.split()}


@pytest.mark.parametrize("freq", AUTO)
def test_auto_takes_the_cycles_that_a_step_can_see(freq: str) -> None:
    times = pd.date_range("2023-01-01", periods=20, freq=freq)
    assert names_of("auto", times, freq) == AUTO[freq]
    assert names_of("auto", pd.DatetimeIndex(times, freq=None)) == AUTO[freq]


@pytest.mark.parametrize(
    ("freq", "expected"),
    [
        ("h", WITHIN_A_DAY),
        ("D", ["day_of_week", "day_of_year"]),
        ("W-SUN", ["day_of_year"]),
        ("M", ["month_of_year"]),
        ("Q", ["month_of_year"]),
        ("Y", []),
    ],
)
def test_auto_for_periods(freq: str, expected: list[str]) -> None:
    assert names_of("auto", pd.period_range("2023-01-01", periods=4, freq=freq)) == expected


def test_a_cycle_named_beside_auto_comes_once() -> None:
    times = pd.date_range("2023-01-01", periods=4, freq="D")
    expected = ["day_of_week", "day_of_year", "day_of_month"]
    assert names_of(["auto", "day_of_week", "day_of_month"], times) == expected


def test_integer_time_has_no_calendar() -> None:
    made = columns("auto", pd.Index([3, 4, 5]))
    assert made.cycles.shape == made.own.shape == (3, 0)
    with pytest.raises(SettingError, match=r"day_of_week.*integer time.*no dates.*to_datetime"):
        columns(["auto", "day_of_week"], pd.Index([3, 4, 5]))
    with pytest.raises(SettingError, match="ramp can't be computed from integer time"):
        columns(ramp, pd.Index([3, 4, 5]))


# ------------------------------------------------------------------------------- form and order


@pytest.mark.parametrize("calendar", [None, "auto", ["day_of_week", "auto"]])
@pytest.mark.parametrize("count", [0, 5])
def test_both_frames_have_a_row_for_each_stamp(calendar: Any, count: int) -> None:
    times = pd.date_range("2023-01-01", periods=count, freq="D", tz="Asia/Tokyo")
    made = columns(calendar, times, "D")
    for frame in made:
        assert isinstance(frame.index, pd.RangeIndex)
        assert len(frame) == count
    assert made.own.shape[1] == 0
    assert (made.cycles.dtypes == np.float64).all()


SECONDS = st.integers(-3_000_000_000, 20_000_000_000)  # 1874 to 2603
ZONES = st.sampled_from([None, "Europe/Berlin", "America/New_York"])


@settings(max_examples=30, deadline=None)
@given(st.lists(SECONDS, min_size=1, max_size=20), ZONES)
def test_sines_and_cosines_lie_on_the_circle(seconds: list[int], zone: str | None) -> None:
    times = pd.DatetimeIndex(np.array(seconds, dtype="datetime64[s]")).tz_localize("UTC")
    cycles = columns(sorted(CYCLES), times.tz_convert(zone), "s").cycles
    assert cycles.shape == (len(times), 2 * len(CYCLES))
    squares = np.square(cycles.to_numpy()).reshape(len(times), len(CYCLES), 2).sum(axis=-1)
    assert squares == pytest.approx(1.0, abs=1e-12)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), ZONES)
def test_rows_follow_their_stamps(picked: list[int], zone: str | None) -> None:
    """Order, repeats and the other stamps change nothing."""
    axis = pd.date_range("2024-03-20 12:00", periods=41, freq="6h", tz=zone, unit="s")
    parts = ["auto", "day_of_month", noon_flag]
    whole, some = columns(parts, axis, "6h"), columns(parts, axis[picked], "6h")
    for all_rows, rows in zip(whole, some, strict=True):
        pd.testing.assert_frame_equal(rows, all_rows.iloc[picked].reset_index(drop=True))


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=20), st.sampled_from(["QE", "MS", "W-FRI"])
)
def test_counts_of_holidays_follow_their_stamps(picked: list[int], freq: str) -> None:
    pytest.importorskip("holidays")
    axis = pd.date_range("2020-01-01", periods=31, freq=freq)
    whole = columns("holidays:US", axis, freq).cycles
    some = columns("holidays:US", axis[picked], freq).cycles
    pd.testing.assert_frame_equal(some, whole.iloc[picked].reset_index(drop=True))


def test_a_million_rows_of_a_thousand_stamps() -> None:
    axis = pd.date_range("2024-01-01", periods=1_000, freq="h")
    lengths = []

    def counted(times: pd.DatetimeIndex) -> pd.DataFrame:
        lengths.append(len(times))
        return ramp(times)

    times = pd.DatetimeIndex(np.tile(axis.to_numpy(), 1_000))
    made = columns(["auto", counted], times, "h")
    assert lengths == [1_000]
    assert made.cycles.shape == (1_000_000, 6)
    assert made.own["ramp"].iloc[-1] == 999


# -------------------------------------------------------------------------------------- holidays


def holidays_at(part: str, times: pd.Index, freq: str | None = None) -> list[float]:
    pytest.importorskip("holidays")
    cycles = columns(part, times, freq).cycles
    assert list(cycles) == [part.replace(":", "_")]
    assert cycles.dtypes.tolist() == [np.float64]
    return cycles.iloc[:, 0].tolist()


def test_christmas_in_germany() -> None:
    times = pd.date_range("2024-12-23", periods=5, freq="D")
    assert holidays_at("holidays:DE", times) == [0, 0, 1, 1, 0]
    periods = pd.period_range("2024-12-23", periods=5, freq="D")
    assert holidays_at("holidays:DE", periods) == [0, 0, 1, 1, 0]


def test_a_subdivision_has_days_of_its_own() -> None:
    epiphany = stamps("2024-01-06")
    assert holidays_at("holidays:DE", epiphany, "D") == [0]
    assert holidays_at("holidays:DE-BY", epiphany, "D") == [1]


def test_holidays_are_local_days() -> None:
    times = pd.date_range("2024-11-28 04:00", periods=26, freq="h", tz="UTC")
    thanksgiving = times.tz_convert("America/New_York")  # from 23:00 the day before
    assert holidays_at("holidays:US", thanksgiving) == [0] + [1] * 24 + [0]


def test_business_days_count_their_own_day_only() -> None:
    times = pd.date_range("2022-12-23", periods=3, freq="B")  # Christmas was a Sunday
    assert holidays_at("holidays:DE", times, "B") == [0, 1, 0]
    assert holidays_at("holidays:US", times, "B") == [0, 1, 0]  # moved to the Monday


WEEKS = ["2024-12-15", "2024-12-22", "2024-12-29", "2025-01-05"]


def test_a_week_runs_up_to_its_stamp() -> None:
    sundays = stamps(*WEEKS)
    assert holidays_at("holidays:DE", sundays, "W-SUN") == [0, 0, 2, 1]
    assert holidays_at("holidays:DE", sundays) == [0, 0, 2, 1]
    wednesdays = stamps("2024-12-18", "2024-12-25", "2025-01-01")  # the day itself, not the next
    assert holidays_at("holidays:DE", wednesdays, "W-WED") == [0, 1, 2]
    assert holidays_at("holidays:DE", wednesdays) == [0, 1, 2]
    fortnights = stamps("2024-12-11", "2024-12-25", "2025-01-08")
    assert holidays_at("holidays:DE", fortnights, "2W-WED") == [0, 1, 2]


def test_a_gap_does_not_turn_a_week_round() -> None:
    sundays = stamps("2024-12-01", "2024-12-08", *WEEKS)
    assert holidays_at("holidays:DE", sundays.delete(2)) == [0, 0, 0, 2, 1]


def test_seven_days_run_from_their_stamp() -> None:
    assert holidays_at("holidays:DE", stamps(*WEEKS), "7D") == [0, 2, 1, 0]
    assert holidays_at("holidays:DE", stamps("2024-12-24", "2024-12-26"), "2D") == [1, 1]
    halves = pd.date_range("2024-12-23 12:00", periods=4, freq="36h")
    assert holidays_at("holidays:DE", halves) == [0, 1, 1, 0]


# New Year's Day, nothing in February, Good Friday; Easter Monday, 1 May, Ascension, Whit Monday;
# 3 October and two days of Christmas.
MONTHS, QUARTERS = [1, 0, 1], [2, 4, 0, 3]


@pytest.mark.parametrize(
    ("freq", "first", "expected"),
    [
        ("MS", "2024-01-01", MONTHS),
        ("ME", "2024-01-31", MONTHS),
        ("BMS", "2024-01-01", MONTHS),
        ("BME", "2024-01-31", MONTHS),
        ("QS", "2024-01-01", QUARTERS),
        ("QE", "2024-03-31", QUARTERS),
        ("2QE", "2024-06-30", [6, 3]),
        ("YS", "2024-01-01", [9, 9]),
        ("YE", "2024-12-31", [9, 9]),
    ],
)
def test_holidays_of_longer_steps(freq: str, first: str, expected: list[int]) -> None:
    times = pd.date_range(first, periods=len(expected), freq=freq)
    assert holidays_at("holidays:DE", times, freq) == expected
    assert holidays_at("holidays:DE", times.tz_localize("Europe/Berlin"), freq) == expected


def test_holidays_of_quarters_that_are_those_of_each_series() -> None:
    """Christmas and New Year lie in a quarter to the end of January, Easter in the next."""
    pytest.importorskip("holidays")
    frequency = inferred_frequency(pd.date_range("2023-03-31", periods=8, freq="QE"))
    times = pd.DatetimeIndex(["2024-01-31", "2024-04-30"])
    found = calendar_columns(("holidays:DE",), times, frequency).cycles
    assert found.iloc[:, 0].tolist() == [3, 2]


@pytest.mark.parametrize(
    ("freq", "expected"),
    [("M", MONTHS), ("Q", QUARTERS), ("2Q", [6, 3]), ("Y", [9, 9]), ("W-SUN", [1, 0])],
)
def test_holidays_of_periods(freq: str, expected: list[int]) -> None:
    periods = pd.period_range("2024-01-01", periods=len(expected), freq=freq)
    assert holidays_at("holidays:DE", periods) == expected


STARTS = ["2D", "7D", "36h", "MS", "BMS", "QS-FEB", "SMS"]
ENDS = ["W-TUE", "2W-TUE", "ME", "BME", "QE-FEB", "BYE", "SME"]


@pytest.mark.parametrize(
    ("freq", "counted"),
    [(freq, slice(None, -1)) for freq in STARTS] + [(freq, slice(1, None)) for freq in ENDS],
)
def test_no_holiday_is_lost_or_counted_twice(freq: str, counted: slice) -> None:
    """Between the first stamp and the last, one of which belongs to a period."""
    times = pd.date_range("2000-01-03", "2010-03-01", freq=freq)
    days = pd.date_range(times[0].normalize(), times[-1].normalize(), freq="D")
    by_day = holidays_at("holidays:US", days, "D")
    assert sum(holidays_at("holidays:US", times, freq)[counted]) == sum(by_day[counted]) > 90


def test_holidays_at_the_end_of_nanoseconds() -> None:
    """The next month starts after the last nanosecond that there is."""
    assert len(holidays_at("holidays:DE", stamps("2262-02-28", "2262-03-31", unit="ns"), "ME")) == 2
    assert len(holidays_at("holidays:DE", stamps("2262-04-01", unit="ns"), "MS")) == 1


@pytest.mark.parametrize("freq", ["D", "W-SUN", "ME", "MS"])
def test_holidays_in_2523(freq: str) -> None:
    """Whether there are any is for the package to say: newer ones end with 2100."""
    times = pd.date_range(pd.Timestamp("2523-12-01").as_unit("s"), periods=3, freq=freq, unit="s")
    assert set(holidays_at("holidays:DE", times, freq)) <= {0, 1, 2}


def test_no_stamps_have_no_holidays() -> None:
    for freq in ("D", "ME", "MS"):
        assert holidays_at("holidays:DE", stamps("2024-01-01")[:0], freq) == []


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("holidays:XX", "'holidays:XX': no holidays are known of a country 'XX'.*ISO.*'DE'"),
        ("holidays:DE-XX", "no subdivision 'XX' of 'DE' is known; there are: BB, BE, .*TH"),
        ("holidays:VA-XX", "no subdivision 'XX' of 'VA' is known; write 'holidays:VA'"),
    ],
)
def test_unknown_countries(part: str, message: str) -> None:
    pytest.importorskip("holidays")
    with pytest.raises(SettingError, match=message):
        calendar_parts(part)


def test_holidays_are_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(
        MissingExtraError, match=r"isn't installed: pip install 'tsgen\[holidays\]'"
    ):
        calendar_parts("holidays:DE")
    assert calendar_parts("auto") == ("auto",)


# --------------------------------------------------------------------------------------- parts


def ramp(times: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"ramp": np.arange(len(times))})


def noon_flag(times: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"noon": times.hour == 12}, index=times)


def test_parts_come_in_one_form() -> None:
    assert calendar_parts(None) == calendar_parts([]) == ()
    assert calendar_parts("auto") == calendar_parts(["auto"]) == ("auto",)
    assert calendar_parts(("auto", ramp)) == ("auto", ramp)
    assert calendar_parts(ramp) == (ramp,)
    assert set(calendar_parts(sorted(CYCLES))) == CYCLES


@pytest.mark.parametrize(
    "part", [3, True, {"auto"}, "holidays", "holidays:de", "holidays:", b"auto"]
)
def test_unknown_parts_are_shown(part: Any) -> None:
    for calendar in (part, ["day_of_year", part]):
        with pytest.raises(SettingError) as caught:
            calendar_parts(calendar)
        message = str(caught.value)
        assert message.startswith(f"calendar={part!r} is unknown; ")
        for accepted in ("'auto'", *map(repr, CYCLES), "'holidays:DE-BY'", "DatetimeIndex"):
            assert accepted in message


def test_unchecked_parts_are_no_holidays() -> None:
    with pytest.raises(SettingError, match="calendar='tuesday' is unknown"):
        calendar_columns(["tuesday"], DAYS, inferred_frequency(DAYS))


def test_a_slip_is_corrected() -> None:
    with pytest.raises(SettingError, match="did you mean 'day_of_week'"):
        calendar_parts("dayofweek")


@pytest.mark.parametrize(
    ("calendar", "name"), [(["auto", "auto"], "'auto'"), ([ramp, "auto", ramp], "ramp")]
)
def test_parts_come_once(calendar: Any, name: str) -> None:
    with pytest.raises(SettingError, match=f"holds {name} twice"):
        calendar_parts(calendar)


# ---------------------------------------------------------------------------- the user's functions

DAYS = pd.date_range("2024-01-01", periods=3, freq="D")


def test_a_function_gets_the_distinct_stamps_with_their_zone() -> None:
    seen = []

    def watch(times: pd.DatetimeIndex) -> pd.DataFrame:
        seen.append(times)
        return noon_flag(times)

    axis = pd.date_range("2024-01-01 10:00", periods=4, freq="h", tz="Asia/Tokyo", unit="s")
    own = columns(watch, axis[[3, 0, 2, 2, 1]], "h").own
    assert seen[0].equals(axis)
    assert seen[0].unit == "s"
    assert own["noon"].tolist() == [False, False, True, True, False]
    assert own["noon"].dtype == bool


def test_a_function_gets_the_start_of_each_period() -> None:
    own = columns(
        lambda times: pd.DataFrame({"day": times.day_name()}),
        pd.period_range("2024-01-01", periods=2, freq="W-SUN"),
    ).own
    assert own["day"].tolist() == ["Monday", "Monday"]


def test_functions_stand_side_by_side() -> None:
    own = columns([ramp, "auto", noon_flag], DAYS[::-1], "D").own
    assert list(own) == ["ramp", "noon"]
    assert own["ramp"].tolist() == [2, 1, 0]
    assert own["ramp"].dtype == np.arange(1).dtype


def answering(answer: Any) -> Any:
    def function(times: pd.DatetimeIndex) -> Any:
        return answer

    return function


TWO_A = pd.DataFrame([[1, 2]] * 3, columns=["a", "a"])
GAPS = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, math.nan, math.nan]})


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (None, "an object of type NoneType"),
        (pd.Series([1, 2, 3]), "an object of type Series"),
        (pd.DataFrame({"a": [1, 2]}), "2 rows"),
        (pd.DataFrame({"a": [1, 2, 3]}, index=DAYS[::-1]), r"an index of other values.*2024-01-03"),
        (pd.DataFrame({"a": [1, 2, 3]}, index=[1, 2, 3]), "an index of other values"),
        (pd.DataFrame(index=range(3)), "no columns"),
        (TWO_A, "two columns 'a'"),
        (GAPS, "2 missing values in 'b', the first at 2024-01-02"),
    ],
)
def test_answers_that_cannot_be_used(answer: Any, complaint: str) -> None:
    message = f"calendar: function returned {complaint}.*; expected a DataFrame .* of the 3 stamps"
    with pytest.raises(SettingError, match=message):
        columns(answering(answer), DAYS[[2, 1, 0, 0]], "D")


def test_a_function_without_a_name_is_shown() -> None:
    with pytest.raises(SettingError, match=r"calendar: functools.partial.* returned 1 rows"):
        columns(functools.partial(answering(TWO_A.iloc[:1])), DAYS)


@pytest.mark.parametrize("others", [["day_of_week"], [answering(TWO_A.iloc[:, :1])]])
def test_two_columns_of_one_name(others: list[Any]) -> None:
    clashing = ["a"] if callable(others[0]) else ["day_of_week_sin"]
    function = answering(pd.DataFrame(1, index=range(3), columns=clashing))
    message = f"calendar: function returns a column '{clashing[0]}', which another part.*rename"
    for parts in ([*others, function], [function, *others]):
        with pytest.raises(SettingError, match=message):
            columns(parts, DAYS)
