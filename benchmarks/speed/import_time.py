"""What ``import tsgen`` costs, beside ``import pandas`` and ``import torch``.

    python -m benchmarks.speed.import_time

Each import runs in a fresh interpreter, alternating; the interpreter's own start is subtracted.
"""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pandas as pd

from benchmarks import record

RESULTS = record.RESULTS / "import_time.csv"
STATEMENTS = {
    "nothing": "pass",
    "import tsgen": "import tsgen",
    "import pandas": "import pandas",
    "import torch": "import torch",
    "from tsgen import LSTMForecaster": "from tsgen import LSTMForecaster",
    "import pandas, pytorch_lightning": "import pandas, pytorch_lightning",
}


def seconds(statement: str) -> float:
    """Of a fresh interpreter that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main(rounds: int = 5) -> None:
    """Print and write the table."""
    times = {name: [] for name in STATEMENTS}
    for turn in range(rounds + 1):
        for name, statement in STATEMENTS.items():
            elapsed = seconds(statement)
            if turn:  # the first round fills the file cache
                times[name].append(elapsed)
    start = np.median(times.pop("nothing"))
    table = pd.DataFrame(
        {
            "statement": list(times),
            "seconds": [np.median(values) - start for values in times.values()],
        }
    )
    print(table.round(2).to_string(index=False))
    record.write(table.round(3), RESULTS)


if __name__ == "__main__":
    main()
