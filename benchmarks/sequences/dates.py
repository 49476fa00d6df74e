"""Dates in twenty notations, and as ISO 8601 writes them: pairs to learn from.

    python -m benchmarks.sequences.dates --out datasets/dates.csv

Days are drawn from the years 1950 to 2049, so that two figures say which year is meant; dots are
between day, month and year, slashes between month, day and year.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

FIRST, LAST = date(1950, 1, 1), date(2049, 12, 31)
ENGLISH = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
GERMAN = [
    "Januar", "Februar", "März", "April", "Mai", "Juni",
    "Juli", "August", "September", "Oktober", "November", "Dezember",
]  # fmt: skip
FRENCH = [
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
]  # fmt: skip
ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def _ordinal(day: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    return f"{day}{endings.get(day, 'th')}"


def _month(names: Sequence[str], day: date, letters: int | None = None) -> str:
    return names[day.month - 1][:letters]


NOTATIONS: dict[str, Callable[[date], str]] = {
    "07.03.2024": lambda d: f"{d:%d.%m}.{d.year}",
    "7.3.2024": lambda d: f"{d.day}.{d.month}.{d.year}",
    "7.3.24": lambda d: f"{d.day}.{d.month}.{d:%y}",
    "03/07/2024": lambda d: f"{d:%m/%d}/{d.year}",
    "3/7/2024": lambda d: f"{d.month}/{d.day}/{d.year}",
    "3/7/24": lambda d: f"{d.month}/{d.day}/{d:%y}",
    "2024/03/07": lambda d: f"{d.year}/{d:%m/%d}",
    "20240307": lambda d: f"{d:%Y%m%d}",
    "7 March 2024": lambda d: f"{d.day} {_month(ENGLISH, d)} {d.year}",
    "7 Mar 2024": lambda d: f"{d.day} {_month(ENGLISH, d, 3)} {d.year}",
    "March 7, 2024": lambda d: f"{_month(ENGLISH, d)} {d.day}, {d.year}",
    "Mar 7, 2024": lambda d: f"{_month(ENGLISH, d, 3)} {d.day}, {d.year}",
    "7-Mar-24": lambda d: f"{d.day}-{_month(ENGLISH, d, 3)}-{d:%y}",
    "the 7th of March 2024": lambda d: f"the {_ordinal(d.day)} of {_month(ENGLISH, d)} {d.year}",
    "Thursday, 7 March 2024": lambda d: (
        f"{WEEKDAYS[d.weekday()]}, {d.day} {_month(ENGLISH, d)} {d.year}"
    ),
    "2024, March 7": lambda d: f"{d.year}, {_month(ENGLISH, d)} {d.day}",
    "7-III-2024": lambda d: f"{d.day}-{ROMAN[d.month - 1]}-{d.year}",
    "7. März 2024": lambda d: f"{d.day}. {_month(GERMAN, d)} {d.year}",
    "7 mars 2024": lambda d: f"{d.day} {_month(FRENCH, d)} {d.year}",
    "2024年3月7日": lambda d: f"{d.year}年{d.month}月{d.day}日",
}
"""By how each writes one and the same day."""


def pairs(count: int, seed: int = 0) -> pd.DataFrame:
    """So many dates, as many in each notation.

    Parameters
    ----------
    count : int
    seed : int, default 0

    Returns
    -------
    DataFrame
        ``notation`` (from 1), ``written`` and ``iso``.
    """
    random = np.random.default_rng(seed)
    numbers = np.arange(count) % len(NOTATIONS)
    days = random.integers(0, (LAST - FIRST).days + 1, count)
    writers = list(NOTATIONS.values())
    rows = [
        (number + 1, writers[number](day), day.isoformat())
        for number, day in zip(
            numbers, (FIRST + timedelta(int(after)) for after in days), strict=True
        )
    ]
    table = pd.DataFrame(rows, columns=["notation", "written", "iso"])
    return table.sample(frac=1.0, random_state=seed, ignore_index=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a table of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="CSV")
    given = parser.parse_args(arguments)
    table = pairs(given.count, given.seed)
    table.to_csv(given.out, index=False, lineterminator="\n")
    print(table.head(20).to_string(index=False))


if __name__ == "__main__":
    main()
