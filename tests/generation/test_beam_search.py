"""Beam search against all sequences that there are."""

from __future__ import annotations

import math
from itertools import product
from typing import get_args

import pytest
import torch

from tsgen.generation import Beams, BeamSearch, Stopping, beam_search
from tsgen.nn import Cell, RolloutState, SymbolArchitecture, SymbolNetwork

V, H = 4, 4


def network_of(seed: int = 0, cell: Cell = "lstm", layers: int = 1) -> SymbolNetwork:
    torch.manual_seed(seed)
    network = SymbolArchitecture(V, cell, hidden_size=6, num_layers=layers).network().eval()
    with torch.no_grad():
        network.readout.normal_(std=3.0)
    return network


@torch.no_grad()
def sequences(
    network: SymbolNetwork, state: RolloutState, penalty: float, stopping: Stopping | None
) -> list[tuple[float, tuple[int, ...]]]:
    """All sequences of up to H symbols with their scores, the best first."""
    found: dict[tuple[int, ...], float] = {}
    for path in product(range(V), repeat=H):
        here, total, taken = state, 0.0, []
        for code in path:
            scores, here = network.step(here)
            total += float(scores[0, 0].log_softmax(dim=0)[code])
            taken.append(code)
            if stopping is not None and bool(stopping.ends[code]):
                break
            here = here.fed(torch.tensor([[[float(code)]]]))
        found[tuple(taken)] = total / len(taken) ** penalty
    return sorted(((score, path) for path, score in found.items()), reverse=True)


def listed(beams: Beams, row: int) -> list[tuple[float, tuple[int, ...]]]:
    return [
        (float(score), tuple(path[: int(steps)].tolist()))
        for path, steps, score in zip(
            beams.path[row], beams.steps[row], beams.scores[row], strict=True
        )
        if math.isfinite(score)
    ]


@pytest.mark.parametrize("penalty", [1.0, 0.0, 2.0, -1.0])
@pytest.mark.parametrize("stops", ["nowhere", "somewhere"])
def test_a_wide_search_finds_the_best_of_all(stops: str, penalty: float) -> None:
    network = network_of()
    stopping = None if stops == "nowhere" else Stopping(torch.arange(V) == 1, stop=3)
    codes = torch.tensor([[[0.0]], [[2.0]]])
    with torch.no_grad():
        _, state = network.read(network.begin(2), codes, torch.ones_like(codes))
    found = beam_search(network, state, H, BeamSearch(V**H, penalty), stopping)
    for row in range(2):
        expected = sequences(network, state.take(torch.tensor([row])), penalty, stopping)
        own = listed(found, row)
        best = expected[: len(own)] if stopping is not None else expected
        assert [path for _, path in own[:10]] == [path for _, path in best[:10]]
        assert own[0][0] == pytest.approx(expected[0][0], abs=1e-5)


@torch.no_grad()
def searched(
    network: SymbolNetwork, state: RolloutState, horizon: int, search: BeamSearch, ends: set[int]
) -> list[tuple[float, tuple[int, ...]]]:
    """The search of one sequence as it is defined, all paths copied at every step."""
    going: list[tuple[float, tuple[int, ...], RolloutState]] = [(0.0, (), state)]
    found: list[tuple[float, tuple[int, ...]]] = []

    def best(paths: list[tuple[float, tuple[int, ...]]]) -> list[tuple[float, tuple[int, ...]]]:
        scored = [(total / len(path) ** search.length_penalty, path) for total, path in paths]
        return sorted(found + scored, reverse=True)[: search.width]

    for steps in range(1, horizon + 1):
        longer = []
        for total, path, here in going:
            scores, after = network.step(here)
            for code, likely in enumerate(scores[0, 0].log_softmax(dim=0).tolist()):
                if code not in search.never:
                    fed = after.fed(torch.tensor([[[float(code)]]]))
                    longer.append((total + likely, (*path, code), fed))
        longer.sort(key=lambda each: -each[0])
        ended = [each[:2] for each in longer if each[1][-1] in ends]
        going = [each for each in longer if each[1][-1] not in ends][: search.width]
        found = best(ended[: search.width])
        if len(found) == search.width and steps < horizon:
            reachable = going[0][0] / (steps + 1) ** search.length_penalty
            if found[-1][0] >= reachable:
                return found
    return best([each[:2] for each in going])


@pytest.mark.parametrize("blocks", ["one", "several"])
@pytest.mark.parametrize("penalty", [1.0, 0.0, 2.5])
@pytest.mark.parametrize("width", [3, 1, 7])
@pytest.mark.parametrize("stops", ["somewhere", "nowhere"])
def test_the_search_is_its_definition(
    stops: str, width: int, penalty: float, blocks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if blocks == "several":
        monkeypatch.setattr("tsgen.generation.dispatch._SCORES_AT_ONCE", 2 * width * V)
    network, search = network_of(width), BeamSearch(width, penalty, never=(2,))
    ends = {1, 3} if stops == "somewhere" else set()
    stopping = Stopping(torch.arange(V) == 1, stop=3) if ends else None
    codes = torch.arange(3.0)[:, None, None]
    with torch.no_grad():
        _, state = network.read(network.begin(3), codes, torch.ones_like(codes))
    found = beam_search(network, state, 9, search, stopping)
    for row in range(3):
        expected = searched(network, state.take(torch.tensor([row])), 9, search, ends)
        own = listed(found, row)
        assert [path for _, path in own] == [path for _, path in expected]
        assert [score for score, _ in own] == pytest.approx(
            [score for score, _ in expected], abs=1e-4
        )
        if width > 1:
            lengths = found.steps[row]
            behind = torch.arange(9) >= lengths[:, None]
            assert not found.path[row][behind & found.scores[row].isfinite()[:, None]].any()


@pytest.mark.parametrize("layers", [2, 1])
@pytest.mark.parametrize("cell", get_args(Cell))
def test_states_go_with_their_beams(cell: Cell, layers: int) -> None:
    network, search = network_of(1, cell, layers), BeamSearch(3)
    found = listed(beam_search(network, network.begin(1), 9, search), 0)
    expected = searched(network, network.begin(1), 9, search, set())
    assert [path for _, path in found] == [path for _, path in expected]


def test_a_search_without_sequences_that_end_is_one_without_stopping() -> None:
    network, nothing = network_of(), Stopping(torch.zeros(V, dtype=torch.bool))
    ended = beam_search(network, network.begin(2), 7, BeamSearch(3), nothing)
    assert torch.equal(ended.path, beam_search(network, network.begin(2), 7, BeamSearch(3)).path)


def test_a_beam_wider_than_what_there_is_has_no_more() -> None:
    network = network_of()
    found = beam_search(network, network.begin(1), 1, BeamSearch(10))
    assert int(found.scores.isfinite().sum()) == V
    assert found.path.shape == (1, 10, 1)


def test_one_beam_takes_the_likeliest_symbols() -> None:
    network = network_of()
    found = beam_search(network, network.begin(1), 20, BeamSearch(1))
    here, greedy = network.begin(1), []
    for _ in range(20):
        scores, here = network.step(here)
        greedy.append(int(scores.argmax()))
        here = here.fed(torch.tensor([[[float(greedy[-1])]]]))
    assert found.path[0, 0].tolist() == greedy


def test_wider_is_never_worse_and_rows_do_not_depend_on_their_company() -> None:
    network = network_of(3)
    stopping = Stopping(torch.zeros(V, dtype=torch.bool), stop=3)
    codes = torch.arange(3.0)[:, None, None]
    with torch.no_grad():
        _, state = network.read(network.begin(3), codes, torch.ones_like(codes))
    together = beam_search(network, state, 12, BeamSearch(8, 0.0), stopping)
    narrow = beam_search(network, state, 12, BeamSearch(1, 0.0), stopping)
    assert (together.scores[:, 0] >= narrow.scores[:, 0] - 1e-5).all()
    for row in range(3):
        alone = beam_search(
            network, state.take(torch.tensor([row])), 12, BeamSearch(8, 0.0), stopping
        )
        assert listed(alone, 0)[0][1] == listed(together, row)[0][1]


def test_what_never_comes_and_what_is_given() -> None:
    network = network_of()
    given = torch.full((1, H), torch.nan)
    given[0, 2] = 0.0
    found = beam_search(network, network.begin(1), H, BeamSearch(300, never=(1,)), given=given)
    there = found.path[0, found.scores[0].isfinite()]
    assert len(there) == 3**3
    assert (there[:, 2] == 0).all()
    assert not (there == 1).any()
