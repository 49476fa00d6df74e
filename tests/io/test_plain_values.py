"""What fit accepts is saved and comes back, or fit says that it can't be."""

from __future__ import annotations

import datetime
import enum
import json
import uuid
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from pandas.tseries.holiday import USFederalHolidayCalendar
from sklearn.preprocessing import FunctionTransformer

import tsgen
from tsgen import LSTMForecaster
from tsgen.errors import ModelFileError
from tsgen.io.codec import Codec, CodecError

ROWS = 40
OFFSETS = pd.offsets
DATE = datetime.date


def long(ids: Any = "a", freq: Any = "D", **more: Any) -> pd.DataFrame:
    stamps = pd.date_range("2020-01-02 09:00", periods=ROWS, freq=freq)
    y = 5 + np.sin(np.arange(ROWS))
    return pd.DataFrame({"unique_id": ids, "ds": stamps, "y": y, **more})


def two(first: Any, second: Any, dtype: Any = object) -> pd.DataFrame:
    """Two series of these ids."""
    ids = pd.Series([first] * ROWS + [second] * ROWS, dtype=dtype)
    both = pd.concat([long(), long()], ignore_index=True)
    return both.assign(unique_id=ids, y=both["y"] + np.repeat([0.0, 1.0], ROWS))


def through_json(value: Any) -> Any:
    codec = Codec()
    return codec.decode(json.loads(json.dumps(codec.encode(value))))


def network(**settings: Any) -> LSTMForecaster:
    return LSTMForecaster(max_steps=1, verbose=False, **settings)


def same_after_loading(model: LSTMForecaster, folder: Path, **ahead: Any) -> LSTMForecaster:
    """Forecasts, layout and frequency of a loaded model are those of the saved one."""
    model.save(folder / "model.tsgen")
    loaded = LSTMForecaster.load(folder / "model.tsgen")
    expected = model.predict(3, **ahead)
    got = loaded.predict(3, **ahead)
    if isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(got, expected)
    else:
        assert_frame_equal(got, expected)
    assert loaded.panel_.frequency == model.panel_.frequency
    assert loaded.panel_.columns == model.panel_.columns
    pd.testing.assert_index_equal(loaded.panel_.ids, model.panel_.ids, exact=True)
    return loaded


# --- frequencies

HOLIDAYS = OFFSETS.CustomBusinessDay(calendar=USFederalHolidayCalendar())
SUNDAYS = np.busdaycalendar(weekmask="1111001", holidays=["2020-01-06"])
FREQUENCIES = {
    "business days with holidays": HOLIDAYS,
    "a week of five other days": OFFSETS.CustomBusinessDay(weekmask="Sun Mon Tue Wed Thu"),
    "a calendar of numpy": OFFSETS.CustomBusinessDay(calendar=SUNDAYS),
    "every other business day": 2 * OFFSETS.CustomBusinessDay(holidays=["2020-01-06"]),
    "business hours": OFFSETS.BusinessHour(start="08:00", end="20:00"),
    "two shifts": OFFSETS.BusinessHour(start=["08:00", "14:00"], end=["12:00", "18:00"]),
    "hours with holidays": OFFSETS.CustomBusinessHour(start="09:00", holidays=["2020-01-06"]),
    "the same day of each month": pd.DateOffset(months=1),
    "a month and two days": pd.DateOffset(months=1, days=2),
    "three days": pd.DateOffset(3),
    "a Wednesday of each month": OFFSETS.WeekOfMonth(week=1, weekday=2),
    "the last Friday": OFFSETS.LastWeekOfMonth(weekday=4),
    "retail quarters": OFFSETS.FY5253Quarter(weekday=4, startingMonth=1, variation="last"),
    "the 10th and the end": OFFSETS.SemiMonthEnd(day_of_month=10),
    "business month ends": OFFSETS.CustomBusinessMonthEnd(holidays=["2020-01-31"]),
}


@pytest.mark.parametrize("name", FREQUENCIES)
def test_frequencies_come_back(name: str, tmp_path: Path) -> None:
    freq = FREQUENCIES[name]
    df = long(freq=freq)
    loaded = same_after_loading(network().fit(df, freq=freq), tmp_path)
    following = pd.date_range(df["ds"].iloc[-1], periods=4, freq=freq)[1:]
    assert loaded.predict(3)["ds"].tolist() == following.tolist()
    # Days are days, however they are written.
    same = pd.offsets.Day(3) if name == "three days" else freq
    assert loaded.panel_.frequency.index_freq == same


def test_a_wide_frame_keeps_its_custom_freq(tmp_path: Path) -> None:
    df = long(freq=HOLIDAYS).set_index("ds")[["y"]].asfreq(HOLIDAYS)
    loaded = same_after_loading(network().fit(df), tmp_path)
    assert loaded.predict(3).index.freq == HOLIDAYS


@pytest.mark.parametrize(
    "freq",
    [
        *FREQUENCIES.values(),
        OFFSETS.BusinessDay(offset=datetime.timedelta(hours=9)),
        OFFSETS.Easter(2),
        pd.DateOffset(n=2, weekday=1),
        OFFSETS.FY5253(weekday=0, startingMonth=12, variation="nearest"),
    ],
    ids=str,
)
def test_offsets_are_plain(freq: Any) -> None:
    back = through_json(freq)
    assert back == freq
    assert type(back) is type(freq)
    stamps = pd.date_range("2020-01-02 09:00", periods=300, freq=freq)
    assert stamps.equals(pd.date_range("2020-01-02 09:00", periods=300, freq=back))


class Shifted(OFFSETS.BusinessHour):
    """An offset of a user's own class."""


def test_an_offset_of_an_own_class_has_no_plain_form() -> None:
    with pytest.raises(CodecError, match="no plain form; give freq= an offset of pandas"):
        Codec().encode(Shifted())


@pytest.mark.parametrize(
    "plain",
    [
        "nonsense", 5, None, [], {}, ["os.system", 1, False, {}], ["Shifted", 1, False, {}],
        ["BusinessHour", 1, False, {}], ["offsets", 1, False, {"dict": {}}],
        ["BusinessHour", 0, False, {"dict": {}}], ["BusinessHour", -(10**9), False, {"dict": {}}],
        ["BusinessHour", 10**9, False, {"dict": {}}], ["BusinessHour", 1.0, False, {"dict": {}}],
        ["BusinessHour", True, False, {"dict": {}}], ["BusinessHour", 1, 0, {"dict": {}}],
        ["BusinessHour", 1, False, []], ["BusinessHour", 1, False, {"dict": {"start": 1.5}}],
        ["BusinessHour", 1, False, {"dict": {"start": {"time": "99:00"}}}],
        ["BusinessHour", 1, False, {"dict": {"evil": 1}}],
        ["DateOffset", 1, False, {"dict": {"evil": 1}}],
        ["CustomBusinessDay", 1, False, {"dict": {"weekmask": "0000000"}}],
        ["CustomBusinessDay", 1, False, {"dict": {"holidays": {"range": [0, 10**15, 1]}}}],
        ["CustomBusinessDay", 1, False, {"dict": {"holidays": {"tuple": ["x"]}}}],
        ["FY5253", 1, False, {"dict": {"variation": "evil"}}], "99999999MS",
    ],
    ids=str,
)  # fmt: skip
def test_false_offsets(plain: Any) -> None:
    with pytest.raises((CodecError, TypeError, ValueError, AttributeError)):
        Codec().decode({"offset": plain})


# --- ids and names


class Colour(enum.Enum):
    """An id of a user's own class."""

    RED = 1


class Pair(NamedTuple):
    """A tuple of a user's own class."""

    shop: str
    item: int


DECIMALS = pd.ArrowDtype(pa.decimal128(6, 2))
IDS = {
    "dates": two(DATE(2020, 1, 1), DATE(2020, 1, 2)),
    "datetimes": two(datetime.datetime(2020, 1, 1, 5), datetime.datetime(2020, 1, 2)),
    "stamps": two(pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02"), "datetime64[ns]"),
    "local stamps": two(*pd.date_range("2020", periods=2, tz="Europe/Berlin"), object),
    "decimals": two(Decimal("1.50"), Decimal("-2")),
    "tuples": two(("a", 1), ("b", 2)),
    "bytes": two(b"a\xff", b""),
    "uuids": two(uuid.UUID(int=1), uuid.UUID(int=2)),
    "times": two(datetime.time(9), datetime.time(10, 30)),
    "durations": two(datetime.timedelta(1), datetime.timedelta(2)),
    "periods": two(pd.Period("2020-01", "2M"), pd.Period("2020-03", "2M"), "period[2M]"),
    "intervals": two(pd.Interval(0, 1), pd.Interval(1, 2), pd.IntervalDtype("int64", "right")),
    "bins": two(pd.Interval(0, 1), pd.Interval(1, 2)).astype({"unique_id": "category"}),
    "categories of dates": two(DATE(2020, 1, 1), DATE(2020, 1, 2)).astype(
        {"unique_id": "category"}
    ),
    "numbers of numpy": two(np.int64(1), np.int64(2)),
    "days of numpy": two(np.datetime64("2020-01-01"), np.datetime64("2020-01-02")),
    "bools": two(False, True, bool),
    "floats": two(0.5, 1.5, "float64"),
    "decimals of pyarrow": two(Decimal("1.50"), Decimal("-2.00"), DECIMALS),
    "dates of pyarrow": two(DATE(2020, 1, 1), DATE(2020, 1, 2), pd.ArrowDtype(pa.date32())),
    "a dictionary of pyarrow": two("a", "b", pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "bytes of pyarrow": two(b"a", b"b", pd.ArrowDtype(pa.binary())),
}


@pytest.mark.parametrize("name", IDS)
def test_ids_come_back(name: str, tmp_path: Path) -> None:
    df = IDS[name]
    model = network().fit(df)
    loaded = same_after_loading(model, tmp_path)
    forecast = loaded.predict(2)
    assert forecast["unique_id"].dtype == df["unique_id"].dtype
    assert forecast["unique_id"].drop_duplicates().tolist() == df["unique_id"].unique().tolist()
    tsgen.save_state(model.encode(df), tmp_path / "a.state")
    state = tsgen.load_state(tmp_path / "a.state")
    assert_frame_equal(model.predict(2, state=state), model.predict(2))


@pytest.mark.parametrize("name", ["dates", "decimals", "tuples", "uuids", "bytes"])
def test_columns_of_a_wide_frame_come_back(name: str, tmp_path: Path) -> None:
    ids = IDS[name]["unique_id"].unique()
    curves = {i: 5 + i + np.sin(np.arange(ROWS)) for i in range(2)}
    df = pd.DataFrame(curves, index=pd.date_range("2020", periods=ROWS))
    df.columns = pd.Index(ids, dtype=object, tupleize_cols=False)
    loaded = same_after_loading(network().fit(df), tmp_path)
    assert loaded.predict(2).columns.equals(df.columns)


def test_any_label_names_columns(tmp_path: Path) -> None:
    df = long(price=1.0 + np.arange(ROWS)).rename(
        columns={"y": 7, "price": 5, "unique_id": DATE(2020, 1, 1)}
    )
    model = network().fit(df, id_col=DATE(2020, 1, 1), target_col=7, past_covariates=[5])
    loaded = same_after_loading(model, tmp_path)
    assert list(loaded.predict(1).columns) == [DATE(2020, 1, 1), "ds", 7]
    model = network().fit(df, id_col=None, target_col=np.int64(7), future_covariates=np.int64(5))
    ahead = pd.DataFrame({"ds": df["ds"] + pd.Timedelta(days=ROWS), 5: 1.0})
    model.save(tmp_path / "other.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "other.tsgen")
    assert_frame_equal(loaded.predict(2, future_df=ahead), model.predict(2, future_df=ahead))


@pytest.mark.parametrize(
    "dtype",
    [
        pd.SparseDtype("float64"), pd.SparseDtype("float32", 0.0), pd.SparseDtype("int64", 0),
        DECIMALS, pd.ArrowDtype(pa.float16()), np.dtype("float16"), pd.Float32Dtype(),
        pd.Int8Dtype(),
    ],
    ids=str,
)  # fmt: skip
def test_dtypes_of_targets_come_back(dtype: Any, tmp_path: Path) -> None:
    df = long()
    y = df["y"].round()
    if dtype == DECIMALS:
        y = y.map(lambda value: Decimal(f"{value:.2f}"))
    loaded = same_after_loading(network().fit(df.assign(y=pd.Series(y, dtype=dtype))), tmp_path)
    assert np.isfinite(loaded.predict(3)["y"].astype(float)).all()


@pytest.mark.parametrize("kind", ["bins", "dates", "decimals"])
def test_categories_of_covariates_come_back(kind: str, tmp_path: Path) -> None:
    labels = {
        "bins": pd.cut(np.arange(ROWS) % 9.0, 3),
        "dates": pd.Categorical([DATE(2020, 1, 1 + i % 3) for i in range(ROWS)]),
        "decimals": pd.Categorical([Decimal(i % 3) for i in range(ROWS)]),
    }[kind]
    model = network().fit(long(kind=labels), past_covariates="kind")
    loaded = same_after_loading(model, tmp_path)
    categories = loaded.covariate_scaler_.schema[0].categories  # type: ignore[union-attr]
    assert categories is not None
    assert len(categories) == 3


@pytest.mark.parametrize(
    "value",
    [
        DATE(1, 1, 1), DATE(9999, 12, 31), datetime.time(23, 59, 59, 999999),
        datetime.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime.datetime(2020, 1, 1, 1, 2, 3, 4), datetime.timedelta(-1, 5, 7),
        Decimal("1.500"), Decimal("-Infinity"), uuid.UUID(int=2**127), b"", b"\x00\xff",
    ],
    ids=repr,
)  # fmt: skip
def test_leaves_come_back(value: Any) -> None:
    back = through_json(value)
    assert back == value
    assert repr(back) == repr(value)


# --- what can't be saved


@pytest.mark.parametrize(
    ("model", "df", "words"),
    [
        (network(), long([Colour.RED] * ROWS), "ids: a Colour has no plain form.*numbers, text"),
        (network(), two(Pair("a", 1), Pair("b", 2)), "ids: a Pair has no plain form"),
        (network(), long(freq=Shifted()), "the frequency .* has no plain form; give freq="),
        (
            network(scaler=FunctionTransformer(lambda x: x, inverse_func=lambda x: x)),
            long(),
            "scaler can't be written and read again.*under their names",
        ),
    ],
    ids=["enum", "named tuple", "own offset", "lambda"],
)
def test_fit_warns_of_what_save_refuses(
    model: LSTMForecaster, df: pd.DataFrame, words: str, tmp_path: Path
) -> None:
    freq = Shifted() if "frequency" in words else None
    with pytest.warns(UserWarning, match=f"can't be saved: .*{words}") as caught:
        model.fit(df, freq=freq)
    assert [warning.filename for warning in caught] == [__file__]
    assert np.isfinite(model.predict(3)["y"]).all()
    with pytest.raises(ModelFileError) as refused:
        model.save(tmp_path / "model.tsgen")
    assert str(caught[0].message).startswith(str(refused.value))
    assert not list(tmp_path.iterdir())


def test_what_is_saved_without_a_part_is_no_matter_for_fit() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network(calendar=lambda stamps: pd.DataFrame({"x": np.ones(len(stamps))})).fit(long())


def test_a_backtest_that_fits_anew_warns_of_nothing() -> None:
    df = long([Colour.RED] * ROWS)
    with pytest.warns(UserWarning, match="can't be saved"):
        model = network().fit(df)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(model.backtest(df, 2, n_windows=2, refit=True)) == 4


def test_a_memory_map_is_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.arange(4.0))
    codec = Codec()
    plain = codec.encode(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    found = Codec(arrays=codec.arrays).decode(plain)
    np.testing.assert_array_equal(found, np.arange(4.0))
    assert type(found) is np.ndarray
