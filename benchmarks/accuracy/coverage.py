"""How often the truth lies inside the intervals, on the test rows of M4 Hourly and M3 Monthly.

    python -m benchmarks.accuracy.coverage
    python -m benchmarks.accuracy.coverage --presets zero_shot fine_tuned

Fits ``LSTMForecaster`` with nothing but a preset to the training rows, calibrates it, and counts
test values inside ``predict(level=[80, 95])``; the same for the raw paths, before calibration. The
presets are today's default, ``"balanced"``, and those that begin with pretrained weights; in
``benchmarks/results/coverage.csv`` the rows of other presets stay. Data are read by
`tsgen.load_benchmark` (TSGEN_DATA names a folder that has them). How intervals are made was chosen
with ``--earlier 1``, on the last rows of the training part.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd

import tsgen
from benchmarks import record
from benchmarks.accuracy.clock import fit_and_forecast, timed
from benchmarks.accuracy.run import COMPARED, PRESETS, seeds_of
from benchmarks.accuracy.weights import name_for
from tsgen.metrics import mase

RESULTS = record.RESULTS / "coverage.csv"
HORIZONS = {"m4_hourly": 48, "m3_monthly": 18}
LEVELS = (80, 95)


def share_inside(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Per cent of the values that lie inside."""
    return 100 * float(((truth >= low) & (truth <= high)).mean())


def rows_of(name: str, earlier: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training rows of a benchmark and its test rows, or tails of the former."""
    frame = tsgen.load_benchmark(name)
    train = frame[frame["split"] == "train"].drop(columns="split")
    test = frame[frame["split"] == "test"].drop(columns="split")
    for _ in range(earlier):
        train, test = tsgen.hold_out(train, HORIZONS[name])
    return train, test


def shares_inside(merged: pd.DataFrame) -> dict[str, float]:
    """How many of all steps, and of each half of them, lie inside of each level."""
    truth = merged["y"].to_numpy()
    step = merged.groupby("unique_id").cumcount().to_numpy()
    middle = (step.max() + 1) // 2
    found = {}
    for level in LEVELS:
        low, high = (merged[f"y-{side}-{level}"].to_numpy() for side in ("lo", "hi"))
        found[f"coverage_{level}"] = share_inside(truth, low, high)
        for part, rows in (("first", step < middle), ("second", step >= middle)):
            found[f"{part}_half_{level}"] = share_inside(truth[rows], low[rows], high[rows])
    return found


def raw_shares(model: tsgen.LSTMForecaster, merged: pd.DataFrame) -> dict[str, float]:
    """The same over all steps, of paths before calibration."""
    truth = np.stack([rows.to_numpy() for _, rows in merged.groupby("unique_id", sort=False)["y"]])
    raw = model.sample(truth.shape[1], calibrated=False, as_array=True)
    return {
        f"raw_{level}": share_inside(
            truth, *np.quantile(raw, [0.5 - level / 200, 0.5 + level / 200], axis=1)
        )
        for level in LEVELS
    }


def measure(name: str, preset: str, seed: int | None, earlier: int) -> dict[str, object]:
    """One row of the table."""
    horizon = HORIZONS[name]
    train, test = rows_of(name, earlier)
    model = tsgen.LSTMForecaster(preset=preset, random_state=seed or 0, verbose=False)
    first = fit_and_forecast(model, train, horizon)
    _, calibrate_s = timed(model.calibrate)
    bands = model.predict(horizon, level=LEVELS)
    merged = bands.merge(test, on=["unique_id", "ds"], suffixes=("_forecast", ""), validate="1:1")
    assert len(merged) == len(test) == len(bands)
    season = model.settings_.season_length
    past = {one: rows.to_numpy() for one, rows in train.groupby("unique_id")["y"]}
    scaled = [
        mase(rows["y"], rows["y_forecast"], past[one], season)
        for one, rows in merged.groupby("unique_id")
    ]
    return {
        "dataset": name,
        "preset": preset,
        "seed": seed,
        "series": len(past),
        "horizon": horizon,
        **shares_inside(merged),
        **raw_shares(model, merged),
        "mase": float(np.mean(scaled)),
        "fit_s": first.fit_s,
        "calibrate_s": calibrate_s,
        "weights": name_for(model.settings_),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", default=list(COMPARED), choices=PRESETS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--earlier", type=int, default=0, help="tails of the training rows instead of the test rows"
    )
    parser.add_argument("--only", nargs="*", default=list(HORIZONS), choices=list(HORIZONS))
    asked = parser.parse_args(arguments)
    rows = []
    for preset in asked.presets:
        for name in asked.only:
            for seed in seeds_of(preset, range(asked.seeds)):
                rows.append(measure(name, preset, seed, asked.earlier))
                shown = pd.DataFrame(rows[-1:]).round(2)
                print(shown.T.to_string(header=False), flush=True)
    if asked.only == list(HORIZONS) and not asked.earlier:
        record.write_beside(pd.DataFrame(rows).round(3), RESULTS, "preset")


if __name__ == "__main__":
    main()
