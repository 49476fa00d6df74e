"""How far the closed loop follows chaos, by what a network is fed while it learns.

- ``systems``: four systems, the sequences that are cut from them, and the error;
- ``run``: trains and forecasts (``python -m benchmarks.chaos.run``), one result file for each run;
- ``tables``: what the docs show of them, beside the published models of ``anchors.csv``.
"""
