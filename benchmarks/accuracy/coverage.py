"""How often the truth lies inside the intervals, on the test rows of M4 Hourly and M3 Monthly.

    python -m benchmarks.accuracy.coverage

Fits ``LSTMForecaster()`` without a single argument to the training rows, calibrates it, and counts
test values inside ``predict(level=[80, 95])``; the same for the raw paths, before calibration. Data
are read by `tsgen.load_benchmark` (TSGEN_DATA names a folder that has them). How intervals are made
was chosen with ``--earlier 1``, on the last rows of the training part.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

import tsgen
from benchmarks import record
from tsgen.metrics import mase

RESULTS = record.RESULTS / "coverage.csv"
HORIZONS = {"m4_hourly": 48, "m3_monthly": 18}
LEVELS = (80, 95)


def share_inside(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Per cent of the values that lie inside."""
    return 100 * float(((truth >= low) & (truth <= high)).mean())


def measure(name: str, seed: int, earlier: int) -> dict[str, object]:
    """One row of the table."""
    horizon = HORIZONS[name]
    frame = tsgen.load_benchmark(name)
    train = frame[frame["split"] == "train"].drop(columns="split")
    test = frame[frame["split"] == "test"].drop(columns="split")
    for _ in range(earlier):
        train, test = tsgen.hold_out(train, horizon)
    start = time.perf_counter()
    model = tsgen.LSTMForecaster(random_state=seed, verbose=False).fit(train)
    fitted = time.perf_counter()
    bands = model.calibrate().predict(horizon, level=LEVELS)
    calibrated = time.perf_counter()
    merged = test.merge(bands, on=["unique_id", "ds"], suffixes=("", "_forecast"), validate="1:1")
    assert len(merged) == len(test) == len(bands)
    raw = model.sample(horizon, calibrated=False, as_array=True)
    order = [name for name, _ in train.groupby("unique_id", sort=False)]
    truth = np.stack([merged.loc[merged["unique_id"] == one, "y"].to_numpy() for one in order])
    row: dict[str, object] = {"dataset": name, "seed": seed, "series": len(order),
                              "horizon": horizon}  # fmt: skip
    step = merged.groupby("unique_id").cumcount().to_numpy()
    for level in LEVELS:
        low, high = (merged[f"y-{side}-{level}"].to_numpy() for side in ("lo", "hi"))
        row[f"coverage_{level}"] = share_inside(merged["y"].to_numpy(), low, high)
        for part, rows in (("first", step < horizon // 2), ("second", step >= horizon // 2)):
            row[f"{part}_half_{level}"] = share_inside(
                merged["y"].to_numpy()[rows], low[rows], high[rows]
            )
        shares = [0.5 - level / 200, 0.5 + level / 200]
        row[f"raw_{level}"] = share_inside(truth, *np.quantile(raw, shares, axis=1))
    season = model.settings_.season_length
    row["mase"] = float(np.mean([
        mase(rows["y"], rows["y_forecast"], train.loc[train["unique_id"] == one, "y"], season)
        for one, rows in merged.groupby("unique_id")
    ]))  # fmt: skip
    row["fit_s"], row["calibrate_s"] = fitted - start, calibrated - fitted
    return row


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--earlier", type=int, default=0, help="tails of the training rows instead of the test rows"
    )
    parser.add_argument("--only", nargs="*", default=list(HORIZONS), choices=list(HORIZONS))
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        for seed in range(arguments.seeds):
            rows.append(measure(name, seed, arguments.earlier))
            shown = pd.DataFrame(rows[-1:]).round(2)
            print(shown.T.to_string(header=False), flush=True)
    if arguments.only == list(HORIZONS) and not arguments.earlier:
        record.write(pd.DataFrame(rows).round(3), RESULTS)


if __name__ == "__main__":
    main()
