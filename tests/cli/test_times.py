"""Time stamps of files: read as what they are, or refused with the option that says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal
from support.command_line import Run, in_empty_folder

import tsgen
from tsgen.cli.data import Data, Known, read_first, read_further
from tsgen.cli.options import FileSpec, Roles
from tsgen.cli.wording import CommandError
from tsgen.data import read_panel
from tsgen.errors import FrameError

BERLIN = "Europe/Berlin"


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder."""
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def read(stamps: Any, freq: str | None = None, **spec: str) -> Data:
    frame = pd.DataFrame({"ds": list(stamps)})
    frame.assign(y=np.arange(len(frame)) % 5).to_csv("in.csv", index=False)
    return read_first(Path("in.csv"), FileSpec(**spec), Roles(), freq)


def times(stamps: Any, freq: str | None = None, **spec: str) -> list[Any]:
    return list(read(stamps, freq, **spec).frame["ds"])


def refused(stamps: Any, *said: str, freq: str | None = None, **spec: str) -> None:
    with pytest.raises(CommandError) as error:
        read(stamps, freq, **spec)
    assert "column 'ds' of in.csv" in str(error.value)
    for words in said:
        assert words in str(error.value)


MONTHS = pd.date_range("2022-01-01", periods=12, freq="MS")
DAYS = pd.date_range("2022-01-20", periods=20)
HOURS = pd.date_range("2022-01-01", periods=30, freq="h")


# --- formats -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "written"),
    [
        (DAYS, "%Y-%m-%d"),
        (DAYS, "%Y/%m/%d"),
        (DAYS, "%Y.%m.%d"),
        (DAYS, "%d/%m/%Y"),
        (DAYS, "%m/%d/%Y"),
        (DAYS, "%d.%m.%Y"),
        (DAYS, "%d-%m-%Y"),
        (DAYS, "%Y%m%d"),
        (DAYS, "%d %b %Y"),
        (DAYS, "%d-%b-%Y"),
        (DAYS, "%d%b%Y"),
        (DAYS, "%B %d, %Y"),
        (MONTHS, "%Y-%m"),
        (MONTHS, "%Y/%m"),
        (MONTHS, "%m/%Y"),
        (MONTHS, "%Y%m"),
        (MONTHS, "%b %Y"),
        (MONTHS, "%b-%Y"),
        (HOURS, "%Y-%m-%d %H:%M"),
        (HOURS, "%Y-%m-%dT%H:%M:%S"),
        (HOURS, "%Y%m%dT%H%M"),
        (HOURS, "%Y%m%d%H"),
        (HOURS, "%Y%m%d %H:%M"),
        (pd.date_range("2022-01-31", periods=30, freq="h"), "%d/%m/%Y %H:%M:%S"),
        (pd.date_range("2022-01-31", periods=30, freq="h"), "%m/%d/%Y %I:%M %p"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_dates_that_mean_one_thing(expected: pd.DatetimeIndex, written: str) -> None:
    assert times(expected.strftime(written)) == list(expected)


def test_a_format_that_was_found_is_told() -> None:
    assert read(DAYS.strftime("%d/%m/%Y")).notes == {"time": "ds, dates as %d/%m/%Y"}
    assert read(DAYS.strftime("%Y-%m-%d")).notes == {}


@pytest.mark.parametrize(
    ("stamps", "readings"),
    [
        (MONTHS.strftime("%d/%m/%Y"), ["2022-02-01 with --date-format %d/%m/%Y",
                                       "2022-01-02 with --date-format %m/%d/%Y"]),
        (MONTHS.strftime("%d.%m.%Y"), ["--date-format %d.%m.%Y", "--date-format %m.%d.%Y"]),
        (MONTHS.strftime("%m-%d-%Y"), ["--date-format %d-%m-%Y", "--date-format %m-%d-%Y"]),
        (MONTHS.strftime("%d/%m/%Y %H:%M"), ["'%d/%m/%Y %H:%M'", "'%m/%d/%Y %H:%M'"]),
        (MONTHS.strftime("%d/%m/%y"), ["%d/%m/%y", "%m/%d/%y", "%y/%m/%d"]),
        (MONTHS.strftime("%d%m%Y"), ["--date-format %d%m%Y", "--date-format %m%d%Y", "--freq 1"]),
        (pd.date_range("2001-01-01", periods=12, freq="MS").strftime("%Y%m"),
         ["2001-01-01 with --date-format %Y%m", "2020-01-01 with --date-format %y%m%d"]),
    ],
    ids=lambda given: given[0],
)  # fmt: skip
def test_dates_that_mean_two_things(stamps: Any, readings: list[str]) -> None:
    refused(stamps, "can be read in several ways", *readings)


@pytest.mark.parametrize(
    ("stamps", "reading"),
    [
        (["Jan-01", "Feb-01", "Mar-01"], "it is 2001-01-01 with --date-format %b-%y"),
        (["Jan-49", "Feb-49", "Mar-49"], "it is 2049-01-01 with --date-format %b-%y"),
        (["1/30/20", "1/31/20", "2/1/20"], "it is 2020-01-30 with --date-format %m/%d/%y"),
    ],
)
def test_years_of_two_digits_are_asked_for(stamps: list[str], reading: str) -> None:
    refused(stamps, "a year of two digits", reading, "write four digits")


def test_a_declared_format_decides() -> None:
    written = list(MONTHS.strftime("%d/%m/%Y"))
    assert times(written, date_format="%d/%m/%Y") == list(MONTHS)
    days = list(pd.date_range("2022-01-01", periods=12))
    assert times(written, date_format="%m/%d/%Y") == days
    assert times(["Jan-01", "Feb-01"], date_format="%b-%y") == list(
        pd.to_datetime(["2001-01-01", "2001-02-01"])
    )
    assert times(["220131", "220201"], date_format="%y%m%d") == list(
        pd.to_datetime(["2022-01-31", "2022-02-01"])
    )
    refused(["01/02/2022", "noon"], "'noon' (row 1) isn't written as %d/%m/%Y",
            date_format="%d/%m/%Y")  # fmt: skip


def test_a_forecast_behind_its_history_is_read_in_any_format() -> None:
    """Forecasts are written in ISO 8601, whatever the history is written in."""
    expected = list(pd.date_range("2022-01-20", periods=22))
    for written in ("%d/%m/%Y", "%d %b %Y"):
        both = [*DAYS.strftime(written), "2022-02-09", "2022-02-10"]
        assert times(both) == expected
        assert times(both, date_format=written) == expected


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        (HOURS.strftime("%H:%M"), "'00:00' (row 0) is a time of day without a date"),
        (HOURS.strftime("%I:%M %p"), "is a time of day without a date"),
        (["1-01", "1-02", "1-12", "2-01", "3-12"], "'1-01' (row 0) has no year of four digits"),
        (["01/02", "02/02"], "has no year of four digits"),
        (["Jan 31", "Feb 28"], "has a year of two digits, or none"),
        (["1959.25", "1959.50"], "is a decimal number"),
        (["noon", "night"], "'noon' (row 0) isn't a time stamp that is known; --date-format"),
        (["2022-01-30", "2022-01-31", "total"], "'total' (row 2) is no time stamp like the others"),
        (["30/01/2022", "31/01/2022", "total"], "'total' (row 2) is no time stamp like the others"),
        (["2022-02-28", "2022-02-30"], "'2022-02-30' (row 1) is no time stamp"),
        (["20220131", "20220201", "20220230"], "'20220230' (row 2) is no date as %Y%m%d"),
        (
            ["1577836800", "1577840400"],
            "seconds since 1970, 2020-01-01 00:00 in UTC: --date-format s",
        ),
        (["1577836800000", "1577840400000"], "milliseconds since 1970"),
        (["2022-W52", "2022-W54"], "'2022-W54' (row 1) is no week of a year"),
    ],
    ids=lambda given: given if isinstance(given, str) else given[0],
)
def test_what_is_no_date(stamps: Any, said: str) -> None:
    refused(stamps, said)


def test_numbers_that_count() -> None:
    assert times(["1999", "2000", "2001"]) == [1999, 2000, 2001]
    assert times(["0", "15", "30"]) == [0, 15, 30]
    assert times(["-2", "-1", "0"]) == [-2, -1, 0]
    assert times(["20220101", "20220102"], freq="1") == [20220101, 20220102]
    assert times(["1577836800", "1577836860"], freq="60") == [1577836800, 1577836860]


def test_seconds_since_1970_are_declared() -> None:
    expected = list(pd.to_datetime(["2020-01-01 00:00", "2020-01-01 01:00"]))
    assert times(["1577836800", "1577840400"], date_format="s") == expected
    assert times(["1577836800000", "1577840400000"], date_format="ms") == expected
    local = times(["1577836800", "1577840400"], date_format="s", time_zone=BERLIN)
    assert [str(stamp) for stamp in local] == ["2020-01-01 01:00:00+01:00",
                                               "2020-01-01 02:00:00+01:00"]  # fmt: skip
    refused(["1577836800000"] * 2, "in the year 51969 if it counts seconds", date_format="s")
    refused(["9" * 20] * 2, "is too large a number to count time", date_format="s")


def test_quarters_and_weeks() -> None:
    for written in ("2021Q4", "2021-Q4", "2021 q4", "Q4 2021", "q4-2021", "Q4/2021", "Q42021"):
        assert times([written]) == [pd.Period("2021Q4")]
    expected = list(pd.to_datetime(["2021-12-27", "2022-01-03"]))
    assert times(["2021-W52", "2022-W01"]) == expected
    assert times(["2021W52", "2022W01"]) == expected


def test_missing_stamps_stay_missing() -> None:
    assert [pd.isna(stamp) for stamp in times(["2022-01-01", "", "2022-01-03"])] == [0, 1, 0]


# --- zones ---------------------------------------------------------------------------------------

OVER = {
    "spring": pd.date_range("2022-03-26 12:00", periods=30, freq="h", tz=BERLIN),
    "autumn": pd.date_range("2022-10-29 12:00", periods=40, freq="30min", tz=BERLIN),
}


@pytest.mark.parametrize("change", OVER)
def test_offsets_that_change(change: str) -> None:
    hours = OVER[change]
    data = read(hours)
    assert_series_equal(data.frame["ds"], pd.Series(hours.tz_convert("UTC"), name="ds"),
                        check_dtype=False)  # fmt: skip
    assert "in UTC" in data.notes["time"]
    assert "--time-zone" in data.notes["time"]
    local = read(hours, time_zone=BERLIN)
    assert_series_equal(local.frame["ds"], pd.Series(hours, name="ds"), check_dtype=False)
    assert str(local.frame["ds"].dt.tz) == BERLIN
    assert local.notes == {}


@pytest.mark.parametrize("change", OVER)
@pytest.mark.parametrize("newest_first", [False, True])
def test_local_hours_without_offsets(change: str, newest_first: bool) -> None:
    hours = OVER[change][::-1] if newest_first else OVER[change]
    naive = hours.tz_localize(None)
    assert times(naive, time_zone=BERLIN) == list(hours)
    two = pd.DataFrame({"unique_id": np.repeat(["b", "a"], len(hours)), "ds": [*naive, *naive]})
    two.assign(y=1).to_csv("two.csv", index=False)
    data = read_first(Path("two.csv"), FileSpec(time_zone=BERLIN), Roles(), None)
    assert list(data.frame["ds"]) == [*hours, *hours]


def test_local_hours_that_are_none_or_two() -> None:
    refused(["2022-03-27 01:30", "2022-03-27 02:30"], "2022-03-27 02:30:00 (row 1) doesn't exist",
            time_zone=BERLIN)  # fmt: skip
    refused(["2022-10-30 02:00", "2022-10-30 04:00"], "2022-10-30 02:00:00 (row 0) comes twice",
            time_zone=BERLIN)  # fmt: skip


def test_one_offset_is_a_zone_of_its_own() -> None:
    data = read(["2022-01-01 00:00+05:30", "2022-01-01 01:00+05:30"])
    assert [str(stamp) for stamp in data.frame["ds"]] == [
        "2022-01-01 00:00:00+05:30", "2022-01-01 01:00:00+05:30",
    ]  # fmt: skip
    for written in ("Z", "+00:00", "+0000", "UTC"):
        stamps = times([f"2022-01-01 00:00{written}", f"2022-01-01 01:00:00{written}"])
        assert stamps == list(pd.date_range("2022-01-01", periods=2, freq="h", tz="UTC"))


@pytest.mark.parametrize("zone", [BERLIN, "America/Santiago", "Africa/Cairo", "America/Havana"])
def test_days_of_a_zone(zone: str) -> None:
    """Where clocks change at midnight a day has no midnight, or two."""
    days = pd.date_range("2023-01-01", "2023-12-31").strftime("%Y-%m-%d")
    stamps = read(days, time_zone=zone).frame["ds"]
    assert list(stamps.dt.strftime("%Y-%m-%d")) == list(days)
    assert str(stamps.dt.tz) == zone
    assert stamps.is_monotonic_increasing


def test_days_whose_offsets_change_need_their_zone() -> None:
    days = pd.date_range("2022-03-25", periods=5, tz=BERLIN)
    refused(days, "offsets from UTC change", "--time-zone Europe/Berlin")
    assert times(days, time_zone=BERLIN) == list(days)


def test_stamps_with_and_without_offsets() -> None:
    hours = OVER["spring"]
    both = [*hours[:20].tz_localize(None).astype(str), *hours[20:].astype(str)]
    refused(both, "(row 20) has an offset from UTC", "--time-zone")
    assert times(both, time_zone=BERLIN) == list(hours)


def test_an_unknown_zone() -> None:
    with pytest.raises(CommandError, match="--time-zone Europe/Berln is unknown"):
        read(["2022-01-01"], time_zone="Europe/Berln")


def test_a_further_file_comes_to_the_zone_of_the_first() -> None:
    hours = OVER["spring"]
    data = read(hours[:10])  # +01:00 alone
    pd.DataFrame({"ds": hours[10:], "price": 1.0}).to_csv("plan.csv", index=False)
    plan = read_further(Path("plan.csv"), FileSpec(), data.known)
    assert list(plan["ds"]) == list(hours[10:])
    assert plan["ds"].dtype == data.frame["ds"].dtype
    pd.DataFrame({"ds": hours[10:].tz_localize(None)}).to_csv("naive.csv", index=False)
    with pytest.raises(CommandError, match=r"without offsets .* --time-zone"):
        read_further(Path("naive.csv"), FileSpec(), data.known)
    known = Known(data.columns, zone=hours.tz)
    local = read_further(Path("naive.csv"), FileSpec(time_zone=BERLIN), known)
    assert list(local["ds"]) == list(hours[10:])


@pytest.mark.parametrize("options", [(), ("--time-zone", BERLIN)], ids=["offsets", "zone"])
def test_a_forecast_can_be_read_behind_its_history(run: Run, options: tuple[str, ...]) -> None:
    hours = pd.date_range("2022-03-25", periods=60, freq="h", tz=BERLIN)
    frame = pd.DataFrame({"unique_id": "a", "ds": hours, "y": np.arange(60.0) % 24})
    frame.to_csv("history.csv", index=False)
    quick = ("--horizon", 3, "--max-steps", 2, "--no-check", *options)
    assert run("forecast", "history.csv", *quick).code == 0
    forecast = Path("forecast.csv").read_text().splitlines()
    expected = pd.date_range("2022-03-27 13:00", periods=3, freq="h", tz=BERLIN)
    written = pd.to_datetime(pd.Series([row.split(",")[1] for row in forecast[1:]]), utc=True)
    assert list(written) == list(expected)
    if options:
        assert forecast[1].split(",")[1] == "2022-03-27 13:00:00+02:00"
    Path("more.csv").write_text(Path("history.csv").read_text() + "\n".join(forecast[1:]))
    assert run("forecast", "more.csv", *quick, "--out", "next.csv").code == 0
    first = pd.to_datetime(pd.read_csv("next.csv")["ds"], utc=True)[0]
    assert first == pd.Timestamp("2022-03-27 16:00", tz=BERLIN)


def test_a_model_knows_its_zone(run: Run) -> None:
    hours = pd.date_range("2022-03-25", periods=60, freq="h", tz=BERLIN)
    frame = pd.DataFrame({"ds": hours, "y": np.arange(60.0) % 24})
    frame.to_csv("history.csv", index=False)
    fit = ("fit", "history.csv", "--save", "m.tsgen", "--max-steps", 2, "--time-zone", BERLIN)
    assert run(*fit).code == 0
    done = run("predict", "m.tsgen", "history.csv", "--horizon", 2)
    assert (done.code, done.err) == (0, "")
    assert Path("forecast.csv").read_text().split(",")[1].endswith("2022-03-27 13:00:00+02:00")


# --- several columns, and Parquet ----------------------------------------------------------------


def test_time_in_several_columns() -> None:
    hours = pd.date_range("2020-02-28 20:00", periods=10, freq="h")
    frame = pd.DataFrame({"No": range(10), "year": hours.year, "month": hours.month,
                          "day": hours.day, "hour": hours.hour, "y": 1.5})  # fmt: skip
    frame.to_csv("parts.csv", index=False)
    roles = Roles(time_col=["year", "month", "day", "hour"])
    data = read_first(Path("parts.csv"), FileSpec(), roles, None)
    assert list(data.frame["ds"]) == list(hours)
    assert list(data.frame) == ["No", "ds", "y"]
    months = read_first(Path("parts.csv"), FileSpec(), Roles(time_col=["year", "month"]), None)
    assert list(months.frame["ds"]) == list(hours.to_period("M").to_timestamp())
    roles = Roles(time_col=["year", "month", "hour"])
    with pytest.raises(CommandError, match="needs its day as well"):
        read_first(Path("parts.csv"), FileSpec(), roles, None)
    frame = pd.DataFrame({"Date": hours.strftime("%d.%m.%Y"), "Time": hours.strftime("%H:%M")})
    frame.assign(y=1).to_csv("two.csv", index=False)
    data = read_first(Path("two.csv"), FileSpec(), Roles(time_col=["Date", "Time"]), None)
    assert list(data.frame["ds"]) == list(hours)


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("year,quarter", ["2021,4", "2022,1"], pd.PeriodIndex(["2021Q4", "2022Q1"], freq="Q")),
        ("week,year", ["52,2021", "1,2022"], pd.to_datetime(["2021-12-27", "2022-01-03"])),
        ("Year,Month", ["2021.0,12.0", "2022.0,1.0"], pd.to_datetime(["2021-12", "2022-01"])),
        ("day,Hour", ["2022-01-31,23", "2022-02-01,0"],
         pd.to_datetime(["2022-01-31 23:00", "2022-02-01 00:00"])),
        ("day,hour", ["31.01.2022,9", "31.01.2022,10"],
         pd.to_datetime(["2022-01-31 09:00", "2022-01-31 10:00"])),
    ],
)  # fmt: skip
def test_parts_of_time_that_are_no_date_together(
    header: str, rows: list[str], expected: pd.Index
) -> None:
    Path("in.csv").write_text("\n".join([f"{header},y", *(f"{row},1" for row in rows)]))
    roles = Roles(time_col=header.split(","))
    frame = read_first(Path("in.csv"), FileSpec(), roles, None).frame
    assert list(frame["ds"]) == list(expected)


def test_row_numbers_of_a_sorted_parquet_file() -> None:
    days = pd.date_range("2022-01-01", periods=4)
    pd.DataFrame({"day": days, "sold": [3.0, 1, 2, 0]}).sort_values("sold").to_parquet("in.pq")
    data = read_first(Path("in.pq"), FileSpec(), Roles(), None)
    assert (data.columns.time, data.columns.target) == ("day", "sold")
    assert list(data.frame.sort_values("day")["sold"]) == [3, 1, 2, 0]


@pytest.mark.parametrize("kind", ["dates", "stamps", "zone", "text", "numbers"])
def test_parquet(kind: str) -> None:
    days = pd.date_range("2022-01-20", periods=20)
    stamps: Any = {
        "dates": days.date,
        "stamps": days,
        "zone": days.tz_localize(BERLIN),
        "text": days.strftime("%d/%m/%Y"),
        "numbers": days.strftime("%Y%m%d").astype(int),
    }[kind]
    frame = pd.DataFrame({"unique_id": [7] * 20, "ds": stamps, "y": np.arange(20.0)})
    frame.to_parquet("in.PQ", index=False)
    data = read_first(Path("in.PQ"), FileSpec(), Roles(), None)
    assert list(data.frame["ds"].dt.tz_localize(None)) == list(days)
    assert_frame_equal(data.frame.drop(columns="ds"), frame.drop(columns="ds"))
    frame.set_index(["unique_id", "ds"]).to_parquet("indexed.parquet")
    assert_frame_equal(read_first(Path("indexed.parquet"), FileSpec(), Roles(), None).frame,
                       data.frame)  # fmt: skip


# --- readings that would be wrong without a word --------------------------------------------------


def further(stamps: Any, known: Known, **spec: str) -> list[Any]:
    pd.DataFrame({"ds": stamps, "price": 1.0}).to_csv("plan.csv", index=False)
    return list(read_further(Path("plan.csv"), FileSpec(**spec), known)["ds"])


def test_the_order_of_rows_is_that_of_each_series() -> None:
    """Whether the newest stand first isn't to be seen from the ends of the whole file."""
    hours, earlier = OVER["autumn"], pd.date_range("2021-06-01", periods=9, freq="h", tz=BERLIN)
    two = pd.DataFrame(
        {"unique_id": ["a"] * len(hours) + ["b"] * 9, "ds": [*hours, *earlier], "y": 1}
    )
    two["ds"] = two["ds"].dt.tz_localize(None)
    two.to_csv("two.csv", index=False)
    data = read_first(Path("two.csv"), FileSpec(time_zone=BERLIN), Roles(), None)
    assert list(data.frame["ds"]) == [*hours, *earlier]


def test_days_at_an_hour_that_clocks_skip_or_repeat() -> None:
    walls = pd.date_range("2022-03-20 02:30", "2022-11-05 02:30")
    stamps = read(walls, time_zone=BERLIN).frame["ds"]
    assert str(stamps[7]) == "2022-03-27 03:00:00+02:00"
    assert str(stamps[224]) == "2022-10-30 02:30:00+02:00"
    assert list(stamps.dt.tz_localize(None).drop(7)) == list(walls.delete(7))


@pytest.mark.parametrize("options", [{}, {"time_zone": BERLIN}], ids=["naive", "zone"])
def test_the_index_of_a_wide_file_is_read_like_a_column(options: dict[str, str]) -> None:
    days = pd.date_range("2022-03-20", periods=20, name="day")
    pd.DataFrame({"a": 1.0, "b": 2.0}, index=days).to_parquet("wide.pq")
    data = read_first(Path("wide.pq"), FileSpec(**options), Roles(), None)
    expected = days.tz_localize(options["time_zone"]) if options else days
    assert list(data.frame.index) == list(expected)
    assert data.frame.index.name == "day"
    if options:
        with pytest.raises(CommandError, match=r"'day' of wide\.pq .* without offsets"):
            read_further(Path("wide.pq"), FileSpec(), data.known)
        ahead = read_further(Path("wide.pq"), FileSpec(**options), data.known)
        assert list(ahead.index) == list(expected)


@pytest.mark.parametrize("mark", ["-", "/"])
def test_fiscal_years_are_no_months(mark: str) -> None:
    years = [f"{year}{mark}{(year + 1) % 100:02}" for year in range(2000, 2010)]
    refused(years, f"'{years[0]}' (row 0) ends in the next year", "such as 2000")
    assert times(["2000-01", "2000-02"]) == list(pd.to_datetime(["2000-01", "2000-02"]))
    assert times(["2001-02"]) == [pd.Timestamp("2001-02-01")]


def test_a_year_and_the_day_of_the_year() -> None:
    data = read(DAYS.strftime("%Y%j"))
    assert list(data.frame["ds"]) == list(DAYS)
    assert data.notes == {"time": "ds, dates as %Y%j"}


def test_days_and_months_that_are_swapped_in_what_looks_like_iso() -> None:
    ends = pd.date_range("2022-01-31", periods=12, freq="ME")
    refused(ends.strftime("%Y-%m-%d"), "'2022-01-31' (row 0) isn't written as %Y-%d-%m",
            date_format="%Y-%d-%m")  # fmt: skip
    assert times(ends.strftime("%Y-%d-%m"), date_format="%Y-%d-%m") == list(ends)


# --- no tracebacks -------------------------------------------------------------------------------


def test_formats_that_are_none() -> None:
    for written in ("%-d/%-m/%Y", "%Q"):
        Path("in.csv").write_text("when,sold\n1/2/2022,3\n2/2/2022,4\n")
        with pytest.raises(CommandError, match=r"--date-format .* bad directive"):
            read_first(Path("in.csv"), FileSpec(date_format=written), Roles(), None)


def test_numbers_beyond_what_a_date_can_be() -> None:
    refused(["1577836800000000000"] * 2, "is in the year 49999659731 if it counts seconds",
            date_format="s")  # fmt: skip
    refused(["9" * 19, "9" * 19], "is too large a number to count time")
    assert times(["9999999999", "9999999998"]) == [9999999999, 9999999998]


# --- what is read is what was meant --------------------------------------------------------------


@pytest.mark.parametrize("mark", ["UTC", "GMT", "Z"])
def test_a_mark_of_utc_in_a_format(mark: str) -> None:
    stamps = pd.date_range("2022-01-25", periods=3, freq="h", tz="UTC")
    written = stamps.strftime(f"%d.%m.%Y %H:%M {mark}")
    assert times(written, date_format=f"%d.%m.%Y %H:%M {mark}") == list(stamps)
    assert times(written, date_format="%d.%m.%Y %H:%M %z") == list(stamps)


@pytest.mark.parametrize("zone", ["America/Santiago", "Africa/Cairo", "Asia/Beirut"])
def test_days_of_which_clocks_have_moved_one_need_their_zone(zone: str) -> None:
    days = pd.date_range("2023-01-01", "2023-12-31").strftime("%Y-%m-%d")
    stamps = read(days, time_zone=zone).frame["ds"]
    assert stamps.dt.hour.nunique() == 2
    refused(stamps.astype(str), "has days whose offsets from UTC change", "--time-zone")
    assert times(stamps.astype(str), time_zone=zone) == list(stamps)


def test_an_empty_year_is_a_missing_stamp() -> None:
    Path("in.csv").write_text("year,y\n1980,1\n,2\n1982,3\n")
    data = read_first(Path("in.csv"), FileSpec(), Roles(time_col=["year"]), None)
    assert str(data.frame["year"].dtype) == "Int64"
    with pytest.raises(FrameError, match="missing time stamps"):
        read_panel(data.frame, data.columns)


def test_a_further_file_counts_where_the_first_did() -> None:
    numbers = range(201_001, 201_013)
    data = read(numbers, freq="1")
    assert further(numbers, data.known) == list(numbers)
    model = tsgen.Naive().fit(data.frame, freq=1)
    assert further(numbers, Known.from_model(model)) == list(numbers)
    dated = read(pd.Series(numbers).astype(str), date_format="%Y%m")
    assert further(numbers, dated.known, date_format="%Y%m") == list(dated.frame["ds"])


def test_a_further_file_has_the_time_in_parts_or_in_one() -> None:
    hours = pd.date_range("2020-01-01", periods=6, freq="MS")
    parts = pd.DataFrame({"year": hours.year, "month": hours.month, "y": 1.5})
    parts.to_csv("ym.csv", index=False)
    data = read_first(Path("ym.csv"), FileSpec(), Roles(time_col=["year", "month"]), None)
    assert list(read_further(Path("ym.csv"), FileSpec(), data.known)["ds"]) == list(hours)
    assert further(hours, data.known) == list(hours)
    pd.DataFrame({"date": hours, "price": 1}).to_csv("other.csv", index=False)
    with pytest.raises(CommandError, match="no column 'ds'; the columns are 'date', 'price'"):
        read_further(Path("other.csv"), FileSpec(), data.known)
