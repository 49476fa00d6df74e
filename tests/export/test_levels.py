"""Intervals of an exported model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.onnx_sessions import (
    MODELS,
    assert_levels_equal,
    ragged,
    tiny,
    with_covariates,
)

from tsgen import LSTMForecaster, load_dataset


@pytest.mark.parametrize("name", ["air_passengers", "bike_rentals"])
@pytest.mark.parametrize("settings", [{}, {"n_models": 2, "max_steps": 3, "preset": "fine_tuned"}])
def test_levels(tmp_path: Path, name: str, settings: dict[str, Any]) -> None:
    df = load_dataset(name)[["unique_id", "ds", "y"]]
    asked = {"preset": "zero_shot", "verbose": False} | settings
    assert_levels_equal(tmp_path / "a.onnx", LSTMForecaster(**asked).fit(df), df)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("target", ["y", ["y", "weather"]])
def test_levels_of_a_model_that_was_calibrated_on_other_rows(
    tmp_path: Path, model: type, target: Any
) -> None:
    df = with_covariates((90, 60, 70))
    df["y"] = df["y"].round()
    bounds = {"target_transform": "count"} if target == "y" else {"multivariate": True}
    fitted = tiny(model, lags=[1, 3], **bounds).fit(df, target_col=target)
    assert_levels_equal(tmp_path / "a.onnx", fitted.calibrate(df, refit=False), df)


def test_levels_with_holes_and_a_context_of_one_row(tmp_path: Path) -> None:
    df = ragged()
    df.loc[[88, 95, 130], "y"] = np.nan
    for length in (1, 16):
        fitted = tiny(context_length=length, lags=[1, 3]).fit(df, fill="mask")
        assert_levels_equal(tmp_path / "a.onnx", fitted.calibrate(df, refit=False), df)
