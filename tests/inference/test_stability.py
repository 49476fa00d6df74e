"""Exponents of maps whose exponent is known, and what becomes of loops that were built by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal
from torch import Tensor

from tsgen import GRUForecaster, LSTMForecaster
from tsgen.errors import FrameError, NotFittedError
from tsgen.inference.stability import lyapunov_exponents
from tsgen.nn import AutoregressiveNetwork, lag_inputs
from tsgen.rollout import RolloutState, encode, rollout

COLUMNS = ["lyapunov", "flat_from", "leaves_range_at"]
NAMES = ["b", "c", "a"]


# ----------------------------------------------------------------------------- maps as networks


class Loop(AutoregressiveNetwork):
    """A network of one channel whose inputs are its lagged values, with one recurrent number."""

    channels = 1

    def __init__(self, lags: tuple[int, ...] = (1,)) -> None:
        super().__init__()
        self.lags = lags

    def initial_state(self, batch_size: int) -> tuple[Tensor, ...]:
        return (torch.zeros(1, batch_size, 1, dtype=torch.float64),)

    def inputs(
        self, values: Tensor, known: Tensor, steps: int, covariates: Tensor | None = None
    ) -> Tensor:
        return lag_inputs(values, known, self.lags, steps)


class Map(Loop):
    """Its next value is a function of its inputs; its recurrent state stays 0."""

    def __init__(self, function: Callable[[Tensor], Tensor], lags: tuple[int, ...]) -> None:
        super().__init__(lags)
        self.function = function

    def forward(self, inputs: Tensor, state: tuple[Tensor, ...] | None = None) -> Any:
        return self.function(inputs)[..., None], tuple(torch.zeros_like(part) for part in state)


class Memory(Loop):
    """Its recurrent state goes its own way, and its values come from it."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, inputs: Tensor, state: tuple[Tensor, ...] | None = None) -> Any:
        hidden = self.factor * state[0]
        return hidden[0][:, None].expand(-1, inputs.shape[1], -1), (hidden,)


def at(*values: float, lags: int = 1, hidden: float = 0.0) -> RolloutState:
    """Loops that stand at these values."""
    rows = torch.tensor(values, dtype=torch.float64)[:, None, None].repeat(1, lags, 1)
    recurrent = torch.full((1, len(values), 1), hidden, dtype=torch.float64)
    return RolloutState((recurrent,), rows, torch.ones_like(rows))


def exponents(
    function: Callable[[Tensor], Tensor], *starts: float, steps: int, lags: tuple[int, ...] = (1,)
) -> Tensor:
    return lyapunov_exponents(Map(function, lags), at(*starts, lags=max(lags)), steps)


def logistic(rate: float) -> Callable[[Tensor], Tensor]:
    return lambda inputs: rate * inputs[..., 0] * (1 - inputs[..., 0])


@pytest.mark.slow
def test_chaos_of_the_logistic_map() -> None:
    found = exponents(logistic(4.0), 0.3, 0.61, 0.123, steps=2000)
    assert found.shape == (3,)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, math.log(2), atol=0.1)


@pytest.mark.slow
def test_a_cycle_of_the_logistic_map() -> None:
    """Of two steps: the exponent is the mean logarithm of the slope at both points."""
    found = exponents(logistic(3.2), 0.3, 0.61, steps=1000)
    cycle = [0.5130445095326298, 0.7994554904673701]
    exact = np.mean([math.log(abs(3.2 * (1 - 2 * y))) for y in cycle])
    assert exact < -0.5
    np.testing.assert_allclose(found, exact, atol=0.02)


@pytest.mark.parametrize("slope", [0.5, -0.5, 0.9, 1.0, -1.0])
@pytest.mark.parametrize("steps", [50, 500])
def test_the_exponent_of_a_line_is_the_logarithm_of_its_slope(slope: float, steps: int) -> None:
    found = exponents(lambda inputs: slope * inputs[..., 0] + 0.3, 0.7, -3.0, steps=steps)
    np.testing.assert_allclose(found, math.log(abs(slope)), atol=0.02)


@pytest.mark.parametrize("steps", [10, 23, 40])
def test_the_exponent_of_a_line_that_grows(steps: int) -> None:
    found = exponents(lambda inputs: 1.5 * inputs[..., 0], 0.1, -0.1, steps=steps)
    np.testing.assert_allclose(found, math.log(1.5), atol=0.02)


@pytest.mark.parametrize("steps", [200, 1000])
def test_a_line_that_grows_out_of_sight_still_grows(steps: int) -> None:
    """1e35 after 200 steps, where a nudge of a millionth is far below a float's precision."""
    found = exponents(lambda inputs: 1.5 * inputs[..., 0], 0.1, -0.1, steps=steps)
    np.testing.assert_allclose(found, math.log(1.5), atol=0.02)


def test_a_loop_that_leaves_the_finite_numbers_has_an_infinite_exponent() -> None:
    found = exponents(lambda inputs: inputs[..., 0] ** 2, 3.0, 0.5, steps=100)
    assert found[0] == math.inf
    assert found[1] < -1  # and doesn't take the others along


def test_a_loop_that_forgets_at_once() -> None:
    found = exponents(lambda inputs: 0 * inputs[..., 0] + 2.0, 0.7, steps=100)
    assert found[0] == -math.inf


@pytest.mark.parametrize("steps", [1, 2, 4, 7])
def test_few_steps_will_do(steps: int) -> None:
    """For a finite answer of the right sign: the nudge has no time to turn."""
    found = exponents(lambda inputs: 0.5 * inputs[..., 0], 0.7, steps=steps)
    assert math.isfinite(found[0])
    assert found[0] < 0


def test_the_recurrent_state_counts() -> None:
    found = lyapunov_exponents(Memory(0.8), at(0.7, -0.7, hidden=0.1), 400)
    np.testing.assert_allclose(found, math.log(0.8), atol=0.02)


def test_lags_count() -> None:
    """y' = 0.9 of the value four rows ago: a fourth of the logarithm in each step."""
    found = exponents(lambda inputs: 0.9 * inputs[..., 1], 0.7, steps=600, lags=(1, 4))
    np.testing.assert_allclose(found, math.log(0.9) / 4, atol=0.01)


def test_loops_do_not_act_on_each_other() -> None:
    """Those that run together have no say, up to where chaos starts from."""
    together = exponents(logistic(3.2), 0.3, 0.61, 0.9, steps=200)
    alone = torch.cat([exponents(logistic(3.2), y, steps=200) for y in (0.3, 0.61, 0.9)])
    np.testing.assert_allclose(together, alone, atol=0.02)


def test_nothing_global_is_drawn_and_the_state_is_left() -> None:
    before = torch.random.get_rng_state()
    start = at(0.3)
    copied = start.values.clone()
    first, again = (lyapunov_exponents(Map(logistic(4.0), (1,)), start, 300) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(start.values, copied)
    assert torch.equal(torch.random.get_rng_state(), before)


# ---------------------------------------------------------------------------------- models


def noisy(rows: int = 60) -> pd.DataFrame:
    noise = np.random.default_rng(0).normal(size=(rows, 3))
    values = np.sin(np.arange(rows) / 3)[:, None] + 0.3 * noise
    index = pd.date_range("2020-01-01", periods=rows)
    return pd.DataFrame(values * [1.0, 50.0, 0.01] + [3.0, -400.0, 0.0], index, NAMES)


def fitted(cell: type = LSTMForecaster, df: Any = None, **settings: Any) -> Any:
    defaults = {"max_steps": 2, "hidden_size": 8, "context_length": 20, "verbose": False}
    return cell(**(defaults | settings)).fit(noisy() if df is None else df)


def headless(cell: type = LSTMForecaster, bias: float = 0.0, **settings: Any) -> Any:
    """A model whose head adds no more than a constant to its base."""
    model = fitted(cell, **settings)
    head = model.module_.network.head
    head.weight.data.zero_()
    head.bias.data.fill_(bias)
    return model


def unit_paths(model: Any, horizon: int) -> np.ndarray:
    """The closed loops in the normaliser's units, by the definition; in the order of the names."""
    context, network = model.context(), model.module_.network
    with torch.inference_mode():
        _, state = encode(network, context.values, context.known)
        return rollout(network, state, horizon).path[..., 0].numpy()[[1, 2, 0]]


@pytest.mark.slow
@pytest.mark.parametrize("cell", [LSTMForecaster, GRUForecaster])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_row_for_each_series_in_the_order_of_the_input(cell: type, layers: int) -> None:
    model = fitted(cell, num_layers=layers)
    found = model.stability(horizon=100)
    assert found.columns.tolist() == ["unique_id", *COLUMNS]
    assert found["unique_id"].tolist() == NAMES
    assert found["lyapunov"].dtype == np.float64
    assert not found["lyapunov"].isna().any()
    alone = pd.concat([model.stability(noisy()[[n]], horizon=100) for n in NAMES])
    np.testing.assert_allclose(found["lyapunov"], alone["lyapunov"], atol=0.02)
    assert_frame_equal(
        found[COLUMNS[1:]], alone[COLUMNS[1:]].reset_index(drop=True), check_dtype=False
    )


def test_the_order_of_columns_is_that_of_the_rows_and_nothing_else() -> None:
    model = fitted()
    found = model.stability(horizon=60)
    backwards = model.stability(noisy()[NAMES[::-1]], horizon=60)
    assert found["lyapunov"].nunique() == 3
    assert_frame_equal(backwards[::-1].reset_index(drop=True), found)


def test_the_id_column_has_the_name_given_to_fit() -> None:
    rows = noisy().rename_axis(index="day").reset_index().melt("day", var_name="shop")
    model = LSTMForecaster(max_steps=2, hidden_size=8, context_length=20, verbose=False)
    model.fit(rows, id_col="shop", time_col="day", target_col="value")
    found = model.stability(horizon=50)
    assert found.columns.tolist() == ["shop", *COLUMNS]
    assert found["shop"].tolist() == NAMES


def test_a_series_is_one_row() -> None:
    found = fitted(df=noisy()["b"]).stability(horizon=50)
    assert len(found) == 1
    assert found.columns[-3:].tolist() == COLUMNS


@pytest.mark.parametrize("cell", [LSTMForecaster, GRUForecaster])
def test_a_network_that_says_nothing_is_flat_and_forgets(cell: type) -> None:
    found = headless(cell, residual=None).stability(horizon=400)
    assert (found["flat_from"] <= 2).all()
    assert (found["flat_from"] >= 1).all()
    assert (found["lyapunov"] < -0.2).all()
    assert found["leaves_range_at"].isna().all()


@pytest.mark.parametrize("cell", [LSTMForecaster, GRUForecaster])
def test_the_last_value_for_ever_is_flat_and_neither_grows_nor_forgets(cell: type) -> None:
    found = headless(cell, residual="last").stability(horizon=400)
    assert (found["flat_from"] == 1).all()
    assert (found["lyapunov"].abs() < 0.01).all()
    assert found["leaves_range_at"].isna().all()


def test_the_last_season_for_ever_moves_and_neither_grows_nor_forgets() -> None:
    found = headless(residual="seasonal", lags=[7]).stability(horizon=400)
    assert found["flat_from"].isna().all()
    assert (found["lyapunov"].abs() < 0.01).all()
    assert found["leaves_range_at"].isna().all()


@pytest.mark.parametrize("bias", [0.3, -0.3, 50.0])
def test_a_loop_that_runs_away_leaves_the_range_where_its_path_does(bias: float) -> None:
    model = headless(bias=bias, residual="last", lags=None)
    found = model.stability(horizon=200)
    path = unit_paths(model, 200)
    outside = (path < model.value_range_.low) | (path > model.value_range_.high)
    assert outside.any(axis=1).all()
    assert found["leaves_range_at"].tolist() == (outside.argmax(axis=1) + 1).tolist()
    assert found["flat_from"].isna().all()


def test_a_horizon_before_that_is_too_short_to_see_it() -> None:
    model = headless(bias=0.3, residual="last", lags=None)
    leaves = model.stability(horizon=200)["leaves_range_at"]
    assert leaves.min() > 2
    for horizon in (int(leaves.min()) - 1, int(leaves.min())):
        here = model.stability(horizon=horizon)["leaves_range_at"]
        assert here.notna().tolist() == (leaves <= horizon).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("cell", [LSTMForecaster, GRUForecaster])
def test_a_path_is_flat_from_where_it_no_longer_moves(cell: type) -> None:
    """Without a base a network that hardly learnt anything settles; in some steps, not at once."""
    model = fitted(cell, residual=None, lags=None)
    model.module_.network.head.weight.data *= 30
    found = model.stability(horizon=400)
    path = unit_paths(model, 400)
    assert found["flat_from"].notna().all()
    assert found["flat_from"].max() > 1
    for row, step in zip(path, found["flat_from"], strict=True):
        rest = row[int(step) - 1 :]
        assert np.ptp(rest) < 0.01
        assert step == 1 or np.ptp(row[int(step) - 2 :]) >= 0.0099
    assert (found["lyapunov"] < 0).all()


@pytest.mark.parametrize("cell", [LSTMForecaster, GRUForecaster])
def test_a_loop_that_multiplies_itself_grows(cell: type) -> None:
    """The base twice: once as the residual, and once more through nearly linear units."""
    model = fitted(cell, residual="last", lags=None, num_layers=1)
    network = model.module_.network
    for name, weight in network.recurrent.named_parameters():
        weight.data.zero_()
        if name == "weight_ih_l0":  # the candidate, the third of an LSTM's gates and a GRU's
            weight.data[16:24, 0] = 1e-4
    gates = 0.25 if cell is LSTMForecaster else 0.5
    network.head.bias.data.zero_()
    network.head.weight.data.fill_(0.2 / (8 * 1e-4 * gates))
    found = model.stability(horizon=40)
    assert (found["lyapunov"] > 0.05).all()
    assert found["leaves_range_at"].notna().all()


def test_other_series_and_longer_ones() -> None:
    model = fitted(lags=None)
    other = noisy(90)[["a", "b"]].rename(columns={"b": "new"})
    found = model.stability(other, horizon=60)
    assert found["unique_id"].tolist() == ["a", "new"]
    assert_frame_equal(model.stability(noisy(), horizon=60), model.stability(horizon=60))


def test_stability_changes_nothing() -> None:
    model = fitted()
    point = model.predict(12)
    first = model.stability(horizon=60)
    assert model.module_.network.dtype == torch.float32
    assert_frame_equal(model.predict(12), point)
    assert_frame_equal(model.stability(horizon=60), first)


def test_constant_series_are_flat_and_stay() -> None:
    df = noisy().assign(c=5.0)
    found = fitted(df=df, residual="last", lags=None).stability(horizon=100)
    assert len(found) == 3
    assert not found["lyapunov"].isna().any()


def test_what_is_refused() -> None:
    with pytest.raises(NotFittedError, match=r"fit\(df\)"):
        LSTMForecaster().stability()
    model = fitted()
    for horizon in (0, -3):
        with pytest.raises(ValueError, match="horizon"):
            model.stability(horizon=horizon)
    with pytest.raises(TypeError, match="horizon"):
        model.stability(horizon=2.5)
    with pytest.raises(FrameError):
        model.stability(noisy().replace(noisy().iloc[4, 0], np.inf))


@pytest.mark.parametrize("horizon", [1, 2, 13])
def test_short_horizons_are_answered(horizon: int) -> None:
    """Too short for two seasons at rest, which a flat path would need."""
    found = headless(residual="last").stability(horizon=horizon)
    assert found["flat_from"].isna().all()
    assert (found["lyapunov"].abs() < 5).all()
