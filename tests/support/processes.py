"""A Python of its own, for what no process can show that has loaded everything already."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import tsgen

ROOT = Path(tsgen.__file__).parents[1]


def python(script: str, *arguments: Any, **environment: str) -> subprocess.Popen[str]:
    """A process that runs a script."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(script: str, *arguments: Any, **environment: str) -> str:
    """What the script printed, once it has come to its end."""
    with python(script, *arguments, **environment) as process:
        output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output
