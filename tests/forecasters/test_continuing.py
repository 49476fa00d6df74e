"""`fit(df, init=fitted)`: what training takes over from a fitted model, and what doesn't fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal
from support.model_files import model_of, packed, unpacked
from support.weights import some_weights

import tsgen
from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import (
    ModelFileError,
    NotFittedError,
    SettingError,
    TrainingRowsWarning,
)
from tsgen.training import FreeRunning

ROWS = 72
H = 4
STILL: dict[str, Any] = {"max_steps": 1, "learning_rate": 1e-9, "verbose": False}
"""A training that changes nothing to speak of."""


def frame(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    t = np.arange(rows)
    noise = np.random.default_rng(seed).normal(size=(rows, 2))
    values = np.sin(2 * np.pi * t / 12)[:, None] * [2.0, 5.0] + 0.2 * noise + [3.0, 40.0]
    index = pd.date_range("2010-01-01", periods=rows, freq="MS", name="ds")
    return pd.DataFrame(values, index, columns=["a", "b"])


def small(**arguments: Any) -> LSTMForecaster:
    usual = {"max_steps": 4, "hidden_size": 4, "context_length": 12, "verbose": False}
    return LSTMForecaster(**(usual | arguments))


@pytest.fixture(scope="module")
def first() -> LSTMForecaster:
    return small(n_models=2, learning_rate=0.05).fit(frame(48))


def weights_of(model: LSTMForecaster) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in model.module_.state_dict().items()}


# ---------------------------------------------------------------------------------- what is taken


def test_training_begins_with_the_weights_of_all_members(first: LSTMForecaster) -> None:
    again = LSTMForecaster(**STILL).fit(frame(), init=first)
    assert_frame_equal(again.predict(H), first.predict(H, df=frame()), rtol=1e-5)
    assert len(again.module_.networks) == 2


def test_what_is_left_to_auto_is_as_the_fitted_model_has_it() -> None:
    given: dict[str, Any] = {
        "season_length": 6, "context_length": 13, "lags": [2, 6], "residual": "last",
        "hidden_size": 3, "dropout": 0.1, "loss": "huber", "max_steps": 3, "batch_size": 5,
        "training_strategy": FreeRunning(steps=3), "learning_rate": 0.01, "preset": "fast",
    }  # fmt: skip
    before = LSTMForecaster(**given, verbose=False).fit(frame(48))
    after = LSTMForecaster(verbose=False).fit(frame(), init=before)
    different = {
        name
        for name, value in vars(before.settings_).items()
        if value != getattr(after.settings_, name)
    }
    assert different == {"init"}
    assert after.settings_.init == "fitted"


def test_recipes_of_pretrained_weights_are_kept(tmp_path: Path) -> None:
    init = some_weights(tmp_path)
    before = small(preset="fine_tuned", init=init, context_length="auto").fit(frame(48))
    after = LSTMForecaster(verbose=False).fit(frame(48), init=before)
    assert replace(after.settings_, init=init) == before.settings_


def test_what_is_given_wins(first: LSTMForecaster) -> None:
    given: dict[str, Any] = {
        "context_length": 20, "loss": "mae", "max_steps": 2, "batch_size": 3,
        "learning_rate": 0.5, "dropout": 0.3, "training_strategy": FreeRunning(steps=2),
    }  # fmt: skip
    settings = LSTMForecaster(**given, verbose=False).fit(frame(), init=first).settings_
    assert {name: getattr(settings, name) for name in given} == given
    assert settings.lags == first.settings_.lags


def test_scalers_are_those_of_the_new_rows(first: LSTMForecaster) -> None:
    other = 1000 * frame(seed=1)
    again = LSTMForecaster(**STILL).fit(other, init=first)
    expected = small().fit(other).scaler_.scalers
    np.testing.assert_array_equal(again.scaler_.scalers.scale, expected.scale)


def test_the_fitted_one_is_not_changed(first: LSTMForecaster) -> None:
    before, forecast = weights_of(first), first.predict(H)
    again = LSTMForecaster(learning_rate=0.5, verbose=False).fit(frame(), init=first)
    after = weights_of(first)
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert_frame_equal(first.predict(H), forecast)
    assert any(not torch.equal(weights_of(again)[name], w) for name, w in before.items())


def test_it_may_be_the_forecaster_itself(first: LSTMForecaster) -> None:
    model = small().fit(frame(48))
    expected = small().fit(frame(), init=model)
    assert_frame_equal(model.fit(frame(), init=model).predict(H), expected.predict(H))
    assert len(model._seen_before) == 1


def test_a_fit_without_it_begins_anew() -> None:
    model = small().fit(frame(48))
    model.fit(frame(), init=model).fit(frame())
    assert_frame_equal(model.predict(H), small().fit(frame()).predict(H))
    assert model.settings_.init == "random"
    assert model._seen_before == ()


def test_prepare_begins_there_too(first: LSTMForecaster) -> None:
    model = LSTMForecaster(verbose=False)
    module, _ = model.prepare(frame(), init=first)
    start = weights_of(first)
    assert all(torch.equal(weight, start[name]) for name, weight in module.state_dict().items())
    with pytest.raises(NotFittedError, match="learned nothing yet"):
        model.predict(H)


def test_a_model_without_training_goes_on_without_or_with_steps(tmp_path: Path) -> None:
    weights = some_weights(tmp_path)
    before = LSTMForecaster(preset="zero_shot", init=weights, verbose=False).fit(frame(48))
    after = LSTMForecaster(verbose=False).fit(frame(), init=before)
    assert (after.settings_.max_steps, after.settings_.preset) == (0, "zero_shot")
    assert_frame_equal(after.predict(H), before.predict(H, df=frame()), rtol=1e-5)
    tuned = LSTMForecaster(max_steps=2, verbose=False).fit(frame(), init=before)
    assert not tuned.predict(H).equals(after.predict(H))


@pytest.mark.parametrize("preset", ["fine_tuned", "balanced"])
def test_several_channels(preset: str, tmp_path: Path) -> None:
    """Of pretrained weights each channel has its own units."""
    init = some_weights(tmp_path) if preset == "fine_tuned" else "auto"
    model = small(preset=preset, init=init, multivariate=True, context_length="auto")
    before = model.fit(frame(48))
    after = LSTMForecaster(**STILL, multivariate=True).fit(frame(), init=before)
    assert_frame_equal(after.predict(H), before.predict(H, df=frame()), rtol=1e-4)
    third = LSTMForecaster(**STILL, multivariate=True, hidden_size=4).fit(frame(), init=after)
    assert_frame_equal(third.predict(H), after.predict(H), rtol=1e-4)


def test_a_short_series(first: LSTMForecaster) -> None:
    short = LSTMForecaster(verbose=False).fit(frame(6), init=first)
    assert np.isfinite(short.predict(H).to_numpy()).all()


# ------------------------------------------------------------------------------------- categories


def of_kinds(kinds: str, rows: int = 40) -> pd.DataFrame:
    random = np.random.default_rng(len(kinds))
    ds = pd.date_range("2024-01-01", periods=rows)
    return pd.DataFrame(
        {
            "ds": ds,
            "y": random.normal(size=rows).cumsum(),
            "x": random.normal(size=rows),
            "kind": [kinds[i % len(kinds)] for i in range(rows)],
        }
    )


COVARIATES: dict[str, Any] = {"future_covariates": ["x", "kind"]}


@pytest.mark.parametrize("kinds", ["ac", "acd", "b", "bcefgh"])
def test_categories_keep_their_vectors_and_new_ones_are_their_mean(kinds: str) -> None:
    before = small(lags=None).fit(of_kinds("acd"), **COVARIATES)
    after = LSTMForecaster(**STILL).fit(of_kinds(kinds), **COVARIATES, init=before)
    schema = after.panel_.covariates.schema[1]
    new = [kind for kind in kinds if kind not in "acd"]
    assert schema.categories.tolist() == ["a", "c", "d", *new]
    old_vectors, vectors = (
        model.model_.network.covariates.vectors["1"].detach() for model in (before, after)
    )
    width = old_vectors.shape[1]
    torch.testing.assert_close(vectors[:3, :width], old_vectors, atol=1e-6, rtol=0)
    mean = old_vectors.mean(dim=0).expand(len(new), -1)
    torch.testing.assert_close(vectors[3:, :width], mean, atol=1e-6, rtol=0)


def test_forecasts_of_known_and_of_new_categories_are_as_before() -> None:
    before = small(covariate_scaler=None).fit(of_kinds("acd"), **COVARIATES)
    after = LSTMForecaster(**STILL, covariate_scaler=None)
    after.fit(of_kinds("bcefgh"), **COVARIATES, init=before)
    history = of_kinds("acd", rows=30)
    ahead = pd.DataFrame(
        {"ds": pd.date_range("2024-01-31", periods=H), "x": 0.0, "kind": list("adnb")}
    )
    results = [
        model.predict(H, df=history.assign(unique_id="s"), future_df=ahead.assign(unique_id="s"))
        for model in (before, after)
    ]
    assert_frame_equal(*results, rtol=1e-4)


def test_a_backtest_unites_the_categories_of_each_refit() -> None:
    before = small().fit(of_kinds("ac"), **COVARIATES)
    later = of_kinds("cd").assign(ds=pd.date_range("2025-01-01", periods=40))
    after = LSTMForecaster(**STILL).fit(later, **COVARIATES, init=before)
    rows = after.backtest(later, H, n_windows=2, refit=True)
    assert rows["y_pred"].notna().all()


# ------------------------------------------------------------------------------ what doesn't fit


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_size": 8}, r"hidden_size comes to 8.* has 4: pass hidden_size=4"),
        ({"num_layers": 2}, r"num_layers comes to 2.* has 1"),
        ({"lags": [1, 5]}, r"lags comes to \[1, 5, 12\].* has \[1, 12\]"),
        ({"n_models": 3}, r"n_models comes to 3.* has 2: pass n_models=2"),
        ({"window_norm": False}, r"window_norm comes to False.* has True"),
        ({"residual": "last"}, r"residual comes to 1.* the value 12 rows ago"),
        ({"residual": None}, r"residual comes to None.* the value 12 rows ago"),
        ({"preset": "fast"}, r"preset='fast' beside init=.*'balanced'"),
        ({"preset": "best"}, r"preset='best'"),
        ({"multivariate": True}, r"has 2 channels.* has 1 channel:"),
        ({"calendar": "auto"}, r"the covariates are 'month.*, but none in the fitted"),
        ({"loss": "l2"}, r"loss='l2'"),
    ],
)
def test_arguments_that_say_otherwise(
    first: LSTMForecaster, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        LSTMForecaster(**arguments).fit(frame(), init=first)


def test_the_arguments_that_made_the_fitted_one_fit_it() -> None:
    arguments: dict[str, Any] = {"lags": [24], "residual": "seasonal", "n_models": 2}
    model = small(**arguments).fit(frame(48))
    assert small(**arguments).fit(frame(), init=model).settings_.lags == (1, 12, 24)


OTHERS: dict[str, tuple[Callable[[], Any], str]] = {
    "another cell": (lambda: GRUForecaster(max_steps=1).fit(frame()), "use GRUForecaster"),
    "not fitted": (LSTMForecaster, "isn't fitted yet"),
    "a path": (lambda: "model.tsgen", r"tsgen\.load"),
    "a baseline": (lambda: tsgen.Naive().fit(frame()), "expected a fitted forecaster"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_training_can_t_go_on_from(other: str) -> None:
    make, message = OTHERS[other]
    with pytest.raises((SettingError, NotFittedError), match=message):
        LSTMForecaster().fit(frame(), init=make())


def test_other_covariates() -> None:
    before = small().fit(of_kinds("ac"), **COVARIATES)
    for names, rows, message in (
        ({}, of_kinds("ac"), "none, but 'x'"),
        ({"future_covariates": ["kind", "x"]}, of_kinds("ac"), "same order"),
        ({"future_covariates": ["x"], "past_covariates": ["kind"]}, of_kinds("ac"), "past"),
        (COVARIATES, of_kinds("ac").assign(kind=1.0), "numbers"),
        (COVARIATES, of_kinds("ac").assign(kind=True), "'kind' holds bool, but text"),
    ):
        with pytest.raises(SettingError, match=message):
            LSTMForecaster().fit(rows, **names, init=before)


def test_a_refused_fit_leaves_the_forecaster_as_it_was(first: LSTMForecaster) -> None:
    model = small(hidden_size=8).fit(frame())
    before = model.predict(H)
    with pytest.raises(SettingError):
        model.fit(frame(), init=first)
    assert_frame_equal(model.predict(H), before)


# -------------------------------------------------------------------------- fits beside, and files


def test_a_calibration_begins_with_the_same_weights() -> None:
    """So that without training to speak of the levels are those of the first model's errors."""
    first = small(learning_rate=0.05).fit(frame(48))
    again = LSTMForecaster(**STILL).fit(frame(), init=first)
    still = LSTMForecaster(**STILL).fit(frame(), init=again)
    factors = [model.calibrate().calibration_.factors for model in (again, still)]
    np.testing.assert_allclose(*factors, rtol=1e-3)
    anew = small(**STILL).fit(frame()).calibrate().calibration_.factors
    assert not np.allclose(anew, factors[0], rtol=1e-3)


def test_a_refit_begins_with_the_same_weights(first: LSTMForecaster) -> None:
    later = frame()
    model = LSTMForecaster(max_steps=2, verbose=False).fit(later, init=first)
    rows = model.backtest(later[["a"]], H, refit=True)
    expected = LSTMForecaster(max_steps=2, verbose=False).fit(later[["a"]].iloc[:-H], init=first)
    np.testing.assert_allclose(rows["y_pred"], expected.predict(H)["a"], rtol=1e-6)


def test_rows_that_a_start_has_seen_are_training_rows() -> None:
    """Those of the one before it, too, whatever is fitted anew."""
    oldest = small(**STILL).fit(frame(60))
    older = LSTMForecaster(**STILL).fit(frame(40), init=oldest)
    model = LSTMForecaster(**STILL).fit(frame(30), init=older)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.backtest(frame(64), H)
        model.backtest(frame(64), H, refit=True)
    for refit in (False, True):
        with pytest.warns(TrainingRowsWarning, match="or one that it went on from") as caught:
            model.backtest(frame(63), H, refit=refit)
        assert "1 of" in str(caught[0].message) or "2 of" in str(caught[0].message)
        assert "refit=True" not in str(caught[0].message)


def test_other_series_were_not_seen() -> None:
    first = small(**STILL).fit(frame())
    others = frame().rename(columns={"a": "c", "b": "d"})
    model = LSTMForecaster(**STILL).fit(others.iloc[:-H], init=first)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.backtest(others, H)


@pytest.fixture(scope="module")
def saved(first: LSTMForecaster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = LSTMForecaster(max_steps=2, verbose=False).fit(frame(), init=first)
    path = tmp_path_factory.mktemp("saved") / "model.tsgen"
    model.save(path)
    return path


def test_a_loaded_one_forecasts_and_is_calibrated_as_before(
    first: LSTMForecaster, saved: Path
) -> None:
    model = LSTMForecaster(max_steps=2, verbose=False).fit(frame(), init=first)
    loaded = tsgen.load(saved)
    assert_frame_equal(loaded.predict(H), model.predict(H))
    assert loaded.settings_ == model.settings_
    loaded.calibrate(frame())
    assert_frame_equal(loaded.predict(H, level=80), model.predict(H, level=80))
    with pytest.warns(TrainingRowsWarning, match="or one that it went on from"):
        loaded.backtest(frame(48), H, refit=True)


def test_a_loaded_one_is_gone_on_from(saved: Path) -> None:
    loaded = tsgen.load(saved)
    again = LSTMForecaster(**STILL).fit(frame(), init=loaded)
    assert_frame_equal(again.predict(H), loaded.predict(H), rtol=1e-5)
    assert len(again._seen_before) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"cell": "mlp"},
        {"hidden_size": 5},
        {"hidden_size": 2**40},
        {"channels": 2},
        {"schema": {"tuple": [{"Covariate": {"name": "x", "role": "future", "categories": None}}]}},
        {"seen": None},
    ],
    ids=str,
)
def test_a_file_whose_start_makes_no_sense(
    saved: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    data = saved.read_bytes()
    model = model_of(data)
    model["origin"]["Origin"] |= change
    (tmp_path / "odd.tsgen").write_bytes(packed(unpacked(data), model=model))
    with pytest.raises(ModelFileError):
        tsgen.load(tmp_path / "odd.tsgen")
