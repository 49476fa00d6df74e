"""One page of HTML for people who decide: how good forecasts are, and what comes.

What comes in is a fitted model and the frame of its series; what goes out is a file that stands by
itself: no script, nothing that is fetched from elsewhere.

In the order to read them: ``reading`` (the series of a frame, and what was read of them),
``accuracy`` (a backtest beside naive forecasts), ``findings`` (all that the page says, as plain
values; what can't be found out is a sentence on why), ``wording`` (numbers and names as text),
``pictures`` (figures as inline SVG), ``page`` with its template ``page.html``.

Examples
--------
>>> import tempfile, tsgen
>>> from tsgen.reporting import write_report
>>> df = tsgen.load_dataset("air_passengers")
>>> model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(df)
>>> with tempfile.TemporaryDirectory() as folder:
...     path = write_report(model, df, f"{folder}/report.html")
...     path.read_text("utf-8").startswith("<!doctype html>")
True
"""

from tsgen.reporting.findings import Findings, find_out
from tsgen.reporting.page import write_report

__all__ = ["Findings", "find_out", "write_report"]
