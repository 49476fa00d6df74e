"""Whether intervals cover what they say, and what a calibration costs and leaves alone."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal, assert_series_equal
from support.problems import wavy

import tsgen.forecasters.fitting
import tsgen.inference.calibration
from tsgen import GRUForecaster, LSTMForecaster, load
from tsgen.data.frame import read_panel
from tsgen.data.panel import Columns, Panel
from tsgen.errors import FrameError, NotFittedError
from tsgen.inference.calibration import calibrate_on_tail, tail_length
from tsgen.inference.fitted import FittedModel

H = 6


def small(model: type = LSTMForecaster, **settings: Any) -> Any:
    defaults = {"max_steps": 5, "hidden_size": 8, "context_length": 20, "verbose": False}
    return model(**(defaults | settings))


def frame(rows: int = 60, series: int = 3) -> pd.DataFrame:
    index = pd.date_range("2020-01-01", periods=rows)
    return pd.DataFrame(
        {f"s{i}": wavy(rows, seed=i).to_numpy() * 10**i for i in range(series)}, index
    )


def panel_of(df: pd.DataFrame) -> Panel:
    return read_panel(df, Columns("unique_id", "ds", "y"))


@pytest.fixture(scope="module")
def calibrated() -> Any:
    """Not to be changed."""
    return small().fit(frame()).calibrate()


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one with each training."""
    done: list[str] = []
    train = tsgen.training.train

    def counted(*args: Any, **kwargs: Any) -> Any:
        done.append("fit")
        return train(*args, **kwargs)

    monkeypatch.setattr(tsgen.training, "train", counted)
    return done


# ---------------------------------------------------------------------------------- when it's done


@pytest.mark.slow
def test_the_first_levels_calibrate_and_no_others(fits: list[str]) -> None:
    model = small().fit(frame())
    model.predict(H)
    model.sample(H, num_samples=3, calibrated=False)
    assert len(fits) == 1
    first = model.predict(H, level=80)
    assert len(fits) == 2
    assert_frame_equal(model.predict(H, level=80), first)
    model.predict(50, level=[50, 95], quantiles=0.3)
    model.predict(H, df=frame(40), level=80)
    model.sample(H, num_samples=3)
    assert len(fits) == 2


@pytest.mark.slow
@pytest.mark.parametrize("ask", ["quantiles", "sample"])
def test_quantiles_and_paths_calibrate_too(ask: str, fits: list[str]) -> None:
    model = small().fit(frame())
    for _ in range(2):
        if ask == "sample":
            model.sample(H, num_samples=3)
        else:
            model.predict(H, quantiles=0.1)
    assert len(fits) == 2


def test_levels_that_are_refused_cost_no_fit(fits: list[str]) -> None:
    model = small().fit(frame())
    for wrong in (
        {"horizon": H, "level": 100},
        {"horizon": 0, "level": 80},
        {"horizon": H, "level": 80, "on_blowup": "ignore"},
        {"horizon": H, "level": 80, "df": frame(), "state": model.encode(frame())},
    ):
        with pytest.raises(ValueError, match="="):
            model.predict(**wrong)
    with pytest.raises(FrameError):
        model.predict(H, level=80, df=frame().replace(frame().iloc[3, 0], np.inf))
    assert len(fits) == 1


@pytest.mark.slow
def test_a_call_of_your_own_is_the_one_that_counts(fits: list[str]) -> None:
    model = small().fit(frame())
    assert model.calibrate() is model
    own = model.predict(H, level=80)
    assert len(fits) == 2
    assert_frame_equal(small().fit(frame()).predict(H, level=80), own)


@pytest.mark.slow
def test_a_second_fit_forgets_the_calibration(fits: list[str]) -> None:
    model = small().fit(frame() * 7 + 100).calibrate()
    model.fit(frame())
    assert len(fits) == 3
    bands = model.predict(H, level=80)
    assert len(fits) == 4
    assert_frame_equal(bands, small().fit(frame()).predict(H, level=80))


def test_before_fit() -> None:
    with pytest.raises(NotFittedError, match=r"fit\(df\)"):
        small().calibrate()
    with pytest.raises(NotFittedError, match=r"fit\(df\)"):
        small().predict(H, level=80)


# ----------------------------------------------------------------------------- what it leaves alone


@pytest.mark.slow
def test_calibration_changes_nothing_but_the_levels() -> None:
    model = small().fit(frame())
    point, raw = model.predict(50), model.sample(H, num_samples=5, calibrated=False)
    settings, params = model.settings_, model.get_params()
    weights = [p.clone() for p in model.module_.parameters()]
    module, state = model.module_, model.encode(frame())
    df = frame()
    model.calibrate(df)
    assert_frame_equal(df, frame())
    assert_frame_equal(model.predict(50), point)
    assert_frame_equal(model.sample(H, num_samples=5, calibrated=False), raw)
    assert model.settings_ == settings
    assert model.get_params() == params
    assert model.module_ is module
    assert all(torch.equal(*pair) for pair in zip(module.parameters(), weights, strict=True))
    assert_frame_equal(model.predict(50, state=state), point)  # a state of before is still good


@pytest.mark.slow
def test_nothing_global_is_touched() -> None:
    model = small(dropout=0.2, num_layers=2).fit(frame())
    before = random.getstate(), np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    model.predict(H, level=80)
    model.sample(H, num_samples=3)
    assert random.getstate() == before[0]
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), before[2])


@pytest.mark.slow
def test_the_global_state_does_not_act_on_levels() -> None:
    bands = []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            bands.append(small(dropout=0.2, num_layers=2).fit(frame()).predict(H, level=80))
    assert_frame_equal(*bands)


@pytest.mark.slow
def test_the_seed_of_the_model_acts_on_levels() -> None:
    point, other = (small(random_state=seed).fit(frame()).predict(H, level=80) for seed in (0, 1))
    assert not np.allclose(point, other)


@pytest.mark.slow
def test_a_folder_of_a_run_is_left_as_it_is(tmp_path: Path) -> None:
    model = small().fit(frame(), run_dir=tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert before
    model.predict(H, level=80)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert_frame_equal(small().fit(frame(), run_dir=tmp_path).predict(H), model.predict(H))


# ---------------------------------------------------------------------------------------- files


@pytest.mark.slow
@pytest.mark.parametrize("kind", [LSTMForecaster, GRUForecaster])
def test_a_saved_calibration_is_loaded_bit_by_bit(
    kind: type, tmp_path: Path, fits: list[str]
) -> None:
    model = small(kind).fit(frame()).calibrate()
    bands = model.predict(30, level=[80, 95], quantiles=0.3)
    paths = model.sample(H, num_samples=7, as_array=True)
    model.save(tmp_path / "model.tsgen")
    loaded = load(tmp_path / "model.tsgen")
    assert_frame_equal(
        loaded.predict(30, level=[80, 95], quantiles=0.3), bands, check_exact=True
    )  # fmt: skip
    np.testing.assert_array_equal(loaded.sample(H, num_samples=7, as_array=True), paths)
    assert len(fits) == 2
    # And once more: what was loaded can be saved.
    loaded.save(tmp_path / "again.tsgen")
    again = kind.load(tmp_path / "again.tsgen").predict(30, level=[80, 95], quantiles=0.3)
    assert_frame_equal(again, bands, check_exact=True)


def test_a_model_saved_without_levels_says_how_to_get_them(tmp_path: Path, fits: list[str]) -> None:
    model = small().fit(frame())
    model.save(tmp_path / "model.tsgen")
    loaded = load(tmp_path / "model.tsgen")
    for ask in (
        lambda: loaded.predict(H, level=80),
        lambda: loaded.predict(H, quantiles=0.1),
        lambda: loaded.sample(H, num_samples=3),
        lambda: loaded.calibrate(),
    ):
        with pytest.raises(NotFittedError, match=r"calibrate\(df\)"):
            ask()
    # What needs none works.
    assert_frame_equal(loaded.predict(H), model.predict(H))
    paths, expected = (
        each.sample(H, num_samples=5, calibrated=False) for each in (loaded, model)
    )  # fmt: skip
    assert_frame_equal(paths, expected)
    assert len(fits) == 1


@pytest.mark.slow
def test_a_loaded_model_is_calibrated_on_rows_that_are_handed_over(tmp_path: Path) -> None:
    model = small().fit(frame())
    model.save(tmp_path / "model.tsgen")
    loaded = load(tmp_path / "model.tsgen")
    assert loaded.calibrate(frame()) is loaded
    assert_frame_equal(loaded.predict(H, level=80), model.predict(H, level=80))
    loaded.save(tmp_path / "model.tsgen", overwrite=True)
    assert_frame_equal(
        load(tmp_path / "model.tsgen").predict(H, level=80), model.predict(H, level=80)
    )


# ------------------------------------------------------------------------------------ what it takes


def assert_bands(bands: pd.DataFrame) -> None:
    """Of a wide frame: finite, and around the forecast."""
    assert np.isfinite(bands.to_numpy()).all()
    for name in bands.columns.get_level_values(0).unique():
        part = bands[name]
        slack = 1e-6 * float(part["y"].abs().max())
        assert (part["y-lo-80"] <= part["y"] + slack).all()
        assert (part["y"] <= part["y-hi-80"] + slack).all()
        assert (part["y-hi-80"] > part["y-lo-80"]).all()


def test_a_single_series_will_do() -> None:
    series = wavy(80)
    model = small().fit(series)
    bands = model.predict(30, level=80)
    assert_series_equal(bands["y"], model.predict(30), check_freq=False)
    assert np.isfinite(bands.to_numpy()).all()
    assert (bands["y-hi-80"] > bands["y-lo-80"]).all()


@pytest.mark.parametrize("rows", [2, 3, 5, 8])
def test_series_too_short_for_a_tail_have_finite_levels(rows: int) -> None:
    df = frame(rows, series=8)
    bands = small(context_length=4, lags=None).fit(df).predict(12, level=80)
    assert np.isfinite(bands.to_numpy()).all()
    for name in df.columns if rows > 3 else []:
        assert (bands[name, "y-lo-80"] <= bands[name, "y-hi-80"]).all()


def test_short_series_beside_long_ones() -> None:
    df = frame(60, series=4)
    df.iloc[:-3, 1] = np.nan
    bands = small(lags=None).fit(df, short="skip").predict(H, level=80)
    assert_bands(bands)


@pytest.mark.slow
def test_missing_values_are_no_errors() -> None:
    df = frame(60)
    df.iloc[[20, 21, 55, 59], 1] = np.nan
    with pytest.raises(FrameError):
        small().fit(df)  # gaps in a series are refused as ever
    df = frame(60)
    df.iloc[57:, 1] = np.nan
    assert_bands(small().fit(df).predict(H, level=80))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"val_size": 6, "patience": 2},
        {"scaler": None, "window_norm": False},
        {"scaler": "minmax", "loss": "mae"},
        {"num_layers": 2, "dropout": 0.1, "residual": None},
        {"trainer_kwargs": {"max_epochs": 1}},
        {"max_steps": "auto", "context_length": "auto", "trainer_kwargs": {"max_steps": 3}},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_whatever_the_settings_of_fit(settings: dict[str, Any]) -> None:
    assert_bands(small(**settings).fit(frame()).predict(H, level=80))


@pytest.mark.slow
def test_rows_of_other_series_will_do(calibrated: Any) -> None:
    model = small().fit(frame())
    other = frame(90, series=5).rename(columns=lambda name: f"other {name}")
    bands = model.calibrate(other).predict(H, level=80)
    assert_bands(bands)
    assert not np.allclose(bands, calibrated.predict(H, level=80))
    with pytest.raises(FrameError):
        model.calibrate(frame().set_axis(range(60)))
    assert_frame_equal(model.predict(H, level=80), bands)  # the calibration before is kept


@pytest.mark.slow
def test_larger_errors_make_wider_intervals() -> None:
    widths = []
    for noise in (0.1, 3.0):
        noises = np.random.default_rng(0).normal(0, noise, size=(80, 3))
        df = frame(80) * [1, 0.1, 0.01] + noises
        bands = small().fit(df).predict(H, level=80)
        widths.append(np.mean([bands[n, "y-hi-80"] - bands[n, "y-lo-80"] for n in df]))
    assert widths[1] > 2.5 * widths[0]


# ----------------------------------------------------------------------------------------- coverage


def ar_panel(series: int = 60, rows: int = 110, seed: int = 0) -> pd.DataFrame:
    noise = np.random.default_rng(seed).normal(size=(rows + 50, series))
    values = np.zeros_like(noise)
    for t in range(1, len(values)):
        values[t] = 0.7 * values[t - 1] + noise[t]
    return _scaled_panel(values[50:])


def seasonal_panel(series: int = 60, rows: int = 110, seed: int = 0) -> pd.DataFrame:
    """Weekly seasons of different phase; the noise has tails."""
    random = np.random.default_rng(seed)
    phase = random.uniform(0, 7, size=series)
    season = np.sin(2 * np.pi * (np.arange(rows)[:, None] + phase) / 7)
    return _scaled_panel(3 * season + random.standard_t(5, size=(rows, series)))


def _scaled_panel(values: Any) -> pd.DataFrame:
    index = pd.date_range("2021-01-01", periods=len(values))
    columns = [f"s{i:02}" for i in range(values.shape[1])]
    return pd.DataFrame(values * np.logspace(-2, 2, values.shape[1]) + 5, index, columns)


def coverage(bands: pd.DataFrame, truth: pd.DataFrame, level: int) -> float:
    low, high = (
        bands.xs(f"y-{side}-{level}", axis=1, level=1)[truth.columns].to_numpy()
        for side in ("lo", "hi")
    )
    return float(100 * ((low <= truth) & (truth <= high)).to_numpy().mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "cell"),
    [
        (ar_panel, LSTMForecaster),
        pytest.param(seasonal_panel, GRUForecaster, marks=pytest.mark.slow),
    ],
)
def test_intervals_cover_what_they_say(make: Any, cell: type) -> None:
    """300 values that the model hasn't seen, the steps of a path hanging together."""
    df = make(series=30, rows=90)
    settings = {"max_steps": 50, "batch_size": 16, "learning_rate": 5e-3}
    model = small(cell, **settings, context_length=28).fit(df.iloc[:-10])
    bands = model.predict(10, level=[80, 95])
    truth = df.iloc[-10:]
    assert coverage(bands, truth, 80) == pytest.approx(80, abs=8)
    assert coverage(bands, truth, 95) == pytest.approx(95, abs=5)
    # And not by being as wide as all there is.
    width = bands.xs("y-hi-80", axis=1, level=1) - bands.xs("y-lo-80", axis=1, level=1)
    assert float((width / df.iloc[:-10].std()).to_numpy().mean()) < 3.5


@pytest.mark.slow
@pytest.mark.parametrize("make", [ar_panel, seasonal_panel])
def test_intervals_of_a_network_that_has_learnt_its_rows_by_heart(make: Any) -> None:
    """Errors in sample are far too small then, which is what a calibration is there for."""
    df = make(series=30, rows=60, seed=2)
    settings = {"max_steps": 120, "batch_size": 16, "hidden_size": 32, "learning_rate": 3e-2}
    model = small(**settings, context_length=28).fit(df.iloc[:-10])
    bands, truth = model.predict(10, level=[80, 95]), df.iloc[-10:]
    raw = model.sample(10, as_array=True, calibrated=False)
    low, high = np.quantile(raw, [0.1, 0.9], axis=1)
    values = truth.to_numpy().T
    assert 100 * ((low <= values) & (values <= high)).mean() < 77
    assert coverage(bands, truth, 80) == pytest.approx(80, abs=8)
    assert coverage(bands, truth, 95) == pytest.approx(95, abs=5)


# -------------------------------------------------------------------------------------- the tail


def test_the_tail_is_three_training_horizons_where_there_is_room() -> None:
    assert tail_length(panel_of(frame(500)), 7) == 21
    assert tail_length(panel_of(frame(500)), 24) == 72


@pytest.mark.parametrize("rows", [4, 5, 7, 20, 60, 100, 101])
@pytest.mark.parametrize("horizon", [1, 7, 365])
def test_half_of_the_series_can_spare_the_tail(rows: int, horizon: int) -> None:
    """They keep more than they lend."""
    df = frame(rows, series=5)
    df.iloc[: rows // 2, 3:] = np.nan
    panel = panel_of(df)
    tail = tail_length(panel, horizon)
    assert 1 <= tail <= 3 * horizon
    assert (panel.lengths > 2 * tail).mean() >= 0.5


def test_a_tail_is_at_least_one_row() -> None:
    assert tail_length(panel_of(frame(2)), 7) == 1


def captured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the second fit hands to the calibration."""
    seen: dict[str, Any] = {}

    def capture(loop: FittedModel, panel: Panel, rows: int, seed: int) -> Any:
        seen.update(loop=loop, panel=panel, rows=rows, seed=seed)
        return calibrate_on_tail(loop, panel, rows, seed)

    monkeypatch.setattr(tsgen.forecasters.fitting, "calibrate_on_tail", capture)
    return seen


@pytest.mark.slow
def test_the_second_fit_does_not_see_the_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its weights nor its scaler nor its range depend on the values there."""
    seen = captured(monkeypatch)
    model = small().fit(frame())
    model.calibrate()
    first = dict(seen)
    rows = first["rows"]
    assert rows >= 5
    other = frame()
    other.iloc[-rows:] = 1e3 * other.iloc[-rows:] + 77
    model.calibrate(other)
    assert seen["rows"] == rows
    assert seen["loop"].weights == first["loop"].weights
    assert seen["loop"].weights != model.model_.weights
    assert seen["loop"].units.value_range == first["loop"].units.value_range
    panel = panel_of(frame())
    scaled = [
        each["loop"].units.scaler.for_series(panel.ids, panel.values, panel.offsets)
        .transform(panel.values, panel.offsets)
        for each in (first, seen)
    ]  # fmt: skip
    np.testing.assert_array_equal(*scaled)
    # The row before the tail counts.
    other = frame()
    other.iloc[-rows - 1] += 1.0
    model.calibrate(other)
    assert seen["loop"].weights != first["loop"].weights


def test_no_forecast_reads_what_it_is_held_to(
    calibrated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last row is after every cutoff: it is the truth of some forecasts, and no one's past."""
    paths: list[torch.Tensor] = []
    run = FittedModel.run

    def recorded(self: FittedModel, *args: Any, **kwargs: Any) -> Any:
        result = run(self, *args, **kwargs)
        paths.append(result.path)
        return result

    monkeypatch.setattr(FittedModel, "run", recorded)
    loop = calibrated.model_
    factors, rolled = [], []
    for change in (0.0, 1000.0):
        df = frame()
        df.iloc[-1] += change * df.std()
        paths.clear()
        factors.append(calibrate_on_tail(loop, panel_of(df), 10, seed=0).factors)
        rolled.append(list(paths))
    assert len(rolled[0]) == len(rolled[1]) > 1
    for before, after in zip(*rolled, strict=True):
        assert torch.equal(before, after)
    assert not np.array_equal(*factors)  # but it is a truth
    assert (factors[1] >= factors[0]).all()


def test_series_without_a_tail_do_not_count(calibrated: Any) -> None:
    """With twice as many rows as the tail or fewer, the second fit has read them whole."""
    loop = calibrated.model_
    df = frame(60)
    alone = calibrate_on_tail(loop, panel_of(df), 10, seed=0)
    short = df["s0"].mul(1000).rename("t").to_frame()
    short.iloc[:-20] = np.nan
    beside = calibrate_on_tail(loop, panel_of(df.join(short)), 10, seed=0)
    np.testing.assert_allclose(beside.factors, alone.factors, rtol=0.02)
    none = calibrate_on_tail(loop, panel_of(frame(20)), 10, seed=0)
    np.testing.assert_array_equal(none.factors, 1.0)


def test_the_seed_and_nothing_else_is_drawn_from(calibrated: Any) -> None:
    loop, panel = calibrated.model_, panel_of(frame())
    first, again, other = (calibrate_on_tail(loop, panel, 10, seed).factors for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(first, other, rtol=0.5)


def test_how_much_is_in_memory_does_not_matter(
    calibrated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, panel = calibrated.model_, panel_of(frame())
    whole = calibrate_on_tail(loop, panel, 10, seed=0).factors
    monkeypatch.setattr(tsgen.inference.calibration, "_PATHS_AT_ONCE", 300)
    np.testing.assert_allclose(calibrate_on_tail(loop, panel, 10, seed=0).factors, whole, rtol=1e-3)


def test_factors_are_finite_and_there_are_as_many_steps_as_rows(calibrated: Any) -> None:
    factors = calibrate_on_tail(calibrated.model_, panel_of(frame()), 10, seed=0).factors
    assert factors.shape[1] == 10
    assert np.isfinite(factors).all()
    assert (factors > 0).all()


@pytest.mark.slow
def test_constant_series_among_others_do_not_spoil_the_factors() -> None:
    df = frame(60, series=6)
    plain = small().fit(df).predict(H, level=80)
    with_constants = df.assign(**{f"k{i}": 5.0 for i in range(2)})
    bands = small().fit(with_constants).predict(H, level=80)
    assert np.isfinite(bands.to_numpy()).all()
    assert (bands[["k0", "k1"]] == 5.0).all(axis=None)
    for name in df:
        width, expected = (b[name, "y-hi-80"] - b[name, "y-lo-80"] for b in (bands, plain))
        assert (width / expected).between(0.3, 3).all()
