"""The server of docs/export.md answers."""

from __future__ import annotations

import json
import re
from http.server import HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from support.onnx_sessions import tiny
from support.problems import seasonal_trend

PAGE = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_server_of_the_page_forecasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    history = seasonal_trend().history
    model = tiny().fit(history)
    model.export_onnx("model.onnx")
    page = PAGE.read_text("utf-8")
    (code,) = re.findall(r"```python\n(import json\nfrom http.server.*?)```", page, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    names: dict[str, Any] = {}
    exec(code, names)
    monkeypatch.setattr(names["Forecasts"], "log_message", lambda *_: None)
    with HTTPServer(("localhost", 0), names["Forecasts"]) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        asked = json.dumps({"y": history.tolist(), "horizon": 24}).encode()
        with urlopen(f"http://localhost:{server.server_port}", asked, timeout=30) as answer:
            forecast = json.load(answer)
        server.shutdown()
        thread.join()
    wanted = model.predict(24).to_numpy()
    np.testing.assert_allclose(forecast, wanted, atol=1e-5 * history.std())
