"""Values come back from JSON and arrays as what they were, and nonsense is refused."""

from __future__ import annotations

import json
import signal
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
from typing_extensions import TypeAliasType

from tsgen.io.codec import Codec, CodecError, fits


def through_json(value: Any, **arguments: Any) -> Any:
    codec = Codec(**arguments)
    return codec.decode(json.loads(json.dumps(codec.encode(value), allow_nan=False)))


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -(10**30), 1.5, 5e-324, float("inf"), float("-inf"), "", "\ud800", "\0",
        [], (), {}, [1, [2]], (1, ("a", None)), {"a": {1: (2,)}}, {"float": "nan"}, {(1, 2): 3},
        range(3, -4, -2), np.float32(0.1), np.int8(-3), np.bool_(True),
        pd.Timestamp("2024-01-01 01:02:03.000000004"), pd.Timestamp("2024", tz="Europe/Paris"),
        pd.Timestamp("3024-01-01").as_unit("s"), pd.Period("2024-03", "M"), pd.Timedelta("1h"),
        np.dtype("float32"), pd.Int8Dtype(), pd.StringDtype("python"),
        pd.PeriodDtype("W-TUE"), pd.DatetimeTZDtype("s", "Asia/Tokyo"), np.dtype("M8[ms]"),
        pd.CategoricalDtype(["a", "b"], ordered=True), pd.offsets.MonthEnd(3), pd.offsets.Hour(2),
        pd.offsets.Week(weekday=2), pd.offsets.BYearBegin(month=4), pd.offsets.Easter(2), b"bytes",
        np.datetime64("2024"), np.timedelta64(-3, "h"), pd.IntervalDtype("int64", "left"),
        pd.SparseDtype("float32", 0.0), pd.Interval(0.5, 2.0, closed="both"),
    ],
    ids=repr,
)  # fmt: skip
def test_values_through_json(value: Any) -> None:
    result = through_json(value)
    assert type(result) is type(value)
    assert result == value
    assert getattr(result, "unit", None) == getattr(value, "unit", None)


def test_nan_through_json() -> None:
    assert np.isnan(through_json(float("nan")))


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([], dtype="int64"),
        pd.Index([], dtype=object),
        pd.Index([], dtype="str"),
        pd.Index(["a", 1, None, ("b",)], dtype=object, name=("x", 1)),
        pd.Index([1.5, np.nan]),
        pd.Index([2**63], dtype="uint64"),
        pd.RangeIndex(5, 1, -2, name="r"),
        pd.DatetimeIndex(["2024-01-01", None]),
        pd.timedelta_range("1h", periods=3),
        pd.MultiIndex.from_product(
            [["a", "b"], pd.date_range("2024-01-01", periods=2)], names=["x", None]
        ),
        pd.CategoricalIndex(["b", "a"], categories=["c", "b", "a"], ordered=True, name="c"),
        pd.Index([True, False]),
        pd.Index([True, False], dtype="boolean"),
        pd.Index([1.5], dtype="Float32"),
        pd.interval_range(0, 3, closed="left"),
        pd.Index([("a", 1), ("b", 2)], dtype=object, tupleize_cols=False),
        pd.date_range("2024-01-01", periods=4, freq="MS", tz="Europe/Berlin", unit="ms"),
    ],
    ids=repr,
)
def test_indexes_through_json(index: pd.Index) -> None:
    result = through_json(index)
    pd.testing.assert_index_equal(result, index, exact=True)
    assert getattr(result, "freq", None) == getattr(index, "freq", None)


@pytest.mark.parametrize("values", [np.zeros(3), np.arange(6).reshape(2, 3), np.array([True])])
@pytest.mark.parametrize("step", [1, -1])
def test_arrays_through_json(values: Any, step: int) -> None:
    result = through_json(values[::step])
    np.testing.assert_array_equal(result, values[::step])
    assert result.dtype == values.dtype


@pytest.mark.parametrize(
    "value",
    [
        object(), lambda: 0, {1, 2}, 1j, int, np.longdouble(1), np.zeros(1, dtype=object),
        np.zeros(1, dtype=complex), pd.NaT, [object()], signal.SIGINT,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_values_without_a_plain_form(value: Any) -> None:
    with pytest.raises((CodecError, TypeError)):
        through_json(value)


@pytest.mark.parametrize(
    "plain",
    [
        {}, {"a": 1, "b": 2}, {"unknown": 1}, {"object": 0}, {"object": True}, {"array": 0},
        {"Settings": {}}, {"float": "1"}, {"dtype": ["named", "i4,f8"]},
        {"dtype": ["named", "V8"]}, {"dtype": ["named", 3]}, {"dtype": ["masked", "object"]},
        {"zone": ["zoneinfo", "../../etc/passwd"]}, {"zone": ["zoneinfo", "x" * 5000]},
        {"zone": ["evil", "x"]}, {"dtype": ["zoned", "ns", "evil"]}, {"offset": "nonsense"},
        {"numpy": ["O", 1]}, {"numpy": ["f8", "x"]}, {"numpy": ["f8", [1]]},
        {"dtype": ["string", "evil", True]}, {"dtype": ["evil"]}, {"dtype": ["named", "category"]},
        {"dtype": ["sparse", "evil", 0]}, {"dtype": ["interval", {"dtype": ["evil"]}, "left"]},
        {"dtype": ["interval", {"dtype": ["named", "i8"]}, "evil"]}, {"dtype": ["arrow", "x"]},
        {"dtype": ["arrow", {"bytes": ""}]}, {"dtype": ["arrow", {"bytes": "00" * 50}]},
        {"date": "2020-13-01"}, {"date": 5}, {"decimal": "evil"}, {"uuid": "evil"}, {"bytes": "zz"},
        {"timedelta": [10**12]}, {"datetime": ["2020-01-01", 0]}, {"numpy": ["M8[ns]", "x"]},
        {"interval": [2, 1, "left"]}, {"element": [{"dtype": ["named", "i8"]}, "x"]},
        {"index": {"names": [None], "dtype": ["named", "i8"]}},
    ],
    ids=str,
)  # fmt: skip
def test_false_plain_forms(plain: Any) -> None:
    kinds = (CodecError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
    with pytest.raises((*kinds, OSError)):
        Codec().decode(plain)


def test_fits() -> None:
    assert fits(1, float)
    assert not fits(float("nan"), float)
    assert not fits(True, float)
    assert not fits("a", int)
    assert fits(((1, "a"),), tuple[tuple[int, str], ...])
    assert not fits((1,), tuple[int, str])


def test_fits_what_a_name_stands_for() -> None:
    """numpy 2.5 defines NDArray by the statement ``type``, which Python 3.11 doesn't have."""
    scalar = TypeVar("scalar", bound=np.generic)
    array = np.ndarray[tuple[Any, ...], np.dtype[scalar]]
    named = TypeAliasType("named", array, type_params=(scalar,))
    again = TypeAliasType("again", named[np.float64])
    assert fits(np.zeros(2), named[np.float64])
    assert fits(np.zeros(2), named[Any])
    assert fits(np.zeros(2), named)
    assert fits(np.zeros(2), again)
    assert not fits(np.zeros(2, dtype=np.int64), again)
    assert not fits([0.0], named[np.float64])
    assert fits(None, named[np.float64] | None)
