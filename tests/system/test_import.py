"""What `import tsgen` brings, and what it doesn't."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tsgen


def run(script: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(Path(tsgen.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.stderr == ""
    return done.stdout


HEAVY = ["torch", "pytorch_lightning", "matplotlib", "pandas", "numpy", "sklearn", "rich", "typer"]


def test_import_loads_nothing_heavy() -> None:
    loaded = run(f"import sys, tsgen; print([n for n in {HEAVY} if n in sys.modules])")
    assert loaded.strip() == "[]"


@pytest.mark.slow
def test_errors_need_no_import_of_their_own() -> None:
    assert run("import tsgen; print(tsgen.errors.FrameError.__name__)").strip() == "FrameError"


def test_dir_lists_the_public_names_without_loading_them() -> None:
    assert run("import sys, tsgen; print(*dir(tsgen)); assert 'torch' not in sys.modules")
    modules = {"errors", "metrics", "rollout", "simulation", "testing"}
    assert set(dir(tsgen)) == {*tsgen.__all__, *modules}


@pytest.mark.slow
def test_data_sets_and_scores_do_not_need_torch() -> None:
    script = "import sys; from tsgen import load_dataset, score; print('torch' in sys.modules)"
    assert run(script).strip() == "False"


@pytest.mark.parametrize("name", tsgen.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(tsgen, name).__doc__
    assert getattr(tsgen, name) is getattr(tsgen, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'tsgen' has no attribute 'LSTMForcaster'"):
        tsgen.LSTMForcaster  # noqa: B018
    with pytest.raises(ImportError):
        from tsgen import LSTMForcaster  # noqa: F401


def test_a_star_import_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from tsgen import *", names)
    assert set(tsgen.__all__) == set(names) - {"__builtins__"}


def test_the_version() -> None:
    assert tsgen.__version__.count(".") == 2
