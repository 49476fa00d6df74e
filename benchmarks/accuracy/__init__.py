"""How good forecasts are. Each script says in its docstring which rows its settings were chosen on.

- ``quickcheck``: presets beside two baselines, on the data sets that ship
  (``python -m benchmarks.accuracy.quickcheck``; ``covariates`` and ``coverage`` likewise);
- ``covariates``: what covariates are worth in closed loop;
- ``coverage``: how often the truth lies inside of intervals;
- ``protocol``, ``run``, ``peers``: the tasks of ``tasks.csv``, by tsgen and by other libraries,
  whose models are in ``peer_models``; ``published.csv`` has what others report for the same rows;
- ``results``: the columns and names of the result files of these tasks, one for each run;
- ``tails``: tails of the training rows, by which pretrained weights and recipes are chosen;
  ``tails.csv`` has the figures;
- ``pretrained``: all that is measured of presets with pretrained weights, by one command;
- ``clock``, ``weights``: seconds from frame to forecast, and the names of pretrained weights;
- ``picture``: errors against seconds, from the results;
- ``tables``: what README and docs show of all that.
"""
