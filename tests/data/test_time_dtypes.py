"""Time stamps of every dtype: read, and written back as what they were."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.versions import PANDAS_3

from tsgen import LSTMForecaster, Naive, hold_out
from tsgen.errors import FrameError

pa = pytest.importorskip("pyarrow")

DAYS = pd.Series(pd.date_range("2023-01-29", periods=70))
# pandas 2.2 says so of an index of time stamps as objects, when tsgen makes a column of it.
INFERENCE = "ignore:Dtype inference on a pandas object:FutureWarning"


def arrow(kind: Any) -> pd.ArrowDtype:
    return pd.ArrowDtype(kind)


ZONES = ["Europe/Berlin", "UTC", "+02:00"]
DTYPES: dict[str, Any] = {
    "date32": arrow(pa.date32()),
    "date64": arrow(pa.date64()),
    **{f"timestamp {unit}": arrow(pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")},
    **{f"timestamp {zone}": arrow(pa.timestamp("us", zone)) for zone in ZONES},
    "date objects": "date",
}


def as_time(days: pd.Series, dtype: Any) -> pd.Series:
    if dtype == "date":
        return days.dt.date
    zone = getattr(dtype.pyarrow_dtype, "tz", None)
    return (days if zone is None else days.dt.tz_localize(zone)).astype(dtype)


def long_frame(days: pd.Series, dtype: Any) -> pd.DataFrame:
    values = np.arange(len(days)) % 7.0
    parts = [pd.DataFrame({"unique_id": name, "ds": as_time(days, dtype), "y": values})
             for name in "ab"]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def wide_frame(days: pd.Series, dtype: Any) -> pd.DataFrame:
    values = np.arange(len(days)) % 7.0
    return pd.DataFrame({"a": values, "b": values}, index=pd.Index(as_time(days, dtype)))


LAYOUTS: dict[str, Callable[[pd.Series, Any], Any]] = {
    "long": long_frame,
    "wide": wide_frame,
    "series": lambda days, dtype: wide_frame(days, dtype)["a"],
    "multiindex": lambda days, dtype: long_frame(days, dtype).set_index(["unique_id", "ds"]),
}


def time_of(df: Any) -> pd.Series:
    if isinstance(df.index, pd.MultiIndex):
        return pd.Series(df.xs("a").index)
    if "ds" in getattr(df, "columns", ()):
        return df.loc[df["unique_id"] == "a", "ds"].reset_index(drop=True)
    return pd.Series(df.index)


def same(found: pd.Series, expected: pd.Series) -> None:
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()
    assert [type(stamp) for stamp in found] == [type(stamp) for stamp in expected]


def part(expected: pd.Series, rows: slice) -> pd.Series:
    return expected.iloc[rows].reset_index(drop=True)


@pytest.mark.filterwarnings(INFERENCE)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", DTYPES)
def test_the_forecast_has_the_dtype_of_the_history(name: str, layout: str) -> None:
    make, dtype = LAYOUTS[layout], DTYPES[name]
    df = make(DAYS[:60], dtype)
    before = df.copy(deep=True)
    forecast = Naive().fit(df).predict(5)
    same(time_of(forecast), part(time_of(make(DAYS, dtype)), slice(60, 65)))
    longer = pd.concat([df, forecast])
    if PANDAS_3 or layout != "multiindex":  # whose levels lose dtypes of pyarrow in pandas 2
        assert time_of(longer).dtype == time_of(df).dtype
        later = part(time_of(make(DAYS, dtype)), slice(65, 67))
        same(time_of(Naive().fit(longer).predict(2)), later)
    (pd.testing.assert_series_equal if layout == "series" else pd.testing.assert_frame_equal)(
        df, before
    )


@pytest.mark.parametrize("freq", ["W-SUN", "MS", "ME", "B"])
@pytest.mark.parametrize("name", ["date32", "date64", "date objects"])
def test_dates_of_a_calendar(name: str, freq: str) -> None:
    days = pd.Series(pd.date_range("2023-01-01", periods=30, freq=freq))
    df = long_frame(days[:25], DTYPES[name])
    same(Naive().fit(df).predict(5)["ds"][:5], part(as_time(days, DTYPES[name]), slice(25, 30)))


@pytest.mark.parametrize("name", ["date32", "date64", "date objects"])
def test_dates_of_the_year_2523(name: str) -> None:
    days = pd.Series(pd.date_range("2523-01-01", periods=30, unit="s"))
    df = long_frame(days[:25], DTYPES[name])
    same(Naive().fit(df).predict(5)["ds"][:5], part(as_time(days, DTYPES[name]), slice(25, 30)))


@pytest.mark.parametrize("name", ["date32", "date64", "date objects"])
def test_dates_that_cannot_hold_an_hour_become_stamps(name: str) -> None:
    df = long_frame(DAYS[:1], DTYPES[name])
    found = Naive().fit(df, freq="12h").predict(2)["ds"][:2]
    assert found.tolist() == [pd.Timestamp("2023-01-29 12:00"), pd.Timestamp("2023-01-30")]


@pytest.mark.parametrize("name", DTYPES)
class TestAfterAFit:
    """All that a model does, with stamps of one dtype."""

    def fitted(self, name: str) -> tuple[LSTMForecaster, pd.DataFrame]:
        df = long_frame(DAYS, DTYPES[name])
        model = LSTMForecaster(max_steps=2, verbose=False, random_state=0)
        return model.fit(df.groupby("unique_id").head(60)), df

    def stamps(self, name: str, rows: slice) -> pd.Series:
        return part(as_time(DAYS, DTYPES[name]), rows)

    def test_levels_and_paths(self, name: str) -> None:
        model, _ = self.fitted(name)
        same(model.predict(5, level=[80])["ds"][:5], self.stamps(name, slice(60, 65)))
        paths = model.sample(5, num_samples=2)
        same(paths["ds"][:5], self.stamps(name, slice(60, 65)))
        same(paths["ds"][5:10].reset_index(drop=True), self.stamps(name, slice(60, 65)))

    def test_states(self, name: str) -> None:
        model, df = self.fitted(name)
        rows = df.groupby("unique_id")
        new = df[rows.cumcount().between(60, 62)]
        state = model.update(model.encode(rows.head(60)), new)
        same(model.predict(5, state=state)["ds"][:5], self.stamps(name, slice(63, 68)))

    def test_given_cells(self, name: str) -> None:
        model, df = self.fitted(name)
        known = df[df.groupby("unique_id").cumcount() >= 60].assign(y=np.arange(20.0))
        assert model.predict(10, given=known)["y"].tolist() == known["y"].tolist()

    def test_backtest(self, name: str) -> None:
        model, df = self.fitted(name)
        found = model.backtest(df, 3, n_windows=2, refit=False)
        same(found["ds"][:3], self.stamps(name, slice(64, 67)))
        same(found["cutoff"][:3], self.stamps(name, slice(63, 64)).repeat(3))

    def test_future_covariates(self, name: str) -> None:
        df = long_frame(DAYS, DTYPES[name]).assign(promo=1.0)
        model = LSTMForecaster(max_steps=2, verbose=False)
        model.fit(df.groupby("unique_id").head(60), future_covariates=["promo"])
        forecast = model.predict(5, future_df=df.drop(columns="y"))
        same(forecast["ds"][:5], self.stamps(name, slice(60, 65)))

    def test_held_out_rows(self, name: str) -> None:
        for layout in LAYOUTS.values():
            df = layout(DAYS, DTYPES[name])
            earlier, tail = hold_out(df, 10)
            same(time_of(earlier), part(time_of(df), slice(60)))
            same(time_of(tail), part(time_of(df), slice(60, 70)))

    def test_a_saved_model(self, name: str, tmp_path: Any) -> None:
        model, _ = self.fitted(name)
        model.save(tmp_path / "model")
        forecast = LSTMForecaster.load(tmp_path / "model").predict(5)
        same(forecast["ds"][:5], self.stamps(name, slice(60, 65)))

    def test_missing_stamps(self, name: str) -> None:
        df = long_frame(DAYS, DTYPES[name])
        df.loc[3, "ds"] = None
        with pytest.raises(FrameError, match=r"'ds' has missing time stamps \(NaT\): row 3"):
            Naive().fit(df)

    def test_gaps(self, name: str) -> None:
        df = long_frame(DAYS, DTYPES[name])
        with pytest.raises(FrameError, match="series 'a' at 2023-02-01"):
            Naive().fit(df.drop(index=3))
        forecast = Naive().fit(df.drop(index=3), fill="ffill").predict(2)
        assert forecast["ds"].dtype == df["ds"].dtype


def test_stamps_of_one_kind_go_on_from_those_of_another() -> None:
    """Dates of a file and stamps of a data base name the same days."""
    model = LSTMForecaster(max_steps=2, verbose=False)
    model.fit(long_frame(DAYS[:60], DTYPES["date32"]))
    state = model.encode(long_frame(DAYS[:60], DTYPES["date32"]))
    for name in ("timestamp ns", "date objects", "date64"):
        later = model.update(state, long_frame(DAYS[60:62], DTYPES[name]))
        same(model.predict(2, state=later)["ds"][:2], part(as_time(DAYS, DTYPES["date32"]),
                                                             slice(62, 64)))  # fmt: skip


# ------------------------------------------------------------------------------ no time at all

TIMES_OF_DAY = [datetime.time(hour) for hour in range(12)]
DURATIONS = pd.Series(pd.to_timedelta(np.arange(12), unit="h"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Series(TIMES_OF_DAY), "holds times of day, not time.*add the day"),
        (pd.Series(TIMES_OF_DAY).astype(arrow(pa.time32("s"))), "holds times of day.*add the day"),
        (pd.Series(TIMES_OF_DAY).astype(arrow(pa.time64("us"))), "holds times of day.*add the day"),
        (DURATIONS, "holds durations, not time.*add them to the time at which they start"),
        (DURATIONS.astype(object), "holds durations, not time.*add them"),
        (DURATIONS.astype(arrow(pa.duration("s"))), "holds durations, not time.*add them"),
        (DAYS[:12].astype(str).astype(arrow(pa.string())), r"holds text.*pd\.to_datetime"),
        (DAYS[:12].astype(str).astype(arrow(pa.large_string())), r"holds text.*pd\.to_datetime"),
        (pd.Series(np.arange(12) + 0.5), r"holds float64, not time: 0\.5 \(row 0\).*dates or int"),
        (DAYS[:12].astype("category"), "holds category, not time.*dates or integers"),
        (pd.Series([*DAYS[:6].dt.date, *DAYS[6:12]], dtype=object),
         r"mixes dates and time stamps: Timestamp\('2023-02-04 00:00:00'\) \(row 6\)"),
        (pd.Series(range(12), dtype=object), r"holds integer objects.*astype\('int64'\)"),
        (pd.Series([None] * 12, dtype=object), "no value at all"),
    ],
    ids=["time", "time32", "time64", "timedelta", "timedelta objects", "duration", "string",
         "large string", "float", "category", "mixed", "integers", "nothing"],
)  # fmt: skip
@pytest.mark.filterwarnings(INFERENCE)
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_what_is_no_time_is_refused(column: pd.Series, message: str, layout: str) -> None:
    df = pd.DataFrame({"unique_id": "a", "ds": column, "y": np.arange(12.0)})
    if layout == "wide":
        df = df[["y"]].set_axis(pd.Index(column, dtype=column.dtype, name="ds"))
    with pytest.raises(FrameError, match=message):
        Naive().fit(df)
