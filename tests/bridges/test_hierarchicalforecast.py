"""Forecasts and in-sample forecasts are what hierarchicalforecast reconciles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hierarchicalforecast.core import HierarchicalReconciliation
from hierarchicalforecast.methods import BottomUp, MinTrace
from hierarchicalforecast.utils import aggregate

from tsgen import LSTMForecaster, SeasonalNaive

HORIZON = 4
MINT, BOTTOM_UP = "LSTM/MinTrace_method-mint_shrink", "LSTM/BottomUp"
BELOW = {
    "all": ["all/east", "all/west"],
    "all/east": ["all/east/a", "all/east/b"],
    "all/west": ["all/west/c", "all/west/d"],
}


def sales() -> pd.DataFrame:
    """Four shops of two regions, by month."""
    months, rng = np.arange(72), np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "country": "all",
                "region": "east" if shop in "ab" else "west",
                "shop": shop,
                "ds": pd.date_range("2018-01-01", periods=len(months), freq="MS"),
                "y": level * (10 + 3 * np.sin(2 * np.pi * months / 12 + level))
                + rng.normal(0, 1, len(months)),
            }
        )
        for level, shop in enumerate("abcd", start=1)
    ]
    return pd.concat(parts, ignore_index=True)


def named(df: pd.DataFrame, column: str) -> pd.DataFrame:
    """With the forecast and its bounds under the name of a model."""
    names = {name: name.replace(column, "LSTM", 1) for name in df if name.startswith(column)}
    return df.rename(columns=names)


@pytest.fixture(scope="module")
def reconciled() -> pd.DataFrame:
    series, summing, tags = aggregate(
        sales(), [["country"], ["country", "region"], ["country", "region", "shop"]]
    )
    model = LSTMForecaster(preset="zero_shot", verbose=False).fit(series)
    methods = [BottomUp(), MinTrace(method="mint_shrink")]
    return HierarchicalReconciliation(reconcilers=methods).reconcile(
        Y_hat_df=named(model.predict(HORIZON, level=80), "y"),
        Y_df=named(model.fitted(series), "y_pred"),
        S_df=summing,
        tags=tags,
        level=[80],
    )


def by_series(df: pd.DataFrame, column: str) -> pd.DataFrame:
    return df.pivot(index="ds", columns="unique_id", values=column)


@pytest.mark.parametrize("method", [MINT, BOTTOM_UP])
def test_reconciled_forecasts_add_up(reconciled: pd.DataFrame, method: str) -> None:
    before, after = by_series(reconciled, "LSTM"), by_series(reconciled, method)
    assert after.shape == (HORIZON, 7)
    for whole, parts in BELOW.items():
        np.testing.assert_allclose(after[whole], after[parts].sum(axis=1), rtol=0, atol=1e-6)
    assert not np.allclose(before["all"], before[BELOW["all"]].sum(axis=1), rtol=0, atol=1e-6)


def test_the_bottom_alone_is_kept_by_bottom_up(reconciled: pd.DataFrame) -> None:
    shops = [*BELOW["all/east"], *BELOW["all/west"]]
    before, after = by_series(reconciled, "LSTM"), by_series(reconciled, BOTTOM_UP)
    np.testing.assert_allclose(after[shops], before[shops])


def test_intervals_are_reconciled_too(reconciled: pd.DataFrame) -> None:
    """Around the reconciled forecasts; of a whole narrower than those of its parts together."""
    lo, at, hi = (by_series(reconciled, MINT + bound) for bound in ("-lo-80", "", "-hi-80"))
    assert (lo < at).all(axis=None)
    assert (at < hi).all(axis=None)
    np.testing.assert_allclose(hi + lo, 2 * at)
    width = hi - lo
    for whole, parts in BELOW.items():
        assert (width[whole] < width[parts].sum(axis=1)).all()


def test_series_of_one_length_have_in_sample_forecasts_of_the_same_rows() -> None:
    df: Any = aggregate(sales(), [["country"], ["country", "shop"]])[0]
    rows = SeasonalNaive(season_length=12).fit(df).fitted(df)
    counts = rows.groupby("ds")["unique_id"].nunique()
    assert set(counts) == {5}
