"""What tsgen is measured by: data, thin scripts on its public API, and the results that they wrote.

A script is started from the root of the repository, ``python -m benchmarks.speed.fit``; it prints a
table and writes it under ``results/``, with what it was made on. In the order of reading:

- ``record``: the machine, versions, commit, date and command that stand beside a result;
- ``accuracy/``: how good forecasts are, on the data sets that ship and on public benchmarks;
- ``chaos/``: how far the closed loop follows four chaotic systems;
- ``sequences/``: how well symbols are continued, and how surely odd steps of a log are found;
- ``speed/``: what fits, forecasts and imports cost, beside bare arithmetic and other libraries;
- ``scale/``: seconds and memory of panels of more series than fit into memory;
- ``markdown``, ``tables``: the tables of README and docs, from the results:
  ``python -m benchmarks.tables --write``;
- ``architecture``: the import graph and the code of tsgen in numbers.

The peers of ``requirements-peers.txt`` live in an environment of their own; ``speed/peers.py`` and
``accuracy/peer_models.py`` are started there by the scripts, and import nothing else from here.
"""
