"""Series of very different lengths in one panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsgen import LSTMForecaster

LENGTHS = {"whole": 100_000, "context": 60, "half": 12, "scrap": 5}
HORIZON = 7


def panel(covariates: bool) -> pd.DataFrame:
    parts = []
    for seed, (name, rows) in enumerate(LENGTHS.items()):
        random = np.random.default_rng(seed)
        ds = pd.date_range("2000-01-01", periods=rows, freq="h")
        y = 10 * seed + np.sin(np.arange(rows) / 4) + 0.1 * random.normal(size=rows)
        df = pd.DataFrame({"unique_id": name, "ds": ds, "y": y})
        parts.append(df.assign(price=random.normal(size=rows)) if covariates else df)
    return pd.concat(parts, ignore_index=True)


def ahead(df: pd.DataFrame) -> pd.DataFrame:
    ends = df.groupby("unique_id")["ds"].max()
    parts = []
    for name, end in ends.items():
        ds = pd.date_range(end, periods=HORIZON + 1, freq="h")[1:]
        parts.append(pd.DataFrame({"unique_id": name, "ds": ds, "price": 0.5}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.slow
@pytest.mark.parametrize("covariates", [False, True])
def test_a_short_series_forecasts_alone_as_beside_long_ones(covariates: bool) -> None:
    df = panel(covariates)
    model = LSTMForecaster(
        context_length=48, lags=[24], hidden_size=8, max_steps=3, verbose=False
    ).fit(df, future_covariates="price" if covariates else ())
    future = ahead(df) if covariates else None
    together = model.predict(HORIZON, df=df, future_df=future)
    assert np.isfinite(together["y"]).all()
    pd.testing.assert_frame_equal(model.predict(HORIZON, future_df=future), together)
    for name, rows in df.groupby("unique_id"):
        own = None if future is None else future[future["unique_id"] == name]
        alone = model.predict(HORIZON, df=rows, future_df=own)
        beside = together[together["unique_id"] == name]
        # A batch of another size is multiplied in another order.
        np.testing.assert_allclose(alone["y"], beside["y"], rtol=1e-5)


def test_padding_says_nothing() -> None:
    """The network is told which rows come before the start of a series, and they are 0."""
    df = panel(covariates=False)
    model = LSTMForecaster(
        context_length=48, lags=[24], hidden_size=8, max_steps=3, verbose=False
    ).fit(df)
    context = model.context(df[df["unique_id"] == "scrap"])
    assert context.known.sum() == LENGTHS["scrap"]
    assert (context.values[context.known == 0] == 0).all()
