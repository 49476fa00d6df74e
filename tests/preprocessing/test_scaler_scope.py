"""A scaler for each series, or one for all: one for each channel of a system."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from tsgen import LSTMForecaster
from tsgen.errors import ModelFileError, SettingError
from tsgen.preprocessing.scalers import fit_scaler

SMALL = {
    "hidden_size": 8,
    "max_steps": 5,
    "context_length": 10,
    "lags": [3],
    "val_size": None,
    "verbose": False,
}
HORIZON = 5
SCOPES = ["series", "panel"]
every_scope = pytest.mark.parametrize("scope", SCOPES)


class Thirds(TransformerMixin, BaseEstimator):
    """A user's own transformer, with something that it has learned."""

    def fit(self, X: Any, y: Any = None) -> Thirds:
        self.mean_ = float(np.mean(X))
        return self

    def transform(self, X: Any) -> Any:
        return (X - self.mean_) / 3

    def inverse_transform(self, X: Any) -> Any:
        return 3 * X + self.mean_


LEVELS = {"a": 5.0, "b": -30.0, "n": 40.0}


def long_frame(ids: tuple[str, ...] = ("b", "a"), rows: int = 40) -> pd.DataFrame:
    """Series at levels and scales that are far apart; ``z`` has others than ``y``."""
    parts = []
    for name in ids:
        random = np.random.default_rng(ord(name))
        season = np.sin(2 * np.pi * np.arange(rows) / 7)
        size = 1 + abs(LEVELS[name]) / 10
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": name,
                    "ds": pd.date_range("2024-01-01", periods=rows),
                    "y": LEVELS[name] + size * (season + random.normal(0, 0.2, rows)),
                    "z": 1000 + 100 * (season + random.normal(0, 0.2, rows)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def wide_frame() -> pd.DataFrame:
    return long_frame().pivot(index="ds", columns="unique_id", values="y")


def forecaster(**arguments: Any) -> LSTMForecaster:
    return LSTMForecaster(**{**SMALL, **arguments})


def scales_of(model: LSTMForecaster) -> list[tuple[float, float]]:
    scalers: Any = model.scaler_.scalers
    return list(zip(scalers.centre.tolist(), scalers.scale.tolist(), strict=True))


def moments(values: pd.Series) -> tuple[Any, Any]:
    return pytest.approx(values.mean()), pytest.approx(values.std(ddof=0))


# ----------------------------------------------------------------------------------- what is fitted


def test_a_scaler_for_each_series_and_one_for_all() -> None:
    df = long_frame()
    own = forecaster().fit(df)
    assert scales_of(own) == [moments(df["y"][df["unique_id"] == name]) for name in ("a", "b")]
    shared = forecaster(scaler_scope="panel").fit(df)
    assert scales_of(shared) == [moments(df["y"])]
    assert (own.scaler_.shared, shared.scaler_.shared) == (0, 1)


def test_one_for_each_channel_of_all_systems() -> None:
    df = long_frame()
    model = forecaster(scaler_scope="panel", multivariate=True).fit(df, target_col=["y", "z"])
    assert scales_of(model) == [moments(df["y"]), moments(df["z"])]
    apart = forecaster(multivariate=True).fit(df, target_col=["y", "z"])
    assert scales_of(apart) == [
        moments(df[channel][df["unique_id"] == name]) for name in ("a", "b") for channel in "yz"
    ]


def test_one_for_all_targets_that_are_series_of_their_own() -> None:
    df = long_frame()
    model = forecaster(scaler_scope="panel").fit(df, target_col=["y", "z"])
    assert scales_of(model) == [moments(pd.concat([df["y"], df["z"]]))]


def test_rolled_covariates_have_a_scaler_of_their_own() -> None:
    df = long_frame()
    model = forecaster(scaler_scope="panel")
    model.fit(df, past_covariates="z", roll_past=True)
    assert scales_of(model) == [moments(df["y"]), moments(df["z"])]


def test_series_of_any_length_have_their_share() -> None:
    df = long_frame()
    shorter = df.drop(index=df.index[df["unique_id"] == "b"][:15])
    assert scales_of(forecaster(scaler_scope="panel").fit(shorter)) == [moments(shorter["y"])]


@every_scope
def test_holes_and_rows_held_out_are_left_out(scope: str) -> None:
    df = long_frame(("a",))
    df.loc[[5, 6, 20], "y"] = np.nan
    model = forecaster(scaler_scope=scope, val_size=4).fit(df, fill="mask")
    assert scales_of(model) == [moments(df["y"].iloc[:-4].dropna())]


@pytest.mark.parametrize("scope", ["Panel", "channel", None, True], ids=str)
def test_what_is_no_scope(scope: Any) -> None:
    with pytest.raises(SettingError, match="scaler_scope="):
        forecaster(scaler_scope=scope).fit(long_frame())


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_shared_scalers_are_dealt_out_by_channel(channels: int) -> None:
    lengths = np.repeat([4, 6], channels)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = np.random.default_rng(0).normal(size=offsets[-1])
    values += np.repeat(np.tile(10.0 * np.arange(channels), 2), lengths)
    ids = pd.RangeIndex(2 * channels)
    scaler = fit_scaler("standard", ids, values, offsets, shared=channels)
    by_series = np.split(values, offsets[1:-1])
    scaled = scaler.for_series(ids, values, offsets).transform(values, offsets)
    for channel in range(channels):
        pooled = np.concatenate(by_series[channel::channels])
        for series in (channel, channels + channel):
            got = scaled[offsets[series] : offsets[series + 1]]
            expected = (by_series[series] - pooled.mean()) / pooled.std()
            np.testing.assert_allclose(got, expected)
    # Whoever they are, and however many.
    others = scaler.for_series(pd.RangeIndex(100, 100 + channels), values, offsets[: channels + 1])
    np.testing.assert_allclose(
        others.transform(values[: offsets[channels]], offsets[: channels + 1]),
        scaled[: offsets[channels]],
    )


# ---------------------------------------------------------------------------------------- forecasts


def assert_close(got: pd.DataFrame, expected: pd.DataFrame, rtol: float = 1e-5) -> None:
    assert_frame_equal(got, expected, check_exact=False, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust"])
def test_one_for_all_is_the_same_as_to_scale_the_frame_by_hand(scaler: str) -> None:
    df = long_frame()
    got = forecaster(scaler=scaler, scaler_scope="panel", window_norm=False).fit(df)
    y = df["y"]
    centre, spread = {
        "standard": (y.mean(), y.std(ddof=0)),
        "minmax": (y.min(), y.max() - y.min()),
        "robust": (y.median(), y.quantile(0.75) - y.quantile(0.25)),
    }[scaler]
    by_hand = forecaster(scaler=None, window_norm=False)
    by_hand.fit(df.assign(y=(y - centre) / spread))
    expected = by_hand.predict(HORIZON)
    assert_close(got.predict(HORIZON), expected.assign(y=expected["y"] * spread + centre))


@every_scope
@pytest.mark.parametrize("window_norm", [False, True])
def test_units_of_the_whole_frame_do_not_matter(scope: str, window_norm: bool) -> None:
    df = long_frame()
    model = forecaster(scaler_scope=scope, window_norm=window_norm).fit(df)
    moved = forecaster(scaler_scope=scope, window_norm=window_norm).fit(
        df.assign(y=8 * df["y"] - 3)
    )
    expected = model.predict(HORIZON)
    assert_close(moved.predict(HORIZON), expected.assign(y=8 * expected["y"] - 3), rtol=1e-4)


@pytest.mark.slow
def test_units_of_one_series_matter_where_all_share_a_scaler() -> None:
    df = long_frame()
    larger = df["y"].where(df["unique_id"] == "a", 100 * df["y"])
    change = {}
    for scope in SCOPES:
        arguments = {"scaler_scope": scope, "window_norm": False}
        expected = forecaster(**arguments).fit(df).predict(HORIZON)
        got = forecaster(**arguments).fit(df.assign(y=larger)).predict(HORIZON)
        of_a = expected["unique_id"] == "a"
        change[scope] = (got["y"] - expected["y"])[of_a].abs().max()
    assert change["series"] < 1e-4
    assert change["panel"] > 1e-2


@pytest.mark.parametrize("scaler", ["standard", StandardScaler()], ids=str)
def test_one_wide_system_has_a_scaler_for_each_channel_either_way(scaler: Any) -> None:
    forecasts = [
        forecaster(scaler_scope=scope, scaler=scaler, multivariate=True)
        .fit(wide_frame())
        .predict(HORIZON)
        for scope in SCOPES
    ]
    assert_close(*forecasts)


@every_scope
def test_a_series_not_seen_in_fit(scope: str) -> None:
    df = long_frame()
    model = forecaster(scaler_scope=scope, window_norm=False).fit(df)
    new = long_frame(("n",))
    centre, spread = new["y"].mean(), new["y"].std(ddof=0)
    if scope == "panel":
        centre, spread = df["y"].mean(), df["y"].std(ddof=0)
    state = model.encode(new)
    scalers: Any = state.scalers
    assert (scalers.centre[0], scalers.scale[0]) == (pytest.approx(centre), pytest.approx(spread))
    alone = model.predict(HORIZON, df=new)
    company = model.predict(HORIZON, df=pd.concat([df, new]))
    of_new = company[company["unique_id"] == "n"].reset_index(drop=True)
    assert_close(alone, of_new)
    assert model.predict(HORIZON, df=df).equals(model.predict(HORIZON))


@every_scope
def test_a_system_not_seen_in_fit(scope: str) -> None:
    model = forecaster(scaler_scope=scope, multivariate=True)
    model.fit(long_frame(), target_col=["y", "z"])
    new = long_frame(("n", "a"))
    got = model.predict(HORIZON, df=new, level=80)
    assert got["unique_id"].tolist() == ["n"] * HORIZON + ["a"] * HORIZON
    assert np.isfinite(got.drop(columns=["unique_id", "ds"]).to_numpy()).all()
    # Both channels stay where they were.
    assert got["z"].between(500, 1500).all()
    assert got.loc[got["unique_id"] == "n", "y"].between(20, 60).all()


@every_scope
@pytest.mark.parametrize("scaler", ["minmax", StandardScaler()], ids=str)
def test_update_is_encode(scope: str, scaler: Any) -> None:
    df = long_frame()
    model = forecaster(scaler_scope=scope, scaler=scaler).fit(df)
    last = df["ds"] > df["ds"].max() - pd.Timedelta("3D")
    state = model.update(model.encode(df[~last]), df[last])
    assert_frame_equal(model.predict(HORIZON, state=state), model.predict(HORIZON, df=df))


# ------------------------------------------------------------------------------------- transformers


@every_scope
def test_a_pipeline_is_cloned_for_whoever_it_is_fitted_to(scope: str) -> None:
    pipeline = make_pipeline(FunctionTransformer(inverse_func=None), StandardScaler())
    df = long_frame()
    model = forecaster(scaler=pipeline, scaler_scope=scope).fit(df)
    scalers: Any = model.scaler_.scalers
    assert len(scalers.transformers) == (2 if scope == "series" else 1)
    assert all(type(fitted) is Pipeline for fitted in scalers.transformers)
    assert not hasattr(pipeline[-1], "mean_")
    means = [float(fitted[-1].mean_[0]) for fitted in scalers.transformers]
    expected = df.groupby("unique_id")["y"].mean() if scope == "series" else [df["y"].mean()]
    np.testing.assert_allclose(means, expected)
    named = forecaster(scaler_scope=scope).fit(df)
    assert_close(model.predict(HORIZON), named.predict(HORIZON))


@every_scope
def test_a_pipeline_that_is_not_affine_keeps_forecasts_inside(scope: str) -> None:
    pipeline = make_pipeline(FunctionTransformer(np.log, inverse_func=np.exp), StandardScaler())
    df = long_frame()
    model = forecaster(scaler=pipeline, scaler_scope=scope).fit(df.assign(y=df["y"].abs() + 0.1))
    bands = model.predict(60, level=95).drop(columns=["unique_id", "ds"])
    assert (bands > 0).all(axis=None)
    new = long_frame(("n",))
    assert (model.predict(HORIZON, df=new)["y"] > 0).all()


@every_scope
def test_each_channel_has_a_transformer_of_its_own(scope: str) -> None:
    model = forecaster(scaler=Thirds(), scaler_scope=scope, multivariate=True)
    df = long_frame()
    model.fit(df, target_col=["y", "z"])
    scalers: Any = model.scaler_.scalers
    means = [fitted.mean_ for fitted in scalers.transformers]
    by_id = [df[df["unique_id"] == name] for name in ("a", "b")] if scope == "series" else [df]
    np.testing.assert_allclose(means, [part[channel].mean() for part in by_id for channel in "yz"])


# -------------------------------------------------------------------------------------------- files


THIRDS = f"{Thirds.__module__}.Thirds"


@pytest.mark.slow
@every_scope
@pytest.mark.parametrize("trusted", [[THIRDS], (Thirds,)], ids=["by name", "by type"])
def test_a_transformer_of_the_users_own_comes_back_if_it_is_trusted(
    scope: str, trusted: Any, tmp_path: Path
) -> None:
    df = long_frame()
    model = forecaster(
        scaler=make_pipeline(Thirds(), StandardScaler()),
        covariate_scaler=Thirds(),
        scaler_scope=scope,
        multivariate=True,
    ).fit(df.assign(x=np.arange(len(df))), target_col=["y", "z"], past_covariates="x")
    path = tmp_path / "model.tsgen"
    model.save(path)
    loaded = LSTMForecaster.load(path, trusted=trusted)
    assert_frame_equal(loaded.predict(HORIZON), model.predict(HORIZON), check_exact=True)
    new = long_frame(("n", "a")).assign(x=1.5)
    assert_frame_equal(
        loaded.predict(HORIZON, df=new), model.predict(HORIZON, df=new), check_exact=True
    )
    assert loaded.scaler_scope == scope
    assert loaded.scaler_.shared == model.scaler_.shared
    for missing in ((), ["another.Type"]):
        with pytest.raises(ModelFileError, match=rf"trusted.*{re.escape(THIRDS)}"):
            LSTMForecaster.load(path, trusted=missing)


@every_scope
@pytest.mark.parametrize(
    "scaler",
    ["standard", "robust", None, StandardScaler(), PowerTransformer(),
     make_pipeline(StandardScaler(), FunctionTransformer(np.arcsinh, inverse_func=np.sinh))],
    ids=["standard", "robust", "none", "StandardScaler", "PowerTransformer", "pipeline"],
)  # fmt: skip
def test_known_scalers_come_back_without_trust(scope: str, scaler: Any, tmp_path: Path) -> None:
    model = forecaster(scaler=scaler, scaler_scope=scope).fit(long_frame())
    model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert_frame_equal(loaded.predict(HORIZON), model.predict(HORIZON), check_exact=True)
    new = long_frame(("n",))
    assert_frame_equal(
        loaded.predict(HORIZON, df=new), model.predict(HORIZON, df=new), check_exact=True
    )
