"""Systems: several channels share a state, are predicted together and fed back together."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

import tsgen
from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import ClosedLoopWarning, FrameError, SettingError

SMALL: dict[str, Any] = {
    "max_steps": 25,
    "hidden_size": 8,
    "context_length": 30,
    "lags": [3, 7],
    "season_length": 7,
    "multivariate": True,
    "verbose": False,
}
ROWS = 80
KEY = ["unique_id", "ds"]
TARGETS = ["b", "a"]

properties = settings(max_examples=8, deadline=None, derandomize=True, database=None)

TIMES: dict[str, Callable[[int], pd.Index]] = {
    "daily": lambda rows: pd.date_range("2021-01-01", periods=rows),
    "month ends": lambda rows: pd.date_range("2001-01-31", periods=rows, freq="ME"),
    "hourly with a zone": lambda rows: pd.date_range(
        "2021-03-26", periods=rows, freq="h", tz="Europe/Berlin"
    ),
    "months": lambda rows: pd.period_range("2001-01", periods=rows, freq="M"),
    "integers": lambda rows: pd.RangeIndex(100, 100 + 5 * rows, 5, name="step"),
}


# ------------------------------------------------------------------------------- frames and models


def wide(rows: int = ROWS, time: str = "daily", seed: int = 0) -> pd.DataFrame:
    """Two channels at scales that differ by far, moved by nearly the same noise; out of order."""
    random = np.random.default_rng(seed)
    steps = np.arange(rows)
    noise = random.normal(0, 0.3, rows)
    season = np.sin(2 * np.pi * steps / 7)
    columns = {
        "b": 100 + 10 * (season + noise),
        "a": -3 + 0.1 * (np.roll(season, 2) + noise + random.normal(0, 0.03, rows)),
    }
    return pd.DataFrame(columns, index=TIMES[time](rows))


def long(rows: int = ROWS) -> pd.DataFrame:
    """Three systems of the channels b and a; the ids are out of order, the ends differ."""
    parts = []
    for seed, (name, behind) in enumerate((("q", 0), ("p", 4), ("r", 2))):
        part = wide(rows, seed=seed).iloc[: rows - behind] * (1 + seed)
        parts.append(part.rename_axis("ds").reset_index().assign(unique_id=name))
    return pd.concat(parts, ignore_index=True)[[*KEY, *TARGETS]]


def horizon_of(rows: int, steps: int, time: str = "daily") -> pd.Index:
    return TIMES[time](rows + steps)[rows:]


class Case(NamedTuple):
    model: Any
    df: pd.DataFrame

    def cut(self, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The last rows of each system, and what comes before them."""
        if "unique_id" not in self.df:
            return self.df.iloc[:-rows], self.df.iloc[-rows:]
        last = self.df.groupby("unique_id").cumcount(ascending=False) < rows
        return self.df[~last], self.df[last]


def fit(layout: str, cls: Any = LSTMForecaster, **arguments: Any) -> Case:
    model = cls(**(SMALL | arguments))
    if layout == "wide":
        return Case(model.fit(wide()), wide())
    return Case(model.fit(long(), target_col=TARGETS), long())


@pytest.fixture(scope="module")
def system() -> Case:
    return fit("wide")


@pytest.fixture(scope="module")
def systems() -> Case:
    return fit("long")


@pytest.fixture(params=["wide", "long"])
def case(request: pytest.FixtureRequest) -> Case:
    return request.getfixturevalue({"wide": "system", "long": "systems"}[request.param])


def numbers(forecast: pd.DataFrame) -> np.ndarray:
    return forecast[TARGETS].to_numpy()


def assert_close(got: pd.DataFrame, expected: pd.DataFrame, tolerance: float = 1e-5) -> None:
    """Forecasts that differ by less than this much of each channel's scale."""
    assert list(got.columns) == list(expected.columns)
    if "ds" in got:
        assert_frame_equal(got[KEY], expected[KEY])
    else:
        assert got.index.equals(expected.index)
    error = np.abs(numbers(got) - numbers(expected)) / wide()[TARGETS].std().to_numpy()
    assert error.max() < tolerance, f"\n{error.max(axis=0)}"


# ------------------------------------------------------------------------------------- the layouts


@pytest.mark.parametrize("time", list(TIMES))
def test_a_wide_system_comes_back_in_its_layout(time: str) -> None:
    model = LSTMForecaster(**(SMALL | {"max_steps": 2})).fit(wide(time=time))
    forecast = model.predict(5)
    assert list(forecast.columns) == ["b", "a"]
    assert forecast.index.tolist() == horizon_of(ROWS, 5, time).tolist()
    assert forecast.index.name == wide(time=time).index.name
    assert np.isfinite(forecast.to_numpy()).all()


def test_a_long_system_comes_back_in_its_layout(systems: Case) -> None:
    forecast = systems.model.predict(5)
    assert list(forecast.columns) == [*KEY, *TARGETS]
    assert forecast["unique_id"].tolist() == [name for name in "qpr" for _ in range(5)]
    starts = forecast.groupby("unique_id")["ds"].min()
    ends = long().groupby("unique_id")["ds"].max()
    assert (starts - ends == pd.Timedelta("1D")).all()


@pytest.mark.slow
def test_rows_under_a_multiindex_are_the_same(systems: Case) -> None:
    df = long().set_index(KEY)
    model = LSTMForecaster(**SMALL).fit(df, target_col=TARGETS)
    forecast = model.predict(4)
    assert forecast.index.names == KEY
    assert_frame_equal(forecast.reset_index(), systems.model.predict(4))


def test_a_long_frame_without_ids_is_the_wide_system(system: Case) -> None:
    df = wide().rename_axis("ds").reset_index()
    # The channels of a wide frame are sorted, those of target_col= are as they are named.
    model = LSTMForecaster(**SMALL).fit(df, target_col=["a", "b"])
    assert_close(model.predict(6).set_index("ds"), system.model.predict(6))


def test_other_names_of_the_columns() -> None:
    df = long().rename(columns={"unique_id": "shop", "ds": "day"})
    model = LSTMForecaster(**(SMALL | {"max_steps": 2}))
    forecast = model.fit(df, id_col="shop", time_col="day", target_col=("a", "b")).predict(2)
    assert set(forecast.columns) == {"shop", "day", "a", "b"}


def test_the_order_of_columns_and_rows_changes_nothing(system: Case, systems: Case) -> None:
    shuffled = wide().sample(frac=1.0, random_state=1)[["a", "b"]]
    got = system.model.predict(6, df=shuffled)
    assert list(got.columns) == ["a", "b"]
    assert_close(got[TARGETS], system.model.predict(6))
    rows = long().sample(frac=1.0, random_state=1)
    got = systems.model.predict(6, df=rows).sort_values(KEY, ignore_index=True)
    assert_close(got, systems.model.predict(6).sort_values(KEY, ignore_index=True))


def test_a_system_alone_is_forecast_as_in_company(systems: Case) -> None:
    expected = systems.model.predict(6)
    for name, alone in long().groupby("unique_id"):
        mine = expected[expected["unique_id"] == name].reset_index(drop=True)
        assert_close(systems.model.predict(6, df=alone), mine)


def test_a_system_that_fit_has_not_seen(systems: Case) -> None:
    df = long()
    new = df[df["unique_id"] == "q"].assign(unique_id="new")
    got = systems.model.predict(6, df=pd.concat([df, new], ignore_index=True))
    of_q, of_new = (numbers(got[got["unique_id"] == name]) for name in ("q", "new"))
    np.testing.assert_allclose(of_new, of_q, rtol=1e-4)


def test_a_short_horizon_is_the_start_of_a_long_one(case: Case) -> None:
    short, longer = case.model.predict(5), case.model.predict(10)
    if "unique_id" in longer:
        longer = longer[longer.groupby("unique_id").cumcount() < 5].reset_index(drop=True)
    assert_close(short, longer.iloc[: len(short)])


def test_the_frame_is_not_changed(case: Case) -> None:
    before = case.df.copy(deep=True)
    case.model.predict(3, df=case.df)
    assert_frame_equal(case.df, before)


@pytest.mark.slow
@properties
@given(
    st.floats(0.01, 1e4), st.floats(-1e4, 1e4), st.floats(0.01, 1e4), st.floats(-1e4, 1e4)
)  # fmt: skip
def test_each_channel_follows_its_own_scale(
    systems: Case, a: float, b: float, c: float, d: float
) -> None:
    """An unseen system gets scalers of its own, one for each channel."""
    model = systems.model
    df = long()[lambda df: df["unique_id"] == "q"].assign(unique_id="new")
    moved = df.assign(b=df["b"] * a + b, a=df["a"] * c + d)
    plain, got = model.predict(6, df=df), model.predict(6, df=moved)
    expected = plain.assign(b=plain["b"] * a + b, a=plain["a"] * c + d)
    for name in TARGETS:
        unit = moved[name].std() + 1e-9 * moved[name].abs().max()
        assert (got[name] - expected[name]).abs().max() < 1e-4 * unit


# -------------------------------------------------------------------------------------- one system


def test_each_channel_depends_on_the_other(case: Case) -> None:
    """In a panel of series it doesn't."""
    louder = case.df.copy()
    mine = louder.index if "ds" not in louder else louder.index[louder["unique_id"] == "q"]
    louder.loc[mine[-1:], "a"] += 0.3
    difference = np.abs(numbers(case.model.predict(4, df=louder)) - numbers(case.model.predict(4)))
    assert difference[0, 0] > 1e-3
    if "ds" in louder:
        assert difference[4:].max() < 1e-6, "other systems are none of its business"


@pytest.mark.slow
def test_without_multivariate_the_same_columns_are_series_of_their_own() -> None:
    arguments = SMALL | {"multivariate": False}
    model = LSTMForecaster(**arguments).fit(long(), target_col=TARGETS)
    forecast = model.predict(5)
    assert list(forecast.columns) == [*KEY, *TARGETS]
    louder = long()
    louder.loc[louder.index[louder["unique_id"] == "q"][-1:], "a"] += 0.3
    got = model.predict(5, df=louder)
    assert_series_equal(got["b"], forecast["b"])
    assert (got["a"] - forecast["a"]).abs()[:5].max() > 1e-4
    as_wide = long()[lambda df: df["unique_id"] == "q"].set_index("ds")[TARGETS]
    alone = model.predict(5, df=as_wide.rename_axis("ds").reset_index().assign(unique_id="q"))
    np.testing.assert_allclose(numbers(alone), numbers(forecast)[:5], rtol=1e-6)


@pytest.mark.parametrize(
    "df", [wide()[["a"]], wide()["a"], long()[[*KEY, "a"]].rename(columns={"a": "y"})],
    ids=["wide", "series", "long"],
)  # fmt: skip
def test_one_channel_is_no_system(df: Any) -> None:
    with pytest.raises(SettingError, match="multivariate=True needs several channels"):
        LSTMForecaster(**SMALL).fit(df)


@pytest.mark.parametrize("multivariate", ["yes", None, 1])
def test_what_multivariate_may_not_be(multivariate: Any) -> None:
    with pytest.raises(SettingError, match="multivariate="):
        LSTMForecaster(**(SMALL | {"multivariate": multivariate})).fit(wide())


def test_targets_that_are_not_there(systems: Case) -> None:
    with pytest.raises(FrameError, match="'c'"):
        LSTMForecaster(**SMALL).fit(long(), target_col=["a", "c"])
    with pytest.raises(FrameError, match="'a'"):
        systems.model.predict(3, df=long().drop(columns="a"))
    with pytest.raises(SettingError, match="'a'"):
        LSTMForecaster(**SMALL).fit(long(), target_col=["a", "a"])


@pytest.mark.parametrize(
    ("df", "name"),
    [(wide()[["b"]], "'a'"), (wide().assign(c=1.0 * np.arange(ROWS)), "'c'")],
    ids=["one is missing", "one too many"],
)
def test_a_wide_frame_must_have_the_channels_of_fit(
    system: Case, df: pd.DataFrame, name: str
) -> None:
    with pytest.raises(FrameError, match=name):
        system.model.predict(3, df=df)
    with pytest.raises(FrameError, match=name):
        system.model.encode(df)


def test_a_wide_frame_with_another_channel_in_its_place_is_not_mixed_up(system: Case) -> None:
    """Sorted by name, z would stand where b does, and b where a does."""
    with pytest.raises(FrameError, match="'z'"):
        system.model.predict(3, df=wide().rename(columns={"a": "z"}))


def test_what_is_wrong_with_a_channel_is_named() -> None:
    df = long()
    df.loc[10, "a"] = np.nan
    df.loc[20, "b"] = np.inf
    with pytest.raises(FrameError, match=r"'a' has missing values.*'q' at 2021-01-11") as caught:
        LSTMForecaster(**SMALL).fit(df, target_col=TARGETS)
    assert "'b'" in str(caught.value)
    holed = wide()
    holed.iloc[12, 1] = np.nan
    with pytest.raises(FrameError, match=r"'a' at 2021-01-13"):
        LSTMForecaster(**SMALL).fit(holed)


@pytest.mark.parametrize("cls", [LSTMForecaster, GRUForecaster])
@pytest.mark.parametrize("residual", [None, "last", "seasonal"])
def test_cells_and_residuals(cls: Any, residual: str | None) -> None:
    model = cls(**(SMALL | {"residual": residual, "num_layers": 2, "max_steps": 3})).fit(wide())
    free = model.predict(8)
    state = model.encode(wide())
    assert_close(model.predict(8, state=state), free)
    at_zero = model.sample(8, num_samples=1, temperature=0.0, calibrated=False, as_array=True)
    np.testing.assert_allclose(at_zero[:, 0].T, free.to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("scope", ["series", "panel"])
@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", None])
def test_scalers_of_channels(scaler: str | None, scope: str) -> None:
    arguments = SMALL | {"scaler": scaler, "scaler_scope": scope, "max_steps": 3}
    for model in (
        LSTMForecaster(**arguments).fit(wide()),
        LSTMForecaster(**arguments).fit(long(), target_col=TARGETS),
    ):
        forecast = model.predict(3)
        assert (forecast["b"].iloc[:3] > 50).all()
        assert (forecast["a"].iloc[:3].between(-4, -2)).all()


# ------------------------------------------------------------------------------- what is asked for


@pytest.mark.slow
def test_levels_and_quantiles_of_a_wide_system(system: Case) -> None:
    bands = system.model.predict(4, level=[50, 90], quantiles=0.5)
    assert bands.columns.tolist() == [
        (name, output)
        for name in TARGETS
        for output in ("y", "y-lo-50", "y-hi-50", "y-lo-90", "y-hi-90", "y-q-0.5")
    ]
    assert_frame_equal(bands.xs("y", axis=1, level=1), system.model.predict(4), check_names=False)
    for name in TARGETS:
        own = bands[name]
        assert (own["y-lo-90"] <= own["y-lo-50"]).all()
        assert (own["y-lo-50"] <= own["y-hi-50"]).all()
        assert (own["y-hi-50"] <= own["y-hi-90"]).all()


@pytest.mark.slow
def test_levels_of_a_long_system(systems: Case) -> None:
    bands = systems.model.predict(4, level=80)
    of_levels = {f"{name}-{end}-80" for name in TARGETS for end in ("lo", "hi")}
    assert list(bands.columns[:4]) == [*KEY, *TARGETS]
    assert set(bands.columns[4:]) == of_levels
    assert_frame_equal(bands[[*KEY, *TARGETS]], systems.model.predict(4))
    for name in TARGETS:
        assert (bands[f"{name}-lo-80"] < bands[f"{name}-hi-80"]).all()


def test_samples_have_a_column_for_each_target(systems: Case, system: Case) -> None:
    paths = systems.model.sample(3, num_samples=4, calibrated=False)
    assert list(paths.columns) == [*KEY, "sample_id", *TARGETS]
    assert len(paths) == 3 * 3 * 4
    as_array = systems.model.sample(3, num_samples=4, calibrated=False, as_array=True)
    assert as_array.shape == (6, 4, 3)
    of_q = paths[paths["unique_id"] == "q"]
    np.testing.assert_array_equal(of_q["b"], as_array[0].ravel())
    np.testing.assert_array_equal(of_q["a"], as_array[1].ravel())
    wide_paths = system.model.sample(3, num_samples=4, calibrated=False)
    assert wide_paths["unique_id"].unique().tolist() == TARGETS


@pytest.mark.parametrize("calibrated", [False, True])
def test_the_channels_of_a_sample_hang_together(case: Case, calibrated: bool) -> None:
    """Both channels are moved by one noise, so that their errors rise and fall together."""
    paths = case.model.sample(3, num_samples=300, calibrated=calibrated, as_array=True)
    for channels in paths.reshape(-1, 2, 300, 3):
        first = np.corrcoef(channels[:, :, 0])[0, 1]
        assert first > 0.85


CONTEXTS = {"many errors": 40, "few errors": 20}


def correlation_of_draws(
    context_length: int, weight: float, missing: pd.Index | None = None
) -> float:
    """Of the first step of two channels, whose noise is ``weight`` times the other's, or its own.

    A system whose context has few errors draws them from those of all systems.
    """
    random = np.random.default_rng(8)
    first, second = random.normal(size=(2, ROWS))
    other = weight * first + np.sqrt(1 - weight**2) * second
    df = pd.DataFrame({"b": first, "a": other}, index=TIMES["daily"](ROWS))
    if missing is not None:
        df.loc[missing, "a"] = np.nan
    arguments = SMALL | {"context_length": context_length, "lags": None, "residual": None}
    model = LSTMForecaster(**arguments).fit(df, fill="mask")
    paths = model.sample(1, num_samples=400, calibrated=False, as_array=True)[:, :, 0]
    return float(np.corrcoef(paths)[0, 1])


@pytest.mark.parametrize("context_length", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize("weight", [0.99, -0.99])
def test_channels_are_drawn_as_they_err(context_length: int, weight: float) -> None:
    correlation = correlation_of_draws(context_length, weight)
    assert correlation * np.sign(weight) > 0.85


@pytest.mark.parametrize("context_length", CONTEXTS.values(), ids=CONTEXTS)
def test_channels_of_independent_noise_are_drawn_so(context_length: int) -> None:
    assert abs(correlation_of_draws(context_length, 0.0)) < 0.6


@pytest.mark.slow
def test_channels_are_drawn_from_the_same_rows_where_one_has_holes() -> None:
    holes = TIMES["daily"](ROWS)[[50, 55, 61]]
    assert correlation_of_draws(40, 0.99, holes) > 0.85


def test_the_samples_of_separate_series_do_not() -> None:
    model = LSTMForecaster(**(SMALL | {"multivariate": False})).fit(wide())
    paths = model.sample(3, num_samples=300, calibrated=False, as_array=True)
    assert abs(np.corrcoef(paths[:, :, 0])[0, 1]) < 0.3


def test_the_samples_of_different_systems_do_not(systems: Case) -> None:
    paths = systems.model.sample(3, num_samples=300, calibrated=False, as_array=True)
    between = np.corrcoef(paths[:, :, 0])
    assert abs(between[0, 2]) < 0.3
    assert abs(between[2, 4]) < 0.3


def test_innovations_are_errors_of_one_row(system: Case) -> None:
    """Every step is drawn as one: there are no more pairs than the context has seen."""
    state = system.model.encode(wide())
    errors = state.encoding.errors
    paths = system.model.sample(1, num_samples=200, calibrated=False, as_array=True)[:, :, 0]
    distinct = len(np.unique(paths.round(6), axis=1).T)
    assert 2 < distinct <= int((~errors.isnan()).all(dim=0).sum())


def test_draws_depend_on_neither_the_horizon_nor_the_company(systems: Case) -> None:
    arguments: dict[str, Any] = {"num_samples": 6, "calibrated": False, "as_array": True}
    expected = systems.model.sample(8, **arguments)
    np.testing.assert_allclose(systems.model.sample(4, **arguments), expected[:, :, :4], rtol=1e-5)
    alone = long()[lambda df: df["unique_id"] == "p"]
    np.testing.assert_allclose(
        systems.model.sample(8, df=alone, **arguments), expected[2:4], rtol=1e-4
    )


def test_a_given_value_of_one_channel_moves_the_other(system: Case) -> None:
    free = system.model.predict(8)
    given_frame = free[["a"]].iloc[[2]] + 0.3
    got = system.model.predict(8, given=given_frame)
    assert got["a"].iloc[2] == given_frame["a"].iloc[0]
    assert_close(got.iloc[:2], free.iloc[:2])
    assert abs(got["b"].iloc[2] - free["b"].iloc[2]) < 1e-4, "of the same step"
    assert (got["b"] - free["b"]).abs().iloc[3:].max() > 1e-3


@pytest.mark.parametrize("columns", [["b", "a"], ["a"]], ids=["with NaN", "one column"])
def test_a_given_value_of_one_channel_of_a_long_system(systems: Case, columns: list[str]) -> None:
    """NaN and what isn't there are unknown, a whole column too."""
    free = systems.model.predict(6)
    row = free.index[(free["unique_id"] == "p")][2]
    given_frame = free.loc[[row], [*KEY, *columns]].assign(a=free.loc[row, "a"] + 0.5)
    if "b" in columns:
        given_frame["b"] = np.nan
    got = systems.model.predict(6, given=given_frame)
    assert got.loc[row, "a"] == given_frame["a"].iloc[0]
    others = free["unique_id"] != "p"
    assert_close(got[others], free[others])
    assert (got["b"] - free["b"])[row + 1 : row + 3].abs().max() > 1e-3


def test_what_is_given_of_all_channels_is_carrying_on(case: Case) -> None:
    earlier, new = case.cut(3)
    state = case.model.encode(earlier)
    path = case.model.predict(9, state=state, given=new)
    expected = case.model.predict(6, state=case.model.update(state, new, carry=True))
    if "unique_id" in path:
        path = path[path.groupby("unique_id").cumcount() >= 3].reset_index(drop=True)
        assert_close(path, expected)
    else:
        assert_close(path.iloc[3:], expected)


def test_until_ends_each_channel_by_itself(case: Case) -> None:
    free = case.model.predict(9)
    got = case.model.predict(9, until=lambda value: value > 0)
    if "unique_id" in got:
        assert got["b-stopped"].all()
        assert not got["a-stopped"].any()
        first = got.groupby("unique_id").cumcount() == 0
        assert_series_equal(got["a"], free["a"])
        assert got["b"].notna().equals(first)
    else:
        assert got["b"]["y-stopped"].all()
        assert got["b"]["y"].notna().tolist() == [True] + [False] * 8
        np.testing.assert_allclose(got["a"]["y"], free["a"], rtol=1e-6)


def test_stability_is_of_the_system(case: Case) -> None:
    found = case.model.stability(horizon=60)
    exponents = found["lyapunov"].to_numpy().reshape(-1, 2)
    assert np.isfinite(exponents).all()
    assert (exponents[:, 0] == exponents[:, 1]).all()
    if "channel" in found:
        assert found["unique_id"].tolist() == list("qqpprr")
        assert found["channel"].tolist() == TARGETS * 3
    else:
        assert found["unique_id"].tolist() == TARGETS


# ----------------------------------------------------------------------------- states and files


@pytest.mark.parametrize("rows", [1, 3, 30])
def test_an_update_is_the_encoding_of_all_rows(case: Case, rows: int) -> None:
    earlier, new = case.cut(rows)
    state = case.model.update(case.model.encode(earlier), new)
    assert_close(case.model.predict(6, state=state), case.model.predict(6, df=case.df))


def test_some_systems_go_on_and_others_wait(systems: Case) -> None:
    earlier, new = systems.cut(2)
    start = systems.model.encode(earlier)
    some = new[new["unique_id"] == "p"]
    for carry in (False, True):
        got = systems.model.predict(4, state=systems.model.update(start, some, carry=carry))
        waiting = systems.model.predict(4, state=start)
        others = (got["unique_id"] != "p").to_numpy()
        assert_close(got[others], waiting[others])
        assert (got["ds"] != waiting["ds"]).tolist() == (~others).tolist()


def test_a_state_is_refused_half_a_system(case: Case) -> None:
    earlier, new = case.cut(2)
    state = case.model.encode(earlier)
    with pytest.raises(FrameError, match="'a'"):
        case.model.update(state, new.drop(columns="a"))


def test_states_and_models_in_files(case: Case, tmp_path: Path) -> None:
    case.model.save(tmp_path / "model.tsgen", overwrite=True)
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert loaded.get_params()["multivariate"] is True
    assert_frame_equal(loaded.predict(7), case.model.predict(7))
    earlier, new = case.cut(4)
    tsgen.save_state(case.model.encode(earlier), tmp_path / "state.tsgen")
    state = loaded.update(tsgen.load_state(tmp_path / "state.tsgen"), new)
    assert_frame_equal(
        loaded.predict(7, state=state),
        case.model.predict(7, state=case.model.update(case.model.encode(earlier), new)),
    )


def test_rows_after_the_cutoff_change_nothing(case: Case) -> None:
    earlier, new = case.cut(5)
    later = case.df.copy()
    later.loc[new.index, TARGETS] = 1e7
    expected = case.model.predict(5, df=earlier)
    assert_frame_equal(case.model.predict(5, df=later.drop(index=new.index)), expected)


# ---------------------------------------------------- channels that begin and end at other rows


def ragged(begin: int = 10, end: int = 4) -> pd.DataFrame:
    """Column a begins later, column b ends earlier."""
    df = wide()
    df.iloc[:begin, 1] = np.nan
    df.iloc[ROWS - end :, 0] = np.nan
    return df


@pytest.fixture(scope="module")
def uneven() -> Any:
    """In units that don't depend on the window."""
    return LSTMForecaster(**(SMALL | {"window_norm": False})).fit(ragged())


@pytest.mark.slow
def test_columns_may_begin_and_end_at_other_rows(uneven: Any) -> None:
    forecast = uneven.predict(5)
    assert forecast.index.tolist() == horizon_of(ROWS, 5).tolist()
    assert np.isfinite(forecast.to_numpy()).all()
    bands = uneven.predict(5, level=80)
    assert np.isfinite(bands.to_numpy()).all()
    assert_frame_equal(uneven.predict(5, df=ragged()), forecast)
    assert_frame_equal(uneven.predict(5, state=uneven.encode(ragged())), forecast)


def test_a_channel_that_ends_earlier_is_rolled_on_beside_the_other(uneven: Any) -> None:
    """The values of the longer one are given to the loop."""
    df = ragged(end=4)
    state = uneven.encode(df.iloc[:-4])
    path = uneven.predict(9, state=state, given=df[["a"]].iloc[-4:])
    carried = uneven.update(state, df.iloc[-4:], carry=True)
    assert_close(uneven.predict(5, state=carried), path.iloc[4:])


@pytest.mark.parametrize("cut", [12, 40, 75, 76, 78, 79])
@pytest.mark.parametrize("carry", [False, True])
def test_updates_of_channels_that_end_at_other_rows(uneven: Any, cut: int, carry: bool) -> None:
    df = ragged()
    state = uneven.update(uneven.encode(df.iloc[:cut]), df.iloc[cut:], carry=carry)
    got = uneven.predict(5, state=state)
    assert got.index.tolist() == horizon_of(ROWS, 5).tolist()
    if not carry:
        assert_close(got, uneven.predict(5, df=df))
    else:
        assert np.isfinite(got.to_numpy()).all()


def test_the_channel_that_ended_earlier_comes_later(uneven: Any) -> None:
    """Its rows are there by then, up to the end and beyond."""
    whole = wide()
    whole.iloc[:10, 1] = np.nan
    state = uneven.encode(ragged())
    with pytest.raises(FrameError, match="has already"):
        uneven.update(state, whole.iloc[-4:])
    assert_close(uneven.predict(5, df=whole), uneven.predict(5, state=uneven.encode(whole)))


def test_targets_of_an_id_that_begin_at_other_rows() -> None:
    """Rows in which only one target is known are rows of the system."""
    df = long()
    late = df.groupby("unique_id").cumcount() < 6
    df.loc[late & (df["unique_id"] != "q"), "a"] = np.nan
    df.loc[late & (df["unique_id"] == "p"), "b"] = np.nan
    model = LSTMForecaster(**(SMALL | {"max_steps": 3})).fit(df, target_col=TARGETS, fill="mask")
    forecast = model.predict(4)
    assert np.isfinite(numbers(forecast)).all()
    assert_close(forecast, model.predict(4, df=df))


# ------------------------------------------------------------------------- channels rolled along


@pytest.fixture(scope="module", params=["wide system", "wide series", "long system", "long series"])
def rolled(request: pytest.FixtureRequest) -> Case:
    layout, kind = request.param.split()
    arguments = SMALL | {"multivariate": kind == "system"}
    df = wide() if layout == "wide" else long()
    df["wind"] = np.sin(np.arange(len(df)) / 4)
    targets = {} if layout == "wide" else {"target_col": TARGETS}
    model = LSTMForecaster(**arguments)
    return Case(model.fit(df, past_covariates="wind", roll_past=True, **targets), df)


@pytest.mark.slow
def test_what_is_rolled_along_is_not_returned(
    rolled: Case, system: Case, systems: Case, tmp_path: Path
) -> None:
    model = rolled.model
    plain = (systems if "ds" in rolled.df else system).model
    forecast = model.predict(6)
    assert list(forecast.columns) == list(plain.predict(6).columns)
    assert list(model.predict(3, level=80).columns) == list(plain.predict(3, level=80).columns)
    paths = model.sample(3, num_samples=4, calibrated=False)
    assert list(paths.columns) == list(plain.sample(3, num_samples=4, calibrated=False).columns)
    assert len(model.stability(horizon=20)) == len(plain.stability(horizon=20))
    model.save(tmp_path / "model.tsgen")
    assert_frame_equal(LSTMForecaster.load(tmp_path / "model.tsgen").predict(6), forecast)


def test_what_is_rolled_along_moves_the_forecast_and_is_updated(rolled: Case) -> None:
    model = rolled.model
    earlier, new = rolled.cut(3)
    state = model.update(model.encode(earlier), new)
    expected = model.predict(5, df=rolled.df)
    assert_close(model.predict(5, state=state), expected)
    stormy = rolled.df.copy()
    stormy.loc[rolled.cut(1)[1].index, "wind"] += 1
    moved = np.abs(numbers(model.predict(5, df=stormy)) - numbers(expected))
    assert (moved.max(axis=0) > 1e-4).all()
    longer = model.predict(8, df=rolled.df)
    if "ds" in longer:
        longer = longer[longer.groupby("unique_id").cumcount() < 5].reset_index(drop=True)
    assert_close(longer.iloc[: len(expected)], expected)


# ---------------------------------------------------------------------- systems that are known


def rotation(rows: int, angle: float = 2 * np.pi / 17) -> pd.DataFrame:
    """Each row is the one before, turned: of one channel alone, the next value can be either."""
    turns = angle * np.arange(rows)
    return pd.DataFrame({"y1": np.cos(turns), "y2": np.sin(turns)})


@pytest.mark.slow
def test_a_rotation_is_followed() -> None:
    """For three and a half turns, each channel from both."""
    df = rotation(460)
    model = LSTMForecaster(
        hidden_size=16,
        context_length=20,
        lags=None,
        residual="last",
        season_length=1,
        window_norm=False,
        multivariate=True,
        learning_rate=1e-2,
        weight_decay=0.0,
        max_steps=300,
        verbose=False,
    )
    path = model.fit(df.iloc[:400]).predict(60)
    assert (path - df.iloc[400:]).abs().to_numpy().mean() < 0.06
    # The two stay a quarter of a turn apart, on a circle.
    assert np.abs(np.hypot(path["y1"], path["y2"]) - 1).max() < 0.15


STEP = 0.02
EXPONENT = 0.905
"""Of the attractor, per unit of time: errors grow by e in 1 / 0.905 of it."""


def lorenz(rows: int, transient: int = 1000) -> pd.DataFrame:
    """The attractor of 1963, by Runge and Kutta's method of fourth order."""

    def slope(state: np.ndarray) -> np.ndarray:
        x, y, z = state
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 * z / 3])

    state, states = np.array([1.0, 1.0, 0.0]), np.empty((transient + rows, 3))
    for row in range(len(states)):
        first = slope(state)
        second = slope(state + STEP / 2 * first)
        third = slope(state + STEP / 2 * second)
        fourth = slope(state + STEP * third)
        state = state + STEP / 6 * (first + 2 * second + 2 * third + fourth)
        states[row] = state
    return pd.DataFrame(states[transient:], columns=["x", "y", "z"])


class Chaos(NamedTuple):
    model: LSTMForecaster
    training: pd.DataFrame
    later: pd.DataFrame


@pytest.fixture(scope="module")
def chaos() -> Chaos:
    df = lorenz(9000)
    model = LSTMForecaster(
        hidden_size=64,
        context_length=30,
        lags=None,
        residual="last",
        season_length=1,
        window_norm=False,
        multivariate=True,
        batch_size=16,
        learning_rate=1e-2,
        weight_decay=0.0,
        max_steps=600,
        verbose=False,
    )
    return Chaos(model.fit(df.iloc[:6000]), df.iloc[:6000], df.iloc[6000:])


@pytest.mark.slow
def test_the_lorenz_system_is_followed_for_more_than_a_lyapunov_time(chaos: Chaos) -> None:
    """Within a fifth of the attractor's spread: 1.5 Lyapunov times, the median over 20 starts."""
    spread = np.sqrt(chaos.training.var().sum())
    followed = []
    for start in range(60, 2500, 125):
        truth = chaos.later.iloc[start : start + 300].to_numpy()
        path = chaos.model.predict(300, df=chaos.later.iloc[:start]).to_numpy()
        lost = np.linalg.norm(path - truth, axis=1) > 0.2 * spread
        followed.append(EXPONENT * STEP * (int(lost.argmax()) if lost.any() else len(lost)))
    assert np.median(followed) > 1.5
    assert min(followed) > 0.5


@pytest.mark.slow
def test_the_lorenz_system_stays_on_its_attractor(chaos: Chaos) -> None:
    """Long after it has lost the truth: ten thousand steps are 180 Lyapunov times."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClosedLoopWarning)
        path = chaos.model.predict(10_000)
    low, high = chaos.training.min(), chaos.training.max()
    room = 0.2 * (high - low)
    assert np.isfinite(path.to_numpy()).all()
    assert (path.min() > low - room).all()
    assert (path.max() < high + room).all()
    spread = chaos.training.std()
    assert ((path.mean() - chaos.training.mean()).abs() < 0.25 * spread).all()
    assert ((path.std() / spread - 1).abs() < 0.25).all()
    late = path.iloc[-2000:]
    assert (late.std() > 0.5 * spread).all(), "neither a fixed point nor a cycle around one"


@pytest.mark.slow
def test_the_lorenz_system_is_said_to_be_chaotic(chaos: Chaos) -> None:
    """Its largest exponent per step is that of the truth, about."""
    found = chaos.model.stability(horizon=4000)
    assert found["lyapunov"].between(0.5 * EXPONENT * STEP, 1.5 * EXPONENT * STEP).all()
    assert found["flat_from"].isna().all()
