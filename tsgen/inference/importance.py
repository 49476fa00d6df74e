"""What a closed loop goes by: how much worse it gets when one of its inputs says nothing.

Permutation importance [1]_: an input's values are exchanged between windows, which keeps what they
look like and takes away what they tell, in the context as in every step of the rollout.

References
----------
.. [1] Fisher, Rudin, Dominici: All Models are Wrong, but Many are Useful. JMLR 20, 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import FloatArray
from tsgen.data import Panel
from tsgen.generation import fill_holes, start_of
from tsgen.inference.fitted import FittedModel
from tsgen.nn import lag_inputs
from tsgen.preprocessing import Series, WindowBatch, WindowSampler, WindowShape

__all__ = ["Importance", "InputGroup", "input_groups", "permutation_importance"]


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


def _without_holes(model: FittedModel, batch: WindowBatch, horizon: int) -> WindowBatch:
    """Windows whose contexts have the model's own predictions in their holes, as in a forecast."""
    network, lags = model.network, model.lags
    longest, before = max(lags), batch.values.shape[1] - horizon
    exogenous = None if batch.covariates is None else batch.covariates[:, longest:before]
    start = start_of(network, lags, batch.values, batch.known)
    context = batch.values[:, longest:before], batch.known[:, longest:before]
    filled, begun = fill_holes(network, lags, start, *context, exogenous)
    values, known = batch.values.clone(), batch.known.clone()
    values[:, longest:before], known[:, longest:before] = filled, begun
    return batch._replace(values=values, known=known)


@dataclass(frozen=True)
class _Exchange:
    """Puts one group's values of other windows in the place of each window's own."""

    group: InputGroup | None
    order: Tensor | None

    def covariates(self, exogenous: Tensor) -> Tensor:
        return self._put(exogenous, self.group.covariates) if self.group else exogenous

    def inputs(self, inputs: Tensor) -> Tensor:
        return self._put(inputs, self.group.lagged) if self.group else inputs

    def _put(self, rows: Tensor, columns: tuple[int, ...]) -> Tensor:
        if not columns or self.order is None:
            return rows
        rows = rows.clone()
        rows[:, :, list(columns)] = rows[self.order][:, :, list(columns)]
        return rows


@torch.inference_mode()
def permutation_importance(
    model: FittedModel,
    series: Series,
    groups: Sequence[InputGroup],
    *,
    horizon: int,
    windows: int,
    repeats: int,
    seed: int,
) -> list[Importance]:
    """Measure each group on windows drawn from all series.

    Parameters
    ----------
    model : FittedModel
    series : Series
        Scaled.
    groups : sequence of InputGroup
    horizon : int
        H, steps in closed loop after each context.
    windows : int
        How many are drawn.
    repeats : int
        Exchanges of each group, whose mean counts.
    seed : int
    """
    shape = WindowShape(max(model.lags), model.context_length, horizon)
    sampler = WindowSampler(series.lengths.numpy(), shape, windows, seed)
    batch = series.batch(sampler.draw(0), shape, window_norm=model.window_norm)
    random = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(windows, generator=random) for _ in range(len(groups) * repeats)]
    increases = np.stack(
        [_increases(member, batch, horizon, groups, orders) for member in model.members]
    )
    return [
        Importance(group.name, float(found.mean()), float(found.std()))
        for group, found in zip(groups, np.moveaxis(increases, 1, 0), strict=True)
    ]


def _increases(
    model: FittedModel,
    batch: WindowBatch,
    horizon: int,
    groups: Sequence[InputGroup],
    orders: Sequence[Tensor],
) -> FloatArray:
    """By how much the error grows for each group and repetition, (groups, repetitions)."""
    batch = _without_holes(model, batch, horizon)
    before = _error(model, batch, horizon, None, None)
    repeated = [group for group in groups for _ in range(len(orders) // len(groups))]
    errors = [
        _error(model, batch, horizon, group, order)
        for group, order in zip(repeated, orders, strict=True)
    ]
    return np.array(errors).reshape(len(groups), -1) / max(before, 1e-12) - 1


def _error(
    model: FittedModel,
    batch: WindowBatch,
    horizon: int,
    group: InputGroup | None,
    order: Tensor | None,
) -> float:
    """The mean absolute error of a rollout for whose inputs some are those of other windows."""
    network, lags = model.network, model.lags
    exchange = _Exchange(group, order)
    rows = batch.values.shape[1]
    before = rows - horizon
    exogenous = batch.covariates
    embedded = None if exogenous is None else network.covariates(exchange.covariates(exogenous))
    values, known = batch.values[:, :before], batch.known[:, :before]
    longest = max(lags)
    state = start_of(network, lags, values, known).recurrent
    # The context is read in one go, the horizon step by step.
    for first, stop in [(longest, before), *((row, row + 1) for row in range(before, rows))]:
        now = None if embedded is None else embedded[:, first:stop]
        inputs = lag_inputs(values[:, : stop - 1], known[:, : stop - 1], lags, stop - first,
                            network.channels, now)  # fmt: skip
        output, state = network(exchange.inputs(inputs), state)
        if first >= before:
            values = torch.cat([values, output], dim=1)
            known = torch.cat([known, torch.ones_like(output)], dim=1)
    counted = batch.known[:, before:]
    errors = (values[:, before:] - batch.values[:, before:]).abs() * counted
    return float(errors.sum() / counted.sum().clamp(min=1.0))
