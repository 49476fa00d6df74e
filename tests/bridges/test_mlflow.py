"""A forecaster as a model of MLflow, in a store of local files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tsgen import LSTMForecaster, Naive
from tsgen.bridges.mlflow import log_model, save_model
from tsgen.errors import MissingExtraError, NotFittedError, SettingError

TINY: dict[str, Any] = {
    **{"hidden_size": 4, "context_length": 8, "lags": [7], "init": "random", "max_steps": 4},
    "verbose": False,
}


def panel() -> pd.DataFrame:
    days, rng = np.arange(60), np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range("2024-01-01", periods=len(days), unit="ns"),
                "y": level + np.sin(2 * np.pi * days / 7) + rng.normal(0, 0.1, len(days)),
                "price": rng.choice([1.0, 2.0], len(days)),
            }
        )
        for name, level in (("b", 3.0), ("a", 50.0))
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """With a store of its own."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path)
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs.db'}")
    return mlflow


@pytest.fixture
def model() -> LSTMForecaster:
    return LSTMForecaster(**TINY).fit(panel().drop(columns="price"))


def answer_of_a_server(path: str, asked: dict[str, Any]) -> Any:
    """From ``mlflow models serve``, which is stopped then."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json"},
    )
    # It looks for uvicorn on the path.
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command += ["-m", path, "-p", str(port)]
    with subprocess.Popen(command, env=env, start_new_session=True) as server:
        try:
            while True:
                assert server.poll() is None, "the server has ended"
                try:
                    with urllib.request.urlopen(request) as answer:
                        return json.load(answer)
                except urllib.error.HTTPError as error:
                    raise AssertionError(error.read().decode()) from error
                except urllib.error.URLError:
                    time.sleep(0.2)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)


@pytest.mark.filterwarnings("ignore")  # MLflow's own
class TestWithMlflow:
    def test_a_saved_model_forecasts_what_it_did(self, mlflow: Any, model: Any) -> None:
        df = panel().drop(columns="price")
        save_model(model, "model", example=df, horizon=2)
        loaded = mlflow.pyfunc.load_model("model")
        assert_frame_equal(loaded.predict(df), model.predict(2))
        assert_frame_equal(loaded.predict(df, params={"horizon": 9}), model.predict(9))
        assert isinstance(loaded.get_raw_model(), LSTMForecaster)
        files = {path.name for path in Path("model").rglob("*") if path.is_file()}
        assert "model.tsgen" in files
        assert not [name for name in files if name.endswith(("pkl", "pickle"))]

    def test_levels_and_quantiles_are_parameters(self, mlflow: Any, model: Any) -> None:
        df = panel().drop(columns="price")
        ours = model.predict(3, level=80, quantiles=0.05)
        save_model(model, "model", example=df)
        asked = {"horizon": 3, "level": [80.0], "quantiles": [0.05]}
        found = mlflow.pyfunc.load_model("model").predict(df, params=asked)
        assert_frame_equal(found, ours)

    def test_the_last_rows_without_a_target_are_those_of_the_horizon(self, mlflow: Any) -> None:
        df = panel()
        past = df.groupby("unique_id").head(57)
        ahead = df.drop(index=past.index)
        model = LSTMForecaster(**TINY).fit(past, future_covariates="price")
        save_model(model, "model", example=df, horizon=3)
        given = df.assign(y=df["y"].where(df.index.isin(past.index)))
        found = mlflow.pyfunc.load_model("model").predict(given.sample(frac=1, random_state=0))
        ours = model.predict(3, future_df=ahead.drop(columns="y"))
        order = ["unique_id", "ds"]
        for frame in (found, ours):
            frame.sort_values(order, ignore_index=True, inplace=True)
        assert_frame_equal(found, ours)

    def test_a_run_logs_it_under_a_name(self, mlflow: Any, model: Any) -> None:
        df = panel().drop(columns="price")
        with mlflow.start_run():
            info = log_model(model, "forecaster", example=df, registered_model_name="week")
        for uri in (info.model_uri, "models:/week/1"):
            assert_frame_equal(mlflow.pyfunc.load_model(uri).predict(df), model.predict(1))

    @pytest.mark.slow
    def test_it_is_served(self, mlflow: Any, model: Any) -> None:
        df = panel().drop(columns="price")
        save_model(model, "model", example=df)
        rows = json.loads(df.to_json(orient="split", date_format="iso", index=False))
        asked = {"dataframe_split": rows, "params": {"horizon": 3}}
        found = pd.DataFrame(answer_of_a_server("model", asked)["predictions"])
        found["ds"] = pd.to_datetime(found["ds"])
        assert_frame_equal(found, model.predict(3), check_dtype=False)

    def test_it_must_be_fitted(self, mlflow: Any) -> None:
        with pytest.raises(NotFittedError):
            save_model(LSTMForecaster(), "model")
        assert not os.path.exists("model")


def test_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, model: Any) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "mlflow.pyfunc", None)
    with pytest.raises(MissingExtraError, match=r"tsgen\[mlflow\]"):
        save_model(model, "model")


@pytest.mark.filterwarnings("ignore")
def test_its_logger_of_lightning_has_the_losses(mlflow: Any) -> None:
    from pytorch_lightning.loggers import MLFlowLogger

    logger = MLFlowLogger("trainings", tracking_uri=mlflow.get_tracking_uri())
    trainer = {"logger": logger, "log_every_n_steps": 1}
    model = LSTMForecaster(**TINY, trainer_kwargs=trainer).fit(panel().drop(columns="price"))
    logged = mlflow.MlflowClient().get_metric_history(logger.run_id, "train_loss")
    losses = model.report_.losses["loss"]
    assert [one.value for one in logged] == pytest.approx(losses.tolist())


@pytest.mark.usefixtures("mlflow")
def test_what_has_no_file_is_refused() -> None:
    with pytest.raises(SettingError, match="model is a Naive, which has no file"):
        save_model(Naive().fit(panel()), "naive")
