"""What stands beside a result: versions, the machine, the commit, the date and the command."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a result; columns that say what made it and that it hasn't yet are added."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _noted(table).to_csv(path, index=False)


def write_beside(table: pd.DataFrame, path: Path, *columns: str) -> None:
    """Write a result into a file where rows that have other values in some columns stay."""
    table = _noted(table)
    if path.exists():
        before = pd.read_csv(path)
        named = list(columns)
        again = pd.MultiIndex.from_frame(before[named]).isin(pd.MultiIndex.from_frame(table[named]))
        kept = before[~again]
        table = pd.concat([part for part in (kept, table) if len(part)], ignore_index=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)


def read(name: str) -> pd.DataFrame:
    """A table of results/."""
    return pd.read_csv(RESULTS / f"{name}.csv")


def versions(library: str) -> dict[str, str]:
    """Of a library and what it stands on, in this environment."""
    return {
        "library": f"{library} {version(library)}",
        **{name: version(name) for name in ("torch", "numpy", "pandas")},
        "python": platform.python_version(),
    }


def machine(*, cpu_only: bool = False) -> dict[str, object]:
    """The device that trainings use here, and the threads of torch."""
    import torch

    gpu = torch.cuda.is_available() and not cpu_only
    return {
        "device": torch.cuda.get_device_name() if gpu else f"{os.cpu_count()} x {_cpu()}",
        "threads": torch.get_num_threads(),
    }


def occasion() -> dict[str, str]:
    """When, at which commit of the repository, and by which command."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "commit": described.stdout.strip() or "unknown",
        "command": _command(),
    }


def _noted(table: pd.DataFrame) -> pd.DataFrame:
    noted = versions("tsgen") | machine() | occasion()
    return table.assign(**{name: value for name, value in noted.items() if name not in table})


def _command() -> str:
    """As it can be given again from the root of the repository."""
    module = sys.modules["__main__"].__spec__
    started = ["-m", module.name] if module else [Path(sys.argv[0]).name]
    return shlex.join(["python", *started, *sys.argv[1:]])


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
