"""What a closed loop goes by: how much worse it gets when one of its inputs says nothing.

Permutation importance [1]_: an input's values are exchanged between windows, which keeps what they
look like and takes away what they tell, in the context as in every step of the rollout.

References
----------
.. [1] Fisher, Rudin, Dominici: All Models are Wrong, but Many are Useful. JMLR 20, 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tsgen._typing import FloatArray
from tsgen.data import Panel
from tsgen.generation import Feedback, fill_holes, rollout
from tsgen.inference.fitted import FittedModel
from tsgen.nn import AutoregressiveNetwork, RecurrentNetwork, RecurrentState
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
    covariates : tuple of int
        Columns of covariates.
    """

    name: str
    lagged: tuple[int, ...] = ()
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
    """The lags of each channel, and each covariate; a sine and its cosine are one."""
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
    context = slice(network.longest_lag, batch.cutoff)
    start = network.start(batch.values, batch.known)
    filled, begun = fill_holes(network, start, *batch.rows(context))
    values, known = batch.values.clone(), batch.known.clone()
    values[:, context], known[:, context] = filled, begun
    return replace(batch, values=values, known=known)


class _Exchanged(AutoregressiveNetwork):
    """A network that sees one group's values of other windows in the place of each window's own."""

    def __init__(self, network: RecurrentNetwork, group: InputGroup, order: Tensor) -> None:
        super().__init__()
        self.network, self.group, self.order = network, group, order
        self.lags, self.channels = network.lags, network.channels

    def initial_state(self, batch_size: int) -> RecurrentState:
        return self.network.initial_state(batch_size)

    def inputs(
        self, values: Tensor, known: Tensor, steps: int, covariates: Tensor | None = None
    ) -> Tensor:
        if covariates is not None:
            covariates = self._exchange(covariates, self.group.covariates)
        inputs = self.network.inputs(values, known, steps, covariates)
        return self._exchange(inputs, self.group.lagged)

    def forward(
        self, inputs: Tensor, state: RecurrentState | None = None
    ) -> tuple[Tensor, RecurrentState]:
        return self.network.forward(inputs, state)

    def _exchange(self, rows: Tensor, columns: tuple[int, ...]) -> Tensor:
        if columns:
            rows = rows.clone()
            rows[:, :, list(columns)] = rows[self.order][:, :, list(columns)]
        return rows


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
        _error(_Exchanged(network, group, order), batch)
        for group, order in zip(repeated, orders, strict=True)
    ]
    return np.array(errors).reshape(len(groups), -1) / max(before, 1e-12) - 1


def _error(network: AutoregressiveNetwork, batch: WindowBatch) -> float:
    """The mean absolute error of a rollout after the contexts of some windows."""
    context = batch.rows(slice(network.longest_lag, batch.cutoff))
    truth, counted, covariates = batch.rows(slice(batch.cutoff, None))
    _, state = network.read(network.start(batch.values, batch.known), *context)
    path = rollout(network, state, batch.horizon, Feedback(covariates=covariates)).path
    errors = (path - truth).abs() * counted
    return float(errors.sum() / counted.sum().clamp(min=1.0))
