"""Presets against naive and seasonal naive, on the held-out tail of the shipped data sets.

    python -m benchmarks.accuracy.quickcheck
    python -m benchmarks.accuracy.quickcheck --presets zero_shot fine_tuned

The ten data sets without covariates (for the others see ``covariates.py``): today's default,
``"balanced"``, beside the two presets that begin with pretrained weights. Prints a table and puts
it into ``benchmarks/results/quickcheck.csv``, where the rows of other presets stay. Settings were
chosen on earlier tails (``--earlier 1``, ``--earlier 2``), never on the last one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd

import tsgen
from benchmarks import record
from benchmarks.accuracy.clock import fit_and_forecast
from benchmarks.accuracy.run import COMPARED, PRESETS, seeds_of
from benchmarks.accuracy.weights import name_for
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


def tails(name: str, earlier: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A data set's rows to learn from, and those of the horizon after them."""
    frame = tsgen.load_dataset(name)
    for _ in range(earlier):
        frame, _ = tsgen.hold_out(frame, HORIZONS[name])
    return tsgen.hold_out(frame, HORIZONS[name])


def check(
    name: str, preset: str, seeds: Sequence[int], earlier: int = 0, **settings: object
) -> dict[str, object]:
    """One row of the table."""
    train, truth = tails(name, earlier)
    scores, seconds = [], []
    for seed in seeds_of(preset, seeds):
        model = tsgen.LSTMForecaster(
            preset=preset, random_state=seed or 0, verbose=False, **settings
        )
        found = fit_and_forecast(model, train, HORIZONS[name])
        seconds.append(found.seconds)
        season = model.settings_.season_length
        scores.append(mean_mase(train, truth, found.forecast, season))
    row: dict[str, object] = {
        "dataset": name,
        "preset": preset,
        "series": train["unique_id"].nunique(),
        "horizon": HORIZONS[name],
        "season": season,
        "seeds": len(scores),
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
    row["weights"] = name_for(model.settings_)
    return row


def ahead(table: pd.DataFrame) -> pd.Series:
    """Whether a row's median is below both naive forecasts."""
    return table["tsgen"] < table[["seasonal_naive", "naive"]].min(axis=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", default=list(COMPARED), choices=PRESETS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--earlier", type=int, default=0, help="tails to drop before the held-out one"
    )
    parser.add_argument("--only", nargs="*", default=list(HORIZONS), choices=list(HORIZONS))
    asked = parser.parse_args(arguments)
    rows = []
    for preset in asked.presets:
        for name in asked.only:
            rows.append(check(name, preset, range(asked.seeds), asked.earlier))
            print(
                pd.DataFrame(rows[-1:]).round(3).to_string(header=len(rows) == 1, index=False),
                flush=True,
            )
    table = pd.DataFrame(rows)
    for preset, below in ahead(table).groupby(table["preset"], sort=False):
        print(f"{preset}: ahead of both naive forecasts on {below.sum()} of {len(below)}")
    if asked.earlier == 0 and asked.only == list(HORIZONS):
        record.write_beside(table.round(4), RESULTS, "preset")
        print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
