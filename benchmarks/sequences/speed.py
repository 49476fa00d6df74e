"""How fast symbols are generated, beside a loop that steps ``nn.LSTM``.

    python -m benchmarks.sequences.speed

Characters are drawn after a prompt, by the same sizes of an LSTM with vectors in and scores out:
by ``model.sample``, for one prompt and for many at once, and by a loop over ``nn.LSTM``, prompt by
prompt, as it is written by hand. For one prompt they are also chosen in other ways, beside the same
loop. The works alternate; the table has medians. Weights don't matter for that, so that the
networks learn next to nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

import tsgen
from benchmarks import record

RESULTS = record.RESULTS / "sequences_speed.csv"
CHARACTERS = "".join(map(chr, range(32, 97)))
"""65 of them, as many as tiny Shakespeare has."""
CHOICES: dict[str, dict[str, Any]] = {
    "drawn": {},
    "the likeliest": {"temperature": 0.0},
    "top_k=20": {"top_k": 20},
    "top_p=0.9": {"top_p": 0.9},
}
PROMPT = "To be, or not to be: that is the question. ".upper()


class Stepped(nn.Module):
    """An LSTM as in a tutorial."""

    def __init__(self, symbols: int, embedding_size: int, hidden_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, embedding_size)
        self.recurrent = nn.LSTM(embedding_size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, symbols)

    @torch.inference_mode()
    def generate(self, prompt: torch.Tensor, length: int) -> torch.Tensor:
        """Codes (length,) after those (P,) of a prompt."""
        found, state, fed = [], None, prompt[None]
        for _ in range(length):
            hidden, state = self.recurrent(self.embedding(fed), state)
            scores = self.head(hidden[:, -1])
            fed = torch.multinomial(scores.softmax(dim=-1), 1)
            found.append(fed)
        return torch.cat(found, dim=1)[0]


def measured(hidden_size: int, length: int, prompts: int, repeats: int) -> pd.DataFrame:
    """A row for one prompt by each choice, and one for many at once."""
    model = tsgen.LSTMGenerator(hidden_size=hidden_size, max_steps=1, verbose=False)
    model.fit(CHARACTERS * 10)
    stepped = Stepped(len(CHARACTERS), model.settings_.embedding_size, hidden_size)
    codes = torch.tensor([CHARACTERS.index(each) for each in PROMPT])
    works: dict[str, Callable[[], object]] = {
        **{name: partial(model.sample, length, df=PROMPT, **how) for name, how in CHOICES.items()},
        "many": lambda: model.sample(length, df=[PROMPT] * prompts),
        "stepped": lambda: stepped.generate(codes, length),
    }
    seconds = _medians(works, repeats)
    counts = [*((1, name, name) for name in CHOICES), (prompts, "drawn", "many")]
    return pd.DataFrame(
        [
            {"units": hidden_size, "choice": choice}
            | _row(length, count, seconds[work], seconds["stepped"])
            for count, choice, work in counts
        ]
    )


def _row(length: int, prompts: int, seconds: float, stepped_s: float) -> dict[str, float]:
    """The loop takes as long for each prompt again."""
    ours, theirs = prompts * length / seconds, length / stepped_s
    return {
        "length": length,
        "prompts": prompts,
        "seconds": round(seconds, 4),
        "symbols_per_s": round(ours, 1),
        "stepped_symbols_per_s": round(theirs, 1),
        "ratio": round(ours / theirs, 2),
    }


def _medians(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds by work; the first round warms up."""
    rounds = [{name: _seconds(work) for name, work in works.items()} for _ in range(repeats + 1)]
    medians = pd.DataFrame(rounds[1:]).median()
    return {str(name): float(value) for name, value in medians.items()}


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and record it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--units", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--length", type=int, default=1000)
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS, help="CSV")
    given = parser.parse_args(arguments)
    table = pd.concat(
        [measured(units, given.length, given.prompts, given.repeats) for units in given.units],
        ignore_index=True,
    )
    print(table.to_string(index=False))
    record.write_beside(table, given.out, "units")


if __name__ == "__main__":
    main()
