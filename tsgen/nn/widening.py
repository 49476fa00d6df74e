"""More inputs and outputs for a network that has learned, which says at first what it did.

What is new has weights of 0. Of several channels each runs the units of
the one that was learned, beside those of the others, until training connects them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from tsgen.nn.encoder_decoder import Seq2SeqNetwork
from tsgen.nn.recurrent import RecurrentNetwork
from tsgen.nn.symbolic import SymbolArchitecture, SymbolNetwork

__all__ = ["widened", "with_categories", "with_more_pairs", "with_more_symbols"]

N = TypeVar("N", bound=SymbolNetwork)

_OF_SYMBOLS = "vectors", "readout", "bias"
"""The weights that have a row for each symbol."""


def widened(network: RecurrentNetwork, drawn: RecurrentNetwork) -> RecurrentNetwork:
    """A network of C channels and D covariates that predicts of each what one of a channel does.

    Parameters
    ----------
    network : RecurrentNetwork
        Of one channel, without covariates.
    drawn : RecurrentNetwork
        With C times the units; cell, layers, lags and residual lag are the same. Its weights are
        replaced, but for the vectors of categories, which nothing reads at first.
    """
    one, to = network.architecture, drawn.architecture
    channels = to.channels
    assert one == replace(
        to,
        hidden_size=one.hidden_size,
        channels=1,
        covariates=0,
        categories={},
        dropout=one.dropout,
    )
    weights = drawn.state_dict()
    learned = network.state_dict()
    # Torch stacks the weights of all gates: h rows of each, which become C times h.
    gates = len(learned["recurrent.weight_hh_l0"]) // one.hidden_size
    for name, weight in learned.items():
        if name.startswith("recurrent.bias"):
            weights[name] = weight.view(gates, 1, -1).repeat(1, channels, 1).flatten()
        elif name == "recurrent.weight_ih_l0":
            # Inputs are in the order of `lag_inputs`, channels last; those of covariates come after
            # them, and have weights of 0.
            known = _block_diagonal(weight, gates, weight.shape[1], channels)
            weights[name] = torch.zeros_like(weights[name])
            weights[name][:, : known.shape[1]] = known
        elif name.startswith("recurrent.weight"):
            weights[name] = _block_diagonal(weight, gates, 1, channels)
        elif name == "head.weight":
            weights[name] = _block_diagonal(weight, 1, 1, channels)
        elif name == "head.bias":
            weights[name] = weight.repeat(channels)
    drawn.load_state_dict(weights)
    return drawn


def _block_diagonal(weight: Tensor, gates: int, inputs: int, channels: int) -> Tensor:
    """Weights of C channels, each of which has those that are given and sees nothing of others.

    Rows come gate by gate (``g``), the h units of a gate channel by channel; columns likewise:
    input by input (``i``), the n numbers of an input channel by channel.
    """
    blocks = weight.unflatten(0, (gates, -1)).unflatten(2, (inputs, -1))
    of_itself = torch.eye(channels, dtype=weight.dtype)
    wide = torch.einsum("ghin,cd->gchidn", blocks, of_itself)
    return wide.reshape(gates * channels * blocks.shape[1], -1)


def with_categories(
    network: RecurrentNetwork, drawn: RecurrentNetwork, known: Mapping[int, int]
) -> RecurrentNetwork:
    """A network with more categories, which says what one with fewer does.

    The first categories of each column keep their vectors, and the others begin at the mean of
    these. Where vectors are longer, the numbers that come after the learned ones are read with
    weights of 0, and are what was drawn, since training could move nothing if both were 0.

    Parameters
    ----------
    network : RecurrentNetwork
    drawn : RecurrentNetwork
        The same but for the number of categories, and for dropout; its weights are replaced.
    known : mapping of int to int
        Of each column of categories, how many the network has seen; a column of which it has seen
        none has a vector for those that it doesn't know.
    """
    weights = {name: weight.detach().clone() for name, weight in network.state_dict().items()}
    narrow, wide = network.covariates, drawn.covariates
    sizes = [narrow.vectors[str(column)].shape[1] for column in narrow.categories]
    more = [wide.vectors[str(column)].shape[1] for column in narrow.categories]
    for column in narrow.categories:
        learned = narrow.vectors[str(column)].detach()
        vectors = wide.vectors[str(column)].detach().clone()
        vectors[:, : learned.shape[1]] = learned.mean(dim=0)
        vectors[: known[column], : learned.shape[1]] = learned[: known[column]]
        weights[f"covariates.vectors.{column}"] = vectors
    for name, behind in network.covariate_readers.items():
        before = weights[name].shape[1] - sum(sizes) - behind
        numbers, *blocks, others = weights[name].split([before, *sizes, behind], dim=1)
        blocks = [
            nn.functional.pad(block, (0, new - block.shape[1]))
            for block, new in zip(blocks, more, strict=True)
        ]
        weights[name] = torch.cat([numbers, *blocks, others], dim=1)
    drawn.load_state_dict(weights)
    return drawn


def with_more_symbols(network: SymbolNetwork, known: int, new: int) -> SymbolNetwork:
    """A copy of a network with more symbols, whose vectors and scores begin at the mean of others.

    Parameters
    ----------
    network : SymbolNetwork
    known : int
        The first codes, which are those of symbols that it knows; the new ones come after them.
    new : int
        How many there are.
    """
    count = network.architecture.symbols + new
    longer = dict.fromkeys(_OF_SYMBOLS, (known, new))
    return _with_longer_tables(network, replace(network.architecture, symbols=count), longer)


def with_more_pairs(
    network: Seq2SeqNetwork, *, source: tuple[int, int], target: tuple[int, int]
) -> Seq2SeqNetwork:
    """The same for a network of pairs: the known and the new symbols of both."""
    made_of = network.architecture
    architecture = replace(
        made_of,
        source_symbols=made_of.source_symbols + source[1],
        symbols=made_of.symbols + target[1],
    )
    longer = dict.fromkeys(_OF_SYMBOLS, target) | {"source_vectors": source}
    return _with_longer_tables(network, architecture, longer)


def _with_longer_tables(
    network: N, architecture: SymbolArchitecture, longer: Mapping[str, tuple[int, int]]
) -> N:
    """A copy in which some tables, by name, have new rows after those of known symbols."""
    with torch.device("meta"):  # which draws nothing
        more = type(network)(architecture)
    weights = {name: weight.detach().clone() for name, weight in network.state_dict().items()}
    for name in weights.keys() & longer.keys():
        table, (known, new) = weights[name], longer[name]
        mean = table[:known].mean(dim=0, keepdim=True)
        parts = (table[:known], mean.expand(new, *table.shape[1:]), table[known:])
        weights[name] = torch.cat(parts)
    more.load_state_dict(weights, assign=True)
    return more
