"""What the file of an exported model says of what goes in and comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from support.onnx_sessions import (
    ROLES,
    assert_equals_predict,
    ragged,
    session_of,
    tiny,
    with_covariates,
)
from support.problems import wavy


def test_a_wide_frame_as_one_system(tmp_path: Path) -> None:
    df = pd.DataFrame({"b": wavy(80, seed=1), "a": 100 * wavy(80, seed=2)})
    df.index = pd.date_range("2024-01-01", periods=80)
    fitted = tiny(multivariate=True).fit(df)
    assert_equals_predict(tmp_path / "a.onnx", fitted, df)
    assert described(tmp_path / "a.onnx")["channels"] == ["a", "b"]


def described(path: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(session_of(path).get_modelmeta().custom_metadata_map["tsgen"])
    return said


def test_the_file_says_what_goes_in_and_what_comes_out(tmp_path: Path) -> None:
    df = with_covariates()
    fitted = tiny(calendar="day_of_week", window_norm=False, lags=[1, 3]).fit(df, **ROLES["all"])
    fitted.export_onnx(tmp_path / "a.onnx")
    session = session_of(tmp_path / "a.onnx")
    names = ["context", "horizon", "series", "covariates", "static"]
    assert [item.name for item in session.get_inputs()] == names
    said = described(tmp_path / "a.onnx")
    assert said["series"] == ["s0", "s1", "s2"]
    assert (said["freq"], said["rows_read"], said["context_length"]) == ("D", 18, 16)
    assert [item["name"] for item in said["covariates"]] == [
        "price", "promotion", "weather", "sky", "day_of_week_sin", "day_of_week_cos",
    ]  # fmt: skip
    assert said["covariates"][1]["categories"] == ["none", "some"]
    assert [item["name"] for item in said["static"]] == ["size", "region"]
    assert said["channels"] == said["forecast"] == ["y"]


def test_a_model_whose_windows_are_normalised_asks_for_a_context_and_a_horizon_alone(
    tmp_path: Path,
) -> None:
    tiny().fit(ragged()).export_onnx(tmp_path / "a.onnx")
    inputs = session_of(tmp_path / "a.onnx").get_inputs()
    assert [(item.name, item.shape) for item in inputs] == [
        ("context", ["batch", "rows", 1]), ("horizon", []),
    ]  # fmt: skip
