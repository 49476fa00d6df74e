"""Networks in an exported graph: cells, layers, lags, holes in a context, limits of a loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.onnx_sessions import (
    MODELS,
    assert_equals_predict,
    ragged,
    tiny,
)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("lags", [None, [1, 7], [2, 3]])
@pytest.mark.parametrize("residual", [None, "last"])
def test_cells_layers_lags_and_residuals(
    tmp_path: Path, model: type, num_layers: int, lags: Any, residual: Any
) -> None:
    fitted = tiny(model, num_layers=num_layers, lags=lags, residual=residual).fit(ragged())
    assert_equals_predict(tmp_path / "a.onnx", fitted, ragged())


@pytest.mark.parametrize("model", MODELS)
def test_a_season_as_the_base(tmp_path: Path, model: type) -> None:
    fitted = tiny(model, residual="seasonal", season_length=7).fit(ragged())
    assert_equals_predict(tmp_path / "a.onnx", fitted, ragged())


def test_a_context_of_one_row(tmp_path: Path) -> None:
    fitted = tiny(context_length=1, lags=[1, 3], window_norm=False).fit(ragged())
    assert_equals_predict(tmp_path / "a.onnx", fitted, ragged())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("window_norm", [True, False])
@pytest.mark.parametrize("members", [1, 2])
def test_holes_are_filled_as_a_context_is_read(
    tmp_path: Path, model: type, window_norm: bool, members: int
) -> None:
    df = ragged()
    missing = np.random.default_rng(0).random(len(df)) < 0.2
    df.loc[missing & (df["unique_id"] != "s2"), "y"] = np.nan
    df.loc[df.index[-2:], "y"] = np.nan  # up to the end of a series
    settings = {"n_models": members, "window_norm": window_norm, "lags": [1, 7]}
    fitted = tiny(model, **settings).fit(df, fill="mask")
    assert_equals_predict(tmp_path / "a.onnx", fitted, df)
