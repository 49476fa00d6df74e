"""What begins with weights that know series: ready without training, and what contradicts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from support.problems import wavy

import tsgen
from tsgen import GRUForecaster, LSTMForecaster
from tsgen.data.frame import read_panel
from tsgen.errors import ModelFileError, SettingError
from tsgen.forecasters.presets import PRESETS
from tsgen.forecasters.settings import Settings, choose_settings
from tsgen.nn import Season, at_season, seasonal_architecture
from tsgen.weights import read_weights, shipped_sizes, write_weights

UNITS = 4
KNOWING = ("zero_shot", "fine_tuned")
OPEN = ("balanced", "accurate")
"""Presets that begin with weights where these fit."""
HARDLY = {"max_steps": 1, "learning_rate": 1e-9, "batch_size": 2}
"""So little training that the weights stay what they were."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Weights of a small network, large enough that forecasts show them."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    network = seasonal_architecture(UNITS).network()
    random = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3, generator=random)
    write_weights(path, network, {})
    return str(path)


def monthly(rows: int = 60, columns: int = 2) -> pd.DataFrame:
    months = pd.date_range("2015-01-01", periods=rows, freq="MS")
    season = np.sin(2 * np.pi * np.arange(rows) / 12)
    noise = np.random.default_rng(0).normal(0, 0.1, (rows, columns))
    names = list("abcdef")[:columns]
    return pd.DataFrame(season[:, None] * range(1, columns + 1) + noise, months, names)


def model_of(path: str, preset: str = "zero_shot", **arguments: Any) -> LSTMForecaster:
    steps = {} if preset == "zero_shot" else HARDLY
    return LSTMForecaster(preset=preset, init=path, verbose=False, **(steps | arguments))


def settings_of(df: Any, **arguments: Any) -> Settings:
    return choose_settings(LSTMForecaster(**arguments).get_params(deep=False), read_panel(df))


def assert_close(left: Any, right: Any, atol: float = 1e-4) -> None:
    np.testing.assert_allclose(np.asarray(left), np.asarray(right), rtol=0, atol=atol)


# ------------------------------------------------------------------------------------ the contract


@pytest.fixture(scope="module")
def zero_shot(path: str) -> LSTMForecaster:
    """Not to be changed."""
    return model_of(path).fit(monthly())


def test_no_training_is_needed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsgen.training, "train", None)
    model = model_of(path).fit(monthly())
    assert model.report_.losses.empty
    assert model.predict(3, level=80).notna().all(axis=None)


@pytest.mark.parametrize("preset", KNOWING)
def test_forecasts_have_the_shape_of_the_series_at_any_horizon(path: str, preset: str) -> None:
    df = monthly()
    forecast = model_of(path, preset).fit(df).predict(40)
    assert list(forecast.columns) == ["a", "b"]
    expected = pd.date_range(df.index[-1], periods=41, freq="MS")[1:]
    pd.testing.assert_index_equal(forecast.index, expected, check_names=False)
    assert np.isfinite(forecast.to_numpy()).all()


def test_the_same_forecast_as_after_hardly_any_training(
    zero_shot: LSTMForecaster, path: str
) -> None:
    assert_close(model_of(path, "fine_tuned").fit(monthly()).predict(8), zero_shot.predict(8))


def test_a_series_is_forecast_as_if_it_were_alone(zero_shot: LSTMForecaster, path: str) -> None:
    alone = model_of(path).fit(monthly()[["b"]]).predict(8)
    assert_close(alone["b"], zero_shot.predict(8)["b"])


def test_a_series_of_another_size_has_the_same_forecast_at_its_size(path: str) -> None:
    df = monthly()
    larger = model_of(path).fit(1000.0 * df - 7.0).predict(8)
    assert_close((larger + 7.0) / 1000.0, model_of(path).fit(df).predict(8))


def test_an_updated_state_is_one_that_read_all(zero_shot: LSTMForecaster) -> None:
    df = monthly()
    state = zero_shot.update(zero_shot.encode(df[:-5]), df[-5:])
    assert_close(zero_shot.predict(6, state=state), zero_shot.predict(6, df=df), atol=1e-6)


def test_it_is_backtested(path: str) -> None:
    df = monthly()
    model = model_of(path).fit(df[:-12])
    rows = model.backtest(df, 6, n_windows=2)
    assert len(rows) == 2 * 2 * 6
    last = rows[rows["cutoff"] == df.index[-7]].pivot(
        index="ds", columns="unique_id", values="y_pred"
    )
    assert_close(last, model.predict(6, df=df[:-6]))


def test_paths_and_levels_lie_around_the_forecast(zero_shot: LSTMForecaster) -> None:
    paths = zero_shot.sample(5, num_samples=20, as_array=True)
    assert paths.shape[:3] == (2, 20, 5)
    assert np.isfinite(paths).all()
    bands = zero_shot.predict(5, level=[50, 90])
    for name in "ab":
        bounds = [(name, f"y{bound}") for bound in ("-lo-90", "-lo-50", "", "-hi-50", "-hi-90")]
        assert (np.diff(bands[bounds].to_numpy(), axis=1) >= 0).all()


def test_what_is_given_stands_in_the_forecast(zero_shot: LSTMForecaster) -> None:
    given = zero_shot.predict(6).mul(np.nan)
    given.iloc[2, 0] = 9.0
    forecast = zero_shot.predict(6, given=given)
    assert forecast.iloc[2, 0] == 9.0
    before = zero_shot.predict(6)
    assert_close(forecast.iloc[:2], before.iloc[:2], atol=1e-6)
    assert_close(forecast["b"], before["b"], atol=1e-6)
    assert abs(forecast.iloc[3, 0] - before.iloc[3, 0]) > 1e-6


@pytest.mark.parametrize("preset", KNOWING)
def test_it_is_saved_and_needs_no_file_of_weights_then(
    path: str, preset: str, tmp_path: Path
) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(Path(path).read_bytes())
    model = model_of(str(own), preset).fit(monthly())
    model.save(tmp_path / "model.tsgen")
    own.unlink()
    loaded = tsgen.load(tmp_path / "model.tsgen")
    assert loaded.settings_ == model.settings_
    pd.testing.assert_frame_equal(loaded.predict(6, level=80), model.predict(6, level=80))


@pytest.mark.parametrize("preset", KNOWING)
def test_holes_may_stay(path: str, preset: str) -> None:
    df = monthly()
    df.iloc[[20, 21, 40], 0] = np.nan
    forecast = model_of(path, preset).fit(df, fill="mask").predict(12)
    assert np.isfinite(forecast.to_numpy()).all()
    whole = model_of(path, preset).fit(monthly()).predict(12)
    assert_close(forecast["b"], whole["b"])
    assert (forecast["a"] != whole["a"]).any()


@pytest.mark.parametrize("preset", KNOWING)
def test_six_rows_are_enough(path: str, preset: str) -> None:
    forecast = model_of(path, preset).fit(monthly(6)).predict(18, level=80)
    assert len(forecast) == 18
    assert np.isfinite(forecast.to_numpy()).all()


def test_what_was_prepared_without_training_is_fitted(zero_shot: LSTMForecaster, path: str) -> None:
    model = model_of(path)
    model.prepare(monthly())
    pd.testing.assert_frame_equal(model.predict(6), zero_shot.predict(6))
    pd.testing.assert_frame_equal(model.predict(6, level=80), zero_shot.predict(6, level=80))


def test_what_was_prepared_for_training_is_not(path: str) -> None:
    model = model_of(path, "fine_tuned")
    model.prepare(monthly())
    with pytest.raises(tsgen.errors.NotFittedError):
        model.predict(6)


@pytest.mark.slow
def test_the_same_seed_has_the_same_forecast(path: str) -> None:
    arguments = {"max_steps": 2, "learning_rate": 1e-2}
    one, other = (model_of(path, "fine_tuned", **arguments).fit(monthly()) for _ in range(2))
    pd.testing.assert_frame_equal(one.predict(6), other.predict(6))
    moved = model_of(path, "fine_tuned", random_state=1, **arguments).fit(monthly())
    assert (moved.predict(6) != one.predict(6)).any(axis=None)


# ----------------------------------------------------------------- what the weights don't know


def with_covariates() -> pd.DataFrame:
    long = (
        monthly().rename_axis("ds").melt(ignore_index=False, var_name="unique_id", value_name="y")
    )
    return long.reset_index().assign(price=lambda df: np.cos(np.arange(len(df))))


def test_covariates_need_training(path: str) -> None:
    df = with_covariates()
    with pytest.raises(SettingError, match=r"covariates.*fine_tuned"):
        model_of(path).fit(df, future_covariates=["price"])
    with pytest.raises(SettingError, match=r"covariates.*fine_tuned"):
        model_of(path, calendar="auto").fit(monthly())


def test_a_system_needs_training(path: str) -> None:
    with pytest.raises(SettingError, match=r"channels.*fine_tuned"):
        model_of(path, multivariate=True).fit(monthly())


def test_before_they_are_learned_covariates_say_nothing(
    zero_shot: LSTMForecaster, path: str
) -> None:
    df = with_covariates()
    model = model_of(path, "fine_tuned").fit(df, future_covariates=["price"])
    ahead = zero_shot.predict(6).rename_axis("ds").melt(ignore_index=False, var_name="unique_id")
    ahead = ahead.reset_index().drop(columns="value").assign(price=5.0)
    forecast = model.predict(6, future_df=ahead).pivot(index="ds", columns="unique_id", values="y")
    assert_close(forecast, zero_shot.predict(6))


def test_before_it_is_learned_each_channel_of_a_system_is_a_series(
    zero_shot: LSTMForecaster, path: str
) -> None:
    model = model_of(path, "fine_tuned", multivariate=True).fit(monthly())
    assert_close(model.predict(8), zero_shot.predict(8))


# ------------------------------------------------------------------------------------- the seasons


def test_a_season_around_another() -> None:
    hours = pd.DataFrame({"a": wavy(400).to_numpy()}, pd.date_range("2024", periods=400, freq="h"))
    settings = settings_of(hours, preset="zero_shot", residual="seasonal")
    assert settings.lags == (1, 24, 48, 168, 192)
    assert (settings.residual_lag, settings.unit_season, settings.longer_season) == (24, 24, 168)
    given = settings_of(
        hours[:100], preset="zero_shot", season_length=(24, 168), residual="seasonal"
    )
    assert given.lags == settings.lags
    short = settings_of(hours[:100], preset="zero_shot", residual="seasonal")
    assert short.lags == (1, 24, 48, 72, 96)
    alone = settings_of(hours, preset="zero_shot", season_length=24, residual="seasonal")
    assert alone.lags == (1, 24, 48, 72, 96)


def test_a_pair_of_seasons_is_forecast(path: str) -> None:
    forecast = model_of(path, season_length=(4, 12)).fit(monthly()).predict(30)
    assert np.isfinite(forecast.to_numpy()).all()


def test_without_a_season_the_last_rows_are_read() -> None:
    settings = settings_of(wavy(), preset="zero_shot")
    assert settings.lags == (1, 2, 3, 4)
    assert (settings.residual_lag, settings.longer_season) == (1, None)
    walk = monthly() * 0 + np.random.default_rng(0).normal(size=(60, 2)).cumsum(axis=0)
    assert settings_of(walk, preset="zero_shot", residual="last").lags == (1, 2, 3, 4)


def test_weeks_know_their_year_and_begin_at_the_last_row(path: str) -> None:
    walk = np.random.default_rng(0).normal(size=300).cumsum()
    weeks = pd.Series(walk, pd.date_range("2015", periods=300, freq="W-SUN"), name="y")
    for residual in ("auto", "last"):
        settings = settings_of(weeks, preset="zero_shot", init=path, residual=residual)
        assert settings.lags == (1, 52, 104, 156, 208)
        assert (settings.residual_lag, settings.unit_season) == (1, 52)
        assert settings.season == Season(52)
    with pytest.raises(SettingError, match=r"residual='seasonal' contradicts.*52 rows"):
        settings_of(weeks, preset="zero_shot", init=path, residual="seasonal")
    assert np.isfinite(model_of(path).fit(weeks).predict(20)).all()


# ------------------------------------------------------------------------- what is chosen and given


@pytest.mark.parametrize("preset", KNOWING)
def test_a_preset_begins_with_weights_that_there_are(preset: str) -> None:
    settings = settings_of(monthly(), preset=preset)
    assert settings.init == "pretrained"
    assert settings.hidden_size in shipped_sizes()
    assert (settings.max_steps == 0) == (preset == "zero_shot")
    assert settings.window_norm


@pytest.mark.parametrize("preset", OPEN)
def test_a_preset_begins_with_weights_where_they_fit(preset: str) -> None:
    begun = settings_of(monthly(), preset=preset)
    assert (begun.init, begun.preset, begun.hidden_size) == ("pretrained", preset, 128)
    suiting = {"hidden_size": shipped_sizes()[0], "context_length": 30, "window_norm": True}
    assert settings_of(monthly(), preset=preset, **suiting).init == "pretrained"


@pytest.mark.parametrize("preset", OPEN)
@pytest.mark.parametrize(
    "arguments",
    [
        {"hidden_size": 16},
        {"num_layers": 2},
        {"lags": [12]},
        {"residual": None},
        {"window_norm": False},
        {"init": "random"},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_it_begins_with_random_ones_elsewhere(preset: str, arguments: dict[str, Any]) -> None:
    settings = settings_of(monthly(), preset=preset, **arguments)
    recipe = PRESETS[preset].from_scratch
    assert recipe is not None
    assert settings.init == "random"
    assert settings.max_steps == recipe.of("max_steps", rows=120)
    assert settings.start_share == 0


@pytest.mark.parametrize("preset", OPEN)
def test_weights_don_t_fit_other_cells_channels_and_unknown_seasons(preset: str) -> None:
    gru = GRUForecaster(preset=preset).get_params(deep=False)
    assert choose_settings(gru, read_panel(monthly()), "gru").init == "random"
    channels = LSTMForecaster(preset=preset, multivariate=True)
    assert channels.prepare(monthly())
    assert channels.settings_.init == "random"
    assert settings_of(wavy(), preset=preset).init == "random"
    assert settings_of(wavy(), preset=preset, season_length=9).init == "pretrained"


@pytest.mark.parametrize(
    ("preset", "init"),
    [("balanced", "pretrained"), ("fine_tuned", "pretrained"), ("accurate", "random")],
)
def test_covariates_are_learned_for_longer(preset: str, init: str) -> None:
    told = LSTMForecaster(preset=preset, calendar="auto")
    assert told.prepare(monthly())
    alone = settings_of(monthly(), preset=preset)
    assert told.settings_.init == init
    assert told.settings_.max_steps > alone.max_steps
    assert told.settings_.start_share == 0
    assert told.settings_.error_limit is None
    assert (told.settings_.loss, told.settings_.n_models) == (alone.loss, alone.n_models)


def test_rows_that_a_covariate_explains_are_no_outliers() -> None:
    """A flag at rows forty spreads below the others, which an error limit would never let in."""
    days = pd.date_range("2020-01-01", periods=500, freq="D")
    off = np.arange(500) % 11 == 4
    noise = np.random.default_rng(0).normal(size=500)
    df = pd.DataFrame({"ds": days, "y": 100 + noise - 40 * off, "off": off.astype(float)})
    model = LSTMForecaster(verbose=False).fit(df.head(489), future_covariates="off")
    forecast = model.predict(11, future_df=df.tail(11))["y"].to_numpy()
    assert np.ptp(forecast[~off[-11:]]) < 15
    np.testing.assert_allclose(forecast[off[-11:]], 60, atol=12)


@pytest.mark.parametrize("preset", OPEN)
def test_without_weights_in_the_package_all_begin_with_random_ones(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsgen.forecasters.starting.shipped_sizes", tuple)
    assert settings_of(monthly(), preset=preset).init == "random"


def test_fast_begins_with_random_weights_or_those_that_are_named(path: str) -> None:
    assert settings_of(monthly(), preset="fast").init == "random"
    named = settings_of(monthly(), preset="fast", init=path)
    assert (named.init, named.hidden_size) == (path, UNITS)
    assert settings_of(monthly(), init=Path(path)) == settings_of(monthly(), init=path)


def test_random_weights_may_be_named(path: str) -> None:
    free = {"hidden_size": 3, "num_layers": 2, "lags": [5], "residual": None, "window_norm": False}
    settings = settings_of(monthly(), preset="fine_tuned", init="random", **free)
    assert (settings.hidden_size, settings.num_layers, settings.lags) == (3, 2, (1, 5))
    assert settings.init == "random"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"hidden_size": UNITS + 1}, "hidden_size"),
        ({"num_layers": 2}, "num_layers"),
        ({"lags": [1, 2]}, "lags"),
        ({"lags": None}, "lags"),
        ({"residual": None}, "residual"),
        ({"window_norm": False}, "window_norm"),
    ],
    ids=str,
)
@pytest.mark.parametrize("preset", KNOWING)
def test_what_contradicts_the_weights_is_refused(
    path: str, preset: str, arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(SettingError, match=rf"{named}=.*pretrained weights.*init='random'"):
        settings_of(monthly(), preset=preset, init=path, **arguments)


def test_what_agrees_with_the_weights_may_be_said(path: str) -> None:
    said = {"hidden_size": UNITS, "num_layers": 1, "lags": [36, 12, 1, 48, 24], "window_norm": True}
    said |= {"residual": "seasonal", "context_length": 30}
    settings = settings_of(monthly(), preset="zero_shot", init=path, **said)
    assert (settings.lags, settings.context_length) == ((1, 12, 24, 36, 48), 30)


@pytest.mark.parametrize("preset", KNOWING)
def test_weights_of_an_lstm_are_not_those_of_a_gru(preset: str) -> None:
    with pytest.raises(SettingError, match="LSTMForecaster"):
        GRUForecaster(preset=preset).fit(monthly())


def test_units_of_which_none_come_with_tsgen() -> None:
    absent = max(shipped_sizes()) + 1
    with pytest.raises(SettingError, match=rf"hidden_size={absent}.*{shipped_sizes()[0]}"):
        settings_of(monthly(), preset="zero_shot", hidden_size=absent)


def test_a_path_of_no_weights(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="there is no such file"):
        model_of(str(tmp_path / "missing")).fit(monthly())
    (tmp_path / "notes.txt").write_text("buy milk")
    with pytest.raises(ModelFileError, match=r"notes\.txt holds no pretrained weights"):
        model_of(str(tmp_path / "notes.txt")).fit(monthly())


@pytest.mark.parametrize("init", [3, None, True, ["pretrained"]])
def test_init_is_a_name_or_a_path(init: Any) -> None:
    with pytest.raises(SettingError, match=r"init=.*'auto', 'random', 'pretrained'"):
        settings_of(monthly(), init=init)


def test_random_weights_need_training() -> None:
    with pytest.raises(SettingError, match="no training steps need pretrained weights"):
        settings_of(monthly(), preset="zero_shot", init="random")
    with pytest.raises(SettingError, match="max_steps=0"):
        settings_of(monthly(), preset="balanced", max_steps=0)


# ------------------------------------------------------------------------- weights of one's own


def test_weights_that_were_pretrained_are_begun_with(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    tsgen.pretrain(path, 2, hidden_size=UNITS, batch_size=8, verbose=False)
    model = LSTMForecaster(preset="zero_shot", init=path, verbose=False).fit(monthly())
    assert (model.settings_.init, model.settings_.hidden_size) == (str(path), UNITS)
    learned = at_season(read_weights(path).network, model.settings_.season).state_dict()
    for name, weight in model.module_.network.state_dict().items():
        torch.testing.assert_close(weight, learned[name])
    model.save(tmp_path / "model.tsgen")
    assert tsgen.load(tmp_path / "model.tsgen").init == str(path)


def test_fine_tuned_weights_lie_between_the_first_and_the_learned(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = settings_of(monthly(), preset="fine_tuned").start_share
    assert 0 < share < 1
    arguments = {"max_steps": 2, "learning_rate": 1e-2, "init": path}
    before = model_of(path).fit(monthly()).module_.network.state_dict()
    learned = []

    train = tsgen.training.train

    def watched(module: Any, *others: Any, **kwargs: Any) -> Any:
        losses = train(module, *others, **kwargs)
        learned.append({k: v.clone() for k, v in module.network.state_dict().items()})
        return losses

    monkeypatch.setattr(tsgen.training, "train", watched)
    model = LSTMForecaster(preset="fine_tuned", verbose=False, **arguments).fit(monthly())
    (after,) = learned
    assert any((after[name] != before[name]).any() for name in after)
    for name, weight in model.module_.network.state_dict().items():
        expected = share * before[name] + (1 - share) * after[name]
        torch.testing.assert_close(weight, expected)


# ------------------------------------------------------------------------- what isn't contradicted


def test_rows_that_nothing_was_learned_from_are_no_training_rows(zero_shot: LSTMForecaster) -> None:
    """Warnings are errors."""
    assert len(zero_shot.backtest(monthly(), 6)) == 12


def test_layers_are_those_of_the_weights(tmp_path: Path) -> None:
    """Their number has a default, which nobody has given."""
    two = tmp_path / "two.safetensors"
    write_weights(two, seasonal_architecture(UNITS, 2).network(), {})
    assert model_of(str(two)).fit(monthly()).settings_.num_layers == 2
    with pytest.raises(SettingError, match="num_layers=3 contradicts"):
        model_of(str(two), num_layers=3).fit(monthly())


def test_lag_1_need_not_be_named(path: str) -> None:
    model = model_of(path, lags=[12, 24, 36, 48], residual="seasonal").fit(monthly())
    assert model.settings_.lags == (1, 12, 24, 36, 48)
