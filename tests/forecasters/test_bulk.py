"""Forecasts from files to files."""

from __future__ import annotations

import json
import os
import signal
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset
import pytest
from pandas.testing import assert_frame_equal
from support.processes import python

from tsgen import LSTMForecaster, Naive, SeasonalNaive
from tsgen.errors import FrameError, SettingError, UnsortedFilesWarning
from tsgen.forecasters import bulk, parts

SMALL = {"hidden_size": 4, "max_steps": 2, "init": "random", "verbose": False}
SERIES, ROWS, AT_ONCE = 11, 30, 4


def panel(series: int = SERIES, rows: int = ROWS, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i:02d}" for i in range(series)], rows),
            "ds": np.tile(pd.date_range("2024-01-01", periods=rows), series),
            "y": rng.normal(size=(series, rows)).cumsum(axis=1).ravel(),
            **columns,
        }
    )


def written(df: pd.DataFrame, folder: Path, files: int = 3) -> str:
    """A folder whose files and row groups cut series in two."""
    folder.mkdir(exist_ok=True)
    bounds = np.linspace(0, len(df), files + 1).astype(int)
    for number, (first, end) in enumerate(pairwise(bounds)):
        path = folder / f"{number}.parquet"
        df.iloc[first:end].to_parquet(path, index=False, row_group_size=17)
    return str(folder)


@pytest.fixture(scope="module")
def model() -> LSTMForecaster:
    return LSTMForecaster(**SMALL).fit(panel(3))


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, and so parts, of four series."""
    monkeypatch.setattr(bulk, "_SERIES_AT_ONCE", AT_ONCE)
    monkeypatch.setattr(bulk, "_ROWS_AT_ONCE", 0)


def frame_of(dataset: pyarrow.dataset.Dataset) -> pd.DataFrame:
    frame: pd.DataFrame = dataset.to_table().to_pandas()
    return frame


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


PARTS = [f"part-0000000{number}.parquet" for number in range(3)]

# ---------------------------------------------------------------------------- what is forecast


def test_the_forecast_is_that_of_the_frame(model: LSTMForecaster, tmp_path: Path) -> None:
    df, out = panel(), tmp_path / "out"
    dataset = model.predict(5, df=written(df, tmp_path / "in"), out=out)
    expected = model.predict(5, df=df)
    assert isinstance(dataset, pyarrow.dataset.Dataset)
    assert_frame_equal(frame_of(dataset), expected, rtol=1e-5)
    assert_frame_equal(pd.read_parquet(out), frame_of(dataset))
    assert names(out) == ["_tsgen.json", *PARTS]
    sizes = [len(pd.read_parquet(out / name)) for name in PARTS]
    assert sizes == [4 * 5, 4 * 5, 3 * 5]


@pytest.mark.slow
def test_blocks_of_the_networks_size_give_the_same_bits(
    model: LSTMForecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(bulk, "_ROWS_AT_ONCE", 1)
    df = panel(1100)
    df["unique_id"] = np.repeat([f"s{i:04d}" for i in range(1100)], ROWS)
    dataset = model.predict(5, df=written(df, tmp_path / "in"), out=tmp_path / "out")
    assert frame_of(dataset).equals(model.predict(5, df=df))
    assert len(dataset.files) == 3


def test_processes_share_the_parts_and_none_waits_for_another(
    model: LSTMForecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = written(panel(), tmp_path / "in"), tmp_path / "out"
    wrote: list[int] = []
    write = parts.PartsFolder.write

    def noted(folder: Any, number: int, forecast: pd.DataFrame) -> None:
        wrote.append(number)
        write(folder, number, forecast)

    monkeypatch.setattr(parts.PartsFolder, "write", noted)
    monkeypatch.setattr(parts, "_PATIENCE", 0.1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    found = model.predict(5, df=source, out=out)
    assert wrote == [1, 0, 2]  # its own share, then what the one that never came has left
    assert_frame_equal(frame_of(found), model.predict(5, df=panel()), rtol=1e-5)
    (out / PARTS[0]).unlink()
    monkeypatch.setenv("RANK", "0")
    wrote.clear()
    assert_frame_equal(frame_of(model.predict(5, df=source, out=out)), frame_of(found))
    assert wrote == [0]


def test_series_in_any_order_and_of_any_length(model: LSTMForecaster, tmp_path: Path) -> None:
    df = panel()
    df = df[~((df["unique_id"] == "s03") & (df["ds"] < "2024-01-20"))]
    order = df["unique_id"].map(lambda name: hash_of(name)).argsort(kind="stable")
    df = df.iloc[order].reset_index(drop=True)
    dataset = model.predict(5, df=written(df, tmp_path / "in"), out=tmp_path / "out")
    assert_frame_equal(frame_of(dataset), model.predict(5, df=df), rtol=1e-5)


@pytest.mark.parametrize("apart", [False, True], ids=["of each series", "of all"])
def test_rows_in_any_order(
    promoted: LSTMForecaster, tmp_path: Path, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    df = panel(price=np.cos(np.arange(SERIES * ROWS)))
    ahead = Naive().fit(df[["unique_id", "ds", "y"]]).predict(6).drop(columns="y")
    ahead["price"] = np.sin(np.arange(len(ahead)))
    if apart:
        order = np.random.default_rng(0).permutation(len(df))
        df = df.iloc[order].reset_index(drop=True)
        firsts = df.drop_duplicates("unique_id")["unique_id"].tolist()
        ahead = ahead.sort_values(
            ["ds", "unique_id"], key=lambda c: c if c.name == "ds" else c.map(firsts.index)
        )
    else:
        df = df.groupby("unique_id", sort=False).sample(frac=1, random_state=0)
    given, future = written(df, tmp_path / "in"), written(ahead, tmp_path / "ahead")
    warned = pytest.warns(UnsortedFilesWarning) if apart else nullcontext()
    with warned:
        found = promoted.predict(6, df=given, out=tmp_path / "out" / "new", future_df=future)
    expected = promoted.predict(6, df=df, future_df=ahead)
    assert_frame_equal(frame_of(found), expected, rtol=1e-5)
    assert names(tmp_path / "out") == ["new"]


@pytest.mark.filterwarnings("ignore::tsgen.errors.UnsortedFilesWarning")
def test_a_problem_of_rows_in_any_order_is_named_where_it_stands(
    model: LSTMForecaster, tmp_path: Path
) -> None:
    df = panel().sample(frac=1, random_state=0, ignore_index=True)
    df.loc[200, "y"] = np.nan
    given = written(df, tmp_path / "in")
    with pytest.raises(FrameError, match=r"\(row 200: row 90 of 1\.parquet\)"):
        model.predict(5, df=given, out=tmp_path / "some" / "out")
    left = [path.name for path in tmp_path.rglob("*") if path.name.startswith(".")]
    assert left == []


def hash_of(name: str) -> int:
    return int(name[1:]) * 7 % 11


def test_levels(model: LSTMForecaster, tmp_path: Path) -> None:
    df, asked = panel(), {"level": [80], "quantiles": [0.3]}
    given = written(df, tmp_path / "in")
    fitted = LSTMForecaster(**SMALL).fit(panel(3))
    dataset = fitted.predict(3, df=given, out=tmp_path / "out", **asked)
    expected = fitted.predict(3, df=df, **asked)
    assert list(expected.columns) == ["unique_id", "ds", "y", "y-lo-80", "y-hi-80", "y-q-0.3"]
    assert_frame_equal(frame_of(dataset), expected, rtol=1e-4)
    # It was calibrated by the first call, which makes it no other model.
    fitted.predict(3, df=given, out=tmp_path / "out", **asked)


@pytest.fixture(scope="module")
def promoted() -> LSTMForecaster:
    df = panel(3, price=np.sin(np.arange(3 * ROWS)))
    return LSTMForecaster(**SMALL).fit(df, future_covariates="price")


@pytest.mark.parametrize("kind", ["path", "frame", "shared path", "shared frame"])
def test_future_covariates(promoted: LSTMForecaster, tmp_path: Path, kind: str) -> None:
    df = panel(price=np.cos(np.arange(SERIES * ROWS)), other="left alone")
    ahead = Naive().fit(df[["unique_id", "ds", "y"]]).predict(6)
    ahead = ahead.assign(price=np.sin(np.arange(len(ahead)))).drop(columns="y")
    if "shared" in kind:
        ahead = ahead.iloc[:6].drop(columns="unique_id")
    future = written(ahead, tmp_path / "future", files=2) if "path" in kind else ahead
    dataset = promoted.predict(
        6, df=written(df, tmp_path / "in"), out=tmp_path / "out", future_df=future
    )
    assert_frame_equal(frame_of(dataset), promoted.predict(6, df=df, future_df=ahead), rtol=1e-5)


def test_future_files_of_other_series(promoted: LSTMForecaster, tmp_path: Path) -> None:
    df = panel(price=1.0)
    ahead = Naive().fit(df[["unique_id", "ds", "y"]]).predict(6).assign(price=2.0)
    given = written(df, tmp_path / "in")
    for rows, message in [
        (
            ahead[ahead["unique_id"] != "s05"],
            r"has 's06' where df= has series 's05' \(row 150: row 40 of",
        ),
        (ahead.iloc[:-6], r"ends where df= has series 's10' \(row 300: row 80 of"),
    ]:
        future = written(rows, tmp_path / "future", files=1)
        with pytest.raises(FrameError, match=f"future_df= {message}"):
            promoted.predict(6, df=given, out=tmp_path / "out", future_df=future, overwrite=True)
    ahead.loc[7 * 6 + 2, "price"] = np.nan
    for future in (written(ahead, tmp_path / "future", files=1), ahead):
        with pytest.raises(FrameError, match=r"'price' has missing.*series 's07' .*\(row 44\)"):
            promoted.predict(6, df=given, out=tmp_path / "out", future_df=future, overwrite=True)


KINDS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "in a zone": (lambda df: df.assign(ds=df["ds"].dt.tz_localize("Europe/Berlin")), {}, {}),
    "periods": (lambda df: df.assign(ds=df["ds"].dt.to_period("D")), {}, {}),
    "integer time": (lambda df: df.assign(ds=np.tile(np.arange(ROWS), SERIES)), {}, {}),
    "holes": (lambda df: df.assign(y=df["y"].where(df.index != 40)), {}, {"fill": "mask"}),
    "a system": (
        lambda df: df.assign(z=df["y"] * 2),
        {"multivariate": True},
        {"target_col": ["y", "z"]},
    ),
    "covariates of the past and of series, a calendar": (
        lambda df: df.assign(warmth=df["y"] / 2, region=df["unique_id"].str[-1]),
        {"calendar": "auto"},
        {"past_covariates": "warmth", "static_covariates": "region"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_frame_may_have(tmp_path: Path, kind: str) -> None:
    change, settings, fitted = KINDS[kind]
    df = change(panel())
    model = LSTMForecaster(**SMALL, **settings).fit(df, **fitted)
    dataset = model.predict(3, df=written(df, tmp_path / "in"), out=tmp_path / "out")
    assert_frame_equal(frame_of(dataset), model.predict(3, df=df), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["category", "string"])
def test_ids_and_values_keep_their_types(model: LSTMForecaster, tmp_path: Path, dtype: str) -> None:
    df = panel().astype({"unique_id": dtype, "y": "float32"})
    dataset = model.predict(2, df=written(df, tmp_path / "in"), out=tmp_path / "out")
    expected = model.predict(2, df=df)
    found = frame_of(dataset)
    assert found["y"].dtype == expected["y"].dtype == np.float32
    assert str(found["unique_id"].dtype) == str(expected["unique_id"].dtype)
    assert found["unique_id"].tolist() == expected["unique_id"].tolist()


@pytest.mark.parametrize("baseline", [Naive(), SeasonalNaive()], ids=["naive", "seasonal"])
def test_baselines(baseline: Any, tmp_path: Path) -> None:
    df, out = panel(), tmp_path / "out"
    given = written(df, tmp_path / "in")
    baseline.fit(panel(2))
    dataset = baseline.predict(9, df=given, out=out)
    assert_frame_equal(frame_of(dataset), baseline.predict(9, df=df))
    with pytest.raises(FileExistsError, match="the model was another one"):
        SeasonalNaive(season_length=3).fit(panel(2)).predict(9, df=given, out=out)


# --------------------------------------------------------------------------------- going on


def fail_at(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writing of a part fail."""
    write = parts.PartsFolder.write

    def failing(self: parts.PartsFolder, part: int, forecast: pd.DataFrame) -> None:
        if part == number:
            raise RuntimeError("the power went out")
        write(self, part, forecast)

    monkeypatch.setattr(parts.PartsFolder, "write", failing)


def test_the_same_call_goes_on_after_a_crash(
    model: LSTMForecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = written(panel(), tmp_path / "in"), tmp_path / "out"
    expected = frame_of(model.predict(5, df=given, out=tmp_path / "whole"))
    with monkeypatch.context() as patched:
        fail_at(1, patched)
        with pytest.raises(RuntimeError):
            model.predict(5, df=given, out=out)
    assert names(out) == ["_tsgen.json", PARTS[0]]
    first = (out / PARTS[0]).stat()
    with monkeypatch.context() as patched:
        fail_at(0, patched)  # which it doesn't do again
        assert frame_of(model.predict(5, df=given, out=out)).equals(expected)
    assert (out / PARTS[0]).stat().st_mtime_ns == first.st_mtime_ns
    (out / PARTS[1]).unlink()
    assert frame_of(model.predict(5, df=given, out=out)).equals(expected)


def test_what_is_finished_is_not_read_again(
    model: LSTMForecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = written(panel(), tmp_path / "in"), tmp_path / "out"
    expected = frame_of(model.predict(5, df=given, out=out))
    monkeypatch.setattr(bulk, "_forecast", None)
    assert frame_of(model.predict(5, df=given, out=out)).equals(expected)


@pytest.mark.slow
def test_the_same_call_goes_on_after_a_kill(model: LSTMForecaster, tmp_path: Path) -> None:
    given, out = written(panel(), tmp_path / "in"), tmp_path / "out"
    model.save(tmp_path / "model.tsgen")
    script = """
        import os, signal, sys
        import tsgen
        from tsgen.forecasters import bulk, parts
        import pyarrow.parquet as pq

        bulk._SERIES_AT_ONCE, bulk._ROWS_AT_ONCE = 4, 0
        model, given, out = sys.argv[1:]
        write, written = pq.write_table, []

        def killed(table, file):
            write(table, file)
            written.append(file)
            if len(written) == 2:  # before the second part is moved into its place
                os.kill(os.getpid(), signal.SIGKILL)

        pq.write_table = killed
        tsgen.load(model).predict(5, df=given, out=out)
    """
    with python(script, tmp_path / "model.tsgen", given, out) as process:
        _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    left = names(out)
    assert [name for name in left if name.startswith("part")] == [PARTS[0]]
    assert any(name.startswith(f".{PARTS[1]}") for name in left)
    dataset = model.predict(5, df=given, out=out)
    expected = frame_of(model.predict(5, df=given, out=tmp_path / "whole"))
    assert frame_of(dataset).equals(expected)
    assert names(out) == ["_tsgen.json", *PARTS]


# ---------------------------------------------------------------------------- other calls


def test_another_call_is_refused(model: LSTMForecaster, tmp_path: Path) -> None:
    df, out = panel(), tmp_path / "out"
    given = written(df, tmp_path / "in")
    before = frame_of(model.predict(5, df=given, out=out))
    other = LSTMForecaster(**SMALL, random_state=1).fit(panel(3))
    with pytest.raises(FileExistsError, match=r"out has .*: horizon was 5, and is 6; pass overw"):
        model.predict(6, df=given, out=out)
    with pytest.raises(FileExistsError, match="on_blowup was 'clip', and is 'raise'"):
        model.predict(5, df=given, out=out, on_blowup="raise")
    with pytest.raises(FileExistsError, match="the model was another one"):
        other.predict(5, df=given, out=out)
    some = pyarrow.dataset.dataset(given).filter(pyarrow.dataset.field("unique_id") > "s03")
    with pytest.raises(FileExistsError, match=r"other files \(filter \(unique_id > .s03.\)\)"):
        model.predict(5, df=some, out=out)
    path = tmp_path / "in" / "1.parquet"
    os.utime(path, (1, 1))
    with pytest.raises(FileExistsError, match=r"df= was of other files \(.*/1\.parquet\)"):
        model.predict(5, df=given, out=out)
    assert pd.read_parquet(out).equals(before)
    replaced = model.predict(6, df=given, out=out, overwrite=True)
    assert_frame_equal(frame_of(replaced), model.predict(6, df=df), rtol=1e-5)


def test_what_is_to_be_replaced_stays_until_there_is_something_else(
    model: LSTMForecaster, tmp_path: Path
) -> None:
    df, out = panel(), tmp_path / "out"
    before = frame_of(model.predict(5, df=written(df, tmp_path / "in"), out=out))
    wrong = written(df.assign(y=np.inf), tmp_path / "wrong")
    with pytest.raises(FrameError):
        model.predict(5, df=wrong, out=out, overwrite=True)
    assert pd.read_parquet(out).equals(before)


def test_overwrite_begins_the_same_call_anew(
    model: LSTMForecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = written(panel(), tmp_path / "in"), tmp_path / "out"
    asked = {"df": given, "out": out, "overwrite": True}
    before = frame_of(model.predict(5, **asked))
    os.utime(out / PARTS[0], ns=(0, 0))
    with monkeypatch.context() as patched:
        fail_at(0, patched)
        with pytest.raises(RuntimeError):  # nothing is taken away before there is something else
            model.predict(5, **asked)
    assert frame_of(pyarrow.dataset.dataset(out)).equals(before)
    assert frame_of(model.predict(5, **asked)).equals(before)
    assert (out / PARTS[0]).stat().st_mtime_ns > 0


def test_overwriting_leaves_no_parts_of_the_call_before(
    model: LSTMForecaster, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    model.predict(5, df=written(panel(), tmp_path / "in"), out=out)
    fewer = written(panel(2), tmp_path / "fewer")
    assert len(frame_of(model.predict(5, df=fewer, out=out, overwrite=True))) == 10
    assert names(out) == ["_tsgen.json", PARTS[0]]


def test_files_of_others_are_never_replaced(model: LSTMForecaster, tmp_path: Path) -> None:
    given, out = written(panel(), tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("all of it")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match=r"no forecast has written: thesis\.txt"):
            model.predict(5, df=given, out=out, overwrite=overwrite)
    assert names(out) == ["thesis.txt"]
    with pytest.raises(FileExistsError, match="is a file: pass a folder"):
        model.predict(5, df=given, out=out / "thesis.txt")


def test_a_manifest_that_says_nothing(model: LSTMForecaster, tmp_path: Path) -> None:
    given, out = written(panel(), tmp_path / "in"), tmp_path / "out"
    model.predict(5, df=given, out=out)
    (out / "_tsgen.json").write_text("{")
    with pytest.raises(FileExistsError, match="nothing says of which"):
        model.predict(5, df=given, out=out)
    model.predict(5, df=given, out=out, overwrite=True)
    assert json.loads((out / "_tsgen.json").read_text())["parts"] == 3


def test_a_model_from_a_file_is_the_same(model: LSTMForecaster, tmp_path: Path) -> None:
    given, out = written(panel(), tmp_path / "in"), tmp_path / "out"
    model.predict(5, df=given, out=out)
    model.save(tmp_path / "model.tsgen")
    LSTMForecaster.load(tmp_path / "model.tsgen").predict(5, df=given, out=out)


@pytest.mark.parametrize("place", ["in/out", "in", "."])
def test_forecasts_are_not_written_among_what_is_read(
    model: LSTMForecaster, tmp_path: Path, place: str
) -> None:
    given = written(panel(), tmp_path / "in")
    with pytest.raises(SettingError, match="lie in one another"):
        model.predict(5, df=given, out=tmp_path / place)


def test_a_file_may_stand_beside_its_forecasts(model: LSTMForecaster, tmp_path: Path) -> None:
    path = f"{written(panel(), tmp_path / 'in', files=1)}/0.parquet"
    assert len(frame_of(model.predict(5, df=path, out=tmp_path / "in" / "out"))) == 5 * SERIES


# --------------------------------------------------------------------------------- problems


def test_all_problems_of_a_block_with_the_rows_of_the_source(
    model: LSTMForecaster, tmp_path: Path
) -> None:
    df, out = panel(), tmp_path / "out"
    df.loc[5 * ROWS + 3, "y"] = np.nan
    df.loc[6 * ROWS + 7, "y"] = np.inf
    df.loc[7 * ROWS + 2, "ds"] = df.loc[7 * ROWS + 1, "ds"]
    df.loc[9 * ROWS, "y"] = np.nan  # of the next block, which isn't reached
    with pytest.raises(FrameError) as caught:
        model.predict(5, df=written(df, tmp_path / "in"), out=out)
    message = str(caught.value)
    for found in (
        "series 's05' at 2024-01-04",
        "(row 153: row 43 of 1.parquet)",
        "series 's06'",
        "(row 187: ",
    ):
        assert found in message
    assert "come twice in a series: series 's07' at 2024-01-02 00:00:00 (row 212: " in message
    assert "s09" not in message
    assert names(out) == ["_tsgen.json", PARTS[0]]


def test_missing_ids_have_the_rows_of_the_source(model: LSTMForecaster, tmp_path: Path) -> None:
    df = panel()
    df.loc[[160, 165], "unique_id"] = None
    with pytest.raises(
        FrameError, match=r"missing ids: row 160: row 50 of .*, row 165: row 55 of .*; give"
    ):
        model.predict(5, df=written(df, tmp_path / "in"), out=tmp_path / "out")


def test_a_mended_source_goes_on_where_nothing_was_finished(
    model: LSTMForecaster, tmp_path: Path
) -> None:
    df, out = panel(), tmp_path / "out"
    with pytest.raises(FrameError):
        model.predict(5, df=written(df.assign(y=np.inf), tmp_path / "in"), out=out)
    assert len(frame_of(model.predict(5, df=written(df, tmp_path / "in"), out=out))) == 55


def test_no_rows(model: LSTMForecaster, tmp_path: Path) -> None:
    given = written(panel().iloc[:0], tmp_path / "in", files=1)
    with pytest.raises(FrameError, match=r"in has 0 rows; a forecast needs history"):
        model.predict(5, df=given, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_columns_that_are_lacking(model: LSTMForecaster, tmp_path: Path) -> None:
    df = panel()
    for name, message in [
        ("unique_id", "there is no id column 'unique_id' among 'ds', 'y'"),
        ("ds", "'ds'"),
        ("y", "no target column 'y'"),
    ]:
        given = written(df.drop(columns=name), tmp_path / name, files=1)
        with pytest.raises(FrameError, match=message):
            model.predict(5, df=given, out=tmp_path / "out")
    one = LSTMForecaster(**SMALL).fit(panel(1), id_col=None)
    with pytest.raises(FrameError, match="id_col=None makes one series"):
        one.predict(5, df=written(df, tmp_path / "in"), out=tmp_path / "out")


def test_arguments_that_do_not_go_together(model: LSTMForecaster, tmp_path: Path) -> None:
    df, out = panel(), tmp_path / "out"
    given = written(df, tmp_path / "in")
    with pytest.raises(SettingError, match=r"df='.*in' is a path: pass out= too"):
        model.predict(5, df=given)
    with pytest.raises(SettingError, match="df= is a DataFrame: pass df= the path"):
        model.predict(5, df=df, out=out)
    with pytest.raises(SettingError, match="df= is left out"):
        Naive().fit(df).predict(5, out=out)
    for name, value in [("state", model.encode(df)), ("given", df), ("until", np.isnan)]:
        with pytest.raises(SettingError, match=f"{name}= beside out="):
            model.predict(5, df=given, out=out, **{name: value})
    assert not out.exists()


def test_a_line_of_progress(
    model: LSTMForecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsgen._runtime.progress._is_terminal", lambda stream: True)
    monkeypatch.setattr(model, "verbose", True)
    made = []
    start = bulk.progress_line
    monkeypatch.setattr(
        bulk, "progress_line", lambda *a, **k: made.append(start(*a, **k)) or made[-1]
    )
    model.predict(5, df=written(panel(), tmp_path / "in"), out=tmp_path / "out")
    [task] = made[0].tasks
    assert (task.completed, task.total) == (SERIES * ROWS, SERIES * ROWS)
    assert task.fields["said"].startswith("11 series, ")
