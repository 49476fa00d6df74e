"""Forecasts of files on the tasks of a local Ray with two workers."""

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
import pyarrow.dataset
import pytest
from pandas.testing import assert_frame_equal
from support.processes import python

from tsgen import GroupedForecaster, LSTMForecaster, Naive, SeasonalNaive
from tsgen.distributed import fit, predict
from tsgen.errors import ForecastsExistError, FrameError, MissingExtraError, SettingError

ROWS = 30
# Ray leaves its sockets and log files to the end of the process.
ray_cluster = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]


def panel(series: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i:03d}" for i in range(series)], ROWS),
            "ds": np.tile(pd.date_range("2024-01-01", periods=ROWS), series),
            "y": rng.normal(size=(series, ROWS)).cumsum(axis=1).ravel(),
        }
    )


def written(df: pd.DataFrame, folder: Path, each: int = 2) -> Path:
    """A folder of files of some whole series."""
    folder.mkdir(exist_ok=True)
    for number, first in enumerate(range(0, len(df), each * ROWS)):
        rows = df.iloc[first : first + each * ROWS]
        rows.to_parquet(folder / f"{number:03d}.parquet", index=False)
    return folder


def frame_of(dataset: Any) -> pd.DataFrame:
    frame: pd.DataFrame = dataset.to_table().to_pandas()
    return frame


@pytest.fixture(scope="class")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def model() -> LSTMForecaster:
    return LSTMForecaster(hidden_size=4, max_steps=2, init="random", verbose=False).fit(panel(3))


class Dying(Naive):
    """Its worker dies the first time that it is to forecast a file."""

    def predict(self, horizon: int, *, flag: str = "", **arguments: Any) -> Any:
        if flag and not os.path.exists(flag):
            Path(flag).touch()
            os._exit(1)
        return super().predict(horizon, **arguments)


class Slow(Naive):
    """Takes a while for each file, and notes which."""

    def predict(self, horizon: int, *, df: Any = None, log: str = "", **arguments: Any) -> Any:
        if log:
            time.sleep(0.3)
            with open(log, "a") as file:
                file.write(f"{df.files[0]}\n")
        return super().predict(horizon, df=df, **arguments)


class Located(Naive):
    """Takes a while for each file, and notes on which machine."""

    def predict(self, horizon: int, *, log: str = "", **arguments: Any) -> Any:
        if log:
            import ray

            time.sleep(0.5)
            with open(log, "a") as file:
                file.write(f"{ray.get_runtime_context().get_node_id()}\n")
        return super().predict(horizon, **arguments)


def by_value(kind: type[Naive]) -> type[Naive]:
    """Workers don't import this file."""
    import ray.cloudpickle

    ray.cloudpickle.register_pickle_by_value(sys.modules[kind.__module__])
    return kind


@pytest.mark.usefixtures("cluster")
class TestOnRay:
    pytestmark = ray_cluster

    def test_equals_one_process_row_for_row(self, model: LSTMForecaster, tmp_path: Path) -> None:
        source = written(panel(11), tmp_path / "in")
        found = predict(model, source, tmp_path / "out", 5, level=[80])
        expected = frame_of(model.predict(5, df=source, out=tmp_path / "one", level=[80]))
        assert_frame_equal(frame_of(found), expected, rtol=1e-5)
        assert_frame_equal(pd.read_parquet(tmp_path / "out"), expected, rtol=1e-5)

    def test_one_damaged_file_of_fifty(self, tmp_path: Path) -> None:
        df, out = panel(100), tmp_path / "out"
        source, model = written(df, tmp_path / "in"), SeasonalNaive(season_length=7).fit(panel(3))
        good = (source / "017.parquet").read_bytes()
        (source / "017.parquet").write_bytes(good[:100])
        with pytest.raises(FrameError, match=r"017\.parquet") as caught:
            predict(model, source, out, 3)
        assert len(caught.value.problems) == 1
        others = df[~df["unique_id"].isin(["s034", "s035"])].reset_index(drop=True)
        assert_frame_equal(pd.read_parquet(out), model.predict(3, df=others))

    def test_wrong_values_are_named_with_their_file(self, tmp_path: Path) -> None:
        df = panel(6)
        df.loc[[70, 130], "y"] = np.inf
        source = written(df, tmp_path / "in")
        with pytest.raises(FrameError) as caught:
            predict(Naive().fit(panel(3)), source, tmp_path / "out", 3)
        assert len(caught.value.problems) == 2
        for problem, name in zip(caught.value.problems, ("001", "002"), strict=True):
            assert f"{name}.parquet" in problem
            assert "row 10" in problem

    def test_a_series_in_two_files(self, tmp_path: Path) -> None:
        source = written(panel(4), tmp_path / "in")
        panel(4).iloc[40:70].to_parquet(source / "000.parquet", index=False)
        with pytest.raises(FrameError, match=r"(?s)'s002' \(.*000\.parquet and .*001\.parquet\)"):
            predict(Naive().fit(panel(3)), source, tmp_path / "out", 3)
        assert not (tmp_path / "out").exists()

    def test_empty_files_have_no_forecast(self, tmp_path: Path) -> None:
        df, model = panel(4), Naive().fit(panel(3))
        source = written(df, tmp_path / "in")
        df.iloc[:0].to_parquet(source / "0005.parquet", index=False)
        found = predict(model, source, tmp_path / "out", 3, num_tasks=1)
        assert_frame_equal(frame_of(found), model.predict(3, df=df))

    def test_a_worker_that_dies(self, tmp_path: Path) -> None:
        df, model = panel(8), by_value(Dying)().fit(panel(3))
        source, flag = written(df, tmp_path / "in"), tmp_path / "flag"
        found = predict(model, source, tmp_path / "out", 3, flag=str(flag))
        assert flag.exists()
        assert_frame_equal(frame_of(found), Naive().fit(panel(3)).predict(3, df=df))

    def test_another_call_is_refused(self, model: LSTMForecaster, tmp_path: Path) -> None:
        source, out = written(panel(4), tmp_path / "in"), tmp_path / "out"
        first = frame_of(predict(model, source, out, 3))
        with pytest.raises(ForecastsExistError, match="horizon was 3, and is 4"):
            predict(model, source, out, 4)
        with pytest.raises(ForecastsExistError, match="the model was another one"):
            predict(Naive().fit(panel(3)), source, out, 3)
        panel(5).iloc[-ROWS:].to_parquet(source / "009.parquet", index=False)
        with pytest.raises(ForecastsExistError, match=r"009\.parquet"):
            predict(model, source, out, 3)
        assert pd.read_parquet(out).equals(first)
        assert len(frame_of(predict(model, source, out, 4, overwrite=True))) == 5 * 4
        (out / "shard-00000000" / "notes.txt").touch()
        with pytest.raises(ForecastsExistError, match=r"notes\.txt"):
            predict(model, source, out, 3, overwrite=True)

    def test_future_covariates_are_those_of_each_file(self, tmp_path: Path) -> None:
        df = panel(6).assign(open=lambda rows: rows["ds"].dt.day % 3)
        model = LSTMForecaster(hidden_size=4, max_steps=2, init="random", verbose=False)
        model.fit(df, future_covariates="open")
        ahead = panel(6).assign(ds=lambda rows: rows["ds"] + pd.Timedelta(days=ROWS))
        ahead = ahead.assign(open=lambda rows: rows["ds"].dt.day % 3).drop(columns="y")
        found = predict(model, written(df, tmp_path / "in"), tmp_path / "out", 4, future_df=ahead)
        expected = model.predict(4, df=df, future_df=ahead)
        assert_frame_equal(frame_of(found), expected, rtol=1e-5)


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_of_its_own_ends_with_the_call(tmp_path: Path) -> None:
    import ray

    assert not ray.is_initialized()
    df, model = panel(2), Naive().fit(panel(3))
    found = predict(model, written(df, tmp_path / "in"), tmp_path / "out", 3)
    assert_frame_equal(frame_of(found), model.predict(3, df=df))
    assert not ray.is_initialized()


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_two_machines_share_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    try:
        ray.init(address=cluster.address, logging_level="ERROR", log_to_driver=False)
        df, model = panel(8), by_value(Located)().fit(panel(3))
        source, log = written(df, tmp_path / "in"), tmp_path / "log"
        found = predict(model, source, tmp_path / "out", 3, log=str(log))
        assert_frame_equal(frame_of(found), Naive().fit(panel(3)).predict(3, df=df))
        assert len(set(log.read_text().split())) == 2
        one = LSTMForecaster(hidden_size=4, max_steps=4, init="random", verbose=False)
        both = fit(one.set_params(batch_size=4), panel(3), num_workers=2, storage_path=tmp_path)
        alone = one.set_params(batch_size=8).fit(panel(3))
        assert_frame_equal(both.predict(5), alone.predict(5), atol=1e-4)
    finally:
        ray.shutdown()
        cluster.shutdown()


DRIVER = """
    import sys
    import importlib.util
    import pandas as pd, ray.cloudpickle
    sys.path.insert(0, sys.argv[5])
    spec = importlib.util.spec_from_file_location("cases", sys.argv[1])
    cases = importlib.util.module_from_spec(spec)
    sys.modules["cases"] = cases
    spec.loader.exec_module(cases)
    model = cases.by_value(cases.Slow)().fit(cases.panel(3))
    cases.predict(model, sys.argv[2], sys.argv[3], 3, num_tasks=1, log=sys.argv[4])
"""


@pytest.mark.ray
def test_a_killed_driver_goes_on_where_it_stands(tmp_path: Path) -> None:
    df, log = panel(40), tmp_path / "log"
    source, out = written(df, tmp_path / "in"), tmp_path / "out"
    given = (__file__, source, out, log, Path(__file__).parents[1])
    with python(DRIVER, *given) as first:
        while not (log.exists() and len(log.read_text().split()) > 4):
            assert first.poll() is None, first.communicate()
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
    time.sleep(2)  # Ray ends the workers
    finished = {path: path.stat().st_mtime_ns for path in out.rglob("part-*")}
    assert 3 <= len(finished) < 20
    with python(DRIVER, *given) as again:
        _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert_frame_equal(pd.read_parquet(out), Naive().fit(panel(3)).predict(3, df=df))
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


# ------------------------------------------------------------------------- before a cluster


def test_what_is_refused(model: LSTMForecaster, tmp_path: Path) -> None:
    df = panel(3)
    for wrong in (df, GroupedForecaster(model, by="region")):
        with pytest.raises(SettingError, match="expected a fitted forecaster"):
            predict(wrong, tmp_path, tmp_path / "out", 3)
    with pytest.raises(SettingError, match="given= is for series in memory"):
        predict(model, tmp_path, tmp_path / "out", 3, given=df)
    with pytest.raises(SettingError, match="expected a frame here"):
        predict(model, tmp_path, tmp_path / "out", 3, future_df="future/")
    source = pyarrow.dataset.dataset(written(df, tmp_path / "in"))
    rows = source.filter(pyarrow.dataset.field("unique_id") == "s000")
    with pytest.raises(SettingError, match="filter"):
        predict(model, rows, tmp_path / "out", 3)
    with pytest.raises(SettingError, match="num_tasks=0"):
        predict(model, tmp_path, tmp_path / "out", 3, num_tasks=0)


def test_without_ray(
    model: LSTMForecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(panel(3), tmp_path / "in")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"tsgen\[ray\]"):
        predict(model, source, tmp_path / "out", 3)
