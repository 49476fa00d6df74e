"""All that a page says, on series of which it is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import tsgen
from tsgen.errors import NotFittedError
from tsgen.reporting import find_out
from tsgen.reporting.accuracy import Accuracy
from tsgen.reporting.findings import Findings, Missing, OddRows

STAMPS = pd.date_range("2015-01-01", periods=72, freq="MS")


def sines(ids: str = "cab") -> pd.DataFrame:
    noise = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * np.arange(72) / 12)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": STAMPS, "y": wave + noise.normal(0, 0.1, 72)})
        for name in ids
    ]
    return pd.concat(parts, ignore_index=True)


def zero_shot() -> tsgen.LSTMForecaster:
    """Nothing is trained: quick, and forecasts that know a season."""
    return tsgen.LSTMForecaster(preset="zero_shot", verbose=False)


def small(**settings: Any) -> tsgen.LSTMForecaster:
    return tsgen.LSTMForecaster(
        max_steps=2, hidden_size=4, init="random", verbose=False, **settings
    )


def planted() -> pd.DataFrame:
    df = sines()
    df.loc[(df["unique_id"] == "a") & (df["ds"] == STAMPS[40]), "y"] = 9.0
    return df


@pytest.fixture(scope="module")
def found() -> Findings:
    return find_out(zero_shot().fit(planted()), planted())


def test_a_planted_row_is_the_oddest(found: Findings) -> None:
    assert isinstance(found.odd_rows, OddRows)
    first = found.odd_rows.rows.iloc[0]
    assert (first["series"], first["time"], first["value"]) == ("a", STAMPS[40], 9.0)
    assert abs(first["expected"]) < 2
    assert first["score"] > 6
    assert found.odd_rows.searched == 3


def test_the_season_is_the_horizon_and_beats_what_has_none(found: Findings) -> None:
    assert (found.horizon, found.season_length, found.frequency) == (12, 12, "MS")
    assert isinstance(found.accuracy, Accuracy)
    assert found.accuracy.mase["tsgen"] < found.accuracy.mase["last value"]


def test_the_best_the_median_and_the_worst_are_forecast(found: Findings) -> None:
    assert isinstance(found.accuracy, Accuracy)
    assert isinstance(found.forecasts, list)
    ranked = [found.labels[i] for i in found.accuracy.ranked]
    assert [one.which for one in found.forecasts] == ["best", "median", "worst"]
    assert [one.label for one in found.forecasts] == ranked
    forecast = found.forecasts[0].forecast
    assert list(forecast) == ["y", "y-lo-80", "y-hi-80", "y-lo-95", "y-hi-95"]
    assert len(forecast) == 12
    assert (forecast["y-lo-95"] <= forecast["y"]).all()


def test_what_it_goes_by_and_settings(found: Findings) -> None:
    assert isinstance(found.importance, pd.DataFrame)
    assert "lag 12" in found.importance["input"].tolist()
    assert not isinstance(found.stability, Missing)
    assert (found.stability.loops, found.stability.steps) == (3, 120)
    assert found.settings["preset"] == "zero_shot"
    assert found.versions["tsgen"]


def test_a_forecast_is_that_of_predict(found: Findings) -> None:
    assert isinstance(found.forecasts, list)
    expected = zero_shot().fit(planted()).predict(12).set_index(["unique_id", "ds"])["y"]
    for one in found.forecasts:
        assert one.forecast["y"].tolist() == pytest.approx(expected.loc[one.label].tolist())


@pytest.mark.slow
def test_of_long_series_the_last_rows_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsgen.reporting.findings._MOST_ROWS_SEARCHED", 40)
    df = sines("a")
    df.loc[[20, 60], "y"] = 9.0
    odd = find_out(zero_shot().fit(df), df).odd_rows
    assert isinstance(odd, OddRows)
    assert odd.last == 40
    assert odd.rows["time"].tolist()[:1] == [STAMPS[60]]
    assert STAMPS[20] not in odd.rows["time"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [tsgen.GRUForecaster, tsgen.EncoderDecoderForecaster])
def test_other_networks(kind: Any) -> None:
    df = sines()
    found = find_out(kind(max_steps=2, hidden_size=4, init="random", verbose=False).fit(df), df)
    parts = found.accuracy, found.forecasts, found.odd_rows, found.importance, found.stability
    assert not [part for part in parts if isinstance(part, Missing)]


@pytest.mark.slow
def test_the_horizon_is_six_steps_where_there_is_no_season() -> None:
    y = pd.Series(np.random.default_rng(0).normal(size=60))
    assert find_out(small().fit(y), y).horizon == 6


def test_what_cannot_be_found_out_has_its_reason() -> None:
    df = sines("a").head(9)
    found = find_out(small().fit(df), df)
    assert isinstance(found.accuracy, Missing)
    assert "the longest has 9" in found.accuracy.reason
    assert isinstance(found.forecasts, list)
    assert [one.which for one in found.forecasts] == [""]


@pytest.mark.slow
def test_a_loaded_model_without_levels(tmp_path: Any) -> None:
    df = sines()
    small().fit(df).save(tmp_path / "model.tsgen")
    found = find_out(tsgen.load(tmp_path / "model.tsgen"), df)
    assert isinstance(found.levels, Missing)
    assert isinstance(found.forecasts, list)
    assert list(found.forecasts[0].forecast) == ["y"]
    assert isinstance(found.accuracy, Accuracy)
    assert found.accuracy.coverage.columns.empty


@pytest.mark.slow
def test_covariates_of_the_future_are_asked_for() -> None:
    df = sines().assign(price=1.0)
    model = small().fit(df, future_covariates="price")
    found = find_out(model, df)
    assert isinstance(found.forecasts, Missing)
    assert "price" in found.forecasts.reason
    assert isinstance(found.accuracy, Accuracy)
    ahead = pd.DataFrame({"ds": pd.date_range("2021-01-01", periods=12, freq="MS"), "price": 2.0})
    found = find_out(model, df, future_df=ahead)
    assert isinstance(found.forecasts, list)
    assert not isinstance(found.stability, Missing)
    assert found.stability.steps == 12


def test_other_models_are_refused() -> None:
    y = pd.Series(np.arange(20.0))
    with pytest.raises(TypeError, match=r"LSTMForecaster.*got Naive"):
        find_out(tsgen.Naive().fit(y), y)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got LSTMGenerator"):
        find_out(tsgen.LSTMGenerator(), "text")  # type: ignore[arg-type]
    with pytest.raises(NotFittedError, match=r"fit\(df\) before report"):
        find_out(small(), y)
    with pytest.raises(ValueError, match="horizon=0"):
        find_out(small().fit(y), y, horizon=0)
