"""Each notation says the day that its pair has, and no two days are written alike."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.sequences import dates


@pytest.mark.parametrize("name", dates.NOTATIONS)
def test_a_notation_is_called_by_what_it_writes(name: str) -> None:
    assert dates.NOTATIONS[name](date(2024, 3, 7)) == name


def test_no_text_means_two_days() -> None:
    days = [dates.FIRST + timedelta(each) for each in range(0, 36524, 5)]
    meant: dict[str, date] = {}
    for write in dates.NOTATIONS.values():
        for day in days:
            assert meant.setdefault(write(day), day) == day


def test_pairs_are_seeded(tmp_path: Path) -> None:
    dates.main(["--count", "60", "--seed", "3", "--out", str(tmp_path / "dates.csv")])
    written = pd.read_csv(tmp_path / "dates.csv", dtype={"written": str, "iso": str})
    pd.testing.assert_frame_equal(written, dates.pairs(60, seed=3), check_dtype=False)
    assert (written["notation"].value_counts() == 3).all()
