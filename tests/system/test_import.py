"""What `import tsgen` brings, and what it doesn't."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.processes import python

import tsgen


def run(script: str, *arguments: object) -> str:
    """What it prints, where warnings are errors and nothing is said beside it."""
    with python(script, *arguments, PYTHONWARNINGS="error") as process:
        output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    return output


HEAVY = ["torch", "pytorch_lightning", "matplotlib", "pandas", "numpy", "sklearn", "rich", "typer"]


def test_import_loads_nothing_heavy() -> None:
    loaded = run(f"import sys, tsgen; print([n for n in {HEAVY} if n in sys.modules])")
    assert loaded.strip() == "[]"


def test_dir_lists_the_public_names_without_loading_them() -> None:
    assert run("import sys, tsgen; print(*dir(tsgen)); assert 'torch' not in sys.modules")
    modules = {"errors", "metrics", "rollout", "simulation", "testing"}
    assert set(dir(tsgen)) == {*tsgen.__all__, *modules}


@pytest.mark.slow
def test_errors_data_sets_and_scores_need_no_torch_nor_pictures_pyplot(tmp_path: Path) -> None:
    """Pyplot would choose a backend, and keep every figure in memory."""
    script = """
        import logging, sys, tsgen
        logging.disable()  # matplotlib may say that it makes a cache of fonts
        print(tsgen.errors.FrameError.__name__)
        from tsgen import load_dataset, plot_forecast, score
        print("torch" in sys.modules)
        from tsgen.plotting import save_figure
        df = load_dataset("sunspots").set_index("ds")["y"]
        save_figure(plot_forecast(df[:-9], df[-9:]), sys.argv[1])
        print("matplotlib.pyplot" in sys.modules)
    """
    picture = tmp_path / "a.png"
    assert run(script, picture).split() == ["FrameError", "False", "False"]
    assert picture.exists()


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
