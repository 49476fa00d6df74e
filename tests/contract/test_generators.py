"""One list of checks that every generator passes, those of forecasters where they mean the same."""

from __future__ import annotations

import copy
import inspect
import random

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tsgen import GRUGenerator, LSTMGenerator

SMALL = {"max_steps": 6, "hidden_size": 8, "verbose": False}
GENERATORS = {
    "lstm": LSTMGenerator(**SMALL),
    "gru, two layers, dropout": GRUGenerator(**SMALL, num_layers=2, dropout=0.1, steps_dropout=0.1),
    "lstm, scheduled sampling": LSTMGenerator(**SMALL, training_strategy="scheduled_sampling"),
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=() if name == "lstm" else pytest.mark.slow) for name in GENERATORS
    ],
)
def kind(request: pytest.FixtureRequest):
    return GENERATORS[request.param]


@pytest.fixture
def generator(kind):
    return clone(kind)


@pytest.fixture(scope="module")
def fitted(kind):
    return clone(kind).fit(two_machines())


def two_machines() -> pd.DataFrame:
    """States of two machines, wide; each goes through them at its own pace."""
    time = pd.date_range("2024-01-01", periods=96, freq="h")
    states = np.array(["off", "on", "idle"])
    hours = np.arange(96)
    columns = {"slow": states[hours // 4 % 3], "fast": states[hours % 3]}
    return pd.DataFrame(columns, index=time)


@pytest.fixture
def frame() -> pd.DataFrame:
    return two_machines()


def test_the_constructor_only_stores(generator) -> None:
    parameters = inspect.signature(type(generator)).parameters
    assert all(each.kind is each.KEYWORD_ONLY for each in parameters.values())
    marker = object()
    built = type(generator)(**dict.fromkeys(parameters, marker))
    assert vars(built) == dict.fromkeys(parameters, marker)


def test_fit_returns_self_and_leaves_the_parameters(generator, frame: pd.DataFrame) -> None:
    parameters = copy.deepcopy(generator.get_params())
    assert generator.fit(frame) is generator
    assert generator.get_params() == parameters
    learned = [name for name in vars(generator) if name not in parameters]
    assert learned
    assert all(name.endswith("_") for name in learned)


def test_a_fit_is_reported(fitted) -> None:
    report = fitted.report_
    assert report.losses.columns.tolist() == ["step", "loss"]
    assert report.losses["loss"].notna().all()
    assert report.errors.columns.tolist() == ["step", "teacher_forced", "free_running", "ratio"]
    assert report.errors[["teacher_forced", "free_running"]].stack().between(0, 1).all()
    assert repr(report).startswith("TrainingReport(6 steps, loss ")


def test_nothing_is_said_before_fit(generator) -> None:
    for call in (
        lambda: generator.predict(3),
        lambda: generator.sample(3),
        lambda: generator.log_likelihood("a"),
        lambda: generator.stream(),
        lambda: generator.save("x"),
    ):
        with pytest.raises(NotFittedError, match="fit"):
            call()


def test_a_second_fit_forgets_the_first(generator, fitted, frame: pd.DataFrame) -> None:
    twice = generator.fit("some other text").fit(frame)
    assert_frame_equal(twice.predict(6), fitted.predict(6))
    assert_frame_equal(twice.sample(6), fitted.sample(6))


def test_same_seed_same_symbols_and_nothing_global_is_touched(
    generator, fitted, frame: pd.DataFrame
) -> None:
    states = random.getstate(), np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    again = generator.fit(frame)
    assert_frame_equal(again.sample(20), fitted.sample(20))
    clone(generator).fit(frame, init=again).sample(5, num_samples=3)
    assert random.getstate() == states[0]
    assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), states[2])


def test_a_series_alone_goes_on_as_in_the_panel(fitted, frame: pd.DataFrame) -> None:
    together, drawn = fitted.predict(6), fitted.sample(6)
    for name in frame:
        assert_frame_equal(fitted.predict(6, df=frame[[name]]), together[[name]])
        assert_frame_equal(fitted.sample(6, df=frame[[name]]), drawn[[name]])


def test_a_short_horizon_is_a_prefix_of_a_long_one(fitted) -> None:
    for call in (fitted.predict, fitted.sample):
        assert_frame_equal(call(5), call(10).iloc[:5], check_freq=False)


def test_the_input_is_never_changed(generator, frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    generator.fit(frame).predict(6)
    generator.log_likelihood(frame)
    generator.backtest(frame, 3)
    assert_frame_equal(frame, before)


def test_what_is_generated_goes_on_from_the_input(fitted, frame: pd.DataFrame) -> None:
    following = fitted.predict(6)
    again = fitted.predict(3, df=pd.concat([frame, following]))
    assert again.index[0] == following.index[-1] + pd.Timedelta("1h")
    assert_frame_equal(again, fitted.predict(9).iloc[6:], check_freq=False)


def test_a_horizon_that_is_none_is_refused(fitted) -> None:
    for horizon in (0, -1, 2.5, "48", True, None, np.nan):
        for call in (fitted.predict, fitted.sample):
            with pytest.raises((TypeError, ValueError), match="horizon="):
                call(horizon)


def test_another_librarys_name_for_the_horizon(fitted) -> None:
    for name in ("h", "n", "steps", "fh", "max_new_tokens"):
        with pytest.raises(TypeError, match="'horizon'"):
            fitted.predict(**{name: 3})
