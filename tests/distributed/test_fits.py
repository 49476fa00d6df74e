"""One training in two processes of a local Ray."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from pandas.testing import assert_frame_equal
from support.processes import python

from tsgen import LSTMForecaster, Naive
from tsgen.distributed import fit, fits
from tsgen.errors import FrameError, MissingExtraError, SettingError

ray_cluster = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
SMALL: dict[str, Any] = {
    "max_steps": 20,
    "hidden_size": 8,
    "context_length": 20,
    "lags": [7],
    "init": "random",
    "verbose": False,
}


def panel() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "unique_id": name,
                    "ds": pd.date_range("2020-01-01", periods=length, freq="D"),
                    "y": random.standard_normal(length).cumsum(),
                }
            )
            for name, length in (("a", 90), ("b", 60), ("short", 12))
        ],
        ignore_index=True,
    )


def files(folder: Path) -> str:
    folder.mkdir()
    for name, rows in panel().groupby("unique_id"):
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    return str(folder)


def weights_of(model: LSTMForecaster) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in model.module_.state_dict().values()])


class Dying(pl.Callback):
    """The second process dies after some steps, the first time."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 7 and trainer.global_rank == 1 and not self.flag.exists():
            self.flag.touch()
            os._exit(1)


class Slow(pl.Callback):
    """Takes a while for each step, and notes which."""

    def __init__(self, path: str, seconds: float) -> None:
        self.path, self.seconds = path, seconds

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.is_global_zero:
            time.sleep(self.seconds)
            with open(self.path, "a") as file:
                file.write(f"{trainer.global_step}\n")


def by_value() -> None:
    """Workers don't import this file."""
    import ray.cloudpickle

    ray.cloudpickle.register_pickle_by_value(sys.modules[Dying.__module__])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray Train looks after its processes every two seconds."""
    monkeypatch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")


@pytest.fixture(scope="class")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=3, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def alone() -> LSTMForecaster:
    """One process with twice the batch."""
    return LSTMForecaster(**SMALL, batch_size=16, trainer_kwargs={"accelerator": "cpu"}).fit(
        panel()
    )


@pytest.mark.usefixtures("cluster")
class TestOnRay:
    pytestmark = ray_cluster

    @pytest.mark.parametrize("given", ["frame", "files"])
    def test_two_processes_equal_one_with_twice_the_batch(
        self, given: str, alone: LSTMForecaster, tmp_path: Path
    ) -> None:
        source: Any = panel() if given == "frame" else files(tmp_path / "in")
        untrained = LSTMForecaster(**SMALL, batch_size=8)
        model = fit(untrained, source, num_workers=2)
        assert type(model) is LSTMForecaster
        assert not hasattr(untrained, "model_")
        torch.testing.assert_close(weights_of(model), weights_of(alone), atol=1e-5, rtol=0)
        assert_frame_equal(model.predict(9), alone.predict(9), atol=1e-4)
        assert model.get_params() == untrained.get_params()
        assert len(model.report_.losses)
        model.save(tmp_path / "model.tsgen")

    def test_a_process_that_dies(
        self, alone: LSTMForecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        by_value()
        monkeypatch.setattr(fits, "_SECONDS_APART", 0.0)
        flag = tmp_path / "flag"
        untrained = LSTMForecaster(**SMALL, batch_size=8, trainer_kwargs={"callbacks": Dying(flag)})
        model = fit(untrained, panel(), storage_path=tmp_path / "storage")
        assert flag.exists()
        torch.testing.assert_close(weights_of(model), weights_of(alone), atol=1e-5, rtol=0)

    def test_what_is_wrong_with_the_rows_is_said_once(self, tmp_path: Path) -> None:
        df = panel()
        df.loc[95, "y"] = np.inf
        with pytest.raises(FrameError, match=r"(?s)'b'.*95"):
            fit(LSTMForecaster(**SMALL), df)


DRIVER = """
    import sys
    import importlib.util
    sys.path.insert(0, sys.argv[4])
    spec = importlib.util.spec_from_file_location("cases", sys.argv[1])
    cases = importlib.util.module_from_spec(spec)
    sys.modules["cases"] = cases
    spec.loader.exec_module(cases)
    cases.by_value()
    slow = cases.Slow(sys.argv[2], float(sys.argv[5]))
    cases.fits._SECONDS_APART = 0.0
    model = cases.LSTMForecaster(**cases.SMALL, batch_size=8, trainer_kwargs={"callbacks": slow})
    found = cases.fit(model, cases.panel(), storage_path=sys.argv[3])
    found.save(sys.argv[3] + "/model.tsgen")
"""


@pytest.mark.ray
def test_a_killed_driver_goes_on_where_it_stands(alone: LSTMForecaster, tmp_path: Path) -> None:
    log, storage = tmp_path / "log", tmp_path / "storage"
    given = (__file__, log, storage, Path(__file__).parents[1])
    with python(DRIVER, *given, 0.5) as first:
        while not (log.exists() and len(log.read_text().split()) > 8):
            assert first.poll() is None, first.communicate()
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
    time.sleep(2)  # Ray ends the workers
    before = len(log.read_text().split())
    with python(DRIVER, *given, 0.0) as again:
        _, errors = again.communicate()
    assert again.returncode == 0, errors
    steps = list(map(int, log.read_text().split()[before:]))
    assert steps[0] > 1
    assert steps[-1] == 20
    model = LSTMForecaster.load(storage / "model.tsgen")
    torch.testing.assert_close(weights_of(model), weights_of(alone), atol=1e-5, rtol=0)


# ------------------------------------------------------------------------- before a cluster


def test_what_is_refused(tmp_path: Path) -> None:
    df = panel()
    with pytest.raises(SettingError, match="expected a forecaster whose network is trained"):
        fit(Naive(), df)  # type: ignore[type-var]
    with pytest.raises(SettingError, match="pass storage_path="):
        fit(LSTMForecaster(), df, run_dir=tmp_path)
    with pytest.raises(SettingError, match="strategy= says where to train"):
        fit(LSTMForecaster(trainer_kwargs={"strategy": "ddp"}), df)
    with pytest.raises(SettingError, match="num_workers=0"):
        fit(LSTMForecaster(), df, num_workers=0)
    with pytest.raises(SettingError, match="max_failures=-1"):
        fit(LSTMForecaster(), df, max_failures=-1)


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"tsgen\[ray\]"):
        fit(LSTMForecaster(), panel())
