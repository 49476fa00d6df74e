"""Numbers and names as a page has them."""

from __future__ import annotations

import pandas as pd
import pytest

from tsgen.reporting.wording import name, number, reason, rows_come, scaled, stamp, steps


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (12.34, "12.3"), (-0.5, "−0.5"), (1234.5, "1,234"), (-98765, "−98,765"),
     (1e20, "1e+20"), (float("nan"), "–")],
)  # fmt: skip
def test_numbers_have_three_digits_or_whole_thousands(value: float, text: str) -> None:
    assert number(value) == text


def test_scaled_errors_have_two_decimals() -> None:
    assert [scaled(0.8), scaled(12.345), scaled(float("nan"))] == ["0.80", "12.35", "–"]


@pytest.mark.parametrize(
    ("frequency", "horizon", "rows"),
    [
        ("MS", "3 months", "a row a month"),
        ("ME", "3 months", "a row a month"),
        ("QE-DEC", "3 quarters", "a row a quarter"),
        ("YS-JAN", "3 years", "a row a year"),
        ("W-SUN", "3 weeks", "a row a week"),
        ("s", "3 seconds", "a row a second"),
        ("h", "3 hours", "a row an hour"),
        ("15min", "45 minutes", "a row every 15 minutes"),
        ("8h", "1 day", "a row every 8 hours"),
        ("2MS", "3 steps of 2MS", "a row every 2MS"),
        ("bh", "3 steps of bh", "a row every bh"),
        ("1", "3 steps", "numbered rows"),
    ],
)
def test_how_long_a_horizon_is(frequency: str, horizon: str, rows: str) -> None:
    assert (steps(3, frequency), rows_come(frequency)) == (horizon, rows)


def test_control_characters_are_shown_and_long_names_are_cut() -> None:
    assert name("a\x00b\u202ec") == "a<U+0000>b<U+202E>c"
    assert name("می\u200cخواهم") == "می\u200cخواهم"  # a joiner that belongs to the word
    assert name("a" * 500) == "a" * 120 + "…"


def test_reasons_are_one_line() -> None:
    assert reason("two problems:\n- one\n- two.") == "two problems: - one - two"


def test_stamps_at_midnight_are_dates() -> None:
    assert stamp(pd.Timestamp("2020-01-31")) == "2020-01-31"
    assert stamp(pd.Timestamp("2020-01-31 06:00")) == "2020-01-31 06:00:00"
    assert stamp(pd.Period("2020-01", "M")) == "2020-01"
    assert stamp(7) == "7"
