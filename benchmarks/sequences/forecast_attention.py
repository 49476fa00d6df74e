"""What a forecast of air passengers attends to: the picture of docs/sequence-to-sequence.md.

    python -m benchmarks.sequences.forecast_attention

Fits `tsgen.EncoderDecoderForecaster` to the monthly series that ships with tsgen, told of the
calendar, and draws the weights of two years ahead.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import tsgen

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "air_passengers_attention.png"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, draw and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=IMAGE)
    parser.add_argument("--max-steps", type=int, help="by default the forecaster's own")
    asked = parser.parse_args(arguments)
    model = tsgen.EncoderDecoderForecaster(
        calendar="auto", max_steps=asked.max_steps or "auto", verbose=False
    )
    model.fit(tsgen.load_dataset("air_passengers"))
    figure = tsgen.plot_attention(model.attention_weights(24))
    figure.set_size_inches(7, 3.6)
    figure.savefig(asked.out, dpi=150)
    print(asked.out)


if __name__ == "__main__":
    main()
