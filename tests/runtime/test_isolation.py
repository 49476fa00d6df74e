"""A call computes the same whatever torch is set to around it, and leaves that as it was."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from support.problems import wavy

import tsgen
from tsgen import (
    FreeRunning,
    GRUForecaster,
    LSTMForecaster,
    NoisyInputs,
    ScheduledSampling,
)
from tsgen.errors import TrainingRowsWarning
from tsgen.forecasters import fitted

SMALL = {"hidden_size": 4, "max_steps": 4, "context_length": 8, "lags": [4], "batch_size": 6,
         "verbose": False}  # fmt: skip
FRAME = pd.DataFrame({name: 5.0 + wavy(50, seed) for seed, name in enumerate("ab")})


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def default_device(device: str) -> Iterator[None]:
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


AROUND: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "float64": lambda: default_dtype(torch.float64),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "float16": lambda: default_dtype(torch.float16),
    "meta": lambda: default_device("meta"),
    "within a device": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference": torch.inference_mode,
    "no_grad": torch.no_grad,
}


def everything(folder: Path, settings: dict[str, Any]) -> list[Any]:
    """What a model can be asked, from the first row to the last."""
    warnings.simplefilter("ignore", TrainingRowsWarning)
    kind = GRUForecaster if settings.get("num_layers", 1) > 1 else LSTMForecaster
    model = kind(**(SMALL | settings)).fit(FRAME.iloc[:-2], fill="mask")
    path = folder / "model.tsgen"
    asked = [
        model.predict(7, level=[80], quantiles=[0.3]),
        model.sample(3, num_samples=4, as_array=True),
        model.backtest(FRAME, 3, n_windows=2, level=50),
        model.backtest(FRAME, 3, n_windows=2, carry=True),
        model.stability(horizon=20),
        model.explain(horizon=3, n_windows=8, n_repeats=1),
        model.report_.losses,
        model.report_.errors,
    ]
    state = model.update(model.encode(FRAME.iloc[:-2]), FRAME.iloc[-2:], carry=True)
    asked += [model.predict(3, state=state), model.predict(3, given=given())]
    model.save(path, overwrite=True)
    tsgen.save_state(state, folder / "state", overwrite=True)
    asked.append(model.predict(3, state=tsgen.load_state(folder / "state")))
    asked.append(tsgen.load(path).predict(3, level=[80]))
    assert {weight.dtype for weight in model.module_.parameters()} == {torch.float32}
    return asked


def given() -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0], "b": [np.nan]}, index=pd.RangeIndex(49, 50))


CASES = {
    "plain": {},
    "members": {"n_models": 2, "dropout": 0.2, "weight_averaging": 0.5},
    "layers": {"num_layers": 2, "dropout": 0.2, "training_strategy": NoisyInputs(0.1)},
    "sampled": {"training_strategy": ScheduledSampling(steps=4), "val_size": 4},
    "free": {"training_strategy": FreeRunning(steps=4), "target_transform": "log1p",
             "scaler": "robust", "window_norm": False},
}  # fmt: skip


# What leaks of several at once is seen as well, so that each case meets five or six of them.
TOGETHER = [
    ("float64", "meta", "inference"),
    ("bfloat16", "within a device", "no_grad"),
    ("float16", "autocast", "meta"),
]
MEETINGS = [
    (case, TOGETHER[(number + ahead) % len(TOGETHER)])
    for number, case in enumerate(CASES)
    for ahead in (0, 1)
]


@cache
def expected(case: str) -> list[Any]:
    with TemporaryDirectory() as folder:
        return everything(Path(folder), CASES[case])


@pytest.mark.slow
@pytest.mark.parametrize(("case", "around"), MEETINGS, ids=lambda part: str(part))
def test_whatever_is_set_around_it(case: str, around: tuple[str, ...], tmp_path: Path) -> None:
    undisturbed = expected(case)
    with ExitStack() as modes_around:
        for name in around:
            modes_around.enter_context(AROUND[name]())
        before = modes()
        found = everything(tmp_path, CASES[case])
        assert modes() == before
    for one, other in zip(found, undisturbed, strict=True):
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one.equals(other)


@pytest.mark.slow
@pytest.mark.parametrize("around", AROUND)
def test_a_forecast_is_the_same_whatever_is_set_around_it(around: str) -> None:
    plain = plain_forecast()
    with AROUND[around]():
        before = modes()
        found = LSTMForecaster(**SMALL).fit(FRAME).predict(5, level=80)
        assert modes() == before
    pd.testing.assert_frame_equal(found, plain, check_exact=True)


@cache
def plain_forecast() -> pd.DataFrame:
    return LSTMForecaster(**SMALL).fit(FRAME).predict(5, level=80)


def modes() -> tuple[Any, ...]:
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
    )


def test_switches_that_lightning_sets_are_set_back() -> None:
    before = modes()
    LSTMForecaster(**SMALL, trainer_kwargs={"deterministic": True}).fit(FRAME)
    assert modes() == before


# ---------------------------------------------------------------------------------- several threads


def traces() -> tuple[Any, ...]:
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "optuna", "tsgen")]
    return (
        torch.get_rng_state().tolist(),
        [(logger.level, list(logger.filters), list(logger.handlers)) for logger in loggers],
        list(warnings.filters),
        *modes(),
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_fits_of_several_threads_are_those_of_one(case: str) -> None:
    def forecast(seed: int) -> pd.DataFrame:
        settings = SMALL | {"max_steps": 6} | CASES[case]
        return LSTMForecaster(**settings, random_state=seed).fit(FRAME).predict(3)

    alone = [forecast(seed) for seed in range(3)]
    before = traces()
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(forecast, range(3)))
    assert traces() == before
    for one, other in zip(together, alone, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::tsgen.errors.TrainingRowsWarning")
def test_so_are_backtests_with_refits_and_searches(tmp_path: Path) -> None:
    def refitted(seed: int) -> Any:
        model = LSTMForecaster(**SMALL, random_state=seed, dropout=0.2).fit(FRAME)
        return model.backtest(FRAME, 3, n_windows=2, refit=True)["y_pred"].tolist()

    def searched(seed: int) -> Any:
        model = LSTMForecaster(**SMALL, random_state=seed, dropout=0.2)
        space = {"hidden_size": [4, 8]}
        return tsgen.tune(FRAME, 3, model=model, space=space, n_trials=2, verbose=False).score

    pytest.importorskip("optuna")
    for action in (refitted, searched):
        alone = [action(seed) for seed in range(3)]
        before = traces()
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(action, range(3))) == alone
        assert traces() == before


def test_another_thread_draws_on_undisturbed() -> None:
    """Its numbers are those that it draws alone, whatever is fitted meanwhile."""
    settings = SMALL | {"max_steps": 10, "dropout": 0.3, "num_layers": 2}
    torch.manual_seed(3)
    expected = torch.rand(40).tolist()
    fitting = threading.Thread(target=lambda: LSTMForecaster(**settings).fit(FRAME))
    torch.manual_seed(3)
    drawn = []
    fitting.start()
    while fitting.is_alive() or len(drawn) < 40:
        if len(drawn) < 40:
            drawn.append(float(torch.rand(())))
        fitting.join(0.01)
    assert drawn == expected


@pytest.mark.slow
def test_a_first_calibration_in_several_threads_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LSTMForecaster(**SMALL).fit(FRAME)
    alone = deepcopy(model).predict(5, level=[80])
    calls: list[int] = []
    calibrate = LSTMForecaster.calibrate

    def counted(self: Any, *args: Any) -> Any:
        calls.append(1)
        return calibrate(self, *args)

    monkeypatch.setattr(LSTMForecaster, "calibrate", counted)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: model.predict(5, level=[80]), range(4)))
    assert calls == [1]
    for found in (*rows, model.predict(5, level=[80])):
        pd.testing.assert_frame_equal(found, alone, check_exact=True)


@pytest.mark.slow
def test_a_fit_that_ends_while_another_thread_calibrates_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The call forecasts by what was learned when it began, and leaves the new model alone."""
    model = LSTMForecaster(**SMALL).fit(FRAME)
    expected = deepcopy(model).predict(5, level=80)
    calibrated_on_tail = fitted.calibrated_on_tail

    def overtaken(*args: Any) -> Any:
        monkeypatch.setattr(fitted, "calibrated_on_tail", calibrated_on_tail)
        model.fit(FRAME * 3.0)
        return calibrated_on_tail(*args)

    monkeypatch.setattr(fitted, "calibrated_on_tail", overtaken)
    pd.testing.assert_frame_equal(model.predict(5, level=80), expected, check_exact=True)
    assert not hasattr(model, "calibration_")
    fresh = LSTMForecaster(**SMALL).fit(FRAME * 3.0).predict(5, level=80)
    pd.testing.assert_frame_equal(model.predict(5, level=80), fresh, check_exact=True)


@pytest.mark.slow
def test_a_search_computes_the_same_under_any_mode() -> None:
    pytest.importorskip("optuna")
    small = LSTMForecaster(**SMALL)
    scores = []
    for mode in (nullcontext(), torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)):
        with mode:
            found = tsgen.tune(FRAME, 3, model=small, n_trials=1, verbose=False)
        scores.append(found.score)
    assert scores[0] == scores[1] == scores[2]


def test_a_model_that_was_calibrated_is_copied_with_it() -> None:
    model = LSTMForecaster(**SMALL).fit(FRAME)
    model.predict(5, level=80)
    assert deepcopy(model).calibration_ is not None


# -------------------------------------------------------------------------------- standard error


class Writer:
    """As some programs with windows have instead of a terminal."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.slow
@pytest.mark.parametrize("stream", [None, Writer(), closed()], ids=["none", "writer", "closed"])
@pytest.mark.filterwarnings("default")
def test_programs_without_a_terminal(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    model = LSTMForecaster(**SMALL | {"verbose": True}).fit(FRAME)
    assert len(model.predict(3, level=80)) == 3
    rows = model.backtest(FRAME, 3, refit=True)  # warns of rows of training
    assert rows["y_pred"].notna().all()
    assert len(model.backtest(FRAME, 3)) == 6


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"dropout": 0.3, "n_models": 2}], ids=["one", "members"])
def test_a_model_that_is_fitted_anew_forecasts_meanwhile_as_before(
    settings: dict[str, Any],
) -> None:
    def asked() -> pd.DataFrame:
        while not begun.wait(0.001):
            pass
        return model.predict(4)

    class Begin(pl.Callback):
        def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
            if trainer.global_step == 2:
                begun.set()
                answers.append(asking.result(timeout=30))

    begun, answers = threading.Event(), []
    expected = LSTMForecaster(**(SMALL | settings)).fit(FRAME).predict(4)
    model = LSTMForecaster(**(SMALL | settings)).fit(2.0 * FRAME)
    before = model.predict(4)
    model.set_params(trainer_kwargs={"callbacks": [Begin()]})
    with ThreadPoolExecutor(1) as others:
        asking = others.submit(asked)
        model.fit(FRAME)
    assert answers[0].equals(before)
    assert model.predict(4).equals(expected)


@pytest.mark.slow
def test_one_model_is_fitted_by_several_threads() -> None:
    settings = SMALL | {"dropout": 0.3, "max_steps": 12}
    expected = LSTMForecaster(**settings).fit(FRAME).predict(4)
    model = LSTMForecaster(**settings)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: model.fit(FRAME), range(4)))
    assert model.predict(4).equals(expected)


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("setting", ["deterministic", "detect_anomaly"])
def test_switches_of_the_process_are_given_back_after_fits_at_once(
    setting: str, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of them ends first, and a fit that doesn't set them leaves them alone."""

    def switches() -> tuple[Any, ...]:
        return (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_anomaly_enabled(),
            os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        )

    class Overlap(pl.Callback):
        def __init__(self, waits: bool) -> None:
            self.waits = waits

        def on_train_start(self, *_: object) -> None:
            both.wait()

        def on_train_end(self, *_: object) -> None:
            if self.waits:
                ended.wait(30)

    def fit(number: int) -> None:
        mine = {setting: True} if number != 1 else {}
        kwargs = {"callbacks": Overlap(waits=first == (number == 0)), **mine}
        LSTMForecaster(**SMALL, trainer_kwargs=kwargs).fit(FRAME)
        ended.set()

    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    both, ended = threading.Barrier(2, timeout=30), threading.Event()
    before = switches()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(fit, range(2)))
    assert switches() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_is_forked_while_a_model_is_calibrated_can_calibrate() -> None:
    held, over = threading.Event(), threading.Event()

    def calibrating() -> None:
        with fitted._CALIBRATING:
            held.set()
            over.wait(30)

    thread = threading.Thread(target=calibrating)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(0 if fitted._CALIBRATING.acquire(blocking=False) else 1)
    over.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
