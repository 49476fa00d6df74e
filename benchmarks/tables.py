"""The tables of README and docs, from the result files.

    python -m benchmarks.tables          # prints them
    python -m benchmarks.tables --write  # puts them into the pages

A table named X stands between the lines ``<!-- X -->`` and ``<!-- end X -->`` of a page.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.accuracy.tables import tables as of_accuracy
from benchmarks.chaos.tables import tables as of_chaos
from benchmarks.markdown import filled, marks
from benchmarks.record import ROOT
from benchmarks.scale.tables import tables as of_scale
from benchmarks.sequences.tables import tables as of_sequences
from benchmarks.speed.tables import tables as of_speed


def tables() -> dict[str, str]:
    """All of them, by name."""
    return {**of_accuracy(), **of_chaos(), **of_speed(), **of_sequences(), **of_scale()}


def pages(root: Path = ROOT) -> dict[Path, str]:
    """The pages that have room for tables."""
    paths = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def homeless(blocks: dict[str, str], texts: dict[Path, str]) -> set[str]:
    """Tables for which no page has marks, and marks for which there is no table."""
    return set(blocks) ^ {mark for text in texts.values() for mark in marks(text)}


def main() -> None:
    """Print the tables; write them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into README.md and docs/")
    asked = parser.parse_args()
    blocks, texts = tables(), pages()
    print("\n\n".join(f"{name}\n{block}" for name, block in blocks.items()))
    if lost := homeless(blocks, texts):
        parser.error(f"{', '.join(sorted(lost))}: a table without marks, or marks without a table")
    if asked.write:
        for path, text in texts.items():
            path.write_text(filled(text, blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
