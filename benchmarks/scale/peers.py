"""The same files and forecasts by other libraries, beside tsgen's in one run.

    python -m benchmarks.scale.peers --python .venv-peers/bin/python

Each reads the Parquet of `benchmarks.scale.forecast`, forecasts all series 12 steps ahead and
writes Parquet, in a fresh process: PYTHON has requirements-peers.txt. darts and neuralforecast read
all rows at once, since they have no way from files to files. All have an LSTM of one layer and 32
units that reads 35 rows, trained for a few steps on the first series: what is measured is the
forecast. Memory is above imports and that fit.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import record
from benchmarks.scale.forecast import make
from benchmarks.scale.processes import measured_apart
from benchmarks.speed.memory import peak_mib

HORIZON, CONTEXT, UNITS, FITTED = 12, 35, 32, 50
SERIES = (10_000, 100_000)
QUIET: dict[str, Any] = {
    "accelerator": "cpu", "logger": False, "enable_progress_bar": False,
    "enable_model_summary": False, "enable_checkpointing": False,
}  # fmt: skip
Forecast = Callable[[Path, Path], None]
"""From a folder of Parquet into another one."""


def tsgen_forecast(some: pd.DataFrame) -> Forecast:
    """tsgen: some whole series at a time."""
    import tsgen

    model = tsgen.LSTMForecaster(
        init="random", hidden_size=UNITS, context_length=CONTEXT, max_steps=20, verbose=False
    ).fit(some)

    def forecast(source: Path, out: Path) -> None:
        model.predict(HORIZON, df=source, out=out)

    return forecast


def neuralforecast_forecast(some: pd.DataFrame) -> Forecast:
    """neuralforecast: LSTM(recurrent=True), the horizon fixed at the fit."""
    os.environ["NIXTLA_ID_AS_COL"] = "1"
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    network = LSTM(
        h=HORIZON, input_size=CONTEXT, recurrent=True, encoder_hidden_size=UNITS,
        encoder_n_layers=1, max_steps=20, inference_windows_batch_size=512, **QUIET,
    )  # fmt: skip
    model = NeuralForecast(models=[network], freq="D", local_scaler_type="standard")
    model.fit(some)

    def forecast(source: Path, out: Path) -> None:
        out.mkdir()
        model.predict(df=pd.read_parquet(source)).to_parquet(out / "forecast.parquet")

    return forecast


def darts_forecast(some: pd.DataFrame) -> Forecast:
    """darts: RNNModel, and a scaler of each series."""
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler
    from darts.models import RNNModel

    def series_of(frame: pd.DataFrame) -> tuple[list[Any], Any]:
        named = TimeSeries.from_group_dataframe(frame, "unique_id", "ds", "y", freq="D")
        scaler = Scaler()
        return scaler.fit_transform([one.astype("float32") for one in named]), scaler

    model = RNNModel(
        input_chunk_length=CONTEXT, training_length=CONTEXT + HORIZON, model="LSTM",
        hidden_dim=UNITS, n_rnn_layers=1, n_epochs=1, batch_size=32,
        pl_trainer_kwargs=QUIET | {"limit_train_batches": 20},
    )  # fmt: skip
    model.fit(series_of(some)[0])

    def forecast(source: Path, out: Path) -> None:
        out.mkdir()
        frame = pd.read_parquet(source)
        series, scaler = series_of(frame)
        found = scaler.inverse_transform(model.predict(HORIZON, series=series, batch_size=512))
        parts = {
            name: one.to_series()
            for name, one in zip(frame["unique_id"].unique(), found, strict=True)
        }
        pd.concat(parts, names=["unique_id", "ds"]).rename("y").reset_index().to_parquet(
            out / "forecast.parquet"
        )

    return forecast


LIBRARIES = {
    "tsgen": tsgen_forecast,
    "neuralforecast": neuralforecast_forecast,
    "darts": darts_forecast,
}


def measure(name: str, source: Path, out: Path) -> dict[str, object]:
    """In this process; call it in a fresh one."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    first = pd.read_parquet(min(source.iterdir()))
    some = first[first["unique_id"].isin(first["unique_id"].unique()[:FITTED])]
    forecast = LIBRARIES[name](some.reset_index(drop=True))
    del first
    before, start = peak_mib(), time.perf_counter()
    forecast(source, out)
    seconds = time.perf_counter() - start
    series = len(pd.read_parquet(out)) // HORIZON
    return {
        "library_measured": name,
        "units": UNITS,
        "series": series,
        "seconds": round(seconds, 1),
        "series_per_s": round(series / seconds),
        "peak_mib": round(peak_mib() - before),
    }


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="has requirements-peers.txt")
    parser.add_argument("--series", type=int, nargs="+", default=SERIES)
    parser.add_argument("--only", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
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
            rows = []
            for name in asked.only:
                python = sys.executable if name == "tsgen" else asked.python
                rows.append(
                    measured_apart(
                        "benchmarks.scale.peers", name, source, Path(made, name), python=python
                    )
                )
                print(rows[-1], flush=True)
        record.write_beside(pd.DataFrame(rows), record.RESULTS / "scale_peers.csv", "series")


if __name__ == "__main__":
    main()
