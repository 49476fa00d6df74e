"""Peak memory of ``fit`` on a panel of 5 million rows, against the frame's own size.

    python -m benchmarks.speed.memory

Measured in a fresh process by the operating system's high-water mark, above what imports, a first
small fit and the frame itself take. Linux and macOS.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import pandas as pd

from benchmarks import record
from benchmarks.speed.panels import walks

RESULTS = record.RESULTS / "memory.csv"
SERIES, ROWS = 5_000, 1_000


def peak_mib() -> float:
    """The high-water mark of this process."""
    unit = 1024 if sys.platform == "darwin" else 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit / 1024


def measure(kind: str) -> dict[str, object]:
    """In this process; call it in a fresh one."""
    import tsgen

    def model() -> tsgen.LSTMForecaster:
        return tsgen.LSTMForecaster(
            context_length=168, lags=[24], hidden_size=16, max_steps=10, verbose=False
        )

    model().fit(walks(3, 400, kind))
    frame = walks(SERIES, ROWS, kind)
    size = frame.memory_usage(deep=True).sum() / 2**20
    before = peak_mib()
    model().fit(frame)
    above = peak_mib() - before
    return {
        "frame": kind,
        "rows": SERIES * ROWS,
        "frame_mib": size,
        "fit_mib": above,
        "ratio": above / size,
    }


def main() -> None:
    """Print and write the table."""
    if len(sys.argv) > 1:
        row = measure(sys.argv[1])
        print(",".join(str(value) for value in row.values()))
        return
    rows = []
    for kind in ("long, integer ids", "long, text ids", "wide"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.speed.memory", kind],
            check=True, capture_output=True, text=True, cwd=record.ROOT,
        )  # fmt: skip
        rows.append(done.stdout.strip().rsplit(",", 4))
    table = pd.DataFrame(rows, columns=["frame", "rows", "frame_mib", "fit_mib", "ratio"])
    table = table.astype({"frame_mib": float, "fit_mib": float, "ratio": float})
    print(table.round(2).to_string(index=False))
    record.write(table.round(3), RESULTS)


if __name__ == "__main__":
    main()
