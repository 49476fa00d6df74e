"""What training costs above the bare arithmetic: windows per second, side by side in one run.

    python -m benchmarks.speed.fit

The floor is ``nn.LSTM`` and AdamW on one pre-built tensor of the same shapes, with the same
gradient clipping. The two alternate; the table shows medians. Needs no data beyond what it makes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
import torch
from torch import nn

import tsgen
from benchmarks import record
from benchmarks.speed.panels import seasonal

RESULTS = record.RESULTS / "fit_speed.csv"
CONTEXT, LAGS, HIDDEN = 168, [24, 168], 64


def time_fit(frame: pd.DataFrame, batch_size: int, steps: int) -> tuple[float, int]:
    """Seconds of ``steps`` optimiser steps, start-up left out; steps of a window."""

    def fit(max_steps: int) -> tuple[float, tsgen.LSTMForecaster]:
        model = tsgen.LSTMForecaster(
            context_length=CONTEXT, lags=LAGS, hidden_size=HIDDEN, batch_size=batch_size,
            max_steps=max_steps, verbose=False,
        )  # fmt: skip
        start = time.perf_counter()
        model.fit(frame)
        return time.perf_counter() - start, model

    short, _ = fit(2)
    long, model = fit(steps + 2)
    settings = model.settings_
    return long - short, settings.context_length - 1 + settings.train_horizon


def time_bare(steps_of_window: int, batch_size: int, steps: int) -> float:
    """Seconds of the same number of steps without anything around them."""
    channels = 2 * (1 + len(LAGS))  # a value and a flag for each lag
    inputs = torch.randn(batch_size, steps_of_window, channels)
    targets = torch.randn(batch_size, steps_of_window)
    recurrent, head = nn.LSTM(channels, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 1)
    parameters = [*recurrent.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3)
    start = 0.0
    for step in range(steps + 2):
        if step == 2:
            start = time.perf_counter()
        optimizer.zero_grad()
        loss = (head(recurrent(inputs)[0]).squeeze(-1) - targets).square().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    return time.perf_counter() - start


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    frame = seasonal()
    rows = []
    for batch_size in (32, 64, 128):
        ours, bare = [], []
        for _ in range(arguments.rounds):
            seconds, length = time_fit(frame, batch_size, arguments.steps)
            ours.append(seconds)
            bare.append(time_bare(length, batch_size, arguments.steps))
        windows = batch_size * arguments.steps
        rows.append(
            {
                "batch_size": batch_size,
                "window_steps": length,
                "tsgen_windows_per_s": windows / np.median(ours),
                "bare_windows_per_s": windows / np.median(bare),
                "ratio": float(np.median(np.array(bare) / np.array(ours))),
            }
        )
        print(
            pd.DataFrame(rows[-1:]).round(2).to_string(index=False, header=len(rows) == 1),
            flush=True,
        )
    record.write(pd.DataFrame(rows).round(3), RESULTS)


if __name__ == "__main__":
    main()
