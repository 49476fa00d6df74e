"""Air passengers: two years ahead, with intervals.

The best known monthly series: airline passengers, in thousands, with a season that grows with the
level. The last two years are held out, so that the forecast can be compared with what came.
"""

# %%
# `fit` finds the frequency and the season. Training begins with the pretrained weights.
import pandas as pd

import tsgen

df = tsgen.load_dataset("air_passengers")
past, ahead = tsgen.hold_out(df, 24)
model = tsgen.LSTMForecaster(verbose=False).fit(past)
forecast = model.predict(24, level=[80, 95])
forecast.head(3)

# %%
# `plot_forecast` draws the history and the bands.
figure = tsgen.plot_forecast(past, forecast, last=72)
figure.axes[0].plot(ahead["ds"], ahead["y"], "--", color="C0", label="what came")
figure.axes[0].legend(loc="upper left")
figure


# %%
# Beside last year's values, on the same two years (MASE, lower is better).
def mase(fitted):
    return tsgen.score(fitted.backtest(df, 24), "mase", train=past, season_length=12)["mase"]


pd.DataFrame({"tsgen": mase(model), "seasonal naive": mase(tsgen.SeasonalNaive().fit(past))})

# %%
# The season is right, and the level too low: the network damps a trend that goes on for longer
# than most do. One series and one cutoff say little; [measurements](../measurements.md) has more
# of both.
