"""A forecaster for each group of series."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

import tsgen
from tsgen import GroupedForecaster, LSTMForecaster, SeasonalNaive
from tsgen.errors import (
    FailedGroupsWarning,
    FrameError,
    ModelExistsError,
    ModelFileError,
    NotFittedError,
    SettingError,
)

TINY: dict[str, Any] = {"max_steps": 2, "hidden_size": 4, "init": "random", "verbose": False}


def sales(rows: int = 40) -> pd.DataFrame:
    """Two shops in the north, one in the south; the level says which."""
    stamps = pd.date_range("2024-01-01", periods=rows, freq="D")
    levels = {("north", "a"): 10.0, ("north", "b"): 20.0, ("south", "c"): 300.0}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "region": region,
                    "unique_id": name,
                    "ds": stamps,
                    "y": level + np.arange(rows) % 7,
                }
            )
            for (region, name), level in levels.items()
        ],
        ignore_index=True,
    )


def test_each_group_is_forecast_as_by_a_forecaster_of_its_own() -> None:
    df = sales()
    model = GroupedForecaster(LSTMForecaster(**TINY), by="region").fit(df)
    assert list(model.forecasters_) == ["north", "south"]
    forecast = model.predict(9)
    assert list(forecast.columns) == ["unique_id", "ds", "y", "region"]
    for region, rows in df.groupby("region"):
        alone = LSTMForecaster(**TINY).fit(rows).predict(9)
        assert isinstance(alone, pd.DataFrame)
        found = forecast[forecast["region"] == region].drop(columns="region")
        pd.testing.assert_frame_equal(found.reset_index(drop=True), alone)


def test_processes_learn_what_one_does_and_levels_come_with_it() -> None:
    df = sales()
    one = GroupedForecaster(LSTMForecaster(**TINY), by="region").fit(df)
    two = GroupedForecaster(LSTMForecaster(**TINY), by="region", n_jobs=2).fit(df)
    pd.testing.assert_frame_equal(one.predict(3), two.predict(3))
    pd.testing.assert_frame_equal(one.predict(3, level=80), two.predict(3, level=80))


def test_joblib_says_where_groups_are_fitted() -> None:
    with parallel_config(backend="threading", n_jobs=2):
        model = GroupedForecaster(SeasonalNaive(), by="region").fit(sales())
    assert len(model.predict(2)) == 6


def test_several_columns_name_a_group_by_a_tuple_and_the_ids_may_be_among_them() -> None:
    model = GroupedForecaster(SeasonalNaive(season_length=7), by=["region", "unique_id"]).fit(
        sales()
    )
    assert list(model.forecasters_) == [("north", "a"), ("north", "b"), ("south", "c")]
    assert list(model.predict(1).columns) == ["unique_id", "ds", "y", "region"]
    assert model.predict(1)["region"].tolist() == ["north", "north", "south"]


def test_other_rows_and_a_known_future_go_to_their_groups() -> None:
    df = sales().assign(off=lambda rows: (np.arange(len(rows)) % 5 == 0).astype(float))
    known, future = df[df["ds"] < "2024-02-01"], df[df["ds"] >= "2024-02-01"]
    model = GroupedForecaster(LSTMForecaster(**TINY), by="region")
    model.fit(known, future_covariates="off")
    asked = future[["region", "unique_id", "ds", "off"]]
    forecast = model.predict(3, df=known, future_df=asked)
    pd.testing.assert_frame_equal(forecast, model.predict(3, future_df=asked))
    south = known[known["region"] == "south"]
    alone = model.predict(3, df=south, future_df=asked)
    assert alone["region"].unique().tolist() == ["south"]


def test_backtests_say_of_which_group_they_are() -> None:
    df = sales()
    found = (
        GroupedForecaster(SeasonalNaive(season_length=7), by="region")
        .fit(df)
        .backtest(df, 7, n_windows=2)
    )
    assert found.groupby("region").size().tolist() == [28, 14]
    np.testing.assert_allclose(found["y"], found["y_pred"])


def test_one_that_fails_does_not_end_the_others() -> None:
    df = sales()
    df.loc[df["region"] == "north", "y"] = df["y"].where(df.index != 3, np.inf)
    model = GroupedForecaster(SeasonalNaive(season_length=7), by="region")
    with pytest.warns(
        FailedGroupsWarning, match=r"1 of 2 groups couldn't be fitted, first 'north'"
    ):
        model.fit(df)
    assert list(model.forecasters_) == ["south"]
    assert isinstance(model.errors_["north"], FrameError)
    assert model.predict(2)["region"].tolist() == ["south", "south"]
    with pytest.raises(FrameError, match="no forecaster was fitted for 'region' of 'north'"):
        model.predict(2, df=sales())


def test_where_all_fail_the_first_error_says_of_which_group() -> None:
    model = GroupedForecaster(SeasonalNaive(season_length=7), by="region")
    with pytest.raises(FrameError) as caught:
        model.fit(sales().assign(y=np.inf))
    assert caught.value.__notes__ == ["of the group 'north'; none of 2 could be fitted"]
    assert not hasattr(model, "forecasters_")


def test_a_forecast_that_fails_is_left_out_with_a_warning() -> None:
    df = sales()
    model = GroupedForecaster(SeasonalNaive(season_length=7), by="region").fit(df)
    broken = df.assign(y=df["y"].where(df["region"] == "south", np.nan))
    with pytest.warns(FailedGroupsWarning, match="couldn't be forecast, first 'north'"):
        assert model.predict(2, df=broken)["region"].unique().tolist() == ["south"]


def test_what_is_wrong_with_the_groups_of_a_frame_is_said() -> None:
    model = GroupedForecaster(SeasonalNaive(), by="region")
    with pytest.raises(FrameError, match="df has no column 'country'"):
        GroupedForecaster(SeasonalNaive(), by="country").fit(sales())
    with pytest.raises(FrameError, match=r"df: row 4 has no value of \['region'\] \(1 such rows\)"):
        model.fit(sales().assign(region=lambda rows: rows["region"].where(rows.index != 4)))
    with pytest.raises(TypeError, match="expected a long frame"):
        model.fit(sales()["y"])  # type: ignore[arg-type]
    with pytest.raises(NotFittedError, match=r"call fit\(df\) before predict"):
        model.predict(3)
    with pytest.raises(TypeError, match="it is called 'horizon'"):
        model.predict(h=3)  # type: ignore[call-arg]


def test_forecasters_are_saved_side_by_side(tmp_path: Path) -> None:
    df = sales().assign(number=lambda rows: np.where(rows["region"] == "north", 1, 2))
    model = GroupedForecaster(LSTMForecaster(**TINY), by=["region", "number"]).fit(df)
    folder = tmp_path / "models"
    model.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "000000.tsgen", "000001.tsgen", "groups.json",
    ]  # fmt: skip
    loaded = GroupedForecaster.load(folder)
    assert list(loaded.forecasters_) == [("north", 1), ("south", 2)]
    pd.testing.assert_frame_equal(loaded.predict(4), model.predict(4))
    assert isinstance(tsgen.load(folder / "000001.tsgen"), LSTMForecaster)
    with pytest.raises(ModelExistsError, match="overwrite=True"):
        model.save(folder)
    model.save(folder, overwrite=True)


def test_a_save_that_is_cut_off_leaves_no_index_of_other_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    df = sales()
    GroupedForecaster(LSTMForecaster(**TINY), by="unique_id").fit(df).save(tmp_path)
    fewer = GroupedForecaster(LSTMForecaster(**TINY), by="region").fit(df)
    with monkeypatch.context() as broken:
        broken.setattr(LSTMForecaster, "save", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fewer.save(tmp_path, overwrite=True)
    with pytest.raises(ModelFileError):
        GroupedForecaster.load(tmp_path)
    fewer.save(tmp_path, overwrite=True)
    assert list(GroupedForecaster.load(tmp_path).forecasters_) == ["north", "south"]


def test_fewer_groups_leave_no_files_of_others(tmp_path: Path) -> None:
    df = sales()
    GroupedForecaster(LSTMForecaster(**TINY), by="unique_id").fit(df).save(tmp_path)
    fewer = GroupedForecaster(LSTMForecaster(**TINY), by="region").fit(df)
    fewer.save(tmp_path, overwrite=True)
    assert sorted(path.name for path in tmp_path.glob("*.tsgen")) == [
        "000000.tsgen", "000001.tsgen",
    ]  # fmt: skip


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no models"):
        GroupedForecaster.load(tmp_path)
    index = {"format": 2, "by": "region", "groups": [["north"]]}
    (tmp_path / "groups.json").write_text(json.dumps(index))
    with pytest.raises(ModelFileError, match="another version"):
        GroupedForecaster.load(tmp_path)


def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path: Path) -> None:
    naive = GroupedForecaster(SeasonalNaive(), by="region").fit(sales())
    with pytest.raises(SettingError, match="SeasonalNaive can't be saved"):
        naive.save(tmp_path / "naive")
    dated = sales().assign(since=pd.Timestamp("2024-01-01"))
    model = GroupedForecaster(LSTMForecaster(**TINY), by="since").fit(dated)
    with pytest.raises(SettingError, match="can't be saved"):
        model.save(tmp_path / "dated")
    assert not list(tmp_path.iterdir())
