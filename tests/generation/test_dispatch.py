"""Every fast way to roll a network out against the plain one, and what acts on a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tsgen.generation import dispatch as engine
from tsgen.generation.dispatch import Run, Way, closed_loop, median, run
from tsgen.generation.folded import folds
from tsgen.nn import Architecture, Cell, RecurrentNetwork
from tsgen.rollout import Feedback, RolloutState, encode, rollout

WAYS = get_args(Way)
LAGS = [(1,), (1, 2), (3, 1), (1, 5, 2), (1, 24, 168), (168, 1, 24)]
BATCH, CONTEXT = 4, 30

properties = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def network_of(
    lags: Sequence[int],
    *,
    cell: Cell = "lstm",
    layers: int = 1,
    residual: int | None = None,
    hidden: int = 8,
    head: float = 0.1,
    seed: int = 0,
) -> RecurrentNetwork:
    """Its loop contracts while the weights of the head, of this size, are small."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Architecture(
            tuple(lags),
            cell=cell,
            hidden_size=hidden,
            num_layers=layers,
            residual_lag=residual,
        ).network()
        torch.nn.init.normal_(network.head.weight, std=head)
        torch.nn.init.normal_(network.head.bias, std=head)
    return network.double().eval()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rows_of(lags: Sequence[int], batch: int = BATCH, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Values and flags: the context of each row begins with more rows that aren't known."""
    rows = max(lags) - 1 + CONTEXT
    first = torch.arange(batch) * (rows - 1) // max(batch - 1, 1)  # the last row knows one value
    known = (torch.arange(rows) >= first[:, None]).double()[:, :, None]
    return normal(batch, rows, 1, seed=seed) * known, known


def state_of(network: RecurrentNetwork, batch: int = BATCH) -> RolloutState:
    with torch.inference_mode():
        return encode(network, *rows_of(network.lags, batch))[1]


def tensors_of(state: RolloutState) -> list[Tensor]:
    return [*state.recurrent, state.values, state.known]


def assert_same_state(got: RolloutState, expected: RolloutState, atol: float = 0.0) -> None:
    assert len(got.recurrent) == len(expected.recurrent)
    for ours, theirs in zip(tensors_of(got), tensors_of(expected), strict=True):
        torch.testing.assert_close(ours, theirs, atol=atol, rtol=0)


def assert_as_plain(
    network: RecurrentNetwork,
    state: RolloutState,
    horizon: int,
    feedback: Feedback | None = None,
    atol: float = 1e-9,
) -> None:
    """The path and the state at its end are those of the plain rollout, whatever the way."""
    with torch.inference_mode():
        expected = rollout(network, state, horizon, feedback)
    assert expected.path.shape == (len(state), horizon, 1)
    for way in ways_of(network):
        got = run(network, state, horizon, feedback, way)
        torch.testing.assert_close(got.path, expected.path, atol=atol, rtol=0, msg=way_said(way))
        assert_same_state(got.state, expected.state, atol)
        assert got.left.shape == (len(state), 1)


def ways_of(network: RecurrentNetwork) -> list[Way]:
    return [way for way in WAYS if way != "folded" or folds(network)]


def way_said(way: Way):
    return lambda message: f"way={way!r}: {message}"


def residuals_of(lags: Sequence[int]) -> list[int | None]:
    return [None, *sorted({1, max(lags)})]


GRID = [
    (cell, layers, lags, residual)
    for cell in get_args(Cell)
    for layers in (1, 2, 3, 4)
    for lags in (LAGS if layers == 1 else [(3, 1), (168, 1, 24)])
    for residual in residuals_of(lags)
]


def over_the_grid(layers: int, lags: Sequence[Sequence[int]]):
    """All of the grid, of which what has more layers or other lags is marked slow."""
    return pytest.mark.parametrize(
        ("cell", "layers", "lags", "residual"),
        [
            pytest.param(
                *each,
                id="-".join(map(str, each)),
                marks=() if each[1] <= layers and each[2] in lags else pytest.mark.slow,
            )
            for each in GRID
        ],
    )


# ------------------------------------------------------------------------------- equal to the plain


@over_the_grid(4, [(3, 1)])
def test_equal_to_the_plain_rollout(cell, layers, lags, residual) -> None:
    network = network_of(lags, cell=cell, layers=layers, residual=residual)
    assert_as_plain(network, state_of(network), 30)


@over_the_grid(2, [(1, 2), (1, 5, 2), (168, 1, 24)])
def test_equal_with_innovations(cell, layers, lags, residual) -> None:
    network = network_of(lags, cell=cell, layers=layers, residual=residual)
    feedback = Feedback(innovations=normal(BATCH, 30, 1, seed=2))
    assert_as_plain(network, state_of(network), 30, feedback)


@pytest.mark.slow
@over_the_grid(1, [(168, 1, 24)])
def test_equal_over_a_thousand_steps(cell, layers, lags, residual) -> None:
    network = network_of(lags, cell=cell, layers=layers, residual=residual)
    assert_as_plain(network, state_of(network), 1000)


@over_the_grid(2, [(168, 1, 24)])
def test_equal_in_float32(cell, layers, lags, residual) -> None:
    network = network_of(lags, cell=cell, layers=layers, residual=residual, head=0.03).float()
    with torch.inference_mode():
        state = encode(network, *(rows.float() for rows in rows_of(network.lags)))[1]
    assert_as_plain(network, state, 48, atol=1e-5)
    assert run(network, state, 48).path.dtype == torch.float32


def test_innovations_are_added_before_they_are_fed_back() -> None:
    """One on the last value and a head of zeros is a random walk, worked out by hand."""
    lags = (1, 3)
    network = network_of(lags, cell="gru", residual=1, head=0.0)
    state = state_of(network)
    steps = normal(BATCH, 12, 1, seed=3)
    expected = state.values[:, -1:] + steps.cumsum(dim=1)
    for way in ways_of(network):
        path = run(network, state, 12, Feedback(steps), way).path
        torch.testing.assert_close(path, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("horizon", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("lags", [(1,), (2, 1), (1, 7)], ids=str)
def test_equal_for_the_shortest_horizons(lags: Sequence[int], horizon: int) -> None:
    """Shorter than a lag, as long, and one more."""
    for residual in residuals_of(lags):
        network = network_of(lags, residual=residual)
        feedback = Feedback(innovations=normal(BATCH, horizon, 1))
        assert_as_plain(network, state_of(network), horizon, feedback)


def test_which_networks_fold() -> None:
    assert folds(network_of((1, 7)))
    assert folds(network_of((7, 1), residual=7))
    assert folds(network_of((1, 2, 7), residual=2))
    assert not folds(network_of((1, 7), residual=1))
    assert not folds(network_of((7, 1), residual=1))
    assert not folds(network_of((1, 7), layers=2))
    assert not folds(network_of((1, 7), cell="gru"))


@st.composite
def loops(draw: st.DrawFn) -> tuple[RecurrentNetwork, RolloutState]:
    others = draw(st.sets(st.integers(2, 12), max_size=3))
    lags = tuple(draw(st.permutations([1, *sorted(others)])))
    network = network_of(
        lags,
        cell=draw(st.sampled_from(get_args(Cell))),
        layers=draw(st.integers(1, 3)),
        residual=draw(st.sampled_from([None, *lags])),
        hidden=draw(st.integers(1, 16)),
        seed=draw(st.integers(0, 999)),
    )
    return network, state_of(network, draw(st.integers(1, 6)))


@pytest.mark.slow
@properties
@given(loop=loops(), horizon=st.integers(1, 40))
def test_any_loop_is_equal_to_the_plain_one(loop, horizon: int) -> None:
    assert_as_plain(*loop, horizon)


@pytest.mark.slow
@properties
@given(loop=loops(), horizon=st.integers(1, 25), seed=st.integers(0, 999), data=st.data())
def test_any_driven_loop_is_equal_to_the_plain_one(loop, horizon: int, seed: int, data) -> None:
    shape = len(loop[1]), horizon, 1
    known = normal(*shape, seed=seed + 1) > data.draw(st.floats(-1, 3), label="given above")
    limits = data.draw(st.floats(0.5, 3), label="limit")
    parts = {
        "innovations": normal(*shape, seed=seed),
        "given": torch.where(known, normal(*shape, seed=seed + 2), torch.nan),
        "limits": torch.full(shape, limits, dtype=torch.float64),
    }
    chosen = data.draw(st.sets(st.sampled_from(sorted(parts))), label="parts")
    assert_as_plain(*loop, horizon, Feedback(**{name: parts[name] for name in chosen}))


# ---------------------------------------------------------------------------- in pieces and blocks

LOOPS = {
    "lstm": network_of((1, 6)),
    "lstm on the season": network_of((6, 1, 2), residual=6),
    "lstm on the last value": network_of((1, 6), residual=1),
    "gru": network_of((1, 6), cell="gru", residual=6),
    "lstm, two layers": network_of((1, 6), layers=2),
    "gru, three layers": network_of((1,), cell="gru", layers=3),
}
LOOP_AND_WAY = [
    pytest.param(name, way, id=f"{name}, {way}")
    for name, network in LOOPS.items()
    for way in ways_of(network)
]
every_way = pytest.mark.parametrize(("name", "way"), LOOP_AND_WAY)


def drives(horizon: int, batch: int = BATCH) -> dict[str, Feedback | None]:
    """The first row is left alone, so that some loops stay closed."""
    innovations = 0.5 * normal(batch, horizon, 1, seed=5)
    given = torch.full((batch, horizon, 1), torch.nan, dtype=torch.float64)
    given[1:, 2:4] = 1.5
    given[batch - 1, 12:15] = -0.7
    limits = torch.full((batch, horizon, 1), torch.inf, dtype=torch.float64)
    limits[2:] = torch.linspace(0.3, 0.6, horizon)[:, None]
    return {
        "nothing": None,
        "innovations": Feedback(innovations),
        "given": Feedback(given=given),
        "limits": Feedback(limits=limits),
        "all": Feedback(innovations, given, limits),
    }


@every_way
@pytest.mark.parametrize("acting", ["nothing", "innovations", "given", "limits", "all"])
def test_ten_steps_and_seven_are_seventeen(name: str, way: Way, acting: str) -> None:
    network = LOOPS[name]
    state, feedback = state_of(network), drives(17)[acting]
    pieces = (
        [None, None]
        if feedback is None
        else [feedback.steps(slice(10)), feedback.steps(slice(10, 17))]
    )
    whole = run(network, state, 17, feedback, way)
    first = run(network, state, 10, pieces[0], way)
    second = run(network, first.state, 7, pieces[1], way)
    torch.testing.assert_close(
        torch.cat([first.path, second.path], dim=1), whole.path, atol=1e-12, rtol=0
    )
    assert_same_state(second.state, whole.state, atol=1e-12)
    assert torch.equal(torch.where(first.left < 10, first.left, second.left + 10), whole.left)


@every_way
@pytest.mark.parametrize("acting", ["nothing", "all"])
def test_more_rows_than_run_at_once(
    name: str, way: Way, acting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = LOOPS[name]
    state, feedback = state_of(network, batch=8), drives(17, batch=8)[acting]
    whole = run(network, state, 17, feedback, way)
    for rows in (3, 4):  # 3 leaves a block that isn't full
        monkeypatch.setattr(engine, "ROWS_AT_ONCE", rows)
        blocks = run(network, state, 17, feedback, way)
        torch.testing.assert_close(blocks.path, whole.path, atol=1e-12, rtol=0)
        assert_same_state(blocks.state, whole.state, atol=1e-12)
        assert torch.equal(blocks.left, whole.left)


@every_way
def test_the_state_is_not_changed(name: str, way: Way) -> None:
    network = LOOPS[name]
    state = state_of(network)
    before = [tensor.clone() for tensor in tensors_of(state)]
    weights = [parameter.clone() for parameter in network.parameters()]
    for feedback in drives(17).values():
        inputs = (
            [] if feedback is None else [getattr(feedback, part.name) for part in fields(feedback)]
        )
        copies = [None if tensor is None else tensor.clone() for tensor in inputs]
        run(network, state, 17, feedback, way)
        assert all(map(torch.equal, tensors_of(state), before))
        for tensor, copy in zip(inputs, copies, strict=True):
            assert tensor is None or torch.equal(tensor.nan_to_num(9), copy.nan_to_num(9))
    assert all(map(torch.equal, network.parameters(), weights))


@every_way
def test_the_returned_state_is_no_view_of_a_longer_tensor(name: str, way: Way) -> None:
    """It may be kept for long: the steps must not stay in memory behind it."""
    network = LOOPS[name]
    end = run(network, state_of(network), 40, way=way).state
    held = max(tensor.untyped_storage().nbytes() // 8 for tensor in (end.values, end.known))
    assert way == "plain" or held <= 2 * BATCH * network.longest_lag


# ------------------------------------------------------------------------------------------ given


@every_way
def test_a_given_value_stands_in_the_path_and_acts_on_what_follows(name: str, way: Way) -> None:
    network = LOOPS[name]
    state = state_of(network)
    given = torch.full((BATCH, 15, 1), torch.nan, dtype=torch.float64)
    given[0, 6], given[2, 6] = 5.0, -5.0
    free = run(network, state, 15, way=way).path
    path = run(network, state, 15, Feedback(given=given), way).path
    assert path[0, 6] == 5.0
    assert path[2, 6] == -5.0
    torch.testing.assert_close(path[:, :6], free[:, :6], atol=1e-12, rtol=0)
    assert ((path - free)[[0, 2], 7:].abs() > 1e-9).any(dim=1).all()
    assert torch.equal(path[[1, 3]], free[[1, 3]])


@every_way
def test_given_what_the_loop_would_have_predicted_changes_nothing(name: str, way: Way) -> None:
    network = LOOPS[name]
    state = state_of(network)
    free = run(network, state, 15, way=way)
    some = normal(BATCH, 15, 1, seed=8) > 0
    assert some.any(dim=1).all()
    innovated = run(
        network, state, 15, Feedback(given=torch.where(some, free.path, torch.nan)), way
    )
    torch.testing.assert_close(innovated.path, free.path, atol=1e-12, rtol=0)
    assert_same_state(innovated.state, free.state, atol=1e-12)
    assert (innovated.left == 15).all()


@every_way
def test_all_given_is_reading(name: str, way: Way) -> None:
    """A loop that is given every value stands where one stands that has read them."""
    network = LOOPS[name]
    state, values = state_of(network), normal(BATCH, 15, 1, seed=9)
    got = run(network, state, 15, Feedback(given=values), way)
    assert torch.equal(got.path, values)
    with torch.inference_mode():
        _, expected = network.read(state, values, torch.ones_like(values))
    assert_same_state(got.state, expected, atol=1e-12)


@every_way
def test_nothing_given_is_bit_equal(name: str, way: Way) -> None:
    network = LOOPS[name]
    state = state_of(network)
    nothing = torch.full((BATCH, 15, 1), torch.nan, dtype=torch.float64)
    got, expected = (
        run(network, state, 15, feedback, way) for feedback in (Feedback(given=nothing), None)
    )
    assert torch.equal(got.path, expected.path)
    assert_same_state(got.state, expected.state)


@every_way
def test_innovations_do_not_touch_given_values(name: str, way: Way) -> None:
    network = LOOPS[name]
    given = torch.full((BATCH, 15, 1), torch.nan, dtype=torch.float64)
    given[:, 4] = 2.0
    feedback = Feedback(innovations=torch.ones_like(given), given=given)
    path = run(network, state_of(network), 15, feedback, way).path
    assert (path[:, 4] == 2.0).all()


# ----------------------------------------------------------------------------------------- limits

RUNAWAY = {
    "lstm on the last value": network_of((1, 6), residual=1, head=50.0),
    "gru on the last value": network_of((6, 1), cell="gru", residual=1, head=50.0),
    "two layers on the last value": network_of((1,), layers=2, residual=1, head=50.0),
    "lstm on the season": network_of((1, 6), residual=6, head=50.0),
    "lstm": network_of((1, 6), head=50.0),
}
RUNAWAY_AND_WAY = [
    pytest.param(name, way, id=f"{name}, {way}")
    for name, network in RUNAWAY.items()
    for way in ways_of(network)
]
runaway_every_way = pytest.mark.parametrize(("name", "way"), RUNAWAY_AND_WAY)
HELD, STEPS = 6, 20


def held_and_free(name: str, way: Way) -> tuple[Run, Run, Tensor]:
    """Six loops with and without limits: every other one has limits that it can't reach."""
    network = RUNAWAY[name]
    state = state_of(network, HELD)
    limits = torch.full((HELD, STEPS, 1), 1e6, dtype=torch.float64)
    limits[::2] = torch.linspace(4.0, 6.0, STEPS)[:, None]
    return (
        run(network, state, STEPS, Feedback(limits=limits), way),
        run(network, state, STEPS, way=way),
        limits,
    )


@runaway_every_way
def test_a_loop_that_runs_away_is_held(name: str, way: Way) -> None:
    held, free, limits = held_and_free(name, way)
    outside = free.path.abs() > limits
    assert outside[::2].any(dim=1).all(), "the loop must run away for this test to say anything"
    assert not outside[1::2].any()
    assert (held.path.abs() <= limits).all()
    # Up to the first clipped step the two are the same loop, so that this step is known.
    first = torch.where(outside, torch.arange(STEPS)[:, None], STEPS).amin(dim=1)
    assert torch.equal(held.left, first)
    for row in range(0, HELD, 2):
        step = int(first[row])
        assert held.path[row, step] == free.path[row, step].sign() * limits[row, step]
        torch.testing.assert_close(held.path[row, :step], free.path[row, :step])


@runaway_every_way
def test_rows_that_stay_inside_are_bit_equal_to_those_without_limits(name: str, way: Way) -> None:
    held, free, _ = held_and_free(name, way)
    inside = torch.arange(1, HELD, 2)
    assert torch.equal(held.path[inside], free.path[inside])
    assert_same_state(held.state.take(inside), free.state.take(inside))
    assert (held.left[inside] == STEPS).all()
    assert (free.left == STEPS).all()


@pytest.mark.parametrize("way", ["folded", "auto"])
@pytest.mark.parametrize("name", ["lstm", "lstm on the season"])
def test_rows_that_leave_are_those_of_the_stepped_loop(name: str, way: Way) -> None:
    held, stepped = held_and_free(name, way)[0], held_and_free(name, "stepped")[0]
    outside = torch.arange(0, HELD, 2)
    torch.testing.assert_close(held.path[outside], stepped.path[outside], atol=1e-12, rtol=0)
    assert_same_state(held.state.take(outside), stepped.state.take(outside), atol=1e-12)
    assert torch.equal(held.left, stepped.left)


@runaway_every_way
def test_the_clipped_value_is_fed_back(name: str, way: Way) -> None:
    """What follows the first clipped step is what follows that value when it is given."""
    network = RUNAWAY[name]
    held, _, limits = held_and_free(name, way)
    row = torch.tensor([0])
    given = torch.full((1, STEPS, 1), torch.nan, dtype=torch.float64)
    given[0, held.left[0]] = held.path[0, held.left[0]]
    again = run(
        network,
        state_of(network, HELD).take(row),
        STEPS,
        Feedback(given=given, limits=limits[row]),
        way,
    )
    torch.testing.assert_close(again.path, held.path[row], atol=1e-9, rtol=0)


@every_way
def test_limits_far_away_change_nothing(name: str, way: Way) -> None:
    network = LOOPS[name]
    state = state_of(network)
    expected = run(network, state, 20, way=way)
    for size in (1e3, torch.inf):
        limits = torch.full((BATCH, 20, 1), size, dtype=torch.float64)
        got = run(network, state, 20, Feedback(limits=limits), way)
        assert torch.equal(got.path, expected.path)
        assert (got.left == 20).all()


@every_way
def test_a_given_value_may_lie_outside_of_the_limits(name: str, way: Way) -> None:
    """It is what was observed or assumed: it isn't clipped, and no loop has left."""
    network = LOOPS[name]
    limits = torch.full((BATCH, 9, 1), 50.0, dtype=torch.float64)
    given = torch.full((BATCH, 9, 1), torch.nan, dtype=torch.float64)
    given[:, 3], limits[:, 3] = 4.0, 1.0
    got = run(network, state_of(network), 9, Feedback(given=given, limits=limits), way)
    assert (got.path[:, 3] == 4.0).all()
    assert (got.left == 9).all()


@every_way
def test_innovations_count_for_the_limits(name: str, way: Way) -> None:
    network = LOOPS[name]
    innovations = torch.zeros(BATCH, 9, 1, dtype=torch.float64)
    innovations[1, 5] = 100.0
    limits = torch.full_like(innovations, 20.0)
    got = run(network, state_of(network), 9, Feedback(innovations, limits=limits), way)
    assert got.path[1, 5] == 20.0
    assert got.left.flatten().tolist() == [9, 5, 9, 9]


@pytest.mark.parametrize("way", WAYS)
def test_a_prediction_just_inside_its_limit_is_not_clipped(way: Way) -> None:
    """A seasonal copy is the value of a season ago to the last bit."""
    lags = (1, 6)
    network = network_of(lags, residual=6, head=0.0)
    state = state_of(network, 1)
    limits = state.values.abs().clamp(min=1e-3).repeat(1, 2, 1) * (1 + 1e-12)
    got = run(network, state, 12, Feedback(limits=limits), way)
    assert torch.equal(got.path, state.values.repeat(1, 2, 1))
    assert got.left.flatten().tolist() == [12]


def test_all_ways_agree_on_a_value_right_at_its_limit() -> None:
    """A seasonal copy is the value of a season ago to the last bit, and so may be a limit."""
    lags = (1, 6)
    network = network_of(lags, residual=6, head=0.0)
    state = state_of(network)
    limits = torch.full((BATCH, 12, 1), 100.0, dtype=torch.float64)
    limits[1, 9] = state.values[1, 3].abs()
    runs = [run(network, state, 12, Feedback(limits=limits), way) for way in WAYS]
    for each in runs:
        assert torch.equal(each.path, state.values.repeat(1, 2, 1))
        assert torch.equal(each.left, runs[0].left)


@pytest.mark.parametrize("way", WAYS)
def test_a_loop_that_is_no_longer_a_number_has_left(way: Way) -> None:
    lags = (1, 6)
    network = network_of(lags, residual=6)
    state = state_of(network)
    values = state.values.clone()
    values[1, 2] = torch.nan  # lag 6 of the third step
    limits = torch.full((BATCH, 9, 1), 50.0, dtype=torch.float64)
    got = run(network, replace(state, values=values), 9, Feedback(limits=limits), way)
    assert got.left.flatten().tolist() == [9, 2, 9, 9]
    assert got.path[[0, 2, 3]].isfinite().all()


# ---------------------------------------------------------------------------- reading on, states


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("first", [1, 4, 5, 19])
@torch.inference_mode()
def test_reading_in_two_pieces_is_reading_at_once(name: str, first: int) -> None:
    network = LOOPS[name]
    state, values = state_of(network), normal(BATCH, 20, 1, seed=4)
    known = torch.ones_like(values)
    known[0, 2:8] = 0  # nothing says that new rows are all known
    values *= known
    predictions, whole = network.read(state, values, known)
    before, between = network.read(state, values[:, :first], known[:, :first])
    after, end = network.read(between, values[:, first:], known[:, first:])
    assert_same_state(end, whole, atol=1e-12)
    torch.testing.assert_close(torch.cat([before, after], dim=1), predictions, atol=1e-12, rtol=0)
    assert predictions.shape == (BATCH, 20, 1)


@every_way
def test_what_a_loop_generates_is_known_to_it(name: str, way: Way) -> None:
    """Even after a last row that wasn't known."""
    network = LOOPS[name]
    values = torch.zeros(BATCH, 2, 1, dtype=torch.float64)
    with torch.inference_mode():
        _, state = network.read(state_of(network), values, values)
        expected = rollout(network, state, 12)
    got = run(network, state, 12, way=way)
    torch.testing.assert_close(got.path, expected.path, atol=1e-12, rtol=0)
    assert (got.state.known == 1).all()


@torch.inference_mode()
def test_reading_nothing_changes_nothing() -> None:
    network = LOOPS["gru"]
    state = state_of(network)
    predictions, end = network.read(state, state.values[:, :0], state.known[:, :0])
    assert_same_state(end, state)
    assert predictions.shape == (BATCH, 0, 1)


@pytest.mark.parametrize("name", LOOPS)
@torch.inference_mode()
def test_predictions_in_a_context_are_forecasts_of_one_step(name: str) -> None:
    network = LOOPS[name]
    values, known = rows_of(network.lags)
    predictions, _ = encode(network, values, known)
    assert predictions.shape == (BATCH, CONTEXT - 1, 1)
    for rows in range(1, CONTEXT):
        stop = network.longest_lag - 1 + rows
        _, state = encode(network, values[:, :stop], known[:, :stop])
        path = rollout(network, state, 1).path[:, 0]
        torch.testing.assert_close(predictions[:, rows - 1], path, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", LOOPS)
@torch.inference_mode()
def test_predictions_while_reading_on_are_forecasts_of_one_step(name: str) -> None:
    network = LOOPS[name]
    state, values = state_of(network), normal(BATCH, 10, 1, seed=4)
    known = torch.ones_like(values)
    predictions = network.read(state, values, known)[0]
    for step in range(10):
        _, before = network.read(state, values[:, :step], known[:, :step])
        path = rollout(network, before, 1).path[:, 0]
        torch.testing.assert_close(predictions[:, step], path, atol=1e-12, rtol=0)


@pytest.mark.parametrize("cell", get_args(Cell))
def test_a_state_is_taken_apart_and_put_together(cell: Cell) -> None:
    lags = (1, 6)
    network = network_of(lags, cell=cell, layers=2)
    state = state_of(network, 5)
    before = [tensor.clone() for tensor in tensors_of(state)]
    order = torch.tensor([3, 0, 4, 1, 2])
    assert len(state.take(order[:2])) == 2
    assert_same_state(RolloutState.cat([state.take(order[:2]), state.take(order[2:])]),
                      state.take(order))  # fmt: skip
    assert_same_state(state.take(order).take(order.argsort()), state)
    assert len(state.take(torch.tensor([1, 1, 1]))) == 3

    rows = torch.tensor([4, 1])
    others = state.take(torch.tensor([0, 2]))
    replaced = state.put(rows, others)
    assert_same_state(replaced.take(rows), others)
    kept = torch.tensor([0, 2, 3])
    assert_same_state(replaced.take(kept), state.take(kept))
    assert_same_state(replaced.put(rows, state.take(rows)), state)
    assert all(map(torch.equal, tensors_of(state), before))


@every_way
def test_a_loop_rolls_alone_as_among_others(name: str, way: Way) -> None:
    network = LOOPS[name]
    state = state_of(network)
    together = run(network, state, 12, way=way)
    alone = run(network, state.take(torch.tensor([2])), 12, way=way)
    torch.testing.assert_close(alone.path, together.path[2:3], atol=1e-12, rtol=0)


# -------------------------------------------------------------------------------------- gradients

GRADIENT_LOOPS = ["lstm", "lstm on the season", "gru", "gru, three layers"]


@pytest.mark.parametrize("name", GRADIENT_LOOPS)
def test_gradient_with_respect_to_given_values(name: str) -> None:
    network = LOOPS[name]
    state = state_of(network)
    start = torch.full((BATCH, 9, 1), torch.nan, dtype=torch.float64)
    start[:, 2], start[1, 5] = 0.8, -0.4

    def last(given: Tensor) -> Tensor:
        innovations = 0.1 * normal(BATCH, 9, 1, seed=6)
        return rollout(network, clones(state), 9, Feedback(innovations, given)).path[:, -1].sum()

    given = start.clone().requires_grad_()
    last(given).backward()
    assert given.grad.isfinite().all()
    assert (given.grad[~start.isnan()] != 0).all()
    assert (given.grad[start.isnan()] == 0).all()
    assert_slope(last, start, (1, 5), given.grad)
    assert_slope(last, start, (3, 2), given.grad)


@pytest.mark.parametrize("name", GRADIENT_LOOPS)
def test_gradient_with_respect_to_the_context(name: str) -> None:
    network = LOOPS[name]
    start, known = rows_of(network.lags)

    def last(values: Tensor) -> Tensor:
        _, state = encode(network, values, known)
        return rollout(network, state, 9).path[:, -1].sum()

    values = start.clone().requires_grad_()
    last(values).backward()
    assert values.grad.isfinite().all()
    assert (values.grad[:, -1] != 0).all()
    assert_slope(last, start, (0, -1), values.grad)
    assert_slope(last, start, (1, -3), values.grad)


def test_gradient_stays_finite_beyond_a_clipped_step() -> None:
    network = RUNAWAY["gru on the last value"]
    values, known = rows_of(network.lags)
    values.requires_grad_()
    _, state = encode(network, values, known)
    limits = torch.full((BATCH, 9, 1), 5.0, dtype=torch.float64)
    path = rollout(network, state, 9, Feedback(limits=limits)).path
    assert (path.abs() == 5.0).any()
    path.sum().backward()
    assert values.grad.isfinite().all()


def clones(state: RolloutState) -> RolloutState:
    """Tensors made in inference mode can't be kept for a gradient."""
    return state.map(lambda tensor, _: tensor.clone())


def assert_slope(function, at: Tensor, cell: tuple[int, int], gradient: Tensor) -> None:
    """One entry of a gradient against a central difference."""
    nudge = torch.zeros_like(at)
    nudge[cell] = 1e-5
    with torch.no_grad():
        slope = (function(at + nudge) - function(at - nudge)) / 2e-5
    assert abs(slope) > 1e-12
    torch.testing.assert_close(gradient[cell].squeeze(), slope, rtol=1e-4, atol=1e-9)


def systems_of(
    lags: Sequence[int],
    channels: int,
    columns: int,
    residual: int | None = None,
    **arguments: object,
) -> tuple[RecurrentNetwork, RolloutState, Tensor | None]:
    """A network of several channels and covariates, where three systems stand, and their future."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        architecture = Architecture(
            tuple(lags),
            hidden_size=5,
            channels=channels,
            covariates=columns,
            categories={0: 4} if columns else {},
            residual_lag=residual,
            **arguments,
        )
        network = architecture.network().double()
        torch.nn.init.normal_(network.head.weight, std=0.3)
        torch.nn.init.normal_(network.head.bias, std=0.3)
    recurrent = tuple(
        normal(*part.shape, seed=number) for number, part in enumerate(network.initial_state(3))
    )
    values = normal(3, max(lags), channels, seed=7)
    known = torch.ones_like(values)
    known[0, :2] = values[0, :2] = 0
    told = None
    if columns:
        kinds = torch.randint(5, (3, 15), generator=torch.Generator().manual_seed(8))
        told = torch.stack([kinds.double(), *normal(columns - 1, 3, 15)], dim=-1)
    leaves = [tensor.requires_grad_() for tensor in (*recurrent, values)]
    return network, RolloutState(tuple(leaves[:-1]), leaves[-1], known), told


@pytest.mark.parametrize(
    ("channels", "columns"),
    [
        pytest.param(1, 0, id="one channel"),
        pytest.param(2, 2, id="two channels, covariates"),
        pytest.param(2, 0, id="two channels", marks=pytest.mark.slow),
        pytest.param(1, 2, id="one channel, covariates", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    ("lags", "arguments"),
    [
        ((1,), {}),
        ((1, 6), {}),
        ((6, 1, 4), {"residual": 6}),
        ((1, 2), {"residual": 2}),
        ((1, 6), {"residual": 1}),
        ((1, 6), {"cell": "gru", "residual": 6}),
        ((1, 6), {"num_layers": 2}),
    ],
    ids=lambda value: str(value or "no residual") if isinstance(value, dict) else str(value),
)
def test_the_loop_for_training_is_the_plain_one(lags, arguments, channels, columns) -> None:
    """Its values, and their gradients with respect to the weights and the state."""
    network, state, told = systems_of(lags, channels, columns, **arguments)
    leaves = [*network.parameters(), *state.recurrent, state.values]
    horizon, target = 15, normal(3, 15, channels, seed=5)
    paths = [
        closed_loop(network, state, horizon, told),
        rollout(network, state, horizon, Feedback(covariates=told)).path,
    ]
    torch.testing.assert_close(*paths, atol=1e-9, rtol=0)
    got, expected = (
        torch.autograd.grad((path - target).square().mean(), leaves, allow_unused=True)
        for path in paths
    )
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
    reached = [part.abs().sum() for part in got if part is not None]
    assert len(reached) == len(leaves)
    assert all(size > 0 for size in reached)


@pytest.mark.slow
@settings(properties, max_examples=15)
@given(loop=loops(), horizon=st.integers(1, 30))
def test_any_loop_for_training_is_the_plain_one(loop, horizon: int) -> None:
    network, state = loop
    start = clones(state)
    values = start.values.requires_grad_()
    got, expected = (
        (path, *torch.autograd.grad(path.square().sum(), [*network.parameters(), values]))
        for path in (
            closed_loop(network, start, horizon),
            rollout(network, start, horizon).path,
        )
    )
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_loop_for_training_drops_nothing_out(layers: int) -> None:
    """It is trained as it is used; around it the network drops out as before."""
    lags = (1, 6)
    network, state, _ = systems_of(lags, 1, 0, dropout=0.5, num_layers=layers)
    network.train()
    path = closed_loop(network, state, 12)
    assert network.training
    assert network.dropout.training
    dropped = rollout(network, state, 12).path
    assert not torch.allclose(dropped, path)
    torch.testing.assert_close(closed_loop(network.eval(), state, 12), path)
    assert not network.training


# ---------------------------------------------------------------------------------------- ensembles


@properties
@given(
    members=st.integers(1, 9),
    shape=st.lists(st.integers(1, 4), max_size=3),
    seed=st.integers(0, 999),
    ties=st.booleans(),
)
def test_the_median_is_that_of_numpy(members: int, shape: list[int], seed: int, ties: bool) -> None:
    paths = normal(members, *shape, seed=seed)
    paths = paths.round() if ties else paths
    got = median(paths)
    assert got.shape == tuple(shape)
    np.testing.assert_allclose(got, np.median(paths.numpy(), axis=0), rtol=1e-12)
    torch.testing.assert_close(median(paths.flip(0)), got)


def test_the_median_of_one_is_itself_to_the_last_bit() -> None:
    path = normal(1, 3, 4)
    assert torch.equal(median(path), path[0])
    assert torch.equal(median(path.repeat(4, 1, 1)), path[0])
