"""The series of a frame in whatever layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsgen import LSTMForecaster
from tsgen.reporting.reading import SeriesRead, evenly, read_series

ROWS = 30
STAMPS = pd.date_range("2020-01-01", periods=ROWS, freq="D")


def long(ids: str = "ba") -> pd.DataFrame:
    noise = np.random.default_rng(0)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": STAMPS, "y": noise.normal(size=ROWS)})
        for name in ids
    ]
    return pd.concat(parts, ignore_index=True)


def wide() -> pd.DataFrame:
    return long().pivot(index="ds", columns="unique_id", values="y")[["b", "a"]]


def read(df: Any, **how: Any) -> SeriesRead:
    model = LSTMForecaster(max_steps=1, hidden_size=4, init="random", verbose=False)
    return read_series(model.fit(df, **how), df)


@pytest.mark.parametrize(
    "df",
    [
        long(),
        wide(),
        long().set_index(["unique_id", "ds"])["y"],
        long().assign(ds=np.tile(STAMPS.tz_localize("Asia/Tokyo"), 2)),
        long().astype({"unique_id": "category"}),
        wide().set_axis(STAMPS.to_period("D")),
        wide().reset_index(drop=True),
    ],
    ids=["long", "wide", "multiindex", "zone", "categories", "periods", "integers"],
)
def test_series_come_in_the_order_of_the_input(df: Any) -> None:
    found = read(df)
    assert found.labels == ["b", "a"]
    assert found.values(0).tolist() == long().query("unique_id == 'b'")["y"].tolist()
    some = found.rows_of([1])
    assert [len(curve) for curve in found.curves(some).values()] == [ROWS]
    assert list(found.curves(some)) == [1]
    assert list(found.curves(df)) == [0, 1]


def test_one_series_has_the_name_that_there_is() -> None:
    values = pd.Series(np.arange(30.0), index=STAMPS, name="sales")
    assert read(values).labels == ["sales"]
    frame = long("a").drop(columns="unique_id").rename(columns={"y": "turnover"})
    assert read(frame, target_col="turnover").labels == ["turnover"]


@pytest.mark.parametrize("multivariate", [False, True])
def test_targets_of_an_id_stand_side_by_side(multivariate: bool) -> None:
    df = long().assign(z=0.0)
    model = LSTMForecaster(
        max_steps=1, hidden_size=4, init="random", multivariate=multivariate, verbose=False
    ).fit(df, target_col=["y", "z"])
    found = read_series(model, df)
    assert found.labels == ["b · y", "b · z", "a · y", "a · z"]
    assert found.codes(["a", "b", "new"], "z").tolist()[:2] == [3, 1]
    assert list(found.curves(df)) == [0, 2, 1, 3]
    assert not found.values(3).any()


def test_columns_that_share_a_state_stay_together() -> None:
    df = wide()
    model = LSTMForecaster(
        max_steps=1, hidden_size=4, init="random", multivariate=True, verbose=False
    ).fit(df)
    assert read_series(model, df).rows_of([0]) is df


def test_what_was_read() -> None:
    df = long("cba")
    df.loc[df["unique_id"] == "c", "y"] = 3.0
    df.loc[35, "y"] = np.nan  # of b
    df = df.drop(index=[40, 41, 42, 88, 89])  # three rows inside of b, the last two of a
    found = read(df, fill="mask").summary()
    assert (found.series, found.rows) == (3, 88)
    assert (found.shortest, found.median, found.longest) == (28, 30, 30)
    assert (found.first, found.last) == (STAMPS[0], STAMPS[-1])
    assert (found.ended, found.constant) == (1, 1)
    assert found.holes.to_dict() == {"c": 0, "b": 4, "a": 0}


def test_some_of_many_lie_evenly() -> None:
    assert evenly(5, 10) == [0, 1, 2, 3, 4]
    assert evenly(101, 3) == [0, 50, 100]
    assert evenly(1, 1) == [0]
