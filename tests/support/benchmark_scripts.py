"""The folders of benchmarks/, whose scripts import each other by name."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@cache
def scripts(folder: str) -> SimpleNamespace:
    """All modules of a folder; other folders may have modules of the same names."""
    names = [path.stem for path in sorted((BENCHMARKS / folder).glob("*.py"))]
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(BENCHMARKS / folder))
    try:
        return SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    finally:
        sys.path.remove(str(BENCHMARKS / folder))
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(others)
