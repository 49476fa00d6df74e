"""The chaos benchmark: systems, sequences, the error, and the way to it on a short trajectory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import tsgen
from benchmarks.chaos import run, systems, tables

pytestmark = pytest.mark.slow

FLOWS = {
    "lorenz": (systems.lorenz, (1.0, 1.0, 0.0), 0.01),
    "roessler": (systems.roessler, (1.0, 1.0, 1.0), 0.12),
    "thomas": (systems.thomas, (0.0, 1.0, 0.0), 0.1),
}


@pytest.mark.parametrize(
    ("slope", "state", "expected"),
    [
        (systems.lorenz, (1, 2, 3), (10.0, 23.0, -6.0)),
        (systems.lorenz, (math.sqrt(72), math.sqrt(72), 27), (0.0, 0.0, 0.0)),
        (systems.roessler, (1, 2, 3), (-5.0, 1.4, -13.9)),
        (systems.thomas, (0, math.pi / 2, 1), (1.0, math.sin(1) - 0.05 * math.pi, -0.1)),
    ],
    ids=["lorenz", "lorenz at rest", "roessler", "thomas"],
)
def test_derivatives_by_hand(slope: Any, state: Any, expected: Any) -> None:
    np.testing.assert_allclose(slope(np.array(state, float)), expected, atol=1e-12)


@pytest.mark.parametrize("name", list(FLOWS))
def test_another_integrator_finds_the_same_states(name: str) -> None:
    """Over one Lyapunov time, in which an error grows to less than three times its size."""
    slope, start, dt = FLOWS[name]
    steps = systems.SYSTEMS[name].horizon
    found = systems.flow(slope, start, dt, steps)
    assert found[0].tolist() == list(start)
    other = solve_ivp(
        lambda time, state: slope(state, time), (0, dt * steps), start, "DOP853",
        dt * np.arange(steps), rtol=1e-12, atol=1e-12,
    )  # fmt: skip
    np.testing.assert_allclose(found, other.y.T, atol=1e-8)


def test_the_lorenz_attractor_has_its_known_moments() -> None:
    """Mean of z 23.55; x and y are symmetric, and z² has x's and y's product as its balance."""
    states = systems.flow(systems.lorenz, (1.0, 1.0, 0.0), 0.01, 40_000)[2000:]
    x, y, z = states.T
    assert z.mean() == pytest.approx(23.55, abs=0.3)
    np.testing.assert_allclose([x.std(), z.std()], [7.92, 8.6], rtol=0.05)
    # d(x²)/dt and dz/dt average to 0 on the attractor.
    assert (x * y).mean() == pytest.approx((x * x).mean(), rel=0.02)
    assert (x * y).mean() == pytest.approx(8 / 3 * z.mean(), rel=0.02)


def test_the_thomas_trajectory_leaves_out_its_way_to_the_attractor() -> None:
    system = systems.SYSTEMS["thomas"]
    states = systems.flow(systems.thomas, (0.0, 1.0, 0.0), 0.1, 1000 + system.length)
    np.testing.assert_allclose(system.integrate(1)[0], states[1000:], atol=1e-8)


def test_the_mackey_glass_map_by_hand() -> None:
    values = systems.mackey_glass(60)[:, 0]
    assert values[17] == 0.0
    assert ((values[:17] >= 0) & (values[:17] < 1)).all()
    assert values[18] == pytest.approx(0.2 * values[0] / (1 + values[0] ** 10))
    late, last = values[58 - 17], values[58]
    assert values[59] == pytest.approx(last + 0.2 * late / (1 + late**10) - 0.1 * last)


def test_mackey_glass_stays_where_it_is_known_to() -> None:
    values = systems.SYSTEMS["mackeyglass"].integrate(20)
    assert values.shape == (20, 317, 1)
    assert 0.2 < values.min() < 0.5 < 1.2 < values.max() < 1.5
    assert values.mean() == pytest.approx(0.92, abs=0.03)


# ----------------------------------------------------------------------------------- the sequences


@pytest.mark.parametrize("name", list(systems.SYSTEMS))
def test_sequences_follow_each_other(name: str) -> None:
    """Each begins with the state after the last one of the sequence before."""
    system = systems.SYSTEMS[name]
    sequences = system.integrate(3)
    assert sequences.shape == (3, 150 + system.horizon, len(system.channels))
    states = system.trajectory(system.dropped + 3 * system.length)[system.dropped :]
    np.testing.assert_allclose(sequences.reshape(states.shape), states, atol=1e-8)


def test_horizons_are_a_lyapunov_time() -> None:
    exponents = {"lorenz": 0.00905, "roessler": 0.00828, "mackeyglass": 0.006, "thomas": 0.0055}
    for name, per_step in exponents.items():
        assert systems.SYSTEMS[name].horizon == pytest.approx(1 / per_step, abs=1.0)


def test_no_state_is_in_two_parts() -> None:
    numbered = np.arange(200 * 7, dtype=float).reshape(200, 7, 1)
    parts = systems.split(numbered)
    assert [len(part) for part in parts[:3]] == [160, 20, 20]
    together = np.concatenate(parts[:3])
    assert sorted(together.ravel()) == numbered.ravel().tolist()
    assert not np.array_equal(together, numbered)
    np.testing.assert_array_equal(parts.test, systems.split(numbered).test)
    np.testing.assert_allclose(parts.spread, numbered.std())


def test_a_trajectory_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSGEN_CHAOS", str(tmp_path / "kept"))
    monkeypatch.setattr(systems.System, "integrate", lambda self: np.zeros((10, 317, 1)))
    assert systems.load("mackeyglass").train.shape == (8, 317, 1)
    np.save(tmp_path / "kept" / "mackeyglass.npy", np.ones((10, 317, 1)))
    assert systems.load("mackeyglass").train.mean() == 1.0
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["mackeyglass.npy"]


def test_a_long_frame_has_a_row_for_each_state() -> None:
    sequences = np.arange(24.0).reshape(2, 4, 3)
    frame = systems.long_frame(sequences, ("x", "y", "z"), slice(1, 3))
    assert frame.to_dict("list") == {
        "unique_id": [0, 0, 1, 1],
        "ds": [1, 2, 1, 2],
        "x": [3.0, 6.0, 15.0, 18.0],
        "y": [4.0, 7.0, 16.0, 19.0],
        "z": [5.0, 8.0, 17.0, 20.0],
    }


# --------------------------------------------------------------------------------------- the error


def draws(seed: int = 0, steps: int = 400) -> np.ndarray:
    scale = np.array([1.0, 10.0, 5.0])
    return np.random.default_rng(seed).normal(size=(50, steps, 3)) * scale


def test_the_truth_has_no_error() -> None:
    truth = draws()
    assert systems.errors(truth, truth, truth.std(axis=(0, 1))) == (0.0, 0.0)


def test_the_mean_errs_by_about_one() -> None:
    """The root of the mean square of three spreads, over their mean, is a little more than 1."""
    truth = np.random.default_rng(0).normal(size=(50, 400, 3))
    found = systems.errors(truth, np.zeros_like(truth), truth.std(axis=(0, 1)))
    assert found.nrmse == pytest.approx(1.0, abs=0.1)
    assert found.nrmse_last_tenth == pytest.approx(1.0, abs=0.1)


def test_the_error_by_hand() -> None:
    """Channels are squared together, steps and sequences are not; the last tenth is one step."""
    truth = np.zeros((3, 10, 2))
    forecast = np.zeros((3, 10, 2))
    forecast[0, :, :] = (3.0, 4.0)
    forecast[1, -1, :] = (6.0, 8.0)
    forecast[2, :, :] = 100.0
    root = math.sqrt(12.5)
    found = systems.errors(truth, forecast, np.array([1.0, 3.0]))
    assert found.nrmse == pytest.approx(root / 2)
    assert found.nrmse_last_tenth == pytest.approx(2 * root / 2)


@given(scale=st.floats(0.01, 100.0), shift=st.floats(-100.0, 100.0))
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
def test_the_error_has_no_unit(scale: float, shift: float) -> None:
    truth, forecast = draws(0, 30), draws(1, 30)
    spread = truth.std(axis=(0, 1))
    found = systems.errors(truth * scale + shift, forecast * scale + shift, spread * scale)
    np.testing.assert_allclose(found, systems.errors(truth, forecast, spread), rtol=1e-6)


# -------------------------------------------------------------------------------------- the script


def small(name: str, count: int = 20) -> Any:
    return systems.split(systems.SYSTEMS[name].integrate(count))


@pytest.mark.parametrize("name", ["lorenz", "mackeyglass"])
def test_a_run_from_sequences_to_a_row(name: str) -> None:
    row = run.measure(
        name, small(name), "teacher_forcing", "gru", 3,
        minutes=1.0, closed_steps=5, max_steps=2, hidden_size=4,
    )  # fmt: skip
    assert list(row) == tables.COLUMNS
    assert row["seed"] == 3
    assert 0 < row["nrmse"] < row["nrmse_last_tenth"] < 10
    assert '"max_steps": 2' in str(row["settings"])


def test_forecasts_are_held_to_the_horizon_that_follows() -> None:
    """A forecaster that knows the continuation has no error, whatever the order of its rows."""
    system = systems.SYSTEMS["lorenz"]
    part = small("lorenz").train
    shown = []

    class Oracle:
        def predict(self, horizon: int, df: Any) -> Any:
            shown.append(df)
            frame = systems.long_frame(part, system.channels, slice(150, 150 + horizon))
            return frame.sample(frac=1.0, random_state=0)

    assert run.score(Oracle(), system, part, part.std(axis=(0, 1))) == (0.0, 0.0)
    assert shown[0]["ds"].max() == 149
    assert len(shown[0]) == 150 * len(part)


def test_steps_are_as_many_as_fit_into_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """5 seconds for the frame and 0.1 seconds a step leave room for 550 steps in a minute."""
    monkeypatch.setattr(run, "fit", lambda model, system, frame: 5.0 + 0.1 * model)
    assert run.steps_within(60.0, lambda max_steps: max_steps, None, None) == 550


def test_settings_are_read_as_json_or_text() -> None:
    found = run.given(["lags=[1, 18]", "loss=huber", "learning_rate=1e-3"])
    assert found == {"lags": [1, 18], "loss": "huber", "learning_rate": 1e-3}


def test_strategies_are_what_their_names_say() -> None:
    made = {name: make(7) for name, make in run.STRATEGIES.items()}
    assert made.pop("teacher_forcing") == tsgen.TeacherForcing()
    assert made.pop("noisy_inputs").std > 0
    assert {strategy.steps for strategy in made.values()} == {7}
    assert made["free_running_growing"].grow > 0 == made["free_running"].grow
    for name, strategy in made.items():
        if name.startswith(("increasing", "decreasing")):
            direction, curve = name.split("_per_")[0].split("_", 1)
            assert (strategy.start < strategy.end) == (direction == "increasing")
            assert (strategy.curve, strategy.per) == (curve, name.split("_per_")[1])
