"""Columns that nobody named: the one that each can be, or an error that writes out the options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.command_line import Run, in_empty_folder

import tsgen
from tsgen.cli.data import Data, read_first
from tsgen.cli.options import FileSpec, Roles
from tsgen.cli.wording import on_command_line
from tsgen.errors import FrameError, TsgenError

MONTHS = pd.date_range("1949-01-01", periods=48, freq="MS")
VALUES = (100 + np.arange(48) + 20 * np.sin(np.arange(48))).round(1)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`tsgen ...` in an empty folder."""
    return in_empty_folder(tmp_path, monkeypatch, capfd)


def lines(header: str, *columns: Any, sep: str = ",") -> str:
    rows = [sep.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([header, *rows, ""])


def read(text: str, **roles: Any) -> Data:
    Path("in.csv").write_text(text)
    return read_first(Path("in.csv"), FileSpec(), Roles(**roles), None)


DAYS = pd.date_range("2022-01-20", periods=48)
HOURS = pd.date_range("2022-01-20", periods=48, freq="h")
YEARS = range(1900, 1948)
WRITTEN = MONTHS.strftime("%Y-%m")
COMMAS = [str(value).replace(".", ",") for value in VALUES]
FILES: dict[str, tuple[str, Any]] = {
    "months": (lines("Month,Passengers", WRITTEN, VALUES), MONTHS),
    "quoted": (lines('"Date","Temp"', MONTHS.strftime('"%Y-%m-%d"'), VALUES), MONTHS),
    "hours": (lines("datetime,load", HOURS, VALUES), HOURS),
    "years": (lines("year,value", YEARS, VALUES), YEARS),
    "compact": (lines("day,value", DAYS.strftime("%Y%m%d"), VALUES), DAYS),
    "value first": (lines("value,when", VALUES, WRITTEN), MONTHS),
    "counted": (lines(",Month,Sales", range(48), WRITTEN, VALUES), MONTHS),
    "mark": ("\ufeff" + lines("Month,Sales", WRITTEN, VALUES), MONTHS),
    "counted by R": (lines('"",Month,Sales', range(1, 49), WRITTEN, VALUES), MONTHS),
    "month first": (lines("Month,Sales", MONTHS.strftime("%m/%Y"), VALUES), MONTHS),
    "hours in digits": (lines("Hour,load", HOURS.strftime("%Y%m%d%H"), VALUES), HOURS),
    "semicolons": (lines("Tag;Last", DAYS.strftime("%d.%m.%Y"), COMMAS, sep=";"), DAYS),
}


@pytest.mark.parametrize("case", FILES)
def test_one_of_time_and_one_of_numbers_need_no_names(case: str) -> None:
    text, expected = FILES[case]
    data = read(text)
    assert list(data.frame[data.columns.time]) == list(expected)
    assert list(data.frame[data.columns.target]) == list(VALUES)
    assert data.notes["time"].split(",")[0] == data.columns.time
    assert data.notes["target"] == data.columns.target


def test_the_summary_says_what_was_taken_for_what(run: Run) -> None:
    Path("in.csv").write_text(FILES["months"][0])
    done = run("forecast", "in.csv", "--horizon", 2, "--max-steps", 2, "--no-check")
    assert (done.code, done.err) == (0, "")
    shown = [" ".join(line.split()) for line in done.out.splitlines()]
    assert {"time Month", "target Passengers"} <= set(shown)
    result = pd.read_csv("forecast.csv")
    assert list(result) == ["Month", "Passengers"]
    assert result["Month"].tolist() == ["1953-01-01", "1953-02-01"]


def test_usual_names_are_not_guessed() -> None:
    data = read(lines("unique_id,ds,y,more", "a" * 48, WRITTEN, VALUES, VALUES))
    assert data.notes == {}
    assert (data.columns.id, data.columns.time, data.columns.target) == ("unique_id", "ds", "y")
    assert read(lines("ds,sales", WRITTEN, VALUES)).notes == {"target": "sales"}


@pytest.mark.parametrize(
    ("header", "roles", "said"),
    [
        ("Date,store,sales", {}, "pass --time-col Date --target-col sales --id-col store"),
        ("Date,Open,High", {}, "pass --time-col Date --target-col Open (or 'High')"),
        ("Date,Open,High", {"time_col": ["Date"]}, "pass --target-col Open (or 'High')"),
        ("Date,store,sales", {"target_col": "sales"}, "pass --time-col Date --id-col store"),
        ("Date,Air temperature,Wind", {}, "--target-col 'Air temperature' (or 'Wind')"),
        (
            "store,sales",
            {},
            "no column of in.csv holds time stamps: there are 'store' ('s1'), 'sal",
        ),
        ("Date,store", {}, "no column of in.csv holds numbers to forecast"),
    ],
)
def test_more_columns_are_named_by_the_user(
    header: str, roles: dict[str, object], said: str
) -> None:
    kinds = {"Date": MONTHS.strftime("%Y-%m-%d"), "store": ["s1"] * 48}
    columns = [kinds.get(name, VALUES) for name in header.split(",")]
    with pytest.raises(FrameError) as error:
        read(lines(header, *columns), **roles)
    assert said in on_command_line(str(error.value))


def test_time_in_several_columns_is_suggested() -> None:
    parts = (MONTHS.year, MONTHS.month, MONTHS.day)
    with pytest.raises(FrameError) as error:
        read(lines("No,year,month,day,pm2.5", range(48), *parts, VALUES))
    said = "pass --time-col year --time-col month --time-col day --target-col pm2.5"
    assert said in on_command_line(str(error.value))
    with pytest.raises(FrameError) as error:
        read(lines("Date,Time,load", HOURS.strftime("%d.%m.%Y"), HOURS.strftime("%H:%M"), VALUES))
    said = "pass --time-col Date --time-col Time --target-col load"
    assert said in on_command_line(str(error.value))


def test_parts_of_time_are_suggested_beside_the_usual_target() -> None:
    with pytest.raises(FrameError) as error:
        read(lines("Year,Month,y", MONTHS.year, MONTHS.strftime("%B"), VALUES))
    assert on_command_line(str(error.value)).endswith("pass --time-col Year --time-col Month")


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(TsgenError, match="no column 'sold'; the columns are 'Month', 'Passengers'"):
        read(FILES["months"][0], target_col="sold")


@pytest.mark.parametrize("given", ["%Y%j", "%y%m%d", "%m.%Y", "%Y年%m月", "s"])
def test_a_declared_format_tells_time(given: str) -> None:
    stamps = DAYS.floor("D") if given in ("%Y%j", "%y%m%d", "s") else MONTHS
    Path("in.csv").write_text(
        lines("value,when", VALUES, stamps.strftime("%s" if given == "s" else given))
    )
    data = read_first(Path("in.csv"), FileSpec(date_format=given), Roles(), None)
    assert list(data.frame["when"]) == list(stamps)
    assert list(data.frame["value"]) == list(VALUES)


@pytest.mark.parametrize(
    "columns", [(WRITTEN, VALUES), (["a"] * 48, WRITTEN, VALUES), (YEARS, VALUES)], ids=len
)
def test_a_file_without_a_header_would_lose_a_row(columns: Any) -> None:
    text = lines("", *columns).lstrip("\n")
    with pytest.raises(
        TsgenError, match=r"the first line of in\.csv holds values .*header such as"
    ):
        read(text)


def test_names_of_wide_tables_may_be_numbers() -> None:
    with pytest.raises(FrameError, match="There are '1', '2': pass target_col='1'"):
        read(lines("ds,1,2", WRITTEN, VALUES, VALUES))


def test_what_is_in_a_column_shows_why_it_is_none() -> None:
    with pytest.raises(FrameError, match=r"'Share' \('5%'\); pass target_col="):
        read(lines("ds,Share", WRITTEN, ["5%"] * 48))


def test_a_footer_is_named() -> None:
    text = FILES["months"][0] + '"International airline passengers. Jan 49 ? Dec 60",\n'
    with pytest.raises(TsgenError, match=r"'International .*' \(row 48\) is no time stamp like"):
        read(text)


@pytest.mark.parametrize(
    ("frame", "arguments"),
    [
        ({"Month": MONTHS, "Passengers": VALUES}, "time_col='Month', target_col='Passengers'"),
        ({"Month": MONTHS.strftime("%Y-%m"), "n": VALUES}, "time_col='Month', target_col='n'"),
        ({"ds": MONTHS, "shop": "a", "n": VALUES}, "target_col='n', id_col='shop'"),
        ({"day": MONTHS, "shop": "a", "n": 1, "m": 2.0},
         "time_col='day', target_col='n' (or 'm'), id_col='shop'"),
    ],
)  # fmt: skip
def test_the_error_in_python_writes_out_the_arguments(frame: object, arguments: str) -> None:
    with pytest.raises(FrameError) as error:
        tsgen.LSTMForecaster(max_steps=2, verbose=False).fit(pd.DataFrame(frame))
    assert f"for a long frame pass {arguments}; " in str(error.value)


@pytest.mark.parametrize("years", [1, 3])
def test_what_has_no_numbers_to_forecast_is_said_beside_parts_of_time(years: int) -> None:
    months = MONTHS[: 12 * years]
    text = lines("Year,Month,Sales", months.year, months.month, ["$5"] * len(months))
    with pytest.raises(FrameError, match=r"holds numbers to forecast: there are 'Sales' \('\$5'\)"):
        read(text)


def test_candidates_beside_a_declared_format() -> None:
    text = lines("when,a,b", MONTHS.strftime("%Y~%m"), VALUES, VALUES)
    Path("in.csv").write_text(text)
    with pytest.raises(FrameError) as error:
        read_first(Path("in.csv"), FileSpec(date_format="%Y~%m"), Roles(), None)
    said = on_command_line(str(error.value))
    assert "pass --time-col when --target-col a (or 'b')" in said


def test_values_in_equal_steps_are_forecast_where_the_time_is_named() -> None:
    data = read(lines("Month,Total", WRITTEN, range(10, 58)), time_col=["Month"])
    assert (data.columns.time, data.columns.target) == ("Month", "Total")
