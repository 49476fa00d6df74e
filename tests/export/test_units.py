"""Scaling in an exported graph: bounds, scalers of series seen and not seen, constant contexts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.onnx_sessions import (
    assert_equals_predict,
    context_of,
    ragged,
    session_of,
    tiny,
)


@pytest.mark.parametrize("window_norm", [True, False])
@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", None])
@pytest.mark.parametrize("scope", ["series", "panel"])
def test_scalers(tmp_path: Path, window_norm: bool, scaler: Any, scope: str) -> None:
    df = ragged()
    settings = {"window_norm": window_norm, "scaler": scaler, "scaler_scope": scope}
    fitted = tiny(**settings).fit(df[df["unique_id"] != "s1"])
    # One series, which has a trend, was never seen.
    df.loc[df["unique_id"] == "s1", "y"] += np.arange(20)
    scale = df["y"].std() if scope == "panel" and not window_norm else None
    assert_equals_predict(tmp_path / "a.onnx", fitted, df, scale=scale)


@pytest.mark.parametrize("window_norm", [True, False])
@pytest.mark.parametrize("bounds", ["log1p", "count", ("logit", -1.0, 9000.0)])
def test_bounds(tmp_path: Path, window_norm: bool, bounds: Any) -> None:
    df = ragged().assign(y=lambda df: df["y"].round())
    fitted = tiny(target_transform=bounds, window_norm=window_norm).fit(df)
    assert_equals_predict(tmp_path / "a.onnx", fitted, df)


def test_a_value_outside_of_its_bounds_has_no_forecast(tmp_path: Path) -> None:
    df = ragged()
    fitted = tiny(target_transform="log1p").fit(df)
    fitted.export_onnx(tmp_path / "a.onnx")
    context = context_of(fitted.panel_)
    context[0, -3] = -0.5
    run = session_of(tmp_path / "a.onnx").run
    (forecast,) = run(None, {"context": context, "horizon": np.array(5)})
    assert np.isnan(forecast[0]).all()
    assert np.isfinite(forecast[1:]).all()


def test_a_context_without_any_value_has_no_forecast_and_harms_no_other(tmp_path: Path) -> None:
    fitted = tiny(lags=[1, 20]).fit(ragged()).calibrate(ragged(), refit=False)
    fitted.export_onnx(tmp_path / "a.onnx", level=80)
    context = context_of(fitted.panel_)
    context[0, -fitted.model_.context_length :] = np.nan
    outputs = session_of(tmp_path / "a.onnx").run(
        None, {"context": context, "horizon": np.array(5)}
    )
    for output in outputs:
        assert np.isnan(output[0]).all()
        assert np.isfinite(output[1:]).all()


@pytest.mark.parametrize("window_norm", [True, False])
def test_a_constant_stays_exactly_what_it_is(tmp_path: Path, window_norm: bool) -> None:
    fitted = tiny(window_norm=window_norm).fit(ragged())
    fitted.export_onnx(tmp_path / "a.onnx")
    inputs = {"context": np.full((1, 40, 1), -7.3e9), "horizon": np.array(30)}
    if not window_norm:
        inputs["series"] = np.array([-1])
    (forecast,) = session_of(tmp_path / "a.onnx").run(None, inputs)
    assert (forecast == -7.3e9).all()
