"""The peers of rollout.py, in a process and an environment of their own.

Reads the name of a piece of work from a line, does it once and answers with a line: the seconds it
took. Started by ``rollout --peers PYTHON``, where PYTHON has requirements-peers.txt.

Each peer has one LSTM layer of 64 units that reads 168 rows, and gets its own kind of input,
prepared beforehand. They are fitted for a few steps alone: what is timed is the forecast.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

CONTEXT, HIDDEN, HORIZON = 168, 64, 48
SERIES, CUTOFFS, STEP = 20, 100, 3
QUIET: dict[str, Any] = {
    "accelerator": "cpu", "logger": False, "enable_progress_bar": False,
    "enable_model_summary": False, "enable_checkpointing": False,
}  # fmt: skip


def darts_work(frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    """darts: RNNModel, one model for any horizon."""
    from darts import TimeSeries
    from darts.models import RNNModel

    def model() -> Any:
        return RNNModel(
            input_chunk_length=CONTEXT, training_length=CONTEXT + HORIZON, model="LSTM",
            hidden_dim=HIDDEN, n_rnn_layers=1, n_epochs=1, batch_size=32,
            pl_trainer_kwargs=QUIET | {"limit_train_batches": 2},
        )  # fmt: skip

    series = [
        one.astype("float32")
        for one in TimeSeries.from_group_dataframe(frame, "unique_id", "ds", "y", freq="h")
    ]
    alone, together = model(), model()
    alone.fit(series[0])
    together.fit(series)

    def backtest() -> object:
        return together.historical_forecasts(
            series[:SERIES], start=-HORIZON - STEP * (CUTOFFS - 1), start_format="position",
            forecast_horizon=HORIZON, stride=STEP, retrain=False, last_points_only=False,
            overlap_end=False,
        )  # fmt: skip

    return {
        "one": lambda: alone.predict(HORIZON),
        "one_long": lambda: alone.predict(1000),
        "all": lambda: together.predict(HORIZON, series=series, batch_size=512),
        "all_new": lambda: together.predict(HORIZON, series=series, batch_size=512),
        "backtest": backtest,
    }


def neuralforecast_work(frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    """neuralforecast: LSTM(recurrent=True), the horizon fixed at the fit."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    def unfitted() -> Any:
        model = LSTM(
            h=HORIZON, input_size=CONTEXT, recurrent=True, encoder_hidden_size=HIDDEN,
            encoder_n_layers=1, max_steps=2, inference_windows_batch_size=512,
            **QUIET,
        )  # fmt: skip
        return NeuralForecast(models=[model], freq="h")

    def fitted(rows: pd.DataFrame) -> Any:
        forecast = unfitted()
        forecast.fit(rows)
        return forecast

    some = frame["unique_id"].unique()[:SERIES]
    few = frame[frame["unique_id"].isin(some)].reset_index(drop=True)

    def backtest() -> object:
        """With its two-step fit, which can't be left out."""
        return unfitted().cross_validation(df=few, n_windows=CUTOFFS, step_size=STEP)

    alone = fitted(frame[frame["unique_id"] == frame["unique_id"].iloc[0]])
    together = fitted(frame)
    return {
        "one": lambda: alone.predict(),
        "all": lambda: together.predict(),
        "all_new": lambda: together.predict(df=frame),
        "backtest": backtest,
    }


def gluonts_work(frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    """gluonts: DeepAR, which forecasts by sample paths alone."""
    from gluonts.dataset.pandas import PandasDataset
    from gluonts.torch import DeepAREstimator

    dataset = PandasDataset.from_long_dataframe(
        frame, item_id="unique_id", timestamp="ds", target="y", freq="h"
    )
    predictor = DeepAREstimator(
        freq="h", prediction_length=HORIZON, context_length=CONTEXT, hidden_size=HIDDEN,
        num_layers=1, lags_seq=[1, 24, 168], num_parallel_samples=100, num_batches_per_epoch=2,
        trainer_kwargs=QUIET | {"max_epochs": 1, "enable_checkpointing": True},
    ).train(dataset)  # fmt: skip
    return {"paths": lambda: list(predictor.predict(dataset))}


def main() -> None:
    """Prepare all work, say what there is, then do what is asked for."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what the libraries print is no answer
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    frame = pd.read_parquet(sys.argv[1])
    work: dict[str, Callable[[], object]] = {}
    for name, prepare in (
        ("darts", darts_work),
        ("neuralforecast", neuralforecast_work),
        ("gluonts", gluonts_work),
    ):
        work |= {f"{name} {task}": run for task, run in prepare(frame).items()}
    print(",".join(work), file=answers, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        work[line.strip()]()
        print(time.perf_counter() - start, file=answers, flush=True)


if __name__ == "__main__":
    main()
