"""`tsgen ...` as a function call in an empty folder or as a process, for its tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tsgen
from tsgen.cli import main


class Done(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Done]


def in_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*arguments: Any) -> Done:
        monkeypatch.setattr(sys, "argv", ["tsgen", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code or 0, *capfd.readouterr())

    return command


def run_process(
    arguments: Sequence[Any], folder: Path, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """`tsgen ...` as users call it."""
    return subprocess.run(
        [sys.executable, "-c", "from tsgen.cli import main; main()", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(tsgen.__file__).parents[1])},
        input=given,
        capture_output=True,
    )
