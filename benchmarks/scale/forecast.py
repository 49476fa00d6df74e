"""From Parquet to Parquet: seconds and peak memory of 10,000 to a million series of 100 rows.

    python -m benchmarks.scale.forecast --series 10000 100000 1000000

Files are made first, some series at a time. Each forecast is made in a fresh process; its memory is
the operating system's high-water mark above what imports and a fit to the first series take. The
seconds of all cores together say what it costs where other programs use them, too. Rows of other
sizes stay in the file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import record
from benchmarks.scale.processes import measured_apart
from benchmarks.speed.memory import peak_mib

RESULTS = record.RESULTS / "scale_forecast.csv"
SERIES, ROWS, HORIZON = (10_000, 100_000, 1_000_000), 100, 12
FITTED, IN_A_FILE = 50, 20_000
MODELS: dict[str, dict[str, Any]] = {"default": {}, "from random weights": {"init": "random"}}


def make(series: int, folder: Path) -> None:
    """Daily series with a week, as files of some thousand each."""
    rng = np.random.default_rng(0)
    stamps = np.arange("2024-01-01", ROWS, dtype="datetime64[D]").astype("datetime64[us]")
    week = 10 * np.sin(2 * np.pi * np.arange(ROWS) / 7)
    for first in range(0, series, IN_A_FILE):
        count = min(IN_A_FILE, series - first)
        ids = pa.array([f"s{number:07d}" for number in range(first, first + count)])
        values = week + rng.normal(size=(count, ROWS)).cumsum(axis=1)
        table = {
            "unique_id": ids.take(pa.array(np.repeat(np.arange(count), ROWS))),
            "ds": np.tile(stamps, count),
            "y": values.ravel(),
        }
        pq.write_table(pa.table(table), folder / f"{first:07d}.parquet")


def measure(name: str, source: Path, out: Path) -> dict[str, object]:
    """In this process; call it in a fresh one."""
    import tsgen

    first = pq.ParquetFile(min(source.iterdir()))
    some = next(first.iter_batches(FITTED * ROWS)).to_pandas()
    model = tsgen.LSTMForecaster(verbose=False, **MODELS[name]).fit(some)
    before, start, worked = peak_mib(), time.perf_counter(), time.process_time()
    forecasts: Any = model.predict(HORIZON, df=source, out=out)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    series = forecasts.count_rows() // HORIZON
    return {
        "model": name,
        "units": model.settings_.hidden_size,
        "series": series,
        "rows": series * ROWS,
        "horizon": HORIZON,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(worked, 1),
        "series_per_s": round(series / seconds),
        "peak_mib": round(peak_mib() - before),
        "files": len(forecasts.files),
    }


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--series", type=int, nargs="+", default=SERIES)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        name, source, out = asked.measure
        print(json.dumps(measure(name, Path(source), Path(out))))
        return
    for series in asked.series:
        with tempfile.TemporaryDirectory() as made:
            source = Path(made, "series")
            source.mkdir()
            make(series, source)
            rows = [
                measured_apart("benchmarks.scale.forecast", name, source, Path(made, name))
                for name in MODELS
            ]
        table = pd.DataFrame(rows)
        print(table.to_string(index=False), flush=True)
        record.write_beside(table, RESULTS, "series")


if __name__ == "__main__":
    main()
