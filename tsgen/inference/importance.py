"""What a closed loop goes by: how much worse it gets when one of its inputs says nothing.

Permutation importance [1]_: an input's values are exchanged between windows, which keeps what they
look like and takes away what they tell, in the context as in every step of the rollout.

References
----------
.. [1] Fisher, Rudin, Dominici: All Models are Wrong, but Many are Useful. JMLR 20, 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tsgen._typing import FloatArray
from tsgen.data import Panel
from tsgen.generation import Feedback, fill_holes, rollout
from tsgen.inference.fitted import FittedModel
from tsgen.nn import AutoregressiveNetwork, EncoderDecoderNetwork, RecurrentNetwork
from tsgen.preprocessing import WindowBatch

__all__ = [
    "Importance",
    "InputGroup",
    "importance_table",
    "input_groups",
    "permutation_importance",
]


@dataclass(frozen=True)
class InputGroup:
    """Inputs that tell of one thing.

    Attributes
    ----------
    name : str
    lagged : tuple of int
        Inputs made of values.
    encoded : tuple of int
        Those of an encoder.
    covariates : tuple of int
        Columns of covariates.
    """

    name: str
    lagged: tuple[int, ...] = ()
    encoded: tuple[int, ...] = ()
    covariates: tuple[int, ...] = ()


class Importance(NamedTuple):
    """What exchanging a group's values did to the error."""

    name: str
    increase: float
    """Of the mean absolute error, as a share of what it was: 0.5 is half as much again. Where a
    model has several members, their mean."""
    spread: float
    """Standard deviation over the repetitions, and the members."""


def importance_table(found: Sequence[Importance]) -> pd.DataFrame:
    """``input``, ``importance`` and ``spread``, the most important first."""
    frame = pd.DataFrame(found).rename(columns={"name": "input", "increase": "importance"})
    return frame.sort_values("importance", ascending=False, ignore_index=True)


def input_groups(model: FittedModel, panel: Panel) -> list[InputGroup]:
    """The lags of each channel, and each covariate; a sine and its cosine are one.

    What an encoder reads of a channel is one, too.
    """
    channels, count = model.channels, len(model.lags)
    names = [""] * channels
    if channels > 1:
        names = [f"{_label(panel, channel)}, " for channel in range(channels)]
    groups = [
        InputGroup(
            f"{names[channel]}lag {lag}",
            lagged=(position * channels + channel, (count + position) * channels + channel),
        )
        for channel in range(channels)
        for position, lag in enumerate(model.lags)
    ]
    if isinstance(model.network, EncoderDecoderNetwork):
        count = model.network.encoded_values
        groups += [
            InputGroup(f"{names[channel]}context", encoded=tuple(range(channel, count, channels)))
            for channel in range(channels)
        ]
    if model.units.covariate_scaler is None:
        return groups
    columns: dict[str, list[int]] = {}
    for item in model.units.covariate_scaler.schema:
        name = item.name
        if item.role == "cycle":
            name = name.removesuffix("_sin").removesuffix("_cos")
        columns.setdefault(name, []).extend(model.units.covariate_scaler.columns_of(item.name))
    return groups + [InputGroup(name, covariates=tuple(found)) for name, found in columns.items()]


def _label(panel: Panel, channel: int) -> str:
    """What a channel of the first system is called."""
    label = panel.ids[channel]
    if not isinstance(label, tuple):
        return str(label)
    return str(
        label[0] if label[1] == panel.columns.target and panel.layout.shares_end else label[1]
    )


def _without_holes(network: AutoregressiveNetwork, batch: WindowBatch) -> WindowBatch:
    """Windows whose contexts have the model's own predictions in their holes, as in a forecast."""
    if network.masks_holes:
        return batch
    context = slice(network.longest_lag, batch.cutoff)
    start = network.start(batch.values, batch.known)
    filled, begun = fill_holes(network, start, *batch.rows(context))
    values, known = batch.values.clone(), batch.known.clone()
    values[:, context], known[:, context] = filled, begun
    return replace(batch, values=values, known=known)


def _exchanging(network: RecurrentNetwork, group: InputGroup, order: Tensor) -> RecurrentNetwork:
    """The network, which sees one group's values of other windows in the place of its own."""
    exchanging = copy(network)  # the same weights

    def exchanged(rows: Tensor, columns: tuple[int, ...]) -> Tensor:
        if columns:
            rows = rows.clone()
            rows[:, :, list(columns)] = rows[order][:, :, list(columns)]
        return rows

    def instead_of(
        inputs: Callable[..., Tensor], columns: tuple[int, ...]
    ) -> Callable[..., Tensor]:
        def seen(values: Tensor, known: Tensor, *others: Any) -> Tensor:
            *steps, covariates = others
            if covariates is not None:
                covariates = exchanged(covariates, group.covariates)
            return exchanged(inputs(values, known, *steps, covariates), columns)

        return seen

    vars(exchanging)["inputs"] = instead_of(network.inputs, group.lagged)
    if isinstance(network, EncoderDecoderNetwork):
        vars(exchanging)["encoder_inputs"] = instead_of(network.encoder_inputs, group.encoded)
    return exchanging


@torch.inference_mode()
def permutation_importance(
    model: FittedModel,
    batch: WindowBatch,
    groups: Sequence[InputGroup],
    *,
    repeats: int,
    seed: int,
) -> list[Importance]:
    """Measure each group on some windows, in closed loop after their contexts.

    Parameters
    ----------
    model : FittedModel
    batch : WindowBatch
    groups : sequence of InputGroup
    repeats : int
        Exchanges of each group, whose mean counts.
    seed : int
    """
    random = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(batch), generator=random) for _ in range(len(groups) * repeats)]
    increases = np.stack([_increases(network, batch, groups, orders) for network in model.networks])
    return [
        Importance(group.name, float(found.mean()), float(found.std()))
        for group, found in zip(groups, np.moveaxis(increases, 1, 0), strict=True)
    ]


def _increases(
    network: RecurrentNetwork,
    batch: WindowBatch,
    groups: Sequence[InputGroup],
    orders: Sequence[Tensor],
) -> FloatArray:
    """By how much the error grows for each group and repetition, (groups, repetitions)."""
    batch = _without_holes(network, batch)
    before = _error(network, batch)
    repeated = [group for group in groups for _ in range(len(orders) // len(groups))]
    errors = [
        _error(_exchanging(network, group, order), batch)
        for group, order in zip(repeated, orders, strict=True)
    ]
    return np.array(errors).reshape(len(groups), -1) / max(before, 1e-12) - 1


def _error(network: AutoregressiveNetwork, batch: WindowBatch) -> float:
    """The mean absolute error of a rollout after the contexts of some windows."""
    truth, counted, covariates = batch.rows(slice(batch.cutoff, None))
    _, state = network.read_context(*batch.rows(slice(None, batch.cutoff)))
    path = rollout(network, state, batch.horizon, Feedback(covariates=covariates)).path
    errors = (path - truth).abs() * counted
    return float(errors.sum() / counted.sum().clamp(min=1.0))
