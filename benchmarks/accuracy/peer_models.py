"""One fit of a peer under a budget of seconds, in a process and an environment of its own.

`fit_and_forecast` starts this module with a Python that has requirements-peers.txt. Each model has
one LSTM layer of 64 units, reads 168 rows, takes 128 windows a step, and is scaled as its library
recommends; all else is the library's default. Lightning's ``max_time`` ends the training; the
seconds of a fit go from the frame to the fitted model, so they have what a library makes of the
frame as well. A fit of a second on a few series goes before it: what a library does once a process
is not counted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

ROOT = Path(__file__).parents[2]
CONTEXT, HIDDEN, BATCH = 168, 64, 128
QUANTILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
ENDLESS = 10**7
COMMON = {"hidden_size": HIDDEN, "num_layers": 1, "context_length": CONTEXT, "batch_size": BATCH}
Forecast = Callable[[], pd.DataFrame]


class Fitted(NamedTuple):
    """What a fit gives: a forecast of the rows after the training ones, and its settings."""

    predict: Forecast
    settings: dict[str, Any]


def quiet(budget: float) -> dict[str, Any]:
    """Arguments of a Trainer that trains for so many seconds and says nothing."""
    return {
        "accelerator": "cpu", "logger": False, "enable_progress_bar": False,
        "enable_model_summary": False, "enable_checkpointing": False,
        "max_time": {"seconds": budget},
    }  # fmt: skip


def darts(frame: pd.DataFrame, horizon: int, budget: float, seed: int) -> Fitted:
    """darts: RNNModel, with the Scaler that its guide puts before every network."""
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler
    from darts.models import RNNModel

    ids = sorted(frame["unique_id"].unique())
    groups = dict(list(frame.groupby("unique_id")))
    series = [
        TimeSeries.from_dataframe(groups[name], "ds", "y", freq="h").astype("float32")
        for name in ids
    ]
    scaler = Scaler()
    scaled = scaler.fit_transform(series)
    model = RNNModel(
        input_chunk_length=CONTEXT, training_length=CONTEXT + horizon, model="LSTM",
        hidden_dim=HIDDEN, n_rnn_layers=1, batch_size=BATCH, n_epochs=ENDLESS, random_state=seed,
        pl_trainer_kwargs=quiet(budget),
    )  # fmt: skip
    model.fit(scaled)

    def predict() -> pd.DataFrame:
        ahead = scaler.inverse_transform(model.predict(horizon, series=scaled, batch_size=512))
        return pd.concat([
            pd.DataFrame({"unique_id": name, "ds": one.time_index, "y": one.values()[:, 0]})
            for name, one in zip(ids, ahead, strict=True)
        ])  # fmt: skip

    return Fitted(predict, {"training_length": CONTEXT + horizon, "scaler": "minmax"})


def neuralforecast(
    frame: pd.DataFrame, horizon: int, budget: float, seed: int, *, recurrent: bool
) -> Fitted:
    """neuralforecast: LSTM, with its default scaler of windows."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    model = LSTM(
        h=horizon, input_size=CONTEXT, recurrent=recurrent, encoder_hidden_size=HIDDEN,
        encoder_n_layers=1, windows_batch_size=BATCH, max_steps=ENDLESS, random_seed=seed,
        alias="y", **quiet(budget),
    )  # fmt: skip
    forecast = NeuralForecast(models=[model], freq="h")
    forecast.fit(frame)
    return Fitted(
        lambda: forecast.predict(), {"recurrent": recurrent, "scaler": "robust", "loss": "mae"}
    )


def pytorch_forecasting(frame: pd.DataFrame, horizon: int, budget: float, seed: int) -> Fitted:
    """pytorch-forecasting: RecurrentNetwork, with the normaliser that its data set chooses."""
    import lightning.pytorch as pl
    from pytorch_forecasting import RecurrentNetwork, TimeSeriesDataSet

    pl.seed_everything(seed)
    known = _numbered(frame)
    training = TimeSeriesDataSet(
        known, time_idx="step", target="y", group_ids=["unique_id"],
        min_encoder_length=CONTEXT, max_encoder_length=CONTEXT,
        min_prediction_length=horizon, max_prediction_length=horizon,
        time_varying_unknown_reals=["y"],
    )  # fmt: skip
    model = RecurrentNetwork.from_dataset(
        training, cell_type="LSTM", hidden_size=HIDDEN, rnn_layers=1
    )
    trainer = pl.Trainer(max_epochs=-1, gradient_clip_val=0.1, **quiet(budget))
    trainer.fit(model, training.to_dataloader(train=True, batch_size=BATCH))

    def predict() -> pd.DataFrame:
        ahead = _rows_ahead(frame, horizon)
        asked = TimeSeriesDataSet.from_dataset(
            training, _numbered(pd.concat([frame, ahead])), predict=True, stop_randomization=True
        )
        options = {key: value for key, value in quiet(0).items() if key != "max_time"}
        answer = model.predict(
            asked.to_dataloader(train=False, batch_size=512), return_index=True,
            trainer_kwargs=options,
        )  # fmt: skip
        values = dict(zip(answer.index["unique_id"], answer.output.numpy(), strict=True))
        return pd.concat([
            rows.assign(y=values[name]) for name, rows in ahead.groupby("unique_id", sort=False)
        ])  # fmt: skip

    normalizer = training.target_normalizer
    scaler = f"{type(normalizer).__name__}, {normalizer.transformation}"
    return Fitted(predict, {"scaler": scaler, "loss": "mae", "gradient_clip_val": 0.1})


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """With the number of each row in its series."""
    ordered = frame.sort_values(["unique_id", "ds"], ignore_index=True)
    return ordered.assign(step=ordered.groupby("unique_id").cumcount())


def _rows_ahead(frame: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """The rows to forecast, which that library wants in its data set, with each last value."""
    last = frame.groupby("unique_id", sort=False).tail(1)
    ahead = last.loc[last.index.repeat(horizon)].reset_index(drop=True)
    steps = pd.to_timedelta(ahead.groupby("unique_id").cumcount() + 1, unit="h")
    return ahead.assign(ds=ahead["ds"] + steps)


def gluonts(frame: pd.DataFrame, horizon: int, budget: float, seed: int) -> Fitted:
    """gluonts: DeepAR, whose median is the forecast; without a calendar, which these data lack."""
    import lightning.pytorch as pl
    from gluonts.dataset.pandas import PandasDataset
    from gluonts.torch import DeepAREstimator

    pl.seed_everything(seed)
    dataset = PandasDataset.from_long_dataframe(
        frame, item_id="unique_id", timestamp="ds", target="y", freq="h"
    )
    # Its estimator restores the weights of the best epoch, for which it needs checkpoints.
    options = quiet(budget) | {"enable_checkpointing": True, "max_epochs": ENDLESS}
    predictor = DeepAREstimator(
        freq="h", prediction_length=horizon, context_length=CONTEXT, hidden_size=HIDDEN,
        num_layers=1, batch_size=BATCH, time_features=[], trainer_kwargs=options,
    ).train(dataset)  # fmt: skip

    def predict() -> pd.DataFrame:
        return pd.concat([
            pd.DataFrame({
                "unique_id": one.item_id,
                "ds": one.index.to_timestamp(),
                "y": one.quantile(0.5),
                **{f"y-q-{share}": one.quantile(share) for share in QUANTILES},
            })
            for one in predictor.predict(dataset)
        ])  # fmt: skip

    return Fitted(predict, {"scaler": "mean", "loss": "student t", "paths": 100})


def _recurrent(*arguments: Any) -> Fitted:
    return neuralforecast(*arguments, recurrent=True)


def _direct(*arguments: Any) -> Fitted:
    return neuralforecast(*arguments, recurrent=False)


MODELS: dict[str, tuple[str, Callable[..., Fitted]]] = {
    "darts RNNModel": ("darts", darts),
    "neuralforecast LSTM recurrent": ("neuralforecast", _recurrent),
    "neuralforecast LSTM direct": ("neuralforecast", _direct),
    "pytorch-forecasting RecurrentNetwork": ("pytorch-forecasting", pytorch_forecasting),
    "gluonts DeepAR": ("gluonts", gluonts),
}
"""The library that each model comes from, and its fit."""


class Answer(NamedTuple):
    """What came of a fit: a long frame, and what is noted of the run."""

    forecast: pd.DataFrame
    noted: dict[str, Any]


def fit_and_forecast(
    python: str, model: str, frame: pd.DataFrame, *, horizon: int, budget: float, seed: int
) -> Answer:
    """Fit one of `MODELS` with another Python and forecast what follows the frame."""
    with tempfile.TemporaryDirectory() as folder:
        frame.to_parquet(Path(folder, "frame.parquet"))
        done = subprocess.run(
            [str(Path(python).absolute()), "-m", "benchmarks.accuracy.peer_models",
             model, str(horizon), str(budget), str(seed)],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        answer = Path(folder, "answer.json")
        if not answer.exists():
            sys.exit(
                f"{done.stderr[-2000:]}\n{model}: the peers' process ended without an answer; is "
                f"requirements-peers.txt installed in {python}?"
            )
        forecast = pd.read_parquet(Path(folder, "forecast.parquet"))
        return Answer(forecast, json.loads(answer.read_text()))


def main() -> None:
    """Read frame.parquet in this folder; write forecast.parquet and answer.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=list(MODELS))
    parser.add_argument("horizon", type=int)
    parser.add_argument("budget", type=float)
    parser.add_argument("seed", type=int)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)

    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    frame = pd.read_parquet("frame.parquet")
    library, fit = MODELS[asked.model]
    few = frame[frame["unique_id"].isin(frame["unique_id"].unique()[:4])]
    fit(few, asked.horizon, 1.0, asked.seed)
    steps: list[None] = []
    register_optimizer_step_post_hook(lambda *_: steps.append(None))
    start = time.perf_counter()
    fitted = fit(frame, asked.horizon, asked.budget, asked.seed)
    fit_s = time.perf_counter() - start
    start = time.perf_counter()
    forecast = fitted.predict()
    noted = {
        "fit_s": fit_s,
        "predict_s": time.perf_counter() - start,
        "settings": COMMON | fitted.settings | {"steps": len(steps)},
        "library": f"{library} {version(library)}",
        **{name: version(name) for name in ("torch", "numpy", "pandas")},
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
    }
    forecast.reset_index(drop=True).to_parquet("forecast.parquet")
    Path("answer.json").write_text(json.dumps(noted))


if __name__ == "__main__":
    main()
