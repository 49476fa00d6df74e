"""What things cost. Each script times two ways side by side, so that figures are ratios of one run.

- ``fit``: training against a bare ``nn.LSTM`` (``python -m benchmarks.speed.fit``);
- ``rollout``: forecasts against bare arithmetic and against ``peers``;
- ``time_to_accuracy``: seconds of fit until errors stay below seasonal naive's, and the peers';
- ``contention``: the same work on a quiet machine and on a busy one;
- ``memory``, ``validation``, ``import_time``: peak memory of a fit, reading a frame, imports;
- ``panels``: the frames that they make; ``tables``: what the docs show of the results.
"""
