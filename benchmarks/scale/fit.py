"""Fits to Parquet: seconds of reading, peak memory, and windows a second from memory maps.

    python -m benchmarks.scale.fit --rows 1000000 10000000 100000000

Files are made first, some series at a time. Each fit is made in a fresh process; its memory is the
operating system's high-water mark above what imports and a fit to a few series take. It counts
pages of memory maps that are resident, which the system takes back when others need them. A fit
to the frame is beside it, up to the rows that memory holds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from benchmarks import record
from benchmarks.scale.forecast import FITTED, ROWS, make
from benchmarks.scale.processes import measured_apart
from benchmarks.speed.memory import peak_mib

RESULTS = record.RESULTS / "scale_fit.csv"
PANELS, IN_MEMORY = (1_000_000, 10_000_000), 10_000_000
STEPS = 200
SETTINGS: dict[str, Any] = {"init": "random", "verbose": False, "hidden_size": 32}


def measure(name: str, source: Path) -> dict[str, object]:
    """In this process; call it in a fresh one."""
    import pytorch_lightning as pl

    from tsgen import LSTMForecaster
    from tsgen.data import Columns, FrameSpec, ParquetSource, read_panel, read_stored_panel

    some = next(pq.ParquetFile(min(source.iterdir())).iter_batches(FITTED * ROWS)).to_pandas()
    LSTMForecaster(**SETTINGS, max_steps=2).fit(some)
    stored, how = name == "files", FrameSpec(Columns())
    before, start = peak_mib(), time.perf_counter()
    if stored:
        rows = len(read_stored_panel(ParquetSource.of(source, "df"), how).values)
    else:
        rows = len(read_panel(pd.read_parquet(source), how).values)
    reading, read_peak = time.perf_counter() - start, peak_mib()
    model = LSTMForecaster(**SETTINGS, max_steps=STEPS)
    module, data = model.prepare(source if stored else pd.read_parquet(source))
    trainer = pl.Trainer(
        max_steps=STEPS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    start = time.perf_counter()
    trainer.fit(module, data)
    training = time.perf_counter() - start
    return {
        "read_from": name,
        "rows": rows,
        "reading_s": round(reading, 2),
        "rows_per_s": round(rows / reading),
        "reading_mib": round(read_peak - before),
        "peak_mib": round(peak_mib() - before),
        "windows_per_s": round(STEPS * data.batch_size / training),
    }


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=PANELS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        name, source = asked.measure
        print(json.dumps(measure(name, Path(source))))
        return
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as made:
            make(rows // ROWS, Path(made))
            names = ["files", *(["frame"] if rows <= IN_MEMORY else [])]
            rows_of = [measured_apart("benchmarks.scale.fit", name, made) for name in names]
        table = pd.DataFrame(rows_of)
        print(table.to_string(index=False), flush=True)
        record.write_beside(table, RESULTS, "rows")


if __name__ == "__main__":
    main()
