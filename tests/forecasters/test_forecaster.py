"""Closed-loop forecasts of series whose continuation is known.

Trained with few steps and small networks. Each tolerance lies well below what the next best
guess errs: the last value, the mean, the last season.
"""

from __future__ import annotations

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_is_fitted
from support.problems import Problem, ar1, constant, seasonal_trend, sine, trend, wavy
from support.processes import output_of

from tsgen import GRUForecaster, LSTMForecaster, SeasonalNaive
from tsgen.errors import NotFittedError, SettingError

MODELS = [LSTMForecaster, GRUForecaster]
# torch's GRU takes two to three times as long as its LSTM on a CPU.
SLOW_GRU = [LSTMForecaster, pytest.param(GRUForecaster, marks=pytest.mark.slow)]
LEARNER = {"max_steps": 60, "hidden_size": 16, "batch_size": 8, "learning_rate": 1e-2}


def small(model: type, **settings: Any) -> Any:
    return model(**({"max_steps": 5, "hidden_size": 8, "verbose": False} | settings))


def worst_error(model: Any, problem: Problem) -> float:
    forecast = model.fit(problem.history).predict(len(problem.future))
    assert forecast.index.equals(problem.future.index)
    return float((forecast - problem.future).abs().max())


# ------------------------------------------------------------------------------- the closed loop


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("settings", [{}, {"window_norm": False, "scaler": None}])
@pytest.mark.parametrize("value", [0.0, 7.3, -1e12])
def test_a_constant_stays_exactly_what_it_is(
    model: type, settings: dict[str, Any], value: float
) -> None:
    assert worst_error(small(model, **settings), constant(value)) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_line_goes_on(model: type) -> None:
    """Within 5 % of its range; the last value would err by 20 %."""
    problem = trend()
    forecaster = small(model, **LEARNER)
    assert worst_error(forecaster, problem) < 0.05 * np.ptp(problem.history)


@pytest.mark.slow
@pytest.mark.parametrize("model", SLOW_GRU)
def test_a_sine_goes_on_for_three_periods(model: type) -> None:
    """Within 0.1 of an amplitude of 1, so the phase is kept to 1/60 of a period."""
    forecaster = small(
        model,
        max_steps=120,
        hidden_size=16,
        batch_size=8,
        learning_rate=2e-2,
        context_length=40,
        lags=[20],
        residual=None,
    )
    assert worst_error(forecaster, sine()) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_sine_goes_on_by_the_recurrent_state_alone(model: type) -> None:
    """No lag of a period: what the network knows of the phase stands in its state."""
    forecaster = small(
        model,
        max_steps=300,
        hidden_size=32,
        batch_size=16,
        learning_rate=5e-3,
        context_length=40,
        lags=None,
        residual="last",
    )
    assert worst_error(forecaster, sine()) < 0.1


def ar1_error(model: Any, mean: float) -> float:
    """The worst error of 12 steps from rows about 1 deviation (1.7) above and below the mean."""
    series = ar1(mean=mean)
    model.fit(series)
    by_value = series.iloc[100:].sort_values().index
    ends = [*by_value[400:405], *by_value[-405:-400]]
    decay = 0.8 ** np.arange(1, 13)
    errors = []
    for end in ends:
        forecast = model.predict(12, df=series.loc[end - 60 : end])
        errors.append(np.abs(forecast - (mean + decay * (series[end] - mean))).max())
    return float(max(errors))


AR1 = {"window_norm": False, "lags": None, "context_length": 30, "max_steps": 100,
       "batch_size": 8, "learning_rate": 1e-2}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("model", SLOW_GRU)
@pytest.mark.parametrize("residual", [pytest.param(None, marks=pytest.mark.slow), "last"])
def test_an_ar1_process_decays_to_its_mean(model: type, residual: Any) -> None:
    """Within 0.6; repeating the last value errs by 1.7 in the end, the mean by 1.4 at once."""
    forecaster = small(model, residual=residual, **AR1)
    assert ar1_error(forecaster, mean=2.0) < 0.6


@pytest.mark.slow
def test_the_level_of_an_ar1_process_does_not_bias_it() -> None:
    """The same without a scaler, which leaves the mean where it is: 1.2 deviations from 0."""
    forecaster = small(LSTMForecaster, residual="last", scaler=None, **AR1)
    assert ar1_error(forecaster, mean=2.0) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("model", SLOW_GRU)
def test_a_season_on_a_line_beats_seasonal_naive(model: type) -> None:
    """Which is a year's rise, 0.6, too low and then twice that; the noise is 0.1."""
    problem = seasonal_trend()
    forecaster = small(model, **LEARNER)
    forecast = forecaster.fit(problem.history).predict(24)
    naive = SeasonalNaive().fit(problem.history).predict(24)
    error, naive_error = ((f - problem.future).abs().mean() for f in (forecast, naive))
    assert error < 0.3 * naive_error


@pytest.mark.parametrize("model", MODELS)
def test_a_longer_horizon_begins_with_the_shorter_one(model: type) -> None:
    forecaster = small(model, lags=[3, 12]).fit(wavy())
    assert forecaster.predict(5).equals(forecaster.predict(40).iloc[:5])


def test_the_unit_of_a_series_does_not_matter() -> None:
    forecast = small(LSTMForecaster).fit(wavy()).predict(6)
    scaled = small(LSTMForecaster).fit(1e6 * wavy() - 3e8).predict(6)
    np.testing.assert_allclose((scaled + 3e8) / 1e6, forecast, atol=1e-4)


def test_a_forecast_reads_the_context_and_nothing_before_it() -> None:
    model = small(LSTMForecaster, context_length=10, lags=[4], residual="last").fit(wavy())
    assert model.predict(6, df=wavy().iloc[-13:]).equals(model.predict(6))
    assert not model.predict(6, df=wavy().iloc[-12:]).equals(model.predict(6))


def test_many_series_are_forecast_as_each_alone() -> None:
    wide = pd.DataFrame({name: wavy(seed=i) * 10**i for i, name in enumerate("bca")})
    model = small(LSTMForecaster).fit(wide)
    together = model.predict(6)
    for name in wide:
        np.testing.assert_allclose(model.predict(6, df=wide[[name]])[name], together[name])


def test_more_series_than_are_rolled_out_together() -> None:
    wide = pd.DataFrame({f"s{i}": wavy(seed=i) for i in range(600)})
    model = small(LSTMForecaster).fit(wide)
    alone = model.predict(3, df=wide[["s599"]])["s599"]
    np.testing.assert_allclose(model.predict(3)["s599"], alone, rtol=1e-5)


@pytest.mark.slow
def test_a_transformer_of_scikit_learn_is_undone() -> None:
    """exp of a line: log1p makes it a line again, and no forecast of it can be negative."""
    problem = trend(slope=0.02, start=3.0)
    problem = Problem(np.exp(problem.history), np.exp(problem.future))
    scaler = make_pipeline(FunctionTransformer(np.log1p, np.expm1), StandardScaler())
    forecaster = small(
        LSTMForecaster, scaler=scaler, max_steps=100, batch_size=8, learning_rate=1e-2
    )
    forecast = forecaster.fit(problem.history).predict(24)
    # 24 steps of 2 %: the last value would be 38 % too low.
    np.testing.assert_allclose(forecast, problem.future, rtol=0.1)
    assert not hasattr(scaler[1], "mean_")


# --------------------------------------------------------------------------------- the contract


@pytest.mark.parametrize("model", MODELS)
def test_a_trainer_of_your_own_does_what_fit_does(model: type) -> None:
    fitted = small(model, trainer_kwargs={"accelerator": "cpu"}).fit(wavy())
    prepared = small(model)
    module, data = prepared.prepare(wavy())
    trainer = pl.Trainer(
        max_steps=5,
        gradient_clip_val=prepared.gradient_clip_val,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, data)
    assert prepared.predict(6).equals(fitted.predict(6))
    assert prepared.settings_ == fitted.settings_


ASKED = {
    "predict": lambda model, path: model.predict(2),
    "levels": lambda model, path: model.predict(2, level=80),
    "sample": lambda model, path: model.sample(2, num_samples=2),
    "backtest": lambda model, path: model.backtest(wavy(), 2),
    "encode": lambda model, path: model.encode(wavy()),
    "calibrate": lambda model, path: model.calibrate(),
    "stability": lambda model, path: model.stability(horizon=5),
    "explain": lambda model, path: model.explain(),
    "context": lambda model, path: model.context(),
    "save": lambda model, path: model.save(path / "model.tsgen"),
    "scikit-learn": lambda model, path: check_is_fitted(model),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_network_that_has_learned_nothing_is_not_fitted(asked: str, tmp_path: Path) -> None:
    model = LSTMForecaster(hidden_size=8, max_steps=2, verbose=False)
    module, data = model.prepare(wavy())
    with pytest.raises(SklearnNotFittedError):
        ASKED[asked](model, tmp_path)
    assert list(tmp_path.iterdir()) == []
    trainer = pl.Trainer(
        max_steps=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(module, data)
    check_is_fitted(model)
    assert len(model.predict(2)) == 2


def test_preparing_anew_forgets_what_was_learned() -> None:
    model = LSTMForecaster(hidden_size=8, max_steps=2, verbose=False).fit(wavy())
    model.prepare(wavy())
    with pytest.raises(NotFittedError, match=r"prepared.*Trainer\.fit.* before predict"):
        model.predict(2)
    assert len(model.fit(wavy()).predict(2)) == 2


def test_weights_that_came_another_way_count_as_learned() -> None:
    """Such as those of a loop of the user's own, or of another model."""
    model, other = (LSTMForecaster(hidden_size=8, max_steps=2) for _ in range(2))
    other.fit(wavy())
    module, _ = model.prepare(wavy())
    module.load_state_dict(other.module_.state_dict())
    assert model.predict(4).equals(other.predict(4))


def test_training_moves_the_forecast() -> None:
    first, last = (LSTMForecaster(hidden_size=8, max_steps=steps).fit(wavy()) for steps in (1, 5))
    assert not first.predict(6).equals(last.predict(6))


def test_the_constructor_stores_and_nothing_else() -> None:
    scaler, kwargs = StandardScaler(), {"max_steps": 1}
    model = LSTMForecaster(hidden_size=-5, lags=[24], scaler=scaler, trainer_kwargs=kwargs)
    assert (model.hidden_size, model.lags) == (-5, [24])
    assert model.scaler is scaler
    assert model.trainer_kwargs is kwargs
    assert set(vars(model)) == set(model.get_params(deep=False))


@pytest.mark.parametrize("model", MODELS)
def test_clone_and_set_params(model: type) -> None:
    fitted = small(model).fit(wavy())
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "settings_")
    assert copy.set_params(hidden_size=4).fit(wavy()).settings_.hidden_size == 4
    assert fitted.settings_.hidden_size == 8


def test_lstm_and_gru_differ_in_the_cell() -> None:
    lstm, gru = (small(model).fit(wavy()) for model in MODELS)
    assert not lstm.predict(6).equals(gru.predict(6))
    assert type(lstm.module_.network.recurrent).__name__ == "LSTM"
    assert type(gru.module_.network.recurrent).__name__ == "GRU"


# ------------------------------------------------------------------------- copies and processes


@pytest.fixture(scope="module")
def with_rows() -> LSTMForecaster:
    """A model of two series, with its training rows."""
    frame = pd.DataFrame({name: 5.0 + wavy(60, seed) for seed, name in enumerate("ab")})
    return LSTMForecaster(hidden_size=4, max_steps=3, context_length=8, verbose=False).fit(frame)


def test_a_pickle_has_no_training_rows(with_rows: LSTMForecaster) -> None:
    copied = pickle.loads(pickle.dumps(with_rows))
    assert not hasattr(copied, "history_")
    assert "_module_" not in copied.__dict__
    pd.testing.assert_frame_equal(copied.predict(5), with_rows.predict(5))
    with pytest.raises(NotFittedError, match="training rows aren't saved or sent"):
        copied.explain()


def test_a_pickle_is_smaller_than_the_rows() -> None:
    frame = pd.DataFrame({"a": wavy(20_000, 0)})
    model = LSTMForecaster(hidden_size=4, max_steps=2, context_length=8, verbose=False).fit(frame)
    assert len(pickle.dumps(model)) < model.history_.values.nbytes / 2


def test_a_deep_copy_shares_the_training_rows_and_nothing_else(with_rows: LSTMForecaster) -> None:
    copied = deepcopy(with_rows)
    assert copied.history_ is with_rows.history_
    assert copied.module_.network is copied.model_.networks[0]
    before = with_rows.predict(3)
    with torch.no_grad():
        copied.module_.network.head.bias += 1.0
    assert not copied.predict(3).equals(before)
    pd.testing.assert_frame_equal(with_rows.predict(3), before)
    assert copied.calibrate().calibration_ is not None
    assert not hasattr(with_rows, "calibration_")


def test_the_module_of_a_model_without_one_is_made_around_its_networks(
    with_rows: LSTMForecaster,
) -> None:
    copied = pickle.loads(pickle.dumps(with_rows))
    assert copied.module_.network is copied.model_.networks[0]
    assert copied.module_.describe() == with_rows.module_.describe()
    assert copied.module_ is copied.module_


@pytest.mark.parametrize(
    "name", ["module_", "scaler_", "covariate_scaler_", "value_range_", "calibration_"]
)
def test_nothing_is_learned_before_fit(name: str) -> None:
    assert not hasattr(LSTMForecaster(), name)


@pytest.mark.slow
def test_a_saved_model_forecasts_without_lightning_torch_load_and_pickle(
    with_rows: LSTMForecaster, tmp_path: Path
) -> None:
    path = tmp_path / "model.tsgen"
    with_rows.save(path)
    script = """
        import pickle, sys
        import pandas, torch
        from tsgen import load

        def forbidden(*_, **__):
            raise AssertionError("unpickled")

        class Forbidden:  # of which modules that are imported late may make subclasses
            __init__ = forbidden

        pickle.load = pickle.loads = torch.load = forbidden
        pickle.Unpickler = pickle._Unpickler = Forbidden
        model = load(sys.argv[1])
        state = model.encode(model.predict(30))
        print(len(model.predict(3, state=state)), len(model.stability(horizon=20)))
        print([name for name in sys.modules if "lightning" in name])
    """
    assert output_of(script, path, PYTHONWARNINGS="error") == "3 2\n[]\n"


@pytest.mark.parametrize(
    ("refused", "run_dir"),
    [
        ({"trainer_kwargs": {"acelerator": 1}}, False),
        ({"random_state": None}, True),
        ({"max_steps": -1}, False),
        ({"scaler": "none of these"}, False),
    ],
    ids=str,
)
def test_a_refused_fit_leaves_the_model_before_it(
    with_rows: LSTMForecaster, refused: dict[str, Any], run_dir: bool, tmp_path: Path
) -> None:
    model = deepcopy(with_rows)
    before = model.predict(4)
    model.set_params(**refused)
    with pytest.raises(SettingError):
        model.fit(wavy(), run_dir=tmp_path if run_dir else None)
    pd.testing.assert_frame_equal(model.predict(4), before)
