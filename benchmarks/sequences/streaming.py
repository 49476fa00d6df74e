"""Memory that a generator takes to learn from a stream of texts which are never held together.

    python -m benchmarks.sequences.streaming
    python -m benchmarks.sequences.streaming --symbols 2000000 --kinds words

The texts come from a Python generator, 10,000 symbols each: characters of a hundred kinds, or words
of a million, which are the rarer the later they stand in the list. Measured in a fresh process for
each kind: the high-water mark of the operating system, above what the process takes once all is
imported and a first small generator fitted. Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import record
from benchmarks.speed.memory import peak_mib

RESULTS = record.RESULTS / "sequences_streaming.csv"
KINDS = {"characters": 100, "words": 1_000_000}
"""How many different ones there are."""
_OF_A_TEXT = 10_000
_KNOWN_WORDS = 20_000
"""Words that come often enough to be known, about."""
_STEPS = 5


def texts(kind: str, symbols: int, seed: int = 0) -> Iterator[str]:
    """So many symbols, some thousand at a time."""
    random, count = np.random.default_rng(seed), KINDS[kind]
    for start in range(0, symbols, _OF_A_TEXT):
        share = random.random(min(_OF_A_TEXT, symbols - start))
        ranks = np.exp(share * np.log(count)).astype(np.int64)
        if kind == "characters":
            yield "".join(map(chr, (ranks + 32).tolist()))
        else:
            yield " ".join(map(str, ranks.tolist()))


def resident_mib() -> float:
    """What this process takes now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(kind: str, symbols: int) -> dict[str, Any]:
    """In this process; call it in a fresh one."""
    import tsgen

    model: dict[str, Any] = {"max_steps": _STEPS, "verbose": False}
    if kind == "words":
        model["unit"] = "word"
    tsgen.LSTMGenerator(**model, hidden_size=4).fit(["a b", "b a"])
    before, start = resident_mib(), time.perf_counter()
    if kind == "words":
        # Of rank r come symbols / (r log count).
        often = symbols / (_KNOWN_WORDS * np.log(KINDS[kind]))
        model["min_count"] = max(2, round(often))
    fitted = tsgen.LSTMGenerator(**model).fit(texts(kind, symbols))
    vocabulary = fitted.model_.vocabulary
    return {
        "kind": kind,
        "symbols": symbols,
        "different": len(vocabulary.symbols) + vocabulary.folded,
        "known": len(vocabulary.symbols),
        "seconds": round(time.perf_counter() - start, 1),
        "above_mib": round(peak_mib() - before, 1),
    }


def _in_fresh_process(kind: str, symbols: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.sequences.streaming", "--measure", kind]
    done = subprocess.run(
        [*command, "--symbols", str(symbols)],
        check=True, capture_output=True, text=True, cwd=record.ROOT,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and record it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--symbols", type=int, default=50_000_000)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--measure", choices=KINDS, help="one kind, in this process")
    parser.add_argument("--out", type=Path, default=RESULTS, help="CSV")
    given = parser.parse_args(arguments)
    if given.measure:
        print(json.dumps(measure(given.measure, given.symbols)))
        return
    table = pd.DataFrame([_in_fresh_process(kind, given.symbols) for kind in given.kinds])
    print(table.to_string(index=False))
    record.write_beside(table, given.out, "kind")


if __name__ == "__main__":
    main()
