"""Milliseconds of an exported model in ONNX Runtime beside those of ``predict``.

    OMP_NUM_THREADS=1 python -m benchmarks.speed.export

Both get the rows of the last contexts: ``predict`` as a long frame, which it returns, ONNX Runtime
as an array. Both have one thread and alternate, after a first round that doesn't count; the table
shows medians over the rounds, and by how much their forecasts differ at most, in standard
deviations of the series. The last row is a process from its start to its first forecast: with
``tsgen.load``, and with onnxruntime alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch

import tsgen
from benchmarks import record
from benchmarks.speed.rollout import seconds_of

RESULTS = record.RESULTS / "export_latency.csv"
ROUNDS, STARTS = 30, 5
WORK = (
    ("air_passengers", "zero_shot", 12),
    ("air_passengers", "zero_shot", 1000),
    ("texas_housing", "zero_shot", 12),
    ("m4_hourly", "zero_shot", 48),
)
LOADED = """
import sys, pandas as pd, tsgen
tsgen.load(sys.argv[1]).predict(12, df=pd.read_csv(sys.argv[3], parse_dates=["ds"]))
"""
EXPORTED = """
import sys, numpy as np, onnxruntime
values = np.loadtxt(sys.argv[3], delimiter=",", skiprows=1, usecols=2)
session = onnxruntime.InferenceSession(sys.argv[2])
session.run(None, {"context": values[None, :, None], "horizon": np.array(12)})
"""


def series_of(name: str) -> pd.DataFrame:
    """A long frame of a data set."""
    if not name.startswith("m4_"):
        return tsgen.load_dataset(name)[["unique_id", "ds", "y"]]
    frame = tsgen.load_benchmark(name)
    return frame.loc[frame["split"] == "train", ["unique_id", "ds", "y"]]


def exported(model: tsgen.LSTMForecaster, path: Path) -> onnxruntime.InferenceSession:
    """The model in ONNX Runtime, on one thread."""
    model.export_onnx(path, overwrite=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


def measured(folder: Path, name: str, preset: str, horizon: int) -> dict[str, object]:
    """One row of the table."""
    frame = series_of(name)
    model = tsgen.LSTMForecaster(preset=preset, verbose=False).fit(frame)
    session = exported(model, folder / "model.onnx")
    rows = model.model_.rows_read
    frame = frame.groupby("unique_id").tail(rows).reset_index(drop=True)
    series = [own["y"].to_numpy() for _, own in frame.groupby("unique_id", sort=False)]
    context = np.full((len(series), rows, 1), np.nan)
    for own, values in zip(context, series, strict=True):
        own[rows - len(values) :, 0] = values
    inputs = {"context": context, "horizon": np.array(horizon)}
    wanted = model.predict(horizon, df=frame)["y"].to_numpy().reshape(-1, horizon)
    found = session.run(["forecast"], inputs)[0][:, :, 0]
    scale = np.array([values.std() for values in series])[:, None]
    predict, onnx = alternating(
        lambda: model.predict(horizon, df=frame), lambda: session.run(["forecast"], inputs), ROUNDS
    )
    return {
        "work": f"{name}: {len(series):,} series, horizon {horizon:,}",
        "predict_ms": predict,
        "onnx_ms": onnx,
        "difference": float((np.abs(found - wanted) / scale).max()),
    }


def started(folder: Path) -> dict[str, object]:
    """The row of processes."""
    frame = series_of("air_passengers")
    model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(frame)
    model.save(folder / "model.tsgen")
    model.export_onnx(folder / "model.onnx", overwrite=True)
    frame.to_csv(folder / "rows.csv", index=False)
    paths = [str(folder / name) for name in ("model.tsgen", "model.onnx", "rows.csv")]

    def process(script: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", script, *paths], check=True)

    predict, onnx = alternating(process(LOADED), process(EXPORTED), STARTS)
    return {"work": "a process until its first forecast", "predict_ms": predict, "onnx_ms": onnx}


def alternating(
    one: Callable[[], object], other: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """The median milliseconds of both."""
    times = [(seconds_of(one), seconds_of(other)) for _ in range(rounds + 1)][1:]
    medians = 1000 * np.median(times, axis=0)
    return float(medians[0]), float(medians[1])


def main() -> None:
    """Print and write the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [measured(folder, *work) for work in WORK]
        table = pd.DataFrame([*rows, started(folder)])
    table["times"] = table["predict_ms"] / table["onnx_ms"]
    table["onnxruntime"] = version("onnxruntime")
    print(table.to_string(index=False))
    record.write(table.round({"predict_ms": 3, "onnx_ms": 3, "times": 2}), RESULTS)


if __name__ == "__main__":
    main()
