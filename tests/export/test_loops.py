"""The closed loops of an exported model: members, presets, limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.onnx_sessions import (
    assert_equals_predict,
    ragged,
    tiny,
)

from tsgen import LSTMForecaster, load_dataset


@pytest.mark.parametrize("members", [2, 3, 4])
def test_members(tmp_path: Path, members: int) -> None:
    fitted = tiny(n_models=members).fit(ragged())
    assert_equals_predict(tmp_path / "a.onnx", fitted, ragged())


@pytest.mark.parametrize("preset", ["zero_shot", "fine_tuned"])
@pytest.mark.parametrize("name", ["air_passengers", "bike_rentals"])
def test_presets_that_know_series(tmp_path: Path, preset: str, name: str) -> None:
    df = load_dataset(name)
    fitted = LSTMForecaster(preset=preset, max_steps=5, verbose=False).fit(df)
    assert_equals_predict(tmp_path / "a.onnx", fitted, df)


def test_a_loop_that_runs_away_is_held_where_predict_holds_it(tmp_path: Path) -> None:
    fitted = tiny(residual="last", lags=None).fit(ragged())
    fitted.model_.network.head.bias.data += 100
    with pytest.warns(UserWarning, match="left its limits"):
        assert_equals_predict(tmp_path / "a.onnx", fitted, ragged())
