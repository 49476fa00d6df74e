"""Covariates in an exported graph, of all kinds, and systems of several channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.onnx_sessions import (
    MODELS,
    ROLES,
    ahead_of,
    assert_equals_predict,
    tiny,
    with_covariates,
)

from tsgen import LSTMForecaster, load_dataset


@pytest.mark.parametrize("roles", ROLES)
@pytest.mark.parametrize("calendar", [None, ["day_of_week"]])
@pytest.mark.parametrize("scope", ["series", "panel"])
def test_covariates(tmp_path: Path, roles: str, calendar: Any, scope: str) -> None:
    df, asked = with_covariates(), ROLES[roles]
    fitted = tiny(calendar=calendar, scaler_scope=scope, lags=[1, 3], n_models=2).fit(df, **asked)
    known = asked.get("future_covariates")
    for horizon in (1, 7, 60):
        ahead = ahead_of(df, horizon) if known else None
        assert_equals_predict(tmp_path / "a.onnx", fitted, df, (horizon,), ahead)


def test_covariates_of_series_that_were_not_seen_and_have_holes(tmp_path: Path) -> None:
    df, asked = with_covariates(), ROLES["all"]
    fitted = tiny(window_norm=False).fit(df[df["unique_id"] != "s1"], fill="mask", **asked)
    df.loc[[20, 70, 80, 100, 125], "y"] = np.nan
    df.loc[[10, 75, 100, 129], ["price", "weather"]] = np.nan
    assert_equals_predict(tmp_path / "a.onnx", fitted, df, (7,), ahead_of(df, 7))


def test_a_calendar_of_a_pretrained_model(tmp_path: Path) -> None:
    df = load_dataset("bike_rentals")[["unique_id", "ds", "y"]]
    fitted = LSTMForecaster(calendar="auto", preset="fine_tuned", max_steps=3, verbose=False)
    assert_equals_predict(tmp_path / "a.onnx", fitted.fit(df), df)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("window_norm", [True, False])
def test_channels_of_a_system(tmp_path: Path, model: type, window_norm: bool) -> None:
    df = with_covariates()
    fitted = tiny(model, multivariate=True, lags=[1, 4], window_norm=window_norm)
    fitted.fit(df, target_col=["y", "weather"], future_covariates=["price", "promotion"])
    for horizon in (1, 7, 60):
        ahead = ahead_of(df, horizon)
        assert_equals_predict(tmp_path / "a.onnx", fitted, df, (horizon,), ahead)
