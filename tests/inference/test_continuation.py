"""Sample paths, levels, given values and stops: what a fitted network is asked for beside a point.

Models are fitted once; what is held here doesn't depend on how good they are.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal
from support.problems import trend

import tsgen.inference.continuation
import tsgen.inference.fitted
from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import (
    ClosedLoopWarning,
    DivergenceError,
    FrameError,
    NotFittedError,
    SettingError,
)
from tsgen.generation.dispatch import run
from tsgen.rollout import encode

MODELS = [LSTMForecaster, GRUForecaster]
NAMES = ["b", "c", "a"]
H = 6


def small(model: type = LSTMForecaster, **settings: Any) -> Any:
    defaults = {"max_steps": 15, "hidden_size": 8, "context_length": 20, "verbose": False}
    return model(**(defaults | settings))


def noisy(rows: int = 60) -> pd.DataFrame:
    """Three noisy daily series, wide, of different size, not in the order of their names."""
    noise = np.random.default_rng(0).normal(size=(rows, 3))
    values = np.sin(np.arange(rows) / 3)[:, None] + 0.3 * noise
    index = pd.date_range("2020-01-01", periods=rows)
    return pd.DataFrame(values * [1.0, 50.0, 0.01] + [3.0, -400.0, 0.0], index, NAMES)


def long_of(wide: pd.DataFrame) -> pd.DataFrame:
    """Rows under names of their own, in the order of the columns."""
    rows = wide.rename_axis(index="day").reset_index().melt("day", var_name="shop")
    return rows.rename(columns={"value": "sales"})[["shop", "day", "sales"]]


def multiindex_of(wide: pd.DataFrame) -> pd.Series:
    return long_of(wide).set_index(["shop", "day"])["sales"]


def same_stamps(got: pd.Series, expected: pd.Index) -> bool:
    return got.dtype == expected.dtype and got.tolist() == expected.tolist()


@functools.cache
def fitted(cell: type = LSTMForecaster, layout: str = "wide") -> Any:
    """A model of each layout; tests that change one take a copy."""
    wide = noisy()
    if layout == "wide":
        return small(cell).fit(wide)
    if layout == "series":
        return small(cell).fit(wide["c"].rename("sales"))
    if layout == "multiindex":
        return small(cell).fit(multiindex_of(wide))
    return small(cell).fit(long_of(wide), id_col="shop", time_col="day", target_col="sales")


@pytest.fixture
def model() -> Any:
    return fitted()


@pytest.fixture(params=MODELS)
def either(request: pytest.FixtureRequest) -> Any:
    """A model of either cell."""
    return fitted(request.param)


def scale() -> npt.NDArray[np.float64]:
    """Of the three series, to broadcast over (N, S, H)."""
    return noisy().std().to_numpy()[:, None, None]


def assert_near(
    got: Any, expected: Any, share: float = 1e-6, series: Sequence[int] = (0, 1, 2)
) -> None:
    """Arrays (N, S, H) that differ by no more than a share of the scale of each series."""
    assert got.shape == expected.shape
    size = scale()[list(series)]
    np.testing.assert_allclose(got / size, expected / size, rtol=0, atol=share)


def point_of(model: Any, horizon: int = H, **kwargs: Any) -> npt.NDArray[np.float64]:
    """The forecast of a wide model in the shape of paths, (N, 1, H)."""
    return model.predict(horizon, **kwargs).to_numpy().T[:, None]


# ---------------------------------------------------------------------- what sample hands back


@pytest.mark.slow
def test_paths_of_a_long_frame_are_rows_of_id_time_sample_and_target() -> None:
    model = fitted(layout="long")
    frame = model.sample(H, num_samples=4)
    assert frame.columns.tolist() == ["shop", "day", "sample_id", "sales"]
    assert len(frame) == 3 * 4 * H
    point = model.predict(H)
    for number in range(4):
        path = frame[frame["sample_id"] == number].reset_index(drop=True)
        assert_frame_equal(path[["shop", "day"]], point[["shop", "day"]])
    assert sorted(frame["sample_id"].unique()) == [0, 1, 2, 3]
    assert (frame.dtypes[["shop", "day", "sales"]] == point.dtypes[["shop", "day", "sales"]]).all()
    assert frame["sales"].notna().all()


@pytest.mark.slow
def test_paths_of_a_wide_frame_are_a_long_frame() -> None:
    model = fitted()
    frame = model.sample(H, num_samples=3)
    assert frame.columns.tolist() == ["unique_id", "ds", "sample_id", "y"]
    assert frame["unique_id"].drop_duplicates().tolist() == NAMES
    index = model.predict(H).index
    for _, path in frame.groupby(["unique_id", "sample_id"], observed=True):
        assert same_stamps(path["ds"], index)


@pytest.mark.slow
def test_paths_of_a_series_have_no_id() -> None:
    model = fitted(layout="series")
    frame = model.sample(H, num_samples=3)
    assert frame.columns.tolist() == ["ds", "sample_id", "y"]
    assert frame["sample_id"].tolist() == [0] * H + [1] * H + [2] * H
    assert same_stamps(frame["ds"][:H], model.predict(H).index)
    assert model.sample(H, num_samples=3, as_array=True).shape == (1, 3, H)


def test_paths_of_a_long_frame_without_ids_have_none_either() -> None:
    frame = noisy()["b"].rename_axis("ds").rename("y").reset_index()
    paths = small(max_steps=2).fit(frame).sample(H, num_samples=3, calibrated=False)
    assert paths.columns.tolist() == ["ds", "sample_id", "y"]


@pytest.mark.slow
def test_paths_of_rows_under_a_multiindex_are_a_long_frame() -> None:
    model = fitted(layout="multiindex")
    frame = model.sample(H, num_samples=2)
    assert frame.columns.tolist() == ["shop", "day", "sample_id", "sales"]
    first = frame[frame["sample_id"] == 0].set_index(["shop", "day"])
    assert_index_equal(first.index, model.predict(H).index)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["long", "wide", "series", "multiindex"])
def test_an_array_holds_the_values_of_the_frame_in_the_order_of_the_input(layout: str) -> None:
    model = fitted(layout=layout)
    array = model.sample(H, num_samples=4, as_array=True)
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float64
    assert array.shape == (1 if layout == "series" else 3, 4, H)
    frame = model.sample(H, num_samples=4)
    np.testing.assert_array_equal(frame.iloc[:, -1].to_numpy(), array.ravel())
    if layout != "series":  # 50 times the size of "b" and 5,000 times that of "a"
        assert np.abs(array).max(axis=(1, 2)).argsort().tolist() == [2, 0, 1]


@pytest.mark.slow
def test_layouts_hold_the_same_paths() -> None:
    wide = fitted().sample(H, num_samples=4, as_array=True)
    for layout in ("long", "multiindex"):
        assert_near(fitted(layout=layout).sample(H, num_samples=4, as_array=True), wide)


@pytest.mark.parametrize("unit", ["s", "ns"])
@pytest.mark.parametrize("target", ["float32", "float64", "Float64"])
def test_dtypes_of_paths_are_those_of_the_forecast(unit: str, target: str) -> None:
    df = long_of(noisy()).astype(
        {"shop": "category", "day": f"datetime64[{unit}]", "sales": target}
    )
    model = small(max_steps=2).fit(df, id_col="shop", time_col="day", target_col="sales")
    point = model.predict(H).dtypes
    paths = model.sample(H, num_samples=2, calibrated=False).drop(columns="sample_id").dtypes
    assert_series_equal(paths, point)


def test_stamps_with_a_time_zone_stay_in_it() -> None:
    wide = noisy().tz_localize("Europe/Berlin")
    model = small(max_steps=2).fit(wide)
    stamps = model.sample(H, num_samples=2, calibrated=False)["ds"]
    assert same_stamps(stamps[:H], model.predict(H).index)


def test_an_integer_index_goes_on() -> None:
    model = small(max_steps=2).fit(noisy().reset_index(drop=True))
    paths = model.sample(3, num_samples=2, calibrated=False)
    assert paths["ds"].tolist() == [60, 61, 62] * 6


def test_series_that_end_early_in_a_wide_frame_have_paths_for_the_same_stamps() -> None:
    """And the paths go on from their own last row: a shift by the rows that lack."""
    wide = noisy()
    ragged = wide.copy()
    ragged.iloc[-4:, 1] = np.nan
    model = fitted()
    paths = model.sample(H, num_samples=5, df=ragged, as_array=True, calibrated=False)
    assert np.isfinite(paths).all()
    own = model.sample(H + 4, num_samples=5, df=wide.iloc[:-4], as_array=True, calibrated=False)
    assert_near(paths[[1]], own[[1], :, 4:], 1e-5, series=[1])
    whole = model.sample(H, num_samples=5, df=wide, as_array=True, calibrated=False)
    assert_near(paths[[0, 2]], whole[[0, 2]], 1e-5, series=[0, 2])


# ------------------------------------------------------------------------------ what paths are


@pytest.mark.slow
@pytest.mark.parametrize("calibrated", [True, False])
def test_the_same_seed_gives_the_same_paths_and_another_others(
    either: Any, calibrated: bool
) -> None:
    ask = functools.partial(either.sample, H, num_samples=5, as_array=True, calibrated=calibrated)
    first = ask()
    np.testing.assert_array_equal(ask(), first)
    np.testing.assert_array_equal(ask(random_state=either.random_state), first)
    assert (np.abs(ask(random_state=7) - first) > 0).any(axis=(1, 2)).all()


@pytest.mark.slow
@pytest.mark.parametrize("calibrated", [True, False])
def test_company_does_not_change_the_paths_of_a_series(either: Any, calibrated: bool) -> None:
    ask = functools.partial(either.sample, H, num_samples=20, as_array=True, calibrated=calibrated)
    wide = noisy()
    together = ask()
    alone = np.concatenate([ask(df=wide[[name]]) for name in wide])
    assert_near(alone, together, 1e-5)
    backwards = ask(df=wide[NAMES[::-1]])
    assert_near(backwards[::-1], together, 1e-5)


def test_many_series_are_sampled_as_few() -> None:
    model = fitted()
    wide = pd.concat(
        [noisy(), noisy()[["c"] * 600].set_axis(range(600), axis=1).astype(float)], axis=1
    ).rename(columns=str)
    ask = functools.partial(model.sample, 3, num_samples=8, as_array=True, calibrated=False)
    assert_near(ask(df=wide)[:3], ask(), 1e-5)


@pytest.mark.parametrize("calibrated", [True, False])
def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(either: Any, calibrated: bool) -> None:
    ask = functools.partial(either.sample, num_samples=20, as_array=True, calibrated=calibrated)
    longest = ask(40)
    for horizon in (1, 3, 7, 39):
        assert_near(ask(horizon), longest[..., :horizon])


def test_fewer_paths_are_the_first_of_more(model: Any) -> None:
    ask = functools.partial(model.sample, H, as_array=True, calibrated=False)
    most = ask(num_samples=150)
    for count in (1, 64, 65):
        assert_near(ask(num_samples=count), most[:, :count])


@pytest.mark.parametrize("calibrated", [True, False])
def test_without_temperature_every_path_is_the_forecast(either: Any, calibrated: bool) -> None:
    paths = either.sample(H, num_samples=3, temperature=0, as_array=True, calibrated=calibrated)
    assert_near(paths, np.repeat(point_of(either), 3, axis=1))


def test_a_higher_temperature_spreads_the_paths(either: Any) -> None:
    spreads = [
        either.sample(H, num_samples=50, temperature=t, as_array=True, calibrated=False).std(axis=1)
        for t in (0.1, 0.5, 1.0, 2.0)
    ]
    assert (spreads[0] > 0).all()
    for lower, higher in itertools.pairwise(spreads):
        assert (higher > 1.2 * lower).all()


def test_the_first_step_of_raw_paths_errs_as_the_context_did() -> None:
    """By the definition: forecast plus one of the series' own one-step errors, up to their mean."""
    model = small(context_length=40).fit(noisy(90))
    context = model.context()  # in the sorted order of the ids
    network = model.module_.network
    predictions, _ = encode(network, context.values, context.known)
    errors = context.values[:, network.longest_lag :] - predictions
    errors = errors[..., 0].detach().double().numpy()
    drawn = model.sample(1, num_samples=400, as_array=True, calibrated=False)[..., 0]
    drawn -= point_of(model, 1)[..., 0]
    for row, name in zip(drawn, NAMES, strict=True):
        series = sorted(NAMES).index(name)
        rows = noisy(90)[name].to_numpy()[-40:]
        unit = np.polyfit(context.values[series, -40:, 0].double().numpy(), rows, 1)[0]
        values = np.unique(np.round(row / unit, 5))
        assert 20 <= len(values) <= 39
        assert abs(row.mean()) < 0.2 * row.std()
        distance = [
            np.abs(values[:, None] + shift - errors[series]).min(axis=1).max()
            for shift in errors[series] - values[0]
        ]
        assert min(distance) < 1e-4


def test_blocks_change_the_paths_of_more_than_one_step(model: Any) -> None:
    ask = functools.partial(model.sample, 8, num_samples=20, as_array=True, calibrated=False)
    single, blocks = ask(), ask(block_length=4)
    assert_near(blocks[..., :1], single[..., :1])
    assert (np.abs(blocks - single).max(axis=(1, 2)) > 0.01 * scale()[:, 0, 0]).all()
    assert_near(ask(block_length=100)[..., :1], single[..., :1])


def test_uncalibrated_paths_need_no_second_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, df: Any = None) -> None:
        raise AssertionError("calibrated")

    model = small(max_steps=2).fit(noisy())
    monkeypatch.setattr(LSTMForecaster, "calibrate", fail)
    paths = model.sample(H, num_samples=3, as_array=True, calibrated=False)
    assert np.isfinite(paths).all()
    with pytest.raises(AssertionError, match="calibrated"):
        model.sample(H, num_samples=3)


def test_calibrated_paths_are_stretched_around_the_forecast(either: Any) -> None:
    paths = either.sample(H, num_samples=201, as_array=True)
    assert_near(np.median(paths, axis=1, keepdims=True), point_of(either), 1e-5)
    raw = either.sample(H, num_samples=201, as_array=True, calibrated=False)
    assert np.abs(paths - raw).max() > 0
    # Innovations are the same: at each step the paths stand in the same order.
    order = np.lexsort((paths, np.round(raw / scale(), 5)), axis=1)
    assert_near(np.take_along_axis(paths, order, axis=1), np.sort(paths, axis=1), 1e-4)


@pytest.mark.parametrize("memory", [1, 7, 64])
def test_how_many_paths_are_in_memory_does_not_change_them(
    model: Any, monkeypatch: pytest.MonkeyPatch, memory: int
) -> None:
    expected = model.sample(H, num_samples=30, as_array=True)
    levels = model.predict(H, level=80)
    monkeypatch.setattr(tsgen.inference.continuation, "_PATHS_AT_ONCE", memory)
    assert_near(model.sample(H, num_samples=30, as_array=True), expected)
    got = model.predict(H, level=80)
    np.testing.assert_allclose(got / levels.abs().max(), levels / levels.abs().max(), atol=1e-6)


def test_a_state_is_sampled_as_its_frame(either: Any) -> None:
    df = noisy().iloc[:-3] * 1.1
    state = either.encode(df)
    ask = functools.partial(either.sample, H, num_samples=5)
    assert_frame_equal(ask(state=state), ask(df=df))
    assert not ask(state=state).equals(ask())
    for given_state in (state, either.encode(noisy())):
        either.predict(3, state=given_state, level=80)  # and isn't used up
    assert_frame_equal(ask(state=state), ask(df=df))
    assert_frame_equal(either.predict(H, state=state, level=80), either.predict(H, df=df, level=80))


COMBINATIONS = [
    pytest.param(cell, layers, residual, marks=[pytest.mark.slow] if layers == 3 else [])
    for cell in MODELS
    for layers in (1, 2, 3, 4)
    for residual in ("last", "seasonal", None)
]


@pytest.mark.parametrize(("cell", "layers", "residual"), COMBINATIONS)
def test_paths_of_every_architecture_are_those_of_the_plain_rollout(
    cell: type, layers: int, residual: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is the definition: innovations are added step by step and fed back."""
    model = small(cell, max_steps=2, context_length=10, num_layers=layers, residual=residual)
    df = noisy(40)
    # Weights that make the network say something after two steps.
    model.fit(df).module_.network.head.weight.data *= 20
    ask = functools.partial(model.sample, 15, num_samples=6, as_array=True, calibrated=False)
    got = ask()
    assert np.isfinite(got).all()
    assert (got.std(axis=1) > 0).all()
    assert_near(ask(temperature=0)[:, :1], point_of(model, 15), 1e-5)

    def plainly(*args: Any, **kwargs: Any) -> Any:
        return run(*args, **kwargs, way="plain")

    monkeypatch.setattr(tsgen.inference.fitted, "run", plainly)
    assert_near(got, ask(), 1e-4)


# --------------------------------------------------------------------------------- given values


def given_cells(model: Any, horizon: int = H) -> pd.DataFrame:
    """Two cells of "b" and one of "a", far from where the paths would go."""
    given = pd.DataFrame(np.nan, index=model.predict(horizon).index, columns=NAMES)
    given.loc[given.index[1], "b"] = 7.123456789
    given.loc[given.index[3], "b"] = -2.1
    given.loc[given.index[2], "a"] = 0.1
    return given


@pytest.mark.parametrize("calibrated", [True, False])
def test_given_cells_stand_in_every_path_as_they_are(either: Any, calibrated: bool) -> None:
    given = given_cells(either)
    ask = functools.partial(either.sample, H, num_samples=10, as_array=True, calibrated=calibrated)
    paths, free = ask(given=given), ask()
    known = given.notna().to_numpy().T
    for path in paths.swapaxes(0, 1):
        np.testing.assert_array_equal(path[known], given.to_numpy().T[known])
    assert np.isfinite(paths).all()
    assert (paths.std(axis=1)[~known] > 0).all()
    # Steps before the first cell stay what they were, series without one too.
    assert_near(paths[..., :1], free[..., :1])
    np.testing.assert_allclose(paths[1], free[1], atol=1e-6 * float(scale()[1, 0, 0]))
    # Later ones follow.
    assert np.abs(paths[0, :, 2:] - free[0, :, 2:]).min() > 0.01 * float(scale()[0, 0, 0])


def test_given_cells_stand_in_the_forecast_and_its_levels(either: Any) -> None:
    given = given_cells(either)
    bands = either.predict(H, level=80, quantiles=0.3, given=given)
    for name in NAMES:
        for step in given.index[given[name].notna()]:
            assert (bands.loc[step, name] == given.loc[step, name]).all()
    point = bands.xs("y", axis=1, level=1)
    assert_frame_equal(point, either.predict(H, given=given), check_freq=False)


def test_all_cells_given_are_all_that_is_handed_back(model: Any) -> None:
    index = model.predict(H).index
    given = pd.DataFrame(np.arange(18.0).reshape(H, 3), index=index, columns=NAMES)
    assert_frame_equal(model.predict(H, given=given), given, check_freq=False)
    paths = model.sample(H, num_samples=3, given=given, as_array=True)
    np.testing.assert_array_equal(paths, given.to_numpy().T[:, None].repeat(3, axis=1))


def test_given_cells_of_a_long_frame_are_rows() -> None:
    model = fitted(layout="long")
    point = model.predict(H)
    row = point[point["shop"] == "a"].iloc[[2]].assign(sales=0.123)
    paths = model.sample(H, num_samples=4, given=row)
    there = (paths["shop"] == "a") & (paths["day"] == row["day"].iloc[0])
    assert there.sum() == 4
    assert (paths["sales"][there] == 0.123).all()
    assert (paths["sales"][~there] != 0.123).all()


def test_given_cells_in_a_ragged_frame_stand_at_their_stamps(model: Any) -> None:
    ragged = noisy()
    ragged.iloc[-4:, 0] = np.nan
    given = given_cells(model)
    known = given.notna().to_numpy().T
    paths = model.sample(H, num_samples=4, df=ragged, given=given, as_array=True)
    for path in paths.swapaxes(0, 1):
        np.testing.assert_array_equal(path[known], given.to_numpy().T[known])
    assert (paths.std(axis=1)[~known] > 0).all()
    without = model.sample(H, num_samples=4, df=ragged, as_array=True)
    assert_near(paths[..., :1], without[..., :1])


def test_given_cells_that_cannot_be_used_are_refused(model: Any) -> None:
    given = given_cells(model)
    for wrong, message in (
        (given.shift(freq="30D"), "given="),
        (given.rename(columns={"b": "d"}), "given="),
        (given * np.inf, "infinite"),
    ):
        with pytest.raises(FrameError, match=message):
            model.sample(H, num_samples=2, given=wrong)


# ------------------------------------------------------------------------------- levels of predict


def test_levels_are_columns_of_a_long_frame() -> None:
    model = fitted(layout="long")
    point = model.predict(H)
    bands = model.predict(H, level=[80, 95], quantiles=[0.1])
    added = ["sales-lo-80", "sales-hi-80", "sales-lo-95", "sales-hi-95", "sales-q-0.1"]
    assert bands.columns.tolist() == ["shop", "day", "sales", *added]
    assert_frame_equal(bands[point.columns], point, check_exact=True)
    assert (bands.dtypes[added] == point["sales"].dtype).all()
    assert bands.notna().all(axis=None)


def test_levels_are_a_second_level_of_columns_of_a_wide_frame(model: Any) -> None:
    point = model.predict(H)
    bands = model.predict(H, level=80, quantiles=0.1)
    assert bands.columns.tolist() == [
        (name, column) for name in NAMES for column in ("y", "y-lo-80", "y-hi-80", "y-q-0.1")
    ]
    assert_frame_equal(bands.xs("y", axis=1, level=1), point, check_exact=True, check_freq=False)
    assert_index_equal(bands.index, point.index)


def test_levels_make_a_frame_of_a_series() -> None:
    model = fitted(layout="series")
    point = model.predict(H)
    bands = model.predict(H, level=[80])
    assert bands.columns.tolist() == ["sales", "sales-lo-80", "sales-hi-80"]
    assert_series_equal(bands["sales"], point, check_exact=True, check_freq=False)


def test_a_series_without_a_name_has_the_stem_y() -> None:
    model = small(max_steps=2).fit(noisy()["b"].rename(None))
    assert model.predict(2, quantiles=0.5).columns.tolist() == ["y", "y-q-0.5"]


def test_levels_of_rows_under_a_multiindex() -> None:
    model = fitted(layout="multiindex")
    point = model.predict(H)
    bands = model.predict(H, level=80, quantiles=0.1)
    assert bands.columns.tolist() == ["sales", "sales-lo-80", "sales-hi-80", "sales-q-0.1"]
    assert_series_equal(bands["sales"], point, check_exact=True)
    frame = small(max_steps=2).fit(multiindex_of(noisy()).to_frame("y"))
    assert frame.predict(2, level=80).columns.tolist() == ["y", "y-lo-80", "y-hi-80"]


def test_layouts_have_the_same_levels() -> None:
    wide = fitted().predict(H, level=[80, 95])
    long = fitted(layout="long").predict(H, level=[80, 95])
    for suffix in ("", "-lo-80", "-hi-80", "-lo-95", "-hi-95"):
        expected = wide.xs(f"y{suffix}", axis=1, level=1)
        got = long.pivot(index="day", columns="shop", values=f"sales{suffix}")[NAMES]
        ours, theirs = (x.to_numpy() / noisy().std().to_numpy() for x in (got, expected))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("horizon", [1, 6, 200])
def test_intervals_hold_the_forecast_and_each_other(either: Any, horizon: int) -> None:
    """200 steps are far beyond any tail that a calibration has seen."""
    wide = either.predict(horizon, level=[95, 80, 50])
    assert wide.notna().all(axis=None)
    for name in NAMES:
        bands = wide[name]
        columns = ["y-lo-95", "y-lo-80", "y-lo-50", "y", "y-hi-50", "y-hi-80", "y-hi-95"]
        steps = np.diff(bands[columns].to_numpy(), axis=1)
        assert (steps >= -1e-6 * noisy()[name].std()).all()
        assert (bands["y-hi-80"] - bands["y-lo-80"] > 0.01 * noisy()[name].std()).all()


def test_a_longer_horizon_with_levels_begins_with_the_shorter_one(either: Any) -> None:
    short, long = (either.predict(h, level=80).to_numpy() for h in (5, 50))
    size = np.repeat(noisy().std().to_numpy(), 3)
    np.testing.assert_allclose(short / size, long[:5] / size, atol=1e-6)


def test_a_level_is_its_two_quantiles(either: Any) -> None:
    bands = either.predict(H, level=80, quantiles=[0.1, 0.9])
    for name in NAMES:
        for side, share in (("lo", 0.1), ("hi", 0.9)):
            np.testing.assert_allclose(
                bands[name, f"y-{side}-80"],
                bands[name, f"y-q-{share}"],
                rtol=0,
                atol=1e-9 * noisy()[name].std(),
            )


def test_quantiles_are_those_of_sample(either: Any) -> None:
    shares = [0.025, 0.1, 0.5, 0.9]
    bands = either.predict(H, quantiles=shares)
    paths = either.sample(H, num_samples=200, random_state=either.random_state, as_array=True)
    expected = np.quantile(paths, shares, axis=1)
    got = np.stack([bands.xs(f"y-q-{q}", axis=1, level=1).to_numpy().T for q in shares])
    size = scale()[:, 0]
    np.testing.assert_allclose(got / size, expected / size, rtol=0, atol=1e-6)


def test_levels_need_no_list_and_come_in_the_order_asked_for(model: Any) -> None:
    assert_frame_equal(model.predict(2, level=80), model.predict(2, level=[80.0]))
    columns = model.predict(2, level=[95, 80])["b"].columns.tolist()
    assert columns == ["y", "y-lo-95", "y-hi-95", "y-lo-80", "y-hi-80"]


@pytest.mark.slow
def test_levels_of_ragged_wide_frames(model: Any) -> None:
    """One starts late and one ends early, in fit as in predict."""
    ragged = noisy()
    ragged.iloc[:15, 0] = np.nan
    ragged.iloc[-5:, 2] = np.nan
    for forecaster, df in ((small().fit(ragged), None), (model, ragged)):
        point = forecaster.predict(H, df=df)
        bands = forecaster.predict(H, df=df, level=80)
        assert bands.notna().all(axis=None)
        assert_frame_equal(
            bands.xs("y", axis=1, level=1), point, check_exact=True, check_freq=False
        )
        for name in NAMES:
            assert (bands[name, "y-lo-80"] < bands[name, "y-hi-80"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("value", [7.3, -1e12])
def test_a_constant_series_has_no_width(value: float) -> None:
    alone = pd.Series(value, index=noisy().index, name="y")
    bands = small(max_steps=2).fit(alone).predict(30, level=[80, 99])
    assert (bands == value).all(axis=None)
    beside = noisy().assign(c=value)
    bands = small(max_steps=2).fit(beside).predict(30, level=[80, 99])
    assert (bands["c"] == value).all(axis=None)
    assert (bands["b", "y-lo-80"] < bands["b", "y-hi-80"]).all()


def test_levels_of_a_series_that_fit_has_not_seen(model: Any) -> None:
    other = noisy()[["b"]].rename(columns={"b": "new"}) * 1000 + 5
    bands = model.predict(H, df=other, level=80)["new"]
    assert (bands["y-lo-80"] < bands["y-hi-80"]).all()
    # In its own units: as wide as those of "b" times 1,000, up to other draws.
    like = model.predict(H, level=80)["b"]
    ratio = (bands["y-hi-80"] - bands["y-lo-80"]) / (like["y-hi-80"] - like["y-lo-80"])
    assert ratio.between(500, 2000).all()


# ------------------------------------------------------------------------------------------- until


def first_hit(hits: npt.NDArray[np.bool_]) -> int:
    return int(hits.argmax()) if hits.any() else len(hits)


def test_until_marks_the_hit_and_ends_the_path(either: Any) -> None:
    free = either.predict(20)
    threshold = float(free["b"].iloc[:12].max())
    got = either.predict(20, until=lambda y: y >= threshold)
    for name in NAMES:
        hit = first_hit((free[name] >= threshold).to_numpy())
        part = got[name]
        assert part.columns.tolist() == ["y", "y-stopped"]
        assert part["y-stopped"].dtype == bool
        assert part["y-stopped"].tolist() == [step >= hit for step in range(20)]
        assert part["y"].notna().tolist() == [step <= hit for step in range(20)]
        assert part["y"][: hit + 1].tolist() == free[name][: hit + 1].tolist()
    assert got["b", "y-stopped"].any()
    assert not got["c", "y-stopped"].any()  # about -400


def test_until_of_one_value_at_a_time_is_that_of_an_array(either: Any) -> None:
    low, high = sorted(either.predict(20)["b"].iloc[[4, 9]])

    def scalars(y: float) -> bool:
        return low <= y and y <= high  # can't be asked of an array

    def arrays(y: Any) -> Any:
        return (low <= y) & (y <= high)

    with pytest.raises(ValueError, match="ambiguous"):
        scalars(np.zeros((2, 2)))
    assert_frame_equal(either.predict(20, until=scalars), either.predict(20, until=arrays))
    ask = functools.partial(either.sample, 20, num_samples=9, as_array=True)
    np.testing.assert_array_equal(ask(until=scalars), ask(until=arrays))
    assert np.isnan(ask(until=scalars)).any()


@pytest.mark.parametrize(
    "scalar",
    [
        lambda y: float(y) > -1e9,
        lambda y: bool(y > -1e9),
        lambda y: True,
        lambda y: y > -1e9 and y < 1e9,
    ],
    ids=["float", "bool", "constant", "and"],
)
@pytest.mark.parametrize("layout", ["wide", "series"])
def test_until_takes_whatever_answers_for_one_value(
    scalar: Callable[[Any], bool], layout: str
) -> None:
    """For a Series and one step there is but one value to ask about."""
    model = fitted(layout=layout)
    for horizon in (1, 3):
        got = model.predict(horizon, until=scalar)
        marks = (
            got.filter(like="stopped")
            if layout == "series"
            else got.xs("y-stopped", axis=1, level=1)
        )
        assert marks.all(axis=None)
        assert got.notna().to_numpy()[0].all()


def test_until_that_never_comes_true_is_no_until(either: Any) -> None:
    got = either.predict(20, until=lambda y: y > 1e9)
    assert not got.xs("y-stopped", axis=1, level=1).any(axis=None)
    assert_frame_equal(
        got.xs("y", axis=1, level=1), either.predict(20), check_exact=True, check_freq=False
    )
    ask = functools.partial(either.sample, 20, num_samples=9, as_array=True)
    np.testing.assert_array_equal(ask(until=lambda y: y > 1e9), ask())


@pytest.mark.parametrize("calibrated", [True, False])
def test_until_ends_each_path_after_its_own_first_hit(either: Any, calibrated: bool) -> None:
    ask = functools.partial(either.sample, 20, num_samples=30, as_array=True, calibrated=calibrated)
    free = ask()
    threshold = float(np.quantile(free[0], 0.97))
    got = ask(until=lambda y: y > threshold)
    ends = set()
    for path, whole in zip(got.reshape(-1, 20), free.reshape(-1, 20), strict=True):
        hit = first_hit(whole > threshold)
        ends.add(hit)
        np.testing.assert_array_equal(path[: hit + 1], whole[: hit + 1])
        assert np.isnan(path[hit + 1 :]).all()
    assert len(ends) > 3


def test_until_in_every_layout_adds_a_mark() -> None:
    long, series, multi = (fitted(layout=name) for name in ("long", "series", "multiindex"))
    got = long.predict(3, until=lambda y: y > 0)
    assert got.columns.tolist() == ["shop", "day", "sales", "sales-stopped"]
    assert got["sales-stopped"].dtype == bool
    assert got["sales-stopped"][got["shop"] == "b"].all()  # about 3, and "c" about -400
    assert not got["sales-stopped"][got["shop"] == "c"].any()
    for model in (series, multi):
        got = model.predict(3, until=lambda y: y > 0)
        assert got.columns.tolist() == ["sales", "sales-stopped"]


def test_levels_end_with_the_forecast(model: Any) -> None:
    threshold = float(model.predict(20)["b"].iloc[:12].max())
    got = model.predict(20, level=80, until=lambda y: y >= threshold)
    free = model.predict(20, level=80)
    for name in NAMES:
        ended = got[name, "y"].isna().to_numpy()
        for column in ("y-lo-80", "y-hi-80"):
            np.testing.assert_array_equal(
                got[name, column], free[name, column].mask(ended).to_numpy()
            )


def test_until_sees_the_units_of_the_series(model: Any) -> None:
    seen: list[Any] = []

    def watch(values: Any) -> Any:
        seen.append(np.array(values))
        return np.zeros(np.shape(values), dtype=bool)

    free = model.predict(5)
    model.predict(5, until=watch)
    values = np.concatenate([np.ravel(each) for each in seen])
    assert np.isin(free.to_numpy().ravel(), values).all()


def count_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    steps: list[int] = []

    def counted(network: Any, state: Any, horizon: int, *rest: Any, **kw: Any) -> Any:
        steps.append(horizon)
        return run(network, state, horizon, *rest, **kw)

    monkeypatch.setattr(tsgen.inference.fitted, "run", counted)
    return steps


def test_a_path_that_ends_soon_is_not_generated_to_a_far_horizon(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = count_steps(monkeypatch)
    horizon = 50_000  # days, which nanoseconds reach as well
    got = model.predict(horizon, until=lambda y: y > -1e9)
    assert 1 <= sum(steps) < 2000
    assert got.shape == (horizon, 6)
    assert got.xs("y-stopped", axis=1, level=1).all(axis=None)
    values = got.xs("y", axis=1, level=1)
    assert values.iloc[0].notna().all()
    assert values.iloc[1:].isna().all(axis=None)


@pytest.mark.parametrize("every", [1, 7, 1000])
def test_how_often_until_is_asked_does_not_change_the_path(
    either: Any, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """The rollout goes on in parts, and stops once all series have."""
    free = either.predict(30)
    threshold = (free - free.iloc[0]).abs()

    def far(y: Any) -> Any:
        return np.abs(np.asarray(y) - free["b"].iloc[0]) >= threshold["b"].iloc[:17].max()

    expected = either.predict(30, until=far)
    monkeypatch.setattr(tsgen.inference.fitted, "_STEPS_BETWEEN_CHECKS", every)
    steps = count_steps(monkeypatch)
    got = either.predict(30, until=far)
    assert_frame_equal(got, expected, rtol=1e-5, check_exact=False)
    marks = got.xs("y-stopped", axis=1, level=1)
    assert marks.any(axis=None)
    last_hit = max(first_hit(marks[name].to_numpy()) for name in NAMES)
    assert sum(steps) <= min(30, every * (last_hit // every + 1))


def test_until_in_a_ragged_frame_is_asked_about_the_steps_of_the_forecast(model: Any) -> None:
    """Not about those that lead up to it, which nobody sees."""
    ragged = noisy()
    ragged.iloc[-4:, 0] = np.nan
    free = model.predict(8, df=ragged)
    for threshold in np.sort(free["b"].to_numpy())[[0, 3, 7]]:
        got = model.predict(8, df=ragged, until=lambda y, at=threshold: y == at)["b"]
        hit = first_hit((free["b"] == threshold).to_numpy())
        assert got["y-stopped"].tolist() == [step >= hit for step in range(8)]
        assert got["y"].notna().tolist() == [step <= hit for step in range(8)]


def test_until_must_be_a_function_of_a_value(model: Any) -> None:
    for wrong in (3, "y > 2", [True]):
        with pytest.raises(TypeError, match="until="):
            model.predict(3, until=wrong)


def test_until_of_sample_must_be_a_function_of_a_value(model: Any) -> None:
    for wrong in (3, "y > 2", [True]):
        with pytest.raises(TypeError, match="until="):
            model.sample(3, until=wrong, calibrated=False)


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("num_samples", [0, -1, 1.5, "5", True, None]),
        ("temperature", [-0.1, float("nan"), float("inf"), "1", None]),
        ("block_length", [0, 1.5, "2", None]),
        ("random_state", [-1, 1.5, "0"]),
        ("on_blowup", ["ignore", None, 1]),
    ],
)
def test_arguments_of_sample_that_cannot_be_used(model: Any, name: str, values: Any) -> None:
    for value in values:
        with pytest.raises((SettingError, TypeError), match=name):
            model.sample(2, **({"num_samples": 3, "calibrated": False} | {name: value}))


def test_arguments_of_predict_that_cannot_be_used(model: Any) -> None:
    for name, values in (
        ("level", [0, 100, "80", True]),
        ("quantiles", [0, 1, "0.1"]),
        ("on_blowup", ["ignore", None]),
    ):
        for value in values:
            with pytest.raises(SettingError, match=name):
                model.predict(2, **{name: value})
    for ask in (model.predict, model.sample):
        with pytest.raises(SettingError, match=r"df= and state="):
            ask(2, df=noisy(), state=model.encode(noisy()))
        for horizon in (0, -1):
            with pytest.raises(ValueError, match="horizon"):
                ask(horizon)
        with pytest.raises(TypeError, match="horizon"):
            ask(1.5)


def test_sample_before_fit() -> None:
    with pytest.raises(NotFittedError, match="fit"):
        small().sample(3)
    with pytest.raises(NotFittedError, match="fit"):
        small().predict(3, level=80)


# --------------------------------------------------------------------------------------- blow-ups


def runaway(bias: float = 1e5, df: pd.DataFrame | None = None) -> Any:
    """A model whose every step adds a constant, in the normaliser's units."""
    model = small(max_steps=1, residual="last", lags=None).fit(noisy() if df is None else df)
    model.module_.network.head.weight.data.zero_()
    model.module_.network.head.bias.data.fill_(bias)
    return model


def test_a_loop_that_runs_away_is_held_with_a_warning_that_says_where() -> None:
    model = runaway()
    with pytest.warns(ClosedLoopWarning) as caught:
        path = model.predict(50)
    assert np.isfinite(path.to_numpy()).all()
    assert len(caught) == 1
    message = str(caught[0].message)
    for name in NAMES:
        assert f"{name!r} at step 1" in message
    assert "on_blowup" in message
    # Far outside of what was seen, but of its size.
    away = (path - noisy().mean()).abs() / noisy().std()
    assert (away.iloc[-1] > 10).all()
    assert (away < 1e4).all(axis=None)


@pytest.mark.parametrize("factor", [1e4, 1e30, -1e30])
@pytest.mark.parametrize("cell", MODELS)
def test_weights_that_make_a_loop_run_away(cell: type, factor: float) -> None:
    model = small(cell, max_steps=2, residual="last").fit(noisy())
    calm = model.predict(40)
    model.module_.network.head.weight.data *= factor
    with pytest.warns(ClosedLoopWarning, match="series 'b' at step"):
        path = model.predict(40)
    assert np.isfinite(path.to_numpy()).all()
    assert path.abs().max().max() > 3 * calm.abs().max().max()
    with pytest.warns(ClosedLoopWarning, match=r"'b'"):
        paths = model.sample(40, num_samples=5, as_array=True, calibrated=False)
    assert np.isfinite(paths).all()


def test_the_step_is_the_first_one_outside() -> None:
    """Given cells hold the loop for three steps; the fourth is the first of its own."""
    model = runaway()
    index = pd.date_range(noisy().index[-1], periods=9)[1:]
    given = pd.DataFrame(np.nan, index=index, columns=NAMES)
    given.iloc[:3] = noisy().iloc[-3:].to_numpy()
    with pytest.warns(ClosedLoopWarning, match="'b' at step 4"):
        path = model.predict(8, given=given)
    np.testing.assert_array_equal(path.iloc[:3], given.iloc[:3])
    assert np.isfinite(path.to_numpy()).all()
    # Three steps are within the limits, so there is nothing to tell.
    assert_frame_equal(model.predict(3, given=given[:3]), given[:3], check_freq=False)


def test_the_step_is_the_same_where_until_is_asked_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = runaway(bias=10.0)
    with pytest.warns(ClosedLoopWarning) as whole:
        model.predict(20)
    monkeypatch.setattr(tsgen.inference.fitted, "_STEPS_BETWEEN_CHECKS", 3)
    with pytest.warns(ClosedLoopWarning) as parts:
        model.predict(20, until=lambda y: y > 1e30)
    assert str(parts[0].message) == str(whole[0].message)
    assert "at step 4" in str(whole[0].message)


def test_the_warning_points_at_the_line_that_asked() -> None:
    model = runaway()
    for ask in (model.predict, functools.partial(model.sample, calibrated=False, num_samples=2)):
        with pytest.warns(ClosedLoopWarning) as caught:
            ask(5)
        assert caught[0].filename == __file__


def test_a_run_away_loop_can_be_an_error() -> None:
    model = runaway()
    with pytest.raises(DivergenceError, match="series 'b' at step 1"):
        model.predict(50, on_blowup="raise")
    with pytest.raises(DivergenceError, match="'b'"):
        model.sample(50, num_samples=3, calibrated=False, on_blowup="raise")
    calm = runaway(bias=0.0)
    assert_frame_equal(calm.predict(50, on_blowup="raise"), calm.predict(50))


def test_a_loop_that_runs_away_before_it_is_stopped_is_an_error_too() -> None:
    model = runaway()
    with pytest.raises(DivergenceError, match="series 'b' at step 1"):
        model.predict(50, until=lambda y: y > 1e30, on_blowup="raise")


def test_a_path_that_was_stopped_before_is_not_one_that_runs_away() -> None:
    """What the loop would have done after its end is nobody's business. Warnings are errors."""
    model = runaway(bias=10.0)
    with pytest.warns(ClosedLoopWarning, match="'b' at step [3-9]"):
        free = model.predict(20)
    risen = free.iloc[1]
    got = model.predict(20, until=lambda y: np.isin(y, risen))
    for name in NAMES:
        assert got[name, "y-stopped"].tolist() == [False] + [True] * 19
        assert got[name, "y"][:2].tolist() == free[name][:2].tolist()


def test_constant_series_do_not_run_away() -> None:
    model = runaway(df=noisy().assign(c=5.0))
    with pytest.warns(ClosedLoopWarning) as caught:
        path = model.predict(20)
    assert "'c'" not in str(caught[0].message)
    assert (path["c"] == 5.0).all()


def test_a_message_about_many_series_names_some() -> None:
    wide = pd.DataFrame({f"s{i:03}": noisy()["b"] for i in range(40)})
    with pytest.warns(ClosedLoopWarning, match="'s000' at step 1") as caught:
        runaway(df=wide).predict(2)
    assert len(str(caught[0].message)) < 600


def test_a_model_is_calm_again_with_its_weights() -> None:
    model = copy.deepcopy(fitted())
    before = model.predict(H)
    weight = model.module_.network.head.weight.data.clone()
    model.module_.network.head.weight.data *= 1e30
    with pytest.warns(ClosedLoopWarning):
        assert not model.predict(H).equals(before)
    model.module_.network.head.weight.data.copy_(weight)
    assert_frame_equal(model.predict(H), before)


def test_a_trend_of_a_thousand_steps_is_no_blow_up() -> None:
    """Warnings are errors here. The slope is put into the head's bias."""
    line = trend(rows=120, horizon=1000)
    model = small(max_steps=1, residual="last", lags=None).fit(line.history)
    context = model.context().values[0, :, 0].double()
    head = model.module_.network.head
    head.weight.data.zero_()
    head.bias.data.fill_(float(context[-1] - context[-2]))
    assert float(head.bias.data.abs()) > 0.01
    path = model.predict(1000, on_blowup="raise")
    np.testing.assert_allclose(path, line.future, rtol=1e-3)
    paths = model.sample(1000, num_samples=5, as_array=True, calibrated=False, on_blowup="raise")
    assert np.isfinite(paths).all()
    assert torch.equal(head.weight.data, torch.zeros_like(head.weight.data))
