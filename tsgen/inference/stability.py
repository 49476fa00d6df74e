"""Whether a closed loop settles, wanders or runs away: what can be said before it is trusted."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import FloatArray, IntArray
from tsgen.generation import Feedback, median, run
from tsgen.inference.fitted import FittedModel
from tsgen.inference.state import Encoding
from tsgen.nn import AutoregressiveNetwork, DecoderState, RolloutState
from tsgen.preprocessing import by_series

__all__ = ["Stability", "lyapunov_exponents", "measure_stability"]

_NUDGE = 1e-6
_STEPS_BETWEEN_NUDGES = 5
_FLAT = 0.01
"""Moves below this, in the normaliser's units, are none."""


class Stability(NamedTuple):
    """What becomes of N loops; steps count from 1, and are 0 where it doesn't happen."""

    exponents: FloatArray
    flat_from: IntArray
    leaves_range_at: IntArray


@torch.inference_mode()
def measure_stability(
    model: FittedModel,
    encoding: Encoding,
    horizon: int,
    season: int,
    covariates: Tensor | None = None,
) -> Stability:
    """Roll B loops out and say what becomes of them, for each of their C series.

    Parameters
    ----------
    model : FittedModel
    encoding : Encoding
    horizon : int
    season : int
        A path is flat if it doesn't move for two of them at its end.
    covariates : Tensor of shape (B, H, D), optional
    """
    exogenous = None if covariates is None else covariates.double()
    of_members = [
        lyapunov_exponents(deepcopy(network).double(), state.to(torch.float64), horizon, exogenous)
        for network, state in zip(model.networks, encoding.loops, strict=True)
    ]
    exponents = median(torch.stack(of_members)).repeat_interleave(model.channels)
    path = by_series(model.run(encoding, horizon, Feedback(covariates=covariates)).path)
    low, high = model.units.value_range.low, model.units.value_range.high
    leaves = _first_step((path < low) | (path > high))
    # A constant series is forecast as that constant, whatever its loop does.
    constant = (encoding.normaliser.spread == 0).flatten().numpy()
    return Stability(
        np.where(constant, -np.inf, exponents.numpy()),
        np.where(constant, 1, _flat_from(path, season)),
        np.where(constant, 0, leaves),
    )


def lyapunov_exponents(
    network: AutoregressiveNetwork,
    state: RolloutState,
    horizon: int,
    covariates: Tensor | None = None,
) -> Tensor:
    """The largest finite-time Lyapunov exponent of each loop, per step.

    Two copies of a loop, one of them nudged, are rolled out side by side, and the nudge is scaled
    back to its size again and again [1]_: the mean logarithm of its growth is the exponent. Above
    0, errors grow from step to step; below 0, the loop forgets them.

    Parameters
    ----------
    network : AutoregressiveNetwork
        In float64.
    state : RolloutState
        In float64.
    horizon : int
        Steps; the first half is given to the nudge to turn where it grows fastest.
    covariates : Tensor of shape (B, horizon, D), optional

    Returns
    -------
    Tensor of shape (B,)
        ``-inf`` where the nudge is lost at once, ``inf`` where the loop leaves the finite numbers.

    References
    ----------
    .. [1] Benettin, Galgani, Giorgilli, Strelcyn: Lyapunov characteristic exponents for smooth
       dynamical systems and for Hamiltonian systems. Meccanica 15, 1980.
    """
    random = torch.Generator().manual_seed(0)
    start = _flat(state)
    direction = torch.randn(start.shape, generator=random, dtype=start.dtype)
    nudge = _nudge(start)
    nudged = _unflat(start + _of_length(direction, nudge), state)
    growth = torch.zeros(len(state), dtype=start.dtype)
    counted = 0
    for first in range(0, horizon, _STEPS_BETWEEN_NUDGES):
        steps = min(_STEPS_BETWEEN_NUDGES, horizon - first)
        exogenous = (
            None if covariates is None else covariates[:, first : first + steps].repeat(2, 1, 1)
        )
        pair = RolloutState.cat([state, nudged])
        both = run(network, pair, steps, Feedback(covariates=exogenous)).state
        state, nudged = (both.take(rows) for rows in torch.arange(len(both)).split(len(state)))
        here = _flat(state)
        difference = _flat(nudged) - here
        if first + steps > horizon // 2:
            growth += (_size(difference) / nudge).log().squeeze(1)
            counted += steps
        nudge = _nudge(here)
        nudged = _unflat(here + _of_length(difference, nudge), state)
    return torch.where(growth.isnan(), torch.inf, growth / counted)


def _nudge(numbers: Tensor) -> Tensor:
    """How far to nudge loops, (B, 1): little enough to be linear, enough not to be rounded away."""
    return _NUDGE * _size(numbers).clamp(min=1.0)


def _of_length(difference: Tensor, length: Tensor) -> Tensor:
    size = _size(difference)
    return difference * torch.where(size > 0, length / size, 0.0)


def _size(numbers: Tensor) -> Tensor:
    """The largest of each loop's numbers, (B, 1), a norm that doesn't overflow before they do."""
    return numbers.abs().amax(dim=1, keepdim=True)


def _flat(state: RolloutState) -> Tensor:
    """All numbers of each loop in a row, (B, numbers)."""
    attended = _attended(state)
    return torch.cat([*(part.transpose(0, 1).flatten(1) for part in state.recurrent),
                      *([] if attended is None else [attended]),
                      state.values.reshape(len(state), -1)], dim=1)  # fmt: skip


def _unflat(numbers: Tensor, like: RolloutState) -> RolloutState:
    layers, batch, units = like.recurrent[0].shape
    sizes = [layers * units] * len(like.recurrent)
    sizes += [] if _attended(like) is None else [units]
    *parts, values = numbers.split([*sizes, numbers.shape[1] - sum(sizes)], dim=1)
    recurrent = (
        part.view(batch, layers, units).transpose(0, 1).contiguous()
        for part in parts[: len(like.recurrent)]
    )
    state = replace(like, recurrent=tuple(recurrent), values=values.reshape(like.values.shape))
    others = parts[len(like.recurrent) :]
    if isinstance(state, DecoderState) and others:
        state = replace(state, attended=others[0])
    return state


def _attended(state: RolloutState) -> Tensor | None:
    """What a decoder's next step reads of the last one, (B, hidden), if it does."""
    return state.attended if isinstance(state, DecoderState) else None


def _flat_from(path: Tensor, season: int) -> IntArray:
    """The first step after which a path moves no more, (B,); 0 if it moves to its end."""
    backwards = path.flip(1)
    moves = (backwards.cummax(dim=1).values - backwards.cummin(dim=1).values).flip(1)
    steps = _first_step(moves < _FLAT)
    return np.where(steps > path.shape[1] - 2 * season, 0, steps)


def _first_step(happens: Tensor) -> IntArray:
    """The first step, from 1, at which something happens; 0 where it never does."""
    first = happens.to(torch.uint8).argmax(dim=1) + 1
    return torch.where(happens.any(dim=1), first, 0).numpy()
