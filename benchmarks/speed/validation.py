"""How long it takes to read and validate 100,000 series of 50 rows.

python -m benchmarks.speed.validation
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from benchmarks import record
from benchmarks.speed.panels import noise
from tsgen.data import read_panel
from tsgen.errors import FrameError

RESULTS = record.RESULTS / "validation_speed.csv"
SERIES, ROWS = 100_000, 50


def cases() -> dict[str, pd.DataFrame]:
    """Frames that are right, unsorted, and wrong in several ways."""
    daily = noise(SERIES, ROWS)
    shuffled = daily.sample(frac=1.0, random_state=0)
    wrong = daily.drop(index=np.arange(25, len(daily), 5_000))
    wrong.loc[wrong.index[::10_000], "y"] = np.nan
    wrong.loc[wrong.index[7::10_000], "y"] = np.inf
    return {
        "daily": daily,
        "month ends": noise(SERIES, ROWS, freq="ME"),
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
    record.write(table.round(3), RESULTS)


if __name__ == "__main__":
    main()
