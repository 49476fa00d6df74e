"""A search for settings: what it tries, what it keeps, and how it goes on."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import tsgen
from tsgen import GRUForecaster, LSTMForecaster, Tuned, tune
from tsgen.errors import MissingExtraError, SettingError

optuna = pytest.importorskip("optuna")

ROWS = 90
SINE = pd.Series(
    np.sin(2 * np.pi * np.arange(ROWS) / 9) + 5,
    index=pd.date_range("2024-01-01", periods=ROWS),
    name="y",
)
SMALL = LSTMForecaster(hidden_size=4, max_steps=3, context_length=12, verbose=False)


class Failing(LSTMForecaster):
    """A model whose trials fail in training, after all arguments were found good."""

    def _learn(self, *_: Any, **__: Any) -> Any:
        raise SettingError("no luck")


def search(df: Any = SINE, **arguments: Any) -> Tuned:
    usual: dict[str, Any] = {"n_trials": 3, "model": SMALL, "space": {"residual": ["last", None]}}
    return tune(df, 6, **(usual | arguments))


def test_the_first_trial_is_the_model_as_it_is_and_the_best_one_is_kept() -> None:
    """Of a sine of nine rows that repeats itself, nothing beats the value nine rows ago."""
    model = LSTMForecaster(max_steps=1, hidden_size=2, context_length=12, season_length=9)
    tuned = search(model=model.set_params(residual="last"), space={"residual": ["seasonal"]})
    first = tuned.trials.set_index("trial").loc[0]
    assert pd.isna(first["residual"])
    assert tuned.params == {"residual": "seasonal"}
    assert tuned.score == tuned.trials["score"].iloc[0] < 0.1 * first["score"]
    assert tuned.model.residual == "seasonal"
    assert not hasattr(tuned.model, "panel_")
    assert tuned.model.fit(SINE).predict(6).shape == (6,)


def test_a_model_that_does_best_as_it_is_stays_as_it_is() -> None:
    model = LSTMForecaster(max_steps=1, hidden_size=2, context_length=12, season_length=9)
    tuned = search(model=model.set_params(residual="seasonal"), space={"residual": ["last"]})
    assert tuned.params == {}
    assert tuned.model.residual == "seasonal"


def test_the_score_is_that_of_a_backtest_by_hand() -> None:
    tuned = search(n_trials=1, n_windows=2, step=3, metric="mae")
    train, _ = tsgen.hold_out(SINE, 9)
    rows = LSTMForecaster(**SMALL.get_params()).fit(train).backtest(SINE, 6, n_windows=2, step=3)
    assert tuned.score == tsgen.score(rows, "mae")["mae"].item()


@pytest.mark.slow
def test_ranges_and_objects_may_be_searched() -> None:
    space = {
        "learning_rate": (1e-3, 1e-2),
        "hidden_size": (2, 4),
        "training_strategy": [tsgen.FreeRunning(steps=3), tsgen.NoisyInputs(0.1)],
    }
    tuned = search(space=space, n_trials=4)
    drawn = tuned.trials.dropna()
    assert len(drawn) == 3
    assert drawn["learning_rate"].between(1e-3, 1e-2).all()
    assert drawn["hidden_size"].isin([2, 3, 4]).all()
    assert set(drawn["training_strategy"]) <= set(space["training_strategy"])
    if tuned.params:
        assert tuned.params["training_strategy"] in space["training_strategy"]


def test_by_default_what_the_model_says_is_not_searched() -> None:
    tuned = search(space=None, n_trials=1)
    assert "hidden_size" not in tuned.trials
    assert "context_length" not in tuned.trials
    assert {"residual", "learning_rate", "loss", "training_strategy"} <= set(tuned.trials)


def test_by_default_a_pretrained_start_is_kept() -> None:
    tuned = search(space=None, n_trials=1, model=LSTMForecaster(max_steps=1, verbose=False))
    assert not {"residual", "hidden_size"} & set(tuned.trials)
    assert {"context_length", "learning_rate", "loss", "training_strategy"} <= set(tuned.trials)


@pytest.mark.slow
def test_a_search_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    whole = search(n_trials=5, run_dir=tmp_path / "whole")
    search(n_trials=2, run_dir=tmp_path / "parts")
    parts = search(n_trials=5, run_dir=tmp_path / "parts")
    assert len(parts.trials) == len(whole.trials) == 5
    # The first two are those of the first call, with their seconds.
    again = search(n_trials=5, run_dir=tmp_path / "parts")
    pd.testing.assert_frame_equal(again.trials, parts.trials)


def test_a_spent_budget_begins_no_trial(tmp_path: Path) -> None:
    first = search(n_trials=1, run_dir=tmp_path)
    again = search(n_trials=9, budget=1e-9, run_dir=tmp_path)
    pd.testing.assert_frame_equal(again.trials, first.trials)


def test_the_folder_of_another_search_is_refused(tmp_path: Path) -> None:
    search(n_trials=1, run_dir=tmp_path)
    with pytest.raises(SettingError, match="another search"):
        search(SINE.iloc[:-1], n_trials=1, run_dir=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        ({"space": {"hidden": [4]}}, r"space='hidden' is no argument of LSTMForecaster"),
        ({"space": {"hidden_size": []}}, r"space\['hidden_size'\]=\[\]"),
        ({"space": {"hidden_size": "16"}}, r"space\['hidden_size'\]='16'"),
        ({"space": {"learning_rate": (1e-2, 1e-3)}}, r"\(low, high\)"),
        ({"space": {"loss": ("mae", "mse", 3)}, "budget": -1}, "budget=-1"),
        ({"n_trials": 0}, "n_trials=0"),
        ({"n_windows": 0}, "n_windows=0"),
        ({"metric": "mistake"}, "mistake"),
        ({"random_state": -1}, "random_state=-1"),
    ],
    ids=range(9),
)
def test_what_can_not_be_searched(arguments: dict[str, Any], needle: str) -> None:
    with pytest.raises(SettingError, match=needle):
        search(**({"n_trials": 1} | arguments))


def test_a_model_that_fails_as_it_is_says_why() -> None:
    with pytest.raises(SettingError, match="no luck"):
        search(n_trials=2, metric="mae", model=Failing(**SMALL.get_params()))


def test_a_trial_that_fails_is_left_out() -> None:
    tuned = search(space={"dropout": [5]}, n_trials=3)
    assert tuned.params == {}
    assert tuned.trials["score"].isna().sum() == 2


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_any_layout_is_searched(layout: str) -> None:
    wide = pd.DataFrame({"a": SINE, "b": SINE**2})
    if layout == "wide":
        tuned = search(wide, n_trials=1, model=GRUForecaster(**SMALL.get_params()))
        assert isinstance(tuned.model, GRUForecaster)
    else:
        long = wide.rename_axis("day").reset_index().melt("day", var_name="shop", value_name="sold")
        tuned = search(long, n_trials=1, id_col="shop", time_col="day", target_col="sold")
    assert np.isfinite(tuned.score)


def test_nothing_is_printed_and_optuna_is_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(logging.WARNING)
    search(n_trials=2, verbose=True)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == logging.WARNING


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"tsgen\[tune\]"):
        search()


def test_a_search_that_goes_on_needs_a_seed(tmp_path: Path) -> None:
    model = clone(SMALL).set_params(random_state=None)
    with pytest.raises(SettingError, match="random_state=None draws another seed"):
        search(model=model, run_dir=tmp_path)
