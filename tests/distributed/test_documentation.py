"""The page on more than one machine: its examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "more-than-one-machine.md"


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_the_page_runs_from_the_top_to_the_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.M):
        exec(compile(code, PAGE.name, "exec"), names)
    found = pd.read_parquet(tmp_path / "ahead")
    assert found.groupby("unique_id").size().eq(12).all()
    assert found["unique_id"].nunique() == 26
