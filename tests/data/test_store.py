"""The panel of files is that of the frame, whatever is read at once."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.panel_files import LENGTHS, ROWS, assert_same, frame, source, spec

from tsgen.data import calendar_parts, read_panel, read_stored_panel, store
from tsgen.errors import FrameError, SettingError, StoreExistsError


@pytest.fixture(params=[1, 2, 512])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_SERIES_AT_ONCE", request.param)
    monkeypatch.setattr(store, "_ROWS_AT_ONCE", 5)


@pytest.fixture
def one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_SERIES_AT_ONCE", 1)
    monkeypatch.setattr(store, "_ROWS_AT_ONCE", 1)


COVARIATES = {"future": "price", "past": "kind", "static": "shop"}


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize(
    ("columns", "more"),
    [
        ({}, {}),
        (COVARIATES, {}),
        (COVARIATES, {"calendar": calendar_parts("auto")}),
        ({"target_col": ["y", "price"]}, {}),
        ({"target_col": ["y", "price"], "static": "shop"}, {"joint": True}),
        ({"past": "price", "static": "shop"}, {"roll_past": True}),
    ],
    ids=["alone", "covariates", "calendar", "targets", "joint", "rolled"],
)
def test_the_panel_is_that_of_the_frame(
    tmp_path: Path, in_order: bool, columns: dict[str, Any], more: dict[str, Any]
) -> None:
    df = frame()
    if in_order:
        df = df.sort_values("unique_id", kind="stable", ignore_index=True)
    how = spec(columns=columns, **more)
    panel = read_stored_panel(source(df, tmp_path / "in"), how)
    assert_same(panel, read_panel(df, how))
    assert isinstance(panel.values, np.memmap)
    if panel.covariates is not None and panel.covariates.rows.size:
        assert isinstance(panel.covariates.rows, np.memmap)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("fill", ["mask", "ffill", "interpolate", 0.5])
def test_holes_and_gaps(tmp_path: Path, fill: Any) -> None:
    df = frame()
    df.loc[[0, 5, 25], "y"] = np.nan
    df = df.drop(index=[10, 40, 41]).reset_index(drop=True)
    how = spec(columns=COVARIATES, fill=fill)
    assert_same(read_stored_panel(source(df, tmp_path / "in"), how), read_panel(df, how))


@pytest.mark.usefixtures("one_at_once")
def test_whole_numbers_and_a_part_of_them(tmp_path: Path) -> None:
    ids = np.repeat([4, 3, 9, 1, 0, 7], list(LENGTHS.values()))
    df = frame().assign(y=np.arange(ROWS), unique_id=ids)
    assert_same(read_stored_panel(source(df, tmp_path / "in"), spec()), read_panel(df, spec()))
    df["y"] = df["y"].astype(float).where(df.index != 30)
    how = spec(fill="mask")
    assert_same(read_stored_panel(source(df, tmp_path / "more"), how), read_panel(df, how))


@pytest.mark.usefixtures("one_at_once")
def test_ids_that_are_categories_are_what_they_name(tmp_path: Path) -> None:
    df = frame()
    given = source(df.astype({"unique_id": "category"}), tmp_path / "in")
    assert list(read_stored_panel(given, spec()).ids) == sorted(LENGTHS)


@pytest.mark.usefixtures("at_once")
def test_short_series(tmp_path: Path) -> None:
    df = frame()
    given = source(df, tmp_path / "in")
    for min_rows in (6, 10):
        expected = read_panel(df, spec(), min_rows=min_rows, short="skip")
        assert_same(read_stored_panel(given, spec(), min_rows=min_rows, short="skip"), expected)
    for min_rows, short in ((6, "error"), (100, "error"), (100, "skip")):
        with pytest.raises(FrameError) as error:
            read_panel(df, spec(), min_rows=min_rows, short=short)  # type: ignore[arg-type]
        with pytest.raises(FrameError) as own:
            read_stored_panel(given, spec(), min_rows=min_rows, short=short)  # type: ignore[arg-type]
        assert str(own.value) == str(error.value)
    with pytest.raises(SettingError, match="short='drop' is unknown"):
        read_stored_panel(given, spec(), short="drop")  # type: ignore[arg-type]


@pytest.mark.usefixtures("one_at_once")
@pytest.mark.parametrize(
    "damage",
    [
        lambda df: df.assign(y=df["y"].where(df.index != 33)),
        lambda df: df.assign(y=df["y"].where(df.index != 33, np.inf)),
        lambda df: df.assign(unique_id=df["unique_id"].where(df.index != 33)),
        lambda df: df.assign(price=df["price"].where(df.index != 33)),
        lambda df: df.assign(ds=df["ds"].where(df.index != 33, df["ds"].shift(1))),
    ],
    ids=["nan", "inf", "id", "covariate", "stamp"],
)
def test_problems_are_told_as_those_of_the_frame(tmp_path: Path, damage: Any) -> None:
    df = damage(frame())
    how = spec(columns=COVARIATES)
    with pytest.raises(FrameError) as error:
        read_panel(df, how)
    with pytest.raises(FrameError) as own:
        read_stored_panel(source(df, tmp_path / "in"), how)
    message = str(own.value).replace(": row 15 of 1.parquet", "")
    assert message.splitlines()[0] == str(error.value).splitlines()[0]
    assert "row 33: row 15 of 1.parquet" in str(own.value)


@pytest.mark.usefixtures("one_at_once")
def test_a_gap_in_a_later_block(tmp_path: Path) -> None:
    df = frame().drop(index=40).reset_index(drop=True)
    with pytest.raises(FrameError, match=r"series 'd' at 2024-01-10 .*\(after row 39: row 3 of 2"):
        read_stored_panel(source(df, tmp_path / "in"), spec())
    df = frame()
    df.loc[df["unique_id"] == "e", "ds"] += pd.Timedelta("12h")
    df.loc[df.index[-1], "ds"] += pd.Timedelta("1h")
    with pytest.raises(FrameError, match="that of the first series"):
        read_stored_panel(source(df, tmp_path / "off"), spec())


def test_other_columns(tmp_path: Path) -> None:
    given = source(frame(), tmp_path / "in")
    with pytest.raises(FrameError, match=r"no target column 'z'; the columns are .*'shop'"):
        read_stored_panel(given, spec(columns={"target_col": "z"}))
    with pytest.raises(FrameError, match="no column for the covariates 'z'"):
        read_stored_panel(given, spec(columns={"future": "z"}))
    with pytest.raises(FrameError, match=r"id_col=None makes one series.*pass the frame"):
        read_stored_panel(given, spec(columns={"id_col": None}))
    numbers = frame()[["price", "y"]].assign(unique_id=1)
    with pytest.raises(FrameError, match="has no rows of ids, time stamps and targets"):
        read_stored_panel(source(numbers, tmp_path / "numbers"), spec())


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="has 0 rows; a forecast needs history"):
        read_stored_panel(source(frame().iloc[:0], tmp_path / "in", files=1), spec())


def test_a_store_stays_and_is_made_once(tmp_path: Path) -> None:
    given, place = source(frame(), tmp_path / "in"), tmp_path / "new" / "store"
    panel = read_stored_panel(given, spec(columns=COVARIATES), store=place)
    np.testing.assert_array_equal(np.load(place / "values.npy"), panel.values)
    assert sorted(path.name for path in place.iterdir()) == ["covariates.npy", "values.npy"]
    with pytest.raises(StoreExistsError, match=r"exists already: pass a folder that doesn't"):
        read_stored_panel(given, spec(), store=place)
    assert issubclass(StoreExistsError, FileExistsError)
    del panel
    gc.collect()
    assert (place / "values.npy").exists()


def test_nothing_is_left_of_what_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    bad = source(frame().assign(y=np.inf), tmp_path / "in")
    for place in (None, tmp_path / "store"):
        with pytest.raises(FrameError):
            read_stored_panel(bad, spec(), store=place)
    assert not (tmp_path / "store").exists()
    assert not list((tmp_path / "temporary").iterdir())


def test_a_temporary_store_goes_with_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    panel = read_stored_panel(source(frame(), tmp_path / "in"), spec())
    view = panel.series(2)
    del panel
    gc.collect()
    assert len(list((tmp_path / "temporary").iterdir())) == 1
    assert len(view) == LENGTHS["c"]
    del view
    gc.collect()
    assert not list((tmp_path / "temporary").iterdir())
