"""Training that survives: crashes, signals, NaN, early stopping."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

import tsgen
from tsgen import LSTMForecaster
from tsgen.errors import DivergenceError, SettingError, TrainingInterrupted
from tsgen.training.callbacks import ClosedLoopValidation

SETTINGS = {"hidden_size": 8, "context_length": 24, "lags": [12], "verbose": False}


def three_series() -> pd.DataFrame:
    """Noisy and monthly."""
    time = pd.date_range("2000-01-01", periods=120, freq="MS", name="ds")
    months = np.arange(120)
    noise = np.random.default_rng(0).standard_normal((120, 3))
    values = np.sin(2 * np.pi * months / 12)[:, None] * [1.0, 2.0, 3.0] + 0.1 * noise
    return pd.DataFrame(values, index=time, columns=["a", "b", "c"])


@pytest.fixture
def seasonal() -> pd.DataFrame:
    return three_series()


def digest(model: LSTMForecaster) -> str:
    weights = [weight.numpy().tobytes() for weight in model.module_.state_dict().values()]
    return hashlib.sha256(b"".join(weights)).hexdigest()


class AtStep(pl.Callback):
    """Does something after a step."""

    def __init__(self, step: int, action) -> None:
        self.step, self.action = step, action

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        if trainer.global_step == self.step:
            self.action(trainer, pl_module)


LAYERED = SETTINGS | {"max_steps": 40, "dropout": 0.1, "num_layers": 2}
SCRIPT = """
import os, signal, sys
import pandas as pd
from test_survival import LAYERED, AtStep
from tsgen import LSTMForecaster

kill = AtStep(23, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
model = LSTMForecaster(**LAYERED, trainer_kwargs={"callbacks": kill})
model.fit(pd.read_parquet(sys.argv[1]), run_dir=sys.argv[2])
"""


@pytest.mark.slow
def test_a_killed_run_resumes_and_ends_with_the_weights_of_a_whole_one(
    seasonal: pd.DataFrame, tmp_path: Path
) -> None:
    seasonal.to_parquet(tmp_path / "frame.parquet")
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path / "frame.parquet", tmp_path / "run"],
        capture_output=True, cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parents[1]}:."},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "run" / "last.ckpt").exists()
    resumed = LSTMForecaster(**LAYERED).fit(seasonal, run_dir=tmp_path / "run")
    assert digest(resumed) == digest(LSTMForecaster(**LAYERED).fit(seasonal))


@pytest.mark.slow
def test_resuming_trains_the_missing_steps_alone(seasonal: pd.DataFrame, tmp_path: Path) -> None:
    class Cut(RuntimeError):
        pass

    def cut(*_: object) -> None:
        raise Cut

    model = LSTMForecaster(**SETTINGS, max_steps=40, trainer_kwargs={"callbacks": AtStep(23, cut)})
    with pytest.raises(Cut):
        model.fit(seasonal, run_dir=tmp_path)
    steps = []

    class Count(pl.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
            steps.append(trainer.global_step)

    model.set_params(trainer_kwargs={"callbacks": Count()}).fit(seasonal, run_dir=tmp_path)
    assert steps == list(range(21, 41))  # a checkpoint stood at step 20
    whole = LSTMForecaster(**SETTINGS, max_steps=40).fit(seasonal)
    assert digest(model) == digest(whole)


VALIDATED = SETTINGS | {"max_steps": 120, "val_size": 12, "patience": 5}


@pytest.fixture(scope="module")
def validated() -> LSTMForecaster:
    return LSTMForecaster(**VALIDATED).fit(three_series())


@pytest.mark.slow
@pytest.mark.parametrize("step", [47, 50, 51, pytest.param(100, marks=pytest.mark.slow)])
def test_validation_goes_on_where_it_stood(
    validated: LSTMForecaster, seasonal: pd.DataFrame, tmp_path: Path, step: int
) -> None:
    """Wherever a run was cut off, also just before or after it was validated."""

    class Cut(RuntimeError):
        pass

    def cut(*_: object) -> None:
        raise Cut

    broken = LSTMForecaster(**VALIDATED, trainer_kwargs={"callbacks": AtStep(step, cut)})
    with pytest.raises(Cut):
        broken.fit(seasonal, run_dir=tmp_path)
    resumed = LSTMForecaster(**VALIDATED).fit(seasonal, run_dir=tmp_path)
    assert digest(resumed) == digest(validated)
    pd.testing.assert_frame_equal(
        resumed.report_.losses, validated.report_.losses, check_exact=True
    )


@pytest.mark.slow
def test_a_finished_run_is_read_back_without_training(
    seasonal: pd.DataFrame, tmp_path: Path
) -> None:
    first = LSTMForecaster(**SETTINGS, max_steps=15).fit(seasonal, run_dir=tmp_path)

    def never(*_: object) -> None:
        raise AssertionError("trained again")

    callbacks = [AtStep(step, never) for step in range(1, 20)]
    again = LSTMForecaster(**SETTINGS, max_steps=15, trainer_kwargs={"callbacks": callbacks})
    assert digest(again.fit(seasonal, run_dir=tmp_path)) == digest(first)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"max_steps": 20}, "max_steps"),
        ({"hidden_size": 16}, "model"),
        ({"random_state": 1}, "data"),
    ],
)
def test_the_folder_of_another_run_is_refused(
    seasonal: pd.DataFrame, tmp_path: Path, change: dict[str, int], named: str
) -> None:
    settings = {**SETTINGS, "max_steps": 5}
    LSTMForecaster(**settings).fit(seasonal, run_dir=tmp_path)
    with pytest.raises(SettingError, match=named):
        LSTMForecaster(**{**settings, **change}).fit(seasonal, run_dir=tmp_path)
    with pytest.raises(SettingError, match="data"):
        LSTMForecaster(**settings).fit(seasonal + 1.0, run_dir=tmp_path)


def test_checkpoints_hold_tensors_and_plain_values(seasonal: pd.DataFrame, tmp_path: Path) -> None:
    LSTMForecaster(**SETTINGS, max_steps=5, patience=3).fit(seasonal, run_dir=tmp_path)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 5


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_best_weights_so_far(
    seasonal: pd.DataFrame, signum: signal.Signals
) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    interrupt = AtStep(45, lambda *_: os.kill(os.getpid(), signum))
    model = LSTMForecaster(**SETTINGS, max_steps=10_000, trainer_kwargs={"callbacks": interrupt})
    with pytest.warns(
        TrainingInterrupted, match=rf"{signum.name} at step 4\d of 10000.*best weights so far"
    ):
        model.fit(seasonal)
    assert np.isfinite(model.predict(5).to_numpy()).all()
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_signal_raises(seasonal: pd.DataFrame) -> None:
    def twice(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    model = LSTMForecaster(**SETTINGS, trainer_kwargs={"callbacks": AtStep(3, twice)})
    with pytest.raises(KeyboardInterrupt):
        model.fit(seasonal)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
def test_a_loss_that_is_no_number_names_step_and_series(seasonal: pd.DataFrame) -> None:
    kept = {}

    def keep(trainer: pl.Trainer, module: pl.LightningModule) -> None:
        kept.update({name: weight.cpu().clone() for name, weight in module.state_dict().items()})

    def poison(trainer: pl.Trainer, module: pl.LightningModule) -> None:
        with torch.no_grad():
            module.network.head.weight.fill_(float("nan"))

    callbacks = [AtStep(20, keep), AtStep(30, poison)]
    model = LSTMForecaster(**SETTINGS, trainer_kwargs={"callbacks": callbacks})
    with pytest.raises(DivergenceError, match=r"nan at step 31.*series '[abc]'.*step 20"):
        model.fit(seasonal)
    assert all(
        torch.equal(weight, kept[name]) for name, weight in model.module_.state_dict().items()
    )
    assert np.isfinite(model.predict(3).to_numpy()).all()


@pytest.mark.usefixtures("validated_often")
@pytest.mark.slow
def test_patience_stops_early_and_keeps_the_best_weights(seasonal: pd.DataFrame) -> None:
    found: list[ClosedLoopValidation] = []

    class Watch(pl.Callback):
        def on_train_start(self, trainer, pl_module) -> None:
            found.extend(c for c in trainer.callbacks if isinstance(c, ClosedLoopValidation))

    model = LSTMForecaster(
        **SETTINGS, max_steps=5_000, patience=2, learning_rate=0.02,
        trainer_kwargs={"callbacks": Watch()},
    ).fit(seasonal)  # fmt: skip
    losses = list(found[0].losses.values())
    assert len(losses) < 100
    assert min(losses) < min(losses[-2:])
    assert model.settings_.val_size > 0


@pytest.mark.slow
def test_the_held_out_tail_is_not_trained_on(seasonal: pd.DataFrame) -> None:
    settings = {**SETTINGS, "max_steps": 20, "scaler": None, "val_size": 12}
    changed = seasonal.copy()
    changed.iloc[-12:] += 100.0
    assert digest(LSTMForecaster(**settings).fit(seasonal)) == digest(
        LSTMForecaster(**settings).fit(changed)
    )


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_what_ends_a_calibration_ends_the_call(
    seasonal: pd.DataFrame, signum: signal.Signals
) -> None:
    """Half a calibration is none; the model is what it was."""
    model = LSTMForecaster(**SETTINGS, max_steps=20).fit(seasonal)
    expected = model.predict(4)
    interrupt = AtStep(5, lambda *_: os.kill(os.getpid(), signum))
    model.set_params(trainer_kwargs={"callbacks": interrupt})
    before = signal.getsignal(signum)
    with pytest.raises(KeyboardInterrupt, match=rf"calibration: .*{signum.name} at step \d of 20$"):
        model.predict(4, level=80)
    assert signal.getsignal(signum) is before
    assert not hasattr(model, "calibration_")
    assert model.predict(4).equals(expected)
    model.set_params(trainer_kwargs=None)
    assert model.predict(4, level=80).shape == (4, 9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::tsgen.errors.TrainingRowsWarning")
def test_so_do_signals_in_backtests_and_searches(seasonal: pd.DataFrame) -> None:
    interrupt = AtStep(5, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    model = LSTMForecaster(**SETTINGS, max_steps=20).fit(seasonal)
    model.set_params(trainer_kwargs={"callbacks": interrupt})
    with pytest.raises(KeyboardInterrupt, match=r"backtest: .*SIGINT at step \d of 20"):
        model.backtest(seasonal, 4, refit=True)
    pytest.importorskip("optuna")
    with pytest.raises(KeyboardInterrupt, match=r"tune: .*SIGINT at step \d of 20"):
        tsgen.tune(seasonal, 4, model=model, n_trials=1, verbose=False)
