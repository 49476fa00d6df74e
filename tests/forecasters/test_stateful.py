"""What a fitted model answers at the edges of what it can be asked."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.problems import wavy

from tsgen import LSTMForecaster
from tsgen.errors import ClosedLoopWarning, FrameError, SettingError

SMALL: dict[str, Any] = {
    "max_steps": 5, "hidden_size": 8, "context_length": 20, "lags": [7], "verbose": False,
}  # fmt: skip


def wide(rows: int = 60) -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=rows)
    return pd.DataFrame(
        {"a": wavy(rows).to_numpy(), "b": 1000 + wavy(rows, seed=1).to_numpy()}, index=index
    )


def long(df: pd.DataFrame) -> pd.DataFrame:
    frame = df.rename_axis(index="ds", columns="unique_id")
    return frame.unstack().rename("y").reset_index()


@pytest.fixture(scope="module")
def model() -> LSTMForecaster:
    return LSTMForecaster(**SMALL).fit(wide())


@pytest.mark.parametrize("carry", [False, True])
def test_new_rows_find_their_series_whatever_sorts_their_ids(carry: bool) -> None:
    """Categories sort by their own order, text by the alphabet."""
    df = long(wide())
    text = df["unique_id"].astype(str)
    df["unique_id"] = pd.Categorical(text, categories=["b", "a"])
    last = df["ds"] == df["ds"].max()
    model = LSTMForecaster(**SMALL).fit(df)
    state = model.update(
        model.encode(df[~last]), df[last].assign(unique_id=text[last]), carry=carry
    )
    got = model.predict(3, state=state)
    expected = model.predict(3, df=df)
    np.testing.assert_allclose(got["y"], expected["y"], rtol=1e-6 if not carry else 0.2)


def test_a_constant_that_moves_is_read_anew_when_carried_on() -> None:
    df = pd.DataFrame({"c": 5.0, "w": wavy(60).to_numpy()}, index=wide().index)
    model = LSTMForecaster(**SMALL).fit(df)
    new = pd.DataFrame(
        {"c": np.arange(30.0), "w": wavy(90).to_numpy()[60:]},
        index=pd.date_range(df.index[-1], periods=31)[1:],
    )
    carried, anew = (model.update(model.encode(df), new, carry=carry) for carry in (True, False))
    got, expected = (model.predict(4, state=state)["c"] for state in (carried, anew))
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_one_calibrated_path_is_a_draw_from_as_many(model: LSTMForecaster) -> None:
    """It is the first of a hundred paths, and not the forecast itself."""
    one = model.sample(3, num_samples=1, as_array=True)
    many = model.sample(3, num_samples=100, as_array=True)
    np.testing.assert_array_equal(one, many[:, :1])
    assert np.abs(one[:, 0] - model.predict(3).to_numpy().T).max() > 0


def test_only_steps_that_are_seen_count_as_runaway() -> None:
    """A series that ends early makes all loops go on for longer than the forecast."""
    df = wide()
    df.iloc[-30:, 0] = np.nan
    model = LSTMForecaster(**SMALL, residual="last").fit(df)
    network = model.module_.network
    network.head.weight.data.zero_()
    network.head.bias.data.fill_(2.0)  # a step of 2 spreads; limits begin at 10 and more
    horizon = 3
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClosedLoopWarning)
        model.predict(horizon, df=df[["b"]])
    message = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(horizon, df=df)
    message = " ".join(str(each.message) for each in caught)
    assert "'b'" not in message


def test_given_stamps_must_be_of_the_input_s_kind(model: LSTMForecaster) -> None:
    hours = pd.PeriodIndex(["2024-03-01 05:00"], freq="h")
    with pytest.raises(FrameError, match="given="):
        model.predict(3, given=pd.DataFrame({"a": [1.0]}, index=hours))


def test_columns_of_several_levels() -> None:
    df = wide()
    df.columns = pd.MultiIndex.from_tuples([("north", "b"), ("north", "a")])
    model = LSTMForecaster(**SMALL).fit(df)
    bands = model.predict(2, level=80)
    assert bands.columns.nlevels == 3
    assert [label[2] for label in bands.columns[:3]] == ["y", "y-lo-80", "y-hi-80"]
    np.testing.assert_array_equal(bands["north", "a", "y"], model.predict(2)["north", "a"])


def test_a_column_called_sample_id() -> None:
    df = long(wide()).rename(columns={"unique_id": "sample_id"})
    model = LSTMForecaster(**SMALL).fit(df, id_col="sample_id")
    with pytest.raises(SettingError, match="sample_id"):
        model.sample(2, calibrated=False)
    assert model.sample(2, num_samples=3, calibrated=False, as_array=True).shape == (2, 3, 2)


@pytest.mark.parametrize("level", [np.array(80), np.array([80.0]), (80,), 80.0])
def test_levels_come_in_many_forms(model: LSTMForecaster, level: Any) -> None:
    assert model.predict(2, level=level).shape == (2, 6)


def test_states_are_compared_by_identity(model: LSTMForecaster) -> None:
    state, other = model.encode(wide()), model.encode(wide())
    assert state == state
    assert state != other


def test_a_constant_series_is_stable() -> None:
    df = pd.DataFrame({"c": 5.0, "w": wavy(60).to_numpy()}, index=wide().index)
    found = LSTMForecaster(**SMALL).fit(df).stability(horizon=60).set_index("unique_id")
    assert found.loc["c", "lyapunov"] == -np.inf
    assert found.loc["c", "flat_from"] == 1
    assert pd.isna(found.loc["c", "leaves_range_at"])
