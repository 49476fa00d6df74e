import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tsgen
from tsgen import Naive
from tsgen._messages import written
from tsgen.errors import FrameError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.int64(2), "2"),
        (np.float32(0.5), "0.5"),
        (np.longdouble(0.5), "0.5"),
        (np.True_, "True"),
        (np.str_("a"), "'a'"),
        (np.datetime64("2020-01-01"), "2020-01-01"),
        (np.timedelta64(3, "h"), "3 hours"),
        (pd.Timestamp("2020-01-01 09:00"), "2020-01-01 09:00:00"),
        (pd.Period("2020-01", "M"), "2020-01"),
        (pd.Timedelta("1h"), "0 days 01:00:00"),
        (datetime.date(2020, 1, 1), "2020-01-01"),
        (Decimal("1.5"), "Decimal('1.5')"),
        ([np.float64(0.8), (np.int8(1),)], "[0.8, (1,)]"),
        ({np.int64(1): np.array([1, 2])}, "{1: [1, 2]}"),
        (pd.Index([1, 2]), "[1, 2]"),
        ("a", "'a'"),
        (None, "None"),
        (list(range(22))[:21], f"[{', '.join(map(str, range(20)))}, ...]"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else None,
)
def test_values_are_written_as_python_writes_them(value: Any, text: str) -> None:
    assert written(value) == text


def test_long_values_are_cut() -> None:
    assert len(written("a" * 10_000)) < 250


def numbered(**more: Any) -> pd.DataFrame:
    """Two series whose ids and columns have names of numpy's types."""
    ids = np.repeat(np.array([3, 7], dtype=np.int64), 12)
    stamps = np.tile(pd.date_range("2020", periods=12), 2)
    return pd.DataFrame({"unique_id": ids, "ds": stamps, "y": np.arange(24.0), **more})


DF = numbered()
WIDE = DF.pivot(index="ds", columns="unique_id", values="y")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: Naive().fit(DF).predict(np.int64(0)), "horizon=0:"),
        (lambda: Naive().fit(DF).backtest(DF, 2, n_windows=np.int64(0)), "n_windows=0:"),
        (lambda: Naive().fit(DF, fill=np.float64(np.inf)), "fill=inf:"),
        (lambda: Naive().fit(DF, target_col=np.int64(5)), "no target column 5;"),
        (lambda: Naive().fit(pd.concat([DF, DF.iloc[[20]]])), "series 7 at 2020-01-09"),
        (lambda: Naive().fit(DF.assign(y=DF["y"].where(DF.index != 20))), "series 7 at 2020-01-09"),
        (lambda: Naive().fit(WIDE.astype({7: str})), "column 7 "),
        (lambda: tsgen.hold_out(DF, np.int64(0)), "rows=0:"),
        (lambda: tsgen.hold_out(DF, np.int64(12)), "3 (12), 7 (12)"),
        (lambda: tsgen.score(DF.assign(y_pred=1.0), by=[np.int64(1)]), " 1"),
        (lambda: tsgen.LSTMForecaster(hidden_size=np.int64(0)).fit(DF), "hidden_size=0:"),
        (lambda: tsgen.LSTMForecaster(lags=[np.int64(0)]).fit(DF), "lags"),
        (lambda: tsgen.LSTMForecaster(dropout=np.float64(2)).fit(DF), "dropout=2.0:"),
        (lambda: tsgen.LSTMForecaster(random_state=np.int64(-1)).fit(DF), "random_state=-1:"),
    ],
)  # fmt: skip
def test_messages_show_plain_values(call: Callable[[], Any], expected: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert expected in str(caught.value)
    assert "np." not in str(caught.value)


def test_new_rows_name_series_plainly() -> None:
    df = numbered()
    model = tsgen.LSTMForecaster(max_steps=2, verbose=False).fit(df)
    state = model.encode(df)
    with pytest.raises(FrameError, match=r"series 3, which the state has up to 2020-01-12"):
        model.update(state, df)


def test_stamps_as_ids_are_written_as_text() -> None:
    df = numbered()
    df["unique_id"] = pd.Timestamp("2021-05-06")
    with pytest.raises(FrameError, match="series 2021-05-06 00:00:00 at 2020-01-01"):
        Naive().fit(df)
