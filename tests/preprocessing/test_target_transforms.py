"""Target transforms keep forecasts inside of the values that a series can have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tsgen import LSTMForecaster
from tsgen.errors import ScalerError, SettingError
from tsgen.preprocessing.target_transforms import TargetTransform, target_transform_of

SMALL = {"hidden_size": 8, "max_steps": 10, "context_length": 15, "lags": [3], "verbose": False}
ROWS, HORIZON = 60, 8

properties = settings(max_examples=60, deadline=None, derandomize=True, database=None)

TRANSFORMS: dict[str, Any] = {
    "log1p": "log1p",
    "count": "count",
    "logit": "logit",
    "logit of bounds": ("logit", -2.0, 5.0),
}
every_transform = pytest.mark.parametrize("name", list(TRANSFORMS))


def transform_of(name: str) -> TargetTransform:
    transform = target_transform_of(TRANSFORMS[name])
    assert transform is not None
    return transform


def bounds(name: str) -> tuple[float, float]:
    transform = transform_of(name)
    return transform.low, np.inf if transform.high is None else transform.high


def values_for(name: str) -> st.SearchStrategy[float]:
    low, high = bounds(name)
    if name == "count":
        return st.integers(0, 10**9).map(float)
    return st.floats(low, min(high, 1e9), allow_nan=False, width=64)


# ----------------------------------------------------------------------------------- the transform


@every_transform
@properties
@given(data=st.data())
def test_what_goes_in_comes_back(name: str, data: st.DataObject) -> None:
    transform = transform_of(name)
    values = np.array(data.draw(st.lists(values_for(name), min_size=1, max_size=6)))
    np.testing.assert_allclose(
        transform.inverse(transform.forward(values)), values, rtol=1e-9, atol=1e-12
    )


@every_transform
@properties
@given(data=st.data())
def test_a_larger_value_is_larger_on_the_line(name: str, data: st.DataObject) -> None:
    transform = transform_of(name)
    values = np.array(sorted(data.draw(st.lists(values_for(name), min_size=2, max_size=8))))
    line = transform.forward(values)
    assert np.isfinite(line).all()
    assert (np.diff(line) >= 0).all()
    apart = np.diff(values) > 1e-6 * np.maximum(np.abs(values[1:]), 1.0)
    assert (np.diff(line)[apart] > 0).all()


@every_transform
@properties
@given(line=st.lists(st.floats(allow_nan=False, allow_infinity=True), min_size=2, max_size=8))
def test_whatever_is_on_the_line_comes_back_inside_of_the_bounds(
    name: str, line: list[float]
) -> None:
    low, high = bounds(name)
    ascending = np.array(sorted(line))
    back = transform_of(name).inverse(ascending)
    assert np.isfinite(back).all()
    assert back.min() >= low
    assert back.max() <= high
    assert (np.diff(back) >= 0).all()


@every_transform
def test_the_bounds_themselves_are_values(name: str) -> None:
    transform = transform_of(name)
    ends = np.array([bound for bound in bounds(name) if np.isfinite(bound)])
    line = transform.forward(ends)
    assert np.isfinite(line).all()
    np.testing.assert_allclose(transform.inverse(line), ends, atol=1e-12)
    assert not transform.outside(ends).any()


@every_transform
def test_the_far_ends_of_the_line_are_the_bounds(name: str) -> None:
    low, high = bounds(name)
    back = transform_of(name).inverse(np.array([-1e300, 1e300]))
    assert back[0] == low
    assert back[1] == high if np.isfinite(high) else back[1] > 1e200


@every_transform
def test_nan_stays_nan(name: str) -> None:
    transform = transform_of(name)
    values = np.array([np.nan, 1.0, np.nan])
    assert not transform.outside(values).any()
    assert np.isnan(transform.forward(values)).tolist() == [True, False, True]
    assert np.isnan(transform.inverse(values)).tolist() == [True, False, True]


def test_the_formulas() -> None:
    values = np.array([0.0, 1.0, 9.0])
    np.testing.assert_array_equal(transform_of("log1p").forward(values), np.log([1.0, 2.0, 10.0]))
    np.testing.assert_array_equal(transform_of("count").forward(values), np.log([1.0, 2.0, 10.0]))
    # The middle of the bounds is 0, and bounds lie as far from it on both sides.
    for name, middle in (("logit", 0.5), ("logit of bounds", 1.5)):
        transform = transform_of(name)
        line = transform.forward(np.array([transform.low, middle, bounds(name)[1]]))
        assert line[1] == pytest.approx(0.0, abs=1e-12)
        assert line[0] == pytest.approx(-line[2])
    inner = transform_of("logit").forward(np.array([0.25]))
    assert inner[0] == pytest.approx(np.log(0.25 / 0.75), abs=0.01)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("log1p", -0.5, "-0.5 is below 0"),
        ("log1p", -np.inf, "-inf is below 0"),
        ("count", -1.0, "-1 is no whole number of 0 or more"),
        ("count", 2.5, "2.5 is no whole number of 0 or more"),
        ("logit", 1.0001, "1.0001 is outside of 0 to 1"),
        ("logit", -1e-9, "-1e-09 is outside of 0 to 1"),
        ("logit of bounds", 5.5, "5.5 is outside of -2 to 5"),
    ],
)
def test_values_outside_are_refused(name: str, value: float, said: str) -> None:
    transform = transform_of(name)
    values = np.array([1.0, np.nan, value])
    assert transform.outside(values).tolist() == [False, False, True]
    with pytest.raises(ScalerError, match=said):
        transform.forward(values)


@every_transform
def test_the_arrays_given_are_not_changed(name: str) -> None:
    values = np.array([0.0, 1.0, 1.0, np.nan])
    copy = values.copy()
    transform_of(name).forward(values)
    transform_of(name).inverse(values)
    np.testing.assert_array_equal(values, copy)


# -------------------------------------------------------------------------------- how it is named


def test_what_is_a_transform() -> None:
    assert target_transform_of(None) is None
    assert target_transform_of("logit") == TargetTransform("logit", 0.0, 1.0)
    assert target_transform_of(("logit", 0, 100)) == TargetTransform("logit", 0.0, 100.0)
    assert target_transform_of(["logit", np.float64(-1), np.int64(1)]) == TargetTransform(
        "logit", -1.0, 1.0
    )
    assert target_transform_of("count") == TargetTransform("count")
    assert [name for name in TRANSFORMS if transform_of(name).whole] == ["count"]


@pytest.mark.parametrize(
    "given",
    [
        "log",
        "LOG1P",
        True,
        1,
        np.log1p,
        (),
        ("logit",),
        ("logit", 0),
        ("logit", 1, 1),
        ("logit", 2, 1),
        ("logit", 0, np.inf),
        ("logit", np.nan, 1),
        ("logit", "0", "1"),
        ("logit", False, True),
        ("log1p", 0, 1),
        {"logit": (0, 1)},
    ],
    ids=str,
)
def test_what_is_none(given: Any) -> None:
    with pytest.raises(SettingError, match="target_transform="):
        LSTMForecaster(target_transform=given, **SMALL).fit(panel("count"))


# ----------------------------------------------------------------------------------- of forecasts


def series(name: str, seed: int = 0, rows: int = ROWS) -> np.ndarray:
    """Values that reach the bounds of the transform: forecasts would leave them without it."""
    random = np.random.default_rng(seed)
    season = np.sin(2 * np.pi * np.arange(rows) / 7)
    if name == "count":
        return random.poisson(np.exp(0.5 * season)).astype(float)
    if name == "log1p":
        return np.maximum(3 * season + random.normal(0, 1, rows), 0.0)
    low, high = bounds(name)
    share = np.clip(0.5 + 0.7 * season + random.normal(0, 0.2, rows), 0, 1)
    return low + (high - low) * share


def panel(name: str, ids: tuple[str, ...] = ("b", "a"), rows: int = ROWS) -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=rows)
    return pd.concat(
        [pd.DataFrame({"unique_id": i, "ds": times, "y": series(name, ord(i), rows)}) for i in ids],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def fitted() -> Callable[[str], LSTMForecaster]:
    models: dict[str, LSTMForecaster] = {}

    def get(name: str) -> LSTMForecaster:
        if name not in models:
            model = LSTMForecaster(target_transform=TRANSFORMS[name], **SMALL)
            models[name] = model.fit(panel(name))
        return models[name]

    return get


@pytest.mark.slow
@every_transform
def test_forecasts_samples_and_bounds_stay_inside(
    name: str, fitted: Callable[[str], LSTMForecaster]
) -> None:
    low, high = bounds(name)
    model = fitted(name)
    forecast = model.predict(200, level=[50, 99], quantiles=[0.001, 0.3])
    columns = forecast.columns.drop(["unique_id", "ds"])
    assert list(columns)[1:] == [
        "y-lo-50", "y-hi-50", "y-lo-99", "y-hi-99", "y-q-0.001", "y-q-0.3"
    ]  # fmt: skip
    wild = model.sample(30, num_samples=40, temperature=4.0, calibrated=False)
    for values in (forecast[columns], model.sample(HORIZON, num_samples=40)[["y"]], wild[["y"]]):
        assert np.isfinite(values.to_numpy()).all()
        assert values.to_numpy().min() >= low
        assert values.to_numpy().max() <= high
    assert (forecast["y-lo-99"] <= forecast["y-lo-50"]).all()
    assert (forecast["y-lo-50"] <= forecast["y"]).all()
    assert (forecast["y"] <= forecast["y-hi-50"]).all()
    assert (forecast["y-hi-50"] <= forecast["y-hi-99"]).all()


@every_transform
def test_without_a_transform_they_would_not(name: str) -> None:
    model = LSTMForecaster(**SMALL).fit(panel(name))
    low, high = bounds(name)
    paths = model.sample(30, num_samples=40, calibrated=False)["y"]
    assert paths.min() < low or paths.max() > high


@pytest.mark.slow
def test_samples_and_bounds_of_counts_are_whole_and_rounded_outward(
    fitted: Callable[[str], LSTMForecaster],
) -> None:
    model = fitted("count")
    forecast = model.predict(HORIZON, level=[50, 80], quantiles=[0.05, 0.5, 0.95])
    bands = forecast.drop(columns=["unique_id", "ds", "y"])
    assert (bands == bands.round()).all(axis=None)
    paths = model.sample(HORIZON, num_samples=200)["y"]
    assert (paths == paths.round()).all()
    assert paths.nunique() > 3
    assert (model.sample(HORIZON, num_samples=5, as_array=True) % 1 == 0).all()


@pytest.mark.slow
def test_whole_bounds_hold_those_of_log1p() -> None:
    """The same transform without rounding: only outward is moved, by less than one."""
    df = panel("count")
    exact = LSTMForecaster(target_transform="log1p", **SMALL).fit(df).predict(HORIZON, level=80)
    whole = LSTMForecaster(target_transform="count", **SMALL).fit(df).predict(HORIZON, level=80)
    assert_frame_equal(whole[["y"]], exact[["y"]])
    np.testing.assert_array_equal(whole["y-lo-80"], np.floor(exact["y-lo-80"]))
    np.testing.assert_array_equal(whole["y-hi-80"], np.ceil(exact["y-hi-80"]))


@pytest.mark.slow
@every_transform
def test_a_transform_is_the_same_as_to_transform_by_hand(
    name: str, fitted: Callable[[str], LSTMForecaster]
) -> None:
    df, transform = panel(name), transform_of(name)
    by_hand = df.assign(y=transform.forward(df["y"].to_numpy()))
    expected = LSTMForecaster(**SMALL).fit(by_hand).predict(HORIZON)
    got = fitted(name).predict(HORIZON)
    np.testing.assert_allclose(got["y"], transform.inverse(expected["y"].to_numpy()), rtol=1e-6)


@every_transform
def test_series_not_seen_in_fit(name: str, fitted: Callable[[str], LSTMForecaster]) -> None:
    df = panel(name, ("a", "z"))
    forecast = fitted(name).predict(HORIZON, df=df)
    low, high = bounds(name)
    assert forecast["y"].between(low, high).all()
    alone = fitted(name).predict(HORIZON, df=df[df["unique_id"] == "z"])
    together = forecast[forecast["unique_id"] == "z"].reset_index(drop=True)
    assert_frame_equal(alone, together, check_exact=False, atol=1e-6)


@every_transform
def test_update_is_encode_and_given_values_stand(
    name: str, fitted: Callable[[str], LSTMForecaster]
) -> None:
    model, df = fitted(name), panel(name)
    day = df["ds"].iloc[ROWS - 5]
    early, late = df[df["ds"] < day], df[df["ds"] >= day]
    state = model.update(model.encode(early), late)
    assert_frame_equal(model.predict(HORIZON, state=state), model.predict(HORIZON))
    known = pd.DataFrame({"unique_id": ["a"], "ds": [df["ds"].max() + pd.Timedelta("2D")]})
    forecast = model.predict(HORIZON, given=known.assign(y=1.0))
    at = (forecast["unique_id"] == "a") & (forecast["ds"] == known["ds"].iloc[0])
    assert forecast.loc[at, "y"].tolist() == [1.0]
    low, high = bounds(name)
    assert forecast["y"].between(low, high).all()


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", None])
@pytest.mark.parametrize("scope", ["series", "panel"])
def test_every_scaler_stands_behind_a_transform(scaler: str | None, scope: str) -> None:
    model = LSTMForecaster(
        target_transform=("logit", -2.0, 5.0), scaler=scaler, scaler_scope=scope, **SMALL
    )
    df = panel("logit of bounds")
    forecast = model.fit(df).predict(50)
    assert forecast["y"].between(-2, 5).all()
    assert model.predict(50, df=panel("logit of bounds", ("n",)))["y"].between(-2, 5).all()


def test_a_shared_scaler_has_the_moments_of_all_transformed_values() -> None:
    df = panel("count")
    model = LSTMForecaster(target_transform="count", scaler_scope="panel", val_size=None, **SMALL)
    scalers: Any = model.fit(df).scaler_.scalers
    line = np.log1p(df["y"])
    np.testing.assert_allclose(scalers.centre, [line.mean()])
    np.testing.assert_allclose(scalers.scale, [line.std(ddof=0)])


# ----------------------------------------------------------------------- what can't be transformed

OUTSIDE = {"log1p": -0.5, "count": 0.5, "logit": 1.5, "logit of bounds": -3.0}


def spoiled(name: str, value: float, row: int = 20) -> pd.DataFrame:
    df = panel(name)
    df.loc[df.index[df["unique_id"] == "a"][row], "y"] = value
    return df


@every_transform
def test_values_outside_are_named_by_series_and_row_in_fit(name: str) -> None:
    model = LSTMForecaster(target_transform=TRANSFORMS[name], **SMALL)
    with pytest.raises(ScalerError, match=rf"series 'a', row 20 \({OUTSIDE[name]:g}\)"):
        model.fit(spoiled(name, OUTSIDE[name]))


@every_transform
def test_values_outside_are_named_in_predict_and_encode(
    name: str, fitted: Callable[[str], LSTMForecaster]
) -> None:
    df = spoiled(name, OUTSIDE[name], row=ROWS - 3)
    with pytest.raises(ScalerError, match=f"series 'a', row {ROWS - 3}"):
        fitted(name).predict(HORIZON, df=df)
    with pytest.raises(ScalerError, match=f"series 'a', row {ROWS - 3}"):
        fitted(name).encode(df)


@every_transform
@pytest.mark.parametrize("carry", [False, True])
def test_values_outside_are_named_in_update(
    name: str, carry: bool, fitted: Callable[[str], LSTMForecaster]
) -> None:
    df = spoiled(name, OUTSIDE[name], row=ROWS - 1)
    day = df["ds"].iloc[ROWS - 3]
    state = fitted(name).encode(df[df["ds"] < day])
    with pytest.raises(ScalerError, match=r"series 'a', row \d+"):
        fitted(name).update(state, df[df["ds"] >= day], carry=carry)


@every_transform
def test_given_values_outside_are_refused(
    name: str, fitted: Callable[[str], LSTMForecaster]
) -> None:
    known = pd.DataFrame({"unique_id": ["a"], "ds": [panel(name)["ds"].max() + pd.Timedelta("1D")]})
    with pytest.raises(ScalerError, match="'a'"):
        fitted(name).predict(HORIZON, given=known.assign(y=OUTSIDE[name]))


def test_the_first_few_of_many_values_are_named_and_all_are_counted() -> None:
    df = panel("log1p").assign(y=-1.0)
    with pytest.raises(ScalerError, match=rf"series 'a', row 0 .*row 4 \(-1\).*{2 * ROWS}"):
        LSTMForecaster(target_transform="log1p", **SMALL).fit(df)


def test_a_hole_is_no_value_outside() -> None:
    df = panel("count")
    df.loc[[10, 11, 70], "y"] = np.nan
    model = LSTMForecaster(target_transform="count", **SMALL).fit(df, fill="mask")
    assert (model.predict(HORIZON)["y"] >= 0).all()
    with pytest.raises(ScalerError, match="row 10"):
        LSTMForecaster(target_transform="count", **SMALL).fit(df, fill=0.5)


# ------------------------------------------------------------------------------------ of systems


@pytest.mark.slow
def test_rolled_covariates_are_left_as_they_are() -> None:
    """They may lie anywhere: the transform is of the target alone."""
    df = panel("count")
    temperature = -20 + 3 * np.sin(np.arange(len(df)) / 5)
    df = df.assign(temperature=temperature)
    model = LSTMForecaster(target_transform="count", **SMALL)
    model.fit(df, past_covariates="temperature", roll_past=True)
    forecast = model.predict(HORIZON, level=80)
    assert list(forecast.columns) == ["unique_id", "ds", "y", "y-lo-80", "y-hi-80"]
    assert (forecast[["y", "y-lo-80", "y-hi-80"]] >= 0).all(axis=None)
    assert model.scaler_.transformed == (True, False)
    again = LSTMForecaster(target_transform="count", **SMALL)
    moved = again.fit(
        df.assign(temperature=temperature + 100), past_covariates="temperature", roll_past=True
    )
    np.testing.assert_allclose(moved.predict(HORIZON)["y"], forecast["y"], rtol=1e-4)


@pytest.mark.parametrize("scope", ["series", "panel"])
def test_all_channels_of_a_system_are_transformed(scope: str) -> None:
    df = panel("count")
    wide = df.pivot(index="ds", columns="unique_id", values="y")
    model = LSTMForecaster(
        target_transform="count", multivariate=True, scaler_scope=scope, **SMALL
    ).fit(wide)
    forecast = model.predict(100, level=90)
    assert (forecast >= 0).all(axis=None)
    bands = forecast.loc[:, [column for column in forecast.columns if column[1] != "y"]]
    assert bands.shape[1] == 4
    assert (bands == bands.round()).all(axis=None)
    wide.loc[wide.index[30], "b"] = 0.5
    with pytest.raises(ScalerError, match=r"series 'b', row 30 \(0\.5\)"):
        model.predict(3, df=wide)


@pytest.mark.slow
def test_several_targets_of_an_id_are_transformed_and_named() -> None:
    df = panel("count").assign(b=lambda df: df["y"].shift(1, fill_value=0.0))
    model = LSTMForecaster(target_transform="count", multivariate=True, **SMALL)
    model.fit(df, target_col=["y", "b"])
    paths = model.sample(HORIZON, num_samples=20)
    assert list(paths.columns) == ["unique_id", "ds", "sample_id", "y", "b"]
    assert (paths[["y", "b"]] % 1 == 0).all(axis=None)
    assert (paths[["y", "b"]] >= 0).all(axis=None)
    wrong = df.assign(b=df["b"].where(df.index != 7, -4.0))
    with pytest.raises(ScalerError, match=r"\('b', 'b'\), row 7 \(-4\)"):
        model.predict(3, df=wrong)
