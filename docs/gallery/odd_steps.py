"""A log, and its odd steps.

A machine writes its state each minute. A generator that has learned the log says how likely each
new step is. A fault is an unlikely one.
"""

# %%
# The log is made up, with two faults in its last hour: `store` and `load` where they don't belong.
import numpy as np
import pandas as pd

import tsgen

rng = np.random.default_rng(0)
cycle = ["idle", "load", "clamp", "drill", "inspect", "store"]
states = np.repeat(cycle * 200, rng.integers(1, 4, 1200))  # each lasts 1 to 3 minutes
minutes = pd.date_range("2026-03-02", periods=len(states), freq="min")
log = pd.DataFrame({"ds": minutes, "y": states})
history, today = log[:-60], log[-60:].copy()
today.iloc[[17, 46], 1] = ["store", "load"]

# %%
# Rows are scored as they come, after all that came before.
monitor = tsgen.LSTMGenerator(hidden_size=32, max_steps=200, verbose=False).fit(history)
scores = monitor.log_likelihood(today, state=monitor.encode(history))
odd = scores.nsmallest(4, "log_likelihood")
odd.sort_values("ds")

# %%
tsgen.plot_symbols(today, marks=odd, order=cycle)

# %%
# The step after a fault is often unlikely, too: with it the log comes back to its cycle. The last
# of the four is none, and far likelier than the others: choose the limit on hours that are in
# order. The fit never saw a fault. A log with faults in its training teaches them, as often as they
# are in it.
