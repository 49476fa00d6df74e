"""An exported model forecasts what ``predict`` does, in ONNX Runtime alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.onnx_sessions import assert_equals_predict, context_of, session_of
from support.problems import wavy

from tsgen import GRUForecaster, LSTMForecaster, load_dataset

pytest.importorskip("onnxruntime")

MODELS = [LSTMForecaster, GRUForecaster]
TINY = {"hidden_size": 8, "context_length": 16, "init": "random", "max_steps": 10, "verbose": False}


def tiny(model: type = LSTMForecaster, **settings: Any) -> Any:
    return model(**(TINY | settings))


def ragged(rows: tuple[int, ...] = (90, 20, 5, 60), freq: str = "D") -> pd.DataFrame:
    """Series of several lengths and scales that end together."""
    return pd.concat(
        [
            pd.DataFrame(
                {"unique_id": f"s{i}",
                 "ds": pd.date_range(end="2024-06-30", periods=count, freq=freq),
                 "y": 10.0**i * (3 + wavy(count, seed=i).to_numpy())}
            )
            for i, count in enumerate(rows)
        ],
        ignore_index=True,
    )  # fmt: skip


# ------------------------------------------------------------------------------- the closed loop


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


# ---------------------------------------------------------------------------------------- units


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


@pytest.mark.parametrize("window_norm", [True, False])
def test_a_constant_stays_exactly_what_it_is(tmp_path: Path, window_norm: bool) -> None:
    fitted = tiny(window_norm=window_norm).fit(ragged())
    fitted.export_onnx(tmp_path / "a.onnx")
    inputs = {"context": np.full((1, 40, 1), -7.3e9), "horizon": np.array(30)}
    if not window_norm:
        inputs["series"] = np.array([-1])
    (forecast,) = session_of(tmp_path / "a.onnx").run(None, inputs)
    assert (forecast == -7.3e9).all()


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


# ----------------------------------------------------------------------------------- covariates


def with_covariates(rows: tuple[int, ...] = (90, 40, 30), seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    df = ragged(rows)
    kind = random.choice(["a", "b", "c"], len(df))
    return df.assign(
        price=random.normal(5, 2, len(df)),
        promotion=random.choice(["none", "some"], len(df)),
        weather=random.normal(size=len(df)).cumsum(),
        sky=random.choice(["blue", "grey"], len(df)),
        size=df["unique_id"].str[1:].astype(float),
        region=df["unique_id"].map({"s0": "north", "s1": "south", "s2": "north"}),
        kind=kind,
    )


def ahead_of(df: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """What is known of the horizon, with a category that nothing was learned of."""
    random = np.random.default_rng(1)
    times = pd.date_range(df["ds"].max(), periods=horizon + 1)[1:]
    ids = df["unique_id"].unique()
    count = len(ids) * horizon
    promotion = random.choice(["none", "some", "new"], count)
    return pd.DataFrame(
        {"unique_id": np.repeat(ids, horizon), "ds": np.tile(times, len(ids)),
         "price": random.normal(5, 2, count), "promotion": promotion}
    )  # fmt: skip


ROLES: dict[str, dict[str, Any]] = {
    "future": {"future_covariates": ["price", "promotion"]},
    "past": {"past_covariates": ["weather", "sky"]},
    "static": {"static_covariates": ["size", "region"]},
    "all": {"future_covariates": ["price", "promotion"], "past_covariates": ["weather", "sky"],
            "static_covariates": ["size", "region"]},
    "rolled": {"past_covariates": ["weather"], "roll_past": True},
}  # fmt: skip


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


# -------------------------------------------------------------------------------------- systems


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("window_norm", [True, False])
def test_channels_of_a_system(tmp_path: Path, model: type, window_norm: bool) -> None:
    df = with_covariates()
    fitted = tiny(model, multivariate=True, lags=[1, 4], window_norm=window_norm)
    fitted.fit(df, target_col=["y", "weather"], future_covariates=["price", "promotion"])
    for horizon in (1, 7, 60):
        ahead = ahead_of(df, horizon)
        assert_equals_predict(tmp_path / "a.onnx", fitted, df, (horizon,), ahead)


def test_a_wide_frame_as_one_system(tmp_path: Path) -> None:
    df = pd.DataFrame({"b": wavy(80, seed=1), "a": 100 * wavy(80, seed=2)})
    df.index = pd.date_range("2024-01-01", periods=80)
    fitted = tiny(multivariate=True).fit(df)
    assert_equals_predict(tmp_path / "a.onnx", fitted, df)
    assert described(tmp_path / "a.onnx")["channels"] == ["a", "b"]


# -------------------------------------------------------------------------------- what it says


def described(path: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        session_of(path).get_modelmeta().custom_metadata_map["tsgen"]
    )
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
