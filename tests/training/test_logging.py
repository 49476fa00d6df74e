"""Losses are logged as in any Lightning project, for callbacks and loggers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    EarlyStopping,
    LearningRateMonitor,
    ModelCheckpoint,
    TQDMProgressBar,
)
from pytorch_lightning.loggers import CSVLogger
from support.problems import wavy

from tsgen import LSTMForecaster
from tsgen.errors import NotFittedError, SettingError
from tsgen.training.trainer import without_outputs

SMALL = {"hidden_size": 4, "context_length": 8, "lags": [4], "batch_size": 6, "verbose": False}


def fitted(*callbacks: pl.Callback, trainer: dict[str, Any] | None = None, **settings: Any) -> Any:
    kwargs = {"callbacks": list(callbacks), **(trainer or {})}
    return LSTMForecaster(**(SMALL | settings), trainer_kwargs=kwargs).fit(wavy())


class Seen(pl.Callback):
    """What other callbacks could have gone by, after each step and each validation."""

    def __init__(self) -> None:
        self.train: list[float] = []
        self.val: dict[int, float] = {}

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        self.train.append(float(trainer.callback_metrics["train_loss"]))

    def on_validation_end(self, trainer: pl.Trainer, *_: object) -> None:
        self.val[trainer.global_step] = float(trainer.callback_metrics["val_loss"])


def test_train_loss_is_that_of_the_report() -> None:
    for members in (1, 2):
        seen = Seen()
        report = fitted(seen, max_steps=5, n_models=members).report_
        assert seen.train == pytest.approx(report.losses["loss"].tolist())
        assert seen.val == {}


@pytest.mark.slow
def test_val_loss_is_that_of_the_report() -> None:
    seen = Seen()
    report = fitted(seen, max_steps=100, val_size=9).report_
    table = report.losses.set_index("step")["validation"]
    assert sorted(seen.val) == [50, 100]
    assert seen.val == pytest.approx(table.to_dict())


@pytest.mark.usefixtures("validated_often")
@pytest.mark.slow
def test_early_stopping_goes_by_either() -> None:
    """By epochs of so many steps as there are between validations."""
    for monitor in ("train_loss", "val_loss"):
        seen, never_better = Seen(), {"min_delta": 1e6, "patience": 2}
        fitted(seen, EarlyStopping(monitor, **never_better), max_steps=1000, val_size=9)
        assert len(seen.train) == 30  # the first one is the best


@pytest.mark.usefixtures("validated_often")
@pytest.mark.slow
def test_a_checkpoint_of_the_users_own_needs_no_permission(tmp_path: Path) -> None:
    best = ModelCheckpoint(tmp_path, monitor="val_loss", filename="{step}-{val_loss:.3f}")
    seen = Seen()
    model = fitted(best, seen, max_steps=30, val_size=9)
    step, loss = min(seen.val.items(), key=lambda item: item[1])
    assert [path.name for path in tmp_path.iterdir()] == [f"step={step}-val_loss={loss:.3f}.ckpt"]
    assert float(best.best_model_score) == pytest.approx(loss)
    weights = torch.load(best.best_model_path, weights_only=True)["state_dict"]
    for name, weight in model.module_.state_dict().items():  # which are the validated ones
        torch.testing.assert_close(weights[name], weight)


@pytest.mark.slow
def test_a_logger_gets_both(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    model = fitted(trainer={"logger": logger}, max_steps=60, val_size=9)
    rows = pd.read_csv(Path(logger.log_dir, "metrics.csv"))
    losses = rows.set_index("step")["train_loss"].dropna()
    assert losses.index.tolist() == list(range(5, 60, 6))
    assert losses.notna().all()
    assert rows["val_loss"].dropna().tolist() == pytest.approx(
        model.report_.losses["validation"].dropna().tolist()
    )


@pytest.mark.slow
def test_nothing_is_written_where_nobody_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fitted(EarlyStopping("val_loss"), max_steps=60, val_size=9)
    assert list(tmp_path.iterdir()) == []


QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
         "enable_model_summary": False, "accelerator": "cpu"}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("sanity", [0, 2])
def test_a_trainer_of_the_users_own_validates(sanity: int) -> None:
    model = LSTMForecaster(**SMALL, val_size=9)
    module, data = model.prepare(wavy())
    seen = Seen()
    trainer = pl.Trainer(
        max_steps=30, limit_train_batches=10, num_sanity_val_steps=sanity, callbacks=[seen], **QUIET
    )
    trainer.fit(module, data)
    assert [step for step in seen.val if step] == [10, 20, 30]
    (metrics,) = trainer.validate(module, data, verbose=False)
    assert metrics["val_loss"] == pytest.approx(seen.val[30])
    batch = data.held_out()
    with torch.no_grad():
        errors = module.cpu().eval().closed_loop_errors(batch)
    assert metrics["val_loss"] == pytest.approx(float(errors.total.sum() / errors.steps.sum()))


def test_it_has_nothing_to_validate_where_nothing_is_held_out() -> None:
    model = LSTMForecaster(**SMALL)
    module, data = model.prepare(wavy())
    trainer = pl.Trainer(max_steps=30, limit_train_batches=10, **QUIET)
    trainer.fit(module, data)
    assert "val_loss" not in trainer.callback_metrics
    assert len(model.predict(5)) == 5


def test_what_the_trainer_refuses_is_a_setting() -> None:
    for wrong in ({"acelerator": "cpu"}, {"max_steps": "many"}, {"precision": "7-bit"},
                  {"accelerator": "abacus"}):  # fmt: skip
        with pytest.raises(SettingError, match=next(iter(wrong))):
            fitted(trainer=wrong, max_steps=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"accelerator": "gpu"}, "backend"),
        ({"devices": 0}, "devices"),
        ({"profiler": "stopwatch"}, "profiler"),
        ({"strategy": "ddp_spawn", "devices": 2}, "strategy='ddp' in a script"),
        ({"limit_val_batches": 0.5}, "limit_val_batches"),
        ({"limit_train_batches": 0.5}, "limit_train_batches"),
        ({"val_check_interval": 100}, "val_check_interval"),
        ({"accumulate_grad_batches": "2"}, "accumulate_grad_batches='2': expected a whole number"),
        ({"accumulate_grad_batches": 0}, "accumulate_grad_batches=0: expected a whole number"),
        ({"callbacks": "early"}, "callbacks='early': expected objects"),
        ({"callbacks": [EarlyStopping]}, "expected objects"),
        ({"callbacks": EarlyStopping("loss")}, "train_loss"),
        ({"callbacks": LearningRateMonitor()}, "no logger"),
        ({"logger": "csv"}, "logger"),
        ({"max_time": 5}, "max_time"),
        ({"check_val_every_n_epoch": 0}, "check_val_every_n_epoch"),
        ({"val_check_interval": 0}, "val_check_interval"),
        ({"benchmark": "x"}, "benchmark"),
        ({"max_steps": 0}, "max_steps= of 1 or more"),
        (
            {"callbacks": ModelCheckpoint(), "enable_checkpointing": False},
            "enable_checkpointing=False",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has other settings")
def test_what_lightning_refuses_anywhere_is_a_setting(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        fitted(trainer=wrong, max_steps=2, val_size=4)


@pytest.mark.parametrize(
    "kwargs",
    [{"limit_train_batches": 0}, {"max_epochs": 0}, {"max_time": {"seconds": 0}}],
    ids="-".join,
)
def test_nothing_learned_is_no_fit(kwargs: dict[str, Any]) -> None:
    model = LSTMForecaster(**SMALL, max_steps=2, trainer_kwargs=kwargs)
    with pytest.raises(SettingError, match="before its first step"):
        model.fit(wavy())
    with pytest.raises(NotFittedError):
        model.predict(2)


@pytest.mark.parametrize(
    "callback", [EarlyStopping("val_loss"), ModelCheckpoint(monitor="val_loss")], ids=type
)
def test_a_callback_goes_by_val_loss_where_rows_are_held_out(callback: pl.Callback) -> None:
    with pytest.raises(
        SettingError, match=f"{type(callback).__name__} goes by 'val_loss'.*val_size"
    ):
        fitted(trainer={"callbacks": callback}, max_steps=2, val_size=None)


def test_an_error_of_a_users_callback_is_what_it_is() -> None:
    class Wrong(pl.Callback):
        def on_train_start(self, *args: Any) -> None:
            raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        fitted(trainer={"callbacks": Wrong()}, max_steps=2)


@pytest.mark.parametrize("kwargs", [{"logger": None}, {"barebones": True}], ids=str)
def test_settings_that_switch_off_write_nothing(
    kwargs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = fitted(trainer=kwargs, max_steps=4, val_size=5).report_
    assert report.losses["validation"].notna().any()
    assert list(tmp_path.iterdir()) == []


def test_a_progress_bar_of_the_users_own_needs_no_permission() -> None:
    bar = TQDMProgressBar()
    fitted(trainer={"callbacks": bar}, max_steps=2)
    assert bar.train_progress_bar.n == 2


@pytest.mark.parametrize("wrong", [{1: 2}, "cpu", ["cpu"]], ids=str)
def test_trainer_kwargs_are_a_dict_of_names(wrong: Any) -> None:
    with pytest.raises(SettingError, match="expected a dict of arguments"):
        LSTMForecaster(**SMALL, max_steps=2, trainer_kwargs=wrong).fit(wavy())


# ------------------------------------------------------------- trainings beside the one asked for


def stopping() -> Any:
    early = EarlyStopping("train_loss", patience=1, min_delta=10.0)  # at the second look
    return LSTMForecaster(**SMALL, max_steps=200, trainer_kwargs={"callbacks": [early]})


@pytest.mark.usefixtures("validated_often")
@pytest.mark.slow
def test_fits_of_one_seed_are_the_same_whatever_their_callbacks_have_seen() -> None:
    model = stopping()
    forecasts, steps = [], []
    for _ in range(3):
        forecasts.append(model.fit(wavy()).predict(3))
        steps.append(model.report_.losses["step"].iloc[-1])
    assert steps == [20, 20, 20]
    assert forecasts[0].equals(forecasts[1])
    assert forecasts[0].equals(forecasts[2])


@pytest.mark.usefixtures("validated_often")
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::tsgen.errors.TrainingRowsWarning")
def test_a_refit_begins_anew_too() -> None:
    df, model = wavy(), stopping()
    expected = model.fit(df.iloc[:-3]).predict(3)
    rows = model.backtest(df, 3, refit=True)
    assert rows["y_pred"].tolist() == expected.tolist()


@pytest.mark.usefixtures("validated_often")
@pytest.mark.slow
def test_what_a_callback_was_told_since_counts() -> None:
    model = stopping()
    model.fit(wavy())
    model.trainer_kwargs["callbacks"][0].patience = 2
    assert model.fit(wavy()).report_.losses["step"].iloc[-1] == 30


@pytest.mark.slow
@pytest.mark.parametrize("monitor", ["val_loss", "train_loss"])
def test_levels_of_a_model_with_callbacks(monitor: str) -> None:
    model = fitted(EarlyStopping(monitor, patience=50), max_steps=20, val_size=9)
    assert model.predict(3, level=80).shape == (3, 3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::tsgen.errors.TrainingRowsWarning")
def test_nothing_is_logged_or_kept_of_trainings_beside(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "weights")
    logger = CSVLogger(tmp_path, name="log", version=0)
    model = fitted(checkpoint, LearningRateMonitor(), trainer={"logger": logger}, max_steps=20)
    found = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(found) == 2  # the metrics and the weights
    model.predict(3, level=80)
    model.backtest(wavy(), 3, refit=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == found


def test_accumulated_losses_are_those_of_the_batches() -> None:
    seen = Seen()
    report = fitted(seen, trainer={"accumulate_grad_batches": 4}, max_steps=5).report_
    assert seen.train[3::4] == pytest.approx(report.losses["loss"].tolist())


@pytest.mark.slow
def test_a_trainer_of_the_users_own_validates_every_so_many_steps() -> None:
    seen = Seen()
    module, data = LSTMForecaster(**SMALL, val_size=9).prepare(wavy())
    trainer = pl.Trainer(
        max_steps=120, callbacks=[seen, EarlyStopping("val_loss", patience=9)], logger=False,
        accelerator="cpu", enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, data)
    assert {50, 100} <= set(seen.val)


def test_nothing_of_a_trainer_is_left_whatever_ends_it() -> None:
    class Exit(pl.Callback):
        def on_train_batch_end(self, *args: Any) -> None:
            raise SystemExit(3)

    module = fitted(max_steps=2).module_
    assert module.logs
    model = LSTMForecaster(**SMALL, max_steps=5, trainer_kwargs={"callbacks": Exit()})
    module, data = model.prepare(wavy())
    with pytest.raises(SystemExit, match="3"):
        model._learn(module, data)
    assert module._trainer is None
    assert module.logs


def test_callbacks_that_cannot_be_copied_work_too() -> None:
    class Locked(pl.Callback):
        def __init__(self) -> None:
            self.lock, self.steps = threading.Lock(), 0

        def on_train_batch_end(self, *_: object) -> None:
            with self.lock:
                self.steps += 1

        def state_dict(self) -> dict[str, Any]:
            return {"steps": self.steps}

    locked = Locked()
    model = fitted(locked, max_steps=5)
    assert model.predict(3, level=80).shape == (3, 3)
    assert locked.steps >= 5


def test_errors_beside_speak_of_no_arguments_that_nobody_gave() -> None:
    assert without_outputs(None) == {}
    assert without_outputs({"logger": True, "max_time": "00:01"}) == {"max_time": "00:01"}
