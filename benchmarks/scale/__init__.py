"""Panels of more series than fit into memory.

- ``forecast``: seconds and peak memory from Parquet to Parquet
  (``python -m benchmarks.scale.forecast``);
- ``picture``: seconds against series; ``tables``: what the docs show of the results.
"""
