"""Messages of the library in the words of the command line."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

import tsgen
from tsgen.cli.wording import OPTIONS, on_command_line
from tsgen.data.frequency import declared_frequency
from tsgen.data.step_hints import dates_as_numbers, hint_on_steps

READ_FILES = ["data/calendar", "data/validation", "data/columns", "data/covariates",
              "data/frequency", "data/missing", "data/long", "data/spec",
              "data/future_covariates", "inference/intervals", "data/covariate_rows",
              "data/align"]  # fmt: skip
"""The modules whose messages are about frames, as any file can bring them up."""
PYTHON = re.compile(
    rf"\b(?:{'|'.join(OPTIONS)})=|pd\.|df\[|\btz_|\bdf\.\w+\(|astype|asfreq|with resample"
    r"|DataFrame and|fit\(|tsgen\.\w|\.dt\.|\(\)"
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("pass id_col=", "pass --id-col"),
        ("pass the right freq=", "pass the right --freq"),
        ("freq='noon' isn't one", "--freq noon isn't one"),
        ("level=[180.0]: as in level=[80, 95]", "--level 180.0: as in --level 80 --level 95"),
        ("pass fill='mask', 'ffill' or a number", "pass --fill mask, 'ffill' or a number"),
        ("time_col='a b', target_col='c'", "--time-col 'a b' --target-col c"),
        ("overwrite=True", "--overwrite"),
        ("drop them, or pass short='skip'", "drop them"),
        ("add rows, for instance with asfreq, or fill them", "add rows, or fill them"),
        ("convert it with pd.to_datetime(..., utc=True)",
         "say how it is written with --date-format"),
        ("first tz_localize(zone, ambiguous='infer')", "name the zone with --time-zone"),
        ("name its columns in fit(df, future_covariates=[...])",
         "name its columns in tsgen fit with --future"),
        ("made by model.save(path)", "made by tsgen fit --save"),
        ("earlier rows alone (tsgen.hold_out), or pass refit=True",
         "earlier rows alone, or pass --refit"),
        ("expected 'auto', a finite number, or None", "expected 'auto', a finite number"),
        ("add the day: pd.to_datetime(df['day'] + ' ' + df['time']) of text",
         "add the day: name both columns with --time-col"),
        ("'DE' or 'US': holidays.list_supported_countries() lists them", "'DE' or 'US'"),
        ("or pass fill='mask', 'ffill', 'interpolate' or a number to fit",
         "or pass --fill mask, ffill, interpolate or a number"),
        ("name ids with id_col=, after df.reset_index() if they stand in the index",
         "name ids with --id-col"),
        ("name it in future_covariates or past_covariates", "name it in --future or --past"),
        ("two\n- lines", "two - lines"),
    ],
)  # fmt: skip
def test_remedies(message: str, expected: str) -> None:
    assert on_command_line(message) == expected


def messages(module: str) -> list[str]:
    """All texts of a module but its docstrings, with names in the place of what is put in."""
    path = Path(tsgen.__file__).parent / f"{module}.py"
    tree = ast.parse(path.read_text())
    found, parts = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.add(node.value)
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
            found.append("".join(
                str(part.value) if isinstance(part, ast.Constant) else "'x'"
                for part in node.values
            ))  # fmt: skip
    found += [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts
    ]
    # Names that are lists, which the remedies of these pieces are for, can't be typed.
    return [text for text in found if " " in text and not text.startswith(("df[", "pd."))]


@pytest.mark.parametrize("module", READ_FILES)
def test_no_message_about_a_file_speaks_python(module: str) -> None:
    for message in messages(module):
        said = on_command_line(message)
        assert not PYTHON.search(said), said


def steps(freq: object, periods: int = 60, start: str = "2022-01-03") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=periods, freq=freq)  # type: ignore[arg-type]


def day_shift(freq: str) -> pd.DatetimeIndex:
    stamps = steps(freq, 400)
    return stamps[stamps.hour < 16]


BUSINESS = pd.offsets.CustomBusinessHour
HOLIDAYS = ["2022-01-13", "2022-02-03"]


@pytest.mark.parametrize(
    ("stamps", "freq", "said"),
    [
        (steps(pd.DateOffset(months=1), start="2022-01-10"), "D", "write months alone"),
        (steps("SMS", start="2022-01-01"), "D", "pass --freq SMS"),
        (steps(pd.offsets.CustomBusinessDay(holidays=HOLIDAYS)), "B", "--fill mask leaves those"),
        (steps("B"), "D", "pass --freq B"),
        (steps(BUSINESS(start="07:00", end="12:00")), "h", "number the rows instead, or fill"),
        (steps(BUSINESS(start="07:00", end="12:00", holidays=HOLIDAYS)), "bh", "number the rows"),
        (steps(BUSINESS(start="07:00", end="12:00", weekmask="1111110")), "h", "number the rows"),
        (day_shift("15min"), "15min", "number the rows instead"),
        (steps("h") + pd.to_timedelta([0, 3] * 30, unit="ms"), "h", "round them first"),
        (steps("D", 300).tz_localize("Europe/Berlin").tz_convert("UTC"), "D", "--time-zone"),
    ],
    ids=range(10),
)  # fmt: skip
def test_hints_on_steps(stamps: pd.DatetimeIndex, freq: str, said: str) -> None:
    hint = on_command_line(hint_on_steps(stamps, declared_frequency(freq, stamps)))
    assert said in hint
    assert not PYTHON.search(hint), hint


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([1_640_995_200, 1_640_998_800], "pass --date-format s"),
        ([20220131, 20220201], "pass --date-format %Y%m%d"),
        ([202201, 202202], "pass --date-format %Y%m"),
        ([202252, 202301], "write them as 2022-W01"),
    ],
)
def test_numbers_that_are_dates(numbers: list[int], said: str) -> None:
    assert on_command_line(dates_as_numbers(pd.Index(numbers))).endswith(f": {said}")


def test_names_of_columns_stay_what_they_are() -> None:
    said = on_command_line("no column 'time_col'; name it with time_col=")
    assert said == "no column 'time_col'; name it with --time-col"
