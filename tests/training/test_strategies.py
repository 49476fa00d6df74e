"""What is fed in while a network learns, against loops written out row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from support.model_files import inside, model_of, packed, unpacked
from support.problems import wavy
from torch import Tensor

import tsgen
from tsgen import (
    ForecastModule,
    FreeRunning,
    GRUForecaster,
    LSTMForecaster,
    NoisyInputs,
    PushForward,
    ScheduledSampling,
    TeacherForcing,
    TrainingStrategy,
)
from tsgen.errors import ModelFileError, SettingError
from tsgen.generation.folded import folds
from tsgen.generation.imputation import encode_over_holes
from tsgen.nn import Architecture, RecurrentNetwork, lag_inputs
from tsgen.preprocessing import by_series, by_system
from tsgen.preprocessing.windows import WindowBatch
from tsgen.rollout import Feedback, encode, rollout
from tsgen.training.losses import Objective
from tsgen.training.step import LossTerm, TrainingExamples
from tsgen.training.strategies import STRATEGIES

LAGS, LONGEST = (1, 5), 5
CONTEXT, HORIZON, WINDOWS = 9, 7, 6
CUTOFF = LONGEST - 1 + CONTEXT
ROWS = CUTOFF + HORIZON
AHEAD = slice(CUTOFF, ROWS)

properties = settings(max_examples=40, deadline=None, derandomize=True, database=None)

NETWORKS: dict[str, dict[str, Any]] = {
    "lstm": {},
    "lstm on the season": {"residual": 5},
    "lstm on the last value": {"residual": 1},
    "lstm, two layers": {"num_layers": 2},
    "gru": {"cell": "gru"},
    "gru, two layers on the season": {"cell": "gru", "num_layers": 2, "residual": 5},
    "two channels": {"channels": 2, "residual": 5},
    "covariates": {"covariates": 2},
    "gru, two channels, covariates": {"cell": "gru", "channels": 2, "covariates": 2},
}
every_network = pytest.mark.parametrize("name", NETWORKS)

AFTER_CUTOFF: list[Callable[..., TrainingStrategy]] = [FreeRunning, ScheduledSampling, PushForward]


def network_of(
    *, residual: int | None = None, channels: int = 1, covariates: int = 0, **arguments: Any
) -> RecurrentNetwork:
    """Random weights far from the residual base; of two covariates, one is a category of three."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Architecture(
            LAGS,
            hidden_size=6,
            channels=channels,
            covariates=covariates,
            categories={1: 3} if covariates else {},
            residual_lag=residual,
            **arguments,
        ).network()
        torch.nn.init.normal_(network.head.weight, std=0.3)
        torch.nn.init.normal_(network.head.bias, std=0.3)
    return network.double()


def echo(lag: int) -> RecurrentNetwork:
    """Predicts the value so many rows ago, to the last bit."""
    network = network_of(residual=lag)
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    return network


def batch_of(
    network: RecurrentNetwork, *, known: Tensor | None = None, scale: float = 1.0, seed: int = 1
) -> WindowBatch:
    """Noise, of which the first window knows nothing before its third row."""
    random = torch.Generator().manual_seed(seed)
    shape = WINDOWS, ROWS, network.channels
    values = scale * torch.randn(shape, generator=random, dtype=torch.float64)
    if known is None:
        known = torch.ones(shape, dtype=torch.float64)
        known[0, :2] = 0
    told = None
    if network.covariates.width:
        numbers = torch.randn(WINDOWS, ROWS, generator=random, dtype=torch.float64)
        kinds = torch.randint(4, (WINDOWS, ROWS), generator=random)
        told = torch.stack([numbers, kinds.double()], dim=-1)
    return WindowBatch(values * known, known, torch.arange(WINDOWS), told, HORIZON)


def examples_of(
    network: RecurrentNetwork, batch: WindowBatch, **arguments: Any
) -> TrainingExamples:
    return TrainingExamples(
        network, batch=batch, **({"objective": Objective("mse", 2)} | arguments)
    )


def of(name: str, **arguments: Any) -> TrainingExamples:
    network = network_of(**NETWORKS[name])
    return examples_of(network, batch_of(network), **arguments)


def holes(*stretches: tuple[int, int, int]) -> Tensor:
    """Flags of windows in which rows first to stop, not included, are missing."""
    known = torch.ones(WINDOWS, ROWS, 1, dtype=torch.float64)
    for window, first, stop in stretches:
        known[window, first:stop] = 0
    return known


def loss_of(terms: Any) -> Tensor:
    """What is minimised: the weighted mean errors."""
    return sum(weight * errors.total.sum() / errors.steps.sum() for weight, errors in terms)


def gradient_of(network: RecurrentNetwork, loss: Tensor) -> Tensor:
    weights = list(network.parameters())
    parts = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
    pairs = zip(parts, weights, strict=True)
    return torch.cat([torch.zeros(w.numel()) if g is None else g.flatten() for g, w in pairs])


def assert_same(network: RecurrentNetwork, got: Tensor, expected: Tensor) -> None:
    """The same loss with the same gradient."""
    torch.testing.assert_close(got, expected, atol=1e-9, rtol=0)
    gradients = gradient_of(network, got), gradient_of(network, expected)
    torch.testing.assert_close(*gradients, atol=1e-9, rtol=0)


# ------------------------------------------------------------------------ the definition, by hand

Feed = Callable[[int, Tensor, Tensor], Tensor]


def teacher(row: int, observed: Tensor, prediction: Tensor) -> Tensor:
    return observed


def closed(row: int, observed: Tensor, prediction: Tensor) -> Tensor:
    return prediction if row >= CUTOFF else observed


def by_hand(examples: TrainingExamples, feed: Feed) -> Tensor:
    """Predictions (B, rows after the longest lag), each fed in as `feed` says.

    What is missing of a series that has begun is stood in for by the prediction.
    """
    network, batch = examples.network, examples.batch
    values, known = batch.values[:, :LONGEST], batch.known[:, :LONGEST]
    begun = batch.known.cummax(dim=1).values
    recurrent, predictions = network.initial_state(WINDOWS), []
    for row in range(LONGEST, ROWS):
        told = None
        if batch.covariates is not None:
            told = network.covariates(batch.covariates[:, row : row + 1])
        inputs = lag_inputs(values, known, LAGS, 1, told)
        prediction, recurrent = network(inputs, recurrent)
        predictions.append(prediction)
        here = slice(row, row + 1)
        flag = torch.ones_like(prediction) if feed is closed and row >= CUTOFF else begun[:, here]
        stand_in = prediction if row >= CUTOFF else prediction.detach()
        observed = torch.where(batch.known[:, here] > 0, batch.values[:, here], stand_in)
        values = torch.cat([values[:, 1:], feed(row, observed, prediction) * flag], dim=1)
        known = torch.cat([known[:, 1:], flag], dim=1)
    return torch.cat(predictions, dim=1)


def mean_error(examples: TrainingExamples, predictions: Tensor, rows: slice) -> Tensor:
    """Of the counted rows among some, in units of the spread of all that count in a window."""
    batch, warmup = examples.batch, examples.objective.warmup
    begun = batch.known.cummax(dim=1).values
    counted = batch.known[:, LONGEST:] * begun[:, LONGEST - 1 : -1]
    counted[:, :warmup] = 0
    targets = batch.values[:, LONGEST:]
    told = counted[:, warmup:] > 0
    unit = torch.stack(
        [row[flags].std(correction=0).clamp(min=1.0)
         for row, flags in zip(by_series(targets[:, warmup:]), by_series(told), strict=True)]
    )[:, None]  # fmt: skip
    unit = by_system(unit, examples.network.channels)
    losses = {"mse": lambda e: e**2, "mae": torch.abs,
              "huber": lambda e: torch.where(e.abs() < 1, e**2 / 2, e.abs() - 0.5)}  # fmt: skip
    errors = losses[examples.objective.loss]((predictions - targets) / unit)
    here = slice(rows.start - LONGEST, rows.stop - LONGEST)
    return (errors * counted)[:, here].sum() / counted[:, here].sum()


def expected_loss(
    examples: TrainingExamples, feed: Feed, share: float = 0.5, steps: int = HORIZON
) -> Tensor:
    predictions = by_hand(examples, feed)
    context = mean_error(examples, predictions, slice(LONGEST, CUTOFF))
    ahead = mean_error(examples, predictions, slice(CUTOFF, CUTOFF + steps))
    return (1 - share) * context + share * ahead


# --------------------------------------------------------------------------------- teacher forcing


@every_network
def test_teacher_forcing_predicts_every_row_from_observed_ones(name: str) -> None:
    examples = of(name)
    (term,) = TeacherForcing().loss_terms(examples)
    assert term.weight == 1.0
    expected = mean_error(examples, by_hand(examples, teacher), slice(LONGEST, ROWS))
    assert_same(examples.network, loss_of([term]), expected)


@pytest.mark.parametrize("lag", LAGS)
def test_teacher_forcing_of_a_copy(lag: int) -> None:
    """The errors of a network that copies are differences of the series."""
    examples = examples_of(echo(lag), batch_of(echo(lag), scale=0.1), objective=Objective())
    values = examples.batch.values[1:]
    total, steps = TeacherForcing().loss_terms(examples)[0].errors
    expected = (values[:, LONGEST:] - values[:, LONGEST - lag : -lag]).square().sum(dim=1)
    torch.testing.assert_close(total[1:], expected)
    assert steps.flatten().tolist() == [ROWS - LONGEST] * WINDOWS


HOLES = {
    "in the context": holes((1, 7, 9), (3, 5, 6)),
    "after the cutoff": holes((0, 14, 16), (4, 18, 20)),
    "up to the cutoff": holes((2, 10, CUTOFF), (3, 6, 8)),
    "around the cutoff": holes((2, 10, 15), (3, 6, 8)),
    "around the cutoff, alone": holes((2, 10, 15)),
    "at the start": holes((1, 0, 8), (2, 0, 3)),
    "everywhere": holes((0, 0, 6), (0, 9, 10), (1, 7, 8), (2, 11, 17), (5, 12, 13), (5, 19, 20)),
}
over_holes = pytest.mark.parametrize("where", HOLES)


@over_holes
@pytest.mark.parametrize("name", ["lstm", "gru, two layers on the season"])
def test_over_a_hole_the_prediction_is_fed_and_not_counted(name: str, where: str) -> None:
    network = network_of(**NETWORKS[name])
    examples = examples_of(network, batch_of(network, known=HOLES[where]))
    predictions = by_hand(examples, teacher)
    # What was predicted for a hole is a value like an observed one: nothing flows back through it.
    got = loss_of(TeacherForcing().loss_terms(examples))
    torch.testing.assert_close(got, mean_error(examples, predictions, slice(LONGEST, ROWS)))


def test_a_channel_of_a_system_may_have_a_hole_of_its_own() -> None:
    network = network_of(channels=2, covariates=2)
    known = torch.ones(WINDOWS, ROWS, 2, dtype=torch.float64)
    known[1, 7:9, 1] = known[2, 9:14, 0] = 0
    examples = examples_of(network, batch_of(network, known=known))
    got = loss_of(TeacherForcing().loss_terms(examples))
    expected = mean_error(examples, by_hand(examples, teacher), slice(LONGEST, ROWS))
    torch.testing.assert_close(got, expected)


# ------------------------------------------------------------------------- context and what follows


@pytest.mark.parametrize("strategy", AFTER_CUTOFF)
@every_network
def test_with_no_share_the_context_alone_is_learned(name: str, strategy: Any) -> None:
    examples = of(name)
    expected = mean_error(examples, by_hand(examples, teacher), slice(LONGEST, CUTOFF))
    assert_same(examples.network, loss_of(strategy(share=0).loss_terms(examples)), expected)


@pytest.mark.parametrize("strategy", AFTER_CUTOFF)
def test_with_no_share_the_gradient_is_that_of_teacher_forcing_on_the_context(
    strategy: Any,
) -> None:
    """The spread of the values is below 1, so that a window with a horizon has the same unit."""
    network = network_of()
    whole = batch_of(network, scale=0.3)
    context = WindowBatch(whole.values[:, :CUTOFF], whole.known[:, :CUTOFF], whole.series)
    assert_same(
        network,
        loss_of(strategy(share=0).loss_terms(examples_of(network, whole))),
        loss_of(TeacherForcing().loss_terms(examples_of(network, context))),
    )


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("strategy", AFTER_CUTOFF)
def test_the_shares_weigh_the_two_parts(strategy: Any, share: float) -> None:
    examples = of("lstm")
    context, ahead = strategy(share=share).loss_terms(examples)
    assert (context.weight, ahead.weight) == pytest.approx((1 - share, share))
    assert context.errors.steps.sum() > 0
    assert ahead.errors.steps.sum() > 0


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_both_parts_are_measured_by_the_loss_and_in_one_unit(loss: str) -> None:
    network = network_of()
    examples = examples_of(network, batch_of(network, scale=4.0), objective=Objective(loss, 3))
    assert_same(
        network, loss_of(FreeRunning().loss_terms(examples)), expected_loss(examples, closed)
    )


# ------------------------------------------------------------------------------------ free running


@every_network
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_free_running_feeds_its_own_predictions(name: str, share: float) -> None:
    examples = of(name)
    got = loss_of(FreeRunning(share=share).loss_terms(examples))
    assert_same(examples.network, got, expected_loss(examples, closed, share))


@every_network
def test_free_running_is_the_objective_of_a_rollout(name: str) -> None:
    examples = of(name)
    network, batch = examples.network, examples.batch
    told = batch.covariates
    before, then = (None, None) if told is None else told.split([CUTOFF, HORIZON], 1)
    _, state = encode(network, batch.values[:, :CUTOFF], batch.known[:, :CUTOFF], before)
    path = rollout(network, state, HORIZON, Feedback(covariates=then)).path
    expected = Objective().window_errors(
        path, batch.values[:, AHEAD], batch.known[:, AHEAD], examples.unit
    )
    got = FreeRunning().loss_terms(examples)[1].errors
    torch.testing.assert_close(got.total, expected.total, atol=1e-9, rtol=0)
    assert torch.equal(got.steps, expected.steps)


def test_both_ways_to_roll_are_tested() -> None:
    assert {folds(network_of(**arguments)) for arguments in NETWORKS.values()} == {
        True,
        False,
    }


@every_network
def test_the_gradient_of_free_running_is_that_of_finite_differences(name: str) -> None:
    """Of the whole loss along a random direction in the space of all weights."""
    examples = of(name)
    network, strategy = examples.network, FreeRunning(share=0.9)
    gradient = gradient_of(network, loss_of(strategy.loss_terms(examples)))
    direction = torch.randn(
        len(gradient), generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    weights = torch.nn.utils.parameters_to_vector(network.parameters()).detach()

    @torch.no_grad()
    def at(step: float) -> float:
        torch.nn.utils.vector_to_parameters(weights + step * direction, network.parameters())
        return float(loss_of(strategy.loss_terms(examples)))

    slope = (at(1e-5) - at(-1e-5)) / 2e-5
    assert abs(slope) > 1e-6
    assert float(gradient @ direction) == pytest.approx(slope, rel=1e-6)


@every_network
def test_gradients_flow_through_the_whole_rollout_into_the_context(name: str) -> None:
    """Even if the last row after the cutoff is the only one that is known."""
    network = network_of(**NETWORKS[name])
    batch = batch_of(network)
    batch.known[:, CUTOFF:-1] = 0
    values = batch.values.clone().requires_grad_()
    examples = examples_of(network, replace(batch, values=values))
    loss_of(FreeRunning(share=1).loss_terms(examples)).backward()
    assert (values.grad[:, CUTOFF - 1] != 0).all()
    assert (values.grad[:, CUTOFF:-1] == 0).all()


@pytest.mark.parametrize("lag", LAGS)
def test_free_running_of_a_copy(lag: int) -> None:
    """It repeats the last rows of the context for ever."""
    network = echo(lag)
    examples = examples_of(network, batch_of(network, scale=0.1))
    values = examples.batch.values
    path = values[:, CUTOFF - lag : CUTOFF].repeat(1, HORIZON, 1)[:, :HORIZON]
    total, steps = FreeRunning().loss_terms(examples)[1].errors
    torch.testing.assert_close(total, (values[:, AHEAD] - path).square().sum(dim=1))
    assert steps.flatten().tolist() == [HORIZON] * WINDOWS


@over_holes
@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_free_running_starts_from_what_a_forecast_would_start_from(name: str, where: str) -> None:
    """Also where the context has holes, or ends in one."""
    network = network_of(**NETWORKS[name])
    examples = examples_of(network, batch_of(network, known=HOLES[where]))
    batch = examples.batch
    with torch.no_grad():
        _, state = encode_over_holes(network, batch.values[:, :CUTOFF], batch.known[:, :CUTOFF])
        path = rollout(network, state, HORIZON).path
    expected = Objective().window_errors(
        path, batch.values[:, AHEAD], batch.known[:, AHEAD], examples.unit
    )
    got = FreeRunning().loss_terms(examples)[1].errors
    torch.testing.assert_close(got.total, expected.total, atol=1e-9, rtol=0)
    assert torch.equal(got.steps, batch.known[:, AHEAD].sum(dim=1))


@settings(properties, max_examples=10)
@given(
    grow=st.floats(0.01, 1.0),
    progress=st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted),
)
def test_the_loop_grows_from_one_step_to_all(grow: float, progress: list[float]) -> None:
    examples = of("lstm")

    def steps(progress: float) -> int:
        strategy = FreeRunning(grow=grow)
        counts = strategy.loss_terms(replace(examples, progress=progress))[1].errors.steps
        return int(counts.unique())

    early, late = map(steps, progress)
    assert 1 <= early <= late <= HORIZON
    for share, count in zip(progress, (early, late), strict=True):
        assert count == HORIZON if share >= grow else abs(count - HORIZON * share / grow) <= 1
    assert (steps(0.0), steps(grow), steps(1.0)) == (1, HORIZON, HORIZON)


@pytest.mark.parametrize(("progress", "steps"), [(0.0, 1), (0.2, 3), (0.5, 7), (0.9, 7)])
def test_a_loop_that_grows_is_a_shorter_one(progress: float, steps: int) -> None:
    examples = of("covariates", progress=progress)
    got = loss_of(FreeRunning(grow=0.5).loss_terms(examples))
    assert_same(examples.network, got, expected_loss(examples, closed, steps=steps))


def test_without_growth_the_loop_is_whole_from_the_start() -> None:
    examples = of("lstm", progress=0.0)
    assert (FreeRunning().loss_terms(examples)[1].errors.steps == HORIZON).all()


# ------------------------------------------------------------------------------ scheduled sampling


def always(probability: float, **arguments: Any) -> ScheduledSampling:
    return ScheduledSampling(start=probability, end=probability, **arguments)


@pytest.mark.parametrize("per", ["step", "batch"])
@every_network
def test_with_probability_one_it_is_teacher_forcing(name: str, per: Any) -> None:
    examples = of(name)
    got = loss_of(always(1.0, per=per).loss_terms(examples))
    assert_same(examples.network, got, expected_loss(examples, teacher))


@pytest.mark.parametrize("per", ["step", "batch"])
@every_network
def test_with_probability_zero_it_is_free_running(name: str, per: Any) -> None:
    examples = of(name)
    got = loss_of(always(0.0, per=per).loss_terms(examples))
    assert_same(examples.network, got, loss_of(FreeRunning().loss_terms(examples)))


@pytest.mark.parametrize("per", ["step", "batch"])
@over_holes
def test_with_probability_one_holes_are_stood_in_for(where: str, per: Any) -> None:
    network = network_of()
    examples = examples_of(network, batch_of(network, known=HOLES[where]))
    got = loss_of(always(1.0, per=per).loss_terms(examples))
    torch.testing.assert_close(got, expected_loss(examples, teacher), atol=1e-9, rtol=0)


@dataclass
class Watch:
    """What a network was fed, and what it predicted, wherever it ran a single step."""

    network: RecurrentNetwork
    fed: list[Tensor] = field(default_factory=list)
    predicted: list[Tensor] = field(default_factory=list)

    def __enter__(self) -> Watch:
        self._hook = self.network.register_forward_hook(self._note)
        return self

    def _note(self, network: Any, arguments: tuple[Any, ...], outputs: Any) -> None:
        if arguments[0].shape[1] == 1:
            self.fed.append(arguments[0][:, 0, :1].detach())
            self.predicted.append(outputs[0][:, 0].detach())

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    @property
    def coins(self) -> Tensor:
        """Whether each step after the first was fed something else than its prediction."""
        fed, before = torch.stack(self.fed[1:], dim=1), torch.stack(self.predicted[:-1], dim=1)
        return fed != before


@pytest.mark.parametrize("probability", [0.2, 0.7])
def test_each_step_of_each_window_has_a_coin_of_its_own(probability: float) -> None:
    examples = of("gru")
    observed, coins = examples.batch.values[:, CUTOFF : ROWS - 1], []
    torch.manual_seed(0)
    for _ in range(40):
        with Watch(examples.network) as watch:
            always(probability).loss_terms(examples)
        assert len(watch.fed) == HORIZON
        assert torch.equal(watch.fed[0], examples.batch.values[:, CUTOFF - 1])
        fed = torch.stack(watch.fed[1:], dim=1)
        assert torch.equal(fed[watch.coins], observed[watch.coins])
        coins.append(watch.coins)
    flat = torch.stack(coins).double()
    assert float(flat.mean()) == pytest.approx(probability, abs=0.05)
    for axes in [(0, 1), (0, 2), (1, 2)]:  # whatever is held, the others differ
        assert (flat.std(dim=axes) > 0).all()


def test_what_is_not_known_is_never_fed() -> None:
    network = network_of(cell="gru")
    known = HOLES["after the cutoff"]
    examples = examples_of(network, batch_of(network, known=known))
    with Watch(network) as watch:
        always(1.0).loss_terms(examples)
    assert torch.equal(watch.coins, known[:, CUTOFF : ROWS - 1] > 0)


def test_one_coin_decides_for_all_steps_of_a_batch() -> None:
    examples = of("gru")

    @torch.no_grad()
    def loss(probability: float) -> float:
        return round(float(loss_of(always(probability, per="batch").loss_terms(examples))), 9)

    forced, free = loss(1.0), loss(0.0)
    torch.manual_seed(0)
    drawn = [loss(0.3) for _ in range(100)]
    assert set(drawn) == {forced, free}
    assert np.mean(np.equal(drawn, forced)) == pytest.approx(0.3, abs=0.12)


def test_the_probability_follows_the_progress() -> None:
    """From all observed to none, or the other way round."""
    for start, end in [(1.0, 0.0), (0.0, 1.0)]:
        examples, strategy = of("gru"), ScheduledSampling(start=start, end=end)
        for progress, probability in [(0.0, start), (1.0, end)]:
            with Watch(examples.network) as watch:
                strategy.loss_terms(replace(examples, progress=progress))
            assert (watch.coins == bool(probability)).all()


CURVES = ["linear", "inverse_sigmoid", "exponential"]


@pytest.mark.slow
@pytest.mark.parametrize("curve", CURVES)
@properties
@given(
    start=st.floats(0, 1),
    end=st.floats(0, 1),
    progress=st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted),
)
def test_a_curve_goes_from_start_to_end(
    curve: Any, start: float, end: float, progress: list[float]
) -> None:
    probability = ScheduledSampling(start=start, end=end, curve=curve).probability
    assert probability(0.0) == pytest.approx(start, abs=1e-12)
    assert probability(1.0) == pytest.approx(end, abs=1e-12)
    way = [start, *map(probability, progress), end]
    steps = np.diff(way) * (1 if end >= start else -1)
    assert (steps >= -1e-12).all()


def test_what_the_curves_are_between() -> None:
    def falling(curve: Any, progress: float) -> float:
        return ScheduledSampling(curve=curve).probability(progress)

    shares = np.linspace(0, 1, 21)
    linear, sigmoid, exponential = ([falling(curve, x) for x in shares] for curve in CURVES)
    np.testing.assert_allclose(linear, 1 - shares)
    # The one stays high, then falls and stays low, the same from both ends.
    np.testing.assert_allclose(np.add(sigmoid, sigmoid[::-1]), 1.0)
    assert (np.diff(sigmoid, 2)[:9] < 0).all()
    assert (np.diff(sigmoid, 2)[-9:] > 0).all()
    # The other falls by the same factor at every step, towards where it would end.
    falls = -np.diff(exponential)
    np.testing.assert_allclose(falls[1:] / falls[:-1], falls[1] / falls[0])
    assert falls[0] > falls[-1]


# ------------------------------------------------------------------------------------ push forward


def pushed(examples: TrainingExamples, first: int, learned: int) -> Tensor:
    """The mean error of the steps after a prefix through which nothing flows back."""
    network, batch = examples.network, examples.batch
    told = batch.covariates
    parts = None if told is None else told.split([CUTOFF, first, HORIZON - first], 1)
    before, prefix, rest = parts or (None, None, None)
    _, state = encode(network, batch.values[:, :CUTOFF], batch.known[:, :CUTOFF], before)
    if first:
        with torch.no_grad():
            state = rollout(network, state, first, Feedback(covariates=prefix)).state
    path = rollout(network, state, learned, Feedback(covariates=rest)).path
    rows = slice(CUTOFF + first, CUTOFF + first + learned)
    errors = Objective().window_errors(
        path, batch.values[:, rows], batch.known[:, rows], examples.unit
    )
    return errors.total.sum() / errors.steps.sum()


@pytest.mark.parametrize("learned", [3, 1])
@every_network
def test_push_forward_learns_from_where_its_errors_have_taken_it(name: str, learned: int) -> None:
    """Every length of the prefix comes up, and no other."""
    examples = of(name)
    expected = [pushed(examples, first, learned) for first in range(HORIZON - learned + 1)]
    torch.manual_seed(0)
    seen = set()
    for _ in range(40):
        got = loss_of(PushForward(share=1, learned=learned).loss_terms(examples))
        nearest = int(torch.stack([(got - other).abs() for other in expected]).argmin())
        if nearest not in seen:
            assert_same(examples.network, got, expected[nearest])
        seen.add(nearest)
    assert seen == set(range(HORIZON - learned + 1))


def test_a_prefix_carries_no_gradient() -> None:
    """The context is out of reach, unless the prefix has no length."""
    network = network_of()
    batch = batch_of(network, scale=0.3)  # a spread below 1 is no unit, which would reach it
    torch.manual_seed(0)
    reached = []
    for _ in range(40):
        values = batch.values.clone().requires_grad_()
        examples = examples_of(network, replace(batch, values=values))
        PushForward(share=1).loss_terms(examples)[1].errors.total.sum().backward()
        reached.append(bool((values.grad[:, :CUTOFF] != 0).any()))
    assert 0 < sum(reached) < 20


@pytest.mark.parametrize("learned", [HORIZON, 50])
def test_with_all_steps_learned_it_is_free_running(learned: int) -> None:
    examples = of("covariates")
    got = loss_of(PushForward(learned=learned).loss_terms(examples))
    assert_same(examples.network, got, loss_of(FreeRunning().loss_terms(examples)))


# ------------------------------------------------------------------------------------------- noise


@pytest.mark.parametrize(
    "strategy",
    [TeacherForcing(), FreeRunning(), always(0.0), always(1.0), always(1.0, per="batch"),
     PushForward(learned=50), NoisyInputs(0.0)],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("name", ["two channels", "gru"])
def test_noise_of_no_size_changes_nothing(name: str, strategy: TrainingStrategy) -> None:
    examples = of(name)
    got = loss_of(NoisyInputs(0.0, strategy).loss_terms(examples))
    assert_same(examples.network, got, loss_of(strategy.loss_terms(examples)))


@pytest.mark.slow
def test_noise_is_on_what_is_fed_in_and_not_on_the_targets() -> None:
    """A copy of the last value errs by the noise on it: by what there is none of, not at all."""
    network = echo(1)
    batch = batch_of(network)
    batch.values.zero_()
    torch.manual_seed(0)
    examples = examples_of(network, batch, objective=Objective())
    errors = [
        NoisyInputs(0.2, NoisyInputs(0.1)).loss_terms(examples)[0].errors.total for _ in range(200)
    ]
    mean = torch.stack(errors).mean(dim=0) / (ROWS - LONGEST)
    assert mean.flatten().tolist() == pytest.approx([0.05] * WINDOWS, rel=0.15)
    assert (batch.values == 0).all()


def test_in_closed_loop_the_last_value_of_the_context_alone_is_noisy() -> None:
    network = echo(1)
    batch = batch_of(network)
    batch.values.zero_()
    examples = examples_of(network, batch, objective=Objective("mae"))
    torch.manual_seed(0)
    total = NoisyInputs(0.2, FreeRunning()).loss_terms(examples)[1].errors.total
    torch.manual_seed(0)
    single = NoisyInputs(0.2, FreeRunning(grow=1.0)).loss_terms(replace(examples, progress=0.0))[1]
    torch.testing.assert_close(total, HORIZON * single.errors.total)
    assert (total > 0).all()


@over_holes
def test_what_is_not_known_is_not_noisy(where: str) -> None:
    """Neither what comes before a series nor the flags; and the batch stays as it was."""
    network = network_of()
    known = HOLES[where].clone()
    known[5, :7] = 0
    batch = batch_of(network, known=known)
    before = [batch.values.clone(), batch.known.clone()]
    seen = []
    hook = network.register_forward_hook(lambda _, arguments, __: seen.append(arguments[0]))
    torch.manual_seed(0)
    NoisyInputs(0.5).loss_terms(examples_of(network, batch))
    hook.remove()
    inputs = next(part for part in seen if part.shape[:2] == (WINDOWS, ROWS - LONGEST))
    for position, lag in enumerate(LAGS):
        rows = slice(LONGEST - lag, ROWS - lag)
        fed, flags = inputs[..., [position]], inputs[..., [position + len(LAGS)]]
        assert (fed[flags == 0] == 0).all()
        told = batch.known[:, rows] > 0
        assert (fed[told] != batch.values[:, rows][told]).all()
        assert (flags[told] == 1).all()
    assert torch.equal(batch.values, before[0])
    assert torch.equal(batch.known, before[1])


def test_noise_differs_between_rows_and_draws() -> None:
    examples = of("lstm")
    torch.manual_seed(0)
    one, two = (loss_of(NoisyInputs(0.1).loss_terms(examples)) for _ in range(2))
    torch.manual_seed(0)
    assert loss_of(NoisyInputs(0.1).loss_terms(examples)) == one != two


# -------------------------------------------------------------------------- windows on their own

STRETCHES = st.lists(
    st.tuples(st.integers(0, WINDOWS - 1), st.integers(0, ROWS - 1), st.integers(1, 8)), max_size=6
)


@pytest.mark.parametrize(
    "strategy",
    [FreeRunning(), always(1.0, per="batch"), TeacherForcing(), PushForward(learned=50),
     always(1.0), always(0.0)],
    ids=repr,
)  # fmt: skip
@settings(properties, max_examples=8)
@given(stretches=STRETCHES)
def test_a_window_learns_the_same_in_any_company(
    strategy: TrainingStrategy, stretches: list[tuple[int, int, int]]
) -> None:
    """Whatever is missing of it or of others."""
    network = network_of()
    known = holes(*((window, first, first + rows) for window, first, rows in stretches))
    batch = batch_of(network, known=known)
    together = strategy.loss_terms(examples_of(network, batch))
    for window in {0, *(stretch[0] for stretch in stretches)}:
        rows = slice(window, window + 1)
        alone = WindowBatch(
            batch.values[rows], batch.known[rows], batch.series[rows], None, HORIZON
        )
        for whole, part in zip(
            together, strategy.loss_terms(examples_of(network, alone)), strict=True
        ):
            torch.testing.assert_close(whole.errors.total[rows], part.errors.total)
            torch.testing.assert_close(whole.errors.steps[rows], part.errors.steps)


# ----------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("strategy", "arguments"),
    [
        (strategy, {name: value})
        for strategy, bad in {
            NoisyInputs: {"std": [-0.1, "some", None, float("nan"), float("inf"), True],
                          "strategy": ["free_running", None, FreeRunning]},
            FreeRunning: {"steps": [0, -1, 2.5, "all", True], "share": [-0.1, 1.1, None, "half"],
                          "grow": [-1, 1.5, None, float("nan")]},
            ScheduledSampling: {"steps": [0], "share": [2], "start": [-0.1, 1.1, "one", None],
                                "end": [-0.1, 1.1, "one", None], "curve": ["sine", None, 1],
                                "per": ["window", None]},
            PushForward: {"steps": [0], "share": [2], "learned": [0, 1.5, None, "all"]},
        }.items()
        for name, values in bad.items()
        for value in values
    ],
)  # fmt: skip
def test_a_bad_setting_is_refused_by_its_name(
    strategy: type[TrainingStrategy], arguments: dict[str, Any]
) -> None:
    (name,) = arguments
    with pytest.raises(SettingError, match=rf"\b{name}="):
        strategy(**arguments)


def test_the_message_shows_the_value_and_what_is_accepted() -> None:
    with pytest.raises(SettingError, match=r"curve='sine': expected one of 'linear'"):
        ScheduledSampling(curve="sine")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"training_strategy='free'.*'free_running'"):
        LSTMForecaster(training_strategy="free").fit(wavy())


SMALL = {"hidden_size": 4, "max_steps": 4, "context_length": 8, "lags": [2], "verbose": False}

OBJECTS: list[TrainingStrategy] = [
    NoisyInputs(0.1, NoisyInputs(0.2, ScheduledSampling(curve="inverse_sigmoid"))),
    PushForward(steps=6, share=0, learned=2),
    TeacherForcing(),
    NoisyInputs(0.3),
    FreeRunning(steps=5, share=0.7, grow=0.5),
    ScheduledSampling(steps=4, share=1, start=0.1, end=0.9, curve="exponential", per="batch"),
]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_name_stands_for_the_strategy_with_its_defaults(name: str) -> None:
    model = LSTMForecaster(**SMALL, training_strategy=name).fit(wavy())
    assert model.settings_.training_strategy == STRATEGIES[name]()
    assert model.training_strategy == name
    assert model.module_.strategy == STRATEGIES[name]()
    assert np.isfinite(model.predict(5)).all()


def test_every_strategy_is_public_and_has_a_name() -> None:
    assert set(STRATEGIES) == {
        "teacher_forcing", "free_running", "scheduled_sampling", "push_forward", "noisy_inputs"
    }  # fmt: skip
    for strategy in STRATEGIES.values():
        assert getattr(tsgen, strategy.__name__) is strategy
        assert issubclass(strategy, TrainingStrategy)


@pytest.mark.parametrize("strategy", OBJECTS, ids=repr)
def test_strategies_are_plain_values(strategy: TrainingStrategy) -> None:
    assert clone(LSTMForecaster(training_strategy=strategy)).training_strategy == strategy
    model = LSTMForecaster().set_params(training_strategy=strategy)
    assert model.get_params()["training_strategy"] is strategy
    assert eval(repr(strategy), vars(tsgen)) == strategy
    assert hash(strategy) == hash(replace(strategy))
    with pytest.raises(AttributeError):
        strategy.share = 0.1  # type: ignore[attr-defined]


@pytest.mark.parametrize("strategy", OBJECTS, ids=repr)
def test_a_file_keeps_the_strategy(strategy: TrainingStrategy, tmp_path: Path) -> None:
    model = LSTMForecaster(**SMALL, training_strategy=strategy).fit(wavy())
    model.save(tmp_path / "model.tsgen")
    loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
    assert loaded.training_strategy == strategy
    assert loaded.settings_ == model.settings_
    assert loaded.module_.strategy == strategy
    assert loaded.predict(5).equals(model.predict(5))


def test_a_file_keeps_a_strategy_of_numpy_numbers(tmp_path: Path) -> None:
    strategy = ScheduledSampling(steps=np.int64(4), share=np.float64(0.5), end=np.float32(0.5))
    model = LSTMForecaster(**SMALL, training_strategy=strategy).fit(wavy())
    model.save(tmp_path / "model.tsgen")
    assert LSTMForecaster.load(tmp_path / "model.tsgen").training_strategy == strategy


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "model.tsgen"
    LSTMForecaster(**SMALL).fit(wavy()).save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"FreeRunning": {"share": 7}}, "share=7"),
        ({"FreeRunning": {"steps": 1.5}}, "steps=1.5"),
        ({"NoisyInputs": {"strategy": {"Columns": {}}}}, "Columns"),
        ({"Noting": {}}, "Noting"),
        ("free_running", "training_strategy"),
    ],
    ids=["share", "steps", "nested", "unknown", "text"],
)
def test_a_file_with_another_strategy_is_refused(
    value: Any, message: str, saved: bytes, tmp_path: Path
) -> None:
    model = model_of(saved)
    inside(model["settings"])["training_strategy"] = value
    path = tmp_path / "model.tsgen"
    path.write_bytes(packed(unpacked(saved), model=model))
    with pytest.raises(ModelFileError, match=message):
        LSTMForecaster.load(path)


@pytest.mark.parametrize(
    ("strategy", "horizon"),
    [
        (FreeRunning(steps=9), 9),
        (NoisyInputs(0.1, PushForward(steps=3)), 3),
        (ScheduledSampling(steps=1), 1),
        (FreeRunning(steps=100), 100),  # what isn't there doesn't count
    ],
    ids=repr,
)
def test_a_strategy_may_say_how_many_rows_follow_the_cutoff(
    strategy: TrainingStrategy, horizon: int
) -> None:
    model = LSTMForecaster(**SMALL, training_strategy=strategy)
    module, data = model.prepare(wavy(30))
    assert model.settings_.rows_after_cutoff == data.shape.horizon == horizon
    # What else goes by the horizon is none of the strategy's business.
    assert (
        model.settings_.train_horizon
        == LSTMForecaster(**SMALL).fit(wavy(30)).settings_.train_horizon
    )
    batch = data.on_after_batch_transfer(data.sampler.draw(0), 0)
    assert module.training_step(batch, 0).isfinite()


@pytest.mark.parametrize("strategy", [TeacherForcing(), NoisyInputs(), FreeRunning()], ids=repr)
def test_otherwise_the_frequency_does(strategy: TrainingStrategy) -> None:
    default = LSTMForecaster(**SMALL).prepare(wavy())[1].shape
    shape = LSTMForecaster(**SMALL, training_strategy=strategy).prepare(wavy())[1].shape
    assert shape == default
    assert strategy.rows_after_cutoff is None


# ----------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Noting(TrainingStrategy):
    """Somebody's own strategy, which learns from two terms and notes what it gets."""

    seen: list[float] = field(default_factory=list, compare=False, repr=False)

    def loss_terms(self, examples: TrainingExamples) -> list[LossTerm]:
        self.seen.append(examples.progress)
        state, context = examples.read(examples.cutoff)
        path = rollout(examples.network, state, 2).path
        return [LossTerm(0.25, context), LossTerm(3.0, examples.errors(path))]


def test_the_loss_is_the_weighted_sum_of_mean_errors() -> None:
    """Each mean is over all counted steps of the batch, not over windows."""
    module = ForecastModule(Architecture(LAGS, hidden_size=4), strategy=Noting()).double()
    batch = batch_of(module.network, known=HOLES["everywhere"])
    examples = TrainingExamples(module.network, module.objective, batch)
    expected = loss_of(Noting().loss_terms(examples))
    torch.testing.assert_close(module.training_step(batch, 0), expected)


def test_a_strategy_of_ones_own_learns_and_is_told_the_progress() -> None:
    strategy = Noting()
    settings = {**SMALL, "max_steps": 8}
    model = LSTMForecaster(**settings, training_strategy=strategy).fit(wavy())
    assert strategy.seen == pytest.approx(np.arange(8) / 8)
    assert model.settings_.training_strategy is strategy
    assert np.isfinite(model.predict(5)).all()


def test_a_strategy_of_ones_own_has_no_place_in_a_file(tmp_path: Path) -> None:
    for strategy in (Noting(), NoisyInputs(0.1, Noting())):
        model = LSTMForecaster(**SMALL, training_strategy=strategy).fit(wavy())
        with pytest.warns(UserWarning, match=r"Noting.*set_params"):
            model.save(tmp_path / "model.tsgen", overwrite=True)
        loaded = LSTMForecaster.load(tmp_path / "model.tsgen")
        assert loaded.training_strategy == "auto"
        pd.testing.assert_series_equal(loaded.predict(3), model.predict(3))


def digest(model: Any) -> str:
    weights = [weight.numpy().tobytes() for weight in model.module_.state_dict().values()]
    return hashlib.sha256(b"".join(weights)).hexdigest()


RANDOM = [
    NoisyInputs(0.1, FreeRunning(steps=5, grow=1.0)),
    ScheduledSampling(steps=5),
    ScheduledSampling(steps=5, per="batch", curve="exponential"),
    PushForward(steps=5),
    NoisyInputs(0.3),
]


@pytest.mark.parametrize("strategy", OBJECTS, ids=repr)
def test_what_is_random_says_so(strategy: TrainingStrategy) -> None:
    generator = torch.Generator().manual_seed(0)
    examples = of("lstm", progress=0.5, generator=generator)
    before, of_all = generator.get_state(), torch.get_rng_state()
    strategy.loss_terms(examples)
    assert torch.equal(before, generator.get_state()) is not strategy.is_random
    assert torch.equal(of_all, torch.get_rng_state())


@pytest.mark.slow
@pytest.mark.parametrize("strategy", RANDOM, ids=repr)
def test_the_random_state_decides(strategy: TrainingStrategy) -> None:
    def weights(seed: int) -> str:
        torch.manual_seed(seed)  # of the caller, which must not matter
        model = GRUForecaster(**SMALL, training_strategy=strategy, random_state=7)
        return digest(model.fit(wavy()))

    first = weights(1)
    state = torch.get_rng_state()
    assert first == weights(2)
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())
    other = GRUForecaster(**SMALL, training_strategy=strategy, random_state=8).fit(wavy())
    assert digest(other) != first


def test_draws_differ_from_step_to_step() -> None:
    """With the same windows, the same weights and noise that never changed, losses would too."""

    @dataclass(frozen=True)
    class Draws(TrainingStrategy):
        seen: list[float] = field(default_factory=list, compare=False)

        @property
        def is_random(self) -> bool:
            return True

        def loss_terms(self, examples: TrainingExamples) -> list[LossTerm]:
            self.seen.append(float(torch.rand((), generator=examples.generator)))
            return [LossTerm(1.0, examples.read(examples.cutoff)[1])]

    strategy = Draws()
    LSTMForecaster(**SMALL, training_strategy=strategy, n_models=2).fit(wavy())
    assert len(set(strategy.seen)) == 2 * SMALL["max_steps"]


class Cut(RuntimeError):
    pass


class CutAt(pl.Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Any, *_: object) -> None:
        if trainer.global_step == self.step:
            raise Cut


@pytest.mark.slow
@pytest.mark.parametrize("strategy", RANDOM, ids=repr)
def test_a_run_that_was_cut_off_ends_as_a_whole_one(
    strategy: TrainingStrategy, tmp_path: Path
) -> None:
    settings = SMALL | {"max_steps": 9, "training_strategy": strategy}
    cut = LSTMForecaster(**settings, trainer_kwargs={"callbacks": CutAt(6)})
    with pytest.raises(Cut):
        cut.fit(wavy(), run_dir=tmp_path)
    resumed = LSTMForecaster(**settings).fit(wavy(), run_dir=tmp_path)
    whole = LSTMForecaster(**settings).fit(wavy())
    assert digest(resumed) == digest(whole)
    assert resumed.report_.losses.equals(whole.report_.losses)


def test_the_folder_of_another_strategy_is_refused(tmp_path: Path) -> None:
    LSTMForecaster(**SMALL, training_strategy=NoisyInputs(0.1)).fit(wavy(), run_dir=tmp_path)
    other = LSTMForecaster(**SMALL, training_strategy=NoisyInputs(0.2))
    with pytest.raises(SettingError, match="model"):
        other.fit(wavy(), run_dir=tmp_path)


@pytest.mark.parametrize("strategy", OBJECTS, ids=repr)
@pytest.mark.parametrize("kind", [LSTMForecaster, GRUForecaster])
@pytest.mark.slow
def test_systems_with_covariates_and_holes_are_learned(
    kind: Any, strategy: TrainingStrategy
) -> None:
    frame = pd.DataFrame({name: wavy(60, seed) for seed, name in enumerate("ab")})
    frame["price"] = np.cos(np.arange(60))
    frame.iloc[20:23, 0] = frame.iloc[40, 1] = np.nan
    model = kind(**SMALL, training_strategy=strategy, multivariate=True, num_layers=2)
    model.fit(frame, future_covariates="price", fill="mask")
    future = pd.DataFrame({"price": np.ones(4)}, index=pd.RangeIndex(60, 64))
    assert np.isfinite(model.predict(4, future_df=future).to_numpy()).all()
    assert np.isfinite(model.report_.errors.to_numpy()).all()


def test_all_settings_are_plain_values() -> None:
    """Of which a file, a run's folder and a repr can tell."""
    for strategy in STRATEGIES.values():
        for item in fields(strategy()):
            value = getattr(strategy(), item.name)
            assert isinstance(value, int | float | str | TrainingStrategy | None)


# ---------------------------------------------------------------------------------------- it helps


@pytest.mark.slow
def test_free_running_narrows_the_gap_that_teacher_forcing_leaves() -> None:
    """On a wave with observation noise, where feeding errors back is what hurts."""
    noise = np.random.default_rng(0).normal(0, 0.3, 400)
    noisy = pd.Series(np.sin(np.arange(400) / 3) + noise)
    settings = {"hidden_size": 8, "max_steps": 80, "context_length": 24, "verbose": False,
                "learning_rate": 1e-2}  # fmt: skip
    gaps = {
        name: LSTMForecaster(**settings, training_strategy=strategy).fit(noisy).report_
        for name, strategy in {
            "forced": TeacherForcing(),
            "free": FreeRunning(steps=12),
        }.items()
    }
    forced, free = (gaps[name].errors["free_running"].mean() for name in ("forced", "free"))
    assert free < forced
