"""Several channels as one system, and covariates beside them: the loop, its inputs, its windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tsgen.generation import dispatch as engine
from tsgen.generation.dispatch import Way, run
from tsgen.generation.folded import folds
from tsgen.generation.imputation import encode_over_holes
from tsgen.inference.state import Encoding
from tsgen.nn import (
    Architecture,
    Cell,
    RecurrentNetwork,
    input_size,
    lag_inputs,
)
from tsgen.preprocessing.scalers import WindowNormaliser
from tsgen.preprocessing.windows import (
    CovariateRows,
    Series,
    WindowIndex,
    WindowShape,
    by_series,
    by_system,
)
from tsgen.rollout import Feedback, RolloutState, encode, rollout

WAYS = get_args(Way)
BATCH, CONTEXT, HORIZON = 3, 12, 14

properties = settings(max_examples=30, deadline=None, derandomize=True, database=None)

# How many covariates there are, and which of them are categories, and of how many.
COVARIATES: dict[str, tuple[int, dict[int, int]]] = {
    "none": (0, {}),
    "one number": (1, {}),
    "one category": (1, {0: 3}),
    "four, two of them categories": (4, {0: 2, 2: 5}),
}


def system(
    lags: Sequence[int],
    channels: int,
    covariates: tuple[int, Mapping[int, int]] = (0, {}),
    *,
    cell: Cell = "lstm",
    layers: int = 1,
    residual: int | None = None,
    seed: int = 0,
) -> RecurrentNetwork:
    columns, categories = covariates
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Architecture(
            tuple(lags),
            cell=cell,
            hidden_size=8,
            num_layers=layers,
            residual_lag=residual,
            channels=channels,
            covariates=columns,
            categories=categories,
        ).network()
        nn.init.normal_(network.head.weight, std=0.1)
        nn.init.normal_(network.head.bias, std=0.1)
    return network.double().eval()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def columns_of(network: RecurrentNetwork, *shape: int, seed: int = 0) -> Tensor | None:
    """Covariates (*shape, D) as `RecurrentNetwork` takes them; categories may be unknown, 0."""
    embedding = network.covariates
    count = len(embedding.numbers) + len(embedding.categories)
    if count == 0:
        return None
    table = normal(*shape, count, seed=seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for column, categories in embedding.categories.items():
        table[..., column] = torch.randint(0, categories + 1, shape, generator=generator).double()
    return table


def context_of(
    network: RecurrentNetwork, batch: int = BATCH, seed: int = 1
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Values, flags and covariates; later systems begin with more rows that aren't known."""
    rows = network.longest_lag - 1 + CONTEXT
    first = 2 * torch.arange(batch)
    known = (torch.arange(rows) >= first[:, None]).double()[:, :, None]
    known = known.repeat(1, 1, network.channels)
    values = normal(batch, rows, network.channels, seed=seed) * known
    return values, known, columns_of(network, batch, rows, seed=seed + 5)


def state_of(network: RecurrentNetwork, batch: int = BATCH) -> RolloutState:
    with torch.inference_mode():
        return encode(network, *context_of(network, batch))[1]


def tensors_of(state: RolloutState) -> list[Tensor]:
    return [*state.recurrent, state.values, state.known]


def assert_same_state(got: RolloutState, expected: RolloutState, atol: float = 0.0) -> None:
    assert len(got.recurrent) == len(expected.recurrent)
    for ours, theirs in zip(tensors_of(got), tensors_of(expected), strict=True):
        torch.testing.assert_close(ours, theirs, atol=atol, rtol=0)


def ways_of(network: RecurrentNetwork, feedback: Feedback | None) -> list[Way]:
    """What isn't known of what is fed back can't be folded."""
    folded = folds(network) and (feedback is None or feedback.known is None)
    return [way for way in WAYS if way != "folded" or folded]


def assert_as_plain(
    network: RecurrentNetwork,
    state: RolloutState,
    feedback: Feedback | None,
    horizon: int = HORIZON,
) -> None:
    with torch.inference_mode():
        expected = rollout(network, state, horizon, feedback)
    assert expected.path.shape == (len(state), horizon, network.channels)
    left = run(network, state, horizon, feedback, "plain").left
    for way in ways_of(network, feedback):
        got = run(network, state, horizon, feedback, way)
        torch.testing.assert_close(
            got.path, expected.path, atol=1e-9, rtol=0, msg=lambda text, way=way: f"{way}: {text}"
        )
        assert_same_state(got.state, expected.state, 1e-9)
        assert torch.equal(got.left, left)


def drive_of(
    network: RecurrentNetwork, parts: Sequence[str], batch: int = BATCH, horizon: int = HORIZON
) -> Feedback:
    """The first system is left closed, and of the second only one channel is given."""
    shape = batch, horizon, network.channels
    given = torch.full(shape, torch.nan, dtype=torch.float64)
    given[1, 2:5, 0] = 1.5
    given[2:, ::3] = -0.7
    limits = torch.full(shape, 5.0, dtype=torch.float64)
    limits[-1, :, -1] = 0.05
    known = torch.ones(shape, dtype=torch.float64)
    known[:, :4] = (normal(batch, 4, network.channels, seed=4) > 0).double()
    every = {
        "innovations": 0.5 * normal(*shape, seed=2),
        "given": given,
        "limits": limits,
        "known": known,
    }
    chosen: dict[str, Any] = {name: every[name] for name in parts}
    return Feedback(**chosen, covariates=columns_of(network, batch, horizon, seed=7))


# ------------------------------------------------------------------------- equal to the plain loop

NETWORKS = [
    ("lstm", 1, (1,), None),
    ("lstm", 1, (1, 5), 5),
    ("lstm", 1, (5, 1, 9), 9),
    ("lstm", 1, (1, 5), 1),
    ("lstm", 2, (5, 1), 5),
    ("gru", 1, (1, 5), 5),
    ("gru", 2, (2, 1), 1),
]


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("covariates", [name for name in COVARIATES if name != "one number"])
@pytest.mark.parametrize(("cell", "layers", "lags", "residual"), NETWORKS, ids=str)
def test_every_way_is_equal_to_the_plain_loop(
    cell: Cell,
    layers: int,
    lags: tuple[int, ...],
    residual: int | None,
    covariates: str,
    channels: int,
) -> None:
    network = system(
        lags, channels, COVARIATES[covariates], cell=cell, layers=layers, residual=residual
    )
    state = state_of(network)
    for parts in (["innovations", "given", "limits"], ["given", "known"]):
        assert_as_plain(network, state, drive_of(network, parts))


@st.composite
def loops_with_feedback(
    draw: st.DrawFn,
) -> tuple[RecurrentNetwork, int, Feedback, int]:
    others = draw(st.sets(st.integers(2, 10), max_size=2))
    lags = tuple(draw(st.permutations([1, *sorted(others)])))
    columns = draw(st.integers(0, 4))
    chosen = draw(st.sets(st.integers(0, 3)))
    categories = {i: draw(st.integers(1, 6)) for i in sorted(chosen) if i < columns}
    network = system(
        lags,
        draw(st.integers(1, 3)),
        (columns, categories),
        cell=draw(st.sampled_from(get_args(Cell))),
        layers=draw(st.integers(1, 2)),
        residual=draw(st.sampled_from([None, *lags])),
        seed=draw(st.integers(0, 99)),
    )
    batch, horizon = draw(st.integers(3, 5)), draw(st.integers(6, 20))
    parts = draw(st.sets(st.sampled_from(["innovations", "given", "limits", "known"])))
    return network, batch, drive_of(network, sorted(parts), batch, horizon), horizon


@pytest.mark.slow
@properties
@given(loops_with_feedback())
def test_any_driven_system_is_equal_to_the_plain_loop(
    case: tuple[RecurrentNetwork, int, Feedback, int],
) -> None:
    network, batch, feedback, horizon = case
    assert_as_plain(network, state_of(network, batch), feedback, horizon)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_blocks_are_of_whole_systems(
    way: Way, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = system((1, 5), 2, COVARIATES["four, two of them categories"], residual=5)
    state = state_of(network, 5)
    feedback = drive_of(network, ["innovations", "given", "limits"], 5)
    whole = run(network, state, HORIZON, feedback, way)
    monkeypatch.setattr(engine, "ROWS_AT_ONCE", at_once)
    blocks = run(network, state, HORIZON, feedback, way)
    torch.testing.assert_close(blocks.path, whole.path, atol=1e-12, rtol=0)
    assert_same_state(blocks.state, whole.state, 1e-12)
    assert torch.equal(blocks.left, whole.left)


@pytest.mark.parametrize("way", WAYS)
def test_nine_steps_and_five_are_fourteen(way: Way) -> None:
    network = system((1, 5), 3, COVARIATES["four, two of them categories"], residual=5)
    state = state_of(network)
    feedback = drive_of(network, ["innovations", "given", "limits"])
    whole = run(network, state, HORIZON, feedback, way)
    first = run(network, state, 9, feedback.steps(slice(9)), way)
    rest = run(network, first.state, 5, feedback.steps(slice(9, HORIZON)), way)
    torch.testing.assert_close(
        torch.cat([first.path, rest.path], dim=1), whole.path, atol=1e-12, rtol=0
    )
    assert_same_state(rest.state, whole.state, 1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_a_system_alone_does_as_it_does_in_company(way: Way) -> None:
    network = system((1, 5), 2, COVARIATES["four, two of them categories"], residual=5)
    state, feedback = state_of(network), drive_of(network, ["innovations", "given"])
    together = run(network, state, HORIZON, feedback, way)
    for position in range(BATCH):
        loop = torch.tensor([position])
        alone = run(network, state.take(loop), HORIZON, feedback.take(loop), way)
        torch.testing.assert_close(alone.path, together.path[loop], atol=1e-12, rtol=0)


def explicit_step(
    network: RecurrentNetwork,
    values: Tensor,
    known: Tensor,
    covariates: Tensor,
    recurrent: tuple[Tensor, ...],
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One step of one system, (rows so far, C) and (D,), with its inputs written out one by one."""
    embedding = network.covariates
    inputs = [rows[-lag, channel] for rows in (values, known) for lag in network.lags for channel in
              range(network.channels)]  # fmt: skip
    inputs += [covariates[column] for column in embedding.numbers]
    for column in embedding.categories:
        vectors = embedding.vectors[str(column)]
        number = int(covariates[column])
        inputs += list(vectors[number - 1] if number else vectors.mean(dim=0))
    step = torch.stack(inputs)[None, None]
    if len(recurrent) == 2:
        hidden, recurrent = network.recurrent(step, recurrent)
    else:
        hidden, last = network.recurrent(step, *recurrent)
        recurrent = (last,)
    output = network.head(hidden[0, 0])
    if network.architecture.residual_lag is not None:
        output = output + values[-network.architecture.residual_lag]
    return output, recurrent


@pytest.mark.parametrize(
    ("cell", "lags", "residual"), [("lstm", (1, 5), 5), ("lstm", (5, 1), 1), ("gru", (2, 1), None)]
)
@torch.inference_mode()
def test_reading_and_rolling_out_worked_out_row_by_row(
    cell: Cell, lags: tuple[int, ...], residual: int | None
) -> None:
    network = system(
        lags, 2, COVARIATES["four, two of them categories"], cell=cell, residual=residual
    )
    values, known, covariates = context_of(network)
    feedback = drive_of(network, ["known"])
    predictions, state = encode(network, values, known, covariates)
    path = rollout(network, state, HORIZON, feedback).path
    assert covariates is not None
    assert feedback.covariates is not None
    assert feedback.known is not None
    longest = network.longest_lag
    for i in range(BATCH):
        recurrent: tuple[Tensor, ...] = network.initial_state(1)
        for t in range(longest, values.shape[1]):
            past = values[i, :t], known[i, :t]
            output, recurrent = explicit_step(network, *past, covariates[i, t], recurrent)
            torch.testing.assert_close(predictions[i, t - longest], output, atol=1e-9, rtol=0)
        own, flags = values[i], known[i]
        for step in range(HORIZON):
            told = feedback.covariates[i, step]
            output, recurrent = explicit_step(network, own, flags, told, recurrent)
            torch.testing.assert_close(path[i, step], output, atol=1e-9, rtol=0)
            own = torch.cat([own, output[None]])
            flags = torch.cat([flags, feedback.known[i, step, None]])


def test_reading_in_two_pieces_is_reading_at_once() -> None:
    lags = (1, 5)
    network = system(lags, 3, COVARIATES["four, two of them categories"])
    values, known, covariates = context_of(network)
    assert covariates is not None
    predictions, whole = encode(network, values, known, covariates)
    cut = 11
    early, first = encode(network, values[:, :cut], known[:, :cut], covariates[:, :cut])
    late, state = network.read(first, values[:, cut:], known[:, cut:], covariates[:, cut:])
    assert_same_state(state, whole, 1e-12)
    torch.testing.assert_close(torch.cat([early, late], 1), predictions, atol=1e-12, rtol=0)


@torch.inference_mode()
def test_every_channel_reads_every_other_and_none_of_another_system() -> None:
    network = system((1, 5), 2, residual=5)
    state = state_of(network)
    free = run(network, state, HORIZON).path
    given = torch.full_like(free, torch.nan)
    given[1, 0, 0] = 3.0
    moved = (run(network, state, HORIZON, Feedback(given=given)).path - free).abs()
    assert (moved[1, 1:, 1] > 1e-6).any()
    assert moved[1, 0, 1] < 1e-12
    assert moved[[0, 2]].max() == 0


@torch.inference_mode()
def test_a_hole_in_one_channel_is_filled_by_the_loop_and_read_as_if_it_had_been_there() -> None:
    lags = (1, 5)
    network = system(lags, 2, COVARIATES["one number"], residual=5)
    values, known, covariates = context_of(network)
    holes = known.clone()
    holes[1, 11:14, 0] = 0.0
    holes[2, 15, 1] = 0.0
    _, state = encode_over_holes(network, values * holes, holes, covariates)
    filled = values.clone()
    for t in range(values.shape[1]):
        for i, channel in torch.nonzero((known > holes)[:, t]).tolist():
            assert covariates is not None
            before = filled[:, :t], known[:, :t], covariates[:, :t]
            _, so_far = encode(network, *before)
            one = Feedback(covariates=covariates[:, t, None])
            filled[i, t, channel] = rollout(network, so_far, 1, one).path[i, 0, channel]
    assert (filled != values).sum() == 4
    _, expected = encode(network, filled, known, covariates)
    assert_same_state(state, expected, 1e-9)


# ---------------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("cell", get_args(Cell))
def test_the_path_is_differentiable_with_respect_to_covariates(cell: Cell, channels: int) -> None:
    lags = (1, 3)
    network = system(lags, channels, (3, {1: 4}), cell=cell, residual=3)
    state = state_of(network).map(lambda tensor, _: tensor.clone())
    categories = columns_of(network, BATCH, 4, seed=3)
    assert categories is not None

    def path(numbers: Tensor) -> Tensor:
        table = torch.stack([numbers[..., 0], categories[..., 1], numbers[..., 1]], dim=-1)
        return rollout(network, state, 4, Feedback(covariates=table)).path

    numbers = normal(BATCH, 4, 2, seed=4).requires_grad_()
    assert torch.autograd.gradcheck(path, (numbers,))
    (gradient,) = torch.autograd.grad(path(numbers)[1, 2, 0], numbers)
    assert (gradient[1, :3].abs() > 0).all()
    assert gradient[1, 3:].abs().max() == 0
    assert gradient[[0, 2]].abs().max() == 0


def test_what_a_loop_says_of_categories_can_be_learned() -> None:
    network = system((1,), 2, (1, {0: 3}))
    feedback = Feedback(covariates=torch.tensor([1.0, 3.0]).repeat(BATCH, 2)[:, :, None].double())
    values, known, covariates = context_of(network)
    assert covariates is not None
    _, state = encode(network, values, known, torch.ones_like(covariates))
    rollout(network, state, 4, feedback).path.sum().backward()
    gradient = network.covariates.vectors["0"].grad
    assert gradient is not None
    assert (gradient[[0, 2]].abs() > 0).all()
    assert gradient[1].abs().max() == 0  # never read


# ------------------------------------------------------------------------------ parts of a state


def marked_state(batch: int, channels: int, start: float = 0.0) -> RolloutState:
    """Each loop has its own number everywhere, each row its own beside it."""
    loops = start + torch.arange(batch, dtype=torch.float64)
    rows = loops[:, None, None] + torch.arange(channels) / 10
    recurrent = tuple((loops + part)[None, :, None].expand(2, -1, 4) for part in (0.0, 0.5))
    return RolloutState(recurrent, rows.expand(-1, 3, -1), -rows.expand(-1, 3, -1))


def marked_encoding(batch: int, channels: int, start: float = 0.0) -> Encoding:
    loop = marked_state(batch, channels, start)
    rows = loop.values[:, :1]
    return Encoding(WindowNormaliser(rows + 100, rows + 200), (loop,), rows + 300)


def said_rows(state: RolloutState) -> list[float]:
    return state.values[:, 0].flatten().tolist()


def assert_whole(encoding: Encoding, loops: list[float], channels: int) -> None:
    """All parts tell of these loops in this order, and of all channels of each."""
    rows = [loop + channel / 10 for loop in loops for channel in range(channels)]
    assert len(encoding) == len(encoding.loops[0]) == len(loops)
    assert encoding.loops[0].channels == channels
    assert said_rows(encoding.loops[0]) == pytest.approx(rows)
    assert (-encoding.loops[0].known[:, 0]).flatten().tolist() == pytest.approx(rows)
    for part, offset in zip(encoding.loops[0].recurrent, (0.0, 0.5), strict=True):
        assert part.shape == (2, len(loops), 4)
        assert part[1, :, 3].tolist() == pytest.approx([loop + offset for loop in loops])
    for tensor, offset in (
        (encoding.normaliser.mean, 100),
        (encoding.normaliser.spread, 200),
        (encoding.errors, 300),
    ):
        assert tensor.shape == (len(loops), 1, channels)
        assert (tensor - offset).flatten().tolist() == pytest.approx(rows)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_take_put_and_join_keep_systems_whole(channels: int) -> None:
    encoding = marked_encoding(4, channels)
    assert_whole(encoding.take(torch.tensor([2, 0, 2])), [2, 0, 2], channels)
    replaced = encoding.put(torch.tensor([3, 1]), marked_encoding(2, channels, start=7.0))
    assert_whole(replaced, [0, 8, 2, 7], channels)
    assert_whole(encoding, [0, 1, 2, 3], channels)
    joined = Encoding.cat([encoding.take(torch.tensor([1])), marked_encoding(2, channels, 5.0)])
    assert_whole(joined, [1, 5, 6], channels)


def test_no_system_is_taken() -> None:
    nothing = marked_encoding(3, 2).take(torch.tensor([], dtype=torch.int64))
    assert len(nothing) == 0
    assert nothing.errors.shape == (0, 1, 2)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_drive_of_some_loops_and_steps(channels: int) -> None:
    rows = torch.arange(4.0 * channels)[:, None].expand(-1, 6) + torch.arange(6) / 10
    rows = by_system(rows, channels)
    loops = torch.arange(4.0)[:, None, None].expand(-1, 6, 2)
    feedback = Feedback(rows, rows + 1, rows + 2, loops, rows + 3)
    some = feedback.take(torch.tensor([3, 1])).steps(slice(2, 4))
    expected = [3 * channels + i for i in range(channels)] + [channels + i for i in range(channels)]
    for offset, part in enumerate((some.innovations, some.given, some.limits, some.known)):
        assert part is not None
        assert part.shape == (2, 2, channels)
        assert (part[:, 0] - 0.2 - offset).flatten().tolist() == pytest.approx(expected, abs=1e-5)
    assert some.covariates is not None
    assert some.covariates[:, :, 1].tolist() == [[3, 3], [1, 1]]
    assert Feedback().take(torch.tensor([0])).steps(slice(1)).innovations is None


@properties
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 4))
def test_series_of_systems_lie_side_by_side(systems: list[int], channels: int) -> None:
    """Series by series and back, with any axes between the system and its channels."""
    rows = torch.tensor(systems)[:, None] * channels + torch.arange(channels)
    for parts in (rows, rows[:, None].expand(-1, 2, -1)):
        flat = by_series(parts)
        expected = [system * channels + i for system in systems for i in range(channels)]
        assert flat.reshape(len(expected), -1)[:, 0].tolist() == expected
        assert torch.equal(by_system(flat, channels), parts)


# ------------------------------------------------------------------------------------------ inputs


@properties
@given(
    lags=st.lists(st.integers(1, 7), min_size=1, max_size=3, unique=True),
    steps=st.integers(1, 5),
    channels=st.integers(1, 3),
    columns=st.integers(0, 3),
)
def test_inputs_are_values_then_flags_of_all_channels_then_covariates(
    lags: list[int], steps: int, channels: int, columns: int
) -> None:
    rows = max(lags) - 1 + steps
    values = torch.arange(2.0 * channels * rows).reshape(2, rows, channels)
    known = -values
    covariates = 1000 + torch.arange(2.0 * steps * columns).reshape(2, steps, columns)
    inputs = lag_inputs(values, known, lags, steps, covariates if columns else None)
    assert inputs.shape == (2, steps, input_size(lags, channels, columns))
    for i in range(2):
        for step in range(steps):
            predicted = max(lags) + step
            seen = [
                part[i, predicted - lag, channel].item()
                for part in (values, known)
                for lag in lags
                for channel in range(channels)
            ]
            assert inputs[i, step].tolist() == [*seen, *covariates[i, step].tolist()]


# ----------------------------------------------------------------------------------------- windows


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[int], int, list[tuple[int, int]], int, int]:
    """Lengths of systems, channels, systems and cutoffs, and rows on each side."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    system_of = st.integers(0, len(lengths) - 1)
    some = draw(st.lists(system_of, min_size=1, max_size=5))
    drawn = [(i, draw(st.integers(0, lengths[i]))) for i in some]
    return lengths, draw(st.integers(1, 3)), drawn, draw(st.integers(0, 7)), draw(st.integers(1, 7))


def index_of(drawn: list[tuple[int, int]]) -> WindowIndex:
    systems, cutoffs = torch.tensor(drawn).T
    return WindowIndex(systems, cutoffs)


def series_of(lengths: list[int], channels: int, covariates: CovariateRows | None = None) -> Series:
    """Row t of channel c of system i is 1000 i + 100 c + t."""
    values = [1000.0 * i + 100 * c + np.arange(length)
              for i, length in enumerate(lengths) for c in range(channels)]  # fmt: skip
    offsets = np.cumsum([0, *np.repeat(lengths, channels)], dtype=np.int64)
    return Series.from_numpy(np.concatenate(values), offsets, channels, covariates)


@properties
@given(windows(), st.sets(st.integers(0, 20)))
def test_gather_takes_the_rows_of_every_channel_around_one_cutoff(
    case: tuple[list[int], int, list[tuple[int, int]], int, int], missing: set[int]
) -> None:
    lengths, channels, drawn, before, after = case
    series = series_of(lengths, channels)
    series.values.view(-1)[[row for row in missing if row < series.values.numel()]] = torch.nan
    there = set(series.values[~series.values.isnan()].tolist())
    assert len(series) == len(lengths)
    assert series.lengths.tolist() == lengths
    values, known = series.gather(index_of(drawn), before, after)
    assert values.shape == known.shape == (len(drawn), before + after, channels)
    for position, (i, cutoff) in enumerate(drawn):
        for c in range(channels):
            for column, t in enumerate(range(cutoff - before, cutoff + after)):
                value = 1000.0 * i + 100 * c + t
                is_there = 0 <= t < lengths[i] and value in there
                assert known[position, column, c] == is_there
                assert values[position, column, c] == (value if is_there else 0.0)


def covariate_rows(lengths: list[int], columns: int, past: tuple[int, ...]) -> CovariateRows:
    """Column k of row t of system i is 1000 i + 100 k + t + 1; static ones are negative."""
    parts = [
        1000.0 * i + 100 * np.arange(columns) + np.arange(1, length + 1)[:, None]
        for i, length in enumerate(lengths)
    ]
    offsets = torch.from_numpy(np.cumsum([0, *lengths], dtype=np.int64))
    static = -1.0 - torch.arange(2.0 * len(lengths)).reshape(-1, 2)
    rows = torch.from_numpy(np.concatenate(parts)).float()
    return CovariateRows(rows, offsets[:-1], offsets[1:], static, past)


@properties
@given(windows(), st.integers(0, 3), st.sets(st.integers(0, 2)), st.integers(0, 3))
def test_covariates_are_those_of_the_rows_and_past_ones_end_after_the_cutoff(
    case: tuple[list[int], int, list[tuple[int, int]], int, int],
    columns: int,
    past: set[int],
    beyond: int,
) -> None:
    lengths, _, drawn, before, after = case
    longer = [length + beyond for length in lengths]
    past = {column for column in past if column < columns}
    rows = covariate_rows(longer, columns, tuple(sorted(past)))
    told = rows.gather(index_of(drawn), before, after)
    assert told.shape == (len(drawn), before + after, columns + 2)
    for position, (i, cutoff) in enumerate(drawn):
        for column, t in enumerate(range(cutoff - before, cutoff + after)):
            for k in range(columns):
                # That of the row before is known for the first prediction, none for later ones.
                hidden = k in past and t > cutoff
                is_there = 0 <= t < longer[i] and not hidden
                expected = 1000.0 * i + 100 * k + t + 1 if is_there else 0.0
                assert told[position, column, k] == expected
            assert told[position, column, columns:].tolist() == rows.static[i].tolist()


def test_a_gather_leaves_the_covariates_alone() -> None:
    rows = covariate_rows([4], 2, (1,))
    before = rows.rows.clone()
    told = rows.gather(index_of([(0, 2)]), 2, 2)
    told += 1
    assert torch.equal(rows.rows, before)


def test_a_batch_holds_the_covariates_of_its_rows_and_each_channel_in_its_own_units() -> None:
    shape = WindowShape(longest_lag=2, context_length=4, horizon=3)
    series = series_of([12, 15], 2, covariate_rows([12, 15], 2, (1,)))
    series.values.copy_(series.values * 3)
    batch = series.batch(index_of([(1, 6), (0, 5)]), shape, window_norm=True)
    assert batch.values.shape == batch.known.shape == (2, 8, 2)
    # 4 rows of a line: its mean lies between the second and the third of them.
    line = (np.arange(8) - 2.5) / np.std(np.arange(4))
    np.testing.assert_allclose(by_series(batch.values), np.tile(line, (4, 1)), rtol=1e-5)
    assert batch.series.tolist() == [1, 0]
    assert batch.covariates is not None
    assert batch.covariates.shape == (2, 8, 4)
    assert batch.covariates[0, :, 0].tolist() == [1000.0 + t + 1 for t in range(1, 9)]
    assert batch.covariates[0, :, 1].tolist() == [*(1100.0 + t + 1 for t in range(1, 7)), 0, 0]


@properties
@given(st.integers(3, 9), st.integers(0, 99))
def test_a_window_does_not_depend_on_past_covariates_from_its_cutoff_on(
    cutoff: int, seed: int
) -> None:
    """Row t holds what the row before says, so the cutoff's own row is the last that is read."""
    shape = WindowShape(longest_lag=1, context_length=3, horizon=3)
    rows = covariate_rows([12], 2, (0, 1))
    series = series_of([12], 2, rows)
    before = series.batch(index_of([(0, cutoff)]), shape, window_norm=False).covariates
    rows.rows[cutoff + 1 :] = normal(11 - cutoff, 2, seed=seed).float()
    after = series.batch(index_of([(0, cutoff)]), shape, window_norm=False).covariates
    assert before is not None
    assert after is not None
    assert torch.equal(before, after)


def test_a_held_out_tail_is_that_of_all_channels_and_its_covariates_stay() -> None:
    series = series_of([8, 3], 2, covariate_rows([8, 3], 1, ()))
    shorter = series.without_tail(2)
    assert shorter.lengths.tolist() == [6, 3]
    _, known = shorter.gather(index_of([(0, 6)]), 1, 2)
    assert by_series(known).tolist() == [[True, False, False]] * 2
    told = shorter.covariates_at(index_of([(0, 6)]), 1, 2)
    assert told is not None
    assert told[0, :, 0].tolist() == [6, 7, 8]
    assert shorter.ends().cutoff.tolist() == [6, 3]
    assert shorter.ends().series.tolist() == [0, 1]


def test_series_move_to_a_device_with_their_covariates() -> None:
    series = series_of([4, 3], 2, covariate_rows([4, 3], 2, (1,))).to(torch.device("meta"))
    assert series.channels == 2
    assert series.values.is_meta
    assert series.covariates is not None
    assert series.covariates.past == (1,)
    for tensor in (series.covariates.rows, series.covariates.starts, series.covariates.static):
        assert tensor.is_meta
