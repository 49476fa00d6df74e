"""How well one sequence is turned into another, and how fast that is learned.

    python -m benchmarks.sequences.pairs dates --minutes 3
    python -m benchmarks.sequences.pairs digits --minutes 3
    python -m benchmarks.sequences.pairs phonemes --minutes 60
    python -m benchmarks.sequences.pairs speed

- ``dates``: those of `benchmarks.sequences.dates` in ISO 8601; 20,000 to learn from, 2,000 others
  to test by, none of which is among the first.
- ``digits``: 5 to 25 of them in reverse order; 50,000 sequences to learn from, 1,000 to test by.
- ``phonemes``: the words of CMUdict, without stress; 12,000 words drawn by seed are the test.
  A word is right by any of its pronunciations; its phoneme errors are those by the closest one.
- ``speed``: pairs a second in training, beside a loop in plain PyTorch over the same network.

What was learned is tested greedily, and by beams.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import tsgen
from benchmarks import record
from benchmarks.sequences import dates
from benchmarks.sequences.learning import fitted, options
from tsgen.data import PairSpec, learn_pairs
from tsgen.metrics import edit_distance
from tsgen.nn import Seq2SeqArchitecture
from tsgen.training import SymbolPairs

RESULTS = record.RESULTS / "sequences_pairs.csv"
SPEED = record.RESULTS / "sequences_pairs_speed.csv"
_HELD_OUT_WORDS = 12_000


class Task(NamedTuple):
    """Pairs to learn from, and sources to test by, each with all of its right targets."""

    sources: list[str]
    targets: list[str]
    test: list[str]
    right: list[set[str]]
    settings: dict[str, Any]


def dates_task(seed: int, count: int = 20_000, tested: int = 2_000) -> Task:
    table = dates.pairs(count + 2 * tested, seed)
    learned, rest = table[:count], table[count:]
    test = rest[~rest["written"].isin(learned["written"])][:tested]
    return Task(
        learned["written"].tolist(),
        learned["iso"].tolist(),
        test["written"].tolist(),
        [{iso} for iso in test["iso"]],
        {},
    )


def digits_task(seed: int, count: int = 50_000, tested: int = 1_000) -> Task:
    random = np.random.default_rng(seed)
    lengths = random.integers(5, 26, count + tested)
    texts = ["".join(map(str, random.integers(0, 10, length))) for length in lengths]
    backwards = [text[::-1] for text in texts]
    right = [{text} for text in backwards[count:]]
    return Task(texts[:count], backwards[:count], texts[count:], right, {})


def phonemes_task(seed: int, tested: int = _HELD_OUT_WORDS) -> Task:
    table = tsgen.load_benchmark("cmudict")
    table = table[table["word"].str.fullmatch("[a-z']+") & table["word"].str.contains("[a-z]")]
    table = table.assign(sound=table["pronunciation"].str.replace(r"\d", "", regex=True))
    table = table.drop_duplicates(["word", "sound"])
    words = np.sort(table["word"].unique())
    chosen = np.random.default_rng(seed).permutation(words)[:tested]
    held_out = table["word"].isin(chosen)
    right = table[held_out].groupby("word")["sound"].agg(set)
    learned = table[~held_out]
    return Task(
        learned["word"].tolist(),
        learned["sound"].tolist(),
        right.index.tolist(),
        right.tolist(),
        {"target_unit": "word"},
    )


TASKS: dict[str, Callable[[int], Task]] = {
    "dates": dates_task,
    "digits": digits_task,
    "phonemes": phonemes_task,
}


def scores(task: Task, model: tsgen.LSTMSeq2Seq, beams: int) -> dict[str, float]:
    """Errors in per cent: of whole targets, and of their symbols."""
    start = time.perf_counter()
    found = model.predict(task.test, num_beams=beams)
    seconds = time.perf_counter() - start
    split = str.split if model.target_unit == "word" else list
    wrong = np.mean([text not in right for text, right in zip(found, task.right, strict=True)])
    edits = symbols = 0
    for text, right in zip(found, task.right, strict=True):
        choices = [split(each) for each in sorted(right)]
        distances = edit_distance(choices, [split(text)] * len(choices))
        best = int(distances.argmin())
        edits += int(distances[best])
        symbols += len(choices[best])
    return {
        "beams": beams,
        "error": round(100 * float(wrong), 3),
        "symbol_error": round(100 * edits / symbols, 3),
        "predict_s": round(seconds, 2),
    }


def learned(name: str, task: Task, given: Any) -> pd.DataFrame:
    """A row for each seed and width of search."""
    rows = []
    for seed in given.seeds:
        settings = task.settings | given.settings
        pairs = task.sources, task.targets
        fit = fitted(pairs, seed, settings, given.minutes, tsgen.LSTMSeq2Seq)
        loss = round(float(fit.model.report_.losses["loss"].iloc[-1]), 4)
        rows += [
            {"task": name} | fit.row | {"loss": loss} | scores(task, fit.model, beams)
            for beams in given.beams
        ]
    return pd.DataFrame(rows)


# --- speed ---------------------------------------------------------------------------------------


class Bare(nn.Module):
    """The network of a `Seq2SeqArchitecture` with additive attention, as in a tutorial."""

    def __init__(self, of: Seq2SeqArchitecture) -> None:
        super().__init__()
        hidden, width = of.hidden_size, of.embedding_size
        self.sources = nn.Embedding(of.source_symbols, width)
        self.targets = nn.Embedding(of.symbols + 1, width)  # one to begin with
        self.encoder = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(2))
        self.decoder = nn.LSTMCell(width + 2 * hidden, hidden)
        self.of_query = nn.Linear(hidden, hidden, bias=False)
        self.of_memory = nn.Linear(2 * hidden, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.combine = nn.Linear(3 * hidden, hidden, bias=False)
        self.head = nn.Linear(hidden, of.symbols)

    def forward(self, sources: Tensor, lengths: Tensor, fed: Tensor) -> Tensor:
        """Scores (B, T, V) of targets, of which those before (B, T) are read."""
        packed = pack_padded_sequence(
            self.sources(sources), lengths, batch_first=True, enforce_sorted=False
        )
        read, ends = self.encoder(packed)
        states, _ = pad_packed_sequence(read, batch_first=True)
        state = [
            bridge(end.transpose(0, 1).flatten(1)).tanh()
            for bridge, end in zip(self.bridge, ends, strict=True)
        ]
        keys = self.of_memory(states)
        behind = torch.arange(states.shape[1]) >= lengths[:, None]
        vectors, hiddens = self.targets(fed), []
        for step in range(fed.shape[1]):
            scores = self.score((self.of_query(state[0])[:, None] + keys).tanh())[:, :, 0]
            weights = scores.masked_fill(behind, -torch.inf).softmax(dim=1)
            context = torch.bmm(weights[:, None], states)[:, 0]
            read = torch.cat([vectors[:, step], context], dim=1)
            state = list(self.decoder(read, tuple(state)))
            hiddens.append(self.combine(torch.cat([context, state[0]], dim=1)).tanh())
        return self.head(torch.stack(hiddens, dim=1))


def bare_seconds(task: Task, model: tsgen.LSTMSeq2Seq, steps: int) -> float:
    """How long so many steps of a loop take, over the same batches."""
    pairs = learn_pairs(task.sources, task.targets, PairSpec(target_unit=model.target_unit))
    panels = [side.panel.ended(side.vocabulary.stop) for side in pairs[:2]]
    data = SymbolPairs(*panels, batch_size=model.settings_.batch_size, seed=0)
    network = Bare(model.model_.network.architecture)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    start = time.perf_counter()
    for _, draw in zip(range(steps), data.train_dataloader(), strict=False):
        batch = data.on_after_batch_transfer(draw, 0)
        before = batch.values[:, :-1, 0].long()
        before[:, 0] = network.targets.num_embeddings - 1
        scored = network(batch.sources, batch.lengths, before)
        losses = nn.functional.cross_entropy(
            scored.flatten(0, 1), batch.targets.flatten(), reduction="none"
        )
        loss = (losses * batch.counted.flatten()).sum() / batch.counted.sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    return time.perf_counter() - start


def speed(task: Task, units: Sequence[int], steps: int, repeats: int) -> pd.DataFrame:
    """Pairs a second of both, in turns; medians over the repeats."""
    rows = []
    for hidden_size in units:
        settings = {"hidden_size": hidden_size, "dropout": 0.0, **task.settings}
        pairs, seconds = (task.sources, task.targets), {"ours": [], "bare": []}
        fitted(pairs, 0, settings | {"max_steps": 1}, kind=tsgen.LSTMSeq2Seq)  # warms up
        for _ in range(repeats):
            whole, one = (
                fitted(pairs, 0, settings | {"max_steps": count}, kind=tsgen.LSTMSeq2Seq)
                for count in (steps + 1, 1)
            )
            seconds["ours"].append(whole.seconds - one.seconds)
            seconds["bare"].append(bare_seconds(task, whole.model, steps))
        batch = whole.model.settings_.batch_size
        ours, bare = (batch * steps / float(np.median(each)) for each in seconds.values())
        rows.append(
            {
                "units": hidden_size,
                "batch_size": batch,
                "pairs_per_s": round(ours, 1),
                "bare_pairs_per_s": round(bare, 1),
                "ratio": round(ours / bare, 3),
            }
        )
    return pd.DataFrame(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, test, and record it."""
    parser = options(__doc__, RESULTS)
    parser.add_argument("task", choices=[*TASKS, "speed"])
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--task-seed", type=int, default=0, help="of what is held out")
    parser.add_argument("--units", type=int, nargs="+", default=[64, 256], help="for speed")
    parser.add_argument("--steps", type=int, default=50, help="for speed")
    parser.add_argument("--repeats", type=int, default=3, help="for speed")
    given = parser.parse_args(arguments)
    if given.task == "speed":
        table = speed(digits_task(0, 5_000, 1), given.units, given.steps, given.repeats)
        out, columns = SPEED if given.out == RESULTS else given.out, ["units"]
    else:
        table = learned(given.task, TASKS[given.task](given.task_seed), given)
        out, columns = given.out, ["task", "model"]
    print(table.to_string(index=False))
    record.write_beside(table, out, *columns)


if __name__ == "__main__":
    main()
