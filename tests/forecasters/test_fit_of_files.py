"""A fit to files of Parquet is the fit to their frame."""

from __future__ import annotations

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset
import pytest
import torch
from pandas.testing import assert_frame_equal

import tsgen
from tsgen import EncoderDecoderForecaster, LSTMForecaster
from tsgen.data import maps, store
from tsgen.errors import FrameError, SettingError, StoreExistsError

SMALL = {"hidden_size": 4, "max_steps": 3, "init": "random", "verbose": False}
SERIES, ROWS = 7, 30


def panel() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = SERIES * ROWS
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i * 3 % SERIES}" for i in range(SERIES)], ROWS),
            "ds": np.tile(pd.date_range("2024-01-01", periods=ROWS), SERIES),
            "y": rng.normal(size=(SERIES, ROWS)).cumsum(axis=1).ravel(),
            "price": rng.normal(size=rows),
            "kind": rng.choice(["a", "b", None], size=rows),
            "shop": np.repeat(rng.choice(["n", "s"], size=SERIES), ROWS),
        }
    )


def written(df: pd.DataFrame, folder: Path) -> str:
    """Two files that cut a series in two."""
    folder.mkdir()
    half = len(df) // 2
    for number, rows in enumerate((df.iloc[:half], df.iloc[half:])):
        rows.to_parquet(folder / f"{number}.parquet", index=False, row_group_size=17)
    return str(folder)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_SERIES_AT_ONCE", 2)
    monkeypatch.setattr(store, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(maps, "_ROWS_AT_ONCE", 50)


def assert_equal_weights(one: LSTMForecaster, other: LSTMForecaster) -> None:
    pairs = zip(one.module_.state_dict().items(), other.module_.state_dict().items(), strict=True)
    for (name, own), (_, others) in pairs:
        assert torch.equal(own, others), name


COVARIATES = {
    "future_covariates": "price",
    "past_covariates": "kind",
    "static_covariates": "shop",
    "fill": "mask",
}


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        ({}, {}),
        ({}, COVARIATES),
        ({"val_size": 3, "patience": 2}, COVARIATES),
        ({"scaler": "robust", "target_transform": ("logit", -100, 100)}, {}),
        ({"scaler_scope": "panel", "multivariate": True}, {"target_col": ["y", "price"]}),
    ],
    ids=["alone", "covariates", "validated", "scaled", "channels"],
)
def test_the_weights_are_those_of_the_frame(
    tmp_path: Path, settings: dict[str, Any], arguments: dict[str, Any]
) -> None:
    df = panel()
    if "fill" in arguments:
        df.loc[[20, 21, 77], "y"] = np.nan
        df = df.drop(index=[50, 51]).reset_index(drop=True)
    expected = LSTMForecaster(**SMALL, **settings).fit(df, **arguments)
    model = LSTMForecaster(**SMALL, **settings).fit(written(df, tmp_path / "in"), **arguments)
    assert_equal_weights(model, expected)
    assert isinstance(model.history_.values, np.memmap)


@pytest.mark.filterwarnings("ignore::tsgen.errors.UnsortedFilesWarning")
@pytest.mark.parametrize("arguments", [{}, COVARIATES], ids=["alone", "covariates"])
def test_rows_in_any_order(tmp_path: Path, arguments: dict[str, Any]) -> None:
    df = panel().sample(frac=1, random_state=0, ignore_index=True)
    expected = LSTMForecaster(**SMALL).fit(df, **arguments)
    model = LSTMForecaster(**SMALL).fit(written(df, tmp_path / "in"), **arguments)
    assert_equal_weights(model, expected)


def test_what_it_has_learned_is_used_and_saved(tmp_path: Path) -> None:
    df = panel()
    expected = LSTMForecaster(**SMALL).fit(df)
    dataset = pyarrow.dataset.dataset(written(df, tmp_path / "in"))
    model = LSTMForecaster(**SMALL).fit(dataset, store=tmp_path / "store")
    assert_frame_equal(model.predict(4), expected.predict(4))
    assert_frame_equal(model.predict(4, level=80), expected.predict(4, level=80))
    copied = pickle.loads(pickle.dumps(model))
    assert_frame_equal(copied.predict(4), expected.predict(4))
    copied.save(tmp_path / "copied.tsgen")
    assert_frame_equal(deepcopy(model).predict(4), expected.predict(4))
    model.save(tmp_path / "model.tsgen")
    assert_frame_equal(tsgen.load(tmp_path / "model.tsgen").predict(4), expected.predict(4))
    assert (tmp_path / "store" / "values.npy").exists()


def test_other_networks_and_a_trainer_of_ones_own(tmp_path: Path) -> None:
    df = panel()
    given = written(df, tmp_path / "in")
    small = {"hidden_size": 4, "max_steps": 2, "verbose": False}
    one = EncoderDecoderForecaster(**small).fit(given).predict(3)
    assert_frame_equal(one, EncoderDecoderForecaster(**small).fit(df).predict(3))
    _, data = LSTMForecaster(**SMALL).prepare(given)
    assert len(data.some_windows(64).values) == 64


@pytest.mark.parametrize(
    ("settings", "arguments", "made"),
    [
        ({}, {}, 1),
        ({}, COVARIATES, 2),
        ({"multivariate": True}, {"target_col": ["y", "price"]}, 1),
        ({"val_size": 3}, {}, 1),
        ({"target_transform": ("logit", -100, 100)}, {}, 1),
    ],
    ids=["alone", "covariates", "channels", "validated", "transformed"],
)
def test_what_a_training_reads_is_in_files(
    tmp_path: Path, settings: dict[str, Any], arguments: dict[str, Any], made: int
) -> None:
    store = tmp_path / "store"
    model = LSTMForecaster(**SMALL, **settings, context_length=ROWS)
    kept = model.prepare(written(panel(), tmp_path / "in"), **arguments, store=store)
    assert len([path for path in store.iterdir() if path.name.startswith("tmp")]) == made
    del kept


def test_what_is_refused(tmp_path: Path) -> None:
    df = panel()
    given = written(df, tmp_path / "in")
    model = LSTMForecaster(**SMALL).fit(df)
    before = model.predict(2)
    with pytest.raises(SettingError, match=r"store=.* is a folder for the rows of files, and df="):
        model.fit(df, store=tmp_path / "store")
    with pytest.raises(StoreExistsError, match="exists already"):
        model.fit(given, store=tmp_path / "in")
    with pytest.raises(FileNotFoundError, match="there is no such file or folder"):
        model.fit(tmp_path / "nowhere")
    (tmp_path / "text.csv").write_text("a,b")
    with pytest.raises(FrameError, match="can't be read as Parquet"):
        model.fit(tmp_path / "text.csv")
    with pytest.raises(SettingError, match="multivariate=True needs several channels"):
        LSTMForecaster(**SMALL, multivariate=True).fit(given)
    with pytest.raises(FrameError, match=r"series 's1'.*\(row 150: row 45 of 1\.parquet\)"):
        model.fit(written(df.assign(y=df["y"].where(df.index != 150)), tmp_path / "bad"))
    assert_frame_equal(model.predict(2), before)
