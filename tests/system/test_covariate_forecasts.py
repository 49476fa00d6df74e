"""What covariates do to forecasts: they help where they should, and never tell of the future."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal

from tsgen import GRUForecaster, LSTMForecaster, load_state, save_state
from tsgen.errors import ClosedLoopWarning, SettingError

KEY = ["unique_id", "ds"]
ROWS, HORIZON = 320, 20
# Memoryless problems need no more than one row of the past.
LEARNER = {
    "hidden_size": 8, "context_length": 10, "lags": [1], "residual": None, "window_norm": False,
    "season_length": 1, "learning_rate": 2e-2, "max_steps": 60, "val_size": None, "verbose": False,
}  # fmt: skip
TINY = {
    "hidden_size": 8, "context_length": 8, "lags": [1, 2], "season_length": 1, "max_steps": 5,
    "val_size": None, "verbose": False,
}  # fmt: skip


def one_series(y: Any, **columns: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The history of one series and what follows."""
    times = pd.date_range("2022-01-01", periods=len(y))
    df = pd.DataFrame({"ds": times, "y": y, **columns})
    return df.iloc[:-HORIZON], df.iloc[-HORIZON:]


def error_of(forecast: pd.DataFrame, truth: pd.DataFrame) -> float:
    return float(np.abs(forecast["y"].to_numpy() - truth["y"].to_numpy()).mean())


def spread_of(truth: pd.DataFrame) -> float:
    """The error of the best forecast that never moves."""
    return float((truth["y"] - truth["y"].median()).abs().mean())


# ---------------------------------------------------------------------------------- what is gained


@pytest.mark.slow
@pytest.mark.parametrize("forecaster", [LSTMForecaster, GRUForecaster])
def test_a_price_that_makes_the_series_is_followed(forecaster: type[LSTMForecaster]) -> None:
    random = np.random.default_rng(0)
    price = random.normal(size=ROWS + HORIZON)
    y = 10 + 2 * price + np.abs(price) + random.normal(0, 0.05, len(price))
    df, truth = one_series(y, price=price)
    model = forecaster(**LEARNER).fit(df, future_covariates="price")
    known = truth.drop(columns="y")
    assert error_of(model.predict(HORIZON, future_df=known), truth) < 0.3 * spread_of(truth)
    blind = forecaster(**LEARNER).fit(df)
    assert error_of(blind.predict(HORIZON), truth) > 0.8 * spread_of(truth)


@pytest.mark.slow
def test_days_of_a_kind_are_followed() -> None:
    random = np.random.default_rng(1)
    effect = {"ordinary": 0.0, "fair": 2.0, "closed": -3.0}
    kind = random.choice(list(effect), ROWS + HORIZON, p=[0.6, 0.2, 0.2])
    y = 5 + np.array([effect[day] for day in kind]) + random.normal(0, 0.05, len(kind))
    df, truth = one_series(y, kind=kind)
    model = LSTMForecaster(**LEARNER).fit(df, future_covariates="kind")
    known = truth.drop(columns="y")
    assert error_of(model.predict(HORIZON, future_df=known), truth) < 0.25 * spread_of(truth)
    as_category = known.assign(kind=pd.Categorical(known["kind"]))
    assert_frame_equal(
        model.predict(HORIZON, future_df=as_category), model.predict(HORIZON, future_df=known)
    )


@pytest.mark.slow
def test_a_static_covariate_tells_two_groups_apart() -> None:
    """Sundays go up in one group and down in the other, which no context of weekdays shows."""
    times = pd.date_range("2022-01-03", periods=63)  # from a Monday on
    parts = []
    for i in range(8):
        sign = 1 if i % 2 else -1
        y = sign * 3.0 * (times.day_of_week == 6) + np.random.default_rng(i).normal(0, 0.1, 63)
        kind = "up" if i % 2 else "down"
        parts.append(pd.DataFrame({"unique_id": f"s{i}", "ds": times, "y": y, "kind": kind}))
    df = pd.concat(parts)
    week = {"calendar": "day_of_week", "context_length": 4, "scaler_scope": "panel"}
    model = LSTMForecaster(**{**LEARNER, **week, "max_steps": 100})
    model.fit(df, static_covariates="kind")
    flat = pd.DataFrame({"ds": pd.date_range("2023-01-02", periods=6), "y": 0.0})
    new = pd.concat([flat.assign(unique_id=kind, kind=kind) for kind in ("up", "down")])
    new["y"] += np.random.default_rng(0).normal(0, 0.1, len(new))
    sunday = model.predict(1, df=new).set_index("unique_id")["y"]
    assert sunday["up"] > 2
    assert sunday["down"] < -2


@pytest.mark.slow
def test_a_covariate_of_the_past_that_leads_by_a_row_helps_the_first_step_alone() -> None:
    random = np.random.default_rng(2)
    lead = random.normal(size=ROWS + HORIZON + 1)
    df, _ = one_series(2 * lead[:-1] + random.normal(0, 0.05, len(lead) - 1), lead=lead[1:])
    model = LSTMForecaster(**LEARNER).fit(df, past_covariates="lead")
    cutoffs = range(ROWS - 25, ROWS - 3)
    errors = [
        np.abs(model.predict(3, df=df.iloc[:cutoff])["y"] - df["y"].to_numpy()[cutoff : cutoff + 3])
        for cutoff in cutoffs
    ]
    first, second, third = np.mean(errors, axis=0)
    assert first < 0.3
    assert second > 1.0
    assert third > 1.0


@pytest.mark.slow
def test_what_is_not_known_is_not_taken_for_the_mean() -> None:
    """The series is 0 after a covariate at its mean, and 1 on average after one nobody knows."""
    random = np.random.default_rng(8)
    lead = random.choice([-2.0, 0.0, 2.0], ROWS + HORIZON + 1, p=[0.25, 0.5, 0.25])
    noise = random.normal(0, 0.05, len(lead) - 1)
    df, _ = one_series(np.abs(lead[:-1]) + noise, lead=lead[1:])
    model = LSTMForecaster(**{**LEARNER, "max_steps": 150}).fit(df, past_covariates="lead")
    df.loc[df.index[-1], "lead"] = df["lead"].mean()
    first, *later = model.predict(6, df=df)["y"]
    assert first < 0.4
    assert min(later) > 0.6


@pytest.mark.slow
def test_a_rolled_covariate_tells_when_the_next_pulse_comes() -> None:
    """A pulse where a sine of period 24 is high, after a context that shows nothing but zeros."""
    t = np.arange(ROWS + HORIZON + 11)
    sine = np.sin(2 * np.pi * t / 24)
    y = 3.0 * (np.concatenate([[0.0], sine[:-1]]) > 0.5)
    noise = np.random.default_rng(3).normal(0, 0.05, len(t))
    df, truth = one_series(y + noise, sine=sine)
    cut = {**LEARNER, "context_length": 6, "lags": [1, 2], "max_steps": 100}
    assert truth["y"].max() > 2
    assert df["y"].tail(6).max() < 1
    rolled = LSTMForecaster(**cut).fit(df, past_covariates="sine", roll_past=True)
    with_sine = error_of(rolled.predict(HORIZON), truth)
    without = error_of(LSTMForecaster(**cut).fit(df).predict(HORIZON), truth)
    assert with_sine < 0.5 * without


@pytest.mark.slow
@pytest.mark.parametrize("calendar", ["auto", ["day_of_week", "day_of_month"]])
def test_a_calendar_knows_the_weekday_that_a_context_does_not_show(calendar: Any) -> None:
    times = pd.date_range("2022-01-03", periods=ROWS)
    y = 5.0 * (times.day_of_week == 4) + np.random.default_rng(4).normal(0, 0.2, ROWS)
    df = pd.DataFrame({"ds": times, "y": y}).iloc[: 7 * 45 + 3]  # ends with a Wednesday
    truth = pd.DataFrame({"y": [0.0, 5.0, 0.0, 0.0]})
    short = {**LEARNER, "context_length": 3}
    dated = LSTMForecaster(**short, calendar=calendar).fit(df).predict(4)
    blind = LSTMForecaster(**short).fit(df).predict(4)
    assert error_of(dated, truth) < 0.5 * error_of(blind, truth)
    assert dated["y"].iloc[1] > 3


@pytest.mark.slow
def test_holidays_of_a_country_are_followed() -> None:
    pytest.importorskip("holidays")
    times = pd.date_range("2015-01-01", "2023-12-20")
    bank = pytest.importorskip("holidays").country_holidays("DE", years=range(2015, 2025))
    days = np.array([time.date() in bank for time in times])
    noise = np.random.default_rng(5).normal(0, 0.05, len(times))
    df = pd.DataFrame({"ds": times, "y": 2.0 - 2.0 * days + noise})
    model = LSTMForecaster(**{**LEARNER, "max_steps": 200}, calendar="holidays:DE").fit(df)
    forecast = model.predict(14).set_index("ds")["y"]
    closed = forecast[["2023-12-25", "2023-12-26", "2024-01-01"]]
    assert closed.max() < 0.8
    assert forecast.drop(closed.index).min() > 1.2


# ------------------------------------------------------------------------------------- all roles

LENGTHS = {"b": 60, "a": 47, "c": 52}
ROLES = {
    "future_covariates": ["price", "promo"],
    "past_covariates": ["weather", "mood"],
    "static_covariates": ["region", "size"],
}


@cache
def everything() -> pd.DataFrame:
    """Three series of different lengths, each with 20 more rows; never to be changed."""
    parts = []
    for number, (name, rows) in enumerate(LENGTHS.items()):
        random = np.random.default_rng(number)
        total = rows + HORIZON
        price = random.normal(5, 2, total)
        start = pd.Timestamp("2024-01-01") + pd.Timedelta(days=number)
        part = pd.DataFrame({"unique_id": name, "ds": pd.date_range(start, periods=total)})
        part["y"] = 10 + price + np.sin(np.arange(total)) + random.normal(0, 0.3, total)
        part["price"] = price
        part["promo"] = random.choice(["none", "tv", "web"], total)
        part["weather"] = random.normal(0, 1, total)
        part["mood"] = random.choice(["good", "bad"], total)
        part["region"] = "north" if number % 2 else "south"
        part["size"] = float(number)
        part["step"] = np.arange(total) - rows  # from 0 on after the history
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def until(step: int) -> pd.DataFrame:
    """The rows before a step after the history: all of it, for 0."""
    df = everything()
    return df[df["step"] < step].drop(columns="step").reset_index(drop=True)


def between(first: int, stop: int) -> pd.DataFrame:
    df = everything()
    rows = (df["step"] >= first) & (df["step"] < stop)
    return df[rows].drop(columns="step").reset_index(drop=True)


def ahead(first: int = 0, stop: int = HORIZON) -> pd.DataFrame:
    """What is known of steps after the history."""
    return between(first, stop)[[*KEY, "price", "promo"]]


@cache
def fitted(cell: str = "lstm", **options: Any) -> LSTMForecaster:
    """On all roles and a calendar; never to be fitted again."""
    forecaster = LSTMForecaster if cell == "lstm" else GRUForecaster
    roles = {**ROLES, "past_covariates": "weather"} if options.get("roll_past") else ROLES
    model = forecaster(**TINY, calendar="day_of_week")
    return model.fit(until(0), **roles, roll_past=options.get("roll_past", False))


VARIANTS: dict[str, dict[str, Any]] = {
    "lstm": {},
    "gru": {"cell": "gru"},
    "rolled": {"roll_past": True},
}


@pytest.fixture(params=list(VARIANTS))
def model(request: pytest.FixtureRequest) -> LSTMForecaster:
    return fitted(**VARIANTS[request.param])


def differing(one: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """Where forecasts differ, by series and stamp."""
    return one.set_index(KEY)["y"] != other.set_index(KEY)["y"]


def of(df: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of one series."""
    return df[df["unique_id"] == name]


# ------------------------------------------------------------------------------------------ leaks


def window_batches(model: LSTMForecaster, **roles: Any) -> Iterator[Any]:
    """Some training windows, as the network is shown them."""
    _, data = model.prepare(until(0), **roles)
    draws = iter(data.train_dataloader())
    for _ in range(5):
        draw = next(draws)
        yield draw, data.shape, data.on_after_batch_transfer(draw, 0)


def test_training_windows_show_no_past_covariate_after_the_cutoff() -> None:
    """But for that of the last row before it, which the first step is told."""
    model = LSTMForecaster(**TINY, covariate_scaler=None)
    shown = 0
    for draw, shape, batch in window_batches(model, past_covariates=["weather", "mood"]):
        covariates = batch.covariates
        assert covariates.shape[2] == 4  # two columns, and whether each is known
        assert (covariates[:, shape.before + 1 :] == 0).all()
        assert (covariates[:, shape.before, 2:] == 1).all()
        rows = {
            i: part.reset_index(drop=True)
            for i, (_, part) in enumerate(until(0).groupby("unique_id"))
        }
        for window, (series, cutoff) in enumerate(zip(draw.series, draw.cutoff, strict=True)):
            weather = rows[int(series)]["weather"].to_numpy()
            last = weather[int(cutoff) - shape.context_length : int(cutoff)]
            seen = covariates[window, shape.before - len(last) + 1 : shape.before + 1, 0]
            np.testing.assert_allclose(seen.numpy(), last, rtol=1e-6)
            shown += 1
    assert shown >= 100


def test_training_windows_show_future_covariates_to_their_end() -> None:
    model = LSTMForecaster(**TINY, covariate_scaler=None)
    prices = [part["price"].to_numpy() for _, part in until(0).groupby("unique_id")]
    for draw, shape, batch in window_batches(model, future_covariates="price"):
        for window, (series, cutoff) in enumerate(zip(draw.series, draw.cutoff, strict=True)):
            rows = slice(int(cutoff) - shape.context_length, int(cutoff) + shape.horizon)
            expected = prices[int(series)][rows]
            seen = batch.covariates[window, -shape.context_length - shape.horizon :, 0]
            np.testing.assert_allclose(seen.numpy(), expected, rtol=1e-6)


def test_training_does_not_see_the_past_covariates_of_held_out_rows() -> None:
    """With the last rows held out for validation, what they hold leaves the weights alone."""
    df = until(0)
    settings = {**TINY, "val_size": 6, "covariate_scaler": None, "scaler": None}
    found = []
    for change in (0.0, 100.0):
        last = df.groupby("unique_id").cumcount(ascending=False) < 6
        changed = df.assign(weather=df["weather"] + change * last)
        model = LSTMForecaster(**settings).fit(changed, past_covariates="weather")
        found.append(model.predict(3, df=df)["y"])
    np.testing.assert_array_equal(*found)


def test_the_past_of_a_frame_alone_decides(model: LSTMForecaster) -> None:
    """Values and past covariates of the horizon that stand in future_df are not read."""
    plain = model.predict(HORIZON, df=until(0), future_df=ahead())
    told = between(0, HORIZON)
    told[["y", "weather"]] = 1e6
    assert_frame_equal(model.predict(HORIZON, df=until(0), future_df=told), plain)


def test_rows_before_the_context_say_nothing(model: LSTMForecaster) -> None:
    df = until(0)
    context = model.settings_.context_length + max(model.settings_.lags) - 1
    before = df.groupby("unique_id").cumcount(ascending=False) >= context + 1
    changed = df.copy()
    changed.loc[before, ["y", "price", "weather"]] += 50.0
    changed.loc[before, "promo"] = "tv"
    changed.loc[before, "mood"] = "bad"
    plain = model.predict(HORIZON, df=df, future_df=ahead())
    assert_frame_equal(model.predict(HORIZON, df=changed, future_df=ahead()), plain)
    changed = df.copy()
    changed.loc[~before, "price"] += 1.0
    assert differing(model.predict(HORIZON, df=changed, future_df=ahead()), plain).all()


def test_a_forecast_knows_of_no_later_step(model: LSTMForecaster) -> None:
    plain = model.predict(HORIZON, future_df=ahead())
    changed = ahead()
    late = changed.groupby("unique_id").cumcount() >= 7
    changed.loc[late, "price"] += 2.0
    moved = differing(model.predict(HORIZON, future_df=changed), plain)
    np.testing.assert_array_equal(moved.to_numpy(), late.to_numpy())


def test_a_short_horizon_is_the_beginning_of_a_long_one(model: LSTMForecaster) -> None:
    long = model.predict(HORIZON, future_df=ahead())
    for horizon in (1, 5):
        short = model.predict(horizon, future_df=ahead(0, horizon))
        first = long.groupby("unique_id", sort=False).head(horizon).reset_index(drop=True)
        np.testing.assert_allclose(short["y"], first["y"], rtol=1e-6)


def test_company_and_order_say_nothing(model: LSTMForecaster) -> None:
    plain = model.predict(HORIZON, future_df=ahead())
    for name in LENGTHS:
        alone = of(until(0), name)
        found = model.predict(HORIZON, df=alone, future_df=of(ahead(), name))
        expected = of(plain, name)
        np.testing.assert_allclose(found["y"], expected["y"], rtol=1e-6)
    shuffled = until(0).sample(frac=1, random_state=0)
    found = model.predict(HORIZON, df=shuffled, future_df=ahead().sample(frac=1, random_state=1))
    pairs = [frame.sort_values(KEY, ignore_index=True) for frame in (found, plain)]
    assert_frame_equal(*pairs)


@pytest.mark.slow
def test_units_of_the_target_pass_through() -> None:
    df = until(0)
    plain = fitted().predict(HORIZON, future_df=ahead())
    model = LSTMForecaster(**TINY, calendar="day_of_week")
    model.fit(df.assign(y=300 * df["y"] - 50), **ROLES)
    found = model.predict(HORIZON, future_df=ahead())
    np.testing.assert_allclose(found["y"], 300 * plain["y"] - 50, rtol=1e-4)


# ----------------------------------------------------------------------------------------- states


def test_a_state_forecasts_as_its_frame_does(model: LSTMForecaster, tmp_path: Path) -> None:
    plain = model.predict(HORIZON, future_df=ahead())
    state = model.encode(until(0))
    assert_frame_equal(model.predict(HORIZON, state=state, future_df=ahead()), plain)
    save_state(state, tmp_path / "today.state")
    again = load_state(tmp_path / "today.state")
    assert_frame_equal(model.predict(HORIZON, state=again, future_df=ahead()), plain)


@pytest.mark.parametrize("rows", [1, 5, 12])
def test_an_update_is_encoding_anew(model: LSTMForecaster, rows: int, tmp_path: Path) -> None:
    later = {"future_df": ahead(rows)}
    expected = model.predict(6, df=until(rows), **later)
    state = model.encode(until(0))
    updated = model.update(state, between(0, rows))
    assert_frame_equal(model.predict(6, state=updated, **later), expected)
    save_state(state, tmp_path / "today.state")
    again = model.update(load_state(tmp_path / "today.state"), between(0, rows))
    assert_frame_equal(model.predict(6, state=again, **later), expected)
    step_by_step = state
    for step in range(rows):
        step_by_step = model.update(step_by_step, between(step, step + 1))
    assert_frame_equal(model.predict(6, state=step_by_step, **later), expected)


def test_an_update_of_one_series_leaves_the_others(model: LSTMForecaster) -> None:
    new = of(between(0, 3), "a")
    for carry in (False, True):
        state = model.update(model.encode(until(0)), new, carry=carry)
        stamps = pd.concat([ahead(0, 8), of(ahead(3, 12), "a")])
        found = model.predict(5, state=state, future_df=stamps.drop_duplicates())
        plain = model.predict(5, future_df=ahead())
        for name in ("b", "c"):
            pair = [of(frame, name)["y"] for frame in (found, plain)]
            np.testing.assert_allclose(*pair, rtol=1e-6)
        assert of(found, "a")["ds"].iloc[0] == new["ds"].max() + pd.Timedelta("1D")


def test_an_update_may_leave_static_covariates_out(model: LSTMForecaster) -> None:
    state = model.encode(until(0))
    for carry in (False, True):
        whole = model.update(state, between(0, 3), carry=carry)
        bare = between(0, 3).drop(columns=["region", "size"])
        some = model.update(state, bare, carry=carry)
        found = [model.predict(5, state=each, future_df=ahead(3)) for each in (whole, some)]
        assert_frame_equal(*found)


def test_carrying_on_at_once_is_carrying_on_row_by_row(model: LSTMForecaster) -> None:
    state = model.encode(until(0))
    at_once = model.update(state, between(0, 6), carry=True)
    for step in range(6):
        state = model.update(state, between(step, step + 1), carry=True)
    found = [model.predict(6, state=each, future_df=ahead(6)) for each in (at_once, state)]
    np.testing.assert_allclose(found[0]["y"], found[1]["y"], rtol=1e-5)


def test_carrying_on_reads_the_covariates_of_new_rows(model: LSTMForecaster) -> None:
    state = model.encode(until(0))
    plain = model.predict(
        4, state=model.update(state, between(0, 6), carry=True), future_df=ahead(6)
    )
    for column, value in (("price", 9.0), ("promo", "radio"), ("weather", 4.0)):
        new = between(0, 6).assign(**{column: value})
        changed = model.update(state, new, carry=True)
        assert differing(model.predict(4, state=changed, future_df=ahead(6)), plain).all()


def test_carrying_on_is_following_given_values() -> None:
    """Where nothing of the past is told but the values, both read the same rows."""
    roles = {name: ROLES[name] for name in ("future_covariates", "static_covariates")}
    model = LSTMForecaster(**TINY, calendar="day_of_week").fit(until(0), **roles)
    state = model.update(model.encode(until(0)), between(0, 5), carry=True)
    carried = model.predict(6, state=state, future_df=ahead(5))
    given = model.predict(11, given=between(0, 5)[[*KEY, "y"]], future_df=ahead())
    tail = given.groupby("unique_id", sort=False).tail(6)
    np.testing.assert_allclose(carried["y"], tail["y"], rtol=1e-5)


# ------------------------------------------------------------------------- paths and scenarios


@pytest.mark.slow
def test_levels_and_quantiles_follow_the_covariates(model: LSTMForecaster) -> None:
    point = model.predict(5, future_df=ahead())
    bands = model.predict(5, level=[80], quantiles=0.5, future_df=ahead())
    assert_frame_equal(bands[[*KEY, "y"]], point)
    assert bands.columns.tolist() == [*KEY, "y", "y-lo-80", "y-hi-80", "y-q-0.5"]
    assert (bands["y-lo-80"] < bands["y-hi-80"]).all()
    changed = ahead()
    changed["price"] += 4.0 * (changed.groupby("unique_id").cumcount() >= 2)
    other = model.predict(5, level=[80], quantiles=0.5, future_df=changed)
    early = other.groupby("unique_id").cumcount() < 2
    np.testing.assert_allclose(other.loc[early, "y-lo-80"], bands.loc[early, "y-lo-80"], rtol=1e-6)
    assert (other.loc[~early, "y-hi-80"] != bands.loc[~early, "y-hi-80"]).all()


def test_paths_without_temperature_are_the_forecast(model: LSTMForecaster) -> None:
    point = model.predict(5, future_df=ahead())
    cold = model.sample(5, num_samples=2, temperature=0.0, calibrated=False, future_df=ahead())
    for _, path in cold.groupby("sample_id"):
        np.testing.assert_allclose(path["y"], point["y"], rtol=1e-5)
    one, other = (
        model.sample(5, num_samples=4, calibrated=False, future_df=known)
        for known in (ahead(), ahead().sample(frac=1, random_state=0))
    )
    assert_frame_equal(one, other)


def test_paths_of_a_series_are_those_it_has_alone(model: LSTMForecaster) -> None:
    alone = of(until(0), "c")
    settings = {"num_samples": 3, "calibrated": False, "random_state": 5}
    found = model.sample(4, df=alone, future_df=of(ahead(), "c"), **settings)
    expected = model.sample(4, df=until(0), future_df=ahead(), **settings)
    np.testing.assert_allclose(found["y"], of(expected, "c")["y"], rtol=1e-5)


def test_given_values_stand_and_are_followed(model: LSTMForecaster) -> None:
    plain = model.predict(HORIZON, future_df=ahead())
    cell = of(between(4, 5), "a")[KEY].assign(y=25.0)
    found = model.predict(HORIZON, given=cell, future_df=ahead())
    moved = differing(found, plain)
    assert found.set_index(KEY).loc[("a", cell["ds"].iloc[0]), "y"] == 25.0
    assert not moved[["b", "c"]].any()
    assert not moved["a"].iloc[:4].any()
    assert moved["a"].iloc[4:].all()


def test_a_path_is_stopped_where_covariates_take_it(model: LSTMForecaster) -> None:
    plain = model.predict(HORIZON, future_df=ahead())
    limit = float(plain["y"].quantile(0.8))
    found = model.predict(HORIZON, future_df=ahead(), until=lambda y: y > limit)
    for name in LENGTHS:
        one = of(plain, name)["y"].to_numpy()
        hits = np.flatnonzero(one > limit)
        first = hits[0] if len(hits) else HORIZON
        part = of(found, name)
        np.testing.assert_allclose(part["y"].iloc[: first + 1], one[: first + 1], rtol=1e-6)
        assert part["y"].iloc[first + 1 :].isna().all()
        assert part["y-stopped"].sum() == HORIZON - first


def test_a_covariate_beyond_all_bounds_is_held(model: LSTMForecaster) -> None:
    wild = ahead().assign(price=1e12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClosedLoopWarning)
        assert np.isfinite(model.predict(HORIZON, future_df=wild)["y"]).all()


def test_stability_follows_the_covariates(model: LSTMForecaster) -> None:
    found = model.stability(horizon=HORIZON, future_df=ahead())
    assert found["unique_id"].tolist() == list(LENGTHS)
    assert np.isfinite(found["lyapunov"]).all()
    assert_frame_equal(model.stability(until(0), horizon=HORIZON, future_df=ahead()), found)
    other = model.stability(horizon=HORIZON, future_df=ahead().assign(price=1.0))
    assert (other["lyapunov"] != found["lyapunov"]).all()


# ------------------------------------------------------------------------------------------- files


@pytest.mark.slow
def test_a_saved_model_forecasts_what_it_did(model: LSTMForecaster, tmp_path: Path) -> None:
    model.calibrate()
    model.save(tmp_path / "model.tsgen", overwrite=True)
    loaded = type(model).load(tmp_path / "model.tsgen")
    settings = {"level": 80, "future_df": ahead()}
    expected = model.predict(HORIZON, **settings)
    assert_frame_equal(loaded.predict(HORIZON, **settings), expected)
    assert_frame_equal(loaded.predict(HORIZON, df=until(0), **settings), expected)
    bare = until(0).drop(columns=["region", "size"])
    assert_frame_equal(loaded.predict(HORIZON, df=bare, **settings), expected)
    state = loaded.update(loaded.encode(until(0)), between(0, 2))
    assert_frame_equal(
        loaded.predict(4, state=state, future_df=ahead(2)),
        model.predict(4, df=until(2), future_df=ahead(2)),
    )
    strange = ahead().assign(promo="strange")
    assert_frame_equal(loaded.predict(4, future_df=strange), model.predict(4, future_df=strange))
    assert_frame_equal(
        loaded.stability(horizon=4, future_df=ahead()),
        model.stability(horizon=4, future_df=ahead()),
    )


@pytest.mark.parametrize("dtype", ["category", "string", "bool", "boolean", "ints", "arrow"])
def test_categories_of_every_dtype_are_saved(dtype: str, tmp_path: Path) -> None:
    if dtype == "arrow":
        pytest.importorskip("pyarrow")

    def convert(df: pd.DataFrame) -> pd.DataFrame:
        if dtype in ("bool", "boolean"):
            return df.assign(promo=(df["promo"] == "tv").astype(dtype))
        if dtype == "ints":
            codes = df["promo"].map({"none": 3, "tv": 11, "web": 7})
            return df.assign(promo=codes.astype("category"))
        return df.assign(promo=df["promo"].astype("string[pyarrow]" if dtype == "arrow" else dtype))

    model = LSTMForecaster(**TINY).fit(convert(until(0)), future_covariates="promo")
    expected = model.predict(5, future_df=convert(ahead()))
    path = tmp_path / "model.tsgen"
    model.save(path)
    loaded = LSTMForecaster.load(path)
    assert_frame_equal(loaded.predict(5, future_df=convert(ahead())), expected)
    assert_frame_equal(
        loaded.predict(5, df=convert(until(0)), future_df=convert(ahead())), expected
    )


def fairs(stamps: pd.DatetimeIndex) -> pd.DataFrame:
    """Days that come back without any cycle."""
    day = stamps.normalize().to_numpy().astype("datetime64[D]").astype(int)
    return pd.DataFrame({"fair": day * day % 11 < 3, "day": np.sqrt(day)}, index=stamps)


@pytest.mark.slow
def test_a_calendar_of_ones_own_is_followed_and_told_again_after_loading(tmp_path: Path) -> None:
    times = pd.date_range("2022-01-01", periods=ROWS + HORIZON)
    y = 4.0 * fairs(times)["fair"].to_numpy()
    noise = np.random.default_rng(6).normal(0, 0.05, len(times))
    df, truth = one_series(y + noise)
    model = LSTMForecaster(**LEARNER, calendar=[fairs, "day_of_week"]).fit(df)
    expected = model.predict(HORIZON)
    assert error_of(expected, truth) < 0.25 * spread_of(truth)
    path = tmp_path / "model.tsgen"
    with pytest.warns(UserWarning, match=r"calendar=.*set_params"):
        model.save(path)
    loaded = LSTMForecaster.load(path)
    for call in (
        lambda: loaded.predict(HORIZON),
        lambda: loaded.predict(HORIZON, df=df),
        lambda: loaded.encode(df),
    ):
        with pytest.raises(SettingError, match="calendar="):
            call()
    loaded.set_params(calendar=[fairs, "day_of_week"])
    assert_frame_equal(loaded.predict(HORIZON), expected)
    assert_frame_equal(loaded.predict(HORIZON, df=df), expected)
    loaded.set_params(calendar="day_of_week")
    with pytest.raises(SettingError, match="'fair'"):
        loaded.predict(HORIZON)


@pytest.mark.slow
def test_a_named_calendar_is_saved_without_a_word(tmp_path: Path) -> None:
    model = LSTMForecaster(**TINY, calendar=["auto", "month_of_year"]).fit(until(0))
    model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert list(loaded.calendar) == ["auto", "month_of_year"]
    assert_frame_equal(loaded.predict(5), model.predict(5))


def test_a_calendar_of_integer_time_is_off() -> None:
    df = until(0)
    df["ds"] = df.groupby("unique_id").cumcount()
    plain = LSTMForecaster(**TINY).fit(df).predict(5)
    found = LSTMForecaster(**TINY, calendar="auto").fit(df).predict(5)
    assert_frame_equal(found, plain)
    with pytest.raises(SettingError, match="integer time"):
        LSTMForecaster(**TINY, calendar="day_of_week").fit(df)


# --------------------------------------------------------------------------------------- layouts


@pytest.mark.slow
def test_a_multiindex_goes_through_states_and_levels() -> None:
    model = LSTMForecaster(**TINY, calendar="day_of_week").fit(until(0).set_index(KEY), **ROLES)
    known = ahead().set_index(KEY)
    expected = fitted().predict(6, level=80, future_df=ahead())
    assert_frame_equal(model.predict(6, level=80, future_df=known).reset_index(), expected)
    state = model.update(model.encode(until(0).set_index(KEY)), between(0, 2).set_index(KEY))
    found = model.predict(6, state=state, future_df=known)
    anew = fitted().predict(6, df=until(2), future_df=ahead(2))
    assert_frame_equal(found.reset_index(), anew)


RAGGED = {"b": 0, "a": 5, "c": 2}


@cache
def wide_rows() -> pd.DataFrame:
    random = np.random.default_rng(9)
    index = pd.date_range("2024-01-01", periods=40 + HORIZON, name="ds")
    df = pd.DataFrame({name: random.normal(0, 1, len(index)) for name in RAGGED}, index=index)
    df["price"] = random.normal(5, 2, len(index))
    df["weather"] = random.normal(0, 1, len(index))
    return df


def ragged() -> pd.DataFrame:
    """Columns that end some rows before the frame does, while covariates go on."""
    df = wide_rows().iloc[:40].copy()
    for name, behind in RAGGED.items():
        if behind:
            df.iloc[-behind:, df.columns.get_loc(name)] = np.nan
    return df


def as_long(df: pd.DataFrame) -> pd.DataFrame:
    rows = df.reset_index().melt(["ds", "price", "weather"], var_name="unique_id", value_name="y")
    return rows.dropna().reset_index(drop=True)


def test_covariates_beyond_a_columns_own_end_are_used() -> None:
    frame = ragged().drop(columns="weather")
    model = LSTMForecaster(**TINY).fit(frame, future_covariates="price")
    known = wide_rows()[["price"]].iloc[40:]
    plain = model.predict(6, future_df=known)
    assert plain.index.equals(known.index[:6])
    df = frame.copy()
    df.iloc[-1, df.columns.get_loc("price")] += 3.0
    moved = (model.predict(6, df=df, future_df=known) != plain).all()
    assert moved.all()
    df = frame.copy()
    df.iloc[36, df.columns.get_loc("price")] += 3.0
    assert (model.predict(6, df=df, future_df=known)["a"] != plain["a"]).all()


@pytest.mark.parametrize("calendar", [None, "day_of_week"])
def test_a_column_that_ends_early_is_a_shorter_series(calendar: str | None) -> None:
    """What the wide frame tells of its rows beyond that end, future_df tells of a long one."""
    model = LSTMForecaster(**TINY, calendar=calendar, covariate_scaler=None)
    model.fit(ragged().drop(columns="weather"), future_covariates="price")
    wide = model.predict(6, future_df=wide_rows()[["price"]].iloc[40:])
    long = LSTMForecaster(**TINY, calendar=calendar, covariate_scaler=None)
    long.fit(as_long(ragged()), future_covariates="price")
    found = long.predict(6 + max(RAGGED.values()), future_df=wide_rows()[["price"]])
    for name, behind in RAGGED.items():
        part = of(found, name)["y"].to_numpy()[behind : behind + 6]
        np.testing.assert_allclose(wide[name], part, rtol=1e-5)


def test_past_covariates_after_a_columns_own_end_are_known_to_its_loop() -> None:
    frame = ragged().drop(columns="price")
    model = LSTMForecaster(**TINY).fit(frame, past_covariates="weather")
    plain = model.predict(6)
    for row in (35, 37, 39):
        df = frame.copy()
        df.iloc[row, df.columns.get_loc("weather")] += 3.0
        assert (model.predict(6, df=df)["a"] != plain["a"]).all()


@pytest.mark.parametrize("carry", [False, True])
def test_ragged_columns_are_updated(carry: bool) -> None:
    roles = {"future_covariates": "price", "past_covariates": "weather"}
    model = LSTMForecaster(**TINY, calendar="day_of_week").fit(ragged(), **roles)
    df = wide_rows()
    whole = df.iloc[:40]
    state = model.update(model.encode(whole), df.iloc[40:44], carry=carry)
    found = model.predict(6, state=state, future_df=df[["price"]].iloc[44:])
    assert found.index[0] == df.index[44]
    if not carry:
        expected = model.predict(6, df=df.iloc[:44], future_df=df[["price"]].iloc[44:])
        assert_frame_equal(found, expected)
    paths = model.sample(
        6, num_samples=3, temperature=0.0, calibrated=False, future_df=df[["price"]].iloc[40:]
    )
    point = model.predict(6, future_df=df[["price"]].iloc[40:])
    for name in RAGGED:
        path = of(paths[paths["sample_id"] == 0], name)["y"]
        np.testing.assert_allclose(path, point[name], rtol=1e-5)


def test_one_system_of_ragged_columns_reads_covariates() -> None:
    roles = {"future_covariates": "price", "past_covariates": "weather"}
    model = LSTMForecaster(**TINY, multivariate=True).fit(ragged(), **roles)
    known = wide_rows()[["price"]].iloc[40:]
    plain = model.predict(6, future_df=known)
    assert plain.columns.tolist() == list(RAGGED)
    assert_frame_equal(model.predict(6, df=ragged(), future_df=known), plain)
    changed = known.assign(price=known["price"].mask(known.index == known.index[2], 20.0))
    moved = (model.predict(6, future_df=changed) != plain).to_numpy()
    assert not moved[:2].any()
    assert moved[2:].all()


# ------------------------------------------------------------------------------------ the network


def test_networks_read_each_column_and_flag(model: LSTMForecaster) -> None:
    """Two future, two past with a flag each, the weekday's two waves, two static.

    What is rolled along is a channel instead.
    """
    context = model.context(until(0))
    width = 2 + 2 + 2 if model.panel_.rolled else 2 + 4 + 2 + 2
    assert context.covariates.shape == (3, context.values.shape[1], width)
    assert torch.isfinite(context.covariates).all()
