"""What covariates are worth in closed loop: two data sets, with and without, three seeds.

    python -m benchmarks.accuracy.covariates

``LSTMForecaster()`` is fitted to the rows before the first cutoff, once with the future covariates
and once without, and forecasts 14 days from a cutoff every 7 days of the last fifth of the rows.
The error is the MASE of each window, whose scale is the mean weekly difference of the training
rows. Weather is that of the day itself, as if it had been forecast without error. Settings were
chosen with ``--earlier``: the same on the fifth before, with the last fifth left out. ``--plot``
draws the pictures of docs/data.md instead: one station over Christmas, and what the model goes by.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

import tsgen
from benchmarks import record
from tsgen.metrics import mase

RESULTS = record.RESULTS / "covariates.csv"
IMAGES = record.ROOT / "docs" / "images"
HORIZON, STEP, SEASON = 14, 7, 7
COVARIATES = {
    "beijing_air": ["temp", "dew", "pressure", "wind", "speed", "rain", "snow"],
    "chicago_trains": ["holiday"],
}
MODELS: dict[str, dict[str, Any]] = {
    "beijing_air": {"target_transform": "log1p"},
    "chicago_trains": {},
}


def windows(frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Rows up to each cutoff, and those of the horizon after it."""
    days = frame["ds"].drop_duplicates().sort_values().to_numpy()
    for stop in range(len(days) - len(days) // 5, len(days) - HORIZON + 1, STEP):
        known = frame["ds"] < days[stop]
        ahead = (frame["ds"] >= days[stop]) & (frame["ds"] <= days[stop + HORIZON - 1])
        yield frame[known], frame[ahead]


def errors(model: Any, frame: pd.DataFrame, covariates: list[str]) -> tuple[float, float]:
    """Mean MASE of all windows, and of those steps that are holidays, where these are marked."""
    train = next(windows(frame))[0]
    found, special = [], []
    for known, ahead in windows(frame):
        future = ahead[["unique_id", "ds", *covariates]] if covariates else None
        given = {} if future is None else {"future_df": future}
        forecast = model.predict(HORIZON, df=known, **given)
        merged = ahead.merge(forecast, on=["unique_id", "ds"], suffixes=("", "_forecast"))
        assert len(merged) == len(ahead)
        for name, rows in merged.groupby("unique_id"):
            past = train.loc[train["unique_id"] == name, "y"]
            found.append(mase(rows["y"], rows["y_forecast"], past, SEASON))
            if "holiday" in rows and (rows["holiday"] != "no").any():
                off = rows[rows["holiday"] != "no"]
                special.append(mase(off["y"], off["y_forecast"], past, SEASON))
    return float(np.mean(found)), float(np.mean(special)) if special else float("nan")


def measure(name: str, seed: int, earlier: bool) -> dict[str, object]:
    """One row of the table."""
    frame = tsgen.load_dataset(name)
    if earlier:
        days = frame["ds"].drop_duplicates().sort_values().to_numpy()
        frame = frame[frame["ds"] < days[len(days) - len(days) // 5]]
    train = next(windows(frame))[0]
    row: dict[str, object] = {"dataset": name, "seed": seed,
                              "windows": len(list(windows(frame)))}  # fmt: skip
    naive = tsgen.SeasonalNaive(season_length=SEASON).fit(train)
    row["seasonal_naive"] = errors(naive, frame, [])[0]
    for label, covariates in (("without", []), ("with", COVARIATES[name])):
        model = tsgen.LSTMForecaster(random_state=seed, verbose=False, **MODELS[name])
        start = time.perf_counter()
        model.fit(train, future_covariates=covariates)
        row[f"fit_{label}_s"] = time.perf_counter() - start
        row[label], row[f"holidays_{label}"] = errors(model, frame, covariates)
    row["ratio"] = row["with"] / row["without"]  # type: ignore[operator]
    return row


def plot() -> None:
    """Two pictures: December 2015 at Clark/Lake with and without holidays, and importances."""
    from matplotlib.figure import Figure

    name, station, horizon = "chicago_trains", "Clark_Lake", 21
    frame = tsgen.load_dataset(name)
    train, tail = tsgen.hold_out(frame, horizon)
    plain = tsgen.LSTMForecaster(verbose=False).fit(train)
    told = tsgen.LSTMForecaster(verbose=False).fit(train, future_covariates="holiday")
    forecasts = {
        "without": (plain.predict(horizon), "#9aa3ae"),
        "with future_covariates=['holiday']": (told.predict(horizon, future_df=tail), "#d1495b"),
    }
    figure = Figure(figsize=(8.5, 3.4), layout="constrained")
    axis = figure.subplots()
    shown = frame[frame["unique_id"] == station].tail(3 * horizon)
    axis.plot(shown["ds"], shown["y"], color="#3b4252", linewidth=1.2, label="observed")
    for label, (forecast, colour) in forecasts.items():
        rows = forecast[forecast["unique_id"] == station]
        axis.plot(rows["ds"], rows["y"], color=colour, linewidth=1.6, label=label)
    axis.axvline(tail["ds"].min() - pd.Timedelta("12h"), color="#9aa3ae", linewidth=0.8, ls=":")
    axis.set_title(f"{station}, thousands of passengers a day", loc="left", fontsize=10)
    axis.legend(loc="lower left", frameon=False, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    figure.savefig(IMAGES / "chicago_trains.png", dpi=150)
    importance = tsgen.plot_importance(told.explain(train), title="What the forecasts go by")
    importance.savefig(IMAGES / "chicago_trains_importance.png", dpi=150)


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--earlier", action="store_true", help="the fifth before the last")
    parser.add_argument("--plot", action="store_true", help="draw the pictures of the docs instead")
    arguments = parser.parse_args()
    if arguments.plot:
        plot()
        return
    rows = []
    for name in COVARIATES:
        for seed in range(arguments.seeds):
            rows.append(measure(name, seed, arguments.earlier))
            print(pd.DataFrame(rows[-1:]).round(3).to_string(index=False), flush=True)
    if not arguments.earlier:
        record.write(pd.DataFrame(rows).round(4), RESULTS)


if __name__ == "__main__":
    main()
