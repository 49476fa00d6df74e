"""The defaults against naive and seasonal naive, on the held-out tail of the shipped data sets.

    python -m benchmarks.accuracy.quickcheck

The ten data sets without covariates (for the others see ``covariates.py``). Prints a table and
writes it to ``benchmarks/results/quickcheck.csv``. Settings were chosen on earlier tails
(``--earlier 1``, ``--earlier 2``), never on the last one.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

import tsgen
from benchmarks import record
from tsgen.metrics import mase

HORIZONS = {
    "air_passengers": 24,
    "australian_beer": 8,
    "bike_rentals": 14,
    "england_wales_demand": 96,
    "interstate_traffic": 48,
    "mauna_loa_co2": 26,
    "seattle_temperatures": 14,
    "sunspots": 11,
    "texas_housing": 18,
    "us_jobless_claims": 26,
}
RESULTS = record.RESULTS / "quickcheck.csv"


def mean_mase(
    train: pd.DataFrame, truth: pd.DataFrame, forecast: pd.DataFrame, season_length: int
) -> float:
    """MASE of each series, averaged over the series."""
    merged = truth.merge(
        forecast, on=["unique_id", "ds"], suffixes=("", "_forecast"), validate="1:1"
    )
    assert len(merged) == len(truth), "the forecast must have the time stamps of the truth"
    return float(
        np.mean(
            [
                mase(rows["y"], rows["y_forecast"], train.loc[train["unique_id"] == name, "y"],
                     season_length)
                for name, rows in merged.groupby("unique_id")
            ]
        )
    )  # fmt: skip


def check(name: str, seeds: int, earlier: int, **settings: object) -> dict[str, object]:
    """One row of the table."""
    frame = tsgen.load_dataset(name)
    for _ in range(earlier):
        frame, _ = tsgen.hold_out(frame, HORIZONS[name])
    train, truth = tsgen.hold_out(frame, HORIZONS[name])
    scores, seconds = [], []
    for seed in range(seeds):
        start = time.perf_counter()
        model = tsgen.LSTMForecaster(random_state=seed, verbose=False, **settings).fit(train)
        seconds.append(time.perf_counter() - start)
        season = model.settings_.season_length
        scores.append(mean_mase(train, truth, model.predict(HORIZONS[name]), season))
    row: dict[str, object] = {
        "dataset": name,
        "series": train["unique_id"].nunique(),
        "horizon": HORIZONS[name],
        "season": season,
        "tsgen": float(np.median(scores)),
        "lowest": min(scores),
        "highest": max(scores),
    }
    for label, baseline in (
        ("seasonal_naive", tsgen.SeasonalNaive()),
        ("naive", tsgen.Naive()),
    ):
        forecast = baseline.fit(train).predict(HORIZONS[name])
        row[label] = mean_mase(train, truth, forecast, season)
    row["seconds"] = float(np.median(seconds))
    return row


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--earlier", type=int, default=0, help="tails to drop before the held-out one"
    )
    parser.add_argument("--only", nargs="*", default=list(HORIZONS), choices=list(HORIZONS))
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        rows.append(check(name, arguments.seeds, arguments.earlier))
        print(
            pd.DataFrame(rows[-1:]).round(3).to_string(header=len(rows) == 1, index=False),
            flush=True,
        )
    table = pd.DataFrame(rows)
    better = table["tsgen"] < table[["seasonal_naive", "naive"]].min(axis=1)
    print(f"\nmedian MASE below both baselines on {better.sum()} of {len(table)} data sets")
    if arguments.earlier == 0 and len(rows) == len(HORIZONS):
        record.write(table.round(4), RESULTS)
        print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
