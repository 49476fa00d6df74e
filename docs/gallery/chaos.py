"""Chaos and stability.

A loop feeds on its own output: do its errors grow? The map of Hénon is the test, since the answer
is known. Two of its paths that begin side by side part by a factor of e every 2.4 steps: its
largest Lyapunov exponent is 0.419.
"""

# %%
import numpy as np
import pandas as pd

import tsgen

y = np.zeros(3030)
for t in range(2, len(y)):
    y[t] = 1 - 1.4 * y[t - 1] ** 2 + 0.3 * y[t - 2]
series = pd.Series(y, index=pd.RangeIndex(len(y), name="t"), name="y")
past, ahead = series[:3000], series[3000:]
model = tsgen.LSTMForecaster(
    lags=[1, 2], residual=None, window_norm=False, hidden_size=32, max_steps=1500,
    learning_rate=5e-3, verbose=False,
).fit(past)  # fmt: skip
model.stability()

# %%
# The exponent of the rollout is near that of the map: the network has learned how it moves. So its
# forecast must part from the truth, as any would, and then goes its own way. `leaves_range_at` is
# the step at which it is first outside of the values in training, by however little.
figure = tsgen.plot_forecast(past, model.predict(30), last=10)
figure.axes[0].plot(ahead.index, ahead, "--", color="C0", label="what came")
figure.axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
figure

# %%
# The exponent is an average over 1,000 steps of one path. Above 0, don't trust single values beyond
# some multiples of its inverse; a mean or a spread of paths may still be right.
