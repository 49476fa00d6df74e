"""Panels of more series than fit into memory.

- ``forecast``: seconds and peak memory from Parquet to Parquet
  (``python -m benchmarks.scale.forecast``);
- ``fit``: reading Parquet and training from it, beside a frame;
- ``peers``: the same forecasts by other libraries;
- ``simulate``: a hundred million series, on paper;
- ``picture``: seconds against series; ``tables``: what the docs show of the results.
"""
