"""How long it takes to read and validate 100,000 series of 50 rows.

python benchmarks/validation_speed.py
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from tsgen.data import read_panel
from tsgen.errors import FrameError

RESULTS = Path(__file__).parent / "results" / "validation_speed.csv"


def panel(series: int = 100_000, rows: int = 50, freq: str = "D") -> pd.DataFrame:
    """A long frame with text ids."""
    ids = np.array([f"series-{i:06}" for i in range(series)], dtype=object)
    return pd.DataFrame(
        {
            "unique_id": np.repeat(ids, rows),
            "ds": np.tile(pd.date_range("2024-01-01", periods=rows, freq=freq), series),
            "y": np.random.default_rng(0).standard_normal(series * rows),
        }
    )


def cases() -> dict[str, pd.DataFrame]:
    """Frames that are right, unsorted, and wrong in several ways."""
    daily = panel()
    shuffled = daily.sample(frac=1.0, random_state=0)
    wrong = daily.drop(index=np.arange(25, len(daily), 5_000))
    wrong.loc[wrong.index[::10_000], "y"] = np.nan
    wrong.loc[wrong.index[7::10_000], "y"] = np.inf
    return {
        "daily": daily,
        "month ends": panel(freq="ME"),
        "daily, rows shuffled": shuffled,
        "daily, with gaps, NaN and inf": wrong,
    }


def main() -> None:
    """Print and write the table."""
    rows = []
    for name, frame in cases().items():
        start = time.perf_counter()
        try:
            read_panel(frame)
            outcome = "read"
        except FrameError as error:
            outcome = f"{len(error.problems)} problems found"
        rows.append(
            {
                "frame": name,
                "rows": len(frame),
                "seconds": time.perf_counter() - start,
                "outcome": outcome,
            }
        )
    table = pd.DataFrame(rows)
    print(table.round(2).to_string(index=False))
    RESULTS.parent.mkdir(exist_ok=True)
    table.round(3).to_csv(RESULTS, index=False)


if __name__ == "__main__":
    main()
