"""What holds for panels with covariates, holes and ragged lengths, for one fitted network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tsgen import LSTMForecaster
from tsgen.preprocessing.windows import WindowIndex
from tsgen.testing import panels

KEY = ["unique_id", "ds"]
HORIZON = 6

properties = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
drawn = panels(freq=["D"], ids=["text"], covariates=True, holes=True)


def frame(names: tuple[str, ...], rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    parts = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range("2020-01-01", periods=rows),
                "y": random.normal(size=rows).cumsum(),
                "number": random.normal(5, 2, size=rows),
                "kind": random.choice(["none", "some"], size=rows),
                "region": "north",
            }
        )
        for name in names
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def model() -> LSTMForecaster:
    """Fitted on series that no drawn panel has; one kind and one region it hasn't seen."""
    model = LSTMForecaster(
        max_steps=5,
        hidden_size=8,
        context_length=14,
        lags=[2, 7],
        calendar="auto",
        scaler_scope="panel",
        verbose=False,
    )
    return model.fit(
        frame(("seen-1", "seen-2"), 60),
        future_covariates="kind",
        past_covariates="number",
        static_covariates="region",
        fill="mask",
    )


def ahead(df: pd.DataFrame, horizon: int = HORIZON) -> pd.DataFrame:
    """Kinds at the stamps after each series, which depend on nothing but these stamps."""
    parts = []
    for name, end in df.groupby("unique_id")["ds"].max().items():
        stamps = pd.date_range(end, periods=horizon + 1)[1:]
        kinds = np.array(["none", "some", "much"])[stamps.day_of_year.to_numpy() % 3]
        parts.append(pd.DataFrame({"unique_id": name, "ds": stamps, "kind": kinds}))
    return pd.concat(parts, ignore_index=True)


def forecast(model: LSTMForecaster, df: pd.DataFrame, horizon: int = HORIZON) -> pd.DataFrame:
    got = model.predict(horizon, df=df, future_df=ahead(df, horizon))
    return got.sort_values(KEY, ignore_index=True)


def assert_close(got: pd.DataFrame, expected: pd.DataFrame, history: pd.DataFrame) -> None:
    assert_frame_equal(got[KEY], expected[KEY])
    size = history.groupby("unique_id")["y"].agg(lambda y: y.std() + 1e-9 * y.abs().max())
    allowed = 1e-4 * got["unique_id"].map(size).fillna(1e-9)
    assert ((got["y"] - expected["y"]).abs() <= allowed).all()


@pytest.mark.slow
@properties
@given(df=drawn)
def test_every_forecast_is_a_number_after_the_last_row(
    model: LSTMForecaster, df: pd.DataFrame
) -> None:
    got = forecast(model, df)
    assert np.isfinite(got["y"]).all()
    assert_frame_equal(got[KEY], ahead(df)[KEY].sort_values(KEY, ignore_index=True))


@pytest.mark.slow
@properties
@given(df=drawn, seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_changes_nothing(model: LSTMForecaster, df: pd.DataFrame, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(df))
    assert_frame_equal(forecast(model, df.iloc[order]), forecast(model, df), check_exact=True)


@pytest.mark.slow
@properties
@given(df=drawn)
def test_a_series_alone_forecasts_as_in_the_panel(model: LSTMForecaster, df: pd.DataFrame) -> None:
    alone = [forecast(model, rows) for _, rows in df.groupby("unique_id")]
    assert_close(pd.concat(alone, ignore_index=True), forecast(model, df), df)


@pytest.mark.slow
@properties
@given(df=drawn)
def test_a_short_forecast_is_the_start_of_a_long_one(
    model: LSTMForecaster, df: pd.DataFrame
) -> None:
    long = forecast(model, df, 2 * HORIZON)
    start = long.groupby("unique_id").head(HORIZON).reset_index(drop=True)
    assert_close(forecast(model, df), start, df)


@pytest.mark.slow
@properties
@given(df=drawn, new=st.integers(1, 4))
def test_an_update_is_the_encoding_of_everything(
    model: LSTMForecaster, df: pd.DataFrame, new: int
) -> None:
    # What is missing between the old rows and the new ones has to be there as rows.
    whole = pd.concat(
        rows.set_index("ds").asfreq("D").assign(unique_id=name, region=rows["region"].iloc[0])
        for name, rows in df.groupby("unique_id")
    ).reset_index()
    last = whole.groupby("unique_id").cumcount(ascending=False) < new
    state = model.update(model.encode(whole[~last]), whole[last])
    got = model.predict(HORIZON, state=state, future_df=ahead(df))
    assert_close(got.sort_values(KEY, ignore_index=True), forecast(model, df), df)


@properties
@given(df=drawn)
def test_the_frame_is_left_as_it_was(model: LSTMForecaster, df: pd.DataFrame) -> None:
    before = df.copy(deep=True)
    forecast(model, df)
    assert_frame_equal(df, before, check_exact=True)


@properties
@given(df=drawn, tail=st.integers(1, 5))
def test_what_is_read_at_a_cutoff_knows_of_no_row_after_it(
    model: LSTMForecaster, df: pd.DataFrame, tail: int
) -> None:
    last = df.groupby("unique_id").cumcount(ascending=False) < tail
    moved = df.assign(
        y=df["y"].where(~last, 1e6),
        number=df["number"].where(~last, -1e6),
        kind=df["kind"].where(~last, "none"),
    )
    loop = model.model_
    encodings, told = [], []
    for rows in (df, moved):
        panel = model._read(rows)
        series = loop.units.scaled(panel, loop.units.scalers_of(panel))
        # Rows that were missing come before the cutoff too: it is found by its stamp.
        stamps = df[~last].groupby("unique_id")["ds"].agg(["min", "max"])
        cutoffs = (stamps["max"] - stamps["min"]).dt.days.loc[list(panel.ids)] + 1
        index = WindowIndex(torch.arange(len(panel)), torch.from_numpy(cutoffs.to_numpy().copy()))
        encodings.append(loop.encode_at(series, index))
        numbers = loop.units.covariate_scaler.columns_of("number")
        told.append(series.covariates_at(index, 3, 4)[:, :, numbers])
    for one, other in zip(
        encodings[0].loops[0].recurrent, encodings[1].loops[0].recurrent, strict=True
    ):
        assert torch.equal(one, other)
    assert torch.equal(encodings[0].loops[0].values, encodings[1].loops[0].values)
    # The prediction of the first row after the cutoff is told of the last row before it.
    assert torch.equal(told[0], told[1])
    assert (told[0][:, 4:] == 0).all()
