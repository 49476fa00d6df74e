"""What is chosen from the data, that what is given wins, and that what can't be used is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from support.problems import wavy

from tsgen import LSTMForecaster
from tsgen.data.frame import read_panel
from tsgen.errors import SettingError
from tsgen.forecasters.presets import PRESETS
from tsgen.forecasters.settings import Settings, choose_settings
from tsgen.training.strategies import FreeRunning, PushForward, TeacherForcing


def settings_of(df: Any, **arguments: Any) -> Settings:
    return choose_settings(LSTMForecaster(**arguments).get_params(deep=False), read_panel(df))


def monthly(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.date_range("2000-01-01", periods=len(values), freq="MS"))


SEASONAL = monthly(np.sin(2 * np.pi * np.arange(120) / 12))
WALK = monthly(np.random.default_rng(0).normal(size=120).cumsum())


# ----------------------------------------------------------------------------------- "auto"


@pytest.mark.parametrize(
    ("freq", "season"),
    [("h", 24), ("D", 7), ("W", 52), ("MS", 12), ("QS", 4), ("YS", 1), ("30min", 48)],
)
def test_the_season_is_that_of_the_frequency(freq: str, season: int) -> None:
    index = pd.date_range("2000-01-01", periods=60, freq=freq)
    assert settings_of(pd.Series(np.arange(60.0), index=index)).season_length == season


def test_integer_time_has_no_season_unless_told() -> None:
    assert settings_of(wavy()).season_length == 1
    assert settings_of(wavy(), season_length=9).season_length == 9


def test_the_residual_is_seasonal_where_the_series_is() -> None:
    assert settings_of(SEASONAL).residual_lag == 12
    assert settings_of(WALK).residual_lag == 1


@pytest.mark.parametrize("rows", [2, 3, 5, 20, 200])
@pytest.mark.parametrize("freq", ["h", "W", "MS"])
def test_what_is_chosen_fits_the_series(rows: int, freq: str) -> None:
    index = pd.date_range("2000-01-01", periods=rows, freq=freq)
    series = pd.Series(np.arange(float(rows)), index=index).asfreq(freq)
    settings = settings_of(series)
    assert 1 <= settings.train_horizon < rows
    from_scratch = settings_of(series, init="random")
    assert 1 <= from_scratch.context_length < rows
    assert max(from_scratch.lags) < rows
    for each in settings, from_scratch:
        assert each.lags[0] == 1
        assert list(each.lags) == sorted(set(each.lags))
        assert each.residual_lag in each.lags
        assert each.max_steps >= 1


def test_settings_show_what_was_chosen() -> None:
    model = LSTMForecaster(max_steps=1, hidden_size=4).fit(SEASONAL)
    assert model.settings_ == settings_of(SEASONAL, max_steps=1, hidden_size=4)
    assert model.settings_.frequency == "MS"
    assert model.lags == model.context_length == "auto"  # the constructor's are kept


# ----------------------------------------------------------------------------- what is given wins


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"context_length": 33}, {"context_length": 33}),
        ({"context_length": 5000}, {"context_length": 5000}),
        ({"lags": [5, 3, 3]}, {"lags": (1, 3, 5)}),
        ({"lags": 7}, {"lags": (1, 7)}),
        ({"lags": np.array([4, 2])}, {"lags": (1, 2, 4)}),
        ({"lags": None}, {"lags": (1,)}),
        ({"residual": "last"}, {"residual_lag": 1}),
        ({"residual": None}, {"residual_lag": None}),
        (
            {"residual": "seasonal", "season_length": 6, "lags": [2]},
            {"residual_lag": 6, "season_length": 6, "lags": (1, 2, 6)},
        ),
        ({"window_norm": False}, {"window_norm": False}),
        ({"max_steps": 17}, {"max_steps": 17}),
        ({"hidden_size": 3, "num_layers": 4}, {"hidden_size": 3, "num_layers": 4}),
        ({"dropout": 0.25, "loss": "huber"}, {"dropout": 0.25, "loss": "huber"}),
        ({"batch_size": 5, "learning_rate": 0.5}, {"batch_size": 5, "learning_rate": 0.5}),
        ({"weight_decay": 0}, {"weight_decay": 0.0}),
        ({"gradient_clip_val": None}, {"gradient_clip_val": None}),
        ({"val_size": 9}, {"val_size": 9, "patience": None}),
    ],
)
def test_explicit_values_win(arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    settings = settings_of(WALK, **({"residual": "last"} | arguments))
    assert {name: getattr(settings, name) for name in expected} == expected


def test_patience_holds_rows_out() -> None:
    assert settings_of(WALK).val_size == 0
    assert settings_of(WALK, patience=3).val_size > 0
    with pytest.raises(SettingError, match="patience"):
        settings_of(WALK, patience=3, val_size=None)


def test_a_long_strategy_holds_out_no_more_than_others() -> None:
    long = settings_of(wavy(60), patience=2, training_strategy=FreeRunning(steps=40))
    assert long.val_size == settings_of(wavy(60), patience=2).val_size
    assert long.rows_after_cutoff == 40


# ---------------------------------------------------------------------------------------- presets

RECIPES = "fast", "balanced", "accurate"
"""The presets that have a recipe for networks that know nothing at first."""
CHOSEN = (
    "loss", "training_strategy", "max_steps", "batch_size", "hidden_size", "weight_averaging",
    "n_models", "learning_rate", "dropout",
)  # fmt: skip
LARGE = pd.DataFrame(
    np.random.default_rng(0).normal(size=(2_000, 10)),
    index=pd.date_range("2020-01-01", periods=2_000, freq="D"),
)
LARGER = pd.DataFrame(
    np.random.default_rng(0).normal(size=(2_000, 25)),
    index=pd.date_range("2020-01-01", periods=2_000, freq="D"),
)
LARGEST = pd.DataFrame(
    np.random.default_rng(0).normal(size=(2_000, 100)),
    index=pd.date_range("2020-01-01", periods=2_000, freq="D"),
)


def chosen(df: Any, **arguments: Any) -> dict[str, Any]:
    settings = settings_of(df, **arguments)
    return {name: getattr(settings, name) for name in CHOSEN}


@pytest.mark.parametrize(
    ("preset", "df", "expected"),
    [
        ("balanced", WALK, ("mse", TeacherForcing(), 400, 32, 32, None, 1, 2e-3, 0.0)),
        ("balanced", LARGE[:-1], ("mse", TeacherForcing(), 400, 32, 32, None, 1, 2e-3, 0.0)),
        ("balanced", LARGE, ("mse", TeacherForcing(), 1500, 32, 64, None, 1, 4e-3, 0.0)),
        ("fast", WALK, ("mse", TeacherForcing(), 150, 32, 32, None, 1, 2e-3, 0.0)),
        ("fast", LARGE[:-1], ("mse", TeacherForcing(), 150, 32, 32, None, 1, 2e-3, 0.0)),
        ("fast", LARGE, ("mse", TeacherForcing(), 300, 32, 32, None, 1, 4e-3, 0.0)),
        ("accurate", WALK, ("mae", FreeRunning(), 1500, 16, 64, None, 8, 4e-3, 0.2)),
        ("accurate", LARGER[:-1], ("mae", FreeRunning(), 1500, 16, 64, None, 8, 4e-3, 0.2)),
        ("accurate", LARGER, ("mae", FreeRunning(), 3000, 16, 64, None, 6, 4e-3, 0.2)),
        ("accurate", LARGEST[:-1], ("mae", FreeRunning(), 3000, 16, 64, None, 6, 4e-3, 0.2)),
        ("accurate", LARGEST, ("mae", FreeRunning(), 6000, 16, 64, None, 4, 4e-3, 0.2)),
    ],
    ids=lambda value: "" if isinstance(value, pd.Series | pd.DataFrame | tuple) else value,
)
def test_what_a_preset_comes_to(preset: str, df: Any, expected: tuple[Any, ...]) -> None:
    assert chosen(df, preset=preset, init="random") == dict(zip(CHOSEN, expected, strict=True))
    assert settings_of(df, preset=preset).preset == preset


FREE = FreeRunning(share=0.7)


@pytest.mark.parametrize(
    ("preset", "df", "expected"),
    [
        ("balanced", WALK, ("mse", FREE, 100, 32, 128, None, 1, 5e-4, 0.0)),
        ("balanced", LARGE, ("mse", FREE, 300, 32, 128, None, 1, 5e-4, 0.0)),
        ("balanced", LARGEST, ("mse", FREE, 1000, 32, 128, None, 1, 2e-3, 0.0)),
        ("accurate", WALK, ("mae", FREE, 100, 32, 128, None, 8, 5e-4, 0.0)),
        ("accurate", LARGEST, ("mae", FREE, 1000, 32, 128, None, 4, 2e-3, 0.0)),
    ],
    ids=lambda value: "" if isinstance(value, pd.Series | pd.DataFrame | tuple) else value,
)
def test_what_it_comes_to_from_pretrained_weights(
    preset: str, df: Any, expected: tuple[Any, ...]
) -> None:
    assert chosen(df, preset=preset) == dict(zip(CHOSEN, expected, strict=True))
    assert settings_of(df, preset=preset).init == "pretrained"


def test_balanced_is_the_default() -> None:
    assert LSTMForecaster().preset == "balanced"
    assert settings_of(WALK) == settings_of(WALK, preset="balanced")
    assert set(PRESETS) == {*RECIPES, "zero_shot", "fine_tuned"}


GIVEN = {
    "loss": "huber",
    "training_strategy": PushForward(steps=4),
    "max_steps": 7,
    "batch_size": 5,
    "hidden_size": 3,
    "weight_averaging": 0.25,
    "n_models": 2,
    "learning_rate": 1e-3,
    "dropout": 0.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["fast", "accurate"])
def test_what_is_given_wins_over_the_preset(preset: str) -> None:
    """It alone: all else stays what the preset says."""
    before = chosen(WALK, preset=preset, init="random")
    for name, value in GIVEN.items():
        given = chosen(WALK, preset=preset, init="random", **{name: value})
        assert given == before | {name: value}
    assert chosen(WALK, preset=preset, **GIVEN) == GIVEN


def test_none_is_no_average_whatever_the_preset() -> None:
    assert settings_of(WALK, preset="accurate", weight_averaging=None).weight_averaging is None


@pytest.mark.slow
def test_settings_show_what_the_preset_chose() -> None:
    model = LSTMForecaster(max_steps=1, hidden_size=4, preset="accurate").fit(WALK)
    assert model.settings_ == settings_of(WALK, max_steps=1, hidden_size=4, preset="accurate")
    assert len(model.module_.networks) == 8
    assert model.module_.objective.loss == "mae"
    assert model.n_models == model.loss == model.training_strategy == "auto"


def test_a_preset_is_copied_and_set_like_any_argument() -> None:
    model = LSTMForecaster(preset="fast", training_strategy=FreeRunning(steps=3), n_models=2)
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(preset="accurate", n_models="auto").get_params()["preset"] == "accurate"
    assert settings_of(WALK, **model.get_params()).n_models == 8


def panel_of(rows: int, columns: int, freq: str, values: Any = None) -> pd.DataFrame:
    if values is None:
        values = np.random.default_rng(0).normal(size=(rows, columns))
    return pd.DataFrame(values, pd.date_range("1800-01-01", periods=rows, freq=freq))


LARGE_FROM = {"fast": 20, "balanced": 20, "accurate": 50}
"""Series of 1,000 rows."""


def with_season(amplitude: float, columns: int) -> pd.DataFrame:
    """Random walks by the month, with a season on them."""
    walks = np.random.default_rng(0).normal(size=(1_000, columns)).cumsum(axis=0)
    season = amplitude * np.sin(2 * np.pi * np.arange(1_000) / 12)
    return panel_of(1_000, columns, "MS", walks + season[:, None])


@pytest.mark.parametrize("preset", RECIPES)
@pytest.mark.parametrize(("amplitude", "small", "large"), [(0, 1, 1), (3, 1, 12), (20, 12, 12)])
def test_where_the_season_errs_hardly_more_large_panels_add_to_it(
    preset: str, amplitude: float, small: int, large: int
) -> None:
    count = LARGE_FROM[preset]
    panel = with_season(amplitude, count)
    assert settings_of(panel, preset=preset, init="random").residual_lag == large
    few = large if preset == "accurate" else small
    assert settings_of(panel.iloc[:, 1:], preset=preset, init="random").residual_lag == few


@pytest.mark.parametrize("preset", RECIPES)
def test_errors_of_large_panels_count_by_the_season(preset: str) -> None:
    count = LARGE_FROM[preset]
    panel = with_season(20, count)
    many = settings_of(panel, preset=preset, init="random")
    assert (many.unit_season, many.change_share, many.error_limit) == (12, 0.5, None)
    few = settings_of(panel.iloc[:, 1:], preset=preset, init="random")
    expected = (12, 0.5) if preset == "accurate" else (None, 0.0)
    assert (few.unit_season, few.change_share) == expected


@pytest.mark.parametrize("preset", RECIPES)
@pytest.mark.parametrize(
    ("freq", "lags", "more"),
    [("h", (1, 24, 48, 168), {25, 336}), ("W", (1, 4, 13, 26, 52), {104}), ("D", (1, 7, 14), ())],
)
def test_large_panels_of_a_long_season_have_far_lags(
    preset: str, freq: str, lags: tuple[int, ...], more: Any
) -> None:
    panel = panel_of(1_000, LARGE_FROM[preset], freq)
    assert settings_of(panel, preset=preset, init="random").lags == tuple(sorted({*lags, *more}))
    assert settings_of(panel.iloc[:, 1:], preset=preset, init="random").lags == lags
    assert settings_of(panel, preset=preset, init="random", lags=[3], residual="last").lags == (
        1,
        3,
    )


@pytest.mark.parametrize("rows", [672, 671])
def test_a_far_lag_leaves_half_of_the_rows(rows: int) -> None:
    hours = panel_of(rows, 90, "h")
    assert (336 in settings_of(hours, preset="accurate", init="random").lags) == (rows == 672)


@pytest.mark.parametrize("preset", RECIPES)
@pytest.mark.parametrize(
    ("freq", "small", "large"), [("h", 336, 168), ("W", 104, 52), ("D", 28, 28), ("MS", 48, 48)]
)
def test_large_panels_of_a_long_season_have_half_of_the_context(
    preset: str, freq: str, small: int, large: int
) -> None:
    panel = panel_of(1_000, LARGE_FROM[preset], freq)
    assert settings_of(panel, preset=preset, init="random").context_length == large
    assert settings_of(panel.iloc[:, 1:], preset=preset, init="random").context_length == small


def test_integer_time_says_nothing_of_seasons() -> None:
    """So that more is read than where there are none."""
    count = pd.Series(WALK.to_numpy())
    assert settings_of(count).season_length == 1
    assert settings_of(count).context_length == 48
    assert settings_of(count[:60]).context_length == 30
    from_scratch = {"init": "random"}
    assert settings_of(count, season_length=1, **from_scratch).context_length == 10
    assert settings_of(count, season_length=5, **from_scratch).context_length == 20
    years = count.set_axis(pd.date_range("1800-01-01", periods=120, freq="YS"))
    assert settings_of(years, **from_scratch).context_length == 10


# ------------------------------------------------------------------------------- what is refused

BAD: dict[str, list[Any]] = {
    "context_length": [0, -3, 2.5, "long", True, None],
    "lags": [0, [0], [-1], [1.5], 1.5, True, "weekly", ["a"]],
    "hidden_size": [0, 8.0, "big"],
    "num_layers": [0, 5],
    "dropout": [-0.1, 1.0, float("nan"), "none", True],
    "residual": ["first", 1],
    "season_length": [0, 2.5, None, "week", (24,), (24, 24), (1, 7), (7, 2.5), (7, 14, 28)],
    "scaler": ["robuts", StandardScaler, 5],
    "calendar": ["daily", 5, ["auto", 3], "holidays:QQ", ["auto", "auto"]],
    "multivariate": ["yes", None, 1, True],
    "scaler_scope": ["global", None],
    "covariate_scaler": ["robuts", StandardScaler, 5],
    "target_transform": ["log", 5, ("logit", 1, 0), ("logit", 0), ("log1p", 0, 1), True],
    "window_norm": ["yes", None, 1],
    "loss": ["l2", None],
    "max_steps": [0, 1.5, None, "many"],
    "batch_size": [0, 1.5, None],
    "learning_rate": [0, -1e-3, float("nan"), float("inf"), "fast"],
    "weight_decay": [-1, "some"],
    "gradient_clip_val": [0, "auto"],
    "val_size": [0, 2.5, 59],
    "patience": [0, 1.5],
    "training_strategy": ["free", None, FreeRunning, 0.5],
    "weight_averaging": [0.0, 1.5, "some", True],
    "n_models": [0, 1.5, None, 1000],
    "preset": ["best", None, 1],
    "init": ["nowhere.safetensors", None, 5, True],
    "random_state": [-1, 1.5, "seed", 2**200],
    "trainer_kwargs": [5, ["max_steps"]],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_value_is_refused_by_the_arguments_name(name: str, value: Any) -> None:
    model = LSTMForecaster(**({"max_steps": 1, "hidden_size": 4} | {name: value}))
    with pytest.raises(SettingError, match=rf"\b{name}\b"):
        model.fit(wavy())


def test_every_argument_is_checked() -> None:
    """A new argument needs its bad values here; any value of these may stand for yes or no."""
    assert set(BAD) == set(LSTMForecaster().get_params()) - {"verbose"}


def test_a_seasonal_residual_needs_a_season() -> None:
    with pytest.raises(SettingError, match=r"residual='seasonal'.*season_length"):
        settings_of(wavy(), residual="seasonal")


def test_the_message_shows_the_value_and_what_is_accepted() -> None:
    with pytest.raises(SettingError, match=r"loss='l2': expected one of 'mse', 'mae', 'huber'"):
        settings_of(WALK, loss="l2")
    with pytest.raises(SettingError, match=r"num_layers=5.*1 to 4"):
        settings_of(WALK, num_layers=5)


def test_random_weights_are_nothing_to_stay_near() -> None:
    assert PRESETS["fine_tuned"].of("start_share", rows=100) > 0
    assert settings_of(WALK, preset="fine_tuned", init="random").start_share == 0
