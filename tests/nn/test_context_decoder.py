"""The encoder–decoder of numbers reads contexts with holes, and its decoder steps as it reads."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from tsgen.generation import Feedback, closed_loop, dispatch, run
from tsgen.nn import (
    AttentionKind,
    DecoderState,
    EncoderDecoderArchitecture,
    EncoderDecoderNetwork,
    filled_from_lag,
    with_categories,
)

ATTENTIONS = [*get_args(AttentionKind), None]
B, T, C, D, H = 3, 16, 2, 3, 5
LAGS = (1, 4, 6)


def network_of(**settings: object) -> EncoderDecoderNetwork:
    plan: dict[str, object] = {
        "lags": LAGS, "residual_lag": 4, "hidden_size": 8, "channels": C, "covariates": D,
    }  # fmt: skip
    network = EncoderDecoderArchitecture(**plan | settings).network()  # type: ignore[arg-type]
    network.reset_parameters(torch.Generator().manual_seed(0))
    torch.nn.init.normal_(network.head.weight, generator=torch.Generator().manual_seed(1))
    return network.double().eval()


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def context() -> tuple[Tensor, Tensor, Tensor]:
    rows = max(LAGS) - 1 + T
    return drawn(2, B, rows, C), torch.ones(B, rows, C, dtype=torch.float64), drawn(3, B, rows, D)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_reading_is_stepping_row_by_row(cell: str, attention: AttentionKind | None) -> None:
    network = network_of(cell=cell, attention=attention, bidirectional=True, num_layers=2)
    state = network.encode_context(*context())
    values, covariates = drawn(4, B, H, C), drawn(5, B, H, D)
    outputs, after = network.read(state, values, torch.ones_like(values), covariates)
    here, stepped = state, []
    for step in range(H):
        one, here = network.step(here, covariates[:, step, None])
        here = here.fed(values[:, step, None])
        stepped.append(one)
    torch.testing.assert_close(torch.cat(stepped, dim=1), outputs)
    torch.testing.assert_close(here.recurrent, after.recurrent)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_forecast_is_the_loop_that_training_differentiates(
    attention: AttentionKind | None,
) -> None:
    network = network_of(attention=attention)
    covariates = drawn(5, B, H, D)
    state = network.encode_context(*context())
    path = closed_loop(network, state, H, covariates)
    again = run(network, state, H, Feedback(covariates=covariates)).path
    torch.testing.assert_close(path, again)
    path.sum().backward()
    weights = dict(network.named_parameters())
    assert all(w.grad is not None for name, w in weights.items() if "reverse" not in name)


def test_it_begins_at_the_residual_base() -> None:
    network = network_of()
    torch.nn.init.zeros_(network.head.weight)
    values, known, covariates = context()
    state = network.encode_context(values, known, covariates)
    path = closed_loop(network, state, 4, drawn(5, B, 4, D))
    torch.testing.assert_close(path, values[:, -4:])


def test_missing_rows_are_not_attended_to_and_say_nothing() -> None:
    network = network_of(attention="dot")
    values, known, covariates = context()
    known[:, 10] = 0
    known[0, :8] = 0  # begins later
    state = network.encode_context(values * known, known, covariates)
    other = network.encode_context(torch.where(known > 0, values, 7.0), known, covariates)
    path = drawn(4, B, H, C)
    weights = network.attention_of(state, path, drawn(5, B, H, D))
    assert (weights[:, :, 10 - max(LAGS) + 1] == 0).all()
    assert (weights[0, :, : 8 - max(LAGS) + 1] == 0).all()
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(B, H, dtype=torch.float64))
    torch.testing.assert_close(other.values[1:], state.values[1:])
    assert torch.isfinite(network.read_context(values * known, known, covariates)[0][:, -4:]).all()


def test_a_context_of_which_nothing_is_known_is_read() -> None:
    network = network_of()
    values, known, covariates = context()
    state = network.encode_context(values * 0, known * 0, covariates)
    assert torch.isfinite(network.step(state, covariates[:, :1])[0]).all()


def test_the_last_quarter_of_a_context_is_predicted_from_the_rows_before() -> None:
    network = network_of()
    values, known, covariates = context()
    outputs, _ = network.read_context(values, known, covariates)
    assert outputs.shape == (B, T - 1, C)
    steps = T // 4
    assert outputs[:, :-steps].isnan().all()
    assert torch.isfinite(outputs[:, -steps:]).all()
    moved = values.clone()
    moved[:, -1] += 1.0  # the last row is predicted, and not read before
    torch.testing.assert_close(
        network.read_context(moved, known, covariates)[0][:, -steps:], outputs[:, -steps:]
    )
    assert len(network.read_context(values[:, :6], known[:, :6], covariates[:, :6])[1]) == B


def test_rows_of_a_state_are_loops_of_their_own() -> None:
    network = network_of(attention="multiplicative")
    state = network.encode_context(*context())
    path = closed_loop(network, state, H, drawn(5, B, H, D))
    some = torch.tensor([2, 0, 0])
    again = closed_loop(network, state.take(some), H, drawn(5, B, H, D)[some])
    torch.testing.assert_close(again, path[some])
    beams = closed_loop(network, state.beams(2), H, drawn(5, B, H, D).repeat_interleave(2, dim=0))
    torch.testing.assert_close(beams[1::2], path)


@pytest.mark.parametrize("width", [2, 3, 8])
def test_blocks_of_paths_share_what_is_attended_to(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = network_of()
    state = network.encode_context(*context()).beams(width)
    feedback = Feedback(drawn(6, B * width, H, C), covariates=drawn(5, B * width, H, D))
    whole = run(network, state, H, feedback)
    monkeypatch.setattr(dispatch, "ROWS_AT_ONCE", 5)
    blocks = run(network, state, H, feedback)
    torch.testing.assert_close(blocks.path, whole.path)
    assert isinstance(blocks.state, DecoderState)
    assert blocks.state.memory is state.memory
    torch.testing.assert_close(
        run(network, blocks.state, H, feedback).path, run(network, whole.state, H, feedback).path
    )


def test_more_categories_leave_the_known_ones_as_they_were() -> None:
    def of(count: int) -> EncoderDecoderNetwork:
        network = network_of(categories={2: count}, bidirectional=True)
        return network

    before, after = of(4), of(9)
    values, known, covariates = context()
    covariates[:, :, 2] = 2.0
    ahead = covariates[:, :H]
    expected = closed_loop(before, before.encode_context(values, known, covariates), H, ahead)
    more = with_categories(before, after, {2: 4})
    found = closed_loop(more, more.encode_context(values, known, covariates), H, ahead)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("lag", [1, 2, 3, 5])
def test_holes_take_the_last_known_row_of_their_phase(lag: int) -> None:
    values = drawn(1, 2, 11, C)
    known = (drawn(2, 2, 11, C) > 0.3).to(values.dtype)
    filled, begun = filled_from_lag(values * known, known, lag)
    for row in range(2):
        for channel in range(C):
            for t in range(11):
                there = [s for s in range(t + 1) if known[row, s, channel] > 0]
                assert bool(begun[row, t, channel]) == bool(there)
                if not there:
                    continue
                phase = [s for s in there if (t - s) % lag == 0]
                if phase:
                    assert filled[row, t, channel] == values[row, phase[-1], channel]
