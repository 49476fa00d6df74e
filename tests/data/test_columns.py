from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from support.versions import PANDAS_3

import tsgen
from tsgen import LSTMForecaster, Naive
from tsgen.data.columns import Columns, check_names, output_name, suffixes_of
from tsgen.errors import FrameError, SettingError

ROWS = 60
ONE = np.sin(np.arange(ROWS))


def long(**more: Any) -> pd.DataFrame:
    stamps = pd.date_range("2020", periods=ROWS)
    return pd.DataFrame({"unique_id": "a", "ds": stamps, "y": 10 + ONE, **more})


def fitted(df: pd.DataFrame, **roles: Any) -> LSTMForecaster:
    return LSTMForecaster(max_steps=1, hidden_size=4, verbose=False).fit(df, **roles)


# --- outputs that would be called like a column


@pytest.mark.parametrize(
    ("other", "asked"),
    [
        ("y-lo-80", {"level": 80}),
        ("y-hi-80", {"level": [80]}),
        ("y-q-0.5", {"quantiles": 0.5}),
        ("y-stopped", {"until": lambda y: y > 1e9}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_output_is_never_called_like_a_target(other: str, asked: dict[str, Any]) -> None:
    df = long(**{other: 5 + ONE})
    model = fitted(df, target_col=["y", other])
    with pytest.raises(SettingError, match=f"'{other}' is a target and an output of target 'y'"):
        model.predict(2, **asked)
    # Nothing else is in the way, and nothing was calibrated for it.
    assert list(model.predict(2).columns) == ["unique_id", "ds", "y", other]
    assert not hasattr(model, "calibration_")


@pytest.mark.parametrize(
    ("old", "new", "argument", "what"),
    [
        ("unique_id", "y-lo-80", "id_col", "the ids"),
        ("ds", "y-hi-80", "time_col", "the time stamps"),
    ],
)
def test_an_output_is_never_called_like_a_key(old: str, new: str, argument: str, what: str) -> None:
    df = long().rename(columns={old: new})
    model = fitted(df, **{argument: new})
    with pytest.raises(SettingError, match=f"'{new}' is {what} and an output.*df.rename"):
        model.predict(2, level=80)
    under = df.set_index([{old: new}.get(name, name) for name in ("unique_id", "ds")])
    with pytest.raises(SettingError, match=f"'{new}' is {what} and an output"):
        fitted(under, **{argument: new}).predict(2, level=80)


def test_outputs_of_two_targets_are_never_called_alike() -> None:
    df = long(**{"5": 5 + ONE}).rename(columns={"y": 5})
    model = fitted(df, target_col=[5, "5"])
    assert_frame_equal(model.predict(2)[[5]], fitted(df, target_col=[5, "5"]).predict(2)[[5]])
    with pytest.raises(SettingError, match="'5-lo-80' is an output of target 5 and an output of"):
        model.predict(2, level=80)


@pytest.mark.slow
def test_a_series_without_ids_may_have_any_target() -> None:
    """A column that isn't there is in nobody's way."""
    df = long().drop(columns="unique_id").rename(columns={"y": "v"})
    model = fitted(df, target_col="v", id_col=None)
    assert list(model.predict(2, level=80)) == ["ds", "v", "v-lo-80", "v-hi-80"]
    wide = pd.DataFrame({"y": 10 + ONE, "y-lo-80": 5 + ONE}, index=long()["ds"])
    got = fitted(wide).predict(2, level=80)
    assert list(got.columns) == [
        (series, output) for series in ("y", "y-lo-80") for output in ("y", "y-lo-80", "y-hi-80")
    ]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("sample_id", lambda model, df: model.sample(2)),
        ("cutoff", lambda model, df: model.backtest(df, 2)),
        ("y_pred", lambda model, df: model.backtest(df, 2)),
        ("y_pred-lo-80", lambda model, df: model.backtest(df, 2, level=80, refit=True)),
        ("lyapunov", lambda model, df: model.stability()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("role", ["id_col", "time_col"])
def test_columns_that_a_call_makes(
    name: str, call: Callable[[LSTMForecaster, pd.DataFrame], Any], role: str
) -> None:
    df = long().rename(columns={{"id_col": "unique_id", "time_col": "ds"}[role]: name})
    model = fitted(df, **{role: name})
    if (name, role) == ("lyapunov", "time_col"):  # which has no stamps
        assert len(call(model, df)) == 1
        return
    with pytest.raises(SettingError, match=f"returns columns of one name: '{name}' is"):
        call(model, df)


def test_a_backtest_of_a_baseline_has_the_same_check() -> None:
    df = long(y_pred=ONE)
    model = Naive().fit(df, target_col=["y", "y_pred"])
    with pytest.raises(SettingError, match=r"backtest returns .* 'y_pred' is a target and"):
        model.backtest(df, 2)
    assert list(model.predict(1).columns) == ["unique_id", "ds", "y", "y_pred"]


def test_stability_of_several_targets_names_channels() -> None:
    df = long(b=ONE).rename(columns={"unique_id": "channel"})
    model = fitted(df, id_col="channel", target_col=["y", "b"])
    with pytest.raises(SettingError, match=r"stability returns .* 'channel' is the ids and"):
        model.stability()


def test_names_that_come_once_are_fine() -> None:
    check_names("predict", [("y", "a target"), ("ds", "the time stamps")])
    with pytest.raises(SettingError, match="'y' is a target and the ids and a bound"):
        check_names("predict", [("y", "a target"), ("y", "the ids"), ("y", "a bound")])


def test_plots_take_no_target_for_an_output() -> None:
    df = long(**{"y-raw": 5 + ONE})
    forecast = Naive().fit(df, target_col=["y", "y-raw"]).predict(3)
    figure = tsgen.plot_forecast(df, forecast, target_col=["y", "y-raw"])
    assert len([axis for axis in figure.axes if axis.get_visible()]) == 2
    assert suffixes_of("y", ["y", "y-raw", "y-lo-80", "y2-hi-80", "y-q-0.05"]) == [
        "", "-lo-80", "-q-0.05",
    ]  # fmt: skip


# --- which names there are


@pytest.mark.parametrize("name", [5, np.int64(5), pd.Timestamp("2020-01-01"), 2.5])
def test_a_target_may_be_called_by_any_label(name: Any) -> None:
    df = long().rename(columns={"y": name})
    forecast = Naive().fit(df, target_col=name).predict(1)
    assert list(forecast.columns) == ["unique_id", "ds", name]
    assert forecast[name].item() == df[name].iloc[-1]


def test_a_tuple_is_a_list_unless_a_column_is_called_so() -> None:
    df = long(b=2 * ONE)
    assert list(Naive().fit(df, target_col=("y", "b")).predict(1)) == ["unique_id", "ds", "y", "b"]
    df.columns = pd.MultiIndex.from_tuples(
        [("unique_id", ""), ("ds", ""), ("y", "all"), ("y", "net")]
    )
    keys = {"id_col": ("unique_id", ""), "time_col": ("ds", "")}
    forecast = Naive().fit(df, target_col=("y", "net"), **keys).predict(1)
    assert list(forecast.columns) == [("unique_id", ""), ("ds", ""), ("y", "net")]
    assert forecast["y", "net"].item() == df["y", "net"].iloc[-1]
    model = fitted(df, target_col=("y", "net"), **keys)
    bounds = list(model.predict(1, level=80))[-2:]
    assert bounds == [("y", "net-lo-80"), ("y", "net-hi-80")]
    assert output_name(("y", ""), "-q-0.1") == ("y-q-0.1", "")
    with pytest.raises(FrameError, match=r"2 levels: .* in full, as in time_col=\('ds', ''\)"):
        Naive().fit(df)


def test_without_an_id_column_a_long_frame_is_one_series() -> None:
    df = long()
    forecast = Naive().fit(df, id_col=None).predict(2)
    assert list(forecast.columns) == ["ds", "y"]
    assert forecast["y"].tolist() == [df["y"].iloc[-1]] * 2
    model = fitted(df.assign(price=1.0), id_col=None, future_covariates="price")
    ahead = long().tail(2).assign(ds=lambda x: x["ds"] + pd.Timedelta(days=2), price=1.0)
    assert list(model.predict(2, future_df=ahead)) == ["ds", "y"]
    earlier, later = tsgen.hold_out(df, 5, id_col=None)
    assert (len(earlier), len(later)) == (ROWS - 5, 5)
    with pytest.raises(FrameError, match=r"come twice .*read as one series"):
        Naive().fit(pd.concat([df, df.assign(unique_id="b")]), id_col=None)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"id_col": "shop"}, "no id column 'shop'; the columns are 'unique_id', 'ds', 'y'; pass"),
        ({"time_col": "date"}, "no time column 'date'; the columns are .*; pass time_col="),
        ({"target_col": 7}, "no target column 7; the columns are .*; pass target_col="),
        ({"target_col": ("a", "b")}, "neither|no target column 'a'"),
        ({"target_col": None}, "target_col=None: expected a column, or a list of them"),
        ({"target_col": []}, r"target_col=\[\]: expected a column, or a list of them"),
        ({"target_col": [["y"]]}, r"target_col=\[\['y'\]\]: expected a column"),
        ({"target_col": {"y": 1}}, r"target_col=\{'y': 1\}: expected a column"),
        ({"time_col": None}, "time_col=None: expected the name of a column$"),
        ({"id_col": ["shop", "item"]}, r"id_col=\['shop', 'item'\]: .*join several.*agg"),
        ({"time_col": ["year", "month"]}, r"time_col=\['year', 'month'\]: .*pd\.to_datetime"),
    ],
    ids=str,
)
def test_names_of_no_column(names: dict[str, Any], words: str) -> None:
    with pytest.raises((FrameError, SettingError), match=words):
        Naive().fit(long(), **names)


def test_columns_know_what_was_given() -> None:
    columns = Columns.of(None, "ds", "y")
    assert (columns.id, columns.one_series) == ("unique_id", True)
    assert not columns.has_ids(long())
    assert Columns.of("unique_id", "ds", "y").has_ids(long())


# --- columns that stand in the index


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda df: df.set_index("ds"), r"time stamps stand in the index.*df\.reset_index\(\)"),
        (
            lambda df: df.set_index("ds").rename_axis(None),
            r"time stamps stand in .*df\.rename_axis\('ds'\)\.reset_index\(\)",
        ),
        (lambda df: df.assign(unique_id=1).set_index("ds"), "time stamps stand in the index"),
        (lambda df: df.set_index("unique_id"), r"ids stand in the index.*df\.reset_index\(\)"),
        (
            lambda df: pd.concat([df, df.assign(unique_id="b")]).set_index("unique_id")
            .rename_axis("shop"),
            r"come twice.*id_col=, after df\.reset_index\(\) if they stand in the index",
        ),
        (
            lambda df: df.rename(columns={"unique_id": "shop"}).set_index("ds"),
            r"'shop' isn't numeric.*after df\.reset_index\(\) if one stands in the index",
        ),
        (
            lambda df: df.assign(kind=1).set_index(["kind", "unique_id", "ds"]),
            r"two named levels.*df\.reset_index\(\)",
        ),
    ],
    ids=["time", "unnamed time", "number ids", "ids", "other name", "other column", "levels"],
)  # fmt: skip
def test_ids_and_time_in_the_index(change: Any, remedy: str) -> None:
    with pytest.raises(FrameError, match=remedy):
        Naive().fit(change(long()))


def test_a_static_frame_with_an_id_column() -> None:
    table = pd.DataFrame({"unique_id": ["a"], "size": [1.0]})
    with pytest.raises(SettingError, match=r"pass static\.set_index\('unique_id'\)"):
        fitted(long(), static_covariates=table)
    with pytest.raises(FrameError, match=r"lacks series: 'a'.*set_index\(\.\.\.\) makes one"):
        fitted(long(), static_covariates=table.rename(columns={"unique_id": "shop"}))
    assert fitted(long(), static_covariates=table.set_index("unique_id")).predict(1).shape == (1, 3)


@pytest.mark.parametrize(
    ("ids", "shown"),
    [
        ([[1]] * ROWS, "[1] (row 0)"),
        ([{"a": 1}] * ROWS, "{'a': 1} (row 0)"),
        ([("a", [1])] * ROWS, "('a', [1]) (row 0)"),
        (pd.Series([[1]] * ROWS, dtype=pd.ArrowDtype(pa.list_(pa.int64()))), "(row 0)"),
        (pd.Series([{"a": 1}] * ROWS, dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())]))), "'a'"),
    ],
    ids=["lists", "dicts", "tuples of lists", "lists of pyarrow", "structs of pyarrow"],
)
def test_ids_that_are_containers(ids: Any, shown: str) -> None:
    with pytest.raises(FrameError, match=r"'unique_id' holds lists or other.*map\(str\)") as error:
        Naive().fit(long().assign(unique_id=ids))
    assert shown in str(error.value)


def test_decimals_of_pyarrow_are_ids() -> None:
    ids = pd.Series([Decimal("1.50")] * ROWS, dtype=pd.ArrowDtype(pa.decimal128(5, 2)))
    assert Naive().fit(long().assign(unique_id=ids)).predict(1)["unique_id"].dtype == ids.dtype


@pytest.mark.parametrize("role", ["id_col", "time_col", "target_col", "past_covariates"])
@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary_view()], ids=str)
def test_views_of_pyarrow_are_refused(role: str, kind: Any) -> None:
    values = ["a" if kind == pa.string_view() else b"a"] * ROWS
    views = pd.Series(pd.array(pa.array(values, type=kind), dtype=pd.ArrowDtype(kind)))
    df = long().assign(x=views)
    with pytest.raises(FrameError, match=r"'x' is a column of .*view.*df\['x'\]\.map\(str\)"):
        Naive().fit(df, **{role: "x"}) if role != "past_covariates" else fitted(df, **{role: "x"})
    assert len(Naive().fit(df).predict(1)) == 1  # one that isn't read is no matter
    if PANDAS_3 and kind == pa.string_view():  # pandas 2.2 can't map them
        ids = views.map(str)
        assert Naive().fit(long().assign(unique_id=ids)).predict(1)["unique_id"].tolist() == ["a"]


@pytest.mark.parametrize("role", ["target_col", "future_covariates", "time_col"])
def test_one_series_may_have_a_column_called_like_ids(role: str) -> None:
    names = {"time_col": "ds", "target_col": "y", role: "unique_id"}
    future = names.pop("future_covariates", ())
    columns = Columns.of(None, names["time_col"], names["target_col"], future)
    assert "unique_id" in (columns.time, *columns.targets, *columns.future)
    with pytest.raises(SettingError, match=r"same column twice|two roles"):
        Columns.of("unique_id", names["time_col"], names["target_col"], future)
