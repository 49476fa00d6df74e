"""A network of several channels and covariates that begins as one that knows a channel alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tsgen.nn import Architecture, RecurrentNetwork, widened, with_categories

CELLS = ("lstm", "gru")
KINDS = [(cell, layers) for layers in (1, 2) for cell in CELLS]
CUT, ROWS = 6, 15


def network_of(cell: str, layers: int) -> RecurrentNetwork:
    torch.manual_seed(0)
    made_of = Architecture((1, 3, 6), cell=cell, hidden_size=5, num_layers=layers, residual_lag=3)
    network = made_of.network()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return network.eval()


def rows_of(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and flags, with holes."""
    random = torch.Generator().manual_seed(1)
    values = torch.randn(4, CUT + ROWS, channels, generator=random)
    known = (torch.rand(values.shape, generator=random) > 0.2).float()
    return values * known, known


def outputs_of(
    network: RecurrentNetwork,
    values: torch.Tensor,
    known: torch.Tensor,
    covariates: torch.Tensor | None = None,
) -> torch.Tensor:
    start = network.start(values[:, :CUT], known[:, :CUT])
    return network.read(start, values[:, CUT:], known[:, CUT:], covariates)[0].detach()


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(("cell", "layers"), KINDS)
def test_each_channel_is_predicted_as_by_the_network_of_one(
    cell: str, layers: int, channels: int
) -> None:
    network = network_of(cell, layers)
    to = replace(network.architecture, hidden_size=5 * channels, channels=channels)
    wide, (values, known) = widened(network, to.network()).eval(), rows_of(channels)
    assert wide.architecture == to
    alone = [
        outputs_of(network, values[..., [channel]], known[..., [channel]])
        for channel in range(channels)
    ]
    torch.testing.assert_close(outputs_of(wide, values, known), torch.cat(alone, dim=2))


@pytest.mark.parametrize("channels", [2, 1])
@pytest.mark.parametrize(("cell", "layers"), KINDS)
def test_covariates_say_nothing_at_first_and_can_be_learned(
    cell: str, layers: int, channels: int
) -> None:
    network = network_of(cell, layers)
    to = replace(
        network.architecture,
        hidden_size=5 * channels,
        channels=channels,
        covariates=2,
        categories={1: 4},
    )
    wide, (values, known) = widened(network, to.network()).eval(), rows_of(channels)
    random = torch.Generator().manual_seed(2)
    first, other = (torch.randint(0, 4, (4, ROWS, 2), generator=random).float() for _ in range(2))
    outputs = outputs_of(wide, values, known, first)
    assert torch.equal(outputs, outputs_of(wide, values, known, other))
    alone = outputs_of(network, values[..., [0]], known[..., [0]])
    torch.testing.assert_close(outputs[..., [0]], alone)

    start = wide.start(values[:, :CUT], known[:, :CUT])
    wide.read(start, values[:, CUT:], known[:, CUT:], first)[0].square().sum().backward()
    gradient = wide.recurrent.weight_ih_l0.grad
    unused = wide.recurrent.weight_ih_l0 == 0
    assert gradient is not None
    assert (gradient[unused] != 0).float().mean() > 0.9


@pytest.mark.parametrize("cell", CELLS)
def test_the_network_that_is_widened_stays_as_it_is(cell: str) -> None:
    network = network_of(cell, 1)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    wide = widened(network, replace(network.architecture, hidden_size=10, channels=2).network())
    with torch.no_grad():
        for weight in wide.parameters():
            weight.fill_(9.0)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, before[name])


def test_another_architecture_is_refused() -> None:
    network = network_of("lstm", 1)
    for other in ({"lags": (1, 3, 7)}, {"num_layers": 2}, {"cell": "gru"}, {"residual_lag": 1}):
        drawn = replace(network.architecture, **other).network()
        with pytest.raises(AssertionError):
            widened(network, drawn)


# ------------------------------------------------------------------------------- more categories

CATEGORIES = Architecture(
    (1, 3), hidden_size=5, residual_lag=3, covariates=3, categories={0: 3, 2: 2}
)


def drawn_of(architecture: Architecture, seed: int = 0) -> RecurrentNetwork:
    network = architecture.network()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3, generator=torch.Generator().manual_seed(seed))
    return network.eval()


def outputs_at(network: RecurrentNetwork, *numbers: int) -> torch.Tensor:
    """Where all rows are of some categories."""
    values, known = rows_of(1)
    covariates = torch.tensor(numbers, dtype=torch.float32).expand(4, ROWS, -1)
    return outputs_of(network, values, known, covariates)


@pytest.mark.parametrize("more", [{0: 3, 2: 2}, {0: 4, 2: 2}, {0: 9, 2: 40}])
@pytest.mark.parametrize("cell", CELLS)
def test_known_categories_say_what_they_did_and_new_ones_what_unknown_ones_did(
    more: dict[int, int], cell: str
) -> None:
    before = drawn_of(replace(CATEGORIES, cell=cell))
    drawn = drawn_of(replace(CATEGORIES, cell=cell, categories=more), seed=1)
    after = with_categories(before, drawn, {0: 3, 2: 2})
    for first in range(more[0] + 1):
        for second in (0, 1, 2, more[2]):
            known = (first if first <= 3 else 0, 1, second if second <= 2 else 0)
            torch.testing.assert_close(
                outputs_at(after, first, 1, second), outputs_at(before, *known)
            )


def test_a_column_without_any_category_before() -> None:
    one = replace(CATEGORIES, covariates=1)
    before = drawn_of(replace(one, categories={0: 1}))
    drawn = drawn_of(replace(one, categories={0: 2}), seed=1)
    after = with_categories(before, drawn, {0: 0})
    for number in (0, 1, 2):
        torch.testing.assert_close(outputs_at(after, number), outputs_at(before, 0))


def test_longer_vectors_can_be_learned() -> None:
    one = replace(CATEGORIES, covariates=1)
    before = drawn_of(replace(one, categories={0: 2}))
    after = with_categories(before, drawn_of(replace(one, categories={0: 8}), seed=1), {0: 2})
    values, known = rows_of(1)
    start = after.start(values[:, :CUT], known[:, :CUT])
    covariates = torch.full((4, ROWS, 1), 5.0)
    after.read(start, values[:, CUT:], known[:, CUT:], covariates)[0].square().sum().backward()
    gradient = after.recurrent.weight_ih_l0.grad
    assert gradient is not None
    assert (gradient[:, -3:] != 0).any()
