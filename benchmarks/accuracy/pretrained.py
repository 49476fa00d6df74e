"""All that is measured of the presets that begin with pretrained weights, and what shows it.

    python -m benchmarks.accuracy.pretrained         # an hour or so
    python -m benchmarks.accuracy.pretrained --list  # the commands, one a line

To be run once the weights in ``tsgen/weights`` are final, from a clean checkout: each result notes
the commit and the weights. Every step is a command of its own, which the results note as well; a
step that fails ends the run. Data are read by `tsgen.load_benchmark` (the environment variable
TSGEN_DATA names a folder that has them).
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence

STEPS = (
    "benchmarks.accuracy.run --preset zero_shot",
    "benchmarks.accuracy.run --preset fine_tuned --seeds 0 1 2",
    "benchmarks.accuracy.quickcheck",
    "benchmarks.accuracy.coverage --presets zero_shot fine_tuned",
    "benchmarks.accuracy.picture",
    "benchmarks.tables --write",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the steps, or list them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="print the commands instead")
    asked = parser.parse_args(arguments)
    for step in STEPS:
        print(f"python -m {step}", flush=True)
        if not asked.list:
            subprocess.run([sys.executable, "-m", *shlex.split(step)], check=True)


if __name__ == "__main__":
    main()
