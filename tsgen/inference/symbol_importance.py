"""What the next symbol goes by: how much less likely it gets without what stood some steps before.

Permutation importance, as for numbers: the symbols at one lag are exchanged between windows.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tsgen._typing import IntArray
from tsgen.data import SymbolPanel
from tsgen.errors import SettingError
from tsgen.inference.generator import FittedGenerator
from tsgen.inference.importance import Importance

__all__ = ["lag_importance"]

_BEFORE = 64
"""Symbols that are read before those that are exchanged."""


@torch.inference_mode()
def lag_importance(
    model: FittedGenerator, panel: SymbolPanel, lags: int, *, windows: int, repeats: int, seed: int
) -> list[Importance]:
    """Measure lags 1, 2, … on some windows.

    Parameters
    ----------
    model : FittedGenerator
    panel : SymbolPanel
        Of sequences, from which windows are drawn.
    lags : int
        How many; fewer where sequences are shorter.
    windows : int
    repeats : int
        Exchanges of each lag, whose mean counts.
    seed : int
    """
    if not len(panel.codes) or panel.lengths.max() < 2:
        raise SettingError(
            "there is no sequence of 2 symbols or more, of which one follows another"
        )
    rows = min(lags + _BEFORE, int(panel.lengths.max()) // 2)
    random = np.random.Generator(np.random.Philox(key=seed))
    last = _targets(panel, rows, windows, random)
    codes = panel.codes[last[:, None] + np.arange(-rows, 1)].astype(np.float32)
    drawn = torch.from_numpy(codes)[:, :, None]
    before = _nats(model, drawn)
    found = []
    for lag in range(1, min(lags, rows) + 1):
        increases = []
        for _ in range(repeats):
            exchanged = drawn.clone()
            order = torch.from_numpy(random.permutation(len(drawn)))
            exchanged[:, rows - lag] = drawn[order, rows - lag]
            increases.append(_nats(model, exchanged) - before)
        found.append(Importance(f"lag {lag}", float(np.mean(increases)), float(np.std(increases))))
    return found


def _targets(panel: SymbolPanel, rows: int, count: int, random: np.random.Generator) -> IntArray:
    """Positions of symbols before which there are enough others in their sequences."""
    room = np.maximum(panel.lengths - rows, 0)
    ends = np.cumsum(room)
    chosen = random.integers(0, ends[-1], count)
    series = np.searchsorted(ends, chosen, side="right")
    inside = chosen - (ends - room)[series]
    targets: IntArray = panel.offsets[series] + rows + inside
    return targets


def _nats(model: FittedGenerator, codes: Tensor) -> float:
    """The mean surprise of the last symbol of windows (B, rows + 1, 1)."""
    network = model.network
    state = network.start(codes, torch.ones_like(codes))
    if codes.shape[1] > 2:
        inside = codes[:, 1:-1]  # read without the scores of its steps, which take much memory
        lengths = torch.full((len(inside),), inside.shape[1])
        _, state = network.read_ragged(state, inside, lengths)
    scores, _ = network.step(state)
    likely = scores[:, 0].log_softmax(dim=1).gather(1, codes[:, -1].long())
    return float(-likely.mean())
