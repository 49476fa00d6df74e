"""Measuring in a process of its own, whose memory is that of one piece of work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import record


def measured_apart(
    module: str, *arguments: str | Path, python: str = sys.executable
) -> dict[str, object]:
    """What ``python -m module --measure arguments`` prints last: a row of a table, as JSON."""
    command = [python, "-m", module, "--measure", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=record.ROOT)
    row: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return row
