"""One network for every season: at one of them it is a network of that season."""

from __future__ import annotations

import math

import pytest
import torch

from tsgen.generation import closed_loop, run
from tsgen.nn import (
    RecurrentNetwork,
    RecurrentState,
    Season,
    at_season,
    seasonal_architecture,
    sharing_weights,
)

SEASONS = [
    Season(1),
    Season(4),
    Season(12),
    Season(24, 168),
    Season(2),
    Season(52),
]


def network_of(layers: int = 1, cell: str = "lstm") -> RecurrentNetwork:
    """Of weights so large that nothing goes unnoticed."""
    torch.manual_seed(0)
    network = seasonal_architecture(8, layers, cell).network()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return network.eval()


def rows_of(season: Season, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and flags; of the rows before the context some are missing."""
    before = max(season.lags)
    random = torch.Generator().manual_seed(1)
    values = torch.randn(3, before + rows, 1, generator=random)
    known = torch.ones_like(values)
    known[:, : before // 2] = 0
    return values * known, known


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("season", SEASONS, ids=lambda season: str(season.lags))
def test_a_network_at_a_season_is_the_shared_one_that_is_told_of_it(
    season: Season, layers: int
) -> None:
    network = network_of(layers)
    shared, own = sharing_weights(network, season), at_season(network, season)
    (values, known), cut = rows_of(season, 20), max(season.lags)
    told = season.constants

    def read(
        reader: RecurrentNetwork, constants: torch.Tensor | None
    ) -> tuple[torch.Tensor, RecurrentState]:
        start = reader.start(values[:, :cut], known[:, :cut])
        return reader.read(start, values[:, cut:], known[:, cut:], constants)

    expected, shared_state = read(shared, told.expand(3, 20, 2))
    outputs, state = read(own, None)
    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-5)
    expected = closed_loop(shared, shared_state, 9, told.expand(3, 9, 2))
    torch.testing.assert_close(run(own, state, 9).path, expected, rtol=0, atol=1e-5)


def test_lags_by_role() -> None:
    assert Season(24, 168).lags == (1, 24, 48, 168, 192)
    assert Season(12).lags == (1, 12, 24, 36, 48)
    assert Season(1).lags == (1, 1, 2, 3, 4)
    lags = [at_season(network_of(), season).lags for season in SEASONS[:5]]
    assert lags == [
        (1, 2, 3, 4),
        (1, 4, 8, 12, 16),
        (1, 12, 24, 36, 48),
        (1, 24, 48, 168, 192),
        (1, 2, 4, 6, 8),
    ]


def test_outputs_are_added_to_the_row_a_season_ago_or_of_weeks_to_the_last_row() -> None:
    assert [season.base for season in SEASONS] == [1, 4, 12, 24, 2, 1]
    network = network_of()
    for weight in network.parameters():
        torch.nn.init.zeros_(weight)
    for season in SEASONS:
        values, known = rows_of(season, 20)
        own, cut = at_season(network, season), max(season.lags)
        outputs, _ = own.read(own.start(values, known), values[:, cut:], known[:, cut:])
        before = cut - season.base
        torch.testing.assert_close(outputs, values[:, before : before + 20])


def test_what_the_network_is_told() -> None:
    twelve, weekly = Season(12), Season(24, 168)
    close = torch.testing.assert_close
    close(twelve.constants, torch.tensor([math.log(12) / 3, math.log(3) / 3]))
    close(weekly.constants, torch.tensor([math.log(24) / 3, math.log(7) / 3]))
    assert Season(1).constants[0] == 0


def test_shared_weights_are_the_same_and_those_of_a_season_its_own() -> None:
    network = network_of()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    shared, own = sharing_weights(network, Season(7)), at_season(network, Season(7))
    assert all(a is b for a, b in zip(network.parameters(), shared.parameters(), strict=True))
    with torch.no_grad():
        for weight in own.parameters():
            weight.fill_(9.0)
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(weight, before[name])
    assert network.lags == Season(12).lags
