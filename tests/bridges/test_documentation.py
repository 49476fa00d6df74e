"""The page on other tools: its examples with sktime and MLflow run where these are installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "bridges.md"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("project", ["sktime", "mlflow"])
def test_the_examples_run(project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(project)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    first, *others = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.M)
    names: dict[str, object] = {}
    for code in (first, *(code for code in others if f"tsgen.bridges.{project}" in code)):
        exec(compile(code, PAGE.name, "exec"), names)
    assert len(names) > 4
