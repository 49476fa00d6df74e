"""How a training went, against losses that were watched and errors worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from support.problems import wavy

import tsgen
from tsgen import FreeRunning, GRUForecaster, LSTMForecaster, LSTMGenerator, TrainingReport
from tsgen.data import learn_sequences
from tsgen.nn import SymbolArchitecture
from tsgen.preprocessing import by_system
from tsgen.rollout import Feedback, encode, rollout
from tsgen.training import SymbolWindows
from tsgen.training.report import Losses, symbol_exposure

HELD_OUT = 7
SMALL = {"hidden_size": 4, "max_steps": 4, "context_length": 8, "lags": [4], "scaler": None,
         "verbose": False}  # fmt: skip
FRAME = pd.DataFrame({name: wavy(50, seed) for seed, name in enumerate("ab")})


class Watch(pl.Callback):
    """The loss of every step."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: object) -> None:
        self.losses.append(float(outputs["loss"]))


def watched(df: Any = FRAME, **arguments: Any) -> tuple[TrainingReport, list[float]]:
    watch = Watch()
    model = LSTMForecaster(**SMALL | arguments, trainer_kwargs={"callbacks": watch})
    return model.fit(df).report_, watch.losses


def by_hand(
    model: Any, before: Any, after: np.ndarray, told: tuple[Any, Any] = (None, None)
) -> pd.DataFrame:
    """Errors by step of the rows (N, H) that follow a frame, with the public tools alone."""
    context = model.context(before)
    truth = by_system(torch.tensor(after), context.values.shape[2])
    units = context.normaliser.apply(truth, ~truth.isnan()).float()
    horizon = after.shape[1]
    paths: dict[str, list[np.ndarray]] = {"teacher_forced": [], "free_running": []}
    with torch.no_grad():
        for network in model.module_.networks:
            _, state = encode(network, context.values, context.known, told[0])
            forced = network.read(state, units, torch.ones_like(units), told[1])[0]
            free = rollout(network, state, horizon, Feedback(covariates=told[1])).path
            paths["teacher_forced"].append(forced.numpy())
            paths["free_running"].append(free.numpy())
    errors = {
        name: np.abs(np.median(found, axis=0) - units.numpy()).mean(axis=(0, 2))
        for name, found in paths.items()
    }
    table = pd.DataFrame({"step": np.arange(1, horizon + 1), **errors})
    return table.assign(ratio=table["free_running"] / table["teacher_forced"])


def assert_errors(report: TrainingReport, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(report.errors, expected, check_dtype=False, rtol=1e-4)
    gap = expected["free_running"].mean() / expected["teacher_forced"].mean()
    assert report.exposure_gap == pytest.approx(gap, rel=1e-4)


# ------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (LSTMForecaster, 1),
        (GRUForecaster, 3),
        pytest.param(LSTMForecaster, 2, marks=pytest.mark.slow),
        pytest.param(LSTMForecaster, 3, marks=pytest.mark.slow),
    ],
)
def test_errors_of_the_rows_that_were_held_out(kind: Any, count: int) -> None:
    model = kind(**SMALL, val_size=HELD_OUT, n_models=count).fit(FRAME)
    assert model.report_.measured_on == "held-out rows"
    after = FRAME.iloc[-HELD_OUT:].to_numpy().T
    assert_errors(model.report_, by_hand(model, FRAME.iloc[:-HELD_OUT], after))


@pytest.mark.parametrize("count", [1, 3])
def test_errors_of_training_rows(count: int) -> None:
    """A series as long as one window has no other."""
    steps = 6
    series = wavy(8 + steps)
    model = LSTMForecaster(**SMALL, training_strategy=FreeRunning(steps=steps), n_models=count).fit(
        series
    )
    assert model.settings_.rows_after_cutoff == steps
    assert model.report_.measured_on == "training rows"
    after = series.iloc[-steps:].to_numpy()[None]
    assert_errors(model.report_, by_hand(model, series.iloc[:-steps], after))


def test_errors_of_a_system_with_covariates() -> None:
    frame = FRAME.assign(price=np.cos(np.arange(50)))
    model = LSTMForecaster(
        **SMALL, val_size=HELD_OUT, multivariate=True, covariate_scaler=None, num_layers=2
    ).fit(frame, future_covariates="price")
    price = torch.tensor(frame["price"].to_numpy(), dtype=torch.float32)[None, :, None]
    before = price[:, 50 - HELD_OUT - 4 + 1 - 8 : 50 - HELD_OUT]
    after = FRAME.iloc[-HELD_OUT:].to_numpy().T
    expected = by_hand(model, frame.iloc[:-HELD_OUT], after, (before, price[:, -HELD_OUT:]))
    assert_errors(model.report_, expected)


def test_a_copy_of_the_last_value_has_errors_that_are_known() -> None:
    """On a straight line the closed loop is behind by as many steps as it has made."""
    line = pd.Series(np.arange(60.0))
    model = LSTMForecaster(
        **SMALL | {"learning_rate": 1e-9, "max_steps": 1, "lags": None},
        residual="last", val_size=5, random_state=2,
    )  # fmt: skip
    errors = model.fit(line).report_.errors
    slope = 1 / np.arange(8).std()  # in the units of the context
    np.testing.assert_allclose(errors["teacher_forced"], slope, atol=0.03)
    np.testing.assert_allclose(errors["free_running"], slope * np.arange(1, 6), atol=0.1)
    np.testing.assert_allclose(errors["ratio"], np.arange(1, 6), rtol=0.1)


def test_what_is_missing_does_not_count() -> None:
    """One series has a hole where the other is known."""
    frame = FRAME.copy()
    frame.iloc[-3, 0] = np.nan
    report = LSTMForecaster(**SMALL, val_size=HELD_OUT).fit(frame, fill="mask").report_
    assert report.errors["step"].tolist() == list(range(1, HELD_OUT + 1))
    assert np.isfinite(report.errors.to_numpy()).all()


def test_a_step_of_which_nothing_is_known_has_no_error() -> None:
    frame = FRAME.copy()
    frame.iloc[-3] = np.nan
    report = LSTMForecaster(**SMALL, val_size=HELD_OUT).fit(frame, fill="mask").report_
    missing = report.errors.set_index("step").isna()
    assert missing.loc[HELD_OUT - 2].all()
    assert not missing.drop(index=HELD_OUT - 2).any(axis=None)
    assert np.isfinite(report.exposure_gap)


def test_series_without_a_tail_are_left_out() -> None:
    """Of a series no longer than twice the tail nothing is held out."""
    short = FRAME.rename(columns={"b": "short"}).copy()
    short.iloc[: 50 - 2 * HELD_OUT, 1] = np.nan
    model = LSTMForecaster(**SMALL, val_size=HELD_OUT).fit(short)
    alone = FRAME[["a"]]
    after = alone.iloc[-HELD_OUT:].to_numpy().T
    assert_errors(model.report_, by_hand(model, alone.iloc[:-HELD_OUT], after))


# ------------------------------------------------------------------------------------------- losses


def test_a_short_run_has_a_row_for_every_step() -> None:
    report, seen = watched(max_steps=9)
    assert report.losses.columns.tolist() == ["step", "loss"]
    assert report.losses["step"].tolist() == list(range(1, 10))
    assert report.losses["loss"].tolist() == pytest.approx(seen)


@pytest.mark.slow
def test_a_longer_run_has_means() -> None:
    report, seen = watched(max_steps=103)
    assert len(report.losses) <= 50
    steps = report.losses["step"].tolist()
    assert steps[-1] == 103
    expected = [
        np.mean(seen[first:stop]) for first, stop in zip([0, *steps[:-1]], steps, strict=True)
    ]
    assert report.losses["loss"].tolist() == pytest.approx(expected)


@pytest.mark.slow
def test_validation_stands_where_it_was_done() -> None:
    """Every fifty steps, by the loss of the closed loop on the held-out tails."""
    model = LSTMForecaster(**SMALL | {"max_steps": 110}, val_size=HELD_OUT).fit(FRAME)
    losses = model.report_.losses
    assert losses["step"].tolist() == [50, 100, 110]
    assert losses["validation"].isna().tolist() == [False, False, True]
    # The best weights are kept, so that the lowest loss is that of the model.
    data = LSTMForecaster(**SMALL, val_size=HELD_OUT).prepare(FRAME)[1]
    batch = data.held_out()
    with torch.no_grad():
        total, steps = model.module_.closed_loop_errors(batch)
    assert losses["validation"].min() == pytest.approx(float(total.sum() / steps.sum()), rel=1e-5)


def test_a_short_run_is_validated_at_its_end() -> None:
    losses = watched(val_size=HELD_OUT, max_steps=9)[0].losses
    assert losses["step"].tolist() == [9]
    assert losses["validation"].notna().all()


def test_losses_of_members_are_those_of_one_on_average() -> None:
    """As the validation is of one forecast: both are drawn in one picture."""
    report, seen = watched(n_models=4)
    assert report.losses["loss"].tolist() == pytest.approx(np.divide(seen, 4))


@pytest.mark.parametrize("steps", [1, 49, 50, 51, 100, 101, 3000])
def test_a_table_tells_of_all_steps_in_few_rows(steps: int) -> None:
    values = np.random.default_rng(0).random(steps)
    table = Losses(list(values), {}).table()
    assert len(table) <= 50
    assert table["step"].is_monotonic_increasing
    assert table["step"].iloc[-1] == steps
    weights = np.diff([0, *table["step"]])
    assert (weights > 0).all()
    assert np.average(table["loss"], weights=weights) == pytest.approx(values.mean())


@pytest.mark.slow
def test_a_run_that_was_cut_off_reports_all_of_it(tmp_path: Path) -> None:
    class Cut(RuntimeError):
        pass

    class CutAt(pl.Callback):
        def on_train_batch_end(self, trainer: Any, *_: object) -> None:
            if trainer.global_step == 5:
                raise Cut

    settings = SMALL | {"max_steps": 9, "val_size": HELD_OUT}
    with pytest.raises(Cut):
        LSTMForecaster(**settings, trainer_kwargs={"callbacks": CutAt()}).fit(
            FRAME, run_dir=tmp_path
        )
    resumed, read_back = (
        LSTMForecaster(**settings).fit(FRAME, run_dir=tmp_path).report_ for _ in range(2)
    )
    whole = LSTMForecaster(**settings).fit(FRAME).report_
    for report in (resumed, read_back):
        assert report.losses.equals(whole.losses)
        assert report.errors.equals(whole.errors)


# --------------------------------------------------------------------------------------- the report


def test_a_report_in_a_line() -> None:
    report = TrainingReport(
        pd.DataFrame({"step": [1, 2], "loss": [0.5, 0.25]}),
        pd.DataFrame({"step": [1, 2], "teacher_forced": [0.1, 0.3], "free_running": [0.1, 0.7]}),
        "training rows",
    )
    assert report.exposure_gap == pytest.approx(2.0)
    assert repr(report) == ("TrainingReport(2 steps, loss 0.25, exposure gap 2 on training rows)")


def test_a_model_that_is_not_fitted_or_was_loaded_has_no_report(tmp_path: Path) -> None:
    model = LSTMForecaster(**SMALL)
    assert not hasattr(model, "report_")
    model.fit(FRAME).save(tmp_path / "model.tsgen")
    assert isinstance(model.report_, tsgen.TrainingReport)
    assert not hasattr(LSTMForecaster.load(tmp_path / "model.tsgen"), "report_")


def test_a_second_fit_forgets_the_first_report() -> None:
    model = LSTMForecaster(**SMALL).fit(FRAME)
    first = model.report_
    model.prepare(FRAME)
    assert not hasattr(model, "report_")
    assert model.fit(FRAME).report_ is not first
    assert model.report_.losses.equals(first.losses)


def test_a_calibration_is_no_training_to_report() -> None:
    model = LSTMForecaster(**SMALL).fit(FRAME)
    before = model.report_
    model.calibrate()
    assert model.report_ is before


def test_a_report_draws_nothing_from_the_callers_generator() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second = (LSTMForecaster(**SMALL).fit(FRAME).report_ for _ in range(2))
    assert first.errors.equals(second.errors)
    assert torch.equal(before, torch.get_rng_state())


# --- symbols -------------------------------------------------------------------------------------


@pytest.mark.parametrize("val_share", [0.0, 0.3])
def test_wrong_symbols_are_counted_with_and_without_teacher(val_share: float) -> None:
    panel, vocabulary = learn_sequences(["abcab" * 3, "cab" * 4, "bc", "acb" * 3])
    torch.manual_seed(0)
    network = SymbolArchitecture(len(vocabulary), hidden_size=5).network().eval()
    windows = SymbolWindows(panel, stop=vocabulary.stop, window=7, val_share=val_share)
    batch = windows.some_windows()
    half = batch.targets.shape[1] // 2
    wrong: dict[str, dict[int, list[bool]]] = {"teacher_forced": {}, "free_running": {}}
    for row in range(len(batch)):
        own = batch.take(torch.tensor([row]))
        for name, found in wrong.items():
            with torch.no_grad():
                state = network.start(own.values[:, :1], own.known[:, :1])
                for step in range(own.targets.shape[1]):
                    scores, state = network.step(state)
                    fed, known = own.values[:, step + 1, None], own.known[:, step + 1, None]
                    if step >= half:
                        chosen = scores.argmax(dim=-1)
                        if bool(known):
                            right = bool(chosen == own.targets[:, step])
                            found.setdefault(step - half + 1, []).append(not right)
                        if name == "free_running":
                            fed, known = chosen[:, :, None].float(), torch.ones_like(known)
                    state = state.fed(fed, known)
    begun = network.start(batch.values[:, :1], batch.known[:, :1])
    table = symbol_exposure(network, begun, batch).set_index("step")
    for name, found in wrong.items():
        expected = {step: np.mean(errors) for step, errors in sorted(found.items())}
        assert table[name].to_dict() == pytest.approx(expected)


def test_a_text_known_by_heart_has_no_gap() -> None:
    model = LSTMGenerator(max_steps=100, hidden_size=24, verbose=False).fit("abcd" * 60)
    report = model.report_
    assert report.losses["loss"].iloc[-1] < 0.3
    assert (report.errors[["teacher_forced", "free_running"]] == 0).all(axis=None)
    assert report.exposure_gap == 1.0
    assert (report.errors["ratio"] == 1.0).all()
    assert report.measured_on == "training symbols"
    title = tsgen.plot_training(report).axes[1].get_title(loc="left")
    assert title == "share of wrong symbols on training symbols (exposure gap 1.00)"


def test_one_symbol_alone_has_a_report() -> None:
    report = LSTMGenerator(max_steps=2, hidden_size=4, verbose=False).fit("a").report_
    assert report.errors["step"].tolist() == [1]
